"""A row of the table: its vector-Jacobian product and pullback, also of functions of one's own."""

import dataclasses
import pickle
import tracemalloc

import numpy as np
import pytest
import torch
from activation_cases import DTYPES, ROUGH_IN_PYTORCH, ROWS_OVER_AXIS, by_name, with_parameters
from together import together

from course_lib import activations
from course_lib.activations import CATALOGUE, softmax, softmax_jacobian
from course_lib.network import Activate
from course_lib.pytorch import activation_module

IN_TORCH = {
    "logsumexp": lambda x: torch.logsumexp(x, -1),
    "maxout": lambda x: torch.stack(x.chunk(2, -1)).amax(0),
    "glu": lambda x: torch.nn.functional.glu(x),
    "reglu": lambda x: x.chunk(2, -1)[0] * torch.relu(x.chunk(2, -1)[1]),
    "geglu": lambda x: x.chunk(2, -1)[0] * torch.nn.functional.gelu(x.chunk(2, -1)[1]),
    "swiglu": lambda x: x.chunk(2, -1)[0] * torch.nn.functional.silu(x.chunk(2, -1)[1]),
    "softmin": lambda x: torch.softmax(-x, -1),
    "sparsemax": lambda x: sparsemax_in_torch(x),
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


def sparsemax_in_torch(x):
    """The algorithm of the paper, by sorting."""
    ordered = x.sort(dim=-1, descending=True).values
    sums = ordered.cumsum(-1)
    places = torch.arange(1, x.shape[-1] + 1)
    k = (1 + places * ordered > sums).sum(-1, keepdim=True)
    return torch.clamp(x - (sums.gather(-1, k - 1) - 1) / k, min=0)


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


@together("dtype", DTYPES)
@together("axis", range(-3, 3))
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


@together("row", CATALOGUE.values())
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
    row = dataclasses.replace(CATALOGUE["softmax"], function=cool, derivative=cool_jacobian)
    layer = Activate(row)
    np.testing.assert_array_equal(layer.forward(x), cool(x))
    leaf = torch.tensor(x, requires_grad=True)
    torch.softmax(leaf / 10, -1).backward(torch.tensor(grad_output))
    np.testing.assert_allclose(layer.backward(grad_output), leaf.grad, rtol=1e-10, atol=1e-14)


def test_a_pullback_rule_of_ones_own_is_what_a_layer_uses():
    def doubled(x, axis=-1):
        value, pull = activations.softmax_pullback(x, axis)
        return 2 * value, lambda grad_output: 2 * pull(grad_output)

    row = dataclasses.replace(
        CATALOGUE["softmax"],
        function=lambda x, axis=-1: 2 * softmax(x, axis),
        pullback_rule=doubled,
    )
    x, grad_output = np.random.default_rng(0).normal(size=(2, 4, 3))
    np.testing.assert_array_equal(
        row.vjp(x, grad_output), 2 * CATALOGUE["softmax"].vjp(x, grad_output)
    )


def test_a_gate_of_ones_own_is_what_a_layer_computes():
    row = dataclasses.replace(
        CATALOGUE["glu"],
        function=lambda x: activations.glu(x) * 2,
        derivative=lambda x: activations.glu_grad(x) * 2,
    )
    x, grad_output = np.random.default_rng(0).normal(size=(5, 6)), np.ones((5, 3))
    np.testing.assert_array_equal(row.vjp(x, grad_output), 2 * CATALOGUE["glu"].vjp(x, grad_output))


@pytest.mark.parametrize("row", ROWS_OVER_AXIS, ids=by_name)
def test_vjp_of_confident_float32_answers_keeps_its_digits(row):
    x = np.float32([[18.0, 0.0, -1.0, 1.0], [0.0, 0.5, 40.0, 3.0]])
    grad_output = np.float32(np.random.default_rng(0).normal(size=np.shape(row(x))))
    expected = row.vjp(x.astype(np.float64), grad_output.astype(np.float64))
    np.testing.assert_allclose(row.vjp(x, grad_output), expected, rtol=2e-7)


@together("dtype", DTYPES)
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


@together("dtype", DTYPES)
@pytest.mark.parametrize("row", ROWS_OVER_AXIS, ids=by_name)
def test_the_gradient_of_nothing_is_empty(row, dtype):
    for shape in ((4, 0), (0, 4), (2, 0, 4), (0,)):
        for axis in range(len(shape)):
            x = np.empty(shape, dtype)
            grad_output = np.ones_like(row(x, axis=axis))
            found = row.vjp(x, grad_output, axis=axis)
            assert (found.shape, found.dtype) == (x.shape, x.dtype)


def test_a_row_that_was_used_is_pickled_as_one_that_was_not():
    new = dataclasses.replace(CATALOGUE["gelu"])
    pickled = pickle.dumps(new)
    new.value_and_derivative(1.0)
    assert pickle.dumps(new) == pickled
    again = pickle.loads(pickled)
    assert again == new
    assert again.value_and_derivative(1.0) == new.value_and_derivative(1.0)
