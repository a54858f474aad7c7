"""How much saturation does a network bear, activation by activation?

Networks of five and of ten hidden layers have initial weights of growing size. Before training we
measure the fraction of saturated units (`course_lib.diagnostics.is_saturated`); then they are
trained with a tuned learning rate, and tested. The book derives its rule of thumb from the records.
"""

from dataclasses import replace

import numpy as np
from deep_networks import SEEDS, accuracies, before_training, mean_with_interval, sizes
from study import Study

from course_lib.experiments import Tune
from course_lib.network import mlp
from course_lib.training import Momentum

GRID = {
    "activation": [
        "sigmoid", "tanh", "softsign", "relu", "leaky_relu", "elu", "selu", "gelu", "silu",
    ],
    "depth": [5, 10],
    "gain": [0.5, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 16.0],
    "epochs": [3],
}  # fmt: skip
TUNE = Tune(
    "learning_rate",
    [0.0003, 0.003, 0.03],
    score="validation_accuracy",
    budget=None,
    worst=0.0,
)
BATCH = 100


def measure(seeds, activation, depth, gain, epochs, learning_rate):
    """Return the initial fraction of saturated units and the accuracy, for each seed.

    The initial weights have a standard deviation of gain / sqrt(fan_in).
    """
    network = mlp(
        sizes(depth), activation, seed=[*seeds], initialization="lecun", gain=gain,
        dtype=np.float32,
    )  # fmt: skip
    saturated = before_training(network).saturated.mean(axis=-1)
    optimizer = Momentum(learning_rate)
    reached = accuracies(network, optimizer, epochs=epochs, batch_size=BATCH)
    return {"saturated_fraction": saturated, **reached}


def figure(records):
    """Draw the accuracy after training over the saturation before it, a panel an activation."""
    import matplotlib.pyplot as plt

    from course_lib import plots

    results = records.select(phase="result")
    names, depths = results.distinct("activation"), results.distinct("depth")
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    size = 2.5 * columns, 2.2 * rows
    figure, grid = plt.subplots(
        rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False
    )
    for axes, name in zip(grid.flat, names, strict=False):
        axes.set(title=name, xlim=(0, 1), ylim=(0, 1))
        for depth, color in zip(depths, ("blue", "red"), strict=False):
            own, title = results.select(activation=name, depth=depth), f"{depth} layers"
            saturated = own.array("saturated_fraction", "gain").mean(axis=-1)
            series = {title: mean_with_interval(own.array("test_accuracy", "gain"))}
            plots.bands(
                saturated, series, ax=axes, colors={title: color}, styles={title: "o-"},
                label=axes is grid[0, -1],
            )  # fmt: skip
    figure.supxlabel("fraction saturated before training")
    figure.supylabel("test accuracy")
    return figure


STUDY = Study(
    measure,
    GRID,
    SEEDS,
    figure=figure,
    tune=TUNE,
    quick={
        "grid": GRID | {"activation": ["tanh", "relu"], "depth": [5], "gain": [1.0, 4.0, 16.0]},
        "seeds": range(8),
        "tune": replace(TUNE, finer=False),
    },
)
