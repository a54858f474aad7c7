"""Training by parts: some replicas at a time, where all at once would need too much memory.

In a step, every layer remembers something of every replica, and there are gradients of all. None of
it is needed twice: here a part of the replicas goes forward, backward and, with the optimizers of
this package, moves, before the next part begins. Each replica sees the same operations on the same
numbers, so that the results have the same bits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from course_lib._typing import Array, PerReplica
from course_lib.network import LOSSES, Dense, Loss, Network
from course_lib.network.layers import walk
from course_lib.network.layers.sequence import has_part
from course_lib.training.batches import take
from course_lib.training.clipping import clip_norm, clip_value
from course_lib.training.loop import Settings
from course_lib.training.optimizers import Optimizer
from course_lib.training.scores import accuracy_for
from course_lib.training.stepping import Stepping

__all__ = ["BUDGET", "Parts", "parts_of"]

BUDGET = 2**27
"""How many bytes a part may need at a time, 128 MiB. Smaller parts are not faster: what NumPy does
for each call costs more than a cache saves, down to parts of a few MB."""

_NUMBERS = 3
"""How many numbers of 8 bytes each output of a layer takes at a time, at most (2.4 measured)."""


def parts_of(network: Network, loss: Loss, rows: int) -> list[slice]:
    """Return which replicas go together, so that a batch of so many rows keeps to the budget.

    All of them where they fit, or cannot be taken apart: with a layer of a user's own without a
    method ``part``, or a loss of a user's own, which may look at all replicas.

    Examples
    --------
    >>> from course_lib.network import get_loss, mlp
    >>> network = mlp([784, 256, 10], seed=range(64), dtype=np.float32)
    >>> [len(parts_of(network, get_loss("cross_entropy"), rows)) for rows in (64, 10000)]
    [2, 64]
    """
    count = network.replicas[0] if network.replicas else 1
    together = max(1, BUDGET * count // max(1, needed(network, rows)))
    if together >= count or not _can_be_cut(network, loss):
        return [slice(0, count)]
    return [slice(start, start + together) for start in range(0, count, together)]


def needed(network: Network, rows: int) -> int:
    """Return how many bytes a step with so many rows in a batch needs, at most.

    Parameters, what the optimizer remembers and the data are not counted.
    """
    features = network.sizes[0]
    outputs = features  # where each replica has examples of its own, they are gathered
    for _, layer in walk(network.layers):
        if isinstance(layer, Dense):
            features = layer.parameters["weight"].shape[-1]
        outputs += features
    gradients = sum(value.nbytes for value in network.parameters.values())
    return prod(network.replicas) * rows * outputs * _NUMBERS * 8 + 2 * gradients


def _can_be_cut(network: Network, loss: Loss) -> bool:
    """Return whether some replicas of a network can learn while the others wait."""
    own = getattr(loss.function, "func", loss.function)  # without parameters that are fixed
    known = loss.kind in LOSSES and own is LOSSES[loss.kind].function
    return known and type(network) is Network and all(map(has_part, network.layers))


@dataclass(eq=False, repr=False)
class Parts:
    """A network that learns some replicas at a time, or all at once.

    Parameters
    ----------
    whole : Network
        All replicas.
    slices : sequence of slice
        Which of them go together.
    loss : Loss
        What is minimized.
    settings : Settings
        With the limits of the gradients.
    """

    whole: Network
    slices: Sequence[slice]
    loss: Loss
    settings: Settings

    def step(self, optimizer: Optimizer, x: Array, y: Array, index: Array | None) -> PerReplica:
        """Make one step for all replicas on the examples of an index; return their losses.

        All are examples without an index; x and y have the leading axes of replicas with their own.
        """
        if self._goes_at_once():
            value, gradients = self._gradients(self.whole, x, y, index)
            self._clip(gradients)
            optimizer.step(self.whole.parameters, gradients)
            return value
        if isinstance(optimizer, Stepping) and type(optimizer).step is Stepping.step:
            return self._move_by_parts(optimizer, x, y, index)
        return self._move_at_once(optimizer, x, y, index)

    def _goes_at_once(self) -> bool:
        """Return whether there is one part, or a callback has replaced what has no parts."""
        return len(self.slices) == 1 or not _can_be_cut(self.whole, self.loss)

    def _move_by_parts(
        self, optimizer: Stepping, x: Array, y: Array, index: Array | None
    ) -> PerReplica:
        """Let each part move before the next one goes forward."""
        values, begun = [], None
        for part, replicas in self._parts():
            value, gradients = self._gradients(part, *self._own(replicas, x, y, index))
            self._clip(gradients)
            # nothing is counted before something can move
            begun = optimizer.begin(self.whole.parameters) if begun is None else begun
            optimizer.move_part(begun, replicas, gradients)
            values.append(value)
        return np.concatenate(values)

    def _move_at_once(
        self, optimizer: Optimizer, x: Array, y: Array, index: Array | None
    ) -> PerReplica:
        """Collect the gradients of all parts for an optimizer that needs them together."""
        parameters = self.whole.parameters
        values: list[PerReplica] = []
        gathered = {name: np.empty_like(value) for name, value in parameters.items()}
        for part, replicas in self._parts():
            value, gradients = self._gradients(part, *self._own(replicas, x, y, index))
            for name, gradient in gradients.items():
                gathered[name][replicas] = gradient
            values.append(value)
        self._clip(gathered)
        optimizer.step(parameters, gathered)
        return np.concatenate(values)

    def _gradients(
        self, network: Network, x: Array, y: Array, index: Array | None
    ) -> tuple[PerReplica, dict[str, Array]]:
        """Return the losses and gradients of a network on the examples of an index, or on all."""
        if index is not None:
            x, y = take(x.shape[:-2], index, x, y)
        return network.loss_and_gradients(x, y, self.loss)

    def measure(self, x: Array, y: Array) -> tuple[PerReplica, PerReplica]:
        """Return loss and accuracy of all replicas."""
        if self._goes_at_once():
            return self._measured(self.whole, x, y)
        measured = [
            self._measured(part, *self._own(replicas, x, y, None)[:2])
            for part, replicas in self._parts()
        ]
        losses, accuracies = zip(*measured, strict=True)
        return np.concatenate(losses), np.concatenate(accuracies)

    def _measured(self, network: Network, x: Array, y: Array) -> tuple[PerReplica, PerReplica]:
        outputs = network(x)
        return self.loss.function(outputs, y), accuracy_for(self.loss, outputs, y)

    def _own(
        self, replicas: slice, x: Array, y: Array, index: Array | None
    ) -> tuple[Array, Array, Array | None]:
        """Return the data and the index of some replicas, where each has its own."""
        labels = self.loss.kind == "cross_entropy" and y.dtype.kind != "f"
        return (
            x[replicas] if x.ndim > 2 else x,
            y[replicas] if y.ndim > (1 if labels else 2) else y,
            index[replicas] if index is not None and index.ndim > 1 else index,
        )

    def _clip(self, gradients: dict[str, Array]) -> None:
        if self.settings.clip_value is not None:
            clip_value(gradients, self.settings.clip_value)
        if self.settings.clip_norm is not None:
            clip_norm(gradients, self.settings.clip_norm)

    def _parts(self) -> Iterator[tuple[Network, slice]]:
        """Yield the parts with their replicas, each new, for it remembers its forward pass."""
        parts = [(self.whole.part(replicas), replicas) for replicas in reversed(self.slices)]
        while parts:
            yield parts.pop()
