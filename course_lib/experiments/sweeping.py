"""A sweep: one function, called for every configuration of a grid and every seed.

Seeds come first: all seeds of a configuration go into one call, which trains them as replicas in
one array program. Then come processes, then a cluster (`course_lib.experiments.workers`). What is
run next is decided by `course_lib.experiments.standard` from what is finished, and everything that
is finished is on the disk at once (`course_lib.experiments.storing`). So a sweep may be ended at
any moment, in any way, and goes on from there when it is called again; and its numbers do not
depend on where, or in which order, the trials were run.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from inspect import signature
from itertools import product
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from course_lib._checks import as_flag, check_choice, check_integer, check_type, describe
from course_lib.experiments.progress import Progress, Watch, expected_trials, shown
from course_lib.experiments.records import Records
from course_lib.experiments.standard import (
    Tune,
    as_seed_tuple,
    check_configuration,
    next_trials,
    rows_of,
)
from course_lib.experiments.storing import Store
from course_lib.experiments.trials import Outcome, Trial, as_plain, canonical
from course_lib.experiments.workers import Function, run_trials

__all__ = ["check_sweep", "configurations", "header_of", "name_of", "sweep"]

Grid = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]


def sweep(
    function: Function,
    grid: Grid,
    *,
    seeds: Sequence[int],
    tune: Tune | None = None,
    out: str | PathLike[str] | None = None,
    workers: int = 1,
    scheduler: Any = None,
    replicas: int | None = None,
    resume: bool = True,
    retry: bool = False,
    progress: bool | Callable[[Progress], object] | None = None,
) -> Records:
    """Call a function for every configuration of a grid, and for every seed.

    Parameters
    ----------
    function : callable
        ``function(seeds, **arguments)`` with a tuple of seeds and the arguments of a configuration
        returns a mapping of names to one number for each seed, with the same names every time. It
        depends on nothing else.
    grid : mapping of str to sequence, or sequence of mapping
        Values for each argument, of which all combinations are run, the last argument changing
        fastest; or the configurations themselves. Values are text, numbers, True, False, None, or
        lists and mappings of these.
    seeds : sequence of int
        Of the result.
    tune : Tune, optional
        Which argument is tuned for each configuration before it is measured, and how.
    out : path, optional
        Of a Parquet file for the records. What is finished is in a journal beside it at once. By
        default, all is kept in memory alone.
    workers : int
        How many processes run trials; 1 runs them here.
    scheduler : str or distributed.Client, optional
        The address of a scheduler of Dask, such as ``"tcp://10.0.0.1:8786"``, or a client; its
        workers, best of one thread each, run the trials then.
    replicas : int, optional
        At most so many seeds in one call; by default all. Trainings of another number of replicas
        may round otherwise, so a sweep that is resumed must keep it.
    resume : bool
        Whether to go on with what `out` holds; otherwise it is an error that it holds anything. A
        function that was changed since, under the same name, is not noticed: choose another file.
    retry : bool
        Whether trials in `out` that ended in an error are run again, after the function was mended.
        The new outcomes replace the errors, and what was tuned with the errors is tuned anew.
    progress : bool or callable, optional
        By default a bar where someone can see it, with an estimate of the time left; False shows
        none. A function is called with a `course_lib.experiments.progress.Progress` after every
        trial.

    Returns
    -------
    Records
        One row for each configuration, phase, tuned value and seed. A trial in which the function
        raised an error has that error in its rows, and no values.

    Raises
    ------
    ValueError, TypeError
        If something cannot be run as it is asked for, before anything runs: an argument is unknown
        to the function, a configuration occurs twice, a seed is there for tuning and for the
        result, or `out` is of another sweep.
    KeyError
        If the function does not return what `tune` takes as the score.
    ModuleNotFoundError
        If a package of the extra ``sweeps`` or, for a scheduler, ``cluster`` is missing.
    OSError
        If `out` cannot be written or another sweep writes it; ConnectionError if the scheduler does
        not answer, has no workers or is lost.
    RuntimeError
        If a cluster cannot run the trials, as with other versions of this library.
    KeyboardInterrupt
        Where it is interrupted: the trials that run are stopped, and `out` is a file with all that
        was finished.

    Notes
    -----
    Whatever else ends the process, such as SIGTERM, for which nothing is installed here, or a power
    failure: the journal beside `out` holds all that was finished.
    `course_lib.experiments.read_records` reads it, and the next call goes on from there.

    BLAS, OpenMP and PyTorch have one thread in every trial: with more, sums round in another order,
    and processes would take turns on the same cores. (Apple's Accelerate alone, with which NumPy
    may be built on macOS, cannot be limited once it is loaded, see threadpoolctl's issue 136: set
    ``VECLIB_MAXIMUM_THREADS=1`` before Python starts.) So the numbers are the same bit for bit,
    whether trials run here, in 2 or 8 processes or on a cluster of equal machines with the same
    versions, and however often the sweep was interrupted.

    Examples
    --------
    >>> def study(seeds, depth):
    ...     return {"loss": [1 / (depth + seed) for seed in seeds]}
    >>> records = sweep(study, {"depth": [0, 1, 3]}, seeds=range(2))
    >>> for row in records:
    ...     print(row["depth"], row["seed"], row["loss"], row["error"])
    0 0 None ZeroDivisionError: division by zero
    0 1 None ZeroDivisionError: division by zero
    1 0 1.0 None
    1 1 0.5 None
    3 0 0.3333333333333333 None
    3 1 0.25 None
    """
    check_integer("workers", workers)
    if scheduler is not None and workers != 1:
        raise ValueError(f"workers is {workers} and a scheduler is given; expected one of both")
    plan = _Plan(function, grid, seeds, tune, replicas)
    how = _as_how(resume, retry)
    opened = _Memory(plan.header) if out is None else Store(out, plan.header, **how)
    with opened as store, shown(progress) as show:
        run = _Run(plan, store, show)
        try:
            run_trials(function, run.first(), run.then, workers=workers, scheduler=scheduler)
        except KeyboardInterrupt:
            with suppress(OSError):  # the journal holds everything
                store.finish(plan.rows(store.done))
            raise
        return store.finish(plan.rows(store.done), whole=True)


def check_sweep(
    function: Function,
    grid: Grid,
    *,
    seeds: Sequence[int],
    tune: Tune | None = None,
    out: str | PathLike[str] | None = None,
    replicas: int | None = None,
    resume: bool = True,
    retry: bool = False,
) -> dict[str, Outcome]:
    """Raise what `sweep` would raise before it runs anything; change nothing.

    Parameters
    ----------
    function, grid, seeds, tune, out, replicas, resume, retry
        As of `sweep`.

    Returns
    -------
    dict of str to Outcome
        What `out` holds already and is not run again, by the key of the trial.

    Examples
    --------
    >>> def study(seeds, depth):
    ...     return {"loss": [1 / (depth + seed) for seed in seeds]}
    >>> check_sweep(study, {"width": [1]}, seeds=range(2))
    Traceback (most recent call last):
    TypeError: ... missing a required argument: 'depth'
    """
    plan = _Plan(function, grid, seeds, tune, replicas)
    how = _as_how(resume, retry)
    if out is None:
        return {}
    with Store(out, plan.header, **how) as store:
        return dict(store.done)


def header_of(
    function: Function,
    grid: Grid,
    *,
    seeds: Sequence[int],
    tune: Tune | None = None,
    replicas: int | None = None,
) -> dict[str, Any]:
    """Return what identifies a sweep in its file, and must be equal for it to be resumed.

    Parameters
    ----------
    function, grid, seeds, tune, replicas
        As of `sweep`.

    Returns
    -------
    dict
        Plain values, as the ``header`` of its records.

    Raises
    ------
    ValueError, TypeError
        As `check_sweep`.

    Examples
    --------
    >>> def study(seeds, depth):
    ...     return {"loss": [1 / (depth + seed) for seed in seeds]}
    >>> header_of(study, {"depth": [1, 3]}, seeds=range(2))["grid"]
    {'depth': [1, 3]}
    """
    header: dict[str, Any] = as_plain("header", _Plan(function, grid, seeds, tune, replicas).header)
    return header


def configurations(grid: Grid) -> list[dict[str, Any]]:
    """Return the configurations of a grid, in plain values.

    Parameters
    ----------
    grid : mapping of str to sequence, or sequence of mapping
        As of `sweep`.

    Returns
    -------
    list of dict
        At least one, each once.

    Raises
    ------
    TypeError
        If it is something else.
    ValueError
        If there is none, as where an argument has no values, or one occurs twice.

    Examples
    --------
    >>> configurations({"depth": [1, 3], "activation": ["relu", "tanh"]})[:2]
    [{'depth': 1, 'activation': 'relu'}, {'depth': 1, 'activation': 'tanh'}]
    """
    if isinstance(grid, Mapping):
        values = [_values_of(name, given) for name, given in grid.items()]
        found = [dict(zip(grid, point, strict=True)) for point in product(*values)]
    else:
        expected = "a mapping of arguments to their values, or a list of configurations"
        check_type("grid", grid, (list, tuple), expected)
        for entry in grid:
            check_type("a configuration", entry, Mapping, "a mapping of arguments to values")
        found = [as_plain("grid", entry) for entry in grid]
    if not found:
        raise ValueError("the grid is empty; expected at least one configuration")
    again, count = Counter(map(canonical, found)).most_common(1)[0]
    if count > 1:
        raise ValueError(f"the grid has {again} {count} times; expected each configuration once")
    return found


def _values_of(name: str, given: Any) -> list[Any]:
    """Return the values of one argument."""
    if not isinstance(given, list | tuple | range | np.ndarray) or not np.ndim(given):
        single = isinstance(given, str | bytes | Mapping | np.ndarray) or not isinstance(
            given, Iterable
        )
        instead = f"[{given!r}]" if single else f"list({name})"
        raise TypeError(f"values of {name} are {given!r}; expected a list, such as {instead}")
    if not len(given):
        raise ValueError(f"values of {name} are {given!r}; expected at least one")
    return as_plain(f"values of {name}", list(given))


def name_of(function: Any) -> str:
    """Return the name by which a file knows the function that made it.

    Examples
    --------
    >>> name_of(canonical), name_of(partial(canonical, value=1))
    ('course_lib.experiments.trials.canonical', 'course_lib.experiments.trials.canonical(value=1)')
    """
    if isinstance(function, partial):
        given = [*map(repr, function.args), *(f"{k}={v!r}" for k, v in function.keywords.items())]
        return f"{name_of(function.func)}({', '.join(given)})"
    module = getattr(function, "__module__", "") or ""
    if module == "__main__":  # a program has the same name when another one imports it
        module = Path(getattr(sys.modules["__main__"], "__file__", None) or "__main__").stem
    return f"{module}.{getattr(function, '__qualname__', type(function).__qualname__)}"


class _Plan:
    """What a sweep is asked for, checked."""

    def __init__(
        self, function: Function, grid: Grid, seeds: Any, tune: Tune | None, replicas: int | None
    ) -> None:
        """Check all before anything runs."""
        if not callable(function):
            raise TypeError(f"function is {describe(function)}; expected a function of the seeds")
        check_type("tune", tune, (Tune, type(None)), "a Tune, or None")
        if replicas is not None:
            check_integer("replicas", replicas)
        self.configurations = configurations(grid)
        self.seeds = as_seed_tuple("seeds", seeds)
        self.tune, self.replicas = tune, replicas
        for configuration in self.configurations:
            check_configuration(configuration, self.seeds, tune)
            _check_arguments(function, configuration, tune)
        self.header = {
            "function": name_of(function),
            "grid": _plain_grid(grid),
            "seeds": self.seeds,
            "tune": None if tune is None else _plain_tune(tune),
            "replicas": replicas,
        }

    def next(self, place: int, done: Mapping[str, Outcome]) -> list[Trial]:
        """Return what can be run now for a configuration."""
        return next_trials(place, *self._about(place), done, self.replicas)

    def expected(self, place: int, done: dict[str, Outcome]) -> list[Trial]:
        """Return what a configuration still takes if no grid grows."""
        return expected_trials(place, *self._about(place), self.replicas, done)

    def rows(self, done: Mapping[str, Outcome]) -> Iterable[dict[str, Any]]:
        """Yield the records of what is done."""
        for place in range(len(self.configurations)):
            yield from rows_of(place, *self._about(place), done, self.replicas)

    def _about(self, place: int) -> tuple[dict[str, Any], tuple[int, ...], Tune | None]:
        """Return configuration, seeds and tuning."""
        return self.configurations[place], self.seeds, self.tune


class _Run:
    """What happens while a sweep runs."""

    def __init__(self, plan: _Plan, store: Any, show: Callable[[Progress], object]) -> None:
        self.plan, self.store, self.show = plan, store, show
        self.open: Counter[tuple[int, str]] = Counter()  # trials under way, by place and phase

    def first(self) -> list[Trial]:
        """Return all that can be run now."""
        places = range(len(self.plan.configurations))
        done = self.store.done
        plans = [self.plan.expected(place, done) for place in places]
        self.watch = Watch(plans, self.plan.tune, done)
        return [trial for place in places for trial in self.follow(place)]

    def then(self, trial: Trial, outcome: Outcome) -> list[Trial]:
        """Keep an outcome; return what follows from it."""
        tune = self.plan.tune
        if tune is not None and outcome.error is None:
            check_choice("score", tune.score, outcome.values)
        self.store.add(trial, outcome)
        self.watch.count(trial, outcome)
        stage = trial.place, trial.phase
        self.open[stage] -= 1
        # nothing follows from a part of a stage
        following = self.follow(trial.place) if not self.open[stage] else []
        self.show(self.watch.progress())
        return following

    def follow(self, place: int) -> list[Trial]:
        """Return what can be run now for a configuration and is not under way."""
        waiting = self.plan.next(place, self.store.done)
        self.watch.settle(place, waiting)
        new = [trial for trial in waiting if not self.open[place, trial.phase]]
        self.open.update((place, trial.phase) for trial in new)
        return new


class _Memory:
    """What a sweep without a file keeps, with the methods of a `Store`."""

    def __init__(self, header: dict[str, Any]) -> None:
        self.header = header
        self.done: dict[str, Outcome] = {}

    def __enter__(self) -> "_Memory":
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def add(self, trial: Trial, outcome: Outcome) -> None:
        """Keep an outcome."""
        self.done[trial.key] = outcome

    def finish(self, rows: Iterable[Mapping[str, Any]], *, whole: bool = False) -> Records:
        """Return the records."""
        return Records(rows, self.header)


def _as_how(resume: bool, retry: bool) -> dict[str, bool]:
    """Return how a sweep takes up what is there, or raise an error if that is contradictory."""
    how = {"resume": as_flag("resume", resume), "retry": as_flag("retry", retry)}
    if how["retry"] and not how["resume"]:
        raise ValueError("retry is True and resume is False; expected resume=True with it")
    return how


def _check_arguments(function: Function, configuration: Mapping[str, Any], tune: Any) -> None:
    """Raise TypeError unless the function takes what it will be called with."""
    tuned = {} if tune is None else {tune.name: tune.values[0]}
    given = {**configuration, **tuned}
    try:
        signature(function).bind((), **given)
    except TypeError as error:
        raise TypeError(
            f"{name_of(function)} cannot be called with seeds and {given}: {error}"
        ) from None
    except ValueError:  # compiled, and without a signature
        return


def _plain_grid(grid: Grid) -> Any:
    """Return a grid as a file keeps it."""
    if isinstance(grid, Mapping):
        return {name: _values_of(name, given) for name, given in grid.items()}
    return as_plain("grid", grid)


def _plain_tune(tune: Tune) -> dict[str, Any]:
    """Return what is tuned as a file keeps it."""
    names = ("name", "values", "score", "budget", "seeds", "widen", "finer", "worst")
    return {name: getattr(tune, name) for name in names}
