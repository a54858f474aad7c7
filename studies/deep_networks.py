"""Deep networks on MNIST: what the studies of deep networks share."""

from functools import cache

import numpy as np

from course_lib import data
from course_lib.diagnostics import diagnose
from course_lib.statistics import bootstrap_interval
from course_lib.training import accuracy, fit

SEEDS = range(16)
PIXELS, WIDTH, CLASSES = 14, 32, 10
EXAMPLES = 200  # on which networks are measured before training


@cache
def three_parts():
    """Return images with mean 0 and variance 1, and labels, to train, validate and test."""
    x, y, x_test, y_test = data.mnist().flat(size=PIXELS, standardize=True)
    for array in (x, y, x_test, y_test):
        array.flags.writeable = False
    return (x[:3200], y[:3200]), (x[3200:], y[3200:]), (x_test, y_test)


def sizes(depth):
    """Return the units of each layer."""
    return [PIXELS**2, *[WIDTH] * depth, CLASSES]


def some_images():
    """Return the first images for training with their labels."""
    x, y = three_parts()[0]
    return x[:EXAMPLES], y[:EXAMPLES]


def before_training(network):
    """Return measurements of all layers on some images."""
    with np.errstate(over="ignore", invalid="ignore"):
        return diagnose(network, *some_images(), rank=False)


def accuracies(network, optimizer, **options):
    """Train all replicas, and return their accuracy on images that they have not seen."""
    train_part, *others = three_parts()
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # some trainings diverge
        fit(network, *train_part, optimizer=optimizer, progress=False, **options)
        validation, test = (accuracy(network(x), y) for x, y in others)
    return {"validation_accuracy": validation, "test_accuracy": test}


def mean_with_interval(values):
    """Return the mean over the last axis, that of the seeds, and its 95 % interval."""
    low, high = bootstrap_interval(values, axis=-1)
    return np.mean(values, axis=-1), low, high
