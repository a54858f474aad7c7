"""The hard pieces: against mpmath, fractions, and the same formula without blocks."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

from course_lib import numerics
from course_lib.numerics import BLOCK, as_float, elementwise, two_difference

HALF_LINE = np.unique(
    np.concatenate(
        [
            [0, 5e-324, 1e-300, 1e-20, 16, np.nextafter(16, 17), 37.5, 38.5, 40],
            0.7517915246935645 + np.array([-3, -1, 0, 1, 3]) * 2.0**-53,
            np.random.default_rng(0).uniform(0, 5, 400),
            np.random.default_rng(1).uniform(0, 40, 400),
        ]
    )
)


@pytest.fixture(autouse=True)
def fifty_digits():
    """Reckon the oracles to 50 digits."""
    with mp.workdps(50):
        yield


def mills(t):
    return mp.exp(t * t / 2) * mp.sqrt(mp.pi / 2) * mp.erfc(t / mp.sqrt(2))


EXACT = {  # with the largest error, in ULPs; measured 3.0, 2.5, 2.9 and 1.0
    "normal_density": (mp.npdf, 4),
    "mills_ratio": (mills, 3),
    "mills_excess": (lambda t: mills(t) - t, 4),
    "scaled_decay": (lambda t: mp.exp(-t), 2),
}


@pytest.mark.parametrize("name", EXACT)
def test_pieces_of_gelu_and_silu_are_exact_to_a_few_ulps(name):
    exact, bound = EXACT[name]
    t = HALF_LINE * (20 if name == "scaled_decay" else 1)
    values = getattr(numerics, name)(t)
    if name == "scaled_decay":
        values = values[0] * values[1]
    for u, value in zip(t.tolist(), values.tolist(), strict=True):
        true = exact(mpf(u))
        assert abs(mpf(value) - true) <= bound * mpf(math.ulp(float(true))), u


def test_a_factor_saves_the_density_from_running_out_of_digits():
    t = np.linspace(37.5, 39, 200)
    for u, value in zip(t.tolist(), numerics.normal_density(t, 1e30).tolist(), strict=True):
        assert abs(mpf(value) / (10**30 * mp.npdf(mpf(u))) - 1) < 2e-15


def test_a_unit_saves_the_decay_from_running_out_of_digits():
    decay, unit = numerics.scaled_decay(np.linspace(0, 760, 200))
    assert decay.min() > np.finfo(np.float64).tiny
    assert set(unit) == {1.0, np.exp(-64.0)}


def test_the_zero_of_the_slope_of_silu_has_thirty_digits():
    high, low = numerics.silu_zero()
    assert high == float(1 + mp.lambertw(mp.exp(-1)).real)
    assert abs(mpf(high) + mpf(low) - 1 - mp.lambertw(mp.exp(-1)).real) < 1e-31


@given(st.floats(-1e150, 1e150), st.floats(-1e150, 1e150))
def test_difference_and_loss_add_up_exactly(a, b):
    difference, lost = two_difference(np.array([a]), np.array([b]))
    assert difference[0] == a - b
    assert Fraction(difference[0]) + Fraction(lost[0]) == Fraction(a) - Fraction(b)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [(math.inf, 1.0, math.inf), (1e308, -1e308, math.inf), (math.inf, math.inf, math.nan)],
)
def test_nothing_is_lost_where_the_difference_is_not_finite(a, b, expected):
    difference, lost = two_difference(np.array([a]), np.array([b]))
    np.testing.assert_array_equal([difference[0], lost[0]], [expected, 0.0])


# ---------------------------------------------------------------------------------------------
# The driver
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 7])
def test_blocks_cover_every_element_once(n, dtype):
    x = (np.arange(n) % 1000).astype(dtype)
    seen = []

    def kernel(block):
        assert block.dtype == np.float64
        seen.append(block.size)
        return block + 1

    np.testing.assert_array_equal(elementwise(kernel, x), x + dtype(1))
    assert sum(seen) == n
    assert max(seen) <= BLOCK


def test_an_exact_kernel_gets_the_array_as_it_is():
    x = np.ones((2, BLOCK), np.float16)
    seen = []
    value = elementwise(lambda array: seen.append(array) or array + 1, x, exact=True)
    assert len(seen) == 1
    assert seen[0] is x
    assert value.dtype == np.float16


@pytest.mark.parametrize("x", [1.0, np.float32(1), np.array(1.0)])
def test_a_scalar_gives_a_scalar(x):
    assert isinstance(elementwise(np.square, x), np.floating)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_float_arrays_are_not_copied(dtype):
    x = np.zeros(3, dtype)
    assert as_float(x) is x


BAD = [
    (np.array([True]), "x has dtype bool; accepted are float16, float32, float64 and integers"),
    (["a"], "x has dtype <U1; accepted are float16"),
    (None, "x has dtype object"),
    ([[1.0], [1.0, 2.0]], "x must be an array of numbers: .*inhomogeneous"),
]


@pytest.mark.parametrize(("x", "message"), BAD)
def test_what_is_not_numbers_is_refused_by_name(x, message):
    with pytest.raises(TypeError, match=message):
        as_float(x)
    with pytest.raises(TypeError, match=message.replace("x ", "logits ", 1)):
        as_float(x, "logits")
