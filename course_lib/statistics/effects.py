"""The power of a paired test, the effect that it can find, and the seeds that it needs."""

import math

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_number, as_numbers, check_integer, scipy_module
from course_lib._typing import Array, ArrayOrScalar
from course_lib.statistics.intervals import (
    check_level,
    quantile_of_t,
    upper_quantile_of_t,
)

__all__ = ["detectable", "power", "seeds_needed"]


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
    return _power(as_numbers("effect", effect), n, quantile_of_t(level, n - 1))


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
    check_integer("n", n, least=2)
    significance = _significance(power, level, tests)
    quantile = upper_quantile_of_t(significance / 2, n - 1)

    def missing(effect: float) -> float:
        return float(_power(np.asarray(effect), n, quantile)) - power

    high = 1.0
    while missing(high) < 0:
        high *= 2
    return float(scipy_module("optimize").brentq(missing, 0.0, high, xtol=1e-15, rtol=1e-12))


_MOST_SEEDS = 10**9  # beyond, the power of neighbors differs by less than its error


def seeds_needed(effect: float, *, power: float = 0.8, level: float = 0.95, tests: int = 1) -> int:
    r"""Return how many seeds a paired t test needs to find an effect with a given probability.

    Parameters
    ----------
    effect : float
        The true difference in units of the standard deviation of the differences, Cohen's
        :math:`d_z`, as `power` takes it. Its sign does not matter.
    power, level, tests
        As for `detectable`.

    Returns
    -------
    int
        The smallest n, from 2 on, with which the power is reached.

    Raises
    ------
    ValueError
        If the effect is 0, not one finite number, or so small that more than a billion seeds were
        needed, the tests are not an integer from 1 on, the level is not between 0 and 1, or the
        power is not between the significance and 1.

    Notes
    -----
    Cohen, 1988 :cite:p:`cohen1988statistical`. The power grows with n, so that the integer is
    found by halving an interval.

    An effect that was estimated from a few seeds is itself uncertain: `paired` gives an interval
    for the difference, and its end near 0 asks for more seeds than its middle. The test of `paired`
    has no p-value below :math:`2^{1-n}`; it finds nothing with fewer than 6 seeds at 95 %, however
    large the effect.

    Examples
    --------
    >>> seeds_needed(0.5), seeds_needed(0.25), seeds_needed(0.5, tests=28)
    (34, 128, 68)
    """
    size = abs(as_number("effect", effect))
    significance = _significance(power, level, tests)
    if size == 0:
        raise ValueError("effect is 0; no number of seeds finds it; expected another number")

    def found(n: int) -> bool:
        quantile = upper_quantile_of_t(significance / 2, n - 1)
        return float(_power(np.asarray(size), n, quantile)) >= power

    few, enough = 1, 2
    while not found(enough):
        few, enough = enough, 2 * enough
        if few >= _MOST_SEEDS:
            raise ValueError(
                f"effect is {effect!r}; a power of {power:g} needs more than {_MOST_SEEDS:,} "
                f"seeds; expected a larger effect"
            )
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if found(middle) else (middle, enough)
    return enough


def _significance(power: float, level: float, tests: int) -> float:
    """Return that of each test, or raise ValueError where a power is not above it."""
    check_level(level)
    check_integer("tests", tests)
    significance = (1 - level) / tests
    if not significance < as_number("power", power) < 1:
        raise ValueError(
            f"power is {power!r}; expected a number between {significance:.3g}, with which a "
            f"test finds what is not there, and 1"
        )
    return significance
