"""MXNet, step by step; the project was retired in 2023, its last release is of 2022.

`nd.LeakyReLU` has one `slope`, 0.25, for leaky ReLU and as the alpha of ELU alike. In `gluon`
LeakyReLU has no default slope, and Swish is `x * sigmoid(x)`. Arrays have no bfloat16 by that name.
It needs a NumPy before 1.24, whose `bool` it still asks for.
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

PACKAGES = ["mxnet==1.9.1", "numpy==1.23.5"]
SETUP = "import mxnet as mx\nfrom mxnet import autograd, gluon, nd\nfrom mxnet.gluon import nn"
DTYPES = {name: name for name in ("float16", "float32", "float64")}
LINES = {
    "relu": [
        "nd.relu(x)",
        'nd.Activation(x, act_type="relu")',
        "nd.maximum(x, 0)",
        "nd.maximum(0, x)",
        "nd.clip(x, 0, float('inf'))",
    ],
    "leaky_relu": ["nd.LeakyReLU(x)", "nn.LeakyReLU(0.01)(x)"],
    "prelu": [
        'nd.LeakyReLU(x, nd.full(1, 0.25, dtype=x.dtype), act_type="prelu")',
        "(made := nn.PReLU()).initialize() or made(x)",
    ],
    "rrelu": ['nd.LeakyReLU(x, act_type="rrelu")[0]'],
    "relu6": ["nd.clip(x, 0, 6)", "nd.minimum(nd.maximum(x, 0), 6)"],
    "hard_tanh": ["nd.clip(x, -1, 1)"],
    "hard_sigmoid": ["nd.hard_sigmoid(x)", "nd.hard_sigmoid(x, alpha=1 / 6)"],
    "squared_relu": ["nd.relu(x) ** 2"],
    "hard_swish": ["x * nd.clip(x + 3, 0, 6) / 6"],
    "sigmoid": [
        "nd.sigmoid(x)", 'nd.Activation(x, act_type="sigmoid")', "1 / (1 + nd.exp(-x))",
    ],
    "log_sigmoid": ["nd.log(nd.sigmoid(x))", '-nd.Activation(-x, act_type="softrelu")'],
    "tanh": ["nd.tanh(x)", 'nd.Activation(x, act_type="tanh")'],
    "softsign": ["nd.softsign(x)", "x / (1 + nd.abs(x))"],
    "tanh_shrink": ["x - nd.tanh(x)"],
    "softplus": [
        'nd.Activation(x, act_type="softrelu")', "nd.log1p(nd.exp(x))", "nd.log(1 + nd.exp(x))",
    ],
    "elu": [
        'nd.LeakyReLU(x, act_type="elu")', "nn.ELU()(x)",
        "nd.where(x > 0, x, nd.expm1(x))",
    ],
    "selu": ['nd.LeakyReLU(x, act_type="selu")', "nn.SELU()(x)"],
    "gelu": ['nd.LeakyReLU(x, act_type="gelu")', "nn.GELU()(x)"],
    "silu": ["nn.Swish()(x)", "x * nd.sigmoid(x)"],
    "swish": ["nn.Swish()(x)"],
    "mish": ['x * nd.tanh(nd.Activation(x, act_type="softrelu"))'],
    "sine": ["nd.sin(x)"],
    "gaussian": ["nd.exp(-nd.square(x))"],
    "exponential": ["nd.exp(x)"],
    "softmax": ["nd.softmax(x)", "nd.SoftmaxActivation(x)"],
    "softmin": ["nd.softmin(x)"],
    "log_softmax": ["nd.log_softmax(x)", "nd.log(nd.softmax(x))"],
    "logsumexp": ["nd.log(nd.sum(nd.exp(x), axis=-1))"],
}  # fmt: skip


def run(line, x):
    """Return what a line answers."""
    return eval(line, {"mx": mx, "nd": nd, "nn": nn, "gluon": gluon, "x": x})


def values(line, x, dtype):
    """Return the values of a line."""
    return run(line, nd.array(x, dtype=dtype)).asnumpy().astype(np.float64)


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    if "rrelu" in line:
        raise NotImplementedError("this gradient ends the program")
    leaf = nd.array(x, dtype=dtype)
    leaf.attach_grad()
    with autograd.record():
        y = run(line, leaf)
        total = y[:, 0] if len(x.shape) > 1 and len(y.shape) == len(x.shape) else y
    total.backward()
    return leaf.grad.asnumpy().astype(np.float64)
