"""Sparsemax: exact values, special rows, its kin among functions of one number, its gradients."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from activation_cases import DTYPES, INF, NAN, NARROW_ULPS
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from test_activation import sparsemax_in_torch
from together import together

from course_lib import activations
from course_lib.accuracy import EXACT_ROWS, errors, exact_rows
from course_lib.activations import CATALOGUE, sparsemax, sparsemax_jacobian
from course_lib.network import Activate, mlp
from course_lib.numerics import BLOCK

pytestmark = pytest.mark.usefixtures("fifty_digits")

ROW = CATALOGUE["sparsemax"]
RNG = np.random.default_rng(0)


def nearest_on_the_simplex(row):
    """Return the exact projection: of all supports the one that meets the conditions of a minimum.

    The entries above 0 are x - tau, and no other x is above tau.
    """
    x = [Fraction(float(value)) for value in row]
    for largest in sorted(x):
        inside = [value for value in x if value >= largest]
        tau = (sum(inside) - 1) / len(inside)
        if min(inside) > tau and all(value <= tau for value in x if value < largest):
            return [max(value - tau, Fraction(0)) for value in x]
    raise AssertionError


HARD_ROWS = {
    "decimals": np.array([[1.1, 0.1], [0.3, 0.1], [0.7, -0.3], [1.3, 0.3]]),
    "at the edge": np.array([[1.0, 0.0], [1.0, 1e-300], [1.0, 5e-324], [0.0, -1.0]]),
    "a sum that cancels": np.array([[2.0**-200, -(2.0**-199), -0.5]]),
    "one bit beyond": np.array([[1.0, v] for v in (2.0**-53, -(2.0**-53), 2.0**-60, -5e-324)]),
    "large": np.array([[1e308, 1e308, 0.0], [-1e308, 1e308, 1e308], [2.0**52 + 1, 2.0**52, 0.0]]),
    "far": np.array([[0.0, -1e308, -0.5], [700.0, -700.0, 699.5], [1e17, 1e17 + 16, 0.0]]),
    "ties": np.array([[0.0] * 7, [0.3] * 3 + [0.1] * 4, [1 / 3, 1 / 3, 0, 0, 0, -1, -1]]),
    "thirds": RNG.integers(-3, 4, (60, 9)) / 3,
    "tenths": RNG.integers(-9, 10, (60, 9)) / 10,
    "near ties": 5 + RNG.standard_normal((20, 30)) * 1e-9,
    "all sizes": RNG.standard_normal((60, 8)) * 10.0 ** RNG.integers(-320, 2, (60, 8)),
    "long": RNG.standard_normal((2, 2000)) * [[1e-3], [1.0]],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", HARD_ROWS)
def test_the_error_is_within_the_bound_and_zeros_are_exact(case, dtype):
    with np.errstate(all="ignore"):
        rows = HARD_ROWS[case].astype(dtype)
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not len(rows):
        return  # nothing of it is a float16
    for part in (0, 1) if rows.shape[1] < 100 else (0,):
        values = (ROW.function, ROW.derivative)[part](rows).ravel()
        exact = exact_rows(EXACT_ROWS["sparsemax"][part], rows)
        bound = ROW.ulps[part] if dtype == np.float64 else NARROW_ULPS
        assert errors(values, exact).max(initial=0) <= bound
        assert ((values == 0) == (exact.fraction == 0))[exact.exponent > -1074].all() or (
            dtype != np.float64
        )


@settings(max_examples=200)
@given(
    row=hnp.arrays(
        np.float64,
        st.integers(1, 6),
        elements=st.one_of(st.floats(-2, 2), st.integers(-4, 4).map(lambda n: n / 4)),
    )
)
def test_it_is_the_nearest_point_of_the_simplex(row):
    found = sparsemax(row)
    for value, exact in zip(found.tolist(), nearest_on_the_simplex(row), strict=True):
        assert abs(Fraction(value) - exact) <= exact / 2**52 + Fraction(5e-324)
    assert found.sum() == pytest.approx(1, abs=1e-15)


SPECIAL_ROWS = {
    (-INF, 0.0): [0, 1],
    (INF, 0.0): [1, 0],
    (INF, INF, 0.0): [0.5, 0.5, 0],
    (INF, INF, -INF): [0.5, 0.5, 0],
    (-INF, -INF): [0.5, 0.5],
    (6e4, -6e4): [1, 0],
    (NAN, 0.0): [NAN, NAN],
    (NAN, INF): [NAN, NAN],
    (5.0,): [1],
    (-0.0, 0.0): [0.5, 0.5],
    (): [],
}


@together("dtype", DTYPES)
@pytest.mark.parametrize("row", SPECIAL_ROWS, ids=str)
def test_special_rows(row, dtype):
    x = np.array(row, dtype)
    with np.errstate(all="raise"):
        value, jacobian = sparsemax(x), sparsemax_jacobian(x)
    assert (value.dtype, jacobian.dtype, jacobian.shape) == (dtype, dtype, 2 * x.shape)
    np.testing.assert_array_equal(value, np.array(SPECIAL_ROWS[row], dtype))
    assert np.isnan(jacobian).all() == (NAN in row) or not row
    assert not np.signbit(value[~np.isnan(value)]).any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_of_two_classes_it_is_sparse_sigmoid(dtype):
    x = np.concatenate([np.linspace(-2, 2, 801), RNG.uniform(-1, 1, 500), [-1, 1]]).astype(dtype)
    pair = np.stack([x, np.zeros_like(x)], axis=-1)
    value, jacobian = sparsemax(pair), sparsemax_jacobian(pair)
    np.testing.assert_array_max_ulp(value[:, 0], activations.sparse_sigmoid(x), 1)
    np.testing.assert_array_equal(jacobian[:, 0, 0], activations.sparse_sigmoid_grad(x))
    np.testing.assert_array_equal(value[:, 0] == 0, activations.sparse_sigmoid(x) == 0)


def test_sparse_plus_is_the_loss_of_sparsemax_as_softplus_is_that_of_softmax():
    """The paper's loss of two classes: its derivative is the probability of the wrong one."""
    z = np.linspace(-3, 3, 1201)
    p = sparsemax(np.stack([z, np.zeros_like(z)], axis=-1))
    inside = (
        p[:, 0] * z - (np.square(p).sum(axis=-1) - 1) / 2
    )  # the largest of p.z - |p|^2/2, + 1/2
    np.testing.assert_allclose(activations.sparse_plus(z), inside, atol=1e-15)
    trapezoids = np.append(0, np.cumsum((p[1:, 0] + p[:-1, 0]) * np.diff(z) / 2))
    np.testing.assert_allclose(activations.sparse_plus(z), trapezoids, atol=1e-15)
    np.testing.assert_allclose(activations.sparse_plus_grad(z), p[:, 0], atol=1e-15)


def test_at_the_edge_of_the_support_the_entry_counts_as_outside():
    np.testing.assert_array_equal(sparsemax_jacobian([1.0, 0.0]), np.zeros((2, 2)))
    inside = [1.0, 2.0**-60]
    np.testing.assert_array_equal(sparsemax_jacobian(inside), [[0.5, -0.5], [-0.5, 0.5]])
    assert sparsemax(inside)[1] == 2.0**-61


@pytest.mark.parametrize("scale", [0.01, 0.3, 3.0])
def test_shift_and_order_change_nothing(scale):
    x = np.round(RNG.standard_normal((40, 12)) * scale, 6)
    x = np.rint(x * 2**20) / 2**20  # so that a shift is exact
    np.testing.assert_array_equal(sparsemax(x + 8), sparsemax(x))
    order = RNG.permutation(12)
    np.testing.assert_array_equal(sparsemax(x[:, order]), sparsemax(x)[:, order])


def test_a_row_does_not_depend_on_the_others():
    x = RNG.standard_normal((3 * BLOCK // 7, 7))
    x[5], x[100, 3] = NAN, INF
    whole = sparsemax(x)
    for i in (0, 5, 99, 100, len(x) - 1):
        np.testing.assert_array_equal(whole[i], sparsemax(x[i]))


def in_units(x):
    """Return a float as an integer, in units of the smallest subnormal number."""
    numerator, denominator = float(x).as_integer_ratio()
    return numerator * (2**1074 // denominator)


@pytest.mark.parametrize("length", [10_000, 100_000])
@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0])
def test_the_bound_holds_at_every_length(length, scale):
    x = np.random.default_rng(length).standard_normal(length) * scale
    p = sparsemax(x)
    top = in_units(x.max())
    total, k = 2**1074, 0
    for value in np.sort(x)[::-1].tolist():
        gap = top - in_units(value)
        if total <= k * gap:
            break
        total, k = total + gap, k + 1
    assert (p > 0).sum() == k
    chosen = np.unique([*x.argsort()[-k:][:5], *x.argsort()[-20:]])
    exact = [Fraction(total - k * (top - in_units(x[i])), k * 2**1074) for i in chosen]
    for value, true in zip(p[chosen].tolist(), exact, strict=True):
        off = abs(Fraction(value) - max(true, Fraction(0)))
        assert off <= Fraction(float(np.spacing(value))) * Fraction(ROW.ulps[0])


@pytest.mark.parametrize("axis", [(0, 1), (2, 0), (0, 1, 2), None, 1], ids=str)
def test_several_axes_count_as_one(axis):
    x = RNG.standard_normal((2, 3, 4)) * 0.3
    axes = sorted({0, 1, 2} if axis is None else {axis} if isinstance(axis, int) else {*axis})
    rest = [a for a in range(3) if a not in axes]

    def rows(t):
        return t.permute(*rest, *axes).flatten(len(rest))

    leaf, u = torch.tensor(x, requires_grad=True), RNG.standard_normal(x.shape)
    y = sparsemax_in_torch(rows(leaf))
    y.backward(rows(torch.tensor(u)))
    near = {"rtol": 1e-12, "atol": 1e-14}
    np.testing.assert_allclose(rows(torch.tensor(sparsemax(x, axis))), y.detach(), **near)
    np.testing.assert_allclose(ROW.vjp(x, u, axis=axis), leaf.grad, **near)
    n = y.shape[-1]
    assert sparsemax_jacobian(x, axis).shape == (*y.shape[:-1], n, n)


@pytest.mark.parametrize("length", [1, 2, 7, 100])
@together("scale", [0.01, 1.0, 30.0])
def test_vjp_is_as_accurate_as_a_product_with_the_exact_jacobian(length, scale):
    x, u = np.random.default_rng(length).standard_normal((2, 4, length))
    x *= scale
    u[1] += 1e6  # a constant gradient has no effect
    u[2] *= 10.0 ** np.random.default_rng(0).integers(-200, 200, length)
    u[3] = np.clip(u[3], -1, 1) * 1e308
    found = ROW.vjp(x, u)
    for row, gradient, values in zip(x, u, found, strict=True):
        inside = [p > 0 for p in nearest_on_the_simplex(row)]
        k, terms = sum(inside), [Fraction(v) * s for v, s in zip(gradient, inside, strict=True)]
        mean, size = sum(terms) / k, sum(map(abs, terms)) / k
        for value, term, s in zip(values.tolist(), terms, inside, strict=True):
            allowed = 8 * Fraction(2) ** -53 * (size + abs(term)) * (k > 1)
            assert abs(Fraction(value) - s * (term - mean)) <= allowed + length * Fraction(5e-324)


def test_what_lies_outside_the_support_counts_for_nothing():
    x = np.array([0.5, 0.25, -1.0])
    np.testing.assert_array_equal(ROW.vjp(x, [1.0, 0.0, INF]), [0.5, -0.5, 0])
    np.testing.assert_array_equal(ROW.vjp(x, [1.0, 0.0, NAN]), [0.5, -0.5, 0])


def test_the_lipschitz_constant_is_reached_by_two_in_the_support():
    assert np.linalg.norm(sparsemax_jacobian([0.0, 0.1]), 2) == pytest.approx(ROW.lipschitz)
    norms = np.linalg.norm(sparsemax_jacobian(RNG.normal(size=(200, 5))), 2, axis=(-2, -1))
    assert norms.max() <= 1 + 1e-12


def test_it_is_a_layer():
    network = mlp([3, 4, 2], "sparsemax", seed=0)
    assert isinstance(network.layers[1], Activate)
    hidden = network.layers[1].forward(RNG.standard_normal((5, 4)))
    np.testing.assert_allclose(hidden.sum(axis=-1), 1, atol=1e-15)
