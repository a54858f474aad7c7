"""Who is to blame for the deep sigmoid network that "cannot be trained"?

784-512-256-256-128-10 on Fashion-MNIST: every combination of initialization, optimizer and
normalization for sigmoid, and the usual ones for tanh and ReLU, each with a learning rate tuned on
validation data. Takes about 40 minutes on one core.
"""

from itertools import product

from study import main

from course_lib import data
from course_lib.experiments import compare
from course_lib.training import SGD, Adam

SIZES = (784, 512, 256, 256, 128, 10)
EPOCHS, BATCH = 5, 64
SEEDS, TUNING_SEEDS = range(16), range(100, 102)
OPTIMIZERS = {  # with learning rates wide enough that the best is inside
    "SGD": (SGD, (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)),
    "Adam": (Adam, (0.0001, 0.0003, 0.001, 0.003, 0.01)),
}
INITIALIZATIONS = {
    "PyTorch's default": {"initialization": "pytorch"},
    "Xavier": {"initialization": "xavier"},
    "Xavier x 4": {"initialization": "xavier", "gain": 4.0},
    "He": {"initialization": "he"},
}
NORMALIZATIONS = {"none": None, "batch": "batch", "layer": "layer"}
COMBINATIONS = {  # sigmoid in full; tanh and ReLU with the initializations made for them
    "sigmoid": (("PyTorch's default", "Xavier", "Xavier x 4"), ("none", "batch", "layer")),
    "tanh": (("PyTorch's default", "Xavier"), ("none", "batch")),
    "relu": (("PyTorch's default", "He"), ("none", "batch")),
}
RUNS = [
    {
        "activation": activation,
        "optimizer": optimizer,
        "initialization": initial,
        "normalization": n,
    }
    for activation, (initializations, normalizations) in COMBINATIONS.items()
    for optimizer, initial, n in product(OPTIMIZERS, initializations, normalizations)
]


def three_parts():
    """Return three pairs of images with mean 0 and variance 1, and labels."""
    x_train, y_train, x_test, y_test = data.fashion_mnist().flat(standardize=True)
    train, valid = slice(0, 4000), slice(4000, None)
    return (x_train[train], y_train[train]), (x_train[valid], y_train[valid]), (x_test, y_test)


def run(activation, optimizer, initialization, normalization):
    """Return what one combination reached, with the learning rate that was tuned for it."""
    kind, learning_rates = OPTIMIZERS[optimizer]
    setting = {**INITIALIZATIONS[initialization], "normalization": NORMALIZATIONS[normalization]}
    result = compare(
        [activation],
        {"": setting},
        sizes=SIZES,
        data=three_parts(),
        learning_rates=learning_rates,
        optimizer=kind,
        epochs=EPOCHS,
        batch_size=BATCH,
        seeds=SEEDS,
        tuning_seeds=TUNING_SEEDS,
        edge="note",  # a network that learns nothing likes every learning rate alike
        replicas_at_once=8,
    )
    line = result.summary()[0]
    return {
        "activation": activation,
        "initialization": initialization,
        "optimizer": optimizer,
        "normalization": normalization,
        "learning_rate": line.learning_rate,
        "at_edge": line.at_edge,
        "test_accuracy": result.scores[0, 0],
    }


def collect(records):
    """Put what all runs have in common before the records."""
    return {"sizes": SIZES, "epochs": EPOCHS, "seeds": len(SEEDS), "networks": records}


if __name__ == "__main__":
    main("deep_sigmoid", RUNS, run, collect)
