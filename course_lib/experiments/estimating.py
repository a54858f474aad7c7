"""What a sweep will cost, from a rehearsal: a few of its trials, with an eighth of the budget."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_lib._checks import as_number, check_integer, sweeps_module
from course_lib.experiments.progress import expected_trials, in_words, work
from course_lib.experiments.standard import Tune
from course_lib.experiments.trials import Outcome, Trial
from course_lib.experiments.workers import Function, run_trials

__all__ = ["Estimate", "estimate"]

GOLDEN = (math.sqrt(5) - 1) / 2
PART = 8  # of the budget: the rehearsal takes an eighth


@dataclass(frozen=True)
class Estimate:
    """What is left to be run of a sweep, and about how long it takes.

    Attributes
    ----------
    configurations, trials, trainings : int
        Configurations in all; trials and trainings (one for each seed of a trial) that are left, if
        no grid is widened.
    done : int
        Trials that are finished.
    rehearsed : int
        Configurations of which a trial was rehearsed.
    seconds, least, most : float
        All that is left, on so many workers: with the mean of the rehearsed trials for what was not
        rehearsed, with the cheapest, and with the dearest of them. NaN where all had errors.
    workers : int
        How many share the work, none of them idle.
    part : str
        What a rehearsal is, in words.
    errors : tuple of str
        Of the rehearsed trials.

    Examples
    --------
    >>> print(Estimate(6, 60, 480, 0, 3, 7300.0, 3600.0, 14500.0, 2, "8 seeds", ()))
    6 configurations, 60 trials, 480 trainings; more where a grid is widened
    rehearsed 3 of the configurations (8 seeds)
    about 2 h 2 min with 2 workers; 1 h 0 min if all others were like the cheapest of these, 4 h 2
    min if they were like the dearest
    """

    configurations: int
    trials: int
    trainings: int
    done: int
    rehearsed: int
    seconds: float
    least: float
    most: float
    workers: int
    part: str
    errors: tuple[str, ...]

    def __str__(self) -> str:
        """Return it in three lines."""
        verb = "are" if self.done != 1 else "is"
        done = f"; {_count(self.done, 'trial')} {verb} done already" if self.done else ""
        workers = _count(self.workers, "worker")
        if not self.trials:
            return f"{_count(self.configurations, 'configuration')}, all of them done"
        if math.isnan(self.seconds):
            cost = "how long it takes is unknown: every rehearsed trial had an error"
        else:
            cost = f"about {_duration(self.seconds)} with {workers}"
            if self.rehearsed < self.configurations:
                cost += (
                    f"; {_duration(self.least)} if all others were like the cheapest of these, "
                    f"{_duration(self.most)} if they were like the dearest"
                )
        return (
            f"{_count(self.configurations, 'configuration')}, {_count(self.trials, 'trial')}, "
            f"{_count(self.trainings, 'training')}; more where a grid is widened{done}\n"
            f"rehearsed {self.rehearsed} of the configurations ({self.part})\n{cost}"
        )


def estimate(
    function: Function,
    grid: Sequence[Mapping[str, Any]],
    *,
    seeds: Sequence[int],
    tune: Tune | None = None,
    replicas: int | None = None,
    done: Mapping[str, Outcome] | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    limit: float = 20.0,
) -> Estimate:
    """Rehearse some trials of a sweep, and say what all of it costs.

    Parameters
    ----------
    function, seeds, tune, replicas
        As of `course_lib.experiments.sweep`.
    grid : sequence of mapping
        The configurations.
    done : mapping of str to Outcome, optional
        What is finished, by the key of the trial.
    workers : int
        Processes that will share the work.
    scheduler : str, optional
        Of a cluster, on which the trials are rehearsed then, and whose threads are counted instead
        of `workers`.
    limit : float
        No further trial is begun after so many seconds.

    Returns
    -------
    Estimate
        From the first and last configurations and others in between, as many as fit. The first is
        run twice, and timed the second time: the first call loads data.

    Raises
    ------
    ConnectionError
        If the scheduler does not answer or has no workers.
    ValueError, TypeError
        If an argument cannot be used.

    Notes
    -----
    A trial is rehearsed with the seeds of the first tuning and, where the budget is counted, an
    eighth of it. What a training costs beside its budget, such as building the network, counts
    eight times then; so the estimate is rather too long. It takes time to grow in proportion with
    seeds and budget, and workers to be of equal speed.

    Examples
    --------
    >>> def study(seeds, depth):
    ...     return {"loss": [0.0] * len(seeds)}
    >>> found = estimate(study, [{"depth": 1}, {"depth": 2}], seeds=range(4))
    >>> found.trials, found.trainings, found.rehearsed, found.errors
    (2, 8, 2, ())
    """
    check_integer("workers", workers)
    as_number("limit", limit, least=0)
    known = {} if done is None else done
    plans = [
        expected_trials(place, configuration, seeds, tune, replicas)
        for place, configuration in enumerate(grid)
    ]
    left = [[trial for trial in plan if trial.key not in known] for plan in plans]
    if scheduler is not None:
        workers = _threads_of(function, scheduler)
    places = [place for place in range(len(plans)) if left[place]]
    outcomes = dict(_rehearsed(function, plans, places, tune, scheduler, limit))
    rates = {
        place: outcome.seconds / work(trial, tune)
        for place, (trial, outcome) in outcomes.items()
        if outcome.error is None
    }
    works = {place: sum(work(trial, tune) for trial in left[place]) for place in places}
    some = [*rates.values()] or [math.nan]
    mean, least, most = sum(some) / len(some), min(some), max(some)

    def seconds(other: float) -> float:
        """Return what all takes, with a rate for what was not rehearsed."""
        return sum(own * rates.get(place, other) for place, own in works.items()) / workers

    return Estimate(
        len(plans),
        sum(map(len, left)),
        sum(len(trial.seeds) for trials in left for trial in trials),
        sum(trial.key in known for plan in plans for trial in plan),
        len(outcomes),
        seconds(mean),
        seconds(least),
        seconds(most),
        workers,
        _part(plans, tune),
        tuple(o.error for _, o in outcomes.values() if o.error is not None),
    )


def _rehearsed(
    function: Function,
    plans: Sequence[Sequence[Trial]],
    places: Sequence[int],
    tune: Tune | None,
    scheduler: str | None,
    limit: float,
) -> Iterator[tuple[int, tuple[Trial, Outcome]]]:
    """Yield trials with their outcomes by place, until the time is over."""
    start = time.perf_counter()
    for i, place in enumerate(_spread(places)):
        if i and time.perf_counter() - start > limit:
            return
        trial = _rehearsal(plans[place], tune)
        outcome = _run(function, trial, scheduler)
        if i == 0 and time.perf_counter() - start < limit / 2:
            outcome = _run(function, trial, scheduler)
        yield place, (trial, outcome)


def _spread(places: Sequence[int]) -> list[int]:
    """Return places so that the first few of them, however many, are spread over all.

    Examples
    --------
    >>> _spread(range(10))
    [0, 9, 6, 2, 8, 4, 7, 3, 5, 1]
    """
    n = len(places)
    order = [0, n - 1, *(math.floor(i * GOLDEN % 1 * n) for i in range(1, 8 * n)), *range(n)]
    return [places[i] for i in dict.fromkeys(order)] if n else []


def _rehearsal(plan: Sequence[Trial], tune: Tune | None) -> Trial:
    """Return the trial that is run instead of those of a configuration."""
    first = [trial for trial in plan if trial.phase == plan[0].phase]
    if tune is None:
        return first[0]
    middle = tune.values[len(tune.values) // 2]
    own = next(trial for trial in first if trial.arguments[tune.name] == middle)
    if tune.budget is None:
        return own
    whole = own.arguments[tune.budget]
    small = max(1, whole // PART) if isinstance(whole, int) else whole / PART
    return Trial(own.place, own.phase, {**own.arguments, tune.budget: small}, own.seeds)


def _run(function: Function, trial: Trial, scheduler: str | None) -> Outcome:
    """Return what comes of one trial."""
    found: list[Outcome] = []

    def keep(trial: Trial, outcome: Outcome) -> list[Trial]:
        """Keep the outcome."""
        found.append(outcome)
        return []

    run_trials(function, [trial], keep, scheduler=scheduler)
    return found[0]


def _threads_of(function: Function, scheduler: str) -> int:
    """Return how many trials a cluster runs at once, or raise ConnectionError."""
    run_trials(function, [], lambda trial, outcome: [], scheduler=scheduler)
    with sweeps_module("distributed").Client(scheduler, set_as_default=False) as client:
        return sum(client.nthreads().values())


def _part(plans: Sequence[Sequence[Trial]], tune: Tune | None) -> str:
    """Return in words what a rehearsal is."""
    own = _rehearsal(plans[0], tune)
    told = _count(len(own.seeds), "seed")
    if tune is None or tune.budget is None:
        return f"one whole trial with {told}"
    return f"{tune.budget} {own.arguments[tune.budget]} with {told}"


def _count(n: int, noun: str) -> str:
    """Return a number of things."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def _duration(seconds: float) -> str:
    """Return how long something takes, in words."""
    return in_words(seconds).removeprefix("about ").removesuffix(" left")
