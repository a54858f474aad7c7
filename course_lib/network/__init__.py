r"""Layers, losses, initialization and the network: forward and backward.

Inputs are rows: a batch has shape ``(..., batch, features)``, a weight ``(..., in_features,
out_features)``, a bias ``(..., 1, out_features)``. The leading axes are *replicas*: the same lines
of code compute one network, or 64 of them that differ in their seeds, because ``@`` broadcasts over
what stands in front. A loss reduces over batch and features and never over replicas.

The modules of this package: `course_lib.network.layers`, `course_lib.network.losses`,
`course_lib.network.likelihoods` (more losses), `course_lib.network.loss_parts` (what losses share),
`course_lib.network.model` (the network), `course_lib.network.initialization`,
`course_lib.network.gains` (the gain of an activation), `course_lib.network.building` (the
multilayer perceptron), `course_lib.network.recurrent` (steps of LSTM and GRU) and
`course_lib.network.seeds`. All their public names are here too::

    from course_lib.network import Dense, cross_entropy, mlp
"""

from course_lib.network.building import mlp
from course_lib.network.initialization import INITIALIZERS, initialize, lsuv
from course_lib.network.layers import (
    Activate,
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    LayerNorm,
    PReLU,
    Residual,
)
from course_lib.network.likelihoods import (
    gaussian_nll,
    gaussian_nll_grad,
    poisson_nll,
    poisson_nll_grad,
)
from course_lib.network.losses import (
    LOSSES,
    Loss,
    binary_cross_entropy,
    binary_cross_entropy_grad,
    cross_entropy,
    cross_entropy_grad,
    get_loss,
    mean_squared_error,
    mean_squared_error_grad,
)
from course_lib.network.model import Network
from course_lib.network.recurrent import RecurrentWeights, gru_step, lstm_step
from course_lib.network.seeds import as_seeds, stream

__all__ = [
    "INITIALIZERS",
    "LOSSES",
    "Activate",
    "AlphaDropout",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Layer",
    "LayerNorm",
    "Loss",
    "Network",
    "PReLU",
    "RecurrentWeights",
    "Residual",
    "as_seeds",
    "binary_cross_entropy",
    "binary_cross_entropy_grad",
    "cross_entropy",
    "cross_entropy_grad",
    "gaussian_nll",
    "gaussian_nll_grad",
    "get_loss",
    "gru_step",
    "initialize",
    "lstm_step",
    "lsuv",
    "mean_squared_error",
    "mean_squared_error_grad",
    "mlp",
    "poisson_nll",
    "poisson_nll_grad",
    "stream",
]
