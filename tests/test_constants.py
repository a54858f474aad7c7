"""The generated constants: the file is what the tool writes, and the numbers are what they say."""

import constants
import numpy as np
import pytest
from mpmath import mp, mpf

from course_lib import _constants
from course_lib.accuracy import EXACT

pytestmark = pytest.mark.usefixtures("fifty_digits")


def test_the_file_is_what_the_tool_writes():
    assert constants.FILE.read_text(encoding="utf-8") == constants.text()


def has_digits(split, exact):
    high, low = split
    return high == float(exact) and abs(mpf(high) + mpf(low) - exact) < abs(exact) * 1e-31


def test_zeros_of_derivatives_have_thirty_digits():
    assert has_digits(_constants.SILU_ZERO, 1 + mp.lambertw(mp.exp(-1)).real)
    zero = -mp.findroot(EXACT["gelu"][1], -0.752)
    assert has_digits(_constants.MILLS_ZERO, zero)
    zero = -mp.findroot(EXACT["mish"][1], -1.19)
    assert has_digits(_constants.MISH_ZERO, zero)
    assert float(mp.exp(-zero)) == _constants.MISH_THERE
    zero = -mp.findroot(EXACT["gelu_tanh"][1], -0.752)
    a, factor = mpf(_constants.GELU_TANH_CUBIC), 2 * mp.sqrt(2 / mp.pi)
    assert has_digits(_constants.GELU_TANH_FACTOR, factor)
    assert has_digits(_constants.GELU_TANH_ZERO, zero)
    assert float(mp.exp(-factor * (zero + a * zero**3))) == _constants.GELU_TANH_THERE


def test_the_constants_of_selu_are_those_of_the_paper():
    scale, alpha, product = (
        getattr(_constants, f"SELU_{n}") for n in ("SCALE", "ALPHA", "PRODUCT")
    )
    assert scale == 1.0507009873554804934193349852946
    assert alpha == 1.6732632423543772848170429916717
    assert product == 1.7580993408473768599402175208123
    # its fixed point: mean 0 and variance 1 stay
    x = np.random.default_rng(0).normal(size=2_000_000)
    y = np.where(x > 0, scale * x, product * np.expm1(x))
    assert abs(y.mean()) < 4 / np.sqrt(x.size)
    assert abs(y.var() - 1) < 4 * np.sqrt(((y**2 - 1) ** 2).mean() / x.size)


def test_the_table_of_the_exponential_has_thirty_digits():
    table = zip(_constants.EXP_HEADS, _constants.EXP_TAILS, strict=True)
    assert all(has_digits(pair, mp.power(2, mpf(j) / 128)) for j, pair in enumerate(table))
    step, rest = _constants.EXP_STEP
    assert (step * 2**41).is_integer()  # so that products with small integers are exact
    assert abs(mpf(step) + rest - mp.log(2) / 128) < 2e-29
    assert float(128 / mp.log(2)) == _constants.EXP_INVERSE


def test_lamberts_fraction_is_that_of_tanh():
    y = mpf(1) / 3
    above, below = (
        mp.polyval([mpf(c) for c in reversed(series)], y)
        for series in (_constants.LAMBERT_ABOVE, _constants.LAMBERT_BELOW)
    )
    root = mp.sqrt(y)
    assert abs(root * y / (3 + y * above / below) - (root - mp.tanh(root))) < 1e-20
