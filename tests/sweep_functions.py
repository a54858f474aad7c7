"""Functions that the tests sweep over; processes and clusters import them from here."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from course_lib.experiments.trials import WHERE
from course_lib.network import mlp
from course_lib.training import SGD, fit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
TEST_X = RNG.normal(size=(200, 5)).astype(np.float32)
TEST_Y = (TEST_X[:, 0] * TEST_X[:, 1] > 0).astype(int)
NOT_COMPARED = {*WHERE, "seconds"}


def study(seeds, activation="tanh", width=24, epochs=2, learning_rate=0.1, wait=0.0):
    """Train networks with batches in float32, one replica for each seed."""
    note(activation, width, epochs, learning_rate, *seeds)
    if activation == "broken":
        raise ValueError(f"no width {width}")
    network = mlp([5, width, width, 2], activation, seed=seeds, dtype=np.float32)
    history = fit(
        network,
        X,
        Y,
        optimizer=SGD(learning_rate),
        epochs=epochs,
        batch_size=16,
        seed=seeds,
        validation=(TEST_X, TEST_Y),
        progress=False,
    )
    time.sleep(wait)
    return {
        "loss": history.validation_loss[..., -1],
        "accuracy": history.validation_accuracy[..., -1],
        "train_loss": history.train_loss[..., -1],
    }


def note(*what):
    """Add a line to the file that SWEEP_LOG names, in one piece."""
    path = os.environ.get("SWEEP_LOG")
    if path:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, (" ".join(map(str, what)) + "\n").encode())
        os.close(file)


def quick(seeds, x=0, wait=0.0):
    """Compute next to nothing."""
    note(x, *seeds)
    time.sleep(wait)
    return {"y": [x + seed / 7 for seed in seeds], "process": [os.getpid()] * len(seeds)}


def deadly(seeds, x=0, once=None):
    """End the process: always for x = 0 or, with the name of a file, only the first time."""
    time.sleep(0.05)
    if x == 0 and (once is None or not Path(once).exists()):
        if once is not None:
            Path(once).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"y": [x + seed / 7 for seed in seeds]}


def compared(records):
    """Return what two sweeps must have in common: everything but date, seconds and machine."""
    return [
        {name: repr(value) for name, value in row.items() if name not in NOT_COMPARED}
        for row in records
    ]
