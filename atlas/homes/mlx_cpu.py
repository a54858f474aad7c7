"""MLX on the CPU. Its functions are compiled one by one, by MLX itself.

What it has and the catalogue has not: `nn.step`. float64 is for the CPU alone, and there exp,
sin, erf, sigmoid and what is made of them are no better than float32.
"""

import math

import mlx.core as mx
import numpy as np
from mlx import nn

mx.set_default_device(mx.cpu)

PACKAGES = ["mlx==0.32.4", "mlx-cpu==0.32.4"]
SETUP = "import mlx.core as mx\nfrom mlx import nn\nmx.set_default_device(mx.cpu)"
DTYPES = {name: getattr(mx, name) for name in ("float16", "bfloat16", "float32", "float64")}
LINES = {
    "identity": ["nn.Identity()(x)"],
    "relu": ["nn.relu(x)", "nn.ReLU()(x)", "mx.maximum(x, 0)", "mx.maximum(0, x)"],
    "leaky_relu": ["nn.leaky_relu(x)", "nn.LeakyReLU()(x)"],
    "prelu": ["nn.PReLU()(x)", "nn.prelu(x, mx.array(0.25, x.dtype))"],
    "relu6": ["nn.relu6(x)", "nn.ReLU6()(x)", "mx.clip(x, 0, 6)"],
    "hard_tanh": ["nn.hard_tanh(x)", "nn.HardTanh()(x)", "mx.clip(x, -1, 1)"],
    "hard_shrink": ["nn.hard_shrink(x)", "nn.HardShrink()(x)"],
    "soft_shrink": ["nn.softshrink(x)", "nn.Softshrink()(x)"],
    "squared_relu": ["nn.relu2(x)", "nn.ReLU2()(x)"],
    "hard_swish": ["nn.hardswish(x)", "nn.Hardswish()(x)"],
    "sigmoid": ["nn.sigmoid(x)", "nn.Sigmoid()(x)", "mx.sigmoid(x)"],
    "log_sigmoid": ["nn.log_sigmoid(x)", "nn.LogSigmoid()(x)", "mx.log(mx.sigmoid(x))"],
    "tanh": ["nn.tanh(x)", "nn.Tanh()(x)"],
    "softsign": ["nn.softsign(x)", "nn.Softsign()(x)"],
    "softplus": ["nn.softplus(x)", "nn.Softplus()(x)"],
    "elu": ["nn.elu(x)", "nn.ELU()(x)"],
    "celu": ["nn.celu(x)", "nn.CELU()(x)"],
    "selu": ["nn.selu(x)", "nn.SELU()(x)"],
    "gelu": ["nn.gelu(x)", "nn.GELU()(x)"],
    "gelu_tanh": ["nn.gelu_approx(x)", 'nn.GELU(approx="tanh")(x)'],
    "quick_gelu": ["nn.gelu_fast_approx(x)", 'nn.GELU(approx="fast")(x)'],
    "silu": ["nn.silu(x)", "nn.SiLU()(x)", "x * mx.sigmoid(x)"],
    "mish": ["nn.mish(x)", "nn.Mish()(x)"],
    "sine": ["mx.sin(x)"],
    "gaussian": ["mx.exp(-mx.square(x))"],
    "exponential": ["mx.exp(x)"],
    "softmax": ["nn.softmax(x)", "nn.Softmax()(x)", "mx.softmax(x, axis=-1)"],
    "softmin": ["nn.softmin(x)", "nn.Softmin()(x)"],
    "log_softmax": ["nn.log_softmax(x)", "nn.LogSoftmax()(x)", "mx.log(nn.softmax(x))"],
    "logsumexp": ["mx.logsumexp(x, axis=-1)"],
    "glu": ["nn.glu(x)", "nn.GLU()(x)"],
}


def array(x, dtype):
    """Return numbers as this home takes them, and see that it does not round them."""
    found = mx.array(x, dtype=DTYPES[dtype])
    np.testing.assert_array_equal(numbers(found), x)
    return found


def numbers(y):
    """Return what it answers as float64."""
    return np.array(y.astype(mx.float64), dtype=np.float64)


def run(line, x):
    """Return what a line answers."""
    return eval(line, {"mx": mx, "nn": nn, "math": math, "x": x})


def values(line, x, dtype):
    """Return the values of a line."""
    return numbers(run(line, array(x, dtype)))


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""

    def total(x):
        y = run(line, x)
        return (y[..., 0] if x.ndim > 1 and y.ndim == x.ndim else y).sum()

    return numbers(mx.grad(total)(array(x, dtype)))
