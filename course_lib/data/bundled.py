"""The files that come with the package.

They are read with their SHA-256 checked and with ``allow_pickle=False``: a damaged or exchanged
file gives an error, never wrong numbers and never someone else's code.
"""

import hashlib
import io
from importlib.resources import files

import numpy as np

from course_lib._checks import check_choice
from course_lib._typing import Array

__all__ = ["DataError", "bundled_content", "read_bundled"]

_SHA256 = {
    "mnist_5k.npz": "f814240cf7e0d3cbaacc1a898905819a40ab46fb317a600d2a4b91a5c184c810",
    "fashion_5k_1k.npz": "5de05f4efcbb2713f7dbeeb1ba7286288c73937220f24d8e0c5b9212aa3732cb",
    "first_names.tsv": "c8fc4e527fd3b5df499b0175f2914a5580bccf5de66f4167322d2b2ec5539814",
    "japanese_vowels.npz": "031a48dbf9184768ad363ca8c7adf6e2202d0ddf1eb5cea57b36a2f9e1a48f64",
    "tang_poems.txt": "a78f4e39b0dcc6e682e46f46be3b46f9be2cc2d5a5667eae67631efded0c28f8",
}


class DataError(ValueError):
    """A data file is damaged, or is not the file that the package was made with."""


def read_bundled(name: str) -> dict[str, Array]:
    """Read the arrays of one of the files that come with the package.

    Parameters
    ----------
    name : str
        Such as ``"mnist_5k.npz"``.

    Returns
    -------
    dict of str to ndarray
        The arrays of the file.

    Raises
    ------
    KeyError
        If no such file belongs to the package.
    DataError
        If the file is missing, truncated or not the one that the package was made with.
    """
    with np.load(io.BytesIO(bundled_content(name)), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def bundled_content(name: str) -> bytes:
    """Read one of the files that come with the package.

    Parameters
    ----------
    name : str
        Such as ``"tang_poems.txt"``.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    KeyError, DataError
        As `read_bundled`.
    """
    check_choice("data file", name, _SHA256)
    resource = files("course_lib").joinpath("bundled", name)
    advice = "install the package again (pip install --force-reinstall --no-deps)"
    try:
        content = resource.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}; {advice}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != _SHA256[name]:
        raise DataError(
            f"{name} is damaged: {len(content)} bytes with SHA-256 {digest[:12]}..., expected "
            f"{_SHA256[name][:12]}...; {advice}"
        )
    return content
