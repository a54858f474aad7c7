"""Rows of the catalogue with other parameters, and what is then true of them."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from course_lib._checks import describe, unknown_name
from course_lib.activations.activation import Activation

__all__ = ["with_parameters"]


def with_parameters(row: Activation, parameters: Mapping[str, Any]) -> Activation:
    """Return a row with its parameters fixed, and the properties that it then has.

    Parameters
    ----------
    row : Activation
        Of the catalogue, or your own.
    parameters : mapping of str to object
        Keyword parameters of its function.

    Returns
    -------
    Activation
        Whose function and derivative are called with these parameters; named as it is called.

    Raises
    ------
    TypeError
        If the function has no such parameter (the nearest is suggested), or one of an elementwise
        function is not a number: a generator of random numbers would give the derivative others.

    Examples
    --------
    >>> from course_lib.activations import CATALOGUE
    >>> with_parameters(CATALOGUE["leaky_relu"], {"negative_slope": 0.2}).name
    'leaky_relu(negative_slope=0.2)'
    """
    for name in parameters:
        if name not in row.parameters:
            raise TypeError(unknown_name(f"parameter of {row.name!r}", name, row.parameters))
        if row.elementwise and not isinstance(parameters[name], Real | np.number):
            raise TypeError(
                f"{name} is {describe(parameters[name])}; expected one number, which {row.name!r} "
                f"keeps; pass anything else with each call, or let the layer PReLU have one slope "
                f"for each feature"
            )
    function, derivative = (partial(f, **parameters) for f in (row.function, row.derivative))
    fixed = replace(
        row,
        name=f"{row.name}({', '.join(f'{name}={value!r}' for name, value in parameters.items())})",
        function=function,
        derivative=derivative,
        gain=None,
        pytorch="",
        jax="",
        keras="",
        tensorflow="",
    )
    if not row.elementwise:
        return fixed
    kinks = _kinks(row, fixed.parameters)
    # no parameter changes the largest derivative, but for those of ELU and of two lines
    steepest = float(np.abs(derivative(np.array([-1e-30, 1.0]))).max())
    steepest = max(row.lipschitz, steepest)
    if row.name == "hard_sigmoid":
        steepest = float(fixed.parameters["slope"])
    low, high, monotonic = _course(row, fixed.parameters)
    return replace(
        fixed,
        range=(low, high),
        lipschitz=np.inf if _jumps(row, fixed.parameters) else steepest,
        monotonic=monotonic,
        kinks=kinks,
        kink_derivatives=tuple(derivative(np.array(kinks)).tolist()),
    )


def _jumps(row: Activation, parameters: Mapping[str, Any]) -> bool:
    """Return whether the function itself, not only its derivative, jumps at its threshold."""
    return row.name == "threshold" and parameters["value"] != parameters["threshold"]


def _course(row: Activation, parameters: Mapping[str, Any]) -> tuple[float, float, bool]:
    """Return infimum, supremum and monotonicity of a row with other parameters."""
    low, high = row.range
    match row.name:
        case "leaky_relu" | "prelu" | "rrelu":  # two lines through 0
            slope = parameters.get("negative_slope")
            if slope is None:
                slope = (parameters["lower"] + parameters["upper"]) / 2
            return (low if slope > 0 else 0.0), high, bool(slope >= 0)
        case "threshold":
            value, at = float(parameters["value"]), float(parameters["threshold"])
            return min(value, at), high, value <= at
        case "elu" | "celu":
            alpha = float(parameters["alpha"])
            return min(-alpha, 0.0), high, alpha >= 0
        case "hard_tanh":
            return float(parameters["min_val"]), float(parameters["max_val"]), row.monotonic
        case "relu6":
            return low, float(parameters["max_value"]), row.monotonic
        case "swish":
            return low / float(parameters["beta"]), high, row.monotonic
    return low, high, row.monotonic


def _kinks(row: Activation, parameters: Mapping[str, Any]) -> tuple[float, ...]:
    """Return where the derivative of a row with other parameters jumps."""
    match row.name:
        case "hard_tanh":
            return float(parameters["min_val"]), float(parameters["max_val"])
        case "relu6":
            return 0.0, float(parameters["max_value"])
        case "hard_sigmoid":
            return _ends_of_the_line(row, **parameters)
    if "threshold" in parameters:
        at = float(parameters["threshold"])
        return (at,) if row.name == "threshold" else (-at, at)
    return (0.0,) if row.name == "elu" else row.kinks


def _ends_of_the_line(row: Activation, slope: float, offset: float) -> tuple[float, float]:
    """Return where a hard sigmoid reaches 0 and 1: the float there, or the first one outside."""
    if (slope, offset) == (row.parameters["slope"], row.parameters["offset"]):
        return -3.0, 3.0
    ends = np.array([-float(offset), 1 - float(offset)]) / float(slope)
    while (rises := row.derivative(ends, slope=slope, offset=offset) > 0).any():
        ends = np.where(rises, np.nextafter(ends, (-np.inf, np.inf)), ends)
    return float(ends[0]), float(ends[1])
