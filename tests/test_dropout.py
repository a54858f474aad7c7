"""Dropout: masks drawn again from the seeds, theory, replicas, bad input."""

import math
import pickle
from copy import deepcopy
from itertools import pairwise

import numpy as np
import pytest
import torch
from network_helpers import (
    ALPHA,
    BATCH,
    DTYPES,
    FLOATS,
    INF,
    LAMBDA,
    REPLICAS,
    TOLERANCE,
    batch_for,
    drop,
    make_layers,
)
from together import together

from course_lib.activations import CATALOGUE
from course_lib.diagnostics import diagnose
from course_lib.network import (
    Activate,
    AlphaDropout,
    Dense,
    Dropout,
    Network,
    Residual,
    lsuv,
    mlp,
    stream,
)

DROPOUTS = [Dropout, AlphaDropout]


def dropping(replicas=(), dtype=np.float64, own=True):
    """Return a network with dropout in all places, and name, features, p and seeds of each.

    Each replica has its own, or all have one in common.
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

    def dense(in_features, out_features):
        return make_layers([f"{in_features}-{out_features}"], replicas, dtype, rng)[0]

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


def drop_in_torch(kind, hidden, mask, p):
    """Return activations after dropout, by the formulas of the papers."""
    if kind is Dropout:
        return hidden * mask / (1 - p)
    floor = -LAMBDA * ALPHA
    a = ((1 - p) * (1 + p * floor**2)) ** -0.5
    return a * torch.where(mask, hidden, floor) - a * p * floor


@together("dtype", DTYPES)
@together("own_batches", [False, True])
@together("own", [False, True])
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

            def drop(name, hidden, masks=masks):
                return drop_in_torch(drops[name][0], hidden, *masks[name])

            def dense(name, hidden, leaves=leaves):
                return hidden @ leaves[f"{name}.weight"] + leaves[f"{name}.bias"]

            hidden = drop("0", torch.tensor(x[here].astype(np.float64)))
            hidden = drop("3", torch.tanh(dense("1", hidden)))
            hidden = hidden + drop("4.2", torch.selu(dense("4.0", hidden)))
            loss = torch.nn.functional.cross_entropy(dense("5", hidden), torch.tensor(y[here]))
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
        derivative = (moved(step) - moved(-step)) / (2 * step)
        _, gradients = deepcopy(network).loss_and_gradients(x, y)
        along = sum((gradients[key] * way).sum(axis=(-2, -1)) for key, way in ways.items())
        np.testing.assert_allclose(derivative, along, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", DROPOUTS)
def test_the_gradient_of_the_input_is_the_derivative_of_what_was_kept(kind):
    layer = kind([0.3, 0.6], seed=[1, 2])
    x = np.random.default_rng(0).normal(size=(BATCH, 4))
    layer.training = True
    twin = deepcopy(layer)
    derivative = twin.forward(x + 1) - layer.forward(x)  # the same masks: a line in each number
    grad_output = np.random.default_rng(1).normal(size=(2, BATCH, 4))
    np.testing.assert_allclose(
        layer.backward(grad_output), derivative * grad_output, rtol=1e-13, atol=1e-14
    )
    assert (derivative == 0).any() and (derivative != 0).any()
    assert layer.backward(grad_output, to_input=False) is None


def test_nothing_is_dropped_or_drawn_in_evaluation_and_backward_follows_the_last_forward():
    network, _ = dropping((2,))
    block = Residual(network.layers[4].layers[:2])
    plain = Network([*network.layers[1:3], block, network.layers[5]])
    x, y = batch_for("cross_entropy")
    twin = deepcopy(network)
    network(x)
    value, gradients = network.loss_and_gradients(x, y, training=False)
    expected, own = plain.loss_and_gradients(x, y, training=False)
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


# ---------------------------------------------------------------------------------------------
# Theory
# ---------------------------------------------------------------------------------------------


# Bounds by Hoeffding's inequality: a fraction of n independent draws is farther than this from its
# probability with a probability of at most 1e-9. Each parameter set below asks a few dozen times.
def hoeffding(n):
    return math.sqrt(math.log(2 / 1e-9) / (2 * n))


@together("dtype", DTYPES)
@pytest.mark.parametrize("kind", DROPOUTS)
@together("p", [0.05, 0.5, 0.8])
def test_the_fraction_dropped_is_p_and_the_mean_and_variance_are_those_of_theory(p, kind, dtype):
    x = np.array([-3.0, -0.1, 0.7, 2.0], dtype)
    n = 40_000
    layer = kind(p, seed=[1, 2])
    layer.training = True
    y = layer.forward(np.broadcast_to(x, (n, 4))).astype(np.float64)
    x = x.astype(np.float64)
    dropped = layer.backward(np.ones((2, n, 4))) == 0
    off = hoeffding(n)
    assert (np.abs(dropped.mean(axis=1) - p) < off).all()
    # y takes two values, a gap apart: how far mean and variance are off follows from the fraction
    floor = 0 if kind is Dropout else -LAMBDA * ALPHA
    derivative = 1 / (1 - p) if kind is Dropout else ((1 - p) * (1 + p * floor**2)) ** -0.5
    gap = derivative * np.abs(x - floor)
    mean = x if kind is Dropout else derivative * (1 - p) * x
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
    deviation = np.square(y).std() / math.sqrt(y.size)
    assert abs(np.square(y).mean() - 1) < 6 * deviation
    plain = Dropout(p, seed=1)
    plain.training = True
    assert np.square(plain.forward(z)).mean() > 1 + 6 * deviation  # what alpha dropout is there for


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


# ---------------------------------------------------------------------------------------------
# Replicas, copies and other parts of the library
# ---------------------------------------------------------------------------------------------


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


@together("alpha", [False, True])
@together("normalization", [None, "batch"])
@together("residual", [False, True])
@together("seed", [0, range(2)])
def test_dropout_ends_each_hidden_layer_and_leaves_the_initial_weights(
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


def test_the_largest_p_leaves_something_and_larger_ones_are_rejected():
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


@together("dtype", FLOATS)
@together("worst", [INF, -INF, np.nan])
@pytest.mark.parametrize("kind", [Dropout, AlphaDropout])
def test_what_is_dropped_is_the_same_whatever_it_was(kind, worst, dtype):
    finite, endless = (drop(kind).forward(np.full((4, 8), v, dtype)) for v in (1.0, worst))
    dropped = finite == finite.min()
    assert 0 < dropped.sum() < dropped.size
    np.testing.assert_array_equal(endless[dropped], finite[dropped])
    np.testing.assert_array_equal(endless[~dropped], dtype(worst))
    layer = drop(kind)
    layer.forward(np.ones((4, 8), dtype))
    gradient = layer.backward(np.full((4, 8), worst, dtype))
    np.testing.assert_array_equal(gradient[dropped], 0)
    np.testing.assert_array_equal(gradient[~dropped], dtype(worst))
    assert gradient.dtype == dtype


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------


W, B = np.ones((2, 3)), np.zeros((1, 3))


BAD = {  # what is done -> error, what was given, what is expected
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
        ValueError, "layer 1.0 (Dropout(0.5 to 0.6)) is for replicas (2,)", "has (); expected",
    ),
    "seeds of other replicas": (
        lambda: Network([Dense(W[None], B[None]), AlphaDropout(0.5, seed=range(3))]),
        ValueError, "(AlphaDropout(0.5)) is for replicas (3,)", "one for each replica",
    ),
    "backward first, dropped": (
        lambda: Dropout(0.5).backward(B), RuntimeError, "before forward", "a batch"
    ),
    "ragged p": (lambda: Dropout([[0.1], [0.1, 0.2]]), ValueError, "p is ragged", "an array"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])


@pytest.mark.parametrize("p", [0, 1 - 2**-24])
def test_the_smallest_draw_at_p_0_and_the_largest_at_the_largest_p_are_kept(p, monkeypatch):
    # each comes once in 16 million draws
    monkeypatch.setattr(Dropout, "_draws", lambda self, shape: np.full(shape, p, np.float32))
    layer = Dropout(p)
    layer.training = True
    np.testing.assert_array_equal(layer.forward(np.ones((1, 2))), [[1 / (1 - p)] * 2])
