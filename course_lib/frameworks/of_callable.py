"""Functions as versions of a network, of which only inputs and outputs can be seen."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from course_lib._typing import Array
from course_lib.frameworks.traces import Trace, Version

__all__ = ["CallableVersion", "called"]


def called(version: Version, function: Callable[..., Any], inputs: Sequence[Any]) -> Any:
    """Return what a function returns, or raise ValueError that says what it was given.

    Parameters
    ----------
    version : Version
        Whose function it is.
    function : callable
        Takes the inputs.
    inputs : sequence of ndarray or torch.Tensor
        What it is given.

    Returns
    -------
    object
        What it returns.

    Raises
    ------
    ValueError
        If it raises an exception, which is the cause of this one.
    """
    try:
        return function(*inputs)
    except Exception as error:
        shapes = ", ".join(f"{tuple(x.shape)} {x.dtype}" for x in inputs)
        told = str(error).strip().partition("\n")[0][:300] or type(error).__name__
        integers = any("int" in str(x.dtype) for x in inputs)
        hint = " (integers stay integers: 1.0 is a float)" if integers else ""
        raise ValueError(
            f"{version.name} ({version.told}) cannot take these inputs ({shapes}): {told}; "
            f"expected an array, or a tuple of arrays, one for each of its arguments{hint}"
        ) from error


class CallableVersion:
    """A function, which is called with the inputs as they were given.

    Parameters
    ----------
    name : str
        Of the argument.
    function : callable
        Returns an array or tensor of any framework, or a tuple, list or dict of them.
    told : str
        What it is, in words.
    """

    open = at_once = False
    eps = 0.0

    def __init__(self, name: str, function: Callable[..., Any], told: str) -> None:
        self.name, self.told, self._function = name, told, function

    def outputs(self, inputs: Sequence[Any]) -> tuple[Array, ...]:
        """Return what the function returns.

        Raises
        ------
        TypeError
            If that is not numbers.
        """
        found = called(self, self._function, inputs)
        parts = list(found.values()) if isinstance(found, Mapping) else found
        parts = list(parts) if isinstance(parts, list | tuple) else [parts]
        arrays = tuple(_array_of(part) for part in parts)
        if not arrays or any(array.dtype.kind not in "biuf" for array in arrays):
            raise TypeError(
                f"{self.name} returned a {type(found).__name__} that is no array of numbers; "
                f"expected an array, or a tuple or dict of arrays"
            )
        return arrays

    def trace(self, inputs: Sequence[Any], feeds: Mapping[int, Any] | None = None) -> Trace:
        """Return a trace without layers."""
        outputs = self.outputs(inputs)
        return Trace([], outputs, (-1,) * len(outputs))


def _array_of(part: Any) -> Array:
    """Return an output as an array."""
    if hasattr(part, "detach"):  # a tensor of PyTorch
        part = part.detach().cpu()
    try:
        return np.asarray(part)
    except (TypeError, ValueError):
        return np.asarray(None)
