"""What a sweep runs and what comes of it: trials, their outcomes, and the rows of its records.

A *configuration* is one point of a grid: arguments of the function that is studied. A *trial* is
one call of the function: a configuration, perhaps with a tuned value and a budget, for a tuple of
seeds. What it gives is an *outcome*, and each seed of it is one row of the records.

Everything here is plain: text, numbers, True, False, None, lists and mappings of these. So a trial
has a name of its own, its key, that is the same in every process, on every machine and in every
version of Python, and what is stored is what was computed, bit for bit.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from numbers import Integral
from operator import index
from typing import Any, TypeVar

import numpy as np

from course_lib._checks import as_array, as_integer, as_number, check_integer, check_type

__all__ = [
    "COLUMNS",
    "PHASES",
    "WHERE",
    "Outcome",
    "Trial",
    "as_plain",
    "as_values",
    "canonical",
    "key_of",
    "restored",
    "trial_rows",
]

PHASES = ("tuning", "result", "tuning, doubled", "result, doubled")
"""What a trial is for, in the order in which the records list it."""

WHERE = ("date", "machine", "version", "commit", "python", "numpy")
"""What an outcome says of where it comes from."""

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))

BEFORE = ("place", "phase")
AFTER = ("error", "seconds", "at_edge", "widened", "trial", "replica", *WHERE, "settings")
COLUMNS = (*BEFORE, "seed", *AFTER)
"""The columns that every table of records has; no argument and no value may be called so."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One call of the function of a sweep, for several seeds at once.

    Two trials are equal where place and key are.

    Attributes
    ----------
    place : int
        Of the configuration in the grid, from 0.
    phase : str
        What it is for, one of `PHASES`.
    arguments : dict
        Of the function, without the seeds, as `as_plain` returns them.
    seeds : tuple of int
        Each once.

    Raises
    ------
    TypeError, ValueError
        If the arguments are not plain, or seeds are missing, no integers or not distinct.
    KeyError
        If there is no such phase.

    Examples
    --------
    >>> trial = Trial(0, "result", {"depth": 3}, (1, 2))
    >>> trial.key[:12], trial == Trial(0, "result", {"depth": np.int64(3)}, [1, 2])
    ('04cb7871666e', True)
    """

    place: int
    phase: str
    arguments: Mapping[str, Any]
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check and simplify everything."""
        check_integer("place", self.place, least=0)
        if self.phase not in PHASES:
            raise KeyError(f"unknown phase {self.phase!r}; expected: {'; '.join(PHASES)}")
        check_type("arguments", self.arguments, Mapping, "a mapping of names to values")
        seeds = tuple(as_integer("seed", seed) for seed in self.seeds)
        if not seeds or len(set(seeds)) < len(seeds):
            raise ValueError(f"seeds are {list(seeds)}; expected at least one, and each once")
        object.__setattr__(self, "place", int(self.place))
        object.__setattr__(self, "arguments", as_plain("arguments", self.arguments))
        object.__setattr__(self, "seeds", seeds)

    @cached_property
    def key(self) -> str:
        """The SHA-256 of phase, arguments and seeds, hexadecimal."""
        return key_of(self.phase, canonical(self.arguments), self.seeds)

    def __eq__(self, other: object) -> bool:
        """Return whether the other one is the same trial."""
        if not isinstance(other, Trial):
            return NotImplemented
        return (self.place, self.key) == (other.place, other.key)

    def __hash__(self) -> int:
        """Return a hash of the key."""
        return hash(self.key)


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes
    ----------
    values : dict of str to tuple
        For each name one number for each seed, as `as_values` returns them; empty after an error.
    error : str or None
        Of the function, such as ``"ValueError: depth is 0"``; None where there was none.
    seconds : float
        Of the call.
    where : dict of str to str
        Where it comes from, under the names of `WHERE`: the date in UTC as ISO 8601 to the second,
        the machine, the version of this library, its commit, and the versions of Python and NumPy.

    Raises
    ------
    TypeError, ValueError
        If something is of another kind, or there are both values and an error.

    Examples
    --------
    >>> Outcome({"loss": (0.25, 0.5)}, None, 1.5, {"python": "3.13.1"}).values["loss"]
    (0.25, 0.5)
    """

    values: Mapping[str, tuple[Any, ...]]
    error: str | None
    seconds: float
    where: Mapping[str, str]

    def __post_init__(self) -> None:
        """Check and simplify everything."""
        values = {name: _numbers(name, found) for name, found in self.values.items()}
        if self.error is not None:
            check_type("error", self.error, str, "text, or None")
            if values:
                raise ValueError("values and error are both given; expected one of them")
            object.__setattr__(self, "error", _storable(self.error))
        unknown = [name for name in self.where if name not in WHERE]
        if unknown:
            raise ValueError(f"where has the names {unknown}; expected: {', '.join(WHERE)}")
        where = {name: _storable(str(self.where[name])) for name in WHERE if name in self.where}
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "seconds", as_number("seconds", self.seconds, least=0))
        object.__setattr__(self, "where", where)


def key_of(phase: str, settings: str, seeds: Iterable[int]) -> str:
    """Return the key of a trial from its phase, its arguments as JSON, and its seeds.

    Examples
    --------
    >>> key_of("result", '{"depth":3}', (1, 2)) == Trial(0, "result", {"depth": 3}, (1, 2)).key
    True
    """
    text = f"[{canonical(phase)},{settings},[{','.join(map(str, seeds))}]]"
    return sha256(text.encode("ascii")).hexdigest()


Restored = TypeVar("Restored", Trial, Outcome)


def restored(kind: type[Restored], fields: Mapping[str, Any]) -> Restored:
    """Return a trial or an outcome as it was stored, without the checks that it passed before.

    Examples
    --------
    >>> trial = Trial(0, "result", {"depth": 3}, (1, 2))
    >>> restored(Trial, vars(trial)) == trial
    True
    """
    made = object.__new__(kind)
    vars(made).update(fields)
    return made


def as_values(trial: Trial, found: Any) -> dict[str, tuple[Any, ...]]:
    """Return what the function of a sweep returned for a trial, in plain numbers.

    Parameters
    ----------
    trial : Trial
        What the function was called for.
    found : mapping of str to array_like
        One number for each seed under each name. Floats become those of Python, which hold float16,
        float32 and float64 exactly, and every NaN the same one; integers and bools stay what they
        are.

    Returns
    -------
    dict of str to tuple
        One float, int or bool for each seed.

    Raises
    ------
    TypeError
        If it is no mapping, or something in it is no number.
    ValueError
        If it is empty, if a name is one of `COLUMNS` or of an argument, or there is not one number
        for each seed.

    Examples
    --------
    >>> trial = Trial(0, "result", {"depth": 3}, (1, 2))
    >>> as_values(trial, {"loss": np.float32([0.5, np.nan]), "steps": [3, 4]})
    {'loss': (0.5, nan), 'steps': (3, 4)}
    >>> as_values(trial, {"loss": 0.5})
    Traceback (most recent call last):
    ValueError: loss has shape (); expected one number for each of 2 seeds
    """
    check_type("what the function returned", found, Mapping, "a mapping of names to numbers")
    if not found:
        raise ValueError("the function returned nothing; expected one number for each seed")
    taken = {*COLUMNS, *trial.arguments}
    for name, numbers in found.items():
        check_type("a name that the function returned", name, str, "text")
        if name in taken:
            raise ValueError(
                f"the function returned {name!r}, which is a column already; rename it"
            )
        shape = as_array(name, numbers).shape
        if shape != (len(trial.seeds),):
            raise ValueError(
                f"{name} has shape {shape}; expected one number for each of "
                f"{len(trial.seeds)} seeds"
            )
    return {_text("name", name): _numbers(name, numbers) for name, numbers in found.items()}


def trial_rows(trial: Trial, outcome: Outcome) -> list[dict[str, Any]]:
    """Return the records of a trial, one row for each seed.

    Parameters
    ----------
    trial : Trial
        What was run.
    outcome : Outcome
        What came of it.

    Returns
    -------
    list of dict
        Each with the configuration's place, the phase, a column for each argument, the seed, a
        column for each value, and then error, seconds of the whole trial, at_edge and widened
        (None: only a tuning knows), the trial's key, the seed's position in it (replica), where it
        comes from, and the arguments as JSON (settings).

    Examples
    --------
    >>> trial = Trial(0, "result", {"depth": 3}, (1, 2))
    >>> rows = trial_rows(trial, Outcome({"loss": (0.25, 0.5)}, None, 1.5, {}))
    >>> [(row["depth"], row["seed"], row["loss"]) for row in rows]
    [(3, 1, 0.25), (3, 2, 0.5)]
    """
    before = {"place": trial.place, "phase": trial.phase, **trial.arguments}
    after = {
        "error": outcome.error,
        "seconds": outcome.seconds,
        "at_edge": None,
        "widened": None,
        "trial": trial.key,
    }
    last = {name: outcome.where.get(name) for name in WHERE}
    last["settings"] = canonical(trial.arguments)
    return [
        {
            **before,
            "seed": seed,
            **{name: numbers[i] for name, numbers in outcome.values.items()},
            **after,
            "replica": i,
            **last,
        }
        for i, seed in enumerate(trial.seeds)
    ]


def canonical(value: Any) -> str:
    """Return plain values as JSON, in the one way in which they are hashed and compared.

    Names are sorted, floats have the digits that bring them back, NaN and infinities are written
    as Python does, and everything else is ASCII.

    Examples
    --------
    >>> canonical({"b": 1.0, "a": [True, None, float("inf")]})
    '{"a":[true,null,Infinity],"b":1.0}'
    """
    return _ENCODER.encode(value)


def as_plain(name: str, value: Any) -> Any:
    """Return a value in Python's own types, or raise an error if it has no exact counterpart.

    Parameters
    ----------
    name : str
        Of the value, for the message.
    value : object
        Text, a number, True, False or None, those of NumPy included; or a list, tuple or mapping
        of these.

    Returns
    -------
    str, int, float, bool, None, list or dict
        Tuples as lists, and every NaN as the same one.

    Raises
    ------
    TypeError
        If it is something else, or a name in a mapping is not text.
    ValueError
        If text has half of a surrogate pair, which no file of text holds.

    Examples
    --------
    >>> as_plain("arguments", {"widths": (np.int64(8), 16), "rate": np.float32(0.5)})
    {'widths': [8, 16], 'rate': 0.5}
    >>> as_plain("arguments", {"rate": 1j})
    Traceback (most recent call last):
    TypeError: arguments['rate'] is 1j; expected text, a number, True, False, None, or lists and
    mappings of these
    """
    kind = type(value)
    if kind is int or kind is bool or value is None:  # what most are, first
        return value
    if kind is str:
        return _text(name, value)
    if isinstance(value, Mapping):
        return {_key(name, k): as_plain(f"{name}[{k!r}]", v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return [as_plain(f"{name}[{i}]", entry) for i, entry in enumerate(value)]
    if isinstance(value, str):
        return _text(name, value)
    number = _number(value)
    if number is None:
        raise TypeError(
            f"{name} is {value!r}; expected text, a number, True, False, None, or lists and "
            "mappings of these"
        )
    return number


def _key(name: str, key: object) -> str:
    """Return a name in a mapping, or raise TypeError if it is not text."""
    if not isinstance(key, str):
        raise TypeError(f"{name} has the name {key!r}; expected text")
    return _text(name, key)


def _text(name: str, value: str) -> str:
    """Return text as a str, or raise ValueError if UTF-8 cannot hold it."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"{name} is {value!r}, which is no text; expected Unicode") from None
    return str(value)


def _storable(text: str) -> str:
    """Return text with a description of what UTF-8 cannot hold, such as a file name's bytes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _number(value: Any) -> bool | int | float | None:
    """Return a number in Python's own type, or None if it has no exact counterpart."""
    kind = type(value)
    if kind is int or kind is bool:  # what most are, first
        return value
    if kind is float:
        return value if value == value else math.nan
    if isinstance(value, bool | np.bool):
        return bool(value)
    if isinstance(value, Integral):
        return index(value)
    if isinstance(value, float | np.floating):
        plain = float(value)
        if math.isnan(plain):
            return math.nan
        return plain if plain == value else None
    return None


def _numbers(name: str, values: Any) -> tuple[Any, ...]:
    """Return a row of numbers in Python's own types, or raise TypeError."""
    each = values if isinstance(values, list | tuple) else as_array(name, values).tolist()
    found = tuple(map(_number, each))
    if None in found:
        raise TypeError(f"{name} is {values!r}; expected floats, integers or bools")
    return found
