"""Arrays, lists and tensors are taken with all their digits."""

import numpy as np
import pytest
import torch
from pytorch_helpers import X, try_fit
from torch import nn

from course_lib import pytorch

pytestmark = pytest.mark.usefixtures("one_thread")


FORMS = {
    "lists": lambda x: x.tolist(),
    "rows backwards": lambda x: x[::-1].copy()[::-1],
    "another byte order": lambda x: x.astype(x.dtype.newbyteorder()),
    "read-only": lambda x: np.frombuffer(x.tobytes()).reshape(x.shape),
    "columns": np.asfortranarray,
    "a tensor": torch.tensor,
    "a tensor that learns": lambda x: torch.tensor(x, requires_grad=True),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_input_keeps_all_digits(form):
    x = np.random.default_rng(0).normal(size=(5, 3))
    model = pytorch.mlp([3, 2], dtype=torch.float64)
    expected = pytorch.to_numpy(model)(x)  # no linear algebra of PyTorch
    np.testing.assert_allclose(pytorch.predict(model, FORMS[form](x)), expected, rtol=1e-13)
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    pytorch.fit(model, FORMS[form](x), np.arange(5)[::-1] % 2, optimizer=sgd)


BAD = {
    "no parameters": (
        lambda: pytorch.predict(nn.Sequential(nn.ReLU()), X), ValueError, "Sequential", "parameters"
    ),
    "ragged rows": (
        lambda: try_fit([[1, 2], [3]], [0, 1]), ValueError, "x is ragged", "expected an array"
    ),
    "ragged labels": (
        lambda: try_fit(y=[[0], 1, 0, 0]), ValueError, "y is ragged", "expected an array"
    ),
    "ragged validation": (
        lambda: try_fit(validation=(X, [[0], 1])),
        ValueError, "y of the validation data is ragged", "an array",
    ),
    "ragged inputs": (
        lambda: pytorch.predict(pytorch.mlp([2, 2]), [[1], [1, 2]]), ValueError, "x is ragged"
    ),
    "words": (lambda: try_fit(x=[["a", "b"]] * 4), TypeError, "x is of dtype <U1", "numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])
