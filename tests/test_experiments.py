"""Intervals: against exact arithmetic, published values, and by their coverage in simulation."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

from course_lib.experiments import bootstrap_interval, wilson_interval

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
    # With n seeds it is too narrow by sqrt(1 - 1/n): of 95 %, about 94.5 remain for n = 40.
    with mp.workdps(15):
        reach = mp.sqrt(2) * mp.erfinv(mpf(level)) * mp.sqrt(1 - mpf(1) / n)
        aim = float(mp.erf(reach / mp.sqrt(2)))
    spread = 3.5 * np.sqrt(aim * (1 - aim) * experiments)
    assert abs(covered - aim * experiments) < spread


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


def test_equal_samples_have_an_interval_without_width():
    assert bootstrap_interval(np.full(8, 0.25)) == pytest.approx((0.25, 0.25))


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------

BAD = {
    "one sample": (lambda: bootstrap_interval([1.0]), "1 samples along axis 0", "at least 2"),
    "no samples": (lambda: bootstrap_interval([]), "0 samples", "at least 2"),
    "short axis": (
        lambda: bootstrap_interval(np.ones((5, 1)), axis=1), "1 samples along axis 1", "at least 2"
    ),
    "no resamples": (
        lambda: bootstrap_interval([1, 2], resamples=0), "resamples is 0", "accepted is 1 or more"
    ),
    "level 1": (lambda: bootstrap_interval([1, 2], level=1), "level is 1", "between 0 and 1"),
    "level 95": (lambda: wilson_interval(1, 2, level=95), "level is 95", "such as 0.95"),
    "no trials": (lambda: wilson_interval(0, 0), "0 successes in 0 trials", "0 to trials"),
    "too many": (lambda: wilson_interval(3, 2), "3 successes in 2 trials", "0 to trials"),
    "below 0": (lambda: wilson_interval([1, -1], 2), "-1] successes in 2", "0 to trials"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case):
    call, given_text, accepted_text = BAD[case]
    with pytest.raises(ValueError, match=r"accepted|at least") as caught:
        call()
    assert given_text in str(caught.value)
    assert accepted_text in str(caught.value)
