"""Columns of records in a Parquet file, exact to the last bit, and replaced as a whole.

A column of floats, integers, bools or text has the type of that name in the file, and None is null
there; so every tool that reads Parquet reads the records. Where the values of a column are of
several types, nothing is rounded or guessed: integers among floats are stored as float64, with a
note which rows are integers, as long as float64 holds all of them; anything else is stored as the
JSON of each value. `read_columns` returns exactly what `write_columns` was given.

Sources
-------
Apache Parquet, https://parquet.apache.org/docs/, written by Apache Arrow.
"""

import errno
import json
import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from course_lib._checks import sweeps_module
from course_lib.experiments.trials import WHERE, canonical

__all__ = [
    "SCHEMA",
    "all_in_float64",
    "check_schema",
    "header_in",
    "part_of",
    "read_columns",
    "sync_folder",
    "write_columns",
]

SCHEMA = 1
"""The version of the layout of files and journals."""

KEY = b"why_networks_bend"  # of our entry in the metadata of a file
NOTE = b"why_networks_bend.values"  # of our entry in the metadata of a column
REPEATED = ("phase", "error", "trial", *WHERE, "settings")
SIMPLE = {bool: "bool_", int: "int64", float: "float64", str: "string"}
EMPTY = {  # the types of columns in which nothing is known, for readers that look at many files
    "error": "string",
    "at_edge": "bool_",
    "widened": "int64",
    **dict.fromkeys(WHERE, "string"),
}


def write_columns(
    path: str | os.PathLike[str], columns: Mapping[str, Sequence[Any]], header: Mapping[str, Any]
) -> None:
    """Write columns to a Parquet file, which is there as a whole or not at all.

    Parameters
    ----------
    path : path
        Of the file. It is written beside it first, under the same name with ``.part``.
    columns : dict of str to sequence
        Of equal lengths; plain values, as `course_lib.experiments.trials.as_plain` returns them.
    header : dict
        What identifies the sweep; plain too.

    Raises
    ------
    OSError
        If it cannot be written; the file that was there is still there then.
    """
    target = Path(path)
    part = part_of(target)
    table = _as_table(columns, header)
    parquet = sweeps_module("pyarrow.parquet")
    try:
        with open(part, "wb") as file:
            parquet.write_table(
                table, file, use_dictionary=_repeated(table), write_page_checksum=True
            )
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def part_of(path: Path) -> Path:
    """Return where a file is written before it replaces the old one.

    Examples
    --------
    >>> part_of(Path("results.parquet")).name
    'results.parquet.part'
    """
    return path.with_name(f"{path.name}.part")


def read_columns(path: str | os.PathLike[str]) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Read the columns of a Parquet file, and its header.

    Parameters
    ----------
    path : path
        Of a file that `write_columns` wrote.

    Returns
    -------
    columns : dict of str to list
        As they were.
    header : dict
        What identifies the sweep.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no Parquet file, a damaged one, one of something else, or of a newer version.
    """
    arrow, parquet = sweeps_module("pyarrow"), sweeps_module("pyarrow.parquet")
    with open(path, "rb") as file:  # closed at once, so that the file may be replaced on Windows
        try:
            # without threads of Arrow: a program that ended just then was aborted now and then
            opened = parquet.ParquetFile(file, page_checksum_verification=True, pre_buffer=False)
            header = _header(path, opened.schema_arrow.metadata or {})
            table = opened.read(use_threads=False)
        except (arrow.ArrowException, OSError) as error:
            raise ValueError(
                f"{path} cannot be read as a Parquet file ({_first_sentence(error)}); expected "
                "the records of a sweep, or a name that is free"
            ) from None
    return {f.name: _entries(table.column(i), f) for i, f in enumerate(table.schema)}, header


def _header(path: object, metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    """Return the header in the metadata of a file, or raise ValueError."""
    if KEY not in metadata:
        raise ValueError(
            f"{path} is a Parquet file of something else; expected the records of a sweep, or a "
            "name that is free"
        )
    header = header_in(path, metadata[KEY])
    if header is None:
        raise ValueError(f"the header of {path} is damaged; expected the records of a sweep")
    return header


def header_in(path: object, text: bytes) -> dict[str, Any] | None:
    """Return the header in a text that says its version too, or None if it is damaged."""
    try:
        about = json.loads(text)
        schema, header = about["schema"], about["header"]
    except (KeyError, TypeError, ValueError):
        return None
    check_schema(path, schema)
    return header if isinstance(header, dict) else None


def _first_sentence(error: Exception) -> str:
    """Return what Arrow says is wrong, without its advice."""
    return str(error).split(". ")[0].rstrip(".")


def check_schema(path: object, schema: object) -> None:
    """Raise ValueError if a file has a version that this library does not know.

    Examples
    --------
    >>> check_schema("results.parquet", 99)
    Traceback (most recent call last):
    ValueError: results.parquet has schema version 99; this version of the library reads 1, a newer
    one may read it: pip install --upgrade why-networks-bend
    """
    if schema != SCHEMA:
        raise ValueError(
            f"{path} has schema version {schema}; this version of the library reads {SCHEMA}, a "
            "newer one may read it: pip install --upgrade why-networks-bend"
        )


def sync_folder(folder: Path) -> None:
    """Make sure that a new name in a folder outlasts a power failure, where the system can.

    Some network file systems cannot, and a folder need not be readable to be written; PostgreSQL
    lets the same errors pass (``fsync_fname_ext`` in ``src/backend/storage/file/fd.c``).
    """
    if os.name == "nt":  # where a folder cannot be opened
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.EINVAL):
            raise
    finally:
        os.close(handle)


def _as_table(columns: Mapping[str, Sequence[Any]], header: Mapping[str, Any]) -> Any:
    """Return columns as an Arrow table, with the header in its metadata."""
    arrow = sweeps_module("pyarrow")
    made = [_as_column(name, entries) for name, entries in columns.items()]
    about = {KEY: canonical({"schema": SCHEMA, "header": header}).encode("ascii")}
    schema = arrow.schema([field for field, _ in made], metadata=about)
    return arrow.Table.from_arrays([values for _, values in made], schema=schema)


def _as_column(name: str, entries: Sequence[Any]) -> tuple[Any, Any]:
    """Return the field and the values of a column."""
    arrow = sweeps_module("pyarrow")
    text, note, stored = _storage(name, entries)
    kind = getattr(arrow, text)()
    if name in REPEATED and text == "string":
        kind = arrow.dictionary(arrow.int32(), kind)
    about = {NOTE: note.encode("ascii")} if note else None
    return arrow.field(name, kind, metadata=about), arrow.array(stored, kind)


def _storage(name: str, entries: Sequence[Any]) -> tuple[str, str | None, Sequence[Any]]:
    """Return the type in which a column is stored, a note on it, and its entries in this type."""
    kinds = set(map(type, entries)) - {type(None)}
    if not kinds:
        return EMPTY.get(name, "null"), None, entries
    if len(kinds) == 1 and kinds <= SIMPLE.keys() and _fit(entries):
        return SIMPLE[kinds.pop()], None, entries
    if kinds == {int, float} and all_in_float64(entries):
        note = canonical(_changes([type(entry) is int for entry in entries]))
        return "float64", note, [None if entry is None else float(entry) for entry in entries]
    return "string", "json", [None if entry is None else canonical(entry) for entry in entries]


def _fit(entries: Sequence[Any]) -> bool:
    """Return whether int64 holds all integers among some values."""
    return all(-(2**63) <= entry < 2**63 for entry in entries if type(entry) is int)


def all_in_float64(entries: Sequence[Any]) -> bool:
    """Return whether float64 holds all integers among some values exactly.

    Examples
    --------
    >>> all_in_float64([2**53, 0.5, None]), all_in_float64([2**53 + 1, 0.5])
    (True, False)
    """
    try:
        return all(int(float(entry)) == entry for entry in entries if type(entry) is int)
    except OverflowError:
        return False


def _changes(flags: Sequence[bool]) -> list[int]:
    """Return where a row of flags changes, from False before the first on.

    Examples
    --------
    >>> _changes([True, True, False, True])
    [0, 2, 3]
    """
    return [i for i, (before, now) in enumerate(pairwise([False, *flags])) if before != now]


def _repeated(table: Any) -> list[str]:
    """Return the names of the columns in which text occurs again and again."""
    arrow = sweeps_module("pyarrow")
    return [
        field.name
        for field in table.schema
        if arrow.types.is_string(field.type) or arrow.types.is_dictionary(field.type)
    ]


def _entries(column: Any, field: Any) -> list[Any]:
    """Return the entries of a column as they were before they were stored."""
    note = (field.metadata or {}).get(NOTE)
    entries = _listed(column.combine_chunks())
    if note is None:
        return entries
    if note == b"json":
        return [None if entry is None else json.loads(entry) for entry in entries]
    edges = [*json.loads(note), len(entries)]
    for start, stop in zip(edges[::2], edges[1::2], strict=False):  # of each run of integers
        entries[start:stop] = [
            None if entry is None else int(entry) for entry in entries[start:stop]
        ]
    return entries


def _listed(values: Any) -> list[Any]:
    """Return an Arrow array as a list, fast where it can be."""
    arrow = sweeps_module("pyarrow")
    if arrow.types.is_dictionary(values.type):
        words = dict(enumerate(values.dictionary.to_pylist())) | {None: None}
        return [words[i] for i in _listed(values.indices)]
    if arrow.types.is_primitive(values.type) and not values.null_count:
        found: list[Any] = values.to_numpy(zero_copy_only=False).tolist()
        return found
    listed: list[Any] = values.to_pylist()
    return listed
