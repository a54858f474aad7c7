"""The statements that the course puts to the test, and the check that a notebook cell calls.

The table is ``claims.toml`` beside this file. A cell that decides a statement ends in::

    claim("xor-not-linear", holds=best <= 0.75, measured=f"best of {n} models: {best:.2f}")

The call raises when the outcome is not the recorded verdict, so a page whose evidence has gone
cannot be built. What it returns is a card: HTML in a notebook, plain text elsewhere, and a JSON
record from which the book's ledger is gathered.
"""

import html
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np

from course_lib._checks import unknown_name

__all__ = ["CLAIMS", "MIME_TYPE", "Card", "Claim", "ClaimError", "claim", "read_claims"]

Verdict = Literal["holds", "holds-if", "fails", "open"]

MIME_TYPE = "application/vnd.course-claim+json"
"""The key under which a card's JSON record stands among a cell's outputs."""

_LABELS: Mapping[str, str] = {
    "holds": "Holds",
    "holds-if": "Holds if",
    "fails": "Fails",
    "open": "Not decided yet",
}
_ORIGINS: Mapping[str, str] = {
    "source": "the source document",
    "beyond": "repeated in the field",
    "course": "asked by this course",
}


class ClaimError(AssertionError):
    """The outcome of an experiment is not the verdict on record."""


@dataclass(frozen=True)
class Claim:
    """A statement and its verdict.

    Attributes
    ----------
    id : str
        The name used in the text, such as ``"xor-not-linear"``.
    text : str
        The statement, one sentence.
    section : str
        Section of the source document that makes it, or to which it belongs.
    origin : str
        ``"source"``, ``"beyond"`` or ``"course"``: who says so.
    kind : str
        ``"identity"``, ``"experiment"`` or ``"practice"``: what would decide it.
    chapter : str
        The notebook that decides it.
    verdict : str
        ``"holds"``, ``"holds-if"``, ``"fails"`` or ``"open"``.
    condition : str
        When it holds, or why it fails; empty otherwise.
    cite : str
        Key of the bibliography, or empty.
    """

    id: str
    text: str
    section: str
    origin: str
    kind: str
    chapter: str
    verdict: Verdict
    condition: str = ""
    cite: str = ""

    @property
    def verdict_text(self) -> str:
        """The verdict as a phrase, with its condition."""
        label = _LABELS[self.verdict]
        joiner = " " if self.verdict == "holds-if" else ": "
        return f"{label}{joiner}{self.condition}" if self.condition else label


@dataclass(frozen=True)
class Card:
    """A decided claim as a notebook shows it.

    Attributes
    ----------
    claim : Claim
        The statement with its verdict.
    measured : str
        What the cell found, in words and numbers.
    """

    claim: Claim
    measured: str

    def record(self) -> dict[str, str]:
        """Return the machine-readable record from which the ledger is gathered."""
        c = self.claim
        return {
            "id": c.id,
            "section": c.section,
            "kind": c.kind,
            "text": c.text,
            "source": _ORIGINS[c.origin],
            "verdict": c.verdict,
            "condition": c.condition,
            "measured": self.measured,
        }

    def __repr__(self) -> str:
        """Return the card as plain text, four lines."""
        c = self.claim
        return (
            f"Claim {c.id} (section {c.section}, {_ORIGINS[c.origin]})\n"
            f"  {c.text}\n"
            f"  Measured: {self.measured}\n"
            f"  Verdict: {c.verdict_text}"
        )

    def _repr_html_(self) -> str:
        c = self.claim
        text, measured, condition = map(html.escape, (c.text, self.measured, c.condition))
        label = _LABELS[c.verdict] + (":" if c.verdict == "fails" else "")
        return (
            f'<aside class="claim claim-{c.verdict}" id="claim-{c.id}" aria-label="Claim {c.id}">'
            f'<p class="claim-statement">{text}</p>'
            f'<p class="claim-origin">Section {c.section}, {_ORIGINS[c.origin]}</p>'
            f'<p class="claim-measured"><strong>Measured:</strong> {measured}</p>'
            f'<p class="claim-verdict"><strong>{label}</strong> {condition}</p>'
            "</aside>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {
            "text/plain": repr(self),
            "text/html": self._repr_html_(),
            MIME_TYPE: self.record(),
        }


def read_claims(text: str) -> dict[str, Claim]:
    """Read a table of claims.

    Parameters
    ----------
    text : str
        The content of a ``claims.toml``.

    Returns
    -------
    dict of str to Claim
        The claims by id, in the order of the file.

    Raises
    ------
    ValueError
        If a field is missing or unknown, a verdict is not one of the four, or a condition is
        missing where the verdict needs one.

    Examples
    --------
    >>> table = read_claims('''
    ... [chapters]
    ... "1" = "necessity"
    ... [claims.bend]
    ... text = "Networks bend."
    ... section = "1"
    ... origin = "course"
    ... kind = "identity"
    ... verdict = "holds"
    ... ''')
    >>> table["bend"].chapter, table["bend"].verdict_text
    ('necessity', 'Holds')
    """
    content = tomllib.loads(text)
    return {
        name: _read_claim(name, fields, content["chapters"])
        for name, fields in content["claims"].items()
    }


def _read_claim(name: str, fields: dict[str, str], chapters: Mapping[str, str]) -> Claim:
    try:
        entry = Claim(id=name, chapter=chapters[fields["section"]], **fields)  # type: ignore[arg-type]
    except (KeyError, TypeError) as error:
        raise ValueError(f"claim {name!r}: a field is missing or unknown ({error})") from error
    allowed = {
        "verdict": get_args(Verdict),
        "origin": tuple(_ORIGINS),
        "kind": ("identity", "experiment", "practice"),
    }
    for field, values in allowed.items():
        if getattr(entry, field) not in values:
            raise ValueError(
                f"claim {name!r}: " + unknown_name(field, getattr(entry, field), values)
            )
    if bool(entry.condition) != (entry.verdict in ("holds-if", "fails")):
        raise ValueError(
            f"claim {name!r}: a condition belongs to the verdicts 'holds-if' (when it holds) and "
            f"'fails' (why), and to no other; the verdict is {entry.verdict!r}"
        )
    return entry


CLAIMS: Mapping[str, Claim] = MappingProxyType(
    read_claims(files("course_lib").joinpath("claims.toml").read_text(encoding="utf-8"))
)
"""All claims by id."""


def claim(id: str, *, holds: bool, measured: str, otherwise: bool | None = None) -> Card:
    """Compare the outcome of an experiment with the verdict on record.

    Parameters
    ----------
    id : str
        A key of `CLAIMS`.
    holds : bool
        Whether the statement was found true; for the verdict ``"holds-if"``, whether it was found
        true where the condition is met.
    measured : str
        What was found, in words and numbers. It is compared when the notebooks are tested, so
        round to digits that another machine will repeat.
    otherwise : bool, optional
        For the verdict ``"holds-if"`` alone: whether the statement was found true where the
        condition is *not* met. It must be false, or the condition would be idle.

    Returns
    -------
    Card
        The last expression of a notebook cell, so that the card is shown.

    Raises
    ------
    KeyError
        If there is no such claim.
    TypeError
        If an outcome is not a single truth value, or `measured` is not text.
    ValueError
        If the claim has no verdict yet, or `otherwise` is given where it has no meaning.
    ClaimError
        If the outcome is not the recorded verdict.

    Examples
    --------
    >>> claim("neuron-formula", holds=1 + 1 == 2, measured="both ways give 2")
    Claim neuron-formula (section 1.1, the source document)
      A neuron computes y = f(sum_i w_i x_i + b).
      Measured: both ways give 2
      Verdict: Holds
    """
    if not isinstance(id, str) or id not in CLAIMS:
        raise KeyError(unknown_name("claim", id, CLAIMS))
    entry = CLAIMS[id]
    outcomes = {"holds": holds} if otherwise is None else {"holds": holds, "otherwise": otherwise}
    for name, value in outcomes.items():
        if not isinstance(value, bool | np.bool_):
            raise TypeError(
                f"{name} must be one truth value, got {type(value).__name__}; reduce an array with "
                f".all() or .any()"
            )
    if not isinstance(measured, str) or not measured.strip():
        raise TypeError("measured must say in words and numbers what was found")
    if entry.verdict == "open":
        raise ValueError(
            f"claim {id!r} has no verdict yet; record one in course_lib/claims.toml before a cell "
            f"decides it"
        )
    if (otherwise is not None) != (entry.verdict == "holds-if"):
        raise ValueError(
            f"otherwise= goes with the verdict 'holds-if' and with no other: it shows that the "
            f"condition matters; the verdict of {id!r} is {entry.verdict!r}"
        )
    expected = {
        "holds": {"holds": True},
        "fails": {"holds": False},
        "holds-if": {"holds": True, "otherwise": False},
    }[entry.verdict]
    if {name: bool(value) for name, value in outcomes.items()} != expected:
        raise ClaimError(
            f"claim {id!r} is on record as {entry.verdict!r}, which asks for {expected}, but the "
            f"experiment gave {outcomes}. Measured: {measured}"
        )
    return Card(entry, measured)
