"""The network in Keras on tensorflow."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

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

PACKAGES = ["keras==3.15.1", "tensorflow==2.21.0"]
__all__ = [
    "SETUP", "adam", "batch_norm", "dense", "dropped", "gradients", "gru", "logits", "train",
]  # fmt: skip
