"""How far apart are activations on MNIST, with raw and with standardized pixels, at two budgets?

Networks 196-256-10 on images of 14 x 14 pixels, 3,000 for training. Each of 16 seeds draws its own
training and validation images from 4,000, its own weights and batches, the same for all
activations, so that differences are paired.

Four things vary beside the activation: how the pixels are prepared; the budget, 5 or 15 epochs; for
sigmoid, tanh and ReLU the initialization, of which the tuning scores choose one for each
(`course_lib.experiments.chosen`); and the learning rate. That is tuned for each configuration on
validation data with 8 seeds of its own: four values a factor of two apart, wider while the best is
at the edge, finer around the best. The budget is part of the grid, so no other one is tried.

For three activations, centering and scaling alone, for 5 epochs, say which part of standardizing
matters.

The accuracy on each of 20 blocks of 50 test images is in the records, too, for intervals in which
the test images are drawn again.
"""

from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import small_sets
from study import Study

from course_lib import data
from course_lib.experiments import Tune, chosen
from course_lib.experiments.sweeping import configurations
from course_lib.network import mlp
from course_lib.plots import COLORS
from course_lib.statistics import t_interval
from course_lib.training import Momentum, accuracy, fit

ACTIVATIONS = ("identity", "sigmoid", "tanh", "relu", "gelu")
COMPARED = ("sigmoid", "tanh", "relu")  # whose initialization varies, too
PIXELS = {  # whether the mean is subtracted, and whether the standard deviation divides
    "raw": (False, False),
    "centered": (True, False),
    "scaled": (False, True),
    "standardized": (True, True),
}
SETTINGS = {
    "activation": list(ACTIVATIONS),
    "pixels": ["raw", "standardized"],
    "initialization": ["he"],
    "epochs": [5, 15],
}
GRID = [
    *configurations(SETTINGS | {"activation": list(COMPARED), "initialization": ["he", "xavier"]}),
    *configurations(SETTINGS | {"activation": ["identity", "gelu"]}),
    *configurations(
        SETTINGS | {"activation": list(COMPARED), "pixels": ["centered", "scaled"], "epochs": [5]}
    ),
]
SEEDS = range(16)
SIZES, EXAMPLES, BATCH, BLOCKS = [196, 256, 10], 3000, 64, 20
RATES = (0.05, 0.1, 0.2, 0.4)
TUNE = Tune("learning_rate", RATES, "validation_accuracy", budget=None, widen=5, worst=0.0)


@cache
def images(pixels):
    """Return the pool of images to draw from, and the test images, prepared in one way."""
    center, scale = PIXELS[pixels]
    x_pool, y_pool, x_test, y_test = data.mnist().flat(size=14)
    shift, unit = x_pool.mean() if center else 0, x_pool.std() if scale else 1
    return ((x_pool - shift) / unit, y_pool), ((x_test - shift) / unit, y_test)


def measure(seeds, activation, pixels, initialization, epochs, learning_rate):
    """Return the accuracy of networks, one for each seed, on three sets of images."""
    pool, (x_test, y_test) = images(pixels)
    part, valid = small_sets.draw(pool, EXAMPLES, seeds)
    network = mlp(
        SIZES, activation, seed=list(seeds), dtype=np.float32, initialization=initialization
    )
    fit(
        network, *part, optimizer=Momentum(learning_rate), epochs=epochs, batch_size=BATCH,
        seed=list(seeds), progress=False,
    )  # fmt: skip
    outputs = network(x_test)
    found = {
        "train_accuracy": accuracy(network(part[0]), part[1]),
        "validation_accuracy": accuracy(network(valid[0]), valid[1]),
        "test_accuracy": accuracy(outputs, y_test),
    }
    blocks = zip(np.split(outputs, BLOCKS, axis=-2), np.split(y_test, BLOCKS), strict=True)
    return found | {f"test_block_{i}": accuracy(*block) for i, block in enumerate(blocks)}


def figure(records):
    """Draw the accuracy of each activation, with raw and standardized pixels, for each budget."""
    best = chosen(records, "validation_accuracy", "activation", "pixels", "epochs")
    budgets, names = best.distinct("epochs"), best.distinct("activation")
    drawn, panels = plt.subplots(
        1, len(budgets), figsize=(2 + 3 * len(budgets), 3.6), sharey=True, squeeze=False
    )
    colors = {"raw": COLORS["red"], "standardized": COLORS["blue"]}
    for axes, epochs in zip(panels[0], budgets, strict=True):
        for pixels, color in colors.items():
            own = best.select(epochs=epochs, pixels=pixels)
            for i, scores in enumerate(own.array("test_accuracy", "activation")):
                axes.plot(t_interval(scores), [i, i], color=color, lw=5)
        axes.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
        axes.set_title(f"{epochs} epochs", fontsize=9)
    drawn.supxlabel("test accuracy: raw pixels (red), standardized (blue)", fontsize=10)
    return drawn


STUDY = Study(
    measure,
    GRID,
    SEEDS,
    figure=figure,
    tune=TUNE,
    replicas=small_sets.AT_ONCE,
    quick={
        "grid": SETTINGS | {"activation": list(COMPARED), "epochs": [5]},
        "seeds": range(4),
        "tune": small_sets.quickly(TUNE),
    },
)  # fmt: skip
