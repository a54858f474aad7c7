"""The network as an object: modes, replicas, parameters, copies, bad input."""

import pickle
import platform
import subprocess
import sys
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from network_helpers import (
    BATCH,
    DTYPES,
    GATES,
    KEEPING,
    NETWORKS,
    SIZES,
    batch_for,
    batch_norms,
    build,
    make,
    targets_for,
)
from together import together

from course_lib.activations import CATALOGUE
from course_lib.network import (
    INITIALIZERS,
    LOSSES,
    Activate,
    Dense,
    LayerNorm,
    Network,
    PReLU,
    Residual,
    mlp,
)


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
    with pytest.raises(ValueError, match=r"4\.bias has shape \(2,\); expected \(1, 2\)"):
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


@pytest.mark.parametrize("x", [[[1, 2, 3]], np.array([[1, 2, 3]]), [[1.0, 2.0, 3.0]]])
def test_integers_and_lists_are_converted(x):
    network = build("relu", dtype=np.float32)
    assert network(x).dtype == np.float32


def test_the_text_form_says_what_there_is():
    assert repr(build("tanh", (2, 3), np.float32)) == (
        "Network(3-4-4-2, ['tanh', 'tanh'], float32, replicas=(2, 3))"
    )


# ---------------------------------------------------------------------------------------------
# Replicas
# ---------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    activation=st.sampled_from([*KEEPING, *GATES]),
    loss=st.sampled_from(list(LOSSES)),
    initialization=st.sampled_from(list(INITIALIZERS)),
    residual=st.booleans(),
    bias=st.booleans(),
    dropout=st.sampled_from([0.0, 0.4]),
    batch=st.integers(1, 7),
    seeds=st.lists(st.integers(0, 2**32), min_size=1, max_size=4),
    dtype=st.sampled_from(DTYPES),
)
def test_replica_i_equals_the_network_of_its_seed(
    sizes, activation, loss, initialization, residual, bias, dropout, batch, seeds, dtype
):
    assume(initialization != "computed" or CATALOGUE[activation].kind != "axis")
    assume(loss != "gaussian_nll" or sizes[-1] % 2 == 0)
    settings_ = {
        "initialization": initialization, "residual": residual, "bias": bias, "dropout": dropout,
        "dtype": dtype,
    }  # fmt: skip
    together = mlp(sizes, activation, seed=seeds, **settings_)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, sizes[0])).astype(dtype)
    y = rng.integers(0, sizes[-1], batch)
    if loss != "cross_entropy":
        y = targets_for(loss, rng.uniform(size=(batch, sizes[-1])).astype(dtype))
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


@together("training", [True, False])
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


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------


W, B = np.ones((2, 3)), np.zeros((1, 3))


NET = mlp([2, 3, 2], seed=range(2))


Z = np.zeros((4, 2))


BAD = {  # what is done -> error, what was given, what is expected
    "two dtypes": (
        lambda: Network([Dense(W, B), Dense(*(a.astype("f4") for a in (np.ones((3, 3)), B)))]),
        ValueError, "'float64', 'float32'", "different dtypes",
    ),
    "no layers": (lambda: Network([Activate("relu")]), ValueError, "network", "one dense layer"),
    "other replicas in a layer": (
        lambda: Network([Dense(W[None], B[None]), PReLU(np.ones((1, 3)))]),
        ValueError, "(1, 3)]", "leading axes must be the same",
    ),
    "another dtype in a block": (
        lambda: Network([Dense(W, B), Residual([LayerNorm(*np.ones((2, 1, 3), "f4"))])]),
        ValueError, "'float64', 'float32'", "different dtypes",
    ),
    "a layer twice, in a block": (
        lambda: Network([d := Dense(np.eye(3), B), Residual([d])]),
        ValueError, "twice", "its own layer",
    ),
    "ragged inputs": (lambda: NET([[1.0, 2.0], [3.0]]), ValueError, "x is ragged", "an array"),
    "ragged parameters": (
        lambda: mlp([2, 1]).load_parameters({"0.weight": [[1], [1, 2]], "0.bias": [[0]]}),
        ValueError, "0.weight is ragged",
    ),
    "text as input": (lambda: NET([["1", "2"]]), TypeError, "x is <U1", "np.float64"),
    "truths as input": (lambda: NET([[True, False]]), TypeError, "x is bool", "np.float64"),
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
    "no such replica": (lambda: NET.replica(2), IndexError, "replica 2", "replicas (2,)"),
    "no replicas": (lambda: NET.replica(0).replica(0), IndexError, "replica 0", "replicas ()"),
    "empty forward": (
        lambda: NET.loss_and_gradients(Z[:0], []), ValueError, "(2, 0, 2)", "at least one row"
    ),
    "backward first": (
        lambda: mlp([2, 3, 1]).backward(np.ones((4, 1))), RuntimeError, "before forward", "a batch"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])


STEPS = """
import resource
import statistics

import numpy as np
from course_lib.network import mlp

network = mlp([2, 16, 16, 2], seed=range(64), dtype=np.float32)
x, y = np.zeros((64, 2), np.float32), np.zeros(64, int)
asked = []
for step in range(35):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    network.loss_and_gradients(x, y)
    asked.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(statistics.median(asked[5:]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the thresholds are those of glibc")
def test_a_step_asks_the_system_for_no_page_that_an_earlier_one_had():
    """Without `keep_freed_memory` there are some 40 to 100 in each; a system may take some back."""
    done = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 10  # in most of thirty steps
