"""The checks that all parameters of activations go through."""

from math import isfinite
from operator import index
from typing import Any

import numpy as np

__all__ = ["check_between", "check_finite", "check_generator", "check_integer", "check_order"]


def _as_number(value: Any) -> float | None:
    """Return a real number, also one in a 0-d array, as a float; None for anything else."""
    if isinstance(value, bool | np.bool | str | bytes):
        return None
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if isfinite(number) else None


def check_finite(name: str, value: Any) -> float:
    """Return a parameter as a float, or raise ValueError if it is not a finite number."""
    number = _as_number(value)
    if number is None:
        raise ValueError(f"{name} is {value!r}; expected a finite number")
    return number


def check_between(name: str, value: Any, low: float, high: float) -> float:
    """Return a parameter as a float, or raise ValueError if it is not between the bounds."""
    number = _as_number(value)
    if number is None or not low <= number <= high:
        raise ValueError(f"{name} is {value!r}; expected a number from {low:g} to {high:g}")
    return number


def check_order(low_name: str, low: Any, high_name: str, high: Any) -> tuple[float, float]:
    """Return two parameters as floats, or raise ValueError if they are not finite or in order."""
    first, second = check_finite(low_name, low), check_finite(high_name, high)
    if first > second:
        raise ValueError(
            f"{low_name} is {low!r} and {high_name} {high!r}; expected {low_name} <= {high_name}"
        )
    return first, second


def check_integer(name: str, value: Any) -> int:
    """Return a parameter as an int, or raise TypeError if it is not an integer."""
    try:
        if not isinstance(value, bool | np.bool):
            return index(value)
    except TypeError:
        pass
    raise TypeError(f"{name} is {value!r}; expected an integer")


def check_generator(rng: Any) -> None:
    """Raise TypeError if this is not NumPy's generator of random numbers, nor None."""
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}; expected a generator, as np.random.default_rng(0)")
