"""Time functions that take turns, so that a busy moment of the machine hits all alike."""

import random
import statistics
import time
from typing import NamedTuple

TURN = 0.01  # seconds of a turn, unless one step takes more
MOST_BUSY = 1.15  # CPU seconds for each second from which on there is more than one thread


class Ratio(NamedTuple):
    """The median of the ratios of all rounds, and their quartiles."""

    median: float
    low: float
    high: float

    def __str__(self):
        return f"{self.median:.2f} [{self.low:.2f}, {self.high:.2f}]"


def take_turns(steps, *, seconds, rounds=9, one_thread=True, turn=TURN):
    """Return the seconds that a step of each function takes in every round, by name.

    Parameters
    ----------
    steps : dict of str to callable
        Each makes one step; one in another process has a ``timed`` of its own.
    seconds : float
        Rounds go on for so long.
    rounds : int
        The least number of rounds. Each function is called twice before the first.
    one_thread : bool
        Check that no function keeps more than one CPU busy.
    turn : float
        Seconds of a turn, which has as many steps as fit, at least one.

    Raises
    ------
    RuntimeError
        If one does: the comparison is void.
    """
    for step in steps.values():
        step()  # what the first one prepares takes no part
    often = {name: max(1, round(turn / timed(step, 1)[0])) for name, step in steps.items()}
    taken = {name: [] for name in steps}
    busy = {name: [] for name in steps}
    order, shuffle = list(steps), random.Random(0).shuffle
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(taken[order[0]]) < rounds:
        shuffle(order)
        for name in order:
            wall, cpu = timed(steps[name], often[name])
            taken[name].append(wall / often[name])
            busy[name].append(cpu / wall)
    for name, fractions in busy.items():
        if one_thread and min(fractions) > MOST_BUSY:  # a short turn may be measured badly
            raise RuntimeError(f"{name} keeps {min(fractions):.1f} CPUs busy; expected one thread")
    return taken


def timed(step, often):
    """Return the seconds of a clock and of the CPU that so many steps take."""
    if hasattr(step, "timed"):
        return step.timed(often)
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(often):
        step()
    return time.perf_counter() - start, time.process_time() - cpu


def ratio(own, other):
    """Return the ratio of two functions that took turns, from their seconds in each round."""
    ratios = sorted(a / b for a, b in zip(own, other, strict=True))
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Ratio(median, low, high)


def fastest(taken, names):
    """Return which of several functions has the least median."""
    return min(names, key=lambda name: statistics.median(taken[name]))
