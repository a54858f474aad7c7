"""Scores: how good a network's outputs are, in numbers that a reader can compare."""

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_array, check_shape
from course_lib._typing import Array, PerReplica
from course_lib.network import Loss

__all__ = ["accuracy", "accuracy_for"]


def accuracy(outputs: Array, y: ArrayLike) -> PerReplica:
    """Return the fraction of examples that are classified correctly.

    Parameters
    ----------
    outputs : ndarray
        Shape ``(..., batch, classes)``: the largest logit is the prediction; or
        ``(..., batch, 1)`` with targets 0 and 1: the prediction is 1 where the logit is above 0. An
        output with a NaN, from a network that diverged, predicts nothing and counts as wrong.
    y : array_like
        Labels of shape ``(batch,)`` or ``(..., batch)``; soft labels, floats in the shape of
        the outputs, whose most probable class is the label; or targets of shape ``(batch, 1)``.

    Returns
    -------
    ndarray or scalar
        Shape ``(...)``, from 0 to 1.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> accuracy(np.array([[0.0, 1.0], [2.0, 1.0]]), [1, 1])
    np.float64(0.5)
    """
    y = as_array("y", y)
    if outputs.shape[-1] == 1:
        predictions = outputs[..., 0] > 0
        y = (y[..., 0] if y.shape in (outputs.shape, outputs.shape[-2:]) else y) > 0.5
    else:
        predictions, y = outputs.argmax(axis=-1), _hard(outputs, y)
    shapes = predictions.shape[-1:], predictions.shape
    expected = f"{' or '.join(map(str, shapes))} for outputs of shape {outputs.shape}"
    check_shape(y.shape in shapes, expected, labels=y)
    return ((predictions == y) & ~np.isnan(outputs).any(axis=-1)).mean(axis=-1)


def _hard(outputs: Array, y: Array) -> Array:
    """Return labels; of soft ones, the most probable class."""
    soft = y.dtype.kind == "f" and y.ndim > 1 and y.shape in (outputs.shape, outputs.shape[-2:])
    return y.argmax(axis=-1) if soft else y


def accuracy_for(loss: Loss, outputs: Array, y: ArrayLike) -> PerReplica:
    """Return the accuracy, or NaN for a loss that has none."""
    if loss.kind == "cross_entropy":
        return accuracy(outputs, y)
    if loss.kind == "binary_cross_entropy":
        right = (outputs > 0) == (np.asarray(y) > 0.5)
        return (right & ~np.isnan(outputs)).mean(axis=(-2, -1))  # a NaN predicts nothing
    return np.full(outputs.shape[:-2], np.nan)
