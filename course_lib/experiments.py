"""Comparisons over seeds: intervals, paired differences, and the trainings behind them.

One number from one seed is an anecdote. Everything here takes what was measured over seeds and
says how far the mean, a share, or the difference between two activations may be from the truth.
`compare` also does the trainings, each activation with the learning rate that suits it.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from inspect import signature
from itertools import zip_longest
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from course_lib import activations as catalogue
from course_lib._checks import as_array, check_finite, check_integer, unknown_name
from course_lib._typing import Array
from course_lib.activations import Activation
from course_lib.network import Loss, Network, as_seeds, get_loss, mlp
from course_lib.training import Momentum, Optimizer, fit
from course_lib.training.arguments import check_fit_arguments, check_smallest_batch
from course_lib.training.scores import accuracy_for
from course_lib.training.stepping import check_moves

__all__ = [
    "Comparison",
    "Difference",
    "Row",
    "Summary",
    "Tuning",
    "bootstrap_interval",
    "compare",
    "detectable",
    "holm",
    "paired",
    "power",
    "t_interval",
    "wilson_interval",
]


# ---------------------------------------------------------------------------------------------
# Intervals
# ---------------------------------------------------------------------------------------------


def bootstrap_interval(
    samples: ArrayLike, *, axis: int = 0, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[Any, Any]:
    r"""Return a percentile bootstrap interval for the mean.

    Parameters
    ----------
    samples : array_like
        Measurements, the seeds along `axis`.
    axis : int
        The axis to resample and average over.
    level : float
        Coverage aimed at, between 0 and 1.
    resamples : int
        How many means of resampled seeds are taken.
    seed : int
        For the resampling.

    Returns
    -------
    low, high : ndarray or scalar
        The shape of `samples` without `axis`.

    Raises
    ------
    ValueError
        If there are fewer than two samples, no resamples, or the level is not between 0 and 1.

    Notes
    -----
    Efron, 1979 :cite:p:`efron1979bootstrap`. With few seeds the interval is a little too narrow: by
    a factor of about :math:`\sqrt{1 - 1/n}` for n seeds.

    Examples
    --------
    >>> low, high = bootstrap_interval(np.arange(100.0))
    >>> bool(low < 49.5 < high)
    True
    """
    values = np.moveaxis(_numbers("samples", samples), axis, 0)
    _check_level(level)
    n = len(values)
    if n < 2:
        raise ValueError(f"{n} samples along axis {axis}; an interval needs at least 2")
    if resamples < 1:
        raise ValueError(f"resamples is {resamples!r}; expected 1 or more, 2000 by default")
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    means = np.tensordot(counts / n, values, axes=1)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low, high


def t_interval(samples: ArrayLike, *, axis: int = 0, level: float = 0.95) -> tuple[Any, Any]:
    r"""Return Student's t interval for the mean, :math:`\bar x \pm t\, s / \sqrt n`.

    Parameters
    ----------
    samples : array_like
        Measurements, the seeds along `axis`.
    axis : int
        The axis to average over.
    level : float
        Coverage aimed at, between 0 and 1.

    Returns
    -------
    low, high : ndarray or scalar
        The shape of `samples` without `axis`. NaN where a sample is infinite or NaN.

    Raises
    ------
    ValueError
        If there are fewer than two samples, or the level is not between 0 and 1.

    Notes
    -----
    Student, 1908 :cite:p:`student1908probable`. For normal measurements the coverage is exact with
    any number of seeds; at 95 % and 16 seeds, the percentile bootstrap covers only 92 %.

    Examples
    --------
    >>> low, high = t_interval([1.0, 2.0, 3.0])
    >>> round(float(low), 3), round(float(high), 3)
    (-0.484, 4.484)
    """
    values = np.moveaxis(_numbers("samples", samples), axis, 0)
    _check_level(level)
    n = len(values)
    if n < 2:
        raise ValueError(f"{n} samples along axis {axis}; an interval needs at least 2")
    with np.errstate(invalid="ignore"):  # a loss that diverged is infinite
        mean = values.mean(axis=0)
        half = _student_quantile(level, n - 1) * values.std(axis=0, ddof=1) / math.sqrt(n)
        return mean - half, mean + half


def _student_quantile(level: float, degrees: int) -> float:
    """Return the t that Student's variable stays within, on both sides, with that probability."""
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        angle = (low + high) / 2
        low, high = (angle, high) if _student_share(angle, degrees) < level else (low, angle)
    return math.sqrt(degrees) * math.tan(high)


def _student_share(angle: float, degrees: int) -> float:
    """Return the probability of |T| <= t, where t = sqrt(degrees) * tan(angle)."""
    # In the angle, the density is a power of the cosine, cos^(degrees - 1), whose integral by parts
    # is a finite sum.
    odd = degrees % 2
    total = 1.0
    for k in range(degrees // 2 - 1, 0, -1):
        total = 1 + total * math.cos(angle) ** 2 * (2 * k - 1 + odd) / (2 * k + odd)
    if not odd:
        return math.sin(angle) * total
    rest = math.sin(angle) * math.cos(angle) * total if degrees > 1 else 0.0
    return 2 / math.pi * (angle + rest)


def wilson_interval(
    successes: ArrayLike, trials: ArrayLike, *, level: float = 0.95
) -> tuple[Any, Any]:
    """Return Wilson's score interval for a share of successes.

    Parameters
    ----------
    successes, trials : array_like of int
        How often it happened, and out of how many.
    level : float
        Coverage aimed at, between 0 and 1.

    Returns
    -------
    low, high : ndarray or scalar
        Within [0, 1]; sensible also for 0 and for all.

    Raises
    ------
    ValueError
        If a count is impossible, or the level is not between 0 and 1.

    Notes
    -----
    Wilson, 1927 :cite:p:`wilson1927probable`.

    Examples
    --------
    >>> low, high = wilson_interval(256, 256)
    >>> round(float(low), 3), round(float(high), 3)
    (0.985, 1.0)
    """
    k, n = _numbers("successes", successes), _numbers("trials", trials)
    _check_level(level)
    if not ((n >= 1) & (k >= 0) & (k <= n)).all():
        raise ValueError(f"{successes!r} successes in {trials!r} trials; expected 0 to trials")
    z = NormalDist().inv_cdf((1 + level) / 2)
    center = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(k * (n - k) / n + z * z / 4)
    # at the ends the formula gives 0 and 1 but for rounding
    return np.where(k == 0, 0.0, center - half)[()], np.where(k == n, 1.0, center + half)[()]


def _numbers(name: str, values: Any) -> Array:
    """Return values in float64, or raise an error that names them where they make no array."""
    try:
        return as_array(name, values).astype(np.float64)
    except (TypeError, ValueError) as error:
        if str(error).startswith(f"{name} "):
            raise
        raise TypeError(f"{name} is {values!r}; expected numbers") from None


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}; expected a number between 0 and 1, such as 0.95")


# ---------------------------------------------------------------------------------------------
# Differences between what the same seeds gave
# ---------------------------------------------------------------------------------------------

_EXACT_UP_TO = 20  # seeds, for which all choices of signs are still looked at
_SIGN_FLIPS = 9_999  # drawn where there are more


@dataclass(frozen=True)
class Difference:
    r"""How far two things are apart, measured with the same seeds.

    Attributes
    ----------
    mean : float
        Mean of the differences, first minus second.
    low, high : float
        Student's t interval for it.
    effect : float
        Mean divided by the standard deviation of the differences, Cohen's :math:`d_z`. Infinite
        where all differences are equal, NaN where all are 0.
    p : float
        p-value, two-sided, of the test that flips signs.
    n : int
        Seeds.
    """

    mean: float
    low: float
    high: float
    effect: float
    p: float
    n: int


def paired(a: ArrayLike, b: ArrayLike, *, level: float = 0.95, seed: int = 0) -> Difference:
    r"""Compare two things that were measured with the same seeds.

    Parameters
    ----------
    a, b : array_like, shape (seeds,)
        Entry i of both comes from the same seed.
    level : float
        Coverage of the interval, between 0 and 1.
    seed : int
        For the signs that are drawn, where there are more than 20 seeds.

    Returns
    -------
    Difference
        Of a - b.

    Raises
    ------
    ValueError
        If the shapes differ or are not one row of two seeds or more, a number is infinite or NaN,
        or the level is not between 0 and 1.

    Notes
    -----
    The interval is that of `t_interval`. The effect size is Cohen's :math:`d_z`
    :cite:p:`cohen1988statistical`, without Hedges' correction: with 16 seeds it is 5 % too large on
    average.

    The test is Fisher's :cite:p:`fisher1935design`: if nothing but chance told a from b, each
    difference could as well have the other sign. p is the share of all choices of signs with which
    the mean is at least as far from 0. Up to 20 seeds, all are looked at, so 16 seeds reach no
    p-value below :math:`2^{-15}`. Above, 9,999 are drawn, and the one observed is counted with them
    :cite:p:`phipson2010permutation`.

    Examples
    --------
    >>> result = paired([3.0, 4.0, 6.0, 7.0], [2.0, 3.0, 4.0, 5.0])
    >>> result.mean, round(result.effect, 3), result.p, result.n
    (1.5, 2.598, 0.125, 4)
    """
    a, b = _numbers("a", a), _numbers("b", b)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise ValueError(
            f"a has shape {a.shape} and b {b.shape}; expected two rows of the same length, "
            f"with one number for each seed and at least 2 seeds"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError(
            "a or b holds an infinite number or NaN; expected finite ones. Where a training "
            "diverged, compare accuracies instead of losses, or use a smaller learning rate"
        )
    differences = a - b
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    low, high = t_interval(differences, level=level)
    # 0.9 - 0.8 and 0.7 - 0.6 are equal but for what rounding left
    rounding = 4 * np.finfo(np.float64).eps * float(max(np.abs(a).max(), np.abs(b).max()))
    if spread > rounding:
        effect = mean / spread
    else:
        effect = math.copysign(math.inf, mean) if abs(mean) > rounding else math.nan
    p = _sign_flip_p(differences, rounding * len(a), seed)
    return Difference(mean, float(low), float(high), effect, p, len(a))


def _sign_flip_p(differences: Array, rounding: float, seed: int) -> float:
    """Return how often flipped signs bring the sum at least as far from 0."""
    reached = abs(differences.sum()) - rounding
    if len(differences) > _EXACT_UP_TO:
        rng = np.random.default_rng(seed)
        signs = rng.choice([-1.0, 1.0], size=(_SIGN_FLIPS, len(differences)))
        hits = int((np.abs(signs @ differences) >= reached).sum())
        return (hits + 1) / (_SIGN_FLIPS + 1)
    sums = differences[:1]  # the other sign of the first mirrors all sums
    for one in differences[1:]:
        sums = np.concatenate([sums + one, sums - one])
    return float((np.abs(sums) >= reached).mean())


def holm(p_values: ArrayLike) -> Array:
    r"""Correct p-values for the number of tests.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none may become smaller than
    the one before it, or larger than 1.

    Parameters
    ----------
    p_values : array_like, shape (tests,)
        One for each test, each from 0 to 1, in any order.

    Returns
    -------
    ndarray of float64, shape (tests,)
        In the order given. Calling significant what is at most :math:`\alpha` is wrong anywhere
        among the tests with a probability of at most :math:`\alpha`, however they depend on each
        other.

    Raises
    ------
    ValueError
        If they are not one row of numbers from 0 to 1.

    Notes
    -----
    Holm, 1979 :cite:p:`holm1979simple`.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p = _numbers("p_values", p_values)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p_values are {p_values!r}; expected one row of numbers from 0 to 1")
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    factors = len(p) - np.arange(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p[order]), 1)
    return adjusted


# ---------------------------------------------------------------------------------------------
# What a test can find
# ---------------------------------------------------------------------------------------------


def power(effect: ArrayLike, n: int, *, level: float = 0.95) -> Any:
    r"""Return how probably a paired t test finds a true difference.

    .. math:: P\left( \left| \frac{Z + d \sqrt n}{S} \right| > t \right)

    :math:`Z` is a standard normal variable, :math:`S` the standard deviation that n normal
    differences show, divided by the true one, and :math:`t` the quantile of `t_interval`.

    Parameters
    ----------
    effect : array_like
        The true difference in units of the standard deviation of the differences, Cohen's
        :math:`d_z`. Its sign does not matter.
    n : int
        Seeds.
    level : float
        1 minus the significance at which the test, two-sided, calls a difference found.

    Returns
    -------
    ndarray or scalar of float64
        The shape of `effect`; at an effect of 0, ``1 - level``. At levels up to 0.99999, the error
        is below :math:`10^{-10}`.

    Raises
    ------
    ValueError
        If the seeds are not an integer from 2 on, or the level is not between 0 and 1.

    Notes
    -----
    Cohen, 1988 :cite:p:`cohen1988statistical`. The quotient has the noncentral t distribution. Its
    normal probability, known for each S, is averaged over the chi distribution of S with the
    Gauss-Legendre rule.

    For normal differences, the test of `paired` finds nearly as much, but has no p-value below
    :math:`2^{1-n}`: with 5 seeds or fewer, it finds nothing at 95 %.

    Examples
    --------
    >>> power([0, 0.5, 1], 16).round(3)
    array([0.05 , 0.465, 0.962])
    """
    _check_level(level)
    check_integer("n", n, least=2)
    return _power(_numbers("effect", effect), n, _student_quantile(level, n - 1))


_FAR = 9.0  # standard deviations, beyond which a normal variable hardly ever is: 1e-19


@cache
def _legendre() -> tuple[Array, Array]:
    """Return nodes and weights of the rule, which take longer than all the rest."""
    return np.polynomial.legendre.leggauss(100)


def _power(effect: Array, n: int, quantile: float) -> Any:
    """Return the probability that a noncentral t is beyond a quantile, on both sides."""
    # S is a chi variable divided by sqrt(n - 1). Where its normal probability falls from 1 to 0,
    # which may be in a small part of where chi lies, the rule has its nodes to itself.
    root = math.sqrt(n - 1)
    shift = np.abs(effect)[..., np.newaxis] * math.sqrt(n)
    ends = max(root - _FAR, np.finfo(np.float64).tiny), root + _FAR  # the density takes logarithms
    falls = np.clip((shift + np.array([-_FAR, _FAR])) * (root / quantile), *ends)
    edges = np.concatenate([np.full_like(shift, ends[0]), falls, np.full_like(shift, ends[1])], -1)
    middles, halves = (edges[..., 1:] + edges[..., :-1]) / 2, np.diff(edges) / 2
    nodes, weights = _legendre()
    shape = (*effect.shape, 3 * len(nodes))
    chi = (middles[..., np.newaxis] + halves[..., np.newaxis] * nodes).reshape(shape)
    weights = (halves[..., np.newaxis] * weights).reshape(shape)
    # the density, up to a factor, without powers that would overflow
    weights *= np.exp((n - 2) * np.log(chi / root) - (chi - root) * (chi + root) / 2)
    beyond = _normal(shift - quantile / root * chi) + _normal(-shift - quantile / root * chi)
    return ((weights * beyond).sum(axis=-1) / weights.sum(axis=-1))[()]


def _normal(x: Array) -> Array:
    """Return the probability that a standard normal variable is below x."""
    return np.vectorize(math.erfc, otypes=[np.float64])(-x / math.sqrt(2)) / 2


def detectable(n: int, *, power: float = 0.8, level: float = 0.95, tests: int = 1) -> float:
    r"""Return the smallest effect that a paired t test finds with a given probability.

    Parameters
    ----------
    n : int
        Seeds.
    power : float
        The probability to find it, from above the significance to below 1.
    level : float
        1 minus the significance of all tests together.
    tests : int
        How many differences are tested. Each is then tested at a significance divided by their
        number, Bonferroni's correction, so that anything false is found with a probability of at
        most ``1 - level``. `holm` finds at least as much.

    Returns
    -------
    float
        Cohen's :math:`d_z`, as `power` takes it.

    Raises
    ------
    ValueError
        If the seeds are not an integer from 2 on, or the tests one from 1 on, the level is not
        between 0 and 1, or the power is not between the significance and 1.

    Notes
    -----
    Cohen, 1988 :cite:p:`cohen1988statistical`. Found by bisection, to 10 digits.

    The test of `paired` needs more seeds, the more tests there are: with 28, whose significance is
    0.05 / 28, it finds nothing with 10 seeds or fewer, because :math:`2^{-9}` is more than that.

    Examples
    --------
    >>> round(detectable(16), 2), round(detectable(64), 2), round(detectable(16, tests=28), 2)
    (0.75, 0.36, 1.19)
    """
    _check_level(level)
    check_integer("n", n, least=2)
    check_integer("tests", tests)
    significance = (1 - level) / tests
    if not significance < power < 1:
        raise ValueError(
            f"power is {power!r}; expected a number between {significance:.3g}, with which a "
            f"test finds what is not there, and 1"
        )
    quantile = _student_quantile(1 - significance, n - 1)
    low, high = 0.0, 1.0
    while _power(np.asarray(high), n, quantile) < power:
        low, high = high, 2 * high
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        found = _power(np.asarray(middle), n, quantile) >= power
        low, high = (low, middle) if found else (middle, high)
    return high


# ---------------------------------------------------------------------------------------------
# The results of a comparison
# ---------------------------------------------------------------------------------------------

Combination = tuple[str, str]  # of an activation's name and a setting's label


@dataclass(frozen=True)
class Row:
    """One network, trained with the learning rate that was tuned for its kind.

    Attributes
    ----------
    activation, setting : str
        Name and label.
    seed : int
        Of the first weights and of the order of the batches.
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


@dataclass(frozen=True)
class Tuning:
    """How the learning rate of one activation and setting was chosen.

    Attributes
    ----------
    activation, setting : str
        Name and label.
    learning_rates : tuple of float
        What was tried, from small to large.
    validation : tuple of float
        The score on validation data for each, mean over the tuning seeds; a network that diverged
        has accuracy 0 or an infinite loss.
    learning_rate : float
        The best of them; of several, the one farthest from both ends, and of these the smaller.
    at_edge : bool
        Whether it is the smallest or the largest.
    """

    activation: str
    setting: str
    learning_rates: tuple[float, ...]
    validation: tuple[float, ...]
    learning_rate: float
    at_edge: bool


@dataclass(frozen=True, repr=False)
class Comparison:
    """What `compare` found; printed, it is a table.

    Attributes
    ----------
    rows : list of Row
        One for each activation, setting and seed, in this order; ``pandas.DataFrame(rows)`` takes
        them as they are.
    tuning : list of Tuning
        One for each activation and setting.
    score : str
        ``"accuracy"`` or ``"loss"``.
    level : float
        Coverage of all intervals.
    baseline : (activation, setting), optional
        What all others are compared with, where nothing else is said.
    """

    rows: list[Row]
    tuning: list[Tuning]
    score: str
    level: float = 0.95
    baseline: Combination | None = None
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
        for tuned in self.tuning:
            combination = tuned.activation, tuned.setting
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
        baseline : str or (activation, setting), optional
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
        own = _find_combination(chosen, self._by_combination)
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
            A title, a line of headings, and one line for each activation and setting.
        """
        title = f"test {self.score}: mean of {len(self.seeds)} seeds, {self.level:.3g} t interval"
        cells = [["activation", "setting", "learning_rate", "mean", "low", "high"]]
        differences: dict[Combination, Difference] = {}
        if self.baseline is not None:
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
        notes = ["* at the edge of the learning rates tried"] * any(t.at_edge for t in self.tuning)
        return "\n".join([title, *_aligned(cells), *notes])

    def _tests(self, combination: Combination) -> list[float]:
        return [row.test for row in self._by_combination[combination]]


def _find_combination(wanted: Any, combinations: Iterable[Combination]) -> Combination:
    """Return the one combination that is meant by a pair, a name or a label."""
    listed = list(combinations)
    wanted = tuple(wanted) if isinstance(wanted, list | tuple) else wanted
    found = [pair for pair in listed if wanted in (pair, *pair)]
    if len(found) != 1:
        raise ValueError(
            f"baseline is {wanted!r}, which fits {len(found)} of what is compared; expected one "
            f"of {listed}, or a name or label that occurs in one of them alone"
        )
    return found[0]


def _aligned(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines of text, names to the left and numbers to the right of their columns."""
    widths = [max(map(len, column)) for column in zip_longest(*lines, fillvalue="")]
    for line in lines:
        padded = [
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=False))
        ]
        yield "  ".join(padded).rstrip()


# ---------------------------------------------------------------------------------------------
# Compare: tune, then train
# ---------------------------------------------------------------------------------------------

Pair = tuple[ArrayLike, ArrayLike]  # inputs and labels
Kind = tuple[Activation, Mapping[str, Any]]  # an activation and what its setting holds


def compare(
    activations: Sequence[str | Activation],
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    sizes: Sequence[int],
    data: tuple[Pair, Pair, Pair],
    learning_rates: Sequence[float],
    epochs: int,
    seeds: Sequence[int] = range(16),
    optimizer: Callable[[Any], Optimizer] = Momentum,
    batch_size: int | None = 64,
    loss: str | Loss = "cross_entropy",
    tuning_seeds: Sequence[int] = range(10_000, 10_003),
    score: str = "accuracy",
    edge: str = "raise",
    baseline: str | Combination | None = None,
    level: float = 0.95,
    dtype: DTypeLike = np.float32,
    replicas_at_once: int | None = None,
    progress: bool = False,
) -> Comparison:
    """Compare activations, each with the learning rate that suits it, over many seeds.

    For every activation and setting, all learning rates are tried with a few seeds of their own, as the
    replicas of one training, and the learning rate with the best score on the validation data is kept. Then
    the seeds of the comparison are trained with it, and only these networks see the test data.

    Parameters
    ----------
    activations : sequence of str or Activation
        Names of the catalogue.
    settings : mapping of str to mapping, optional
        For each label the arguments of `course_lib.network.mlp` that it sets, such as
        ``{"initialization": "xavier"}``, and ``"optimizer"`` if it has its own. By default a single
        setting, ``"default"``, that sets nothing.
    sizes : sequence of int
        Units of each layer, from input to output; a setting may have others.
    data : triple of (x, y)
        For training, validation and test, as `course_lib.training.fit` takes them.
    learning_rates : sequence of float
        Learning rates to try.
    epochs, batch_size, loss
        As for `course_lib.training.fit`.
    seeds : sequence of int
        At least two. A seed determines a network's first weights, the order of its batches and what
        dropout drops, and is the same for every activation and setting: their scores are paired.
    optimizer : callable
        Makes an optimizer from an array with one learning rate for each replica; a class, such as ``Adam``,
        or a function.
    tuning_seeds : sequence of int
        Other ones than `seeds`.
    score : str
        ``"accuracy"`` or ``"loss"``, in tuning and in comparing.
    edge : str
        What to do where the best learning rate is the smallest or largest of `learning_rates`, so that the true best
        may lie outside: ``"raise"`` an error, or ``"note"`` it in the results.
    baseline : str or (activation, setting), optional
        What the table compares all others with; see `Comparison.against`.
    level : float
        Coverage of all intervals.
    dtype : dtype
        float32 or float64.
    replicas_at_once : int, optional
        Train no more networks than that at once, to need less memory. The results are the same but
        for rounding.
    progress : bool
        Show a bar for each training where someone can see it.

    Returns
    -------
    Comparison
        Which depends on the arguments alone; what one activation and setting scores does not depend
        on the others.

    Raises
    ------
    KeyError
        If an activation, initialization, loss or score is unknown.
    ValueError
        If something occurs twice, seeds are used for tuning and comparing, a number in the data is
        not finite, `optimizer` makes the same one twice, the best learning rate is at the edge, or as `mlp`
        and `fit` raise it. All but the edge is found before anything is trained.
    TypeError
        If something is not a sequence, mapping or callable as above, a setting has other arguments,
        or as `mlp` and `fit` do.

    Examples
    --------
    >>> from course_lib import data
    >>> result = compare(
    ...     ["sigmoid", "tanh"], sizes=[2, 8, 2], data=[data.moons(50, seed=i) for i in range(3)],
    ...     learning_rates=[0.01, 0.1, 1.0, 10.0], epochs=5, batch_size=10, score="loss", seeds=range(4),
    ... )
    >>> result.scores.shape
    (2, 1, 4)
    >>> [line.learning_rate for line in result.summary()]
    [1.0, 0.1]
    """
    _check_sequence("activations", activations, "['relu', 'tanh']")
    _check_sequence("learning_rates", learning_rates, "[0.01, 0.1, 1.0]")
    names = [catalogue.get(activation) for activation in activations]
    options = {"default": {}} if settings is None else settings
    _check_settings(options)
    grid = sorted(float(learning_rate) for learning_rate in learning_rates)
    _check_choice("score", score, ["accuracy", "loss"])
    _check_choice("edge", edge, ["raise", "note"])
    _check_distinct("activations", [activation.name for activation in names], 1)
    _check_distinct("settings", list(options), 1)
    _check_distinct("learning_rates", grid, 3 if edge == "raise" else 1)
    seeds, tuning_seeds = _check_seeds(seeds, tuning_seeds)
    _check_level(level)
    if replicas_at_once is not None:
        check_integer("replicas_at_once", replicas_at_once)
    kinds = {
        (activation.name, label): (activation, setting)
        for activation in names
        for label, setting in options.items()
    }
    chosen = None if baseline is None else _find_combination(baseline, kinds)
    task = _Task(
        sizes, _three_pairs(data, dtype), optimizer, epochs, batch_size, get_loss(loss), score,
        dtype, replicas_at_once, progress,
    )  # fmt: skip
    for kind in kinds.values():
        task.rehearse(kind, grid, tuning_seeds, len(seeds))
    tuning = [task.tune(key, kind, grid, tuning_seeds) for key, kind in kinds.items()]
    if edge == "raise":
        _check_edges(tuning)
    rows: list[Row] = []
    for tuned, (key, kind) in zip(tuning, kinds.items(), strict=True):
        measured = task.train(
            kind, [tuned.learning_rate] * len(seeds), seeds, ["validation", "test"]
        )
        for seed, values in zip(seeds, measured.tolist(), strict=True):
            rows.append(Row(*key, int(seed), tuned.learning_rate, *values))
    return Comparison(rows, tuning, score, level, chosen)


@dataclass(frozen=True)
class _Task:
    """What all trainings of a comparison share."""

    sizes: Sequence[int]
    data: Mapping[str, tuple[Array, Array]]
    optimizer: Callable[[Any], Optimizer]
    epochs: int
    batch_size: int | None
    rule: Loss
    score: str
    dtype: DTypeLike
    at_once: int | None
    progress: bool

    def tune(
        self, key: Combination, kind: Kind, learning_rates: Sequence[float], seeds: Sequence[int]
    ) -> Tuning:
        """Train all learning rates with all seeds at once; return which learning rate is best."""
        each_rate, each_seed = (
            np.repeat(learning_rates, len(seeds)),
            list(seeds) * len(learning_rates),
        )
        measured = self.train(kind, each_rate, each_seed, ["validation"])
        means = measured[:, 1].reshape(len(learning_rates), len(seeds)).mean(axis=1)
        best = _best(np.where(means > 0, means, -np.inf) if self.score == "accuracy" else -means)
        at_edge = best in (0, len(learning_rates) - 1)
        return Tuning(
            *key, tuple(learning_rates), tuple(means.tolist()), learning_rates[best], at_edge
        )

    def train(
        self, kind: Kind, learning_rates: Any, seeds: Sequence[int], parts: Sequence[str]
    ) -> Array:
        """Return training loss and scores on parts of the data: (replicas, 1 + parts)."""
        measured = []
        step = self.at_once or len(seeds)
        for start in range(0, len(seeds), step):
            some = slice(start, start + step)
            network = self.network(kind, seeds[some])
            history = fit(
                network,
                *self.data["train"],
                optimizer=self.make_optimizer(kind, learning_rates[some]),
                loss=self.rule,
                epochs=self.epochs,
                batch_size=self.batch_size,
                # all examples at once have no order, and need not be copied for each replica
                seed=0 if self.batch_size is None else seeds[some],
                progress=self.progress,
            )
            columns = [_or_infinite(history.train_loss[:, -1])]
            columns += [self.measure(network, part) for part in parts]
            measured.append(np.stack(columns, axis=1))
        return np.concatenate(measured)

    def network(self, kind: Kind, seeds: Sequence[int]) -> Network:
        """Return the networks of some seeds before training."""
        activation, setting = kind
        own = {"sizes": self.sizes} | dict(setting)
        own.pop("optimizer", None)
        return mlp(activation=activation, seed=seeds, dtype=self.dtype, **own)

    def make_optimizer(self, kind: Kind, learning_rates: Any) -> Optimizer:
        """Return an optimizer with a learning rate for each replica."""
        make: Callable[[Any], Optimizer] = kind[1].get("optimizer", self.optimizer)
        if not callable(make):
            raise TypeError(
                f"optimizer is {make!r}; expected what makes one from learning rates: a class, such as "
                f"Momentum, or a function"
            )
        return make(np.array(learning_rates))

    def measure(self, network: Network, part: str) -> Array:
        """Return the score of every replica; one that diverged has the worst there is."""
        x, y = self.data[part]
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = network(x)
            if self.score == "loss":
                return _or_infinite(self.rule.function(outputs, y))
            diverged = ~np.isfinite(outputs).all(axis=(-2, -1))
            return np.where(diverged, 0.0, accuracy_for(self.rule, outputs, y))

    def rehearse(
        self, kind: Kind, learning_rates: Sequence[float], tuning_seeds: Sequence[int], n_seeds: int
    ) -> None:
        """Do everything but training, so that what cannot work is known before the work."""
        network = self.network(kind, tuning_seeds[:1])
        optimizer = self.check_optimizers(
            kind, network, np.repeat(learning_rates, len(tuning_seeds))
        )
        self.check_optimizers(kind, network, np.repeat(learning_rates[0], n_seeds))
        check_smallest_batch(network, len(self.data["train"][0]), self.batch_size)
        for part, (x, y) in self.data.items():
            check_fit_arguments(x, y, optimizer, self.epochs, self.batch_size)
            with np.errstate(over="ignore", invalid="ignore"):
                self.rule.function(network(x), y)
            if np.isnan(self.measure(network, part)).any():
                raise ValueError(f"{self.rule.name!r} has no accuracy; expected score='loss'")

    def check_optimizers(self, kind: Kind, network: Network, learning_rates: Array) -> Optimizer:
        """Make the optimizers of a training of all learning rates; return the last, or raise an error."""
        step = self.at_once or len(learning_rates)
        for start in {0, (len(learning_rates) - 1) // step * step}:  # the last part may be smaller
            some = learning_rates[start : start + step]
            optimizer = self.make_optimizer(kind, some)
            # of the right shape and dtype, which is all that is looked at
            parameters = {
                name: np.empty((len(some), *value.shape[1:]), value.dtype)
                for name, value in network.parameters.items()
            }
            check_moves(optimizer, parameters)
            if self.make_optimizer(kind, some) is optimizer:
                raise ValueError(
                    f"optimizer makes the same {type(optimizer).__name__} in each call; expected "
                    f"is a new one for each training, such as lambda rates: Momentum(rates)"
                )
        return optimizer


def _best(quality: Array) -> int:
    """Return where the largest is; of several, the one farthest from both ends."""
    if not quality.max() > -np.inf:
        return 0  # all diverged, so a smaller learning rate is needed
    # means of equal scores in another order differ by their rounding
    candidates = np.flatnonzero(quality >= quality.max() - 1e-12)
    to_end = np.minimum(candidates, len(quality) - 1 - candidates)
    return int(candidates[to_end.argmax()])


def _or_infinite(losses: Any) -> Array:
    """Return losses in float64, infinite where they are NaN."""
    losses = np.asarray(losses, dtype=np.float64)
    return np.where(np.isnan(losses), np.inf, losses)


def _three_pairs(data: Any, dtype: DTypeLike) -> dict[str, tuple[Array, Array]]:
    """Return the parts of the data by name, inputs in the network's dtype."""
    parts = list(data) if isinstance(data, list | tuple) else []
    if len(parts) != 3 or not all(isinstance(p, list | tuple) and len(p) == 2 for p in parts):
        raise TypeError(
            f"data is a {type(data).__name__} of {len(parts)}; expected three pairs of inputs "
            f"and labels, for training, validation and test"
        )
    found = {}
    for part, pair in zip(("train", "validation", "test"), parts, strict=True):
        told = "training" if part == "train" else part
        names = [f"x of the {told} data", f"y of the {told} data"]
        x, y = map(as_array, names, pair)
        with np.errstate(over="ignore"):  # what becomes infinite is told
            found[part] = x.astype(dtype), y
        for name, values in zip(names, found[part], strict=True):
            check_finite(name, values)
    return found


def _check_sequence(name: str, given: Any, example: str) -> None:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"{name} is {given!r}; expected a sequence, such as {example}")


def _check_settings(given: Any) -> None:
    """Raise TypeError unless each label has arguments that a setting may have."""
    if not isinstance(given, Mapping) or not all(isinstance(s, Mapping) for s in given.values()):
        raise TypeError(
            f"settings are {given!r}; expected a mapping of labels to mappings, such as "
            f"{{'xavier': {{'initialization': 'xavier'}}}}"
        )
    shared = ("activation", "seed", "dtype")
    arguments = [*(name for name in signature(mlp).parameters if name not in shared), "optimizer"]
    for label, setting in given.items():
        for name in setting:
            if name not in arguments:
                raise TypeError(unknown_name(f"argument of setting {label!r}", name, arguments))


def _check_choice(name: str, given: str, accepted: Sequence[str]) -> None:
    if given not in accepted:
        raise KeyError(unknown_name(name, given, accepted))


def _check_distinct(name: str, given: Sequence[Any], at_least: int) -> None:
    if len(given) < at_least:
        hint = ", so that one lies inside; or pass edge='note'" if name == "learning_rates" else ""
        raise ValueError(f"{name} are {list(given)}; at least {at_least} are needed{hint}")
    if len(set(given)) < len(given):
        raise ValueError(f"{name} are {list(given)}; expected each once")


def _check_seeds(seeds: Any, tuning_seeds: Any) -> tuple[list[int], list[int]]:
    both = []
    for name, given, at_least in (("seeds", seeds, 2), ("tuning_seeds", tuning_seeds, 1)):
        own = as_seeds(given)[0]
        if not all(isinstance(seed, int | np.integer) for seed in own):
            raise TypeError(f"{name} are {given!r}; expected integers from 0 on")
        both.append([int(seed) for seed in own if isinstance(seed, int | np.integer)])
        _check_distinct(name, both[-1], at_least)
    shared = sorted(set(both[0]) & set(both[1]))
    if shared:
        raise ValueError(
            f"seeds {shared} are there for tuning and for comparing; a learning rate would be judged by the "
            f"networks that it was chosen for; expected other tuning_seeds"
        )
    return both[0], both[1]


def _check_edges(tuning: Sequence[Tuning]) -> None:
    """Raise ValueError if a best learning rate may lie outside of those that were tried."""
    found = [
        f"{tuned.learning_rate:g} for {tuned.activation!r} ({tuned.setting}), the "
        f"{'smallest' if tuned.learning_rate == tuned.learning_rates[0] else 'largest'} tried"
        for tuned in tuning
        if tuned.at_edge
    ]
    if found:
        raise ValueError(
            f"the best learning rate is {', and '.join(found)}; the true best may lie outside, so widen "
            f"rates there, or pass edge='note'"
        )
