"""Gradients of whole networks by two independent ways: autograd and the complex step."""

from itertools import product

import numpy as np
import pytest
import torch
from mpmath import mp
from network_helpers import (
    ALPHA,
    BATCH,
    CORE,
    DTYPES,
    IN_PYTORCH,
    KEEPING,
    LAMBDA,
    NEAR,
    NETWORKS,
    REPLICAS,
    SIZES,
    TOLERANCE,
    TORCH_LOSSES,
    batch_for,
    batch_norms,
    build_for,
    make,
)
from together import together

from course_lib.network import (
    LOSSES,
)
from course_lib.pytorch import activation_module


def by_autograd(parameters, activation, loss, x, y):
    """Return loss and gradients of one network by PyTorch, in float64."""
    leaves = {
        name: torch.tensor(value.astype(np.float64), requires_grad=True)
        for name, value in parameters.items()
    }
    function = activation_module(activation).double().eval()
    hidden = torch.tensor(x.astype(np.float64))
    weights = [name for name in leaves if name.endswith("weight")]
    for name in weights:
        hidden = hidden @ leaves[name] + leaves[name.replace("weight", "bias")]
        hidden = function(hidden) if name != weights[-1] else hidden
    targets = torch.tensor(y if loss == "cross_entropy" else y.astype(np.float64))
    value = TORCH_LOSSES[loss](hidden, targets)
    value.backward()
    return value.item(), {name: leaf.grad.numpy() for name, leaf in leaves.items()}


@together("dtype", DTYPES)
@together("replicas", REPLICAS)
@together("own_batches", [False, True])
@together("loss", LOSSES)
@pytest.mark.parametrize("activation", CORE)
def test_loss_and_gradients_equal_autograd(activation, loss, own_batches, replicas, dtype):
    compare_with_autograd(activation, loss, own_batches, replicas, dtype)


@together("dtype", DTYPES)
@pytest.mark.parametrize("activation", [name for name in IN_PYTORCH if name not in CORE])
def test_every_activation_of_pytorch_gives_its_gradients(activation, dtype):
    compare_with_autograd(activation, "cross_entropy", False, (3,), dtype)


def compare_with_autograd(activation, loss, own_batches, replicas, dtype):
    # PyTorch's derivative of hard sigmoid is the float32 nearest to 1/6, in float64 too
    tolerance = max(TOLERANCE[dtype], 1e-7 * (activation == "hard_sigmoid"))
    network = build_for(loss, activation, replicas, dtype)
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


def complex_sparsemax(z):
    """Return the projection on the simplex by its formula: the largest set that stays above 0."""
    falling = -np.sort(-z.real, axis=-1)
    count = np.arange(1, z.shape[-1] + 1)
    kept = (1 + count * falling > falling.cumsum(axis=-1)).sum(axis=-1, keepdims=True)
    inside = z.real >= np.take_along_axis(falling, kept - 1, axis=-1)
    tau = (np.where(inside, z, 0).sum(axis=-1, keepdims=True) - 1) / kept
    return np.where(inside, z - tau, 0)


def where_above(z, edge, yes, no):
    return np.where(z.real > edge, yes, no)


def middle(z, edge, below, inside, above):
    return np.where(z.real <= -edge, below, np.where(z.real >= edge, above, inside))


def complex_logistic(z):
    return 1 / (1 + np.exp(-z))


COMPLEX = {  # every function as an analytic one, from its formula
    "identity": lambda z: z,
    "relu": lambda z: where_above(z, 0, z, 0),
    "leaky_relu": lambda z: where_above(z, 0, z, 0.01 * z),
    "prelu": lambda z: where_above(z, 0, z, z / 4),
    "rrelu": lambda z: where_above(z, 0, z, (1 / 8 + 1 / 3) / 2 * z),
    "threshold": lambda z: where_above(z, 0, z, 0),
    "relu6": lambda z: where_above(z, 0, where_above(z, 6, 6, z), 0),
    "hard_tanh": lambda z: middle(z, 1, -1, z, 1),
    "hard_sigmoid": lambda z: middle(z, 3, 0, (z + 3) / 6, 1),
    "sparse_sigmoid": lambda z: middle(z, 1, 0, (z + 1) / 2, 1),
    "hard_shrink": lambda z: middle(z, 0.5, z, 0, z),
    "soft_shrink": lambda z: middle(z, 0.5, z + 0.5, 0, z - 0.5),
    "squared_relu": lambda z: where_above(z, 0, z * z, 0),
    "hard_swish": lambda z: middle(z, 3, 0, z * (z + 3) / 6, z),
    "sparse_plus": lambda z: middle(z, 1, 0, (z + 1) ** 2 / 4, z),
    "sigmoid": complex_logistic,
    "log_sigmoid": lambda z: -np.log(1 + np.exp(-z)),
    "tanh": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    "lecun_tanh": lambda z: 1.7159 * np.tanh(2 * z / 3),
    "softsign": lambda z: z / (1 + where_above(z, 0, z, -z)),
    "tanh_shrink": lambda z: z - np.tanh(z),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "squareplus": lambda z: (z + np.sqrt(z * z + 4)) / 2,
    "elu": lambda z: where_above(z, 0, z, np.exp(z) - 1),
    "celu": lambda z: where_above(z, 0, z, np.exp(z) - 1),
    "selu": lambda z: LAMBDA * where_above(z, 0, z, ALPHA * (np.exp(z) - 1)),
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
    "sparsemax": complex_sparsemax,
}


COMPLEX_LOSSES = {
    "cross_entropy": lambda z, y: -np.log(complex_softmax(z)[np.arange(len(y)), y]).mean(),
    "binary_cross_entropy": lambda z, t: (np.log(1 + np.exp(z)) - z * t).mean(),
    "mean_squared_error": lambda z, t: ((z - t) ** 2).mean(),
    "gaussian_nll": lambda z, t: ((z[:, 1:] + (z[:, :1] - t) ** 2 * np.exp(-z[:, 1:])) / 2).mean(),
    "poisson_nll": lambda z, t: (np.exp(z) - t * z).mean(),
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
            hidden = x.astype(complex)
            for key in weights:
                hidden = hidden @ moved[key] + moved[key.replace("weight", "bias")]
                hidden = COMPLEX[activation](hidden) if key != weights[-1] else hidden
            gradients[name][index] = COMPLEX_LOSSES[loss](hidden, y).imag / step
    return gradients


@pytest.mark.parametrize(
    ("activation", "loss"),
    # for the others, one loss is enough to see their derivatives
    [*product(CORE, LOSSES), *((name, "cross_entropy") for name in KEEPING if name not in CORE)],
)
def test_gradients_equal_the_complex_step(activation, loss):
    network = build_for(loss, activation)
    x, y = batch_for(loss)
    _, gradients = network.loss_and_gradients(x, y, loss)
    expected = by_complex_step(network.parameters, activation, loss, x, y)
    size = max(abs(g).max() for g in expected.values())
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, expected[name], rtol=0, atol=1e-14 * size)


def test_every_activation_and_loss_has_an_oracle():
    assert set(COMPLEX) == set(KEEPING)
    assert set(COMPLEX_LOSSES) == set(TORCH_LOSSES) == set(LOSSES)


# ---------------------------------------------------------------------------------------------
# Normalization and residual blocks
# ---------------------------------------------------------------------------------------------


def in_torch(words, hidden, leaves, averages, training, prefix=""):
    """Return what PyTorch's functions make of an input, by the text of a network."""
    for i, word in enumerate(words):
        name = f"{prefix}{i}"
        if isinstance(word, list):
            block = in_torch(word, hidden, leaves, averages, training, f"{name}.")
            hidden = hidden + block
        elif "-" in word:
            hidden = hidden @ leaves[f"{name}.weight"] + leaves[f"{name}.bias"]
        elif word in ("batch", "layer"):
            weight, bias = leaves[f"{name}.weight"][0], leaves[f"{name}.bias"][0]
            if word == "batch":
                options = {"training": training, "momentum": 0.3, "eps": 1e-3}
                hidden = torch.nn.functional.batch_norm(
                    hidden, *averages[name], weight, bias, **options
                )
            else:
                hidden = torch.nn.functional.layer_norm(
                    hidden, weight.shape, weight, bias, eps=1e-3
                )
        else:
            hidden = getattr(torch, word)(hidden)
    return hidden


@together("dtype", DTYPES)
@together(("replicas", "own_batches"), [((), False), ((3,), False), ((3,), True), ((2, 3), True)])
@together("training", [True, False])
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
        hidden = torch.tensor(x[here].astype(np.float64))
        logits = in_torch(NETWORKS[name], hidden, leaves, averages, training)
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


@together("training", [True, False])
@together("name", NETWORKS)
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
