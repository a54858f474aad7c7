"""Do verdicts about small sets survive twice the steps, raw pixels and PyTorch's initial weights?

Three verdicts rest on records of other studies: that more units than needed do no harm
(`overfitting`), that an activation helps (`activation_generalizes`), and where dropout does and
does not (`dropout`). Here the networks that decide them are trained again with one thing changed:

- *twice the steps*;
- *raw pixels*, from 0 to 1, where the other studies standardize them;
- *PyTorch's initial weights*, where the others have those of He or of a computed gain.

For each network and change a learning rate is tuned on validation data with 8 seeds of its own. The
images of a seed are those of the other studies, so that differences may be taken across them.
"""

import matplotlib.pyplot as plt
import small_sets
from study import Study

from course_lib.experiments import Tune
from course_lib.plots import COLORS
from course_lib.statistics import paired, t_interval

SEEDS = range(16)
CHANGES = {
    "twice the steps": {},
    "raw pixels": {"standardize": False},
    "PyTorch's initial weights": {"initialization": "pytorch"},
}
TASKS = {
    "200 MNIST": {"source": "MNIST", "examples": 200},
    "1,000 MNIST": {"source": "MNIST", "examples": 1000},
    "1,000 Fashion-MNIST": {"source": "Fashion-MNIST", "examples": 1000},
    "1,000 MNIST, noisy": {"source": "MNIST", "examples": 1000, "noise": 0.3},
}
STEPS = {"width": 1500, "activation": 800, "dropout": 1000}  # as in the other studies
NETWORKS = {
    "width": {f"{n} units": {"sizes": [196, n, 10]} for n in (16, 64, 256)},
    "activation": {
        name: {"sizes": [196, 64, 64, 10], "activation": name, "initialization": "computed"}
        for name in ("identity", "sigmoid", "tanh", "softplus", "relu")
    },
    "dropout": {
        f"{n} units, p = {p}": {"sizes": [196, n, 10], "dropout": p}
        for n, tried in ((16, (0.0, 0.05, 0.1, 0.5)), (256, (0.0, 0.35, 0.8)))
        for p in tried
    },
}
ASKED = [  # what is asked, of which task, and of which networks: the first is compared with
    ("width", "1,000 MNIST", ("16 units", "256 units")),
    ("width", "1,000 Fashion-MNIST", ("64 units", "256 units")),
    *(("activation", task, tuple(NETWORKS["activation"])) for task in TASKS),
    ("dropout", "1,000 MNIST, noisy", [f"256 units, p = {p}" for p in (0.0, 0.8)]),
    ("dropout", "200 MNIST", [f"256 units, p = {p}" for p in (0.0, 0.35)]),
    ("dropout", "200 MNIST", [f"16 units, p = {p}" for p in (0.0, 0.05, 0.1, 0.5)]),
]
TUNE = Tune("learning_rate", (0.003, 0.03, 0.3), "validation_accuracy", budget=None, worst=0.0)


def grid(asked, changes=tuple(CHANGES)):
    """Return a configuration for each question, task, network and change."""
    return [
        {
            "question": question, "task": task, "network": network, "changed": changed,
            "steps": STEPS[question] * (2 if changed == "twice the steps" else 1),
        }
        for question, task, networks in asked
        for network in networks
        for changed in changes
    ]  # fmt: skip


def measure(seeds, question, task, network, changed, steps, learning_rate):
    """Return what one kind of network reaches in one task with one thing changed."""
    own = TASKS[task] | NETWORKS[question][network] | CHANGES[changed]
    return small_sets.measure(seeds, **own, learning_rate=learning_rate, steps=steps)


def figure(records):
    """Draw how far each network is from the first of its question and task, for each change."""
    results = records.select(phase="result")
    changes = results.distinct("changed")
    rows = []
    for question, task, (first, *others) in ASKED:
        own = results.select(question=question, task=task)
        there = own.distinct("network")
        rows += [(task, own, first, name) for name in others if {first, name} <= {*there}]
    drawn, panels = plt.subplots(
        1, len(changes), figsize=(4 + 2 * len(changes), 1 + 0.25 * len(rows)), sharey=True,
        squeeze=False,
    )  # fmt: skip
    for axes, changed in zip(panels[0], changes, strict=True):
        for i, (_, own, first, name) in enumerate(rows):
            pair = own.select(changed=changed)
            scores, base = (
                pair.select(network=network).values("test_accuracy") for network in (name, first)
            )
            axes.plot([100 * paired(scores, base).mean], [i], "o", color=COLORS["blue"])
            axes.plot(t_interval(100 * (scores - base)), [i, i], color=COLORS["blue"], lw=3)
        axes.axvline(0, color=COLORS["ink"], lw=1)
        axes.set_title(changed, fontsize=9)
    labels = [f"{task}: {name} against {first}" for task, _, first, name in rows]
    panels[0][0].set_yticks(range(len(rows)), labels, fontsize=7)
    panels[0][0].set_ylim(len(rows) - 0.5, -0.5)
    drawn.supxlabel("difference in test accuracy (percentage points)", fontsize=10)
    return drawn


STUDY = Study(
    measure,
    grid(ASKED),
    SEEDS,
    figure=figure,
    tune=TUNE,
    replicas=small_sets.AT_ONCE,
    quick={
        "grid": grid(
            [("activation", "200 MNIST", ("identity", "tanh")),
             ("dropout", "200 MNIST", ("16 units, p = 0.0", "16 units, p = 0.5"))],
            ("raw pixels", "PyTorch's initial weights"),
        ),
        "seeds": range(4),
        "tune": small_sets.quickly(TUNE),
    },
)  # fmt: skip
