"""Stored results: each has its study, its numbers are sound, and one is regenerated."""

import ast
import math
from importlib import import_module
from inspect import signature
from pathlib import Path

import activation_generalizes
import dropout
import numpy as np
import overfitting
import pytest
import regularizers
import small_sets
import study

from course_lib import data

STUDIES = Path(study.__file__).parent
BY_SEED = {  # the last axis is that of the seeds
    "saturated_fraction",
    "gradient_ratio",
    "test_accuracy",
    "test_loss",
    "time_ratio",
    "time_ratio_pytorch",
    "train_accuracy",
    "train_loss",
}
FRACTIONS = {"saturated_fraction", "test_accuracy", "train_accuracy"}


def stored_names(path):
    """Return the names under which a study stores results."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    return [call.args[0].value for call in calls if ast.unparse(call.func) == "main"]


STORING = sorted(path.stem for path in STUDIES.glob("*.py") if stored_names(path))


def records_of(name):
    """Return what each run of a study measured, from its stored result."""
    result = data.results(name)
    if name == "dropout":
        return [record for setting in result["settings"] for record in setting["runs"]]
    if name == "activation_generalizes":
        return [
            {"networks": [r for r in result["networks"] if r["task"] == task]}
            for task in activation_generalizes.TASKS
        ]
    return result["runs" if name == "overfitting" else "networks"]


def leaves(value):
    """Return everything in nested lists and dictionaries that is neither."""
    if isinstance(value, dict | list):
        entries = value.values() if isinstance(value, dict) else value
        return [leaf for entry in entries for leaf in leaves(entry)]
    return [value]


def entries(value):
    """Return every (key, entry) of nested dictionaries, also of those in lists."""
    if isinstance(value, dict):
        return [*value.items(), *(pair for entry in value.values() for pair in entries(entry))]
    return [pair for entry in value for pair in entries(entry)] if isinstance(value, list) else []


# The files and their studies.


def test_the_studies_are_found():
    assert {"dropout", "overfitting"} <= set(STORING)


@pytest.mark.parametrize("name", STORING)
def test_a_study_stores_under_its_own_name(name):
    assert stored_names(STUDIES / f"{name}.py") == [name]


def test_every_study_has_its_results_and_the_reverse():
    assert sorted(path.stem for path in study.FOLDER.glob("*")) == STORING


def test_unknown_result_is_named_with_those_there_are():
    with pytest.raises(KeyError, match="unknown stored result 'nope'.*" + ", ".join(STORING)):
        data.results("nope")


@pytest.mark.parametrize("name", STORING)
def test_results_say_how_to_make_them(name):
    assert data.results(name)["command"] == f"python studies/{name}.py"


@pytest.mark.parametrize("name", STORING)
def test_numbers_are_finite_or_missing(name):
    for leaf in leaves(data.results(name)):
        assert leaf is None or isinstance(leaf, str) or math.isfinite(leaf)


@pytest.mark.parametrize("name", STORING)
def test_every_seed_has_its_number(name):
    result = data.results(name)
    by_seed = [(key, entry) for key, entry in entries(result) if key in BY_SEED]
    assert result["seeds"] >= 16
    assert by_seed
    for key, entry in by_seed:
        array = np.array(entry, dtype=float)  # ragged lists raise
        assert array.shape[-1] == result["seeds"], key
        if key in FRACTIONS:
            assert np.all((array >= 0) & (array <= 1)), key


# All studies have one shape.


@pytest.mark.parametrize("name", STORING)
def test_runs_are_arguments_of_run_and_each_is_there_once(name):
    module = import_module(name)
    arguments = list(signature(module.run).parameters)
    assert all(sorted(run) == sorted(arguments) for run in module.RUNS)
    assert len({tuple(run.values()) for run in module.RUNS}) == len(module.RUNS)


@pytest.mark.parametrize("name", STORING)
def test_collect_lays_out_what_is_stored(name):
    module, records = import_module(name), records_of(name)
    assert len(records) == len(module.RUNS)
    for run, record in zip(module.RUNS, records, strict=True):
        assert all(record[key] == study.plain(run[key]) for key in run.keys() & record.keys())
    again = {"command": f"python studies/{name}.py", **study.plain(module.collect(records))}
    assert again == data.results(name)


# What is stored comes from the settings of today, and some of it is measured again.


# Small training sets, and what was learned from them.


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
    (x, y), _ = small_sets.draw(pool, 2000, range(5), noise=0.3)
    changed = (y != pool[1][x[..., 0].astype(int)]).mean()
    assert changed == pytest.approx(0.3 * 0.9, abs=5 * np.sqrt(0.27 * 0.73 / 10_000))


def test_a_network_is_the_same_in_a_smaller_group(monkeypatch):
    pool, test = small_sets.images("MNIST")
    found = []
    for at_once in (24, 2):
        monkeypatch.setattr(small_sets, "AT_ONCE", at_once)
        found.append(
            small_sets.scores(
                pool, test, 100, [4, 5, 6], [0.01, 0.02, 0.03], steps=40, sizes=[196, 8, 10],
                dropout=0.2,
            )
        )  # fmt: skip
    together, apart = found
    assert together.shape == (3, 3)
    assert np.allclose(together, apart, atol=0.011)  # an image decided by rounding


@pytest.mark.parametrize(
    ("program", "names"),
    [
        (overfitting, ("WIDTH", "EXAMPLES", "STEPS", "LEARNING_RATES", "VARIED")),
        (activation_generalizes, ("SIZES", "STEPS")),
        (dropout, ("DROPPED", "STEPS", "LEARNING_RATES")),
        (regularizers, ("SETTINGS", "STEPS")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_results_of_small_sets_come_from_the_settings_of_today(program, names):
    result = data.results(program.__name__)
    assert result["seeds"] == len(program.SEEDS)
    for name in names:
        assert result[name.lower()] == study.plain(getattr(program, name)), name


def test_every_run_of_the_small_sets_is_there():
    runs = {(c["source"], c["varied"], c["value"]) for c in data.results("overfitting")["runs"]}
    assert runs == {
        (source, name, value)
        for source in ("MNIST", "Fashion-MNIST")
        for name, values in overfitting.VARIED.items()
        for value in values
    }
    networks = data.results("activation_generalizes")["networks"]
    assert [(r["task"], r["activation"]) for r in networks] == [
        (task, name)
        for task in activation_generalizes.TASKS
        for name in activation_generalizes.ACTIVATIONS
    ]
    for record in networks:
        noise = activation_generalizes.TASKS[record["task"]][2]
        assert record["learning_rates"] == study.plain(activation_generalizes.LEARNING_RATES[noise])
        assert record["learning_rate"] in record["learning_rates"]
    settings = data.results("dropout")["settings"]
    assert [{k: s[k] for k in dropout.SETTINGS[0]} for s in settings] == dropout.SETTINGS
    assert all([c["p"] for c in s["runs"]] == [*dropout.DROPPED] for s in settings)
    networks = data.results("regularizers")["networks"]
    assert [(r["setting"], r["mitigation"]) for r in networks] == [
        (setting, mitigation)
        for setting in regularizers.SETTINGS
        for mitigation in regularizers.MITIGATIONS
    ]


def test_every_mitigation_had_the_same_number_of_candidates():
    sizes = [[len(part) for part in regularizers.candidates(m)] for m in regularizers.MITIGATIONS]
    assert {rates * strengths for rates, strengths in sizes} == {25}
    assert {r["candidates"] for r in data.results("regularizers")["networks"]} == {25}


@pytest.mark.parametrize("p", [0.0, 0.5])
def test_a_result_with_dropout_is_regenerated(p):
    setting = data.results("dropout")["settings"][0]
    assert setting["width"] == 16
    record = setting["runs"][dropout.DROPPED.index(p)]
    pool, test = small_sets.images(setting["source"])
    anew = small_sets.scores(
        pool, test, setting["examples"], [*dropout.SEEDS], record["learning_rate"],
        noise=setting["noise"], steps=dropout.STEPS, sizes=[196, 16, 10], dropout=p,
    )  # fmt: skip
    assert anew[2].mean() == pytest.approx(np.mean(record["test_accuracy"]), abs=0.02)
