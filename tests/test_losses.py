"""Losses and their gradients against exact values: confident answers, infinities, extremes."""

import math

import numpy as np
import pytest
import torch
from mpmath import mp, mpf
from network_helpers import (
    BATCH,
    REPLICAS,
    SIZES,
    TORCH_LOSSES,
    batch_for,
    targets_for,
)
from together import together

from course_lib.accuracy import errors, exact_rows
from course_lib.activations import log_softmax_jacobian
from course_lib.network import (
    LOSSES,
    binary_cross_entropy,
    binary_cross_entropy_grad,
    cross_entropy,
    cross_entropy_grad,
    get_loss,
    mean_squared_error,
    mean_squared_error_grad,
)

DTYPES = [np.float16, np.float32, np.float64]
NARROW_ULPS = 0.51  # computed in float64 and rounded once
INF, NAN = float("inf"), float("nan")


# ---------------------------------------------------------------------------------------------
# Cross-entropy of confident answers
# ---------------------------------------------------------------------------------------------


def exact_gradient(count, label):
    """Return the gradient of a row, as a function of a list of mpmath numbers."""

    def gradient(row):
        largest = max(row)
        terms = [mp.exp(x - largest) for x in row]
        others = mp.fsum(t for j, t in enumerate(terms) if j != label)
        total = terms[label] + others
        return [(-others if j == label else t) / total / count for j, t in enumerate(terms)]

    return gradient


def gradient_errors(logits, labels):
    """Return the errors of a gradient in ULPs, one row after the other."""
    found = cross_entropy_grad(logits, labels)
    rows = zip(found, logits, labels, strict=True)
    return np.concatenate(
        [
            errors(row, exact_rows(exact_gradient(len(logits), label), x[np.newaxis]))
            for row, x, label in rows
        ]
    )


@together("dtype", DTYPES)
@pytest.mark.parametrize("gap", [0, 3, 9, 16, 17, 18, 37, 38, 80, 100, 700, 740])
@together("classes", [2, 10])
def test_the_gradient_of_a_confident_answer_keeps_its_digits(dtype, gap, classes):
    rng = np.random.default_rng(gap)
    labels = rng.integers(0, classes, 7)
    logits = rng.normal(size=(7, classes))
    logits[np.arange(7), labels] += gap
    off = gradient_errors(logits.astype(dtype), labels)
    assert off.max() <= (6 if dtype == np.float64 else NARROW_ULPS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("classes", "scale"), [(3, 30), (100, 1), (1000, 1), (1000, 10)])
def test_the_gradient_is_accurate_at_any_label_and_length(dtype, classes, scale):
    rng = np.random.default_rng(classes)
    logits = (rng.normal(size=(4, classes)) * scale).astype(dtype)
    off = gradient_errors(logits, rng.integers(0, classes, 4))
    assert off.max() <= (6 if dtype == np.float64 else NARROW_ULPS)


@pytest.mark.parametrize(
    ("dtype", "gap", "expected"),
    [(np.float32, 18, -1.5229979512760347e-08), (np.float64, 40, None)],
)
def test_the_right_class_gets_a_gradient_where_p_less_1_is_0(dtype, gap, expected):
    expected = expected or -math.exp(-gap)
    found = cross_entropy_grad(np.array([[gap, 0.0]], dtype), [0])
    np.testing.assert_allclose(found, [[expected, -expected]], rtol=np.finfo(dtype).eps)


@together("dtype", DTYPES)
@together("classes", [2, 10, 1000])
@pytest.mark.parametrize("gap", [0, 8, 18, 40])
def test_rows_of_the_gradient_sum_to_0_as_far_as_rounding_allows(dtype, classes, gap):
    """Each entry is rounded once: together by no more than an epsilon of the largest."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, 32)
    logits = rng.normal(size=(32, classes)) * 3
    logits[np.arange(32), labels] += gap
    gradient = cross_entropy_grad(logits.astype(dtype), labels)
    sums = [abs(math.fsum(row)) for row in gradient.astype(np.float64).tolist()]
    info = np.finfo(dtype)
    allowed = (4 if dtype == np.float64 else 1.02) * float(info.eps)
    least = classes * float(info.smallest_subnormal) / 2
    assert (sums <= allowed * np.abs(gradient).max(axis=-1) + least).all()


@pytest.mark.parametrize("replicas", [(), (3,), (2, 3)])
@pytest.mark.parametrize("own_labels", [False, True])
def test_each_replica_has_the_gradient_of_its_own_rows(replicas, own_labels):
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(*replicas, 5, 4)) * 20
    labels = rng.integers(0, 4, (*replicas, 5) if own_labels else 5)
    found = cross_entropy_grad(logits, labels)
    every = np.broadcast_to(labels, (*replicas, 5))
    for index in np.ndindex((*replicas, 5)):
        expected = -log_softmax_jacobian(logits[index])[every[index]] / 5
        np.testing.assert_allclose(found[index], expected, rtol=2e-15)


# ---------------------------------------------------------------------------------------------
# Binary cross-entropy
# ---------------------------------------------------------------------------------------------


def exact_binary(logits, targets):
    """Return sigma(z) - t, the loss, and the larger of what the gradient subtracts."""
    with mp.workdps(400):
        z, t = mpf(float(logits)), mpf(float(targets))
        wrong = 1 - t if z > 0 else t
        small = 1 / (1 + mp.exp(abs(z)))
        gradient = wrong - small if z > 0 else small - wrong
        return gradient, abs(z) * wrong + mp.log1p(mp.exp(-abs(z))), max(wrong, small)


def confident(dtype):
    """Return logits of all sizes, as one column."""
    reach = {np.float16: 16, np.float32: 100, np.float64: 700}[dtype]
    line = np.concatenate([np.linspace(0, 3, 40), np.geomspace(3, reach, 60)])
    return np.concatenate([line, -line])[:, np.newaxis].astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_the_binary_gradient_has_all_digits_at_targets_0_and_1(dtype, target):
    logits = confident(dtype)
    found = binary_cross_entropy_grad(logits, np.full_like(logits, target))[:, 0]
    n = len(logits)
    exact = exact_rows(lambda r: [exact_binary(z, target)[0] / n for z in r], logits.T)
    assert errors(found, exact).max() <= (4 if dtype == np.float64 else 1.5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", [1e-7, 0.1, 0.5, 0.7, 0.999, 1 - 2.0**-11])
def test_the_binary_gradient_of_soft_targets_subtracts_small_numbers(dtype, target):
    logits = confident(dtype)
    targets = np.full_like(logits, target)
    found = binary_cross_entropy_grad(logits, targets)[:, 0] * len(logits)
    info = np.finfo(dtype)
    for value, z, t in zip(found, logits[:, 0], targets[:, 0], strict=True):
        exact, _, size = exact_binary(z, t)
        allowed = 2 * float(info.eps) * size + len(logits) * float(info.smallest_subnormal)
        assert abs(float(value) - exact) <= allowed


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", [0.0, 1e-7, 0.3, 0.999, 1.0])
def test_the_binary_loss_does_not_cancel(dtype, target):
    for z in confident(dtype)[:, 0]:
        t = dtype(target)
        found = binary_cross_entropy(np.array([[z]]), [[t]])
        _, exact, _ = exact_binary(z, t)
        info = np.finfo(dtype)
        allowed = 4 * float(info.eps) * exact + float(info.smallest_subnormal)
        assert abs(float(found) - exact) <= allowed


# ---------------------------------------------------------------------------------------------
# Infinities and extremes
# ---------------------------------------------------------------------------------------------

LIMITS = {  # loss, outputs, y: value, gradient
    "sure and right": ("binary_cross_entropy", INF, 1, 0, 0),
    "sure of no and right": ("binary_cross_entropy", -INF, 0, 0, 0),
    "sure and wrong": ("binary_cross_entropy", INF, 0, INF, 1),
    "sure of no and wrong": ("binary_cross_entropy", -INF, 1, INF, -1),
    "sure of what is open": ("binary_cross_entropy", INF, 0.25, INF, 0.75),
    "sure of no, which is open": ("binary_cross_entropy", -INF, 0.25, INF, -0.25),
    "squares": ("mean_squared_error", INF, 0, INF, INF),
    "squares below": ("mean_squared_error", -INF, 0, INF, -INF),
}
CLASS_LIMITS = {  # logits, label: value, gradient
    "right": ([INF, 0.0], 0, 0, [0, 0]),
    "wrong": ([INF, 0.0], 1, INF, [1, -1]),
    "excluded and right": ([-INF, 0.0], 1, 0, [0, 0]),
    "excluded and wrong": ([-INF, 0.0], 0, INF, [-1, 1]),
    "two": ([INF, INF, 0.0], 0, math.log(2), [-0.5, 0.5, 0]),
    "all excluded": ([-INF, -INF], 0, math.log(2), [-0.5, 0.5]),
    "far": ([-6e4, 6e4], 0, 12e4, [-1, 1]),
}


@together("dtype", DTYPES)
@pytest.mark.parametrize("case", LIMITS)
def test_infinite_outputs_give_limits(case, dtype):
    loss, outputs, y, value, gradient = LIMITS[case]
    for error in ("warn", "raise"):
        with np.errstate(all=error):
            found = get_loss(loss).with_gradient(np.array([[outputs]], dtype), [[y]])
        np.testing.assert_array_equal(np.concatenate(found, axis=None), [value, gradient])
        assert not np.signbit(found[0])


@together("dtype", DTYPES)
@pytest.mark.parametrize("case", CLASS_LIMITS)
def test_infinite_logits_give_limits(case, dtype):
    logits, label, value, gradient = CLASS_LIMITS[case]
    with np.errstate(over="ignore"):
        value = dtype(value)
    with np.errstate(all="raise"):
        logits = np.array([logits], dtype)
        found = cross_entropy(logits, [label])
        np.testing.assert_array_equal(cross_entropy_grad(logits, [label]), [gradient])
    assert found == value
    assert not np.signbit(found)


@together("loss", LOSSES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_gives_nan_and_stays_in_its_replica(loss, dtype):
    outputs = np.ones((2, 1, 2), dtype)
    outputs[0, 0, 0] = NAN
    targets = targets_for(loss, np.array([[0, 1]]))
    value, gradient = get_loss(loss).with_gradient(outputs, [0] if loss[:5] == "cross" else targets)
    np.testing.assert_array_equal(np.isnan(value), [True, False])
    assert np.isnan(gradient[0, 0, 0])
    assert np.isfinite(gradient[1]).all()


@together("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_no_setting_of_numpy_turns_extremes_into_errors(loss, dtype):
    info, rng = np.finfo(dtype), np.random.default_rng(0)
    sizes = [0.0, info.smallest_subnormal, info.tiny, info.eps, 1, 30, 100, 800, 1e4, info.max, INF]
    with np.errstate(over="ignore"):
        sizes = np.array(sizes).astype(dtype)
    outputs = rng.choice(np.concatenate([sizes, -sizes]), size=(40, 3, 4))
    classes, fractions = rng.integers(0, 4, 3), rng.choice([0, 1, 0.25, 1e-7], size=(3, 4))
    with np.errstate(all="raise"):
        value, gradient = get_loss(loss).with_gradient(
            outputs, classes if loss == "cross_entropy" else targets_for(loss, fractions)
        )
    assert not np.isnan(value).any()
    assert not np.isnan(gradient).any()
    assert (value.dtype, gradient.dtype) == (dtype, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_mean_is_finite_where_the_sum_is_not(dtype):
    most = np.finfo(dtype).max / 2
    outputs = np.full((1000, 2), most, dtype)
    outputs[:, 1] *= -1
    near = pytest.approx(float(most), rel=2 * float(np.finfo(dtype).eps))
    assert binary_cross_entropy(outputs, [[0, 1]] * 1000) == near
    assert cross_entropy(outputs / 2, [1] * 1000) == near


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_mean_of_squares_is_finite_where_a_square_is_not(dtype):
    root = 1.5 * math.sqrt(float(np.finfo(dtype).max))
    outputs = np.zeros((3, 4), dtype)
    outputs[0, 0] = root
    found = mean_squared_error(outputs, np.zeros((3, 4)))
    assert found.dtype == dtype
    exact = float(outputs[0, 0]) / 12 * float(outputs[0, 0])
    assert float(found) == pytest.approx(exact, rel=float(np.finfo(dtype).eps))
    both = mean_squared_error(np.stack([outputs, outputs + INF]), np.zeros((3, 4)))
    np.testing.assert_array_equal(both, [found, INF])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_of_squares_is_finite_where_a_difference_is_not(dtype):
    most = np.finfo(dtype).max
    outputs = np.full((2, 4), most, dtype)
    found = mean_squared_error_grad(outputs, -outputs)
    np.testing.assert_array_equal(found, outputs / 2)


@pytest.mark.parametrize("bad", [INF, 1e30, math.nan])
def test_a_diverging_replica_leaves_the_squares_of_others_alone(bad):
    rng = np.random.default_rng(0)
    outputs, targets = rng.normal(size=(2, 3, 7, 5)).astype(np.float32)
    value, gradient = (
        function(outputs, targets) for function in (mean_squared_error, mean_squared_error_grad)
    )
    outputs[1, 2, 3] = bad
    np.testing.assert_array_equal(mean_squared_error(outputs, targets)[::2], value[::2])
    found = mean_squared_error_grad(outputs, targets)
    np.testing.assert_array_equal(found[::2], gradient[::2])
    np.testing.assert_array_equal(found[1, 2, 3], np.full(5, bad, np.float32) * np.float32(2 / 35))


@pytest.mark.parametrize("classes", [2, 8, 10, 32, 33])
def test_a_single_example_has_the_bits_that_it_has_among_others(classes):
    rng = np.random.default_rng(0)
    logits, labels = 3 * rng.normal(size=(40, 1, classes)), [1]
    loss = get_loss("cross_entropy")
    values, gradients = loss.with_gradient(logits, labels)
    for i in range(40):
        value, gradient = loss.with_gradient(logits[i : i + 1], labels)
        assert value[0] == values[i]
        np.testing.assert_array_equal(gradient[0], gradients[i])


def test_gradients_of_large_float16_batches_do_not_vanish():
    outputs = np.full((1000, 100), 8, np.float16)
    with np.errstate(under="ignore"):
        expected = np.float16(2 * 8 / 1e5)
    np.testing.assert_array_equal(mean_squared_error_grad(outputs, 0 * outputs), expected)
    expected = np.float16(1 / (1 + math.exp(-8)) / 1e5)
    np.testing.assert_array_equal(binary_cross_entropy_grad(outputs, 0 * outputs), expected)
    one = cross_entropy_grad(np.zeros((100_000, 1), np.float16), np.zeros(100_000, int))
    np.testing.assert_array_equal(one, 0)


# ---------------------------------------------------------------------------------------------
# Words
# ---------------------------------------------------------------------------------------------

Y = np.zeros(3)
REFUSED = {
    "flat targets": (
        lambda: mean_squared_error(np.zeros((3, 1)), Y),
        ValueError,
        ["shape (3,)", "targets of shape (3, 1); reshape with targets[..., np.newaxis]"],
    ),
    "flat targets, replicas": (
        lambda: binary_cross_entropy(np.zeros((2, 3, 1)), Y),
        ValueError,
        ["targets of shape (3, 1) or (2, 3, 1); reshape with targets[..., np.newaxis]"],
    ),
    "one column": (
        lambda: mean_squared_error(np.zeros((3, 3)), np.zeros((3, 1))),
        ValueError,
        ["targets have shape (3, 1), outputs (3, 3); expected targets of shape (3, 3)"],
    ),
    "labels in a column": (
        lambda: cross_entropy(np.zeros((3, 2)), np.zeros((3, 1), int)),
        ValueError,
        ["shape (3, 1), logits (3, 2)", "of shape (3,); reshape with labels[..., 0]"],
    ),
    "one-hot labels": (
        lambda: cross_entropy(np.zeros((3, 2)), np.eye(2, dtype=int)[[0, 1, 0]]),
        ValueError,
        ["labels have shape (3, 2)", "integers of shape (3,)", "labels.argmax(axis=-1)"],
    ),
    "labels as floats": (
        lambda: cross_entropy_grad(np.zeros((3, 2)), Y),
        TypeError,
        ["labels have dtype float64", "labels.astype(np.int64)"],
    ),
    "labels too large": (
        lambda: cross_entropy(np.zeros((3, 2)), [0, 1, 2]),
        ValueError,
        ["labels reach from 0 to 2", "expected 0 to 1"],
    ),
    "swapped": (
        lambda: cross_entropy(np.array([0, 1, 0], np.int64), np.zeros((3, 2))),
        TypeError,
        ["output is int64", "the outputs come first, the labels or targets second"],
    ),
    "swapped floats": (
        lambda: mean_squared_error(Y, np.zeros((3, 1))),
        ValueError,
        ["shape (3,)", "expected (..., batch, features), as in outputs[:, np.newaxis]"],
    ),
    "integer outputs": (
        lambda: mean_squared_error(np.zeros((3, 1), np.int64), np.zeros((3, 1))),
        TypeError,
        ["output is int64; expected an array of floats"],
    ),
    "a list of outputs": (
        lambda: mean_squared_error([[0.0]], [[0.0]]),
        TypeError,
        ["output is list; expected an array of floats"],
    ),
    "ragged labels": (
        lambda: cross_entropy(np.zeros((2, 2)), [[0], [0, 1]]),
        ValueError,
        ["labels is ragged", "expected an array"],
    ),
    "ragged targets": (
        lambda: binary_cross_entropy_grad(np.zeros((2, 2)), [[0.0], [0.0, 1.0]]),
        ValueError,
        ["targets is ragged", "expected an array"],
    ),
    "targets as text": (
        lambda: mean_squared_error(np.zeros((1, 1)), [["0"]]),
        TypeError,
        ["targets have dtype <U1; expected real numbers"],
    ),
    "not a fraction": (
        lambda: binary_cross_entropy(np.zeros((1, 1)), [[NAN]]),
        ValueError,
        ["targets reach from nan to nan; expected 0 to 1"],
    ),
    "no batch": (
        lambda: mean_squared_error(np.zeros((0, 1)), np.zeros((0, 1))),
        ValueError,
        ["the batch is empty"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_named_with_what_is_expected_and_how_to_mend_it(case, refuses):
    call, error, texts = REFUSED[case]
    refuses(call, error, *texts)


def test_integer_and_boolean_targets_are_numbers():
    outputs = np.float32([[0.5], [-0.5]])
    for y in ([[1], [0]], np.array([[True], [False]]), np.array([[1], [0]], np.uint8)):
        assert mean_squared_error(outputs, y) == np.float32(0.25)
        assert binary_cross_entropy(outputs, y).dtype == np.float32


@together("replicas", REPLICAS)
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_reduces_over_the_batch_and_never_over_replicas(name, replicas):
    outputs = np.random.default_rng(0).normal(size=(*replicas, BATCH, SIZES[-1]))
    _, y = batch_for(name)
    loss = get_loss(name)
    value, grad_output = loss.with_gradient(outputs, y)
    np.testing.assert_array_equal(value, loss.function(outputs, y))
    np.testing.assert_array_equal(grad_output, loss.gradient(outputs, y))
    for index in np.ndindex(replicas):
        leaf = torch.tensor(outputs[index], requires_grad=True)
        expected = TORCH_LOSSES[name](leaf, torch.tensor(y))
        expected.backward()
        assert np.asarray(value)[index] == pytest.approx(expected.item(), rel=1e-14)
        np.testing.assert_allclose(grad_output[index], leaf.grad, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_confident_answer_keeps_its_small_loss(dtype):
    logits = np.array([[0, -30]], dtype)
    exact = math.log1p(math.exp(-30))
    assert cross_entropy(logits, [0]) == pytest.approx(exact, rel=1e-6)
    assert binary_cross_entropy(logits[:, 1:], [[0]]) == pytest.approx(exact, rel=1e-6)
    assert cross_entropy_grad(logits, [0])[0, 1] == pytest.approx(math.exp(-30), rel=1e-6)
    assert binary_cross_entropy_grad(logits[:, 1:], [[0]])[0, 0] == pytest.approx(
        math.exp(-30), rel=1e-6
    )


@pytest.mark.parametrize("size", [1e3, 1e30])
def test_huge_logits_do_not_overflow(size):
    logits = np.array([[size, -size]], np.float32)
    assert cross_entropy(logits, [1]) == np.float32(2 * size)
    np.testing.assert_array_equal(cross_entropy_grad(logits, [1]), [[1, -1]])
    assert binary_cross_entropy(logits, [[0, 1]]) == np.float32(size)
    np.testing.assert_array_equal(binary_cross_entropy_grad(logits, [[0, 1]]), [[0.5, -0.5]])


Z = np.zeros((4, 2))


LABELS = [0, 1, 0, 1]

BAD = {  # what is done -> error, what was given, what is expected
    "unknown loss": (lambda: get_loss("crossentropy"), KeyError, "crossentropy", "cross_entropy'?"),
    "float labels": (lambda: cross_entropy(Z, [0.0] * 4), TypeError, "float64", "integers"),
    "labels too large": (lambda: cross_entropy(Z, [0, 1, 2, 0]), ValueError, "0 to 2", "0 to 1"),
    "labels negative": (lambda: cross_entropy_grad(Z, [-1] * 4), ValueError, "-1", "0 to 1"),
    "too few labels": (lambda: cross_entropy(Z, [0, 1]), ValueError, "(2,)", "shape (4,)"),
    "one-hot labels": (lambda: cross_entropy(Z, Z.astype(int)), ValueError, "(4, 2)", "(4,)"),
    "empty batch": (lambda: cross_entropy(Z[:0], []), ValueError, "(0, 2)", "at least one row"),
    "a list of logits": (
        lambda: cross_entropy([[0.0, 1.0]], [0]), TypeError, "is list", "array of floats"
    ),
    "complex logits": (lambda: cross_entropy(Z + 0j, LABELS), TypeError, "complex128", "of floats"),
    "complex targets": (lambda: mean_squared_error(Z, Z + 0j), TypeError, "complex128", "real num"),
    "flat logits": (lambda: cross_entropy(Z[0], [0]), ValueError, "(2,)", "(..., batch, features)"),
    "flat targets": (lambda: mean_squared_error(Z, Z[:, 0]), ValueError, "(4,)", "(4, 2)"),
    "flat targets, gradient": (
        lambda: mean_squared_error_grad(Z, Z[:, 0]), ValueError, "(4,)", "(4, 2)"
    ),
    "targets beyond 1": (lambda: binary_cross_entropy(Z, Z + 2), ValueError, "to 2.0", "0 to 1"),
    "targets NaN": (lambda: binary_cross_entropy(Z, Z * np.nan), ValueError, "nan", "0 to 1"),
    "empty targets": (
        lambda: binary_cross_entropy_grad(Z[:0], Z[:0]), ValueError, "empty", "at least one row"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])
