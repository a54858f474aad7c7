"""What does the backward pass cost beside the forward pass, as a ratio of times?

For each shape of network and batch: 16 networks, one for each seed. Forward and backward take turns
for each of them, so that a busy moment of the machine hits both alike, and the medians are divided;
there are fewer rounds where one takes long. Times stay out of the file, because no two machines
share them. The ratio that counting multiplications predicts stands beside each measured one. One
thread; takes two minutes.
"""

import os

if __name__ == "__main__":
    for library in ("OMP", "OPENBLAS", "MKL"):  # they read it when NumPy is imported
        os.environ[f"{library}_NUM_THREADS"] = "1"

import statistics
import time
from itertools import pairwise

import numpy as np
import torch
from study import main

from course_lib import pytorch
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
RUNS = [{"shape": shape, "batch": 64} for shape in SHAPES] + [
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


def ratios(shape, batch, seed):
    """Return the ratio of the NumPy network, and that of the same network in PyTorch."""
    sizes = SHAPES[shape]
    network = mlp(sizes, seed=seed, dtype=np.float32)
    rng = np.random.default_rng(seed)
    x, grad_output = (
        rng.standard_normal((batch, n)).astype(np.float32) for n in (sizes[0], sizes[-1])
    )
    theirs = pytorch.from_numpy(network)
    x_there, grad_output_there = torch.from_numpy(x), torch.from_numpy(grad_output)
    output = []

    def forward():
        output[:] = [theirs(x_there)]

    def backward():
        theirs.zero_grad()
        output[0].backward(grad_output_there)

    rounds = rounds_for(sizes, batch)
    ours = turns(lambda: network(x), lambda: network.backward(grad_output), rounds)
    return ours, turns(forward, backward, rounds)


def run(shape, batch):
    """Return the ratios of one shape and batch, one for each seed."""
    torch.set_num_threads(1)
    ours, theirs = np.transpose([ratios(shape, batch, seed) for seed in SEEDS])
    return {
        "shape": shape,
        "sizes": SHAPES[shape],
        "batch": batch,
        "rounds": rounds_for(SHAPES[shape], batch),
        "counted_ratio": counted_ratio(SHAPES[shape]),
        "time_ratio": ours,
        "time_ratio_pytorch": theirs,
    }


def collect(records):
    """Put the number of seeds before the records."""
    return {"seeds": len(SEEDS), "networks": records}


if __name__ == "__main__":
    main("propagation_cost", RUNS, run, collect)
