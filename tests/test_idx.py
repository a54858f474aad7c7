"""Files in the idx format: what is read, and what is not taken for one."""

import gzip
import io
import math
import random
import struct
import time
import tracemalloc

import numpy as np
import pytest
from fuzz_data import SLOW, check_idx, edited, packed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.data import DataError, read_idx
from course_lib.data.idx import EXPANSION, TYPES, parse_idx


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

FILES = [GOOD, ZIPPED, packed(np.zeros((2, 1), np.float64)), packed(np.ones(3, np.int16))]


def made(recipe):
    """Return a file as a few bytes say: these themselves, an edited file, or a header and bytes.

    One draw of bytes is several times faster than many draws of parts.
    """
    kind, rest = recipe[0], recipe[1:]
    if kind < 64:
        return rest
    if kind < 192:
        return edited(FILES[kind % len(FILES)], rest)
    dimensions = kind % 4
    lengths = [256**4 - byte if byte > 250 else byte % 4 for byte in rest[1 : 1 + dimensions]]
    code = [*TYPES][rest[0] % len(TYPES)] if rest else 8
    stated = struct.pack(f">4B{len(lengths)}I", 0, 0, code, dimensions, *lengths)
    return stated + rest[1 + dimensions :]


@given(recipe=st.binary(min_size=1, max_size=24))
@settings(max_examples=10_000, suppress_health_check=list(HealthCheck))
def test_whatever_is_read_is_what_was_written(recipe):
    began = time.thread_time()
    check_idx(made(recipe))
    assert time.thread_time() - began < SLOW


def test_recipes_make_files_that_are_read():
    draw = random.Random(0).randbytes
    assert sum(check_idx(made(draw(12))) for _ in range(5000)) > 100
