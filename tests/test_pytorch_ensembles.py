"""Ensembles: all members at once, against plain loops of PyTorch over one after another."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from network_helpers import targets_for
from torch import nn

from course_lib import data, network, pytorch, training
from course_lib.network import LOSSES
from course_lib.pytorch import Activate, Ensemble, Gated, Maxout, Residual, fit, predict
from course_lib.training import SGD, Adam, Momentum

pytestmark = pytest.mark.usefixtures("one_thread")

SEEDS = (3, 11, 4)
N, BATCH, EPOCHS = 33, 10, 12  # batches of 10, 10, 10 and 3
BUILT = {
    "tanh": lambda: [nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 4)],
    "no bias": lambda: [nn.Linear(3, 8, bias=False), nn.SiLU(), nn.Linear(8, 4, bias=False)],
    "blocks": lambda: [
        nn.Linear(3, 8), nn.LayerNorm(8), nn.GELU(), Residual(nn.Linear(8, 8), nn.Tanh()),
        nn.Linear(8, 4),
    ],
    "gates": lambda: [
        nn.Linear(3, 8), Gated("swiglu"), nn.Linear(4, 6), nn.PReLU(), nn.Linear(6, 8), Maxout(),
    ],
    "by NumPy": lambda: [nn.Linear(3, 8), Activate("sine"), nn.Linear(8, 4), Activate("softmax")],
}  # fmt: skip
OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.3),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01),
    "Nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.5),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.02, weight_decay=0.1),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.1),
}


def examples(n=N):
    """Return points of four classes."""
    rng = np.random.default_rng(8)
    y = rng.integers(0, 4, n)
    return rng.normal(size=(n, 3)) + np.eye(4)[y][:, :3], y


def built(kind="tanh"):
    """Return a function that builds a member from a seed."""
    return lambda seed: nn.Sequential(*BUILT[kind]()).double()


def orders(seed, epochs=EPOCHS, n=N, batch_size=BATCH):
    """Yield the batches that `course_lib.training.fit` takes for a seed."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2,)))
    for _ in range(epochs):
        order = rng.permutation(n)
        for start in range(0, n, batch_size):
            yield order[start : start + batch_size]


def by_plain_loop(module, optimizer, seed, x, y, **options):
    """Train a module as anyone does in PyTorch; return the loss of each step."""
    module.train()
    losses = []
    for index in orders(seed, **options):
        loss = nn.functional.cross_entropy(module(torch.tensor(x[index])), torch.tensor(y[index]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def check_members(ensemble, modules, near=1e-12):
    """Check that each member is a module, by the norms of all parameters and buffers."""
    for member, module in zip(ensemble, modules, strict=True):
        for (name, own), theirs in zip(
            member.state_dict().items(), module.state_dict().values(), strict=True
        ):
            assert own.dtype == theirs.dtype
            gap = torch.linalg.vector_norm((own - theirs).double())
            assert gap <= near * torch.linalg.vector_norm(theirs.double()), name


@pytest.mark.parametrize(
    ("kind", "optimizer"),
    [
        *((kind, "momentum") for kind in BUILT),
        *(("blocks", o) for o in OPTIMIZERS if o != "momentum"),
    ],
)
def test_each_member_learns_as_by_a_plain_loop(kind, optimizer):
    x, y = examples()
    ensemble = Ensemble.from_seeds(built(kind), SEEDS)
    modules = list(ensemble)
    before = copy.deepcopy(modules)
    make = OPTIMIZERS[optimizer]
    history = fit(
        ensemble, x, y, optimizer=make(ensemble.parameters()), epochs=EPOCHS, batch_size=BATCH,
        seed=SEEDS,
    )  # fmt: skip
    assert history.steps == 48
    for place, (module, seed) in enumerate(zip(modules, SEEDS, strict=True)):
        losses = by_plain_loop(module, make(module.parameters()), seed, x, y)
        sizes = np.tile([10, 10, 10, 3], EPOCHS)
        expected = (np.array(losses) * sizes).reshape(EPOCHS, 4).sum(axis=1) / N
        np.testing.assert_allclose(history.train_loss[place], expected, rtol=1e-12)
        gap = predict(module, x) - predict(before[place], x)
        assert abs(gap).max() > 0.1  # something was learned
    check_members(ensemble, modules)
    np.testing.assert_allclose(
        predict(ensemble, x), [predict(m, x) for m in modules], rtol=1e-10, atol=1e-12
    )


def test_batch_normalization_has_running_averages_for_each_member():
    x, y = examples(30)  # as many in each batch: of one row there is no variance

    def build(seed):
        middle = nn.BatchNorm1d(8, momentum=0.3), nn.Tanh()
        return nn.Sequential(nn.Linear(3, 8, bias=False), *middle, nn.Linear(8, 4)).double()

    ensemble = Ensemble.from_seeds(build, SEEDS)
    modules = list(ensemble)
    options = {"momentum": 0.9, "lr": 0.05}
    sgd = torch.optim.SGD(ensemble.parameters(), **options)
    fit(ensemble, x, y, optimizer=sgd, epochs=EPOCHS, batch_size=BATCH, seed=SEEDS)
    for module, seed in zip(modules, SEEDS, strict=True):
        by_plain_loop(module, torch.optim.SGD(module.parameters(), **options), seed, x, y, n=30)
    check_members(ensemble, modules)
    assert ensemble.stacked[1].num_batches_tracked.tolist() == [36, 36, 36]
    assert not np.allclose(*ensemble.stacked[1].running_mean[:2])
    np.testing.assert_allclose(predict(ensemble, x), [predict(m, x) for m in modules], rtol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("batch_size", [None, BATCH, N])
def test_one_member_and_all_batches(dtype, batch_size):
    x, y = examples()
    ensemble = Ensemble([pytorch.mlp([3, 8, 4], "tanh", seed=1, dtype=dtype)])
    module = ensemble[0]
    options = {"epochs": 5, "batch_size": batch_size, "seed": 7}
    for model in (ensemble, module):
        sgd = torch.optim.SGD(model.parameters(), lr=0.5)
        history = fit(model, x, y, optimizer=sgd, **options)
        assert history.train_loss.shape == ((1, 5) if model is ensemble else (5,))
    check_members(ensemble, [module], 1e-5 if dtype == torch.float32 else 1e-13)
    assert predict(ensemble, x).shape == (1, N, 4)


@pytest.mark.parametrize("loss", [*LOSSES, "cross_entropy(class_weights=[0.0, 1.0, 2.0, 0.5])"])
@pytest.mark.parametrize("limits", [{}, {"clip_norm": 0.1}, {"clip_value": 0.01}])
def test_losses_limits_and_scores_are_those_of_each_module_alone(loss, limits):
    x, y = examples()
    if not loss.startswith("cross_entropy"):
        y = targets_for(loss, np.eye(4)[y])
    ensemble = Ensemble.from_seeds(built(), SEEDS)
    modules = list(ensemble)
    options = {
        "loss": loss, "epochs": 3, "batch_size": BATCH, "validation": (x[::3], y[::3]), **limits
    }  # fmt: skip
    sgd = torch.optim.SGD(ensemble.parameters(), lr=0.1)
    found = fit(ensemble, x, y, optimizer=sgd, seed=SEEDS, **options)
    for i, (module, seed) in enumerate(zip(modules, SEEDS, strict=True)):
        sgd = torch.optim.SGD(module.parameters(), lr=0.1)
        alone = fit(module, x, y, optimizer=sgd, seed=seed, **options)
        for name in ("train_loss", "validation_loss", "validation_accuracy"):
            np.testing.assert_allclose(getattr(found, name)[i], getattr(alone, name), rtol=1e-11)
    check_members(ensemble, modules, 1e-11)


@pytest.mark.parametrize("seed", [5, SEEDS])
@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (partial(SGD, 0.2, weight_decay=0.01), {"activation": "tanh", "residual": True}),
        (partial(Momentum, 0.05), {"activation": "gelu", "normalization": "layer"}),
        (partial(Adam, 0.01), {"activation": ["swiglu", "relu"]}),
        (partial(SGD, [0.1, 0.3, 0.2]), {"activation": "sine", "normalization": "batch"}),
    ],
)
def test_an_ensemble_learns_what_the_replicas_of_numpy_learn(seed, make, arguments):
    x, y = data.moons(22)
    replicas = network.mlp([2, 8, 8, 2], seed=SEEDS, **arguments)
    ensemble = Ensemble.from_numpy(replicas)
    ours = make()
    theirs = pytorch.torch_optimizer(ours, ensemble)
    options = {"epochs": 8, "batch_size": 16, "seed": seed, "validation": (x[::2], y[::2])}
    expected = training.fit(replicas, x, y, optimizer=ours, **options)
    found = fit(ensemble, x, y, optimizer=theirs, **options)
    assert found.steps == expected.steps == 24
    for name in ("train_loss", "validation_loss", "validation_accuracy"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-10)
    np.testing.assert_allclose(predict(ensemble, x), replicas(x), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("patience", [1, 3])
def test_each_member_stops_by_itself_and_a_training_in_pieces_is_that_in_one(patience):
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 80)
    x = rng.normal(size=(80, 5)) + 0.5 * y[:, np.newaxis]
    start = network.mlp([5, 20, 2], seed=SEEDS, normalization="batch")
    options = {
        "batch_size": 10, "validation": (x[20:], y[20:]), "patience": patience, "seed": SEEDS,
        "clip_norm": 1.0,
    }  # fmt: skip
    ours = network.mlp([5, 20, 2], seed=SEEDS, normalization="batch")
    expected = training.fit(ours, x[:20], y[:20], optimizer=training.SGD(0.1), epochs=30, **options)
    results = []
    for pieces in ([30], [2, 28]):
        ensemble, history = Ensemble.from_numpy(start), None
        sgd = torch.optim.SGD(ensemble.parameters(), lr=0.1)
        for epochs in pieces:
            history = fit(
                ensemble, x[:20], y[:20], optimizer=sgd, epochs=epochs, history=history, **options
            )
        results.append((history, predict(ensemble, x)))
    (whole, outputs), (pieces, again) = results
    assert whole.best_epoch.tolist() == expected.best_epoch.tolist()
    assert len(set(whole.best_epoch)) > 1
    np.testing.assert_allclose(whole.validation_loss, expected.validation_loss, rtol=1e-8)
    np.testing.assert_allclose(outputs, ours(x), rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(whole.train_loss, pieces.train_loss)
    np.testing.assert_array_equal(outputs, again)


def test_the_callback_gets_the_ensemble_and_the_scheduler_steps():
    x, y = examples()
    ensemble, told = Ensemble.from_seeds(built(), SEEDS), []
    sgd = torch.optim.SGD(ensemble.parameters(), lr=1.0)

    def callback(model, epoch):
        assert model is ensemble
        told.append(epoch.train_loss.shape)
        return len(told) == 2

    scheduler = pytorch.lambda_lr(sgd, training.step_decay(4, factor=0.5))
    options = {"batch_size": BATCH, "callback": callback, "scheduler": scheduler}
    fit(ensemble, x, y, optimizer=sgd, epochs=9, **options)
    assert told == [(3,), (3,)]
    assert scheduler.get_last_lr() == [0.25]


# Settings of each member's own.


@pytest.mark.parametrize("kind", ["SGD", "Adam", "Adafactor"])
def test_groups_give_each_member_its_own_settings(kind):
    x, y = examples()
    make, rates = getattr(torch.optim, kind), [0.3, 0.01, 0.05]
    ensemble = Ensemble.from_seeds(built("blocks"), SEEDS)
    modules = list(ensemble)
    optimizer = make(ensemble.groups(lr=rates, weight_decay=0.1))
    fit(ensemble, x, y, optimizer=optimizer, epochs=EPOCHS, batch_size=BATCH, seed=SEEDS)
    for module, rate, seed in zip(modules, rates, SEEDS, strict=True):
        by_plain_loop(module, make(module.parameters(), lr=rate, weight_decay=0.1), seed, x, y)
    check_members(ensemble, modules, 1e-11)


def test_groups_of_some_members_leave_the_others_alone():
    x, y = examples()
    ensemble = Ensemble.from_seeds(built(), SEEDS)
    ensemble.stacked[0].requires_grad_(False)
    before = list(ensemble)
    sgd = torch.optim.SGD(ensemble.groups(lr=0.1)[1:])
    fit(ensemble, x, y, optimizer=sgd, epochs=2, clip_norm=1.0)
    for i, (member, module) in enumerate(zip(ensemble, before, strict=True)):
        assert torch.equal(member[0].weight, module[0].weight)  # frozen
        assert torch.equal(member[2].weight, module[2].weight) == (i == 0)


def test_groups_end_where_the_ensemble_moves(refuses):
    x, y = examples()
    ensemble = Ensemble.from_seeds(built(), SEEDS)
    old = torch.optim.SGD(ensemble.groups(lr=0.1))
    again = torch.optim.SGD(ensemble.groups(lr=0.2))
    assert old.param_groups[1]["params"][0] is again.param_groups[1]["params"][0]
    ensemble.float()
    for model in (ensemble, copy.deepcopy(ensemble)):
        refuses(lambda m=model: fit(m, x, y, optimizer=old), ValueError, "another module", "copied")
    fit(ensemble, x, y, optimizer=torch.optim.SGD(ensemble.groups(lr=0.2)))


# Apart from each other.


@pytest.mark.parametrize(
    ("value", "grouped", "limits"),
    [
        (np.nan, False, {}),
        (np.nan, False, {"clip_norm": 0.5}),
        (np.inf, True, {"clip_norm": 0.5, "clip_value": 0.1}),
        (1e200, False, {"clip_value": 0.1}),
    ],
)
def test_a_member_that_diverges_changes_no_bit_of_the_others(value, grouped, limits):
    x, y = examples(30)
    middle = [nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), Residual(nn.Linear(8, 8)), nn.Tanh()]
    model = nn.Sequential(*middle, nn.Linear(8, 4)).double()
    found = []
    for broken in (False, True):
        modules = [copy.deepcopy(model) for _ in SEEDS]
        with torch.no_grad():
            for module, seed in zip(modules, SEEDS, strict=True):
                module[0].weight.add_(seed / 10)
            if broken:
                modules[1][5].weight.fill_(value)
        ensemble = Ensemble(modules)
        parameters = ensemble.groups() if grouped else ensemble.parameters()
        adam = torch.optim.Adam(parameters, lr=0.01)
        options = {"epochs": 3, "batch_size": BATCH, "validation": (x, y), "seed": SEEDS, **limits}
        history = fit(ensemble, x, y, optimizer=adam, **options)
        assert (not np.isfinite(history.train_loss[1]).all()) == (broken and value != 1e200)
        found.append((ensemble.state_dict(), history))
    (healthy, expected), (beside, history) = found
    for name, value in healthy.items():
        assert torch.equal(value[[0, 2]], beside[name][[0, 2]]), name
        assert value.dtype == torch.int64 or not torch.equal(value[1], beside[name][1])
    np.testing.assert_array_equal(history.train_loss[[0, 2]], expected.train_loss[[0, 2]])
    np.testing.assert_array_equal(history.validation_loss[[0, 2]], expected.validation_loss[[0, 2]])


# Dropout.


def test_dropout_drops_other_units_in_each_member():
    p, units = 0.3, 4_000
    ensemble = Ensemble([nn.Sequential(nn.Dropout(p), nn.PReLU()) for _ in range(3)])
    torch.manual_seed(0)
    outputs = ensemble(torch.ones(5, units)).detach()
    assert outputs.shape == (3, 5, units)
    assert set(outputs.unique().tolist()) == {0.0, float(np.float32(1 / (1 - p)))}
    kept = (outputs > 0).double().reshape(15, units).numpy()  # rows of members and examples
    five = 5 * np.sqrt(p * (1 - p) / units)
    assert abs(kept.mean(axis=1) - (1 - p)).max() < five
    together = np.corrcoef(kept) - np.eye(15)
    assert abs(together).max() < 5 / np.sqrt(units)
    assert torch.equal(ensemble.eval()(torch.ones(5, units)), torch.ones(3, 5, units))


def test_dropout_follows_the_seed_of_pytorch_and_is_off_for_validation():
    x, y = examples()
    losses = []
    for seed in (0, 0, 1):
        ensemble = Ensemble.from_seeds(
            lambda s: pytorch.mlp([3, 32, 4], seed=s, dropout=0.5), SEEDS
        )
        sgd = torch.optim.SGD(ensemble.parameters(), lr=0.1)
        torch.manual_seed(seed)
        history = fit(ensemble, x, y, optimizer=sgd, epochs=2, validation=(x, y), seed=SEEDS)
        losses.append(history.train_loss)
        outputs = torch.tensor(predict(ensemble, x))
        for member, loss in zip(outputs, history.validation_loss[:, -1], strict=True):
            expected = nn.functional.cross_entropy(member, torch.tensor(y))
            assert expected.item() == pytest.approx(loss, rel=1e-6)
    np.testing.assert_array_equal(losses[0], losses[1])
    assert (losses[0] != losses[2]).all()


class Masked(nn.Module):
    """Dropout with a mask that is given."""

    def __init__(self, mask, p):
        super().__init__()
        self.p = p
        self.register_buffer("mask", mask)

    def forward(self, x):
        return x * self.mask / (1 - self.p)


def test_with_equal_masks_dropout_learns_what_members_learn_alone():
    x, y = examples()
    masks = torch.rand(3, 8, dtype=torch.float64).round()

    def build(seed):
        middle = nn.Linear(3, 8), Masked(masks[SEEDS.index(seed)], 0.5)
        return nn.Sequential(*middle, nn.Tanh(), nn.Linear(8, 4)).double()

    ensemble = Ensemble.from_seeds(build, SEEDS)
    modules = list(ensemble)
    sgd = torch.optim.SGD(ensemble.parameters(), lr=0.3)
    fit(ensemble, x, y, optimizer=sgd, epochs=EPOCHS, batch_size=BATCH, seed=SEEDS)
    for module, seed in zip(modules, SEEDS, strict=True):
        by_plain_loop(module, torch.optim.SGD(module.parameters(), lr=0.3), seed, x, y)
    check_members(ensemble, modules)
    assert torch.equal(ensemble.stacked[1].mask, masks)


# An ensemble as a module.


def test_members_are_copies_and_come_from_seeds_or_numpy():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    ensemble = Ensemble.from_seeds(lambda seed: nn.Linear(2, 3), SEEDS)
    assert torch.equal(torch.get_rng_state(), state)
    for member, seed in zip(ensemble, SEEDS, strict=True):
        torch.manual_seed(seed)
        assert torch.equal(member.weight, nn.Linear(2, 3).weight)
    with torch.no_grad():
        ensemble[0].weight.zero_()
    assert ensemble[0].weight.all()
    assert len(ensemble) == len(list(ensemble)) == 3
    assert torch.equal(ensemble[-1].bias, ensemble[2].bias)
    replicas = network.mlp([2, 4, 3], "tanh", seed=SEEDS, normalization="batch")
    carried = Ensemble.from_numpy(replicas)
    x = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_allclose(predict(carried, x), replicas(x), rtol=1e-12)
    single = pytorch.to_numpy(carried[1])
    np.testing.assert_array_equal(single.parameters["0.weight"], replicas.parameters["0.weight"][1])


def test_an_ensemble_is_a_module():
    ensemble = Ensemble.from_seeds(built("blocks"), SEEDS)
    twin = copy.deepcopy(ensemble)
    other = Ensemble.from_seeds(built("blocks"), range(3))
    assert not torch.equal(other.stacked[0].weight, twin.stacked[0].weight)
    other.load_state_dict(ensemble.state_dict())
    x = torch.randn(3, 6, 3, dtype=torch.float64)
    assert torch.equal(other(x), twin(x))
    for i, member in enumerate(ensemble):
        torch.testing.assert_close(ensemble(x)[i], member(x[i]), rtol=1e-13, atol=1e-14)
    assert ensemble.float().stacked[0].weight.dtype == torch.float32
    assert [p.shape[0] for p in ensemble.parameters()] == [3] * 8


def test_shared_and_frozen_parameters_stay_so():
    x, y = examples()

    def build(seed):
        first, second = nn.Linear(3, 3), nn.Linear(3, 3)
        second.weight = first.weight
        last = nn.Linear(3, 4).requires_grad_(False)
        return nn.Sequential(first, nn.Tanh(), second, last).double()

    ensemble = Ensemble.from_seeds(build, SEEDS)
    assert ensemble.stacked[2].weight is ensemble.stacked[0].weight
    modules = list(ensemble)
    sgd = torch.optim.SGD(ensemble.parameters(), lr=0.3)
    fit(ensemble, x, y, optimizer=sgd, epochs=EPOCHS, batch_size=BATCH, seed=SEEDS)
    for module, seed in zip(modules, SEEDS, strict=True):
        assert module[2].weight is module[0].weight
        by_plain_loop(module, torch.optim.SGD(module.parameters(), lr=0.3), seed, x, y)
    check_members(ensemble, modules)
    assert not ensemble[0][3].weight.requires_grad


def test_a_training_leaves_the_random_numbers_and_what_is_checked_changes_nothing():
    x, y = examples()
    ensemble = Ensemble.from_seeds(
        lambda s: pytorch.mlp([3, 8, 4], seed=s, normalization="batch", dropout=0.1), SEEDS
    ).eval()
    before, state = copy.deepcopy(ensemble.state_dict()), torch.get_rng_state()
    pytorch.ensembles.check_at_once(ensemble, torch.tensor(x[:2]).float())
    for name, value in ensemble.state_dict().items():
        assert torch.equal(value, before[name])
    assert torch.equal(torch.get_rng_state(), state)
    assert not ensemble.training
    assert all(p.grad is None for p in ensemble.parameters())
    plain = Ensemble.from_seeds(built(), SEEDS)
    fit(plain, x, y, optimizer=torch.optim.SGD(plain.parameters(), lr=0.1))
    assert torch.equal(torch.get_rng_state(), state)


# Errors.


def try_fit(build=None, make=None, **options):
    """Train a small ensemble with something that is wrong."""
    x, y = examples()
    ensemble = Ensemble.from_seeds(build or built(), SEEDS)
    make = make or (lambda e: torch.optim.SGD(e.parameters(), lr=0.1))
    before = copy.deepcopy(ensemble.state_dict())
    try:
        fit(ensemble, options.pop("x", x), y, optimizer=make(ensemble), **options)
    finally:
        for name, value in ensemble.state_dict().items():
            assert torch.equal(value, before[name])


def with_module(module):
    return lambda seed: nn.Sequential(nn.Linear(3, 4), module()).double()


def frozen(seed):
    return built()(seed).requires_grad_(seed == 3)


def evaluating(seed):
    return built()(seed).train(seed == 3)


class Decides(nn.Module):
    """A module that asks for a number in the middle."""

    def forward(self, x):
        return x if x.sum() > 0 else 2 * x


BAD = {
    "none": (lambda: Ensemble([]), ValueError, "no modules", "at least one"),
    "no module": (lambda: Ensemble([nn.ReLU(), "relu"]), TypeError, "module 1 is a str"),
    "settings": (
        lambda: Ensemble([nn.Sequential(nn.Dropout(p)) for p in (0.1, 0.2)]), ValueError,
        "the part '0' is Dropout(p=0.2, inplace=False) in training mode in module 1", "p=0.1",
    ),
    "activations": (
        lambda: Ensemble([nn.Sequential(nn.Linear(2, 2), m) for m in (nn.ReLU(), nn.Tanh())]),
        ValueError, "the part '1' is Tanh() in training mode in module 1 and ReLU()",
    ),
    "more parts": (
        lambda: Ensemble([nn.Sequential(nn.ReLU()), nn.Sequential(nn.ReLU(), nn.ReLU())]),
        ValueError, "the part '1' is ReLU() in training mode in module 1 and missing in module 0",
    ),
    "shapes": (
        lambda: Ensemble([nn.Linear(2, n) for n in (2, 3)]), ValueError, "in_features=2",
        "out_features=3",
    ),
    "dtypes": (
        lambda: Ensemble([nn.Linear(2, 2).to(d) for d in TORCH]), ValueError, "weight is",
        "torch.float64 (2, 2)", "torch.float32 (2, 2)",
    ),
    "frozen": (
        lambda: Ensemble.from_seeds(frozen, SEEDS), ValueError, "0.weight is", "learning",
    ),
    "modes": (
        lambda: Ensemble.from_seeds(evaluating, SEEDS), ValueError, "evaluation mode in module 1",
    ),
    "no seeds": (lambda: Ensemble.from_seeds(built(), []), ValueError, "empty sequence"),
    "seeds": (lambda: Ensemble.from_seeds(built(), [0.5]), TypeError, "expected an integer"),
    "one seed": (
        lambda: Ensemble.from_seeds(built(), 3), TypeError, "seeds is 3", "range(16)",
    ),
    "no builder": (lambda: Ensemble.from_seeds(3, [0]), TypeError, "build is a int", "of a seed"),
    "no replicas": (
        lambda: Ensemble.from_numpy(network.mlp([2, 2])), ValueError, "replicas ()", "from_numpy",
    ),
    "no network": (lambda: Ensemble.from_numpy(nn.ReLU()), TypeError, "network is a ReLU"),
    "device": (
        lambda: Ensemble([nn.ReLU()], device="tpu"), ValueError, "unknown device 'tpu'", "cpu",
    ),
    "meta": (
        lambda: Ensemble([nn.ReLU()], device=torch.device("meta")), ValueError, "no numbers", "cpu",
    ),
    "device, a number": (
        lambda: Ensemble([nn.ReLU()], device=0), TypeError, "device is a int", "'cpu'",
    ),
    "member": (lambda: Ensemble([nn.ReLU()])[1], IndexError, "member 1 of an ensemble of 1"),
    "batches": (
        lambda: Ensemble([nn.ReLU()])(torch.ones(2, 3, 3)), ValueError, "x has shape (2, 3, 3)",
        "(1, batch, features)",
    ),
    "settings of groups": (
        lambda: Ensemble([nn.PReLU()] * 2).groups(lr=[1, 2, 3]), ValueError, "lr is [1, 2, 3]",
        "one number, or 2",
    ),
    "text for groups": (
        lambda: Ensemble([nn.PReLU()]).groups(lr="fast"), TypeError, "lr is 'fast'", "numbers",
    ),
    "orders": (lambda: try_fit(seed=[0, 1]), ValueError, "2 seeds", "replicas (3,)"),
    "own data": (
        lambda: try_fit(x=np.zeros((3, N, 3))), ValueError, "(3, 33, 3)", "(examples, features)",
    ),
    "RReLU": (
        lambda: try_fit(with_module(nn.RReLU)), NotImplementedError, "does not support RReLU",
        "train each by itself",
    ),
    "all batches alike": (
        lambda: try_fit(with_module(lambda: nn.BatchNorm1d(4, momentum=None))),
        NotImplementedError, "does not support BatchNorm1d(4", "momentum=None",
    ),
    "a decision": (
        lambda: try_fit(with_module(Decides)), NotImplementedError, "at once: vmap:",
    ),
    "an optimizer of the whole": (
        lambda: try_fit(make=lambda e: torch.optim.Adafactor(e.parameters())), ValueError,
        "optimizer is a Adafactor", "torch.optim.Adafactor(ensemble.groups())",
    ),
    "another's optimizer": (
        lambda: try_fit(make=lambda e: torch.optim.SGD(e[0].parameters(), lr=0.1)), ValueError,
        "another module",
    ),
    "passages": (
        lambda: pytorch.passages(Ensemble([nn.Linear(2, 2)]), np.ones((1, 2))), TypeError,
        "an Ensemble of 1", "ensemble[0]",
    ),
    "weights": (lambda: pytorch.weights(Ensemble([nn.Linear(2, 2)])), TypeError, "ensemble[0]"),
    "to_numpy": (lambda: pytorch.to_numpy(Ensemble([nn.ReLU()])), TypeError, "a Ensemble"),
}  # fmt: skip
TORCH = torch.float32, torch.float64


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_told_before_anything_is_done(case, refuses):
    refuses(*BAD[case])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_missing_is_told(refuses):
    refuses(
        lambda: Ensemble([nn.Linear(2, 2)], device="cuda"), ValueError, "device is 'cuda'",
        "cannot compute here", "expected one that is here: cpu",
    )  # fmt: skip


def test_a_shape_that_no_member_takes_is_no_matter_of_ensembles():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        try_fit(x=np.ones((N, 5)))
