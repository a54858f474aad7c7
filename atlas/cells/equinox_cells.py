"""Equinox: cells of one step, which a reader runs with `jax.lax.scan`; norms of one example."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from _steps import by_step, refused, started

PACKAGES = ["equinox==0.13.8", "jax==0.10.2"]
SETUP = "import equinox as eqx\nimport jax"
KINDS = {"lstm": eqx.nn.LSTMCell, "gru": eqx.nn.GRUCell}


def cell(kind, w, x, start=None, reset=None, **options):
    """Return outputs and states."""
    refused("a cell of Equinox", **options)
    if kind == "rnn":
        raise NotImplementedError("Equinox has no plain cell")
    if reset == "before":
        raise NotImplementedError("GRUCell resets after the product")
    units = len(w["recurrent"])
    made = KINDS[kind](w["input"].shape[0], units, key=jax.random.key(0))
    given = {"weight_ih": w["input"].T, "weight_hh": w["recurrent"].T, "bias": w["bias"]}
    if kind == "gru":
        given["bias_n"] = np.zeros(units)
    names = list(given)
    made = eqx.tree_at(lambda c: [getattr(c, name) for name in names], made,
                       [jnp.float32(given[name]) for name in names])  # fmt: skip

    def step(states, at):
        wanted = tuple(states) if kind == "lstm" else states[0]
        found = jax.vmap(made)(jnp.float32(at), wanted)
        return found if kind == "lstm" else (found,)

    return by_step(step, started(kind, start, len(x), units), x)


def initial(kind, inputs, units):
    """Return initial weights."""
    if kind == "rnn":
        raise NotImplementedError("Equinox has no plain cell")
    made = KINDS[kind](inputs, units, key=jax.random.key(0))
    return {"input": made.weight_ih.T, "recurrent": made.weight_hh.T, "bias": made.bias}


def batch_norm(x, epsilon=None):
    """Return a batch norm in training and what it answers."""
    options = {} if epsilon is None else {"eps": epsilon}
    made, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(x.shape[1], "batch", **options)
    return made, jax.vmap(made, axis_name="batch", in_axes=(0, None), out_axes=(0, None))(x, state)


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values."""
    options = {} if epsilon is None else {"eps": epsilon}
    x = jnp.asarray(x, dtype=dtype)
    if kind == "batch":
        return {"y": np.asarray(batch_norm(x, epsilon)[1][0])}
    made = {
        "layer": lambda: eqx.nn.LayerNorm(x.shape[-1], **options),
        "rms": lambda: eqx.nn.RMSNorm(x.shape[-1], **options),
        "group": lambda: eqx.nn.GroupNorm(groups, x.shape[1], **options),
        "instance": lambda: eqx.nn.GroupNorm(x.shape[1], x.shape[1], **options),
    }[kind]()
    return {"y": np.asarray(jax.vmap(made)(x))}


def running(x):
    """Return the running statistics after one batch."""
    made, (_, state) = batch_norm(jnp.float32(x))
    places = [getattr(made, name) for name in ("ema_state_index", "batch_state_index")]
    place = next(each for each in places if each is not None)
    mean, variance = state.get(place)[-2:]
    return {"mean": np.asarray(mean), "variance": np.asarray(variance)}
