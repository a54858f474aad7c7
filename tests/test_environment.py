"""Notebooks in folders of the book: every program finds them, and calls them by folder and name."""

import json
import sys
from pathlib import Path

import environment
import install_cells
import nbformat
import notebook_checks
import notebooks
import prose_numbers
import pytest
import site_checks
import yaml
from downloads import Repository
from environment import name_of, pages_in

SOURCES = ["# Title", "It is 0.25 or 0.75.", "print(0.25)"]
NOT_OF_THE_BOOK = ["_build", "_ext", "parts/_old", "parts/.ipynb_checkpoints"]


@pytest.fixture
def book(tmp_path, monkeypatch):
    """Return a book with a notebook in front and one in a folder, and others that are not in it."""
    for folder in ["", "parts", *NOT_OF_THE_BOOK]:
        title, prose, source = SOURCES
        cells = [nbformat.v4.new_markdown_cell(text) for text in (title, prose)]
        cells.append(nbformat.v4.new_code_cell(source, execution_count=1))
        cells[-1].outputs = [nbformat.v4.new_output("stream", text="0.25\n")]
        path = tmp_path / "book" / folder / ("inner.ipynb" if folder else "outer.ipynb")
        path.parent.mkdir(parents=True, exist_ok=True)
        text = notebooks.text_of(notebooks.clean(nbformat.v4.new_notebook(cells=cells)))
        path.write_text(text, encoding="utf-8")
        path.with_suffix(".md").write_text("# Page", encoding="utf-8")
    monkeypatch.setattr(environment, "BOOK", tmp_path / "book")
    return tmp_path / "book"


def test_what_is_hidden_or_built_is_no_page(book):
    outer, inner = book / "outer.ipynb", book / "parts" / "inner.ipynb"
    assert pages_in() == pages_in(book) == [outer, inner]
    assert pages_in(suffix=".md") == [outer.with_suffix(".md"), inner.with_suffix(".md")]
    assert pages_in(book / "parts") == [inner]


def test_a_page_is_called_by_its_folder_and_name(book, monkeypatch):
    assert [name_of(path) for path in pages_in()] == ["outer", "parts/inner"]
    assert name_of(book.parent / "elsewhere.ipynb") == "elsewhere"
    monkeypatch.chdir(book)
    assert name_of("parts/inner.ipynb") == name_of(Path("parts", "inner.ipynb")) == "parts/inner"


def test_every_notebook_is_checked_with_the_claims_of_its_name(book, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(notebook_checks, "claims_of", lambda name: asked.append(name) or [])
    monkeypatch.setattr(sys, "argv", ["notebooks.py", "--check"])
    assert notebooks.main() == 1
    told = capsys.readouterr().out.splitlines()
    assert {line.partition(":")[0] for line in told} == {*asked} == {"outer", "parts/inner"}


@pytest.mark.filterwarnings("default")
def test_a_notebook_runs_in_its_folder(book):
    path = book / "parts" / "inner.ipynb"
    cells = [nbformat.v4.new_code_cell("from pathlib import Path\nprint(Path.cwd().name)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    environment.prepare()
    assert notebooks.update(path)
    assert notebooks.read(path).cells[0].outputs[0].text == "parts\n"


def test_every_number_in_prose_is_looked_for(book, monkeypatch, capsys):
    table = {"everywhere": {}, "parts/inner": {"or 0.75": "known since long ago"}}
    monkeypatch.setattr(prose_numbers, "exceptions", lambda: table)
    assert prose_numbers.main([]) == 1
    (told,) = capsys.readouterr().out.splitlines()
    assert told.startswith("outer: '0.75' is printed by no cell")


def test_every_notebook_gets_the_cell_that_installs(book, monkeypatch, capsys):
    where = Repository("https://github.com/bends/course", "trunk")
    monkeypatch.setattr(install_cells, "repository", lambda: where)
    install_cells.main()
    assert capsys.readouterr().out == "outer: with the cell\nparts/inner: with the cell\n"
    for path in pages_in():
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert [cell["id"] == "install" for cell in cells] == [False, True, False, False]
    for folder in NOT_OF_THE_BOOK:
        text = (book / folder / "inner.ipynb").read_text(encoding="utf-8")
        assert len(json.loads(text)["cells"]) == 3


def test_chapters_of_the_contents_are_told_with_their_folder(tmp_path):
    below = [{"file": "book/parts/inner"}, {"file": "book/parts/other"}]
    chapters = [{"file": "book/outer"}, {"file": "book/parts", "sections": below}]
    contents = {"root": "index", "parts": [{"chapters": chapters}, {"chapters": below}]}
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump(contents), encoding="utf-8")
    expected = ["outer", "parts", "parts/inner", "parts/other"]
    assert site_checks.chapters(tmp_path) == expected
