"""Flax's linen: layers and their initial weights, and dropout."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

PACKAGES = ["flax==0.12.8", "jax==0.10.2"]
SETUP = "import flax.linen as nn\nimport jax"


def dense(fan_in, fan_out):
    """Return initial weights."""
    made = nn.Dense(fan_out).init(jax.random.key(0), jnp.zeros((1, fan_in)))
    return {"w": np.asarray(made["params"]["kernel"])}


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones."""
    made = nn.Dropout(rate, deterministic=not training)
    y = made.apply({}, jnp.ones(n, dtype), rngs={"dropout": jax.random.key(0)})
    return {"y": np.asarray(y, dtype=np.float64)}
