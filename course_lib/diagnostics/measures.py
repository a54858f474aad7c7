r"""Measures of one array or activation: root mean square, effective rank, saturation."""

import numpy as np
from numpy.typing import ArrayLike

from course_lib import activations
from course_lib._checks import as_array, as_number
from course_lib._typing import Array, ArrayOrScalar
from course_lib.activations import Activation

__all__ = ["effective_rank", "is_saturated", "root_mean_square", "saturation_threshold"]


def root_mean_square(values: ArrayLike) -> ArrayOrScalar:
    """Return the root of the mean square over the last two axes.

    Parameters
    ----------
    values : array_like
        Shape ``(..., batch, features)`` or ``(..., in_features, out_features)``.

    Returns
    -------
    ndarray or scalar of float64
        Shape ``(...)``. It neither overflows nor vanishes where the values themselves do not;
        infinite where one is, and NaN where one is NaN.

    Raises
    ------
    ValueError
        If there are no rows or columns.

    Examples
    --------
    >>> root_mean_square(np.array([[3e-200, 4e-200]]))
    np.float64(3.5355339059327375e-200)
    """
    values = _as_matrices("values", values)
    size = np.abs(values).max(axis=(-2, -1), keepdims=True)
    # an infinite or NaN value makes the result so, and squares beside it may overflow unnoticed
    scale = np.where((size > 0) & np.isfinite(size), size, 1.0)
    with np.errstate(all="ignore"):
        return (scale[..., 0, 0] * np.sqrt(np.square(values / scale).mean(axis=(-2, -1))))[()]


def _as_matrices(name: str, given: ArrayLike) -> Array:
    """Return float64 of shape (..., rows, columns), or raise ValueError."""
    values = as_array(name, given).astype(np.float64)
    if values.ndim < 2 or 0 in values.shape[-2:]:
        raise ValueError(f"{name} has shape {values.shape}; expected (..., rows, columns)")
    return values


@np.errstate(all="ignore")
def effective_rank(matrix: ArrayLike) -> ArrayOrScalar:
    r"""Return how many directions a matrix effectively has.

    Divided by their sum, the singular values are fractions :math:`p_i`; the effective rank is
    :math:`\exp(-\sum_i p_i \ln p_i)`.

    Parameters
    ----------
    matrix : array_like
        Shape ``(..., rows, columns)``.

    Returns
    -------
    ndarray or scalar of float64
        Shape ``(...)``, from 1 to the smaller side: 1 if all rows are multiples of one, the full
        number if all singular values are equal. 0 for a matrix of zeros, NaN if a value is not
        finite.

    Raises
    ------
    ValueError
        If there are no rows or columns.

    Notes
    -----
    Roy and Vetterli, 2007 :cite:p:`roy2007effective`. Rows are not centered: activations that all
    point the same way count as one direction.

    Examples
    --------
    >>> effective_rank(np.eye(4)).round(12), effective_rank(np.ones((4, 4))).round(12)
    (np.float64(4.0), np.float64(1.0))
    """
    values = _as_matrices("matrix", matrix)
    finite = np.isfinite(values).all(axis=(-2, -1), keepdims=True)
    values = np.where(finite, values, 0.0)
    size = np.abs(values).max(axis=(-2, -1), keepdims=True)
    scaled = values / np.where(size > 0, size, 1.0)  # neither overflows nor vanishes when squared
    singular = np.linalg.svd(scaled, compute_uv=False)
    total = singular.sum(axis=-1, keepdims=True)
    fractions = singular / np.where(total > 0, total, 1.0)
    # p ln p is 0 at p = 0
    entropy = -(fractions * np.log(np.where(fractions > 0, fractions, 1.0))).sum(axis=-1)
    rank = np.where(np.asarray(size)[..., 0, 0] > 0, np.exp(entropy), 0.0)
    return np.where(np.asarray(finite)[..., 0, 0], rank, np.nan)[()]


def saturation_threshold(activation: str | Activation, fraction: float = 0.01) -> float:
    """Return the size of the derivative below which a unit counts as saturated.

    Parameters
    ----------
    activation : str or Activation
        An elementwise entry of the catalogue.
    fraction : float
        Of the largest derivative that the activation has anywhere; between 0 and 1.

    Returns
    -------
    float
        ``fraction`` times the Lipschitz constant; for an activation whose derivative has no bound,
        such as squared ReLU, or of which none is stated, times 1.

    Raises
    ------
    KeyError
        If there is no such activation.
    ValueError
        If it is not elementwise, or the fraction is not between 0 and 1.

    Examples
    --------
    >>> saturation_threshold("tanh"), saturation_threshold("sigmoid")
    (0.01, 0.0025)
    """
    row = activations.get(activation)
    if not row.elementwise:
        raise ValueError(
            f"{row.name!r} is not elementwise, so its units have no derivative of their own; "
            f"expected an elementwise activation"
        )
    return as_number("fraction", fraction, above=0, below=1) * largest_derivative(row)


def largest_derivative(row: Activation) -> float:
    """Return the largest derivative that an activation has, or 1 if no bound is known."""
    return 1.0 if row.lipschitz is None or np.isinf(row.lipschitz) else float(row.lipschitz)


@np.errstate(all="ignore")
def is_saturated(activation: str | Activation, x: ArrayLike, fraction: float = 0.01) -> Array:
    """Return where an activation is saturated: its derivative below a fraction of its largest one.

    Parameters
    ----------
    activation, fraction
        As for `saturation_threshold`.
    x : array_like
        Inputs of the activation, of any shape.

    Returns
    -------
    ndarray of bool
        The shape of `x`.

    Raises
    ------
    KeyError, ValueError
        As `saturation_threshold`.

    Examples
    --------
    >>> is_saturated("tanh", [0.0, 2.9, 3.1]), is_saturated("relu", [-1.0, 1.0])
    (array([False, False,  True]), array([ True, False]))
    """
    row = activations.get(activation)
    return np.abs(row.derivative(x)) < saturation_threshold(row, fraction)
