"""Rows of the catalogue with other parameters, and what is then true of them."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from course_lib._checks import unknown_name
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
        If the function has no such parameter; the nearest is suggested.

    Examples
    --------
    >>> from course_lib.activations import CATALOGUE
    >>> with_parameters(CATALOGUE["leaky_relu"], {"negative_slope": 0.2}).name
    'leaky_relu(negative_slope=0.2)'
    """
    for name in parameters:
        if name not in row.parameters:
            raise TypeError(unknown_name(f"parameter of {row.name!r}", name, row.parameters))
    function, derivative = (partial(f, **parameters) for f in (row.function, row.derivative))
    kinks = _kinks(row, parameters)
    # no parameter changes the largest derivative, but for those of ELU and of two lines
    steepest = float(np.abs(derivative(np.array([-1e-30, 1.0]))).max()) if row.elementwise else 0.0
    given = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    return replace(
        row,
        name=f"{row.name}({given})",
        function=function,
        derivative=derivative,
        lipschitz=max(row.lipschitz, steepest),
        kinks=kinks,
        kink_derivatives=tuple(derivative(np.array(kinks)).tolist()) if row.elementwise else (),
        gain=None,
        pytorch="",
        jax="",
        keras="",
        tensorflow="",
    )


def _kinks(row: Activation, parameters: Mapping[str, Any]) -> tuple[float, ...]:
    """Return where the derivative of a row with other parameters jumps."""
    if "threshold" in parameters:
        at = float(parameters["threshold"])
        return (at,) if row.name == "threshold" else (-at, at)
    return (0.0,) if row.name == "elu" else row.kinks
