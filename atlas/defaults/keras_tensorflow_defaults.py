"""Keras on tensorflow."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

import _keras_defaults as home

PACKAGES = ["keras==3.15.1", "tensorflow==2.21.0"]
SETUP = home.SETUP
