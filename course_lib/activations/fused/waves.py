r"""Fast form of the Gaussian."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from course_lib._typing import Array
from course_lib.activations import waves as plain
from course_lib.activations.fused.pieces import Both, Form, FunctionPair
from course_lib.activations.nodes import as_tables, clipped, expm1_near_0, look_up, nearest, nodes
from course_lib.pairs import bell_scaled, rounded, scaled

__all__ = ["FUSED"]


def _gaussian(x: Array) -> Both:
    per_unit, end, terms = _GAUSSIAN[x.dtype.itemsize]
    inside = clipped(x, -end, end)
    t = np.abs(inside)
    index, d = nearest(t, per_unit)
    value = look_up(_gaussian_table(x.dtype), index)
    t *= 2
    d *= d - t  # a^2 - t^2, with the node a
    value += value * expm1_near_0(d, terms)
    derivative = -2 * inside
    derivative *= value
    return value, derivative


_GAUSSIAN = {4: (128, 10.5, 5), 8: (512, 28.0, 8)}  # nodes in a unit, where all is 0, terms


@cache
def _gaussian_table(dtype: Any) -> Array:
    per_unit, end, _ = _GAUSSIAN[dtype.itemsize]
    curve, exponent = bell_scaled(nodes(0, end, per_unit), 1)
    return as_tables(dtype, scaled(rounded(curve), exponent))[0]


FUSED: Mapping[FunctionPair, Form] = MappingProxyType(
    {(plain.gaussian, plain.gaussian_grad): _gaussian}
)
