"""Files on request: from the first mirror that has them, into a folder from then on.

What is fetched is held against the SHA-256 of its content before it gets its name in the folder, so
that no half file and no other file is ever taken for the whole one, however a process ends.
"""

import hashlib
import http.client
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from course_lib._checks import not_installed
from course_lib.data.bundled import DataError

__all__ = ["File", "check_content", "fetched", "folder", "in_megabytes", "is_there"]

T = TypeVar("T")

VARIABLE = "COURSE_LIB_DATA"
CONNECT, STALL = 10.0, 20.0  # seconds until a mirror that is silent is left
WINDOW, SLOWEST = 20.0, 4096.0  # seconds, and bytes a second: who sends less is left
PIECE = 1 << 16  # bytes


class File(NamedTuple):
    """A file of a data set."""

    name: str
    """In the folder of its data set."""
    size: int
    """Bytes, for messages; a mirror may have packed the same content otherwise."""
    urls: tuple[str, ...]
    """Where it is, tried in this order."""


class _Unusable(Exception):
    """Why a mirror does not help."""


def folder() -> Path:
    """Return the folder where what was fetched is kept.

    Returns
    -------
    Path
        What the environment variable ``COURSE_LIB_DATA`` names, else ``why-networks-bend``
        among the caches of this platform (below ``~/.cache``, ``~/Library/Caches`` or
        ``%LOCALAPPDATA%``).

    Raises
    ------
    ModuleNotFoundError
        If the variable is not set and pooch not installed; the message says how to install it.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    return Path(_module("pooch").os_cache("why-networks-bend"))


def is_there(dataset: str, file: File) -> bool:
    """Return whether the folder has a file of that name, whatever is in it."""
    return (folder() / dataset / file.name).is_file()


def fetched(dataset: str, file: File, read: Callable[[Path], T]) -> T:
    """Return what a file holds, after it was fetched if the folder has it not.

    Parameters
    ----------
    dataset : str
        Which it belongs to, such as ``"mnist"``; its folder.
    file : File
        Which file.
    read : callable
        Takes the path of a file, and returns its content; raises `DataError` if it is not the
        content that it should be.

    Returns
    -------
    object
        What `read` returns.

    Raises
    ------
    ConnectionError
        If no mirror has the file; the message tells what each answered, the size, and where the
        file can be put by hand.
    OSError
        If the folder cannot be written.
    ModuleNotFoundError
        If the file is to be fetched and what fetches it is not installed.

    Notes
    -----
    Two processes that ask at once fetch once: the second waits. A file in the folder with another
    content is fetched again, and stays where it is until there is a better one.
    """
    path = folder() / dataset / file.name
    with suppress(FileNotFoundError, NotADirectoryError, DataError):
        return read(path)
    with _writable(path.parent), _alone(path.parent, dataset):
        with suppress(FileNotFoundError, DataError):
            return read(path)  # somebody else was faster
        return _from_mirrors(dataset, file, path, read)


def _from_mirrors(dataset: str, file: File, path: Path, read: Callable[[Path], T]) -> T:
    """Fetch a file from the first mirror that has it, and return its content."""
    answers = []
    for url in file.urls:
        try:
            return _from_mirror(url, file, path, read)
        except _Unusable as reason:
            answers.append(f"{urlsplit(url).netloc}: {reason}")
    raise ConnectionError(
        f"{file.name} of {dataset} ({in_megabytes(file.size)}) could not be fetched; "
        f"{'; '.join(answers)}. Ask again with a network, or put the file into {path.parent}"
    )


def _from_mirror(url: str, file: File, path: Path, read: Callable[[Path], T]) -> T:
    """Fetch a file from one mirror; give it its name once its content is right."""
    found: list[T] = []

    def download(url: str, output: Any, _: object) -> None:
        _write(_pieces(url, 2 * file.size), Path(output), file)
        try:
            found.append(read(Path(output)))
        except DataError:
            size = Path(output).stat().st_size
            raise _Unusable(f"sent {size:,} bytes that are not this file") from None

    part = f"{path.name}.part"
    with _quiet(_module("pooch")) as pooch:
        new = pooch.retrieve(url, None, fname=part, path=path.parent, downloader=download)
    Path(new).replace(path)
    return found[0]


def _write(pieces: Iterator[bytes], path: Path, file: File) -> None:
    """Write what comes, and show how far it is."""
    tqdm = _module("tqdm.auto").tqdm
    options = {"unit": "B", "unit_scale": True, "leave": False, "delay": 1}
    with path.open("wb") as out, tqdm(desc=file.name, total=file.size, **options) as bar:
        for piece in pieces:
            out.write(piece)
            bar.update(len(piece))


def _pieces(url: str, most: int) -> Iterator[bytes]:
    """Yield what a mirror sends, or raise why it does not."""
    requests = _module("requests")
    of_urllib3 = _module("urllib3").exceptions.HTTPError
    troubles = (requests.RequestException, of_urllib3, http.client.HTTPException, TimeoutError)
    try:
        asked = {"Accept-Encoding": "identity"}  # as it is: packed once is enough
        with requests.get(url, headers=asked, stream=True, timeout=(CONNECT, STALL)) as answer:
            if answer.status_code != requests.codes.ok:
                raise _Unusable(f"answered {answer.status_code} {answer.reason}")
            yield from _paced(answer.raw, most)
    except troubles as trouble:
        raise _Unusable(_in_words(trouble)) from None


def _paced(stream: Any, most: int) -> Iterator[bytes]:
    """Yield what comes, until it is too much or comes too slowly."""
    total, recent, since = 0, 0, time.monotonic()
    while piece := stream.read1(PIECE, decode_content=True):
        total, recent = total + len(piece), recent + len(piece)
        if total > most:
            raise _Unusable(f"sent more than {in_megabytes(most)}")
        passed = time.monotonic() - since
        if passed > WINDOW:
            if recent < SLOWEST * passed:
                raise _Unusable(f"sent {recent:,} bytes in {passed:.0f} s")
            recent, since = 0, time.monotonic()
        yield piece


def _in_words(trouble: Exception) -> str:
    """Return what kept a mirror from sending, in a few words."""
    told = repr(trouble)
    if "NameResolution" in told or "getaddrinfo" in told:
        return "not found (is there a network?)"
    if "imed out" in told or "Timeout" in told:
        return "did not answer in time"
    if "refused" in told or "NewConnection" in told:
        return "no connection"
    if "IncompleteRead" in told or "Connection broken" in told or "reset" in told:
        return "broke off before the end"
    return f"failed ({type(trouble).__name__})"


def _module(name: str) -> ModuleType:
    """Import what fetches, or a module of it, when it is first used, or say how to install it."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        package = name.partition(".")[0]
        raise not_installed(package, package, "data") from None


@contextmanager
def _quiet(pooch: Any) -> Iterator[Any]:
    """Keep pooch from telling each address, and the digest of a packed file."""
    logger = pooch.get_logger()
    before = logger.level
    logger.setLevel("ERROR")
    try:
        yield pooch
    finally:
        logger.setLevel(before)


@contextmanager
def _writable(place: Path) -> Iterator[None]:
    """Make a folder; name it in the error if it, or what is in it, cannot be written."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        yield
    except ConnectionError:
        raise
    except OSError as error:
        told = f"{place} cannot be written ({error.strerror}); name another folder in {VARIABLE}"
        raise type(error)(error.errno, told) from error


@contextmanager
def _alone(place: Path, dataset: str) -> Iterator[None]:
    """Hold the lock of a folder, and remove what a process left there that was killed."""
    filelock = _module("filelock")
    lock = filelock.FileLock(place / ".lock")
    try:
        lock.acquire(timeout=1)
    except filelock.Timeout:
        print(f"waiting for another process that fetches {dataset}", file=sys.stderr)
        lock.acquire()
    try:
        for left in [*place.glob("tmp????????"), *place.glob("*.part")]:
            left.unlink()
        yield
    finally:
        lock.release()


def check_content(name: str, pieces: Iterable[bytes | memoryview], expected: str) -> None:
    """Raise an error if a file has another content than it should have.

    Parameters
    ----------
    name : str
        For the error.
    pieces : iterable of bytes or memoryview
        The content, unpacked, piece by piece.
    expected : str
        Its SHA-256 in hexadecimal.

    Raises
    ------
    DataError
        If the content has another.

    Examples
    --------
    >>> check_content("letters.txt", [b"a", b"b"], hashlib.sha256(b"ab").hexdigest())
    """
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    if digest.hexdigest() != expected:
        told = f"its SHA-256 is {digest.hexdigest()[:12]}..., expected {expected[:12]}..."
        raise DataError(f"{name} is damaged: {told}")


def in_megabytes(size: int) -> str:
    """Return a size in words.

    Parameters
    ----------
    size : int
        In bytes.

    Returns
    -------
    str
        With two digits or more.

    Examples
    --------
    >>> in_megabytes(9_912_422), in_megabytes(4_542)
    ('9.9 MB', '4.5 kB')
    """
    for unit, bytes_of in [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)]:
        if size >= bytes_of:
            digits = 1 if size < 10 * bytes_of else 0
            return f"{size / bytes_of:.{digits}f} {unit}"
    return f"{size} bytes"
