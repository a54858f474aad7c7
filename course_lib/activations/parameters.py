"""Rows of the catalogue with other parameters, and what is then true of them."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from math import sqrt
from numbers import Real
from typing import Any

import numpy as np

from course_lib._checks import (
    as_flag,
    as_integer,
    as_number,
    check_integer,
    describe,
    unknown_name,
)
from course_lib.activations.activation import Activation
from course_lib.activations.rows import check_axis

__all__ = ["with_parameters"]


class Fixed(partial[Any]):
    """A function with parameters, equal to another one with the same."""

    def __eq__(self, other: object) -> bool:
        """Compare function and parameters."""
        if not isinstance(other, Fixed):
            return NotImplemented
        return (self.func, self.keywords) == (other.func, other.keywords)

    def __hash__(self) -> int:
        """Hash what is compared."""
        return hash((self.func, frozenset(self.keywords)))


def with_parameters(
    row: Activation, parameters: Mapping[str, Any], base: Activation | None
) -> Activation:
    """Return a row with its parameters fixed, and the properties that it then has.

    Parameters
    ----------
    row : Activation
        Of the catalogue, or your own; some of its parameters may be fixed already.
    parameters : mapping of str to object
        Keyword parameters of its function.
    base : Activation, optional
        The row of the catalogue that `row` was made of; None for a function of your own.

    Returns
    -------
    Activation
        Whose function and derivative are called with these parameters; named as it is called. What
        is true of your own function with other parameters is not known.

    Raises
    ------
    TypeError
        If the function has no such parameter (the nearest is suggested), or one of an elementwise
        function is not a number: a generator of random numbers would give the derivative others.
    ValueError
        If a number is not finite, or the function rejects it.

    Examples
    --------
    >>> from course_lib.activations import CATALOGUE
    >>> row = CATALOGUE["leaky_relu"]
    >>> with_parameters(row, {"negative_slope": 0.2}, row).name
    'leaky_relu(negative_slope=0.2)'
    """
    given = {name: _plain(row, name, value) for name, value in parameters.items()}
    function, derivative = (Fixed(f, **given) for f in (row.function, row.derivative))
    settings = ", ".join(f"{name}={value!r}" for name, value in function.keywords.items())
    fixed = replace(
        row,
        name=f"{row.name.partition('(')[0]}({settings})",
        function=function,
        derivative=derivative,
        gain=None,
        pytorch="",
        jax="",
        keras="",
        tensorflow="",
    )
    if base is None:
        rule = row.pullback_rule
        return replace(
            fixed,
            pullback_rule=None if rule is None else Fixed(rule, **given),
            range=None,
            lipschitz=None,
            monotonic=None,
            kinks=(),
            kink_derivatives=(),
        )
    if not row.elementwise:
        return fixed
    settled = fixed.parameters
    # the function itself rejects here what it does not take
    steepest = float(np.abs(derivative(np.array([-1e-30, 1.0]))).max())
    kinks = tuple(at for at in _kinks(base, settled) if _bends(fixed, at))
    low, high, monotonic = _course(base, settled)
    return replace(
        fixed,
        range=(low, high),
        lipschitz=np.inf if _jumps(base, settled) else max(_largest(base, settled), steepest),
        monotonic=monotonic,
        kinks=kinks,
        kink_derivatives=tuple(derivative(np.array(kinks)).tolist()),
        gain=_gain(base, settled),
    )


def _plain(row: Activation, name: str, value: Any) -> Any:
    """Return a parameter as it is kept, or raise an error where it cannot be."""
    known = row.parameters
    if name not in known:
        if not known:
            raise TypeError(f"{row.name!r} takes no parameters; {name} is given")
        raise TypeError(unknown_name(f"parameter of {row.name!r}", name, known))
    if isinstance(value, np.generic | np.ndarray) and not value.ndim:
        value = value.item()  # written as 0.2, not as np.float64(0.2)
    if not row.elementwise:
        _check_over_axis(row, name, value)
        return value
    whole = value if isinstance(value, int) else None
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(
            f"{name} is {describe(value)}; expected one number, which {row.name!r} keeps; pass "
            f"anything else with each call, or let the layer PReLU have one slope for each feature"
        )
    number = as_number(name, value)
    return whole if whole is not None else number


def _check_over_axis(row: Activation, name: str, value: Any) -> None:
    """Raise an error for what the functions over an axis do not take, before they see an array."""
    if name == "axis":
        one = row.kind == "groups" and "keepdims" not in row.parameters  # which logsumexp has
        check = partial(as_integer, "axis") if one else check_axis
        check(value)
    elif name == "keepdims":
        as_flag("keepdims", value)
    elif name == "pieces":
        check_integer("pieces", as_integer("pieces", value))


def _largest(base: Activation, parameters: Mapping[str, Any]) -> float:
    """Return the largest derivative of a row, but for those of ELU and of two lines."""
    match base.name:
        case "hard_shrink":  # but for its jumps
            return 1.0
        case "hard_sigmoid":
            return float(parameters["slope"])
    return float(base.lipschitz or 0)


def _jumps(base: Activation, parameters: Mapping[str, Any]) -> bool:
    """Return whether the function itself, not only its derivative, jumps at its threshold."""
    match base.name:
        case "threshold":
            return bool(parameters["value"] != parameters["threshold"])
        case "hard_shrink":
            return bool(parameters["threshold"] > 0)
    return False


def _course(base: Activation, parameters: Mapping[str, Any]) -> tuple[float, float, bool]:
    """Return infimum, supremum and monotonicity of a row with other parameters."""
    assert base.range is not None and base.monotonic is not None, "stated in the catalogue"
    low, high = base.range
    match base.name:
        case "leaky_relu" | "prelu" | "rrelu":
            slope = _negative_slope(parameters)
            return (low if slope > 0 else 0.0), high, bool(slope >= 0)
        case "threshold":
            value, at = float(parameters["value"]), float(parameters["threshold"])
            return min(value, at), high, value <= at
        case "elu" | "celu":
            alpha = float(parameters["alpha"])
            return min(-alpha, 0.0), high, alpha >= 0
        case "hard_tanh":
            return float(parameters["min_val"]), float(parameters["max_val"]), base.monotonic
        case "relu6":
            return low, float(parameters["max_value"]), base.monotonic
        case "swish":
            return low / float(parameters["beta"]), high, base.monotonic
    return low, high, base.monotonic


def _negative_slope(parameters: Mapping[str, Any]) -> float:
    """Return the derivative for x < 0 of two lines through 0."""
    if "negative_slope" in parameters:
        return float(parameters["negative_slope"])
    return (float(parameters["lower"]) + float(parameters["upper"])) / 2


def _gain(base: Activation, parameters: Mapping[str, Any]) -> float | None:
    """Return the gain of two lines through 0, and None of others, which need an integral."""
    if base.name not in ("leaky_relu", "prelu", "rrelu"):
        return None
    return sqrt(2 / (1 + _negative_slope(parameters) ** 2))


def _kinks(base: Activation, parameters: Mapping[str, Any]) -> tuple[float, ...]:
    """Return where the derivative of a row may jump."""
    match base.name:
        case "hard_tanh":
            return float(parameters["min_val"]), float(parameters["max_val"])
        case "relu6":
            return 0.0, float(parameters["max_value"])
        case "hard_sigmoid":
            return _ends_of_the_line(base, **parameters)
    if "threshold" in parameters:
        at = float(parameters["threshold"])
        return (at,) if base.name == "threshold" or not at else (-at, at)
    return (0.0,) if base.name == "elu" else base.kinks


def _ends_of_the_line(base: Activation, slope: float, offset: float) -> tuple[float, float]:
    """Return where a hard sigmoid reaches 0 and 1: the float there, or the first one outside."""
    if (slope, offset) == (base.parameters["slope"], base.parameters["offset"]):
        return -3.0, 3.0
    ends = np.array([-float(offset), 1 - float(offset)]) / float(slope)
    while (rises := base.derivative(ends, slope=slope, offset=offset) > 0).any():
        ends = np.where(rises, np.nextafter(ends, (-np.inf, np.inf)), ends)
    return float(ends[0]), float(ends[1])


def _bends(row: Activation, at: float) -> bool:
    """Return whether the derivative jumps: with some parameters two lines are one."""
    near = 1e-9 * max(1.0, abs(at))
    return bool(np.ptp(row.derivative(at + near * np.array([-1, 0, 1]))) > 1e-6)
