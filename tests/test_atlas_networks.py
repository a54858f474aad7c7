"""The network of chapter 6 in other homes: the questions, and what answers are worth."""

import importlib
import json
import sys

import atlas_networks
import numpy as np
import pytest
from environment import ROOT

import atlas
from course_lib import frameworks

HOMES = [name for name, path in atlas.homes().items() if path.parent.name == "networks"]
SAME = {"logits": 1e-6, "gradients": 1e-6, "losses": 1e-6}


def answer(values):
    """Return values as the program writes them."""
    values = np.asarray(values, dtype=np.float64)
    return {"shape": values.shape, "numbers": [float(v).hex() for v in values.ravel()]}


@pytest.mark.parametrize("reset", ["before", "after"])
def test_either_definition_of_a_gru_is_told(reset):
    found = atlas_networks.judged({"gru": answer(atlas_networks.gru(reset))})
    assert found["gru"] == {"reset": reset, "difference": 0}


def test_another_cell_is_neither():
    assert atlas_networks.judged({"gru": answer(np.zeros((2, 4)))})["gru"]["reset"] == "another"


def test_differences_are_the_largest_ones():
    wrong = atlas_networks.ours()["logits"].copy()
    wrong[3, 2] += 0.5
    assert atlas_networks.judged({"logits": answer(wrong)})["logits"]["difference"] == 0.5


@pytest.mark.parametrize("home", HOMES)
def test_every_home_has_equal_logits_gradients_and_ten_steps(home):
    found = json.loads((atlas.STORED / f"{home}.json").read_text())["answers"]
    for name, bound in SAME.items():
        assert found[name]["difference"] < bound
    if "error" not in found["dropped"]:
        share, largest = found["dropped"]["numbers"]
        assert share == pytest.approx(0.2, abs=0.01) and largest == pytest.approx(1.25)


def test_what_is_stored_of_pytorch_holds_here(monkeypatch):
    pytest.importorskip("torch")
    for folder in (ROOT / "atlas", ROOT / "atlas" / "networks"):
        monkeypatch.syspath_prepend(str(folder))
    program = importlib.import_module("network_probe")
    home = importlib.import_module("torch_network")
    path = atlas.ANSWERS / "networks.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **atlas_networks.inputs())
    with np.load(path) as inputs:
        found = atlas_networks.judged(program.answers(home, inputs))
    was = json.loads((atlas.STORED / "torch_network.json").read_text())["answers"]
    for name, told in found.items():
        if "numbers" in told:
            np.testing.assert_allclose(told["numbers"], was[name]["numbers"], rtol=1e-4)
        else:
            assert told["difference"] < 1e-12
    assert found["gru"]["reset"] == was["gru"]["reset"]
    sys.modules.pop("torch_network")


def test_stored_networks_are_told_by_home():
    found = frameworks.networks()
    assert sorted(found) == sorted(name.removesuffix("_network") for name in HOMES)
    for table in found.values():
        assert table["answers"]["logits"]["difference"] < 1e-6
    assert not set(found["torch"]["answers"]) & {"backends"}


@pytest.mark.parametrize("home", ["keras_torch", "keras_jax", "keras_tensorflow"])
def test_keras_is_asked_for_every_backend(home):
    said = frameworks.networks()[home]["answers"]["backends"]
    assert said[home.removeprefix("keras_")] == "runs"
    unknown = {name for name, words in said.items() if "Unable to import" in words}
    assert unknown == {"theano", "cntk", "mxnet", "mlx"}
