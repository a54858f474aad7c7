"""A history goes on where it ended, and what does not fit is named."""

import numpy as np
import pytest
from training_helpers import VALIDATION, X, Y, assert_same

from course_lib.network import mlp
from course_lib.training import SGD, History, fit

PATIENT = {"patience": 2, "validation": VALIDATION}


def history_of(seeds=0, **options):
    network = mlp([3, 4, 2], seed=seeds)
    return network, fit(network, X, Y, optimizer=SGD(0.1), epochs=3, **options)


def go_on(history, network=None, **options):
    return fit(network or mlp([3, 4, 2]), X, Y, optimizer=SGD(0.1), history=history, **options)


BAD_HISTORIES = {
    "a state": (
        lambda: go_on(history_of()[1].state_dict()), TypeError, ["a dict", "from_state_dict"]
    ),
    "replicas": (lambda: go_on(history_of([1, 2])[1]), ValueError, ["(2,)", "this network ()"]),
    "patience": (
        lambda: go_on(history_of(**PATIENT)[1], patience=3, validation=VALIDATION),
        ValueError, ["patience 2", "has 3", "pass the same"],
    ),
    "no patience before": (
        lambda: go_on(history_of(validation=VALIDATION)[1], **PATIENT),
        ValueError, ["patience None", "has 2"],
    ),
    "smallest improvement": (
        lambda: go_on(history_of(**PATIENT)[1], min_delta=0.1, **PATIENT),
        ValueError, ["min_delta 0.0", "has 0.1", "pass the same"],
    ),
    "a smallest improvement below 0": (
        lambda: History.from_state_dict(
            history_of()[1].state_dict() | {"min_delta": np.array(-1.0)}
        ),
        ValueError, ["min_delta is -1.0", "from 0 on"],
    ),
    "no validation now": (
        lambda: go_on(history_of(validation=VALIDATION)[1]), ValueError, ["validation is None"]
    ),
    "no validation before": (
        lambda: go_on(history_of()[1], validation=VALIDATION),
        ValueError, ["no validation losses", "in all calls or in none"],
    ),
    "another network": (
        lambda: go_on(history_of(**PATIENT)[1], mlp([3, 5, 2]), **PATIENT),
        ValueError, ["0.weight has shape (3, 4), expected (3, 5)"],
    ),
    "an incomplete state": (
        lambda: History.from_state_dict({"steps": 1, "extra": 1.0}),
        ValueError, ["train_loss is missing", "extra is unknown", "version is missing"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_HISTORIES)
def test_a_history_that_does_not_fit_is_told(case, refuses):
    call, error, texts = BAD_HISTORIES[case]
    refuses(call, error, *texts)


def test_a_history_that_does_not_fit_leaves_the_network_as_it_was():
    _, history = history_of(**PATIENT)
    network = mlp([3, 5, 2], seed=1)
    before = network.state_dict()
    with pytest.raises(ValueError, match="expected"):
        go_on(history, network, **PATIENT)
    assert_same(network.state_dict(), before)


PLAIN = History(np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3)), 6, np.array([3, 1])).state_dict()


CONTRADICTIONS = {
    "steps that are none": ({"steps": np.array(-1)}, "steps is -1"),
    "steps in halves": ({"steps": np.array(1.5)}, "steps is 1.5"),
    "several steps": ({"steps": np.array([1, 2])}, "steps is [1 2]"),
    "patience": ({"patience": np.array(-2)}, "patience is -2"),
    "a patience that is true": ({"patience": np.array(True)}, "patience is True"),
    "one loss": ({"train_loss": np.array(1.0)}, "train_loss is float64 of shape ()"),
    "losses of integers": ({"train_loss": np.ones((2, 3), np.int64)}, "train_loss is int64"),
    "fewer losses": ({"validation_loss": np.ones((2, 2))}, "validation_loss is float64 of shape"),
    "other replicas": ({"validation_accuracy": np.ones((3, 3))}, "validation_accuracy is"),
    "no accuracy": ({"validation_accuracy": np.ones((2, 0))}, "have different shapes"),
    "one best epoch": ({"best_epoch": np.array(1, np.int64)}, "best_epoch is int64 of shape ()"),
    "half an epoch": ({"best_epoch": np.array([0.5, 1])}, "best_epoch is float64"),
    "an epoch to come": ({"best_epoch": np.array([4, 1])}, "best_epoch is [4 1]"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_entries_of_a_history_that_do_not_go_together_are_named(case, refuses):
    entries, text = CONTRADICTIONS[case]
    refuses(lambda: History.from_state_dict(PLAIN | entries), ValueError, text)
    assert_same(History.from_state_dict(PLAIN).state_dict(), PLAIN)


def test_histories_of_earlier_releases_go_on():
    state = history_of(**PATIENT)[1].state_dict()
    old = {name: value for name, value in state.items() if name != "min_delta"}
    assert_same(History.from_state_dict(old).state_dict(), state)
