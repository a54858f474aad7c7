"""Trials with errors that are run again: a new outcome replaces an error, and never a success."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from sweep_functions import compared
from sweep_helpers import (
    HEADER,
    add,
    exactly,
    failure_of,
    finished,
    names,
    outcome_of,
    run_sweep,
    succeeds,
    trial_of,
)

from course_lib.experiments import Tune, sweep
from course_lib.experiments.journal import Journal, Journaled, journal_of, read_journal
from course_lib.experiments.parquet import write_columns
from course_lib.experiments.standard import NOT_RUN
from course_lib.experiments.storing import Store, read_records
from course_lib.experiments.sweeping import check_sweep
from course_lib.experiments.trials import trial_rows

pytest.importorskip("pyarrow.parquet")
pytest.importorskip("filelock")
pytest.importorskip("joblib")
posix = pytest.mark.skipif(os.name != "posix", reason="needs signals of POSIX")


@pytest.fixture
def path(tmp_path):
    """Return where a file of records may be."""
    return tmp_path / "results.parquet"


def told(path):
    """Return the error of each place, as the records have it."""
    records = read_records(path)
    assert len(records) == 2 * len(records.distinct("place"))  # each seed once
    return {row["place"]: row["error"] for row in records}


def failed(path, *, finish=True):
    """Store a success and two errors."""
    with Store(path, HEADER) as store:
        add(store, trial_of(1))
        store.add(trial_of(0), failure_of(trial_of(0)))
        store.add(trial_of(2), failure_of(trial_of(2)))
        if finish:
            store.finish([])


# The store.


@pytest.mark.parametrize("finish", [False, True])
def test_errors_are_done_unless_they_are_run_again(path, finish):
    failed(path, finish=finish)
    with Store(path, HEADER) as store:
        assert len(store.done) == 3
    with Store(path, HEADER, retry=True) as store:
        assert set(store.done) == {trial_of(1).key}
    assert [e is None for e in told(path).values()] == [False, True, False]  # nothing is forgotten


@pytest.mark.parametrize("finish", [False, True])
def test_a_new_outcome_replaces_an_error_everywhere(path, finish):
    failed(path, finish=finish)
    with Store(path, HEADER, retry=True) as store:
        add(store, trial_of(0))
        store.add(trial_of(2), replace(failure_of(trial_of(2)), error="OSError: again"))
    expected = {0: None, 1: None, 2: "OSError: again"}
    assert told(path) == expected
    with Store(path, HEADER) as store:
        assert {key: o.error for key, o in store.done.items()} == {
            trial_of(place).key: error for place, error in expected.items()
        }
        store.finish([])
    assert names(path) == ["results.parquet"]
    assert told(path) == expected
    with Store(path, HEADER, retry=True) as store:
        assert trial_of(2).key not in store.done
        add(store, trial_of(2))
        store.finish([])
    assert told(path) == dict.fromkeys(range(3))


def journaled(path, *entries):
    """Write a journal of trials with outcomes."""
    journal = Journal(journal_of(path), HEADER, Journaled())
    for trial, outcome in entries:
        journal.add(trial, outcome)
    journal.close()


def test_a_later_line_replaces_an_error_and_never_a_success(path):
    trial, other = trial_of(0), replace(outcome_of(trial_of(0)), values={"loss": (8.0, 9.0)})
    first, second = failure_of(trial), replace(failure_of(trial), error="second")
    journaled(path, (trial, first), (trial_of(1), outcome_of(trial_of(1))), (trial, second))
    assert [o.error for _, o in read_journal(journal_of(path)).trials.values()] == [None, "second"]
    for later in (first, other):
        journaled_before = [(trial, second), (trial, outcome_of(trial)), (trial, later)]
        journal_of(path).unlink()
        journaled(path, *journaled_before)
        assert read_journal(journal_of(path)).trials == {trial.key: (trial, outcome_of(trial))}


def test_a_success_in_the_file_stands_beside_an_error_in_the_journal(path):
    """As it may after Ctrl-C while an outcome was stored, and a kill before the journal went."""
    finished(path)
    before = read_records(path).rows
    journaled(path, (trial_of(0), failure_of(trial_of(0))))
    assert exactly(read_records(path).rows) == exactly(before)
    with Store(path, HEADER) as store:
        assert store.done[trial_of(0).key].error is None


def test_what_the_file_has_is_not_taken_from_the_journal(path):
    """A kill between the two leaves both, and the file alone knows edges."""
    failed(path)
    records = read_records(path)
    rows = [row | {"at_edge": True, "widened": 1} for row in records]
    columns = {name: [row[name] for row in rows] for name in records.columns}
    write_columns(path, columns, HEADER)
    journaled(path, (trial_of(0), failure_of(trial_of(0))), (trial_of(1), outcome_of(trial_of(1))))
    assert exactly(read_records(path).rows) == exactly(rows)


def rated(phase, rate):
    """Return a trial of one configuration with a tuned value."""
    return trial_of(0, phase, rate=rate)


@pytest.mark.parametrize("finish", [False, True])
@pytest.mark.parametrize("old", [None, 1.0])
def test_a_configuration_has_one_result(path, finish, old):
    """What was tuned with errors was perhaps wrong, and its result goes when there is another."""
    tuning, before, after = rated("tuning", 0.1), rated("result", old), rated("result", 0.1)
    with Store(path, HEADER) as store:
        store.add(tuning, failure_of(tuning))
        store.add(before, outcome_of(before))
        if finish:
            store.finish([])
    with Store(path, HEADER, retry=True) as store:
        add(store, tuning)
        assert read_records(path).select(phase="result").distinct("rate") == [old]
        add(store, after)
    for _ in range(2):
        assert read_records(path).select(phase="result").distinct("rate") == [0.1]
        assert len(read_records(path)) == 4
        with Store(path, HEADER) as store:
            store.finish([])


def test_a_result_that_was_not_run_goes_with_the_first_error_that_is_replaced(path):
    tuning, result = rated("tuning", 0.1), rated("result", None)
    not_run = replace(failure_of(result), error=f"{NOT_RUN} rate that was tried had an error: no")
    rows = [*trial_rows(tuning, failure_of(tuning)), *trial_rows(result, not_run)]
    rows += trial_rows(trial_of(1, rate=0.5), replace(not_run))
    with Store(path, HEADER) as store:
        store.finish(rows)
    assert read_records(path).select(phase="result").distinct("place") == [0, 1]
    with Store(path, HEADER, retry=True) as store:
        add(store, tuning)
        assert read_records(path).select(phase="result").distinct("place") == [1]


def die_retrying(folder):
    """Kill a sweep that runs errors again at each of its calls of the system; print how many."""
    from test_storing_interrupted import answer, killed_at, logged, ran

    path = Path(folder, "results.parquet")
    ran(path, 3)
    whole = path.read_bytes()
    for call in range(1, 1000):
        for entry in Path(folder).iterdir():
            entry.unlink()
        ran(path, 3, failing=(0, 2))
        logged(path)
        died = killed_at(path, 3, call, torn=True, retry=True)
        states = answer(lambda: sorted(told(path).items()))
        mended = {place for place, error in states if error is None}
        computed = logged(path)
        assert {place for place, _ in states} == {0, 1, 2}
        assert {1} <= mended <= {1, *computed}
        assert len({*computed} - mended) <= 1  # what was under way
        ran(path, 3, retry=True)
        assert logged(path) == sorted({0, 1, 2} - mended)
        assert names(path) == ["results.parquet"]
        assert path.read_bytes() == whole
        if not died:
            break
    print(call - 1)


@posix
def test_a_sweep_that_runs_errors_again_may_die_at_any_of_its_calls(tmp_path):
    program = "import sys, test_storing_retried as t\nt.die_retrying(sys.argv[1])"
    assert int(succeeds(program, tmp_path)) > 15


# The sweep.

WRONG = set()  # learning rates for which the function is not mended
TUNE = Tune("rate", [0.01, 0.1, 1.0], "score", budget="steps", seeds=[90, 91], widen=2)
GRID = {"best": [0.01, 0.1], "steps": [2, 3]}
CALLS = []


def study(seeds, best, steps, rate):
    """Score a learning rate by its distance from the best one."""
    CALLS.append((best, steps, rate, seeds))
    if rate in WRONG or (seeds in WRONG):
        raise ValueError(f"no rate {rate}")
    away = abs(rate / best - 1)
    return {"score": [seed / 1000 - away for seed in seeds]}


@pytest.fixture
def broken(monkeypatch):
    """Return what sweeps with some learning rates or seeds that the function does not bear."""
    CALLS.clear()

    def swept(wrong, **options):
        monkeypatch.setattr(f"{__name__}.WRONG", wrong)
        given = {"seeds": range(3), "tune": TUNE, "progress": False} | options
        return sweep(study, GRID, **given)

    return swept


@pytest.mark.parametrize(
    "wrong",
    [
        {0.1},  # so that another one was chosen
        {0.01},
        {0.01, 0.1, 1.0},  # so that none was, and no result was run
        {(0, 1, 2)},  # the result alone
        {0.01, (0, 1, 2)},
    ],
    ids=str,
)
@pytest.mark.parametrize("how", ["whole", "interrupted", "killed"])
def test_a_mended_sweep_has_the_records_of_one_that_never_failed(broken, path, wrong, how):
    expected = broken(set())
    first = broken(wrong, out=path)
    good = {row["trial"] for row in first if row["error"] is None}
    failures = {row["trial"] for row in first} - good
    assert failures
    assert compared(broken(set(), out=path)) == compared(first)  # errors count as done
    CALLS.clear()
    if how != "whole":
        stop_after(broken, path, 3, how)
        rows = read_records(path)
        assert {row["trial"] for row in rows if row["error"] is None} >= good - results(first)
        assert len({identity(row) for row in rows}) == len(rows)
    # once no error is left, going on is enough
    records = broken(set(), out=path, retry=how != "killed" or bool(left(path)))
    assert len(CALLS) == len(set(CALLS))  # nothing twice
    assert compared(records) == compared(read_records(path)) == compared(expected)
    assert names(path) == ["results.parquet"]
    CALLS.clear()
    assert compared(broken(set(), out=path, retry=True)) == compared(expected)
    assert CALLS == []


def results(records):
    """Return the keys of the trials that are results."""
    return {row["trial"] for row in records if row["phase"].startswith("result")}


def identity(row):
    """Return what may be in a table once."""
    own = row["place"] if row["phase"].startswith("result") else row["settings"]
    return row["phase"], own, row["seed"]


def left(path):
    """Return which errors the records have."""
    return {row["error"] for row in read_records(path)} - {None}


class Killed(BaseException):
    """What ends a sweep without its knowing, as far as the store can tell."""


def stop_after(broken, path, count, how):
    """Run errors again, and end that after some trials."""
    kind = KeyboardInterrupt if how == "interrupted" else Killed

    def stop(now):
        stop.seen = getattr(stop, "seen", 0) + 1
        if stop.seen == count:
            raise kind

    try:
        broken(set(), out=path, retry=True, progress=stop)
    except kind:
        assert journal_of(path).exists() == (how == "killed")


def test_errors_that_stay_are_run_once_each_time(broken, path):
    first = broken({0.1}, out=path)
    CALLS.clear()
    again = broken({0.1}, out=path, retry=True)
    assert compared(again) == compared(first)
    failures = {row["trial"] for row in first if row["error"]}
    assert len(CALLS) == len(set(CALLS)) == len(failures)
    assert {rate for _, _, rate, _ in CALLS} == {0.1}


def test_processes_run_errors_again_too(path, tmp_path, monkeypatch):
    """The function of the other processes is mended by a file."""
    mended = tmp_path / "mended"
    asked = {"seeds": [0, 1], "out": path, "progress": False, "workers": 2}
    grid = {"x": [1, 2, 3], "mended": [str(mended)]}
    first = sweep(needs_file, grid, **asked)
    assert [row["error"] is None for row in first.select(seed=0)] == [True, False, True]
    mended.touch()
    again = sweep(needs_file, grid, **asked, retry=True)
    assert again.values("y").tolist() == [1, 2, 2, 3, 3, 4]
    kept = [row for row in first if row["error"] is None]
    assert [row for row in again if row["x"] != 2] == kept  # with their dates


def needs_file(seeds, x, mended):
    """Fail for x = 2 as long as a file is missing."""
    if x == 2 and not Path(mended).exists():
        raise FileNotFoundError(mended)
    return {"y": [x + seed for seed in seeds]}


def test_a_check_tells_what_is_not_run_again(broken, path):
    first = broken({0.1}, out=path)
    asked = {"seeds": range(3), "tune": TUNE, "out": path}
    assert len(check_sweep(study, GRID, **asked)) == len({row["trial"] for row in first})
    done = check_sweep(study, GRID, **asked, retry=True)
    assert set(done) == {row["trial"] for row in first if row["error"] is None}


def test_running_again_what_may_not_be_there_is_an_error(path):
    for call in (sweep, check_sweep):
        with pytest.raises(ValueError, match="retry is True and resume is False; expected resume"):
            call(study, GRID, seeds=[1], tune=TUNE, out=path, resume=False, retry=True)
    with pytest.raises(TypeError, match="retry is 'yes'; expected True or False"):
        sweep(study, GRID, seeds=[1], tune=TUNE, out=path, retry="yes")
    assert list(path.parent.iterdir()) == []


# Another sweep where nothing was finished.


@pytest.mark.parametrize("resume", [False, True])
def test_a_journal_without_trials_is_taken_over(path, resume):
    journal_of(path).write_bytes(b'{"schema":1,"header":{"function":"another, longer one"}}\n')
    with Store(path, HEADER, resume=resume) as store:
        assert store.done == {}
        assert read_records(path).header == HEADER
        add(store, trial_of(0))
    assert read_journal(journal_of(path)).header == HEADER
    with Store(path, HEADER) as store:
        assert len(store.done) == 1


def test_a_kill_before_the_first_trial_binds_nothing(path):
    program = "import os, sys\nfrom sweep_helpers import HEADER\n"
    program += "from course_lib.experiments.storing import Store\n"
    program += "Store(sys.argv[1], {'function': 'other.run'})\nos._exit(0)"
    succeeds(program, path)
    assert "results.parquet.journal" in names(path)
    run_sweep(path, 2)
    assert told(path) == {0: None, 1: None}


def test_a_score_may_be_corrected(broken, path):
    with pytest.raises(KeyError, match="did you mean 'score'"):
        broken(set(), tune=replace(TUNE, score="scor"), out=path)
    assert compared(broken(set(), out=path)) == compared(broken(set()))


def test_one_trial_is_something_finished(path, refuses):
    journaled(path, (trial_of(0), failure_of(trial_of(0))))
    refuses(lambda: Store(path, HEADER | {"function": "other.run"}), ValueError, "another sweep")
