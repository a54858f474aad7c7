"""The records of a sweep: one row for each configuration, phase and seed."""

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import product
from json import loads
from typing import Any

import numpy as np

from course_lib._checks import unknown_name
from course_lib._typing import Array
from course_lib.experiments.locking import locked, place_of
from course_lib.experiments.parquet import all_in_float64, write_columns
from course_lib.experiments.trials import AFTER, BEFORE, COLUMNS, PHASES, as_plain, canonical

__all__ = ["Records"]

PLAIN = frozenset((str, int, float, bool, type(None)))


class Records:
    """Rows of one table, in the order of the grid.

    Parameters
    ----------
    rows : iterable of mapping
        As `course_lib.experiments.trials.trial_rows` returns them: what stands before the seed are
        arguments, what stands after it and is none of the usual columns are values. Where a row
        lacks a column of another one, it has None.
    header : mapping, optional
        What identifies the sweep.

    Attributes
    ----------
    rows : list of dict
        Sorted by configuration, phase, arguments and seed; ``pandas.DataFrame(records.rows)`` takes
        them as they are.
    columns : tuple of str
        The names, in the order of every row.
    arguments, measured : tuple of str
        Those of the function's arguments, and of its values.
    header : dict
        What identifies the sweep.

    Examples
    --------
    >>> rows = [{"depth": d, "seed": s, "loss": 1 / (d + s)} for d in (2, 1) for s in (0, 1)]
    >>> records = Records(rows)
    >>> records
    <Records: 4 rows; arguments: depth; values: loss>
    >>> records.select(depth=1).values("loss")
    array([1. , 0.5])
    """

    rows: list[dict[str, Any]]
    columns: tuple[str, ...]
    arguments: tuple[str, ...]
    measured: tuple[str, ...]
    header: dict[str, Any]

    def __init__(
        self, rows: Iterable[Mapping[str, Any]], header: Mapping[str, Any] | None = None
    ) -> None:
        """Sort rows and columns."""
        ordered = sorted(rows, key=_position)
        columns = _in_order(ordered, *_free_names(tuple(row) for row in ordered))
        self._fill({name: _plain_column(name, ordered) for name in columns}, header or {})

    @classmethod
    def of_columns(
        cls, columns: Mapping[str, list[Any]], header: Mapping[str, Any] | None = None
    ) -> "Records":
        """Return records from columns that are sorted and plain, as `by_column` gives them."""
        records = object.__new__(cls)
        records._fill(columns, header or {})
        return records

    def _fill(self, columns: Mapping[str, list[Any]], header: Mapping[str, Any]) -> None:
        """Set all attributes."""
        self.columns = tuple(columns)
        self.arguments, self.measured = _free_names([self.columns])
        entries = columns.values()
        self.rows = [dict(zip(columns, row, strict=True)) for row in zip(*entries, strict=True)]
        self.header = as_plain("header", header)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Iterate over the rows."""
        return iter(self.rows)

    def __repr__(self) -> str:
        """Return how many rows of what there are."""
        failed = sum(row.get("error") is not None for row in self.rows)
        parts = [
            f"{len(self)} row{'s' * (len(self) != 1)}"
            + f" ({failed} with an error)" * bool(failed),
            f"arguments: {', '.join(self.arguments) or 'none'}",
            f"values: {', '.join(self.measured) or 'none'}",
        ]
        return f"<Records: {'; '.join(parts)}>"

    def select(self, **equal: Any) -> "Records":
        """Return the records whose columns have certain values.

        Parameters
        ----------
        **equal : object
            Column names and what they must be equal to; NaN is equal to NaN here.

        Returns
        -------
        Records
            Of the same columns and header, perhaps without rows.

        Raises
        ------
        KeyError
            If there is no such column.
        TypeError
            If a value is none that a column can hold.
        """
        for name in equal:
            self._check(name)
        wanted = {name: as_plain(name, value) for name, value in equal.items()}
        return self._with(
            [row for row in self.rows if all(_same(row[n], v) for n, v in wanted.items())]
        )

    def values(self, name: str) -> Array:
        """Return a column as an array.

        Parameters
        ----------
        name : str
            Of the column.

        Returns
        -------
        ndarray
            Of float64, int64, bool or text, where all values are of one of these types or None is
            NaN among floats and integers that float64 holds; of objects otherwise.

        Raises
        ------
        KeyError
            If there is no such column.
        """
        self._check(name)
        return _as_array([row[name] for row in self.rows])

    def distinct(self, name: str) -> list[Any]:
        """Return the values of a column, each once, in the order in which they first occur.

        Parameters
        ----------
        name : str
            Of the column.

        Raises
        ------
        KeyError
            If there is no such column.

        Examples
        --------
        >>> Records([{"depth": d, "seed": s} for d in (3, 1) for s in (0, 1)]).distinct("depth")
        [3, 1]
        """
        self._check(name)
        found: dict[str, Any] = {}
        for row in self.rows:
            found.setdefault(canonical(row[name]), row[name])
        return [*found.values()]

    def array(self, name: str, *by: str) -> Array:
        """Return a column as an array with an axis for each of some arguments, and one for seeds.

        Parameters
        ----------
        name : str
            Of the column.
        *by : str
            Names of columns that, with the seed, tell all rows apart.

        Returns
        -------
        ndarray
            Of shape ``(len(distinct(by[0])), ..., len(distinct("seed")))``, and of dtype as
            `values` gives it.

        Raises
        ------
        KeyError
            If there is no such column.
        ValueError
            If a combination has no row, or several; a name occurs twice; or there are no rows.

        Examples
        --------
        >>> rows = [{"depth": d, "seed": s, "loss": 1 / (d + s)} for d in (1, 3) for s in (0, 1)]
        >>> Records(rows).array("loss", "depth")
        array([[1.        , 0.5       ],
               [0.33333333, 0.25      ]])
        """
        axes = (*by, "seed")
        for axis in (name, *axes):
            self._check(axis)
        if len(set(axes)) < len(axes):
            raise ValueError(f"axes are {', '.join(axes)}; expected each once, and seed only last")
        if not self.rows:
            raise ValueError("there are no rows; expected one for each combination; select others")
        points = Counter(tuple(canonical(row[axis]) for axis in axes) for row in self.rows)
        values = {axis: self.distinct(axis) for axis in axes}
        for point in product(*values.values()):
            count = points[tuple(map(canonical, point))]
            if count != 1:
                raise ValueError(
                    f"{count or 'no'} row{'s have' if count else ' has'} "
                    f"{dict(zip(axes, point, strict=True))}; expected one; select a phase, and "
                    f"name every argument that differs ({', '.join(self.arguments)})"
                )
        place = {axis: {canonical(v): i for i, v in enumerate(own)} for axis, own in values.items()}
        ordered = sorted(self.rows, key=lambda row: [place[a][canonical(row[a])] for a in axes])
        return self._with(ordered).values(name).reshape([len(own) for own in values.values()])

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write the records to a Parquet file, which is there as a whole or not at all.

        Parameters
        ----------
        path : path
            Of the file; one that is there is replaced.

        Raises
        ------
        ModuleNotFoundError
            If pyarrow or filelock is missing.
        OSError
            If it cannot be written, or a sweep is writing it.
        """
        place = place_of(path)
        with locked(place):
            write_columns(place, self.by_column(), self.header)

    def by_column(self) -> dict[str, list[Any]]:
        """Return the entries of each column."""
        return {name: [row[name] for row in self.rows] for name in self.columns}

    def _check(self, name: str) -> None:
        """Raise KeyError if there is no such column."""
        if name not in self.columns:
            raise KeyError(unknown_name("column", name, self.columns))

    def _with(self, rows: list[dict[str, Any]]) -> "Records":
        """Return some of the rows, with the columns of all."""
        part = object.__new__(Records)
        part.__dict__.update(self.__dict__, rows=rows)
        return part


def _free_names(
    names_of_rows: Iterable[tuple[str, ...]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of arguments and of values, in the order in which they first occur."""
    arguments: dict[str, None] = {}
    values: dict[str, None] = {}
    for names in dict.fromkeys(names_of_rows):
        seed = names.index("seed") if "seed" in names else len(names)
        arguments.update(dict.fromkeys(names[:seed]))
        values.update(dict.fromkeys(names[seed:]))
    free = tuple(name for name in arguments if name not in COLUMNS)
    return free, tuple(name for name in values if name not in {*COLUMNS, *arguments})


def _in_order(
    rows: Iterable[Mapping[str, Any]], arguments: tuple[str, ...], values: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the names of all columns that occur, in the order of every table of records."""
    there = {name for names in {tuple(row) for row in rows} for name in names}
    ordered = (*BEFORE, *arguments, "seed", *values, *AFTER)
    return tuple(name for name in ordered if name in there)


def _plain_column(name: str, rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Return a column in Python's own types, None where a row lacks it."""
    entries = [row.get(name) for row in rows]
    if set(map(type, entries)) <= PLAIN:
        return entries
    return [as_plain(name, entry) for entry in entries]


def _position(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a row is sorted by: place, phase, arguments and seed."""
    phase = row.get("phase")
    rank = PHASES.index(phase) if phase in PHASES else -1
    return row.get("place") or 0, rank, _rank(row.get("settings") or "{}"), row.get("seed") or 0


@lru_cache(maxsize=2**16)
def _rank(settings: str) -> tuple[Any, ...]:
    """Return what arguments are sorted by: their names, and numbers by their size."""
    return tuple(
        (name, *_rank_of(value), canonical(value)) for name, value in loads(settings).items()
    )


def _rank_of(value: Any) -> tuple[int, Any]:
    """Return what a plain value is sorted by: None, numbers, NaN, text, and then all else."""
    if value is None:
        return 0, 0
    if isinstance(value, int | float):
        return (2, 0) if value != value else (1, value)  # math.isnan takes no large integers
    return (3, value) if isinstance(value, str) else (4, canonical(value))


def _same(one: Any, other: Any) -> bool:
    """Return whether two plain values are equal, NaN and NaN included."""
    return bool(one == other) or (one != one and other != other)


def _as_array(entries: list[Any]) -> Array:
    """Return plain values as an array of a dtype that holds all of them exactly."""
    kinds = set(map(type, entries))
    if kinds == {bool} or (kinds == {int} and all(-(2**63) <= n < 2**63 for n in entries)):
        return np.array(entries)
    if kinds == {str} and not any(text.endswith("\0") for text in entries):
        return np.array(entries)
    if kinds <= {int, float, type(None)} and all_in_float64(entries):
        return np.array([math.nan if entry is None else entry for entry in entries], np.float64)
    return np.fromiter(entries, object, len(entries))
