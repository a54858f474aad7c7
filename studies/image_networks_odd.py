"""Does a tanh network, an odd function at first, lose many steps where the sign says nothing?

With biases of 0 a network of tanh has f(-x) = -f(x), up to its readout. Digits of which half are
inverted, light on dark and dark on light, have classes that do not change with the sign, so that
such a function knows nothing of them. The networks are those of `image_networks`, also with four
times as many filters, and with biases drawn from a standard normal distribution, for which digits
that nobody inverted are the control. Besides: digits moved by one pixel for 700 steps, and digits
moved by three pixels with more filters.
"""

import image_networks
import numpy as np
import torch
from image_networks import OPTIMIZERS, SEEDS
from image_networks_varied import figure as drawn_by_setting
from image_networks_varied import move
from study import Study
from torch import nn

from course_lib.experiments.sweeping import configurations


def settings(names, rates, **changed):
    """Return the configurations of some activations with some learning rates."""
    usual = {
        "images": ["MNIST"], "inverted": ["half"], "reach": [0], "filters": [8],
        "biases": ["zero"], "steps": [250],
    }  # fmt: skip
    return configurations(usual | changed | {"activation": names, "learning_rate": rates})


def rates(lowest, count=4):
    """Return learning rates, a factor of two between neighbors."""
    return [lowest * 2**i for i in range(count)]


TWO = ["relu", "tanh"]
GRID = [
    *settings(["relu"], rates(0.01, 5), biases=["zero", "normal"]),
    *settings(["gelu"], rates(0.01, 5)),
    *settings(["tanh"], rates(0.02, 5), biases=["zero", "normal"]),
    *settings(["relu"], rates(0.01), filters=[32], biases=["zero", "normal"]),
    *settings(["tanh"], rates(0.02), filters=[32]),
    *settings(["tanh"], rates(0.01, 5), filters=[32], biases=["normal"]),
    *settings(TWO, rates(0.005, 5), inverted=["none"], biases=["zero", "normal"]),
    *settings(TWO, rates(0.01), inverted=["none"], reach=[1], steps=[700]),
    *settings(TWO, rates(0.01), inverted=["none"], reach=[3], filters=[32]),
]


def pictures(images, inverted, reach, seeds):
    """Return images (seeds, n, 14, 14) and labels (seeds, n) for training, validation and test."""
    x, y = image_networks.pool(images, "standardized")
    if inverted == "half":
        signs = np.random.default_rng(1).choice([-1, 1], (len(x), 1, 1))
        x = x * torch.from_numpy(signs).to(x.dtype)
    return image_networks.split(move(x, reach), y, seeds)


def build(seeds, activation, filters, biases):
    """Return networks, one for each seed, whose convolutions may have random biases."""
    model = image_networks.build(seeds, activation, filters=filters)
    streams = [np.random.default_rng([seed, 8]) for seed in seeds]
    for layer in (m for m in model if isinstance(m, nn.Conv2d) and biases == "normal"):
        count = layer.bias.numel() // len(seeds)
        drawn = np.concatenate([rng.standard_normal(count) for rng in streams])
        with torch.no_grad():
            layer.bias.copy_(torch.from_numpy(drawn))
    return model


def measure(seeds, images, inverted, reach, filters, biases, steps, activation, learning_rate):
    """Return steps to targets, and accuracies in the middle and in the end, for each seed."""
    torch.set_num_threads(1)
    parts = pictures(images, inverted, reach, seeds)
    model = build(seeds, activation, filters, biases)
    descent = OPTIMIZERS["momentum"](model.parameters(), learning_rate)
    return image_networks.follow(model, parts, seeds, descent, steps)


def figure(records):
    """Draw the accuracy with each learning rate, for each setting."""
    return drawn_by_setting(records, ("inverted", "reach", "filters", "biases"))


STUDY = Study(
    measure,
    GRID,
    SEEDS,
    figure=figure,
    replicas=16,
    quick={"grid": settings(TWO, rates(0.04, 2), steps=[60]), "seeds": range(4)},
)
