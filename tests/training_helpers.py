"""What several tests of training share: data, networks, optimizers, and how states are compared."""

import numpy as np

from course_lib.network import Network, PReLU, mlp
from course_lib.training import SGD, Adam, AdamW, Momentum, RMSprop

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(22, 3)), RNG.integers(0, 2, 22)
VALIDATION = RNG.normal(size=(30, 3)), RNG.integers(0, 2, 30)
OPTIMIZERS = {
    "SGD": lambda rate: SGD(rate, weight_decay=0.01),
    "Momentum": lambda rate: Momentum(rate, momentum=0.8),
    "Nesterov": lambda rate: Momentum(rate, momentum=0.8, weight_decay=0.01, nesterov=True),
    "RMSprop": lambda rate: RMSprop(rate, alpha=0.9, momentum=0.5, centered=True),
    "Adam": lambda rate: Adam(rate, beta1=0.7, weight_decay=0.1),
    "AdamW": AdamW,
}
EVERYTHING = {"normalization": "batch", "dropout": 0.3, "residual": True}


def with_prelu(seed, dtype=np.float64):
    """Return a network whose rectifiers learn, one replica for each seed."""
    first, last = (mlp(sizes, seed=seed, dtype=dtype).layers[0] for sizes in ([3, 4], [4, 2]))
    return Network([first, PReLU(np.full_like(first.parameters["bias"], 0.25)), last])


NETWORKS = {
    "plain": lambda seed, dtype: mlp([3, 4, 2], "tanh", seed=seed, dtype=dtype),
    "everything": lambda seed, dtype: mlp([3, 4, 4, 2], seed=seed, dtype=dtype, **EVERYTHING),
    "self-normalizing": lambda seed, dtype: mlp(
        [3, 4, 2], "selu", seed=seed, dtype=dtype, dropout=0.2, alpha_dropout=True
    ),
    "layer normalization": lambda seed, dtype: mlp(
        [3, 4, 2], seed=seed, dtype=dtype, normalization="layer"
    ),
    "prelu": with_prelu,
}


class Scale:
    """A layer of a reader's own, with one weight that all replicas share."""

    def __init__(self):
        self.parameters, self.gradients = {"weight": np.ones((1, 1))}, {}

    def forward(self, x):
        self.x = x
        return x * self.parameters["weight"]

    def backward(self, grad_output, *, to_input=True):
        self.gradients["weight"] = (grad_output * self.x).sum().reshape(1, 1)
        return grad_output * self.parameters["weight"]


def assert_same(one, other):
    """Check that two states have the same names, dtypes and bits."""
    assert list(one) == list(other)
    for name, value in one.items():
        assert value.dtype == other[name].dtype, name
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def through_file(state, folder, name):
    """Return a state that was stored and opened."""
    np.savez(folder / name, **state)
    return np.load(folder / f"{name}.npz", allow_pickle=False)
