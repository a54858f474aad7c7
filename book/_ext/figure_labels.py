"""Put the texts of a figure where there is room for them, in its form for phones."""

import re
import textwrap
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox, ScaledTranslation

from course_lib.plots.style import push_apart

LEAST = 9.0  # points, of any text
BESIDE = 0.95  # inches that a label right of its axes may take
ROOM = 1.25  # inches that names of rows may take left of them
ROW = 0.29  # inches of a row that has its name above it
ABOVE = 4.0  # points between a line and the label above it
INK = 0.02  # part of the darkest that lines under a text may add up to
MATH = re.compile(r"\$[^$]*\$")


def resize(figure: Figure) -> None:
    """Write everything in 9 points, since nothing shrinks on a phone; keep larger titles."""
    titles = {title for axes in figure.axes for title in titles_of(axes)}
    for text in figure.findobj(Text):
        size = text.get_fontsize()
        text.set_fontsize(max(size, LEAST) if text in titles else LEAST)
    for axes in figure.axes:
        axes.tick_params(labelsize=LEAST)


def titles_of(axes: Axes) -> tuple[Text, Text, Text]:
    """Return the titles at the left, in the middle and at the right."""
    return axes._left_title, axes.title, axes._right_title


def width(text: Text) -> float:
    """Return how wide a text is, in inches."""
    return float(text.get_window_extent().width) / text.figure.figure.dpi


def wrap(text: Text, inches: float) -> None:
    """Break the lines of a text that is wider than so many inches; formulas stay whole."""
    words = " ".join(text.get_text().split())
    if not words or width(text) <= inches:
        return
    whole = MATH.sub(lambda found: found[0].replace(" ", "\0"), words)
    for length in range(len(whole), 7, -1):
        lines = textwrap.wrap(whole, length, break_long_words=False)
        text.set_text("\n".join(lines).replace("\0", " "))
        if width(text) <= inches:
            return


def place(axes: Axes, text: Text) -> tuple[float, float]:
    """Return where a text is anchored, as fractions of the axes."""
    at = text.get_transform().transform(text.get_unitless_position())
    return tuple(axes.transAxes.inverted().transform(at))


def beside(axes: Axes) -> list[Text]:
    """Return the labels right of the axes, from top to bottom."""
    found = [
        text
        for text in axes.texts
        if text.get_text() and not isinstance(text, Annotation) and place(axes, text)[0] > 1
    ]
    return sorted(found, key=lambda text: -place(axes, text)[1])


def gather(axes: Axes, room: float) -> None:
    """Turn labels right of the axes that are too wide for a phone into a key above them.

    What has no color of its own goes to the end of its line, within the axes.
    """
    labels = beside(axes)
    if not labels or max(map(width, labels)) <= BESIDE:
        return
    if all(line_of(axes, label) for label in labels):
        key(axes, labels, room)
        return
    above = ScaledTranslation(0, ABOVE / 72, axes.figure.figure.dpi_scale_trans)
    for label in labels:
        label.set_position((1, place(axes, label)[1]))
        label.set(transform=axes.transAxes + above, ha="right", va="bottom")


def line_of(axes: Axes, label: Text) -> Line2D | None:
    """Return the line that has the color of a label, alone among the labels."""
    color = label.get_color()
    others = [text for text in beside(axes) if same_color(text.get_color(), color)]
    own = [line for line in axes.lines if same_color(line.get_color(), color)]
    containers = [part for box in axes.containers for part in box if isinstance(part, Line2D)]
    own += [line for line in containers if same_color(line.get_color(), color)]
    return own[0] if own and len(others) == 1 else None


def key(axes: Axes, labels: Sequence[Text], room: float) -> None:
    """Write labels above the axes, each after a piece of its line, and move the title up."""
    handles = []
    for label in labels:
        line = line_of(axes, label)
        assert line is not None
        looks = {"linestyle": line.get_linestyle(), "marker": line.get_marker(), "markersize": 4}
        handles.append(Line2D([], [], color=label.get_color(), **looks))
    widest = max(map(width, labels)) + 0.45
    legend = axes.legend(
        handles,
        [label.get_text() for label in labels],
        labelcolor="linecolor",
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=max(1, min(len(labels), int(room / widest))),
        prop={"size": LEAST, "weight": "bold"},
        handlelength=1.6,
        columnspacing=1,
        borderpad=0,
        borderaxespad=0.4,
        labelspacing=0.3,
    )
    for label in labels:
        label.remove()
    height = legend.get_window_extent().height / axes.figure.figure.dpi * 72
    raise_title(axes, height + 8)


def raise_title(axes: Axes, points: float) -> None:
    """Leave so many points between axes and title."""
    for side, title in zip(("left", "center", "right"), titles_of(axes), strict=True):
        if title.get_text():
            looks = {name: getattr(title, f"get_{name}")() for name in ("color", "weight", "size")}
            axes.set_title(title.get_text(), loc=side, pad=points, **looks)


def spread(axes: Axes) -> None:
    """Push the labels right of the axes apart where they overlap, by as little as it takes."""
    labels = beside(axes)[::-1]
    if len(labels) < 2:
        return
    frame = axes.get_window_extent()
    gap = 1.02 * max(text.get_window_extent().height for text in labels) / frame.height
    heights = push_apart(np.array([place(axes, text)[1] for text in labels]), gap)
    heights += max(0, -0.04 - heights[0])
    for text, height in zip(labels, heights, strict=True):
        side = place(axes, text)[0]
        text.set(transform=axes.transAxes, position=(side, height))


def name_rows(group: Sequence[Axes], height: float) -> float:
    """Find room for the names of rows that axes have in common; return how high these then are.

    Long names are broken. Where that would take more than three lines, or there are many rows,
    they go above the rows.
    """
    first = group[0]
    heights = first.get_yticks()
    names = [
        str(n).replace("\n", ", ") for n in first.yaxis.get_major_formatter().format_ticks(heights)
    ]
    probe = first.figure.text(0, 0, "", fontsize=LEAST)
    broken, widths = [], []
    for name in names:
        probe.set_text(name.replace(",,", ","))
        wrap(probe, ROOM)
        broken.append(probe.get_text())
        widths.append(width(probe))
    probe.remove()
    lines = max(name.count("\n") for name in broken) + 1
    if lines == 1 and max(widths) <= ROOM:
        return height
    if lines <= 3 and len(names) <= 12 and max(widths) <= ROOM:
        first.set_yticks(heights, broken)
        return max(height, (0.16 * lines + 0.03) * len(names))
    first.set_yticks(heights, [""] * len(heights))
    bottom, top = first.get_ylim()
    first.set_ylim(bottom, top + (top - bottom) / len(names) / 2)
    for axes in group:
        axes.tick_params(axis="y", length=0)
        for level, name in zip(heights, names, strict=True):
            write_above(axes, level, name)
    return max(height, ROW * len(names))


def write_above(axes: Axes, height: float, name: str) -> None:
    """Write the name of a row above it, at the left within the axes."""
    axes.annotate(
        name,
        (0, height),
        (3, 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        fontsize=LEAST,
        va="bottom",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
    )


def head(figure: Figure, across: float) -> tuple[float, list[tuple[Text, float]]]:
    """Set free texts of the figure in lines; return how high these are, and where each stands."""
    own = {figure._suptitle, figure._supxlabel, figure._supylabel}
    x, y, places = 0.05, 0.0, []
    for text in sorted(set(figure.texts) - own, key=figure.texts.index):
        if x + width(text) > across:
            x, y = 0.05, y + 0.17
        text.set(x=x / across, va="top", ha="left")
        x += width(text) + 0.15
        places.append((text, y + 0.04))
    return (y + 0.2 if places else 0.0), places


def thin_out(axes: Axes) -> None:
    """Leave out labels of ticks that would touch: every second one, or more."""
    for axis, side in ((axes.xaxis, "width"), (axes.yaxis, "height")):
        for step in range(2, 9):
            shown = [label for label in axis.get_ticklabels() if label.get_text()]
            boxes = [label.get_window_extent() for label in shown if label.get_visible()]
            if not touching(boxes, side):
                break
            if step == 2:
                locations, names = (
                    axis.get_ticklocs(),
                    [t.get_text() for t in axis.get_ticklabels()],
                )
            axis.set_ticks(locations[::step], names[::step])


def touching(boxes: Sequence[Bbox], side: str) -> bool:
    """Return whether neighbors among boxes in a row overlap, or nearly."""
    low, high, gap = ("x0", "x1", 4) if side == "width" else ("y0", "y1", -2)
    ordered = sorted(boxes, key=lambda box: getattr(box, low))
    pairs = pairwise(ordered)
    return any(getattr(b, low) - getattr(a, high) < gap for a, b in pairs)


def settle(figure: Figure, panels: Iterable[Axes]) -> None:
    """Move texts within axes off the lines and off each other, by as little as it takes.

    Where they stand clear, they stay. What stands on images or has a ground of its own stays too.
    """
    texts = {axes: movable(axes) for axes in panels}
    ink = drawn(figure, [text for own in texts.values() for text in own])
    for axes, own in texts.items():
        taken: list[Bbox] = []
        for text in sorted(own, key=lambda text: -text.get_window_extent().width):
            text.set_rotation(0)
            wrap(text, 0.96 * axes.get_window_extent().width / figure.dpi)
            taken.append(move(axes, text, ink, taken))


def movable(axes: Axes) -> list[Text]:
    """Return the texts within axes that may move."""
    if axes.images or not axes.axison or any(c.get_array() is not None for c in axes.collections):
        return []
    outside = beside(axes)
    return [
        text
        for text in axes.texts
        if text.get_text()
        and text not in outside
        and text.get_bbox_patch() is None
        and getattr(text, "arrow_patch", None) is None
        and getattr(text, "xycoords", "data") == "data"
        and text.get_rotation() < 20
    ]


def drawn(figure: Figure, hidden: Iterable[Text]) -> np.ndarray:
    """Return how dark each pixel is, from 0 to 1, without grids and some texts, summed up."""
    grids = [
        line for axes in figure.axes for line in (*axes.get_xgridlines(), *axes.get_ygridlines())
    ]
    shown = [artist for artist in (*hidden, *grids) if artist.get_visible()]
    for artist in shown:
        artist.set_visible(False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for artist in shown:
        artist.set_visible(True)
    pixels = np.asarray(canvas.buffer_rgba())[::-1, :, :3].astype(float)
    dark = 1 - pixels.min(axis=-1) / 255
    return np.pad(dark.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))


def mean_ink(ink: np.ndarray, box: Bbox) -> float:
    """Return how dark it is in a box, on the mean."""
    rows, columns = np.array(ink.shape) - 1
    x0, x1 = np.clip([int(box.x0), int(box.x1) + 1], 0, columns)
    y0, y1 = np.clip([int(box.y0), int(box.y1) + 1], 0, rows)
    total = ink[y1, x1] - ink[y0, x1] - ink[y1, x0] + ink[y0, x0]
    return float(total) / max((y1 - y0) * (x1 - x0), 1)


def move(axes: Axes, text: Text, ink: np.ndarray, taken: Sequence[Bbox]) -> Bbox:
    """Move a text to the nearest place that is clear; return its box."""
    frame, box = axes.get_window_extent(), text.get_window_extent()
    reach, step = axes.figure.figure.dpi * 1.3, 5
    offsets = np.arange(-reach, reach + 1, step)
    best, least = (0.0, 0.0), cost(box, 0.0, frame, ink, taken)
    if least <= INK:
        return box
    for dx in offsets:
        for dy in offsets:
            far = float(np.hypot(dx, 1.3 * dy)) / reach
            if 0.06 * far >= least:
                continue
            tried = cost(box.translated(dx, dy), far, frame, ink, taken)
            if tried < least:
                best, least = (float(dx), float(dy)), tried
    shift(axes, text, *best)
    return box.translated(*best)


def cost(box: Bbox, far: float, frame: Bbox, ink: np.ndarray, taken: Sequence[Bbox]) -> float:
    """Return how bad it is for a text to stand in a box: what it covers, and how far it moved."""
    over = max(frame.x0 - box.x0, box.x1 - frame.x1, frame.y0 - box.y0, box.y1 - frame.y1, 0)
    others = sum(box.padded(1).overlaps(other) for other in taken)
    return mean_ink(ink, box) + 0.06 * far + 0.05 * over + 2 * others


def shift(axes: Axes, text: Text, dx: float, dy: float) -> None:
    """Move a text by pixels."""
    if isinstance(text, Annotation) and text.anncoords == "offset points":
        points = 72 / axes.figure.figure.dpi
        x, y = text.xyann
        text.xyann = (x + dx * points, y + dy * points)
        return
    transform = text.get_transform()
    at = transform.transform(text.get_unitless_position())
    text.set_position(transform.inverted().transform(at + np.array([dx, dy])))
