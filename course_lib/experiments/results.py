"""What a comparison found: a record for each network, intervals, differences and a table."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

import numpy as np

from course_lib._typing import Array
from course_lib.activations import Activation
from course_lib.experiments.tuning import Tuning
from course_lib.statistics import Difference, holm, paired, t_interval

__all__ = ["Comparison", "Row", "Summary"]

Combination = tuple[str, str]  # of an activation's name and a setting's label


@dataclass(frozen=True)
class Row:
    """One network, trained with the learning rate that was tuned for its kind.

    Attributes
    ----------
    activation, setting : str
        Name and label.
    seed : int
        Of the initial weights and of the order of the batches.
    learning_rate : float
        Learning rate.
    train_loss : float
        Mean loss over the batches of the last epoch, each taken before its step.
    validation, test : float
        Score on the data held out, after the last epoch. Where the network diverged, an accuracy
        is 0 and a loss infinite.
    """

    activation: str
    setting: str
    seed: int
    learning_rate: float
    train_loss: float
    validation: float
    test: float


@dataclass(frozen=True)
class Summary:
    """All networks of one activation and setting.

    Attributes
    ----------
    activation, setting : str
        Name and label.
    mean, low, high : float
        Mean test score with Student's t interval.
    learning_rate : float
        Learning rate.
    at_edge : bool
        Whether the best learning rate is the smallest or largest that was tried.
    n : int
        Seeds.
    """

    activation: str
    setting: str
    mean: float
    low: float
    high: float
    learning_rate: float
    at_edge: bool
    n: int


@dataclass(frozen=True, repr=False)
class Comparison:
    """What `compare` found; printed, it is a table.

    Attributes
    ----------
    rows : list of Row
        One for each activation, setting and seed, in this order; ``pandas.DataFrame(rows)`` takes
        them as they are.
    tuning : dict of (activation, setting) to Tuning
        How the learning rate of each was chosen, on validation data with the tuning seeds. Scores
        are accuracies, 0 for a network that diverged, or losses with a minus sign.
    score : str
        ``"accuracy"`` or ``"loss"``.
    level : float
        Coverage of all intervals.
    baseline : (activation, setting), optional
        What all others are compared with, where nothing else is said.
    parameter_counts : dict of (activation, setting) to int
        Numbers that one network learns. Where those of a setting differ, as with gates, which have
        two dense outputs for each unit, the table says so.
    """

    rows: list[Row]
    tuning: dict[Combination, Tuning]
    score: str
    level: float = 0.95
    baseline: Combination | None = None
    parameter_counts: dict[Combination, int] = field(default_factory=dict)
    _by_combination: dict[Combination, list[Row]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort the rows by activation and setting."""
        groups: dict[Combination, list[Row]] = {}
        for row in self.rows:
            groups.setdefault((row.activation, row.setting), []).append(row)
        object.__setattr__(self, "_by_combination", groups)

    def __repr__(self) -> str:
        """Return the table."""
        return self.table()

    @property
    def activations(self) -> tuple[str, ...]:
        """Names, in the order given."""
        return tuple(dict.fromkeys(row.activation for row in self.rows))

    @property
    def settings(self) -> tuple[str, ...]:
        """Labels, in the order given."""
        return tuple(dict.fromkeys(row.setting for row in self.rows))

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds, in the order given."""
        return tuple(dict.fromkeys(row.seed for row in self.rows))

    @property
    def scores(self) -> Array:
        """Test scores, shape ``(activations, settings, seeds)``."""
        shape = len(self.activations), len(self.settings), len(self.seeds)
        return np.array([row.test for row in self.rows]).reshape(shape)

    def summary(self) -> list[Summary]:
        """Return mean and interval of every activation and setting.

        Returns
        -------
        list of Summary
            In the order given.
        """
        lines = []
        for combination, tuned in self.tuning.items():
            tests = self._tests(combination)
            low, high = t_interval(tests, level=self.level)
            spans = float(np.mean(tests)), float(low), float(high)
            lines.append(
                Summary(*combination, *spans, tuned.learning_rate, tuned.at_edge, len(tests))
            )
        return lines

    def against(self, baseline: str | Combination | None = None) -> dict[Combination, Difference]:
        """Compare every activation and setting with one of them, over the same seeds.

        Parameters
        ----------
        baseline : str or Activation or (activation, setting), optional
            A pair; or one name or label, where that leaves a single pair. By default the one that
            `compare` was given.

        Returns
        -------
        dict of (activation, setting) to Difference
            All but the baseline, each minus the baseline, as `paired` does it. The p-values are
            corrected for their number with `holm`; the intervals are not.

        Raises
        ------
        ValueError
            If there is no baseline, or it fits no pair or several; or if a loss is infinite.
        """
        chosen = self.baseline if baseline is None else baseline
        own = find_combination(chosen, self._by_combination)
        reference = self._tests(own)
        found = {
            combination: paired(self._tests(combination), reference, level=self.level)
            for combination in self._by_combination
            if combination != own
        }
        corrected = holm([difference.p for difference in found.values()])
        return {
            combination: replace(difference, p=float(p))
            for (combination, difference), p in zip(found.items(), corrected, strict=True)
        }

    def table(self, digits: int = 3) -> str:
        """Return the summary as plain text, with the differences where there is a baseline.

        Parameters
        ----------
        digits : int
            After the decimal point, for scores and their differences.

        Returns
        -------
        str
            A title, a line of headings, and one line for each activation and setting. Where a loss
            is infinite, there are no differences.
        """
        title = f"test {self.score}: mean of {len(self.seeds)} seeds, {self.level:.3g} t interval"
        cells = [["activation", "setting", "learning_rate", "mean", "low", "high"]]
        differences: dict[Combination, Difference] = {}
        finite = bool(np.isfinite(self.scores).all())
        if self.baseline is not None and finite:
            name, label = self.baseline
            title += f"; differences to {name} ({label}), p corrected"
            cells[0] += ["difference", "low", "high", "effect", "p"]
            differences = self.against()
        for line in self.summary():
            learning_rate = f"{line.learning_rate:g}" + "*" * line.at_edge
            spans = [f"{value:.{digits}f}" for value in (line.mean, line.low, line.high)]
            cells.append([line.activation, line.setting, learning_rate, *spans])
            other = differences.get((line.activation, line.setting))
            if other is not None:
                spans = [f"{value:+.{digits}f}" for value in (other.mean, other.low, other.high)]
                cells[-1] += [*spans, f"{other.effect:+.1f}", f"{other.p:.1e}"]
        notes = ["* at the edge of the learning rates tried"] * any(
            tuned.at_edge for tuned in self.tuning.values()
        )
        if self.baseline is not None and not finite:
            notes.append(
                "no differences to the baseline: a training diverged, its loss is infinite"
            )
        return "\n".join([title, *_aligned(cells), *notes, *self._sizes()])

    def _sizes(self) -> Iterator[str]:
        """Yield a line for each setting whose activations make networks of different sizes."""
        for label in self.settings:
            counts = {
                name: count for (name, own), count in self.parameter_counts.items() if own == label
            }
            if len(set(counts.values())) > 1:
                each = ", ".join(f"{name} {count}" for name, count in counts.items())
                yield f"parameters of a network ({label}): {each}"

    def _tests(self, combination: Combination) -> list[float]:
        return [row.test for row in self._by_combination[combination]]


def find_combination(wanted: Any, combinations: Iterable[Combination]) -> Combination:
    """Return the one combination that is meant by a pair, a name or a label."""
    listed = list(combinations)
    if isinstance(wanted, list | tuple):
        wanted = (*map(_named, wanted),)
    else:
        wanted = _named(wanted)
    found = [pair for pair in listed if wanted in (pair, *pair)]
    if len(found) != 1:
        raise ValueError(
            f"baseline is {wanted!r}, which fits {len(found)} of what is compared; expected one "
            f"of {listed}, or a name or label that occurs in one of them alone"
        )
    return found[0]


def _named(wanted: Any) -> Any:
    """Return the name of an activation that is given as a row; anything else as it is."""
    return wanted.name if isinstance(wanted, Activation) else wanted


def _aligned(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines of text, names to the left and numbers to the right of their columns."""
    widths = [max(map(len, column)) for column in zip_longest(*lines, fillvalue="")]
    for line in lines:
        padded = [
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=False))
        ]
        yield "  ".join(padded).rstrip()
