"""The network: layers in a row, forward and backward, with their parameters and state by name."""

import copy
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_array, check_shape
from course_lib._typing import Array, PerReplica
from course_lib.network._parameters import Parameters
from course_lib.network._state import VERSION, as_arrays, check_state, check_writable
from course_lib.network.layers import Activate, Dense, Dropout, Layer, Residual, check_untied, walk
from course_lib.network.layers.activation import check_alone
from course_lib.network.layers.sequence import (
    as_layers,
    go_backward,
    go_forward,
    named_gradients,
    named_parameters,
    part_of,
    replica_of,
    set_training,
    with_extra_state,
)
from course_lib.network.layers.widths import has_weight, widths
from course_lib.network.losses import Loss, get_loss
from course_lib.numerics import keep_freed_memory

__all__ = ["Network"]


class Network:
    """Layers in a row: forward, backward, and their parameters by name.

    Parameters
    ----------
    layers : sequence of Layer
        In the order of the forward pass.

    Attributes
    ----------
    sizes : list of int
        Features of the input, units that the second and each later dense layer takes, in blocks
        too, and outputs. After a gate, which makes one unit of two outputs of a dense layer, these
        are the units. Where a layer of your own leaves the input or the outputs open (see `Layer`),
        it is what the nearest dense layer takes or returns.
    inputs, outputs : int or None
        Features of the input and of the output; None where a layer of your own leaves them open.
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
        If something else than a layer is in it.

    Notes
    -----
    Two layers may hold the same array as long as they only compute: what writes into parameters,
    such as `load_parameters` and `course_lib.training.fit`, rejects such a network.

    Examples
    --------
    >>> from course_lib.network import mlp
    >>> network = mlp([2, 3, 1], "tanh", seed=1)
    >>> network(np.zeros((4, 2))).shape
    (4, 1)
    >>> list(network.parameters)
    ['0.weight', '0.bias', '2.weight', '2.bias']

    A gate makes one unit of two outputs of the layer before it:

    >>> from course_lib.network import Activate, Dense
    >>> Network([Dense(np.ones((2, 8))), Activate("swiglu"), Dense(np.ones((4, 1)))])
    Network(2-4-1, ['swiglu'], float64)
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        keep_freed_memory()  # for the next step, whose arrays are those of this one
        self.layers = as_layers(layers)
        everywhere = [layer for _, layer in walk(self.layers)]
        if len({id(layer) for layer in everywhere}) < len(everywhere):
            raise ValueError("a layer stands in the network twice; give each place its own layer")
        dense = [layer.parameters["weight"] for layer in everywhere if isinstance(layer, Dense)]
        if not dense:
            raise ValueError("a network needs at least one dense layer")
        self.inputs, self.outputs = taken, given = widths(self.layers)
        _check_alike([layer.parameters["weight"] for layer in everywhere if has_weight(layer)])
        self.sizes = [
            dense[0].shape[-2] if taken is None else taken,
            *(weight.shape[-2] for weight in dense[1:]),
            dense[-1].shape[-1] if given is None else given,
        ]
        self.replicas: tuple[int, ...] = dense[0].shape[:-2]
        _check_dropouts(self.layers, self.replicas)
        _check_activations(self.layers, self.replicas)
        self.dtype = dense[0].dtype

    def __repr__(self) -> str:
        """Return sizes, the layers between dense layers and, where there are any, replicas."""
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
            The mode of layers that work differently while they learn, such as `BatchNorm`. In
            training mode many activations are computed with their derivatives, and their last bits
            differ; see `Activate`.

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
        inputs = self.check_input(x)
        set_training(self.layers, training)
        return go_forward(self.layers, inputs)

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
    ) -> tuple[PerReplica, dict[str, Array]]:
        """Return the loss of every replica on one batch, and the gradients of all parameters.

        Parameters
        ----------
        x : array_like
            As for `forward`.
        y : array_like
            Labels or targets, as the loss wants them.
        loss : str or Loss
            A name of `LOSSES`, also with parameters, such as
            ``"cross_entropy(label_smoothing=0.1)"``; or what `get_loss` returns.
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
        value, grad_output = get_loss(loss).with_gradient(self.forward(x, training=training), y)
        self.backward(grad_output)
        return value, self.gradients

    @property
    def parameters(self) -> Parameters:
        """The parameters themselves, not copies, named ``"<layer>.<name>"`` as PyTorch does.

        Those of a block are named ``"<block>.<layer>.<name>"``. Their attribute ``weights`` holds
        the names of dense layers' weights, for optimizers with ``decay="weights"``.
        """
        return Parameters(named_parameters(self.layers), self.layers)

    @property
    def gradients(self) -> dict[str, Array]:
        """The gradients that the last `backward` computed, under the names of `parameters`."""
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
        with np.errstate(all="ignore"):  # an overflow raises an error below
            new = {name: value.astype(self.dtype) for name, value in parameters.items()}
        for name, value in new.items():
            if (np.isinf(value) & np.isfinite(parameters[name])).any():
                raise ValueError(
                    f"{name} has numbers beyond the range of {self.dtype}, in which this network "
                    f"computes"
                )
            expected = f"{own[name].shape}, as this network has"
            check_shape(value.shape == own[name].shape, expected, **{name: value})
        for name, value in new.items():
            own[name][...] = value

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all that the network carries from one batch to the next.

        Returns
        -------
        dict of str to ndarray
            Beside the `parameters`, under their names: the running averages of each `BatchNorm`,
            the generators of each `Dropout`, the extra state of layers of your own (see `Layer`),
            and the ``"version"`` of this form. Arrays of numbers alone, so that
            ``np.savez(file, **state)`` stores it and ``np.load(file, allow_pickle=False)`` reads
            it.

        Raises
        ------
        ValueError
            If a layer has a parameter and another array of the same name.

        Notes
        -----
        Unlike in PyTorch these are copies: a state stays as it is while the network trains on.
        Sizes, activations and settings such as a dropout's p are not in it; build the same network
        first. To continue a training, keep the optimizer's state and the history as well; see
        `course_lib.training.fit`.

        Examples
        --------
        >>> from course_lib.network import mlp
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
        >>> from course_lib.network import mlp
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
        except BaseException:  # from a layer of a user's own, or an array that cannot be written to
            self._overwrite(before)
            raise

    def _overwrite(self, state: Mapping[str, Array]) -> None:
        """Overwrite parameters and extra state, in place, with those of a checked state."""
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

    def part(self, replicas: slice) -> "Network":
        """Return some replicas as a network on views of all arrays: it changes this one.

        Parameters
        ----------
        replicas : slice
            Along the first leading axis.

        Returns
        -------
        Network
            With as many leading axes.

        Raises
        ------
        AttributeError
            If a layer has no method ``part``.

        Notes
        -----
        `course_lib.training.fit` trains replicas by parts where all at once would need too much
        memory. A `Dropout` with one seed for all replicas draws the same in all parts, if each
        makes as many forward passes.

        Examples
        --------
        >>> from course_lib.network import mlp
        >>> network = mlp([2, 3, 1], seed=range(5))
        >>> part = network.part(slice(1, 3))
        >>> part.parameters["2.bias"][...] = 7.0
        >>> network.parameters["2.bias"].ravel()
        array([0., 7., 7., 0., 0.])
        """
        part = copy.copy(self)
        part.layers = [part_of(layer, replicas) for layer in self.layers]
        part.replicas = (len(range(*replicas.indices(self.replicas[0]))), *self.replicas[1:])
        return part

    def check_input(self, x: ArrayLike) -> Array:
        """Return `x` as an array that `forward` takes, or raise one of its errors."""
        inputs = as_array("x", x)
        if inputs.dtype != self.dtype:
            kinds = "iu" if isinstance(x, np.ndarray) else "iuf"
            if inputs.dtype.kind not in kinds:
                raise TypeError(
                    f"x is {inputs.dtype}; this network computes in {self.dtype}, so pass "
                    f"np.asarray(x, dtype=np.{self.dtype})"
                )
            inputs = inputs.astype(self.dtype)
        if inputs.ndim < 2 or self.inputs not in (None, inputs.shape[-1]):
            expected = f"(batch, {self.inputs or 'features'})"
            raise ValueError(f"x has shape {inputs.shape}; this network takes {expected}")
        if inputs.shape[:-2] not in ((), self.replicas):
            raise ValueError(
                f"x has leading axes {inputs.shape[:-2]}; this network has replicas "
                f"{self.replicas}, so expected none or exactly these"
            )
        return inputs


def _check_alike(weights: Sequence[Array]) -> None:
    """Raise ValueError unless all weights are for the same replicas, and of one dtype."""
    if len({weight.shape[:-2] for weight in weights}) > 1:
        raise ValueError(
            f"layers with different replicas: weights of shapes {[w.shape for w in weights]}; "
            f"the leading axes must be the same"
        )
    if len({weight.dtype for weight in weights}) > 1:
        raise ValueError(f"layers of different dtypes: {[str(w.dtype) for w in weights]}")


def _check_dropouts(layers: Sequence[Layer], replicas: tuple[int, ...]) -> None:
    """Raise ValueError if a dropout is for other replicas than those of the network."""
    for name, layer in walk(layers):
        if isinstance(layer, Dropout) and layer.replicas not in ((), replicas):
            raise ValueError(
                f"layer {name} ({layer}) is for replicas {layer.replicas}, and this network has "
                f"{replicas}; expected one p and one seed, or one for each replica"
            )


def _check_activations(layers: Sequence[Layer], replicas: tuple[int, ...]) -> None:
    """Raise ValueError if an activation takes replicas for examples, or these for features."""
    for name, layer in walk(layers) if replicas else ():
        if isinstance(layer, Activate):
            try:
                check_alone(layer.activation)
            except ValueError as error:
                raise ValueError(
                    f"layer {name} cannot stand in a network with replicas {replicas}: {error}"
                ) from None


def _names(layers: Sequence[Layer]) -> list[str]:
    """Return the names of the layers that are not dense."""
    return [_name(layer) for layer in layers if not isinstance(layer, Dense)]


def _name(layer: Layer) -> str:
    """Return the name of a layer in the network's `repr`."""
    if isinstance(layer, Activate):
        return layer.activation.name
    if isinstance(layer, Dropout):
        return repr(layer)
    inside = f"({', '.join(_names(layer.layers))})" if isinstance(layer, Residual) else ""
    return type(layer).__name__ + inside
