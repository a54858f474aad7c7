"""Keras on jax."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import _keras_defaults as home

PACKAGES = ["keras==3.15.1", "jax==0.10.2"]
SETUP = home.SETUP
