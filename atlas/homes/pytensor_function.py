"""PyTensor, Theano's heir: the line as `pytensor.function`, in its default mode, which is Numba's.

It has few activations under a name, since Theano's `tensor.nnet` is gone; the others are the
spellings of its users. The graph is rewritten before it is compiled: log(1 + exp(x)),
log(sum(exp(x))), log(softmax(x)) and 1 / (1 + exp(-x)) become stable functions, log(sigmoid(x))
does not. Numba has no float16, and PyTensor no bfloat16.
"""

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.tensor.special import log_softmax, softmax

PACKAGES = ["pytensor==3.0.7"]
SETUP = (
    "import numpy as np\nimport pytensor\nimport pytensor.tensor as pt\n"
    "from pytensor.tensor.special import log_softmax, softmax"
)
DTYPES = {name: name for name in ("float32", "float64")}
LINES = {
    "relu": [
        "pt.maximum(x, 0)",
        "pt.maximum(0, x)",
        "pt.clip(x, 0, np.inf)",
        "pt.switch(x > 0, x, 0)",
        "(x + abs(x)) / 2",
        "x * (x > 0)",
    ],
    "leaky_relu": ["pt.switch(x > 0, x, 0.01 * x)", "pt.maximum(x, 0.01 * x)"],
    "prelu": ["pt.switch(x > 0, x, 0.25 * x)"],
    "relu6": ["pt.clip(x, 0, 6)", "pt.minimum(pt.maximum(x, 0), 6)"],
    "hard_tanh": ["pt.clip(x, -1, 1)"],
    "hard_sigmoid": ["pt.clip(x / 6 + 0.5, 0, 1)"],
    "squared_relu": ["pt.maximum(x, 0) ** 2"],
    "hard_swish": ["x * pt.clip(x + 3, 0, 6) / 6"],
    "sigmoid": ["pt.sigmoid(x)", "1 / (1 + pt.exp(-x))"],
    "log_sigmoid": ["pt.log(pt.sigmoid(x))", "-pt.softplus(-x)"],
    "tanh": ["pt.tanh(x)"],
    "softsign": ["x / (1 + abs(x))"],
    "tanh_shrink": ["x - pt.tanh(x)"],
    "softplus": ["pt.softplus(x)", "pt.log1p(pt.exp(x))", "pt.log(1 + pt.exp(x))"],
    "elu": ["pt.switch(x > 0, x, pt.expm1(x))", "pt.switch(x > 0, x, pt.exp(x) - 1)"],
    "gelu": ["x / 2 * (1 + pt.erf(x / np.sqrt(2)))"],
    "quick_gelu": ["x * pt.sigmoid(1.702 * x)"],
    "silu": ["x * pt.sigmoid(x)"],
    "mish": ["x * pt.tanh(pt.softplus(x))"],
    "sine": ["pt.sin(x)"],
    "gaussian": ["pt.exp(-(x**2))"],
    "exponential": ["pt.exp(x)"],
    "softmax": ["softmax(x, axis=-1)"],
    "log_softmax": ["log_softmax(x, axis=-1)", "pt.log(softmax(x, axis=-1))"],
    "logsumexp": ["pt.logsumexp(x, axis=-1)", "pt.log(pt.sum(pt.exp(x), axis=-1))"],
}


def variable(x, dtype):
    """Return a symbol for numbers, and the numbers as it takes them."""
    return pt.TensorType(dtype, (None,) * x.ndim)("x"), x.astype(dtype)


def run(line, x):
    """Return what a line answers."""
    names = {"pytensor": pytensor, "pt": pt, "np": np, "x": x}
    return eval(line, names | {"softmax": softmax, "log_softmax": log_softmax})


def values(line, x, dtype):
    """Return the values of a line."""
    x, numbers = variable(x, dtype)
    return np.asarray(pytensor.function([x], run(line, x))(numbers), dtype=np.float64)


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    x, numbers = variable(x, dtype)
    y = run(line, x)
    y = y[..., 0] if x.ndim > 1 and y.ndim == x.ndim else y
    gradient = pytensor.function([x], pytensor.grad(y.sum(), x))
    return np.asarray(gradient(numbers), dtype=np.float64)
