"""The notebooks are clean and complete; the cleaner cleans, and each check can fail."""

import copy
import importlib.util
import json
import re
import sys
import time

import nbformat
import notebook_checks
import notebooks
import pytest
from environment import ROOT, name_of, pages_in, prepare, share_cores
from together import together

CHAPTERS = pages_in()
CLAIM = {"id": "bend", "measured": "3 of 3", "verdict": "holds"}
EXPECTED = ["bend"]


def markdown(source):
    """Return a Markdown cell."""
    return {"cell_type": "markdown", "id": "m", "metadata": {}, "source": source}


def code(source, outputs=(), count=None, **metadata):
    """Return a code cell."""
    return {
        "cell_type": "code",
        "execution_count": count,
        "id": "c",
        "metadata": metadata,
        "outputs": list(outputs),
        "source": source,
    }


def result(data, count=1):
    """Return the output of a cell's last expression."""
    return {
        "output_type": "execute_result",
        "data": data,
        "metadata": {},
        "execution_count": count,
    }


def shown(data):
    """Return a displayed output."""
    return {"output_type": "display_data", "data": data, "metadata": {}}


def stream(text, name="stdout"):
    """Return printed text."""
    return {"output_type": "stream", "name": name, "text": text}


def exercise(number):
    """Return an exercise and its solution."""
    return (
        f"```{{exercise}} Number {number}\n:label: ex-{number}\n\nWhy?\n```\n\n"
        f"```{{solution}} ex-{number}\n:label: sol-{number}\n:class: dropdown\n\nSo.\n```\n"
    )


def good():
    """Return a small notebook that has everything a chapter needs."""
    alt = "A line that is 0 for negative numbers and rises for positive ones."
    cells = [
        markdown("# A title\n\n## What you will be able to do\n\n- this\n\n## A section\n"),
        code("x = 1\nprint(x)", [stream("1\n")], 1),
        code(
            "fig, ax = plt.subplots()\nplt.show()",
            [shown({"text/plain": "<Figure size 640x480 with 1 Axes>"})],
            2,
            mystnb={"image": {"alt": alt}},
        ),
        code(
            'claim("bend", holds=True, measured="3 of 3")',
            [result({"text/plain": "Claim bend", notebook_checks.CLAIM_MIME: dict(CLAIM)}, 3)],
            3,
        ),
        markdown(
            "## Summary\n\nIt bends.\n\n## Exercises\n\n" + "\n".join(map(exercise, range(5)))
        ),
        markdown("## Further reading\n\n- {cite:t}`someone2020bend` bent it first."),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
        cell["source"] = cell["source"].strip()
    metadata = {"kernelspec": notebooks.KERNELSPEC, "language_info": notebooks.LANGUAGE}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def complete(notebook):
    """Check the claims as if the chapter had one."""
    return notebook_checks.check_claims_complete(notebook, EXPECTED)


APART = [complete]  # a check that knows the chapter


def find(notebook, start):
    """Return the first cell whose source starts so."""
    return next(cell for cell in notebook["cells"] if cell["source"].startswith(start))


def print_instead(text, name="stdout"):
    """Return a change that makes the first code cell print something else."""

    def change(notebook):
        find(notebook, "x = 1")["outputs"] = [stream(text, name)]

    return change


def show_instead(data):
    """Return a change that makes the first code cell show something else."""

    def change(notebook):
        find(notebook, "x = 1")["outputs"] = [shown(data)]

    return change


def set_in(start, **values):
    """Return a change of a cell's fields."""

    def change(notebook):
        find(notebook, start).update(values)

    return change


def replace(start, old, new):
    """Return a change in a cell's source."""

    def change(notebook):
        cell = find(notebook, start)
        assert old in cell["source"]
        cell["source"] = cell["source"].replace(old, new, 1)

    return change


def widget_state(notebook):
    """Store the state of widgets."""
    notebook["metadata"]["widgets"] = {}


def two_figures(notebook):
    """Show two figures in one cell."""
    outputs = find(notebook, "fig")["outputs"]
    outputs.append(copy.deepcopy(outputs[0]))


def decide_twice(notebook):
    """Decide a claim in two cells."""
    notebook["cells"].append(copy.deepcopy(find(notebook, "claim")))


def decide_another(notebook):
    """Decide a claim that belongs to another chapter."""
    find(notebook, "claim")["outputs"][0]["data"][notebook_checks.CLAIM_MIME]["id"] = "other"


def no_claim(notebook):
    """Decide nothing."""
    notebook["cells"].remove(find(notebook, "claim"))


def lengthen(*tags):
    """Return a change that adds lines to the first code cell, up to one too many."""

    def change(notebook):
        cell = find(notebook, "x = 1")
        cell["metadata"]["tags"] = list(tags)
        cell["source"] += "\n#" * (CHECKS.LONGEST_CELL + 1 - len(cell["source"].splitlines()))

    return change


CHECKS = notebook_checks
MUTATIONS = [
    (CHECKS.check_executed, set_in("x = 1", execution_count=None), "expected 1"),
    (CHECKS.check_executed, set_in("fig", execution_count=7), "has execution count 7"),
    (CHECKS.check_no_errors, print_instead("oh", "stderr"), "stderr"),
    (
        CHECKS.check_no_errors,
        set_in("x = 1", outputs=[{"output_type": "error", "ename": "E", "evalue": ""}]),
        "error: E",
    ),
    (CHECKS.check_no_images, show_instead({"image/png": "iVBORw0"}), "image/png"),
    (CHECKS.check_no_images, show_instead({"image/svg+xml": "<svg/>"}), "image/svg"),
    (
        CHECKS.check_no_images,
        show_instead({"application/vnd.jupyter.widget-view+json": {}}),
        "widget",
    ),
    (CHECKS.check_no_images, widget_state, "state of widgets"),
    (CHECKS.check_quiet, print_instead(" 40%|####  | 4/10"), "progress bar"),
    (CHECKS.check_quiet, print_instead("step 1\rstep 2"), "progress bar"),
    (CHECKS.check_quiet, print_instead("RuntimeWarning: overflow"), "warning"),
    (CHECKS.check_reproducible, print_instead("<object at 0x7f95a9106020>"), "an address"),
    (CHECKS.check_reproducible, print_instead("in /home/ada/book"), "an absolute path"),
    (CHECKS.check_reproducible, print_instead(r"in C:\Users\ada"), "an absolute path"),
    (CHECKS.check_reproducible, print_instead("on 2026-11-24"), "a date"),
    (CHECKS.check_reproducible, print_instead("at 12:34:56"), "a date"),
    (CHECKS.check_reproducible, print_instead("NumPy 2.4.6"), "a version"),
    (CHECKS.check_reproducible, print_instead("2.13+cpu"), "a version"),
    (CHECKS.check_reproducible, print_instead("took 1.5 s"), "a timing"),
    (CHECKS.check_reproducible, print_instead("20 ms a step"), "a timing"),
    (CHECKS.check_cell_lengths, lengthen(), "cell 2 (cell-1) shows 26 lines of code"),
    (CHECKS.check_cell_lengths, lengthen("remove-output"), "shows 26 lines of code"),
    (CHECKS.check_figures, set_in("fig", metadata={}), "alt text has 0"),
    (
        CHECKS.check_figures,
        set_in("fig", metadata={"mystnb": {"image": {"alt": "A plot."}}}),
        "alt text has 7",
    ),
    (
        CHECKS.check_figures,
        set_in("fig", metadata={"mystnb": {"image": {"alt": "x" * 401}}}),
        "alt text has 401",
    ),
    (CHECKS.check_figures, two_figures, "2 figures"),
    (CHECKS.check_claim_cells, replace("claim", "claim(", "card = claim("), "must end in"),
    (CHECKS.check_claim_cells, replace("claim", '3")', '3")\nx'), "must end in"),
    (CHECKS.check_claim_cells, replace("claim", "claim(", "claim(\n("), "is not Python"),
    (CHECKS.check_claim_cells, set_in("claim", outputs=[]), "stores []"),
    (CHECKS.check_claim_cells, replace("claim", "bend", "other"), "decides 'other'"),
    (complete, no_claim, "decided 0 times"),
    (complete, decide_twice, "decided 2 times"),
    (complete, decide_another, "belongs elsewhere"),
    (CHECKS.check_sections, replace("# A title", "# A title", "A title"), "0 titles"),
    (CHECKS.check_sections, replace("## Summary", "Summary", "Recap"), "'Summary'"),
    (CHECKS.check_sections, replace("# A title", "What you will be", "What you"), "able to do"),
    (CHECKS.check_sections, replace("## Further", "## Further", "### Further"), "'Further"),
    (
        CHECKS.check_sections,
        replace("# A title", "## A section", "## Further reading\n\n## A section"),
        "another order",
    ),
    (CHECKS.check_exercises, replace("## Summary", exercise(4).strip(), ""), "has 4 exercises"),
    (CHECKS.check_exercises, replace("## Summary", ":class: dropdown\n", ""), "not folded"),
    (CHECKS.check_exercises, replace("## Summary", ":label: ex-2\n", ""), "has no label"),
    (CHECKS.check_exercises, replace("## Summary", "{solution} ex-1", "{solution} ex-2"), "ex-1"),
    (CHECKS.check_exercises, replace("## Summary", "{solution} ex-4", "{note} ex-4"), "ex-4"),
    (CHECKS.check_further_reading, replace("## Further", "{cite:t}", ""), "cites nothing"),
    (CHECKS.check_further_reading, replace("## Further", "## Further", "## No"), "cites nothing"),
]


@pytest.mark.parametrize("check", [*CHECKS.CHECKS, *APART])
def test_good_notebook_passes(check):
    assert check(good()) == []


@together(("check", "change", "told"), MUTATIONS)
def test_check_finds_what_it_is_for(check, change, told):
    notebook = good()
    change(notebook)
    found = check(notebook)
    assert any(told in problem for problem in found), found


def test_every_check_can_fail():
    assert {check for check, _, _ in MUTATIONS} == {*CHECKS.CHECKS, *APART}


@pytest.mark.parametrize("name", CHECKS.VOLATILE)
def test_every_pattern_can_fail(name):
    assert any(told == name for _, _, told in MUTATIONS)


@pytest.mark.parametrize(
    "text",
    [
        "accuracy 0.953 [0.948, 0.958] over 64 seeds",
        "203,530 parameters",
        "loss 2.3e-05 after 500 steps",
        "784-256-10",
        "tensor([0.1000, 0.2000])",
        "ratio 1/4 at x = -3.0 .. 3.0",
    ],
)
def test_ordinary_outputs_pass(text):
    notebook = good()
    print_instead(text)(notebook)
    assert CHECKS.check_reproducible(notebook) == CHECKS.check_quiet(notebook) == []


@pytest.mark.parametrize("tag", sorted(CHECKS.FOLDED))
def test_folded_cells_may_be_long(tag):
    notebook = good()
    lengthen(tag)(notebook)
    assert CHECKS.check_cell_lengths(notebook) == []


def test_lists_of_lines_are_read_like_texts():
    notebook = json.loads(notebooks.text_of(nbformat.from_dict(good())))
    assert isinstance(notebook["cells"][0]["source"], list)
    assert [found for check in CHECKS.CHECKS for found in check(notebook)] == []


def test_examples_in_code_blocks_do_not_count():
    shown_only = "````md\n# Not a title\n" + exercise(9) + "````\n\ntext"
    assert CHECKS.without_code(shown_only) == "\ntext"
    assert "{exercise}" in CHECKS.without_code(exercise(1))


def test_problems_adds_the_claims(monkeypatch):
    monkeypatch.setattr(notebook_checks, "claims_of", lambda chapter: ["bend", chapter])
    assert notebook_checks.problems(good(), "missing") == ["claim 'missing' is decided 0 times"]


def test_claims_of_reads_the_table():
    found = notebook_checks.claims_of("necessity")
    assert "xor-not-linear" in found
    assert "relu-formula" not in found


# The cleaner.


def dirty():
    """Return the good notebook with everything that the cleaner is to remove."""
    notebook = good()
    notebook["metadata"] = {
        "kernelspec": {"name": "other", "display_name": "My Python"},
        "language_info": {"name": "python", "version": "3.11.7"},
        "widgets": {"state": {}},
        "toc": {},
    }
    cell = find(notebook, "x = 1")
    cell["source"] = "\nx = 1  \nprint(x)\n\n"
    cell["metadata"] = {"execution": {"iopub.status.busy": "2026-11-24"}, "collapsed": False}
    cell["outputs"] = [stream("1"), stream("\n")]
    figure = find(notebook, "fig")["outputs"][0]
    figure["data"]["image/png"] = "iVBORw0"
    figure["metadata"] = {"image/png": {"width": 640}}
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            cell["execution_count"] = 10 + number
    notebook["cells"].insert(1, code(" \n"))
    return nbformat.from_dict(notebook)


def test_cleaner_removes_what_it_should():
    assert notebooks.clean(dirty()) == nbformat.from_dict(good())


def test_cleaning_twice_changes_nothing():
    once = notebooks.clean(dirty())
    assert notebooks.clean(once) == once


def test_cleaner_leaves_its_input_alone():
    notebook = dirty()
    before = copy.deepcopy(notebook)
    notebooks.clean(notebook)
    assert notebook == before


def test_cleaner_does_not_pretend_that_a_cell_was_run():
    notebook = nbformat.from_dict(good())
    find(notebook, "x = 1")["execution_count"] = None
    assert notebooks.clean(notebook)["cells"][1]["execution_count"] is None


def test_cleaner_has_jupyterlab_fold_what_the_site_folds():
    start, end = ":::{solution-start} ex-1\n:class: dropdown\n:::", ":::{solution-end}\n:::"
    cells = [
        code("support()", tags=["hide-input"]),
        code("shown()", jupyter={"source_hidden": True}),
        markdown(start),
        markdown("Because"),
        markdown("of this:"),
        code("solve()"),
        markdown("So it is."),
        markdown(f"{end}\n\n{start}\n\nAs before."),
        code("solve_again()"),
        markdown(end),
        markdown("Further"),
        code("shown_again()"),
    ]
    notebook = nbformat.from_dict({**good(), "cells": cells})
    once = notebooks.clean(notebook)
    source, both = {"source_hidden": True}, {"source_hidden": True, "outputs_hidden": True}
    hidden = [cell["metadata"].get("jupyter") for cell in once["cells"]]
    assert hidden == [source, None, None, both, None, None, both, None, None, None]
    assert once["cells"][2]["source"] == f"{start}\n\nBecause\n\nof this:"
    assert notebooks.clean(once) == once


def test_streams_of_other_names_stay_apart():
    outputs = [stream("a"), stream("b", "stderr"), stream("c", "stderr"), stream("d")]
    texts = [output["text"] for output in notebooks.merged(outputs)]
    assert texts == ["a", "bc", "d"]


def test_missing_and_repeated_ids_are_made():
    cells = [{"id": "a", "source": "1"}, {"id": "a", "source": "2"}, {"source": "3"}]
    ids = notebooks.unique_ids(cells)
    assert ids[0] == "a"
    assert len(set(ids)) == 3
    assert ids == notebooks.unique_ids(cells)


def test_file_ends_in_a_newline_and_is_indented_by_one():
    text = notebooks.text_of(nbformat.from_dict(good()))
    assert text.endswith("}\n")
    assert text.startswith('{\n "cells": [\n  {\n')
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_check_tells_when_a_file_is_not_clean(tmp_path, monkeypatch):
    monkeypatch.setattr(notebook_checks, "claims_of", lambda chapter: EXPECTED)
    path = tmp_path / "chapter.ipynb"
    path.write_text(notebooks.text_of(nbformat.from_dict(good())), encoding="utf-8")
    assert notebooks.check(path) == []
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert notebooks.check(path) == ["is not clean"]


def test_write_is_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "chapter.ipynb"
    path.write_text("before", encoding="utf-8")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(notebooks.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        notebooks.write(path, "after")
    assert path.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def stored(tmp_path):
    """Return a function that stores a notebook of the given code cells."""

    def store(*sources):
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        path = tmp_path / "chapter.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        return path

    return store


@pytest.mark.filterwarnings("default")
def test_update_executes_and_cleans(stored, monkeypatch):
    path = stored("import sys\nsys.argv[0] != ''", "print('bent')")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    prepare()
    assert notebooks.update(path)
    notebook = notebooks.read(path)
    assert notebooks.text_of(notebooks.clean(notebook)) == path.read_text(encoding="utf-8")
    assert [cell["execution_count"] for cell in notebook["cells"]] == [1, 2]
    assert notebook["cells"][1]["outputs"][0]["text"] == "bent\n"


@pytest.mark.filterwarnings("default")
def test_update_keeps_the_file_when_a_cell_raises(stored, capsys):
    path = stored("1 / 0")
    before = path.read_text(encoding="utf-8")
    prepare()
    assert not notebooks.update(path)
    assert path.read_text(encoding="utf-8") == before
    told = capsys.readouterr().err
    assert "ZeroDivisionError" in told
    assert "\x1b" not in told


def test_prepare_puts_this_environment_first():
    environ = {"JUPYTER_PATH": "elsewhere", "MPLBACKEND": "Agg"}
    prepare(environ)
    first, second = environ["JUPYTER_PATH"].split(notebooks.os.pathsep)
    assert first.startswith(notebooks.sys.prefix)
    assert second == "elsewhere"
    assert environ["TQDM_DISABLE"] == "1"
    assert "MPLBACKEND" not in environ
    again = dict(environ)
    prepare(again)
    assert again == environ


# What the cells cost.


@pytest.fixture
def costs(monkeypatch):
    """Return the program that times notebooks; the cleaner bears the same name."""
    path = ROOT / "benchmarks" / "notebooks.py"
    spec = importlib.util.spec_from_file_location("notebook_costs", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "notebook_costs", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def canned(costs, monkeypatch, tmp_path):
    """Return the program with two notebooks: one takes 50.4 s, the other 60.4 s."""
    for name in ("long", "short"):
        (tmp_path / f"{name}.ipynb").touch()
    monkeypatch.setattr(costs, "BOOK", tmp_path)
    monkeypatch.setattr(costs, "contents", lambda: ["short", "long"])
    monkeypatch.setattr(costs, "prepare", lambda: None)
    monkeypatch.setattr(costs, "read", lambda path: 60 if path.stem == "long" else 50)
    monkeypatch.setattr(
        costs,
        "measure",
        lambda most, _: (1.0, [costs.Cost(2, 0.4, "import time"), costs.Cost(3, most, "fig-nap")]),
    )
    return costs


@pytest.mark.filterwarnings("default")
def test_cells_are_timed_and_nothing_is_written(costs, tmp_path, monkeypatch, capsys):
    title, load, nap = markdown("# Nap"), code("# sleep\nimport time"), code("time.sleep(0.2)")
    nap["metadata"] = {"mystnb": {"figure": {"name": "fig-nap"}}}
    cells = [dict(cell, id=f"cell-{n}") for n, cell in enumerate([title, load, nap])]
    path = tmp_path / "nap.ipynb"
    path.write_text(json.dumps({**good(), "cells": cells}), encoding="utf-8")
    before = path.read_bytes()
    monkeypatch.setattr(costs, "BOOK", tmp_path)
    monkeypatch.setattr(costs, "LIMIT", 0.15)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    asked = time.perf_counter()
    assert costs.main(["nap", "--all", "--strict"]) == 1
    elapsed = time.perf_counter() - asked
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    first, head, *rows = capsys.readouterr().out.splitlines()
    told = re.fullmatch(r"nap: (\S+) s in 2 cells, kernel start (\S+) s  OVER .* 0.15 s", first)
    total, start = map(float, told.groups())
    assert head.split() == ["cell", "seconds", "fraction"]
    cells = {int(row.split()[0]): row.split(maxsplit=3)[1:] for row in rows}
    assert {n: cell[2] for n, cell in cells.items()} == {2: "import time", 3: "fig-nap"}
    seconds = {n: float(cell[0]) for n, cell in cells.items()}
    assert seconds[3] >= 0.19
    assert total == pytest.approx(sum(seconds.values()), abs=0.07)  # both are rounded
    assert start > 0
    assert start + total < elapsed + 0.2


def test_cells_are_listed_by_cost(canned, capsys):
    assert canned.main(["short"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "short: 50.4 s in 2 cells, kernel start 1.0 s",
        "   cell  seconds  fraction",
        "      3    50.00       99%  fig-nap",
    ]
    canned.main(["short", "--all"])
    assert capsys.readouterr().out.splitlines()[2:] == [
        "      3    50.00       99%  fig-nap",
        "      2     0.40        1%  import time",
    ]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [([], 0), (["--strict"], 1), (["long", "--strict"], 1), (["short", "--strict"], 0)],
)
def test_the_limit_is_told_and_fails_only_if_strict(canned, capsys, arguments, status):
    assert canned.main(arguments) == status
    told = [line for line in capsys.readouterr().out.splitlines() if "OVER" in line]
    over = "long: 60.4 s in 2 cells, kernel start 1.0 s  OVER THE LIMIT OF 60 s"
    assert told == ([] if "short" in arguments else [over])


def test_a_notebook_that_fails_does_not_hide_the_others(canned, capsys, monkeypatch):
    measure = canned.measure

    def die(most, folder):
        if most == 50:
            raise notebooks.DeadKernelError("Kernel \x1b[31mdied")
        return measure(most, folder)

    monkeypatch.setattr(canned, "measure", die)
    assert canned.main([]) == 1
    printed = capsys.readouterr()
    assert printed.err == "short: not timed, because a cell failed:\nKernel died\n"
    assert printed.out.startswith("long: 60.4 s")


def test_unknown_notebook_is_named_with_those_there_are(canned, capsys):
    with pytest.raises(SystemExit) as left:
        canned.main(["short", "lon"])
    assert left.value.code == 2
    told = "unknown notebook 'lon'; did you mean 'long'? Expected: long, short\n"
    assert capsys.readouterr().err.endswith(told)


def test_notebooks_of_the_contents_are_timed(costs):
    assert set(costs.contents()) <= {*map(name_of, CHAPTERS)}
    assert costs.contents()[0] == "necessity"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1\ny = 2", "x = 1"),
        ("\n# Why.\n\n  x = 1", "x = 1"),
        ('claim(\n    "bend",\n    holds=True,\n)', 'claim("bend",'),
        ("# Nothing else.", "# Nothing else."),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 57 + "..."),
    ],
)
def test_cell_is_called_by_its_first_line(costs, source, expected):
    assert costs.label(code(source, mystnb={"image": {"alt": "A line."}})) == expected


# The chapters themselves.


@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_chapter(path):
    assert notebooks.check(path) == []


def test_kernels_side_by_side_get_a_thread_each_unless_the_reader_says_otherwise():
    environ = {"OMP_NUM_THREADS": "4"}
    share_cores(environ)
    assert environ["OMP_NUM_THREADS"] == "4"
    assert environ["OPENBLAS_NUM_THREADS"] == environ["MKL_NUM_THREADS"] == "1"
