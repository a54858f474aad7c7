"""Small layers and networks that the tests of `course_lib.network` are made of."""

from itertools import pairwise

import numpy as np
import torch

from course_lib.activations import CATALOGUE
from course_lib.network import (
    Activate,
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Network,
    PReLU,
    Residual,
)

GATES = ["glu", "reglu", "geglu", "swiglu", "maxout"]  # half as many out as in
KEEPING = [row.name for row in CATALOGUE.values() if row.kind != "groups"]  # as many out as in
IN_PYTORCH = [name for name in KEEPING if CATALOGUE[name].pytorch]
CORE = "identity sigmoid tanh relu leaky_relu gelu silu softmax log_softmax".split()
SIZES = (3, 4, 4, 2)
BATCH = 5
REPLICAS = [(), (3,), (2, 3)]
DTYPES = [np.float32, np.float64]
FLOATS = [np.float16, np.float32, np.float64]
INF = np.inf
TOLERANCE = {  # relative to the largest gradient, about ten roundings
    np.float32: 2e-6,
    np.float64: 4e-15,
}
TORCH_LOSSES = {
    "cross_entropy": torch.nn.functional.cross_entropy,
    "binary_cross_entropy": torch.nn.functional.binary_cross_entropy_with_logits,
    "mean_squared_error": torch.nn.functional.mse_loss,
    "gaussian_nll": lambda z, t: torch.nn.functional.gaussian_nll_loss(
        z[..., : t.shape[-1]], t, z[..., t.shape[-1] :].exp(), eps=1e-30
    ),
    "poisson_nll": torch.nn.functional.poisson_nll_loss,
}
LAMBDA, ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


def build(activation, replicas=(), dtype=np.float64, sizes=SIZES, seed=0):
    """Make a network whose weights and biases are random, with any leading axes."""
    rng = np.random.default_rng(seed)
    layers = []
    for in_features, out_features in pairwise(sizes):
        weight, bias = (
            rng.normal(size=(*replicas, rows, out_features)).astype(dtype)
            for rows in (in_features, 1)
        )
        layers += [Dense(weight, bias), Activate(activation)]
    return Network(layers[:-1])


def build_for(loss, activation, replicas=(), dtype=np.float64):
    """Make such a network, with small outputs for a loss that takes their exponentials."""
    network = build(activation, replicas, dtype)
    if loss.endswith("nll"):
        list(network.parameters.values())[-2][...] /= 16
    return network


def batch_for(loss, dtype=np.float64, leading=(), seed=1):
    """Return inputs, and labels or targets as the loss wants them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(*leading, BATCH, SIZES[0])).astype(dtype)
    if loss == "cross_entropy":
        return x, rng.integers(0, SIZES[-1], (*leading, BATCH))
    return x, targets_for(loss, rng.uniform(0, 1, (*leading, BATCH, SIZES[-1])).astype(dtype))


def targets_for(loss, y):
    """Return targets, or the half of them that the outputs have means for."""
    return y[..., : y.shape[-1] // 2] if loss == "gaussian_nll" else y


# A network as text: "3-4" is a dense layer, a list a residual block, another word an activation
NETWORKS = {
    "batch": ["3-4", "batch", "tanh", "4-2"],
    "layer": ["3-4", "layer", "tanh", "4-2"],
    "normalization first": ["batch", "3-4", "relu", "layer", "4-2"],
    "residual": ["3-4", "relu", ["4-4", "batch", "relu"], ["layer", "relu", "4-5", "5-4"], "4-2"],
    "layer normalization first": ["layer", "3-2"],
    "residual first": [["3-3", "tanh"], "3-2"],
    "nested": ["3-4", ["4-4", ["batch", "4-4", "tanh"], "layer"], "4-2"],
}


NEAR = {np.float32: 5e-5, np.float64: 2e-13}  # relative to the largest; small batches stretch


def make_layers(words, replicas, dtype, rng, width=SIZES[0]):
    """Return the layers that a text describes, with random parameters and running averages."""

    def draw(*shape, low=None):
        values = rng.normal(size=shape) if low is None else rng.uniform(low, 2, size=shape)
        return values.astype(dtype)

    layers = []
    for word in words:
        if isinstance(word, list):
            layers.append(Residual(make_layers(word, replicas, dtype, rng, width)))
        elif "-" in word:
            in_features, width = map(int, word.split("-"))
            layers.append(Dense(draw(*replicas, in_features, width), draw(*replicas, 1, width)))
        elif word in ("batch", "layer"):
            kind = BatchNorm if word == "batch" else LayerNorm
            shape = (*replicas, 1, width)
            options = {"eps": 1e-3} | ({"momentum": 0.3} if word == "batch" else {})
            layers.append(kind(draw(*shape, low=0.5), draw(*shape), **options))
            if word == "batch":
                layers[-1].running_mean[...] = draw(*shape)
                layers[-1].running_variance[...] = draw(*shape, low=0.5)
        else:
            layers.append(Activate(word))
    return layers


def make(name, replicas=(), dtype=np.float64):
    """Make one of `NETWORKS`."""
    return Network(make_layers(NETWORKS[name], replicas, dtype, np.random.default_rng(3)))


def batch_norms(layers, prefix=""):
    """Return the batch normalizations by name."""
    found = {}
    for i, layer in enumerate(layers):
        if isinstance(layer, BatchNorm):
            found[f"{prefix}{i}"] = layer
        elif isinstance(layer, Residual):
            found |= batch_norms(layer.layers, f"{prefix}{i}.")
    return found


class Doubled:
    """A user's own layer, from before there were modes and copies."""

    def __init__(self):
        self.parameters, self.gradients = {}, {}

    def forward(self, x):
        return 2 * x

    def backward(self, grad_output, *, to_input=True):
        return 2 * grad_output if to_input else None


class Homemade(Doubled):
    """A layer of a user's own that cannot be copied."""


def normalization(kind, features, dtype, leading=(), **options):
    """Return a layer with weights 1 and biases 0."""
    shape = (*leading, 1, features)
    return kind(np.ones(shape, dtype), np.zeros(shape, dtype), **options)


LAYERS = {
    "Dense": lambda dtype, own=(): Dense(
        np.full((*own, 4, 4), 0.5, dtype), np.full((*own, 1, 4), 0.1, dtype)
    ),
    "Dense without bias": lambda dtype, own=(): Dense(np.full((*own, 4, 4), 0.5, dtype)),
    "relu": lambda dtype, own=(): Activate("relu"),
    "gelu": lambda dtype, own=(): Activate("gelu"),
    "sigmoid": lambda dtype, own=(): Activate("sigmoid"),
    "PReLU": lambda dtype, own=(): PReLU(np.full((*own, 1, 4), 0.25, dtype)),
    "PReLU, shared": lambda dtype, own=(): PReLU(np.full((*own, 1, 1), 0.25, dtype)),
    "BatchNorm": lambda dtype, own=(): normalization(BatchNorm, 4, dtype, own),
    "LayerNorm": lambda dtype, own=(): normalization(LayerNorm, 4, dtype, own),
    "Dropout": lambda dtype, own=(): Dropout(0.5, seed=2),
    "AlphaDropout": lambda dtype, own=(): AlphaDropout(0.5, seed=2),
    "Residual": lambda dtype, own=(): Residual([LAYERS["Dense"](dtype, own), Activate("relu")]),
    "Residual with norm": lambda dtype, own=(): Residual([LAYERS["BatchNorm"](dtype, own)]),
}


EDGES = {
    "normal": [[0.5, -1.5, 2.0, 0.25], [1.0, 3.0, -0.5, 0.75]],
    "largest": [[1, -1, 0.5, 0.9], [0.8, -0.7, 1, 1]],
    "subnormal": [[1, 3, 0, 2], [5, 1, 1, 0]],
    "infinite": [[INF, -INF, INF, 1], [0, 1, INF, -INF]],
    "one infinity": [[INF, 0, 1, 2], [0, 1, 2, -3]],
    "nan": [[np.nan, 0, 1, 2], [INF, 1, 2, 3]],
}


def edge_input(name, dtype):
    """Return a batch of two rows of four features, of the size that the name says."""
    info = np.finfo(dtype)
    factors = {"largest": info.max, "subnormal": info.smallest_subnormal}
    return np.array(EDGES[name], dtype) * factors.get(name, dtype(1))


def train(layer):
    """Set a layer to training mode."""
    layer.training = True
    return layer


def drop(kind):
    """Return a dropout with p 0.5 in training mode."""
    return train(kind(0.5, seed=1))
