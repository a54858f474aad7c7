"""The checks of what `fit` and `passages` are given: losses, targets and optimizers."""

from collections.abc import Callable, Sequence
from inspect import signature

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from course_lib._typing import Array
from course_lib.network import LOSSES, Loss, get_loss
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

_CRITERIA: dict[str, Criterion] = {
    "cross_entropy": nn.functional.cross_entropy,
    "binary_cross_entropy": nn.functional.binary_cross_entropy_with_logits,
    "mean_squared_error": nn.functional.mse_loss,
}


def loss_and_criterion(loss: str | Loss) -> tuple[Loss, Criterion]:
    """Return a loss of the NumPy network and PyTorch's function for it.

    Raises
    ------
    KeyError
        If there is no loss of that name.
    NotImplementedError
        If the loss is not one of `course_lib.network.LOSSES`.
    """
    found = get_loss(loss)
    if LOSSES.get(found.name) is not found:
        raise NotImplementedError(
            f"PyTorch has no counterpart of the loss {found.name!r}; expected: {', '.join(LOSSES)}"
        )
    return found, _CRITERIA[found.name]


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
    return as_tensor("y", labels, like, torch.int64 if loss.name == "cross_entropy" else None)


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
    own_parameters = {id(parameter) for parameter in model.parameters()}
    foreign = sum(id(parameter) not in own_parameters for parameter in optimized(optimizer))
    if foreign:
        raise ValueError(
            f"the optimizer was made for the parameters of another module: {foreign} of its "
            f"{len(optimized(optimizer))} are not in this one; expected one made for "
            f"model.parameters() or for some of them, after the module was built, copied or loaded"
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
