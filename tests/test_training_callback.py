"""The callback of `fit`: what it is told, when, and what ends a training."""

import numpy as np
import pytest
from training_helpers import VALIDATION, X, Y, assert_same

from course_lib.network import cross_entropy, mlp
from course_lib.training import SGD, Epoch, accuracy, fit

SEEDS = {"one network": 0, "replicas": range(3), "no replica axis of one": [4]}
PATIENT = {"validation": VALIDATION, "patience": 2, "batch_size": None}


def train(seed=0, callback=None, epochs=6, rate=0.1, network=None, **options):
    """Return a network, its history and the epochs that its callback was told of."""
    network, seen = network or mlp([3, 9, 2], seed=seed), []

    def remember(trained, epoch):
        assert trained is network
        seen.append(epoch)
        return None if callback is None else callback(trained, epoch)

    history = fit(
        network, X, Y, optimizer=SGD(rate), epochs=epochs, callback=remember,
        **{"batch_size": 8} | options,
    )  # fmt: skip
    return network, history, seen


@pytest.mark.parametrize("validation", [None, VALIDATION], ids=["without", "with"])
@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS)
def test_it_is_told_what_the_history_will_say(seed, validation):
    network, history, seen = train(seed, validation=validation)
    assert [epoch.number for epoch in seen] == [1, 2, 3, 4, 5, 6]
    assert [epoch.steps for epoch in seen] == [3, 6, 9, 12, 15, 18]
    for name in ("train_loss", "validation_loss", "validation_accuracy"):
        told = [getattr(epoch, name) for epoch in seen]
        if validation is None and name != "train_loss":
            assert told == [None] * 6
        else:
            np.testing.assert_array_equal(np.stack(told, axis=-1), getattr(history, name))
            assert np.shape(told[0]) == network.replicas
    for epoch in seen:
        assert isinstance(epoch, Epoch)
        assert epoch.running.shape == epoch.best_epoch.shape == network.replicas
        assert epoch.running.all()
        assert (epoch.best_epoch == epoch.number).all()


@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS)
def test_it_changes_nothing(seed):
    network, history, _ = train(seed, validation=VALIDATION)
    twin = mlp([3, 9, 2], seed=seed)
    expected = fit(twin, X, Y, optimizer=SGD(0.1), epochs=6, batch_size=8, validation=VALIDATION)
    assert_same(network.state_dict(), twin.state_dict())
    assert_same(history.state_dict(), expected.state_dict())


def test_it_sees_the_network_of_its_epoch_after_the_validation():
    seen = []

    def look(network, epoch):
        outputs = network(VALIDATION[0])
        np.testing.assert_array_equal(epoch.validation_loss, cross_entropy(outputs, VALIDATION[1]))
        np.testing.assert_array_equal(epoch.validation_accuracy, accuracy(outputs, VALIDATION[1]))
        seen.append({name: value.copy() for name, value in network.parameters.items()})

    train(range(3), look, rate=3.0, validation=VALIDATION, patience=9)
    twin = mlp([3, 9, 2], seed=range(3))
    fit(twin, X, Y, optimizer=SGD(3.0), epochs=len(seen), batch_size=8)
    for name, value in twin.parameters.items():
        np.testing.assert_array_equal(seen[-1][name], value)


@pytest.mark.parametrize("answer", [True, np.True_], ids=["True", "NumPy's True"])
def test_a_training_ends_where_it_returns_true(answer):
    network, history, seen = train(range(2), lambda network, epoch: answer and epoch.number == 4)
    twin, expected, _ = train(range(2), epochs=4)
    assert len(seen) == 4
    assert_same(network.state_dict(), twin.state_dict())
    assert_same(history.state_dict(), expected.state_dict())


def test_a_training_goes_on_after_it():
    optimizer, network = SGD(0.1), mlp([3, 9, 2], seed=[1, 2])
    options = {"optimizer": optimizer, "batch_size": 8, "validation": VALIDATION, "patience": 9}
    numbers = []

    def after_two(network, epoch):
        numbers.append(epoch.number)
        return epoch.number % 2 == 0

    history = None
    for _ in range(3):
        history = fit(network, X, Y, epochs=9, callback=after_two, history=history, **options)
    whole = mlp([3, 9, 2], seed=[1, 2])
    expected = fit(whole, X, Y, epochs=6, **options | {"optimizer": SGD(0.1)})
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert_same(history.state_dict(), expected.state_dict())
    assert_same(network.state_dict(), whole.state_dict())


def test_patience_has_judged_the_epoch_before_and_the_best_weights_come_after():
    """Replicas that stop one by one: told when they stop, NaN from then on, restored at the end."""
    rates = [0.02, 4.0, 20.0]
    best = {}

    def keep(network, epoch):
        for i in np.flatnonzero(np.atleast_1d(epoch.best_epoch == epoch.number)):
            best[i] = network.replica(i)

    network, history, seen = train(range(3), keep, epochs=30, rate=rates, **PATIENT)
    ends = [next(e.number for e in seen if not e.running[i]) for i in range(3) if i]
    assert len(set(ends)) == 2
    assert len(seen) == history.train_loss.shape[-1]
    for i, end in zip((1, 2), ends, strict=True):
        told = np.array([epoch.train_loss[i] for epoch in seen])
        np.testing.assert_array_equal(told, history.train_loss[i])
        assert np.isnan(told[end:]).all()
        assert np.isfinite(told[:end]).all()
    for i, replica in best.items():
        assert_same(network.replica(i).state_dict(), replica.state_dict())
    np.testing.assert_array_equal(seen[-1].best_epoch, history.best_epoch)


def test_an_end_with_patience_leaves_the_best_weights():
    network, history, seen = train(
        3, lambda network, epoch: epoch.number == epoch.best_epoch + 1, epochs=30, rate=4.0,
        **PATIENT,
    )  # fmt: skip
    twin, _, _ = train(3, epochs=int(history.best_epoch), rate=4.0, batch_size=None)
    assert len(seen) == history.best_epoch + 1 == history.train_loss.size
    assert_same(network.state_dict(), twin.state_dict())


@pytest.mark.parametrize("options", [{}, PATIENT], ids=["without patience", "with patience"])
@pytest.mark.parametrize("error", [RuntimeError("enough"), KeyboardInterrupt()], ids=repr)
def test_its_errors_end_the_training_like_an_interruption(error, options):
    def fail(network, epoch):
        if epoch.number == 3:
            raise error

    network, optimizer = mlp([3, 9, 2], seed=[1, 2]), SGD(4.0)
    options = {"batch_size": None} | options
    with pytest.raises(type(error)):
        fit(network, X, Y, optimizer=optimizer, epochs=9, callback=fail, **options)
    twin = mlp([3, 9, 2], seed=[1, 2])
    fit(twin, X, Y, optimizer=SGD(4.0), epochs=3, **options)
    assert_same(network.state_dict(), twin.state_dict())
    assert optimizer.steps == 3


def test_what_it_writes_is_trained_on():
    def freeze(network, epoch):
        network.parameters["0.bias"][...] = 0

    network, _, _ = train(0, freeze)
    assert not network.parameters["0.bias"].any()
    assert network.parameters["2.bias"].any()


ANSWERS = {
    "an array": lambda network, epoch: epoch.train_loss < 9,
    "a number": lambda network, epoch: 1,
    "text": lambda network, epoch: "stop",
    "the network": lambda network, epoch: network,
}


@pytest.mark.parametrize("case", ANSWERS)
def test_another_answer_is_told_and_the_network_keeps_its_epoch(case, refuses):
    network = mlp([3, 9, 2], seed=range(2))
    refuses(
        lambda: train(network=network, callback=ANSWERS[case]),
        TypeError, "callback returned", "after epoch 1", "expected True to end", ".all()",
    )  # fmt: skip
    assert_same(network.state_dict(), train(range(2), epochs=1)[0].state_dict())


def test_a_callback_of_other_arguments_is_found_before_a_step():
    network = mlp([3, 4, 2])
    before = network.state_dict()
    with pytest.raises(TypeError, match=r"function of other arguments; expected .* and the epoch"):
        fit(network, X, Y, optimizer=SGD(0.1), callback=lambda epoch: None, progress=False)
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
