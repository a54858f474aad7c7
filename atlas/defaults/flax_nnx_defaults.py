"""Flax's nnx: layers and their initial weights, and dropout."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

PACKAGES = ["flax==0.12.8", "jax==0.10.2"]
SETUP = "from flax import nnx"


def dense(fan_in, fan_out):
    """Return initial weights."""
    return {"w": np.asarray(nnx.Linear(fan_in, fan_out, rngs=nnx.Rngs(0)).kernel[...])}


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones."""
    made = nnx.Dropout(rate, deterministic=not training, rngs=nnx.Rngs(0))
    return {"y": np.asarray(made(jnp.ones(n, dtype)), dtype=np.float64)}
