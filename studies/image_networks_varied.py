"""Do the answers of `image_networks` survive moved digits and other networks with normalization?

Two things are asked. Digits that are moved by up to three pixels are a task on which a linear
classifier fails, so that a target far beyond it separates activations that can be almost linear
from those that cannot: do ReLU and tanh still need equal numbers of steps there? And with batch
normalization, do raw pixels, other initial weights or more layers change which activation leads?

Networks, images, learning rates and seeds are those of `image_networks`.
"""

import image_networks
import matplotlib.pyplot as plt
import numpy as np
import torch
from image_networks import OPTIMIZERS, SEEDS, rates
from numpy.lib.stride_tricks import sliding_window_view
from study import Study

from course_lib.experiments.sweeping import configurations
from course_lib.plots import COLORS
from course_lib.statistics import t_interval

REACH = 3  # pixels


def settings(names, steps, **changed):
    """Return the configurations of some activations, with learning rates from 0.01 on."""
    usual = {
        "images": ["Fashion-MNIST"], "moved": [False], "pixels": ["standardized"],
        "normalization": ["batch"], "initialization": ["suited"], "layers": [2], "steps": [steps],
    }  # fmt: skip
    return configurations(usual | changed | {"activation": names, "learning_rate": rates(0.01)})


THREE = ["relu", "gelu", "tanh"]
MOVED = {"images": ["MNIST"], "moved": [True]}
GRID = [
    *settings(["relu", "tanh"], 700, **MOVED, normalization=["none", "batch"]),
    *settings(THREE, 300, pixels=["raw"]),
    *settings(THREE, 300, initialization=["pytorch", "small"]),
    *settings(THREE, 300, layers=[4]),
]


def move(x, reach=REACH):
    """Return images, each moved by up to three pixels, or as many as told, in both directions."""
    places = np.random.default_rng(0).integers(0, 2 * reach + 1, (len(x), 2))
    wide = np.pad(x.numpy(), ((0, 0), (reach, reach), (reach, reach)), "edge")
    windows = sliding_window_view(wide, x.shape[1:], axis=(1, 2))
    return torch.from_numpy(windows[np.arange(len(x)), *places.T].copy())


def measure(seeds, images, moved, pixels, normalization, initialization, layers, steps, activation,
            learning_rate):  # fmt: skip
    """Return steps to targets, and accuracies in the middle and in the end, for each seed."""
    torch.set_num_threads(1)
    drawn = drawn_moved if moved else image_networks.draw
    model = image_networks.build(seeds, activation, normalization, initialization, layers)
    descent = OPTIMIZERS["momentum"](model.parameters(), learning_rate)
    parts = drawn(images, pixels, seeds)
    return image_networks.follow(model, parts, seeds, descent, steps)


def drawn_moved(images, pixels, seeds):
    """Return what `image_networks.draw` does, of images that were moved."""
    x, y = image_networks.pool(images, pixels)
    return image_networks.split(move(x), y, seeds)


SETTING = ("images", "normalization", "pixels", "initialization", "layers")


def figure(records, names=SETTING):
    """Draw the accuracy with each learning rate, for each setting."""
    kinds = sorted({tuple(row[name] for name in names) for row in records})
    drawn, panels = plt.subplots(1, len(kinds), figsize=(2.2 * len(kinds), 3), sharey=True)
    colors = {"relu": "blue", "gelu": "green", "tanh": "red", "sigmoid": "purple"}
    for axes, kind in zip(np.atleast_1d(panels), kinds, strict=True):
        own = records.select(**dict(zip(names, kind, strict=True)))
        for name in own.distinct("activation"):
            line = own.select(activation=name)
            low, high = t_interval(line.array("test_full", "learning_rate"), axis=-1)
            tried = line.distinct("learning_rate")
            axes.fill_between(tried, low, high, color=COLORS[colors[name]], alpha=0.4)
        axes.set(xscale="log", xlabel="learning rate")
        axes.set_title("\n".join(map(str, kind)), fontsize=7)
    np.atleast_1d(panels)[0].set(ylabel="test accuracy")
    return drawn


STUDY = Study(
    measure,
    GRID,
    SEEDS,
    figure=figure,
    replicas=16,
    quick={"grid": settings(["relu", "tanh"], 60), "seeds": range(4)},
)
