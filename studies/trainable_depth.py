"""Train tanh networks of many depths and weight variances, and store how well each learned.

The question is that of Schoenholz and others (2017): to which depth does a network still train, and
does mean-field theory tell it beforehand? For each depth and each variance of the weights a
learning rate is chosen on validation data with seeds of its own; then sixteen networks are trained
with it and tested. Takes about half an hour on one core; see `course_lib.data.results` for how the
book reads the file that this program writes.
"""

import numpy as np
import subsets
from stored import store

from course_lib.network import mlp, stream
from course_lib.training import Momentum, accuracy, fit

BIAS_VARIANCE = 0.05
WEIGHT_VARIANCES = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0)
DEPTHS = (2, 4, 8, 16, 24, 32, 48)
RATES = (0.0001, 0.001, 0.01, 0.03, 0.1, 0.3)
WIDTH, EPOCHS, BATCH = 32, 4, 100
SEEDS, TUNING_SEEDS = range(16), range(100, 104)


def pictures():
    """Return digits of 14 x 14 pixels with mean 0 and variance 1, in three parts."""
    (x, y), test_part = subsets.pictures("digits")
    return (x[:3200], y[:3200]), (x[3200:], y[3200:]), test_part


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


def train(network, rate, train_part, epochs=EPOCHS):
    """Train all replicas, each with its rate."""
    fit(
        network, *train_part, optimizer=Momentum(rate), epochs=epochs, batch_size=BATCH,
        progress=False,
    )  # fmt: skip
    return network


def tuned_rate(rates, trained, part):
    """Return the rate whose networks, trained from the tuning seeds, are best on validation data.

    ``trained(seeds, rates)`` returns trained networks, with a seed and a rate for each replica.
    """
    x, y = part
    networks = trained([*TUNING_SEEDS] * len(rates), np.repeat(rates, len(TUNING_SEEDS)))
    scores = accuracy(networks(x), y).reshape(len(rates), -1).mean(axis=1)
    return rates[int(scores.argmax())]


def cell(depth, weight_variance, parts):
    """Return the chosen rate and the test accuracy of each seed."""
    train_part, valid_part, (x_test, y_test) = parts

    def trained(seeds, rates):
        return train(build(depth, weight_variance, seeds), rates, train_part)

    rate = tuned_rate(RATES, trained, valid_part)
    network = trained([*SEEDS], rate)
    return rate, accuracy(network(x_test), y_test)


def main():
    """Measure every cell, the deepest last."""
    parts = pictures()
    rates = np.empty((len(DEPTHS), len(WEIGHT_VARIANCES)))
    scores = np.empty((*rates.shape, len(SEEDS)))
    for i, depth in enumerate(DEPTHS):
        for j, variance in enumerate(WEIGHT_VARIANCES):
            with np.errstate(over="ignore", invalid="ignore"):
                rates[i, j], scores[i, j] = cell(depth, variance, parts)
        print(depth, scores[i].mean(axis=-1).round(2), rates[i], flush=True)
    store(
        "trainable_depth",
        {
            "activation": "tanh",
            "bias_variance": BIAS_VARIANCE,
            "weight_variances": WEIGHT_VARIANCES,
            "depths": DEPTHS,
            "rates": RATES,
            "width": WIDTH,
            "steps": EPOCHS * len(parts[0][0]) // BATCH,
            "seeds": len(SEEDS),
            "chosen_rate": rates,
            "test_accuracy": scores,
        },
    )


if __name__ == "__main__":
    main()
