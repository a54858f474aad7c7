"""To which depth does a network still train, and does mean-field theory tell it beforehand?

The question is that of Schoenholz and others (2017). tanh networks of many depths and weight
variances: for each of them a learning rate is chosen on validation data with seeds of its own; then
sixteen networks are trained with it and tested. Takes about half an hour on one core.
"""

from itertools import product

import numpy as np
from deep_networks import SEEDS, three_parts, train, tuned
from study import main

from course_lib.network import mlp, stream
from course_lib.training import accuracy

BIAS_VARIANCE = 0.05
WEIGHT_VARIANCES = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0)
DEPTHS = (2, 4, 8, 16, 24, 32, 48)
LEARNING_RATES = (0.0001, 0.001, 0.01, 0.03, 0.1, 0.3)
WIDTH, EPOCHS, BATCH = 32, 4, 100
RUNS = [
    {"depth": depth, "weight_variance": variance}
    for depth, variance in product(DEPTHS, WEIGHT_VARIANCES)
]


def build(depth, weight_variance, seeds, width=WIDTH, activation="tanh"):
    """Return networks whose weights have a variance of weight_variance / fan_in."""
    sizes = [196, *[width] * depth, 10]
    gain = np.sqrt(weight_variance)
    network = mlp(
        sizes, activation, seed=seeds, initialization="lecun", gain=gain, dtype=np.float32
    )
    for name, value in network.parameters.items():
        if name.endswith("bias"):
            for own, seed in zip(value, seeds, strict=True):
                rng = stream(
                    np.random.SeedSequence(seed, spawn_key=(int(name.split(".")[0]),)), "weights"
                )
                own[...] = np.sqrt(BIAS_VARIANCE) * rng.standard_normal(own.shape)
    return network


def run(depth, weight_variance):
    """Return the chosen learning rate and the test accuracy of each seed."""
    train_part, valid_part, (x_test, y_test) = three_parts()

    def trained(learning_rates, seeds):
        network = build(depth, weight_variance, [*seeds])
        return train(network, learning_rates, train_part, EPOCHS, BATCH)

    learning_rate = tuned(LEARNING_RATES, trained, valid_part).learning_rate
    network = trained(learning_rate, SEEDS)
    return {
        "chosen_learning_rate": learning_rate,
        "test_accuracy": accuracy(network(x_test), y_test),
    }


def collect(records):
    """Lay out the records by depth and weight variance."""
    shape = len(DEPTHS), len(WEIGHT_VARIANCES)
    chosen, reached = (
        np.array([record[key] for record in records])
        for key in ("chosen_learning_rate", "test_accuracy")
    )
    return {
        "activation": "tanh",
        "bias_variance": BIAS_VARIANCE,
        "weight_variances": WEIGHT_VARIANCES,
        "depths": DEPTHS,
        "learning_rates": LEARNING_RATES,
        "width": WIDTH,
        "steps": EPOCHS * len(three_parts()[0][0]) // BATCH,
        "seeds": len(SEEDS),
        "chosen_learning_rate": chosen.reshape(shape),
        "test_accuracy": reached.reshape(*shape, -1),
    }


if __name__ == "__main__":
    main("trainable_depth", RUNS, run, collect)
