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


def test_unknown_parameter():
    with pytest.raises(TypeError, match=r"unknown parameter of 'elu' 'beta'\. Expected: alpha"):
        activations.get("elu", beta=2)


def test_custom_activation_needs_three_fields():
    cube = Activation("cube", lambda x: x**3, lambda x: 3 * x**2)
    np.testing.assert_array_equal(cube.vjp([2.0], [1.0]), [12.0])
