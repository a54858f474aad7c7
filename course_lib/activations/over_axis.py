r"""Activations over an axis: softmax and its relatives, maxout, and the gated linear units.

Here an output depends on several inputs. Where it depends on all of an axis, the derivative is a
Jacobian matrix; where each input serves one output alone, the derivative has the shape of the
input, and `course_lib.activations.Activation.vjp` knows which output that is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._typing import Array
from course_lib.activations.parameters import check_integer
from course_lib.activations.piecewise import relu, relu_grad
from course_lib.activations.smooth import (
    gelu,
    gelu_grad,
    gelu_grad_plain,
    gelu_grad_scaled,
    gelu_plain,
    gelu_scaled,
    sigmoid,
    sigmoid_grad,
    sigmoid_grad_scaled,
    sigmoid_scaled,
    silu,
    silu_grad,
    swish_grad_plain,
    swish_grad_scaled,
    swish_plain,
    swish_scaled,
)
from course_lib.numerics import BLOCK, as_float, elementwise
from course_lib.pairs import (
    Exponent,
    Pair,
    decay_pair,
    divide,
    multiply,
    scaled,
    split,
    two_sum,
)

__all__ = [
    "gated_pullback",
    "geglu",
    "geglu_grad",
    "glu",
    "glu_grad",
    "log_softmax",
    "log_softmax_jacobian",
    "log_softmax_pullback",
    "logsumexp",
    "logsumexp_grad",
    "logsumexp_pullback",
    "maxout",
    "maxout_grad",
    "maxout_pullback",
    "negative_log_likelihood",
    "reglu",
    "reglu_grad",
    "softmax",
    "softmax_and_log",
    "softmax_jacobian",
    "softmax_pullback",
    "softmin",
    "softmin_jacobian",
    "softmin_pullback",
    "swiglu",
    "swiglu_grad",
]

Kernel = Callable[[Array], Array]
Pull = Callable[[Array], Array]
"""Carries a gradient with respect to a value back to the input."""

# ---------------------------------------------------------------------------------------------
# Softmax and its relatives
# ---------------------------------------------------------------------------------------------


def softmax(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return :math:`p_i = e^{x_i} / \sum_j e^{x_j}`: positive numbers that sum to 1.

    Parameters
    ----------
    x : array_like
        At least one axis; float16, float32 or float64 (integers and lists become float64).
    axis : int
        The axis that sums to 1.

    Returns
    -------
    ndarray
        Shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.
    ValueError
        If `x` is a scalar, or has no such axis.

    Notes
    -----
    Adding a constant to all inputs changes nothing, so the largest is subtracted first and nothing
    overflows. Entries equal to :math:`+\infty` share the whole; where all are :math:`-\infty`, all
    are equal and so are the results. Named by Bridle, 1990 :cite:p:`bridle1990probabilistic`.

    In float64, exponentials and their sum are kept as pairs of floats, to some 59 bits; leading
    bits are summed on one grid, where no sum rounds. What is rounded is the quotient, once: 0.51
    ULP at every length up to a million, and 0.76 where results are subnormal.

    Examples
    --------
    >>> softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    with np.errstate(all="ignore"):
        rows, restore = _rows_of(x, axis)
        return restore(*_by_blocks(rows, as_float(x).dtype, _softmax_rows))


def softmax_jacobian(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return the derivatives of `softmax`, :math:`J_{ij} = p_i(\delta_{ij} - p_j)`.

    Parameters
    ----------
    x : array_like
        As for `softmax`.
    axis : int
        The axis of the softmax, of length n.

    Returns
    -------
    ndarray
        The axis is moved to the end and doubled: shape ``(..., n, n)``, dtype of `x`.

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
        p, complements = _jacobian_parts(x, axis)
        complements *= p[..., np.newaxis]
        return complements.astype(as_float(x).dtype, copy=False)


def log_softmax(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return the logarithm of `softmax`, :math:`x_i - \log \sum_j e^{x_j}`.

    Parameters
    ----------
    x : array_like
        At least one axis; float16, float32 or float64 (integers and lists become float64).
    axis : int
        The axis over which the exponentials of the results sum to 1.

    Returns
    -------
    ndarray
        Shape and dtype of `x`; never positive.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.
    ValueError
        If `x` is a scalar, or has no such axis.

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
        rows, restore = _rows_of(x, axis)
        return restore(*_by_blocks(rows, as_float(x).dtype, _log_softmax_rows))


def log_softmax_jacobian(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return the derivatives of `log_softmax`, :math:`J_{ij} = \delta_{ij} - p_j`.

    Parameters, returned shape and errors are those of `softmax_jacobian`.

    Examples
    --------
    >>> log_softmax_jacobian([0.0, 0.0])
    array([[ 0.5, -0.5],
           [-0.5,  0.5]])
    """
    with np.errstate(all="ignore"):
        _, complements = _jacobian_parts(x, axis)
        return complements.astype(as_float(x).dtype, copy=False)


def _jacobian_parts(x: ArrayLike, axis: int) -> tuple[Array, Array]:
    """Return p and the matrix of d_ij - p_j, in float64 and without cancellation."""
    array = _with_axis(x, axis)
    shape = np.moveaxis(array, axis, -1).shape
    rows, _ = _rows_of(array, axis)
    p, complements = _by_blocks(rows, rows.dtype, _softmax_rows, _complements)
    matrix = np.repeat(-p[:, np.newaxis, :], shape[-1], axis=-2)
    diagonal = np.arange(shape[-1])
    matrix[:, diagonal, diagonal] = complements
    return p.reshape(shape), matrix.reshape(*shape, shape[-1])


def softmin(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return `softmax` of :math:`-x`: the smallest entry gets the largest share.

    Parameters, returned shape and dtype, and errors are those of `softmax`.

    Examples
    --------
    >>> softmin([0.0, 1000.0])
    array([1., 0.])
    """
    return softmax(-as_float(x), axis)


def softmin_jacobian(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return the derivatives of `softmin`, :math:`J_{ij} = p_i(p_j - \delta_{ij})`.

    Parameters, returned shape and errors are those of `softmax_jacobian`.

    Examples
    --------
    >>> softmin_jacobian([0.0, 0.0])
    array([[-0.25,  0.25],
           [ 0.25, -0.25]])
    """
    return -softmax_jacobian(-as_float(x), axis)


def logsumexp(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return :math:`\log \sum_j e^{x_j}`, a smooth maximum.

    Parameters
    ----------
    x : array_like
        At least one axis; float16, float32 or float64 (integers and lists become float64).
    axis : int
        The axis to sum over.

    Returns
    -------
    ndarray or scalar
        The shape of `x` without the axis; dtype of `x`. Of nothing, :math:`-\infty`.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.
    ValueError
        If `x` is a scalar, or has no such axis.

    Notes
    -----
    Computed as the maximum plus :math:`\log(1 + \cdot)` of the other terms; see Blanchard, Higham
    and Higham, 2021 :cite:p:`blanchard2021accurately`. Where the two nearly cancel, at a maximum
    just below 0, the error is small beside the maximum and not beside the result.

    Examples
    --------
    >>> float(logsumexp([0.0, -50.0])), float(logsumexp([1000.0, 1000.0]))
    (1.9287498479639178e-22, 1000.6931471805599)
    """
    return logsumexp_pullback(x, axis)[0]


def logsumexp_grad(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return the gradient of `logsumexp`, which is `softmax`.

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
        rows, restore = _rows_of(x, -1)
        p, logarithms = _by_blocks(rows, as_float(x).dtype, _softmax_rows, _log_softmax_rows)
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
        rows, restore = _rows_of(x, -1)
        place = np.arange(len(rows)), labels.reshape(-1)
        shifted, rest = _less_largest(rows, x.dtype)
        terms = np.exp(shifted)
        if rest is not None:
            terms += terms * rest
        own, terms[place] = terms[place], 0
        others = terms.sum(axis=-1)
        terms /= ((others + own) * count)[:, np.newaxis]
        terms[place] = others / (-count * (others + own))
        # 1 + more is the total: with the label at the maximum, more is what can be small
        more = np.where(own == 1, others, own + (others - 1))
        values = np.log1p(more) - shifted[place]
        return values.reshape(labels.shape).astype(x.dtype), restore(terms)


def softmax_pullback(x: ArrayLike, axis: int = -1) -> tuple[Array, Pull]:
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
        rows, restore = _rows_of(x, axis)
        (p,) = _by_blocks(rows, as_float(x).dtype, _softmax_rows)

        @np.errstate(all="ignore")
        def pull(grad_output: Array) -> Array:
            gradient, _ = _rows_of(grad_output, axis)
            gradient *= p
            gradient -= p * gradient.sum(axis=-1, keepdims=True)
            return restore(_summing_to_zero(gradient, p))

        return restore(p), pull


def softmin_pullback(x: ArrayLike, axis: int = -1) -> tuple[Array, Pull]:
    """Return `softmin` and its vector-Jacobian product; see `softmax_pullback`.

    Examples
    --------
    >>> value, pull = softmin_pullback([0.0, 0.0])
    >>> pull(np.array([1.0, 0.0]))
    array([-0.25,  0.25])
    """
    value, pull = softmax_pullback(-as_float(x), axis)
    return value, lambda grad_output: -pull(grad_output)


def log_softmax_pullback(x: ArrayLike, axis: int = -1) -> tuple[Array, Pull]:
    r"""Return `log_softmax` and its vector-Jacobian product, :math:`u_i - p_i \sum_j u_j`.

    Parameters, results and accuracy are those of `softmax_pullback`.

    Examples
    --------
    >>> value, pull = log_softmax_pullback([0.0, 0.0])
    >>> pull(np.array([1.0, 0.0]))
    array([ 0.5, -0.5])
    """
    with np.errstate(all="ignore"):
        rows, restore = _rows_of(x, axis)
        p, logarithms = _by_blocks(rows, as_float(x).dtype, _softmax_rows, _log_softmax_rows)

        @np.errstate(all="ignore")
        def pull(grad_output: Array) -> Array:
            gradient, _ = _rows_of(grad_output, axis)
            gradient -= p * gradient.sum(axis=-1, keepdims=True)
            return restore(_summing_to_zero(gradient, p))

        return restore(logarithms), pull


def logsumexp_pullback(x: ArrayLike, axis: int = -1) -> tuple[Any, Pull]:
    r"""Return `logsumexp` and its vector-Jacobian product, :math:`p_i u`.

    Parameters and results are those of `softmax_pullback`.

    Examples
    --------
    >>> value, pull = logsumexp_pullback([0.0, 0.0])
    >>> pull(np.array(2.0))
    array([1., 1.])
    """
    array = _with_axis(x, axis)
    with np.errstate(all="ignore"):
        rows, restore = _rows_of(array, axis)
        p, more = _by_blocks(rows, array.dtype, _softmax_rows, _log_of_total)
        top = np.asarray(array.max(axis=axis, initial=-np.inf))
        value = (top + more.reshape(top.shape)).astype(array.dtype)[()]

    @np.errstate(all="ignore")
    def pull(grad_output: Array) -> Array:
        return restore(p * grad_output.astype(np.float64).reshape(-1, 1))

    return value, pull


def _summing_to_zero(gradient: Array, p: Array) -> Array:
    """Put right, in place, what cancels: the entries of p above 1/2, one in a row at most."""
    if gradient.size:
        place = np.arange(len(p)), p.argmax(axis=-1)
        own, gradient[place] = gradient[place], 0
        gradient[place] = np.where(p[place] > 1 / 2, -gradient.sum(axis=-1), own)
    return gradient


def _with_axis(x: ArrayLike, axis: int) -> Array:
    array = as_float(x)
    if not -array.ndim <= check_integer("axis", axis) < array.ndim:
        raise ValueError(
            f"x has shape {array.shape} and no axis {axis}; an array with that axis is needed"
        )
    return array


def _rows_of(x: ArrayLike, axis: int) -> tuple[Array, Callable[[Array], Array]]:
    """Return `x` as rows of a new matrix in float64, and what undoes both."""
    array = _with_axis(x, axis)
    last = np.moveaxis(array, axis, -1)
    shape = last.shape

    def restore(rows: Array) -> Array:
        return np.moveaxis(rows.reshape(shape).astype(array.dtype, copy=False), -1, axis)

    return last.reshape(prod(shape[:-1]), shape[-1]).astype(np.float64), restore


@dataclass
class _Terms:
    """Rows of x - max(x) and the exponentials of these, each as a number and what is missing to it.

    Nothing is missing, None, where narrower dtypes can do without.
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
    """Apply formulas to some rows at a time, so that what is between stays in the cache."""
    count, length = rows.shape
    step = max(1, BLOCK // max(length, 1))
    if count <= step:
        terms = _terms(rows, dtype)
        return [formula(terms) for formula in formulas]
    results: list[Array] = []
    for start in range(0, count, step):
        block = slice(start, start + step)
        terms = _terms(rows[block], dtype)
        parts = [formula(terms) for formula in formulas]
        results = results or [np.empty((count, part.shape[-1])) for part in parts]
        for result, part in zip(results, parts, strict=True):
            result[block] = part
    return results


def _terms(rows: Array, dtype: np.dtype[Any]) -> _Terms:
    shifted, rest = _less_largest(rows, dtype)
    if rest is None:
        return _Terms(shifted, None, np.exp(shifted))
    rest[~(shifted > -_BEYOND)] = 0
    (terms, terms_rest), unit = decay_pair(np.minimum(-shifted, _BEYOND), -rest)
    return _Terms(shifted, rest, terms, terms_rest, unit)


def _less_largest(rows: Array, dtype: np.dtype[Any]) -> tuple[Array, Array | None]:
    """Return x - max(x), and what is missing to it where the digits of a float64 are counted."""
    largest = rows.max(axis=-1, keepdims=True, initial=-np.inf)
    at_top = rows == largest
    if dtype.itemsize < 8:
        shifted, rest = rows - largest, None
    else:
        shifted, rest = two_sum(rows, -largest)
        rest[~np.isfinite(shifted)] = 0
    shifted[at_top] = 0  # inf - inf is NaN, where the difference meant is 0
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


# ---------------------------------------------------------------------------------------------
# The largest of a group
# ---------------------------------------------------------------------------------------------


def maxout(x: ArrayLike, axis: int = -1, *, pieces: int = 2) -> Any:
    r"""Return the largest of each group of inputs.

    Parameters
    ----------
    x : array_like
        At least one axis; float16, float32 or float64 (integers and lists become float64).
    axis : int
        The axis to take together; its length n is a multiple of `pieces`.
    pieces : int
        Inputs in a group. The axis is cut into that many parts of length n / pieces, and output j
        is the largest of the entries j of all parts.

    Returns
    -------
    ndarray
        The axis has length n / pieces; dtype of `x`. Exact.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.
    ValueError
        If `x` has no such axis, or its length is not a multiple of `pieces`.

    Notes
    -----
    Goodfellow et al., 2013 :cite:p:`goodfellow2013maxout`: after a dense layer it is the largest of
    `pieces` linear functions, so that the bend itself is learned.

    Examples
    --------
    >>> maxout([1.0, 2.0, 3.0, 0.0])
    array([3., 2.])
    """
    return maxout_pullback(x, axis, pieces=pieces)[0]


def maxout_grad(x: ArrayLike, axis: int = -1, *, pieces: int = 2) -> Any:
    r"""Return the derivative of each output of `maxout` by each of its inputs: 1 or 0.

    Returns
    -------
    ndarray
        Shape and dtype of `x`. Of several equal inputs the first has the 1.

    Examples
    --------
    >>> maxout_grad([1.0, 2.0, 3.0, 0.0])
    array([0., 1., 1., 0.])
    """
    value, pull = maxout_pullback(x, axis, pieces=pieces)
    return pull(np.ones_like(value))


def maxout_pullback(x: ArrayLike, axis: int = -1, *, pieces: int = 2) -> tuple[Array, Pull]:
    """Return `maxout` and its vector-Jacobian product, which sends each gradient to the largest.

    Parameters and results are those of `maxout` and of `softmax_pullback`.

    Examples
    --------
    >>> value, pull = maxout_pullback([1.0, 2.0, 3.0, 0.0])
    >>> pull(np.array([5.0, 6.0]))
    array([0., 6., 5., 0.])
    """
    parts, axis = _parts(x, axis, pieces)

    @np.errstate(all="ignore")
    def pull(grad_output: Array) -> Array:
        gradient = np.zeros_like(parts)
        u = np.moveaxis(grad_output, axis, -1)[..., np.newaxis, :].astype(parts.dtype)
        np.put_along_axis(gradient, parts.argmax(axis=-2)[..., np.newaxis, :], u, axis=-2)
        gradient[np.isnan(parts)] = np.nan
        length = parts.shape[-2] * parts.shape[-1]
        return np.moveaxis(gradient.reshape(*parts.shape[:-2], length), -1, axis)

    with np.errstate(all="ignore"):
        return np.moveaxis(parts.max(axis=-2), -1, axis), pull


def _parts(x: ArrayLike, axis: int, pieces: int) -> tuple[Array, int]:
    """Return the axis, moved to the end, as (pieces, length / pieces); and where it was."""
    array = _with_axis(x, axis)
    length, pieces = array.shape[axis], check_integer("pieces", pieces)
    if pieces < 1 or length % pieces:
        raise ValueError(
            f"axis {axis} has length {length}, which cannot be cut into {pieces} pieces; "
            f"expected 1 or more equal parts"
        )
    moved = np.moveaxis(array, axis, -1)
    return moved.reshape(*moved.shape[:-1], pieces, length // pieces), axis


# ---------------------------------------------------------------------------------------------
# Gated linear units: one half of the inputs, times a function of the other
# ---------------------------------------------------------------------------------------------


def glu(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return :math:`a\,\sigma(b)`, where :math:`a` and :math:`b` are the halves of the input.

    Parameters
    ----------
    x : array_like
        At least one axis; float16, float32 or float64 (integers and lists become float64).
    axis : int
        The axis to halve, of even length n.

    Returns
    -------
    ndarray
        The axis has length n / 2; dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.
    ValueError
        If `x` has no such axis, or its length is odd.

    Notes
    -----
    Dauphin et al., 2017 :cite:p:`dauphin2017language`. PyTorch, JAX and Keras agree that the second
    half is the gate. In a network, the halves come from one dense layer of twice the width.

    Examples
    --------
    >>> glu([3.0, 5.0, 0.0, 1000.0])
    array([1.5, 5. ])
    """
    return _gated(sigmoid, x, axis)


def glu_grad(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return the derivative of each output of `glu` by each of its two inputs.

    Returns
    -------
    ndarray
        Shape and dtype of `x`: :math:`\sigma(b)` in the first half, :math:`a\,\sigma'(b)` in the
        second.

    Examples
    --------
    >>> glu_grad([2.0, 0.0])
    array([0.5, 0.5])
    """
    return _gated_grad(sigmoid, sigmoid_grad, x, axis)


def reglu(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return :math:`a\,\max(0, b)`; parameters and errors are those of `glu`.

    Notes
    -----
    Shazeer, 2020 :cite:p:`shazeer2020glu`, who gates with the first half; here it is the second, as
    in `glu`.

    Examples
    --------
    >>> reglu([3.0, 5.0, -1.0, 2.0])
    array([ 0., 10.])
    """
    return _gated(relu, x, axis)


def reglu_grad(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return the derivatives of `reglu`; shape as for `glu_grad`.

    Examples
    --------
    >>> reglu_grad([3.0, 2.0])
    array([2., 3.])
    """
    return _gated_grad(relu, relu_grad, x, axis)


def geglu(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return :math:`a\,b\,\Phi(b)`; parameters and errors are those of `glu`.

    Notes
    -----
    Shazeer, 2020 :cite:p:`shazeer2020glu`; the gate is `gelu` of the second half.

    Examples
    --------
    >>> geglu([3.0, 100.0])
    array([300.])
    """
    return _gated(gelu, x, axis)


def geglu_grad(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return the derivatives of `geglu`; shape as for `glu_grad`.

    Examples
    --------
    >>> geglu_grad([3.0, 0.0])
    array([0. , 1.5])
    """
    return _gated_grad(gelu, gelu_grad, x, axis)


def swiglu(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return :math:`a\,b\,\sigma(b)`; parameters and errors are those of `glu`.

    Notes
    -----
    Shazeer, 2020 :cite:p:`shazeer2020glu`; the gate is `silu` of the second half.

    Examples
    --------
    >>> swiglu([3.0, 100.0])
    array([300.])
    """
    return _gated(silu, x, axis)


def swiglu_grad(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return the derivatives of `swiglu`; shape as for `glu_grad`.

    Examples
    --------
    >>> swiglu_grad([3.0, 0.0])
    array([0. , 1.5])
    """
    return _gated_grad(silu, silu_grad, x, axis)


def _gated(gate: Kernel, x: ArrayLike, axis: int) -> Array:
    halves, axis = _parts(x, axis, 2)
    a, b = np.moveaxis(halves, -2, 0).astype(np.float64, order="C")
    with np.errstate(all="ignore"):
        product = _product(a, *_gate(gate, b, halves.dtype, a)).astype(halves.dtype)
    return np.moveaxis(product, -1, axis)


def _gated_grad(gate: Kernel, derivative: Kernel, x: ArrayLike, axis: int) -> Array:
    halves, axis = _parts(x, axis, 2)
    a, b = np.moveaxis(halves, -2, 0).astype(np.float64, order="C")
    with np.errstate(all="ignore"):
        first = scaled(*_gate(gate, b, halves.dtype, b))
        both = [first, _product(a, *_gate(derivative, b, halves.dtype, a))]
        return np.moveaxis(np.concatenate(both, axis=-1).astype(halves.dtype), -1, axis)


def _product(a: Array, value: Array, exponent: Exponent) -> Array:
    """Return a times a gate; nothing times infinity is nothing, the limit of what grows alike."""
    product = scaled(a * value, exponent)
    if np.isnan(product).any():
        product[np.isnan(product) & ~np.isnan(a) & ~np.isnan(value)] = 0
    return product


def _gate(gate: Kernel, b: Array, dtype: np.dtype[Any], a: Array) -> tuple[Array, Exponent]:
    """Return g(b) as a number times a power of two: alone it may be too small for its digits."""
    if dtype.itemsize < 8 and np.isfinite(a).all():  # no factor is so large that it would matter
        return elementwise(_PLAIN.get(gate, gate), b), 0
    if gate not in _SCALED:
        return gate(b), 0
    values, exponents = np.empty_like(b), np.zeros(b.shape, np.int32)
    flat, powers, source = values.reshape(-1), exponents.reshape(-1), b.reshape(-1)
    for start in range(0, b.size, BLOCK):
        block = slice(start, start + BLOCK)
        flat[block], powers[block] = _scaled_gate(gate, source[block])
    return values, exponents if exponents.any() else 0


def _scaled_gate(gate: Kernel, b: Array) -> tuple[Array, Exponent]:
    value, exponent = _SCALED[gate](b)
    # not only tiny: an infinite factor does not make it a number
    value[np.isinf(b) if gate is sigmoid_grad else b == -np.inf] = 0
    tiny = (np.abs(b) < 2.0**-_LIFT) & (b != 0)
    if gate in (silu, gelu) and tiny.any():  # b/2, which is short of digits if b is subnormal
        value = np.where(tiny, b * 2.0 ** (_LIFT - 1), value)
        exponent = np.where(tiny, np.int32(-_LIFT), exponent).astype(np.int32)
    return value, exponent


_LIFT = 900  # binary places: with so many more, no subnormal number is short of digits

_PLAIN: dict[Kernel, Kernel] = {
    silu: swish_plain,
    silu_grad: swish_grad_plain,
    gelu: gelu_plain,
    gelu_grad: gelu_grad_plain,
}
_SCALED: dict[Kernel, Callable[[Array], tuple[Array, Exponent]]] = {
    sigmoid: sigmoid_scaled,
    sigmoid_grad: sigmoid_grad_scaled,
    silu: swish_scaled,
    silu_grad: swish_grad_scaled,
    gelu: gelu_scaled,
    gelu_grad: gelu_grad_scaled,
}


def gated_pullback(gate: Kernel, derivative: Kernel) -> Callable[..., tuple[Array, Pull]]:
    r"""Return what gives a gated unit's value and its vector-Jacobian product.

    Parameters
    ----------
    gate, derivative : callable
        :math:`g` and :math:`g'`, of a float64 array.

    Returns
    -------
    callable
        Takes `x` and `axis`; returns :math:`a\,g(b)` and a callable, as `softmax_pullback` does,
        for the gradient :math:`u\,g(b)` in the first half and :math:`u\,a\,g'(b)` in the second.

    Examples
    --------
    >>> value, pull = gated_pullback(relu, relu_grad)([3.0, 2.0])
    >>> value, pull(np.array([10.0]))
    (array([6.]), array([20., 30.]))
    """

    def both(x: ArrayLike, axis: int = -1) -> tuple[Array, Pull]:
        halves, axis = _parts(x, axis, 2)
        a, b = np.moveaxis(halves, -2, 0).astype(np.float64, order="C")
        with np.errstate(all="ignore"):
            gates, exponent = _gate(gate, b, halves.dtype, a)
            value = _product(a, gates, exponent).astype(halves.dtype)
            value = np.moveaxis(value, -1, axis)
            gates = scaled(gates, exponent)

        @np.errstate(all="ignore")
        def pull(grad_output: Array) -> Array:
            u = np.moveaxis(grad_output, axis, -1)
            through = _product(a, *_gate(derivative, b, halves.dtype, a))
            gradient = np.concatenate([u * gates, u * through], axis=-1)
            return np.moveaxis(gradient.astype(halves.dtype), -1, axis)

        return value, pull

    return both
