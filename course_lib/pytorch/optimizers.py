"""The optimizers of `course_lib.training` as those of PyTorch, which make the same steps."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from course_lib._checks import check_type
from course_lib.pytorch.ensembles import Ensemble
from course_lib.training import SGD, Adam, AdamW, Momentum, RMSprop
from course_lib.training.stepping import Stepping

__all__ = ["torch_optimizer"]

Kind = tuple[type[torch.optim.Optimizer], Callable[[Any], dict[str, Any]]]


def _betas(optimizer: Adam) -> dict[str, Any]:
    return {"betas": (optimizer.beta1, optimizer.beta2), "eps": optimizer.eps}


def _named(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda optimizer: {name: getattr(optimizer, name) for name in names}


KINDS: Mapping[type[Stepping], Kind] = {
    SGD: (torch.optim.SGD, _named()),
    Momentum: (torch.optim.SGD, _named("momentum", "nesterov")),
    RMSprop: (torch.optim.RMSprop, _named("alpha", "eps", "momentum", "centered")),
    Adam: (torch.optim.Adam, _betas),
    AdamW: (torch.optim.AdamW, _betas),
}
"""The class of PyTorch for each of ours, and its settings beside learning rate and decay."""


def torch_optimizer(optimizer: Stepping, model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer of PyTorch that makes the same steps as one of `course_lib.training`.

    Parameters
    ----------
    optimizer : Optimizer
        `SGD`, `Momentum`, `RMSprop`, `Adam` or `AdamW` with any settings but a schedule, which
        `lambda_lr` carries across, and ``decay="weights"``. What it remembers stays behind.
    model : torch.nn.Module
        Whose parameters it moves. The members of an `Ensemble` may have a learning rate and a
        weight decay each.

    Returns
    -------
    torch.optim.Optimizer
        At its first step.

    Raises
    ------
    TypeError
        If the optimizer is another one, or the model is no module.
    ValueError
        If it has a schedule, or decays weights alone; if it has several learning rates or decays,
        and the model is not an `Ensemble` of as many.

    Examples
    --------
    >>> from course_lib.pytorch import mlp
    >>> adam = torch_optimizer(Adam(0.1, eps=1e-6), mlp([2, 3, 1]))
    >>> type(adam).__name__, adam.defaults["lr"], adam.defaults["eps"]
    ('Adam', 0.1, 1e-06)
    """
    check_type("model", model, nn.Module, "a torch.nn.Module")
    if type(optimizer) not in KINDS:
        names = ", ".join(kind.__name__ for kind in KINDS)
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}; expected one of course_lib.training: "
            f"{names}"
        )
    if optimizer.schedule is not None or optimizer.decay != "all":
        raise ValueError(
            f"optimizer has decay={optimizer.decay!r} and schedule={optimizer.schedule!r}; "
            f"expected decay='all' and no schedule: pytorch.fit(scheduler=lambda_lr(...)) has one"
        )
    kind, settings = KINDS[type(optimizer)]
    numbers = {"lr": optimizer.learning_rate, "weight_decay": optimizer.weight_decay}
    several = {name: value for name, value in numbers.items() if np.ndim(value)}
    if not several:
        one: dict[str, Any] = {name: float(np.asarray(value)) for name, value in numbers.items()}
        return kind(model.parameters(), **one, **settings(optimizer))
    if not isinstance(model, Ensemble):
        raise ValueError(
            f"optimizer has several numbers as {' and '.join(several)}; expected one for a single "
            f"module, or an Ensemble of as many members"
        )
    return kind(model.groups(**numbers), **settings(optimizer))
