"""The network in Keras on jax."""

import os

os.environ["KERAS_BACKEND"] = "jax"

from _keras import (
    SETUP,
    adam,
    batch_norm,
    dense,
    dropped,
    gradients,
    gru,
    logits,
    train,
)

PACKAGES = ["keras==3.15.1", "jax==0.10.2"]
__all__ = [
    "SETUP", "adam", "batch_norm", "dense", "dropped", "gradients", "gru", "logits", "train",
]  # fmt: skip
