"""What has tanh that ReLU lacks, in recurrent networks on first names?

In the LSTM, functions with and without a sign, bounds and a flat half stand in the place of both
tanh, that of the candidate and that of the output. In the plain network tanh and ReLU are compared
with 16, 32 and 64 units. Both comparisons are made after two epochs and after five. Networks,
names, seeds and the tuning of Adam's learning rate are those of `name_models`.
"""

from name_models import BASE, QUICK_TUNE, SEEDS, TUNE, figure, measure
from study import Study

from course_lib.experiments.sweeping import configurations

LSTMS = [
    "LSTM", "LSTM, hard tanh", "LSTM, z", "LSTM, |z|", "LSTM, 0 to 1", "LSTM, softplus",
    "LSTM, ReLU",
]  # fmt: skip
PLAIN = ["tanh, 16", "ReLU, 16", "tanh, 32", "ReLU, 32", "tanh", "ReLU"]
GRID = [
    *configurations(BASE | {"network": [*LSTMS, *PLAIN], "epochs": [2, 5]}),
    *configurations(BASE | {"network": ["GRU", "GRU, hard tanh"]}),
]

STUDY = Study(
    measure,
    GRID,
    SEEDS,
    figure=figure,
    tune=TUNE,
    replicas=16,
    quick={
        "grid": BASE | {"network": ["LSTM", "LSTM, z", "tanh, 16"], "epochs": [1]},
        "seeds": range(4),
        "tune": QUICK_TUNE,
    },
)
