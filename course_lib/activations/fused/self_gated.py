r"""Fast forms of GELU and its approximations, SiLU and swish, and Mish."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import numpy as np

from course_lib import _constants
from course_lib._typing import Array
from course_lib.activations import self_gated as plain
from course_lib.activations.fused.pieces import (
    Both,
    Form,
    FunctionPair,
    Split,
    mirrored,
    near,
    product_and_lost,
    rectified,
    shifted,
)
from course_lib.activations.fused.tabulated import Span, tabulated
from course_lib.activations.nodes import as_tables, capped, clipped, expm1_near_0, look_up, nodes
from course_lib.numerics import mills_excess_pair, polynomial, scaled_mills
from course_lib.pairs import (
    Exponent,
    Pair,
    decay_scaled,
    divide,
    multiply,
    one_plus,
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
    if x.dtype == np.float32:
        return tabulated(x, _swish, _SWISH_SPAN, beta, beta=beta)
    per_unit, end, terms = _SWISH
    size = capped(np.abs(x), end / beta)
    t, lost = product_and_lost(size, beta)
    index, d = near(t, per_unit, _constants.SILU_ZERO, missing=lost)
    gate, bracket = (look_up(part, index) for part in _swish_table())
    growth = expm1_near_0(-d, terms)
    d *= 1 - gate
    return _gated(x, size, t, d, growth, gate, bracket)


_SWISH_SPAN = Span(-117, 24, -_constants.SILU_ZERO[0], 512)  # 0 there, even times 1000
_SWISH = (64, 750.0, 6)  # nodes in a unit, where all is 0, terms


def _gated(
    x: Array, t: Array, s: Array, change: Array, growth: Array, gate: Array, bracket: Array
) -> Both:
    r"""Return :math:`x\,\sigma(w)` and its derivative; both change by what is small.

    With :math:`q = \sigma(-w)` and :math:`s = t\,w'(t)`, the derivative for x < 0 is
    :math:`q\,(1 - s\,(1 - q))`.

    Parameters
    ----------
    x, t, s : ndarray
        The block, its absolute values, cut off where all is 0, and s there.
    change : ndarray
        What s grew by from the node, times 1 - q there.
    growth : ndarray
        What :math:`e^{-w}` grew by, relative to itself.
    gate, bracket : ndarray
        q and the bracket at the node.
    """
    growth *= gate
    below = 1 + growth
    growth *= 1 - gate
    growth /= below  # by how much q grows
    gate += growth
    growth *= s
    bracket -= change
    bracket += growth
    bracket *= gate
    gate *= t  # what is lacking to ReLU on both sides
    return np.subtract(rectified(x), gate, out=gate), mirrored(x, bracket)


@cache
def _swish_table() -> tuple[Array, ...]:
    """Return the gate and the bracket at the nodes."""
    per_unit, end, _ = _SWISH
    t, missing = shifted(nodes(0, end, per_unit), _constants.SILU_ZERO, per_unit)
    decay = decay_scaled(t, missing)
    return _gate_table(decay, (t, missing), round(_constants.SILU_ZERO[0] * per_unit))


def _gate_table(decay: tuple[Pair, Exponent], s: Pair, zero: int) -> tuple[Array, ...]:
    """Return q = z / (1 + z), and 1 - s (1 - q) = (1 + z - s)/(1 + z), which is 0 at one place."""
    z, exponent = decay
    below = one_plus(split(scaled(z[0], exponent), scaled(z[1], exponent)))
    total, lost = two_sum(below[0], -s[0])
    bracket = rounded(divide((total, lost + below[1] - s[1]), below))
    bracket[zero] = 0
    return as_tables(np.float64, scaled(rounded(divide(z, below)), exponent), bracket)


def _silu(x: Array) -> Both:
    return _swish(x)


def _quick_gelu(x: Array) -> Both:
    return _swish(x, beta=plain.QUICK_BETA)


def _gelu_tanh(x: Array) -> Both:
    """With w and s = t w', cubic in t, whose changes from a node are multiples of the distance."""
    if x.dtype == np.float32:
        return tabulated(x, _gelu_tanh, _GELU_TANH_SPAN)
    per_unit, end, terms, lean = _GELU_TANH
    t = capped(np.abs(x), end)
    index, d = near(t, per_unit, _constants.GELU_TANH_ZERO, lean)
    gate, bracket, change = (look_up(part, index) for part in _gelu_tanh_table())
    node = t - d
    s = _cubic(t * t, 3.0)
    s *= t
    squares = t + node
    squares *= squares
    squares -= node * t  # t^2 + t a + a^2
    growth = expm1_near_0(-d * _cubic(squares, 1.0), terms)
    node *= 2
    node += t
    node *= d  # t^2 + t a + a^2 - 3a^2
    node *= 1 - gate
    node *= 3 * _GELU_TANH_THIRD
    change += node
    change *= d
    return _gated(x, t, s, change, growth, gate, bracket)


def _cubic(squares: Array, factor: float) -> Array:
    """Return c (1 + factor * 0.044715 * squares); overwrite them."""
    squares *= factor * _GELU_TANH_THIRD
    squares += _constants.GELU_TANH_FACTOR[0]
    return squares


_GELU_TANH_SPAN = Span(-11, 16, -_constants.GELU_TANH_ZERO[0], 2048)
_GELU_TANH = (1024, 22.0, 9, 0.1)  # as above, and by how much nodes lean
_GELU_TANH_THIRD = _constants.GELU_TANH_FACTOR[0] * _constants.GELU_TANH_CUBIC


@cache
def _gelu_tanh_table() -> tuple[Array, ...]:
    """Return the gate, the bracket and s' (1 - q) at the nodes."""
    per_unit, end, *_ = _GELU_TANH
    t, missing = shifted(nodes(0, end, per_unit), _constants.GELU_TANH_ZERO, per_unit)
    linear, cubic = plain.gelu_tanh_parts(t)
    thrice = two_product(cubic[0], 3.0)
    w, w_lost = plain.times_one_plus(linear, cubic)
    s, s_lost = plain.times_one_plus(linear, (thrice[0], thrice[1] + 3 * cubic[1]))
    unit = _constants.GELU_TANH_FACTOR[0] * missing
    z = decay_scaled(w, w_lost + unit * (1 + 3 * cubic[0]))
    zero = round(_constants.GELU_TANH_ZERO[0] * per_unit)
    gate, bracket = _gate_table(z, (s, s_lost + unit * (1 + 9 * cubic[0])), zero)
    nine = two_product(cubic[0], 9.0)
    high, low = _constants.GELU_TANH_FACTOR
    steep = plain.times_one_plus(
        (np.full_like(t, high), np.full_like(t, low)), (nine[0], nine[1] + 9 * cubic[1])
    )
    below = one_plus(split(scaled(z[0][0], z[1]), scaled(z[0][1], z[1])))
    return gate, bracket, *as_tables(np.float64, rounded(divide(steep, below)))


# ---------------------------------------------------------------------------------------------
# GELU, and Mish
# ---------------------------------------------------------------------------------------------


def _gelu(x: Array) -> Both:
    r"""With Mills' ratio m, which solves m' = t m - 1, by its series around a node."""
    if x.dtype == np.float32:
        return tabulated(x, _gelu, _GELU_SPAN)
    per_unit, end, powers, terms = _GELU
    t = capped(np.abs(x), end)
    index, d = near(t, per_unit, _constants.MILLS_ZERO)
    tail, density, mills, left = (look_up(part, index) for part in _gelu_table())
    node = t - d
    series = [mills, node * mills - 1]
    for n in range(2, powers):
        following = node * series[-1]
        following += series[-2]
        following *= 1 / n
        series.append(following)
    change = polynomial(series[1:], d)
    change *= d
    left += change - d  # m - t
    growth = expm1_near_0(d * (0.5 * d - t), terms)  # of the density, relative to itself
    change /= mills
    change *= 1 + growth
    change += growth
    tail += tail * change
    tail *= t  # what is lacking to ReLU on both sides
    density += density * growth
    left *= density
    return np.subtract(rectified(x), tail, out=tail), mirrored(x, left)


_GELU_SPAN = Span(-15, 16, -_constants.MILLS_ZERO[0])
_GELU = (512, 39.0, 6, 8)


@cache
def _gelu_table() -> tuple[Array, ...]:
    """Return the normal tail and density, their ratio m, Mills', and m - t at the nodes."""
    per_unit, end, *_ = _GELU
    t, missing = shifted(nodes(0, end, per_unit), _constants.MILLS_ZERO, per_unit)
    square = multiply(split(t, missing), split(t, missing))
    curve, exponent = decay_scaled(square[0] / 2, square[1] / 2)
    density = multiply(split(*curve), _one(_constants.DENSITY_AT_0))
    ratio = divide(scaled_mills(t), split(*two_sum(1.0, t)))
    mills, rest = multiply(ratio, _one(_constants.ROOT_OF_2_PI))
    excess = rounded(multiply(split(*mills_excess_pair(t)), _one(_constants.ROOT_OF_2_PI)))
    change = t * mills - 1  # the derivative of Mills' ratio
    rest += missing * change
    excess += missing * (change - 1)
    excess[round(_constants.MILLS_ZERO[0] * per_unit)] = 0
    tail = rounded(multiply(split(*density), split(mills, rest)))
    parts = (scaled(part, exponent) for part in (tail, rounded(density)))
    return as_tables(np.float64, *parts, mills + rest, excess)


def _one(number: Split) -> Pair:
    """Return a number and what is missing to it as a pair of arrays."""
    return split(np.array([number[0]]), number[1])


def _mish(x: Array) -> Both:
    r"""With y = e^x and m = 2 + 2y + y^2: a gate (m - 2)/m, and the derivative h y/m^2.

    Their h = 4 + 6y + 4y^2 + y^3 + 4x (1 + y) is 0 at one node. From a node, where y is Y, it
    changes by (y - Y) (6 + 4a + 4 (y + Y) + y^2 + yY + Y^2) + 4d (1 + y), and the rest by what m
    grows by, relative to itself.
    """
    if x.dtype == np.float32:
        return tabulated(x, _mish, _MISH_SPAN)
    per_unit, end, most, terms = _MISH
    inside = clipped(x, -end, most)
    index, d = near(inside, per_unit, _MISH_ZERO)
    index += round(end * per_unit)
    at_node, gate, h, factor, inverse = (look_up(p, index) for p in _mish_table())
    growth = expm1_near_0(d, terms)
    change = growth * at_node
    y = at_node + change
    less = at_node + y
    less += 2
    less *= change
    less *= inverse
    less /= 1 + less  # by how much 1/m shrinks, relative to itself
    inverse *= less
    inverse *= 2
    gate += inverse
    gate *= np.maximum(x, -end)
    less *= 2 - less
    less *= 1 + growth
    growth -= less
    growth *= factor
    factor += growth  # y/m^2
    _move_bracket(h, at_node, y, change, inside - d, d)
    h *= factor
    return gate, h


def _move_bracket(h: Array, at_node: Array, y: Array, change: Array, node: Array, d: Array) -> None:
    """Add to h what it changes by from a node, where y is `at_node`; see `_mish`."""
    both = at_node + y
    factor = both + 4
    factor *= both
    factor -= at_node * y
    factor += 4 * node
    factor += 6
    factor *= change
    h += factor
    h += d * 4 * (1 + y)


_MISH_SPAN = Span(-112, 24, -_constants.MISH_ZERO[0], 512)
_MISH = (64, 750.0, 40.0, 7)  # nodes in a unit, where it is 0 and where x, terms
_MISH_ZERO = (-_constants.MISH_ZERO[0], -_constants.MISH_ZERO[1])


@cache
def _mish_table() -> tuple[Array, ...]:
    """Return y = e^x, the gate, h, y / m^2 and 1 / m at the nodes."""
    per_unit, end, most, _ = _MISH
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
    total, lost = two_sum(2 * parts[0], 2.0)
    m, more = two_sum(total, square[0])
    m_parts = split(m, lost + more + 2 * parts[1] + square[1])
    n, lost = two_sum(2 * parts[0], square[0])
    gate = rounded(divide((n, lost + 2 * parts[1] + square[1]), m_parts))
    factor = scaled(rounded(divide(divide(y, m_parts), m_parts)), exponent)
    return as_tables(
        np.float64, scaled(rounded(y), exponent), gate, h, factor, 1 / rounded(m_parts)
    )


FUSED: Mapping[FunctionPair, Form] = MappingProxyType(
    {
        (plain.silu, plain.silu_grad): _silu,
        (plain.swish, plain.swish_grad): _swish,
        (plain.quick_gelu, plain.quick_gelu_grad): _quick_gelu,
        (plain.gelu, plain.gelu_grad): _gelu,
        (plain.gelu_tanh, plain.gelu_tanh_grad): _gelu_tanh,
        (plain.mish, plain.mish_grad): _mish,
    }
)
