"""Early stopping: which replicas go on, and which epoch was the best of each."""

from collections.abc import Sequence

import numpy as np

from course_lib._checks import as_number, check_integer
from course_lib._typing import Array, PerReplica

__all__ = ["EarlyStopping", "check_patience"]


class EarlyStopping:
    """Which replicas go on, and the best epoch of each so far.

    Parameters
    ----------
    patience : int or None
        A replica stops when its loss was for so many epochs not below its best; None lets all go
        on, and the last epoch is the best.
    replicas : sequence of int
        The leading axes.
    min_delta : float
        A loss is better only if it is below the best so far by more than that.

    Attributes
    ----------
    running : ndarray of bool
        Whether a replica goes on.
    epochs : ndarray of int
        How many each has learned.
    best_epoch : ndarray of int
        Which of them was the best, counted from 1.

    Examples
    --------
    >>> stopping = EarlyStopping(1, [2])
    >>> stopping.after_epoch(np.array([0.5, 0.5]))
    array([ True,  True])
    >>> stopping.after_epoch(np.array([0.4, 0.6]))
    array([ True, False])
    >>> stopping.running, stopping.best_epoch
    (array([ True, False]), array([2, 1]))
    """

    def __init__(
        self, patience: int | None, replicas: Sequence[int], min_delta: float = 0.0
    ) -> None:
        self.patience = None if patience is None else int(patience)
        self.min_delta = float(min_delta)
        self.running: Array = np.ones(replicas, bool)
        self.epochs: Array = np.zeros(replicas, int)
        self.best_epoch: Array = np.zeros(replicas, int)
        self._best: Array = np.full(replicas, np.inf)
        self._waited: Array = np.zeros(replicas, int)

    def after_epoch(self, loss: PerReplica | float) -> Array:
        """Take in the latest validation loss; return which replicas are in their best state."""
        if self.patience is None:
            loss = np.nan  # counts as none
        self.epochs = self.epochs + self.running
        better = self.running & (loss < self._best - self.min_delta)  # NaN never is
        self._best = np.where(better, loss, self._best)
        self._waited = np.where(better, 0, self._waited + 1)
        # as long as no loss was finite, the latest epoch is as good as any
        at_best = np.asarray(better | (self.running & (self._best == np.inf)))
        self.best_epoch = np.where(at_best, self.epochs, self.best_epoch)
        if self.patience is not None:
            self.running = self.running & (self._waited < self.patience)
        return at_best


def check_patience(patience: int | None, validation: object, min_delta: float = 0.0) -> None:
    """Raise ValueError unless it is None, or an integer above 0 with validation data."""
    as_number("min_delta", min_delta, least=0)
    if patience is None:
        if min_delta:
            raise ValueError(
                f"min_delta is {min_delta}, but there is no patience that it would tell what is "
                f"better; pass patience too"
            )
        return
    check_integer("patience", patience)
    if validation is None:
        raise ValueError(
            f"patience is {patience}, but no validation data say when to stop; pass "
            f"validation=(x, y) with examples that are not trained on"
        )
