"""A journal: what a sweep has found so far, one line for each trial, each safe on the disk.

The first line holds the schema version and the header, every other one a trial with its outcome, in
JSON as Python writes it: floats with the digits that bring them back, NaN and infinities by name.
A line counts when it is whole and has the checksum with which it begins. One that a killed process
or a full disk has left torn at the end is dropped; damage anywhere else is an error. A trial that
ended in an error may be there again: its last outcome counts.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from course_lib.experiments.parquet import SCHEMA, header_in, sync_folder
from course_lib.experiments.trials import Outcome, Trial, canonical, restored

__all__ = ["Journal", "Journaled", "journal_of", "read_journal"]

PARTS = ("key", "place", "phase", "arguments", "seeds")  # of a trial
CHECK = b'{"crc32":"%08x",'  # before everything else in a line, whose checksum it holds
START = b'{"schema":'  # of every journal


@dataclass
class Journaled:
    """What a journal holds.

    Attributes
    ----------
    header : dict or None
        What identifies the sweep; None where there is no journal, or only a torn first line.
    trials : dict of str to (Trial, Outcome)
        By key, in the order in which they were finished.
    end : int
        Bytes of all whole lines.
    """

    header: dict[str, Any] | None = None
    trials: dict[str, tuple[Trial, Outcome]] = field(default_factory=dict)
    end: int = 0

    def keep(self, trial: Trial, outcome: Outcome) -> None:
        """Keep what came of a trial: the last outcome after errors, else the first."""
        _, before = self.trials.get(trial.key, (trial, None))
        if before is None or before.error is not None:
            self.trials.pop(trial.key, None)  # so that it comes last
            self.trials[trial.key] = trial, outcome


class Journal:
    """The journal of a running sweep, which only its process writes.

    Parameters
    ----------
    path : Path
        Of the journal.
    header : dict
        What identifies the sweep.
    found : Journaled
        What `read_journal` found there.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], found: Journaled) -> None:
        """Open it, drop a torn end, and write the first line where there is none."""
        self.path = path
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._handle, self._closed = os.open(path, flags, 0o666), False
        try:
            self._end = found.end
            os.ftruncate(self._handle, self._end)
            if found.header is None:
                first = START.decode() + f'{SCHEMA},"header":{canonical(header)}}}\n'
                self._append(first.encode("ascii"))
                sync_folder(path.parent)
        except BaseException:
            os.close(self._handle)
            if found.header is None:
                path.unlink()
            raise
        self._empty = not found.trials

    def add(self, trial: Trial, outcome: Outcome) -> None:
        """Append a trial with its outcome; when this returns, it is on the disk."""
        self._append(_as_line(trial, outcome))
        self._empty = False

    def close(self) -> None:
        """Close the file, and remove it if there is no trial in it; a second call does nothing."""
        if self._closed:  # by now, the number may be that of a file of somebody else
            return
        self._closed = True
        with suppress(OSError):  # of a disk that is gone, to which nothing is left to write
            os.close(self._handle)
        if self._empty:
            with suppress(PermissionError):  # of Windows, while somebody reads it: it holds nothing
                self.path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the file, whose content stands elsewhere now."""
        self._empty = True
        self.close()
        sync_folder(self.path.parent)

    def _append(self, line: bytes) -> None:
        """Write a line and wait until it is on the disk, or leave the file as it was."""
        os.ftruncate(self._handle, self._end)  # without what an error has left
        written = 0
        try:
            while written < len(line):
                written += os.write(self._handle, line[written:])
            os.fsync(self._handle)
        except OSError:
            written = 0
            with suppress(OSError):  # else the next line, or the next sweep, removes the rest
                os.ftruncate(self._handle, self._end)
            raise
        finally:  # Ctrl-C may come when the line is whole
            if written == len(line):
                self._end += written


def journal_of(path: Path) -> Path:
    """Return where the journal of a file is.

    Examples
    --------
    >>> journal_of(Path("results.parquet")).name
    'results.parquet.journal'
    """
    return path.with_name(f"{path.name}.journal")


def read_journal(path: Path) -> Journaled:
    """Read a journal, also while it is being written.

    Parameters
    ----------
    path : Path
        Of the journal.

    Returns
    -------
    Journaled
        Without a header where there is no journal yet.

    Raises
    ------
    ValueError
        If it is none, one of a newer version, or a line before the last is damaged.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Journaled()
    if content[: len(START)] != START[: len(content)]:
        raise ValueError(f"{path} is no journal of a sweep; move it, or choose another file")
    *lines, _ = content.split(b"\n")
    if not lines:
        return Journaled()
    found = Journaled(_header_in(path, lines[0]), {}, len(lines[0]) + 1)
    for number, line in enumerate(lines[1:], 2):
        read = _from_line(line)
        if read is not None:
            found.keep(*read)
            found.end += len(line) + 1
        elif number < len(lines):
            raise ValueError(
                f"line {number} of {path} is damaged; without this line, the sweep goes on and "
                "computes that trial again"
            )
    return found


def _header_in(path: Path, line: bytes) -> dict[str, Any]:
    """Return the header in the first line of a journal."""
    header = header_in(path, line)
    if header is None:
        raise ValueError(f"line 1 of {path} is damaged; move the journal, and begin anew")
    return header


def _as_line(trial: Trial, outcome: Outcome) -> bytes:
    """Return a trial and its outcome as a line of a journal."""
    entry = {name: getattr(trial, name) for name in PARTS} | vars(outcome)
    body = json.dumps(entry, separators=(",", ":")).encode("ascii")[1:]
    return CHECK % crc32(body) + body + b"\n"


def _from_line(line: bytes) -> tuple[Trial, Outcome] | None:
    """Return the trial and the outcome of a line, or None if it is damaged."""
    length = len(CHECK % 0)
    body = line[length:]
    if line[:length] != CHECK % crc32(body):
        return None
    entry = json.loads(b"{" + body)
    entry["seeds"] = tuple(entry["seeds"])
    entry["values"] = {name: tuple(row) for name, row in entry["values"].items()}
    trial = restored(Trial, {name: entry.pop(name) for name in PARTS})
    return trial, restored(Outcome, entry)
