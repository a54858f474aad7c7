"""Statements with formulas: on cards, in the ledger, and the same in words."""

import re

import claim_formulas
import pytest
from docutils import nodes

from course_lib.claims import CLAIMS

WITH_FORMULAS = {name: claim for name, claim in CLAIMS.items() if claim.tex}


@pytest.mark.parametrize("name", WITH_FORMULAS)
def test_a_statement_says_the_same_with_formulas(name):
    claim = WITH_FORMULAS[name]
    rest = claim.text
    for words in filter(None, claim_formulas.parts(claim.tex)[::2]):
        assert words in rest
        rest = rest.split(words, 1)[1]
    assert "<math" in claim_formulas.as_html(claim.tex)


def test_no_statement_that_looks_like_a_formula_lacks_one():
    formula = re.compile(r"\w\(x\)|\^|<=|\bsum_i\b")
    assert {n for n, c in CLAIMS.items() if formula.search(c.text)} <= {*WITH_FORMULAS}


def test_a_formula_that_does_not_end_is_named():
    assert claim_formulas.parts("a $x$ b") == ["a ", "x", " b"]
    with pytest.raises(ValueError, match=r"does not end in 'a \$x b'; write it as"):
        claim_formulas.parts("a $x b")


def test_the_ledger_gets_formulas_and_texts():
    found = claim_formulas.as_nodes("relu-formula", "ReLU(x) = max(0, x).")
    assert [type(node) for node in found] == [nodes.math, nodes.Text]
    assert claim_formulas.as_nodes("xor-not-linear", "A < B.") == [nodes.Text("A < B.")]
    assert claim_formulas.as_nodes("unknown", "Text.") == [nodes.Text("Text.")]


def test_cards_get_formulas_and_nothing_else_changes():
    card = '<aside class="claim claim-holds" id="claim-{}">\n<p class="claim-statement">{}</p>'
    rest = '<p class="claim-origin">Section 1.2</p></aside>'
    document = nodes.document(None, None)
    told = [card.format("relu-formula", "ReLU(x)") + rest, card.format("x", "A $5 bill") + rest]
    document += [nodes.raw("", html, format="html") for html in told]
    claim_formulas.set_cards(None, document)
    first, second = [node.astext() for node in document]
    assert "<math" in first and first.endswith(f".</p>{rest}")
    assert second == told[1]
