"""The hard pieces: against mpmath, fractions, and the same formula without blocks."""

import math
import platform
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf
from together import together

from course_lib import numerics
from course_lib.numerics import BLOCK, as_float, elementwise, times
from course_lib.pairs import rounded, two_product, two_sum

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


pytestmark = pytest.mark.usefixtures("fifty_digits")


def mills(t):
    return mp.exp(t * t / 2) * mp.erfc(t / mp.sqrt(2)) / 2


CASES = {  # the piece, its exact value, the largest error in ULPs; both of a float64
    "bell": (lambda t: numerics.bell(t, 1), lambda t: mp.exp(-(mpf(t) ** 2)), 2),
    "half bell": (lambda t: numerics.bell(t, 1 / 2), lambda t: mp.exp(-(mpf(t) ** 2) / 2), 2),
    "scaled_mills": (
        lambda t: rounded(numerics.scaled_mills(t)),
        lambda t: (1 + mpf(t)) * mills(mpf(t)),
        1.5,
    ),
    "mills_excess": (
        lambda t: rounded(numerics.mills_excess_pair(t)),
        lambda t: mills(mpf(t)) - t / mp.sqrt(2 * mp.pi),
        1.5,
    ),
    "growth": (lambda t: numerics.growth_near_0(t / 200), lambda t: mp.expm1(mpf(t / 200)), 1.5),
    "shrinkage": (
        lambda t: numerics.growth_near_0(-t / 200),
        lambda t: mp.expm1(-mpf(t / 200)),
        1.5,
    ),
    "decay": (lambda t: np.multiply(*numerics.decay(20 * t)), lambda t: mp.exp(-mpf(20 * t)), 2),
}


@pytest.mark.parametrize("case", CASES)
def test_pieces_are_exact_to_a_few_ulps(case):
    piece, exact, bound = CASES[case]
    for t, value in zip(HALF_LINE.tolist(), piece(HALF_LINE).tolist(), strict=True):
        true = exact(t)
        assert abs(mpf(value) - true) <= bound * mpf(math.ulp(float(true))), t


def test_nineteen_terms_serve_a_float32():
    t = HALF_LINE
    full = rounded(numerics.scaled_mills(t)) / (1 + t)
    np.testing.assert_allclose(numerics.mills_ratio(t), full, rtol=2.0**-38)
    full = rounded(numerics.mills_excess_pair(t))
    np.testing.assert_allclose(numerics.mills_excess(t), full, rtol=2.0**-38)


def test_a_factor_saves_the_bell_from_running_out_of_digits():
    t = np.linspace(37.5, 39, 200)
    for u, value in zip(t.tolist(), numerics.bell(t, 1 / 2, 1e30).tolist(), strict=True):
        assert abs(mpf(value) / (10**30 * mp.exp(-(mpf(u) ** 2) / 2)) - 1) < 2e-15


def test_a_unit_saves_the_decay_from_running_out_of_digits():
    decay, unit = numerics.decay(np.linspace(0, 760, 200))
    assert decay.min() > np.finfo(np.float64).tiny
    assert set(unit) == {1.0, np.exp(-64.0)}


@given(st.floats(-1e150, 1e150), st.floats(-1e150, 1e150))
def test_sum_and_loss_add_up_exactly(a, b):
    total, lost = two_sum(np.array([a]), np.array([b]))
    assert total[0] == a + b
    assert Fraction(total[0]) + Fraction(lost[0]) == Fraction(a) + Fraction(b)


SIZES = st.floats(1e-100, 1e100) | st.floats(-1e100, -1e-100)


@given(SIZES, SIZES)
def test_product_and_loss_have_twice_the_digits(a, b):
    product, lost = two_product(np.array([a]), b)
    exact = Fraction(a) * Fraction(b)
    assert product[0] == a * b
    assert abs(Fraction(product[0]) + Fraction(lost[0]) - exact) <= abs(exact) / 2**103


@pytest.mark.parametrize("factor", [2.0, 0.25, 1.0, 1.702, 0.3])
def test_only_a_power_of_two_loses_nothing(factor):
    product, lost = times(np.array([1 / 3, 3.0]), factor)
    np.testing.assert_array_equal(product, np.array([1 / 3, 3.0]) * factor)
    assert (lost is None) == (factor in (2.0, 0.25, 1.0))


# ---------------------------------------------------------------------------------------------
# The driver
# ---------------------------------------------------------------------------------------------


@together("dtype", [np.float16, np.float32, np.float64])
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
    (np.array([True]), "x has dtype bool; expected float16, float32, float64 and integers"),
    (["a"], "x has dtype <U1; expected float16"),
    (None, "x has dtype object"),
]


def test_a_ragged_list_and_a_masked_entry_are_named():
    with pytest.raises(ValueError, match="x is ragged: entries of one list have different lengths"):
        as_float([[1.0], [1.0, 2.0]])
    with pytest.raises(ValueError, match="x has masked entries"):
        as_float(np.ma.array([1.0, 2.0], mask=[False, True]))


@pytest.mark.parametrize(("x", "message"), BAD)
def test_what_is_not_numbers_is_refused_by_name(x, message):
    with pytest.raises(TypeError, match=message):
        as_float(x)
    with pytest.raises(TypeError, match=message.replace("x ", "logits ", 1)):
        as_float(x, "logits")


FAULTS = """
import resource
import sys
import numpy as np
from course_lib.numerics import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    temporaries = [np.ones(16_384) for _ in range(12)]
    del temporaries
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others do it otherwise")
def test_freed_memory_is_not_asked_for_page_by_page_again():
    faults = {
        choice: int(subprocess.check_output([sys.executable, "-c", FAULTS, choice]))
        for choice in ("leave", "keep")
    }
    assert faults["keep"] * 10 < faults["leave"]
