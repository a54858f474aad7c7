"""Captions that say where a panel stands: what they say on a phone, where panels are stacked."""

import json
import re
from types import SimpleNamespace

import caption_places
import pytest
import vector_figures
from caption_places import PLACE, placed
from docutils import nodes
from environment import name_of, pages_in
from vector_figures import course_figure

DIRECTION = re.compile(r"\b(?:left|right|middle|center|beside|leftmost|rightmost)\b", re.IGNORECASE)
PANELS = {
    "fig-necessity-fold": ["on the right"],
    "fig-functions-centered": ["Left", "Right"],
    "fig-functions-kink": ["Left", "Right"],
    "fig-gradients-dead": ["Left", "Right"],
    "fig-gradients-killed": ["left", "right"],
    "fig-overfitting-curves": ["Left", "Right"],
    "fig-overfitting-descent": ["Left", "Right"],
    "fig-overfitting-random": ["Left", "Right"],
    "fig-overfitting-signal": ["Left", "Right"],
    "fig-practice-clothes": ["Left", "Right"],
    "fig-practice-drift": ["Left", "Right"],
    "fig-propagation-steps": ["left", "right"],
    "fig-propagation-edge": ["Left", "Right"],
}
"""The words of each caption that name a panel, in figures that are stacked on a phone."""
NO_PANEL = {
    "fig-functions-kink": ["beside"],  # a number beside a row
    "fig-functions-ends": ["left"],  # to 1
    "fig-gradients-saturation": ["left"],  # a gradient
    "fig-gradients-gains": ["beside"],  # gains beside those of PyTorch
    "fig-gradients-depth": ["left"],  # of the only panel
    "fig-practice-own": ["right"],  # an answer
}
"""The words that say something else."""


IN_PROSE = re.compile(
    r"\b(?:left|right|middle|upper|lower) panel|`, (?:left|right)\b|on the left\b"
)


def figures():
    """Return the caption and the alternative text of every figure, by its name."""
    found = {}
    for path in pages_in():
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            told = cell["metadata"].get("mystnb", {})
            if "figure" in told:
                found[told["figure"]["name"]] = told["figure"]["caption"], told["image"]["alt"]
    return found


FIGURES = figures()


@pytest.mark.parametrize("name", FIGURES)
def test_every_direction_in_a_caption_is_decided(name):
    caption, _ = FIGURES[name]
    found = DIRECTION.findall(caption)
    named = [word.split()[-1] for word in PANELS.get(name, [])]
    assert sorted(found) == sorted(named + NO_PANEL.get(name, []))
    if name in PANELS:
        assert PLACE.findall(caption) == PANELS[name]


def test_every_decision_is_about_a_figure():
    assert {*PANELS, *NO_PANEL} <= set(FIGURES)


@pytest.mark.parametrize("name", sorted({*FIGURES} - {*NO_PANEL} | {*PANELS}))
def test_an_alternative_text_is_true_of_both_forms(name):
    assert PLACE.findall(FIGURES[name][1]) == []


@pytest.mark.parametrize("path", pages_in(), ids=name_of)
def test_prose_counts_panels(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert [found for text in prose for found in IN_PROSE.findall(text)] == []


@pytest.mark.parametrize(
    "text",
    ["the left tail", "what is left, or", "left of zero", "on the left of zero", "(blue: right)"],
)
def test_other_directions_stay(text):
    assert [part.astext() for part in caption_places.pairs(text)] == [text]


def read(stacked):
    """Return the caption of a figure after the extension, with a formula in it."""
    caption = nodes.caption(
        "", "", nodes.Text("Left: a "), nodes.math("", "x"), nodes.Text(" (right). Right, b")
    )
    doctree = nodes.container("", nodes.figure("", course_figure(stacked=stacked), caption))
    caption_places.place(SimpleNamespace(), doctree)
    return caption


def test_the_caption_of_a_stacked_figure_has_pairs():
    caption = read(stacked=True)
    assert caption.astext() == "Left: a x (right). Right, b"
    pairs = [(part.astext(), part["narrow"]) for part in caption.findall(placed)]
    assert pairs == [("Left", "Top"), ("right", "bottom"), ("Right", "Bottom")]


def test_other_captions_have_none():
    assert list(read(stacked=False).findall(placed)) == []


def test_without_a_style_sheet_a_pair_is_its_first_word():
    translator = SimpleNamespace(body=[])
    node = placed("", "Left", narrow="Top")
    caption_places.visit(translator, node)
    caption_places.depart(translator, node)
    html = "".join(translator.body)
    assert html == '<span class="only-wide"></span><span class="only-narrow" hidden>Top</span>'


def drawing(*boxes):
    """Return what matters here of a drawing with panels: x, y, width and height of each."""
    clips = (
        f'<clipPath id="i{i}"><rect x="{x}" y="{y}" width="{width}" height="{height}" /></clipPath>'
        for i, (x, y, width, height) in enumerate(boxes)
    )
    return f"<svg>{''.join(clips)}</svg>"


ROW = drawing((0, 0, 10, 10), (15.5, 0, 10, 10))
COLUMN = drawing((0, 0, 20, 10), (0, 15, 20, 10))
SQUARE = drawing((0, 0, 9, 9), (10, 0, 9, 9), (0, 10, 9, 9), (10, 10, 9, 9))


@pytest.mark.parametrize(
    ("wide", "narrow", "stacked"),
    [
        (ROW, COLUMN, True),
        (ROW, ROW, False),
        (COLUMN, COLUMN, False),
        (SQUARE, COLUMN, False),
        (drawing((0, 0, 9, 9)), drawing((0, 0, 9, 9)), False),
    ],
)
def test_a_row_that_becomes_a_column_is_stacked(wide, narrow, stacked):
    assert vector_figures.is_stacked(wide, narrow) is stacked
