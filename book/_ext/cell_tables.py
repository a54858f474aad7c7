"""Directives and roles of the pages on recurrent cells and normalization in other frameworks.

``cell-table`` has a line for each column: its head, a colon, the question, and after a bar the part
of the answer. ``unit-by-hand`` shows what one unit computes. The role ``cell`` gives a figure, as
in ``{cell}`torch_cells | rms norm epsilon | epsilon```, ``cell-home`` a home with its version, and
``hand`` figures of the unit,
``cell-homes-count`` the number of homes. All are read from what `make atlas` has stored.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from course_lib.frameworks import CellAnswer, cell_homes, cells

NAMES = {
    "torch_cells": "PyTorch",
    "torch_onnx_cells": "PyTorch as ONNX",
    "keras_torch_cells": "Keras on PyTorch",
    "keras_jax_cells": "Keras on JAX",
    "keras_tensorflow_cells": "Keras on TensorFlow",
    "tensorflow_cells": "TensorFlow",
    "jax_cells": "JAX",
    "flax_linen_cells": "Flax, linen",
    "flax_nnx_cells": "Flax, nnx",
    "haiku_cells": "Haiku",
    "equinox_cells": "Equinox",
    "mlx_cells": "MLX",
    "tinygrad_cells": "tinygrad",
    "paddle_cells": "Paddle",
    "mxnet_cells": "MXNet",
    "chainer_cells": "Chainer",
    "onnx_reference_cells": "ONNX reference",
    "onnx_runtime_cells": "ONNX Runtime",
    "onnxruntime_web_cells": "ONNX Runtime Web",
    "openvino_cells": "OpenVINO",
    "tract_cells": "tract",
    "mnn_cells": "MNN",
    "opencv_cells": "OpenCV",
    "ncnn_cells": "ncnn",
    "litert_cells": "LiteRT",
    "executorch_cells": "ExecuTorch",
    "tfjs_cells": "TensorFlow.js",
}


SHORT = {"backward in order of reading": "as read", "the old state": "old", "the new state": "new"}


def short(row: CellAnswer, part: str) -> str:
    """Return an answer as it stands in a table: what is not as asked for is bold."""
    if row.refused:
        return "refused" if re.match(r"\w+: ", row.details["error"]) else "–"
    if "epsilon" in row.details:
        place = "" if row.details["is"] in ("inside", "none") else f" {row.details['is']}"
        return f"{row.details['epsilon']:g}{place}"
    if "variance" in row.details:
        return running(row.details, part)
    if "recurrent" in row.details:
        return initial(row, part)
    found = row.details.get(part)
    if found is None:
        return "–"
    if found["is"] in ("another", "not finite"):
        told = f"off by {found['difference']:g}" if "difference" in found else "not finite"
        return f"**{told}**"
    told = SHORT.get(found["is"], found["is"])
    return f"**{told}**" if "instead of" in found else told


def running(found: Mapping[str, Any], part: str) -> str:
    """Return which variance it is, the fraction of the new statistics, or the variances."""
    if part == "fraction":
        return f"{found['fraction']:g}"
    if part == "variance":
        told = ", ".join(f"{value:g}" for value in found["variance"])
        return f"**{told}**" if found["is"] == "another" else told
    return found["is"]


def initial(row: CellAnswer, part: str) -> str:
    """Return one part of initial weights: recurrent, or the bias of a gate by its place."""
    if part.startswith("bias"):
        value = row.details["bias"][int(part[4:])]
        return value if isinstance(value, str) else f"{value:g}"
    found = row.details[part if part in row.details else "recurrent"]
    if "fan-in times variance" in found and part != "recurrent":
        return f"{found['fan-in times variance']:g}"
    return found["is"]


def columns(lines: list[str]) -> list[tuple[str, str, str]]:
    """Return head, question and part of each line."""
    found = []
    for line in filter(None, map(str.strip, lines)):
        head, _, rest = line.partition(": ")
        question, _, part = rest.partition(" | ")
        found.append((head, question.strip(), part.strip() or "y"))
    return found


def table(lines: list[str]) -> list[str]:
    """Return the lines of a table of homes, without those that have none of the questions."""
    return rows(lines, NAMES, cells, short)


def rows(
    lines: list[str],
    names: Mapping[str, str],
    ask: Callable[[str], Iterable[Any]],
    short: Callable[[Any, str], str],
) -> list[str]:
    """Return the lines of a table of some homes, from answers and how they stand in it."""
    heads = columns(lines)
    answers = {(row.question, row.home): row for _, name, _ in heads for row in ask(name)}
    told = []
    for home, name in names.items():
        found = [
            short(answers[question, home], part) if (question, home) in answers else "–"
            for _, question, part in heads
        ]
        if set(found) != {"–"}:
            told.append([name, *found])
    rule = [":---"] * (len(heads) + 1)
    return [f"| {' | '.join(row)} |" for row in ([" ", *(h[0] for h in heads)], rule, *told)]


def stored_by_hand() -> dict[str, Any]:
    """Return the unit that is computed by hand."""
    path = files("course_lib").joinpath("bundled", "atlas", "by_hand.txt")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def by_hand(kind: str) -> list[str]:
    """Return the lines of a table: a column for each step, a row for each gate."""
    steps = stored_by_hand()[kind]["steps"]
    rows = [[f"${name}_t$", *(f"{step[name]:.4f}" for step in steps)] for name in steps[0]]
    head = [" ", *(f"step {i}" for i in range(1, len(steps) + 1))]
    rule = [":---", *["---:"] * len(steps)]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]


def figure(text: str) -> str:
    """Return a figure by home, question and path, or the whole answer without a path."""
    home, question, *path = (part.strip() for part in text.split("|"))
    (row,) = cells(question, home=home)
    if not path:
        return row.told
    found: Any = row.details
    for key in path[0].split("."):
        found = found[int(key)] if isinstance(found, list) else found[key]
    return found if isinstance(found, str) else f"{found:g}"


def home_and_version(home: str) -> str:
    """Return a home with the version of the package that computes."""
    versions = cell_homes()[home]["versions"]
    wanted = {"torch_onnx_cells": "torch", "onnx_reference_cells": "onnx"}.get(home)
    wanted = wanted or next(name for name in versions if name not in ("onnx", "jax", "ziglang")
                            or len(versions) == 1)  # fmt: skip
    if home.startswith("keras"):
        wanted = "keras"
    return f"{NAMES[home]} {versions[wanted].partition('+')[0]}"


class CellTable(SphinxDirective):
    """The directive ``cell-table``."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return self.parse_text_to_nodes("\n".join(table(list(self.content))))


class UnitByHand(SphinxDirective):
    """The directive ``unit-by-hand``, with rnn, lstm or gru."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return self.parse_text_to_nodes("\n".join(by_hand(self.arguments[0])))


class Homes(SphinxDirective):
    """The directive ``cell-homes``: which homes were asked, in which versions, and when."""

    def run(self) -> list[nodes.Node]:
        """Return a table."""
        lines = ["| home | versions | asked on |", "| :--- | :--- | :--- |"]
        for home, told in sorted(cell_homes().items(), key=lambda pair: list(NAMES).index(pair[0])):
            versions = ", ".join(f"{name} {number}" for name, number in told["versions"].items())
            lines.append(f"| {NAMES[home]} | {versions} | {told['date']} |")
        return self.parse_text_to_nodes("\n".join(lines))


class Figure(SphinxRole):
    """The roles ``cell``, ``cell-home`` and ``hand``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the figure as text."""
        if self.name == "cell-home":
            return [nodes.Text(home_and_version(self.text))], []
        if self.name == "cell-homes-count":
            return [nodes.Text(str(len(cell_homes())))], []
        if self.name == "hand":
            kind, name = self.text.split()
            values = stored_by_hand()[kind][name]
            return [nodes.Text(", ".join(f"{value:.4g}" for value in values))], []
        return [nodes.Text(figure(self.text))], []


def setup(app: Sphinx) -> dict[str, bool]:
    """Register directives and roles."""
    app.add_directive("cell-table", CellTable)
    app.add_directive("cell-homes", Homes)
    app.add_directive("unit-by-hand", UnitByHand)
    for name in ("cell", "cell-home", "cell-homes-count", "hand"):
        app.add_role(name, Figure())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
