"""How far a sweep is, and the bar that shows it."""

import sys

import pytest
from sweep_functions import quick, study

from course_lib.experiments import sweep
from course_lib.experiments.progress import Progress, Watch, expected_trials, in_words, shown, work
from course_lib.experiments.standard import Tune, next_trials
from course_lib.experiments.trials import Outcome

FINE = Outcome({"accuracy": (1.0, 1.0)}, None, 1.0, {})
TUNE = Tune("learning_rate", [0.01, 0.1, 1.0], "accuracy", budget="epochs", seeds=[90, 91])


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (float("inf"), "time left unknown"),
        (0, "about 0 s left"),
        (59.6, "about 1 min left"),
        (3600, "about 1 h 0 min left"),
        (7290, "about 2 h 2 min left"),
    ],
)
def test_times_in_words(seconds, told):
    assert in_words(seconds) == told


def test_work_counts_seeds_and_budget():
    trials = expected_trials(0, {"epochs": 4}, [1, 2, 3], TUNE)
    by = {trial.phase: work(trial, TUNE) for trial in trials}
    assert by == {"tuning": 8, "result": 12, "tuning, doubled": 16, "result, doubled": 24}


def test_the_plan_is_what_an_easy_sweep_runs(monkeypatch):
    """With the best learning rate in the middle, exactly the expected trials are run."""
    ran = []

    def easy(seeds, learning_rate, epochs):
        ran.append((learning_rate, epochs, seeds))
        return {"accuracy": [-abs(learning_rate - 0.1)] * len(seeds)}

    sweep(easy, {"epochs": [4]}, seeds=[1, 2, 3], tune=TUNE, progress=False)
    planned = expected_trials(0, {"epochs": 4}, [1, 2, 3], TUNE)
    assert sorted(ran) == sorted(
        (t.arguments["learning_rate"], t.arguments["epochs"], t.seeds) for t in planned
    )


def test_time_left_is_that_of_the_work_left(monkeypatch):
    """After an eighth of the work in 10 s, 70 s are left, however many trials these are."""
    clock = iter([0.0, 10.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    plans = [expected_trials(i, {"x": i}, range(size), None) for i, size in ((0, 1), (1, 7))]
    watch = Watch(plans, None, {})
    watch.count(plans[0][0], FINE)
    assert watch.progress() == Progress(1, 2, 0, 10.0, pytest.approx(70.0))


def test_nothing_is_known_before_the_first_trial_of_this_run():
    first, *rest = expected_trials(0, {}, range(4), None, 2)
    done = {first.key: FINE}
    assert expected_trials(0, {}, range(4), None, 2, done) == rest
    assert str(Watch([rest], None, done).progress()) == "1 of 2 trials, time left unknown"
    failed = {first.key: Outcome({}, "ValueError: no", 1.0, {})}
    assert str(Watch([rest], None, failed).progress()).startswith("1 of 2 trials, 1 with an error")


def test_a_grid_that_grows_takes_more():
    seen = []
    tune = Tune("x", [1.0, 2.0, 4.0], "y", budget=None, seeds=[90], widen=2)
    sweep(quick, {}, seeds=[1], tune=tune, progress=seen.append)  # the larger, the better
    assert seen[-1].finished == seen[-1].expected == 3 + 2 + 1 + 1
    assert seen[0].expected == 3 + 2 + 1
    assert seen[-1].left == 0 and all(now.finished <= now.expected for now in seen)


def test_what_earlier_runs_have_finished_counts_wherever_the_best_value_was():
    """Also values by which a grid grew, and what follows of a best one that is not the middle."""
    tune = Tune("x", [1.0, 2.0, 4.0, 8.0], "y", budget="b", seeds=[90], widen=2)
    ran, done = [], {}
    while trials := next_trials(0, {"b": 1}, [1], tune, done):
        ran += trials
        scored = [(trial, -abs(trial.arguments["x"] - 11.0)) for trial in trials]
        done |= {trial.key: Outcome({"y": (score,)}, None, 1.0, {}) for trial, score in scored}
    for stop in range(len(ran) + 1):
        some = {trial.key: done[trial.key] for trial in ran[:stop]}
        left = expected_trials(0, {"b": 1}, [1], tune, None, some)
        assert not {trial.key for trial in left} & some.keys()
        assert Watch([left], tune, some).progress().finished == stop
        # nobody knows that the grid will grow, nor, after one of three values, that it will not
        off = -1 if stop < 4 else 1 if stop == 9 else 0
        assert len(left) == len(ran) - stop + off


def test_failures_are_counted():
    seen = []
    sweep(study, {"activation": ["broken", "relu"]}, seeds=[1], progress=seen.append)
    assert [now.failed for now in seen] == [1, 1]
    assert str(seen[-1]) == "2 of 2 trials, 1 with an error, about 0 s left"


def test_a_bar_is_shown_where_someone_can_see_it(monkeypatch, capsys):
    pytest.importorskip("tqdm", reason="tqdm is not installed")
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with shown(None) as show:
        show(Progress(3, 12, 1, 2.0, 300.0))
    told = capsys.readouterr().err
    assert "3/12 trials" in told and "1 with an error, about 5 min left" in told and "25%" in told


@pytest.mark.parametrize("progress", [None, True, False])
def test_nothing_is_shown_where_nobody_can_see_it(progress, capsys):
    sweep(quick, {"x": [1, 2]}, seeds=[1], progress=progress)
    assert capsys.readouterr() == ("", "")


def test_what_cannot_show_progress_is_an_error():
    with pytest.raises(TypeError, match="progress is 'yes'; expected a function of the progress"):
        with shown("yes"):
            pass
