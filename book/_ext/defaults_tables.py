"""Directives and roles of the page on initial weights, dropout and optimizers in other frameworks.

``defaults-table`` has a line for each column: its head, a colon, the question, and after a bar the
part of the answer; of a list, one number by its place, as in ``steps #0``. The role ``default``
gives a figure, as in ``{default}`torch_defaults | adam |
epsilon```; ``default-home`` a home with its version, ``default-homes-count`` how many there are.
All are read from what `make atlas` has stored.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

import cell_tables
from course_lib.frameworks import DefaultAnswer, default_homes, defaults

NAMES = {
    "torch_defaults": "PyTorch",
    "keras_torch_defaults": "Keras on PyTorch",
    "keras_jax_defaults": "Keras on JAX",
    "keras_tensorflow_defaults": "Keras on TensorFlow",
    "tensorflow_defaults": "TensorFlow",
    "jax_defaults": "JAX and Optax",
    "flax_linen_defaults": "Flax, linen",
    "flax_nnx_defaults": "Flax, nnx",
    "haiku_defaults": "Haiku",
    "equinox_defaults": "Equinox",
    "mlx_defaults": "MLX",
    "tinygrad_defaults": "tinygrad",
    "paddle_defaults": "Paddle",
    "mxnet_defaults": "MXNet",
    "chainer_defaults": "Chainer",
    "thinc_defaults": "thinc",
    "sklearn_defaults": "scikit-learn",
    "autograd_defaults": "autograd",
    "pytensor_defaults": "PyTensor",
    "tfjs_defaults": "TensorFlow.js",
}
PACKAGES = {"jax": "optax", "sklearn": "scikit-learn", "paddle": "paddlepaddle"}


def short(row: DefaultAnswer, part: str) -> str:
    """Return a part of an answer as it stands in a table; what a home has not is a dash."""
    if row.refused:
        return "refused" if re.match(r"\w+: ", row.details["error"]) else "–"
    found = part_of(row, part if part != "y" else "numbers")
    return ", ".join(map(shown, found)) if isinstance(found, list) else shown(found)


def part_of(row: DefaultAnswer, part: str) -> Any:
    """Return a part of an answer by its name, of a list one number by its place after a #."""
    name, _, place = part.partition(" #")
    return row.details[name][int(place)] if place else row.details[name]


def shown(value: float | str) -> str:
    """Return a figure of three digits, a tiny one as a formula; or the sign for what is none."""
    if isinstance(value, str):
        return {"inf": "∞", "nan": "NaN"}.get(value, value)
    many = abs(value) >= 1000
    digits = (f"{value:,.0f}" if many else f"{value + 0:.3g}").replace("-", "−")
    if "e" not in digits:
        return digits
    mantissa, _, exponent = f"{value:.2g}".partition("e")
    power = f"10^{{{int(exponent)}}}"
    return f"${power}$" if mantissa == "1" else f"${mantissa} \\cdot {power}$"


def table(lines: list[str]) -> list[str]:
    """Return the lines of a table of homes, without those that have none of the questions."""
    return cell_tables.rows(lines, NAMES, defaults, short)


def figure(text: str) -> str:
    """Return a figure by home, question and part."""
    home, question, part = (each.strip() for each in text.split("|"))
    (row,) = defaults(question, home=home)
    return shown(part_of(row, part))


def home_and_version(home: str) -> str:
    """Return a home with the version of the package that computes."""
    name = home.removesuffix("_defaults").partition("_")[0]
    versions = default_homes()[home]["versions"]
    number = versions.get(PACKAGES.get(name, name)) or next(iter(versions.values()))
    return f"{NAMES[home]} {number.partition('+')[0]}"


class DefaultsTable(SphinxDirective):
    """The directive ``defaults-table``."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return self.parse_text_to_nodes("\n".join(table(list(self.content))))


class Homes(SphinxDirective):
    """The directive ``default-homes``: which homes were asked, in which versions, and when."""

    def run(self) -> list[nodes.Node]:
        """Return a table."""
        lines = ["| home | versions | asked on |", "| :--- | :--- | :--- |"]
        for home, name in NAMES.items():
            told = default_homes()[home]
            versions = ", ".join(f"{each} {number}" for each, number in told["versions"].items())
            lines.append(f"| {name} | {versions} | {told['date']} |")
        return self.parse_text_to_nodes("\n".join(lines))


class Figure(SphinxRole):
    """The roles ``default``, ``default-home`` and ``default-homes-count``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the figure as text."""
        if self.name == "default-homes-count":
            return [nodes.Text(str(len(default_homes())))], []
        told = home_and_version if self.name == "default-home" else figure
        text = told(self.text)
        formula = text.strip("$")
        return [nodes.Text(text) if formula == text else nodes.math(text, formula)], []


def setup(app: Sphinx) -> dict[str, bool]:
    """Register directives and roles."""
    app.add_directive("defaults-table", DefaultsTable)
    app.add_directive("default-homes", Homes)
    for name in ("default", "default-home", "default-homes-count"):
        app.add_role(name, Figure())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
