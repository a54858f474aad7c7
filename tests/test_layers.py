"""All layers at the edges: huge, tiny and infinite numbers, float16, axes that parameters lack."""

import warnings
from copy import deepcopy

import numpy as np
import pytest
import torch
from network_helpers import (
    EDGES,
    FLOATS,
    INF,
    LAYERS,
    drop,
    edge_input,
    normalization,
    train,
)
from together import together

from course_lib.diagnostics import diagnose, effective_rank, root_mean_square
from course_lib.network import (
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Network,
    mlp,
)
from course_lib.network.layers.base import BaseLayer, sum_along
from course_lib.training import SGD, Adam, AdamW, Momentum, clip_norm, fit

# ---------------------------------------------------------------------------------------------
# Infinite inputs
# ---------------------------------------------------------------------------------------------


@together("dtype", FLOATS)
@together("training", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_no_layer_warns_at_any_input_and_keeps_shape_and_dtype(name, training, dtype):
    for inputs in EDGES:
        for gradients in EDGES:
            layer, x, grad_output = (
                LAYERS[name](dtype),
                edge_input(inputs, dtype),
                edge_input(gradients, dtype),
            )
            if hasattr(layer, "training"):
                layer.training = training
            with warnings.catch_warnings(), np.errstate(all="raise"):
                warnings.simplefilter("error")
                y = layer.forward(x)
                gradient = layer.backward(grad_output)
            assert y.shape == gradient.shape == x.shape
            assert y.dtype == gradient.dtype == dtype
            for key, value in layer.parameters.items():
                assert layer.gradients[key].shape == value.shape
                assert layer.gradients[key].dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_whole_network_and_its_diagnosis_do_not_warn_at_infinity(dtype):
    network = mlp([4, 6, 6, 2], normalization="layer", dropout=0.2, residual=True, dtype=dtype)
    for name in EDGES:
        x = edge_input(name, dtype)
        with np.errstate(all="raise"):
            outputs = network(x, training=True)
            network.backward(np.ones_like(outputs))
            root_mean_square(x)
            effective_rank(x)
            root_mean_square([[1e-320, 1e-310], [INF, 1e300]])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[INF, 1e308]], INF), ([[-INF, INF]], INF), ([[np.nan, INF]], np.nan),
        ([[1e308, 1e308]], 1e308), ([[1e-320, 1e-320]], 1e-320), ([[0.0, 0.0]], 0.0),
    ],
)  # fmt: skip
def test_the_root_mean_square_at_the_edges(values, expected):
    with np.errstate(all="raise"):
        found = root_mean_square(values)
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_a_diagnosis_of_a_network_that_exploded_is_reported_without_a_warning():
    network = mlp([4, 6, 6, 2], "tanh")
    network.parameters["0.weight"][...] = 1e308
    with np.errstate(all="raise"):
        found = diagnose(network, edge_input("normal", float), [0, 1], optimizer=SGD(0.1))
    assert found.preactivation[0] == INF


# ---------------------------------------------------------------------------------------------
# float16
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [SGD(0.1), Momentum(0.1)], ids=["SGD", "Momentum"])
def test_float16_with_a_dead_unit_stays_finite(optimizer):
    rng = np.random.default_rng(0)
    arrays = {"w": rng.normal(size=(3, 4)).astype(np.float16)}
    for _ in range(20):
        gradient = rng.normal(size=(3, 4)).astype(np.float16)
        gradient[:, 1] = 0
        optimizer.step(arrays, {"w": gradient})
    assert np.isfinite(arrays["w"]).all()
    assert arrays["w"].dtype == np.float16


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_adam_rejects_float16_before_it_moves_anything(kind, refuses):
    arrays = {"a": np.ones((1, 2), np.float32), "b": np.ones((1, 2), np.float16)}
    optimizer = kind(0.1)
    refuses(lambda: optimizer.step(arrays, arrays), TypeError, "b is float16", "SGD or Momentum")
    assert optimizer.steps == 0
    assert (arrays["a"] == 1).all()


@pytest.mark.parametrize("layer", [LAYERS["Dense"](np.float16), LAYERS["LayerNorm"](np.float16)])
def test_sums_over_a_long_float16_batch_do_not_stop_at_2048(layer):
    layer.forward(np.ones((4096, 4), np.float16))
    layer.backward(np.ones((4096, 4), np.float16))
    np.testing.assert_array_equal(layer.gradients["bias"], np.full((1, 4), 4096, np.float16))
    if isinstance(layer, Dense):
        np.testing.assert_array_equal(layer.gradients["weight"], np.full((4, 4), 4096))


def test_the_norm_of_many_float16_gradients_does_not_overflow():
    gradients = {"w": np.full((300, 300), 1.0, np.float16)}
    assert clip_norm(gradients, 3.0) == 300
    np.testing.assert_allclose(gradients["w"], 0.01, rtol=1e-3)
    assert gradients["w"].dtype == np.float16


def test_a_float16_network_trains_where_its_numbers_fit():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 2)).astype(np.float16)
    layers = mlp([2, 8, 2], "tanh", normalization="layer").layers
    for layer in layers:
        for name, value in layer.parameters.items():
            layer.parameters[name] = value.astype(np.float16)
    network = Network(layers)
    y = (x[:, 0] > 0).astype(int)
    history = fit(network, x, y, optimizer=SGD(0.1), epochs=20)
    assert history.train_loss[-1] < history.train_loss[0] / 2
    with pytest.raises(TypeError, match="is float16, in which the squares of gradients"):
        fit(network, x, y, optimizer=Adam())


# ---------------------------------------------------------------------------------------------
# Leading axes that the parameters lack
# ---------------------------------------------------------------------------------------------

LEARNING = ["Dense", "PReLU", "PReLU, shared", "LayerNorm", "BatchNorm"]


@together("own", [(), (1,), (3,), (1, 3), (2, 1)])
@together("name", LEARNING)
def test_gradients_are_summed_over_the_axes_that_parameters_lack(name, own):
    layer = LAYERS[name](np.float64, own)
    rng = np.random.default_rng(0)
    x, grad_output = rng.normal(size=(2, 2, 3, 5, 4))
    y = layer.forward(x)
    assert y.shape == x.shape
    assert layer.backward(grad_output).shape == x.shape
    sums = {key: np.zeros(np.broadcast_shapes(v.shape, (2, 3, 1, 1))) for key, v in
            layer.parameters.items()}  # fmt: skip
    for index in np.ndindex(2, 3):
        alone = LAYERS[name](np.float64)
        np.testing.assert_allclose(y[index], alone.forward(x[index]), rtol=1e-12)
        alone.backward(grad_output[index])
        for key, total in sums.items():
            total[index] = alone.gradients[key]
    for key, total in sums.items():
        shape = layer.parameters[key].shape
        lengths = (*((1,) * (2 - len(own))), *own)
        axes = tuple(i for i, n in enumerate(lengths) if n == 1)
        expected = total.sum(axis=axes, keepdims=True).reshape(shape)
        np.testing.assert_allclose(layer.gradients[key], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["Dense", "LayerNorm", "PReLU"])
def test_gradients_with_leading_axes_equal_pytorch(name):
    rng = np.random.default_rng(1)
    x, grad_output = rng.normal(size=(2, 3, 5, 4))
    layer = LAYERS[name](np.float64)
    layer.forward(x)
    gradient = layer.backward(grad_output)
    leaf = torch.tensor(x, requires_grad=True)
    theirs = {key: torch.tensor(v, requires_grad=True) for key, v in layer.parameters.items()}
    if name == "Dense":
        y = leaf @ theirs["weight"] + theirs["bias"]
    elif name == "LayerNorm":
        y = torch.nn.functional.layer_norm(leaf, (4,)) * theirs["weight"] + theirs["bias"]
    else:
        y = torch.where(leaf > 0, leaf, leaf * theirs["weight"])
    y.backward(torch.tensor(grad_output))
    np.testing.assert_allclose(gradient, leaf.grad, rtol=1e-9, atol=1e-12)
    for key, value in theirs.items():
        np.testing.assert_allclose(layer.gradients[key], value.grad, rtol=1e-9, atol=1e-12)


Z = np.zeros((5, 4))
MISSHAPEN = {
    "features": (lambda: LAYERS["Dense"](float).forward(Z[:, :3]), ValueError, "(5, 3)", "Dense"),
    "features to normalize": (
        lambda: normalization(LayerNorm, 1, float).forward(Z), ValueError, "(5, 4)", "(batch, 1)"
    ),
    "features of slopes": (
        lambda: LAYERS["PReLU"](float).forward(Z[:, :3]), ValueError, "PReLU got", "(batch, 4)"
    ),
    "one axis": (lambda: LAYERS["Dense"](float).forward(Z[0]), ValueError, "(4,)", "(batch, 4)"),
    "one axis, shared": (
        lambda: LAYERS["PReLU, shared"](float).forward(Z[0]), ValueError, "(4,)", "features"
    ),
    "one axis to drop": (lambda: drop(Dropout).forward(Z[0]), ValueError, "(4,)", "features"),
    "a list": (lambda: LAYERS["Dense"](float).forward([[0.0]]), TypeError, "a list", "an array"),
    "other replicas": (
        lambda: LAYERS["Dense"](float, (3,)).forward(np.zeros((2, 5, 4))),
        ValueError, "(2, 5, 4)", "its replicas, (3,)",
    ),
    "other replicas to drop": (
        lambda: drop_replicas().forward(np.zeros((2, 5, 4))), ValueError, "(2, 5, 4)", "(3,)"
    ),
    "batches of a shared normalization": (
        lambda: train(normalization(BatchNorm, 4, float)).forward(np.zeros((2, 5, 4))),
        ValueError, "(2, 5, 4)", "running averages, of shape (1, 4), lack",
    ),
    "a gradient of another shape": (
        lambda: there_and_back("Dense", Z, Z[:1]), ValueError, "gradient of shape (1, 4)", "(5, 4)"
    ),
    "a gradient without replicas": (
        lambda: there_and_back("LayerNorm", Z, Z, (2,)), ValueError, "(5, 4)", "(2, 5, 4)"
    ),
    "a gradient of slopes": (
        lambda: there_and_back("PReLU", Z, Z[:, :1]), ValueError, "PReLU got a gradient", "(5, 4)"
    ),
}  # fmt: skip


def drop_replicas():
    return train(Dropout([0.1, 0.2, 0.3]))


def there_and_back(name, x, grad_output, own=()):
    layer = LAYERS[name](float, own)
    layer.forward(x)
    layer.backward(grad_output)


@pytest.mark.parametrize("case", MISSHAPEN)
def test_what_does_not_fit_a_layer_is_told_in_words(case, refuses):
    refuses(*MISSHAPEN[case])


# ---------------------------------------------------------------------------------------------
# Running averages that are infinite, and replicas that begin at a PReLU
# ---------------------------------------------------------------------------------------------


class Bias(BaseLayer):
    """A layer of a user's own, from the base class."""

    _remembered = ("_output_shape",)

    def forward(self, x):
        self._check_input(x, self.parameters["weight"].shape[-1])
        y = x + self.parameters["weight"]
        self._output_shape = y.shape
        return y

    def backward(self, grad_output, *, to_input=True):
        self._check_backward(grad_output)
        self._set_gradient("weight", grad_output.sum(axis=-2, keepdims=True))
        return grad_output if to_input else None


def test_the_base_class_sums_gradients_forgets_and_checks(refuses):
    layer = Bias(weight=np.zeros((1, 4)))
    refuses(lambda: layer.backward(Z), RuntimeError, "before forward")
    layer.forward(np.zeros((3, 5, 4)))
    layer.backward(np.ones((3, 5, 4)))
    np.testing.assert_array_equal(layer.gradients["weight"], np.full((1, 4), 15))
    refuses(lambda: layer.backward(Z), ValueError, "Bias got a gradient of shape (5, 4)")
    refuses(lambda: layer.backward([[1.0]]), TypeError, "grad_output is a list", "an array")
    refuses(lambda: layer.forward(Z[:, :3]), ValueError, "Bias got an input", "(batch, 4)")
    refuses(lambda: deepcopy(layer).backward(Z), RuntimeError, "before forward")


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(64, 64, 16), (3, 50, 2), (2, 3, 9, 64), (1, 7, 5), (4, 1, 3)])
def test_sums_of_short_rows_have_the_bits_of_numpys_sum(shape, dtype):
    rng = np.random.default_rng(0)
    values = (rng.normal(size=shape) * 10.0 ** rng.integers(-3, 4, shape)).astype(dtype)
    for given in (values, values.mT.copy().mT, np.broadcast_to(values[:1], shape)):
        wide = given.astype(np.float32) if dtype == np.float16 else given
        expected = wide.sum(axis=-2, keepdims=True).astype(dtype)
        np.testing.assert_array_equal(sum_along(given, (-2,)), expected)
