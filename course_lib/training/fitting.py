"""`fit` for the networks of NumPy: all replicas of one at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_array, check_finite, check_type
from course_lib._typing import Array, PerReplica
from course_lib.network import BatchNorm, Loss, Network, get_loss
from course_lib.network.layers import check_replicated, check_untied, walk
from course_lib.training.arguments import (
    as_pair,
    check_fit_arguments,
    check_smallest_batch,
    check_targets,
)
from course_lib.training.batches import Batches, order_seeds
from course_lib.training.history import Callback, History
from course_lib.training.loop import Settings, train
from course_lib.training.optimizers import Optimizer
from course_lib.training.parts import Parts, parts_of
from course_lib.training.stepping import check_moves

__all__ = ["fit"]


def fit(
    network: Network,
    x: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: Optimizer,
    loss: str | Loss = "cross_entropy",
    epochs: int = 1,
    batch_size: int | None = 64,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    patience: int | None = None,
    min_delta: float = 0.0,
    seed: int | np.random.SeedSequence | Sequence[int] = 0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    history: History | None = None,
    callback: Callback | None = None,
    progress: bool = True,
) -> History:
    """Train a network, in place.

    Batches pass the network in training mode, validation data in evaluation mode; see
    `course_lib.network.Network.forward`.

    Parameters
    ----------
    network : Network
        All its replicas are trained, at once or, where memory ends, some at a time; see Notes.
    x : array_like, shape (examples, features) or (..., examples, features)
        In the network's dtype; with the leading axes of the replicas, each learns from data of its
        own. A view such as ``np.broadcast_to(x, (replicas, *x.shape))`` is not copied as a whole.
    y : array_like, shape (examples,) or (examples, outputs)
        Labels, soft labels or targets, as the loss wants them; with leading axes if, and only if,
        `x` has them.
    optimizer : Optimizer
        Such as ``SGD(0.1)`` or ``Adam()``.
    loss : str or Loss
        A name of `course_lib.network.LOSSES`, also with parameters, such as
        ``"cross_entropy(label_smoothing=0.1)"``; or what `course_lib.network.get_loss` returns.
    epochs : int
        Passes over the data; with a history, so many more.
    batch_size : int or None
        Examples for each update; None for all.
    validation : (x, y), optional
        Looked at after each epoch, never learned from; with leading axes or without.
    patience : int, optional
        Early stopping: a replica whose validation loss was for so many epochs not below its best
        has stopped, and when all have, the training ends. Each replica then has the weights and
        running averages of its best epoch up to its own stop, as if trained alone; one without any
        finite validation loss has those it stopped with.
    min_delta : float
        With patience, a loss is below the best so far only if it is so by more than that.
    seed : int or sequence of int
        Order of the batches. One number: all replicas see the same order, which is fast and
        isolates what the initial weights do. One for each replica: each has its own order, and
        equals that network trained alone with that seed.
    clip_norm, clip_value : float, optional
        Limits for the gradients of each step; see the functions of these names. Where both are
        given, values are clipped first.
    history : History, optional
        What an earlier call returned, to continue its training: the order of the batches and the
        count of the patience go on where they stood. See the notes. Without it a call begins a
        training of its own, whose first epoch has the first order of the seed.
    callback : callable, optional
        Called after each epoch as ``callback(network, epoch)``; see `Epoch` and the notes. The
        training ends when it returns True.
    progress : bool
        Show a bar where someone can see it: in a terminal or a notebook. Setting the environment
        variable ``TQDM_DISABLE=1`` silences it everywhere.

    Returns
    -------
    History
        Losses and accuracies by epoch; those of `history` come first.

    Raises
    ------
    ValueError
        If there are no examples, a number in x or in the targets is not finite, lengths or shapes
        do not fit, a number is below 1, a limit is not a finite number above 0, there is patience
        without validation data or `min_delta` without patience, a network with batch normalization
        would get a single row, two of its layers hold the same array, with patience a parameter
        lacks the axes of the replicas, the optimizer remembers another network, or the history has
        other replicas, another patience or `min_delta`, or validation losses where there are no
        validation data now.
    TypeError
        If the network is not one of `course_lib.network`, or the optimizer's step does not take
        parameters and gradients; or if the callback is not callable, or returns something else than
        True, False or None.
    KeyError, TypeError
        As `Network.forward` and the loss do.

    Notes
    -----
    Training in pieces equals training in one, to the last bit, if each piece is given the history
    of those before, and the same optimizer, data and settings::

        history = None
        for _ in range(10):
            history = fit(network, x, y, optimizer=optimizer, history=history)

    Without ``history``, each of the ten calls would take the batches in the same order, that of the
    first epoch. Between the pieces the training can be stored and go on in another process::

        for name, part in [("network", network), ("optimizer", optimizer), ("history", history)]:
            np.savez(f"{name}.npz", **part.state_dict())

    There, build the same network and optimizer, ``load_state_dict(np.load("network.npz"))``,
    the optimizer likewise, and ``history = History.from_state_dict(np.load("history.npz"))``. With
    patience the network has its best epoch between the pieces, and the history the last one, from
    which the next piece goes on.

    Criteria for early stopping are compared by Prechelt, 1998 :cite:p:`prechelt1998early`. The
    validation data have then chosen an epoch: how good the network is, only others can tell. The
    optimizer remembers the last step, not that of the best epoch.

    The callback comes after the validation, and after patience has judged the epoch and kept the
    weights that are the best so far. It sees the network as the epoch left it, not the best one,
    and what it writes into the parameters is trained on. When it ends the training, that epoch is
    in the history, and with patience each replica gets its best weights, as at any end; the
    training can go on with ``history=``. An error that it raises ends the training like an
    interruption.

    Replicas are trained all at once as long as a step is sure to need at most 128 MiB beside the
    parameters, what the optimizer remembers, and the data: counted are 24 bytes for each example of
    a batch and each output of a layer, and two sets of gradients. Otherwise `fit` takes as many
    replicas at a time as keep to that, or one, whatever it needs; they go forward, backward and
    move before the next ones, and are measured on validation data likewise. All results have the
    same bits. ``network.gradients`` are then those of no step. With an optimizer of your own that
    has a `step` of its own, the gradients of all replicas are collected for it. A network with a
    layer of your own that has no ``part`` (see `course_lib.network.Layer`), or a loss of your own,
    is trained at once. With patience, there is one more copy of the parameters.

    A training that is interrupted, as by Ctrl-C, raises the error and returns no history. The
    network keeps what it learned up to the last step, of which some replicas may have made one more
    where they are trained by parts; with patience, each replica has its best epoch so far, or its
    initial weights if no epoch was completed.

    Examples
    --------
    >>> from course_lib import data
    >>> from course_lib.network import mlp
    >>> from course_lib.training import SGD, accuracy
    >>> x, y = data.xor()
    >>> network = mlp([2, 8, 2], "tanh", seed=range(3))
    >>> history = fit(network, x, y, optimizer=SGD(1.0), epochs=500, batch_size=None)
    >>> history.train_loss.shape
    (3, 500)
    >>> accuracy(network(x), y)
    array([1., 1., 1.])

    A learning rate that rises and falls, labels that are not quite sure, and an end as soon as all
    replicas are good enough:

    >>> from course_lib.training import Adam, cosine, warmup
    >>> optimizer = Adam(0.1, schedule=warmup(20, cosine(180)))
    >>> history = fit(
    ...     mlp([2, 8, 2], "tanh", seed=range(3)), x, y, optimizer=optimizer, epochs=200,
    ...     batch_size=None, loss="cross_entropy(label_smoothing=0.01)",
    ...     callback=lambda network, epoch: (epoch.train_loss < 0.1).all(),
    ... )
    >>> optimizer.steps == history.steps < 200
    True
    """
    settings = Settings(
        epochs, patience, clip_norm, clip_value, history, progress, callback, min_delta
    )
    found = get_loss(loss)
    # everything is looked at before anything is trained
    expected = "a course_lib.network.Network; course_lib.pytorch.fit trains PyTorch modules"
    check_type("network", network, Network, expected)
    x, y = network.check_input(x), as_array("y", y)
    check_fit_arguments(x, y, optimizer, epochs, batch_size, network.replicas)
    settings.check(network.replicas, validation)
    check_untied(network.layers)
    if patience is not None:
        check_replicated(network.layers, network.replicas)  # what they share has no best epoch
    check_moves(optimizer, network.parameters)
    n, own = x.shape[-2], x.shape[:-2]
    check_smallest_batch(network, n, batch_size)
    check_finite("x", x)
    check_finite("y", y)
    outputs = network.outputs or network(x[..., :1, :]).shape[-1]  # or what one example gives
    check_targets(y, (n, outputs), found, own, network.dtype)
    learner = _Learner(network, x, y, found, optimizer, batch_size, settings)
    if validation is not None:
        learner.validate_with(*as_pair(validation))
    return train(learner, Batches(n, batch_size, order_seeds(seed, network.replicas)), settings)


@dataclass(eq=False, repr=False)
class _Learner:
    """A NumPy network with the data that it learns from, for the loop over epochs.

    x is ``(*own, examples, features)``, where own are the replicas with data of their own.
    """

    network: Network
    x: Array
    y: Array
    loss: Loss
    optimizer: Optimizer
    batch_size: int | None
    settings: Settings
    validation: tuple[Array, Array] | None = None

    @property
    def replicas(self) -> tuple[int, ...]:
        return self.network.replicas

    def validate_with(self, x: ArrayLike, y: ArrayLike) -> None:
        """Check and keep the validation data."""
        inputs, labels = self.network.check_input(x), as_array("y of the validation data", y)
        check_finite("x of the validation data", inputs)
        check_finite("y of the validation data", labels)
        self.validation = inputs, labels
        self.evaluate()

    def train_epoch(self, batches: Iterable[Array]) -> PerReplica | float:
        total: PerReplica | float = 0.0
        for index in batches:
            given = None if self.batch_size is None else index
            value = self._learning.step(self.optimizer, self.x, self.y, given)
            total = total + value * index.shape[-1]
        return total

    @cached_property
    def _learning(self) -> Parts:
        """The network in parts for a batch."""
        examples = self.x.shape[-2]
        return self._parts(min(self.batch_size or examples, examples))

    @cached_property
    def _measuring(self) -> Parts:
        """The network in parts for the validation data."""
        assert self.validation is not None
        return self._parts(self.validation[0].shape[-2])

    def _parts(self, rows: int) -> Parts:
        slices = parts_of(self.network, self.loss, rows)
        return Parts(self.network, slices, self.loss, self.settings)

    def evaluate(self) -> tuple[PerReplica, PerReplica] | None:
        if self.validation is None:
            return None
        return self._measuring.measure(*self.validation)

    def state(self) -> dict[str, Array]:
        """Return parameters and running averages, the arrays themselves."""
        state = self.network.parameters
        for name, layer in walk(self.network.layers):
            if isinstance(layer, BatchNorm):
                state[f"{name}.running_mean"] = layer.running_mean
                state[f"{name}.running_variance"] = layer.running_variance
        return state

    def load(self, state: Mapping[str, Array]) -> None:
        for name, value in self.state().items():
            value[...] = state[name]
