"""What an activation of that name computes elsewhere, as it was measured.

A home is a library in which networks are written, or that runs them. For each one a program that
knows nothing of this course was run in an environment of its own (``make atlas``); its answers were
held against the catalogue and are stored, one file a home, with versions, date and machine.
"""

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from course_lib._checks import check_choice
from course_lib.activations import CATALOGUE

__all__ = [
    "DTYPES",
    "VERDICTS",
    "Atlas",
    "AtlasRow",
    "atlas",
    "homes",
    "networks",
    "row_inputs",
    "shown_inputs",
]

DTYPES = ("float16", "bfloat16", "float32", "float64")
"""In which homes were asked, as far as they compute in them."""
VERDICTS = ("same", "same but for rounding", "different function", "refused")
"""On inputs up to 500: every value the rounded true one or its neighbor; none further away than 16
units of what rounding costs beside 1; further; and an error instead of an answer. At kinks and for
infinite inputs and NaN, what was answered is told apart."""
ASKED = ("values", "slopes")
_DIGITS = {"float16": 2**9, "bfloat16": 2**6, "float32": 2**22, "float64": 2**51}
_FOLDER = files("course_lib").joinpath("bundled", "atlas")


@dataclass(frozen=True)
class AtlasRow:
    """What one line computes in one home, for one dtype.

    Attributes
    ----------
    home : str
        Such as ``"torch_eager"``.
    name : str
        Of the catalogue: what the line is held against, with default parameters.
    line : str
        An expression of ``x``, as it was run there; `homes` tells what has to be imported.
    dtype, asked : str
        ``"float16"``, ``"bfloat16"``, ``"float32"`` or ``"float64"``; ``"values"`` or ``"slopes"``.
    verdict : str
        On inputs up to 500: ``"same"``, every value the rounded true one or its neighbor; ``"same
        but for rounding"``, none further away than 16 units of what rounding costs beside 1;
        ``"different function"``, further; ``"refused"``, an error instead of an answer.
    details : mapping of str to object
        What there is of: ``difference``, the largest one, or the answer where it is not a number;
        ``at``, the input, or ``at row`` and ``at column`` of `row_inputs`; ``gave``, what was
        answered there, and ``instead of``, the true value; ``ulps``, units in the last place of the
        dtype; ``zero from`` and ``one from``, the input nearest to 0 that gives exactly 0 or 1 and
        should not; ``falls at``, where a function that never falls does; ``leaves range at``,
        where an answer is beyond all values of the function; ``breaks from``, beyond 500;
        ``as good as``, a float64 that is off as float32 is; ``subnormals``; ``kinks``, the slope at
        each; ``ends``, what infinity and NaN give and should give; ``is``, which other function it
        is; ``shown``, the answers at `shown_inputs`; ``error``.
    """

    home: str
    name: str
    line: str
    dtype: str
    asked: str
    verdict: str
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def told(self) -> str:
        """The verdict with what belongs to it, in words."""
        found = self.details
        parts = [self.verdict]
        if "is" in found:
            parts.append(f"it is {found['is']}")
        if self.verdict == "different function" and "difference" in found:
            place = f" at {found['at']:.6g}" if "at" in found else ""
            parts.append(f"off by {found['difference']}{place}")
        elif found.get("ulps", 0) > _DIGITS[self.dtype]:
            parts.append(f"no digit right at {found.get('at', 0):.6g}")
        elif found.get("ulps", 0) > 1:
            parts.append(f"{found['ulps']:.3g} units in the last place at {found.get('at', 0):.6g}")
        if "as good as" in found:
            parts.append(f"no better than {found['as good as']}")
        for key in ("zero from", "one from", "falls at", "leaves range at", "breaks from"):
            if key in found:
                parts.append(f"{key} {found[key]:.6g}")
        if "subnormals" in found:
            parts.append(f"subnormals {found['subnormals']}")
        parts += [f"at {kink} {slope}" for kink, slope in found.get("kinks", {}).items()]
        parts += [f"at {end} {pair[0]}" for end, pair in found.get("ends", {}).items()]
        if "error" in found:
            parts.append(found["error"])
        return "; ".join(parts)


@dataclass(frozen=True)
class Atlas:
    """Rows of the atlas, printed as a table.

    Attributes
    ----------
    rows : tuple of AtlasRow
        In the order of the catalogue, then of the homes.
    """

    rows: tuple[AtlasRow, ...]

    def __iter__(self) -> Iterator[AtlasRow]:
        """Go through the rows."""
        return iter(self.rows)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.rows)

    def __str__(self) -> str:
        """Return the table as text, a line for each row."""
        lines = [(row.name, row.home, row.line, row.told) for row in self.rows]
        widths = [max((len(line[i]) for line in lines), default=0) for i in range(3)]
        return "\n".join(
            "  ".join(part.ljust(width) for part, width in zip(line, (*widths, 0), strict=True))
            for line in lines
        )

    def _repr_html_(self) -> str:
        """Return the table as HTML."""
        cells = [
            f"<tr><td>{row.name}</td><td>{row.home}</td><td><code>{html.escape(row.line)}</code>"
            f"</td><td>{html.escape(row.told)}</td></tr>"
            for row in self.rows
        ]
        head = "<tr><th>function</th><th>home</th><th>there</th><th>verdict</th></tr>"
        return f"<table><thead>{head}</thead><tbody>{''.join(cells)}</tbody></table>"


_KINDS = ("_network", "_cells", "_defaults")


@cache
def _stored(kind: str = "") -> Mapping[str, Mapping[str, Any]]:
    """Return what is stored of every home: of its functions, or of a network in it."""
    found = {}
    for entry in sorted(_FOLDER.iterdir(), key=lambda entry: entry.name):
        name = entry.name.removesuffix(".json")
        own = next((each for each in _KINDS if name.endswith(each)), "")
        if name != entry.name and own == kind:
            table = json.loads(entry.read_text(encoding="utf-8"))
            if "home" in table:
                found[name.removesuffix(kind)] = table
    return MappingProxyType(found)


_KEPT = ("versions", "packages", "python", "date", "machine", "setup", "numbers", "failed")


def _told_of(tables: Mapping[str, Mapping[str, Any]], *more: str) -> dict[str, dict[str, Any]]:
    """Return for each home which versions answered, when and where, and more of its table."""
    return {
        home: {key: table[key] for key in (*_KEPT, *more) if key in table}
        for home, table in tables.items()
    }


def homes() -> dict[str, dict[str, Any]]:
    """Return which homes were asked, when and where.

    Returns
    -------
    dict of str to dict
        For each home its ``versions``, ``packages`` to install, ``python``, ``date``, ``machine``,
        ``setup``, what a reader imports, and ``numbers``, at how many each dtype was asked; or
        ``failed``, why it does not install or run.

    Examples
    --------
    >>> homes()["torch_eager"]["versions"]
    {'torch': '2.13.0+cpu'}
    """
    return _told_of(_stored())


def networks() -> dict[str, dict[str, Any]]:
    """Return what homes make of one network with the same weights, and of layers by default.

    The network is ``mlp([784, 256, 10], "relu", seed=0)`` in float64, the images are bundled
    digits; what is equal is held against the NumPy network.

    Returns
    -------
    dict of str to dict
        For each home what `homes` tells, and its ``answers``, each an ``error`` where the home has
        no such thing:

        - ``logits``, ``gradients``, ``losses``: the largest ``difference`` for a batch of 32, of
          the gradients of the mean cross-entropy, and of the loss in ten steps of gradient descent
          with learning rate 0.1;
        - ``dense``: ``numbers``, fan-in times the variance of the weights of a dense layer from
          784 to 256 units, their kurtosis, the fan-in;
        - ``dropped``: of ones after dropout with rate 0.2, which share is 0, and what the largest
          is;
        - ``batch norm``: running means, then variances after one batch of ``[0, 100]`` and
          ``[2, 104]``;
        - ``adam``: the first step with learning rate 1 for gradients of 1, -2, 1e-3, 1e-7, 1e-8,
          1e-12 and 0;
        - ``gru``: whether its ``reset`` comes ``"before"`` or ``"after"`` the product;
        - ``backends``, of Keras: what it says when it is asked to run on each library.

    Examples
    --------
    >>> networks()["torch"]["answers"]["dense"]["numbers"][0]
    0.333253
    """
    return _told_of(_stored("_network"), "answers")


def shown_inputs() -> list[float]:
    """Return the inputs at which the answers of every line are stored."""
    return [float(value) for value in json.loads(_FOLDER.joinpath("inputs.txt").read_text())]


def row_inputs() -> list[list[float]]:
    """Return the rows at which functions of rows, such as softmax, were asked.

    Returns
    -------
    list of list of float
        The ``at row`` of `AtlasRow.details` is a place in it.
    """
    text = _FOLDER.joinpath("rows.txt").read_text(encoding="utf-8")
    return [[float(value) for value in row] for row in json.loads(text)]


def atlas(
    name: str | None = None,
    *,
    home: str | None = None,
    dtype: str = "float32",
    asked: str = "values",
    verdict: str | None = None,
) -> Atlas:
    """Return what functions compute in other homes.

    Parameters
    ----------
    name : str, optional
        Of the catalogue. All without it.
    home : str, optional
        One of `homes`. All without it.
    dtype : str
        As in `AtlasRow`; a home that does not compute in it has no rows.
    asked : {"values", "slopes"}
        Of the function, or of its derivative as far as the home differentiates.
    verdict : str, optional
        As in `AtlasRow`: only rows with it.

    Returns
    -------
    Atlas
        Its rows; printed, a table.

    Raises
    ------
    KeyError
        If there is no such function, home, dtype, question or verdict.

    Examples
    --------
    >>> print(atlas("leaky_relu", home="jax_eager", asked="slopes"))
    leaky_relu  jax_eager  nn.leaky_relu(x)  same; at 0 1.0; at nan 0.01
    """
    if name is not None:
        check_choice("activation", name, CATALOGUE)
    if home is not None:
        check_choice("home", home, _stored())
    check_choice("dtype", dtype, DTYPES)
    check_choice("question", asked, ASKED)
    if verdict is not None:
        check_choice("verdict", verdict, VERDICTS)
    order = {each: place for place, each in enumerate(CATALOGUE)}
    rows = [
        AtlasRow(
            place, entry["name"], entry["line"], dtype, asked, found["verdict"],
            MappingProxyType({key: value for key, value in found.items() if key != "verdict"}),
        )
        for place, table in _stored().items() if home in (None, place)
        for entry in table.get("entries", ()) if name in (None, entry["name"])
        if (found := entry.get(dtype, {}).get(asked)) and verdict in (None, found["verdict"])
    ]  # fmt: skip
    return Atlas(tuple(sorted(rows, key=lambda row: (order[row.name], row.home))))
