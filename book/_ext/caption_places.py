"""Say in a caption where a panel stands: beside the other one, or below it on a phone.

Panels that stand side by side are stacked on a phone (see `figure_narrow`). There *Left:* in the
caption would be wrong. It becomes a pair, *Left:* and *Top:*, of which the style sheet shows one by
the same media query that exchanges the drawings. Without a style sheet the first one is read, and
in print and in the search, too. Captions of other figures stay as they are.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from vector_figures import course_figure

NARROW = {
    "Left": "Top",
    "Right": "Bottom",
    "left": "top",
    "right": "bottom",
    "on the left": "at the top",
    "on the right": "at the bottom",
    "On the left": "At the top",
    "On the right": "At the bottom",
}
"""What names a panel beside others -> what names it above or below them."""
PLACE = re.compile(
    r"\b(?:Left|Right)(?=[:,])|(?<=\()(?:left|right)(?=\))|\b[Oo]n the (?:left|right)\b(?! of\b)"
)
"""The words of a caption that name a panel; *left over* and *left of zero* do not."""


class placed(nodes.inline):
    """Words that name a panel in the wide form of its figure; `narrow` does so on a phone."""


def pairs(text: str) -> list[nodes.Node]:
    """Return a text in pieces, with a pair for each name of a panel."""
    parts: list[nodes.Node] = []
    end = 0
    for found in PLACE.finditer(text):
        parts += [
            nodes.Text(text[end : found.start()]),
            placed("", found[0], narrow=NARROW[found[0]]),
        ]
        end = found.end()
    return [part for part in (*parts, nodes.Text(text[end:])) if part.astext()]


def place(app: Sphinx, doctree: nodes.document) -> None:
    """Put the pairs into the captions of figures that are stacked on a phone."""
    for figure in doctree.findall(nodes.figure):
        if any(shown["stacked"] for shown in figure.findall(course_figure)):
            for caption in figure.findall(nodes.caption):
                for text in [t for t in caption.findall(nodes.Text) if t.parent is caption]:
                    caption.replace(text, pairs(text.astext()))


def visit(translator: HTML5Translator, node: placed) -> None:
    """Begin what is read on wide pages."""
    translator.body.append('<span class="only-wide">')


def depart(translator: HTML5Translator, node: placed) -> None:
    """End it, and write what is read on narrow ones."""
    translator.body.append(f'</span><span class="only-narrow" hidden>{node["narrow"]}</span>')


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_node(placed, html=(visit, depart))
    app.connect("doctree-read", place)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True}
