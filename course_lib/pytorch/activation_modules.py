"""PyTorch's modules for the activations of the catalogue, and the catalogue's rows for modules."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from inspect import signature
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from course_lib import activations
from course_lib._typing import Array
from course_lib.activations import Activation
from course_lib.activations.catalogue import spelled_out
from course_lib.pytorch.tensors import array_of

__all__ = [
    "activation_module",
    "activation_of",
    "computes_as",
    "parameter_names",
    "rows_for",
    "text_of",
]


Function = Callable[..., Array]


def activation_module(name: str | Activation) -> nn.Module:
    """Return PyTorch's module for an activation of the catalogue.

    Parameters
    ----------
    name : str or Activation
        A name of `course_lib.activations.CATALOGUE`, or a row. The parameters of a row, as
        `course_lib.activations.get` fixes them, become settings of the module. A row of your own is
        compared with the module that its field ``pytorch`` names.

    Returns
    -------
    torch.nn.Module
        The same function, with the same parameters. That of ``prelu`` learns its negative slope.

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

    One with a larger derivative for x < 0:

    >>> activation_module(activations.get("leaky_relu", negative_slope=0.2))
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


# The names that modules have for the parameters of the catalogue's functions. All other settings of
# a module must be those that stand in the catalogue.
_PARAMETER_NAMES: dict[str, dict[str, str]] = {
    "leaky_relu": {"negative_slope": "negative_slope"},
    "prelu": {"init": "negative_slope"},
    "rrelu": {"lower": "lower", "upper": "upper"},
    "threshold": {"threshold": "threshold", "value": "value"},
    "hard_tanh": {"min_val": "min_val", "max_val": "max_val"},
    "hard_shrink": {"lambd": "threshold"},
    "soft_shrink": {"lambd": "threshold"},
    "softplus": {"beta": "beta"},
    "elu": {"alpha": "alpha"},
    "celu": {"alpha": "alpha"},
}


def parameter_names(row: Activation) -> Mapping[str, str]:
    """Return PyTorch's names of an activation's parameters, each with the catalogue's name."""
    return _PARAMETER_NAMES.get(row.name, {})


def _origin(row: Activation) -> tuple[Activation | None, dict[str, Any]]:
    """Return the row of the catalogue whose function a row has, and the parameters it is given.

    The function decides, not the name: a user's own row may keep the name of the one it replaces.
    """
    (function, parameters), (derivative, others) = map(_unwrapped, (row.function, row.derivative))
    known = next((k for k in activations.CATALOGUE.values() if k.function is function), None)
    if known is None:
        return None, {}
    same = parameters.keys() == others.keys() and all(
        np.array_equal(parameters[name], others[name]) for name in parameters
    )
    if derivative is not known.derivative or not same:
        raise ValueError(
            f"the function of {row.name!r} is {_as_call(function, parameters)}, and its derivative "
            f"{_as_call(derivative, others)}; expected the derivative of the function, with "
            f"the same parameters"
        )
    return known, parameters


def _unwrapped(function: Function) -> tuple[Function, dict[str, Any]]:
    """Return a function and the keyword arguments that `functools.partial` gave to it."""
    if isinstance(function, partial) and not function.args:
        return function.func, function.keywords
    return function, {}


def _as_call(function: Function, parameters: Mapping[str, Any]) -> str:
    """Format a function and its parameters for names and error messages."""
    given = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    return f"{getattr(function, '__name__', function)}({given})"


def _options(row: Activation, parameters: dict[str, Any]) -> dict[str, float]:
    """Return the settings of PyTorch's module for parameters of a function of the catalogue."""
    names = {ours: theirs for theirs, ours in parameter_names(row).items()}
    defaults = signature(row.function).parameters
    options = {}
    for name, value in parameters.items():
        if name in names and np.size(value) == 1:
            options[names[name]] = float(np.reshape(value, ())[()])
        elif name not in defaults or not np.array_equal(value, defaults[name].default):
            raise NotImplementedError(
                f"PyTorch has no module for {row.name!r} with {name}={value!r}; use the NumPy "
                f"network, or the layer PReLU with a negative slope for each feature"
            )
    return options


def _check_agreement(module: nn.Module, row: Activation) -> None:
    """Raise ValueError unless a module computes what a row of the user's own does."""
    x = np.linspace(-7.3, 6.9, 24).reshape(2, 12)
    leaf = torch.tensor(x, requires_grad=True)
    outputs: torch.Tensor = copy.deepcopy(module).double().eval()(leaf)
    outputs.sum().backward()  # type: ignore[no-untyped-call]
    ours = np.asarray(row(x))
    theirs = array_of(outputs)
    if ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=1e-6, atol=1e-6):
        assert leaf.grad is not None
        ours, theirs = row.vjp(x, np.ones_like(ours)), array_of(leaf.grad)
        if np.allclose(ours, theirs, rtol=1e-6, atol=1e-6):
            return
    raise ValueError(
        f"{row.name!r} is a function of your own, and {row.pytorch} of PyTorch computes something "
        f"else; expected in its field pytorch the module that is the same function, or ''"
    )


def computes_as(thing: object, *kinds: type) -> bool:
    """Return whether an object is of one of the classes, with that class's forward and backward."""
    steps = ("forward", "backward")
    return any(
        isinstance(thing, kind)
        and all(getattr(type(thing), step, None) is getattr(kind, step, None) for step in steps)
        for kind in kinds
    )


def rows_for(module: nn.Module) -> list[Activation]:
    """Return the rows of the catalogue that are written with the class of a module."""
    rows = [row for row in activations.CATALOGUE.values() if row.pytorch]
    return [r for r in rows if computes_as(module, getattr(nn, spelled_out(r.pytorch)[0]))]


def activation_of(module: nn.Module, rows: Sequence[Activation]) -> Activation | None:
    """Return the row that computes as a module does, with the module's parameters.

    None if the module has settings that the catalogue's functions do not take.
    """
    given = _settings_of(module)
    for row in rows:
        names = parameter_names(row)
        fixed = {k: v for k, v in _settings_of(activation_module(row)).items() if k not in names}
        if all(given.get(name) == value for name, value in fixed.items()):
            return _with_parameters(row, {ours: given[theirs] for theirs, ours in names.items()})
    return None


def _settings_of(module: nn.Module) -> dict[str, Any]:
    """Return a module's settings by name, without those that do not change its function."""
    inner = ("training", "inplace")
    found = {k: v for k, v in vars(module).items() if not k.startswith("_") and k not in inner}
    if found.get("dim") == 1:
        found["dim"] = -1  # of (batch, features)
    return found


def _with_parameters(row: Activation, parameters: dict[str, Any]) -> Activation:
    """Return a row of the catalogue with other parameters, written as PyTorch writes it."""
    if parameters == {name: row.parameters[name] for name in parameters}:
        return row
    module, options = spelled_out(row.pytorch)
    options |= _options(row, parameters)
    written = f"{module}({', '.join(f'{name}={value!r}' for name, value in options.items())})"
    return replace(activations.get(row, **parameters), pytorch=written)


def text_of(row: Activation) -> str:
    """Format the module of an activation, with the settings it may have, for an error message."""
    names = ", ".join(f"{name}=..." for name in _PARAMETER_NAMES.get(row.name, {}))
    return f"{spelled_out(row.pytorch)[0]}({names})" if names else repr(activation_module(row))
