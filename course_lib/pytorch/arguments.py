"""The checks of what `fit` and `passages` are given: losses, targets and optimizers."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from course_lib._typing import Array
from course_lib.network import LOSSES, Loss, get_loss
from course_lib.pytorch.activation_modules import unwrapped
from course_lib.pytorch.ensembles import Ensemble, movable
from course_lib.pytorch.tensors import as_array, as_tensor
from course_lib.training.stepping import Stepping
from course_lib.training.stepping import check_optimizer as check_steps

__all__ = [
    "Criterion",
    "as_targets",
    "check_learns",
    "check_optimizer",
    "loss_and_criterion",
    "optimized",
]

Criterion = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

ELEMENTWISE = (
    torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.NAdam,
    torch.optim.RAdam, torch.optim.Adamax, torch.optim.Adagrad, torch.optim.Adadelta,
    torch.optim.ASGD, torch.optim.Rprop,
)  # fmt: skip
"""Optimizers that move each number by itself, so that the members of an ensemble stay apart."""


def _cross_entropy(
    logits: torch.Tensor,
    labels: torch.Tensor,
    label_smoothing: float = 0.0,
    class_weights: ArrayLike | None = None,
) -> torch.Tensor:
    weight = None if class_weights is None else _like(class_weights, logits)
    if weight is not None and not labels.is_floating_point() and not weight[labels].any():
        return logits.sum() * 0  # where PyTorch divides 0 by 0
    return nn.functional.cross_entropy(
        logits, labels, weight=weight, label_smoothing=label_smoothing
    )


def _binary_cross_entropy(
    logits: torch.Tensor,
    targets: torch.Tensor,
    pos_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    if label_smoothing:
        targets = targets * (1 - label_smoothing) + label_smoothing / 2
    weight = None if pos_weight is None else _like(pos_weight, logits)
    return nn.functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=weight)


def _gaussian_nll(outputs: torch.Tensor, targets: torch.Tensor, full: bool = False) -> torch.Tensor:
    # nn.functional.gaussian_nll_loss would clamp the variance
    mean, log_variance = outputs.chunk(2, dim=-1)
    scaled = (mean - targets) * torch.exp(-log_variance / 2)
    constant = math.log(2 * math.pi) / 2 if full else 0.0
    return ((log_variance + scaled**2) / 2).mean() + constant


def _poisson_nll(outputs: torch.Tensor, targets: torch.Tensor, full: bool = False) -> torch.Tensor:
    value = nn.functional.poisson_nll_loss(outputs, targets, log_input=True)
    # its own ``full`` takes Stirling's approximation
    return value + torch.lgamma(targets + 1).mean() if full else value


def _like(values: ArrayLike, like: torch.Tensor) -> torch.Tensor:
    """Return parameters in the dtype and on the device of a network's outputs."""
    return torch.as_tensor(values, dtype=like.dtype, device=like.device)


_CRITERIA: dict[str, Callable[..., torch.Tensor]] = {
    "cross_entropy": _cross_entropy,
    "binary_cross_entropy": _binary_cross_entropy,
    "mean_squared_error": nn.functional.mse_loss,
    "gaussian_nll": _gaussian_nll,
    "poisson_nll": _poisson_nll,
}


def loss_and_criterion(loss: str | Loss) -> tuple[Loss, Criterion]:
    """Return a loss of the NumPy network and PyTorch's function for it, with its parameters.

    Raises
    ------
    KeyError
        If there is no loss of that name.
    NotImplementedError
        If the loss is not one of `course_lib.network.LOSSES`, with parameters or without.

    Examples
    --------
    >>> loss, criterion = loss_and_criterion("cross_entropy(label_smoothing=0.1)")
    >>> loss.kind, criterion(torch.zeros(1, 2), torch.tensor([0]))
    ('cross_entropy', tensor(0.6931))
    """
    found = get_loss(loss)
    known, (function, parameters) = LOSSES.get(found.kind), unwrapped(found.function)
    own = function, unwrapped(found.gradient)[0]
    if known is None or own != (known.function, known.gradient):
        raise NotImplementedError(
            f"PyTorch has no counterpart of the loss {found.name!r}; expected: {', '.join(LOSSES)}"
        )
    return found, partial(_CRITERIA[found.kind], **parameters)


def as_targets(
    y: ArrayLike | torch.Tensor, loss: Loss, shape: Sequence[int], like: torch.Tensor
) -> torch.Tensor:
    """Return labels or targets for outputs of a shape, checked as the NumPy network checks them.

    Raises
    ------
    TypeError, ValueError
        As the loss does; or if the outputs have more than two axes.
    """
    labels: Array = as_array("y", y)
    if len(shape) > 2:
        raise ValueError(
            f"the module returns outputs of shape {tuple(shape)}; expected (batch, outputs)"
        )
    loss.function(np.zeros(shape), labels)
    integers = loss.kind == "cross_entropy" and labels.dtype.kind != "f"  # else soft labels
    return as_tensor("y", labels, like, torch.int64 if integers else None)


def check_optimizer(optimizer: object, model: nn.Module) -> None:
    """Raise an error unless an optimizer of PyTorch is there for nothing but this module."""
    check_steps(optimizer)
    if not isinstance(optimizer, torch.optim.Optimizer):
        own = " of course_lib.training" if isinstance(optimizer, Stepping) else ""
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}{own}; expected for a module one of "
            f"torch.optim, such as torch.optim.SGD(model.parameters(), lr=0.1)"
        )
    try:
        signature(type(optimizer).step).bind(optimizer)
    except TypeError:
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}, which asks for a closure; expected for a "
            f"module one of torch.optim that makes a step from the gradients at hand"
        ) from None
    parts = movable(model)
    foreign = sum(id(tensor) not in parts for tensor in optimized(optimizer))
    if foreign:
        raise ValueError(
            f"the optimizer was made for the parameters of another module: {foreign} of its "
            f"{len(optimized(optimizer))} are not in this one; expected one made for "
            f"model.parameters() or for some of them, after the module was built, copied or loaded"
        )
    if isinstance(model, Ensemble) and not isinstance(optimizer, ELEMENTWISE):
        if any(parts[id(tensor)] is tensor for tensor in optimized(optimizer)):
            kind = type(optimizer).__name__
            raise ValueError(
                f"optimizer is a {kind}, which may look at all members of a parameter as one; "
                f"expected one made for each by itself: torch.optim.{kind}(ensemble.groups())"
            )


def optimized(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    """Return the parameters that an optimizer moves."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def check_learns(optimizer: torch.optim.Optimizer) -> None:
    """Raise ValueError if everything that an optimizer moves is frozen."""
    if not any(parameter.requires_grad for parameter in optimized(optimizer)):
        raise ValueError(
            f"all {len(optimized(optimizer))} parameters of the optimizer are frozen "
            f"(requires_grad=False), and nothing would be learned; expected an optimizer with "
            f"at least one parameter that learns"
        )
