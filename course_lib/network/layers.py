"""Layers: each backward right under its forward."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from course_lib import activations
from course_lib.activations import Activation, prelu, prelu_grad, prelu_slope_grad

__all__ = ["Activate", "Dense", "Layer", "PReLU"]

Array = NDArray[Any]


class Layer(Protocol):
    """What a network asks of a layer.

    Attributes
    ----------
    parameters : dict of str to ndarray
        What is learned; empty for a layer without parameters.
    gradients : dict of str to ndarray
        Filled by `backward`, with the keys and shapes of `parameters`.
    """

    parameters: dict[str, Array]
    gradients: dict[str, Array]

    def forward(self, x: Array) -> Array:
        """Return the layer's output and remember what `backward` needs."""

    def backward(self, upstream: Array, *, to_input: bool = True) -> Array | None:
        """Fill `gradients`; return the gradient with respect to the input, if it is wanted."""


class Dense:
    r"""A fully connected layer, :math:`y = x W + b`.

    Parameters
    ----------
    weight : ndarray
        Shape ``(..., fan_in, fan_out)``.
    bias : ndarray
        Shape ``(..., 1, fan_out)``, with the dtype and leading axes of `weight`.

    Raises
    ------
    ValueError
        If the shapes do not fit each other.
    TypeError
        If the dtypes differ or are not float.

    Examples
    --------
    >>> layer = Dense(np.array([[1.0], [2.0]]), np.array([[0.5]]))
    >>> layer.forward(np.array([[1.0, 1.0]]))
    array([[3.5]])
    """

    def __init__(self, weight: Array, bias: Array) -> None:
        if weight.ndim < 2 or bias.shape != (*weight.shape[:-2], 1, weight.shape[-1]):
            raise ValueError(
                f"weight has shape {weight.shape} and bias {bias.shape}; accepted are "
                f"(..., fan_in, fan_out) and (..., 1, fan_out) with the same leading axes"
            )
        if weight.dtype.kind != "f" or weight.dtype != bias.dtype:
            raise TypeError(
                f"weight is {weight.dtype} and bias {bias.dtype}; both must have one float dtype"
            )
        self.parameters = {"weight": weight, "bias": bias}
        self.gradients: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return ``x @ weight + bias``: (..., batch, fan_in) -> (..., batch, fan_out)."""
        self._x = x
        y = x @ self.parameters["weight"]
        y += self.parameters["bias"]
        return y

    def backward(self, upstream: Array, *, to_input: bool = True) -> Array | None:
        """Fill the gradients of weight and bias; return that of the input."""
        _check_forward(self)
        self.gradients["weight"] = self._x.mT @ upstream
        self.gradients["bias"] = upstream.sum(axis=-2, keepdims=True)
        return upstream @ self.parameters["weight"].mT if to_input else None


class Activate:
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
        return np.asarray(self.activation(x))

    def backward(self, upstream: Array, *, to_input: bool = True) -> Array | None:
        """Return the gradient with respect to the input: slope times upstream."""
        _check_forward(self)
        return self.activation.vjp(self._x, upstream) if to_input else None


class PReLU:
    """A rectifier whose slope left of 0 is learned, one for all features or one for each.

    Parameters
    ----------
    slope : ndarray
        Shape ``(..., 1, features)``, or ``(..., 1, 1)`` for a shared slope, with the dtype and
        leading axes of the network's weights.

    Raises
    ------
    ValueError
        If the second axis from the end is not 1.
    TypeError
        If the dtype is not float.

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

    def __init__(self, slope: Array) -> None:
        if slope.ndim < 2 or slope.shape[-2] != 1:
            raise ValueError(
                f"slope has shape {slope.shape}; accepted are (..., 1, features) and (..., 1, 1)"
            )
        if slope.dtype.kind != "f":
            raise TypeError(f"slope is {slope.dtype}; accepted is a float dtype")
        self.parameters = {"weight": slope}  # as PyTorch calls it
        self.gradients: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return x right of 0, and slope times x left of it."""
        self._x = x
        return np.asarray(prelu(x, slope=self.parameters["weight"]))

    def backward(self, upstream: Array, *, to_input: bool = True) -> Array | None:
        """Fill the gradient of the slope; return that of the input."""
        _check_forward(self)
        slope = self.parameters["weight"]
        shared = (-2, -1) if slope.shape[-1] == 1 else (-2,)
        moves = prelu_slope_grad(self._x) * upstream
        self.gradients["weight"] = moves.sum(axis=shared, keepdims=True)
        return np.asarray(prelu_grad(self._x, slope=slope) * upstream) if to_input else None


def _check_forward(layer: Layer) -> None:
    """Raise RuntimeError if there is no signal to go back along."""
    if not hasattr(layer, "_x"):
        raise RuntimeError("backward before forward: call the network on a batch first")
