"""The tables and figures of the pages on recurrent cells and normalization elsewhere."""

import re

import cell_tables
import numpy as np
import pytest
from environment import ROOT

from course_lib.frameworks import cell_homes, cells

PAGES = [ROOT / "book" / "atlas" / name for name in ("recurrent.md", "normalization.md")]


def test_every_home_has_a_name_and_a_version():
    assert set(cell_homes()) <= set(cell_tables.NAMES)
    assert cell_tables.home_and_version("torch_cells") == "PyTorch 2.13.0"
    assert cell_tables.home_and_version("keras_jax_cells").startswith("Keras on JAX 3")
    assert cell_tables.home_and_version("jax_cells").startswith("JAX 0")


def test_what_is_not_as_asked_for_is_bold_and_what_is_missing_a_dash():
    rows = {line.split(" | ")[0][2:]: line.strip("| ").split(" | ")[1:]
            for line in cell_tables.table(["a: gru reset before", "b: lstm lengths"])}  # fmt: skip
    assert rows["MNN"] == ["**after**", "**computed on**"]
    assert rows["PyTorch"] == ["–", "0"]
    assert rows["tract"] == ["before", "refused"]
    assert "tinygrad" not in rows


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tables_and_figures_of_the_page_are_stored(page):
    text = page.read_text(encoding="utf-8")
    tables = re.findall(r"```\{cell-table\}\n(.*?)```", text, re.DOTALL)
    assert len(tables) >= 5
    for content in tables:
        lines = cell_tables.table(content.splitlines())
        assert len(lines) > 5 and len({line.count("|") for line in lines}) == 1
    for figure in re.findall(r"\{cell\}`([^`]*)`", text):
        assert float(cell_tables.figure(figure)) > 0
    for home in re.findall(r"\{cell-home\}`([^`]*)`", text):
        assert re.search(r"\d$", cell_tables.home_and_version(home))


def test_words_say_what_was_measured():
    (row,) = cells("lstm lengths", home="keras_jax_cells")
    assert "outputs the last one" in row.told and "last state at the end" in row.told
    (row,) = cells("rms norm epsilon", home="torch_cells")
    assert row.told == "1.19e-07 inside the root"
    (row,) = cells("lstm initial weights", home="flax_linen_cells")
    assert row.told.endswith("bias 0, 0, 0, 0") and "orthogonal by gate" in row.told
    (row,) = cells("gru reset after", home="tfjs_cells")
    assert row.refused and row.told.startswith("refused: ")
    with pytest.raises(KeyError, match="lstm lengths"):
        cells("lstm length")
    with pytest.raises(KeyError, match="torch_cells"):
        cells(home="torch_cell")


def test_answers_print_as_text_and_as_a_table():
    found = cells("gru reset")
    assert len(str(found).splitlines()) == len(found) == len(cell_homes())
    assert found._repr_html_().count("<tr>") == len(found) + 1


def one_pass(x):
    """Return variances as the mean of squares minus the square of the mean."""
    return np.mean(x * x, axis=-1) - np.square(np.mean(x, axis=-1))


def test_the_example_of_one_pass_is_as_told():
    pair = np.array([4095, 4097], np.float32)
    assert np.sum(pair * pair) == 2**25 and one_pass(pair) == 0
    assert round(1 / np.sqrt(0.00001)) == 316


@pytest.mark.parametrize(("mean", "spread", "low", "high"), [
    (288, 10, 0, 0.01), (2000, 1, 0.1, 0.5), (4096, 1, 0.9, np.inf),
])  # fmt: skip
def test_the_rule_for_a_variance_in_one_pass_tells_its_size(mean, spread, low, high):
    draw = np.random.default_rng(0).standard_normal((500, 512))
    x = (mean + spread * draw).astype(np.float32)
    true = x.astype(np.float64).var(axis=-1)
    error = np.sqrt(np.mean(np.square(one_pass(x) / true - 1)))
    assert low <= error < high
    assert error < 10 * (mean / spread) ** 2 * 6e-8
