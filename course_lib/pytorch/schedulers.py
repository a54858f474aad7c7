"""Learning-rate schedules of PyTorch: those of the NumPy library as one, and what `fit` takes."""

from inspect import signature

import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from course_lib._checks import as_number, check_type
from course_lib.training.schedules import Schedule, check_schedule, factor_at

__all__ = ["check_scheduler", "lambda_lr"]


def lambda_lr(optimizer: torch.optim.Optimizer, schedule: Schedule) -> LambdaLR:
    """Return a scheduler of PyTorch that does what a schedule does in `course_lib.training`.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Whose learning rates are multiplied, those of all its groups.
    schedule : callable
        Maps the number of a step to a factor, such as ``cosine(1000)``; see
        `course_lib.training.schedules`.

    Returns
    -------
    torch.optim.lr_scheduler.LambdaLR
        For ``fit(..., scheduler=)``, which steps it after each batch. Its ``state_dict`` holds the
        step, not the schedule.

    Raises
    ------
    TypeError
        If the optimizer is not one of PyTorch, or the schedule is not callable.
    ValueError
        Here for the first step, later in ``step()``, if the schedule returns something else than
        one finite number from 0 on.

    Examples
    --------
    >>> from course_lib.pytorch import mlp
    >>> from course_lib.training import step_decay
    >>> sgd = torch.optim.SGD(mlp([2, 3, 2]).parameters(), lr=1.0)
    >>> scheduler = lambda_lr(sgd, step_decay(1, factor=0.5))
    >>> for _ in range(3):
    ...     sgd.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """
    expected = "one of torch.optim, such as torch.optim.SGD(model.parameters(), lr=0.1)"
    check_type("optimizer", optimizer, torch.optim.Optimizer, expected)
    check_schedule("schedule", schedule)
    if schedule is None:
        raise TypeError("schedule is None; expected a function of the step, such as cosine(1000)")

    def factor(step: int) -> float:
        return as_number(f"the factor of step {step}", factor_at(schedule, step), least=0)

    return LambdaLR(optimizer, factor)


def check_scheduler(scheduler: LRScheduler | None, optimizer: torch.optim.Optimizer) -> None:
    """Raise an error unless it is None, or a scheduler of an optimizer that steps by itself.

    Raises
    ------
    TypeError
        If it is something else, or its steps ask for a measurement.
    ValueError
        If it is that of another optimizer.
    """
    if scheduler is None:
        return
    expected = "one of torch.optim.lr_scheduler, or pytorch.lambda_lr(optimizer, cosine(1000))"
    check_type("scheduler", scheduler, LRScheduler, expected)
    try:
        signature(type(scheduler).step).bind(scheduler)
    except TypeError:
        raise TypeError(
            f"scheduler is a {type(scheduler).__name__}, whose steps ask for a measurement; step "
            f"it after each epoch instead: callback=lambda model, epoch: "
            f"scheduler.step(epoch.validation_loss)"
        ) from None
    if getattr(scheduler, "optimizer", None) is not optimizer:
        raise ValueError(
            "the scheduler changes the learning rates of another optimizer; expected one that was "
            "made with the optimizer given here"
        )
