r"""Set every formula as MathML while the site is built, so that no page loads a script for math.

The package math-core converts. Of the two on PyPI that are kept up, latex2mathml takes ``\foo`` and
the ``&`` of ``aligned`` for letters and says nothing; math-core names what it does not know, aligns
columns, spaces operators as TeX does, and converts every formula of the book. Three things are
added here: a line break outside of an environment, which it drops, is an error; a numbered
environment loses its number, since the book numbers its equations; and an entity that XML does not
know becomes the character.

A formula that cannot be converted is a warning, which stops the build. ``tools/math_font.py`` makes
the font, and ``math.css`` of the theme has the style.
"""

import html
import re
from functools import cache
from typing import Any

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)
CONVERTER = LatexToMathML(fancy_error=False)

INNERMOST = re.compile(r"\\begin\{(\w+\*?)\}(?:(?!\\begin\{).)*?\\end\{\1\}", re.DOTALL)
NUMBERED = re.compile(r"\\(begin|end)\{(align|alignat|equation|flalign|gather|multline)\}")
CLOSING = re.compile(r"[.,;:!?)\]’”-]*")
OPENING = re.compile(r"[(\[“‘]*\Z")
PLACE = re.compile(r"^\d+: ")


class FormulaError(ValueError):
    """A formula that cannot be set, and why."""


def broken_outside(tex: str) -> bool:
    r"""Tell whether a line breaks by ``\\`` outside of every environment."""
    without = INNERMOST.sub("", tex)
    return broken_outside(without) if without != tex else r"\\" in tex


@cache
def mathml(tex: str, display: bool = False) -> str:
    """Return a formula as an element ``math`` that keeps the TeX as its ``alttext``."""
    source = " ".join(tex.split())
    if not source:
        raise FormulaError("a formula is empty")
    if broken_outside(source):
        raise FormulaError(rf"put the lines into \begin{{aligned}} in the formula {source}")
    try:
        found = CONVERTER.convert_with_local_state(
            NUMBERED.sub(r"\\\1{\2*}", tex), displaystyle=display
        )
    except LatexError as error:
        raise FormulaError(f"{PLACE.sub('', str(error))} Found in the formula {source}") from None
    named = found.replace("&ApplyFunction;", "\u2061")
    return named.replace("<math", f'<math alttext="{html.escape(source)}"', 1)


def element(node: nodes.Element, display: bool) -> str:
    """Return the formula of a node, or its source where it cannot be set, with a warning."""
    try:
        return mathml(node.astext(), display)
    except FormulaError as error:
        LOGGER.warning("%s", error, location=node, type="mathml")
        return f"<code>{html.escape(node.astext())}</code>"


class KeepWithPunctuation(SphinxPostTransform):
    """Keep a formula in a sentence on the line of the punctuation that touches it."""

    default_priority = 950
    formats = ("html",)

    def run(self, **_options: Any) -> None:
        """Wrap such a formula, with its punctuation."""
        for formula in list(self.document.findall(nodes.math)):
            held = nodes.inline("", classes=["held"])
            before, after = touching(formula)
            formula.replace_self(held)
            held += [nodes.Text(before)] * bool(before) + [formula]
            held += [nodes.Text(after)] * bool(after)
            if len(held) == 1:
                held.replace_self(formula)


def touching(formula: nodes.math) -> tuple[str, str]:
    """Take the punctuation around a formula from its neighbors, and return it."""
    parent, place = formula.parent, formula.parent.index(formula)
    before, after = "", ""
    if place + 1 < len(parent) and isinstance(parent[place + 1], nodes.Text):
        after = CLOSING.match(parent[place + 1]).group()
        parent[place + 1] = nodes.Text(parent[place + 1][len(after) :])
    if place and isinstance(parent[place - 1], nodes.Text):
        before = OPENING.search(parent[place - 1]).group()
        parent[place - 1] = nodes.Text(parent[place - 1][: len(parent[place - 1]) - len(before)])
    return before, after


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a sentence."""
    self.body.append(element(node, display=False))
    raise nodes.SkipNode


def visit_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula of its own, with its number after it."""
    self.body.append(self.starttag(node, "div", "", CLASS="math"))
    self.body.append(element(node, display=True))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer; ``html_math_renderer: mathml`` chooses it."""
    app.add_post_transform(KeepWithPunctuation)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
