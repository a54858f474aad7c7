"""The wording that all errors share: what was given, what is accepted, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral


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


def check_whole(name: str, value: object, *, least: int = 1) -> None:
    """Raise ValueError unless a setting is a whole number that is large enough.

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
    >>> check_whole("epochs", 0)
    Traceback (most recent call last):
    ValueError: epochs is 0; accepted are whole numbers from 1 on
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} is {value!r}; accepted are whole numbers from {least} on")
