"""Search for a setting where dropout helps and one where it does not.

Sixteen settings: two kinds of pictures, few or more of them, a narrow or a wide hidden layer, clean
or noisy labels; in each, six shares of units dropped. For each of these 96 a rate is tuned on
validation data with seeds of its own, and 24 fresh seeds, each with its own training set, are
tested. Takes about half an hour on one core.
"""

from itertools import product

import numpy as np
from stored import store
from subsets import best_rate, describe, pictures, scores

DROPPED = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8)
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)  # small ones, since they end early
SEEDS, TUNING_SEEDS = range(24), range(100, 103)
STEPS = 1000
SETTINGS = [
    {"source": source, "examples": n, "width": width, "noise": noise}
    for source, n, width, noise in product(
        ("digits", "clothes"), (200, 1000), (16, 256), (0.0, 0.3)
    )
]


def cell(setting, p):
    """Return the tuned rate of one setting and share dropped, and what each seed reached."""
    pool, test = pictures(setting["source"])
    options = {"noise": setting["noise"], "steps": STEPS, "sizes": [196, setting["width"], 10],
               "dropout": p}  # fmt: skip
    n = setting["examples"]
    best, validation = best_rate(RATES, TUNING_SEEDS, pool, test, n, **options)
    train, _, tested = scores(pool, test, n, [*SEEDS], RATES[best], **options)
    return {
        "p": p,
        "rate": RATES[best],
        "at_edge": best in (0, len(RATES) - 1),
        "validation": validation[best],
        "train_accuracy": train,
        "test_accuracy": tested,
    }


def main():
    """Measure every share in every setting; the best is chosen on validation data."""
    found = []
    for setting in SETTINGS:
        cells = [cell(setting, p) for p in DROPPED]
        chosen = DROPPED[int(np.argmax([record["validation"] for record in cells]))]
        found.append({**setting, "chosen": chosen, "cells": cells})
        print(setting, "chosen", chosen, flush=True)
        for record in cells:
            print("  ", record["p"], record["rate"], describe(record["train_accuracy"]),
                  describe(record["test_accuracy"]), flush=True)  # fmt: skip
    store("dropout", {"dropped": DROPPED, "rates": RATES, "steps": STEPS, "seeds": len(SEEDS),
                      "settings": found})  # fmt: skip


if __name__ == "__main__":
    main()
