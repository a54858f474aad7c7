"""Slopes of leaky rectifiers: given, one for each channel, random."""

import numpy as np
import pytest
import torch
from activation_cases import INF, NAN

from course_lib import activations
from course_lib.activations import CATALOGUE
from course_lib.numerics import BLOCK


@pytest.mark.parametrize("slope", [0.0, 0.2, -1.0, 3.0])
def test_leaky_relu_takes_another_slope(slope):
    row = CATALOGUE["leaky_relu"]
    np.testing.assert_array_equal(row([-2.0, 0.0, 3.0], negative_slope=slope), [-2 * slope, 0, 3])
    np.testing.assert_array_equal(
        row.derivative([-2.0, 0.0, 3.0], negative_slope=slope), [slope, slope, 1]
    )


def test_each_slope_of_prelu_may_be_its_own():
    x = np.random.default_rng(0).normal(size=(4, 3))
    slopes = np.array([0.1, 0.2, 0.3])
    leaf, learned = torch.tensor(x, requires_grad=True), torch.tensor(slopes, requires_grad=True)
    y = torch.nn.functional.prelu(leaf, learned)
    y.sum().backward()
    np.testing.assert_array_equal(activations.prelu(x, negative_slope=slopes), y.detach())
    np.testing.assert_array_equal(activations.prelu_grad(x, negative_slope=slopes), leaf.grad)
    np.testing.assert_allclose(activations.prelu_negative_slope_grad(x).sum(axis=0), learned.grad)


@pytest.mark.parametrize("shape", [(), (5,), (BLOCK + 3,), (2, 3)])
def test_random_slopes_lie_between_their_bounds_and_can_be_drawn_again(shape):
    x = np.full(shape, -1.0)
    drawn = -activations.rrelu(x, rng=np.random.default_rng(7))
    assert ((1 / 8 <= drawn) & (drawn <= 1 / 3)).all()
    assert np.unique(drawn).size == x.size
    slopes = activations.rrelu_grad(x, rng=np.random.default_rng(7))
    np.testing.assert_array_equal(slopes, drawn)
    assert np.shape(slopes) == shape


@pytest.mark.parametrize("slope", [0, [0.0], -0.0])
def test_a_slope_of_zero_is_zero_at_minus_infinity_too(slope):
    x = np.array([-INF])
    assert activations.prelu(x, negative_slope=slope) == 0
    if np.ndim(slope) == 0:
        assert activations.leaky_relu(x, negative_slope=slope) == 0
        assert activations.rrelu(x, lower=slope, upper=slope) == 0
        assert np.isnan(activations.leaky_relu(NAN, negative_slope=slope))
