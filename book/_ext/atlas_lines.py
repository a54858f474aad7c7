"""What the page of the atlas tells of each line: a verdict, facts in words, and an example.

All of it comes from `course_lib.frameworks.atlas`, that is from stored answers. Python finds the
words; the script of the page only shows them.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from atlas_homes import HOMES
from course_lib.activations import CATALOGUE
from course_lib.frameworks import atlas, row_inputs, shown_inputs
from course_lib.frameworks.atlas import ASKED, DTYPES, AtlasRow

SIGNS = {"same": "=", "same but for rounding": "≈", "different function": "≠", "refused": "×"}
"""A shape for each verdict, beside its color."""
SHORT = {"=": "same", "≈": "rounding", "≠": "different", "×": "refused"}
"""The verdicts in a word, which is also the one of an address and the class of a cell."""
NO_GRADIENTS = "NotImplementedError: computes no gradients"
MODES = tuple(f"{dtype}-{asked}" for asked in ASKED for dtype in DTYPES)
FIRST = "float32-values"
"""What is shown before anything is chosen."""
USUAL = -2.5
"""The input of an example where no answer is off; every dtype has it."""
USUAL_ROW = 4
ROWS, SHOWN = row_inputs(), shown_inputs()
DIGITS = {"float16": 2**9, "bfloat16": 2**6, "float32": 2**22, "float64": 2**51}


class Line(NamedTuple):
    """What is typed in one home under one name of the catalogue, and its number there."""

    name: str
    home: str
    number: int
    line: str

    @property
    def place(self) -> str:
        """The id of its row."""
        return f"{self.name}.{self.home}.{self.number}"


class Cell(NamedTuple):
    """What is told of a line in one dtype, of its values or its slopes."""

    sign: str
    facts: list[str]
    error: str
    x: str
    gave: str
    true: str

    @property
    def told(self) -> str:
        """The facts in one sentence."""
        return "; ".join(self.facts)


# Numbers as they are read.


def number(value: float) -> str:
    """Return a number to six digits, with a minus sign and infinity as a symbol."""
    return in_words(f"{value:.6g}")


def in_words(text: str) -> str:
    """Return a number of a program as it stands in a sentence."""
    return text.replace("-", "−").replace("inf", "∞").replace("nan", "NaN")


def exact(value: float, dtype: str) -> str:
    """Return the shortest text of a number of a dtype, as it is typed."""
    if dtype == "bfloat16":
        same = (text for n in range(1, 10) if single(text := f"{value:.{n}g}") == value)
        return next(same, repr(value))
    return str(np.dtype(dtype).type(value))


def single(text: str) -> float:
    """Return the bfloat16 that is nearest to what a text says, of two the even one."""
    bits = int(np.float32(text).view(np.uint32))
    bits += 0x7FFF + (bits >> 16 & 1)
    return float(np.uint32(bits & 0xFFFF0000).view(np.float32))


# Words.


def difference(row: AtlasRow) -> Iterator[str]:
    """Yield how far a line is off, and where."""
    found, at = row.details, ""
    if "is" in found:
        yield f"computes {found['is']}"
    if "at" in found:
        at = f" at {number(found['at'])}"
    elif "at row" in found:
        at = f" for {numbers(ROWS[found['at row']])}"
    if row.verdict == "different function":
        off = found.get("difference")
        if isinstance(off, float):
            yield f"off by {number(off)}{at}"
        else:
            yield f"answers {in_words(str(off))}{at}"
        if "as good as" in found:
            yield "no better than float32"
    elif found.get("ulps", 0) > DIGITS[row.dtype]:
        yield f"no digit right{at}"
    elif found.get("ulps", 0) > 1:
        yield f"{found['ulps']:.3g} ULP{at}"


def numbers(row: Sequence[float]) -> str:
    """Return a row of numbers in brackets."""
    return f"[{', '.join(map(number, row))}]"


def facts(row: AtlasRow) -> Iterator[str]:
    """Yield what is told of a line, the worst first."""
    found = row.details
    yield from difference(row)
    for key, words in (
        ("zero from", "exactly 0 from"),
        ("one from", "exactly 1 from"),
        ("falls at", "not monotone, falls at"),
        ("leaves range at", "leaves its range at"),
        ("breaks from", "another function from"),
    ):
        if key in found:
            yield f"{words} {number(found[key])}"
    if "subnormals" in found:
        yield f"subnormal inputs {found['subnormals']}"
    for kink, slope in found.get("kinks", {}).items():
        yield f"slope at {in_words(kink)} is {in_words(slope)}"
    for end, (gave, true) in found.get("ends", {}).items():
        yield f"{in_words(end)} gives {in_words(gave)}, not {in_words(true)}"


# Lines and cells.


def example(row: AtlasRow) -> tuple[str, str, str]:
    """Return an input as it is typed, what a line answered to it, and the true value."""
    found, dtype = row.details, row.dtype
    if CATALOGUE[row.name].elementwise:
        x = found.get("at", USUAL)
        gave = found.get("gave") or usual_answer(row)
        return f"[{exact(x, dtype)}]", gave, found.get("instead of", gave)
    place = found.get("at row", USUAL_ROW)
    x = ", ".join(exact(value, dtype) for value in ROWS[place])
    gave = found.get("gave") or " ".join(found["shown"][place] if "shown" in found else [])
    where = f" in place {found['at column'] + 1}" if "at column" in found else ""
    true = found.get("instead of", gave)
    return f"[[{x}]]", gave + where, true


def usual_answer(row: AtlasRow) -> str:
    """Return what is stored for the usual input."""
    shown = row.details.get("shown")
    return str(shown[SHOWN.index(USUAL)]) if shown else ""


def cell(row: AtlasRow) -> Cell:
    """Return what is told of a line in one dtype."""
    error = str(row.details.get("error", ""))
    return Cell(SIGNS[row.verdict], list(facts(row)), error, *example(row))


@cache
def lines() -> tuple[Line, ...]:
    """Return every line, in the order of the catalogue, then of the page's homes."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in atlas():
        found.setdefault((row.name, row.home), []).append(row.line)
    order = {home: place for place, home in enumerate(HOMES)}
    keys = sorted(found, key=lambda key: (list(CATALOGUE).index(key[0]), order[key[1]]))
    return tuple(Line(*key, i, line) for key in keys for i, line in enumerate(found[key]))


@cache
def cells(mode: str) -> tuple[Cell | None, ...]:
    """Return what is told of every line; nothing where a home was not asked for it."""
    dtype, asked = mode.split("-")
    told: dict[tuple[str, str], list[AtlasRow]] = {}
    for row in atlas(dtype=dtype, asked=asked):
        told.setdefault((row.name, row.home), []).append(row)
    found: list[Cell | None] = []
    for line in lines():
        rows = told.get((line.name, line.home), [])
        row = next((row for row in rows if row.line == line.line), None)
        bare = row is None or row.details.get("error") == NO_GRADIENTS
        found.append(None if row is None or bare else cell(row))
    return tuple(found)


def sign(found: Sequence[Cell | None]) -> str:
    """Return the sign of the first of a home's lines, starred where others have another verdict.

    Rounding makes no difference here.
    """
    signs = [each.sign for each in found if each]
    if not signs:
        return ""
    kinds = {each.replace("≈", "=") for each in signs}
    return signs[0] + "*" * (len(kinds) > 1)


def by_function(mode: str) -> dict[str, list[tuple[Line, Cell | None]]]:
    """Return the lines of each function with what is told of them."""
    found: dict[str, list[tuple[Line, Cell | None]]] = {}
    for line, told in zip(lines(), cells(mode), strict=True):
        found.setdefault(line.name, []).append((line, told))
    return found


def counted(found: Sequence[Cell | None]) -> str:
    """Return how many lines there are, and how many of each verdict."""
    signs = [each.sign for each in found if each]
    parts = [f"{signs.count(one)} {word}" for one, word in SHORT.items() if one in signs]
    return f"{len(signs)} line{'s' * (len(signs) != 1)}: {', '.join(parts)}"


def interned() -> dict[str, Any]:
    """Return the cells of all modes with each text once: what the script of the page reads."""
    texts: dict[str, int] = {}

    def place(text: str) -> int:
        return texts.setdefault(text, len(texts))

    modes = {
        mode: [
            0 if each is None
            else [each.sign, [place(fact) for fact in each.facts], place(each.error), place(each.x),
                  place(each.gave), place(each.true)]
            for each in cells(mode)
        ]
        for mode in MODES
    }  # fmt: skip
    return {"texts": list(texts), "modes": modes}
