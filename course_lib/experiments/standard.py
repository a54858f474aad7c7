"""The standard of a claim: how a sweep tunes each configuration before it measures it.

A result may depend on what was tried before it. The standard of this course varies that:

1. *Grid.* Every value is tried with at least three neighbors and with seeds of its own, eight by
   default. The mean score over these seeds decides, as in `course_lib.experiments.tune`.
2. *Wider.* While the best value is the smallest or the largest, the true best may lie outside. One
   more value is tried there, a step of the grid's own ratio away, and again, up to `Tune.widen`
   times. Where the best is at the edge still, the records say so. Of equal scores the one in the
   middle counts as the best, so a grid whose values all score exactly alike does not grow: nothing
   says on which side. Where luck puts an end first, as it may at chance, a grid grows there.
   Reports call such grids flat (`course_lib.experiments.choices`).
3. *Finer.* The geometric means of the best value and its neighbors are tried.
4. *Result.* The best of all is used with other seeds, which alone are the result.
5. *Twice the budget.* The chosen value and its neighbors are tuned anew with twice as many epochs,
   wider while the best is at the edge, and the result's seeds are trained with what is best then.

`next_trials` and `rows_of` replay these steps from what is known. They compute nothing else and
remember nothing, so that a sweep may stop anywhere and go on elsewhere.
"""

import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from course_lib._checks import (
    as_flag,
    as_integer,
    as_number,
    check_choice,
    check_integer,
    check_type,
)
from course_lib._typing import Array
from course_lib.experiments.trials import COLUMNS, Outcome, Trial, trial_rows
from course_lib.experiments.tuning import Tuning, check_distinct, check_sequence, choose

__all__ = ["Tune", "check_configuration", "next_trials", "rows_of"]

Outcomes = Mapping[str, Outcome]

NOT_RUN = "not run, as every"
"""How the error of a result begins for which no value could be chosen."""


@dataclass(frozen=True)
class Tune:
    """What is tuned for each configuration, and how.

    Parameters
    ----------
    name : str
        The argument that is tuned, such as ``"learning_rate"``. The configurations do not hold it.
    values : sequence of float
        The first grid: at least three numbers above 0, in any order, each once. They are passed on
        as floats.
    score : str
        The name, among the values of the function, of what decides: the larger, the better, NaN
        where a training diverged. It is measured on validation data.
    budget : str or None
        The argument that counts the budget, such as ``"epochs"`` or ``"steps"``, a number above 0
        in every configuration. It is doubled for the check; an integer stays one. None leaves the
        check out.
    seeds : sequence of int
        Other ones than those of the result.
    widen : int
        How often a grid may grow by one value, counted at both ends together.
    finer : bool
        Whether to try the values between the best and its neighbors.
    worst : float
        What a training that diverged counts as, such as 0 for an accuracy. By default, a value with
        which one of them diverges is chosen only where all are like that.

    Raises
    ------
    ValueError
        If there are fewer than three values, one of them occurs twice or is not a finite number
        above 0, a seed is negative or occurs twice, there are no seeds, or `widen` is not an
        integer from 0 on.
    TypeError
        If a name is not a string, values or seeds are not a sequence, a seed is not an integer,
        `finer` is not a bool, or `worst` is not a number.

    Examples
    --------
    >>> Tune("learning_rate", [1, 0.1, 0.01], "validation_accuracy", budget="epochs").values
    (0.01, 0.1, 1.0)
    >>> Tune("learning_rate", [0.1, 1], "validation_accuracy", budget="epochs")
    Traceback (most recent call last):
    ValueError: values of learning_rate are [0.1, 1.0]; expected at least 3, so that one lies inside
    """

    name: str
    values: Sequence[float]
    score: str
    _: KW_ONLY
    budget: str | None
    seeds: Sequence[int] = range(10_000, 10_008)
    widen: int = 3
    finer: bool = True
    worst: float = -math.inf

    def __post_init__(self) -> None:
        """Check all, and keep values from small to large."""
        _check_name("name", self.name)
        check_type("score", self.score, str, "the name of one of the function's values")
        if self.budget is not None:
            _check_name("budget", self.budget)
        if self.budget == self.name:
            raise ValueError(f"budget is {self.name!r}, which is tuned; expected another argument")
        check_integer("widen", self.widen, least=0)
        object.__setattr__(self, "values", _as_values(self.name, self.values))
        object.__setattr__(self, "seeds", as_seed_tuple("tuning seeds", self.seeds))
        object.__setattr__(self, "finer", as_flag("finer", self.finer))
        object.__setattr__(self, "worst", _as_worst(self.worst))


def check_configuration(
    configuration: Mapping[str, Any], seeds: Sequence[int], tune: Tune | None
) -> None:
    """Raise an error unless a configuration can be tuned and measured, before anything runs.

    Parameters
    ----------
    configuration : mapping of str to object
        Arguments of the function, without its seeds and without what is tuned.
    seeds : sequence of int
        Of the result.
    tune : Tune or None
        What is tuned.

    Raises
    ------
    ValueError
        If a seed is there for tuning and for the result, is negative, occurs twice, or there are
        none; an argument is tuned and also given, or has the name of a column that all records
        have; or the budget is not given or not a finite number above 0.
    TypeError
        If the seeds are not a sequence of integers.

    Examples
    --------
    >>> tune = Tune("learning_rate", [0.01, 0.1, 1.0], "accuracy", budget="epochs")
    >>> check_configuration({"depth": 3}, range(16), tune)
    Traceback (most recent call last):
    ValueError: budget is 'epochs', which {'depth': 3} does not give; expected one of its arguments,
    or budget=None
    """
    for name in configuration:
        _check_name("argument", name)
    result_seeds = as_seed_tuple("seeds", seeds)
    if tune is None:
        return
    common = sorted(set(result_seeds) & set(tune.seeds))
    if common:
        raise ValueError(
            f"seeds {common} are there for tuning and for the result; {tune.name} would be judged "
            f"by the trainings that it was chosen for; expected other seeds for tuning"
        )
    if tune.name in configuration:
        raise ValueError(
            f"{tune.name} is {configuration[tune.name]!r} in {dict(configuration)} and is also "
            f"tuned; expected one of both"
        )
    if tune.budget is not None:
        if tune.budget not in configuration:
            raise ValueError(
                f"budget is {tune.budget!r}, which {dict(configuration)} does not give; expected "
                f"one of its arguments, or budget=None"
            )
        as_number(tune.budget, configuration[tune.budget], above=0)


def next_trials(
    place: int,
    configuration: Mapping[str, Any],
    seeds: Sequence[int],
    tune: Tune | None,
    done: Outcomes,
    replicas: int | None = None,
) -> list[Trial]:
    """Return what can be run now for a configuration, from what is done.

    Parameters
    ----------
    place : int
        Of the configuration in the grid.
    configuration, seeds, tune
        As of `check_configuration`, which has been called with them.
    done : mapping of str to Outcome
        What has been run, by `Trial.key`; of other configurations too.
    replicas : int, optional
        At most so many seeds in one trial; by default all.

    Returns
    -------
    list of Trial
        All that does not depend on what is missing, without what is done: the whole grid at once,
        and the result together with the grid of the doubled budget. Empty when all is done. It
        depends on the arguments alone, so a trial that is running is there until it is done.

    Raises
    ------
    KeyError
        If the score is not among the function's values.
    TypeError
        If a score is not a number.

    Notes
    -----
    A value with an error, for one seed or for all, has no score and is not chosen. It is no
    evidence that larger or smaller values are worse either: where only such values lie beyond the
    best, it is at the edge, and the grid does not grow. Where all values have errors, nothing is
    chosen, and no result is run. Where all diverge, the smallest is at the edge, smaller ones are
    tried, but none in between.

    Examples
    --------
    >>> tune = Tune("learning_rate", [0.01, 0.1, 1.0], "accuracy", budget="epochs", seeds=[7, 8])
    >>> for trial in next_trials(0, {"epochs": 4}, range(4), tune, {}):
    ...     print(trial.phase, trial.arguments["learning_rate"], trial.seeds)
    tuning 0.01 (7, 8)
    tuning 0.1 (7, 8)
    tuning 1.0 (7, 8)
    """
    task = _Task(place, configuration, seeds, tune, done, replicas)
    return [t for stage in task.stages() for t in stage.trials if t.key not in stage.outcomes]


def rows_of(
    place: int,
    configuration: Mapping[str, Any],
    seeds: Sequence[int],
    tune: Tune | None,
    done: Outcomes,
    replicas: int | None = None,
) -> list[dict[str, Any]]:
    """Return the records of a configuration, one for each phase, tuned value and seed.

    Parameters
    ----------
    place, configuration, seeds, tune, done, replicas
        As for `next_trials`.

    Returns
    -------
    list of dict
        Of all trials that are done, in the order of the phases, of the tuned values and of the
        seeds, as `course_lib.experiments.trials.trial_rows` returns them. For results, ``at_edge``
        says whether the chosen value is the smallest or the largest that has a score, and
        ``widened`` how often the grid grew; they are None for the rows of the tuning, and where
        nothing is tuned. Where all values had errors, each seed of the result has a row with an
        error that says so.

    Examples
    --------
    >>> trial, = next_trials(0, {"epochs": 4}, [0, 1], None, {})
    >>> outcome = Outcome({"accuracy": (0.5, 0.75)}, None, 3.0, {"machine": "a name"})
    >>> for row in rows_of(0, {"epochs": 4}, [0, 1], None, {trial.key: outcome}):
    ...     print(row["phase"], row["epochs"], row["seed"], row["accuracy"])
    result 4 0 0.5
    result 4 1 0.75
    """
    task = _Task(place, configuration, seeds, tune, done, replicas)
    return [row for stage in task.stages() for row in _rows(stage)]


# ---------------------------------------------------------------------------------------------
# The search for the best value
# ---------------------------------------------------------------------------------------------

Scores = Callable[[float], Array | None]
"""The score of each seed for a tuned value; empty after an error, None where one is missing."""


@dataclass(frozen=True)
class _Search:
    """How far a search for the best value is."""

    tried: list[float]  # from small to large, with what is still to be tried
    complete: bool  # whether all scores that it needs are known
    chosen: float | None  # None before the end, and where all values had errors
    at_edge: bool
    widened: int


def _search(start: Sequence[float], scores: Scores, tune: Tune, *, finer: bool) -> _Search:
    """Replay a search from the scores that are known, up to the first that is missing."""
    tried, widened = list(start), 0
    best = _best_of(tried, scores, tune)
    while best and widened < tune.widen and (step := _outwards(tried, best.learning_rate)):
        tried, widened = sorted([*tried, *step]), widened + 1
        best = _best_of(tried, scores, tune)
    if best and finer and max(best.scores) > tune.worst:
        tried = sorted([*tried, *_between(tried, best.learning_rate)])
        best = _best_of(tried, scores, tune)
    complete = all(scores(value) is not None for value in tried)
    if best is None:
        return _Search(tried, complete, None, False, widened)
    return _Search(tried, complete, best.learning_rate, best.at_edge, widened)


def _best_of(tried: Sequence[float], scores: Scores, tune: Tune) -> Tuning | None:
    """Return the choice, or None where a score is missing or there is none."""
    found = {value: scores(value) for value in tried}
    known = {value: own for value, own in found.items() if own is not None}
    scored = {value: own for value, own in known.items() if own.size}
    if len(known) < len(found) or not scored:
        return None
    return choose(list(scored), np.array(list(scored.values())), tune.worst)


def _outwards(tried: Sequence[float], best: float) -> list[float]:
    """Return one more value beyond the best if that is the first or last, else none."""
    if len(tried) > 1 and best == tried[0]:
        further = _tidy(best * (best / tried[1]))
        return [further] if 0 < further < best else []
    if len(tried) > 1 and best == tried[-1]:
        further = _tidy(best * (best / tried[-2]))
        return [further] if best < further < math.inf else []
    return []


def _between(tried: Sequence[float], best: float) -> list[float]:
    """Return the geometric means of the best and its neighbors."""
    near = _neighbors(tried, best)
    middles = [_tidy(math.sqrt(a) * math.sqrt(b)) for a, b in pairwise(near)]
    return [m for m in middles if near[0] < m < near[-1] and m not in near]


def _neighbors(tried: Sequence[float], best: float) -> list[float]:
    """Return the best value with those beside it."""
    at = list(tried).index(best)
    return list(tried[max(at - 1, 0) : at + 2])


def _tidy(value: float) -> float:
    """Return a number without the dust of its rounding: 0.001 rather than 0.0010000000000000002."""
    return float(f"{value:.12g}")


# ---------------------------------------------------------------------------------------------
# Phases, trials and rows
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Stage:
    """Trials of one phase that can be run."""

    trials: list[Trial]
    outcomes: Outcomes  # of these trials and of others
    search: _Search | None = None  # which chose what a result is trained with


@dataclass(frozen=True)
class _Task:
    """One configuration with all that its phases have in common."""

    place: int
    configuration: Mapping[str, Any]
    seeds: Sequence[int]
    tune: Tune | None
    done: Outcomes
    replicas: int | None

    def __post_init__(self) -> None:
        """Check all."""
        check_configuration(self.configuration, self.seeds, self.tune)
        if self.replicas is not None:
            check_integer("replicas", self.replicas)

    def stages(self) -> Iterator[_Stage]:
        """Yield the phases as far as they are determined."""
        if self.tune is None:
            yield _Stage(self.trials("result", self.configuration, self.seeds), self.done)
            return
        once = _Budget(self, self.tune, self.configuration, "")
        search = yield from once.stages(self.tune.values, finer=self.tune.finer)
        if self.tune.budget is not None and search.chosen is not None:
            more = {self.tune.budget: 2 * self.configuration[self.tune.budget]}
            twice = _Budget(self, self.tune, {**self.configuration, **more}, ", doubled")
            near = _neighbors(search.tried, search.chosen)
            further = _outwards(search.tried, search.chosen)
            yield from twice.stages(sorted([*near, *further]), finer=False)

    def trials(self, phase: str, arguments: Mapping[str, Any], seeds: Sequence[int]) -> list[Trial]:
        """Return the trials of some seeds, with at most so many of them in each."""
        step = self.replicas or len(seeds)
        starts = range(0, len(seeds), step)
        return [Trial(self.place, phase, arguments, tuple(seeds[i : i + step])) for i in starts]


@dataclass(frozen=True)
class _Budget:
    """A tuning and the result that follows, with one budget."""

    task: _Task
    tune: Tune
    arguments: Mapping[str, Any]  # without what is tuned
    suffix: str  # of the phases

    def stages(self, start: Sequence[float], *, finer: bool) -> Generator[_Stage, None, _Search]:
        """Yield the tuning and, once that is complete, the result; return the search."""
        trials = cache(self.tuning)  # a key is costly, and asked for often
        scores = cache(lambda value: self.scores(trials(value)))
        search = _search(start, scores, self.tune, finer=finer)
        tuning = [trial for value in search.tried for trial in trials(value)]
        yield _Stage(tuning, self.task.done)
        if search.complete:
            result = self.trials("result", search.chosen, self.task.seeds)
            missing = search.chosen is None
            outcomes = self.not_run(tuning, result) if missing else self.task.done
            yield _Stage(result, outcomes, search)
        return search

    def trials(self, phase: str, value: float | None, seeds: Sequence[int]) -> list[Trial]:
        """Return the trials of a phase with one tuned value."""
        arguments = {**self.arguments, self.tune.name: value}
        return self.task.trials(phase + self.suffix, arguments, seeds)

    def tuning(self, value: float) -> list[Trial]:
        """Return the trials that score one value."""
        return self.trials("tuning", value, self.tune.seeds)

    def scores(self, trials: Sequence[Trial]) -> Array | None:
        """Return the score of each seed; none after an error, None where one is missing."""
        outcomes = [self.task.done.get(trial.key) for trial in trials]
        known = [outcome for outcome in outcomes if outcome is not None]
        if len(known) < len(outcomes):
            return None
        if any(outcome.error is not None for outcome in known):
            return np.array([])
        for outcome in known:
            check_choice("score", self.tune.score, outcome.values)
        found = [score for outcome in known for score in outcome.values[self.tune.score]]
        return np.array(found, dtype=np.float64)

    def not_run(self, tuning: Sequence[Trial], result: Sequence[Trial]) -> Outcomes:
        """Return the outcomes of a result for which no value could be chosen."""
        first = next(
            outcome for trial in tuning if (outcome := self.task.done[trial.key]).error is not None
        )
        error = f"{NOT_RUN} {self.tune.name} that was tried had an error: {first.error}"
        return {trial.key: Outcome({}, error, 0.0, first.where) for trial in result}


def _rows(stage: _Stage) -> list[dict[str, Any]]:
    """Return the records of what is known of a stage."""
    rows = [
        row
        for trial in stage.trials
        if trial.key in stage.outcomes
        for row in trial_rows(trial, stage.outcomes[trial.key])
    ]
    if stage.search is not None:
        for row in rows:
            row["at_edge"], row["widened"] = stage.search.at_edge, stage.search.widened
    return rows


# ---------------------------------------------------------------------------------------------
# Arguments
# ---------------------------------------------------------------------------------------------


def as_seed_tuple(name: str, seeds: Any) -> tuple[int, ...]:
    """Return seeds as integers, or raise an error if they cannot be used.

    Examples
    --------
    >>> as_seed_tuple("seeds", range(3))
    (0, 1, 2)
    >>> as_seed_tuple("seeds", [1, 2, 1])
    Traceback (most recent call last):
    ValueError: seeds are [1, 2, 1]; expected each once
    """
    check_sequence(name, seeds, "range(16)")
    own = [as_integer("seed", seed) for seed in seeds]
    check_distinct(name, own, 1)
    if min(own) < 0:
        raise ValueError(f"{name} are {own}; expected integers from 0 on")
    return tuple(own)


def _as_values(name: str, values: Any) -> tuple[float, ...]:
    """Return the first grid from small to large, or raise an error if it cannot be searched."""
    title = f"values of {name}"
    check_sequence(title, values, "[0.01, 0.1, 1.0]")
    grid = sorted(as_number(f"one of the values of {name}", value, above=0) for value in values)
    if len(grid) < 3:
        raise ValueError(f"{title} are {grid}; expected at least 3, so that one lies inside")
    check_distinct(title, grid, 3)
    return tuple(grid)


def _as_worst(worst: Any) -> float:
    """Return what a training that diverged counts as: a number, or minus infinity."""
    if isinstance(worst, float) and worst == -math.inf:
        return -math.inf
    return as_number("worst", worst)


def _check_name(kind: str, name: Any) -> None:
    """Raise an error if an argument may not have that name."""
    check_type(kind, name, str, "the name of an argument")
    taken = {"seeds": "which every function gets beside its arguments"}
    taken |= dict.fromkeys(COLUMNS, "a column of all records")
    if name in taken:
        raise ValueError(f"{kind} is {name!r}, {taken[name]}; expected another name")
