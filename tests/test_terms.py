"""The glossary: its order, its definitions as text, and where a term is marked."""

import re
from types import SimpleNamespace

import pytest
import terms
from build_book import ROOT
from docutils import nodes

TEXT = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
ENTRIES = TEXT.partition("```{glossary}\n")[2].removesuffix("```\n").strip().split("\n\n")


def test_the_terms_are_sorted_and_none_stands_twice():
    first = [entry.split("\n")[0].lower() for entry in ENTRIES]
    assert len(first) > 60
    assert first == sorted(first)
    every = [line for entry in ENTRIES for line in entry.split("\n") if line[0] != " "]
    assert len(every) == len({line.lower() for line in every})


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.split("\n")[0])
def test_a_definition_is_short_and_names_its_section(entry):
    told = entry.split("\n")[-1]
    assert re.search(r"\. \{section\}`[\w/-]+#[\w-]+`", told)
    assert len(told.partition(" {section}")[0]) < 320


ENV = SimpleNamespace(
    course_glossary={
        "loss": ("term-loss", "How wrong."),
        "loss gap": ("term-loss-gap", "A gap."),
        "bias (of a unit)": ("term-bias", "A number."),
    }
)
APP = SimpleNamespace(
    env=ENV, builder=SimpleNamespace(get_relative_uri=lambda page, target: "glossary.html")
)


def marked(*children):
    """Return the text of a page with the marked terms in brackets."""
    page = nodes.container("", *children)
    terms.mark(APP, page, "book/page")
    for link in list(page.findall(nodes.reference)):
        if "term" in link["classes"]:
            link.parent.replace(link, nodes.Text(f"[{link.astext()}]"))
    return page.astext().replace("\n\n", "|")


def paragraph(*children):
    return nodes.paragraph("", "", *children)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A loss, a loss.", "A [loss], a loss."),
        ("Losses of a Loss gap.", "Losses of a [Loss gap]."),
        ("A loss-like thing; lossy.", "A loss-like thing; lossy."),
        ("The bias (of a unit)", "The bias (of a unit)"),
        ("bias", "bias"),
    ],
)
def test_the_first_use_of_a_term_is_marked(text, expected):
    assert marked(paragraph(nodes.Text(text))) == expected


@pytest.mark.parametrize(
    "kind", [nodes.title, nodes.literal, nodes.reference, nodes.math, nodes.caption]
)
def test_no_term_is_marked_in(kind):
    inside = kind("", "loss")
    page = paragraph(inside) if isinstance(inside, nodes.Inline) else inside
    assert marked(page, paragraph(nodes.Text("The loss."))) == "loss|The [loss]."


def test_a_definition_is_its_text_without_the_links_after_it():
    told = nodes.paragraph("", "A number ", nodes.emphasis("", "J"))
    told += [nodes.Text(".\nNot more. "), terms.section_place(), terms.claim_place()]
    assert terms.definition(nodes.definition("", told)) == "A number J. Not more."
