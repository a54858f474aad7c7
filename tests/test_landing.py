"""The first page: its picture is what the networks do, and its map knows every chapter."""

import re
from types import SimpleNamespace
from xml.etree import ElementTree

import landing
import landing_picture
import nbformat
import numpy as np
import pytest
import site_checks
import yaml
from docutils import nodes
from environment import BOOK, ROOT
from matplotlib.image import imread
from matplotlib.path import Path as Outline

from course_lib import data

SVG = "{http://www.w3.org/2000/svg}"
DRAWING = ElementTree.fromstring(landing_picture.DRAWING.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def results():
    """Return what the networks of the picture do now."""
    return landing_picture.outcomes()


def panel(name):
    """Return a network's panel of the stored drawing."""
    (found,) = [p for p in DRAWING.findall(f"{SVG}svg") if p.get("data-activation") == name]
    return found


def path(name, kind):
    """Return the path of a kind in a stored panel, as points for each of its pieces."""
    (found,) = (p for p in panel(name).iter(f"{SVG}path") if p.get("class") == kind)
    pieces = re.findall(r"M([^MZh]+)", found.get("d"))
    return [np.array([p.split(",") for p in piece.split()], float) for piece in pieces]


@pytest.mark.parametrize("name", landing_picture.PANELS)
def test_stored_accuracies_are_those_of_the_networks(results, name):
    stored = float(panel(name).get("data-accuracy"))
    assert stored == pytest.approx(results[name].accuracies.mean(), abs=0.02)
    texts = [text.text for text in panel(name).iter(f"{SVG}text")]
    assert f"{100 * stored:.0f} % of new points right" in texts
    assert "16 seeds" in texts[-1] and texts[-1] in panel(name).get("aria-label")


def test_accuracies_are_those_that_the_chapter_measures():
    notebook = (BOOK / "necessity.ipynb").read_text(encoding="utf-8")
    measured = re.search(r"test accuracy of identity and tanh: ([\d.]+) ([\d.]+)", notebook)
    stored = [float(panel(name).get("data-accuracy")) for name in ("identity", "tanh")]
    assert [f"{value:.2f}" for value in stored] == list(measured.groups())


def test_ranges_are_those_that_the_chapter_prints():
    notebook = (BOOK / "necessity.ipynb").read_text(encoding="utf-8")
    for name in ("identity", "tanh"):
        told = [*panel(name).iter(f"{SVG}text")][-1].text
        (seen,) = re.findall(rf"{name}: ([\d to]+) % right over 16 seeds", notebook)
        if " to " in seen:
            assert told == f"{seen} % over 16 seeds"
        else:
            assert told == "with each of 16 seeds"


@pytest.mark.parametrize("name", landing_picture.PANELS)
def test_stored_regions_are_those_of_the_networks(results, name):
    places = landing_picture.grid()
    across, up = np.meshgrid(places, places)
    points = landing_picture.scaled(np.stack([across.ravel(), up.ravel()], axis=1))
    inside = np.zeros(len(points), bool)
    for piece in path(name, "region one"):
        inside ^= Outline(piece).contains_points(points)
    agree = inside == (results[name].logits.ravel() > 0)
    assert agree.mean() >= 0.97


@pytest.mark.parametrize("name", landing_picture.PANELS)
@pytest.mark.parametrize("label", [0, 1])
def test_stored_points_are_those_of_the_data(name, label):
    x, y = data.spirals(80, turns=1.5, seed=0)
    stored = np.vstack(path(name, f"points {'one' if label else 'zero'}"))
    np.testing.assert_allclose(stored, landing_picture.scaled(x[y == label]), atol=0.051)


def test_an_accuracy_that_varies_is_told_with_its_range():
    outcome = landing_picture.Outcome(np.array([0.5, 0.7]), np.zeros((2, 2)))
    assert outcome.told == ("60 % of new points right", "50 to 70 % over 16 seeds")
    outcome = landing_picture.Outcome(np.array([0.5, 0.501]), np.zeros((2, 2)))
    assert outcome.told[1] == "with each of 16 seeds"


def test_colors_are_those_of_the_theme():
    style = (BOOK / "_theme" / "course" / "static" / "course.css").read_text(encoding="utf-8")
    for name, token in landing_picture.TOKENS.items():
        light, dark = landing_picture.LIGHT[name], landing_picture.DARK[name]
        assert f"--{token}: light-dark({light}, {dark});" in style


def test_the_preview_has_the_size_that_is_asked_for():
    assert imread(landing_picture.PREVIEW).shape[:2] == (630, 1200)


def test_the_readme_shows_the_picture():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"!\[([^]]+)\]\((\S+)\)", readme)
    assert ROOT / shown[1] == landing_picture.DRAWING
    assert len(shown[0]) > 40


def test_panels_stand_alone_in_a_page():
    told = landing.panels(landing_picture.DRAWING.read_text(encoding="utf-8"))
    page = ElementTree.fromstring(told)
    assert [child.tag for child in page] == [f"{SVG}svg"] * 2
    assert all(child.get("x") is None and child.get("aria-label") for child in page)
    assert len([*page.iter(f"{SVG}style")]) == 1
    assert "ns0:" not in told


# The map.


def test_a_part_of_the_contents_is_read(tmp_path):
    parts = [{"caption": name, "chapters": [{"file": name}]} for name in ("a", "b")]
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump({"parts": parts}), encoding="utf-8")
    assert landing.part(tmp_path, "b") == ["b"]
    assert landing.part(tmp_path, "c") == []


def test_the_first_page_has_every_document():
    page = (ROOT / "index.md").read_text(encoding="utf-8")
    mapped = re.findall(r"^(book/[\w/-]+): .+\?$", page, re.MULTILINE)
    expected = site_checks.documents(ROOT)[1:]
    assert mapped == [name for name in expected if not name.startswith("book/api/")]


def test_words_are_those_of_the_text_and_not_of_code_or_outputs():
    output = nodes.container("", nodes.paragraph("", "not this"), classes=["cell_output"])
    document = nodes.document(None, None)
    document += [
        nodes.title("", "One title"),
        nodes.paragraph("", "Don't count twice: it is so-called prose."),
        nodes.literal_block("", "x = not_this"),
        output,
    ]
    assert landing.words(document) == 2 + 7


@pytest.mark.parametrize(
    ("count", "told"), [(0, "1 min"), (221, "2 min"), (3300, "15 min"), (9000, "40 min")]
)
def test_reading_takes_minutes(count, told):
    assert landing.minutes(count) == told


@pytest.mark.parametrize(
    ("time", "told"), [(0.3, "10 s"), (41, "50 s"), (60, "60 s"), (61, "1.5 min"), (118, "2 min")]
)
def test_running_takes_seconds_or_minutes(time, told):
    assert landing.seconds(time) == told


def test_running_time_comes_from_the_execution_cache(tmp_path):
    path = tmp_path / "one.ipynb"
    cells = [nbformat.v4.new_code_cell("print(1)")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbformat.write(notebook, path)
    cache = tmp_path / "cache"
    env = SimpleNamespace(
        config=SimpleNamespace(nb_execution_cache_path=str(cache)),
        doc2path=lambda name: str(tmp_path / name),
    )
    assert landing.run_time(env, "one.ipynb") is None
    executed = landing.execution_cache.with_outputs(notebook, [[]])
    with landing.execution_cache.opened(cache) as opened:
        bundle = landing.execution_cache.bundled(path, executed, 12.5)
        landing.execution_cache.keep(opened, bundle)
    assert landing.run_time(env, "one.ipynb") == 12.5
    assert landing.run_time(env, "one.md") is None
    cells.append(nbformat.v4.new_code_cell("print(2)"))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    assert landing.run_time(env, "one.ipynb") is None
