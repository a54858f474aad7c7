"""The catalogue's spellings: what is stored of them is all that differs, and holds here.

What differs is listed by hand, as the release notes of a library would: another release that
changes a convention fails here. PyTorch and JAX are asked live, TensorFlow, which is in no lock,
and Keras on it stand as they were stored.
"""

import json

import atlas_spellings
import jax
import numpy as np
import pytest
import torch

import atlas
from course_lib import activations
from course_lib.frameworks import spellings
from course_lib.frameworks.spelled import DTYPES, HOMES

SLOPES = {
    ("leaky_relu", "0", "0.01", "1"): {"JAX", "Keras on JAX"},
    ("prelu", "0", "0.25", "1"): {"JAX", "Keras on JAX"},
    ("hard_tanh", "-1", "0", "1"): {"JAX", "Keras on JAX", "Keras on TensorFlow"},
    ("hard_tanh", "1", "0", "1"): {"JAX", "Keras on JAX", "Keras on TensorFlow"},
    ("sparse_sigmoid", "-1", "0", "0.25"): {"JAX", "Keras on JAX"},
    ("sparse_sigmoid", "1", "0", "0.25"): {"JAX", "Keras on JAX"},
    ("celu", "0", "1", "2"): {"Keras on TensorFlow"},
    ("selu", "0", "1.7581", "1.0507"): {"TensorFlow", "Keras on TensorFlow"},
}
"""Activation, input, slope here and there: where it is so, in both dtypes."""
BESIDE = {"float32": "-1e-08", "float64": "-1e-40"}  # where 1 + x is 1: SELU of TensorFlow
VALUES = {
    "float32": {"squareplus": {"JAX", "Keras on JAX", "Keras on PyTorch", "Keras on TensorFlow"}},
    "float64": {
        "leaky_relu": {"TensorFlow", "Keras on TensorFlow"},
        "tanh": {"Keras on JAX"},
        "softplus": {"PyTorch", "Keras on PyTorch"},
        "squareplus": {"JAX", "Keras on JAX", "Keras on PyTorch", "Keras on TensorFlow"},
        "gelu": {"TensorFlow", "Keras on TensorFlow"},
        "gelu_tanh": {"TensorFlow", "Keras on TensorFlow"},
    },
}
"""What is off by more than rounding, at inputs up to 500."""
STORED = json.loads(atlas_spellings.STORED.read_text())
LIVE = {"torch_eager": {"torch": torch, "nn": torch.nn}, "jax_eager": {"nn": jax.nn}}


def test_every_spelling_is_stored_as_it_is_typed():
    told = {(e["home"], e["name"], e["spelling"], e["line"]) for e in STORED["spellings"]}
    expected = {
        (home, name, getattr(activations.CATALOGUE[name], library), line)
        for home, library in atlas_spellings.HOMES.items()
        for name, (line,) in atlas_spellings.lines(home).items()
    }
    assert told == expected
    assert len(told) == len(STORED["spellings"])
    assert set(STORED["homes"]) == set(HOMES) == set(atlas_spellings.HOMES)


@pytest.mark.parametrize("home", HOMES)
def test_versions_are_those_of_the_atlas(home):
    table = json.loads((atlas.STORED / f"{home}.json").read_text())
    here = STORED["homes"][home]["versions"]
    assert {name: here[name] for name in table["versions"]} == table["versions"]
    assert all(STORED["homes"][home][key] for key in ("date", "machine", "python"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_slopes_that_differ_are_those_that_are_known(dtype):
    found = {}
    for each in spellings(dtype=dtype):
        for x, there, here in each.slopes:
            found.setdefault((each.name, x, here, there), set()).add(each.library)
    beside = ("selu", BESIDE[dtype], "1.7581", "1.0507")
    assert found == SLOPES | {beside: SLOPES["selu", "0", "1.7581", "1.0507"]}


def test_all_but_that_of_celu_are_at_kinks():
    smooth = {(n, x) for n, x, *_ in SLOPES if float(x) not in activations.get(n).kinks}
    assert smooth == {("celu", "0")}


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_that_differ_are_those_that_are_known(dtype):
    found = {}
    for each in spellings(dtype=dtype):
        assert bool(each.difference) == (each.verdict == "different function")
        if each.difference:
            found.setdefault(each.name, set()).add(each.library)
            assert float(each.difference) < 2e-5
    assert found == VALUES[dtype]
    (softplus,) = (e for e in spellings("softplus", dtype="float64") if e.library == "PyTorch")
    assert softplus.difference == "2.1e-09" and softplus.at == "20"


def test_an_infinite_input_gives_its_limit_or_nan():
    limits = {"-inf": -np.inf, "inf": np.inf}
    parted = [(each, *item) for each in spellings() for item in each.ends.items()]
    assert len(parted) > 50
    for each, asked, ends in parted:
        row = activations.CATALOGUE[each.name]
        for end, (there, limit) in ends.items():
            function = {"values": row.function, "slopes": row.derivative}[asked]
            assert there == "nan"
            assert float(limit) == function(limits[end])


def slopes(home, line, x):
    """Return the slopes of a line at numbers, computed here."""
    if home == "torch_eager":
        leaf = torch.tensor(x, requires_grad=True)
        eval(line, LIVE[home] | {"x": leaf}).sum().backward()
        return leaf.grad.numpy()
    gradient = jax.grad(lambda x: eval(line, LIVE[home] | {"x": x}).sum())
    return np.asarray(gradient(np.asarray(x)))


@pytest.mark.parametrize("home", LIVE)
def test_slopes_at_kinks_are_what_is_stored_here_and_now(home):
    asked = 0
    for each in spellings():
        row = activations.CATALOGUE[each.name]
        other = {float(x): float(there) for x, there, _ in each.slopes}
        if each.home != home or not (row.kinks or other):
            continue
        # always as many numbers, since JAX compiles for each length
        x = np.array([*row.kinks, *other, 0, -1, 1, 2, -2, 4][:6], np.float32)
        expected = np.asarray(row.derivative(x))
        expected = np.array([other.get(float(k), v) for k, v in zip(x, expected, strict=True)])
        found = slopes(home, each.line, x)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6, err_msg=each.line)
        asked += len(row.kinks)
    assert asked > 10


@pytest.mark.parametrize(
    ("arguments", "told"), [(("gelo", "float32"), "gelu"), (("gelu", "float16"), "float32")]
)
def test_what_is_unknown_is_named_with_what_there_is(arguments, told):
    name, dtype = arguments
    with pytest.raises(KeyError, match=told):
        spellings(name, dtype=dtype)


def test_a_planted_difference_is_found():
    row, x = activations.CATALOGUE["hard_tanh"], atlas.POINTS["float32"]["row"]
    values, here = atlas_spellings.ours(row, x)
    there = np.where(np.abs(x) == 1, 0.5, here)
    answers = {
        asked: {"shape": y.shape, "numbers": [float(v).hex() for v in y]}
        for asked, y in (("values", np.where(x == 0.5, 0.6, values)), ("slopes", there))
    }
    found = atlas_spellings.compared(row, answers, "float32")
    assert found["slopes"] == [["-1", "0.5", "0"], ["1", "0.5", "0"]]
    told = [found[key] for key in ("verdict", "difference", "at")]
    assert told == ["different function", "0.1", "0.5"]
    assert found["ends"] == {}
