"""Keras on torch."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import _keras_defaults as home

PACKAGES = ["keras==3.15.1", "torch==2.13.0"]
SETUP = home.SETUP
