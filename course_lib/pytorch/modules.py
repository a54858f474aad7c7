"""Modules: residual blocks, and the multilayer perceptron with PyTorch's initial weights."""

from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral

import numpy as np
import torch
from torch import nn

from course_lib import activations
from course_lib.activations import Activation
from course_lib.pytorch.activation_modules import activation_module

__all__ = ["Residual", "mlp"]


class Residual(nn.Sequential):
    r"""A residual block, :math:`y = x + f(x)`, around modules in a row.

    Parameters
    ----------
    *modules : torch.nn.Module
        As for ``torch.nn.Sequential``; together they return as many features as they take.

    Raises
    ------
    ValueError
        In the forward pass, if they do not.

    Notes
    -----
    He et al., 2016 :cite:p:`he2016deep`; the counterpart of `course_lib.network.Residual`.

    Examples
    --------
    >>> Residual(nn.ReLU())(torch.tensor([[-1.0, 2.0]]))
    tensor([[-1.,  4.]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return the input plus the output of the modules.

        Raises
        ------
        ValueError
            If they return another shape.
        """
        output: torch.Tensor = super().forward(input)  # type: ignore[no-untyped-call]
        if output.shape != input.shape:
            raise ValueError(
                f"the modules of a residual block took an input of shape {tuple(input.shape)} and "
                f"returned {tuple(output.shape)}; the sum x + f(x) needs both alike"
            )
        return input + output


def mlp(
    sizes: Sequence[int] = (784, 256, 10),
    activation: str | Activation = "relu",
    *,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> nn.Sequential:
    """Build a multilayer perceptron with PyTorch's own initial weights.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, from input to output; at least two numbers.
    activation : str or Activation
        A name of the catalogue; stands between the linear layers, not after the last.
    seed : int
        For the initial weights. The global state of PyTorch's random numbers is left as it was.
    dtype : torch.dtype
        torch.float32 or torch.float64.

    Returns
    -------
    torch.nn.Sequential
        Linear layers and activations in turn.

    Raises
    ------
    ValueError
        If there are fewer than two sizes, or a size is below 1.
    TypeError
        If the sizes are no sequence of integers, or there are several activations.
    KeyError
        If the catalogue has no such activation.

    Examples
    --------
    >>> model = mlp()
    >>> sum(parameter.numel() for parameter in model.parameters())
    203530
    """
    _check_sizes(sizes)
    if isinstance(activation, list | tuple | np.ndarray):
        raise TypeError(
            f"activation is {activation!r}; expected one for all hidden layers, such as 'relu'; "
            f"for one in each, put modules in a row: nn.Sequential(nn.Linear(2, 3), nn.ReLU(), ...)"
        )
    activation = activations.get(activation)
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would touch the GPUs too
        for i, (in_features, out_features) in enumerate(pairwise(sizes)):
            layers.append(nn.Linear(in_features, out_features, dtype=dtype))
            if i < len(sizes) - 2:
                layers.append(activation_module(activation).to(dtype))
    return nn.Sequential(*layers)


def _check_sizes(sizes: object) -> None:
    """Raise an error unless they are two integers from 1 on, or more."""
    if isinstance(sizes, str) or not isinstance(sizes, Sequence | np.ndarray):
        raise TypeError(f"sizes are {sizes!r}; expected a sequence of integers, such as [784, 10]")
    wrong = [n for n in sizes if isinstance(n, bool) or not isinstance(n, Integral)]
    if wrong:
        raise TypeError(f"sizes are {sizes!r}; expected integers; {wrong[0]!r} is not one")
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes are {list(sizes)}; expected at least two numbers from 1 on")
