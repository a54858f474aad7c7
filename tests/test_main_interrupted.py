"""A sweep that is ended again and again, in every way, gives what an undisturbed one gives."""

import os
import random
import signal
import time
from itertools import product
from pathlib import Path

import pytest
from sweep_functions import compared, study
from test_main import ended, gone, started
from test_sweeping import GRID, TUNED

from course_lib.experiments import sweep
from course_lib.experiments.storing import read_records

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs signals")

TESTS = Path(__file__).resolve().parent
SPEC = """\
function = "sweep_functions:study"
seeds = 3
replicas = 2
[fixed]
epochs = 2
[grid]
activation = ["relu", "gelu", "broken", "tanh"]
width = [8, 24]
[tune]
name = "learning_rate"
values = [0.01, 0.1, 1.0]
score = "accuracy"
budget = "epochs"
seeds = [90, 91, 92, 93]
widen = 1
"""
WAYS = [*product(3 * [signal.SIGKILL] + [signal.SIGINT, signal.SIGTERM], (1, 2))]
STATUS = {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.fixture(scope="module")
def undisturbed():
    """Return the records of the same sweep, run here and to its end."""
    return sweep(study, GRID, **TUNED)


def swept(folder, workers):
    """Start the sweep, or go on with it."""
    asked = ["sweep", "spec.toml", "--out", "r.parquet", "--resume", "--workers", str(workers)]
    paths = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    return started(folder, *asked, PYTHONPATH=paths, SWEEP_LOG=str(folder / "calls.txt"))


def calls(folder):
    """Return what the function was called with."""
    path = folder / "calls.txt"
    return path.read_text().splitlines() if path.exists() else []


def ended_after(process, folder, count, seconds, number):
    """Send a program a signal once its function was called so often and some time has passed."""
    before = len(calls(folder))
    while len(calls(folder)) < before + count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    time.sleep(seconds)
    os.kill(process.pid, number)  # and not its workers
    return ended(process)


def check_left(folder, number, status, out, err):
    """Check what the end of a program has left: what can be read, and a file where one was asked.

    Return the keys of the trials that are kept.
    """
    assert (status, out) == (STATUS[number], "")
    if number != signal.SIGKILL:
        assert err.count("\n") == 1 and " trials, and --resume goes on from there" in err
        assert not list(folder.glob("r.parquet.*"))
    return set(read_records(folder / "r.parquet").values("trial"))


def test_a_sweep_that_is_ended_ten_times_gives_equal_bits(undisturbed, tmp_path):
    """Every start has another number of workers, and every end comes at a random moment."""
    (tmp_path / "spec.toml").write_text(SPEC)
    chance, kept = random.Random(0), set()
    for number, workers in chance.sample(WAYS, len(WAYS)):
        process = swept(tmp_path, workers)
        moment = chance.randint(3, 10), chance.uniform(0, 0.05)
        now = check_left(tmp_path, number, *ended_after(process, tmp_path, *moment, number))
        assert kept < now  # nothing is lost, and it has come further
        kept = now
        assert gone(process.pid)  # with its workers
    assert len(kept) < len(set(undisturbed.values("trial")))  # the last one came too early as well
    status, _, err = ended(swept(tmp_path, 2))
    assert (status, err) == (1, "")  # as some trials fail
    assert compared(read_records(tmp_path / "r.parquet")) == compared(undisturbed)
    assert not list(tmp_path.glob("r.parquet.*"))
    # each trial was called once, but for those that were under way at an end, or not yet stored
    found = calls(tmp_path)
    assert len(set(found)) == len(set(undisturbed.values("trial"))) - unrun(undisturbed)
    assert len(found) - len(set(found)) <= sum(2 * w - (w == 1) for _, w in WAYS)


def unrun(records):
    """Return how many trials have an error because nothing could be chosen for them."""
    return len({row["trial"] for row in records if (row["error"] or "").startswith("not run")})
