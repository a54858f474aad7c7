"""Layers: each backward right under its forward."""

import copy
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib import activations
from course_lib._checks import as_array
from course_lib._typing import Array
from course_lib.activations import Activation, prelu, prelu_grad, prelu_negative_slope_grad, selu
from course_lib.network.seeds import as_seeds, generator_state, set_generator_state, stream

__all__ = [
    "Activate",
    "AlphaDropout",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Layer",
    "LayerNorm",
    "PReLU",
    "Residual",
]


class Layer(Protocol):
    """What a network asks of a layer.

    Attributes
    ----------
    parameters : dict of str to ndarray
        What is learned; empty for a layer without parameters.
    gradients : dict of str to ndarray
        Filled by `backward`, with the keys and shapes of `parameters`.

    Notes
    -----
    Three more are optional. A layer that works differently while it learns has an attribute
    ``training``, which the network sets before each `forward`; `backward` follows the mode that the
    last `forward` had. A layer with a method ``replica(index)``, which returns a layer of its own
    with copies of one replica's arrays, can be part of a network of which replicas are taken.
    A layer that carries more than parameters, such as running averages or a generator, tells and
    takes it as modules of PyTorch do, here as arrays: ``get_extra_state()`` returns a dict of
    copies, numeric and of lasting names, shapes and dtypes, and ``set_extra_state(state)`` goes on
    from such a dict. `Network.state_dict` holds them beside the parameters.
    The layers here leave out of copies and pickles what the last `forward` remembered: it may be
    larger than all parameters, and a copy that is to go back goes forward first.

    Leading axes of a signal are those of the replicas. A layer here that is used alone also takes a
    signal with leading axes that its parameters lack, or have with length 1: these parameters then
    serve all entries along the axis, and their gradients are summed over it, so that they always
    have the parameters' shapes. (A `Network` asks for exactly its replicas.)

    All layers here take float16, float32 and float64 and return what they were given. In float16
    they add up in float32 or float64 and round once; only what is itself beyond 65504 overflows.

    Infinite inputs give the limit, all infinities of a row or batch growing alike, and no layer
    warns, whatever `np.errstate` says. What is a sum of products is left to the rules of floats,
    by which 0 times infinity and infinity minus infinity are NaN: the output of `Dense`, the sum of
    `Residual`, and all gradients of parameters.
    """

    @property
    def parameters(self) -> dict[str, Array]:
        """What is learned, by name."""

    @property
    def gradients(self) -> dict[str, Array]:
        """What `backward` found, by the same names."""

    def forward(self, x: Array) -> Array:
        """Return the layer's output and remember what `backward` needs."""

    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Fill `gradients`; return the gradient with respect to the input, if it is wanted."""


class _Forgetful:
    """A layer whose copies do not hold the signals that its last `forward` remembered."""

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and pickles are made from."""
        signals = ("_x", "_pull", "_normalized", "_scale", "_mask", "_shape")
        return {name: value for name, value in vars(self).items() if name not in signals}


class Dense(_Forgetful):
    r"""A fully connected layer, :math:`y = x W + b`.

    Parameters
    ----------
    weight : ndarray
        Shape ``(..., in_features, out_features)``.
    bias : ndarray
        Shape ``(..., 1, out_features)``, with the dtype and leading axes of `weight`.

    Raises
    ------
    ValueError
        If the shapes do not fit each other, or later a signal or gradient does not fit the layer.
    TypeError
        If they are not arrays, or their dtypes differ or are not float.

    Notes
    -----
    A matrix product follows the rules of floats: an infinite input times a weight of 0, or two
    infinite products of opposite sign, give NaN, without a warning. float16 is multiplied in
    float32 and rounded, so that long sums are right; what is beyond 65504 is infinite.

    Examples
    --------
    >>> layer = Dense(np.array([[1.0], [2.0]]), np.array([[0.5]]))
    >>> layer.forward(np.array([[1.0, 1.0]]))
    array([[3.5]])
    """

    def __init__(self, weight: Array, bias: Array) -> None:
        _check_arrays(weight, bias)
        if weight.ndim < 2 or bias.shape != (*weight.shape[:-2], 1, weight.shape[-1]):
            raise ValueError(
                f"weight has shape {weight.shape} and bias {bias.shape}; expected "
                f"(..., in_features, out_features) and (..., 1, out_features) with the same leading axes"
            )
        self.parameters = {"weight": weight, "bias": bias}
        self.gradients: dict[str, Array] = {}

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return ``x @ weight + bias``: (..., batch, in_features) -> (..., batch, out_features)."""
        weight = self.parameters["weight"]
        _check_signal(self, x, weight.shape[-2])
        self._x = x
        y = x @ weight
        y += self.parameters["bias"]
        self._shape = y.shape
        return y

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Fill the gradients of weight and bias; return that of the input."""
        _check_backward(self, grad_output)
        # a column @ a row, of a single example, is a slow loop in NumPy; the products are the same
        one_row = grad_output.shape[-2] == 1
        _fill(self, "weight", self._x.mT * grad_output if one_row else self._x.mT @ grad_output)
        _fill(self, "bias", _sum(grad_output, (-2,)))
        return grad_output @ self.parameters["weight"].mT if to_input else None

    def replica(self, index: int) -> "Dense":
        """Return one replica as a layer of its own."""
        return Dense(*(value[index].copy() for value in self.parameters.values()))


class Activate(_Forgetful):
    """An activation function as a layer.

    Parameters
    ----------
    activation : str or Activation
        A name of the catalogue, or one of its rows.

    Raises
    ------
    KeyError
        If there is no activation of that name.

    Examples
    --------
    >>> Activate("relu").forward(np.array([[-1.0, 2.0]]))
    array([[0., 2.]])
    """

    def __init__(self, activation: str | Activation) -> None:
        self.activation = activations.get(activation)
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return the activation of every element, or over the last axis."""
        self._x = x
        value, self._pull = self.activation.pullback(x)
        return np.asarray(value)

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Return the gradient with respect to the input: slope times grad_output."""
        _check_forward(self)
        return self._pull(grad_output) if to_input else None

    def replica(self, index: int) -> "Activate":
        """Return a layer with the same activation."""
        return Activate(self.activation)


class PReLU(_Forgetful):
    """A rectifier whose slope left of 0 is learned, one for all features or one for each.

    Parameters
    ----------
    negative_slope : ndarray
        Shape ``(..., 1, features)``, or ``(..., 1, 1)`` for a shared slope, with the dtype and
        leading axes of the network's weights.

    Raises
    ------
    ValueError
        If the second axis from the end is not 1.
    TypeError
        If it is not an array, or its dtype is not float.

    Notes
    -----
    He et al., 2015 :cite:p:`he2015delving`, who start at 0.25. The slope is the parameter
    ``"weight"``, as in PyTorch. Without learning, the activation ``"prelu"`` does the same.

    Examples
    --------
    >>> layer = PReLU(np.array([[0.25, 0.5]]))
    >>> layer.forward(np.array([[-2.0, -2.0], [1.0, 1.0]]))
    array([[-0.5, -1. ],
           [ 1. ,  1. ]])
    >>> _ = layer.backward(np.ones((2, 2)))
    >>> layer.gradients["weight"]
    array([[-2., -2.]])
    """

    def __init__(self, negative_slope: Array) -> None:
        _check_array("negative_slope", negative_slope)
        if negative_slope.ndim < 2 or negative_slope.shape[-2] != 1:
            raise ValueError(
                f"negative_slope has shape {negative_slope.shape}; expected (..., 1, features) and (..., 1, 1)"
            )
        if negative_slope.dtype.kind != "f":
            raise TypeError(f"negative_slope is {negative_slope.dtype}; expected a float dtype")
        self.parameters = {"weight": negative_slope}  # as PyTorch calls it
        self.gradients: dict[str, Array] = {}

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return x right of 0, and slope times x left of it."""
        slope = self.parameters["weight"]
        _check_signal(self, x, None if slope.shape[-1] == 1 else slope.shape[-1])
        # the activation takes slopes that broadcast to its input, so each replica gets its own
        leading = np.broadcast_shapes(x.shape[:-2], slope.shape[:-2])
        self._x = x = np.broadcast_to(x, (*leading, *x.shape[-2:]))
        y = np.asarray(prelu(x, negative_slope=slope))
        self._shape = y.shape
        return y

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Fill the gradient of the slope; return that of the input."""
        _check_backward(self, grad_output)
        slope = self.parameters["weight"]
        shared = (-2, -1) if slope.shape[-1] == 1 else (-2,)
        _fill(self, "weight", _sum(prelu_negative_slope_grad(self._x) * grad_output, shared))
        return (
            np.asarray(prelu_grad(self._x, negative_slope=slope) * grad_output)
            if to_input
            else None
        )

    def replica(self, index: int) -> "PReLU":
        """Return one replica as a layer of its own."""
        return PReLU(self.parameters["weight"][index].copy())


# ---------------------------------------------------------------------------------------------
# Normalization
# ---------------------------------------------------------------------------------------------


class BatchNorm(_Forgetful):
    r"""Batch normalization: each feature has mean 0 and variance 1 over the batch.

    .. math:: y = \gamma\, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    In training mode, :math:`\mu` and :math:`\sigma^2` are mean and variance of the batch, for each
    feature and each replica. Running averages of them are kept, and used in evaluation mode.

    Parameters
    ----------
    weight, bias : ndarray
        :math:`\gamma` and :math:`\beta`, shape ``(..., 1, features)``, with one float dtype.
    momentum : float
        The share of the newest batch in the running averages, from 0 to 1.
    eps : float
        Added to the variance, so that nothing is divided by 0.

    Attributes
    ----------
    running_mean, running_variance : ndarray
        Shape of `weight`, in float64, for the variance of float32 numbers may be beyond float32;
        not parameters: no gradient changes them. They start at 0 and 1.
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

    Mean and variance are computed in float64 and rounded once, in two passes: a constant feature
    gives exactly `bias`, float32 numbers of 1e20 and float16 numbers of 300 (whose squares are
    beyond their dtype) what they should, and infinite numbers their limit, as if all of them grew
    alike. Only a running variance above 1.8e308, of float64 numbers beyond 1e154, is infinite, and
    gives `bias` in evaluation mode. An infinite running average stays infinite, whatever batches
    follow, unless `momentum` is 1, which keeps the newest batch alone. Used alone
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
        _check_normalization(weight, bias, eps)
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum is {momentum!r}; expected 0 to 1")
        self.parameters = {"weight": weight, "bias": bias}
        self.gradients: dict[str, Array] = {}
        # plain numbers leave a float32 signal what it is; those of NumPy would not
        self.momentum, self.eps = float(momentum), float(eps)
        # a variance of float32 numbers may be beyond float32
        wide = np.result_type(weight, np.float64)
        self.running_mean = np.zeros_like(weight, wide)
        self.running_variance = np.ones_like(weight, wide)
        self.training = False

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return the normalized batch, scaled and shifted: (..., batch, features)."""
        _check_signal(self, x, self.parameters["weight"].shape[-1])
        self._by_batch = self.training
        if self._by_batch:
            self._check_batch(x)
            normalized, scale, mean, variance = _standardize(x, -2, self.eps)
            self._follow(mean, variance, x.shape[-2])
        else:
            scale = 1 / np.sqrt(self.running_variance + self.eps)
            normalized = (x - self.running_mean) * scale
            if not scale.all():  # beside an infinite deviation all is as near as the mean
                normalized = np.where((scale == 0) & ~np.isnan(x), 0.0, normalized)
        y = _scaled_and_shifted(self, x, normalized, scale)
        unheard = self.parameters["weight"] == 0
        if not self._by_batch and unheard.any():  # an infinite input has an infinite value there
            y = np.where(unheard & np.isinf(normalized), self.parameters["bias"], y)
        return y

    def _check_batch(self, x: Array) -> None:
        """Raise ValueError where a batch gives no averages that are to be kept."""
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
                f"expected is (batch, features), or the leading axes of its replicas"
            )

    def _follow(self, mean: Array, variance: Array, rows: int) -> None:
        """Move the running averages toward mean and variance of a batch."""
        unbiased = variance * (rows / (rows - 1))
        self.running_mean[...] = _toward(self.running_mean, mean, self.momentum)
        self.running_variance[...] = _toward(self.running_variance, unbiased, self.momentum)

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Fill the gradients of weight and bias; return that of the input."""
        _fill_scale_and_shift(self, grad_output)
        if not to_input:
            return None
        gradient = grad_output * self.parameters["weight"]
        if self._by_batch:
            return _without_statistics(self, gradient, axis=-2)
        return _scaled(self, gradient)

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


class LayerNorm(_Forgetful):
    r"""Layer normalization: each example has mean 0 and variance 1 over its features.

    .. math:: y = \gamma\, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    The same in training and in evaluation, because no example depends on another. Mean and variance
    are computed as `BatchNorm` does: a constant example gives exactly `bias`, numbers whose squares
    are beyond their dtype what they should, infinite ones their limit. float16 is taken too.

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
        _check_normalization(weight, bias, eps)
        self.parameters = {"weight": weight, "bias": bias}
        self.gradients: dict[str, Array] = {}
        self.eps = float(eps)

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return the normalized examples, scaled and shifted: (..., batch, features)."""
        _check_signal(self, x, self.parameters["weight"].shape[-1])
        normalized, scale, _, _ = _standardize(x, -1, self.eps)
        return _scaled_and_shifted(self, x, normalized, scale)

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Fill the gradients of weight and bias; return that of the input."""
        _fill_scale_and_shift(self, grad_output)
        if not to_input:
            return None
        return _without_statistics(self, grad_output * self.parameters["weight"], axis=-1)

    def replica(self, index: int) -> "LayerNorm":
        """Return one replica as a layer of its own."""
        weight, bias = (value[index].copy() for value in self.parameters.values())
        return LayerNorm(weight, bias, eps=self.eps)


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


def _check_normalization(weight: Array, bias: Array, eps: float) -> None:
    _check_arrays(weight, bias)
    if weight.ndim < 2 or weight.shape[-2] != 1 or bias.shape != weight.shape:
        raise ValueError(
            f"weight has shape {weight.shape} and bias {bias.shape}; expected "
            f"(..., 1, features) for both"
        )
    if weight is bias:
        raise ValueError("weight and bias are one array, which learns as one; give each its own")
    if not (0 < eps < math.inf):
        raise ValueError(f"eps is {eps!r}; expected finite numbers above 0")


def _standardize(x: Array, axis: int, eps: float) -> tuple[Array, Array, Array, Array]:
    r"""Return :math:`(x - \mu) / \sqrt{\sigma^2 + \epsilon}` and what it is made of, in float64.

    Mean and variance are taken along one axis, in two passes. Sums of float16 and float32 numbers
    in float64 are exact enough that equal numbers have exactly their mean. Where float64 numbers
    vary little about their mean, its rounding counts, and the mean of what the subtraction left is
    subtracted too. Rows whose squares overflow are computed anew, divided by a power of two.

    Parameters
    ----------
    x : ndarray
        Of any float or integer dtype.
    axis : int
        Which one to go along.
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


def _scaled_and_shifted(layer: Any, x: Array, normalized: Array, scale: Array) -> Array:
    """Remember what backward needs, in the signal's dtype; return the output of a normalization."""
    weight, bias = layer.parameters["weight"], layer.parameters["bias"]
    dtype = np.result_type(x, np.float16)  # floats stay, integers become floats
    layer._normalized = normalized.astype(dtype, copy=False)
    layer._scale = scale.astype(np.result_type(dtype, np.float32), copy=False)
    y = np.asarray(weight * layer._normalized)
    y = np.add(y, bias, out=y if y.dtype == bias.dtype else None)
    layer._shape = y.shape
    return y


def _fill_scale_and_shift(layer: Any, grad_output: Array) -> None:
    _check_backward(layer, grad_output, "_normalized")
    _fill(layer, "weight", _sum(grad_output * layer._normalized, (-2,)))
    _fill(layer, "bias", _sum(grad_output, (-2,)))


def _without_statistics(layer: Any, gradient: Array, axis: int) -> Array:
    """Return the gradient of the input where mean and variance are taken from the same numbers.

    Shifting or stretching all inputs changes nothing, so the parts of the gradient along these
    two directions, the ones and the normalized values, drop out.
    """
    normalized = layer._normalized
    along = (gradient * normalized).mean(axis=axis, keepdims=True)
    left = gradient - gradient.mean(axis=axis, keepdims=True) - along * normalized
    return _scaled(layer, left)


def _scaled(layer: Any, gradient: Array) -> Array:
    return np.asarray((layer._scale * gradient).astype(gradient.dtype, copy=False))


def _check_arrays(weight: Any, bias: Any) -> None:
    """Raise TypeError unless both are arrays of one float dtype."""
    _check_array("weight", weight)
    _check_array("bias", bias)
    if weight.dtype.kind != "f" or weight.dtype != bias.dtype:
        raise TypeError(
            f"weight is {weight.dtype} and bias {bias.dtype}; both must have one float dtype"
        )


def _check_array(name: str, values: Any) -> None:
    """Raise TypeError unless it is an array, which can learn in place."""
    if not isinstance(values, np.ndarray):
        raise TypeError(
            f"{name} is a {type(values).__name__}; expected an array: pass np.array({name})"
        )


def _check_signal(layer: Any, x: Any, features: int | None) -> None:
    """Raise an error unless a signal has as many features, and leading axes that go together."""
    own = layer.parameters["weight"].shape[:-2]
    if isinstance(x, np.ndarray) and x.ndim > 1 and x.shape[-1] == (features or x.shape[-1]):
        if x.shape[:-2] in ((), own) or _go_together(x.shape[:-2], own):
            return
    given = f"of shape {x.shape}" if isinstance(x, np.ndarray) else f"that is {_told(x)}"
    raise (ValueError if isinstance(x, np.ndarray) else TypeError)(
        f"{type(layer).__name__} got a signal {given}; expected is an array of shape "
        f"(batch, {features or 'features'}), or (..., batch, {features or 'features'}) with "
        f"leading axes that go with those of its weight, {own}"
    )


def _go_together(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Return whether axes broadcast."""
    return all(a == b or 1 in (a, b) for a, b in zip(reversed(one), reversed(other), strict=False))


def _check_backward(layer: Any, grad_output: Array, signal: str = "_x") -> None:
    """Raise an error unless there was a forward pass, whose output has the gradient's shape."""
    _check_forward(layer, signal)
    # a derived layer with a forward of its own need not have remembered the shape
    if grad_output.shape != getattr(layer, "_shape", grad_output.shape):
        raise ValueError(
            f"{type(layer).__name__} got a gradient of shape {grad_output.shape}; expected is "
            f"that of its last output, {layer._shape}"
        )


def _fill(layer: Any, name: str, gradient: Array) -> None:
    """Set a gradient, summed over the leading axes that its parameter lacks or has once."""
    shape = layer.parameters[name].shape
    if gradient.shape != shape:
        extra = gradient.ndim - len(shape)
        once = [i for i, n in enumerate(shape[:-2], extra) if n == 1]
        gradient = _sum(gradient, (*range(extra), *once)).reshape(shape)
    layer.gradients[name] = gradient


def _sum(values: Array, axes: tuple[int, ...]) -> Array:
    """Return a sum along axes, which stay with length 1.

    In float16 NumPy would add the rows up in float16, where 2048 + 1 is 2048.
    """
    if values.dtype != np.float16:
        return values.sum(axis=axes, keepdims=True)
    return values.sum(axis=axes, keepdims=True, dtype=np.float32).astype(np.float16)


def _check_forward(layer: Layer, signal: str = "_x") -> None:
    """Raise RuntimeError if there is no signal to go back along."""
    if not hasattr(layer, signal):
        raise RuntimeError("backward before forward: call the network on a batch first")


# ---------------------------------------------------------------------------------------------
# Dropout
# ---------------------------------------------------------------------------------------------


class Dropout(_Forgetful):
    r"""Inverted dropout: in training, each number of a signal is set to 0 with probability p.

    .. math:: y = \frac{k}{1 - p}\, x, \qquad k = 1 \text{ with probability } 1 - p
        \text{, otherwise } 0

    The mean of y over the masks k is x. In evaluation mode nothing is drawn, and y is x. What is
    dropped is 0 whatever it was, an infinity or NaN too, and so is its gradient.

    Parameters
    ----------
    p : float or array_like
        The probability to drop, from 0 to below 1: one number, or one for each replica, in the
        shape of the leading axes.
    seed : int or SeedSequence, or a sequence of them
        One seed makes one mask for all replicas. A sequence, in the shape of the leading axes,
        makes one for each, which depends on its own seed alone. Layers with the same seed draw the
        same numbers, so give each layer its own.

    Attributes
    ----------
    p : ndarray of float64
        As given.
    replicas : tuple of int
        The shape of `p` or of the seeds; ``()`` where all replicas share both.
    training : bool
        The mode; a network sets it. False at first.

    Raises
    ------
    ValueError
        If a probability is not from 0 to below 1, or the shapes of `p` and the seeds differ.
    TypeError
        If `p` is not numeric, or a seed is none.

    Notes
    -----
    Srivastava et al., 2014 :cite:p:`srivastava2014dropout`, who divide in evaluation instead. How
    many random numbers are drawn does not depend on p: replicas with one seed and different p drop
    from the same draw, so that what is dropped at the smaller p is dropped at the larger one too.

    Examples
    --------
    >>> layer = Dropout(0.5, seed=1)
    >>> layer.forward(np.ones((1, 4)))
    array([[1., 1., 1., 1.]])
    >>> layer.training = True
    >>> layer.forward(np.ones((1, 4)))
    array([[0., 0., 2., 2.]])
    >>> layer.backward(np.ones((1, 4)))
    array([[0., 0., 2., 2.]])
    """

    def __init__(self, p: ArrayLike, *, seed: Any = 0) -> None:
        self.p = as_probabilities(p)
        self._generators = _generators(seed)
        if self.p.shape and self._generators.shape not in ((), self.p.shape):
            raise ValueError(
                f"p has shape {self.p.shape} and the seeds {self._generators.shape}; expected "
                f"one of each, or one for each replica"
            )
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.training = False

    def __repr__(self) -> str:
        """Return the kind and what it drops: from the least to the most, if replicas differ."""
        least, most = self.p.min(), self.p.max()
        return f"{type(self).__name__}({least:g}{f' to {most:g}' if most > least else ''})"

    @property
    def replicas(self) -> tuple[int, ...]:
        """The leading axes of `p` or of the seeds."""
        return self.p.shape or self._generators.shape

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return a new draw of the signal in training mode, and otherwise the signal itself."""
        self._mask: Array | None = None
        if not self.training:
            return x
        self._check_signal(x)
        dtype = np.result_type(x, np.float16)  # floats stay, integers become floats
        # both sides in float32: a comparison in float64 would take twice the time
        kept = self._draws(x.shape[-2:]) >= _beside(self.p, np.float32)
        self._mask = kept * _beside(self._factor(), dtype)
        return _masked(x, self._mask)

    def _check_signal(self, x: Array) -> None:
        """Raise ValueError unless a signal has rows, and leading axes that go with the replicas."""
        if np.ndim(x) < 2 or not _go_together(x.shape[:-2], self.replicas):
            raise ValueError(
                f"{type(self).__name__} got a signal of shape {np.shape(x)}; expected is "
                f"(..., batch, features) with leading axes that go with its replicas, "
                f"{self.replicas}"
            )

    def _draws(self, shape: tuple[int, ...]) -> Array:
        """Return uniform random numbers, (batch, features) for each generator by itself."""
        draws = np.empty((self._generators.size, *shape), np.float32)
        for row, rng in zip(draws, self._generators.flat, strict=True):
            rng.random(out=row, dtype=np.float32)
        return draws.reshape(*self._generators.shape, *shape)

    def _factor(self) -> Array:
        """Return the factor of what is kept, for each p."""
        return np.asarray(1 / (1 - self.p))

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Return the gradient with respect to the input: what was dropped has none."""
        _check_forward(self, "_mask")
        if not to_input:
            return None
        return grad_output if self._mask is None else _masked(grad_output, self._mask)

    def get_extra_state(self) -> dict[str, Array]:
        """Return where each generator stands, shape ``(..., 6)``; see `seeds.generator_state`."""
        states = [generator_state(rng) for rng in self._generators.flat]
        return {"generator": np.reshape(states, (*self._generators.shape, 6))}

    def set_extra_state(self, state: Mapping[str, Array]) -> None:
        """Let each generator go on from there, so that the same masks follow."""
        words = state["generator"].reshape(-1, 6)
        for rng, own in zip(self._generators.flat, words, strict=True):
            set_generator_state(rng, own)

    def replica(self, index: int) -> "Dropout":
        """Return one replica as a layer of its own, which goes on with the same masks."""
        layer = type(self)(self.p[index] if self.p.shape else self.p)
        own = self._generators[index] if self._generators.shape else self._generators
        layer._generators = copy.deepcopy(np.asarray(own, dtype=object))
        return layer


def _masked(values: Array, mask: Array) -> Array:
    """Return values times a mask, and 0 where it is 0, whatever was there."""
    y = values * mask
    if not np.isfinite(y).all():
        y = np.where(mask == 0, y.dtype.type(0), y)
    return y


_SELU_LIMIT = float(selu(-np.inf))


class AlphaDropout(Dropout):
    r"""Dropout for SELU: what is dropped is set to SELU's limit, and mean and variance stay.

    .. math:: y = a\,\bigl(k\, x + (1 - k)\, \alpha'\bigr) + b, \qquad
        a = \frac{1}{\sqrt{(1 - p)(1 + p\, \alpha'^2)}}, \qquad b = -a\, p\, \alpha'

    with :math:`k` as for `Dropout` and :math:`\alpha' = -\lambda\alpha`, SELU's limit at minus
    infinity. Where x has mean 0 and variance 1, as after a SELU at its fixed point, so has y.

    Parameters
    ----------
    p, seed
        As for `Dropout`, with its attributes and errors; what is dropped is
        :math:`a\, \alpha' + b` whatever it was.

    Notes
    -----
    Klambauer et al., 2017 :cite:p:`klambauer2017self`. For a given x, the mean of y over the masks
    is :math:`a (1 - p)\, x`, not x.

    Examples
    --------
    >>> layer = AlphaDropout(0.5, seed=1)
    >>> layer.training = True
    >>> layer.forward(np.ones((1, 4))).round(3)
    array([[-0.779, -0.779,  1.666,  1.666]])
    """

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return a new draw of the signal in training mode, and otherwise the signal itself."""
        y = super().forward(x)
        if self._mask is not None:
            # a (1 - k) alpha' + b is a alpha' times (1 - k) - p
            level = _beside(self._factor() * _SELU_LIMIT, y.dtype)
            y += level * ((self._mask == 0) - _beside(self.p, y.dtype))
        return y

    def _factor(self) -> Array:
        """Return the factor of what is kept, a, for each p."""
        variance = (1 - self.p) * (1 + self.p * _SELU_LIMIT**2)
        return np.asarray(1 / np.sqrt(variance))


def as_probabilities(p: Any, name: str = "p") -> NDArray[np.float64]:
    """Return probabilities to drop as an array, or raise an error.

    Examples
    --------
    >>> as_probabilities([0, 0.5])
    array([0. , 0.5])
    """
    values = as_array(name, p)
    if values.dtype.kind not in "fiu":
        raise TypeError(
            f"{name} is {p!r}; expected a number from 0 to below 1, or one for each replica"
        )
    # the largest of the draws, multiples of 2**-24 below 1, are to be kept
    if not values.size or not ((values >= 0) & (values <= 1 - 2**-24)).all():
        raise ValueError(
            f"{name} is {p!r}; expected numbers from 0 to below 1: it is the probability to "
            f"drop, and at 1 nothing would be left"
        )
    return values.astype(np.float64)


def _generators(seed: Any) -> NDArray[Any]:
    """Return a generator for each of the seeds, in their shape."""
    seeds = np.asarray(seed, dtype=object)
    generators = [stream(s, "dropout") for s in as_seeds(seeds.ravel().tolist())[0]]
    return np.array(generators, dtype=object).reshape(seeds.shape)


def _beside(values: Array, dtype: Any) -> Array:
    """Return numbers of replicas as (..., 1, 1), beside signals (..., batch, features)."""
    return values[..., np.newaxis, np.newaxis].astype(dtype)


# ---------------------------------------------------------------------------------------------
# Layers in a row, and around them
# ---------------------------------------------------------------------------------------------


class Residual:
    r"""A residual block, :math:`y = x + f(x)`, around layers in a row.

    Parameters
    ----------
    layers : sequence of Layer
        The layers of :math:`f`, in the order of the forward pass; blocks among them too. They must
        return as many features as they take.

    Attributes
    ----------
    parameters, gradients : dict of str to ndarray
        Those of the layers, named ``"<layer>.<name>"``.
    training : bool
        The mode, which the block passes on to its layers.

    Raises
    ------
    ValueError
        If there are no layers, or the numbers of features do not fit.
    TypeError
        If something else than layers stands in it.

    Notes
    -----
    He et al., 2016 :cite:p:`he2016deep`.

    Examples
    --------
    >>> block = Residual([Dense(np.eye(2), np.zeros((1, 2))), Activate("relu")])
    >>> block.forward(np.array([[-1.0, 2.0]]))
    array([[-1.,  4.]])
    >>> list(block.parameters)
    ['0.weight', '0.bias']
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = as_layers(layers)
        if not self.layers:
            raise ValueError("a residual block without layers; at least one is needed")
        taken, given = widths(self.layers)
        if taken != given:
            raise ValueError(
                f"the layers of a residual block take {taken} features and return {given}; the sum "
                f"x + f(x) needs as many as there were"
            )
        self._training = False

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters of the layers."""
        return named_parameters(self.layers)

    @property
    def gradients(self) -> dict[str, Array]:
        """The gradients of the layers."""
        return named_gradients(self.layers)

    @property
    def training(self) -> bool:
        """Whether the layers are in training mode."""
        return self._training

    @training.setter
    def training(self, mode: bool) -> None:
        self._training = mode
        set_training(self.layers, mode)

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return the input plus what the layers make of it."""
        y = go_forward(self.layers, x)
        if y.shape[-1] != x.shape[-1]:
            raise ValueError(
                f"the layers of a residual block took a signal of shape {x.shape} and returned "
                f"{y.shape}; the sum x + f(x) needs as many features as there were"
            )
        return x + y

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Fill the gradients of the layers; return that of the input."""
        through = go_backward(self.layers, grad_output, to_input=to_input)
        return None if through is None else grad_output + through

    def replica(self, index: int) -> "Residual":
        """Return one replica as a block of its own."""
        return Residual([replica_of(layer, index) for layer in self.layers])


def as_layers(layers: Any) -> list[Layer]:
    """Return layers as a list, or raise TypeError where something else is among them.

    Examples
    --------
    >>> len(as_layers([Activate("relu"), Activate("tanh")]))
    2
    """
    if isinstance(layers, str) or not isinstance(layers, Iterable):
        raise TypeError(f"layers is {_told(layers)}; expected a list of layers")
    listed = list(layers)
    for i, layer in enumerate(listed):
        if isinstance(layer, type) or not (
            hasattr(layer, "forward") and hasattr(layer, "backward")
        ):
            name = str(getattr(layer, "__name__", layer))
            wrapped = f": Activate({name!r})" if name in activations.CATALOGUE else ""
            raise TypeError(
                f"layer {i} is {_told(layer)}; expected layers, such as those of "
                f"course_lib.network; wrap a function as one{wrapped}"
            )
    return listed


def _told(thing: Any) -> str:
    """Return text and functions as they are, and of others what they are."""
    return repr(thing) if isinstance(thing, str | type) else f"a {type(thing).__name__}"


def check_untied(layers: Sequence[Layer]) -> None:
    """Raise ValueError if two places share an array, which one step would move twice.

    Examples
    --------
    >>> check_untied([Activate("relu"), Dense(np.eye(2), np.zeros((1, 2)))])
    """
    owners: dict[int, str] = {}
    for name, layer in walk(layers):
        if isinstance(layer, Residual):
            continue  # the layers in it have their own turn
        for key, value in layer.parameters.items():
            first = owners.setdefault(id(value), f"{name}.{key}")
            if first != f"{name}.{key}":
                raise ValueError(
                    f"{first} and {name}.{key} are one array, which each step would move twice; "
                    f"give each its own, as with .copy()"
                )


def check_replicated(layers: Sequence[Layer], replicas: tuple[int, ...]) -> None:
    """Raise ValueError unless each parameter has the replicas as its leading axes.

    Examples
    --------
    >>> check_replicated([Dense(np.ones((3, 2, 2)), np.zeros((3, 1, 2)))], (3,))
    """
    for name, value in named_parameters(layers).items():
        if value.shape[: len(replicas)] != replicas:
            raise ValueError(
                f"{name} has shape {value.shape}; its leading axes must be the network's replicas, "
                f"{replicas}"
            )


def go_forward(layers: Sequence[Layer], x: Array) -> Array:
    """Return what layers in a row make of a signal."""
    for layer in layers:
        x = layer.forward(x)
    return x


def go_backward(layers: Sequence[Layer], grad_output: Array, *, to_input: bool) -> Array | None:
    """Carry a gradient back through layers in a row, to their input if that is wanted."""
    gradient: Array | None = grad_output
    for layer in reversed(layers):
        assert gradient is not None, "only the first layer may leave out its input"
        gradient = layer.backward(gradient, to_input=to_input or layer is not layers[0])
    return gradient


def set_training(layers: Sequence[Layer], mode: bool) -> None:
    """Set the mode of the layers that have one."""
    for layer in layers:
        if hasattr(layer, "training"):
            layer.training = mode


def named_parameters(layers: Sequence[Layer]) -> dict[str, Array]:
    """Return the parameters of layers in a row, named ``"<layer>.<name>"``."""
    return {
        f"{i}.{name}": value
        for i, layer in enumerate(layers)
        for name, value in layer.parameters.items()
    }


def named_gradients(layers: Sequence[Layer]) -> dict[str, Array]:
    """Return the gradients of layers in a row, under the names of their parameters."""
    return {
        f"{i}.{name}": value
        for i, layer in enumerate(layers)
        for name, value in layer.gradients.items()
    }


def with_extra_state(layers: Sequence[Layer]) -> Iterator[tuple[str, Any]]:
    """Yield each layer that carries more than parameters, with its name.

    Examples
    --------
    >>> [name for name, _ in with_extra_state([Activate("relu"), Residual([Dropout(0.5)])])]
    ['1.0']
    """
    for name, layer in walk(layers):
        if hasattr(layer, "get_extra_state"):
            yield name, layer


def replica_of(layer: Layer, index: int) -> Layer:
    """Return one replica of a layer, or raise TypeError if it does not know how."""
    if not hasattr(layer, "replica"):
        raise TypeError(
            f"cannot copy a {type(layer).__name__}; expected layers with a method "
            f"replica(index), as those of course_lib.network have"
        )
    own: Layer = layer.replica(index)
    return own


def walk(layers: Sequence[Layer], prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Yield each layer with its name, and after a block the layers in it.

    Examples
    --------
    >>> [name for name, _ in walk([Activate("relu"), Residual([Activate("tanh")])])]
    ['0', '1', '1.0']
    """
    for i, layer in enumerate(layers):
        yield f"{prefix}{i}", layer
        if isinstance(layer, Residual):
            yield from walk(layer.layers, f"{prefix}{i}.")


def widths(layers: Sequence[Layer]) -> tuple[int | None, int | None]:
    """Return how many features layers in a row take and return; None if any number passes.

    Raises
    ------
    ValueError
        If neighbors do not fit.

    Examples
    --------
    >>> widths([Activate("relu"), Dense(np.ones((2, 3)), np.zeros((1, 3)))])
    (2, 3)
    """
    first: int | None = None
    given: int | None = None
    before = ""
    for name, layer in walk(layers):
        ends = _ends(layer)
        if ends is None:
            continue
        here = f"layer {name} ({type(layer).__name__})"
        if given is not None and ends[0] != given:
            raise ValueError(
                f"{before} returns {given} features, but {here} takes {ends[0]}; each must take as "
                f"many as it is given"
            )
        first = ends[0] if first is None else first
        given, before = ends[1], here
    return first, given


def _ends(layer: Layer) -> tuple[int, int] | None:
    """Return how many features a layer takes and returns, or None if it takes any number."""
    if not isinstance(layer, Dense | PReLU | BatchNorm | LayerNorm):
        return None
    in_features, out_features = layer.parameters["weight"].shape[-2:]
    if isinstance(layer, Dense):
        return in_features, out_features
    shared = isinstance(layer, PReLU) and out_features == 1
    return None if shared else (out_features, out_features)
