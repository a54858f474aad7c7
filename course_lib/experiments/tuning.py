"""The choice of a learning rate."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_number, as_numbers
from course_lib._typing import Array

__all__ = ["Tuning", "tune"]


@dataclass(frozen=True)
class Tuning:
    """How a learning rate was chosen.

    Attributes
    ----------
    learning_rates : tuple of float
        What was tried, from small to large.
    scores : tuple of float
        The score of each, mean over the seeds; the larger, the better.
    learning_rate : float
        The best of them; of several, the one farthest from both ends, and of these the smaller.
    at_edge : bool
        Whether it is the smallest or the largest.
    """

    learning_rates: tuple[float, ...]
    scores: tuple[float, ...]
    learning_rate: float
    at_edge: bool


def tune(
    learning_rates: Sequence[float],
    evaluate: Callable[[Array, Array], ArrayLike],
    *,
    seeds: Sequence[int],
    worst: float = -math.inf,
) -> Tuning:
    """Try every learning rate with every seed, and choose the one with the best mean score.

    Parameters
    ----------
    learning_rates : sequence of float
        Learning rates to try, in any order.
    evaluate : callable
        Called once, as ``evaluate(learning_rates, seeds)``, with two arrays of equal length that
        hold every learning rate with every seed. It returns a score for each entry: the larger, the
        better, so a loss with a minus sign; NaN where the training diverged.
    seeds : sequence of int
        Other ones than those with which the chosen learning rate is then judged.
    worst : float
        The score of a training that diverged, such as 0 for an accuracy. By default, a learning
        rate with which one of them diverges is chosen only where all are like that.

    Returns
    -------
    Tuning
        Where no mean is above `worst`, its learning rate is the smallest.

    Raises
    ------
    ValueError
        If a learning rate or a seed occurs twice or is missing, or the scores are not one for
        each entry.
        Also if a learning rate is not a finite number above 0.
    TypeError
        If the learning rates or seeds are not a sequence, or a score is not a number.

    Examples
    --------
    >>> found = tune([0.1, 1.0, 10.0], lambda each, seeds: -abs(np.log(each)), seeds=range(3))
    >>> found.learning_rate, found.at_edge
    (1.0, False)
    """
    grid = as_grid(learning_rates)
    check_sequence("seeds", seeds, "range(3)")
    seeds = list(seeds)
    check_distinct("learning_rates", grid, 1)
    check_distinct("seeds", seeds, 1)
    found = evaluate(np.repeat(grid, len(seeds)), np.array(seeds * len(grid)))
    scores = as_numbers("scores", found)
    if scores.shape != (len(grid) * len(seeds),):
        raise ValueError(
            f"evaluate returned an array of shape {scores.shape}; expected one score for each of "
            f"{len(grid) * len(seeds)} trainings"
        )
    return choose(grid, scores.reshape(len(grid), -1), worst)


def choose(grid: Sequence[float], scores: Array, worst: float) -> Tuning:
    """Return the choice between values whose scores are known.

    Parameters
    ----------
    grid : sequence of float
        What was tried, from small to large.
    scores : ndarray of float64
        A row for each, a column for each seed; NaN where the training diverged.
    worst : float
        What a training that diverged counts as.

    Returns
    -------
    Tuning
        As of `tune`.

    Examples
    --------
    >>> choose([0.1, 1.0, 10.0], np.array([[0.5, 0.6], [0.7, 0.8], [0.9, np.nan]]), 0.0)
    Tuning(learning_rates=(0.1, 1.0, 10.0), scores=(0.55, 0.75, 0.45), learning_rate=1.0,
           at_edge=False)
    """
    with np.errstate(over="ignore", invalid="ignore"):  # where some diverged
        means = np.where(np.isnan(scores), worst, scores).mean(axis=1)
    best = _best(np.where(means > worst, means, -np.inf))
    return Tuning(tuple(grid), tuple(means.tolist()), grid[best], best in (0, len(grid) - 1))


def _best(quality: Array) -> int:
    """Return where the largest is; of several, the one farthest from both ends."""
    if not quality.max() > -np.inf:
        return 0  # all diverged, so a smaller learning rate is needed
    # means of equal scores in another order differ by their rounding
    candidates = np.flatnonzero(quality >= quality.max() - 1e-12)
    to_end = np.minimum(candidates, len(quality) - 1 - candidates)
    return int(candidates[to_end.argmax()])


def as_grid(learning_rates: Iterable[float]) -> list[float]:
    """Return learning rates from small to large, or raise ValueError."""
    check_sequence("learning_rates", learning_rates, "[0.01, 0.1, 1.0]")
    return sorted(as_number("learning_rate", rate, above=0) for rate in learning_rates)


def check_sequence(name: str, given: Any, example: str) -> None:
    """Raise TypeError unless an argument is iterable and not a string."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"{name} is {given!r}; expected a sequence, such as {example}")


def check_distinct(name: str, given: Sequence[Any], at_least: int) -> None:
    """Raise ValueError if there are too few values, or one of them twice."""
    if len(given) < at_least:
        hint = ", so that one lies inside; or pass edge='note'" if at_least == 3 else ""
        raise ValueError(f"{name} are {list(given)}; at least {at_least} are needed{hint}")
    if len(set(given)) < len(given):
        raise ValueError(f"{name} are {list(given)}; expected each once")
