"""Clipping: what keeps a single batch from a step that is far too long."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib._checks import as_number, check_shape
from course_lib._typing import Array, PerReplica
from course_lib.training.stepping import check_gradients, check_in_place

__all__ = ["clip_norm", "clip_value"]


def clip_norm(gradients: Mapping[str, Array], limit: float) -> PerReplica:
    r"""Shrink gradients, in place, so that their norm is at most a limit.

    All gradients of a replica together are one long vector :math:`g`. Where it is longer than the
    limit it keeps its direction, :math:`g \leftarrow g \min(1, c / (\lVert g \rVert + 10^{-6}))`.

    Parameters
    ----------
    gradients : mapping of str to ndarray
        As `course_lib.network.Network.loss_and_gradients` returns them, each of shape
        ``(..., rows, columns)``.
    limit : float
        The longest norm :math:`c`, finite and above 0.

    Returns
    -------
    ndarray or scalar
        The norm of each replica before clipping, shape ``(...)``.

    Raises
    ------
    ValueError
        If the limit is not a finite number above 0, there are no gradients, or one has fewer than
        two axes.
    TypeError
        If the gradients are not a mapping of names to arrays of floats.

    Notes
    -----
    Pascanu, Mikolov and Bengio, 2013 :cite:p:`pascanu2013difficulty`; the :math:`10^{-6}` is
    PyTorch's. A norm that is not finite is not repaired: as in PyTorch, an infinite gradient
    becomes NaN and the finite ones beside it 0, and a NaN makes them all NaN. Other replicas do
    not notice. Gradients of which only the squares would overflow are clipped as all others.

    Examples
    --------
    >>> gradients = {"w": np.array([[3.0, 4.0]])}
    >>> clip_norm(gradients, 1)
    np.float64(5.0)
    >>> gradients["w"].round(6)
    array([[0.6, 0.8]])
    """
    _check_clipping(gradients, limit)
    if not gradients:
        raise ValueError("there are no gradients; call loss_and_gradients first")
    axes = min(gradient.ndim for gradient in gradients.values())
    check_shape(axes > 1, "(..., rows, columns)", **gradients)
    norms = _norms(list(gradients.values()))
    with np.errstate(invalid="ignore", under="ignore"):  # an infinite gradient times 0
        factor = np.minimum(1, _within(limit, norms) / (norms + 1e-6))
        factor = factor[..., np.newaxis, np.newaxis]
        for gradient in gradients.values():
            gradient *= factor
    return norms


def _check_clipping(gradients: Mapping[str, Array], limit: float) -> None:
    as_number("limit", limit, above=0)
    check_gradients(gradients)
    for name, gradient in gradients.items():
        check_in_place(name, gradient, "clipped")


def _within(limit: float, values: PerReplica) -> float:
    """Return a limit, or the largest number of the values' dtype if it is beyond all of them."""
    return min(limit, float(np.finfo(values.dtype).max))


def _norms(gradients: Sequence[Array]) -> PerReplica:
    """Return the norm of all arrays together, for each replica, without squares that overflow."""
    if any(g.dtype == np.float16 for g in gradients):
        gradients = [g.astype(np.float32) for g in gradients]  # the sum of squares would overflow
    sizes = np.max([np.abs(g).max(axis=(-2, -1)) for g in gradients], axis=0)
    scale = np.where((sizes > 0) & np.isfinite(sizes), sizes, 1)[..., np.newaxis, np.newaxis]
    with np.errstate(over="ignore", under="ignore"):  # infinite is what such a norm is
        squares = [np.square(g / scale).sum(axis=(-2, -1)) for g in gradients]
        # NumPy's sum adds up a single replica in another order than several
        total = sum(squares[1:], squares[0]) if scale.ndim > 2 else np.sum(squares, axis=0)
        return scale[..., 0, 0] * np.sqrt(total)


def clip_value(gradients: Mapping[str, Array], limit: float) -> None:
    """Clip each number of the gradients, in place, to between -limit and limit.

    Unlike `clip_norm`, this changes the direction of a step. A NaN stays NaN.

    Parameters
    ----------
    gradients : mapping of str to ndarray
        As `course_lib.network.Network.loss_and_gradients` returns them.
    limit : float
        Finite and above 0.

    Raises
    ------
    ValueError
        If the limit is not a finite number above 0.
    TypeError
        If the gradients are not a mapping of names to arrays of floats.

    Examples
    --------
    >>> gradients = {"w": np.array([[3.0, -0.5]])}
    >>> clip_value(gradients, 1)
    >>> gradients["w"]
    array([[ 1. , -0.5]])
    """
    _check_clipping(gradients, limit)
    for gradient in gradients.values():
        bound = _within(limit, gradient)
        np.clip(gradient, -bound, bound, out=gradient)
