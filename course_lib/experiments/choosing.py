"""The choice between configurations by the scores of their tunings."""

import math
from collections import defaultdict
from typing import Any

import numpy as np

from course_lib.experiments.records import Records
from course_lib.experiments.trials import canonical

__all__ = ["chosen"]


def chosen(records: Records, score: str, *by: str) -> Records:
    """Return the results of those configurations whose tuning went best, one for each group.

    Of some arguments, such as the strength of a mitigation, only the best value is of interest. No
    result may choose it, or the best one is partly the luckiest one. So the tuning does, whose
    seeds are others.

    Parameters
    ----------
    records : Records
        Of a sweep that tuned something.
    score : str
        The column that decides: the larger, the better, as the mean over the tuning's seeds.
    *by : str
        Columns that tell the groups apart. Of each group one configuration is kept.

    Returns
    -------
    Records
        Rows of the phase ``"result"``. Of equal scores, the first in the grid is kept.

    Raises
    ------
    KeyError
        If there is no such column.
    ValueError
        If there are no rows of a tuning, or no header says what was tuned.

    Examples
    --------
    >>> from course_lib.experiments import Tune, sweep
    >>> def study(seeds, task, strength, rate):
    ...     return {"score": [task - (strength - 2) ** 2 - abs(rate - 1) for seed in seeds]}
    >>> tune = Tune("rate", [0.1, 1, 10], "score", budget=None)
    >>> records = sweep(study, {"task": [5, 7], "strength": [1, 2]}, seeds=range(3), tune=tune)
    >>> best = chosen(records, "score", "task")
    >>> best.array("score", "task")
    array([[5., 5., 5.],
           [7., 7., 7.]])
    >>> best.distinct("strength")
    [2]
    """
    best: dict[str, tuple[float, int]] = {}
    for place, (group, value) in _scores(records, score, by).items():
        if group not in best or value > best[group][0]:
            best[group] = value, place
    places = {place for _, place in best.values()}
    results = records.select(phase="result")
    return Records([row for row in results if row["place"] in places], records.header)


def _scores(records: Records, score: str, by: tuple[str, ...]) -> dict[int, tuple[str, float]]:
    """Return the group and the score of each configuration."""
    tuning = records.select(phase="tuning")
    for name in (score, *by):
        tuning.distinct(name)  # raises KeyError where there is none
    tune: dict[str, Any] | None = records.header.get("tune")
    if not len(tuning) or tune is None:
        raise ValueError(
            "the records have no tuning; expected those of a sweep with tune=Tune(...)"
        )
    found: dict[int, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    groups = {}
    for row in tuning:
        found[row["place"]][row[tune["name"]]].append(_counted(row[score], tune["worst"]))
        groups[row["place"]] = canonical([row[name] for name in by])
    return {
        place: (groups[place], max(float(np.mean(each)) for each in values.values()))
        for place, values in found.items()
    }


def _counted(score: float | None, worst: float) -> float:
    """Return what a score counts: the worst where it diverged, less after an error."""
    if score is None:
        return -math.inf
    return worst if math.isnan(score) else score
