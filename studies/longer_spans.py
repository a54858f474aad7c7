"""Is an LSTM ahead of a tanh network over 60 steps, once its input gates start nearly shut?

`long_spans` found that an open forget gate is enough for 20 steps, and not for 60: with input
gates half open, all that comes in adds up in the cell. Here they start nearly shut, as Tallec and
Ollivier (2018) begin; beside them tanh networks, and a GRU, whose one gate does both. At two
budgets and in two codings.
"""

from dataclasses import replace

import long_spans
from study import Study

from course_lib.experiments.sweeping import configurations

COMPARED = ["tanh", "tanh, orthogonal", "LSTM, 4 and -4"]
BASE = {
    "start": ["LSTM, 4 and -4", "GRU, 4"], "span": [60], "steps": [300], "coding": ["one-hot"],
}  # fmt: skip
GRID = [
    *configurations(BASE),
    *configurations(BASE | {"start": COMPARED, "steps": [600]}),
    *configurations(BASE | {"start": COMPARED, "coding": ["standardized"]}),
]

STUDY = Study(
    long_spans.measure,
    GRID,
    long_spans.SEEDS,
    figure=long_spans.figure,
    tune=long_spans.TUNE,
    replicas=16,
    quick={
        "grid": BASE,
        "seeds": range(4),
        "tune": replace(long_spans.TUNE, seeds=range(10_000, 10_003), widen=0, finer=False),
    },
)
