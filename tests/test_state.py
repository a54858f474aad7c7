"""States: what is stored goes on as if it had never stopped, and what does not fit changes nothing.

Trainings in pieces are compared with one in a piece, to the last bit; the order of the batches with
a loop that draws it.
"""

import subprocess
import sys

import numpy as np
import pytest
import torch

from course_lib.network import Activate, Dense, Dropout, Network, PReLU, mlp
from course_lib.network.seeds import generator_state, set_generator_state, stream
from course_lib.training import SGD, Adam, AdamW, History, Momentum, fit

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(22, 3)), RNG.integers(0, 2, 22)
VALIDATION = RNG.normal(size=(30, 3)), RNG.integers(0, 2, 30)
OPTIMIZERS = {
    "SGD": lambda rate: SGD(rate, weight_decay=0.01),
    "Momentum": lambda rate: Momentum(rate, momentum=0.8),
    "Adam": lambda rate: Adam(rate, beta1=0.7, weight_decay=0.1),
    "AdamW": AdamW,
}
EVERYTHING = {"normalization": "batch", "dropout": 0.3, "residual": True}


def with_prelu(seed, dtype=np.float64):
    """Return a network whose rectifiers learn, one replica for each seed."""
    first, last = (mlp(sizes, seed=seed, dtype=dtype).layers[0] for sizes in ([3, 4], [4, 2]))
    return Network([first, PReLU(np.full_like(first.parameters["bias"], 0.25)), last])


NETWORKS = {
    "plain": lambda seed, dtype: mlp([3, 4, 2], "tanh", seed=seed, dtype=dtype),
    "everything": lambda seed, dtype: mlp([3, 4, 4, 2], seed=seed, dtype=dtype, **EVERYTHING),
    "self-normalizing": lambda seed, dtype: mlp(
        [3, 4, 2], "selu", seed=seed, dtype=dtype, dropout=0.2, alpha_dropout=True
    ),
    "layer normalization": lambda seed, dtype: mlp(
        [3, 4, 2], seed=seed, dtype=dtype, normalization="layer"
    ),
    "prelu": with_prelu,
}


def assert_same(one, other):
    """Check that two states have the same names, dtypes and bits."""
    assert list(one) == list(other)
    for name, value in one.items():
        assert value.dtype == other[name].dtype, name
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def through_file(state, folder, name):
    """Return a state that was stored and opened."""
    np.savez(folder / name, **state)
    return np.load(folder / f"{name}.npz", allow_pickle=False)


def train(make_network, make_optimizer, pieces, folder=None, **options):
    """Train in pieces; with a folder, in new objects made from files after each piece."""
    network, optimizer, history = make_network(), make_optimizer(), None
    for epochs in pieces:
        if folder is not None and history is not None:
            states = [part.state_dict() for part in (network, optimizer, history)]
            network, optimizer = make_network(), make_optimizer()
            files = [through_file(s, folder, str(i)) for i, s in enumerate(states)]
            network.load_state_dict(files[0])
            optimizer.load_state_dict(files[1])
            history = History.from_state_dict(files[2])
        history = fit(network, optimizer=optimizer, epochs=epochs, history=history, **options)
    return network, optimizer, history


CASES = {
    "one network": {},
    "an order for all": {"seeds": range(3)},
    "orders of their own": {"seeds": range(3), "seed": [5, 6, 7]},
    "data of their own": {"seeds": range(2), "own": True, "seed": [1, 2]},
    "whole batches": {"seeds": range(2), "batch_size": None},
    "early stopping": {"seeds": range(3), "patience": 3, "validation": VALIDATION},
    "validation": {"validation": VALIDATION},
}


@pytest.mark.parametrize(
    ("stored", "dtype"), [(False, np.float64), (True, np.float32)], ids=["going on", "stored"]
)
@pytest.mark.parametrize(
    ("case", "kind", "rule"),
    [(case, "everything", "Adam") for case in CASES]
    + [("orders of their own", kind, "Momentum") for kind in NETWORKS]
    + [("early stopping", "everything", rule) for rule in OPTIMIZERS],
)
def test_training_in_pieces_equals_training_in_one(case, kind, rule, dtype, stored, tmp_path):
    options = {"batch_size": 8, "seed": 4} | CASES[case]
    seeds, own = options.pop("seeds", 7), options.pop("own", False)
    x, y = X.astype(dtype), Y
    if own:
        x, y = np.stack([x, -x[::-1]]), np.stack([y, y[::-1]])
    if "validation" in options:
        options["validation"] = (VALIDATION[0].astype(dtype), VALIDATION[1])
    rates = np.geomspace(0.02, 0.2, len(seeds)) if isinstance(seeds, range) else 0.1
    ends = [
        train(
            lambda: NETWORKS[kind](seeds, dtype), lambda: OPTIMIZERS[rule](rates), pieces,
            tmp_path if stored else None, x=x, y=y, **options,
        )
        for pieces in ([10], [5, 5], [1, 2, 3, 4])
    ]  # fmt: skip
    for pieces in ends[1:]:
        for one, other in zip(ends[0], pieces, strict=True):
            assert_same(one.state_dict(), other.state_dict())
    if case == "early stopping":
        stopped = np.isnan(ends[0][2].train_loss).any(axis=-1)
        assert (ends[0][2].best_epoch < ends[0][2].train_loss.shape[-1]).any()
        assert stopped.any() or rule != "Adam"  # some stop before the last piece


def test_early_stopping_is_over_when_it_is_over():
    options = {"batch_size": 8, "patience": 2, "validation": VALIDATION}
    network, optimizer = mlp([3, 9, 2], seed=0), SGD(2.0)
    history = fit(network, X, Y, optimizer=optimizer, epochs=50, **options)
    assert history.train_loss.size < 50
    before = network.state_dict()
    again = fit(network, X, Y, optimizer=optimizer, epochs=5, history=history, **options)
    assert_same(again.state_dict(), history.state_dict())
    assert_same(network.state_dict(), before)


def test_a_history_moves_the_order_of_batches_as_one_generator_draws_it():
    network, twin = mlp([3, 4, 2], seed=0), mlp([3, 4, 2], seed=0)
    history = None
    for epochs in (1, 2):
        history = fit(
            network, X, Y, optimizer=SGD(0.1), epochs=epochs, batch_size=8, seed=3, history=history
        )
    rng = stream(3, "batches")
    for _ in range(3):
        order = rng.permutation(22)
        for start in (0, 8, 16):
            batch = order[start : start + 8]
            _, gradients = twin.loss_and_gradients(X[batch], Y[batch])
            for name, value in twin.parameters.items():
                value -= 0.1 * gradients[name]
    assert_same(network.state_dict(), twin.state_dict())
    assert history.steps == 9


PROGRAM = """
import sys
import numpy as np
from course_lib.network import mlp
from course_lib.training import AdamW, History, fit
folder = sys.argv[1]
opened = [np.load(f"{folder}/{part}.npz", allow_pickle=False) for part in "nohd"]
network, optimizer = mlp([3, 4, 4, 2], seed=[8, 9], normalization="batch", dropout=0.3), AdamW(1.0)
network.load_state_dict(opened[0])
optimizer.load_state_dict(opened[1])
fit(
    network, opened[3]["x"], opened[3]["y"], optimizer=optimizer, epochs=5, batch_size=8,
    history=History.from_state_dict(opened[2]),
)
np.savez(f"{folder}/end.npz", **network.state_dict())
"""


def test_a_training_goes_on_in_another_process(tmp_path):
    options = {"optimizer": AdamW(0.05), "batch_size": 8}
    network, whole = (
        mlp([3, 4, 4, 2], seed=[1, 2], normalization="batch", dropout=0.3) for _ in range(2)
    )
    fit(whole, X, Y, epochs=10, optimizer=AdamW(0.05), batch_size=8)
    history = fit(network, X, Y, epochs=5, **options)
    parts = {"n": network, "o": options["optimizer"], "h": history}
    for name, part in parts.items():
        np.savez(tmp_path / name, **part.state_dict())
    np.savez(tmp_path / "d", x=X, y=Y)
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=True)
    assert_same(dict(np.load(tmp_path / "end.npz")), whole.state_dict())


# ---------------------------------------------------------------------------------------------
# A network's state
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [3, range(2)], ids=["one", "two"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_state_is_a_copy_that_carries_everything(kind, seeds):
    network, twin = NETWORKS[kind](seeds, np.float64), NETWORKS[kind](seeds, np.float64)
    twin.forward(X, training=True)
    fit(network, X, Y, optimizer=SGD(0.1))
    state = network.state_dict()
    outputs = network(X)
    views = [value[...] for value in twin.parameters.values()]
    twin.load_state_dict(state)
    np.testing.assert_array_equal(twin(X), outputs)
    for view, value in zip(views, network.parameters.values(), strict=True):
        np.testing.assert_array_equal(view, value)  # overwritten in place
    masked = [n.forward(X, training=True) for n in (network, twin)]
    np.testing.assert_array_equal(*masked)
    fit(network, X, Y, optimizer=SGD(0.1))
    changed = [name for name, value in network.parameters.items() if (value != state[name]).any()]
    assert changed == list(network.parameters)  # the state stayed as it was


def test_only_parameters_loses_the_running_averages_and_a_state_does_not():
    network = mlp([3, 8, 2], normalization="batch", seed=1)
    fit(network, X * 30 + 50, Y, optimizer=Adam(0.05), epochs=30, batch_size=11)
    twin = mlp([3, 8, 2], normalization="batch", seed=2)
    twin.load_parameters(network.parameters)
    assert not np.allclose(twin(X), network(X))
    twin.load_state_dict(network.state_dict())
    np.testing.assert_array_equal(twin(X), network(X))


def test_running_averages_and_parameters_have_the_values_of_pytorch():
    network = mlp([3, 4, 2], normalization="batch", seed=1)
    network.forward(X, training=True)
    layer = torch.nn.BatchNorm1d(4, dtype=torch.float64)
    hidden = X @ network.parameters["0.weight"] + network.parameters["0.bias"]
    layer(torch.tensor(hidden))
    theirs, ours = layer.state_dict(), network.state_dict()
    pairs = {"running_mean": "running_mean", "running_var": "running_variance"}
    for their_name, name in pairs.items():
        np.testing.assert_allclose(ours[f"1.{name}"][0], theirs[their_name], rtol=1e-12)


@pytest.mark.parametrize("draws", range(6))
def test_a_generator_goes_on_from_its_six_numbers(draws):
    rng, other = stream(1, "dropout"), stream(2, "dropout")
    rng.random(draws, dtype=np.float32)  # an odd number leaves half a draw
    words = generator_state(rng)
    assert words.dtype == np.uint64
    state = rng.bit_generator.state
    assert (int(words[0]) << 64) + int(words[1]) == state["state"]["state"]
    assert int(words[4]) == draws % 2
    set_generator_state(other, words)
    assert other.bit_generator.state == state


class Scale:
    """A layer of a reader's own that only learns."""

    def __init__(self):
        self.parameters, self.gradients = {"weight": np.ones((1, 1))}, {}

    def forward(self, x):
        self.x = x
        return x * self.parameters["weight"]

    def backward(self, grad_output, *, to_input=True):
        self.gradients["weight"] = (grad_output * self.x).sum(keepdims=True)
        return grad_output * self.parameters["weight"]


class Counter(Scale):
    """One that carries a count as well."""

    count = 0
    broken = False

    def forward(self, x):
        self.count += 1
        return super().forward(x)

    def get_extra_state(self):
        return {"count": np.array(self.count)}

    def set_extra_state(self, state):
        if self.broken:
            self.broken = False
            raise RuntimeError("cannot count")
        self.count = int(state["count"])


def own_network(kind, seed=0):
    return Network([*mlp([3, 4], seed=seed).layers, kind(), *mlp([4, 2], seed=seed).layers])


@pytest.mark.parametrize("kind", [Scale, Counter])
def test_layers_of_a_reader_are_in_the_state(kind):
    network, twin = own_network(kind), own_network(kind, seed=1)
    fit(network, X, Y, optimizer=SGD(0.1))
    state = network.state_dict()
    assert ("1.count" in state) == (kind is Counter)
    twin.load_state_dict(state)
    assert_same(twin.state_dict(), state)


def test_a_layer_that_cannot_load_leaves_the_network_as_it_was():
    network = own_network(Counter)
    network(X)
    before = network.state_dict()
    network.layers[1].broken = True
    with pytest.raises(RuntimeError, match="cannot count"):
        network.load_state_dict(own_network(Counter, seed=1).state_dict())
    assert_same(network.state_dict(), before)


def changed(state, without=(), **entries):
    """Return a state with other entries, whose names have _ for a dot."""
    named = {name.replace("_", ".", 1): value for name, value in entries.items()}
    return {name: value for name, value in state.items() if name not in without} | named


STATE = mlp([3, 4, 2], seed=5, **EVERYTHING).state_dict()
BAD_STATES = {
    "not a mapping": (lambda s: list(s.items()), TypeError, ["state is a list", "a mapping"]),
    "text": (lambda s: changed(s, **{"0_bias": ["a"]}), TypeError, ["0.bias is <U1", "numbers"]),
    "missing": (
        lambda s: changed(s, ["0.bias", "3.generator"]),
        ValueError, ["0.bias is missing; 3.generator is missing", "nothing was loaded"],
    ),
    "unknown": (lambda s: changed(s, **{"9_bias": 1.0}), ValueError, ["9.bias is unknown"]),
    "shape": (
        lambda s: changed(s, **{"0_bias": np.ones(4), "1_running_mean": np.ones((1, 1))}),
        ValueError,
        ["0.bias has shape (4,), expected (1, 4)", "1.running_mean has shape (1, 1)"],
    ),
    "dtype": (
        lambda s: changed(s, **{"0_bias": np.ones((1, 4), np.float32)}),
        ValueError, ["0.bias is float32, expected float64"],
    ),
    "integers": (
        lambda s: changed(s, **{"0_bias": np.ones((1, 4), np.int64)}),
        ValueError, ["0.bias is int64, expected float64"],
    ),
    "version": (
        lambda s: {**s, "version": np.array(2)},
        ValueError, ["version is 2, and this release reads 1"],
    ),
    "no version": (lambda s: changed(s, ["version"]), ValueError, ["version is missing"]),
    "all at once": (
        lambda s: changed(s, ["5.bias", "version"], **{"0_bias": np.ones(4), "9_x": 1.0}),
        ValueError, ["version is missing", "0.bias has shape", "9.x is unknown"],
    ),
    "an optimizer's": (
        lambda s: Adam().state_dict(), ValueError, ["0.weight is missing", "beta1 is unknown"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_STATES)
def test_what_does_not_fit_is_named_and_nothing_is_loaded(case, refuses):
    change, error, texts = BAD_STATES[case]
    network = mlp([3, 4, 2], seed=6, **EVERYTHING)
    before = network.state_dict()
    refuses(lambda: network.load_state_dict(change(STATE)), error, *texts)
    assert_same(network.state_dict(), before)


def test_a_read_only_parameter_leaves_the_network_as_it_was():
    network = mlp([3, 4, 2], seed=6)
    network.parameters["2.weight"].flags.writeable = False
    before = network.state_dict()
    with pytest.raises(ValueError, match="read-only"):
        network.load_state_dict(mlp([3, 4, 2], seed=7).state_dict())
    assert_same(network.state_dict(), before)


def test_the_other_byte_order_of_a_file_is_read():
    network, twin = mlp([3, 2], seed=1), mlp([3, 2], seed=2)
    network.load_state_dict(
        {name: v.astype(v.dtype.newbyteorder()) for name, v in twin.state_dict().items()}
    )
    assert_same(network.state_dict(), twin.state_dict())


def test_two_arrays_of_one_name_in_a_layer_are_told():
    network = own_network(Counter)
    network.layers[1].get_extra_state = lambda: {"weight": np.ones(1)}
    with pytest.raises(ValueError, match=r"1\.weight is a parameter and in the layer's extra"):
        network.state_dict()


def test_layers_alone_tell_their_state():
    layer = Dropout(0.5, seed=[[1, 2], [3, 4]])
    assert layer.get_extra_state()["generator"].shape == (2, 2, 6)
    assert Network([Dense(np.eye(2), np.zeros((1, 2))), Activate("relu")]).state_dict().keys() == {
        "0.weight", "0.bias", "version"
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------
# An optimizer's state
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


def test_the_state_of_adam_holds_what_its_paper_remembers():
    parameters, adam = {"w": np.ones((1, 1))}, Adam(0.1)
    for gradient in (2.0, -1.0):
        adam.step(parameters, {"w": np.full((1, 1), gradient)})
    state = adam.state_dict()
    assert list(state) == [
        "class", "learning_rate", "beta1", "beta2", "eps", "weight_decay", "steps",
        "mean.w", "square.w", "version",
    ]  # fmt: skip
    assert state["steps"] == adam.steps == 2
    np.testing.assert_allclose(state["mean.w"], 0.9 * 0.1 * 2 - 0.1, rtol=1e-12)
    np.testing.assert_allclose(state["square.w"], 0.999 * 0.001 * 4 + 0.001, rtol=1e-12)


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
# A history's state
# ---------------------------------------------------------------------------------------------

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
    "losses of integers": ({"train_loss": np.ones((2, 3), int)}, "train_loss is int64"),
    "fewer losses": ({"validation_loss": np.ones((2, 2))}, "validation_loss is float64 of shape"),
    "other replicas": ({"validation_accuracy": np.ones((3, 3))}, "validation_accuracy is"),
    "no accuracy": ({"validation_accuracy": np.ones((2, 0))}, "have different shapes"),
    "one best epoch": ({"best_epoch": np.array(1)}, "best_epoch is int64 of shape ()"),
    "half an epoch": ({"best_epoch": np.array([0.5, 1])}, "best_epoch is float64"),
    "an epoch to come": ({"best_epoch": np.array([4, 1])}, "best_epoch is [4 1]"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_entries_of_a_history_that_do_not_go_together_are_named(case, refuses):
    entries, text = CONTRADICTIONS[case]
    refuses(lambda: History.from_state_dict(PLAIN | entries), ValueError, text)
    assert_same(History.from_state_dict(PLAIN).state_dict(), PLAIN)


# ---------------------------------------------------------------------------------------------
# What cannot be loaded changes nothing
# ---------------------------------------------------------------------------------------------

UNLOADABLE = {
    "objects": (np.array([[None, 1.0]], object), TypeError, "2.bias is object"),
    "None": (None, TypeError, "2.bias is object"),
    "complex": (np.ones((1, 2), complex), TypeError, "2.bias is complex128"),
    "ragged": ([[1.0], [1.0, 2.0]], ValueError, "2.bias is ragged"),
    "too large": (np.full((1, 2), 1e300), ValueError, "2.bias has numbers beyond the range"),
}


@pytest.mark.parametrize("case", UNLOADABLE)
@pytest.mark.parametrize("load", ["load_parameters", "load_state_dict"])
def test_an_entry_that_cannot_be_loaded_leaves_the_network_as_it_was(load, case, refuses):
    value, error, text = UNLOADABLE[case]
    network = mlp([3, 4, 2], seed=6, dtype=np.float32)
    state = network.state_dict() if load == "load_state_dict" else network.parameters
    before, state = network.state_dict(), {k: v + 1 for k, v in state.items() if k != "version"}
    state |= {"2.bias": value} | ({"version": 1} if load == "load_state_dict" else {})
    text = "2.bias is float64" if (load, case) == ("load_state_dict", "too large") else text
    refuses(lambda: getattr(network, load)(state), error, text)
    assert_same(network.state_dict(), before)


def test_infinite_parameters_are_loaded_as_they_are():
    network = mlp([1, 1], dtype=np.float32)
    network.load_parameters({"0.weight": [[np.inf]], "0.bias": [[np.nan]]})
    assert network.parameters["0.weight"] == np.inf


@pytest.mark.parametrize("load", ["load_parameters", "load_state_dict"])
def test_parameters_that_are_read_only_are_named(load, refuses):
    network, other = mlp([3, 4, 2], seed=6), mlp([3, 4, 2], seed=7)
    network.parameters["2.bias"].flags.writeable = False
    before = network.state_dict()
    state = other.state_dict() if load == "load_state_dict" else other.parameters
    refuses(lambda: getattr(network, load)(state), ValueError, "2.bias cannot be written to")
    assert_same(network.state_dict(), before)


@pytest.mark.parametrize("make", [lambda: mlp([3, 2]), lambda: SGD(0.1)], ids=["network", "SGD"])
def test_a_file_that_is_closed_is_told(make, tmp_path, refuses):
    part = make()
    with through_file(part.state_dict(), tmp_path, "part") as state:
        part.load_state_dict(state)
    refuses(lambda: part.load_state_dict(state), ValueError, "a file that is closed")
