"""What does each mitigation of bad gradients do to the same two sick networks?

In one network gradients vanish: ten sigmoid layers with PyTorch's default initialization. In the
other they explode: ten tanh layers with weights four times as large as Xavier's. For each
mitigation a learning rate is tuned on validation data; we keep the accuracy, the ratio of the first
layer's gradient to the last one's before training, the number of parameters, and the time of a step
over that of a step without the mitigation, which takes turns with it.
"""

import time
from dataclasses import replace

import numpy as np
from deep_networks import (
    SEEDS,
    accuracies,
    before_training,
    mean_with_interval,
    sizes,
    some_images,
)
from study import Study

from course_lib.experiments import Tune
from course_lib.meanfield import critical_weight_variance
from course_lib.network import lsuv, mlp
from course_lib.training import SGD, Adam, clip_norm

DEPTH, BATCH, LIMIT = 10, 50, 1.0  # of clipping
ROUNDS = 40
SICK = {
    "vanishing": {"activation": "sigmoid", "initialization": "pytorch"},
    "exploding": {"activation": "tanh", "initialization": "xavier", "gain": 4.0},
}
GOOD = {  # for gradients that keep their size, and for activations that do
    "vanishing": {"initialization": "lecun", "gain": np.sqrt(critical_weight_variance("sigmoid"))},
    "exploding": {"initialization": "computed", "gain": None},
}
MITIGATIONS = {  # what each changes in the arguments of mlp
    "none": {},
    "ReLU": {"activation": "relu"},
    "ReLU and He": {"activation": "relu", "initialization": "he", "gain": None},
    "initialization": {},  # as in GOOD
    "LSUV": {"initialization": "orthogonal", "gain": None},
    "Adam": {},
    "batch norm": {"normalization": "batch"},
    "layer norm": {"normalization": "layer"},
    "residual": {"residual": True},
    "clipping": {},
}
GRID = {"network": [*SICK], "mitigation": [*MITIGATIONS], "epochs": [3]}
TUNE = Tune(
    "learning_rate",
    [0.001, 0.01, 0.1],
    score="validation_accuracy",
    budget="epochs",
    worst=0.0,
)


def build(network, mitigation, seeds):
    """Return one network for each seed; LSUV scales it on some training images."""
    changed = GOOD[network] if mitigation == "initialization" else MITIGATIONS[mitigation]
    built = mlp(sizes(DEPTH), seed=seeds, dtype=np.float32, **SICK[network] | changed)
    if mitigation == "LSUV":
        lsuv(built, some_images()[0])
    return built


def optimizer_for(mitigation, learning_rate):
    """Return the optimizer of a mitigation."""
    return (Adam if mitigation == "Adam" else SGD)(learning_rate)


def step_of(network, mitigation):
    """Return a function that makes a training step of one network."""
    built, optimizer = build(network, mitigation, 0), optimizer_for(mitigation, 0.001)
    x, y = (values[:BATCH] for values in some_images())

    def step():
        _, gradients = built.loss_and_gradients(x, y)
        if mitigation == "clipping":
            clip_norm(gradients, LIMIT)
        optimizer.step(built.parameters, gradients)

    return step


def step_time_ratio(network, mitigation):
    """Return the time of a step over that without the mitigation, which takes turns with it.

    The fastest of many counts, which other programs disturb least, in time of this process alone.
    """
    steps = [step_of(network, mitigation), step_of(network, "none")]
    times = [], []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(ROUNDS):
            for step, taken in zip(steps, times, strict=True):
                start = time.process_time()
                step()
                taken.append(time.process_time() - start)
    ours, theirs = map(min, times)
    return ours / theirs


def measure(seeds, network, mitigation, epochs, learning_rate):
    """Return everything about one mitigation in one network, for each seed."""
    built = build(network, mitigation, [*seeds])
    gradient = before_training(built).gradient
    options = {"clip_norm": LIMIT} if mitigation == "clipping" else {}
    reached = accuracies(
        built, optimizer_for(mitigation, learning_rate), epochs=epochs, batch_size=BATCH, **options
    )
    parameters = sum(values[0].size for values in built.parameters.values())
    return {
        **reached,
        "gradient_ratio": gradient[:, 0] / gradient[:, -1],
        "parameters": np.full(len(seeds), parameters),
        "step_time_ratio": np.full(len(seeds), step_time_ratio(network, mitigation)),
    }


def figure(records):
    """Draw the accuracy with each mitigation, with intervals over seeds."""
    from course_lib import plots

    results = records.select(phase="result")
    reached = results.array("test_accuracy", "network", "mitigation")
    rows = {
        f"{network}, {mitigation}": mean_with_interval(scores)
        for network, own in zip(results.distinct("network"), reached, strict=True)
        for mitigation, scores in zip(results.distinct("mitigation"), own, strict=True)
    }
    return plots.intervals(rows, xlabel="test accuracy")


STUDY = Study(
    measure,
    GRID,
    SEEDS,
    figure=figure,
    tune=TUNE,
    quick={
        "grid": GRID | {"mitigation": ["none", "ReLU and He", "batch norm"]},
        "seeds": range(8),
        "tune": replace(TUNE, finer=False, budget=None),
    },
)
