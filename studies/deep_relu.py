"""With which initialization and optimizer does a deep ReLU network train, given time?

He and others (2015) report 30 layers that learn with their initialization and stall with Xavier's.
Here are thirty layers of 32 units with both, and ten with PyTorch's default, each trained with
momentum and with Adam, for as many epochs as a network needs that learns, and twice as many. Each
learning rate is tuned on validation data.
"""

from dataclasses import replace
from itertools import product

from deep_networks import SEEDS, mean_with_interval
from study import Study

from course_lib.experiments import Tune
from course_lib.experiments.training_trials import train_network

FIXED = {"data": "mnist", "pixels": 14, "width": 32, "activation": "relu", "batch_size": 50}
GRID = [
    {**FIXED, "depth": depth, "initialization": start, "optimizer": optimizer, "epochs": epochs}
    for (depth, start), optimizer, epochs in product(
        ((30, "he"), (30, "xavier"), (10, "pytorch")), ("momentum", "adam"), (12, 24)
    )
]
TUNE = Tune(
    "learning_rate",
    [0.001, 0.01, 0.1],
    score="validation_accuracy",
    budget=None,  # the second number of epochs stands for it
    worst=0.0,
)


def figure(records):
    """Draw the accuracy of each combination with its interval."""
    from course_lib import plots

    results, rows = records.select(phase="result"), {}
    for place in results.distinct("place"):
        own = results.select(place=place)
        label = "{depth} layers, {initialization}, {optimizer}, {epochs} epochs"
        rows[label.format(**own.rows[0])] = mean_with_interval(own.values("test_accuracy"))
    return plots.intervals(rows, xlabel="test accuracy")


STUDY = Study(
    train_network,
    GRID,
    SEEDS,
    figure=figure,
    tune=TUNE,
    quick={
        "grid": [
            {**own, "epochs": 3} for own in GRID if own["depth"] == 30 and own["epochs"] == 12
        ],
        "seeds": range(8),
        "tune": replace(TUNE, finer=False, widen=0),
    },
)
