"""Which code folds, and what stands in its place."""

import folded_code
import pytest
from docutils import nodes


def shown(figure=False):
    """Return what a cell showed: a text or a figure."""
    return [nodes.container("", nodes.figure() if figure else nodes.paragraph("", "0.5"))]


LONG = "\n".join("x += 1" for _ in range(folded_code.LONGEST + 1))
DEFINITION = "def f(x):\n" + "\n".join("    x += 1" for _ in range(folded_code.LONGEST_DEFINITION))


@pytest.mark.parametrize(
    ("code", "outputs", "line"),
    [
        (LONG, shown(), "Code of this experiment"),
        (LONG, shown(figure=True), "Code of this figure"),
        ('claim("xor", holds=True, measured="4 of 4")', shown(), "Code that decides this claim"),
        ("card = claim(\n    'xor',\n)\ncard", shown(), "Code that decides this claim"),
        (DEFINITION, [], "Definition of f"),
        (
            "\n".join(f"def f{n}(): ..." for n in range(20)),
            [],
            "Definition of f0, f1, f2 and others",
        ),
        ("%matplotlib inline\nimport numpy as np\n" * 9, [], "Imports and settings"),
        ("import numpy as np\n\n" + DEFINITION, [], "Definition of f"),
        (LONG * 2, [], "Code"),
    ],
)
def test_long_code_folds_to_a_line(code, outputs, line):
    assert folded_code.folds(code, outputs)
    assert folded_code.told(code, outputs) == line


@pytest.mark.parametrize(
    ("code", "outputs"),
    [("relu(-1)", shown()), ("def f(x):\n    return x", []), ("reclaim(x)", shown()), (LONG, [])],
)
def test_short_code_stays_open(code, outputs):
    assert not folded_code.folds(code, outputs)
