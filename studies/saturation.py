"""How much saturation does a network bear, activation by activation?

Networks of five and of ten hidden layers have initial weights of growing size. Before training we
measure the fraction of saturated units (`course_lib.diagnostics.is_saturated`); then they are
trained with a learning rate chosen on validation data, and tested. The book derives its rule of
thumb from what is stored. Takes about a quarter of an hour on one core.
"""

from itertools import product

import numpy as np
from deep_networks import SEEDS, three_parts, train, tuned
from study import main

from course_lib.diagnostics import diagnose
from course_lib.network import mlp
from course_lib.training import accuracy

ACTIVATIONS = (
    "sigmoid", "tanh", "softsign", "relu", "leaky_relu", "elu", "selu", "gelu", "silu",
)  # fmt: skip
GAINS = (0.5, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 16.0)
LEARNING_RATES = (0.00003, 0.0003, 0.003, 0.03)
DEPTHS, WIDTH, EPOCHS, EXAMPLES = (5, 10), 32, 3, 200
RUNS = [
    {"activation": activation, "depth": depth, "gain": gain}
    for activation, depth, gain in product(ACTIVATIONS, DEPTHS, GAINS)
]


def build(activation, depth, gain, seeds):
    """Return networks whose weights have a standard deviation of gain / sqrt(fan_in)."""
    sizes = [196, *[WIDTH] * depth, 10]
    return mlp(sizes, activation, seed=seeds, initialization="lecun", gain=gain, dtype=np.float32)


def run(activation, depth, gain):
    """Return the initial fraction of saturated units and the test accuracy, both by seed."""
    train_part, valid_part, (x_test, y_test) = three_parts()

    def trained(learning_rates, seeds):
        return train(build(activation, depth, gain, [*seeds]), learning_rates, train_part, EPOCHS)

    learning_rate = tuned(LEARNING_RATES, trained, valid_part).learning_rate
    x, y = (values[:EXAMPLES] for values in train_part)
    before = diagnose(build(activation, depth, gain, [*SEEDS]), x, y, rank=False)
    network = trained(learning_rate, SEEDS)
    return {
        "saturated_fraction": before.saturated.mean(axis=-1),
        "test_accuracy": accuracy(network(x_test), y_test),
    }


def collect(records):
    """Lay out the records by activation, depth, gain and seed."""
    shape = len(ACTIVATIONS), len(DEPTHS), len(GAINS), len(SEEDS)
    return {
        "activations": ACTIVATIONS,
        "gains": GAINS,
        "learning_rates": LEARNING_RATES,
        "depths": DEPTHS,
        "width": WIDTH,
        "seeds": len(SEEDS),
    } | {
        key: np.array([record[key] for record in records]).reshape(shape)
        for key in ("saturated_fraction", "test_accuracy")
    }


if __name__ == "__main__":
    main("saturation", RUNS, run, collect)
