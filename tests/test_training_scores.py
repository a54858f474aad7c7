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
