"""Losses, targets and optimizers that do not fit a module are named before a step."""

import copy

import numpy as np
import pytest
import torch
from pytorch_helpers import Squeezed, Y, try_fit
from torch import nn

from course_lib import data, network, pytorch, training

pytestmark = pytest.mark.usefixtures("one_thread")


def loaded(model):
    """Return an optimizer for the parameters that a module had before others were put there."""
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    model.load_state_dict(copy.deepcopy(model.state_dict()), assign=True)
    return sgd


OTHERS = {
    "of another module": (
        lambda model: torch.optim.SGD(pytorch.mlp([2, 2]).parameters(), lr=0.1),
        ValueError, "2 of its 2 are not in this one", "for model.parameters() or for some of them",
    ),
    "of a copy": (
        lambda model: torch.optim.Adam(copy.deepcopy(model).parameters()),
        ValueError, "another module", "built, copied or loaded",
    ),
    "of two modules": (
        lambda model: torch.optim.SGD([*model.parameters(), nn.Parameter(torch.ones(1))], lr=1),
        ValueError, "1 of its 3 are not", "model.parameters()",
    ),
    "of replaced parameters": (loaded, ValueError, "2 of its 2", "copied or loaded"),
    "of frozen parameters": (
        lambda model: torch.optim.SGD(model.requires_grad_(False).parameters(), lr=0.1),
        ValueError, "all 2 parameters of the optimizer are frozen", "at least one parameter that",
    ),
    "of the frozen part": (
        lambda model: torch.optim.SGD([model[0].weight.requires_grad_(False)], lr=0.1),
        ValueError, "all 1 parameters", "nothing would be learned",
    ),
    "of this library": (
        lambda model: training.SGD(0.1),
        TypeError, "a SGD of course_lib.training", "torch.optim.SGD(model.parameters(), lr=0.1)",
    ),
    "of nobody": (lambda model: model, TypeError, "optimizer is", "pass an instance"),
    "a class": (lambda model: torch.optim.SGD, TypeError, "torch.optim.sgd.SGD", "an instance"),
    "with a closure": (
        lambda model: torch.optim.LBFGS(model.parameters()), TypeError, "a LBFGS", "a closure"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHERS)
def test_an_optimizer_that_would_train_nothing_is_told(case, refuses):
    make, error, *texts = OTHERS[case]
    model = pytorch.mlp([2, 2])
    before = copy.deepcopy(model.state_dict())
    refuses(lambda: try_fit(model=model, optimizer=make(model)), error, *texts)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


BAD = {
    "another loss": (
        lambda: try_fit(loss=network.Loss("hinge", abs, abs)),
        NotImplementedError, "'hinge'", "cross_entropy",
    ),
    "outputs without their axis": (
        lambda: try_fit(y=Y[:, None], model=Squeezed(2, 1), loss="mean_squared_error"),
        ValueError, "output has shape (4,)", "(..., batch, features)",
    ),
    "outputs with more axes": (
        lambda: try_fit(model=nn.Sequential(nn.Linear(2, 4), nn.Unflatten(1, (2, 2)))),
        ValueError, "outputs of shape (4, 2, 2)", "(batch, outputs)",
    ),
    "unknown loss": (lambda: try_fit(loss="mse"), KeyError, "'mse'", "mean_squared_error"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])


@pytest.mark.parametrize(
    ("labels", "error", "given_text", "accepted_text"),
    [(Y + 2, ValueError, "from 2 to 2", "0 to 1"), (Y + 0.5, TypeError, "float64", "integers")],
)
def test_labels_are_checked_as_the_numpy_network_checks_them(
    labels, error, given_text, accepted_text, refuses
):
    refuses(lambda: try_fit(y=labels), error, given_text, accepted_text)


def _fit_arguments(loss):
    """Return x, y and validation data, all finite, for a network of two inputs and two outputs."""
    x, y = data.xor()
    targets = y if loss == "cross_entropy" else np.eye(2)[y]
    return {"x": x, "y": targets, "x_valid": x.copy(), "y_valid": targets.copy()}


@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("x", "x"),
        ("y", "y"),
        ("x_valid", "x of the validation data"),
        ("y_valid", "y of the validation data"),
    ],
)
def test_numbers_that_are_not_finite_are_refused_before_a_step(where, name, value, as_tensor):
    given = _fit_arguments("mean_squared_error")
    given[where] = given[where].astype(np.float64)
    given[where][2, 1] = value
    if as_tensor:
        given[where] = torch.tensor(given[where])
    model = pytorch.mlp([2, 3, 2])
    before = {key: value.clone() for key, value in model.state_dict().items()}
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    with np.errstate(over="ignore"), pytest.raises(ValueError, match=f"^{name} has 1 number that"):
        pytorch.fit(
            model, given["x"], given["y"], optimizer=sgd, loss="mean_squared_error",
            validation=(given["x_valid"], given["y_valid"]),
        )  # fmt: skip
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("loss", "units", "shape", "hint"),
    [
        ("mean_squared_error", 1, (4,), r"pass y\[\.\.\., np\.newaxis\]"),
        ("binary_cross_entropy", 1, (4,), r"pass y\[\.\.\., np\.newaxis\]"),
        ("cross_entropy", 2, (4, 1), r"pass y\[\.\.\., 0\]"),
    ],
)
def test_targets_with_a_wrong_column_are_told_how_to_mend_it(loss, units, shape, hint):
    x, y = data.xor()
    model = pytorch.mlp([2, 3, units])
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=hint):
        pytorch.fit(model, x, y.reshape(shape), optimizer=sgd, loss=loss)
