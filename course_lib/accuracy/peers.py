r"""Reference implementations: activations as other libraries and textbooks compute them.

Each is a pair of functions of a NumPy array, the value and the derivative, computed in the dtype of
the input. PyTorch, JAX and SciPy are imported when they are asked for; where one is not installed,
or has no such function, the answer is None.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

import numpy as np

from course_lib import activations
from course_lib._typing import Array
from course_lib.activations.catalogue import spelled_out

__all__ = ["PEERS", "TEXTBOOK", "jax", "pytorch", "scipy", "textbook"]

Pair = tuple[Callable[[Array], Array], Callable[[Array], Array]]

# ---------------------------------------------------------------------------------------------
# Libraries
# ---------------------------------------------------------------------------------------------


def pytorch(name: str) -> Pair | None:
    """Return PyTorch's function, and its derivative by autograd.

    Parameters
    ----------
    name : str
        A name of the catalogue.

    Returns
    -------
    pair of callable, or None
        None without PyTorch, or where it has no such function.

    Examples
    --------
    >>> function, derivative = pytorch("relu")
    >>> function(np.array([-1.0, 2.0])), derivative(np.array([-1.0, 2.0]))
    (array([0., 2.]), array([0., 1.]))
    """
    row = activations.get(name)
    if not row.pytorch or not row.elementwise or not find_spec("torch"):
        return None
    torch = import_module("torch")
    module, options = spelled_out(row.pytorch)
    layer = getattr(torch.nn, module)(**options).eval()

    def function(x: Array) -> Array:
        leaf = torch.from_numpy(x)
        with torch.no_grad():
            return np.asarray(layer.to(leaf.dtype)(leaf).numpy())

    def derivative(x: Array) -> Array:
        leaf = torch.from_numpy(x).clone().requires_grad_()
        layer.to(leaf.dtype)(leaf).sum().backward()
        return np.asarray(leaf.grad.numpy())

    return function, derivative


def jax(name: str) -> Pair | None:
    """Return JAX's function, and its derivative by automatic differentiation.

    Parameters
    ----------
    name : str
        A name of the catalogue.

    Returns
    -------
    pair of callable, or None
        None without JAX, or where it has no such function. Asking for one switches JAX to 64 bits.

    Examples
    --------
    >>> jax("lecun_tanh") is None
    True
    """
    row = activations.get(name)
    if not row.jax or not row.elementwise or not find_spec("jax"):
        return None
    library = import_module("jax")
    library.config.update("jax_enable_x64", True)
    plain, options = spelled_out(row.jax)

    def function(x: Any) -> Any:
        return getattr(library.nn, plain)(x, **options)

    derivative = library.jit(library.vmap(library.grad(function)))
    value = library.jit(function)
    return lambda x: np.asarray(value(x)), lambda x: np.asarray(derivative(x))


def scipy(name: str) -> Pair | None:
    """Return the function of SciPy's special functions, and a derivative made of them.

    Parameters
    ----------
    name : str
        A name of the catalogue.

    Returns
    -------
    pair of callable, or None
        None without SciPy, or where it has no such function.

    Examples
    --------
    >>> scipy("relu") is None
    True
    """
    if not find_spec("scipy"):
        return None
    special = import_module("scipy.special")
    pairs: dict[str, Pair] = {
        "sigmoid": (special.expit, lambda x: special.expit(x) * special.expit(-x)),
        "log_sigmoid": (special.log_expit, lambda x: special.expit(-x)),
        "softplus": (lambda x: -special.log_expit(-x), special.expit),
        "silu": (
            lambda x: x * special.expit(x),
            lambda x: special.expit(x) * (1 + x * special.expit(-x)),
        ),
        "gelu": (
            lambda x: x * special.ndtr(x),
            lambda x: special.ndtr(x) + x * np.exp(-x * x / 2) * x.dtype.type(_DENSITY),
        ),
    }
    return pairs.get(name)


_DENSITY = 1 / np.sqrt(2 * np.pi)


def textbook(name: str) -> Pair | None:
    """Return the formulas of textbooks, as they are usually typed.

    Parameters
    ----------
    name : str
        A name of the catalogue.

    Returns
    -------
    pair of callable, or None
        None where the plain formula has no numerical problem.

    Examples
    --------
    >>> function, _ = textbook("softsign")
    >>> function(np.array([1.0]))
    array([0.5])
    """
    return TEXTBOOK.get(name)


# ---------------------------------------------------------------------------------------------
# The textbook's formulas, as they are usually typed
# ---------------------------------------------------------------------------------------------


def _plain_sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


TEXTBOOK: Mapping[str, Pair] = MappingProxyType(
    {
        "sigmoid": (_plain_sigmoid, lambda x: _plain_sigmoid(x) * (1 - _plain_sigmoid(x))),
        "tanh": (
            lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
            lambda x: 1 - np.tanh(x) ** 2,
        ),
        "log_sigmoid": (lambda x: np.log(_plain_sigmoid(x)), lambda x: 1 - _plain_sigmoid(x)),
        "softplus": (lambda x: np.log(1 + np.exp(x)), _plain_sigmoid),
        "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2),
        "tanh_shrink": (lambda x: x - np.tanh(x), lambda x: np.tanh(x) ** 2),
        "squareplus": (
            lambda x: (x + np.sqrt(x * x + 4)) / 2,
            lambda x: (1 + x / np.sqrt(x * x + 4)) / 2,
        ),
        "elu": (
            lambda x: np.where(x > 0, x, np.exp(x) - 1),
            lambda x: np.where(x > 0, 1, np.exp(x)).astype(x.dtype),
        ),
        "silu": (
            lambda x: x * _plain_sigmoid(x),
            lambda x: _plain_sigmoid(x) * (1 + x * (1 - _plain_sigmoid(x))),
        ),
        "gelu_tanh": (
            lambda x: x / 2 * (1 + np.tanh(_root(x) * (x + x.dtype.type(0.044715) * x**3))),
            lambda x: _plain_gelu_tanh_grad(x),
        ),
        "mish": (
            lambda x: x * np.tanh(np.log(1 + np.exp(x))),
            lambda x: _plain_mish_grad(x),
        ),
        "gaussian": (lambda x: np.exp(-x * x), lambda x: -2 * x * np.exp(-x * x)),
    }
)
"""Formulas as they are printed, computed in the dtype of their input."""


def _root(x: Array) -> np.floating[Any]:
    return np.sqrt(x.dtype.type(2 / np.pi))


def _plain_gelu_tanh_grad(x: Array) -> Array:
    cubic = x.dtype.type(0.044715)
    t = np.tanh(_root(x) * (x + cubic * x**3))
    return (1 + t) / 2 + x / 2 * (1 - t * t) * _root(x) * (1 + 3 * cubic * x**2)


def _plain_mish_grad(x: Array) -> Array:
    e = np.exp(x)
    omega = 4 * (x + 1) + 4 * e**2 + e**3 + e * (4 * x + 6)
    return e * omega / (2 * e + e**2 + 2) ** 2


PEERS: Mapping[str, Callable[[str], Pair | None]] = MappingProxyType(
    {"PyTorch": pytorch, "JAX": jax, "SciPy": scipy, "textbook": textbook}
)
"""All of them, by the name of the library."""
