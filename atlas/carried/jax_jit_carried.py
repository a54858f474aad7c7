"""JAX, compiled; it has no layers, so they are written out."""

import jax
import jax.numpy as jnp
from _plain import check, layers
from jax_jit import PACKAGES

__all__ = ["MODES", "PACKAGES", "answer"]
MODES = ("float32", "float16", "bfloat16")
FUNCTIONS = {"relu": jax.nn.relu, "gelu": lambda x: jax.nn.gelu(x, approximate=False)}


def answer(job, x, mode):
    """Return what the network of a job answers."""
    x = jnp.asarray(x, mode)
    if check(job, mode, ("lstm",)):
        pairs = [[jnp.asarray(part, mode) for part in pair] for pair in layers(job)]
        return jax.jit(dense, static_argnums=2)(x, pairs, job["settings"]["function"])
    w = {name: jnp.asarray(value, mode) for name, value in job["w"].items()}
    return jax.jit(lstm, static_argnums=2)(x, w, job["x"] == "names")


def dense(x, pairs, function):
    """Return logits."""
    for w, b in pairs[:-1]:
        x = FUNCTIONS[function](x @ w + b)
    return (x @ pairs[-1][0] + pairs[-1][1]).astype(jnp.float32)


def lstm(x, w, every):
    """Return logits of every step, or of the last."""

    def step(state, x):
        h, c = state
        i, f, g, o = jnp.split(x @ w["w"] + h @ w["r"] + w["b"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros((len(x), len(w["r"])), x.dtype)
    _, h = jax.lax.scan(step, (zeros, zeros), x.swapaxes(0, 1))
    h = h.swapaxes(0, 1) if every else h[-1]
    return (h @ w["w1"] + w["b1"]).astype(jnp.float32)
