"""Does the best weight variance follow the critical one when other things change?

`trainable_depth` finds it for one width, one bias variance and normal weights. Here the tanh
networks are twice as wide, have a fifth or four times the variance of the biases, or begin with
orthogonal weights. For each, the weight variances are about 0.7, 0.85, 1, 1.2 and 1.5 times the
critical one of mean-field theory, and each learning rate is tuned on validation data.
"""

import math
from dataclasses import replace

from deep_networks import SEEDS, mean_with_interval
from study import Study

from course_lib.experiments import Tune
from course_lib.experiments.training_trials import train_network

FIXED = {"data": "mnist", "pixels": 14, "depth": 32, "activation": "tanh", "optimizer": "momentum",
         "batch_size": 100}  # fmt: skip
WEIGHT_VARIANCES = {  # by bias variance; the third is critical, to two decimals
    0.01: (1.0, 1.21, 1.42, 1.7, 2.13),
    0.05: (1.23, 1.5, 1.76, 2.11, 2.64),
    0.2: (1.6, 1.94, 2.29, 2.74, 3.43),
}
MULTIPLES = (0.7, 0.85, 1.0, 1.2, 1.5)  # of the critical one, about
CHANGED = (  # width, bias variance, initialization, epochs
    (32, 0.01, "lecun", 4),
    (32, 0.01, "lecun", 8),
    (32, 0.2, "lecun", 4),
    (32, 0.2, "lecun", 8),
    (32, 0.05, "orthogonal", 4),
    (64, 0.05, "lecun", 4),
)
GRID = [
    {
        **FIXED,
        "width": width,
        "bias_variance": bias_variance,
        "initialization": initialization,
        "epochs": epochs,
        "gain": math.sqrt(variance),
    }
    for width, bias_variance, initialization, epochs in CHANGED
    for variance in WEIGHT_VARIANCES[bias_variance]
]
LABEL = "{width} units, bias variance {bias_variance}, {initialization}, {epochs} epochs"
TUNE = Tune(
    "learning_rate",
    [0.001, 0.01, 0.1],
    score="validation_accuracy",
    budget=None,  # twice the epochs stand for it
    worst=0.0,
)


def place_of(configuration):
    """Return the place of a weight variance among those for the same bias variance."""
    variances = WEIGHT_VARIANCES[configuration["bias_variance"]]
    return variances.index(round(configuration["gain"] ** 2, 2))


def figure(records):
    """Draw the accuracy over the weight variance, a line for each change."""
    from course_lib import plots

    results, lines = records.select(phase="result"), {}
    for place in results.distinct("place"):
        own = results.select(place=place)
        row = own.rows[0]
        label = LABEL.format(**row)
        lines.setdefault(label, {})[place_of(row)] = own.values("test_accuracy")
    steps = sorted(next(iter(lines.values())))
    series = {
        label: mean_with_interval([line[step] for step in steps]) for label, line in lines.items()
    }
    return plots.bands(
        [MULTIPLES[step] for step in steps],
        series,
        xlabel="weight variance over the critical one, about",
        ylabel="test accuracy",
    )


STUDY = Study(
    train_network,
    GRID,
    SEEDS,
    figure=figure,
    tune=TUNE,
    quick={
        "grid": [
            own
            for own in GRID
            if own["epochs"] == 4
            and own["width"] == 32
            and own["initialization"] == "lecun"
            and place_of(own) in (0, 2, 4)
        ],
        "seeds": range(8),
        "tune": replace(TUNE, finer=False, widen=0),
    },
)
