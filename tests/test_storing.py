"""The store of a sweep: what is found is stored, and what does not fit stays as it is."""

import itertools
import os
import sys

import pytest
from sweep_helpers import (
    HEADER,
    add,
    exactly,
    finished,
    names,
    outcome_of,
    succeeds,
    trial_of,
)

from course_lib.experiments import parquet, storing
from course_lib.experiments.journal import journal_of
from course_lib.experiments.parquet import part_of, read_columns, write_columns
from course_lib.experiments.records import Records
from course_lib.experiments.storing import Store, read_records
from course_lib.experiments.trials import Outcome, Trial, trial_rows

pa = pytest.importorskip("pyarrow")
posix = pytest.mark.skipif(os.name != "posix", reason="needs signals and limits of POSIX")


@pytest.fixture
def path(tmp_path):
    """Return where a file of records may be."""
    return tmp_path / "results.parquet"


def contents(path):
    """Return everything in the folder of a file."""
    return {entry.name: entry.read_bytes() for entry in path.parent.iterdir()}


# What is stored is what is found.


def test_what_was_added_is_done_in_the_next_sweep(path):
    trials = [trial_of(2), trial_of(0, "tuning", seeds=(7, 3)), trial_of(1)]
    expected = {trial.key: outcome_of(trial) for trial in trials}
    with Store(path, HEADER) as store:
        assert store.done == {}
        add(store, *trials)
        assert store.done == expected
    assert names(path) == ["results.parquet.journal"]
    with Store(path, HEADER) as store:
        assert exactly({k: vars(o) for k, o in store.done.items()}) == exactly(
            {k: vars(o) for k, o in expected.items()}
        )
        store.finish([row for trial in trials for row in trial_rows(trial, outcome_of(trial))])
    assert names(path) == ["results.parquet"]
    with Store(path, HEADER) as store:
        assert {k: exactly(vars(o)) for k, o in store.done.items()} == {
            k: exactly(vars(o)) for k, o in expected.items()
        }
    assert names(path) == ["results.parquet"]


def test_errors_and_odd_numbers_are_done_too(path):
    failed, odd = trial_of(0), trial_of(1, seeds=(4, 2, 3), rates=[1, 0.5, None])
    outcomes = {
        failed.key: Outcome({}, "ValueError: ä\n" * 1000, 0.0, {}),
        odd.key: Outcome(
            {"x": (float("nan"), -0.0, 3), "y": (True, False, 2**80)}, None, 1e9, {"commit": ""}
        ),
    }
    for finish in (False, True, True):
        with Store(path, HEADER) as store:
            if not store.done:
                store.add(failed, outcomes[failed.key])
                store.add(odd, outcomes[odd.key])
            assert {k: exactly(vars(o)) for k, o in store.done.items()} == {
                k: exactly(vars(o)) for k, o in outcomes.items()
            }
            if finish:
                store.finish([])


def test_records_of_a_file_of_a_journal_and_of_both(path):
    trials = [trial_of(place) for place in range(4)]
    rows = [row for trial in trials for row in trial_rows(trial, outcome_of(trial))]
    with Store(path, HEADER) as store:
        add(store, trials[3], trials[1])
        assert exactly(read_records(path).rows) == exactly(rows[2:4] + rows[6:])
    with Store(path, HEADER) as store:
        tuned = [row | {"at_edge": True, "widened": 2} for row in rows[2:4]]
        store.finish(tuned)
        assert exactly(read_records(path).rows) == exactly(tuned + rows[6:])
    with Store(path, HEADER) as store:
        add(store, trials[2], trials[0])
        found = read_records(path)  # needs no lock
        assert exactly(found.rows) == exactly(rows[:2] + tuned + rows[4:])
        assert found.header == HEADER
        written = store.finish(rows)
    assert exactly(written.rows) == exactly(read_records(path).rows) == exactly(rows)


def test_rows_that_were_forgotten_are_added_and_replaced_ones_are_not(path):
    """Seeds that were cut into other trials since then are in the table once."""
    both, one, two = trial_of(0), trial_of(0, seeds=(0,)), trial_of(0, seeds=(1,))
    with Store(path, HEADER) as store:
        add(store, both, trial_of(1))
        store.finish(trial_rows(both, outcome_of(both)))
    assert [row["place"] for row in read_records(path)] == [0, 0, 1, 1]
    with Store(path, HEADER) as store:
        assert both.key in store.done
        add(store, one, two)
        store.finish([row for t in (one, two) for row in trial_rows(t, outcome_of(t))])
    records = read_records(path)
    assert [(row["place"], row["seed"]) for row in records] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [row["trial"] for row in records.select(place=0)] == [one.key, two.key]
    with Store(path, HEADER) as store:
        assert set(store.done) == {one.key, two.key, trial_of(1).key}


def test_a_part_of_a_trial_is_not_done(path):
    """A file that somebody selected rows for holds fewer seeds than the trial had."""
    rows = trial_rows(trial_of(0), outcome_of(trial_of(0)))
    rows += trial_rows(trial_of(1), outcome_of(trial_of(1)))
    for left_out in (0, 1):
        kept = [row for i, row in enumerate(rows) if i != left_out]
        Records(kept, HEADER).to_parquet(path)
        with Store(path, HEADER) as store:
            assert set(store.done) == {trial_of(1).key}


def test_a_sweep_without_trials(path):
    with Store(path, HEADER):
        assert names(path) == ["results.parquet.journal", "results.parquet.lock"]
    assert names(path) == []
    with Store(path, HEADER) as store:
        assert len(store.finish([])) == 0
    assert read_records(path).header == HEADER
    with Store(path, HEADER) as store:
        assert store.done == {}


def test_nothing_is_added_after_the_end(path, refuses):
    with Store(path, HEADER) as store:
        store.finish([])
        told = "is finished or closed; open it again to add to it"
        refuses(lambda: add(store, trial_of(0)), ValueError, told)
        refuses(lambda: store.finish([]), ValueError, told)
    with Store(path, HEADER) as store:
        pass
    refuses(lambda: add(store, trial_of(0)), ValueError, told)


def test_the_number_of_values_is_that_of_the_seeds(path, refuses):
    with Store(path, HEADER) as store:
        outcome = Outcome({"loss": (1.0,)}, None, 0.5, {})
        told = "loss has 1 numbers; expected one for each of 2 seeds"
        refuses(lambda: store.add(trial_of(0), outcome), ValueError, told)
    assert names(path) == []


# What is there and does not fit is an error, and stays as it is.


def interrupted(path, header=HEADER):
    """Write a journal of a sweep that was interrupted."""
    with Store(path, header) as store:
        add(store, trial_of(0))


@pytest.mark.parametrize("write", [finished, interrupted])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"function": "other.run"}, "function is 'study.run' there and 'other.run' here"),
        ({"grid": {"depth": [1, 2]}}, "grid['depth'] is [1, 2, 3] there and [1, 2] here"),
        ({"grid": {"depth": [1, 2, 3.0]}}, "is [1, 2, 3] there and [1, 2, 3.0] here"),
        ({"tune": {"name": "rate"}}, "tune is None there and {'name': 'rate'} here"),
        ({"seeds": list(range(99))}, "seeds is [0, 1] there and [0, 1, 2, 3,"),
    ],
)
def test_another_sweep_is_an_error_that_says_what_differs(path, write, change, told, refuses):
    write(path)
    before = contents(path)
    texts = ("results.parquet is of another sweep: ", told, "; choose another file")
    refuses(lambda: Store(path, HEADER | change), ValueError, *texts)
    assert contents(path) == before


@pytest.mark.parametrize("write", [finished, interrupted])
def test_a_grid_in_another_order_is_another_sweep(path, write, refuses):
    """Its configurations are at other places, where those of both would be mixed."""
    one = HEADER | {"grid": {"depth": [0], "a": [0]}}
    trial = Trial(0, "result", {"depth": 0, "a": 0}, (0, 1))
    with Store(path, one) as store:
        add(store, trial)
        if write is finished:
            store.finish(trial_rows(trial, outcome_of(trial)))
    before = contents(path)
    other = HEADER | {"grid": {"a": [0], "depth": [0]}}
    told = "the grid has depth, a there and a, depth here, in this order"
    refuses(lambda: Store(path, other), ValueError, told)
    assert contents(path) == before
    with Store(path, one) as store:
        assert list(store.done) == [trial.key]


def test_only_three_differences_are_told(path):
    finished(path)
    with pytest.raises(ValueError, match="another sweep") as caught:
        Store(path, {name: 1 for name in "abcdef"})
    assert str(caught.value).count(" there and ") == 3


@pytest.mark.parametrize("write", [finished, interrupted])
def test_without_resuming_results_are_an_error(path, write, refuses):
    write(path)
    before = contents(path)
    told = "has results already; resume, or choose another file"
    refuses(lambda: Store(path, HEADER, resume=False), FileExistsError, told)
    assert contents(path) == before


def test_without_resuming_a_new_file_is_made(path):
    with Store(path, HEADER, resume=False) as store:
        add(store, trial_of(0))


def broken_parquet(path):
    """Write something else under the name of the file."""
    path.write_bytes(b"depth,loss\n1,0.5\n")


def other_parquet(path):
    """Write a Parquet file of something else."""
    pa.parquet.write_table(pa.table({"x": [1]}), path)


def parquet_with(header):
    """Return what writes a file whose header is something else."""

    def write(path):
        Records([], HEADER).to_parquet(path)
        table = pa.parquet.read_table(path).replace_schema_metadata({parquet.KEY: header})
        pa.parquet.write_table(table, path)

    return write


def newer_parquet(path):
    """Write a file of a newer version."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parquet, "SCHEMA", parquet.SCHEMA + 1)
        write_columns(path, {"x": [1]}, HEADER)


def newer_journal(path):
    """Write a journal of a newer version."""
    journal_of(path).write_bytes(b'{"schema":2,"header":{}}\n')


def other_journal(path):
    """Write something else under the name of the journal."""
    journal_of(path).write_text("Monday: slept\n", encoding="utf-8")


def different_pair(path):
    """Write a file and a journal of different sweeps."""
    interrupted(path, HEADER | {"function": "other.run"})
    Records([], HEADER).to_parquet(path)


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (broken_parquet, "cannot be read as a Parquet file"),
        (other_parquet, "is a Parquet file of something else"),
        (parquet_with(b"{"), "the header of"),
        (parquet_with(b'{"schema":1}'), "is damaged; expected the records of a sweep"),
        (parquet_with(b'{"schema":1,"header":[1]}'), "is damaged"),
        (newer_parquet, "has schema version 2; this version of the library reads 1"),
        (newer_journal, "has schema version 2; this version of the library reads 1"),
        (other_journal, "is no journal of a sweep"),
        (different_pair, "are of different sweeps, file and journal: function is 'study.run'"),
    ],
)
def test_what_cannot_be_read_is_an_error(path, write, told, refuses):
    write(path)
    before = contents(path)
    refuses(lambda: Store(path, HEADER), ValueError, told)
    refuses(lambda: read_records(path), ValueError, told)
    assert contents(path) == before


def test_nothing_to_read(path, refuses):
    told = "there is no ", "results.parquet, and no journal beside it"
    refuses(lambda: read_records(path), FileNotFoundError, *told)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ([("function", "f")], "header is a list; expected a mapping of names to values"),
        ({"function": len}, "header['function'] is <built-in function len>"),
    ],
)
def test_a_header_that_cannot_be_stored_is_an_error(path, header, told, refuses):
    refuses(lambda: Store(path, header), TypeError, told)
    assert names(path) == []


# Two sweeps, and places where nothing can be written.


def test_a_second_sweep_on_one_file_is_an_error_at_once(path, refuses):
    with Store(path, HEADER) as store:
        add(store, trial_of(0))
        before = contents(path)
        told = "is being written by another sweep, which holds results.parquet.lock"
        refuses(lambda: Store(path, HEADER), BlockingIOError, told)
        refuses(lambda: Records([]).to_parquet(path), BlockingIOError, told)
        out = succeeds(
            "import sys\n"
            "from sweep_helpers import run_sweep\n"
            "try:\n    run_sweep(sys.argv[1], 3)\n"
            "except BlockingIOError as error:\n    print(error)\n",
            path,
        )
        assert told in out
        assert contents(path) == before
        add(store, trial_of(1))
    with Store(path, HEADER) as store:
        assert len(store.done) == 2


def test_a_missing_folder_and_a_folder_in_the_way(path, refuses):
    call = lambda: Store(path.parent / "no" / "results.parquet", HEADER)  # noqa: E731
    refuses(call, FileNotFoundError, "no of results.parquet does not exist; make it first")
    path.mkdir()
    refuses(lambda: Store(path, HEADER), IsADirectoryError, "is a folder; expected the name of")
    assert names(path) == ["results.parquet"]


@pytest.mark.parametrize(
    ("given", "kind", "told"),
    [
        (3, TypeError, "the path of the records is 3; expected text or a Path"),
        (b"a.parquet", TypeError, "is b'a.parquet'; expected text or a Path"),
        ("a\0b", ValueError, "expected one without zeros"),
        ("results/", IsADirectoryError, "results/ names a folder; expected the name of a file"),
    ],
)
def test_what_is_no_path_is_told(given, kind, told, path, refuses, monkeypatch):
    monkeypatch.chdir(path.parent)
    for call in (lambda p: Store(p, HEADER), read_records, Records([]).to_parquet):
        refuses(lambda call=call: call(given), kind, told)
    assert contents(path) == {}


def test_a_folder_is_no_file_of_records(path, refuses):
    refuses(lambda: read_records(path.parent), IsADirectoryError, "is a folder; expected a file")


def symbolic(link, target):
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("this system makes no links")


@pytest.mark.parametrize("old", [True, False])
def test_a_link_stays_one_and_leads_to_one_file_with_one_lock(path, old, refuses):
    link = path.parent / "link.parquet"
    symbolic(link, path.name)
    if old:
        interrupted(path, HEADER)
    with Store(link, HEADER) as store:
        refuses(lambda: Store(path, HEADER), BlockingIOError, "another sweep")
        add(store, trial_of(1))
    assert len(read_records(link)) == len(read_records(path)) == 2 + 2 * old
    with Store(link, HEADER) as store:
        store.finish([])
    Records(read_records(link), HEADER).to_parquet(link)
    assert link.is_symlink() and len(read_records(path)) == 2 + 2 * old
    assert names(path) == ["link.parquet", "results.parquet"]


@pytest.mark.parametrize("name", ["phase", "seed", "trial", "settings", "error", "date"])
def test_a_file_without_some_columns_is_not_gone_on_with(path, name, refuses):
    rows = trial_rows(trial_of(0), outcome_of(trial_of(0)))
    Records([{k: v for k, v in row.items() if k != name} for row in rows], HEADER).to_parquet(path)
    told = f"the file has no columns {name}; expected all that a sweep writes"
    refuses(lambda: Store(path, HEADER), ValueError, told)
    assert names(path) == ["results.parquet"]


READ_ONLY = """
import os, sys
from sweep_helpers import HEADER, run_sweep
from course_lib.experiments.records import Records
from course_lib.experiments.storing import Store, read_records
os.chdir(sys.argv[1])
run_sweep("results.parquet", 2)
read_records("results.parquet")  # so that everything is imported
os.chmod(".", 0o555)
if os.geteuid() == 0:
    os.setuid(65534)  # root may write everywhere
for call in (lambda: Store("results.parquet", HEADER), lambda: Records([]).to_parquet("new")):
    try:
        call()
    except PermissionError as error:
        print(error)
print(len(read_records("results.parquet")))
"""


@posix
def test_a_read_only_folder_is_an_error_before_anything_runs(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    first, second, rows = succeeds(READ_ONLY, folder).splitlines()
    assert ". cannot be written (Permission denied); choose another folder" in first
    assert ". cannot be written (Permission denied); choose another folder" in second
    assert rows == "4"
    folder.chmod(0o755)
    assert names(folder / "it") == ["results.parquet"]


# Reading beside a sweep, and what it costs.


def test_reading_while_the_journal_becomes_the_file(path, monkeypatch):
    """Whenever a sweep finishes while it is read, everything is there."""
    with Store(path, HEADER) as store:
        add(store, trial_of(0))

        def first_finish(found):
            store.finish([])
            return read_columns(found)

        monkeypatch.setattr(storing, "read_columns", first_finish)
        assert len(read_records(path)) == 2
    assert not journal_of(path).exists()


def test_a_file_of_a_killed_writer_is_removed(path):
    part_of(path).write_bytes(b"half a file")
    with Store(path, HEADER) as store:
        add(store, trial_of(0))
    assert names(path) == ["results.parquet.journal"]


def test_opening_costs_in_proportion_to_the_trials(path, monkeypatch):
    """Counted in calls, which a busy machine does not change."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    cost = {"journal": [], "file": []}
    for number in (400, 1600):
        own = path.with_name(f"{number}.parquet")
        trials = [Trial(i, "result", {"depth": i, "rate": i / 7}, (0, 1)) for i in range(number)]
        with Store(own, HEADER) as store:
            add(store, *trials)
        for calls in cost.values():
            count = itertools.count()
            sys.setprofile(lambda frame, event, of, count=count: next(count))
            store = Store(own, HEADER)
            sys.setprofile(None)
            calls.append(next(count) / number)
            with store:
                assert len(store.done) == number
                store.finish([])
    for few, many in cost.values():
        assert many < 1.1 * few and many < 400


def test_without_pyarrow_the_error_says_what_to_install(path):
    program = """
import sys
sys.modules["pyarrow"] = sys.modules["pyarrow.parquet"] = None
from course_lib.experiments.storing import Store
try:
    Store(sys.argv[1], {})
except ModuleNotFoundError as error:
    print(error)
"""
    told = 'this needs pyarrow; install it with: pip install "why-networks-bend[sweeps]"\n'
    assert succeeds(program, path) == told
    assert names(path) == []
