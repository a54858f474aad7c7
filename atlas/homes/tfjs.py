"""TensorFlow.js in Node.js, on its CPU backend: JavaScript's doubles, stored as float32.

Not in the catalogue: step, erf. It has no CELU, Hardtanh, Softshrink, Hardshrink, Softmin and GLU.
"""

import numpy as np
from _node import Program, array, text

PACKAGES = []
NPM = ["@tensorflow/tfjs@4.22.0"]
SETUP = 'import * as tf from "@tensorflow/tfjs";\nawait tf.setBackend("cpu");'
DTYPES = {"float32": "float32"}


def activation(name):
    """Return the layer of an activation that has a name only."""
    return f'tf.layers.activation({{ activation: "{name}" }}).apply(x)'


LINES = {
    "identity": ["tf.clone(x)", activation("linear")],
    "relu": ["tf.relu(x)", "tf.layers.reLU().apply(x)", "tf.maximum(x, 0)", "tf.maximum(0, x)"],
    "leaky_relu": [
        "tf.leakyRelu(x)",
        "tf.leakyRelu(x, 0.01)",
        "tf.layers.leakyReLU().apply(x)",
        "tf.layers.leakyReLU({ alpha: 0.01 }).apply(x)",
    ],
    "prelu": ["tf.prelu(x, tf.scalar(0.25))"],
    "threshold": [
        "tf.layers.thresholdedReLU().apply(x)",
        "tf.layers.thresholdedReLU({ theta: 0 }).apply(x)",
    ],
    "relu6": [
        "tf.relu6(x)",
        "tf.layers.reLU({ maxValue: 6 }).apply(x)",
        "tf.clipByValue(x, 0, 6)",
        activation("relu6"),
    ],
    "hard_tanh": ["tf.clipByValue(x, -1, 1)"],
    "hard_sigmoid": [activation("hardSigmoid")],
    "squared_relu": ["tf.square(tf.relu(x))"],
    "sigmoid": ["tf.sigmoid(x)", activation("sigmoid")],
    "log_sigmoid": ["tf.logSigmoid(x)", "tf.log(tf.sigmoid(x))"],
    "tanh": ["tf.tanh(x)", activation("tanh")],
    "softsign": [activation("softsign"), "tf.div(x, tf.add(1, tf.abs(x)))"],
    "tanh_shrink": ["tf.sub(x, tf.tanh(x))"],
    "softplus": ["tf.softplus(x)", activation("softplus"), "tf.log1p(tf.exp(x))"],
    "elu": ["tf.elu(x)", "tf.layers.elu().apply(x)", activation("elu")],
    "selu": ["tf.selu(x)", activation("selu")],
    "gelu": [activation("gelu")],
    "gelu_tanh": [activation("gelu_new")],
    "silu": [activation("swish"), "tf.mul(x, tf.sigmoid(x))"],
    "swish": [activation("swish")],
    "mish": [activation("mish"), "tf.mul(x, tf.tanh(tf.softplus(x)))"],
    "sine": ["tf.sin(x)"],
    "gaussian": ["tf.exp(tf.neg(tf.square(x)))"],
    "exponential": ["tf.exp(x)"],
    "softmax": ["tf.softmax(x)", "tf.layers.softmax().apply(x)", activation("softmax")],
    "softmin": ["tf.softmax(tf.neg(x))"],
    "log_softmax": ["tf.logSoftmax(x)", activation("logSoftmax"), "tf.log(tf.softmax(x))"],
    "logsumexp": ["tf.logSumExp(x, -1)"],
}
PROGRAM = Program("tfjs.mjs")


def asked(line, what, x):
    """Return what the program answers."""
    numbers = text(x.astype(np.float32))
    answer = PROGRAM.ask(line=line, what=what, numbers=numbers, shape=x.shape)
    return array(answer, np.float32).astype(np.float64)


def values(line, x, dtype):
    """Return the values of a line."""
    return asked(line, "values", x)


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    return asked(line, "slopes", x)
