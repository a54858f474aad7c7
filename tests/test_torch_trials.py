"""`train_network` by PyTorch, against that by NumPy, and in a sweep."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
import torch

from course_lib.experiments import sweep
from course_lib.experiments.spec import SpecError, parse_spec
from course_lib.experiments.torch_trials import check_training_torch, train_network_torch
from course_lib.experiments.training_trials import OPTIMIZERS, train_network

pytestmark = pytest.mark.usefixtures("one_thread")

SEEDS = (4, 9, 2)
SMALL = {"pixels": 7, "depth": 1, "width": 8, "epochs": 2, "batch_size": 300}  # the last has 100
RATES = {"sgd": 0.3, "momentum": 0.03, "rmsprop": 0.003, "adam": 0.01, "adamw": 0.01}


@pytest.mark.parametrize(
    "arguments",
    [
        *({"optimizer": name, "learning_rate": rate} for name, rate in RATES.items()),
        {"activation": "swiglu", "normalization": "layer", "residual": True, "depth": 3},
        {"activation": "sine", "data": "fashion_mnist", "gain": 0.7, "bias_variance": 0.05},
        {"activation": "tanh", "normalization": "batch", "initialization": "xavier"},
        {"sizes": [49, 6, 10], "depth": None, "width": None, "activation": "elu(alpha=0.5)"},
    ],
)
def test_both_libraries_train_the_same_networks(arguments):
    given = SMALL | {"learning_rate": 0.03} | arguments
    found, expected = train_network_torch(SEEDS, **given), train_network(SEEDS, **given)
    assert list(found) == list(expected)
    np.testing.assert_allclose(found["train_loss"], expected["train_loss"], rtol=2e-4)
    for name in ("validation_accuracy", "test_accuracy"):
        assert abs(found[name] - expected[name]).max() <= 4 / 1000, name
        assert found[name].shape == (3,)
    assert expected["test_accuracy"].mean() > 0.2  # something was learned
    assert np.ptp(expected["train_loss"]) > 0.01  # seeds differ by more than the libraries


def test_float32_alone_parts_the_libraries(monkeypatch):
    """In float64 they agree to the last digits of a training of 28 steps."""
    from course_lib.experiments import training_trials

    mlp, images = training_trials.mlp, training_trials._three_parts("mnist", 7)
    longer = training_trials.Parts(*((x.astype(float), y) for x, y in images))
    monkeypatch.setattr(training_trials, "_three_parts", lambda data, pixels: longer)
    monkeypatch.setattr(training_trials, "mlp", lambda *a, **k: mlp(*a, **k | {"dtype": float}))
    given = SMALL | {"activation": "tanh", "optimizer": "adam", "learning_rate": 0.01}
    found, expected = train_network_torch(SEEDS, **given), train_network(SEEDS, **given)
    np.testing.assert_allclose(found["train_loss"], expected["train_loss"], rtol=1e-11)
    for name in ("validation_accuracy", "test_accuracy"):
        assert np.array_equal(found[name], expected[name])


def test_optimizers_and_arguments_are_those_of_numpy():
    assert list(RATES) == list(OPTIMIZERS)
    ours, theirs = (dict(inspect.signature(f).parameters) for f in FUNCTIONS)
    assert theirs.pop("device").default == "cpu"
    assert ours == theirs


FUNCTIONS = train_network, train_network_torch


def test_each_network_is_that_of_its_seed_alone_without_dropout():
    together = train_network_torch(SEEDS, **SMALL, learning_rate=0.03)
    for place, seed in enumerate(SEEDS):
        alone = train_network_torch([seed], **SMALL, learning_rate=0.03)
        assert alone["train_loss"][0] == pytest.approx(together["train_loss"][place], rel=1e-4)


def test_dropout_follows_from_all_seeds_and_leaves_the_random_numbers():
    torch.manual_seed(3)
    state, given = torch.get_rng_state(), SMALL | {"dropout": 0.3, "learning_rate": 0.03}
    first, again = (train_network_torch(SEEDS, **given) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    for name, values in first.items():
        assert np.array_equal(values, again[name])
    fewer = train_network_torch(SEEDS[:2], **given)
    assert (fewer["train_loss"] != first["train_loss"][:2]).all()
    without = train_network_torch(SEEDS, **given | {"dropout": 0.0})
    assert (first["train_loss"] > without["train_loss"] + 0.05).all()


def test_a_network_that_diverged_has_accuracy_0_and_no_loss():
    found = train_network_torch(
        [0, 1], **SMALL | {"epochs": 3}, optimizer="sgd", learning_rate=1e30
    )
    assert found["validation_accuracy"].tolist() == found["test_accuracy"].tolist() == [0.0, 0.0]
    assert not np.isfinite(found["train_loss"]).any()


def test_two_workers_find_the_same_bits_as_one():
    """In processes of their own, which load PyTorch themselves."""
    grid = {"activation": ["tanh", "relu"], "learning_rate": [0.01], "dropout": [0.0, 0.2]}
    grid |= {name: [value] for name, value in (SMALL | {"epochs": 1, "width": 64}).items()}
    found = []
    for workers in (1, 2):
        records = sweep(train_network_torch, grid, seeds=range(4), replicas=2, workers=workers)
        assert {row["error"] for row in records} == {None}
        found.append([records.values(name) for name in ("train_loss", "test_accuracy")])
    np.testing.assert_array_equal(*found)
    assert len(found[0][0]) == 16
    assert np.isfinite(found[0]).all()


SPEC = """
function = "train_network_torch"
seeds = 2
[fixed]
pixels = 7
width = 8
epochs = 1
device = "cpu"
[grid]
depth = [1]
activation = ["tanh", "sine"]
[tune]
name = "learning_rate"
values = [0.001, 0.01, 0.1]
score = "validation_accuracy"
budget = "none"
"""


def test_a_spec_may_name_it():
    spec = parse_spec(SPEC)
    assert spec.function is train_network_torch
    assert [c["activation"] for c in spec.grid] == ["tanh", "sine"]
    elsewhere = parse_spec(SPEC.replace('"cpu"', '"cuda:1"'))  # of the workers
    assert elsewhere.grid[0]["device"] == "cuda:1"


@pytest.mark.parametrize(
    ("old", "new", "line", "text"),
    [
        ('device = "cpu"', 'device = "tpu"', 8, "unknown device 'tpu'; expected one that is here"),
        ('device = "cpu"', "device = 0", 8, "device is a int; expected a name"),
        ('device = "cpu"', 'divice = "cpu"', 8, "'divice'; did you mean 'device'?"),
        ('"sine"', '"sin"', 11, "unknown activation 'sin'; did you mean 'sine'?"),
        ('"sine"', '"rrelu"', 9, "torch.func.vmap cannot train these members at once"),
    ],
)
def test_a_wrong_spec_is_told_with_its_line(old, new, line, text):
    with pytest.raises(SpecError, match=rf"line {line}: ") as caught:
        parse_spec(SPEC.replace(old, new))
    assert text in str(caught.value)


WRONG = {
    "device": ({"device": "gpu"}, ValueError, "unknown device 'gpu'"),
    "no device": ({"device": None}, TypeError, "device is a NoneType", "'cpu'"),
    "argument": ({"deph": 3}, TypeError, "deph"),
    "data": ({"data": "mnst"}, KeyError, "unknown data 'mnst'; did you mean 'mnist'?"),
    "optimizer": ({"optimizer": "adan"}, KeyError, "did you mean 'adam'?"),
    "a single row": ({"batch_size": 1, "normalization": "batch"}, ValueError, "batch"),
    "rrelu": ({"activation": "rrelu"}, NotImplementedError, "RReLU"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_trained_is_told_before_anything_is(case, refuses):
    given, error, *texts = WRONG[case]
    refuses(lambda: check_training_torch(**SMALL | given), error, *texts)
    refuses(lambda: train_network_torch([0], **SMALL | given), error, *texts)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_here_is_told(refuses):
    check_training_torch(**SMALL, device="cuda")
    refuses(
        lambda: train_network_torch([0], **SMALL, device="cuda"), ValueError, "device is 'cuda'",
        "expected one that is here: cpu",
    )  # fmt: skip


def test_reading_a_spec_needs_no_pytorch_and_without_it_one_error_says_so():
    program = """
import sys
sys.modules["torch"] = None
from course_lib.experiments.spec import FUNCTIONS, read_spec
read_spec("trainable-depth")
try:
    FUNCTIONS["train_network_torch"].function([0])
except ModuleNotFoundError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.startswith("this needs PyTorch; install it with: pip install")
    assert '"why-networks-bend[torch]"' in done.stdout
