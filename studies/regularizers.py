"""Set dropout beside weight decay, early stopping and more data, at equal tuning effort.

In each setting every remedy has 25 candidates, five rates times five strengths, or 25 rates where
it has no strength. Three tuning seeds choose on validation data; 24 fresh seeds, each with its own
training set, are tested. Takes about half an hour on one core.
"""

from itertools import product

import numpy as np
from stored import store
from subsets import describe, pictures, scores

SEEDS, TUNING_SEEDS = range(24), range(100, 103)
STEPS = 1000
RATES = (0.0005, 0.002, 0.008, 0.03, 0.1)
FINE_RATES = tuple(np.geomspace(0.0002, 0.3, 25).tolist())
SETTINGS = {
    "wide, noisy": {"source": "digits", "examples": 1000, "width": 256, "noise": 0.3},
    "wide, clean": {"source": "digits", "examples": 200, "width": 256, "noise": 0.0},
    "narrow, clean": {"source": "digits", "examples": 200, "width": 16, "noise": 0.0},
}
REMEDIES = {  # five strengths each: arguments of subsets.train
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


def candidates(remedy):
    """Return 25 pairs of a rate and other arguments."""
    strengths = REMEDIES[remedy]
    return [*product(FINE_RATES, [{}])] if strengths is None else [*product(RATES, strengths)]


def measure(setting, remedy):
    """Return the chosen candidate of a remedy and what each seed reached with it."""
    pool, test = pictures(setting["source"])
    n = DATA.get(remedy, 1) * setting["examples"]
    fixed = {"noise": setting["noise"], "steps": STEPS, "sizes": [196, setting["width"], 10]}
    tried = candidates(remedy)
    validation = [
        scores(pool, test, n, [*TUNING_SEEDS], rate, **fixed, **strength)[1].mean()
        for rate, strength in tried
    ]
    rate, strength = tried[int(np.argmax(validation))]
    train, _, tested = scores(pool, test, n, [*SEEDS], rate, **fixed, **strength)
    return {
        "remedy": remedy,
        "rate": rate,
        "strength": strength,
        "candidates": len(tried),
        "train_accuracy": train,
        "test_accuracy": tested,
    }


def main():
    """Measure all remedies in all settings."""
    found = []
    for name, setting in SETTINGS.items():
        for remedy in REMEDIES:
            record = {"setting": name, **measure(setting, remedy)}
            print(name, remedy, record["rate"], record["strength"],
                  describe(record["train_accuracy"]), describe(record["test_accuracy"]),
                  flush=True)  # fmt: skip
            found.append(record)
    store("regularizers", {"settings": SETTINGS, "steps": STEPS, "seeds": len(SEEDS),
                           "networks": found})  # fmt: skip


if __name__ == "__main__":
    main()
