"""What happens inside a module: what passes its activations, and its weights."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from course_lib._checks import check_type
from course_lib._typing import Array
from course_lib.network import Activate, Layer, Loss, PReLU
from course_lib.pytorch.activation_modules import activation_of, rows_for, settings_of
from course_lib.pytorch.arguments import as_targets, loss_and_criterion
from course_lib.pytorch.conversion import layer_with_parameters
from course_lib.pytorch.ensembles import Ensemble
from course_lib.pytorch.tensors import (
    array_of,
    as_tensor,
    first_parameter,
    fixed_random_numbers,
)

__all__ = ["Passage", "passages", "weights"]


@dataclass
class Passage:
    """Inputs, outputs and gradient of one activation in one call of a module.

    Attributes
    ----------
    name : str
        The activation's name in the module, such as ``"1"``.
    layer : Layer
        The NumPy layer that does the same.
    inputs, outputs, gradient : ndarray, shape (batch, units)
        Of the activation, and the gradient of the loss with respect to its inputs, through this
        activation alone: 0 where the loss does not depend on it, and empty where none was asked
        for.
    """

    name: str
    layer: Layer
    inputs: Array
    outputs: Array
    gradient: Array = field(default_factory=lambda: np.empty(0))


def passages(
    model: nn.Module, x: ArrayLike, y: ArrayLike | None = None, loss: str | Loss = "cross_entropy"
) -> list[Passage]:
    """Send a batch through a module in training mode, and record what its activations compute.

    `course_lib.diagnostics` is built on this. The module's gradients and running averages change.
    Dropout drops, always the same for a module and a batch, and PyTorch's random numbers are left
    as they were. ``RReLU`` alone works as in evaluation, with its mean negative slope
    instead of random ones.

    Parameters
    ----------
    model : torch.nn.Module
        Maps ``(batch, features)`` to ``(batch, outputs)``.
    x, y : ndarray or torch.Tensor
        A batch; without `y` it goes forward only.
    loss : str or Loss
        A name of `course_lib.network.LOSSES`, also with parameters, such as
        ``"cross_entropy(label_smoothing=0.1)"``; or what `course_lib.network.get_loss` returns.

    Returns
    -------
    list of Passage
        For each time that the batch passed an elementwise activation of the catalogue, a ``PReLU``
        or, in rows of features, a gate or maxout, in order. In what a convolution returns, each
        place of each channel is a unit.

    Raises
    ------
    TypeError
        If it is not a module, or an `Ensemble`.
    KeyError, NotImplementedError, ValueError
        As `fit`; or if an activation has settings that the catalogue's functions do not take.

    Examples
    --------
    >>> from course_lib.pytorch import mlp
    >>> found = passages(mlp([2, 3, 1], "tanh"), np.zeros((4, 2)))
    >>> [(one.name, one.inputs.shape) for one in found]
    [('1', (4, 3))]
    """
    expected = "a course_lib.network.Network or a torch.nn.Module"
    check_type("network", model, nn.Module, expected)
    _check_single(model)
    (checked, criterion), first = loss_and_criterion(loss), first_parameter(model)
    found: list[Passage] = []
    hooks = []
    for name, module, layer in _activations_in(model):
        before, after = _recorder(name, layer, found)
        hooks += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    try:
        model.train()
        for module in model.modules():
            if isinstance(module, nn.RReLU):
                module.eval()
        model.zero_grad()
        with fixed_random_numbers(first.device):
            outputs = model(as_tensor("x", x, first))
        if y is not None:
            for passage in found:
                passage.gradient = np.zeros_like(passage.inputs)  # until one arrives
            targets = as_targets(y, checked, outputs.shape, first)
            criterion(outputs, targets).backward()  # type: ignore[no-untyped-call]
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _check_single(model: nn.Module) -> None:
    """Raise TypeError for an ensemble."""
    if isinstance(model, Ensemble):
        raise TypeError(
            f"the module is an Ensemble of {len(model)}; expected a single one, such as its member "
            f"ensemble[0]"
        )


Before = Callable[[nn.Module, tuple[torch.Tensor]], tuple[torch.Tensor]]
After = Callable[[nn.Module, tuple[torch.Tensor], torch.Tensor], None]


def _recorder(name: str, layer: Layer, found: list[Passage]) -> tuple[Before, After]:
    """Return the hooks before and after an activation, which append a Passage for each call."""
    gate = isinstance(layer, Activate) and not layer.activation.elementwise

    def before(module: nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        if gate and inputs[0].ndim != 2:
            return inputs  # its axis may be that of channels or of places
        # A tensor of its own has the gradient through this activation alone, and always one; and
        # a module that works in place overwrites it instead of what came from the layer before.
        z = inputs[0] if inputs[0].requires_grad else inputs[0].detach().requires_grad_()
        z = z.clone()
        passage = Passage(name, _with_units(layer, z.shape), _rows_of(z), np.empty(0))
        found.append(passage)
        if z.requires_grad:  # not within torch.no_grad()
            z.register_hook(  # type: ignore[no-untyped-call]
                lambda gradient: setattr(passage, "gradient", _rows_of(gradient))
            )
        return (z,)

    def after(module: nn.Module, inputs: tuple[torch.Tensor], outputs: torch.Tensor) -> None:
        if not gate or inputs[0].ndim == 2:
            found[-1].outputs = _rows_of(outputs)

    return before, after


def _with_units(layer: Layer, shape: Sequence[int]) -> Layer:
    """Return the layer for inputs ``(batch, channels, ...)`` that are flattened to rows."""
    if not isinstance(layer, PReLU) or layer.parameters["weight"].size == 1:
        return layer
    return PReLU(np.repeat(layer.parameters["weight"], int(np.prod(shape[2:])), axis=-1))


def _activations_in(model: nn.Module) -> Iterator[tuple[str, nn.Module, Layer]]:
    """Yield name, module and NumPy layer of each activation that is elementwise or a gate."""
    for name, module in model.named_modules():
        rows = [row for row in rows_for(module) if row.kind != "axis"]
        if not rows:
            continue
        layer = layer_with_parameters(module, np.dtype(np.float32))  # of a PReLU
        if layer is None and (row := activation_of(module)) is not None:
            layer = Activate(row)
        if layer is None and not rows[0].elementwise:
            continue  # along an axis of channels or places, as a GLU(dim=2) between convolutions
        if layer is None:
            raise ValueError(f"cannot measure {module}; expected {settings_of(module)}")
        yield name, module, layer


def _rows_of(values: torch.Tensor) -> Array:
    """Return a copy as an array of shape (batch, units)."""
    return array_of(values).reshape(len(values), -1).copy()


def weights(model: nn.Module, *, gradients: bool = False) -> dict[str, Array]:
    """Return copies of the weight matrices of a module by name, or of their gradients.

    They are the parameters called ``weight`` that have two axes or more.

    Parameters
    ----------
    model : torch.nn.Module
        Of any layers; kernels of convolutions are laid out as matrices.
    gradients : bool
        Take the gradients of the last backward pass instead: 0 where it left none, as in a layer
        that is frozen or not used.

    Returns
    -------
    dict of str to ndarray
        Each of shape ``(out_features, in_features)``. No biases; of normalizations only those over
        several axes, such as ``LayerNorm([4, 4])``.

    Raises
    ------
    TypeError
        If it is an `Ensemble`.

    Examples
    --------
    >>> from course_lib.pytorch import mlp
    >>> [(name, value.shape) for name, value in weights(mlp([2, 3, 1])).items()]
    [('0.weight', (3, 2)), ('2.weight', (1, 3))]
    """
    _check_single(model)
    found = {}
    for name, parameter in model.named_parameters():
        if name.endswith("weight") and parameter.ndim >= 2:
            values = parameter.grad if gradients else parameter
            found[name] = _rows_of(torch.zeros_like(parameter) if values is None else values)
    return found
