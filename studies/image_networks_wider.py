"""Do sigmoid, more steps, layers and learning rates change what `image_networks_moved` found?

Records that `image_networks_moved` and `image_networks_varied` lack, in their settings and with
their networks, images and seeds: sigmoid in all of these settings, GELU on moved clothes, larger
learning rates with four convolutions, networks of three, and 700 steps for tanh on raw pixels,
which does not arrive in 350.
"""

from image_networks import SEEDS
from image_networks_moved import TWO
from image_networks_varied import figure, measure
from study import Study

from course_lib.experiments.sweeping import configurations


def settings(names, rates, **changed):
    """Return the configurations of some activations with some learning rates."""
    usual = {
        "images": ["MNIST"], "moved": [True], "pixels": ["standardized"],
        "normalization": ["none"], "initialization": ["suited"], "layers": [2], "steps": [350],
    }  # fmt: skip
    return configurations(usual | changed | {"activation": names, "learning_rate": rates})


def rates(lowest, count=4):
    """Return learning rates, a factor of two between neighbors."""
    return [lowest * 2**i for i in range(count)]


GRID = [
    *settings(TWO, rates(0.08, 2), layers=[4]),
    *settings(TWO, rates(0.01), layers=[3]),
    *settings(["tanh"], rates(0.02), pixels=["raw"], steps=[700]),
    *settings(["sigmoid"], rates(0.04), images=["Fashion-MNIST"]),
    *settings(["sigmoid"], rates(0.04, 5), steps=[700], normalization=["none", "batch"]),
    *settings(["sigmoid"], rates(0.03), pixels=["raw"]),
    *settings(["sigmoid"], rates(0.04), initialization=["pytorch"]),
    *settings(["sigmoid"], rates(0.02, 5), layers=[3, 4]),
    *settings(["gelu"], rates(0.01), images=["Fashion-MNIST"]),
]

STUDY = Study(
    measure,
    GRID,
    SEEDS,
    figure=figure,
    replicas=16,
    quick={"grid": settings(["sigmoid"], rates(0.08, 2), steps=[60]), "seeds": range(4)},
)
