"""What happens inside: the same numbers from NumPy and PyTorch, and from the definitions."""

import math
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from scipy.stats import entropy
from torch import nn

from course_lib import data, pytorch
from course_lib.activations import CATALOGUE
from course_lib.diagnostics import (
    Diagnosis,
    GradientCheck,
    check_gradients,
    dead_units,
    diagnose,
    effective_rank,
    is_saturated,
    root_mean_square,
    saturation_threshold,
    unit_transitions,
)
from course_lib.network import (
    LOSSES,
    Activate,
    BatchNorm,
    Dense,
    Loss,
    Network,
    PReLU,
    Residual,
    mlp,
)
from course_lib.network.layers import walk
from course_lib.training import SGD, Adam, Momentum

ELEMENTWISE = [row.name for row in CATALOGUE.values() if row.elementwise]
MEASURES = [name for name in Diagnosis.__annotations__ if name not in ("layers", "weights")]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.integers(0, 2, 40)


# ---------------------------------------------------------------------------------------------
# Measures of one array
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1.0, 1e30, 1e300])
def test_root_mean_square_is_that_of_the_scaled_values(scale):
    values = np.random.default_rng(1).normal(size=(2, 5, 4))
    expected = scale * np.sqrt((values**2).mean(axis=(-2, -1)))
    np.testing.assert_allclose(root_mean_square(scale * values), expected, rtol=1e-14)


@pytest.mark.parametrize(("value", "result"), [(0.0, 0.0), (np.inf, np.inf), (np.nan, np.nan)])
def test_root_mean_square_of_special_values(value, result):
    np.testing.assert_equal(root_mean_square(np.array([[1.0 * (value != 0), value]])), result)
    # beside them, what has a square that overflows
    np.testing.assert_equal(root_mean_square([[1e200 * (value != 0), value]]), result)


@pytest.mark.parametrize("shares", [[1.0], [0.5, 0.5], [0.7, 0.2, 0.1], [1 - 1e-9, 1e-9]])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_effective_rank_is_the_exponential_of_the_entropy(shares, scale):
    rng = np.random.default_rng(2)
    left, right = (np.linalg.qr(rng.normal(size=(6, 6)))[0][:, : len(shares)] for _ in "lr")
    matrix = scale * (left * shares) @ right.T
    expected = np.exp(entropy(shares))
    assert effective_rank(matrix) == pytest.approx(expected, rel=1e-7)


def test_effective_rank_of_special_matrices():
    stack = np.stack([np.zeros((2, 3)), np.ones((2, 3)), np.full((2, 3), np.nan)])
    np.testing.assert_allclose(effective_rank(stack), [0, 1, np.nan], rtol=1e-12)
    with pytest.raises(ValueError, match=r"shape \(0, 3\); expected"):
        effective_rank(np.zeros((0, 3)))


@pytest.mark.parametrize(
    ("name", "edge"),
    # where the derivative, written out here, is a hundredth of its largest value
    [
        ("sigmoid", brentq(lambda x: 4 * np.exp(-x) / (1 + np.exp(-x)) ** 2 - 0.01, 1, 20)),
        ("tanh", brentq(lambda x: 1 / np.cosh(x) ** 2 - 0.01, 1, 20)),
        ("softsign", 9.0),
        ("softplus", -brentq(lambda x: 1 / (1 + np.exp(x)) - 0.01, 1, 20)),
        ("elu", np.log(0.01)),
    ],
)
def test_a_unit_is_flat_where_its_slope_is_a_hundredth_of_the_steepest(name, edge):
    step = 1e-9 * np.sign(edge)
    np.testing.assert_array_equal(is_saturated(name, [edge - step, edge + step]), [False, True])


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_limit_is_a_share_of_the_steepest_slope_that_is_found(name):
    steepest = np.abs(CATALOGUE[name].derivative(np.linspace(-50, 50, 1_000_001))).max()
    unbounded = name in ("squared_relu", "exponential")
    assert saturation_threshold(name, 0.5) == pytest.approx(
        0.5 if unbounded else steepest / 2, rel=1e-3
    )


def test_flat_needs_a_slope_and_a_share():
    with pytest.raises(ValueError, match=r"'softmax' is not elementwise"):
        is_saturated("softmax", X)
    with pytest.raises(ValueError, match=r"share is 1; expected a number between 0 and 1"):
        is_saturated("relu", X, fraction=1)
    with pytest.raises(ValueError, match="share is 0"):
        diagnose(mlp([3, 4, 2]), X, Y, fraction=0)
    with pytest.raises(KeyError, match="did you mean 'gelu'"):
        saturation_threshold("geluu")


# ---------------------------------------------------------------------------------------------
# Diagnosis
# ---------------------------------------------------------------------------------------------


def by_hand(network, x, y):
    """Return the measures of a plain network from PyTorch's autograd and their definitions."""
    signal, found = torch.tensor(x), {name: [] for name in MEASURES[:-2]}
    weights = [
        torch.tensor(value, requires_grad=True)
        for name, value in network.parameters.items()
        if name.endswith("weight")
    ]
    inner = []
    for i, weight in enumerate(weights):
        signal = signal @ weight + torch.tensor(network.parameters[f"{2 * i}.bias"])
        if i < len(weights) - 1:
            inner.append(signal)
            signal.retain_grad()
            signal = pytorch.activation_module(network.layers[1].activation)(signal)
            inner[-1].outputs = signal
    nn.functional.cross_entropy(signal, torch.tensor(y)).backward()
    for z in inner:
        leaf = z.detach().requires_grad_()
        pytorch.activation_module(network.layers[1].activation)(leaf).sum().backward()
        slopes = leaf.grad.abs()
        found["preactivation"].append(z.detach().square().mean().sqrt())
        found["activation"].append(z.outputs.detach().square().mean().sqrt())
        found["gradient"].append((len(x) * z.grad).square().mean().sqrt())
        steepest = {"relu": 1, "tanh": 1, "sigmoid": 0.25, "gelu": 1.1289}.get(
            network.layers[1].activation.name
        )
        found["saturated"].append((slopes < 0.01 * steepest).double().mean())
        found["dead"].append((slopes == 0).all(dim=0).double().mean())
        shares = torch.linalg.svdvals(z.outputs.detach())
        shares /= shares.sum()
        found["rank"].append(torch.exp(-torch.special.xlogy(shares, shares).sum()))
    found["weight_gradient"] = [weight.grad.square().mean().sqrt() for weight in weights]
    return {name: [float(v) for v in values] for name, values in found.items() if values}


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu"])
def test_every_measure_is_its_definition(activation):
    network = mlp([3, 6, 5, 4, 2], activation, seed=4, initialization="pytorch")
    network.parameters["2.weight"][...] *= 20  # some saturate
    network.parameters["0.bias"][0, :2] = -9  # and with ReLU two are dead
    found, expected = diagnose(network, X, Y), by_hand(network, X, Y)
    assert found.layers == ("1", "3", "5")
    assert found.weights == ("0.weight", "2.weight", "4.weight", "6.weight")
    assert np.isnan(found.update_to_weight).all()
    if activation != "gelu":
        assert found.saturated[1] > 0
    assert found.dead[0] == (2 / 6 if activation == "relu" else 0)
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-9, err_msg=name)


def with_leading_axes(network, replicas):
    """Return a network whose replicas, in a row, are laid out along several axes."""
    network = deepcopy(network)
    for _, layer in walk(network.layers):
        if not isinstance(layer, Residual):  # whose layers come next
            for values in (layer.parameters, vars(layer)):
                for name, value in values.items():
                    if isinstance(value, np.ndarray):
                        values[name] = value.reshape(*replicas, *value.shape[1:])
    return Network(network.layers)


@pytest.mark.parametrize("replicas", [(), (2,), (2, 3)], ids=str)
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
@pytest.mark.parametrize("first", [[], [Activate("tanh")]], ids=["dense first", "tanh first"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_replicas_are_measured_side_by_side(replicas, normalization, first, dtype):
    seeds = range(math.prod(replicas)) if replicas else 0
    plain = mlp(
        [3, 5, 5, 2], "tanh", seed=seeds, normalization=normalization, dtype=dtype, residual=True
    )
    row = Network([*deepcopy(first), *plain.layers])
    together = with_leading_axes(row, replicas) if replicas else row
    x = X.astype(dtype)
    found, dead = diagnose(together, x, Y, optimizer=SGD(0.1)), dead_units(together, x)
    assert together.replicas == replicas
    assert {getattr(found, name).shape[:-1] for name in MEASURES} == {replicas}
    assert {mask.shape[:-1] for mask in dead} == {replicas}
    for i, place in enumerate(np.ndindex(replicas)):
        one = row.replica(i) if replicas else row
        alone = diagnose(one, x, Y, optimizer=SGD(0.1))
        for name in MEASURES:
            values = getattr(found, name)[place]
            near = 1e-5 if dtype == np.float32 else 1e-11
            np.testing.assert_allclose(getattr(alone, name), values, rtol=near, atol=near)
        for mask, own in zip(dead, dead_units(one, x), strict=True):
            np.testing.assert_array_equal(mask[place], own)


OPTIMIZERS = {
    "SGD": (lambda: SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "Momentum": (lambda: Momentum(0.1), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "Adam": (lambda: Adam(0.1), lambda p: torch.optim.Adam(p, lr=0.1)),
}


def networks():
    """Return one network of each kind that both libraries have."""
    block = [Dense(np.eye(4), np.zeros((1, 4))), Activate("relu")]
    head, other_head = (Dense(RNG.normal(size=(4, 2)), np.zeros((1, 2))) for _ in range(2))
    first = Dense(RNG.normal(size=(3, 4)), np.zeros((1, 4)))
    normalization = BatchNorm(np.ones((1, 4)), np.zeros((1, 4)))
    return {
        "plain": mlp([3, 5, 4, 2], "silu", seed=1),
        "batch": mlp([3, 5, 4, 2], "relu", seed=1, normalization="batch"),
        "layer": mlp([3, 5, 4, 2], "elu", seed=1, normalization="layer"),
        "slopes": Network([mlp([3, 4, 1]).layers[0], PReLU(np.full((1, 4), 0.3)), head]),
        "blocks": Network([first, normalization, Residual(block), Activate("tanh"), other_head]),
        "activation first": Network([Activate("tanh"), *mlp([3, 4, 2], seed=1).layers]),
        "activation first in a block": preactivated(),
    }


def preactivated():
    """Return a network with a block whose skip starts before its activation."""
    first, _, inner, _, last = mlp([3, 4, 4, 2], seed=1, initialization="pytorch").layers
    return Network([first, Residual([Activate("relu"), inner]), last])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", networks())
def test_pytorch_gives_the_same_diagnosis(kind, optimizer):
    network = networks()[kind]
    model = pytorch.from_numpy(network)
    ours, theirs = OPTIMIZERS[optimizer]
    ours, theirs = ours(), theirs(model.parameters())
    for _ in range(2):  # the second time with memory in the optimizers
        here = diagnose(network, X, Y, optimizer=ours)
        there = diagnose(model, X, Y, optimizer=theirs)
        assert (here.layers, here.weights) == (there.layers, there.weights)
        for name in MEASURES:
            np.testing.assert_allclose(
                getattr(here, name), getattr(there, name), rtol=1e-8, atol=1e-12, err_msg=name
            )
        _, gradients = network.loss_and_gradients(X, Y)
        ours.step(network.parameters, gradients)
        theirs.zero_grad()
        nn.functional.cross_entropy(model.train()(torch.tensor(X)), torch.tensor(Y)).backward()
        theirs.step()


def test_the_update_is_that_of_the_next_step():
    network, optimizer = mlp([3, 4, 2], seed=2), Adam(0.01)
    for _ in range(3):
        found = diagnose(network, X, Y, optimizer=optimizer)
        before = {name: value.copy() for name, value in network.parameters.items()}
        _, gradients = network.loss_and_gradients(X, Y)
        optimizer.step(network.parameters, gradients)
        for i, name in enumerate(("0.weight", "2.weight")):
            update = np.linalg.norm(network.parameters[name] - before[name])
            expected = update / np.linalg.norm(before[name])
            assert found.update_to_weight[i] == pytest.approx(expected, rel=1e-10)


def test_a_weight_of_zeros_that_moves_has_an_infinite_update_and_one_that_stays_none():
    network = mlp([3, 4, 2], "tanh")
    for value in network.parameters.values():
        value[...] = 0
    found = diagnose(network, X, Y, optimizer=SGD(0.1))
    np.testing.assert_array_equal(found.update_to_weight, [0, 0])  # the signal is 0 as well
    network.parameters["0.bias"][...] = 1
    found = diagnose(network, X, Y, optimizer=SGD(0.1))
    np.testing.assert_array_equal(found.update_to_weight, [0, np.inf])


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_the_network_and_the_optimizer_stay_as_they_were(kind):
    network = networks()["batch"]
    if kind == "torch":
        network = pytorch.from_numpy(network).eval()
        state = {k: v.clone() for k, v in network.state_dict().items()}
        optimizer = torch.optim.Adam(network.parameters())
    else:
        network.loss_and_gradients(X[:7], Y[:7])
        state = {k: v.copy() for k, v in (network.parameters | network.gradients).items()}
        mean = network.layers[1].running_mean.copy()
        optimizer = Adam()
    diagnose(network, X, Y, optimizer=optimizer)
    dead_units(network, X)
    if kind == "torch":
        assert not network.training and not optimizer.state
        assert all(p.grad is None for p in network.parameters())
        assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())
        now = network.state_dict()
    else:
        assert optimizer.steps == 0
        np.testing.assert_array_equal(network.layers[1].running_mean, mean)
        assert [type(layer).__name__ for layer in network.layers[:3]] == [
            "Dense",
            "BatchNorm",
            "Activate",
        ]
        now = network.parameters | network.gradients
    for name, value in state.items():
        np.testing.assert_array_equal(np.asarray(now[name]), np.asarray(value))


@pytest.mark.parametrize("optimizer", [None, *OPTIMIZERS])
@pytest.mark.parametrize("depth", [5, 30])
def test_explosions_are_measured_without_warnings(depth, optimizer):
    network = mlp([3, *[8] * depth, 2], "relu", gain=1e40)
    found = diagnose(network, X, Y, optimizer=optimizer and OPTIMIZERS[optimizer][0]())
    assert np.isfinite(found.activation).all() == (depth == 5)


@pytest.mark.parametrize("activation", ["relu", "tanh", "prelu"])
def test_what_diverged_is_not_healthy(activation):
    network = mlp([3, 6, 6, 2], activation, seed=range(2))
    network.parameters["2.weight"][1, 0, 3] = np.nan
    found, alone = diagnose(network, X, Y), diagnose(network.replica(0), X, Y)
    torn = diagnose(pytorch.from_numpy(network.replica(1)), X, Y)
    for name in ("saturated", "dead"):
        np.testing.assert_allclose(getattr(found, name)[0], getattr(alone, name))
        np.testing.assert_array_equal(np.isnan(getattr(found, name)[1]), [False, True])
        np.testing.assert_array_equal(getattr(found, name)[1], getattr(torn, name))
    assert not dead_units(network, X)[1][1, 3]


def test_a_share_from_numpy_is_a_number_as_any_other():
    network = mlp([3, 8, 2], "leaky_relu", dtype=np.float32)
    x = X.astype(np.float32)
    for share in (0.01, np.float64(0.01), np.float32(0.01)):
        assert diagnose(network, x, Y, fraction=share).saturated == 0  # 0.01 is not below 0.01
        assert not is_saturated("leaky_relu", x, fraction=share).any()
    assert type(saturation_threshold("tanh", np.float64(0.5))) is float


def test_the_table_tells_the_median_over_replicas():
    found = diagnose(mlp([3, 4, 2], seed=range(3)), X, Y)
    first, layer, weights, *_ = str(found).splitlines()
    assert first.split() == ["layer", *MEASURES[:6]]
    assert weights.split() == ["weights", "weight_gradient", "update_to_weight"]
    assert layer.split()[2] == f"{np.median(found.activation):.2g}"


class Hidden(nn.Module):
    """A module whose activation is a function inside `forward`."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x):
        return torch.relu(self.linear(x))


def test_activations_that_cannot_be_seen_are_missed_aloud():
    for network in (
        Hidden(),
        Network([Dense(np.eye(3), np.zeros((1, 3)))]),
        mlp([3, 3, 2], "softmax"),
    ):
        with pytest.raises(ValueError, match="no elementwise activation found"):
            diagnose(network, X, Y)
    with pytest.raises(TypeError, match="expected"):
        diagnose(SimpleNamespace(), X, Y)


def test_an_activation_that_works_in_place_and_one_used_twice_are_seen_right():
    shared = nn.Tanh()
    layers = [
        nn.Linear(3, 4),
        nn.ReLU(inplace=True),
        nn.Linear(4, 4),
        shared,
        nn.Linear(4, 4),
        shared,
    ]
    model = nn.Sequential(*layers, nn.Linear(4, 2)).double()
    plain = pytorch.to_numpy(
        nn.Sequential(*[nn.ReLU() if isinstance(c, nn.ReLU) else c for c in model])
    )
    here, there = diagnose(plain, X, Y), diagnose(model, X, Y)
    assert there.layers == ("1", "3", "3")
    for name in MEASURES:
        np.testing.assert_allclose(getattr(here, name), getattr(there, name), rtol=1e-9)


# ---------------------------------------------------------------------------------------------
# Modules that no NumPy network is like
# ---------------------------------------------------------------------------------------------


def seeded(*layers):
    """Return a module in float64 with weights that are the same each time."""
    model = nn.Sequential(*layers).double()
    rng = np.random.default_rng(6)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.tensor(rng.normal(size=parameter.shape)))
    return model


class Detached(nn.Module):
    """A module that lets no gradient back."""

    def forward(self, x):
        return x.detach()


class Unheard(nn.Module):
    """A module with an activation that the loss does not depend on."""

    def __init__(self):
        super().__init__()
        self.heard, self.unheard = (seeded(nn.Linear(3, 2), nn.Tanh()) for _ in range(2))

    def forward(self, x):
        self.unheard(x)
        return self.heard(x)


def test_a_frozen_layer_has_no_gradient_and_does_not_move():
    model = seeded(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    free = diagnose(model, X, Y, optimizer=torch.optim.Adam(model.parameters()))
    model[0].requires_grad_(False)
    frozen = diagnose(model, X, Y, optimizer=torch.optim.Adam(model.parameters()))
    assert frozen.weights == free.weights
    for name in MEASURES[:-2]:
        np.testing.assert_array_equal(getattr(frozen, name), getattr(free, name))
    for name in ("weight_gradient", "update_to_weight"):
        np.testing.assert_array_equal(getattr(frozen, name), [0, getattr(free, name)[1]])


def test_where_no_gradient_comes_from_or_goes_to():
    cut = seeded(nn.Linear(3, 4), Detached(), nn.Tanh(), nn.Linear(4, 2))
    whole = deepcopy(cut)
    del whole[1]
    found, expected = diagnose(cut, X, Y), diagnose(whole, X, Y)
    np.testing.assert_array_equal(found.gradient, expected.gradient)
    np.testing.assert_array_equal(found.weight_gradient, [0, expected.weight_gradient[1]])
    found = diagnose(Unheard(), X, Y)
    assert found.layers == ("unheard.1", "heard.1")
    assert (found.gradient > 0).tolist() == [False, True]
    assert (found.weight_gradient > 0).tolist() == [True, False]


def test_labels_are_checked_as_the_numpy_network_checks_them():
    model = seeded(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    for y, loss, error, text in (
        (Y, "mean_squared_error", ValueError, r"targets have shape \(40,\)"),
        (Y + 0.5, "cross_entropy", TypeError, "labels have dtype float64"),
        (Y + 1, "cross_entropy", ValueError, "labels reach from 1 to 2"),
        (2.0 * Y[:, None], "binary_cross_entropy", ValueError, r"from 0.0 to 2.0"),
        (Y[:, None], Loss("mean_squared_error", *[np.subtract] * 2), NotImplementedError, "mean_s"),
    ):
        with pytest.raises(error, match=text):
            diagnose(model, X, y, loss)
    for loss in list(LOSSES)[1:]:
        np.testing.assert_array_equal(
            diagnose(model, X, Y[:, None], LOSSES[loss]).gradient,
            diagnose(model, X, 1.0 * Y[:, None], loss).gradient,
        )


def test_dropout_drops_the_same_each_time_and_the_global_random_state_is_left_alone():
    model = seeded(nn.Linear(3, 50), nn.Dropout(0.5), nn.ReLU(), nn.Linear(50, 2))
    before = torch.random.get_rng_state()
    first = diagnose(model, X, Y)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(3)
    second = diagnose(model, X, Y)
    for name in MEASURES[:-1]:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    model[1].p = 0.0
    assert diagnose(model, X, Y).preactivation != first.preactivation


def test_random_slopes_are_measured_by_their_mean():
    random = seeded(nn.Linear(3, 8), nn.RReLU(0.2, 0.6), nn.Linear(8, 2))
    fixed = seeded(nn.Linear(3, 8), nn.LeakyReLU(0.4), nn.Linear(8, 2))
    found, expected = diagnose(random, X, Y, fraction=0.5), diagnose(fixed, X, Y, fraction=0.5)
    for name in MEASURES[:-1]:
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12)
    assert found.saturated > 0.1  # a slope of 0.4 lies below half of the steepest


STEEPEST = [  # the largest slope of a module with settings of its own
    (nn.LeakyReLU(0.2), 1), (nn.LeakyReLU(-3.0), 3), (nn.RReLU(0.001, 0.002), 1),
    (nn.Threshold(0.5, 2.0), 1), (nn.Hardshrink(0.3), 1), (nn.Softshrink(0.3), 1),
    (nn.Softplus(beta=2), 1), (nn.ELU(3.0), 3), (nn.ELU(0.5, inplace=True), 1), (nn.CELU(3.0), 1),
]  # fmt: skip


@pytest.mark.parametrize(("module", "steepest"), STEEPEST, ids=str)
def test_settings_of_its_own_change_where_an_activation_is_flat(module, steepest):
    model = seeded(nn.Linear(3, 20), module, nn.Linear(20, 2))
    z = model[0](torch.tensor(X)).detach().requires_grad_()
    deepcopy(module).eval()(z.clone()).sum().backward()
    slopes = z.grad.numpy()
    for share in (0.15, 0.4):
        found = diagnose(model, X, Y, fraction=share)
        assert found.saturated == (abs(slopes) < share * steepest).mean()
        assert found.dead == (slopes == 0).all(axis=0).mean()
    assert found.layers == ("1",)


def test_settings_that_cannot_be_measured_are_named():
    for module, text in (
        (nn.Hardtanh(-2, 2), r"min_val=-2, max_val=2\); expected PyTorch's default settings"),
        (nn.Softplus(threshold=5), r"threshold=5\); expected .*, but for beta"),
    ):
        with pytest.raises(ValueError, match=text):
            diagnose(seeded(nn.Linear(3, 4), nn.ReLU(), module, nn.Linear(4, 2)), X, Y)


def test_each_place_of_a_channel_is_a_unit_with_the_slope_of_its_channel():
    model = seeded(nn.Conv2d(1, 3, 2), nn.PReLU(3), nn.Flatten(), nn.Linear(3 * 4 * 3, 2))
    images = np.random.default_rng(3).normal(size=(40, 1, 5, 4))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([0.0, 0.5, 2.0]))
        signs = model[0](torch.tensor(images)).numpy() < 0
    found = diagnose(model, images, Y, fraction=0.3)  # of the steepest: 1, 1 and 2
    assert found.saturated == signs[:, 0].mean() / 3
    (dead,) = dead_units(model, images)
    np.testing.assert_array_equal(dead, np.append(signs[:, 0].all(axis=0).ravel(), [False] * 24))


def test_half_precision_and_data_that_may_not_be_written_are_measured():
    model = seeded(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    x = X.copy()
    x.flags.writeable = False
    found = diagnose(model, x, Y)
    np.testing.assert_array_equal(found.activation, diagnose(model, X, Y).activation)
    coarse = diagnose(model.bfloat16(), x, Y)
    np.testing.assert_allclose(coarse.activation, found.activation, rtol=0.02)
    assert pytorch.predict(model, x).dtype == np.float32


# ---------------------------------------------------------------------------------------------
# Dead units
# ---------------------------------------------------------------------------------------------


def test_dead_units_never_change_and_never_learn():
    network = mlp([3, 20, 20, 20, 2], seed=range(4), initialization="pytorch")
    dead = dead_units(network, X)
    assert [mask.shape for mask in dead] == [(4, 20)] * 3
    assert dead[2].any()
    _, gradients = network.loss_and_gradients(X, Y)
    for mask, name in zip(dead, ("0.bias", "2.bias", "4.bias"), strict=True):
        assert (gradients[name][:, 0][mask] == 0).all()
    alone = dead_units(pytorch.from_numpy(network.replica(2)), X)
    for mask, one in zip(dead, alone, strict=True):
        np.testing.assert_array_equal(mask[2], one)


def test_leaky_units_are_never_dead():
    network = mlp([3, *[10] * 20, 2], "leaky_relu", seed=range(8), initialization="pytorch")
    assert not any(mask.any() for mask in dead_units(network, X))


def test_fate_tells_the_born_dead_from_the_killed():
    before = [np.array([[1, 1, 0, 0], [0, 0, 0, 0]], bool), np.zeros((2, 3), bool)]
    after = [np.array([[1, 0, 1, 0], [1, 1, 0, 0]], bool), np.ones((2, 3), bool)]
    found = unit_transitions(before, after)
    np.testing.assert_array_equal(found.born_dead, [[0.5, 0], [0, 0]])
    np.testing.assert_array_equal(found.died, [[0.25, 1], [0.5, 1]])
    np.testing.assert_array_equal(found.revived, [[0.25, 0], [0, 0]])


def test_fate_takes_lists_too():
    found = unit_transitions([[True, False]], [[True, True]])
    assert (found.born_dead, found.died, found.revived) == (0.5, 0.5, 0)


@pytest.mark.parametrize("after", [[], [np.zeros(4, bool)], [np.zeros(3, bool)] * 2])
def test_fate_needs_the_same_network_twice(after):
    with pytest.raises(ValueError, match="both must come from the same network"):
        unit_transitions([np.zeros(3, bool)], after)


def test_training_with_a_large_rate_kills_units():
    from course_lib.training import fit

    x, y = data.moons(100)
    network = mlp([2, 32, 2], seed=range(4))
    before = dead_units(network, x)
    fit(network, x, y, optimizer=SGD(30.0), epochs=5)
    found = unit_transitions(before, dead_units(network, x))
    assert (found.born_dead == 0).all()
    assert (found.died > 0.5).all()


# ---------------------------------------------------------------------------------------------
# Are the gradients right?
# ---------------------------------------------------------------------------------------------

RIGHT = 1e-6  # errors below it are what rounding leaves
TARGETS = {
    "cross_entropy": RNG.integers(0, 2, 5),
    "binary_cross_entropy": RNG.integers(0, 2, (5, 2)),
    "mean_squared_error": RNG.normal(size=(5, 2)),
}


class Wrong(Dense):
    """A dense layer whose backward has a factor too much."""

    factor = 2.0
    of = "weight"

    def backward(self, grad_output, *, to_input=True):
        gradient = super().backward(grad_output, to_input=to_input)
        if self.of == "input":
            return gradient * self.factor
        self.gradients[self.of] = self.gradients[self.of] * self.factor
        return gradient


def with_layer(kind, place, **settings):
    """Return a network of three replicas in which one dense layer is of another class."""
    network = mlp([3, 4, 4, 2], "tanh", seed=range(3))
    layer = kind(*network.layers[place].parameters.values())
    vars(layer).update(settings)
    return Network([*network.layers[:place], layer, *network.layers[place + 1 :]])


@pytest.mark.parametrize("name", [row.name for row in CATALOGUE.values() if row.kind != "groups"])
def test_gradients_through_every_activation_are_right(name):
    network = mlp([3, 4, 2], name, seed=range(2))
    found = check_gradients(network, X[:5], Y[:5])
    assert list(found.errors) == list(network.parameters)
    assert found.largest.shape == (2,)
    assert (found.largest < RIGHT).all()
    assert found.step == pytest.approx(np.finfo(float).eps ** (1 / 3))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("settings", [{"normalization": "batch"}, {"normalization": "layer"}, {}])
def test_gradients_of_every_loss_and_layer_are_right(loss, training, settings):
    network = mlp([3, 4, 4, 2], "gelu", seed=[5, 6], residual=True, dropout=0.3, **settings)
    slopes = np.full((2, 1, 1), 0.25)
    network = Network([*network.layers[:-1], PReLU(slopes), network.layers[-1]])
    found = check_gradients(network, X[:5], TARGETS[loss], loss, training=training)
    assert list(found.errors) == list(network.parameters)
    assert (found.largest < RIGHT).all()


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("of", ["weight", "bias"])
@pytest.mark.parametrize(("factor", "error"), [(2, 0.5), (-1, 2), (0, 1), (1.001, 1e-3)])
def test_a_wrong_backward_is_caught_where_it_is(place, of, factor, error):
    # at least one gradient of each parameter is above the floor
    found = check_gradients(with_layer(Wrong, place, of=of, factor=factor), X[:5], Y[:5])
    for name, errors in found.errors.items():
        if name == f"{place}.{of}":
            np.testing.assert_allclose(errors, error, rtol=2e-3)
        else:
            assert (errors < RIGHT).all()


def test_a_wrong_gradient_of_the_input_shows_in_all_layers_before():
    found = check_gradients(with_layer(Wrong, 2, of="input"), X[:5], Y[:5])
    wrong = [name for name, errors in found.errors.items() if (errors > 0.4).all()]
    assert wrong == ["0.weight", "0.bias"]
    assert all((found.errors[name] < RIGHT).all() for name in found.errors if name not in wrong)


def test_each_replica_is_checked_for_itself():
    factors = np.array([1.0, 1.1, 2.0])
    network = with_layer(Wrong, 2, factor=factors[:, np.newaxis, np.newaxis])
    found = check_gradients(network, X[:5], Y[:5])
    np.testing.assert_allclose(found.largest, 1 - 1 / factors, rtol=1e-6, atol=RIGHT)
    for i, factor in enumerate(factors):
        layers = network.replica(i).layers
        layers[2] = Wrong(*layers[2].parameters.values())
        layers[2].factor = factor
        alone = check_gradients(Network(layers), X[:5], Y[:5])
        for name, error in alone.errors.items():
            assert error.shape == ()
            np.testing.assert_allclose(found.errors[name][i], error, rtol=1e-6, atol=RIGHT)


@pytest.mark.parametrize("step", [0.1, 0.01])
def test_what_the_differences_leave_out_is_that_of_the_step(step):
    # L = exp(2 w + 2 b), whose central difference is the gradient times sinh(2h) / 2h
    dense = Dense(np.array([[0.3]]), np.array([[-0.2]]))
    network = Network([dense, Activate("exponential")])
    found = check_gradients(network, [[1]], [[0]], "mean_squared_error", step=step)
    assert found.step == step
    expected = 1 - 2 * step / np.sinh(2 * step)
    for error in found.errors.values():
        assert error == pytest.approx(expected, rel=1e-6)


def test_a_large_parameter_is_moved_in_proportion():
    # a step of 1e-9 would be lost in the rounding of 1e9, and of the loss
    network = Network([Dense(np.array([[1e9]]), np.zeros((1, 1))), Activate("softsign")])
    found = check_gradients(network, [[1e-9]], [[0.25]], "mean_squared_error", step=1e-4)
    assert found.errors["0.weight"] < RIGHT


def test_a_step_across_a_kink_mixes_both_slopes():
    network = Network([Dense(np.ones((1, 1)), np.zeros((1, 1))), Activate("relu")])
    network.parameters["0.bias"][...] = -1 - 1e-3  # the unit is off, by less than a step
    arguments = network, [[1]], [[1]], "mean_squared_error"
    assert check_gradients(*arguments).largest < RIGHT
    assert check_gradients(*arguments, step=1e-2).largest > 0.9


def test_a_wrong_forward_with_its_own_backward_is_not_seen():
    class Doubled(Activate):
        def forward(self, x):
            return 2 * super().forward(x)

        def backward(self, grad_output, *, to_input=True):
            return 2 * super().backward(grad_output)

    network = mlp([3, 4, 2], "tanh")
    network.layers[1] = Doubled("tanh")
    assert check_gradients(network, X, Y).largest < RIGHT


@pytest.mark.parametrize("training", [False, True])
def test_a_perfect_fit_has_gradients_of_zero_that_are_right(training):
    network = mlp([3, 4, 2], "tanh")
    found = check_gradients(network, X, network(X), "mean_squared_error", training=training)
    assert found.largest < RIGHT


class Failing(Activate):
    """An activation that fails after some calls."""

    calls = 0

    def forward(self, x):
        Failing.calls += 1
        if Failing.calls > 5:
            raise ArithmeticError("that was one too many")
        return super().forward(x)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_the_network_stays_as_it_was_also_after_an_error(training, fails):
    network = mlp([3, 4, 2], normalization="batch", seed=[1, 2], dropout=0.5)
    if fails:
        network.layers[2] = Failing("relu")
    Failing.calls = 0
    norm, dropout = network.layers[1], network.layers[3]
    network.loss_and_gradients(X[:5], Y[:5], training=not training)
    gradients = network.gradients
    before = deepcopy((network.parameters, norm.running_mean, norm.running_variance, gradients))
    twin = deepcopy(dropout)
    if fails:
        with pytest.raises(ArithmeticError, match="one too many"):
            check_gradients(network, X[:5], Y[:5], training=training)
    else:
        check_gradients(network, X[:5], Y[:5], training=training)
    after = network.parameters, norm.running_mean, norm.running_variance, network.gradients
    np.testing.assert_equal(after, before)
    assert all(network.gradients[name] is gradients[name] for name in gradients)
    assert norm.training is dropout.training is not training
    ones = np.ones((2, 4, 4))
    dropout.training = twin.training = True
    np.testing.assert_array_equal(dropout.forward(ones), twin.forward(ones))


def test_a_gradient_that_is_not_finite_is_not_right():
    network = mlp([3, 4, 2], seed=[1, 2])
    network.parameters["0.weight"][1] = np.inf
    found = check_gradients(network, X[:5], Y[:5])
    assert found.largest[0] < RIGHT
    assert np.isnan(found.errors["0.weight"][1])


def test_the_table_of_errors_tells_the_worst_replica():
    errors = {"0.weight": np.array([1e-9, 0.5]), "0.bias": np.array([3e-8, 0.0])}
    found = GradientCheck(errors, 1e-5)
    assert str(found).splitlines() == [
        "parameter          error",
        "0.weight         5.0e-01",
        "0.bias           3.0e-08",
    ]
    np.testing.assert_array_equal(found.largest, [3e-8, 0.5])


def test_without_replicas_no_gradient_is_wrong():
    network = Network([Dense(np.zeros((0, 3, 2)), np.zeros((0, 1, 2)))])
    found = check_gradients(network, X[:5], Y[:5])
    assert found.largest.shape == (0,)
    assert "0.0e+00" in str(found)


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------

OURS = mlp([3, 4, 2])
THEIRS = pytorch.from_numpy(OURS)
EYE = np.eye(3)
TIED = Network([Dense(EYE, np.zeros((1, 3))), Activate("relu"), Dense(EYE, np.ones((1, 3)))])
NORMED = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), nn.ReLU())


class Forgets(dict):
    """Gradients of which one is never filled."""

    def __setitem__(self, name, value):
        if name != "bias":
            super().__setitem__(name, value)


class Scale:
    """A layer that multiplies by numbers that all replicas share."""

    def __init__(self, weight):
        self.parameters, self.gradients = {"weight": weight}, {"weight": np.ones_like(weight)}

    def forward(self, x):
        return x * self.parameters["weight"]

    def backward(self, grad_output, *, to_input=True):
        return grad_output * self.parameters["weight"]


def with_scale(weight):
    layers = mlp([3, 4, 2], seed=range(3)).layers
    return Network([layers[0], Scale(weight), *layers[1:]])


BAD = {
    "an optimizer's class": (
        lambda: diagnose(OURS, X, Y, optimizer=SGD), TypeError, "SGD", "an instance"
    ),
    "an optimizer's class, PyTorch": (
        lambda: diagnose(THEIRS, X, Y, optimizer=torch.optim.SGD), TypeError, "SGD", "an instance"
    ),
    "PyTorch's optimizer": (
        lambda: diagnose(OURS, X, Y, optimizer=torch.optim.SGD(THEIRS.parameters(), 0.1)),
        TypeError, "is a SGD of PyTorch", "one of course_lib.training",
    ),
    "our optimizer": (
        lambda: diagnose(THEIRS, X, Y, optimizer=Adam()), TypeError, "is a Adam", "torch.optim"
    ),
    "an optimizer that needs a closure": (
        lambda: diagnose(THEIRS, X, Y, optimizer=torch.optim.LBFGS(THEIRS.parameters())),
        TypeError, "is a LBFGS", "from the gradients at hand",
    ),
    "an optimizer of another module": (
        lambda: diagnose(THEIRS, X, Y, optimizer=torch.optim.SGD(nn.Linear(3, 2).parameters())),
        ValueError, "of another module", "model.parameters()",
    ),
    "weights that are tied": (
        lambda: diagnose(TIED, X, Y, optimizer=SGD(0.1)), ValueError, "one array", "its own"
    ),
    "no labels": (lambda: diagnose(OURS, X, None), TypeError, "y is None", "labels or targets"),
    "no labels, PyTorch": (
        lambda: diagnose(THEIRS, X, None), TypeError, "y is None", "labels or targets"
    ),
    "no examples": (lambda: diagnose(OURS, X[:0], Y[:0]), ValueError, "(0, 3)", "at least one ex"),
    "no examples to live for": (
        lambda: dead_units(OURS, X[:0]), ValueError, "(0, 3)", "at least one example"
    ),
    "no examples, PyTorch": (
        lambda: dead_units(THEIRS, torch.zeros(0, 3)), ValueError, "(0, 3)", "at least one example"
    ),
    "no plain weights": (
        lambda: diagnose(NORMED, X, Y), ValueError, "no weight matrix found in Seq", "weight_norm"
    ),
    "no parameters": (
        lambda: dead_units(nn.Sequential(nn.ReLU()), X), ValueError, "no parameters", "dtype"
    ),
    "one row": (lambda: root_mean_square([1.0, 2.0]), ValueError, "(2,)", "(..., rows, columns)"),
    "no rows": (lambda: root_mean_square(X[:0]), ValueError, "(0, 3)", "(..., rows, columns)"),
    "single precision": (
        lambda: check_gradients(mlp([3, 4, 2], dtype=np.float32), X, Y),
        TypeError, "in float32, whose rounding hides", "build it with dtype=np.float64",
    ),
    "gradients of PyTorch": (
        lambda: check_gradients(THEIRS, X, Y), TypeError, "Sequential", "autograd.gradcheck"
    ),
    "gradients of what is tied": (
        lambda: check_gradients(TIED, X, Y), ValueError, "one array", "give each its own"
    ),
    "no step": (
        lambda: check_gradients(OURS, X, Y, step=0), ValueError, "step is 0", "number above 0"
    ),
    "an endless step": (
        lambda: check_gradients(OURS, X, Y, step=np.inf), ValueError, "step is inf", "finite number"
    ),
    "a step as text": (
        lambda: check_gradients(OURS, X, Y, step="1"), ValueError, "step is '1'", "finite number"
    ),
    "a step that is lost": (
        lambda: check_gradients(OURS, X, Y, step=1e-17),
        ValueError, "step is 1e-17", "numbers from 2.2e-16 on, such as 1e-5",
    ),
    "no gradient": (
        lambda: check_gradients(with_layer(Dense, 2, gradients=Forgets()), X, Y),
        ValueError, "no gradient of 2.bias", "must fill gradients",
    ),
    "a gradient of another shape": (
        lambda: check_gradients(with_layer(Wrong, 2, factor=np.ones((2, 3, 1, 1))), X, Y),
        ValueError, "its gradient (2, 3, 4, 4)", "must be the same",
    ),
    "a parameter without replicas": (
        lambda: check_gradients(with_scale(np.ones(4)), X, Y),
        ValueError, "1.weight has shape (4,)", "must be the network's replicas, (3,)",
    ),
    "shares of the dead": (
        lambda: unit_transitions([np.zeros(3)], [np.zeros(3)]), TypeError, "float64", "expected bool"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])
