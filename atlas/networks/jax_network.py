"""The network in JAX, with optax for its optimizer; JAX itself has no layers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

jax.config.update("jax_enable_x64", True)

PACKAGES = ["jax==0.10.2", "optax==0.2.6"]
SETUP = "import jax\nimport jax.numpy as jnp"


def forward(w, x):
    """Return logits (batch, 10)."""
    return jax.nn.relu(x @ w["w1"] + w["b1"]) @ w["w2"] + w["b2"]


def loss(w, x, y):
    """Return the mean cross-entropy."""
    return -jnp.take_along_axis(jax.nn.log_softmax(forward(w, x)), y[:, None], axis=1).mean()


def logits(w, x):
    """Return logits (batch, 10)."""
    return np.asarray(forward(w, x))


def gradients(w, x, y):
    """Return the gradients of the mean cross-entropy."""
    return jax.grad(loss)(w, x, y)


def train(w, xs, ys, rate):
    """Return the loss before each step."""
    step, losses = jax.jit(jax.value_and_grad(loss)), []
    for x, y in zip(xs, ys, strict=True):
        value, slope = step(w, x, y)
        w = {name: w[name] - rate * slope[name] for name in w}
        losses.append(float(value))
    return np.array(losses)


def dense(*_):
    """JAX has no layers."""
    raise NotImplementedError("JAX itself has no layers; see flax, haiku and equinox")


def dropped(rate, n):
    """JAX has no layers."""
    raise NotImplementedError("JAX itself has no layers; see flax, haiku and equinox")


batch_norm = dense


def adam(gradients):
    """Return the first step of optax for each gradient."""
    tool = optax.adam(1.0)
    start = jnp.zeros(len(gradients))
    updates, _ = tool.update(jnp.asarray(gradients), tool.init(start), start)
    return -np.asarray(updates)


def gru(w, x):
    """JAX has no layers."""
    raise NotImplementedError("JAX itself has no layers; see flax, haiku and equinox")
