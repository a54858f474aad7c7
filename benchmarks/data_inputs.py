"""Inputs for the parsers of data files, and what may come of them.

An input is either read to what it says, by the definition of the format or by other readers of it,
or is a `DataError`. Hypothesis, in the unit tests, and Atheris, in ``fuzz_data.py``, make the same
inputs: a few bytes are a *recipe*, which says what is put together. So one draw makes a file, and
many of them are nearly right.
"""

import gzip
import io
import struct
import warnings
import wave

import numpy as np

from course_lib.data import DataError
from course_lib.data.idx import TYPES, parse_idx
from course_lib.data.wav import parse_wav

SLOW = 1.0  # seconds of the processor, for an input of a few hundred bytes
CODES = {np.dtype(name): code for code, name in TYPES.items()}
GZIP = b"\x1f\x8b"
BITS = [8, 16, 24, 32, 64]

# ---------------------------------------------------------------------------------------------
# The formats, by their definitions
# ---------------------------------------------------------------------------------------------


def packed(array):
    """Return the bytes of an array in the idx format."""
    array = array.astype(array.dtype.newbyteorder(">"))
    lengths = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, CODES[array.dtype], array.ndim]) + lengths + array.tobytes()


def chunk(name, content, length=None):
    """Return a chunk of a WAV file, with a length of its own choice."""
    stated = len(content) if length is None else length
    return name + struct.pack("<I", stated) + content + b"\0" * (len(content) % 2)


def form(kind=1, channels=1, rate=8000, bits=16, frame=None):
    """Return what a chunk 'fmt ' holds."""
    frame = channels * bits // 8 if frame is None else frame
    return struct.pack("<HHIIHH", kind, channels, rate, rate * frame, frame, bits)


def riff(*chunks, length=None):
    """Return a WAV file of chunks."""
    content = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content) if length is None else length) + content


# ---------------------------------------------------------------------------------------------
# What may come of an input
# ---------------------------------------------------------------------------------------------


def check_idx(content):
    """Return whether an input is an idx file; raise an error if what is read is not in it."""
    try:
        array = parse_idx(io.BytesIO(content), len(content), "a file")
    except DataError:
        return False
    assert packed(array) == (gzip.decompress(content) if content[:2] == GZIP else content)
    return True


def check_wav(content):
    """Return whether an input is a recording; raise an error if other readers find another."""
    try:
        sound = parse_wav(content, "a file")
    except DataError:
        return False
    if len(sound.samples):
        rate, stored = by_others(content)
        assert sound.rate == rate
        assert sound.bits == 24 or sound.samples.tobytes() == stored
    return True


def by_others(content):
    """Return rate and samples as the standard library or SciPy reads them."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            return file.getframerate(), file.readframes(file.getnframes())
    except (wave.Error, EOFError):
        from scipy.io import wavfile

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rate, samples = wavfile.read(io.BytesIO(content))
        return rate, samples.tobytes()


# ---------------------------------------------------------------------------------------------
# Recipes
# ---------------------------------------------------------------------------------------------

IDX = packed(np.arange(12, dtype=np.uint8).reshape(3, 4))
WAV = riff(chunk(b"fmt ", form()), chunk(b"data", bytes(range(10))))
IDX_FILES = [IDX, gzip.compress(IDX), packed(np.zeros((2, 1))), packed(np.ones(3, np.int16))]
WAV_FILES = [
    WAV,
    riff(chunk(b"fmt ", form(3, bits=32)), chunk(b"data", bytes(8))),
    riff(chunk(b"fmt ", form()), chunk(b"LIST", b"1"), chunk(b"data", b"12")),
]


def edited(content, edits):
    """Return content with bytes exchanged, left out and put in, as four bytes an edit say."""
    content = bytearray(content)
    for at, cut, put, byte in zip(*[iter(edits)] * 4, strict=False):
        at %= len(content) + 1
        content[at : at + cut % 4] = bytes([byte]) * (put % 4)
    return bytes(content)


def idx_of(recipe):
    """Return what a recipe says: its bytes themselves, an edited file, or a header and bytes."""
    kind, rest = recipe[0] if recipe else 0, recipe[1:]
    if kind < 64:
        return rest
    if kind < 192:
        return edited(IDX_FILES[kind % len(IDX_FILES)], rest)
    dimensions = kind % 4
    lengths = [256**4 - byte if byte > 250 else byte % 4 for byte in rest[1 : 1 + dimensions]]
    code = [*TYPES][rest[0] % len(TYPES)] if rest else 8
    stated = struct.pack(f">4B{len(lengths)}I", 0, 0, code, dimensions, *lengths)
    return stated + rest[1 + dimensions :]


def zipped_idx_of(recipe):
    """Return the same, packed."""
    return gzip.compress(idx_of(recipe), 1)


def wav_of(recipe):
    """Return what a recipe says: its bytes themselves, an edited file, or chunks in some order."""
    kind, rest = recipe[0] if recipe else 0, recipe[1:]
    if kind < 32:
        return rest
    if kind < 128:
        return edited(WAV_FILES[kind % len(WAV_FILES)], rest)
    tag, channels, bits, frame, *_ = rest.ljust(4, b"\1")
    tag, channels = (1, 3, 1, tag)[tag % 4], (1, 2, 1, channels % 4)[channels % 4]
    bits = bits if bits > 250 else BITS[bits % len(BITS)]
    frame = frame if frame > 250 else channels * bits // 8
    rate = int.from_bytes(rest[:2], "little")
    samples = rest[4:] * frame if kind % 4 else rest[4:]
    parts = [chunk(b"fmt ", form(tag, channels, rate, bits, frame)), chunk(b"data", samples)]
    parts.insert(kind % 5, chunk((b"x   ", b"LIST", b"data")[kind % 3], b""))
    return riff(*(parts if kind % 7 else reversed(parts)))


TARGETS = {
    "idx": (check_idx, idx_of),
    "idx in gzip": (check_idx, zipped_idx_of),
    "WAV": (check_wav, wav_of),
}
"""What is checked, and how a recipe becomes an input for it."""
