"""Equinox: its own PReLU and Identity, and JAX's functions as layers, under its own transforms.

A layer is compiled by `eqx.filter_jit` and differentiated by `eqx.filter_grad`, as in Equinox's own
examples. All other functions are JAX's, and a reader writes `jax.nn.relu` itself, or
`eqx.nn.Lambda(jax.nn.relu)` in a `Sequential`.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax_eager import DTYPES, array, first, numbers

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]
PACKAGES = ["equinox==0.13.8", "jax==0.10.2"]
SETUP = "import equinox as eqx\nimport jax\nimport jax.numpy as jnp"
LINES = {
    "identity": ["eqx.nn.Identity()(x)"],
    "relu": ["eqx.nn.Lambda(jax.nn.relu)(x)"],
    "leaky_relu": ["eqx.nn.Lambda(jax.nn.leaky_relu)(x)"],
    "prelu": ["eqx.nn.PReLU()(x)", "eqx.nn.PReLU(init_alpha=jnp.full((), 0.25, x.dtype))(x)"],
    "relu6": ["eqx.nn.Lambda(jax.nn.relu6)(x)"],
    "hard_tanh": ["eqx.nn.Lambda(jax.nn.hard_tanh)(x)"],
    "hard_sigmoid": ["eqx.nn.Lambda(jax.nn.hard_sigmoid)(x)"],
    "sparse_sigmoid": ["eqx.nn.Lambda(jax.nn.sparse_sigmoid)(x)"],
    "hard_swish": ["eqx.nn.Lambda(jax.nn.hard_swish)(x)"],
    "sparse_plus": ["eqx.nn.Lambda(jax.nn.sparse_plus)(x)"],
    "sigmoid": ["eqx.nn.Lambda(jax.nn.sigmoid)(x)"],
    "log_sigmoid": ["eqx.nn.Lambda(jax.nn.log_sigmoid)(x)"],
    "tanh": ["eqx.nn.Lambda(jnp.tanh)(x)"],
    "softsign": ["eqx.nn.Lambda(jax.nn.soft_sign)(x)"],
    "softplus": ["eqx.nn.Lambda(jax.nn.softplus)(x)"],
    "squareplus": ["eqx.nn.Lambda(jax.nn.squareplus)(x)"],
    "elu": ["eqx.nn.Lambda(jax.nn.elu)(x)"],
    "celu": ["eqx.nn.Lambda(jax.nn.celu)(x)"],
    "selu": ["eqx.nn.Lambda(jax.nn.selu)(x)"],
    "gelu": [
        "eqx.nn.Lambda(jax.nn.gelu)(x)",
        "eqx.nn.Lambda(lambda x: jax.nn.gelu(x, approximate=False))(x)",
    ],
    "gelu_tanh": ["eqx.nn.Lambda(jax.nn.gelu)(x)"],
    "silu": ["eqx.nn.Lambda(jax.nn.silu)(x)"],
    "swish": ["eqx.nn.Lambda(jax.nn.swish)(x)"],
    "mish": ["eqx.nn.Lambda(jax.nn.mish)(x)"],
    "softmax": ["eqx.nn.Lambda(jax.nn.softmax)(x)"],
    "log_softmax": ["eqx.nn.Lambda(jax.nn.log_softmax)(x)"],
    "glu": ["eqx.nn.Lambda(jax.nn.glu)(x)"],
}


def run(line, x):
    """Return what a line answers."""
    return eval(line, {"eqx": eqx, "jax": jax, "jnp": jnp, "x": x})


def values(line, x, dtype):
    """Return the values of a line."""
    return numbers(eqx.filter_jit(lambda x: run(line, x))(array(x, dtype)))


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    gradient = eqx.filter_grad(lambda x: first(run(line, x), x).sum())
    return numbers(eqx.filter_jit(gradient)(array(x, dtype)))
