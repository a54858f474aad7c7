"""The pages of chapter 7 stay as short as they are meant to be."""

import json
import re

import pytest
from environment import ROOT

APPLICATIONS = sorted((ROOT / "book" / "applications").glob("*.ipynb"))
APART = re.compile(r"\$\$.*?\$\$( \(eq-[\w-]+\))?|\{cite:\w\}`[^`]*`", re.DOTALL)
ONE_WORD = re.compile(r"\$[^$]*\$|\{\w+\}`[^`]*`")


def main_text(notebook):
    """Return the words between the goals of a page and its exercises, formulas apart."""
    words = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if text.startswith("## Exercises"):
            break
        if cell["cell_type"] == "markdown" and not text.startswith("## What you will be able"):
            words += ONE_WORD.sub("X", APART.sub("", text)).split()
    return [word for word in words if re.search(r"\w", word)]


@pytest.mark.parametrize("path", APPLICATIONS, ids=lambda path: path.stem)
def test_main_text_has_1500_to_3000_words(path):
    assert 1500 <= len(main_text(json.loads(path.read_text()))) <= 3000


def test_only_words_of_the_main_text_count():
    sources = [
        "# A title\n\nSee {cite:p}`one`: $x + 1$ is a {doc}`page`.\n\n$$\na b\n$$ (eq-a-b)",
        "## What you will be able to do\n\n- nothing",
        "## Exercises\n\nMany.",
    ]
    cells = [{"cell_type": "markdown", "source": [text]} for text in sources]
    cells.insert(1, {"cell_type": "code", "source": ["x = 1"]})
    assert main_text({"cells": cells}) == ["A", "title", "See", "X", "is", "a", "X."]
