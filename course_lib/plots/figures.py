"""The figures of the chapters: bands, intervals, functions, regions, images, confusion."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, to_rgb
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_lib import activations
from course_lib._typing import Array
from course_lib.activations import Activation
from course_lib.plots.style import COLORS, CYCLE, MARKERS, direct_labels

__all__ = [
    "bands",
    "confusion",
    "decision_regions",
    "functions",
    "image_grid",
    "intervals",
]


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
        The same for all series.
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
        color = colors.get(name, CYCLE[i % len(CYCLE)])
        color = COLORS.get(color, color)
        style = styles.get(name, "-" if i < len(CYCLE) else "--")
        axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
        axes.plot(x, center, style, color=color)
        drawn = np.asarray(center, dtype=np.float64)
        drawn = drawn[np.isfinite(drawn)]
        if drawn.size:
            ends[name] = (float(drawn[-1]), color)
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
        color = CYCLE[0]
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
    pairs: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]]
    | Sequence[str | Activation],
    *,
    reach: float = 4.0,
    columns: int = 3,
) -> Figure:
    """Draw functions, solid, with their derivatives, dashed, one panel each.

    Parameters
    ----------
    pairs : mapping of str to (function, derivative), or sequence of str or Activation
        By the panel's title, the pair; or names of the catalogue, also with parameters, such as
        ``"elu(alpha=2.0)"``, and rows, which are titles themselves.
    reach : float
        The panels show -reach to reach.
    columns : int
        Panels in a row.

    Returns
    -------
    Figure
        With one panel for each pair.

    Raises
    ------
    KeyError
        If there is no such activation.
    ValueError
        If one is not elementwise.
    TypeError
        If `pairs` is neither a mapping nor a list.

    Examples
    --------
    >>> from course_lib.activations import tanh, tanh_grad
    >>> figure = functions({"tanh": (tanh, tanh_grad)}, columns=1)
    >>> other = functions(["elu", "elu(alpha=2.0)"])
    >>> plt.close(figure), plt.close(other)
    (None, None)
    """
    if not isinstance(pairs, Mapping):
        pairs = _named(pairs)
    figure, panels = _panels(len(pairs), columns, 2.3, 2.0)
    x = np.linspace(-reach, reach, 801)
    for axes, (name, (function, derivative)) in zip(panels, pairs.items(), strict=True):
        axes.plot(x, derivative(x), "--", color=COLORS["red"], linewidth=1.5)
        axes.plot(x, function(x), color=COLORS["blue"])
        axes.set(title=name, ylim=(-1.6, 2.6))
    return figure


def _named(names: Sequence[str | Activation]) -> dict[str, tuple[Any, Any]]:
    """Return the pairs of elementwise activations, by their names."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(
            f"pairs is {names!r}; expected a mapping of titles to pairs of functions, or a list of "
            f"activations, such as ['relu', 'elu(alpha=2.0)']"
        )
    rows = [activations.get(name) for name in names]
    for row in rows:
        if not row.elementwise:
            raise ValueError(
                f"{row.name!r} takes a whole axis, and has no curve; expected elementwise "
                f"activations"
            )
    return {row.name: (row.function, row.derivative) for row in rows}


def _panels(count: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels in rows, on common axes; width and height in inches."""
    rows = -(-count // columns)
    size = (width * columns, height * rows)
    figure, grid = plt.subplots(
        rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False
    )
    for axes in grid.flat[count:]:
        axes.set_visible(False)
    return figure, list(grid.flat[:count])


def decision_regions(
    panels: Mapping[str, Callable[[Array], Array]],
    x: Array,
    y: Array,
    *,
    resolution: int = 160,
    pad: float = 0.25,
) -> Figure:
    """Draw the regions in which a model predicts each class, with the data.

    Parameters
    ----------
    panels : mapping of str to callable
        By title, a function from points ``(n, 2)`` to class labels ``(n,)`` or to a score ``(n,)``
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
    figure, grid = _panels(len(panels), min(len(panels), 3), 2.6, 2.55)
    for axes, (title, model) in zip(grid, panels.items(), strict=True):
        values = np.asarray(model(points)).reshape(resolution, resolution).astype(float)
        if values.max() > 1 or classes > 2:
            colormap: Any = ListedColormap([_tint(CYCLE[k % len(CYCLE)]) for k in range(classes)])
            top = classes - 1
        else:
            colormap = LinearSegmentedColormap.from_list("two", [_tint(CYCLE[k]) for k in (0, 1)])
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
                x[y == k, 0],
                x[y == k, 1],
                s=size,
                color=CYCLE[k % 6],
                marker=MARKERS[k % 6],
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
    """Draw a confusion matrix: rows are true classes, columns predictions.

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


def _tint(color: str, strength: float = 0.28) -> tuple[float, ...]:
    """Return the color mixed with white."""
    return tuple(1 - strength * (1 - channel) for channel in to_rgb(color))
