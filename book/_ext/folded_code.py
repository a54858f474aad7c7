"""Fold the code of experiments and claims to one line, so that a chapter reads as an argument.

What a cell prints and shows stays where it is. Short examples stay open, and so do short
definitions: they are what a reader is meant to read. The notebooks themselves are not changed.
"""

import ast
import re
from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

LONGEST = 8
"""Lines of an experiment that stays open."""
LONGEST_DEFINITION = 16
"""Lines of a definition that stays open."""
CLAIM = re.compile(r"^claim\(|\bclaim\($", re.MULTILINE)
DEFINITION = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
IMPORT = re.compile(r"(?:%\w+.*\n)*(?:from|import) ")


def source(cell: nodes.Element) -> str:
    """Return the code of a cell."""
    inputs = [node for node in cell.children if node.get("nb_element") == "cell_code_source"]
    return "\n".join(
        block.astext() for node in inputs for block in node.findall(nodes.literal_block)
    )


def outputs(cell: nodes.Element) -> list[nodes.Element]:
    """Return what a cell printed or showed."""
    return [node for node in cell.children if node.get("nb_element") == "cell_code_output"]


def mostly_imports(code: str) -> bool:
    """Return whether imports are at least half of the lines."""
    lines = [line for line in code.splitlines() if line.strip() and not line.startswith("%")]
    parts = [
        p for p in ast.parse("\n".join(lines)).body if isinstance(p, ast.Import | ast.ImportFrom)
    ]
    return 2 * sum((p.end_lineno or p.lineno) - p.lineno + 1 for p in parts) >= len(lines)


def told(code: str, shown: list[nodes.Element]) -> str:
    """Return what the one line says in place of a cell's code."""
    if CLAIM.search(code):
        return "Code that decides this claim"
    if any(True for node in shown for _ in node.findall(nodes.figure)):
        return "Code of this figure"
    if IMPORT.match(code) and not shown and mostly_imports(code):
        return "Imports and settings"
    names = DEFINITION.findall(code)
    if names and not shown:
        return "Definition of " + ", ".join(names[:3]) + (" and others" if names[3:] else "")
    return "Code of this experiment" if shown else "Code"


def folds(code: str, shown: list[nodes.Element]) -> bool:
    """Return whether a cell is folded although its author left it open."""
    lines = code.count("\n") + 1
    return bool(CLAIM.search(code)) or lines > (LONGEST if shown else LONGEST_DEFINITION)


def code_cells(document: nodes.document) -> list[nodes.Element]:
    """Return the code cells of a page."""
    return [n for n in document.findall(nodes.container) if n.get("nb_element") == "cell_code"]


class FoldCode(SphinxPostTransform):
    """Choose which cells fold, just before MyST-NB folds them."""

    default_priority = 198
    formats = ("html",)

    def run(self, **options: Any) -> None:
        """Mark the cells."""
        for cell in code_cells(self.document):
            code = source(cell)
            if code and not cell.get("hide_mode") and folds(code, outputs(cell)):
                cell["hide_mode"] = "input"
                cell["prompt_show"] = cell["prompt_hide"] = ""


class TellFolded(SphinxPostTransform):
    """Say what is folded, just after MyST-NB has folded it."""

    default_priority = 200
    formats = ("html",)

    def run(self, **options: Any) -> None:
        """Write the lines."""
        for cell in code_cells(self.document):
            for fold in cell.children:
                if isinstance(fold, HideCodeCellNode):
                    block = next(fold.findall(nodes.literal_block), None)
                    fold["told"] = told(block.astext() if block else "", outputs(cell))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_post_transform(FoldCode)
    app.add_post_transform(TellFolded)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
