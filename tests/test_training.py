"""Optimizers and clipping against PyTorch, fit against separate trainings, and the progress bar."""

import io
import os
import subprocess
import sys
import tracemalloc
from contextlib import nullcontext, redirect_stderr
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import data, training
from course_lib.activations import CATALOGUE
from course_lib.network import LOSSES, Dense, Network, get_loss, mlp
from course_lib.network.layers import walk
from course_lib.training import (
    SGD,
    Adam,
    AdamW,
    Momentum,
    accuracy,
    clip_norm,
    clip_value,
    epoch_batches,
    fit,
)

# ---------------------------------------------------------------------------------------------
# Optimizers
# ---------------------------------------------------------------------------------------------

OPTIMIZERS = {
    "SGD": (lambda rate: SGD(rate), lambda p: torch.optim.SGD(p, lr=0.1)),
    "Momentum": (
        lambda rate: Momentum(rate, momentum=0.8),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8),
    ),
    "Adam": (lambda rate: Adam(rate), lambda p: torch.optim.Adam(p, lr=0.1)),
    "Adam with other settings": (
        lambda rate: Adam(rate, beta1=0.5, beta2=0.9, eps=1e-3),
        lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.5, 0.9), eps=1e-3),
    ),
    "AdamW": (lambda rate: AdamW(rate), lambda p: torch.optim.AdamW(p, lr=0.1)),
    "SGD that decays": (
        lambda rate, decay=0.3: SGD(rate, weight_decay=decay),
        lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.3),
    ),
    "Momentum that decays": (
        lambda rate, decay=0.3: Momentum(rate, weight_decay=decay),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.3),
    ),
    "Adam that decays": (
        lambda rate, decay=0.3: Adam(rate, weight_decay=decay),
        lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.3),
    ),
    "AdamW that decays": (
        lambda rate, decay=0.3: AdamW(rate, beta1=0.5, eps=1e-3, weight_decay=decay),
        lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.5, 0.999), eps=1e-3, weight_decay=0.3),
    ),
}
DECAYING = [name for name in OPTIMIZERS if name.endswith("decays")]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_steps_equal_those_of_torch(name):
    rng = np.random.default_rng(0)
    ours = {"a": rng.normal(size=(2, 3)), "b": rng.normal(size=(1, 3))}
    theirs = {key: torch.tensor(value, requires_grad=True) for key, value in ours.items()}
    make, make_torch = OPTIMIZERS[name]
    optimizer, reference = make(0.1), make_torch(list(theirs.values()))
    for _ in range(50):
        gradients = {key: rng.normal(size=value.shape) for key, value in ours.items()}
        before = {key: value.copy() for key, value in gradients.items()}
        optimizer.step(ours, gradients)
        for key, leaf in theirs.items():
            np.testing.assert_array_equal(gradients[key], before[key])
            leaf.grad = torch.tensor(gradients[key])
        reference.step()
        for key, leaf in theirs.items():
            np.testing.assert_allclose(ours[key], leaf.detach(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rate_for_each_replica_equals_separate_trainings(name, dtype):
    rates = np.array([0.01, 0.1, 0.5])
    make, _ = OPTIMIZERS[name]
    x, y = data.moons(20)
    x = x.astype(dtype)
    together = mlp([2, 5, 2], "tanh", seed=[7, 7, 7], dtype=dtype)
    history = fit(together, x, y, optimizer=make(rates), epochs=5, batch_size=8)
    for i, rate in enumerate(rates):
        alone = mlp([2, 5, 2], "tanh", seed=7, dtype=dtype)
        own = fit(alone, x, y, optimizer=make(rate), epochs=5, batch_size=8)
        near = {"rtol": 1e4 * np.finfo(dtype).eps, "atol": 1e2 * np.finfo(dtype).eps}
        np.testing.assert_allclose(history.train_loss[i], own.train_loss, **near)
        for key, value in alone.parameters.items():
            assert together.parameters[key].dtype == dtype
            np.testing.assert_allclose(together.parameters[key][i], value, **near)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", DECAYING)
def test_a_weight_decay_for_each_replica_equals_separate_trainings(name, dtype):
    rates, decays = [0.05, 0.1, 0.2], np.array([0, 0.01, 0.5])
    make, _ = OPTIMIZERS[name]
    x, y = data.moons(20)
    x = x.astype(dtype)
    together = mlp([2, 5, 2], "tanh", seed=[7, 7, 7], dtype=dtype)
    fit(together, x, y, optimizer=make(rates, decays), epochs=5, batch_size=8)
    for i, rate in enumerate(rates):
        alone = mlp([2, 5, 2], "tanh", seed=7, dtype=dtype)
        fit(alone, x, y, optimizer=make(rate, float(decays[i])), epochs=5, batch_size=8)
        near = {"rtol": 1e4 * np.finfo(dtype).eps, "atol": 1e2 * np.finfo(dtype).eps}
        for key, value in alone.parameters.items():
            assert together.parameters[key].dtype == dtype
            np.testing.assert_allclose(together.parameters[key][i], value, **near)


# ---------------------------------------------------------------------------------------------
# Clipping
# ---------------------------------------------------------------------------------------------


def some_gradients(leading, dtype, size=1.0):
    """Return gradients of three parameters, and of each replica another length."""
    rng = np.random.default_rng(0)
    lengths = size * 2.0 ** np.arange(np.prod(leading, dtype=int)).reshape(*leading, 1, 1)
    shapes = {"0.weight": (3, 4), "0.bias": (1, 4), "2.weight": (4, 1)}
    return {
        name: (lengths * rng.normal(size=(*leading, *shape))).astype(dtype)
        for name, shape in shapes.items()
    }


def clip_in_torch(gradients, rule, limit):
    """Clip one network's gradients by a function of PyTorch; return them and its result."""
    leaves = [torch.tensor(gradient, requires_grad=True) for gradient in gradients]
    for leaf in leaves:
        leaf.grad = leaf.detach().clone()
    result = rule(leaves, limit)
    return [leaf.grad.numpy() for leaf in leaves], result


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("leading", [(), (3,), (2, 3)], ids=str)
@pytest.mark.parametrize("limit", [0.1, 9, 1e4])
def test_clipping_by_norm_equals_pytorch_for_each_replica(limit, leading, dtype):
    gradients = some_gradients(leading, dtype)
    before = {name: value.copy() for name, value in gradients.items()}
    norms = clip_norm(gradients, limit)
    assert (np.shape(norms), norms.dtype) == (leading, dtype)
    near = {"rtol": 20 * np.finfo(dtype).eps}
    for index in np.ndindex(leading):
        own = [value[index] for value in before.values()]
        clipped, norm = clip_in_torch(own, torch.nn.utils.clip_grad_norm_, limit)
        np.testing.assert_allclose(np.asarray(norms)[index], norm.item(), **near)
        for ours, theirs in zip(gradients.values(), clipped, strict=True):
            assert ours.dtype == dtype
            np.testing.assert_allclose(ours[index], theirs, **near)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("limit", [0.1, 1, 1e4])
def test_clipping_by_value_equals_pytorch(limit, dtype):
    gradients = some_gradients((3,), dtype)
    gradients["0.bias"][0, 0, 0] = np.nan
    gradients["0.bias"][0, 0, 1] = np.inf
    expected, _ = clip_in_torch(gradients.values(), torch.nn.utils.clip_grad_value_, limit)
    assert clip_value(gradients, limit) is None
    for ours, theirs in zip(gradients.values(), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("limit", [1e39, np.float64(1e300)])
def test_a_limit_beyond_the_range_of_the_dtype_clips_what_is_beyond_it_too(limit):
    gradients = some_gradients((3,), np.float32)
    before = {name: value.copy() for name, value in gradients.items()}
    clip_norm(gradients, limit)
    clip_value(gradients, limit)
    for name, value in gradients.items():
        np.testing.assert_array_equal(value, before[name])
    infinite = {"w": np.array([[np.inf, 1.0]], np.float32)}
    clip_value(infinite, limit)
    np.testing.assert_array_equal(infinite["w"], np.array([[np.finfo("f4").max, 1]], "f4"))
    infinite["w"][0, 0] = np.inf
    clip_norm(infinite, limit)
    np.testing.assert_array_equal(infinite["w"], [[np.nan, 0]])


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e30), (np.float64, 1e200)])
def test_gradients_whose_squares_overflow_keep_their_direction(dtype, size):
    gradients, usual = some_gradients((2,), dtype, size), some_gradients((2,), np.float64)
    norms = clip_norm(gradients, 1)
    lengths = clip_norm(usual, 1)
    np.testing.assert_allclose(norms / size, lengths, rtol=1e-5)
    for name, value in usual.items():
        np.testing.assert_allclose(gradients[name], value, rtol=1e-5)
    nothing = {"w": np.zeros((2, 1, 3), dtype)}
    np.testing.assert_array_equal(clip_norm(nothing, 1), [0, 0])
    assert not nothing["w"].any()


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_norm_that_is_not_finite_is_left_so_and_stays_in_its_replica(bad):
    gradients = some_gradients((2,), np.float64)
    gradients["0.bias"][1, 0, 2] = bad
    own = [value[1] for value in gradients.values()]
    expected, _ = clip_in_torch(own, torch.nn.utils.clip_grad_norm_, 1)
    norms = clip_norm(gradients, 1)
    assert np.isfinite(norms).tolist() == [True, False]
    for ours, theirs in zip(gradients.values(), expected, strict=True):
        np.testing.assert_array_equal(ours[1], theirs)
        assert np.isfinite(ours[0]).all()


@pytest.mark.parametrize(
    "limits", [{"clip_norm": 0.05}, {"clip_value": 0.01}, {"clip_norm": 0.05, "clip_value": 0.01}]
)
def test_fit_clips_before_each_step(limits):
    x, y = data.moons(10)
    together, twin = (mlp([2, 4, 2], seed=range(3)) for _ in range(2))
    fit(together, x, y, optimizer=SGD(0.5), epochs=5, batch_size=None, **limits)
    for _ in range(5):
        _, gradients = twin.loss_and_gradients(x, y)
        if "clip_value" in limits:
            for gradient in gradients.values():
                gradient[...] = np.minimum(np.maximum(gradient, -0.01), 0.01)
        if "clip_norm" in limits:
            squares = sum((g * g).sum(axis=(1, 2)) for g in gradients.values())
            factor = np.minimum(1, 0.05 / (np.sqrt(squares) + 1e-6))
            gradients = {name: g * factor[:, None, None] for name, g in gradients.items()}
        SGD(0.5).step(twin.parameters, gradients)
    for name, value in twin.parameters.items():
        np.testing.assert_allclose(together.parameters[name], value, rtol=1e-12, atol=1e-14)


# ---------------------------------------------------------------------------------------------
# Fit
# ---------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(
    hidden=st.integers(1, 5),
    activation=st.sampled_from([r.name for r in CATALOGUE.values() if r.kind != "groups"]),
    loss=st.sampled_from(list(LOSSES)),
    n=st.integers(1, 13),
    batch_size=st.sampled_from([None, 1, 3, 4, 100]),
    own_order=st.booleans(),
)
def test_a_replica_trains_as_if_it_were_alone(hidden, activation, loss, n, batch_size, own_order):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, 3)), rng.integers(0, 2, n)
    y = y if loss == "cross_entropy" else rng.uniform(size=(n, 2))
    orders, options = [4, 5, 6], {"loss": loss, "epochs": 3, "batch_size": batch_size}
    together = mlp([3, hidden, 2], activation, seed=[1, 2, 3])
    seed = orders if own_order else 4
    history = fit(together, x, y, optimizer=SGD(0.1), seed=seed, **options)
    for i in range(3):
        alone = mlp([3, hidden, 2], activation, seed=i + 1)
        order = orders[i] if own_order else 4
        own = fit(alone, x, y, optimizer=SGD(0.1), seed=order, **options)
        np.testing.assert_allclose(history.train_loss[i], own.train_loss, rtol=1e-11, atol=1e-13)
        assert history.steps == own.steps
        for key, value in alone.parameters.items():
            np.testing.assert_allclose(together.parameters[key][i], value, rtol=1e-10, atol=1e-12)


@given(n=st.integers(1, 60), size=st.one_of(st.none(), st.integers(1, 70)), seed=st.integers(0, 9))
def test_an_epoch_holds_each_example_once(n, size, seed):
    batches = list(epoch_batches(n, size, np.random.default_rng(seed)))
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert all(len(batch) == (size or n) for batch in batches[:-1])


def test_the_order_is_new_in_each_epoch_and_repeats_with_the_seed():
    rng = np.random.default_rng(0)
    first, second = (np.concatenate(list(epoch_batches(50, 8, rng))) for _ in range(2))
    again = np.concatenate(list(epoch_batches(50, 8, np.random.default_rng(0))))
    assert (first != second).any()
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("seeds", [0, range(3)], ids=["one", "three"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("with_validation", [False, True])
def test_history_has_the_replica_axis_first_and_the_epochs_last(seeds, loss, with_validation):
    x, y = data.moons(10)
    y = y if loss == "cross_entropy" else np.eye(2)[y]
    leading = () if seeds == 0 else (3,)
    validation = (x, y) if with_validation else None
    history = fit(
        mlp([2, 4, 2], seed=seeds), x, y,
        optimizer=SGD(0.1), loss=loss, epochs=4, batch_size=8, validation=validation,
    )  # fmt: skip
    assert history.train_loss.shape == (*leading, 4)
    after = (*leading, 4 if validation else 0)
    assert history.validation_loss.shape == history.validation_accuracy.shape == after
    assert history.steps == 4 * 3
    nan = loss == "mean_squared_error"
    assert (np.isnan(history.validation_accuracy) == nan).all()


def test_the_recorded_numbers_are_those_of_their_moment():
    x, y = data.moons(10)
    network, twin = mlp([2, 4, 2]), mlp([2, 4, 2])
    history = fit(
        network, x, y, optimizer=SGD(0.1), epochs=2, batch_size=None, validation=(x[:5], y[:5])
    )
    losses = []
    for _ in range(2):
        value, gradients = twin.loss_and_gradients(x, y)
        SGD(0.1).step(twin.parameters, gradients)
        losses.append(value)
    np.testing.assert_allclose(history.train_loss, losses, rtol=1e-14)
    logits = torch.tensor(twin(x[:5]))
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(y[:5]))
    assert history.validation_loss[-1] == pytest.approx(expected.item(), rel=1e-14)
    assert history.validation_accuracy[-1] == (logits.argmax(1).numpy() == y[:5]).mean()


def test_fit_trains_in_training_mode_and_validates_in_evaluation_mode():
    x, y = data.moons(20)
    network = mlp([2, 8, 2], "tanh", seed=range(2), normalization="batch")
    twin = mlp([2, 8, 2], "tanh", seed=range(2), normalization="batch")
    history = fit(
        network, x, y, optimizer=SGD(0.1), epochs=3, batch_size=None, validation=(x[:1], y[:1])
    )
    for epoch in range(3):
        value, gradients = twin.loss_and_gradients(x, y, training=True)
        SGD(0.1).step(twin.parameters, gradients)
        np.testing.assert_allclose(history.train_loss[:, epoch], value, rtol=1e-13)
        # a single row has no statistics of its own
        logits = torch.tensor(twin.forward(x[:1], training=False))
        for i in range(2):
            expected = torch.nn.functional.cross_entropy(logits[i], torch.tensor(y[:1]))
            assert history.validation_loss[i, epoch] == pytest.approx(expected.item(), rel=1e-12)
    assert (network.layers[1].running_mean != 0).all()


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_a_normalized_replica_trains_as_if_it_were_alone(normalization, residual):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(14, 3)), rng.integers(0, 2, 14)
    options = {"normalization": normalization, "residual": residual}
    together = mlp([3, 6, 6, 2], "tanh", seed=[1, 2, 3], **options)
    history = fit(together, x, y, optimizer=Adam(0.01), epochs=3, batch_size=4, seed=[4, 5, 6])
    for i in range(3):
        alone = mlp([3, 6, 6, 2], "tanh", seed=i + 1, **options)
        own = fit(alone, x, y, optimizer=Adam(0.01), epochs=3, batch_size=4, seed=4 + i)
        np.testing.assert_allclose(history.train_loss[i], own.train_loss, rtol=1e-9)
        np.testing.assert_allclose(together.replica(i)(x), alone(x), rtol=1e-8, atol=1e-10)


def some_data(leading, loss, dtype=np.float64, n=11):
    """Return inputs of three features, and labels or targets for two outputs."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(*leading, n, 3)).astype(dtype)
    if loss == "cross_entropy":
        return x, rng.integers(0, 2, (*leading, n))
    return x, rng.uniform(size=(*leading, n, 2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("orders", [7, [4, 5, 6]], ids=["one order", "three orders"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_replica_with_data_of_its_own_trains_as_if_it_were_alone(loss, orders, batch_size, dtype):
    x, y = some_data((3,), loss, dtype)
    x_valid, y_valid = some_data((3,), loss, dtype, n=5)
    together = mlp([3, 4, 2], "tanh", seed=[1, 2, 3], dtype=dtype)
    options = {"optimizer": SGD(0.3), "loss": loss, "epochs": 3, "batch_size": batch_size}
    history = fit(together, x, y, validation=(x_valid, y_valid), seed=orders, **options)
    near = {"rtol": 1e3 * np.finfo(dtype).eps, "atol": 1e2 * np.finfo(dtype).eps}
    for i, order in enumerate(np.broadcast_to(orders, 3).tolist()):
        alone = mlp([3, 4, 2], "tanh", seed=i + 1, dtype=dtype)
        pair = (x_valid[i], y_valid[i])
        own = fit(alone, x[i], y[i], validation=pair, seed=order, **options)
        for name in ("train_loss", "validation_loss", "validation_accuracy"):
            np.testing.assert_allclose(getattr(history, name)[i], getattr(own, name), **near)
        for key, value in alone.parameters.items():
            assert together.parameters[key].dtype == dtype
            np.testing.assert_allclose(together.parameters[key][i], value, **near)


@pytest.mark.parametrize("batch_size", [None, 4])
def test_data_of_replicas_with_two_axes(batch_size):
    x, y = some_data((2, 3), "cross_entropy")
    rng = np.random.default_rng(1)
    weights, biases = rng.normal(size=(2, 3, 3, 2)), rng.normal(size=(2, 3, 1, 2))
    together = Network([Dense(weights.copy(), biases.copy())])
    options = {"epochs": 2, "batch_size": batch_size}
    history = fit(together, x, y, optimizer=SGD(0.5), **options)
    for index in np.ndindex(2, 3):
        alone = Network([Dense(weights[index].copy(), biases[index].copy())])
        own = fit(alone, x[index], y[index], optimizer=SGD(0.5), **options)
        np.testing.assert_allclose(history.train_loss[index], own.train_loss, rtol=1e-12)
        np.testing.assert_allclose(together(x)[index], alone(x[index]), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("batch_size", [None, 50])
def test_a_view_with_a_replica_axis_trains_as_the_data_do_and_is_not_copied(batch_size):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1000, 200)), rng.integers(0, 2, 1000)
    views = [np.broadcast_to(array, (64, *array.shape)) for array in (x, y)]
    first, second = (mlp([200, 1, 2], seed=range(64)) for _ in range(2))
    options = {"optimizer": SGD(0.1), "batch_size": batch_size}
    fit(first, x, y, **options)
    tracemalloc.start()
    fit(second, *views, **options)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for key, value in first.parameters.items():
        np.testing.assert_allclose(second.parameters[key], value, rtol=1e-10, atol=1e-12)
    assert peak < 64 * x.nbytes / 4


def test_an_unequal_last_batch_weighs_by_its_examples():
    x, y = np.array([[1.0], [2.0], [3.0]]), np.zeros((3, 1))
    network = mlp([1, 1])
    network.load_parameters({"0.weight": [[1.0]], "0.bias": [[0.0]]})
    tiny = SGD(1e-300)  # the network stays as it is
    history = fit(network, x, y, optimizer=tiny, loss="mean_squared_error", batch_size=2)
    assert history.train_loss == pytest.approx([(1 + 4 + 9) / 3])


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name not in DECAYING])
def test_the_loss_falls_on_moons(name):
    x, y = data.moons(50)
    network = mlp([2, 16, 2], "tanh", seed=range(4))
    history = fit(network, x, y, optimizer=OPTIMIZERS[name][0](0.05), epochs=60, batch_size=16)
    assert (history.train_loss[:, -1] < 0.6 * history.train_loss[:, 0]).all()
    assert (accuracy(network(x), y) > 0.85).all()


def test_a_diverging_training_ends_without_a_warning():
    x, y = data.moons(10)
    network = mlp([2, 4, 2], "identity")
    rule = {"loss": "mean_squared_error", "epochs": 60}
    history = fit(network, x, np.eye(2)[y], optimizer=SGD(1e6), **rule)
    assert not np.isfinite(history.train_loss[-1])


# ---------------------------------------------------------------------------------------------
# Early stopping
# ---------------------------------------------------------------------------------------------


def noisy_data(n, seed):
    """Return two classes of points in five dimensions that little tells apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return rng.normal(size=(n, 5)) + 0.5 * y[:, np.newaxis], y


TRAIN, VALIDATION = noisy_data(20, 0), noisy_data(60, 1)


def state_of(network):
    """Return copies of parameters and running averages."""
    layers = [vars(layer) for _, layer in walk(network.layers)]
    averages = [own[key] for own in layers for key in sorted(own) if key.startswith("running_")]
    return [value.copy() for value in [*network.parameters.values(), *averages]]


def overfitting(seed, dtype=np.float64, **options):
    return mlp([5, 15, 15, 2], "relu", seed=seed, dtype=dtype, **options)


@pytest.mark.parametrize("patience", [1, 3, 1000])
def test_early_stopping_equals_a_loop_that_remembers_the_best(patience):
    network, twin = (overfitting(0, normalization="batch") for _ in range(2))
    history = fit(
        network, *TRAIN, optimizer=SGD(0.05), epochs=40, batch_size=None,
        validation=VALIDATION, patience=patience,
    )  # fmt: skip
    losses, states = [], []
    while len(losses) < 40 and len(losses) - 1 - np.argmin([*losses, np.inf]) < patience:
        _, gradients = twin.loss_and_gradients(*TRAIN)
        for name, parameter in twin.parameters.items():
            parameter -= 0.05 * gradients[name]
        logits, labels = torch.tensor(twin(VALIDATION[0])), torch.tensor(VALIDATION[1])
        losses.append(torch.nn.functional.cross_entropy(logits, labels).item())
        states.append(state_of(twin))
    best = int(np.argmin(losses))
    assert 0 < best < len(losses) - 1 < (39 if patience < 1000 else 40)
    np.testing.assert_allclose(history.validation_loss, losses, rtol=1e-11)
    assert history.best_epoch == best + 1
    assert history.steps == len(losses)
    for ours, expected in zip(state_of(network), states[best], strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "options",
    [{}, {"normalization": "batch", "residual": True}, {"dropout": 0.3}],
    ids=["plain", "batch normalization", "dropout"],
)
def test_a_replica_stops_as_if_it_were_alone(options, dtype):
    x, y = TRAIN[0].astype(dtype), TRAIN[1]
    common = {"epochs": 30, "validation": (VALIDATION[0].astype(dtype), VALIDATION[1])}
    common |= {"patience": 3, "batch_size": 8}
    rates = np.array([0.003, 0.1, 0.02, 0.3])
    together = overfitting(range(4), dtype, **options)
    history = fit(together, x, y, optimizer=SGD(rates), seed=range(4), **common)
    lengths = []
    near = {"rtol": 1e4 * np.finfo(dtype).eps, "atol": 1e3 * np.finfo(dtype).eps}
    for i, rate in enumerate(rates):
        alone = overfitting(i, dtype, **options)
        own = fit(alone, x, y, optimizer=SGD(rate), seed=i, **common)
        epochs = own.train_loss.size
        lengths.append(epochs)
        assert history.best_epoch[i] == own.best_epoch
        for name in ("train_loss", "validation_loss", "validation_accuracy"):
            np.testing.assert_allclose(
                getattr(history, name)[i, :epochs], getattr(own, name), **near
            )
            assert np.isnan(getattr(history, name)[i, epochs:]).all()
        for ours, expected in zip(state_of(together.replica(i)), state_of(alone), strict=True):
            assert ours.dtype == expected.dtype
            np.testing.assert_allclose(ours, expected, **near)
    assert history.train_loss.shape == (4, max(lengths))
    assert len(set(lengths)) > 2
    assert history.best_epoch.dtype.kind == "i"


def test_replicas_with_two_axes_stop_one_by_one():
    rng = np.random.default_rng(2)
    weights = rng.normal(size=(2, 3, 5, 2))
    rates, options = np.array([[0.1, 1, 3], [10, 0.3, 30]]), {"validation": VALIDATION}
    together = Network([Dense(weights.copy(), np.zeros((2, 3, 1, 2)))])
    history = fit(together, *TRAIN, optimizer=SGD(rates), epochs=9, patience=2, **options)
    for index in np.ndindex(2, 3):
        alone = Network([Dense(weights[index].copy(), np.zeros((1, 2)))])
        own = fit(alone, *TRAIN, optimizer=SGD(rates[index]), epochs=9, patience=2, **options)
        assert history.best_epoch[index] == own.best_epoch
        np.testing.assert_allclose(together(TRAIN[0])[index], alone(TRAIN[0]), rtol=1e-11)
    assert len(np.unique(history.best_epoch)) > 2


def test_a_loss_that_only_stays_as_it_is_does_not_count_as_better():
    tiny = SGD(1e-300)  # the network stays as it is
    history = fit(
        overfitting([0, 1]), *TRAIN, optimizer=tiny, epochs=9, validation=VALIDATION, patience=3
    )
    assert history.train_loss.shape == (2, 4)
    assert history.best_epoch.tolist() == [1, 1]


def test_a_loss_that_is_not_finite_never_is_the_best():
    def targets(pair):
        return pair[0], np.eye(2)[pair[1]]

    options = {"loss": "mean_squared_error", "epochs": 20, "patience": 4, "batch_size": None}
    options |= {"validation": targets(VALIDATION)}
    network = overfitting([0, 1, 2])
    # the first is never finite; the second is, for some epochs of ever larger losses
    history = fit(network, *targets(TRAIN), optimizer=SGD([1e300, 5.0, 0.01]), **options)
    finite = np.isfinite(history.validation_loss)
    assert not finite[0].any()
    assert history.best_epoch[0] == 4  # where it stopped
    assert not np.isfinite(network(TRAIN[0])[0]).any()
    assert history.best_epoch[1] == 1
    assert finite[1, 0]
    assert history.best_epoch[2] > 4
    assert np.isfinite(network(TRAIN[0])[1:]).all()


def test_without_patience_the_last_epoch_is_the_one_that_stays():
    network = overfitting([3, 4])
    history = fit(network, *TRAIN, optimizer=SGD(0.5), epochs=15, validation=VALIDATION)
    assert (history.validation_loss.argmin(axis=-1) < 10).all()
    assert history.best_epoch.tolist() == [15, 15]
    expected = get_loss("cross_entropy").function(network(VALIDATION[0]), VALIDATION[1])
    np.testing.assert_allclose(history.validation_loss[:, -1], expected, rtol=1e-12)
    assert fit(overfitting(3), *TRAIN, optimizer=SGD(0.5), epochs=2).best_epoch == 2


class Interrupted:
    """An optimizer during whose work someone presses Ctrl-C."""

    def __init__(self, rate, steps):
        self.inner, self.left = SGD(rate), steps

    def step(self, parameters, gradients):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        self.inner.step(parameters, gradients)


@pytest.mark.parametrize("steps", [0, 2, 3, 40])
def test_an_interrupted_training_with_patience_leaves_the_best_epoch_so_far(steps):
    options = {"validation": VALIDATION, "patience": 20, "batch_size": 8}  # 3 steps an epoch
    network, expected = (overfitting([3, 4], normalization="batch") for _ in range(2))
    with pytest.raises(KeyboardInterrupt):
        fit(network, *TRAIN, optimizer=Interrupted(0.3, steps), epochs=20, **options)
    if steps >= 3:
        fit(expected, *TRAIN, optimizer=SGD(0.3), epochs=steps // 3, **options)
    for ours, theirs in zip(state_of(network), state_of(expected), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_interrupted_training_without_patience_leaves_the_last_step():
    network, expected = overfitting([3, 4]), overfitting([3, 4])
    with pytest.raises(KeyboardInterrupt):
        fit(network, *TRAIN, optimizer=Interrupted(0.3, 2), epochs=5, batch_size=None)
    fit(expected, *TRAIN, optimizer=SGD(0.3), epochs=2, batch_size=None)
    for ours, theirs in zip(state_of(network), state_of(expected), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("patience", [None, 2])
def test_no_replicas_have_nothing_to_learn(patience):
    network = Network([Dense(np.zeros((0, 5, 2)), np.zeros((0, 1, 2)))])
    history = fit(
        network, *TRAIN, optimizer=SGD(0.1), epochs=3, validation=VALIDATION, patience=patience
    )
    assert history.train_loss.shape[0] == history.best_epoch.size == 0


class Scale:
    """A layer with one weight that all replicas share."""

    def __init__(self):
        self.parameters, self.gradients = {"weight": np.ones((1, 1))}, {}

    def forward(self, x):
        self.x = x
        return x * self.parameters["weight"]

    def backward(self, grad_output, *, to_input=True):
        self.gradients["weight"] = (grad_output * self.x).sum(keepdims=True)[0]
        return grad_output * self.parameters["weight"]


def test_what_replicas_share_has_no_best_epoch_and_is_told_before_the_training():
    layers = overfitting([3, 4]).layers
    network = Network([*layers[:2], Scale(), *layers[2:]])
    fit(network, *TRAIN, optimizer=SGD(0.1), validation=VALIDATION)
    before = state_of(network)
    with pytest.raises(ValueError, match=r"2.weight has shape \(1, 1\); its leading axes must be"):
        fit(network, *TRAIN, optimizer=SGD(0.1), validation=VALIDATION, patience=1)
    for now, then in zip(state_of(network), before, strict=True):
        np.testing.assert_array_equal(now, then)


# ---------------------------------------------------------------------------------------------
# Accuracy
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "y", "share"),
    [
        ([[0, 1], [2, 1], [0, 3]], [1, 1, 1], 2 / 3),
        ([[1.0], [-1.0]], [[1], [1]], 1 / 2),
        ([[1.0], [-1.0]], [1, 0], 1),
        ([[[0, 1]], [[1, 0]]], [1], [1, 0]),
        ([[[0, 1]], [[1, 0]]], [[1], [0]], [1, 1]),
        ([[[1.0], [1.0]], [[-1.0], [1.0]]], [[1], [1]], [1, 1 / 2]),
        ([[0.3]], [[1]], 1),
        ([[0.3]], [1], 1),
        ([[np.nan, 0.0], [1.0, 0.0]], [0, 0], 1 / 2),
        ([[np.nan], [-1.0]], [0, 0], 1 / 2),
    ],
)
def test_accuracy_is_the_share_of_right_answers(outputs, y, share):
    np.testing.assert_allclose(accuracy(np.array(outputs), np.array(y)), share)


# ---------------------------------------------------------------------------------------------
# Progress
# ---------------------------------------------------------------------------------------------

PROGRAM = """
import numpy as np
from course_lib import data, network, training
x, y = data.xor()
training.fit(network.mlp([2, 2, 2]), x, y, optimizer=training.SGD(0.1), epochs=3, progress=True)
"""


def run_in_terminal(program=PROGRAM, **variables):
    """Run a training whose errors go to a pseudo-terminal; return what was shown there."""
    pty = pytest.importorskip("pty", reason="Windows has no pty", exc_type=ImportError)
    termios = pytest.importorskip("termios", reason="Windows has no termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    environment = {k: v for k, v in os.environ.items() if k != "TQDM_DISABLE"} | variables
    subprocess.run([sys.executable, "-c", program], stderr=theirs, env=environment, check=True)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # Linux's way to say that the other end is closed
        pass
    os.close(ours)
    return shown.decode()


def test_a_terminal_shows_a_bar():
    shown = run_in_terminal(TQDM_MININTERVAL="0")  # also the updates of a quick training
    assert "3/3" in shown
    assert "loss=" in shown


def test_the_environment_silences_the_bar():
    assert run_in_terminal(TQDM_DISABLE="1") == ""


def test_the_bar_can_be_turned_off():
    assert run_in_terminal(PROGRAM.replace("progress=True", "progress=False")) == ""


def test_no_terminal_no_bar():
    environment = {k: v for k, v in os.environ.items() if k != "TQDM_DISABLE"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, env=environment, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")


class Terminal(io.StringIO):
    """Where errors go when someone is looking."""

    def isatty(self):
        return True


def test_training_works_without_tqdm(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    x, y = data.xor()
    with redirect_stderr(Terminal()) as shown:
        assert fit(mlp([2, 2, 2]), x, y, optimizer=SGD(0.1)).steps == 1
    assert shown.getvalue() == ""


@pytest.fixture
def notebook(monkeypatch):
    """Pretend that a notebook's kernel runs the tests."""
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    IPython = pytest.importorskip("IPython", reason="IPython is not installed")
    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=None))


@pytest.mark.parametrize(("widgets", "kind"), [(True, "tqdm_notebook"), (False, "tqdm")])
def test_a_notebook_gets_a_bar_of_its_own_kind(notebook, monkeypatch, widgets, kind):
    if not widgets:
        monkeypatch.setitem(sys.modules, "ipywidgets", None)
    bar = training.progress_bar(3, wanted=True)
    assert type(bar).__name__ == kind
    bar.close()


def test_the_environment_silences_the_bar_of_a_notebook(notebook, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert isinstance(training.progress_bar(3, wanted=True), nullcontext)


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------

X, Y, B = np.zeros((4, 2)), np.zeros(4, int), np.zeros((1, 2))


class Stepless:
    """An optimizer of yet another kind."""

    def step(self):
        """Go."""


def with_bad(values, bad=np.nan, times=1):
    """Return values of which some are not finite, from the second row on."""
    values = values.astype(float)
    values.ravel()[2 : 2 + times] = bad
    return values


def try_fit(x=X, y=Y, network=None, **options):
    fit(
        mlp([2, 2]) if network is None else network,
        x,
        y,
        **({"optimizer": SGD(0.1), "progress": False} | options),
    )


BAD = {
    "rate 0": (lambda: SGD(0), ValueError, "learning_rate is 0", "finite numbers above 0"),
    "no rates": (lambda: SGD([]), ValueError, "learning_rate is []", "finite numbers above 0"),
    "rate NaN": (lambda: Adam(float("nan")), ValueError, "nan", "finite numbers above 0"),
    "rate below 0": (lambda: Momentum([0.1, -1]), ValueError, "[0.1, -1]", "finite numbers above"),
    "rate as text": (lambda: SGD("fast"), ValueError, "'fast'", "finite numbers above 0"),
    "momentum 1": (lambda: Momentum(0.1, momentum=1), ValueError, "momentum is 1", "not including"),
    "beta1 1": (lambda: Adam(beta1=1.0), ValueError, "beta1 is 1.0", "not including 1"),
    "beta1 as text": (lambda: AdamW(beta1="0.9"), ValueError, "beta1 is '0.9'", "not including 1"),
    "eps below 0": (lambda: Adam(eps=-1), ValueError, "eps is -1", "above 0"),
    "eps NaN": (lambda: AdamW(eps=np.nan), ValueError, "eps is nan", "above 0"),
    "beta2 below 0": (lambda: Adam(beta2=-0.1), ValueError, "beta2 is -0.1", "0 up to"),
    "rates for other replicas": (
        lambda: try_fit(network=mlp([2, 2], seed=range(3)), optimizer=SGD([0.1, 0.2])),
        ValueError, "(2,)", "one for each replica: (3,)",
    ),
    "decay below 0": (
        lambda: SGD(0.1, weight_decay=-1), ValueError, "weight_decay is -1", "numbers from 0 on"
    ),
    "decay NaN": (
        lambda: Momentum(0.1, weight_decay=np.nan), ValueError, "weight_decay is nan", "from 0 on"
    ),
    "no decays": (lambda: Adam(weight_decay=[]), ValueError, "weight_decay is []", "from 0 on"),
    "decay as text": (lambda: AdamW(weight_decay="0"), ValueError, "is '0'", "from 0 on"),
    "decay None": (lambda: AdamW(weight_decay=None), ValueError, "is None", "from 0 on"),
    "decays for other replicas": (
        lambda: try_fit(
            network=mlp([2, 2], seed=range(3)), optimizer=SGD(0.1, weight_decay=[0, 0])
        ),
        ValueError, "weight_decay has shape (2,)", "one for each replica: (3,)",
    ),
    "decays without replicas": (
        lambda: try_fit(optimizer=AdamW(weight_decay=[0.1])),
        ValueError, "weight_decay has shape (1,)", "replica: ()",
    ),
    "rates without replicas": (
        lambda: try_fit(optimizer=SGD([0.1])), ValueError, "(1,)", "replica: ()"
    ),
    "no examples": (lambda: try_fit(X[:0], Y[:0]), ValueError, "(0, 2)", "at least one example"),
    "one axis": (lambda: try_fit(X[0], Y), ValueError, "(2,)", "(batch, 2)"),
    "unequal lengths": (lambda: try_fit(X, Y[:3]), ValueError, "(3,)", "give one each"),
    "one label": (lambda: try_fit(X, 1), ValueError, "y has shape ()", "give one each"),
    "limit 0": (lambda: clip_norm({"w": X}, 0), ValueError, "limit is 0", "finite number above 0"),
    "limit infinite": (
        lambda: clip_value({"w": X}, np.inf), ValueError, "limit is inf", "finite number above 0"
    ),
    "two limits": (
        lambda: clip_norm({"w": X}, [1, 2]), ValueError, "limit is [1, 2]", "a finite number"
    ),
    "a network's gradients": (
        lambda: clip_norm(mlp([2, 2]), 1), TypeError, "is a Network", "as loss_and_gradients"
    ),
    "a list of gradients": (
        lambda: clip_value([X], 1), TypeError, "is a list", "a mapping of names to arrays"
    ),
    "a flat gradient": (
        lambda: clip_norm({"w": X, "b": X[0]}, 1), ValueError, "(2,)]", "(..., rows, columns)"
    ),
    "no gradients": (lambda: clip_norm({}, 1), ValueError, "no gradients", "loss_and_gradients"),
    "clip_norm below 0": (
        lambda: try_fit(clip_norm=-1), ValueError, "clip_norm is -1", "finite number above 0"
    ),
    "clip_value as text": (
        lambda: try_fit(clip_value="1"), ValueError, "clip_value is '1'", "finite number above 0"
    ),
    "a last batch of one row": (
        lambda: try_fit(network=mlp([2, 3, 2], normalization="batch"), batch_size=3),
        ValueError, "4 examples in batches of 3", "choose another batch_size",
    ),
    "one example, in a block": (
        lambda: try_fit(
            X[:1], Y[:1], mlp([2, 3, 3, 2], normalization="batch", residual=True), batch_size=None
        ),
        ValueError, "1 examples in batches of 1", "choose another batch_size",
    ),
    "an array in two layers": (
        lambda: try_fit(network=Network([Dense(np.eye(2), B), Dense(np.eye(2), B)])),
        ValueError, "0.bias and 1.bias are one array", "give each its own",
    ),
    "no epochs": (lambda: try_fit(epochs=0), ValueError, "epochs is 0", "integers from 1"),
    "no patience": (
        lambda: try_fit(patience=0, validation=(X, Y)),
        ValueError, "patience is 0", "integers from 1 on",
    ),
    "half a patience": (
        lambda: try_fit(patience=0.5, validation=(X, Y)), ValueError, "is 0.5", "from 1 on"
    ),
    "patience for nothing": (
        lambda: try_fit(patience=3), ValueError, "patience is 3", "pass validation=(x, y)"
    ),
    "a yes for epochs": (lambda: try_fit(epochs=True), ValueError, "epochs is True", "from 1 on"),
    "a yes for a batch": (
        lambda: try_fit(batch_size=True), ValueError, "batch_size is True", "from 1 on"
    ),
    "half an epoch": (lambda: try_fit(epochs=0.5), ValueError, "0.5", "integers from 1"),
    "batches of 0": (lambda: try_fit(batch_size=0), ValueError, "batch_size is 0", "from 1 on"),
    "no network": (lambda: try_fit(network="mlp"), TypeError, "is a str", "network.Network"),
    "data for other replicas": (
        lambda: try_fit(np.zeros((3, 4, 2)), [Y] * 3, mlp([2, 2], seed=[0, 1])),
        ValueError, "(3,)", "replicas (2,)",
    ),
    "data for replicas, and none": (
        lambda: try_fit(X[None], [Y]), ValueError, "(1,)", "expected none or exactly these"
    ),
    "no examples for replicas": (
        lambda: try_fit(np.zeros((2, 0, 2)), np.zeros((2, 0)), mlp([2, 2], seed=[0, 1])),
        ValueError, "(2, 0, 2)", "(2,) before these axes",
    ),
    "inputs for each replica, labels for all": (
        lambda: try_fit(np.zeros((2, 4, 2)), Y, mlp([2, 2], seed=[0, 1])),
        ValueError, "y has shape (4,)", "begins with (2, 4)",
    ),
    "labels for each replica, inputs for all": (
        lambda: try_fit(X, [Y, Y], mlp([2, 2], seed=[0, 1])),
        ValueError, "y has shape (2, 4)", "begins with (4,)",
    ),
    "labels for each of as many replicas as examples": (
        lambda: try_fit(X, [Y] * 4, mlp([2, 2], seed=range(4))),
        ValueError, "(4, 4)", "expected labels of shape (4,)",
    ),
    "targets that look like labels for each replica": (
        lambda: try_fit(
            np.zeros((2, 2, 2)), np.eye(2), mlp([2, 2], seed=[0, 1]), loss="mean_squared_error"
        ),
        ValueError, "(2,)", "expected targets of shape (2, 2)",
    ),
    "a label out of range in one replica": (
        lambda: try_fit(np.zeros((2, 4, 2)), [Y, Y + 2], mlp([2, 2], seed=[0, 1])),
        ValueError, "from 2 to 2", "0 to 1",
    ),
    "an optimizer's class": (lambda: try_fit(optimizer=SGD), TypeError, "SGD", "an instance"),
    "an optimizer's name": (lambda: try_fit(optimizer="sgd"), TypeError, "'sgd'", "an instance"),
    "an optimizer of PyTorch": (
        lambda: try_fit(optimizer=torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=0.1)),
        TypeError, "is a torch.optim.sgd.SGD", "one of course_lib.training, such as SGD(0.1)",
    ),
    "a schedule of PyTorch": (
        lambda: try_fit(
            optimizer=torch.optim.lr_scheduler.StepLR(
                torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=0.1), 1
            )
        ),
        TypeError, "StepLR, whose step does not take", "course_lib.pytorch.fit",
    ),
    "a step of no arguments": (
        lambda: try_fit(optimizer=Stepless()), TypeError, "Stepless", "parameters and gradients"
    ),
    "a rate beyond float32": (
        lambda: try_fit(X.astype("f4"), network=mlp([2, 2], dtype="f4"), optimizer=SGD(1e39)),
        ValueError, "learning_rate is 1e+39, which is beyond the range of float32",
    ),
    "a rate that is 0 in float32": (
        lambda: try_fit(X.astype("f4"), network=mlp([2, 2], dtype="f4"), optimizer=Adam(1e-50)),
        ValueError, "learning_rate is 1e-50, which is 0 in float32",
    ),
    "a decay beyond float32": (
        lambda: try_fit(
            X.astype("f4"), network=mlp([2, 2], dtype="f4"), optimizer=AdamW(weight_decay=1e39)
        ),
        ValueError, "weight_decay is 1e+39, which is beyond",
    ),
    "an eps that is 0 in float32": (
        lambda: try_fit(X.astype("f4"), network=mlp([2, 2], dtype="f4"),
                        optimizer=Adam(eps=1e-50)),
        ValueError, "eps is 1e-50, which is 0 in float32",
    ),
    "eps 0": (lambda: Adam(eps=0), ValueError, "eps is 0", "above 0"),
    "ragged rates": (lambda: SGD([[0.1], [0.1, 0.2]]), ValueError, "ragged"),
    "ragged x": (lambda: try_fit([[1.0, 2.0], [3.0]]), ValueError, "x is ragged", "an array"),
    "ragged y": (lambda: try_fit(y=[[0], [1, 0]]), ValueError, "y is ragged", "an array"),
    "ragged validation": (
        lambda: try_fit(validation=([[1.0, 2.0], [3.0]], Y)), ValueError, "x is ragged"
    ),
    "ragged targets to validate with": (
        lambda: try_fit(validation=(X, [[0], [1, 0]])), ValueError, "validation data is ragged"
    ),
    "ragged labels to compare": (lambda: accuracy(X, [[0], [1, 0]]), ValueError, "y is ragged"),
    "a NaN in x": (
        lambda: try_fit(with_bad(X)), ValueError, "x has 1 number that is not finite",
        "the first nan at [1, 0]",
    ),
    "infinities in x": (
        lambda: try_fit(with_bad(X, -np.inf, 3)), ValueError, "x has 3 numbers that are not finite",
        "the first -inf at [1, 0]",
    ),
    "a NaN in a view of x": (
        lambda: try_fit(
            np.broadcast_to(with_bad(X), (2, 4, 2)), [Y, Y], mlp([2, 2], seed=[0, 1])
        ),
        ValueError, "x has 1 number", "at [0, 1, 0]",
    ),
    "a NaN in the targets": (
        lambda: try_fit(y=with_bad(X), loss="mean_squared_error"), ValueError, "y has 1 number"
    ),
    "a NaN in x to validate with": (
        lambda: try_fit(validation=(with_bad(X), Y)), ValueError, "x of the validation data has 1"
    ),
    "a NaN in targets to validate with": (
        lambda: try_fit(y=X, loss="mean_squared_error", validation=(X, with_bad(X, np.inf))),
        ValueError, "y of the validation data has 1", "first inf at [1, 0]",
    ),
    "masked x": (
        lambda: try_fit(np.ma.masked_array(X, X == 0)), ValueError, "x has masked entries", "fill"
    ),
    "masked y": (lambda: try_fit(y=np.ma.masked_array(Y, Y == 0)), ValueError, "y has masked"),
    "text in x": (lambda: try_fit([["1", "2"]] * 4), TypeError, "x is <U1", "np.float64"),
    "nothing in x": (lambda: try_fit([[None, 2.0]] * 4), TypeError, "x is object", "np.float64"),
    "float16 in x": (lambda: try_fit(X.astype("f2")), TypeError, "float16", "np.float64"),
    "targets without their axis": (
        lambda: try_fit(y=Y * 1.0, network=mlp([2, 1]), loss="mean_squared_error"),
        ValueError, "y has shape (4,)", "one output for each example, (4, 1)",
        "pass y[..., np.newaxis]",
    ),
    "labels with an axis": (
        lambda: try_fit(y=Y[:, np.newaxis]), ValueError, "y has shape (4, 1)", "labels are (4,)",
        "pass y[..., 0]",
    ),
    "epochs None": (lambda: try_fit(epochs=None), ValueError, "epochs is None", "from 1 on"),
    "seeds for other replicas": (
        lambda: try_fit(seed=[0, 1]), ValueError, "2 seeds", "one for each replica"
    ),
    "unknown loss": (lambda: try_fit(loss="mse"), KeyError, "'mse'", "mean_squared_error"),
    "labels out of range": (lambda: try_fit(y=Y + 2), ValueError, "from 2 to 2", "0 to 1"),
    "other dtype": (lambda: try_fit(X.astype("f4")), TypeError, "float32", "np.float64"),
    "labels with an axis to compare": (
        lambda: accuracy(X, Y[:, np.newaxis]), ValueError, "(4, 1)", "expected are (4,)"
    ),
    "labels of another length": (
        lambda: accuracy(X, [0, 1]), ValueError, "(2,)", "outputs of shape (4, 2)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])


@pytest.mark.parametrize(
    "validation",
    [(X[:, :1], Y), (X, Y + 2), (X, Y[:3]), X, (X, Y, Y)],
    ids=["features", "labels", "length", "no pair", "three"],
)
def test_bad_validation_data_are_found_before_anything_is_trained(validation):
    network = mlp([2, 3, 2], seed=0)
    before = {name: value.copy() for name, value in network.parameters.items()}
    with pytest.raises((TypeError, ValueError)):
        fit(network, X, Y, optimizer=SGD(0.1), epochs=2, validation=validation)
    for name, value in network.parameters.items():
        assert (value == before[name]).all()


@pytest.mark.parametrize("optimizer", [Momentum(0.1), Adam(0.1)], ids=["momentum", "adam"])
def test_an_optimizer_with_a_memory_serves_one_network(optimizer):
    first, second = (mlp([2, 3, 2], seed=seed) for seed in (0, 1))
    fit(first, X, Y, optimizer=optimizer)
    fit(first, X, Y, optimizer=optimizer)  # going on with the same network is what it is for
    with pytest.raises(ValueError, match="another network"):
        fit(second, X, Y, optimizer=optimizer)


RULES = [SGD(0.1), Momentum(0.1), Adam(0.1), AdamW(0.1)]


@pytest.mark.parametrize("optimizer", RULES[1:], ids=lambda rule: type(rule).__name__)
def test_the_optimizer_of_another_network_is_told_before_anything_moves(optimizer):
    first, second = (mlp([2, 3, 2], normalization="batch", seed=seed) for seed in (0, 1))
    fit(first, X, Y, optimizer=optimizer)
    states = [part.state_dict() for part in (second, optimizer)]
    for _ in range(2):
        with pytest.raises(ValueError, match="another network"):
            fit(second, X, Y, optimizer=optimizer)
    for part, before in zip((second, optimizer), states, strict=True):
        for name, value in part.state_dict().items():
            np.testing.assert_array_equal(value, before[name])


MISFITS = {
    "a row for all": ({"a": np.ones((1, 3)), "b": np.ones((1, 3))}, ["a has shape (3, 3)"]),
    "missing": ({"a": np.ones((3, 3))}, ["b has shape (1, 3), and its gradient is missing"]),
    "unknown": (
        {"a": np.ones((3, 3)), "b": np.ones((1, 3)), "c": np.ones((1, 1))},
        ["c has shape none, and its gradient has (1, 1)"],
    ),
    "all of it": (
        {"a": np.ones((3, 1)), "c": np.ones(2)},
        ["its gradient has (3, 1)", "b has shape (1, 3)", "c has shape none"],
    ),
    "a number": ({"a": 1.0, "b": np.ones((1, 3))}, ["a has shape (3, 3), and its gradient has ()"]),
}


@pytest.mark.parametrize("case", MISFITS)
@pytest.mark.parametrize("make", [SGD, Momentum, Adam, AdamW])
def test_gradients_that_do_not_fit_are_named_and_nothing_moves(make, case, refuses):
    parameters = {"a": np.eye(3), "b": np.ones((1, 3))}
    gradients, texts = MISFITS[case]
    optimizer = make(0.1)
    optimizer.step(parameters, {"a": np.ones((3, 3)), "b": np.ones((1, 3))})
    before = {name: value.copy() for name, value in parameters.items()}
    state = optimizer.state_dict()
    refuses(lambda: optimizer.step(parameters, gradients), ValueError, *texts, "nothing was moved")
    for name, value in parameters.items():
        np.testing.assert_array_equal(value, before[name])
    for name, value in optimizer.state_dict().items():
        np.testing.assert_array_equal(value, state[name])


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("make", [SGD, Momentum, Adam, AdamW])
@pytest.mark.parametrize(
    ("last", "error", "text"),
    [
        (lambda: read_only(np.ones((1, 3))), ValueError, "b is an array that cannot be written"),
        (lambda: [[1.0, 1.0, 1.0]], TypeError, "b is a list; expected is an array of floats"),
        (
            lambda: np.ones((1, 3), np.int64),
            TypeError,
            "b is int64; expected is an array of floats",
        ),
    ],
    ids=["read-only", "list", "integers"],
)
def test_a_parameter_that_cannot_move_keeps_all_where_they_are(make, last, error, text, refuses):
    parameters = {"a": np.eye(3), "b": last()}
    gradients = {"a": np.ones((3, 3)), "b": np.ones((1, 3))}
    refuses(lambda: make(0.1).step(parameters, gradients), error, text)
    np.testing.assert_array_equal(parameters["a"], np.eye(3))


@pytest.mark.parametrize("make", [SGD, Momentum, Adam, AdamW])
def test_a_step_does_not_warn_where_numbers_vanish(make):
    tiny = np.full((2, 2), 1e-300)
    optimizer, parameters = make(1e-10), {"w": tiny.copy()}
    with np.errstate(all="raise"):
        for _ in range(3):
            optimizer.step(parameters, {"w": tiny})
    assert np.isfinite(parameters["w"]).all()


def test_epsilon_stands_outside_the_root_and_after_the_correction():
    """Of Keras and scikit-learn, which add it before, the first step would be another."""
    gradient, eps = 1e-6, 1e-7
    for dtype in (np.float32, np.float64):
        ours, theirs = {"w": np.zeros((1, 1), dtype)}, torch.zeros(1, 1, requires_grad=True)
        Adam(1.0, eps=eps).step(ours, {"w": np.full((1, 1), gradient, dtype)})
        theirs.grad = torch.full((1, 1), gradient)
        torch.optim.Adam([theirs], lr=1.0, eps=eps).step()
        expected = -gradient / (gradient + eps)
        keras = -gradient * np.sqrt(0.001) / (np.sqrt(0.001) * gradient + eps)
        np.testing.assert_allclose(ours["w"], expected, rtol=1e-6)
        np.testing.assert_allclose(theirs.item(), expected, rtol=1e-6)
        assert abs(keras - expected) > 0.5


def test_settings_from_numpy_leave_float32_what_it_is():
    one, other = (mlp([2, 3, 2], seed=0, dtype=np.float32) for _ in range(2))
    x, y = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32), np.arange(9) % 2
    fit(one, x, y, optimizer=Adam(0.1, beta1=0.7, beta2=0.9, eps=1e-3), epochs=5)
    numbers = {"beta1": np.float64(0.7), "beta2": np.float64(0.9), "eps": np.float64(1e-3)}
    fit(other, x, y, optimizer=Adam(np.float64(0.1), **numbers), epochs=5)
    for name, value in one.parameters.items():
        np.testing.assert_array_equal(value, other.parameters[name])


@pytest.mark.parametrize("x", [X.tolist(), X.astype(int), X.astype(np.uint8)], ids=str)
def test_lists_and_integers_are_data(x):
    assert fit(mlp([2, 2]), x, Y, optimizer=SGD(0.1)).steps == 1


def test_multi_label_targets_have_an_accuracy():
    targets = np.column_stack([Y, 1 - Y]).astype(float)
    history = fit(
        mlp([2, 3, 2], seed=range(3)),
        X,
        targets,
        optimizer=SGD(0.1),
        loss="binary_cross_entropy",
        validation=(X, targets),
    )
    assert history.validation_accuracy.shape == (3, 1)


@pytest.mark.parametrize(
    ("loss", "y"), [("binary_cross_entropy", [[0], [0]]), ("cross_entropy", [0, 0])]
)
def test_an_output_that_is_no_number_is_no_right_answer(loss, y):
    outputs = np.array([[np.nan], [-1.0]])
    if loss == "cross_entropy":
        outputs = np.hstack([outputs, outputs - 1])
    assert training.score(get_loss(loss), outputs, np.array(y)) == 0.5


# ---------------------------------------------------------------------------------------------
# Steps that are made as a whole or not at all
# ---------------------------------------------------------------------------------------------

STEPPING = [SGD(0.1), Momentum(0.1), Adam(0.1), AdamW(0.1)]
NO_GRADIENTS = {
    "complex": (np.ones((1, 1), complex), TypeError, "b is complex128"),
    "text": (np.array([["1"]]), TypeError, "b is <U1"),
    "objects": (np.array([[1.0]], object), TypeError, "b is object"),
    "integers": (np.array([[1]]), TypeError, "b is int64"),
    "a list": ([[1.0]], TypeError, "b is a list"),
    "ragged": ([[1.0], [1.0, 2.0]], TypeError, "b is a list"),
    "None": (None, ValueError, "its gradient is missing"),
}


@pytest.mark.parametrize("case", NO_GRADIENTS)
@pytest.mark.parametrize("kind", STEPPING, ids=lambda o: type(o).__name__)
def test_a_gradient_of_a_wrong_kind_moves_nothing(kind, case, refuses):
    gradient, error, text = NO_GRADIENTS[case]
    optimizer = type(kind)(0.1)
    parameters = {"a": np.ones((1, 1)), "b": np.ones((1, 1))}
    optimizer.step(parameters, {name: np.ones((1, 1)) for name in parameters})
    copies = {name: value.copy() for name, value in parameters.items()}
    state = optimizer.state_dict()
    step = {"a": np.ones((1, 1)), "b": gradient}
    refuses(lambda: optimizer.step(parameters, step), error, text, "b")
    for name, value in copies.items():
        np.testing.assert_array_equal(parameters[name], value)
    for name, value in optimizer.state_dict().items():
        np.testing.assert_array_equal(state[name], value)


@pytest.mark.parametrize("kind", STEPPING, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("worst", [np.inf, 1e308, np.nan])
def test_a_step_is_not_interrupted_by_what_numpy_is_told_to_raise(kind, worst):
    optimizer = type(kind)(10.0)
    parameters = {"a": np.ones((1, 1)), "b": np.ones((1, 1))}
    with np.errstate(all="raise"):
        for _ in range(2):
            optimizer.step(parameters, {"a": np.full((1, 1), worst), "b": np.ones((1, 1))})
    assert parameters["b"] < 1


RAGGED = [[1.0], [1.0, 2.0]]
MALFORMED = {
    "momentum": (lambda: Momentum(0.1, momentum=RAGGED), ValueError, "momentum is ragged"),
    "beta1": (lambda: Adam(beta1=RAGGED), ValueError, "beta1 is ragged"),
    "eps": (lambda: Adam(eps=RAGGED), ValueError, "eps is ragged"),
    "limit": (
        lambda: fit(mlp([1, 1]), [[1.0]], [[0.0]], optimizer=SGD(0.1), clip_norm=RAGGED),
        ValueError, "clip_norm is ragged",
    ),
    "norm of a list": (lambda: clip_norm({"w": [[1.0]]}, 1), TypeError, "w is a list"),
    "values of a list": (lambda: clip_value({"w": [[1.0]]}, 1), TypeError, "w is a list"),
    "values of None": (lambda: clip_value({"w": None}, 1), TypeError, "w is a NoneType"),
    "norm of integers": (lambda: clip_norm({"w": np.eye(2, dtype=int)}, 1), TypeError, "w is int"),
    "parameters": (
        lambda: SGD(0.1).step({"w": [[1.0]]}, {"w": np.ones((1, 1))}), TypeError, "w is a list"
    ),
    "ragged parameters": (
        lambda: SGD(0.1).step({"w": RAGGED}, {"w": np.ones((1, 1))}), TypeError, "w is a list"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MALFORMED)
def test_lists_and_ragged_arguments_are_told_in_words(case, refuses):
    refuses(*MALFORMED[case])
