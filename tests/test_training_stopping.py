"""Early stopping against a loop that remembers the best, each replica as if it were alone."""

import numpy as np
import pytest
import torch
from training_helpers import Scale

from course_lib.network import Dense, Network, get_loss, mlp
from course_lib.network.layers import walk
from course_lib.training import SGD, fit
from course_lib.training.stopping import EarlyStopping


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


def early_stopping_of_keras():
    """Return Keras's early stopping, which then needs no model of its own."""
    pytest.importorskip("keras")
    from keras.callbacks import EarlyStopping

    return EarlyStopping


class Model:
    """What Keras's callback asks of a model."""

    stop_training = False
    optimizer = None


@pytest.mark.parametrize("min_delta", [0.0, 0.01, 0.1])
@pytest.mark.parametrize("patience", [1, 3])
def test_a_smallest_improvement_counts_as_in_keras(patience, min_delta):
    losses = np.exp(-np.arange(30) / 9) + np.random.default_rng(0).normal(scale=0.04, size=(5, 30))
    ours = EarlyStopping(patience, [5], min_delta)
    for column in losses.T:
        ours.after_epoch(column)
    for i, row in enumerate(losses):
        keras = early_stopping_of_keras()(
            "val_loss", min_delta=min_delta, patience=patience, mode="min"
        )
        keras.set_model(Model())
        keras.on_train_begin()
        epochs = 0
        while epochs < 30 and not keras.model.stop_training:
            keras.on_epoch_end(epochs, {"val_loss": row[epochs]})
            epochs += 1
        assert (ours.epochs[i], ours.best_epoch[i] - 1) == (epochs, keras.best_epoch)
    assert len(set(ours.epochs)) > 1


@pytest.mark.parametrize("min_delta", [0.01, 0.1])
def test_a_smallest_improvement_stops_each_replica_as_if_it_were_alone(min_delta):
    options = {"epochs": 40, "validation": VALIDATION, "patience": 2, "batch_size": None}
    rates = np.array([0.003, 0.02, 0.1, 0.3])
    together = overfitting(range(4))
    history = fit(together, *TRAIN, optimizer=SGD(rates), min_delta=min_delta, **options)
    plain = fit(overfitting(range(4)), *TRAIN, optimizer=SGD(rates), **options)
    assert (history.best_epoch <= plain.best_epoch).all()
    assert (history.best_epoch < plain.best_epoch).any()
    assert history.min_delta == min_delta
    for i, rate in enumerate(rates):
        alone = overfitting(i)
        own = fit(alone, *TRAIN, optimizer=SGD(rate), min_delta=min_delta, **options)
        assert history.best_epoch[i] == own.best_epoch
        np.testing.assert_allclose(together(TRAIN[0])[i], alone(TRAIN[0]), rtol=1e-9, atol=1e-11)


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


def test_what_replicas_share_has_no_best_epoch_and_is_told_before_the_training():
    layers = overfitting([3, 4]).layers
    network = Network([*layers[:2], Scale(), *layers[2:]])
    fit(network, *TRAIN, optimizer=SGD(0.1), validation=VALIDATION)
    before = state_of(network)
    with pytest.raises(ValueError, match=r"2.weight has shape \(1, 1\); expected .* replicas"):
        fit(network, *TRAIN, optimizer=SGD(0.1), validation=VALIDATION, patience=1)
    for now, then in zip(state_of(network), before, strict=True):
        np.testing.assert_array_equal(now, then)
