"""WAV files: what is read, and what is not taken for one. The oracles are wave and SciPy."""

import random
import struct
import time

import numpy as np
import pytest
from fuzz_data import SLOW, check_wav, edited
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.data import DataError, Sound, read_wav
from course_lib.data.wav import GUID, parse_wav

wavfile = pytest.importorskip("scipy.io.wavfile", reason="SciPy is not installed")

DTYPES = [np.uint8, np.int16, np.int32, np.float32, np.float64]
RNG = np.random.default_rng(0)


def chunk(name, content, length=None):
    """Return a chunk, with a length of its own choice."""
    stated = len(content) if length is None else length
    return name + struct.pack("<I", stated) + content + b"\0" * (len(content) % 2)


def form(kind=1, channels=1, rate=8000, bits=16, frame=None):
    """Return what a chunk 'fmt ' holds."""
    frame = channels * bits // 8 if frame is None else frame
    return struct.pack("<HHIIHH", kind, channels, rate, rate * frame, frame, bits)


def riff(*chunks, length=None):
    """Return a file of chunks."""
    content = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content) if length is None else length) + content


SAMPLES = np.array([0, 1, -1, 32767, -32768], "<i2")
FORM, DATA = chunk(b"fmt ", form()), chunk(b"data", SAMPLES.tobytes())
GOOD = riff(FORM, DATA)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_what_scipy_writes_is_read(tmp_path, dtype, channels):
    samples = (RNG.uniform(0, 100, (7, channels))).astype(dtype)
    samples = samples[:, 0] if channels == 1 else samples
    wavfile.write(tmp_path / "sound.wav", 44_100, samples)
    found = read_wav(tmp_path / "sound.wav")
    assert (found.rate, found.bits) == (44_100, 8 * samples.itemsize)
    assert found.samples.dtype == dtype
    assert found.samples.flags.writeable
    np.testing.assert_array_equal(found.samples, samples)


def test_24_bits_are_integers_with_their_sign():
    values = [0, 1, -1, 2**23 - 1, -(2**23)]
    content = b"".join(value.to_bytes(3, "little", signed=True) for value in values)
    found = parse_wav(riff(chunk(b"fmt ", form(bits=24)), chunk(b"data", content)), "sound")
    assert found.samples.dtype == np.int32
    assert found.samples.tolist() == values
    assert found.amplitudes()[-1] == -1


def test_the_extensible_format_names_another():
    extended = form(kind=0xFFFE) + struct.pack("<HHIH", 22, 16, 4, 1) + GUID
    assert parse_wav(riff(chunk(b"fmt ", extended), DATA), "sound").samples.tolist() == [*SAMPLES]


def test_other_chunks_are_passed_over_and_the_last_byte_may_lack_its_pad():
    around = riff(chunk(b"LIST", b"odd"), FORM, DATA, chunk(b"id3 ", b"tag"))
    for content in (around, around[:-1] if around.endswith(b"\0") else around):
        size = len(content) - 8
        content = content[:4] + struct.pack("<I", size) + content[8:]
        assert parse_wav(content, "sound").samples.tolist() == [*SAMPLES]


def test_a_recording_without_samples_is_one():
    sound = parse_wav(riff(FORM, chunk(b"data", b"")), "silence")
    assert (len(sound.samples), sound.duration) == (0, 0)


@pytest.mark.parametrize(
    ("samples", "bits", "expected"),
    [
        (np.array([0, 128, 255], np.uint8), 8, [-1, 0, 127 / 128]),
        (np.array([-32768, 0, 32767], np.int16), 16, [-1, 0, 32767 / 32768]),
        (np.array([-(2**31), 2**30], np.int32), 32, [-1, 0.5]),
        (np.array([0.5, -2], np.float32), 32, [0.5, -2]),
    ],
)
def test_amplitudes_go_from_minus_1_to_1(samples, bits, expected):
    found = Sound(8000, samples, bits).amplitudes()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-7)


WRONG = {
    "nothing": (b"", "begins with b''; expected a WAV file"),
    "a page": (b"<html>not found</html>", "begins with b'<html>"),
    "more than 4 GB": (b"RF64" + GOOD[4:], "begins with b'RF64"),
    "big-endian": (b"RIFX" + GOOD[4:], "begins with b'RIFX"),
    "a video": (GOOD[:8] + b"AVI " + GOOD[12:], "begins with b'RIFF"),
    "half a file": (GOOD[:-5], f"has {len(GOOD) - 5} bytes, and claims to have {len(GOOD)}"),
    "junk behind": (GOOD + b"junk", "goes on for 4 bytes after its end"),
    "a pipe": (GOOD[:4] + b"\xff" * 4 + GOOD[8:], "claims to have 4,294,967,303"),
    "no format": (riff(DATA), "has no chunk 'fmt'"),
    "no samples": (riff(FORM), "has no chunk 'data'"),
    "samples first": (riff(DATA, FORM), "chunk 'data' stands before 'fmt'"),
    "two samples": (riff(FORM, DATA, DATA), "two chunks b'data'"),
    "a short format": (riff(chunk(b"fmt ", form()[:12]), DATA), "has 12 bytes; expected 16"),
    "half a chunk": (riff(FORM, b"dat"), "3 bytes at its end are no chunk"),
    "a long chunk": (riff(FORM, chunk(b"data", b"12", 99)), "claims 99 bytes, and 2 are left"),
    "A-law": (riff(chunk(b"fmt ", form(6, bits=8)), DATA), "are A-law of 8 bits; expected"),
    "MP3": (riff(chunk(b"fmt ", form(0x55, bits=0, frame=1)), DATA), "are format 85 of 0 bits"),
    "12 bits": (riff(chunk(b"fmt ", form(bits=12, frame=2)), DATA), "are integers of 12 bits"),
    "16 bit floats": (riff(chunk(b"fmt ", form(3)), DATA), "are floats of 16 bits"),
    "no channel": (riff(chunk(b"fmt ", form(channels=0)), DATA), "0 channels of 8000"),
    "no rate": (riff(chunk(b"fmt ", form(rate=0)), DATA), "1 channels of 0 samples"),
    "another frame": (riff(chunk(b"fmt ", form(frame=4)), DATA), "takes 4 bytes; with 16 bits"),
    "half a sample": (riff(FORM, chunk(b"data", b"123")), "3 bytes of samples are no multiple"),
    "unknown GUID": (
        riff(chunk(b"fmt ", form(0xFFFE) + struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14)), DATA),
        "are format 65534",
    ),
    "chunks without end": (riff(*[chunk(b"junk", b"")] * 1001), "more than 1,000 chunks"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_recording_is_named(tmp_path, case):
    content, told = WRONG[case]
    path = tmp_path / "sound.wav"
    path.write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_wav(path)
    assert str(path) in str(raised.value)
    assert told in str(raised.value)


# Anything at all.

FILES = [GOOD, riff(chunk(b"fmt ", form(3, bits=32)), DATA), riff(FORM, chunk(b"LIST", b"1"), DATA)]
BITS = [8, 16, 24, 32, 64]


def made(recipe):
    """Return a file as a few bytes say: these themselves, an edited file, or chunks in any order.

    One draw of bytes is several times faster than many draws of parts.
    """
    kind, rest = recipe[0], recipe[1:]
    if kind < 32:
        return rest
    if kind < 160:
        return edited(FILES[kind % len(FILES)], rest)
    tag, channels, bits, frame, *_ = rest.ljust(4, b"\1")
    tag, channels = (1, 3, 1, tag)[tag % 4], (1, 2, 1, channels % 4)[channels % 4]
    bits = bits if bits > 250 else BITS[bits % len(BITS)]
    frame = frame if frame > 250 else channels * bits // 8
    rate = int.from_bytes(rest[:2], "little")
    samples = rest[4:] * frame if kind % 4 else rest[4:]
    parts = [chunk(b"fmt ", form(tag, channels, rate, bits, frame)), chunk(b"data", samples)]
    parts.insert(kind % 5, chunk((b"x   ", b"LIST", b"data")[kind % 3], b""))
    return riff(*(parts if kind % 7 else reversed(parts)))


@given(recipe=st.binary(min_size=1, max_size=32))
@settings(max_examples=10_000, suppress_health_check=list(HealthCheck))
def test_whatever_is_read_others_read_too(recipe):
    began = time.thread_time()
    check_wav(made(recipe))
    assert time.thread_time() - began < SLOW


def test_recipes_make_recordings_that_are_read():
    draw = random.Random(0).randbytes
    assert sum(check_wav(made(draw(16))) for _ in range(5000)) > 100
