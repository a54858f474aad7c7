"""Schedules: the learning rates of PyTorch, step by step, also where a training goes on."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from together import together
from torch.optim import lr_scheduler
from training_helpers import OPTIMIZERS, VALIDATION, X, Y, assert_same, through_file

from course_lib.network import mlp
from course_lib.training import (
    SGD,
    Adam,
    History,
    Momentum,
    constant,
    cosine,
    fit,
    milestones,
    one_cycle,
    step_decay,
    warmup,
)
from course_lib.training.schedules import factor_at

RATE = 0.3
LONG = 40  # steps


def after_warmup(sgd, steps, start, then):
    """Return PyTorch's ramp before another scheduler."""
    ramp = lr_scheduler.LinearLR(sgd, start_factor=start, total_iters=steps)
    return lr_scheduler.SequentialLR(sgd, [ramp, then(sgd)], milestones=[steps])


def cycle(sgd, total=LONG, **options):
    return lr_scheduler.OneCycleLR(sgd, RATE, total, cycle_momentum=False, **options)


# ours, PyTorch's, and for how many steps these are the same
PAIRS = {
    "constant": (constant(), lambda sgd: lr_scheduler.LambdaLR(sgd, lambda _: 1.0), LONG),
    "constant half": (constant(0.5), lambda s: lr_scheduler.ConstantLR(s, 0.5, LONG), LONG),
    "steps": (step_decay(7), lambda s: lr_scheduler.StepLR(s, 7), LONG),
    "halves": (step_decay(3, factor=0.5), lambda s: lr_scheduler.StepLR(s, 3, 0.5), LONG),
    "exponential": (step_decay(1, 0.9), lambda s: lr_scheduler.ExponentialLR(s, 0.9), LONG),
    "milestones": (milestones([4, 9]), lambda s: lr_scheduler.MultiStepLR(s, [4, 9]), LONG),
    "other milestones": (
        milestones((1, 2, 30), 0.5), lambda s: lr_scheduler.MultiStepLR(s, [1, 2, 30], 0.5), LONG
    ),
    "cosine": (cosine(LONG), lambda s: lr_scheduler.CosineAnnealingLR(s, LONG), LONG),
    "cosine to a tenth": (
        cosine(LONG, final=0.1),
        lambda s: lr_scheduler.CosineAnnealingLR(s, LONG, eta_min=0.1 * RATE),
        LONG,
    ),
    "one cycle": (one_cycle(LONG), cycle, LONG),
    "one cycle of lines": (
        one_cycle(LONG, 0.4, 10, 100, "linear"),
        lambda s: cycle(s, pct_start=0.4, div_factor=10, final_div_factor=100,
                        anneal_strategy="linear"),
        LONG,
    ),
    "one cycle without a rise": (
        one_cycle(LONG, pct_start=0), lambda s: cycle(s, pct_start=0.0), LONG
    ),
    "one cycle of three steps": (one_cycle(3), lambda s: cycle(s, 3), 3),
    "one cycle of one step": (one_cycle(1), lambda s: cycle(s, 1), 1),
    "warmup": (
        warmup(5), lambda s: lr_scheduler.LinearLR(s, total_iters=5), LONG
    ),
    "warmup and cosine": (
        warmup(5, cosine(35), start_factor=0.1),
        lambda s: after_warmup(s, 5, 0.1, lambda s: lr_scheduler.CosineAnnealingLR(s, 35)),
        LONG,
    ),
    "warmup and steps": (
        warmup(6, step_decay(7)),
        lambda s: after_warmup(s, 6, 1 / 3, lambda s: lr_scheduler.StepLR(s, 7)),
        LONG,
    ),
    "warmup and milestones": (
        warmup(1, milestones([10])),
        lambda s: after_warmup(s, 1, 1 / 3, lambda s: lr_scheduler.MultiStepLR(s, [10])),
        LONG,
    ),
}  # fmt: skip
OURS = {name: pair[0] for name, pair in PAIRS.items()}


def torch_rates(make, steps):
    """Return the learning rates of PyTorch's first steps."""
    sgd = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=RATE)
    with warnings.catch_warnings():
        # SequentialLR steps its schedulers in a way that PyTorch itself has deprecated
        warnings.simplefilter("ignore", UserWarning)
        scheduler, rates = make(sgd), []
        for _ in range(steps):
            rates.append(sgd.param_groups[0]["lr"])
            sgd.step()
            scheduler.step()
    return rates


@pytest.mark.parametrize("name", PAIRS)
def test_the_learning_rates_are_those_of_torch_step_by_step(name):
    ours, make, steps = PAIRS[name]
    rates = [RATE * ours(step) for step in range(steps)]
    np.testing.assert_allclose(rates, torch_rates(make, steps), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("name", PAIRS)
def test_an_optimizer_moves_as_one_of_torch_with_the_scheduler(name):
    ours, make, steps = PAIRS[name]
    parameters, rng = {"w": np.ones((2, 3))}, np.random.default_rng(0)
    leaf = torch.ones((2, 3), dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([leaf], lr=RATE)
    optimizer = Adam(RATE, schedule=ours)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        scheduler = make(adam)
        for _ in range(steps):
            gradient = rng.normal(size=(2, 3))
            optimizer.step(parameters, {"w": gradient})
            leaf.grad = torch.tensor(gradient)
            adam.step()
            scheduler.step()
            np.testing.assert_allclose(parameters["w"], leaf.detach(), rtol=1e-11, atol=1e-13)
    assert optimizer.steps == steps


ENDS = {  # a schedule, its last step, and the factor from there on
    "cosine": (cosine(10), 10, 0.0),
    "cosine to a tenth": (cosine(10, final=0.1), 10, 0.1),
    "one cycle": (one_cycle(10), 9, 1 / 25e4),
    "milestones": (milestones([3, 8], 0.5), 8, 0.25),
    "warmup": (warmup(4), 4, 1.0),
    "warmup and cosine": (warmup(4, cosine(10, 0.2)), 14, 0.2),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_schedule_that_is_over_stays_at_its_last_factor(name):
    schedule, last, factor = ENDS[name]
    for step in (last, last + 1, 2 * last, 10**9):
        assert schedule(step) == pytest.approx(factor, rel=1e-14)
    assert schedule(last - 1) != pytest.approx(factor, rel=1e-3)


def test_torch_raises_an_error_or_rises_again():
    """The two ends of PyTorch that the docstrings tell of."""
    with pytest.raises(ValueError, match="Tried to step 41 times"):
        torch_rates(cycle, LONG + 2)
    rates = torch_rates(lambda s: lr_scheduler.CosineAnnealingLR(s, 10), 21)
    assert rates[20] == pytest.approx(RATE)


def test_a_warmup_rises_to_the_first_factor_of_what_follows():
    factors = [warmup(4, constant(0.5), start_factor=0)(step) for step in range(6)]
    assert factors == [0, 0.125, 0.25, 0.375, 0.5, 0.5]
    factors = [warmup(2, lambda step: np.array([1.0, 0.5]), 0.5)(step) for step in (0, 5)]
    np.testing.assert_array_equal(factors, [[0.5, 0.25], [1, 0.5]])
    with pytest.raises(ValueError, match="returned nan for step 1"):
        warmup(2, lambda step: step and np.nan)(3)


@pytest.mark.parametrize("name", OURS)
def test_a_schedule_shows_what_it_is_and_can_be_copied(name):
    schedule = OURS[name]
    copied = pickle.loads(pickle.dumps(copy.deepcopy(schedule)))
    assert copied == schedule
    assert repr(copied) == repr(schedule)
    assert hash(copied) == hash(schedule)
    assert eval(repr(schedule)) == schedule


# ---------------------------------------------------------------------------------------------
# With an optimizer
# ---------------------------------------------------------------------------------------------


def scheduled(kind, rate, schedule):
    """Return one of the optimizers with a schedule."""
    optimizer = OPTIMIZERS[kind](rate)
    optimizer.schedule = schedule
    return optimizer


@together("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_learning_rates_of_replicas_are_all_multiplied(kind, dtype):
    rates = np.array([0.01, 0.1, 0.4])
    x = X.astype(dtype)
    together = mlp([3, 5, 2], "tanh", seed=[7, 8, 9], dtype=dtype)
    options = {"epochs": 4, "batch_size": 8}
    history = fit(
        together, x, Y, optimizer=scheduled(kind, rates, warmup(3, cosine(9, 0.1))), **options
    )
    near = {"rtol": 1e4 * np.finfo(dtype).eps, "atol": 1e2 * np.finfo(dtype).eps}
    for i, rate in enumerate(rates):
        alone = mlp([3, 5, 2], "tanh", seed=7 + i, dtype=dtype)
        one = scheduled(kind, rate, warmup(3, cosine(9, 0.1)))
        own = fit(alone, x, Y, optimizer=one, **options)
        np.testing.assert_allclose(history.train_loss[i], own.train_loss, **near)
        for key, value in alone.parameters.items():
            assert together.parameters[key].dtype == dtype
            np.testing.assert_allclose(together.parameters[key][i], value, **near)


@pytest.mark.parametrize("rate", [0.1, [0.1, 0.2]], ids=["one rate", "two rates"])
def test_replicas_may_have_schedules_of_their_own(rate):
    schedules = [cosine(9), step_decay(4, 0.5)]
    together = mlp([3, 5, 2], "tanh", seed=[7, 8])
    optimizer = SGD(rate, schedule=lambda step: np.array([each(step) for each in schedules]))
    fit(together, X, Y, optimizer=optimizer, epochs=3, batch_size=8)
    for i, schedule in enumerate(schedules):
        alone = mlp([3, 5, 2], "tanh", seed=7 + i)
        own = SGD(np.broadcast_to(rate, 2)[i], schedule=schedule)
        fit(alone, X, Y, optimizer=own, epochs=3, batch_size=8)
        for key, value in alone.parameters.items():
            np.testing.assert_allclose(together.parameters[key][i], value, rtol=1e-11)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_factor_of_1_changes_no_bit(kind):
    one, other = mlp([3, 4, 2], seed=0), mlp([3, 4, 2], seed=0)
    fit(one, X, Y, optimizer=OPTIMIZERS[kind](0.1), epochs=3)
    fit(other, X, Y, optimizer=scheduled(kind, 0.1, constant()), epochs=3)
    assert_same(one.state_dict(), other.state_dict())


def test_a_factor_of_0_moves_nothing_but_the_memory():
    network, optimizer = mlp([3, 4, 2], seed=0), Momentum(0.1, schedule=constant(0))
    before = network.state_dict()
    fit(network, X, Y, optimizer=optimizer)
    assert_same(network.state_dict(), before)
    assert optimizer.memory["velocity"]["0.weight"].any()


RETURNS = {
    "nan": np.nan, "infinite": np.inf, "below 0": -0.5, "text": "0.5", "None": None, "True": True,
    "an array with a NaN": np.array([1.0, np.nan]), "an array below 0": np.array([1.0, -1.0]),
    "no numbers": np.array([]), "ragged": [[1.0], [1.0, 2.0]], "complex": 1j,
}  # fmt: skip


@pytest.mark.parametrize("case", RETURNS)
def test_what_a_schedule_must_not_return_is_told_and_nothing_moves(case, refuses):
    network = mlp([3, 4, 2], seed=[1, 2])
    optimizer = Adam(0.1, schedule=lambda step: 1.0 if step < 2 else RETURNS[case])
    _, gradients = network.loss_and_gradients(X, Y)
    for _ in range(2):
        optimizer.step(network.parameters, gradients)
    before = [network.state_dict(), optimizer.state_dict()]
    refuses(
        lambda: optimizer.step(network.parameters, gradients),
        ValueError, f"the schedule returned {RETURNS[case]!r} for step 2", "numbers from 0 on",
    )  # fmt: skip
    for one, other in zip(before, [network.state_dict(), optimizer.state_dict()], strict=True):
        assert_same(one, other)


def test_an_error_of_the_schedule_itself_is_raised_and_nothing_moves():
    network, optimizer = mlp([3, 4, 2], seed=0), SGD(0.1, schedule=lambda step: [1.0, 0.5][step])
    with pytest.raises(IndexError):
        fit(network, X, Y, optimizer=optimizer, epochs=3, batch_size=None)
    assert optimizer.steps == 2
    twin = mlp([3, 4, 2], seed=0)
    fit(twin, X, Y, optimizer=SGD(0.1, schedule=cosine(2, 0)), epochs=2, batch_size=None)
    assert_same(network.state_dict(), twin.state_dict())


MISFITS = {
    "for other replicas": (
        lambda: SGD(0.1, schedule=lambda step: np.ones(3)),
        "for step 0", "learning_rate has shape (3,)", "one for each replica: (2,)",
    ),
    "for other rates": (
        lambda: SGD([0.1, 0.2], schedule=lambda step: np.ones(3)),
        "array([1., 1., 1.]) for step 0", "[0.1, 0.2] cannot be multiplied",
    ),
    "beyond the dtype": (
        lambda: SGD(1.0, schedule=constant(1e300)), "1e+300 for step 0", "the range of float32"
    ),
    "powers without end": (
        lambda: SGD(1.0, schedule=lambda step: step_decay(1, 1e200)(step + 2)), "inf for step 0"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISFITS)
def test_a_factor_that_does_not_fit_is_told_and_nothing_moves(case, refuses):
    make, *texts = MISFITS[case]
    network = mlp([3, 4, 2], seed=[1, 2], dtype=np.float32)
    before = network.state_dict()
    _, gradients = network.loss_and_gradients(X.astype(np.float32), Y)
    refuses(lambda: make().step(network.parameters, gradients), ValueError, *texts)
    assert_same(network.state_dict(), before)


def test_a_schedule_serves_one_network_because_its_steps_are_counted():
    optimizer = SGD(0.1, schedule=cosine(20))
    fit(mlp([3, 4, 2]), X, Y, optimizer=optimizer)
    with pytest.raises(ValueError, match="counts the steps of another network; make a new one"):
        fit(mlp([3, 4, 2]), X, Y, optimizer=optimizer)
    assert factor_at(optimizer.schedule, optimizer.steps) < 1


# ---------------------------------------------------------------------------------------------
# Going on
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [warmup(4, cosine(20, 0.1)), one_cycle(25), milestones([9])])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_interrupted_schedule_goes_on_where_it_was(kind, schedule, tmp_path):
    options = {"batch_size": 8, "validation": VALIDATION, "patience": 4}
    rates = [0.05, 0.2]
    whole, optimizer = mlp([3, 4, 2], seed=[1, 2]), scheduled(kind, rates, schedule)
    expected = fit(whole, X, Y, optimizer=optimizer, epochs=8, **options)
    network, part = mlp([3, 4, 2], seed=[1, 2]), scheduled(kind, rates, schedule)
    history = fit(network, X, Y, optimizer=part, epochs=3, **options)
    states = [
        through_file(each.state_dict(), tmp_path, str(i))
        for i, each in enumerate((network, part, history))
    ]
    again, other = mlp([3, 4, 2], seed=[3, 4]), scheduled(kind, 9.0, schedule)
    again.load_state_dict(states[0])
    other.load_state_dict(states[1])
    assert other.steps == 9
    history = History.from_state_dict(states[2])
    found = fit(again, X, Y, optimizer=other, epochs=5, history=history, **options)
    for one, two in zip((whole, optimizer, expected), (again, other, found), strict=True):
        assert_same(one.state_dict(), two.state_dict())


def test_states_of_earlier_releases_go_on_but_not_with_a_schedule(refuses):
    optimizer = Momentum(0.1)
    optimizer.step({"w": np.ones((1, 1))}, {"w": np.ones((1, 1))})
    state = optimizer.state_dict()
    old = {k: v for k, v in state.items() if k not in ("decay", "steps", "nesterov")}
    other = Momentum(9.0, nesterov=True)
    other.load_state_dict(old)
    assert_same(other.state_dict(), state | {"steps": np.array(0)})
    lost = Momentum(9.0, schedule=cosine(9))
    refuses(lambda: lost.load_state_dict(old), ValueError, "steps is missing", "nothing was loaded")
    lost.load_state_dict(state)
    assert (lost.steps, lost.schedule) == (1, cosine(9))
    old = {k: v for k, v in Adam().state_dict().items() if k != "steps"}
    refuses(lambda: Adam().load_state_dict(old), ValueError, "steps is missing")


BAD = {
    "no argument": (
        lambda: SGD(0.1, schedule=lambda: 1), TypeError, "function of other arguments", "the step"
    ),
    "another's arguments": (
        lambda: warmup(3, lambda a, b: 1), TypeError, "then is a function of other arguments"
    ),
    "steps 0": (lambda: cosine(0), ValueError, "steps is 0", "integers from 1 on"),
    "half a step": (lambda: cosine(10.5), ValueError, "steps is 10.5"),
    "final below 0": (lambda: cosine(10, -0.1), ValueError, "final is -0.1", "from 0 on"),
    "final NaN": (lambda: cosine(10, np.nan), ValueError, "final is nan"),
    "factor below 0": (lambda: constant(-1), ValueError, "factor is -1", "from 0 on"),
    "factor as text": (lambda: constant("1"), ValueError, "factor is '1'"),
    "every 0": (lambda: step_decay(0), ValueError, "every is 0", "integers from 1 on"),
    "factor of steps": (lambda: step_decay(3, -2), ValueError, "factor is -2"),
    "milestones as one": (lambda: milestones(5), TypeError, "at is a int", "[500, 800]"),
    "milestones as text": (lambda: milestones("5"), TypeError, "at is a str", "[500, 800]"),
    "milestones back": (lambda: milestones([5, 3]), ValueError, "at is [5, 3]", "increasing"),
    "a milestone twice": (lambda: milestones([5, 5]), ValueError, "at is [5, 5]", "increasing"),
    "a milestone of 0": (lambda: milestones([0, 5]), ValueError, "a step of at is 0", "from 1"),
    "half a milestone": (lambda: milestones([0.5]), ValueError, "a step of at is 0.5"),
    "factor of milestones": (lambda: milestones([5], np.inf), ValueError, "factor is inf"),
    "total 0": (lambda: one_cycle(0), ValueError, "total_steps is 0", "from 1 on"),
    "all of it a rise": (lambda: one_cycle(9, 1), ValueError, "pct_start is 1", "to below 1"),
    "percent": (lambda: one_cycle(9, 30), ValueError, "pct_start is 30"),
    "div 0": (lambda: one_cycle(9, div_factor=0), ValueError, "div_factor is 0", "above 0"),
    "final div": (lambda: one_cycle(9, final_div_factor=-1), ValueError, "final_div_factor is -1"),
    "strategy": (
        lambda: one_cycle(9, anneal_strategy="cosine"), KeyError, "'cosine'", "cos, linear"
    ),
    "warmup 0": (lambda: warmup(0), ValueError, "steps is 0", "from 1 on"),
    "then a number": (lambda: warmup(5, 0.1), TypeError, "then is a float", "cosine(1000)"),
    "start above 1": (lambda: warmup(5, start_factor=2), ValueError, "start_factor is 2"),
    "start below 0": (lambda: warmup(5, start_factor=-1), ValueError, "start_factor is -1"),
} | {
    f"step {bad!r} of {name}": (
        lambda schedule=schedule, bad=bad: schedule(bad), ValueError, f"step is {bad!r}", "from 0"
    )
    for name, schedule in OURS.items() for bad in (-1, 0.5, True, "1")
}  # fmt: skip


@together("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])
