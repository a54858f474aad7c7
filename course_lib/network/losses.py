"""Losses: means over batch and features, taken from logits, each above its gradient."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib._errors import unknown_name
from course_lib.activations import sigmoid, softmax_and_log

__all__ = [
    "LOSSES",
    "Loss",
    "binary_cross_entropy",
    "binary_cross_entropy_grad",
    "cross_entropy",
    "cross_entropy_grad",
    "get_loss",
    "mean_squared_error",
    "mean_squared_error_grad",
]

Array = NDArray[Any]


def cross_entropy(logits: Array, labels: ArrayLike) -> Any:
    r"""Return the mean of :math:`-\log \mathrm{softmax}(z)_y` over the batch.

    Parameters
    ----------
    logits : ndarray
        Shape ``(..., batch, classes)``, before any softmax.
    labels : array_like of int
        Shape ``(batch,)`` or ``(..., batch)``, each from 0 to classes - 1.

    Returns
    -------
    ndarray or scalar
        Shape ``(...)``: one number for each replica. In nats.

    Raises
    ------
    TypeError
        If the labels are not integers.
    ValueError
        If the batch is empty, a shape does not fit, or a label is out of range.

    Notes
    -----
    Softmax and logarithm are taken together; apart, a confident answer rounds to log 1 = 0 or to
    log 0. See `course_lib.activations.log_softmax`.

    Examples
    --------
    >>> cross_entropy(np.array([[0.0, 0.0]]), [1])
    np.float64(0.6931471805599453)
    """
    return _cross_entropy_both(logits, labels)[0]


def cross_entropy_grad(logits: Array, labels: ArrayLike) -> Array:
    r"""Return the gradient of `cross_entropy` with respect to the logits, :math:`(p - y)/n`.

    Parameters and errors are those of `cross_entropy`; the shape is that of `logits`.

    Examples
    --------
    >>> cross_entropy_grad(np.array([[0.0, 0.0]]), [1])
    array([[ 0.5, -0.5]])
    """
    return _cross_entropy_both(logits, labels)[1]


def _cross_entropy_both(logits: Array, labels: ArrayLike) -> tuple[Any, Array]:
    """Return loss and gradient from the same exponentials: for small layers, half the time."""
    own_class = _rows_of_labels(logits, labels)
    gradient, logarithms = softmax_and_log(logits)
    picked = logarithms.reshape(-1, logits.shape[-1])[own_class]
    gradient.reshape(-1, logits.shape[-1])[own_class] -= 1
    gradient /= logits.shape[-2]
    return -picked.reshape(logits.shape[:-1]).mean(axis=-1), gradient


def binary_cross_entropy(logits: Array, targets: ArrayLike) -> Any:
    r"""Return the mean of :math:`-t \log \sigma(z) - (1 - t) \log(1 - \sigma(z))`.

    Parameters
    ----------
    logits : ndarray
        Shape ``(..., batch, features)``, before any sigmoid.
    targets : array_like
        Shape ``(batch, features)`` or that of `logits`; each from 0 to 1.

    Returns
    -------
    ndarray or scalar
        Shape ``(...)``: one number for each replica. In nats.

    Raises
    ------
    ValueError
        If the batch is empty, a shape does not fit, or a target is out of range.

    Notes
    -----
    Written as :math:`\max(z, 0) - z t + \log(1 + e^{-|z|})`, which never overflows.

    Examples
    --------
    >>> binary_cross_entropy(np.array([[0.0]]), [[1.0]])
    np.float64(0.6931471805599453)
    """
    targets = _check_shares(logits, targets)
    losses = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))
    return losses.mean(axis=(-2, -1))


def binary_cross_entropy_grad(logits: Array, targets: ArrayLike) -> Array:
    r"""Return the gradient of `binary_cross_entropy`, :math:`(\sigma(z) - t)/n`.

    Parameters and errors are those of `binary_cross_entropy`; the shape is that of `logits`.

    Examples
    --------
    >>> binary_cross_entropy_grad(np.array([[0.0]]), [[1.0]])
    array([[-0.5]])
    """
    targets = _check_shares(logits, targets)
    return np.asarray((sigmoid(logits) - targets) / (logits.shape[-2] * logits.shape[-1]))


def mean_squared_error(outputs: Array, targets: ArrayLike) -> Any:
    r"""Return the mean of :math:`(o - t)^2`.

    Parameters
    ----------
    outputs : ndarray
        Shape ``(..., batch, features)``.
    targets : array_like
        Shape ``(batch, features)`` or that of `outputs`.

    Returns
    -------
    ndarray or scalar
        Shape ``(...)``: one number for each replica.

    Raises
    ------
    ValueError
        If the batch is empty or a shape does not fit.

    Examples
    --------
    >>> mean_squared_error(np.array([[1.0, 2.0]]), [[0.0, 0.0]])
    np.float64(2.5)
    """
    return np.square(outputs - _check_targets(outputs, targets)).mean(axis=(-2, -1))


def mean_squared_error_grad(outputs: Array, targets: ArrayLike) -> Array:
    r"""Return the gradient of `mean_squared_error`, :math:`2 (o - t)/n`.

    Parameters and errors are those of `mean_squared_error`; the shape is that of `outputs`.

    Examples
    --------
    >>> mean_squared_error_grad(np.array([[1.0, 2.0]]), [[0.0, 0.0]])
    array([[1., 2.]])
    """
    difference = outputs - _check_targets(outputs, targets)
    return np.asarray(difference * (2 / (outputs.shape[-2] * outputs.shape[-1])))


def _check_batch(outputs: Array) -> None:
    if not isinstance(outputs, np.ndarray) or outputs.dtype.kind != "f":
        given = getattr(outputs, "dtype", type(outputs).__name__)
        raise TypeError(f"the network's output is {given}; accepted is an array of floats")
    if outputs.ndim < 2:
        raise ValueError(
            f"the network's output has shape {outputs.shape}; accepted is (..., batch, features)"
        )
    if 0 in outputs.shape[-2:]:
        raise ValueError(
            f"the batch is empty: output of shape {outputs.shape}; a mean needs at least one row "
            f"and one column"
        )


def _rows_of_labels(logits: Array, labels: ArrayLike) -> tuple[Array, Array]:
    """Check the labels; return what picks each example's own class from rows of logits."""
    _check_batch(logits)
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"labels have dtype {labels.dtype}; accepted are integers from 0 to classes - 1"
        )
    if labels.shape not in (logits.shape[-2:-1], logits.shape[:-1]):
        raise ValueError(
            f"labels have shape {labels.shape}, logits {logits.shape}; accepted are labels of "
            f"shape {logits.shape[-2:-1]} or {logits.shape[:-1]}"
        )
    classes = logits.shape[-1]
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels reach from {labels.min()} to {labels.max()}; the logits have {classes} "
            f"classes, so accepted are 0 to {classes - 1}"
        )
    if labels.ndim < logits.ndim - 1:
        labels = np.broadcast_to(labels, logits.shape[:-1])
    columns = labels.reshape(-1)
    return np.arange(columns.size), columns


def _check_targets(outputs: Array, targets: ArrayLike) -> Array:
    _check_batch(outputs)
    targets = np.asarray(targets)
    if targets.dtype.kind not in "fiub":
        raise TypeError(f"targets have dtype {targets.dtype}; accepted are real numbers")
    targets = targets.astype(outputs.dtype, copy=False)
    if targets.shape not in (outputs.shape[-2:], outputs.shape):
        raise ValueError(
            f"targets have shape {targets.shape}, outputs {outputs.shape}; accepted are targets of "
            f"shape {outputs.shape[-2:]} or {outputs.shape}"
        )
    return targets


def _check_shares(logits: Array, targets: ArrayLike) -> Array:
    targets = _check_targets(logits, targets)
    if not (targets.min() >= 0 and targets.max() <= 1):
        raise ValueError(
            f"targets reach from {targets.min()} to {targets.max()}; accepted are 0 to 1"
        )
    return targets


@dataclass(frozen=True)
class Loss:
    """A loss and its gradient with respect to the network's output.

    Attributes
    ----------
    name : str
        The key of `LOSSES`.
    function, gradient : callable
        Both take outputs and targets.
    both : callable, optional
        The two at once, where that saves work.
    """

    name: str
    function: Callable[[Array, ArrayLike], Any]
    gradient: Callable[[Array, ArrayLike], Array]
    both: Callable[[Array, ArrayLike], tuple[Any, Array]] | None = None

    def with_gradient(self, outputs: Array, y: ArrayLike) -> tuple[Any, Array]:
        """Return the loss and its gradient; arguments and errors are those of `function`."""
        if self.both is not None:
            return self.both(outputs, y)
        return self.function(outputs, y), self.gradient(outputs, y)


LOSSES: Mapping[str, Loss] = MappingProxyType(
    {
        loss.name: loss
        for loss in (
            Loss("cross_entropy", cross_entropy, cross_entropy_grad, _cross_entropy_both),
            Loss("binary_cross_entropy", binary_cross_entropy, binary_cross_entropy_grad),
            Loss("mean_squared_error", mean_squared_error, mean_squared_error_grad),
        )
    }
)
"""All losses by name."""


def get_loss(name: str | Loss) -> Loss:
    """Return the loss of that name.

    Parameters
    ----------
    name : str or Loss
        A key of `LOSSES`; a `Loss` is returned as it is.

    Returns
    -------
    Loss
        The pair of function and gradient.

    Raises
    ------
    KeyError
        If there is none of that name; the nearest is suggested.

    Examples
    --------
    >>> get_loss("cross_entropy").name
    'cross_entropy'
    """
    if isinstance(name, Loss):
        return name
    if not isinstance(name, str) or name not in LOSSES:
        raise KeyError(unknown_name("loss", name, LOSSES))
    return LOSSES[name]
