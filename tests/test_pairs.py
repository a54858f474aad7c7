"""Numbers of twice the length, against mpmath and exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

from course_lib import pairs
from course_lib.pairs import two_product, two_sum

LARGE = st.floats(-1e140, 1e140, allow_subnormal=False).filter(lambda x: abs(x) > 1e-140)
POSITIVE = st.floats(1e-60, 1e60)


def exact(pair, place=0):
    """Return the number that a pair stands for."""
    return sum(Fraction(float(part[place])) for part in pair)


def test_a_leading_half_has_26_bits():
    x = np.random.default_rng(0).standard_normal(1000)
    half = pairs.leading_half(x)
    assert all(Fraction(a) ** 2 == Fraction(a * a) for a in half.tolist())
    assert (np.abs(half - x) <= 2.0**-25 * np.abs(x)).all()


@given(LARGE, LARGE)
def test_a_sum_and_a_product_lose_nothing(a, b):
    a, b = np.array([a]), np.array([b])
    assert exact(two_sum(a, b)) == Fraction(a[0]) + Fraction(b[0])
    product = Fraction(a[0]) * Fraction(b[0])
    assert abs(exact(two_product(a, b)) / product - 1) < Fraction(1, 2**104)


@given(POSITIVE, POSITIVE, st.floats(-1, 1), st.floats(-1, 1))
def test_products_and_quotients_of_pairs_keep_seventy_bits(a, b, a_more, b_more):
    a, b = (
        (np.array([x]), np.array([more * x * 2.0**-53])) for x, more in [(a, a_more), (b, b_more)]
    )
    true = exact(a) * exact(b)
    assert abs(exact(pairs.multiply(pairs.split(*a), pairs.split(*b))) / true - 1) < Fraction(
        1, 2**70
    )
    head, tail = pairs.divide(a, pairs.split(*b))
    assert abs(exact((head, tail)) * exact(b) / exact(a) - 1) < Fraction(1, 2**70)
    assert head == pairs.leading_half(head)


@given(st.floats(0, 1))
def test_one_plus_a_pair_keeps_seventy_five_bits(a):
    pair = np.array([a]), np.array([a * 2.0**-55])
    assert abs(exact(pairs.one_plus(pair)) - 1 - exact(pair)) < Fraction(1, 2**75)


EXPONENTS = np.concatenate(
    [
        [0.0, 5e-324, -1e-300, 1e-9, -650, 700],
        np.log(2) / 256 * np.arange(-9, 9, 2),  # where the table takes another place
        *(np.random.default_rng(0).uniform(-r, r, 500) for r in (0.01, 1, 650)),
    ]
)


@pytest.mark.parametrize("more", [0, 2.0**-41, -(2.0**-53)])
def test_the_exponential_has_59_bits(more):
    value, rest = pairs.exp_pair(EXPONENTS, np.full_like(EXPONENTS, more) if more else None)
    with mp.workdps(60):
        for x, high, low in zip(EXPONENTS.tolist(), value.tolist(), rest.tolist(), strict=True):
            true = mp.exp(mpf(x) + more)
            assert abs((mpf(high) + low) / true - 1) < mpf(2) ** -59, x
            assert abs(mpf(high) / true - 1) < mpf(2) ** -52, x


def test_the_decay_keeps_its_digits_where_it_is_no_longer_a_normal_number():
    t = np.linspace(0, 800, 333)
    (value, rest), unit = pairs.decay_pair(t, np.full_like(t, 2.0**-44))
    assert set(np.log2(unit)) == {0, -256}
    with mp.workdps(60):
        for x, parts in zip(t.tolist(), zip(value, rest, unit, strict=True), strict=True):
            high, low, one = map(mpf, parts)
            true = mp.exp(-(mpf(x) + mpf(2) ** -44))
            assert abs((high + low) * one / true - 1) < mpf(2) ** -59, x


def test_one_far_or_missing_number_leaves_its_neighbors_alone():
    alone, unit = pairs.decay_pair(np.array([1.5]))
    assert unit == 1
    for other in (700.0, np.nan):
        (value, rest), unit = pairs.decay_pair(np.array([1.5, other]))
        assert (value[0], rest[0]) == (alone[0][0], alone[1][0])
        assert np.ravel(unit)[0] == 1
    assert np.isnan(value[1])


def test_the_bits_of_the_exponential_are_the_same_everywhere():
    # sums, products and integers alone: no mathematical library and no compiler may change a bit
    x = np.ldexp(np.arange(1, 4097) * 0.3, -3) * np.where(np.arange(4096) % 2, 1, -1)
    value, rest = pairs.exp_pair(x)
    bits = np.concatenate([value, rest]).view(np.uint64)
    weights = np.arange(1, bits.size + 1, dtype=np.uint64) * np.uint64(
        0x9E3779B97F4A7C15
    ) | np.uint64(1)
    assert hex(int((bits * weights).sum())) == "0x2ad5130746300339"


def test_a_scaled_decay_reaches_as_far_as_a_factor_can_carry_it():
    t = np.linspace(0, 1600, 333)
    (value, rest), exponent = pairs.decay_scaled(t, np.full_like(t, 2.0**-44))
    assert exponent.dtype == np.int32  # what ldexp takes on every system
    with mp.workdps(60):
        for x, high, low, power in zip(t.tolist(), value, rest, exponent.tolist(), strict=True):
            true = mp.exp(-(mpf(x) + mpf(2) ** -44))
            found = mp.ldexp(mpf(float(high)) + mpf(float(low)), power)
            assert abs(found / true - 1) < mpf(2) ** -59, x
            assert high > 1e-300


@pytest.mark.parametrize("t", [0.5, 39.0, 55.5])
def test_a_scaled_bell_reaches_as_far_as_a_factor_can_carry_it(t):
    (value, rest), exponent = pairs.bell_scaled(np.array([t]), 1 / 2)
    with mp.workdps(60):
        found = mp.ldexp(mpf(float(value[0])) + mpf(float(rest[0])), int(np.ravel(exponent)[0]))
        assert abs(found / mp.exp(-(mpf(t) ** 2) / 2) - 1) < mpf(2) ** -58
