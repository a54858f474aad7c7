"""Soft labels and the parameters of losses: against PyTorch, Keras' formula and exact values."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from mpmath import mp, mpf
from network_helpers import REPLICAS
from together import together
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.functional import cross_entropy as torch_cross_entropy

from course_lib.network import (
    LOSSES,
    Loss,
    binary_cross_entropy,
    binary_cross_entropy_grad,
    cross_entropy,
    cross_entropy_grad,
    get_loss,
    mlp,
)
from course_lib.network.loss_parts import PARAMETERS, as_labels

DTYPES = [np.float16, np.float32, np.float64]
INF, NAN = float("inf"), float("nan")
WEIGHTS = (0.5, 2.0, 0.0, 3.0)


def labels_of(kind, leading, batch=6, classes=4):
    """Return integers, probabilities, or one-hot probabilities."""
    rng = np.random.default_rng(1)
    if kind == "soft":
        return rng.dirichlet(np.ones(classes), (*leading, batch))
    labels = rng.integers(0, classes, (*leading, batch))
    return labels if kind == "hard" else np.eye(classes)[labels]


# ---------------------------------------------------------------------------------------------
# Cross-entropy
# ---------------------------------------------------------------------------------------------


@together("smoothing", [0, 0.1, 0.9])
@together("weights", [None, WEIGHTS])
@together("kind", ["hard", "soft", "one-hot"])
@pytest.mark.parametrize("replicas", REPLICAS, ids=str)
@together("own_labels", [False, True])
def test_cross_entropy_with_parameters_is_that_of_pytorch(
    smoothing, weights, kind, replicas, own_labels
):
    logits = np.random.default_rng(0).normal(size=(*replicas, 6, 4)) * 3
    labels = labels_of(kind, replicas if own_labels else ())
    given = {"label_smoothing": smoothing, "class_weights": weights}
    value, gradient = get_loss("cross_entropy", **given).with_gradient(logits, labels)
    assert np.shape(value) == replicas
    np.testing.assert_array_equal(value, cross_entropy(logits, labels, **given))
    np.testing.assert_array_equal(gradient, cross_entropy_grad(logits, labels, **given))
    weight = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    for index in np.ndindex(replicas):
        leaf = torch.tensor(logits[index], requires_grad=True)
        own = torch.tensor(labels[index] if own_labels else labels)
        theirs = torch_cross_entropy(leaf, own, weight=weight, label_smoothing=smoothing)
        theirs.backward()
        assert np.asarray(value)[index] == pytest.approx(theirs.item(), rel=1e-14)
        np.testing.assert_allclose(gradient[index], leaf.grad, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_hot_probabilities_are_labels(dtype):
    rng = np.random.default_rng(0)
    logits, labels = (rng.normal(size=(3, 50, 7)) * 9).astype(dtype), rng.integers(0, 7, 50)
    near = 4 * float(np.finfo(dtype).eps)
    for soft in (np.eye(7)[labels], np.eye(7, dtype=np.float16)[labels]):
        value, gradient = get_loss("cross_entropy").with_gradient(logits, soft)
        assert (value.dtype, gradient.dtype) == (dtype, dtype)
        np.testing.assert_allclose(value, cross_entropy(logits, labels), rtol=near)
        hard = cross_entropy_grad(logits, labels)
        np.testing.assert_allclose(gradient, hard, rtol=near, atol=np.finfo(dtype).tiny)


def exact_terms(logits, coefficients):
    """Return the loss, the gradient, and the larger of what each of its entries subtracts."""
    z, c = ([mpf(float(entry)) for entry in row] for row in (logits, coefficients))
    terms = [mp.exp(entry - max(z)) for entry in z]
    p = [term / mp.fsum(terms) for term in terms]
    value = -mp.fsum(own * mp.log(probability) for own, probability in zip(c, p, strict=True))
    rises = [probability * (mp.fsum(c) - own) for own, probability in zip(c, p, strict=True)]
    falls = [own * (1 - probability) for own, probability in zip(c, p, strict=True)]
    gradient = [up - down for up, down in zip(rises, falls, strict=True)]
    return value, gradient, [max(pair) for pair in zip(rises, falls, strict=True)]


@together("dtype", DTYPES)
@pytest.mark.parametrize("gap", [0, 3, 17, 38, 100, 700])
@together("doubt", [0.0, 1e-12, 1e-3, 0.4])
def test_soft_labels_keep_the_digits_of_confident_answers(dtype, gap, doubt):
    rng = np.random.default_rng(gap)
    logits = rng.normal(size=(1, 5)).astype(dtype)
    logits[0, 2] += dtype(gap)
    labels = np.array([[doubt / 2, doubt / 4, 1 - doubt, doubt / 4, 0]])
    value, gradient = get_loss("cross_entropy").with_gradient(logits, labels)
    info = np.finfo(dtype)
    near = float(info.eps) * (6 if dtype == np.float64 else 0.51)
    with mp.workdps(700):
        exact, of_logits, sizes = exact_terms(logits[0], labels[0])
        assert abs(mpf(float(value)) - exact) <= near * exact + float(info.smallest_subnormal)
        for found, one, size in zip(gradient[0], of_logits, sizes, strict=True):
            small = 2e-15 * size + float(info.smallest_subnormal)
            assert abs(mpf(float(found)) - one) <= near * abs(one) + small


def test_a_network_that_says_what_its_labels_say_is_at_the_minimum():
    labels = np.random.default_rng(0).dirichlet(np.ones(5), 20)
    logits = np.log(labels) + 3
    assert abs(cross_entropy_grad(logits, labels)).max() < 1e-17
    entropy = -(labels * np.log(labels)).sum(axis=-1).mean()
    assert cross_entropy(logits, labels) == pytest.approx(entropy, rel=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_infinite_logits_give_limits(dtype):
    loss = get_loss("cross_entropy")
    for logits, labels, value, gradient in [
        ([INF, 0.0], [1, 0], 0, [0, 0]),
        ([INF, 0.0], [0.75, 0.25], INF, [0.25, -0.25]),
        ([-INF, 0.0], [0, 1], 0, [0, 0]),
        ([-INF, -INF], [0.75, 0.25], np.log(2), [-0.25, 0.25]),
        ([INF, INF, 0], [0.5, 0.5, 0], np.log(2), [0, 0, 0]),
        ([6e4, -6e4], [0.5, 0.5], 6e4, [0.5, -0.5]),
    ]:
        with np.errstate(all="raise"):
            found = loss.with_gradient(np.array([logits], dtype), np.array([labels], float))
        assert found[0] == dtype(value)
        assert not np.signbit(found[0])
        np.testing.assert_array_equal(found[1], [gradient])


def test_a_nan_stays_in_its_replica():
    logits = np.zeros((2, 3, 2))
    logits[0, 0, 0] = NAN
    for given in ({"label_smoothing": 0.1}, {"class_weights": [1, 2]}):
        value, gradient = get_loss("cross_entropy", **given).with_gradient(logits, [0, 1, 1])
        np.testing.assert_array_equal(np.isnan(value), [True, False])
        np.testing.assert_array_equal(np.isnan(gradient).any(axis=-1), [[1, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_batch_without_any_weight_teaches_nothing(smoothing):
    given = {"class_weights": [1.0, 0.0], "label_smoothing": smoothing}
    logits = np.array([[[0.0, -INF], [1.0, 2.0]]])
    value, gradient = get_loss("cross_entropy", **given).with_gradient(logits, [1, 1])
    np.testing.assert_array_equal(value, [0])
    np.testing.assert_array_equal(gradient, np.zeros((1, 2, 2)))
    theirs = torch_cross_entropy(torch.zeros(2, 2), torch.ones(2).long(), torch.tensor([1.0, 0.0]))
    assert theirs.isnan()


def test_only_the_ratio_of_class_weights_matters_for_labels():
    logits, labels = np.random.default_rng(0).normal(size=(6, 4)), labels_of("hard", ())
    huge = cross_entropy(logits, labels, class_weights=np.array(WEIGHTS) * 5e307)
    assert huge == pytest.approx(cross_entropy(logits, labels, class_weights=WEIGHTS), rel=1e-15)


# ---------------------------------------------------------------------------------------------
# Binary cross-entropy
# ---------------------------------------------------------------------------------------------


@together("smoothing", [0, 0.1, 0.9])
@together("weight", [None, 2.5, (0.1, 1.0, 7.0)])
@pytest.mark.parametrize("replicas", REPLICAS, ids=str)
@together("own_targets", [False, True])
def test_the_binary_loss_with_parameters_is_that_of_pytorch(
    smoothing, weight, replicas, own_targets
):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(*replicas, 6, 3)) * 3
    targets = rng.choice([0, 1, 0.25], size=logits.shape if own_targets else (6, 3))
    given = {"pos_weight": weight, "label_smoothing": smoothing}
    value, gradient = get_loss("binary_cross_entropy", **given).with_gradient(logits, targets)
    np.testing.assert_array_equal(value, binary_cross_entropy(logits, targets, **given))
    np.testing.assert_array_equal(gradient, binary_cross_entropy_grad(logits, targets, **given))
    pos_weight = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    smoothed = targets * (1 - smoothing) + 0.5 * smoothing  # keras.losses.BinaryCrossentropy
    for index in np.ndindex(replicas):
        leaf = torch.tensor(logits[index], requires_grad=True)
        own = torch.tensor(smoothed[index] if own_targets else smoothed)
        theirs = binary_cross_entropy_with_logits(leaf, own, pos_weight=pos_weight)
        theirs.backward()
        assert np.asarray(value)[index] == pytest.approx(theirs.item(), rel=1e-14)
        np.testing.assert_allclose(gradient[index], leaf.grad, rtol=1e-12, atol=1e-16)


@together("dtype", DTYPES)
@together("target", [0.0, 0.3, 1.0])
def test_a_weight_of_1_and_no_smoothing_change_no_more_than_a_rounding(dtype, target):
    logits = np.linspace(-15, 15, 101)[:, np.newaxis].astype(dtype)
    targets = np.full_like(logits, target)
    weighted = binary_cross_entropy_grad(logits, targets, pos_weight=1)
    plain = binary_cross_entropy_grad(logits, targets)
    assert weighted.dtype == dtype
    near = 2 * float(np.finfo(dtype).eps) / 101
    np.testing.assert_allclose(weighted, plain, rtol=1e-5, atol=near)
    value = binary_cross_entropy(logits, targets)
    assert binary_cross_entropy(logits, targets, label_smoothing=0.0) == value


@together("dtype", DTYPES)
@together("weight", [0.25, 1, 40])
@pytest.mark.parametrize("target", [0.0, 0.25, 1.0])
def test_weighted_answers_keep_their_digits(dtype, weight, target):
    reach = {np.float16: 9, np.float32: 80, np.float64: 600}[dtype]
    info = np.finfo(dtype)
    with mp.workdps(400):
        for z in np.linspace(-reach, reach, 41).astype(dtype):
            logits, targets = np.array([[z]]), np.array([[target]])
            value = binary_cross_entropy(logits, targets, pos_weight=weight)
            gradient = binary_cross_entropy_grad(logits, targets, pos_weight=weight)[0, 0]
            up, down = 1 / (1 + mp.exp(-mpf(float(z)))), 1 / (1 + mp.exp(mpf(float(z))))
            exact = -weight * target * mp.log(up) - (1 - target) * mp.log(down)
            of_logit = (1 - target) * up - weight * target * down
            size = max((1 - target) * up, weight * target * down)
            small = 50 * float(info.smallest_subnormal)
            assert abs(mpf(float(value)) - exact) <= 5 * float(info.eps) * exact + small
            allowed = 5 * float(info.eps) * (size if 0 < target < 1 else abs(of_logit))
            assert abs(mpf(float(gradient)) - of_logit) <= allowed + small


@pytest.mark.parametrize("dtype", DTYPES)
def test_infinite_logits_give_limits_with_a_weight(dtype):
    loss = get_loss("binary_cross_entropy", pos_weight=4)
    for logit, target, value, gradient in [
        (INF, 1, 0, 0), (-INF, 0, 0, 0), (INF, 0, INF, 1), (-INF, 1, INF, -4), (0, 1, None, -2)
    ]:  # fmt: skip
        with np.errstate(all="raise"):
            found = loss.with_gradient(np.array([[logit]], dtype), [[target]])
        assert found[0] == (dtype(4 * np.log(2)) if value is None else value)
        assert found[1][0, 0] == gradient


# ---------------------------------------------------------------------------------------------
# Fixed parameters
# ---------------------------------------------------------------------------------------------


def test_a_loss_with_parameters_says_what_it_is():
    loss = get_loss("cross_entropy", label_smoothing=0.1)
    assert (loss.name, loss.kind) == ("cross_entropy(label_smoothing=0.1)", "cross_entropy")
    assert loss.parameters == {"label_smoothing": 0.1, "class_weights": None}
    more = get_loss(loss, class_weights=np.array([1, 2]))
    assert more.name == "cross_entropy(label_smoothing=0.1, class_weights=(1.0, 2.0))"
    assert more.parameters == {"label_smoothing": 0.1, "class_weights": (1.0, 2.0)}
    assert get_loss(more) is more
    again = get_loss(more, label_smoothing=0.2)
    assert again.parameters["label_smoothing"] == 0.2
    assert get_loss("mean_squared_error").parameters == {}


@pytest.mark.parametrize(
    "text",
    [
        "cross_entropy(label_smoothing=0.1)",
        "cross_entropy(label_smoothing=0.1, class_weights=(1.0, 2.0))",
        "binary_cross_entropy(pos_weight=(1.0, 2.0))",
        "gaussian_nll(full=True)",
    ],
)
def test_a_loss_is_found_by_the_text_of_its_name(text):
    loss = get_loss(text)
    assert loss.name == text
    assert pickle.loads(pickle.dumps(loss)).name == text
    assert get_loss("mean_squared_error()") is LOSSES["mean_squared_error"]


def test_parameters_are_checked_by_name():
    named = {name for loss in LOSSES.values() for name in loss.parameters}
    assert named == set(PARAMETERS)


def test_weights_that_change_later_change_nothing():
    weights = np.array([1.0, 2.0])
    loss, logits = get_loss("cross_entropy", class_weights=weights), np.eye(2)
    before = loss.function(logits, [0, 0])
    weights[:] = NAN
    assert loss.function(logits, [0, 0]) == before


def test_a_loss_of_one_s_own_takes_parameters_too():
    def pinball(outputs, targets, *, quantile=0.5):
        away = targets - outputs
        return np.maximum(quantile * away, (quantile - 1) * away).mean(axis=(-2, -1))

    def pinball_grad(outputs, targets, *, quantile=0.5):
        return np.where(targets > outputs, -quantile, 1 - quantile) / outputs[..., 0, :].size

    loss = get_loss(Loss("pinball", pinball, pinball_grad), quantile=0.75)
    assert (loss.name, loss.kind) == ("pinball(quantile=0.75)", "pinball")
    value, gradient = loss.with_gradient(np.zeros((1, 1)), np.ones((1, 1)))
    assert (value, gradient[0, 0]) == (0.75, -0.75)
    network = mlp([2, 3, 1], seed=range(2))
    value, _ = network.loss_and_gradients(np.zeros((4, 2)), np.ones((4, 1)), loss)
    assert value.shape == (2,)


def test_labels_are_integers_or_probabilities():
    logits = np.zeros((3, 2, 2))
    assert as_labels(logits, [0, 1]).shape == (3, 2)
    assert as_labels(logits, np.eye(2)).shape == (2, 2)
    assert as_labels(logits, np.full((3, 2, 2), np.float16(0.5))).dtype == np.float64
    square = np.zeros((2, 2, 2))  # two replicas, two rows, two classes: integers are labels
    np.testing.assert_array_equal(as_labels(square, [[0, 1], [1, 1]]), [[0, 1], [1, 1]])
    thousand = np.random.default_rng(0).dirichlet(np.ones(1000), 8).astype(np.float16)
    assert as_labels(np.zeros((8, 1000)), thousand).shape == (8, 1000)


# ---------------------------------------------------------------------------------------------
# Words
# ---------------------------------------------------------------------------------------------

Z, Y = np.zeros((4, 2)), [0, 1, 0, 1]
HALF = Z + 0.5
named = partial(get_loss, "cross_entropy")
binary = partial(get_loss, "binary_cross_entropy")
BAD = {  # what is done -> error, what was given, what is expected
    "rows that sum to 2": (
        lambda: cross_entropy(Z, Z + 1), ValueError, "one row sum to 2", "labels / labels.sum("
    ),
    "percent": (lambda: cross_entropy(Z, 100 * HALF), ValueError, "sum to 100", "within 0.001"),
    "negative probabilities": (
        lambda: cross_entropy(Z, HALF * [3, -1]), ValueError, "from -0.5 to 1.5", "from 0 to 1"
    ),
    "probabilities NaN": (
        lambda: cross_entropy_grad(Z, HALF * NAN), ValueError, "from nan", "from 0 to 1"
    ),
    "too many classes": (
        lambda: cross_entropy(Z, np.eye(3)[Y]), ValueError, "(4, 3), logits (4, 2)", "shape (4, 2)"
    ),
    "soft labels in a column": (
        lambda: cross_entropy(Z, np.ones((4, 1))), ValueError, "(4, 1)", "labels[..., 0]"
    ),
    "one-hot integers": (
        lambda: cross_entropy(Z, np.eye(2, dtype=int)[Y]),
        ValueError, "(4, 2) and dtype int", "labels.argmax(axis=-1)", "labels.astype(float)",
    ),
    "one-hot booleans": (
        lambda: cross_entropy(Z, np.eye(2, dtype=bool)[Y]), TypeError, "bool", "probabilities in"
    ),
    "smoothing 1": (
        lambda: named(label_smoothing=1), ValueError, "label_smoothing is 1", "0 to below 1"
    ),
    "smoothing below 0": (
        lambda: cross_entropy(Z, Y, label_smoothing=-0.1), ValueError, "is -0.1", "0 to below 1"
    ),
    "smoothing as text": (
        lambda: cross_entropy_grad(Z, Y, label_smoothing="a"), ValueError, "is 'a'", "0 to below 1"
    ),
    "smoothing NaN": (
        lambda: binary_cross_entropy(Z, HALF, label_smoothing=NAN), ValueError, "nan", "below 1"
    ),
    "no smoothing": (
        lambda: binary_cross_entropy(Z, HALF, label_smoothing=None), ValueError, "None", "below 1"
    ),
    "negative class weights": (
        lambda: named(class_weights=[1, -1]), ValueError, "[1, -1]", "from 0 on for each class"
    ),
    "class weights all 0": (
        lambda: named(class_weights=[0, 0]), ValueError, "[0, 0]", "one above 0"
    ),
    "class weights by class": (
        lambda: named(class_weights={0: 1}), TypeError, "{0: 1}", "expected numbers"
    ),
    "infinite class weights": (
        lambda: cross_entropy(Z, Y, class_weights=[1, INF]), ValueError, "inf", "finite number"
    ),
    "one class weight": (
        lambda: named(class_weights=2.0), ValueError, "class_weights is 2.0", "for each class"
    ),
    "too many class weights": (
        lambda: cross_entropy(Z, Y, class_weights=[1, 2, 3]),
        ValueError, "are 3 numbers", "logits have shape (4, 2)", "expected 2, one for each class",
    ),
    "class weights for soft labels": (
        lambda: cross_entropy(Z, HALF, class_weights=[1]), ValueError, "are 1 numbers", "expected 2"
    ),
    "no positive weight": (
        lambda: binary(pos_weight=0), ValueError, "pos_weight is 0", "above 0, or one for each"
    ),
    "a negative weight": (
        lambda: binary_cross_entropy(Z, HALF, pos_weight=[1, -1]), ValueError, "-1]", "above 0"
    ),
    "positive weights in a table": (
        lambda: binary(pos_weight=[[1, 2]]), ValueError, "[[1, 2]]", "one for each feature"
    ),
    "no weights": (lambda: binary(pos_weight=[]), ValueError, "pos_weight is []", "for each"),
    "too many positive weights": (
        lambda: binary_cross_entropy_grad(Z, HALF, pos_weight=[1, 2, 3]),
        ValueError, "are 3 numbers", "expected 2, one for each feature",
    ),
    "another's parameter": (
        lambda: named(pos_weight=2), TypeError,
        "unknown parameter of 'cross_entropy' 'pos_weight'", "label_smoothing, class_weights",
    ),
    "a misspelled parameter": (
        lambda: named(label_smooth=0.1), TypeError, "'label_smooth'", "mean 'label_smoothing'?"
    ),
    "a parameter of PyTorch": (
        lambda: named(weight=[1, 2]), TypeError, "'weight'", "did you mean 'class_weights'?"
    ),
    "parameters of squares": (
        lambda: get_loss("mean_squared_error", full=True), TypeError,
        "'mean_squared_error' takes no parameters", "full is given",
    ),
    "a function": (
        lambda: get_loss(lambda o, t: 0), TypeError, "the function <lambda>",
        "expected a name, such as 'cross_entropy(", "or Loss(name, function, gradient)",
    ),
    "a text that ends early": (
        lambda: get_loss("cross_entropy(label_smoothing="), ValueError,
        "cannot read the loss", "expected a name and parameters by their names",
    ),
    "a text that computes": (
        lambda: get_loss("cross_entropy(label_smoothing=f())"), ValueError, "f()", "cannot read"
    ),
    "a text without the parameter's name": (
        lambda: get_loss("cross_entropy(0.1)"), ValueError, "cannot read", "by their names"
    ),
    "a parameter twice": (
        lambda: get_loss("poisson_nll(full=True, full=False)"), ValueError, "cannot read"
    ),
    "an unknown name with parameters": (
        lambda: get_loss("crossentropy(label_smoothing=0.1)"), KeyError, "'crossentropy'", "did you"
    ),
}  # fmt: skip


@together("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])
