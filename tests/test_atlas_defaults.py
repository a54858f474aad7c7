"""Initial weights, dropout and optimizers of other homes: judging, what is stored, the page."""

import importlib
import json
import re
import sys
import warnings

import atlas_defaults
import defaults_tables
import numpy as np
import pytest
from environment import ROOT
from scipy import stats

import atlas
from course_lib.frameworks import default_homes, defaults

QUESTIONS = {question.name: question for question in atlas_defaults.questions()}
PAGE = (ROOT / "book" / "atlas" / "defaults.md").read_text(encoding="utf-8")
LIVE = {"torch_defaults": "torch", "keras_torch_defaults": "keras"}
RANDOM = {"fan-in times variance", "largest", "fraction", "dropped", "factor", "mean", "deviation"}


def judged(name, **arrays):
    """Return what is told of an answer to a question."""
    return QUESTIONS[name].judge({part: np.asarray(each) for part, each in arrays.items()})


def cut(rng, shape, size):
    """Return normal numbers that are drawn again beyond two deviations."""
    return size * stats.truncnorm.rvs(-2, 2, size=shape, random_state=rng)


STARTS = {
    "1 / (3 fan-in)": lambda rng, n, m: rng.uniform(-1, 1, (n, m)) / np.sqrt(n),
    "1 / fan-in": lambda rng, n, m: rng.normal(size=(n, m)) / np.sqrt(n),
    "1 / fan-in, cut": lambda rng, n, m: cut(rng, (n, m), 1 / np.sqrt(n)),
    "2 / fan-in": lambda rng, n, m: rng.normal(size=(n, m)) * np.sqrt(2 / n),
    "2 / (fan-in + fan-out)": lambda rng, n, m: rng.uniform(-1, 1, (n, m)) * np.sqrt(6 / (n + m)),
    "uniform on −0.07 to 0.07": lambda rng, n, m: rng.uniform(-0.07, 0.07, (n, m)),
    "another": lambda rng, n, m: rng.normal(size=(n, m)),
}


@pytest.mark.parametrize("rule", STARTS)
@pytest.mark.parametrize("shape", atlas_defaults.SHAPES)
def test_the_rule_of_initial_weights_is_told(rule, shape):
    w = STARTS[rule](np.random.default_rng(0), *shape)
    found = judged("dense initial weights, 784 to 256", w=w)
    assert found["rule"] == rule
    assert found["fan-in times variance"] == pytest.approx(shape[0] * w.var(), rel=0.01)


def test_fractions_pairs_and_moments_are_told():
    y = np.repeat([0.0, 1.25], [20, 80])
    assert judged("dropout 0.2", y=y) == {"dropped": 0.2, "factor": 1.25}
    assert judged("masks, compiled", y=[y, y])["is"] == "equal"
    found = judged("masks, compiled", y=[y, np.roll(y, 10)])
    assert found == {"is": "different", "fraction": 0.2}
    found = judged("alpha dropout 0.2", y=[1.0, 3.0])
    assert found == {"mean": 2.0, "deviation": 1.0}


@pytest.mark.parametrize("epsilon", [1e-8, 1e-7, 3.16e-6])
def test_the_epsilon_of_adam_is_told(epsilon):
    g = atlas_defaults.GRADIENTS
    found = judged("adam", y=g / (np.abs(g) + epsilon))
    assert found["epsilon"] == pytest.approx(epsilon, rel=0.02)


def test_numbers_that_json_lacks_are_words():
    found = judged("adam in float16", y=[1.0, np.inf, np.nan])
    assert found == {"numbers": [1.0, "inf", "nan"]}
    assert [defaults_tables.shown(each) for each in (-0.62, "inf", "nan")] == ["−0.62", "∞", "NaN"]
    assert [defaults_tables.shown(each) for each in (1e-8, 3.16e-6, -0.0, 1e-4, 1e5)] == [
        "$10^{-8}$", r"$3.2 \cdot 10^{-6}$", "0", "0.0001", "100,000"]  # fmt: skip


@pytest.mark.parametrize(("share", "label"), [
    (0.925, "over all classes"), (0.9, "over the others"), (0.8, "another"),
])  # fmt: skip
def test_what_smoothing_leaves_is_told_from_a_loss_and_from_a_target(share, label):
    x = atlas_defaults.LOGITS
    target = np.array([share, *[(1 - share) / 3] * 3])
    loss = np.log(np.exp(x).sum()) - target @ x
    for answer in ({"loss": loss}, {"target": target[None]}):
        found = judged("label smoothing", **answer)
        assert found == {"is": label, "target": pytest.approx(share)}


def test_decay_is_told():
    assert judged("adamw decay", y=[0.995]) == {"decay": pytest.approx(0.01)}


@pytest.mark.parametrize("home", list(default_homes()))
def test_every_home_answers_every_question_or_says_why_not(home):
    table = json.loads((atlas.STORED / f"{home}.json").read_text())
    assert "failed" not in table and table["versions"] and table["date"] >= "2026-12-01"
    assert set(table["cells"]) == set(QUESTIONS)
    assert any("error" not in found for found in table["cells"].values())


def test_all_homes_are_asked_and_stored():
    modules = {path.stem for path in (ROOT / "atlas" / "defaults").glob("[!_]*.py")}
    assert modules == set(default_homes()) == set(defaults_tables.NAMES)


@pytest.mark.parametrize("name", LIVE)
def test_answers_hold_here(name):
    pytest.importorskip(LIVE[name])
    for folder in ("", "homes", "cells", "defaults"):
        sys.path.append(str(ROOT / "atlas" / folder))
    module = importlib.import_module(name)
    module, program = getattr(module, "home", module), importlib.import_module("cell_probe")
    stored = json.loads((atlas.STORED / f"{name}.json").read_text())["cells"]
    for question in atlas_defaults.written():
        if question["name"] == "masks, compiled":
            continue  # compiling takes long, and its draws belong to a version
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = program.asked(module, question)
        found = atlas_defaults.judged({question["name"]: answer})[question["name"]]
        was = stored[question["name"]]
        assert set(found) == set(was)
        for part, value in was.items():
            if part in RANDOM:
                value = pytest.approx(value, rel=0.3, abs=0.02)
            assert found[part] == value, question["name"]


def test_answers_are_told_in_words():
    (row,) = defaults("label smoothing", home="thinc_defaults")
    assert row.told == "over the others, target 0.9" and not row.refused
    (row,) = defaults("adam", home="torch_defaults")
    assert row.told.startswith("epsilon 1e-08; steps 1, -1")
    (row,) = defaults("adam", home="haiku_defaults")
    assert row.refused and row.told == "refused: the home has none"
    assert len(str(defaults("adam")).splitlines()) == len(default_homes())
    assert defaults("adam")._repr_html_().count("<tr>") == len(default_homes()) + 1
    with pytest.raises(KeyError, match="label smoothing"):
        defaults("label smoothin")
    with pytest.raises(KeyError, match="torch_defaults"):
        defaults(home="torch_default")


def test_tables_and_figures_of_the_page_are_stored():
    tables = re.findall(r"```\{defaults-table\}\n(.*?)```", PAGE, re.DOTALL)
    assert len(tables) >= 5
    for content in tables:
        lines = defaults_tables.table(content.splitlines())
        assert len(lines) > 3 and len({line.count("|") for line in lines}) == 1
    for figure in re.findall(r"\{default\}`([^`]*)`", PAGE):
        assert defaults_tables.figure(figure)
    for home in re.findall(r"\{default-home\}`([^`]*)`", PAGE):
        assert re.search(r"\d$", defaults_tables.home_and_version(home))
