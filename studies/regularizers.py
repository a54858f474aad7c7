"""What is dropout worth beside weight decay, early stopping and more data, at equal tuning effort?

In each setting every mitigation has four grids of learning rates, each searched as the standard of
a claim asks for: three learning rates, a wider one while the best is at the edge, finer ones around
the best. With a mitigation that has a strength, such as the fraction of units dropped, each grid
has another strength. Where there is none, each grid is shifted by an eighth of a factor of ten, so
that the four together are a fine grid. So every mitigation has about twenty candidates; only how
often a grid grows differs.

Tuning scores choose the learning rate, and then the grid (`course_lib.experiments.chosen`): the
mean accuracy of 8 seeds on validation data. 24 fresh seeds, each with its own training set, are
tested.

The budget is not doubled, which would more than double the cost.
"""

import matplotlib.pyplot as plt
import numpy as np
import small_sets
from study import Study

from course_lib.experiments import Tune, chosen
from course_lib.plots import COLORS
from course_lib.statistics import bootstrap_interval

SEEDS = range(24)
STEPS = 1000
SETTINGS = {
    "wide, noisy": {"source": "MNIST", "examples": 1000, "width": 256, "noise": 0.3},
    "wide, clean": {"source": "MNIST", "examples": 200, "width": 256, "noise": 0.0},
    "narrow, clean": {"source": "MNIST", "examples": 200, "width": 16, "noise": 0.0},
}
SHIFTS = [{"shift": round(10 ** (i / 8), 4)} for i in range(4)]
MITIGATIONS = {
    "none": SHIFTS,
    "dropout": [{"dropout": p} for p in (0.05, 0.2, 0.5, 0.8)],
    "weight decay": [{"weight_decay": d} for d in (0.001, 0.01, 0.03, 0.1)],
    "early stopping": [{"patience": k} for k in (1, 4, 8, 16)],
    "dropout and decay": [
        {"dropout": p, "weight_decay": d}
        for p, d in ((0.3, 0.003), (0.3, 0.02), (0.6, 0.003), (0.8, 0.01))
    ],
    "twice the data": SHIFTS,
    "three times the data": SHIFTS,
}
DATA = {"twice the data": 2, "three times the data": 3}
TUNE = Tune("learning_rate", (0.001, 0.01, 0.1), "validation_accuracy", budget=None, worst=0.0)


def grid(settings, mitigations, steps=STEPS):
    """Return a configuration for each setting, mitigation and strength or shift."""
    return [
        {"setting": setting, "mitigation": mitigation, **strength, "steps": steps}
        for setting in settings
        for mitigation, strengths in mitigations.items()
        for strength in strengths
    ]


def measure(seeds, setting, mitigation, steps, learning_rate, shift=1.0, **strength):
    """Return what networks reach with one mitigation; `shift` multiplies the learning rate."""
    own = SETTINGS[setting]
    found = small_sets.measure(
        seeds, source=own["source"], examples=DATA.get(mitigation, 1) * own["examples"],
        noise=own["noise"], sizes=[196, own["width"], 10], learning_rate=shift * learning_rate,
        steps=steps, **strength,
    )  # fmt: skip
    return {"shifted_learning_rate": np.full(len(seeds), shift * learning_rate), **found}


def figure(records):
    """Draw the test accuracy of each mitigation, with the strength that validation data chose."""
    best = chosen(records, "validation_accuracy", "setting", "mitigation")
    settings = best.distinct("setting")
    drawn, panels = plt.subplots(1, len(settings), figsize=(3 + 2.4 * len(settings), 3.2),
                                 sharey=True, squeeze=False)  # fmt: skip
    for axes, setting in zip(panels[0], settings, strict=True):
        own = best.select(setting=setting)
        rows = dict(zip(own.distinct("mitigation"), own.array("test_accuracy", "mitigation"),
                        strict=True))  # fmt: skip
        for i, (name, found) in enumerate(rows.items()):
            color = COLORS["gray" if name == "none" else "teal" if name in DATA else "blue"]
            axes.plot(found, np.full(len(found), i), ".", color=color, alpha=0.25)
            axes.plot(bootstrap_interval(found), [i, i], color=color, lw=5)
        axes.axvline(rows["none"].mean(), color=COLORS["gray"], ls="--", lw=1)
        axes.set(yticks=range(len(rows)), yticklabels=rows, ylim=(len(rows) - 0.5, -0.5))
        axes.set_title(setting, fontsize=9)
    drawn.supxlabel("test accuracy", fontsize=10)
    return drawn


STUDY = Study(
    measure,
    grid(SETTINGS, MITIGATIONS),
    SEEDS,
    figure=figure,
    tune=TUNE,
    replicas=small_sets.AT_ONCE,
    quick={
        "grid": grid(
            ["narrow, clean"],
            {"none": SHIFTS[:2], "weight decay": MITIGATIONS["weight decay"][1:3],
             "three times the data": SHIFTS[:2]},
        ),
        "seeds": range(6),
        "tune": small_sets.quickly(TUNE),
    },
)  # fmt: skip
