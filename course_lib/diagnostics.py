r"""What happens inside a network: signal, gradient, saturation, dead units, rank, size of updates.

`diagnose` sends one batch through a copy of a network, forward and back, and measures at every
activation and every weight. It takes a `course_lib.network.Network`, with or without replicas, or a
PyTorch module, and gives the same numbers for the same network.

Three words are used in one meaning only. A unit is *flat* on an example if its slope there is less
than a hundredth of the steepest slope that its activation has. *Saturation* is the share of pairs
of unit and example that are flat. A unit is *dead* if its slope is exactly 0 on every example: then
no gradient reaches its weights, whatever the loss.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib import activations
from course_lib._checks import as_array, check_number
from course_lib._typing import Array
from course_lib.activations import Activation, prelu_grad
from course_lib.network import Activate, Dense, Layer, Loss, Network, PReLU, get_loss
from course_lib.network.layers import check_replicated, check_untied, walk
from course_lib.training.stepping import check_moves, check_optimizer

__all__ = [
    "Diagnosis",
    "GradientCheck",
    "Trace",
    "UnitTransitions",
    "check_gradients",
    "dead_units",
    "diagnose",
    "effective_rank",
    "is_saturated",
    "root_mean_square",
    "saturation_threshold",
    "unit_transitions",
]


# ---------------------------------------------------------------------------------------------
# Measures of one array
# ---------------------------------------------------------------------------------------------


def root_mean_square(values: ArrayLike) -> Any:
    """Return the root of the mean square over the last two axes.

    Parameters
    ----------
    values : array_like
        Shape ``(..., batch, features)`` or ``(..., in_features, out_features)``.

    Returns
    -------
    ndarray or scalar of float64
        Shape ``(...)``. It neither overflows nor vanishes where the values themselves do not;
        infinite where one is, and NaN where one is NaN.

    Raises
    ------
    ValueError
        If there are no rows or columns.

    Examples
    --------
    >>> root_mean_square(np.array([[3e-200, 4e-200]]))
    np.float64(3.5355339059327375e-200)
    """
    values = _as_matrices("values", values)
    size = np.abs(values).max(axis=(-2, -1), keepdims=True)
    # an infinite or NaN value makes the result so, and squares beside it may overflow unnoticed
    scale = np.where((size > 0) & np.isfinite(size), size, 1.0)
    with np.errstate(all="ignore"):
        return (scale[..., 0, 0] * np.sqrt(np.square(values / scale).mean(axis=(-2, -1))))[()]


def _as_matrices(name: str, given: ArrayLike) -> Array:
    """Return float64 of shape (..., rows, columns), or raise ValueError."""
    values = as_array(name, given).astype(np.float64)
    if values.ndim < 2 or 0 in values.shape[-2:]:
        raise ValueError(f"{name} has shape {values.shape}; expected (..., rows, columns)")
    return values


@np.errstate(all="ignore")
def effective_rank(matrix: ArrayLike) -> Any:
    r"""Return how many directions a matrix effectively has.

    The singular values are divided by their sum to become shares :math:`p_i`; the effective rank is
    :math:`\exp(-\sum_i p_i \ln p_i)`.

    Parameters
    ----------
    matrix : array_like
        Shape ``(..., rows, columns)``.

    Returns
    -------
    ndarray or scalar of float64
        Shape ``(...)``, from 1 to the smaller side: 1 if all rows are multiples of one, the full
        number if all singular values are equal. 0 for a matrix of zeros, NaN if a value is not
        finite.

    Raises
    ------
    ValueError
        If there are no rows or columns.

    Notes
    -----
    Roy and Vetterli, 2007 :cite:p:`roy2007effective`. Rows are not centered: signals that all
    point the same way count as one direction.

    Examples
    --------
    >>> effective_rank(np.eye(4)).round(12), effective_rank(np.ones((4, 4))).round(12)
    (np.float64(4.0), np.float64(1.0))
    """
    values = _as_matrices("matrix", matrix)
    finite = np.isfinite(values).all(axis=(-2, -1), keepdims=True)
    values = np.where(finite, values, 0.0)
    size = np.abs(values).max(axis=(-2, -1), keepdims=True)
    scaled = values / np.where(size > 0, size, 1.0)  # neither overflows nor vanishes when squared
    singular = np.linalg.svd(scaled, compute_uv=False)
    total = singular.sum(axis=-1, keepdims=True)
    shares = singular / np.where(total > 0, total, 1.0)
    # p ln p is 0 at p = 0
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=-1)
    rank = np.where(np.asarray(size)[..., 0, 0] > 0, np.exp(entropy), 0.0)
    return np.where(np.asarray(finite)[..., 0, 0], rank, np.nan)[()]


def saturation_threshold(activation: str | Activation, fraction: float = 0.01) -> float:
    """Return the slope below which a unit counts as flat.

    Parameters
    ----------
    activation : str or Activation
        An elementwise entry of the catalogue.
    fraction : float
        Of the steepest slope that the activation has anywhere; between 0 and 1.

    Returns
    -------
    float
        ``fraction`` times the Lipschitz constant; for an activation whose slope has no bound, such as
        squared ReLU, times 1.

    Raises
    ------
    KeyError
        If there is no such activation.
    ValueError
        If it is not elementwise, or the share is not between 0 and 1.

    Examples
    --------
    >>> saturation_threshold("tanh"), saturation_threshold("sigmoid")
    (0.01, 0.0025)
    """
    row = activations.get(activation)
    if not row.elementwise:
        raise ValueError(
            f"{row.name!r} is not elementwise, so its units have no slope of their own; expected "
            f"are elementwise activations"
        )
    return _check_fraction(fraction) * _steepest(row)


def _check_fraction(fraction: float) -> float:
    """Return the share as a plain number, which compares float32 slopes in float32."""
    if not 0 < fraction < 1:
        raise ValueError(f"fraction is {fraction!r}; expected a number between 0 and 1")
    return float(fraction)


def _steepest(row: Activation) -> float:
    """Return the steepest slope that an activation has, or 1 if there is no bound."""
    return float(row.lipschitz) if np.isfinite(row.lipschitz) else 1.0


@np.errstate(all="ignore")
def is_saturated(activation: str | Activation, x: ArrayLike, fraction: float = 0.01) -> Array:
    """Return where an activation is flat: its slope below a share of its steepest slope.

    Parameters
    ----------
    activation, share
        As for `saturation_threshold`.
    x : array_like
        Inputs of the activation, of any shape.

    Returns
    -------
    ndarray of bool
        The shape of `x`.

    Raises
    ------
    KeyError, ValueError
        As `saturation_threshold`.

    Examples
    --------
    >>> is_saturated("tanh", [0.0, 2.9, 3.1]), is_saturated("relu", [-1.0, 1.0])
    (array([False, False,  True]), array([ True, False]))
    """
    row = activations.get(activation)
    return np.abs(row.derivative(x)) < saturation_threshold(row, fraction)


# ---------------------------------------------------------------------------------------------
# A batch through the network
# ---------------------------------------------------------------------------------------------


@dataclass
class Trace:
    """What one activation of a network saw of a batch.

    Attributes
    ----------
    name : str
        Its place in the network, as in the names of the parameters: ``"3"``, or ``"3.1"`` inside a
        residual block.
    inputs, outputs : ndarray, shape (..., batch, units)
        Preactivations, and what became of them.
    slopes : ndarray, shape (..., batch, units)
        The derivative at the inputs.
    steepest : float or ndarray
        The largest slope that the activation has anywhere.
    gradient : ndarray, shape (..., batch, units)
        Of the batch's mean loss with respect to the inputs; empty where none was asked for.
    """

    name: str
    inputs: Array
    outputs: Array
    slopes: Array
    steepest: Any
    gradient: Array


def _trace(name: str, layer: Layer, inputs: Array, outputs: Array) -> Trace:
    """Return the trace of an activation, its gradient still to come."""
    if isinstance(layer, PReLU):
        slope = layer.parameters["weight"]
        slopes = prelu_grad(inputs, negative_slope=slope)
        steepest: Any = np.maximum(1.0, np.abs(slope))
    else:
        assert isinstance(layer, Activate)
        slopes, steepest = layer.activation.derivative(inputs), _steepest(layer.activation)
    return Trace(name, inputs, outputs, np.asarray(slopes), steepest, np.empty(0))


class _Tap:
    """What stands in for `forward` and `backward` of a layer and keeps what passes through them."""

    def __init__(self, name: str, layer: Layer, traces: list[Trace]) -> None:
        self._name, self._layer, self._traces = name, layer, traces
        self._forward, self._backward = layer.forward, layer.backward
        vars(layer).update(forward=self.forward, backward=self.backward)

    def forward(self, x: Array) -> Array:
        """Pass the signal on, and keep it."""
        y = self._forward(x)
        self._trace = _trace(self._name, self._layer, x, y)
        self._traces.append(self._trace)
        return y

    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Keep the gradient with respect to the input, and pass it on where it is wanted."""
        gradient = self._backward(grad_output)
        assert gradient is not None
        self._trace.gradient = gradient
        return gradient if to_input else None


def _traces(network: Any, x: ArrayLike, y: ArrayLike | None, loss: str | Loss) -> list[Trace]:
    """Send a batch through a network that may be changed; back as well where there are labels."""
    if 0 in np.shape(x):
        raise ValueError(
            f"x has shape {tuple(np.shape(x))}; expected a batch of at least one example"
        )
    traces: list[Trace] = []
    with np.errstate(all="ignore"):  # an explosion is a result
        if isinstance(network, Network):
            for name, layer in walk(network.layers):
                if isinstance(layer, PReLU) or (
                    isinstance(layer, Activate) and layer.activation.elementwise
                ):
                    _Tap(name, layer, traces)
            signal = network.check_input(x)
            # for each replica, also where an activation comes before all weights
            signal = np.broadcast_to(signal, (*network.replicas, *signal.shape[-2:]))
            if y is None:
                network.forward(signal, training=True)
            else:
                network.loss_and_gradients(signal, y, loss)
        else:
            from course_lib import pytorch  # PyTorch is needed for its own modules only

            for passage in pytorch.passages(network, x, y, loss):
                trace = _trace(passage.name, passage.layer, passage.inputs, passage.outputs)
                trace.gradient = passage.gradient
                traces.append(trace)
    if not traces:
        raise ValueError(
            f"no elementwise activation found in {type(network).__name__}; expected layers "
            f"Activate and PReLU, or modules of torch.nn that the catalogue knows, such as "
            f"nn.ReLU() (a function called inside `forward` cannot be seen)"
        )
    return traces


# ---------------------------------------------------------------------------------------------
# Diagnosis
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Diagnosis:
    """What a batch showed of a network, the replica axis first and the layers last.

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
        Share of pairs of unit and example that are flat; see `is_saturated`. NaN if a slope is NaN.
    dead : ndarray, shape (..., layers)
        Share of units whose slope is 0 on all examples. NaN if a slope is NaN.
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
    """Send one batch forward and back, and measure every layer.

    Parameters
    ----------
    network : Network or torch.nn.Module
        Left as it is: a copy is measured, in training mode. Replicas are measured side by side. Of
        a module, dropout drops the same in each call, and ``RReLU`` has its mean slope.
    x, y : array_like
        A batch, as for training. Some hundreds of examples are enough; dead units and rank need
        more examples than there are units to say much.
    loss : str or Loss
        A name of `course_lib.network.LOSSES`.
    optimizer : Optimizer or torch.optim.Optimizer, optional
        Its next update is compared with the weights; a copy makes the step, so its memory stays.
    fraction : float
        A unit is flat where its slope is below this share of the steepest; see `saturation_threshold`.
    rank : bool
        Compute the effective rank, which takes longer than all the rest; NaN where it is not.

    Returns
    -------
    Diagnosis
        One number for each replica and layer.

    Raises
    ------
    ValueError
        If the network has no elementwise activation or weight matrix, an activation of PyTorch has
        settings that cannot be measured, there are no examples, the share is not between 0 and 1,
        or the optimizer belongs to another network.
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
    fraction = _check_fraction(fraction)
    if y is None:
        raise TypeError("y is None; expected labels or targets, as the loss wants them")
    if optimizer is not None:
        _check_steps(network, optimizer)
    # together, so that the copied optimizer steers the copied weights
    network, optimizer = copy.deepcopy((network, optimizer))
    traces = _traces(network, x, y, loss)
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
            f"optimizer is a {type(optimizer).__name__} of PyTorch; expected for a "
            f"course_lib.network.Network is one of course_lib.training"
        )
    else:
        check_untied(network.layers)
        check_moves(optimizer, network.parameters)


def _measure(
    network: Any, traces: Sequence[Trace], optimizer: Any, fraction: float, rank: bool
) -> Diagnosis:
    """Return what a batch showed, once it has gone forward and back."""
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
        preactivation=_stack(root_mean_square(t.inputs) for t in traces),
        activation=_stack(root_mean_square(t.outputs) for t in traces),
        gradient=_stack(root_mean_square(t.gradient) * examples for t in traces),
        saturated=_stack(_flat_share(t, fraction) for t in traces),
        dead=_stack(_dead_share(t) for t in traces),
        rank=_stack(effective_rank(t.outputs) if rank else _unknown(t) for t in traces),
        weights=tuple(before),
        weight_gradient=_stack(weight_gradient),
        update_to_weight=_stack(updates),
    )


def _stack(values: Any) -> Array:
    return np.stack(list(values), axis=-1)


def _unknown(trace: Trace) -> Array:
    return np.full(trace.outputs.shape[:-2], np.nan)


def _ratio(update: Any, weight: Any) -> Any:
    """Return update / weight, infinite where weights are 0 and move, and 0 where neither."""
    quotient = np.divide(update, weight, out=np.full(np.shape(weight), np.inf), where=weight != 0)
    return np.where(update == 0, 0.0, quotient)


def _flat_share(trace: Trace, fraction: float) -> Any:
    flat = np.abs(trace.slopes) < fraction * trace.steepest
    return _where_known(trace, flat.mean(axis=(-2, -1)))


def _dead_share(trace: Trace) -> Any:
    return _where_known(trace, _dead(trace).mean(axis=-1))


def _dead(trace: Trace) -> Array:
    return np.asarray((trace.slopes == 0).all(axis=-2))


def _where_known(trace: Trace, measured: Any) -> Any:
    """Return what was measured, but NaN where a slope is NaN, as in a network that diverged."""
    return np.where(np.isnan(trace.slopes).any(axis=(-2, -1)), np.nan, measured)


def _weights_of(
    network: Any,
) -> tuple[dict[str, Array], dict[str, Array], Callable[[Any], dict[str, Array]]]:
    """Return the weight matrices, their gradients, and what makes a step and returns them anew."""
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


# ---------------------------------------------------------------------------------------------
# Dead units
# ---------------------------------------------------------------------------------------------


def dead_units(network: Any, x: ArrayLike) -> tuple[Array, ...]:
    """Return which units have slope 0 on every example.

    Parameters
    ----------
    network : Network or torch.nn.Module
        Left as it is: a copy is looked at, in training mode, as by `diagnose`.
    x : array_like
        Examples; the more there are, the surer is the verdict.

    Returns
    -------
    tuple of ndarray of bool
        For each activation in order, shape ``(..., units)``. A unit whose slope is NaN on an
        example counts as alive.

    Raises
    ------
    ValueError
        If the network has no elementwise activation, or there are no examples.
    TypeError, ValueError
        As `Network.forward`.

    Examples
    --------
    >>> from course_lib.network import mlp
    >>> network = mlp([1, 3, 1], seed=1)
    >>> network.parameters["0.bias"][...] = [[-9, 0, 9]]
    >>> dead_units(network, np.linspace(-1, 1, 9)[:, np.newaxis])
    (array([ True, False, False]),)
    """
    network = copy.deepcopy(network)
    return tuple(_dead(trace) for trace in _traces(network, x, None, "cross_entropy"))


@dataclass(frozen=True)
class UnitTransitions:
    """What became of the units of each layer, as shares; the layers are the last axis.

    Attributes
    ----------
    born_dead : ndarray, shape (..., layers)
        Dead before training.
    died : ndarray, shape (..., layers)
        Dead after training, and alive before.
    revived : ndarray, shape (..., layers)
        Dead before training, and alive after.
    """

    born_dead: Array
    died: Array
    revived: Array


def unit_transitions(before: Sequence[Array], after: Sequence[Array]) -> UnitTransitions:
    """Tell units that were born dead from those that training killed.

    Parameters
    ----------
    before, after : sequence of array_like of bool
        What `dead_units` returned for the same network and examples, before and after training.

    Returns
    -------
    UnitTransitions
        One share for each replica and layer.

    Raises
    ------
    ValueError
        If the two do not belong to networks of the same shape.
    TypeError
        If something else than bool tells whether a unit is dead.

    Examples
    --------
    >>> before, after = np.array([True, True, False, False]), np.array([True, False, True, True])
    >>> found = unit_transitions([before], [after])
    >>> found.born_dead, found.died, found.revived
    (array([0.5]), array([0.5]), array([0.25]))
    """
    moments = [[np.asarray(layer) for layer in moment] for moment in (before, after)]
    shapes = [[layer.shape for layer in moment] for moment in moments]
    if shapes[0] != shapes[1] or not shapes[0]:
        raise ValueError(
            f"dead units of shapes {shapes[0]} before and {shapes[1]} after; both must come from "
            f"the same network"
        )
    kinds = {str(layer.dtype) for moment in moments for layer in moment}
    if kinds != {"bool"}:
        raise TypeError(f"dead units are {', '.join(sorted(kinds))}; expected bool")
    pairs = list(zip(*moments, strict=True))
    return UnitTransitions(
        born_dead=_stack(b.mean(axis=-1) for b, _ in pairs),
        died=_stack((a & ~b).mean(axis=-1) for b, a in pairs),
        revived=_stack((b & ~a).mean(axis=-1) for b, a in pairs),
    )


# ---------------------------------------------------------------------------------------------
# Are the gradients right?
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GradientCheck:
    """How far the gradients of a network are from the differences of its loss.

    Attributes
    ----------
    errors : dict of str to ndarray
        For each parameter by name, the largest relative error among its numbers, one for each
        replica: shape ``(...)``. NaN where a loss or a gradient is not finite.
    step : float
        By which the parameters were moved, up to their size; see `check_gradients`.
    """

    errors: dict[str, Array]
    step: float

    @property
    def largest(self) -> Any:
        """The largest error of all parameters, one for each replica."""
        return np.max(list(self.errors.values()), axis=0)

    def __str__(self) -> str:
        """Return a table: a line for each parameter, the largest error over replicas."""
        worst = {name: f"{errors.max(initial=0):.1e}" for name, errors in self.errors.items()}
        lines = [("parameter", "error"), *worst.items()]
        return "\n".join(f"{name:<16}{error:>8}" for name, error in lines)


def check_gradients(
    network: Network,
    x: ArrayLike,
    y: ArrayLike,
    loss: str | Loss = "cross_entropy",
    *,
    step: float | None = None,
    training: bool = False,
) -> GradientCheck:
    r"""Hold the gradients of a network against central differences of its loss.

    Each parameter :math:`\theta` is moved up and down by :math:`h`, which gives the difference
    :math:`n`; backward gives the gradient :math:`a`. The relative error is

    .. math::

        n = \frac{L(\theta + h) - L(\theta - h)}{2h}, \qquad
        \frac{|a - n|}{\max(|a|, |n|, L / 1000, 1 / 1000)}

    with the larger of the two losses for :math:`L`. Where gradients are right, it is about
    :math:`10^{-7}` or less; a wrong factor or sign makes it many times larger.

    Parameters
    ----------
    network : Network
        In float64, and small: each of its numbers costs two forward passes, in all replicas at
        once. It is left as it is: a copy is moved.
    x, y : array_like
        A batch, as for training. A few examples are enough.
    loss : str or Loss
        A name of `course_lib.network.LOSSES`.
    step : float, optional
        :math:`h` is the step times the parameter's size, or times 1 where that is larger. By
        default the cube root of the machine epsilon, :math:`6 \cdot 10^{-6}`, where what rounding
        adds, which grows with 1/h, and what the differences leave out, which grows with h², are
        about the same.
    training : bool
        The mode of layers that work differently while they learn. Dropout then drops the same in
        each pass.

    Returns
    -------
    GradientCheck
        One number for each parameter and replica.

    Raises
    ------
    TypeError
        If the network is none of `course_lib.network`, or does not compute in float64.
    ValueError
        If the step is not a finite number, large enough to move a parameter, two layers hold the
        same array, a parameter lacks the axes of the replicas, or a layer left no gradient for one,
        or one of another shape.
    KeyError, TypeError, ValueError
        As `Network.loss_and_gradients`.

    Notes
    -----
    Gradients far below the loss vanish in the rounding of its differences, and those near 0 in what
    the differences leave out. Errors are therefore never counted in units smaller than a thousandth
    of the loss, or of 1 where the loss is smaller.

    What such a check cannot see:

    - A forward that is wrong, with the backward that belongs to it: their gradients agree.
    - Anything at a kink: a step across it, such as the one of ReLU at 0, gives a mean of both
      slopes. Errors that a smaller step makes disappear come from there.
    - What the batch does not reach: behind a dead unit, a wrong gradient is 0 like the right one.
    - A layer that draws from a generator which a copy of it does not have: it gives differences
      that are noise.

    Examples
    --------
    >>> from course_lib.network import mlp
    >>> network = mlp([2, 3, 2], "tanh", seed=range(4))
    >>> found = check_gradients(network, np.array([[0.5, -1.0], [2.0, 0.1]]), [0, 1])
    >>> list(found.errors), bool((found.largest < 1e-6).all())
    (['0.weight', '0.bias', '2.weight', '2.bias'], True)
    """
    _check_network_of_float64(network)
    step = float(np.cbrt(np.finfo(np.float64).eps)) if step is None else _check_step(step)
    network = copy.deepcopy(network)
    rule = get_loss(loss)

    def fresh() -> Network:
        # a pass in training mode moves running averages and generators, which a copy takes along
        return copy.deepcopy(network) if training else network

    def losses() -> Array:
        return np.asarray(rule.function(fresh().forward(x, training=training), y))

    with np.errstate(all="ignore"):  # an explosion is a result
        _, gradients = fresh().loss_and_gradients(x, y, rule, training=training)
        _check_gradients_fit(network, gradients)
        errors = {
            name: _largest_error(value, gradients[name], losses, step, len(network.replicas))
            for name, value in network.parameters.items()
        }
    return GradientCheck(errors, step)


def _check_network_of_float64(network: Any) -> None:
    if not isinstance(network, Network):
        raise TypeError(
            f"network is a {type(network).__name__}; expected a course_lib.network.Network, and "
            f"for PyTorch there is torch.autograd.gradcheck"
        )
    if network.dtype != np.float64:
        raise TypeError(
            f"the network computes in {network.dtype}, whose rounding hides the differences; "
            f"build it with dtype=np.float64 and give that its parameters: "
            f"load_parameters(network.parameters)"
        )
    check_untied(network.layers)
    check_replicated(network.layers, network.replicas)


def _check_step(step: float) -> float:
    check_number("step", step, above=0)
    least = np.finfo(np.float64).eps
    if step < least:
        raise ValueError(
            f"step is {step!r}, which rounding may take away from a parameter; expected "
            f"numbers from {least:.1e} on, such as 1e-5"
        )
    return float(step)


def _check_gradients_fit(network: Network, gradients: dict[str, Array]) -> None:
    """Raise ValueError unless there is a gradient for each number of each parameter."""
    for name, value in network.parameters.items():
        if name not in gradients:
            raise ValueError(f"backward left no gradient of {name}; its layer must fill gradients")
        if gradients[name].shape != value.shape:
            raise ValueError(
                f"{name} has shape {value.shape} and its gradient {gradients[name].shape}; they "
                f"must be the same"
            )


def _largest_error(
    value: Array, gradient: Array, losses: Callable[[], Array], step: float, leading: int
) -> Array:
    """Move the numbers of a parameter, which is put back, and return the largest error."""
    largest = np.zeros(value.shape[:leading])
    for place in np.ndindex(value.shape[leading:]):
        here = (..., *place)
        before = value[here].copy()
        move = step * np.maximum(np.abs(before), 1)
        up, down = before + move, before - move  # rounded: their distance is not quite 2 h
        value[here] = up
        above = losses()
        value[here] = down
        below = losses()
        value[here] = before
        numeric, analytic = (above - below) / (up - down), gradient[here]
        floor = np.maximum(np.maximum(np.abs(above), np.abs(below)), 1) / 1000
        scale = np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), floor)
        largest = np.maximum(largest, np.abs(analytic - numeric) / scale)
    return largest
