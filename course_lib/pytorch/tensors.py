"""Arrays, tensors and devices: what a caller passes, in the form in which it is used."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from course_lib import _checks
from course_lib._checks import check_type
from course_lib._typing import Array

__all__ = [
    "array_of",
    "as_array",
    "as_device",
    "as_tensor",
    "first_parameter",
    "fixed_random_numbers",
]


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


def as_device(device: str | torch.device, *, present: bool = True) -> torch.device:
    """Return a device that PyTorch can compute on.

    Parameters
    ----------
    device : str or torch.device
        Such as ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.
    present : bool
        Whether it must be there, on this machine; otherwise PyTorch must know its name.

    Returns
    -------
    torch.device
        The device.

    Raises
    ------
    ValueError
        If PyTorch knows no such device, or cannot compute on it here.
    TypeError
        If it is something else.

    Examples
    --------
    >>> as_device("cpu")
    device(type='cpu')
    """
    expected = f"a name, such as {' or '.join(map(repr, _devices()))}, or a torch.device"
    check_type("device", device, (str, torch.device), expected)
    try:
        found = torch.device(device)
    except RuntimeError:
        known = ", ".join(_devices())
        raise ValueError(f"unknown device {device!r}; expected one that is here: {known}") from None
    if present:
        _check_present(found)
    return found


def _check_present(device: torch.device) -> None:
    """Raise ValueError unless something can be computed on a device."""
    names = ", ".join(_devices())
    if device.type == "meta":
        raise ValueError(
            f"device is 'meta', which holds no numbers; expected one that is here: {names}"
        )
    try:
        torch.zeros(1, device=device)
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0]
        raise ValueError(
            f"device is {str(device)!r}, on which PyTorch cannot compute here ({reason}); "
            f"expected one that is here: {names}"
        ) from None


def _devices() -> list[str]:
    """Return the names of the devices that are here."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return ["cpu"] if accelerator is None else ["cpu", accelerator.type]


@contextmanager
def fixed_random_numbers(device: torch.device, seed: int = 0) -> Iterator[None]:
    """Draw the same numbers each time, and leave the global state as it was.

    Examples
    --------
    >>> with fixed_random_numbers(torch.device("cpu"), 3):
    ...     first = torch.rand(1)
    >>> with fixed_random_numbers(torch.device("cpu"), 3):
    ...     bool(torch.rand(1) == first)
    True
    """
    elsewhere = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(elsewhere, device_type=device.type):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would touch all devices
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif elsewhere:
            torch.get_device_module(device).manual_seed(seed)
        yield
