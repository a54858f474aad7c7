"""MXNet: layers and their initial weights, dropout, optimizers."""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

PACKAGES = ["mxnet==1.9.1", "numpy==1.23.5"]
SETUP = "import mxnet as mx\nfrom mxnet import autograd, gluon"


def weights(fan_in, fan_out, *initializer):
    """Return the initial weights of a layer."""
    mx.random.seed(0)
    layer = gluon.nn.Dense(fan_out, in_units=fan_in)
    layer.initialize(*initializer)
    return {"w": layer.weight.data().asnumpy().T}


def dense(fan_in, fan_out):
    """Return initial weights."""
    return weights(fan_in, fan_out)


def he_normal(fan_in, fan_out):
    """Return weights of the initializer that bears the name of the paper."""
    return weights(fan_in, fan_out, mx.init.MSRAPrelu())


def twice():
    """Return the weights of two layers that share an initializer."""
    one = mx.init.MSRAPrelu()
    layers = [gluon.nn.Dense(3, in_units=3) for _ in range(2)]
    for layer in layers:
        layer.initialize(one)
    return {"y": np.stack([layer.weight.data().asnumpy() for layer in layers])}


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones."""
    if dtype == "bfloat16":
        raise NotImplementedError("arrays have no bfloat16 by that name")
    mx.random.seed(0)
    layer = gluon.nn.Dropout(rate)
    with autograd.record(train_mode=training):
        return {"y": layer(mx.nd.ones(n, dtype=dtype)).asnumpy()}


def adam(gradients, dtype="float32"):
    """Return how far the first step goes for each gradient."""
    given = mx.nd.array(gradients, dtype=dtype)
    parameter, tool = mx.nd.zeros_like(given), mx.optimizer.Adam(learning_rate=1.0)
    tool.update(0, parameter, given, tool.create_state(0, parameter))
    return {"y": -parameter.asnumpy().astype("float64")}


def descent(gradients):
    """Return how far a step of plain gradient descent with learning rate 1 goes for each."""
    given = mx.nd.array(gradients)
    parameter, tool = mx.nd.zeros_like(given), mx.optimizer.SGD(learning_rate=1.0)
    tool.update(0, parameter, given, tool.create_state(0, parameter))
    return {"y": -parameter.asnumpy()}


def absolute():
    """Return the slope of the absolute value at 0."""
    x = mx.nd.zeros(1)
    x.attach_grad()
    with autograd.record():
        y = mx.nd.abs(x)
    y.backward()
    return {"y": x.grad.asnumpy()}
