"""Means of functions of a normal variable: against closed forms, mpmath and SciPy."""

import warnings
from functools import partial
from math import asin, erf, erfc, exp, expm1, nan, pi, sqrt
from time import process_time

import numpy as np
import pytest
from mpmath import mp, mpf
from scipy.integrate import quad
from together import together

from course_lib.activations import CATALOGUE, relu, tanh_grad
from course_lib.meanfield import chi, expectation, gauss_hermite, variance_map

VARIANCES = [1e-12, 1e-6, 1e-3, 0.1, 1.0, 30.0, 1e4, 1e6, 1e8]
ERROR = 2e-13  # what the documentation of `expectation` promises


# ---------------------------------------------------------------------------------------------
# Expectations
# ---------------------------------------------------------------------------------------------


def square(name, part="function"):
    return lambda x: getattr(CATALOGUE[name], part)(x) ** 2


def gelu_square(q):
    """Return E[gelu(x)^2]: by symmetry and the law of three normal variables' signs."""
    return q / 4 + q / (2 * pi) * (asin(q / (1 + q)) + 2 * q / ((1 + q) * sqrt(1 + 2 * q)))


CLOSED = {  # the function, E[f] and, where f has both signs, E|f|
    "one": (np.ones_like, lambda q: 1),
    "square": (np.square, lambda q: q),
    "eighth power": (lambda x: x**8, lambda q: 105 * q**4),
    "cube": (lambda x: x**3, lambda q: 0, lambda q: q**1.5 * sqrt(8 / pi)),
    "step": (lambda x: x > 0, lambda q: 0.5),
    "relu": (relu, lambda q: sqrt(q / (2 * pi))),
    "relu, squared": (square("relu"), lambda q: q / 2),
    "leaky_relu, squared": (square("leaky_relu"), lambda q: (1 + 0.01**2) * q / 2),
    "gelu": (CATALOGUE["gelu"], lambda q: q / sqrt(2 * pi * (1 + q)), lambda q: sqrt(q)),
    "gelu, squared": (square("gelu"), gelu_square),
    "erf, squared": (
        lambda x: np.vectorize(erf)(x) ** 2,
        lambda q: 2 / pi * asin(2 * q / (1 + 2 * q)),
    ),
    "sine, squared": (square("sine"), lambda q: -expm1(-2 * q) / 2),
    "gaussian, squared": (square("gaussian"), lambda q: 1 / sqrt(1 + 4 * q)),
    "gaussian's derivative, squared": (
        square("gaussian", "derivative"),
        lambda q: 4 * q * (1 + 4 * q) ** -1.5,
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_expectations_with_a_closed_form(name):
    function, mean, *size = CLOSED[name]
    values = expectation(function, VARIANCES)
    for q, value in zip(VARIANCES, values, strict=True):
        assert abs(value - mean(q)) <= ERROR * (size or [mean])[0](q), f"at variance {q:g}"


def scipy_mean(function, q, points):
    """Return E[f(x)] as `scipy.integrate.quad` finds it, over the same range."""
    deviation = sqrt(q)

    def integrand(x):
        z = x / deviation
        return float(function(np.array([x]))[0]) * exp(-z * z / 2) / deviation / sqrt(2 * pi)

    ends = -37 * deviation, 37 * deviation
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it doubts its own result
        return quad(integrand, *ends, points=points, epsabs=0, epsrel=1e-12, limit=1000)[0]


def test_quadrature_of_our_own_is_worth_its_lines():
    """SciPy's, with the kinks named, misses narrow functions and takes many times as long."""
    errors, times = [[], []], [0.0, 0.0]
    for function, mean, *size in CLOSED.values():
        for q in VARIANCES:
            for k, compute in enumerate((expectation, scipy_mean)):
                start = process_time()
                value = compute(function, q, **[{"kinks": [0.0]}, {"points": [0.0]}][k])
                times[k] += process_time() - start
                errors[k].append(abs(value - mean(q)) / (size or [mean])[0](q))
    ours, theirs = np.array(errors)
    assert (ours <= ERROR).all()
    assert (theirs > ERROR).sum() >= 10  # 13 when this was written
    assert max(theirs) > 0.99  # nothing was seen at all
    assert times[1] > 3 * times[0]  # 23 when this was written


@pytest.mark.parametrize("q", [1e-12, 1.0, 1e4, 1e8])
def test_waves_within_the_tolerance(q):
    for tolerance in (1e-4, 1e-8, 1e-12):
        error = abs(expectation(np.cos, q, tolerance=tolerance) - exp(-q / 2))
        assert error <= tolerance * min(1, 2 / pi + exp(-q / 2))


@pytest.mark.parametrize("q", [1e-12, 1.0, 10.0, 100.0, 340.0])
def test_the_exponential_far_from_the_middle(q):
    assert expectation(np.exp, q) == pytest.approx(exp(q / 2), rel=ERROR)


def test_the_density_of_an_arcsine_kernel():
    """E[sign(x) sign(y)] for two correlated variables is 2/pi arcsin(c): an integral of erf."""
    for c in (0.1, 0.5, 0.9, 0.999):
        steepness = c / sqrt(2 * (1 - c * c))
        value = expectation(lambda x, s=steepness: np.sign(x) * np.vectorize(erf)(s * x))
        assert value == pytest.approx(2 / pi * asin(c), abs=1e-12)


def exact_mean(function, q, kinks):
    """Return E[f(x)] to 20 digits, from pieces of its own."""
    with mp.workdps(20):
        deviation = mp.sqrt(mpf(q))
        far = 13 * deviation
        ends = {deviation * k for k in (0.5, 1, 2, 3, 5, 8, 13)} | {
            mpf(3) ** k for k in range(-1, 12)
        }
        ends = {e for e in ends if e <= far} | {mpf(0)} | {mpf(k) for k in kinks if k <= far}
        ends = sorted(ends | {-e for e in ends})
        density = partial(mp.npdf, mu=0, sigma=deviation)
        return mp.quad(lambda x: function(x) * density(x), ends, method="gauss-legendre")


@pytest.mark.parametrize("threshold", [0.3, 17.3])
def test_an_unnamed_kink_costs_no_more_than_the_tolerance(threshold):
    exact = erfc(threshold / 10 / sqrt(2)) / 2
    named = expectation(lambda x: x > threshold, 100.0, kinks=[threshold])
    assert named == pytest.approx(exact, rel=1e-14)
    for tolerance in (1e-4, 1e-8, 1e-12):
        found = expectation(lambda x: x > threshold, 100.0, tolerance=tolerance)
        assert found == pytest.approx(exact, rel=tolerance)


def test_a_kink_out_of_reach_changes_nothing():
    assert expectation(np.square, 1.0, kinks=[1e6, -1e6]) == expectation(np.square, 1.0)


def test_variance_zero_is_the_limit():
    assert expectation(lambda x: x > 0, 0.0) == 0.5
    assert expectation(np.cos, [0.0, 0.0]).tolist() == [1.0, 1.0]
    assert chi("relu", 0.0) == 0.5
    assert variance_map("sigmoid", 0.0) == 0.25


@pytest.mark.parametrize("variance", [2.0, [1.0, 2.0], [[1.0], [2.0], [3.0]], np.ones((2, 0))])
def test_results_have_the_shape_of_the_variances(variance):
    shape = np.shape(variance)
    for value in (
        expectation(np.square, variance),
        gauss_hermite(np.square, variance),
        variance_map("tanh", variance),
        chi("tanh", variance),
    ):
        assert np.shape(value) == shape
        assert value.dtype == np.float64
    for i in np.ndindex(shape):
        single = variance_map("tanh", np.asarray(variance)[i])
        assert np.asarray(variance_map("tanh", variance))[i] == single


def test_narrow_variances_and_integers_count_as_numbers():
    for variance in (np.float32(3), 3, np.int8(3), np.array(3.0)):
        assert expectation(np.square, variance) == expectation(np.square, 3.0)


# ---------------------------------------------------------------------------------------------
# Gauss-Hermite
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nodes", [1, 2, 5, 20, 60])
def test_gauss_hermite_is_that_of_numpy(nodes):
    z, weights = np.polynomial.hermite_e.hermegauss(nodes)
    expected = weights @ np.cos(1.5 * z + 1) / sqrt(2 * pi)
    found = gauss_hermite(lambda x: np.cos(x + 1), 2.25, nodes)
    assert found == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("nodes", [1, 2, 3, 10, 30])
@together("q", [0.01, 1.0, 50.0])
def test_split_rules_are_exact_for_pieces_of_polynomials(nodes, q):
    def pieces(x):  # of the degree that the rule is exact for, or 9
        return np.where(x < -0.4, 1.0, np.where(x < 0.7, x, x ** min(2 * nodes - 1, 9)))

    exact = expectation(pieces, q, kinks=[-0.4, 0.7])
    found = gauss_hermite(pieces, q, nodes, kinks=[0.7, -0.4, 0.7, 1e5])
    assert found == pytest.approx(exact, rel=1e-11)


def test_at_a_kink_plain_gauss_hermite_converges_like_one_over_the_nodes():
    exact = 1 / sqrt(2 * pi)
    errors = np.array([abs(gauss_hermite(relu, 1.0, n) / exact - 1) for n in (16, 32, 64, 128)])
    np.testing.assert_allclose(errors[:-1] / errors[1:], 2, rtol=0.03)
    assert errors[2] == pytest.approx(0.0065, abs=5e-5)  # as the documentation says
    assert gauss_hermite(relu, 1.0, 1, kinks=[0.0]) == pytest.approx(exact, rel=1e-13)
    assert abs(expectation(relu) / exact - 1) < 1e-14


def test_at_a_large_variance_gauss_hermite_overlooks_a_narrow_function():
    q = 1e4

    def squared_derivative(x):
        return tanh_grad(x) ** 2

    exact = exact_mean(lambda x: mp.sech(x) ** 4, q, [])
    assert abs(expectation(squared_derivative, q) / float(exact) - 1) < ERROR
    assert gauss_hermite(squared_derivative, q, 64) < 1e-9 * exact
    split = gauss_hermite(squared_derivative, q, 64, kinks=[0.0])
    assert split / float(exact) - 1 == pytest.approx(0.10, abs=0.005)


# ---------------------------------------------------------------------------------------------
# Misuse
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tolerance", [0, 0.0, 1.0, 3, -1e-3, nan, None])
def test_a_tolerance_lies_between_zero_and_one(tolerance):
    with pytest.raises(
        ValueError, match=f"tolerance is {tolerance}; expected a number between 0 and 1"
    ):
        expectation(np.cos, tolerance=tolerance)


@pytest.mark.parametrize("mean", [expectation, gauss_hermite])
def test_functions_and_kinks_of_another_kind_are_named(mean):
    with pytest.raises(TypeError, match=r"function is 'relu'; expected a callable"):
        mean("relu")
    for kinks in (0.0, ["0"], None):
        with pytest.raises(TypeError, match=r"kinks is .*; expected a sequence of numbers"):
            mean(abs, 1.0, kinks=kinks)
    with pytest.raises(ValueError, match="kinks is ragged: entries of one list"):
        mean(abs, 1.0, kinks=[[0.0], [1.0, 2.0]])


def test_functions_of_no_use_are_named():
    with pytest.raises(ValueError, match=r"returned shape \(\) for an input of shape \(\d+,\)"):
        expectation(np.sum)
    with pytest.raises(ArithmeticError, match="the function is nan at -"):
        expectation(lambda x: np.where(x < 0, nan, x))
    with pytest.raises(OverflowError, match=r"the function is inf at .*, so lower the variance"):
        expectation(np.exp, 1000.0)
    with pytest.raises(ArithmeticError, match=r"variance 1e\+12 is not reached to 1e-12"):
        expectation(np.sin, 1e12)


@pytest.mark.parametrize("nodes", [0, -1, 201])
def test_numbers_of_nodes_have_bounds(nodes):
    with pytest.raises(ValueError, match=f"nodes is {nodes}; expected an integer from 1"):
        gauss_hermite(np.cos, 1.0, nodes)
    with pytest.raises(TypeError, match=r"nodes is 2\.5; expected an integer"):
        gauss_hermite(np.cos, 1.0, 2.5)
