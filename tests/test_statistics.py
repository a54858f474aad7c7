"""What statistics says about bad input."""

import tracemalloc

import numpy as np
import pytest
from scipy import stats
from together import together

from course_lib.statistics import (
    bootstrap_interval,
    detectable,
    holm,
    paired,
    power,
    seeds_needed,
    t_interval,
    wilson_interval,
)

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
        lambda: bootstrap_interval([1, 2], resamples=0), "resamples is 0", "integers from 1 on"
    ),
    "level 1": (lambda: bootstrap_interval([1, 2], level=1), "level is 1", "between 0 and 1"),
    "level 95": (lambda: wilson_interval(1, 2, level=95), "level is 95", "such as 0.95"),
    "no trials": (lambda: wilson_interval(0, 0), "0 successes in 0 trials", "0 to trials"),
    "too many": (lambda: wilson_interval(3, 2), "3 successes in 2 trials", "0 to trials"),
    "without end": (lambda: wilson_interval(np.inf, np.inf), "inf trials", "of at least 1"),
    "below 0": (lambda: wilson_interval([1, -1], 2), "-1] successes in 2", "0 to trials"),
    "t of one": (lambda: t_interval([1.0]), "1 samples along axis 0", "at least 2"),
    "t level": (lambda: t_interval([1, 2], level=0), "level is 0", "between 0 and 1"),
    "not paired": (lambda: paired([1, 2], [1, 2, 3]), "(2,) and b (3,)", "same length"),
    "one pair": (lambda: paired([1], [2]), "(1,) and b (1,)", "at least 2 seeds"),
    "pairs in rows": (lambda: paired(np.ones((2, 2)), np.ones((2, 2))), "(2, 2)", "expected"),
    "diverged": (lambda: paired([1, np.inf], [1, 2]), "infinite", "expected finite"),
    "paired level": (lambda: paired([1, 2], [2, 3], level=2), "level is 2", "between 0 and 1"),
    "p above 1": (lambda: holm([0.5, 1.1]), "[0.5, 1.1]", "expected one row"),
    "p is NaN": (lambda: holm([np.nan]), "[nan]", "numbers from 0 to 1"),
    "p in a table": (lambda: holm([[0.5]]), "[[0.5]]", "expected one row"),
    "power of one seed": (lambda: power(1, 1), "n is 1", "integers from 2 on"),
    "power of half a seed": (lambda: power(1, 2.5), "n is 2.5", "integers from 2 on"),
    "power of a yes": (lambda: power(1, True), "n is True", "integers from 2 on"),
    "power level": (lambda: power(1, 5, level=95), "level is 95", "such as 0.95"),
    "detectable level": (lambda: detectable(5, level=0), "level is 0", "such as 0.95"),
    "detectable with one": (lambda: detectable(1), "n is 1", "integers from 2 on"),
    "no tests": (lambda: detectable(5, tests=0), "tests is 0", "integers from 1 on"),
    "sure to be found": (lambda: detectable(5, power=1), "power is 1", "between 0.05"),
    "found by chance": (
        lambda: detectable(5, power=0.01, tests=5), "power is 0.01", "between 0.01, with which"
    ),
    "power as text": (lambda: detectable(5, power="0.8"), "power is '0.8'", "a finite number"),
    "no effect": (lambda: seeds_needed(0), "effect is 0; no number", "another number"),
    "effect NaN": (lambda: seeds_needed(np.nan), "effect is nan", "a finite number"),
    "two effects": (lambda: seeds_needed([1, 2]), "effect is [1, 2]", "a finite number"),
    "tiny effect": (
        lambda: seeds_needed(1e-9), "effect is 1e-09; a power of 0.8", "1,000,000,000 seeds"
    ),
    "seeds for certainty": (lambda: seeds_needed(1, power=1), "power is 1", "between 0.05"),
    "seeds by chance": (lambda: seeds_needed(1, power=0.04), "power is 0.04", "and 1"),
    "seeds and level": (lambda: seeds_needed(1, level=95), "level is 95", "such as 0.95"),
    "seeds and no tests": (lambda: seeds_needed(1, tests=0), "tests is 0", "from 1 on"),
}  # fmt: skip


@together("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case):
    call, given_text, expected_text = BAD[case]
    with pytest.raises(ValueError, match=r"expected|at least") as caught:
        call()
    assert given_text in str(caught.value)
    assert expected_text in str(caught.value)


@pytest.mark.parametrize("interval", [bootstrap_interval, t_interval])
@pytest.mark.parametrize("exponent", [-1000, -600, 600, 1000])
def test_samples_of_any_size_have_the_interval_of_those_near_one(interval, exponent):
    samples = np.random.default_rng(0).uniform(0.5, 1, (8, 3))
    samples[:, 1:] = np.ldexp(samples[:, 1:], exponent)
    expected = np.array(interval(np.ldexp(samples, [0, -exponent, -exponent])))
    expected[:, 1:] = np.ldexp(expected[:, 1:], exponent)
    assert np.array_equal(interval(samples), expected)


@pytest.mark.parametrize("exponent", [-1000, -600, 600, 1020])
def test_differences_of_any_size_are_compared_as_those_near_one(exponent):
    a, b = np.random.default_rng(0).uniform(0.5, 1, (2, 9))
    near, far = paired(a, b), paired(np.ldexp(a, exponent), np.ldexp(b, exponent))
    assert (far.effect, far.p) == (near.effect, near.p)
    assert (far.mean, far.low, far.high) == tuple(
        np.ldexp([near.mean, near.low, near.high], exponent)
    )


def test_the_bootstrap_of_many_samples_takes_little_memory():
    samples = np.random.default_rng(0).normal(size=100_000)
    tracemalloc.start()
    low, high = bootstrap_interval(samples, resamples=400)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e8  # all counts at once would be 3.2e8 bytes, and twice that as floats
    assert np.allclose([low, high], t_interval(samples), atol=1e-3)


@pytest.mark.parametrize("tests", [10**6, 10**12, 10**20])
def test_very_many_tests_are_still_told_apart(tests):
    shift = detectable(10, tests=tests) * 10**0.5
    found = stats.nct.sf(stats.t.isf(0.025 / tests, 9), 9, shift)
    assert found == pytest.approx(0.8, abs=1e-8)


@pytest.mark.parametrize("interval", [bootstrap_interval, t_interval])
def test_what_is_no_axis_is_named(interval):
    with pytest.raises(
        ValueError, match=r"^axis is 0; expected one of samples, whose shape is \(\)"
    ):
        interval(3.0)
    with pytest.raises(TypeError, match=r"^axis is None; expected an integer"):
        interval([1, 2], axis=None)


@pytest.mark.parametrize("level", ["0.95", None, [0.9, 0.95], True])
def test_a_level_that_is_no_number_is_named(level):
    with pytest.raises(ValueError, match=r"^level is .*; expected a number .*, such as 0.95"):
        t_interval([1, 2], level=level)


@pytest.mark.parametrize(
    "bad", [[1j, 2], ["1", "2"], np.array(["2020", "2021"], "M8[Y]"), [10**400]]
)
def test_what_is_no_real_number_is_named(bad):
    with pytest.raises(TypeError, match=r"^samples is .*; expected numbers"):
        t_interval(bad)


RAGGED = [[0.5, 0.1], [0.2]]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (bootstrap_interval, "samples"),
        (t_interval, "samples"),
        (lambda bad: wilson_interval(bad, 2), "successes"),
        (lambda bad: wilson_interval(1, bad), "trials"),
        (lambda bad: paired(bad, [1, 2]), "a"),
        (lambda bad: paired([1, 2], bad), "b"),
        (holm, "p_values"),
        (lambda bad: power(bad, 5), "effect"),
    ],
)
def test_what_makes_no_array_of_numbers_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} is ragged.*expected an array"):
        call(RAGGED)
    with pytest.raises(TypeError, match=f"^{name} is .*'x'.*; expected numbers"):
        call([1, "x"])
