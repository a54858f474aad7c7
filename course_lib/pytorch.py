"""The same networks as PyTorch modules: built, trained, and exchanged with the NumPy network.

This is the only module of the library, with what uses it, that imports PyTorch.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count, pairwise
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
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
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
from course_lib.network.seeds import Seed, layer_seed

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

Criterion = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

_LOSSES: dict[str, Criterion] = {
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
        new module is. Weights are transposed: PyTorch keeps them as ``(fan_out, fan_in)``. Dropout
        has the same probabilities, but draws its masks from PyTorch's random numbers.

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
    if isinstance(layer, Dropout):
        drop = nn.AlphaDropout if isinstance(layer, AlphaDropout) else nn.Dropout
        return drop(float(layer.p))
    if not isinstance(layer, Dense | PReLU | BatchNorm | LayerNorm):
        raise TypeError(
            f"cannot copy a {type(layer).__name__}; accepted are Dense, Activate, PReLU, "
            f"BatchNorm, LayerNorm, Dropout, AlphaDropout and Residual"
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


def to_numpy(module: nn.Sequential, *, seed: Seed = 0) -> Network:
    """Copy a PyTorch module into a NumPy network.

    Parameters
    ----------
    module : torch.nn.Sequential
        Of ``Linear`` layers with bias, activations of the catalogue, ``PReLU`` with any slopes,
        ``BatchNorm1d``, ``LayerNorm``, ``Dropout``, ``AlphaDropout``, `Residual` blocks of all
        these, and ``Flatten``.
    seed : int or SeedSequence
        For the masks of dropout, other ones for each layer; those of PyTorch cannot be carried.

    Returns
    -------
    Network
        The same function, in the same dtype, with running averages.

    Raises
    ------
    TypeError
        If the module holds something else, or an activation with other settings than the
        catalogue's, or there are several seeds.
    ValueError
        If a dropout drops everything.

    Examples
    --------
    >>> to_numpy(mlp([2, 3, 1], "relu"))
    Network(2-3-1, ['relu'], float32)
    """
    return Network(_layers(module, _known_activations(), _mask_seeds(seed)))


def _mask_seeds(seed: Seed) -> Iterator[Seed]:
    """Return a seed for each dropout of a network, those of `course_lib.network.mlp`."""
    seeds, replicated = as_seeds(seed)
    if replicated:
        raise TypeError(f"seed is {seed!r}; a PyTorch module is one network and takes one seed")
    return (layer_seed(seeds[0], "dropout", i) for i in count())


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


def _layers(
    modules: nn.Sequential, rows: dict[str, Activation], seeds: Iterator[Seed]
) -> list[Layer]:
    """Return copies of modules in a row; `rows` are the activations by PyTorch's text for them."""
    return [_layer(module, rows, seeds) for module in modules if not isinstance(module, nn.Flatten)]


def _layer(module: nn.Module, rows: dict[str, Activation], seeds: Iterator[Seed]) -> Layer:
    """Return a copy of one module, or raise TypeError if there is no layer like it."""
    if isinstance(module, Residual):
        return NumpyResidual(_layers(module, rows, seeds))
    if isinstance(module, nn.Dropout | nn.AlphaDropout):
        kind = AlphaDropout if isinstance(module, nn.AlphaDropout) else Dropout
        return kind(module.p, seed=next(seeds))
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
        f"cannot carry {module} across; accepted are Linear with bias, Flatten, Dropout, "
        f"AlphaDropout, BatchNorm1d with weights, running averages and a momentum, LayerNorm over "
        f"one axis with weight and bias, Residual, and these with the catalogue's settings: "
        f"{', '.join(rows)}"
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
    patience: int | None = None,
    seed: int = 0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    progress: bool = True,
) -> training.History:
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
        Made for ``model.parameters()``.
    loss : str or Loss
        A name of `course_lib.network.LOSSES`.
    epochs, batch_size, validation, patience, seed, clip_norm, clip_value, progress
        As in `course_lib.training.fit`. With patience, the module ends with its ``state_dict`` of
        the best epoch.

    Returns
    -------
    course_lib.training.History
        Without a replica axis.

    Raises
    ------
    ValueError
        If there are no examples, lengths or shapes do not fit, a number is below 1, a limit is not
        a finite number above 0, or there is patience without validation data.
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
    rule, criterion = _loss_and_criterion(loss)
    first = _first_parameter(model)
    # everything is looked at before anything is trained
    inputs = _as_tensor(x, first)
    training.check_fit_arguments(inputs, _as_array(y), optimizer, epochs, batch_size)
    training.check_limits(clip_norm=clip_norm, clip_value=clip_value)
    if clip_value is not None:  # PyTorch takes none that the dtype cannot hold
        clip_value = min(clip_value, torch.finfo(first.dtype).max)
    shape = predict(model, inputs[:1]).shape
    targets = _as_targets(rule, y, (len(inputs), *shape[1:]), first)
    training.check_patience(patience, validation)
    if validation is not None:
        x_valid, y_valid = training.check_pair(validation)
        y_valid = _as_array(y_valid)
        outputs = predict(model, x_valid)
        rule.function(outputs, y_valid)
        training.score(rule, outputs, y_valid)
    seeds, replicated = as_seeds(seed)
    if replicated:
        raise TypeError(f"seed is {seed!r}; a PyTorch module is one network and takes one number")
    rng = stream(seeds[0], "batches")
    record: dict[str, list[Any]] = {"train": [], "loss": [], "accuracy": []}
    steps = 0
    stopping = training.EarlyStopping(patience, ())
    bar, best = training.progress_bar(epochs, progress), _best_state(model, patience)
    with bar, best as keep:
        for _ in range(epochs):
            batches = [
                torch.from_numpy(index)
                for index in training.epoch_batches(len(inputs), batch_size, rng)
            ]
            pairs = ((inputs[batch], targets[batch]) for batch in batches)
            total = _train_epoch(model, pairs, criterion, optimizer, clip_norm, clip_value)
            steps += len(batches)
            record["train"].append(total / len(inputs))
            if validation is not None:
                outputs = predict(model, x_valid)
                record["loss"].append(rule.function(outputs, y_valid))
                record["accuracy"].append(training.score(rule, outputs, y_valid))
            keep(stopping.after_epoch(record))
            training.advance(bar, record)
            if not stopping.running:
                break
    return training.make_history(record, steps, stopping)


@contextmanager
def _best_state(model: nn.Module, patience: int | None) -> Iterator[Callable[[Array], None]]:
    """Yield a function that keeps the state if told so; at the end the module is set back to it.

    However the end comes. Without patience there is nothing to set back.
    """
    if patience is None:
        yield lambda better: None
        return
    kept = copy.deepcopy(model.state_dict())

    def keep(better: Array) -> None:
        nonlocal kept
        if better:
            kept = copy.deepcopy(model.state_dict())

    try:
        yield keep
    finally:
        model.load_state_dict(kept)


def _train_epoch(
    model: nn.Module,
    pairs: Iterable[tuple[torch.Tensor, torch.Tensor]],
    criterion: Criterion,
    optimizer: torch.optim.Optimizer,
    clip_norm: float | None,
    clip_value: float | None,
) -> float:
    """Make one step for each batch; return the sum of the losses of all examples."""
    model.train()
    total = 0.0
    for x, y in pairs:
        value = criterion(model(x), y)
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        if clip_value is not None:
            nn.utils.clip_grad_value_(model.parameters(), clip_value)
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
        total += value.item() * len(x)
    return total


def _loss_and_criterion(loss: str | Loss) -> tuple[Loss, Criterion]:
    """Return a loss of the NumPy network and what PyTorch has for it."""
    rule = get_loss(loss)
    if LOSSES.get(rule.name) is not rule:
        raise NotImplementedError(
            f"PyTorch has no counterpart of the loss {rule.name!r}; accepted: {', '.join(LOSSES)}"
        )
    return rule, _LOSSES[rule.name]


def _as_targets(rule: Loss, y: ArrayLike, shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    """Return labels or targets for outputs of a shape, checked as the NumPy network checks them."""
    labels = _as_array(y)
    if len(shape) > 2:
        raise ValueError(
            f"the module returns outputs of shape {tuple(shape)}; accepted is (batch, outputs)"
        )
    rule.function(np.zeros(shape), labels)
    return _as_tensor(labels, like, torch.int64 if rule.name == "cross_entropy" else None)


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
        Shape ``(batch, outputs)``, the dtype of the module; float32 for bfloat16, which NumPy does
        not have.

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
            outputs = model(_as_tensor(x, first))
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
    """Send a batch through a module in training mode, and watch its activations.

    What `course_lib.diagnostics` is made of; the module's gradients and running averages change.
    Dropout drops, always the same for a module and a batch, and PyTorch's random numbers are left
    as they were. ``RReLU`` alone works as in evaluation, with its mean slope instead of random
    ones.

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
        ``PReLU``, in order. In what a convolution returns, each place of each channel is a unit.

    Raises
    ------
    TypeError
        If it is not a module.
    KeyError, NotImplementedError, ValueError
        As `fit`; or if an activation has settings that the catalogue's functions do not take.

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
    (rule, criterion), first = _loss_and_criterion(loss), _first_parameter(model)
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
        with _fixed_random_numbers(first.device):
            outputs = model(_as_tensor(x, first))
        if y is not None:
            for passage in found:
                passage.gradient = np.zeros_like(passage.inputs)  # until one arrives
            targets = _as_targets(rule, y, outputs.shape, first)
            criterion(outputs, targets).backward()  # type: ignore[no-untyped-call]
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _recorder(
    name: str, layer: Layer, found: list[Passage]
) -> tuple[Callable[..., Any], Callable[..., None]]:
    """Return what is to happen before and after an activation, so that its passages are found."""

    def before(module: nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        # A tensor of its own has the gradient through this activation alone, and always one; and
        # a module that works in place overwrites it instead of what came from the layer before.
        z = inputs[0] if inputs[0].requires_grad else inputs[0].detach().requires_grad_()
        z = z.clone()
        passage = Passage(name, _for_places(layer, z.shape), _rows_of(z), np.empty(0))
        found.append(passage)
        if z.requires_grad:  # not within torch.no_grad()
            z.register_hook(  # type: ignore[no-untyped-call]
                lambda gradient: setattr(passage, "gradient", _rows_of(gradient))
            )
        return (z,)

    def after(module: nn.Module, inputs: Any, outputs: torch.Tensor) -> None:
        found[-1].outputs = _rows_of(outputs)

    return before, after


def _for_places(layer: Layer, shape: Sequence[int]) -> Layer:
    """Return the layer for signals ``(batch, channels, ...)`` that are laid out as rows."""
    if not isinstance(layer, PReLU) or layer.parameters["weight"].size == 1:
        return layer
    return PReLU(np.repeat(layer.parameters["weight"], int(np.prod(shape[2:])), axis=-1))


# What modules call the parameters of the catalogue's functions; further settings must be PyTorch's
# own. Beside the lines bent at 0 and ELU, none of them changes the steepest slope.
_SETTINGS: dict[type[nn.Module], dict[str, str]] = {
    nn.LeakyReLU: {"negative_slope": "slope"},
    nn.RReLU: {"lower": "lower", "upper": "upper"},
    nn.Threshold: {"threshold": "threshold", "value": "value"},
    nn.Hardshrink: {"lambd": "threshold"},
    nn.Softshrink: {"lambd": "threshold"},
    nn.Softplus: {"beta": "beta"},
    nn.ELU: {"alpha": "alpha"},
    nn.CELU: {"alpha": "alpha"},
}


def _activations_in(model: nn.Module) -> Iterator[tuple[str, nn.Module, Layer]]:
    """Yield name, module and NumPy layer of each elementwise activation."""
    rows = _known_activations()
    kinds = {type(activation_module(row)): row for row in rows.values() if row.elementwise}
    for name, module in model.named_modules():
        row = rows.get(_text_of(module))
        if isinstance(module, nn.PReLU) or (row is not None and row.elementwise):
            yield name, module, _layer(module, rows, iter(()))
        elif type(module) in kinds:
            yield name, module, Activate(_with_settings(module, kinds[type(module)]))


def _with_settings(module: nn.Module, row: Activation) -> Activation:
    """Return a row of the catalogue with the settings of a module in place of the defaults."""
    names = _SETTINGS.get(type(module), {})
    own = {ours: getattr(module, theirs) for theirs, ours in names.items()}
    like = type(module)(**{theirs: own[ours] for theirs, ours in names.items()})
    if _text_of(like) != _text_of(module):
        but = f", but for {' and '.join(names)}" if names else ""
        raise ValueError(
            f"cannot measure {module}; accepted are PyTorch's default settings of it{but}"
        )
    function, slope = (partial(f, **own) for f in (row.function, row.derivative))
    steepest = float(np.abs(slope(np.array([-1e-30, 1.0]))).max())
    return replace(row, function=function, derivative=slope, lipschitz=max(row.lipschitz, steepest))


@contextmanager
def _fixed_random_numbers(device: torch.device) -> Iterator[None]:
    """Draw the same numbers each time, and leave the global state as it was."""
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.default_generator.manual_seed(0)
        if on_gpu:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(0)
        yield


def _rows_of(values: torch.Tensor) -> Array:
    """Return a copy as an array of shape (batch, units)."""
    return _as_array(values).reshape(len(values), -1).copy()


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
        Each of shape ``(fan_out, fan_in)``. No biases; of normalizations only those over several
        axes, such as ``LayerNorm([4, 4])``.

    Examples
    --------
    >>> [(name, value.shape) for name, value in weights(mlp([2, 3, 1])).items()]
    [('0.weight', (3, 2)), ('2.weight', (1, 3))]
    """
    found = {}
    for name, parameter in model.named_parameters():
        if name.endswith("weight") and parameter.ndim >= 2:
            values = parameter.grad if gradients else parameter
            found[name] = _rows_of(torch.zeros_like(parameter) if values is None else values)
    return found


def check_optimizer(optimizer: Any, model: nn.Module) -> None:
    """Raise an error unless an optimizer of PyTorch is there for nothing but this module."""
    training.check_optimizer(optimizer)
    if not isinstance(optimizer, torch.optim.Optimizer) or isinstance(optimizer, torch.optim.LBFGS):
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}; accepted for a module is one of "
            f"torch.optim that makes a step from the gradients at hand, which LBFGS does not"
        )
    own = {id(parameter) for parameter in model.parameters()}
    if not own.issuperset(id(p) for group in optimizer.param_groups for p in group["params"]):
        raise ValueError(
            "the optimizer was made for the parameters of another module; accepted is one made "
            "for model.parameters()"
        )


def _as_array(values: Any) -> np.ndarray[Any, Any]:
    """Return an array, also of a tensor on a GPU; of bfloat16, which NumPy lacks, in float32."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    return np.asarray(values)


def _as_tensor(
    values: ArrayLike, like: torch.Tensor, dtype: torch.dtype | None = None
) -> torch.Tensor:
    """Return a tensor on the device of another one, in its dtype if nothing else is said."""
    if isinstance(values, np.ndarray) and not values.flags.writeable:
        values = values.copy()  # PyTorch warns of arrays that are not to be written to
    return torch.as_tensor(values).to(dtype or like.dtype).to(like.device)


def _first_parameter(model: nn.Module) -> torch.Tensor:
    """Return a parameter, which tells the module's dtype and device."""
    for parameter in model.parameters():
        return parameter
    raise ValueError(f"{type(model).__name__} has no parameters, which would tell dtype and device")
