"""Studies of deep networks: what they measure, and records that today's code makes."""

import shutil
from dataclasses import replace
from itertools import pairwise

import deep_networks
import deep_sigmoid
import matplotlib.pyplot as plt
import mitigations
import numpy as np
import pytest
import saturation
import study
import trainable_depth
from threadpoolctl import threadpool_limits

from course_lib import data
from course_lib.diagnostics import diagnose
from course_lib.experiments import stored, sweep
from course_lib.experiments.spec import read_spec
from course_lib.experiments.standard import next_trials
from course_lib.experiments.sweeping import check_sweep
from course_lib.network import Network, mlp
from course_lib.training import SGD, Adam, Momentum, accuracy, fit

MODULES = {
    module.__name__: module for module in (trainable_depth, deep_sigmoid, mitigations, saturation)
}
STUDIES = {name: module.STUDY for name, module in MODULES.items()}
NAMES = list(STUDIES)


@pytest.fixture(scope="module")
def records():
    """Return a function that returns the records of a study, read once."""
    read = {}
    return lambda name: read[name] if name in read else read.setdefault(name, stored(name))


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """Close what was drawn."""
    yield
    plt.close("all")


# What all have in common.


@pytest.mark.parametrize(
    ("module", "spec"), [(trainable_depth, "trainable-depth"), (deep_sigmoid, "who-is-to-blame")]
)
def test_study_and_specification_are_one(module, spec):
    asked, own = module.STUDY.asked(), read_spec(spec)
    assert module.STUDY.function is own.function
    assert (tuple(asked["grid"]), tuple(asked["seeds"])) == (own.grid, own.seeds)
    assert (asked["tune"], asked["replicas"]) == (own.tune, own.replicas)


@pytest.mark.parametrize("name", NAMES)
def test_sixteen_seeds_are_judged_and_eight_others_tune(name):
    own = STUDIES[name]
    assert (len(own.seeds), len(own.tune.seeds)) == (16, 8)
    assert not {*own.seeds} & {*own.tune.seeds}
    assert (own.tune.name, own.tune.score) == ("learning_rate", "validation_accuracy")
    assert own.tune.finer and own.tune.widen == 3


@pytest.mark.parametrize("name", NAMES)
def test_the_miniature_asks_for_less_of_the_same(name):
    own = STUDIES[name]
    few = own.miniature()
    assert few.function is own.function
    assert len(few.asked()["grid"]) < len(own.asked()["grid"]) / 2
    assert len(few.seeds) < len(own.seeds)
    assert {tuple(c) for c in few.asked()["grid"]} <= {tuple(c) for c in own.asked()["grid"]}


def test_images_are_split_and_cannot_be_changed():
    x, y, x_test, y_test = data.mnist().flat(size=14, standardize=True)
    train, validation, test = deep_networks.three_parts()
    assert [len(part[1]) for part in (train, validation, test)] == [3200, 800, 1000]
    assert np.array_equal(np.concatenate([train[0], validation[0]]), x)
    assert np.array_equal(np.concatenate([train[1], validation[1]]), y)
    assert np.array_equal(test[0], x_test) and np.array_equal(test[1], y_test)
    with pytest.raises(ValueError, match="read-only"):
        train[0][0] = 0


def test_the_mean_lies_in_its_interval():
    values = np.random.default_rng(0).random((3, 16))
    mean, low, high = deep_networks.mean_with_interval(values)
    assert mean.shape == (3,)
    assert np.array_equal(mean, [row.mean() for row in values])
    assert ((low < mean) & (mean < high)).all()


# What saturation measures.


def test_a_training_of_saturation_is_that_of_its_parts():
    found = saturation.measure((3, 5), "tanh", 5, 1.4, epochs=1, learning_rate=0.01)
    x, y, x_test, y_test = data.mnist().flat(size=14, standardize=True)
    network = mlp(
        [196, 32, 32, 32, 32, 32, 10], "tanh", seed=[3, 5], initialization="lecun", gain=1.4,
        dtype=np.float32,
    )  # fmt: skip
    before = diagnose(network, x[:200], y[:200], rank=False).saturated.mean(axis=-1)
    fit(
        network, x[:3200], y[:3200], optimizer=Momentum(0.01), epochs=1, batch_size=100,
        progress=False,
    )  # fmt: skip
    expected = {
        "saturated_fraction": before,
        "validation_accuracy": accuracy(network(x[3200:]), y[3200:]),
        "test_accuracy": accuracy(network(x_test), y_test),
    }
    assert {k: v.tolist() for k, v in found.items()} == {k: v.tolist() for k, v in expected.items()}
    assert found["test_accuracy"].min() > 0.4


def test_larger_weights_saturate_tanh_but_not_rectifiers():
    def saturated(name, gain):
        return saturation.measure((0,), name, 5, gain, 1, 1e-9)["saturated_fraction"][0]

    tanh = [saturated("tanh", gain) for gain in (1.0, 4.0, 16.0)]
    assert all(b > a + 0.2 for a, b in pairwise(tanh))
    assert saturated("relu", 1.0) == saturated("relu", 16.0) == pytest.approx(0.5, abs=0.05)
    assert saturated("leaky_relu", 16.0) == 0


def test_a_training_that_diverges_has_an_accuracy_of_0():
    found = saturation.measure((0, 1), "relu", 10, 16.0, 1, 0.03)
    assert found["validation_accuracy"].tolist() == found["test_accuracy"].tolist() == [0, 0]


# What mitigations change.


def weights(network, mitigation):
    """Return the standard deviations of the weights, times the root of their fan-in."""
    built = mitigations.build(network, mitigation, [0, 1])
    return [
        v.std() * np.sqrt(v.shape[-2]) for k, v in built.parameters.items() if k.endswith("weight")
    ]


def test_networks_have_the_weights_that_they_are_named_for():
    hidden = slice(1, -1)
    assert weights("vanishing", "none")[hidden] == pytest.approx([1 / np.sqrt(3)] * 9, rel=0.05)
    assert weights("exploding", "none")[hidden] == pytest.approx([4.0] * 9, rel=0.05)
    assert weights("vanishing", "ReLU and He")[hidden] == pytest.approx([np.sqrt(2)] * 9, rel=0.05)
    assert weights("exploding", "ReLU")[hidden] == pytest.approx([4.0] * 9, rel=0.05)
    assert weights("vanishing", "initialization")[hidden] == pytest.approx([10.0] * 9, rel=0.06)
    computed = weights("exploding", "initialization")[hidden]
    assert computed == pytest.approx([1.6] * 9, rel=0.06)  # of tanh, for the variance 1


def test_lsuv_gives_preactivations_the_variance_1():
    built = mitigations.build("exploding", "LSUV", [0, 1])
    x, _ = deep_networks.some_images()
    z = Network(built.layers[:15])(x)  # of the eighth dense layer
    assert z.var(axis=(-2, -1)) == pytest.approx([1, 1], abs=0.05)


@pytest.mark.parametrize(
    ("mitigation", "kind"), [("none", SGD), ("clipping", SGD), ("LSUV", SGD), ("Adam", Adam)]
)
def test_only_adam_is_adam(mitigation, kind):
    assert type(mitigations.optimizer_for(mitigation, 0.5)) is kind


@pytest.mark.parametrize(
    ("mitigation", "extra"),
    [("none", 0), ("batch norm", 640), ("layer norm", 640), ("residual", 0), ("Adam", 0)],
)
def test_a_mitigation_costs_parameters(mitigation, extra):
    found = mitigations.measure((0, 1), "exploding", mitigation, 1, 1e-6)
    inputs, hidden, outputs = 197 * 32, 9 * 33 * 32, 33 * 10
    assert found["parameters"].tolist() == [inputs + hidden + outputs + extra] * 2
    ratio = found["step_time_ratio"]
    assert ratio[0] == ratio[1] and 0.1 < ratio[0] < 10  # of this machine


def test_gradients_vanish_explode_and_are_kept():
    def ratio(network, mitigation):
        return mitigations.measure((0, 1), network, mitigation, 1, 1e-6)["gradient_ratio"]

    assert (ratio("vanishing", "none") < 1e-7).all()
    assert (ratio("exploding", "none") > 10).all()
    for own in (ratio("vanishing", "initialization"), ratio("vanishing", "ReLU and He")):
        assert ((own > 0.2) & (own < 5)).all()


@pytest.mark.parametrize(("mitigation", "limit"), [("none", None), ("clipping", 1.0)])
def test_clipping_clips_and_nothing_else_does(mitigation, limit, monkeypatch):
    def caught(network, optimizer, **options):
        seen.update(options)
        return {}

    seen = {}
    monkeypatch.setattr(mitigations, "accuracies", caught)
    mitigations.measure((0,), "exploding", mitigation, 3, 0.1)
    assert (seen["epochs"], seen["batch_size"], seen.get("clip_norm")) == (3, 50, limit)


# The records.


@pytest.mark.parametrize("name", NAMES)
def test_records_come_from_the_settings_of_today_and_lack_nothing(name, tmp_path):
    own, copy = STUDIES[name], tmp_path / "copy.parquet"
    shutil.copy(study.FOLDER / f"{name}.parquet", copy)
    done = check_sweep(own.function, out=copy, **own.asked())  # raises where settings differ
    for place, configuration in enumerate(own.asked()["grid"]):
        asked = place, configuration, own.seeds, own.tune, done, own.replicas
        assert next_trials(*asked) == [], configuration


@pytest.mark.parametrize("name", NAMES)
def test_every_configuration_has_every_seed_without_an_error(name, records):
    own, found = STUDIES[name], records(name)
    assert found.distinct("error") == [None]
    phases = ["result", "result, doubled"] if own.tune.budget else ["result"]
    for phase in phases:
        results = found.select(phase=phase)
        assert len(results) == len(own.asked()["grid"]) * len(own.seeds)
        assert results.distinct("seed") == [*own.seeds]
    assert found.select(phase="tuning").distinct("seed") == [*own.tune.seeds]


@pytest.mark.parametrize("name", NAMES)
def test_fractions_are_fractions(name, records):
    for column in ("validation_accuracy", "test_accuracy", "saturated_fraction"):
        if column in records(name).columns:
            values = records(name).values(column)
            assert ((values >= 0) & (values <= 1)).all(), column


@pytest.mark.parametrize("name", NAMES)
def test_what_is_chosen_for_networks_that_learn_is_off_the_edge(name, records):
    results = records(name).select(phase="result")
    places = {}
    for row in results:
        places.setdefault(row["place"], []).append(row)
    learning = [
        rows for rows in places.values() if np.mean([r["test_accuracy"] for r in rows]) > 0.3
    ]
    at_edge = [rows[0]["settings"] for rows in learning if rows[0]["at_edge"]]
    assert at_edge == []


REGENERATED = [
    ("trainable_depth", {"depth": 2, "gain": 1.0}),
    ("trainable_depth", {"depth": 4, "gain": 2.0}),
    ("mitigations", {"network": "vanishing", "mitigation": "batch norm"}),
    ("saturation", {"activation": "tanh", "depth": 5, "gain": 1.4}),
    ("saturation", {"activation": "silu", "depth": 5, "gain": 2.0}),
    # smooth: over 300 steps the kinks of ReLU make whole points of what a processor rounds
    ("deep_sigmoid", {"activation": "tanh", "initialization": "pytorch", "normalization": "batch",
                      "optimizer": "adam"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "chosen"), REGENERATED)
def test_a_result_is_regenerated_seed_by_seed(name, chosen, records):
    own, seeds = STUDIES[name], [0, 7] if name != "deep_sigmoid" else [7]
    found = records(name).select(phase="result", **chosen)
    (configuration,) = [c for c in own.asked()["grid"] if all(c[k] == v for k, v in chosen.items())]
    (learning_rate,) = found.distinct("learning_rate")
    with threadpool_limits(1):  # as in a sweep; other sums round otherwise, and Adam makes it grow
        anew = own.function(tuple(seeds), **configuration, learning_rate=learning_rate)
    for i, seed in enumerate(seeds):
        (row,) = found.select(seed=seed)
        for column in ("validation_accuracy", "test_accuracy"):
            assert anew[column][i] == pytest.approx(row[column], abs=0.006), column  # an image
        for column in {"saturated_fraction", "gradient_ratio", "parameters"} & {*anew}:
            assert anew[column][i] == pytest.approx(row[column], rel=1e-3), column


# Miniatures and figures.


@pytest.mark.parametrize("name", NAMES)
def test_a_part_of_the_miniature_runs_and_is_drawn(name):
    few = STUDIES[name].miniature()
    grid = [{**c, "epochs": 1} for c in few.asked()["grid"]]
    few_enough = {"deep_sigmoid": 1, "mitigations": 4}.get(name, 3)
    grid = [c for c in grid if c.get("mitigation") != "batch norm"][:few_enough]
    tune = replace(few.tune, seeds=[10_000], finer=False, widen=0, budget=None)
    asked = few.asked() | {"grid": grid, "seeds": range(2), "tune": tune}
    found = sweep(few.function, **asked)
    assert found.distinct("error") == [None]
    assert found.distinct("phase") == ["tuning", "result"]
    assert drawn(MODULES[name].figure(found))


@pytest.mark.parametrize("name", NAMES)
def test_the_figure_is_drawn_from_the_records(name, records):
    texts = drawn(MODULES[name].figure(records(name)))
    expected = {
        "trainable_depth": "48 layers",
        "deep_sigmoid": "sigmoid, pytorch, sgd, batch norm, 10 epochs",
        "mitigations": "exploding, clipping",
        "saturation": "leaky_relu",
    }
    assert expected[name] in texts


def drawn(figure):
    """Return all texts of a figure that can be drawn."""
    figure.canvas.draw()
    return {text.get_text() for text in figure.findobj(plt.Text)} - {""}


def test_the_largest_accuracy_is_drawn_where_it_was_measured(records):
    found = records("trainable_depth").select(phase="result", epochs=4)
    axes = trainable_depth.figure(found).axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) == 12]
    assert len(lines) == 7
    reached = found.array("test_accuracy", "depth", "gain").mean(axis=-1)
    for line, expected in zip(lines, reached, strict=True):
        assert np.allclose(line.get_ydata(), expected)
    assert lines[0].get_xdata()[[0, -1]] == pytest.approx([0.25, 6.0])
