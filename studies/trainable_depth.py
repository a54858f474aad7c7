"""To which depth does a network still train, and does mean-field theory tell it beforehand?

The question is that of Schoenholz and others (2017). tanh networks of many depths and weight
variances: for each of them a learning rate is tuned on validation data with seeds of its own; then
sixteen networks are trained with it and tested. What is run stands in the specification
``trainable-depth``, which `python -m course_lib sweep` takes as well. Some of the deepest networks
train a second time, with twice the epochs.
"""

from dataclasses import replace

import numpy as np
from deep_networks import mean_with_interval
from study import Study

from course_lib.experiments.spec import read_spec
from course_lib.meanfield import critical_weight_variance

SPEC = read_spec("trainable-depth")
EPOCHS, BIAS_VARIANCE = (SPEC.grid[0][name] for name in ("epochs", "bias_variance"))


def figure(records):
    """Draw the accuracy over the weight variance, a line for each depth."""
    from course_lib import plots

    results = records.select(phase="result", epochs=min(records.distinct("epochs")))
    variances = np.square(results.distinct("gain"))
    reached = results.array("test_accuracy", "depth", "gain")
    series = {
        f"{depth} layers": mean_with_interval(scores)
        for depth, scores in zip(results.distinct("depth"), reached, strict=True)
    }
    figure = plots.bands(
        variances, series, xlabel="weight variance times fan-in", ylabel="test accuracy"
    )
    critical = critical_weight_variance("tanh", bias_variance=BIAS_VARIANCE)
    figure.axes[0].axvline(critical, color=plots.COLORS["gray"], ls="--")
    return figure


STUDY = Study(
    SPEC.function,
    SPEC.grid,
    SPEC.seeds,
    figure=figure,
    tune=SPEC.tune,
    replicas=SPEC.replicas,
    quick={
        "grid": [
            own
            for own in SPEC.grid
            if own["epochs"] == EPOCHS
            and own["depth"] in (2, 16)
            and own["gain"] in (0.5, 1.0, 2.0)
        ],
        "seeds": range(8),
        "tune": replace(SPEC.tune, finer=False, widen=0),
    },
)
