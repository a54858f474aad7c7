"""Deep networks on MNIST: shared by the studies trainable_depth, saturation and mitigations."""

import small_sets

from course_lib.experiments import tune
from course_lib.training import Momentum, accuracy, fit

SEEDS, TUNING_SEEDS = range(16), range(100, 104)


def three_parts():
    """Return images of 14 x 14 pixels with mean 0 and variance 1 to train, validate and test."""
    (x, y), test_part = small_sets.images("MNIST")
    return (x[:3200], y[:3200]), (x[3200:], y[3200:]), test_part


def train(network, learning_rate, train_part, epochs, batch_size=100):
    """Train all replicas, each with its learning rate."""
    fit(
        network, *train_part, optimizer=Momentum(learning_rate), epochs=epochs,
        batch_size=batch_size, progress=False,
    )  # fmt: skip
    return network


def tuned(learning_rates, trained, part):
    """Return the learning rate whose networks are best on validation data, as `tune` does.

    ``trained(learning_rates, seeds)`` returns trained networks, a replica for each pair.
    """
    x, y = part
    return tune(
        learning_rates,
        lambda each_rate, each_seed: accuracy(trained(each_rate, each_seed)(x), y),
        seeds=TUNING_SEEDS,
    )
