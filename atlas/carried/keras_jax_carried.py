"""Keras on jax."""

from keras_jax import PACKAGES  # isort: skip, chooses the backend
from _keras_layers import MODES, answer

__all__ = ["MODES", "PACKAGES", "answer"]
