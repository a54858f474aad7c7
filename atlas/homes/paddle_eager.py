"""Paddle on the CPU, step by step.

What it has and the catalogue has not here: `F.swiglu`, `F.gumbel_softmax`, `nn.Softmax2D`, and a
`F.thresholded_relu` that cuts at 1 unless told otherwise. Most kernels for the CPU have neither
float16 nor bfloat16. Its softmax cuts differences from the largest at -64, so that no probability
is below 1.6e-28 and no logarithm of one below -64. `nn.PReLU` has weights of float32 and refuses
float64.

Where a number stands in its vector decides last bits of exp and what is made of it (sigmoid,
softplus, silu, the slope of celu): up to 14 of 999 float32 numbers differ when the vector is
shifted or turned around.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

PACKAGES = ["paddlepaddle==3.3.1"]
SETUP = "import paddle\nfrom paddle import nn\nfrom paddle.nn import functional as F"
DTYPES = {name: name for name in ("float16", "bfloat16", "float32", "float64")}
LINES = {
    "identity": ["nn.Identity()(x)"],
    "relu": [
        "F.relu(x)",
        "nn.ReLU()(x)",
        "paddle.maximum(x, paddle.zeros_like(x))",
        "paddle.clip(x, min=0)",
    ],
    "leaky_relu": ["F.leaky_relu(x)", "nn.LeakyReLU()(x)"],
    "prelu": ["F.prelu(x, paddle.full([1], 0.25, x.dtype))", "nn.PReLU()(x)"],
    "rrelu": ["F.rrelu(x)", "F.rrelu(x, training=False)"],
    "threshold": ["F.thresholded_relu(x)", "F.thresholded_relu(x, threshold=0)"],
    "relu6": ["F.relu6(x)", "nn.ReLU6()(x)", "paddle.clip(x, 0, 6)"],
    "hard_tanh": ["F.hardtanh(x)", "nn.Hardtanh()(x)", "paddle.clip(x, -1, 1)"],
    "hard_sigmoid": ["F.hardsigmoid(x)", "nn.Hardsigmoid()(x)"],
    "hard_shrink": ["F.hardshrink(x)", "nn.Hardshrink()(x)"],
    "soft_shrink": ["F.softshrink(x)", "nn.Softshrink()(x)"],
    "hard_swish": ["F.hardswish(x)", "nn.Hardswish()(x)"],
    "sigmoid": ["F.sigmoid(x)", "nn.Sigmoid()(x)"],
    "log_sigmoid": ["F.log_sigmoid(x)", "nn.LogSigmoid()(x)", "paddle.log(F.sigmoid(x))"],
    "tanh": ["F.tanh(x)", "nn.Tanh()(x)"],
    "softsign": ["F.softsign(x)", "nn.Softsign()(x)"],
    "tanh_shrink": ["F.tanhshrink(x)", "nn.Tanhshrink()(x)"],
    "softplus": ["F.softplus(x)", "nn.Softplus()(x)"],
    "elu": ["F.elu(x)", "nn.ELU()(x)"],
    "celu": ["F.celu(x)", "nn.CELU()(x)"],
    "selu": ["F.selu(x)", "nn.SELU()(x)"],
    "gelu": ["F.gelu(x)", "nn.GELU()(x)"],
    "gelu_tanh": ["F.gelu(x, approximate=True)", "nn.GELU(approximate=True)(x)"],
    "silu": ["F.silu(x)", "nn.Silu()(x)", "x * F.sigmoid(x)"],
    "swish": ["F.swish(x)", "nn.Swish()(x)"],
    "mish": ["F.mish(x)", "nn.Mish()(x)"],
    "sine": ["paddle.sin(x)"],
    "gaussian": ["paddle.exp(-paddle.square(x))"],
    "exponential": ["paddle.exp(x)"],
    "softmax": ["F.softmax(x)", "nn.Softmax()(x)"],
    "log_softmax": ["F.log_softmax(x)", "nn.LogSoftmax()(x)", "paddle.log(F.softmax(x))"],
    "logsumexp": ["paddle.logsumexp(x, axis=-1)"],
    "maxout": ["F.maxout(x[:, :, None, None], groups=2)[:, :, 0, 0]"],
    "glu": ["F.glu(x)", "nn.GLU()(x)"],
}


def array(x, dtype):
    """Return numbers as this home takes them."""
    return paddle.to_tensor(x, dtype="float64").astype(dtype)


def numbers(y):
    """Return what it answers as float64."""
    return y.detach().astype("float64").numpy()


def run(line, x):
    """Return what a line answers."""
    return eval(line, {"paddle": paddle, "nn": nn, "F": F, "x": x})


def values(line, x, dtype):
    """Return the values of a line."""
    with paddle.no_grad():
        return numbers(run(line, array(x, dtype)))


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    leaf = array(x, dtype)
    leaf.stop_gradient = False
    y = run(line, leaf)
    (y[..., 0] if len(x.shape) > 1 and len(y.shape) == len(x.shape) else y).sum().backward()
    return numbers(leaf.grad)
