"""Lay a figure out anew for a phone: one column of panels, as wide as the page.

Panels keep their height and get the whole width. Small panels, images first of all, stay a grid,
with as many columns as are legible. Ticks and axis labels that panels shared come back to each,
colorbars and twin axes stay with their axes, and texts are set by `figure_labels`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FuncFormatter

from figure_labels import (
    LEAST,
    gather,
    head,
    name_rows,
    resize,
    settle,
    spread,
    thin_out,
    titles_of,
    width,
    wrap,
)

WIDTH = 3.7  # inches: the text of a page 390 CSS pixels wide
TALLEST = 3.2  # inches of a panel without names of rows
SMALL = 1.4  # inches: narrower panels stay side by side


@dataclass
class Panel:
    """Axes with their twins, where they stood, and their size in inches."""

    axes: Axes
    twins: list[Axes]
    row: int
    column: int
    size: tuple[float, float]
    has_rows: bool  # named by words

    @property
    def is_text(self) -> bool:
        """Whether it only names its row."""
        axes = self.axes
        drawn = axes.lines or axes.images or axes.collections or axes.patches
        return bool(axes.texts) and not axes.axison and not drawn

    @property
    def is_image(self) -> bool:
        """Whether it is an image without ticks."""
        axes = self.axes
        ticks = axes.axison and (len(axes.get_xticks()) or len(axes.get_yticks()))
        return bool(axes.images) and not ticks

    @property
    def ratio(self) -> float | None:
        """Height over width, where the data prescribe it."""
        aspect = self.axes.get_aspect()
        return None if aspect == "auto" else float(aspect) * self.axes.get_data_ratio()


def narrow(figure: Figure) -> Figure:
    """Return a figure laid out for a phone; it may be the given one, changed.

    A figure that knows a form for phones has it as its attribute `narrow`.
    """
    if hasattr(figure, "narrow"):
        return figure.narrow
    panels = found(figure)
    if panels and all(panel.is_text for panel in panels):  # words in places of their own
        resize(figure)
        figure.set_size_inches(WIDTH, figure.get_figheight())
    elif panels:
        restack(figure, panels)
    return figure


def found(figure: Figure) -> list[Panel]:
    """Return the panels of a figure, row by row; what is not shown is removed."""
    for axes in list(figure.axes):
        if not axes.get_visible():
            axes.remove()
    panels: dict[tuple[int, int, int], Panel] = {}
    for axes in figure.axes:
        spec = axes.get_subplotspec()
        if spec is None:
            continue  # a colorbar follows its axes
        key = (id(spec.get_gridspec()), spec.rowspan.start, spec.colspan.start)
        if key in panels:
            panels[key].twins.append(axes)
        else:
            place = axes.get_position()
            inches = figure.get_size_inches()
            size = (place.width * inches[0], place.height * inches[1])
            panels[key] = Panel(axes, [], *key[1:], size, has_names(axes))
    return sorted(panels.values(), key=lambda panel: (panel.row, panel.column))


def has_names(axes: Axes) -> bool:
    """Return whether words stand at the vertical axis, as names of rows."""
    formatter = axes.yaxis.get_major_formatter()
    if not axes.axison or not isinstance(formatter, FixedFormatter | FuncFormatter):
        return False
    names = map(str, formatter.format_ticks(axes.get_yticks()))
    return any(character.isalpha() for name in names for character in name)


def restack(figure: Figure, panels: Sequence[Panel]) -> None:
    """Give the panels their new places, and the texts theirs."""
    resize(figure)
    share_out_labels(panels)
    columns = columns_for(panels)
    figure.set_layout_engine("constrained")
    rows = placed(figure, panels, columns)
    heights = [max(panel.size[1] for panel in row) for row in rows]
    figure.set_size_inches(WIDTH, 1 + sum(heights) + 0.8 * len(rows))  # to begin with
    label_outer(rows, panels)
    find_room(figure, panels)
    fit(figure, rows)
    for panel in panels:
        thin_out(panel.axes)
        break_lines(panel.axes, columns)
    fit(figure, rows)
    figure.set_layout_engine("none")
    for panel in panels:
        spread(panel.axes)
    settle(figure, [axes for panel in panels for axes in (panel.axes, *panel.twins)])


def columns_for(panels: Sequence[Panel]) -> int:
    """Return how many panels stand side by side on a phone."""
    shown = [panel for panel in panels if not panel.is_text]
    before = 1 + max(panel.column for panel in panels)
    before -= any(panel.is_text for panel in panels)
    if len(shown) == 1:
        return 1
    if all(panel.is_image for panel in shown):
        columns = before
        while columns > 2 and title_width(shown) > WIDTH / columns - 0.03:
            columns = -(-columns // 2)
        return columns
    wide = max(panel.size[0] for panel in shown)
    if wide < SMALL and len(shown) > 4:
        return min(before, 4)
    shared = len({panel.axes for panel in shown if shares(panel, shown, "x")}) == len(shown)
    return 2 if shared and len(shown) > 4 and title_width(shown) < 1.5 else 1


def title_width(panels: Iterable[Panel]) -> float:
    """Return how wide the widest title is, in inches."""
    return max(width(title) for panel in panels for title in titles_of(panel.axes))


def shares(panel: Panel, panels: Sequence[Panel], name: str) -> bool:
    """Return whether a panel has an axis in common with all others."""
    siblings = getattr(panel.axes, f"get_shared_{name}_axes")()
    others = [other.axes for other in panels if other is not panel]
    return all(siblings.joined(panel.axes, axes) for axes in others)


def share_out_labels(panels: Sequence[Panel]) -> None:
    """Give each panel the label of an axis that it shares with one that carried it for all."""
    for panel in panels:
        axes = panel.axes
        if not axes.axison:
            continue
        ticks_y, ticks_x = len(axes.get_yticks()), len(axes.get_xticks())
        axes.tick_params(labelbottom=bool(ticks_x), labelleft=bool(ticks_y))
        in_row = [other for other in panels if other.row == panel.row and other is not panel]
        in_column = [other for other in panels if other.column == panel.column]
        beside = [other.axes for other in in_row if shares(panel, [other], "y")]
        above = [other.axes for other in in_column if shares(panel, [other], "x")]
        heads = [other for other in in_column if other.row < panel.row][:1]
        if in_row and heads and all(map(has_title, shown_in(heads[0].row, panels))):
            title_above(axes, heads[0].axes)
        for name, others in (("y", beside), ("x", beside), ("x", above)):
            labels = {getattr(other, f"get_{name}label")() for other in others} - {""}
            if len(labels) == 1 and not getattr(axes, f"get_{name}label")():
                getattr(axes, f"set_{name}label")(labels.pop(), fontsize=LEAST)


def shown_in(row: int, panels: Iterable[Panel]) -> list[Panel]:
    """Return the panels of a row that show more than its name."""
    return [panel for panel in panels if panel.row == row and not panel.is_text]


def has_title(panel: Panel) -> bool:
    """Return whether a panel has a title."""
    return any(title.get_text() for title in titles_of(panel.axes))


def title_above(axes: Axes, head: Axes) -> None:
    """Repeat the title of a column on axes that had none, since they leave the column."""
    if not any(title.get_text() for title in titles_of(axes)):
        for side in ("left", "center", "right"):
            axes.set_title(head.get_title(side), loc=side)


def placed(
    figure: Figure, panels: Sequence[Panel], columns: int
) -> list[tuple[list[Panel], float | None]]:
    """Put the panels on a new grid; return its rows, and the heights of those that have one."""
    rows: list[list[Panel]] = []
    for panel in panels:
        if panel.is_text or not rows or rows[-1][0].is_text or len(rows[-1]) == columns:
            rows.append([])
        rows[-1].append(panel)
    ratios = [0.1 if row[0].is_text else 1 for row in rows]
    grid = figure.add_gridspec(len(rows), columns, height_ratios=ratios)
    for number, row in enumerate(rows):
        for column, panel in enumerate(row):
            spec = grid[number, :] if panel.is_text else grid[number, column]
            for axes in (panel.axes, *panel.twins):
                axes.set_subplotspec(spec)
    return rows


def label_outer(rows: Sequence[Sequence[Panel]], panels: Sequence[Panel]) -> None:
    """Take labels away again between panels that stand side by side and share an axis."""
    if max(map(len, rows)) == 1:
        return
    for number, row in enumerate(rows):
        for column, panel in enumerate(row):
            below = number + 1 < len(rows) and column < len(rows[number + 1])
            if below and shares(panel, panels, "x"):
                panel.axes.tick_params(labelbottom=False)
                panel.axes.set_xlabel("")
            if column and shares(panel, panels, "y"):
                panel.axes.tick_params(labelleft=False)
                panel.axes.set_ylabel("")


def find_room(figure: Figure, panels: Sequence[Panel]) -> None:
    """Find a place for names of rows and for labels that stood beside the axes."""
    for text in (figure._suptitle, figure._supxlabel):
        if text is not None:
            wrap(text, WIDTH - 0.2)
    named: set[Axes] = set()
    for panel in panels:
        if panel.is_text:
            join(panel.axes)
            continue
        gather(panel.axes, WIDTH - 0.6)
        if panel.has_rows and panel.axes not in named:
            group = [other for other in panels if shares(panel, [other], "y")]
            named |= {other.axes for other in group}
            height = name_rows([other.axes for other in group], panel.size[1])
            for other in group:
                other.size = (other.size[0], height)


def break_lines(axes: Axes, columns: int) -> None:
    """Break titles and labels of axes that are wider than these."""
    box, inches = axes.get_position(), axes.figure.figure.get_size_inches()
    right = 1 if columns == 1 else box.x1 + 0.02
    for title in titles_of(axes):
        wrap(title, (right - box.x0) * inches[0] - 0.04)
    wrap(axes.xaxis.label, (box.width + 2 * min(box.x0, 0.08)) * inches[0])
    label = axes.yaxis.label
    label.set_rotation(0)
    wrap(label, box.height * inches[1] + 0.3)
    label.set_rotation(90)


def join(axes: Axes) -> None:
    """Write the name of a row in one line, at the left above it."""
    text = axes.texts[0]
    text.set_text(", ".join(text.get_text().split("\n")))
    text.set(position=(0, 0), va="bottom")


def fit(figure: Figure, rows: Sequence[Sequence[Panel]]) -> None:
    """Choose the height of the figure so that each row has the height that it should have."""
    above, texts = head(figure, WIDTH)
    engine = figure.get_layout_engine()
    for _ in range(3):
        inches = figure.get_size_inches()
        engine.set(rect=(0, 0, 1, 1 - above / inches[1]))
        engine.execute(figure)
        goals, heights = [], []
        for row in rows:
            slots = [panel.axes.get_position(original=True) for panel in row]
            heights.append(max(slot.height for slot in slots) * inches[1])
            goals.append(max(goal(p, s.width * inches[0]) for p, s in zip(row, slots, strict=True)))
        change = sum(goals) - sum(heights)
        if abs(change) < 0.03:
            break
        rows[0][0].axes.get_gridspec().set_height_ratios(goals)
        figure.set_size_inches(WIDTH, max(inches[1] + change, 0.6))
    engine.execute(figure)
    for text, down in texts:
        text.set_y(1 - down / figure.get_size_inches()[1])


def goal(panel: Panel, across: float) -> float:
    """Return how high a panel should be, in inches, when it is so wide."""
    if panel.is_text:
        return 0.15
    if panel.ratio is not None:
        return float(np.clip(across * panel.ratio, 0.2, TALLEST))
    return panel.size[1] if panel.has_rows else min(panel.size[1], TALLEST)
