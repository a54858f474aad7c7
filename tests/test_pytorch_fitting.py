"""`fit` for modules: in step with NumPy, in pieces or stopped early, without side effects."""

import inspect

import numpy as np
import pytest
import torch
from network_helpers import targets_for
from pytorch_helpers import X, Y, normalized, try_fit
from torch import nn

from course_lib import data, network, pytorch, training
from course_lib.network import LOSSES

pytestmark = pytest.mark.usefixtures("one_thread")


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


OPTIMIZERS = {
    "SGD": (lambda: training.SGD(0.3), lambda p: torch.optim.SGD(p, lr=0.3)),
    "Adam": (lambda: training.Adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_trainings_with_the_same_seed_stay_together(activation, loss, optimizer):
    x, y = data.moons(30)
    y = y if loss == "cross_entropy" else targets_for(loss, np.eye(2)[y])
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


def test_training_learns_moons():
    x, y = data.moons(50)
    model = pytorch.mlp([2, 16, 2], "tanh", dtype=torch.float64)
    adam = torch.optim.Adam(model.parameters(), lr=0.05)
    history = pytorch.fit(model, torch.tensor(x), torch.tensor(y), optimizer=adam, epochs=60)
    assert history.train_loss[-1] < 0.5 * history.train_loss[0]
    assert training.accuracy(pytorch.predict(model, x), y) > 0.9


def test_both_fits_have_the_same_arguments():
    ours, theirs = (inspect.signature(module.fit).parameters for module in (training, pytorch))
    assert [*list(ours)[1:], "scheduler"] == list(theirs)[1:]
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


POINTS = np.float32([[0, 1], [1, 0]])


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


@pytest.mark.parametrize("min_delta", [0.0, 0.005])
@pytest.mark.parametrize("patience", [1, 4])
@pytest.mark.parametrize("seed", [0, 1])
def test_early_stopping_ends_with_the_best_epoch_as_in_numpy(seed, patience, min_delta):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 80)
    points = rng.normal(size=(80, 5)) + 0.5 * labels[:, np.newaxis]
    (x, x_valid), (y, y_valid) = np.split(points, [20]), np.split(labels, [20])
    options = {"normalization": "batch", "seed": seed}
    ours = network.mlp([5, 20, 2], "relu", **options)
    model = pytorch.from_numpy(ours)
    options = {"epochs": 40, "batch_size": 10, "validation": (x_valid, y_valid)}
    options |= {"patience": patience, "min_delta": min_delta}
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
    best = second.validation_loss[second.best_epoch - 1]
    assert expected.item() == pytest.approx(best, rel=1e-12)
    assert second.min_delta == min_delta


@pytest.mark.parametrize("patience", [None, 2])
def test_the_callback_is_told_the_same_as_in_numpy_and_ends_the_training(patience):
    x, y = data.moons(20)
    ours = network.mlp([2, 8, 2], "tanh", seed=3)
    model = pytorch.from_numpy(ours)
    told = {"ours": [], "theirs": []}

    def callback(kind, trained):
        def until_five(given, epoch):
            assert given is trained
            told[kind].append(epoch)
            return epoch.number == 5

        return until_five

    options = {"epochs": 9, "batch_size": 10, "validation": (x[::3], y[::3]), "patience": patience}
    training.fit(
        ours, x, y, optimizer=training.SGD(0.5), callback=callback("ours", ours), **options
    )
    sgd = torch.optim.SGD(model.parameters(), lr=0.5)
    history = pytorch.fit(model, x, y, optimizer=sgd, callback=callback("theirs", model), **options)
    assert history.train_loss.shape == (5,)
    assert len(told["theirs"]) == 5
    for one, other in zip(told["ours"], told["theirs"], strict=True):
        assert (one.number, one.steps) == (other.number, other.steps)
        for name in ("train_loss", "validation_loss", "validation_accuracy"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-10)
        assert one.best_epoch == other.best_epoch
        assert other.running


def test_an_error_of_the_callback_leaves_the_best_epoch_so_far():
    x, y = data.moons(20)
    twin, model = (pytorch.mlp([2, 5, 2], dtype=torch.float64) for _ in range(2))
    options = {"batch_size": None, "validation": (x, y), "patience": 9}
    sgd = torch.optim.SGD(twin.parameters(), lr=0.1)
    pytorch.fit(twin, x, y, optimizer=sgd, epochs=3, **options)
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ZeroDivisionError):
        pytorch.fit(
            model, x, y, optimizer=sgd, epochs=9, **options,
            callback=lambda model, epoch: bool(1 / (3 - epoch.number)) and False,
        )  # fmt: skip
    for ours, expected in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(ours.detach(), expected.detach())


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


BAD = {
    "min_delta without patience": (
        lambda: try_fit(min_delta=0.1, validation=(X, Y)), ValueError, "min_delta", "pass patience"
    ),
    "no callback": (lambda: try_fit(callback=3), TypeError, "callback is a int", "lambda network"),
    "an answer of the callback": (
        lambda: try_fit(callback=lambda model, epoch: model), TypeError, "expected True to end"
    ),
    "clip_norm 0": (
        lambda: try_fit(clip_norm=0), ValueError, "clip_norm is 0", "finite number above 0"
    ),
    "clip_value NaN": (
        lambda: try_fit(clip_value=np.nan), ValueError, "clip_value is nan", "finite number above 0"
    ),
    "many seeds": (lambda: try_fit(seed=[0, 1]), TypeError, "[0, 1]", "takes one number"),
    "no examples": (lambda: try_fit(X[:0], Y[:0]), ValueError, "(0, 2)", "at least one example"),
    "unequal lengths": (lambda: try_fit(X, Y[:3]), ValueError, "(3,)", "give one each"),
    "no epochs": (lambda: try_fit(epochs=0), ValueError, "epochs is 0", "integers from 1"),
    "no patience": (
        lambda: try_fit(patience=0, validation=(X, Y)), ValueError, "patience is 0", "from 1 on"
    ),
    "patience for nothing": (
        lambda: try_fit(patience=3), ValueError, "patience is 3", "pass validation=(x, y)"
    ),
    "batches of 0": (lambda: try_fit(batch_size=0), ValueError, "batch_size is 0", "from 1 on"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])
