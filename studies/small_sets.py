"""Small random training sets: each seed has its own images, weights, batches and label noise.

What is found over such seeds holds for other images of the same kind, not only for other initial
weights. Six studies share this: `overfitting`, `activation_generalizes`, `dropout`, `regularizers`,
`small_sets_varied` and, with a network of its own, `digits_activation`.
"""

from dataclasses import replace
from functools import cache

import numpy as np

from course_lib import data
from course_lib.network import cross_entropy, mlp
from course_lib.training import Momentum, accuracy, fit

BATCH, VALIDATION = 50, 500
AT_ONCE = 24  # replicas that are trained together: their weights still fit a cache

SOURCES = {"MNIST": data.mnist, "Fashion-MNIST": data.fashion_mnist}


@cache
def images(source, standardize=True):
    """Return images of 14 x 14 pixels: a pool to draw from, a test.

    Pixels are standardized, with mean 0 and variance 1 over all of them, or raw, from 0 to 1.
    """
    x_pool, y_pool, x_test, y_test = SOURCES[source]().flat(size=14, standardize=standardize)
    return (x_pool, y_pool), (x_test, y_test)


def draw(pool, n, seeds, noise=0.0):
    """Return n training images and 500 validation images for each seed, with noisy labels.

    With probability `noise`, one number or one for each seed, a label is replaced by one drawn from
    all ten classes; the validation labels too, as in practice, where they have the same source. The
    first n images of a seed are among its first 2n.
    """
    x, y = pool
    rows, labels = [], []
    for seed, own in zip(seeds, np.broadcast_to(noise, len(seeds)), strict=True):
        rng = np.random.default_rng([seed, 7])
        order = rng.permutation(len(x))
        replaced = np.where(rng.random(len(x)) < own, rng.integers(0, 10, len(x)), y)
        rows.append(np.concatenate([order[VALIDATION : VALIDATION + n], order[:VALIDATION]]))
        labels.append(replaced[rows[-1]])
    x, y = x[np.array(rows)], np.array(labels)
    return (x[:, :n], y[:, :n]), (x[:, n:], y[:, n:])


def train(seeds, part, valid, *, sizes, learning_rate, steps, dropout=0.0, weight_decay=0.0,
          patience=None, **build):  # fmt: skip
    """Return networks, one for each seed, that were trained on its part of the images.

    With a patience, each keeps the weights of the epoch with its lowest validation loss, and stops
    after so many epochs without a lower one.
    """
    network = mlp(sizes, seed=seeds, dtype=np.float32, dropout=dropout, **build)
    stopping = {} if patience is None else {"validation": valid, "patience": patience}
    fit(
        network, *part, optimizer=Momentum(learning_rate, weight_decay=weight_decay),
        epochs=max(1, round(steps * BATCH / part[1].shape[1])), batch_size=BATCH, seed=seeds,
        progress=False, **stopping,
    )  # fmt: skip
    return network


def measure(seeds, *, source, examples, noise=0.0, standardize=True, blocks=0, **training):
    """Return what networks, one for each seed, reach on three sets of images.

    Parameters
    ----------
    seeds : sequence of int
        Each has training and validation images of its own; the test images are the same for all.
    source, standardize, examples, noise
        As for `images` and `draw`.
    blocks : int
        In how many disjoint blocks the accuracy on the test images is returned, too.
    **training : object
        As for `train`.

    Returns
    -------
    dict of str to ndarray, shape (seeds,)
        Accuracy and loss (nats) on the training, validation and test images; those on training and
        validation images count the labels that the network was given, ``wrong_labels`` is the
        fraction of training labels that are wrong. ``test_block_3`` is the accuracy on block 3.
    """
    pool, test = images(source, standardize)
    part, valid = draw(pool, examples, seeds, noise)
    network = train(list(seeds), part, valid, **training)
    true = draw(pool, examples, seeds)[0][1]
    found = {"wrong_labels": (part[1] != true).mean(axis=1)}
    for name, (x, y) in {"train": part, "validation": valid, "test": test}.items():
        outputs = network(x)
        found[f"{name}_accuracy"] = accuracy(outputs, y)
        found[f"{name}_loss"] = cross_entropy(outputs, y)
    each = np.split(outputs, blocks, axis=-2) if blocks else []
    for i, (own, y) in enumerate(zip(each, np.split(test[1], blocks or 1), strict=False)):
        found[f"test_block_{i}"] = accuracy(own, y)
    return found


def quickly(tune):
    """Return how a miniature tunes: with three seeds, and neither wider nor finer values."""
    return replace(tune, seeds=range(10_000, 10_003), widen=0, finer=False)
