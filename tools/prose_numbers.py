"""List the numbers in the prose of chapters that no cell prints.

    python tools/prose_numbers.py                       # of all chapters
    python tools/prose_numbers.py book/gradients.ipynb  # of one

A number counts if it has a decimal point, a percent sign or a unit. It agrees with a printed
number that equals it when rounded to the same place; a percentage, also with a hundredth of it.
Formulas, code and links in the prose are left out, and so are the statement and the section on the
card of a claim, which no cell computes. ``tests/prose_numbers.toml`` has the exceptions. One for a
chapter is a piece of a sentence, as it is printed here, so that it stands for no other number.
The exit status is 1 if a number is missing, or an exception is not needed.
"""

import json
import re
import sys
import tomllib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import notebook_checks
from environment import name_of, pages_in

ROOT = Path(__file__).resolve().parent.parent
EXCEPTIONS = ROOT / "tests" / "prose_numbers.toml"
EVERYWHERE = "everywhere"  # the table of exceptions for all chapters

UNITS = (
    "percentage points?|percent|points?|ULPs?|ns|[µ\u03bc]s|ms|s|seconds?|min|minutes?|hours?|"
    "[kKMGT]i?B|bytes|bits|GFLOPS?"
)
DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)"
NUMBER = re.compile(
    r"(?:(?<![\w.,/^-])[-\u2212]?|(?<=\d[,-]))"  # with a sign, or the end of a range
    rf"(?P<number>{DIGITS}(?:\.\d+)?)(?P<exponent>e[-+]?\d+)?(?![\w.]*\d)"
    rf"(?:\s?\\?(?P<percent>%)|[\s-](?P<unit>{UNITS})\b)?"
)
FENCE = r"^[ \t]*(?:`{3,}|:{3,})(?:\{[\w:-]+\})?(?:[ \t]*\S*[ \t]*$)?"  # a title stays, a path not
SKIPPED = re.compile(
    FENCE + r"|^[ \t]*:[\w-]+:[^\n]*$|^\([\w-]+\)=$"
    r"|\$\$.*?\$\$|\$(?:[^$\n]|\n(?!\s*\n))+\$|\{[\w:-]+\}`[^`]*`|`(?:[^`\n]|\n(?!\s*\n))+`"
    r"|\]\([^)]*\)|https?://\S+",
    re.MULTILINE | re.DOTALL,
)
PRINTED = re.compile(rf"(?<![A-Za-z_\d]){DIGITS}(?:\.\d+)?(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Said:
    """A number in prose.

    Attributes
    ----------
    text : str
        As it stands there, with its unit, such as ``"12.5 %"``.
    value : float
        Its size, without sign.
    half : float
        Half a unit of its last place.
    scaled : bool
        Whether a cell may print a hundredth of it: a percentage or points of one.
    context : str
        What stands around it.
    start, end : int
        Where it stands in the `plain` text.
    """

    text: str
    value: float
    half: float
    scaled: bool
    context: str
    start: int
    end: int


def plain(prose: str) -> str:
    """Return a text in one line, without formulas, code and links."""
    text = SKIPPED.sub(lambda match: " " if match[0].startswith("$") else "", prose)
    return re.sub(r"[ \t]*\n[ \t]*", " ", text)


def said(text: str) -> Iterator[Said]:
    """Yield the numbers of a plain text that have a decimal point, a percent sign or a unit."""
    for match in NUMBER.finditer(text):
        digits = match["number"].replace(",", "")
        if "." not in digits and not match["percent"] and not match["unit"]:
            continue
        scale = float("1" + (match["exponent"] or "e0"))
        places = len(digits.partition(".")[2])
        yield Said(
            match[0].strip(),
            float(digits) * scale,
            0.5 * 10.0**-places * scale,
            bool(match["percent"]) or (match["unit"] or "").startswith(("percent", "point")),
            text[max(0, match.start() - 40) : match.end() + 30].strip(),
            match.start(),
            match.end(),
        )


def shown(cell: dict) -> Iterator[str]:
    """Yield the texts that a cell prints; of a claim's card, only what was measured."""
    for output in cell.get("outputs", []):
        record = output.get("data", {}).get(notebook_checks.CLAIM_MIME)
        yield from [record["measured"]] if record else notebook_checks.texts({"outputs": [output]})


def printed(notebook: dict) -> list[float]:
    """Return the numbers in the outputs of a notebook, without signs, sorted."""
    cells = (cell for _, cell in notebook_checks.code_cells(notebook))
    texts = (text for cell in cells for text in shown(cell))
    return sorted({float(n.replace(",", "")) for text in texts for n in PRINTED.findall(text)})


def agrees(number: Said, values: list[float]) -> bool:
    """Tell whether one of the sorted values is the number when it is rounded to the same place."""
    scales = (1.0, 0.01) if number.scaled else (1.0,)
    for scale in scales:
        low, high = ((number.value + side * 1.000001 * number.half) * scale for side in (-1, 1))
        position = bisect_left(values, low)
        if position < len(values) and values[position] <= high:
            return True
    return False


def missing(notebook: dict) -> list[Said]:
    """Return the numbers in the prose of a notebook that no cell prints, in their order."""
    values = printed(notebook)
    text = plain(notebook_checks.prose(notebook))
    return [number for number in said(text) if not agrees(number, values)]


def exceptions() -> dict[str, dict[str, str]]:
    """Return what need not be printed, by chapter, each with the reason.

    For a chapter it is a piece of its prose, and for all of them a number.
    """
    return tomllib.loads(EXCEPTIONS.read_text(encoding="utf-8"))


def problems(path: Path) -> list[str]:
    """Return what is wrong with the numbers of a chapter, and with the exceptions for it."""
    table, notebook = exceptions(), json.loads(path.read_text(encoding="utf-8"))
    text, lacking = plain(notebook_checks.prose(notebook)), missing(notebook)
    known = {n for n in lacking if n.text in table.get(EVERYWHERE, {})}
    wrong = []
    for piece in table.get(name_of(path), {}):
        start, end = text.find(piece), text.find(piece) + len(piece)
        meant = {n for n in lacking if start <= n.start and n.end <= end}
        if text.count(piece) != 1:
            wrong.append(f"the exception {piece!r} stands {text.count(piece)} times in the prose")
        elif any(n.text.strip() == piece.strip() for n in meant):
            wrong.append(f"the exception {piece!r} is a number alone; add the words around it")
        elif not meant - known:
            wrong.append(f"the exception {piece!r} is not needed")
        known |= meant
    return [
        f"{n.text!r} is printed by no cell: ... {n.context} ..." for n in lacking if n not in known
    ] + wrong


def idle(paths: list[Path]) -> list[str]:
    """Return the exceptions for all chapters that none of them needs."""
    notebooks = (json.loads(path.read_text(encoding="utf-8")) for path in paths)
    lacking = {number.text for notebook in notebooks for number in missing(notebook)}
    return sorted(set(exceptions().get(EVERYWHERE, {})) - lacking)


def main(names: list[str]) -> int:
    """Print the problems of some chapters, or of all; return the exit status."""
    paths = [Path(name) for name in names] or pages_in()
    told = [f"{name_of(path)}: {problem}" for path in paths for problem in problems(path)]
    if not names:
        told += [f"no chapter needs the exception {text!r}" for text in idle(paths)]
    for line in told:
        print(line)
    return int(bool(told))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
