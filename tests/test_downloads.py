"""Notebooks elsewhere: the addresses that open them, and the cell that gets the library."""

import ast
import json
import re
import sys
import tomllib
from types import SimpleNamespace

import downloads
import jinja2
import nbformat
import notebook_checks
import pytest
from downloads import Repository
from environment import BOOK, ROOT, name_of, pages_in

NOWHERE = Repository("", "main")
GITHUB = Repository("https://github.com/bends/course", "trunk")
ELSEWHERE = Repository("https://example.org/course", "main")


def notebook(*sources):
    """Return a notebook with a title and these cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title"), *cells])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("title: x", NOWHERE),
        ("repository:", NOWHERE),
        ("repository: {url: ''}", NOWHERE),
        ("repository: {url: 'https://example.org/course/'}", ELSEWHERE),
        ("repository: {url: 'https://github.com/bends/course.git', branch: trunk}", GITHUB),
    ],
)
def test_the_repository_is_that_of_the_settings(tmp_path, settings, expected):
    (tmp_path / "_config.yml").write_text(settings, encoding="utf-8")
    assert downloads.repository(tmp_path) == expected


def test_notebooks_of_a_github_repository_open_elsewhere():
    assert downloads.launches(GITHUB, "book/bend.ipynb") == {
        "Colab": "https://colab.research.google.com/github/bends/course/blob/trunk/book/bend.ipynb",
        "Binder": "https://mybinder.org/v2/gh/bends/course/trunk?urlpath=lab%2Ftree%2Fbook%2Fbend.ipynb",
    }


@pytest.mark.parametrize(
    ("where", "name"), [(NOWHERE, "book/x.ipynb"), (ELSEWHERE, "book/x.ipynb"), (GITHUB, "")]
)
def test_other_pages_do_not(where, name):
    assert downloads.launches(where, name) == {}


def test_without_a_repository_the_cell_says_how_to_install_a_checkout():
    code = downloads.source(NOWHERE)
    assert ast.parse(code).body == []  # nothing is done, and no network is asked
    assert '# %pip install "path/to/the/checkout[' in code


def test_with_a_repository_one_line_installs_what_is_missing():
    code = downloads.source(GITHUB)
    (line,) = re.findall(r"^ +%pip install (.*)$", code, re.MULTILINE)
    assert "@ git+https://github.com/bends/course@trunk" in line
    (attempt,) = notebook_checks.tree({"source": code}).body
    assert isinstance(attempt, ast.Try)


def test_the_package_and_its_extras_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, extras = downloads.PACKAGE.removesuffix("]").split("[")
    assert name == project["name"]
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


CALLED = {"torch.onnx.export": {"onnx", "onnxscript"}, "frameworks.compare(": {"onnxruntime"}}
"""What calls import by themselves."""


def imported(path):
    """Return the packages that the cells of a chapter import and cannot do without."""
    cells = [*notebook_checks.code_cells(nbformat.read(path, 4))]
    called = [
        needed for call, needed in CALLED.items() if any(call in cell.source for _, cell in cells)
    ]
    nodes = [node for _, cell in cells for node in notebook_checks.tree(cell).body]
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    named = [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in plain + named}.union(*called)


def test_the_cell_brings_what_chapters_import():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = downloads.PACKAGE.removesuffix("]").split("[")[1].split(",")
    wanted = [line for extra in extras for line in project["optional-dependencies"][extra]]
    names = [re.match(r"[\w-]+", line)[0] for line in wanted + project["dependencies"]]
    brought = {*names, *downloads.OTHERS.split(), "course_lib", "IPython", "PIL"}
    used = set().union(*map(imported, pages_in()))
    assert used - brought - sys.stdlib_module_names == set()


def test_a_download_begins_with_the_cell_however_often_it_is_made():
    once = downloads.downloaded(notebook("1"), NOWHERE)
    twice = downloads.downloaded(once, GITHUB)
    for found, where in [(once, NOWHERE), (twice, GITHUB)]:
        assert [cell.get("id") == downloads.CELL for cell in found.cells] == [True, False, False]
        assert found.cells[0].source == downloads.source(where)
        nbformat.validate(found)


def test_a_repository_keeps_the_cell_after_the_title_or_not_at_all():
    given = notebook("1")
    kept = downloads.kept(given, GITHUB)
    assert [cell.source for cell in kept.cells] == ["# Title", downloads.source(GITHUB), "1"]
    assert kept.cells[1].metadata.tags == ["remove-cell"]
    assert downloads.kept(kept, NOWHERE) == given


@pytest.mark.parametrize("path", pages_in(), ids=name_of)
def test_notebooks_are_as_the_settings_ask(path):
    stored = nbformat.read(path, 4)
    expected = downloads.kept(stored, downloads.repository()).cells
    told = [cell.source for cell in stored.cells]
    assert told == [cell.source for cell in expected], "run tools/install_cells.py"


def test_the_site_offers_notebooks_with_the_cell(tmp_path):
    (tmp_path / "_config.yml").write_text("title: x", encoding="utf-8")
    path = tmp_path / "_sources" / "book" / "parts" / "bend.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook("1"), path)
    app = SimpleNamespace(srcdir=tmp_path, outdir=tmp_path)
    downloads.prepare_downloads(app, ValueError("the build failed"))
    assert len(nbformat.read(path, 4).cells) == 2
    downloads.prepare_downloads(app, None)
    assert nbformat.read(path, 4).cells[0].source == downloads.source(NOWHERE)
    script = path.with_name("bend.ipynb.js").read_text(encoding="utf-8")
    assert json.loads(script.removeprefix("window.courseNotebook = ").rstrip(";\n")) == (
        path.read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("where", [NOWHERE, ELSEWHERE, GITHUB])
def test_the_foot_offers_what_the_settings_allow(where):
    template = (BOOK / "_theme" / "course" / "footer.html").read_text(encoding="utf-8")
    foot = jinja2.Template(template).render(
        pagename="book/bend",
        notebook="book/bend.ipynb",
        repository_url=where.url,
        launches=downloads.launches(where, "book/bend.ipynb"),
        pathto=lambda name, resource=0: name,
        hasdoc=lambda name: False,
    )
    assert 'href="_sources/book/bend.ipynb" data-script="_sources/book/bend.ipynb.js"' in foot
    assert "Download the notebook" in foot
    assert ("Repository</a>" in foot) == bool(where.url)
    for place in ("Colab", "Binder"):
        assert (f"Run it on {place}</a>" in foot) == (where is GITHUB)
