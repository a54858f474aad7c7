"""The modules that PyTorch lacks: residual blocks, gates, maxout, and functions of NumPy."""

import pickle
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from pytorch_helpers import TORCH_DTYPES
from together import together
from torch import nn

from course_lib import activations, pytorch
from course_lib.pytorch.modules import GATES

pytestmark = pytest.mark.usefixtures("one_thread")

MAKE = {
    **{name: lambda name=name: pytorch.Gated(name) for name in GATES},
    "maxout": pytorch.Maxout,
    "maxout of three": lambda: pytorch.Maxout(3),
}
ROWS = {"maxout of three": activations.get("maxout", pieces=3)}


@together("dtype", TORCH_DTYPES)
@pytest.mark.parametrize("name", MAKE)
def test_gates_and_maxout_equal_those_of_numpy(name, dtype):
    x = np.random.default_rng(0).normal(size=(2, 7, 12)).astype(dtype) * 3
    x[0, 0] = 1.5  # all alike, where the first of each group has maxout's gradient
    leaf = torch.tensor(x, requires_grad=True)
    outputs = MAKE[name]()(leaf)
    assert outputs.dtype == TORCH_DTYPES[dtype]
    value, pull = activations.get(ROWS.get(name, name)).pullback(x)
    near = 2e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(outputs.detach(), value, rtol=near, atol=near)
    weight = np.random.default_rng(1).normal(size=value.shape).astype(dtype)
    outputs.backward(torch.tensor(weight))
    np.testing.assert_allclose(leaf.grad, pull(weight), rtol=near, atol=3 * near)


def test_glu_is_the_one_of_pytorch():
    x = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(pytorch.Gated("glu")(x), nn.GLU()(x))


@pytest.mark.parametrize("name", MAKE)
def test_gates_can_be_differentiated_twice(name):
    x = torch.linspace(-2, 2.3, 12, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(MAKE[name](), x)


ANY = ["identity", "swish", "squared_relu", "sine", "softmax", "log_softmax", "swiglu", "maxout"]


@pytest.mark.parametrize("name", ANY)
def test_any_activation_is_a_module_with_its_own_derivative(name):
    x = torch.linspace(-2, 2.3, 12, dtype=torch.float64).reshape(3, 4).requires_grad_()
    module = pytorch.Activate(name)
    np.testing.assert_array_equal(module(x).detach(), activations.get(name)(x.detach().numpy()))
    assert torch.autograd.gradcheck(module, x)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_an_activation_keeps_dtype_and_shape(dtype):
    for shape in [(), (3,), (0, 2), (2, 3, 4)]:
        x = torch.ones(shape, dtype=dtype, requires_grad=True)
        y = pytorch.Activate("sine")(x)
        y.sum().backward()
        assert (y.dtype, y.shape, x.grad.dtype, x.grad.shape) == (dtype, shape, dtype, shape)
        torch.testing.assert_close(y, torch.sin(x))
        torch.testing.assert_close(x.grad, torch.cos(x.detach()))


def test_what_an_activation_returns_is_its_own():
    echo = replace(activations.get("identity"), function=lambda x: x, pytorch="")
    x = torch.zeros(3)
    pytorch.Activate(echo)(x).add_(1)
    assert not x.any()


def test_an_input_that_was_changed_since_is_told():
    x = torch.zeros(3, requires_grad=True)
    before = x * 2
    after = pytorch.Activate("sine")(before)
    before.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        after.sum().backward()


def test_a_second_derivative_by_numpy_is_told():
    x = torch.zeros(3, requires_grad=True)
    y = pytorch.Activate("sine")(x).sum()
    with pytest.raises(RuntimeError, match="'sine' is computed by NumPy and can be differentiated"):
        torch.autograd.grad(y, x, create_graph=True)


@pytest.mark.parametrize("name", [*ANY, "softmax(axis=0)", "softmax(axis=1)"])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_any_activation_works_under_vmap(name, dim):
    x = torch.linspace(-2, 2.3, 48, dtype=torch.float64).sin().reshape(2, 6, 4)
    module, weight = pytorch.Activate(name), None
    parts = [part.clone().requires_grad_() for part in x]
    alone = torch.stack([module(part) for part in parts])
    weight = torch.linspace(-1, 1, alone.numel(), dtype=torch.float64).reshape(alone.shape)
    (alone * weight).sum().backward()
    together = x.movedim(0, dim).clone().requires_grad_()
    outputs = torch.func.vmap(module, dim)(together)
    (outputs * weight).sum().backward()
    assert torch.equal(outputs, alone)
    for own, part in zip(together.grad.movedim(dim, 0), parts, strict=True):
        assert torch.equal(own, part.grad)


@pytest.mark.parametrize("copy", [deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_modules_are_copied_and_have_no_state(copy):
    x = torch.linspace(-1, 1, 4)
    for name in ["geglu", "maxout", activations.get("swish", beta=2.0)]:
        module = pytorch.activation_module(name)
        assert (repr(copy(module)), module.state_dict()) == (repr(module), {})
        torch.testing.assert_close(copy(module)(x), module(x))


BAD = {
    "a block that changes the width": (
        lambda: pytorch.Residual(nn.Linear(4, 1))(torch.zeros(3, 4)),
        ValueError, "returned (3, 1)", "needs both alike",
    ),
    "no gate": (lambda: pytorch.Gated("swigl"), KeyError, "gate 'swigl'", "did you mean 'swiglu'"),
    "an odd width": (
        lambda: pytorch.Gated("swiglu")(torch.zeros(2, 5)), ValueError, "(2, 5)", "2 equal parts"
    ),
    "a single number": (
        lambda: pytorch.Maxout()(torch.zeros(())), ValueError, "shape ()", "2 equal parts"
    ),
    "no pieces": (lambda: pytorch.Maxout(0), ValueError, "pieces is 0", "integers from 1 on"),
    "half a piece": (lambda: pytorch.Maxout(1.5), TypeError, "pieces", "1.5"),
    "unknown activation": (
        lambda: pytorch.Activate("sin"), KeyError, "unknown activation 'sin'", "'sine'"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])
