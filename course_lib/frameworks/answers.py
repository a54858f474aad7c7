"""Stored answers of homes to questions: how they are read, chosen and printed."""

import html
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from course_lib._checks import check_choice

FOLDER = files("course_lib").joinpath("bundled", "atlas")
ABOUT = ("versions", "python", "date", "machine", "setup", "failed")


class Told(Protocol):
    """What one home answers to one question."""

    @property
    def home(self) -> str:
        """Name of the home."""

    @property
    def question(self) -> str:
        """Name of the question."""

    @property
    def told(self) -> str:
        """The answer in words."""


Row = TypeVar("Row", bound=Told)


@dataclass(frozen=True)
class Answers(Generic[Row]):
    """Answers of homes, printed as a table."""

    rows: tuple[Row, ...]

    def __iter__(self) -> Iterator[Row]:
        """Go through the answers."""
        return iter(self.rows)

    def __len__(self) -> int:
        """Return how many answers there are."""
        return len(self.rows)

    def __str__(self) -> str:
        """Return the table as text, a line for each answer."""
        lines = [(row.question, row.home, row.told) for row in self.rows]
        widths = [max((len(line[i]) for line in lines), default=0) for i in range(2)]
        return "\n".join(
            "  ".join(part.ljust(width) for part, width in zip(line, (*widths, 0), strict=True))
            for line in lines
        )

    def _repr_html_(self) -> str:
        """Return the table as HTML."""
        cells = [
            f"<tr><td>{row.question}</td><td>{row.home}</td><td>{html.escape(row.told)}</td></tr>"
            for row in self.rows
        ]
        head = "<tr><th>question</th><th>home</th><th>answer</th></tr>"
        return f"<table><thead>{head}</thead><tbody>{''.join(cells)}</tbody></table>"


@cache
def stored(kind: str) -> Mapping[str, Mapping[str, Any]]:
    """Return what is stored of every home of a kind, by its name."""
    found = {}
    for entry in sorted(FOLDER.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(f"_{kind}.json"):
            table = json.loads(entry.read_text(encoding="utf-8"))
            found[entry.name.removesuffix(".json")] = table
    return MappingProxyType(found)


def about(kind: str) -> dict[str, dict[str, Any]]:
    """Return of every home of a kind its versions, when it was asked, and on what."""
    return {
        home: {key: table[key] for key in ABOUT if key in table}
        for home, table in stored(kind).items()
    }


def chosen(
    kind: str,
    question: str | None,
    home: str | None,
    row: Callable[[str, str, Mapping[str, Any]], Row],
) -> tuple[Row, ...]:
    """Return the answers to one question or to all, of one home or of all."""
    tables = stored(kind)
    questions = dict.fromkeys(name for table in tables.values() for name in table.get("cells", ()))
    if question is not None:
        check_choice("question", question, questions)
    if home is not None:
        check_choice("home", home, tables)
    return tuple(
        row(place, each, MappingProxyType(table["cells"][each]))
        for each in questions if question in (None, each)
        for place, table in tables.items()
        if home in (None, place) and each in table.get("cells", ())
    )  # fmt: skip
