"""Power, detectable effects and seeds needed against SciPy, statsmodels, mpmath, simulation."""

import numpy as np
import pytest
from mpmath import mp, mpf
from scipy import stats
from statistics_helpers import exact_quantile
from together import together

from course_lib.statistics import (
    detectable,
    paired,
    power,
    seeds_needed,
    t_interval,
    wilson_interval,
)

# ---------------------------------------------------------------------------------------------
# What a test can find
# ---------------------------------------------------------------------------------------------

LEVELS = [0.5, 0.95, 0.99, 1 - 0.05 / 28, 0.99999]


def scipy_power(effect, n, level):
    quantile, shift = stats.t.isf((1 - level) / 2, n - 1), np.abs(effect) * np.sqrt(n)
    # SciPy has NaN for some probabilities on the far side, which are below 1e-15
    other_side = np.nan_to_num(stats.nct.cdf(-quantile, n - 1, shift))
    return stats.nct.sf(quantile, n - 1, shift) + other_side


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 16, 33, 64, 300])
@together("level", LEVELS)
def test_the_power_is_that_of_scipy(n, level):
    effects = np.array([0, 1e-3, 0.1, -0.3, 0.5, 1, 2, 5])
    found = power(effects, n, level=level)
    np.testing.assert_allclose(found, scipy_power(effects, n, level), atol=1e-11)


@pytest.mark.parametrize(("effect", "n"), [(0.2, 5), (0.7, 16), (3, 3), (40, 2), (0.1, 1000)])
@pytest.mark.parametrize("level", LEVELS)
def test_the_power_is_that_of_exact_integration(effect, n, level):
    with mp.workdps(18):
        quantile = exact_quantile(level, n - 1)
        norm = 2 / mp.gamma(mpf(n - 1) / 2)
        root, shift = mp.sqrt(n - 1), effect * mp.sqrt(n)

        def integrand(u):
            density = norm * (u / 2**0.5) ** (n - 1) * mp.exp(-u * u / 2) / u
            normal = sum(mp.ncdf(s * shift - quantile * u / root) for s in (-1, 1))
            return density * normal

        near = [root + k for k in (-8, -4, -2, -1, 1, 2, 4, 8)]
        falls = [(shift + k) * root / quantile for k in (-8, -4, -2, -1, 1, 2, 4, 8)]
        places = sorted(p for p in {*near, *falls, root + 12} if 0 < p <= root + 12)
        expected = float(mp.quad(integrand, [0, *places]))
    assert power(effect, n, level=level) == pytest.approx(expected, abs=1e-10)


@together("n", [2, 7, 40])
@together("level", LEVELS)
def test_what_is_not_there_is_found_as_often_as_the_level_allows(n, level):
    assert power(0, n, level=level) == pytest.approx(1 - level, abs=1e-11)  # SciPy 1.14 has less


def test_the_power_of_many_effects_and_of_the_farthest():
    effects = np.array([[0.1, np.inf, 1e300], [-0.1, -np.inf, np.nan]])
    found = power(effects, 9)
    np.testing.assert_array_equal(found[:, 0], power(0.1, 9))
    np.testing.assert_allclose(found[:, 1:], [[1, 1], [1, np.nan]], rtol=1e-14)
    assert isinstance(power(1, 9), float)
    assert power([], 9).shape == (0,)
    assert (np.diff(power(np.linspace(0, 1.5, 50), 9)) > 0).all()


def test_a_t_test_finds_what_its_power_says():
    effect, n, runs = 0.6, 12, 20_000
    samples = np.random.default_rng(0).normal(effect, 1, (runs, n))
    low, high = t_interval(samples, axis=1)
    found = np.count_nonzero((low > 0) | (high < 0))
    low, high = wilson_interval(found, runs, level=0.999)
    assert low < power(effect, n) < high


@pytest.mark.parametrize(("n", "effect", "runs"), [(12, 0.9, 2000), (24, 0.6, 300)])
def test_flipping_signs_finds_nearly_as_much_as_the_t_test(n, effect, runs):
    samples = np.random.default_rng(1).normal(effect, 1, (runs, n))
    found = sum(paired(sample, np.zeros(n)).p <= 0.05 for sample in samples)
    low, high = wilson_interval(found, runs, level=0.999)
    assert low - 0.01 < power(effect, n) < high + 0.01
    assert 0.7 < power(effect, n) < 0.9


def test_with_five_seeds_flipping_signs_finds_nothing():
    assert paired([1.0, 1.1, 1.2, 1.3, 1.4], np.zeros(5)).p == 2**-4 > 0.05
    assert power(5, 5) > 0.99


@pytest.mark.parametrize("n", [2, 5, 16, 64])
@together("tests", [1, 28])
@together("target", [0.1, 0.8, 0.99])
def test_what_is_detectable_is_found_with_that_power(n, tests, target):
    effect = detectable(n, power=target, tests=tests)
    assert scipy_power(effect, n, 1 - 0.05 / tests) == pytest.approx(target, abs=1e-11)
    smaller = detectable(2 * n, power=target, tests=tests)
    assert smaller < effect < detectable(n, power=target, tests=tests, level=0.99)


def test_many_seeds_find_what_the_normal_theory_says():
    n = 20_000
    expected = (stats.norm.isf(0.025) + stats.norm.isf(0.2)) / np.sqrt(n)
    assert detectable(n) == pytest.approx(expected, rel=1e-4)


# ---------------------------------------------------------------------------------------------
# How many seeds
# ---------------------------------------------------------------------------------------------

STATSMODELS = {  # effect: TTestPower().solve_power(effect, alpha=, power=) of statsmodels 0.15.0
    0.05: (3141.4654741, 5199.8047891, 4674.9050662, 6294.4977575, 6790.9799576),
    0.1: (786.8089402, 1301.3933321, 1171.2156914, 1577.2837568, 1700.7656103),
    0.2: (198.1508210, 326.7952049, 295.2972730, 397.9806870, 428.2153587),
    0.5: (33.3671312, 53.9406143, 50.0646937, 67.7756506, 71.9221718),
    0.8: (14.3027646, 22.3245532, 21.6310438, 29.4367144, 30.5927239),
    1.2: (7.5877238, 11.1437506, 11.5244575, 15.7391654, 15.8885943),
    2: (4.2207186, 5.5442201, 6.3060290, 8.5597318, 8.3024295),
}
ASKED = [(0.8, 0.95, 1), (0.95, 0.95, 1), (0.8, 0.99, 1), (0.8, 0.95, 28), (0.9, 0.95, 11)]


@together("effect", STATSMODELS)
@pytest.mark.parametrize(("place", "asked"), list(enumerate(ASKED)))
def test_the_seeds_needed_are_those_of_statsmodels_rounded_up(effect, place, asked):
    target, level, tests = asked
    expected = int(np.ceil(STATSMODELS[effect][place]))
    options = {"power": target, "level": level, "tests": tests}
    assert seeds_needed(effect, **options) == seeds_needed(-effect, **options) == expected


@pytest.mark.parametrize("effect", [0.03, 0.11, 0.3, 0.7, 1.5, 4, 40, 1e300])
@together("target", [0.06, 0.5, 0.8, 0.999])
@together("tests", [1, 28])
def test_the_seeds_needed_are_enough_and_one_fewer_is_not(effect, target, tests):
    n, level = seeds_needed(effect, power=target, tests=tests), 1 - 0.05 / tests
    assert isinstance(n, int)
    assert power(effect, n, level=level) >= target
    assert n == 2 or power(effect, n - 1, level=level) < target


@pytest.mark.parametrize("n", [2, 3, 7, 40, 1001, 30_000])
@together("tests", [1, 28])
def test_what_n_seeds_detect_needs_n_seeds(n, tests):
    effect = detectable(n, tests=tests)
    assert seeds_needed((1 + 1e-6) * effect, tests=tests) == n
    assert seeds_needed((1 - 1e-6) * effect, tests=tests) == n + 1


def test_a_small_effect_needs_what_the_normal_theory_says():
    root = stats.norm.isf(0.025) + stats.norm.isf(0.2)
    # the far side finds a little too: at 1e-3 about 18 seeds of eight millions
    expected = (root / 1e-3) ** 2 + stats.norm.isf(0.025) ** 2 / 2
    assert seeds_needed(1e-3) == pytest.approx(expected, rel=1e-5)
    assert seeds_needed(9e-5) == pytest.approx((root / 9e-5) ** 2, rel=1e-5)


def test_with_the_seeds_needed_a_simulated_t_test_finds_the_effect():
    runs, rng = 20_000, np.random.default_rng(0)
    for effect in (0.5, 1.0):
        n = seeds_needed(effect, power=0.9)
        low, high = t_interval(rng.normal(effect, 1, (runs, n)), axis=1)
        low, _ = wilson_interval(np.count_nonzero((low > 0) | (high < 0)), runs, level=0.999)
        assert 0.88 < low < power(effect, n)
