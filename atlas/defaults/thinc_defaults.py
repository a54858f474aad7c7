"""thinc: layers and their initial weights, dropout, optimizers and smoothed targets."""

import numpy as np
from thinc.api import SGD, Adam, Dropout, Linear, fix_random_seed, to_categorical

PACKAGES = ["thinc==9.1.1"]
SETUP = "from thinc.api import Adam, Dropout, Linear, to_categorical"


def dense(fan_in, fan_out):
    """Return initial weights."""
    fix_random_seed(0)
    return {"w": Linear(fan_out, fan_in).initialize().get_param("W").T}


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones."""
    if dtype not in ("float32", "float64"):
        raise NotImplementedError("no bfloat16")
    fix_random_seed(0)
    made = Dropout(rate).initialize()
    return {"y": made(np.ones((n, 1), dtype), is_train=training)[0]}


def adam(gradients, dtype="float32"):
    """Return how far the first step goes for each gradient."""
    given = gradients.astype(dtype)
    after, _ = Adam(1.0)((1, "p"), np.zeros_like(given), given)
    return {"y": -after}


def descent(gradients):
    """Return how far a step of plain gradient descent with learning rate 1 goes for each.

    Gradients of a norm above 1 are made as short as that, unless `grad_clip` says otherwise.
    """
    given = np.float32(gradients)
    after, _ = SGD(1.0)((1, "p"), np.zeros_like(given), given)
    return {"y": -after}


def smoothed(logits, rate):
    """Return the target of class 0."""
    return {"target": to_categorical(np.array([0]), len(logits), label_smoothing=rate)}
