"""Layers: each backward right under its forward.

One module for each kind: the protocol and the base class (`base`), fully connected (`dense`),
activation functions and PReLU (`activation`), batch and layer normalization (`normalization`),
dropout and alpha dropout (`dropout`), layers in a row (`sequence`) and the block around them
(`residual`).
"""

from course_lib.network.layers.activation import Activate, PReLU
from course_lib.network.layers.base import Layer
from course_lib.network.layers.dense import Dense
from course_lib.network.layers.dropout import AlphaDropout, Dropout
from course_lib.network.layers.normalization import BatchNorm, LayerNorm
from course_lib.network.layers.residual import Residual
from course_lib.network.layers.sequence import check_replicated, check_untied, walk

__all__ = [
    "Activate",
    "AlphaDropout",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Layer",
    "LayerNorm",
    "PReLU",
    "Residual",
    "check_replicated",
    "check_untied",
    "walk",
]
