"""What passes a module's activations, against PyTorch's own autograd; and its weight matrices."""

import numpy as np
import pytest
import torch
from pytorch_helpers import X, Y
from torch import nn

from course_lib import activations, pytorch

pytestmark = pytest.mark.usefixtures("one_thread")


def test_passages_have_the_inputs_outputs_and_gradients_of_autograd():
    model = pytorch.mlp([2, 5, 4, 2], "tanh", dtype=torch.float64)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 2)), rng.integers(0, 2, 6)
    found = pytorch.passages(model, x, y)
    assert [(one.name, one.layer.activation.name) for one in found] == [
        ("1", "tanh"),
        ("3", "tanh"),
    ]
    values, traced = torch.tensor(x), []
    for layer in model:
        if isinstance(layer, nn.Tanh):
            values.retain_grad()
            traced.append([values])
        values = layer(values)
        if isinstance(layer, nn.Tanh):
            traced[-1].append(values)
    nn.functional.cross_entropy(values, torch.tensor(y)).backward()
    for one, (before, after) in zip(found, traced, strict=True):
        np.testing.assert_allclose(one.inputs, before.detach(), rtol=1e-13)
        np.testing.assert_allclose(one.outputs, after.detach(), rtol=1e-13)
        np.testing.assert_allclose(one.gradient, before.grad, rtol=1e-12, atol=1e-15)


def test_passages_leave_the_gradients_of_their_own_backward_pass_alone():
    model = pytorch.mlp([2, 5, 3], "tanh", dtype=torch.float64)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 2)), rng.integers(0, 3, 6)
    loss = nn.functional.cross_entropy(model(torch.tensor(x)), torch.tensor(y))
    expected = torch.autograd.grad(loss, [model[0].weight, model[2].weight])
    for _ in range(2):  # the second time over those of the first
        pytorch.passages(model, x, y)
        found = pytorch.weights(model, gradients=True)
        for value, gradient in zip(found.values(), expected, strict=True):
            np.testing.assert_allclose(value, gradient, rtol=1e-12, atol=1e-15)


def test_each_place_of_each_channel_is_a_unit_and_no_gradient_is_asked_for_without_labels():
    model = nn.Sequential(nn.Conv1d(1, 3, 2), nn.PReLU(3), nn.Flatten(), nn.Linear(9, 2))
    (one,) = pytorch.passages(model, np.zeros((5, 1, 4)))
    assert one.inputs.shape == one.outputs.shape == (5, 9)
    assert one.layer.parameters["weight"].shape == (1, 9)
    assert one.gradient.size == 0


def test_weights_are_copies_of_matrices_and_gradients_are_0_where_none_was_left():
    model = nn.Sequential(nn.Conv1d(2, 3, 4), nn.BatchNorm1d(3), nn.Flatten(), nn.Linear(3, 2))
    model[0].weight.requires_grad_(False)
    model(torch.ones(5, 2, 4)).sum().backward()
    kept = model[3].weight.detach().numpy().copy()
    found, gradients = pytorch.weights(model), pytorch.weights(model, gradients=True)
    assert {name: value.shape for name, value in found.items()} == {
        "0.weight": (3, 8), "3.weight": (2, 3)
    }  # fmt: skip
    assert not gradients["0.weight"].any()
    np.testing.assert_array_equal(gradients["3.weight"], model[3].weight.grad)
    found["3.weight"][...] = 0
    np.testing.assert_array_equal(model[3].weight.detach(), kept)


@pytest.mark.parametrize(
    ("model", "error", "texts"),
    [
        ("mlp", TypeError, ["network is a str", "or a torch.nn.Module"]),
        (
            nn.Sequential(nn.Linear(2, 2), nn.CELU(-1.0)),
            ValueError,
            ["CELU(alpha=-1.0) has no counterpart", "alpha is -1.0; expected a number"],
        ),
    ],
    ids=["no module", "another sign"],
)
def test_what_cannot_be_watched_is_told(model, error, texts, refuses):
    refuses(lambda: pytorch.passages(model, X, Y), error, *texts)


def test_passages_of_activations_that_pytorch_lacks_or_sets_otherwise():
    swish = activations.get("swish", beta=2.0)
    middle = [nn.Softplus(2.0, threshold=1.0), pytorch.Activate(swish), nn.LeakyReLU(0.5)]
    model = nn.Sequential(nn.Linear(2, 5), *middle, pytorch.Gated("glu"), nn.Linear(2, 2)).double()
    found = pytorch.passages(model[:4], np.random.default_rng(0).normal(size=(6, 2)))
    assert [one.layer.activation.name for one in found] == [
        "softplus(beta=2.0, threshold=1.0)",
        "swish(beta=2.0)",
        "leaky_relu(negative_slope=0.5)",
    ]
    for one in found:
        np.testing.assert_allclose(one.outputs, one.layer.forward(one.inputs), rtol=1e-12)


def test_gates_are_measured_along_features_and_passed_over_along_other_axes():
    layers = [nn.Conv1d(1, 4, 2), nn.GLU(dim=1), nn.GLU(dim=2), nn.Flatten(), nn.Linear(4, 8)]
    model = nn.Sequential(*layers, pytorch.Gated("swiglu"), pytorch.Maxout(), nn.Linear(2, 2))
    found = pytorch.passages(
        model, np.random.default_rng(0).normal(size=(5, 1, 5)), np.zeros(5, int)
    )
    assert [(one.name, one.layer.activation.name) for one in found] == [
        ("5", "swiglu"),
        ("6", "maxout"),
    ]
    for one in found:
        assert one.inputs.shape == one.gradient.shape
        np.testing.assert_allclose(one.outputs, one.layer.forward(one.inputs), rtol=1e-5, atol=1e-6)
