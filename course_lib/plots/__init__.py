"""Figures: each function takes data and returns a Matplotlib figure, and never shows it.

Call `use_style` once, at the top of a notebook. The colors differ in lightness and hue so that
they stay apart for color-blind readers; labels stand at the lines rather than in a legend.
"""

from course_lib._checks import not_installed

try:
    import matplotlib  # noqa: F401
except ModuleNotFoundError:
    raise not_installed("matplotlib", "Matplotlib", "plots") from None

from course_lib.plots.figures import (
    bands,
    confusion,
    decision_regions,
    functions,
    image_grid,
    intervals,
)
from course_lib.plots.graph import computation_graph
from course_lib.plots.reports import save, tuning_curves
from course_lib.plots.style import COLORS, direct_labels, use_style

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
    "save",
    "tuning_curves",
    "use_style",
]
