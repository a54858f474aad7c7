"""Losses: means over batch and features, taken from logits, each above its gradient."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_array, check_choice
from course_lib._typing import Array, PerReplica
from course_lib.activations import negative_log_likelihood, sigmoid

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


def cross_entropy(logits: Array, labels: ArrayLike) -> PerReplica:
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
        If the batch is empty, a shape does not fit, labels are ragged, or one is out of range.

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

    Notes
    -----
    At the label, :math:`p - 1` would lose all digits of a confident answer, and become 0 at a gap
    of 25 log 2 = 17.3 in float32 and 54 log 2 = 37.4 in float64; it is minus the sum of the other
    probabilities. float16 and float32 are within 0.51 ULP. The error in float64 grows slowly with
    the number of classes, because their sum is a plain one: to some 6 ULP at 1,000. A row sums to 0
    but for these errors.

    Examples
    --------
    >>> cross_entropy_grad(np.array([[0.0, 0.0]]), [1])
    array([[ 0.5, -0.5]])
    >>> cross_entropy_grad(np.array([[0.0, -50.0]]), [0])
    array([[-1.92874985e-22,  1.92874985e-22]])
    """
    return _cross_entropy_both(logits, labels)[1]


def _cross_entropy_both(logits: Array, labels: ArrayLike) -> tuple[PerReplica, Array]:
    """Return loss and gradient from the same exponentials: for small layers, half the time."""
    labels = _check_labels(logits, labels)
    values, gradient = negative_log_likelihood(logits, labels, logits.shape[-2])
    return _mean(values, (-1,)), gradient


def _mean(values: Array, axes: tuple[int, ...]) -> PerReplica:
    """Return a mean, also where the sum of finite numbers would overflow."""
    with np.errstate(all="ignore"):
        mean = values.mean(axis=axes)
        if not np.isfinite(mean).all():
            count = prod(values.shape[axis] for axis in axes)
            mean = (values.astype(np.float64) / count).sum(axis=axes).astype(values.dtype)
    return mean


def binary_cross_entropy(logits: Array, targets: ArrayLike) -> PerReplica:
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
        If the batch is empty, a shape does not fit, targets are ragged, or one is out of range.

    Notes
    -----
    Written as :math:`|z|\,w + \log(1 + e^{-|z|})`, which never overflows; :math:`w` is
    :math:`1 - t` for positive logits, else :math:`t`. At an infinite logit this is 0 where the
    target agrees, and else infinite.

    Examples
    --------
    >>> binary_cross_entropy(np.array([[0.0]]), [[1.0]])
    np.float64(0.6931471805599453)
    """
    with np.errstate(all="ignore"):
        wrong, size = _wrong(logits, targets), np.abs(logits)
        losses = size * wrong
        if not np.isfinite(size.max()):
            losses[wrong == 0] = 0
        np.negative(size, out=size)
        np.exp(size, out=size)
        losses += np.log1p(size, out=size)
    return _mean(losses, (-2, -1))


def binary_cross_entropy_grad(logits: Array, targets: ArrayLike) -> Array:
    r"""Return the gradient of `binary_cross_entropy`, :math:`(\sigma(z) - t)/n`.

    Parameters and errors are those of `binary_cross_entropy`; the shape is that of `logits`.

    Notes
    -----
    With :math:`q = \sigma(-|z|)` this is :math:`\pm(w - q)/n`, with :math:`w` as in
    `binary_cross_entropy`: what is subtracted is small, and a confident right answer keeps all its
    digits. Errors are within 2 units in the last place of the larger of the two.

    Examples
    --------
    >>> binary_cross_entropy_grad(np.array([[0.0], [50.0]]), [[1.0], [1.0]])
    array([[-2.50000000e-01],
           [-9.64374924e-23]])
    """
    with np.errstate(all="ignore"):
        gradient, size = _wrong(logits, targets), np.abs(logits)
        gradient -= sigmoid(np.negative(size, out=size), out=size)
        count = np.result_type(logits, np.float32).type(logits.shape[-2] * logits.shape[-1])
        gradient /= np.copysign(count, logits)
    return gradient


def _wrong(logits: Array, targets: ArrayLike) -> Array:
    """Return how far each target is from 1 for a positive logit, from 0 for a negative one."""
    wrong = np.subtract(~np.signbit(logits), _check_fractions(logits, targets))
    return np.abs(wrong, out=wrong)


def mean_squared_error(outputs: Array, targets: ArrayLike) -> PerReplica:
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
        If the batch is empty, a shape does not fit, or targets are ragged.

    Examples
    --------
    >>> mean_squared_error(np.array([[1.0, 2.0]]), [[0.0, 0.0]])
    np.float64(2.5)
    """
    targets = _check_targets(outputs, targets)
    with np.errstate(all="ignore"):
        mean = np.square(outputs - targets).mean(axis=(-2, -1))
        if outputs.dtype.itemsize > 2 and np.isfinite(mean).all():
            return mean
        return np.where(np.isnan(mean), mean, _scaled_mean_square(outputs, targets))[()]


def _scaled_mean_square(outputs: Array, targets: Array) -> Array:
    """Return the mean of squares of which some are too large, or too small, for the dtype."""
    wide = [part.astype(np.float64) for part in (outputs, targets)]
    largest = np.maximum(*(np.abs(part).max(axis=(-2, -1), keepdims=True) for part in wide))
    # the exponent of an infinity differs between systems
    unit = np.ldexp(1.0, np.frexp(np.where(np.isfinite(largest), largest, 1.0))[1] - 1)
    mean = np.square(wide[0] / unit - wide[1] / unit).mean(axis=(-2, -1))
    unit = np.where(np.isinf(largest), largest, unit)[..., 0, 0]
    return np.asarray((mean * unit * unit).astype(outputs.dtype))


def mean_squared_error_grad(outputs: Array, targets: ArrayLike) -> Array:
    r"""Return the gradient of `mean_squared_error`, :math:`2 (o - t)/n`.

    Parameters and errors are those of `mean_squared_error`; the shape is that of `outputs`.

    Examples
    --------
    >>> mean_squared_error_grad(np.array([[1.0, 2.0]]), [[0.0, 0.0]])
    array([[1., 2.]])
    """
    targets, scale = _check_targets(outputs, targets), 2 / (outputs.shape[-2] * outputs.shape[-1])
    with np.errstate(all="ignore"):
        gradient = (outputs - targets) * scale
        # a difference may be too large where its part is not; float16 cannot hold the scale
        if outputs.dtype.itemsize == 2 or not np.isfinite(gradient).all():
            wide = outputs.astype(np.float64) * scale - targets.astype(np.float64) * scale
            gradient = np.where(np.isnan(gradient), gradient, wide.astype(gradient.dtype))
    return np.asarray(gradient)


def _check_outputs(outputs: Array, y: Array) -> None:
    """Raise an error unless outputs are floats of a batch; say so if `y` and they are swapped."""
    if not isinstance(outputs, np.ndarray) or outputs.dtype.kind != "f":
        given = getattr(outputs, "dtype", type(outputs).__name__)
        hint = ""
        if y.dtype.kind == "f" and y.ndim > np.ndim(outputs):
            hint = "; the outputs come first, the labels or targets second"
        raise TypeError(f"the network's output is {given}; expected an array of floats{hint}")
    if outputs.ndim < 2:
        raise ValueError(
            f"the network's output has shape {outputs.shape}; expected (..., batch, features), as "
            f"in outputs[:, np.newaxis]"
        )
    if 0 in outputs.shape[-2:]:
        raise ValueError(
            f"the batch is empty: output of shape {outputs.shape}; a mean needs at least one row "
            f"and one column"
        )


def _check_shape(name: str, given: Array, of_outputs: str, shapes: list[tuple[int, ...]]) -> None:
    """Raise ValueError unless a shape is that of one batch or of all replicas."""
    if given.shape in shapes:
        return
    hint = ""
    if (*given.shape, 1) in shapes:
        hint = f"; reshape with {name}[..., np.newaxis]"
    elif given.shape[-1:] == (1,) and given.shape[:-1] in shapes:
        hint = f"; reshape with {name}[..., 0]"
    expected = " or ".join(dict.fromkeys(map(str, shapes)))
    raise ValueError(
        f"{name} have shape {given.shape}, {of_outputs}; expected {name} of shape {expected}{hint}"
    )


def _check_labels(logits: Array, y: ArrayLike) -> Array:
    """Return one label for each row of logits, or raise an error."""
    labels = as_array("labels", y)
    _check_outputs(logits, labels)
    if labels.dtype.kind not in "iu":
        one_hot = labels.shape == logits.shape
        hint = "labels.argmax(axis=-1)" if one_hot else "labels.astype(np.int64)"
        raise TypeError(
            f"labels have dtype {labels.dtype}; expected integers from 0 to classes - 1, as in "
            f"{hint}"
        )
    shapes = [logits.shape[-2:-1], logits.shape[:-1]]
    _check_shape("labels", labels, f"logits {logits.shape}", shapes)
    classes = logits.shape[-1]
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels reach from {labels.min()} to {labels.max()}; the logits have {classes} "
            f"classes, so expected 0 to {classes - 1}"
        )
    return np.broadcast_to(labels, logits.shape[:-1])


def _check_targets(outputs: Array, y: ArrayLike) -> Array:
    """Return targets in the dtype of the outputs, or raise an error."""
    targets = as_array("targets", y)
    _check_outputs(outputs, targets)
    if targets.dtype.kind not in "fiub":
        raise TypeError(f"targets have dtype {targets.dtype}; expected real numbers")
    shapes = [outputs.shape[-2:], outputs.shape]
    _check_shape("targets", targets, f"outputs {outputs.shape}", shapes)
    with np.errstate(all="ignore"):
        return targets.astype(outputs.dtype, copy=False)


def _check_fractions(logits: Array, targets: ArrayLike) -> Array:
    """Return targets from 0 to 1 in the dtype of the logits, or raise an error."""
    targets = _check_targets(logits, targets)
    if not (targets.min() >= 0 and targets.max() <= 1):
        raise ValueError(f"targets reach from {targets.min()} to {targets.max()}; expected 0 to 1")
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
    function: Callable[[Array, ArrayLike], PerReplica]
    gradient: Callable[[Array, ArrayLike], Array]
    both: Callable[[Array, ArrayLike], tuple[PerReplica, Array]] | None = None

    def with_gradient(self, outputs: Array, y: ArrayLike) -> tuple[PerReplica, Array]:
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
    check_choice("loss", name, LOSSES)
    return LOSSES[name]
