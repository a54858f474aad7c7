"""Keras on torch."""

from keras_torch import PACKAGES  # isort: skip, chooses the backend
from _keras_layers import MODES, answer

__all__ = ["MODES", "PACKAGES", "answer"]
