"""The names of ``course_lib``: where each is public, and which of them a piece of code uses.

A name is known by the first package, from the top, that lists it in ``__all__``: GELU is defined in
``course_lib.activations.self_gated`` and taught as ``course_lib.activations.gelu``.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import accumulate
from typing import Any

from course_lib.activations import CATALOGUE

LIBRARY = "course_lib"
EVERYDAY = {"exponential", "gaussian", "identity", "sine", "threshold"}
"""Functions whose names mean something else in prose."""
SHELL_LINE = re.compile(r"^\s*[%!].*$", re.MULTILINE)
"""A line for the notebook, not for Python."""


def home(module: str, name: str) -> str:
    """Return the package that a name of a module is imported from; the module, if none lists it."""
    first = name.split(".")[0]
    defined = getattr(import_module(module), first, None)
    for package in accumulate(module.split("."), "{}.{}".format):
        found = import_module(package)
        if first in getattr(found, "__all__", ()) and getattr(found, first) is defined:
            return package
    return module


@cache
def definitions(module: str) -> dict[str, int]:
    """Return the lines on which a module defines functions, classes, their parts and constants."""
    tree = ast.parse(inspect.getsource(import_module(module)))
    return dict(defined(tree.body))


def defined(body: list[ast.stmt], owner: str = "") -> Iterator[tuple[str, int]]:
    """Yield the names that statements define, those of a class with its name before them."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield owner + node.name, node.lineno
        if isinstance(node, ast.ClassDef):
            yield from defined(node.body, f"{owner}{node.name}.")
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name):
                yield owner + target.id, node.lineno


def origin(module: str, name: str) -> str:
    """Return the module that defines what another one offers."""
    value: Any = import_module(module)
    for part in name.split("."):
        value = getattr(value, part, None)
    below = sorted(found for found in sys.modules if found.startswith(f"{module}."))
    for found in [getattr(value, "__module__", None), module, *below]:
        if str(found).startswith(LIBRARY) and name in definitions(found):
            return str(found)
    return module


@dataclass(frozen=True)
class Use:
    """A name of the library in a piece of code."""

    name: str
    """In full, as in ``course_lib.activations.gelu``."""
    line: int
    """From 1."""
    column: int
    """Where the last part of the name begins, in characters from 0."""
    imported: bool = False
    """Whether this is where it is imported."""


def code_uses(code: str, known: dict[str, str]) -> list[Use]:
    """Return the names of the library in a cell, in their order.

    ``known`` holds what earlier cells have imported, short name to full name. What this cell
    imports is added; what it binds to something else is dropped.
    """
    try:
        tree = ast.parse(SHELL_LINE.sub("", code))
    except SyntaxError:
        return []
    lines = code.split("\n")
    imports = list(import_uses(tree, known))
    for name in bound(tree):
        known.pop(name, None)
    found = [*imports, *expression_uses(tree, known)]
    characters = (
        Use(use.name, use.line, in_characters(lines[use.line - 1], use.column), use.imported)
        for use in found
    )
    return sorted(characters, key=lambda use: (use.line, use.column))


def in_characters(line: str, column: int) -> int:
    """Return a column that counts bytes, as the parser does, in characters."""
    return len(line.encode()[:column].decode())


def import_uses(tree: ast.AST, known: dict[str, str]) -> Iterator[Use]:
    """Yield what is imported from the library, and add it to what is known."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == LIBRARY:
            yield Use(str(node.module), node.lineno, node.col_offset + len("from "), True)
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                known[alias.asname or alias.name] = name
                yield Use(name, alias.lineno, alias.col_offset, True)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == LIBRARY:
                    known[alias.asname or LIBRARY] = alias.name if alias.asname else LIBRARY
                    yield Use(alias.name, alias.lineno, alias.col_offset, True)


def bound(tree: ast.AST) -> Iterator[str]:
    """Yield the names that code binds otherwise than by an import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name


def expression_uses(tree: ast.AST, known: dict[str, str]) -> Iterator[Use]:
    """Yield the names of the library that code reads."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and (name := full_name(node, known)):
            last = len(name) if isinstance(node, ast.Name) else len(node.attr)
            end = node.end_col_offset or 0
            start = node.col_offset if isinstance(node, ast.Name) else end - last
            yield Use(name, node.end_lineno or node.lineno, start)


def full_name(node: ast.expr, known: dict[str, str]) -> str:
    """Return the full name of what an expression names, or nothing."""
    if isinstance(node, ast.Name):
        return known.get(node.id, "")
    if isinstance(node, ast.Attribute) and (owner := full_name(node.value, known)):
        return f"{owner}.{node.attr}"
    return ""


def activations_by_name(code: str) -> list[str]:
    """Return the functions of the catalogue whose names stand as texts in code."""
    try:
        tree = ast.parse(SHELL_LINE.sub("", code))
    except SyntaxError:
        return []
    words = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    rows = (CATALOGUE[word] for word in words if isinstance(word, str) and word in CATALOGUE)
    return [f"{LIBRARY}.activations.{row.function.__name__}" for row in rows]


@cache
def spoken() -> re.Pattern[str]:
    """Return what finds the functions of the catalogue in prose: leaky_relu as "leaky ReLU"."""
    names = {row.function.__name__ for row in CATALOGUE.values()} - EVERYDAY
    words = (name.replace("_", "[ -]?") for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])({'|'.join(words)})(?![\w-])", re.IGNORECASE)


def activations_in_prose(text: str) -> list[str]:
    """Return the functions of the catalogue that a text speaks of."""
    spelled = (re.sub("[ -]", "_", word.lower()) for word in spoken().findall(text))
    return [f"{LIBRARY}.activations.{word}" for word in spelled]


def text_name(text: str, known: dict[str, str]) -> str:
    """Return the full name that a piece of code in the text means, or nothing."""
    match = re.fullmatch(r"([A-Za-z_]\w*)((?:\.\w+)*)(?:\(\))?", text)
    if match is None:
        return ""
    first, rest = match[1], match[2]
    return LIBRARY + rest if first == LIBRARY else known[first] + rest if first in known else ""
