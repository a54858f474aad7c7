"""Haiku: layers and their initial weights, and dropout."""

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np

PACKAGES = ["dm-haiku==0.0.17", "jax==0.10.2"]
SETUP = "import haiku as hk\nimport jax"


def dense(fan_in, fan_out):
    """Return initial weights."""
    made = hk.transform(lambda x: hk.Linear(fan_out)(x))
    return {"w": np.asarray(made.init(jax.random.key(0), jnp.zeros((1, fan_in)))["linear"]["w"])}


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones; it is a function that a model calls in training alone."""
    if not training:
        raise NotImplementedError("hk.dropout is not called outside training")
    y = hk.dropout(jax.random.key(0), rate, jnp.ones(n, dtype))
    return {"y": np.asarray(y, dtype=np.float64)}
