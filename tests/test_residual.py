"""Residual blocks that cannot be built; test_network_gradients.py has their gradients."""

import numpy as np
import pytest

from course_lib.network import (
    Activate,
    Dense,
    Residual,
)

W, B = np.ones((2, 3)), np.zeros((1, 3))


BAD = {  # what is done -> error, what was given, what is expected
    "a name in a block": (
        lambda: Residual(["relu"]), TypeError, "layer 0 is 'relu'", "Activate('relu')"
    ),
    "a block around one layer": (
        lambda: Residual(Activate("relu")), TypeError, "is a Activate", "a list of layers"
    ),
    "a block around a name": (lambda: Residual("relu"), TypeError, "'relu'", "a list of layers"),
    "a block that changes the width": (
        lambda: Residual([Activate("relu"), Dense(W, B)]),
        ValueError, "take 2 features and return 3", "as many as there were",
    ),
    "gates in a block": (
        lambda: Residual([Activate("glu")]).forward(np.ones((3, 4))),
        ValueError, "returned (3, 2)", "as many features as there were",
    ),
    "an empty block": (lambda: Residual([]), ValueError, "without layers", "at least one"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])
