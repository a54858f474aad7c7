"""What differences between homes cost trained networks, from the stored measurements.

The directives ``differences-table`` (all that were tried, by rank), ``differences-told`` (the first
twenty in words, each with what was measured), ``differences-others`` (the rest), ``carried-table``
(whole networks in every home) and ``trainings-table`` (defaults that change a training), and the
role ``difference-cost``, for a sentence.
"""

import math
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from course_lib.frameworks import (
    CarriedRow,
    Cost,
    Move,
    Training,
    carried,
    carried_homes,
    ranked,
    trainings,
)

TOLD = 20
HOMES = {
    "coreml": "Core ML's program",
    "executorch_portable": "ExecuTorch, portable",
    "executorch_xnnpack": "ExecuTorch, XNNPACK",
    "flax_nn": "flax",
    "haiku_nn": "Haiku",
    "jax_jit": "JAX, compiled",
    "keras_jax": "Keras on JAX",
    "keras_tensorflow": "Keras on TensorFlow",
    "keras_torch": "Keras on PyTorch",
    "litert": "LiteRT, XNNPACK",
    "litert_builtin": "LiteRT, own kernels",
    "mlx_cpu": "MLX",
    "mnn_onnx": "MNN",
    "ncnn_layers": "ncnn",
    "onnx_reference": "ONNX reference",
    "onnx_runtime": "ONNX Runtime",
    "onnxruntime_web": "ONNX Runtime Web",
    "opencv_dnn": "OpenCV",
    "openvino_cpu": "OpenVINO",
    "paddle_eager": "Paddle",
    "tensorflow_function": "TensorFlow",
    "tfjs": "TensorFlow.js",
    "tinygrad_cpu": "tinygrad",
    "torch_compiled": "PyTorch, compiled",
    "torch_eager": "PyTorch",
    "torch_to_onnx": "PyTorch's export",
    "tract_onnx": "tract",
}


def number(value: float, digits: int = 1) -> str:
    """Return a number with so many decimals, and a minus sign; 0 has no sign."""
    if not math.isfinite(value):
        return "not finite"
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def points(cost: Cost | Training) -> str:
    """Return a loss in points, with its interval."""
    low, high = (number(end) for end in cost.interval)
    return f"{number(cost.loss)} [{low}, {high}]"


def right(cost: Cost) -> str:
    """Return the accuracy before and after."""
    return f"{100 * cost.accuracy:.1f} to {100 * cost.there:.1f}"


def largest(cost: Cost) -> str:
    """Return the largest difference of an output, to two digits; a tiny one as a formula."""
    if not math.isfinite(cost.difference):
        return "not finite"
    text, _, power = f"{cost.difference:.2g}".partition("e")
    if not power:
        return text
    if int(power) > 0:
        return f"{float(f'{text}e{power}'):,.0f}"
    return rf"${text}\cdot10^{{{int(power)}}}$"


def more_bits(cost: Cost) -> str:
    """Return by how much the cross-entropy grows, or a dash where there is none."""
    none = math.isnan(cost.bits) and math.isfinite(cost.difference)
    return "–" if none else number(cost.bits, 2)


def place(move: Move) -> str:
    """Return where something was run."""
    return HOMES.get(move.home, move.home) if move.home else "formula"


def code(text: str) -> str:
    """Return a line of code for a cell of a table."""
    return f"`{text.replace('|', chr(92) + '|')}`"


def what(move: Move) -> str:
    """Return what was run, as code where it is that."""
    return code(move.what) if "(" in move.what else move.what


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def everything() -> str:
    """Return the table of all known differences."""
    rows = []
    for row in ranked():
        move = next(move for move in row.moves if move.cost)
        title = f"[{row.title}](#difference-{row.name})" if row.rank <= TOLD else row.title
        rows.append(
            [
                str(row.rank), points(move.cost), title, move.network, place(move),
                right(move.cost), f"{100 * move.cost.others:.1f}", largest(move.cost),
                more_bits(move.cost),
            ]
        )  # fmt: skip
    head = ["", "Points lost", "Difference", "Network", "Run in", "Right, %", "Other answers, %"]
    return table([*head, "Largest difference", "Bits more"], rows)


def measured(moves: tuple[Move, ...]) -> str:
    """Return the table of the moves of one difference."""
    rows = [
        [move.network, place(move)]
        + (
            [
                points(move.cost),
                right(move.cost),
                f"{100 * move.cost.others:.1f}",
                largest(move.cost),
                what(move),
            ]
            if move.cost
            else ["no answer", "", "", "", f"{what(move)}: {move.error[:80]}"]
        )
        for move in moves
    ]
    head = ["Trained network", "Run in", "Points lost", "Right, %", "Other answers, %"]
    return table([*head, "Largest difference", "What is run"], rows)


def whole(networks: tuple[str, ...]) -> str:
    """Return the table of whole networks in every home and mode."""
    found: dict[tuple[str, str], dict[str, CarriedRow]] = {}
    for row in carried():
        found.setdefault((row.home, row.mode), {})[row.network] = row
    head = ["Home", "Computed in"]
    for name in networks:
        head += [f"{name}: {'bits more' if name == 'names' else 'points lost'}", "largest"]
    rows = []
    for (home, mode), own in sorted(found.items()):
        if not any(row.cost for row in own.values()):
            continue
        cells = [HOMES.get(home, home), mode]
        for name in networks:
            cost = own[name].cost if name in own else None
            if cost is None:
                cells += ["no answer" if name in own else "–", "–"]
            else:
                lost = number(cost.bits, 4) if name == "names" else number(cost.loss, 2)
                cells += [lost, largest(cost)]
        rows.append(cells)
    return table(head, rows)


def trained() -> str:
    """Return the table of what changes a training."""
    head = ["Setting", "Trained as in", "Or as in", "Accuracy, %", "Other accuracy, %"]
    rows = [
        [
            row.name, row.original, row.other, f"{100 * row.accuracy:.1f}",
            f"{100 * row.there:.1f}", points(row),
        ]
        for row in trainings()
    ]  # fmt: skip
    return table([*head, "Points lost"], rows)


class Table(SphinxDirective):
    """A table from stored measurements."""

    text = staticmethod(everything)

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        found = nodes.container(classes=["benchmark", "wraps"])
        found += self.parse_text_to_nodes(self.text())
        return [found]


class Trainings(Table):
    """The table of what changes a training."""

    text = staticmethod(trained)


class Carried(Table):
    """The table of whole networks; its content names them, one a line."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        found = nodes.container(classes=["benchmark", "wraps"])
        found += self.parse_text_to_nodes(whole(tuple(self.content)))
        return [found]


class Versions(SphinxDirective):
    """The directive ``carried-versions``: which versions were run, when and where."""

    def run(self) -> list[nodes.Node]:
        """Return a sentence."""
        homes = carried_homes().values()
        versions = {k: v for home in homes for k, v in home.get("versions", {}).items()}
        days = sorted({home["date"] for home in homes if "date" in home})
        machines = sorted({home["machine"] for home in homes if "machine" in home})
        told = ", ".join(f"{name} {versions[name]}" for name in sorted(versions))
        when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        text = f"Measured {when} on {'; '.join(machines)}, with {told}."
        return self.parse_text_to_nodes(text)


class Told(SphinxDirective):
    """The first twenty differences in words, a section each."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        found: list[nodes.Node] = []
        for row in ranked()[:TOLD]:
            name = f"difference-{row.name}"
            section = nodes.section(ids=[name], names=[name])
            section += nodes.title("", f"{row.rank}. {row.title}")
            section += self.parse_text_to_nodes(row.words)
            box = nodes.container(classes=["benchmark", "wraps"])
            box += self.parse_text_to_nodes(measured(row.moves))
            section += box
            section += self.parse_text_to_nodes(
                f"*What to do:* {row.advice}\n\n*Where it is said:* {row.source}."
            )
            self.state.document.note_explicit_target(section)
            found.append(section)
        return found


class Others(SphinxDirective):
    """The differences after the first twenty, a paragraph each."""

    def run(self) -> list[nodes.Node]:
        """Return a list."""
        text = [f"- *{row.rank}. {row.title}.* {row.words} {row.advice}" for row in ranked()[TOLD:]]
        return self.parse_text_to_nodes("\n".join(text))


class CostRole(SphinxRole):
    """The role ``difference-cost``: what a difference costs, in points, and its rank.

    Of its costliest move, or of the first one with a home, as in ``gru-reset @onnx_runtime``.
    """

    def run(self) -> tuple[list[nodes.Node], list[Any]]:
        """Return the text."""
        found = {row.name: row for row in ranked()}
        name, _, asked = self.text.partition(" ")
        asked, _, home = asked.partition("@")
        if name not in found:
            message = f"no difference is called {name!r}; expected one of {sorted(found)}"
            return [], [self.inliner.reporter.error(message, line=self.lineno)]
        row = found[name]
        asked_of = [move for move in row.moves if move.cost and home in ("", move.home)]
        if not asked_of:
            message = f"{name} was not measured in {home!r}"
            return [], [self.inliner.reporter.error(message, line=self.lineno)]
        move = asked_of[0]
        text = {
            "": f"{number(move.cost.loss)} points",
            "rank": str(row.rank),
            "others": f"{100 * move.cost.others:.1f} %",
            "bits": f"{number(move.cost.bits)} bits",
            "largest": largest(move.cost),
        }[asked]
        return [nodes.Text(text)], []


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives and the role."""
    app.add_directive("differences-table", Table)
    app.add_directive("differences-told", Told)
    app.add_directive("differences-others", Others)
    app.add_directive("carried-table", Carried)
    app.add_directive("trainings-table", Trainings)
    app.add_directive("carried-versions", Versions)
    app.add_role("difference-cost", CostRole())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
