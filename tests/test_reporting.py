"""Reports say what records decide, and what they do not."""

import math
from itertools import product

import numpy as np
import pytest

from course_lib.experiments import read_records, sweep
from course_lib.experiments.records import Records
from course_lib.experiments.report_pages import as_page, headline, markdown_table, with_interval
from course_lib.experiments.reporting import Report
from course_lib.experiments.standard import Tune

stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
pytest.importorskip("threadpoolctl", reason="threadpoolctl is not installed")

DRAWN = np.random.default_rng(5).normal(size=(3, 12))
SCORES = {"relu": 0.8 + DRAWN[0] / 10, "tanh": 1.8 + DRAWN[1] / 10, "gelu": 0.82 + DRAWN[2] / 10}


def rows_of(scores, phase="result", **more):
    """Return rows of configurations that differ in their activation."""
    return [
        {"place": place, "phase": phase, "activation": name, "width": 8, "seed": seed,
         "score": None if score is None else float(score), "loss": seed, "error": None, **more}
        for place, (name, own) in enumerate(scores.items())
        for seed, score in enumerate(own)
    ]  # fmt: skip


def report_of(scores, header=None, **options):
    return Report(Records(rows_of(scores), header), **options)


def study(seeds, depth, rate=0.1, steps=4):
    """Score with a best rate of 10 for depth 2, beyond the grid, and errors for depth 3."""
    if depth == 3 and rate > 0.05:
        raise ValueError(f"no | rate\n{rate}")
    best = {1: -1, 2: 1, 3: -2}[depth] + (depth == 1) * (steps > 4)
    away = abs(math.log10(rate) - best)
    return {"score": [depth * (9 - steps) - away + seed % 7 / 1000 for seed in seeds]}


TUNE = Tune("rate", [0.01, 0.1, 1.0], "score", budget="steps", seeds=range(90, 93), widen=1)


@pytest.fixture(scope="module")
def tuned():
    """Return the records of a sweep that is finished."""
    grid = {"depth": [1, 2, 3], "steps": [4]}
    return sweep(study, grid, seeds=range(8), tune=TUNE, progress=False)


# ---------------------------------------------------------------------------------------------
# Means and differences
# ---------------------------------------------------------------------------------------------


def test_means_have_the_interval_of_scipy_from_the_best_on():
    found = report_of(SCORES).summaries("score")
    assert [entry.label for entry in found] == [
        "activation=tanh",
        *sorted(
            ["activation=relu", "activation=gelu"],
            key=lambda label: -SCORES[label.split("=")[1]].mean(),
        ),
    ]
    for entry in found:
        own = SCORES[entry.label.split("=")[1]]
        low, high = stats.t.interval(0.95, 11, own.mean(), stats.sem(own))
        np.testing.assert_allclose([entry.mean, entry.low, entry.high], [own.mean(), low, high])
        assert (entry.n, entry.diverged) == (12, 0)


def test_differences_are_paired_and_corrected():
    report = report_of(SCORES, baseline="activation = relu")
    apart = {name: SCORES[name] - SCORES["relu"] for name in ("tanh", "gelu")}
    signs = np.array(list(product([1, -1], repeat=12)))
    raw = {
        name: np.mean(np.abs(signs @ own) >= abs(own.sum()) - 1e-12) for name, own in apart.items()
    }
    assert [other.label for other in report.versus] == ["activation=tanh", "activation=gelu"]
    for other in report.versus:
        name = other.label.split("=")[1]
        interval = stats.ttest_rel(SCORES[name], SCORES["relu"]).confidence_interval()
        np.testing.assert_allclose([other.difference.low, other.difference.high], interval)
        own = apart[name]
        np.testing.assert_allclose(other.difference.effect, own.mean() / own.std(ddof=1))
    # Holm: the smaller of two is doubled
    assert report.versus[0].p == pytest.approx(2 * raw["tanh"])
    assert report.versus[1].p == pytest.approx(max(raw["gelu"], 2 * raw["tanh"]))
    assert report.versus[0].verdict == "better" and not report.versus[0].overlap
    told = "not decided: the interval of the difference holds 0"
    assert report.versus[1].verdict == told and report.versus[1].overlap


def test_where_smaller_is_better_all_turns_round():
    one, other = report_of(SCORES), report_of(SCORES, smaller=True)
    assert other.ranking() == one.ranking()[::-1]
    verdicts = {v.label: v.verdict for v in report_of(SCORES, smaller=True).versus}
    assert verdicts["activation=tanh"] == "worse"


def test_seeds_that_pair_only_in_part_are_compared_where_they_do():
    rows = rows_of(SCORES)
    rows = [r for r in rows if r["activation"] != "relu" or r["seed"] >= 3]
    report = Report(Records(rows), baseline="activation=relu")
    own = SCORES["tanh"][3:] - SCORES["relu"][3:]
    assert report.versus[0].difference.mean == pytest.approx(own.mean())
    assert report.versus[0].difference.n == 9


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        (1, "not decided: 1 seed in common; expected at least 2"),
        (5, "not decided: too few seeds: p of 2 tests with 5 seeds is at least 0.12 after "
            "correction; at least 7 are needed"),
        (6, "not decided: too few seeds: p of 2 tests with 6 seeds is at least 0.062 after "
            "correction; at least 7 are needed"),
        (7, "worse"),
    ],
)  # fmt: skip
def test_too_few_seeds_decide_nothing_however_far_the_means_are_apart(seeds, told):
    scores = {name: own[:seeds] for name, own in SCORES.items()}
    versus = {v.label: v.verdict for v in report_of(scores).versus}
    assert versus["activation=relu"] == told


def test_equal_results_are_no_difference():
    versus = report_of({"relu": SCORES["relu"], "tanh": SCORES["relu"]}).versus
    assert versus[0].verdict == "not decided: equal with every seed"


def test_a_training_that_diverged_is_counted_and_not_averaged_away():
    scores = {**SCORES, "tanh": [math.nan, math.inf, *SCORES["tanh"][2:]]}
    report = report_of(scores)
    assert report.ranking()[-1] == "activation=tanh"
    assert with_interval(report.summaries("score")[-1]) == "2 of 12 diverged"
    assert report.versus[-1].verdict == "not decided: 2 of 12 seeds diverged"
    assert "tanh (2 of 12 seeds diverged)" in "".join(headline(report))


def test_interval_has_two_digits_of_what_is_uncertain():
    found = report_of({"relu": [1234.0, 1240.0, 1250.0]}).summaries("score")[0]
    assert with_interval(found) == "1241 [1221, 1261]"


# ---------------------------------------------------------------------------------------------
# The standard
# ---------------------------------------------------------------------------------------------


def test_edges_and_widened_grids_are_told(tuned):
    report = Report(tuned)
    found = {(c.label, c.phase): c for c in report.choices}
    assert found["depth=1", "result"].value == 0.1
    assert not found["depth=1", "result"].at_edge
    # widened to 10, which is the best and the last that may be tried
    assert (found["depth=2", "result"].value, found["depth=2", "result"].widened) == (10.0, 1)
    assert found["depth=2", "result"].at_edge
    assert found["depth=3", "result"].value == 0.01
    told = "\n".join(headline(report))
    assert "**At an edge** of their grid, so that a better rate may lie outside: " in told
    assert "depth=2 (result, 10)" in told and "depth=1 (result, 0.1)" not in told
    page = as_page(report)
    assert "| depth=2 | result | 10 | yes | 1 |" in page
    assert "| depth=1 | result | 0.1 | no | 0 |" in page


def test_the_doubled_budget_is_compared(tuned):
    report = Report(tuned)
    assert report.doubled
    # with 8 steps, depth times 1 rather than 5
    first, then = report.ranking(), report.ranking("result, doubled")
    before = {s.label: s.mean for s in report.summaries("score")}
    after = {s.label: s.mean for s in report.summaries("score", "result, doubled")}
    assert first == sorted(before, key=lambda label: -before[label])
    assert then == sorted(after, key=lambda label: -after[label])
    page = as_page(report)
    rank = then.index(first[0]) + 1
    assert f"| {first[0]} | 1 | {rank} |" in page


NAN = [math.nan] * 3
DOUBLED = {"tune": {"name": "rate", "score": "score", "budget": "epochs"}}


@pytest.mark.parametrize(
    ("first", "then", "told"),
    [
        (NAN, [1, 2, 3], "The best is activation=relu, width=8; before, no configuration had"),
        ([1, 2, 3], NAN, "No configuration has a finite mean then."),
        ([1, 2, 3], [1, 2, 4], "The best stays activation=relu, width=8."),
    ],
)
def test_a_best_that_is_not_there_is_not_named(first, then, told):
    rows = rows_of({"relu": first}, rate=0.1)
    rows += rows_of({"relu": then}, "result, doubled", rate=0.1)
    assert f"\n\n{told}" in as_page(Report(Records(rows, DOUBLED)))


def test_a_level_is_not_rounded():
    assert "intervals of 99.9%." in as_page(report_of(SCORES, level=0.999))


@pytest.mark.parametrize(("noise", "clear"), [(0.001, True), (10.0, False)])
def test_pairs_that_change_their_order_are_found(noise, clear):
    noise = noise * DRAWN
    first = {"relu": 1 + noise[0] - noise[0].mean(), "tanh": noise[1] - noise[1].mean()}
    rows = rows_of(first, rate=0.1)
    rows += rows_of({k: -v for k, v in first.items()}, "result, doubled", rate=0.1)
    report = Report(Records(rows, DOUBLED))
    assert report.swapped() == [("activation=relu", "activation=tanh", clear)]
    page = as_page(report)
    assert ("**The ranking depends on the budget**" in page) is clear
    assert "The best changes from activation=relu to activation=tanh." in page
    assert "changed the order of 1 pair of configurations" in page


def test_failed_trials_are_listed_with_their_errors_in_a_table_that_holds(tuned):
    report = Report(tuned)
    assert [(f.phase, f.value, f.seeds) for f in report.failures] == [
        ("tuning", value, (90, 91, 92)) for value in (0.1, 1.0)
    ]
    page = as_page(report)
    assert "| depth=3 | tuning | 0.1 | 90 to 92 | ValueError: no \\| rate 0.1 |" in page
    assert "**2 trials failed**" in page


def test_where_all_trials_failed_the_report_says_why():
    records = sweep(lambda seeds, x: 1 / 0, {"x": [1, 2]}, seeds=range(2), progress=False)
    page = as_page(Report(records))
    assert "**Nothing is decided**: no configuration has a finite mean." in page
    assert "Nothing was measured." in page
    assert page.count("ZeroDivisionError: division by zero") == 2


def test_what_was_not_run_for_lack_of_a_choice_is_no_failure_and_is_finished():
    tune = Tune("rate", [0.01, 0.1, 1.0], "score", budget="steps", seeds=range(90, 93))
    records = sweep(
        lambda seeds, x, steps, rate: {"score": [rate / x] * len(seeds)},
        {"x": [0, 1], "steps": [2]},
        seeds=range(3),
        tune=tune,
        progress=False,
    )
    report = Report(records)
    found = [(f.label, f.phase, f.value) for f in report.failures]
    assert found == [("x=0", "tuning", value) for value in (0.01, 0.1, 1.0)]
    assert report.unfinished == []


def test_the_results_of_failed_trials_are_not_averaged():
    rows = rows_of({"relu": [0.5, 0.7, None], "tanh": [None, None, None]})
    for row in rows:
        row["error"] = None if row["score"] is not None else "ValueError: no"
    report = Report(Records(rows))
    assert report.summaries("score")[0].n == 2
    assert with_interval(report.summaries("score")[1]) == "none"
    assert [f.seeds for f in report.failures] == [(2,), (0,), (1,), (2,)]


# ---------------------------------------------------------------------------------------------
# What is missing, and where it comes from
# ---------------------------------------------------------------------------------------------


def test_a_finished_sweep_is_finished(tuned):
    assert Report(tuned).unfinished == []
    assert "Not finished" not in as_page(Report(tuned))


@pytest.mark.parametrize(
    ("left_out", "label"),
    [
        (lambda row: row["place"] == 1, "depth=2"),
        (lambda row: row["place"] == 0 and row["phase"] == "result" and row["seed"] == 7,
         "depth=1"),
        (lambda row: row["place"] == 2 and row["phase"] == "result, doubled", "depth=3"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told(tuned, left_out, label):
    part = Records([row for row in tuned if not left_out(row)], tuned.header)
    (found,) = Report(part).unfinished
    assert label in found
    assert f"**Not finished**: 1 configuration without a complete result: {found}." in as_page(
        Report(part)
    )


def test_what_is_missing_in_a_file_is_what_was_not_run(tmp_path):
    """The names of a grid are sorted in a file, and the configurations are not."""

    def stop(now):
        if now.finished == 3:
            raise KeyboardInterrupt

    pytest.importorskip("pyarrow")
    path = tmp_path / "results.parquet"
    grid = {"width": [1, 2], "depth": [1, 2, 3]}
    with pytest.raises(KeyboardInterrupt):
        sweep(
            lambda seeds, width, depth: {"score": [1.0 for _ in seeds]},
            grid,
            seeds=[0],
            out=path,
            progress=stop,
        )
    left = [f"width=2, depth={depth}" for depth in grid["depth"]]
    assert Report(read_records(path)).unfinished == left


def test_records_without_results_decide_nothing(tuned):
    part = Records([row for row in tuned if row["phase"] == "tuning"], tuned.header)
    page = as_page(Report(part))
    assert "**Nothing is decided**" in page
    assert "**Not finished**: 3 configurations" in page
    assert "No tuning is complete." in page and "Not reached yet." in page


def test_what_a_killed_sweep_did_not_record_is_unknown(tuned):
    rows = [row | {"at_edge": None, "widened": None} for row in tuned]
    page = as_page(Report(Records(rows, tuned.header)))
    assert "| depth=1 | result | 0.1 | unknown | unknown |" in page
    assert "Of 6 choices this is not known" in page


def test_the_page_says_where_the_records_come_from(tuned):
    row = tuned.rows[0]
    page = as_page(Report(tuned), title="r.parquet", command="a command")
    for text in (
        row["machine"],
        row["version"],
        row["python"],
        row["date"],
        "`a command`",
        "0 to 7",
    ):
        assert text in page
    assert "test_reporting.study" in page


def test_records_of_several_commits_are_a_warning(tuned):
    rows = [row | {"commit": "abcdef1" if row["place"] else "1234567"} for row in tuned]
    told = "\n".join(headline(Report(Records(rows, tuned.header))))
    assert "**Records of more than one commit**: 1234567, abcdef1." in told


def test_curves_hold_what_was_tried(tuned):
    curves = Report(tuned).curves()
    # widened, and refined on both sides
    np.testing.assert_allclose(curves["depth=2"][0], [0.01, 0.1, 1.0, 10**0.5, 10.0], rtol=1e-9)
    for value, mean in zip(*curves["depth=1"][:2], strict=True):
        own = tuned.select(place=0, phase="tuning", rate=float(value)).values("score")
        assert mean == pytest.approx(own.mean())
    # only those without errors
    assert set(curves["depth=3"][0]) <= {0.01, 0.001, 0.0316227766017, 0.00316227766017}


# ---------------------------------------------------------------------------------------------
# Labels and arguments
# ---------------------------------------------------------------------------------------------


def test_labels_are_what_differs_in_six_digits_if_these_tell_all_apart():
    def labels(*gains):
        rows = [
            {"place": i, "phase": "result", "gain": g, "width": 8, "seed": 0, "score": 1.0}
            for i, g in enumerate(gains)
        ]
        return [group.label for group in Report(Records(rows)).groups]

    assert labels(0.5**0.5, 1.0) == ["gain=0.707107", "gain=1"]
    assert labels(1.0, 1.0 + 1e-9) == ["gain=1.0", "gain=1.000000001"]
    assert labels(2.0) == ["gain=2, width=8"]
    assert labels(1, "1", True, "true") == ["gain=1", 'gain="1"', "gain=true", 'gain="true"']


def test_configurations_that_cannot_be_told_apart_are_numbered():
    rows = [{"place": i, "phase": "result", "seed": 0, "score": 1.0} for i in range(2)]
    assert Report(Records(rows)).ranking() == ["no arguments (1)", "no arguments (2)"]


def test_a_baseline_is_the_label_itself_where_spaces_tell_two_apart():
    rows = [
        {"place": i, "phase": "result", "task": task, "seed": 0, "score": 1.0}
        for i, task in enumerate(["a b", "ab"])
    ]
    assert Report(Records(rows), baseline="task=a b").reference == "task=a b"
    assert Report(Records(rows), baseline="task=ab").reference == "task=ab"


@pytest.mark.parametrize(
    ("options", "kind", "told"),
    [
        ({"by": "scor"}, KeyError, "did you mean 'score'"),
        ({"baseline": "activation=rellu"}, KeyError, "did you mean 'activation=relu'"),
        ({"level": 1.0}, ValueError, "level"),
        ({"smaller": 3}, TypeError, "smaller"),
        ({"baseline": 3}, TypeError, "baseline"),
    ],
)
def test_a_wrong_argument_is_named(options, kind, told):
    with pytest.raises(kind, match=told):
        report_of(SCORES, **options)


@pytest.mark.parametrize(
    ("rows", "told"),
    [([], "no rows"), ([{"seed": 1, "score": 1.0}], "no column 'place'")],
)
def test_what_are_no_records_of_a_sweep_is_told(rows, told):
    with pytest.raises(ValueError, match=f"the records have {told}; expected those of a sweep"):
        Report(Records(rows))


def test_a_table_stays_a_table_whatever_it_holds():
    assert markdown_table(["a"], [["x|y\n z"]]).splitlines() == ["| a |", "|---|", "| x\\|y z |"]
