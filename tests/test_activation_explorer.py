"""The explorer's numbers are the catalogue's, and its page needs nothing from elsewhere."""

import json
import math
import re
import xml.etree.ElementTree as ElementTree

import activation_explorer
import build_book
import numpy as np
import pytest
from together import together

from course_lib.activations import CATALOGUE

BOOK = build_book.ROOT / "book"
ELEMENTWISE = [name for name, row in CATALOGUE.items() if row.kind == "elementwise"]
XS = [i / 20 for i in range(-120, 121)]
DIGITS = 5.1e-4  # four digits are off by half a unit in the fourth at most
CURVES = {curve["name"]: curve for curve in activation_explorer.data()["curves"]}


def test_every_elementwise_activation_is_there_once():
    names = [curve["name"] for curve in activation_explorer.data()["curves"]]
    assert names == ELEMENTWISE
    assert activation_explorer.data()["first"] in names


def test_samples_lie_where_the_script_looks_for_them():
    told = activation_explorer.data()
    assert (told["reach"], told["perUnit"]) == (6, 20)
    assert activation_explorer.GRID.tolist() == XS


# An absolute tolerance of 0: what is tiny does not become 0, and what is 0 stays so.


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_samples_are_those_of_the_catalogue(name):
    row = CATALOGUE[name]
    value, derivative = CURVES[name]["values"]
    np.testing.assert_allclose(value, [row(x) for x in XS], rtol=DIGITS, atol=0)
    np.testing.assert_allclose(derivative, [row.derivative(x) for x in XS], rtol=DIGITS, atol=0)


@together("name", ELEMENTWISE)
def test_every_kink_is_there_with_both_sides(name):
    row, kinks = CATALOGUE[name], CURVES[name]["kinks"]
    assert [kink["x"] for kink in kinks] == sorted(x for x in row.kinks if abs(x) <= 6)
    convention = dict(zip(row.kinks, row.kink_derivatives, strict=True))
    for kink in kinks:
        x = kink["x"]
        assert kink["at"] == pytest.approx([row(x), convention[x]], rel=DIGITS)
        for side, beside in [("left", x - 1e-7), ("right", x + 1e-7)]:
            near = [row(beside), row.derivative(beside)]
            assert kink[side] == pytest.approx(near, rel=DIGITS, abs=1e-6), side


def test_kinks_are_those_one_knows():
    assert CURVES["relu"]["kinks"] == [{"x": 0, "at": [0, 0], "left": [0, 0], "right": [0, 1]}]
    left, right = CURVES["hard_shrink"]["kinks"]  # it jumps
    assert (left["left"], left["right"]) == ([-0.5, 1], [0, 0])
    assert (right["left"], right["right"]) == ([0, 0], [0.5, 1])


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_saturated_is_where_the_derivative_is_below_a_hundredth_of_the_largest(name):
    row = CATALOGUE[name]
    largest = row.lipschitz if math.isfinite(row.lipschitz) else 1
    told = {i for first, last in CURVES[name]["saturated"] for i in range(first, last + 1)}
    assert told == {i for i, x in enumerate(XS) if abs(row.derivative(x)) < largest / 100}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("", []), ("..", []), ("#", [[0, 0]]), (".##.#", [[1, 2], [4, 4]]), ("##.", [[0, 1]])],
)
def test_stretches(flags, expected):
    assert (
        activation_explorer.stretches(np.array([flag == "#" for flag in flags], bool)) == expected
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [(1.0, "1"), (-0.0, "0"), (0.123456, "0.1235"), (403.4288, "403.4"), (2.3194e-16, "2.319e-16")],
)
def test_numbers_are_short(given, expected):
    assert json.dumps(activation_explorer.rounded([given])) == f"[{expected}]"


@together("name", ELEMENTWISE)
def test_facts_are_those_of_the_catalogue(name):
    row, facts = CATALOGUE[name], CURVES[name]["facts"]

    def read(text):
        return float(text.replace("\N{MINUS SIGN}", "-").replace("\N{INFINITY}", "inf"))

    lowest, highest = facts["Values"].removeprefix("from ").split(" to ")
    assert (read(lowest), read(highest)) == pytest.approx(row.range, rel=DIGITS)
    if math.isfinite(row.lipschitz):
        assert read(facts["Largest derivative"]) == pytest.approx(row.lipschitz, rel=DIGITS)
    else:
        assert facts["Largest derivative"] == "no bound"
    limit = read(facts["Saturated"].split("±")[1])
    largest = row.lipschitz if math.isfinite(row.lipschitz) else 1
    assert limit == pytest.approx(largest / 100, rel=DIGITS)
    told = [] if facts["Kinks"] == "none" else [read(x) for x in facts["Kinks"].split(", ")]
    assert told == sorted(row.kinks)
    given = {key: value for key, value in row.parameters.items() if value is not None}
    told = dict(part.split(" = ") for part in facts.get("Parameters", "").split(", ") if part)
    assert {key: read(value) for key, value in told.items()} == pytest.approx(given, rel=DIGITS)
    assert CURVES[name]["formulas"] == [row.formula, row.derivative_formula]


def test_json_is_small_and_cannot_end_its_element():
    text = activation_explorer.as_json(activation_explorer.data())
    assert len(text.encode()) <= 150_000
    assert "<" not in text
    assert json.loads(text) == activation_explorer.data()
    with pytest.raises(ValueError, match="not JSON compliant"):
        activation_explorer.as_json({"range": math.inf})


def test_graph_without_the_script_shows_the_function_and_its_derivative():
    row = CATALOGUE[activation_explorer.FIRST]
    assert row.kinks == ()  # the graph would draw a jump as a line
    drawing = ElementTree.fromstring(activation_explorer.picture(row))
    assert row.name in drawing.get("aria-label")
    value, derivative = [
        np.array([point.split(",") for point in line.get("points").split()], float)
        for line in drawing.iter("polyline")
    ]
    np.testing.assert_allclose(value[:, 0], np.interp(XS, [-6, 6], [34, 330]), atol=0.06)
    ticks = {text.text: float(text.get("y")) - 4 for text in drawing.iter("text")}
    scale = [ticks["0"], ticks["1"]]
    np.testing.assert_allclose(value[:, 1], np.interp(row(XS), [0, 1], scale), atol=0.2)
    np.testing.assert_allclose(
        derivative[:, 1], np.interp(row.derivative(XS), [0, 1], scale), atol=0.2
    )


def test_script_and_style_are_where_only_the_page_with_the_explorer_loads_them():
    for file in [activation_explorer.SCRIPT, activation_explorer.STYLE]:
        path = BOOK / "_site" / file.removeprefix("../")
        assert path.is_file()
        assert not list((BOOK / "_static").rglob(path.name))


def test_script_runs_in_a_page_that_is_opened_from_a_folder():
    code = (BOOK / "_site" / activation_explorer.SCRIPT.removeprefix("../")).read_text("utf-8")
    code = re.sub(r"^\s*//.*$", "", code, flags=re.MULTILINE)
    assert not re.search(r"\b(import|export|fetch|XMLHttpRequest)\b", code)
    assert set(re.findall(r"\bhttps?://[^\"]*", code)) == {"http://www.w3.org/2000/svg"}
