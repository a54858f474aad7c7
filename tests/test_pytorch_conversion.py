"""Networks of NumPy and PyTorch: carried across, with equal outputs and gradients."""

import numpy as np
import pytest
import torch
from network_helpers import TORCH_LOSSES, targets_for
from pytorch_helpers import (
    CARRIED,
    TORCH_DTYPES,
    Squeezed,
    averages,
    back,
    check_equal,
    normalized,
    seeded,
)
from together import together
from torch import nn

from course_lib import network, pytorch
from course_lib.network import LOSSES

pytestmark = pytest.mark.usefixtures("one_thread")


@together("activation", CARRIED)
@pytest.mark.parametrize("dtype", TORCH_DTYPES)
def test_there_and_back_is_exact(activation, dtype):
    ours = network.mlp([3, 4, 2], activation, initialization="pytorch", dtype=dtype)
    model = pytorch.from_numpy(ours)
    assert {p.dtype for p in model.parameters()} == {TORCH_DTYPES[dtype]}
    assert all(p.requires_grad for p in model.parameters())
    back = pytorch.to_numpy(model)
    learns = activation == "prelu"  # it comes back as a layer, with its slope
    assert repr(back) == repr(ours).replace("prelu", "PReLU" if learns else "prelu")
    for name, value in ours.parameters.items():
        np.testing.assert_array_equal(back.parameters[name], value)


class Scaled(network.Dense):
    """A layer that is derived from one of the library, and computes something else."""

    def forward(self, x):
        return 2 * super().forward(x)


class Named(network.Dense):
    """A layer that computes what the library's does."""


class Reversed(nn.Sequential):
    """A module whose parts do not follow one another."""

    def forward(self, x):
        return -super().forward(x)


def test_a_class_that_only_adds_a_name_is_carried():
    ours = network.mlp([2, 3])
    named = network.Network([Named(*ours.parameters.values())])
    assert repr(pytorch.from_numpy(named)) == repr(pytorch.from_numpy(ours))


def without_bias(module):
    """Return a normalization whose bias was taken away, which older versions do not offer."""
    module.register_parameter("bias", None)
    return module


PLAIN = {
    "linear": lambda: nn.Linear(4, 4, bias=False),
    "batch norm without bias": lambda: without_bias(nn.BatchNorm1d(4)),
    "batch norm without both": lambda: nn.BatchNorm1d(4, affine=False, eps=1e-2, momentum=0.4),
    "layer norm without bias": lambda: nn.LayerNorm(4, bias=False),
    "layer norm without both": lambda: nn.LayerNorm(4, elementwise_affine=False, eps=1e-2),
}


@together("in_training", [True, False])
@together("dtype", TORCH_DTYPES)
@pytest.mark.parametrize("case", PLAIN)
def test_layers_without_bias_or_affine_part_are_carried(case, dtype, in_training):
    model = seeded(nn.Linear(3, 4, bias=False), PLAIN[case](), nn.Tanh(), nn.Linear(4, 2),
                   dtype=TORCH_DTYPES[dtype])  # fmt: skip
    with torch.no_grad():
        model(torch.tensor(np.random.default_rng(0).normal(size=(9, 3)).astype(dtype)))
    ours = pytorch.to_numpy(model.train(in_training))
    assert ours.dtype == dtype
    x = np.random.default_rng(1).normal(size=(12, 3)).astype(dtype)
    y = np.arange(12) % 2
    near = 2e-5 if dtype == np.float32 else 1e-11
    value, gradients = ours.loss_and_gradients(x, y, training=in_training)
    loss = nn.functional.cross_entropy(model(torch.tensor(x)), torch.tensor(y))
    loss.backward()
    assert value == pytest.approx(loss.item(), rel=near)
    for name, parameter in model.named_parameters():
        own = gradients[name].T if parameter.ndim == 2 else gradients[name][0]
        np.testing.assert_allclose(own, parameter.grad, rtol=0, atol=near)
    np.testing.assert_allclose(ours(x), pytorch.predict(model, x), rtol=near, atol=near)
    # what PyTorch's normalizations leave out is there, and can learn
    left_out = set(ours.parameters) - {name for name, _ in model.named_parameters()}
    assert left_out == LEFT_OUT.get(case, {"1.bias"})
    assert "0.bias" not in ours.parameters


LEFT_OUT = {
    "linear": set(),
    "batch norm without both": {"1.weight", "1.bias"},
    "layer norm without both": {"1.weight", "1.bias"},
}


@pytest.mark.parametrize("dtype", TORCH_DTYPES)
def test_layers_without_bias_go_there_and_back_exactly(dtype):
    ours = network.mlp([3, 5, 5, 2], "tanh", bias=False, residual=True, dtype=dtype)
    model = pytorch.from_numpy(ours)
    assert [m.bias for m in model.modules() if isinstance(m, nn.Linear)] == [None] * 3
    again = pytorch.to_numpy(model)
    assert list(again.parameters) == list(ours.parameters) == ["0.weight", "2.0.weight", "3.weight"]
    for name, value in ours.parameters.items():
        np.testing.assert_array_equal(again.parameters[name], value)
    check_equal(ours, model, 1e-5 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("dtype", TORCH_DTYPES)
def test_normalized_blocks_go_there_and_back_exactly(dtype):
    model = normalized(TORCH_DTYPES[dtype])
    ours = pytorch.to_numpy(model)
    assert (ours.dtype, ours.sizes) == (dtype, [3, 6, 6, 6, 2])
    assert set(ours.parameters) == {name for name, _ in model.named_parameters()}
    state = torch.random.get_rng_state()
    again = pytorch.from_numpy(ours)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert repr(again) == repr(model)
    assert all(parameter.requires_grad for parameter in again.parameters())
    own = again.state_dict()
    for name, value in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(own[name], value)
    with torch.no_grad():  # all are copies
        for value in [*again.parameters(), *again.buffers()]:
            value.zero_()
    for name, value in pytorch.to_numpy(model).parameters.items():
        np.testing.assert_array_equal(ours.parameters[name], value)
    assert (ours.layers[1].running_mean != 0).all()


@pytest.mark.parametrize("in_training", [True, False])
@pytest.mark.parametrize(("dtype", "near"), [(np.float32, 3e-5), (np.float64, 1e-12)])
def test_logits_gradients_and_averages_agree_in_both_modes(in_training, dtype, near):
    model = normalized(TORCH_DTYPES[dtype]).train(in_training)
    ours = pytorch.to_numpy(model)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 3)).astype(dtype), rng.integers(0, 2, 12)
    value, gradients = ours.loss_and_gradients(x, y, training=in_training)
    logits = model(torch.tensor(x))
    loss = nn.functional.cross_entropy(logits, torch.tensor(y))
    loss.backward()
    assert value == pytest.approx(loss.item(), rel=near)
    size = max(float(p.grad.abs().max()) for p in model.parameters())
    for name, parameter in model.named_parameters():
        gradient = gradients[name].T if parameter.ndim == 2 else gradients[name][0]
        np.testing.assert_allclose(gradient, parameter.grad, rtol=0, atol=near * size)
    expected = averages(model)
    carried = averages(pytorch.from_numpy(ours))
    assert len(carried) == 4
    for name, average in carried.items():
        np.testing.assert_allclose(average, expected[name], rtol=near, atol=near)
    # once more, now with the averages that this step left
    after = ours.forward(x, training=in_training)
    np.testing.assert_allclose(after, model(torch.tensor(x)).detach(), rtol=near, atol=near)


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_what_mlp_builds_is_carried(normalization):
    options = {"normalization": normalization, "residual": True, "initialization": "pytorch"}
    ours = network.mlp([3, 5, 5, 2], "gelu", seed=range(2), **options).replica(1)
    x = np.random.default_rng(0).normal(size=(9, 3))
    model = pytorch.from_numpy(ours)
    assert repr(pytorch.to_numpy(model)) == repr(ours)
    np.testing.assert_allclose(pytorch.predict(model, x), ours(x), rtol=1e-11, atol=1e-13)


KINDS = {network.Dropout: nn.Dropout, network.AlphaDropout: nn.AlphaDropout}


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("dtype", TORCH_DTYPES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_dropout_goes_there_and_back(kind, dtype, residual):
    options = {"alpha_dropout": kind is network.AlphaDropout, "residual": residual, "dtype": dtype}
    together = network.mlp([3, 5, 5, 2], "selu", seed=range(2), dropout=[0.1, 0.3], **options)
    ours = together.replica(1)
    model = pytorch.from_numpy(ours)
    dropouts = [module for module in model.modules() if type(module) is KINDS[kind]]
    assert [module.p for module in dropouts] == [0.3, 0.3]
    x = np.random.default_rng(0).normal(size=(9, 3)).astype(dtype)
    near = {"rtol": 1e-5, "atol": 1e-6} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-14}
    np.testing.assert_allclose(pytorch.predict(model, x), ours(x), **near)  # nothing is dropped
    # the same seed draws the same masks again, another seed others, and each layer its own
    again, other = pytorch.to_numpy(model, seed=1), pytorch.to_numpy(model, seed=2)
    assert repr(again) == repr(ours) != repr(network.mlp([3, 5, 5, 2], "selu", dtype=dtype))
    dropped = ours.forward(x, training=True)
    assert dropped.dtype == dtype
    np.testing.assert_array_equal(again.forward(x, training=True), dropped)
    assert not np.allclose(other.forward(x, training=True), dropped)
    assert not np.allclose(ours(x), dropped)


@together("p", [0.0, 0.1, 0.5, 0.9])
@together(("dtype", "near"), [(np.float32, 2e-6), (np.float64, 2e-15)])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_is_kept_and_what_is_dropped_become_what_pytorch_makes_of_them(kind, dtype, near, p):
    x = np.random.default_rng(0).normal(size=(40, 30)).astype(dtype)
    layer, module = kind(p, seed=1), KINDS[kind](p)
    layer.training = True
    ours, leaf = layer.forward(x), torch.tensor(x, requires_grad=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = module(leaf)
    theirs.sum().backward()
    slopes = layer.backward(np.ones_like(x))
    assert ours.dtype == slopes.dtype == dtype
    kept, kept_there = slopes != 0, leaf.grad.numpy() != 0
    assert (p == 0) == kept.all() == kept_there.all()
    both, neither = kept & kept_there, ~kept & ~kept_there
    for same in (both, neither) if p else (both,):
        assert same.any()
        close = {"rtol": near, "atol": 2 * near}
        np.testing.assert_allclose(ours[same], theirs.detach().numpy()[same], **close)
        np.testing.assert_allclose(slopes[same], leaf.grad.numpy()[same], rtol=near)


def test_a_dropout_of_pytorch_is_carried_in_either_spelling_and_keeps_its_weights_names():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Dropout(0.2, inplace=True))
    model += nn.Sequential(pytorch.Residual(nn.AlphaDropout(0.4)), nn.Linear(4, 2))
    ours = pytorch.to_numpy(model)
    assert repr(ours) == (
        "Network(3-4-2, ['relu', 'Dropout(0.2)', 'Residual(AlphaDropout(0.4))'], float32)"
    )
    assert set(ours.parameters) == {name for name, _ in model.named_parameters()}


def test_carried_weights_are_copies():
    ours = network.mlp([3, 2])
    model = pytorch.from_numpy(ours)
    back = pytorch.to_numpy(model)
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.fill_(1)
    for kept in (ours, back):
        assert (kept.parameters["0.weight"] != 0).all()
        assert (kept.parameters["0.bias"] == 0).all()


@together("loss", LOSSES)
@together("activation", CARRIED)
@pytest.mark.parametrize(("dtype", "near"), [(np.float32, 3e-6), (np.float64, 1e-14)])
def test_logits_and_gradients_are_equal(activation, loss, dtype, near):
    rng = np.random.default_rng(0)
    if activation == "hard_sigmoid":
        near = max(near, 1e-7)  # PyTorch's slope is the float32 nearest to 1/6, in float64 too
    model = pytorch.mlp([3, 5, 2], activation, dtype=TORCH_DTYPES[dtype]).eval()  # for RReLU
    ours = pytorch.to_numpy(model)
    x = rng.normal(size=(6, 3)).astype(dtype)
    y = rng.integers(0, 2, 6)
    if loss != "cross_entropy":
        y = targets_for(loss, rng.uniform(size=(6, 2)).astype(dtype))
    np.testing.assert_allclose(ours(x), pytorch.predict(model, x), rtol=near, atol=near)
    value, gradients = ours.loss_and_gradients(x, y, loss)
    expected = TORCH_LOSSES[loss](model(torch.tensor(x)), torch.tensor(y))
    expected.backward()
    assert value == pytest.approx(expected.item(), rel=near)
    assert set(gradients) == {name for name, _ in model.named_parameters()}
    for name, parameter in model.named_parameters():
        gradient = gradients[name].T if parameter.ndim == 2 else gradients[name][0]
        np.testing.assert_allclose(gradient, parameter.grad, rtol=near, atol=near)


def test_flatten_is_carried_as_nothing():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    images = np.random.default_rng(0).normal(size=(3, 2, 2)).astype(np.float32)
    np.testing.assert_allclose(
        pytorch.to_numpy(model)(images.reshape(3, 4)),
        model(torch.tensor(images)).detach(),
        rtol=1e-5,
        atol=1e-6,
    )


class Doubled:
    """A layer of a reader's own."""

    parameters, gradients = {}, {}

    def forward(self, x):
        return 2 * x

    def backward(self, grad_output, *, to_input=True):
        return 2 * grad_output


BAD = {
    "replicas": (
        lambda: pytorch.from_numpy(network.mlp([2, 2], seed=range(3))),
        ValueError, "replicas (3,)", "network.replica(i)",
    ),
    "dropout of channels": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.Linear(2, 2), nn.Dropout1d(0.5))),
        TypeError, "Dropout1d(p=0.5", "Linear, Flatten, Dropout",
    ),
    "dropout of everything": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.Linear(2, 2), nn.Dropout(1.0))),
        ValueError, "p is 1.0", "from 0 to below 1",
    ),
    "seeds for replicas": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.Linear(2, 2)), seed=[0, 1]),
        TypeError, "[0, 1]", "takes one seed",
    ),
    "a derived linear layer": (lambda: back(Squeezed(2, 2)), TypeError, "Squeezed", "Linear"),
    "modules in another order": (
        lambda: pytorch.to_numpy(Reversed(nn.Linear(2, 2))), TypeError, "Reversed", "Sequential"
    ),
    "a single module": (
        lambda: pytorch.to_numpy(nn.Linear(2, 2)), TypeError, "Linear", "Sequential"
    ),
    "a computed weight": (
        lambda: back(nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))),
        TypeError, "cannot carry ParametrizedLinear", "expected Linear",
    ),
    "a shared layer": (
        lambda: back(*[nn.PReLU()] * 2), ValueError, "1.weight and 2.weight", "one parameter"
    ),
    "a derived layer": (
        lambda: pytorch.from_numpy(network.Network([Scaled(np.eye(2), np.zeros((1, 2)))])),
        TypeError, "a Scaled", "expected Dense",
    ),
    "no network": (
        lambda: pytorch.from_numpy(nn.Sequential()), TypeError, "a Sequential", "network.Network"
    ),
    "long doubles": (
        lambda: pytorch.from_numpy(
            network.Network([network.Dense(np.eye(2, dtype="g"), np.zeros((1, 2), "g"))])
        ),
        TypeError, str(np.dtype("g")), "float16, float32 or float64",
    ),
    "a layer of another kind": (
        lambda: pytorch.from_numpy(network.Network([*network.mlp([2, 2]).layers, Doubled()])),
        TypeError, "a Doubled", "LayerNorm, Dropout, AlphaDropout and Residual",
    ),
    "no averages": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.BatchNorm1d(2, track_running_stats=False))),
        TypeError, "track_running_stats=False", "running averages and a momentum",
    ),
    "an average of all batches": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.BatchNorm1d(2, momentum=None))),
        TypeError, "momentum=None", "running averages and a momentum",
    ),
    "a layer norm over two axes": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.LayerNorm((3, 2)))),
        TypeError, "LayerNorm((3, 2)", "LayerNorm over one axis",
    ),
    "dropout in a block": (
        lambda: pytorch.to_numpy(nn.Sequential(pytorch.Residual(nn.FeatureAlphaDropout(0.5)))),
        TypeError, "FeatureAlphaDropout(p=0.5", "BatchNorm1d",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])


@pytest.mark.parametrize("flatten", [nn.Flatten(0), nn.Flatten(1, 1), nn.Flatten(2)])
@pytest.mark.parametrize("inside", [False, True])
def test_a_flatten_that_mixes_examples_is_refused(flatten, inside):
    last = pytorch.Residual(flatten) if inside else flatten
    model = nn.Sequential(nn.Linear(2, 2), last)
    with pytest.raises(TypeError, match=r"cannot carry Flatten.*expected Flatten\(start_dim=1"):
        pytorch.to_numpy(model)
