"""Keras 3 on TensorFlow; what it says of Keras stands in `_keras`."""

import _keras
import tensorflow as tf
from _keras import LINES, SETUP, values

PACKAGES = ["keras==3.15.1", "tensorflow==2.21.0"]
SETUP = f'import os\nos.environ["KERAS_BACKEND"] = "tensorflow"\n{SETUP}'
DTYPES = {name: name for name in _keras.NAMES}

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]
_keras.load("tensorflow")


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    x = _keras.array(x, dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = _keras.first(_keras.run(line, x), x)
    return _keras.numbers(tape.gradient(y, x))
