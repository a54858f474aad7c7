"""Flax's newer interface, nnx: cells, and `nnx.RNN` and `nnx.Bidirectional` around them.

`nnx.LSTMCell` has a matrix a gate, as linen has; `OptimizedLSTMCell` and `GRUCell` have one matrix
for all gates.
"""

import jax.numpy as jnp
import numpy as np
from _steps import refused
from flax import nnx

PACKAGES = ["flax==0.12.8", "jax==0.10.2"]
SETUP = "from flax import nnx"
KINDS = {"rnn": nnx.SimpleCell, "lstm": nnx.OptimizedLSTMCell, "gru": nnx.GRUCell}


def made_cell(kind, w, activations=None):
    """Return a cell with given weights."""
    functions = {"relu": nnx.relu, "tanh": nnx.tanh, "sigmoid": nnx.sigmoid}
    options = {"activation_fn": functions[activations[-1]]} if activations else {}
    if activations and kind != "rnn":
        options["gate_fn"] = functions[activations[0]]
    inputs, units = w["input"].shape[0], len(w["recurrent"])
    made = KINDS[kind](inputs, units, rngs=nnx.Rngs(0), **options)
    for name, part in (("dense_i", "input"), ("dense_h", "recurrent")):
        dense = getattr(made, name)
        dense.kernel[...] = jnp.float32(w[part])
        if dense.bias is not None:
            dense.bias[...] = jnp.float32(w["bias"])
    return made


def cell(kind, w, x, lengths=None, start=None, direction=None, back=None, reset=None,
         activations=None, **options):  # fmt: skip
    """Return outputs and states."""
    refused("nnx.RNN", **options)
    if reset == "before":
        raise NotImplementedError("GRUCell resets after the product")
    half = len(activations) // 2 if activations and back else None
    first = made_cell(kind, w, activations and activations[:half])
    if back is None:
        made = nnx.RNN(first, return_carry=True, reverse=direction == "reverse")
    else:
        second = made_cell(kind, back, half and activations[half:])
        made = nnx.Bidirectional(nnx.RNN(first), nnx.RNN(second), return_carry=True)
    given = {} if lengths is None else {"seq_lengths": jnp.asarray(lengths, dtype=int)}
    if start is not None:
        carry = [jnp.float32(start[name]) for name in sorted(start)]
        given["initial_carry"] = tuple(carry) if kind == "lstm" else carry[0]
    carry, y = made(jnp.float32(x), **given)
    carries = carry if back is not None else (carry,)
    states = [each[::-1] if kind == "lstm" else (each,) for each in carries]
    joined = [np.concatenate(part, -1) for part in zip(*states, strict=True)]
    return {"y": np.asarray(y)} | dict(zip(("h", "c"), joined, strict=False))


def initial(kind, inputs, units):
    """Return initial weights."""
    made = KINDS[kind](inputs, units, rngs=nnx.Rngs(0))
    biased = made.dense_i if made.dense_h.bias is None else made.dense_h
    found = (made.dense_i.kernel, made.dense_h.kernel, biased.bias)
    return {name: np.asarray(each[...])
            for name, each in zip(("input", "recurrent", "bias"), found, strict=True)}  # fmt: skip


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values; channels are turned last."""
    options = {"rngs": nnx.Rngs(0)} | ({} if epsilon is None else {"epsilon": epsilon})
    x = jnp.asarray(x, dtype=dtype)
    if kind in ("group", "instance"):
        x = jnp.moveaxis(x, 1, -1)
    width = x.shape[-1]
    made = {
        "layer": lambda: nnx.LayerNorm(width, **options),
        "rms": lambda: nnx.RMSNorm(width, **options),
        "batch": lambda: nnx.BatchNorm(width, use_running_average=False, **options),
        "group": lambda: nnx.GroupNorm(width, groups, **options),
        "instance": lambda: nnx.InstanceNorm(width, **options),
    }[kind]()
    y = made(x)
    return {"y": np.asarray(jnp.moveaxis(y, -1, 1) if kind in ("group", "instance") else y)}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    options = {"rngs": nnx.Rngs(0)} | ({} if epsilon is None else {"epsilon": epsilon})
    made = nnx.BatchNorm(x.shape[1], use_running_average=True, **options)
    made.mean[...], made.var[...] = jnp.float32(mean), jnp.float32(variance)
    return {"y": np.asarray(made(jnp.float32(x)))}


def running(x):
    """Return the running statistics after one batch."""
    made = nnx.BatchNorm(x.shape[1], use_running_average=False, rngs=nnx.Rngs(0))
    made(jnp.float32(x))
    return {"mean": np.asarray(made.mean[...]), "variance": np.asarray(made.var[...])}
