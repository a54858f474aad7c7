"""Paired differences and Holm against SciPy, exact counting and published values."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from together import together

from course_lib.statistics import (
    holm,
    paired,
)

# ---------------------------------------------------------------------------------------------
# Paired differences
# ---------------------------------------------------------------------------------------------


@given(n=st.integers(2, 9), grid=st.booleans(), level=st.sampled_from([0.5, 0.95]))
@settings(max_examples=30)
def test_a_paired_difference_agrees_with_scipy(n, grid, level):
    a, b = np.random.default_rng(n).normal(0.3, 1, size=(2, n))
    if grid:  # accuracies: many sums are equal but for their rounding
        a, b = np.round(a, 1), np.round(b, 1) + 0.1
    result = paired(a, b, level=level)
    expected = stats.ttest_rel(a, b).confidence_interval(level)
    assert (result.low, result.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert result.effect == pytest.approx(stats.ttest_rel(a, b).statistic / np.sqrt(n), rel=1e-9)
    test = stats.permutation_test(
        (a, b), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples",
        vectorized=True, n_resamples=np.inf,
    )  # fmt: skip
    assert result.p == pytest.approx(test.pvalue, rel=1e-12)
    assert (result.mean, result.n) == (pytest.approx(np.mean(a) - np.mean(b), abs=1e-12), n)


def test_darwins_plants_have_the_p_value_that_fisher_counted():
    # crossed minus self-fertilized, in eighths of an inch; Fisher (1935), section 21, counts 863 of
    # 32,768 sums that are at least as large as the one observed, on one side
    heights = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    result = paired(heights, np.zeros(15))
    assert result.p * 2**15 == 2 * 863
    assert result.effect * np.sqrt(15) == pytest.approx(2.148, abs=5e-4)


def signed_ranks(n):
    """Return differences whose sign-flip test is Wilcoxon's."""
    return np.arange(1, n + 1) * np.where(np.random.default_rng(n).random(n) < 0.3, -1, 1)


@pytest.mark.parametrize("n", [16, 20, 31, 32])
def test_all_signs_are_counted_up_to_thirty_two_seeds(n):
    expected = stats.wilcoxon(signed_ranks(n), method="exact").pvalue
    assert paired(signed_ranks(n), np.zeros(n)).p == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_above_signs_are_drawn(seed):
    expected = stats.wilcoxon(signed_ranks(40), method="exact").pvalue
    found = paired(signed_ranks(40), np.zeros(40), seed=seed).p
    assert found == pytest.approx(expected, abs=3.5 * np.sqrt(expected * (1 - expected) / 9999))
    assert found == paired(signed_ranks(40), np.zeros(40), seed=seed).p


def test_a_drawn_p_value_is_never_zero():
    assert paired(np.arange(64.0) + 1, np.zeros(64)).p == 1 / 10_000


def test_where_nothing_differs_p_is_seldom_small():
    differences = np.random.default_rng(0).standard_t(3, size=(1000, 8))
    p = np.array([paired(row, np.zeros(8)).p for row in differences])
    for alpha in (0.05, 0.25):
        assert (p <= alpha).mean() < alpha + 3.5 * np.sqrt(alpha * (1 - alpha) / 1000)


def counted(a, b):
    """Return the p-value from fractions: how many choices of signs reach as far."""
    sums = [Fraction(0)]
    for one, other in zip(a, b, strict=True):
        difference = Fraction(one) - Fraction(other)
        sums = [s + d for s in sums for d in (difference, -difference)]
    return Fraction(sum(abs(s) >= abs(sums[0]) for s in sums), len(sums))


@pytest.mark.parametrize("huge", [1e10, 1e16, 1e300])
def test_a_huge_pair_that_is_equal_in_both_changes_nothing(huge):
    a = [0.91, 0.83, 0.88, 0.86, 0.93, 0.89, 0.9]
    b = [0.81, 0.71, 0.75, 0.73, 0.86, 0.78, 0.82]
    usual, other = paired(a, b), paired([*a, huge], [*b, huge])
    assert other.p == usual.p == counted(a, b) == 2**-6
    assert paired([*a, huge], [*b, huge]).effect < usual.effect < np.inf


@pytest.mark.parametrize("seed", range(10))
@together("huge", [30.0, 1e10, 1e100])
def test_a_huge_difference_does_not_swallow_the_others(seed, huge):
    a, b = np.random.default_rng(seed).integers(-9, 9, (2, 9)) / 8.0
    a, b = [*a, huge], [*b, 0.0]
    assert paired(a, b).p == counted(a, b)
    assert paired(b, a).p == counted(a, b)


@pytest.mark.parametrize("seed", range(10))
@together("denominator", [10, 1500])
def test_accuracies_count_as_the_fractions_that_they_are(seed, denominator):
    k, m = np.random.default_rng(seed).integers(0, 10, (2, 8)) + denominator - 10
    expected = counted(map(int, k), map(int, m))
    assert paired(k / denominator, m / denominator).p == expected


def test_scipy_counts_equal_sums_of_such_fractions_wrongly():
    # why this test is our own: of 600 drawn like the tests above, SciPy 1.17 has 66 wrong
    k = np.array([1496, 1498, 1498, 1496, 1498, 1498, 1497, 1498])
    m = np.array([1496, 1499, 1496, 1497, 1497, 1496, 1497, 1498])
    theirs = stats.permutation_test(
        (k / 1500, m / 1500), lambda x, y: np.mean(x - y), permutation_type="samples",
        n_resamples=np.inf,
    )  # fmt: skip
    assert paired(k / 1500, m / 1500).p == counted(map(int, k), map(int, m)) == 0.5625
    assert theirs.pvalue == 0.375


def test_a_hundred_thousand_pairs_agree_with_the_normal_theory():
    differences = np.random.default_rng(0).normal(0.006, 1, 100_000)
    expected = 2 * stats.norm.sf(differences.sum() / np.sqrt((differences**2).sum()))
    found = paired(differences, np.zeros(100_000))
    assert found.p == pytest.approx(expected, abs=3.5 * np.sqrt(expected / 9999))
    assert found.n == 100_000


@pytest.mark.parametrize(
    ("a", "b", "mean", "effect", "p"),
    [
        ([0.5, 0.7, 0.2], [0.5, 0.7, 0.2], 0.0, np.nan, 1.0),
        ([0.9, 0.7, 0.3], [0.8, 0.6, 0.2], 0.1, np.inf, 0.25),
        ([0.8, 0.6, 0.2], [0.9, 0.7, 0.3], -0.1, -np.inf, 0.25),
    ],
)
def test_equal_differences_have_no_spread_to_compare_with(a, b, mean, effect, p):
    result = paired(a, b)
    assert (result.mean, result.low, result.high) == pytest.approx((mean,) * 3, abs=1e-15)
    assert (result.effect, result.p) == pytest.approx((effect, p), nan_ok=True)


def test_the_other_way_round_has_the_other_sign():
    a, b = np.random.default_rng(0).normal(size=(2, 16))
    one, other = paired(a, b), paired(b, a)
    assert (one.mean, one.low, one.high) == (-other.mean, -other.high, -other.low)
    assert (one.effect, one.p) == (-other.effect, other.p)


# ---------------------------------------------------------------------------------------------
# Holm
# ---------------------------------------------------------------------------------------------

# Benjamini and Hochberg, Journal of the Royal Statistical Society B 57 (1995), 289-300, section 4
THROMBOLYSIS = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
    0.6528, 0.7590, 1.0000,
]  # fmt: skip


def test_holm_corrects_a_published_example():
    adjusted = holm(THROMBOLYSIS)
    by_hand = [15 * 0.0001, 14 * 0.0004, 13 * 0.0019, 12 * 0.0095, 11 * 0.0201, 10 * 0.0278]
    np.testing.assert_allclose(adjusted[:6], by_hand, rtol=1e-14)
    # 9 * 0.0298 is less than what stands before it
    np.testing.assert_allclose(adjusted[6:8], 0.278, rtol=1e-14)
    assert (adjusted[9:] == 1).all()
    assert (adjusted <= 0.05).sum() == 3  # so it is with Bonferroni and with Hochberg, they say


@given(st.lists(st.floats(0, 1), max_size=6))
def test_holm_is_the_closure_of_bonferroni(p):
    """A test survives if every set of tests that it belongs to does, by Bonferroni."""
    expected = [
        max(
            min(1, size * min(p[i] for i in chosen))
            for size in range(1, len(p) + 1)
            for chosen in combinations(range(len(p)), size)
            if own in chosen
        )
        for own in range(len(p))
    ]
    assert holm(p).tolist() == pytest.approx(expected, rel=1e-12)
