"""Which modules and functions of PyTorch are which kinds of layers, and their settings."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import Parameter, Signature
from typing import Any

import numpy as np
import torch
from torch import nn

from course_lib._typing import Array
from course_lib.pytorch.tensors import array_of

__all__ = ["known_call", "known_module"]

Settings = Callable[[tuple[Array, ...]], Mapping[str, Any]]
"""Returns the settings of a formula, from the inputs of the layer."""

SELU = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}  # as PyTorch has them


def known_module(module: nn.Module) -> tuple[str, Settings | None]:
    """Return the kind of a module, and its settings, or None if the formulas lack it.

    Parameters
    ----------
    module : torch.nn.Module
        Recorded as a whole.

    Returns
    -------
    kind : str
        A name of `course_lib.frameworks.forms.FORMS`, or the class of the module.
    settings : callable or None
        Takes the inputs.
    """
    for kind, (fits, settings) in _MODULES.items():
        if type(module) in fits:
            found = settings(module)
            if found is not None:
                return kind, found
    return type(module).__name__, None


def _fixed(*names: str, **others: str) -> Callable[[nn.Module], Settings]:
    """Return settings that are attributes of the module, some of another name."""
    names_of = {name: name for name in names} | others

    def settings(module: nn.Module) -> Settings:
        found = {ours: getattr(module, theirs) for ours, theirs in names_of.items()}
        return lambda inputs: found

    return settings


def _constant(**found: Any) -> Callable[[nn.Module], Settings]:
    """Return settings that every module of a class has."""
    return lambda module: lambda inputs: found


def _values(tensor: torch.Tensor | None, default: float) -> Array | float:
    """Return a parameter as an array, or a number where there is none."""
    return default if tensor is None else array_of(tensor)


def _linear(module: Any) -> Settings:
    return partial(_linear_settings, module.weight, module.bias)


def _linear_settings(weight: Any, bias: Any, inputs: tuple[Array, ...]) -> Mapping[str, Any]:
    return {"weight": array_of(weight), "bias": _values(bias, 0.0), "transposed": False}


def _prelu(module: Any) -> Settings:
    return partial(_prelu_settings, module.weight)


def _prelu_settings(weight: Any, inputs: tuple[Array, ...]) -> Mapping[str, Any]:
    return {"weight": array_of(weight).reshape(-1), "axis": min(1, inputs[0].ndim - 1)}


def _softmax(log: bool) -> Callable[[nn.Module], Settings]:
    return lambda module: partial(_softmax_settings, getattr(module, "dim", -3), log)


def _softmax_settings(dim: Any, log: bool, inputs: tuple[Array, ...]) -> Mapping[str, Any]:
    ndim = inputs[0].ndim
    axis = (0 if ndim in (0, 1, 3) else 1) if dim is None else dim  # as PyTorch chooses it
    return {"axes": (axis % ndim,), "log": log}


def _layer_norm(module: Any) -> Settings:
    return partial(
        _layer_norm_settings,
        tuple(module.normalized_shape),
        module.weight,
        getattr(module, "bias", None),
        module.eps,
        not isinstance(module, nn.RMSNorm),
    )


def _layer_norm_settings(
    shape: Sequence[int], weight: Any, bias: Any, eps: Any, centered: bool, inputs: Any
) -> Mapping[str, Any]:
    ndim = inputs[0].ndim
    if eps is None:
        eps = float(np.finfo(inputs[0].dtype).eps)
    return {
        "axes": tuple(range(ndim - len(shape), ndim)),
        "weight": _values(weight, 1.0),
        "bias": _values(bias, 0.0),
        "eps": eps,
        "centered": centered,
    }


def _along_channels(values: Array | float, ndim: int) -> Array | float:
    """Return parameters of channels so that they broadcast with (batch, channels, ...)."""
    if isinstance(values, np.ndarray):
        return values.reshape(-1, *[1] * (ndim - 2))
    return values


def _channels_settings(
    weight: Any, bias: Any, eps: float, more: Callable[[int], Mapping[str, Any]], inputs: Any
) -> Mapping[str, Any]:
    ndim = inputs[0].ndim
    found: dict[str, Any] = {
        "axes": tuple(range(2, ndim)),
        "weight": _along_channels(_values(weight, 1.0), ndim),
        "bias": _along_channels(_values(bias, 0.0), ndim),
        "eps": eps,
    }
    return {**found, **more(ndim)}


def _averages(mean: Any, variance: Any, ndim: int) -> Mapping[str, Any]:
    """Return the running averages of a batch normalization."""
    if mean is None or variance is None:
        return {"axes": (0, *range(2, ndim))}
    found = {"mean": mean, "variance": variance}
    return {name: _along_channels(array_of(value), ndim) for name, value in found.items()}


def _batch_norm(module: Any) -> Settings:
    more = partial(_averages, module.running_mean, module.running_var)
    return partial(_channels_settings, module.weight, module.bias, module.eps, more)


def _group_norm(module: Any) -> Settings:
    groups = {"groups": module.num_groups}
    return partial(
        _channels_settings,
        module.weight,
        module.bias,
        module.eps,
        lambda ndim: groups,
    )


def _instance_norm(module: Any) -> Settings | None:
    if module.track_running_stats:
        return None
    return partial(_channels_settings, module.weight, module.bias, module.eps, lambda ndim: {})


def _gru(module: nn.GRU) -> Settings | None:
    directions = ["", "_reverse"][: 1 + module.bidirectional]
    units = 3 * module.hidden_size

    def cell(suffix: str) -> Mapping[str, Array]:
        names = {"input": "weight_ih", "state": "weight_hh"}
        found = {k: array_of(getattr(module, v + suffix)) for k, v in names.items()}
        for key, name in {"input_bias": "bias_ih", "state_bias": "bias_hh"}.items():
            bias = getattr(module, name + suffix, None)
            found[key] = np.zeros(units) if bias is None else array_of(bias)
        return found

    def settings(inputs: tuple[Array, ...]) -> Mapping[str, Any]:
        if inputs[0].ndim != 3:
            return {}
        layers = [[cell(f"_l{i}{d}") for d in directions] for i in range(module.num_layers)]
        axis = 0 if module.batch_first else 1
        return {"cells": layers, "batch_axis": axis, "reset": "after", "output": 0}

    return settings


def _flatten(module: nn.Module) -> Settings:
    return _flatten_settings


def _flatten_settings(inputs: tuple[Array, ...]) -> Mapping[str, Any]:
    shape = inputs[0].shape
    return {"order": tuple(range(len(shape))), "shape": (shape[0] if shape else 1, -1)}


_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_INSTANCES = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)

_NORMALIZATIONS: dict[tuple[type, ...], Callable[[Any], Settings | None]] = {
    (nn.LayerNorm, nn.RMSNorm): _layer_norm,
    _NORMS: _batch_norm,
    (nn.GroupNorm,): _group_norm,
    _INSTANCES: _instance_norm,
}


def _normalization(module: nn.Module) -> Settings | None:
    return next(make(module) for kinds, make in _NORMALIZATIONS.items() if type(module) in kinds)


def _softmax_of(module: nn.Module) -> Settings:
    return _softmax(isinstance(module, nn.LogSoftmax))(module)


Make = Callable[[Any], Settings | None]

_MODULES: dict[str, tuple[tuple[type, ...], Make]] = {
    "celu": ((nn.CELU,), _fixed("alpha")),
    "elu": ((nn.ELU,), _fixed("alpha")),
    "flatten": ((nn.Flatten,), _flatten),
    "gelu": ((nn.GELU,), _fixed("approximate")),
    "gru": ((nn.GRU,), _gru),
    "hard_sigmoid": ((nn.Hardsigmoid,), _constant(slope=1 / 6)),
    "hard_swish": ((nn.Hardswish,), _constant(slope=1 / 6)),
    "leaky_relu": ((nn.LeakyReLU,), _fixed(slope="negative_slope")),
    "linear": ((nn.Linear,), _linear),
    "normalization": (sum(_NORMALIZATIONS, ()), _normalization),
    "prelu": ((nn.PReLU,), _prelu),
    "relu": ((nn.ReLU,), _constant()),
    "selu": ((nn.SELU,), _constant(**SELU)),
    "softmax": ((nn.Softmax, nn.LogSoftmax, nn.Softmax2d), _softmax_of),
    "softplus": ((nn.Softplus,), _fixed("beta", "threshold")),
}


# Functions: their arguments by name, and settings of these.


def _signature(**defaults: Any) -> Signature:
    """Return a signature of an input and of arguments with defaults."""
    kind = Parameter.POSITIONAL_OR_KEYWORD
    rest = [Parameter(name, kind, default=value) for name, value in defaults.items()]
    return Signature([Parameter("input", kind), *rest])


def _these(*names: str, **others: str) -> Callable[[Mapping[str, Any]], Settings]:
    """Return settings that are arguments of the call."""
    names_of = {name: name for name in names} | others
    return lambda call: lambda inputs: {ours: call[name] for ours, name in names_of.items()}


def _norm_of_call(call: Mapping[str, Any]) -> Settings:
    more = partial(_averages, call["running_mean"], call["running_var"])
    return partial(_channels_settings, call["weight"], call["bias"], call["eps"], more)


def _layer_norm_of_call(centered: bool) -> Callable[[Mapping[str, Any]], Settings]:
    return lambda call: partial(
        _layer_norm_settings,
        tuple(call["normalized_shape"]),
        call["weight"],
        call.get("bias"),
        call["eps"],
        centered,
    )


def _group_norm_of_call(call: Mapping[str, Any]) -> Settings:
    groups = {"groups": call["num_groups"]}
    return partial(
        _channels_settings, call["weight"], call["bias"], call["eps"], lambda ndim: groups
    )


_AFFINE: dict[str, Any] = {"weight": None, "bias": None}
_SOFTMAX = _signature(dim=None, dtype=None, _stacklevel=3)
_CALLS: dict[str, tuple[str, Signature, Callable[[Mapping[str, Any]], Settings]]] = {
    "celu": ("celu", _signature(alpha=1.0, inplace=False), _these("alpha")),
    "elu": ("elu", _signature(alpha=1.0, inplace=False), _these("alpha")),
    "flatten": (
        "flatten",
        _signature(start_dim=0, end_dim=-1),
        lambda call: _flatten_settings,
    ),
    "gelu": ("gelu", _signature(approximate="none"), _these("approximate")),
    "group_norm": (
        "normalization",
        _signature(num_groups=None, **_AFFINE, eps=1e-5),
        _group_norm_of_call,
    ),
    "batch_norm": (
        "normalization",
        _signature(
            running_mean=None, running_var=None, **_AFFINE, training=False, momentum=0.1, eps=1e-5
        ),
        _norm_of_call,
    ),
    "hardsigmoid": (
        "hard_sigmoid",
        _signature(inplace=False),
        lambda call: lambda inputs: {"slope": 1 / 6},
    ),
    "hardswish": (
        "hard_swish",
        _signature(inplace=False),
        lambda call: lambda inputs: {"slope": 1 / 6},
    ),
    "layer_norm": (
        "normalization",
        _signature(normalized_shape=None, **_AFFINE, eps=1e-5),
        _layer_norm_of_call(True),
    ),
    "leaky_relu": (
        "leaky_relu",
        _signature(negative_slope=0.01, inplace=False),
        _these(slope="negative_slope"),
    ),
    "linear": (
        "linear",
        _signature(**_AFFINE),
        lambda call: partial(_linear_settings, call["weight"], call["bias"]),
    ),
    "log_softmax": (
        "softmax",
        _SOFTMAX,
        lambda call: partial(_softmax_settings, call["dim"], True),
    ),
    "prelu": (
        "prelu",
        _signature(weight=None),
        lambda call: partial(_prelu_settings, call["weight"]),
    ),
    "relu": ("relu", _signature(inplace=False), lambda call: lambda inputs: {}),
    "reshape": ("flatten", _signature(shape=None), lambda call: _flatten_settings),
    "rms_norm": (
        "normalization",
        _signature(normalized_shape=None, weight=None, eps=None),
        _layer_norm_of_call(False),
    ),
    "selu": ("selu", _signature(inplace=False), lambda call: lambda inputs: SELU),
    "softmax": (
        "softmax",
        _SOFTMAX,
        lambda call: partial(_softmax_settings, call["dim"], False),
    ),
    "softplus": (
        "softplus",
        _signature(beta=1.0, threshold=20.0),
        _these("beta", "threshold"),
    ),
    "view": ("flatten", _signature(shape=None), lambda call: _flatten_settings),
}


def known_call(
    name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[str, Settings | None, list[torch.Tensor] | None]:
    """Return kind and settings of a call of a function, and which tensors are its inputs.

    Parameters
    ----------
    name : str
        Of the function, without underscores around it.
    args, kwargs
        Of the call.

    Returns
    -------
    kind : str
        A name of `course_lib.frameworks.forms.FORMS`, or the function's own.
    settings : callable or None
        Takes the inputs.
    inputs : list of torch.Tensor or None
        Without parameters; None where these are not known.
    """
    known = _CALLS.get(name)
    if known is None:
        return name, None, None
    kind, signature, settings = known
    if name in ("view", "reshape"):
        args, kwargs = args[:1], {}
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:  # of the same name, with other arguments
        return name, None, None
    bound.apply_defaults()
    return kind, settings(bound.arguments), [bound.arguments["input"]]
