"""What does the backward pass cost beside the forward pass, as a ratio of times?

For each shape of network and batch: 16 repeats, each with a network of its own seed. They are
repeats on one machine, so the figure shows their range and no interval. Forward and backward take
turns, so that a busy moment of the machine hits both alike, and the medians are divided; there are
fewer rounds where one takes long. Times stay out of the records, because no two machines
share them. The ratio that counting multiplications predicts stands beside each measured one. All
has one thread, and nothing else runs beside it.
"""

import statistics
import time
from itertools import pairwise

import numpy as np
from study import Study

from course_lib.network import mlp

SEEDS = range(16)
ROUNDS, WARM_UP = 60, 5
SHAPES = {
    "784-256-10": [784, 256, 10],
    "2 layers of 256": [256, 256, 256],
    "4 layers of 256": [256] * 5,
    "8 layers of 256": [256] * 9,
    "16 layers of 256": [256] * 17,
    "8 layers of 16": [16] * 9,
    "8 layers of 64": [64] * 9,
    "8 layers of 1024": [1024] * 9,
}
BATCHES = (1, 4, 16, 64, 256)
GRID = [{"shape": shape, "batch": 64} for shape in SHAPES] + [
    {"shape": "8 layers of 256", "batch": batch} for batch in BATCHES if batch != 64
]


def counted_ratio(sizes):
    """Return multiplications of backward over forward: 2, less what the first layer saves."""
    products = [fan_in * fan_out for fan_in, fan_out in pairwise(sizes)]
    return 2 - products[0] / sum(products)


def rounds_for(sizes, batch):
    """Return how many rounds: fewer, at least ten, if forward takes over 4e7 multiplications."""
    products = batch * sum(fan_in * fan_out for fan_in, fan_out in pairwise(sizes))
    return max(10, int(ROUNDS * min(1, 4e7 / products)))


def turns(forward, backward, rounds):
    """Return the median time of backward over that of forward, which take turns."""
    times = {forward: [], backward: []}
    for i in range(WARM_UP + rounds):
        for step, taken in times.items():
            start = time.perf_counter()
            step()
            if i >= WARM_UP:
                taken.append(time.perf_counter() - start)
    return statistics.median(times[backward]) / statistics.median(times[forward])


def ratios(shape, batch, seed, device="cpu"):
    """Return the ratio of the NumPy network, and that of the same network in PyTorch."""
    import torch

    from course_lib import pytorch
    from course_lib.pytorch.tensors import as_device

    where = as_device(device)
    sizes = SHAPES[shape]
    network = mlp(sizes, seed=seed, dtype=np.float32)
    rng = np.random.default_rng(seed)
    x, grad_output = (
        rng.standard_normal((batch, n)).astype(np.float32) for n in (sizes[0], sizes[-1])
    )
    theirs = pytorch.from_numpy(network).to(where)
    x_there, grad_output_there = (torch.from_numpy(array).to(where) for array in (x, grad_output))
    output = []

    def finish():
        if where.type != "cpu":  # another device still computes when the call returns
            torch.accelerator.synchronize(where)

    def forward():
        output[:] = [theirs(x_there)]
        finish()

    def backward():
        theirs.zero_grad()
        output[0].backward(grad_output_there)
        finish()

    rounds = rounds_for(sizes, batch)
    ours = turns(lambda: network(x), lambda: network.backward(grad_output), rounds)
    return ours, turns(forward, backward, rounds)


def measure(seeds, shape, batch, device="cpu"):
    """Return the ratios of one shape and batch for each seed, counted and measured.

    The device is PyTorch's, such as ``"cuda"``; NumPy stays on the CPU.
    """
    ours, theirs = np.transpose([ratios(shape, batch, seed, device) for seed in seeds])
    sizes = SHAPES[shape]
    return {
        "counted_ratio": np.full(len(seeds), counted_ratio(sizes)),
        "rounds": np.full(len(seeds), rounds_for(sizes, batch)),
        "time_ratio": ours,
        "time_ratio_pytorch": theirs,
    }


def figure(records):
    """Draw the median of the measured ratios, with the range of the repeats."""
    from course_lib import plots

    rows = {}
    for key, library in (("time_ratio", "NumPy"), ("time_ratio_pytorch", "PyTorch")):
        for shape, batch in dict.fromkeys((r["shape"], r["batch"]) for r in records):
            found = records.select(shape=shape, batch=batch).values(key)
            middle = np.median(found), found.min(), found.max()
            rows[f"{shape}, batch {batch}, {library}"] = middle
    return plots.intervals(rows, xlabel="time of backward over forward: median and range")


STUDY = Study(
    measure,
    GRID,
    SEEDS,
    figure=figure,
    quick={"grid": [{"shape": "8 layers of 64", "batch": 64}], "seeds": range(2)},
    alone=True,
)
