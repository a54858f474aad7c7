"""What happened during a training: a `History`, the `Record` it is made of, and each `Epoch`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import check_type
from course_lib._typing import Array, PerReplica
from course_lib.network._state import VERSION, as_arrays, check_state
from course_lib.training.stopping import EarlyStopping

__all__ = ["Callback", "Epoch", "History", "Record", "check_history", "ends_training"]

_COLUMNS = ("train_loss", "validation_loss", "validation_accuracy", "best_epoch")


@dataclass(frozen=True, eq=False)
class History:
    """What happened during a training, the replica axis first and the epochs last.

    Attributes
    ----------
    train_loss : ndarray, shape (..., epochs)
        Mean loss of the epoch's batches, each taken before its step.
    validation_loss, validation_accuracy : ndarray, shape (..., epochs) or (..., 0)
        After each epoch; without columns where no validation data were given. Accuracy is NaN for
        the mean squared error.
    steps : int
        Updates made.
    best_epoch : ndarray of int, shape (...)
        The epoch, counted from 1, whose weights the network has at the end: the last, or with
        patience the one of the lowest validation loss.
    patience : int or None
        As `fit` was given it.
    last : dict of str to ndarray
        With patience, the parameters and running averages after the last epoch, from which a
        training goes on; empty without, for then the network has them.
    min_delta : float
        As `fit` was given it.

    Notes
    -----
    With patience, ``epochs`` counts those until the last replica stopped. A replica that stopped
    earlier has NaN from there on.

    Examples
    --------
    >>> from course_lib.network import mlp
    >>> from course_lib.training import SGD, fit
    >>> network, setting = mlp([1, 1]), {"optimizer": SGD(0.1), "loss": "mean_squared_error"}
    >>> history = fit(network, [[1.0]], [[0.0]], **setting, epochs=2)
    >>> again = History.from_state_dict(history.state_dict())  # as np.savez stores it
    >>> fit(network, [[1.0]], [[0.0]], **setting, epochs=3, history=again).train_loss.shape
    (5,)
    """

    train_loss: Array
    validation_loss: Array
    validation_accuracy: Array
    steps: int
    best_epoch: Array
    patience: int | None = None
    last: Mapping[str, Array] = field(default_factory=dict, repr=False)
    min_delta: float = 0.0

    def state_dict(self) -> dict[str, Array]:
        """Return all of it as arrays of numbers, for ``np.savez(file, **state)``.

        Returns
        -------
        dict of str to ndarray
            The attributes by name, a patience of None as 0; what is in `last` as
            ``"last.<name>"``; and the ``"version"`` of this form.
        """
        state = {name: np.array(getattr(self, name)) for name in _COLUMNS}
        state |= {"steps": np.array(self.steps), "patience": np.array(self.patience or 0)}
        state |= {"min_delta": np.array(self.min_delta)}
        state |= {f"last.{name}": value.copy() for name, value in self.last.items()}
        return state | {"version": VERSION.copy()}

    @classmethod
    def from_state_dict(cls, state: Mapping[str, ArrayLike]) -> "History":
        """Return the history of a `state_dict`, or of what ``np.load`` opened.

        Parameters
        ----------
        state : mapping of str to array_like
            As `state_dict` returns it. In those of earlier releases ``"min_delta"``, which was 0,
            may be missing.

        Returns
        -------
        History
            Equal to the one whose state it is.

        Raises
        ------
        ValueError
            If entries are missing, unknown or of another version, or their shapes or values do not
            go together, all of which are named.
        TypeError
            If it is not a mapping, or an entry is not numeric.
        """
        arrays = {"min_delta": np.array(0.0)} | as_arrays(state)
        last = {name: None for name in arrays if name.startswith("last.")}
        names = [*_COLUMNS, "steps", "patience", "min_delta"]
        check_state("a history", arrays, dict.fromkeys(names) | last)
        if problems := _contradictions(arrays):
            raise ValueError(f"the state does not fit a history: {'; '.join(problems)}")
        return cls(
            **{name: arrays[name].copy() for name in _COLUMNS},
            steps=int(arrays["steps"]),
            patience=int(arrays["patience"]) or None,
            last={name.removeprefix("last."): arrays[name].copy() for name in last},
            min_delta=float(arrays["min_delta"]),
        )


def _contradictions(state: Mapping[str, Array]) -> list[str]:
    """Return the problems of a history's state: wrong counts, dtypes, or shapes that do not fit.

    Examples
    --------
    >>> losses, none = np.ones((2, 3)), np.ones((2, 0))
    >>> history = History(losses, none, none, steps=3, best_epoch=np.array([3, 1]))
    >>> _contradictions(history.state_dict() | {"steps": np.array(-1)})
    ['steps is -1, expected one integer from 0 on']
    """
    problems = [
        f"{name} is {state[name]}, expected one integer from 0 on"
        for name in ("steps", "patience")
        if state[name].ndim or state[name].dtype.kind not in "iu" or state[name] < 0
    ]
    least = state["min_delta"]
    if least.ndim or not 0 <= least < np.inf:
        problems.append(f"min_delta is {least}, expected one number from 0 on")
    train, best = state["train_loss"], state["best_epoch"]
    if train.dtype.kind != "f" or train.ndim == 0:
        return [*problems, f"train_loss is {_form(train)}, expected floats of shape (..., epochs)"]
    for name in ("validation_loss", "validation_accuracy"):
        shapes = train.shape, (*train.shape[:-1], 0)
        if state[name].dtype.kind != "f" or state[name].shape not in shapes:
            problems.append(f"{name} is {_form(state[name])}, expected floats of shape {shapes[0]}")
    if state["validation_loss"].shape != state["validation_accuracy"].shape:
        problems.append("validation_loss and validation_accuracy have different shapes")
    if best.dtype.kind not in "iu" or best.shape != train.shape[:-1]:
        problems.append(f"best_epoch is {_form(best)}, expected integers of {train.shape[:-1]}")
    elif ((best < 0) | (best > train.shape[-1])).any():
        problems.append(f"best_epoch is {best}, expected integers from 0 to {train.shape[-1]}")
    return problems


def _form(values: Array) -> str:
    return f"{values.dtype} of shape {values.shape}"


@dataclass(frozen=True, eq=False)
class Epoch:
    """What `fit` tells its callback after an epoch: numbers of one epoch, one for each replica.

    Attributes
    ----------
    number : int
        Counted from 1; a training that goes on counts on.
    steps : int
        Updates made so far.
    train_loss : ndarray or scalar
        As in `History`, the mean loss of the epoch's batches. Here and below one number for each
        replica; NaN for those that had stopped before this epoch.
    validation_loss, validation_accuracy : ndarray or scalar, or None
        After the epoch; None without validation data.
    best_epoch : ndarray of int
        Which epoch was the best of each replica so far; without patience, the latest.
    running : ndarray of bool
        Whether a replica goes on; with patience, False from the epoch on in which it stops.

    Examples
    --------
    >>> from course_lib.network import mlp
    >>> from course_lib.training import SGD, fit
    >>> seen = []
    >>> history = fit(
    ...     mlp([1, 1]), [[1.0]], [[0.0]], optimizer=SGD(0.1), loss="mean_squared_error", epochs=3,
    ...     callback=lambda network, epoch: seen.append((epoch.number, epoch.steps)),
    ... )
    >>> seen
    [(1, 1), (2, 2), (3, 3)]
    """

    number: int
    steps: int
    train_loss: PerReplica
    validation_loss: PerReplica | None = None
    validation_accuracy: PerReplica | None = None
    best_epoch: Array = field(kw_only=True)
    running: Array = field(kw_only=True)


Callback = Callable[[Any, Epoch], Any]
"""What `fit` calls after each epoch, with the network and the epoch; True ends the training."""


def ends_training(callback: Callback, network: Any, epoch: Epoch) -> bool:
    """Call a callback; return whether it returned True.

    Raises
    ------
    TypeError
        If it returned something else than True, False or None.
    """
    wanted = callback(network, epoch)
    if wanted is None or isinstance(wanted, bool | np.bool):
        return bool(wanted)
    raise TypeError(
        f"callback returned {wanted!r} after epoch {epoch.number}; expected True to end the "
        f"training, or False or None to go on; with replicas, such as (...).all()"
    )


class Record:
    """The epochs of a training, one number for each replica at a time.

    Attributes
    ----------
    train_loss, validation_loss, validation_accuracy : list
        One entry for each epoch; the last two empty without validation data.
    steps : int
        Updates made.
    """

    def __init__(self, history: History | None = None) -> None:
        self.train_loss: list[PerReplica | float] = []
        self.validation_loss: list[PerReplica | float] = []
        self.validation_accuracy: list[PerReplica | float] = []
        self.steps = 0
        if history is not None:
            self.train_loss += list(np.moveaxis(history.train_loss, -1, 0))
            self.validation_loss += list(np.moveaxis(history.validation_loss, -1, 0))
            self.validation_accuracy += list(np.moveaxis(history.validation_accuracy, -1, 0))
            self.steps = history.steps

    def as_history(self, stopping: EarlyStopping, last: Mapping[str, Array]) -> History:
        """Stack the epochs as the last axis; those after a replica's stop are NaN."""
        train = np.stack(self.train_loss, axis=-1)
        empty = np.empty((*train.shape[:-1], 0))
        loss, accuracy = (
            np.stack(epochs, axis=-1) if epochs else empty
            for epochs in (self.validation_loss, self.validation_accuracy)
        )
        for columns in (train, loss, accuracy):
            columns[np.arange(columns.shape[-1]) >= stopping.epochs[..., np.newaxis]] = np.nan
        return History(
            train, loss, accuracy, self.steps, stopping.best_epoch, stopping.patience, last,
            stopping.min_delta,
        )  # fmt: skip

    def as_epoch(self, went_on: Array, stopping: EarlyStopping) -> Epoch:
        """Return the latest epoch; NaN for the replicas that had stopped before it."""
        latest = [self.train_loss[-1]]
        if self.validation_loss:
            latest += [self.validation_loss[-1], self.validation_accuracy[-1]]
        shown = [np.where(went_on, values, np.nan)[()] for values in latest]
        return Epoch(
            len(self.train_loss), self.steps, *shown,
            best_epoch=stopping.best_epoch.copy(), running=stopping.running.copy(),
        )  # fmt: skip


def check_history(
    history: History | None,
    replicas: tuple[int, ...],
    patience: int | None,
    validation: object,
    min_delta: float = 0.0,
) -> None:
    """Raise an error unless it is None, or a history that these settings continue."""
    if history is None:
        return
    expected = "what an earlier fit returned, or History.from_state_dict"
    check_type("history", history, History, expected)
    shape, columns = history.train_loss.shape, history.validation_loss.shape[-1]
    if shape[:-1] != replicas:
        raise ValueError(f"history has replicas {shape[:-1]}, and this network {replicas}")
    if history.patience != patience:
        raise ValueError(
            f"history was made with patience {history.patience}, and this call has {patience}; "
            f"pass the same to go on"
        )
    if history.min_delta != min_delta:
        raise ValueError(
            f"history was made with min_delta {history.min_delta}, and this call has {min_delta}; "
            f"pass the same to go on"
        )
    if (validation is None) == bool(columns):
        given = "validation losses" if columns else "no validation losses"
        raise ValueError(
            f"history has {given}, and validation is {'None' if columns else 'given'}; pass "
            f"validation data in all calls or in none"
        )
