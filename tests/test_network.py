"""The network: gradients by two independent ways, replicas, first weights, bad input."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from course_lib.activations import CATALOGUE
from course_lib.network import (
    INITIALIZERS,
    LOSSES,
    Activate,
    Dense,
    Network,
    PReLU,
    binary_cross_entropy,
    binary_cross_entropy_grad,
    cross_entropy,
    cross_entropy_grad,
    get_loss,
    initialize,
    mean_squared_error,
    mean_squared_error_grad,
    mlp,
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
    value, upstream = rule.with_gradient(outputs, y)
    np.testing.assert_array_equal(value, rule.function(outputs, y))
    np.testing.assert_array_equal(upstream, rule.gradient(outputs, y))
    for index in np.ndindex(replicas):
        leaf = torch.tensor(outputs[index], requires_grad=True)
        expected = TORCH_LOSSES[name](leaf, torch.tensor(y))
        expected.backward()
        assert np.asarray(value)[index] == pytest.approx(expected.item(), rel=1e-14)
        np.testing.assert_allclose(upstream[index], leaf.grad, rtol=1e-13, atol=1e-16)


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
# Replicas
# ---------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    activation=st.sampled_from(KEEPING),
    loss=st.sampled_from(list(LOSSES)),
    initialization=st.sampled_from(list(INITIALIZERS)),
    batch=st.integers(1, 7),
    seeds=st.lists(st.integers(0, 2**32), min_size=1, max_size=4),
    dtype=st.sampled_from(DTYPES),
)
def test_replica_i_equals_the_network_of_its_seed(
    sizes, activation, loss, initialization, batch, seeds, dtype
):
    settings_ = {"initialization": initialization, "dtype": dtype}
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


class Homemade:
    """A layer of a reader's own."""

    def __init__(self):
        self.parameters, self.gradients = {}, {}


W, B = np.ones((2, 3)), np.zeros((1, 3))
NET = mlp([2, 3, 2], seed=range(2))
Z = np.zeros((4, 2))
LABELS = [0, 1, 0, 1]

BAD = {  # what is done -> error, what was given, what is accepted
    "bias without its axis": (lambda: Dense(W, B[0]), ValueError, "(3,)", "(..., 1, fan_out)"),
    "weight with one axis": (lambda: Dense(W[0], B), ValueError, "(3,)", "(..., fan_in, fan_out)"),
    "other leading axes": (lambda: Dense(W, B[None]), ValueError, "(1, 1, 3)", "same leading axes"),
    "integer weights": (
        lambda: Dense(W.astype(int), B.astype(int)), TypeError, "int64", "one float dtype"
    ),
    "two dtypes in a layer": (
        lambda: Dense(W, B.astype(np.float32)), TypeError, "float32", "one float dtype"
    ),
    "two dtypes": (
        lambda: Network([Dense(W, B), Dense(*(a.astype("f4") for a in (np.ones((3, 3)), B)))]),
        ValueError, "'float64', 'float32'", "different dtypes",
    ),
    "layers that do not fit": (
        lambda: Network([Dense(W, B), Dense(W, B)]), ValueError, "(2, 3)", "equal the next fan_in"
    ),
    "no layers": (lambda: Network([Activate("relu")]), ValueError, "network", "one dense layer"),
    "unknown activation": (lambda: Activate("rellu"), KeyError, "'rellu'", "'relu'"),
    "unknown loss": (lambda: get_loss("crossentropy"), KeyError, "crossentropy", "cross_entropy'?"),
    "unknown scheme": (lambda: initialize(2, 3, scheme="kaiming"), KeyError, "kaiming", "he, xavi"),
    "no inputs": (lambda: initialize(0, 3), ValueError, "from 0 to 3", "at least 1"),
    "one size": (lambda: mlp([3]), ValueError, "[3]", "an input and an output"),
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
        TypeError, "a Homemade", "Dense, PReLU and Activate",
    ),
    "seed as text": (lambda: mlp([2, 3], seed="1"), TypeError, "'1'", "a whole number from 0 on"),
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
    "whole slope": (lambda: PReLU(np.ones((1, 3), int)), TypeError, "int64", "a float dtype"),
    "backward first": (
        lambda: mlp([2, 3, 1]).backward(np.ones((4, 1))), RuntimeError, "before forward", "a batch"
    ),
    "empty targets": (
        lambda: binary_cross_entropy_grad(Z[:0], Z[:0]), ValueError, "empty", "at least one row"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case):
    call, error, given_text, accepted_text = BAD[case]
    with pytest.raises(error) as caught:
        call()
    assert given_text in str(caught.value)
    assert accepted_text in str(caught.value)


def test_first_weights_are_not_the_data_of_the_same_seed():
    weight = mlp([20, 20], seed=0).parameters["0.weight"].ravel()
    data = np.random.default_rng(0).standard_normal(weight.size)
    assert abs(np.corrcoef(weight, data)[0, 1]) < 0.2
