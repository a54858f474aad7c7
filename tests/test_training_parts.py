"""Replicas that are trained some at a time end where those end that are trained at once."""

import tracemalloc

import numpy as np
import pytest
from training_helpers import NETWORKS, OPTIMIZERS, VALIDATION, Scale, X, Y, assert_same

from course_lib.network import Activate, Dense, Dropout, Loss, Network, get_loss, mlp
from course_lib.training import SGD, Adam, cosine, fit, fitting, parts

SEEDS = range(5)


def cut(monkeypatch, together):
    """Let fit train so many replicas at a time, where it can."""

    def parts_of(network, loss, rows):
        size = together if parts._can_be_cut(network, loss) else network.replicas[0]
        return [slice(i, i + size) for i in range(0, network.replicas[0], size)]

    monkeypatch.setattr(fitting, "parts_of", parts_of)


def outcome(make, optimizer=None, x=X, y=Y, **settings):
    """Train a network; return all that a training leaves behind."""
    network, optimizer = make(), Adam(0.03) if optimizer is None else optimizer()
    chosen = {"epochs": 3, "batch_size": 8, "seed": 5, "optimizer": optimizer} | settings
    history = fit(network, x.astype(network.dtype), y, **chosen)
    left = {"network": network, "optimizer": optimizer, "history": history}
    return {
        f"{kind}.{name}": value
        for kind, part in left.items()
        if hasattr(part, "state_dict")
        for name, value in part.state_dict().items()
    }


def check(monkeypatch, together, make, *args, **settings):
    """Train whole and by parts, and compare every bit."""
    whole = outcome(make, *args, **settings)
    cut(monkeypatch, together)
    assert_same(outcome(make, *args, **settings), whole)


def gated():
    return mlp([3, 4, 4, 2], "swiglu", seed=SEEDS, dtype=np.float32, normalization="layer")


def dropping(p, seed):
    """Return a network with a dropout of given probabilities and seeds."""
    first, last = (mlp(sizes, seed=SEEDS).layers[0] for sizes in ([3, 4], [4, 2]))
    return Network([first, Activate("gelu"), Dropout(p, seed=seed), last])


MADE = {name: lambda make=make: make(SEEDS, np.float64) for name, make in NETWORKS.items()} | {
    "float32": lambda: NETWORKS["everything"](SEEDS, np.float32),
    "gates": gated,
    "no bias": lambda: mlp([3, 4, 2], seed=SEEDS, bias=False),
    "one mask for all": lambda: dropping(0.5, 3),
    "p of each": lambda: dropping(np.linspace(0, 0.8, 5), 3),
    "seed of each": lambda: dropping(0.5, range(5)),
    "both of each": lambda: dropping(np.linspace(0, 0.8, 5), range(5)),
}


@pytest.mark.parametrize("together", [1, 2, 3])
@pytest.mark.parametrize("name", MADE)
def test_every_layer_learns_the_same_by_parts(name, together, monkeypatch):
    dtype = MADE[name]().dtype
    validation = VALIDATION[0].astype(dtype), VALIDATION[1]
    check(monkeypatch, together, MADE[name], validation=validation)


@pytest.mark.parametrize("together", [1, 2])
@pytest.mark.parametrize("rate", [0.02, np.linspace(0.01, 0.1, 5)], ids=["one", "five"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_moves_the_same_by_parts(name, rate, together, monkeypatch):
    check(monkeypatch, together, MADE["everything"], lambda: OPTIMIZERS[name](rate))


class Own:
    """An optimizer of a reader's own, which keeps the gradients that it was given."""

    def __init__(self):
        self.before = None

    def step(self, parameters, gradients):
        for name, parameter in parameters.items():
            parameter -= 0.1 * gradients[name]
            if self.before is not None:
                parameter -= 0.05 * self.before[name]
        self.before = gradients


def each(*shape):
    """Return examples and labels of each replica."""
    rng = np.random.default_rng(1)
    return {"x": rng.normal(size=(5, *shape, 3)), "y": rng.integers(0, 2, (5, *shape))}


MSE = {"y": np.stack([Y, 1 - Y], -1).astype(float), "loss": "mean_squared_error"}
SETTINGS = {
    "an optimizer of one's own": {"optimizer": Own},
    "clip_norm": {"clip_norm": 0.05},
    "clip_value": {"clip_value": 0.01},
    "both limits": {"clip_value": 0.01, "clip_norm": 0.02, "optimizer": Own},
    "all at once": {"batch_size": None},
    "an order of each": {"seed": range(5)},
    "data of each": each(22),
    "data and order of each": each(22) | {"seed": range(5)},
    "data of each at once": each(22) | {"batch_size": None},
    "validation of each": {"validation": tuple(each(9).values())},
    "validation labels of each": {"validation": (VALIDATION[0][:9], each(9)["y"])},
    "patience": {"validation": VALIDATION, "patience": 2, "epochs": 9},
    "schedule": {"optimizer": lambda: SGD(0.3, schedule=cosine(9))},
    "schedule of each": {"optimizer": lambda: SGD(0.3, schedule=lambda t: np.arange(5) / (t + 1))},
    "decay of weights": {"optimizer": lambda: SGD(0.1, weight_decay=0.1, decay="weights")},
    "smoothing": {"loss": "cross_entropy(label_smoothing=0.1, class_weights=[1, 2])"},
    "soft labels": {"y": np.stack([0.5 + 0.3 * Y, 0.5 - 0.3 * Y], -1)},
    "targets": MSE | {"validation": (X, MSE["y"])},
    "likelihood": MSE | {"loss": "gaussian_nll", "y": np.sin(X[:, :1])},
    "binary": MSE | {"loss": "binary_cross_entropy(pos_weight=2)"},
}  # fmt: skip


@pytest.mark.parametrize("together", [1, 2])
@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_comes_to_the_same_by_parts(name, together, monkeypatch):
    check(monkeypatch, together, MADE["everything"], **SETTINGS[name])


@pytest.mark.parametrize("together", [1, 2])
def test_the_norm_of_many_parameters_is_that_of_a_replica_among_others(together, monkeypatch):
    check(monkeypatch, together, lambda: mlp([3, *[4] * 7, 2], seed=SEEDS), clip_norm=0.1)


def test_replicas_of_two_axes_are_cut_along_the_first(monkeypatch):
    def make():
        rng = np.random.default_rng(0)
        sizes = [(3, 4), (4, 2)]
        first, last = (
            Dense(rng.normal(size=(5, 2, *size)), np.zeros((5, 2, 1, size[1]))) for size in sizes
        )
        return Network([first, Activate("tanh"), last])

    check(monkeypatch, 2, make, lambda: SGD(np.linspace(0.1, 1, 10).reshape(5, 2)))


def test_a_training_by_parts_goes_on_and_calls_back_as_one_at_once(monkeypatch):
    def train(network, optimizer):
        seen, history = [], None
        setting = {"optimizer": optimizer, "batch_size": 8, "epochs": 2}

        def callback(network, epoch):
            seen.append((epoch.train_loss.copy(), network.parameters["0.weight"].copy()))
            if len(seen) == 1:  # what it writes is trained on, generators too
                network.load_state_dict(network.state_dict())

        for _ in range(2):
            history = fit(network, X, Y, **setting, history=history, callback=callback)
        return seen, network.state_dict() | optimizer.state_dict()

    whole = train(dropping(0.5, 3), Adam(0.1))
    cut(monkeypatch, 2)
    assert_equal = np.testing.assert_array_equal
    by_parts = train(dropping(0.5, 3), Adam(0.1))
    for one, other in zip(whole[0], by_parts[0], strict=True):
        assert_equal(one[0], other[0])
        assert_equal(one[1], other[1])
    assert_same(by_parts[1], whole[1])


@pytest.mark.parametrize("largest", [1e200, np.inf])
@pytest.mark.parametrize("loss", ["cross_entropy", "gaussian_nll"])
def test_a_replica_that_diverges_changes_no_bit_of_another(loss, largest, monkeypatch):
    def make():
        network = MADE["plain"]()
        network.parameters["2.weight"][1] = largest
        return network

    y = Y if loss == "cross_entropy" else np.sin(X[:, :1])
    check(monkeypatch, 1, make, lambda: SGD(0.1), y=y, loss=loss)


def test_a_schedule_is_asked_once_for_a_step(monkeypatch):
    cut(monkeypatch, 1)
    asked = []
    optimizer = SGD(0.1, schedule=lambda step: asked.append(step) or 1.0)
    fit(MADE["plain"](), X, Y, optimizer=optimizer, batch_size=None, epochs=4)
    assert asked == [0, 1, 2, 3] and optimizer.steps == 4


def test_a_step_that_cannot_be_made_moves_and_counts_nothing(monkeypatch):
    cut(monkeypatch, 2)
    network, optimizer = MADE["plain"](), SGD(0.1, schedule=lambda step: -1.0)
    before = network.state_dict()
    with pytest.raises(ValueError, match="the schedule returned"):
        fit(network, X, Y, optimizer=optimizer)
    assert_same(network.state_dict(), before)
    assert optimizer.steps == 0


# ---------------------------------------------------------------------------------------------
# Which replicas go together
# ---------------------------------------------------------------------------------------------


class Loud(Activate):
    """A layer of a reader's own, derived from one of the library."""


def absolute(outputs, targets):
    return np.abs(outputs - targets).mean(axis=(-2, -1))


ABSOLUTE = Loss("absolute", absolute, lambda o, t: np.sign(o - t) / o.shape[-2] / o.shape[-1])
SWAPPED = Loss("cross_entropy", absolute, ABSOLUTE.gradient)


def layers(*added):
    return [*mlp([3, 4], seed=SEEDS).layers, *added, *mlp([4, 2], seed=SEEDS).layers]


def test_what_cannot_be_cut_goes_at_once(monkeypatch):
    monkeypatch.setattr(parts, "BUDGET", 1)
    loss, plain = get_loss("cross_entropy"), MADE["plain"]()
    derived = type("Derived", (Network,), {})
    assert len(parts.parts_of(plain, loss, 8)) == 5
    assert parts.parts_of(plain, get_loss("cross_entropy(label_smoothing=0.1)"), 8)[1:]
    for network in (Network(layers(Scale())), Network(layers(Loud("relu"))), derived(layers())):
        assert parts.parts_of(network, loss, 8) == [slice(0, 5)]
    for own in (ABSOLUTE, SWAPPED):
        assert parts.parts_of(plain, own, 8) == [slice(0, 5)]
    assert parts.parts_of(mlp([3, 2]), loss, 8) == [slice(0, 1)]
    plain.layers[1].forward = plain.layers[1].forward  # replaced, as diagnostics do it
    assert parts.parts_of(plain, loss, 8) == [slice(0, 5)]


def test_a_layer_whose_methods_a_callback_replaces_goes_at_once_from_then_on(monkeypatch):
    def train():
        seen, network = [], dropping(0.5, 3)

        def callback(network, epoch):
            layer = network.layers[1]
            forward = layer.forward
            layer.forward = lambda x: seen.append(x.shape) or forward(x)

        settings = {"optimizer": Adam(0.1), "batch_size": None, "epochs": 2}
        fit(network, X, Y, **settings, validation=VALIDATION, callback=callback)
        return seen, network.state_dict()

    whole = train()
    cut(monkeypatch, 2)
    seen, state = train()
    assert seen == whole[0] == [(5, 22, 4), (5, 30, 4)]
    assert_same(state, whole[1])


def test_a_layer_of_ones_own_says_what_its_part_is(monkeypatch):
    class Scaled(Scale):
        def __init__(self, scale):
            super().__init__()
            self.parameters["weight"] = scale

        def backward(self, grad_output, *, to_input=True):
            axes = (-2, -1)
            self.gradients["weight"] = (grad_output * self.x).sum(axis=axes, keepdims=True)
            return grad_output * self.parameters["weight"]

        def part(self, replicas):
            return Scaled(self.parameters["weight"][replicas])

    check(monkeypatch, 2, lambda: Network(layers(Scaled(np.linspace(1, 2, 5).reshape(5, 1, 1)))))
    assert (
        len(
            fitting.parts_of(
                Network(layers(Scaled(np.ones((5, 1, 1))))), get_loss("cross_entropy"), 8
            )
        )
        == 3
    )


def peak(network, optimizer, x, y, **settings):
    """Return how many bytes a training needs at a time, without what it begins and ends with."""
    network.replica(0).loss_and_gradients(x[:2], y[:2])  # tables of activations are made but once
    tracemalloc.start()
    try:
        fit(network, x, y, optimizer=optimizer, epochs=1, batch_size=64, **settings)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


SMALL = 2**20
BLOCKS = 2**18  # what activations need for a block of numbers, however many there are
BUILT = {
    "normalized": {"normalization": "batch", "dropout": 0.3, "residual": True},
    "gates": {"activation": "swiglu", "dtype": np.float64},
}


@pytest.mark.parametrize("name", BUILT)
def test_a_training_keeps_to_its_budget(name, monkeypatch):
    monkeypatch.setattr(parts, "BUDGET", SMALL)
    chosen = {"activation": "gelu", "dtype": np.float32} | BUILT[name]
    x, y = np.ones((128, 16), chosen["dtype"]), np.zeros(128, int)
    mlp([16, 32, 32, 4], **chosen).forward(x, training=True)  # the activation's tables stay
    peaks, sizes = [], []
    for replicas in (12, 48):
        network = mlp([16, 32, 32, 4], seed=range(replicas), **chosen)
        assert len(parts.parts_of(network, get_loss("cross_entropy"), 64)) > 3
        peaks.append(peak(network, SGD(0.1), x, y, validation=(x, y)))
        sizes.append(sum(value.nbytes for value in network.parameters.values()))
    assert max(peaks) < SMALL + BLOCKS
    assert peaks[1] - peaks[0] < sizes[1] - sizes[0]
