"""The cache of executed chapters: what it is told apart by, and who fills it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import execution_cache
import nbformat
import pytest
from environment import pages_in

ROOT = Path(__file__).resolve().parent.parent
FIGURE = '{"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}'
SHOW = f'display({FIGURE}, raw=True, metadata={{"image/png": {{"width": 9}}}})'
SOURCES = ['print("one", end="", flush=True)\nprint("\\n\\ntwo")', SHOW, "1 + 1"]


@pytest.fixture
def sources(tmp_path):
    """Return a folder with a library and a lock."""
    (tmp_path / "course_lib" / "data").mkdir(parents=True)
    (tmp_path / "course_lib" / "a.py").write_text("a = 1\n", encoding="utf-8")
    (tmp_path / "course_lib" / "data" / "b.npz").write_bytes(b"b")
    (tmp_path / "requirements.lock").write_text("numpy==2.4.6\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", ["course_lib/a.py", "course_lib/data/b.npz", "requirements.lock"])
def test_digest_sees_every_file(sources, name):
    before = execution_cache.digest(sources)
    assert execution_cache.digest(sources) == before
    (sources / name).write_bytes(b"changed")
    assert execution_cache.digest(sources) != before


def test_digest_sees_new_names_and_no_bytecode(sources):
    before = execution_cache.digest(sources)
    (sources / "course_lib" / "__pycache__").mkdir()
    (sources / "course_lib" / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert execution_cache.digest(sources) == before
    (sources / "course_lib" / "a.py").rename(sources / "course_lib" / "c.py")
    assert execution_cache.digest(sources) != before


def test_other_caches_are_removed(tmp_path):
    for name in ["old", "new"]:
        (tmp_path / name).mkdir()
    execution_cache.prune(tmp_path / "new")
    execution_cache.prune(tmp_path / "missing" / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


# What is kept.


def stored(path, *cells):
    """Store a notebook of code cells, each a source with its outputs or a source alone."""
    pairs = [(cell, []) if isinstance(cell, str) else cell for cell in cells]
    code = [
        nbformat.v4.new_code_cell(source, outputs=outputs, execution_count=count)
        for count, (source, outputs) in enumerate(pairs, start=1)
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title"), *code])
    nbformat.write(notebook, path)
    return notebook


def stream(text):
    """Return what a cell that prints stores."""
    return [nbformat.v4.new_output("stream", text=text)]


def kept_in(folder, paths):
    """Return what a cache holds of some notebooks, executed, by their names."""
    found = {}
    with execution_cache.opened(folder) as cache:
        for path in paths:
            notebook = nbformat.read(path, 4)
            if execution_cache.is_cached(cache, notebook):
                _, found[path.stem] = cache.merge_match_into_notebook(notebook)
    return found


def code_cells(notebook):
    """Return what the code cells of a notebook gave."""
    return [(c.execution_count, c.outputs) for c in notebook.cells if c.cell_type == "code"]


def sphinx(folder, mode="cache"):
    """Return what the extension asks of Sphinx."""
    config = SimpleNamespace(
        nb_execution_cache_path=str(folder / "cache"),
        nb_execution_mode=mode,
        nb_execution_timeout=60,
    )
    env = SimpleNamespace(doc2path=lambda name: str(folder / name))
    return SimpleNamespace(config=config), env


def test_chapters_are_executed_before_sphinx_reads_them(tmp_path, capsys):
    paths = [tmp_path / f"{name}.ipynb" for name in ("one", "two", "failing")]
    for path, source in zip(paths, ["print(1 + 1)", "print(2 + 2)", "1 / 0"], strict=True):
        stored(path, source)
    app, env = sphinx(tmp_path)
    execution_cache.execute_before(app, env, ["page.md", *(path.name for path in paths)])
    found = kept_in(tmp_path / "cache", paths)
    texts = {name: notebook.cells[1].outputs[0].text for name, notebook in found.items()}
    assert texts == {"one": "2\n", "two": "4\n"}  # the one that fails is left to Sphinx
    told = capsys.readouterr().out
    assert re.findall(r"^progress: \d/3 (one|two): \d+ s, executed$", told, re.MULTILINE)
    assert re.search(r"^progress: \d/3 failing: a cell failed", told, re.MULTILINE)
    execution_cache.execute_before(app, env, ["one.ipynb", "page.md"])
    assert capsys.readouterr().out == "progress: 1/1 one: from the cache\n"


def test_nothing_is_executed_if_the_settings_say_so(tmp_path, capsys):
    stored(tmp_path / "one.ipynb", "1 / 0")
    execution_cache.execute_before(*sphinx(tmp_path, mode="off"), ["one.ipynb"])
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "spoil",
    [lambda path: shutil.rmtree(path.parent), lambda path: path.write_text('{"cells": [')],
    ids=["no folder", "half a file"],
)
def test_what_was_not_written_to_its_end_is_missing(tmp_path, spoil):
    notebook = stored(tmp_path / "one.ipynb", "print(1)")
    with execution_cache.opened(tmp_path / "cache") as cache:
        assert not execution_cache.is_cached(cache, notebook)
        bundle = execution_cache.bundled(tmp_path / "one.ipynb", notebook, 1.0)
        execution_cache.keep(cache, bundle)
        assert execution_cache.is_cached(cache, notebook)
        (path,) = (tmp_path / "cache").rglob("*.ipynb")
        spoil(path)
        assert not execution_cache.is_cached(cache, notebook)
        execution_cache.keep(cache, bundle)
        assert execution_cache.is_cached(cache, notebook)


def test_with_outputs_counts_cells_and_changes_a_copy(tmp_path):
    notebook = stored(tmp_path / "one.ipynb", "print(1)", "2")
    result = nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=9)
    executed = execution_cache.with_outputs(notebook, [stream("1\n"), [result]])
    assert [count for count, _ in code_cells(executed)] == [1, 2]
    assert executed.cells[2].outputs == [{**result, "execution_count": 2}]
    assert result.execution_count == 9
    assert code_cells(notebook) == [(1, []), (2, [])]
    with pytest.raises(ValueError, match="shorter"):
        execution_cache.with_outputs(notebook, [[]])


# The tests of the chapters, which execute them too.


@pytest.fixture
def book(sources):
    """Return a folder of chapters, in a small checkout with this book's conftest.py."""
    paths = "".join(f"\n  {ROOT / name}" for name in ("tools", "book/_ext"))
    (sources / "pytest.ini").write_text(f"[pytest]\npythonpath ={paths}\n", encoding="utf-8")
    folder = sources / "book"
    folder.mkdir()
    shutil.copy(ROOT / "book" / "conftest.py", folder)
    outputs = [
        stream("one\n\ntwo\n"),
        [nbformat.v4.new_output("display_data", {"text/plain": "<Figure>"})],
        [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=3)],
    ]
    stored(folder / "good.ipynb", *zip(SOURCES, outputs, strict=True))
    return folder


def run_nbval(book, *options):
    """Compare the chapters with what they store; return the closing line."""
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", *options, "book"]
    done = subprocess.run(command, cwd=book.parent, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


def test_a_chapter_that_passes_is_kept_as_the_build_would_execute_it(book):
    stored(book / "differs.ipynb", ("print(1)", stream("2\n")), ("print(3)", stream("3\n")))
    stored(book / "partly.ipynb", ("print(1)", stream("1\n")), ("print(4)", stream("4\n")))
    (book / "parts").mkdir()
    stored(book / "parts" / "nested.ipynb", ("print(6)", stream("6\n")))
    stored(book / "unjudged.ipynb", ("# NBVAL_IGNORE_OUTPUT\nprint(1)", stream("5\n")))
    change = 'from pathlib import Path\n_ = Path("../course_lib/a.py").write_text("")'
    stored(book / "with_another_library.ipynb", change)
    old = book.parent / execution_cache.CACHES / "old"
    old.mkdir(parents=True)
    folder = execution_cache.folder(book.parent)
    # One worker takes the chapters with most cells first, and then in this order.
    left_out = "book/partly.ipynb::Cell 1"
    told = run_nbval(book, "-n", "1", "--dist", "loadfile", "--deselect", left_out)
    assert "1 failed, 8 passed" in told
    assert list(folder.parent.iterdir()) == [folder]
    assert folder != execution_cache.folder(book.parent)
    found = kept_in(folder, pages_in(book))
    assert list(found) == ["good", "nested"]
    notebook = nbformat.read(book / "good.ipynb", 4)
    built = execution_cache.execute(book / "good.ipynb", notebook, timeout=60)
    assert code_cells(found["good"]) == code_cells(built.nb)
    assert found["good"].cells[1].outputs == stream("one\n\ntwo\n")
    assert found["good"].cells[2].outputs[0].metadata == {"image/png": {"width": 9}}
