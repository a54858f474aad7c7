"""Time the probing of a home of the atlas beside its bare calls.

Probing is what `atlas/probe.py` does once it has read its inputs: each line of a home in each dtype
that it has, values and slopes, with every answer or error written down. The bare calls are the
home's own, of the same lines on the same arrays, and nothing is kept. Both take turns on one
thread, and printed are medians of the ratios of all rounds with quartiles. Homes that compile each
line spend more on their calls, so that their ratio is nearer to 1; they are left out.
"""

from threads import one_thread

if __name__ == "__main__":
    one_thread()  # before NumPy is imported

import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from stored import Table, add_target, parser, report, target_table
from turns import ratio, take_turns

ROOT = Path(__file__).resolve().parent.parent
HOMES = {
    "torch_eager": "PyTorch",
    "keras_torch": "Keras on PyTorch",
    "onnx_runtime": "ONNX Runtime",
}
AIM = 3
SECONDS = 20  # for each home


def program(name):
    """Return a module of the atlas, or of the tools, which are no packages."""
    places = [str(ROOT / folder) for folder in ("atlas", "atlas/homes", "tools")]
    sys.path[:0] = places
    try:
        return importlib.import_module(name)
    finally:
        del sys.path[: len(places)]


def home_named(name):
    """Return a home, which computes on one thread."""
    torch.set_num_threads(1)
    home = program(name)
    if name == "onnx_runtime":
        home.onnxruntime = OneThread()
    return home


class OneThread:
    """ONNX Runtime with sessions of one thread."""

    InferenceSession = onnxruntime.InferenceSession

    @staticmethod
    def SessionOptions():
        """Return options of a session of one thread."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return options


def calls_of(home, inputs, rows):
    """Return each call of a home: a function, a line, an array, a dtype."""
    return [
        (function, line, inputs[dtype]["rows" if name in rows else "row"], dtype)
        for name, lines in home.LINES.items()
        for line in lines
        for dtype in home.DTYPES
        for function in (home.values, home.slopes)
    ]


def steps_of(home, inputs):
    """Return what is timed, by name."""
    probe = program("probe")
    calls = calls_of(home, inputs, probe.ROWS)

    def bare():
        for function, *arguments in calls:
            with suppress(Exception):  # a home refuses what it cannot compute
                function(*arguments)

    return {"probing": lambda: probe.answers(home, inputs), "bare": bare}


def main(arguments=None):
    """Time each home; print a table of seconds and targets."""
    options = parser(__doc__).parse_args(arguments)
    seconds, rounds = (0.01, 2) if options.quick else (SECONDS, 15)
    os.environ.setdefault("KERAS_BACKEND", "torch")
    inputs = program("atlas_points").points()
    times = Table(["home", "calls", "probing, s", "bare, s"])
    targets = target_table("home")
    for name, told in HOMES.items():
        home = home_named(name)
        if options.quick:
            home.LINES = {each: home.LINES[each] for each in ("relu", "softmax")}
        steps = steps_of(home, inputs)
        taken = take_turns(steps, seconds=seconds, rounds=rounds)
        count = len(calls_of(home, inputs, ()))
        times.add(told, count, *(f"{np.median(taken[step]):.3f}" for step in steps))
        add_target(targets, [told], "probing / bare", ratio(taken["probing"], taken["bare"]), AIM)
    report("probing_homes", {"Time of probing": times, "Targets": targets}, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
