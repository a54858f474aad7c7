"""Files in the idx format: what is read, and what is not taken for one."""

import gzip
import io
import math
import struct
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.data import DataError, read_idx
from course_lib.data.idx import EXPANSION, TYPES, parse_idx

CODES = {np.dtype(name): code for code, name in TYPES.items()}
SLOW = 1.0  # seconds, for an input of a few hundred bytes


def packed(array):
    """Return the bytes of an array in this format, by its definition."""
    array = array.astype(array.dtype.newbyteorder(">"))
    lengths = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, CODES[array.dtype], array.ndim]) + lengths + array.tobytes()


def parsed(content):
    """Return the array of a file that holds this."""
    return parse_idx(io.BytesIO(content), len(content), "a file")


@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4), (0, 5), (1,) * 32])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_what_was_written_is_read(tmp_path, code, shape, pack):
    dtype = np.dtype(TYPES[code])
    array = (np.arange(math.prod(shape)).reshape(shape) * 37 - 20).astype(dtype)
    (tmp_path / "numbers").write_bytes(pack(packed(array)))
    found = read_idx(tmp_path / "numbers")
    assert found.dtype == dtype.newbyteorder("=")
    assert found.dtype.isnative and found.flags.writeable
    np.testing.assert_array_equal(found, array)


def test_members_that_gzip_joins_are_one_file():
    content = packed(np.arange(6, dtype=np.uint8))
    assert parsed(gzip.compress(content[:9]) + gzip.compress(content[9:])).tolist() == [*range(6)]


GOOD = packed(np.arange(12, dtype=np.uint8).reshape(3, 4))
ZIPPED = gzip.compress(GOOD)
WRONG = {
    "nothing": (b"", "begins with nothing; expected 00 00"),
    "a picture": (b"\x89PNG\r\n", "begins with 89 50 4e 47; expected 00 00"),
    "a page": (b"<html>", "begins with 3c 68 74 6d"),
    "another type": (b"\0\0\x0a\1", "type of its numbers is 0a; expected one of 08, 09, 0b"),
    "no dimension": (b"\0\0\x08\0", "0 dimensions; expected 1 to 32"),
    "many dimensions": (b"\0\0\x08\xff" + bytes(1020), "255 dimensions; expected 1 to 32"),
    "half a header": (GOOD[:9], "ends within the lengths of its 2 dimensions"),
    "half a file": (GOOD[:-5], "ends after 7 of 12 bytes"),
    "no numbers": (GOOD[:12], "ends after 0 of 12 bytes"),
    "a byte more": (GOOD + b"\0", "goes on after 12 bytes"),
    "far too many": (
        b"\0\0\x08\2\0\1\0\0\0\1\0\0",
        "claims 65,536 x 65,536 numbers, more than a file of its size",
    ),
    "more than an array holds": (b"\0\0\x08\2" + b"\xff" * 8, "is none that an array can have"),
    "no array": (b"\0\0\x08\4" + bytes(4) + b"\xff" * 12, "is none that an array can have"),
    "half unpacked": (gzip.compress(GOOD[:-5]), "ends after 7 of 12 bytes"),
    "more unpacked": (gzip.compress(GOOD + b"\0"), "goes on after 12 bytes"),
    "half packed": (ZIPPED[:-12], "gzip cannot unpack"),
    "no checksum": (ZIPPED[:-4], "gzip cannot unpack"),
    "another checksum": (ZIPPED[:-8] + bytes(8), "gzip cannot unpack"),
    "junk behind": (ZIPPED + b"junk", "gzip cannot unpack"),
    "not deflated": (ZIPPED[:10] + b"\xff" * 20, "gzip cannot unpack"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_whole_file_is_named(tmp_path, case):
    content, told = WRONG[case]
    path = tmp_path / "numbers-idx1-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_idx(path)
    assert str(path) in str(raised.value)
    assert told in str(raised.value)


def test_a_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nowhere")


def test_no_byte_of_gzip_becomes_more_than_the_bound():
    for length in (10_000, 1_000_000, 30_000_000):
        assert length <= EXPANSION * len(gzip.compress(bytes(length)))


def test_a_claim_takes_no_memory():
    claimed = struct.pack(">4BII", 0, 0, 8, 2, 1 << 16, 1 << 15)  # 2 GiB
    content = gzip.compress(claimed + bytes(1000))
    tracemalloc.start()
    with pytest.raises(DataError, match="claims"):
        parsed(content)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_reading_takes_little_more_memory_than_the_array():
    content = gzip.compress(packed(np.zeros((40, 1000, 100), np.uint8)), 1)
    tracemalloc.start()
    parsed(content)
    assert tracemalloc.get_traced_memory()[1] < 1.5 * 4_000_000
    tracemalloc.stop()


# Anything at all.


def changed(draw, content):
    """Return content with bytes exchanged, left out and put in."""
    content = bytearray(content)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        content[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(content)


@st.composite
def inputs(draw):
    """Return bytes: some at random, some nearly a file, some behind a right beginning."""
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return draw(st.binary(max_size=60))
    if kind == 1:
        code = draw(st.sampled_from([*TYPES]))
        lengths = draw(st.lists(st.integers(0, 3) | st.integers(0, 2**32 - 1), max_size=4))
        head = bytes([0, 0, code, len(lengths)]) + struct.pack(f">{len(lengths)}I", *lengths)
        return head + draw(st.binary(max_size=40))
    return changed(draw, ZIPPED if kind == 2 else GOOD)


@given(content=inputs())
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_read_is_what_was_written(content):
    began = time.perf_counter()
    try:
        array = parsed(content)
    except DataError:
        array = None
    assert time.perf_counter() - began < SLOW
    if array is not None:
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        assert packed(array) == plain
