"""Intervals for what an experiment measured over seeds.

One number from one seed is an anecdote. Everything here takes what was measured over seeds and
says how far the mean, or a share, may be from the truth.
"""

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["bootstrap_interval", "wilson_interval"]

Array = NDArray[Any]


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
    values = np.moveaxis(np.asarray(samples, dtype=np.float64), axis, 0)
    _check_level(level)
    n = len(values)
    if n < 2:
        raise ValueError(f"{n} samples along axis {axis}; an interval needs at least 2")
    if resamples < 1:
        raise ValueError(f"resamples is {resamples!r}; accepted is 1 or more, 2000 by default")
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    means = np.tensordot(counts / n, values, axes=1)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low, high


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
    k, n = (np.asarray(counts, dtype=np.float64) for counts in (successes, trials))
    _check_level(level)
    if not ((n >= 1) & (k >= 0) & (k <= n)).all():
        raise ValueError(f"{successes!r} successes in {trials!r} trials; accepted are 0 to trials")
    z = NormalDist().inv_cdf((1 + level) / 2)
    center = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(k * (n - k) / n + z * z / 4)
    # at the ends the formula gives 0 and 1 but for rounding
    return np.where(k == 0, 0.0, center - half)[()], np.where(k == n, 1.0, center + half)[()]


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}; accepted is a number between 0 and 1, such as 0.95")
