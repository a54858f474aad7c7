"""Columns in Parquet files: exact, readable by others, and replaced as a whole or not at all."""

import errno
import json
import math
import os
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sweep_helpers import exactly, succeeds

from course_lib.experiments.parquet import (
    SCHEMA,
    part_of,
    read_columns,
    sync_folder,
    write_columns,
)

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

EDGES = [0.0, -0.0, 5e-324, math.nextafter(1, 2), math.inf, -math.inf, math.nan, 0.1]
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ENTRY = SCALAR | st.lists(SCALAR, max_size=2) | st.dictionaries(st.text(), SCALAR, max_size=2)


@pytest.fixture
def path(tmp_path):
    """Return where a file may be."""
    return tmp_path / "results.parquet"


def stored(path, entries, name="x"):
    """Return a column as it comes back, and as other readers see it."""
    write_columns(path, {name: entries}, {})
    columns, _ = read_columns(path)
    return columns[name], pq.read_table(path).column(name)


def in_order(entries):
    """Return entries with sorted mappings, whose order is not kept."""
    return [dict(sorted(e.items())) if isinstance(e, dict) else e for e in entries]


@pytest.mark.parametrize(
    ("entries", "kind"),
    [
        (EDGES, "double"),
        ([*EDGES, None], "double"),
        ([0, -(2**63), 2**63 - 1], "int64"),
        ([2**53 + 1, None], "int64"),
        ([True, False], "bool"),
        ([None, True], "bool"),
        (["relu", "", "ä\0\U0001f600", "x" * 100_000], "string"),
        (["relu", None], "string"),
        ([None, None], "null"),
        ([], "null"),
        ([1, 0.5, None, math.nan, -0.0, 2**53], "double"),
        ([1, 2, 0.5, 3, None, 4], "double"),
        ([0.5, 2**53 + 1], "string"),
        ([2**63, 1], "string"),
        ([10**400, 0.5], "string"),
        ([True, 1, 1.0, "1", None], "string"),
        ([[8, 16], None, {"a": [math.nan]}], "string"),
    ],
)
def test_a_column_comes_back_exactly(path, entries, kind):
    found, shown = stored(path, entries)
    assert exactly(found) == exactly(entries)
    assert str(shown.type) == kind


@given(st.lists(ENTRY, max_size=12))
def test_any_mixture_comes_back_exactly(tmp_path_factory, entries):
    found, _ = stored(tmp_path_factory.mktemp("columns") / "it", entries)
    assert exactly(in_order(found)) == exactly(in_order(entries))


@given(st.lists(st.floats() | st.integers(-(2**53), 2**53) | st.none(), max_size=30))
def test_integers_among_floats_are_integers_again(tmp_path_factory, entries):
    found, shown = stored(tmp_path_factory.mktemp("columns") / "it", entries)
    assert exactly(found) == exactly(entries)
    assert str(shown.type) in ("double", "int64", "null")


def test_other_readers_see_plain_columns(path):
    columns = {"place": [0, 1], "loss": [0.5, None], "phase": ["result"] * 2, "depth": [1, 0.5]}
    write_columns(path, columns, {"function": "study"})
    table = pq.read_table(path)
    assert table.to_pydict() == columns | {"depth": [1.0, 0.5]}
    assert json.loads(table.schema.metadata[b"why_networks_bend"]) == {
        "schema": SCHEMA,
        "header": {"function": "study"},
    }


@pytest.mark.parametrize(
    ("name", "kind"), [("at_edge", "bool"), ("widened", "int64"), ("loss", "null")]
)
def test_usual_columns_have_a_type_where_nothing_is_known(path, name, kind):
    found, shown = stored(path, [None, None], name)
    assert found == [None, None]
    assert str(shown.type) == kind


def test_names_and_header_come_back(path):
    header = {"grid": {"rate": [0.1, 1, math.inf]}, "ä": [None, True]}
    write_columns(path, {"b": [1], "a": [2], "ä": ["ö"]}, header)
    columns, found = read_columns(path)
    assert list(columns) == ["b", "a", "ä"]
    assert exactly(found) == exactly(dict(sorted(header.items())))


def test_equal_columns_make_equal_files(path):
    columns = {"x": [1, 0.5, math.nan], "y": ["a", None, "b"], "phase": ["result"] * 3}
    write_columns(path, columns, {"a": 1, "b": 2})
    first = path.read_bytes()
    write_columns(path, dict(columns), {"b": 2, "a": 1})
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "cannot be read as a Parquet file"),
        (b"place,phase\n0,result\n" * 9, "cannot be read as a Parquet file"),
        (b"PAR1" + b"\0" * 100 + b"PAR1", "cannot be read as a Parquet file"),
    ],
)
def test_a_file_that_is_no_parquet_is_an_error(path, content, told, refuses):
    path.write_bytes(content)
    refuses(lambda: read_columns(path), ValueError, told, "or a name that is free")
    assert path.read_bytes() == content


def test_a_cut_or_changed_file_is_an_error(path, refuses):
    write_columns(path, {"x": np.random.default_rng(0).normal(size=1000).tolist()}, {})
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refuses(lambda: read_columns(path), ValueError, "cannot be read as a Parquet file")
    middle = 2000  # among the numbers: without a checksum, one of them would be another
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    refuses(lambda: read_columns(path), ValueError, "cannot be read as a Parquet file")


def test_a_parquet_file_of_something_else_is_an_error(path, refuses):
    pq.write_table(pa.table({"x": [1]}), path)
    refuses(lambda: read_columns(path), ValueError, "is a Parquet file of something else")


def test_a_newer_version_is_an_error_before_it_is_read(path, refuses):
    about = json.dumps({"schema": SCHEMA + 1, "header": {}})
    table = pa.table({"x": [1]}).replace_schema_metadata({"why_networks_bend": about})
    pq.write_table(table, path)
    refuses(
        lambda: read_columns(path),
        ValueError,
        f"has schema version {SCHEMA + 1}; this version of the library reads {SCHEMA}",
        "pip install --upgrade why-networks-bend",
    )


def test_no_file_is_its_own_error(path):
    with pytest.raises(FileNotFoundError):
        read_columns(path)


def test_a_file_is_replaced_as_a_whole(path, monkeypatch):
    """Whatever fails before the replacement, the old file is there, and nothing beside it."""
    write_columns(path, {"x": [1]}, {})

    def fail(*arguments):
        assert read_columns(path)[0] == {"x": [1]}
        raise KeyboardInterrupt

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os, name, fail)
            with pytest.raises(KeyboardInterrupt):
                write_columns(path, {"x": [2]}, {})
        assert read_columns(path)[0] == {"x": [1]}
        assert not part_of(path).exists()
    write_columns(path, {"x": [2]}, {})
    assert read_columns(path)[0] == {"x": [2]}


def test_the_new_file_is_on_the_disk_before_it_replaces_the_old(path, monkeypatch):
    sizes = []
    fsync = os.fsync

    def note(handle):
        if part_of(path).exists():
            sizes.append(part_of(path).stat().st_size)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    write_columns(path, {"x": [1]}, {})
    assert sizes == [path.stat().st_size]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such call")
@pytest.mark.parametrize(("number", "passes"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_folder_that_cannot_be_synchronized_is_no_error_but_a_broken_disk_is(
    path, monkeypatch, number, passes
):
    def fail(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    handles = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else None
    with nullcontext() if passes else pytest.raises(OSError, match="Input/output error"):
        sync_folder(path.parent)
    if handles is not None:
        assert len(os.listdir("/proc/self/fd")) == handles


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_folder_that_may_be_written_and_not_read_is_no_error(path, monkeypatch):
    def denied(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    sync_folder(path.parent)


def test_reading_ten_thousand_rows_is_fast(path):
    """About 0.1 s; the bound leaves room for a busy machine."""
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(size=10_000).tolist() for i in range(12)}
    columns |= {name: ["some text"] * 10_000 for name in ("date", "machine", "settings")}
    write_columns(path, columns, {})
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        read_columns(path)
        taken.append(time.perf_counter() - start)
    assert median(taken) < 1


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="needs the list of threads")
def test_reading_and_writing_start_no_thread(path):
    """Such a thread may abort a program that ends right after it has read a file."""
    program = """
import os, sys
import pyarrow.parquet
from course_lib.experiments.parquet import read_columns, write_columns
before = len(os.listdir("/proc/self/task"))
write_columns(sys.argv[1], {"x": [0.1, None, 1]}, {})
read_columns(sys.argv[1])
print(len(os.listdir("/proc/self/task")) - before)
"""
    assert succeeds(program, path) == "0\n"
