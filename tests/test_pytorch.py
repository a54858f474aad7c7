"""The PyTorch networks: carried across, trained in step with NumPy, and free of side effects."""

import inspect

import numpy as np
import pytest
import torch
from torch import nn

from course_lib import data, network, pytorch, training
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
# Bad input
# ---------------------------------------------------------------------------------------------

HOMEMADE = Activation("homemade", abs, abs, "", "", (0, 1), 1, False, "")
X, Y = np.zeros((4, 2)), np.zeros(4, int)


class Doubled:
    """A layer of a reader's own."""

    parameters, gradients = {}, {}

    def forward(self, x):
        return 2 * x

    def backward(self, upstream, *, to_input=True):
        return 2 * upstream


class Squeezed(nn.Linear):
    """A module that leaves out an axis."""

    def forward(self, x):
        return super().forward(x)[:, 0]


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
        TypeError, "Dropout1d(p=0.5", "Linear with bias, Flatten, Dropout",
    ),
    "dropout of everything": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.Linear(2, 2), nn.Dropout(1.0))),
        ValueError, "p is 1.0", "from 0 to below 1",
    ),
    "seeds for replicas": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.Linear(2, 2)), seed=[0, 1]),
        TypeError, "[0, 1]", "takes one seed",
    ),
    "no bias": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.Linear(2, 2, bias=False))),
        TypeError, "bias=False", "Linear with bias",
    ),
    "another slope": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(0.3))),
        TypeError, "negative_slope=0.3", "with the catalogue's settings",
    ),
    "another softplus": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.Linear(2, 2), nn.Softplus(beta=2))),
        TypeError, "beta=2", "with the catalogue's settings",
    ),
    "another axis": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=0))),
        TypeError, "Softmax(dim=0)", "with the catalogue's settings",
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
    "a batch norm without weights": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.BatchNorm1d(2, affine=False))),
        TypeError, "affine=False", "BatchNorm1d with weights",
    ),
    "a layer norm over two axes": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.LayerNorm((3, 2)))),
        TypeError, "LayerNorm((3, 2)", "LayerNorm over one axis",
    ),
    "a layer norm without bias": (
        lambda: pytorch.to_numpy(nn.Sequential(nn.LayerNorm(2, bias=False))),
        TypeError, "bias=False", "weight and bias",
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
    "unequal lengths": (lambda: try_fit(X, Y[:3]), ValueError, "(3,)", "give one each"),
    "outputs without their axis": (
        lambda: try_fit(y=Y[:, None], model=Squeezed(2, 1), loss="mean_squared_error"),
        ValueError, "output has shape (4,)", "(..., batch, features)",
    ),
    "outputs with more axes": (
        lambda: try_fit(model=nn.Sequential(nn.Linear(2, 4), nn.Unflatten(1, (2, 2)))),
        ValueError, "outputs of shape (4, 2, 2)", "(batch, outputs)",
    ),
    "no epochs": (lambda: try_fit(epochs=0), ValueError, "epochs is 0", "whole numbers from 1"),
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
