"""The same networks as PyTorch modules: built, trained, and exchanged with the NumPy network.

This is the only module of the library, with what uses it, that imports PyTorch.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from course_lib import activations, training
from course_lib.activations import Activation
from course_lib.activations.catalogue import spelled_out
from course_lib.network import (
    LOSSES,
    Activate,
    Dense,
    Layer,
    Loss,
    Network,
    PReLU,
    as_seeds,
    get_loss,
    stream,
)

__all__ = ["activation_module", "fit", "from_numpy", "mlp", "predict", "to_numpy"]

_LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "cross_entropy": nn.functional.cross_entropy,
    "binary_cross_entropy": nn.functional.binary_cross_entropy_with_logits,
    "mean_squared_error": nn.functional.mse_loss,
}


def activation_module(name: str | Activation) -> nn.Module:
    """Return PyTorch's module for an activation of the catalogue.

    Parameters
    ----------
    name : str or Activation
        A name of `course_lib.activations.CATALOGUE`.

    Returns
    -------
    torch.nn.Module
        With the catalogue's parameters.

    Raises
    ------
    KeyError
        If the catalogue has no such activation.
    NotImplementedError
        If PyTorch has no module for it.

    Examples
    --------
    >>> activation_module("gelu")
    GELU(approximate='none')
    """
    row = activations.get(name)
    if not row.pytorch:
        raise NotImplementedError(f"PyTorch has no module for {row.name!r}; use the NumPy network")
    module, options = spelled_out(row.pytorch)
    return cast(nn.Module, getattr(nn, module)(**options))


def mlp(
    sizes: Sequence[int] = (784, 256, 10),
    activation: str | Activation = "relu",
    *,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> nn.Sequential:
    """Build a multilayer perceptron with PyTorch's own first weights.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, from input to output; at least two numbers.
    activation : str or Activation
        A name of the catalogue; stands between the linear layers, not after the last.
    seed : int
        For the first weights. The global state of PyTorch's random numbers is left as it was.
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
    KeyError
        If the catalogue has no such activation.

    Examples
    --------
    >>> model = mlp()
    >>> sum(parameter.numel() for parameter in model.parameters())
    203530
    """
    activation = activations.get(activation)
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes are {list(sizes)}; at least two numbers from 1 on are needed")
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would touch the GPUs too
        for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            layers.append(nn.Linear(fan_in, fan_out, dtype=dtype))
            if i < len(sizes) - 2:
                layers.append(activation_module(activation).to(dtype))
    return nn.Sequential(*layers)


def from_numpy(network: Network) -> nn.Sequential:
    """Copy a NumPy network into a PyTorch module.

    Parameters
    ----------
    network : Network
        One network: without replicas (see `course_lib.network.Network.replica`).

    Returns
    -------
    torch.nn.Sequential
        The same function, in the same dtype. Weights are transposed: PyTorch keeps them as
        ``(fan_out, fan_in)``.

    Raises
    ------
    ValueError
        If the network has replicas.
    NotImplementedError
        If PyTorch lacks one of its activations.

    Examples
    --------
    >>> from course_lib import network
    >>> from_numpy(network.mlp([2, 3, 1], "tanh"))[1]
    Tanh()
    """
    if network.replicas:
        raise ValueError(
            f"the network has replicas {network.replicas}; choose one with network.replica(i)"
        )
    layers: list[nn.Module] = []
    for layer in network.layers:
        if isinstance(layer, Activate):
            layers.append(activation_module(layer.activation).to(_torch_dtype(network.dtype)))
        elif isinstance(layer, Dense):
            weight = torch.from_numpy(layer.parameters["weight"].T.copy())
            bias = torch.from_numpy(layer.parameters["bias"][0].copy())
            # on "meta" no random weights are drawn, so PyTorch's random numbers stay as they were
            fan_in, fan_out = layer.parameters["weight"].shape
            linear = nn.Linear(fan_in, fan_out, dtype=bias.dtype, device="meta")
            linear.load_state_dict({"weight": weight, "bias": bias}, assign=True)
            layers.append(linear.requires_grad_())
        elif isinstance(layer, PReLU):
            slope = torch.from_numpy(layer.parameters["weight"][0].copy())
            rectifier = nn.PReLU(slope.numel(), dtype=slope.dtype)
            rectifier.load_state_dict({"weight": slope})
            layers.append(rectifier)
        else:
            raise TypeError(
                f"cannot copy a {type(layer).__name__}; accepted are Dense, PReLU and Activate"
            )
    return nn.Sequential(*layers)


def _torch_dtype(dtype: Any) -> torch.dtype:
    return torch.float32 if dtype == np.float32 else torch.float64


def to_numpy(module: nn.Sequential) -> Network:
    """Copy a PyTorch module into a NumPy network.

    Parameters
    ----------
    module : torch.nn.Sequential
        Of ``Linear`` layers with bias, activations of the catalogue, ``PReLU`` with any slopes, and
        ``Flatten``.

    Returns
    -------
    Network
        The same function, in the same dtype.

    Raises
    ------
    TypeError
        If the module holds something else, or an activation with other settings than the
        catalogue's.

    Examples
    --------
    >>> to_numpy(mlp([2, 3, 1], "relu"))
    Network(2-3-1, ['relu'], float32)
    """
    rows: dict[str, Activation] = {}
    for row in activations.CATALOGUE.values():
        if row.pytorch:
            rows.setdefault(repr(activation_module(row)), row)
    layers: list[Layer] = []
    for child in module:
        if isinstance(child, nn.Linear) and child.bias is not None:
            weight = child.weight.detach().cpu().numpy().T.copy()
            layers.append(Dense(weight, child.bias.detach().cpu().numpy()[np.newaxis].copy()))
        elif isinstance(child, nn.PReLU):
            layers.append(PReLU(child.weight.detach().cpu().numpy()[np.newaxis].copy()))
        elif repr(child) in rows:
            layers.append(Activate(rows[repr(child)]))
        elif not isinstance(child, nn.Flatten):
            raise TypeError(
                f"cannot carry {child} across; accepted are Linear with bias, Flatten, and these "
                f"with the catalogue's settings: {', '.join(rows)}"
            )
    return Network(layers)


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
    seed: int = 0,
    progress: bool = True,
) -> training.History:
    """Train a PyTorch module, in place, on the device where it is.

    The batches come in the order of `course_lib.training.fit` for the same seed, so that both can
    be compared step by step.

    Parameters
    ----------
    model : torch.nn.Module
        Maps ``(batch, features)`` to ``(batch, outputs)``.
    x, y : ndarray or torch.Tensor
        Examples, and labels or targets, as the loss wants them.
    optimizer : torch.optim.Optimizer
        Made for ``model.parameters()``.
    loss : str or Loss
        A name of `course_lib.network.LOSSES`.
    epochs, batch_size, validation, seed, progress
        As in `course_lib.training.fit`.

    Returns
    -------
    course_lib.training.History
        Without a replica axis.

    Raises
    ------
    ValueError
        If there are no examples, lengths or shapes do not fit, or a number is below 1.
    KeyError
        If there is no such loss.

    Examples
    --------
    >>> from course_lib import data
    >>> model = mlp([2, 8, 2], "tanh", dtype=torch.float64)
    >>> x, y = data.xor()
    >>> sgd = torch.optim.SGD(model.parameters(), lr=1.0)
    >>> history = fit(model, x, y, optimizer=sgd, epochs=300, batch_size=None)
    >>> history.train_loss.shape
    (300,)
    """
    rule = get_loss(loss)
    first = _first_parameter(model)

    if LOSSES.get(rule.name) is not rule:
        raise NotImplementedError(
            f"PyTorch has no counterpart of the loss {rule.name!r}; accepted: {', '.join(LOSSES)}"
        )
    # everything is looked at before anything is trained
    inputs = torch.as_tensor(x).to(first.dtype).to(first.device)
    labels = _as_array(y)
    training.check_fit_arguments(inputs, labels, optimizer, epochs, batch_size)
    outputs = predict(model, inputs[:1])
    rule.function(np.zeros((len(inputs), outputs.shape[-1])), labels)
    if validation is not None:
        x_valid, y_valid = training.check_pair(validation)
        y_valid = _as_array(y_valid)
        outputs = predict(model, x_valid)
        rule.function(outputs, y_valid)
        training.score(rule, outputs, y_valid)
    seeds, replicated = as_seeds(seed)
    if replicated:
        raise TypeError(f"seed is {seed!r}; a PyTorch module is one network and takes one number")
    label_dtype = torch.int64 if rule.name == "cross_entropy" else first.dtype
    targets = torch.as_tensor(labels).to(label_dtype).to(first.device)
    criterion = _LOSSES[rule.name]
    rng = stream(seeds[0], "batches")
    record: dict[str, list[Any]] = {"train": [], "loss": [], "accuracy": []}
    steps = 0
    bar = training.progress_bar(epochs, progress)
    with bar:
        for _ in range(epochs):
            model.train()
            total = 0.0
            for index in training.epoch_batches(len(inputs), batch_size, rng):
                batch = torch.from_numpy(index)
                value = criterion(model(inputs[batch]), targets[batch])
                optimizer.zero_grad()
                value.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                total += value.item() * len(index)
                steps += 1
            record["train"].append(total / len(inputs))
            if validation is not None:
                outputs = predict(model, x_valid)
                record["loss"].append(rule.function(outputs, y_valid))
                record["accuracy"].append(training.score(rule, outputs, y_valid))
            training.advance(bar, record)
    return training.make_history(record, steps)


def predict(model: nn.Module, x: ArrayLike) -> np.ndarray[Any, Any]:
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
        Shape ``(batch, outputs)``, the dtype of the module.

    Examples
    --------
    >>> predict(mlp([2, 3, 1]), np.zeros((4, 2))).shape
    (4, 1)
    """
    first = _first_parameter(model)
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            outputs = model(torch.as_tensor(x).to(first.dtype).to(first.device))
    finally:
        for module, mode in modes.items():
            module.training = mode
    return _as_array(outputs)


def _as_array(values: Any) -> np.ndarray[Any, Any]:
    """Return an array, also of a tensor on a GPU."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    return np.asarray(values)


def _first_parameter(model: nn.Module) -> torch.Tensor:
    """Return a parameter, which tells the module's dtype and device."""
    for parameter in model.parameters():
        return parameter
    raise ValueError(f"{type(model).__name__} has no parameters; there is nothing to train")
