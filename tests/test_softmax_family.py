"""Softmax, its logarithm and logsumexp: errors, special rows, and vector-Jacobian products."""

import math

import numpy as np
import pytest
import torch
from activation_cases import DTYPES, INF, NAN, NARROW_ULPS, disagreement
from mpmath import mp, mpf
from scipy import special
from together import together

from course_lib import activations
from course_lib.accuracy import EXACT_ROWS, Exact, errors, exact_rows, exact_values, input_rows
from course_lib.accuracy.references import ROW_REFERENCES, values_of
from course_lib.activations import (
    CATALOGUE,
    log_softmax,
    log_softmax_jacobian,
    softmax,
    softmax_and_log,
    softmax_jacobian,
)
from course_lib.network import Activate
from course_lib.pytorch import activation_module

pytestmark = pytest.mark.usefixtures("fifty_digits")


OVER_AXIS = [softmax, log_softmax, softmax_jacobian, log_softmax_jacobian]


def held_to_mpmath(name, part, rows, every):
    """Return the references of rows, after a comparison of a sample of them with mpmath.

    `test_references.py` holds them to mpmath at other rows; gates and maxout are cheap in mpmath.
    """
    if name not in ROW_REFERENCES:
        return exact_rows(EXACT_ROWS[name][part], rows)
    found = values_of(ROW_REFERENCES[name][part], rows.astype(np.float64))
    sample = Exact(*(field.reshape(len(rows), -1)[::every].ravel() for field in parts(found)))
    exact = exact_rows(EXACT_ROWS[name][part], rows[::every])
    assert disagreement(sample, exact) < 2.0**-80
    return found


def parts(exact):
    """Return the arrays of which exact values consist."""
    return exact.fraction, exact.rest, exact.exponent


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("name", EXACT_ROWS)
def test_error_over_an_axis_is_within_the_bound(name, part, dtype):
    row, rows = CATALOGUE[name], input_rows(dtype)
    values = np.asarray((row.function, row.derivative)[part](rows))
    off = errors(values.ravel(), held_to_mpmath(name, part, rows, every=30))
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
@together("name", ["softmax", "softmin", "log_softmax", "logsumexp"])
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


@together("dtype", DTYPES)
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


@together("function", OVER_AXIS)
@together("shape", [(0, 3), (3, 0), (2, 0, 3), (2, 3, 0)])
def test_softmax_of_nothing_is_nothing(function, shape):
    n = shape[-1:] if "jacobian" in function.__name__ else ()
    assert function(np.empty(shape, np.float32)).shape == (*shape, *n)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
@together("name", ["softmax", "log_softmax"])
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


SEVERAL = [(0, 1), (1, 2), (2, 0), (-1, 1), (0, 1, 2), (-1,), None]
IN_SCIPY = {
    "softmax": special.softmax,
    "softmin": lambda x, axis: special.softmax(-x, axis),
    "log_softmax": special.log_softmax,
    "logsumexp": special.logsumexp,
}


def rows_along(x, axis):
    """Return a tensor with axes joined to one at the end, in the order in which it has them."""
    axes = sorted({0, 1, 2} if axis is None else {a % 3 for a in axis})
    return x.permute(*(a for a in range(3) if a not in axes), *axes).flatten(3 - len(axes))


@together("dtype", DTYPES)
@together("axis", SEVERAL)
@pytest.mark.parametrize("name", IN_SCIPY)
def test_several_axes_count_as_one_as_in_scipy(name, axis, dtype):
    x = (np.random.default_rng(0).normal(size=(2, 3, 4)) * 3).astype(dtype)
    x[1, :, 2] = -INF
    value = CATALOGUE[name](x, axis=axis)
    near = {"rtol": 8 * np.finfo(dtype).eps, "atol": 4 * np.finfo(dtype).smallest_subnormal}
    assert value.dtype == dtype
    with np.errstate(all="ignore"):
        finite = np.where(np.isinf(x) & (name == "softmin"), x.dtype.type(-60000), x)
        expected = IN_SCIPY[name](finite.astype(np.float64), axis=axis).astype(dtype)
    np.testing.assert_allclose(CATALOGUE[name](finite, axis=axis), expected, **near)


@together("axis", SEVERAL)
@pytest.mark.parametrize("name", IN_SCIPY)
def test_gradients_over_several_axes_equal_pytorch(name, axis):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 3, 4))
    leaf = torch.tensor(x, requires_grad=True)
    function = {
        "softmax": lambda t: torch.softmax(t, -1),
        "softmin": lambda t: torch.softmax(-t, -1),
        "log_softmax": lambda t: torch.log_softmax(t, -1),
        "logsumexp": lambda t: torch.logsumexp(t, -1),
    }[name]
    u = rng.normal(size=np.shape(CATALOGUE[name](x, axis=axis)))
    gradient = torch.tensor(u) if name == "logsumexp" else rows_along(torch.tensor(u), axis)
    function(rows_along(leaf, axis)).backward(gradient)
    near = {"rtol": 1e-12, "atol": 1e-14}
    np.testing.assert_allclose(CATALOGUE[name].vjp(x, u, axis=axis), leaf.grad, **near)
    value, pull = CATALOGUE[name].pullback(x, axis=axis)
    np.testing.assert_array_equal(value, CATALOGUE[name](x, axis=axis))
    np.testing.assert_array_equal(pull(u), CATALOGUE[name].vjp(x, u, axis=axis))
    if name != "logsumexp":
        rows = rows_along(torch.tensor(x), axis)
        lines = rows.reshape(-1, rows.shape[-1])
        expected = [torch.autograd.functional.jacobian(function, line) for line in lines]
        jacobian = CATALOGUE[name].derivative(x, axis=axis)
        assert jacobian.shape == (*rows.shape, rows.shape[-1])
        np.testing.assert_allclose(
            jacobian.reshape(-1, *jacobian.shape[-2:]), torch.stack(expected), **near
        )


@together("dtype", DTYPES)
@pytest.mark.parametrize("axis", [*SEVERAL, 0, -2], ids=str)
def test_logsumexp_keeps_its_axes_as_scipy_does(axis, dtype):
    x = (np.random.default_rng(0).normal(size=(2, 3, 4)) * 3).astype(dtype)
    value = activations.logsumexp(x, axis, keepdims=True)
    expected = special.logsumexp(x.astype(np.float64), axis=axis, keepdims=True)
    assert (value.shape, value.dtype) == (expected.shape, dtype)
    np.testing.assert_array_equal(value.ravel(), np.ravel(activations.logsumexp(x, axis)))
    np.testing.assert_allclose(value, expected, rtol=4 * np.finfo(dtype).eps)
    largest = 16 * np.finfo(dtype).eps  # of numbers up to 10
    np.testing.assert_allclose(x - value, log_softmax(x, axis), rtol=0, atol=largest)
    row = activations.get("logsumexp", keepdims=True)
    u = np.random.default_rng(1).normal(size=value.shape).astype(dtype)
    flat = u.reshape(np.shape(activations.logsumexp(x, axis)))
    np.testing.assert_array_equal(
        row.vjp(x, u, axis=axis), CATALOGUE["logsumexp"].vjp(x, flat, axis=axis)
    )


def test_logsumexp_with_its_axis_is_a_layer():
    layer = Activate(activations.get("logsumexp", keepdims=True))
    x = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(layer.forward(x), special.logsumexp(x, axis=-1, keepdims=True))
    np.testing.assert_array_equal(layer.backward(np.ones((5, 1))), softmax(x))


@together("axis", [(0, 1), None, (1, 2)])
@together("shape", [(0, 3, 2), (2, 0, 3), (2, 3, 0)])
def test_several_axes_of_nothing_are_nothing(axis, shape):
    x = np.empty(shape, np.float32)
    n = math.prod(shape[a] for a in (range(3) if axis is None else axis))
    assert softmax(x, axis).shape == shape
    assert softmax_jacobian(x, axis).shape[-2:] == (n, n)
    np.testing.assert_array_equal(
        activations.logsumexp(x, axis, keepdims=True),
        np.full(x.sum(axis=axis, keepdims=True).shape, -INF),
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
