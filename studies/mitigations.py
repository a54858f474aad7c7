"""Switch each remedy for bad gradients on and off in the same two sick networks, and store it.

One network vanishes: ten sigmoid layers with PyTorch's default start. The other explodes: ten tanh
layers with weights four times as large as Xavier's. For each remedy a rate is tuned on validation
data; we keep the test accuracy, the ratio of the first layer's gradient to the last one's before
training, the number of parameters and the time of a step. Takes about five minutes on one core.
"""

import time
from functools import partial

import numpy as np
from stored import store
from trainable_depth import SEEDS, pictures, tuned_rate

from course_lib.diagnostics import diagnose
from course_lib.meanfield import critical_weight_variance
from course_lib.network import lsuv, mlp
from course_lib.training import SGD, Adam, accuracy, clip_norm, fit

DEPTH, WIDTH, EPOCHS, BATCH = 10, 32, 3, 50
RATES = {
    SGD: (0.0001, 0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    Adam: (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03),
}
SICK = {
    "vanishing": {"activation": "sigmoid", "initialization": "pytorch"},
    "exploding": {"activation": "tanh", "initialization": "xavier", "gain": 4.0},
}
CRITICAL_GAIN = np.sqrt(critical_weight_variance("sigmoid"))
GOOD_START = {  # of gradients for the one, of signals for the other; tanh needs no more
    "vanishing": {"initialization": "lecun", "gain": CRITICAL_GAIN},
    "exploding": {"initialization": "computed", "gain": None},
}
REMEDIES = ("none", "ReLU", "ReLU and He", "initialization", "LSUV", "Adam", "batch norm",
            "layer norm", "residual", "clipping")  # fmt: skip


def recipe(sick, remedy):
    """Return arguments of mlp, the kind of optimizer, and options of fit."""
    build, optimizer, options = dict(SICK[sick]), SGD, {}
    if remedy == "ReLU":
        build["activation"] = "relu"
    elif remedy == "ReLU and He":
        build |= {"activation": "relu", "initialization": "he", "gain": None}
    elif remedy == "initialization":
        build |= GOOD_START[sick]
    elif remedy == "LSUV":
        build |= {"initialization": "orthogonal", "gain": None}
    elif remedy == "Adam":
        optimizer = Adam
    elif remedy.endswith(" norm"):
        build["normalization"] = remedy.removesuffix(" norm")
    elif remedy == "residual":
        build["residual"] = True
    elif remedy == "clipping":
        options["clip_norm"] = 1.0
    return build, optimizer, options


def network_for(sick, remedy, seeds, x):
    """Build one network for each seed; LSUV looks at 200 training pictures."""
    build, _, _ = recipe(sick, remedy)
    network = mlp([196, *[WIDTH] * DEPTH, 10], seed=[*seeds], dtype=np.float32, **build)
    if remedy == "LSUV":
        lsuv(network, x[:200])
    return network


def train(sick, remedy, part, seeds, rates, epochs=EPOCHS):
    """Return the networks of all seeds, each trained with its rate."""
    _, optimizer, options = recipe(sick, remedy)
    network = network_for(sick, remedy, seeds, part[0])
    fit(
        network, *part, optimizer=optimizer(rates), epochs=epochs, batch_size=BATCH,
        progress=False, **options,
    )  # fmt: skip
    return network


def milliseconds(sick, remedy, part):
    """Return the time of the fastest of many steps, which a busy machine disturbs least."""
    _, optimizer, options = recipe(sick, remedy)
    network = network_for(sick, remedy, [0], part[0])
    x, y = part[0][:BATCH], part[1][:BATCH]
    kind, times = optimizer(0.001), []
    for _ in range(100):
        start = time.perf_counter()
        _, gradients = network.loss_and_gradients(x, y)
        if "clip_norm" in options:
            clip_norm(gradients, options["clip_norm"])
        kind.step(network.parameters, gradients)
        times.append(1000 * (time.perf_counter() - start))
    return min(times)


def cell(sick, remedy, parts):
    """Return everything about one remedy in one network."""
    part, valid_part, (x_test, y_test) = parts
    rates = RATES[recipe(sick, remedy)[1]]
    rate = tuned_rate(rates, partial(train, sick, remedy, part), valid_part)
    fresh = network_for(sick, remedy, SEEDS, part[0])
    before = diagnose(fresh, part[0][:200], part[1][:200], rank=False)
    trained = train(sick, remedy, part, SEEDS, rate)
    return {
        "network": sick,
        "remedy": remedy,
        "rate": rate,
        "at_edge": rate in (rates[0], rates[-1]),
        "gradient_ratio": before.gradient[:, 0] / before.gradient[:, -1],
        "test_accuracy": accuracy(trained(x_test), y_test),
        "parameters": sum(v[0].size for v in fresh.parameters.values()),
        "milliseconds_per_step": milliseconds(sick, remedy, part),
    }


def main():
    """Measure every remedy in both networks."""
    parts, found = pictures(), []
    for sick in SICK:
        for remedy in REMEDIES:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                record = cell(sick, remedy, parts)
            print({k: np.mean(v) if isinstance(v, np.ndarray) else v for k, v in record.items()})
            found.append(record)
    store("remedies", {"depth": DEPTH, "width": WIDTH, "epochs": EPOCHS, "seeds": len(SEEDS),
                       "networks": found})  # fmt: skip


if __name__ == "__main__":
    main()
