"""JAX itself: `jax.nn.standardize` is all that it has of this, no cells and no layers."""

import jax
import jax.numpy as jnp
import numpy as np

PACKAGES = ["jax==0.10.2"]
SETUP = "import jax"


def cell(**_):
    """JAX has no cells."""
    raise NotImplementedError("JAX itself has no layers; see flax, haiku and equinox")


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values."""
    if kind in ("rms", "group"):
        raise NotImplementedError("jax.nn.standardize subtracts the mean, over whole axes")
    options = {} if epsilon is None else {"epsilon": epsilon}
    axes = {"layer": -1, "batch": (0, *range(2, x.ndim)), "instance": tuple(range(2, x.ndim))}
    return {"y": np.asarray(jax.nn.standardize(jnp.asarray(x, dtype=dtype), axes[kind], **options))}


def in_use(x, mean, variance, epsilon=None):
    """Return values normalized with given statistics."""
    options = {} if epsilon is None else {"epsilon": epsilon}
    given = [jnp.float32(part) for part in (mean, variance)]
    return {"y": np.asarray(jax.nn.standardize(jnp.float32(x), 0, *given, **options))}
