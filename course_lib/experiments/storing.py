"""What a sweep has found, on disk from the moment it was found.

While a sweep runs, a journal beside its file takes each outcome. At the end everything is written
to one Parquet file, which replaces the old one as a whole, and the journal goes. Whatever ends a
sweep in between, file and journal together hold all that was finished: `read_records` reads both,
and the next sweep takes up from there.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from course_lib._checks import check_type, sweeps_module
from course_lib.experiments.journal import Journal, Journaled, journal_of, read_journal
from course_lib.experiments.locking import locked, place_of
from course_lib.experiments.parquet import part_of, read_columns, write_columns
from course_lib.experiments.records import Records
from course_lib.experiments.standard import NOT_RUN
from course_lib.experiments.trials import (
    WHERE,
    Outcome,
    Trial,
    as_plain,
    canonical,
    key_of,
    restored,
    trial_rows,
)

__all__ = ["Store", "read_records"]

NEEDED = ("phase", "seed", "trial", "replica", "settings", "error", "seconds", *WHERE)
"""Columns without which a file does not say what came of its trials."""


class Store:
    """The file of a sweep and its journal, which one sweep at a time may write.

    A context manager: at the end it lets go of the file, and leaves the journal where the sweep was
    not finished. Where opening it raises an error, nothing was changed.

    Parameters
    ----------
    path : path
        Of the Parquet file.
    header : mapping
        What identifies the sweep, in plain values: its function, grid, seeds, tuning, budget.
    resume : bool
        Whether to take up what is there; otherwise it is an error that something is.
    retry : bool
        Whether trials that ended in an error are to be run again, and so are not done.

    Attributes
    ----------
    path : Path
        Of the Parquet file.
    header : dict
        What identifies the sweep.
    done : dict of str to Outcome
        By the trial's key, what earlier sweeps and this one have finished.

    Raises
    ------
    ModuleNotFoundError
        If pyarrow or filelock is missing.
    FileNotFoundError, IsADirectoryError
        If there is no such folder, or the path is one.
    BlockingIOError
        If another sweep is writing the file.
    OSError
        If the folder or its files cannot be read and written.
    FileExistsError
        If something is there that should not be resumed.
    ValueError
        If what is there is of another sweep, of a newer version, damaged, or something else.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> trial = Trial(0, "result", {"depth": 3}, (1, 2))
    >>> with TemporaryDirectory() as folder:
    ...     with Store(f"{folder}/results.parquet", {"function": "study"}) as store:
    ...         store.add(trial, Outcome({"loss": (0.25, 0.5)}, None, 1.5, {}))
    ...     read_records(f"{folder}/results.parquet")
    <Records: 2 rows; arguments: depth; values: loss>
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        header: Mapping[str, Any],
        *,
        resume: bool = True,
        retry: bool = False,
    ) -> None:
        """Take the lock, read what is there, and open the journal."""
        check_type("header", header, Mapping, "a mapping of names to values")
        sweeps_module("pyarrow.parquet")
        self.path = place_of(path)
        self.header: dict[str, Any] = as_plain("header", header)
        self._finished = False
        with ExitStack() as opened:
            opened.enter_context(locked(self.path))
            self._found = _load(self.path)
            self._check(resume)
            self.done = self._found.outcomes(errors=not retry)
            part_of(self.path).unlink(missing_ok=True)  # of a process that was killed
            if self._found.empty and self._found.header != self.header:
                self._found = _Found(None, Journaled())  # of a sweep that finished nothing
            self._journal = _open_journal(self.path, self.header, self._found.journaled)
            opened.callback(self._journal.close)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        """Return the store, which is open already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the file; what was added stays."""
        self._finished = True
        self._opened.close()

    def add(self, trial: Trial, outcome: Outcome) -> None:
        """Store what came of a trial; when this returns, it is on the disk.

        Parameters
        ----------
        trial : Trial
            What was run.
        outcome : Outcome
            What came of it, one number for each seed.

        Raises
        ------
        ValueError
            If there is not one number for each seed, or the sweep is finished.
        OSError
            If it cannot be written. The message says what is kept; with room on the disk, it can
            be added again.
        """
        self._check_open()
        for name, numbers in outcome.values.items():
            if len(numbers) != len(trial.seeds):
                raise ValueError(
                    f"{name} has {len(numbers)} numbers; expected one for each of "
                    f"{len(trial.seeds)} seeds"
                )
        try:
            self._journal.add(trial, outcome)
        except OSError as error:
            raise OSError(
                error.errno,
                f"{self._journal.path} cannot be written ({error.strerror or error}); the "
                f"{len(self.done)} trials that were finished before are kept, and the sweep goes "
                "on from there when it is started again",
            ) from error
        except KeyboardInterrupt:  # it is here, if not in the journal, and `finish` writes it
            self._note(trial, outcome)
            raise
        self._note(trial, outcome)

    def finish(self, rows: Iterable[Mapping[str, Any]], *, whole: bool = False) -> Records:
        """Write the Parquet file and remove the journal; nothing can be added afterwards.

        Parameters
        ----------
        rows : iterable of mapping
            The records, made of those that `course_lib.experiments.trials.trial_rows` returns.
            What was finished and is not among them is added, unless other rows have the same
            phase, arguments and seed, or are the result of the same configuration and seed.
        whole : bool
            Whether the rows are all that there is to be, so that nothing is added: after trials
            with errors were run again, others may not be asked for any more.

        Returns
        -------
        Records
            As they were written.

        Raises
        ------
        ValueError
            If the sweep is finished already.
        OSError
            If the file cannot be written. The old one and the journal are as they were then.
        """
        self._check_open()
        records = Records(_merged(rows, () if whole else self._found.rows()), self.header)
        try:
            write_columns(self.path, records.by_column(), records.header)
        except OSError as error:
            raise OSError(
                error.errno,
                f"{self.path} cannot be written ({error.strerror or error}); nothing of the "
                f"{len(self.done)} trials is lost: what is not in that file is in "
                f"{self._journal.path.name}, and the sweep writes it when it is started again",
            ) from error
        self._finished = True
        self._journal.remove()
        return records

    def _note(self, trial: Trial, outcome: Outcome) -> None:
        """Note that a trial is finished."""
        self._found.journaled.keep(trial, outcome)
        self.done[trial.key] = outcome

    def _check(self, resume: bool) -> None:
        """Raise an error unless what is there may be gone on with."""
        header = self._found.header
        if header is None or self._found.empty:
            return
        if not resume:
            raise FileExistsError(
                f"{self.path} has results already; resume, or choose another file"
            )
        if canonical(header) != canonical(self.header):
            told = "; ".join(list(_differences("", header, self.header))[:3])
            raise ValueError(f"{self.path} is of another sweep: {told}; choose another file")
        grid = self.header.get("grid")
        if isinstance(grid, dict):  # its names are sorted in a file, those of arguments are not
            there = [name for name in self._found.order if name in grid]
            here = [name for name in grid if name in there]
            if there != here:
                raise ValueError(
                    f"{self.path} is of another sweep: the grid has {', '.join(there)} there and "
                    f"{', '.join(here)} here, in this order; choose another file"
                )

    def _check_open(self) -> None:
        """Raise ValueError if nothing can be written any more."""
        if self._finished:
            raise ValueError(f"{self.path} is finished or closed; open it again to add to it")


def read_records(path: str | os.PathLike[str]) -> Records:
    """Read the records of a sweep, whether it is finished, was interrupted or still runs.

    Parameters
    ----------
    path : path
        Of the Parquet file, whose journal is read too, if there is one.

    Returns
    -------
    Records
        All that is finished. In what a journal adds, ``at_edge`` and ``widened`` are None.

    Raises
    ------
    FileNotFoundError
        If there is neither.
    IsADirectoryError
        If it is a folder.
    ValueError
        If what is there is damaged, of a newer version, or something else.

    Examples
    --------
    >>> read_records("results.parquet")
    Traceback (most recent call last):
    FileNotFoundError: there is no results.parquet, and no journal beside it
    """
    found = _load(place_of(path))
    if found.header is None:
        raise FileNotFoundError(f"there is no {path}, and no journal beside it")
    if found.records is not None and not found.journaled.trials:
        return found.records
    return Records(_merged((), found.rows()), found.header)


@dataclass
class _Found:
    """What is on disk: the records in the file, if there is one, and the journal."""

    records: Records | None
    journaled: Journaled

    @property
    def header(self) -> dict[str, Any] | None:
        """What identifies the sweep; None where there is nothing."""
        return self.journaled.header if self.records is None else self.records.header

    @property
    def empty(self) -> bool:
        """Whether nothing was finished."""
        return self.records is None and not self.journaled.trials

    @property
    def order(self) -> tuple[str, ...]:
        """The names of the arguments, in the order of the grid; empty where they are not known."""
        if self.records is not None and len(self.records):
            return self.records.arguments
        return next((tuple(t.arguments) for t, _ in self.journaled.trials.values()), ())

    @cached_property
    def stored(self) -> dict[str, Outcome]:
        """What came of the trials in the file, by their keys."""
        return {} if self.records is None else dict(_outcomes(self.records))

    def newer(self) -> list[tuple[Trial, Outcome]]:
        """Return what the journal adds to the file, or has instead of an error; the last first."""
        journaled = reversed(self.journaled.trials.values())
        return [
            (trial, outcome)
            for trial, outcome in journaled
            if (old := self.stored.get(trial.key)) is None
            or (old.error is not None and old != outcome)
        ]

    def outcomes(self, *, errors: bool) -> dict[str, Outcome]:
        """Return what came of every trial, with errors or without, by its key."""
        found = self.stored | {trial.key: outcome for trial, outcome in reversed(self.newer())}
        return {key: outcome for key, outcome in found.items() if errors or outcome.error is None}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of everything, first those that replace others."""
        again = set()  # places where an error of the file was replaced
        for trial, outcome in self.newer():
            yield from trial_rows(trial, outcome)
            if trial.key in self.stored:
                again.add(trial.place)
        for row in self.records or ():
            if row["place"] not in again or not (row["error"] or "").startswith(NOT_RUN):
                yield row


def _load(path: Path) -> _Found:
    """Read a file and its journal, as far as they are there."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; expected a file of records")
    # the journal first: it is removed when all of it is in the file
    journaled = read_journal(journal_of(path))
    try:
        records = Records.of_columns(*read_columns(path))
    except FileNotFoundError:
        return _Found(None, journaled)
    if journaled.header is not None and canonical(journaled.header) != canonical(records.header):
        told = "; ".join(list(_differences("", records.header, journaled.header))[:3])
        raise ValueError(
            f"{path} and the journal beside it are of different sweeps, file and journal: {told}; "
            "move one of them"
        )
    return _Found(records, journaled)


def _open_journal(path: Path, header: Mapping[str, Any], found: Journaled) -> Journal:
    """Open the journal of a file, or say why it cannot be."""
    journal = journal_of(path)
    try:
        return Journal(journal, header, found)
    except OSError as error:
        raise type(error)(
            error.errno,
            f"{journal} cannot be written ({error.strerror or error}); choose another folder",
        ) from None


def _outcomes(records: Records) -> Iterator[tuple[str, Outcome]]:
    """Yield keys and outcomes of all trials whose rows are complete."""
    missing = [name for name in NEEDED if name not in records.columns]
    if missing and len(records):
        raise ValueError(
            f"the file has no columns {', '.join(missing)}; expected all that a sweep writes; "
            "choose another file"
        )
    trials: dict[str, dict[int, Mapping[str, Any]]] = {}
    for row in records:
        trials.setdefault(row["trial"], {})[row["replica"]] = row
    for key, replicas in trials.items():
        each = [replicas.get(i, {"seed": None}) for i in range(len(replicas))]
        seeds = [row["seed"] for row in each]
        if None not in seeds and key == key_of(each[0]["phase"], each[0]["settings"], seeds):
            yield key, _outcome(each, records.measured)


def _outcome(rows: Sequence[Mapping[str, Any]], measured: Iterable[str]) -> Outcome:
    """Return the outcome of a trial from its rows, in the order of its seeds."""
    first = rows[0]
    values = {name: tuple([row[name] for row in rows]) for name in measured}
    fields = {
        "values": {name: numbers for name, numbers in values.items() if numbers[0] is not None},
        "error": first["error"],
        "seconds": first["seconds"],
        "where": {name: first[name] for name in WHERE if first[name] is not None},
    }
    return restored(Outcome, fields)


def _merged(
    rows: Iterable[Mapping[str, Any]], others: Iterable[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return rows, and those of others that are about something else."""
    merged = list(rows)
    there = {_identity(row) for row in merged}
    for row in others:
        if _identity(row) not in there:
            there.add(_identity(row))
            merged.append(row)
    return merged


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a row is about; a configuration has one result, whatever it was trained with."""
    own = row["place"] if row["phase"].startswith("result") else row["settings"]
    return row["phase"], own, row["seed"]


def _differences(name: str, there: Any, here: Any) -> Iterator[str]:
    """Yield in words where two headers differ."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in [*there, *(key for key in here if key not in there)]:
            inner = f"{name}[{key!r}]" if name else key
            yield from _differences(inner, there.get(key), here.get(key))
    elif canonical(there) != canonical(here):
        yield f"{name} is {_short(there)} there and {_short(here)} here"


def _short(value: Any) -> str:
    """Return a value as text that fits into a sentence."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:76]} ..."
