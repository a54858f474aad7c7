"""Rows of the catalogue with other parameters."""

import numpy as np
import pytest

from course_lib import activations
from course_lib.activations import Activation

X = np.array([-2.0, -0.3, 0.0, 0.4, 3.0])


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("leaky_relu", {"negative_slope": 0.2}),
        ("elu", {"alpha": 2.0}),
        ("softplus", {"beta": 2.0}),
        ("hard_shrink", {"threshold": 0.25}),
        ("threshold", {"threshold": 0.1, "value": -1.0}),
    ],
)
def test_function_and_derivative_have_the_parameters(name, parameters):
    plain, row = activations.get(name), activations.get(name, **parameters)
    assert row.parameters == plain.parameters | parameters
    np.testing.assert_array_equal(row(X), plain.function(X, **parameters))
    np.testing.assert_array_equal(row.derivative(X), plain.derivative(X, **parameters))


def test_kinks_and_lipschitz_constant_follow():
    row = activations.get("elu", alpha=2.0)
    assert (row.kinks, row.kink_derivatives, row.lipschitz) == ((0.0,), (2.0,), 2.0)
    assert activations.get("soft_shrink", threshold=0.25).kinks == (-0.25, 0.25)
    assert activations.get("leaky_relu", negative_slope=3).lipschitz == 3


def test_over_an_axis_the_properties_stay():
    row = activations.get("maxout", pieces=4)
    assert (row.range, row.lipschitz) == ((-np.inf, np.inf), 1)
    np.testing.assert_array_equal(row(np.arange(8.0)), [6, 7])
    np.testing.assert_array_equal(row.vjp(np.arange(8.0), [1, 2]), [0, 0, 0, 0, 0, 0, 1, 2])


def test_a_threshold_that_jumps_has_no_lipschitz_constant():
    assert activations.get("threshold", threshold=1.0, value=0.0).lipschitz == np.inf
    assert activations.get("threshold", threshold=1.0, value=1.0).lipschitz == 1


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("prelu", {"negative_slope": np.array([0.1, 0.2])}),
        ("elu", {"alpha": "2"}),
        ("elu", {"alpha": None}),
        ("rrelu", {"rng": np.random.default_rng(0)}),
    ],
)
def test_only_numbers_can_be_fixed(name, parameters):
    with pytest.raises(TypeError, match="expected one number"):
        activations.get(name, **parameters)


def test_unknown_parameter():
    with pytest.raises(TypeError, match=r"unknown parameter of 'elu' 'beta'\. Expected: alpha"):
        activations.get("elu", beta=2)


def test_custom_activation_needs_three_fields():
    cube = Activation("cube", lambda x: x**3, lambda x: 3 * x**2)
    np.testing.assert_array_equal(cube.vjp([2.0], [1.0]), [12.0])


@pytest.mark.parametrize(
    ("name", "parameters", "low", "monotonic"),
    [
        ("leaky_relu", {"negative_slope": 0.2}, -np.inf, True),
        ("leaky_relu", {"negative_slope": 0.0}, 0, True),
        ("prelu", {"negative_slope": -0.5}, 0, False),
        ("rrelu", {"lower": -0.5, "upper": -0.25}, 0, False),
        ("elu", {"alpha": 2.0}, -2, True),
        ("elu", {"alpha": -1.0}, 0, False),
        ("celu", {"alpha": 0.5}, -0.5, True),
        ("threshold", {"threshold": 1.0, "value": 3.0}, 1, False),
        ("threshold", {"threshold": 1.0, "value": -3.0}, -3, True),
        ("swish", {"beta": 2.0}, -0.139232, False),  # half of SiLU's, -0.278465
        ("softplus", {"beta": 2.0}, 0, True),
        ("squareplus", {"b": 1.0}, 0, True),
        ("hard_shrink", {"threshold": 0.25}, -np.inf, True),
    ],
)
def test_range_and_monotonicity_follow(name, parameters, low, monotonic):
    row, x = activations.get(name, **parameters), np.linspace(-40, 40, 80_001)
    y = row(x)
    assert row.monotonic is monotonic is bool((np.diff(y) >= 0).all())
    assert row.range == (pytest.approx(low, abs=1e-6), np.inf)
    assert row.range[0] <= y.min()  # and it comes near: these are infimum and supremum
    assert y.min() < -7 if low == -np.inf else y.min() < low + 0.02
