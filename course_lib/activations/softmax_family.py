r"""Softmax and its relatives: functions whose outputs depend on all of an axis, or of several.

The derivative of such a function is a Jacobian matrix, or, for logsumexp, a gradient in the shape
of the input. A ``..._pullback`` gives the value and the vector-Jacobian product without a matrix.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_flag
from course_lib._typing import Array, Pull
from course_lib.activations.rows import Axis, axes_of, by_blocks, rows_of
from course_lib.numerics import as_float
from course_lib.pairs import Pair, decay_pair, divide, multiply, split, two_sum

__all__ = [
    "log_softmax",
    "log_softmax_jacobian",
    "log_softmax_pullback",
    "logsumexp",
    "logsumexp_grad",
    "logsumexp_pullback",
    "negative_log_likelihood",
    "softmax",
    "softmax_and_log",
    "softmax_jacobian",
    "softmax_pullback",
    "softmin",
    "softmin_jacobian",
    "softmin_pullback",
]


def softmax(x: ArrayLike, axis: Axis = -1) -> Array:
    r"""Return :math:`p_i = e^{x_i} / \sum_j e^{x_j}`: positive numbers that sum to 1.

    Parameters
    ----------
    x : array_like
        At least one axis; float16, float32 or float64 (integers and lists become float64).
    axis : int or tuple of int, optional
        The axis that sums to 1, or several that do together; None for all.

    Returns
    -------
    ndarray
        Shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric, or an axis is not an integer.
    ValueError
        If `x` is a scalar or has no such axis, or an axis is given twice.

    Notes
    -----
    Adding a constant to all inputs changes nothing, so the largest is subtracted first and nothing
    overflows. Entries equal to :math:`+\infty` divide the 1 among them; where all are
    :math:`-\infty`, all are equal and so are the results. Named by Bridle, 1990
    :cite:p:`bridle1990probabilistic`.

    In float64, exponentials and their sum are kept as pairs of floats, to some 59 bits; leading
    bits are summed on one grid, where no sum rounds. What is rounded is the quotient, once: 0.51
    ULP at every length up to a million, and 0.76 where results are subnormal.

    Examples
    --------
    >>> softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    with np.errstate(all="ignore"):
        rows, dtype, restore = rows_of(x, axis)
        return restore(*_by_blocks(rows, dtype, _softmax_rows))


def softmax_jacobian(x: ArrayLike, axis: Axis = -1) -> Array:
    r"""Return the derivatives of `softmax`, :math:`J_{ij} = p_i(\delta_{ij} - p_j)`.

    Parameters
    ----------
    x : array_like
        As for `softmax`.
    axis : int or tuple of int, optional
        The axis of the softmax, of length n; several are one, of as many entries.

    Returns
    -------
    ndarray
        The axis is moved to the end and doubled: shape ``(..., n, n)``, dtype of `x`. The entries
        of several axes are in the order in which `x` has them.

    Raises
    ------
    TypeError, ValueError
        As `softmax` does.

    Notes
    -----
    On the diagonal, :math:`1 - p_i` would round to 0 for a confident answer; it is computed as the
    sum of the other probabilities. Each entry is a product of two numbers that were rounded once:
    2.25 ULP at most, at every length up to a million.

    Examples
    --------
    >>> softmax_jacobian([0.0, 0.0])
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    with np.errstate(all="ignore"):
        p, complements, dtype = _jacobian_parts(x, axis)
        complements *= p[..., np.newaxis]
        return complements.astype(dtype, copy=False)


def log_softmax(x: ArrayLike, axis: Axis = -1) -> Array:
    r"""Return the logarithm of `softmax`, :math:`x_i - \log \sum_j e^{x_j}`.

    Parameters
    ----------
    x : array_like
        At least one axis; float16, float32 or float64 (integers and lists become float64).
    axis : int or tuple of int, optional
        The axis over which the exponentials of the results sum to 1, or several; None for all.

    Returns
    -------
    ndarray
        Shape and dtype of `x`; never positive.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric, or an axis is not an integer.
    ValueError
        If `x` is a scalar or has no such axis, or an axis is given twice.

    Notes
    -----
    ``log(softmax(x))`` loses everything once an entry of softmax rounds to 0 or 1. Here one entry
    at the maximum gives a term of exactly 1, and only the other terms enter
    :math:`\log(1 + \cdot)`. Their sum has 59 bits, as in `softmax`, so that at every length the
    error is that of one logarithm and of one sum.

    Examples
    --------
    >>> log_softmax([0.0, -50.0])
    array([-1.92874985e-22, -5.00000000e+01])
    """
    with np.errstate(all="ignore"):
        rows, dtype, restore = rows_of(x, axis)
        return restore(*_by_blocks(rows, dtype, _log_softmax_rows))


def log_softmax_jacobian(x: ArrayLike, axis: Axis = -1) -> Array:
    r"""Return the derivatives of `log_softmax`, :math:`J_{ij} = \delta_{ij} - p_j`.

    Parameters, returned shape and errors are those of `softmax_jacobian`.

    Examples
    --------
    >>> log_softmax_jacobian([0.0, 0.0])
    array([[ 0.5, -0.5],
           [-0.5,  0.5]])
    """
    with np.errstate(all="ignore"):
        _, complements, dtype = _jacobian_parts(x, axis)
        return complements.astype(dtype, copy=False)


def softmin(x: ArrayLike, axis: Axis = -1) -> Array:
    r"""Return `softmax` of :math:`-x`: the smallest entry gets the largest probability.

    Parameters, returned shape and dtype, and errors are those of `softmax`.

    Examples
    --------
    >>> softmin([0.0, 1000.0])
    array([1., 0.])
    """
    return softmax(-as_float(x), axis)


def softmin_jacobian(x: ArrayLike, axis: Axis = -1) -> Array:
    r"""Return the derivatives of `softmin`, :math:`J_{ij} = p_i(p_j - \delta_{ij})`.

    Parameters, returned shape and errors are those of `softmax_jacobian`.

    Examples
    --------
    >>> softmin_jacobian([0.0, 0.0])
    array([[-0.25,  0.25],
           [ 0.25, -0.25]])
    """
    return -softmax_jacobian(-as_float(x), axis)


def logsumexp(x: ArrayLike, axis: Axis = -1, *, keepdims: bool = False) -> Array:
    r"""Return :math:`\log \sum_j e^{x_j}`, a smooth maximum.

    Parameters
    ----------
    x : array_like
        At least one axis; float16, float32 or float64 (integers and lists become float64).
    axis : int or tuple of int, optional
        The axis to sum over, or several; None for all.
    keepdims : bool
        Whether the axes stay, with length 1, so that the result broadcasts against `x`.

    Returns
    -------
    ndarray or scalar
        The shape of `x` without the axes, or with length 1 there; dtype of `x`. Of nothing,
        :math:`-\infty`.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric, or an axis is not an integer.
    ValueError
        If `x` is a scalar or has no such axis, or an axis is given twice.

    Notes
    -----
    Computed as the maximum plus :math:`\log(1 + \cdot)` of the other terms; see Blanchard, Higham
    and Higham, 2021 :cite:p:`blanchard2021accurately`. Where the two nearly cancel, at a maximum
    just below 0, the error is small beside the maximum and not beside the result.

    Examples
    --------
    >>> float(logsumexp([0.0, -50.0])), float(logsumexp([1000.0, 1000.0]))
    (1.9287498479639178e-22, 1000.6931471805599)

    What is left of `log_softmax` where the axis stays:

    >>> x = np.array([[0.0, 0.0], [1.0, 1.0]])
    >>> x - logsumexp(x, keepdims=True)
    array([[-0.69314718, -0.69314718],
           [-0.69314718, -0.69314718]])
    """
    return logsumexp_pullback(x, axis, keepdims=keepdims)[0]


def logsumexp_grad(x: ArrayLike, axis: Axis = -1, *, keepdims: bool = False) -> Array:
    r"""Return the gradient of `logsumexp`, which is `softmax`, whether or not the axes stay.

    Examples
    --------
    >>> logsumexp_grad([0.0, 0.0])
    array([0.5, 0.5])
    """
    return softmax(x, axis)


def softmax_and_log(x: ArrayLike) -> tuple[Array, Array]:
    """Return `softmax` and `log_softmax` over the last axis, from the same exponentials.

    Parameters and errors are those of `softmax`; the results are the same to the last bit.

    Examples
    --------
    >>> softmax_and_log([0.0, 0.0])
    (array([0.5, 0.5]), array([-0.69314718, -0.69314718]))
    """
    with np.errstate(all="ignore"):
        rows, dtype, restore = rows_of(x, -1)
        p, logarithms = _by_blocks(rows, dtype, _softmax_rows, _log_softmax_rows)
        return restore(p), restore(logarithms)


def negative_log_likelihood(x: Array, labels: Array, count: int = 1) -> tuple[Array, Array]:
    r"""Return :math:`-\log \mathrm{softmax}(x)_y` of each row, and the gradient of their mean.

    Parameters
    ----------
    x : ndarray
        Shape ``(..., n)``, float16, float32 or float64.
    labels : ndarray of int
        Shape ``(...)``: the entry :math:`y` of each row.
    count : int
        What the gradient is divided by.

    Returns
    -------
    values : ndarray
        Shape ``(...)``, dtype of `x`.
    gradient : ndarray
        Shape and dtype of `x`: :math:`p_j` beside the label, and at the label minus the sum of
        these, which is :math:`p_y - 1` without its cancellation. Rows sum to 0 but for rounding.

    Notes
    -----
    For the sake of training, float64 is a few ULP rougher than `softmax` and `log_softmax`; see
    `course_lib.network.cross_entropy_grad` for what is promised.

    Examples
    --------
    >>> negative_log_likelihood(np.array([[0.0, -50.0]]), np.array([0]))
    (array([1.92874985e-22]), array([[-1.92874985e-22,  1.92874985e-22]]))
    """
    with np.errstate(all="ignore"):
        table, axis = _along(x)
        shifted, rest = _less_largest(table, x.dtype, axis)
        numbers = labels.reshape(-1).astype(np.intp)
        rows = np.arange(len(numbers))
        # where the labels' entries stand in memory: with one index NumPy is faster than with two
        place = rows * shifted.shape[1] + numbers if axis else numbers * len(rows) + rows
        terms = np.exp(shifted)
        if rest is not None:
            terms += terms * rest
        flat = terms.reshape(-1)
        own = flat.take(place)
        flat[place] = 0
        others = terms.sum(axis=axis)
        total = others + own
        total *= count
        terms /= total[:, np.newaxis] if axis else total
        flat[place] = others / -total
        # 1 + more is the total: with the label at the maximum, more is what can be small
        more = np.where(own == 1, others, own + (others - 1))
        values = np.log1p(more, out=more)
        values -= shifted.reshape(-1).take(place)
        gradient = terms.astype(x.dtype) if axis else terms.T.astype(x.dtype, order="C")
        return values.reshape(labels.shape).astype(x.dtype), gradient.reshape(x.shape)


_SHORT = 32  # up to here rows lie faster side by side, as columns: sums then go along all of them


def _along(x: Array) -> tuple[Array, int]:
    """Return rows as a new matrix in float64, in rows or in columns, and the axis to sum along."""
    rows = x.reshape(-1, x.shape[-1])
    if rows.shape[-1] > _SHORT:
        return rows.astype(np.float64), 1
    return rows.T.astype(np.float64, order="C"), 0


# ---------------------------------------------------------------------------------------------
# Values with their vector-Jacobian products
# ---------------------------------------------------------------------------------------------


def softmax_pullback(x: ArrayLike, axis: Axis = -1) -> tuple[Array, Pull]:
    r"""Return `softmax` and its vector-Jacobian product, :math:`p_i (u_i - \sum_j p_j u_j)`.

    Parameters and errors are those of `softmax`.

    Returns
    -------
    value : ndarray
        As `softmax` returns it.
    pull : callable
        Takes a gradient with respect to the value, in its shape; returns that with respect to `x`.

    Notes
    -----
    No Jacobian is built: what is held is one array of the size of `x`. For a confident answer,
    :math:`u_i - \sum_j p_j u_j` would be a difference of equal numbers; as the gradients of a row
    sum to 0, that of an entry above 1/2 is minus the sum of the others. Errors stay within a few
    units of :math:`2^{-53} \sum_j |J_{ij} u_j|`, as those of a product with `softmax_jacobian`.

    Examples
    --------
    >>> value, pull = softmax_pullback([0.0, 0.0])
    >>> pull(np.array([1.0, 0.0]))
    array([ 0.25, -0.25])
    """
    with np.errstate(all="ignore"):
        rows, dtype, restore = rows_of(x, axis)
        (p,) = _by_blocks(rows, dtype, _softmax_rows)

        @np.errstate(all="ignore")
        def pull(grad_output: Array) -> Array:
            gradient, _, _ = rows_of(grad_output, axis)
            gradient *= p
            gradient -= p * gradient.sum(axis=-1, keepdims=True)
            return restore(_summing_to_zero(gradient, p))

        return restore(p), pull


def softmin_pullback(x: ArrayLike, axis: Axis = -1) -> tuple[Array, Pull]:
    """Return `softmin` and its vector-Jacobian product; see `softmax_pullback`.

    Examples
    --------
    >>> value, pull = softmin_pullback([0.0, 0.0])
    >>> pull(np.array([1.0, 0.0]))
    array([-0.25,  0.25])
    """
    value, pull = softmax_pullback(-as_float(x), axis)
    return value, lambda grad_output: -pull(grad_output)


def log_softmax_pullback(x: ArrayLike, axis: Axis = -1) -> tuple[Array, Pull]:
    r"""Return `log_softmax` and its vector-Jacobian product, :math:`u_i - p_i \sum_j u_j`.

    Parameters, results and accuracy are those of `softmax_pullback`.

    Examples
    --------
    >>> value, pull = log_softmax_pullback([0.0, 0.0])
    >>> pull(np.array([1.0, 0.0]))
    array([ 0.5, -0.5])
    """
    with np.errstate(all="ignore"):
        rows, dtype, restore = rows_of(x, axis)
        p, logarithms = _by_blocks(rows, dtype, _softmax_rows, _log_softmax_rows)

        @np.errstate(all="ignore")
        def pull(grad_output: Array) -> Array:
            gradient, _, _ = rows_of(grad_output, axis)
            gradient -= p * gradient.sum(axis=-1, keepdims=True)
            return restore(_summing_to_zero(gradient, p))

        return restore(logarithms), pull


def logsumexp_pullback(
    x: ArrayLike, axis: Axis = -1, *, keepdims: bool = False
) -> tuple[Array, Pull]:
    r"""Return `logsumexp` and its vector-Jacobian product, :math:`p_i u`.

    Parameters are those of `logsumexp`, results as of `softmax_pullback`.

    Examples
    --------
    >>> value, pull = logsumexp_pullback([0.0, 0.0])
    >>> pull(np.array(2.0))
    array([1., 1.])
    """
    array, axes = axes_of(x, axis)
    keepdims = as_flag("keepdims", keepdims)
    with np.errstate(all="ignore"):
        rows, dtype, restore = rows_of(array, axes)
        p, more = _by_blocks(rows, dtype, _softmax_rows, _log_of_total)
        top = np.asarray(array.max(axis=axes, initial=-np.inf, keepdims=keepdims))
        value = (top + more.reshape(top.shape)).astype(dtype)[()]

    @np.errstate(all="ignore")
    def pull(grad_output: Array) -> Array:
        return restore(p * grad_output.astype(np.float64).reshape(-1, 1))

    return value, pull


def _summing_to_zero(gradient: Array, p: Array) -> Array:
    """Replace, in place, a row's entry with p > 1/2, which cancels, by minus the others' sum."""
    if gradient.size:
        place = np.arange(len(p)), p.argmax(axis=-1)
        own, gradient[place] = gradient[place], 0
        gradient[place] = np.where(p[place] > 1 / 2, -gradient.sum(axis=-1), own)
    return gradient


# ---------------------------------------------------------------------------------------------
# Rows
# ---------------------------------------------------------------------------------------------


@dataclass(eq=False, repr=False)
class _Terms:
    """Rows of x - max(x) and their exponentials, each as a number and its rounding error.

    The errors are None for narrower dtypes, which can do without.
    """

    shifted: Array
    shifted_rest: Array | None
    terms: Array
    terms_rest: Array | None = None
    unit: Array | float = 1.0  # that of the terms, which would be subnormal without

    @property
    def top(self) -> tuple[Array, Array]:
        """The place of one entry at the maximum in each row; its term is 1."""
        if not self.shifted.size:
            return (np.arange(0),) * 2
        return np.arange(len(self.shifted)), self.shifted.argmax(axis=-1)

    @cached_property
    def others(self) -> Pair:
        """The sum of each row without that entry."""
        top = self.top
        own, self.terms[top] = self.terms[top], 0
        if self.terms_rest is None:
            others = self.terms.sum(axis=-1, keepdims=True), np.zeros(1)
        else:
            others = _sum_of_rows(self.terms, self.terms_rest, self.unit)
        self.terms[top] = own
        return others

    @property
    def total_inverse(self) -> Pair:
        """1 over the sum of each row."""
        total, rest = two_sum(1.0, self.others[0])
        return divide((np.ones(1), np.zeros(1)), split(total, rest + self.others[1]))


def _by_blocks(
    rows: Array, dtype: np.dtype[Any], *formulas: Callable[[_Terms], Array]
) -> list[Array]:
    return by_blocks(rows, lambda some: _terms(some, dtype), *formulas)


def _terms(rows: Array, dtype: np.dtype[Any]) -> _Terms:
    shifted, rest = _less_largest(rows, dtype)
    if rest is None:
        return _Terms(shifted, None, np.exp(shifted))
    rest[~(shifted > -_BEYOND)] = 0
    (terms, terms_rest), unit = decay_pair(np.minimum(-shifted, _BEYOND), -rest)
    return _Terms(shifted, rest, terms, terms_rest, unit)


def _less_largest(rows: Array, dtype: np.dtype[Any], axis: int = -1) -> tuple[Array, Array | None]:
    """Return x - max(x), and its rounding error where the result is to be float64, else None."""
    largest = rows.max(axis=axis, keepdims=True, initial=-np.inf)
    if dtype.itemsize < 8:
        shifted, rest = rows - largest, None
    else:
        shifted, rest = two_sum(rows, -largest)
        if not np.isfinite(shifted).all():
            rest[~np.isfinite(shifted)] = 0
    if not np.isfinite(largest).all():
        shifted[rows == largest] = 0  # inf - inf is NaN, where the difference meant is 0
    return shifted, rest


_BEYOND = 800.0  # e^-800 is 0 in float64


def _sum_of_rows(terms: Array, rests: Array, unit: Array | float) -> Pair:
    """Return the sum of each row to about 75 bits, in whatever order it is taken.

    The leading bits of all terms are cut off on one grid, on which no sum rounds. What they leave
    is so small that its own sum may round, up to lengths of a million.
    """
    scale: Array | float = 1.0
    if not isinstance(unit, float):
        near = (unit == 1) & (terms > 0)
        scale = np.where(near.any(axis=-1, keepdims=True), 1.0, 1 / unit.min())
        terms, rests = terms * (unit * scale), rests * (unit * scale)
    _, exponent = np.frexp(terms.max(axis=-1, keepdims=True, initial=0))
    grid = np.ldexp(1.5, exponent + terms.shape[-1].bit_length())
    heads = terms + grid
    heads -= grid
    tails = terms - heads
    tails += rests
    head, tail = (part.sum(axis=-1, keepdims=True) for part in (heads, tails))
    total = head + tail
    return total / scale, (tail - (total - head)) / scale


# ---------------------------------------------------------------------------------------------
# Formulas of rows
# ---------------------------------------------------------------------------------------------


def _softmax_rows(t: _Terms) -> Array:
    if t.terms_rest is None:
        return t.terms / t.terms.sum(axis=-1, keepdims=True)
    head, tail = multiply(split(t.terms, t.terms_rest), t.total_inverse)
    head += tail
    head *= t.unit
    return head


def _complements(t: _Terms) -> Array:
    """Return 1 - p, of the largest entry as the sum of the others."""
    assert t.terms_rest is not None
    total, rest = two_sum(1.0, t.others[0])
    left, lost = two_sum(total, -t.terms * t.unit)
    lost += rest + t.others[1] - t.terms_rest * t.unit
    place = t.top
    left[place], lost[place] = (part[:, 0] for part in t.others) if left.size else (0, 0)
    head, tail = multiply(split(left, lost), t.total_inverse)
    return head + tail


def _jacobian_parts(x: ArrayLike, axis: Axis) -> tuple[Array, Array, np.dtype[Any]]:
    """Return p and the matrix of d_ij - p_j, in float64 and without cancellation; and x's dtype."""
    array, axes = axes_of(x, axis)
    rows, dtype, _ = rows_of(array, axes)
    n = rows.shape[-1]
    shape = *(size for i, size in enumerate(array.shape) if i not in axes), n
    p, complements = _by_blocks(rows, rows.dtype, _softmax_rows, _complements)
    matrix = np.repeat(-p[:, np.newaxis, :], n, axis=-2)
    diagonal = np.arange(n)
    matrix[:, diagonal, diagonal] = complements
    return p.reshape(shape), matrix.reshape(*shape, n), dtype


def _log_softmax_rows(t: _Terms) -> Array:
    logarithm = _log_of_total(t)
    if t.shifted_rest is None:
        return t.shifted - logarithm
    value, lost = two_sum(t.shifted, -logarithm)
    lost += t.shifted_rest
    lost[~np.isfinite(value)] = 0
    value += lost
    return value


def _log_of_total(t: _Terms) -> Array:
    others, rest = t.others
    return np.log1p(others) + rest / (1 + others)


PULLBACKS: Mapping[Callable[..., Array], Callable[..., tuple[Array, Pull]]] = MappingProxyType(
    {
        softmax: softmax_pullback,
        softmin: softmin_pullback,
        log_softmax: log_softmax_pullback,
        logsumexp: logsumexp_pullback,
    }
)
"""For each function, what gives its value and its vector-Jacobian product."""
