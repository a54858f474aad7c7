"""Trials and outcomes for the tests of what is stored, and a writer that is killed."""

import os
import subprocess
import sys
import time
from pathlib import Path

from course_lib.experiments.storing import Store
from course_lib.experiments.trials import Outcome, Trial

HEADER = {"function": "study.run", "grid": {"depth": [1, 2, 3]}, "seeds": [0, 1]}
WHERE_FROM = {"date": "2026-11-29T15:00:00", "python": "3.13.1", "machine": "Some CPU"}


def trial_of(place, phase="result", seeds=(0, 1), **arguments):
    """Return a trial of the depth that its place says."""
    return Trial(place, phase, {"depth": place, **arguments}, seeds)


def outcome_of(trial):
    """Return what comes of a trial: numbers that any process computes from its key alone."""
    number = int(trial.key[:12], 16)
    values = {
        "loss": tuple(1 / (number + seed) for seed in trial.seeds),
        "steps": tuple(number + seed for seed in trial.seeds),
    }
    return Outcome(values, None, 0.5, WHERE_FROM)


def exactly(value):
    """Return a text that two values share only where they are of one type and equal bit for bit."""
    if isinstance(value, dict):
        return repr({name: exactly(entry) for name, entry in value.items()})
    return repr([*map(exactly, value)] if isinstance(value, list | tuple) else value)


def python(program, *arguments, **options):
    """Start a process that runs a program which may import from here."""
    folders = [str(Path(__file__).parent), *sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, folders))}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen(command, env=environment, **options)


def failure_of(trial):
    """Return what comes of a trial whose function was not mended yet."""
    return Outcome({}, f"ValueError: no depth {trial.place}", 0.25, WHERE_FROM)


def run_sweep(path, count, *, log=None, pause=0.0, failing=(), retry=False):
    """Run trials that are not done yet, and finish; log the place of each that is computed.

    What comes of the failing places is an error.
    """
    trials = [trial_of(place) for place in range(count)]
    with Store(path, HEADER, retry=retry) as store:
        for trial in trials:
            if trial.key in store.done:
                continue
            if log:
                with open(log, "a", encoding="utf-8") as file:
                    file.write(f"{trial.place}\n")
            time.sleep(pause)
            store.add(trial, (failure_of if trial.place in failing else outcome_of)(trial))
        store.finish([])


def names(path):
    """Return what is in the folder of a file."""
    return sorted(entry.name for entry in path.parent.iterdir())


def add(store, *trials):
    """Add trials with what comes of them."""
    for trial in trials:
        store.add(trial, outcome_of(trial))


def succeeds(program, *arguments):
    """Run a program to its end, and return what it prints."""
    process = python(program, *arguments)
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    return out


def finished(path, header=HEADER):
    """Write a file of records that is finished."""
    with Store(path, header) as store:
        add(store, trial_of(0))
        store.finish([])
