"""Activation functions as layers: any of the catalogue, and the one that learns."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from course_lib import activations
from course_lib._checks import check_float_arrays, check_shape
from course_lib._typing import Array
from course_lib.activations import Activation, prelu, prelu_grad, prelu_negative_slope_grad
from course_lib.network.layers.base import BaseLayer, sum_along

__all__ = ["Activate", "PReLU"]


class Activate(BaseLayer):
    """An activation function as a layer.

    Parameters
    ----------
    activation : str or Activation
        A name of the catalogue, or one of its rows.

    Raises
    ------
    KeyError
        If there is no activation of that name.

    Notes
    -----
    In training mode a function that has a fast form is computed together with its derivative,
    within 4 ULP, for gates 5 (`course_lib.activations.Activation.fast_pullback`); all else as the
    function itself, which is more accurate and leaves the derivative to `backward`.

    Gates, such as SwiGLU, make one unit of two features, the first and the second half, and maxout
    one of `pieces`: the dense layer before one has as many outputs more. A `Network` checks that
    they fit. What reduces all features to one number, such as logsumexp, must keep the axis. With
    replicas, whose axes come first, an activation over the examples has axis -2.

    Examples
    --------
    >>> Activate("relu").forward(np.array([[-1.0, 2.0]]))
    array([[0., 2.]])
    >>> Activate("reglu").forward(np.array([[3.0, 5.0, -1.0, 2.0]]))
    array([[ 0., 10.]])
    """

    _remembered: ClassVar[tuple[str, ...]] = ("_x", "_pull", "_output_shape")
    _pull: Callable[[Array], Array]

    def __init__(self, activation: str | Activation) -> None:
        self.activation = activations.get(activation)
        self.training = False
        super().__init__()

    def forward(self, x: Array) -> Array:
        """Return the activation of every element, or over the last axis."""
        self._x = x
        rule = self.activation.fast_pullback if self.training else self.activation.pullback
        value, self._pull = rule(x)
        value = np.asarray(value)
        self._output_shape = value.shape
        # a function of a user's own may not keep the dtype
        return value.astype(x.dtype, copy=False) if x.dtype.kind == "f" else value

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Return the gradient with respect to the input: derivative times grad_output."""
        self._check_backward(grad_output)
        return self._pull(grad_output) if to_input else None

    def output_features(self, input_features: int) -> int:
        """Return how many features the activation returns, given so many; see `Layer`."""
        return features_returned(self.activation, input_features)

    def replica(self, index: int) -> "Activate":
        """Return a layer with the same activation."""
        return Activate(self.activation)

    def part(self, replicas: slice) -> "Activate":
        """Return a layer with the same activation."""
        return self._views(replicas)


class PReLU(BaseLayer):
    """A rectifier with a learned negative slope: one for all features, or one for each.

    Parameters
    ----------
    negative_slope : ndarray
        Shape ``(..., 1, features)``, or ``(..., 1, 1)`` for one that all features share, with the
        dtype and leading axes of the network's weights.

    Raises
    ------
    ValueError
        If the second axis from the end is not 1.
    TypeError
        If it is not an array, or its dtype is not float.

    Notes
    -----
    He et al., 2015 :cite:p:`he2015delving`, who begin with 0.25. It is the parameter
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
        check_float_arrays(negative_slope=negative_slope)
        fits = negative_slope.ndim > 1 and negative_slope.shape[-2] == 1
        check_shape(fits, "(..., 1, features) or (..., 1, 1)", negative_slope=negative_slope)
        super().__init__(weight=negative_slope)  # as PyTorch calls it

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return x where x > 0, and the negative slope times x elsewhere."""
        negative_slope = self.parameters["weight"]
        self._check_input(x, None if negative_slope.shape[-1] == 1 else negative_slope.shape[-1])
        # the activation takes numbers that broadcast to its input, so each replica gets its own
        leading = np.broadcast_shapes(x.shape[:-2], negative_slope.shape[:-2])
        self._x = x = np.broadcast_to(x, (*leading, *x.shape[-2:]))
        y = np.asarray(prelu(x, negative_slope=negative_slope))
        self._output_shape = y.shape
        return y

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Fill the gradient of the negative slope; return that of the input."""
        self._check_backward(grad_output)
        negative_slope = self.parameters["weight"]
        axes = (-2, -1) if negative_slope.shape[-1] == 1 else (-2,)
        gradient = prelu_negative_slope_grad(self._x) * grad_output
        self._set_gradient("weight", sum_along(gradient, axes))
        if not to_input:
            return None
        return np.asarray(prelu_grad(self._x, negative_slope=negative_slope) * grad_output)

    def replica(self, index: int) -> "PReLU":
        """Return one replica as a layer of its own."""
        return PReLU(self.parameters["weight"][index].copy())

    def part(self, replicas: slice) -> "PReLU":
        """Return some replicas as a layer on views of the arrays."""
        return self._views(replicas)


_MOST_PIECES = 8  # that are tried for a function of a user's own, which does not say how many


def features_returned(row: Activation, features: int) -> int:
    """Return how many features an activation returns, given so many.

    Raises
    ------
    ValueError
        If it does not take that number, or changes another axis than the last.

    Examples
    --------
    >>> from course_lib.activations import get
    >>> [features_returned(get(name), 8) for name in ("relu", "swiglu", "maxout")]
    [8, 4, 4]
    """
    if row.elementwise:
        return features
    # a function of a user's own is free in how it cuts, so see what it makes of numbers; one that
    # keeps the shape may take axis=1 where there are no replicas (see `check_alone`)
    before = (2, 2, features) if row.kind == "groups" else (2, features)
    with np.errstate(all="ignore"):
        after = np.shape(row.function(np.zeros(before)))
    if len(after) != len(before) or after[:-1] != before[:-1]:
        raise ValueError(
            f"{row.name!r} makes shape {after} of shape {before}; expected that only the last axis "
            f"changes, so let it work along axis=-1 (replicas and examples come before), and keep "
            f"the axis (keepdims=True) where one number is left"
        )
    return int(after[-1])


def features_needed(row: Activation, returned: int) -> int | None:
    """Return how many features an activation needs to return so many; None if none is known.

    Examples
    --------
    >>> from course_lib.activations import get
    >>> [features_needed(get(name), 4) for name in ("relu", "swiglu", "maxout")]
    [4, 8, 8]
    """
    if row.elementwise:
        return returned
    pieces = row.parameters.get("pieces")
    for n in range(1, _MOST_PIECES + 1) if pieces is None else [int(pieces)]:
        try:
            # twice as many give twice as many, or n is no number of pieces
            made = [features_returned(row, k * n * returned) for k in (1, 2)]
        except ValueError:
            continue
        if made == [returned, 2 * returned]:
            return n * returned
    return None


def check_alone(row: Activation) -> None:
    """Raise ValueError if an activation mixes replicas: one alone would give something else.

    Examples
    --------
    >>> from course_lib.activations import get
    >>> check_alone(get("softmax", axis=-2))
    >>> check_alone(get("softmax", axis=1))
    Traceback (most recent call last):
    ValueError: 'softmax(axis=1)' makes of replicas together something else than of each alone;
    expected axis=-1 for the features, or axis=-2 for the examples
    """
    if row.kind != "axis":  # what has groups changes the last axis alone: see `features_returned`
        return
    x = np.cos(np.arange(24.0)).reshape(2, 3, 4)
    with np.errstate(all="ignore"):
        together, alone = row.function(x), row.function(x[0])
    if not np.allclose(together[0], alone, equal_nan=True):
        raise ValueError(
            f"{row.name!r} makes of replicas together something else than of each alone; expected "
            f"axis=-1 for the features, or axis=-2 for the examples"
        )
