"""The multilayer perceptron of PyTorch: the one of NumPy, with PyTorch's initial weights."""

import numpy as np
import pytest
import torch
from pytorch_helpers import TORCH_DTYPES
from together import together
from torch import nn

from course_lib import activations, network, pytorch
from course_lib.network import INITIALIZERS

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_network_of_the_source_has_203530_parameters():
    model = pytorch.mlp()
    assert sum(p.numel() for p in model.parameters()) == 784 * 256 + 256 + 256 * 10 + 10 == 203_530
    assert [type(layer) for layer in model] == [nn.Linear, nn.ReLU, nn.Linear]


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"gain": 2.0}], ids=str)
@pytest.mark.parametrize("dtype", TORCH_DTYPES.values(), ids=str)
def test_initial_weights_are_those_of_pytorch_for_the_seed(dtype, options):
    bias, gain = options.get("bias", True), options.get("gain", 1.0)
    torch.manual_seed(5)
    expected = [nn.Linear(*sizes, bias=bias, dtype=dtype) for sizes in [(3, 4), (4, 4), (4, 2)]]
    plain = pytorch.mlp([3, 4, 4, 2], seed=5, dtype=dtype, **options)
    blocks = pytorch.mlp([3, 4, 4, 2], seed=5, dtype=dtype, residual=True, dropout=0.5, **options)
    for model in (plain, blocks):
        linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
        for layer, own in zip(expected, linear, strict=True):
            assert torch.equal(own.weight, layer.weight * gain)
            assert own.weight.is_contiguous()
            assert own.weight.requires_grad
            assert torch.equal(own.bias, layer.bias) if bias else own.bias is None


OPTIONS = {
    "plain": {},
    "batch": {"normalization": "batch", "bias": False},
    "layer": {"normalization": "layer", "residual": True},
    "dropout": {"dropout": 0.3, "gain": 1.5},
    "alpha": {"dropout": 0.3, "alpha_dropout": True, "residual": True},
    "gates": {"activation": ["swiglu", "maxout"], "residual": True, "normalization": "batch"},
    "by layer": {"activation": ["leaky_relu", activations.get("elu", alpha=2.0)]},
    "of NumPy": {"activation": activations.get("swish", beta=2.0)},
}


@together("dtype", TORCH_DTYPES)
@pytest.mark.parametrize("options", OPTIONS)
def test_it_builds_what_mlp_builds(options, dtype):
    activation = OPTIONS[options].get("activation", "tanh")
    chosen = {k: v for k, v in OPTIONS[options].items() if k != "activation"}
    chosen |= {"seed": 3, "initialization": "he"}
    ours = network.mlp([3, 5, 5, 2], activation, dtype=dtype, **chosen)
    model = pytorch.mlp([3, 5, 5, 2], activation, dtype=TORCH_DTYPES[dtype], **chosen)
    assert model.training
    assert repr(pytorch.to_numpy(model)) == repr(ours)
    for name, parameter in model.named_parameters():
        value = parameter.detach().numpy()
        own = ours.parameters[name]
        np.testing.assert_array_equal(value, own.T if value.ndim == 2 else own[0])
    assert len(list(model.parameters())) == len(ours.parameters)
    x = np.random.default_rng(0).normal(size=(9, 3)).astype(dtype)
    near = 2e-6 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(pytorch.predict(model, x), ours(x), rtol=near, atol=near)


def test_its_layers_are_those_that_a_user_of_pytorch_would_write():
    written = nn.Sequential(
        nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), nn.GLU(), nn.Dropout(0.2),
        nn.Linear(4, 5, bias=False), nn.BatchNorm1d(5), nn.ELU(2.0), nn.Dropout(0.2),
        nn.Linear(5, 2, bias=False),
    )  # fmt: skip
    options = {"normalization": "batch", "dropout": 0.2, "bias": False}
    built = pytorch.mlp([3, 4, 5, 2], ["glu", nn.ELU(2.0)], **options)
    assert repr(built) == repr(written)
    assert built.state_dict().keys() == written.state_dict().keys()


@pytest.mark.parametrize("scheme", INITIALIZERS)
def test_each_scheme_gives_the_weights_of_the_network_of_numpy(scheme):
    options = {"seed": np.random.SeedSequence(4), "initialization": scheme}
    model = pytorch.mlp([3, 20, 20, 2], "gelu", dtype=torch.float64, **options)
    ours = network.mlp([3, 20, 20, 2], "gelu", **options)
    for i in (0, 2, 4):
        np.testing.assert_array_equal(model[i].weight.detach().T, ours.parameters[f"{i}.weight"])
        np.testing.assert_array_equal(model[i].bias.detach(), ours.parameters[f"{i}.bias"][0])


def test_a_module_is_an_activation_too_and_each_place_has_its_own():
    model = pytorch.mlp([3, 4, 4, 2], nn.PReLU(init=0.5))
    assert model[1] is not model[3]
    assert [module.weight.item() for module in (model[1], model[3])] == [0.5, 0.5]
    mixed = pytorch.mlp([3, 4, 4, 2], (nn.Softplus(2.0, threshold=3.0), pytorch.Maxout(3)))
    assert repr(mixed[1]) == "Softplus(beta=2.0, threshold=3.0)"
    assert mixed[2].out_features == 12


@pytest.mark.parametrize(
    "options", [{}, {"initialization": "he", "dropout": 0.5}], ids=["own weights", "a scheme"]
)
def test_the_global_random_states_are_left_alone(options):
    torch.manual_seed(0)
    before, numpys = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    pytorch.mlp([3, 4, 2], seed=1, **options)
    assert torch.equal(torch.random.get_rng_state(), before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpys)  # noqa: NPY002


def test_sizes_may_be_an_array():
    assert repr(pytorch.mlp(np.array([2, 3, 1]))) == repr(pytorch.mlp([2, 3, 1]))


def test_a_network_without_hidden_layers_is_one_linear_layer():
    assert repr(pytorch.mlp([2, 1], "swiglu")) == repr(nn.Sequential(nn.Linear(2, 1)))


SIZES = [3, 4, 4, 2]
BAD = {
    "sizes of one number": (lambda: pytorch.mlp(5), TypeError, "sizes are 5", "a sequence of int"),
    "sizes as text": (lambda: pytorch.mlp("23"), TypeError, "sizes are '23'", "sequence of int"),
    "nested sizes": (lambda: pytorch.mlp([2, [3], 1]), TypeError, "integers; [3] is not one"),
    "half a unit": (lambda: pytorch.mlp([2, 2.5, 1]), TypeError, "integers; 2.5 is not one"),
    "a truth value": (lambda: pytorch.mlp([2, True, 1]), TypeError, "integers; True is not one"),
    "one size": (lambda: pytorch.mlp([3]), ValueError, "[3]", "two numbers from 1 on"),
    "size 0": (lambda: pytorch.mlp([3, 0]), ValueError, "[3, 0]", "two numbers from 1 on"),
    "unknown activation": (lambda: pytorch.mlp([2, 3, 2], "rellu"), KeyError, "'rellu'", "'relu'"),
    "too many activations": (
        lambda: pytorch.mlp([2, 3, 2], ["relu", "tanh"]),
        ValueError, "['relu', 'tanh']", "2 for 1 hidden layers", "one for each",
    ),
    "a class": (
        lambda: pytorch.mlp(SIZES, nn.ReLU), TypeError, "the class ReLU", "such as ReLU()"
    ),
    "no activation": (
        lambda: pytorch.mlp(SIZES, nn.Linear(4, 4)),
        TypeError, "activation is Linear(", "one of PyTorch's activations",
    ),
    "a softmax over the batch": (
        lambda: pytorch.mlp(SIZES, nn.Softmax(dim=0)),
        TypeError, "Softmax(dim=0)", "Softmax(dim=-1), along the features",
    ),
    "slopes for each unit": (
        lambda: pytorch.mlp(SIZES, nn.PReLU(4)), ValueError, "PReLU(num_parameters=4)", "Sequential"
    ),
    "all features to one": (
        lambda: pytorch.mlp(SIZES, "logsumexp"), ValueError, "'logsumexp'", "as gates do"
    ),
    "an empty name": (lambda: pytorch.mlp(SIZES, initialization=""), KeyError, "initialization ''"),
    "unknown scheme": (
        lambda: pytorch.mlp(SIZES, initialization="hee"), KeyError, "'hee'", "did you mean 'he'"
    ),
    "unknown normalization": (
        lambda: pytorch.mlp(SIZES, normalization="bach"), KeyError, "'bach'", "'batch'"
    ),
    "no gain": (lambda: pytorch.mlp(SIZES, gain=0), ValueError, "gain", "0"),
    "several gains": (lambda: pytorch.mlp(SIZES, gain=[1, 2]), ValueError, "gain", "one number"),
    "dropout of everything": (lambda: pytorch.mlp(SIZES, dropout=1), ValueError, "dropout is 1"),
    "nothing to drop": (
        lambda: pytorch.mlp(SIZES, alpha_dropout=True), ValueError, "give a dropout too"
    ),
    "a bias that is no choice": (
        lambda: pytorch.mlp(SIZES, bias=0.5), TypeError, "bias", "True or False"
    ),
    "seeds for replicas": (
        lambda: pytorch.mlp(SIZES, seed=[0, 1]), TypeError, "[0, 1]", "one seed", "an integer"
    ),
    "seeds for a scheme": (
        lambda: pytorch.mlp(SIZES, seed=range(2), initialization="he"),
        TypeError, "range(0, 2)", "an integer or a SeedSequence",
    ),
    "a dtype of NumPy": (
        lambda: pytorch.mlp(SIZES, dtype=np.float32), TypeError, "dtype", "torch.float32 or torch.f"
    ),
    "integers": (
        lambda: pytorch.mlp(SIZES, dtype=torch.int64), TypeError, "torch.int64", "torch.float32 or"
    ),
}  # fmt: skip


@together("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])


def test_seeds_of_numpy_are_seeds():
    for ours, theirs in zip(
        pytorch.mlp([2, 2], seed=np.int64(3)).parameters(),
        pytorch.mlp([2, 2], seed=3).parameters(),
        strict=True,
    ):
        assert (ours == theirs).all()
