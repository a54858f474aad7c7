"""What happens inside: the same numbers from NumPy and PyTorch, and from the definitions."""

import math
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from network_helpers import GATES
from together import together
from torch import nn

from course_lib import data, pytorch
from course_lib.activations import CATALOGUE
from course_lib.diagnostics import (
    Diagnosis,
    dead_units,
    diagnose,
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
# Diagnosis
# ---------------------------------------------------------------------------------------------


def by_hand(network, x, y):
    """Return the measures of a plain network from PyTorch's autograd and their definitions."""
    z, found = torch.tensor(x), {name: [] for name in MEASURES[:-2]}
    weights = [
        torch.tensor(value, requires_grad=True)
        for name, value in network.parameters.items()
        if name.endswith("weight")
    ]
    inner = []
    for i, weight in enumerate(weights):
        z = z @ weight + torch.tensor(network.parameters[f"{2 * i}.bias"])
        if i < len(weights) - 1:
            inner.append(z)
            z.retain_grad()
            z = pytorch.activation_module(network.layers[1].activation)(z)
            inner[-1].outputs = z
    nn.functional.cross_entropy(z, torch.tensor(y)).backward()
    for z in inner:
        leaf = z.detach().requires_grad_()
        pytorch.activation_module(network.layers[1].activation)(leaf).sum().backward()
        derivatives = leaf.grad.abs()
        found["preactivation"].append(z.detach().square().mean().sqrt())
        found["activation"].append(z.outputs.detach().square().mean().sqrt())
        found["gradient"].append((len(x) * z.grad).square().mean().sqrt())
        largest = {"relu": 1, "tanh": 1, "sigmoid": 0.25, "gelu": 1.1289}.get(
            network.layers[1].activation.name
        )
        found["saturated"].append((derivatives < 0.01 * largest).double().mean())
        found["dead"].append((derivatives == 0).all(dim=0).double().mean())
        fractions = torch.linalg.svdvals(z.outputs.detach())
        fractions /= fractions.sum()
        found["rank"].append(torch.exp(-torch.special.xlogy(fractions, fractions).sum()))
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


@together("replicas", [(), (2,), (2, 3)])
@together("normalization", [None, "batch", "layer"])
@together("first", [[], [Activate("tanh")]])
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
        "PReLU": Network([mlp([3, 4, 1]).layers[0], PReLU(np.full((1, 4), 0.3)), head]),
        "blocks": Network([first, normalization, Residual(block), Activate("tanh"), other_head]),
        "activation first": Network([Activate("tanh"), *mlp([3, 4, 2], seed=1).layers]),
        "activation first in a block": preactivated(),
    }


def preactivated():
    """Return a network with a block whose skip starts before its activation."""
    first, _, inner, _, last = mlp([3, 4, 4, 2], seed=1, initialization="pytorch").layers
    return Network([first, Residual([Activate("relu"), inner]), last])


@together("optimizer", OPTIMIZERS)
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
    np.testing.assert_array_equal(found.update_to_weight, [0, 0])  # the activations are 0 as well
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


def test_a_fraction_from_numpy_is_a_number_as_any_other():
    network = mlp([3, 8, 2], "leaky_relu", dtype=np.float32)
    x = X.astype(np.float32)
    for fraction in (0.01, np.float64(0.01), np.float32(0.01)):
        assert diagnose(network, x, Y, fraction=fraction).saturated == 0  # 0.01 is not below 0.01
        assert not is_saturated("leaky_relu", x, fraction=fraction).any()
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
    for loss in set(LOSSES) - {"cross_entropy", "gaussian_nll"}:
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


def test_random_derivatives_are_measured_by_their_mean():
    random = seeded(nn.Linear(3, 8), nn.RReLU(0.2, 0.6), nn.Linear(8, 2))
    fixed = seeded(nn.Linear(3, 8), nn.LeakyReLU(0.4), nn.Linear(8, 2))
    found, expected = diagnose(random, X, Y, fraction=0.5), diagnose(fixed, X, Y, fraction=0.5)
    for name in MEASURES[:-1]:
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12)
    assert found.saturated > 0.1  # a derivative of 0.4 lies below half of the largest


LARGEST = [  # the largest derivative of a module with settings of its own
    (nn.LeakyReLU(0.2), 1), (nn.LeakyReLU(-3.0), 3), (nn.RReLU(0.001, 0.002), 1),
    (nn.Threshold(0.5, 2.0), 1), (nn.Hardshrink(0.3), 1), (nn.Softshrink(0.3), 1),
    (nn.Softplus(beta=2), 1), (nn.ELU(3.0), 3), (nn.ELU(0.5, inplace=True), 1), (nn.CELU(3.0), 1),
]  # fmt: skip


@pytest.mark.parametrize(("module", "largest"), LARGEST, ids=str)
def test_settings_of_its_own_change_where_an_activation_is_saturated(module, largest):
    model = seeded(nn.Linear(3, 20), module, nn.Linear(20, 2))
    z = model[0](torch.tensor(X)).detach().requires_grad_()
    deepcopy(module).eval()(z.clone()).sum().backward()
    derivatives = z.grad.numpy()
    for fraction in (0.15, 0.4):
        found = diagnose(model, X, Y, fraction=fraction)
        assert found.saturated == (abs(derivatives) < fraction * largest).mean()
        assert found.dead == (derivatives == 0).all(axis=0).mean()
    assert found.layers == ("1",)


def test_settings_that_cannot_be_measured_are_named():
    for module, text in (
        (nn.Hardshrink(-1), r"Hardshrink\(-1\) has no counterpart in NumPy: threshold is -1"),
        (nn.CELU(-2.0), r"CELU\(alpha=-2.0\) has no counterpart in NumPy: alpha is -2.0"),
    ):
        with pytest.raises(ValueError, match=text):
            diagnose(seeded(nn.Linear(3, 4), nn.ReLU(), module, nn.Linear(4, 2)), X, Y)


def test_each_place_of_a_channel_is_a_unit_with_the_derivative_of_its_channel():
    model = seeded(nn.Conv2d(1, 3, 2), nn.PReLU(3), nn.Flatten(), nn.Linear(3 * 4 * 3, 2))
    images = np.random.default_rng(3).normal(size=(40, 1, 5, 4))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([0.0, 0.5, 2.0]))
        signs = model[0](torch.tensor(images)).numpy() < 0
    found = diagnose(model, images, Y, fraction=0.3)  # of the largest: 1, 1 and 2
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


def test_transitions_tell_the_born_dead_from_the_killed():
    before = [np.array([[1, 1, 0, 0], [0, 0, 0, 0]], bool), np.zeros((2, 3), bool)]
    after = [np.array([[1, 0, 1, 0], [1, 1, 0, 0]], bool), np.ones((2, 3), bool)]
    found = unit_transitions(before, after)
    np.testing.assert_array_equal(found.born_dead, [[0.5, 0], [0, 0]])
    np.testing.assert_array_equal(found.died, [[0.25, 1], [0.5, 1]])
    np.testing.assert_array_equal(found.revived, [[0.25, 0], [0, 0]])


def test_transitions_take_lists_too():
    found = unit_transitions([[True, False]], [[True, True]])
    assert (found.born_dead, found.died, found.revived) == (0.5, 0.5, 0)


@pytest.mark.parametrize("after", [[], [np.zeros(4, bool)], [np.zeros(3, bool)] * 2])
def test_transitions_need_the_same_network_twice(after):
    with pytest.raises(ValueError, match="both must come from the same network"):
        unit_transitions([np.zeros(3, bool)], after)


def test_training_with_a_large_learning_rate_kills_units():
    from course_lib.training import fit

    x, y = data.moons(100)
    network = mlp([2, 32, 2], seed=range(4))
    before = dead_units(network, x)
    fit(network, x, y, optimizer=SGD(30.0), epochs=5)
    found = unit_transitions(before, dead_units(network, x))
    assert (found.born_dead == 0).all()
    assert (found.died > 0.5).all()


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------

OURS = mlp([3, 4, 2])
THEIRS = pytorch.from_numpy(OURS)
EYE = np.eye(3)
TIED = Network([Dense(EYE, np.zeros((1, 3))), Activate("relu"), Dense(EYE, np.ones((1, 3)))])
NORMED = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), nn.ReLU())


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
    "ragged examples": (
        lambda: diagnose(OURS, [[1, 2, 3], [1]], Y[:2]), ValueError, "x is ragged", "an array"
    ),
    "ragged examples of which some are dead": (
        lambda: dead_units(OURS, [[1, 2, 3], [1]]), ValueError, "x is ragged", "an array"
    ),
    "ragged examples, PyTorch": (
        lambda: dead_units(THEIRS, [[1, 2, 3], [1]]), ValueError, "x is ragged", "an array"
    ),
    "ragged dead units": (
        lambda: unit_transitions([[[True], [True, False]]], [[True]]),
        ValueError, "dead units is ragged", "an array",
    ),
    "fractions of dead units": (
        lambda: unit_transitions([np.zeros(3)], [np.zeros(3)]),
        TypeError, "float64", "expected bool",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])


# ---------------------------------------------------------------------------------------------
# Gates: their units are their outputs
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*GATES, "maxout(pieces=3)"])
def test_the_derivative_of_a_gated_unit_is_the_largest_of_its_inputs(name):
    network = mlp([3, 5, 2], name, seed=range(2), gain=20, bias=False)
    found = diagnose(network, X, Y, rank=False)
    z, layer = network.layers[0].forward(X), network.layers[1]
    outputs = layer.forward(z)
    by_unit = np.zeros(outputs.shape)
    for unit in range(5):  # one unit's gradient by all inputs, each of which serves one unit
        own = np.zeros_like(outputs)
        own[..., unit] = 1
        by_unit[..., unit] = np.abs(layer.activation.vjp(z, own)).max(axis=-1)
    np.testing.assert_array_equal(found.saturated[:, 0], (by_unit < 0.01).mean(axis=(-2, -1)))
    dead = (by_unit == 0).all(axis=-2)
    np.testing.assert_array_equal(found.dead[:, 0], dead.mean(axis=-1))
    np.testing.assert_array_equal(dead_units(network, X)[0], dead)
    np.testing.assert_allclose(found.activation[:, 0], root_mean_square(outputs))
    np.testing.assert_allclose(found.preactivation[:, 0], root_mean_square(z))


def test_a_gate_that_is_closed_on_all_examples_is_dead():
    network = mlp([3, 4, 2], "reglu")
    network.parameters["0.bias"][0, 4:6] = -1e3  # the gates of the first two units
    assert dead_units(network, X)[0].tolist() == [True, True, False, False]
    assert diagnose(network, X, Y).dead[0] == 0.5
    before = dead_units(network, X)
    assert unit_transitions(before, before).born_dead[0] == 0.5


def test_a_glu_is_measured_alike_in_both_libraries():
    first, last = nn.Linear(3, 8), nn.Linear(4, 2)
    model = nn.Sequential(first, nn.GLU(), last).double()
    arrays = [p.detach().numpy() for p in (first.weight, first.bias, last.weight, last.bias)]
    network = Network(
        [
            Dense(arrays[0].T, arrays[1][None]),
            Activate("glu"),
            Dense(arrays[2].T, arrays[3][None]),
        ]
    )
    ours, theirs = (diagnose(each, X, Y, optimizer=None) for each in (network, model))
    for measure in MEASURES[:-1]:
        np.testing.assert_allclose(
            getattr(ours, measure), getattr(theirs, measure), rtol=1e-10, err_msg=measure
        )


def test_a_glu_over_channels_is_passed_over():
    layers = [nn.Conv1d(1, 4, 1), nn.GLU(dim=1), nn.ReLU(), nn.Flatten(), nn.Linear(6, 2)]
    model = nn.Sequential(nn.Unflatten(1, (1, 3)), *layers).double()
    assert diagnose(model, X, Y).layers == ("3",)


@pytest.mark.parametrize("options", [{}, {"normalization": "batch", "residual": True}])
def test_a_network_of_gates_and_others_without_biases_is_measured(options):
    network = mlp([3, 6, 6, 2], ["swiglu", "tanh"], seed=range(2), bias=False, **options)
    found = diagnose(network, X, Y, optimizer=Adam(0.1))
    assert len(found.layers) == 2
    assert len(found.weights) == 3
    for measure in MEASURES:
        assert np.isfinite(getattr(found, measure)).all()
    str(found)
