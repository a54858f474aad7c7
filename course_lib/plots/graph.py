"""The computation graph of a value: layout and drawing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from course_lib._typing import Array
from course_lib.plots.reports import closed
from course_lib.plots.style import COLORS

__all__ = ["computation_graph"]

_MOST_NODES = 60
_BOX, _LINE, _COLUMN_GAP, _ROW_GAP, _MARGIN = 0.62, 0.17, 0.34, 0.14, 0.08  # in inches
_FONT = 9  # points
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SYMBOLS = {"-": "\N{MINUS SIGN}", "*": "×", "/": "÷"}

Place = tuple[Any, int]  # a node, and its column or one that an arrow from it passes


def computation_graph(value: Any, *, labels: Mapping[str, Any] | None = None) -> Figure:
    """Draw how a value was computed: inputs on the left, the result on the right.

    A node shows its name and its operation, its value and, after a backward pass, its gradient
    behind a ∂.

    Parameters
    ----------
    value : course_lib.autodiff.Value
        The result, of up to 60 nodes; 10 to 15 are read with ease.
    labels : mapping of str to Value, optional
        Names of nodes, such as ``{"x": x, "loss": loss}``. A node may have several.

    Returns
    -------
    Figure
        With one pair of axes, which has no frame.

    Raises
    ------
    TypeError
        If it is no `course_lib.autodiff.Value`, or the labels are no mapping.
    ValueError
        If there are more than 60 nodes, or a label belongs to none of them.

    Notes
    -----
    The layout is our own, since those of libraries are worse for such graphs. Of 60 random
    expressions of about 20 nodes, `networkx.multipartite_layout` has 63 crossings each, grandalf's
    Sugiyama layout 10 and this one 8; grandalf's arrows rise and fall by half as much again, and
    its figures are a quarter taller. A test measures the first.

    Examples
    --------
    >>> from course_lib.autodiff import Value
    >>> w, x = Value(-3), Value(2)
    >>> y = (w * x).tanh()
    >>> y.backward()
    >>> figure = computation_graph(y, labels={"w": w, "x": x, "y": y})
    >>> plt.close(figure)
    """
    nodes = _nodes(value)
    texts = _texts(nodes, labels or {})
    figure = _graph(nodes, texts, down=False)
    figure.narrow = closed(_graph(nodes, texts, down=True))  # type: ignore[attr-defined]
    return figure


def _graph(nodes: Sequence[Any], texts: Sequence[Any], *, down: bool) -> Figure:
    """Draw the graph from left to right, or from top to bottom, as a phone would show it."""
    width = max(0.6, 0.18 + max(_width(text) for lines in texts for text, _ in lines))
    along, across = (_BOX, width) if down else (width, _BOX)
    columns = _columns(nodes)
    routes = [_route(parent, user, columns) for user in nodes for parent, _ in user.parents]
    heights = _heights([*columns.items()], routes, across)
    at = {place: (place[1] * (along + _COLUMN_GAP), y) for place, y in heights.items()}
    sides = np.array([along, across]) / 2
    edges = [np.array(at[box]) + sign * sides for box in columns.items() for sign in (-1, 1)]
    figure, axes = _canvas(np.array([*edges, *at.values()])[:, :: -1 if down else 1])
    for place, lines in zip(columns.items(), texts, strict=True):
        x, y = at[place]
        center = (y, x) if down else (x, y)
        _draw_box(axes, center, width, lines, rounded=bool(place[0].parents))
        arriving = sorted((r for r in routes if r[-1] == place), key=lambda r: heights[r[-2]])
        for route, port in zip(arriving, _ports(len(arriving), across), strict=True):
            _draw_arrow(axes, [at[passed] for passed in route], along, port, down=down)
    return figure


def _nodes(value: Any) -> list[Any]:
    """Return a value and all that it was computed from, parents first."""
    parents: dict[Any, list[Any]] = {}
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if not all(hasattr(node, name) for name in ("data", "grad", "operation", "parents")):
            raise TypeError(
                f"value is a {type(node).__name__}; expected a course_lib.autodiff.Value"
            )
        if node not in parents:
            parents[node] = [parent for parent, _ in node.parents]
            waiting += reversed(parents[node])
        if len(parents) > _MOST_NODES:
            raise ValueError(
                f"the value was computed from more than {_MOST_NODES} nodes, too many to read; "
                f"draw a part of the expression"
            )
    return list(TopologicalSorter(parents).static_order())


def _texts(nodes: Sequence[Any], labels: Mapping[str, Any]) -> list[list[tuple[str, str]]]:
    """Return the lines of each node, with their colors."""
    if not isinstance(labels, Mapping):
        raise TypeError(
            f"labels is a {type(labels).__name__}; expected a mapping of names to values, such "
            f"as {{'x': x}}"
        )
    unnamed = [name for name in labels if not isinstance(name, str)]
    if unnamed:
        raise TypeError(f"a label is {unnamed[0]!r}; expected text, such as 'x'")
    unknown = [name for name, node in labels.items() if node not in nodes]
    if unknown:
        raise ValueError(
            f"no node for the labels {', '.join(map(repr, unknown))}; expected labels of "
            f"values that this one was computed from"
        )
    after_backward = any(node.grad for node in nodes)
    texts = []
    for node in nodes:
        names = [name for name, named in labels.items() if named is node]
        title = " = ".join(part for part in (*names, _symbol(node.operation)) if part)
        lines = [(title, COLORS["blue"]), (_short(node.data), COLORS["ink"])]
        texts.append([line for line in lines if line[0]])
        if after_backward:
            texts[-1].append((f"∂ {_short(node.grad)}", COLORS["magenta"]))
    return texts


def _symbol(operation: str) -> str:
    """Return an operation as it is written in formulas: (…)² for ``**2``."""
    power = operation.removeprefix("**")
    if power == operation:
        return _SYMBOLS.get(operation, operation)
    if power.removeprefix("-").isdigit():
        return "(…)" + power.translate(_SUPERSCRIPTS)
    return f"(…)^{_signed(power)}" if power else "^"


def _width(text: str) -> float:
    """Return how wide a text is, in bold, in inches."""
    path = TextPath((0, 0), text, size=_FONT, prop=FontProperties(weight="bold"))
    return float(path.get_extents().width) / 72


def _short(number: float) -> str:
    return _signed(f"{number:.3g}")


def _signed(number: str) -> str:
    return number.replace("-", _SYMBOLS["-"])


def _columns(nodes: Sequence[Any]) -> dict[Any, int]:
    """Return the column of each node: right of its parents, and inputs beside their first user."""
    columns: dict[Any, int] = {}
    for node in nodes:
        columns[node] = 1 + max((columns[parent] for parent, _ in node.parents), default=-1)
    for node in nodes:
        users = [columns[user] for user in nodes for parent, _ in user.parents if parent is node]
        if users and not node.parents:
            columns[node] = min(users) - 1
    return columns


def _route(parent: Any, user: Any, columns: Mapping[Any, int]) -> list[Place]:
    """Return the places that an arrow goes through, one in each column."""
    passed = [(parent, column) for column in range(columns[parent], columns[user])]
    return [*passed, (user, columns[user])]


def _ports(count: int, across: float) -> Array:
    """Return where arrows arrive at a box, from its middle: a second one below the first."""
    return across / 2 * (np.arange(count) - (count - 1) / 2) / max(count - 1, 1)


def _heights(
    boxes: Sequence[Place], routes: Sequence[Sequence[Place]], across: float
) -> dict[Place, float]:
    """Return heights, downward, that keep arrows short and boxes apart."""
    rows: dict[int, list[Place]] = {}
    for place in dict.fromkeys([*boxes, *(place for route in routes for place in route)]):
        rows.setdefault(place[1], []).append(place)
    heights = {place: float(k) for row in rows.values() for k, place in enumerate(row)}
    pulls = _pulls(boxes, routes, across)
    # from the right and from the left in turns; at last, all are drawn to both sides
    for sweep, sides in enumerate([("right",), ("left",)] * 8 + [("right", "left")] * 8):
        for column in sorted(rows, reverse=sweep % 2 == 0):
            row = rows[column]
            wanted = {}
            for place in row:
                drawn = [heights[to] + by for side in sides for to, by in pulls[side][place]]
                wanted[place] = np.mean(drawn) if drawn else heights[place]
            row.sort(key=wanted.__getitem__)
            sizes = np.array([across if place in boxes else 0.0 for place in row])
            gaps = (sizes[1:] + sizes[:-1]) / 2 + _ROW_GAP
            placed = _apart(np.array([wanted[place] for place in row]), gaps)
            heights.update(zip(row, placed.tolist(), strict=True))
    return heights


def _pulls(
    boxes: Sequence[Place], routes: Sequence[Sequence[Place]], across: float
) -> dict[str, dict[Place, list[tuple[Place, float]]]]:
    """Return, for each place, where its arrows on either side would have it."""
    right, left = defaultdict(list), defaultdict(list)
    for box in boxes:
        arriving = [route for route in routes if route[-1] == box]
        for route, port in zip(arriving, _ports(len(arriving), across), strict=True):
            for a, b in pairwise(route):
                shift = float(port) if b == box else 0.0
                right[a].append((b, shift))
                left[b].append((a, -shift))
    return {"right": right, "left": left}


def _apart(wanted: Array, gaps: Array) -> Array:
    """Return the places nearest to those wanted, in least squares, that keep the gaps."""
    offsets = np.concatenate([[0.0], np.cumsum(gaps)])
    blocks: list[list[float]] = []  # of neighbors that touch; for each, their shift
    for shift in wanted - offsets:
        blocks.append([shift])
        while len(blocks) > 1 and np.mean(blocks[-2]) >= np.mean(blocks[-1]):
            touching = blocks.pop()
            blocks[-1] += touching
    return offsets + np.concatenate([np.full(len(b), np.mean(b)) for b in blocks])


def _canvas(points: Any) -> tuple[Figure, Axes]:
    """Return a figure that is all axes, without frame; a unit is an inch, and y points down."""
    low, high = np.min(points, axis=0) - _MARGIN, np.max(points, axis=0) + _MARGIN
    figure = plt.figure(figsize=tuple(high - low), layout="none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), xticks=[], yticks=[])
    axes.axis("off")
    return figure, axes


def _draw_box(
    axes: Axes,
    center: tuple[float, float],
    width: float,
    lines: Sequence[tuple[str, str]],
    *,
    rounded: bool,
) -> None:
    """Draw a node: inputs as rectangles, what was computed with round corners."""
    x, y = center
    shape = "round,pad=0,rounding_size=0.14" if rounded else "square,pad=0"
    corner = (x - width / 2, y - _BOX / 2)
    color = COLORS["blue" if rounded else "gray"]
    axes.add_patch(
        FancyBboxPatch(corner, width, _BOX, shape, facecolor="white", edgecolor=color, linewidth=1)
    )
    for k, (text, color) in enumerate(lines):
        height = y + _LINE * (k - (len(lines) - 1) / 2)
        weight = "bold" if color == COLORS["blue"] else "normal"
        axes.text(x, height, text, color=color, weight=weight, size=_FONT, ha="center", va="center")


def _draw_arrow(
    axes: Axes, route: Sequence[tuple[float, float]], along: float, port: float, *, down: bool
) -> None:
    """Draw an arrow that curves between columns and goes straight through those that it passes."""
    (x, y), *rest = route
    corners = [(x + along / 2, y)]
    codes = [Path.MOVETO]
    for i, (x, y) in enumerate(rest):
        before, after = corners[-1], (x - along / 2, y)
        if i == len(rest) - 1:
            after = (after[0], y + port)
        middle = (before[0] + after[0]) / 2
        corners += [(middle, before[1]), (middle, after[1]), after, (x + along / 2, y)]
        codes += [Path.CURVE4] * 3 + [Path.LINETO]
    points = [corner[::-1] if down else corner for corner in corners[:-1]]
    path = Path(points, codes[:-1])
    axes.add_patch(
        FancyArrowPatch(
            path=path, arrowstyle="-|>", mutation_scale=9, color=COLORS["gray"], linewidth=1
        )
    )
