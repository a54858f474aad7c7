"""Activation functions as layers: slopes that replicas learn, bad input."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from network_helpers import (
    LAYERS,
    batch_for,
    build,
)

from course_lib import activations
from course_lib.activations import Activation, elu, elu_grad, leaky_relu, swiglu
from course_lib.network import Dense, Network, Residual, mlp
from course_lib.network.layers.activation import Activate, PReLU


@pytest.mark.parametrize("features", [1, 4])
def test_slopes_of_replicas_learn_apart(features):
    slope = np.random.default_rng(0).uniform(0, 1, (3, 1, features))
    dense = [build("relu", (3,)).layers[i] for i in (0, 4)]
    dense[1] = Dense(*(np.repeat(v[:, :, :1], 2, axis=-1) for v in dense[1].parameters.values()))
    together = Network([dense[0], PReLU(slope), dense[1]])
    x, y = batch_for("cross_entropy")
    values, gradients = together.loss_and_gradients(x, y)
    for i in range(3):
        alone = together.replica(i)
        value, own = alone.loss_and_gradients(x, y)
        assert values[i] == pytest.approx(value, rel=1e-12)
        for name, gradient in own.items():
            np.testing.assert_allclose(gradients[name][i], gradient, rtol=1e-12, atol=1e-14)
    assert together.replica(0).parameters["1.weight"].shape == (1, features)


@pytest.mark.parametrize("in_block", [False, True], ids=["in a row", "in a block"])
@pytest.mark.parametrize("slopes", [1, 3], ids=["shared", "each feature"])
def test_replicas_that_begin_at_a_prelu_equal_networks_alone(slopes, in_block):
    rng = np.random.default_rng(0)
    first = PReLU(rng.normal(size=(5, 1, slopes)))
    square = Dense(rng.normal(size=(5, 3, 3)), rng.normal(size=(5, 1, 3)))
    last = Dense(rng.normal(size=(5, 3, 2)), rng.normal(size=(5, 1, 2)))
    layers = [Residual([first, square]), last] if in_block else [first, square, last]
    network, x, y = Network(layers), rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    assert network(x).shape == (5, 6, 2)
    _, gradients = network.loss_and_gradients(x, y, "mean_squared_error")
    for i in range(5):
        alone = network.replica(i)
        np.testing.assert_allclose(network(x)[i], alone(x), rtol=1e-13)
        _, own = alone.loss_and_gradients(x, y, "mean_squared_error")
        for name, value in own.items():
            np.testing.assert_allclose(gradients[name][i], value, rtol=1e-12, err_msg=name)


def test_slopes_sum_over_a_long_float16_batch():
    layer = LAYERS["PReLU"](np.float16)
    layer.forward(-np.ones((4096, 4), np.float16))
    layer.backward(np.ones((4096, 4), np.float16))
    np.testing.assert_array_equal(layer.gradients["weight"], np.full((1, 4), -4096))


BAD = {  # what is done -> error, what was given, what is expected
    "slopes as a list": (
        lambda: PReLU([[0.1]]), TypeError, "negative_slope is a list", "np.array(negative_slope)"
    ),
    "unknown activation": (lambda: Activate("rellu"), KeyError, "'rellu'", "'relu'"),
    "slope with one axis": (lambda: PReLU(np.ones(3)), ValueError, "(3,)", "(..., 1, features)"),
    "integer slope": (lambda: PReLU(np.ones((1, 3), int)), TypeError, "is int", "one float dtype"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])


def test_a_replica_of_a_prelu_learns_alone():
    together = PReLU(np.full((2, 1, 3), 0.25))
    own = together.replica(1)
    own.parameters["weight"][...] = 0.5
    np.testing.assert_array_equal(together.parameters["weight"], np.full((2, 1, 3), 0.25))


@pytest.mark.parametrize("axis", [-1, -2])
def test_softmax_of_replicas_equals_that_of_each_alone(axis):
    together = mlp([3, 4, 2], f"softmax(axis={axis})", seed=range(2))
    x, y = np.random.default_rng(0).normal(size=(5, 3)), [0, 1, 1, 0, 1]
    values, gradients = together.loss_and_gradients(x, y)
    for i in range(2):
        value, own = mlp([3, 4, 2], f"softmax(axis={axis})", seed=i).loss_and_gradients(x, y)
        assert values[i] == pytest.approx(value, rel=1e-12)
        for name, gradient in own.items():
            np.testing.assert_allclose(gradients[name][i], gradient, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("axis", [0, 1, None, (0, 1)])
def test_an_axis_that_means_another_one_with_replicas_is_rejected_there(axis, refuses):
    row = activations.get("softmax", axis=axis)
    assert mlp([3, 4, 2], row)(np.ones((5, 3))).shape == (5, 2)
    refuses(
        lambda: mlp([3, 4, 2], row, seed=range(2)), ValueError, "layer 1", "replicas (2,)", row.name
    )


def test_an_axis_that_there_is_not(refuses):
    refuses(
        lambda: mlp([3, 4, 2], "softmax(axis=2)"), ValueError, "softmax(axis=2)", "along axis=-1"
    )


def test_an_own_function_that_does_not_keep_the_dtype_leaves_the_network_in_it():
    row = activations.Activation(
        "wide", lambda x: np.tanh(np.float64(x)), lambda x: 1 - np.tanh(np.float64(x)) ** 2
    )
    network = mlp([3, 4, 2], row, dtype=np.float32)
    value, gradients = network.loss_and_gradients(np.ones((5, 3), np.float32), [0, 1, 1, 0, 1])
    assert value.dtype == network(np.ones((5, 3), np.float32)).dtype == np.float32
    assert {gradient.dtype for gradient in gradients.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ["relu", "tanh", "gelu", "elu(alpha=2.5)", "mish", "sine"])
def test_training_and_evaluation_differ_in_the_last_bits_alone(name, dtype):
    rng = np.random.default_rng(0)
    x, grad_output = rng.normal(size=(2, 3, 40, 7)).astype(dtype)
    layer = Activate(name)
    found = {}
    for layer.training in (True, False):
        value = layer.forward(x)
        found[layer.training] = value, layer.backward(grad_output)
    close = {"rtol": 6 * np.finfo(dtype).eps, "atol": 0}
    for learning, exact in zip(found[True], found[False], strict=True):
        assert learning.dtype == dtype
        np.testing.assert_allclose(learning, exact, **close)
    np.testing.assert_array_equal(found[False][0], activations.get(name)(x))
    layer.training = True
    alone = layer.forward(x[1])
    np.testing.assert_array_equal(found[True][0][1], alone)
    np.testing.assert_array_equal(found[True][1][1], layer.backward(grad_output[1]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ["glu", "reglu", "geglu", "swiglu", "maxout", "softmax"])
def test_groups_that_learn_differ_in_the_last_bits_alone(name, dtype):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 40, 8)).astype(dtype)
    layer = Activate(name)
    layer.training = True
    value = layer.forward(x)
    grad_output = rng.normal(size=value.shape).astype(dtype)
    gradient = layer.backward(grad_output)
    exact, pull = activations.get(name).pullback(x)
    assert value.dtype == gradient.dtype == dtype
    close = {"rtol": 8 * np.finfo(dtype).eps, "atol": 0}
    np.testing.assert_allclose(value, exact, **close)
    np.testing.assert_allclose(gradient, pull(grad_output), **close)
    np.testing.assert_array_equal(value[1], layer.forward(x[1]))
    np.testing.assert_array_equal(gradient[1], layer.backward(grad_output[1]))


@pytest.mark.parametrize("training", [True, False])
def test_a_gradient_of_another_shape_is_named(training, refuses):
    layer = Activate("tanh")
    layer.training = training
    layer.forward(np.zeros((5, 3)))
    refuses(lambda: layer.backward(np.zeros((3, 5))), ValueError, "(3, 5)", "(5, 3)")


def in_both_modes(activation, x, grad_output):
    """Return value and gradient of a layer that learns, and of one that is evaluated."""
    layer = Activate(activation)
    for layer.training in (True, False):
        yield layer.forward(x), layer.backward(grad_output)


@pytest.mark.parametrize("dtype", [np.int64, np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("of_gradient", [np.float32, np.float64])
def test_gradients_have_the_dtype_of_the_input_in_both_modes(dtype, of_gradient):
    x, grad_output = np.array([[0, 1, -2]], dtype), np.ones((1, 3), of_gradient)
    learning, exact = in_both_modes("tanh", x, grad_output)
    for fast, slow in zip(learning, exact, strict=True):
        assert fast.dtype == slow.dtype
        np.testing.assert_allclose(fast, slow, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    "derivative", [lambda x: 1e5, lambda x: np.full(x.shape[-1], 1e5), lambda x: x > 0]
)
def test_functions_of_your_own_have_the_same_bits_in_both_modes(derivative, dtype):
    x, grad_output = np.array([[1.0, 2.0, -3.0]], dtype), np.full((1, 3), 1e-3, dtype)
    own = Activation("own", lambda x: 2 * x, derivative)
    learning, exact = in_both_modes(own, x, grad_output)
    np.testing.assert_array_equal(learning, exact)
    assert learning[1].dtype == dtype


@dataclass
class Power:
    """A callable of a reader's own, which has no hash, as no dataclass that can be compared."""

    exponent: int
    factor: float

    def __call__(self, x):
        return self.factor * x**self.exponent


def scaled(function):
    return partial(lambda x, *, by: by * function(x), by=np.arange(3.0))


OWN = {
    "objects": Activation("square", Power(2, 1.0), Power(1, 2.0)),
    "arrays": Activation("scaled", scaled(np.sin), scaled(np.cos)),
    "two numbers": Activation("elu", partial(elu, alpha=1.5), partial(elu_grad, alpha=2.5)),
    "a number and an array": Activation(
        "slopes",
        partial(leaky_relu, negative_slope=0.5),
        partial(lambda x, *, negative_slope: np.sign(x), negative_slope=np.arange(3.0)),
    ),
    "an axis": Activation("whole", Power(1, 1.0), Power(0, 1.0), kind="axis", pullback_rule=(
        lambda x, axis=-1: (x, lambda grad_output: grad_output)
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_callables_and_parameters_of_your_own_serve_in_both_modes(name):
    x, grad_output = np.random.default_rng(0).normal(size=(2, 5, 3))
    learning, exact = in_both_modes(OWN[name], x, grad_output)
    np.testing.assert_array_equal(learning, exact)


def test_a_gate_with_a_fixed_axis_takes_another():
    x = np.random.default_rng(0).normal(size=(4, 6))
    gate = Activation("gate", partial(swiglu, axis=-1), swiglu, kind="groups")
    value, _ = gate.fast_pullback(x, axis=0)
    np.testing.assert_allclose(value, swiglu(x, axis=0), rtol=1e-14)


def test_a_gradient_that_is_not_real_is_rejected_while_learning(refuses):
    layer = Activate("tanh")
    layer.training = True
    layer.forward(np.zeros((1, 3)))
    refuses(lambda: layer.backward(np.ones((1, 3), complex)), TypeError, "complex128", "grad_outp")
