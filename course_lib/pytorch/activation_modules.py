"""PyTorch's modules for the activations of the catalogue, and the catalogue's rows for modules."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from inspect import signature
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from course_lib import activations
from course_lib._typing import Array
from course_lib.activations import Activation
from course_lib.activations.catalogue import spelled_out
from course_lib.pytorch.modules import GATES, Activate, Gated, Maxout
from course_lib.pytorch.tensors import array_of

__all__ = [
    "activation_module",
    "activation_of",
    "as_row",
    "computes_as",
    "parameter_names",
    "rows_for",
    "settings_of",
    "text_of",
    "unwrapped",
]


Function = Callable[..., Array]


def activation_module(activation: str | Activation | nn.Module) -> nn.Module:
    """Return a module for an activation: PyTorch's own if it has one, else one of this package.

    Parameters
    ----------
    activation : str or Activation or torch.nn.Module
        A name of `course_lib.activations.CATALOGUE`; a row, whose parameters, as
        `course_lib.activations.get` fixes them, become settings of the module; or a module of
        PyTorch, which is built anew. A row of your own is compared with the module that its field
        ``pytorch`` names.

    Returns
    -------
    torch.nn.Module
        The same function, with the same parameters. That of ``prelu`` learns its negative slope.
        Gates are a `Gated`, but for ``torch.nn.GLU``, and maxout is a `Maxout`; what PyTorch does
        not have, or not with these parameters, is an `Activate`, which computes by NumPy.

    Raises
    ------
    KeyError
        If the catalogue has no such activation.
    TypeError
        If it is a module that is no activation, or a class instead of a module.
    NotImplementedError
        If a generator of random numbers is among the parameters of a row.
    ValueError
        If function and derivative of a row have different parameters, or the module that a row of
        your own names computes something else.

    Examples
    --------
    >>> activation_module("gelu"), activation_module("swiglu"), activation_module("sine")
    (GELU(approximate='none'), Gated('swiglu'), Activate(sine))

    One with a larger derivative for x < 0:

    >>> activation_module(activations.get("leaky_relu", negative_slope=0.2))
    LeakyReLU(negative_slope=0.2)
    """
    row = as_row(activation)
    known, parameters = _origin(row)
    if parameters.get("rng") is not None:
        raise NotImplementedError(
            f"the function of {row.name!r} draws random numbers from rng={parameters['rng']!r}, "
            f"and its derivative others; expected none, or torch.nn.RReLU(), which draws once"
        )
    if known is not None:
        return _native(known, parameters) or Activate(row)
    if not row.pytorch:
        return Activate(row)
    module, options = spelled_out(row.pytorch)
    found = cast(nn.Module, getattr(nn, module)(**options))
    _check_agreement(found, row)
    return found


def as_row(activation: str | Activation | nn.Module) -> Activation:
    """Return the row of an activation that is given by name, as a row or as a module.

    Raises
    ------
    KeyError, TypeError, ValueError
        As `activation_module` raises them.

    Examples
    --------
    >>> as_row(nn.ELU(2.0)).name
    'elu(alpha=2.0)'
    """
    if isinstance(activation, type) and issubclass(activation, nn.Module):
        raise TypeError(
            f"activation is the class {activation.__name__}; expected a module, such as "
            f"{activation.__name__}(), a name or a row of the catalogue"
        )
    if not isinstance(activation, nn.Module):
        return activations.get(activation)
    if isinstance(activation, nn.PReLU) and computes_as(activation, nn.PReLU):
        if activation.num_parameters == 1:
            slope = float(activation.weight.item())
            return _with_parameters(activations.get("prelu"), {"negative_slope": slope})
        raise ValueError(
            f"activation is {activation}; expected a PReLU() whose negative slope all units share; "
            f"for one for each unit, put modules in a row in a torch.nn.Sequential"
        )
    row = activation_of(activation)
    if row is not None:
        return row
    if rows_for(activation):
        raise TypeError(f"activation is {activation}; expected {settings_of(activation)}")
    raise TypeError(
        f"activation is {activation}; expected a name or a row of the catalogue, or one of "
        f"PyTorch's activations; put any other module into a torch.nn.Sequential"
    )


def _native(known: Activation, parameters: dict[str, Any]) -> nn.Module | None:
    """Return the module that computes a function of the catalogue, or None if there is none."""
    if not known.elementwise:
        parameters = dict(parameters)
        axis = parameters.pop("axis", -1)
        if axis == 1 and known.pytorch:  # the features of (batch, features), as -1 is
            return cast(nn.Module, getattr(nn, spelled_out(known.pytorch)[0])(dim=1))
        if axis != -1:
            return None
    if known.name == "maxout":
        return Maxout(**parameters)
    if known.name in GATES and not known.pytorch:
        return Gated(known.name)
    if known.name == "relu6" and np.size(parameters.get("max_value", ())) == 1:
        return nn.Hardtanh(0.0, float(parameters["max_value"]))
    options = _options(known, parameters)
    if not known.pytorch or options is None:
        return None
    module, fixed = spelled_out(known.pytorch)
    return cast(nn.Module, getattr(nn, module)(**fixed | options))


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
    names = _PARAMETER_NAMES.get(row.name, {})
    return {theirs: ours for theirs, ours in names.items() if ours in row.parameters}


def _origin(row: Activation) -> tuple[Activation | None, dict[str, Any]]:
    """Return the row of the catalogue whose function a row has, and the parameters it is given.

    The function decides, not the name: a user's own row may keep the name of the one it replaces.
    """
    (function, parameters), (derivative, others) = map(unwrapped, (row.function, row.derivative))
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


def unwrapped(function: Callable[..., Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return a function and the keyword arguments that `functools.partial` gave to it.

    Examples
    --------
    >>> function, parameters = unwrapped(partial(np.clip, a_min=0))
    >>> function is np.clip, parameters
    (True, {'a_min': 0})
    """
    if isinstance(function, partial) and not function.args:
        return function.func, function.keywords
    return function, {}


def _as_call(function: Function, parameters: Mapping[str, Any]) -> str:
    """Format a function and its parameters for names and error messages."""
    given = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    return f"{getattr(function, '__name__', function)}({given})"


def _options(row: Activation, parameters: dict[str, Any]) -> dict[str, float] | None:
    """Return the settings of PyTorch's module for parameters of a function of the catalogue.

    None if it has no setting for one of them, or takes one number where there are several.
    """
    names = {ours: theirs for theirs, ours in parameter_names(row).items()}
    defaults = signature(row.function).parameters
    options = {}
    for name, value in parameters.items():
        if name in names and np.size(value) == 1:
            options[names[name]] = float(np.reshape(value, ())[()])
        elif not np.array_equal(value, defaults[name].default):
            return None
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
    """Return the rows of the catalogue that are written with the class of a module.

    Examples
    --------
    >>> [row.name for row in rows_for(nn.GELU())], rows_for(nn.Linear(1, 1))
    (['gelu', 'gelu_tanh'], [])
    """
    if isinstance(module, Activate) and computes_as(module, Activate):
        return [module.activation]
    if isinstance(module, Gated) and computes_as(module, Gated):
        return [activations.get(module.gate)]
    if isinstance(module, Maxout) and computes_as(module, Maxout):
        return [activations.get("maxout")]
    rows = [row for row in activations.CATALOGUE.values() if row.pytorch]
    return [r for r in rows if computes_as(module, getattr(nn, spelled_out(r.pytorch)[0]))]


def activation_of(module: nn.Module) -> Activation | None:
    """Return the row that computes as a module does, with the module's parameters.

    None if it is no activation, or has settings that the catalogue's functions do not take.

    Raises
    ------
    ValueError
        If they do not take such a number.

    Examples
    --------
    >>> activation_of(nn.LeakyReLU(0.2)).name
    'leaky_relu(negative_slope=0.2)'
    """
    rows = rows_for(module)
    if isinstance(module, Activate | Gated) and rows:
        return rows[0]
    if isinstance(module, Maxout) and rows:
        return rows[0] if module.pieces == 2 else activations.get("maxout", pieces=module.pieces)
    try:
        if isinstance(module, nn.Softplus) and rows:
            return _softplus(float(module.beta), float(module.threshold))
        return _with_settings(rows, _settings_of(module))
    except ValueError as error:
        raise ValueError(f"{module} has no counterpart in NumPy: {error}") from None


def _with_settings(rows: Sequence[Activation], given: dict[str, Any]) -> Activation | None:
    """Return the row for the settings of a module, or None if there is none."""
    for row in rows:
        names = parameter_names(row)
        fixed = {k: v for k, v in _settings_of(activation_module(row)).items() if k not in names}
        if all(given.get(name) == value for name, value in fixed.items()):
            numbers = {ours: float(given[theirs]) for theirs, ours in names.items()}
            return _with_parameters(row, numbers)
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
    options |= _options(row, parameters) or {}
    written = f"{module}({', '.join(f'{name}={value!r}' for name, value in options.items())})"
    return replace(activations.get(row, **parameters), pytorch=written)


_LINE = 20.0  # times x; from there on, ln(1 + exp(x)) is x to 1e-10: the default of nn.Softplus


def _softplus(beta: float, threshold: float) -> Activation:
    """Return the row for ``torch.nn.Softplus``, which is the line x beyond a threshold."""
    row = _with_parameters(activations.get("softplus"), {"beta": beta})
    if threshold >= _LINE:
        return row
    until, given = threshold / beta, {"beta": beta, "threshold": threshold}
    return Activation(
        name=f"softplus(beta={beta!r}, threshold={threshold!r})",
        function=partial(_softplus_until, **given),
        derivative=partial(_softplus_until_grad, **given),
        formula=r"\ln(1 + e^{\beta x}) / \beta \text{ if } \beta x \leq \theta, \text{ else } x",
        derivative_formula=r"\sigma(\beta x) \text{ if } \beta x \leq \theta, \text{ else } 1",
        range=(min(0.0, until), float("inf")),
        lipschitz=float("inf"),
        monotonic=False,
        kinks=(until,),  # where it jumps down
        kink_derivatives=(float(_softplus_until_grad(until, **given)),),
        source=row.source,
        pytorch=f"Softplus(beta={beta!r}, threshold={threshold!r})",
    )


def _softplus_until(x: ArrayLike, *, beta: float, threshold: float) -> Array:
    """Return softplus where beta times x is up to the threshold, and x beyond it."""
    soft = activations.softplus(x, beta=beta)
    x = np.asarray(x, soft.dtype)
    with np.errstate(all="ignore"):
        return np.where(beta * x > threshold, x, soft)[()]


def _softplus_until_grad(x: ArrayLike, *, beta: float, threshold: float) -> Array:
    """Return the derivative of `_softplus_until`, as PyTorch has it at the threshold."""
    soft = activations.softplus_grad(x, beta=beta)
    x = np.asarray(x, soft.dtype)
    with np.errstate(all="ignore"):
        return np.where(beta * x > threshold, soft.dtype.type(1), soft)[()]


def settings_of(module: nn.Module) -> str:
    """Tell the settings that an activation may have, for an error message.

    Examples
    --------
    >>> settings_of(nn.Softmax(dim=0))
    'Softmax(dim=-1), along the features of (batch, features)'
    """
    texts = " or ".join(text_of(row) for row in rows_for(module))
    along = hasattr(module, "dim")
    return f"{texts}, along the features of (batch, features)" if along else texts


def text_of(row: Activation) -> str:
    """Format the module of an activation, with the settings it may have, for an error message.

    Examples
    --------
    >>> text_of(activations.get("elu")), text_of(activations.get("softmax"))
    ('ELU(alpha=...)', 'Softmax(dim=-1)')
    """
    names = ", ".join(f"{name}=..." for name in parameter_names(row))
    return f"{spelled_out(row.pytorch)[0]}({names})" if names else repr(activation_module(row))
