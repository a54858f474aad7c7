"""Where does dropout help, and where does it not?

Sixteen settings: two sources of images, few or more of them, a narrow or a wide hidden layer, clean
or noisy labels; in each, eight fractions of units dropped. For each of these 128 a learning rate is
tuned on validation data with 8 seeds of its own, and 24 fresh seeds, each with its own training
set, are tested. Which fraction a setting is best served with, the tuning scores say, too.

The two settings of the verdict train a second time, with twice the steps. To double the budget of
all would more than double the largest of the costs of all studies.
"""

from itertools import product

import matplotlib.pyplot as plt
import small_sets
from study import Study

from course_lib import plots
from course_lib.experiments import Tune
from course_lib.experiments.sweeping import configurations
from course_lib.statistics import bootstrap_interval

DROPPED = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8)
SEEDS = range(24)
STEPS = 1000
SETTINGS = {
    "source": list(small_sets.SOURCES),
    "examples": [200, 1000],
    "width": [16, 256],
    "noise": [0.0, 0.3],
    "p": list(DROPPED),
    "steps": [STEPS],
}
VERDICT = (  # where dropout helps, and where it harms
    {"examples": [1000], "width": [256], "noise": [0.3], "p": [0.0, 0.5, 0.65, 0.8]},
    {"examples": [200], "width": [16], "noise": [0.0], "p": [0.0, 0.05, 0.1, 0.5]},
)
GRID = [
    *configurations(SETTINGS),
    *(
        configuration
        for verdict in VERDICT
        for configuration in configurations(
            SETTINGS | verdict | {"source": ["MNIST"], "steps": [2 * STEPS]}
        )
    ),
]
TUNE = Tune("learning_rate", (0.001, 0.01, 0.1), "validation_accuracy", budget=None, worst=0.0)


def measure(seeds, source, examples, width, noise, p, steps, learning_rate):
    """Return what networks reach in one setting when a fraction p of hidden units is dropped."""
    return small_sets.measure(
        seeds, source=source, examples=examples, noise=noise, learning_rate=learning_rate,
        steps=steps, sizes=[196, width, 10], dropout=p,
    )  # fmt: skip


def figure(records):
    """Draw the test accuracy of every setting against the fraction of units dropped."""
    found = records.select(phase="result", steps=min(records.distinct("steps")))
    sources, numbers = found.distinct("source"), found.distinct("examples")
    drawn, panels = plt.subplots(
        len(sources), len(numbers), sharex=True, sharey=True, squeeze=False,
        figsize=(1.5 + 3.5 * len(numbers), 1 + 2.2 * len(sources)),
    )  # fmt: skip
    for axes, (source, n) in zip(panels.flat, product(sources, numbers), strict=True):
        bands, styles = {}, {}
        for width, noise in product(found.distinct("width"), found.distinct("noise")):
            own = found.select(source=source, examples=n, width=width, noise=noise)
            array, name = own.array("test_accuracy", "p"), f"{width} units, noise {noise}"
            bands[name] = array.mean(axis=1), *bootstrap_interval(array, axis=1)
            styles[name] = "--" if noise else "-"
        plots.bands(found.distinct("p"), bands, ax=axes, styles=styles, title=f"{n:,} {source}")
    drawn.supxlabel("fraction of units dropped in training", fontsize=10)
    drawn.supylabel("test accuracy", fontsize=10)
    return drawn


STUDY = Study(
    measure,
    GRID,
    SEEDS,
    figure=figure,
    tune=TUNE,
    replicas=small_sets.AT_ONCE,
    quick={
        "grid": SETTINGS | {"source": ["MNIST"], "examples": [200], "noise": [0.3],
                        "p": [0.0, 0.5, 0.8], "steps": [400]},
        "seeds": range(6),
        "tune": small_sets.quickly(TUNE),
    },
)  # fmt: skip
