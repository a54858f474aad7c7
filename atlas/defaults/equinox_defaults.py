"""Equinox: layers and their initial weights, and dropout."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

PACKAGES = ["equinox==0.13.8", "jax==0.10.2"]
SETUP = "import equinox as eqx\nimport jax"


def dense(fan_in, fan_out):
    """Return initial weights."""
    return {"w": np.asarray(eqx.nn.Linear(fan_in, fan_out, key=jax.random.key(0)).weight).T}


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones."""
    made = eqx.nn.Dropout(rate, inference=not training)
    return {"y": np.asarray(made(jnp.ones(n, dtype), key=jax.random.key(0)), dtype=np.float64)}
