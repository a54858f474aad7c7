"""Layers as formulas of NumPy, with every parameter on which frameworks differ.

Each takes its input first, in float64, and its settings by name. They say what a layer would return
with another setting; no network computes with them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from course_lib import activations
from course_lib._typing import Array

__all__ = ["FORMS", "compute"]

Weights = Mapping[str, Array]


def leaky_relu(x: Array, *, slope: float) -> Array:
    """Return x, times the slope where x < 0."""
    return np.where(x < 0, slope * x, x)


def relu(x: Array, *, nan: float = np.nan) -> Array:
    """Return the larger of x and 0; `nan` is what becomes of NaN."""
    return np.where(np.isnan(x), nan, np.maximum(x, 0))


def gelu(x: Array, *, approximate: str) -> Array:
    """Return the erf form (``"none"``), the tanh form or the ``"quick"`` form of GELU."""
    if approximate == "quick":
        return x * activations.sigmoid(1.702 * x)
    return activations.gelu_tanh(x) if approximate == "tanh" else activations.gelu(x)


def hard_sigmoid(x: Array, *, slope: float) -> Array:
    """Return the line through (0, 1/2), cut at 0 and 1."""
    return np.clip(slope * x + 0.5, 0, 1)


def hard_swish(x: Array, *, slope: float) -> Array:
    """Return x times its hard sigmoid."""
    return x * hard_sigmoid(x, slope=slope)


def softplus(x: Array, *, beta: float, threshold: float) -> Array:
    """Return softplus, and x itself where beta times x is above the threshold."""
    return np.where(beta * x > threshold, x, np.logaddexp(0, beta * x) / beta)


def elu(x: Array, *, alpha: float) -> Array:
    """Return x, and alpha (exp(x) - 1) where x < 0."""
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


def selu(x: Array, *, alpha: float, scale: float) -> Array:
    """Return the scale times an ELU."""
    return scale * elu(x, alpha=alpha)


def celu(x: Array, *, alpha: float) -> Array:
    """Return x, and alpha (exp(x / alpha) - 1) where x < 0."""
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0) / alpha), x)


def prelu(x: Array, *, weight: Array, axis: int) -> Array:
    """Return a leaky ReLU with a slope for each place along an axis; weight has shape (n,)."""
    shape = [1] * x.ndim
    if weight.size > 1:
        shape[axis] = -1
    return np.where(x < 0, weight.reshape(shape) * x, x)


def softmax(x: Array, *, axes: Sequence[int], log: bool = False) -> Array:
    """Return softmax over all of some axes together, or its logarithm."""
    function = activations.log_softmax if log else activations.softmax
    return function(x, axis=tuple(axes))


def normalization(
    x: Array,
    *,
    axes: Sequence[int],
    eps: float,
    groups: int = 0,
    centered: bool = True,
    mean: Array | None = None,
    variance: Array | None = None,
    weight: Array | float = 1.0,
    bias: Array | float = 0.0,
    inside: bool = True,
) -> Array:
    """Return batch, layer, group, instance or RMS normalization.

    Parameters
    ----------
    x : ndarray
        Of any shape.
    axes : sequence of int
        Over which mean and variance are taken; with groups, all axes but batch and group.
    eps : float
        Added to the variance, inside the root, or to the root itself.
    groups : int
        Into how many groups the channels (axis 1) are cut; 0 means that they are not.
    centered : bool
        False for RMS normalization, which leaves the mean where it is.
    mean, variance : ndarray, optional
        Running averages, which broadcast with `x`.
    weight, bias : ndarray or float
        They broadcast with `x`.
    inside : bool
        Whether epsilon stands inside the root.

    Returns
    -------
    ndarray
        Of the shape of `x`.
    """
    shape = x.shape
    if groups:
        x = x.reshape(len(x), groups, -1)
        axes = (2,)
    center = x.mean(tuple(axes), keepdims=True) if centered else np.zeros(1)
    square = np.square(x - center).mean(tuple(axes), keepdims=True)
    if mean is not None and variance is not None:
        center, square = mean, variance
    root = np.sqrt(square + eps) if inside else np.sqrt(square) + eps
    return ((x - center) / root).reshape(shape) * weight + bias


def gru(
    x: Array,
    *start: Array,
    cells: Sequence[Sequence[Weights]],
    batch_axis: int,
    reset: str,
    output: int,
) -> Array:
    """Return what a GRU returns, its outputs or its last state.

    Parameters
    ----------
    x : ndarray, shape (time, batch, features)
        Or (batch, time, features) where the axis of the batch is 0.
    *start : ndarray, shape (layers * directions, batch, units)
        The state before; 0 if there is none.
    cells : sequence of sequence of mapping
        For each layer, and each of its directions: the weights ``input`` (3 * units, features) and
        ``state`` (3 * units, units), and their biases, of the gates reset, update and new.
    batch_axis : int
        0 or 1.
    reset : str
        ``"after"`` or ``"before"`` the product with the state's weights.
    output : int
        0 for the outputs, (time, batch, directions * units) or with the batch first; 1 for the
        last state of each layer and direction.

    Returns
    -------
    ndarray
        As said.
    """
    lasts: list[Array] = []
    values = np.moveaxis(x, batch_axis, 1)
    for layer in cells:
        parts = []
        for direction, cell in enumerate(layer):
            number, shape = len(lasts), (values.shape[1], cell["state"].shape[1])
            state = start[0][number] if start else np.zeros(shape)
            steps = values[::-1] if direction else values
            out = np.empty((len(values), *shape))
            for time, step in enumerate(steps):
                state = out[time] = _gru_step(step, state, cell, reset)
            parts.append(out[::-1] if direction else out)
            lasts.append(state)
        values = np.concatenate(parts, -1)
    return np.stack(lasts) if output else np.moveaxis(values, 1, batch_axis)


def _gru_step(x: Array, state: Array, cell: Weights, reset: str) -> Array:
    """Return the next state of one cell."""
    r_in, z_in, n_in = np.split(x @ cell["input"].T + cell["input_bias"], 3, -1)
    weights, biases = np.split(cell["state"], 3), np.split(cell["state_bias"], 3)
    r = activations.sigmoid(r_in + state @ weights[0].T + biases[0])
    z = activations.sigmoid(z_in + state @ weights[1].T + biases[1])
    if reset == "after":
        n = np.tanh(n_in + r * (state @ weights[2].T + biases[2]))
    else:
        n = np.tanh(n_in + (r * state) @ weights[2].T + biases[2])
    return (1 - z) * n + z * state


def flatten(x: Array, *, order: Sequence[int], shape: Sequence[int]) -> Array:
    """Return x with its axes in another order, then in another shape."""
    return x.transpose(order).reshape(shape)


def linear(x: Array, *, weight: Array, bias: Array | float, transposed: bool) -> Array:
    """Return the product with a matrix of shape (outputs, inputs), or with its transpose."""
    return x @ (weight if transposed else weight.T) + bias


def identity(x: Array) -> Array:
    """Return x, as where a layer is left out."""
    return x


FORMS: Mapping[str, Callable[..., Array]] = {
    "celu": celu,
    "elu": elu,
    "flatten": flatten,
    "gelu": gelu,
    "gru": gru,
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": hard_swish,
    "identity": identity,
    "leaky_relu": leaky_relu,
    "linear": linear,
    "normalization": normalization,
    "prelu": prelu,
    "relu": relu,
    "selu": selu,
    "softmax": softmax,
    "softplus": softplus,
}
"""The formulas by the kind of a layer."""


def compute(kind: str, inputs: Sequence[Array], settings: Mapping[str, Any]) -> Array:
    """Return what a layer of a kind returns, computed in float64.

    Parameters
    ----------
    kind : str
        A name of `FORMS`.
    inputs : sequence of ndarray
        Of the layer.
    settings : mapping of str to object
        Of the formula; its arrays may have any float dtype.

    Returns
    -------
    ndarray of float64
        The output.

    Examples
    --------
    >>> compute("leaky_relu", [np.array([-1.0, 2.0])], {"slope": 0.2})
    array([-0.2,  2. ])
    """
    with np.errstate(all="ignore"):  # a layer may overflow, and then the other does as well
        values = [np.asarray(x, np.float64) for x in inputs]
        return FORMS[kind](*values, **{name: _exact(value) for name, value in settings.items()})


def _exact(value: Any) -> Any:
    """Return the arrays of a setting in float64."""
    if isinstance(value, np.ndarray):
        return value.astype(np.float64) if value.dtype.kind == "f" else value
    if isinstance(value, Mapping):
        return {name: _exact(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_exact(part) for part in value]
    return value
