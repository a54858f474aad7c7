"""What is decided from stored records says so, in all ways in which a notebook hands them on."""

import json
from pathlib import Path

import pytest
import stored_claims
from together import together

CHAPTERS = sorted((Path(__file__).resolve().parent.parent / "book").glob("*.ipynb"))
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
]


@pytest.mark.parametrize("way", WAYS)
def test_stored_records_are_followed(way):
    assert problems(way, "y = 2", STORED) == []
    (told,) = problems(way, LIVE)
    assert told == (
        "cell 2: claim 'bend' is decided from the stored records of ['dropout'], not live"
    )


@pytest.mark.parametrize(
    "way",
    [
        "x = 3",
        'x = stored("dropout")\nx = 3',
        'i = stored("dropout")\nx = [i for i in range(3)]',
        'r = stored("dropout")\n\n\ndef f(r):\n    return r + 1\n\n\nx = f(3)',
        'r = stored("dropout")\nprint(r)\nx = 3',
    ],
)
def test_what_is_live_stays_live(way):
    assert problems(way, LIVE) == []
    (told,) = problems(way, "y = 2", STORED)
    assert told == "cell 3: claim 'bend' names the study 'dropout', but reads []"


def test_a_miniature_reads_no_records():
    (told,) = problems('x = y = stored("dropout")', STORED)
    assert told == "cell 2: the miniature of claim 'bend' reads records of ['dropout']"


def test_the_other_side_counts_too():
    source = 'claim("bend", holds=True, otherwise=x > 1, measured="3 of 3")'
    assert len(problems('x = stored("dropout")', source)) == 1


def test_what_is_not_python_is_left_to_another_check():
    assert problems("x = (", LIVE) == []
