"""Where does dropout help, and where does it not?

Sixteen settings: two sources of images, few or more of them, a narrow or a wide hidden layer, clean
or noisy labels; in each, six fractions of units dropped. For each of these 96 a learning rate is
tuned on validation data with seeds of its own, and 24 fresh seeds, each with its own training set,
are tested. Takes about half an hour on one core.
"""

from itertools import product

import numpy as np
from small_sets import images, scores, tuned
from study import main

DROPPED = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8)
LEARNING_RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)  # small ones, since they end early
SEEDS, TUNING_SEEDS = range(24), range(100, 103)
STEPS = 1000
SETTINGS = [
    {"source": source, "examples": n, "width": width, "noise": noise}
    for source, n, width, noise in product(
        ("MNIST", "Fashion-MNIST"), (200, 1000), (16, 256), (0.0, 0.3)
    )
]
RUNS = [{**setting, "p": p} for setting, p in product(SETTINGS, DROPPED)]


def run(source, examples, width, noise, p):
    """Return the tuned learning rate of one setting and p, and what each seed reached."""
    pool, test = images(source)
    options = {"noise": noise, "steps": STEPS, "sizes": [196, width, 10], "dropout": p}
    tuning = tuned(LEARNING_RATES, TUNING_SEEDS, pool, test, examples, **options)
    train, _, tested = scores(pool, test, examples, [*SEEDS], tuning.learning_rate, **options)
    return {
        "p": p,
        "learning_rate": tuning.learning_rate,
        "at_edge": tuning.at_edge,
        "validation": max(tuning.scores),
        "train_accuracy": train,
        "test_accuracy": tested,
    }


def collect(records):
    """Lay out the records by setting, with the fraction that is best on validation data."""
    settings = []
    for i, setting in enumerate(SETTINGS):
        own = records[i * len(DROPPED) : (i + 1) * len(DROPPED)]
        chosen = DROPPED[int(np.argmax([record["validation"] for record in own]))]
        settings.append({**setting, "chosen": chosen, "runs": own})
    return {"dropped": DROPPED, "learning_rates": LEARNING_RATES, "steps": STEPS,
            "seeds": len(SEEDS), "settings": settings}  # fmt: skip


if __name__ == "__main__":
    main("dropout", RUNS, run, collect)
