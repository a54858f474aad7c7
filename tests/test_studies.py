"""Stored results: each has its study, its numbers are sound, and one is regenerated."""

import ast
import json
import math
from importlib import import_module
from inspect import signature
from pathlib import Path

import deep_networks
import numpy as np
import propagation_cost
import pytest
import study
import trainable_depth

from course_lib import data
from course_lib.training import accuracy

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


def rows_of(table):
    """Return the entries of a nested list whose last axis is that of the seeds."""
    return [row for entry in table for row in (rows_of(entry) if np.ndim(entry) > 1 else [entry])]


def records_of(name):
    """Return what each run of a study measured, from its stored result."""
    result = data.results(name)
    if name == "trainable_depth":
        chosen = np.ravel(result["chosen_learning_rate"]).tolist()
        pairs = zip(chosen, rows_of(result["test_accuracy"]), strict=True)
        return [{"chosen_learning_rate": c, "test_accuracy": a} for c, a in pairs]
    if name == "saturation":
        both = (rows_of(result[key]) for key in ("saturated_fraction", "test_accuracy"))
        pairs = zip(*both, strict=True)
        return [{"saturated_fraction": s, "test_accuracy": a} for s, a in pairs]
    return result["networks"]


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
    assert {"deep_sigmoid", "mitigations", "saturation", "trainable_depth"} <= set(STORING)


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


@pytest.mark.parametrize("chosen", ["3", "999", "-1", "1.5", "abc", ""])
def test_a_run_that_there_is_not_is_named_before_anything_is_executed(elsewhere, chosen):
    with pytest.raises(SystemExit, match=f"^run is '{chosen}'; expected integers from 0 to 2"):
        study.main("made", [{}] * 3, pytest.fail, list, ["0", chosen])
    assert not (elsewhere / "made.json").exists()


def test_chosen_runs_are_executed_and_not_stored(elsewhere, capsys):
    executed = []

    def run(p):
        executed.append(p)
        return {"p": p, "test_accuracy": np.array([0.25, 0.75])}

    runs = [{"p": 0.1}, {"p": 0.2}, {"p": 0.3}]
    study.main("made", runs, run, list, ["2", "0"])
    assert executed == [0.3, 0.1]
    assert "3/3 {'p': 0.3} {'p': 0.3, 'test_accuracy': 'mean 0.5'}" in capsys.readouterr().out
    assert not elsewhere.exists()


def test_all_runs_are_stored_in_order(elsewhere):
    study.main("made", [{"p": 3}, {"p": 1}], lambda p: {"p": p}, lambda found: {"runs": found}, [])
    assert data.results("made")["runs"] == [{"p": 3}, {"p": 1}]


# Writing and reading.


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.123456, 0.1235),
        (-98765.4321, -98770.0),
        (1.23456e-12, 1.235e-12),
        (0.0, 0.0),
        (np.float32(0.1), 0.1),
        (np.pi, 3.142),
        (math.nan, None),
        (-math.inf, None),
        (np.float32("inf"), None),
        (np.finfo(float).max, None),  # rounds up to infinity
        (123456, 123456),  # a count is kept
        (np.int64(123456), 123456),
        (np.True_, True),
        (True, True),
        (None, None),
        ("3.14159", "3.14159"),
        (np.array([[0.123456, np.nan], [1, np.inf]], np.float32), [[0.1235, None], [1.0, None]]),
        (np.arange(3), [0, 1, 2]),
        ((1, (2.00004, np.array(math.nan))), [1, [2.0, None]]),
        ({2: {"a": np.float64(math.nan)}}, {"2": {"a": None}}),
    ],
)
def test_plain_rounds_and_leaves_out_what_json_lacks(value, expected):
    plain = study.plain(value)
    assert plain == expected
    assert type(plain) is type(expected)
    assert json.loads(json.dumps(plain, allow_nan=False)) == expected


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Store results in another folder, and read them from there."""
    (tmp_path / "bundled").mkdir()
    monkeypatch.setattr(study, "FOLDER", tmp_path / "bundled" / "results")
    monkeypatch.setattr(data, "files", lambda package: tmp_path)
    return tmp_path / "bundled" / "results"


def test_what_was_stored_is_read_with_none_for_what_is_not_finite(elsewhere):
    study.store("made", {"seeds": 2, "test_accuracy": np.array([0.98765, np.nan])})
    assert data.results("made") == {
        "command": "python studies/made.py",
        "seeds": 2,
        "test_accuracy": [0.9877, None],
    }
    text = (elsewhere / "made.json").read_text("utf-8")
    assert text.splitlines()[2:] == [' "seeds": 2,', ' "test_accuracy": [0.9877, null]', "}"]


@pytest.mark.parametrize("name", ["nope", "", "made.json", "../results/made", None, 3])
def test_unknown_results_are_named_with_those_there_are(elsewhere, name):
    study.store("made", {})
    study.store("again", {})
    with pytest.raises(KeyError) as told:
        data.results(name)
    message = told.value.args[0]
    assert message.startswith(f"unknown stored result {name!r}")
    assert message.endswith("Expected: again, made")


def test_storing_again_replaces(elsewhere):
    for seeds in (200, 3):
        study.store("made", {"seeds": seeds})
    assert data.results("made")["seeds"] == 3
    assert [path.name for path in elsewhere.iterdir()] == ["made.json"]


# What is stored comes from the settings of today, and some of it is measured again.


def test_results_come_from_the_settings_of_today():
    result = data.results("trainable_depth")
    for key, value in [
        ("bias_variance", trainable_depth.BIAS_VARIANCE),
        ("weight_variances", trainable_depth.WEIGHT_VARIANCES),
        ("depths", trainable_depth.DEPTHS),
        ("learning_rates", trainable_depth.LEARNING_RATES),
        ("width", trainable_depth.WIDTH),
        ("seeds", len(trainable_depth.SEEDS)),
    ]:
        assert result[key] == study.plain(value), key


def test_costs_belong_to_the_settings_of_today():
    result = data.results("propagation_cost")
    assert result["seeds"] == len(propagation_cost.SEEDS)
    assert [(r["shape"], r["batch"]) for r in result["networks"]] == [
        (run["shape"], run["batch"]) for run in propagation_cost.RUNS
    ]
    for record in result["networks"]:
        sizes = propagation_cost.SHAPES[record["shape"]]
        assert record["sizes"] == sizes
        assert record["rounds"] == propagation_cost.rounds_for(sizes, record["batch"])
        assert record["counted_ratio"] == study.plain(propagation_cost.counted_ratio(sizes))
        assert min(record["time_ratio"] + record["time_ratio_pytorch"]) > 0.5


def test_a_ratio_of_times_is_measured_again():
    both = propagation_cost.ratios("8 layers of 64", 64, seed=0)
    assert all(0 < ratio < math.inf for ratio in both)  # how large depends on the machine


@pytest.mark.parametrize("weight_variance", [1.0, 6.0])
def test_a_result_is_regenerated(weight_variance):
    result = data.results("trainable_depth")
    i = result["depths"].index(2)
    j = result["weight_variances"].index(weight_variance)
    (train_part, _, (x_test, y_test)) = deep_networks.three_parts()
    network = trainable_depth.build(2, weight_variance, [*trainable_depth.SEEDS])
    deep_networks.train(
        network, result["chosen_learning_rate"][i][j], train_part, trainable_depth.EPOCHS
    )
    anew = accuracy(network(x_test), y_test)
    assert anew.mean() == pytest.approx(np.mean(result["test_accuracy"][i][j]), abs=0.02)
