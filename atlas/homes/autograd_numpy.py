"""autograd (HIPS): NumPy's own functions and SciPy's specials, differentiated.

It names few activations: `expit`, `tanh`, `erf` and `logsumexp`; the others are the spellings of
its users. No bfloat16. NumPy computes tanh, exp and others with vector instructions chosen by the
processor.
"""

import autograd.numpy as np
import numpy
from autograd import grad
from autograd.scipy.special import erf, expit, logsumexp

PACKAGES = ["autograd==1.9.1", "scipy==1.17.1"]
SETUP = (
    "import autograd.numpy as np\nfrom autograd import grad\n"
    "from autograd.scipy.special import erf, expit, logsumexp"
)
DTYPES = {name: getattr(numpy, name) for name in ("float16", "float32", "float64")}
LINES = {
    "relu": [
        "np.maximum(x, 0)",
        "np.maximum(0, x)",
        "np.clip(x, 0, np.inf)",
        "np.where(x > 0, x, 0)",
        "x * (x > 0)",
    ],
    "leaky_relu": ["np.where(x > 0, x, 0.01 * x)", "np.maximum(x, 0.01 * x)"],
    "prelu": ["np.where(x > 0, x, 0.25 * x)"],
    "relu6": ["np.clip(x, 0, 6)", "np.minimum(np.maximum(x, 0), 6)"],
    "hard_tanh": ["np.clip(x, -1, 1)"],
    "hard_sigmoid": ["np.clip(x / 6 + 0.5, 0, 1)"],
    "squared_relu": ["np.maximum(x, 0) ** 2"],
    "hard_swish": ["x * np.clip(x + 3, 0, 6) / 6"],
    "sigmoid": ["expit(x)", "1 / (1 + np.exp(-x))", "0.5 * (np.tanh(x / 2) + 1)"],
    "log_sigmoid": ["np.log(expit(x))", "-np.logaddexp(0, -x)"],
    "tanh": ["np.tanh(x)"],
    "softsign": ["x / (1 + np.abs(x))"],
    "tanh_shrink": ["x - np.tanh(x)"],
    "softplus": ["np.logaddexp(x, 0)", "np.log1p(np.exp(x))", "np.log(1 + np.exp(x))"],
    "elu": ["np.where(x > 0, x, np.expm1(x))", "np.where(x > 0, x, np.exp(x) - 1)"],
    "gelu": ["x / 2 * (1 + erf(x / 2**0.5))"],
    "quick_gelu": ["x * expit(1.702 * x)"],
    "silu": ["x * expit(x)", "x / (1 + np.exp(-x))"],
    "mish": ["x * np.tanh(np.logaddexp(x, 0))"],
    "sine": ["np.sin(x)"],
    "gaussian": ["np.exp(-(x**2))"],
    "exponential": ["np.exp(x)"],
    "softmax": [
        "np.exp(x - logsumexp(x, axis=-1, keepdims=True))",
        "np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)",
    ],
    "log_softmax": ["x - logsumexp(x, axis=-1, keepdims=True)"],
    "logsumexp": ["logsumexp(x, axis=-1)", "np.log(np.sum(np.exp(x), axis=-1))"],
}


def run(line, x):
    """Return what a line answers."""
    return eval(line, {"np": np, "erf": erf, "expit": expit, "logsumexp": logsumexp, "x": x})


def values(line, x, dtype):
    """Return the values of a line."""
    with numpy.errstate(all="ignore"):
        return numpy.asarray(run(line, x.astype(dtype)), dtype=numpy.float64)


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""

    def total(x):
        y = run(line, x)
        return np.sum(y[..., 0] if x.ndim > 1 and y.ndim == x.ndim else y)

    with numpy.errstate(all="ignore"):
        return numpy.asarray(grad(total)(x.astype(dtype)), dtype=numpy.float64)
