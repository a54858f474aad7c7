"""The same networks as PyTorch modules: built, trained, and exchanged with the NumPy network.

This is the only module of the library, with what uses it, that imports PyTorch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from course_lib import activations, training
from course_lib.activations import Activation
from course_lib.activations.catalogue import spelled_out
from course_lib.network import (
    LOSSES,
    Activate,
    BatchNorm,
    Dense,
    Layer,
    LayerNorm,
    Loss,
    Network,
    PReLU,
    as_seeds,
    get_loss,
    stream,
)
from course_lib.network import Residual as NumpyResidual

__all__ = [
    "Passage",
    "Residual",
    "activation_module",
    "fit",
    "from_numpy",
    "mlp",
    "passages",
    "predict",
    "to_numpy",
    "weights",
]

Array = NDArray[Any]

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
        """Return the input plus what the modules make of it."""
        output: torch.Tensor = super().forward(input)  # type: ignore[no-untyped-call]
        if output.shape != input.shape:
            raise ValueError(
                f"the modules of a residual block took a signal of shape {tuple(input.shape)} and "
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
        The same function, in the same dtype, with running averages; in training mode, as every
        new module is. Weights are transposed: PyTorch keeps them as ``(fan_out, fan_in)``.

    Raises
    ------
    ValueError
        If the network has replicas.
    NotImplementedError
        If PyTorch lacks one of its activations.
    TypeError
        If a layer is not one of `course_lib.network`.

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
    return nn.Sequential(*(_module(layer, network.dtype) for layer in network.layers))


def _module(layer: Layer, dtype: Any) -> nn.Module:
    """Return a copy of one layer, blocks with all that is in them."""
    if isinstance(layer, Activate):
        return activation_module(layer.activation).to(_torch_dtype(dtype))
    if isinstance(layer, NumpyResidual):
        return Residual(*(_module(inner, dtype) for inner in layer.layers))
    if not isinstance(layer, Dense | PReLU | BatchNorm | LayerNorm):
        raise TypeError(
            f"cannot copy a {type(layer).__name__}; accepted are Dense, Activate, PReLU, "
            f"BatchNorm, LayerNorm and Residual"
        )
    # rows of parameters come without their axis of length 1, as PyTorch has them
    state = {name: torch.tensor(value[0]) for name, value in layer.parameters.items()}
    fan_in, features = layer.parameters["weight"].shape
    # on "meta" no random weights are drawn, so PyTorch's random numbers stay as they were
    options: dict[str, Any] = {"dtype": _torch_dtype(dtype), "device": "meta"}
    module: nn.Module
    if isinstance(layer, Dense):
        state["weight"] = torch.tensor(layer.parameters["weight"].T)
        module = nn.Linear(fan_in, features, **options)
    elif isinstance(layer, PReLU):
        module = nn.PReLU(features, **options)
    elif isinstance(layer, LayerNorm):
        module = nn.LayerNorm(features, layer.epsilon, **options)
    else:
        module = nn.BatchNorm1d(features, layer.epsilon, layer.momentum, **options)
        state["running_mean"] = torch.tensor(layer.running_mean[0])
        state["running_var"] = torch.tensor(layer.running_variance[0])
        state["num_batches_tracked"] = torch.tensor(0)
    module.load_state_dict(state, assign=True)
    return module.requires_grad_()


def _torch_dtype(dtype: Any) -> torch.dtype:
    return torch.float32 if dtype == np.float32 else torch.float64


def to_numpy(module: nn.Sequential) -> Network:
    """Copy a PyTorch module into a NumPy network.

    Parameters
    ----------
    module : torch.nn.Sequential
        Of ``Linear`` layers with bias, activations of the catalogue, ``PReLU`` with any slopes,
        ``BatchNorm1d``, ``LayerNorm``, `Residual` blocks of all these, and ``Flatten``.

    Returns
    -------
    Network
        The same function, in the same dtype, with running averages.

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
    return Network(_layers(module, _known_activations()))


def _known_activations() -> dict[str, Activation]:
    """Return the rows of the catalogue by PyTorch's text for their modules."""
    rows: dict[str, Activation] = {}
    for row in activations.CATALOGUE.values():
        if row.pytorch:
            rows.setdefault(repr(activation_module(row)), row)
    return rows


def _text_of(module: nn.Module) -> str:
    """Return PyTorch's text for a module, whether it works in place or not: it is one function."""
    return repr(module).replace(", inplace=True", "").replace("inplace=True", "")


def _layers(modules: nn.Sequential, rows: dict[str, Activation]) -> list[Layer]:
    """Return copies of modules in a row; `rows` are the activations by PyTorch's text for them."""
    return [_layer(module, rows) for module in modules if not isinstance(module, nn.Flatten)]


def _layer(module: nn.Module, rows: dict[str, Activation]) -> Layer:
    """Return a copy of one module, or raise TypeError if there is no layer like it."""
    if isinstance(module, Residual):
        return NumpyResidual(_layers(module, rows))
    state = {
        name: _as_array(value)[np.newaxis].copy() for name, value in module.state_dict().items()
    }
    if isinstance(module, nn.PReLU):
        return PReLU(state["weight"])
    if _text_of(module) in rows:
        return Activate(rows[_text_of(module)])
    if isinstance(module, nn.Linear) and "bias" in state:
        return Dense(state["weight"][0].T.copy(), state["bias"])
    if isinstance(module, nn.LayerNorm) and "bias" in state and len(module.normalized_shape) == 1:
        return LayerNorm(state["weight"], state["bias"], epsilon=module.eps)
    if (
        isinstance(module, nn.BatchNorm1d)
        and {"weight", "running_mean"} <= set(state)
        and module.momentum is not None
    ):
        layer = BatchNorm(
            state["weight"], state["bias"], momentum=module.momentum, epsilon=module.eps
        )
        layer.running_mean, layer.running_variance = state["running_mean"], state["running_var"]
        return layer
    raise TypeError(
        f"cannot carry {module} across; accepted are Linear with bias, Flatten, BatchNorm1d with "
        f"weights, running averages and a momentum, LayerNorm over one axis with weight and bias, "
        f"Residual, and these with the catalogue's settings: {', '.join(rows)}"
    )


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
    clip_norm: float | None = None,
    clip_value: float | None = None,
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
    epochs, batch_size, validation, seed, clip_norm, clip_value, progress
        As in `course_lib.training.fit`.

    Returns
    -------
    course_lib.training.History
        Without a replica axis.

    Raises
    ------
    ValueError
        If there are no examples, lengths or shapes do not fit, a number is below 1, or a limit is
        not a finite number above 0.
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
    training.check_limits(clip_norm=clip_norm, clip_value=clip_value)
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
                if clip_value is not None:
                    nn.utils.clip_grad_value_(model.parameters(), clip_value)
                if clip_norm is not None:
                    nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
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


@dataclass
class Passage:
    """What went through one activation of a module on the way forward, and came back.

    Attributes
    ----------
    name : str
        The activation's name in the module, such as ``"1"``.
    layer : Layer
        The NumPy layer that does the same.
    inputs, outputs, gradient : ndarray, shape (batch, units)
        Of the activation, and the gradient of the loss with respect to its inputs; empty where none
        was asked for.
    """

    name: str
    layer: Layer
    inputs: Array
    outputs: Array
    gradient: Array = field(default_factory=lambda: np.empty(0))


def passages(
    model: nn.Module, x: ArrayLike, y: ArrayLike | None = None, loss: str | Loss = "cross_entropy"
) -> list[Passage]:
    """Send a batch through a module in training mode, and watch its activations.

    What `course_lib.diagnostics` is made of; the module's gradients and running averages change.

    Parameters
    ----------
    model : torch.nn.Module
        Maps ``(batch, features)`` to ``(batch, outputs)``.
    x, y : ndarray or torch.Tensor
        A batch; without `y` it goes forward only.
    loss : str or Loss
        A name of `course_lib.network.LOSSES`.

    Returns
    -------
    list of Passage
        For each time that the batch passed an elementwise activation of the catalogue or a
        ``PReLU``, in order.

    Raises
    ------
    TypeError
        If it is not a module.
    KeyError, ValueError
        As `fit`.

    Examples
    --------
    >>> found = passages(mlp([2, 3, 1], "tanh"), np.zeros((4, 2)))
    >>> [(one.name, one.inputs.shape) for one in found]
    [('1', (4, 3))]
    """
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"network is a {type(model).__name__}; accepted is a course_lib.network.Network or a "
            f"torch.nn.Module"
        )
    rule, first, rows = get_loss(loss), _first_parameter(model), _known_activations()
    found: list[Passage] = []

    def watch(name: str, layer: Layer) -> Callable[..., None]:
        def note(module: nn.Module, inputs: tuple[torch.Tensor]) -> None:
            # a copy at once: a module that works in place overwrites what it was given
            passage = Passage(name, layer, _rows_of(inputs[0]), np.empty(0))
            found.append(passage)
            if inputs[0].requires_grad:
                inputs[0].register_hook(  # type: ignore[no-untyped-call]
                    lambda gradient: setattr(passage, "gradient", _rows_of(gradient))
                )

        return note

    def keep(module: nn.Module, inputs: Any, outputs: torch.Tensor) -> None:
        found[-1].outputs = _rows_of(outputs)

    hooks = []
    for name, module in model.named_modules():
        row = rows.get(_text_of(module))
        if isinstance(module, nn.PReLU) or (row is not None and row.elementwise):
            layer = _layer(module, rows)
            hooks.append(module.register_forward_pre_hook(watch(name, layer)))
            hooks.append(module.register_forward_hook(keep))
    try:
        model.train()
        model.zero_grad()
        outputs = model(torch.as_tensor(x).to(first.dtype).to(first.device))
        if y is not None:
            dtype = torch.int64 if rule.name == "cross_entropy" else first.dtype
            targets = torch.as_tensor(_as_array(y)).to(dtype).to(first.device)
            _LOSSES[rule.name](outputs, targets).backward()  # type: ignore[no-untyped-call]
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _rows_of(values: torch.Tensor) -> Array:
    """Return a copy as an array of shape (batch, units)."""
    return _as_array(values).reshape(len(values), -1).copy()


def weights(model: nn.Module, *, gradients: bool = False) -> dict[str, Array]:
    """Return copies of the weight matrices of a module by name, or of their gradients.

    Parameters
    ----------
    model : torch.nn.Module
        Of any layers; kernels of convolutions are laid out as matrices.
    gradients : bool
        Take the gradients of the last backward pass instead.

    Returns
    -------
    dict of str to ndarray
        Each of shape ``(fan_out, fan_in)``: no biases, and nothing of normalizations.

    Examples
    --------
    >>> [(name, value.shape) for name, value in weights(mlp([2, 3, 1])).items()]
    [('0.weight', (3, 2)), ('2.weight', (1, 3))]
    """
    found = {}
    for name, parameter in model.named_parameters():
        values = parameter.grad if gradients else parameter
        if name.endswith("weight") and parameter.ndim >= 2 and values is not None:
            found[name] = _rows_of(values)
    return found


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
