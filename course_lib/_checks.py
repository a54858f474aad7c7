"""The checks of arguments, one call each, and the wording that all errors share.

A message says what was given, what is expected and, where it helps, what to do. A check
of an argument takes the argument's name first; those with an ``as`` in their name return it in the
form in which it is used.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from numbers import Integral
from types import ModuleType
from typing import Any

import numpy as np

from course_lib._typing import Array


def unknown_name(kind: str, given: object, accepted: Iterable[str]) -> str:
    """Return the message for a name that is not in a table, with the nearest one that is.

    Parameters
    ----------
    kind : str
        What the name stands for, such as ``"activation"``.
    given : object
        What the caller passed; of a list, the message says that one name is expected.
    accepted : iterable of str
        The names that would have worked.

    Returns
    -------
    str
        One sentence.

    Examples
    --------
    >>> unknown_name("activation", "rellu", ["relu", "tanh"])
    "unknown activation 'rellu'; did you mean 'relu'? Accepted: relu, tanh"
    >>> unknown_name("activation", ["relu"], ["relu", "tanh"])
    "activation is ['relu']; expected one name. Accepted: relu, tanh"
    """
    names = list(accepted)
    if isinstance(given, list | tuple):
        return f"{kind} is {given!r}; expected one name. Accepted: {', '.join(names)}"
    near = get_close_matches(str(given).lower(), names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"unknown {kind} {given!r}{hint} Accepted: {', '.join(names)}"


def check_integer(name: str, value: object, *, least: int = 1) -> None:
    """Raise ValueError unless a setting is an integer that is large enough.

    Parameters
    ----------
    name : str
        Of the setting.
    value : object
        What the caller passed. True is no number, although Python counts with it.
    least : int
        The smallest that is accepted.

    Raises
    ------
    ValueError
        If it is something else.

    Examples
    --------
    >>> check_integer("epochs", 0)
    Traceback (most recent call last):
    ValueError: epochs is 0; expected integers from 1 on
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} is {value!r}; expected integers from {least} on")


def as_array(name: str, values: Any) -> Array:
    """Return values as an array.

    Parameters
    ----------
    name : str
        Of the argument.
    values : array_like
        What the caller passed.

    Returns
    -------
    ndarray
        The same object where it is an array already.

    Raises
    ------
    ValueError
        If lists in it have different lengths, or it is a masked array with masked entries.

    Examples
    --------
    >>> as_array("x", [[1, 2], [3]])
    Traceback (most recent call last):
    ValueError: x is ragged: entries of one list have different lengths; expected an array
    """
    if isinstance(values, np.ndarray) and np.any(getattr(values, "mask", False)):
        raise ValueError(f"{name} has masked entries, whose numbers would count; fill or drop them")
    try:
        return np.asarray(values)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(
            f"{name} is ragged: entries of one list have different lengths; expected an array"
        ) from None


def as_numbers(name: str, values: Any) -> Array:
    """Return values in float64.

    Parameters
    ----------
    name : str
        Of the argument.
    values : array_like
        What the caller passed.

    Returns
    -------
    ndarray of float64
        The same object where it is one already.

    Raises
    ------
    ValueError
        As `as_array`.
    TypeError
        If something in it is no number.

    Examples
    --------
    >>> as_numbers("samples", [1, "x"])
    Traceback (most recent call last):
    TypeError: samples is [1, 'x']; expected numbers
    """
    array = as_array(name, values)
    try:
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {values!r}; expected numbers") from None


def check_choice(name: str, given: Any, accepted: Iterable[str]) -> None:
    """Raise KeyError, with the nearest name, unless a setting is one of a few names.

    Examples
    --------
    >>> check_choice("score", "acuracy", ["accuracy", "loss"])
    Traceback (most recent call last):
    KeyError: "unknown score 'acuracy'; did you mean 'accuracy'? Accepted: accuracy, loss"
    """
    names = list(accepted)
    if not isinstance(given, str) or given not in names:
        raise KeyError(unknown_name(name, given, names))


def scipy_module(name: str) -> ModuleType:
    """Import a module of SciPy, an optional dependency, when it is first used.

    Parameters
    ----------
    name : str
        Such as ``"stats"`` for ``scipy.stats``.

    Returns
    -------
    module
        That module.

    Raises
    ------
    ModuleNotFoundError
        If SciPy is not installed; the message says how to install it.

    Examples
    --------
    >>> scipy_module("special").__name__
    'scipy.special'
    """
    try:
        return import_module(f"scipy.{name}")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'this needs SciPy; install it with: pip install "why-networks-bend[stats]"',
            name="scipy",
        ) from None
