"""The style sheet of the course, its colors, and labels at the lines."""

from collections.abc import Mapping
from importlib.resources import as_file, files

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from course_lib._typing import Array

__all__ = ["COLORS", "direct_labels", "use_style"]

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

CYCLE = tuple(COLORS.values())[:6]
MARKERS = "osD^vP"


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


def push_apart(heights: Array, gap: float) -> Array:
    """Return sorted heights of shape (n,), neighbors pushed apart until none is within the gap."""
    heights = heights.copy()
    for _ in range(200):
        short = gap - np.diff(heights)
        if not (short > 1e-6).any():
            break
        push = np.where(short > 0, short / 2, 0)
        heights[:-1] -= push
        heights[1:] += push
    return heights


def direct_labels(
    axes: Axes, labels: Mapping[str, tuple[float, str]], *, gap: float = 0.055
) -> None:
    """Write labels at the right edge, pushed apart where they would overlap.

    Parameters
    ----------
    axes : Axes
        Whose limits are final.
    labels : mapping of str to (float, str)
        By label, the height where its line ends, in data units, and color.
    gap : float
        Least distance between labels, as a fraction of the height of the axes.

    Examples
    --------
    >>> figure, axes = plt.subplots()
    >>> direct_labels(axes, {"tanh": (0.9, "#0a69a8"), "relu": (0.91, "#ff271d")})
    >>> [text.get_text() for text in axes.texts]
    ['tanh', 'relu']
    >>> plt.close(figure)
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    edge = axes.get_xlim()[1]
    items = sorted((to_axes.transform((edge, y))[1], label, c) for label, (y, c) in labels.items())
    heights = np.array([item[0] for item in items])
    heights = push_apart(heights, gap)
    for height, (_, label, color) in zip(heights, items, strict=True):
        axes.text(
            1.015, height, label, color=color, transform=axes.transAxes, va="center", weight="bold"
        )
