"""JAX and Optax: initializers, optimizers and losses."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

PACKAGES = ["jax==0.10.2", "optax==0.2.8"]
SETUP = "import jax\nimport jax.numpy as jnp\nimport optax"


def he_normal(fan_in, fan_out):
    """Return weights of the initializer that bears the name."""
    return {"w": np.asarray(jax.nn.initializers.he_normal()(jax.random.key(0), (fan_in, fan_out)))}


def stepped(tool, parameter, gradient):
    """Return parameters after one step."""
    updates, _ = tool.update(gradient, tool.init(parameter), parameter)
    return optax.apply_updates(parameter, updates)


def adam(gradients, dtype="float32"):
    """Return how far the first step goes for each gradient."""
    given = jnp.asarray(gradients, dtype=dtype)
    after = stepped(optax.adam(1.0), jnp.zeros_like(given), given)
    return {"y": -np.asarray(after, dtype=np.float64)}


def descent(gradients):
    """Return how far a step of plain gradient descent with learning rate 1 goes for each."""
    after = stepped(optax.sgd(1.0), jnp.zeros(len(gradients)), jnp.asarray(gradients))
    return {"y": -np.asarray(after)}


def decay():
    """Return what AdamW leaves of 1 with learning rate 0.5 and gradient 0."""
    return {"y": np.asarray(stepped(optax.adamw(0.5), jnp.ones(1), jnp.zeros(1)))}


def smoothed(logits, rate):
    """Return the cross-entropy of class 0."""
    target = optax.smooth_labels(jax.nn.one_hot(0, len(logits)), rate)
    return {"loss": np.asarray(optax.softmax_cross_entropy(jnp.float32(logits), target))}


def masks(n):
    """Return two masks of one key, the second from a compiled function."""
    key = jax.random.key(0)

    def draw():
        return jax.random.bernoulli(key, 0.5, (n,))

    return {"y": np.stack([np.asarray(draw()), np.asarray(jax.jit(draw)())])}


def absolute():
    """Return the slope of the absolute value at 0."""
    return {"y": np.asarray(jax.grad(jnp.abs)(0.0))}
