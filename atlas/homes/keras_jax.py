"""Keras 3 on JAX; what it says of Keras stands in `_keras`.

JAX computes in float32 where float64 is asked for, unless told otherwise: the probe tells it.
"""

import _keras
import jax
from _keras import LINES, SETUP, values

PACKAGES = ["keras==3.15.1", "jax==0.10.2"]
SETUP = f'import os\nos.environ["KERAS_BACKEND"] = "jax"\n{SETUP}'
DTYPES = {name: name for name in _keras.NAMES}

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]
jax.config.update("jax_enable_x64", True)
_keras.load("jax")


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    gradient = jax.grad(lambda x: _keras.first(_keras.run(line, x), x).sum())
    return _keras.numbers(gradient(_keras.array(x, dtype)))
