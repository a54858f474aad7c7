"""One writer for each file of records."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from course_lib._checks import sweeps_module

__all__ = ["check_place", "locked", "place_of"]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file of records, so that nobody else writes it.

    Parameters
    ----------
    path : Path
        Of the file; the lock is one beside it, under the same name with ``.lock``, and vanishes
        with the process that holds it, however that ends.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        As `check_place`.
    BlockingIOError
        If somebody else holds it.
    OSError
        If the folder cannot be written.
    """
    check_place(path)
    name = path.with_name(f"{path.name}.lock")
    filelock = sweeps_module("filelock")
    lock = filelock.FileLock(name, timeout=0, thread_local=False)
    try:
        _acquire(lock, name, filelock.Timeout)
    except filelock.Timeout:
        raise BlockingIOError(
            f"{path} is being written by another sweep, which holds {name.name}; wait for it, or "
            "choose another file"
        ) from None
    except OSError as error:
        raise type(error)(
            error.errno,
            f"{path.parent} cannot be written ({error.strerror}); choose another folder",
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows keeps a file that is open
            name.unlink()  # while it is held: who opened it before looks whether it is there
        lock.release()


def _acquire(lock: Any, name: Path, timeout: type[Exception]) -> None:
    """Take a lock, or raise what keeps its file from being made.

    Where a file system answers that there is no such file when it is to make one, filelock tells
    that somebody else holds the lock.
    """
    try:
        lock.acquire()
    except timeout:
        if name.exists():
            raise
        name.touch()
        lock.acquire()


def place_of(path: str | os.PathLike[str]) -> Path:
    """Return where a file of records stands: where a link leads, so that all use one lock.

    Parameters
    ----------
    path : path
        As the caller gave it.

    Raises
    ------
    TypeError, ValueError
        If it is no path.
    IsADirectoryError
        If it ends as only a folder does.

    Examples
    --------
    >>> place_of("results/")
    Traceback (most recent call last):
    IsADirectoryError: results/ names a folder; expected the name of a file
    """
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise TypeError(f"the path of the records is {path!r}; expected text or a Path")
    if "\0" in text:
        raise ValueError(f"the path of the records is {text!r}; expected one without zeros")
    if text.endswith(tuple(filter(None, (os.sep, os.altsep)))):
        raise IsADirectoryError(f"{text} names a folder; expected the name of a file")
    return Path(os.path.realpath(text) if os.path.islink(text) else text)


def check_place(path: Path) -> None:
    """Raise an error unless a file of records can stand there.

    Parameters
    ----------
    path : Path
        Of the file.

    Raises
    ------
    FileNotFoundError
        If its folder does not exist.
    IsADirectoryError
        If it is a folder itself.

    Examples
    --------
    >>> check_place(Path("nowhere", "results.parquet"))
    Traceback (most recent call last):
    FileNotFoundError: the folder nowhere of results.parquet does not exist; make it first
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"the folder {path.parent} of {path.name} does not exist; make it first"
        )
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; expected the name of a file")
