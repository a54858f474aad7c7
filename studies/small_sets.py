"""Small random training sets: each seed has its own images, weights, batches and label noise.

What is found over such seeds holds for other images of the same kind, not only for other initial
weights. Four studies share this: `overfitting`, `activation_generalizes`, `dropout` and
`regularizers`.
"""

import numpy as np

from course_lib import data
from course_lib.experiments import tune
from course_lib.network import mlp
from course_lib.training import Momentum, accuracy, fit

BATCH, VALIDATION = 50, 500
AT_ONCE = 24  # replicas that are trained together: their weights still fit a cache

SOURCES = {"MNIST": data.mnist, "Fashion-MNIST": data.fashion_mnist}


def images(source):
    """Return images of 14 x 14 pixels with mean 0 and variance 1: a pool to draw from, a test."""
    x_pool, y_pool, x_test, y_test = SOURCES[source]().flat(size=14, standardize=True)
    return (x_pool, y_pool), (x_test, y_test)


def draw(pool, n, seeds, noise=0.0):
    """Return n training images and 500 validation images for each seed, with noisy labels.

    With probability `noise` a label is replaced by one drawn from all ten classes; the validation
    labels too, as in practice, where they have the same source. The first n images of a seed are
    among its first 2n.
    """
    x, y = pool
    rows, labels = [], []
    for seed in seeds:
        rng = np.random.default_rng([seed, 7])
        order = rng.permutation(len(x))
        replaced = np.where(rng.random(len(x)) < noise, rng.integers(0, 10, len(x)), y)
        rows.append(np.concatenate([order[VALIDATION : VALIDATION + n], order[:VALIDATION]]))
        labels.append(replaced[rows[-1]])
    x, y = x[np.array(rows)], np.array(labels)
    return (x[:, :n], y[:, :n]), (x[:, n:], y[:, n:])


def train(pool, n, seeds, learning_rates, *, noise=0.0, steps, sizes, build=None, weight_decay=0.0,
          dropout=0.0, **options):  # fmt: skip
    """Yield, some at a time, trained networks with the training and validation data of each.

    A learning rate, a decay and a fraction to drop are one number, or one for each seed.
    """
    each = [np.broadcast_to(v, len(seeds)) for v in (learning_rates, weight_decay, dropout)]
    for start in range(0, len(seeds), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        own = list(seeds[some])
        part, valid = draw(pool, n, own, noise)
        learning_rate, decay, drop = (values[some] for values in each)
        network = mlp(
            sizes, seed=own, dtype=np.float32, dropout=drop if np.any(dropout) else 0.0,
            **(build or {}),
        )  # fmt: skip
        fit(
            network, *part, optimizer=Momentum(learning_rate, weight_decay=decay),
            epochs=max(1, round(steps * BATCH / n)), batch_size=BATCH, seed=own, progress=False,
            **({"validation": valid} | options if options else {}),
        )  # fmt: skip
        yield network, part, valid


def scores(pool, test, *arguments, **options):
    """Return the accuracy of each network on its training, its validation and the test images."""
    found = []
    for network, part, valid in train(pool, *arguments, **options):
        found.append([accuracy(network(x), y) for x, y in (part, valid, test)])
    return np.concatenate(found, axis=1)


def tuned(learning_rates, seeds, *arguments, **options):
    """Return the learning rate that is best on validation data, as `tune` does.

    The arguments are those of `scores` without seeds and learning rates.
    """

    def evaluate(each_rate, each_seed):
        return scores(*arguments, each_seed, each_rate, **options)[1]

    return tune(learning_rates, evaluate, seeds=seeds)
