"""The site: its extensions do their work, and a built site is whole."""

import contextlib
import io
import json
import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from xml.etree import ElementTree

import activation_explorer
import benchmark_growth
import benchmark_table
import build_book
import claim_ledger
import nbformat
import page_repairs
import pytest
import site_checks
from activation_table import TABLES

from course_lib.activations import CATALOGUE
from course_lib.claims import CLAIMS, VARIED
from course_lib.experiments import Records, stored

SITE = build_book.SITE


REPAIRED = {
    "bibliography role": ('<div role="doc-biblioentry">', '<div role="listitem">'),
    "caption level": (
        '<p class="caption" role="heading">',
        '<p class="caption" role="heading" aria-level="2">',
    ),
    "empty head": ('<th class="head"><p></p></th><th>a</th>', '<td class="head"></td><th>a</th>'),
    "claim link": (
        '<aside class="claim x" id="claim-a"><p class="claim-statement">A.</p>',
        '<aside class="claim x" id="claim-a"><p class="claim-statement">A. '
        '<a class="headerlink" href="#claim-a" title="Link to this claim">#</a></p>',
    ),
    "citation ids": (
        '<span class="bibtex-citation" id="id1">[<a href="../bibliography.html#id1">1</a>]',
        '<span class="bibtex-citation">[<a href="../bibliography.html#id1">1</a>]',
    ),
    "list in a paragraph": (
        '<dd class="field-odd"><p><ul class="simple"><li>x</li></ul>\n</p></dd>',
        '<dd class="field-odd"><ul class="simple"><li>x</li></ul></dd>',
    ),
    "exercise ids": ('<section id="solution-content">', '<section class="solution-content">'),
}


@pytest.mark.parametrize("name", page_repairs.REPAIRS)
def test_page_is_repaired(name):
    before, after = REPAIRED[name]
    assert page_repairs.repaired(before) == after


def test_code_keeps_the_tags_that_color_it_and_no_others():
    tokens = (
        '<span></span><span class="kn">from</span> <span class="n">x</span><span class="w"> </span>'
    )
    page = f'<div class="highlight"><pre>{tokens}</pre></div><span class="n">x</span>'
    lean = '<div class="highlight"><pre><span class="kn">from</span> x </pre></div>'
    assert page_repairs.repaired(page) == lean + '<span class="n">x</span>'


def test_a_line_too_long_for_paper_is_marked_and_no_other():
    longest, longer = "x" * page_repairs.LONGEST, "y" * (page_repairs.LONGEST + 1)
    page = '<div class="highlight"><pre>{}</pre></div>'
    before = page.format(f"{longest}\n{longer}\n{longest}\n{longer}")
    marked = f'{longest}\n<span class="long">{longer}\n</span>{longest}\n'
    after = page.format(f'{marked}<span class="long">{longer}</span>')
    assert page_repairs.repaired(before) == after
    assert page_repairs.repaired(after) == after


def test_repairs_leave_other_things_alone():
    page = '<script src="x.js"></script><summary>More</summary><section id="content">'
    assert page_repairs.repaired(page) == page


def test_templates_are_wrapped():
    render = page_repairs.after(lambda name, text: f'<p role="doc-biblioentry">{name}{text}')
    assert render("page.html", " text") == '<p role="listitem">page.html text'


CONF = """\
import sys
sys.path.insert(0, {extensions!r})
extensions = ["myst_nb", "claim_ledger", "activation_explorer", "mathml"]
html_math_renderer = "mathml"
nb_execution_mode = "off"
project = "test"
html_theme = "basic"
exclude_patterns = ["_build", "jupyter_execute"]
"""


def run_sphinx(folder):
    """Build what has changed in a folder; return the exit status and what Sphinx said."""
    from sphinx.cmd.build import build_main

    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        status = build_main(["-q", "-W", "-N", "--keep-going", folder, f"{folder}/_build"])
    return status, told.getvalue()


@pytest.fixture(scope="module")
def aside():
    """Return a process of its own, in which Sphinx and MyST-NB are imported once for all books."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield pool


class Book:
    """A small book that is built by Sphinx itself, in another process."""

    def __init__(self, folder, aside):
        """Write the settings and a ledger."""
        self.folder, self.aside = folder, aside
        extensions = str(build_book.ROOT / "book" / "_ext")
        self.write("conf.py", CONF.format(extensions=extensions))
        self.write("ledger.md", "# Ledger\n\n```{claim-ledger}\n```\n")

    def write(self, name, text):
        """Write a file."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def index(self, *names):
        """Write the root document."""
        self.write("index.md", "# Book\n\n```{toctree}\n" + "\n".join(names) + "\nledger\n```\n")

    def chapter(self, name, *records):
        """Write a chapter whose cells have decided claims."""
        cells = [nbformat.v4.new_markdown_cell(f"# Chapter {name}", id="title")]
        for number, record in enumerate(records):
            html = f'<aside class="claim" id="claim-{record["id"]}">{record["text"]}</aside>'
            data = {"text/html": html, "application/vnd.course-claim+json": record}
            output = nbformat.v4.new_output("execute_result", data, execution_count=number + 1)
            cell = nbformat.v4.new_code_cell(
                "claim()", outputs=[output], execution_count=number + 1, id=f"claim-{number}"
            )
            cells.append(cell)
        metadata = {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python", "pygments_lexer": "ipython3"},
        }
        notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
        self.write(f"{name}.ipynb", json.dumps(notebook))

    def build(self):
        """Build what has changed; return the exit status and what Sphinx said."""
        return self.aside.submit(run_sphinx, str(self.folder)).result(timeout=300)

    def page(self, name):
        """Return a page."""
        return (self.folder / "_build" / f"{name}.html").read_text(encoding="utf-8")

    def ledger(self):
        """Return the ledger's page."""
        return self.page("ledger")


def record(name, verdict="holds", condition="", measured="3 of 3", study=""):
    """Return what a cell decided."""
    return {
        "id": name,
        "section": "1",
        "kind": "identity",
        "text": f"Statement of {name}.",
        "source": "the source document",
        "verdict": verdict,
        "condition": condition,
        "evidence": "Measured live",
        "study": study,
        "measured": measured,
    }


@pytest.fixture
def book(tmp_path, aside):
    """Return a small book with two chapters."""
    book = Book(tmp_path, aside)
    book.index("one", "two")
    book.chapter("one", record("xor-not-linear"), record("saturation", "holds-if", "it is deep"))
    book.chapter("two", record("relu-formula", "fails", "it is so", "<1 of 3", "dropout"))
    return book


def test_ledger_lists_every_claim_and_follows_a_changed_and_a_removed_chapter(book):
    assert book.build() == (0, "")
    page = book.ledger()
    assert 'href="one.html#claim-xor-not-linear">Statement of xor-not-linear.</a>' in page
    assert "holds if</span> it is deep" in page
    assert "fails</span>: it is so" in page
    assert "<strong>Measured live:</strong> &lt;1 of 3" in page
    assert "Claims decided: 3, of which" in page
    assert page.index("<h2>Chapter one") < page.index("<h2>Chapter two")
    waiting = page.split("<summary>")[1]
    assert "Softmax" in waiting
    assert "No linear model classifies XOR" not in waiting
    assert 'id="claim-xor-not-linear"' in (book.folder / "_build" / "one.html").read_text("utf-8")
    book.chapter("one", record("xor-not-linear", measured="4 of 4"))
    assert book.build() == (0, "")
    assert "4 of 4" in book.ledger()
    assert "Claims decided: 2, of which" in book.ledger()
    book.index("one")
    (book.folder / "two.ipynb").unlink()
    assert book.build() == (0, "")
    assert "<h2>Chapter two" not in book.ledger()
    assert "Claims decided: 1, of which" in book.ledger()


def test_a_chapter_in_a_folder_is_built_and_its_claims_are_listed(book):
    (book.folder / "parts").mkdir()
    book.chapter("parts/three", record("softmax-multiclass"))
    book.index("one", "two", "parts/three")
    assert book.build() == (0, "")
    assert 'href="parts/three.html#claim-softmax-multiclass">Statement' in book.ledger()
    assert "Claims decided: 4, of which" in book.ledger()
    assert 'id="claim-softmax-multiclass"' in book.page("parts/three")


def test_ledger_says_how_stored_records_were_made(book):
    assert book.build() == (0, "")
    origins = re.findall('<p class="claim-origin">(.*?)</p>', book.ledger())
    assert [("Stored records" in origin) for origin in origins] == [False, False, True]
    row = next(iter(stored("dropout")))
    assert "make study NAME=dropout" in re.sub("<.*?>", "", origins[2])
    for told in [f"from commit {row['commit']}", f"NumPy {row['numpy']}", row["machine"]]:
        assert told in origins[2]


def test_records_of_several_origins_or_of_none_are_told_as_such(monkeypatch):
    where = {"version": "1", "numpy": "2", "python": "3", "machine": "A, 2 CPUs"}
    rows = [
        {"seed": 1, "date": "2026-01-03T01:00:00", "commit": "abc", **where},
        {"seed": 2, "date": "2026-01-02T02:00:00", "commit": "", **where},
        {"seed": 3, "date": "2026-01-02T03:00:00", "commit": "def", **where | {"machine": "B"}},
    ]
    monkeypatch.setattr(claim_ledger, "stored", lambda study: Records(rows))
    assert claim_ledger.provenance.__wrapped__("one") == (
        "on 2026-01-02 to 2026-01-03, from commit abc and unknown and def, with course_lib 1, "
        "NumPy 2, Python 3, on A, 2 CPUs and B"
    )


def test_ledger_says_how_several_studies_were_made():
    told = "".join(node.astext() for node in claim_ledger.made("dropout, regularizers"))
    assert "make study NAME=dropout on " in told
    assert "make study NAME=regularizers on " in told
    assert list(claim_ledger.made("")) == []


def test_ledger_says_what_was_varied():
    told = {name: f"twice <the {name}>" for name in VARIED}
    entry = replace(CLAIMS["xor-not-linear"], varied=told)
    first, title, listed, last = claim_ledger.varied(entry)
    assert [first.astext(), last.astext()] == ["<details class='claim-varied'>", "</details>"]
    assert "What was varied" in title.astext()
    for name in VARIED:
        assert f"{name.capitalize()}: twice <the {name}>" in listed.astext()
    assert list(claim_ledger.varied(replace(entry, varied={}))) == []


def test_claim_that_is_decided_twice_stops_the_build(book):
    book.chapter("two", record("xor-not-linear"))
    status, told = book.build()
    assert status
    assert "'xor-not-linear' is decided more than once" in told


def test_explorer_brings_its_files_to_its_pages_alone(book):
    cell = nbformat.v4.new_markdown_cell("# One\n\n```{activation-explorer}\n```", id="explorer")
    book.write("one.ipynb", json.dumps(nbformat.v4.new_notebook(cells=[cell])))
    (book.folder / "two.ipynb").unlink()
    book.write("two.md", "# Two\n\n```{activation-explorer}\nThe *other* table.\n```\n")
    assert book.build() == (0, "")
    one, two = book.page("one"), book.page("two")
    for file in [activation_explorer.SCRIPT, activation_explorer.STYLE]:
        assert file in one
        assert file not in book.ledger()
    assert f'<script defer="defer" src="_static/{activation_explorer.SCRIPT}"></script>' in one
    numbers = one.split('<script type="application/json">')[1].split("</script>")[0]
    assert json.loads(numbers) == activation_explorer.data()
    assert "perunit" not in (book.folder / "_build" / "searchindex.js").read_text(encoding="utf-8")
    for page in [one, two]:
        assert '<svg viewBox="' in page
    assert activation_explorer.SENTENCE in one
    assert activation_explorer.SENTENCE not in two
    assert "The <em>other</em> table." in two


@pytest.mark.parametrize("table", TABLES)
def test_no_row_breaks_its_table(table):
    head, made = TABLES[table]
    rows = list(made())
    assert rows
    for cells in rows:
        assert len(cells) == len(head)
        assert all(cell and "|" not in cell for cell in cells)


@pytest.mark.parametrize("table", ["formulas", "names"])
def test_every_activation_has_a_row(table):
    _, made = TABLES[table]
    for activation, cells in zip(CATALOGUE.values(), made(), strict=True):
        assert f"{activation.name} <course_lib.activations." in cells[0]


# The page of benchmarks.


def stored_results():
    """Return the results that the page may show."""
    return {
        p.stem: json.loads(p.read_text(encoding="utf-8"))
        for p in benchmark_table.RESULTS.glob("*.json")
    }


def test_what_is_stored_was_measured_in_full():
    found = stored_results()
    assert found
    assert not any(result["quick"] for result in found.values())


def test_the_page_shows_every_table():
    page = (build_book.ROOT / "book" / "benchmarks.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^```\{benchmark-table\} (\w+) (.+)$", page, re.MULTILINE))
    assert shown == {(name, title) for name, r in stored_results().items() for title in r["tables"]}


def test_cells_do_not_break_a_table():
    lines = benchmark_table.markdown({"head": ["a", "b|c"], "names": 1, "rows": [["1|2", ""]]})
    assert lines == ["| a | b\\|c |", "| :--- | ---: |", "| 1\\|2 | |"]


def growing(power):
    """Return a table in which time and memory are powers of the size."""
    rows = [[f"{n}", f"{7 * n**power}", "", f"{3 * n}"] for n in (1, 2, 4, 8, 16)]
    return {"head": ["width", "time, µs", "exponent", "memory, MB"], "names": 1, "rows": rows}


def test_the_exponent_is_that_of_a_power_at_large_sizes():
    points = benchmark_growth.series(growing(1.5), "time, µs")
    assert points[0] == (1, 1) and benchmark_growth.exponent(points) == pytest.approx(1.5)
    bent = [(1, 1), (2, 1), (4, 1), (8, 4), (16, 16)]  # a power of 2 from 4 on
    assert benchmark_growth.exponent(bent) == pytest.approx(2)


def test_the_growth_is_drawn_with_its_exponents_and_in_words():
    tables = {"width": growing(1.5), "batch": growing(0.25)}
    drawn = ElementTree.fromstring(benchmark_growth.drawing(tables))
    texts = [entry.text for entry in drawn.iter("text")]
    assert {"time 1.50", "time 0.25", "memory 1.00", "Growth with width"} <= set(texts)
    assert "with batch time has exponent 0.25 and memory 1.00" in drawn.get("aria-label")
    assert len([*drawn.iter("circle")]) == 2 * 2 * 5
    assert abs(benchmark_growth.apart([50, 52])[0] - benchmark_growth.apart([50, 52])[1]) == 14


def test_what_is_stored_can_be_drawn():
    stored = stored_results()["growth"]["tables"]
    tables = {t.removeprefix("Growth with "): v for t, v in stored.items() if t[:6] == "Growth"}
    assert len(tables) == 4
    ElementTree.fromstring(benchmark_growth.drawing(tables))


def test_a_table_with_three_names_comes_in_parts():
    rows = [["a", "1", "x", "0.1"], ["a", "2", "x", "0.2"], ["b", "1", "x", "0.3"]]
    table = {"head": ["size", "n", "kind", "ratio"], "names": 3, "rows": rows}
    (first, one), (second, other) = benchmark_table.parts(table)
    assert (first, second) == ("size: a", "size: b")
    assert one == {
        "head": ["n", "kind", "ratio"],
        "names": 2,
        "rows": [row[1:] for row in rows[:2]],
    }
    assert other["rows"] == [["1", "x", "0.3"]]
    assert benchmark_table.parts(table | {"names": 2}) == [("", table | {"names": 2})]


# What was built.


def test_built_site_is_whole():
    if build_book.UNFINISHED.exists() or not (SITE / "index.html").exists():
        pytest.skip("there is no finished site; `make book` builds one")
    assert site_checks.problems(SITE, build_book.ROOT) == []
    assert site_checks.unused(SITE) == []
    for name in site_checks.documents(build_book.ROOT):
        page = Path(SITE, f"{name}.html").read_text(encoding="utf-8")
        assert page_repairs.repaired(page) == page, f"{name} was not repaired"
