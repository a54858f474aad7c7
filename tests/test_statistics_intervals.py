"""Intervals against SciPy, published values and simulation."""

from fractions import Fraction
from inspect import signature

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf
from scipy import stats
from statistics_helpers import exact_quantile
from together import together

from course_lib.statistics import (
    bootstrap_interval,
    t_interval,
    wilson_interval,
)

# ---------------------------------------------------------------------------------------------
# Wilson
# ---------------------------------------------------------------------------------------------


def exact_wilson(successes, trials, level):
    """Solve (p - k/n)^2 = z^2 p (1 - p) / n for p."""
    with mp.workdps(40):
        z = mp.sqrt(2) * mp.erfinv(mpf(level))
        k, n = mpf(successes), mpf(trials)
        a, b, c = 1 + z**2 / n, -(2 * k / n + z**2 / n), (k / n) ** 2
        root = mp.sqrt(b * b - 4 * a * c)
        return float((-b - root) / (2 * a)), float((-b + root) / (2 * a))


@given(
    trials=st.integers(1, 10**6),
    share=st.fractions(0, 1, max_denominator=1000),
    level=st.sampled_from([0.5, 0.9, 0.95, 0.99]),
)
def test_wilson_solves_its_equation(trials, share, level):
    successes = int(share * trials)
    low, high = wilson_interval(successes, trials, level=level)
    assert 0 <= low <= Fraction(successes, trials) <= high <= 1
    assert (low, high) == pytest.approx(exact_wilson(successes, trials, level), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(  # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_values(successes, trials, low, high):
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilson_takes_arrays_and_gives_scalars_for_scalars():
    low, high = wilson_interval([0, 5, 10], 10)
    assert low.shape == high.shape == (3,)
    for i, k in enumerate((0, 5, 10)):
        assert (low[i], high[i]) == wilson_interval(k, 10)
    assert isinstance(wilson_interval(5, 10)[0], float)


@pytest.mark.parametrize("trials", [1, 7, 256])
def test_wilson_ends_exactly_at_the_ends(trials):
    assert wilson_interval(0, trials)[0] == 0
    assert wilson_interval(trials, trials)[1] == 1


def test_all_of_thirty_two_is_not_all():
    low, high = wilson_interval(32, 32)
    assert f"{low:.0%} to {high:.0%}" == "89% to 100%"
    assert (low, high) == pytest.approx((32 / (32 + stats.norm.isf(0.025) ** 2), 1), rel=1e-13)
    low, high = wilson_interval(0, 32)
    assert f"{low:.0%} to {high:.0%}" == "0% to 11%"


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_wilson_is_that_of_scipy(level):
    for k, n in ((0, 1), (3, 7), (31, 32), (256, 256), (1, 10**6)):
        expected = stats.binomtest(k, n).proportion_ci(level, method="wilson")
        assert wilson_interval(k, n, level=level) == pytest.approx(tuple(expected), abs=1e-14)


# ---------------------------------------------------------------------------------------------
# Bootstrap
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "n"), [(0.95, 40), (0.8, 40), (0.95, 100)])
@pytest.mark.parametrize("draw", ["normal", "uniform"])
def test_the_bootstrap_covers_the_mean_as_often_as_it_says(level, n, draw):
    experiments = 600
    samples = getattr(np.random.default_rng(1), draw)(size=(experiments, n))
    truth = {"normal": 0.0, "uniform": 0.5}[draw]
    low, high = bootstrap_interval(samples, axis=1, level=level, resamples=1000)
    covered = ((low <= truth) & (truth <= high)).sum()
    assert abs(covered - level * experiments) < 3.5 * np.sqrt(level * (1 - level) * experiments)


@pytest.mark.parametrize("n", [8, 16, 32])
def test_it_is_bca_as_scipy_has_it_but_for_students_tails(n):
    samples = np.random.default_rng(n).exponential(size=n)
    tail = stats.norm.cdf(stats.t.ppf(0.025, n - 1) * np.sqrt(n / (n - 1)))
    seed = "rng" if "rng" in signature(stats.bootstrap).parameters else "random_state"  # 1.14
    expected = stats.bootstrap(
        (samples,), np.mean, confidence_level=1 - 2 * tail, n_resamples=100_000, **{seed: 0}
    ).confidence_interval
    found = bootstrap_interval(samples, resamples=100_000)
    assert found == pytest.approx(tuple(expected), abs=0.03 * (found[1] - found[0]))


def test_its_width_is_that_of_the_normal_theory():
    samples = np.random.default_rng(0).normal(size=2000)
    low, high = bootstrap_interval(samples, resamples=5000)
    assert high - low == pytest.approx(2 * 1.96 * samples.std() / np.sqrt(2000), rel=0.05)
    assert (low + high) / 2 == pytest.approx(samples.mean(), abs=0.05 * (high - low))


@given(axis=st.integers(-3, 2), seed=st.integers(0, 5))
def test_every_entry_is_treated_as_if_alone(axis, seed):
    samples = np.random.default_rng(0).normal(size=(4, 3, 5))
    low, high = bootstrap_interval(samples, axis=axis, resamples=50, seed=seed)
    lines = np.moveaxis(samples, axis, -1)
    assert low.shape == high.shape == lines.shape[:-1]
    for index in np.ndindex(low.shape):
        own = bootstrap_interval(lines[index], resamples=50, seed=seed)
        assert (low[index], high[index]) == pytest.approx(own, rel=1e-12)


def test_the_same_seed_gives_the_same_interval():
    samples = np.arange(10.0)
    assert bootstrap_interval(samples) == bootstrap_interval(samples)
    assert bootstrap_interval(samples, seed=1) != bootstrap_interval(samples)


@together("value", [0.9, 0.25, 1 / 3, 0.0, -1e100])
@together("n", [2, 7, 8])
def test_equal_samples_give_their_value_exactly(value, n):
    assert bootstrap_interval([value] * n) == (value, value)
    assert bootstrap_interval([value] * n, resamples=1, level=0.99999) == (value, value)


@pytest.mark.parametrize("seed", range(5))
@together("n", [2, 3, 5])
@together("level", [0.5, 0.95, 0.9999999])
def test_the_interval_lies_within_the_samples(seed, n, level):
    samples = np.random.default_rng(seed).lognormal(0, 3, size=n)
    for resamples in (1, 2, 500):
        low, high = bootstrap_interval(samples, level=level, resamples=resamples)
        assert samples.min() <= low <= high <= samples.max()


@pytest.mark.parametrize("interval", [bootstrap_interval, t_interval])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_leaves_no_interval_for_its_entry_alone(interval, bad):
    samples = np.random.default_rng(0).normal(size=(6, 2))
    expected = interval(samples)
    samples[3, 1] = bad
    low, high = interval(samples)
    assert (low[0], high[0]) == pytest.approx((expected[0][0], expected[1][0]), rel=1e-12)
    assert np.isnan([low[1], high[1]]).all()


# what the docstrings say, in percent; a thousand experiments have a standard error of 0.7 to 1.2
COVERS = {
    (t_interval, "standard_normal"): (95, 95, 95, 95),
    (t_interval, "standard_exponential"): (88, 89, 91, 93),
    (bootstrap_interval, "standard_normal"): (87, 94, 94, 94),
    (bootstrap_interval, "standard_exponential"): (81, 91, 93, 93),
}


@pytest.mark.parametrize(("interval", "draw"), COVERS)
def test_the_docstring_says_how_often_the_mean_is_covered(interval, draw):
    mean = 1.0 if "exp" in draw else 0.0
    for n, percent in zip((4, 8, 16, 32), COVERS[interval, draw], strict=True):
        low, high = interval(getattr(np.random.default_rng(n), draw)((n, 1000)))
        covered = ((low <= mean) & (mean <= high)).mean()
        assert 100 * covered == pytest.approx(percent, abs=0.5 + 3 * np.sqrt(percent / 10 * 0.05))
    text = "{}, {}, {} and {} %".format(*COVERS[interval, draw])
    words = " ".join(interval.__doc__.split())
    assert text in words or set(COVERS[interval, draw]) == {95}


def test_the_docstring_says_how_often_wilson_covers():
    proportions = np.linspace(0, 1, 20_001)[1:-1]
    found, least = [], []
    for n in (4, 8, 16, 32):
        counts = np.arange(n + 1)
        low, high = wilson_interval(counts, n)
        inside = (low <= proportions[:, np.newaxis]) & (proportions[:, np.newaxis] <= high)
        covered = (stats.binom.pmf(counts, n, proportions[:, np.newaxis]) * inside).sum(axis=1)
        found.append(round(100 * covered.mean()))
        least.append(covered.min())
    assert "{}, {}, {} and {} %".format(*found) in " ".join(wilson_interval.__doc__.split())
    assert round(100 * min(least)) == 83


# ---------------------------------------------------------------------------------------------
# Student
# ---------------------------------------------------------------------------------------------


@given(
    n=st.one_of(st.integers(2, 40), st.integers(2, 2000)),
    level=st.floats(0.01, 0.9999),
    scale=st.sampled_from([1e-3, 1.0, 1e6]),
)
def test_the_t_interval_is_that_of_scipy(n, level, scale):
    samples = scale * np.random.default_rng(n).normal(3, size=n)
    expected = stats.t.interval(level, n - 1, samples.mean(), stats.sem(samples))
    width = expected[1] - expected[0]
    assert t_interval(samples, level=level) == pytest.approx(expected, rel=1e-11, abs=1e-9 * width)


@pytest.mark.parametrize("n", [2, 3, 16])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_t_interval_covers_the_mean_as_often_as_it_says(n, level):
    experiments = 20_000
    samples = np.random.default_rng(n).normal(size=(experiments, n))
    low, high = t_interval(samples, axis=1, level=level)
    covered = ((low <= 0) & (high >= 0)).mean()
    assert covered == pytest.approx(level, abs=3.5 * np.sqrt(level * (1 - level) / experiments))


def test_sixteen_seeds_of_accuracies_are_covered_too():
    rng = np.random.default_rng(1)
    right = rng.binomial(1000, [[[0.92]], [[0.925]]], size=(2, 2000, 16))
    differences = (right[0] - right[1]) / 1000
    for interval in (t_interval, bootstrap_interval):
        low, high = interval(differences, axis=1)
        assert 0.933 < ((low <= -0.005) & (high >= -0.005)).mean() < 0.967


def test_the_t_interval_takes_any_axis():
    samples = np.random.default_rng(0).normal(size=(4, 3, 5))
    low, high = t_interval(samples, axis=1)
    assert low.shape == high.shape == (4, 5)
    own = t_interval(samples[2, :, 3])
    assert (low[2, 3], high[2, 3]) == pytest.approx(own, rel=1e-13)


def test_the_t_interval_of_a_hundred_thousand_samples():
    samples = np.random.default_rng(0).normal(3, size=100_000)
    expected = stats.t.interval(0.95, 99_999, samples.mean(), stats.sem(samples))
    assert t_interval(samples) == pytest.approx(expected, rel=1e-13)


@together("n", [2, 3, 16, 2000])
@together("level", [0.01, 0.95, 0.99999])
def test_its_quantile_is_exact(n, level):
    samples = np.arange(n) - (n - 1) / 2
    half = float(exact_quantile(level, n - 1) * mp.sqrt(mpf(n + 1) / 12))
    # SciPy 1.14 has fewer digits than 1.17, whose error is 1e-14
    assert t_interval(samples, level=level) == pytest.approx((-half, half), rel=1e-10)
