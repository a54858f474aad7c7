"""Activations with any parameters become modules of PyTorch, and rows of the catalogue again."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from pytorch_helpers import TORCH_DTYPES, Shifted, Tanh, back, carried, check_equal, seeded
from together import together
from torch import nn

from course_lib import activations, network, pytorch
from course_lib.activations import Activation

pytestmark = pytest.mark.usefixtures("one_thread")


# What a module becomes, and what it is made from.
PARAMETERS = {
    "leaky_relu(negative_slope=0.5)": lambda: nn.LeakyReLU(0.5, inplace=True),
    "leaky_relu(negative_slope=-3.0)": lambda: nn.LeakyReLU(-3),
    "rrelu(lower=0.2, upper=0.6)": lambda: nn.RReLU(0.2, 0.6),
    "threshold(threshold=0.5, value=-2.0)": lambda: nn.Threshold(0.5, -2.0),
    "threshold(threshold=1.0, value=20.0)": lambda: nn.Threshold(1, 20, inplace=True),
    "hard_shrink(threshold=0.3)": lambda: nn.Hardshrink(0.3),
    "soft_shrink(threshold=0.8)": lambda: nn.Softshrink(0.8),
    "softplus(beta=2.0)": lambda: nn.Softplus(2),
    "softplus(beta=0.5)": lambda: nn.Softplus(0.5, threshold=40),
    "softplus(beta=2.0, threshold=1.5)": lambda: nn.Softplus(2, threshold=1.5),
    "softplus(beta=1.0, threshold=-1.0)": lambda: nn.Softplus(threshold=-1),
    "elu(alpha=2.0)": lambda: nn.ELU(2, inplace=True),
    "elu(alpha=-0.5)": lambda: nn.ELU(-0.5),
    "celu(alpha=0.5)": lambda: nn.CELU(0.5),
}
HAS_LIMITS = "min_val" in activations.get("hard_tanh").parameters
if HAS_LIMITS:
    PARAMETERS |= {
        "hard_tanh(min_val=-2.0, max_val=0.5)": lambda: nn.Hardtanh(-2, 0.5, inplace=True),
        "hard_tanh(min_val=0.0, max_val=4.0)": lambda: nn.Hardtanh(0, 4),
    }


DEFAULTS = {  # the catalogue's own parameters, some in other words
    "relu": lambda: nn.ReLU(inplace=True),
    "leaky_relu": lambda: nn.LeakyReLU(inplace=True),
    "rrelu": nn.RReLU,
    "relu6": lambda: nn.ReLU6(inplace=True),
    "hard_tanh": lambda: nn.Hardtanh(inplace=True),
    "hard_sigmoid": lambda: nn.Hardsigmoid(inplace=True),
    "hard_swish": lambda: nn.Hardswish(inplace=True),
    "hard_shrink": nn.Hardshrink,
    "soft_shrink": nn.Softshrink,
    "elu": lambda: nn.ELU(1),
    "celu": nn.CELU,
    "selu": lambda: nn.SELU(inplace=True),
    "threshold": lambda: nn.Threshold(0.0, 0),
    "softplus": nn.Softplus,
    "sigmoid": nn.Sigmoid,
    "log_sigmoid": nn.LogSigmoid,
    "tanh": nn.Tanh,
    "tanh_shrink": nn.Tanhshrink,
    "softsign": nn.Softsign,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU("tanh"),
    "silu": lambda: nn.SiLU(inplace=True),
    "mish": lambda: nn.Mish(inplace=True),
    "softmax": lambda: nn.Softmax(dim=1),
    "softmin": lambda: nn.Softmin(dim=-1),
    "log_softmax": lambda: nn.LogSoftmax(dim=1),
    "glu": lambda: nn.GLU(dim=1),
    "identity": nn.Identity,
}


OWN = {  # what PyTorch has no module for
    "reglu": lambda: pytorch.Gated("reglu"),
    "geglu": lambda: pytorch.Gated("geglu"),
    "swiglu": lambda: pytorch.Gated("swiglu"),
    "maxout": pytorch.Maxout,
    "maxout(pieces=4)": lambda: pytorch.Maxout(4),
    "swish(beta=2.0)": lambda: pytorch.Activate(activations.get("swish", beta=2.0)),
    "sine": lambda: pytorch.Activate("sine"),
}


LAYERS = {"PReLU": lambda: nn.PReLU(8, init=0.1)}  # what learns


ALL = PARAMETERS | DEFAULTS | OWN | LAYERS


def test_each_activation_of_pytorch_is_tried():
    tried = {type(make()).__name__ for make in ALL.values()}
    assert tried > set(nn.modules.activation.__all__) - {"MultiheadAttention", "Softmax2d"}


@together("dtype", TORCH_DTYPES)
@pytest.mark.parametrize("name", ALL)
def test_activations_go_there_and_back(name, dtype):
    model = seeded(nn.Linear(3, 8), ALL[name](), dtype=TORCH_DTYPES[dtype]).eval()  # for RReLU
    ours = pytorch.to_numpy(model)
    layer = ours.layers[1]
    assert (layer.activation.name if name not in LAYERS else type(layer).__name__) == name
    near = 3e-6 if dtype == np.float32 else 1e-8  # PyTorch's softplus is a line from 20 on
    if name == "hard_sigmoid":
        near = max(near, 1e-7)  # PyTorch's slope is the float32 nearest to 1/6, in float64 too
    check_equal(ours, model, near)
    again = pytorch.from_numpy(ours).eval()
    assert type(again[1]) is type(model[1])
    check_equal(ours, again, near)
    assert repr(pytorch.to_numpy(again)) == repr(ours)


@together("row", activations.CATALOGUE.values())
def test_each_activation_of_the_catalogue_becomes_a_module(row):
    module = pytorch.activation_module(row).double().eval()
    x = np.random.default_rng(0).normal(size=(9, 6)) * 3
    leaf = torch.tensor(x, requires_grad=True)
    outputs = module(leaf)
    value, pull = row.pullback(x)
    near = {"rtol": 1e-7, "atol": 1e-7}
    np.testing.assert_allclose(outputs.detach(), value, **near)
    outputs.sum().backward()
    np.testing.assert_allclose(leaf.grad, pull(np.ones_like(value)), **near)
    if row.name != "prelu":
        assert pytorch.activation_modules.as_row(module) is row


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
    assert row.range[0] <= row(x).min() <= row(x).max() <= row.range[1]
    assert not row.monotonic or (np.diff(row(x)) >= 0).all()
    assert (row.jax, row.keras, row.tensorflow) == ("", "", "")


KINKS = {
    "Softplus": lambda: nn.Softplus(2.0, threshold=1.0),
    "Threshold": lambda: nn.Threshold(0.5, 2.0),
    "Hardshrink": lambda: nn.Hardshrink(0.5),
    "Softshrink": lambda: nn.Softshrink(0.5),
    "ELU": lambda: nn.ELU(2.0),
    "LeakyReLU": lambda: nn.LeakyReLU(0.5),
}


@pytest.mark.parametrize("name", KINKS)
def test_values_and_derivatives_at_the_kinks_are_those_of_pytorch(name):
    row = pytorch.activation_modules.as_row(KINKS[name]())
    x = torch.tensor(row.kinks, dtype=torch.float64, requires_grad=True)
    y = KINKS[name]()(x)
    y.sum().backward()
    np.testing.assert_allclose(row(np.array(row.kinks)), y.detach(), rtol=1e-12)
    np.testing.assert_allclose(row.kink_derivatives, x.grad, rtol=1e-12)


def test_numbers_of_a_module_may_be_tensors_and_integers():
    for number in (2, torch.tensor(2.0), np.float32(2)):
        assert pytorch.activation_modules.as_row(nn.ELU(number)).name == "elu(alpha=2.0)"


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
    "Gated('swiglu')": activations.get("swiglu"),
    "Maxout(pieces=3)": activations.get("maxout", pieces=3),
    "Activate(swish(beta=2))": activations.get("swish", beta=2),
    "Activate(swish)": given("swish", beta=2),
    "Activate(softmax)": given("softmax", axis=-2),
    "Activate(mine)": Activation("mine", lambda x: x**3, lambda x: 3 * x**2),
    "Activate(prelu)": given("prelu", negative_slope=np.arange(6.0)),
    "LeakyReLU(negative_slope=0.25)": Activation(
        "mine", lambda x: np.where(x > 0, x, x / 4), lambda x: np.where(x > 0, 1.0, 0.25), "", "",
        (0, 1), 1, True, "", pytorch="LeakyReLU(negative_slope=0.25)",
    ),
}  # fmt: skip


if HAS_LIMITS:
    ROWS |= {
        "Hardtanh(min_val=0.0, max_val=4.0)": activations.get("relu6", max_value=4),
        "Activate(hard_sigmoid(slope=0.2))": activations.get("hard_sigmoid", slope=0.2),
    }


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


BAD = {
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
    "random slopes": (
        lambda: there(given("rrelu", rng=np.random.default_rng(0))),
        NotImplementedError, "rng=Generator", "its derivative others", "torch.nn.RReLU()",
    ),
    "another axis": (
        lambda: back(nn.Softmax(dim=0)), TypeError, "Softmax(dim=0)", "Softmax(dim=-1)"
    ),
    "an axis to guess": (lambda: back(nn.Softmin()), TypeError, "dim=None", "Softmin(dim=-1)"),
    "halves of the batch": (lambda: back(nn.GLU(0)), TypeError, "GLU(dim=0)", "GLU(dim=-1)"),
    "the batch from the end": (
        lambda: back(nn.LogSoftmax(dim=-2)),
        TypeError, "LogSoftmax(dim=-2)", "LogSoftmax(dim=-1), along the features",
    ),
    "channels of images": (lambda: back(nn.Softmax2d()), TypeError, "Softmax2d()", "expected Lin"),
    "a negative alpha": (
        lambda: back(nn.CELU(-1.0)),
        ValueError, "CELU(alpha=-1.0) has no counterpart in NumPy", "alpha is -1.0; expected",
    ),
    "a threshold below 0": (
        lambda: back(nn.Hardshrink(-1.0)), ValueError, "Hardshrink(-1.0) has no", "from 0 to"
    ),
    "a negative beta": (
        lambda: back(nn.Softplus(-1.0, threshold=1)), ValueError, "Softplus(beta=-1.0", "beta is -1"
    ),
    "no number": (
        lambda: back(nn.LeakyReLU(float("nan"))), ValueError, "LeakyReLU(negative_slope=nan)", "nan"
    ),
    "bounds that are none": (
        lambda: back(nn.Threshold(1, float("inf"))), ValueError, "Threshold(", "value is inf"
    ),
    "a class": (
        lambda: pytorch.activation_module(nn.ELU), TypeError, "the class ELU", "such as ELU()"
    ),
    "an attention": (
        lambda: pytorch.activation_module(nn.MultiheadAttention(2, 1)),
        TypeError, "activation is MultiheadAttention(", "one of PyTorch's activations",
    ),
    "a namesake": (lambda: back(Tanh()), TypeError, "cannot carry Tanh()", "Tanh()"),
    "a derived activation": (lambda: back(Shifted()), TypeError, "carry Shifted()", "ReLU()"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])


def test_an_axis_becomes_a_dimension_or_is_computed_by_numpy():
    assert repr(pytorch.activation_module("softmax(axis=1)")) == "Softmax(dim=1)"
    assert repr(pytorch.activation_module("glu(axis=1)")) == "GLU(dim=1)"
    assert repr(pytorch.activation_module("swiglu(axis=-1)")) == "Gated('swiglu')"
    assert repr(pytorch.activation_module("maxout(axis=-1, pieces=3)")) == "Maxout(pieces=3)"
    x = torch.tensor(np.random.default_rng(0).normal(size=(4, 6)))
    for name in ("softmax", "log_softmax", "softmin"):
        ours = pytorch.activation_module(f"{name}(axis=0)")(x)
        theirs = getattr(torch, name)(x, 0) if name != "softmin" else torch.softmax(-x, 0)
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    model = network.mlp([4, 3, 2], "softmax(axis=-2)")
    assert repr(pytorch.to_numpy(pytorch.from_numpy(model))) == repr(model)
