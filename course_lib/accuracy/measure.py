"""Errors in units in the last place, and the inputs that find large ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from course_lib._typing import Array
from course_lib.accuracy.exact import Exact

__all__ = ["Survey", "errors", "input_rows", "inputs", "survey"]


def errors(values: Array, exact: Exact) -> Array:
    """Return errors in ULPs: distances from the exact values, in the spacing of floats there.

    Parameters
    ----------
    values : ndarray
        float16, float32 or float64, one dimension.
    exact : Exact
        What they should be.

    Returns
    -------
    ndarray of float64
        At least 0; 0 where an overflow is right, infinite where it is wrong, and at NaN. Half a ULP
        is what rounding costs. Below the smallest normal number the spacing no longer shrinks.

    Examples
    --------
    >>> from course_lib.accuracy import exact_values
    >>> third = exact_values(lambda x: x / 3, [1.0])
    >>> errors(np.array([1 / 3]), third).round(2), errors(np.float32([0.3333]), third).round()
    (array([0.33]), array([1119.]))
    """
    info = np.finfo(values.dtype)
    spacing = np.maximum(exact.exponent - 1, info.minexp) - info.nmant - exact.exponent
    with np.errstate(all="ignore"):
        # scaled in two steps: one alone may overflow
        half = -exact.exponent // 2
        scaled = np.ldexp(np.ldexp(values.astype(np.float64), half), -exact.exponent - half)
        error = np.ldexp(np.abs((scaled - exact.fraction) - exact.rest), -spacing)
    error[np.isnan(error)] = np.inf
    limit = np.ldexp(np.array([float(info.max)]), -info.maxexp)[0]  # a little below 1
    over = (exact.exponent > info.maxexp) | (
        (exact.exponent == info.maxexp) & (np.abs(exact.fraction) >= (1 + limit) / 2)
    )
    right = np.isinf(values) & (np.sign(values) == np.sign(exact.fraction))
    return np.where(over, np.where(right, 0.0, np.inf), error)


def inputs(dtype: DTypeLike, size: int = 2000, near: Sequence[float] = ()) -> Array:
    """Return inputs that find errors: of every size, dense in the middle, beside turning points.

    Parameters
    ----------
    dtype : dtype
        float16, float32 or float64.
    size : int
        About how many.
    near : sequence of float
        Further points to surround.

    Returns
    -------
    ndarray
        Finite, sorted, without repetition, of both signs.

    Examples
    --------
    >>> x = inputs(np.float32, 100)
    >>> x.dtype, bool((np.diff(x) > 0).all())
    (dtype('float32'), True)
    """
    dtype = np.dtype(dtype)
    info, rng = np.finfo(dtype), np.random.default_rng(0)
    count = size // 8
    exponents = np.linspace(info.minexp - info.nmant, info.maxexp - 1, count).round().astype(int)
    by_size = np.ldexp(1 + rng.random(count), exponents)
    reach = {2: 18, 4: 104, 8: 746}[dtype.itemsize]  # beyond, e^-x is no longer a number
    by_place = [rng.uniform(0, r, count) for r in (20, 20, 40, reach)]
    turns = np.array([*_TURNS, *np.abs(near)])
    steps = info.eps * np.array([-8, -3, -2, -1, 0, 1, 2, 3, 8, 1e3, -1e3, 1e6, -1e6])
    beside = (turns[:, np.newaxis] * (1 + steps)).ravel()
    with np.errstate(over="ignore", under="ignore"):
        x = np.concatenate([by_size, *by_place, beside]).astype(dtype)
    x = np.concatenate([x, -x, np.zeros(1, dtype)])
    return np.unique(x[np.isfinite(x)])


def input_rows(dtype: DTypeLike, size: int = 300, length: int = 6) -> Array:
    """Return rows that find errors: of numbers near each other, and far apart.

    Parameters
    ----------
    dtype : dtype
        float16, float32 or float64.
    size : int
        How many.
    length : int
        Numbers in a row.

    Returns
    -------
    ndarray
        Shape ``(size, length)``; normal, with standard deviations from 0.1 to 100 (to 10 in
        float16).

    Examples
    --------
    >>> input_rows(np.float32).shape
    (300, 6)
    """
    most = 1 if np.dtype(dtype).itemsize == 2 else 2
    scale = np.logspace(-1, most, size)[:, np.newaxis]
    return (np.random.default_rng(0).standard_normal((size, length)) * scale).astype(dtype)


# kinks, zeros of derivatives, ends of exponentials, and where the kernels change their form
_TURNS = [0.5, 0.75179, 0.75246, 0.7512, 1, 1.19243, 1.27846, 1.4142, 1.5, 2, 3, 6, 8.8, 16, 16.6]
_TURNS += [20.9, 21.6, 25, 26.6, 36.7, 37.5, 38.6, 40, 88, 103.9, 320, 354.2, 354.9, 372.5, 416]
_TURNS += [437.9, 531, 558.8, 600, 640, 700, 708.4, 708.9, 709.78, 745.1, 800]


@dataclass(frozen=True)
class Survey:
    """The errors that `survey` found.

    Attributes
    ----------
    worst : float
        The largest error in ULPs.
    worst_normal : float
        The same, among results that should be normal numbers: not subnormal, where some libraries
        put 0.
    at : float
        The input that has it.
    rounded : float
        The fraction of results that are correctly rounded.
    lost : bool
        Whether a result that should be a normal number is off by a quarter of itself or more, such
        as a false 0, or is NaN.
    """

    worst: float
    worst_normal: float
    at: float
    rounded: float
    lost: bool


def survey(function: Callable[[Array], Any], exact: Exact, x: Array) -> Survey:
    """Return how far a function is from exact values.

    Parameters
    ----------
    function : callable
        Of an array; of this library or of another.
    exact : Exact
        Its exact values at `x`.
    x : ndarray
        One dimension.

    Returns
    -------
    Survey
        Worst error, where it is, fraction of correctly rounded results, whether one is lost.

    Examples
    --------
    >>> from course_lib import activations
    >>> from course_lib.accuracy import EXACT, exact_values
    >>> x = inputs(np.float32, 100)
    >>> found = survey(activations.relu, exact_values(EXACT["relu"][0], x), x)
    >>> found.worst, found.rounded
    (0.0, 1.0)
    """
    values = np.asarray(function(x))
    off = errors(values, exact)
    info = np.finfo(values.dtype)
    normal = (exact.exponent - 1 >= info.minexp) & (exact.exponent <= info.maxexp)
    lost = normal & (off >= 2.0 ** (info.nmant - 2))
    worst = int(off.argmax())
    return Survey(
        worst=float(off[worst]),
        worst_normal=float(off[normal].max(initial=0)),
        at=float(x[worst]),
        rounded=float((off <= 0.5).mean()),
        lost=bool(lost.any()),
    )
