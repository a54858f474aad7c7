"""Gains of gates and of maxout: against numerical integration, closed forms and wide networks."""

from dataclasses import replace
from itertools import pairwise
from math import erf, exp, inf, pi, sqrt

import numpy as np
import pytest
from scipy import integrate, special

from course_lib.activations import CATALOGUE, Activation, get
from course_lib.network import mlp
from course_lib.network.gains import GATES, computed_gain

GATE_OF_HALF = {
    "glu": special.expit,
    "reglu": lambda b: max(b, 0.0),
    "geglu": lambda b: b * (1 + erf(b / sqrt(2))) / 2,
    "swiglu": lambda b: b * special.expit(b),
}


def density(x):
    return exp(-x * x / 2) / sqrt(2 * pi)


def integral(function):
    """Return the integral over the normal density, split at 0."""
    return sum(
        integrate.quad(lambda x: function(x) * density(x), *half, epsabs=1e-13)[0]
        for half in pairwise((-inf, 0, inf))
    )


@pytest.mark.parametrize("name", GATE_OF_HALF)
def test_a_gate_has_the_gain_of_its_second_factor(name):
    # both halves by integrals, the first of which is 1
    mean = integral(lambda a: a * a) * integral(lambda b: GATE_OF_HALF[name](b) ** 2)
    assert computed_gain(get(name)) == pytest.approx(1 / sqrt(mean), rel=1e-10)


def test_every_gate_of_the_catalogue_has_a_gain():
    named = {row.name for row in CATALOGUE.values() if row.kind == "groups"}
    assert named == {row.name for row in map(get, GATE_OF_HALF)} | {"maxout", "logsumexp"}
    assert {function.__name__ for function in GATES} == set(GATE_OF_HALF)


@pytest.mark.parametrize(
    ("pieces", "mean"), [(1, 1), (2, 1), (3, 1 + sqrt(3) / (2 * pi)), (4, 1 + sqrt(3) / pi)]
)
def test_maxout_has_the_closed_form(pieces, mean):
    found = computed_gain(get("maxout", pieces=pieces))
    assert found == pytest.approx(1 / sqrt(mean), rel=1e-12)


@pytest.mark.parametrize("pieces", [2, 5, 8, 40])
def test_maxout_has_the_integral(pieces):
    mean = integral(lambda x: pieces * x * x * special.ndtr(x) ** (pieces - 1))
    assert computed_gain(get("maxout", pieces=pieces)) == pytest.approx(1 / sqrt(mean), rel=1e-10)


STEADY = ["glu", "maxout", get("maxout", pieces=3), get("maxout", pieces=5)]
PRODUCTS = ["reglu", "geglu", "swiglu"]


def mean_squares(row, layers, size=1.0):
    """Return the mean square of what each dense layer returns, over seeds and examples."""
    x = np.random.default_rng(0).normal(size=(100, 200))
    x *= size * sqrt(200) / np.linalg.norm(x, axis=1, keepdims=True)  # each example by itself
    sizes = [200, *[500] * layers, 500]
    hidden, found = x, []
    for layer in mlp(sizes, row, seed=range(6), initialization="computed").layers:
        hidden = layer.forward(hidden)
        if layer.parameters:
            found.append(float(np.square(hidden).mean()))
    return found


@pytest.mark.parametrize("row", STEADY, ids=lambda row: getattr(row, "name", row))
def test_the_gain_keeps_the_variance_at_depth(row):
    np.testing.assert_allclose(mean_squares(row, 4), 1, rtol=0.1)


@pytest.mark.parametrize("row", PRODUCTS)
def test_the_gain_keeps_the_variance_of_a_product_for_a_step(row):
    np.testing.assert_allclose(mean_squares(row, 2), 1, rtol=0.1)


def test_a_product_of_two_squares_what_a_variance_deviates_by():
    near, far = mean_squares("reglu", 2, 1.0), mean_squares("reglu", 2, 2.0)
    np.testing.assert_allclose(np.divide(far, near), [4, 16, 256], rtol=1e-9)


def test_each_layer_has_the_gain_of_the_activation_before_it():
    options = {"sizes": [3, 4, 5, 6, 2], "activation": ["relu", "swiglu", "tanh"]}
    lecun, computed = (
        mlp(**options, initialization=scheme).parameters for scheme in ("lecun", "computed")
    )
    gains = {"0": 1, "2": get("relu").gain, "4": get("silu").gain, "6": get("tanh").gain}
    for name, gain in gains.items():
        expected = gain * lecun[f"{name}.weight"]
        np.testing.assert_array_equal(computed[f"{name}.weight"], expected)


def test_a_row_with_other_parameters_has_their_gain():
    # E[f²] is a half of 1 and a half of 0.04
    found = computed_gain(get("leaky_relu", negative_slope=0.2))
    assert found == pytest.approx(1 / sqrt(0.52), rel=1e-12)


def test_a_gate_of_a_users_own_has_the_gain_that_it_states():
    own = Activation("own", lambda x: x, lambda x: x, kind="groups", gain=1.5)
    assert computed_gain(own) == 1.5
    with pytest.raises(ValueError, match="'own', which makes one output of several inputs; give"):
        computed_gain(replace(own, gain=None))


def test_over_an_axis_there_is_no_gain():
    with pytest.raises(ValueError, match="softmax works over an axis"):
        computed_gain(get("softmax"))
