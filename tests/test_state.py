"""A network's state: all that it carries, in copies, and what does not fit changes nothing."""

import numpy as np
import pytest
import torch
from together import together
from training_helpers import EVERYTHING, NETWORKS, Scale, X, Y, assert_same, through_file

from course_lib.network import Activate, Dense, Dropout, Network, mlp
from course_lib.network.seeds import generator_state, set_generator_state, stream
from course_lib.training import SGD, Adam, fit


@together("seeds", [3, range(2)])
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


UNLOADABLE = {
    "objects": (np.array([[None, 1.0]], object), TypeError, "2.bias is object"),
    "None": (None, TypeError, "2.bias is object"),
    "complex": (np.ones((1, 2), complex), TypeError, "2.bias is complex128"),
    "ragged": ([[1.0], [1.0, 2.0]], ValueError, "2.bias is ragged"),
    "too large": (np.full((1, 2), 1e300), ValueError, "2.bias has numbers beyond the range"),
}


@together("case", UNLOADABLE)
@together("load", ["load_parameters", "load_state_dict"])
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
