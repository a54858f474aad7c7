"""Keras 3 on PyTorch; what it says of Keras stands in `_keras`."""

import _keras
from _keras import LINES, SETUP

PACKAGES = ["keras==3.15.1", "torch==2.13.0"]
SETUP = f'import os\nos.environ["KERAS_BACKEND"] = "torch"\n{SETUP}'
DTYPES = {name: name for name in _keras.NAMES}

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]
_keras.load("torch")


def values(line, x, dtype):
    """Return the values of a line."""
    return _keras.run(line, _keras.array(x, dtype)).detach().double().numpy()


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    leaf = _keras.array(x, dtype).requires_grad_()
    _keras.first(_keras.run(line, leaf), leaf).sum().backward()
    return leaf.grad.double().numpy()
