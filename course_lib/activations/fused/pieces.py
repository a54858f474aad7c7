r"""What the fast forms share: both sides from one, nodes shifted to a zero, sums with a mask."""

from collections.abc import Callable
from functools import cache
from math import ceil
from typing import Any

import numpy as np

from course_lib._typing import Array
from course_lib.activations.nodes import Index, nearest, numbers
from course_lib.numerics import times
from course_lib.pairs import Pair, two_sum

__all__ = [
    "BLOCK",
    "Both",
    "Form",
    "FunctionPair",
    "Split",
    "by_blocks",
    "mirrored",
    "near",
    "negative_part",
    "product_and_lost",
    "quotient_and_lost",
    "rectified",
    "shifted",
    "square_of_one_plus",
    "with_right",
]

Both = tuple[Array, Array]
"""A value and a derivative."""
Form = Callable[..., Both]
FunctionPair = tuple[Callable[..., Array], Callable[..., Array]]
"""A function and its derivative."""
Split = tuple[float, float]
"""A number and what is missing to it."""

BLOCK = 32_768
"""About so many elements are worked on at a time, up to half as many more: some temporaries then
stay in the cache, and calls count little."""


def by_blocks(form: Form, x: Array, **parameters: float) -> Both:
    """Return what a form computes, in blocks of about the same size.

    Examples
    --------
    >>> by_blocks(lambda x: (x, 2 * x), np.array([1.0]))
    (array([1.]), array([2.]))
    """
    if not x.size:
        return x.copy(), x.copy()
    step = ceil(x.size / max(1, round(x.size / BLOCK)))
    if step == x.size:
        return form(x, **parameters)
    value, derivative = np.empty_like(x), np.empty_like(x)
    for start in range(0, x.size, step):
        block = slice(start, start + step)
        value[block], derivative[block] = form(x[block], **parameters)
    return value, derivative


def rectified(x: Array) -> Array:
    """Return ReLU: NumPy's maximum is vectorized for two arrays, but not for one and a number.

    Examples
    --------
    >>> rectified(np.array([-2.0, 3.0]))
    array([0., 3.])
    """
    return np.maximum(x, _zeros(x.dtype)[: x.size])


def negative_part(x: Array) -> Array:
    """Return x for x < 0 and 0 elsewhere.

    Examples
    --------
    >>> negative_part(np.array([-2.0, 3.0]))
    array([-2.,  0.])
    """
    return np.minimum(x, _zeros(x.dtype)[: x.size])


@cache
def _zeros(dtype: Any) -> Array:
    zeros = np.zeros(2 * BLOCK, dtype)
    zeros.setflags(write=False)
    return zeros


def mirrored(x: Array, left: Array) -> Array:
    """Return what is known for x < 0, and 1 less it for x > 0; overwrite it.

    Examples
    --------
    >>> mirrored(np.array([-2.0, 2.0]), np.array([0.1, 0.1]))
    array([0.1, 0.9])
    """
    bits = x.view(_INTEGERS[x.dtype.itemsize])
    signs = bits & np.iinfo(bits.dtype).min
    flipped = left.view(bits.dtype)
    flipped ^= signs
    return np.subtract(signs == 0, left, out=left)


_INTEGERS = {4: np.int32, 8: np.int64}


def with_right(x: Array, left: Array, factor: float, right: float) -> Array:
    """Return a factor times what is known for x < 0, and 1 for x > 0; there, another number.

    Examples
    --------
    >>> with_right(np.array([-2.0, 2.0]), np.array([0.5, 1.0]), 4, 3)
    array([2., 3.])
    """
    positive = (x > 0).astype(x.dtype)
    left *= factor
    left -= factor * positive  # exactly 0 for x > 0
    positive *= right
    left += positive
    return left


def square_of_one_plus(z: Array) -> Array:
    """Return (1 + z)^2 for z from 0 to 1 with little more than one rounding.

    Examples
    --------
    >>> square_of_one_plus(np.array([0.5]))
    array([2.25])
    """
    one, two = numbers(z.dtype, 1, 2)
    square = two + z
    square *= z
    square += one
    return square


# ---------------------------------------------------------------------------------------------
# Multiples, and what their rounding lost: an exponential multiplies it
# ---------------------------------------------------------------------------------------------


def product_and_lost(x: Array, factor: float) -> tuple[Array, Array | None]:
    """Return a multiple and what its rounding lost, in the dtype of `x`; None for nothing.

    Examples
    --------
    >>> product_and_lost(np.float32([3.0]), 0.1)
    (array([0.3], dtype=float32), array([-1.1920929e-08], dtype=float32))
    """
    if factor == 1:
        return x, None
    if x.dtype == np.float64:
        return times(x, factor)
    return _as_two(x * np.float64(factor), x.dtype)


def quotient_and_lost(x: Array, divisor: float) -> tuple[Array, Array | None]:
    """Return a quotient as `product_and_lost` returns a multiple.

    Examples
    --------
    >>> quotient_and_lost(np.float32([1.0]), 3.0)
    (array([0.33333334], dtype=float32), array([-9.934108e-09], dtype=float32))
    """
    if divisor == 1:
        return x, None
    quotient = x / np.float64(divisor)
    if x.dtype != np.float64:
        return _as_two(quotient, x.dtype)
    product, lost = times(quotient, divisor)
    rest = x - product
    if lost is not None:
        rest -= lost
    rest /= divisor
    return quotient, rest


def _as_two(values: Array, dtype: Any) -> tuple[Array, Array]:
    """Return float64 as float32 and what is missing to it."""
    first = values.astype(dtype)
    values -= first
    return first, values.astype(dtype)


# ---------------------------------------------------------------------------------------------
# Where a derivative crosses 0, no formula in floats keeps its digits, but a table of what is 0
# does, with a node there: all nodes are shifted by as much as the zero lies beside one.
# ---------------------------------------------------------------------------------------------


def near(
    x: Array, per_unit: int, zero: Split, lean: float = 0.0, missing: Array | None = None
) -> tuple[Index, Array]:
    """Return the node next to each number, of those shifted to a zero, and the distance from it.

    Parameters
    ----------
    x : ndarray of float64
        As for `course_lib.activations.nodes.nearest`, as is `per_unit`.
    zero : pair of float
        Of a derivative.
    lean : float
        How far beyond the middle, in steps, a node still serves: beside the zero, the two nodes
        next to it are not rounded equally well.
    missing : ndarray, optional
        To `x`; overwritten.

    Examples
    --------
    >>> near(np.array([0.0, 0.35]), 4, (0.3, 0.0))
    (array([0, 1]), array([-0.05,  0.05]))
    """
    shift, rest = _shift(zero, per_unit)
    index, d = nearest(x, per_unit, shift * per_unit + lean)
    d -= shift  # near the zero, this rounds nothing
    d -= rest if missing is None else np.subtract(rest, missing, out=missing)
    return index, d


def shifted(nodes: Array, zero: Split, per_unit: int) -> Pair:
    """Return the nodes shifted to a zero, and what is missing to them.

    Examples
    --------
    >>> shifted(np.array([0.0, 0.25]), (0.3, 0.0), 4)
    (array([0.05, 0.3 ]), array([0., 0.]))
    """
    shift, rest = _shift(zero, per_unit)
    place, lost = two_sum(nodes, shift)
    return place, lost + rest


def _shift(zero: Split, per_unit: int) -> Split:
    """Return how far a zero lies from the node next to it."""
    high, low = zero
    return high - round(high * per_unit) / per_unit, low
