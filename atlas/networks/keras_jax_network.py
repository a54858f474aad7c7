"""The network in Keras on jax."""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"  # otherwise float64 would be float32

import _keras as home

PACKAGES = ["keras==3.15.1", "jax==0.10.2"]
SETUP = home.SETUP
