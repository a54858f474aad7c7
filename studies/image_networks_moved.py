"""Which activation leads on moved images, on which a linear classifier fails?

Digits and clothes of `image_networks_varied`, each moved by up to three pixels, with all four
activations, raw pixels, PyTorch's initial weights and four convolutions, for 350 steps.
"""

from image_networks import SEEDS
from image_networks_varied import figure, measure
from study import Study

from course_lib.experiments.sweeping import configurations


def settings(names, lowest, **changed):
    """Return the configurations of some activations, with four learning rates."""
    usual = {
        "images": ["MNIST"], "moved": [True], "pixels": ["standardized"],
        "normalization": ["none"], "initialization": ["suited"], "layers": [2], "steps": [350],
    }  # fmt: skip
    tried = {"activation": names, "learning_rate": [lowest * 2**i for i in range(4)]}
    return configurations(usual | changed | tried)


TWO = ["relu", "tanh"]
GRID = [
    *settings(["relu", "gelu", "tanh"], 0.01),
    *settings(["sigmoid"], 0.04),
    *settings(TWO, 0.02, initialization=["pytorch"]),
    *settings(TWO, 0.02, pixels=["raw"]),
    *settings(TWO, 0.01, images=["Fashion-MNIST"]),
    *settings(TWO, 0.005, layers=[4]),
]

STUDY = Study(
    measure,
    GRID,
    SEEDS,
    figure=figure,
    replicas=16,
    quick={"grid": settings(TWO, 0.01, steps=[60]), "seeds": range(4)},
)
