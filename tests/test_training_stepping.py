"""Steps are made as a whole or not at all, and an optimizer's state goes on where it stood."""

from dataclasses import dataclass

import numpy as np
import pytest
from together import together
from training_helpers import OPTIMIZERS, X, Y, assert_same, through_file

from course_lib.network import mlp
from course_lib.training import SGD, Adam, AdamW, Momentum, fit, stepping


@pytest.mark.parametrize("optimizer", [Momentum(0.1), Adam(0.1)], ids=["momentum", "adam"])
def test_an_optimizer_with_a_memory_serves_one_network(optimizer):
    first, second = (mlp([3, 3, 2], seed=seed) for seed in (0, 1))
    fit(first, X, Y, optimizer=optimizer)
    fit(first, X, Y, optimizer=optimizer)  # going on with the same network is what it is for
    with pytest.raises(ValueError, match="another network"):
        fit(second, X, Y, optimizer=optimizer)


RULES = [SGD(0.1), Momentum(0.1), Adam(0.1), AdamW(0.1)]


@pytest.mark.parametrize("optimizer", RULES[1:], ids=lambda rule: type(rule).__name__)
def test_the_optimizer_of_another_network_is_told_before_anything_moves(optimizer):
    first, second = (mlp([3, 3, 2], normalization="batch", seed=seed) for seed in (0, 1))
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


@together("case", MISFITS)
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


@together("make", [SGD, Momentum, Adam, AdamW])
@pytest.mark.parametrize(
    ("last", "error", "text"),
    [
        (lambda: read_only(np.ones((1, 3))), ValueError, "b is an array that cannot be written"),
        (lambda: [[1.0, 1.0, 1.0]], TypeError, "b is a list; expected an array of floats"),
        (
            lambda: np.ones((1, 3), np.int64),
            TypeError,
            "b is int64; expected an array of floats",
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


STEPPING = [SGD(0.1), Momentum(0.1), Adam(0.1), AdamW(0.1)]
NO_GRADIENTS = {
    "complex": (np.ones((1, 1), complex), TypeError, "b is complex128"),
    "text": (np.array([["1"]]), TypeError, "b is <U1"),
    "objects": (np.array([[1.0]], object), TypeError, "b is object"),
    "integers": (np.array([[1]], np.int64), TypeError, "b is int64"),
    "a list": ([[1.0]], TypeError, "b is a list"),
    "ragged": ([[1.0], [1.0, 2.0]], TypeError, "b is a list"),
    "None": (None, ValueError, "its gradient is missing"),
}


@together("case", NO_GRADIENTS)
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


@together("kind", STEPPING)
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


# ---------------------------------------------------------------------------------------------
# The state
# ---------------------------------------------------------------------------------------------


def some_steps(optimizer, parameters, rounds, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        optimizer.step(parameters, {n: rng.normal(size=v.shape) for n, v in parameters.items()})


def some_parameters():
    return {"w": np.ones((2, 3, 4)), "b": np.zeros((2, 1, 4))}


@pytest.mark.parametrize("rate", [0.1, np.array([0.1, 0.3]), 1], ids=["one", "two", "integer"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_goes_on_with_settings_and_memory(name, rate, tmp_path):
    parameters, own = some_parameters(), OPTIMIZERS[name](rate)
    some_steps(own, parameters, 3)
    copies = {key: value.copy() for key, value in parameters.items()}
    other = type(own)(9.0)
    other.load_state_dict(through_file(own.state_dict(), tmp_path, name))
    some_steps(own, parameters, 3, seed=1)
    some_steps(other, copies, 3, seed=1)
    assert_same(parameters, copies)
    assert_same(own.state_dict(), other.state_dict())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_stored_state_is_not_moved_by_the_steps_that_follow(name):
    parameters, own = some_parameters(), OPTIMIZERS[name](0.1)
    some_steps(own, parameters, 2)
    state, other = own.state_dict(), type(own)(9.0)
    before = {key: value.copy() for key, value in state.items()}
    other.load_state_dict(state)
    some_steps(other, {key: value.copy() for key, value in parameters.items()}, 2)
    some_steps(own, parameters, 2)
    assert_same(state, before)


def changed(state, without=(), **entries):
    """Return a state with other entries, whose names have _ for a dot."""
    named = {name.replace("_", ".", 1): value for name, value in entries.items()}
    return {name: value for name, value in state.items() if name not in without} | named


MADE = {"w": np.ones((1, 2))}
TRAINED = Adam(0.1)
TRAINED.step(MADE, {"w": np.ones((1, 2))})
BAD_MEMORIES = {
    "missing": (
        lambda s: changed(s, ["mean.w", "beta1"]), ["mean.w is missing", "beta1 is missing"]
    ),
    "half of it": (lambda s: changed(s, ["square.w"]), ["square.w is missing", "this Adam"]),
    "unknown": (lambda s: changed(s, **{"velocity_w": 1.0}), ["velocity.w is unknown"]),
    "apart": (
        lambda s: changed(s, **{"square_w": np.ones(3)}), ["square.w has shape (3,), expected (1"]
    ),
    "a setting": (lambda s: {**s, "beta1": np.array(1.5)}, ["beta1 is 1.5"]),
    "steps": (lambda s: {**s, "steps": np.array(-1)}, ["steps is -1"]),
    "half a step": (lambda s: {**s, "steps": np.array(0.5)}, ["steps is 0.5"]),
    "version": (lambda s: {**s, "version": np.array(9)}, ["version is 9"]),
    "another optimizer": (lambda s: SGD(0.1).state_dict(), ["that of SGD", "is Adam"]),
    "its decaying twin": (lambda s: AdamW(0.1).state_dict(), ["that of AdamW", "is Adam"]),
    "no class": (lambda s: changed(s, ["class"]), ["class is missing", "this Adam"]),
    "a class of numbers": (lambda s: {**s, "class": np.array(1.0)}, ["that of 1.0"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_MEMORIES)
def test_a_memory_that_does_not_fit_is_named_and_the_optimizer_stays(case, refuses):
    change, texts = BAD_MEMORIES[case]
    optimizer, parameters = Adam(0.2), {"v": np.ones((2, 1))}
    optimizer.step(parameters, {"v": np.ones((2, 1))})
    before = optimizer.state_dict()
    refuses(lambda: optimizer.load_state_dict(change(TRAINED.state_dict())), ValueError, *texts)
    assert_same(optimizer.state_dict(), before)
    optimizer.step(parameters, {"v": np.ones((2, 1))})  # it still serves the same parameters


def test_a_loaded_memory_serves_the_network_it_is_for_alone():
    network, optimizer = mlp([3, 4, 2], seed=0), Momentum(0.1)
    fit(network, X, Y, optimizer=optimizer)
    for other in (mlp([3, 5, 2]), mlp([3, 4, 4, 2]), mlp([3, 4, 2], dtype=np.float32)):
        loaded = Momentum(0.1)
        loaded.load_state_dict(optimizer.state_dict())
        before = other.state_dict()
        with pytest.raises(ValueError, match="has loaded is for other parameters"):
            fit(other, X.astype(other.dtype), Y, optimizer=loaded)
        assert_same(other.state_dict(), before)
    loaded.load_state_dict(optimizer.state_dict())
    fit(network, X, Y, optimizer=loaded)


# ---------------------------------------------------------------------------------------------
# Pieces, and what is kept from one step to the next
# ---------------------------------------------------------------------------------------------


def cut(monkeypatch, size):
    """Let parameters with more numbers move in pieces of so many."""
    monkeypatch.setattr(stepping, "PIECE", size)
    monkeypatch.setattr(stepping, "LARGE", size)


def steps_of(make, size, monkeypatch, shapes, rate):
    """Return parameters after three steps in pieces of a size."""
    cut(monkeypatch, size)
    rng = np.random.default_rng(0)
    parameters = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    optimizer = make(rate)
    some_steps(optimizer, parameters, 3)
    return parameters | optimizer.state_dict()


@pytest.mark.parametrize("rate", [0.1, np.array([0.1, 0.3])], ids=["one", "two"])
@pytest.mark.parametrize("size", [1, 5, 24])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_in_pieces_equals_a_step_at_once(name, size, rate, monkeypatch):
    shapes = {"w": (2, 7, 5), "b": (2, 1, 50)}
    whole = steps_of(OPTIMIZERS[name], 2**20, monkeypatch, shapes, rate)
    assert_same(steps_of(OPTIMIZERS[name], size, monkeypatch, shapes, rate), whole)


@pytest.mark.parametrize("shape", [(), (3,), (1, 9), (4, 1), (2, 3, 7), (1, 1, 30), (2, 1, 3, 4)])
def test_pieces_hold_each_number_once_and_the_settings_of_its_replica(shape, monkeypatch):
    cut(monkeypatch, 4)
    values = np.zeros(shape)
    settings = np.arange(np.prod(shape[:-2]) or 1.0).reshape((*shape[:-2], *[1] * len(shape[-2:])))
    for part, setting, alone in stepping.pieces(values, settings, np.array(1.0)):
        assert part.size <= 4 and alone == 1
        part += 1 + setting
    np.testing.assert_array_equal(values, np.broadcast_to(1 + settings, shape))


def test_a_gradient_that_is_a_view_of_its_parameter_is_read_before_that_moves(monkeypatch):
    cut(monkeypatch, 2)
    w = np.arange(9.0).reshape(3, 3)
    expected = w - 0.5 * w.T
    SGD(0.5).step({"w": w}, {"w": w.T})
    np.testing.assert_array_equal(w, expected)


def test_a_step_hears_of_every_change_of_a_setting():
    w, ones = {"w": np.zeros((2, 1, 1))}, {"w": np.ones((2, 1, 1))}
    rates = np.array([1.0, 2.0])
    optimizer = SGD(rates)
    optimizer.step(w, ones)
    rates[0] = 4.0  # the optimizer's own array
    optimizer.step(w, ones)
    optimizer.learning_rate = 8.0
    optimizer.step(w, ones)
    optimizer.weight_decay = 1.0
    optimizer.step(w, {"w": np.zeros((2, 1, 1))})
    np.testing.assert_array_equal(w["w"].ravel(), [-13 + 8 * 13, -12 + 8 * 12])


def test_a_parameter_that_became_read_only_is_told_in_the_next_step(refuses):
    w, ones = {"w": np.zeros((1, 1))}, {"w": np.ones((1, 1))}
    optimizer = SGD(1.0)
    optimizer.step(w, ones)
    read_only(w["w"])
    refuses(lambda: optimizer.step(w, ones), ValueError, "w is an array that cannot be written")


def test_an_optimizer_without_an_update_says_so():
    @dataclass
    class Nothing(stepping.Stepping):
        learning_rate: float = 0.1
        weight_decay: float = 0.0

    with pytest.raises(NotImplementedError, match="Nothing has neither an update nor a step"):
        Nothing().step({"w": np.ones((1, 1))}, {"w": np.ones((1, 1))})
