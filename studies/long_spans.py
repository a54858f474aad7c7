"""Which recurrent networks learn to name the first symbol of a sequence, 20 or 60 steps later?

The first input is one of four symbols, each later one drawn from four others. At the end the
network names the first: nothing else helps, so what it learns has crossed all steps. Networks have
16 units, every batch of 16 sequences is new, Adam's learning rate is tuned for each configuration
on sequences of its own, and gradients are clipped at length 1.

Varied are the start (PyTorch's weights, or orthogonal recurrent ones; of LSTM and GRU, what is
added to the bias of the forget or update gate; `longer_spans` has one more), the budget, and how
symbols are given: one-hot, or standardized, with mean 0 and variance 1 over the eight.
"""

import math
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import recurrent
import torch
from study import Study

from course_lib.experiments import Tune
from course_lib.experiments.sweeping import configurations
from course_lib.plots import COLORS
from course_lib.statistics import t_interval

SYMBOLS, UNITS, BATCH, EVALUATED = 4, 16, 16, 512
STARTS = {  # cell, how its weights begin
    "tanh": ("plain", {}),
    "tanh, orthogonal": ("plain", {"recurrent": "orthogonal"}),
    "LSTM, 0": ("lstm", {}),
    "LSTM, 1": ("lstm", {"open_gates": 1.0}),
    "LSTM, 4": ("lstm", {"open_gates": 4.0}),
    "GRU, 0": ("gru", {}),
    "GRU, 4": ("gru", {"open_gates": 4.0}),
    "LSTM, 4 and -4": ("lstm", {"open_gates": 4.0, "shut_inputs": 4.0}),
}
LSTMS = ["tanh", "tanh, orthogonal", "LSTM, 0", "LSTM, 1", "LSTM, 4"]
GRUS = ["GRU, 0", "GRU, 4"]
BASE = {"start": [*LSTMS, *GRUS], "span": [20], "steps": [300], "coding": ["one-hot"]}
GRID = [
    *configurations(BASE),
    *configurations(BASE | {"start": LSTMS, "steps": [600]}),
    *configurations(BASE | {"start": LSTMS, "coding": ["standardized"]}),
    *configurations(BASE | {"start": LSTMS, "span": [60]}),
]
SEEDS = range(16)
TUNE = Tune("learning_rate", (0.003, 0.01, 0.03), "validation_accuracy", budget=None, worst=0.0)


def sequences(rngs, span, size, coding):
    """Return new sequences, (span, seeds, size, 8), and their first symbols."""
    first = np.stack([rng.integers(0, SYMBOLS, (size, 1)) for rng in rngs])
    later = np.stack([rng.integers(SYMBOLS, 2 * SYMBOLS, (size, span - 1)) for rng in rngs])
    symbols = torch.from_numpy(np.concatenate([first, later], axis=-1))
    x = torch.nn.functional.one_hot(symbols, 2 * SYMBOLS).float().permute(2, 0, 1, 3)
    if coding == "standardized":
        p = 1 / (2 * SYMBOLS)
        x = (x - p) / math.sqrt(p * (1 - p))
    return x, torch.from_numpy(first[..., 0])


def measure(seeds, start, span, steps, coding, learning_rate):
    """Return the accuracy of networks, one for each seed, on new sequences."""
    torch.set_num_threads(1)
    cell, begin = STARTS[start]
    w = recurrent.weights(cell, seeds, (2 * SYMBOLS, UNITS, SYMBOLS), **begin)
    optimizer = torch.optim.Adam(w.values(), lr=learning_rate)
    rngs = [np.random.default_rng([int(seed), 11]) for seed in seeds]

    def outputs(x):
        return recurrent.logits(w, recurrent.unroll(cell, w, x)[-1])

    for _ in range(steps):
        x, y = sequences(rngs, span, BATCH, coding)
        losses = recurrent.cross_entropies(outputs(x), y).mean(dim=-1)
        recurrent.step(optimizer, losses, w)
    found = {}
    for i, name in enumerate(("validation_accuracy", "test_accuracy")):
        new = [np.random.default_rng([int(seed), 12 + i]) for seed in seeds]
        x, y = sequences(new, span, EVALUATED, coding)
        with torch.no_grad():
            right = outputs(x).argmax(dim=-1) == y
        found[name] = right.double().mean(dim=-1).numpy()
    return found


def figure(records):
    """Draw the accuracy of each start in every setting."""
    best = records.select(phase="result")
    settings = sorted({(r["span"], r["steps"], r["coding"]) for r in best})
    starts = best.distinct("start")
    drawn, panels = plt.subplots(
        1, len(settings), figsize=(2 + 2.2 * len(settings), 3.4), sharey=True, squeeze=False
    )
    for axes, (span, steps, coding) in zip(panels[0], settings, strict=True):
        own = best.select(span=span, steps=steps, coding=coding)
        for start in own.distinct("start"):
            scores = own.select(start=start).array("test_accuracy")
            place = starts.index(start)
            axes.plot(scores, [place] * len(scores), ".", color=COLORS["gray"])
            axes.plot(t_interval(scores), [place, place], color=COLORS["blue"], lw=4)
        axes.set(yticks=range(len(starts)), yticklabels=starts, xlim=(0, 1.05))
        axes.set_title(f"span {span}, {steps} steps,\n{coding}", fontsize=9)
    panels[0, 0].invert_yaxis()
    drawn.supxlabel("accuracy on new sequences", fontsize=10)
    return drawn


STUDY = Study(
    measure,
    GRID,
    SEEDS,
    figure=figure,
    tune=TUNE,
    replicas=16,
    quick={
        "grid": BASE | {"start": ["tanh", "LSTM, 0", "LSTM, 4"]},
        "seeds": range(4),
        "tune": replace(TUNE, seeds=range(10_000, 10_003), widen=0, finer=False),
    },
)
