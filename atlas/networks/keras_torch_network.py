"""The network in Keras on torch."""

import os

os.environ["KERAS_BACKEND"] = "torch"

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

PACKAGES = ["keras==3.15.1", "torch==2.13.0"]
__all__ = [
    "SETUP", "adam", "batch_norm", "dense", "dropped", "gradients", "gru", "logits", "train",
]  # fmt: skip
