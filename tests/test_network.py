"""The network: gradients by two independent ways, replicas, first weights, bad input."""

import math
import pickle
from copy import deepcopy
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp

from course_lib.activations import CATALOGUE
from course_lib.diagnostics import diagnose
from course_lib.network import (
    INITIALIZERS,
    LOSSES,
    Activate,
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Network,
    PReLU,
    Residual,
    binary_cross_entropy,
    binary_cross_entropy_grad,
    cross_entropy,
    cross_entropy_grad,
    get_loss,
    initialize,
    lsuv,
    mean_squared_error,
    mean_squared_error_grad,
    mlp,
    stream,
)
from course_lib.pytorch import activation_module

KEEPING = [row.name for row in CATALOGUE.values() if row.kind != "groups"]  # as many out as in
IN_PYTORCH = [name for name in KEEPING if CATALOGUE[name].pytorch]
CORE = "identity sigmoid tanh relu leaky_relu gelu silu softmax log_softmax".split()
SIZES = (3, 4, 4, 2)
BATCH = 5
REPLICAS = [(), (3,), (2, 3)]
DTYPES = [np.float32, np.float64]
TOLERANCE = {  # relative to the largest gradient, about ten roundings
    np.float32: 2e-6,
    np.float64: 4e-15,
}


def build(activation, replicas=(), dtype=np.float64, sizes=SIZES, seed=0):
    """Make a network whose weights and biases are random, with any leading axes."""
    rng = np.random.default_rng(seed)
    layers = []
    for fan_in, fan_out in pairwise(sizes):
        weight, bias = (
            rng.normal(size=(*replicas, rows, fan_out)).astype(dtype) for rows in (fan_in, 1)
        )
        layers += [Dense(weight, bias), Activate(activation)]
    return Network(layers[:-1])


def batch_for(loss, dtype=np.float64, leading=(), seed=1):
    """Return inputs, and labels or targets as the loss wants them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(*leading, BATCH, SIZES[0])).astype(dtype)
    if loss == "cross_entropy":
        return x, rng.integers(0, SIZES[-1], (*leading, BATCH))
    return x, rng.uniform(0, 1, (*leading, BATCH, SIZES[-1])).astype(dtype)


# ---------------------------------------------------------------------------------------------
# Gradients
# ---------------------------------------------------------------------------------------------

TORCH_LOSSES = {
    "cross_entropy": torch.nn.functional.cross_entropy,
    "binary_cross_entropy": torch.nn.functional.binary_cross_entropy_with_logits,
    "mean_squared_error": torch.nn.functional.mse_loss,
}


def by_autograd(parameters, activation, loss, x, y):
    """Return loss and gradients of one network by PyTorch, in float64."""
    leaves = {
        name: torch.tensor(value.astype(np.float64), requires_grad=True)
        for name, value in parameters.items()
    }
    bend = activation_module(activation).double().eval()
    signal = torch.tensor(x.astype(np.float64))
    weights = [name for name in leaves if name.endswith("weight")]
    for name in weights:
        signal = signal @ leaves[name] + leaves[name.replace("weight", "bias")]
        signal = bend(signal) if name != weights[-1] else signal
    targets = torch.tensor(y if loss == "cross_entropy" else y.astype(np.float64))
    value = TORCH_LOSSES[loss](signal, targets)
    value.backward()
    return value.item(), {name: leaf.grad.numpy() for name, leaf in leaves.items()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("replicas", REPLICAS, ids=str)
@pytest.mark.parametrize("own_batches", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", CORE)
def test_loss_and_gradients_equal_autograd(activation, loss, own_batches, replicas, dtype):
    compare_with_autograd(activation, loss, own_batches, replicas, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", [name for name in IN_PYTORCH if name not in CORE])
def test_every_activation_of_pytorch_gives_its_gradients(activation, dtype):
    compare_with_autograd(activation, "cross_entropy", False, (3,), dtype)


def compare_with_autograd(activation, loss, own_batches, replicas, dtype):
    # PyTorch's slope of hard sigmoid is the float32 nearest to 1/6, in float64 too
    tolerance = max(TOLERANCE[dtype], 1e-7 * (activation == "hard_sigmoid"))
    network = build(activation, replicas, dtype)
    x, y = batch_for(loss, dtype, replicas if own_batches else ())
    values, gradients = network.loss_and_gradients(x, y, loss)
    assert np.shape(values) == replicas
    for index in np.ndindex(replicas):
        own = {name: value[index] for name, value in network.parameters.items()}
        here = index if own_batches else ()
        value, expected = by_autograd(own, activation, loss, x[here], y[here])
        assert np.asarray(values)[index] == pytest.approx(value, rel=TOLERANCE[dtype])
        assert set(gradients) == set(expected)
        for name, gradient in gradients.items():
            assert gradient.dtype == dtype
            size = max(abs(g).max() for g in expected.values())
            np.testing.assert_allclose(
                gradient[index], expected[name], rtol=0, atol=tolerance * size
            )


def complex_gelu(z):
    with mp.workdps(30):
        return np.vectorize(lambda u: complex(u * mp.erfc(-mp.mpc(u) / mp.sqrt(2)) / 2))(z)


def complex_softmax(z):
    exponentials = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def right_of(z, edge, yes, no):
    return np.where(z.real > edge, yes, no)


def middle(z, edge, below, inside, above):
    return np.where(z.real <= -edge, below, np.where(z.real >= edge, above, inside))


def complex_logistic(z):
    return 1 / (1 + np.exp(-z))


LAMBDA, ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
COMPLEX = {  # every function as an analytic one, from its formula
    "identity": lambda z: z,
    "relu": lambda z: right_of(z, 0, z, 0),
    "leaky_relu": lambda z: right_of(z, 0, z, 0.01 * z),
    "prelu": lambda z: right_of(z, 0, z, z / 4),
    "rrelu": lambda z: right_of(z, 0, z, (1 / 8 + 1 / 3) / 2 * z),
    "threshold": lambda z: right_of(z, 0, z, 0),
    "relu6": lambda z: right_of(z, 0, right_of(z, 6, 6, z), 0),
    "hard_tanh": lambda z: middle(z, 1, -1, z, 1),
    "hard_sigmoid": lambda z: middle(z, 3, 0, (z + 3) / 6, 1),
    "sparse_sigmoid": lambda z: middle(z, 1, 0, (z + 1) / 2, 1),
    "hard_shrink": lambda z: middle(z, 0.5, z, 0, z),
    "soft_shrink": lambda z: middle(z, 0.5, z + 0.5, 0, z - 0.5),
    "squared_relu": lambda z: right_of(z, 0, z * z, 0),
    "hard_swish": lambda z: middle(z, 3, 0, z * (z + 3) / 6, z),
    "sparse_plus": lambda z: middle(z, 1, 0, (z + 1) ** 2 / 4, z),
    "sigmoid": complex_logistic,
    "log_sigmoid": lambda z: -np.log(1 + np.exp(-z)),
    "tanh": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    "lecun_tanh": lambda z: 1.7159 * np.tanh(2 * z / 3),
    "softsign": lambda z: z / (1 + right_of(z, 0, z, -z)),
    "tanh_shrink": lambda z: z - np.tanh(z),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "squareplus": lambda z: (z + np.sqrt(z * z + 4)) / 2,
    "elu": lambda z: right_of(z, 0, z, np.exp(z) - 1),
    "celu": lambda z: right_of(z, 0, z, np.exp(z) - 1),
    "selu": lambda z: LAMBDA * right_of(z, 0, z, ALPHA * (np.exp(z) - 1)),
    "gelu": complex_gelu,
    "gelu_tanh": lambda z: z / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))),
    "quick_gelu": lambda z: z * complex_logistic(1.702 * z),
    "silu": lambda z: z * complex_logistic(z),
    "swish": lambda z: z * complex_logistic(z),
    "mish": lambda z: z * np.tanh(np.log(1 + np.exp(z))),
    "sine": np.sin,
    "gaussian": lambda z: np.exp(-z * z),
    "exponential": np.exp,
    "softmax": complex_softmax,
    "softmin": lambda z: complex_softmax(-z),
    "log_softmax": lambda z: np.log(complex_softmax(z)),
}
COMPLEX_LOSSES = {
    "cross_entropy": lambda z, y: -np.log(complex_softmax(z)[np.arange(len(y)), y]).mean(),
    "binary_cross_entropy": lambda z, t: (np.log(1 + np.exp(z)) - z * t).mean(),
    "mean_squared_error": lambda z, t: ((z - t) ** 2).mean(),
}


def by_complex_step(parameters, activation, loss, x, y):
    """Return the gradients as Im f(w + ih) / h, which no difference rounds."""
    step = 1e-30
    weights = [name for name in parameters if name.endswith("weight")]
    gradients = {}
    for name, value in parameters.items():
        gradients[name] = np.empty(value.shape)
        for index in np.ndindex(value.shape):
            moved = {key: array.astype(complex) for key, array in parameters.items()}
            moved[name][index] += 1j * step
            signal = x.astype(complex)
            for key in weights:
                signal = signal @ moved[key] + moved[key.replace("weight", "bias")]
                signal = COMPLEX[activation](signal) if key != weights[-1] else signal
            gradients[name][index] = COMPLEX_LOSSES[loss](signal, y).imag / step
    return gradients


@pytest.mark.parametrize(
    ("activation", "loss"),
    # for the others, one loss is enough to see their slopes
    [*product(CORE, LOSSES), *((name, "cross_entropy") for name in KEEPING if name not in CORE)],
)
def test_gradients_equal_the_complex_step(activation, loss):
    network = build(activation)
    x, y = batch_for(loss)
    _, gradients = network.loss_and_gradients(x, y, loss)
    expected = by_complex_step(network.parameters, activation, loss, x, y)
    size = max(abs(g).max() for g in expected.values())
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, expected[name], rtol=0, atol=1e-14 * size)


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


def test_every_activation_and_loss_has_an_oracle():
    assert set(COMPLEX) == set(KEEPING)
    assert set(COMPLEX_LOSSES) == set(TORCH_LOSSES) == set(LOSSES)


@pytest.mark.parametrize("replicas", REPLICAS, ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_reduces_over_the_batch_and_never_over_replicas(name, replicas):
    outputs = np.random.default_rng(0).normal(size=(*replicas, BATCH, SIZES[-1]))
    _, y = batch_for(name)
    rule = get_loss(name)
    value, grad_output = rule.with_gradient(outputs, y)
    np.testing.assert_array_equal(value, rule.function(outputs, y))
    np.testing.assert_array_equal(grad_output, rule.gradient(outputs, y))
    for index in np.ndindex(replicas):
        leaf = torch.tensor(outputs[index], requires_grad=True)
        expected = TORCH_LOSSES[name](leaf, torch.tensor(y))
        expected.backward()
        assert np.asarray(value)[index] == pytest.approx(expected.item(), rel=1e-14)
        np.testing.assert_allclose(grad_output[index], leaf.grad, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_confident_answer_keeps_its_small_loss(dtype):
    logits = np.array([[0, -30]], dtype)
    exact = math.log1p(math.exp(-30))
    assert cross_entropy(logits, [0]) == pytest.approx(exact, rel=1e-6)
    assert binary_cross_entropy(logits[:, 1:], [[0]]) == pytest.approx(exact, rel=1e-6)
    assert cross_entropy_grad(logits, [0])[0, 1] == pytest.approx(math.exp(-30), rel=1e-6)
    assert binary_cross_entropy_grad(logits[:, 1:], [[0]])[0, 0] == pytest.approx(
        math.exp(-30), rel=1e-6
    )


@pytest.mark.parametrize("size", [1e3, 1e30])
def test_huge_logits_do_not_overflow(size):
    logits = np.array([[size, -size]], np.float32)
    assert cross_entropy(logits, [1]) == np.float32(2 * size)
    np.testing.assert_array_equal(cross_entropy_grad(logits, [1]), [[1, -1]])
    assert binary_cross_entropy(logits, [[0, 1]]) == np.float32(size)
    np.testing.assert_array_equal(binary_cross_entropy_grad(logits, [[0, 1]]), [[0.5, -0.5]])


# ---------------------------------------------------------------------------------------------
# Normalization and residual blocks
# ---------------------------------------------------------------------------------------------

# A network as text: "3-4" is a dense layer, a list a residual block, another word an activation
NETWORKS = {
    "batch": ["3-4", "batch", "tanh", "4-2"],
    "layer": ["3-4", "layer", "tanh", "4-2"],
    "normalization first": ["batch", "3-4", "relu", "layer", "4-2"],
    "residual": ["3-4", "relu", ["4-4", "batch", "relu"], ["layer", "relu", "4-5", "5-4"], "4-2"],
    "layer normalization first": ["layer", "3-2"],
    "residual first": [["3-3", "tanh"], "3-2"],
    "nested": ["3-4", ["4-4", ["batch", "4-4", "tanh"], "layer"], "4-2"],
}
NEAR = {np.float32: 5e-5, np.float64: 2e-13}  # relative to the largest; small batches stretch


def make_layers(words, replicas, dtype, rng, width=SIZES[0]):
    """Return the layers that a text describes, with random parameters and running averages."""

    def draw(*shape, low=None):
        values = rng.normal(size=shape) if low is None else rng.uniform(low, 2, size=shape)
        return values.astype(dtype)

    layers = []
    for word in words:
        if isinstance(word, list):
            layers.append(Residual(make_layers(word, replicas, dtype, rng, width)))
        elif "-" in word:
            fan_in, width = map(int, word.split("-"))
            layers.append(Dense(draw(*replicas, fan_in, width), draw(*replicas, 1, width)))
        elif word in ("batch", "layer"):
            kind = BatchNorm if word == "batch" else LayerNorm
            shape = (*replicas, 1, width)
            options = {"eps": 1e-3} | ({"momentum": 0.3} if word == "batch" else {})
            layers.append(kind(draw(*shape, low=0.5), draw(*shape), **options))
            if word == "batch":
                layers[-1].running_mean[...] = draw(*shape)
                layers[-1].running_variance[...] = draw(*shape, low=0.5)
        else:
            layers.append(Activate(word))
    return layers


def make(name, replicas=(), dtype=np.float64):
    return Network(make_layers(NETWORKS[name], replicas, dtype, np.random.default_rng(3)))


def batch_norms(layers, prefix=""):
    """Return the batch normalizations by name."""
    found = {}
    for i, layer in enumerate(layers):
        if isinstance(layer, BatchNorm):
            found[f"{prefix}{i}"] = layer
        elif isinstance(layer, Residual):
            found |= batch_norms(layer.layers, f"{prefix}{i}.")
    return found


def in_torch(words, signal, leaves, averages, training, prefix=""):
    """Return what PyTorch's functions make of a signal, by the text of a network."""
    for i, word in enumerate(words):
        name = f"{prefix}{i}"
        if isinstance(word, list):
            block = in_torch(word, signal, leaves, averages, training, f"{name}.")
            signal = signal + block
        elif "-" in word:
            signal = signal @ leaves[f"{name}.weight"] + leaves[f"{name}.bias"]
        elif word in ("batch", "layer"):
            weight, bias = leaves[f"{name}.weight"][0], leaves[f"{name}.bias"][0]
            if word == "batch":
                options = {"training": training, "momentum": 0.3, "eps": 1e-3}
                signal = torch.nn.functional.batch_norm(
                    signal, *averages[name], weight, bias, **options
                )
            else:
                signal = torch.nn.functional.layer_norm(
                    signal, weight.shape, weight, bias, eps=1e-3
                )
        else:
            signal = getattr(torch, word)(signal)
    return signal


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("replicas", "own_batches"), [((), False), ((3,), False), ((3,), True), ((2, 3), True)]
)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_normalized_and_residual_networks_equal_autograd(
    name, training, replicas, own_batches, dtype
):
    network = make(name, replicas, dtype)
    x, y = batch_for("cross_entropy", dtype, replicas if own_batches else ())
    before = {
        key: (norm.running_mean.copy(), norm.running_variance.copy())
        for key, norm in batch_norms(network.layers).items()
    }
    values, gradients = network.loss_and_gradients(x, y, training=training)
    for index in np.ndindex(replicas):
        here = index if own_batches else ()
        leaves = {
            key: torch.tensor(value[index].astype(np.float64), requires_grad=True)
            for key, value in network.parameters.items()
        }
        averages = {
            key: [torch.tensor(kept[index][0].astype(np.float64)) for kept in pair]
            for key, pair in before.items()
        }
        signal = torch.tensor(x[here].astype(np.float64))
        logits = in_torch(NETWORKS[name], signal, leaves, averages, training)
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(y[here]))
        loss.backward()
        near = {"rtol": NEAR[dtype], "atol": NEAR[dtype]}
        np.testing.assert_allclose(np.asarray(values)[index], loss.item(), **near)
        size = max(float(leaf.grad.abs().max()) for leaf in leaves.values())
        assert set(gradients) == set(leaves)
        for key, leaf in leaves.items():
            assert gradients[key].dtype == dtype
            np.testing.assert_allclose(
                gradients[key][index], leaf.grad, rtol=0, atol=NEAR[dtype] * size
            )
        for key, norm in batch_norms(network.layers).items():
            for ours, theirs in zip(
                (norm.running_mean, norm.running_variance), averages[key], strict=True
            ):
                assert ours.dtype == np.float64  # a variance may be beyond float32
                np.testing.assert_allclose(ours[index][0], theirs, **near)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_of_the_input_equals_autograd(name, training):
    network = make(name)
    x, _ = batch_for("cross_entropy")
    network.forward(x, training=training)
    averages = {
        key: [torch.tensor(norm.running_mean[0]), torch.tensor(norm.running_variance[0])]
        for key, norm in batch_norms(network.layers).items()
    }
    grad_output = np.random.default_rng(5).normal(size=(BATCH, SIZES[-1]))
    gradient = grad_output
    for layer in reversed(network.layers):
        gradient = layer.backward(gradient)
    leaf = torch.tensor(x, requires_grad=True)
    leaves = {key: torch.tensor(value) for key, value in network.parameters.items()}
    out = in_torch(NETWORKS[name], leaf, leaves, averages, training)
    out.backward(torch.tensor(grad_output))
    size = float(leaf.grad.abs().max())
    np.testing.assert_allclose(gradient, leaf.grad, rtol=0, atol=1e-13 * size)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_replica_with_blocks_and_averages_equals_it_among_others(name, training):
    together = make(name, (3,))
    alone = [together.replica(i) for i in range(3)]
    x, y = batch_for("cross_entropy", leading=(3,))
    for _ in range(2):  # the second time with averages that have moved
        values, gradients = together.loss_and_gradients(x, y, training=training)
        for i, network in enumerate(alone):
            value, own = network.loss_and_gradients(x[i], y[i], training=training)
            assert values[i] == pytest.approx(value, rel=1e-12)
            assert set(own) == set(gradients)
            for key, gradient in own.items():
                np.testing.assert_allclose(gradients[key][i], gradient, rtol=1e-10, atol=1e-12)
    for i, network in enumerate(alone):
        kept = batch_norms(together.layers)
        for key, norm in batch_norms(network.layers).items():
            assert (norm.momentum, norm.eps) == (0.3, 1e-3)
            assert not np.shares_memory(norm.running_mean, kept[key].running_mean)
            for which in ("running_mean", "running_variance"):
                np.testing.assert_allclose(
                    getattr(norm, which), getattr(kept[key], which)[i], rtol=1e-12, atol=1e-14
                )


def test_a_batch_is_normalized_for_each_replica_and_feature_by_itself():
    layer = BatchNorm(np.ones((2, 1, 3)), np.zeros((2, 1, 3)))
    layer.training = True
    x = np.random.default_rng(0).normal([1, 10, 100], [0.1, 1, 10], size=(2, 50, 3))
    first = layer.forward(x)
    np.testing.assert_allclose(first.mean(axis=1), 0, atol=1e-13)
    # eps makes the variance smaller by its share of the batch's variance
    shrunk = x.var(axis=1) / (x.var(axis=1) + 1e-5)
    np.testing.assert_allclose(first.var(axis=1), shrunk, rtol=1e-12)
    x[1] *= 1e6
    np.testing.assert_array_equal(layer.forward(x)[0], first[0])


def test_running_averages_come_near_the_statistics_of_the_data():
    layer = BatchNorm(np.ones((1, 2)), np.zeros((1, 2)))
    layer.training = True
    x = np.random.default_rng(0).normal([3, -1], [2, 0.5], size=(10, 2))
    for _ in range(300):  # 0.9 to the power of 300 is 2e-14
        layer.forward(x)
    np.testing.assert_allclose(layer.running_mean[0], x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(layer.running_variance[0], x.var(axis=0, ddof=1), rtol=1e-12)


def test_a_network_evaluates_unless_it_is_told_to_train():
    network = make("residual")
    norm = network.layers[2].layers[1]
    before = norm.running_mean.copy()
    x, y = batch_for("cross_entropy")
    single = network(x[:1])  # one row is enough where nothing is averaged
    np.testing.assert_allclose(single, network(x)[:1], rtol=1e-13, atol=1e-14)
    network.loss_and_gradients(x, y, training=False)
    np.testing.assert_array_equal(norm.running_mean, before)
    network.loss_and_gradients(x, y)
    assert (norm.running_mean != before).any()
    assert (norm.training, network.layers[2].training) == (True, True)
    network(x)
    assert (norm.training, network.layers[2].training) == (False, False)


@pytest.mark.parametrize("training", [True, False])
def test_backward_follows_the_mode_of_the_last_forward(training):
    x, _ = batch_for("cross_entropy")
    grad_output = np.random.default_rng(5).normal(size=(BATCH, SIZES[-1]))
    network, twin = make("batch"), make("batch")
    for net in (network, twin):
        net.forward(x, training=training)
    network.layers[1].training = not training
    for net in (network, twin):
        net.backward(grad_output)
    for name, gradient in twin.gradients.items():
        np.testing.assert_array_equal(network.gradients[name], gradient)


class Doubled:
    """A reader's own layer, from before there were modes and copies."""

    def __init__(self):
        self.parameters, self.gradients = {}, {}

    def forward(self, x):
        return 2 * x

    def backward(self, grad_output, *, to_input=True):
        return 2 * grad_output if to_input else None


def test_layers_of_a_reader_work_alone_and_in_blocks():
    weight, bias = np.eye(3), np.zeros((1, 3))
    x, _ = batch_for("cross_entropy")
    network = Network([Doubled(), Residual([Doubled()]), Dense(weight, bias)])
    np.testing.assert_array_equal(network.forward(x, training=True), 6 * x)
    network.backward(np.ones((BATCH, 3)))
    np.testing.assert_allclose(network.gradients["2.weight"], 6 * x.T @ np.ones((BATCH, 3)))
    assert repr(network) == "Network(3-3, ['Doubled', 'Residual(Doubled)'], float64)"


def test_what_is_in_a_block_has_a_name_and_can_be_loaded():
    network, other = make("nested"), make("nested")
    names = list(network.parameters)
    assert names[2:6] == ["1.0.weight", "1.0.bias", "1.1.0.weight", "1.1.0.bias"]
    inside = network.layers[1].layers[1].layers[0].parameters["weight"]
    assert network.parameters["1.1.0.weight"] is inside
    other.load_parameters({name: value + 1 for name, value in network.parameters.items()})
    np.testing.assert_array_equal(
        other.layers[1].layers[1].layers[0].parameters["weight"], inside + 1
    )
    assert network.sizes == [3, 4, 4, 4, 2]
    assert repr(network) == (
        "Network(3-4-4-4-2, ['Residual(Residual(BatchNorm, tanh), LayerNorm)'], float64)"
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("replicas", REPLICAS, ids=str)
@pytest.mark.parametrize("own", [False, True])
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


@pytest.mark.parametrize(("rows", "rows_upstream"), [(4, 1), (1, 3)])
def test_a_single_row_does_not_stand_for_a_batch(rows, rows_upstream):
    """Although the arrays would broadcast: 3 inputs, 4 outputs."""
    (layer,) = make_layers(["3-4"], (), np.float64, np.random.default_rng(0))
    layer.forward(np.ones((rows, 3)))
    with pytest.raises(ValueError, match="got a gradient of shape"):
        layer.backward(np.ones((rows_upstream, 4)))


# ---------------------------------------------------------------------------------------------
# Dropout
# ---------------------------------------------------------------------------------------------

DROPOUTS = [Dropout, AlphaDropout]


def dropping(replicas=(), dtype=np.float64, own=True):
    """Return a network with dropout in all places, and name, features, p and seeds of each.

    Each replica has its own, or all share one.
    """
    rng = np.random.default_rng(4)
    drops = {}

    def drop(kind, name, features):
        p, seeds = np.asarray(0.2 + 0.1 * len(drops)), np.asarray(10 + 1000 * len(drops))
        if own:
            p = p + rng.uniform(0, 0.3, replicas)
            seeds = seeds + np.arange(p.size).reshape(replicas)
        drops[name] = kind, features, p, seeds
        return kind(p, seed=seeds.tolist())

    def dense(fan_in, fan_out):
        return make_layers([f"{fan_in}-{fan_out}"], replicas, dtype, rng)[0]

    inner = [dense(4, 4), Activate("selu"), drop(AlphaDropout, "4.2", 4)]
    layers = [drop(Dropout, "0", 3), dense(3, 4), Activate("tanh"), drop(Dropout, "3", 4)]
    return Network([*layers, Residual(inner), dense(4, 2)]), drops


def masks_of(drops, index, rounds):
    """Return what is kept in the last of some rounds, drawn anew from the seeds alone."""
    masks = {}
    for name, (_, features, p, seeds) in drops.items():
        p, seeds = (a[index] if a.shape else a for a in (p, seeds))
        rng = stream(int(seeds), "dropout")
        for _ in range(rounds):
            draws = rng.random((BATCH, features), dtype=np.float32)
        masks[name] = torch.tensor(draws >= np.float32(p)), float(p)
    return masks


def drop_in_torch(kind, signal, mask, p):
    """Return a signal after dropout, by the formulas of the papers."""
    if kind is Dropout:
        return signal * mask / (1 - p)
    floor = -LAMBDA * ALPHA
    a = ((1 - p) * (1 + p * floor**2)) ** -0.5
    return a * torch.where(mask, signal, floor) - a * p * floor


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("own_batches", [False, True])
@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize("replicas", REPLICAS, ids=str)
def test_dropout_and_its_gradients_equal_autograd_with_the_same_masks(
    replicas, own, own_batches, dtype
):
    network, drops = dropping(replicas, dtype, own)
    x, y = batch_for("cross_entropy", dtype, replicas if own_batches else ())
    for rounds in (1, 2):
        values, gradients = network.loss_and_gradients(x, y)
        assert np.shape(values) == replicas
        for index in np.ndindex(replicas):
            here = index if own_batches else ()
            leaves = {
                key: torch.tensor(value[index].astype(np.float64), requires_grad=True)
                for key, value in network.parameters.items()
            }
            masks = masks_of(drops, index, rounds)

            def drop(name, signal, masks=masks):
                return drop_in_torch(drops[name][0], signal, *masks[name])

            def dense(name, signal, leaves=leaves):
                return signal @ leaves[f"{name}.weight"] + leaves[f"{name}.bias"]

            signal = drop("0", torch.tensor(x[here].astype(np.float64)))
            signal = drop("3", torch.tanh(dense("1", signal)))
            signal = signal + drop("4.2", torch.selu(dense("4.0", signal)))
            loss = torch.nn.functional.cross_entropy(dense("5", signal), torch.tensor(y[here]))
            loss.backward()
            near = 20 * TOLERANCE[dtype]
            assert np.asarray(values)[index] == pytest.approx(loss.item(), rel=near)
            size = max(float(leaf.grad.abs().max()) for leaf in leaves.values())
            assert set(gradients) == set(leaves)
            for key, leaf in leaves.items():
                assert gradients[key].dtype == dtype
                np.testing.assert_allclose(
                    gradients[key][index], leaf.grad, rtol=0, atol=near * size
                )


def test_gradients_through_dropout_equal_central_differences():
    network, _ = dropping((2,))
    x, y = batch_for("cross_entropy")
    rng, step = np.random.default_rng(7), 1e-5

    def moved(way):
        twin = deepcopy(network)  # with the same masks to come
        twin.load_parameters({k: v + way * ways[k] for k, v in network.parameters.items()})
        return twin.loss_and_gradients(x, y)[0]

    for _ in range(5):
        ways = {key: rng.normal(size=value.shape) for key, value in network.parameters.items()}
        slope = (moved(step) - moved(-step)) / (2 * step)
        _, gradients = deepcopy(network).loss_and_gradients(x, y)
        along = sum((gradients[key] * way).sum(axis=(-2, -1)) for key, way in ways.items())
        np.testing.assert_allclose(slope, along, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", DROPOUTS)
def test_the_gradient_of_the_input_is_the_slope_of_what_was_kept(kind):
    layer = kind([0.3, 0.6], seed=[1, 2])
    x = np.random.default_rng(0).normal(size=(BATCH, 4))
    layer.training = True
    twin = deepcopy(layer)
    slope = twin.forward(x + 1) - layer.forward(x)  # the same masks: a line in each number
    grad_output = np.random.default_rng(1).normal(size=(2, BATCH, 4))
    np.testing.assert_allclose(
        layer.backward(grad_output), slope * grad_output, rtol=1e-13, atol=1e-14
    )
    assert (slope == 0).any() and (slope != 0).any()
    assert layer.backward(grad_output, to_input=False) is None


def test_nothing_is_dropped_or_drawn_in_evaluation_and_backward_follows_the_last_forward():
    network, _ = dropping((2,))
    block = Residual(network.layers[4].layers[:2])
    plain = Network([*network.layers[1:3], block, network.layers[5]])
    x, y = batch_for("cross_entropy")
    twin = deepcopy(network)
    network(x)
    value, gradients = network.loss_and_gradients(x, y, training=False)
    expected, own = plain.loss_and_gradients(x, y)
    np.testing.assert_array_equal(value, expected)
    for got, wanted in zip(gradients.values(), own.values(), strict=True):
        np.testing.assert_array_equal(got, wanted)
    # and nothing was drawn: both go on with the same masks
    dropped, _ = network.loss_and_gradients(x, y)
    np.testing.assert_array_equal(twin.loss_and_gradients(x, y)[0], dropped)
    assert (dropped != value).all()
    layer = Dropout(0.5)
    assert layer.forward(x) is x
    layer.training = True
    assert layer.backward(x) is x
    layer.forward(x)
    layer.training = False
    assert (layer.backward(np.ones_like(x)) == 2).any()


# Bounds by Hoeffding's inequality: a share of n independent draws is farther than this from its
# probability with a probability of at most 1e-9. Each parameter set below asks a few dozen times.


def hoeffding(n):
    return math.sqrt(math.log(2 / 1e-9) / (2 * n))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", DROPOUTS)
@pytest.mark.parametrize("p", [0.05, 0.5, 0.8])
def test_the_share_dropped_is_p_and_the_mean_and_variance_are_those_of_theory(p, kind, dtype):
    x = np.array([-3.0, -0.1, 0.7, 2.0], dtype)
    n = 40_000
    layer = kind(p, seed=[1, 2])
    layer.training = True
    y = layer.forward(np.broadcast_to(x, (n, 4))).astype(np.float64)
    x = x.astype(np.float64)
    dropped = layer.backward(np.ones((2, n, 4))) == 0
    off = hoeffding(n)
    assert (np.abs(dropped.mean(axis=1) - p) < off).all()
    # y takes two values, a gap apart: how far mean and variance are off follows from the share
    floor = 0 if kind is Dropout else -LAMBDA * ALPHA
    slope = 1 / (1 - p) if kind is Dropout else ((1 - p) * (1 + p * floor**2)) ** -0.5
    gap = slope * np.abs(x - floor)
    mean = x if kind is Dropout else slope * (1 - p) * x
    near = 1e-5 if dtype == np.float32 else 1e-12
    assert (np.abs(y.mean(axis=1) - mean) < off * gap + near).all()
    variance = p / (1 - p) * x**2 if kind is Dropout else p * (1 - p) * gap**2
    wrong = np.abs(y.var(axis=1) - variance)
    assert (wrong < (abs(1 - 2 * p) * off + off**2) * gap**2 + near).all()


@pytest.mark.parametrize("p", [0.05, 0.5, 0.8])
def test_alpha_dropout_keeps_the_fixed_point_of_selu(p):
    layer = AlphaDropout(p, seed=1)
    layer.training = True
    # exactly: from what becomes of 0 and 1, kept or dropped, for any x with mean 0 and variance 1
    y = layer.forward(np.repeat([[0.0], [1.0]], 200, axis=1))
    kept = layer.backward(np.ones_like(y)) != 0
    b, after_one, low = (np.unique(part) for part in (y[0][kept[0]], y[1][kept[1]], y[~kept]))
    assert len(b) == len(after_one) == len(low) == 1
    a = after_one - b
    assert (low - b) / a == pytest.approx(-LAMBDA * ALPHA, rel=1e-14)
    assert (1 - p) * b + p * low == pytest.approx(0, abs=1e-14)
    assert (1 - p) * (a**2 + b**2) + p * low**2 == pytest.approx(1, rel=1e-14)
    # and with what a SELU returns; six standard errors are passed with probability 2e-9
    z = CATALOGUE["selu"](np.random.default_rng(0).normal(size=(1000, 300)))
    y = layer.forward(z)
    assert abs(y.mean()) < 6 * y.std() / math.sqrt(y.size)
    spread = np.square(y).std() / math.sqrt(y.size)
    assert abs(np.square(y).mean() - 1) < 6 * spread
    plain = Dropout(p, seed=1)
    plain.training = True
    assert np.square(plain.forward(z)).mean() > 1 + 6 * spread  # what alpha dropout is there for


def test_masks_of_units_examples_steps_layers_replicas_and_seeds_have_nothing_in_common():
    n, units = 400, 100
    network = mlp([units] * 4, "relu", seed=[3, 4], dropout=0.5)
    x = np.zeros((n, units))
    masks = []
    for _ in range(2):
        network.forward(x, training=True)
        masks += [layer.backward(np.ones(x.shape)) for layer in network.layers[2::3]]
    other = Dropout(0.5, seed=3)
    other.training = True
    other.forward(x)
    found = [*(m[i] for m in masks for i in range(2)), other.backward(np.ones(x.shape))]
    assert len(found) == 9
    found += [found[0][:, ::-1], found[0][::-1]]  # other units, other examples
    agreement = [(a == b).mean() for i, a in enumerate(found) for b in found[:i]]
    # the two turned ones hold pairs of numbers twice, which is as if half of them were drawn
    assert np.abs(np.array(agreement) - 0.5).max() < hoeffding(n * units / 2)


def test_dropout_draws_neither_the_weights_nor_the_batches_of_its_seed():
    first = {purpose: stream(5, purpose).random() for purpose in ("weights", "batches", "dropout")}
    assert len(set(first.values())) == 3


@pytest.mark.parametrize("kind", DROPOUTS)
def test_replicas_with_one_seed_and_several_p_drop_from_the_same_draw(kind):
    p = [0.0, 0.2, 0.5, 0.9]
    together = kind(p, seed=[7] * 4)
    shared = kind(p, seed=7)
    alone = [kind(own, seed=7) for own in p]
    x = np.random.default_rng(0).normal(size=(4, 30, 20))
    for layer in (together, shared, *alone):
        layer.training = True
    for _ in range(2):  # the second time, too: as much was drawn at each p
        y = together.forward(x)
        np.testing.assert_array_equal(y, shared.forward(x))
        for i, layer in enumerate(alone):
            np.testing.assert_array_equal(layer.forward(x[i]), y[i])
        dropped = together.backward(np.ones(x.shape)) == 0
        for less, more in pairwise(dropped):
            assert (more[less]).all() and more.sum() > less.sum()
        np.testing.assert_array_equal(y[0], x[0])


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("residual", [False, True])
def test_a_sweep_over_p_and_seeds_is_as_each_network_alone(residual, alpha):
    p, seeds = [0.1, 0.1, 0.5, 0.5], [3, 4, 3, 4]
    options = {"residual": residual, "alpha_dropout": alpha}
    together = mlp([3, 6, 6, 2], "selu", seed=seeds, dropout=p, **options)
    alone = [
        mlp([3, 6, 6, 2], "selu", seed=seed, dropout=own, **options)
        for seed, own in zip(seeds, p, strict=True)
    ]
    alone[2] = together.replica(2)
    rng = np.random.default_rng(0)
    for rows in (5, 5, 2):  # the last batch of an epoch may be smaller
        x, y = rng.normal(size=(4, rows, 3)), rng.integers(0, 2, (4, rows))
        values, gradients = together.loss_and_gradients(x, y)
        for i, network in enumerate(alone):
            value, own = network.loss_and_gradients(x[i], y[i])
            assert values[i] == pytest.approx(value, rel=1e-12)
            for key, gradient in own.items():
                np.testing.assert_allclose(gradients[key][i], gradient, rtol=1e-11, atol=1e-13)
                network.parameters[key] -= 0.1 * gradient
        for key, gradient in gradients.items():
            together.parameters[key] -= 0.1 * gradient


def test_a_layer_that_never_drops_changes_no_bit():
    plain, zeros = (
        mlp([3, 4, 2], "tanh", seed=range(2), dropout=p, dtype=np.float32) for p in (0, [0, 0])
    )
    assert repr(plain) == "Network(3-4-2, ['tanh'], float32, replicas=(2,))"
    assert repr(zeros) == "Network(3-4-2, ['tanh', 'Dropout(0)'], float32, replicas=(2,))"
    x, y = batch_for("cross_entropy", np.float32)
    (value, own), (other, others) = (net.loss_and_gradients(x, y) for net in (plain, zeros))
    np.testing.assert_array_equal(value, other)
    for one, two in zip(own.values(), others.values(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("normalization", [None, "batch"])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("seed", [0, range(2)], ids=["one", "two"])
def test_dropout_ends_each_hidden_layer_and_leaves_the_first_weights(
    seed, residual, normalization, alpha
):
    sizes, options = [3, 4, 4, 2], {"normalization": normalization, "residual": residual}
    network = mlp(sizes, "selu", seed=seed, dropout=0.2, alpha_dropout=alpha, **options)
    drop = "AlphaDropout(0.2)" if alpha else "Dropout(0.2)"
    hidden = f"{'BatchNorm, ' if normalization else ''}selu, {drop}"
    block = f"Residual({hidden})" if residual else hidden
    assert repr(network).split("[")[1].split("]")[0].replace("'", "") == f"{hidden}, {block}"
    plain = mlp(sizes, "selu", seed=seed, **options)
    for own, value in zip(network.parameters.values(), plain.parameters.values(), strict=True):
        np.testing.assert_array_equal(own, value)


@pytest.mark.parametrize("replicas", REPLICAS, ids=str)
@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
def test_copies_pickles_and_replicas_go_on_with_the_same_masks(own, replicas):
    network, _ = dropping(replicas, own=own)
    x, _ = batch_for("cross_entropy")
    network.forward(x, training=True)
    network.forward(np.repeat(x, 1000, axis=0), training=True)
    twins = [deepcopy(network), pickle.loads(pickle.dumps(network))]
    assert len(pickle.dumps(network)) < 30_000  # the masks of that batch alone are larger
    for twin in twins:
        with pytest.raises(RuntimeError, match="backward before forward"):
            twin.layers[0].backward(x)
    parts = {}
    for index in np.ndindex(replicas):
        parts[index] = deepcopy(network)
        for i in index:
            parts[index] = parts[index].replica(i)
    y = network.forward(x, training=True)
    for twin in twins:
        np.testing.assert_array_equal(twin.forward(x, training=True), y)
    for index, part in parts.items():
        near = {"rtol": 1e-12, "atol": 1e-13}
        np.testing.assert_allclose(part.forward(x, training=True), y[index], **near)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", DROPOUTS)
def test_dropout_keeps_the_dtype(kind, training):
    for dtype in (np.float16, np.float32, np.float64):
        layer = kind(np.array([0.3, 0.5]), seed=1)
        layer.training = training
        x = np.ones((4, 3), dtype)
        assert layer.forward(x).dtype == layer.backward(x).dtype == dtype
    if training:
        whole = kind(0.3, seed=1)
        whole.training = layer.training = True
        fractions = deepcopy(whole).forward(np.ones((4, 3)))
        np.testing.assert_array_equal(whole.forward(np.ones((4, 3), int)), fractions)


def test_the_largest_p_leaves_something_and_larger_ones_are_refused():
    layer = Dropout(1 - 2**-24)
    layer.training = True
    assert layer.forward(np.ones((2, 3))).shape == (2, 3)
    with pytest.raises(ValueError, match="nothing would be left"):
        Dropout(1 - 2**-25)


@pytest.mark.parametrize("alpha", [False, True])
def test_scaling_drops_nothing_and_draws_nothing(alpha):
    options = {"seed": range(3), "initialization": "orthogonal", "residual": True}
    network = mlp([6, 20, 20, 4], "selu", dropout=0.5, alpha_dropout=alpha, **options)
    plain, twin = mlp([6, 20, 20, 4], "selu", **options), deepcopy(network)
    x = np.random.default_rng(0).normal(size=(40, 6))
    np.testing.assert_array_equal(lsuv(network, x), lsuv(plain, x))
    for own, value in zip(network.parameters.values(), plain.parameters.values(), strict=True):
        np.testing.assert_array_equal(own, value)
    twin.load_parameters(network.parameters)
    np.testing.assert_array_equal(network.forward(x, training=True), twin.forward(x, training=True))


def test_a_diagnosis_meets_the_masks_of_the_next_step_and_draws_none():
    network = mlp([3, 50, 50, 2], seed=range(2), dropout=0.5)
    x, y = batch_for("cross_entropy")
    first, second = (diagnose(network, x, y) for _ in range(2))
    np.testing.assert_array_equal(first.activation, second.activation)
    _, gradients = network.loss_and_gradients(x, y)
    norm = np.sqrt(np.square(gradients["0.weight"]).mean(axis=(-2, -1)))
    np.testing.assert_allclose(first.weight_gradient[:, 0], norm, rtol=1e-12)
    assert (diagnose(network, x, y).activation[:, 1] != first.activation[:, 1]).all()


# ---------------------------------------------------------------------------------------------
# Replicas
# ---------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    activation=st.sampled_from(KEEPING),
    loss=st.sampled_from(list(LOSSES)),
    initialization=st.sampled_from(list(INITIALIZERS)),
    residual=st.booleans(),
    dropout=st.sampled_from([0.0, 0.4]),
    batch=st.integers(1, 7),
    seeds=st.lists(st.integers(0, 2**32), min_size=1, max_size=4),
    dtype=st.sampled_from(DTYPES),
)
def test_replica_i_equals_the_network_of_its_seed(
    sizes, activation, loss, initialization, residual, dropout, batch, seeds, dtype
):
    assume(initialization != "computed" or CATALOGUE[activation].elementwise)
    settings_ = {
        "initialization": initialization, "residual": residual, "dropout": dropout, "dtype": dtype
    }  # fmt: skip
    together = mlp(sizes, activation, seed=seeds, **settings_)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, sizes[0])).astype(dtype)
    y = rng.integers(0, sizes[-1], batch)
    y = y if loss == "cross_entropy" else rng.uniform(size=(batch, sizes[-1])).astype(dtype)
    values, gradients = together.loss_and_gradients(x, y, loss)
    near = {"rtol": 1e3 * np.finfo(dtype).eps, "atol": 1e2 * np.finfo(dtype).eps}
    for i, seed in enumerate(seeds):
        alone = mlp(sizes, activation, seed=seed, **settings_)
        for name, value in alone.parameters.items():
            np.testing.assert_array_equal(together.parameters[name][i], value)
        np.testing.assert_allclose(together(x)[i], alone(x), **near)
        value, own = alone.loss_and_gradients(x, y, loss)
        np.testing.assert_allclose(values[i], value, **near)
        for name, gradient in own.items():
            np.testing.assert_allclose(gradients[name][i], gradient, **near)


def test_a_replica_is_a_network_of_its_own():
    together = mlp([2, 3, 1], "tanh", seed=range(3))
    own = together.replica(-1)
    assert (own.replicas, own.sizes, own.dtype) == ((), [2, 3, 1], np.float64)
    own.parameters["0.weight"][...] = 0
    assert (together.parameters["0.weight"] != 0).all()
    assert build("relu", (2, 3)).replica(1).replicas == (3,)


def test_seed_sequences_and_spawned_children_are_seeds():
    children = np.random.SeedSequence(1).spawn(2)
    together = mlp([2, 3], seed=children)
    alone = mlp([2, 3], seed=np.random.SeedSequence(1).spawn(2)[1])
    np.testing.assert_array_equal(together.parameters["0.weight"][1], alone.parameters["0.weight"])


def test_the_global_random_state_is_left_alone():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    mlp([2, 3, 1], seed=range(3))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


# ---------------------------------------------------------------------------------------------
# First weights
# ---------------------------------------------------------------------------------------------

FAN_IN, FAN_OUT = 300, 200
VARIANCES = {  # of the weights, and how the fourth moment enters the error of a sample variance
    "he": (2 / FAN_IN, 2),
    "xavier": (2 / (FAN_IN + FAN_OUT), 2),
    "lecun": (1 / FAN_IN, 2),
    "pytorch": (1 / (3 * FAN_IN), 0.8),
    "orthogonal": (1 / FAN_IN, 2),
    "computed": (1 / FAN_IN, 2),
}


@pytest.mark.parametrize("scheme", INITIALIZERS)
@pytest.mark.parametrize("seed", [0, 1])
def test_first_weights_have_the_variance_of_their_scheme(scheme, seed):
    weight, bias = initialize(FAN_IN, FAN_OUT, seed=seed, scheme=scheme)
    variance, spread = VARIANCES[scheme]
    # four standard errors: a right scheme falls outside once in 16,000
    assert weight.var() == pytest.approx(variance, rel=4 * math.sqrt(spread / weight.size))
    assert abs(weight.mean()) < 4 * math.sqrt(variance / weight.size)
    assert (bias.shape, bool((bias == 0).all())) == ((1, FAN_OUT), scheme != "pytorch")


def test_the_scheme_named_after_pytorch_is_uniform_within_its_bound():
    weight, bias = initialize(FAN_IN, FAN_OUT, scheme="pytorch")
    bound = 1 / math.sqrt(FAN_IN)
    layer = torch.nn.Linear(FAN_IN, FAN_OUT)
    for ours, theirs in ((weight, layer.weight), (bias, layer.bias)):
        for values in (ours, theirs.detach().numpy()):
            assert 0.95 * bound < abs(values).max() <= bound * (1 + 1e-7)
    assert bias.var() == pytest.approx(bound**2 / 3, rel=4 * math.sqrt(0.8 / FAN_OUT))


DRAWS = {  # notebooks store what was computed from these numbers
    "he": lambda rng, m, n: math.sqrt(2 / m) * rng.standard_normal((m, n)),
    "xavier": lambda rng, m, n: math.sqrt(2 / (m + n)) * rng.standard_normal((m, n)),
    "lecun": lambda rng, m, n: math.sqrt(1 / m) * rng.standard_normal((m, n)),
    "pytorch": lambda rng, m, n: rng.uniform(-1 / math.sqrt(m), 1 / math.sqrt(m), (m, n)),
    "computed": lambda rng, m, n: math.sqrt(1 / m) * rng.standard_normal((m, n)),
}


@pytest.mark.parametrize("scheme", DRAWS)
def test_a_seed_draws_the_same_weights_for_ever(scheme):
    rng = stream(7, "weights")
    for name, shape in {"0.weight": (5, 4), "2.weight": (4, 3)}.items():
        drawn = mlp([5, 4, 3], "identity", seed=7, initialization=scheme).parameters[name]
        # a computed gain is an integral, whose last bit is that of the machine's linear algebra
        rtol = 4e-16 if scheme == "computed" else 0
        np.testing.assert_allclose(drawn, DRAWS[scheme](rng, *shape), rtol=rtol)
        if scheme == "pytorch":
            rng.uniform(size=shape[1])  # the bias


@pytest.mark.parametrize("gain", [1, 1.7])
@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (5, 5), (1, 6), (1, 1)])
def test_orthogonal_weights_are_orthonormal_and_the_nearest_to_their_draw(shape, gain):
    weight, bias = initialize(*shape, seed=3, scheme="orthogonal", gain=gain)
    assert (weight.shape, bias.shape, bias.any()) == (shape, (1, shape[1]), False)
    theirs = torch.nn.init.orthogonal_(torch.empty(shape[::-1], dtype=torch.float64), gain)
    for values in (weight, theirs.numpy()):
        np.testing.assert_allclose(np.linalg.svd(values, compute_uv=False), gain, rtol=1e-13)
    # Gram-Schmidt by Cholesky: A = Q R with R'R = A'A, and a positive diagonal makes Q unique
    draw = stream(3, "weights").standard_normal((max(shape), min(shape)))
    q = draw @ np.linalg.inv(np.linalg.cholesky(draw.T @ draw).T)
    expected = gain * (q if shape[0] >= shape[1] else q.T)
    np.testing.assert_allclose(weight, expected, rtol=0, atol=1e-11)


def test_no_direction_of_orthogonal_weights_is_preferred():
    draws = np.array([initialize(3, 3, seed=s, scheme="orthogonal")[0] for s in range(400)])
    # each entry of a random orthogonal matrix has mean 0 and variance 1/3; four standard errors
    assert abs(draws.mean(axis=0)).max() < 4 * math.sqrt(1 / 3 / 400)
    assert abs((np.linalg.det(draws) > 0).mean() - 0.5) < 4 * 0.5 / math.sqrt(400)


@pytest.mark.parametrize("scheme", INITIALIZERS)
def test_a_gain_multiplies_the_weights_and_not_the_biases(scheme):
    options = {"seed": range(3), "initialization": scheme}
    plain = mlp([5, 4, 4, 3], "tanh", **options).parameters
    one = mlp([5, 4, 4, 3], "tanh", gain=1.5, **options).parameters
    each = mlp([5, 4, 4, 3], "tanh", gain=[0.5, 1, 3], **options).parameters
    for name, value in plain.items():
        by = np.array([0.5, 1, 3])[:, None, None] if name.endswith("weight") else 1
        np.testing.assert_allclose(one[name], value * (1.5 if np.ndim(by) else 1), rtol=1e-14)
        np.testing.assert_allclose(each[name], value * by, rtol=1e-14)


@pytest.mark.parametrize(
    ("activation", "function"), [("tanh", mp.tanh), ("relu", lambda z: max(z, 0)), ("sine", mp.sin)]
)
def test_a_computed_gain_keeps_the_variance_after_the_activation(activation, function):
    def integrand(z):
        return function(z) ** 2 * mp.npdf(z)

    expected = 1 / mp.sqrt(mp.quad(integrand, [-mp.inf, 0, mp.inf]))
    sizes = [6, 5, 4, 3]
    plain = mlp(sizes, activation, initialization="lecun").parameters
    scaled = mlp(sizes, activation, initialization="computed").parameters
    np.testing.assert_array_equal(scaled["0.weight"], plain["0.weight"])
    for name in ("2.weight", "4.weight"):
        np.testing.assert_allclose(scaled[name] / plain[name], float(expected), rtol=1e-9)


@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("seed", [0, range(2)], ids=["one", "two"])
def test_options_change_what_stands_between_and_never_the_first_weights(
    normalization, residual, seed
):
    network = mlp(
        [3, 4, 4, 4, 5, 5, 2], "tanh", seed=seed, normalization=normalization, residual=residual
    )
    norm = {None: "", "batch": "BatchNorm, ", "layer": "LayerNorm, "}[normalization]
    plain, block = f"{norm}tanh", f"Residual({norm}tanh)" if residual else f"{norm}tanh"
    assert repr(network).split("[")[1].split("]")[0].replace("'", "") == ", ".join(
        [plain, block, block, plain, block]
    )
    dense = [p for p in network.parameters.values() if p.shape[-2] > 1]
    weights = mlp([3, 4, 4, 4, 5, 5, 2], "tanh", seed=seed).parameters
    for own, value in zip(dense, [v for v in weights.values() if v.shape[-2] > 1], strict=True):
        np.testing.assert_array_equal(own, value)


# ---------------------------------------------------------------------------------------------
# Scaling to unit variance
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("own_batches", [False, True])
def test_each_dense_output_reaches_variance_one(own_batches, dtype):
    rng = np.random.default_rng(0)
    network = mlp(
        [6, 30, 30, 30, 4], "tanh", seed=range(3), initialization="orthogonal", dtype=dtype
    )
    before = {name: value.copy() for name, value in network.parameters.items()}
    x = (5 * rng.normal(size=(3, 40, 6) if own_batches else (40, 6)) + 1).astype(dtype)
    reached = lsuv(network, x)
    assert reached.shape == (3, 4)
    signal = x.astype(np.float64)
    near = 1e-5 if dtype == np.float32 else 1e-12
    for i in range(0, 8, 2):
        weight = network.parameters[f"{i}.weight"]
        assert weight.dtype == dtype
        signal = signal @ weight + network.parameters[f"{i}.bias"]
        variance = signal.var(axis=(-2, -1))
        np.testing.assert_allclose(variance, 1, rtol=near)
        np.testing.assert_allclose(reached[:, i // 2], variance, rtol=near)
        signal = np.tanh(signal)
        ratio = weight / before[f"{i}.weight"]  # only scaled, as one
        scale = ratio.mean(axis=(-2, -1), keepdims=True)
        np.testing.assert_allclose(ratio, np.broadcast_to(scale, ratio.shape), rtol=1e-5)
    settled = {name: value.copy() for name, value in network.parameters.items()}
    lsuv(network, x)
    for name, value in network.parameters.items():
        np.testing.assert_array_equal(value, settled[name])


@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_scaling_reaches_into_blocks_and_each_replica_alone(normalization):
    options = {
        "initialization": "pytorch", "normalization": normalization, "residual": True
    }  # fmt: skip
    together = mlp([6, 20, 20, 20, 4], "relu", seed=range(3), **options)
    x = np.random.default_rng(0).normal(size=(40, 6))
    reached = lsuv(together, x, tolerance=1e-3)
    np.testing.assert_allclose(reached, 1, atol=1e-3)
    for norm in batch_norms(together.layers).values():
        assert not norm.running_mean.any()
    for i in range(3):
        alone = mlp([6, 20, 20, 20, 4], "relu", seed=i, **options)
        np.testing.assert_allclose(lsuv(alone, x, tolerance=1e-3), reached[i], rtol=1e-9)
        for name, value in alone.parameters.items():
            np.testing.assert_allclose(together.parameters[name][i], value, rtol=1e-9)


def test_biases_that_vary_too_much_are_reported_as_what_was_reached():
    network = mlp([4, 3])
    network.parameters["0.bias"][...] = [[-9, 0, 9]]
    reached = lsuv(network, np.random.default_rng(0).normal(size=(30, 4)))
    assert reached[0] > 50  # the biases alone have variance 54


@pytest.mark.parametrize("replicas", [(), (2,)])
def test_a_constant_output_is_named_and_nothing_is_written(replicas):
    network = make("residual", replicas)
    network.parameters["0.bias"][...] = -1e6  # every unit is dead
    network.parameters["2.1.weight"][...] = 0  # the block passes nothing on
    network.parameters["2.1.bias"][...] = 0
    before = {name: value.copy() for name, value in network.parameters.items()}
    with pytest.raises(ValueError, match=r"layer 2\.0 makes products .* constant") as caught:
        lsuv(network, batch_for("cross_entropy")[0])
    assert "dead" in str(caught.value)
    for name, value in network.parameters.items():
        np.testing.assert_array_equal(value, before[name])


# ---------------------------------------------------------------------------------------------
# The network as an object
# ---------------------------------------------------------------------------------------------


def test_parameters_are_the_arrays_themselves_and_can_be_loaded():
    network, other = build("tanh"), build("tanh", seed=9)
    x, _ = batch_for("cross_entropy")
    assert network.parameters["2.bias"] is network.layers[2].parameters["bias"]
    network.load_parameters(other.parameters)
    np.testing.assert_array_equal(network(x), other(x))
    assert network.parameters["0.weight"] is not other.parameters["0.weight"]


def test_a_failed_load_touches_nothing():
    network = build("tanh")
    before = {name: value.copy() for name, value in network.parameters.items()}
    with pytest.raises(ValueError, match=r"4\.bias has shape \(2,\); this network has \(1, 2\)"):
        network.load_parameters(
            {n: np.zeros(v.shape) for n, v in before.items()} | {"4.bias": np.zeros(2)}
        )
    for name, value in network.parameters.items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("name", NETWORKS)
def test_copies_leave_out_what_the_last_batch_left(name):
    network = make(name)
    x, y = batch_for("cross_entropy")
    fresh = pickle.dumps(network)
    network.forward(np.repeat(x, 1000, axis=0))
    assert len(pickle.dumps(network)) < len(fresh) + 500
    _, gradients = network.loss_and_gradients(x, y)
    twin = deepcopy(network)
    with pytest.raises(RuntimeError, match="backward before forward"):
        twin.backward(np.ones((BATCH, SIZES[-1])))
    for key, value in gradients.items():
        np.testing.assert_array_equal(twin.gradients[key], value)
    np.testing.assert_array_equal(twin(x), network(x))
    network.backward(np.ones((BATCH, SIZES[-1])))  # the original has kept its own


@pytest.mark.parametrize("kind", [BatchNorm, LayerNorm])
def test_settings_from_numpy_leave_float32_what_it_is(kind):
    averages = {"momentum": np.float64(0.3)} if kind is BatchNorm else {}
    options = {"eps": np.float64(1e-3)} | averages
    layer = kind(np.ones((1, 3), np.float32), np.zeros((1, 3), np.float32), **options)
    layer.training = True
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    assert layer.forward(x).dtype == layer.backward(x).dtype == np.float32
    assert layer.forward(x).dtype == np.float32  # with averages that have moved


@pytest.mark.parametrize("write", ["load_parameters", "lsuv"])
def test_layers_with_the_same_array_may_compute_but_nothing_may_be_written(write):
    weight, bias = np.eye(3), np.zeros((1, 3))
    network = Network([Dense(weight, bias), Residual([Dense(2 * weight, bias)])])
    x, _ = batch_for("cross_entropy")
    np.testing.assert_array_equal(network(x), 3 * x)
    with pytest.raises(ValueError, match=r"0\.bias and 1\.0\.bias are one array.*copy"):
        lsuv(network, x) if write == "lsuv" else network.load_parameters(network.parameters)


def test_only_the_gradient_of_the_input_is_skipped():
    layer = Dense(np.ones((2, 3)), np.zeros((1, 3)))
    layer.forward(np.ones((4, 2)))
    assert layer.backward(np.ones((4, 3)), to_input=False) is None
    np.testing.assert_array_equal(layer.backward(np.ones((4, 3))), np.full((4, 2), 3.0))
    bend = Activate("relu")
    bend.forward(np.ones((4, 2)))
    assert bend.backward(np.ones((4, 2)), to_input=False) is None


@pytest.mark.parametrize("x", [[[1, 2, 3]], np.array([[1, 2, 3]]), [[1.0, 2.0, 3.0]]])
def test_integers_and_lists_are_converted(x):
    network = build("relu", dtype=np.float32)
    assert network(x).dtype == np.float32


def test_the_text_form_says_what_there_is():
    assert repr(build("tanh", (2, 3), np.float32)) == (
        "Network(3-4-4-2, ['tanh', 'tanh'], float32, replicas=(2, 3))"
    )


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------


class Homemade(Doubled):
    """A layer of a reader's own that cannot be copied."""


W, B = np.ones((2, 3)), np.zeros((1, 3))
NET = mlp([2, 3, 2], seed=range(2))
Z = np.zeros((4, 2))
LABELS = [0, 1, 0, 1]

BAD = {  # what is done -> error, what was given, what is accepted
    "bias without its axis": (lambda: Dense(W, B[0]), ValueError, "(3,)", "(..., 1, fan_out)"),
    "weight with one axis": (lambda: Dense(W[0], B), ValueError, "(3,)", "(..., fan_in, fan_out)"),
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
    "slopes as a list": (lambda: PReLU([[0.1]]), TypeError, "slope is a list", "np.array(slope)"),
    "a name as a layer": (
        lambda: Network([Dense(W, B), "relu"]), TypeError, "1 is 'relu'", "Activate('relu')"
    ),
    "a function as a layer": (
        lambda: Network([Dense(W, B), np.tanh]), TypeError, "1 is a ufunc", "Activate('tanh')"
    ),
    "a class as a layer": (
        lambda: Network([Dense, Dense(W, B)]), TypeError, "Dense'>", "expected layers"
    ),
    "a name in a block": (
        lambda: Residual(["relu"]), TypeError, "layer 0 is 'relu'", "Activate('relu')"
    ),
    "a block around one layer": (
        lambda: Residual(Activate("relu")), TypeError, "is a Activate", "a list of layers"
    ),
    "a block around a name": (lambda: Residual("relu"), TypeError, "'relu'", "a list of layers"),
    "two dtypes": (
        lambda: Network([Dense(W, B), Dense(*(a.astype("f4") for a in (np.ones((3, 3)), B)))]),
        ValueError, "'float64', 'float32'", "different dtypes",
    ),
    "layers that do not fit": (
        lambda: Network([Dense(W, B), Dense(W, B)]),
        ValueError, "layer 0 (Dense) returns 3", "layer 1 (Dense) takes 2",
    ),
    "no layers": (lambda: Network([Activate("relu")]), ValueError, "network", "one dense layer"),
    "unknown activation": (lambda: Activate("rellu"), KeyError, "'rellu'", "'relu'"),
    "unknown loss": (lambda: get_loss("crossentropy"), KeyError, "crossentropy", "cross_entropy'?"),
    "other replicas in a layer": (
        lambda: Network([Dense(W[None], B[None]), PReLU(np.ones((1, 3)))]),
        ValueError, "(1, 3)]", "leading axes must be the same",
    ),
    "another dtype in a block": (
        lambda: Network([Dense(W, B), Residual([LayerNorm(*np.ones((2, 1, 3), "f4"))])]),
        ValueError, "'float64', 'float32'", "different dtypes",
    ),
    "a normalization that does not fit": (
        lambda: Network([Dense(W, B), BatchNorm(np.ones((1, 4)), np.ones((1, 4)))]),
        ValueError, "returns 3 features", "layer 1 (BatchNorm) takes 4",
    ),
    "a block that does not fit": (
        lambda: Network([Dense(W, B), Residual([Dense(np.eye(2), B[:, :2])])]),
        ValueError, "returns 3 features", "layer 1.0 (Dense) takes 2",
    ),
    "a block that changes the width": (
        lambda: Residual([Activate("relu"), Dense(W, B)]),
        ValueError, "take 2 features and return 3", "as many as there were",
    ),
    "gates in a block": (
        lambda: Residual([Activate("glu")]).forward(np.ones((3, 4))),
        ValueError, "returned (3, 2)", "as many features as there were",
    ),
    "an empty block": (lambda: Residual([]), ValueError, "without layers", "at least one"),
    "a layer twice, in a block": (
        lambda: Network([d := Dense(np.eye(3), B), Residual([d])]),
        ValueError, "twice", "its own layer",
    ),
    "a reader's layer in a block": (
        lambda: Network([Dense(W[None], B[None]), Residual([Homemade()])]).replica(0),
        TypeError, "a Homemade", "a method replica(index)",
    ),
    "a flat weight": (
        lambda: BatchNorm(B[0], B[0]), ValueError, "(3,)", "(..., 1, features) for both"
    ),
    "a bias of another shape": (
        lambda: LayerNorm(B, B[None]), ValueError, "(1, 1, 3)", "(..., 1, features) for both"
    ),
    "an integer weight": (
        lambda: LayerNorm(B.astype(np.int64), B.astype(np.int64)),
        TypeError, "int64", "one float dtype",
    ),
    "weight and bias as one": (
        lambda: BatchNorm(B, B), ValueError, "weight and bias are one array", "give each its own"
    ),
    "momentum above 1": (
        lambda: BatchNorm(B + 1, B, momentum=1.1), ValueError, "momentum is 1.1", "0 to 1"
    ),
    "eps 0": (lambda: BatchNorm(B + 1, B, eps=0), ValueError, "eps is 0", "above 0"),
    "eps NaN": (
        lambda: LayerNorm(B + 1, B, eps=np.nan), ValueError, "eps is nan", "finite numbers"
    ),
    "one row to learn from": (
        lambda: mlp([2, 3, 2], normalization="batch").loss_and_gradients(Z[:1], [0]),
        ValueError, "(1, 3)", "at least two rows",
    ),
    "backward first, normalized": (
        lambda: BatchNorm(B + 1, B).backward(B), RuntimeError, "before forward", "a batch"
    ),
    "p 1": (lambda: Dropout(1), ValueError, "p is 1;", "from 0 to below 1"),
    "p below 0": (lambda: AlphaDropout(-0.1), ValueError, "p is -0.1", "from 0 to below 1"),
    "p NaN": (lambda: Dropout(np.nan), ValueError, "p is nan", "from 0 to below 1"),
    "p huge": (lambda: Dropout(1e300), ValueError, "p is 1e+300", "from 0 to below 1"),
    "p as text": (lambda: Dropout("0.5"), TypeError, "p is '0.5'", "one for each replica"),
    "no p": (lambda: Dropout([]), ValueError, "p is []", "from 0 to below 1"),
    "one p too large": (lambda: Dropout([0.5, 1.5]), ValueError, "[0.5, 1.5]", "to below 1"),
    "p and seeds apart": (
        lambda: Dropout([0.5, 0.6], seed=range(3)), ValueError, "(2,) and the seeds (3,)", "one of"
    ),
    "a generator as seed": (
        lambda: Dropout(0.5, seed=np.random.default_rng()), TypeError, "Generator", "an integer"
    ),
    "no seeds of masks": (
        lambda: Dropout(0.5, seed=[]), ValueError, "empty", "one seed for each replica"
    ),
    "p of other replicas": (
        lambda: Network([Dense(W, B), Residual([Dropout([0.5, 0.6])])]),
        ValueError, "layer 1.0 (Dropout(0.5 to 0.6)) is for replicas (2,)", "has (); accepted",
    ),
    "seeds of other replicas": (
        lambda: Network([Dense(W[None], B[None]), AlphaDropout(0.5, seed=range(3))]),
        ValueError, "(AlphaDropout(0.5)) is for replicas (3,)", "one for each replica",
    ),
    "backward first, dropped": (
        lambda: Dropout(0.5).backward(B), RuntimeError, "before forward", "a batch"
    ),
    "dropout 1": (lambda: mlp([2, 3], dropout=1.0), ValueError, "dropout is 1.0", "to below 1"),
    "dropout as text": (
        lambda: mlp([2, 3], dropout="0.5"), TypeError, "dropout is '0.5'", "0 to below 1"
    ),
    "dropouts without seeds": (
        lambda: mlp([2, 3], dropout=[0.5]), ValueError, "(1,)", "each of a sequence of seeds"
    ),
    "dropouts for other seeds": (
        lambda: mlp([2, 3], seed=range(3), dropout=[0.1, 0.2]), ValueError, "(2,)", "one for each"
    ),
    "alpha dropout of nothing": (
        lambda: mlp([2, 3, 2], alpha_dropout=True), ValueError, "dropout is 0", "give a dropout"
    ),
    "unknown normalization": (
        lambda: mlp([2, 3], normalization="bach"), KeyError, "'bach'", "'batch'"
    ),
    "gain 0": (lambda: mlp([2, 3], gain=0), ValueError, "gain is 0.0", "finite numbers above 0"),
    "gain infinite": (
        lambda: initialize(2, 3, gain=np.inf), ValueError, "gain is inf", "finite numbers above 0"
    ),
    "several gains": (
        lambda: initialize(2, 3, gain=[1.0, 2.0]), ValueError, "[1.0, 2.0]", "finite numbers above"
    ),
    "gain as text": (lambda: mlp([2, 3], gain="he"), ValueError, "gain is 'he'", "one number"),
    "gains without seeds": (
        lambda: mlp([2, 3], gain=[1.0]), ValueError, "(1,)", "one for each of a sequence of seeds"
    ),
    "gains for other seeds": (
        lambda: mlp([2, 3], seed=range(3), gain=[1.0, 2.0]), ValueError, "(2,)", "one for each"
    ),
    "no gain to compute": (
        lambda: mlp([2, 3, 2], "softmax", initialization="computed"),
        ValueError, "softmax", "element by element",
    ),
    "tolerance 0": (
        lambda: lsuv(mlp([2, 3]), Z, tolerance=0), ValueError, "tolerance is 0", "above 0"
    ),
    "no steps": (lambda: lsuv(mlp([2, 3]), Z, steps=0), ValueError, "steps is 0", "from 1 on"),
    "another network": (
        lambda: lsuv(torch.nn.Linear(2, 2), Z), TypeError, "is a Linear", "network.Network"
    ),
    "a batch of zeros": (lambda: lsuv(mlp([2, 3]), Z), ValueError, "layer 0", "check the batch"),
    "an infinite batch": (
        lambda: lsuv(mlp([2, 3]), Z + np.inf), ValueError, "not finite", "check the batch"
    ),
    "an activation for each layer": (
        lambda: mlp([2, 4, 4, 2], ["relu", "tanh"]),
        TypeError, "activation is ['relu', 'tanh']", "one for all hidden layers", "Network([Dense",
    ),
    "ragged inputs": (lambda: NET([[1.0, 2.0], [3.0]]), ValueError, "x is ragged", "an array"),
    "ragged gains": (lambda: mlp([2, 3], gain=[[1.0], [1.0, 2.0]]), ValueError, "gain is ragged"),
    "a ragged gain": (
        lambda: initialize(2, 3, gain=[[1.0], [1.0, 2.0]]), ValueError, "gain is ragged"
    ),
    "ragged p": (lambda: Dropout([[0.1], [0.1, 0.2]]), ValueError, "p is ragged", "an array"),
    "ragged sizes": (lambda: mlp([2, [3, 4]]), ValueError, "sizes is ragged", "an array"),
    "ragged parameters": (
        lambda: mlp([2, 1]).load_parameters({"0.weight": [[1], [1, 2]], "0.bias": [[0]]}),
        ValueError, "0.weight is ragged",
    ),
    "text as input": (lambda: NET([["1", "2"]]), TypeError, "x is <U1", "np.float64"),
    "truths as input": (lambda: NET([[True, False]]), TypeError, "x is bool", "np.float64"),
    "unknown scheme": (lambda: initialize(2, 3, scheme="kaiming"), KeyError, "kaiming", "he, xavi"),
    "no inputs": (lambda: initialize(0, 3), ValueError, "from 0 to 3", "at least 1"),
    "one size": (lambda: mlp([3]), ValueError, "[3]", "an input and an output"),
    "sizes as a number": (lambda: mlp(784), ValueError, "784", "an input and an output"),
    "a size that is not whole": (
        lambda: mlp([2, 3.0, 2]), TypeError, "fan_out is 3.0", "an integer"
    ),
    "size 0": (lambda: mlp([3, 0]), ValueError, "from 3 to 0", "at least 1"),
    "float16": (lambda: mlp([2, 3], dtype=np.float16), TypeError, "float16", "float32 and float64"),
    "gates": (lambda: mlp([2, 4, 1], "glu"), ValueError, "'glu'", "keep the number of features"),
    "no seeds": (lambda: mlp([2, 3], seed=[]), ValueError, "empty", "one seed for each replica"),
    "too many features": (lambda: NET(np.zeros((4, 3))), ValueError, "(4, 3)", "(batch, 2)"),
    "one axis": (lambda: NET(np.zeros(2)), ValueError, "(2,)", "(batch, 2)"),
    "other replicas": (lambda: NET(np.zeros((3, 4, 2))), ValueError, "(3,)", "replicas (2,)"),
    "other dtype": (lambda: NET(Z.astype("f4")), TypeError, "float32", "dtype=np.float64"),
    "complex input": (lambda: NET(Z + 0j), TypeError, "complex128", "float64"),
    "missing parameter": (
        lambda: NET.load_parameters({"0.weight": W}), ValueError, "['0.weight']", "2.bias"
    ),
    "a layer twice": (
        lambda: Network([d := Dense(np.ones((3, 3)), B), d]), ValueError, "twice", "its own layer"
    ),
    "a layer of another kind": (
        lambda: Network([Dense(W[None], B[None]), Homemade()]).replica(0),
        TypeError, "a Homemade", "a method replica(index)",
    ),
    "seed as text": (lambda: mlp([2, 3], seed="1"), TypeError, "'1'", "an integer from 0 on"),
    "seed as a fraction": (lambda: mlp([2, 3], seed=0.5), TypeError, "0.5", "SeedSequence"),
    "seed below 0": (lambda: mlp([2, 3], seed=[1, -1]), ValueError, "seed is -1", "from 0 on"),
    "no such replica": (lambda: NET.replica(2), IndexError, "replica 2", "replicas (2,)"),
    "no replicas": (lambda: NET.replica(0).replica(0), IndexError, "replica 0", "replicas ()"),
    "float labels": (lambda: cross_entropy(Z, [0.0] * 4), TypeError, "float64", "integers"),
    "labels too large": (lambda: cross_entropy(Z, [0, 1, 2, 0]), ValueError, "0 to 2", "0 to 1"),
    "labels negative": (lambda: cross_entropy_grad(Z, [-1] * 4), ValueError, "-1", "0 to 1"),
    "too few labels": (lambda: cross_entropy(Z, [0, 1]), ValueError, "(2,)", "shape (4,)"),
    "one-hot labels": (lambda: cross_entropy(Z, Z.astype(int)), ValueError, "(4, 2)", "(4,)"),
    "empty batch": (lambda: cross_entropy(Z[:0], []), ValueError, "(0, 2)", "at least one row"),
    "empty forward": (
        lambda: NET.loss_and_gradients(Z[:0], []), ValueError, "(2, 0, 2)", "at least one row"
    ),
    "a list of logits": (
        lambda: cross_entropy([[0.0, 1.0]], [0]), TypeError, "is list", "array of floats"
    ),
    "complex logits": (lambda: cross_entropy(Z + 0j, LABELS), TypeError, "complex128", "of floats"),
    "complex targets": (lambda: mean_squared_error(Z, Z + 0j), TypeError, "complex128", "real num"),
    "flat logits": (lambda: cross_entropy(Z[0], [0]), ValueError, "(2,)", "(..., batch, features)"),
    "flat targets": (lambda: mean_squared_error(Z, Z[:, 0]), ValueError, "(4,)", "(4, 2)"),
    "flat targets, gradient": (
        lambda: mean_squared_error_grad(Z, Z[:, 0]), ValueError, "(4,)", "(4, 2)"
    ),
    "targets beyond 1": (lambda: binary_cross_entropy(Z, Z + 2), ValueError, "to 2.0", "0 to 1"),
    "targets NaN": (lambda: binary_cross_entropy(Z, Z * np.nan), ValueError, "nan", "0 to 1"),
    "flat slope": (lambda: PReLU(np.ones(3)), ValueError, "(3,)", "(..., 1, features)"),
    "whole slope": (lambda: PReLU(np.ones((1, 3), np.int64)), TypeError, "int64", "a float dtype"),
    "backward first": (
        lambda: mlp([2, 3, 1]).backward(np.ones((4, 1))), RuntimeError, "before forward", "a batch"
    ),
    "empty targets": (
        lambda: binary_cross_entropy_grad(Z[:0], Z[:0]), ValueError, "empty", "at least one row"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])


def test_first_weights_are_not_the_data_of_the_same_seed():
    weight = mlp([20, 20], seed=0).parameters["0.weight"].ravel()
    data = np.random.default_rng(0).standard_normal(weight.size)
    assert abs(np.corrcoef(weight, data)[0, 1]) < 0.2
