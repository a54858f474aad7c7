"""Train the deep sigmoid network that "cannot be trained", and store who is to blame.

784-512-256-256-128-10 on pictures of clothes: every combination of first weights, optimizer and
normalization for sigmoid, and the usual ones for tanh and ReLU, each with a rate tuned on
validation data. Takes about 40 minutes on one core.
"""

import numpy as np
from stored import store

from course_lib import data
from course_lib.experiments import compare
from course_lib.training import SGD, Adam

SIZES = (784, 512, 256, 256, 128, 10)
EPOCHS, BATCH = 5, 64
SEEDS, TUNING_SEEDS = range(16), range(100, 102)
OPTIMIZERS = {  # with rates wide enough that the best is inside
    "SGD": (SGD, (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)),
    "Adam": (Adam, (0.0001, 0.0003, 0.001, 0.003, 0.01)),
}
STARTS = {
    "PyTorch's default": {"initialization": "pytorch"},
    "Xavier": {"initialization": "xavier"},
    "Xavier x 4": {"initialization": "xavier", "gain": 4.0},
    "He": {"initialization": "he"},
}
NORMALIZATIONS = {"none": None, "batch": "batch", "layer": "layer"}


def clothes():
    """Return three pairs of pictures with mean 0 and variance 1, and labels."""
    x_train, y_train, x_test, y_test = data.fashion_mnist().flat()
    mean, spread = x_train.mean(), x_train.std()
    x_train, x_test = ((x - mean) / spread for x in (x_train, x_test))
    train, valid = slice(0, 4000), slice(4000, None)
    return (x_train[train], y_train[train]), (x_train[valid], y_train[valid]), (x_test, y_test)


def measure(activation, starts, normalizations, seeds=SEEDS):
    """Return a record for each combination of optimizer, start and normalization."""
    found = []
    for optimizer, (kind, rates) in OPTIMIZERS.items():
        for start in starts:
            for normalization in normalizations:
                setting = {**STARTS[start], "normalization": NORMALIZATIONS[normalization]}
                result = compare(
                    [activation],
                    {"": setting},
                    sizes=SIZES,
                    data=clothes(),
                    learning_rates=rates,
                    optimizer=kind,
                    epochs=EPOCHS,
                    batch_size=BATCH,
                    seeds=seeds,
                    tuning_seeds=TUNING_SEEDS,
                    edge="note",  # a network that learns nothing likes every rate alike
                    replicas_at_once=8,
                )
                line = result.summary()[0]
                record = {
                    "activation": activation,
                    "start": start,
                    "optimizer": optimizer,
                    "normalization": normalization,
                    "rate": line.learning_rate,
                    "at_edge": line.at_edge,
                    "test_accuracy": result.scores[0, 0],
                }
                found.append(record)
                print({**record, "test_accuracy": np.round(line.mean, 3)}, flush=True)
    return found


def main():
    """Measure sigmoid in full, tanh and ReLU with the starts that are made for them."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = measure("sigmoid", ["PyTorch's default", "Xavier", "Xavier x 4"], NORMALIZATIONS)
        found += measure("tanh", ["PyTorch's default", "Xavier"], ["none", "batch"])
        found += measure("relu", ["PyTorch's default", "He"], ["none", "batch"])
    store(
        "deep_sigmoid",
        {"sizes": SIZES, "epochs": EPOCHS, "seeds": len(SEEDS), "networks": found},
    )


if __name__ == "__main__":
    main()
