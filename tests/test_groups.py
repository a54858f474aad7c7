"""Maxout and gated linear units: tails, axes, limits and vector-Jacobian products."""

import numpy as np
import pytest
import torch
from activation_cases import DTYPES, INF, NAN
from together import together

from course_lib import activations
from course_lib.accuracy import EXACT_ROWS, errors, exact_rows
from course_lib.accuracy.references import GATES, as_exact, gated
from course_lib.activations import CATALOGUE

pytestmark = pytest.mark.usefixtures("fifty_digits")


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


@together("axis", [0, 1, 2, -1])
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


@together("dtype", DTYPES)
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


def test_an_empty_batch_has_empty_groups():
    empty = np.empty((0, 4), np.float32)
    for name in ("maxout", "glu", "reglu", "geglu", "swiglu"):
        row = CATALOGUE[name]
        assert row(empty).shape == (0, 2)
        assert row.derivative(empty).shape == (0, 4)
        assert row.vjp(empty, np.empty((0, 2))).shape == (0, 4)
    assert CATALOGUE["logsumexp"].vjp(empty, np.empty(0)).dtype == np.float32


# ---------------------------------------------------------------------------------------------
# The fast form of gates
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", GATES)
def test_fast_gates_are_within_five_ulps(name, dtype):
    a, b = np.random.default_rng(0).normal(size=(2, 3000)).astype(dtype) * dtype(3)
    value, pull = CATALOGUE[name].fast_pullback(np.stack([a, b], axis=1))
    double = a.astype(np.float64), b.astype(np.float64)
    (expected,) = (as_exact(part) for part in gated(name, 0, *double))
    assert errors(value[:, 0], expected).max() <= 5
    gradient = pull(np.ones_like(value))
    for half, part in zip(gradient.T, gated(name, 1, *double), strict=True):
        assert errors(half, as_exact(part)).max() <= 5


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("name", GATES)
def test_fast_gates_take_the_axis_and_the_limits_of_the_others(name, axis):
    ends = np.array([-np.inf, -9.0, 0.0, 3.0, 9.0, np.inf, np.nan])
    x = np.stack(np.meshgrid(ends, ends), axis=axis).astype(np.float32)
    row = CATALOGUE[name]
    (value, pull), (expected, exact_pull) = (
        make(x, axis=axis) for make in (row.fast_pullback, row.pullback)
    )
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    grad_output = np.ones_like(value)
    np.testing.assert_allclose(pull(grad_output), exact_pull(grad_output), rtol=1e-6)
    fixed = activations.get(name, axis=axis)
    np.testing.assert_array_equal(fixed.fast_pullback(x)[0], value)


@pytest.mark.parametrize("name", ["gelu", "softmax", "maxout", "glu"])
def test_what_has_no_fast_form_is_as_it_was(name):
    x = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float16)
    row = CATALOGUE[name]
    (value, pull), (expected, exact_pull) = row.fast_pullback(x), row.pullback(x)
    np.testing.assert_array_equal(value, expected)
    grad_output = np.ones_like(value)
    np.testing.assert_array_equal(pull(grad_output), exact_pull(grad_output))


def test_a_fast_gate_names_an_odd_axis():
    for make in (CATALOGUE["glu"].fast_pullback, CATALOGUE["glu"].pullback):
        with pytest.raises(ValueError, match="3"):
            make(np.zeros((2, 3)))
