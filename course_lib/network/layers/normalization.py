"""Normalization over the batch and over the features, computed in float64 and rounded once."""

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from course_lib._checks import as_number, check_float_arrays, check_shape
from course_lib._typing import Array
from course_lib.network.layers.base import BaseLayer, sum_along

__all__ = ["BatchNorm", "LayerNorm"]


class _Normalization(BaseLayer):
    """The base of both normalizations: parameters, their gradients, and the last steps."""

    _remembered: ClassVar[tuple[str, ...]] = ("_normalized", "_scale", "_output_shape")
    _normalized: Array
    _scale: Array

    def __init__(self, weight: Array, bias: Array, eps: float) -> None:
        check_float_arrays(weight=weight, bias=bias)
        fits = weight.ndim > 1 and weight.shape[-2] == 1 and bias.shape == weight.shape
        check_shape(fits, "(..., 1, features) for both", weight=weight, bias=bias)
        if weight is bias:
            raise ValueError(
                "weight and bias are one array, which learns as one; give each its own"
            )
        super().__init__(weight=weight, bias=bias)
        # a Python float leaves a float32 input what it is; NumPy's float64 would not
        self.eps = as_number("eps", eps, above=0)

    def _scale_and_shift(self, x: Array, normalized: Array, scale: Array) -> Array:
        """Remember what `backward` needs, in the dtype of the input; return the output."""
        weight, bias = self.parameters["weight"], self.parameters["bias"]
        dtype = np.result_type(x, np.float16)  # floats stay, integers become floats
        self._normalized = normalized.astype(dtype, copy=False)
        self._scale = scale.astype(np.result_type(dtype, np.float32), copy=False)
        y = np.asarray(weight * self._normalized)
        y = np.add(y, bias, out=y if y.dtype == bias.dtype else None)
        self._output_shape = y.shape
        return y

    def _set_both_gradients(self, grad_output: Array) -> None:
        """Set the gradients of weight and bias."""
        self._check_backward(grad_output)
        self._set_gradient("weight", sum_along(grad_output * self._normalized, (-2,)))
        self._set_gradient("bias", sum_along(grad_output, (-2,)))

    def _through_statistics(self, gradient: Array, axis: int) -> Array:
        """Return the gradient of the input where its own mean and variance normalized it.

        Shifting or scaling all inputs changes nothing, so the parts of the gradient along these
        two directions, the ones and the normalized values, drop out.
        """
        along = (gradient * self._normalized).mean(axis=axis, keepdims=True)
        rest = gradient - gradient.mean(axis=axis, keepdims=True) - along * self._normalized
        return self._scaled(rest)

    def _scaled(self, gradient: Array) -> Array:
        """Return a gradient divided by the standard deviation, in its own dtype."""
        return np.asarray((self._scale * gradient).astype(gradient.dtype, copy=False))


class BatchNorm(_Normalization):
    r"""Batch normalization: each feature has mean 0 and variance 1 over the batch.

    .. math:: y = \gamma\, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    In training mode, :math:`\mu` and :math:`\sigma^2` are mean and variance of the batch, for each
    feature and each replica. Running averages of them are kept, and used in evaluation mode.

    Parameters
    ----------
    weight, bias : ndarray
        :math:`\gamma` and :math:`\beta`, shape ``(..., 1, features)``, with one float dtype.
    momentum : float
        The weight of the newest batch in the running averages, from 0 to 1.
    eps : float
        Added to the variance, so that nothing is divided by 0.

    Attributes
    ----------
    running_mean, running_variance : ndarray
        Shape of `weight`, in float64, for the variance of float32 numbers may be beyond float32;
        not parameters: no gradient changes them. At first they are 0 and 1.
    training : bool
        The mode; a network sets it. False at first.

    Raises
    ------
    ValueError
        If the shapes do not fit, weight and bias are one array, `momentum` or `eps` is out of
        range, or a batch in training mode has a single row, whose variance is 0.
    TypeError
        If they are not arrays, or their dtypes differ or are not float.

    Notes
    -----
    Ioffe and Szegedy, 2015 :cite:p:`ioffe2015batch`. Defaults and conventions are PyTorch's: a
    batch is normalized by its variance (divided by n), and the running average collects the
    unbiased one (divided by n - 1).

    Mean and variance are computed in float64 and rounded once, in two passes. A constant feature
    gives exactly `bias`; float32 numbers of 1e20 and float16 numbers of 300, whose squares are
    beyond their dtype, are normalized correctly; infinite numbers give their limit, as if all of
    them grew alike. Only a running variance above 1.8e308, of float64 numbers beyond 1e154, is
    infinite, and gives `bias` in evaluation mode. An infinite running average stays infinite,
    whatever batches follow, unless `momentum` is 1, which keeps the newest batch alone. Used alone
    in training mode, the layer takes no leading axes that its running averages lack.

    Examples
    --------
    >>> layer = BatchNorm(np.ones((1, 1)), np.zeros((1, 1)))
    >>> layer.training = True
    >>> layer.forward(np.array([[1.0], [3.0]])).round(3)
    array([[-1.],
           [ 1.]])
    >>> layer.running_mean, layer.running_variance
    (array([[0.2]]), array([[1.1]]))
    """

    def __init__(
        self, weight: Array, bias: Array, *, momentum: float = 0.1, eps: float = 1e-5
    ) -> None:
        super().__init__(weight, bias, eps)
        self.momentum = as_number("momentum", momentum, least=0, most=1)
        # a variance of float32 numbers may be beyond float32
        wide = np.result_type(weight, np.float64)
        self.running_mean = np.zeros_like(weight, wide)
        self.running_variance = np.ones_like(weight, wide)
        self.training = False

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return the normalized batch, scaled and shifted: (..., batch, features)."""
        self._check_input(x, self.parameters["weight"].shape[-1])
        self._by_batch = self.training
        if self._by_batch:
            self._check_batch(x)
            normalized, scale, mean, variance = _standardize(x, -2, self.eps)
            self._update_averages(mean, variance, x.shape[-2])
        else:
            scale = 1 / np.sqrt(self.running_variance + self.eps)
            normalized = (x - self.running_mean) * scale
            if not scale.all():  # next to an infinite deviation, all is as near as the mean
                normalized = np.where((scale == 0) & ~np.isnan(x), 0.0, normalized)
        y = self._scale_and_shift(x, normalized, scale)
        ignored = self.parameters["weight"] == 0
        if not self._by_batch and ignored.any():  # an infinite input has an infinite value there
            y = np.where(ignored & np.isinf(normalized), self.parameters["bias"], y)
        return y

    def _check_batch(self, x: Array) -> None:
        """Raise ValueError if the running averages cannot take in a batch."""
        if x.shape[-2] < 2:
            raise ValueError(
                f"batch normalization in training mode got a batch of shape {x.shape}; the "
                f"variance of a batch needs at least two rows"
            )
        own = self.running_mean.shape[:-2]
        if np.broadcast_shapes(x.shape[:-2], own) != own:
            raise ValueError(
                f"batch normalization in training mode got a batch of shape {x.shape} with leading "
                f"axes that its running averages, of shape {self.running_mean.shape}, lack; "
                f"expected (batch, features), or the leading axes of its replicas"
            )

    def _update_averages(self, mean: Array, variance: Array, rows: int) -> None:
        """Move the running averages toward mean and variance of a batch."""
        unbiased = variance * (rows / (rows - 1))
        self.running_mean[...] = _toward(self.running_mean, mean, self.momentum)
        self.running_variance[...] = _toward(self.running_variance, unbiased, self.momentum)

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Fill the gradients of weight and bias; return that of the input."""
        self._set_both_gradients(grad_output)
        if not to_input:
            return None
        gradient = grad_output * self.parameters["weight"]
        if self._by_batch:
            return self._through_statistics(gradient, axis=-2)
        return self._scaled(gradient)

    def get_extra_state(self) -> dict[str, Array]:
        """Return copies of the running averages."""
        return {
            "running_mean": self.running_mean.copy(),
            "running_variance": self.running_variance.copy(),
        }

    def set_extra_state(self, state: Mapping[str, Array]) -> None:
        """Overwrite the running averages, in place."""
        self.running_mean[...] = state["running_mean"]
        self.running_variance[...] = state["running_variance"]

    def replica(self, index: int) -> "BatchNorm":
        """Return one replica as a layer of its own, running averages too."""
        weight, bias = (value[index].copy() for value in self.parameters.values())
        layer = BatchNorm(weight, bias, momentum=self.momentum, eps=self.eps)
        layer.running_mean[...] = self.running_mean[index]
        layer.running_variance[...] = self.running_variance[index]
        return layer

    def part(self, replicas: slice) -> "BatchNorm":
        """Return some replicas as a layer on views of the arrays, running averages too."""
        layer = self._views(replicas)
        layer.running_mean = self.running_mean[replicas]
        layer.running_variance = self.running_variance[replicas]
        return layer


class LayerNorm(_Normalization):
    r"""Layer normalization: each example has mean 0 and variance 1 over its features.

    .. math:: y = \gamma\, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    The same in training and in evaluation, because no example depends on another. Mean and variance
    are computed as those of `BatchNorm`: a constant example gives exactly `bias`, numbers whose
    squares are beyond their dtype are normalized correctly, infinite ones give their limit.

    Parameters
    ----------
    weight, bias : ndarray
        :math:`\gamma` and :math:`\beta`, shape ``(..., 1, features)``, with one float dtype.
    eps : float
        Added to the variance, so that nothing is divided by 0.

    Raises
    ------
    ValueError
        If the shapes do not fit, weight and bias are one array, or `eps` is out of range.
    TypeError
        If they are not arrays, or their dtypes differ or are not float.

    Notes
    -----
    Ba, Kiros and Hinton, 2016 :cite:p:`ba2016layer`.

    Examples
    --------
    >>> layer = LayerNorm(np.ones((1, 2)), np.zeros((1, 2)))
    >>> layer.forward(np.array([[1.0, 3.0], [30.0, 10.0]])).round(3)
    array([[-1.,  1.],
           [ 1., -1.]])
    """

    def __init__(self, weight: Array, bias: Array, *, eps: float = 1e-5) -> None:
        super().__init__(weight, bias, eps)

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return the normalized examples, scaled and shifted: (..., batch, features)."""
        self._check_input(x, self.parameters["weight"].shape[-1])
        normalized, scale, _, _ = _standardize(x, -1, self.eps)
        return self._scale_and_shift(x, normalized, scale)

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Fill the gradients of weight and bias; return that of the input."""
        self._set_both_gradients(grad_output)
        if not to_input:
            return None
        return self._through_statistics(grad_output * self.parameters["weight"], axis=-1)

    def replica(self, index: int) -> "LayerNorm":
        """Return one replica as a layer of its own."""
        weight, bias = (value[index].copy() for value in self.parameters.values())
        return LayerNorm(weight, bias, eps=self.eps)

    def part(self, replicas: slice) -> "LayerNorm":
        """Return some replicas as a layer on views of the arrays."""
        return self._views(replicas)


@np.errstate(all="ignore")
def _toward(average: Array, newest: Array, momentum: float) -> Array:
    """Return a running average after one more batch, infinite where the sum's limit is.

    Examples
    --------
    >>> _toward(np.array([0.0, np.inf]), np.array([1.0, 1.0]), 0.1)
    array([0.1, inf])
    """
    if momentum in (0, 1):  # nothing of the other one, not even 0 times an infinity
        return newest if momentum else average
    moved = average + momentum * (newest - average)
    # a difference that is infinite itself, or of infinities, says nothing of the sum
    return np.where(np.isfinite(moved), moved, (1 - momentum) * average + momentum * newest)


def _standardize(x: Array, axis: int, eps: float) -> tuple[Array, Array, Array, Array]:
    r"""Return :math:`(x - \mu) / \sqrt{\sigma^2 + \epsilon}` and what it is made of, in float64.

    Mean and variance are taken along one axis, in two passes. Sums of float16 and float32 numbers
    in float64 are exact enough that equal numbers have exactly their mean. Where float64 numbers
    vary little about their mean, its rounding counts, and the mean of what the subtraction left is
    subtracted too. Rows whose squares overflow are computed again, divided by a power of two.

    Parameters
    ----------
    x : ndarray
        Of any float or integer dtype.
    axis : int
        Along which to normalize.
    eps : float
        Above 0.

    Returns
    -------
    normalized : ndarray
        The shape of `x`. Equal numbers give exactly 0. With infinities, the limit for all of them
        growing alike: 1 for each and 0 for the finite numbers, normalized without eps.
    scale, mean, variance : ndarray
        :math:`1 / \sqrt{\sigma^2 + \epsilon}` and the moments, with that axis of length 1.

    Examples
    --------
    >>> _standardize(np.array([[3.0, 1.0]]), -1, 3.0)
    (array([[ 0.5, -0.5]]), array([[0.5]]), array([[2.]]), array([[1.]]))
    """
    wide = np.result_type(x, np.float64)
    mean = x.mean(axis=axis, keepdims=True, dtype=wide)
    centered = x - mean
    variance = np.square(centered).mean(axis=axis, keepdims=True)
    close = mean * mean > 4 * variance
    close |= (np.abs(mean) < 1e-150) & (variance < 1e-290)  # whose squares vanish
    if x.dtype == wide and close.any():
        rest = np.where(close, centered.mean(axis=axis, keepdims=True), 0)
        mean, centered = mean + rest, np.subtract(centered, rest, out=centered)
        variance = np.square(centered).mean(axis=axis, keepdims=True)
    scale = 1 / np.sqrt(variance + eps)
    centered *= scale
    if eps > _SMALL and variance.max(initial=0) < np.inf:
        return centered, scale, mean, variance
    plain = np.isfinite(variance) & ((variance > _SMALL) | (eps > _SMALL))
    others = _standardize_scaled(x.astype(wide), axis, eps)
    pairs = zip((centered, scale, mean, variance), others, strict=True)
    normalized, scale, mean, variance = (np.where(plain, *pair) for pair in pairs)
    return normalized, scale, mean, variance


_SMALL = 1e-280  # below it, variances are rounded as subnormal numbers are


def _standardize_scaled(x: Array, axis: int, eps: float) -> tuple[Array, Array, Array, Array]:
    """Do the work of `_standardize` on numbers divided by a power of two, or by infinity."""
    infinite = np.isinf(x)
    endless = infinite.any(axis=axis, keepdims=True)
    x = np.where(endless, np.where(infinite, np.sign(x), 0 * x), x)
    size = np.abs(x).max(axis=axis, keepdims=True)
    unit = np.exp2(np.ceil(np.log2(np.maximum(size, math.sqrt(eps)))) - 1)
    x = x / unit / 2  # in two steps, for the power itself may be beyond the largest number
    mean = x.mean(axis=axis, keepdims=True)
    centered = x - mean
    rest = centered.mean(axis=axis, keepdims=True)
    mean, centered = mean + rest, centered - rest
    variance = np.square(centered).mean(axis=axis, keepdims=True)
    added = np.where(endless, 0, eps / unit / unit / 4)
    deviation = np.sqrt(variance + added)
    size = np.where(endless, np.inf, unit)
    scale = 1 / np.where(deviation > 0, deviation, 1)
    return centered * scale, scale / size / 2, mean * size * 2, variance * size * size * 4
