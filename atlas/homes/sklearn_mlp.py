"""scikit-learn: the activations of its multilayer perceptrons, and their derivatives.

Both work in place: an activation overwrites its input, a derivative takes the outputs and the
gradient, and overwrites the gradient. "exp" and "softmax" are for the last layer alone, whose
gradient is that of the loss. A perceptron computes in float32 or float64.
"""

import numpy as np
from sklearn.neural_network._base import ACTIVATIONS, DERIVATIVES

PACKAGES = ["scikit-learn==1.9.1"]
SETUP = (
    "from sklearn.neural_network._base import ACTIVATIONS, DERIVATIVES\n"
    "# MLPClassifier(activation=...) calls ACTIVATIONS[...](x), which overwrites x"
)
DTYPES = {name: getattr(np, name) for name in ("float32", "float64")}
LINES = {
    "identity": ['ACTIVATIONS["identity"](x)'],
    "relu": ['ACTIVATIONS["relu"](x)'],
    "sigmoid": ['ACTIVATIONS["logistic"](x)'],
    "tanh": ['ACTIVATIONS["tanh"](x)'],
    "exponential": ['ACTIVATIONS["exp"](x)'],
    "softmax": ['ACTIVATIONS["softmax"](x)'],
}


def outputs(line, x, dtype):
    """Return what a line leaves where its input stood."""
    x = x.astype(dtype)
    with np.errstate(all="ignore"):
        eval(line, {"ACTIVATIONS": ACTIVATIONS, "x": x})
    return x


def values(line, x, dtype):
    """Return the values of a line."""
    return outputs(line, x, dtype).astype(np.float64)


def slopes(line, x, dtype):
    """Return what the derivative of the same name makes of ones."""
    name = line.split('"')[1]
    if name not in DERIVATIVES:
        raise NotImplementedError("computes no gradients")
    y = outputs(line, x, dtype)
    dy = np.ones_like(y)
    with np.errstate(all="ignore"):
        DERIVATIVES[name](y, dy)
    return dy.astype(np.float64)
