"""The network: layers in a row, the multilayer perceptron made of them, and its scaling to data."""

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from course_lib import activations
from course_lib._checks import as_array, check_integer, unknown_name
from course_lib._typing import Array
from course_lib.activations import Activation
from course_lib.network._state import VERSION, as_arrays, check_state, check_writable
from course_lib.network.initialization import initialize
from course_lib.network.layers import (
    Activate,
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    LayerNorm,
    PReLU,
    Residual,
    as_layers,
    as_probabilities,
    check_untied,
    go_backward,
    go_forward,
    named_gradients,
    named_parameters,
    replica_of,
    set_training,
    walk,
    widths,
    with_extra_state,
)
from course_lib.network.losses import Loss, get_loss
from course_lib.network.seeds import Seed, as_seeds, layer_seed, stream

__all__ = ["Network", "lsuv", "mlp"]


class Network:
    """Layers in a row: forward, backward, and their parameters by name.

    Parameters
    ----------
    layers : sequence of Layer
        In the order of the forward pass.

    Attributes
    ----------
    sizes : list of int
        Features of the input, and units of each dense layer, in blocks too.
    replicas : tuple of int
        The leading axes.
    dtype : dtype
        In which the network computes.

    Raises
    ------
    ValueError
        If there is no dense layer, a layer stands in the network twice, neighbors do not fit, or
        replicas or dtypes differ between layers; in blocks too.
    TypeError
        If something else than layers stands in it.

    Notes
    -----
    Two layers may hold the same array as long as they only compute: what writes into parameters,
    such as `load_parameters` and `course_lib.training.fit`, refuses such a network.

    Examples
    --------
    >>> network = mlp([2, 3, 1], "tanh", seed=1)
    >>> network(np.zeros((4, 2))).shape
    (4, 1)
    >>> list(network.parameters)
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = as_layers(layers)
        everywhere = [layer for _, layer in walk(self.layers)]
        if len({id(layer) for layer in everywhere}) < len(everywhere):
            raise ValueError("a layer stands in the network twice; give each place its own layer")
        dense = [layer.parameters["weight"] for layer in everywhere if isinstance(layer, Dense)]
        if not dense:
            raise ValueError("a network needs at least one dense layer")
        widths(self.layers)
        weights = [
            layer.parameters["weight"]
            for layer in everywhere
            if isinstance(layer, Dense | PReLU | BatchNorm | LayerNorm)
        ]
        if len({weight.shape[:-2] for weight in weights}) > 1:
            raise ValueError(
                f"layers with different replicas: weights of shapes {[w.shape for w in weights]}; "
                f"the leading axes must be the same"
            )
        if len({weight.dtype for weight in weights}) > 1:
            raise ValueError(f"layers of different dtypes: {[str(w.dtype) for w in weights]}")
        self.sizes = [dense[0].shape[-2], *(weight.shape[-1] for weight in dense)]
        self.replicas: tuple[int, ...] = dense[0].shape[:-2]
        for name, layer in walk(self.layers):
            if isinstance(layer, Dropout) and layer.replicas not in ((), self.replicas):
                raise ValueError(
                    f"layer {name} ({layer}) is for replicas {layer.replicas}, and this network "
                    f"has {self.replicas}; expected one p and one seed, or one for each replica"
                )
        self.dtype = dense[0].dtype

    def __repr__(self) -> str:
        """Return sizes, what stands between dense layers and, where there are any, replicas."""
        names = _names(self.layers)
        count = f", replicas={self.replicas}" if self.replicas else ""
        return f"Network({'-'.join(map(str, self.sizes))}, {names}, {self.dtype}{count})"

    def forward(self, x: ArrayLike, *, training: bool = False) -> Array:
        """Return the output of the last layer.

        Parameters
        ----------
        x : array_like
            Shape ``(batch, features)``, seen by every replica, or ``(..., batch, features)`` with
            the leading axes of the replicas. The network's dtype; integers and lists are converted.
        training : bool
            The mode of layers that work differently while they learn, such as `BatchNorm`.

        Returns
        -------
        ndarray
            Shape ``(..., batch, outputs)``.

        Raises
        ------
        ValueError
            If the number of features or the leading axes do not fit, or a layer cannot learn from
            such a batch.
        TypeError
            If `x` is of another float dtype, or not numeric.
        """
        signal = self.check_input(x)
        set_training(self.layers, training)
        return go_forward(self.layers, signal)

    __call__ = forward

    def backward(self, grad_output: Array) -> None:
        """Carry the gradient of the loss back through the layers that `forward` went through.

        In the mode of the last `forward`.

        Parameters
        ----------
        grad_output : ndarray
            Gradient with respect to the output; shape ``(..., batch, outputs)``.
        """
        # nothing learns from the gradient of the input itself: one matrix product less
        go_backward(self.layers, grad_output, to_input=False)

    def loss_and_gradients(
        self,
        x: ArrayLike,
        y: ArrayLike,
        loss: str | Loss = "cross_entropy",
        *,
        training: bool = True,
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
        training : bool
            As for `forward`.

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
        value, grad_output = rule.with_gradient(self.forward(x, training=training), y)
        self.backward(grad_output)
        return value, self.gradients

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters themselves, not copies, named ``"<layer>.<name>"`` as PyTorch does.

        Those of a block are named ``"<block>.<layer>.<name>"``.
        """
        return named_parameters(self.layers)

    @property
    def gradients(self) -> dict[str, Array]:
        """What the last `backward` left, under the names of `parameters`."""
        return named_gradients(self.layers)

    def load_parameters(self, parameters: Mapping[str, ArrayLike]) -> None:
        """Overwrite all parameters; if anything does not fit, none is touched.

        Running averages, as `BatchNorm` has them, are no parameters and stay; `load_state_dict`
        overwrites them too.

        Parameters
        ----------
        parameters : mapping of str to array_like
            The names and shapes of `parameters`, neither more nor less.

        Raises
        ------
        ValueError
            If a name is missing or unknown, a shape differs, a number is beyond the range of the
            network's dtype, a parameter is read-only, or two layers hold the same array.
        TypeError
            If it is not a mapping, or an entry is not numeric.
        """
        check_untied(self.layers)
        own, parameters = self.parameters, as_arrays(parameters)
        if set(parameters) != set(own):
            raise ValueError(f"parameters are {sorted(parameters)}; this network has {sorted(own)}")
        check_writable(own)
        with np.errstate(all="ignore"):  # what becomes infinite is told
            new = {name: value.astype(self.dtype) for name, value in parameters.items()}
        for name, value in new.items():
            if (np.isinf(value) & np.isfinite(parameters[name])).any():
                raise ValueError(
                    f"{name} has numbers beyond the range of {self.dtype}, in which this network "
                    f"computes"
                )
            if value.shape != own[name].shape:
                raise ValueError(
                    f"{name} has shape {value.shape}; this network has {own[name].shape}"
                )
        for name, value in new.items():
            own[name][...] = value

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all that the network carries from one batch to the next.

        Returns
        -------
        dict of str to ndarray
            Beside the `parameters`, under their names: the running averages of each `BatchNorm`,
            where the generators of each `Dropout` stand, what layers of a reader's own tell (see
            `Layer`), and the ``"version"`` of this form. Arrays of numbers alone, so that
            ``np.savez(file, **state)`` stores it and ``np.load(file, allow_pickle=False)`` reads
            it.

        Raises
        ------
        ValueError
            If a layer has a parameter and another array of one name.

        Notes
        -----
        Unlike in PyTorch these are copies: a state stays as it is while the network trains on.
        Sizes, activations and settings such as a dropout's p are not in it; build the same network
        first. To continue a training, keep the optimizer's state and the history as well; see
        `course_lib.training.fit`.

        Examples
        --------
        >>> network = mlp([2, 3, 1], normalization="batch", dropout=0.5)
        >>> [name for name in network.state_dict() if name not in network.parameters]
        ['1.running_mean', '1.running_variance', '3.generator', 'version']
        """
        state = {name: value.copy() for name, value in self.parameters.items()}
        for prefix, layer in with_extra_state(self.layers):
            for key, value in layer.get_extra_state().items():
                if f"{prefix}.{key}" in state:
                    raise ValueError(
                        f"{prefix}.{key} is a parameter and in the layer's extra state; rename one"
                    )
                state[f"{prefix}.{key}"] = np.array(value)
        return state | {"version": VERSION.copy()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Overwrite all that `state_dict` holds, in place; if anything does not fit, nothing.

        Views of the parameters and optimizers that work on them stay valid.

        Parameters
        ----------
        state : mapping of str to array_like
            What `state_dict` of such a network returned, or ``np.load`` of a file of it.

        Raises
        ------
        ValueError
            If entries are missing, unknown, or of another shape, dtype or version, all of which
            are named; if a parameter is read-only, or two layers hold the same array.
        TypeError
            If it is not a mapping, or an entry is not numeric.

        Examples
        --------
        >>> network, twin = mlp([2, 3, 1], seed=0), mlp([2, 3, 1], seed=1)
        >>> twin.load_state_dict(network.state_dict())
        >>> bool((twin(np.eye(2)) == network(np.eye(2))).all())
        True
        """
        check_untied(self.layers)
        before, arrays = self.state_dict(), as_arrays(state)
        expected = {name: value for name, value in before.items() if name != "version"}
        check_state("this network", arrays, expected)
        check_writable(self.parameters)
        try:
            self._overwrite(arrays)
        except BaseException:  # a layer of a reader's own, or an array that cannot be written to
            self._overwrite(before)
            raise

    def _overwrite(self, state: Mapping[str, Array]) -> None:
        for name, value in self.parameters.items():
            value[...] = state[name]
        for prefix, layer in with_extra_state(self.layers):
            own = layer.get_extra_state()
            layer.set_extra_state({key: state[f"{prefix}.{key}"] for key in own})

    def replica(self, index: int) -> "Network":
        """Return one replica as a network of its own, with copies of all that it holds.

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
        TypeError
            If a layer has no method ``replica``.
        """
        if not self.replicas or not -self.replicas[0] <= index < self.replicas[0]:
            raise IndexError(f"replica {index} of a network with replicas {self.replicas}")
        return Network([replica_of(layer, index) for layer in self.layers])

    def check_input(self, x: ArrayLike) -> Array:
        """Return `x` as an array that `forward` takes, or raise one of its errors."""
        signal = as_array("x", x)
        if signal.dtype != self.dtype:
            kinds = "iu" if isinstance(x, np.ndarray) else "iuf"
            if signal.dtype.kind not in kinds:
                raise TypeError(
                    f"x is {signal.dtype}; this network computes in {self.dtype}, so pass "
                    f"np.asarray(x, dtype=np.{self.dtype})"
                )
            signal = signal.astype(self.dtype)
        if signal.ndim < 2 or signal.shape[-1] != self.sizes[0]:
            raise ValueError(
                f"x has shape {signal.shape}; this network takes (batch, {self.sizes[0]})"
            )
        if signal.shape[:-2] not in ((), self.replicas):
            raise ValueError(
                f"x has leading axes {signal.shape[:-2]}; this network has replicas "
                f"{self.replicas}, so expected none or exactly these"
            )
        return signal


def _names(layers: Sequence[Layer]) -> list[str]:
    """Return what stands between dense layers, for a reader."""
    return [_name(layer) for layer in layers if not isinstance(layer, Dense)]


def _name(layer: Layer) -> str:
    if isinstance(layer, Activate):
        return layer.activation.name
    if isinstance(layer, Dropout):
        return repr(layer)
    inside = f"({', '.join(_names(layer.layers))})" if isinstance(layer, Residual) else ""
    return type(layer).__name__ + inside


NORMALIZATIONS: Mapping[str, type[BatchNorm | LayerNorm]] = MappingProxyType(
    {"batch": BatchNorm, "layer": LayerNorm}
)


def mlp(
    sizes: Sequence[int],
    activation: str | Activation = "relu",
    *,
    seed: Seed | Sequence[Seed] = 0,
    initialization: str = "he",
    gain: ArrayLike | None = None,
    normalization: str | None = None,
    residual: bool = False,
    dropout: ArrayLike = 0.0,
    alpha_dropout: bool = False,
    dtype: DTypeLike = np.float64,
) -> Network:
    """Build a multilayer perceptron: dense layers with an activation between them.

    Each hidden layer is a dense layer, a normalization if one is asked for, the activation, and
    dropout if that is asked for. The last layer is a dense layer alone: its outputs are the logits
    that a loss takes.

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
        See `initialize`. With ``"computed"``, the weights of every layer but the first are
        multiplied by `course_lib.meanfield.gain` of the activation, so that their variance is
        gain²/fan_in; what comes into the first layer has passed no activation.
    gain : float or array_like, optional
        Multiplies the weights of all layers, not the biases: one number, or one for each seed. With
        ``"computed"``, on top of what was computed.
    normalization : str, optional
        ``"batch"`` for a `BatchNorm`, ``"layer"`` for a `LayerNorm` between each hidden dense layer
        and its activation :cite:p:`ioffe2015batch`, with weights 1 and biases 0.
    residual : bool
        Make each hidden layer of as many units as the one before a `Residual` block: x + f(x),
        where f is the whole hidden layer, activation and dropout included. The first and the last
        layer, and hidden layers that change the width, stay as they are; so do all first weights.
    dropout : float or array_like
        The probability to drop a hidden unit, from 0 to below 1: one number, or one for each seed.
        A `Dropout` stands after each activation, unless it is the number 0. Its masks come from the
        seed, other ones for each layer; the first weights stay as they are.
    alpha_dropout : bool
        Make that an `AlphaDropout`, as SELU needs it.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    Network
        Ready to be trained.

    Raises
    ------
    KeyError
        If an activation, initialization or normalization is unknown.
    ValueError
        If there are fewer than two sizes, a size is below 1, there are no seeds, a gain is not a
        finite number above 0 or there are not as many as seeds, a dropout likewise is not from 0 to
        below 1, `alpha_dropout` is asked for without a dropout, no gain can be computed, or the
        activation changes the number of features, as gates do.
    TypeError
        If the dtype is not float32 or float64, a size is not an integer, or there are several
        activations.

    Examples
    --------
    >>> mlp([784, 256, 10], seed=range(64), dtype=np.float32)
    Network(784-256-10, ['relu'], float32, replicas=(64,))
    >>> mlp([784, 64, 64, 10], "tanh", normalization="batch", residual=True)
    Network(784-64-64-10, ['BatchNorm', 'tanh', 'Residual(BatchNorm, tanh)'], float64)
    >>> mlp([784, 64, 10], seed=range(3), dropout=[0, 0.2, 0.5])
    Network(784-64-10, ['relu', 'Dropout(0 to 0.5)'], float64, replicas=(3,))
    """
    if as_array("sizes", sizes).ndim == 0 or len(sizes) < 2:
        raise ValueError(f"sizes are {sizes!r}; at least an input and an output are needed")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise TypeError(f"dtype is {np.dtype(dtype)}; expected float32 and float64")
    _check_one_activation(activation)
    activation = activations.get(activation)
    if activation.kind == "groups":
        raise ValueError(
            f"{activation.name!r} makes one output of several inputs; expected here "
            f"activations that keep the number of features"
        )
    if normalization is not None and normalization not in NORMALIZATIONS:
        raise KeyError(unknown_name("normalization", normalization, NORMALIZATIONS))
    seeds, replicated = as_seeds(seed)
    generators = [stream(s, "weights") for s in seeds]
    gains = _gains(gain, len(seeds) if replicated else None)
    drops = _dropouts(dropout, alpha_dropout, seeds, replicated, len(sizes) - 2)
    computed = _computed_gain(activation) if initialization == "computed" else 1.0
    layers: list[Layer] = []
    for i, (in_features, out_features) in enumerate(pairwise(sizes)):
        draws = [
            initialize(in_features, out_features, seed=rng, scheme=initialization, gain=own)
            for rng, own in zip(generators, gains * computed if i else gains, strict=True)
        ]
        weight, bias = (np.stack(arrays).astype(dtype) for arrays in zip(*draws, strict=True))
        dense = Dense(weight, bias) if replicated else Dense(weight[0], bias[0])
        if i == len(sizes) - 2:
            layers.append(dense)
            continue
        hidden = [dense, *_normalizations(dense, normalization), Activate(activation), *drops[i]]
        layers += [Residual(hidden)] if residual and i and in_features == out_features else hidden
    return Network(layers)


def _check_one_activation(activation: Any) -> None:
    if isinstance(activation, list | tuple | np.ndarray):
        raise TypeError(
            f"activation is {activation!r}; expected is one for all hidden layers, such as 'relu'; "
            f"for one in each, put layers in a row: Network([Dense(...), Activate('relu'), ...])"
        )


def _normalizations(dense: Dense, normalization: str | None) -> list[Layer]:
    """Return the normalization after a dense layer, if there is one."""
    if normalization is None:
        return []
    ones = np.ones_like(dense.parameters["bias"])
    return [NORMALIZATIONS[normalization](ones, np.zeros_like(ones))]


def _dropouts(
    dropout: ArrayLike, alpha: bool, seeds: Sequence[Seed], replicated: bool, layers: int
) -> list[list[Layer]]:
    """Return for each hidden layer the dropout that ends it, if there is one."""
    p = as_probabilities(dropout, "dropout")
    if p.shape and not (replicated and p.shape == (len(seeds),)):
        raise ValueError(
            f"dropout is of shape {p.shape}; expected one number, or one for each of a "
            f"sequence of seeds"
        )
    if not p.shape and p == 0:
        if alpha:
            raise ValueError("alpha_dropout drops nothing where dropout is 0; give a dropout too")
        return [[] for _ in range(layers)]
    kind = AlphaDropout if alpha else Dropout
    own = [[layer_seed(seed, "dropout", i) for seed in seeds] for i in range(layers)]
    return [[kind(p, seed=each if replicated else each[0])] for each in own]


def _gains(gain: ArrayLike | None, seeds: int | None) -> Array:
    """Return the gain of each replica; `seeds` is None for one network without replicas."""
    values = as_array("gain", 1.0 if gain is None else gain)
    if values.dtype.kind not in "fiu" or values.shape not in ((), (seeds,)):
        given = f"of shape {values.shape}" if values.shape else repr(gain)
        raise ValueError(
            f"gain is {given}; expected one number, or one for each of a sequence of seeds"
        )
    return np.broadcast_to(values.astype(np.float64), (seeds or 1,))


def _computed_gain(activation: Activation) -> float:
    from course_lib import meanfield  # integrals, which no other scheme asks for

    return meanfield.gain(activation)


def lsuv(network: Network, x: ArrayLike, *, tolerance: float = 0.01, steps: int = 10) -> Array:
    r"""Scale the weights so that each dense layer's output has variance 1 on a batch, in place.

    Layer by layer from the input on, each replica for itself: while the variance of a dense layer's
    output, over batch and features, differs from 1 by `tolerance` or more, its weights are divided
    by the standard deviation. Biases stay; where they are 0, one step is enough.

    Parameters
    ----------
    network : Network
        With its first weights, best orthogonal ones: ``mlp(..., initialization="orthogonal")``.
    x : array_like
        A batch, as `Network.forward` takes it. It passes in training mode, but running averages
        stay as they are, and nothing is dropped: no scale hangs on what a draw left.
    tolerance : float
        Above 0.
    steps : int
        At most as many for each layer; at least 1.

    Returns
    -------
    ndarray of float64, shape (..., dense layers)
        The variances that were reached; farther from 1 than the tolerance where biases vary so
        much that no scale of the weights helps.

    Raises
    ------
    ValueError
        If a layer's products with the weights are constant or not finite, so that no scale helps,
        two layers hold the same array, or a setting is out of range. The network is then as it was.
    TypeError
        If it is not a `Network`.

    Notes
    -----
    Layer-sequential unit variance, Mishkin and Matas, 2016 :cite:p:`mishkin2016all`.

    Examples
    --------
    >>> network = mlp([20, 50, 50, 3], "relu", initialization="orthogonal")
    >>> lsuv(network, np.random.default_rng(0).normal(size=(64, 20))).round(6)
    array([1., 1., 1.])
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance is {tolerance!r}; expected numbers above 0")
    check_integer("steps", steps)
    if not isinstance(network, Network):
        raise TypeError(
            f"network is a {type(network).__name__}; expected a course_lib.network.Network"
        )
    check_untied(network.layers)
    scratch = copy.deepcopy(network)  # nothing is written until all layers have their scale
    reached: list[Array] = []
    for name, layer in walk(scratch.layers):
        if isinstance(layer, Dense):
            # in its place, a forward pass that scales the layer to the signal that comes
            scaled = partial(_forward_scaled, layer, layer.forward, reached, tolerance, steps, name)
            vars(layer)["forward"] = scaled
        elif isinstance(layer, Dropout):
            vars(layer)["forward"] = np.asarray  # as in evaluation mode
    with np.errstate(all="ignore"):
        scratch.forward(x, training=True)
    network.load_parameters(scratch.parameters)
    return np.stack(reached, axis=-1)


def _forward_scaled(
    layer: Dense,
    forward: Callable[[Array], Array],
    reached: list[Array],
    tolerance: float,
    steps: int,
    name: str,
    signal: Array,
) -> Array:
    """Scale a layer to a signal, note the variance that this reached, and return the output."""
    _scale_to_unit_variance(layer, signal, tolerance, steps, name)
    output = forward(signal)
    reached.append(output.var(axis=(-2, -1), dtype=np.float64))
    return output


def _scale_to_unit_variance(
    layer: Dense, signal: Array, tolerance: float, steps: int, name: str
) -> None:
    """Divide a layer's weights until its output varies as wanted; raise if that cannot be."""
    weight, bias = layer.parameters["weight"], layer.parameters["bias"]
    with np.errstate(over="ignore", invalid="ignore"):  # looked at in the next lines
        product = (signal @ weight).astype(np.float64)
        spread = np.ptp(product, axis=(-2, -1))
        square = np.square(spread)  # a variance lies below it, and in the same range of floats
    if not ((square > np.finfo(np.float64).tiny) & np.isfinite(square)).all():
        raise ValueError(
            f"layer {name} makes products with its weights that are constant or not finite "
            f"(spread {spread}), so that no scale gives them variance 1; check the batch, and "
            f"whether the units before it are dead"
        )
    factor = np.ones((*spread.shape, 1, 1))
    for _ in range(steps):
        variance = (factor * product + bias).var(axis=(-2, -1), keepdims=True)
        far = np.abs(variance - 1) >= tolerance
        if not far.any():
            break
        factor = np.where(far, factor / np.sqrt(variance), factor)
    weight *= factor
