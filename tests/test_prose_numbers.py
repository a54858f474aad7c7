"""Every number in prose comes from a cell, and the program that looks for them finds them."""

import nbformat
import notebook_checks
import prose_numbers
import pytest
from environment import pages_in
from together import together

CHAPTERS = pages_in()


def notebook(prose, *outputs):
    """Return a notebook with a paragraph and what its cell printed."""
    cell = nbformat.v4.new_code_cell("print()", execution_count=1)
    cell["outputs"] = [nbformat.v4.new_output("stream", text=text) for text in outputs]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(prose), cell])


def missing(prose, *outputs):
    """Return the texts of the numbers that the outputs lack."""
    return [number.text for number in prose_numbers.missing(notebook(prose, *outputs))]


@together("path", CHAPTERS)
def test_every_number_in_prose_is_printed(path):
    assert prose_numbers.problems(path) == []


def test_every_exception_for_all_chapters_is_needed():
    assert prose_numbers.idle(CHAPTERS) == []


def test_every_exception_says_why_and_belongs_to_a_chapter():
    table = prose_numbers.exceptions()
    assert set(table) <= {prose_numbers.EVERYWHERE, *(path.stem for path in CHAPTERS)}
    assert all(len(why.split()) > 2 for reasons in table.values() for why in reasons.values())


@pytest.mark.parametrize(
    ("prose", "found"),
    [
        ("It takes 0.25 of it.", ["0.25"]),
        ("It gains 3 points, or 3.5 percentage points.", ["3 points", "3.5 percentage points"]),
        ("In 40 % of all runs, and in 40\u202f% of others.", ["40 %", "40\u202f%"]),
        ("After 20 ms, 3 hours or 12 MiB.", ["20 ms", "3 hours", "12 MiB"]),
        ("Rates from -0.5 to 1,234.5 and 1.5e-3.", ["-0.5", "1,234.5", "1.5e-3"]),
        ("Over 16 seeds, in 2014, three of 32.", []),
        ("Version 1.2.3, `x = 0.5`, $y = 0.5$, [text](a-0.5.html), https://a.b/1.5", []),
        ("```{figure} a-0.5\n:width: 0.5\nA half is 0.7.\n```", ["0.7"]),
        ("It is\n0.25\nof it.", ["0.25"]),
        ("{numref}`fig-0.5` and {cite}`a0.5`", []),
        ("From 3-5 %, from 0.25-0.75, or (0.5,0.7).", ["5 %", "0.25", "0.75", "0.5", "0.7"]),
        (
            "A 20-ms pause, 40\\% of it, 3 ULPs, 5 \u03bcs.",
            ["20-ms", "40\\%", "3 ULPs", "5 \u03bcs"],
        ),
        ("On 2026-11-30, in the 1950s, on pages 12-15.", []),
        ("So $x =\n0.5$ and 0.7 of $y$, `a +\n0.5` and 0.9 of `b`.", ["0.7", "0.9"]),
        ("A lone $.\n\nThen 0.7 of $y$.", ["0.7"]),
        (":::{exercise} It takes 0.25 of it\n:label: a-0.5\n:::", ["0.25"]),
    ],
)
def test_numbers_are_collected(prose, found):
    assert missing(prose, "nothing") == found


@pytest.mark.parametrize(
    ("prose", "output", "agrees"),
    [
        ("0.25", "0.2541", True),
        ("0.25", "-0.25", True),
        ("0.25", "0.2551", False),
        ("0.25", "0.3", False),
        ("40 %", "0.4", True),
        ("40 %", "0.396", True),
        ("40 %", "39.6", True),
        ("40 %", "0.41", False),
        ("0.4", "40", False),
        ("3 points", "0.031", True),
        ("20 ms", "0.2", False),
        ("1,234.5", "1234.46", True),
        ("1.5e-3", "0.0015", True),
        ("0.5", "layer3_0.5x", True),
        ("2 ms", "layer12", False),
        ("123 ms", "[1,2,3]", False),
        ("0.25", "(1,0.25)", True),
        ("1,234 ms", "1,234", True),
    ],
)
def test_numbers_agree_when_they_are_rounded_alike(prose, output, agrees):
    assert missing(f"It is {prose} of it.", f"found {output} here") == ([] if agrees else [prose])


def test_code_is_no_output():
    chapter = notebook("It is 0.25.")
    chapter["cells"][1]["source"] = "x = 0.25"
    assert [number.text for number in prose_numbers.missing(chapter)] == ["0.25"]


def test_of_a_card_only_what_was_measured_is_printed():
    chapter = notebook("It is 1.1, 0.25 or 0.75.")
    data = {
        notebook_checks.CLAIM_MIME: {"text": "More than 0.25.", "measured": "0.75"},
        "text/plain": "Claim (section 1.1)\n  More than 0.25.\n  Measured live: 0.75",
    }
    chapter["cells"][1]["outputs"] = [nbformat.v4.new_output("display_data", data)]
    assert [number.text for number in prose_numbers.missing(chapter)] == ["1.1", "0.25"]


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """Return a function that tells the problems of a chapter with such exceptions."""
    path = tmp_path / "one.ipynb"

    def told(prose, *pieces):
        nbformat.write(notebook(prose, "0.25"), path)
        table = {"everywhere": {"95 %": "the level of the intervals"}}
        table["one"] = dict.fromkeys(pieces, "known since long ago")
        monkeypatch.setattr(prose_numbers, "exceptions", lambda: table)
        found = prose_numbers.problems(path)
        assert prose_numbers.main([str(path)]) == bool(found)
        return found

    return told


def test_an_exception_is_a_piece_of_a_sentence(chapter):
    prose = "It is 0.25, or\n0.75 of it; 95 % are sure."
    (told,) = chapter(prose)
    assert told.startswith("'0.75' is printed by no cell: ... It is 0.25, or 0.75 of it; 95 %")
    assert chapter(prose, "or 0.75 of it") == []
    (told,) = chapter(prose + " And 0.75 of that.", "or 0.75 of it")
    assert told.endswith("And 0.75 of that. ...")


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        ("or 0.75", "stands 2 times in the prose"),
        ("and 0.75", "stands 0 times in the prose"),
        ("0.75", "stands 3 times in the prose"),
        ("0.625", "is a number alone; add the words around it"),
        ("It is 0.25", "is not needed"),
        ("95 % are sure", "is not needed"),
    ],
)
def test_an_exception_stands_for_one_place(chapter, piece, expected):
    prose = "It is 0.25, or 0.75 of it, or 0.75 of 0.75, or 0.625. 95 % are sure."
    assert f"the exception {piece!r} {expected}" in chapter(prose, piece)


def test_an_exception_for_all_chapters_is_needed_by_one(tmp_path, monkeypatch):
    path = tmp_path / "one.ipynb"
    nbformat.write(notebook("For 95 % of it.", "0.25"), path)
    table = {"everywhere": dict.fromkeys(("95 %", "99 %"), "the level of the intervals")}
    monkeypatch.setattr(prose_numbers, "exceptions", lambda: table)
    assert prose_numbers.problems(path) == []
    assert prose_numbers.idle([path]) == ["99 %"]
