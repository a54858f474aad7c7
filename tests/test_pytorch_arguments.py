"""Losses, targets and optimizers that do not fit a module are named before a step."""

import copy

import numpy as np
import pytest
import torch
from pytorch_helpers import Squeezed, Y, try_fit
from together import together
from torch import nn

from course_lib import data, network, pytorch, training
from course_lib.pytorch.arguments import as_targets, loss_and_criterion

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


@together("as_tensor", [False, True])
@together("value", [np.nan, np.inf, -np.inf])
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


# ---------------------------------------------------------------------------------------------
# Losses with parameters
# ---------------------------------------------------------------------------------------------

CLASSES = data.moons(30)[1]
SOFT = np.random.default_rng(0).dirichlet(np.ones(2), len(CLASSES))
REAL = np.random.default_rng(1).normal(size=(len(CLASSES), 2))
WITH_PARAMETERS = {  # loss, parameters, y
    "soft labels": ("cross_entropy", {}, SOFT),
    "smoothing": ("cross_entropy", {"label_smoothing": 0.2}, CLASSES),
    "class weights": ("cross_entropy", {"class_weights": [1, 3]}, CLASSES),
    "one class alone": ("cross_entropy", {"class_weights": [1, 0]}, CLASSES),
    "all of them": (
        "cross_entropy", {"label_smoothing": 0.2, "class_weights": [1, 3]}, CLASSES
    ),
    "all of them, soft": (
        "cross_entropy", {"label_smoothing": 0.2, "class_weights": [1, 3]}, SOFT
    ),
    "one positive weight": ("binary_cross_entropy", {"pos_weight": 3}, SOFT),
    "positive weights": ("binary_cross_entropy", {"pos_weight": [3, 0.5]}, np.eye(2)[CLASSES]),
    "binary smoothing": (
        "binary_cross_entropy", {"pos_weight": 2, "label_smoothing": 0.1}, np.eye(2)[CLASSES]
    ),
    "Gaussian": ("gaussian_nll", {}, REAL[:, :1]),
    "Gaussian in full": ("gaussian_nll", {"full": True}, REAL[:, :1]),
    "Poisson": ("poisson_nll", {}, CLASSES[:, np.newaxis] + [[0, 3]]),
    "Poisson in full": ("poisson_nll", {"full": True}, CLASSES[:, np.newaxis] + [[0, 3]]),
}  # fmt: skip


@together("case", WITH_PARAMETERS)
@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 2e-6), (torch.float64, 1e-14)])
def test_a_criterion_has_value_and_gradient_of_the_loss(case, dtype, near):
    name, parameters, y = WITH_PARAMETERS[case]
    loss, criterion = loss_and_criterion(network.get_loss(name, **parameters))
    leaf = torch.tensor(REAL * 2, dtype=dtype, requires_grad=True)
    value = criterion(leaf, as_targets(y, loss, leaf.shape, leaf))
    value.backward()
    expected, gradient = loss.with_gradient(leaf.detach().numpy(), y)
    assert value.dtype == dtype
    assert value.item() == pytest.approx(expected, rel=near)
    np.testing.assert_allclose(leaf.grad, gradient, rtol=0, atol=near * abs(gradient).max())


@pytest.mark.parametrize("case", WITH_PARAMETERS)
def test_trainings_with_such_a_loss_stay_together(case):
    name, parameters, y = WITH_PARAMETERS[case]
    x, loss = data.moons(30)[0], network.get_loss(name, **parameters)
    model = pytorch.mlp([2, 8, 2], "tanh", dtype=torch.float64)
    ours = pytorch.to_numpy(model)
    options = {
        "loss": loss, "epochs": 6, "batch_size": 2, "seed": 3, "validation": (x[::3], y[::3])
    }  # fmt: skip
    first = training.fit(ours, x, y, optimizer=training.SGD(0.05), **options)
    sgd = torch.optim.SGD(model.parameters(), lr=0.05)
    second = pytorch.fit(model, x, y, optimizer=sgd, **options)
    np.testing.assert_allclose(first.train_loss, second.train_loss, rtol=1e-9)
    np.testing.assert_allclose(first.validation_loss, second.validation_loss, rtol=1e-9)
    np.testing.assert_array_equal(first.validation_accuracy, second.validation_accuracy)
    assert np.isnan(first.validation_accuracy).all() == name.endswith("nll")
    assert first.validation_loss[-1] == loss.function(ours(x[::3]), y[::3])
    assert first.train_loss[-1] < first.train_loss[0]


@pytest.mark.parametrize("case", WITH_PARAMETERS)
def test_a_module_is_inspected_with_such_a_loss(case):
    name, parameters, y = WITH_PARAMETERS[case]
    loss, x = network.get_loss(name, **parameters), REAL
    model = pytorch.mlp([2, 8, 2], "tanh", dtype=torch.float64)
    (passage,) = pytorch.passages(model, x, y, loss)
    ours = pytorch.to_numpy(model)
    _, expected = ours.loss_and_gradients(x, y, loss)
    np.testing.assert_allclose(passage.gradient.sum(axis=0), expected["0.bias"][0], atol=1e-14)


@pytest.mark.parametrize(
    ("loss", "y", "error", "texts"),
    [
        ("cross_entropy", Y[:, None] + np.ones(2), ValueError, ["one row sum to", "probabilities"]),
        ("gaussian_nll", np.zeros((4, 2)), ValueError, ["the means (4, 1)", "shape (4, 1)"]),
        ("poisson_nll", np.full((4, 2), -1), ValueError, ["from -1.0", "counts from 0 on"]),
        (
            network.get_loss("cross_entropy", class_weights=[1, 2, 3]), Y, ValueError,
            ["are 3 numbers", "expected 2, one for each class"],
        ),
    ],
)  # fmt: skip
def test_targets_and_parameters_are_checked_before_a_step(loss, y, error, texts, refuses):
    refuses(lambda: try_fit(y=y, loss=loss), error, *texts)


def test_a_loss_whose_gradient_was_replaced_is_another():
    row = network.LOSSES["mean_squared_error"]
    other = network.Loss(row.name, row.function, lambda outputs, y: outputs)
    with pytest.raises(NotImplementedError, match="counterpart of the loss 'mean_sq"):
        loss_and_criterion(other)
