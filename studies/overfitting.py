"""Measure the gap between training and test against width, amount of data and label noise.

Networks of one hidden ReLU layer on small pictures; each of 16 seeds has its own training set,
weights and batches, and for each cell a rate is tuned on validation data with seeds of its own.
Takes about ten minutes on one core.
"""

import numpy as np
from stored import store
from subsets import best_rate, describe, pictures, train

from course_lib.network import cross_entropy
from course_lib.training import accuracy

SEEDS, TUNING_SEEDS = range(16), range(100, 103)
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
STEPS = 1500
WIDTH, EXAMPLES = 128, 1000  # where another thing varies
VARIED = {
    "width": (2, 4, 8, 16, 32, 64, 128, 256, 512),
    "examples": (100, 200, 400, 800, 1600, 3200),
    "noise": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
}


def cell(source, width=WIDTH, examples=EXAMPLES, noise=0.0):
    """Return what networks of one kind reach, at the rate that is best on validation data."""
    pool, (x_test, y_test) = pictures(source)
    options = {"steps": STEPS, "sizes": [196, width, 10]}
    # tuned on clean labels: noisy ones choose a rate that ends early, and hide what we look for
    best, _ = best_rate(RATES, TUNING_SEEDS, pool, (x_test, y_test), examples, **options)
    found = {"train_accuracy": [], "test_accuracy": [], "train_loss": [], "test_loss": []}
    for network, (x, y), _ in train(
        pool, examples, [*SEEDS], RATES[best], noise=noise, **options
    ):  # fmt: skip
        for part, inputs, labels in (("train", x, y), ("test", x_test, y_test)):
            outputs = network(inputs)
            found[f"{part}_accuracy"] += accuracy(outputs, labels).tolist()
            found[f"{part}_loss"] += cross_entropy(outputs, labels).tolist()
    return {"rate": RATES[best], "at_edge": best in (0, len(RATES) - 1)} | {
        key: np.array(values) for key, values in found.items()
    }


def main():
    """Vary one thing at a time, for digits and for clothes."""
    cells = []
    for source in ("digits", "clothes"):
        for name, values in VARIED.items():
            for value in values:
                record = {"source": source, "varied": name, "value": value}
                record |= cell(source, **{name: value})
                print(source, name, value, record["rate"], describe(record["train_accuracy"]),
                      describe(record["test_accuracy"]), flush=True)  # fmt: skip
                cells.append(record)
    store("overfitting", {"width": WIDTH, "examples": EXAMPLES, "steps": STEPS, "rates": RATES,
                          "varied": VARIED, "seeds": len(SEEDS), "cells": cells})  # fmt: skip


if __name__ == "__main__":
    main()
