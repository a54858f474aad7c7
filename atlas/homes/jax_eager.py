"""JAX, operation by operation."""

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

PACKAGES = ["jax==0.10.2"]
SETUP = "import jax\nimport jax.numpy as jnp\nfrom jax import nn"
DTYPES = {name: getattr(jnp, name) for name in ("float16", "bfloat16", "float32", "float64")}
LINES = {
    "identity": ["nn.identity(x)"],
    "relu": ["nn.relu(x)", "jnp.maximum(x, 0)", "jnp.clip(x, 0)"],
    "leaky_relu": ["nn.leaky_relu(x)"],
    "relu6": ["nn.relu6(x)"],
    "hard_tanh": ["nn.hard_tanh(x)"],
    "hard_sigmoid": ["nn.hard_sigmoid(x)"],
    "sparse_sigmoid": ["nn.sparse_sigmoid(x)"],
    "hard_swish": ["nn.hard_silu(x)"],
    "sparse_plus": ["nn.sparse_plus(x)"],
    "sigmoid": ["nn.sigmoid(x)"],
    "log_sigmoid": ["nn.log_sigmoid(x)"],
    "tanh": ["jnp.tanh(x)"],
    "softsign": ["nn.soft_sign(x)"],
    "softplus": ["nn.softplus(x)"],
    "squareplus": ["nn.squareplus(x)"],
    "elu": ["nn.elu(x)"],
    "celu": ["nn.celu(x)"],
    "selu": ["nn.selu(x)"],
    "gelu": ["nn.gelu(x)", "nn.gelu(x, approximate=False)"],
    "gelu_tanh": ["nn.gelu(x)"],
    "silu": ["nn.silu(x)", "x * nn.sigmoid(x)"],
    "mish": ["nn.mish(x)"],
    "softmax": ["nn.softmax(x)"],
    "log_softmax": ["nn.log_softmax(x)", "jnp.log(nn.softmax(x))"],
    "logsumexp": ["nn.logsumexp(x, axis=-1)"],
    "glu": ["nn.glu(x)"],
}


def array(x, dtype):
    """Return numbers as this home takes them."""
    return jnp.asarray(x, dtype=DTYPES[dtype])


def numbers(y):
    """Return what it answers as float64."""
    return np.asarray(y.astype(jnp.float64))


def run(line, x):
    """Return what a line answers."""
    return eval(line, {"jax": jax, "jnp": jnp, "nn": jax.nn, "x": x})


def first(y, x):
    """Return a row of outputs, or of matrices the first column."""
    return y[..., 0] if x.ndim > 1 and y.ndim == x.ndim else y


def values(line, x, dtype):
    """Return the values of a line."""
    return numbers(run(line, array(x, dtype)))


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    return numbers(jax.grad(lambda x: first(run(line, x), x).sum())(array(x, dtype)))
