"""How does the gap between training and test depend on width, amount of data and label noise?

Networks of one hidden ReLU layer on small images; each of 16 seeds has its own training set,
weights and batches, and for each run a learning rate is tuned on validation data with seeds of its
own. Takes about ten minutes on one core.
"""

import numpy as np
from small_sets import images, train, tuned
from study import main

from course_lib.network import cross_entropy
from course_lib.training import accuracy

SEEDS, TUNING_SEEDS = range(16), range(100, 103)
LEARNING_RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
STEPS = 1500
WIDTH, EXAMPLES = 128, 1000  # where another thing varies
VARIED = {
    "width": (2, 4, 8, 16, 32, 64, 128, 256, 512),
    "examples": (100, 200, 400, 800, 1600, 3200),
    "noise": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
}
RUNS = [
    {"source": source, "varied": varied, "value": value}
    for source in ("MNIST", "Fashion-MNIST")
    for varied, values in VARIED.items()
    for value in values
]


def run(source, varied, value):
    """Return what networks of one kind reach, with the learning rate best on validation data."""
    setting = {"width": WIDTH, "examples": EXAMPLES, "noise": 0.0} | {varied: value}
    pool, (x_test, y_test) = images(source)
    options = {"steps": STEPS, "sizes": [196, setting["width"], 10]}
    # tuned on clean labels: noisy ones choose a learning rate that ends early, and hide what we
    # look for
    tuning = tuned(
        LEARNING_RATES, TUNING_SEEDS, pool, (x_test, y_test), setting["examples"], **options
    )
    found = {"train_accuracy": [], "test_accuracy": [], "train_loss": [], "test_loss": []}
    for network, (x, y), _ in train(
        pool, setting["examples"], [*SEEDS], tuning.learning_rate, noise=setting["noise"], **options
    ):
        for part, inputs, labels in (("train", x, y), ("test", x_test, y_test)):
            outputs = network(inputs)
            found[f"{part}_accuracy"] += accuracy(outputs, labels).tolist()
            found[f"{part}_loss"] += cross_entropy(outputs, labels).tolist()
    return {
        "source": source,
        "varied": varied,
        "value": value,
        "learning_rate": tuning.learning_rate,
        "at_edge": tuning.at_edge,
    } | {key: np.array(values) for key, values in found.items()}


def collect(records):
    """Put what all runs have in common before the records."""
    return {"width": WIDTH, "examples": EXAMPLES, "steps": STEPS, "learning_rates": LEARNING_RATES,
            "varied": VARIED, "seeds": len(SEEDS), "runs": records}  # fmt: skip


if __name__ == "__main__":
    main("overfitting", RUNS, run, collect)
