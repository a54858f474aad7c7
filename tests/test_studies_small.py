"""Studies of small training sets: what a seed draws, and records that today's code makes."""

import json
import shutil
from dataclasses import replace

import activation_generalizes
import dropout
import matplotlib.pyplot as plt
import numpy as np
import overfitting
import pytest
import regularizers
import small_sets
import small_sets_varied
import study

from course_lib.experiments import chosen, stored, sweep
from course_lib.experiments.standard import next_trials
from course_lib.experiments.sweeping import check_sweep

STUDIES = {
    module.__name__: module.STUDY
    for module in (overfitting, activation_generalizes, dropout, regularizers, small_sets_varied)
}
NAMES = list(STUDIES)


@pytest.fixture(scope="module")
def records():
    """Return a function that returns the records of a study, read once."""
    read = {}
    return lambda name: read[name] if name in read else read.setdefault(name, stored(name))


# What a seed draws.


@pytest.fixture(scope="module")
def pool():
    """Return images and labels to draw from, every image with a number of its own."""
    (x, y), _ = small_sets.images("MNIST")
    numbered = x.copy()
    numbered[:, 0] = np.arange(len(x))
    return numbered, y


def test_each_seed_draws_its_own_images_and_keeps_validation_apart(pool):
    (x, y), (x_valid, y_valid) = small_sets.draw(pool, 300, [0, 1])
    assert x.shape == (2, 300, 196)
    assert x_valid.shape == (2, small_sets.VALIDATION, 196)
    first, second = (set(own[:, 0].astype(int)) for own in x)
    assert len(first) == len(second) == 300
    assert len(first & second) < 60  # 22 by chance
    for own, valid in zip(x, x_valid, strict=True):
        assert not set(own[:, 0]) & set(valid[:, 0])
    assert np.array_equal(y, pool[1][x[..., 0].astype(int)])
    assert np.array_equal(y_valid, pool[1][x_valid[..., 0].astype(int)])


def test_more_data_holds_the_fewer(pool):
    (few, few_labels), _ = small_sets.draw(pool, 200, [3], noise=0.3)
    (more, more_labels), _ = small_sets.draw(pool, 400, [3], noise=0.3)
    assert np.array_equal(few, more[:, :200])
    assert np.array_equal(few_labels, more_labels[:, :200])


def test_noise_replaces_its_fraction_of_labels(pool):
    (x, y), (_, y_valid) = small_sets.draw(pool, 2000, range(5), noise=0.3)
    changed = (y != pool[1][x[..., 0].astype(int)]).mean()
    assert changed == pytest.approx(0.3 * 0.9, abs=5 * np.sqrt(0.27 * 0.73 / 10_000))
    _, (_, clean) = small_sets.draw(pool, 2000, range(5))
    assert (y_valid != clean).mean() == pytest.approx(0.27, abs=0.05)


def test_each_seed_may_have_noise_of_its_own(pool):
    together, alone = (small_sets.draw(pool, 50, [2, 3], noise) for noise in ([0.0, 0.8], 0.8))
    assert np.array_equal(together[0][1][1], alone[0][1][1])
    assert np.array_equal(together[0][1][0], small_sets.draw(pool, 50, [2])[0][1][0])


# What is measured.

SMALL = {"source": "MNIST", "examples": 100, "steps": 40, "sizes": [196, 8, 10]}


def test_a_network_is_the_same_in_a_smaller_group():
    options = SMALL | {"learning_rate": 0.02, "dropout": 0.2}
    together = small_sets.measure((4, 5, 6), **options)
    for i, seed in enumerate((4, 5, 6)):
        alone = small_sets.measure((seed,), **options)
        for name, values in alone.items():
            assert values[0] == pytest.approx(together[name][i], abs=0.011), name


def test_blocks_are_parts_of_the_test_images():
    found = small_sets.measure((0, 1), **SMALL, learning_rate=0.02, blocks=20)
    blocks = np.array([found[f"test_block_{i}"] for i in range(20)])
    assert np.allclose(blocks.mean(axis=0), found["test_accuracy"])
    assert np.allclose(blocks * 50, (blocks * 50).round())  # of 50 images each
    assert len(np.unique(blocks)) > 5
    assert "test_block_20" not in found


def test_raw_pixels_are_those_that_are_standardized():
    raw, standardized = (small_sets.images("MNIST", own)[0][0] for own in (False, True))
    assert 0 <= raw.min() < raw.max() <= 1
    expected = (raw - raw.mean()) / raw.std()
    assert np.allclose(standardized, expected, atol=1e-4)


def test_each_change_of_a_network_changes_what_it_reaches_and_not_its_images():
    arguments = ((0, 1), "dropout", "200 MNIST", "16 units, p = 0.0")
    found = {
        changed: small_sets_varied.measure(*arguments, changed, steps=40, learning_rate=0.03)
        for changed in small_sets_varied.CHANGES
    }
    usual = small_sets.measure((0, 1), source="MNIST", examples=200, sizes=[196, 16, 10],
                               steps=40, learning_rate=0.03)  # fmt: skip
    same = {name: own["train_loss"].tolist() == usual["train_loss"].tolist()
            for name, own in found.items()}  # fmt: skip
    assert same == {"twice the steps": True, "raw pixels": False,
                    "PyTorch's initial weights": False}  # fmt: skip


def test_twice_the_steps_are_twice_those_of_the_other_studies():
    module = small_sets_varied
    assert module.STEPS == {
        "width": overfitting.STEPS, "activation": activation_generalizes.STEPS,
        "dropout": dropout.STEPS,
    }  # fmt: skip
    assert module.TASKS == {
        name: {key: value for key, value in task.items() if (key, value) != ("noise", 0.0)}
        for name, task in activation_generalizes.TASKS.items()
    }
    for configuration in module.STUDY.grid:
        times = 2 if configuration["changed"] == "twice the steps" else 1
        assert configuration["steps"] == times * module.STEPS[configuration["question"]]


def test_wrong_labels_are_counted():
    found = small_sets.measure(
        (0, 1, 2), **SMALL | {"examples": 2000}, learning_rate=0.02, noise=0.5
    )
    assert found["wrong_labels"] == pytest.approx(0.45, abs=0.05)


def test_a_patience_keeps_the_epoch_with_the_lowest_validation_loss():
    options = SMALL | {"steps": 400, "learning_rate": 0.1, "noise": 0.5}
    to_the_end, stopped = (small_sets.measure((0, 1), **options, patience=p) for p in (None, 2))
    assert (stopped["validation_loss"] < to_the_end["validation_loss"]).all()
    assert (stopped["train_accuracy"] < to_the_end["train_accuracy"]).all()


def test_labels_of_tuning_seeds_are_right_where_noise_is_varied():
    seeds = (3, *overfitting.TUNE.seeds[:2])
    found = overfitting.measure(seeds, "MNIST", 8, 200, 0.8, steps=20, learning_rate=0.01)
    assert found["wrong_labels"][0] > 0.6
    assert found["wrong_labels"][1:].tolist() == [0.0, 0.0]
    clean = overfitting.measure(seeds, "MNIST", 8, 200, 0.0, steps=20, learning_rate=0.01)
    assert found["validation_accuracy"][1:] == pytest.approx(clean["validation_accuracy"][1:])


def test_a_shift_multiplies_the_learning_rate():
    arguments = ((0, 1), "narrow, clean", "none", 20)
    shifted = regularizers.measure(*arguments, learning_rate=0.01, shift=2.0)
    plain = regularizers.measure(*arguments, learning_rate=0.02)
    assert {k: v.tolist() for k, v in shifted.items()} == {k: v.tolist() for k, v in plain.items()}
    assert shifted["shifted_learning_rate"].tolist() == [0.02, 0.02]


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
    results = found.select(phase="result")
    assert len(results) == len(own.asked()["grid"]) * len(own.seeds)
    assert results.distinct("seed") == [*own.seeds]
    assert found.select(phase="tuning").distinct("seed") == [*own.tune.seeds]


@pytest.mark.parametrize("name", NAMES)
def test_fractions_are_fractions_and_losses_are_not_negative(name, records):
    results = records(name).select(phase="result")
    for column in results.measured:
        values = results.values(column)
        if column.endswith("accuracy") or column.startswith(("test_block", "wrong")):
            assert ((values >= 0) & (values <= 1)).all(), column
        if column.endswith("loss"):
            assert (values >= 0).all(), column


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_as_wrong_as_the_noise_says(name, records):
    found = records(name).select(phase="result")
    for noise in (0.0, 0.3):
        own = [row["wrong_labels"] for row in found if noise_of(name, row) == noise]
        assert np.mean(own or [0.9 * noise]) == pytest.approx(0.9 * noise, abs=0.01)


def noise_of(name, row):
    """Return the noise of the configuration of a row."""
    if name == "activation_generalizes":
        return activation_generalizes.TASKS[row["task"]]["noise"]
    if name == "small_sets_varied":
        return small_sets_varied.TASKS[row["task"]].get("noise", 0.0)
    return regularizers.SETTINGS[row["setting"]]["noise"] if "setting" in row else row["noise"]


def test_the_tuning_of_noisy_labels_saw_right_ones(records):
    tuning = records("overfitting").select(phase="tuning", noise=0.8)
    assert tuning.values("wrong_labels").max() == 0
    results = records("overfitting").select(phase="result", noise=0.8)
    assert results.values("wrong_labels").min() > 0.6


def test_every_mitigation_had_about_as_many_candidates(records):
    tuning = records("regularizers").select(phase="tuning")
    for setting in regularizers.SETTINGS:
        for mitigation in regularizers.MITIGATIONS:
            own = tuning.select(setting=setting, mitigation=mitigation)
            tried = {(row["place"], row["learning_rate"]) for row in own}
            assert len({place for place, _ in tried}) == 4
            assert len(tried) in range(20, 29), (setting, mitigation)


REGENERATED = [
    ("overfitting", {"source": "MNIST", "width": 16, "examples": 1000, "noise": 0.0}),
    ("activation_generalizes", {"task": "200 MNIST", "activation": "tanh"}),
    ("dropout", {"source": "MNIST", "examples": 200, "width": 16, "noise": 0.0, "p": 0.5,
                 "steps": 1000}),
    ("regularizers", {"setting": "narrow, clean", "mitigation": "weight decay",
                      "weight_decay": 0.03}),
    ("small_sets_varied", {"question": "activation", "task": "200 MNIST", "network": "tanh",
                           "changed": "raw pixels"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "configuration"), REGENERATED)
def test_results_are_regenerated(name, configuration, records):
    found, own = records(name).select(phase="result", **configuration), STUDIES[name]
    (settings,) = {row["settings"] for row in found}
    arguments = json.loads(settings)
    assert configuration.items() <= arguments.items()
    anew = own.function(tuple(own.seeds[:4]), **arguments)
    for column in ("train_accuracy", "validation_accuracy", "test_accuracy"):
        old = found.array(column)[:4]
        assert anew[column] == pytest.approx(old, abs=0.006), column  # images decided by rounding


@pytest.mark.parametrize("name", NAMES)
def test_the_figure_of_the_records_is_drawn(name, records):
    figure = STUDIES[name].figure(records(name))
    assert all(axes.lines for axes in figure.axes)
    plt.close(figure)


@pytest.mark.parametrize("name", NAMES)
def test_the_miniature_runs_and_is_drawn(name):
    own = STUDIES[name].miniature()
    grid = [{**configuration, "steps": 10} for configuration in own.asked()["grid"]]
    own = replace(own, grid=grid, seeds=own.seeds[:2])
    found = sweep(own.function, **own.asked())
    assert found.distinct("error") == [None]
    figure = own.figure(found)
    assert all(axes.lines for axes in figure.axes)
    plt.close(figure)


def test_the_figure_of_mitigations_has_the_chosen_strengths(records):
    best = chosen(records("regularizers"), "validation_accuracy", "setting", "mitigation")
    array = best.array("test_accuracy", "setting", "mitigation")
    assert array.shape == (3, len(regularizers.MITIGATIONS), len(regularizers.SEEDS))
    figure = regularizers.figure(records("regularizers"))
    for axes, own in zip(figure.axes, array, strict=True):
        dots = [line.get_xdata() for line in axes.lines if line.get_linestyle() == "None"]
        assert np.array_equal(dots, own)
    plt.close(figure)
