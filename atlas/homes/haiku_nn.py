"""Haiku: no activation of its own; JAX's functions inside `hk.transform`, as in its examples.

The transformed function is compiled, as they are. What it answers can differ from JAX's alone only
where the pinned versions do.
"""

import haiku as hk
import jax
import jax.numpy as jnp
from jax_eager import DTYPES, array, first, numbers

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]
PACKAGES = ["dm-haiku==0.0.17", "jax==0.10.2"]
SETUP = "import haiku as hk\nimport jax\nimport jax.numpy as jnp"
LINES = {
    "identity": ["jax.nn.identity(x)"],
    "relu": ["hk.Sequential([jax.nn.relu])(x)", "jnp.maximum(x, 0)"],
    "leaky_relu": ["hk.Sequential([jax.nn.leaky_relu])(x)"],
    "relu6": ["hk.Sequential([jax.nn.relu6])(x)"],
    "hard_tanh": ["hk.Sequential([jax.nn.hard_tanh])(x)"],
    "hard_sigmoid": ["hk.Sequential([jax.nn.hard_sigmoid])(x)"],
    "sparse_sigmoid": ["hk.Sequential([jax.nn.sparse_sigmoid])(x)"],
    "hard_swish": ["hk.Sequential([jax.nn.hard_swish])(x)"],
    "sparse_plus": ["hk.Sequential([jax.nn.sparse_plus])(x)"],
    "sigmoid": ["hk.Sequential([jax.nn.sigmoid])(x)"],
    "log_sigmoid": ["hk.Sequential([jax.nn.log_sigmoid])(x)"],
    "tanh": ["hk.Sequential([jnp.tanh])(x)"],
    "softsign": ["hk.Sequential([jax.nn.soft_sign])(x)"],
    "softplus": ["hk.Sequential([jax.nn.softplus])(x)"],
    "squareplus": ["hk.Sequential([jax.nn.squareplus])(x)"],
    "elu": ["hk.Sequential([jax.nn.elu])(x)"],
    "celu": ["hk.Sequential([jax.nn.celu])(x)"],
    "selu": ["hk.Sequential([jax.nn.selu])(x)"],
    "gelu": ["hk.Sequential([jax.nn.gelu])(x)", "jax.nn.gelu(x, approximate=False)"],
    "gelu_tanh": ["hk.Sequential([jax.nn.gelu])(x)"],
    "silu": ["hk.Sequential([jax.nn.silu])(x)"],
    "swish": ["hk.Sequential([jax.nn.swish])(x)"],
    "mish": ["hk.Sequential([jax.nn.mish])(x)"],
    "softmax": ["hk.Sequential([jax.nn.softmax])(x)"],
    "log_softmax": ["hk.Sequential([jax.nn.log_softmax])(x)"],
    "logsumexp": ["jax.nn.logsumexp(x, axis=-1)"],
    "glu": ["hk.Sequential([jax.nn.glu])(x)"],
}


def transformed(line, x):
    """Return a line as a function of `x`, pure and compiled."""
    names = {"hk": hk, "jax": jax, "jnp": jnp}
    network = hk.without_apply_rng(hk.transform(lambda x: eval(line, names | {"x": x})))
    weights = network.init(None, x)
    return lambda x: network.apply(weights, x)


def values(line, x, dtype):
    """Return the values of a line."""
    x = array(x, dtype)
    return numbers(jax.jit(transformed(line, x))(x))


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    x = array(x, dtype)
    f = transformed(line, x)
    return numbers(jax.jit(jax.grad(lambda x: first(f(x), x).sum()))(x))
