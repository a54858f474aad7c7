"""Time what a schedule, a parameter of an activation and a release cost in a training step.

A step of a batch of 64 through 2-16-16-2 in float64, with SGD and with Adam: plain, with a
schedule, with an activation whose parameter is fixed, with both, and with the checkout of another
commit where a folder of it is given, such as one that ``git worktree add FOLDER COMMIT`` makes::

    python benchmarks/step_cost.py FOLDER

All are interleaved in one run, in an order that changes from round to round. A round gives the
ratio of each to the plain step in the same round; printed are the median over all rounds and an
interval of 95 % for it, by the ranks that a binomial distribution gives. A parameter is compared
with the same activation without one. The aim is a median of at most 1.02. ``make bench`` runs it
without another commit.
"""

import math
import random
import sys
import time
from pathlib import Path

import numpy as np
from versions import library

ROUNDS = 1000
STEPS = 4  # in each timing
WARM_UP = 100
SIZES, BATCH = [2, 16, 16, 2], 64
AIM = 1.02


def step_of(network, training, activation, optimizer, **options):
    """Return a function that makes one step of a network of its own."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(BATCH, 2)), rng.integers(0, 2, BATCH)
    model = network.mlp(SIZES, activation, seed=0)
    moves = getattr(training, optimizer)(0.01, **options)

    def step():
        _, gradients = model.loss_and_gradients(x, y)
        moves.step(model.parameters, gradients)

    return step


def steps_of(optimizer, other):
    """Return the steps to compare, by name."""
    activations, network, training = library()
    fixed = activations.get("leaky_relu", negative_slope=0.2)
    schedule = {"schedule": training.cosine(10**6)}
    found = {
        "plain": step_of(network, training, "leaky_relu", optimizer),
        "again": step_of(network, training, "leaky_relu", optimizer),
        "schedule": step_of(network, training, "leaky_relu", optimizer, **schedule),
        "parameter": step_of(network, training, fixed, optimizer),
        "both": step_of(network, training, fixed, optimizer, **schedule),
    }
    if other is not None:
        _, network, training = library(other)
        found["other commit"] = step_of(network, training, "leaky_relu", optimizer)
        library()
    return found


def measure(steps):
    """Return the seconds of each step in every round."""
    seconds = {name: [] for name in steps}
    order = list(steps)
    shuffle = random.Random(0).shuffle
    for i in range(WARM_UP + ROUNDS):
        shuffle(order)
        for name in order:
            start = time.perf_counter()
            for _ in range(STEPS):
                steps[name]()
            if i >= WARM_UP:
                seconds[name].append((time.perf_counter() - start) / STEPS)
    return seconds


def median_with_interval(values):
    """Return the median, and the ends of an interval of 95 % for it."""
    ordered, n = sorted(values), len(values)
    off = 1.96 * math.sqrt(n) / 2
    return ordered[n // 2], ordered[math.floor(n / 2 - off)], ordered[math.ceil(n / 2 + off)]


def main():
    """Print a line for each optimizer and step."""
    other = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
    print(f"One step of {'-'.join(map(str, SIZES))}, batch {BATCH}, {ROUNDS} rounds; aim {AIM}")
    print("optimizer  step           microseconds   ratio to the plain step, 95 % interval")
    for optimizer in ("SGD", "Adam"):
        seconds = measure(steps_of(optimizer, other))
        for name, own in seconds.items():
            ratios = [a / b for a, b in zip(own, seconds["plain"], strict=True)]
            micro = 1e6 * median_with_interval(own)[0]
            ratio, low, high = median_with_interval(ratios)
            shown = f"{ratio:10.3f}   [{low:.3f}, {high:.3f}]" if name != "plain" else ""
            print(f"{optimizer:11}{name:15}{micro:12.1f}{shown}", flush=True)


if __name__ == "__main__":
    main()
