"""Measure how much saturation a network bears, activation by activation, and store it.

Networks of five and of ten hidden layers start with weights of growing size. Before training we
measure the share of flat units (`course_lib.diagnostics.is_saturated`); then they are trained at a rate
chosen on validation data, and tested. The book derives its rule of thumb from what is
stored. Takes about a quarter of an hour on one core.
"""

import numpy as np
from stored import store
from trainable_depth import SEEDS, pictures, train, tuned_rate

from course_lib.diagnostics import diagnose
from course_lib.network import mlp
from course_lib.training import accuracy

ACTIVATIONS = (
    "sigmoid", "tanh", "softsign", "relu", "leaky_relu", "elu", "selu", "gelu", "silu",
)  # fmt: skip
GAINS = (0.5, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 16.0)
RATES = (0.00003, 0.0003, 0.003, 0.03)
DEPTHS, WIDTH, EPOCHS, EXAMPLES = (5, 10), 32, 3, 200


def build(activation, depth, gain, seeds):
    """Return networks whose weights have a standard deviation of gain / sqrt(fan_in)."""
    sizes = [196, *[WIDTH] * depth, 10]
    return mlp(sizes, activation, seed=seeds, initialization="lecun", gain=gain, dtype=np.float32)


def cell(activation, depth, gain, parts):
    """Return the share of flat units at the start and the test accuracy, both by seed."""
    train_part, valid_part, (x_test, y_test) = parts

    def trained(seeds, rates):
        return train(build(activation, depth, gain, seeds), rates, train_part, EPOCHS)

    rate = tuned_rate(RATES, trained, valid_part)
    x, y = (values[:EXAMPLES] for values in train_part)
    flat = diagnose(build(activation, depth, gain, [*SEEDS]), x, y, rank=False).saturated
    network = trained([*SEEDS], rate)
    return flat.mean(axis=-1), accuracy(network(x_test), y_test)


def main():
    """Measure every activation at every gain."""
    parts = pictures()
    flat = np.empty((len(ACTIVATIONS), len(DEPTHS), len(GAINS), len(SEEDS)))
    scores = np.empty_like(flat)
    for i, activation in enumerate(ACTIVATIONS):
        for j, depth in enumerate(DEPTHS):
            for k, gain in enumerate(GAINS):
                with np.errstate(over="ignore", invalid="ignore"):
                    flat[i, j, k], scores[i, j, k] = cell(activation, depth, gain, parts)
        print(
            activation, flat[i].mean(axis=-1).round(2), scores[i].mean(axis=-1).round(2), flush=True
        )
    store(
        "saturation",
        {
            "activations": ACTIVATIONS,
            "gains": GAINS,
            "rates": RATES,
            "depths": DEPTHS,
            "width": WIDTH,
            "seeds": len(SEEDS),
            "flat_share": flat,
            "test_accuracy": scores,
        },
    )


if __name__ == "__main__":
    main()
