"""Who is to blame for the deep sigmoid network that "cannot be trained"?

784-512-256-256-128-10 on Fashion-MNIST: every combination of initialization, optimizer and
normalization for sigmoid, and the usual ones for tanh and ReLU, each with a learning rate tuned on
validation data. What is run stands in the specification ``who-is-to-blame``, which
`python -m course_lib sweep` takes as well. The networks of the verdict train a second time, with
twice the epochs.
"""

from dataclasses import replace

from deep_networks import mean_with_interval
from study import Study

from course_lib.experiments.spec import read_spec

SPEC = read_spec("who-is-to-blame")
VARIED = ("activation", "initialization", "gain", "optimizer", "normalization", "epochs")


def title(initialization, gain, optimizer, normalization, activation, epochs):
    """Return what a combination is called."""
    times = f" x {gain:g}" if gain != 1 else ""
    norm = f", {normalization} norm" if normalization != "none" else ""
    return f"{activation}, {initialization}{times}, {optimizer}{norm}, {epochs} epochs"


def figure(records):
    """Draw the accuracy of each combination with its interval."""
    from course_lib import plots

    rows = {}
    for own in {row["place"]: row for row in records}.values():
        reached = records.select(phase="result", place=own["place"]).values("test_accuracy")
        rows[title(**{name: own[name] for name in VARIED})] = mean_with_interval(reached)
    return plots.intervals(rows, xlabel="test accuracy")


def is_quick(own):
    """Return whether a configuration is in the miniature: gradient descent, and no layer norm."""
    return (
        own["activation"] == "sigmoid"
        and own["optimizer"] == "sgd"
        and own["initialization"] == "pytorch"
        and own["normalization"] != "layer"
        and own["epochs"] == SPEC.grid[0]["epochs"]
    )


STUDY = Study(
    SPEC.function,
    SPEC.grid,
    SPEC.seeds,
    figure=figure,
    tune=SPEC.tune,
    replicas=SPEC.replicas,
    quick={
        "grid": [{**own, "epochs": 2} for own in SPEC.grid if is_quick(own)],
        "seeds": range(4),
        "tune": replace(SPEC.tune, values=[0.03, 0.1, 0.3], seeds=[10_000], finer=False, widen=0),
    },
)
