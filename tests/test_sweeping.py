"""Sweeps give the same records wherever they run and however often they are interrupted."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sweep_functions import compared, quick, study

from course_lib.experiments import sweep
from course_lib.experiments.progress import Progress
from course_lib.experiments.standard import Tune
from course_lib.experiments.storing import Store, read_records
from course_lib.experiments.sweeping import configurations, name_of

pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("joblib", reason="joblib is not installed")

ROOT = Path(__file__).resolve().parent.parent
GRID = {"activation": ["relu", "gelu", "broken", "tanh"], "width": [8, 24], "epochs": [2]}
SEEDS = range(3)
TUNE = Tune(
    "learning_rate", [0.01, 0.1, 1.0], "accuracy", budget="epochs", seeds=range(90, 94), widen=1
)
TUNED = {"seeds": SEEDS, "tune": TUNE, "replicas": 2, "progress": False}


@pytest.fixture(scope="module")
def inline():
    """Return the records of the sweep that the tests repeat in other ways."""
    return sweep(study, GRID, **TUNED)


# What comes of it.


def test_the_records_hold_the_whole_standard(inline):
    relu = inline.select(activation="relu", width=8)
    assert {row["phase"] for row in relu} == {
        "tuning",
        "result",
        "tuning, doubled",
        "result, doubled",
    }
    assert [row["seed"] for row in relu.select(phase="result")] == [0, 1, 2]
    assert set(relu.select(phase="result, doubled").values("epochs")) == {4}
    assert all(row["at_edge"] in (True, False) for row in relu.select(phase="result"))


def test_values_are_those_of_a_call_of_the_function(inline):
    for row in inline.select(phase="result", activation="gelu", seed=2):
        own = study((2,), "gelu", row["width"], row["epochs"], row["learning_rate"])
        # another number of replicas may round otherwise
        np.testing.assert_allclose(row["loss"], own["loss"][0], rtol=1e-4)


def test_a_failing_configuration_is_recorded_and_the_rest_goes_on(inline):
    broken = inline.select(activation="broken", width=8)
    assert {row["error"] for row in broken.select(phase="tuning")} == {"ValueError: no width 8"}
    assert all(row["error"] is None for row in inline if row["activation"] != "broken")
    assert len(broken.select(phase="result")) == 3


@pytest.mark.parametrize("workers", [2, 8])
def test_processes_give_equal_bits(inline, workers, tmp_path):
    out = tmp_path / "results.parquet"
    records = sweep(study, GRID, **TUNED, workers=workers, out=out)
    assert compared(records) == compared(inline)
    assert compared(read_records(out)) == compared(inline)


def test_replicas_cut_trials_and_change_no_seed():
    by = [
        sweep(quick, {"x": [1, 2]}, seeds=range(5), replicas=replicas, progress=False)
        for replicas in (None, 1, 2)
    ]
    assert by[0].values("y").tolist() == by[1].values("y").tolist() == by[2].values("y").tolist()
    assert [len(set(records.values("trial"))) for records in by] == [2, 10, 6]


# Interruptions.

PROGRAM = """
import sys
from sweep_functions import study
from test_sweeping import GRID, TUNED
from course_lib.experiments import sweep
if __name__ == "__main__":
    sweep(study, GRID, **TUNED, out=sys.argv[1], workers=int(sys.argv[2]))
"""


def started(folder, workers, log=""):
    """Start the sweep in a program of its own."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder / "results.parquet"), str(workers)],
        env=os.environ | {"PYTHONPATH": paths, "SWEEP_LOG": str(log)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_leaves_a_file(inline, workers, tmp_path):
    log = tmp_path / "calls"
    process = started(tmp_path, workers, log)
    while len(lines(log)) < 20 and process.poll() is None:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode != 0 and b"KeyboardInterrupt" in told
    found = read_records(tmp_path / "results.parquet")
    assert (tmp_path / "results.parquet").exists() and not list(tmp_path.glob("*.journal"))
    assert 0 < len(found) < len(inline)
    with pytest.raises(ProcessLookupError):  # nothing of its group is left
        wait_for_end(process.pid)
    calls = len(lines(log))
    records = sweep(study, GRID, **TUNED, out=tmp_path / "results.parquet")
    assert compared(records) == compared(inline) and calls >= 20


def wait_for_end(group, seconds=20):
    """Signal nothing to a group until it is gone."""
    for _ in range(int(seconds / 0.05)):
        os.killpg(group, 0)
        time.sleep(0.05)


def test_what_is_finished_is_not_computed_again(tmp_path, monkeypatch):
    out, log = tmp_path / "results.parquet", tmp_path / "calls"
    monkeypatch.setenv("SWEEP_LOG", str(log))
    first = sweep(study, GRID, **TUNED, out=out)
    calls = len(lines(log))
    second = sweep(study, GRID, **TUNED, out=out)
    assert len(lines(log)) == calls == len(set(lines(log)))
    assert repr(second.rows) == repr(first.rows)  # NaN is not equal to itself


def test_resuming_can_be_ruled_out(tmp_path):
    out = tmp_path / "results.parquet"
    sweep(quick, {"x": [1]}, seeds=[1], out=out, resume=False)
    with pytest.raises(FileExistsError, match="has results already"):
        sweep(quick, {"x": [1]}, seeds=[1], out=out, resume=False)


def test_another_sweep_leaves_the_file_alone(tmp_path):
    out = tmp_path / "results.parquet"
    sweep(quick, {"x": [1]}, seeds=[1], out=out)
    before = out.read_bytes()
    with pytest.raises(ValueError, match="is of another sweep: grid"):
        sweep(quick, {"x": [2]}, seeds=[1], out=out)
    assert out.read_bytes() == before


def test_an_error_while_storing_stops_and_keeps(tmp_path, monkeypatch):
    out, add = tmp_path / "results.parquet", Store.add

    def full(self, trial, outcome):
        if trial.place == 2:
            raise OSError(28, "No space left on device")
        add(self, trial, outcome)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "add", full)
        with pytest.raises(OSError, match="No space left"):
            sweep(quick, {"x": [0, 1, 2, 3]}, seeds=[1], out=out)
    assert read_records(out).values("x").tolist() == [0, 1]
    assert len(sweep(quick, {"x": [0, 1, 2, 3]}, seeds=[1], out=out)) == 4


# Progress.


def test_progress_counts_trials_and_estimates_what_is_left(tmp_path):
    seen = []
    grid = {"x": [0, 1, 2, 3], "wait": [0.05]}
    sweep(quick, grid, seeds=[1], out=tmp_path / "r.parquet", progress=seen.append)
    assert [(now.finished, now.expected) for now in seen] == [(i, 4) for i in (1, 2, 3, 4)]
    assert [now.left / now.seconds for now in seen] == pytest.approx([3, 1, 1 / 3, 0])


def test_progress_knows_what_tuning_takes(inline):
    seen = []
    grid = {"activation": ["relu", "broken"], "width": [8], "epochs": [2]}
    sweep(study, grid, **{**TUNED, "progress": seen.append})
    assert seen[-1].finished == seen[-1].expected and seen[-1].left == 0
    assert seen[-1].failed == 6  # three learning rates, and two trials for each
    assert all(now.expected >= now.finished and now.left >= 0 for now in seen)
    assert all(isinstance(now, Progress) for now in seen)


def test_progress_counts_what_was_finished_before(tmp_path):
    out, seen = tmp_path / "results.parquet", []

    def stop(now):
        seen.append(now)
        if now.finished == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(quick, {"x": [0, 1, 2]}, seeds=[1], out=out, progress=stop)
    sweep(quick, {"x": [0, 1, 2]}, seeds=[1], out=out, progress=stop)
    assert [(now.finished, now.expected) for now in seen] == [(1, 3), (2, 3), (3, 3)]


# Arguments.


def test_a_list_of_configurations_is_a_grid():
    records = sweep(quick, [{"x": 3}, {"x": 1, "wait": 0}], seeds=[0], progress=False)
    assert [(row["x"], row["wait"]) for row in records] == [(3, None), (1, 0)]


def test_the_last_argument_of_a_grid_changes_fastest():
    found = configurations({"a": np.arange(2), "b": range(2)})
    assert found == [{"a": 0, "b": 0}, {"a": 0, "b": 1}, {"a": 1, "b": 0}, {"a": 1, "b": 1}]


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        ({"x": []}, r"values of x are \[\]; expected at least one"),
        ({"x": np.zeros((0, 2))}, "values of x are .*; expected at least one"),
        ({"x": np.array(3)}, r"values of x are array\(3\); expected a list, such as \["),
        ({"x": {1, 2}}, r"values of x are \{1, 2\}; expected a list, such as list\(x\)$"),
        ({"x": iter([1])}, r"expected a list, such as list\(x\)$"),
        ({"x": 3}, r"values of x are 3; expected a list, such as \[3\]"),
        ({"x": "relu"}, "values of x are 'relu'; expected a list"),
        ({"x": [1, 1]}, "2 times; expected each configuration once"),
        ({"x": [1j]}, r"values of x\[0\] is 1j; expected text, a number"),
        ([], "the grid is empty; expected at least one configuration"),
        ([3], "a configuration is a int; expected a mapping"),
        (3, "grid is a int; expected a mapping of arguments"),
        ({"y": [1]}, "cannot be called with seeds and .*'y'"),
        ({"seeds": [1]}, "argument is 'seeds', which every function gets beside its arguments"),
        ({"phase": [1]}, "argument is 'phase', a column of all records"),
    ],
)
def test_a_wrong_grid_is_an_error_before_anything_runs(grid, told, tmp_path):
    with pytest.raises((TypeError, ValueError), match=told):
        sweep(quick, grid, seeds=[1], out=tmp_path / "results.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"seeds": []}, "seeds"),
        ({"seeds": 3}, "seeds"),
        ({"seeds": [1, 1]}, "seeds"),
        ({"workers": 0}, "workers is 0"),
        ({"replicas": 0}, "replicas is 0"),
        ({"progress": "yes"}, "progress is 'yes'; expected a function of the progress"),
        ({"resume": "yes"}, "resume is 'yes'; expected True or False"),
        ({"tune": "x"}, "tune is a str; expected a Tune, or None"),
        ({"workers": 2, "scheduler": "tcp://127.0.0.1:1"}, "expected one of both"),
    ],
)
def test_wrong_arguments_are_errors_before_anything_runs(arguments, told, tmp_path):
    out = {"out": tmp_path / "results.parquet"}
    with pytest.raises((TypeError, ValueError), match=told):
        sweep(quick, {"x": [1]}, **{"seeds": [1], **out, **arguments})
    assert list(tmp_path.glob("*.parquet*")) == []


def test_an_unknown_score_is_an_error_at_the_first_trial():
    calls = []

    def function(seeds, rate):
        calls.append(rate)
        return {"accuracy": [rate] * len(seeds)}

    tune = Tune("rate", [1, 2, 3], "acuracy", budget=None)
    with pytest.raises(KeyError, match="did you mean 'accuracy'"):
        sweep(function, {}, seeds=[1], tune=tune)
    assert len(calls) == 1


def test_functions_have_names():
    assert name_of(quick) == "sweep_functions.quick"
    assert name_of(partial(quick, x=3)) == "sweep_functions.quick(x=3)"
    with pytest.raises(TypeError, match="function is a int; expected a function of the seeds"):
        sweep(3, {"x": [1]}, seeds=[1])
