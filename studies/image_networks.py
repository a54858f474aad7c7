"""How much faster is ReLU than tanh in a convolutional network, and is it more accurate?

Networks on images of 14 x 14 pixels: two convolutions of 3 x 3 with a stride of 2, of 8 and of 16
filters, and a linear layer; with four convolutions, two more of 16 filters follow. They learn from
2,500 images in 300 steps of 32, and are tested in the middle and in the end. Each of 16 seeds draws
its own images for training, validation and test from all that there are, its own weights and
batches, the same for all activations, so that differences are paired and hold for other images.

``steps_75`` is the first step after which the mean accuracy on the last ten batches is 75 %, the
training error of 25 % at which Krizhevsky and others (2012) found ReLU six times as fast as tanh.
It is NaN where that is not reached.

The learning rate is part of the grid, a factor of two between neighbors, so that one set of records
tunes for speed and for accuracy: each half of the seeds is judged with the rate that the other half
chose.
"""

from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import torch
from small_sets import SOURCES
from study import Study
from torch import nn
from torch.nn.functional import cross_entropy

from course_lib.experiments.sweeping import configurations
from course_lib.network import stream
from course_lib.plots import COLORS

SEEDS = range(16)
EXAMPLES, VALIDATION, TEST, BATCH, STEPS, WINDOW = 2500, 500, 2000, 32, 300, 10
TARGETS = (60, 75, 85, 90, 95)  # training accuracies, in percent
ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
GAINS = {"relu": 2**0.5, "gelu": 2**0.5, "tanh": 1.0, "sigmoid": 4.0}
"""He's, Xavier's, and for sigmoid, whose derivative is at most 1/4, four times Xavier's."""
OPTIMIZERS = {
    "momentum": lambda parameters, rate: torch.optim.SGD(parameters, rate, momentum=0.9),
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
}


def rates(lowest):
    """Return five learning rates, a factor of two between neighbors."""
    return [lowest * 2**i for i in range(5)]


def settings(names, lowest, sigmoid=None, **changed):
    """Return the configurations of some activations; sigmoid has a lowest rate of its own."""
    usual = {
        "images": ["Fashion-MNIST"], "pixels": ["standardized"], "normalization": ["none"],
        "initialization": ["suited"], "layers": [2], "optimizer": ["momentum"],
    }  # fmt: skip
    found = []
    for name in names:
        low = sigmoid if sigmoid and name == "sigmoid" else lowest
        found += configurations(
            usual | changed | {"activation": [name], "learning_rate": rates(low)}
        )
    return found


ALL, BOTH = list(ACTIVATIONS), ["Fashion-MNIST", "MNIST"]
GRID = [
    *settings(ALL, 0.01, 0.03, images=BOTH),
    *settings(ALL, 0.02, 0.04, images=BOTH, normalization=["batch"]),
    *settings(ALL, 0.02, 0.03, pixels=["raw"]),
    *settings(ALL, 0.02, 0.03, initialization=["pytorch"]),
    *settings(["relu", "tanh"], 0.03, initialization=["small"], layers=[2, 4]),
    *settings(["relu"], 0.03, initialization=["small, biases 1"], layers=[4]),
    *settings(ALL, 0.002, optimizer=["adam"]),
    *settings(ALL, 0.005, 0.02, layers=[4]),
    *settings(["relu", "tanh"], 0.06, optimizer=["sgd"]),
]


@cache
def pool(images, pixels):
    """Return all images of a source, prepared in one way, and their labels."""
    x, y, x_more, y_more = SOURCES[images]().flat(size=14)
    x, y = np.concatenate([x, x_more]), np.concatenate([y, y_more])
    if pixels == "standardized":
        x = (x - x.mean()) / x.std()
    return torch.from_numpy(x).reshape(-1, 14, 14), torch.from_numpy(y)


def draw(images, pixels, seeds):
    """Return images (seeds, n, 14, 14) and labels (seeds, n) for training, validation and test."""
    return split(*pool(images, pixels), seeds)


def split(x, y, seeds):
    """Return parts of images and labels, drawn by each seed, for training, validation and test."""
    rows = np.stack([np.random.default_rng([seed, 7]).permutation(len(x)) for seed in seeds])
    parts = np.split(rows, np.cumsum([EXAMPLES, VALIDATION, TEST]), axis=1)[:3]
    return [(x[part], y[part]) for part in parts]


class Readout(nn.Module):
    """Linear layers, one for each network, from its feature maps to its ten logits."""

    def __init__(self, networks, features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(networks, features, 10))
        self.bias = nn.Parameter(torch.zeros(networks, 1, 10))

    def forward(self, maps):
        """Return logits (networks, batch, 10) of maps (batch, networks * channels, ...)."""
        networks = len(self.weight)
        rows = maps.reshape(len(maps), networks, -1).transpose(0, 1)
        return rows @ self.weight + self.bias


def build(seeds, activation, normalization="none", initialization="suited", layers=2, filters=8):
    """Return networks, one for each seed, side by side as the groups of one."""
    networks, modules, last = len(seeds), [], 2 * filters
    sizes = [(1, filters, 2), (filters, last, 2)] + [(last, last, 1)] * (layers - 2)  # and stride
    for before, after, stride in sizes:
        channels = networks * before, networks * after
        modules.append(nn.Conv2d(*channels, 3, stride=stride, padding=1, groups=networks))
        if normalization == "batch":
            modules.append(nn.BatchNorm2d(networks * after))
        modules.append(ACTIVATIONS[activation]())
    model = nn.Sequential(*modules, Readout(networks, last * 4 * 4))
    streams = [stream(seed, "weights") for seed in seeds]
    with torch.no_grad():
        for layer in (m for m in model if isinstance(m, nn.Conv2d | Readout)):
            initialize(layer, GAINS[activation], initialization, streams)
    return model


def initialize(layer, gain, initialization, streams):
    """Draw the weights of a layer, those of each network from a stream of its own."""
    last, inputs = isinstance(layer, Readout), layer.weight.shape[1:]
    shape = inputs if last else (len(layer.weight) // len(streams), *inputs)
    fan_in = inputs[0] if last else inputs.numel()
    layer.bias.zero_()
    if initialization == "pytorch":
        bound = fan_in**-0.5
        drawn = [rng.uniform(-bound, bound, shape) for rng in streams]
        biases = [rng.uniform(-bound, bound, layer.bias.numel() // len(streams)) for rng in streams]
        layer.bias.copy_(torch.from_numpy(np.concatenate(biases)).reshape(layer.bias.shape))
    else:
        suited = (1.0 if last else gain) * fan_in**-0.5
        deviation = suited if initialization == "suited" else 0.01
        drawn = [rng.normal(0, deviation, shape) for rng in streams]
        if initialization == "small, biases 1" and not last:
            layer.bias.fill_(1.0)
    layer.weight.copy_(torch.from_numpy(np.stack(drawn)).reshape(layer.weight.shape))


def fit(model, x, y, seeds, optimizer, steps):
    """Train networks on images of their own; yield the accuracy of each on every batch."""
    networks, per_epoch = torch.arange(len(seeds))[:, None], x.shape[1] // BATCH
    streams = [stream(seed, "batches") for seed in seeds]
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.from_numpy(np.stack([rng.permutation(x.shape[1]) for rng in streams]))
        batch = order[:, step % per_epoch * BATCH :][:, :BATCH]
        labels = y[networks, batch]
        logits = model(x[networks, batch].transpose(0, 1))
        loss = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum") / BATCH
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield (logits.argmax(-1) == labels).double().mean(1)


def accuracies(model, x, y):
    """Return the accuracy of each network on images of its own."""
    model.eval()
    with torch.no_grad():
        right = model(x.transpose(0, 1)).argmax(-1) == y
    model.train()
    return right.double().mean(1).numpy()


def steps_to(target, scores):
    """Return the first step at which the mean of the last batches is the target, or NaN."""
    sums = np.cumsum(np.pad(scores, ((0, 0), (1, 0))), axis=1)
    there = sums[:, WINDOW:] - sums[:, :-WINDOW] >= WINDOW * target - 1e-9
    return np.where(there.any(axis=1), there.argmax(axis=1) + WINDOW, np.nan)


def measure(seeds, images, pixels, normalization, activation, initialization, layers, optimizer,
            learning_rate):  # fmt: skip
    """Return steps to targets, and accuracies in the middle and in the end, for each seed."""
    torch.set_num_threads(1)
    model = build(seeds, activation, normalization, initialization, layers)
    descent = OPTIMIZERS[optimizer](model.parameters(), learning_rate)
    return follow(model, draw(images, pixels, seeds), seeds, descent, STEPS)


def follow(model, parts, seeds, optimizer, steps):
    """Train networks; return what `measure` does."""
    train, valid, test = parts
    found, scores = {}, []
    for score in fit(model, *train, seeds, optimizer, steps):
        scores.append(score.numpy())
        for when, step in {"half": steps // 2, "full": steps}.items():
            if len(scores) == step:
                found[f"validation_{when}"] = accuracies(model, *valid)
                found[f"test_{when}"] = accuracies(model, *test)
    return found | {f"steps_{t}": steps_to(t / 100, np.stack(scores, axis=1)) for t in TARGETS}


def figure(records):
    """Draw the steps to 75 %, with each learning rate, of the networks on clothes."""
    own = records.select(images="Fashion-MNIST", optimizer="momentum", initialization="suited")
    own = own.select(pixels="standardized", layers=2)
    kinds = own.distinct("normalization")
    drawn, panels = plt.subplots(1, len(kinds), figsize=(3.6 * len(kinds), 3.4), sharey=True)
    colors = dict(zip(ACTIVATIONS, ("blue", "green", "red", "purple"), strict=True))
    for axes, kind in zip(np.atleast_1d(panels), kinds, strict=True):
        for name in own.distinct("activation"):
            line = own.select(normalization=kind, activation=name)
            steps = line.array("steps_75", "learning_rate")  # and seeds
            median = np.median(np.where(np.isnan(steps), STEPS, steps), axis=1)
            axes.loglog(
                line.distinct("learning_rate"), median, color=COLORS[colors[name]], label=name
            )
        axes.set(xlabel="learning rate", title=f"normalization: {kind}")
        axes.legend()
    np.atleast_1d(panels)[0].set(ylabel=f"steps to 75 %, median ({STEPS}: never)")
    return drawn


STUDY = Study(
    measure,
    GRID,
    SEEDS,
    figure=figure,
    replicas=16,
    quick={"grid": settings(["relu", "tanh"], 0.02), "seeds": range(4)},
)
