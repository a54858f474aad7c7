"""The network: layers in a row, and the multilayer perceptron made of them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from course_lib import activations
from course_lib.activations import Activation
from course_lib.network.initialization import initialize
from course_lib.network.layers import Activate, Dense, Layer, PReLU
from course_lib.network.losses import Loss, get_loss
from course_lib.network.seeds import Seed, as_seeds, stream

__all__ = ["Network", "mlp"]

Array = NDArray[Any]


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
