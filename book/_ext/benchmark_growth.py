"""The directive ``benchmark-growth``: a plot of how time and memory grow, from stored figures.

It draws each table of ``benchmarks/results/growth.json`` as an SVG in the page, so that no point
of it is typed by hand, and text, axes and lines have the colors of the page, light or dark. The
drawings stand side by side where there is room, and one below the other on a phone. Both
axes are logarithmic: a power is a straight line, and its exponent, fitted by least squares to the
larger half of the sizes, stands at its end.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from benchmark_table import BenchmarkDirective

Points = list[tuple[float, float]]

LINES = {
    "time": ("time, µs", "var(--series-1, #0a69a8)", ""),
    "memory": ("memory, MB", "var(--series-4, #7354d7)", "5 4"),
}
AXIS = 'fill="none" stroke="currentColor"'
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 360, 270, 52, 92, 34, 44  # of a panel, in pixels


def series(table: dict[str, Any], column: str) -> Points:
    """Return the sizes of a table with how often a column has the figure of the smallest."""
    i = table["head"].index(column)
    rows = [(float(row[0]), float(row[i])) for row in table["rows"]]
    return [(size, value / rows[0][1]) for size, value in rows]


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return the exponent of a power that fits the larger half of some points best."""
    half = points[len(points) // 2 - (len(points) < 4) :]
    x = [math.log(size) for size, _ in half]
    y = [math.log(value) for _, value in half]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    across = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return across / sum((a - mean_x) ** 2 for a in x)


def panel(name: str, table: dict[str, Any], most: float) -> Iterator[str]:
    """Yield the parts of the drawing of one table; `most` is the largest growth of all."""
    found = {line: series(table, column) for line, (column, _, _) in LINES.items()}
    sizes = [size for size, _ in found["time"]]
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    low = min(0.5, *(value for points in found.values() for _, value in points))

    def across(size: float) -> float:
        return LEFT + inner_width * math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0])

    def up(value: float) -> float:
        return TOP + inner_height * (1 - math.log(value / low) / math.log(most / low))

    bottom = TOP + inner_height
    yield text(LEFT, TOP - 14, f"Growth with {name}", "start", 14)
    yield f'<path d="M{LEFT} {TOP}V{bottom}H{LEFT + inner_width}" {AXIS}/>'
    for size in sizes:
        yield text(across(size), bottom + 18, f"{size:g}", "middle")
    yield text(LEFT + inner_width / 2, bottom + 36, name, "middle")
    for power in range(math.floor(math.log10(most)) + 1):
        yield f'<path d="M{LEFT} {up(10**power):.1f}h{inner_width}" {AXIS} opacity="0.2"/>'
        yield text(LEFT - 6, up(10**power) + 4, f"{10**power}×", "end")
    ends = apart([up(points[-1][1]) for points in found.values()])
    for (line, points), end in zip(found.items(), ends, strict=True):
        _, color, dashes = LINES[line]
        path = "L".join(f"{across(size):.1f} {up(value):.1f}" for size, value in points)
        yield (
            f'<path d="M{path}" fill="none" style="stroke: {color}" stroke-width="2" '
            f'stroke-dasharray="{dashes}"/>'
        )
        for size, value in points:
            at = f'cx="{across(size):.1f}" cy="{up(value):.1f}"'
            yield f'<circle {at} r="3" style="fill: {color}"/>'
        label = f"{line} {exponent(points):.2f}"
        yield text(LEFT + inner_width + 5, end + 4, label, "start", fill=color)


def apart(ends: Sequence[float]) -> list[float]:
    """Return two heights moved so far from each other that both can be read."""
    first, second = ends
    gap = 14 - abs(first - second)
    if gap <= 0:
        return [first, second]
    sign = -1 if first <= second else 1
    return [first + sign * gap / 2, second - sign * gap / 2]


def text(x: float, y: float, words: str, anchor: str, size: int = 11, fill: str = "") -> str:
    """Return some words of a drawing."""
    color = fill or "currentColor"
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'style="fill: {color}">{escape(words)}</text>'
    )


def alternative(tables: dict[str, dict[str, Any]]) -> str:
    """Return what the plot shows, in words."""
    parts = [
        f"with {name} time has exponent {exponent(series(table, LINES['time'][0])):.2f} "
        f"and memory {exponent(series(table, LINES['memory'][0])):.2f}"
        for name, table in tables.items()
    ]
    return "Four plots with logarithmic axes. For large sizes, " + "; ".join(parts) + "."


def drawing(tables: dict[str, dict[str, Any]]) -> str:
    """Return the plots of tables, given by what grows."""
    most = 1.2 * max(
        v for t in tables.values() for c, _, _ in LINES.values() for _, v in series(t, c)
    )
    panels = "".join(
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">'
        f"{''.join(panel(name, table, most))}</svg>"
        for name, table in tables.items()
    )
    words = escape(alternative(tables))
    return f'<div class="growth" role="img" aria-label="{words}">{panels}</div>'


class BenchmarkGrowth(BenchmarkDirective):
    """The directive ``benchmark-growth``, with the name of a benchmark."""

    def run(self) -> list[nodes.Node]:
        """Return the plot, and below it the command that made its figures."""
        result = self.result()
        begin = "Growth with "
        tables = {
            title.removeprefix(begin): table
            for title, table in result["tables"].items()
            if title.startswith(begin)
        }
        told = f"Figures by `{result['command']}`; the exponents are of the larger half of sizes."
        plot = nodes.raw("", drawing(tables), format="html")
        return [plot, *self.parse_text_to_nodes(told)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("benchmark-growth", BenchmarkGrowth)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
