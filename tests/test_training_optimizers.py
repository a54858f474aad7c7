"""Optimizers: their steps are those of PyTorch, for each replica too."""

import numpy as np
import pytest
import torch
from together import together

from course_lib import data
from course_lib.network import Activate, BatchNorm, Network, PReLU, Residual, mlp
from course_lib.training import SGD, Adam, AdamW, Momentum, RMSprop, accuracy, cosine, fit

OPTIMIZERS = {
    "SGD": (lambda rate: SGD(rate), lambda p: torch.optim.SGD(p, lr=0.1)),
    "Momentum": (
        lambda rate: Momentum(rate, momentum=0.8),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8),
    ),
    "Nesterov": (
        lambda rate: Momentum(rate, momentum=0.8, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True),
    ),
    "RMSprop": (lambda rate: RMSprop(rate), lambda p: torch.optim.RMSprop(p, lr=0.1)),
    "RMSprop, centered, with momentum": (
        lambda rate: RMSprop(rate, alpha=0.9, eps=1e-3, momentum=0.5, centered=True),
        lambda p: torch.optim.RMSprop(p, 0.1, 0.9, 1e-3, momentum=0.5, centered=True),
    ),
    "Adam": (lambda rate: Adam(rate), lambda p: torch.optim.Adam(p, lr=0.1)),
    "Adam with other settings": (
        lambda rate: Adam(rate, beta1=0.5, beta2=0.9, eps=1e-3),
        lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.5, 0.9), eps=1e-3),
    ),
    "AdamW": (lambda rate: AdamW(rate), lambda p: torch.optim.AdamW(p, lr=0.1)),
    "SGD that decays": (
        lambda rate, decay=0.3: SGD(rate, weight_decay=decay),
        lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.3),
    ),
    "Momentum that decays": (
        lambda rate, decay=0.3: Momentum(rate, weight_decay=decay),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.3),
    ),
    "Nesterov that decays": (
        lambda rate, decay=0.3: Momentum(rate, weight_decay=decay, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.3, nesterov=True),
    ),
    "RMSprop that decays": (
        lambda rate, decay=0.3: RMSprop(rate, weight_decay=decay),
        lambda p: torch.optim.RMSprop(p, lr=0.1, weight_decay=0.3),
    ),
    "Adam that decays": (
        lambda rate, decay=0.3: Adam(rate, weight_decay=decay),
        lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.3),
    ),
    "AdamW that decays": (
        lambda rate, decay=0.3: AdamW(rate, beta1=0.5, eps=1e-3, weight_decay=decay),
        lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.5, 0.999), eps=1e-3, weight_decay=0.3),
    ),
}
DECAYING = [name for name in OPTIMIZERS if name.endswith("decays")]


def many_kinds(seed):
    """Return a network with every kind of parameter, also of shapes that do not tell the kind."""
    first, last = mlp([1, 3], seed=seed).layers[0], mlp([3, 2], seed=seed).layers[0]
    block = mlp([3, 3], seed=seed).layers[0]
    ones, zeros = np.ones((1, 3)), np.zeros((1, 3))
    return Network(
        [first, BatchNorm(ones, zeros), Residual([Activate("relu"), block]), PReLU(ones / 4), last]
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_steps_equal_those_of_torch(name):
    rng = np.random.default_rng(0)
    ours = {"a": rng.normal(size=(2, 3)), "b": rng.normal(size=(1, 3))}
    theirs = {key: torch.tensor(value, requires_grad=True) for key, value in ours.items()}
    make, make_torch = OPTIMIZERS[name]
    optimizer, reference = make(0.1), make_torch(list(theirs.values()))
    for _ in range(50):
        gradients = {key: rng.normal(size=value.shape) for key, value in ours.items()}
        before = {key: value.copy() for key, value in gradients.items()}
        optimizer.step(ours, gradients)
        for key, leaf in theirs.items():
            np.testing.assert_array_equal(gradients[key], before[key])
            leaf.grad = torch.tensor(gradients[key])
        reference.step()
        for key, leaf in theirs.items():
            np.testing.assert_allclose(ours[key], leaf.detach(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_learning_rate_for_each_replica_equals_separate_trainings(name, dtype):
    rates = np.array([0.01, 0.1, 0.5])
    make, _ = OPTIMIZERS[name]
    x, y = data.moons(20)
    x = x.astype(dtype)
    together = mlp([2, 5, 2], "tanh", seed=[7, 7, 7], dtype=dtype)
    history = fit(together, x, y, optimizer=make(rates), epochs=5, batch_size=8)
    for i, rate in enumerate(rates):
        alone = mlp([2, 5, 2], "tanh", seed=7, dtype=dtype)
        own = fit(alone, x, y, optimizer=make(rate), epochs=5, batch_size=8)
        near = {"rtol": 1e4 * np.finfo(dtype).eps, "atol": 1e2 * np.finfo(dtype).eps}
        np.testing.assert_allclose(history.train_loss[i], own.train_loss, **near)
        for key, value in alone.parameters.items():
            assert together.parameters[key].dtype == dtype
            np.testing.assert_allclose(together.parameters[key][i], value, **near)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", DECAYING)
def test_a_weight_decay_for_each_replica_equals_separate_trainings(name, dtype):
    rates, decays = [0.05, 0.1, 0.2], np.array([0, 0.01, 0.5])
    make, _ = OPTIMIZERS[name]
    x, y = data.moons(20)
    x = x.astype(dtype)
    together = mlp([2, 5, 2], "tanh", seed=[7, 7, 7], dtype=dtype)
    fit(together, x, y, optimizer=make(rates, decays), epochs=5, batch_size=8)
    for i, rate in enumerate(rates):
        alone = mlp([2, 5, 2], "tanh", seed=7, dtype=dtype)
        fit(alone, x, y, optimizer=make(rate, float(decays[i])), epochs=5, batch_size=8)
        near = {"rtol": 1e4 * np.finfo(dtype).eps, "atol": 1e2 * np.finfo(dtype).eps}
        for key, value in alone.parameters.items():
            assert together.parameters[key].dtype == dtype
            np.testing.assert_allclose(together.parameters[key][i], value, **near)


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name not in DECAYING])
def test_the_loss_falls_on_moons(name):
    x, y = data.moons(50)
    network = mlp([2, 16, 2], "tanh", seed=range(4))
    history = fit(network, x, y, optimizer=OPTIMIZERS[name][0](0.05), epochs=60, batch_size=16)
    assert (history.train_loss[:, -1] < 0.6 * history.train_loss[:, 0]).all()
    assert (accuracy(network(x), y) > 0.85).all()


def test_rmsprop_is_adam_without_its_first_mean_and_its_correction():
    rng = np.random.default_rng(0)
    one = {"w": rng.normal(size=(3, 2))}
    other = {"w": one["w"].copy()}

    def uncorrected(step):
        return 1 / np.sqrt(1 - 0.9 ** (step + 1))

    rmsprop = RMSprop(0.1, alpha=0.9, eps=1e-300)
    adam = Adam(0.1, beta1=0, beta2=0.9, eps=1e-300, schedule=uncorrected)
    for _ in range(30):
        gradient = {"w": rng.normal(size=(3, 2))}
        rmsprop.step(one, gradient)
        adam.step(other, gradient)
        np.testing.assert_allclose(one["w"], other["w"], rtol=1e-12)


def test_a_constant_gradient_has_no_variance_and_no_nan():
    """PyTorch's is NaN where rounding makes the mean square less than the square of the mean."""
    values = torch.linspace(0.1, 10, 500)
    leaf = torch.zeros(500, requires_grad=True)
    parameters, optimizer = {"w": np.zeros((1, 500), np.float32)}, RMSprop(1e-9, centered=True)
    reference = torch.optim.RMSprop([leaf], lr=1e-9, centered=True)
    for _ in range(2000):
        leaf.grad = values.clone()
        reference.step()
        optimizer.step(parameters, {"w": values.numpy()[np.newaxis]})
    assert leaf.isnan().any()
    optimizer.memory["square"]["w"] *= 0.99  # our order of rounding does not get there by itself
    optimizer.step(parameters, {"w": values.numpy()[np.newaxis]})
    assert np.isfinite(parameters["w"]).all()
    assert (parameters["w"] < 0).all()


def test_weights_alone_decay_as_in_the_parameter_groups_of_torch():
    makes = {
        "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
        "Momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.1),
        "Adam": lambda p: torch.optim.Adam(p, lr=0.1),
        "AdamW": lambda p: torch.optim.AdamW(p, lr=0.1),
    }
    for kind in (SGD, Momentum, RMSprop, Adam, AdamW):
        ours, rng = many_kinds(0), np.random.default_rng(1)
        assert ours.parameters.weights == {"0.weight", "2.1.weight", "4.weight"}
        theirs = {k: torch.tensor(v, requires_grad=True) for k, v in ours.parameters.items()}
        weights = [theirs.pop(name) for name in sorted(ours.parameters.weights)]
        groups = [
            {"params": weights, "weight_decay": 0.3},
            {"params": list(theirs.values()), "weight_decay": 0.0},
        ]
        theirs |= dict(zip(sorted(ours.parameters.weights), weights, strict=True))
        optimizer = kind(0.1, weight_decay=0.3, decay="weights")
        reference = makes[kind.__name__](groups)
        for _ in range(5):
            gradients = {k: rng.normal(size=v.shape) for k, v in ours.parameters.items()}
            for name, leaf in theirs.items():
                leaf.grad = torch.tensor(gradients[name])
            optimizer.step(ours.parameters, gradients)
            reference.step()
        for name, value in ours.parameters.items():
            np.testing.assert_allclose(value, theirs[name].detach(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("decay", [0.3, np.array([0.0, 0.3])], ids=["one", "two"])
def test_weights_alone_decay_in_replicas_too(decay):
    together = mlp([3, 4, 2], seed=[5, 6])
    biases = {k: v.copy() for k, v in together.parameters.items() if k.endswith("bias")}
    weights = {k: v.copy() for k, v in together.parameters.items() if k.endswith("weight")}
    zeros = {k: np.zeros_like(v) for k, v in together.parameters.items()}
    SGD(0.1, weight_decay=decay, decay="weights").step(together.parameters, zeros)
    for name, value in biases.items():
        np.testing.assert_array_equal(together.parameters[name], value)
    shrunk = 1 - 0.1 * np.broadcast_to(decay, 2)[:, np.newaxis, np.newaxis]
    for name, value in weights.items():
        np.testing.assert_allclose(together.parameters[name], shrunk * value, rtol=1e-14)


def test_a_dict_does_not_know_which_parameters_are_weights(refuses):
    network = mlp([1, 3, 2])
    plain = dict(network.parameters)
    before = {name: value.copy() for name, value in plain.items()}
    optimizer = SGD(0.1, weight_decay=0.1, decay="weights")
    gradients = {name: np.ones_like(value) for name, value in plain.items()}
    refuses(
        lambda: optimizer.step(plain, gradients),
        TypeError, "decay is 'weights'", "are a dict", "network.parameters",
    )  # fmt: skip
    for name, value in plain.items():
        np.testing.assert_array_equal(value, before[name])
    assert optimizer.steps == 0


def test_epsilon_stands_outside_the_root_and_after_the_correction():
    """With the form of Keras and scikit-learn, which add it before, the first step would differ."""
    gradient, eps = 1e-6, 1e-7
    for dtype in (np.float32, np.float64):
        ours, theirs = {"w": np.zeros((1, 1), dtype)}, torch.zeros(1, 1, requires_grad=True)
        Adam(1.0, eps=eps).step(ours, {"w": np.full((1, 1), gradient, dtype)})
        theirs.grad = torch.full((1, 1), gradient)
        torch.optim.Adam([theirs], lr=1.0, eps=eps).step()
        expected = -gradient / (gradient + eps)
        keras = -gradient * np.sqrt(0.001) / (np.sqrt(0.001) * gradient + eps)
        np.testing.assert_allclose(ours["w"], expected, rtol=1e-6)
        np.testing.assert_allclose(theirs.item(), expected, rtol=1e-6)
        assert abs(keras - expected) > 0.5


def test_settings_from_numpy_leave_float32_what_it_is():
    one, other = (mlp([2, 3, 2], seed=0, dtype=np.float32) for _ in range(2))
    x, y = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32), np.arange(9) % 2
    fit(one, x, y, optimizer=Adam(0.1, beta1=0.7, beta2=0.9, eps=1e-3), epochs=5)
    numbers = {"beta1": np.float64(0.7), "beta2": np.float64(0.9), "eps": np.float64(1e-3)}
    fit(other, x, y, optimizer=Adam(np.float64(0.1), **numbers), epochs=5)
    for name, value in one.parameters.items():
        np.testing.assert_array_equal(value, other.parameters[name])


def test_the_state_of_adam_holds_what_its_paper_remembers():
    parameters, adam = {"w": np.ones((1, 1))}, Adam(0.1)
    for gradient in (2.0, -1.0):
        adam.step(parameters, {"w": np.full((1, 1), gradient)})
    state = adam.state_dict()
    assert list(state) == [
        "class", "learning_rate", "beta1", "beta2", "eps", "weight_decay", "decay", "steps",
        "mean.w", "square.w", "version",
    ]  # fmt: skip
    assert state["steps"] == adam.steps == 2
    np.testing.assert_allclose(state["mean.w"], 0.9 * 0.1 * 2 - 0.1, rtol=1e-12)
    np.testing.assert_allclose(state["square.w"], 0.999 * 0.001 * 4 + 0.001, rtol=1e-12)


RAGGED = [[1.0], [1.0, 2.0]]
BAD = {
    "rate 0": (lambda: SGD(0), ValueError, "learning_rate is 0", "finite numbers above 0"),
    "no rates": (lambda: SGD([]), ValueError, "learning_rate is []", "finite numbers above 0"),
    "rate NaN": (lambda: Adam(float("nan")), ValueError, "nan", "finite numbers above 0"),
    "rate below 0": (lambda: Momentum([0.1, -1]), ValueError, "[0.1, -1]", "finite numbers above"),
    "rate as text": (lambda: SGD("fast"), ValueError, "'fast'", "finite numbers above 0"),
    "momentum 1": (
        lambda: Momentum(0.1, momentum=1), ValueError, "momentum is 1", "from 0 to below 1"
    ),
    "beta1 1": (lambda: Adam(beta1=1.0), ValueError, "beta1 is 1.0", "from 0 to below 1"),
    "beta1 as text": (lambda: AdamW(beta1="0.9"), ValueError, "beta1 is '0.9'", "to below 1"),
    "eps below 0": (lambda: Adam(eps=-1), ValueError, "eps is -1", "above 0"),
    "eps NaN": (lambda: AdamW(eps=np.nan), ValueError, "eps is nan", "above 0"),
    "beta2 below 0": (lambda: Adam(beta2=-0.1), ValueError, "beta2 is -0.1", "from 0 to"),
    "decay below 0": (
        lambda: SGD(0.1, weight_decay=-1), ValueError, "weight_decay is -1", "numbers from 0 on"
    ),
    "decay NaN": (
        lambda: Momentum(0.1, weight_decay=np.nan), ValueError, "weight_decay is nan", "from 0 on"
    ),
    "no decays": (lambda: Adam(weight_decay=[]), ValueError, "weight_decay is []", "from 0 on"),
    "decay as text": (lambda: AdamW(weight_decay="0"), ValueError, "is '0'", "from 0 on"),
    "decay None": (lambda: AdamW(weight_decay=None), ValueError, "is None", "from 0 on"),
    "eps 0": (lambda: Adam(eps=0), ValueError, "eps is 0", "above 0"),
    "alpha 1": (lambda: RMSprop(alpha=1), ValueError, "alpha is 1", "from 0 to below 1"),
    "eps of RMSprop": (lambda: RMSprop(eps=0), ValueError, "eps is 0", "above 0"),
    "momentum of RMSprop": (
        lambda: RMSprop(momentum=-0.1), ValueError, "momentum is -0.1", "from 0 to below 1"
    ),
    "centered as text": (lambda: RMSprop(centered="yes"), TypeError, "centered is 'yes'", "True"),
    "nesterov as a number": (lambda: Momentum(0.1, nesterov=1), TypeError, "nesterov is 1"),
    "nesterov without momentum": (
        lambda: Momentum(0.1, momentum=0, nesterov=True), ValueError, "momentum is 0", "above 0"
    ),
    "decay of something else": (
        lambda: SGD(0.1, decay="weight"), KeyError, "decay 'weight'", "did you mean 'weights'"
    ),
    "decay as a number": (lambda: AdamW(decay=0.1), KeyError, "unknown decay 0.1", "all, weights"),
    "schedule as text": (
        lambda: SGD(0.1, schedule="cosine"), TypeError, "schedule is 'cosine'", "cosine(1000)"
    ),
    "a number as a schedule": (lambda: Adam(schedule=0.9), TypeError, "schedule is a float"),
    "a class as a schedule": (lambda: Adam(schedule=cosine), TypeError, "cosine(1000)"),
    "ragged rates": (lambda: SGD([[0.1], [0.1, 0.2]]), ValueError, "learning_rate is ragged"),
    "ragged momentum": (
        lambda: Momentum(0.1, momentum=RAGGED), ValueError, "momentum is [[1.0], [1.0, 2.0]]"
    ),
    "ragged beta1": (lambda: Adam(beta1=RAGGED), ValueError, "beta1 is [[1.0], [1.0, 2.0]]"),
    "ragged eps": (lambda: Adam(eps=RAGGED), ValueError, "eps is [[1.0], [1.0, 2.0]]"),
}  # fmt: skip


@together("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])
