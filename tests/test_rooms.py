"""Every line has its room: short modules, a test file for each, and imports that run one way."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from test_imports import ALL, MAY_IMPORT, MODULES
from together import together

import course_lib

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ["course_lib", "studies", "benchmarks", "tools", "tests", "book/_ext"]
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
TOGETHER = {"double_double": "references", "base": "layers"}  # tested in the file of the latter
LONGEST = 620  # lines of a module, without its tables


@cache
def tree_of(path):
    """Return what a module says, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"))


def table_lines(tree):
    """Return how many lines belong to tables: what a module assigns, spelled out by entries."""
    spelled = (ast.Dict, ast.List, ast.Tuple, ast.Set, ast.Call)
    tables = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, spelled)
    ]
    return sum(node.end_lineno - node.lineno for node in tables)


@together("path", SOURCES)
def test_a_module_is_read_in_one_sitting(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines - table_lines(tree_of(path)) <= LONGEST


@together("path", SOURCES)
def test_names_are_imported_one_by_one(path):
    starred = [
        node
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]
    assert starred == []


def library_modules():
    """Return every module of the library with public names, from the library's folder."""
    folder = Path(course_lib.__file__).parent
    return sorted(
        path.relative_to(folder).with_suffix("")
        for path in folder.rglob("*.py")
        if not path.stem.startswith("_")
    )


@together("module", library_modules())
def test_each_module_has_its_tests(module):
    """A file of the module's name, with or without its packages, or one for a small package."""
    parts = [part for part in module.parts if part != "layers"]
    names = {"_".join(parts), parts[-1], parts[0], TOGETHER.get(parts[-1], parts[-1])}
    assert any((ROOT / "tests" / f"test_{name}.py").exists() for name in names)


# The order.


def stated_order():
    """Return the modules in the order that CONTRIBUTING states."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.count("->") > 5)
    return re.findall(r"`(\w+)`", line)


def test_the_order_names_every_module_once():
    order = stated_order()
    assert sorted(order) == sorted(set(MODULES) - ALL)
    assert len(order) == len(set(order))


def test_the_package_states_the_same_order():
    order = re.findall(r"``(\w+)``", course_lib.__doc__.split("Each is imported")[0])
    assert order == stated_order()


@pytest.mark.parametrize("module", stated_order())
def test_a_module_may_import_only_what_stands_before_it(module):
    order = stated_order()
    assert MAY_IMPORT[module] <= set(order[: order.index(module)])


def test_an_arrow_back_is_found(tmp_path, monkeypatch):
    import test_imports

    (tmp_path / "data.py").write_text("from course_lib import training\n", encoding="utf-8")
    monkeypatch.setattr(test_imports, "FOLDER", tmp_path)
    with pytest.raises(AssertionError):
        test_imports.test_no_import_points_backwards("data")
