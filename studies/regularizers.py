"""What is dropout worth beside weight decay, early stopping and more data, at equal tuning effort?

In each setting every mitigation has 25 candidates, five learning rates times five strengths, or 25
learning rates where it has no strength. Three tuning seeds choose on validation data; 24 fresh
seeds, each with its own training set, are tested. Takes about half an hour on one core.
"""

from itertools import product

import numpy as np
from small_sets import images, scores, tuned
from study import main

SEEDS, TUNING_SEEDS = range(24), range(100, 103)
STEPS = 1000
LEARNING_RATES = (0.0005, 0.002, 0.008, 0.03, 0.1)
FINE_LEARNING_RATES = tuple(np.geomspace(0.0002, 0.3, 25).tolist())
SETTINGS = {
    "wide, noisy": {"source": "MNIST", "examples": 1000, "width": 256, "noise": 0.3},
    "wide, clean": {"source": "MNIST", "examples": 200, "width": 256, "noise": 0.0},
    "narrow, clean": {"source": "MNIST", "examples": 200, "width": 16, "noise": 0.0},
}
MITIGATIONS = {  # five strengths each: arguments of small_sets.train
    "none": None,
    "dropout": [{"dropout": p} for p in (0.2, 0.4, 0.6, 0.8, 0.9)],
    "weight decay": [{"weight_decay": d} for d in (0.001, 0.003, 0.01, 0.03, 0.1)],
    "early stopping": [{"patience": k} for k in (1, 2, 4, 8, 16)],
    "dropout and decay": [
        {"dropout": p, "weight_decay": d}
        for p, d in ((0.3, 0.003), (0.3, 0.02), (0.6, 0.003), (0.6, 0.02), (0.8, 0.01))
    ],
    "twice the data": None,
    "three times the data": None,
}
DATA = {"twice the data": 2, "three times the data": 3}
RUNS = [
    {"setting": setting, "mitigation": mitigation}
    for setting, mitigation in product(SETTINGS, MITIGATIONS)
]


def candidates(mitigation):
    """Return learning rates and strengths, 25 pairs of both."""
    strengths = MITIGATIONS[mitigation]
    return (FINE_LEARNING_RATES, [{}]) if strengths is None else (LEARNING_RATES, strengths)


def run(setting, mitigation):
    """Return the chosen candidate of a mitigation and what each seed reached with it."""
    own = SETTINGS[setting]
    pool, test = images(own["source"])
    n = DATA.get(mitigation, 1) * own["examples"]
    fixed = {"noise": own["noise"], "steps": STEPS, "sizes": [196, own["width"], 10]}
    learning_rates, strengths = candidates(mitigation)
    tunings = [
        tuned(learning_rates, TUNING_SEEDS, pool, test, n, **fixed, **strength)
        for strength in strengths
    ]
    best = int(np.argmax([max(tuning.scores) for tuning in tunings]))
    learning_rate, strength = tunings[best].learning_rate, strengths[best]
    train, _, tested = scores(pool, test, n, [*SEEDS], learning_rate, **fixed, **strength)
    return {
        "setting": setting,
        "mitigation": mitigation,
        "learning_rate": learning_rate,
        "strength": strength,
        "candidates": len(learning_rates) * len(strengths),
        "train_accuracy": train,
        "test_accuracy": tested,
    }


def collect(records):
    """Put what all runs have in common before the records."""
    return {"settings": SETTINGS, "steps": STEPS, "seeds": len(SEEDS), "networks": records}


if __name__ == "__main__":
    main("regularizers", RUNS, run, collect)
