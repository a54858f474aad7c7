"""The optimizers of NumPy as those of PyTorch: equal steps, and what cannot be carried across."""

import numpy as np
import pytest
import torch

from course_lib import network, pytorch, training
from course_lib.pytorch import Ensemble, torch_optimizer
from course_lib.training import SGD, Adam, AdamW, Momentum, RMSprop

pytestmark = pytest.mark.usefixtures("one_thread")

MADE = {
    "SGD": lambda: SGD(0.2, weight_decay=0.1),
    "momentum": lambda: Momentum(0.1, momentum=0.7, weight_decay=0.05),
    "Nesterov": lambda: Momentum(0.1, nesterov=True),
    "RMSprop": lambda: RMSprop(0.01, alpha=0.9, eps=1e-3, momentum=0.5, weight_decay=0.1),
    "centered": lambda: RMSprop(0.01, eps=1e-2, centered=True),
    "Adam": lambda: Adam(0.02, beta1=0.8, beta2=0.9, eps=1e-5, weight_decay=0.2),
    "AdamW": lambda: AdamW(0.02, weight_decay=0.5),
    "defaults": AdamW,
}


@pytest.mark.parametrize("name", MADE)
def test_both_make_the_same_steps(name):
    ours, make = network.mlp([3, 6, 2], "tanh"), MADE[name]
    theirs = pytorch.from_numpy(ours)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 3)), rng.integers(0, 2, 12)
    mine, other = make(), torch_optimizer(make(), theirs)
    for _ in range(20):
        _, gradients = ours.loss_and_gradients(x, y)
        mine.step(ours.parameters, gradients)
        loss = torch.nn.functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(y))
        other.zero_grad()
        loss.backward()
        other.step()
    for key, value in pytorch.to_numpy(theirs).parameters.items():
        np.testing.assert_allclose(ours.parameters[key], value, rtol=1e-10, atol=1e-12)


def test_every_optimizer_of_the_library_is_there():
    from course_lib.pytorch.optimizers import KINDS
    from course_lib.training.stepping import Stepping

    named = [getattr(training, name) for name in training.__all__]
    known = [kind for kind in named if isinstance(kind, type) and issubclass(kind, Stepping)]
    assert set(KINDS) == set(known)


def test_members_of_an_ensemble_have_their_own_numbers():
    ensemble = Ensemble.from_numpy(network.mlp([3, 2], seed=range(3)))
    adam = torch_optimizer(Adam([0.1, 0.2, 0.3], eps=1e-5, weight_decay=[0.0, 0.5, 1.0]), ensemble)
    assert [group["lr"] for group in adam.param_groups] == [0.1, 0.2, 0.3]
    assert [group["weight_decay"] for group in adam.param_groups] == [0.0, 0.5, 1.0]
    assert {group["eps"] for group in adam.param_groups} == {1e-5}


BAD = {
    "one of PyTorch": (
        lambda m: torch_optimizer(torch.optim.SGD(m.parameters(), lr=0.1), m), TypeError,
        "optimizer is a SGD", "course_lib.training: SGD, Momentum",
    ),
    "derived": (
        lambda m: torch_optimizer(type("Own", (SGD,), {})(0.1), m), TypeError, "optimizer is a Own",
    ),
    "schedule": (
        lambda m: torch_optimizer(SGD(0.1, schedule=training.cosine(9)), m), ValueError,
        "no schedule", "lambda_lr",
    ),
    "decay": (
        lambda m: torch_optimizer(SGD(0.1, decay="weights"), m), ValueError, "decay='weights'",
    ),
    "several": (
        lambda m: torch_optimizer(SGD([0.1, 0.2]), m), ValueError, "several numbers as lr",
        "an Ensemble of as many members",
    ),
    "others": (
        lambda m: torch_optimizer(SGD([0.1, 0.2]), Ensemble([m])), ValueError, "lr is [0.1, 0.2]",
    ),
    "no module": (lambda m: torch_optimizer(SGD(0.1), network.mlp([2, 2])), TypeError, "a Network"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_carried_is_told(case, refuses):
    call, *expected = BAD[case]
    refuses(lambda: call(pytorch.mlp([2, 2])), *expected)
