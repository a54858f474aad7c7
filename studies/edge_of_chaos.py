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
TUNE = Tune(
    "learning_rate",
    [0.001, 0.01, 0.1],
    score="validation_accuracy",
    budget=None,  # twice the epochs stand for it
    worst=0.0,
)


def figure(records):
    """Draw the accuracy over the weight variance, a line for each change."""
    from course_lib import plots

    drawn = None
    results = records.select(phase="result")
    places = [results.select(place=place) for place in results.distinct("place")]
    lines = {}
    for own in places:
        label = "{width} units, bias {bias_variance}, {initialization}, {epochs} epochs".format(
            **own.rows[0]
        )
        lines.setdefault(label, []).append(own)
    for (label, line), color in zip(lines.items(), plots.COLORS, strict=False):
        variances = [round(own.values("gain")[0] ** 2, 2) for own in line]
        reached = [mean_with_interval(own.values("test_accuracy")) for own in line]
        drawn = plots.bands(
            variances,
            {label: tuple(zip(*reached, strict=True))},
            ax=drawn and drawn.axes[0],
            colors={label: color},
            xlabel="weight variance times fan-in",
            ylabel="test accuracy",
        )
    return drawn


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
            and round(own["gain"] ** 2, 2) in (1.0, 1.42, 2.13, 1.6, 2.29, 3.43)
        ],
        "seeds": range(8),
        "tune": replace(TUNE, finer=False, widen=0),
    },
)
