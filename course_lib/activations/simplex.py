r"""Sparsemax: probabilities as softmax gives them, of which many are exactly 0.

It is the point of the simplex nearest to the input. All that decides it are differences from the
largest entry, and of these only the ones below 1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import fsum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._typing import Array, Pull
from course_lib.activations.rows import Axis, axes_of, by_blocks, rows_of
from course_lib.pairs import Pair, divide, rounded, split, two_sum

__all__ = ["sparsemax", "sparsemax_jacobian", "sparsemax_pullback"]


def sparsemax(x: ArrayLike, axis: Axis = -1) -> Array:
    r"""Return :math:`p_i = \max(0, x_i - \tau)`, with the :math:`\tau` for which they sum to 1.

    Parameters
    ----------
    x : array_like
        At least one axis; float16, float32 or float64 (integers and lists become float64).
    axis : int or tuple of int, optional
        The axis that sums to 1, or several that do together; None for all.

    Returns
    -------
    ndarray
        Shape and dtype of `x`; from 0 to 1.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric, or an axis is not an integer.
    ValueError
        If `x` is a scalar or has no such axis, or an axis is given twice.

    Notes
    -----
    Martins and Astudillo, 2016 :cite:p:`martins2016softmax`: the probabilities nearest to `x` by
    Euclidean distance. What is 1 or more below the largest entry is 0, as is what else lies below
    :math:`\tau`. Of two classes it is `sparse_sigmoid` of their difference. Infinite entries count
    as in `softmax`.

    With :math:`d_i = \max_j x_j - x_i` and the k entries of the support S, those above 0,
    :math:`p_i = (1 + \sum_{j \in S} d_j - k\,d_i)/k`. The leading bits of all
    :math:`d_j` are summed on one grid, where nothing rounds, the next on a second; where what is
    left still counts, right next to :math:`\tau`, the sum is exact. So an entry is 0 exactly where
    it should be, and what is rounded is the quotient, once: 0.54 ULP at every length up to a
    million.

    See Also
    --------
    course_lib.activations.softmax_family.softmax : where nothing is 0.
    course_lib.activations.hard.sparse_plus : what is to softplus as this is to softmax.

    Examples
    --------
    >>> sparsemax([0.5, 0.25, -1.0])
    array([0.625, 0.375, 0.   ])
    >>> sparsemax([[1.0, 0.0], [1e308, 1e308]])
    array([[1. , 0. ],
           [0.5, 0.5]])
    """
    with np.errstate(all="ignore"):
        rows, _, restore = rows_of(x, axis)
        return restore(*by_blocks(rows, _project, _values))


def sparsemax_jacobian(x: ArrayLike, axis: Axis = -1) -> Array:
    r"""Return the derivatives of `sparsemax`, :math:`s_i(\delta_{ij} - s_j/k)`.

    Here :math:`s_i` is 1 in the support, where :math:`p_i > 0`, and 0 elsewhere, and k is the sum
    of all :math:`s_i`. Parameters, returned shape and errors are those of `softmax_jacobian`.

    Notes
    -----
    Where an entry is just about to leave the support there is no derivative. Such an entry counts
    as outside, as in the paper. Rounded once.

    Examples
    --------
    >>> sparsemax_jacobian([0.5, 0.25, -1.0])
    array([[ 0.5, -0.5,  0. ],
           [-0.5,  0.5,  0. ],
           [ 0. ,  0. ,  0. ]])
    """
    with np.errstate(all="ignore"):
        array, axes = axes_of(x, axis)
        rows, dtype, _ = rows_of(array, axes)
        (support,) = by_blocks(rows, _project, _indicators)
        k = support.sum(axis=-1)
        n = rows.shape[-1]
        matrix = support[:, :, np.newaxis] * support[:, np.newaxis, :]
        matrix /= -k[:, np.newaxis, np.newaxis]
        diagonal = np.arange(n)
        matrix[:, diagonal, diagonal] = support * ((k - 1) / k)[:, np.newaxis]
        matrix += 0.0  # no -0
        shape = *(size for i, size in enumerate(array.shape) if i not in axes), n, n
        return matrix.reshape(shape).astype(dtype, copy=False)


def sparsemax_pullback(x: ArrayLike, axis: Axis = -1) -> tuple[Array, Pull]:
    r"""Return `sparsemax` and its vector-Jacobian product, :math:`s_i(u_i - \sum_j s_j u_j / k)`.

    Parameters and errors are those of `sparsemax`, results as of `softmax_pullback`: a gradient
    loses its mean over the support, and is 0 elsewhere, whatever it was there.

    Examples
    --------
    >>> value, pull = sparsemax_pullback([0.5, 0.25, -1.0])
    >>> pull(np.array([1.0, 0.0, 5.0]))
    array([ 0.5, -0.5,  0. ])
    """
    with np.errstate(all="ignore"):
        rows, _, restore = rows_of(x, axis)
        p, support = by_blocks(rows, _project, _values, _indicators)
        outside = support == 0
        k = support.sum(axis=-1, keepdims=True)

        @np.errstate(all="ignore")
        def pull(grad_output: Array) -> Array:
            gradient, _, _ = rows_of(grad_output, axis)
            gradient[outside] = 0
            gradient -= (gradient / k).sum(axis=-1, keepdims=True)
            gradient[outside] = 0
            return restore(gradient)

        return restore(p), pull


PULLBACKS: Mapping[Callable[..., Array], Callable[..., tuple[Array, Pull]]] = MappingProxyType(
    {sparsemax: sparsemax_pullback}
)
"""For the function, what gives its value and its vector-Jacobian product."""


# ---------------------------------------------------------------------------------------------
# The projection
# ---------------------------------------------------------------------------------------------


@dataclass(eq=False, repr=False)
class _Projection:
    """Rows on the simplex: which entries are above 0, and all entries times their number."""

    inside: Array
    count: Array
    multiples: Pair
    empty: Any  # rows with NaN


def _values(found: _Projection) -> Array:
    p = np.where(found.inside, rounded(divide(found.multiples, split(found.count))), 0.0)
    p[found.empty] = np.nan
    return p


def _indicators(found: _Projection) -> Array:
    support = found.inside.astype(np.float64)
    support[found.empty] = np.nan
    return support


def _project(rows: Array) -> _Projection:
    gaps = _gaps(rows)
    inside = _first_guess(gaps[0])
    while True:  # Newton's method for tau: after the guess, one step or two
        count = inside.sum(axis=-1, keepdims=True).astype(np.float64)
        multiples = _multiples(gaps, inside, count)
        positive = rounded(multiples) > 0
        if (positive == inside).all():
            return _Projection(inside, count, multiples, np.isnan(rows).any(axis=-1))
        inside = positive


def _gaps(rows: Array) -> Pair:
    """Return how far below the largest entry of its row each is, exactly; at most 1."""
    largest = rows.max(axis=-1, keepdims=True, initial=-np.inf)
    gap, lost = two_sum(largest, -rows)
    far = ~((gap < 1) | ((gap == 1) & (lost < 0)))
    gap[far], lost[far] = 1, 0
    at_top = rows == largest  # inf - inf is NaN, where the difference meant is 0
    gap[at_top], lost[at_top] = 0, 0
    return gap, lost


def _first_guess(gaps: Array) -> Array:
    """Return the entries above 0, but for rounding: the smallest gaps, as many as fit."""
    ordered = np.sort(gaps, axis=-1)
    places = np.arange(1, gaps.shape[-1] + 1)
    fits = 1 + ordered.cumsum(axis=-1) - places * ordered > 0
    last = np.maximum(fits.sum(axis=-1, keepdims=True) - 1, 0)
    return gaps <= np.take_along_axis(ordered, last, axis=-1) if gaps.size else fits


def _multiples(gaps: Pair, inside: Array, count: Array) -> Pair:
    """Return 1, plus the sum of the gaps of the entries inside, minus so many times each gap."""
    bits = gaps[0].shape[-1].bit_length()
    heads, tails = _cut(gaps[0], bits)
    tails, rest = two_sum(tails, gaps[1])
    middle, tails = _cut(tails, 2 * bits - 51)
    rest += tails
    own = rest * inside
    small = own.sum(axis=-1, keepdims=True) - count * rest
    sizes = np.abs(own).sum(axis=-1, keepdims=True) + count * np.abs(rest)
    value, lost = two_sum(
        (1 + (heads * inside).sum(axis=-1, keepdims=True)) - count * heads,
        (middle * inside).sum(axis=-1, keepdims=True) - count * middle,
    )
    value, lost = two_sum(value, lost + small)
    for i, j in np.argwhere(sizes * _ROUGH > np.abs(value)):
        value[i, j], lost[i, j] = _exact_multiple(gaps, inside[i], i, j)
    return value, lost


def _cut(x: Array, exponent: int) -> Pair:
    """Return numbers cut on a grid on which neither their sums nor their multiples round."""
    grid = np.ldexp(1.5, exponent + 1)
    heads = (x + grid) - grid
    return heads, x - heads


_ROUGH = 2.0**11  # sums of the rests are right to 2^-47 of their sizes: this leaves 2^-58


def _exact_multiple(gaps: Pair, inside: Array, i: int, j: int) -> tuple[float, float]:
    """Return one of the `_multiples`, as the sum of all that it is made of."""
    own = [-part[i, j] for part in gaps]
    terms = [1.0, *(term for part in gaps for term in part[i][inside].tolist())]
    terms += own * int(inside.sum())
    value = fsum(terms)
    return value, fsum([*terms, -value])
