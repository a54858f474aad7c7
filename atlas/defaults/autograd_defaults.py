"""autograd: its optimizer, and a slope."""

import autograd.numpy as np
from autograd import grad
from autograd.misc.optimizers import adam as optimized
from autograd.misc.optimizers import sgd as descended

PACKAGES = ["autograd==1.9.1"]
SETUP = "import autograd.numpy as np\nfrom autograd import grad\n"
SETUP += "from autograd.misc.optimizers import adam"


def adam(gradients, dtype="float32"):
    """Return how far the first step goes for each gradient."""
    given = gradients.astype(dtype)
    start = np.zeros_like(given)
    return {"y": -optimized(lambda x, i: given, start, num_iters=1, step_size=1.0)}


def descent(gradients):
    """Return how far a step of plain gradient descent with learning rate 1 goes for each."""
    return {"y": -descended(lambda x, i: gradients, 0 * gradients, num_iters=1, step_size=1.0)}


def absolute():
    """Return the slope of the absolute value at 0."""
    return {"y": np.array(grad(np.abs)(0.0))}
