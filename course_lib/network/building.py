"""The multilayer perceptron, built from its sizes and a few choices."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from course_lib import activations
from course_lib._checks import as_array, check_choice
from course_lib._typing import Array
from course_lib.activations import Activation
from course_lib.network.initialization import initialize
from course_lib.network.layers import (
    Activate,
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    LayerNorm,
    Residual,
)
from course_lib.network.layers.dropout import as_probabilities
from course_lib.network.model import Network
from course_lib.network.seeds import Seed, as_seeds, layer_seed, stream

__all__ = ["mlp"]


NORMALIZATIONS: Mapping[str, type[BatchNorm | LayerNorm]] = MappingProxyType(
    {"batch": BatchNorm, "layer": LayerNorm}
)


def mlp(
    sizes: Sequence[int],
    activation: str | Activation = "relu",
    *,
    seed: Seed | Sequence[Seed] = 0,
    initialization: str = "he",
    gain: ArrayLike | None = None,
    normalization: str | None = None,
    residual: bool = False,
    dropout: ArrayLike = 0.0,
    alpha_dropout: bool = False,
    dtype: DTypeLike = np.float64,
) -> Network:
    """Build a multilayer perceptron: dense layers with an activation between them.

    Each hidden layer is a dense layer, a normalization if one is asked for, the activation, and
    dropout if that is asked for. The last layer is a dense layer alone: its outputs are the logits
    that a loss takes.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, from input to output; at least two numbers.
    activation : str or Activation
        A name of the catalogue.
    seed : int or SeedSequence, or a sequence of them
        One seed makes one network, without leading axes. A sequence makes one replica for each;
        replica i equals the network made from ``seed[i]`` alone.
    initialization : str
        See `initialize`. With ``"computed"``, the weights of every layer but the first are
        multiplied by the gain of the activation, so that their variance is gain²/fan_in; the input
        of the first layer has passed no activation. The gain stands in the catalogue; that of a
        function of your own is computed by `course_lib.meanfield.gain`, which needs SciPy.
    gain : float or array_like, optional
        Multiplies the weights of all layers, not the biases: one number, or one for each seed. With
        ``"computed"``, on top of what was computed.
    normalization : str, optional
        ``"batch"`` for a `BatchNorm`, ``"layer"`` for a `LayerNorm` between each hidden dense layer
        and its activation :cite:p:`ioffe2015batch`, with weights 1 and biases 0.
    residual : bool
        Make each hidden layer of as many units as the one before a `Residual` block: x + f(x),
        where f is the whole hidden layer, activation and dropout included. The first and the last
        layer, and hidden layers that change the width, stay as they are; so do all initial weights.
    dropout : float or array_like
        The probability to drop a hidden unit, from 0 to below 1: one number, or one for each seed.
        A `Dropout` stands after each activation, unless it is the number 0. Its masks come from the
        seed, other ones for each layer; the initial weights stay as they are.
    alpha_dropout : bool
        Make that an `AlphaDropout`, as SELU needs it.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    Network
        Ready to be trained.

    Raises
    ------
    KeyError
        If an activation, initialization or normalization is unknown.
    ValueError
        If there are fewer than two sizes, a size is below 1, there are no seeds, a gain is not a
        finite number above 0 or there are not as many as seeds, a dropout likewise is not from 0 to
        below 1, `alpha_dropout` is asked for without a dropout, no gain can be computed, or the
        activation changes the number of features, as gates do.
    TypeError
        If the dtype is not float32 or float64, a size is not an integer, or there are several
        activations.

    Examples
    --------
    >>> mlp([784, 256, 10], seed=range(64), dtype=np.float32)
    Network(784-256-10, ['relu'], float32, replicas=(64,))
    >>> mlp([784, 64, 64, 10], "tanh", normalization="batch", residual=True)
    Network(784-64-64-10, ['BatchNorm', 'tanh', 'Residual(BatchNorm, tanh)'], float64)
    >>> mlp([784, 64, 10], seed=range(3), dropout=[0, 0.2, 0.5])
    Network(784-64-10, ['relu', 'Dropout(0 to 0.5)'], float64, replicas=(3,))
    """
    if as_array("sizes", sizes).ndim == 0 or len(sizes) < 2:
        raise ValueError(f"sizes are {sizes!r}; at least an input and an output are needed")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise TypeError(f"dtype is {np.dtype(dtype)}; expected float32 and float64")
    if normalization is not None:
        check_choice("normalization", normalization, NORMALIZATIONS)
    activation = _one_activation(activation)
    seeds, replicated = as_seeds(seed)
    generators = [stream(s, "weights") for s in seeds]
    gains = _gains(gain, len(seeds) if replicated else None)
    drops = _dropouts(dropout, alpha_dropout, seeds, replicated, len(sizes) - 2)
    computed = _computed_gain(activation) if initialization == "computed" else 1.0
    layers: list[Layer] = []
    for i, (in_features, out_features) in enumerate(pairwise(sizes)):
        draws = [
            initialize(in_features, out_features, seed=rng, scheme=initialization, gain=float(own))
            for rng, own in zip(generators, gains * computed if i else gains, strict=True)
        ]
        weight, bias = (np.stack(arrays).astype(dtype) for arrays in zip(*draws, strict=True))
        dense = Dense(weight, bias) if replicated else Dense(weight[0], bias[0])
        if i == len(sizes) - 2:
            layers.append(dense)
            continue
        hidden = [dense, *_normalizations(dense, normalization), Activate(activation), *drops[i]]
        layers += [Residual(hidden)] if residual and i and in_features == out_features else hidden
    return Network(layers)


def _one_activation(activation: Any) -> Activation:
    """Return the activation of all hidden layers, or raise an error if there are several."""
    if isinstance(activation, list | tuple | np.ndarray):
        raise TypeError(
            f"activation is {activation!r}; expected one for all hidden layers, such as 'relu'; "
            f"for one in each, put layers in a row: Network([Dense(...), Activate('relu'), ...])"
        )
    row = activations.get(activation)
    if row.kind == "groups":
        raise ValueError(
            f"{row.name!r} makes one output of several inputs; expected an activation that keeps "
            f"the number of features"
        )
    return row


def _normalizations(dense: Dense, normalization: str | None) -> list[Layer]:
    """Return the normalization after a dense layer, if there is one."""
    if normalization is None:
        return []
    ones = np.ones_like(dense.parameters["bias"])
    return [NORMALIZATIONS[normalization](ones, np.zeros_like(ones))]


def _dropouts(
    dropout: ArrayLike, alpha: bool, seeds: Sequence[Seed], replicated: bool, layers: int
) -> list[list[Layer]]:
    """Return for each hidden layer the dropout that ends it, if there is one."""
    p = as_probabilities("dropout", dropout)
    _check_each("dropout", p, len(seeds) if replicated else None)
    if not p.shape and p == 0:
        if alpha:
            raise ValueError("alpha_dropout drops nothing where dropout is 0; give a dropout too")
        return [[] for _ in range(layers)]
    kind = AlphaDropout if alpha else Dropout
    own = [[layer_seed(seed, "dropout", i) for seed in seeds] for i in range(layers)]
    return [[kind(p, seed=each if replicated else each[0])] for each in own]


def _gains(gain: ArrayLike | None, seeds: int | None) -> Array:
    """Return the gain of each replica; `seeds` is None for one network without replicas."""
    values = as_array("gain", 1.0 if gain is None else gain)
    _check_each("gain", values, seeds)
    return np.broadcast_to(values.astype(np.float64), (seeds or 1,))


def _check_each(name: str, values: Array, seeds: int | None) -> None:
    """Raise ValueError unless there is one number, or one for each of the seeds, if any."""
    if values.dtype.kind not in "fiu" or values.shape not in ((), (seeds,)):
        given = f"of shape {values.shape}" if values.shape else repr(values.item())
        raise ValueError(
            f"{name} is {given}; expected one number, or one for each of a sequence of seeds"
        )


def _computed_gain(activation: Activation) -> float:
    """Return the gain of a function of the catalogue, or that of a function of the user's own."""
    for row in activations.CATALOGUE.values():
        if row.function is activation.function and row.gain is not None:
            return row.gain
    from course_lib import meanfield  # an integral, which no function of the catalogue needs

    return meanfield.gain(activation)
