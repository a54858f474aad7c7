"""The PyTorch networks: carried across, trained in step with NumPy, and free of side effects."""

import copy
import inspect
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from course_lib import activations, data, network, pytorch, training
from course_lib.activations import CATALOGUE, Activation
from course_lib.network import LOSSES

CARRIED = [row.name for row in CATALOGUE.values() if row.pytorch and row.kind != "groups"]
TORCH_DTYPES = {np.float32: torch.float32, np.float64: torch.float64}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Spare these small products the threads, which cost more than they gain."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("activation", CARRIED)
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


@pytest.mark.parametrize("slopes", [1, 4])
def test_learned_slopes_train_in_step_and_are_carried(slopes):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), rng.integers(0, 2, 30)
    first = [nn.Linear(3, 4), nn.PReLU(slopes), nn.Linear(4, 2)]
    model = nn.Sequential(*first).double()
    ours = pytorch.to_numpy(model)
    assert repr(ours) == "Network(3-4-2, ['PReLU'], float64)"
    options = {"epochs": 5, "batch_size": 10, "seed": 3, "progress": False}
    pytorch.fit(model, x, y, optimizer=torch.optim.SGD(model.parameters(), lr=0.5), **options)
    training.fit(ours, x, y, optimizer=training.SGD(0.5), **options)
    assert not np.allclose(ours.parameters["1.weight"], 0.25)
    carried = pytorch.to_numpy(model)
    for name, value in carried.parameters.items():
        np.testing.assert_allclose(ours.parameters[name], value, rtol=1e-11, atol=1e-13)
    again = pytorch.predict(pytorch.from_numpy(carried), x)
    np.testing.assert_allclose(again, carried(x), rtol=1e-13, atol=1e-14)  # near 0 terms cancel


# ---------------------------------------------------------------------------------------------
# Activations with parameters of their own
# ---------------------------------------------------------------------------------------------

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


def seeded(*modules, dtype=torch.float64):
    """Return a module with the weights of a fixed seed."""
    model = nn.Sequential(*modules).to(dtype)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=dtype))
    return model


def check_equal(ours, model, near=1e-12):
    """Check outputs and all gradients of a network against PyTorch's autograd."""
    x = np.random.default_rng(1).normal(size=(40, 3)).astype(ours.dtype) * 2
    logits = model(torch.tensor(x))
    np.testing.assert_allclose(ours(x), logits.detach(), rtol=near, atol=near)
    weight = np.random.default_rng(2).normal(size=logits.shape).astype(ours.dtype)
    ours.backward(weight)
    model.zero_grad()
    (logits * torch.tensor(weight)).sum().backward()
    for name, parameter in model.named_parameters():
        own, theirs = carried(ours.gradients[name], parameter.ndim), parameter.grad.numpy()
        np.testing.assert_allclose(own, theirs, rtol=0, atol=near * np.abs(theirs).max())


def carried(gradient, ndim):
    """Return the gradient of a weight or a bias in the shape that PyTorch has."""
    return gradient.T if ndim == 2 else gradient[0]


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


class Scaled(network.Dense):
    """A layer that is derived from one of the library, and computes something else."""

    def forward(self, x):
        return 2 * super().forward(x)


class Named(network.Dense):
    """A layer that computes what the library's does."""


class Tanh(nn.Module):
    """A module that looks like one of PyTorch."""

    def forward(self, x):
        return 2 * torch.tanh(x)


class Shifted(nn.ReLU):
    """A module that is derived from one of PyTorch, and computes something else."""

    def forward(self, x):
        return super().forward(x) + 1


class Reversed(nn.Sequential):
    """A module whose parts do not follow one another."""

    def forward(self, x):
        return -super().forward(x)


def test_a_class_that_only_adds_a_name_is_carried():
    ours = network.mlp([2, 3])
    named = network.Network([Named(*ours.parameters.values())])
    assert repr(pytorch.from_numpy(named)) == repr(pytorch.from_numpy(ours))


# ---------------------------------------------------------------------------------------------
# Layers without bias or affine part
# ---------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("in_training", [True, False])
@pytest.mark.parametrize("dtype", TORCH_DTYPES)
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
    # what PyTorch leaves out is there, and can learn
    assert set(ours.parameters) > {name for name, _ in model.named_parameters()}
    np.testing.assert_array_equal(ours.parameters["0.bias"], np.zeros((1, 4)))


# ---------------------------------------------------------------------------------------------
# Normalization and residual blocks
# ---------------------------------------------------------------------------------------------


def normalized(dtype=torch.float64):
    """Return a module with both normalizations in blocks within blocks, and averages that moved."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Linear(3, 6),
            nn.BatchNorm1d(6, eps=1e-3, momentum=0.3),
            nn.Tanh(),
            pytorch.Residual(
                nn.Linear(6, 6),
                nn.LayerNorm(6, eps=1e-4),
                pytorch.Residual(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.ReLU()),
                nn.PReLU(6),
            ),
            nn.Linear(6, 2),
        ).to(dtype)
        model.train()
        for _ in range(3):
            model(torch.randn(20, 3, dtype=dtype) * 2 + 1)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:
                    parameter.add_(torch.rand(parameter.shape, dtype=dtype))
    return model


def averages(model):
    """Return the running averages of a module by name."""
    return {name: value.numpy() for name, value in model.named_buffers() if "running" in name}


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


@pytest.mark.parametrize("limits", [{}, {"clip_norm": 0.3}, {"clip_value": 0.02}])
def test_normalized_networks_train_in_step(limits):
    x, y = data.moons(25)
    x = np.column_stack([x, x[:, 0]])
    model = normalized()
    ours = pytorch.to_numpy(model)
    options = {
        "epochs": 1, "batch_size": 10, "seed": 3, "validation": (x[::3], y[::3]), **limits
    }  # fmt: skip
    sgd = torch.optim.SGD(model.parameters(), lr=0.2)
    first = training.fit(ours, x, y, optimizer=training.SGD(0.2), **options)
    second = pytorch.fit(model, x, y, optimizer=sgd, **options)
    assert first.steps == second.steps == 5
    np.testing.assert_allclose(first.train_loss, second.train_loss, rtol=1e-9)
    np.testing.assert_allclose(first.validation_loss, second.validation_loss, rtol=1e-9)
    carried = pytorch.to_numpy(model)
    for name, value in carried.parameters.items():
        np.testing.assert_allclose(ours.parameters[name], value, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(ours(x), carried(x), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_what_mlp_builds_is_carried(normalization):
    options = {"normalization": normalization, "residual": True, "initialization": "pytorch"}
    ours = network.mlp([3, 5, 5, 2], "gelu", seed=range(2), **options).replica(1)
    x = np.random.default_rng(0).normal(size=(9, 3))
    model = pytorch.from_numpy(ours)
    assert repr(pytorch.to_numpy(model)) == repr(ours)
    np.testing.assert_allclose(pytorch.predict(model, x), ours(x), rtol=1e-11, atol=1e-13)


# ---------------------------------------------------------------------------------------------
# Dropout
# ---------------------------------------------------------------------------------------------

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


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize(("dtype", "near"), [(np.float32, 2e-6), (np.float64, 2e-15)])
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


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", CARRIED)
@pytest.mark.parametrize(("dtype", "near"), [(np.float32, 3e-6), (np.float64, 1e-14)])
def test_logits_and_gradients_are_equal(activation, loss, dtype, near):
    rng = np.random.default_rng(0)
    if activation == "hard_sigmoid":
        near = max(near, 1e-7)  # PyTorch's slope is the float32 nearest to 1/6, in float64 too
    model = pytorch.mlp([3, 5, 2], activation, dtype=TORCH_DTYPES[dtype]).eval()  # for RReLU
    ours = pytorch.to_numpy(model)
    x = rng.normal(size=(6, 3)).astype(dtype)
    y = rng.integers(0, 2, 6)
    y = y if loss == "cross_entropy" else rng.uniform(size=(6, 2)).astype(dtype)
    np.testing.assert_allclose(ours(x), pytorch.predict(model, x), rtol=near, atol=near)
    value, gradients = ours.loss_and_gradients(x, y, loss)
    expected = {
        "cross_entropy": nn.functional.cross_entropy,
        "binary_cross_entropy": nn.functional.binary_cross_entropy_with_logits,
        "mean_squared_error": nn.functional.mse_loss,
    }[loss](model(torch.tensor(x)), torch.tensor(y))
    expected.backward()
    assert value == pytest.approx(expected.item(), rel=near)
    assert set(gradients) == {name for name, _ in model.named_parameters()}
    for name, parameter in model.named_parameters():
        gradient = gradients[name].T if parameter.ndim == 2 else gradients[name][0]
        np.testing.assert_allclose(gradient, parameter.grad, rtol=near, atol=near)


OPTIMIZERS = {
    "SGD": (lambda: training.SGD(0.3), lambda p: torch.optim.SGD(p, lr=0.3)),
    "Adam": (lambda: training.Adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_trainings_with_the_same_seed_stay_together(activation, loss, optimizer):
    x, y = data.moons(30)
    y = y if loss == "cross_entropy" else np.eye(2)[y]
    model = pytorch.mlp([2, 16, 2], activation, dtype=torch.float64)
    ours = pytorch.to_numpy(model)
    options = {
        "loss": loss, "epochs": 10, "batch_size": 7, "seed": 3, "validation": (x[::3], y[::3])
    }  # fmt: skip
    mine, make = OPTIMIZERS[optimizer]
    first = training.fit(ours, x, y, optimizer=mine(), **options)
    second = pytorch.fit(model, x, y, optimizer=make(model.parameters()), **options)
    assert first.steps == second.steps == 90
    np.testing.assert_allclose(first.train_loss, second.train_loss, rtol=1e-10)
    np.testing.assert_allclose(first.validation_loss, second.validation_loss, rtol=1e-10)
    np.testing.assert_array_equal(first.validation_accuracy, second.validation_accuracy)
    for name, value in pytorch.to_numpy(model).parameters.items():
        np.testing.assert_allclose(ours.parameters[name], value, rtol=1e-10, atol=1e-12)


def test_each_single_step_agrees():
    x, y = data.moons(30)
    model = pytorch.mlp([2, 16, 2], "tanh", dtype=torch.float64)
    ours = pytorch.to_numpy(model)
    sgd = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(50):
        value, gradients = ours.loss_and_gradients(x, y)
        training.SGD(0.5).step(ours.parameters, gradients)
        loss = nn.functional.cross_entropy(model(torch.tensor(x)), torch.tensor(y))
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        assert value == pytest.approx(loss.item(), abs=1e-10)
        for name, after in pytorch.to_numpy(model).parameters.items():
            np.testing.assert_allclose(ours.parameters[name], after, rtol=0, atol=1e-10)


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


def test_fit_leaves_the_global_random_state_alone():
    model, (x, y) = pytorch.mlp([2, 3, 2]), data.xor()
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    pytorch.fit(model, x, y, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("clip", ["clip_norm", "clip_value"])
def test_a_limit_beyond_the_range_of_the_dtype_clips_nothing(clip):
    (x, y), losses = data.moons(20), []
    for limits in ({}, {clip: 1e39}):
        model = pytorch.mlp([2, 3, 2])
        sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        losses.append(pytorch.fit(model, x, y, optimizer=sgd, epochs=3, **limits).train_loss)
    np.testing.assert_array_equal(*losses)


@pytest.mark.parametrize("was_training", [True, False])
def test_predict_uses_evaluation_mode_and_restores_the_mode(was_training):
    model = nn.Sequential(nn.Linear(2, 200), nn.Dropout(0.5))
    model.train(was_training)
    x = np.ones((3, 2), np.float32)
    first, second = (pytorch.predict(model, x) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert model.training == was_training


FORMS = {
    "lists": lambda x: x.tolist(),
    "rows backwards": lambda x: x[::-1].copy()[::-1],
    "another byte order": lambda x: x.astype(x.dtype.newbyteorder()),
    "read-only": lambda x: np.frombuffer(x.tobytes()).reshape(x.shape),
    "columns": np.asfortranarray,
    "a tensor": torch.tensor,
    "a tensor that learns": lambda x: torch.tensor(x, requires_grad=True),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_input_keeps_all_digits(form):
    x = np.random.default_rng(0).normal(size=(5, 3))
    model = pytorch.mlp([3, 2], dtype=torch.float64)
    expected = pytorch.to_numpy(model)(x)  # no linear algebra of PyTorch
    np.testing.assert_allclose(pytorch.predict(model, FORMS[form](x)), expected, rtol=1e-13)
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    pytorch.fit(model, FORMS[form](x), np.arange(5)[::-1] % 2, optimizer=sgd)


def test_predict_restores_the_mode_of_every_part():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).train()
    model[1].eval()
    pytorch.predict(model, np.ones((3, 2)))
    assert [part.training for part in model] == [True, False]


def test_predict_restores_the_mode_also_after_an_error():
    model = pytorch.mlp([2, 2]).train()
    with pytest.raises(RuntimeError):
        pytorch.predict(model, np.ones((3, 5)))
    assert model.training


def test_flatten_is_carried_as_nothing():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    images = np.random.default_rng(0).normal(size=(3, 2, 2)).astype(np.float32)
    np.testing.assert_allclose(
        pytorch.to_numpy(model)(images.reshape(3, 4)),
        model(torch.tensor(images)).detach(),
        rtol=1e-5,
        atol=1e-6,
    )


def test_training_learns_moons():
    x, y = data.moons(50)
    model = pytorch.mlp([2, 16, 2], "tanh", dtype=torch.float64)
    adam = torch.optim.Adam(model.parameters(), lr=0.05)
    history = pytorch.fit(model, torch.tensor(x), torch.tensor(y), optimizer=adam, epochs=60)
    assert history.train_loss[-1] < 0.5 * history.train_loss[0]
    assert training.accuracy(pytorch.predict(model, x), y) > 0.9


def test_both_fits_have_the_same_arguments():
    ours, theirs = (inspect.signature(module.fit).parameters for module in (training, pytorch))
    assert list(ours)[1:] == list(theirs)[1:]
    for name in list(ours)[1:]:
        assert (ours[name].default, ours[name].kind) == (theirs[name].default, theirs[name].kind)


@pytest.mark.parametrize("patience", [None, 2, 30])
@pytest.mark.parametrize("cuts", [[10, 10], [1, 2, 17]])
def test_a_training_in_pieces_is_that_in_one(cuts, patience):
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)
    valid = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)

    def train(pieces):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 2))
        model.double()
        optimizer, history = torch.optim.Adam(model.parameters(), lr=0.1), None
        for epochs in pieces:
            history = pytorch.fit(
                model,
                points,
                labels,
                optimizer=optimizer,
                epochs=epochs,
                batch_size=16,
                validation=valid,
                patience=patience,
                history=history,
            )
            history = training.History.from_state_dict(history.state_dict())
        return model.state_dict(), history

    (whole, at_once), (pieces, in_pieces) = train([sum(cuts)]), train(cuts)
    for name, value in whole.items():
        assert torch.equal(value, pieces[name]), name
    np.testing.assert_array_equal(at_once.train_loss, in_pieces.train_loss)
    np.testing.assert_array_equal(at_once.validation_loss, in_pieces.validation_loss)
    assert (at_once.steps, at_once.best_epoch) == (in_pieces.steps, in_pieces.best_epoch)


def test_a_history_that_does_not_fit_is_refused_before_anything_is_trained(refuses):
    model = pytorch.mlp([2, 3, 2])
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    history = pytorch.fit(model, POINTS, [0, 1], optimizer=sgd)
    before = model[0].weight.detach().clone()
    for options, texts in [
        ({"history": 3}, ["history is a int", "what an earlier fit returned"]),
        ({"history": history, "validation": (POINTS, [0, 1])}, ["no validation losses", "given"]),
        (
            {"history": history, "validation": (POINTS, [0, 1]), "patience": 1},
            ["made with patience None", "this call has 1"],
        ),
    ]:
        error = TypeError if options["history"] == 3 else ValueError
        refuses(
            lambda o=options: pytorch.fit(model, POINTS, [0, 1], optimizer=sgd, **o), error, *texts
        )
    assert torch.equal(before, model[0].weight)


POINTS = np.float32([[0, 1], [1, 0]])


@pytest.mark.parametrize("patience", [1, 4])
@pytest.mark.parametrize("seed", [0, 1])
def test_early_stopping_ends_with_the_best_epoch_as_in_numpy(seed, patience):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 80)
    points = rng.normal(size=(80, 5)) + 0.5 * labels[:, np.newaxis]
    (x, x_valid), (y, y_valid) = np.split(points, [20]), np.split(labels, [20])
    options = {"normalization": "batch", "seed": seed}
    ours = network.mlp([5, 20, 2], "relu", **options)
    model = pytorch.from_numpy(ours)
    options = {"epochs": 40, "batch_size": 10, "validation": (x_valid, y_valid)}
    options |= {"patience": patience}
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    first = training.fit(ours, x, y, optimizer=training.SGD(0.1), **options)
    second = pytorch.fit(model, x, y, optimizer=sgd, **options)
    assert first.best_epoch == second.best_epoch < first.train_loss.size < 40
    assert isinstance(second.best_epoch, np.ndarray)
    np.testing.assert_allclose(first.validation_loss, second.validation_loss, rtol=1e-9)
    np.testing.assert_allclose(pytorch.predict(model, x), ours(x), rtol=1e-8, atol=1e-10)
    expected = nn.functional.cross_entropy(
        torch.tensor(pytorch.predict(model, x_valid)), torch.tensor(y_valid)
    )
    assert expected.item() == pytest.approx(second.validation_loss.min(), rel=1e-12)


def test_an_interrupted_training_with_patience_leaves_the_best_epoch_so_far():
    x, y = data.moons(20)
    twin, model = (pytorch.mlp([2, 5, 2], dtype=torch.float64) for _ in range(2))
    options = {"batch_size": None, "validation": (x, y), "patience": 9}
    sgd = torch.optim.SGD(twin.parameters(), lr=0.1)
    pytorch.fit(twin, x, y, optimizer=sgd, epochs=3, **options)
    sgd, done = torch.optim.SGD(model.parameters(), lr=0.1), []

    def interrupt(*_):
        done.append(1)
        if len(done) > 3:
            raise KeyboardInterrupt

    sgd.register_step_post_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        pytorch.fit(model, x, y, optimizer=sgd, epochs=9, **options)
    for ours, expected in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(ours.detach(), expected.detach())


# ---------------------------------------------------------------------------------------------
# Whose optimizer it is
# ---------------------------------------------------------------------------------------------


def fine_tuned(choose, clip_norm=None, progress=False):
    """Train what `choose` returns of a module; return the module before and after."""
    model = pytorch.mlp([2, 8, 8, 2], "tanh", dtype=torch.float64)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    sgd = torch.optim.SGD(choose(model), lr=0.1)
    x, y = data.moons(20)
    pytorch.fit(model, x, y, optimizer=sgd, epochs=3, clip_norm=clip_norm, progress=progress)
    return before, dict(model.named_parameters())


def frozen(model):
    """Freeze all but the last layer of a module; return all of its parameters."""
    model[:-1].requires_grad_(False)
    return model.parameters()


@pytest.mark.parametrize("choose", [lambda model: model[-1].parameters(), frozen])
@pytest.mark.parametrize("clip_norm", [None, 0.01])
def test_a_part_of_a_module_is_trained_alone(choose, clip_norm):
    before, after = fine_tuned(choose, clip_norm)
    for name, value in before.items():
        assert torch.equal(after[name], value) == (not name.startswith("4."))


def test_gradients_that_no_optimizer_takes_limit_nothing():
    (_, alone), (_, with_others) = (
        fine_tuned(choose, 0.01) for choose in (frozen, lambda model: model[-1].parameters())
    )
    for name, value in alone.items():
        assert torch.equal(with_others[name], value)


def test_groups_and_schedules_are_optimizers_of_the_module():
    def choose(model):
        groups = [{"params": [p]} for p in model.parameters()]
        return [*groups, {"params": []}]

    before, after = fine_tuned(choose)
    assert not any(torch.equal(after[name], value) for name, value in before.items())
    model = pytorch.mlp([2, 2])
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.optim.lr_scheduler.StepLR(sgd, 1)  # wraps the step
    try_fit(model=model, optimizer=sgd)


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


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------

HOMEMADE = Activation("homemade", abs, abs, "", "", (0, 1), 1, False, "")
X, Y = np.zeros((4, 2)), np.zeros(4, int)


class Doubled:
    """A layer of a reader's own."""

    parameters, gradients = {}, {}

    def forward(self, x):
        return 2 * x

    def backward(self, grad_output, *, to_input=True):
        return 2 * grad_output


class Squeezed(nn.Linear):
    """A module that leaves out an axis."""

    def forward(self, x):
        return super().forward(x)[:, 0]


def back(*modules):
    """Carry modules behind a linear layer to NumPy."""
    return pytorch.to_numpy(nn.Sequential(nn.Linear(2, 2), *modules))


def try_fit(x=X, y=Y, model=None, **options):
    model = pytorch.mlp([2, 2]) if model is None else model
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    pytorch.fit(model, x, y, **({"optimizer": sgd, "progress": False} | options))


BAD = {
    "no module in PyTorch": (
        lambda: pytorch.activation_module(HOMEMADE), NotImplementedError, "homemade", "NumPy netw"
    ),
    "unknown activation": (lambda: pytorch.mlp([2, 3, 2], "rellu"), KeyError, "'rellu'", "'relu'"),
    "one size": (lambda: pytorch.mlp([3]), ValueError, "[3]", "two numbers from 1 on"),
    "size 0": (lambda: pytorch.mlp([3, 0]), ValueError, "[3, 0]", "two numbers from 1 on"),
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
    "another limit": (
        lambda: back(nn.Hardtanh(-2, 2)), TypeError, "max_val=2", "its functions take: Identity()"
    ),
    "another softplus": (
        lambda: back(nn.Softplus(threshold=5)), TypeError, "threshold=5", "Softplus(beta=...)"
    ),
    "another axis": (
        lambda: back(nn.Softmax(dim=0)), TypeError, "Softmax(dim=0)", "Softmax(dim=-1)"
    ),
    "an axis to guess": (lambda: back(nn.Softmin()), TypeError, "dim=None", "Softmin(dim=-1)"),
    "halves of the batch": (lambda: back(nn.GLU(0)), TypeError, "GLU(dim=0)", "GLU(dim=-1)"),
    "a namesake": (lambda: back(Tanh()), TypeError, "cannot carry Tanh()", "Tanh()"),
    "a derived activation": (lambda: back(Shifted()), TypeError, "carry Shifted()", "ReLU()"),
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
    "a block that changes the width": (
        lambda: pytorch.Residual(nn.Linear(4, 1))(torch.zeros(3, 4)),
        ValueError, "returned (3, 1)", "needs both alike",
    ),
    "clip_norm 0": (
        lambda: try_fit(clip_norm=0), ValueError, "clip_norm is 0", "finite number above 0"
    ),
    "clip_value NaN": (
        lambda: try_fit(clip_value=np.nan), ValueError, "clip_value is nan", "finite number above 0"
    ),
    "another loss": (
        lambda: try_fit(loss=network.Loss("hinge", abs, abs)),
        NotImplementedError, "'hinge'", "cross_entropy",
    ),
    "many seeds": (lambda: try_fit(seed=[0, 1]), TypeError, "[0, 1]", "takes one number"),
    "no parameters": (
        lambda: pytorch.predict(nn.Sequential(nn.ReLU()), X), ValueError, "Sequential", "parameters"
    ),
    "no examples": (lambda: try_fit(X[:0], Y[:0]), ValueError, "(0, 2)", "at least one example"),
    "ragged rows": (
        lambda: try_fit([[1, 2], [3]], [0, 1]), ValueError, "x has rows of different", "one length"
    ),
    "ragged labels": (lambda: try_fit(y=[[0], 1, 0, 0]), ValueError, "y has rows", "one length"),
    "ragged validation": (
        lambda: try_fit(validation=(X, [[0], 1])), ValueError, "y of the validation data", "rows"
    ),
    "ragged inputs": (
        lambda: pytorch.predict(pytorch.mlp([2, 2]), [[1], [1, 2]]), ValueError, "x has", "array"
    ),
    "words": (lambda: try_fit(x=[["a", "b"]] * 4), TypeError, "x is of dtype <U1", "numbers"),
    "unequal lengths": (lambda: try_fit(X, Y[:3]), ValueError, "(3,)", "give one each"),
    "outputs without their axis": (
        lambda: try_fit(y=Y[:, None], model=Squeezed(2, 1), loss="mean_squared_error"),
        ValueError, "output has shape (4,)", "(..., batch, features)",
    ),
    "outputs with more axes": (
        lambda: try_fit(model=nn.Sequential(nn.Linear(2, 4), nn.Unflatten(1, (2, 2)))),
        ValueError, "outputs of shape (4, 2, 2)", "(batch, outputs)",
    ),
    "no epochs": (lambda: try_fit(epochs=0), ValueError, "epochs is 0", "integers from 1"),
    "no patience": (
        lambda: try_fit(patience=0, validation=(X, Y)), ValueError, "patience is 0", "from 1 on"
    ),
    "patience for nothing": (
        lambda: try_fit(patience=3), ValueError, "patience is 3", "pass validation=(x, y)"
    ),
    "batches of 0": (lambda: try_fit(batch_size=0), ValueError, "batch_size is 0", "from 1 on"),
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


@pytest.mark.parametrize("flatten", [nn.Flatten(0), nn.Flatten(1, 1), nn.Flatten(2)])
@pytest.mark.parametrize("inside", [False, True])
def test_a_flatten_that_mixes_examples_is_refused(flatten, inside):
    last = pytorch.Residual(flatten) if inside else flatten
    model = nn.Sequential(nn.Linear(2, 2), last)
    with pytest.raises(TypeError, match=r"cannot carry Flatten.*expected Flatten\(start_dim=1"):
        pytorch.to_numpy(model)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([2, 4, 4, 2], ["relu", "tanh"]), TypeError, "one for all hidden layers, such as 'relu'"),
        (([2, 4, 4, 2], ("relu", "tanh")), TypeError, "one for all hidden layers, such as 'relu'"),
        ((5,), TypeError, "sizes are 5; expected a sequence of integers"),
        (("23",), TypeError, "sizes are '23'; expected a sequence of integers"),
        (([2, [3], 1],), TypeError, r"expected integers, and \[3\] is none"),
        (([2, 2.5, 1],), TypeError, r"expected integers, and 2\.5 is none"),
        (([2, True, 1],), TypeError, "expected integers, and True is none"),
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
