"""`fit` and `predict` for modules of PyTorch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from course_lib._checks import check_finite
from course_lib._typing import Array, PerReplica
from course_lib.network import Loss, as_seeds
from course_lib.network.seeds import Seed
from course_lib.pytorch.arguments import (
    Criterion,
    as_targets,
    check_learns,
    check_optimizer,
    loss_and_criterion,
    optimized,
)
from course_lib.pytorch.ensembles import (
    Ensemble,
    check_at_once,
    clip_each,
    each_loss,
    movable,
    pass_gradients,
)
from course_lib.pytorch.schedulers import check_scheduler
from course_lib.pytorch.tensors import array_of, as_array, as_tensor, first_parameter
from course_lib.training import Callback, History
from course_lib.training.arguments import as_pair, check_column, check_fit_arguments
from course_lib.training.batches import Batches, order_seeds
from course_lib.training.loop import Settings, train
from course_lib.training.scores import accuracy_for

__all__ = ["fit", "predict"]


def fit(
    model: nn.Module,
    x: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: torch.optim.Optimizer,
    loss: str | Loss = "cross_entropy",
    epochs: int = 1,
    batch_size: int | None = 64,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    patience: int | None = None,
    min_delta: float = 0.0,
    seed: int | Sequence[int] = 0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    history: History | None = None,
    callback: Callback | None = None,
    progress: bool = True,
    scheduler: LRScheduler | None = None,
) -> History:
    """Train a PyTorch module, in place, on the device where it is; or all members of an ensemble.

    The batches come in the order of `course_lib.training.fit` for the same seed, so that both can
    be compared step by step. What dropout drops comes from PyTorch's random numbers instead, which
    ``torch.manual_seed`` sets.

    Parameters
    ----------
    model : torch.nn.Module
        Maps ``(batch, features)`` to ``(batch, outputs)``; or an `Ensemble` of such modules, whose
        members learn at once, each as if it was trained alone.
    x, y : ndarray or torch.Tensor
        Examples, and labels or targets, as the loss wants them. They are moved to the module's
        device once.
    optimizer : torch.optim.Optimizer
        Made for ``model.parameters()``, or for some of them: the others, and frozen ones, stay what
        they are. Limits of the gradient are for those that learn. For an ensemble, one that moves
        each number by itself, as SGD and Adam do, or one made for `Ensemble.groups`.
    loss : str or Loss
        A name of `course_lib.network.LOSSES`, also with parameters, such as
        ``"cross_entropy(label_smoothing=0.1)"``; or what `course_lib.network.get_loss` returns.
    epochs, batch_size, validation, patience, min_delta, seed, clip_norm, clip_value, history
        As in `course_lib.training.fit`. With patience, the module ends with its ``state_dict`` of
        the best epoch. A training in pieces equals one in a piece where the module draws no random
        numbers; dropout goes on with those of ``torch.get_rng_state``. For an ensemble `seed` may
        be a sequence, one for each member, limits are those of each member's gradients, and each
        stops by itself.
    callback, progress
        As in `course_lib.training.fit`; the callback is called with the module and the epoch.
    scheduler : torch.optim.lr_scheduler.LRScheduler, optional
        Stepped after each batch, as `course_lib.training.schedules` count, so its lengths are in
        batches: ``lambda_lr(optimizer, cosine(1000))``, or one of PyTorch made for `optimizer`. One
        that counts in epochs belongs into the callback, as
        ``callback=lambda model, epoch: scheduler.step()``. A scheduler goes on where it is: to
        continue a training, keep it, or its ``state_dict``, with that of the optimizer.

    Returns
    -------
    course_lib.training.History
        Without a replica axis; for an ensemble with one, of its members.

    Raises
    ------
    ValueError
        If there are no examples, a number in x or in the targets is not finite, lengths or shapes
        do not fit, a number is below 1, a limit is not a finite number above 0, there is patience
        without validation data or `min_delta` without patience, the optimizer has a parameter that
        is not the module's, or none that learns, the scheduler is that of another optimizer, or the
        history is of another module, patience, `min_delta` or kind of data.
    NotImplementedError
        If ``torch.func.vmap`` cannot train the members of an ensemble at once.
    TypeError
        If the optimizer is not one of PyTorch, or asks for a closure, as LBFGS does; if the
        scheduler is not one of PyTorch, or asks for a measurement, as ReduceLROnPlateau does; or as
        `course_lib.training.fit` for the callback.
    KeyError
        If there is no such loss.

    Examples
    --------
    >>> from course_lib import data
    >>> from course_lib.pytorch import mlp
    >>> model = mlp([2, 8, 2], "tanh", dtype=torch.float64)
    >>> x, y = data.xor()
    >>> sgd = torch.optim.SGD(model.parameters(), lr=1.0)
    >>> history = fit(model, x, y, optimizer=sgd, epochs=300, batch_size=None)
    >>> history.train_loss.shape
    (300,)

    With a learning rate that falls from step to step:

    >>> from course_lib.pytorch import lambda_lr
    >>> from course_lib.training import cosine
    >>> scheduler = lambda_lr(sgd, cosine(300))
    >>> _ = fit(model, x, y, optimizer=sgd, epochs=300, batch_size=None, scheduler=scheduler)
    >>> scheduler.get_last_lr()
    [0.0]
    """
    settings = Settings(
        epochs, patience, clip_norm, clip_value, history, progress, callback, min_delta
    )
    found, criterion = loss_and_criterion(loss)
    first = first_parameter(model)
    # everything is looked at before anything is trained
    inputs, labels = as_tensor("x", x, first), as_array("y", y)
    check_fit_arguments(inputs, labels, optimizer, epochs, batch_size)
    check_optimizer(optimizer, model)
    check_learns(optimizer)
    check_scheduler(scheduler, optimizer)
    replicas = (len(model),) if isinstance(model, Ensemble) else ()
    settings.check(replicas, validation)
    check_finite("x", array_of(inputs))
    check_finite("y", labels)
    orders = _order_seeds(seed, replicas)
    if isinstance(model, Ensemble):
        check_at_once(model, inputs[:2])
    shape = (len(inputs), *predict(model, inputs[:1]).shape[len(replicas) + 1 :])
    check_column(labels, shape, found)
    targets = as_targets(labels, found, shape, first)
    check_finite("y", array_of(targets))  # float32 has no 1e300
    kind: type[_Learner] = _Learners if isinstance(model, Ensemble) else _Learner
    learner = kind(model, inputs, targets, found, criterion, optimizer, scheduler, settings)
    if validation is not None:
        learner.validate_with(*as_pair(validation))
    return train(learner, Batches(len(inputs), batch_size, orders), settings)


def _order_seeds(seed: Any, replicas: tuple[int, ...]) -> list[Seed]:
    """Return one seed for the order of the batches, or one for each member of an ensemble."""
    if not replicas and as_seeds(seed)[1]:
        raise TypeError(f"seed is {seed!r}; a PyTorch module is one network and takes one number")
    return order_seeds(seed, replicas)


@dataclass
class _Learner:
    """A module with the data that it learns from, for the loop over epochs."""

    model: nn.Module
    inputs: torch.Tensor
    targets: torch.Tensor
    loss: Loss
    criterion: Criterion
    optimizer: torch.optim.Optimizer
    scheduler: LRScheduler | None
    settings: Settings
    validation: tuple[torch.Tensor, Array] | None = None

    @property
    def network(self) -> nn.Module:
        return self.model

    @property
    def replicas(self) -> tuple[int, ...]:
        return ()

    def validate_with(self, x: ArrayLike, y: ArrayLike) -> None:
        """Check and keep the validation data."""
        inputs = as_tensor("x of the validation data", x, self.inputs)
        labels = as_array("y of the validation data", y)
        check_finite("x of the validation data", array_of(inputs))
        check_finite("y of the validation data", labels)
        self.validation = inputs, labels
        self.evaluate()

    def train_epoch(self, batches: Iterable[Array]) -> PerReplica | float:
        self.model.train()
        total, learning = 0.0, optimized(self.optimizer)
        for index in map(torch.from_numpy, batches):
            value = self.criterion(self.model(self.inputs[index]), self.targets[index])
            # also what the optimizer does not steer, so that nothing piles up there
            self.model.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            self._clip(learning)
            self.optimizer.step()
            if self.scheduler is not None:
                self.scheduler.step()
            total += value.item() * len(index)
        return total

    def _clip(self, learning: Iterable[torch.Tensor]) -> None:
        if self.settings.clip_value is not None:
            # PyTorch takes no limit that the dtype cannot hold
            limit = min(self.settings.clip_value, torch.finfo(self.inputs.dtype).max)
            nn.utils.clip_grad_value_(learning, limit)
        if self.settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(learning, self.settings.clip_norm)

    def evaluate(self) -> tuple[PerReplica, PerReplica] | None:
        if self.validation is None:
            return None
        x, y = self.validation
        outputs = predict(self.model, x)
        return self.loss.function(outputs, y), accuracy_for(self.loss, outputs, y)

    def state(self) -> dict[str, Array]:
        return {name: array_of(value) for name, value in self.model.state_dict().items()}

    def load(self, state: Mapping[str, Array]) -> None:
        self.model.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in state.items()})


@dataclass
class _Learners(_Learner):
    """The members of an ensemble, which all learn in each step."""

    model: Ensemble

    @property
    def replicas(self) -> tuple[int, ...]:
        return (len(self.model),)

    def train_epoch(self, batches: Iterable[Array]) -> PerReplica | float:
        self.model.train()
        own = movable(self.model)
        learning = list(
            {id(p): p for p in (own[id(t)] for t in optimized(self.optimizer))}.values()
        )
        losses = []
        for index in batches:
            losses.append(self._step(torch.from_numpy(index).to(self.inputs.device), learning))
        found = array_of(torch.stack(losses))  # once an epoch: a GPU would wait for each step
        return found.astype(np.float64).sum(axis=0)

    def _step(self, rows: torch.Tensor, learning: Sequence[torch.Tensor]) -> torch.Tensor:
        """Make a step; return the sum of the losses of a batch for each member.

        Rows are ``(batch,)`` for all members, or ``(members, batch)``.
        """
        outputs, targets = self.model(self.inputs[rows]), self.targets[rows]
        values = each_loss(self.criterion, outputs, targets, own=rows.ndim > 1)
        self.model.zero_grad()
        values.sum().backward()  # type: ignore[no-untyped-call]
        clip_each(learning, self.settings.clip_norm, self.settings.clip_value)
        pass_gradients(self.model)
        self.optimizer.step()
        if self.scheduler is not None:
            self.scheduler.step()
        return values.detach() * rows.shape[-1]


def predict(model: nn.Module, x: ArrayLike) -> Array:
    """Return the outputs of a module for `x`, as an array, in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        Maps ``(batch, features)`` to ``(batch, outputs)``; its mode is left as it was.
    x : ndarray or torch.Tensor
        Shape ``(batch, features)``; for an `Ensemble` also ``(members, batch, features)``.

    Returns
    -------
    ndarray
        Shape ``(batch, outputs)``, for an ensemble ``(members, batch, outputs)``; the dtype of the
        module, float32 for bfloat16, which NumPy does not have.

    Raises
    ------
    ValueError
        If the module has no parameters, or the rows of `x` have different lengths.
    TypeError
        If `x` does not hold numbers.

    Examples
    --------
    >>> from course_lib.pytorch import mlp
    >>> predict(mlp([2, 3, 1]), torch.zeros(4, 2)).shape
    (4, 1)
    """
    first = first_parameter(model)
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            outputs: torch.Tensor = model(as_tensor("x", x, first))
    finally:
        for module, mode in modes.items():
            module.training = mode
    return array_of(outputs)
