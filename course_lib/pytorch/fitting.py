"""`fit` and `predict` for modules of PyTorch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from course_lib._checks import check_finite
from course_lib._typing import Array, PerReplica
from course_lib.network import Loss, as_seeds
from course_lib.pytorch.arguments import (
    Criterion,
    as_targets,
    check_learns,
    check_optimizer,
    loss_and_criterion,
    optimized,
)
from course_lib.pytorch.schedulers import check_scheduler
from course_lib.pytorch.tensors import array_of, as_array, as_tensor, first_parameter
from course_lib.training import Callback, History
from course_lib.training.arguments import as_pair, check_column, check_fit_arguments
from course_lib.training.batches import Batches
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
    seed: int = 0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    history: History | None = None,
    callback: Callback | None = None,
    progress: bool = True,
    scheduler: LRScheduler | None = None,
) -> History:
    """Train a PyTorch module, in place, on the device where it is.

    The batches come in the order of `course_lib.training.fit` for the same seed, so that both can
    be compared step by step. What dropout drops comes from PyTorch's random numbers instead, which
    ``torch.manual_seed`` sets.

    Parameters
    ----------
    model : torch.nn.Module
        Maps ``(batch, features)`` to ``(batch, outputs)``.
    x, y : ndarray or torch.Tensor
        Examples, and labels or targets, as the loss wants them.
    optimizer : torch.optim.Optimizer
        Made for ``model.parameters()``, or for some of them: the others, and frozen ones, stay what
        they are. Limits of the gradient are for those that learn.
    loss : str or Loss
        A name of `course_lib.network.LOSSES`, also with parameters, such as
        ``"cross_entropy(label_smoothing=0.1)"``; or what `course_lib.network.get_loss` returns.
    epochs, batch_size, validation, patience, min_delta, seed, clip_norm, clip_value, history
        As in `course_lib.training.fit`. With patience, the module ends with its ``state_dict`` of
        the best epoch. A training in pieces equals one in a piece where the module draws no random
        numbers; dropout goes on with those of ``torch.get_rng_state``.
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
        Without a replica axis.

    Raises
    ------
    ValueError
        If there are no examples, a number in x or in the targets is not finite, lengths or shapes
        do not fit, a number is below 1, a limit is not a finite number above 0, there is patience
        without validation data or `min_delta` without patience, the optimizer has a parameter that
        is not the module's, or none that learns, the scheduler is that of another optimizer, or the
        history is of another module, patience, `min_delta` or kind of data.
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
    settings.check((), validation)
    check_finite("x", array_of(inputs))
    check_finite("y", labels)
    shape = (len(inputs), *predict(model, inputs[:1]).shape[1:])
    check_column(labels, shape, found)
    targets = as_targets(labels, found, shape, first)
    check_finite("y", array_of(targets))  # float32 has no 1e300
    learner = _Learner(model, inputs, targets, found, criterion, optimizer, scheduler, settings)
    if validation is not None:
        learner.validate_with(*as_pair(validation))
    seeds, replicated = as_seeds(seed)
    if replicated:
        raise TypeError(f"seed is {seed!r}; a PyTorch module is one network and takes one number")
    return train(learner, Batches(len(inputs), batch_size, seeds), settings)


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

    def train_epoch(self, batches: Iterable[Array]) -> float:
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


def predict(model: nn.Module, x: ArrayLike) -> Array:
    """Return the outputs of a module for `x`, as an array, in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        Maps ``(batch, features)`` to ``(batch, outputs)``; its mode is left as it was.
    x : ndarray or torch.Tensor
        Shape ``(batch, features)``.

    Returns
    -------
    ndarray
        Shape ``(batch, outputs)``, the dtype of the module; float32 for bfloat16, which NumPy does
        not have.

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
