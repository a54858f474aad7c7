"""Initial weights: their distribution, the draws of a seed, scaling to a batch, bad input."""

import math

import numpy as np
import pytest
import torch
from network_helpers import (
    DTYPES,
    batch_for,
    batch_norms,
    make,
)
from together import together

from course_lib.network import (
    INITIALIZERS,
    initialize,
    lsuv,
    mlp,
    stream,
)

FAN_IN, FAN_OUT = 300, 200


VARIANCES = {  # of the weights, and how the fourth moment enters the error of a sample variance
    "he": (2 / FAN_IN, 2),
    "xavier": (2 / (FAN_IN + FAN_OUT), 2),
    "lecun": (1 / FAN_IN, 2),
    "pytorch": (1 / (3 * FAN_IN), 0.8),
    "orthogonal": (1 / FAN_IN, 2),
    "computed": (1 / FAN_IN, 2),
    "he_uniform": (2 / FAN_IN, 0.8),
    "xavier_uniform": (2 / (FAN_IN + FAN_OUT), 0.8),
}


@together("scheme", INITIALIZERS)
@together("seed", [0, 1])
def test_initial_weights_have_the_variance_of_their_scheme(scheme, seed):
    weight, bias = initialize(FAN_IN, FAN_OUT, seed=seed, scheme=scheme)
    variance, factor = VARIANCES[scheme]
    # four standard errors: a right scheme falls outside once in 16,000
    assert weight.var() == pytest.approx(variance, rel=4 * math.sqrt(factor / weight.size))
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


IN_TORCH = {
    "he_uniform": lambda tensor, gain: (
        torch.nn.init.kaiming_uniform_(tensor, nonlinearity="relu") * gain
    ),
    "xavier_uniform": lambda weight, gain: torch.nn.init.xavier_uniform_(weight, gain),
}


@pytest.mark.parametrize("gain", [1.0, 1.7])
@pytest.mark.parametrize("shape", [(300, 200), (50, 400)])
@pytest.mark.parametrize("scheme", IN_TORCH)
def test_uniform_weights_have_the_bound_and_variance_of_pytorch(scheme, shape, gain):
    fan_in, fan_out = shape
    weight, bias = initialize(fan_in, fan_out, scheme=scheme, gain=gain)
    torch.manual_seed(0)
    theirs = IN_TORCH[scheme](torch.empty(fan_out, fan_in, dtype=torch.float64), gain).numpy()
    fans = fan_in if scheme == "he_uniform" else fan_in + fan_out
    bound = gain * math.sqrt(6 / fans)
    for values in (weight, theirs):
        assert 0.999 * bound < abs(values).max() <= bound
        assert values.var() == pytest.approx(bound**2 / 3, rel=4 * math.sqrt(0.8 / values.size))
    assert not bias.any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scheme", IN_TORCH)
def test_uniform_weights_of_a_seed_are_those_of_its_replica(scheme, dtype):
    together = mlp([5, 4, 3], seed=range(3), initialization=scheme, dtype=dtype)
    alone = mlp([5, 4, 3], seed=2, initialization=scheme, dtype=dtype)
    for name, value in alone.parameters.items():
        assert value.dtype == dtype
        np.testing.assert_array_equal(together.parameters[name][2], value)


def symmetric(rng, bound, shape):
    return rng.uniform(-bound, bound, shape)


DRAWS = {  # notebooks store what was computed from these numbers
    "he": lambda rng, m, n: math.sqrt(2 / m) * rng.standard_normal((m, n)),
    "xavier": lambda rng, m, n: math.sqrt(2 / (m + n)) * rng.standard_normal((m, n)),
    "lecun": lambda rng, m, n: math.sqrt(1 / m) * rng.standard_normal((m, n)),
    "pytorch": lambda rng, m, n: rng.uniform(-1 / math.sqrt(m), 1 / math.sqrt(m), (m, n)),
    "computed": lambda rng, m, n: math.sqrt(1 / m) * rng.standard_normal((m, n)),
    "he_uniform": lambda rng, m, n: symmetric(rng, math.sqrt(3 * (2 / m)), (m, n)),
    "xavier_uniform": lambda rng, m, n: symmetric(rng, math.sqrt(3 * (2 / (m + n))), (m, n)),
}


@pytest.mark.parametrize("scheme", DRAWS)
def test_a_seed_draws_the_same_weights_for_ever(scheme):
    rng = stream(7, "weights")
    for name, shape in {"0.weight": (5, 4), "2.weight": (4, 3)}.items():
        drawn = mlp([5, 4, 3], "identity", seed=7, initialization=scheme).parameters[name]
        np.testing.assert_allclose(drawn, DRAWS[scheme](rng, *shape), rtol=0)
        if scheme == "pytorch":
            rng.uniform(size=shape[1])  # the bias


def test_initial_weights_are_not_the_data_of_the_same_seed():
    weight = mlp([20, 20], seed=0).parameters["0.weight"].ravel()
    data = np.random.default_rng(0).standard_normal(weight.size)
    assert abs(np.corrcoef(weight, data)[0, 1]) < 0.2


# ---------------------------------------------------------------------------------------------
# Orthogonal weights
# ---------------------------------------------------------------------------------------------


@together("gain", [1, 1.7])
@together("shape", [(7, 4), (4, 7), (5, 5), (1, 6), (1, 1)])
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
    hidden = x.astype(np.float64)
    near = 1e-5 if dtype == np.float32 else 1e-12
    for i in range(0, 8, 2):
        weight = network.parameters[f"{i}.weight"]
        assert weight.dtype == dtype
        hidden = hidden @ weight + network.parameters[f"{i}.bias"]
        variance = hidden.var(axis=(-2, -1))
        np.testing.assert_allclose(variance, 1, rtol=near)
        np.testing.assert_allclose(reached[:, i // 2], variance, rtol=near)
        hidden = np.tanh(hidden)
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


@pytest.mark.parametrize("activation", ["swiglu", "maxout", "relu"])
@pytest.mark.parametrize("scheme", ["orthogonal", "he_uniform"])
def test_scaling_reaches_dense_layers_without_biases_and_before_gates(scheme, activation):
    network = mlp([6, 12, 12, 3], activation, seed=range(2), initialization=scheme, bias=False)
    x = np.random.default_rng(0).normal(size=(40, 6))
    np.testing.assert_allclose(lsuv(network, x), np.ones((2, 3)), rtol=1e-12)
    assert np.var(network.layers[0].forward(x), axis=(-2, -1)) == pytest.approx([1, 1])


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
# Bad input
# ---------------------------------------------------------------------------------------------


Z = np.zeros((4, 2))


BAD = {  # what is done -> error, what was given, what is expected
    "gain infinite": (
        lambda: initialize(2, 3, gain=np.inf), ValueError, "gain is inf", "finite number above 0"
    ),
    "several gains": (
        lambda: initialize(2, 3, gain=[1.0, 2.0]), ValueError, "[1.0, 2.0]", "finite number above"
    ),
    "a ragged gain": (
        lambda: initialize(2, 3, gain=[[1.0], [1.0, 2.0]]), ValueError,
        "gain is [[1.0], [1.0, 2.0]]", "a finite number above 0",
    ),
    "unknown scheme": (lambda: initialize(2, 3, scheme="kaiming"), KeyError, "kaiming", "he, xavi"),
    "no inputs": (lambda: initialize(0, 3), ValueError, "from 0 to 3", "at least 1"),
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
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])
