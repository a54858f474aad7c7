"""Chainer, step by step; its last release is of 2022, and PyTorch's `autograd` grew from it.

Functions are NumPy with backward rules. `F.leaky_relu` has a slope of 0.2, `F.hard_sigmoid` one of
0.2, `F.clipped_relu` an end at 20, and `F.swish` wants its beta. It needs a NumPy before 1.24,
whose `bool` it still asks for; no bfloat16.
"""

import chainer
import chainer.functions as F
import chainer.links as L
import numpy as np

PACKAGES = ["chainer==7.8.1", "numpy==1.23.5"]
SETUP = (
    "import chainer\nimport chainer.functions as F\nimport chainer.links as L\nimport numpy as np"
)
DTYPES = {name: getattr(np, name) for name in ("float16", "float32", "float64")}
LINES = {
    "identity": ["F.identity(x)"],
    "relu": [
        "F.relu(x)",
        "F.maximum(x, x.xp.zeros_like(x.array))",
        "F.maximum(x.xp.zeros_like(x.array), x)",
        "F.clip(x, 0.0, float('inf'))",
    ],
    "leaky_relu": ["F.leaky_relu(x)"],
    "prelu": ["F.prelu(x, np.array(0.25, x.dtype))", "L.PReLU()(x)"],
    "rrelu": ["F.rrelu(x)", "F.rrelu(x, l=1 / 8, u=1 / 3)"],
    "relu6": ["F.relu6(x)", "F.clipped_relu(x, z=6.0)", "F.clip(x, 0.0, 6.0)"],
    "hard_tanh": ["F.clip(x, -1.0, 1.0)"],
    "hard_sigmoid": ["F.hard_sigmoid(x)"],
    "squared_relu": ["F.relu(x) ** 2"],
    "hard_swish": ["x * F.clip(x + 3, 0.0, 6.0) / 6"],
    "sigmoid": ["F.sigmoid(x)", "1 / (1 + F.exp(-x))"],
    "log_sigmoid": ["F.log(F.sigmoid(x))", "-F.softplus(-x)"],
    "tanh": ["F.tanh(x)"],
    "softsign": ["x / (1 + F.absolute(x))"],
    "tanh_shrink": ["x - F.tanh(x)"],
    "softplus": ["F.softplus(x)", "F.log1p(F.exp(x))", "F.log(1 + F.exp(x))"],
    "elu": ["F.elu(x)"],
    "selu": ["F.selu(x)"],
    "gelu": ["0.5 * x * (1 + F.erf(x / 2**0.5))", "x * F.ndtr(x)"],
    "silu": ["x * F.sigmoid(x)", "F.swish(x, np.ones(x.shape[1:], x.dtype))"],
    "swish": ["L.Swish(())(x)"],
    "mish": ["x * F.tanh(F.softplus(x))"],
    "sine": ["F.sin(x)"],
    "gaussian": ["F.exp(-F.square(x))"],
    "exponential": ["F.exp(x)"],
    "softmax": ["F.softmax(x)"],
    "log_softmax": ["F.log_softmax(x)", "F.log(F.softmax(x))"],
    "logsumexp": ["F.logsumexp(x, axis=-1)"],
    "maxout": ["F.maxout(x, 2)"],
}


def run(line, x):
    """Return what a line answers, in training mode, as these functions are by default."""
    return eval(line, {"chainer": chainer, "F": F, "L": L, "np": np, "x": x})


def values(line, x, dtype):
    """Return the values of a line."""
    with np.errstate(all="ignore"), chainer.using_config("train", False):
        return np.asarray(run(line, chainer.Variable(x.astype(dtype))).array, np.float64)


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    leaf = chainer.Variable(x.astype(dtype))
    with np.errstate(all="ignore"), chainer.using_config("train", False):
        y = run(line, leaf)
        F.sum(y[:, 0] if x.ndim > 1 and y.ndim == x.ndim else y).backward()
    return np.asarray(leaf.grad, np.float64)
