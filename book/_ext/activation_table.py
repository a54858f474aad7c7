"""The directive ``activation-table``: the catalogue of activations as an index of its functions.

One row for each activation, with formulas or with the names elsewhere, made from
`course_lib.activations.CATALOGUE` while the page is read, so that the page cannot say anything else
than the library.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from course_lib.activations import CATALOGUE, Activation

APART = re.compile(r"([,;]) \\; ")
"""What stands between a formula and the line that explains its letters."""


def math(formula: str) -> str:
    """Return a formula as Markdown that does not break a table, and itself breaks between parts."""
    return APART.sub(r"\1$ $", f"${formula}$".replace("|", r"\vert "))


def code(name: str) -> str:
    """Return a name as code, or a dash where there is none."""
    return f"`{name}`" if name else "–"


def link(activation: Activation) -> str:
    """Return the name, linked to the documentation of the function."""
    public = f"course_lib.activations.{activation.function.__name__}"
    return f"{{py:func}}`{activation.name} <{public}>`"


def formulas(activation: Activation) -> list[str]:
    """Return a row of the table of formulas."""
    bounds = "\u00a0/\u00a0".join(f"{bound:g}" for bound in activation.ulps)  # in one piece
    formula, derivative = activation.formula, activation.derivative_formula
    rests_on = ", ".join(map(code, activation.rests_on)) or "–"
    return [link(activation), bounds, rests_on, math(formula), math(derivative)]


def names(activation: Activation) -> list[str]:
    """Return a row of the table of names."""
    elsewhere = (activation.pytorch, activation.jax, activation.keras, activation.tensorflow)
    return [link(activation), *map(code, elsewhere)]


TABLES = {
    "formulas": (("Activation", "ULP", "Rests on", "Function", "Derivative"), formulas),
    "names": (("Activation", "PyTorch", "JAX", "Keras", "TensorFlow"), names),
}


class ActivationTable(SphinxDirective):
    """The directive, with the name of one of the tables."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        if self.arguments[0] not in TABLES:
            raise self.error(f"activation-table takes one of {list(TABLES)}")
        head, row = TABLES[self.arguments[0]]
        rows = [head, ["---"] * len(head), *map(row, CATALOGUE.values())]
        lines = ["| " + " | ".join(cells) + " |" for cells in rows]
        made = self.parse_text_to_nodes("\n".join(lines))
        for table in made:
            table["classes"] += ["catalogue", self.arguments[0]]
        return made


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("activation-table", ActivationTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
