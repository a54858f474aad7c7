r"""Tables of a function at equally spaced nodes, and the way from a number to the nearest one.

A function that has a law of addition, as :math:`e^{a+b} = e^a e^b`, is known everywhere when it is
known at nodes and near 0: it is taken from a table at the node :math:`k h` next to :math:`t`, and
what is left, :math:`d = t - k h`, is found without an error and so small that a short polynomial
serves. That takes sums, products, quotients and a look into a table, which are the same to the last
bit on every processor, in float32 as in float64; NumPy's own exponentials are not.

Tables are computed when they are first used, in numbers of twice the length
(`course_lib.pairs`), and rounded once.
"""

from functools import cache
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib._typing import Array
from course_lib.numerics import polynomial
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

__all__ = [
    "as_tables",
    "capped",
    "clipped",
    "exp_minus",
    "expm1_minus",
    "expm1_near_0",
    "log1p_near_0",
    "look_up",
    "nearest",
    "nodes",
    "numbers",
    "softplus_minus",
    "tanh_and_derivative",
    "tanh_at_nodes",
    "whole",
]

Index = NDArray[np.intp]

# adding these rounds to an integer, which then stands in the low bits
_ROUND: dict[int, Array] = {4: np.array(1.5 * 2**23, np.float32), 8: np.array(1.5 * 2**52)}
_BITS: dict[int, Array] = {4: _ROUND[4].view(np.int32), 8: _ROUND[8].view(np.int64)}


def nearest(x: Array, per_unit: int, offset: float = 0.0, *, first: int = 0) -> tuple[Index, Array]:
    """Return the number of the node next to each number, and the distance from it.

    Parameters
    ----------
    x : ndarray of float32 or float64
        Flat. What is beyond 32768 counts as that, if it would have no distance; infinite ones make
        NumPy warn, which callers silence.
    per_unit : int
        Nodes in a unit; a power of two up to 1024, in float32 up to 128.
    offset : float
        Takes the node next to what is less by as many steps: with 1/2 it is the node below, and no
        distance is negative.
    first : int
        The number of the node that is counted as 0.

    Returns
    -------
    index : ndarray of int
        k, of the node ``(first + k) / per_unit``; anything for NaN.
    distance : ndarray
        From the node, in the dtype of `x`: exact, with an offset rounded once.

    Examples
    --------
    >>> nearest(np.array([0.0, 0.3, -0.3]), 4)
    (array([ 0,  1, -1]), array([ 0.  ,  0.05, -0.05]))
    """
    factor, unit, less = numbers(x.dtype, per_unit, 1 / per_unit, offset)
    node = x * factor
    if offset:
        node -= less
    index = whole(node, first)
    node -= _ROUND[x.dtype.itemsize]
    node *= unit
    distance = np.subtract(x, node, out=node)
    if not _all_near(distance):
        within = np.clip(x, -_MOST, _MOST)
        if not np.array_equal(within, x, equal_nan=True):
            return nearest(within, per_unit, offset, first=first)
    return index, distance


def whole(x: Array, first: int = 0) -> Index:
    """Return the integers next to numbers up to 2^22, in float64 2^51, less one of them.

    It overwrites `x`: what is added rounds it, so that the integers stand in its low bits.

    Examples
    --------
    >>> whole(np.array([0.4, 7.6]), 5)
    array([-5,  3])
    """
    width = x.dtype.itemsize
    x += _ROUND[width]
    return (x.view(_BITS[width].dtype) - (_BITS[width] + first)).astype(np.intp, copy=False)


_MOST = 32768.0


@cache
def numbers(dtype: Any, *values: float) -> tuple[Array, ...]:
    """Return numbers as arrays without an axis, with which NumPy starts faster than with Python's.

    Examples
    --------
    >>> numbers(np.float32, 1, 2)
    (array(1., dtype=float32), array(2., dtype=float32))
    """
    return tuple(np.array(value, dtype) for value in values)


def _all_near(distance: Array) -> bool:
    """Return whether nothing is infinite, NaN or large: products are the fastest look for that.

    The library for linear algebra gives longer ones to several threads, which then wait.
    """
    parts = (distance[i : i + 8192] for i in range(0, distance.size, 8192))
    return all(part @ part <= part.size for part in parts)


def capped(t: Array, most: float) -> Array:
    """Return numbers, those above a limit as that limit.

    Examples
    --------
    >>> capped(np.array([1.0, np.inf]), 800.0)
    array([  1., 800.])
    """
    return t if t.max(initial=0) <= most else np.minimum(t, t.dtype.type(most))


def clipped(x: Array, least: float, most: float) -> Array:
    """Return numbers, cut off at two limits.

    Examples
    --------
    >>> clipped(np.array([1.0, np.inf]), -800.0, 800.0)
    array([  1., 800.])
    """
    inside = x.min(initial=0) >= least and x.max(initial=0) <= most
    return x if inside else np.clip(x, least, most)


def look_up(values: Array, index: Index) -> Array:
    """Return the entries of a table, for an index beyond it the first or last.

    Examples
    --------
    >>> look_up(np.array([1.0, 2.0]), np.array([-1, 0, 5]))
    array([1., 1., 2.])
    """
    return values.take(index, mode="clip")


def nodes(least: float, most: float, per_unit: int) -> Array:
    """Return all nodes of a range, in float64.

    Examples
    --------
    >>> nodes(-1, 0, 2)
    array([-1. , -0.5,  0. ])
    """
    return np.arange(round(least * per_unit), round(most * per_unit) + 1) / per_unit


def as_tables(dtype: Any, *values: Array) -> tuple[Array, ...]:
    """Return float64 as tables of a dtype, which cannot be written to.

    Examples
    --------
    >>> as_tables(np.float32, np.array([0.1]))
    (array([0.1], dtype=float32),)
    """
    with np.errstate(all="ignore"):
        tables = tuple(part.astype(dtype) for part in values)
    for part in tables:
        part.setflags(write=False)
    return tables


# ---------------------------------------------------------------------------------------------
# The exponential
# ---------------------------------------------------------------------------------------------

_INVERSE_FACTORIALS = tuple(1 / factorial(k) for k in range(1, 13))
_PER_UNIT = {4: 32, 8: 64}  # nodes of the exponential, in float32 and in float64
_TERMS = {4: 3, 8: 6}  # of its series, which distances up to 1/64 and 1/128 need
_END = {4: 105.0, 8: 750.0}  # where it is 0


def exp_minus(t: Array) -> Array:
    r"""Return :math:`e^{-t}`.

    Parameters
    ----------
    t : ndarray of float32 or float64
        From 0 on.

    Returns
    -------
    ndarray
        In the shape and dtype of `t`; within 1.5 ULP, and 0 below the smallest float.

    Examples
    --------
    >>> exp_minus(np.array([0.0, 1.0, 1000.0]))
    array([1.        , 0.36787944, 0.        ])
    """
    index, rest = _node_and_rest(t, None)
    decay = look_up(_decay_table(t.dtype), index)
    rest *= decay
    decay += rest
    return decay


def expm1_minus(t: Array, lost: Array | None = None) -> tuple[Array, Array]:
    r"""Return :math:`e^{-t} - 1` and :math:`e^{-t}`.

    Parameters
    ----------
    t : ndarray of float32 or float64
        From 0 on.
    lost : ndarray, optional
        What is missing to `t`; small.

    Returns
    -------
    less, decay : ndarray
        In the shape and dtype of `t`; within 4 and 1.5 ULP.

    Examples
    --------
    >>> less, decay = expm1_minus(np.array([1e-20, 1.0]))
    >>> less, decay
    (array([-1.00000000e-20, -6.32120559e-01]), array([1.        , 0.36787944]))
    """
    index, rest = _node_and_rest(t, lost)
    less, decay = look_up(_less_table(t.dtype), index), look_up(_decay_table(t.dtype), index)
    rest *= decay
    less += rest
    decay += rest
    return less, decay


def _node_and_rest(t: Array, lost: Array | None) -> tuple[Index, Array]:
    """Return the node next to each number, and e^-d - 1 of the distance from it."""
    width = t.dtype.itemsize
    index, d = nearest(t, _PER_UNIT[width])
    if lost is not None:
        d += lost
    return index, expm1_near_0(np.negative(d, out=d), _TERMS[width])


def _decays(dtype: Any) -> tuple[Pair, Exponent]:
    """Return e^-t at the nodes, as `course_lib.pairs.decay_scaled` does."""
    return decay_scaled(nodes(0, _END[dtype.itemsize], _PER_UNIT[dtype.itemsize]))


@cache
def _decay_table(dtype: Any) -> Array:
    decay, exponent = _decays(dtype)
    return as_tables(dtype, scaled(rounded(decay), exponent))[0]


@cache
def _less_table(dtype: Any) -> Array:
    decay, exponent = _decays(dtype)
    total, lost = two_sum(scaled(decay[0], exponent), -1.0)
    return as_tables(dtype, total + (lost + scaled(decay[1], exponent)))[0]


def expm1_near_0(d: Array, terms: int) -> Array:
    r"""Return :math:`e^d - 1` by so many terms of its series.

    Examples
    --------
    >>> expm1_near_0(np.array([0.0, 0.01]), 6)
    array([0.        , 0.01005017])
    """
    total = polynomial(numbers(d.dtype, *_INVERSE_FACTORIALS[:terms]), d)
    total *= d
    return total


def softplus_minus(t: Array, lost: Array | None = None) -> tuple[Array, Array]:
    r"""Return :math:`\log(1 + e^{-t})` and :math:`\sigma(-t) = e^{-t}/(1 + e^{-t})`.

    Parameters
    ----------
    t, lost
        As for `expm1_minus`.

    Returns
    -------
    value, sigmoid : ndarray
        In the shape and dtype of `t`; within 2.5 ULP.

    Notes
    -----
    With a node :math:`a`, what is left, :math:`d`, and :math:`u = \sigma(-a)\,(e^{-d} - 1)`, the
    laws of addition are :math:`\log(1 + e^{-a}) + \log(1 + u)` and
    :math:`(\sigma(-a) + u)/(1 + u)`.

    Examples
    --------
    >>> softplus_minus(np.array([0.0, 100.0]))
    (array([6.93147181e-01, 3.72007598e-44]), array([5.00000000e-01, 3.72007598e-44]))
    """
    index, u = _node_and_rest(t, lost)
    value, sigmoid = (look_up(part, index) for part in _softplus_table(t.dtype))
    u *= sigmoid
    value += log1p_near_0(u, _TERMS[t.dtype.itemsize])
    sigmoid += u
    u += 1
    sigmoid /= u
    return value, sigmoid


def log1p_near_0(u: Array, terms: int) -> Array:
    r"""Return :math:`\log(1 + u)` by so many terms of its series.

    Examples
    --------
    >>> log1p_near_0(np.array([0.0, 0.01]), 6)
    array([0.        , 0.00995033])
    """
    total = polynomial(numbers(u.dtype, *_INVERSES[:terms]), u)
    total *= u
    return total


_INVERSES = tuple((-1) ** (k + 1) / k for k in range(1, 13))


@cache
def _softplus_table(dtype: Any) -> tuple[Array, ...]:
    decay, exponent = _decays(dtype)
    z = scaled(decay[0], exponent), scaled(decay[1], exponent)
    sigmoid = divide(decay, one_plus(z))
    return as_tables(dtype, _log1p(*z), scaled(rounded(sigmoid), exponent))


def _log1p(z: Array, missing: Array) -> Array:
    """Return log(1 + z), rounded once: by its series, and where that is long by decimals."""
    from decimal import Decimal, localcontext  # only when a table is made

    value = z + (missing + z * z * polynomial(_INVERSES[1:9], z))
    for i in np.flatnonzero(z > 1 / 128):
        with localcontext(prec=30):
            value[i] = float((1 + Decimal(float(z[i])) + Decimal(float(missing[i]))).ln())
    return value


# ---------------------------------------------------------------------------------------------
# The hyperbolic tangent
# ---------------------------------------------------------------------------------------------


def tanh_and_derivative(x: Array, divisor: float = 1.0) -> tuple[Array, Array]:
    r"""Return :math:`\tanh(x/c)` and its derivative by :math:`x/c`.

    Parameters
    ----------
    x : ndarray of float32 or float64
    divisor : float
        :math:`c`, which every float type holds.

    Returns
    -------
    value, derivative : ndarray
        In the shape and dtype of `x`.

    Notes
    -----
    With a node :math:`a` and what is left, :math:`d`, the law of addition is
    :math:`\tanh(a + d) = \tanh a + g` with
    :math:`g = \tanh d \, (1 - \tanh^2 a)/(1 + \tanh a \tanh d)`, and the derivative, 1 less the
    square, is :math:`(1 - \tanh^2 a) - g\,(\tanh(a + d) + \tanh a)`: what is added is small, and
    nothing cancels where the derivative is small. Of :math:`\tanh d` a few terms of its series
    suffice.

    Examples
    --------
    >>> tanh_and_derivative(np.array([0.0, 20.0]))
    (array([0., 1.]), array([1.0000000e+00, 1.6993417e-17]))
    """
    end, per_unit, terms = _TANH[x.dtype.itemsize]
    end *= divisor
    index, d = nearest(x, per_unit, first=-round(end * per_unit))
    at_node, derivative = (look_up(part, index) for part in _tanh_table(x.dtype, divisor))
    if divisor != 1:
        d /= divisor
    one, *others = numbers(x.dtype, *_TANH_SERIES[:terms])
    d *= polynomial([one, *others], d * d)  # tanh d
    below = at_node * d
    below += one
    d *= derivative
    d /= below  # by how much tanh grows from the node
    value = at_node + d
    at_node += value
    d *= at_node
    return value, np.subtract(derivative, d, out=d)


_TANH_SERIES = (1.0, -1 / 3, 2 / 15, -17 / 315)
_TANH = {4: (54.0, 32, 2), 8: (375.0, 64, 4)}  # where the derivative is 0, nodes, terms


@cache
def _tanh_table(dtype: Any, divisor: float) -> tuple[Array, ...]:
    end, per_unit, _ = _TANH[dtype.itemsize]
    x = nodes(-end * divisor, end * divisor, per_unit)
    (value, rest), derivative = tanh_at_nodes(np.abs(x), divisor)
    return as_tables(dtype, np.copysign(value + rest, x), derivative)


def tanh_at_nodes(t: Array, divisor: float = 1.0) -> tuple[Pair, Array]:
    r"""Return :math:`\tanh(t/c)` of float64 from 0 on, as a pair, and its derivative.

    Examples
    --------
    >>> (value, rest), derivative = tanh_at_nodes(np.array([0.0, 3.0]), 1.5)
    >>> value + rest, derivative
    (array([0.        , 0.96402758]), array([1.        , 0.07065082]))
    """
    quotient = t / divisor
    product, lost = two_product(quotient, divisor)
    decay, exponent = decay_scaled(2 * quotient, 2 * ((t - product - lost) / divisor))
    below = one_plus(split(*decay))
    total, lost = two_sum(1.0, -decay[0])
    derivative = rounded(divide(decay, split(*multiply(below, below))))
    return divide((total, lost - decay[1]), below), scaled(4 * derivative, exponent)
