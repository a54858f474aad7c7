"""`fit` against separate trainings, loops written out, and PyTorch."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from network_helpers import targets_for
from together import together

from course_lib import data
from course_lib.activations import CATALOGUE
from course_lib.network import LOSSES, Dense, Network, mlp
from course_lib.training import SGD, Adam, fit


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
    y = y if loss == "cross_entropy" else targets_for(loss, rng.uniform(size=(n, 2)))
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


@together("seeds", [0, range(3)])
@pytest.mark.parametrize("loss", LOSSES)
@together("with_validation", [False, True])
def test_history_has_the_replica_axis_first_and_the_epochs_last(seeds, loss, with_validation):
    x, y = data.moons(10)
    y = y if loss == "cross_entropy" else targets_for(loss, np.eye(2)[y])
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
    nan = not loss.endswith("cross_entropy")
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
    return x, targets_for(loss, rng.uniform(size=(*leading, n, 2)))


@together("dtype", [np.float32, np.float64])
@together("batch_size", [None, 4])
@together("orders", [7, [4, 5, 6]])
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


def test_a_diverging_training_ends_without_a_warning():
    x, y = data.moons(10)
    network = mlp([2, 4, 2], "identity")
    rule = {"loss": "mean_squared_error", "epochs": 60}
    history = fit(network, x, np.eye(2)[y], optimizer=SGD(1e6), **rule)
    assert not np.isfinite(history.train_loss[-1])


X, Y = np.zeros((4, 2)), np.zeros(4, int)


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
