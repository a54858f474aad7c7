"""Arrays and tensors: what a caller passes, in the form in which it is used."""

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from course_lib import _checks
from course_lib._typing import Array

__all__ = ["array_of", "as_array", "as_tensor", "first_parameter"]


def array_of(tensor: torch.Tensor) -> Array:
    """Return a tensor, also one on a GPU, as an array; of bfloat16, which NumPy lacks, in float32.

    Examples
    --------
    >>> array_of(torch.ones(2, dtype=torch.bfloat16))
    array([1., 1.], dtype=float32)
    """
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def as_array(name: str, values: ArrayLike | torch.Tensor) -> Array:
    """Return values as an array; errors are those of `course_lib._checks.as_array`."""
    given = array_of(values) if isinstance(values, torch.Tensor) else values
    return _checks.as_array(name, given)


def as_tensor(
    name: str,
    values: ArrayLike | torch.Tensor,
    like: torch.Tensor,
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """Return values as a tensor on the device of another one, and in its dtype if none is given.

    Raises
    ------
    TypeError
        If they are not numbers.
    ValueError
        As `as_array` raises it.
    """
    if not isinstance(values, torch.Tensor):
        array = as_array(name, values)  # by way of NumPy, lists keep all digits of their numbers
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{name} is of dtype {array.dtype}; expected numbers")
        # PyTorch takes no other byte order, no steps backwards, and warns of what is read-only
        native = array.dtype.newbyteorder("=")
        values = torch.from_numpy(np.require(array, native, ["C", "W"]))
    return values.to(dtype or like.dtype).to(like.device)


def first_parameter(model: nn.Module) -> torch.Tensor:
    """Return a parameter, which tells the module's dtype and device.

    Raises
    ------
    ValueError
        If the module has none.
    """
    for parameter in model.parameters():
        return parameter
    raise ValueError(f"{type(model).__name__} has no parameters, which would tell dtype and device")
