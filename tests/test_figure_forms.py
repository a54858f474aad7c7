"""The vector forms of figures: what IPython is told, and how a phone's form is laid out."""

import io
from xml.etree import ElementTree

import figure_forms
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_forms import KEEP, MIME_TYPE, copied, forms
from figure_labels import LEAST
from figure_narrow import WIDTH, narrow
from IPython.core.formatters import DisplayFormatter
from matplotlib.text import Text

from course_lib import plots

pytestmark = pytest.mark.usefixtures("styled")


def one():
    """Return a figure of one panel."""
    figure, axes = plt.subplots()
    axes.plot([0, 1, 2], [0, 1, 4])
    axes.set(xlabel="step", title="A title that is too long for the width of a phone by some words")
    return figure


def three():
    """Return panels side by side that share an axis, whose label stands on the first."""
    figure, grid = plt.subplots(1, 3, figsize=(7.6, 2.8), sharey=True)
    for k, axes in enumerate(grid):
        axes.plot([0, 1], [0, k])
    grid[0].set_ylabel("loss")
    return figure


def twins():
    """Return one panel with two scales."""
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, 1])
    axes.twinx().plot([0, 1], [5, 3])
    return figure


def colorbar():
    """Return a map beside a panel, with the scale of its colors."""
    figure, (left, right) = plt.subplots(1, 2)
    figure.colorbar(left.imshow(np.arange(4).reshape(2, 2)), label="accuracy")
    right.plot([0, 1], [0, 1])
    return figure


def rows():
    """Return two panels with long names of common rows."""
    figure, grid = plt.subplots(1, 2, sharey=True)
    for axes in grid:
        axes.plot(range(20), range(20), "o")
    grid[0].set_yticks(range(20), [f"configuration number {k}, with Adam" for k in range(20)])
    return figure


def images():
    """Return a grid of images."""
    return plots.image_grid(np.zeros((20, 8, 8)), [f"{k}, read 8" for k in range(20)])


def beside():
    """Return lines whose long names stand beside the axes."""
    figure, axes = plt.subplots()
    ends = {}
    for k, name in enumerate(("central differences", "forward mode")):
        (line,) = axes.plot([0, 1], [0, k])
        ends[name] = (k, line.get_color())
    plots.direct_labels(axes, ends)
    return figure


def words():
    """Return words in places of their own, and nothing else."""
    figure, axes = plt.subplots(figsize=(6.4, 2.4))
    for k in range(12):
        axes.text(k % 4 / 4, k // 4 / 3, "maximilian")
    axes.axis("off")
    return figure


DRAW = {f.__name__: f for f in (one, three, twins, colorbar, rows, images, beside, words)}


def laid_out(figure):
    """Return the form for phones, drawn."""
    small = copied(figure)
    small.draw_without_rendering()
    small.set_layout_engine("none")
    small = narrow(small)
    small.canvas.draw()
    return small


def boxes(figure):
    """Return the places of the axes, from top to bottom."""
    return sorted((axes.get_position() for axes in figure.axes), key=lambda box: -box.y1)


@pytest.mark.parametrize("name", DRAW)
def test_ipython_is_told_both_forms_beside_the_png(name):
    display = DisplayFormatter()
    figure_forms.install(display)
    # what the inline backend does when it starts: functions of figures are dropped
    [formatter.pop(mpl.figure.Figure, None) for formatter in display.formatters.values()]
    display.formatters["image/png"].for_type(mpl.figure.Figure, lambda figure: b"png")
    figure = DRAW[name]()
    data, _ = display.format(figure)
    assert {"image/png", "text/plain", MIME_TYPE} <= set(data)
    told = data[MIME_TYPE]
    assert set(told) == {"wide", "narrow"}, told
    assert told["narrow"]["width"] == round(96 * WIDTH)
    for form in told.values():
        assert form["svg"].startswith("<svg") and len(form["svg"]) < 150_000
        assert all(isinstance(form[side], int) for side in ("width", "height"))
    assert plt.get_fignums() == [figure.number]  # copies are not shown
    assert display.format(3)[0] == {"text/plain": "3"}


def test_places_set_by_hand_stay_though_the_png_changes_the_layout():
    """After a PNG with a tight box, Matplotlib takes the layout engine from the style."""
    figure = plt.figure(layout="none")
    figure.subplots()
    figure.subplots_adjust(left=0.4)
    display = DisplayFormatter()
    figure_forms.install(display)
    draw = lambda shown: shown.savefig(io.BytesIO(), bbox_inches="tight")  # noqa: E731
    display.formatters["image/png"].for_type(mpl.figure.Figure, draw)
    expected = forms(figure)
    assert display.format(figure)[0][MIME_TYPE] == expected
    assert forms(figure) != expected


@pytest.mark.parametrize("name", DRAW)
def test_equal_figures_give_equal_drawings_and_stay_as_they_are(name):
    figure = DRAW[name]()
    size = figure.get_size_inches().tolist()
    before = forms(figure)
    assert forms(figure) == before == forms(DRAW[name]())
    assert figure.get_size_inches().tolist() == size
    assert "Date" not in before["wide"]["svg"]


@pytest.mark.parametrize("name", DRAW)
def test_nothing_is_cut_or_small_on_a_phone(name):
    figure = laid_out(DRAW[name]())
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible():
            assert text.get_fontsize() >= LEAST
    assert figure.get_size_inches()[0] == WIDTH
    box = figure.get_tightbbox()
    assert box.x0 > -0.02 and box.x1 < WIDTH + 0.02
    assert box.y0 > -0.02 and box.y1 < figure.get_size_inches()[1] + 0.02


def test_panels_are_stacked_and_each_has_its_labels():
    figure = laid_out(three())
    first, second, third = boxes(figure)
    assert first.y0 > second.y1 > second.y0 > third.y1
    assert first.x0 == second.x0 == third.x0
    for axes in figure.axes:
        assert axes.get_ylabel() == "loss"
        assert any(label.get_text() for label in axes.get_yticklabels())


@pytest.mark.parametrize("named", [(0, 1), (0,)])
def test_titles_of_columns_are_repeated_where_every_column_has_one(named):
    figure, grid = plt.subplots(2, 2)
    for axes in grid.flat:
        axes.plot([0, 1], [0, 1])
    for column in named:
        grid[0, column].set_title(f"column {column}")
    shown = [axes.get_title(loc="left") for axes in laid_out(figure).axes]
    expected = ["column 0", "column 1"] * 2 if len(named) == 2 else ["column 0", "", "", ""]
    assert shown == expected


def test_twins_stay_in_one_place():
    first, second = boxes(laid_out(twins()))
    assert first.bounds == second.bounds


def test_a_colorbar_stays_beside_its_axes():
    figure = laid_out(colorbar())
    image, other, bar = (axes.get_position() for axes in figure.axes)
    assert bar.x0 > image.x1 and other.y1 < bar.y0
    assert abs((bar.y0 + bar.y1) - (image.y0 + image.y1)) < 0.05


def test_names_of_many_rows_stand_above_them_in_each_panel():
    figure = laid_out(rows())
    for axes in figure.axes:
        assert axes.texts[0].get_text() == "configuration number 0, with Adam"
        assert axes.get_position().width > 0.8


def test_images_stay_a_grid_that_their_titles_fit():
    figure = laid_out(images())
    assert len({round(box.x0, 3) for box in boxes(figure)}) == 5


def test_labels_beside_the_axes_become_a_key_with_its_lines():
    figure = laid_out(beside())
    (axes,) = figure.axes
    assert not axes.texts
    legend = axes.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        "forward mode",
        "central differences",
    ]
    assert legend.get_window_extent().y0 > axes.get_window_extent().y1


def test_a_long_label_beside_the_axes_stands_clear_above_its_line():
    figure, axes = plt.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axhline(0.2, color="black", linestyle="--")
    axes.text(1.01, 0.2, "all four told apart: 0.000", va="center")
    figure = laid_out(figure)
    (axes,) = figure.axes
    line = axes.transData.transform((0, 0.2))[1]
    assert axes.texts[0].get_window_extent().y0 - line > 2 / 72 * figure.dpi


def test_a_text_on_a_line_moves_off_it():
    figure, axes = plt.subplots()
    axes.set_ylim(0, 1)
    axes.plot([0, 1], [0.5, 0.5], linewidth=6)
    axes.text(0.5, 0.5, "a name", va="center")
    axes.text(0.1, 0.9, "another", va="center")
    moved, kept = laid_out(figure).axes[0].texts
    assert moved.get_position()[1] != pytest.approx(0.5, abs=0.01)
    assert kept.get_position() == pytest.approx((0.1, 0.9))


def test_what_lies_on_colors_keeps_its_own():
    figure = colorbar()
    figure.axes[0].plot([0, 1], [0, 1], color="white")
    told = forms(figure)["wide"]["svg"]
    assert told.count(f'id="{KEEP}-') == 3  # image, line, mesh of the bar


def test_lines_turn_round_corners_as_in_the_png():
    """Matplotlib says so in a style sheet; the default of SVG draws spikes at sharp corners."""
    figure, axes = plt.subplots()
    axes.plot([0, 1, 0], [0, 1, 0.01], linewidth=8)
    root = ElementTree.fromstring(forms(figure)["wide"]["svg"])
    assert root.get("stroke-linejoin") == "round"


def test_many_points_become_pixels():
    figure, axes = plt.subplots()
    axes.plot(*np.random.default_rng(0).random((2, 3000)), ".")
    told = forms(figure)["wide"]["svg"]
    assert "data:image/png;base64," in told and len(told) < 150_000


def test_a_figure_that_fails_tells_why():
    figure = one()
    figure.axes[0].callback = lambda: None  # cannot be copied
    assert "pickle" in forms(figure)["error"]
    assert figure.canvas.manager is not None
