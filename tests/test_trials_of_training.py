"""Trainings that a sweep can call, against networks built by hand and comparisons."""

import numpy as np
import pytest

from course_lib import data
from course_lib.experiments import compare
from course_lib.experiments.training_trials import DATA, OPTIMIZERS, check_training, train_network
from course_lib.network import mlp, stream
from course_lib.training import SGD, Adam, AdamW, Momentum, RMSprop, accuracy, fit

SMALL = {"pixels": 7, "depth": 1, "width": 8, "epochs": 1, "batch_size": 500}


@pytest.fixture
def caught(monkeypatch):
    """Return what `fit` is given, instead of a training."""
    from course_lib.experiments import training_trials

    found = []

    def recorded(network, x, y, **options):
        found.append((network, x, y, options))
        return fit(network, x, y, **options | {"epochs": 1, "batch_size": None})

    monkeypatch.setattr(training_trials, "fit", recorded)
    return found


def with_drawn_biases(depth, weight_variance, seeds):
    """Return tanh networks whose weights have a variance of weight_variance / fan_in."""
    network = mlp(
        [196, *[32] * depth, 10], "tanh", seed=seeds, initialization="lecun",
        gain=np.sqrt(weight_variance), dtype=np.float32,
    )  # fmt: skip
    for name, value in network.parameters.items():
        if name.endswith("bias"):
            for own, seed in zip(value, seeds, strict=True):
                layer = int(name.split(".")[0])
                rng = stream(np.random.SeedSequence(seed, spawn_key=(layer,)), "weights")
                own[...] = np.sqrt(0.05) * rng.standard_normal(own.shape)
    return network


@pytest.mark.parametrize(("depth", "variance"), [(2, 0.25), (4, 1.75)])
def test_networks_have_drawn_biases_and_the_images_are_the_first_3200(depth, variance, caught):
    train_network(
        [3, 11], pixels=14, depth=depth, width=32, activation="tanh", initialization="lecun",
        gain=np.sqrt(variance), bias_variance=0.05, learning_rate=1e-30,
    )  # fmt: skip
    ((network, x, y, options),) = caught
    expected = with_drawn_biases(depth, variance, [3, 11])
    assert list(network.parameters) == list(expected.parameters)
    for name, value in expected.parameters.items():
        assert value.dtype == network.parameters[name].dtype
        assert np.array_equal(network.parameters[name], value), name
    x_all, y_all, *_ = data.mnist().flat(size=14, standardize=True)
    assert np.array_equal(x, x_all[:3200])
    assert np.array_equal(y, y_all[:3200])
    assert isinstance(options["optimizer"], Momentum)


@pytest.mark.parametrize(
    ("optimizer", "normalization"), [("SGD", None), ("Adam", "batch"), ("Adam", "layer")]
)
def test_scores_are_those_of_a_comparison(optimizer, normalization):
    kind, learning_rate = {"SGD": (SGD, 0.1), "Adam": (Adam, 0.01)}[optimizer]
    own = {"initialization": "xavier", "gain": 4.0, "normalization": normalization}
    x, y, *test = data.fashion_mnist().flat(standardize=True)
    result = compare(
        ["sigmoid"], {"": own}, sizes=[784, 12, 12, 10],
        data=((x[:4000], y[:4000]), (x[4000:], y[4000:]), test),
        learning_rates=[learning_rate], optimizer=kind, epochs=2, batch_size=200, seeds=range(3),
        tuning_seeds=[7], edge="note",
    )  # fmt: skip
    found = train_network(
        range(3), data="fashion_mnist", sizes=[784, 12, 12, 10], activation="sigmoid",
        initialization="xavier", gain=4.0, normalization=normalization or "none",
        optimizer=optimizer.lower(), learning_rate=learning_rate, epochs=2, batch_size=200,
    )  # fmt: skip
    expected = np.array([[r.validation, r.test, r.train_loss] for r in result.rows]).T
    columns = ["validation_accuracy", "test_accuracy", "train_loss"]
    assert np.array_equal([found[name] for name in columns], expected)
    assert 0.3 < expected[1].mean() < 0.9  # something was learned


@pytest.mark.parametrize("activation", ["tanh", "swiglu"])
def test_each_network_is_that_of_its_seed_alone(activation):
    options = {**SMALL, "activation": activation, "dropout": 0.2, "residual": True, "depth": 2}
    together = train_network((4, 9, 2), **options)
    for place, seed in enumerate((4, 9, 2)):
        alone = train_network([seed], **options)
        for name, values in together.items():
            assert alone[name].shape == (1,)
            assert alone[name][0] == pytest.approx(values[place], abs=2e-3), name


def test_a_network_is_the_one_that_one_would_train_by_hand():
    found = train_network([5], data="fashion_mnist", **SMALL, optimizer="rmsprop")
    images = DATA["fashion_mnist"]()
    x, y, x_test, y_test = images.flat(size=7, standardize=True)
    network = mlp([49, 8, 10], seed=5, dtype=np.float32)
    fit(network, x[:4000], y[:4000], optimizer=RMSprop(0.1), batch_size=500, seed=5)
    assert found["validation_accuracy"][0] == accuracy(network(x[4000:]), y[4000:])
    assert found["test_accuracy"][0] == accuracy(network(x_test), y_test)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("sgd", SGD), ("momentum", Momentum), ("rmsprop", RMSprop), ("adam", Adam), ("adamw", AdamW)],
)
def test_optimizers_have_their_own_defaults(name, kind, caught):
    train_network([0], **SMALL, optimizer=name, learning_rate=0.25)
    ((_, _, _, options),) = caught
    assert options["optimizer"].learning_rate == 0.25
    assert type(options["optimizer"]) is kind
    assert OPTIMIZERS[name] is kind
    assert (options["epochs"], options["batch_size"], options["seed"]) == (1, 500, [0])


def test_a_network_that_diverged_has_accuracy_0_and_no_loss():
    found = train_network([0, 1], **SMALL | {"epochs": 3}, optimizer="sgd", learning_rate=1e30)
    assert found["validation_accuracy"].tolist() == found["test_accuracy"].tolist() == [0.0, 0.0]
    assert not np.isfinite(found["train_loss"]).any()


def test_images_cannot_be_changed_by_one_call_for_the_next(caught):
    train_network([0], **SMALL)
    ((_, x, y, _),) = caught
    for array in (x, y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


WRONG = {
    "data": ({"data": "mnst"}, KeyError, "unknown data 'mnst'; did you mean 'mnist'?"),
    "pixels": ({"pixels": 15}, ValueError, "pixels is 15; expected one of 28, 14, 7"),
    "pixels, a bool": ({"pixels": True}, ValueError, "pixels is True"),
    "pixels, a list": ({"pixels": [7]}, ValueError, "pixels is [7]"),
    "no depth": ({"depth": None}, ValueError, "depth is None and width is 8; expected either"),
    "all": ({"sizes": [49, 10]}, ValueError, "sizes is [49, 10], depth is 1", "expected either"),
    "depth": ({"depth": -1}, ValueError, "depth is -1", "from 0 on"),
    "width": ({"width": 0}, ValueError, "width is 0", "from 1 on"),
    "sizes": (
        {"sizes": [48, 10], "depth": None, "width": None}, ValueError, "sizes is [48, 10]", "49",
    ),
    "outputs": ({"sizes": [49, 8], "depth": None, "width": None}, ValueError, "[49, 8]", "to 10"),
    "units": (
        {"sizes": [49, 2.5, 10], "depth": None, "width": None}, ValueError, "one of sizes is 2.5",
    ),
    "sizes, a number": ({"sizes": 49, "depth": None, "width": None}, ValueError, "sizes is 49"),
    "activation": ({"activation": "rellu"}, KeyError, "'rellu'; did you mean 'relu'?"),
    "initialization": ({"initialization": "hee"}, KeyError, "'hee'; did you mean 'he'?"),
    "gain": ({"gain": 0}, ValueError, "gain is 0", "above 0"),
    "bias_variance": ({"bias_variance": -0.1}, ValueError, "bias_variance is -0.1", "from 0"),
    "normalization": ({"normalization": "bach"}, KeyError, "'bach'; did you mean 'batch'?"),
    "residual": ({"residual": 1}, TypeError, "residual is 1", "True or False"),
    "dropout": ({"dropout": 1.0}, ValueError, "dropout is 1.0", "to below 1"),
    "optimizer": ({"optimizer": "adan"}, KeyError, "'adan'; did you mean 'adam'?"),
    "learning_rate": ({"learning_rate": 0.0}, ValueError, "learning_rate is 0.0", "above 0"),
    "epochs": ({"epochs": 0.5}, ValueError, "epochs is 0.5", "from 1 on"),
    "batch_size": ({"batch_size": 0}, ValueError, "batch_size is 0", "from 1 on"),
    "a single row": ({"batch_size": 1, "normalization": "batch"}, ValueError, "batch"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_trained_is_told_before_anything_is(case, refuses, caught):
    given, error, *texts = WRONG[case]
    refuses(lambda: check_training(**SMALL | given), error, *texts)
    refuses(lambda: train_network([0], **SMALL | given), error, *texts)
    assert caught == []


def test_an_unknown_argument_is_told(refuses):
    refuses(lambda: check_training(deph=3), TypeError, "deph")


def test_what_can_be_trained_passes_and_nothing_is_trained(caught):
    for optimizer in OPTIMIZERS:
        check_training(**SMALL, optimizer=optimizer)
    check_training(sizes=[784, 10])
    check_training(depth=0, width=1)
    assert caught == []
