"""The loop over epochs, which the networks of NumPy and the modules of PyTorch are trained by.

`course_lib.training.fit` and `course_lib.pytorch.fit` check what they are given and hand it to
`train`, each in a `Learner` of its own, which knows how its library makes steps.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from course_lib._checks import as_number, describe
from course_lib._typing import Array, PerReplica
from course_lib.network._state import VERSION, check_state
from course_lib.training.batches import Batches
from course_lib.training.history import Callback, History, Record, check_history, ends_training
from course_lib.training.progress import advance, progress_bar
from course_lib.training.stopping import EarlyStopping, check_patience

__all__ = ["Learner", "Settings", "train"]


class Learner(Protocol):
    """The interface that the loop needs: a network with its data, to be trained and restored."""

    @property
    def network(self) -> Any:
        """What is trained, for the callback."""

    @property
    def replicas(self) -> tuple[int, ...]:
        """The leading axes of every loss and of all arrays of the state."""

    def train_epoch(self, batches: Iterable[Array]) -> PerReplica | float:
        """Make a step for each batch of indices; return the sum of the losses of all examples."""

    def evaluate(self) -> tuple[PerReplica, PerReplica] | None:
        """Return loss and accuracy on the validation data, if there are any."""

    def state(self) -> Mapping[str, Array]:
        """Return what an epoch changes, by name; the arrays themselves or copies."""

    def load(self, state: Mapping[str, Array]) -> None:
        """Overwrite what `state` returns."""


@dataclass(frozen=True, eq=False, repr=False)
class Settings:
    """The arguments of both `fit`s beside the network, the data and the optimizer; see there."""

    epochs: int
    patience: int | None
    clip_norm: float | None
    clip_value: float | None
    history: History | None
    progress: bool
    callback: Callback | None = None
    min_delta: float = 0.0

    def check(self, replicas: tuple[int, ...], validation: object) -> None:
        """Raise an error unless the settings fit the replicas and the validation data."""
        for name in ("clip_norm", "clip_value"):
            if getattr(self, name) is not None:
                as_number(name, getattr(self, name), above=0)
        check_patience(self.patience, validation, self.min_delta)
        check_history(self.history, replicas, self.patience, validation, self.min_delta)
        if self.callback is not None and not callable(self.callback):
            raise TypeError(
                f"callback is {describe(self.callback)}; expected a function of the network and "
                f"the epoch, such as lambda network, epoch: print(epoch.train_loss)"
            )


def train(learner: Learner, batches: Batches, settings: Settings) -> History:
    """Train epoch by epoch until the last is over, all replicas have stopped or a callback says so.

    Parameters
    ----------
    learner : Learner
        The network, its data and what makes its steps.
    batches : Batches
        In whose order it learns; those that a history holds are skipped.
    settings : Settings
        Checked before.

    Returns
    -------
    History
        That of the settings with the epochs of this training behind it.

    Raises
    ------
    ValueError
        With patience, if the last state of the history does not fit the network.
    TypeError
        If the callback returns something else than True, False or None.

    Notes
    -----
    With patience, each replica has the state of its best epoch at the end, however that comes: a
    training that is interrupted leaves the best so far. One that goes on begins with the last state
    that the history holds.
    """
    record = Record(settings.history)
    stopping = EarlyStopping(settings.patience, learner.replicas, settings.min_delta)
    for epoch in range(len(record.train_loss)):
        stopping.after_epoch(record.validation_loss[epoch] if record.validation_loss else np.nan)
    batches.skip(len(record.train_loss))
    bar, best = progress_bar(settings.epochs, settings.progress), _best_state(learner, settings)
    # a diverging replica is a result
    with bar as shown, best as kept, np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for _ in range(settings.epochs):
            if record.train_loss and not stopping.running.any():
                break
            went_on = stopping.running
            record.train_loss.append(learner.train_epoch(batches.epoch()) / batches.n)
            record.steps += batches.in_epoch
            measured = learner.evaluate()
            if measured is not None:
                record.validation_loss.append(measured[0])
                record.validation_accuracy.append(measured[1])
            at_best = stopping.after_epoch(np.nan if measured is None else measured[0])
            _copy(learner, kept, at_best)
            advance(shown, record.train_loss[-1])
            if settings.callback is not None:
                latest = record.as_epoch(went_on, stopping)
                if ends_training(settings.callback, learner.network, latest):
                    break
        last = {} if settings.patience is None else _copies(learner.state())
    return record.as_history(stopping, last)


@contextmanager
def _best_state(learner: Learner, settings: Settings) -> Iterator[dict[str, Array]]:
    """Yield copies of the state; at the end, load what the caller has written into them.

    Without patience nothing is restored, and the mapping is empty.
    """
    if settings.patience is None:
        yield {}
        return
    kept = _copies(learner.state())  # of a training that goes on, the best so far
    if settings.history is not None:
        last = settings.history.last
        check_state("this network", {**last, "version": VERSION}, kept)
        learner.load(last)
    try:
        yield kept
    finally:
        learner.load(kept)


def _copy(learner: Learner, kept: dict[str, Array], at_best: Array) -> None:
    """Copy the states of the replicas whose latest epoch is their best."""
    if kept and at_best.any():
        state = learner.state()
        for name, value in kept.items():
            value[at_best] = state[name][at_best]


def _copies(state: Mapping[str, Array]) -> dict[str, Array]:
    """Return copies of all arrays of a state."""
    return {name: value.copy() for name, value in state.items()}
