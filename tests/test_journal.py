"""The journal of a sweep: exact, whole line by whole line, and never half a line."""

import json
import math
import os
import time
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sweep_helpers import HEADER, WHERE_FROM, exactly, outcome_of, trial_of

from course_lib.experiments.journal import Journal, Journaled, journal_of, read_journal
from course_lib.experiments.trials import Outcome, Trial

ROW = st.lists(st.floats() | st.integers() | st.booleans(), min_size=2, max_size=2)
ARGUMENT = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


@pytest.fixture
def path(tmp_path):
    """Return where a journal may be."""
    return journal_of(tmp_path / "results.parquet")


def written(path, *trials, header=HEADER):
    """Write trials to a journal, and return what is read from it."""
    journal = Journal(path, header, read_journal(path))
    for trial in trials:
        journal.add(trial, outcome_of(trial))
    journal.close()
    return read_journal(path)


def test_what_is_added_is_read(path):
    trials = [trial_of(2), trial_of(0, "tuning", seeds=(5,)), trial_of(1)]
    found = written(path, *trials)
    assert found.header == HEADER
    assert list(found.trials) == [trial.key for trial in trials]
    assert exactly([vars(o) for _, o in found.trials.values()]) == exactly(
        [vars(outcome_of(trial)) for trial in trials]
    )
    for trial, (read, _) in zip(trials, found.trials.values(), strict=True):
        assert (read, read.phase, read.seeds) == (trial, trial.phase, trial.seeds)
        assert exactly(read.arguments) == exactly(trial.arguments)
    assert found.end == path.stat().st_size


@given(
    st.dictionaries(st.text(), ARGUMENT, max_size=4),
    st.dictionaries(st.text(), ROW, max_size=4),
    st.text(),
)
def test_every_bit_comes_back(tmp_path_factory, arguments, values, text):
    path = tmp_path_factory.mktemp("journal") / "it"
    trial = Trial(0, "result", arguments, (3, 1))
    outcome = Outcome(values, None, 0.1, {"machine": text})
    failed = Outcome({}, text, 1e-300, {})
    journal = Journal(path, {}, Journaled())
    journal.add(trial, outcome)
    journal.add(Trial(0, "tuning", arguments, (2**70,)), failed)
    journal.close()
    (one, first), (two, second) = read_journal(path).trials.values()
    assert exactly([one.arguments, vars(first)]) == exactly([trial.arguments, vars(outcome)])
    assert one.key == trial.key == Trial(7, "result", one.arguments, one.seeds).key
    assert (two.seeds, exactly(vars(second))) == ((2**70,), exactly(vars(failed)))


def test_a_long_error_comes_back(path):
    error = "ValueError: " + "ä\n\t\0\U0001f600" * 100_000
    journal = Journal(path, HEADER, Journaled())
    journal.add(trial_of(0), Outcome({}, error, 0.5, {}))
    journal.close()
    ((_, outcome),) = read_journal(path).trials.values()
    assert outcome.error == error
    assert path.read_bytes().count(b"\n") == 2


def test_every_cut_drops_the_torn_line_alone(path):
    written(path, trial_of(0), trial_of(1))
    content = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(content) if byte == ord("\n")]
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        found = read_journal(path)
        whole = sum(end <= length for end in ends)
        assert (found.header is not None) + len(found.trials) == whole
        assert found.end == max([end for end in ends if end <= length], default=0)


def test_a_journal_goes_on_after_a_torn_line(path):
    written(path, trial_of(0), trial_of(1))
    whole = path.read_bytes()
    for cut in (1, 20, len(whole) - 3):  # in the last line, and in the first
        path.write_bytes(whole[:-cut])
        found = written(path, trial_of(0), trial_of(1))
        assert list(found.trials) == [trial_of(0).key, trial_of(1).key]


def test_a_last_line_of_zeros_is_dropped(path):
    """Some file systems leave them after a power failure: a length without its bytes."""
    written(path, trial_of(0), trial_of(1))
    content = path.read_bytes()
    start = content.rindex(b"\n", 0, -1) + 1
    path.write_bytes(content[:start] + b"\0" * (len(content) - start - 1) + b"\n")
    assert list(read_journal(path).trials) == [trial_of(0).key]


@pytest.mark.parametrize("line", [2, 3])
def test_damage_before_the_last_line_is_an_error(path, line, refuses):
    """One other digit is enough, although the line is still JSON."""
    written(path, trial_of(0), trial_of(1), trial_of(2))
    lines = path.read_bytes().split(b"\n")
    digit = lines[line - 1].index(b'"loss":[') + 12
    changed = b"1" if lines[line - 1][digit : digit + 1] != b"1" else b"2"
    lines[line - 1] = lines[line - 1][:digit] + changed + lines[line - 1][digit + 1 :]
    json.loads(lines[line - 1])
    path.write_bytes(b"\n".join(lines))
    before = path.read_bytes()
    refuses(lambda: read_journal(path), ValueError, f"line {line} of", "is damaged; without this")
    assert path.read_bytes() == before
    path.write_bytes(b"\n".join(lines[: line - 1] + lines[line:]))  # as the message says
    assert len(read_journal(path).trials) == 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"notes of mine", "is no journal of a sweep; move it, or choose another file"),
        (b"{}\n", "is no journal of a sweep"),
        (b'{"schema":1}\n', "line 1 of"),
        (b'{"schema":nothing\n', "line 1 of"),
        (b'{"schema":1,"header":null}\n', "line 1 of"),
        (b'{"schema":1,"header":[1]}\n', "line 1 of"),
        (b'{"schema":2,"header":{}}\n', "schema version 2; this version of the library reads 1"),
    ],
)
def test_what_is_no_journal_of_ours_is_an_error(path, content, told, refuses):
    path.write_bytes(content)
    refuses(lambda: read_journal(path), ValueError, told)
    assert path.read_bytes() == content


def test_a_journal_without_trials_leaves_nothing(path):
    Journal(path, HEADER, Journaled()).close()
    assert not path.exists()


def test_a_journal_that_is_gone_closes_no_file_of_others(path, tmp_path):
    """The system gives the number of a file that was closed to the next one that is opened."""
    journal = Journal(path, HEADER, Journaled())
    number = journal._handle
    journal.remove()
    with open(tmp_path / "another", "w") as other:
        assert other.fileno() == number
        journal.close()
        other.write("whole")
    assert (tmp_path / "another").read_text() == "whole"


def test_a_journal_that_somebody_reads_on_windows_may_stay(path, monkeypatch):
    journal = Journal(path, HEADER, Journaled())
    journal.add(trial_of(0), outcome_of(trial_of(0)))

    def busy(self, missing_ok=False):
        raise PermissionError(13, "the file is used by another process", str(self))

    with monkeypatch.context() as patched:
        patched.setattr(type(path), "unlink", busy)
        journal.remove()
    assert list(read_journal(path).trials) == [trial_of(0).key]


def test_an_interrupt_leaves_a_whole_line_or_none(path, monkeypatch):
    """Ctrl-C in the middle of a write, and between the write and its confirmation."""
    journal = Journal(path, HEADER, Journaled())
    journal.add(trial_of(0), outcome_of(trial_of(0)))
    write = os.write

    def half(handle, line):
        if len(line) < 100:
            raise KeyboardInterrupt
        return write(handle, line[: len(line) // 2 + 1])

    def interrupted(handle):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda handle, line: half(handle, line[:150]))
        with pytest.raises(KeyboardInterrupt):
            journal.add(trial_of(1), outcome_of(trial_of(1)))
    assert list(read_journal(path).trials) == [trial_of(0).key]
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.add(trial_of(2), outcome_of(trial_of(2)))
    journal.add(trial_of(3), outcome_of(trial_of(3)))
    journal.close()
    assert list(read_journal(path).trials) == [trial_of(i).key for i in (0, 2, 3)]


def test_a_disk_that_fails_in_a_line_and_while_it_is_removed(path, monkeypatch):
    """Half a line stays; what comes next replaces it, and does not go behind it."""
    journal = Journal(path, HEADER, Journaled())
    write = os.write

    def half(handle, line):
        write(handle, line[: len(line) // 2])
        monkeypatch.setattr(os, "ftruncate", fail)
        fail()

    def fail(*arguments):
        raise OSError(5, "Input/output error")

    journal.add(trial_of(0), outcome_of(trial_of(0)))
    with monkeypatch.context() as patched, pytest.raises(OSError, match="Input/output error"):
        patched.setattr(os, "write", half)
        long = trial_of(1, seeds=range(1000))
        journal.add(long, outcome_of(long))
    monkeypatch.undo()
    assert not path.read_bytes().endswith(b"\n")
    assert list(read_journal(path).trials) == [trial_of(0).key]
    for place in (2, 3):
        journal.add(trial_of(place), outcome_of(trial_of(place)))
    journal.close()
    assert list(read_journal(path).trials) == [trial_of(i).key for i in (0, 2, 3)]


def test_a_line_is_on_the_disk_when_it_was_added(path, monkeypatch):
    done = []
    monkeypatch.setattr(os, "fsync", lambda handle: done.append(path.stat().st_size))
    journal = Journal(path, HEADER, Journaled())
    for place in range(3):
        journal.add(trial_of(place), outcome_of(trial_of(place)))
        assert done[-1] == path.stat().st_size
    journal.close()


def test_adding_is_cheap(path, monkeypatch):
    """Beside waiting for the disk, which is that of the machine, at most 1 ms."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    where = dict.fromkeys(("date", "machine", "version", "commit", "python", "numpy"), "x" * 40)
    seeds = tuple(range(32))
    outcome = Outcome({name: tuple(math.sqrt(s) for s in seeds) for name in "abc"}, None, 1, where)
    journal = Journal(path, HEADER, Journaled())
    taken = []
    for place in range(200):
        trial = trial_of(place, seeds=seeds)
        start = time.perf_counter()
        journal.add(trial, outcome)
        taken.append(time.perf_counter() - start)
    journal.close()
    assert median(taken) < 1e-3
    assert len(read_journal(path).trials) == 200


def test_helpers_name_their_source():
    assert outcome_of(trial_of(0)).where == WHERE_FROM
