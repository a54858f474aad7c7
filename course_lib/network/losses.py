"""Losses: means over batch and features, taken from logits, each above its gradient."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import check_choice, function_instead, parse_call, unknown_name
from course_lib._typing import Array, PerReplica
from course_lib.activations import negative_log_likelihood, sigmoid
from course_lib.activations.activation import keyword_parameters
from course_lib.activations.parameters import Fixed
from course_lib.network.likelihoods import (
    gaussian_both,
    gaussian_nll,
    gaussian_nll_grad,
    poisson_both,
    poisson_nll,
    poisson_nll_grad,
)
from course_lib.network.loss_parts import (
    PARAMETERS,
    as_class_weights,
    as_fractions,
    as_label_smoothing,
    as_labels,
    as_pos_weight,
    as_targets,
    check_width,
    mean_over,
)
from course_lib.pairs import two_sum

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


def cross_entropy(
    logits: Array,
    labels: ArrayLike,
    *,
    label_smoothing: float = 0.0,
    class_weights: ArrayLike | None = None,
) -> PerReplica:
    r"""Return the mean of :math:`-\log \mathrm{softmax}(z)_y` over the batch.

    With soft labels, probabilities :math:`q_k` of the classes, of
    :math:`-\sum_k q_k \log \mathrm{softmax}(z)_k`.

    Parameters
    ----------
    logits : ndarray
        Shape ``(..., batch, classes)``, before any softmax.
    labels : array_like
        Integers of shape ``(batch,)`` or ``(..., batch)``, each from 0 to classes - 1; or soft
        labels, floats of shape ``(batch, classes)`` or that of `logits`, not negative, of which
        each row sums to 1 within 0.001.
    label_smoothing : float
        The fraction :math:`\varepsilon` of each label that all K classes share:
        :math:`q_k (1 - \varepsilon) + \varepsilon/K`. From 0 to below 1.
    class_weights : array_like of float, shape (classes,), optional
        What each class counts, :math:`w_k`: the sum is that of :math:`-w_k q_k \log p_k`. It is
        divided by the sum of the labels' weights, and for soft labels by the batch, as PyTorch does
        it. Where all labels of a batch have weight 0, the loss and its gradient are 0.

    Returns
    -------
    ndarray or scalar
        Shape ``(...)``: one number for each replica. In nats.

    Raises
    ------
    TypeError
        If the labels are neither integers nor probabilities.
    ValueError
        If the batch is empty, a shape does not fit, labels are ragged, one is out of range, a row
        of soft ones does not sum to 1, or a parameter is not what is said above.

    Notes
    -----
    Softmax and logarithm are taken together; apart, a confident answer rounds to log 1 = 0 or to
    log 0. See `course_lib.activations.log_softmax`.

    Label smoothing is due to Szegedy et al., 2016 :cite:p:`szegedy2016rethinking`. The parameters
    are those of ``torch.nn.CrossEntropyLoss``, which calls the weights ``weight``, does not look
    whether rows sum to 1, and is NaN where all labels of a batch have weight 0. A loss with soft
    labels or smoothing is not 0 at its minimum, which is the entropy of the labels.

    Examples
    --------
    >>> cross_entropy(np.array([[0.0, 0.0]]), [1])
    np.float64(0.6931471805599453)
    >>> cross_entropy(np.array([[0.0, np.log(3)]]), [[0.25, 0.75]]).round(4)
    np.float64(0.5623)
    >>> cross_entropy(np.array([[0.0, np.log(3)]]), [1], label_smoothing=0.5).round(4)
    np.float64(0.5623)
    >>> cross_entropy(np.array([[0.0, 9.0], [0.0, 9.0]]), [0, 1], class_weights=[1, 3]).round(4)
    np.float64(2.2501)
    """
    parameters = {"label_smoothing": label_smoothing, "class_weights": class_weights}
    return _cross_entropy_both(logits, labels, **parameters)[0]


def cross_entropy_grad(
    logits: Array,
    labels: ArrayLike,
    *,
    label_smoothing: float = 0.0,
    class_weights: ArrayLike | None = None,
) -> Array:
    r"""Return the gradient of `cross_entropy` with respect to the logits, :math:`(p - y)/n`.

    Parameters and errors are those of `cross_entropy`; the shape is that of `logits`.

    Notes
    -----
    At the label, :math:`p - 1` would lose all digits of a confident answer, and become 0 at a gap
    of 25 log 2 = 17.3 in float32 and 54 log 2 = 37.4 in float64; it is minus the sum of the other
    probabilities. float16 and float32 are within 0.51 ULP. The error in float64 grows slowly with
    the number of classes, because their sum is a plain one: to some 6 ULP at 1,000. A row sums to 0
    but for these errors.

    With coefficients :math:`c_k` of :math:`-\log p_k`, from soft labels, smoothing and weights,
    it is :math:`p_j \sum_{k \ne j} c_k - c_j \sum_{k \ne j} p_k`. Both sums leave out what is
    large, so that only the difference itself rounds: where a network says what its soft labels say,
    little is left.

    Examples
    --------
    >>> cross_entropy_grad(np.array([[0.0, 0.0]]), [1])
    array([[ 0.5, -0.5]])
    >>> cross_entropy_grad(np.array([[0.0, -50.0]]), [0])
    array([[-1.92874985e-22,  1.92874985e-22]])
    >>> cross_entropy_grad(np.array([[0.0, 0.0]]), [1], label_smoothing=0.5)
    array([[ 0.25, -0.25]])
    """
    parameters = {"label_smoothing": label_smoothing, "class_weights": class_weights}
    return _cross_entropy_both(logits, labels, **parameters)[1]


def _cross_entropy_both(
    logits: Array, labels: ArrayLike, *, label_smoothing: Any = 0.0, class_weights: Any = None
) -> tuple[PerReplica, Array]:
    """Return loss and gradient from the same exponentials: for small layers, half the time."""
    labels = as_labels(logits, labels)
    if class_weights is None and label_smoothing == 0 and labels.dtype.kind != "f":
        values, gradient = negative_log_likelihood(logits, labels, logits.shape[-2])
        return mean_over(values, (-1,)), gradient
    smoothing, weights = as_label_smoothing(label_smoothing), as_class_weights(class_weights)
    return _weighted_both(logits, _coefficients(logits, labels, smoothing, weights))


def _coefficients(
    logits: Array, labels: Array, smoothing: float, class_weights: tuple[float, ...] | None
) -> Array:
    """Return what -log p of each class and row counts in the mean: ``(..., batch, classes)``."""
    (batch, classes), hard = logits.shape[-2:], labels.dtype.kind != "f"
    q = (labels[..., np.newaxis] == np.arange(classes)).astype(np.float64) if hard else labels
    if smoothing:
        q = q * (1 - smoothing) + smoothing / classes
    if class_weights is None:
        return q / batch
    check_width("class_weights", len(class_weights), logits, "class")
    weights = np.array(class_weights)
    if not hard:
        return q * weights / batch
    weights /= weights.max()  # or their sum might overflow
    total = weights[labels].sum(axis=-1)[..., np.newaxis, np.newaxis]
    return q * weights / np.where(total > 0, total, np.inf)


def _weighted_both(logits: Array, coefficients: Array) -> tuple[PerReplica, Array]:
    """Return the sum of coefficients times -log p over batch and classes, and its gradient."""
    with np.errstate(all="ignore"):
        rows = logits.astype(np.float64)
        largest = rows.max(axis=-1, keepdims=True)
        shifted, lost = two_sum(rows, -largest)
        infinite = ~np.isfinite(shifted)
        shifted[rows == largest] = 0  # inf - inf is NaN, where the difference meant is 0
        terms = np.exp(shifted)
        terms += terms * np.where(infinite, 0, lost)
        of_classes = coefficients * shifted
        of_classes[infinite & (coefficients == 0)] = 0
        others, more = _sums_of_others(terms)  # the total is 1 + more: the maximum's term is 1
        values = coefficients.sum(axis=-1) * np.log1p(more) - of_classes.sum(axis=-1)
        gradient = terms * _sums_of_others(coefficients)[0] - coefficients * others
        gradient /= (1 + more)[..., np.newaxis]
    return values.sum(axis=-1).astype(logits.dtype), gradient.astype(logits.dtype)


def _sums_of_others(rows: Array) -> tuple[Array, Array]:
    """Return beside each entry the sum of all others in its row, and what that is at the largest.

    The sum of a row less its largest would have lost the digits of the rest.
    """
    flat = rows.reshape(-1, rows.shape[-1])
    place = np.arange(len(flat)), flat.argmax(axis=-1)
    small = flat.copy()
    small[place] = 0
    rest = small.sum(axis=-1)
    others = (rest + flat[place])[:, np.newaxis] - flat
    others[place] = rest
    return others.reshape(rows.shape), rest.reshape(rows.shape[:-1])


def binary_cross_entropy(
    logits: Array,
    targets: ArrayLike,
    *,
    pos_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
) -> PerReplica:
    r"""Return the mean of :math:`-w t \log \sigma(z) - (1 - t) \log(1 - \sigma(z))`.

    Parameters
    ----------
    logits : ndarray
        Shape ``(..., batch, features)``, before any sigmoid.
    targets : array_like
        Shape ``(batch, features)`` or that of `logits`; each from 0 to 1.
    pos_weight : float or array_like of shape (features,), optional
        What a target of 1 counts, :math:`w`, or what it counts in each feature; above 0. Above 1,
        where ones are rare and should not be missed. The mean is still over all targets.
    label_smoothing : float
        The fraction of each target that both answers share: 0.1 makes 0.95 of 1 and 0.05 of 0. From
        0 to below 1.

    Returns
    -------
    ndarray or scalar
        Shape ``(...)``: one number for each replica. In nats.

    Raises
    ------
    ValueError
        If the batch is empty, a shape does not fit, targets are ragged, one is out of range, or a
        parameter is not what is said above.

    Notes
    -----
    Written as :math:`|z|\,a + (w t + 1 - t) \log(1 + e^{-|z|})`, which never overflows; :math:`a`
    is :math:`1 - t` for positive logits, else :math:`w t`. At an infinite logit this is 0 where the
    target agrees, and else infinite.

    ``pos_weight`` is that of ``torch.nn.BCEWithLogitsLoss``, ``label_smoothing`` that of
    ``keras.losses.BinaryCrossentropy``: the same as for two classes in `cross_entropy`
    :cite:p:`szegedy2016rethinking`, before the weight. What a weight on rare events does to
    probabilities, and how to correct them: King and Zeng, 2001 :cite:p:`king2001logistic`.

    Examples
    --------
    >>> binary_cross_entropy(np.array([[0.0]]), [[1.0]])
    np.float64(0.6931471805599453)
    >>> binary_cross_entropy(np.array([[0.0]]), [[1.0]], pos_weight=3)
    np.float64(2.0794415416798357)
    >>> binary_cross_entropy(np.array([[0.0, 0.0]]), [[1.0, 1.0]], pos_weight=[1, 3]).round(4)
    np.float64(1.3863)
    >>> binary_cross_entropy(np.array([[9.0]]), [[1.0]], label_smoothing=0.1).round(4)
    np.float64(0.4501)
    """
    with np.errstate(all="ignore"):
        wrong, both = _wrong(logits, targets, pos_weight, label_smoothing)
        size = np.abs(logits)
        losses = size * wrong
        if not np.isfinite(size.max()):
            losses[wrong == 0] = 0
        np.negative(size, out=size)
        np.exp(size, out=size)
        losses += np.log1p(size, out=size) if both is None else np.log1p(size) * both
    return mean_over(losses, (-2, -1))


def binary_cross_entropy_grad(
    logits: Array,
    targets: ArrayLike,
    *,
    pos_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
) -> Array:
    r"""Return the gradient of `binary_cross_entropy`, without a weight :math:`(\sigma(z) - t)/n`.

    Parameters and errors are those of `binary_cross_entropy`; the shape is that of `logits`.

    Notes
    -----
    With :math:`q = \sigma(-|z|)` this is :math:`\pm(a - (w t + 1 - t)\,q)/n`, with :math:`a` as in
    `binary_cross_entropy`: what is subtracted is small, and a confident right answer keeps all its
    digits. Errors are within 2 units in the last place of the larger of the two.

    Examples
    --------
    >>> binary_cross_entropy_grad(np.array([[0.0], [50.0]]), [[1.0], [1.0]])
    array([[-2.50000000e-01],
           [-9.64374924e-23]])
    """
    with np.errstate(all="ignore"):
        gradient, both = _wrong(logits, targets, pos_weight, label_smoothing)
        size = np.abs(logits)
        small = sigmoid(np.negative(size, out=size), out=size)
        gradient -= small if both is None else small * both
        count = np.result_type(logits, np.float32).type(logits.shape[-2] * logits.shape[-1])
        gradient /= np.copysign(count, logits)
    return gradient


def _wrong(
    logits: Array, targets: ArrayLike, pos_weight: Any, label_smoothing: Any
) -> tuple[Array, Array | None]:
    """Return how far each target is from 1 for a positive logit, from 0 for a negative one.

    With a weight of targets 1, this times the weight for a negative logit; and what the sum of both
    then is, which is 1 without one.
    """
    fractions = as_fractions(logits, targets)
    if label_smoothing != 0:
        smoothing = as_label_smoothing(label_smoothing)
        fractions = fractions * (1 - smoothing) + smoothing / 2
    if pos_weight is None:
        wrong = np.subtract(~np.signbit(logits), fractions)
        return np.abs(wrong, out=wrong), None
    weight = np.array(as_pos_weight(pos_weight))
    if weight.ndim:
        check_width("pos_weight", len(weight), logits, "feature")
    ones, zeros = fractions * weight, 1 - fractions.astype(np.float64)
    wrong = np.where(np.signbit(logits), ones, zeros).astype(logits.dtype)
    return wrong, (ones + zeros).astype(logits.dtype)


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
    targets = as_targets(outputs, targets)
    with np.errstate(all="ignore"):
        mean = np.square(outputs - targets).mean(axis=(-2, -1))
        again = _to_compute_in_float64(mean)
        if not again.any():
            return mean
        return np.where(again, _scaled_mean_square(outputs, targets), mean)[()]


def _to_compute_in_float64(result: Array) -> Array:
    """Return what float16 has rounded, or what has overflowed: no other replica's numbers."""
    return ~np.isnan(result) if result.dtype.itemsize == 2 else np.isinf(result)


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
    targets, scale = as_targets(outputs, targets), 2 / (outputs.shape[-2] * outputs.shape[-1])
    with np.errstate(all="ignore"):
        gradient = (outputs - targets) * scale
        # a difference may be too large where its part is not; float16 cannot hold the scale
        again = _to_compute_in_float64(gradient)
        if again.any():
            wide = outputs.astype(np.float64) * scale - targets.astype(np.float64) * scale
            gradient = np.where(again, wide.astype(gradient.dtype), gradient)
    return np.asarray(gradient)


@dataclass(frozen=True)
class Loss:
    """A loss and its gradient with respect to the network's output.

    Attributes
    ----------
    name : str
        The key of `LOSSES`; with fixed parameters, as it is called with them.
    function, gradient : callable
        Both take outputs and targets, and the parameters by keyword.
    both : callable, optional
        The two at once, where that saves work.

    Examples
    --------
    A loss of your own, which `Network.loss_and_gradients` and `course_lib.training.fit` take:

    >>> def absolute(outputs, targets):
    ...     return np.abs(outputs - targets).mean(axis=(-2, -1))
    >>> def absolute_grad(outputs, targets):
    ...     return np.sign(outputs - targets) / (outputs.shape[-2] * outputs.shape[-1])
    >>> loss = Loss("absolute_error", absolute, absolute_grad)
    >>> loss.with_gradient(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))
    (np.float64(1.0), array([[0.5, 0. ]]))
    """

    name: str
    function: Callable[..., PerReplica]
    gradient: Callable[..., Array]
    both: Callable[..., tuple[PerReplica, Array]] | None = None

    @property
    def kind(self) -> str:
        """The name without parameters, such as ``"cross_entropy"``."""
        return self.name.partition("(")[0]

    @property
    def parameters(self) -> dict[str, Any]:
        """The keyword parameters of the function, with what is fixed or their defaults."""
        return keyword_parameters(self.function)

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
            Loss("gaussian_nll", gaussian_nll, gaussian_nll_grad, gaussian_both),
            Loss("poisson_nll", poisson_nll, poisson_nll_grad, poisson_both),
        )
    }
)
"""All losses by name."""


def get_loss(name: str | Loss, **parameters: Any) -> Loss:
    """Return the loss of that name, with its parameters fixed where some are given.

    Parameters
    ----------
    name : str or Loss
        A key of `LOSSES`, with parameters or without: ``"cross_entropy(label_smoothing=0.1)"``. A
        `Loss` is returned as it is.
    **parameters
        Keyword parameters of the function, such as ``label_smoothing=0.1``.

    Returns
    -------
    Loss
        The pair of function and gradient.

    Raises
    ------
    KeyError
        If there is none of that name; the nearest is suggested.
    TypeError
        If the function has no such parameter; the nearest is suggested. Or if a function is given
        instead of a name.
    ValueError
        If a parameter is out of its range, or a text cannot be read.

    Notes
    -----
    A loss with fixed parameters is what `course_lib.training.fit` minimizes, and also what it
    records for validation data, as a criterion of PyTorch is usually used: a validation loss with
    smoothing or weights compares with a training loss, and not with one without them. The loss of
    an epoch is the mean of those of its batches, weighted with their examples, also where a batch
    divides by class weights.

    Examples
    --------
    >>> get_loss("cross_entropy").name
    'cross_entropy'
    >>> loss = get_loss("cross_entropy", label_smoothing=0.1)
    >>> loss.name, loss.kind, loss == get_loss("cross_entropy(label_smoothing=0.1)")
    ('cross_entropy(label_smoothing=0.1)', 'cross_entropy', True)
    >>> loss.function(np.array([[0.0, np.log(19)]]), [1]).round(4)
    np.float64(0.1985)
    """
    if isinstance(name, str) and "(" in name:
        name, written = parse_call("loss", name, "cross_entropy(label_smoothing=0.1)")
        parameters = {**written, **parameters}
    if isinstance(name, Loss):
        loss = name
    elif callable(name):
        example = "cross_entropy(label_smoothing=0.1)"
        raise TypeError(function_instead("loss", name, example, "Loss(name, function, gradient)"))
    else:
        check_choice("loss", name, LOSSES)
        loss = LOSSES[name]
    return _with_parameters(loss, parameters) if parameters else loss


def _with_parameters(loss: Loss, parameters: Mapping[str, Any]) -> Loss:
    """Return a loss with parameters fixed, beside those that are already."""
    known = loss.parameters
    for name in parameters:
        if not known:
            raise TypeError(f"the loss {loss.name!r} takes no parameters; {name} is given")
        if name not in known:
            raise TypeError(unknown_name(f"parameter of {loss.kind!r}", name, known))
    if loss.kind in LOSSES:
        parameters = {name: PARAMETERS[name](value) for name, value in parameters.items()}
    fixed = {**getattr(loss.function, "keywords", {}), **parameters}
    return Loss(
        f"{loss.kind}({', '.join(f'{name}={value!r}' for name, value in fixed.items())})",
        Fixed(loss.function, **parameters),
        Fixed(loss.gradient, **parameters),
        None if loss.both is None else Fixed(loss.both, **parameters),
    )
