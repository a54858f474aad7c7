"""The statements that the course puts to the test, and the check that a notebook cell calls.

The table is ``claims.toml`` beside this file. A cell that decides a statement ends in::

    claim("xor-not-linear", holds=best <= 0.75, measured=f"best of {n} models: {best:.2f}")

The call raises when the outcome is not the recorded verdict, so a page whose evidence has gone
cannot be built. What it returns is a card: HTML in a notebook, plain text elsewhere, and a JSON
record from which the book's ledger is gathered.

A verdict on an experiment is on record with what was varied before it stood: the budget, the grid,
the preprocessing and the initialization. Where a cell reads the records of a long study, a live
miniature of the experiment has to agree with them.
"""

import html
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np

from course_lib._checks import check_choice, check_type, unknown_name

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


_CHAPTER = re.compile(r"[a-z0-9]+(?:[-/][a-z0-9]+)*")

VARIED = ("budget", "grid", "preprocessing", "initialization")
"""What is varied before the verdict of an experiment stands."""

_MEASURED = "Measured live"
_ANSWERED = "Measured in the stored answers of the atlas"
_STORED = "Measured in the stored {studies}, with which a live miniature agrees"


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
        The notebook that decides it, by its path below ``book/`` without suffix. The table
        ``chapters`` gives one to every section; a claim may name another of its own.
    verdict : str
        ``"holds"``, ``"holds-if"``, ``"fails"`` or ``"open"``.
    condition : str
        When it holds, or why it fails; empty otherwise.
    cite : str
        Key of the bibliography, or empty.
    tex : str
        The statement with its formulas in TeX between dollar signs; empty where it has none.
    varied : mapping of str to str
        For each entry of `VARIED`, what was varied and what came of it; empty where the statement
        is no experiment, or has no verdict yet.
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
    tex: str = ""
    varied: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

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
    study : str
        The study whose stored records decide it, or several with ``", "`` between them; empty where
        the cell measured it itself.
    atlas: bool
        Whether the stored answers of the atlas decide it.
    """

    claim: Claim
    measured: str
    study: str = ""
    atlas: bool = False

    @property
    def evidence(self) -> str:
        """How it was measured, as a phrase."""
        if self.atlas:
            return _ANSWERED
        names = self.study.split(", ")
        word = "study" if len(names) == 1 else "studies"
        told = " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
        return _STORED.format(studies=f"{word} {told}") if self.study else _MEASURED

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
            "evidence": self.evidence,
            "study": self.study,
            "measured": self.measured,
        }

    def __repr__(self) -> str:
        """Return the card as plain text, four lines."""
        c = self.claim
        return (
            f"Claim {c.id} (section {c.section}, {_ORIGINS[c.origin]})\n"
            f"  {c.text}\n"
            f"  {self.evidence}: {self.measured}\n"
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
            f'<p class="claim-measured"><strong>{self.evidence}:</strong> {measured}</p>'
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
    TypeError
        If the text is none.
    ValueError
        If it is not TOML, has no chapters or no claims, or is out of order: a field is missing or
        unknown, a verdict is not one of the four, a condition is missing
        where the verdict needs one, an experiment with a verdict does not say what was varied, or
        another claim does.

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
    check_type("text", text, str, "the content of a claims.toml")
    content = tomllib.loads(text)
    for key in ("chapters", "claims"):
        if not isinstance(content.get(key), dict):
            raise ValueError(
                f"the text has no table {key!r}, only {sorted(content)}; expected [chapters], the "
                f"chapter of each section, and a table [claims.ID] for each claim"
            )
    return {
        name: _read_claim(name, fields, content["chapters"])
        for name, fields in content["claims"].items()
    }


def _read_claim(name: str, fields: Any, chapters: Mapping[str, str]) -> Claim:
    if not isinstance(fields, dict):
        raise ValueError(f"claim {name!r} is {fields!r}; expected a table, [claims.{name}]")
    fields = fields | {"varied": _read_varied(name, fields.get("varied", {}))}
    try:
        entry = Claim(**{"id": name, "chapter": chapters[fields["section"]]} | fields)
    except (KeyError, TypeError) as error:
        raise ValueError(f"claim {name!r}: a field is missing or unknown ({error})") from error
    if not isinstance(entry.chapter, str) or not _CHAPTER.fullmatch(entry.chapter):
        raise ValueError(
            f"claim {name!r}: chapter is {entry.chapter!r}; expected the path of a notebook below "
            f"book/ without suffix, such as 'applications/images'"
        )
    allowed = {
        "verdict": get_args(Verdict),
        "origin": tuple(_ORIGINS),
        "kind": ("identity", "experiment", "practice"),
    }
    for key, values in allowed.items():
        if getattr(entry, key) not in values:
            raise ValueError(f"claim {name!r}: " + unknown_name(key, getattr(entry, key), values))
    if bool(entry.condition) != (entry.verdict in ("holds-if", "fails")):
        raise ValueError(
            f"claim {name!r}: a condition belongs to the verdicts 'holds-if' (when it holds) and "
            f"'fails' (why), and to no other; the verdict is {entry.verdict!r}"
        )
    if bool(entry.varied) != (entry.kind == "experiment" and entry.verdict != "open"):
        raise ValueError(
            f"claim {name!r}: varied belongs to an experiment with a verdict, always, and to "
            f"nothing else; this is kind {entry.kind!r} with the verdict {entry.verdict!r}"
        )
    return entry


def _read_varied(name: str, given: Any) -> Mapping[str, str]:
    expected = f"expected a table of {', '.join(VARIED)}, each one sentence"
    if not isinstance(given, dict):
        raise ValueError(f"claim {name!r}: varied is {given!r}; {expected}")
    wrong = [key for key in {**given, **dict.fromkeys(VARIED)} if not _is_said(given, key)]
    if given and wrong:
        raise ValueError(f"claim {name!r}: varied.{wrong[0]} is missing or unknown; {expected}")
    return MappingProxyType(given)


def _is_said(given: dict[str, Any], key: str) -> bool:
    return key in VARIED and isinstance(given.get(key), str) and bool(given[key].strip())


CLAIMS: Mapping[str, Claim] = MappingProxyType(
    read_claims(files("course_lib").joinpath("claims.toml").read_text(encoding="utf-8"))
)
"""All claims by id."""


def claim(
    id: str,
    *,
    holds: bool,
    measured: str,
    otherwise: bool | None = None,
    stored: str | Sequence[str] | None = None,
    miniature: bool | None = None,
    atlas: bool = False,
) -> Card:
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
    stored : str or sequence of str, optional
        The study whose stored records decide it, such as ``"dropout"``, or several.
    miniature : bool, optional
        With `stored` alone, and always with it: whether a small version of the experiment, run on
        the page, gave the same verdict. It must be true.
    atlas : bool
        Whether the stored answers of `course_lib.frameworks` decide it, so that the card does not
        say that it was measured live.

    Returns
    -------
    Card
        The last expression of a notebook cell, so that the card is shown.

    Raises
    ------
    KeyError
        If there is no such claim, or there are no stored records of that name.
    TypeError
        If an outcome is not a single truth value, `measured` is not text, or `stored` is neither a
        name nor several.
    ValueError
        If the claim has no verdict yet, `otherwise` is given where it has no meaning, or one of
        `stored` and `miniature` without the other.
    ClaimError
        If the outcome is not the recorded verdict, or the miniature does not agree with it.

    Examples
    --------
    >>> claim("neuron-formula", holds=1 + 1 == 2, measured="both ways give 2")
    Claim neuron-formula (section 1.1, the source document)
      A neuron computes y = f(sum_i w_i x_i + b).
      Measured live: both ways give 2
      Verdict: Holds
    """
    if not isinstance(id, str) or id not in CLAIMS:
        raise KeyError(unknown_name("claim", id, CLAIMS))
    entry = CLAIMS[id]
    outcomes = {"holds": holds} if otherwise is None else {"holds": holds, "otherwise": otherwise}
    small = {} if miniature is None else {"miniature": miniature}
    for name, value in (outcomes | small).items():
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
    studies = _studies(stored)
    _check_stored(id, studies, miniature, measured)
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
    return Card(entry, measured, ", ".join(studies), atlas)


def _studies(stored: Any) -> list[str]:
    """Return the names of studies as a list, of one name or several."""
    if stored is None or isinstance(stored, str):
        return [stored] if stored else []
    studies = list(stored) if isinstance(stored, Sequence) else [stored]
    if not studies or not all(isinstance(study, str) for study in studies):
        raise TypeError(
            f"stored is {stored!r}; expected the name of a study, such as 'dropout', or several"
        )
    return studies


def _check_stored(id: str, stored: list[str], miniature: bool | None, measured: str) -> None:
    """Check that stored records are there, and that a live miniature agrees with them."""
    if bool(stored) != (miniature is not None):
        raise ValueError(
            f"claim {id!r} has stored={stored!r} and miniature={miniature!r}; expected both, the "
            f"study whose records the cell reads and whether its live miniature agrees, or none"
        )
    if stored:
        from course_lib.experiments.bundled import stored_names  # SciPy, which few cells need

        for study in stored:
            check_choice("stored records", study, stored_names())
    if miniature is not None and not miniature:
        raise ClaimError(
            f"claim {id!r}: the stored records of {', '.join(stored)} gave the verdict on record, "
            f"and the live miniature does not agree with it. Measured: {measured}"
        )
