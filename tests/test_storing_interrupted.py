"""A sweep that ends too early: nothing is lost and nothing computed twice, whatever ends it."""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
from sweep_helpers import (
    HEADER,
    add,
    finished,
    names,
    run_sweep,
    succeeds,
    trial_of,
)

from course_lib.experiments.journal import journal_of, read_journal
from course_lib.experiments.storing import Store, read_records

pytest.importorskip("pyarrow.parquet")
pytest.importorskip("filelock")
posix = pytest.mark.skipif(os.name != "posix", reason="needs signals and limits of POSIX")


@pytest.fixture
def path(tmp_path):
    """Return where a file of records may be."""
    return tmp_path / "results.parquet"


# A disk that is full.

FULL = """
import resource, sys
from sweep_helpers import HEADER, outcome_of, trial_of
from course_lib.experiments.storing import Store, read_records
path, limit, added = sys.argv[1], int(sys.argv[2]), 0
with Store(path, HEADER) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        for added in range(1000):
            store.add(trial_of(added), outcome_of(trial_of(added)))
    except OSError as error:
        print(error)
    print(added, len(store.done), len(read_records(path)))
    try:
        store.add(trial_of(added), outcome_of(trial_of(added)))
    except OSError as error:
        print("again")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    store.add(trial_of(added), outcome_of(trial_of(added)))
"""


@posix
@pytest.mark.parametrize("limit", [3000, 3100, 3210])
def test_a_full_disk_keeps_what_was_finished(path, limit):
    """With room again, the same store goes on; a new one would too."""
    error, counts, again = succeeds(FULL, path, limit).splitlines()
    count = int(counts.split()[0])
    assert "results.parquet.journal cannot be written (File too large); the " in error
    assert f"the {count} trials that were finished before are kept, and the sweep goes" in error
    assert (counts, again) == (f"{count} {count} {2 * count}", "again")
    assert 3 < count < 20
    found = read_journal(journal_of(path))
    assert list(found.trials) == [trial_of(place).key for place in range(count + 1)]
    assert found.end == journal_of(path).stat().st_size > limit


FULL_AT_FIRST = """
import resource, sys
from sweep_helpers import HEADER, run_sweep
from course_lib.experiments.storing import Store
run_sweep(sys.argv[1] + ".other", 1)  # so that everything is imported
resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
try:
    Store(sys.argv[1], HEADER)
except OSError as error:
    print(error)
"""


@posix
def test_a_full_disk_is_an_error_before_anything_runs(path):
    told = "results.parquet.journal cannot be written (File too large); choose another folder"
    assert told in succeeds(FULL_AT_FIRST, path)
    assert names(path) == ["results.parquet.other"]


FULL_AT_LAST = """
import resource, sys
from sweep_helpers import HEADER, outcome_of, trial_of
from course_lib.experiments.storing import Store, read_records
with Store(sys.argv[1], HEADER) as store:
    for place in range(3):
        store.add(trial_of(place), outcome_of(trial_of(place)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    try:
        store.finish([])
    except OSError as error:
        print(error)
"""


@posix
@pytest.mark.parametrize("limit", [0, 1000, 5000])
@pytest.mark.parametrize("old", [False, True])
def test_a_disk_that_is_full_at_the_end_keeps_file_and_journal(path, limit, old):
    if old:
        finished(path)
    before = path.read_bytes() if old else None
    error = succeeds(FULL_AT_LAST, path, limit)
    assert "results.parquet cannot be written (File too large); nothing of the 3 trials" in error
    assert "is in results.parquet.journal, and the sweep writes it when it is started" in error
    assert names(path) == ["results.parquet"] * old + ["results.parquet.journal"]
    assert (path.read_bytes() if old else None) == before
    assert [row["place"] for row in read_records(path)] == [0, 0, 1, 1, 2, 2]
    run_sweep(path, 3)
    assert names(path) == ["results.parquet"]
    assert len(read_records(path)) == 6


# Whatever ends a sweep.


def test_ctrl_c_between_trials_leaves_a_usable_file(path):
    with pytest.raises(KeyboardInterrupt), Store(path, HEADER) as store:
        add(store, trial_of(1), trial_of(0))
        raise KeyboardInterrupt
    assert [row["place"] for row in read_records(path)] == [0, 0, 1, 1]
    for _ in range(2):  # a store that is opened and closed changes nothing
        with Store(path, HEADER) as store:
            assert set(store.done) == {trial_of(0).key, trial_of(1).key}


def test_ctrl_c_while_a_trial_is_stored_loses_nothing(path, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    with Store(path, HEADER) as store:
        for place, name in enumerate(("write", "fsync")):
            with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
                patched.setattr(os, name, interrupted)
                add(store, trial_of(place))
        assert set(store.done) == {trial_of(0).key, trial_of(1).key}
        store.finish([])
    assert [row["place"] for row in read_records(path)] == [0, 0, 1, 1]


# The programs below fork. Reading and writing start threads of Arrow, and a process that forks
# should have none; so all of both is done in children. Importing starts none of them.


def in_child(work):
    """Fork a process that does some work, and return its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def answer(work):
    """Return what comes of some work that another process does, as JSON gives it back."""
    reading, writing = os.pipe()
    child = in_child(lambda: os.write(writing, json.dumps(work()).encode()))
    os.close(writing)
    with open(reading, encoding="utf-8") as file:
        told = file.read()
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(told)


def killed_at(path, count, call, torn, **options):
    """Run a sweep that dies at its so-manieth call of the system; return whether it did.

    A write that is torn writes half of it first.
    """
    calls = 0

    def dying(name):
        real = getattr(os, name)

        def wrapped(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == call:
                if torn and name == "write":
                    real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        setattr(os, name, wrapped)

    def work():
        for name in ("open", "write", "fsync", "ftruncate", "replace", "unlink", "close"):
            dying(name)
        run_sweep(path, count, log=f"{path}.log", **options)

    _, status = os.waitpid(in_child(work), 0)
    return os.WIFSIGNALED(status)


def places(path):
    """Return the places that are in file and journal, in order."""
    try:
        return sorted({row["place"] for row in read_records(path)})
    except FileNotFoundError:
        return []


def known(path):
    """Return the places that are in file and journal, as another process finds them."""
    return set(answer(lambda: places(path)))


def ran(path, count, **options):
    """Run a sweep in another process, and return the places that it leaves."""
    log = f"{path}.log"
    return set(answer(lambda: run_sweep(path, count, log=log, **options) or places(path)))


def logged(path):
    """Return the places that were computed since the last time."""
    log = path.with_name(f"{path.name}.log")
    lines = log.read_text(encoding="utf-8").split() if log.exists() else []
    log.unlink(missing_ok=True)
    return [int(line) for line in lines]


def check_after(path, before, after, torn_off=1):
    """Check that a sweep that was killed lost nothing and computed nothing twice."""
    computed = logged(path)
    assert before <= after
    assert not before & set(computed)
    assert len(computed) == len(set(computed))
    assert len(set(computed) - after) <= torn_off  # what was under way
    return after


def die_everywhere(folder):
    """Kill a sweep at each of its calls of the system, and run it again; print how many."""
    path = Path(folder, "results.parquet")
    ran(path, 3)
    whole = path.read_bytes()
    for torn in (False, True):
        for resumed in (False, True):
            for call in range(1, 1000):
                for entry in Path(folder).iterdir():
                    entry.unlink()
                before = ran(path, 1) if resumed else set()
                logged(path)
                died = killed_at(path, 3, call, torn)
                before = check_after(path, before, known(path))
                assert check_after(path, before, ran(path, 3), 0) == {0, 1, 2}
                assert names(path) == ["results.parquet"]
                assert path.read_bytes() == whole
                if not died:
                    break
            print(call - 1)


def ended_at_random(path, count, number, moments):
    """Run a sweep that gets a signal after some of its trials, unless it finishes before."""
    log = path.with_name(f"{path.name}.log")
    child = in_child(lambda: run_sweep(path, count, log=log, pause=0.001))
    wanted = moments.randrange(1, 5) if number == signal.SIGINT else moments.randrange(5)
    while (log.read_text("utf-8").count("\n") if log.exists() else 0) < wanted:
        time.sleep(0.0005)
        if os.waitpid(child, os.WNOHANG)[0]:
            return
    time.sleep(moments.uniform(0, 0.004))
    os.kill(child, number)
    os.waitpid(child, 0)


def end_at_random(folder, number, seed=0):
    """Send a sweep a signal again and again until all is done; print what was done each time."""
    path, count, moments = Path(folder, "results.parquet"), 40, random.Random(seed)
    ran(path.with_name("other.parquet"), count)
    before = set()
    while len(before) < count:
        ended_at_random(path, count, number, moments)
        before = check_after(path, before, known(path))
        print(len(before))
    assert check_after(path, before, ran(path, count), 0) == set(range(count))
    assert path.read_bytes() == path.with_name("other.parquet").read_bytes()


@posix
def test_a_sweep_may_die_at_any_of_its_calls(tmp_path):
    program = "import sys, test_storing_interrupted as t\nt.die_everywhere(sys.argv[1])"
    points = [int(line) for line in succeeds(program, tmp_path).splitlines()]
    assert len(points) == 4
    assert min(points) > 15  # of a lock, a journal of three lines, a file and their folder


@posix
@pytest.mark.parametrize("number", ["SIGKILL", "SIGINT"])
def test_a_sweep_may_end_at_any_time(tmp_path, number):
    program = "import signal, sys, test_storing_interrupted as t\n"
    program += f"t.end_at_random(sys.argv[1], signal.{number})"
    told = succeeds(program, tmp_path)
    grown = [int(line) for line in told.split()]
    assert grown == sorted(grown)
    assert len(grown) >= 8  # it was ended often
