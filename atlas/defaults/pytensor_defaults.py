"""PyTensor: a slope; it has no layers, optimizers or losses with smoothing."""

import numpy as np
import pytensor
import pytensor.tensor as pt

PACKAGES = ["pytensor==3.0.7"]
SETUP = "import pytensor\nimport pytensor.tensor as pt"


def absolute():
    """Return the slope of the absolute value at 0."""
    x = pt.dscalar("x")
    return {"y": np.asarray(pytensor.function([x], pytensor.grad(abs(x), x))(0.0))}
