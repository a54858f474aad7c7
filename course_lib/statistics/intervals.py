"""Intervals for a mean and for a proportion."""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_integer, as_number, as_numbers, check_integer, scipy_module
from course_lib._typing import Array, ArrayOrScalar

__all__ = ["bootstrap_interval", "crossed_interval", "t_interval", "wilson_interval"]


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
    exponent = exponent_of(rows)
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
    n, exponent = len(values), exponent_of(values)
    if exponent.any():
        values = np.ldexp(values, -exponent)
    # a loss that diverged is infinite, an end may be
    with np.errstate(invalid="ignore", over="ignore"):
        mean = values.mean(axis=0)
        # in parts, so that many samples are never copied as a whole
        parts = (values[start : start + 2048] - mean for start in range(0, n, 2048))
        squares = sum(np.square(part, out=part).sum(axis=0) for part in parts)
        half = quantile_of_t(level, n - 1) * np.sqrt(squares / (n - 1)) / math.sqrt(n)
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
    exponent = int(exponent_of(values.ravel()))
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
    half = quantile_of_t(level, own) * math.sqrt(variance)
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


def quantile_of_t(level: float, degrees: float) -> float:
    """Return the t that Student's variable stays within, on both sides, with that probability."""
    return upper_quantile_of_t((1 - level) / 2, degrees)


def upper_quantile_of_t(tail: float, degrees: float) -> float:
    """Return the t that Student's variable is above with that probability."""
    return -float(scipy_module("special").stdtrit(degrees, tail))


def exponent_of(values: Array) -> Array:
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
