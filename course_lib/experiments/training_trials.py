"""Trainings on the bundled images, as a function that a sweep can call.

`train_network` is what the studies of this course have in common: a multilayer perceptron is built
for each seed, all are trained at once, and their accuracy is measured on images that they have not
seen. All its arguments are text and numbers, so that a file can hold them (see `spec`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from inspect import signature
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from course_lib import data as bundled
from course_lib._checks import as_integer, as_number, check_choice, check_integer
from course_lib._typing import Array
from course_lib.network import Dense, Network, mlp, stream
from course_lib.training import (
    SGD,
    Adam,
    AdamW,
    History,
    Momentum,
    Optimizer,
    RMSprop,
    accuracy,
    fit,
)
from course_lib.training.arguments import check_smallest_batch

__all__ = ["DATA", "OPTIMIZERS", "check_training", "train_network"]

DATA: Mapping[str, Callable[[], bundled.Images]] = MappingProxyType(
    {"mnist": bundled.mnist, "fashion_mnist": bundled.fashion_mnist}
)
"""The images by name."""

OPTIMIZERS: Mapping[str, Callable[[float], Optimizer]] = MappingProxyType(
    {"sgd": SGD, "momentum": Momentum, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}
)
"""The optimizers by name, each with its own defaults beside the learning rate."""

CLASSES = 10
PIXELS = (28, 14, 7, 4, 2, 1)  # of a side, so that 28 is a multiple


def train_network(
    seeds: Sequence[int],
    *,
    data: str = "mnist",
    pixels: int = 28,
    depth: int | None = None,
    width: int | None = None,
    sizes: Sequence[int] | None = None,
    activation: str = "relu",
    initialization: str = "he",
    gain: float = 1.0,
    bias_variance: float | None = None,
    normalization: str = "none",
    residual: bool = False,
    dropout: float = 0.0,
    optimizer: str = "momentum",
    learning_rate: float = 0.1,
    epochs: int = 4,
    batch_size: int = 64,
) -> dict[str, Array]:
    """Train one network for each seed, all at once, and measure what they have learned.

    Parameters
    ----------
    seeds : sequence of int
        Each determines a network's initial weights, the order of its batches and what dropout
        drops. Network i equals the one that is trained with ``seeds[i]`` alone but for rounding.
    data : str
        One of `DATA`. Of the images for training, the last fifth is for validation.
    pixels : int
        Pixels of a side, a divisor of 28: images are averaged to this size. All are standardized
        with mean and standard deviation of the images for training and validation.
    depth, width : int, optional
        So many hidden layers of so many units.
    sizes : sequence of int, optional
        Instead of both: units of each layer, from ``pixels**2`` to 10.
    activation, initialization, gain, residual, dropout
        As for `course_lib.network.mlp`.
    bias_variance : float, optional
        Draw the biases from a normal distribution with mean 0 and this variance, as mean-field
        theory has them :cite:p:`schoenholz2017deep`. By default they are as initialized.
    normalization : str
        ``"none"``, ``"batch"`` or ``"layer"``.
    optimizer : str
        One of `OPTIMIZERS`.
    learning_rate : float
        Above 0.
    epochs, batch_size : int
        As for `course_lib.training.fit`. The loss is the cross-entropy.

    Returns
    -------
    dict of str to ndarray
        For each seed: ``validation_accuracy`` and ``test_accuracy``, from 0 to 1, 0 for a network
        with an output that is not finite; and ``train_loss`` of the last epoch, NaN or infinite
        where the training diverged.

    Raises
    ------
    KeyError, TypeError, ValueError
        As `check_training`.

    Examples
    --------
    >>> found = train_network(range(2), pixels=7, depth=1, width=8, epochs=1, learning_rate=0.03)
    >>> found["validation_accuracy"].shape, sorted(found)
    ((2,), ['test_accuracy', 'train_loss', 'validation_accuracy'])
    """
    own = [as_integer("seed", seed) for seed in seeds]
    parts, network, moves = _prepared(
        own, data=data, pixels=pixels, depth=depth, width=width, sizes=sizes, activation=activation,
        initialization=initialization, gain=gain, bias_variance=bias_variance,
        normalization=normalization, residual=residual, dropout=dropout, optimizer=optimizer,
        learning_rate=learning_rate, epochs=epochs, batch_size=batch_size,
    )  # fmt: skip
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # some trainings diverge
        history = fit(
            network, *parts.train, optimizer=moves, epochs=epochs, batch_size=batch_size, seed=own,
            progress=False,
        )  # fmt: skip
        return scores(network, parts, history)


def scores(predict: Callable[[Array], Array], parts: "Parts", history: History) -> dict[str, Array]:
    """Return what `train_network` measures, from a function that returns all outputs."""
    return {
        "validation_accuracy": _accuracy(predict, *parts.validation),
        "test_accuracy": _accuracy(predict, *parts.test),
        "train_loss": np.asarray(history.train_loss[:, -1], np.float64),
    }


def check_training(**arguments: Any) -> None:
    """Do everything that `train_network` does but training, for a single seed.

    Parameters
    ----------
    **arguments : object
        Those of `train_network`, without the seeds.

    Raises
    ------
    KeyError
        If the name of data, an activation, an initialization, a normalization or an optimizer is
        unknown.
    ValueError
        If a number is outside of its range, or both or neither of `sizes` and depth with width are
        given.
    TypeError
        If there is no such argument, or as `course_lib.network.mlp` raises it.

    Examples
    --------
    >>> check_training(depth=2, width=8, optimizer="adan")
    Traceback (most recent call last):
    KeyError: "unknown optimizer 'adan'; did you mean 'adam'? Expected: sgd, momentum, rmsprop,
    adam, adamw"
    """
    prepared([0], arguments)


def prepared(
    seeds: list[int], arguments: Mapping[str, Any]
) -> tuple["Parts", Network, Optimizer, dict[str, int]]:
    """Return all that a training with arguments of `train_network` needs, or raise its error.

    These are the images, networks with their initial weights, what moves them, and epochs and batch
    size by name.
    """
    given = signature(train_network).bind(seeds, **arguments)
    given.apply_defaults()
    parts, network, moves = _prepared(*given.args, **given.kwargs)
    return parts, network, moves, {n: given.arguments[n] for n in ("epochs", "batch_size")}


def _prepared(
    seeds: list[int],
    *,
    data: Any,
    optimizer: Any,
    learning_rate: Any,
    epochs: Any,
    batch_size: Any,
    **architecture: Any,
) -> tuple["Parts", Network, Optimizer]:
    """Return all that a training needs, or raise an error if something cannot be used."""
    check_choice("data", data, DATA)
    check_choice("optimizer", optimizer, OPTIMIZERS)
    check_integer("epochs", epochs)
    check_integer("batch_size", batch_size)
    network = _network(seeds, **architecture)
    parts = _three_parts(data, architecture["pixels"])
    moves = OPTIMIZERS[optimizer](as_number("learning_rate", learning_rate, above=0))
    check_smallest_batch(network, len(parts.train[0]), batch_size)
    return parts, network, moves


class Parts(NamedTuple):
    """Inputs and labels of images."""

    train: tuple[Array, Array]
    validation: tuple[Array, Array]
    test: tuple[Array, Array]


@cache
def _three_parts(data: str, pixels: int) -> Parts:
    """Return the images to train, validate and test; made once, and nothing can change them."""
    x, y, x_test, y_test = DATA[data]().flat(size=pixels, standardize=True)
    for array in (x, y, x_test, y_test):
        array.flags.writeable = False
    train = len(x) * 4 // 5
    return Parts((x[:train], y[:train]), (x[train:], y[train:]), (x_test, y_test))


def _sizes(pixels: Any, depth: Any, width: Any, sizes: Any) -> list[int]:
    """Return the units of each layer, or raise an error if they are given twice or not at all."""
    if isinstance(pixels, bool) or pixels not in PIXELS:
        raise ValueError(f"pixels is {pixels!r}; expected one of {', '.join(map(str, PIXELS))}")
    ends = pixels**2, CLASSES
    if not (sizes is None) == (depth is not None) == (width is not None):
        raise ValueError(
            f"sizes is {sizes!r}, depth is {depth!r} and width is {width!r}; expected either sizes "
            f"or both others"
        )
    if sizes is None:
        check_integer("depth", depth, least=0)
        check_integer("width", width)
        return [ends[0], *[width] * depth, ends[1]]
    units = list(sizes) if isinstance(sizes, list | tuple) else []
    if len(units) < 2 or (units[0], units[-1]) != ends:
        raise ValueError(
            f"sizes is {sizes!r}; expected a list of units from {ends[0]}, the pixels of an image, "
            f"to {ends[1]}, one for each class"
        )
    for number in units:
        check_integer("one of sizes", number)
    return units


def _network(
    seeds: list[int],
    *,
    pixels: Any,
    depth: Any,
    width: Any,
    sizes: Any,
    activation: Any,
    initialization: Any,
    gain: Any,
    bias_variance: Any,
    normalization: Any,
    residual: Any,
    dropout: Any,
) -> Network:
    """Return networks in float32, one for each seed."""
    check_choice("normalization", normalization, ["none", "batch", "layer"])
    network = mlp(
        _sizes(pixels, depth, width, sizes),
        activation,
        seed=seeds,
        initialization=initialization,
        gain=as_number("gain", gain, above=0),
        normalization=None if normalization == "none" else normalization,
        residual=residual,
        dropout=as_number("dropout", dropout, least=0, below=1),
        dtype=np.float32,
    )
    if bias_variance is not None:
        _draw_biases(network, seeds, as_number("bias_variance", bias_variance, least=0))
    return network


def _draw_biases(network: Network, seeds: Sequence[int], variance: float) -> None:
    """Give the dense layers biases from a normal distribution, of a stream for each layer."""
    for place, layer in enumerate(network.layers):
        if isinstance(layer, Dense):
            for bias, seed in zip(layer.parameters["bias"], seeds, strict=True):
                rng = stream(np.random.SeedSequence(seed, spawn_key=(place,)), "weights")
                bias[...] = np.sqrt(variance) * rng.standard_normal(bias.shape)


def _accuracy(predict: Callable[[Array], Array], x: Array, y: Array) -> Array:
    """Return the accuracy of each network; 0 for one that diverged."""
    outputs = predict(x)
    diverged = ~np.isfinite(outputs).all(axis=(-2, -1))
    return np.where(diverged, 0.0, accuracy(outputs, y))
