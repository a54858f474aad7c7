"""The multilayer perceptron as a module, built from its sizes and a few choices."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import nn

from course_lib import network
from course_lib._checks import check_type
from course_lib.activations import Activation
from course_lib.network.seeds import Seed
from course_lib.pytorch.activation_modules import as_row
from course_lib.pytorch.conversion import from_numpy

__all__ = ["mlp"]

Given = str | Activation | nn.Module


def mlp(
    sizes: Sequence[int] = (784, 256, 10),
    activation: Given | Sequence[Given] = "relu",
    *,
    seed: Seed = 0,
    initialization: str | None = None,
    gain: float | None = None,
    normalization: str | None = None,
    residual: bool = False,
    dropout: float = 0.0,
    alpha_dropout: bool = False,
    bias: bool = True,
    dtype: torch.dtype = torch.float32,
) -> nn.Sequential:
    """Build a multilayer perceptron: the network of `course_lib.network.mlp`, as a module.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, from input to output; at least two numbers. Before a gate, which makes
        one unit of two outputs, a linear layer has twice as many, and before maxout `pieces` times.
    activation : str or Activation or torch.nn.Module, or a sequence of them
        A name of the catalogue, a row, or a module of PyTorch, such as ``torch.nn.ELU(2.0)``, of
        which each place gets its own copy; or one for each hidden layer. Not after the last linear
        layer.
    seed : int or SeedSequence
        For the initial weights. The global state of PyTorch's random numbers is left as it was.
    initialization : str, optional
        A scheme of `course_lib.network.initialize`: the initial weights and biases are then those
        of ``course_lib.network.mlp`` with the same arguments, also for ``"pytorch"``, which draws
        from the same distribution as PyTorch does. Without one they are PyTorch's own, as
        ``torch.manual_seed(seed)`` and the linear layers one after the other give them; the seed
        is then an integer.
    gain : float, optional
        Multiplies the weights of all linear layers, not the biases.
    normalization : str, optional
        ``"batch"`` for a ``BatchNorm1d``, ``"layer"`` for a ``LayerNorm`` between each hidden
        linear layer and its activation.
    residual : bool
        Make each hidden layer of as many units as the one before a `Residual` block, but the first.
    dropout : float
        The probability to drop a hidden unit, from 0 to below 1: a ``Dropout`` after each
        activation, unless it is 0. Its masks come from PyTorch's random numbers.
    alpha_dropout : bool
        Make that an ``AlphaDropout``, as SELU needs it.
    bias : bool
        Whether the linear layers have biases. Without them, the initial weights of a scheme are the
        same; PyTorch's own are others.
    dtype : torch.dtype
        torch.float32 or torch.float64.

    Returns
    -------
    torch.nn.Sequential
        Linear layers and activations in turn; in training mode.

    Raises
    ------
    ValueError
        If there are fewer than two sizes, a size is below 1, there are not as many activations as
        hidden layers, or a number is out of its range.
    TypeError
        If the sizes are no sequence of integers, there are several seeds, or the dtype, `bias` or
        an activation is of another type.
    KeyError
        If an activation, initialization or normalization is unknown.

    Examples
    --------
    >>> model = mlp()
    >>> sum(parameter.numel() for parameter in model.parameters())
    203530
    >>> mlp([2, 8, 1], "swiglu", initialization="xavier", dropout=0.5, bias=False)
    Sequential(
      (0): Linear(in_features=2, out_features=16, bias=False)
      (1): Gated('swiglu')
      (2): Dropout(p=0.5, inplace=False)
      (3): Linear(in_features=8, out_features=1, bias=False)
    )
    """
    _check_sizes(sizes)
    check_type("dtype", dtype, torch.dtype, "torch.float32 or torch.float64")
    if not dtype.is_floating_point:
        raise TypeError(f"dtype is {dtype}; expected torch.float32 or torch.float64")
    own = initialization is None  # weights of PyTorch's own
    _check_seed(seed, integer=own)
    plan = network.mlp(
        sizes,
        _rows(activation),
        seed=0 if own else seed,
        initialization="pytorch" if initialization is None else initialization,
        gain=gain,
        normalization=normalization,
        residual=residual,
        dropout=dropout,
        alpha_dropout=alpha_dropout,
        bias=bias,
        dtype=np.float64 if dtype == torch.float64 else np.float32,
    )
    model = from_numpy(plan).to(dtype)
    for linear in _linear_layers(model):  # laid out as PyTorch does, which random numbers follow
        linear.weight = nn.Parameter(linear.weight.detach().contiguous())
    if own:
        _draw_weights(model, seed, 1.0 if gain is None else gain)
    return model


def _rows(activation: Any) -> Activation | list[Activation]:
    """Return the row of all hidden layers, or a list with one for each."""
    several = isinstance(activation, list | tuple | np.ndarray)
    return [as_row(one) for one in activation] if several else as_row(activation)


def _draw_weights(model: nn.Module, seed: Any, gain: float) -> None:
    """Give the linear layers PyTorch's own initial weights, times a gain."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(int(seed))  # torch.manual_seed would touch the GPUs too
        for linear in _linear_layers(model):
            linear.reset_parameters()
            linear.weight.mul_(gain)


def _linear_layers(model: nn.Module) -> list[nn.Linear]:
    return [module for module in model.modules() if isinstance(module, nn.Linear)]


def _check_sizes(sizes: object) -> None:
    """Raise an error unless they are two integers from 1 on, or more."""
    if isinstance(sizes, str) or not isinstance(sizes, Sequence | np.ndarray):
        raise TypeError(f"sizes are {sizes!r}; expected a sequence of integers, such as [784, 10]")
    wrong = [n for n in sizes if isinstance(n, bool) or not isinstance(n, Integral)]
    if wrong:
        raise TypeError(f"sizes are {sizes!r}; expected integers; {wrong[0]!r} is not one")
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes are {list(sizes)}; expected at least two numbers from 1 on")


def _check_seed(seed: object, *, integer: bool) -> None:
    """Raise TypeError unless it is one seed, and an integer where PyTorch draws."""
    kinds = (Integral,) if integer else (Integral, np.random.SeedSequence)
    if isinstance(seed, bool) or not isinstance(seed, kinds):
        expected = "an integer" if integer else "an integer or a SeedSequence"
        raise TypeError(
            f"seed is {seed!r}; a PyTorch module is one network and takes one seed; expected "
            f"{expected}"
        )
