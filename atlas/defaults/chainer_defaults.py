"""Chainer: links and their initial weights, dropout, optimizers."""

import chainer
import chainer.functions as F
import chainer.links as L
import numpy as np

PACKAGES = ["chainer==7.8.1", "numpy==1.23.5"]
SETUP = "import chainer\nimport chainer.functions as F\nimport chainer.links as L"


def dense(fan_in, fan_out):
    """Return initial weights."""
    np.random.seed(0)  # noqa: NPY002 (Chainer draws from it)
    return {"w": L.Linear(fan_in, fan_out).W.array.T}


def he_normal(fan_in, fan_out):
    """Return weights of the initializer that bears the name."""
    np.random.seed(0)  # noqa: NPY002 (Chainer draws from it)
    return {"w": L.Linear(fan_in, fan_out, initialW=chainer.initializers.HeNormal()).W.array.T}


def twice():
    """Return the weights of two layers that share an initializer."""
    one = chainer.initializers.HeNormal()
    return {"y": np.stack([L.Linear(3, 3, initialW=one).W.array for _ in range(2)])}


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones."""
    if dtype == "bfloat16":
        raise NotImplementedError("no bfloat16")
    np.random.seed(0)  # noqa: NPY002 (Chainer draws from it)
    with chainer.using_config("train", training):
        return {"y": F.dropout(np.ones(n, dtype), rate).array}


def stepped(tool, value, gradient):
    """Return a parameter after one step."""
    link = chainer.Link()
    with link.init_scope():
        link.p = chainer.Parameter(value)
    tool.setup(link)
    link.p.grad = gradient
    tool.update()
    return link.p.array.astype(np.float64)


def adam(gradients, dtype="float32"):
    """Return how far the first step goes for each gradient."""
    given = gradients.astype(dtype)
    return {"y": -stepped(chainer.optimizers.Adam(1.0), np.zeros_like(given), given)}


def descent(gradients):
    """Return how far a step of plain gradient descent with learning rate 1 goes for each."""
    given = np.float32(gradients)
    return {"y": -stepped(chainer.optimizers.SGD(1.0), np.zeros_like(given), given)}


def decay():
    """Return what AdamW leaves of 1 with learning rate 0.5 and gradient 0."""
    none, one = np.zeros(1, np.float32), np.ones(1, np.float32)
    return {"y": stepped(chainer.optimizers.AdamW(0.5), one, none)}


def absolute():
    """Return the slope of the absolute value at 0."""
    x = chainer.Variable(np.zeros(1, np.float32))
    F.absolute(x).backward()
    return {"y": x.grad}
