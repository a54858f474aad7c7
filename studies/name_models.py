"""Does it matter for first names which recurrent network, and which activations in it, one takes?

Each network reads the letters of a name and tells the next one; the score is how many bits it needs
for each character of names that it has not seen, the end of a name included. All have about 8,000
weights. Each seed has its own training, validation and test names, its own initial weights and
batches; those of one seed are the same names for all networks. Adam's learning rate is tuned for
each configuration with eight seeds of its own, and gradients are clipped at length 1.

Varied are the activation of the plain network, and in LSTM and GRU the function of the gates and
that of candidate and cell. For the LSTM with tanh and that with ReLU in its place, so are the
budget, the start and the coding: names may be read from their ends.
"""

from dataclasses import replace
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import recurrent
import torch
from study import Study
from torch.nn import functional

from course_lib import data
from course_lib.experiments import Tune
from course_lib.experiments.sweeping import configurations
from course_lib.plots import COLORS
from course_lib.statistics import t_interval

BATCH, HELD_OUT = 64, 600
SYMBOLS = 27  # the end of a name, which is also its beginning, and 26 letters
UNITS = {"plain": 64, "lstm": 32, "gru": 36}
FUNCTIONS = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "hardtanh": functional.hardtanh,
    "identity": lambda x: x,
    "0 to 1": lambda x: x.clamp(0, 1),
    "abs": torch.abs,
    "softplus": functional.softplus,
    "sigmoid": torch.sigmoid,
    "hardsigmoid": functional.hardsigmoid,
}
STARTS = {"PyTorch": 0.0, "open gates": 1.0}  # what is added to the bias that opens the gate
NETWORKS = {  # cell, gates, activation
    "tanh": ("plain", "sigmoid", "tanh"),
    "ReLU": ("plain", "sigmoid", "relu"),
    "LSTM": ("lstm", "sigmoid", "tanh"),
    "GRU": ("gru", "sigmoid", "tanh"),
    "LSTM, ReLU": ("lstm", "sigmoid", "relu"),
    "LSTM, hard tanh": ("lstm", "sigmoid", "hardtanh"),
    "LSTM, hard gates": ("lstm", "hardsigmoid", "tanh"),
    "GRU, ReLU": ("gru", "sigmoid", "relu"),
}
MORE = {  # of these the study `name_functions` tells
    "LSTM, z": ("lstm", "sigmoid", "identity"),
    "LSTM, 0 to 1": ("lstm", "sigmoid", "0 to 1"),
    "LSTM, |z|": ("lstm", "sigmoid", "abs"),
    "LSTM, softplus": ("lstm", "sigmoid", "softplus"),
    "GRU, hard tanh": ("gru", "sigmoid", "hardtanh"),
    **{f"{name}, {n}": (*NETWORKS[name], n) for n in (16, 32) for name in ("tanh", "ReLU")},
}
USUAL = ["tanh", "ReLU", "LSTM", "GRU"]
BASE = {
    "network": list(NETWORKS), "start": ["PyTorch"], "epochs": [5], "direction": ["forward"],
}  # fmt: skip
PAIR = {"network": ["LSTM", "LSTM, ReLU"]}
GRID = [
    *configurations(BASE),
    *configurations(BASE | PAIR | {"epochs": [10]}),
    *configurations(BASE | PAIR | {"direction": ["backward"]}),
    *configurations(BASE | PAIR | {"start": ["open gates"]}),
]
SEEDS = range(16)
TUNE = Tune("learning_rate", (0.01, 0.02, 0.04), "validation_score", budget=None)
QUICK_TUNE = replace(TUNE, seeds=range(10_000, 10_004), widen=0, finer=False)


@cache
def coded(direction):
    """Return all names as numbers, with the end before and after, and which are to be told."""
    names = [name[::-1] if direction == "backward" else name for name in data.names()]
    longest = max(map(len, names))
    symbols = np.zeros((len(names), longest + 2), np.int64)
    for row, name in zip(symbols, names, strict=True):
        row[1 : len(name) + 1] = np.frombuffer(name.encode(), np.uint8) - 96
    told = np.arange(longest + 1) <= np.array([[len(name)] for name in names])
    return torch.from_numpy(symbols), torch.from_numpy(told)


def nats(cell, w, symbols, told, **functions):
    """Return the mean loss for a character, one for each network."""
    length = int(told.sum(dim=-1).max())
    symbols, told = symbols[..., : length + 1], told[..., :length]
    x = functional.one_hot(symbols[..., :-1], SYMBOLS).float().permute(2, 0, 1, 3)
    h = torch.stack(recurrent.unroll(cell, w, x, **functions))
    losses = recurrent.cross_entropies(recurrent.logits(w, h), symbols[..., 1:].permute(2, 0, 1))
    told = told.permute(2, 0, 1)
    return (losses * told).sum(dim=(0, 2)) / told.sum(dim=(0, 2))


def measure(seeds, network, start, epochs, direction, learning_rate):
    """Return the bits for each character of new names, one number for each network."""
    torch.set_num_threads(1)
    cell, gate, activation, *units = (NETWORKS | MORE)[network]
    functions = {"gate": FUNCTIONS[gate], "activation": FUNCTIONS[activation]}
    sizes = (SYMBOLS, units[0] if units else UNITS[cell], SYMBOLS)
    w = recurrent.weights(cell, seeds, sizes, open_gates=STARTS[start])
    optimizer = torch.optim.Adam(w.values(), lr=learning_rate)
    symbols, told = coded(direction)
    rngs = [np.random.default_rng([int(seed), 21]) for seed in seeds]
    rows = torch.from_numpy(np.stack([rng.permutation(len(symbols)) for rng in rngs]))
    test, valid, train = rows.split([HELD_OUT, HELD_OUT, rows.shape[1] - 2 * HELD_OUT], dim=1)
    for _ in range(epochs):
        order = torch.from_numpy(np.stack([rng.permutation(train.shape[1]) for rng in rngs]))
        for batch in train.gather(1, order).split(BATCH, dim=1):
            losses = nats(cell, w, symbols[batch], told[batch], **functions)
            recurrent.step(optimizer, losses, w)
    with torch.no_grad():
        valid_bits, test_bits = (
            nats(cell, w, symbols[part], told[part], **functions).double().numpy() / np.log(2)
            for part in (valid, test)
        )
    return {"validation_score": -valid_bits, "test_bits": test_bits}


def figure(records):
    """Draw the bits of each network in every setting."""
    best = records.select(phase="result")
    settings = sorted({(r["start"], r["epochs"], r["direction"]) for r in best})
    names = best.distinct("network")
    drawn, panels = plt.subplots(
        1, len(settings), figsize=(2 + 2.2 * len(settings), 3.4), sharey=True, squeeze=False
    )
    for axes, (start, epochs, direction) in zip(panels[0], settings, strict=True):
        own = best.select(start=start, epochs=epochs, direction=direction)
        for name in own.distinct("network"):
            scores = own.select(network=name).array("test_bits")
            place = names.index(name)
            axes.plot(scores, [place] * len(scores), ".", color=COLORS["gray"])
            axes.plot(t_interval(scores), [place, place], color=COLORS["blue"], lw=4)
        axes.set(yticks=range(len(names)), yticklabels=names)
        axes.set_title(f"{start}, {epochs} epochs,\n{direction}", fontsize=9)
    panels[0, 0].invert_yaxis()
    drawn.supxlabel("bits for each character of new names", fontsize=10)
    return drawn


STUDY = Study(
    measure,
    GRID,
    SEEDS,
    figure=figure,
    tune=TUNE,
    replicas=16,
    quick={
        "grid": BASE | {"network": USUAL, "epochs": [2]},
        "seeds": range(4),
        "tune": QUICK_TUNE,
    },
)
