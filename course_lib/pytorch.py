"""The same networks as PyTorch modules: built, trained, and exchanged with the NumPy network.

This is the only module of the library, with what uses it, that imports PyTorch.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import signature
from itertools import count, pairwise
from numbers import Integral
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from course_lib import activations, training
from course_lib._typing import Array
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
        A name of `course_lib.activations.CATALOGUE`, or a row. Parameters that
        ``functools.partial`` gave to the function and the derivative of a row become settings of
        the module. A row of your own is compared with the module that its field ``pytorch`` names.

    Returns
    -------
    torch.nn.Module
        The same function, with the same parameters. That of ``prelu`` learns its slope.

    Raises
    ------
    KeyError
        If the catalogue has no such activation.
    NotImplementedError
        If PyTorch has no module for it, or none with these parameters.
    ValueError
        If function and derivative of a row have different parameters, or the module that a row of
        your own names computes something else.

    Examples
    --------
    >>> activation_module("gelu")
    GELU(approximate='none')

    A steeper line for x < 0:

    >>> from dataclasses import replace
    >>> from course_lib.activations import get, leaky_relu, leaky_relu_grad
    >>> function, derivative = (partial(f, negative_slope=0.2) for f in (leaky_relu, leaky_relu_grad))
    >>> activation_module(replace(get("leaky_relu"), function=function, derivative=derivative))
    LeakyReLU(negative_slope=0.2)
    """
    row = activations.get(name)
    known, parameters = _origin(row)
    if not (known or row).pytorch:
        raise NotImplementedError(f"PyTorch has no module for {row.name!r}; use the NumPy network")
    module, options = spelled_out((known or row).pytorch)
    if known is not None:
        options |= _options(known, parameters)
    found = cast(nn.Module, getattr(nn, module)(**options))
    if known is None:
        _check_agreement(found, row)
    return found


# What modules call the parameters of the catalogue's functions. Every further setting of a module
# must be the one that stands in the catalogue.
_SETTINGS: dict[str, dict[str, str]] = {
    "leaky_relu": {"negative_slope": "negative_slope"},
    "prelu": {"init": "negative_slope"},
    "rrelu": {"lower": "lower", "upper": "upper"},
    "threshold": {"threshold": "threshold", "value": "value"},
    "hard_shrink": {"lambd": "threshold"},
    "soft_shrink": {"lambd": "threshold"},
    "softplus": {"beta": "beta"},
    "elu": {"alpha": "alpha"},
    "celu": {"alpha": "alpha"},
}


def _origin(row: Activation) -> tuple[Activation | None, dict[str, Any]]:
    """Return the row of the catalogue whose function a row has, and the parameters it is given.

    The function decides, not the name, which whoever makes a row of their own may well keep.
    """
    (function, parameters), (derivative, others) = map(_taken_apart, (row.function, row.derivative))
    known = next((k for k in activations.CATALOGUE.values() if k.function is function), None)
    if known is None:
        return None, {}
    same = parameters.keys() == others.keys() and all(
        np.array_equal(parameters[name], others[name]) for name in parameters
    )
    if derivative is not known.derivative or not same:
        raise ValueError(
            f"the function of {row.name!r} is {_told(function, parameters)}, and its derivative "
            f"{_told(derivative, others)}; expected the derivative of the function, with the same "
            f"parameters"
        )
    return known, parameters


def _taken_apart(function: Any) -> tuple[Any, dict[str, Any]]:
    """Return a function and the keyword arguments that `functools.partial` gave to it."""
    if isinstance(function, partial) and not function.args:
        return function.func, function.keywords
    return function, {}


def _told(function: Any, parameters: dict[str, Any]) -> str:
    """Return a function and its parameters as text."""
    given = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    return f"{getattr(function, '__name__', function)}({given})"


def _options(row: Activation, parameters: dict[str, Any]) -> dict[str, float]:
    """Return the settings of PyTorch's module for parameters of a function of the catalogue."""
    names = {ours: theirs for theirs, ours in _SETTINGS.get(row.name, {}).items()}
    defaults = signature(row.function).parameters
    options = {}
    for name, value in parameters.items():
        if name in names and np.size(value) == 1:
            options[names[name]] = float(np.reshape(value, ())[()])
        elif name not in defaults or not np.array_equal(value, defaults[name].default):
            raise NotImplementedError(
                f"PyTorch has no module for {row.name!r} with {name}={value!r}; use the NumPy "
                f"network, or the layer PReLU for slopes of several features"
            )
    return options


def _check_agreement(module: nn.Module, row: Activation) -> None:
    """Raise ValueError unless a module computes what a row of the user's own does."""
    x = np.linspace(-7.3, 6.9, 24).reshape(2, 12)
    leaf = torch.tensor(x, requires_grad=True)
    outputs = copy.deepcopy(module).double().eval()(leaf)
    outputs.sum().backward()
    ours = np.asarray(row(x))
    theirs = _as_array(outputs)
    if ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=1e-6, atol=1e-6):
        ours, theirs = row.vjp(x, np.ones_like(ours)), _as_array(leaf.grad)
        if np.allclose(ours, theirs, rtol=1e-6, atol=1e-6):
            return
    raise ValueError(
        f"{row.name!r} is a function of your own, and {row.pytorch} of PyTorch computes something "
        f"else; expected in its field pytorch the module that is the same function, or ''"
    )


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
            f"activation is {activation!r}; expected is one for all hidden layers, such as 'relu'; "
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


def _check_sizes(sizes: Any) -> None:
    """Raise an error unless they are two integers from 1 on, or more."""
    if isinstance(sizes, str) or not isinstance(sizes, Sequence | np.ndarray):
        raise TypeError(f"sizes are {sizes!r}; expected a sequence of integers, such as [784, 10]")
    wrong = [n for n in sizes if isinstance(n, bool) or not isinstance(n, Integral)]
    if wrong:
        raise TypeError(f"sizes are {sizes!r}; expected integers, and {wrong[0]!r} is none")
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes are {list(sizes)}; at least two numbers from 1 on are needed")


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
        new module is. Weights are transposed: PyTorch keeps them as ``(out_features, in_features)``. Dropout
        has the same probabilities, but draws its masks from PyTorch's random numbers.

    Raises
    ------
    ValueError
        If the network has replicas, or an activation of its own is wrong about PyTorch.
    NotImplementedError
        If PyTorch lacks one of its activations, or one with these parameters (see
        `activation_module`).
    TypeError
        If it is no network, in float16, float32 or float64, of layers of `course_lib.network`. A
        class of your own that is derived from one of them is taken for it only if it inherits
        ``forward`` and ``backward``.

    Notes
    -----
    Two activations learn there what is constant here, or draw what is fixed here. ``"prelu"``
    becomes PyTorch's ``PReLU``, which learns its slope. ``"rrelu"``, which has the mean of its two
    bounds as its slope here, becomes PyTorch's ``RReLU``: the same in evaluation mode (after
    ``.eval()``, or in `predict`), but in training mode that draws another slope for each element.

    Examples
    --------
    >>> from course_lib import network
    >>> from_numpy(network.mlp([2, 3, 1], "tanh"))[1]
    Tanh()
    """
    if not isinstance(network, Network):
        raise TypeError(
            f"network is a {type(network).__name__}; expected a course_lib.network.Network"
        )
    if network.replicas:
        raise ValueError(
            f"the network has replicas {network.replicas}; choose one with network.replica(i)"
        )
    dtype = _torch_dtype(network.dtype)
    return nn.Sequential(*(_module(layer, dtype) for layer in network.layers))


def _computes_as(thing: Any, *kinds: type) -> bool:
    """Tell whether it is of one of the classes, or of a derived one that computes as that does."""
    steps = ("forward", "backward")
    return any(
        isinstance(thing, kind)
        and all(getattr(type(thing), step, None) is getattr(kind, step, None) for step in steps)
        for kind in kinds
    )


def _module(layer: Layer, dtype: torch.dtype) -> nn.Module:
    """Return a copy of one layer, blocks with all that is in them."""
    if isinstance(layer, Activate) and _computes_as(layer, Activate):
        return activation_module(layer.activation).to(dtype)
    if isinstance(layer, NumpyResidual) and _computes_as(layer, NumpyResidual):
        return Residual(*(_module(inner, dtype) for inner in layer.layers))
    if isinstance(layer, Dropout) and _computes_as(layer, Dropout, AlphaDropout):
        drop = nn.AlphaDropout if isinstance(layer, AlphaDropout) else nn.Dropout
        return drop(float(layer.p))
    if not isinstance(layer, Dense | PReLU | BatchNorm | LayerNorm) or not _computes_as(
        layer, Dense, PReLU, BatchNorm, LayerNorm
    ):
        raise TypeError(
            f"cannot copy a {type(layer).__name__}; expected Dense, Activate, PReLU, "
            f"BatchNorm, LayerNorm, Dropout, AlphaDropout and Residual"
        )
    # rows of parameters come without their axis of length 1, as PyTorch has them
    state = {name: torch.tensor(value[0]) for name, value in layer.parameters.items()}
    in_features, features = layer.parameters["weight"].shape
    # on "meta" no random weights are drawn, so PyTorch's random numbers stay as they were
    options: dict[str, Any] = {"dtype": dtype, "device": "meta"}
    module: nn.Module
    if isinstance(layer, Dense):
        state["weight"] = torch.tensor(layer.parameters["weight"].T)
        module = nn.Linear(in_features, features, **options)
    elif isinstance(layer, PReLU):
        module = nn.PReLU(features, **options)
    elif isinstance(layer, LayerNorm):
        module = nn.LayerNorm(features, layer.eps, **options)
    else:
        module = nn.BatchNorm1d(features, layer.eps, layer.momentum, **options)
        # kept in float64 there, in the module's dtype here
        state["running_mean"] = torch.tensor(layer.running_mean[0]).to(state["weight"].dtype)
        state["running_var"] = torch.tensor(layer.running_variance[0]).to(state["weight"].dtype)
        state["num_batches_tracked"] = torch.tensor(0)
    module.load_state_dict(state, assign=True)
    return module.requires_grad_()


def _torch_dtype(dtype: np.dtype[Any]) -> torch.dtype:
    """Return PyTorch's name of a dtype."""
    if dtype not in (np.float16, np.float32, np.float64):
        raise TypeError(f"the network is {dtype}; expected float16, float32 or float64")
    return cast(torch.dtype, getattr(torch, dtype.name))


def to_numpy(module: nn.Sequential, *, seed: Seed = 0) -> Network:
    """Copy a PyTorch module into a NumPy network.

    Parameters
    ----------
    module : torch.nn.Sequential
        Of ``Linear`` layers, activations of the catalogue with any parameters that its functions
        take, ``PReLU`` with any slopes, ``BatchNorm1d``, ``LayerNorm``, ``Dropout``,
        ``AlphaDropout``, `Residual` blocks of all these, and ``Flatten()`` with its defaults.
    seed : int or SeedSequence
        For the masks of dropout, other ones for each layer; those of PyTorch cannot be carried.

    Returns
    -------
    Network
        The same function, in the same dtype (float32 for bfloat16, which NumPy does not have), with
        running averages.

    Raises
    ------
    TypeError
        If the module holds something else, or an activation with settings that the catalogue's
        function does not take, or there are several seeds. A class of your own that is derived from
        one of PyTorch is taken for it only if it inherits ``forward``.
    ValueError
        If a dropout drops everything, two layers share a parameter, which would learn as two here,
        or neighbors do not fit.

    Notes
    -----
    Outputs and gradients are equal; three things may be learned differently here. A bias that a
    layer leaves out becomes zeros, and the weight of a normalization without one becomes ones:
    both are parameters here, and learn. A frozen parameter (``requires_grad=False``) learns, too.
    ``RReLU`` has the mean of its bounds as its slope, as in PyTorch's evaluation mode, also while
    it trains. A batch normalization without running averages, or with ``momentum=None``, which
    averages over all batches, is not carried: nothing here does the same.

    Examples
    --------
    >>> to_numpy(mlp([2, 3, 1], "relu"))
    Network(2-3-1, ['relu'], float32)
    >>> to_numpy(nn.Sequential(nn.Linear(2, 1, bias=False), nn.LeakyReLU(0.2)))
    Network(2-1, ['leaky_relu(negative_slope=0.2)'], float32)
    """
    if not _computes_as(module, nn.Sequential):
        raise TypeError(
            f"module is a {type(module).__name__}; expected a torch.nn.Sequential, whose modules "
            f"are called one after the other"
        )
    _check_unshared(module)
    dtype = next((_as_array(p).dtype for p in module.parameters()), np.dtype(np.float32))
    return Network(_layers(module, dtype, _mask_seeds(seed)))


def _check_unshared(module: nn.Module) -> None:
    """Raise ValueError if a parameter stands in a module under two names."""
    owners: dict[int, str] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        first = owners.setdefault(id(parameter), name)
        if first != name:
            raise ValueError(
                f"{first} and {name} are one parameter, which would become two that learn apart; "
                f"expected a parameter of its own for each layer"
            )


def _mask_seeds(seed: Seed) -> Iterator[Seed]:
    """Return a seed for each dropout of a network, those of `course_lib.network.mlp`."""
    seeds, replicated = as_seeds(seed)
    if replicated:
        raise TypeError(f"seed is {seed!r}; a PyTorch module is one network and takes one seed")
    return (layer_seed(seeds[0], "dropout", i) for i in count())


def _rows_for(module: nn.Module) -> list[Activation]:
    """Return the rows of the catalogue that are written with the class of a module."""
    rows = [row for row in activations.CATALOGUE.values() if row.pytorch]
    return [r for r in rows if _computes_as(module, getattr(nn, spelled_out(r.pytorch)[0]))]


def _activation(module: nn.Module, rows: Sequence[Activation]) -> Activation | None:
    """Return the row that a module is, with its parameters; None if its settings are others."""
    given = _settings(module)
    for row in rows:
        names = _SETTINGS.get(row.name, {})
        fixed = {k: v for k, v in _settings(activation_module(row)).items() if k not in names}
        if all(given.get(name) == value for name, value in fixed.items()):
            return _with_parameters(row, {ours: given[theirs] for theirs, ours in names.items()})
    return None


def _settings(module: nn.Module) -> dict[str, Any]:
    """Return the settings of a module; whether it works in place is none, it is one function."""
    inner = ("training", "inplace")
    found = {k: v for k, v in vars(module).items() if not k.startswith("_") and k not in inner}
    if found.get("dim") == 1:
        found["dim"] = -1  # of (batch, features)
    return found


def _with_parameters(row: Activation, parameters: dict[str, Any]) -> Activation:
    """Return a row of the catalogue with other parameters, and what is then true of it."""
    if parameters == {name: row.parameters[name] for name in parameters}:
        return row
    function, derivative = (partial(f, **parameters) for f in (row.function, row.derivative))
    kinks = _kinks(row, parameters)
    # beside the lines bent at 0 and ELU, no parameter changes the largest derivative
    steepest = float(np.abs(derivative(np.array([-1e-30, 1.0]))).max())
    module, options = spelled_out(row.pytorch)
    options |= _options(row, parameters)
    return replace(
        row,
        name=_told(row.function, parameters),
        function=function,
        derivative=derivative,
        lipschitz=max(row.lipschitz, steepest),
        kinks=kinks,
        kink_derivatives=tuple(derivative(np.array(kinks)).tolist()),
        pytorch=f"{module}({', '.join(f'{name}={value!r}' for name, value in options.items())})",
        jax="",
        keras="",
        tensorflow="",
    )


def _kinks(row: Activation, parameters: dict[str, Any]) -> tuple[float, ...]:
    """Return where the derivative of a row with other parameters jumps."""
    if "threshold" in parameters:
        at = float(parameters["threshold"])
        return (at,) if row.name == "threshold" else (-at, at)
    return (0.0,) if row.name == "elu" else row.kinks


def _layers(modules: nn.Sequential, dtype: np.dtype[Any], seeds: Iterator[Seed]) -> list[Layer]:
    """Return copies of modules in a row; those without parameters are made in the dtype."""
    return [_layer(m, dtype, seeds) for m in modules if not _is_nothing(m)]


def _is_nothing(module: nn.Module) -> bool:
    """Tell whether it is a Flatten that leaves (batch, features) as it is; raise if another."""
    if not isinstance(module, nn.Flatten) or not _computes_as(module, nn.Flatten):
        return False
    if (module.start_dim, module.end_dim) != (1, -1):
        raise TypeError(
            f"cannot carry {module} across; expected Flatten(start_dim=1, end_dim=-1), which keeps "
            f"each example apart"
        )
    return True


def _layer(module: nn.Module, dtype: np.dtype[Any], seeds: Iterator[Seed]) -> Layer:
    """Return a copy of one module, or raise TypeError if there is no layer like it."""
    if isinstance(module, Residual) and _computes_as(module, Residual):
        return NumpyResidual(_layers(module, dtype, seeds))
    if isinstance(module, nn.Dropout) and _computes_as(module, nn.Dropout):
        return Dropout(module.p, seed=next(seeds))
    if isinstance(module, nn.AlphaDropout) and _computes_as(module, nn.AlphaDropout):
        return AlphaDropout(module.p, seed=next(seeds))
    layer = _layer_with_parameters(module, dtype)
    if layer is not None:
        return layer
    row = _activation(module, _rows_for(module))
    if row is not None:
        return Activate(row)
    raise TypeError(
        f"cannot carry {module} across; expected Linear, Flatten, Dropout, AlphaDropout, "
        f"BatchNorm1d with running averages and a momentum, LayerNorm over one axis, Residual, "
        f"PReLU, and the activations of the catalogue, with parameters that its functions take: "
        f"{', '.join(_text_of(row) for row in activations.CATALOGUE.values() if row.pytorch)}"
    )


def _text_of(row: Activation) -> str:
    """Return PyTorch's text for the module of an activation, and which settings it may have."""
    names = ", ".join(f"{name}=..." for name in _SETTINGS.get(row.name, {}))
    return f"{spelled_out(row.pytorch)[0]}({names})" if names else repr(activation_module(row))


def _layer_with_parameters(module: nn.Module, dtype: np.dtype[Any]) -> Layer | None:
    """Return a copy of a module with parameters, or None if there is no layer like it."""
    state = {
        name: _as_array(value)[np.newaxis].copy() for name, value in module.state_dict().items()
    }
    known = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    if not known.issuperset(state):  # as with a weight that other parameters are computed into
        return None
    if isinstance(module, nn.PReLU) and _computes_as(module, nn.PReLU):
        return PReLU(state["weight"])
    if isinstance(module, nn.Linear) and _computes_as(module, nn.Linear):
        weight = state["weight"][0].T.copy()
        return Dense(weight, state.get("bias", np.zeros((1, module.out_features), weight.dtype)))
    if isinstance(module, nn.LayerNorm) and _computes_as(module, nn.LayerNorm):
        if len(module.normalized_shape) != 1:
            return None
        return LayerNorm(*_affine(state, module.normalized_shape, dtype), eps=module.eps)
    if isinstance(module, nn.BatchNorm1d) and _computes_as(module, nn.BatchNorm1d):
        if "running_mean" not in state or module.momentum is None:
            return None
        weight, bias = _affine(state, [module.num_features], dtype)
        layer = BatchNorm(weight, bias, momentum=module.momentum, eps=module.eps)
        averages = {"running_mean": "running_mean", "running_variance": "running_var"}
        layer.set_extra_state({name: state[key] for name, key in averages.items()})
        return layer
    return None


def _affine(
    state: dict[str, Array], features: Sequence[int], dtype: np.dtype[Any]
) -> tuple[Array, Array]:
    """Return weight and bias of a normalization: ones and zeros where it has none."""
    shape = (1, *features)
    return state.get("weight", np.ones(shape, dtype)), state.get("bias", np.zeros(shape, dtype))


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
    history: training.History | None = None,
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
        Made for ``model.parameters()``, or for some of them: the others, and frozen ones, stay what
        they are. Limits of the gradient are for those that learn.
    loss : str or Loss
        A name of `course_lib.network.LOSSES`.
    epochs, batch_size, validation, patience, seed, clip_norm, clip_value, history, progress
        As in `course_lib.training.fit`. With patience, the module ends with its ``state_dict`` of
        the best epoch. A training in pieces equals one in a piece where the module draws no random
        numbers; dropout goes on with those of ``torch.get_rng_state``.

    Returns
    -------
    course_lib.training.History
        Without a replica axis.

    Raises
    ------
    ValueError
        If there are no examples, a number in x or in the targets is not finite, lengths or shapes
        do not fit, a number is below 1, a limit is not a finite number above 0, there is patience
        without validation data, the optimizer has a parameter that is not the module's, or none
        that learns, or the history is of another module, patience or kind of data.
    TypeError
        If the optimizer is not one of PyTorch, or asks for a closure, as LBFGS does.
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
    y = _as_array(y, "y")
    training.check_fit_arguments(inputs, y, optimizer, epochs, batch_size)
    check_optimizer(optimizer, model)
    _check_learns(optimizer)
    training.check_limits(clip_norm=clip_norm, clip_value=clip_value)
    if clip_value is not None:  # PyTorch takes none that the dtype cannot hold
        clip_value = min(clip_value, torch.finfo(first.dtype).max)
    training.check_finite("x", _as_array(inputs))
    training.check_finite("y", y)
    shape = (len(inputs), *predict(model, inputs[:1]).shape[1:])
    if len(shape) == 2:
        training.check_target_column(y, shape, rule, ())
    targets = _as_targets(rule, y, shape, first)
    training.check_finite("y", _as_array(targets))  # float32 has no 1e300
    training.check_patience(patience, validation)
    training.check_history(history, (), patience, validation)
    if validation is not None:
        x_valid, y_valid = training.check_pair(validation)
        x_valid = _as_tensor(x_valid, first, name="x of the validation data")
        y_valid = _as_array(y_valid, "y of the validation data")
        training.check_finite("x of the validation data", _as_array(x_valid))
        training.check_finite("y of the validation data", y_valid)
        outputs = predict(model, x_valid)
        rule.function(outputs, y_valid)
        training.score(rule, outputs, y_valid)
    seeds, replicated = as_seeds(seed)
    if replicated:
        raise TypeError(f"seed is {seed!r}; a PyTorch module is one network and takes one number")
    rng = stream(seeds[0], "batches")
    record, steps, stopping = training.resume(history, patience, ())
    training.skip_epochs(len(record["train"]), len(inputs), batch_size, [rng])
    bar = training.progress_bar(epochs, progress)
    with bar, _best_state(model, patience, history) as keep:
        for _ in range(epochs):
            if record["train"] and not stopping.running:
                break
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
        last = {} if patience is None else _state_arrays(model)
    return training.make_history(record, steps, stopping, last)


def _state_arrays(model: nn.Module) -> dict[str, np.ndarray[Any, Any]]:
    """Return copies of a module's state as arrays; bfloat16, which NumPy lacks, as float32."""
    wide = {torch.bfloat16: torch.float32}
    return {
        name: value.detach().cpu().to(wide.get(value.dtype, value.dtype)).numpy().copy()
        for name, value in model.state_dict().items()
    }


@contextmanager
def _best_state(
    model: nn.Module, patience: int | None, history: training.History | None
) -> Iterator[Callable[[Array], None]]:
    """Yield a function that keeps the state if told so; at the end the module is set back to it.

    However the end comes. Without patience there is nothing to set back. A training that goes on
    has its best state in the module, and its last one in the history.
    """
    if patience is None:
        yield lambda better: None
        return
    kept = copy.deepcopy(model.state_dict())
    if history is not None:
        training.check_last(history, _state_arrays(model))
        model.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in history.last.items()})

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
    learning = _steered(optimizer)
    for x, y in pairs:
        value = criterion(model(x), y)
        model.zero_grad()  # also what the optimizer does not steer, so that nothing piles up there
        value.backward()  # type: ignore[no-untyped-call]
        if clip_value is not None:
            nn.utils.clip_grad_value_(learning, clip_value)
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(learning, clip_norm)
        optimizer.step()
        total += value.item() * len(x)
    return total


def _loss_and_criterion(loss: str | Loss) -> tuple[Loss, Criterion]:
    """Return a loss of the NumPy network and what PyTorch has for it."""
    rule = get_loss(loss)
    if LOSSES.get(rule.name) is not rule:
        raise NotImplementedError(
            f"PyTorch has no counterpart of the loss {rule.name!r}; expected: {', '.join(LOSSES)}"
        )
    return rule, _LOSSES[rule.name]


def _as_targets(rule: Loss, y: ArrayLike, shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    """Return labels or targets for outputs of a shape, checked as the NumPy network checks them."""
    labels = _as_array(y, "y")
    if len(shape) > 2:
        raise ValueError(
            f"the module returns outputs of shape {tuple(shape)}; expected (batch, outputs)"
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

    Raises
    ------
    ValueError
        If the module has no parameters, or the rows of `x` have different lengths.
    TypeError
        If `x` does not hold numbers.

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
            f"network is a {type(model).__name__}; expected a course_lib.network.Network or a "
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


def _activations_in(model: nn.Module) -> Iterator[tuple[str, nn.Module, Layer]]:
    """Yield name, module and NumPy layer of each elementwise activation."""
    for name, module in model.named_modules():
        rows = [row for row in _rows_for(module) if row.elementwise]
        if not rows:
            continue
        learned = _layer_with_parameters(module, np.dtype(np.float32))  # of a PReLU
        row = None if learned is not None else _activation(module, rows)
        if learned is None and row is None:
            names = _SETTINGS.get(rows[0].name, {})
            but = f", but for {' and '.join(names)}" if names else ""
            raise ValueError(
                f"cannot measure {module}; expected PyTorch's default settings of it{but}"
            )
        yield name, module, learned or Activate(cast(Activation, row))


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
        Each of shape ``(out_features, in_features)``. No biases; of normalizations only those over several
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
    if not isinstance(optimizer, torch.optim.Optimizer):
        own = type(optimizer).__module__ == training.__name__
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}{' of course_lib.training' if own else ''}; "
            f"expected for a module is one of torch.optim, such as "
            f"torch.optim.SGD(model.parameters(), lr=0.1)"
        )
    try:
        signature(type(optimizer).step).bind(optimizer)
    except TypeError:
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}; expected for a module is one of "
            f"torch.optim that makes a step from the gradients at hand, which this does not: it "
            f"asks for a closure"
        ) from None
    own_parameters = {id(parameter) for parameter in model.parameters()}
    foreign = sum(id(parameter) not in own_parameters for parameter in _steered(optimizer))
    if foreign:
        raise ValueError(
            f"the optimizer was made for the parameters of another module: {foreign} of its "
            f"{len(_steered(optimizer))} are not in this one; expected one made for "
            f"model.parameters() or for some of them, after the module was built, copied or loaded"
        )


def _steered(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    """Return the parameters that an optimizer moves."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _check_learns(optimizer: torch.optim.Optimizer) -> None:
    """Raise ValueError if everything that an optimizer moves is frozen."""
    if not any(parameter.requires_grad for parameter in _steered(optimizer)):
        raise ValueError(
            f"all {len(_steered(optimizer))} parameters of the optimizer are frozen "
            f"(requires_grad=False), and nothing would be learned; expected an optimizer with "
            f"at least one parameter that learns"
        )


def _as_array(values: Any, name: str = "x") -> np.ndarray[Any, Any]:
    """Return an array, also of a tensor on a GPU; of bfloat16, which NumPy lacks, in float32."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{name} has rows of different lengths; expected an array, or rows of one length"
        ) from None


def _as_tensor(
    values: ArrayLike, like: torch.Tensor, dtype: torch.dtype | None = None, name: str = "x"
) -> torch.Tensor:
    """Return a tensor on the device of another one, in its dtype if nothing else is said."""
    if not isinstance(values, torch.Tensor):
        array = _as_array(values, name)  # by way of NumPy, lists keep all digits of their numbers
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{name} is of dtype {array.dtype}; expected numbers")
        # PyTorch takes no other byte order, no steps backwards, and warns of what is read-only
        native = array.dtype.newbyteorder("=")
        values = torch.from_numpy(np.require(array, native, ["C", "W"]))
    return values.to(dtype or like.dtype).to(like.device)


def _first_parameter(model: nn.Module) -> torch.Tensor:
    """Return a parameter, which tells the module's dtype and device."""
    for parameter in model.parameters():
        return parameter
    raise ValueError(f"{type(model).__name__} has no parameters, which would tell dtype and device")
