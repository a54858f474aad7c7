"""Formulas as formulas on the cards of claims and in the ledger.

A card in a notebook says its statement in plain text, also where nothing can set a formula. Where
``claims.toml`` has the statement with formulas between dollar signs (``tex``), the site shows that.
"""

import html
import re

from docutils import nodes
from sphinx.application import Sphinx

from course_lib.claims import CLAIMS
from mathml import mathml

CARD = re.compile(
    r'(<aside class="claim[^>]*\bid="claim-([\w-]+)"[^>]*>\s*<p class="claim-statement">)'
    r"(.*?)(?=</p>)",
    re.DOTALL,
)


def parts(text: str) -> list[str]:
    """Return texts and formulas by turns, a text first."""
    found = re.split(r"\$([^$]+)\$", text)
    if any("$" in part for part in found[::2]):
        raise ValueError(f"a formula does not end in {text!r}; write it as $...$")
    return found


def as_html(text: str) -> str:
    """Return a statement as HTML, its formulas as MathML."""
    return "".join(mathml(p) if n % 2 else html.escape(p) for n, p in enumerate(parts(text)))


def as_nodes(name: str, text: str) -> list[nodes.Node]:
    """Return the statement of a claim as nodes: with formulas where there are some."""
    known = CLAIMS.get(name)
    pieces = enumerate(parts(known.tex) if known is not None and known.tex else [text])
    return [nodes.math("", p) if n % 2 else nodes.Text(p) for n, p in pieces if p]


def with_formulas(card: re.Match[str]) -> str:
    """Return the beginning of a card, its statement with formulas where there are some."""
    known = CLAIMS.get(card[2])
    return card[1] + (as_html(known.tex) if known is not None and known.tex else card[3])


def set_cards(app: Sphinx, doctree: nodes.document) -> None:
    """Set the formulas of all cards of a page."""
    for card in list(doctree.findall(nodes.raw)):
        told = card.astext()
        if card.get("format") == "html" and '<aside class="claim' in told:
            card.replace_self(nodes.raw("", CARD.sub(with_formulas, told), format="html"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("doctree-read", set_cards)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
