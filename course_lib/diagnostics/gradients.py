r"""The check of gradients by central differences."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_number
from course_lib._typing import Array, PerReplica
from course_lib.network import Loss, Network, get_loss
from course_lib.network.layers import check_replicated, check_untied

__all__ = ["GradientCheck", "check_gradients"]


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
    def largest(self) -> PerReplica:
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
    r"""Compare the gradients of a network with central differences of its loss.

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
        A name of `course_lib.network.LOSSES`, also with parameters, such as
        ``"cross_entropy(label_smoothing=0.1)"``; or what `course_lib.network.get_loss` returns.
    step : float, optional
        :math:`h` is the step times the parameter's size, or times 1 where that is larger. By
        default the cube root of the machine epsilon, :math:`6 \cdot 10^{-6}`, where the
        rounding error, which grows with 1/h, and the truncation error, which grows with h², are
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
        If the network is not one of `course_lib.network`, or does not compute in float64.
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
      derivatives. Errors that a smaller step makes disappear come from there.
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
    row = get_loss(loss)

    def fresh() -> Network:
        # a pass in training mode moves running averages and generators, which a copy takes along
        return copy.deepcopy(network) if training else network

    def losses() -> Array:
        return np.asarray(row.function(fresh().forward(x, training=training), y))

    with np.errstate(all="ignore"):  # an explosion is a result
        _, gradients = fresh().loss_and_gradients(x, y, row, training=training)
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
    as_number("step", step, above=0)
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
