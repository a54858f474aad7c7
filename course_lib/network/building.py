"""The multilayer perceptron, built from its sizes and a few choices."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from course_lib import activations
from course_lib._checks import as_array, as_flag, as_integer, check_choice
from course_lib._typing import Array
from course_lib.activations import Activation
from course_lib.network.gains import computed_gain
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
from course_lib.network.layers.activation import features_needed
from course_lib.network.layers.dropout import as_probabilities
from course_lib.network.model import Network
from course_lib.network.seeds import Seed, as_seeds, layer_seed, stream

__all__ = ["mlp"]


NORMALIZATIONS: Mapping[str, type[BatchNorm | LayerNorm]] = MappingProxyType(
    {"batch": BatchNorm, "layer": LayerNorm}
)


def mlp(
    sizes: Sequence[int],
    activation: str | Activation | Sequence[str | Activation] = "relu",
    *,
    seed: Seed | Sequence[Seed] = 0,
    initialization: str = "he",
    gain: ArrayLike | None = None,
    normalization: str | None = None,
    residual: bool = False,
    dropout: ArrayLike = 0.0,
    alpha_dropout: bool = False,
    bias: bool = True,
    dtype: DTypeLike = np.float64,
) -> Network:
    r"""Build a multilayer perceptron: dense layers with an activation between them.

    Each hidden layer is a dense layer, a normalization if one is asked for, the activation, and
    dropout if that is asked for. The last layer is a dense layer alone: its outputs are the logits
    that a loss takes.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, from input to output; at least two numbers. They are what comes out of
        the activations: a gate, such as ``"swiglu"``, makes one unit of two outputs of the dense
        layer before it, which therefore has twice as many, and maxout one of `pieces`.
    activation : str or Activation, or a sequence of them
        A name of the catalogue or a row; or one for each hidden layer.
    seed : int or SeedSequence, or a sequence of them
        One seed makes one network, without leading axes. A sequence makes one replica for each;
        replica i equals the network made from ``seed[i]`` alone.
    initialization : str
        See `initialize`. With ``"computed"``, the weights of every layer but the first are
        multiplied by the gain of the activation before it, so that their variance is
        ``gain**2 / fan_in``; the input of the first layer has passed no activation. The gain
        stands in the catalogue; that of a function of your own is computed by
        `course_lib.meanfield.gain`, which needs SciPy. A gate has the gain of its second
        factor: :math:`\mathrm{E}[a^2 g(b)^2] = \mathrm{E}[g(b)^2]` where the two inputs are
        independent with variance 1.
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
    bias : bool
        Whether the dense layers have biases. A `BatchNorm` takes away what a bias before it adds.
        The initial weights are the same with and without.
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
        If there are fewer than two sizes, a size is below 1, there are not as many activations as
        hidden layers, there are no seeds, a gain is not a finite number above 0 or there are not as
        many as seeds, a dropout likewise is not from 0 to below 1, `alpha_dropout` is asked for
        without a dropout, no gain can be computed, or the activation reduces all features to one.
    TypeError
        If the dtype is not float32 or float64, a size is not an integer, or `residual`,
        `alpha_dropout` or `bias` is not a bool.

    Examples
    --------
    >>> mlp([784, 256, 10], seed=range(64), dtype=np.float32)
    Network(784-256-10, ['relu'], float32, replicas=(64,))
    >>> mlp([784, 64, 64, 10], "tanh", normalization="batch", residual=True)
    Network(784-64-64-10, ['BatchNorm', 'tanh', 'Residual(BatchNorm, tanh)'], float64)
    >>> mlp([784, 64, 10], seed=range(3), dropout=[0, 0.2, 0.5])
    Network(784-64-10, ['relu', 'Dropout(0 to 0.5)'], float64, replicas=(3,))
    >>> gated = mlp([784, 64, 32, 10], ["swiglu", "tanh"], bias=False)
    >>> gated, gated.parameters["0.weight"].shape
    (Network(784-64-32-10, ['swiglu', 'tanh'], float64), (784, 128))
    """
    if as_array("sizes", sizes).ndim == 0 or len(sizes) < 2:
        raise ValueError(f"sizes are {sizes!r}; at least an input and an output are needed")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise TypeError(f"dtype is {np.dtype(dtype)}; expected float32 and float64")
    if normalization is not None:
        check_choice("normalization", normalization, NORMALIZATIONS)
    residual = as_flag("residual", residual)
    alpha_dropout = as_flag("alpha_dropout", alpha_dropout)
    bias = as_flag("bias", bias)
    rows = _activations(activation, len(sizes) - 2)
    seeds, replicated = as_seeds(seed)
    gains = _gains(gain, len(seeds) if replicated else None)
    kinds, kind_of = _kinds(seeds, gains)
    generators = [stream(seed, "weights") for seed, _ in kinds]
    drops = _dropouts(dropout, alpha_dropout, seeds, replicated, len(sizes) - 2)
    computed = [1.0, *(computed_gain(row) if initialization == "computed" else 1.0 for row in rows)]
    layers: list[Layer] = []
    for i, (in_features, out_features) in enumerate(pairwise(sizes)):
        last = i == len(sizes) - 2
        made = out_features if last else _features_before(rows[i], out_features)
        draws = [
            initialize(in_features, made, seed=rng, scheme=initialization, gain=own * computed[i])
            for rng, (_, own) in zip(generators, kinds, strict=True)
        ]
        arrays = [np.stack(each).astype(dtype)[kind_of] for each in zip(*draws, strict=True)]
        dense = Dense(*(own if replicated else own[0] for own in arrays[: 1 + bias]))
        if last:
            layers.append(dense)
            continue
        hidden = [dense, *_normalizations(dense, normalization), Activate(rows[i]), *drops[i]]
        layers += [Residual(hidden)] if residual and i and in_features == out_features else hidden
    return Network(layers)


def _activations(given: Any, layers: int) -> list[Activation]:
    """Return the activation of each hidden layer."""
    if not isinstance(given, list | tuple | np.ndarray):
        return [activations.get(given)] * layers
    rows = [activations.get(one) for one in given]
    if len(rows) != layers:
        raise ValueError(
            f"activation is {[row.name for row in rows]}, {len(rows)} for {layers} hidden layers; "
            f"expected one for all, such as 'relu', or one for each"
        )
    return rows


def _features_before(row: Activation, units: int) -> int:
    """Return the outputs that a dense layer needs so that its activation makes them units."""
    needed = features_needed(row, as_integer("fan_out", units))
    if needed is None:
        raise ValueError(
            f"no number of features becomes {units} units by {row.name!r}; expected an activation "
            f"along axis=-1 that keeps the number of features or divides it, as gates do"
        )
    return needed


def _normalizations(dense: Dense, normalization: str | None) -> list[Layer]:
    """Return the normalization after a dense layer, if there is one."""
    if normalization is None:
        return []
    ones = np.ones_like(dense.parameters["weight"][..., :1, :])
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


def _kinds(seeds: Sequence[Seed], gains: Array) -> tuple[list[tuple[Seed, float]], list[int]]:
    """Return seeds with their gains, each pair once, and which of them each replica has.

    A tuning trains the same few seeds with every learning rate: their weights are drawn once.
    """
    pairs = list(zip(seeds, gains.tolist(), strict=True))
    place = {pair: i for i, pair in enumerate(dict.fromkeys(pairs))}
    return list(place), [place[pair] for pair in pairs]


def _check_each(name: str, values: Array, seeds: int | None) -> None:
    """Raise ValueError unless there is one number, or one for each of the seeds, if any."""
    if values.dtype.kind not in "fiu" or values.shape not in ((), (seeds,)):
        given = f"of shape {values.shape}" if values.shape else repr(values.item())
        raise ValueError(
            f"{name} is {given}; expected one number, or one for each of a sequence of seeds"
        )
