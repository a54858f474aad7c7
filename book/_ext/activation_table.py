"""The directive ``activation-table``: the catalogue of activations as an index of its functions.

One row for each activation, with formulas or with the names elsewhere, made from
`course_lib.activations.CATALOGUE` while the page is read, so that the page cannot say anything else
than the library; or the places at which those names compute something else, from what is stored of
`course_lib.frameworks.spellings`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from course_lib.activations import CATALOGUE, Activation
from course_lib.frameworks import spellings
from course_lib.frameworks.spelled import DTYPES, HOMES

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


def joined(libraries: Iterable[str]) -> str:
    """Return libraries in words, Keras once."""
    keras = [name.partition(" on ")[2] for name in libraries if name.startswith("Keras")]
    others = [name for name in libraries if not name.startswith("Keras")]
    every = len(keras) == sum(home.startswith("Keras") for home in HOMES.values())
    on = [] if not keras else ["Keras" if every else f"Keras on {' and '.join(keras)}"]
    return ", ".join(others + on)


def slopes() -> Iterator[list[str]]:
    """Yield a row for each input at which slopes are others: there, and here."""
    found: dict[tuple[str, ...], list[str]] = {}
    for each in spellings():
        for x, there, here in each.slopes:
            found.setdefault((each.name, x, here, there), []).append(each.library)
    for (name, x, here, there), libraries in in_order(found):
        cells = map(signed, (x, here, there))
        yield [link(CATALOGUE[name]), *cells, joined(libraries)]


SIGNS = {"inf": "∞", "-inf": "−∞", "nan": "NaN"}
"""What stands for numbers that are none."""


def signed(number: str) -> str:
    """Return a number with signs of print, in one piece."""
    return SIGNS.get(number, number.replace("-", "−"))


def ends() -> Iterator[list[str]]:
    """Yield a row for each group of libraries that give no limit at infinite inputs."""
    libraries: dict[tuple[str, str, str, str, str], list[str]] = {}
    for each in spellings():
        for asked, parted in each.ends.items():
            for end, (there, limit) in parted.items():
                key = each.name, asked.removesuffix("s"), end, f"{float(limit) + 0.0:g}", there
                libraries.setdefault(key, []).append(each.library)
    found: dict[tuple[str, ...], list[str]] = {}
    for (name, asked, end, limit, there), where in libraries.items():
        words = f"{asked} {signed(limit)} at {signed(end)}".replace(" ", "\u00a0")
        found.setdefault((name, signed(there), joined(where)), []).append(words)
    for (name, there, where), limits in in_order(found):
        yield [link(CATALOGUE[name]), ", ".join(limits), there, where]


def values() -> Iterator[list[str]]:
    """Yield a row for each spelling whose values are off by more than rounding."""
    found: dict[tuple[str, ...], list[str]] = {}
    for dtype in DTYPES:
        for each in spellings(dtype=dtype):
            if each.difference:
                key = each.name, dtype, each.difference, each.at
                found.setdefault(key, []).append(each.library)
    for (name, *cells), libraries in in_order(found):
        yield [link(CATALOGUE[name]), *cells, joined(libraries)]


def in_order(
    found: Mapping[tuple[str, ...], list[str]],
) -> list[tuple[tuple[str, ...], list[str]]]:
    """Return what was found in the order of the catalogue."""
    order = list(CATALOGUE)
    return sorted(found.items(), key=lambda item: order.index(item[0][0]))


TABLES: Mapping[str, tuple[Sequence[str], Callable[[], Iterable[Sequence[str]]]]] = {
    "formulas": (
        ("Activation", "ULP", "Rests on", "Function", "Derivative"),
        lambda: map(formulas, CATALOGUE.values()),
    ),
    "names": (
        ("Activation", "PyTorch", "JAX", "Keras", "TensorFlow"),
        lambda: map(names, CATALOGUE.values()),
    ),
    "slopes": (("Activation", "At", "Here", "There", "Where"), slopes),
    "ends": (("Activation", "Limits", "There", "Where"), ends),
    "values": (("Activation", "Type", "Off by", "At", "Where"), values),
}


class ActivationTable(SphinxDirective):
    """The directive, with the name of one of the tables."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        if self.arguments[0] not in TABLES:
            raise self.error(f"activation-table takes one of {list(TABLES)}")
        head, made = TABLES[self.arguments[0]]
        rows = [head, ["---"] * len(head), *made()]
        lines = ["| " + " | ".join(cells) + " |" for cells in rows]
        tables = self.parse_text_to_nodes("\n".join(lines))
        for table in tables:
            table["classes"] += ["catalogue", self.arguments[0]]
        return tables


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("activation-table", ActivationTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
