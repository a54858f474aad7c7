"""Does the activation matter for generalization, among twelve, tuned, on four tasks?

Networks 196-64-64-10 with computed initial weights. Each of 24 seeds has its own training images,
weights and batches, the same for all activations, so that differences are paired. For each
activation and task a learning rate is tuned on validation data with 8 seeds of its own.

The test images are the same for all seeds: what they favor by chance, no number of seeds takes
away. So the accuracy on each of 20 blocks of 50 test images is in the records, too; with
`course_lib.statistics.crossed_interval`, a difference gets an interval for which seeds and blocks
are both drawn again.

The budget is not doubled: the tasks are about what 800 steps generalize to, and to check twice as
many would more than double the cost.
"""

import matplotlib.pyplot as plt
import numpy as np
import small_sets
from study import Study

from course_lib.experiments import Tune
from course_lib.plots import COLORS
from course_lib.statistics import crossed_interval, t_interval

ACTIVATIONS = ("identity", "sigmoid", "tanh", "softsign", "softplus", "relu", "leaky_relu", "elu",
               "selu", "gelu", "silu", "mish")  # fmt: skip
TASKS = {
    "200 MNIST": {"source": "MNIST", "examples": 200, "noise": 0.0},
    "1,000 MNIST": {"source": "MNIST", "examples": 1000, "noise": 0.0},
    "1,000 Fashion-MNIST": {"source": "Fashion-MNIST", "examples": 1000, "noise": 0.0},
    "1,000 MNIST, noisy": {"source": "MNIST", "examples": 1000, "noise": 0.3},
}
SEEDS = range(24)
SIZES, STEPS, BLOCKS = [196, 64, 64, 10], 800, 20
TUNE = Tune("learning_rate", (0.001, 0.01, 0.1), "validation_accuracy", budget=None, worst=0.0)


def grid(tasks, activations, steps=STEPS):
    """Return a configuration for each task and activation."""
    return {"task": list(tasks), "activation": list(activations), "steps": [steps]}


def measure(seeds, task, activation, steps, learning_rate):
    """Return what networks with one activation reach in one task."""
    return small_sets.measure(
        seeds, **TASKS[task], learning_rate=learning_rate, steps=steps, blocks=BLOCKS,
        sizes=SIZES, activation=activation, initialization="computed",
    )  # fmt: skip


def blocks(records, activation):
    """Return the accuracy of each seed on each block of test images, of the results of a task."""
    own = records.select(activation=activation)
    return np.stack([own.values(f"test_block_{i}") for i in range(BLOCKS)], axis=1)


def figure(records):
    """Draw how far each activation is from ReLU, with intervals over seeds and over both."""
    tasks, names = records.distinct("task"), records.distinct("activation")
    drawn, panels = plt.subplots(1, len(tasks), figsize=(2 + 2 * len(tasks), 4), sharey=True)
    for axes, task in zip(np.atleast_1d(panels), tasks, strict=True):
        own = records.select(phase="result", task=task)
        relu = blocks(own, "relu")
        for i, name in enumerate(names):
            points = 100 * (blocks(own, name) - relu)
            color = COLORS["gray" if name in ("identity", "relu") else "blue"]
            axes.plot(crossed_interval(points), [i, i], color=color, lw=1.2)
            axes.plot(t_interval(points.mean(axis=1)), [i, i], color=color, lw=5)
        axes.axvline(0, color=COLORS["ink"], lw=1)
        axes.set_title(task, fontsize=9)
        axes.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
    drawn.supxlabel("test accuracy minus ReLU's (percentage points)", fontsize=10)
    return drawn


STUDY = Study(
    measure,
    grid(TASKS, ACTIVATIONS),
    SEEDS,
    figure=figure,
    tune=TUNE,
    replicas=small_sets.AT_ONCE,
    quick={
        "grid": grid(["200 MNIST"], ["identity", "tanh", "relu"], steps=400),
        "seeds": range(8),
        "tune": small_sets.quickly(TUNE),
    },
)  # fmt: skip
