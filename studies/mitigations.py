"""What does each mitigation of bad gradients do to the same two sick networks?

In one network gradients vanish: ten sigmoid layers with PyTorch's default initialization. In the
other they explode: ten tanh layers with weights four times as large as Xavier's. For each
mitigation a learning rate is tuned on validation data; we keep the test accuracy, the ratio of the
first layer's gradient to the last one's before training, the number of parameters and the time of a
step. Takes about five minutes on one core.
"""

import time
from itertools import product

import numpy as np
from deep_networks import SEEDS, three_parts, tuned
from study import main

from course_lib.diagnostics import diagnose
from course_lib.meanfield import critical_weight_variance
from course_lib.network import lsuv, mlp
from course_lib.training import SGD, Adam, accuracy, clip_norm, fit

DEPTH, WIDTH, EPOCHS, BATCH = 10, 32, 3, 50
LEARNING_RATES = {
    SGD: (0.0001, 0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    Adam: (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03),
}
SICK = {
    "vanishing": {"activation": "sigmoid", "initialization": "pytorch"},
    "exploding": {"activation": "tanh", "initialization": "xavier", "gain": 4.0},
}
MITIGATIONS = ("none", "ReLU", "ReLU and He", "initialization", "LSUV", "Adam", "batch norm",
               "layer norm", "residual", "clipping")  # fmt: skip
RUNS = [
    {"network": network, "mitigation": mitigation}
    for network, mitigation in product(SICK, MITIGATIONS)
]


def good_initialization(network):
    """Return arguments of mlp that keep the size of gradients, or of activations (for tanh)."""
    if network == "vanishing":
        return {"initialization": "lecun", "gain": np.sqrt(critical_weight_variance("sigmoid"))}
    return {"initialization": "computed", "gain": None}


def configuration(network, mitigation):
    """Return arguments of mlp, the kind of optimizer, and options of fit."""
    build, optimizer, options = dict(SICK[network]), SGD, {}
    if mitigation == "ReLU":
        build["activation"] = "relu"
    elif mitigation == "ReLU and He":
        build |= {"activation": "relu", "initialization": "he", "gain": None}
    elif mitigation == "initialization":
        build |= good_initialization(network)
    elif mitigation == "LSUV":
        build |= {"initialization": "orthogonal", "gain": None}
    elif mitigation == "Adam":
        optimizer = Adam
    elif mitigation.endswith(" norm"):
        build["normalization"] = mitigation.removesuffix(" norm")
    elif mitigation == "residual":
        build["residual"] = True
    elif mitigation == "clipping":
        options["clip_norm"] = 1.0
    return build, optimizer, options


def network_for(network, mitigation, seeds, x):
    """Build one network for each seed; LSUV scales it on 200 training images."""
    build, _, _ = configuration(network, mitigation)
    built = mlp([196, *[WIDTH] * DEPTH, 10], seed=[*seeds], dtype=np.float32, **build)
    if mitigation == "LSUV":
        lsuv(built, x[:200])
    return built


def train(network, mitigation, part, seeds, learning_rates):
    """Return the networks of all seeds, each trained with its learning rate."""
    _, optimizer, options = configuration(network, mitigation)
    built = network_for(network, mitigation, seeds, part[0])
    fit(
        built, *part, optimizer=optimizer(learning_rates), epochs=EPOCHS, batch_size=BATCH,
        progress=False, **options,
    )  # fmt: skip
    return built


def milliseconds(network, mitigation, part):
    """Return the time of the fastest of many steps, which a busy machine disturbs least."""
    _, kind, options = configuration(network, mitigation)
    built = network_for(network, mitigation, [0], part[0])
    x, y = part[0][:BATCH], part[1][:BATCH]
    optimizer, times = kind(0.001), []
    for _ in range(100):
        start = time.perf_counter()
        _, gradients = built.loss_and_gradients(x, y)
        if "clip_norm" in options:
            clip_norm(gradients, options["clip_norm"])
        optimizer.step(built.parameters, gradients)
        times.append(1000 * (time.perf_counter() - start))
    return min(times)


def run(network, mitigation):
    """Return everything about one mitigation in one network."""
    part, valid_part, (x_test, y_test) = three_parts()
    learning_rates = LEARNING_RATES[configuration(network, mitigation)[1]]
    tuning = tuned(
        learning_rates,
        lambda each_rate, seeds: train(network, mitigation, part, seeds, each_rate),
        valid_part,
    )
    fresh = network_for(network, mitigation, SEEDS, part[0])
    before = diagnose(fresh, part[0][:200], part[1][:200], rank=False)
    trained = train(network, mitigation, part, SEEDS, tuning.learning_rate)
    return {
        "network": network,
        "mitigation": mitigation,
        "learning_rate": tuning.learning_rate,
        "at_edge": tuning.at_edge,
        "gradient_ratio": before.gradient[:, 0] / before.gradient[:, -1],
        "test_accuracy": accuracy(trained(x_test), y_test),
        "parameters": sum(v[0].size for v in fresh.parameters.values()),
        "milliseconds_per_step": milliseconds(network, mitigation, part),
    }


def collect(records):
    """Put what all runs have in common before the records."""
    return {"depth": DEPTH, "width": WIDTH, "epochs": EPOCHS, "seeds": len(SEEDS),
            "networks": records}  # fmt: skip


if __name__ == "__main__":
    main("mitigations", RUNS, run, collect)
