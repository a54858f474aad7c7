"""Flax: its own PReLU of two interfaces, and JAX's functions, which it hands on.

`flax.linen` hands on `jax.nn` under the same names, with `tanh` of `jax.numpy`, and `flax.nnx` the
same functions, with `identity` besides: each line below is of linen, and nnx has what differs.
Neither hands on sparse_sigmoid, sparse_plus, squareplus and mish. What Flax has and the catalogue
has not: `standardize`, which is a normalization.
"""

import flax.linen as nn
import jax
from flax import nnx
from jax_eager import DTYPES, array, first, numbers

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]
PACKAGES = ["flax==0.12.8", "jax==0.10.2"]
SETUP = "import jax\nimport flax.linen as nn\nfrom flax import nnx\nkey = jax.random.key(0)"
LINES = {
    "identity": ["nnx.identity(x)"],
    "relu": ["nn.relu(x)"],
    "leaky_relu": ["nn.leaky_relu(x)"],
    "prelu": [
        "nn.PReLU().init_with_output(key, x)[0]",
        "nnx.PReLU()(x)",
        "nn.PReLU(negative_slope_init=0.25).init_with_output(key, x)[0]",
        "nnx.PReLU(negative_slope_init=0.25)(x)",
    ],
    "relu6": ["nn.relu6(x)"],
    "hard_tanh": ["nn.hard_tanh(x)"],
    "hard_sigmoid": ["nn.hard_sigmoid(x)"],
    "hard_swish": ["nn.hard_swish(x)", "nn.hard_silu(x)"],
    "sigmoid": ["nn.sigmoid(x)"],
    "log_sigmoid": ["nn.log_sigmoid(x)"],
    "tanh": ["nn.tanh(x)"],
    "softsign": ["nn.soft_sign(x)"],
    "softplus": ["nn.softplus(x)"],
    "elu": ["nn.elu(x)"],
    "celu": ["nn.celu(x)"],
    "selu": ["nn.selu(x)"],
    "gelu": ["nn.gelu(x)", "nn.gelu(x, approximate=False)"],
    "gelu_tanh": ["nn.gelu(x)"],
    "silu": ["nn.silu(x)", "x * nn.sigmoid(x)"],
    "swish": ["nn.swish(x)"],
    "softmax": ["nn.softmax(x)"],
    "log_softmax": ["nn.log_softmax(x)"],
    "logsumexp": ["nn.logsumexp(x, axis=-1)"],
    "glu": ["nn.glu(x)"],
}


def run(line, x):
    """Return what a line answers."""
    return eval(line, {"nn": nn, "nnx": nnx, "key": jax.random.key(0), "x": x})


def values(line, x, dtype):
    """Return the values of a line."""
    return numbers(run(line, array(x, dtype)))


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    return numbers(jax.grad(lambda x: first(run(line, x), x).sum())(array(x, dtype)))
