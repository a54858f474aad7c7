r"""Fast forms of GELU and its approximations, SiLU and swish, and Mish."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from course_lib import _constants
from course_lib._typing import Array
from course_lib.activations import self_gated as plain
from course_lib.activations.fused.pieces import (
    Both,
    Form,
    Pairs,
    mirrored,
    near,
    product_and_lost,
    rectified,
    shifted,
    square_of_one_plus,
)
from course_lib.activations.nodes import as_tables, capped, clipped, expm1_near_0, look_up, nodes
from course_lib.numerics import mills_excess_pair, polynomial, scaled_mills
from course_lib.pairs import (
    Pair,
    decay_scaled,
    divide,
    multiply,
    rounded,
    scaled,
    split,
    two_product,
    two_sum,
)

__all__ = ["FUSED"]

# ---------------------------------------------------------------------------------------------
# The input times a sigmoid
# ---------------------------------------------------------------------------------------------


def _swish(x: Array, *, beta: float = 1.0) -> Both:
    per_unit, end, terms = _SWISH[x.dtype.itemsize]
    size = capped(np.abs(x), end / beta)
    t, lost = product_and_lost(size, beta)
    index, d = near(t, per_unit, _constants.SILU_ZERO, lost)
    z, bracket = (look_up(part, index) for part in _swish_table(x.dtype))
    bracket -= d
    rest = expm1_near_0(np.negative(d, out=d), terms)
    return _gated(x, size, z, bracket, rest)


_SWISH = {4: (32, 105.0, 3), 8: (64, 750.0, 6)}  # nodes in a unit, where all is 0, terms


def _gated(x: Array, t: Array, z: Array, bracket: Array, rest: Array) -> Both:
    """Return x / (1 + z) for x > 0 and its derivative, from both at nodes and what z grows by."""
    rest *= z
    z += rest
    bracket += rest
    bracket *= z
    bracket /= square_of_one_plus(z)
    z /= 1 + z
    z *= t  # what is lacking to ReLU on both sides
    return np.subtract(rectified(x), z, out=z), mirrored(x, bracket)


@cache
def _swish_table(dtype: Any) -> Both:
    """Return z and 1 + z - t at the nodes."""
    per_unit, end, _ = _SWISH[dtype.itemsize]
    t, missing = shifted(nodes(0, end, per_unit), _constants.SILU_ZERO, per_unit)
    z = decay_scaled(t, missing)
    return _gate_table(dtype, z, (t, missing), round(_constants.SILU_ZERO[0] * per_unit))


def _gate_table(dtype: Any, decay: tuple[Pair, Any], s: Pair, zero: int) -> tuple[Array, Array]:
    """Return z and 1 + z - s, which is 0 at one place."""
    z, exponent = decay
    total, lost = two_sum(1.0, -s[0])
    total, more = two_sum(total, scaled(z[0], exponent))
    bracket = total + (lost + more - s[1] + scaled(z[1], exponent))
    bracket[zero] = 0
    first, second = as_tables(dtype, scaled(rounded(z), exponent), bracket)
    return first, second


def _silu(x: Array) -> Both:
    return _swish(x)


def _quick_gelu(x: Array) -> Both:
    return _swish(x, beta=plain.QUICK_BETA)


def _gelu_tanh(x: Array) -> Both:
    """With w and t w', cubic in t, whose changes from a node are multiples of the distance."""
    per_unit, end, terms = _GELU_TANH[x.dtype.itemsize]
    t = capped(np.abs(x), end)
    index, d = near(t, per_unit, _constants.GELU_TANH_ZERO)
    z, bracket = (look_up(part, index) for part in _gelu_tanh_table(x.dtype))
    node = t - d
    squares = t + node
    squares *= squares
    squares -= node * t  # t^2 + t a + a^2
    squares *= _constants.GELU_TANH_CUBIC
    d *= _constants.GELU_TANH_FACTOR[0]
    change = d * squares
    bracket -= d + 3 * change
    d += change
    rest = expm1_near_0(np.negative(d, out=d), terms)
    return _gated(x, t, z, bracket, rest)


_GELU_TANH = {4: (128, 11.0, 5), 8: (512, 22.0, 10)}


@cache
def _gelu_tanh_table(dtype: Any) -> Both:
    """Return z = e^-w and 1 + z - t w' at the nodes."""
    per_unit, end, _ = _GELU_TANH[dtype.itemsize]
    t, missing = shifted(nodes(0, end, per_unit), _constants.GELU_TANH_ZERO, per_unit)
    linear, cubic = plain.gelu_tanh_parts(t)
    thrice = two_product(cubic[0], 3.0)
    w, w_lost = plain.times_one_plus(linear, cubic)
    s, s_lost = plain.times_one_plus(linear, (thrice[0], thrice[1] + 3 * cubic[1]))
    unit = _constants.GELU_TANH_FACTOR[0] * missing
    z = decay_scaled(w, w_lost + unit * (1 + 3 * cubic[0]))
    zero = round(_constants.GELU_TANH_ZERO[0] * per_unit)
    return _gate_table(dtype, z, (s, s_lost + unit * (1 + 9 * cubic[0])), zero)


# ---------------------------------------------------------------------------------------------
# GELU, and Mish
# ---------------------------------------------------------------------------------------------


def _gelu(x: Array) -> Both:
    r"""With Mills' ratio m, which solves m' = t m - 1, by its series around a node."""
    width = x.dtype.itemsize
    per_unit, end, powers, terms = _GELU[width]
    t = capped(np.abs(x), end)
    index, d = near(t, per_unit, _constants.MILLS_ZERO)
    density, mills, left = (look_up(part, index) for part in _gelu_table(x.dtype))
    node = t - d
    series = [mills, node * mills - 1]
    for n in range(2, powers):
        following = node * series[-1]
        following += series[-2]
        following *= 1 / n
        series.append(following)
    change = polynomial(series[1:], d)
    change *= d
    mills += change
    change -= d
    left += change  # m - t
    density += density * expm1_near_0(d * (0.5 * d - t), terms)
    left *= density
    mills *= density
    mills *= t  # what is lacking to ReLU on both sides
    return np.subtract(rectified(x), mills, out=mills), mirrored(x, left)


_GELU = {4: (64, 14.5, 4, 5), 8: (512, 39.0, 6, 8)}


@cache
def _gelu_table(dtype: Any) -> tuple[Array, ...]:
    """Return the normal density, Mills' ratio m, and m - t at the nodes."""
    per_unit, end, _, _ = _GELU[dtype.itemsize]
    t, missing = shifted(nodes(0, end, per_unit), _constants.MILLS_ZERO, per_unit)
    square = multiply(split(t, missing), split(t, missing))
    curve, exponent = decay_scaled(square[0] / 2, square[1] / 2)
    density = scaled(rounded(multiply(split(*curve), _one(_constants.DENSITY_AT_0))), exponent)
    ratio = divide(scaled_mills(t), split(*two_sum(1.0, t)))
    mills = rounded(multiply(ratio, _one(_constants.ROOT_OF_2_PI)))
    excess = rounded(multiply(split(*mills_excess_pair(t)), _one(_constants.ROOT_OF_2_PI)))
    change = t * mills - 1  # the derivative of Mills' ratio
    excess += missing * (change - 1)
    excess[round(_constants.MILLS_ZERO[0] * per_unit)] = 0
    return as_tables(dtype, density, mills + missing * change, excess)


def _one(number: Pair) -> Pair:
    """Return a number and what is missing to it as a pair of arrays."""
    return split(np.array([number[0]]), number[1])


def _mish(x: Array) -> Both:
    r"""With y = e^x and n = y (2 + y): the value is x n/(2 + n), the derivative y h/(2 + n)^2.

    Their h = 4 + 6y + 4y^2 + y^3 + 4x (1 + y) is 0 at one node, and its change from a node, where y
    is Y, is (y - Y) (6 + 4a + 4 (y + Y) + y^2 + yY + Y^2) + 4d (1 + y).
    """
    per_unit, end, most, terms = _MISH[x.dtype.itemsize]
    inside = clipped(x, -end, most)
    index, d = near(inside, per_unit, _MISH_ZERO)
    index += round(end * per_unit)
    at_node, h = (look_up(part, index) for part in _mish_table(x.dtype))
    change = expm1_near_0(d, terms)
    change *= at_node
    y = at_node + change
    factor = at_node + y
    factor *= factor + 4
    factor -= at_node * y
    node = np.subtract(inside, d, out=at_node)
    node *= 4
    factor += node
    factor += 6
    change *= factor
    h += change
    d *= 4
    d *= 1 + y
    h += d
    h *= y
    n = y + 2
    n *= y
    below = 2 + n
    n /= below
    n *= np.maximum(x, -end)
    below *= below
    h /= below
    return n, h


_MISH = {4: (32, 105.0, 20.0, 4), 8: (64, 750.0, 40.0, 7)}  # and from where on it is x
_MISH_ZERO = (-_constants.MISH_ZERO[0], -_constants.MISH_ZERO[1])


@cache
def _mish_table(dtype: Any) -> tuple[Array, ...]:
    """Return e^x and h at the nodes."""
    per_unit, end, most, _ = _MISH[dtype.itemsize]
    x, missing = shifted(nodes(-end, most, per_unit), _MISH_ZERO, per_unit)
    y, exponent = decay_scaled(-x, -missing)
    parts = split(scaled(y[0], exponent), scaled(y[1], exponent))
    square = multiply(parts, parts)
    total, lost = two_sum(4 * x, 6.0)
    total, more = two_sum(total, 4 * parts[0])
    inner, most_lost = two_sum(total, square[0])
    inner_lost = lost + more + most_lost + 4 * parts[1] + square[1]
    product, rest = multiply(parts, split(inner, inner_lost))
    total, lost = two_sum(4 * x, 4.0)
    h, more = two_sum(total, product)
    h += lost + more + rest + 4 * missing * (1 + parts[0])
    h[round((end + _MISH_ZERO[0]) * per_unit)] = 0
    return as_tables(dtype, scaled(rounded(y), exponent), h)


FUSED: Mapping[Pairs, Form] = MappingProxyType(
    {
        (plain.silu, plain.silu_grad): _silu,
        (plain.swish, plain.swish_grad): _swish,
        (plain.quick_gelu, plain.quick_gelu_grad): _quick_gelu,
        (plain.gelu, plain.gelu_grad): _gelu,
        (plain.gelu_tanh, plain.gelu_tanh_grad): _gelu_tanh,
        (plain.mish, plain.mish_grad): _mish,
    }
)
