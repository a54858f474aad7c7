"""What is decided from stored records says so, in all ways in which a notebook hands them on."""

import json
import re

import pytest
import stored_claims
from environment import pages_in
from together import together

CHAPTERS = pages_in()
LIVE = 'claim("bend", holds=x > 1, measured="3 of 3")'
STORED = 'claim("bend", holds=x > 1, measured="3", stored="dropout", miniature=y > 1)'


def problems(*sources):
    """Return what is wrong with a notebook of such cells."""
    cells = [
        {"cell_type": "code", "source": source, "outputs": [], "execution_count": n, "id": str(n)}
        for n, source in enumerate(sources, 1)
    ]
    return stored_claims.check_stored_claims({"cells": cells})


@together("path", CHAPTERS)
def test_chapters_say_what_is_stored(path):
    assert stored_claims.check_stored_claims(json.loads(path.read_text(encoding="utf-8"))) == []


WAYS = [
    'x = experiments.stored("dropout").array("accuracy")',
    'r = stored("dropout")\nx = [row["accuracy"] for row in r]',
    'r = stored("dropout")\nfor row in r:\n    a, *x = row.values()',
    'r = stored("dropout")\nx = {}\nx["a"] = r[0]',
    'r = stored("dropout")\nx = []\nfor row in r:\n    if row:\n        x.append(row["accuracy"])',
    'r = stored("dropout")\nx = 0\nfor row in r:\n    x += row["accuracy"]',
    'r = stored("dropout")\n\n\ndef f(p):\n    return r.select(p=p)\n\n\nx = f(0.5)',
    'r = stored("dropout")\nx = max(map(lambda row: row["accuracy"], r))',
    'x = stored(name="dropout")',
    'x: list = stored("dropout")',
    'if (x := stored("dropout")):\n    pass',
    'x = [y := 3, stored("dropout")]',
    'r = stored("dropout")\nx = 0\nfor row in r:\n    if row["accuracy"] > 0.5:\n        x += 1',
    'r = stored("dropout")\nx = False\nif r[0]["accuracy"] > 0.5:\n    x = True',
    'if True:\n    x = stored("dropout")\nelse:\n    x = 3',
    'r = stored("dropout")\nx = 0\nwhile r[x]:\n    x = 3',
    'r = stored("dropout")\nx = 0\nfor _ in range(3):\n    x = a\n    a = r',
    'with stored("dropout") as x:\n    pass',
    'try:\n    x = 1 / 0\nexcept ZeroDivisionError:\n    x = stored("dropout")',
    'try:\n    pass\nfinally:\n    x = stored("dropout")',
    'match stored("dropout"):\n    case [x, *_]:\n        pass',
    'r = stored("dropout")\nmatch 1:\n    case 1 if r:\n        x = 2',
    'def f():\n    return r\n\n\nr = stored("dropout")\nx = f()',
    'r = stored("dropout")\n\n\ndef f(r=r):\n    return r\n\n\nx = f()',
    'r = stored("dropout")\nx = [r for r in r]',
    'r = stored("dropout")\nx = [r for r in range(3)] + [r[0]]',
    'r = stored("dropout")\n\n\ndef f():\n    return [r for r in range(3)], r\n\n\nx = f()',
    'r, x = stored("dropout"), []\n\n\ndef f():\n    x.append(r[0])\n\n\nf()',
    'r = stored("dropout")\n\n\ndef f():\n    global x\n    x = r[0]\n\n\nf()',
    'r = stored("dropout")\n\n\nclass A:\n    a = r\n\n\nx = A.a',
    'r, x = stored("dropout"), []\n\n\ndef f(to):\n    to.append(r[0])\n\n\nf(x)',
    'r = stored("dropout")\nx = {}\nx.setdefault("a", []).append(r[0])',
    'import numpy as np\n\nr, x = stored("dropout"), np.zeros(3)\nnp.copyto(x, r[0])',
    'from numpy import copyto\n\nr, x = stored("dropout"), [3]\ncopyto(x, r[0])',
    'import numpy as np\n\nr, x = stored("dropout"), np.zeros(3)\ny = np.exp(r[0], out=x)',
    'import numpy as np\n\nr, x = stored("dropout"), np.zeros(3)\nnp.ravel(x)[0] = r[0]',
    'r, x = stored("dropout"), []\nlist.append(x, r[0])',
    'r, x = stored("dropout"), [3]\nsetattr(x[0], "a", r[0])',
    'r, x, a = stored("dropout"), [], []\n(x if r else a).append(3)\n(x if a else a).append(r)',
    'r, x = stored("dropout"), []\n[x.append(row) for row in r]',
    'r, x = stored("dropout"), []\nx == [] and x.append(r[0])',
    'r, x = stored("dropout"), []\n\n\ndef f(to, what):\n    to.append(what)\n\n\nf(x, r)',
    'r, x = stored("dropout"), [{}]\nfor row in x:\n    row["a"] = r[0]',
]


@pytest.mark.parametrize("way", WAYS)
def test_stored_records_are_followed(way):
    assert problems(way, "y = 2", STORED) == []
    (told,) = problems(way, LIVE)
    assert told == "cell 2: claim 'bend' rests on the stored records of ['dropout'], not live"


@pytest.mark.parametrize(
    "way",
    [
        "x = 3",
        'x = stored("dropout")\nx = 3',
        'i = stored("dropout")\nx = [i for i in range(3)]',
        'r = stored("dropout")\n\n\ndef f(r):\n    return r + 1\n\n\nx = f(3)',
        'r = stored("dropout")\nprint(r)\nx = 3',
        'r = stored("dropout")\nif r:\n    y = 3\nx = 3',
        'if True:\n    x = stored("dropout")\nx = 3',
        "def f(n):\n    return f(n - 1)\n\n\nx = f(3)",
        'import numpy as np\n\nr = stored("dropout")\nnp.copyto(r, r[0])\nx = np.zeros(3)',
        'r, x = stored("dropout"), 3\nprint(x, r)',
        'r, x = stored("dropout"), [3]\nif r:\n    for row in x:\n        print(row, r)',
    ],
)
def test_what_is_live_stays_live(way):
    assert problems(way, LIVE) == []
    (told,) = problems(way, "y = 2", STORED)
    assert told == "cell 3: claim 'bend' names the studies ['dropout'], but reads []"


def test_all_studies_are_named():
    way = 'x = stored("dropout") + stored("regularizers")'
    (told,) = problems(way, "y = 2", STORED)
    assert told == (
        "cell 3: claim 'bend' names the studies ['dropout'], but reads ['dropout', 'regularizers']"
    )
    both = STORED.replace('"dropout"', '["dropout", "regularizers"]')
    assert problems(way, "y = 2", both) == []
    assert len(problems('x = stored("dropout")', "y = 2", both)) == 1


def test_a_miniature_reads_no_records():
    (told,) = problems('x = y = stored("dropout")', STORED)
    assert told == "cell 2: the miniature of claim 'bend' reads records of ['dropout']"


def test_a_miniature_is_no_constant():
    source = STORED.replace("y > 1", "1 > 0")
    (told,) = problems('x = stored("dropout")', source)
    assert told == "cell 2: the miniature of claim 'bend' is a constant, so it cannot disagree"


@pytest.mark.parametrize(
    "source",
    [
        "r = stored(name)",
        'r = experiments.stored(f"drop{out}")',
        "s = stored",
        "r = [*map(experiments.stored, names)]",
        "from course_lib.experiments import stored as s",
        "from course_lib.experiments import stored\n\ns = stored",
        "from course_lib.experiments import read_records as r",
        "r = [*map(experiments.read_records, paths)]",
        "path = files('course_lib') / 'bundled' / 'results'",
    ],
)
def test_a_study_is_named_by_a_literal(source):
    (told,) = problems(source)
    assert re.search("(stored|read_records) is|where stored records are", told)
    assert "expected" in told


def test_a_variable_may_have_the_name():
    assert problems('stored = experiments.stored("dropout")', "rows = stored.rows") == []


def test_what_is_handed_over_as_a_dictionary_counts():
    source = 'claim("bend", measured="3 of 3", **{"holds": x > 1})'
    assert len(problems('x = stored("dropout")', source)) == 1


def test_the_other_side_counts_too():
    source = 'claim("bend", holds=True, otherwise=x > 1, measured="3 of 3")'
    assert len(problems('x = stored("dropout")', source)) == 1


def test_what_is_quoted_counts():
    source = 'claim("bend", holds=True, measured=f"{x:.2f} of 3")'
    (told,) = problems('x = stored("dropout")', source)
    assert told == "cell 2: claim 'bend' rests on the stored records of ['dropout'], not live"
    quoted = STORED.replace('"3"', 'f"{z}"')
    (told,) = problems('x, z = stored("dropout"), stored("regularizers")', "y = 2", quoted)
    assert told.endswith("['dropout'], but reads ['dropout', 'regularizers']")


def test_the_records_of_a_file_are_no_study():
    (told,) = problems("x = experiments.read_records(path).rows", LIVE)
    assert told == "cell 2: claim 'bend' rests on the stored records of ['a file'], not live"
    assert problems("sweep(learn, grid, out=out)\nprint(read_records(out))", "x = 3", LIVE) == []


def test_what_is_not_python_is_left_to_another_check():
    assert problems("x = (", LIVE) == []
