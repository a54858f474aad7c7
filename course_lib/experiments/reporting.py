"""What the records of a sweep say: means, differences, edges of grids, failures, and what is open.

A report judges configurations by one of the function's values, over the seeds of the result. It
says what is decided and, as plainly, what is not: intervals that hold 0, tests that so few seeds
cannot pass, trainings that diverged, configurations that are not finished.
`course_lib.experiments.report_pages` writes it down.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from course_lib._checks import as_flag, as_number, check_choice, check_type, unknown_name
from course_lib._typing import Array
from course_lib.experiments.choices import Choice, choice_of
from course_lib.experiments.records import Records
from course_lib.experiments.standard import NOT_RUN
from course_lib.experiments.sweeping import configurations
from course_lib.experiments.trials import WHERE, canonical
from course_lib.statistics import Difference, holm, paired, t_interval

__all__ = ["Failure", "Group", "Report", "Summary", "Versus"]

Rows = Sequence[Mapping[str, Any]]
Interval = tuple[float, float, float]  # center, low, high

RESULT, DOUBLED = "result", "result, doubled"
EXACT_UP_TO, DRAWN = 32, 9_999  # seeds and choices of signs of `course_lib.statistics.paired`


@dataclass(frozen=True)
class Group:
    """The records of one configuration.

    Attributes
    ----------
    place : int
        In the grid.
    label : str
        Those of its arguments that differ between configurations.
    phases : dict of str to list of dict
        Its rows by phase.
    """

    place: int
    label: str
    phases: Mapping[str, Rows]

    def samples(self, name: str, phase: str = RESULT) -> dict[int, float]:
        """Return a value by seed, without trials that ended in an error, which have none."""
        rows = self.phases.get(phase, ())
        return {row["seed"]: _as_float(row[name]) for row in rows if row.get(name) is not None}


@dataclass(frozen=True)
class Summary:
    """A value of one configuration over its seeds.

    Attributes
    ----------
    label : str
        Of the configuration.
    mean, low, high : float
        Mean and Student's t interval; NaN where a value is not finite or there is none, the
        interval also where there is a single seed.
    n : int
        Seeds.
    diverged : int
        How many of them have a value that is infinite or NaN.
    """

    label: str
    mean: float
    low: float
    high: float
    n: int
    diverged: int


@dataclass(frozen=True)
class Versus:
    """A configuration against the reference, over common seeds.

    Attributes
    ----------
    label : str
        Of the configuration.
    difference : Difference or None
        Configuration minus reference; None where it cannot be tested.
    p : float
        Holm's, corrected for all tests of the report; NaN where there is none.
    overlap : bool
        Whether the intervals of both means overlap.
    verdict : str
        ``"better"``, ``"worse"``, or what begins with ``"not decided"`` and says why.
    """

    label: str
    difference: Difference | None
    p: float
    overlap: bool
    verdict: str

    @property
    def decided(self) -> bool:
        """Whether it is better or worse."""
        return self.verdict in ("better", "worse")


@dataclass(frozen=True)
class Failure:
    """A trial that ended in an error.

    Attributes
    ----------
    label, phase : str
        Of the configuration and of the trial.
    value : float or None
        What was tuned.
    seeds : tuple of int
        Of the trial.
    error : str
        Of the function.
    """

    label: str
    phase: str
    value: float | None
    seeds: tuple[int, ...]
    error: str


class Report:
    """What the records of a sweep say.

    Parameters
    ----------
    records : Records
        Of a sweep, finished or not.
    by : str, optional
        The value that ranks configurations; by default the score of the tuning or, where nothing is
        tuned, the first, and nothing where all trials failed.
    smaller : bool
        Whether a smaller value is better.
    baseline : str, optional
        Label of the configuration that the others are compared with; by default the best.
    level : float
        Coverage of all intervals, and of all tests together.

    Raises
    ------
    KeyError
        If there is no such value or configuration.
    ValueError
        If there are no records, or they are not those of a sweep.
    TypeError
        If an argument is of another kind.

    Examples
    --------
    >>> rows = [
    ...     {"place": p, "phase": "result", "depth": d, "seed": s, "loss": d + 0.01 * s * p}
    ...     for p, d in enumerate([1, 3])
    ...     for s in range(8)
    ... ]
    >>> report = Report(Records(rows), by="loss", smaller=True)
    >>> report.best, [(other.label, other.verdict) for other in report.versus]
    ('depth=1', [('depth=3', 'worse')])
    """

    def __init__(
        self,
        records: Records,
        *,
        by: str | None = None,
        smaller: bool = False,
        baseline: str | None = None,
        level: float = 0.95,
    ) -> None:
        """Sort the records by configuration."""
        check_type("records", records, Records, "Records, as read_records returns them")
        self.tuning: Mapping[str, Any] = records.header.get("tune") or {}
        needed = ("place", "phase", "seed", *filter(None, [self.tuning.get("name")]))
        missing = [name for name in needed if name not in records.columns]
        if missing or not len(records):
            told = f"no column {missing[0]!r}" if missing and len(records) else "no rows"
            raise ValueError(f"the records have {told}; expected those of a sweep")
        self.records = records
        self.level = as_number("level", level, above=0, below=1)
        self.values = [name for name in records.measured if _is_number(records, name)]
        self.by = _chosen_value(by, self.tuning.get("score"), self.values)
        self.smaller = as_flag("smaller", smaller)
        self.groups = _groups(records, self.tuning.get("name"))
        self.baseline = None if baseline is None else self._labeled(baseline)

    # Means

    def summaries(self, name: str, phase: str = RESULT) -> list[Summary]:
        """Return mean and interval of a value, in the order of `ranking`.

        Parameters
        ----------
        name : str
            One of the values.
        phase : str
            ``"result"`` or ``"result, doubled"``.

        Returns
        -------
        list of Summary
            One for each configuration, also where nothing was measured.

        Raises
        ------
        KeyError
            If there is no such value.
        """
        check_choice("value", name, self.values)
        return [
            _summary(label, self._by_label[label].samples(name, phase), self.level)
            for label in self.ranking(RESULT)
        ]

    def ranking(self, phase: str = RESULT) -> list[str]:
        """Return the labels of the configurations from the best to the worst.

        Those that diverged with a seed come behind all others, and then those without a result.
        """
        found = [self._means[group.label, phase] for group in self.groups]
        return [entry.label for entry in sorted(found, key=self._rank)]

    @cached_property
    def best(self) -> str | None:
        """The label with the best mean; None where no mean is finite."""
        first = self._means[self.ranking()[0], RESULT]
        return first.label if math.isfinite(first.mean) else None

    # Differences

    @cached_property
    def reference(self) -> str | None:
        """What all others are compared with: the baseline, or the best."""
        return self.baseline or self.best

    @cached_property
    def versus(self) -> list[Versus]:
        """Every other configuration against the reference, in the order of `ranking`."""
        name = self.reference
        if name is None:
            return []
        reference = self._samples(name)
        labels = [label for label in self.ranking() if label != name]
        tried = [_tested(self._samples(label), reference, self.level) for label in labels]
        tests = [found.p for found in tried if isinstance(found, Difference)]
        corrected = iter(holm(tests).tolist() if tests else [])
        return [
            self._versus(label, found, next(corrected), len(tests))
            if isinstance(found, Difference)
            else Versus(label, None, math.nan, self._overlap(label, name), f"not decided: {found}")
            for label, found in zip(labels, tried, strict=True)
        ]

    # The standard

    @cached_property
    def choices(self) -> list[Choice]:
        """What was tuned, for every configuration and result that is there."""
        if not self.tuning:
            return []
        return [
            choice_of(group.label, phase, result, group.phases.get(tuning, ()), self.tuning)
            for group in self.groups
            for phase, tuning in ((RESULT, "tuning"), (DOUBLED, "tuning, doubled"))
            if (result := group.phases.get(phase))
        ]

    @property
    def doubled(self) -> bool:
        """Whether there are results with the doubled budget."""
        return any(group.phases.get(DOUBLED) for group in self.groups)

    def swapped(self) -> list[tuple[str, str, bool]]:
        """Return the pairs whose order the doubled budget changed.

        Returns
        -------
        list of (str, str, bool)
            The labels, the better at the first budget first, and whether that was clear: whether
            their intervals are apart at both budgets. Pairs without finite means are left out.
        """
        finite = [
            label
            for label in self.ranking()
            if all(math.isfinite(self._means[label, p].mean) for p in (RESULT, DOUBLED))
        ]
        return [
            (one, other, not any(self._overlap(one, other, p) for p in (RESULT, DOUBLED)))
            for one, other in combinations(finite, 2)
            if self._sign * self._apart(one, other, RESULT) > 0
            and self._sign * self._apart(one, other, DOUBLED) < 0
        ]

    @cached_property
    def failures(self) -> list[Failure]:
        """The trials that ended in an error, in the order of the records."""
        found: dict[Any, Failure] = {}
        for group in self.groups:
            for phase, rows in group.phases.items():
                for row in rows:
                    error = row.get("error")
                    if error is not None and not error.startswith(NOT_RUN):
                        trial = row.get("trial") or (group.place, phase, row["seed"])
                        value = row.get(self.tuning.get("name", ""))
                        new = Failure(group.label, phase, value, (), error)
                        seeds = (*found.get(trial, new).seeds, row["seed"])
                        found[trial] = replace(new, seeds=seeds)
        return list(found.values())

    # What is missing, and where all of it comes from

    @cached_property
    def unfinished(self) -> list[str]:
        """Configurations of the grid without a row for each seed in each result they should have.

        Known where the records have a header; by their labels or, without records, their arguments.
        """
        header = self.records.header
        if not {"grid", "seeds"} <= set(header):
            return []
        phases = [RESULT] + [DOUBLED] * bool(self.tuning.get("budget"))
        there, grid = {group.place: group for group in self.groups}, header["grid"]
        if isinstance(grid, Mapping):  # a file sorts its names, but not the columns
            grid = {name: grid[name] for name in self.records.arguments if name in grid}
        return [
            there[place].label if place in there else _label(arguments, _short)
            for place, arguments in enumerate(configurations(grid))
            if place not in there or not _complete(there[place], phases, header["seeds"])
        ]

    @cached_property
    def origins(self) -> dict[str, list[str]]:
        """What the records say of where they come from, each once; of dates, the first and last."""
        found = {}
        for name in WHERE:
            seen = sorted({row[name] for row in self.records if row.get(name) is not None})
            found[name] = list(dict.fromkeys([*seen[:1], *seen[-1:]])) if name == "date" else seen
        return found

    def curves(self, most: int = 6) -> dict[str, tuple[Array, Array, Array, Array]]:
        """Return the score of the tuning against the tuned value, for the best configurations.

        Parameters
        ----------
        most : int
            At most so many.

        Returns
        -------
        dict of str to (value, mean, low, high)
            Arrays, by label, from the best on; values of which a training diverged or failed are
            left out, as are configurations with fewer than two others.
        """
        found: dict[str, tuple[Array, Array, Array, Array]] = {}
        for label in self.ranking():
            points = self._points(self._by_label[label])
            if len(points) > 1 and len(found) < most:
                x, center, low, high = np.array(points).T
                found[label] = x, center, low, high
        return found

    # Parts

    @property
    def _sign(self) -> int:
        """1 where larger is better, -1 where smaller is."""
        return -1 if self.smaller else 1

    def _labeled(self, given: str) -> str:
        """Return the label that a text stands for, whatever its spaces."""
        check_type("baseline", given, str, "the label of a configuration, such as 'depth=3'")
        if given in self._by_label:
            return given
        labels = {"".join(group.label.split()): group.label for group in self.groups}
        if "".join(given.split()) not in labels:
            raise KeyError(unknown_name("baseline", given, labels.values()))
        return labels["".join(given.split())]

    @cached_property
    def _by_label(self) -> dict[str, Group]:
        """The configurations by their labels."""
        return {group.label: group for group in self.groups}

    def _samples(self, label: str) -> dict[int, float]:
        """Return what ranks a configuration, by seed."""
        return self._by_label[label].samples(self.by)

    @cached_property
    def _means(self) -> dict[tuple[str, str], Summary]:
        """Mean and interval of what ranks, by label and phase."""
        return {
            (group.label, phase): _summary(group.label, group.samples(self.by, phase), self.level)
            for group in self.groups
            for phase in (RESULT, DOUBLED)
        }

    def _rank(self, entry: Summary) -> tuple[bool, bool, float]:
        """Return what a summary is sorted by."""
        finite = math.isfinite(entry.mean)
        return not entry.n, not finite, -self._sign * entry.mean if finite else 0.0

    def _apart(self, one: str, other: str, phase: str) -> float:
        """Return the difference of two means."""
        return self._means[one, phase].mean - self._means[other, phase].mean

    def _overlap(self, one: str, other: str, phase: str = RESULT) -> bool:
        """Return whether two intervals overlap, or one is missing."""
        a, b = self._means[one, phase], self._means[other, phase]
        return not (a.high < b.low or b.high < a.low)

    def _versus(self, label: str, found: Difference, p: float, tests: int) -> Versus:
        """Return a difference with what it decides."""
        gain = self._sign * found.mean
        outside = found.low > 0 or found.high < 0
        if p <= 1 - self.level and outside:
            verdict = "better" if gain > 0 else "worse"
        else:
            verdict = f"not decided: {_why(found, p, tests, self.level)}"
        overlap = self._overlap(label, self.reference or label)
        return Versus(label, found, p, overlap, verdict)

    def _points(self, group: Group) -> list[tuple[float, ...]]:
        """Return each tuned value with the interval of its score."""
        by_value: dict[float, dict[int, Any]] = {}
        for row in group.phases.get("tuning", ()) if self.tuning else ():
            by_value.setdefault(row[self.tuning["name"]], {})[row["seed"]] = (
                row.get(self.tuning["score"]) if row.get("error") is None else None
            )
        scored = {
            value: _summary("", seeds, self.level)
            for value, seeds in sorted(by_value.items())
            if None not in seeds.values()
        }
        return [
            (value, s.mean, *((s.low, s.high) if s.n > 1 else (s.mean, s.mean)))
            for value, s in scored.items()
            if math.isfinite(s.mean)
        ]


# ---------------------------------------------------------------------------------------------
# Configurations
# ---------------------------------------------------------------------------------------------


def _groups(records: Records, tuned: str | None) -> list[Group]:
    """Return the configurations that have records, in the order of the grid."""
    places: dict[int, dict[str, list[Mapping[str, Any]]]] = {}
    for row in records:
        places.setdefault(row["place"], {}).setdefault(row["phase"], []).append(row)
    arguments = {place: _arguments(phases, records, tuned) for place, phases in places.items()}
    names = _labels(list(arguments.values()))
    return [
        Group(place, label, phases)
        for (place, phases), label in zip(places.items(), names, strict=True)
    ]


def _arguments(phases: Mapping[str, Rows], records: Records, tuned: str | None) -> dict[str, Any]:
    """Return the arguments of a configuration, from the first of its phases."""
    row = next(iter(phases.values()))[0]
    if row.get("settings"):
        own = json.loads(row["settings"])
        ordered = [name for name in records.arguments if name in own]
    else:
        own, ordered = row, list(records.arguments)
    return {name: own[name] for name in ordered if name != tuned}


def _labels(given: list[dict[str, Any]]) -> list[str]:
    """Return names of configurations, of those arguments in which they differ."""
    names = dict.fromkeys(name for own in given for name in own)
    texts = {name: {canonical(own[name]) if name in own else "" for own in given} for name in names}
    differ = [name for name in names if len(texts[name]) > 1] or list(names)
    own = [{name: one[name] for name in differ if name in one} for one in given]
    for write in (_short, _exact, canonical):  # which tells the text "1" from the number, too
        found = [_label(one, write) for one in own]
        if len(set(found)) == len(found):
            return found
    return [f"{label} ({n})" for n, label in enumerate(found, 1)]


def _label(own: Mapping[str, Any], write: Callable[[Any], str]) -> str:
    """Return arguments as text."""
    return ", ".join(f"{name}={write(value)}" for name, value in own.items()) or "no arguments"


def _short(value: Any) -> str:
    """Return a value as short text: floats with six digits."""
    return f"{value:.6g}" if isinstance(value, float) else _exact(value)


def _exact(value: Any) -> str:
    """Return a value as text."""
    return value if isinstance(value, str) else json.dumps(value)


def _complete(group: Group, phases: Sequence[str], seeds: Sequence[int]) -> bool:
    """Return whether a configuration has a row for each seed in each result it should have."""
    first = group.phases.get(RESULT, ())
    given_up = any((row.get("error") or "").startswith(NOT_RUN) for row in first)
    own = phases[:1] if given_up else phases
    return all(set(seeds) <= {row["seed"] for row in group.phases.get(p, ())} for p in own)


# ---------------------------------------------------------------------------------------------
# Numbers
# ---------------------------------------------------------------------------------------------


def _as_float(number: float) -> float:
    """Return a number as a float, infinite where it is an integer that no float reaches."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _is_number(records: Records, name: str) -> bool:
    """Return whether a column holds numbers, some of them."""
    kinds = {type(row[name]) for row in records} - {type(None)}
    return bool(kinds) and kinds <= {bool, int, float}


def _chosen_value(by: str | None, score: str | None, values: Sequence[str]) -> str:
    """Return the value that ranks."""
    if by is not None:
        check_choice("value", by, values or ["nothing, as nothing was measured"])
        return by
    return score if score is not None and score in values else next(iter(values), "")


def _summary(label: str, samples: Mapping[int, float], level: float) -> Summary:
    """Return mean and interval of a value."""
    found = np.array([*samples.values()], np.float64)
    diverged = int((~np.isfinite(found)).sum())
    if diverged or not found.size:
        return Summary(label, math.nan, math.nan, math.nan, found.size, diverged)
    low, high = t_interval(found, level=level) if found.size > 1 else (math.nan, math.nan)
    with np.errstate(over="ignore"):
        mean = float(found.mean())
    if math.isinf(mean):  # the sum has no float, the mean has one
        mean = float((found / found.size).sum())
    return Summary(label, mean, float(low), float(high), found.size, 0)


def _tested(
    own: Mapping[int, float], reference: Mapping[int, float], level: float
) -> Difference | str:
    """Return the difference over common seeds, or why there is none."""
    seeds = sorted(own.keys() & reference.keys())
    if len(seeds) < 2:
        return f"{len(seeds)} seed{'s' * (len(seeds) != 1)} in common; expected at least 2"
    pairs = np.array([[own[seed], reference[seed]] for seed in seeds])
    diverged = int((~np.isfinite(pairs)).any(axis=1).sum())
    if diverged:
        return f"{diverged} of {len(seeds)} seeds diverged"
    return paired(pairs[:, 0], pairs[:, 1], level=level)


def _why(found: Difference, p: float, tests: int, level: float) -> str:
    """Return why a difference decides nothing."""
    if found.mean == 0 and math.isnan(found.effect):
        return "equal with every seed"
    least = 2.0 ** (1 - found.n) if found.n <= EXACT_UP_TO else 1 / (DRAWN + 1)
    if least * tests > 1 - level:
        needed = 1 + math.ceil(math.log2(tests / (1 - level)))
        return (
            f"too few seeds: p of {tests} test{'s' * (tests != 1)} with {found.n} seeds is at "
            f"least {min(least * tests, 1):.2g} after correction; at least {needed} are needed"
        )
    if found.low <= 0 <= found.high:
        return "the interval of the difference holds 0"
    return f"p is {p:.2g} after correction for {tests} tests"
