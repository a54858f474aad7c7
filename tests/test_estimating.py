"""An estimate counts what a sweep runs, and is not far from what it takes."""

import time

import pytest

from course_lib.experiments import sweep
from course_lib.experiments.estimating import estimate
from course_lib.experiments.standard import Tune

pytest.importorskip("threadpoolctl", reason="threadpoolctl is not installed")

TUNE = Tune("rate", [0.01, 0.1, 1.0], "score", budget="steps", seeds=range(90, 94))
GRID = [{"depth": depth, "steps": 16} for depth in (1, 2, 3)]


def quick(seeds, depth, steps=1, rate=0.1):
    """Score best in the middle of the grid, so that it is not widened."""
    return {"score": [-abs(rate - 0.1)] * len(seeds)}


@pytest.fixture
def slow(monkeypatch):
    """Return a function that takes time in proportion with everything, by a clock of its own."""
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def measure(seeds, depth, steps=1, rate=0.1):
        clock[0] += 0.0008 * depth * steps * len(seeds)
        return quick(seeds, depth, steps, rate)

    return measure


def noted(function, calls):
    def noting(seeds, **arguments):
        calls.append((seeds, arguments))
        return function(seeds, **arguments)

    return noting


@pytest.mark.parametrize(("tune", "replicas"), [(TUNE, None), (TUNE, 3), (None, 2)])
def test_what_is_counted_is_what_a_sweep_runs(tune, replicas):
    calls = []
    asked = {"seeds": range(5), "tune": tune, "replicas": replicas}
    found = estimate(quick, GRID, **asked)
    sweep(noted(quick, calls), GRID, **asked, progress=False)
    assert found.configurations == 3
    assert found.trials == len(calls)
    assert found.trainings == sum(len(seeds) for seeds, _ in calls)


def test_the_rehearsal_is_small_and_of_several_configurations():
    calls = []
    found = estimate(noted(quick, calls), GRID, seeds=range(5), tune=TUNE)
    assert [arguments["depth"] for _, arguments in calls] == [1, 1, 3, 2]  # the first one twice
    assert {arguments["steps"] for _, arguments in calls} == {2}  # an eighth
    assert {seeds for seeds, _ in calls} == {(90, 91, 92, 93)}
    assert (found.rehearsed, found.part) == (3, "steps 2 with 4 seeds")


def test_no_trial_is_begun_after_the_limit(slow):
    calls = []
    found = estimate(noted(slow, calls), GRID, seeds=range(5), tune=TUNE, limit=0)
    assert len(calls) == found.rehearsed == 1
    assert found.least == found.seconds == found.most


def test_the_time_is_that_of_the_sweep(slow):
    start = time.perf_counter()
    sweep(slow, GRID, seeds=range(4), tune=TUNE, progress=False)
    taken = time.perf_counter() - start
    for workers in (1, 2):
        found = estimate(slow, GRID, seeds=range(4), tune=TUNE, workers=workers)
        assert found.seconds == pytest.approx(taken / workers)
        assert found.least == found.most == found.seconds  # all were rehearsed


def test_configurations_that_were_not_rehearsed_are_between_the_cheapest_and_the_dearest(slow):
    grid = [{"depth": depth, "steps": 16} for depth in (1, *[2] * 4, 8)]
    found = estimate(slow, grid, seeds=range(4), tune=TUNE, limit=0.02)
    assert found.rehearsed == 2  # the first and the last
    one = found.least / (1 + 4 + 8)  # of depth 1
    assert found.seconds == pytest.approx(one * (1 + 4 * 4.5 + 8))
    assert found.most == pytest.approx(one * (1 + 4 * 8 + 8))
    assert "if all others were like the cheapest" in str(found)


def test_what_is_done_is_not_counted_again(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from course_lib.experiments.storing import read_records
    from course_lib.experiments.sweeping import check_sweep

    out = tmp_path / "r.parquet"
    asked = {"seeds": range(4), "tune": TUNE}

    def stop(progress):
        if progress.finished == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(quick, GRID, **asked, out=out, progress=stop)
    done = check_sweep(quick, GRID, **asked, out=out)
    assert len(done) == 10 == len(set(read_records(out).values("trial")))
    whole, left = estimate(quick, GRID, **asked), estimate(quick, GRID, **asked, done=done)
    assert (left.trials, left.done) == (whole.trials - 10, 10)
    sweep(quick, GRID, **asked, out=out, progress=False)
    finished = estimate(quick, GRID, **asked, done=check_sweep(quick, GRID, **asked, out=out))
    assert (finished.trials, finished.rehearsed) == (0, 0)
    assert str(finished) == "3 configurations, all done"


def test_of_a_sweep_that_is_finished_nothing_is_left_wherever_the_best_value_was(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from course_lib.experiments.sweeping import check_sweep

    def at_edge(seeds, depth, steps, rate):
        return {"score": [rate] * len(seeds)}

    asked = {"seeds": range(4), "tune": TUNE}
    records = sweep(at_edge, GRID, **asked, out=tmp_path / "r.parquet", progress=False)
    done = check_sweep(at_edge, GRID, **asked, out=tmp_path / "r.parquet")
    found = estimate(at_edge, GRID, **asked, done=done)
    assert (found.trials, found.done) == (0, len(records.distinct("trial")))


def test_a_rehearsal_that_fails_is_told_and_not_timed():
    def failing(seeds, depth, steps=1, rate=0.1):
        if depth != 2:
            raise ValueError("no depth")
        return quick(seeds, depth, steps, rate)

    found = estimate(failing, GRID, seeds=range(4), tune=TUNE)
    assert found.errors == ("ValueError: no depth",) * 2
    assert found.seconds > 0
    none = estimate(failing, [GRID[0]], seeds=range(4), tune=TUNE)
    assert "every rehearsed trial had an error" in str(none)


def test_a_scheduler_that_is_not_there_is_told():
    pytest.importorskip("distributed", reason="distributed is not installed")
    from course_lib.experiments import workers

    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(ConnectionError, match="no scheduler"),
    ):
        patch.setattr(workers, "CONNECT", 0.5)
        estimate(quick, GRID, seeds=range(4), tune=TUNE, scheduler="tcp://127.0.0.1:9")
