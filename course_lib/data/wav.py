"""Sound: the recordings of WAV files."""

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_lib._typing import Array
from course_lib.data.bundled import DataError

__all__ = ["Sound", "read_wav"]

INTEGERS, FLOATS, EXTENSIBLE = 1, 3, 0xFFFE  # formats of samples
GUID = bytes.fromhex("000000001000800000aa00389b71")  # what follows the format where it is one
NAMES = {
    INTEGERS: "integers",
    FLOATS: "floats",
    2: "ADPCM",
    6: "A-law",
    7: "mu-law",
    17: "IMA ADPCM",
}
DTYPES = {
    (INTEGERS, 8): "u1",
    (INTEGERS, 16): "<i2",
    (INTEGERS, 24): "u1",
    (INTEGERS, 32): "<i4",
    (FLOATS, 32): "<f4",
    (FLOATS, 64): "<f8",
}
MOST_CHUNKS = 1000
EXPECTED = "expected a WAV file of integers of 8, 16, 24 or 32 bits, or of floats of 32 or 64"


@dataclass(frozen=True)
class Sound:
    """A recording.

    Attributes
    ----------
    rate : int
        Samples in a second.
    samples : ndarray, shape (n,) or (n, channels)
        As they are stored: uint8 around 128, int16, int32 (of 24 bits too, from
        -2^23 to 2^23 - 1), float32 or float64.
    bits : int
        Of a stored sample.
    """

    rate: int
    samples: Array
    bits: int

    @property
    def duration(self) -> float:
        """The length in seconds."""
        return len(self.samples) / self.rate

    def amplitudes(self) -> Array:
        """Return the samples as float32, where the loudest integer is -1.

        Returns
        -------
        ndarray of float32, shape (n,) or (n, channels)
            From -1 to 1 for integers; floats as they are, which may be beyond. Integers of 32 bits
            and float64 are rounded.

        Examples
        --------
        >>> Sound(8000, np.array([-32768, 16384], np.int16), 16).amplitudes().tolist()
        [-1.0, 0.5]
        """
        if self.samples.dtype.kind == "f":
            return self.samples.astype(np.float32)
        middle = 128 if self.samples.dtype == np.uint8 else 0
        loudest = 2.0 ** (self.bits - 1)
        return ((self.samples.astype(np.float64) - middle) / loudest).astype(np.float32)


class _Format(NamedTuple):
    """What a file says of its samples."""

    kind: int
    channels: int
    rate: int
    bits: int

    @property
    def frame(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * self.bits // 8


def read_wav(path: str | os.PathLike[str]) -> Sound:
    """Read a recording from a WAV file.

    Parameters
    ----------
    path : str or path-like
        Of the file.

    Returns
    -------
    Sound
        Samples as they are stored, and how many there are in a second.

    Raises
    ------
    DataError
        If the file is no WAV file, is compressed (A-law, ADPCM, MP3), ends early, or goes on after
        its end.
    OSError
        If it cannot be opened.

    Notes
    -----
    RIFF: chunks of a name, a length and as many bytes :cite:p:`ibm1991multimedia`. Chunks other
    than ``fmt`` and ``data`` are passed over.

    Examples
    --------
    >>> import tempfile, wave
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "click.wav")
    ...     with wave.open(str(path), "wb") as file:
    ...         file.setparams((1, 2, 8000, 0, "NONE", None))
    ...         file.writeframes(np.array([0, 1000, -1000], "<i2").tobytes())
    ...     sound = read_wav(path)
    >>> sound.rate, sound.samples.tolist()
    (8000, [0, 1000, -1000])
    """
    return parse_wav(Path(path).read_bytes(), str(path))


def parse_wav(content: bytes, name: str) -> Sound:
    """Return the recording of a WAV file whose bytes are there.

    Parameters
    ----------
    content : bytes
        Of the file.
    name : str
        For errors.

    Returns
    -------
    Sound
        As `read_wav`.

    Raises
    ------
    DataError
        As `read_wav`.
    """
    try:
        return _parsed(content)
    except _Wrong as wrong:
        raise DataError(f"{name} cannot be read: {wrong}") from None


class _Wrong(Exception):
    """What is wrong with the content of a file."""


def _parsed(content: bytes) -> Sound:
    """Return the recording."""
    chunks = _chunks(content)
    for needed in (b"fmt ", b"data"):
        if needed not in chunks:
            raise _Wrong(f"it has no chunk {needed.decode().strip()!r}; {EXPECTED}")
    if [*chunks].index(b"fmt ") > [*chunks].index(b"data"):
        raise _Wrong("its chunk 'data' stands before 'fmt', which says what it holds")
    form = _format(chunks[b"fmt "])
    data = chunks[b"data"]
    if len(data) % form.frame:
        told = f"{len(data):,} bytes of samples are no multiple of {form.frame}"
        raise _Wrong(f"{told}, the bytes of one sample of each channel")
    samples = np.frombuffer(data, DTYPES[form.kind, form.bits])
    if form.bits == 24:
        samples = _of_24_bits(samples.reshape(-1, 3))
    samples = samples.astype(samples.dtype.newbyteorder("="))
    shape = (-1, form.channels) if form.channels > 1 else (-1,)
    return Sound(form.rate, samples.reshape(shape), form.bits)


def _chunks(content: bytes) -> dict[bytes, memoryview]:
    """Return the chunks of a file by their names."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise _Wrong(f"it begins with {content[:12]!r}; {EXPECTED}")
    (claimed,) = struct.unpack_from("<I", content, 4)
    end = 8 + claimed
    if end > len(content):
        raise _Wrong(f"it has {len(content):,} bytes, and claims to have {end:,}")
    if end + end % 2 < len(content):
        raise _Wrong(f"it goes on for {len(content) - end:,} bytes after its end")
    view, at = memoryview(content)[:end], 12
    found: dict[bytes, memoryview] = {}
    for _ in range(MOST_CHUNKS):
        if at >= end:
            return found
        if at + 8 > end:
            raise _Wrong(f"{end - at} bytes at its end are no chunk")
        name, (length,) = bytes(view[at : at + 4]), struct.unpack_from("<I", view, at + 4)
        if at + 8 + length > end:
            told = f"chunk {name!r} claims {length:,} bytes"
            raise _Wrong(f"{told}, and {end - at - 8:,} are left")
        if name in (b"fmt ", b"data") and name in found:
            raise _Wrong(f"it has two chunks {name!r}; expected one")
        found[name] = view[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    raise _Wrong(f"it has more than {MOST_CHUNKS:,} chunks")


def _format(chunk: memoryview) -> _Format:
    """Return what the first chunk says of the samples."""
    if len(chunk) < 16:
        raise _Wrong(f"its chunk 'fmt' has {len(chunk)} bytes; expected 16 or more")
    kind, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", chunk)
    if kind == EXTENSIBLE and len(chunk) >= 40 and chunk[26:40] == GUID:
        (kind,) = struct.unpack_from("<H", chunk, 24)
    form = _Format(kind, channels, rate, bits)
    if (kind, bits) not in DTYPES:
        called = NAMES.get(kind, f"format {kind}")
        raise _Wrong(f"its samples are {called} of {bits} bits; {EXPECTED}")
    if not (channels and rate):
        raise _Wrong(f"it has {channels} channels of {rate} samples a second; expected 1 or more")
    if frame != form.frame:
        told = f"one sample of each of {channels} channels takes {frame} bytes"
        raise _Wrong(f"{told}; with {bits} bits, expected {form.frame}")
    return form


def _of_24_bits(triples: Array) -> Array:
    """Return integers of three bytes each, the least significant first."""
    padded = np.zeros((len(triples), 4), np.uint8)
    padded[:, 1:] = triples
    return padded.view("<i4")[:, 0] >> 8
