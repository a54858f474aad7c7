r"""Values with their derivatives, in one pass: the forms that trainings use.

A function and its derivative share their exponential, so that both together cost little more than
one. The forms here compute in the dtype of their input, by `course_lib.activations.nodes`, and are
within 4 ULP; those beside their derivatives in the other modules are the yardstick, which rounds
float16 and float32 correctly. Below the smallest normal float an error is within 2 of the smallest
float's units. Results are the same to the last bit on every processor.

Every kernel takes a flat block of float32 or float64 and the parameters of its function, and
returns a value and a derivative, two new arrays. Throughout, :math:`t = |x|` and
:math:`z = e^{-t}`. `FUSED` lists them by function; a function that is not there is computed in two
passes.
"""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from course_lib import _constants
from course_lib._typing import Array
from course_lib.activations.nodes import (
    Index,
    as_tables,
    capped,
    exp_minus,
    expm1_near_0,
    look_up,
    nearest,
    nodes,
    tanh_and_derivative,
)
from course_lib.activations.rectifiers import relu
from course_lib.activations.self_gated import gelu, silu, swish
from course_lib.activations.sigmoids import sigmoid, tanh
from course_lib.numerics import (
    indicator,
    keep_freed_memory,
    mills_excess_pair,
    polynomial,
    scaled_mills,
    times,
)
from course_lib.pairs import Pair, decay_scaled, divide, multiply, rounded, scaled, split, two_sum

__all__ = ["BLOCK", "FUSED", "fused"]

Both = tuple[Array, Array]

BLOCK = 16_384
"""Elements worked on at a time: half a dozen temporaries then stay in the cache."""


def fused(kernel: Callable[..., Both], x: Array, **parameters: Any) -> Both:
    """Run a kernel over every element of `x`, block by block.

    Parameters
    ----------
    kernel : callable
        From `FUSED`.
    x : ndarray of float32 or float64
        Any shape.
    **parameters
        Those of the function.

    Returns
    -------
    value, derivative : ndarray
        In the shape and dtype of `x`.

    Examples
    --------
    >>> fused(FUSED[tanh], np.array([[0.0, 20.0]]))
    (array([[0., 1.]]), array([[1.0000000e+00, 1.6993417e-17]]))
    """
    keep_freed_memory()
    source = np.ascontiguousarray(x).reshape(-1)
    value, derivative = np.empty_like(source), np.empty_like(source)
    with np.errstate(all="ignore"):
        for start in range(0, source.size, BLOCK):
            block = slice(start, start + BLOCK)
            value[block], derivative[block] = kernel(source[block], **parameters)
    return value.reshape(x.shape), derivative.reshape(x.shape)


def _rectified(x: Array) -> Array:
    """Return ReLU: NumPy's maximum is vectorized for two arrays, but not for one and a number."""
    return np.maximum(x, _ZEROS[x.dtype.itemsize][: x.size])


def _mirrored(x: Array, left: Array) -> Array:
    """Return what is known for x < 0, and 1 less it for x > 0; overwrite it."""
    bits = x.view(_INTEGERS[x.dtype.itemsize])
    signs = bits & np.iinfo(bits.dtype).min
    flipped = left.view(bits.dtype)
    flipped ^= signs
    return np.subtract(signs == 0, left, out=left)


def _square_of_one_plus(z: Array) -> Array:
    """Return (1 + z)^2 for z from 0 to 1 with little more than one rounding."""
    square = 2 + z
    square *= z
    square += 1
    return square


_INTEGERS = {4: np.int32, 8: np.int64}
_ZEROS = {4: np.zeros(BLOCK, np.float32), 8: np.zeros(BLOCK, np.float64)}


# ---------------------------------------------------------------------------------------------
# Rectifiers
# ---------------------------------------------------------------------------------------------


def _relu(x: Array) -> Both:
    return _rectified(x), indicator(x > 0, x)


# ---------------------------------------------------------------------------------------------
# Sigmoids
# ---------------------------------------------------------------------------------------------


def _sigmoid(x: Array) -> Both:
    z = exp_minus(np.abs(x))
    derivative = _square_of_one_plus(z)
    np.divide(z, derivative, out=derivative)
    z /= 1 + z
    return np.abs(np.subtract(x >= 0, z, out=z), out=z), derivative


# ---------------------------------------------------------------------------------------------
# The input times a gate of itself
# ---------------------------------------------------------------------------------------------

# Their derivatives cross 0 at some -t0. There no formula in floats keeps its digits, but a table of
# what is 0 does, with a node at t0: all nodes are shifted by as much as t0 lies beside one.


def _near(t: Array, per_unit: int, zero: Pair) -> tuple[Index, Array]:
    """Return the node next to each number, of those shifted to a zero, and the distance from it."""
    index, d = nearest(t, per_unit)
    shift, rest = _shift(zero, per_unit)
    first = float(t.dtype.type(shift))  # near the zero, subtracting it rounds nothing
    d -= first
    d -= shift - first + rest
    return index, d


def _shift(zero: Pair, per_unit: int) -> Pair:
    """Return how far a zero lies from the node next to it."""
    high, low = zero
    return high - round(high * per_unit) / per_unit, low


def _shifted(nodes: Array, zero: Pair, per_unit: int) -> Pair:
    """Return the nodes shifted to a zero, and what is missing to them."""
    shift, rest = _shift(zero, per_unit)
    place, lost = two_sum(nodes, shift)
    return place, lost + rest


def _swish(x: Array, beta: float = 1.0) -> Both:
    width = x.dtype.itemsize
    per_unit, end, terms = _SWISH[width]
    size = capped(np.abs(x), end / beta)
    t, lost = _times(size, beta)
    index, d = _near(t, per_unit, _constants.SILU_ZERO)
    if lost is not None:
        d += lost
    decays, brackets = _swish_table(x.dtype)
    z, bracket = look_up(decays, index), look_up(brackets, index)
    bracket -= d
    rest = expm1_near_0(np.negative(d, out=d), terms)
    rest *= z
    z += rest
    bracket += rest  # 1 + z - t
    bracket *= z
    bracket /= _square_of_one_plus(z)
    z /= 1 + z
    z *= size
    return np.subtract(_rectified(x), z, out=z), _mirrored(x, bracket)


_SWISH = {4: (32, 105.0, 3), 8: (64, 750.0, 6)}  # nodes in a unit, where all is 0, terms


@cache
def _swish_table(dtype: Any) -> Both:
    """Return z and 1 + z - t at the nodes."""
    per_unit, end, _ = _SWISH[dtype.itemsize]
    t, missing = _shifted(nodes(0, end, per_unit), _constants.SILU_ZERO, per_unit)
    z, exponent = decay_scaled(t, missing)
    total, lost = two_sum(1.0, -t)
    total, more = two_sum(total, scaled(z[0], exponent))
    bracket = total + (lost + more - missing + scaled(z[1], exponent))
    bracket[round(_constants.SILU_ZERO[0] * per_unit)] = 0
    return as_tables(dtype, scaled(rounded(z), exponent), bracket)


def _gelu(x: Array) -> Both:
    r"""With Mills' ratio m, which solves m' = t m - 1, by its series around a node."""
    width = x.dtype.itemsize
    per_unit, end, powers, terms = _GELU[width]
    t = capped(np.abs(x), end)
    index, d = _near(t, per_unit, _constants.MILLS_ZERO)
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
    return np.subtract(_rectified(x), mills, out=mills), _mirrored(x, left)


_GELU = {4: (64, 14.5, 4, 5), 8: (512, 39.0, 6, 8)}


@cache
def _gelu_table(dtype: Any) -> tuple[Array, ...]:
    """Return the normal density, Mills' ratio m, and m - t at the nodes."""
    per_unit, end, _, _ = _GELU[dtype.itemsize]
    t, missing = _shifted(nodes(0, end, per_unit), _constants.MILLS_ZERO, per_unit)
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


# ---------------------------------------------------------------------------------------------


def _times(x: Array, factor: float) -> tuple[Array, Array | None]:
    """Return a multiple and what its rounding lost, in the dtype of `x`."""
    if factor == 1:
        return x, None
    if x.dtype == np.float64:
        return times(x, factor)
    exact = x * np.float64(factor)
    product = exact.astype(x.dtype)
    exact -= product
    return product, exact.astype(x.dtype)


def _silu(x: Array) -> Both:
    return _swish(x)


FUSED: Mapping[Callable[..., Array], Callable[..., Both]] = MappingProxyType(
    {
        relu: _relu,
        sigmoid: _sigmoid,
        tanh: tanh_and_derivative,
        silu: _silu,
        swish: _swish,
        gelu: _gelu,
    }
)
