"""The directive ``activation-explorer``: look at every elementwise activation, and compare two.

While a page is read, each elementwise row of `course_lib.activations.CATALOGUE` is sampled with its
derivative, so that the page cannot show anything else than the library computes. The numbers lie
in the page itself, because a page that is opened from a folder may not fetch them. The script
replaces what stands there without it: the graph of one function and a sentence, which is the
content of the directive or, if it has none, says how to see more.

Script and style lie in ``book/_site``: Jupyter Book has every page load those in ``book/_static``.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from course_lib.activations import CATALOGUE, Activation
from course_lib.diagnostics import is_saturated, saturation_threshold
from mathml import mathml

SCRIPT = "../scripts/activation-explorer.js"
STYLE = "../styles/activation-explorer.css"

REACH = 6  # the graph shows -REACH to REACH
PER_UNIT = 20  # samples; the slider moves from one to the next
GRID = np.arange(-REACH * PER_UNIT, REACH * PER_UNIT + 1) / PER_UNIT
FIRST = "sigmoid"  # what is shown before anything is chosen
SENTENCE = "With JavaScript you can choose and compare functions here."


# The numbers.


def rounded(values: Any) -> list[float]:
    """Return numbers to four digits, which keeps a tiny one apart from 0; integers are short."""
    short = (float(f"{value:.4g}") for value in np.asarray(values).tolist())
    return [int(value) if value.is_integer() else value for value in short]


def pair(activation: Activation, x: float) -> list[float]:
    """Return value and derivative at one place."""
    return rounded([activation(x), activation.derivative(x)])


def limit(activation: Activation, x: float, side: float) -> list[float]:
    """Return what value and derivative tend to when a kink is approached from one side."""
    beside = np.nextafter(x, side)
    # the value of the nearest float is off by its distance, such as 5e-324 for 0
    return rounded(np.round([activation(beside), activation.derivative(beside)], 12))


def kinks(activation: Activation) -> list[dict[str, Any]]:
    """Return value and derivative at kinks within reach, and what they tend to on both sides."""
    return [
        {
            "x": x,
            "at": pair(activation, x),
            "left": limit(activation, x, -np.inf),
            "right": limit(activation, x, np.inf),
        }
        for x in rounded(sorted(activation.kinks))
        if abs(x) <= REACH
    ]


def stretches(flags: Any) -> list[list[int]]:
    """Return the first and the last index of every run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return (edges.reshape(-1, 2) - [0, 1]).tolist()


def number(value: float) -> str:
    """Return a number as it is read: with a minus sign, and infinity as a symbol."""
    text = f"{value:.4g}".replace("-", "\u2212")
    return text.replace("inf", "\u221e")


def facts(activation: Activation) -> dict[str, str]:
    """Return what the catalogue knows of an activation, in words."""
    parameters = [
        f"{name} = {number(value)}"
        for name, value in activation.parameters.items()
        if value is not None
    ]
    lowest, highest = map(number, activation.range)
    bounded = np.isfinite(activation.lipschitz)
    return {
        **({"Parameters": ", ".join(parameters)} if parameters else {}),
        "Values": f"from {lowest} to {highest}",
        "Largest derivative": number(activation.lipschitz) if bounded else "no bound",
        "Saturated": f"where the derivative is within ±{number(saturation_threshold(activation))}",
        "Kinks": ", ".join(map(number, sorted(activation.kinks))) or "none",
    }


def inside(formula: str) -> str:
    """Return what stands in the element ``math`` of a formula of its own."""
    return mathml(formula, display=True).partition(">")[2].removesuffix("</math>")


def curve(activation: Activation) -> dict[str, Any]:
    """Return everything that the page shows of an activation."""
    return {
        "name": activation.name,
        "formulas": [activation.formula, activation.derivative_formula],
        "math": [inside(activation.formula), inside(activation.derivative_formula)],
        "values": [rounded(activation(GRID)), rounded(activation.derivative(GRID))],
        "kinks": kinks(activation),
        "saturated": stretches(is_saturated(activation, GRID)),
        "facts": facts(activation),
    }


@cache
def data() -> dict[str, Any]:
    """Return what the script reads."""
    curves = [curve(activation) for activation in CATALOGUE.values() if activation.elementwise]
    return {"reach": REACH, "perUnit": PER_UNIT, "first": FIRST, "curves": curves}


def as_json(content: dict[str, Any]) -> str:
    """Return compact JSON that may stand in a page: ``<`` cannot end the element around it."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", r"\u003c")


# What stands there without the script.


FRAME = {"left": 34, "right": 330, "top": 12, "bottom": 292}


def across(x: Any) -> Any:
    """Return where inputs stand in the picture."""
    return FRAME["left"] + (x + REACH) / (2 * REACH) * (FRAME["right"] - FRAME["left"])


def up(y: Any, low: float, high: float) -> Any:
    """Return where outputs stand in the picture, which shows a range of them."""
    return FRAME["bottom"] - (y - low) / (high - low) * (FRAME["bottom"] - FRAME["top"])


def grid_lines(low: float, high: float) -> Iterator[str]:
    """Yield the lines behind the curves, with their numbers."""
    for x in range(-REACH, REACH + 1, 2):
        at = across(x)
        yield f'<path class="grid" d="M{at:.1f} {FRAME["top"]}V{FRAME["bottom"]}"/>'
        yield f'<text x="{at:.1f}" y="310" text-anchor="middle">{number(x)}</text>'
    for y in np.arange(np.ceil(low * 5), np.floor(high * 5) + 1) / 5:
        at = up(y, low, high)
        yield f'<path class="grid" d="M{FRAME["left"]} {at:.1f}H{FRAME["right"]}"/>'
        yield f'<text x="28" y="{at + 4:.1f}" text-anchor="end">{number(y)}</text>'


def picture(activation: Activation) -> str:
    """Return a graph of a function and its derivative, in the classes that the script draws with.

    There are no kinks in it: `FIRST` has none.
    """
    values = [activation(GRID), activation.derivative(GRID)]
    low, high = min(0, *map(np.min, values)), max(1, *map(np.max, values))
    parts = [*grid_lines(low, high)]
    for y, kind, label in zip(values, ("", " derivative"), ("f", "f\u2032"), strict=True):
        heights = up(y, low, high)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across(GRID), heights, strict=True))
        parts.append(f'<polyline class="curve f{kind}" points="{points}"/>')
        parts.append(f'<text class="f" x="336" y="{heights[-1] + 4:.1f}">{label}</text>')
    return (
        '<svg viewBox="0 0 360 316" role="img" '
        f'aria-label="Graph of {activation.name}, solid, and its derivative, dashed">'
        + "".join(parts)
        + "</svg>"
    )


def caption(activation: Activation) -> nodes.paragraph:
    """Return what the graph shows."""
    before, after = " is solid, its derivative dashed: ", "."
    formula = nodes.math("", f"f(x) = {activation.formula}")
    name = nodes.literal("", activation.name)
    return nodes.paragraph("", "", name, nodes.Text(before), formula, nodes.Text(after))


class ActivationExplorer(SphinxDirective):
    """The directive; its content is what to read where scripts do not run."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the graph of one function, the sentence, and the numbers of all functions."""
        first = CATALOGUE[FIRST]
        numbers = f'<script type="application/json">{as_json(data())}</script>'
        sentence = self.parse_content_to_nodes() or [nodes.paragraph("", SENTENCE)]
        explorer = nodes.container(classes=["activation-explorer"])
        explorer += nodes.raw("", picture(first), format="html")
        explorer += [caption(first), *sentence]
        explorer += nodes.raw("", numbers, format="html")
        return [explorer]


def add_files(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Have a page load script and style if it has an explorer."""
    containers = doctree.findall(nodes.container) if doctree else []
    if any("activation-explorer" in node["classes"] for node in containers):
        app.add_css_file(STYLE)
        app.add_js_file(SCRIPT, loading_method="defer")


def sample(app: Sphinx) -> None:
    """Sample before any page is read: autodoc puts texts in the place of functions' defaults."""
    data()


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("activation-explorer", ActivationExplorer)
    app.connect("builder-inited", sample)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
