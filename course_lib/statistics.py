"""Statistics over seeds: intervals, paired differences, corrections and the power of a test.

One number from one seed is an anecdote. Everything here takes what was measured over seeds and says
how far the mean, a proportion, or the difference between two things may be from the truth.

Quantiles, the noncentral t distribution and root finding are those of SciPy, which is imported when
it is first used. The rest is our own where SciPy's form takes no arrays (Wilson) or too much memory
for them (the bootstrap), counts sums wrongly that are equal but for rounding (flipped signs) or is
missing (Holm), a few lines each; ``benchmarks/intervals.py`` measures them beside SciPy.
statsmodels has Holm and power, but would bring pandas and patsy for ten lines.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_integer, as_number, as_numbers, check_integer, scipy_module
from course_lib._typing import Array, ArrayOrScalar

__all__ = [
    "Difference",
    "bootstrap_interval",
    "crossed_interval",
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


_COUNTS = 2**22  # how often each sample is drawn, of so many samples and resamples at once


def bootstrap_interval(
    samples: ArrayLike, *, axis: int = 0, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[ArrayOrScalar, ArrayOrScalar]:
    r"""Return a bootstrap interval for the mean: BCa with the tails of Student's t.

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
        The shape of `samples` without `axis`; never beyond the smallest and largest sample, so that
        equal samples give exactly their value. NaN where a sample is infinite or NaN.

    Raises
    ------
    ValueError
        If there are fewer than two samples, no resamples, or the level is not between 0 and 1.

    Notes
    -----
    At 95 % with 4, 8, 16 and 32 seeds, it covers the mean of normal samples in 87, 94, 94 and 94 %
    of all cases, and that of exponential ones in 81, 91, 93 and 93 %. With 4 seeds, take
    `t_interval`.

    BCa (Efron, 1987 :cite:p:`efron1987better`) corrects the bias and skewness of the resampled
    means. With few seeds these vary too little, and have no tails like Student's; so the normal
    quantile in BCa becomes :math:`\sqrt{n / (n - 1)}\, t` (Hesterberg, 2015
    :cite:p:`hesterberg2015what`). BCa alone covers 80, 88, 91 and 93 % with normal samples, the
    quantiles of the resampled means alone the same.

    Examples
    --------
    >>> low, high = bootstrap_interval(np.arange(100.0))
    >>> bool(low < 49.5 < high)
    True
    """
    values = _along(samples, axis, level)
    check_integer("resamples", resamples)
    n, special = len(values), scipy_module("special")
    rows = values.reshape(n, -1)
    finite = np.isfinite(rows).all(axis=0)
    rows = np.where(finite, rows, 0.0)
    exponent = _exponent(rows)
    rows = np.ldexp(rows, -exponent)
    center = rows.mean(axis=0)
    apart = rows - center
    rng, at_once = np.random.default_rng(seed), max(1, _COUNTS // n)
    counts = (
        rng.multinomial(n, np.full(n, 1 / n), size=min(at_once, resamples - start))
        for start in range(0, resamples, at_once)
    )
    means = np.sort(np.concatenate([some @ apart for some in counts]) / n, axis=0)

    tie = 1e-12 * np.abs(apart).max(axis=0)  # equal but for rounding
    below = ((means < -tie).mean(axis=0) + (means <= tie).mean(axis=0)) / 2
    bias = special.ndtri(np.clip(below, 0.5 / resamples, 1 - 0.5 / resamples))
    cubes, squares = (apart**3).sum(axis=0), (apart**2).sum(axis=0)
    acceleration = np.divide(cubes, 6 * squares**1.5, out=np.zeros_like(cubes), where=squares > 0)
    tail = math.sqrt(n / (n - 1)) * special.stdtrit(n - 1, (1 - level) / 2)
    shifted = bias + np.array([[tail], [-tail]])
    quantile = special.ndtr(bias + shifted / np.maximum(1 - acceleration * shifted, 1e-9))

    place = quantile * (resamples - 1)
    under = np.floor(place).astype(int)
    lower, upper = (
        np.take_along_axis(means, np.minimum(k, resamples - 1), axis=0) for k in (under, under + 1)
    )
    ends = center + lower + (place - under) * (upper - lower)
    ends = np.ldexp(np.clip(ends, rows.min(axis=0), rows.max(axis=0)), exponent)
    ends = np.where(finite, ends, np.nan)
    low, high = ends.reshape(2, *values.shape[1:])
    return low[()], high[()]


def t_interval(
    samples: ArrayLike, *, axis: int = 0, level: float = 0.95
) -> tuple[ArrayOrScalar, ArrayOrScalar]:
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
    Student, 1908 :cite:p:`student1908probable`. For normal samples the coverage is exact with any
    number of seeds. At 95 % with 4, 8, 16 and 32 seeds, it covers the mean of exponential samples
    in 88, 89, 91 and 93 % of all cases; `bootstrap_interval` covers more from 8 on.

    Examples
    --------
    >>> low, high = t_interval([1.0, 2.0, 3.0])
    >>> round(float(low), 3), round(float(high), 3)
    (-0.484, 4.484)
    """
    values = _along(samples, axis, level)
    n, exponent = len(values), _exponent(values)
    if exponent.any():
        values = np.ldexp(values, -exponent)
    # a loss that diverged is infinite, an end may be
    with np.errstate(invalid="ignore", over="ignore"):
        mean = values.mean(axis=0)
        # in parts, so that many samples are never copied as a whole
        parts = (values[start : start + 2048] - mean for start in range(0, n, 2048))
        squares = sum(np.square(part, out=part).sum(axis=0) for part in parts)
        half = _quantile(level, n - 1) * np.sqrt(squares / (n - 1)) / math.sqrt(n)
        low, high = mean - half, mean + half
        if exponent.any():
            low, high = np.ldexp(low, exponent), np.ldexp(high, exponent)
        return low, high


def crossed_interval(samples: ArrayLike, *, level: float = 0.95) -> tuple[float, float]:
    r"""Return a t interval for a mean over seeds and test images, both of which were drawn.

    An interval over seeds alone does not show that other test images would give another mean, and
    no number of seeds changes that.

    Parameters
    ----------
    samples : array_like, shape (seeds, images)
        What each seed scored on each image, such as 1 where it was right.
    level : float
        Coverage aimed at, between 0 and 1.

    Returns
    -------
    low, high : float
        NaN if a sample is infinite or NaN.

    Raises
    ------
    ValueError
        If `samples` has no two axes, one of them is shorter than 2, or the level is not between 0
        and 1.

    Notes
    -----
    With the mean squares of a two-way analysis of variance, the variance of the mean is
    :math:`(M_\text{seeds} + M_\text{images} - M_\text{rest}) / (nm)`, and the degrees of freedom
    are Satterthwaite's :cite:p:`satterthwaite1946approximate`. At 95 %, with normal effects of 4,
    8, 16 or 32 seeds and of 200 images, it covers the mean in 94 to 98 % of all cases: more often
    where the seeds differ less.

    Examples
    --------
    >>> low, high = crossed_interval([[1, 0, 1, 1], [1, 0, 1, 0], [1, 1, 1, 0]])
    >>> round(float(low), 2), round(float(high), 2)
    (0.04, 1.3)
    """
    values = as_numbers("samples", samples)
    check_level(level)
    if values.ndim != 2 or min(values.shape) < 2:
        raise ValueError(
            f"samples has shape {values.shape}; expected (seeds, images), at least 2 of each"
        )
    n, m = values.shape
    if not np.isfinite(values).all():  # a loss that diverged is infinite
        return math.nan, math.nan
    exponent = int(_exponent(values.ravel()))
    values = np.ldexp(values, -exponent)
    mean = values.mean()
    of_seeds, of_images = (values.mean(axis=axis) - mean for axis in (1, 0))
    rest = values - mean - of_seeds[:, None] - of_images
    degrees = np.array([n - 1, m - 1, (n - 1) * (m - 1)])
    sums = np.array([m * (of_seeds**2).sum(), n * (of_images**2).sum(), (rest**2).sum()])
    parts = sums / degrees / (n * m) * [1, 1, -1]
    variance = max(parts.sum(), parts[:2].max())  # never less than of seeds or images alone
    if variance == 0:
        return float(np.ldexp(mean, exponent)), float(np.ldexp(mean, exponent))
    own = variance**2 / (parts[:2] ** 2 / degrees[:2]).sum()
    half = _quantile(level, own) * math.sqrt(variance)
    with np.errstate(over="ignore"):
        return np.ldexp(mean - half, exponent), np.ldexp(mean + half, exponent)


def _along(samples: ArrayLike, axis: int, level: float) -> Array:
    """Return samples with the seeds along the first axis, or raise an error."""
    values, axis = as_numbers("samples", samples), as_integer("axis", axis)
    check_level(level)
    if not -values.ndim <= axis < values.ndim:
        raise ValueError(f"axis is {axis}; expected one of samples, whose shape is {values.shape}")
    values = np.moveaxis(values, axis, 0)
    if len(values) < 2:
        raise ValueError(f"{len(values)} samples along axis {axis}; an interval needs at least 2")
    return values


def _quantile(level: float, degrees: float) -> float:
    """Return the t that Student's variable stays within, on both sides, with that probability."""
    return _upper((1 - level) / 2, degrees)


def _upper(tail: float, degrees: float) -> float:
    """Return the t that Student's variable is above with that probability."""
    return -float(scipy_module("special").stdtrit(degrees, tail))


def _exponent(values: Array) -> Array:
    """Return e, so that powers of the columns of values / 2**e neither over- nor underflow."""
    largest = np.maximum(values.max(axis=0), -values.min(axis=0))  # no copy of all, as abs would be
    usual = ((largest > 1e-90) & (largest < 1e90)) | (largest == 0) | ~np.isfinite(largest)
    return np.where(usual, 0, np.frexp(np.where(usual, 1, largest))[1])


def wilson_interval(
    successes: ArrayLike, trials: ArrayLike, *, level: float = 0.95
) -> tuple[ArrayOrScalar, ArrayOrScalar]:
    """Return Wilson's score interval for a proportion of successes.

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
    Wilson, 1927 :cite:p:`wilson1927probable`. At 95 % with 4, 8, 16 and 32 trials, it covers the
    true proportion in 96, 95, 95 and 95 % of all cases, averaged over proportions from 0 to 1;
    where one is close to 0 or 1, in 83 % at least.

    Examples
    --------
    >>> low, high = wilson_interval(256, 256)
    >>> round(float(low), 3), round(float(high), 3)
    (0.985, 1.0)
    """
    k, n = as_numbers("successes", successes), as_numbers("trials", trials)
    check_level(level)
    if not ((n >= 1) & np.isfinite(n) & (k >= 0) & (k <= n)).all():
        raise ValueError(
            f"{successes!r} successes in {trials!r} trials; expected 0 to trials, of at least 1"
        )
    z = NormalDist().inv_cdf((1 + level) / 2)
    center = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(k * (n - k) / n + z * z / 4)
    # at the ends the formula gives 0 and 1 but for rounding
    return np.where(k == 0, 0.0, center - half)[()], np.where(k == n, 1.0, center + half)[()]


def check_level(level: float) -> None:
    """Raise ValueError unless a coverage is between 0 and 1."""
    try:
        as_number("level", level, above=0, below=1)
    except ValueError as error:
        raise ValueError(f"{error}, such as 0.95") from None


# ---------------------------------------------------------------------------------------------
# Differences between what the same seeds gave
# ---------------------------------------------------------------------------------------------

_EXACT_UP_TO = 32  # seeds, for which all choices of signs are still counted
_DRAWN = 9_999  # choices of signs, where there are more


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
        For the signs that are drawn, where there are more than 32 seeds.

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
    difference could as well have the other sign. p is the proportion of all choices of signs with
    which the mean is at least as far from 0. Up to 32 seeds, all are counted, so 16 seeds reach no
    p-value below :math:`2^{-15}`. Above, 9,999 are drawn, and the one observed is counted with them
    :cite:p:`phipson2010permutation`. Differences that are equal but for the rounding of their own
    two numbers count as equal.

    Examples
    --------
    >>> result = paired([3.0, 4.0, 6.0, 7.0], [2.0, 3.0, 4.0, 5.0])
    >>> result.mean, round(result.effect, 3), result.p, result.n
    (1.5, 2.598, 0.125, 4)
    """
    a, b = as_numbers("a", a), as_numbers("b", b)
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
    huge = max(np.abs(a).max(), np.abs(b).max()) > 1e290
    if huge:  # so that no sum overflows
        a, b = np.ldexp(a, -64), np.ldexp(b, -64)
    differences = a - b
    # 0.9 - 0.8 and 0.7 - 0.6 are equal but for what rounding left; the rest is for sums of them
    rounding = 4 * np.maximum(np.abs(a), np.abs(b)) + len(a) * np.abs(differences)
    rounding *= np.finfo(np.float64).eps * (differences != 0)
    mean = float(differences.mean())
    low, high = t_interval(differences, level=level)
    least, most = (differences - rounding).max(), (differences + rounding).min()
    if least > most:
        scaled = np.ldexp(differences, -_exponent(differences))
        effect = float(scaled.mean()) / float(scaled.std(ddof=1))
    else:  # all are equal
        effect = math.nan if least <= 0 <= most else math.copysign(math.inf, mean)
    p = _sign_flip_p(differences * math.copysign(1, mean) - rounding, seed)
    if huge:
        with np.errstate(over="ignore"):
            mean, low, high = np.ldexp([mean, float(low), float(high)], 64).tolist()
    return Difference(mean, float(low), float(high), effect, p, len(a))


def _sign_flip_p(values: Array, seed: int) -> float:
    """Return how often flipped signs bring a sum above 0 at least as far from 0."""
    # They do where those that are flipped, or those that are not, have a sum of 0 or less. Counted
    # in this way, a value that is much larger than the others does not swallow them.
    n = len(values)
    if values.sum() <= 0:
        return 1.0
    if n <= _EXACT_UP_TO:
        sums, others = np.sort(_subset_sums(values[: n // 2])), _subset_sums(values[n // 2 :])
        return 2 * int(np.searchsorted(sums, -others, side="right").sum()) / 2**n
    # the largest is never flipped, because flipping all changes nothing
    others = np.delete(values, np.abs(values).argmax())
    raw = np.random.default_rng(
        seed
    ).bit_generator.random_raw  # bits, five times as fast as numbers
    bits = (np.arange(256)[:, np.newaxis] >> np.arange(8) & 1).astype(np.float64)
    flipped = np.zeros(_DRAWN)
    for eight in np.pad(others, (0, -len(others) % 8)).reshape(-1, 8):
        choices = raw(_DRAWN // 8 + 1).view(np.uint8)[:_DRAWN]  # which of eight, in a byte
        flipped += (bits @ eight)[choices.astype(np.intp)]
    hits = int(((flipped <= 0) | (flipped >= values.sum())).sum())
    return (hits + 1) / (_DRAWN + 1)


def _subset_sums(values: Array) -> Array:
    """Return the sums of all subsets of some values."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums


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
    p = as_numbers("p_values", p_values)
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


def power(effect: ArrayLike, n: int, *, level: float = 0.95) -> ArrayOrScalar:
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
    Cohen, 1988 :cite:p:`cohen1988statistical`. The quotient has the noncentral t distribution.

    For normal differences, the test of `paired` finds nearly as much, but has no p-value below
    :math:`2^{1-n}`: with 5 seeds or fewer, it finds nothing at 95 %.

    Examples
    --------
    >>> power([0, 0.5, 1], 16).round(3)
    array([0.05 , 0.465, 0.962])
    """
    check_level(level)
    check_integer("n", n, least=2)
    return _power(as_numbers("effect", effect), n, _quantile(level, n - 1))


_LARGEST = 9e4  # shift for which SciPy's series of the noncentral t still converges


def _power(effect: Array, n: int, quantile: float) -> ArrayOrScalar:
    """Return the probability that a noncentral t is beyond a quantile, on both sides."""
    # Of SciPy's forms, scipy.special.nctdtr and ncfdtr are NaN for some shifts and, in SciPy 1.14,
    # wrong by 6e-4; scipy.stats.nct.cdf is NaN on the far side, where nct.sf is not.
    beyond, shift = scipy_module("stats").nct.sf, np.abs(effect) * math.sqrt(n)
    near = beyond(quantile, n - 1, np.minimum(shift, _LARGEST))
    far = beyond(quantile, n - 1, -np.minimum(shift, 40))  # where it is 0
    with np.errstate(over="ignore"):  # beside such a shift, Z is nothing
        limit = scipy_module("special").chdtr(n - 1, (n - 1) * np.square(shift / quantile))
    return np.minimum(np.where(shift > _LARGEST, limit, near) + far, 1)[()]


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
    Cohen, 1988 :cite:p:`cohen1988statistical`. Correct to 10 digits.

    The test of `paired` needs more seeds, the more tests there are: with 28, whose significance is
    0.05 / 28, it finds nothing with 10 seeds or fewer, because :math:`2^{-9}` is more than that.

    Examples
    --------
    >>> round(detectable(16), 2), round(detectable(64), 2), round(detectable(16, tests=28), 2)
    (0.75, 0.36, 1.19)
    """
    check_level(level)
    check_integer("n", n, least=2)
    check_integer("tests", tests)
    significance = (1 - level) / tests
    if not significance < power < 1:
        raise ValueError(
            f"power is {power!r}; expected a number between {significance:.3g}, with which a "
            f"test finds what is not there, and 1"
        )
    quantile = _upper(significance / 2, n - 1)

    def missing(effect: float) -> float:
        return float(_power(np.asarray(effect), n, quantile)) - power

    high = 1.0
    while missing(high) < 0:
        high *= 2
    return float(scipy_module("optimize").brentq(missing, 0.0, high, xtol=1e-15, rtol=1e-12))
