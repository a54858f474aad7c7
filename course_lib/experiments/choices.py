"""What a tuning chose, where that lies in its grid, and whether the grid tells its values apart."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_lib._typing import Array
from course_lib.statistics import t_interval

__all__ = ["Choice", "choice_of", "is_flat"]

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Choice:
    """What was tuned for a result.

    Attributes
    ----------
    label, phase : str
        Of the configuration and of the result.
    value : float or None
        What was chosen; None where every value had an error.
    at_edge : bool or None
        Whether it is the smallest or largest that was tried; None if that is not recorded yet.
    widened : int or None
        How often the grid grew.
    flat : bool
        Whether neither end of the grid is shown to be worse than what was chosen, see `is_flat`.
    """

    label: str
    phase: str
    value: float | None
    at_edge: bool | None
    widened: int | None
    flat: bool


def choice_of(
    label: str, phase: str, result: Rows, tuning: Rows, tune: Mapping[str, Any]
) -> Choice:
    """Return what was tuned for a result.

    Parameters
    ----------
    label, phase : str
        Of the configuration and of the result.
    result, tuning : sequence of mapping
        Rows of the result, at least one, and of the tuning that chose its value.
    tune : mapping of str to object
        What was tuned, as a header of records says.

    Returns
    -------
    Choice
        Flat only where the rows of the tuning are there.
    """
    first, name, worst = result[0], tune["name"], tune.get("worst", -math.inf)
    scores: dict[float, dict[int, float]] = defaultdict(dict)
    failed = {row[name] for row in tuning if row.get(tune["score"]) is None}
    for row in tuning:
        if row[name] not in failed:
            scores[row[name]][row["seed"]] = row[tune["score"]]
    value = first.get(name)
    flat = value in scores and is_flat(scores, value, worst)
    return Choice(label, phase, value, first.get("at_edge"), first.get("widened"), flat)


def is_flat(
    scores: Mapping[float, Mapping[int, float]], chosen: float, worst: float = -math.inf
) -> bool:
    """Return whether neither end of a grid is shown to be worse than what was chosen from it.

    Then the choice is one of several values that score alike as far as their seeds tell, and
    nothing shows on which side of the grid a better one would lie. Trainings that learn nothing
    often look like that, whatever their learning rate, and so do trainings that bear any; but of
    several values at chance, the one that was chosen for being the best may seem to beat an end.

    Parameters
    ----------
    scores : mapping of float to (mapping of int to float)
        Of each value that was tried: its score for each seed, the larger, the better; NaN where a
        training diverged.
    chosen : float
        One of them.
    worst : float
        What a training that diverged counts as.

    Returns
    -------
    bool
        Whether the 95 % t interval of the paired differences, the choice minus an end, holds 0 or
        less for both ends, over the seeds that both have. False where all trainings of the choice
        diverged, since then a smaller value is needed; where the choice is the only value, which
        has nothing to be told from; and where fewer than two seeds are common, which have no
        interval.

    Examples
    --------
    >>> chance = {rate: {1: 0.1, 2: 0.09, 3: 0.11} for rate in (0.01, 0.1, 1.0)}
    >>> is_flat(chance, 0.1), is_flat(chance | {0.1: {1: 0.9, 2: 0.91, 3: 0.89}}, 0.1)
    (True, False)
    """
    own, ends = scores[chosen], (scores[min(scores)], scores[max(scores)])
    common = [sorted(own.keys() & end.keys()) for end in ends]
    if len(scores) < 2 or min(map(len, common)) < 2 or not _filled(own, own, worst).mean() > worst:
        return False
    return not any(
        _is_worse(_filled(end, seeds, worst), _filled(own, seeds, worst))
        for end, seeds in zip(ends, common, strict=True)
    )


def _filled(scores: Mapping[int, float], seeds: Iterable[int], worst: float) -> Array:
    """Return the scores of some seeds, with what a training that diverged counts as."""
    found = np.array([scores[seed] for seed in seeds], np.float64)
    return np.where(np.isnan(found), worst, found)


def _is_worse(other: Array, chosen: Array) -> bool:
    """Return whether scores are shown to be below those of the choice, seed by seed."""
    if not np.isfinite(other).all():  # of a training that diverged, worse than any score
        return True
    return bool(t_interval(chosen - other)[0] > 0)
