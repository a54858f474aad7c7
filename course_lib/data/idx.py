"""The format of MNIST: a header of a few bytes, then the numbers."""

import gzip
import math
import os
import zlib
from io import BufferedIOBase
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_lib._typing import Array
from course_lib.data.bundled import DataError

__all__ = ["read_idx"]

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP = b"\x1f\x8b"
EXPANSION = 1032
"""No byte of a gzip file becomes more: two bits are the shortest code of 258 equal bytes."""
MOST_DIMENSIONS = 32  # of an array, in NumPy before 2.0
PIECE = 1 << 18  # bytes


def read_idx(path: str | os.PathLike[str]) -> Array:
    """Read an array from a file in the idx format, compressed by gzip or not.

    Parameters
    ----------
    path : str or path-like
        Of a file such as ``train-images-idx3-ubyte.gz``. Whether it is compressed is seen by its
        first bytes, not by its name.

    Returns
    -------
    ndarray
        Of the shape in the header; uint8, int8, int16, int32, float32 or float64, in the byte order
        of this machine.

    Raises
    ------
    DataError
        If the file is not in this format, ends early, or goes on after the last number. What a
        header claims is held against the size of the file before memory is taken.
    OSError
        If it cannot be opened.

    Notes
    -----
    Two zeros, a byte for the type and one for the number of dimensions; each dimension in four
    bytes, the most significant first; then the numbers in the same order, the last dimension
    running fastest :cite:p:`lecun1998gradient`. Larger than the array itself no memory is needed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels-idx1-ubyte")
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(path).tolist()
    [7, 2, 1]
    """
    with Path(path).open("rb") as file:
        return parse_idx(file, os.fstat(file.fileno()).st_size, str(path))


def parse_idx(file: BufferedIOBase, size: int, name: str) -> Array:
    """Return the array of an open file.

    Parameters
    ----------
    file : binary file
        At its beginning.
    size : int
        Its bytes.
    name : str
        For errors.

    Returns
    -------
    ndarray
        As `read_idx`.

    Raises
    ------
    DataError
        As `read_idx`.
    """
    compressed = file.read(len(GZIP)) == GZIP
    file.seek(0)
    try:
        if not compressed:
            return _read(file, size)
        with gzip.GzipFile(fileobj=file) as content:
            return _read(content, size * EXPANSION)
    except _Wrong as wrong:
        raise DataError(f"{name} is no whole idx file: {wrong}") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        told = f"{name} is damaged: {size:,} bytes that gzip cannot unpack ({error})"
        raise DataError(told) from None


class _Wrong(Exception):
    """What is wrong with the content of a file."""


class _Header(NamedTuple):
    """What a file says of its array."""

    dtype: "np.dtype[np.generic]"
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Of the numbers."""
        return math.prod(self.shape) * self.dtype.itemsize


def _read(content: BufferedIOBase, most: int) -> Array:
    """Return the array of a file whose content has that many bytes at most."""
    header = _header(content)
    if header.nbytes > most:
        told = " x ".join(f"{length:,}" for length in header.shape)
        raise _Wrong(f"its header claims {told} numbers, more than a file of its size can hold")
    array = np.empty(header.shape, header.dtype)
    filled = _fill(array.reshape(-1).view(np.uint8).data, content)
    if filled < header.nbytes:
        raise _Wrong(f"it ends after {filled:,} of {header.nbytes:,} bytes of numbers")
    if content.read(1):
        raise _Wrong(f"it goes on after {header.nbytes:,} bytes of numbers")
    return array.astype(header.dtype.newbyteorder("="), copy=False)


def _header(content: BufferedIOBase) -> _Header:
    """Read what stands before the numbers."""
    magic = content.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise _Wrong(f"it begins with {magic.hex(' ') or 'nothing'}; expected 00 00")
    code, dimensions = magic[2:]
    if code not in TYPES:
        expected = ", ".join(f"{known:02x}" for known in TYPES)
        raise _Wrong(f"the type of its numbers is {code:02x}; expected one of {expected}")
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise _Wrong(f"it has {dimensions} dimensions; expected 1 to {MOST_DIMENSIONS}")
    lengths = content.read(4 * dimensions)
    if len(lengths) < 4 * dimensions:
        raise _Wrong(f"it ends within the lengths of its {dimensions} dimensions")
    shape = tuple(np.frombuffer(lengths, ">u4").tolist())
    dtype = np.dtype(TYPES[code])
    if math.prod(max(length, 1) for length in shape) * dtype.itemsize > np.iinfo(np.intp).max:
        raise _Wrong(f"its shape {shape} is none that an array can have")
    return _Header(dtype, shape)


def _fill(memory: memoryview, content: BufferedIOBase) -> int:
    """Fill memory with what follows in a file; return how many bytes there were."""
    filled = 0
    while count := content.readinto(memory[filled : filled + PIECE]):
        filled += count
    return filled
