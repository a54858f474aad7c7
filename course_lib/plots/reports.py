"""Figures of reports on sweeps, and figures in files."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_lib.plots.figures import bands
from course_lib.plots.style import CYCLE, MARKERS, direct_labels

__all__ = ["save", "tuning_curves"]


def tuning_curves(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]],
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
) -> Figure:
    """Draw scores against what was tuned, with their intervals as bands, each with its own values.

    Parameters
    ----------
    curves : mapping of str to (value, center, low, high)
        Each array_like of shape (n,), of finite numbers; the values above 0, from small to large.
    xlabel, ylabel, title : str
        With units.

    Returns
    -------
    Figure
        With one pair of axes, the values on a logarithmic scale; labels are written at the right.

    Examples
    --------
    >>> curve = [0.01, 0.1, 1.0], [0.5, 0.9, 0.2], [0.4, 0.8, 0.1], [0.6, 1.0, 0.3]
    >>> figure = tuning_curves({"tanh": curve}, xlabel="learning rate", ylabel="accuracy")
    >>> plt.close(figure)
    """
    figure, axes = plt.subplots()
    ends = {}
    for i, (name, (value, *interval)) in enumerate(curves.items()):
        color = CYCLE[i % len(CYCLE)]
        style = {name: f"{MARKERS[i % len(MARKERS)]}-"}
        bands(
            value,
            {name: (interval[0], interval[1], interval[2])},
            ax=axes,
            colors={name: color},
            styles=style,
            label=False,
        )
        ends[name] = float(np.asarray(interval[0])[-1]), color
    axes.set(xscale="log", xlabel=xlabel, ylabel=ylabel, title=title)
    figure.canvas.draw()  # settles the limits that the labels are placed by
    direct_labels(axes, ends)
    return figure


def save(figure: Figure, path: Path) -> list[Path]:
    """Write a figure as PNG and as SVG, and close it; equal figures give equal files.

    Parameters
    ----------
    figure : Figure
        What is drawn.
    path : Path
        Of the files, without the ending.

    Returns
    -------
    list of Path
        Of both files.

    Raises
    ------
    OSError
        If one cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     [written.name for written in save(plt.figure(), Path(folder, "results"))]
    ['results.png', 'results.svg']
    """
    files = [path.with_name(f"{path.name}.{kind}") for kind in ("png", "svg")]
    try:
        with mpl.rc_context({"svg.hashsalt": path.name}):
            figure.savefig(files[0], metadata={"Software": None}, bbox_inches="tight")
            figure.savefig(files[1], metadata={"Date": None}, bbox_inches="tight")
    finally:
        plt.close(figure)
    return files


def closed(figure: Figure) -> Figure:
    """Return a figure that can still be saved, but that pyplot no longer keeps.

    Examples
    --------
    >>> figure = closed(plt.figure())
    >>> figure.number in plt.get_fignums()
    False
    """
    plt.close(figure)
    return figure
