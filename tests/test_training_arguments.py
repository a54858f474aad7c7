"""What `fit` cannot train with is named before anything is trained."""

import numpy as np
import pytest
import torch
from together import together

from course_lib.network import Dense, Network, mlp
from course_lib.training import SGD, Adam, AdamW, fit

X, Y, B = np.zeros((4, 2)), np.zeros(4, int), np.zeros((1, 2))
RAGGED = [[1.0], [1.0, 2.0]]


class Stepless:
    """An optimizer of yet another kind."""

    def step(self):
        """Go."""


def with_bad(values, bad=np.nan, times=1):
    """Return values of which some are not finite, from the second row on."""
    values = values.astype(float)
    values.ravel()[2 : 2 + times] = bad
    return values


def try_fit(x=X, y=Y, network=None, **options):
    fit(
        mlp([2, 2]) if network is None else network,
        x,
        y,
        **({"optimizer": SGD(0.1), "progress": False} | options),
    )


BAD = {
    "min_delta without patience": (
        lambda: try_fit(validation=(X, Y), min_delta=0.1),
        ValueError, "min_delta is 0.1", "no patience", "pass patience too",
    ),
    "min_delta below 0": (
        lambda: try_fit(validation=(X, Y), patience=1, min_delta=-0.1),
        ValueError, "min_delta is -0.1", "from 0 on",
    ),
    "min_delta for each": (
        lambda: try_fit(validation=(X, Y), patience=1, min_delta=[0.1]),
        ValueError, "min_delta is [0.1]", "a finite number",
    ),
    "callback as text": (
        lambda: try_fit(callback="print"), TypeError, "callback is 'print'", "lambda network, epoch"
    ),
    "the result of a callback": (
        lambda: try_fit(callback=True), TypeError, "callback is a bool", "lambda network, epoch"
    ),
    "rates for other replicas": (
        lambda: try_fit(network=mlp([2, 2], seed=range(3)), optimizer=SGD([0.1, 0.2])),
        ValueError, "(2,)", "one for each replica: (3,)",
    ),
    "decays for other replicas": (
        lambda: try_fit(
            network=mlp([2, 2], seed=range(3)), optimizer=SGD(0.1, weight_decay=[0, 0])
        ),
        ValueError, "weight_decay has shape (2,)", "one for each replica: (3,)",
    ),
    "decays without replicas": (
        lambda: try_fit(optimizer=AdamW(weight_decay=[0.1])),
        ValueError, "weight_decay has shape (1,)", "replica: ()",
    ),
    "rates without replicas": (
        lambda: try_fit(optimizer=SGD([0.1])), ValueError, "(1,)", "replica: ()"
    ),
    "no examples": (lambda: try_fit(X[:0], Y[:0]), ValueError, "(0, 2)", "at least one example"),
    "one axis": (lambda: try_fit(X[0], Y), ValueError, "(2,)", "(batch, 2)"),
    "unequal lengths": (lambda: try_fit(X, Y[:3]), ValueError, "(3,)", "give one each"),
    "one label": (lambda: try_fit(X, 1), ValueError, "y has shape ()", "give one each"),
    "clip_norm below 0": (
        lambda: try_fit(clip_norm=-1), ValueError, "clip_norm is -1", "finite number above 0"
    ),
    "clip_value as text": (
        lambda: try_fit(clip_value="1"), ValueError, "clip_value is '1'", "finite number above 0"
    ),
    "a last batch of one row": (
        lambda: try_fit(network=mlp([2, 3, 2], normalization="batch"), batch_size=3),
        ValueError, "4 examples in batches of 3", "choose another batch_size",
    ),
    "one example, in a block": (
        lambda: try_fit(
            X[:1], Y[:1], mlp([2, 3, 3, 2], normalization="batch", residual=True), batch_size=None
        ),
        ValueError, "1 examples in batches of 1", "choose another batch_size",
    ),
    "an array in two layers": (
        lambda: try_fit(network=Network([Dense(np.eye(2), B), Dense(np.eye(2), B)])),
        ValueError, "0.bias and 1.bias are one array", "give each its own",
    ),
    "no epochs": (lambda: try_fit(epochs=0), ValueError, "epochs is 0", "integers from 1"),
    "no patience": (
        lambda: try_fit(patience=0, validation=(X, Y)),
        ValueError, "patience is 0", "integers from 1 on",
    ),
    "half a patience": (
        lambda: try_fit(patience=0.5, validation=(X, Y)), ValueError, "is 0.5", "from 1 on"
    ),
    "patience for nothing": (
        lambda: try_fit(patience=3), ValueError, "patience is 3", "pass validation=(x, y)"
    ),
    "a yes for epochs": (lambda: try_fit(epochs=True), ValueError, "epochs is True", "from 1 on"),
    "a yes for a batch": (
        lambda: try_fit(batch_size=True), ValueError, "batch_size is True", "from 1 on"
    ),
    "half an epoch": (lambda: try_fit(epochs=0.5), ValueError, "0.5", "integers from 1"),
    "batches of 0": (lambda: try_fit(batch_size=0), ValueError, "batch_size is 0", "from 1 on"),
    "no network": (lambda: try_fit(network="mlp"), TypeError, "is a str", "network.Network"),
    "data for other replicas": (
        lambda: try_fit(np.zeros((3, 4, 2)), [Y] * 3, mlp([2, 2], seed=[0, 1])),
        ValueError, "(3,)", "replicas (2,)",
    ),
    "data for replicas, and none": (
        lambda: try_fit(X[None], [Y]), ValueError, "(1,)", "expected none or exactly these"
    ),
    "no examples for replicas": (
        lambda: try_fit(np.zeros((2, 0, 2)), np.zeros((2, 0)), mlp([2, 2], seed=[0, 1])),
        ValueError, "(2, 0, 2)", "(2,) before these axes",
    ),
    "inputs for each replica, labels for all": (
        lambda: try_fit(np.zeros((2, 4, 2)), Y, mlp([2, 2], seed=[0, 1])),
        ValueError, "y has shape (4,)", "begins with (2, 4)",
    ),
    "labels for each replica, inputs for all": (
        lambda: try_fit(X, [Y, Y], mlp([2, 2], seed=[0, 1])),
        ValueError, "y has shape (2, 4)", "begins with (4,)",
    ),
    "labels for each of as many replicas as examples": (
        lambda: try_fit(X, [Y] * 4, mlp([2, 2], seed=range(4))),
        ValueError, "(4, 4)", "expected labels of shape (4,)",
    ),
    "targets that look like labels for each replica": (
        lambda: try_fit(
            np.zeros((2, 2, 2)), np.eye(2), mlp([2, 2], seed=[0, 1]), loss="mean_squared_error"
        ),
        ValueError, "(2,)", "expected targets of shape (2, 2)",
    ),
    "a label out of range in one replica": (
        lambda: try_fit(np.zeros((2, 4, 2)), [Y, Y + 2], mlp([2, 2], seed=[0, 1])),
        ValueError, "from 2 to 2", "0 to 1",
    ),
    "an optimizer's class": (lambda: try_fit(optimizer=SGD), TypeError, "SGD", "an instance"),
    "an optimizer's name": (lambda: try_fit(optimizer="sgd"), TypeError, "'sgd'", "an instance"),
    "an optimizer of PyTorch": (
        lambda: try_fit(optimizer=torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=0.1)),
        TypeError, "is a torch.optim.sgd.SGD", "one of course_lib.training, such as SGD(0.1)",
    ),
    "a schedule of PyTorch": (
        lambda: try_fit(
            optimizer=torch.optim.lr_scheduler.StepLR(
                torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=0.1), 1
            )
        ),
        TypeError, "StepLR, whose step does not take", "course_lib.pytorch.fit",
    ),
    "a step of no arguments": (
        lambda: try_fit(optimizer=Stepless()), TypeError, "Stepless", "parameters and gradients"
    ),
    "a rate beyond float32": (
        lambda: try_fit(X.astype("f4"), network=mlp([2, 2], dtype="f4"), optimizer=SGD(1e39)),
        ValueError, "learning_rate is 1e+39, which is beyond the range of float32",
    ),
    "a rate that is 0 in float32": (
        lambda: try_fit(X.astype("f4"), network=mlp([2, 2], dtype="f4"), optimizer=Adam(1e-50)),
        ValueError, "learning_rate is 1e-50, which is 0 in float32",
    ),
    "a decay beyond float32": (
        lambda: try_fit(
            X.astype("f4"), network=mlp([2, 2], dtype="f4"), optimizer=AdamW(weight_decay=1e39)
        ),
        ValueError, "weight_decay is 1e+39, which is beyond",
    ),
    "an eps that is 0 in float32": (
        lambda: try_fit(X.astype("f4"), network=mlp([2, 2], dtype="f4"),
                        optimizer=Adam(eps=1e-50)),
        ValueError, "eps is 1e-50, which is 0 in float32",
    ),
    "ragged x": (lambda: try_fit([[1.0, 2.0], [3.0]]), ValueError, "x is ragged", "an array"),
    "ragged y": (lambda: try_fit(y=[[0], [1, 0]]), ValueError, "y is ragged", "an array"),
    "ragged validation": (
        lambda: try_fit(validation=([[1.0, 2.0], [3.0]], Y)), ValueError, "x is ragged"
    ),
    "ragged targets to validate with": (
        lambda: try_fit(validation=(X, [[0], [1, 0]])), ValueError, "validation data is ragged"
    ),
    "a NaN in x": (
        lambda: try_fit(with_bad(X)), ValueError, "x has 1 number that is not finite",
        "the first nan at [1, 0]",
    ),
    "infinities in x": (
        lambda: try_fit(with_bad(X, -np.inf, 3)), ValueError, "x has 3 numbers that are not finite",
        "the first -inf at [1, 0]",
    ),
    "a NaN in a view of x": (
        lambda: try_fit(
            np.broadcast_to(with_bad(X), (2, 4, 2)), [Y, Y], mlp([2, 2], seed=[0, 1])
        ),
        ValueError, "x has 1 number", "at [0, 1, 0]",
    ),
    "a NaN in the targets": (
        lambda: try_fit(y=with_bad(X), loss="mean_squared_error"), ValueError, "y has 1 number"
    ),
    "a NaN in x to validate with": (
        lambda: try_fit(validation=(with_bad(X), Y)), ValueError, "x of the validation data has 1"
    ),
    "a NaN in targets to validate with": (
        lambda: try_fit(y=X, loss="mean_squared_error", validation=(X, with_bad(X, np.inf))),
        ValueError, "y of the validation data has 1", "first inf at [1, 0]",
    ),
    "masked x": (
        lambda: try_fit(np.ma.masked_array(X, X == 0)), ValueError, "x has masked entries", "fill"
    ),
    "masked y": (lambda: try_fit(y=np.ma.masked_array(Y, Y == 0)), ValueError, "y has masked"),
    "text in x": (lambda: try_fit([["1", "2"]] * 4), TypeError, "x is <U1", "np.float64"),
    "nothing in x": (lambda: try_fit([[None, 2.0]] * 4), TypeError, "x is object", "np.float64"),
    "float16 in x": (lambda: try_fit(X.astype("f2")), TypeError, "float16", "np.float64"),
    "targets without their axis": (
        lambda: try_fit(y=Y * 1.0, network=mlp([2, 1]), loss="mean_squared_error"),
        ValueError, "y has shape (4,)", "one output for each example, (4, 1)",
        "pass y[..., np.newaxis]",
    ),
    "labels with an axis": (
        lambda: try_fit(y=Y[:, np.newaxis]), ValueError, "y has shape (4, 1)", "labels are (4,)",
        "pass y[..., 0]",
    ),
    "epochs None": (lambda: try_fit(epochs=None), ValueError, "epochs is None", "from 1 on"),
    "seeds for other replicas": (
        lambda: try_fit(seed=[0, 1]), ValueError, "2 seeds", "one for each replica"
    ),
    "unknown loss": (lambda: try_fit(loss="mse"), KeyError, "'mse'", "mean_squared_error"),
    "labels out of range": (lambda: try_fit(y=Y + 2), ValueError, "from 2 to 2", "0 to 1"),
    "other dtype": (lambda: try_fit(X.astype("f4")), TypeError, "float32", "np.float64"),
    "a ragged limit": (
        lambda: fit(mlp([1, 1]), [[1.0]], [[0.0]], optimizer=SGD(0.1), clip_norm=RAGGED),
        ValueError, "clip_norm is [[1.0], [1.0, 2.0]]",
    ),
}  # fmt: skip


@together("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])


@pytest.mark.parametrize(
    "validation",
    [(X[:, :1], Y), (X, Y + 2), (X, Y[:3]), X, (X, Y, Y)],
    ids=["features", "labels", "length", "no pair", "three"],
)
def test_bad_validation_data_are_found_before_anything_is_trained(validation):
    network = mlp([2, 3, 2], seed=0)
    before = {name: value.copy() for name, value in network.parameters.items()}
    with pytest.raises((TypeError, ValueError)):
        fit(network, X, Y, optimizer=SGD(0.1), epochs=2, validation=validation)
    for name, value in network.parameters.items():
        assert (value == before[name]).all()
