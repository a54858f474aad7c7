"""Measurements of every layer of a network on one batch."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_number
from course_lib._typing import Array, ArrayOrScalar
from course_lib.diagnostics.measures import effective_rank, root_mean_square
from course_lib.diagnostics.trace import Trace, traces_of
from course_lib.network import Dense, Loss, Network
from course_lib.network.layers import check_untied, walk
from course_lib.training.stepping import check_moves, check_optimizer

__all__ = ["Diagnosis", "diagnose"]


@dataclass(frozen=True)
class Diagnosis:
    """Measurements of a network on one batch, the replica axis first and the layers last.

    Attributes
    ----------
    layers : tuple of str
        The activations, in the order of the forward pass.
    preactivation, activation : ndarray, shape (..., layers)
        Root mean square of the inputs and the outputs of each activation.
    gradient : ndarray, shape (..., layers)
        Root mean square of the gradient of *one example's* loss with respect to the inputs of each
        activation: that of the mean loss, times the number of examples. With batch normalization,
        where the loss of an example depends on all the others, it is that of the sum of all losses.
    saturated : ndarray, shape (..., layers)
        Fraction of pairs of unit and example that are saturated; see `is_saturated`. NaN if a
        derivative is NaN.
    dead : ndarray, shape (..., layers)
        Fraction of units whose derivative is 0 on all examples. NaN if a derivative is NaN.
    rank : ndarray, shape (..., layers)
        `effective_rank` of the outputs, a matrix of examples and units.
    weights : tuple of str
        The weight matrices by name, first layer first.
    weight_gradient : ndarray, shape (..., weights)
        Root mean square of the gradient of the mean loss with respect to each weight matrix; 0
        where there is none, as in a layer of PyTorch that is frozen.
    update_to_weight : ndarray, shape (..., weights)
        Root mean square of the optimizer's next update over that of the weights; NaN where no
        optimizer was given.
    """

    layers: tuple[str, ...]
    preactivation: Array
    activation: Array
    gradient: Array
    saturated: Array
    dead: Array
    rank: Array
    weights: tuple[str, ...]
    weight_gradient: Array
    update_to_weight: Array

    def __str__(self) -> str:
        """Return a table: a line for each layer, the median over replicas."""
        of_layers = ["preactivation", "activation", "gradient", "saturated", "dead", "rank"]
        of_weights = ["weight_gradient", "update_to_weight"]
        return "\n".join(
            [
                *self._table("layer", self.layers, of_layers),
                *self._table("weights", self.weights, of_weights),
            ]
        )

    def _table(self, title: str, names: Sequence[str], measures: Sequence[str]) -> Iterator[str]:
        yield _line(title, measures)
        for i, name in enumerate(names):
            yield _line(name, [np.median(getattr(self, m)[..., i]) for m in measures])


def _line(name: str, cells: Sequence[Any]) -> str:
    shown = (f"{c:>18}" if isinstance(c, str) else f"{c:18.2g}" for c in cells)
    return f"{name:<12}" + "".join(shown)


def diagnose(
    network: Any,
    x: ArrayLike,
    y: ArrayLike,
    loss: str | Loss = "cross_entropy",
    *,
    optimizer: Any = None,
    fraction: float = 0.01,
    rank: bool = True,
) -> Diagnosis:
    """Run one batch through the forward and backward pass, and measure every layer.

    Parameters
    ----------
    network : Network or torch.nn.Module
        Left as it is: a copy is measured, in training mode. Replicas are measured side by side. Of
        a module, dropout drops the same in each call, and ``RReLU`` has its mean derivative.
    x, y : array_like
        A batch, as for training. Some hundreds of examples are enough; dead units and rank need
        more examples than there are units to say much.
    loss : str or Loss
        A name of `course_lib.network.LOSSES`, also with parameters, such as
        ``"cross_entropy(label_smoothing=0.1)"``; or what `course_lib.network.get_loss` returns.
    optimizer : Optimizer or torch.optim.Optimizer, optional
        Its next update is compared with the weights; a copy makes the step, so its memory stays.
    fraction : float
        A unit is saturated where its derivative is below this fraction of the largest; see
        `saturation_threshold`.
    rank : bool
        Compute the effective rank, which takes longer than all the rest; NaN where it is not.

    Returns
    -------
    Diagnosis
        One number for each replica and layer.

    Raises
    ------
    ValueError
        If the network has no elementwise activation, gate or weight matrix, an activation of
        PyTorch has settings that cannot be measured, there are no examples or they are ragged, the
        fraction is not between 0 and 1, or the optimizer belongs to another network.
    TypeError
        If there are no labels, or the optimizer is not one of the network's library.
    KeyError, TypeError, ValueError
        As `Network.loss_and_gradients`.

    Examples
    --------
    >>> from course_lib import data
    >>> from course_lib.network import mlp
    >>> x, y = data.moons(100)
    >>> deep = mlp([2, *[32] * 10, 2], "sigmoid", seed=range(3), initialization="pytorch")
    >>> found = diagnose(deep, x, y)
    >>> found.gradient.shape
    (3, 10)
    >>> bool((found.gradient[:, 0] < 1e-6 * found.gradient[:, -1]).all())  # vanished
    True
    """
    fraction = as_number("fraction", fraction, above=0, below=1)
    if y is None:
        raise TypeError("y is None; expected labels or targets, as the loss wants them")
    if optimizer is not None:
        _check_steps(network, optimizer)
    # together, so that the copied optimizer updates the copied weights
    network, optimizer = copy.deepcopy((network, optimizer))
    traces = traces_of(network, x, y, loss)
    with np.errstate(all="ignore"):  # an explosion is a result
        return _measure(network, traces, optimizer, fraction, rank)


def _check_steps(network: Any, optimizer: Any) -> None:
    """Raise an error unless the optimizer can make a step of this network."""
    check_optimizer(optimizer)
    if not isinstance(network, Network):
        from course_lib.pytorch.arguments import check_optimizer as check_optimizer_of_module

        check_optimizer_of_module(optimizer, network)
    elif hasattr(optimizer, "param_groups"):
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__} of PyTorch; expected one "
            f"of course_lib.training for a course_lib.network.Network"
        )
    else:
        check_untied(network.layers)
        check_moves(optimizer, network.parameters)


def _measure(
    network: Any, traces: Sequence[Trace], optimizer: Any, fraction: float, rank: bool
) -> Diagnosis:
    """Measure every layer, after the forward and backward pass of a batch."""
    parameters, gradients, step = _weights_of(network)
    if not parameters:
        raise ValueError(
            f"no weight matrix found in {type(network).__name__}; expected modules with "
            f"parameters called weight, so remove parametrizations, such as weight_norm, first"
        )
    before = {name: value.copy() for name, value in parameters.items()}
    weight_gradient = [root_mean_square(gradients[name]) for name in before]
    updates = [np.full(np.shape(size), np.nan) for size in weight_gradient]
    if optimizer is not None:
        after = step(optimizer)
        updates = [
            _ratio(root_mean_square(after[name] - value), root_mean_square(value))
            for name, value in before.items()
        ]
    examples = traces[0].inputs.shape[-2]
    return Diagnosis(
        layers=tuple(trace.name for trace in traces),
        preactivation=stack(root_mean_square(t.inputs) for t in traces),
        activation=stack(root_mean_square(t.outputs) for t in traces),
        gradient=stack(root_mean_square(t.gradient) * examples for t in traces),
        saturated=stack(_saturated_fraction(t, fraction) for t in traces),
        dead=stack(_dead_fraction(t) for t in traces),
        rank=stack(
            effective_rank(t.outputs) if rank else np.full(t.outputs.shape[:-2], np.nan)
            for t in traces
        ),
        weights=tuple(before),
        weight_gradient=stack(weight_gradient),
        update_to_weight=stack(updates),
    )


def stack(values: Iterable[ArrayLike]) -> Array:
    """Return the values of all layers, the layers as last axis."""
    return np.stack(list(values), axis=-1)


def _ratio(update: ArrayOrScalar, weight: ArrayOrScalar) -> Array:
    """Return update / weight, infinite where weights are 0 and move, and 0 where neither."""
    quotient = np.divide(update, weight, out=np.full(np.shape(weight), np.inf), where=weight != 0)
    return np.where(update == 0, 0.0, quotient)


def _saturated_fraction(trace: Trace, fraction: float) -> Array:
    saturated = np.abs(trace.derivatives) < fraction * trace.largest_derivative
    return _where_known(trace, saturated.mean(axis=(-2, -1)))


def _dead_fraction(trace: Trace) -> Array:
    return _where_known(trace, dead(trace).mean(axis=-1))


def dead(trace: Trace) -> Array:
    """Return which units have derivative 0 on every example."""
    return np.asarray((trace.derivatives == 0).all(axis=-2))


def _where_known(trace: Trace, measured: Array) -> Array:
    """Replace measurements by NaN for replicas with a derivative that is NaN: they diverged."""
    return np.where(np.isnan(trace.derivatives).any(axis=(-2, -1)), np.nan, measured)


def _weights_of(
    network: Any,
) -> tuple[dict[str, Array], dict[str, Array], Callable[[Any], dict[str, Array]]]:
    """Return weight matrices, gradients, and a function that makes a step and returns the new."""
    if not isinstance(network, Network):
        from course_lib import pytorch

        def step_of_pytorch(optimizer: Any) -> dict[str, Array]:
            optimizer.step()
            return pytorch.weights(network)

        return pytorch.weights(network), pytorch.weights(network, gradients=True), step_of_pytorch

    def matrices(values: dict[str, Array]) -> dict[str, Array]:
        return {name: value for name, value in values.items() if name in wanted}

    def step(optimizer: Any) -> dict[str, Array]:
        optimizer.step(network.parameters, network.gradients)
        return matrices(network.parameters)

    wanted = {f"{name}.weight" for name, layer in walk(network.layers) if isinstance(layer, Dense)}
    return matrices(network.parameters), matrices(network.gradients), step
