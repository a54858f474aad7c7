"""The dense layer: outer products, skipped gradients, infinities, bad input."""

import numpy as np
import pytest
import torch
from network_helpers import (
    DTYPES,
    INF,
    REPLICAS,
    make_layers,
)
from together import together

from course_lib.network import (
    Activate,
    Dense,
)


@together("dtype", DTYPES)
@pytest.mark.parametrize("replicas", REPLICAS, ids=str)
@together("own", [False, True])
def test_the_gradient_of_a_single_example_is_an_outer_product(own, replicas, dtype):
    rng = np.random.default_rng(0)
    (layer,) = make_layers(["3-4"], replicas, dtype, rng)
    x = rng.normal(size=(*(replicas if own else ()), 1, 3)).astype(dtype)
    grad_output = rng.normal(size=(*replicas, 1, 4)).astype(dtype)
    layer.forward(x)
    layer.backward(grad_output)
    assert layer.gradients["weight"].dtype == dtype
    for index in np.ndindex(replicas):
        expected = torch.outer(
            torch.tensor(x[index if own else ()][0]), torch.tensor(grad_output[index][0])
        )
        np.testing.assert_array_equal(layer.gradients["weight"][index], expected)


@pytest.mark.parametrize(("rows", "rows_grad_output"), [(4, 1), (1, 3)])
def test_a_single_row_does_not_stand_for_a_batch(rows, rows_grad_output):
    """Although the arrays would broadcast: 3 inputs, 4 outputs."""
    (layer,) = make_layers(["3-4"], (), np.float64, np.random.default_rng(0))
    layer.forward(np.ones((rows, 3)))
    with pytest.raises(ValueError, match="got a gradient of shape"):
        layer.backward(np.ones((rows_grad_output, 4)))


def test_only_the_gradient_of_the_input_is_skipped():
    layer = Dense(np.ones((2, 3)), np.zeros((1, 3)))
    layer.forward(np.ones((4, 2)))
    assert layer.backward(np.ones((4, 3)), to_input=False) is None
    np.testing.assert_array_equal(layer.backward(np.ones((4, 3))), np.full((4, 2), 3.0))
    activation = Activate("relu")
    activation.forward(np.ones((4, 2)))
    assert activation.backward(np.ones((4, 2)), to_input=False) is None


def test_a_matrix_product_of_infinities_follows_the_rules_of_floats():
    layer = Dense(np.array([[0.0, 1.0, -1.0], [1.0, 1.0, 1.0]]), np.zeros((1, 3)))
    with np.errstate(all="raise"):
        y = layer.forward(np.array([[INF, 1.0], [INF, INF]]))
    np.testing.assert_array_equal(y, [[np.nan, INF, -INF], [np.nan, INF, np.nan]])


@pytest.mark.parametrize("dtype", [np.float16, *DTYPES])
@pytest.mark.parametrize("sizes", ["1-3", "3-1", "1-1"])
def test_a_layer_of_one_input_or_output_has_the_products_of_matmul(sizes, dtype):
    """They are multiplied as arrays, which is faster and must not differ."""
    rng = np.random.default_rng(3)
    (layer,) = make_layers([sizes], (2,), dtype, rng)
    layer.parameters["bias"][:] = 0
    weight, rows = layer.parameters["weight"], 5
    x = rng.normal(size=(2, rows, weight.shape[1])).astype(dtype)
    grad_output = rng.normal(size=(2, rows, weight.shape[2])).astype(dtype)
    x[0, 0, 0], weight[1, 0, 0] = INF, 0
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(layer.forward(x), x @ weight)
        np.testing.assert_allclose(
            layer.backward(grad_output), grad_output @ weight.mT, rtol=4 * np.finfo(dtype).eps
        )
    assert layer.forward(x).dtype == layer.gradients["weight"].dtype == dtype


def test_a_derived_layer_with_a_forward_of_its_own_goes_back():
    class Halved(Dense):
        def forward(self, x):
            self._x = x
            return x @ self.parameters["weight"] / 2

    layer = Halved(np.ones((2, 3)), np.zeros((1, 3)))
    layer.forward(np.ones((4, 2)))
    assert layer.backward(np.ones((4, 3))).shape == (4, 2)
    assert layer.gradients["weight"].shape == (2, 3)


@together("dtype", [np.float16, *DTYPES])
@pytest.mark.parametrize("replicas", REPLICAS, ids=str)
def test_without_a_bias_the_layer_is_the_one_with_biases_0(replicas, dtype):
    rng = np.random.default_rng(0)
    weight, x = (rng.normal(size=(*replicas, n, 4)).astype(dtype) for n in (4, 5))
    layer, twin = Dense(weight), Dense(weight, np.zeros((*replicas, 1, 4), dtype))
    np.testing.assert_array_equal(layer.forward(x), twin.forward(x))
    grad_output = rng.normal(size=x.shape).astype(dtype)
    np.testing.assert_array_equal(layer.backward(grad_output), twin.backward(grad_output))
    assert list(layer.parameters) == list(layer.gradients) == ["weight"]
    np.testing.assert_array_equal(layer.gradients["weight"], twin.gradients["weight"])
    if replicas:
        own = layer.replica(1)
        assert list(own.parameters) == ["weight"]
        np.testing.assert_array_equal(own.parameters["weight"], weight[1])
    assert list(Dense(weight, None).parameters) == ["weight"]


W, B = np.ones((2, 3)), np.zeros((1, 3))


BAD = {  # what is done -> error, what was given, what is expected
    "bias without its axis": (lambda: Dense(W, B[0]), ValueError, "(3,)", "(..., 1, out_features)"),
    "weight with one axis": (
        lambda: Dense(W[0], B), ValueError, "(3,)", "(..., in_features, out_features)"
    ),
    "weight with one axis and no bias": (
        lambda: Dense(W[0]), ValueError, "(3,)", "(..., in_features, out_features)"
    ),
    "a weight as a list": (
        lambda: Dense([[1.0]]), TypeError, "weight is a list", "np.array(weight)"
    ),
    "integer weights alone": (
        lambda: Dense(W.astype(np.int64)), TypeError, "int64", "one float dtype"
    ),
    "other leading axes": (lambda: Dense(W, B[None]), ValueError, "(1, 1, 3)", "same leading axes"),
    "integer weights": (
        lambda: Dense(W.astype(np.int64), B.astype(np.int64)), TypeError, "int64", "one float dtype"
    ),
    "two dtypes in a layer": (
        lambda: Dense(W, B.astype(np.float32)), TypeError, "float32", "one float dtype"
    ),
    "lists": (
        lambda: Dense([[1.0]], [[0.0]]), TypeError, "weight is a list", "np.array(weight)"
    ),
    "a list": (lambda: Dense(W, [[0.0]]), TypeError, "bias is a list", "np.array(bias)"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])
