"""What is stored of recurrent cells and norms holds for PyTorch, ONNX Runtime and Keras here."""

import importlib
import json
import sys
import warnings
from functools import cache

import atlas_cell_judging
import atlas_cell_questions
import pytest
from environment import ROOT

import atlas

HOMES = {"torch_cells": "torch", "onnx_runtime_cells": "onnxruntime", "keras_torch_cells": "keras"}
QUESTIONS = atlas_cell_questions.written()


@cache
def home(name):
    """Return the module of a home, and the program that asks it."""
    for folder in ("", "homes", "cells"):
        sys.path.append(str(ROOT / "atlas" / folder))
    module = importlib.import_module(name)
    return getattr(module, "home", module), importlib.import_module("cell_probe")


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["name"])
@pytest.mark.parametrize("name", HOMES)
def test_answers_hold_here(name, question):
    pytest.importorskip(HOMES[name])
    module, program = home(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = program.asked(module, question)
    found = atlas_cell_judging.judged({question["name"]: answer})[question["name"]]
    stored = json.loads((atlas.STORED / f"{name}.json").read_text())["cells"][question["name"]]
    assert set(found) == set(stored)
    for part, was in stored.items():
        if isinstance(was, dict) and "is" in was:
            assert found[part]["is"] == was["is"], (part, was, found)
        elif part in ("is", "fraction"):
            assert found[part] == was
        elif part == "epsilon":
            assert found[part] == pytest.approx(was, rel=0.02)
