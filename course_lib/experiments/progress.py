"""How far a sweep is, and about how long it will take."""

import time
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import inf, nan
from typing import Any

from course_lib._checks import check_function
from course_lib.experiments.standard import Tune, next_trials
from course_lib.experiments.trials import PHASES, Outcome, Trial
from course_lib.training.progress import progress_bar

__all__ = ["Progress", "Watch", "expected_trials", "shown", "work"]

TUNING = PHASES[::2]
FORM = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} trials [{elapsed}{postfix}]"


@dataclass(frozen=True)
class Progress:
    """How far a sweep is.

    Attributes
    ----------
    finished, expected : int
        Trials that are finished, those of earlier runs included, and how many it takes in all;
        a grid that grows at its edge takes more.
    failed : int
        How many of the finished ones ended with an error.
    seconds : float
        Since this run began.
    left : float
        About how many seconds are left, infinite while nothing is known.

    Examples
    --------
    >>> print(Progress(12, 60, 1, 30.0, 4000.0))
    12 of 60 trials, 1 with an error, about 1 h 7 min left
    """

    finished: int
    expected: int
    failed: int
    seconds: float
    left: float

    def __str__(self) -> str:
        """Return it in words."""
        failed = f", {self.failed} with an error" if self.failed else ""
        return f"{self.finished} of {self.expected} trials{failed}, {in_words(self.left)}"


def in_words(seconds: float) -> str:
    """Return how long something will take, in words.

    Examples
    --------
    >>> [in_words(seconds) for seconds in (0.2, 59.7, 3599, 90000, inf)]  # doctest: +ELLIPSIS
    ['about 0 s left', 'about 1 min left', 'about 1 h 0 min left', 'about 25 h 0 min left', ...]
    """
    if seconds == inf:
        return "time left unknown"
    if seconds < 59.5:
        return f"about {seconds:.0f} s left"
    minutes = round(seconds / 60)
    hours = f"{minutes // 60} h " if minutes >= 60 else ""
    return f"about {hours}{minutes % 60} min left"


def counted(n: int, noun: str) -> str:
    """Return a number of things, in words.

    Examples
    --------
    >>> counted(1, "trial"), counted(1200, "trial")
    ('1 trial', '1,200 trials')
    """
    return f"{n:,} {noun}{'s' * (n != 1)}"


def work(trial: Trial, tune: Tune | None) -> float:
    """Return what a trial takes, in units of one seed and one unit of the budget."""
    budget = None if tune is None else tune.budget
    return len(trial.seeds) * (1 if budget is None else trial.arguments[budget])


def expected_trials(
    place: int,
    configuration: Mapping[str, Any],
    seeds: Sequence[int],
    tune: Tune | None,
    replicas: int | None = None,
    done: dict[str, Outcome] | None = None,
) -> list[Trial]:
    """Return the trials that a configuration still takes if no better value lies outside its grid.

    Parameters
    ----------
    place, configuration, seeds, tune, replicas
        As of `course_lib.experiments.standard.next_trials`.
    done : dict of str to Outcome, optional
        What has been run, by `Trial.key`. Where three or more values of a grid are left, the middle
        one of them is taken for the best, and otherwise the best so far.

    Returns
    -------
    list of Trial
        In the order in which they would be run.

    Examples
    --------
    >>> tune = Tune("rate", [0.01, 0.1, 1.0], "accuracy", budget="epochs", seeds=[7, 8])
    >>> trials = expected_trials(0, {"epochs": 4}, range(4), tune)
    >>> [trial.arguments["rate"] for trial in trials if trial.phase == "tuning"]
    [0.01, 0.1, 1.0, 0.0316227766017, 0.316227766017]
    >>> len(trials), sum(work(trial, tune) for trial in trials)
    (10, 136)
    """
    known = {} if done is None else done
    if tune is None:
        return next_trials(place, configuration, seeds, tune, known, replicas)
    found: list[Trial] = []
    supposed: dict[str, Outcome] = {}
    while trials := next_trials(
        place, configuration, seeds, tune, ChainMap(supposed, known), replicas
    ):
        found += trials
        supposed.update(_supposed(trials, tune))
    return found


def _supposed(trials: Sequence[Trial], tune: Tune) -> Iterator[tuple[str, Outcome]]:
    """Yield keys and outcomes as if the middle of a grid, or the best that is known, was best."""
    grid = sorted({trial.arguments[tune.name] for trial in trials if trial.phase in TUNING})
    middle = grid[len(grid) // 2] if len(grid) > 2 else None  # fewer are the rest of a grid
    for trial in trials:
        score = inf if trial.arguments[tune.name] == middle else nan
        yield trial.key, Outcome({tune.score: (score,) * len(trial.seeds)}, None, 0.0, {})


class Watch:
    """What is known, while a sweep runs, about what is left of it.

    Parameters
    ----------
    plans : sequence of sequence of Trial
        What each configuration still takes, as `expected_trials` says.
    tune : Tune or None
        What is tuned.
    done : mapping of str to Outcome
        What earlier runs have finished, by the key of the trial.
    """

    def __init__(
        self, plans: Sequence[Sequence[Trial]], tune: Tune | None, done: Mapping[str, Outcome]
    ) -> None:
        self._tune = tune
        self._start = time.perf_counter()
        self._left = [sum(work(trial, tune) for trial in plan) for plan in plans]
        self._trials = [len(plan) for plan in plans]
        self._all_left, self._all_trials = sum(self._left), sum(self._trials)
        self._finished = len(done)
        self._failed = sum(outcome.error is not None for outcome in done.values())
        self._spent = 0.0  # work of this run

    def count(self, trial: Trial, outcome: Outcome) -> None:
        """Count a trial that was finished in this run."""
        spent = work(trial, self._tune)
        self._finished += 1
        self._failed += outcome.error is not None
        self._change(trial.place, -spent, -1)
        self._spent += spent

    def settle(self, place: int, waiting: Sequence[Trial]) -> None:
        """Correct what a configuration still takes: at least what waits, and else nothing."""
        least = sum(work(trial, self._tune) for trial in waiting)
        left = max(self._left[place], least) if waiting else 0
        trials = max(self._trials[place], len(waiting)) if waiting else 0
        self._change(place, left - self._left[place], trials - self._trials[place])

    def _change(self, place: int, left: float, trials: int) -> None:
        """Change what a configuration takes, and the sums, which are asked for at every trial."""
        self._left[place] += left
        self._trials[place] += trials
        self._all_left += left
        self._all_trials += trials

    def progress(self) -> Progress:
        """Return how far the sweep is."""
        seconds = time.perf_counter() - self._start
        left = self._all_left if self._all_trials else 0  # without the dust of its rounding
        rate = seconds / self._spent if self._spent else inf
        expected = self._finished + self._all_trials
        return Progress(
            self._finished, expected, self._failed, seconds, left * rate if left else 0.0
        )


@contextmanager
def shown(
    progress: bool | Callable[[Progress], object] | None,
) -> Iterator[Callable[[Progress], object]]:
    """Give what is to be called with every `Progress`: a function, a bar, or what does nothing.

    Parameters
    ----------
    progress : bool, callable or None
        A function is called itself. None and True show a bar where someone can see it.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if progress is not None and not isinstance(progress, bool):
        check_function("progress", progress, 1, "a function of the progress, True, False or None")
        yield progress
        return
    with progress_bar(0, progress is not False, unit="trial", form=FORM) as bar:
        yield partial(_draw, bar)


def _draw(bar: Any, now: Progress) -> None:
    """Move a bar of tqdm, if there is one."""
    if bar is None:
        return
    bar.total, bar.n = now.expected, now.finished
    failed = f"{now.failed} with an error, " if now.failed else ""
    bar.set_postfix_str(failed + in_words(now.left))
