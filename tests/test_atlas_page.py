"""The page of the atlas says what is stored, and its programs print it."""

import contextlib
import io
import json
import shlex
import subprocess
import sys
from types import SimpleNamespace

import atlas_homes
import atlas_lines as told
import atlas_table
import numpy as np
import paper
import pytest
from bs4 import BeautifulSoup
from build_book import ROOT

from course_lib.frameworks import atlas, homes
from course_lib.frameworks.atlas import DTYPES

LINES = told.lines()
LIVE = {"torch_eager": "torch", "jax_eager": "jax", "onnx_reference": "onnx"}


@pytest.fixture(scope="module")
def page():
    """Return the lines of the page."""
    return BeautifulSoup(atlas_table.groups(), "html.parser")


def row(page, place):
    """Return the text of a line of the page."""
    return page.find("tr", id=place).get_text(" ", strip=True)


def line(place):
    """Return a line by its place."""
    return next(each for each in LINES if each.place == place)


# What is told.


def test_every_line_of_every_home_is_there_once(page):
    rows = [(each.name, each.home, each.line) for each in LINES]
    assert sorted(rows) == sorted((each.name, each.home, each.line) for each in atlas())
    assert len(page.select("tbody tr")) == len(rows)
    assert len({each.place for each in LINES}) == len(rows)


def test_every_home_has_a_name_and_a_kind():
    assert set(atlas_homes.HOMES) == {n for n, each in homes().items() if "failed" not in each}


def test_all_verdicts_are_told_but_those_of_homes_without_gradients():
    for dtype in DTYPES:
        for asked in ("values", "slopes"):
            stored = list(atlas(dtype=dtype, asked=asked))
            bare = [each for each in stored if each.details.get("error") == told.NO_GRADIENTS]
            shown = list(filter(None, told.cells(f"{dtype}-{asked}")))
            assert len(shown) == len(stored) - len(bare)


def test_a_line_says_what_it_computes_where_it_is_off_and_by_how_much(page):
    leaky = row(page, "leaky_relu.tfjs.0")
    assert "≠ different computes leaky_relu(0.2); off by 95 at −500" in leaky
    assert "TensorFlow.js" in leaky and "tf.leakyRelu(x)" in leaky
    assert "NaN gives 0.0, not NaN" in row(page, "relu.tract_onnx.0")
    assert "exactly 0 from" in row(page, "sigmoid.onnx_runtime.0")


def test_slopes_at_kinks_are_told():
    place = LINES.index(line("leaky_relu.jax_eager.0"))
    cell = told.cells("float32-slopes")[place]
    assert cell.sign == "=" and cell.facts[0] == "slope at 0 is 1.0"


def test_no_fact_has_a_sign_of_minus_that_a_terminal_shows():
    cells = [each for mode in told.MODES for each in told.cells(mode) if each]
    texts = {fact for each in cells for fact in each.facts}
    assert len(texts) > 1000
    assert not {text for text in texts if "inf" in text or "nan" in text or " -" in text}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_a_number_is_as_short_as_its_dtype_allows(dtype):
    kept = told.single("0.1") if dtype == "bfloat16" else float(np.dtype(dtype).type(0.1))
    assert kept != 0.1
    assert told.exact(kept, dtype) == "0.1"


@pytest.mark.parametrize("mode", told.MODES)
def test_an_input_of_an_example_is_the_one_that_was_asked(mode):
    dtype, asked = mode.split("-")
    rounded = told.single if dtype == "bfloat16" else np.dtype(dtype).type
    rows = list(atlas("silu", home="tensorflow_eager", dtype=dtype, asked=asked))
    places = [LINES.index(line(f"silu.tensorflow_eager.{i}")) for i in range(len(rows))]
    for place, each in zip(places, rows, strict=True):
        x = told.cells(mode)[place].x.strip("[]")
        assert float(rounded(x)) == each.details.get("at", told.USUAL)


@pytest.mark.parametrize(
    ("signs", "expected"),
    [("=", "="), ("=≈", "="), ("≠=", "≠*"), ("≈=", "≈"), ("×≠", "×*"), ("", "")],
)
def test_a_star_says_that_other_spellings_have_another_verdict(signs, expected):
    found = [told.Cell(sign, [], "", "", "", "") for sign in signs]
    assert told.sign([None, *found]) == expected


def test_the_overview_has_a_sign_for_each_first_line():
    page = BeautifulSoup(atlas_table.overview(), "html.parser")
    names = [head.get_text() for head in page.select("tbody th")]
    assert names == list(told.by_function(told.FIRST))
    columns = [head.get_text() for head in page.select(".homes th")]
    row = page.select("tbody tr")[names.index("leaky_relu")]
    found = dict(zip(columns, (cell.get_text() for cell in row.select("td")), strict=True))
    assert found["PyTorch"] == "=" and found["TensorFlow"] == "≠*"
    links = {link["href"].removeprefix("#") for link in page.select("tbody td a")}
    assert links == {each.place for each in LINES if each.number == 0}


def test_the_data_beside_the_page_are_the_cells():
    data = json.loads(json.dumps(told.interned()))
    for mode in told.MODES:
        for kept, cell in zip(data["modes"][mode], told.cells(mode), strict=True):
            if cell is None:
                assert kept == 0
                continue
            texts = [data["texts"][number] for number in kept[2:]]
            facts = [data["texts"][number] for number in kept[1]]
            assert [kept[0], facts, *texts] == list(cell)


def test_what_was_asked_is_counted():
    words = atlas_table.asked()
    assert f"{len(LINES):,} lines of {len(homes())} homes" in words
    assert "2026-11-30" in words


def test_on_paper_the_overview_stands_without_links_and_the_lines_are_left_out(tmp_path):
    body = f"{atlas_table.overview()}<div class='atlas-lines'>{atlas_table.groups()}</div>"
    path = tmp_path / "page.html"
    path.write_text(f"<article><h1>Atlas</h1>{body}</article>", encoding="utf-8")
    article = paper.article(path)
    assert len(article.select(".atlas-overview tbody tr")) > 30
    assert not article.select("a") and not article.select("details")


# Links to what asked.


@pytest.mark.parametrize("url", ["", "https://x/course"])
def test_each_line_leads_to_its_place_in_a_module(url):
    env = SimpleNamespace(
        course_repository=SimpleNamespace(url=url, branch="main"), course_commit="abc"
    )
    builder = SimpleNamespace(get_relative_uri=lambda docname, page: f"../../{page}.html")
    app = SimpleNamespace(env=env, builder=builder)
    for each in LINES:
        module, number = atlas_table.place(each.home, each.name)
        source = (ROOT / "atlas" / "homes" / f"{module}.py").read_text(encoding="utf-8")
        assert source.splitlines()[number - 1].startswith(f'    "{each.name}": ')
    uri = atlas_table.address(app, "book/atlas/index", "homes/jax_eager.py", 7, "gelu")
    page = "../../_modules/atlas/homes/jax_eager.html#gelu"
    assert uri == (f"{url}/blob/abc/atlas/homes/jax_eager.py#L7" if url else page)


# Programs.


def answer(home, place, mode):
    """Return what a program of the page prints, run in this process, and what the page says."""
    where = LINES.index(line(place))
    cell = told.cells(mode)[where]
    dtype, asked = mode.split("-")
    template = atlas_homes.program(home, homes()[home]["setup"], asked)
    text = atlas_homes.filled(home, template, LINES[where].line, dtype, cell.x)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(text, {})
    return printed.getvalue().strip(), cell.gave


@pytest.mark.parametrize("mode", ["float32-values", "float32-slopes", "float16-values"])
@pytest.mark.parametrize("place", ["leaky_relu", "softplus", "hard_tanh"])
@pytest.mark.parametrize("home", ["torch_eager", "jax_eager"])
def test_a_program_prints_the_answer(home, place, mode):
    pytest.importorskip(LIVE[home])
    printed, gave = answer(home, f"{place}.{home}.0", mode)
    dtype = mode.split("-")[0]
    assert float(printed) == pytest.approx(
        float(gave), rel=4 * float(np.finfo(dtype).eps), abs=1e-12
    )


def test_a_program_of_rows_prints_the_row():
    printed, gave = answer("torch_eager", "log_softmax.torch_eager.0", "float32-values")
    value, column = gave.split(" in place ")
    assert float(printed.split()[int(column) - 1]) == pytest.approx(float(value), rel=1e-6)


def test_a_home_without_a_program_is_asked_by_its_module():
    template = atlas_homes.program("ncnn_layers", "import ncnn", "values")
    text = atlas_homes.filled("ncnn_layers", template, 'layer("Mish")', "float32", "[-20]")
    assert shlex.split(text)[1:] == [
        "atlas/probe_line.py", "ncnn_layers", 'layer("Mish")', "[-20]", "float32"
    ]  # fmt: skip


@pytest.mark.parametrize("asked", ["values", "slopes"])
@pytest.mark.parametrize("home", atlas_homes.HOMES)
def test_no_place_of_a_program_stays_empty(home, asked):
    template = atlas_homes.program(home, homes()[home]["setup"], asked)
    text = atlas_homes.filled(home, template, "LINE", "float64", "[1]")
    assert text.count("LINE") == 1 and "[1]" in text
    assert not [place for place in ("{line}", "{x}", "{dtype}", "{wide}", "{any}", "{doubles}")
                if place in text]  # fmt: skip
    if home != "tfjs" and not text.startswith("python "):
        compile(text, home, "exec")


# One home, one line.


def ask(*arguments):
    """Return what the program that asks one line prints, and complains about."""
    command = [sys.executable, ROOT / "atlas" / "probe_line.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip(), done.stderr.strip(), done.returncode


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("F.leaky_relu(x)", "-3"), "-0.03"),
        (("F.leaky_relu(x)", "[-3, NaN]", "float16"), "-0.03 nan"),
        (("F.leaky_relu(x)", "[-3]", "float64", "slopes"), "0.01"),
        (("F.softmax(x, dim=-1)", "[[0, 200]]", "bfloat16"), "0 1"),
    ],
)
def test_a_home_is_asked_one_line(arguments, expected):
    assert ask("torch_eager", *arguments) == (expected, "", 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pytorch", "x", "1"), "expected is one of autograd_numpy"),
        (("torch_eager", "x", "one"), "no row of numbers"),
        (("torch_eager", "x", "1", "float8"), "expected is one of float16"),
        (("torch_eager", "x", "1", "float32", "gradient"), "expected is one of values, slopes"),
        (("torch_eager", "F.gelo(x)", "1"), "has no attribute 'gelo'"),
        (("torch_eager",), "HOME LINE NUMBERS"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_line(arguments, words):
    printed, said, status = ask(*arguments)
    assert printed == "" and status == 1
    assert words in said and len(said.splitlines()) == 1
