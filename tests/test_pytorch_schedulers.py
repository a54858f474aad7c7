"""Schedules in both libraries: the same trainings, in pieces too, and what `fit` does not take."""

import numpy as np
import pytest
import torch
from pytorch_helpers import try_fit
from torch.optim import lr_scheduler

from course_lib import data, network, pytorch, training
from course_lib.training import cosine, milestones, one_cycle, step_decay, warmup

pytestmark = pytest.mark.usefixtures("one_thread")

X, Y = data.moons(30)
SCHEDULES = {
    "cosine": cosine(40, final=0.1),
    "warmup and cosine": warmup(8, cosine(50)),
    "one cycle": one_cycle(54),
    "steps": step_decay(10, 0.5),
    "milestones": milestones([5, 30]),
    "of one's own": lambda step: 1 / (1 + step),
}
OPTIMIZERS = {
    "SGD": (training.SGD, lambda p: torch.optim.SGD(p, lr=0.3)),
    "Nesterov": (
        lambda rate, **given: training.Momentum(rate, nesterov=True, **given),
        lambda p: torch.optim.SGD(p, lr=0.3, momentum=0.9, nesterov=True),
    ),
    "Adam": (training.Adam, lambda p: torch.optim.Adam(p, lr=0.3)),
    "RMSprop": (training.RMSprop, lambda p: torch.optim.RMSprop(p, lr=0.3)),
}
OPTIONS = {"batch_size": 10, "seed": 3, "validation": (X[::3], Y[::3])}


def two_of(seed=1):
    """Return the same network in both libraries."""
    ours = network.mlp([2, 8, 2], "tanh", seed=seed)
    return ours, pytorch.from_numpy(ours)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_trainings_with_the_same_schedule_stay_together(schedule, optimizer):
    ours, model = two_of()
    make, make_torch = OPTIMIZERS[optimizer]
    theirs = make_torch(model.parameters())
    scheduler = pytorch.lambda_lr(theirs, SCHEDULES[schedule])
    mine = make(0.3, schedule=SCHEDULES[schedule])
    first = training.fit(ours, X, Y, optimizer=mine, epochs=9, **OPTIONS)
    second = pytorch.fit(model, X, Y, optimizer=theirs, scheduler=scheduler, epochs=9, **OPTIONS)
    assert scheduler.last_epoch == mine.steps == first.steps == second.steps == 54
    np.testing.assert_allclose(first.train_loss, second.train_loss, rtol=1e-9)
    np.testing.assert_allclose(first.validation_loss, second.validation_loss, rtol=1e-9)
    for name, value in pytorch.to_numpy(model).parameters.items():
        np.testing.assert_allclose(ours.parameters[name], value, rtol=1e-8, atol=1e-10)


def test_schedulers_of_torch_are_stepped_after_each_batch():
    ours, model = two_of()
    sgd = torch.optim.SGD(model.parameters(), lr=0.3)
    ramp = lr_scheduler.LinearLR(sgd, 0.5, total_iters=6)
    both = lr_scheduler.ChainedScheduler([ramp, lr_scheduler.StepLR(sgd, 10)])
    pytorch.fit(model, X, Y, optimizer=sgd, scheduler=both, epochs=4, **OPTIONS)
    mine = training.SGD(0.3, schedule=lambda step: min(1, 0.5 + step / 12) * step_decay(10)(step))
    training.fit(ours, X, Y, optimizer=mine, epochs=4, **OPTIONS)
    np.testing.assert_allclose(ours(X), pytorch.predict(model, X), rtol=1e-9)


def test_a_scheduler_of_epochs_belongs_into_the_callback():
    ours, model = two_of()
    sgd = torch.optim.SGD(model.parameters(), lr=0.3)
    plateau = lr_scheduler.ReduceLROnPlateau(sgd, patience=0, factor=0.5, threshold=0.05)
    rates = []

    def step(model, epoch):
        plateau.step(epoch.validation_loss)
        rates.append(sgd.param_groups[0]["lr"])

    pytorch.fit(model, X, Y, optimizer=sgd, callback=step, epochs=9, **OPTIONS)
    assert 0.3 in rates
    assert rates[-1] < 0.3
    mine = training.SGD(0.3, schedule=lambda step: ([0.3, *rates][step // 6]) / 0.3)
    training.fit(ours, X, Y, optimizer=mine, epochs=9, **OPTIONS)
    np.testing.assert_allclose(ours(X), pytorch.predict(model, X), rtol=1e-9)


@pytest.mark.parametrize("stored", [False, True], ids=["going on", "stored"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_an_interrupted_schedule_goes_on_where_it_was(schedule, stored):
    def parts(model):
        adam = torch.optim.Adam(model.parameters(), lr=0.1)
        return model, adam, pytorch.lambda_lr(adam, SCHEDULES[schedule])

    options = OPTIONS | {"patience": 9}
    whole, adam, scheduler = parts(two_of()[1])
    expected = pytorch.fit(whole, X, Y, optimizer=adam, scheduler=scheduler, epochs=7, **options)
    model, adam, scheduler = parts(two_of()[1])
    history = pytorch.fit(model, X, Y, optimizer=adam, scheduler=scheduler, epochs=3, **options)
    if stored:
        states = [part.state_dict() for part in (model, adam, scheduler)]
        model, adam, scheduler = parts(two_of(seed=2)[1])
        for part, state in zip((model, adam, scheduler), states, strict=True):
            part.load_state_dict(state)
    history = pytorch.fit(
        model, X, Y, optimizer=adam, scheduler=scheduler, epochs=4, history=history, **options
    )
    for name, value in whole.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name
    np.testing.assert_array_equal(expected.train_loss, history.train_loss)
    assert scheduler.last_epoch == 42


def an_optimizer(model=None):
    return torch.optim.SGD((model or pytorch.mlp([2, 2])).parameters(), lr=0.1)


def fit_with(make):
    """Train with the scheduler that is made for the optimizer."""
    model = pytorch.mlp([2, 2])
    sgd = an_optimizer(model)
    try_fit(model=model, optimizer=sgd, scheduler=make(sgd))


BAD = {
    "a schedule of ours": (
        lambda: fit_with(lambda sgd: cosine(9)), TypeError, "is a cosine", "lambda_lr(optimizer"
    ),
    "a class": (lambda: fit_with(lambda sgd: lr_scheduler.StepLR), TypeError, "scheduler is a"),
    "that of another optimizer": (
        lambda: fit_with(lambda sgd: lr_scheduler.StepLR(an_optimizer(), 3)),
        ValueError, "of another optimizer", "made with the optimizer given here",
    ),
    "one that asks for a loss": (
        lambda: fit_with(lr_scheduler.ReduceLROnPlateau),
        TypeError, "ReduceLROnPlateau", "callback=lambda model, epoch: scheduler.step(",
    ),
    "an optimizer of ours": (
        lambda: pytorch.lambda_lr(training.SGD(0.1), cosine(9)), TypeError, "optimizer is a SGD",
    ),
    "no schedule": (
        lambda: pytorch.lambda_lr(an_optimizer(), None), TypeError, "schedule is None", "cosine"
    ),
    "a number as a schedule": (
        lambda: pytorch.lambda_lr(an_optimizer(), 0.1), TypeError, "schedule is a float"
    ),
    "a schedule below 0": (
        lambda: pytorch.lambda_lr(an_optimizer(), lambda step: -1.0),
        ValueError, "the schedule returned -1.0 for step 0", "from 0 on",
    ),
    "a schedule of replicas": (
        lambda: pytorch.lambda_lr(an_optimizer(), lambda step: np.ones(2)),
        ValueError, "the factor of step 0 is array([1., 1.])", "a finite number from 0 on",
    ),
    "a schedule that turns bad": (
        lambda: fit_with(lambda sgd: pytorch.lambda_lr(sgd, lambda step: 0.5 - step)),
        ValueError, "the schedule returned -0.5 for step 1", "from 0 on",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])
