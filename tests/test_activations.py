"""Every elementwise activation and its derivative against exact values, and their limits."""

import ast
import functools
import inspect
import math
import sys

import numpy as np
import pytest
from activation_cases import (
    DTYPES,
    ELEMENTWISE,
    INF,
    NAN,
    NARROW_ULPS,
    PAIRS,
    by_name,
    disagreement,
)
from mpmath import mp, mpf

from course_lib import activations
from course_lib.accuracy import EXACT, Exact, errors, exact_values, inputs, survey
from course_lib.accuracy.references import REFERENCES, values_of
from course_lib.activations import CATALOGUE
from course_lib.numerics import BLOCK

pytestmark = pytest.mark.usefixtures("fifty_digits")


def held_to_mpmath(name, part, x, every):
    """Return the references at the inputs, after a comparison of a sample of them with mpmath."""
    found = values_of(REFERENCES[name][part == "derivative"], x.astype(np.float64))
    sample = Exact(found.fraction[::every], found.rest[::every], found.exponent[::every])
    exact = exact_values(EXACT[name][part == "derivative"], x[::every])
    assert disagreement(sample, exact) < 2.0**-85
    return found


@pytest.mark.parametrize("part", ["function", "derivative"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_error_is_within_the_bound_at_every_size_of_input(name, part):
    """Against double-double references, which `test_references.py` holds to mpmath."""
    for dtype in DTYPES:
        bound = CATALOGUE[name].ulps[part == "derivative"] if dtype == np.float64 else NARROW_ULPS
        x = inputs(dtype, near=CATALOGUE[name].kinks)
        exact = held_to_mpmath(name, part, x, every=50)
        found = survey(getattr(CATALOGUE[name], part), exact, x)
        assert found.worst <= bound, f"{found.worst:.3f} ULPs at {found.at!r} in {dtype.__name__}"
        assert not found.lost
        if dtype != np.float64:
            # but for near-ties: the narrower kernels keep 35 bits at least
            assert found.rounded > 0.97 if name == "rrelu" else found.rounded > 0.999


@pytest.mark.parametrize("part", ["function", "derivative"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_plain_kernels_of_narrow_types_are_held_to_those_of_float64(name, part):
    x = inputs(np.float32, 200_000)
    function = getattr(CATALOGUE[name], part)
    with np.errstate(over="ignore", under="ignore"):
        rounded = function(x.astype(np.float64)).astype(np.float32)
    value = function(x)
    normal = np.abs(rounded) >= np.finfo(np.float32).tiny  # below, x/2 is a tie for many x
    assert (value != rounded)[normal].mean() < 1e-4
    np.testing.assert_array_max_ulp(value, rounded, 1)


HARD = {  # where the largest errors are: the zeros of derivatives, the ends of the kernels' pieces
    ("gelu", "function"): [(-2, -1), (-38, -16)],
    ("gelu", "derivative"): [(-1, -0.5), (-8, -4), (-38, -16)],
    ("gelu_tanh", "derivative"): [(-0.9, -0.6), (-2, 0), (-21, -2)],
    ("silu", "derivative"): [(-1.5, -1), (-1, 0), (-40, -2)],
    ("mish", "function"): [(-1, 0), (-40, -2)],
    ("mish", "derivative"): [(-1.3, -1), (-1, 0), (-40, -1.3)],
    ("lecun_tanh", "derivative"): [(-12, 0)],
    ("squareplus", "derivative"): [(-3, 0)],
    ("tanh_shrink", "function"): [(-2, 0)],
}


@pytest.mark.parametrize(("name", "part"), HARD)
def test_error_is_within_the_bound_where_it_is_largest(name, part):
    for low, high in HARD[name, part]:
        x = np.random.default_rng(1).uniform(low, high, 3000)
        exact = held_to_mpmath(name, part, x, every=100)
        found = survey(getattr(CATALOGUE[name], part), exact, x)
        assert found.worst <= CATALOGUE[name].ulps[part == "derivative"], (
            f"{found.worst} at {found.at!r}"
        )


LIBRARY = ["cos", "exp", "exp2", "expm1", "hypot", "log", "log1p", "log2", "power", "sin", "tanh"]


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_float64_rests_on_the_functions_of_numpy_that_the_table_names(name, monkeypatch):
    row, called = CATALOGUE[name], set()
    x = np.concatenate([np.linspace(-3, 3, 601), [-800.0, 800, 1e-300]])[np.newaxis]
    row(x), row.derivative(x)  # constants are solved for once

    def watched(library_function):
        function = getattr(np, library_function)

        def call(*arguments, **keywords):
            called.add(library_function)
            return function(*arguments, **keywords)

        return call

    for library_function in LIBRARY:
        monkeypatch.setattr(np, library_function, watched(library_function))
    row(x), row.derivative(x)
    assert tuple(sorted(called)) == row.rests_on


# ---------------------------------------------------------------------------------------------
# Parameters
# ---------------------------------------------------------------------------------------------


PARAMETERS = {  # name: parameters, function, derivative
    "leaky_relu": ({"negative_slope": 0.2}, lambda x: x if x > 0 else mpf(0.2) * x, None),
    "softplus": ({"beta": 3.3}, lambda x: mp.log1p(mp.exp(mpf(3.3) * x)) / mpf(3.3), None),
    "squareplus": ({"b": 0.7}, lambda x: mpf(0.7) / 2 / (mp.sqrt(x * x + mpf(0.7)) - x), None),
    "elu": ({"alpha": 2.5}, lambda x: x if x > 0 else mpf(2.5) * mp.expm1(x), None),
    "celu": ({"alpha": 0.3}, lambda x: x if x > 0 else mpf(0.3) * mp.expm1(x / mpf(0.3)), None),
    "hard_tanh": ({"min_val": -2, "max_val": 0.5}, lambda x: min(max(x, mpf(-2)), mpf(0.5)), None),
    "hard_sigmoid": (
        {"slope": 0.2, "offset": 0.7},
        lambda x: min(max(mpf(0.2) * x + mpf(0.7), mpf(0)), mpf(1)),
        None,
    ),
    "relu6": ({"max_value": 0.7}, lambda x: min(max(x, mpf(0)), mpf(0.7)), None),
    "swish": ({"beta": 0.9}, lambda x: x / (1 + mp.exp(-mpf(0.9) * x)), None),
    "hard_shrink": ({"threshold": 1}, lambda x: x if abs(x) > 1 else mpf(0), None),
    "soft_shrink": ({"threshold": 1}, lambda x: mp.sign(x) * max(abs(x) - 1, mpf(0)), None),
    "threshold": ({"threshold": 1, "value": -2}, lambda x: x if x > 1 else mpf(-2), None),
    "prelu": ({"negative_slope": -0.5}, lambda x: x if x > 0 else -x / 2, None),
    "rrelu": ({"lower": 0.1, "upper": 0.2}, lambda x: x if x > 0 else mpf(0.1 + 0.2) / 2 * x, None),
}


def difference_quotient(function, x):
    """Return a derivative to 50 digits, however small it is beside the function."""
    with mp.workdps(340):  # e^-500, a step of 1e-60, and 60 digits more
        return mp.diff(function, x, h=mpf(10) ** -60)


@pytest.mark.parametrize("name", PARAMETERS)
def test_other_parameters_are_as_accurate(name):
    parameters, function, _ = PARAMETERS[name]
    row = CATALOGUE[name]
    x = np.concatenate([np.random.default_rng(0).uniform(-600, 0, 400), np.linspace(-3.01, 3, 99)])
    exact = exact_values(function, x)
    assert errors(row(x, **parameters), exact).max() <= 4
    # the derivative of the exact function, by mpmath's differences
    inside = x[(x > -500) & (abs(abs(x) - 1) > 0.01) & (abs(x) > 0.01)][::7]
    slopes = exact_values(lambda u: difference_quotient(function, u), inside)
    assert errors(row.derivative(inside, **parameters), slopes).max() <= 4
    assert set(parameters) == set(row.parameters) - {"rng"}


def logistic(x):
    return 1 / (1 + mp.exp(-x))


def rectified(p):
    return (lambda x: x if x > 0 else p * x), (lambda x: mpf(1) if x > 0 else p)


def soft(p):
    return lambda x: (max(p * x, 0) + mp.log1p(mp.exp(-abs(p * x)))) / p, lambda x: logistic(p * x)


def rooted(p):
    def left(x):  # of the value; the sum of both sides is the root
        return p / 2 / (mp.sqrt(x * x + p) + abs(x))

    def slope(x):
        return left(x) / mp.sqrt(x * x + p)

    return (
        lambda x: x + left(x) if x > 0 else left(x),
        lambda x: 1 - slope(x) if x > 0 else slope(x),
    )


def bent(p):
    return lambda x: x if x > 0 else p * mp.expm1(x), lambda x: mpf(1) if x > 0 else p * mp.exp(x)


def bent_smoothly(p):
    return (
        lambda x: x if x > 0 else p * mp.expm1(x / p),
        lambda x: mpf(1) if x > 0 else mp.exp(x / p),
    )


def gated(p):
    return (
        lambda x: x * logistic(p * x),
        lambda x: logistic(p * x) * (1 + p * x * logistic(-p * x)),
    )


OF_A_PARAMETER = {  # row: its parameter, the size of inputs at which it bends, exact pair
    "leaky_relu": ("negative_slope", lambda p: 1, rectified),
    "prelu": ("negative_slope", lambda p: 1, rectified),
    "softplus": ("beta", lambda p: 1 / p, soft),
    "squareplus": ("b", math.sqrt, rooted),
    "elu": ("alpha", lambda p: 1, bent),
    "celu": ("alpha", lambda p: p, bent_smoothly),
    "swish": ("beta", lambda p: 1 / p, gated),
}


@pytest.mark.parametrize("parameter", [1e-3, 0.0123, 0.7, 3.3, 333.3, 1e3])
@pytest.mark.parametrize("name", OF_A_PARAMETER)
def test_bounds_hold_for_parameters_from_a_thousandth_to_a_thousand(name, parameter):
    key, size, pair = OF_A_PARAMETER[name]
    rng, row = np.random.default_rng(0), CATALOGUE[name]
    zero = 1.278464542761073795  # of the derivative of SiLU
    x = size(parameter) * np.concatenate(
        [
            rng.standard_normal(200) * 2,
            rng.uniform(-745, 0, 100),
            rng.standard_normal(100) * 10.0 ** rng.uniform(-320, 10, 100),
            -zero * (1 + rng.standard_normal(50) * 10.0 ** rng.uniform(-15, -1, 50)),
        ]
    )
    for function, exact, bound in zip(
        (row.function, row.derivative), pair(mpf(parameter)), row.ulps, strict=True
    ):
        off = errors(function(x, **{key: parameter}), exact_values(exact, x))
        assert off.max() <= bound, (function, x[off.argmax()])


def test_what_needs_no_digits_of_a_quotient_has_them():
    # once off by 4e-7: the quotient x/alpha is a subnormal number
    x = -2.3e-308
    assert activations.celu(x, alpha=1e10) == x
    # once off by 5.3 units in the last place
    off = errors(
        activations.squareplus_grad(np.array([-6.6e-7]), b=1e-3),
        exact_values(rooted(mpf(1e-3))[1], [-6.6e-7]),
    )
    assert off[0] <= CATALOGUE["squareplus"].ulps[1]


def test_every_parameter_is_tried():
    assert {r.name for r in PAIRS if r.parameters} == set(PARAMETERS)


@pytest.mark.parametrize("beta", [1e-10, 1e10])
def test_extreme_parameters_give_limits_at_infinity(beta):
    x = np.array([-INF, INF])
    np.testing.assert_array_equal(activations.swish(x, beta=beta), [0, INF])
    np.testing.assert_array_equal(activations.swish_grad(x, beta=beta), [0, 1])
    np.testing.assert_array_equal(activations.softplus(x, beta=beta), [0, INF])
    np.testing.assert_array_equal(activations.softplus_grad(x, beta=beta), [0, 1])
    np.testing.assert_array_equal(activations.celu(x, alpha=beta), [-beta, INF])
    np.testing.assert_array_equal(activations.celu_grad(x, alpha=beta), [0, 1])


# ---------------------------------------------------------------------------------------------
# Limits
# ---------------------------------------------------------------------------------------------


LIMITS = {  # f(-inf), f(inf), f'(-inf), f'(inf)
    "identity": (-INF, INF, 1, 1),
    "leaky_relu": (-INF, INF, 0.01, 1),
    "prelu": (-INF, INF, 0.25, 1),
    "rrelu": (-INF, INF, (1 / 8 + 1 / 3) / 2, 1),
    "relu6": (0, 6, 0, 0),
    "hard_tanh": (-1, 1, 0, 0),
    "hard_sigmoid": (0, 1, 0, 0),
    "sparse_sigmoid": (0, 1, 0, 0),
    "hard_shrink": (-INF, INF, 1, 1),
    "soft_shrink": (-INF, INF, 1, 1),
    "squared_relu": (0, INF, 0, INF),
    "sigmoid": (0, 1, 0, 0),
    "log_sigmoid": (-INF, 0, 1, 0),
    "tanh": (-1, 1, 0, 0),
    "lecun_tanh": (-1.7159, 1.7159, 0, 0),
    "softsign": (-1, 1, 0, 0),
    "tanh_shrink": (-INF, INF, 1, 1),
    "elu": (-1, INF, 0, 1),
    "celu": (-1, INF, 0, 1),
    "selu": (-1.7580993408473768, INF, 0, 1.0507009873554805),  # as the paper prints them
    "sine": (NAN, NAN, NAN, NAN),
    "gaussian": (0, 0, 0, 0),
    "exponential": (0, INF, 0, INF),
}


LIKE_RELU = "relu threshold hard_swish sparse_plus softplus squareplus gelu gelu_tanh quick_gelu"


LIMITS |= dict.fromkeys([*LIKE_RELU.split(), "silu", "swish", "mish"], (0, INF, 0, 1))


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_infinite_inputs_give_limits_and_nan_gives_nan(row):
    for dtype in DTYPES:
        x = np.array([-INF, INF, NAN], dtype)
        expected = np.array(LIMITS[row.name], dtype)
        # constants have digits of their own
        ulp = {"rtol": np.finfo(dtype).eps, "atol": 0, "err_msg": dtype.__name__}
        np.testing.assert_allclose(row(x), [*expected[:2], NAN], **ulp)
        np.testing.assert_allclose(row.derivative(x), [*expected[2:], NAN], **ulp)


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_the_largest_finite_inputs_behave_like_infinite_ones(row):
    below, above = LIMITS[row.name][2:]
    grows = row.name in ("exponential", "squared_relu", "selu")  # SELU: 1.05 times the largest
    for dtype in DTYPES:
        x = np.array([-1, 1], dtype) * np.finfo(dtype).max
        value, derivative = row(x), row.derivative(x)
        if row.name == "sine":
            assert (np.abs([value, derivative]) <= 1).all(), dtype
            continue
        assert np.isfinite(value).all() or grows, dtype
        near = {"rtol": np.finfo(dtype).eps, "atol": 1e-7, "err_msg": dtype.__name__}
        np.testing.assert_allclose(derivative, np.array([below, above], dtype), **near)


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_a_scalar_is_treated_as_an_array_of_one(row):
    for x in (-INF, -800.0, -1.0, 0.0, 1.0, INF, NAN):
        for function in (row.function, row.derivative):
            expected = function(np.array([x]))[0]
            for scalar in (x, np.float64(x), np.array(x)):
                np.testing.assert_array_equal(function(scalar), expected)


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_a_value_does_not_depend_on_its_neighbors(row):
    x = np.concatenate([np.linspace(-747, -700, 50), np.linspace(-40, 40, 81), [-21.3, 26.7]])
    for function in (row.function, row.derivative):
        alone = [function(u) for u in x]
        for neighbor in (NAN, INF, -INF, 0.0):
            np.testing.assert_array_equal(function(np.append(x, neighbor))[:-1], alone)


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_one_nan_in_a_long_array_stays_alone(row):
    for position in (0, BLOCK - 1, BLOCK, 2 * BLOCK + 5):
        x = np.linspace(-3, 3, 2 * BLOCK + 6)
        x[position] = NAN
        for function in (row.function, row.derivative):
            assert np.flatnonzero(np.isnan(function(x))).tolist() == [position]


# ---------------------------------------------------------------------------------------------
# Where a function stands
# ---------------------------------------------------------------------------------------------

FAMILIES = [
    "course_lib.activations.groups",
    "course_lib.activations.hard",
    "course_lib.activations.rectifiers",
    "course_lib.activations.self_gated",
    "course_lib.activations.sigmoids",
    "course_lib.activations.soft_rectifiers",
    "course_lib.activations.simplex",
    "course_lib.activations.softmax_family",
    "course_lib.activations.waves",
]


@functools.cache
def functions_of(module):
    """Return the names of a module's functions, in their order."""
    body = ast.parse(inspect.getsource(module)).body
    return [node.name for node in body if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=by_name)
def test_a_derivative_stands_directly_below_its_function(row):
    assert row.function.__module__ in FAMILIES
    family = sys.modules[row.function.__module__]
    names = functions_of(family)
    below = names[names.index(row.name) + 1 :]
    public = [name for name in below if not name.startswith("_")]
    assert public[0] == row.derivative.__name__
    assert {row.name, row.derivative.__name__} <= {*family.__all__} <= {*activations.__all__}
