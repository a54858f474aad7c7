r"""Fast forms of the sigmoids."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from course_lib._typing import Array
from course_lib.activations import sigmoids as plain
from course_lib.activations.fused.pieces import (
    Both,
    Form,
    FunctionPair,
    mirrored,
    square_of_one_plus,
)
from course_lib.activations.nodes import (
    as_tables,
    capped,
    exp_minus,
    look_up,
    nearest,
    nodes,
    numbers,
    softplus_minus,
    tanh_and_derivative,
    tanh_at_nodes,
)
from course_lib.numerics import polynomial

__all__ = ["FUSED"]


def _sigmoid(x: Array) -> Both:
    z = exp_minus(np.abs(x))
    derivative = square_of_one_plus(z)
    np.divide(z, derivative, out=derivative)
    one, zero = numbers(x.dtype, 1, 0)
    z /= one + z
    return np.abs(np.subtract(x >= zero, z, out=z), out=z), derivative


def _log_sigmoid(x: Array) -> Both:
    negative = np.negative(x)
    value, left = softplus_minus(np.abs(x))
    return np.minimum(x, 0) - value, mirrored(negative, left)


def _lecun_tanh(x: Array) -> Both:
    value, derivative = tanh_and_derivative(x, 1.5)
    value *= plain.LECUN_HEIGHT
    derivative *= plain.LECUN_HEIGHT * 2 / 3
    return value, derivative


def _tanh_shrink(x: Array) -> Both:
    r"""With a node a below t, what is left, d, and v = tanh t, of which nothing cancels.

    It is (a - tanh a) + (d - tanh d) + v tanh a tanh d.
    """
    per_unit, terms = _SHRINK[x.dtype.itemsize]
    t = np.abs(x)
    short = capped(t, _SHRINK_END)
    index, d = nearest(short, per_unit, 0.5)
    value, at_node = (look_up(part, index) for part in _shrink_table(x.dtype))
    square = d * d
    lack = polynomial(_LACK[:terms], square)
    lack *= square
    lack *= d
    d -= lack  # tanh d
    product = d * at_node
    d *= 1 - at_node * at_node
    d /= 1 + product
    at_node += d  # tanh t
    product *= at_node
    product += lack
    value += product
    if short is not t:
        value += t - short
    at_node *= at_node
    return np.copysign(value, x, out=value), at_node


_SHRINK = {4: (64, 2), 8: (64, 5)}  # nodes in a unit, terms
_SHRINK_END = 20.0  # beyond, tanh is 1
_LACK = (1 / 3, -2 / 15, 17 / 315, -62 / 2835, 1382 / 155925)  # Maclaurin's, of x - tanh x


@cache
def _shrink_table(dtype: Any) -> tuple[Array, ...]:
    t = nodes(0, _SHRINK_END, _SHRINK[dtype.itemsize][0])
    (value, rest), _ = tanh_at_nodes(t)
    lack = np.where(t < 1.5, plain.tanh_lack(np.minimum(t, 1.5)), t - value - rest)
    return as_tables(dtype, lack, np.where(t < 1.5, t - lack, value + rest))


FUSED: Mapping[FunctionPair, Form] = MappingProxyType(
    {
        (plain.sigmoid, plain.sigmoid_grad): _sigmoid,
        (plain.log_sigmoid, plain.log_sigmoid_grad): _log_sigmoid,
        (plain.tanh, plain.tanh_grad): tanh_and_derivative,
        (plain.lecun_tanh, plain.lecun_tanh_grad): _lecun_tanh,
        (plain.tanh_shrink, plain.tanh_shrink_grad): _tanh_shrink,
    }
)
