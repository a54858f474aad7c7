"""The interval over seeds and test images, both of which were drawn."""

import numpy as np
import pytest

from course_lib.statistics import crossed_interval, t_interval

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("n", [2, 5, 16])
def test_where_one_thing_alone_varies_it_is_students(n, level):
    own = RNG.normal(3, 1, n)
    seeds_alone = np.repeat(own[:, None], 7, axis=1)
    expected = t_interval(own, level=level)
    np.testing.assert_allclose(crossed_interval(seeds_alone, level=level), expected, rtol=1e-9)
    np.testing.assert_allclose(crossed_interval(seeds_alone.T, level=level), expected, rtol=1e-9)


def test_it_is_that_of_the_analysis_of_variance():
    # by hand: rows 1, 3 and columns 1, 2, 3 around a rest of +-1/2
    samples = np.array([[0.5, 1.0, 1.5], [1.5, 3.0, 4.5]])
    of_seeds, of_images, rest = 6.0, 2.0, 0.5  # mean squares
    variance = (of_seeds + of_images - rest) / 6
    parts = np.array([of_seeds, of_images, -rest]) / 6
    degrees = variance**2 / (parts[0] ** 2 / 1 + parts[1] ** 2 / 2)
    from scipy.stats import t

    half = t(degrees).ppf(0.975) * np.sqrt(variance)
    np.testing.assert_allclose(crossed_interval(samples), [2 - half, 2 + half], rtol=1e-12)


@pytest.mark.parametrize("n", [4, 8, 16, 32])
@pytest.mark.parametrize("seeds", [0.02, 0.1, 0.3])  # standard deviations, that of the rest is 1
def test_the_docstring_says_how_often_the_mean_is_covered(n, seeds):
    rng, covered, rounds = np.random.default_rng(n), 0, 1000
    for _ in range(rounds):
        samples = rng.standard_normal((n, 200))
        samples += seeds * rng.standard_normal((n, 1)) + 0.2 * rng.standard_normal(200)
        low, high = crossed_interval(samples)
        covered += low <= 0 <= high
    error = 3 * np.sqrt(0.95 * 0.05 / rounds)
    assert 0.94 - error <= covered / rounds <= 0.98 + error


def test_seeds_alone_would_cover_far_less():
    rng, covered = np.random.default_rng(0), np.zeros(2)
    for _ in range(300):
        samples = rng.standard_normal((16, 200)) + 0.5 * rng.standard_normal(200)
        for i, (low, high) in enumerate((crossed_interval(samples), t_interval(samples.mean(1)))):
            covered[i] += low <= 0 <= high
    assert covered[0] > 270 > 240 > covered[1]


def test_equal_samples_give_their_value_exactly():
    assert crossed_interval(np.full((3, 4), 0.9)) == (0.9, 0.9)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sample_that_is_not_finite_leaves_no_interval(bad):
    samples = np.ones((3, 4))
    samples[1, 2] = bad
    assert np.isnan(crossed_interval(samples)).all()


@pytest.mark.parametrize("shape", [(4,), (1, 4), (4, 1), (2, 3, 4)])
def test_two_axes_of_two_or_more_are_needed(shape):
    with pytest.raises(ValueError, match=r"samples has shape .*; expected \(seeds, images\)"):
        crossed_interval(np.ones(shape))


def test_levels_and_samples_are_checked():
    with pytest.raises(ValueError, match="level is 95"):
        crossed_interval(np.ones((2, 2)), level=95)
    with pytest.raises(ValueError, match="samples is ragged"):
        crossed_interval([[1, 2], [3]])
