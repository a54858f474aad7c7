"""Every activation and its derivative against exact values, and what the catalogue says of them."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mpmath import mp, mpf

from course_lib import activations
from course_lib.activations import (
    CATALOGUE,
    log_softmax,
    log_softmax_jacobian,
    softmax,
    softmax_and_log,
    softmax_jacobian,
)
from course_lib.numerics import BLOCK

DTYPES = [np.float16, np.float32, np.float64]
ELEMENTWISE = [row.name for row in CATALOGUE.values() if row.elementwise]
PAIRS = [row for row in CATALOGUE.values() if row.elementwise]
OVER_AXIS = [softmax, log_softmax, softmax_jacobian, log_softmax_jacobian]
INF, NAN = float("inf"), float("nan")


def by_name(row):
    return row.name


@pytest.fixture(autouse=True)
def fifty_digits():
    """Reckon the oracles to 50 digits."""
    with mp.workdps(50):
        yield


# ---------------------------------------------------------------------------------------------
# Oracles
# ---------------------------------------------------------------------------------------------


def logistic(x):
    return 1 / (1 + mp.exp(-x))


def normal_cdf(x):
    return mp.erfc(min(-x / mp.sqrt(2), mpf(80))) / 2  # mpmath's erfc gives up on huge arguments


SLOPE = mpf(0.01)  # the float64, to all its digits
EXACT = {
    "identity": (lambda x: x, lambda x: mpf(1)),
    "sigmoid": (logistic, lambda x: logistic(x) * logistic(-x)),
    "tanh": (mp.tanh, lambda x: mp.sech(x) ** 2),
    "relu": (lambda x: max(x, mpf(0)), lambda x: mpf(x > 0)),
    "leaky_relu": (lambda x: x if x > 0 else SLOPE * x, lambda x: mpf(1) if x > 0 else SLOPE),
    "gelu": (lambda x: x * normal_cdf(x), lambda x: normal_cdf(x) + x * mp.npdf(x)),
    "silu": (
        lambda x: x * logistic(x),
        lambda x: logistic(x) * (1 + x * logistic(-x)),
    ),
}

# Largest error in float64, in units in the last place: of the function, of its derivative. In
# brackets what a search over millions of inputs found; the rest is room for other processors.
ULPS = {
    "identity": (0, 0),
    "sigmoid": (3, 3),  # (2.3, 2.4)
    "tanh": (3, 3),  # (2.1, 2.4)
    "relu": (0, 0),
    "leaky_relu": (0.5, 0.5),  # (0.5, 0)
    "gelu": (5, 5),  # (4.5, 4.3)
    "silu": (3.5, 5.5),  # (2.8, 5.0)
}
NARROW_ULPS = 0.51  # float16 and float32 are computed in float64 and rounded once


def error_in_ulps(value, exact, dtype):
    """Return the distance from the exact value in the spacing of floats there."""
    info = np.finfo(dtype)
    if exact == 0:
        return 0.0 if value == 0 else INF
    exponent = max(int(mp.frexp(exact)[1]) - 1, info.minexp)
    return float(abs(mpf(float(value)) - exact) / mp.ldexp(1, exponent - info.nmant))


def inputs(dtype):
    """Return numbers of every size, dense where functions bend, and neighbors of turning points."""
    rng = np.random.default_rng(0)
    info = np.finfo(dtype)
    exponents = np.arange(info.minexp - info.nmant, info.maxexp, 4 if dtype == np.float64 else 1)
    sizes = np.ldexp(1 + rng.random(exponents.size), exponents.astype(int)).astype(dtype)
    reach = {np.float16: 20, np.float32: 110, np.float64: 760}[dtype]  # where exp(-x) ends
    turns = [0, 1, math.sqrt(2), 0.7517915246935645, 1.2784645427610738]
    turns += [16, 16.6, 36.7, 37.5, 38.5, 40, 708.4, 709.78, 745.13, 800]
    near = [np.array(turns, dtype)]
    for _ in range(4):
        near.append(np.nextafter(near[-1], dtype(INF)))
    near.append(np.nextafter(near[0], dtype(-INF)))
    spread = [rng.uniform(-r, r, 250).astype(dtype) for r in (20, 39, reach)]
    points = np.concatenate([sizes, *near, *spread])
    return np.unique(np.concatenate([points, -points])[:, np.newaxis])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("part", ["function", "derivative"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_error_is_within_the_bound_at_every_size_of_input(name, part, dtype):
    exact = EXACT[name][part == "derivative"]
    bound = ULPS[name][part == "derivative"] if dtype == np.float64 else NARROW_ULPS
    x = inputs(dtype)
    values = getattr(CATALOGUE[name], part)(x)
    errors = [error_in_ulps(v, exact(mpf(float(u))), dtype) for u, v in zip(x, values, strict=True)]
    worst = int(np.argmax(errors))
    assert errors[worst] <= bound, f"{errors[worst]:.3f} ULPs at {x[worst]!r}"


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("x", [-3.0, -0.7, 0.4, 2.0, 5.0])
def test_the_exact_derivatives_are_those_of_the_exact_functions(name, x):
    function, derivative = EXACT[name]
    assert mp.almosteq(mp.diff(function, mpf(x)), derivative(mpf(x)), 1e-20)


def test_every_row_has_an_oracle():
    assert set(EXACT) == set(ULPS) == set(ELEMENTWISE)


# ---------------------------------------------------------------------------------------------
# Limits
# ---------------------------------------------------------------------------------------------

LIMITS = {  # f(-inf), f(inf), f'(-inf), f'(inf)
    "identity": (-INF, INF, 1, 1),
    "sigmoid": (0, 1, 0, 0),
    "tanh": (-1, 1, 0, 0),
    "relu": (0, INF, 0, 1),
    "leaky_relu": (-INF, INF, 0.01, 1),
    "gelu": (0, INF, 0, 1),
    "silu": (0, INF, 0, 1),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_infinite_inputs_give_limits_and_nan_gives_nan(row, dtype):
    x = np.array([-INF, INF, NAN], dtype)
    expected = np.array(LIMITS[row.name], dtype)
    np.testing.assert_array_equal(row(x), [*expected[:2], NAN])
    np.testing.assert_array_equal(row.derivative(x), [*expected[2:], NAN])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_the_largest_finite_inputs_behave_like_infinite_ones(row, dtype):
    x = np.array([-1, 1], dtype) * np.finfo(dtype).max
    assert np.isfinite(row(x)).all()
    np.testing.assert_array_equal(row.derivative(x), np.array(LIMITS[row.name][2:], dtype))


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
        np.testing.assert_array_equal(np.isnan(value), np.isnan(x))


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


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_the_declared_minimum_is_the_exact_one(name):
    lowest = extremum(EXACT[name][0], mpf(-3), mpf(0), -1)
    assert error_in_ulps(CATALOGUE[name].range[0], lowest, np.float64) <= 2


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_values_fill_the_declared_range(row):
    x = np.concatenate([[-INF], np.linspace(-20, 20, 4001), [INF]])
    values = row(x)
    assert (values.min(), values.max()) == pytest.approx(row.range, abs=1e-5)
    slack = 4 * np.finfo(np.float64).eps
    assert values.min() >= row.range[0] - slack
    assert values.max() <= row.range[1]


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_monotonic_means_that_the_exact_slope_is_never_negative(row):
    slopes = [EXACT[row.name][1](mpf(i) / 8) for i in range(-160, 161)]
    assert row.monotonic == (min(slopes) >= 0)


@pytest.mark.parametrize("row", [r for r in PAIRS if r.monotonic], ids=by_name)
def test_rounding_keeps_a_monotonic_function_monotonic(row):
    x = np.sort(np.random.default_rng(0).uniform(-20, 20, 100_000).astype(np.float32))
    assert (np.diff(row(x)) >= 0).all()


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_the_lipschitz_constant_is_the_steepest_slope(row):
    steepest = extremum(lambda x: abs(EXACT[row.name][1](x)), mpf(-8), mpf(8), 1)
    assert row.lipschitz == pytest.approx(float(steepest), rel=1e-15)


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


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_kinks_are_where_left_and_right_slopes_differ(row):
    derivative = EXACT[row.name][1]
    for x in (-1.0, 0.0, 1.0):
        left, right = (derivative(mpf(x) + d) for d in (mpf(-1e-30), mpf(1e-30)))
        assert (abs(left - right) > 1e-20) == (x in row.kinks)


@pytest.mark.parametrize("row", [r for r in PAIRS if r.kinks], ids=by_name)
def test_at_a_kink_the_derivative_takes_the_conventional_value(row):
    for kink, value in zip(row.kinks, row.kink_derivatives, strict=True):
        x = torch.tensor([kink], dtype=torch.float64, requires_grad=True)
        getattr(torch.nn, row.pytorch)()(x).sum().backward()
        assert row.derivative(kink) == row.derivative(-kink) == value == x.grad.item()


@pytest.mark.parametrize("slope", [0.0, 0.2, -1.0, 3.0])
def test_leaky_relu_takes_another_slope(slope):
    row = CATALOGUE["leaky_relu"]
    np.testing.assert_array_equal(row([-2.0, 0.0, 3.0], slope=slope), [-2 * slope, 0, 3])
    np.testing.assert_array_equal(row.derivative([-2.0, 0.0, 3.0], slope=slope), [slope, slope, 1])


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pytorch_computes_the_same_function_under_the_listed_name(row, dtype):
    x = torch.linspace(-5, 5, 101, dtype=dtype, requires_grad=True)
    y = getattr(torch.nn, row.pytorch)()(x)
    y.sum().backward()
    tolerance = 20 * torch.finfo(dtype).eps
    np.testing.assert_allclose(row(x.detach().numpy()), y.detach(), rtol=0, atol=tolerance)
    np.testing.assert_allclose(row.derivative(x.detach().numpy()), x.grad, rtol=0, atol=tolerance)


# ---------------------------------------------------------------------------------------------
# Softmax and its logarithm
# ---------------------------------------------------------------------------------------------

SOFTMAX_ULPS = {"softmax": 3.5, "log_softmax": 2.5}  # float64; measured 2.9 and 1.8
JACOBIAN_ULPS = {"softmax": 8, "log_softmax": 4}  # measured 7.1 and 3.4


def exact_rows(x):
    """Return exact softmax, log-softmax and their Jacobians of one row."""
    numbers = [mpf(float(u)) for u in x]
    top = int(np.argmax(x))
    terms = [mp.exp(u - numbers[top]) for u in numbers]
    others = [mp.fsum(t for j, t in enumerate(terms) if j != i) for i in range(len(terms))]
    total = 1 + others[top]
    p = [t / total for t in terms]
    logs = [u - numbers[top] - mp.log1p(others[top]) for u in numbers]
    rest = [o / total for o in others]
    cells = list(product(range(len(p)), repeat=2))
    return {
        "softmax": p,
        "log_softmax": logs,
        "softmax_jacobian": [p[i] * (rest[i] if i == j else -p[j]) for i, j in cells],
        "log_softmax_jacobian": [rest[i] if i == j else -p[j] for i, j in cells],
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1, 10, 100, 300])
def test_softmax_rows_are_exact_to_a_few_ulps(scale, dtype):
    rows = (np.random.default_rng(0).normal(size=(25, 5)) * scale).astype(dtype)
    for name in ("softmax", "log_softmax"):
        row = CATALOGUE[name]
        for key, function, bounds in (
            (name, row.function, SOFTMAX_ULPS),
            (f"{name}_jacobian", row.derivative, JACOBIAN_ULPS),
        ):
            bound = bounds[name] if dtype == np.float64 else NARROW_ULPS
            for x in rows:
                for value, exact in zip(function(x).ravel(), exact_rows(x)[key], strict=True):
                    assert error_in_ulps(value, exact, dtype) <= bound


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
    module = getattr(torch.nn, CATALOGUE[name].pytorch)
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


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=by_name)
def test_vjp_equals_autograd(row):
    rng = np.random.default_rng(0)
    x, upstream = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4))
    leaf = torch.tensor(x, requires_grad=True)
    module = getattr(torch.nn, row.pytorch)
    (module() if row.elementwise else module(dim=-1))(leaf).backward(torch.tensor(upstream))
    np.testing.assert_allclose(row.vjp(x, upstream), leaf.grad, rtol=1e-13, atol=1e-15)


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


@pytest.mark.parametrize("function", OVER_AXIS)
@pytest.mark.parametrize(
    ("x", "axis", "given_text"), [(1.0, -1, "()"), ([1.0], 1, "(1,)"), ([1.0], -2, "axis -2")]
)
def test_softmax_needs_the_axis_it_sums_over(function, x, axis, given_text):
    with pytest.raises(ValueError, match="needs an array with the axis") as error:
        function(x, axis)
    assert given_text in str(error.value)


@pytest.mark.parametrize(
    ("name", "nearest"), [("rellu", "relu"), ("Sigmoid", "sigmoid"), ("softmx", "softmax")]
)
def test_get_suggests_the_nearest_name(name, nearest):
    with pytest.raises(KeyError, match=f"{name}.*did you mean '{nearest}'.*leaky_relu, gelu"):
        activations.get(name)


def test_get_lists_what_it_knows_when_nothing_is_near():
    with pytest.raises(KeyError, match=r"unknown activation 'xyz'\. Accepted: identity, sigmoid"):
        activations.get("xyz")


def test_the_three_ways_in_lead_to_the_same_function():
    row = activations.get("gelu")
    assert row is CATALOGUE["gelu"] is activations.get(row)
    assert (row.function, row.derivative) == (activations.gelu, activations.gelu_grad)
    assert list(CATALOGUE) == [r.name for r in CATALOGUE.values()]
    with pytest.raises(TypeError):
        CATALOGUE["new"] = row
