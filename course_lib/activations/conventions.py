"""What all activations share: the checks of their parameters."""

from math import isfinite
from numbers import Real
from typing import Any

__all__ = ["check_above", "check_finite", "check_not_below", "check_order"]


def check_finite(name: str, value: Any) -> None:
    """Raise ValueError if a parameter is not a finite number."""
    if not isinstance(value, Real) or not isfinite(value):
        raise ValueError(f"{name} is {value!r}; accepted is a finite number")


def check_above(name: str, value: Any, bound: float) -> None:
    """Raise ValueError if a parameter is not a finite number above the bound."""
    if not isinstance(value, Real) or not isfinite(value) or value <= bound:
        raise ValueError(f"{name} is {value!r}; accepted is a finite number above {bound}")


def check_not_below(name: str, value: Any, bound: float) -> None:
    """Raise ValueError if a parameter is not a finite number from the bound on."""
    if not isinstance(value, Real) or not isfinite(value) or value < bound:
        raise ValueError(f"{name} is {value!r}; accepted is a finite number from {bound} on")


def check_order(low_name: str, low: Any, high_name: str, high: Any) -> None:
    """Raise ValueError if two parameters are not finite, or not in order."""
    check_finite(low_name, low)
    check_finite(high_name, high)
    if low > high:
        raise ValueError(
            f"{low_name} is {low!r} and {high_name} {high!r}; accepted is {low_name} <= {high_name}"
        )
