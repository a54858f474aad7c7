"""Normalization: exact fractions, limits at infinity, running averages, bad input.

The oracles are exact fractions, square roots with 60 digits, and limits taken with large finite
numbers in mpmath.
"""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from network_helpers import (
    FLOATS,
    INF,
    normalization,
    train,
)
from together import together

from course_lib.network import (
    BatchNorm,
    LayerNorm,
    mlp,
)


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


@together("dtype", FLOATS)
@together("kind", [LayerNorm, BatchNorm])
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


@together("eps", [1e-5, 1e-30, 1e-300])
@together("dtype", FLOATS)
@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm])
@together("n", [2, 3, 100, 1000])
def test_equal_numbers_are_exactly_0(n, kind, dtype, eps):
    largest = float(np.finfo(dtype).max)
    for number in (98765.4, 0.1, -3.3, 1e20, largest, 1e-7, 0.0):
        if abs(number) <= largest:
            assert not normalize(kind, [number] * n, dtype, eps).any(), number


@together("size", [1e-300, 1e-310, 1e-200, -1e-160])
@together("n", [3, 7, 10, 100])
def test_equal_numbers_whose_squares_vanish_give_exactly_the_bias(n, size):
    np.testing.assert_array_equal(normalize(LayerNorm, [size] * n, np.float64), 0)


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


def test_a_batch_is_normalized_for_each_replica_and_feature_by_itself():
    layer = BatchNorm(np.ones((2, 1, 3)), np.zeros((2, 1, 3)))
    layer.training = True
    x = np.random.default_rng(0).normal([1, 10, 100], [0.1, 1, 10], size=(2, 50, 3))
    first = layer.forward(x)
    np.testing.assert_allclose(first.mean(axis=1), 0, atol=1e-13)
    # eps makes the variance smaller by its fraction of the batch's variance
    shrunk = x.var(axis=1) / (x.var(axis=1) + 1e-5)
    np.testing.assert_allclose(first.var(axis=1), shrunk, rtol=1e-12)
    x[1] *= 1e6
    np.testing.assert_array_equal(layer.forward(x)[0], first[0])


def test_a_replica_is_not_moved_by_the_huge_numbers_of_another():
    x = np.random.default_rng(0).normal(size=(3, 5, 4))
    x[0] *= 1e200
    x[1, 2, 3] = INF
    for kind in (LayerNorm, BatchNorm):
        together, alone = normalization(kind, 4, np.float64, (3,)), normalization(kind, 4, float)
        together.training = alone.training = True
        np.testing.assert_array_equal(together.forward(x)[2], alone.forward(x[2]))


@pytest.mark.parametrize(("kind", "axis"), [(BatchNorm, -2), (LayerNorm, -1)])
def test_a_replica_keeps_its_epsilon(kind, axis):
    own = normalization(kind, 4, np.float64, (3,), eps=0.5).replica(1)
    own.training = True
    x = np.random.default_rng(0).normal(size=(5, 4))
    expected = (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 0.5)
    np.testing.assert_allclose(own.forward(x), expected, rtol=1e-13)


@pytest.mark.parametrize("kind", [BatchNorm, LayerNorm])
def test_settings_from_numpy_leave_float32_what_it_is(kind):
    averages = {"momentum": np.float64(0.3)} if kind is BatchNorm else {}
    options = {"eps": np.float64(1e-3)} | averages
    layer = kind(np.ones((1, 3), np.float32), np.zeros((1, 3), np.float32), **options)
    layer.training = True
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    assert layer.forward(x).dtype == layer.backward(x).dtype == np.float32
    assert layer.forward(x).dtype == np.float32  # with averages that have moved


# ---------------------------------------------------------------------------------------------
# Running averages
# ---------------------------------------------------------------------------------------------


def test_running_averages_come_near_the_statistics_of_the_data():
    layer = BatchNorm(np.ones((1, 2)), np.zeros((1, 2)))
    layer.training = True
    x = np.random.default_rng(0).normal([3, -1], [2, 0.5], size=(10, 2))
    for _ in range(300):  # 0.9 to the power of 300 is 2e-14
        layer.forward(x)
    np.testing.assert_allclose(layer.running_mean[0], x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(layer.running_variance[0], x.var(axis=0, ddof=1), rtol=1e-12)


@together("dtype", FLOATS)
@together("size", [1.0, 300.0, 1e20, 1e38])
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


def test_evaluation_takes_leading_axes_that_running_averages_lack():
    layer = normalization(BatchNorm, 4, float)
    x = np.random.default_rng(0).normal(size=(3, 5, 4))
    y = layer.forward(x)
    for i in range(3):
        np.testing.assert_array_equal(y[i], layer.forward(x[i]))


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


@pytest.mark.parametrize("batch", [[[1e200], [-1e200]], [[np.inf], [0.0]]])
def test_infinite_averages_give_the_bias_in_evaluation(batch):
    layer = BatchNorm(np.full((1, 1), 2.0), np.full((1, 1), 3.0))
    layer.training = True
    layer.forward(np.array(batch))
    layer.forward(np.array([[1.0], [2.0]]))
    layer.training = False
    np.testing.assert_array_equal(layer.forward(np.array([[1.0], [np.nan]])), [[3.0], [np.nan]])


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


@together("dtype", FLOATS)
@together("kind", [LayerNorm, BatchNorm])
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


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------


W, B = np.ones((2, 3)), np.zeros((1, 3))


Z = np.zeros((4, 2))


BAD = {  # what is done -> error, what was given, what is expected
    "a flat weight": (
        lambda: BatchNorm(B[0], B[0]), ValueError, "(3,)", "(..., 1, features) for both"
    ),
    "a bias of another shape": (
        lambda: LayerNorm(B, B[None]), ValueError, "(1, 1, 3)", "(..., 1, features) for both"
    ),
    "an integer weight": (
        lambda: LayerNorm(B.astype(np.int64), B.astype(np.int64)),
        TypeError, "int64", "one float dtype",
    ),
    "weight and bias as one": (
        lambda: BatchNorm(B, B), ValueError, "weight and bias are one array", "give each its own"
    ),
    "momentum above 1": (
        lambda: BatchNorm(B + 1, B, momentum=1.1), ValueError, "momentum is 1.1", "0 to 1"
    ),
    "eps 0": (lambda: BatchNorm(B + 1, B, eps=0), ValueError, "eps is 0", "above 0"),
    "eps NaN": (
        lambda: LayerNorm(B + 1, B, eps=np.nan), ValueError, "eps is nan", "finite number"
    ),
    "one row to learn from": (
        lambda: mlp([2, 3, 2], normalization="batch").loss_and_gradients(Z[:1], [0]),
        ValueError, "(1, 3)", "at least two rows",
    ),
    "backward first, normalized": (
        lambda: BatchNorm(B + 1, B).backward(B), RuntimeError, "before forward", "a batch"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])
