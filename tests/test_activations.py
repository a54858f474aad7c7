"""Every activation and its derivative against exact values, and what the catalogue says of them."""

import dataclasses
import functools
import math
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mpmath import mp, mpf

from course_lib import activations, meanfield
from course_lib.accuracy import (
    EXACT,
    EXACT_ROWS,
    errors,
    exact_rows,
    exact_values,
    input_rows,
    inputs,
    survey,
)
from course_lib.accuracy.peers import PEERS, TEXTBOOK
from course_lib.activations import (
    CATALOGUE,
    log_softmax,
    log_softmax_jacobian,
    softmax,
    softmax_and_log,
    softmax_jacobian,
)
from course_lib.activations.catalogue import spelled_out
from course_lib.network import Activate
from course_lib.numerics import BLOCK
from course_lib.pytorch import activation_module

DTYPES = [np.float16, np.float32, np.float64]
ELEMENTWISE = [row.name for row in CATALOGUE.values() if row.elementwise]
PAIRS = [row for row in CATALOGUE.values() if row.elementwise]
ROWS_OVER_AXIS = [row for row in CATALOGUE.values() if not row.elementwise]
OVER_AXIS = [softmax, log_softmax, softmax_jacobian, log_softmax_jacobian]
GROUPED = [r.function for r in CATALOGUE.values() if r.kind == "groups"]
INF, NAN = float("inf"), float("nan")


def by_name(row):
    return row.name


@pytest.fixture(autouse=True)
def fifty_digits():
    """Reckon the oracles to 50 digits."""
    with mp.workdps(50):
        yield


# ---------------------------------------------------------------------------------------------
# Accuracy
# ---------------------------------------------------------------------------------------------

NARROW_ULPS = 0.51  # float16 and float32 are computed in float64 and rounded once


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("part", ["function", "derivative"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_error_is_within_the_bound_at_every_size_of_input(name, part, dtype):
    bound = CATALOGUE[name].ulps[part == "derivative"] if dtype == np.float64 else NARROW_ULPS
    x = inputs(dtype, near=CATALOGUE[name].kinks)
    exact = exact_values(EXACT[name][part == "derivative"], x)
    found = survey(getattr(CATALOGUE[name], part), exact, x)
    assert found.worst <= bound, f"{found.worst:.3f} ULPs at {found.at!r}"
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
        exact = exact_values(EXACT[name][part == "derivative"], x)
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


PARAMETERS = {  # name: parameters, function, derivative
    "leaky_relu": ({"negative_slope": 0.2}, lambda x: x if x > 0 else mpf(0.2) * x, None),
    "softplus": ({"beta": 3.3}, lambda x: mp.log1p(mp.exp(mpf(3.3) * x)) / mpf(3.3), None),
    "squareplus": ({"b": 0.7}, lambda x: mpf(0.7) / 2 / (mp.sqrt(x * x + mpf(0.7)) - x), None),
    "elu": ({"alpha": 2.5}, lambda x: x if x > 0 else mpf(2.5) * mp.expm1(x), None),
    "celu": ({"alpha": 0.3}, lambda x: x if x > 0 else mpf(0.3) * mp.expm1(x / mpf(0.3)), None),
    "swish": ({"beta": 0.9}, lambda x: x / (1 + mp.exp(-mpf(0.9) * x)), None),
    "hard_shrink": ({"threshold": 1}, lambda x: x if abs(x) > 1 else mpf(0), None),
    "soft_shrink": ({"threshold": 1}, lambda x: mp.sign(x) * max(abs(x) - 1, mpf(0)), None),
    "threshold": ({"threshold": 1, "value": -2}, lambda x: x if x > 1 else mpf(-2), None),
    "prelu": ({"negative_slope": -0.5}, lambda x: x if x > 0 else -x / 2, None),
    "rrelu": ({"lower": 0.1, "upper": 0.2}, lambda x: x if x > 0 else mpf(0.1 + 0.2) / 2 * x, None),
}


def difference_quotient(function, x):
    """Return a derivative to 50 digits, however small it is beside the function."""
    with mp.workdps(1200):
        return mp.diff(function, x, h=mpf(10) ** -400)


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


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("x", [-3.1, -0.7, 0.4, 2.0, 5.0])
def test_the_exact_derivatives_are_those_of_the_exact_functions(name, x):
    function, derivative = EXACT[name]
    assert mp.almosteq(mp.diff(function, mpf(x)), derivative(mpf(x)), 1e-20, 1e-20)


def test_every_row_has_an_oracle():
    assert set(EXACT) == set(ELEMENTWISE)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_error_is_a_distance_in_the_spacing_of_floats(dtype):
    info = np.finfo(dtype)
    one = exact_values(lambda x: x, [1.0])
    assert errors(np.array([1 + info.eps], dtype), one) == 1
    assert errors(np.array([1 - info.eps / 2], dtype), one) == 0.5
    smallest = exact_values(lambda x: x / 2, [float(info.smallest_subnormal)])
    assert errors(np.array([0.0], dtype), smallest) == 0.5
    huge = exact_values(lambda x: 3 * x, [float(info.max)])
    assert errors(np.array([INF], dtype), huge) == 0
    for wrong in (-INF, NAN, info.max):
        assert errors(np.array([wrong], dtype), huge) == INF
    assert errors(np.array([INF], dtype), one) == INF


def test_a_false_zero_is_called_lost_and_a_true_one_is_not():
    x = np.array([-800.0, -400.0, 1.0])
    exact = exact_values(EXACT["exponential"][0], x)
    assert not survey(np.exp, exact, x).lost
    assert survey(lambda x: np.exp(x) * (x > -300), exact, x).lost


@pytest.mark.parametrize("name", TEXTBOOK)
def test_the_textbooks_formulas_are_the_functions_where_nothing_goes_wrong(name):
    x = np.linspace(-3, 3, 25)
    for function, exact in zip(TEXTBOOK[name], EXACT[name], strict=True):
        np.testing.assert_allclose(function(x), [float(exact(mpf(u))) for u in x], rtol=1e-11)


@pytest.mark.parametrize("library", PEERS)
def test_peers_are_the_functions_where_nothing_goes_wrong(library):
    x = np.linspace(-3.1, 3, 25)
    for name in ELEMENTWISE:
        if pair := PEERS[library](name):
            for function, exact in zip(pair, EXACT[name], strict=True):
                values = [float(exact(mpf(u))) for u in x]
                np.testing.assert_allclose(function(x), values, rtol=1e-7, atol=1e-12)
                assert function(x.astype(np.float32)).dtype == np.float32


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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_infinite_inputs_give_limits_and_nan_gives_nan(row, dtype):
    x = np.array([-INF, INF, NAN], dtype)
    expected = np.array(LIMITS[row.name], dtype)
    ulp = {"rtol": np.finfo(dtype).eps, "atol": 0}  # constants have digits of their own
    np.testing.assert_allclose(row(x), [*expected[:2], NAN], **ulp)
    np.testing.assert_allclose(row.derivative(x), [*expected[2:], NAN], **ulp)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_the_largest_finite_inputs_behave_like_infinite_ones(row, dtype):
    x = np.array([-1, 1], dtype) * np.finfo(dtype).max
    if row.name == "sine":
        assert (np.abs([row(x), row.derivative(x)]) <= 1).all()
        return
    below, above = LIMITS[row.name][2:]
    grows = row.name in ("exponential", "squared_relu", "selu")  # SELU: 1.05 times the largest
    assert np.isfinite(row(x)).all() or grows
    expected = np.array([below, above], dtype)
    np.testing.assert_allclose(row.derivative(x), expected, rtol=np.finfo(dtype).eps, atol=1e-7)


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


@pytest.mark.parametrize("position", [0, BLOCK - 1, BLOCK, 2 * BLOCK + 5])
@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_one_nan_in_a_long_array_stays_alone(row, position):
    x = np.linspace(-3, 3, 2 * BLOCK + 6)
    x[position] = NAN
    for function in (row.function, row.derivative):
        assert np.flatnonzero(np.isnan(function(x))).tolist() == [position]


# ---------------------------------------------------------------------------------------------
# Shape, dtype, memory
# ---------------------------------------------------------------------------------------------

LAYOUTS = {
    "0-d": lambda x: x[3],
    "scalar": lambda x: x.dtype.type(x[3]),
    "empty": lambda x: x[:0].reshape(0, 3),
    "every other": lambda x: x[::2],
    "backwards": lambda x: x[::-1],
    "transposed": lambda x: x.reshape(3, -1).T,
    "two axes": lambda x: x.reshape(3, -1),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype),
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_layout_dtype_and_shape_are_kept(row, layout, dtype):
    line = np.linspace(-4, 4, 3 * (BLOCK // 3 + 7)).astype(dtype)  # more than one block
    x = LAYOUTS[layout](line)
    before = np.array(x)
    for function in (row.function, row.derivative):
        value = function(x)
        assert (value.dtype, value.shape) == (x.dtype, x.shape)
        one_by_one = [function(u) for u in x.ravel()[:5].astype(dtype)]
        np.testing.assert_array_equal(value.ravel()[:5], one_by_one)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("function", [*(r.function for r in PAIRS), *OVER_AXIS])
@pytest.mark.parametrize("x", [[1, 2], np.array([1, 2], np.int8), np.array([1, 2], np.uint64)])
def test_integers_and_lists_become_float64(function, x):
    value = function(x)
    assert value.dtype == np.float64
    np.testing.assert_array_equal(value, function(np.array([1.0, 2.0])))


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
@settings(max_examples=30)
@given(
    x=hnp.arrays(
        st.sampled_from(DTYPES),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
        elements=st.floats(width=16),
    )
)
def test_any_array_keeps_its_shape_and_dtype(row, x):
    for function in (row.function, row.derivative):
        value = function(x)
        assert (value.shape, value.dtype) == (x.shape, x.dtype)
        empty = ~np.isfinite(x) if row.name == "sine" else np.isnan(x)
        np.testing.assert_array_equal(np.isnan(value), empty)


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
@pytest.mark.parametrize("n", [5, BLOCK + 5])
def test_out_receives_the_result_also_in_place(row, n):
    x = np.linspace(-4, 4, n)
    for function in (row.function, row.derivative):
        expected, out, same = function(x), np.empty_like(x), x.copy()
        assert function(x, out) is out
        assert function(same, out=same) is same
        np.testing.assert_array_equal([out, same], [expected, expected])


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
@pytest.mark.parametrize("n", [5, 2 * BLOCK + 5])
def test_out_may_overlap_the_input(row, n):
    line = np.linspace(-4, 4, n)
    expected = row(line[:-1])
    row(line[:-1], out=line[1:])
    np.testing.assert_array_equal(line[1:], expected)


# ---------------------------------------------------------------------------------------------
# What the catalogue says
# ---------------------------------------------------------------------------------------------


def extremum(function, low, high, sign):
    """Return the largest value of sign * function, by golden section around the best of a grid."""
    grid = [low + (high - low) * mpf(i) / 400 for i in range(401)]
    best = max(range(1, 400), key=lambda i: sign * function(grid[i]))
    a, b = grid[best - 1], grid[best + 1]
    for _ in range(80):
        c, d = b - (b - a) / mp.phi, a + (b - a) / mp.phi
        a, b = (a, d) if sign * function(c) > sign * function(d) else (c, b)
    return function((a + b) / 2)


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "quick_gelu", "silu", "swish", "mish"])
def test_the_declared_minimum_is_the_exact_one(name):
    lowest = exact_values(lambda _: extremum(EXACT[name][0], mpf(-3), mpf(0), -1), [0.0])
    assert errors(np.array([CATALOGUE[name].range[0]]), lowest) <= 2


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_values_fill_the_declared_range(row):
    x = np.concatenate([[-INF], np.linspace(-20, 20, 4001), [INF]])
    values = row(x)
    low, high = np.nanmin(values), np.nanmax(values)  # the sine of infinity is NaN
    assert (low, high) == pytest.approx(row.range, abs=2e-5)
    slack = 4 * np.finfo(np.float64).eps
    assert low >= row.range[0] - slack
    assert high <= row.range[1]


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_monotonic_means_that_the_exact_slope_is_never_negative(row):
    slopes = [EXACT[row.name][1](mpf(i) / 8) for i in range(-160, 161)]
    assert row.monotonic == (min(slopes) >= 0)


@pytest.mark.parametrize("row", [r for r in PAIRS if r.monotonic], ids=by_name)
def test_rounding_keeps_a_monotonic_function_monotonic(row):
    x = np.sort(np.random.default_rng(0).uniform(-20, 20, 100_000).astype(np.float32))
    assert (np.diff(row(x)) >= 0).all()


@pytest.mark.parametrize("row", [r for r in PAIRS if r.lipschitz < INF], ids=by_name)
def test_the_lipschitz_constant_is_the_steepest_slope(row):
    def steepness(x):
        return abs(EXACT[row.name][1](x))

    steepest = extremum(steepness, mpf(-8), mpf(8), 1)
    steepest = max([steepest, *(steepness(mpf(x)) for x in (-1e9, -1e-30, 0, 1e9))])
    assert row.lipschitz == pytest.approx(float(steepest), rel=1e-15)


@pytest.mark.parametrize("row", [r for r in PAIRS if r.lipschitz == INF], ids=by_name)
def test_without_a_lipschitz_constant_slopes_grow_or_the_function_jumps(row):
    if row.kinks:
        below, above = (EXACT[row.name][0](mpf(row.kinks[1]) + d) for d in (-1e-30, 1e-30))
        assert above - below > 0.4
    else:
        assert EXACT[row.name][1](mpf(1000)) > 1000


def test_the_lipschitz_constant_of_softmax_is_reached_by_an_even_pair():
    assert np.linalg.norm(softmax_jacobian([0.0, 0.0]), 2) == pytest.approx(
        CATALOGUE["softmax"].lipschitz
    )
    rows = np.random.default_rng(0).normal(size=(200, 5)) * 3
    assert np.linalg.norm(softmax_jacobian(rows), 2, axis=(-2, -1)).max() < 0.5


def test_no_constant_bounds_log_softmax_at_every_length():
    norms = [np.linalg.norm(log_softmax_jacobian([100.0] + [0.0] * n), 2) for n in (3, 24, 399)]
    assert norms == pytest.approx([2, 5, 20])
    assert CATALOGUE["log_softmax"].lipschitz == INF


def exact_gain(row):
    """Return what keeps the second moment of a normal variable, by mpmath's quadrature."""
    function = EXACT[row.name][0]
    pieces = sorted({-14.0, -4.0, -1.0, 0.0, 1.0, 4.0, 14.0, *row.kinks})
    with mp.workdps(22):
        mean = mp.quad(lambda x: function(x) ** 2 * mp.npdf(x), pieces, method="gauss-legendre")
        return 1 / mp.sqrt(mean)


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_the_gain_is_the_exact_one_correctly_rounded(row):
    off = errors(np.array([row.gain]), exact_values(lambda _: exact_gain(row), [0.0]))
    assert off[0] <= 0.5
    assert row.gain == pytest.approx(meanfield.gain(row), rel=1e-14)


@pytest.mark.parametrize(
    ("name", "gain"),
    [
        ("identity", 1.0),
        ("selu", 1.0),
        ("relu", math.sqrt(2)),
        ("leaky_relu", math.sqrt(2 / (1 + 0.01**2))),
        ("prelu", math.sqrt(2 / (1 + 0.25**2))),
        ("squared_relu", math.sqrt(2 / 3)),
        ("squareplus", math.sqrt(2 / 3)),  # the mean of (x^2 + 2)/2, as the odd part cancels
        ("sine", math.sqrt(2 / (1 - math.exp(-2)))),
        ("gaussian", 5**0.25),
        ("exponential", math.exp(-1)),
    ],
)
def test_gains_with_a_closed_form(name, gain):
    assert CATALOGUE[name].gain == pytest.approx(gain, rel=4e-16)


def test_over_an_axis_there_is_no_gain():
    assert {row.gain for row in ROWS_OVER_AXIS} == {None}


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_kinks_are_where_left_and_right_slopes_differ(row):
    derivative = EXACT[row.name][1]
    for x in {-1.0, 0.0, 1.0, 3.0, *row.kinks}:
        left, right = (derivative(mpf(x) + d) for d in (mpf(-1e-30), mpf(1e-30)))
        assert (abs(left - right) > 1e-20) == (x in row.kinks)


@pytest.mark.parametrize("row", [r for r in PAIRS if r.kinks], ids=by_name)
def test_at_a_kink_the_derivative_takes_the_conventional_value(row):
    for kink, value in zip(row.kinks, row.kink_derivatives, strict=True):
        assert row.derivative(kink) == value
        if kink == 0:
            assert row.derivative(-0.0) == value


@pytest.mark.parametrize("row", [r for r in PAIRS if r.kinks and r.pytorch], ids=by_name)
def test_the_conventional_value_at_a_kink_is_that_of_pytorch(row):
    x = torch.tensor(row.kinks, dtype=torch.float64, requires_grad=True)
    activation_module(row).double().eval()(x).sum().backward()
    np.testing.assert_allclose(row.kink_derivatives, x.grad, rtol=1e-15)


@pytest.mark.parametrize("slope", [0.0, 0.2, -1.0, 3.0])
def test_leaky_relu_takes_another_slope(slope):
    row = CATALOGUE["leaky_relu"]
    np.testing.assert_array_equal(row([-2.0, 0.0, 3.0], negative_slope=slope), [-2 * slope, 0, 3])
    np.testing.assert_array_equal(
        row.derivative([-2.0, 0.0, 3.0], negative_slope=slope), [slope, slope, 1]
    )


ROUGH_IN_PYTORCH = {"hard_sigmoid": 1e-7}  # its slope is the float32 nearest to 1/6, in float64 too


@pytest.mark.parametrize("row", [r for r in PAIRS if r.pytorch], ids=by_name)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pytorch_computes_the_same_function_under_the_listed_name(row, dtype):
    x = torch.linspace(-5, 5, 101, dtype=dtype, requires_grad=True)
    y = activation_module(row).to(dtype).eval()(x)
    y.sum().backward()
    near = {"rtol": 20 * torch.finfo(dtype).eps, "atol": 20 * torch.finfo(dtype).eps}
    np.testing.assert_allclose(row(x.detach().numpy()), y.detach(), **near)
    near["rtol"] = max(near["rtol"], ROUGH_IN_PYTORCH.get(row.name, 0))
    np.testing.assert_allclose(row.derivative(x.detach().numpy()), x.grad, **near)


JAX_AT_KINKS = {  # where the docstrings say that JAX differs, and where not
    "relu": [0],
    "leaky_relu": [1],
    "prelu": [1],
    "relu6": [0, 0],
    "hard_tanh": [1, 1],
    "hard_sigmoid": [0, 0],
    "sparse_sigmoid": [0.25, 0.25],
    "hard_swish": [0, 1],
    "selu": [1.7580993408473768],
}


@pytest.mark.parametrize("row", [r for r in PAIRS if r.kinks and r.jax], ids=by_name)
def test_the_conventions_of_jax_are_those_that_the_docstrings_tell(row):
    if (pair := PEERS["JAX"](row.name)) is None:
        pytest.skip("needs jax")
    np.testing.assert_allclose(pair[1](np.array(row.kinks)), JAX_AT_KINKS[row.name], rtol=1e-7)


def test_the_slope_of_pytorchs_hard_sigmoid_is_that_of_float32_in_float64_too():
    slope = PEERS["PyTorch"]("hard_sigmoid")[1](np.zeros(1))
    assert slope == np.float64(np.float32(1 / 6))


class Labeled(np.ndarray):
    """A subclass, as other libraries have them."""


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=by_name)
def test_a_subclass_gives_a_plain_array_with_the_same_values(row):
    x = np.linspace(-3, 3, 12)
    for function in (row.function, row.derivative):
        value = function(x.view(Labeled))
        assert type(value) in (np.ndarray, np.float64)
        np.testing.assert_array_equal(value, function(x))


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


# ---------------------------------------------------------------------------------------------
# Other libraries
# ---------------------------------------------------------------------------------------------

NOT_ELEMENTWISE = {
    "torch": {"MultiheadAttention", "Softmax2d"},
    "jax": {"one_hot", "standardize", "scaled_dot_product_attention", "dot_product_attention"}
    | {"get_scaled_dot_general_config", "scaled_dot_general", "scaled_matmul", "logmeanexp"}
    | {"log1mexp"},  # a tool for probabilities, not an activation
    "keras": {"get", "serialize", "deserialize", "sparsemax"},
}
ALIASES = {"hard_silu": "hard_swish"}


def test_every_activation_of_pytorch_is_there():
    known = {spelled_out(row.pytorch)[0] for row in CATALOGUE.values() if row.pytorch}
    theirs = set(torch.nn.modules.activation.__all__) - NOT_ELEMENTWISE["torch"]
    assert theirs <= known, sorted(theirs - known)


@pytest.mark.parametrize("library", ["jax", "keras"])
def test_every_activation_of_other_libraries_is_there(library):
    namespace = {"jax": "jax.nn", "keras": "keras.activations"}[library]
    module = pytest.importorskip(namespace, reason=f"needs {library}")
    known = {spelled_out(name)[0] for row in CATALOGUE.values() if (name := getattr(row, library))}
    theirs = {n for n in dir(module) if not n.startswith("_") and callable(getattr(module, n))}
    missing = {ALIASES.get(name, name) for name in theirs - NOT_ELEMENTWISE[library]} - known
    assert not missing, sorted(missing)


@pytest.mark.parametrize("library", ["jax", "keras"])
def test_other_libraries_compute_the_same_functions_under_the_listed_names(library):
    namespace = {"jax": "jax.nn", "keras": "keras.activations"}[library]
    module = pytest.importorskip(namespace, reason=f"needs {library}")
    x = np.linspace(-5, 5, 102, dtype=np.float32)
    for row in CATALOGUE.values():
        if name := getattr(row, library):
            function, options = spelled_out(name)
            value = np.asarray(getattr(module, function)(x, **options))
            np.testing.assert_allclose(row(x), value, rtol=2e-5, atol=1e-5, err_msg=row.name)


# ---------------------------------------------------------------------------------------------
# Softmax and its logarithm
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("name", EXACT_ROWS)
def test_error_over_an_axis_is_within_the_bound(name, part, dtype):
    row, rows = CATALOGUE[name], input_rows(dtype)
    values = np.asarray((row.function, row.derivative)[part](rows))
    exact = exact_rows(EXACT_ROWS[name][part], rows)
    off = errors(values.ravel(), exact)
    if name == "logsumexp" and part == 0:  # beside its largest input, where that is larger
        off *= np.spacing(np.abs(values)) / np.spacing(np.maximum(abs(rows.max(-1)), abs(values)))
    assert off.max() <= (row.ulps[part] if dtype == np.float64 else NARROW_ULPS)


HARD_ROWS = {  # where the largest errors are, and where they were before
    "fifty": np.random.default_rng(165).standard_normal((200, 50))[29:31] * 10,
    "six": np.random.default_rng(3).standard_normal((60, 6)) * 10,
    "subnormal": np.array([[0.0, -708.8512001163213], [0.0, -745.1], [0.0, -740.0]]),
    "subnormal sum": np.array([[0.0, -708.6370774322238, -734.5006962169421]]),
    "all others subnormal": np.append([0.0], np.linspace(-745, -720, 30))[np.newaxis],
    "near ties": np.array([[6.255902727305088e-10, -1.999999999151554, 1.552705103887239e-09]]),
    "close": np.array([[-0.0041, -0.00235, -0.00959, 0.00162, 0.00108], [1e-9, 0, 0, 0, 0]]),
    "near 0": np.array([[-0.0173201613708165, -0.5929297890090078], [-math.log(2), -math.log(2)]]),
    "even": np.zeros((1, 60)),
    "wide": np.random.default_rng(1).uniform(-700, 700, (20, 8)),
}


@pytest.mark.parametrize("case", HARD_ROWS)
@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax", "logsumexp"])
def test_error_over_an_axis_is_within_the_bound_where_it_is_largest(name, case):
    row, rows = CATALOGUE[name], HARD_ROWS[case] * (-1 if name == "softmin" else 1)
    for part in (0, 1):
        off = errors(
            np.asarray((row.function, row.derivative)[part](rows)).ravel(),
            exact_rows(EXACT_ROWS[name][part], rows),
        )
        if name == "logsumexp" and part == 0:
            values = np.abs(row(rows))
            off *= np.spacing(values) / np.spacing(np.maximum(abs(rows.max(-1)), values))
        assert off.max() <= row.ulps[part]


GATE_TAILS = {"glu": (-1500, -590), "geglu": (-60, -30), "swiglu": (-1500, -590)}


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("name", GATE_TAILS)
def test_a_large_factor_keeps_the_digits_of_a_gate_too_small_for_a_float(name, part):
    rng, row = np.random.default_rng(0), CATALOGUE[name]
    factors = rng.choice([-1, 1], 300) * 10.0 ** rng.uniform(-10, 308, 300)
    x = np.stack([factors, rng.uniform(*GATE_TAILS[name], 300)], axis=-1)
    x[:4] = [[692.4, -714.5], [692.4, 714.5], [-752.8, -723.1], [-63.4, -37.98]]
    found = np.asarray((row.function, row.derivative)[part](x)).ravel()
    assert errors(found, exact_rows(EXACT_ROWS[name][part], x)).max() <= row.ulps[part]
    if part == 0:
        np.testing.assert_array_equal(row.pullback(x)[0].ravel(), found)


@pytest.mark.parametrize("length", [1, 10, 1_000, 10_000])
@pytest.mark.parametrize("scale", [0.01, 3, 100])
def test_softmax_keeps_its_bound_at_every_length(length, scale):
    """A few entries of each row, against sums of all its exponentials."""
    x = np.random.default_rng(length).standard_normal(length) * scale
    chosen = np.unique([*x.argsort()[-5:], *np.linspace(0, length - 1, 10).astype(int)])
    with mp.workdps(80):
        gaps = [mp.exp(mpf(v) - mpf(x.max())) for v in x[x > x.max() - 90].tolist()]
        total = mp.fsum(gaps)  # what is left out is below e^-90 of the largest
        p = [mp.exp(mpf(float(x[i])) - mpf(x.max())) / total for i in chosen]
        logarithms = [mp.log(q) for q in p]
    for function, exact in ((softmax, p), (log_softmax, logarithms)):
        exact = exact_values(lambda i, values=exact: values[int(i)], range(len(p)))
        assert errors(function(x)[chosen], exact).max() <= CATALOGUE[function.__name__].ulps[0]


def test_every_row_over_an_axis_has_an_oracle():
    assert set(EXACT_ROWS) == {row.name for row in CATALOGUE.values() if not row.elementwise}


SPECIAL_ROWS = {  # row -> softmax, log-softmax
    (-INF, 0.0): ([0, 1], [-INF, 0]),
    (INF, 0.0): ([1, 0], [0, -INF]),
    (INF, -INF): ([1, 0], [0, -INF]),
    (INF, INF, 0.0): ([0.5, 0.5, 0], [-math.log(2), -math.log(2), -INF]),
    (-INF, -INF): ([0.5, 0.5], [-math.log(2), -math.log(2)]),
    (6e4, 0.0): ([1, 0], [0, -6e4]),
    (6e4, -6e4): ([1, 0], [0, -12e4]),
    (NAN, 0.0): ([NAN, NAN], [NAN, NAN]),
    (5.0,): ([1], [0]),
    (): ([], []),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", SPECIAL_ROWS, ids=str)
def test_softmax_of_special_rows(row, dtype):
    x = np.array(row, dtype)
    with np.errstate(over="ignore"):
        p, logarithms = (np.array(values).astype(dtype) for values in SPECIAL_ROWS[row])
    for function, expected in ((softmax, p), (log_softmax, logarithms)):
        value = function(x)
        assert value.dtype == dtype
        np.testing.assert_array_equal(value, expected)
    for value, expected in zip(softmax_and_log(x), (p, logarithms), strict=True):
        np.testing.assert_array_equal(value, expected)
    for jacobian in (softmax_jacobian(x), log_softmax_jacobian(x)):
        assert jacobian.shape == (len(row), len(row))
        assert np.isnan(jacobian).all() == (NAN in row and bool(row)) or not row


def test_a_difference_beyond_the_largest_float_is_no_trouble():
    largest = np.finfo(np.float64).max
    np.testing.assert_array_equal(softmax([largest, -largest]), [1, 0])
    np.testing.assert_array_equal(log_softmax([largest, -largest]), [0, -INF])


@pytest.mark.parametrize("function", OVER_AXIS)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 0, 3), (2, 3, 0)])
def test_softmax_of_nothing_is_nothing(function, shape):
    n = shape[-1:] if "jacobian" in function.__name__ else ()
    assert function(np.empty(shape, np.float32)).shape == (*shape, *n)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_and_jacobian_equal_pytorch_along_any_axis(name, axis):
    x = torch.tensor(np.random.default_rng(0).normal(size=(2, 3, 4)), requires_grad=True)
    module = type(activation_module(name))
    np.testing.assert_allclose(
        CATALOGUE[name](x.detach().numpy(), axis=axis), module(dim=axis)(x).detach(), rtol=1e-14
    )
    lines = x.detach().movedim(axis, -1).reshape(-1, x.shape[axis])
    expected = [torch.autograd.functional.jacobian(module(dim=-1), line) for line in lines]
    jacobian = CATALOGUE[name].derivative(x.detach().numpy(), axis=axis)
    np.testing.assert_allclose(
        jacobian.reshape(-1, *jacobian.shape[-2:]), torch.stack(expected), rtol=1e-13, atol=1e-15
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_and_log_equal_the_two_functions(dtype):
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(dtype)
    np.testing.assert_array_equal(softmax_and_log(x), [softmax(x), log_softmax(x)])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmin_is_softmax_of_the_opposite(axis):
    x = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(activations.softmin(x, axis), softmax(-x, axis))
    leaf = torch.tensor(x[0])
    expected = torch.autograd.functional.jacobian(torch.nn.Softmin(dim=-1), leaf)
    np.testing.assert_allclose(activations.softmin_jacobian(x[0]), expected, rtol=1e-13)


LOGSUMEXP_ROWS = {
    (1000.0, 1000.0): 1000 + math.log(2),
    (0.0, -60.0): math.log1p(math.exp(-60)),
    (-INF, 0.0): 0,
    (INF, 0.0): INF,
    (INF, -INF): INF,
    (INF, INF): INF,
    (-INF, -INF): -INF,
    (NAN, 0.0): NAN,
    (5.0,): 5,
    (): -INF,
}


@pytest.mark.parametrize("row", LOGSUMEXP_ROWS, ids=str)
def test_logsumexp_of_special_rows(row):
    value = activations.logsumexp(np.array(row))
    np.testing.assert_allclose(value, LOGSUMEXP_ROWS[row], rtol=2**-52)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("name", ["logsumexp", "glu", "reglu", "geglu", "swiglu", "maxout"])
def test_groups_are_taken_along_any_axis(name, axis):
    row = CATALOGUE[name]
    x = np.random.default_rng(0).normal(size=(2, 4, 6))
    value, slopes = row(x, axis=axis), row.derivative(x, axis=axis)
    assert slopes.shape == x.shape
    lines = np.moveaxis(x, axis, -1)
    for index in np.ndindex(lines.shape[:-1]):
        own = row(lines[index])
        np.testing.assert_allclose(
            own, value[index] if name == "logsumexp" else np.moveaxis(value, axis, -1)[index]
        )
        np.testing.assert_allclose(
            np.moveaxis(slopes, axis, -1)[index], row.derivative(lines[index]), rtol=1e-13
        )


IN_TORCH = {
    "logsumexp": lambda x: torch.logsumexp(x, -1),
    "maxout": lambda x: torch.stack(x.chunk(2, -1)).amax(0),
    "glu": lambda x: torch.nn.functional.glu(x),
    "reglu": lambda x: x.chunk(2, -1)[0] * torch.relu(x.chunk(2, -1)[1]),
    "geglu": lambda x: x.chunk(2, -1)[0] * torch.nn.functional.gelu(x.chunk(2, -1)[1]),
    "swiglu": lambda x: x.chunk(2, -1)[0] * torch.nn.functional.silu(x.chunk(2, -1)[1]),
    "softmin": lambda x: torch.softmax(-x, -1),
    "squared_relu": lambda x: torch.relu(x) ** 2,
    "sparse_plus": lambda x: torch.where(x > 1, x, torch.clamp(x + 1, min=0) ** 2 / 4),
    "sparse_sigmoid": lambda x: torch.clamp((x + 1) / 2, 0, 1),
    "lecun_tanh": lambda x: 1.7159 * torch.tanh(2 * x / 3),
    "squareplus": lambda x: (x + torch.sqrt(x * x + 4)) / 2,
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "swish": lambda x: x * torch.sigmoid(x),
    "sine": torch.sin,
    "gaussian": lambda x: torch.exp(-x * x),
    "exponential": torch.exp,
}


def in_torch(row, x, axis=-1):
    """Return a function's value and the leaf it depends on, in PyTorch's float64."""
    leaf = torch.tensor(x.astype(np.float64), requires_grad=True)
    function = IN_TORCH.get(row.name) or activation_module(row).double().eval()
    y = function(leaf.movedim(axis, -1))
    return leaf, y if row.name == "logsumexp" else y.movedim(-1, axis)


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=by_name)
def test_vjp_equals_autograd(row):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 4))
    leaf, y = in_torch(row, x)
    np.testing.assert_allclose(row(x), y.detach(), rtol=1e-12, atol=1e-14)
    grad_output = rng.normal(size=y.shape)
    y.backward(torch.tensor(grad_output))
    near = ROUGH_IN_PYTORCH.get(row.name, 1e-12)
    np.testing.assert_allclose(row.vjp(x, grad_output), leaf.grad, rtol=near, atol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", range(-3, 3))
@pytest.mark.parametrize("row", ROWS_OVER_AXIS, ids=by_name)
def test_value_and_vjp_honor_the_axis(row, axis, dtype):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 4, 6)).astype(dtype)
    leaf, y = in_torch(row, x, axis)
    grad_output = rng.normal(size=y.shape).astype(dtype)
    y.backward(torch.tensor(grad_output.astype(np.float64)))
    near = {"rtol": 4 * np.finfo(dtype).eps, "atol": 4 * np.finfo(dtype).eps}
    value, pull = row.pullback(x, axis=axis)
    for found, expected in (
        (row(x, axis=axis), y.detach()),
        (value, y.detach()),
        (row.vjp(x, grad_output, axis=axis), leaf.grad),
        (pull(grad_output), leaf.grad),
    ):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, **near)


@pytest.mark.parametrize("pieces", [1, 2, 3, 6])
def test_vjp_of_maxout_goes_to_the_largest_of_any_number_of_pieces(pieces):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 6, 3))
    leaf = torch.tensor(x, requires_grad=True)
    y = torch.stack(leaf.chunk(pieces, 1)).amax(0)
    grad_output = rng.normal(size=y.shape)
    y.backward(torch.tensor(grad_output))
    found = CATALOGUE["maxout"].vjp(x, grad_output, axis=1, pieces=pieces)
    np.testing.assert_array_equal(found, leaf.grad)


def test_vjp_of_maxout_leaves_infinite_gradients_to_the_largest():
    found = CATALOGUE["maxout"].vjp([1.0, 2.0, 3.0, NAN], [INF, 1.0])
    np.testing.assert_array_equal(found, [0, 0, INF, NAN])


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=by_name)
def test_the_pullback_gives_the_value_and_the_vjp(row):
    x = np.random.default_rng(0).normal(size=(3, 4))
    value, pull = row.pullback(x)
    np.testing.assert_array_equal(value, row(x))
    for grad_output in np.random.default_rng(1).normal(size=(2, *value.shape)):
        np.testing.assert_array_equal(pull(grad_output), row.vjp(x, grad_output))


def test_random_slopes_are_the_same_in_value_and_pullback():
    value, pull = CATALOGUE["rrelu"].pullback(-np.ones(5), rng=np.random.default_rng(7))
    np.testing.assert_array_equal(pull(np.ones(5)), -value)
    assert np.unique(value).size == 5


def with_parameters(row, **parameters):
    """Return a row whose parameters are fixed, as a reader makes it."""
    pair = {"function": row.function, "derivative": row.derivative}
    return dataclasses.replace(
        row, **{key: functools.partial(value, **parameters) for key, value in pair.items()}
    )


@pytest.mark.parametrize("row", [r for r in CATALOGUE.values() if not r.elementwise], ids=by_name)
def test_a_row_with_fixed_parameters_carries_them_everywhere(row):
    x = np.random.default_rng(0).normal(size=(6, 12))
    for parameters in [{"axis": 0}] + ([{"pieces": 3}] if "pieces" in row.parameters else []):
        fixed = with_parameters(row, **parameters)
        grad_output = np.random.default_rng(1).normal(size=fixed(x).shape)
        expected = row.vjp(x, grad_output, **parameters)
        np.testing.assert_array_equal(fixed.vjp(x, grad_output), expected)
        layer = Activate(fixed)
        np.testing.assert_array_equal(layer.forward(x), row(x, **parameters))
        np.testing.assert_array_equal(layer.backward(grad_output), expected)


def test_a_function_of_ones_own_over_an_axis_is_what_a_layer_computes():
    def cool(x):
        return softmax(np.asarray(x) / 10)

    def cool_jacobian(x):
        return softmax_jacobian(np.asarray(x) / 10) / 10

    x, grad_output = np.random.default_rng(0).normal(size=(2, 4, 3)) * 20
    for rule in (CATALOGUE["softmax"].pullback_rule, None):
        row = dataclasses.replace(
            CATALOGUE["softmax"], function=cool, derivative=cool_jacobian, pullback_rule=rule
        )
        layer = Activate(row)
        np.testing.assert_array_equal(layer.forward(x), cool(x))
        leaf = torch.tensor(x, requires_grad=True)
        torch.softmax(leaf / 10, -1).backward(torch.tensor(grad_output))
        np.testing.assert_allclose(layer.backward(grad_output), leaf.grad, rtol=1e-10, atol=1e-14)


def test_a_gate_of_ones_own_is_what_a_layer_computes():
    row = dataclasses.replace(
        CATALOGUE["glu"],
        function=lambda x: activations.glu(x) * 2,
        derivative=lambda x: activations.glu_grad(x) * 2,
    )
    x, grad_output = np.random.default_rng(0).normal(size=(5, 6)), np.ones((5, 3))
    np.testing.assert_array_equal(row.vjp(x, grad_output), 2 * CATALOGUE["glu"].vjp(x, grad_output))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "pair", "value"),
    [
        ("reglu", [INF, -1], 0),
        ("reglu", [0, INF], 0),
        ("reglu", [INF, 0], 0),
        ("swiglu", [0, INF], 0),
        ("glu", [INF, -INF], 0),
        ("geglu", [INF, -INF], 0),
        ("glu", [INF, -1000], INF),
        ("swiglu", [-INF, 2], -INF),
        ("glu", [NAN, -INF], NAN),
        ("glu", [1, NAN], NAN),
    ],
)
def test_a_gate_of_zero_and_an_infinite_factor_give_the_limit(name, pair, value, dtype):
    found = CATALOGUE[name](np.array(pair, dtype))
    np.testing.assert_array_equal(found, np.array([value], dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_derivative_of_a_gate_at_infinity_is_its_limit(dtype):
    found = activations.glu_grad(np.array([INF, INF], dtype))
    np.testing.assert_array_equal(found, np.array([1, 0], dtype))


@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
@pytest.mark.parametrize("gap", [0.0, 3.0, 20.0, 60.0, 700.0])
@pytest.mark.parametrize("length", [2, 7, 100])
def test_vjp_is_as_accurate_as_a_product_with_the_exact_jacobian(name, gap, length):
    """The error beside the sum of the sizes of the terms, which may cancel in the true product."""
    rng = np.random.default_rng(length)
    x, u = rng.normal(size=(2, 3, length))
    x *= -1 if name == "softmin" else 1
    x[:, 1] += -gap if name == "softmin" else gap
    u[1] += 1e6  # a constant gradient has no effect on softmax
    u[2] *= 10.0 ** rng.integers(-200, 200, length)
    found = CATALOGUE[name].vjp(x, u)
    for i in range(len(x)):
        exact, sizes = exact_products(name, x[i], u[i])
        for value, product, size in zip(found[i], exact, sizes, strict=True):
            allowed = 8 * mpf(2) ** -53 * size + length * mpf(2) ** -1074
            assert abs(mpf(float(value)) - product) <= allowed


def exact_products(name, x, u):
    """Return the sums over i of J_ij u_i, and those of their absolute values."""
    with mp.workdps(700):  # 1 - p of a confident answer leaves 50 of them
        sign = -1 if name == "softmin" else 1
        terms = [mp.exp(sign * mpf(float(v))) for v in x]
        p = [t / mp.fsum(terms) for t in terms]
        u = [mpf(float(v)) for v in u]
        weights = [mpf(1)] * len(p) if name == "log_softmax" else p
        total, size = mp.fdot(weights, u), mp.fdot(weights, [abs(v) for v in u])
        products, sizes = [], []
        for q, w, v in zip(p, weights, u, strict=True):
            products.append(sign * (w * v - q * total))
            sizes.append(w * (1 - q) * abs(v) + q * (size - w * abs(v)))
        return products, sizes


@pytest.mark.parametrize("row", ROWS_OVER_AXIS, ids=by_name)
def test_vjp_of_confident_float32_answers_keeps_its_digits(row):
    x = np.float32([[18.0, 0.0, -1.0, 1.0], [0.0, 0.5, 40.0, 3.0]])
    grad_output = np.float32(np.random.default_rng(0).normal(size=np.shape(row(x))))
    expected = row.vjp(x.astype(np.float64), grad_output.astype(np.float64))
    np.testing.assert_allclose(row.vjp(x, grad_output), expected, rtol=2e-7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", CATALOGUE.values(), ids=by_name)
def test_no_vjp_needs_more_than_a_few_arrays_of_the_size_of_its_input(row, dtype):
    # so large that the temporaries of one block do not count
    x = np.random.default_rng(0).normal(size=(64, 2000)).astype(dtype)
    grad_output = np.ones_like(row(x))
    tracemalloc.start()
    row.vjp(x, grad_output)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * x.size * 8  # in float64, whatever the dtype; a Jacobian takes 2000 of them


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------

REFUSED = {
    "bool": np.array([True]),
    "complex128": np.array([1j]),
    "object": np.array([None]),
    "<U1": np.array(["1"]),
    "datetime64": np.array(["2020-01-01"], "datetime64[D]"),
    "inhomogeneous": [[1.0], [1.0, 2.0]],
}
if np.dtype(np.longdouble).itemsize > 8:  # not so on Windows
    REFUSED[str(np.dtype(np.longdouble))] = np.ones(1, np.longdouble)


@pytest.mark.parametrize("given_text", REFUSED)
@pytest.mark.parametrize(
    "function", [f for r in CATALOGUE.values() for f in (r.function, r.derivative)]
)
def test_refused_dtypes_are_named_with_what_is_accepted(function, given_text):
    with pytest.raises(TypeError) as error:
        function(REFUSED[given_text])
    assert given_text in str(error.value)
    assert "float16, float32, float64" in str(error.value) or "numbers" in str(error.value)


@pytest.mark.parametrize(
    ("out", "error", "given_text", "accepted_text"),
    [
        (np.empty(3, np.float32), TypeError, "got float32", "dtype float64"),
        ([0.0] * 3, TypeError, "got list", "dtype float64"),
        (np.empty(4), ValueError, r"shape \(4,\)", r"input has shape \(3,\)"),
        (np.frombuffer(bytes(24)), ValueError, "read-only", "can be written"),
    ],
)
@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_an_out_that_does_not_fit_is_refused(row, out, error, given_text, accepted_text):
    for function in (row.function, row.derivative):
        for text in (given_text, accepted_text):
            with pytest.raises(error, match=text):
                function(np.zeros(3), out)


@pytest.mark.parametrize("function", [*OVER_AXIS, *GROUPED])
@pytest.mark.parametrize(
    ("x", "axis", "given_text"), [(1.0, -1, "()"), ([1.0], 1, "(1,)"), ([1.0], -2, "axis -2")]
)
def test_softmax_needs_the_axis_it_sums_over(function, x, axis, given_text):
    with pytest.raises(ValueError, match="an array with that axis is needed") as error:
        function(x, axis)
    assert given_text in str(error.value)


@pytest.mark.parametrize(
    ("name", "nearest"), [("rellu", "relu"), ("Sigmoid", "sigmoid"), ("softmx", "softmax")]
)
def test_get_suggests_the_nearest_name(name, nearest):
    with pytest.raises(
        KeyError, match=f"{name}.*did you mean '{nearest}'.*relu, leaky_relu, prelu"
    ):
        activations.get(name)


def test_get_lists_what_it_knows_when_nothing_is_near():
    with pytest.raises(KeyError, match=r"unknown activation 'xyz'\. Accepted: identity, relu"):
        activations.get("xyz")


def test_the_three_ways_in_lead_to_the_same_function():
    row = activations.get("gelu")
    assert row is CATALOGUE["gelu"] is activations.get(row)
    assert (row.function, row.derivative) == (activations.gelu, activations.gelu_grad)
    assert list(CATALOGUE) == [r.name for r in CATALOGUE.values()]
    with pytest.raises(TypeError):
        CATALOGUE["new"] = row


BAD_PARAMETERS = {
    "slope": (lambda: activations.leaky_relu(1.0, negative_slope=INF), "slope is inf", "a finite number"),
    "slope as text": (lambda: activations.leaky_relu(1.0, negative_slope="1"), "'1'", "a finite number"),
    "slope as bool": (lambda: activations.leaky_relu(1.0, negative_slope=True), "True", "a finite number"),
    "huge slope": (lambda: activations.leaky_relu(1.0, negative_slope=10**400), "slope is 1", "finite"),
    "prelu NaN": (lambda: activations.prelu([1.0], negative_slope=NAN), "slope is nan", "finite numbers"),
    "prelu shape": (
        lambda: activations.prelu([1.0, 2.0], negative_slope=[1.0] * 3), "(3,)", "that of x, (2,)"
    ),
    "rrelu order": (
        lambda: activations.rrelu(1.0, lower=0.5, upper=0.1), "lower is 0.5", "lower <= upper"
    ),
    "rrelu rng": (lambda: activations.rrelu(1.0, rng=0), "rng is 0", "default_rng"),
    "shrink": (lambda: activations.soft_shrink(1.0, threshold=-1), "is -1", "from 0"),
    "hard shrink": (lambda: activations.hard_shrink_grad(1.0, threshold=NAN), "nan", "from 0"),
    "threshold": (lambda: activations.threshold(1.0, value=NAN), "value is nan", "a finite number"),
    "celu": (lambda: activations.celu(1.0, alpha=0), "alpha is 0", "from 1e-10 to 1e+10"),
    "elu": (lambda: activations.elu_grad(1.0, alpha=INF), "alpha is inf", "a finite number"),
    "softplus": (lambda: activations.softplus_grad(1.0, beta=-1), "beta is -1", "from 1e-10"),
    "squareplus": (lambda: activations.squareplus(1.0, b=0), "b is 0", "from 1e-10"),
    "swish": (lambda: activations.swish(1.0, beta=1e-320), "beta is 1e-320", "from 1e-10"),
    "odd": (lambda: activations.glu([1.0, 2.0, 3.0]), "length 3", "equal parts"),
    "pieces": (lambda: activations.maxout([1.0, 2.0], pieces=0), "0 pieces", "equal parts"),
    "half a piece": (lambda: activations.maxout([1.0], pieces=0.5), "0.5", "an integer"),
    "no axis": (lambda: softmax([1.0], None), "axis is None", "an integer"),
    "out as axis": (lambda: softmax([1.0], np.zeros(1)), "axis is array", "an integer"),
    "slope by place": (lambda: activations.leaky_relu([1.0], 0.2), "got float", "negative_slope=0.2"),
    "grad_output": (
        lambda: CATALOGUE["relu"].vjp([1.0, 2.0], np.ones((3, 2))), "(3, 2)", "has shape (2,)"
    ),
    "grad_output of a gate": (
        lambda: CATALOGUE["glu"].vjp(np.ones(4), np.ones(4)), "(4,)", "has shape (2,)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_PARAMETERS)
def test_bad_parameters_are_named_with_what_is_accepted(case, refuses):
    call, *texts = BAD_PARAMETERS[case]
    refuses(call, (TypeError, ValueError), *texts)


@pytest.mark.parametrize("number", [np.float16(0.5), np.array(0.5), np.float64(0.5)])
def test_a_parameter_may_be_any_real_number(number):
    x = np.array([-INF, -2.0, 3.0, INF])
    for function, name in (
        (activations.leaky_relu, "negative_slope"),
        (activations.softplus, "beta"),
        (activations.celu_grad, "alpha"),
        (activations.swish_grad, "beta"),
    ):
        np.testing.assert_array_equal(function(x, **{name: number}), function(x, **{name: 0.5}))


@pytest.mark.parametrize("slope", [0, [0.0], -0.0])
def test_a_slope_of_zero_is_zero_at_minus_infinity_too(slope):
    x = np.array([-INF])
    assert activations.prelu(x, negative_slope=slope) == 0
    if np.ndim(slope) == 0:
        assert activations.leaky_relu(x, negative_slope=slope) == 0
        assert activations.rrelu(x, lower=slope, upper=slope) == 0
        assert np.isnan(activations.leaky_relu(NAN, negative_slope=slope))


@pytest.mark.parametrize("beta", [1e-10, 1e10])
def test_extreme_parameters_give_limits_at_infinity(beta):
    x = np.array([-INF, INF])
    np.testing.assert_array_equal(activations.swish(x, beta=beta), [0, INF])
    np.testing.assert_array_equal(activations.swish_grad(x, beta=beta), [0, 1])
    np.testing.assert_array_equal(activations.softplus(x, beta=beta), [0, INF])
    np.testing.assert_array_equal(activations.softplus_grad(x, beta=beta), [0, 1])
    np.testing.assert_array_equal(activations.celu(x, alpha=beta), [-beta, INF])
    np.testing.assert_array_equal(activations.celu_grad(x, alpha=beta), [0, 1])


def test_an_empty_batch_has_empty_groups():
    empty = np.empty((0, 4), np.float32)
    for name in ("maxout", "glu", "reglu", "geglu", "swiglu"):
        row = CATALOGUE[name]
        assert row(empty).shape == (0, 2)
        assert row.derivative(empty).shape == (0, 4)
        assert row.vjp(empty, np.empty((0, 2))).shape == (0, 4)
    assert CATALOGUE["logsumexp"].vjp(empty, np.empty(0)).dtype == np.float32


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", ROWS_OVER_AXIS, ids=by_name)
def test_the_gradient_of_nothing_is_empty(row, dtype):
    for shape in ((4, 0), (0, 4), (2, 0, 4), (0,)):
        for axis in range(len(shape)):
            x = np.empty(shape, dtype)
            grad_output = np.ones_like(row(x, axis=axis))
            found = row.vjp(x, grad_output, axis=axis)
            assert (found.shape, found.dtype) == (x.shape, x.dtype)


EXTREMES = {
    "tails": [-1e30, -730.0, 3.0, 1e38],
    "all sizes": [*-np.logspace(-320, 300, 32), *np.logspace(-320, 300, 32)],
    "largest": [-1e308, 1e308, -1e308, 1e308],
    "infinities": [[-INF, INF, INF, 0.0], [-INF, -INF, -INF, -INF], [INF, INF, -INF, 1e-320]],
    "confident": [[0.0, -740.0], [800.0, 0.0], [0.0, -100.0], [-11.0, 0.0]],
    "NaN": [[NAN, 0.0], [INF, NAN], [-INF, NAN]],
    "no rows": np.empty((0, 4)),
    "rows of nothing": np.empty((3, 0)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", EXTREMES)
@pytest.mark.parametrize("row", CATALOGUE.values(), ids=by_name)
def test_no_setting_of_numpy_turns_tails_into_errors(row, kind, dtype):
    with np.errstate(all="ignore"):
        x = np.array(EXTREMES[kind]).astype(dtype)
    with np.errstate(all="raise"):
        value = np.asarray(row(x))
        row.derivative(x)
        signs = np.where(np.arange(value.size) % 3, 1, -1).reshape(value.shape).astype(dtype)
        for size in (1, np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal):
            assert row.vjp(x, size * signs).shape == x.shape
