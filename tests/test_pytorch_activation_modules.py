"""Activations with any parameters become modules of PyTorch, and rows of the catalogue again."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from pytorch_helpers import TORCH_DTYPES, Shifted, Tanh, back, carried, check_equal, seeded
from torch import nn

from course_lib import activations, network, pytorch
from course_lib.activations import Activation

pytestmark = pytest.mark.usefixtures("one_thread")


# What a module becomes, and what it is made from.
PARAMETERS = {
    "leaky_relu(negative_slope=0.2)": lambda: nn.LeakyReLU(0.2),
    "leaky_relu(negative_slope=-3.0)": lambda: nn.LeakyReLU(-3.0),
    "rrelu(lower=0.2, upper=0.6)": lambda: nn.RReLU(0.2, 0.6),
    "threshold(threshold=0.5, value=-2.0)": lambda: nn.Threshold(0.5, -2.0),
    "hard_shrink(threshold=0.3)": lambda: nn.Hardshrink(0.3),
    "soft_shrink(threshold=0.8)": lambda: nn.Softshrink(0.8),
    "softplus(beta=2.5)": lambda: nn.Softplus(beta=2.5),
    "elu(alpha=3.0)": lambda: nn.ELU(3.0, inplace=True),
    "celu(alpha=0.5)": lambda: nn.CELU(0.5),
}


DEFAULTS = {  # the catalogue's own parameters in other words
    "leaky_relu": lambda: nn.LeakyReLU(inplace=True),
    "elu": lambda: nn.ELU(1),
    "threshold": lambda: nn.Threshold(0.0, 0),
    "softmax": lambda: nn.Softmax(dim=1),
    "softmin": lambda: nn.Softmin(dim=1),
    "log_softmax": lambda: nn.LogSoftmax(dim=1),
    "gelu_tanh": lambda: nn.GELU("tanh"),
    "glu": lambda: nn.GLU(dim=1),
}


@pytest.mark.parametrize("dtype", TORCH_DTYPES)
@pytest.mark.parametrize("name", PARAMETERS | DEFAULTS)
def test_parameters_of_activations_go_there_and_back(name, dtype):
    make = (PARAMETERS | DEFAULTS)[name]
    model = seeded(nn.Linear(3, 8), make(), dtype=TORCH_DTYPES[dtype]).eval()  # for RReLU
    ours = pytorch.to_numpy(model)
    assert repr(ours) == f"Network(3-8, ['{name}'], {np.dtype(dtype)})"
    near = 3e-6 if dtype == np.float32 else 1e-8  # PyTorch's softplus is a line from 20 on
    check_equal(ours, model, near)
    again = pytorch.from_numpy(ours).eval()
    check_equal(ours, again, near)
    assert repr(pytorch.to_numpy(again)) == repr(ours)


@pytest.mark.parametrize("name", PARAMETERS)
def test_what_is_said_of_a_row_holds_for_its_parameters(name):
    row = pytorch.to_numpy(seeded(nn.Linear(3, 4), PARAMETERS[name]())).layers[1].activation
    x = np.linspace(-5, 5, 10_001)
    x = x[np.abs(x[:, np.newaxis] - np.array([*row.kinks, 99.0])).min(axis=1) > 1e-3]
    leaf = torch.tensor(x, requires_grad=True)
    pytorch.activation_module(row).eval()(leaf).sum().backward()
    np.testing.assert_allclose(row.derivative(x), leaf.grad, rtol=1e-6, atol=1e-6)
    jumps = np.abs(np.diff(row.derivative(x))) > 0.05  # and nothing jumps but at a kink
    assert all(np.abs(np.array(row.kinks) - at).min() < 1e-2 for at in x[:-1][jumps])
    assert np.abs(row.derivative(x)).max() <= row.lipschitz
    assert row.kink_derivatives == tuple(row.derivative(kink) for kink in row.kinks)
    assert (row.jax, row.keras, row.tensorflow) == ("", "", "")


def of_its_own(name, function=None, derivative=None):
    """Return a row of the catalogue with other functions, and all else as it was."""
    row = activations.get(name)
    functions = function or row.function, derivative or row.derivative
    return replace(row, function=functions[0], derivative=functions[1])


def given(name, **parameters):
    """Return a row whose functions were given parameters, and which says nothing of it."""
    row = activations.get(name)
    return of_its_own(name, *(partial(f, **parameters) for f in (row.function, row.derivative)))


LEAKY = (
    lambda x: activations.leaky_relu(x, negative_slope=0.2),
    lambda x: activations.leaky_relu_grad(x, negative_slope=0.2),
)


ROWS = {
    "LeakyReLU(negative_slope=0.2)": given("leaky_relu", negative_slope=0.2),
    "LeakyReLU(negative_slope=0.5)": given("leaky_relu", negative_slope=np.array(0.5)),
    "Softplus(beta=3.0, threshold=20.0)": given("softplus", beta=3),
    "ELU(alpha=0.5)": given("elu", alpha=0.5),
    "CELU(alpha=2.0)": given("celu", alpha=2.0),
    "Hardshrink(0.1)": given("hard_shrink", threshold=0.1),
    "Softshrink(0.1)": given("soft_shrink", threshold=0.1),
    "Threshold(threshold=1.0, value=5.0)": given("threshold", threshold=1, value=5),
    "RReLU(lower=0.1, upper=0.3333333333333333)": given("rrelu", lower=0.1, rng=None),
    "PReLU(num_parameters=1)": given("prelu", negative_slope=0.1),
    "Softmax(dim=-1)": given("softmax", axis=-1),
    "Tanh()": replace(activations.get("tanh"), name="mine"),
    "Sigmoid()": replace(activations.get("sigmoid"), name="tanh"),
    "LeakyReLU(negative_slope=0.25)": Activation(
        "mine", lambda x: np.where(x > 0, x, x / 4), lambda x: np.where(x > 0, 1.0, 0.25), "", "",
        (0, 1), 1, True, "", pytorch="LeakyReLU(negative_slope=0.25)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", ROWS)
def test_rows_of_ones_own_become_the_module_with_their_parameters(text):
    ours = network.mlp([3, 6, 6], ROWS[text], initialization="pytorch")
    model = pytorch.from_numpy(ours).eval()
    assert repr(model[1]) == text
    for parameter in model[1].parameters():  # the slope of prelu, which is constant here
        parameter.requires_grad_(False)
    x = np.random.default_rng(1).normal(size=(40, 3)) * 3
    logits = model(torch.tensor(x))
    np.testing.assert_allclose(logits.detach(), ours(x), rtol=1e-7, atol=1e-8)
    logits.sum().backward()
    ours.backward(np.ones((40, 6)))
    for name, gradient in ours.gradients.items():
        theirs = model.get_parameter(name).grad
        np.testing.assert_allclose(carried(gradient, theirs.ndim), theirs, rtol=1e-6, atol=1e-6)


def there(row):
    """Carry a network with an activation to PyTorch."""
    return pytorch.from_numpy(network.Network([*network.mlp([2, 2]).layers, network.Activate(row)]))


HOMEMADE = Activation("homemade", abs, abs, "", "", (0, 1), 1, False, "")


BAD = {
    "no module in PyTorch": (
        lambda: pytorch.activation_module(HOMEMADE), NotImplementedError, "homemade", "NumPy netw"
    ),
    "functions of a namesake": (
        lambda: there(of_its_own("leaky_relu", *LEAKY)),
        ValueError, "'leaky_relu' is a function of your own", "LeakyReLU of PyTorch computes",
    ),
    "a wrong derivative only": (
        lambda: there(of_its_own("tanh", np.tanh, np.cos)), ValueError, "'tanh'", "Tanh of PyTorch"
    ),
    "parameters of the function alone": (
        lambda: there(of_its_own("elu", partial(activations.elu, alpha=2.0))),
        ValueError, "elu(alpha=2.0), and its derivative elu_grad()", "the same parameters",
    ),
    "the derivative of another function": (
        lambda: there(of_its_own("elu", derivative=activations.celu_grad)),
        ValueError, "celu_grad()", "expected the derivative of the function",
    ),
    "a softmax over the batch": (
        lambda: there(given("softmax", axis=0)), NotImplementedError, "axis=0", "NumPy network"
    ),
    "a swish": (lambda: there(given("swish", beta=2)), NotImplementedError, "'swish'", "NumPy"),
    "slopes of three features": (
        lambda: there(given("prelu", negative_slope=np.ones(3))),
        NotImplementedError, "negative_slope=array([1., 1., 1.])", "the layer PReLU",
    ),
    "random slopes": (
        lambda: there(given("rrelu", rng=np.random.default_rng(0))),
        NotImplementedError, "rng=Generator", "NumPy network",
    ),
    "another cap": (
        lambda: there(given("relu6", max_value=4)), NotImplementedError, "max_value=4", "NumPy netw"
    ),
    "another line": (
        lambda: there(given("hard_sigmoid", slope=0.2)), NotImplementedError, "slope=0.2", "NumPy"
    ),
    "another softplus": (
        lambda: back(nn.Softplus(threshold=5)), TypeError, "threshold=5", "Softplus(beta=...)"
    ),
    "another axis": (
        lambda: back(nn.Softmax(dim=0)), TypeError, "Softmax(dim=0)", "Softmax(dim=-1)"
    ),
    "an axis to guess": (lambda: back(nn.Softmin()), TypeError, "dim=None", "Softmin(dim=-1)"),
    "halves of the batch": (lambda: back(nn.GLU(0)), TypeError, "GLU(dim=0)", "GLU(dim=-1)"),
    "a list of what fits": (lambda: back(nn.GLU(0)), TypeError, "its functions take: Identity()"),
    "a namesake": (lambda: back(Tanh()), TypeError, "cannot carry Tanh()", "Tanh()"),
    "a derived activation": (lambda: back(Shifted()), TypeError, "carry Shifted()", "ReLU()"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])
