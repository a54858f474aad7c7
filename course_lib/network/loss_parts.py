"""What losses share: the checks of outputs, labels, targets and parameters, and the mean."""

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from course_lib._checks import as_array, as_flag, as_number, as_numbers
from course_lib._typing import Array, PerReplica

__all__ = [
    "PARAMETERS",
    "as_class_weights",
    "as_counts",
    "as_fractions",
    "as_label_smoothing",
    "as_labels",
    "as_pos_weight",
    "as_targets",
    "check_outputs",
    "check_width",
    "mean_over",
]

SUM_WITHIN = 1e-3  # of 1, which a row of float16 probabilities of many classes may miss


def check_outputs(outputs: Array, y: Array) -> None:
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


def as_labels(logits: Array, y: ArrayLike) -> Array:
    """Return one integer for each row of logits, or probabilities for each class.

    Parameters
    ----------
    logits : ndarray
        Shape ``(..., batch, classes)``.
    y : array_like
        Integers of shape ``(batch,)`` or ``(..., batch)``; or floats of shape ``(batch, classes)``
        or that of `logits`.

    Returns
    -------
    ndarray of int or float64
        Integers in the shape of the rows; probabilities in the shape given.

    Raises
    ------
    TypeError, ValueError
        If they are neither, or do not fit the logits.

    Examples
    --------
    >>> as_labels(np.zeros((2, 3)), [0, 2])
    array([0, 2])
    """
    labels = as_array("labels", y)
    check_outputs(logits, labels)
    if labels.dtype.kind == "f" and labels.ndim > 1:
        return _as_probabilities(logits, labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"labels have dtype {labels.dtype}; expected integers from 0 to classes - 1, as in "
            f"labels.astype(np.int64), or probabilities in the shape of the logits, {logits.shape}"
        )
    shapes = [logits.shape[-2:-1], logits.shape[:-1]]
    if labels.shape in (logits.shape, logits.shape[-2:]) and labels.shape not in shapes:
        raise ValueError(
            f"labels have shape {labels.shape} and dtype {labels.dtype}, logits {logits.shape}; "
            f"expected integers of shape {shapes[0]}, as in labels.argmax(axis=-1), or "
            f"probabilities, as in labels.astype(float)"
        )
    _check_shape("labels", labels, f"logits {logits.shape}", shapes)
    classes = logits.shape[-1]
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels reach from {labels.min()} to {labels.max()}; the logits have {classes} "
            f"classes, so expected 0 to {classes - 1}"
        )
    rows = logits.shape[:-1]
    return labels if labels.shape == rows else np.broadcast_to(labels, rows)


def _as_probabilities(logits: Array, labels: Array) -> Array:
    """Return soft labels in float64, or raise ValueError."""
    shapes = [logits.shape[-2:], logits.shape]
    if labels.shape not in shapes and labels.shape[-1] == 1:
        shapes = [logits.shape[-2:-1], logits.shape[:-1]]  # labels in a column
    _check_shape("labels", labels, f"logits {logits.shape}", shapes)
    p = labels.astype(np.float64, copy=False)
    if not p.min() >= 0:
        raise ValueError(
            f"labels reach from {p.min()} to {p.max()}; expected probabilities from 0 to 1"
        )
    off = np.abs(p.sum(axis=-1) - 1)
    if not off.max() <= SUM_WITHIN:
        worst = np.unravel_index(off.argmax(), off.shape)
        raise ValueError(
            f"labels of one row sum to {p[worst].sum():.6g}; expected probabilities, which sum to "
            f"1 within {SUM_WITHIN:g}, as in labels / labels.sum(axis=-1, keepdims=True)"
        )
    return p


def as_targets(
    outputs: Array, y: ArrayLike, dtype: DTypeLike | None = None, *, of: str = "outputs"
) -> Array:
    """Return targets for outputs, one for one.

    Parameters
    ----------
    outputs : ndarray
        Shape ``(..., batch, features)``.
    y : array_like
        Real numbers of shape ``(batch, features)`` or that of `outputs`.
    dtype : dtype, optional
        Of what is returned; without it, that of the outputs.
    of : str
        How the message calls the outputs.

    Returns
    -------
    ndarray
        In the shape given.

    Raises
    ------
    TypeError, ValueError
        If the outputs are not floats of a batch, or the targets do not fit.

    Examples
    --------
    >>> as_targets(np.zeros((1, 2)), [[1, 2]])
    array([[1., 2.]])
    """
    targets = as_array("targets", y)
    check_outputs(outputs, targets)
    if targets.dtype.kind not in "fiub":
        raise TypeError(f"targets have dtype {targets.dtype}; expected real numbers")
    shapes = [outputs.shape[-2:], outputs.shape]
    _check_shape("targets", targets, f"{of} {outputs.shape}", shapes)
    with np.errstate(all="ignore"):
        return targets.astype(dtype or outputs.dtype, copy=False)


def as_fractions(logits: Array, y: ArrayLike) -> Array:
    """Return targets from 0 to 1 in the dtype of the logits, or raise an error.

    Examples
    --------
    >>> as_fractions(np.zeros((1, 2), np.float32), [[0, 1]])
    array([[0., 1.]], dtype=float32)
    """
    targets = as_targets(logits, y)
    if not (targets.min() >= 0 and targets.max() <= 1):
        raise ValueError(f"targets reach from {targets.min()} to {targets.max()}; expected 0 to 1")
    return targets


def as_counts(outputs: Array, y: ArrayLike) -> Array:
    """Return targets that are not negative in float64, or raise an error.

    Examples
    --------
    >>> as_counts(np.zeros((1, 2), np.float32), [[0, 3]])
    array([[0., 3.]])
    """
    targets = as_targets(outputs, y, np.float64)
    if not (targets.min() >= 0 and targets.max() < np.inf):
        raise ValueError(
            f"targets reach from {targets.min()} to {targets.max()}; expected finite counts from "
            f"0 on"
        )
    return targets


def as_label_smoothing(value: Any) -> float:
    """Return the fraction of a label that all classes share, from 0 to below 1.

    Examples
    --------
    >>> as_label_smoothing(1.5)
    Traceback (most recent call last):
    ValueError: label_smoothing is 1.5; expected a number from 0 to below 1
    """
    return as_number("label_smoothing", value, least=0, below=1)


def as_class_weights(values: Any) -> tuple[float, ...] | None:
    """Return one weight for each class, not negative and not all 0; None stays.

    Examples
    --------
    >>> as_class_weights([1, 2])
    (1.0, 2.0)
    """
    if values is None:
        return None
    weights = as_numbers("class_weights", values)
    if weights.ndim == 1 and np.isfinite(weights).all() and (weights >= 0).all() and weights.any():
        return tuple(weights.tolist())
    raise ValueError(
        f"class_weights is {values!r}; expected one finite number from 0 on for each class, and "
        f"one above 0"
    )


def as_pos_weight(values: Any) -> float | tuple[float, ...] | None:
    """Return the weight of targets 1, or one for each feature, above 0; None stays.

    Examples
    --------
    >>> as_pos_weight(3), as_pos_weight([1, 2])
    (3.0, (1.0, 2.0))
    """
    if values is None:
        return None
    weights = as_numbers("pos_weight", values)
    if weights.ndim < 2 and weights.size and (np.isfinite(weights) & (weights > 0)).all():
        listed: float | list[float] = weights.tolist()
        return tuple(listed) if isinstance(listed, list) else listed
    raise ValueError(
        f"pos_weight is {values!r}; expected a finite number above 0, or one for each feature"
    )


def mean_over(values: Array, axes: tuple[int, ...]) -> PerReplica:
    """Return a mean, also where the sum of finite numbers would overflow.

    Examples
    --------
    >>> mean_over(np.array([1e308, 1e308]), (0,))
    np.float64(1e+308)
    """
    with np.errstate(all="ignore"):
        mean = values.mean(axis=axes)
        if not np.isfinite(mean).all():
            count = prod(values.shape[axis] for axis in axes)
            wide = (values.astype(np.float64) / count).sum(axis=axes).astype(values.dtype)
            mean = np.where(np.isfinite(mean), mean, wide)[()]  # no replica changes another's
    return mean


def check_width(name: str, given: int, outputs: Array, of: str) -> None:
    """Raise ValueError unless there is one number for each column of the outputs.

    Examples
    --------
    >>> check_width("class_weights", 3, np.zeros((4, 2)), "class")
    Traceback (most recent call last):
    ValueError: class_weights are 3 numbers, and the logits have shape (4, 2); expected 2, one for
    each class
    """
    width = outputs.shape[-1]
    if given != width:
        raise ValueError(
            f"{name} are {given} numbers, and the logits have shape {outputs.shape}; expected "
            f"{width}, one for each {of}"
        )


PARAMETERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "label_smoothing": as_label_smoothing,
        "class_weights": as_class_weights,
        "pos_weight": as_pos_weight,
        "full": partial(as_flag, "full"),
    }
)
"""What checks each parameter of a loss, and returns it as it is kept."""
