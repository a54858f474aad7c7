r"""The gain that an activation needs: what :math:`1/\sqrt{\mathrm{E}[f(x)^2]}` is for it.

The inputs are independent standard normal variables: for a gate :math:`a\,g(b)`, whose two inputs
come from different units of one dense layer, :math:`\mathrm{E}[a^2]\,\mathrm{E}[g(b)^2]`, so that
its gain is that of :math:`g`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import erf, sqrt
from types import MappingProxyType
from typing import Any

import numpy as np

from course_lib import activations
from course_lib._checks import as_integer
from course_lib._typing import Array
from course_lib.activations import CATALOGUE, Activation
from course_lib.activations.parameters import Fixed

GATES: Mapping[Callable[..., Array], str] = MappingProxyType(
    {
        activations.glu: "sigmoid",
        activations.reglu: "relu",
        activations.geglu: "gelu",
        activations.swiglu: "silu",
    }
)
"""The activation of the second half, for each gated unit of the catalogue."""


def computed_gain(row: Activation) -> float:
    r"""Return the gain of an activation, :math:`1/\sqrt{\mathrm{E}[f(x)^2]}`.

    Of the catalogue, the number that stands there; of a gate, that of its :math:`g`; of maxout and
    of a function of the user's own, an integral.

    Raises
    ------
    ValueError
        If it works over an axis, or makes one unit of several inputs in a way that is not known.

    Notes
    -----
    The largest of two standard normal variables has :math:`\mathrm{E}[\max(a, b)^2] = 1`, that of
    k has the density :math:`k\,\varphi(x)\,\Phi(x)^{k-1}`.

    The gain keeps a variance of 1. What follows from another one depends on the activation:
    ReGLU squares it in each layer, and GEGLU and SwiGLU nearly do, so that in a deep network of
    these small deviations grow fast and a normalization is needed.

    Examples
    --------
    >>> from course_lib.activations import get
    >>> [round(computed_gain(get(name)), 3) for name in ("relu", "reglu", "silu", "swiglu")]
    [1.414, 1.414, 1.677, 1.677]
    >>> computed_gain(get("maxout")), round(computed_gain(get("maxout", pieces=4)), 3)
    (1.0, 0.803)
    """
    for entry in CATALOGUE.values():
        if entry.function is row.function and entry.gain is not None:
            return entry.gain
    function: Any = row.function
    if isinstance(function, Fixed) and row.gain is not None:  # of these parameters
        return row.gain
    while isinstance(function, partial):  # parameters that are fixed
        function = function.func
    if function in GATES:
        return float(CATALOGUE[GATES[function]].gain or np.nan)
    if function is activations.maxout:
        return _gain_of_largest(as_integer("pieces", row.parameters["pieces"]))
    if row.kind == "groups":
        if row.gain is not None:
            return row.gain
        raise ValueError(
            f"no gain is known for {row.name!r}, which makes one output of several inputs; give "
            f"its row a gain, or take another initialization"
        )
    from course_lib import meanfield  # an integral, which no function of the catalogue needs

    return meanfield.gain(row)


def _gain_of_largest(pieces: int) -> float:
    """Return the gain of the largest of some standard normal variables."""
    if pieces <= 2:
        return 1.0
    from course_lib.meanfield import expectation

    def square(x: Array) -> Array:
        below = np.array([(1 + erf(value / sqrt(2))) / 2 for value in x])
        return np.asarray(pieces * np.square(x) * below ** (pieces - 1))

    return float(1 / np.sqrt(expectation(square)))
