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
    decay_scaled,
    divide,
    multiply,
    one_plus,
    rounded,
    scaled,
    split,
    two_sum,
)

__all__ = [
    "as_tables",
    "capped",
    "exp_minus",
    "expm1_near_0",
    "look_up",
    "nearest",
    "nodes",
    "tanh_and_derivative",
]

Index = NDArray[np.intp]

# adding these rounds to an integer, which then stands in the low bits
_ROUND = {4: np.float32(1.5 * 2**23), 8: np.float64(1.5 * 2**52)}
_BITS = {4: _ROUND[4].view(np.int32), 8: _ROUND[8].view(np.int64)}


def nearest(x: Array, per_unit: int) -> tuple[Index, Array]:
    """Return the number of the node next to each number, and the distance from it.

    Parameters
    ----------
    x : ndarray of float32 or float64
        Of any size; infinite ones have no distance.
    per_unit : int
        Nodes in a unit; a power of two.

    Returns
    -------
    index : ndarray of int
        k, of the node ``k / per_unit``; anything for numbers beyond a million and for NaN.
    distance : ndarray
        ``x - k / per_unit``, exact, in the dtype of `x`.

    Examples
    --------
    >>> nearest(np.array([0.0, 0.3, -0.3]), 4)
    (array([ 0,  1, -1]), array([ 0.  ,  0.05, -0.05]))
    """
    width = x.dtype.itemsize
    node = x * per_unit
    node += _ROUND[width]
    index = (node.view(_BITS[width].dtype) - _BITS[width]).astype(np.intp, copy=False)
    node -= _ROUND[width]
    node *= 1 / per_unit
    return index, np.subtract(x, node, out=node)


def capped(t: Array, most: float) -> Array:
    """Return numbers, those above a limit as that limit.

    Examples
    --------
    >>> capped(np.array([1.0, np.inf]), 800.0)
    array([  1., 800.])
    """
    return t if t.max() <= most else np.minimum(t, t.dtype.type(most))


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
    >>> exp_minus(np.array([0.0, 1.0, np.inf]))
    array([1.        , 0.36787944, 0.        ])
    """
    width = t.dtype.itemsize
    index, d = nearest(capped(t, _END[width]), _PER_UNIT[width])
    decay = look_up(_decay_table(t.dtype), index)
    rest = expm1_near_0(np.negative(d, out=d), _TERMS[width])
    rest *= decay
    decay += rest
    return decay


@cache
def _decay_table(dtype: Any) -> Array:
    width = dtype.itemsize
    decay, exponent = decay_scaled(nodes(0, _END[width], _PER_UNIT[width]))
    return as_tables(dtype, scaled(rounded(decay), exponent))[0]


def expm1_near_0(d: Array, terms: int) -> Array:
    r"""Return :math:`e^d - 1` by so many terms of its series.

    Examples
    --------
    >>> expm1_near_0(np.array([0.0, 0.01]), 6)
    array([0.        , 0.01005017])
    """
    total = polynomial(_INVERSE_FACTORIALS[:terms], d)
    total *= d
    return total


# ---------------------------------------------------------------------------------------------
# The hyperbolic tangent
# ---------------------------------------------------------------------------------------------


def tanh_and_derivative(x: Array) -> tuple[Array, Array]:
    r"""Return :math:`\tanh x` and its derivative.

    Parameters
    ----------
    x : ndarray of float32 or float64

    Returns
    -------
    value, derivative : ndarray
        In the shape and dtype of `x`.

    Notes
    -----
    With a node :math:`a` and what is left, :math:`d`, the law of addition is
    :math:`\tanh(a + d) = (\tanh a + \tanh d) / (1 + \tanh a \tanh d)`, and the derivative, 1 less
    the square, is the product of both derivatives over the square of the denominator: nothing
    cancels where it is small. :math:`\tanh d` is a fraction with few terms, after Lambert.

    Examples
    --------
    >>> tanh_and_derivative(np.array([0.0, 20.0]))
    (array([0., 1.]), array([1.0000000e+00, 1.6993417e-17]))
    """
    end, per_unit = _TANH[x.dtype.itemsize]
    index, d = nearest(x if x.size and np.abs(x).max() <= end else np.clip(x, -end, end), per_unit)
    index += end * per_unit
    at_node, derivative = (look_up(part, index) for part in _tanh_table(x.dtype))
    square = d * d
    d *= 15 + square
    square *= 6
    square += 15
    d /= square  # tanh d
    below = at_node * d
    below += 1
    at_node += d
    at_node /= below
    d *= d
    derivative *= np.subtract(1, d, out=d)
    below *= below
    derivative /= below
    return at_node, derivative


_TANH = {4: (54, 32), 8: (375, 64)}  # where the derivative is 0, and nodes in a unit


@cache
def _tanh_table(dtype: Any) -> tuple[Array, ...]:
    end, per_unit = _TANH[dtype.itemsize]
    x = nodes(-end, end, per_unit)
    decay, exponent = decay_scaled(2 * np.abs(x))
    below = one_plus(split(*decay))
    total, lost = two_sum(1.0, -decay[0])
    value = rounded(divide((total, lost - decay[1]), below))
    derivative = rounded(divide(decay, split(*multiply(below, below))))
    return as_tables(dtype, np.copysign(value, x), scaled(4 * derivative, exponent))
