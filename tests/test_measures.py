"""Measures of one array or activation: against their definitions, with oracles from SciPy."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import entropy
from together import together

from course_lib.activations import CATALOGUE
from course_lib.diagnostics import (
    diagnose,
    effective_rank,
    is_saturated,
    root_mean_square,
    saturation_threshold,
)
from course_lib.network import mlp

ELEMENTWISE = [row.name for row in CATALOGUE.values() if row.elementwise]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.integers(0, 2, 40)


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1.0, 1e30, 1e300])
def test_root_mean_square_is_that_of_the_scaled_values(scale):
    values = np.random.default_rng(1).normal(size=(2, 5, 4))
    expected = scale * np.sqrt((values**2).mean(axis=(-2, -1)))
    np.testing.assert_allclose(root_mean_square(scale * values), expected, rtol=1e-14)


@pytest.mark.parametrize(("value", "result"), [(0.0, 0.0), (np.inf, np.inf), (np.nan, np.nan)])
def test_root_mean_square_of_special_values(value, result):
    np.testing.assert_equal(root_mean_square(np.array([[1.0 * (value != 0), value]])), result)
    # beside them, what has a square that overflows
    np.testing.assert_equal(root_mean_square([[1e200 * (value != 0), value]]), result)


@together("fractions", [[1.0], [0.5, 0.5], [0.7, 0.2, 0.1], [1 - 1e-9, 1e-9]])
@together("scale", [1e-200, 1.0, 1e200])
def test_effective_rank_is_the_exponential_of_the_entropy(fractions, scale):
    rng = np.random.default_rng(2)
    left, right = (np.linalg.qr(rng.normal(size=(6, 6)))[0][:, : len(fractions)] for _ in "lr")
    matrix = scale * (left * fractions) @ right.T
    expected = np.exp(entropy(fractions))
    assert effective_rank(matrix) == pytest.approx(expected, rel=1e-7)


def test_effective_rank_of_special_matrices():
    stack = np.stack([np.zeros((2, 3)), np.ones((2, 3)), np.full((2, 3), np.nan)])
    np.testing.assert_allclose(effective_rank(stack), [0, 1, np.nan], rtol=1e-12)
    with pytest.raises(ValueError, match=r"shape \(0, 3\); expected"):
        effective_rank(np.zeros((0, 3)))


@pytest.mark.parametrize(
    ("name", "edge"),
    # where the derivative, written out here, is a hundredth of its largest value
    [
        ("sigmoid", brentq(lambda x: 4 * np.exp(-x) / (1 + np.exp(-x)) ** 2 - 0.01, 1, 20)),
        ("tanh", brentq(lambda x: 1 / np.cosh(x) ** 2 - 0.01, 1, 20)),
        ("softsign", 9.0),
        ("softplus", -brentq(lambda x: 1 / (1 + np.exp(x)) - 0.01, 1, 20)),
        ("elu", np.log(0.01)),
    ],
)
def test_a_unit_is_saturated_below_a_hundredth_of_the_largest_derivative(name, edge):
    step = 1e-9 * np.sign(edge)
    np.testing.assert_array_equal(is_saturated(name, [edge - step, edge + step]), [False, True])


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_threshold_is_a_fraction_of_the_largest_derivative_that_is_found(name):
    largest = np.abs(CATALOGUE[name].derivative(np.linspace(-50, 50, 1_000_001))).max()
    unbounded = name in ("squared_relu", "exponential")
    assert saturation_threshold(name, 0.5) == pytest.approx(
        0.5 if unbounded else largest / 2, rel=1e-3
    )


def test_saturation_needs_a_derivative_and_a_fraction():
    with pytest.raises(ValueError, match=r"'softmax' is not elementwise"):
        is_saturated("softmax", X)
    with pytest.raises(ValueError, match=r"fraction is 1; expected a number between 0 and 1"):
        is_saturated("relu", X, fraction=1)
    with pytest.raises(ValueError, match="fraction is 0"):
        diagnose(mlp([3, 4, 2]), X, Y, fraction=0)
    with pytest.raises(KeyError, match="did you mean 'gelu'"):
        saturation_threshold("geluu")
