"""How does the gap between training and test depend on width, amount of data and label noise?

Networks of one hidden ReLU layer on small images. Each of 16 seeds has its own training set,
weights and batches. One thing is varied at a time, and for each configuration a learning rate is
tuned on validation data with 8 seeds of its own.

The labels of the tuning seeds are right, whatever the noise: noisy ones would choose a learning
rate that ends early, and hide how well wrong labels are learned. So the noise of a configuration is
in its result alone; the records say how many labels were wrong.

The budget is not doubled: to train until all labels are known is what the study asks for, so 1,500
steps belong to it, and to check twice as many would cost more than all the rest.
"""

import matplotlib.pyplot as plt
import small_sets
from study import Study

from course_lib import plots
from course_lib.experiments import Tune
from course_lib.statistics import bootstrap_interval

SEEDS = range(16)
STEPS = 1500
WIDTH, EXAMPLES, NOISE = 128, 1000, 0.0  # where another thing varies
VARIED = {
    "width": (2, 4, 8, 16, 32, 64, 128, 256, 512),
    "examples": (100, 200, 400, 800, 1600, 3200),
    "noise": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
}
TUNE = Tune("learning_rate", (0.003, 0.03, 0.3), "validation_accuracy", budget=None, worst=0.0)


def grid(varied, steps=STEPS):
    """Return the usual configuration and those in which one thing is another, sorted."""
    usual = {"width": WIDTH, "examples": EXAMPLES, "noise": NOISE}
    points = [usual]
    points += [{**usual, name: value} for name, values in varied.items() for value in values]
    each = sorted({tuple(point.values()) for point in points})
    return [
        {"source": source, **dict(zip(usual, point, strict=True)), "steps": steps}
        for source in small_sets.SOURCES
        for point in each
    ]


def measure(seeds, source, width, examples, noise, steps, learning_rate):
    """Return what networks of one kind reach; the labels of tuning seeds are right."""
    return small_sets.measure(
        seeds, source=source, examples=examples, learning_rate=learning_rate, steps=steps,
        noise=[noise if seed in SEEDS else 0.0 for seed in seeds], sizes=[196, width, 10],
    )  # fmt: skip


def series(records, varied):
    """Return the records in which one thing was varied."""
    usual = {"width": WIDTH, "examples": EXAMPLES, "noise": NOISE}
    rest = {name: value for name, value in usual.items() if name != varied}
    return records.select(phase="result", **rest)


def figure(records):
    """Draw the accuracy on training and test images against each thing that was varied."""
    drawn, panels = plt.subplots(1, 3, figsize=(9, 3.2), sharey=True)
    panels[0].set(ylabel="accuracy: test (line), training (dashed)", ylim=(0, 1.05))
    titles = {"width": "hidden units", "examples": "training images",
              "noise": "fraction of random labels"}  # fmt: skip
    for axes, (varied, title) in zip(panels, titles.items(), strict=True):
        found = series(records, varied)
        axes.set(xlabel=title, xscale="linear" if varied == "noise" else "log")
        for style, key in (("--", "train_accuracy"), ("-", "test_accuracy")):
            array = found.array(key, "source", varied)
            bands = {
                source: (own.mean(axis=1), *bootstrap_interval(own, axis=1))
                for source, own in zip(found.distinct("source"), array, strict=True)
            }
            plots.bands(
                found.distinct(varied), bands, ax=axes, styles=dict.fromkeys(bands, style),
                label=axes is panels[-1] and style == "-",
            )  # fmt: skip
        if varied != "noise":
            axes.set_xticks(found.distinct(varied)[::2], found.distinct(varied)[::2])
            axes.minorticks_off()
    return drawn


STUDY = Study(
    measure,
    grid(VARIED),
    SEEDS,
    figure=figure,
    tune=TUNE,
    replicas=small_sets.AT_ONCE,
    quick={
        "grid": grid({"width": (4,), "examples": (200,), "noise": (0.5,)}, steps=400),
        "seeds": range(4),
        "tune": small_sets.quickly(TUNE),
    },
)  # fmt: skip
