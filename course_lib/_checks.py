"""The checks of arguments, one call each, and the wording that all errors share.

A message says what was given, what is expected and, where it helps, what to do. Every function
takes the argument's name first and returns the argument in the form in which it is used.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

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


def check_type(name: str, value: object, kinds: type | tuple[type, ...], expected: str) -> None:
    """Raise TypeError, with what is expected in words, unless a value is of one of some types.

    Examples
    --------
    >>> check_type("network", "mlp", dict, "a course_lib.network.Network")
    Traceback (most recent call last):
    TypeError: network is a str; expected a course_lib.network.Network
    """
    if not isinstance(value, kinds):
        raise TypeError(f"{name} is a {type(value).__name__}; expected {expected}")


def check_number(
    name: str,
    value: ArrayLike,
    *,
    above: float = -np.inf,
    least: float = -np.inf,
    below: float = np.inf,
    per_replica: bool = False,
) -> None:
    """Raise ValueError unless a setting is a finite number within its bounds.

    Parameters
    ----------
    name : str
        Of the setting.
    value : array_like
        What the caller passed. True is no number, although Python counts with it.
    above, below : float
        Bounds that the number must not reach.
    least : float
        The smallest that is accepted; instead of `above`.
    per_replica : bool
        Accept an array, with one number for each replica, as well.

    Raises
    ------
    ValueError
        If it is something else, a ragged list included.

    Examples
    --------
    >>> check_number("momentum", 1.0, least=0, below=1)
    Traceback (most recent call last):
    ValueError: momentum is 1.0; expected a finite number from 0 to below 1
    >>> check_number("learning_rate", [0.1, 0.0], above=0, per_replica=True)
    Traceback (most recent call last):
    ValueError: learning_rate is [0.1, 0.0]; expected finite numbers above 0, one, or one for each
    replica
    """
    numbers = as_array(name, value)
    if numbers.dtype.kind in "fiu" and numbers.size and (per_replica or not numbers.ndim):
        inside = (numbers > above) & (numbers >= least) & (numbers < below)
        if (inside & np.isfinite(numbers)).all():
            return
    bounds = f" above {above}" if above > -np.inf else ""
    bounds += f" from {least} {'to' if below < np.inf else 'on'}" if least > -np.inf else ""
    bounds += f" below {below}" if below < np.inf else ""
    if per_replica:
        expected = f"finite numbers{bounds}, one, or one for each replica"
    else:
        expected = f"a finite number{bounds}"
    raise ValueError(f"{name} is {value!r}; expected {expected}")


def check_finite(name: str, values: Array) -> None:
    """Raise ValueError where numbers are NaN or infinite, which nothing can be learned from.

    Parameters
    ----------
    name : str
        Of the argument.
    values : ndarray
        Of any dtype; a view that repeats itself is not copied.

    Examples
    --------
    >>> check_finite("x", np.array([[0.0, 1.0], [np.nan, np.inf]]))
    Traceback (most recent call last):
    ValueError: x has 2 numbers that are not finite, the first nan at [1, 0]; remove or replace them
    """
    if values.dtype.kind != "f":
        return
    # of an axis along which a view repeats itself, one entry tells all
    once = values[tuple(slice(1 if step == 0 else None) for step in values.strides)]
    # the smallest and the largest are NaN if any is, and need no array of their own
    if not once.size or (np.isfinite(once.min()) and np.isfinite(once.max())):
        return
    wrong = ~np.isfinite(once)
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    raise ValueError(
        f"{name} has {wrong.sum()} number{'s that are' if wrong.sum() > 1 else ' that is'} not "
        f"finite, the first {once[first]} at {list(first)}; remove or replace them"
    )
