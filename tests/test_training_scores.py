"""Accuracy, counted by hand."""

import numpy as np
import pytest

from course_lib.network import get_loss
from course_lib.training import accuracy
from course_lib.training.scores import accuracy_for


@pytest.mark.parametrize(
    ("outputs", "y", "expected"),
    [
        ([[0, 1], [2, 1], [0, 3]], [1, 1, 1], 2 / 3),
        ([[1.0], [-1.0]], [[1], [1]], 1 / 2),
        ([[1.0], [-1.0]], [1, 0], 1),
        ([[[0, 1]], [[1, 0]]], [1], [1, 0]),
        ([[[0, 1]], [[1, 0]]], [[1], [0]], [1, 1]),
        ([[[1.0], [1.0]], [[-1.0], [1.0]]], [[1], [1]], [1, 1 / 2]),
        ([[0.3]], [[1]], 1),
        ([[0.3]], [1], 1),
        ([[np.nan, 0.0], [1.0, 0.0]], [0, 0], 1 / 2),
        ([[np.nan], [-1.0]], [0, 0], 1 / 2),
        ([[0, 1], [2, 1]], [[0.4, 0.6], [0.1, 0.9]], 1 / 2),  # soft labels
        ([[[0, 1], [2, 1]], [[1, 0], [0, 1]]], [[0.4, 0.6], [0.1, 0.9]], [1 / 2, 1 / 2]),
        ([[[0, 1]], [[1, 0]]], [[[0.4, 0.6]], [[0.4, 0.6]]], [1, 0]),
        ([[0, 1], [2, 1]], [1.0, 1.0], 1 / 2),  # floats that are labels
    ],
)
def test_accuracy_is_the_fraction_of_correct_predictions(outputs, y, expected):
    np.testing.assert_allclose(accuracy(np.array(outputs), np.array(y)), expected)


@pytest.mark.parametrize(
    ("loss", "y"), [("binary_cross_entropy", [[0], [0]]), ("cross_entropy", [0, 0])]
)
def test_an_output_that_is_no_number_predicts_nothing(loss, y):
    outputs = np.array([[np.nan], [-1.0]])
    if loss == "cross_entropy":
        outputs = np.hstack([outputs, outputs - 1])
    assert accuracy_for(get_loss(loss), outputs, np.array(y)) == 0.5


@pytest.mark.parametrize(
    ("loss", "y", "expected"),
    [
        ("cross_entropy(label_smoothing=0.5)", [0, 0], 1 / 2),
        ("cross_entropy(class_weights=(1, 9))", [[0.9, 0.1], [0.2, 0.8]], 1),
        ("binary_cross_entropy(pos_weight=9)", [[1, 1], [0, 1]], 3 / 4),
        ("gaussian_nll(full=True)", [[1.0], [1.0]], np.nan),
        ("poisson_nll", [[1, 0], [1, 0]], np.nan),
    ],
)
def test_parameters_of_a_loss_leave_the_accuracy_as_it_is(loss, y, expected):
    outputs = np.array([[1.0, -1.0], [-1.0, 1.0]])
    np.testing.assert_array_equal(accuracy_for(get_loss(loss), outputs, np.array(y)), expected)


X, Y = np.zeros((4, 2)), np.zeros(4, int)


BAD = {
    "ragged labels to compare": (lambda: accuracy(X, [[0], [1, 0]]), ValueError, "y is ragged"),
    "labels with an axis to compare": (
        lambda: accuracy(X, Y[:, np.newaxis]), ValueError, "(4, 1)", "expected (4,)"
    ),
    "labels of another length": (
        lambda: accuracy(X, [0, 1]), ValueError, "(2,)", "outputs of shape (4, 2)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])
