"""Arrays, lists and tensors are taken with all their digits."""

import numpy as np
import pytest
import torch
from pytorch_helpers import X, try_fit
from torch import nn

from course_lib import pytorch
from course_lib.pytorch.tensors import as_device, fixed_random_numbers

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


# Devices.


@pytest.mark.parametrize("given", ["cpu", torch.device("cpu")])
def test_a_device_that_is_here_is_taken(given):
    assert as_device(given) == torch.device("cpu")


def test_a_device_that_is_elsewhere_may_be_named():
    assert as_device("cuda:1", present=False) == torch.device("cuda", 1)


WRONG_DEVICES = {
    "unknown": ("tpu", ValueError, "unknown device 'tpu'; expected one that is here: cpu"),
    "capital letters": ("CPU", ValueError, "unknown device 'CPU'; expected one that is here: cpu"),
    "no numbers": ("meta", ValueError, "device is 'meta', which holds no numbers"),
    "a number": (0, TypeError, "device is a int; expected a name, such as 'cpu'"),
    "none": (None, TypeError, "device is a NoneType; expected a name, such as 'cpu'"),
    "another library's": ("xla", ValueError, "device is 'xla', on which PyTorch cannot compute"),
}


@pytest.mark.parametrize("case", WRONG_DEVICES)
def test_a_device_that_cannot_be_used_is_told(case, refuses):
    given, error, *texts = WRONG_DEVICES[case]
    refuses(lambda: as_device(given), error, *texts)


@pytest.mark.parametrize("device", ["cuda", "cuda:7", "mps"])
def test_a_device_that_is_not_here_is_told_with_those_that_are(device, refuses):
    kind = device.partition(":")[0]
    if torch.get_device_module(kind).is_available() and device != "cuda:7":
        pytest.skip(f"there is {device}")
    refuses(lambda: as_device(device), ValueError, f"device is {device!r}", "that is here: cpu")


def test_fixed_random_numbers_end_with_the_block():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with fixed_random_numbers(torch.device("cpu"), 7):
        first = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    with fixed_random_numbers(torch.device("cpu"), 7):
        assert torch.equal(torch.rand(3), first)
    assert not torch.equal(first, expected)
