"""Figures: each function takes data and returns a Matplotlib figure, and never shows it.

Call `use_style` once, at the top of a notebook. The colors differ in lightness and hue so that
they stay apart for color-blind readers; labels stand at the lines rather than in a legend.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from graphlib import TopologicalSorter
from importlib.resources import as_file, files
from itertools import pairwise
from typing import Any, cast

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from numpy.typing import ArrayLike

from course_lib._typing import Array

__all__ = [
    "COLORS",
    "bands",
    "computation_graph",
    "confusion",
    "decision_regions",
    "direct_labels",
    "functions",
    "image_grid",
    "intervals",
    "use_style",
]


COLORS = {
    "blue": "#0a69a8",
    "red": "#ff271d",
    "teal": "#00a3a2",
    "purple": "#7354d7",
    "green": "#6b9f38",
    "magenta": "#d92a68",
    "gray": "#747b85",
    "ink": "#2b313a",
}
"""The colors of the course by name; the first six are the cycle of the style sheet."""

_CYCLE = tuple(COLORS.values())[:6]
_MARKERS = "osD^vP"


def use_style() -> None:
    """Apply the style sheet of the course to all figures that follow.

    Examples
    --------
    >>> use_style()
    >>> plt.rcParams["axes.spines.top"]
    False
    """
    with as_file(files("course_lib").joinpath("course.mplstyle")) as path:
        plt.style.use(path)


def direct_labels(
    axes: Axes, labels: Mapping[str, tuple[float, str]], *, gap: float = 0.055
) -> None:
    """Write labels at the right edge, pushed apart where they would overlap.

    Parameters
    ----------
    axes : Axes
        Whose limits are final.
    labels : mapping of str to (float, str)
        Label -> height where its line ends, in data units, and color.
    gap : float
        Least distance between labels, as a share of the height of the axes.

    Examples
    --------
    >>> figure, axes = plt.subplots()
    >>> direct_labels(axes, {"tanh": (0.9, "#0a69a8"), "relu": (0.91, "#ff271d")})
    >>> [text.get_text() for text in axes.texts]
    ['tanh', 'relu']
    >>> plt.close(figure)
    """
    to_share = axes.transData + axes.transAxes.inverted()
    edge = axes.get_xlim()[1]
    items = sorted((to_share.transform((edge, y))[1], label, c) for label, (y, c) in labels.items())
    heights = np.array([item[0] for item in items])
    for _ in range(100):  # relax: push neighbors apart until none is closer than the gap
        short = gap - np.diff(heights)
        if not (short > 1e-6).any():
            break
        push = np.where(short > 0, short / 2, 0)
        heights[:-1] -= push
        heights[1:] += push
    for height, (_, label, color) in zip(heights, items, strict=True):
        axes.text(
            1.015, height, label, color=color, transform=axes.transAxes, va="center", weight="bold"
        )


def bands(
    x: ArrayLike,
    series: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]],
    *,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    xscale: str = "linear",
    yscale: str = "linear",
    ax: Axes | None = None,
    colors: Mapping[str, str] | None = None,
    styles: Mapping[str, str] | None = None,
    label: bool = True,
) -> Figure:
    """Draw lines with their intervals as bands, labeled where they end.

    Parameters
    ----------
    x : array_like, shape (n,)
        Shared by all series.
    series : mapping of str to (center, low, high)
        Each array_like of shape (n,).
    xlabel, ylabel, title : str
        With units. Empty ones leave those of `ax` as they are.
    xscale, yscale : str
        ``"linear"`` or ``"log"``.
    ax : Axes, optional
        Where to draw, such as one panel of several. Its limits, scales and texts stay unless they
        are given here; set limits before, since the labels are placed by them. By default, on axes
        of a new figure.
    colors : mapping of str to str, optional
        For each series a key of `COLORS`, or any other color; by default the colors of the style,
        in turn.
    styles : mapping of str to str, optional
        Formats of the lines, such as ``"--"`` or ``"o-"``, for the series that have one of their
        own.
    label : bool
        Write the name of each series where its line ends.

    Returns
    -------
    Figure
        The new one, or that of `ax`.

    Examples
    --------
    >>> figure = bands([1, 2], {"tanh": ([1, 2], [0, 1], [2, 3])}, xlabel="epoch", ylabel="loss")
    >>> plt.close(figure)
    """
    axes = plt.subplots()[1] if ax is None else ax
    colors, styles, ends = colors or {}, styles or {}, {}
    for i, (name, (center, low, high)) in enumerate(series.items()):
        color = colors.get(name, _CYCLE[i % len(_CYCLE)])
        color = COLORS.get(color, color)
        style = styles.get(name, "-" if i < len(_CYCLE) else "--")
        axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
        axes.plot(x, center, style, color=color)
        ends[name] = (float(np.asarray(center)[-1]), color)
    texts = {"xlabel": xlabel, "ylabel": ylabel, "title": title}
    axes.set(**{name: text for name, text in texts.items() if text})
    scales = {"xscale": xscale, "yscale": yscale}
    axes.set(**{name: scale for name, scale in scales.items() if ax is None or scale != "linear"})
    if ax is None:
        axes.margins(x=0.01)
    figure = cast(Figure, axes.figure)
    if label:
        figure.canvas.draw()  # settles the limits that the labels are placed by
        direct_labels(axes, ends)
    return figure


def intervals(
    groups: Mapping[str, tuple[float, float, float]], *, xlabel: str, title: str = ""
) -> Figure:
    """Draw one row for each group: its mean as a point, its interval as a bar.

    Parameters
    ----------
    groups : mapping of str to (center, low, high)
        Drawn from top to bottom.
    xlabel, title : str
        With units.

    Returns
    -------
    Figure
        With one pair of axes.

    Examples
    --------
    >>> figure = intervals({"tanh": (0.9, 0.89, 0.91)}, xlabel="test accuracy")
    >>> plt.close(figure)
    """
    figure, axes = plt.subplots(figsize=(6.4, 0.9 + 0.36 * len(groups)))
    for row, (center, low, high) in enumerate(groups.values()):
        color = _CYCLE[0]
        axes.plot(
            [low, high], [row, row], color=color, linewidth=5, alpha=0.35, solid_capstyle="butt"
        )
        axes.plot(center, row, "o", color=color)
    axes.set_yticks(range(len(groups)), list(groups))
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set(xlabel=xlabel, title=title)
    return figure


def functions(
    pairs: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]],
    *,
    reach: float = 4.0,
    columns: int = 3,
) -> Figure:
    """Draw functions, solid, with their derivatives, dashed, one panel each.

    Parameters
    ----------
    pairs : mapping of str to (function, derivative)
        Title of the panel -> the pair.
    reach : float
        The panels show -reach to reach.
    columns : int
        Panels in a row.

    Returns
    -------
    Figure
        With one panel for each pair.

    Examples
    --------
    >>> from course_lib.activations import tanh, tanh_grad
    >>> figure = functions({"tanh": (tanh, tanh_grad)}, columns=1)
    >>> plt.close(figure)
    """
    rows = -(-len(pairs) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(2.3 * columns, 2.0 * rows), sharex=True, sharey=True, squeeze=False
    )
    x = np.linspace(-reach, reach, 801)
    for axes in grid.flat[len(pairs) :]:
        axes.set_visible(False)
    for axes, (name, (function, derivative)) in zip(grid.flat, pairs.items(), strict=False):
        axes.plot(x, derivative(x), "--", color=COLORS["red"], linewidth=1.5)
        axes.plot(x, function(x), color=COLORS["blue"])
        axes.set(title=name, ylim=(-1.6, 2.6))
    return figure


def decision_regions(
    panels: Mapping[str, Callable[[Array], Array]],
    x: Array,
    y: Array,
    *,
    resolution: int = 160,
    pad: float = 0.25,
) -> Figure:
    """Draw where a model says which class, with the points it should get right.

    Parameters
    ----------
    panels : mapping of str to callable
        Title -> function from points ``(n, 2)`` to class labels ``(n,)`` or to a score ``(n,)``
        from 0 to 1.
    x : ndarray, shape (points, 2)
        The data.
    y : ndarray of int, shape (points,)
        Their classes.
    resolution : int
        Grid points along each side.
    pad : float
        Margin around the data, in data units.

    Returns
    -------
    Figure
        With one panel for each model.

    Examples
    --------
    >>> from course_lib.data import xor
    >>> figure = decision_regions({"x1 > 1/2": lambda p: p[:, 0] > 0.5}, *xor(), resolution=20)
    >>> plt.close(figure)
    """
    low, high = x.min(axis=0) - pad, x.max(axis=0) + pad
    sides = [np.linspace(low[k], high[k], resolution) for k in (0, 1)]
    points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    classes = int(y.max()) + 1
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(2.6 * columns, 2.55 * rows), sharex=True, sharey=True, squeeze=False
    )
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, (title, model) in zip(grid.flat, panels.items(), strict=False):
        values = np.asarray(model(points)).reshape(resolution, resolution).astype(float)
        if values.max() > 1 or classes > 2:
            colormap: Any = ListedColormap([_tint(_CYCLE[k % len(_CYCLE)]) for k in range(classes)])
            top = classes - 1
        else:
            colormap = LinearSegmentedColormap.from_list("two", [_tint(_CYCLE[k]) for k in (0, 1)])
            top = 1
        axes.imshow(
            values,
            extent=(low[0], high[0], low[1], high[1]),
            origin="lower",
            cmap=colormap,
            vmin=0,
            vmax=top,
            aspect="equal",
            interpolation="nearest",
        )
        size = 42 if len(x) <= 8 else 9
        for k in range(classes):
            axes.scatter(
                *x[y == k].T,
                s=size,
                color=_CYCLE[k % 6],
                marker=_MARKERS[k % 6],
                edgecolor="white",
                linewidth=0.4 if size < 20 else 1,
                zorder=3,
            )
        axes.set_title(title)
        axes.grid(visible=False)
    return figure


def image_grid(images: Array, titles: Sequence[str] | None = None, *, columns: int = 10) -> Figure:
    """Draw gray images in rows, dark ink on a light ground.

    Parameters
    ----------
    images : ndarray, shape (n, height, width)
        Larger is darker.
    titles : sequence of str, optional
        One for each image.
    columns : int
        Images in a row.

    Returns
    -------
    Figure
        With one panel for each image.

    Examples
    --------
    >>> figure = image_grid(np.zeros((3, 28, 28)), ["a", "b", "c"], columns=3)
    >>> plt.close(figure)
    """
    rows = -(-len(images) // columns)
    height = 0.66 if titles is None else 0.82
    figure, grid = plt.subplots(
        rows, columns, figsize=(0.68 * columns, height * rows), squeeze=False
    )
    for k, axes in enumerate(grid.flat):
        axes.axis("off")
        if k < len(images):
            axes.imshow(images[k], cmap="gray_r")
            if titles is not None:
                axes.set_title(titles[k], fontsize=8, loc="center", weight="normal", pad=2)
    return figure


def confusion(counts: Array, names: Sequence[str], *, title: str = "") -> Figure:
    """Draw a confusion matrix: rows are what it was, columns what the model said.

    Parameters
    ----------
    counts : ndarray of int, shape (classes, classes)
        Row: true class, column: answer.
    names : sequence of str
        Of the classes.
    title : str
        What was counted.

    Returns
    -------
    Figure
        The diagonal is left gray, so that the colors show the mistakes.

    Examples
    --------
    >>> figure = confusion(np.array([[9, 1], [0, 10]]), ["cat", "dog"])
    >>> plt.close(figure)
    """
    figure, axes = plt.subplots(figsize=(5.2, 4.6))
    mistakes = np.where(np.eye(len(counts), dtype=bool), 0, counts).astype(float)
    reds = LinearSegmentedColormap.from_list("mistakes", ["#ffffff", COLORS["red"]])
    axes.imshow(mistakes, cmap=reds, vmin=0, vmax=max(mistakes.max(), 1) * 1.6)
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            if count:
                color = COLORS["gray"] if i == j else COLORS["ink"]
                axes.text(j, i, f"{count:g}", ha="center", va="center", color=color, fontsize=9)
    axes.set_xticks(range(len(names)), names, rotation=0 if max(map(len, names)) < 3 else 60)
    axes.set_yticks(range(len(names)), names)
    axes.grid(visible=False)
    axes.set(xlabel="the model's answer", ylabel="what it was", title=title)
    return figure


def _tint(color: str, share: float = 0.28) -> tuple[float, ...]:
    """Return the color mixed with white."""
    return tuple(1 - share * (1 - channel) for channel in to_rgb(color))


# ---------------------------------------------------------------------------------------------
# Graphs
# ---------------------------------------------------------------------------------------------

_MOST_NODES = 60
_BOX, _LINE, _COLUMN_GAP, _ROW_GAP, _MARGIN = 0.62, 0.17, 0.34, 0.14, 0.08  # in inches
_FONT = 9  # points
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SYMBOLS = {"-": "\N{MINUS SIGN}", "*": "×", "/": "÷"}

Place = tuple[Any, int]  # a node, and its column or one that an arrow from it passes


def computation_graph(value: Any, *, labels: Mapping[str, Any] | None = None) -> Figure:
    """Draw how a value was computed: inputs on the left, the result on the right.

    A node tells its name and its operation, its value and, where a backward has been, its gradient
    after a ∂.

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
    width = max(0.6, 0.18 + max(_width(text) for lines in texts for text, _ in lines))
    columns = _columns(nodes)
    routes = [_route(parent, user, columns) for user in nodes for parent, _ in user.parents]
    heights = _heights([*columns.items()], routes)
    at = {place: (place[1] * (width + _COLUMN_GAP), y) for place, y in heights.items()}
    sides = np.array([width, _BOX]) / 2
    edges = [np.array(at[box]) + sign * sides for box in columns.items() for sign in (-1, 1)]
    figure, axes = _canvas([*edges, *at.values()])
    for place, lines in zip(columns.items(), texts, strict=True):
        _draw_box(axes, at[place], width, lines, rounded=bool(place[0].parents))
        arriving = sorted((r for r in routes if r[-1] == place), key=lambda r: heights[r[-2]])
        for route, port in zip(arriving, _ports(len(arriving)), strict=True):
            _draw_arrow(axes, [at[passed] for passed in route], width, port)
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


def _ports(count: int) -> Array:
    """Return where arrows arrive at a box, from its middle: a second one below the first."""
    return _BOX / 2 * (np.arange(count) - (count - 1) / 2) / max(count - 1, 1)


def _heights(boxes: Sequence[Place], routes: Sequence[Sequence[Place]]) -> dict[Place, float]:
    """Return heights, downward, that keep arrows short and boxes apart."""
    rows: dict[int, list[Place]] = {}
    for place in dict.fromkeys([*boxes, *(place for route in routes for place in route)]):
        rows.setdefault(place[1], []).append(place)
    heights = {place: float(k) for row in rows.values() for k, place in enumerate(row)}
    pulls = _pulls(boxes, routes)
    # from the right and from the left in turns; at last, all are drawn to both sides
    for sweep, sides in enumerate([("right",), ("left",)] * 8 + [("right", "left")] * 8):
        for column in sorted(rows, reverse=sweep % 2 == 0):
            row = rows[column]
            wanted = {}
            for place in row:
                drawn = [heights[to] + by for side in sides for to, by in pulls[side][place]]
                wanted[place] = np.mean(drawn) if drawn else heights[place]
            row.sort(key=wanted.__getitem__)
            sizes = np.array([_BOX if place in boxes else 0.0 for place in row])
            gaps = (sizes[1:] + sizes[:-1]) / 2 + _ROW_GAP
            spread = _apart(np.array([wanted[place] for place in row]), gaps)
            heights.update(zip(row, spread.tolist(), strict=True))
    return heights


def _pulls(
    boxes: Sequence[Place], routes: Sequence[Sequence[Place]]
) -> dict[str, dict[Place, list[tuple[Place, float]]]]:
    """Return, for each place, where its arrows on either side would have it."""
    right, left = defaultdict(list), defaultdict(list)
    for box in boxes:
        arriving = [route for route in routes if route[-1] == box]
        for route, port in zip(arriving, _ports(len(arriving)), strict=True):
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
    axes: Axes, route: Sequence[tuple[float, float]], width: float, port: float
) -> None:
    """Draw an arrow that curves between columns and goes straight through those that it passes."""
    (x, y), *rest = route
    corners = [(x + width / 2, y)]
    codes = [Path.MOVETO]
    for i, (x, y) in enumerate(rest):
        before, after = corners[-1], (x - width / 2, y)
        if i == len(rest) - 1:
            after = (after[0], y + port)
        middle = (before[0] + after[0]) / 2
        corners += [(middle, before[1]), (middle, after[1]), after, (x + width / 2, y)]
        codes += [Path.CURVE4] * 3 + [Path.LINETO]
    path = Path(corners[:-1], codes[:-1])
    axes.add_patch(
        FancyArrowPatch(
            path=path, arrowstyle="-|>", mutation_scale=9, color=COLORS["gray"], linewidth=1
        )
    )
