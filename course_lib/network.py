r"""Layers, losses, initialization and the network: forward and backward.

Signals are rows: a batch has shape ``(..., batch, features)``, a weight ``(..., fan_in, fan_out)``,
a bias ``(..., 1, fan_out)``. The leading axes are *replicas*: the same lines of code compute one
network, or 64 of them that differ in their seeds, because ``@`` broadcasts over what stands in
front. A loss reduces over batch and features and never over replicas.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from course_lib import activations
from course_lib._errors import unknown_name
from course_lib.activations import (
    Activation,
    prelu,
    prelu_grad,
    prelu_slope_grad,
    sigmoid,
    softmax_and_log,
)

__all__ = [
    "INITIALIZERS",
    "LOSSES",
    "Activate",
    "Dense",
    "Layer",
    "Loss",
    "Network",
    "PReLU",
    "binary_cross_entropy",
    "binary_cross_entropy_grad",
    "cross_entropy",
    "cross_entropy_grad",
    "get_loss",
    "initialize",
    "mean_squared_error",
    "mean_squared_error_grad",
    "mlp",
]

Array = NDArray[Any]
Seed = int | np.random.SeedSequence

# ---------------------------------------------------------------------------------------------
# Layers: each backward right under its forward
# ---------------------------------------------------------------------------------------------


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


# ---------------------------------------------------------------------------------------------
# Losses: means over batch and features, taken from logits, each above its gradient
# ---------------------------------------------------------------------------------------------


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


# ---------------------------------------------------------------------------------------------
# Initialization
# ---------------------------------------------------------------------------------------------

Draw = Callable[[np.random.Generator, int, int], tuple[Array, Array]]


def _normal(variance: Callable[[int, int], float]) -> Draw:
    """Weights from a normal distribution of that variance; biases 0."""

    def draw(rng: np.random.Generator, fan_in: int, fan_out: int) -> tuple[Array, Array]:
        scale = np.sqrt(variance(fan_in, fan_out))
        return scale * rng.standard_normal((fan_in, fan_out)), np.zeros((1, fan_out))

    return draw


def _pytorch_default(rng: np.random.Generator, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """Weights and biases uniform within 1 / sqrt(fan_in): a variance of 1 / (3 fan_in)."""
    bound = 1 / np.sqrt(fan_in)
    weight = rng.uniform(-bound, bound, (fan_in, fan_out))
    return weight, rng.uniform(-bound, bound, (1, fan_out))


INITIALIZERS: Mapping[str, Draw] = MappingProxyType(
    {
        "he": _normal(lambda fan_in, fan_out: 2 / fan_in),
        "xavier": _normal(lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
        "lecun": _normal(lambda fan_in, fan_out: 1 / fan_in),
        "pytorch": _pytorch_default,
    }
)
"""How first weights and biases are drawn, by name: function of generator, fan-in and fan-out."""


def initialize(
    fan_in: int, fan_out: int, *, seed: Seed | np.random.Generator = 0, scheme: str = "he"
) -> tuple[Array, Array]:
    r"""Draw the first weights and biases of one layer.

    Parameters
    ----------
    fan_in, fan_out : int
        Numbers of inputs and outputs of a unit's layer; at least 1.
    seed : int, SeedSequence or Generator
        Where the random numbers come from.
    scheme : str
        A key of `INITIALIZERS`: ``"he"`` (variance 2/fan_in :cite:p:`he2015delving`),
        ``"xavier"`` (2/(fan_in + fan_out) :cite:p:`glorot2010understanding`), ``"lecun"``
        (1/fan_in :cite:p:`lecun1998efficient`), all normal with biases 0; or ``"pytorch"``, what
        ``torch.nn.Linear`` does: uniform, variance 1/(3 fan_in), biases too.

    Returns
    -------
    weight : ndarray of float64, shape (fan_in, fan_out)
        First weights.
    bias : ndarray of float64, shape (1, fan_out)
        First biases.

    Raises
    ------
    KeyError
        If there is no such scheme.
    ValueError
        If a number of units is below 1.

    Examples
    --------
    >>> weight, bias = initialize(1000, 500, scheme="he")
    >>> weight.shape, bias.shape, round(float(weight.var() * 1000), 1)
    ((1000, 500), (1, 500), 2.0)
    """
    if not isinstance(scheme, str) or scheme not in INITIALIZERS:
        raise KeyError(unknown_name("initialization", scheme, INITIALIZERS))
    if fan_in < 1 or fan_out < 1:
        raise ValueError(
            f"a layer from {fan_in} to {fan_out} units; at least 1 is needed on a side"
        )
    rng = seed if isinstance(seed, np.random.Generator) else stream(seed, "weights")
    return INITIALIZERS[scheme](rng, fan_in, fan_out)


_PURPOSES = {"weights": 1, "batches": 2}


def stream(seed: Seed, purpose: str) -> np.random.Generator:
    """Return a generator of random numbers of its own for each purpose.

    Were the first weights drawn from ``np.random.default_rng(seed)`` itself, they would equal the
    data that somebody draws from the same seed.

    Parameters
    ----------
    seed : int or SeedSequence
        Not negative.
    purpose : str
        ``"weights"`` or ``"batches"``.

    Returns
    -------
    Generator
        Depends on both.

    Examples
    --------
    >>> stream(0, "weights").random() == stream(0, "batches").random()
    False
    """
    parent = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    key = (*parent.spawn_key, _PURPOSES[purpose])
    return np.random.default_rng(np.random.SeedSequence(parent.entropy, spawn_key=key))


def as_seeds(seed: Any) -> tuple[list[Seed], bool]:
    """Return seeds as a list, and whether there was a sequence of them: one for each replica.

    Raises
    ------
    TypeError
        If something is neither a whole number nor a SeedSequence.
    ValueError
        If a number is negative, or the sequence is empty.

    Examples
    --------
    >>> as_seeds(3), as_seeds(range(2))
    (([3], False), ([0, 1], True))
    """
    single = isinstance(seed, int | np.integer | np.random.SeedSequence)
    try:
        seeds = [seed] if single else list(seed)
    except TypeError:
        seeds = [seed]
    for one in seeds:
        if not isinstance(one, int | np.integer | np.random.SeedSequence):
            raise TypeError(
                f"seed is {seed!r}; accepted are a whole number from 0 on, a SeedSequence, or a "
                f"sequence of them with one for each replica"
            )
        if not isinstance(one, np.random.SeedSequence) and one < 0:
            raise ValueError(f"seed is {one}; accepted are whole numbers from 0 on")
    if not seeds:
        raise ValueError("seed is an empty sequence; give one seed for each replica")
    return seeds, not single


# ---------------------------------------------------------------------------------------------
# The network
# ---------------------------------------------------------------------------------------------


class Network:
    """Layers in a row: forward, backward, and their parameters by name.

    Parameters
    ----------
    layers : sequence of Layer
        In the order of the forward pass.

    Raises
    ------
    ValueError
        If neighboring dense layers do not fit, or replicas or dtypes differ between layers.

    Examples
    --------
    >>> network = mlp([2, 3, 1], "tanh", seed=1)
    >>> network(np.zeros((4, 2))).shape
    (4, 1)
    >>> list(network.parameters)
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)
        if len({id(layer) for layer in self.layers}) < len(self.layers):
            raise ValueError("a layer stands in the network twice; give each place its own layer")
        dense = [layer for layer in self.layers if isinstance(layer, Dense)]
        if not dense:
            raise ValueError("a network needs at least one dense layer")
        weights = [layer.parameters["weight"] for layer in dense]
        for left, right in pairwise(weights):
            if left.shape[-1] != right.shape[-2] or left.shape[:-2] != right.shape[:-2]:
                raise ValueError(
                    f"a layer of shape {left.shape} is followed by one of shape {right.shape}; "
                    f"fan_out must equal the next fan_in, and the leading axes must be the same"
                )
        if len({weight.dtype for weight in weights}) > 1:
            raise ValueError(f"layers of different dtypes: {[str(w.dtype) for w in weights]}")
        self.sizes = [weights[0].shape[-2], *(weight.shape[-1] for weight in weights)]
        self.replicas: tuple[int, ...] = weights[0].shape[:-2]
        self.dtype = weights[0].dtype

    def __repr__(self) -> str:
        """Return sizes, activations and, where there are any, replicas."""
        names = [
            layer.activation.name if isinstance(layer, Activate) else type(layer).__name__
            for layer in self.layers
            if not isinstance(layer, Dense)
        ]
        count = f", replicas={self.replicas}" if self.replicas else ""
        return f"Network({'-'.join(map(str, self.sizes))}, {names}, {self.dtype}{count})"

    def forward(self, x: ArrayLike) -> Array:
        """Return the output of the last layer.

        Parameters
        ----------
        x : array_like
            Shape ``(batch, features)``, seen by every replica, or ``(..., batch, features)`` with
            the leading axes of the replicas. The network's dtype; integers and lists are converted.

        Returns
        -------
        ndarray
            Shape ``(..., batch, outputs)``.

        Raises
        ------
        ValueError
            If the number of features or the leading axes do not fit.
        TypeError
            If `x` is of another float dtype, or not numeric.
        """
        signal = self.check_input(x)
        for layer in self.layers:
            signal = layer.forward(signal)
        return signal

    __call__ = forward

    def backward(self, upstream: Array) -> None:
        """Carry the gradient of the loss back through the layers that `forward` went through.

        Parameters
        ----------
        upstream : ndarray
            Gradient with respect to the output; shape ``(..., batch, outputs)``.
        """
        gradient: Array | None = upstream
        for layer in reversed(self.layers):
            # nothing learns from the gradient of the input itself: one matrix product less
            gradient = layer.backward(gradient, to_input=layer is not self.layers[0])  # type: ignore[arg-type]

    def loss_and_gradients(
        self, x: ArrayLike, y: ArrayLike, loss: str | Loss = "cross_entropy"
    ) -> tuple[Any, dict[str, Array]]:
        """Return the loss of every replica on one batch, and the gradients of all parameters.

        Parameters
        ----------
        x : array_like
            As for `forward`.
        y : array_like
            Labels or targets, as the loss wants them.
        loss : str or Loss
            A name of `LOSSES`.

        Returns
        -------
        loss : ndarray or scalar
            One number for each replica.
        gradients : dict of str to ndarray
            Keys and shapes of `parameters`.

        Raises
        ------
        KeyError, TypeError, ValueError
            As `get_loss`, `forward` and the loss do.
        """
        rule = get_loss(loss)
        value, upstream = rule.with_gradient(self.forward(x), y)
        self.backward(upstream)
        return value, self.gradients

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters themselves, not copies, named ``"<layer>.<name>"`` as PyTorch does."""
        return {
            f"{i}.{name}": value
            for i, layer in enumerate(self.layers)
            for name, value in layer.parameters.items()
        }

    @property
    def gradients(self) -> dict[str, Array]:
        """What the last `backward` left, under the names of `parameters`."""
        return {
            f"{i}.{name}": value
            for i, layer in enumerate(self.layers)
            for name, value in layer.gradients.items()
        }

    def load_parameters(self, parameters: Mapping[str, ArrayLike]) -> None:
        """Overwrite all parameters; if anything does not fit, none is touched.

        Parameters
        ----------
        parameters : mapping of str to array_like
            The names and shapes of `parameters`, neither more nor less.

        Raises
        ------
        ValueError
            If a name is missing or unknown, or a shape differs.
        """
        own = self.parameters
        if set(parameters) != set(own):
            raise ValueError(f"parameters are {sorted(parameters)}; this network has {sorted(own)}")
        new = {name: np.asarray(value, dtype=self.dtype) for name, value in parameters.items()}
        for name, value in new.items():
            if value.shape != own[name].shape:
                raise ValueError(
                    f"{name} has shape {value.shape}; this network has {own[name].shape}"
                )
        for name, value in new.items():
            own[name][...] = value

    def replica(self, index: int) -> "Network":
        """Return one replica as a network of its own, with copies of its parameters.

        Parameters
        ----------
        index : int
            Along the first leading axis.

        Returns
        -------
        Network
            With one leading axis less.

        Raises
        ------
        IndexError
            If there is no such replica.
        """
        if not self.replicas or not -self.replicas[0] <= index < self.replicas[0]:
            raise IndexError(f"replica {index} of a network with replicas {self.replicas}")
        layers: list[Layer] = []
        for layer in self.layers:
            if isinstance(layer, Dense | PReLU):
                values = (value[index].copy() for value in layer.parameters.values())
                layers.append(type(layer)(*values))
            elif isinstance(layer, Activate):
                layers.append(Activate(layer.activation))
            else:
                raise TypeError(
                    f"cannot copy a {type(layer).__name__}; accepted are Dense, PReLU and Activate"
                )
        return Network(layers)

    def check_input(self, x: ArrayLike) -> Array:
        """Return `x` as an array that `forward` takes, or raise one of its errors."""
        signal = np.asarray(x)
        if signal.dtype != self.dtype:
            if signal.dtype.kind not in "iu" and isinstance(x, np.ndarray):
                raise TypeError(
                    f"x is {signal.dtype}; this network computes in {self.dtype}, so pass "
                    f"np.asarray(x, dtype=np.{self.dtype})"
                )
            signal = np.asarray(x, dtype=self.dtype)
        if signal.ndim < 2 or signal.shape[-1] != self.sizes[0]:
            raise ValueError(
                f"x has shape {signal.shape}; this network takes (batch, {self.sizes[0]})"
            )
        if signal.shape[:-2] not in ((), self.replicas):
            raise ValueError(
                f"x has leading axes {signal.shape[:-2]}; this network has replicas "
                f"{self.replicas}, so accepted are none or exactly these"
            )
        return signal


def mlp(
    sizes: Sequence[int],
    activation: str | Activation = "relu",
    *,
    seed: Seed | Sequence[Seed] = 0,
    initialization: str = "he",
    dtype: DTypeLike = np.float64,
) -> Network:
    """Build a multilayer perceptron: dense layers with an activation between them.

    The last layer has no activation: its outputs are the logits that a loss takes.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, from input to output; at least two numbers.
    activation : str or Activation
        A name of the catalogue.
    seed : int or SeedSequence, or a sequence of them
        One seed makes one network, without leading axes. A sequence makes one replica for each;
        replica i equals the network made from ``seed[i]`` alone.
    initialization : str
        See `initialize`.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    Network
        Ready to be trained.

    Raises
    ------
    KeyError
        If an activation or initialization is unknown.
    ValueError
        If there are fewer than two sizes, a size is below 1, there are no seeds, or the activation
        changes the number of features, as gates do.
    TypeError
        If the dtype is not float32 or float64.

    Examples
    --------
    >>> mlp([784, 256, 10], seed=range(64), dtype=np.float32)
    Network(784-256-10, ['relu'], float32, replicas=(64,))
    """
    if len(sizes) < 2:
        raise ValueError(f"sizes are {list(sizes)}; at least an input and an output are needed")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise TypeError(f"dtype is {np.dtype(dtype)}; accepted are float32 and float64")
    activation = activations.get(activation)
    if activation.kind == "groups":
        raise ValueError(
            f"{activation.name!r} makes one output of several inputs; accepted here are "
            f"activations that keep the number of features"
        )
    seeds, replicated = as_seeds(seed)
    generators = [stream(s, "weights") for s in seeds]
    layers: list[Layer] = []
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        draws = [initialize(fan_in, fan_out, seed=g, scheme=initialization) for g in generators]
        weight, bias = (np.stack(arrays).astype(dtype) for arrays in zip(*draws, strict=True))
        layers.append(Dense(weight, bias) if replicated else Dense(weight[0], bias[0]))
        if i < len(sizes) - 2:
            layers.append(Activate(activation))
    return Network(layers)
