"""Layers at the edges: constant, huge, tiny and infinite numbers, float16, and axes that lack.

The oracles are exact fractions, square roots with 60 digits, limits taken with large finite numbers
in mpmath, and sums over the axis by hand.
"""

import warnings
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch

from course_lib.diagnostics import diagnose, effective_rank, root_mean_square
from course_lib.network import (
    Activate,
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Network,
    PReLU,
    Residual,
    mlp,
)
from course_lib.training import SGD, Adam, AdamW, Momentum, clip_norm, fit

FLOATS = [np.float16, np.float32, np.float64]
INF = np.inf


def normalization(kind, features, dtype, leading=(), **options):
    """Return a layer with weights 1 and biases 0."""
    shape = (*leading, 1, features)
    return kind(np.ones(shape, dtype), np.zeros(shape, dtype), **options)


def normalize(kind, numbers, dtype, eps=1e-5):
    """Return what a layer makes of one row of numbers, which is a column for a batch."""
    row = np.array([numbers], dtype)
    if kind is LayerNorm:
        return normalization(kind, row.size, dtype, eps=eps).forward(row)[0]
    layer = normalization(kind, 1, dtype, eps=eps)
    layer.training = True
    return layer.forward(row.T)[:, 0]


def exactly(numbers, eps):
    """Return the normalized numbers, mean and variance, from fractions."""
    exact = [Fraction(float(number)) for number in numbers]
    mean = sum(exact) / len(exact)
    variance = sum((number - mean) ** 2 for number in exact) / len(exact)
    with mpmath.workdps(60):
        total = variance + Fraction(eps)
        root = mpmath.sqrt(mpmath.mpf(total.numerator) / total.denominator)
        normalized = [
            float(mpmath.mpf((n - mean).numerator) / (n - mean).denominator / root) for n in exact
        ]
    return normalized, mean, variance


ROWS = {
    "ordinary": [0.3, -1.2, 2.5, 0.1],
    "a thousandth about 4096": 4096 + np.sin(np.arange(100.0)),
    "an offset far beyond the deviation": 1e4 + 8 * np.arange(5.0),
    "the last bit": [1.0, 1 + 2.0**-10, 1.0],
    "300": [300.0, -300.0, 100.0, 250.0],
    "the largest of float16": [65504.0, -65504.0, 65504.0],
    "tiny": [6e-8, 0.0, 3e-7],
    "1e20": [1e20, 2e20, -1e20],
    "the largest of float32": [3e38, -3e38, 2e38],
    "subnormal in float32": [1e-45, 0.0, 3e-44],
    "1e200": [1e200, 2e200, -1e200],
    "the largest of float64": [1.7e308, 1.7e308, -1.7e308, 1e308],
    "an outlier": [1e10, 1.0, 2.0, 3.0],
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm])
@pytest.mark.parametrize("name", ROWS)
def test_normalized_rows_equal_fractions(name, kind, dtype):
    with np.errstate(over="ignore", under="ignore"):
        row = np.array(ROWS[name], dtype)
    if not np.isfinite(row).all():
        return  # not a row of this dtype
    expected, _, _ = exactly(row, 1e-5)
    ours = normalize(kind, row, dtype)
    assert ours.dtype == dtype
    eps = np.finfo(dtype).eps
    tiny = float(np.finfo(dtype).smallest_subnormal)
    # float64 also rounds what it computes with: mean, variance, root and product
    allowed = (8 if dtype == np.float64 else 0.51) * eps
    np.testing.assert_allclose(ours.astype(float), expected, rtol=allowed, atol=tiny + eps / 50)


@pytest.mark.parametrize("eps", [1e-5, 1e-30, 1e-300])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm])
@pytest.mark.parametrize("n", [2, 3, 100, 1000])
def test_equal_numbers_are_exactly_0(n, kind, dtype, eps):
    largest = float(np.finfo(dtype).max)
    for number in (98765.4, 0.1, -3.3, 1e20, largest, 1e-7, 0.0):
        if abs(number) <= largest:
            assert not normalize(kind, [number] * n, dtype, eps).any(), number


def test_a_row_of_equal_float32_numbers_is_not_what_pytorch_gives():
    """The finding behind it: the mean of 100 equal float32 numbers, in float32, is another one."""
    row = np.full((1, 100), 98765.4, np.float32)
    assert (row.mean(axis=-1) != row[:, 0]).any()
    assert not normalize(LayerNorm, row[0], np.float32).any()


@pytest.mark.parametrize("eps", [1e-290, 1e-310])
def test_a_tiny_epsilon_counts_beside_tiny_variances(eps):
    row = np.array([3e-155, 1e-155, -5e-156])
    expected, _, _ = exactly(row, eps)
    np.testing.assert_allclose(normalize(LayerNorm, row, np.float64, eps), expected, rtol=1e-14)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", [1.0, 300.0, 1e20, 1e38])
def test_running_averages_and_evaluation_are_right_where_squares_overflow(size, dtype):
    rng = np.random.default_rng(0)
    with np.errstate(over="ignore"):
        x = (size * rng.normal(3, 1, (50, 2)) / 4).astype(dtype)
    if not np.isfinite(x).all():
        return
    layer = normalization(BatchNorm, 2, dtype, momentum=1.0)
    layer.training = True
    layer.forward(x)
    layer.training = False
    outputs = layer.forward(x)
    assert outputs.dtype == dtype
    for i in range(2):
        _, mean, variance = exactly(x[:, i], 1e-5)
        np.testing.assert_allclose(layer.running_mean[0, i], float(mean), rtol=1e-14)
        unbiased = float(variance * 50 / 49)
        np.testing.assert_allclose(layer.running_variance[0, i], unbiased, rtol=1e-13)
        expected = (x[:, i].astype(float) - float(mean)) / np.sqrt(unbiased + 1e-5)
        np.testing.assert_allclose(outputs[:, i], expected, rtol=2 * np.finfo(dtype).eps, atol=1e-9)


def test_a_replica_is_not_moved_by_the_huge_numbers_of_another():
    x = np.random.default_rng(0).normal(size=(3, 5, 4))
    x[0] *= 1e200
    x[1, 2, 3] = INF
    for kind in (LayerNorm, BatchNorm):
        together, alone = normalization(kind, 4, np.float64, (3,)), normalization(kind, 4, float)
        together.training = alone.training = True
        np.testing.assert_array_equal(together.forward(x)[2], alone.forward(x[2]))


# ---------------------------------------------------------------------------------------------
# Infinite inputs
# ---------------------------------------------------------------------------------------------


def limit(numbers):
    """Return what a normalization tends to as all infinities of a row grow alike."""
    with mpmath.workdps(80):
        large = mpmath.mpf(10) ** 40
        row = [mpmath.sign(n) * large if abs(n) == INF else mpmath.mpf(n) for n in numbers]
        mean = mpmath.fsum(row) / len(row)
        variance = mpmath.fsum([(n - mean) ** 2 for n in row]) / len(row)
        root = mpmath.sqrt(variance + mpmath.mpf(10) ** -5)
        return [float(mpmath.chop((n - mean) / root, 1e-30)) for n in row]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm])
@pytest.mark.parametrize(
    "row",
    [[INF, 1, 2], [-INF, 0, 5, 5], [INF, -INF, 3], [INF, INF, 1, -1], [INF, INF], [-INF] * 3],
    ids=str,
)
def test_infinite_inputs_of_a_normalization_give_the_limit(row, kind, dtype):
    ours = normalize(kind, row, dtype)
    np.testing.assert_allclose(ours, limit(row), rtol=2 * np.finfo(dtype).eps, atol=1e-30)


@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm])
def test_a_nan_stays_one_beside_infinities(kind):
    assert np.isnan(normalize(kind, [np.nan, INF, 1.0], np.float64)).all()


def test_an_infinite_row_has_gradient_0_as_its_outputs_no_longer_move():
    layer = normalization(LayerNorm, 3, np.float64)
    layer.forward(np.array([[INF, 1.0, 2.0], [1.0, 2.0, 4.0]]))
    gradient = layer.backward(np.array([[1.0, 2.0, 3.0]] * 2))
    np.testing.assert_array_equal(gradient[0], 0)
    assert (gradient[1] != 0).all()


def test_evaluation_at_infinity_keeps_the_sign_and_a_weight_of_0_the_bias():
    layer = BatchNorm(np.array([[2.0, -1.0, 0.0]]), np.array([[0.5, 0.5, 0.5]]))
    np.testing.assert_array_equal(layer.forward(np.full((1, 3), INF)), [[INF, -INF, 0.5]])


def drop(kind, dtype=np.float64):
    layer = kind(0.5, seed=1)
    layer.training = True
    return layer


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("worst", [INF, -INF, np.nan])
@pytest.mark.parametrize("kind", [Dropout, AlphaDropout])
def test_what_is_dropped_is_the_same_whatever_it_was(kind, worst, dtype):
    finite, endless = (drop(kind).forward(np.full((4, 8), v, dtype)) for v in (1.0, worst))
    dropped = finite == finite.min()
    assert 0 < dropped.sum() < dropped.size
    np.testing.assert_array_equal(endless[dropped], finite[dropped])
    np.testing.assert_array_equal(endless[~dropped], dtype(worst))
    layer = drop(kind)
    layer.forward(np.ones((4, 8), dtype))
    gradient = layer.backward(np.full((4, 8), worst, dtype))
    np.testing.assert_array_equal(gradient[dropped], 0)
    np.testing.assert_array_equal(gradient[~dropped], dtype(worst))
    assert gradient.dtype == dtype


LAYERS = {
    "Dense": lambda dtype, own=(): Dense(
        np.full((*own, 4, 4), 0.5, dtype), np.full((*own, 1, 4), 0.1, dtype)
    ),
    "relu": lambda dtype, own=(): Activate("relu"),
    "gelu": lambda dtype, own=(): Activate("gelu"),
    "sigmoid": lambda dtype, own=(): Activate("sigmoid"),
    "PReLU": lambda dtype, own=(): PReLU(np.full((*own, 1, 4), 0.25, dtype)),
    "PReLU, shared": lambda dtype, own=(): PReLU(np.full((*own, 1, 1), 0.25, dtype)),
    "BatchNorm": lambda dtype, own=(): normalization(BatchNorm, 4, dtype, own),
    "LayerNorm": lambda dtype, own=(): normalization(LayerNorm, 4, dtype, own),
    "Dropout": lambda dtype, own=(): Dropout(0.5, seed=2),
    "AlphaDropout": lambda dtype, own=(): AlphaDropout(0.5, seed=2),
    "Residual": lambda dtype, own=(): Residual([LAYERS["Dense"](dtype, own), Activate("relu")]),
    "Residual with norm": lambda dtype, own=(): Residual([LAYERS["BatchNorm"](dtype, own)]),
}
SIGNALS = {
    "normal": [[0.5, -1.5, 2.0, 0.25], [1.0, 3.0, -0.5, 0.75]],
    "largest": [[1, -1, 0.5, 0.9], [0.8, -0.7, 1, 1]],
    "subnormal": [[1, 3, 0, 2], [5, 1, 1, 0]],
    "infinite": [[INF, -INF, INF, 1], [0, 1, INF, -INF]],
    "one infinity": [[INF, 0, 1, 2], [0, 1, 2, -3]],
    "nan": [[np.nan, 0, 1, 2], [INF, 1, 2, 3]],
}


def signal(name, dtype):
    info = np.finfo(dtype)
    factors = {"largest": info.max, "subnormal": info.smallest_subnormal}
    return np.array(SIGNALS[name], dtype) * factors.get(name, dtype(1))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("name", LAYERS)
def test_no_layer_warns_at_any_input_and_keeps_shape_and_dtype(name, training, dtype):
    for inputs in SIGNALS:
        for gradients in SIGNALS:
            layer, x, grad_output = (
                LAYERS[name](dtype),
                signal(inputs, dtype),
                signal(gradients, dtype),
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


def test_a_matrix_product_of_infinities_follows_the_rules_of_floats():
    layer = Dense(np.array([[0.0, 1.0, -1.0], [1.0, 1.0, 1.0]]), np.zeros((1, 3)))
    with np.errstate(all="raise"):
        y = layer.forward(np.array([[INF, 1.0], [INF, INF]]))
    np.testing.assert_array_equal(y, [[np.nan, INF, -INF], [np.nan, INF, np.nan]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_whole_network_and_its_diagnosis_do_not_warn_at_infinity(dtype):
    network = mlp([4, 6, 6, 2], normalization="layer", dropout=0.2, residual=True, dtype=dtype)
    for name in SIGNALS:
        x = signal(name, dtype)
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


def test_a_diagnosis_of_a_network_that_exploded_is_told_without_a_warning():
    network = mlp([4, 6, 6, 2], "tanh")
    network.parameters["0.weight"][...] = 1e308
    with np.errstate(all="raise"):
        found = diagnose(network, signal("normal", float), [0, 1], optimizer=SGD(0.1))
    assert found.preactivation[0] == INF


# ---------------------------------------------------------------------------------------------
# float16
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [SGD(0.1), Momentum(0.1)], ids=["SGD", "Momentum"])
def test_float16_with_a_dead_unit_stays_finite(rule):
    rng = np.random.default_rng(0)
    arrays = {"w": rng.normal(size=(3, 4)).astype(np.float16)}
    for _ in range(20):
        gradient = rng.normal(size=(3, 4)).astype(np.float16)
        gradient[:, 1] = 0
        rule.step(arrays, {"w": gradient})
    assert np.isfinite(arrays["w"]).all()
    assert arrays["w"].dtype == np.float16


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_adam_refuses_float16_before_it_moves_anything(kind, refuses):
    arrays = {"a": np.ones((1, 2), np.float32), "b": np.ones((1, 2), np.float16)}
    rule = kind(0.1)
    refuses(lambda: rule.step(arrays, arrays), TypeError, "b is float16", "SGD or Momentum")
    assert rule.steps == 0
    assert (arrays["a"] == 1).all()


@pytest.mark.parametrize("layer", [LAYERS["Dense"](np.float16), LAYERS["LayerNorm"](np.float16)])
def test_sums_over_a_long_float16_batch_do_not_stop_at_2048(layer):
    layer.forward(np.ones((4096, 4), np.float16))
    layer.backward(np.ones((4096, 4), np.float16))
    np.testing.assert_array_equal(layer.gradients["bias"], np.full((1, 4), 4096, np.float16))
    if isinstance(layer, Dense):
        np.testing.assert_array_equal(layer.gradients["weight"], np.full((4, 4), 4096))


def test_slopes_sum_over_a_long_float16_batch():
    layer = LAYERS["PReLU"](np.float16)
    layer.forward(-np.ones((4096, 4), np.float16))
    layer.backward(np.ones((4096, 4), np.float16))
    np.testing.assert_array_equal(layer.gradients["weight"], np.full((1, 4), -4096))


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


@pytest.mark.parametrize("own", [(), (1,), (3,), (1, 3), (2, 1)], ids=str)
@pytest.mark.parametrize("name", LEARNING)
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
        ValueError, "(2, 5, 4)", "those of its weight, (3,)",
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


def train(layer):
    layer.training = True
    return layer


def drop_replicas():
    return train(Dropout([0.1, 0.2, 0.3]))


def there_and_back(name, x, grad_output, own=()):
    layer = LAYERS[name](float, own)
    layer.forward(x)
    layer.backward(grad_output)


@pytest.mark.parametrize("case", MISSHAPEN)
def test_what_does_not_fit_a_layer_is_told_in_words(case, refuses):
    refuses(*MISSHAPEN[case])


def test_evaluation_takes_leading_axes_that_running_averages_lack():
    layer = normalization(BatchNorm, 4, float)
    x = np.random.default_rng(0).normal(size=(3, 5, 4))
    y = layer.forward(x)
    for i in range(3):
        np.testing.assert_array_equal(y[i], layer.forward(x[i]))


def test_a_derived_layer_with_a_forward_of_its_own_goes_back():
    class Halved(Dense):
        def forward(self, x):
            self._x = x
            return x @ self.parameters["weight"] / 2

    layer = Halved(np.ones((2, 3)), np.zeros((1, 3)))
    layer.forward(np.ones((4, 2)))
    assert layer.backward(np.ones((4, 3))).shape == (4, 2)
    assert layer.gradients["weight"].shape == (2, 3)


# ---------------------------------------------------------------------------------------------
# Running averages that are infinite, and replicas that begin at a PReLU
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.0, 0.1, 0.5, 1.0])
def test_an_infinite_running_variance_is_infinite_and_no_nan(momentum):
    layer = train(normalization(BatchNorm, 1, float, momentum=momentum))
    layer.forward(np.array([[1e200], [-1e200]]))
    assert layer.running_variance.item() == (INF if momentum else 1)
    layer.forward(np.array([[1.0], [3.0]]))
    # mean 2 and unbiased variance 2
    assert layer.running_variance.item() == {0: 1, 1: 2}.get(momentum, INF)
    assert layer.running_mean.item() == pytest.approx(2 * momentum, rel=1e-15)
    layer.training = False
    if momentum in (0.1, 0.5):
        np.testing.assert_array_equal(layer.forward(np.array([[7.0]])), 0)


def test_running_means_far_apart_do_not_overflow_in_their_difference():
    layer = train(normalization(BatchNorm, 1, float, momentum=0.5))
    layer.running_mean[...] = 1.5e308
    layer.forward(np.full((2, 1), -1.5e308))
    np.testing.assert_array_equal(layer.running_mean, 0)


@pytest.mark.parametrize("in_block", [False, True], ids=["in a row", "in a block"])
@pytest.mark.parametrize("slopes", [1, 3], ids=["shared", "each feature"])
def test_replicas_that_begin_at_a_prelu_equal_networks_alone(slopes, in_block):
    rng = np.random.default_rng(0)
    first = PReLU(rng.normal(size=(5, 1, slopes)))
    square = Dense(rng.normal(size=(5, 3, 3)), rng.normal(size=(5, 1, 3)))
    last = Dense(rng.normal(size=(5, 3, 2)), rng.normal(size=(5, 1, 2)))
    layers = [Residual([first, square]), last] if in_block else [first, square, last]
    network, x, y = Network(layers), rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    assert network(x).shape == (5, 6, 2)
    _, gradients = network.loss_and_gradients(x, y, "mean_squared_error")
    for i in range(5):
        alone = network.replica(i)
        np.testing.assert_allclose(network(x)[i], alone(x), rtol=1e-13)
        _, own = alone.loss_and_gradients(x, y, "mean_squared_error")
        for name, value in own.items():
            np.testing.assert_allclose(gradients[name][i], value, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("size", [1e-300, 1e-310, 1e-200, -1e-160])
@pytest.mark.parametrize("n", [3, 7, 10, 100])
def test_equal_numbers_whose_squares_vanish_give_exactly_the_bias(n, size):
    np.testing.assert_array_equal(normalize(LayerNorm, [size] * n, np.float64), 0)


@pytest.mark.parametrize("batch", [[[1e200], [-1e200]], [[np.inf], [0.0]]])
def test_infinite_averages_give_the_bias_in_evaluation(batch):
    layer = BatchNorm(np.full((1, 1), 2.0), np.full((1, 1), 3.0))
    layer.training = True
    layer.forward(np.array(batch))
    layer.forward(np.array([[1.0], [2.0]]))
    layer.training = False
    np.testing.assert_array_equal(layer.forward(np.array([[1.0], [np.nan]])), [[3.0], [np.nan]])
