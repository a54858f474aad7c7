"""The multilayer perceptron and the residual block of PyTorch."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib import activations, network, pytorch

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_network_of_the_source_has_203530_parameters():
    model = pytorch.mlp()
    assert sum(p.numel() for p in model.parameters()) == 784 * 256 + 256 + 256 * 10 + 10 == 203_530
    assert [type(layer) for layer in model] == [nn.Linear, nn.ReLU, nn.Linear]


def test_first_weights_are_those_of_pytorch_for_the_seed():
    torch.manual_seed(5)
    expected = [nn.Linear(3, 4), nn.Linear(4, 2)]
    model = pytorch.mlp([3, 4, 2], seed=5)
    for layer, own in zip(expected, (model[0], model[2]), strict=True):
        torch.testing.assert_close(own.weight, layer.weight, rtol=0, atol=0)
        torch.testing.assert_close(own.bias, layer.bias, rtol=0, atol=0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: pytorch.mlp([3, 4, 2], seed=1),
        lambda: pytorch.from_numpy(network.mlp([3, 4, 2])),
        lambda: pytorch.to_numpy(pytorch.from_numpy(network.mlp([3, 4, 2], dropout=0.5))),
        lambda: pytorch.activation_module("gelu"),
    ],
    ids=["mlp", "from_numpy", "to_numpy", "activation_module"],
)
def test_the_global_random_state_is_left_alone(call):
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    call()
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([2, 4, 4, 2], ["relu", "tanh"]), TypeError, "one for all hidden layers, such as 'relu'"),
        (([2, 4, 4, 2], ("relu", "tanh")), TypeError, "one for all hidden layers, such as 'relu'"),
        ((5,), TypeError, "sizes are 5; expected a sequence of integers"),
        (("23",), TypeError, "sizes are '23'; expected a sequence of integers"),
        (([2, [3], 1],), TypeError, r"expected integers; \[3\] is not one"),
        (([2, 2.5, 1],), TypeError, r"expected integers; 2\.5 is not one"),
        (([2, True, 1],), TypeError, "expected integers; True is not one"),
        (([2],), ValueError, "at least two numbers"),
        (([2, 0, 1],), ValueError, "from 1 on"),
    ],
)
def test_an_mlp_that_cannot_be_built_says_why(arguments, error, text):
    with pytest.raises(error, match=text):
        pytorch.mlp(*arguments)


def test_sizes_may_be_an_array():
    assert repr(pytorch.mlp(np.array([2, 3, 1]))) == repr(pytorch.mlp([2, 3, 1]))


def test_several_names_for_an_activation_are_told_that_one_is_expected():
    with pytest.raises(KeyError, match="expected one name"):
        activations.get(["relu", "tanh"])


BAD = {
    "unknown activation": (lambda: pytorch.mlp([2, 3, 2], "rellu"), KeyError, "'rellu'", "'relu'"),
    "one size": (lambda: pytorch.mlp([3]), ValueError, "[3]", "two numbers from 1 on"),
    "size 0": (lambda: pytorch.mlp([3, 0]), ValueError, "[3, 0]", "two numbers from 1 on"),
    "a block that changes the width": (
        lambda: pytorch.Residual(nn.Linear(4, 1))(torch.zeros(3, 4)),
        ValueError, "returned (3, 1)", "needs both alike",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])
