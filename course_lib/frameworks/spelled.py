"""What becomes of the catalogue's spellings in the libraries that they name, as it was measured."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from course_lib._checks import check_choice
from course_lib.activations import CATALOGUE

__all__ = ["Spelling", "spellings"]

DTYPES = ("float32", "float64")
HOMES: Mapping[str, str] = MappingProxyType(
    {
        "torch_eager": "PyTorch",
        "jax_eager": "JAX",
        "keras_torch": "Keras on PyTorch",
        "keras_jax": "Keras on JAX",
        "keras_tensorflow": "Keras on TensorFlow",
        "tensorflow_eager": "TensorFlow",
    }
)
"""Where each spelling was tried, in words."""


@dataclass(frozen=True)
class Spelling:
    """What the spelling of an activation computes in a library.

    Attributes
    ----------
    name : str
        Of the catalogue.
    home : str
        Where it was tried: a home of the atlas, such as ``"keras_jax"``.
    library : str
        The same in words, such as ``"Keras on JAX"``.
    written : str
        The spelling, as the row of the catalogue has it.
    line : str
        The expression of ``x`` that was run.
    dtype : str
        ``"float32"`` or ``"float64"``.
    verdict : str
        On values at inputs up to 500, over an axis of finite rows: as in `AtlasRow`.
    difference, at : str
        The largest difference of a value and its input, where the verdict is ``"different
        function"``; else empty.
    slopes : tuple of (str, str, str)
        The inputs at which the slope is another one by more than a thousandth: the input, the slope
        there, and that of the catalogue. Most are kinks, where a slope is a convention.
    ends : mapping of str to mapping
        For ``"values"`` and ``"slopes"``: what ``"-inf"`` and ``"inf"`` give where it is not the
        limit, and the limit.
    """

    name: str
    home: str
    library: str
    written: str
    line: str
    dtype: str
    verdict: str
    difference: str
    at: str
    slopes: tuple[tuple[str, str, str], ...]
    ends: Mapping[str, Mapping[str, tuple[str, str]]]


@cache
def _stored() -> list[dict[str, Any]]:
    """Return what is stored of every spelling."""
    file = files("course_lib").joinpath("bundled", "atlas", "spellings.json")
    entries: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["spellings"]
    return entries


def spellings(name: str | None = None, *, dtype: str = "float32") -> tuple[Spelling, ...]:
    r"""Return what the spellings of the catalogue compute in the libraries that they name.

    A row of the catalogue says how the same function is written elsewhere. The same means: in exact
    arithmetic the same value at every number. Floats round it, differently in each library. A
    derivative at a kink is a convention, and theirs may be another one; at an infinite input, where
    ours give the limit, theirs may give NaN; and the slope at NaN is NaN here, and often a number
    there.

    Parameters
    ----------
    name : str, optional
        Of the catalogue. All without it.
    dtype : {"float32", "float64"}
        In which it was tried.

    Returns
    -------
    tuple of Spelling
        In the order of the libraries, then of the catalogue.

    Raises
    ------
    KeyError
        If there is no such activation or dtype.

    Notes
    -----
    They are measured by ``tools/atlas_spellings.py``, with the versions of the atlas. One spelling
    is another function by its definition: PyTorch's softplus is :math:`x` itself from 20 on, off by
    2e-9, which float32 does not show.

    Examples
    --------
    >>> for found in spellings("leaky_relu"):
    ...     print(found.library, found.slopes)
    PyTorch ()
    JAX (('0', '1', '0.01'),)
    Keras on PyTorch ()
    Keras on JAX (('0', '1', '0.01'),)
    Keras on TensorFlow ()
    TensorFlow ()
    """
    if name is not None:
        check_choice("activation", name, CATALOGUE)
    check_choice("dtype", dtype, DTYPES)
    return tuple(
        Spelling(
            entry["name"], entry["home"], HOMES[entry["home"]], entry["spelling"], entry["line"],
            dtype, found["verdict"], found.get("difference", ""), found.get("at", ""),
            tuple((x, there, here) for x, there, here in found["slopes"]),
            found["ends"],
        )
        for entry in _stored() if name in (None, entry["name"])
        for found in [entry[dtype]]
    )  # fmt: skip
