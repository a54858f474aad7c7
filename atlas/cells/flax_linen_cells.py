"""Flax's older interface, linen: cells, and `nn.RNN` and `nn.Bidirectional` around them."""

import jax
import jax.numpy as jnp
import numpy as np
from _steps import refused, split
from flax import linen as nn

PACKAGES = ["flax==0.12.8", "jax==0.10.2"]
SETUP = "import jax\nfrom flax import linen as nn"
KINDS = {"rnn": nn.SimpleCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}
NAMES = {
    "rnn": (["i"], ["h"]),
    "lstm": (["ii", "if", "ig", "io"], ["hi", "hf", "hg", "ho"]),
    "gru": (["ir", "iz", "in"], ["hr", "hz", "hn"]),
}


def parameters(kind, w):
    """Return weights as this home keeps them: a matrix a gate, the bias on one side."""
    inner, outer = NAMES[kind]
    found = {name: {"kernel": part} for name, part in
             zip(inner, split(w["input"], len(inner)), strict=True)}  # fmt: skip
    found |= {name: {"kernel": part} for name, part in
              zip(outer, split(w["recurrent"], len(outer)), strict=True)}  # fmt: skip
    for name, part in zip(outer if kind == "lstm" else inner, split(w["bias"], len(inner)),
                          strict=True):  # fmt: skip
        found[name]["bias"] = part
    if kind == "gru":
        found["hn"]["bias"] = np.zeros_like(split(w["bias"], 3)[2])
    return found


def made_cell(kind, units, activations):
    """Return a cell."""
    functions = {"relu": nn.relu, "tanh": nn.tanh, "sigmoid": nn.sigmoid}
    options = {"activation_fn": functions[activations[-1]]} if activations else {}
    if activations and kind != "rnn":
        options["gate_fn"] = functions[activations[0]]
    return KINDS[kind](units, **options)


def cell(kind, w, x, lengths=None, start=None, direction=None, back=None, reset=None,
         activations=None, **options):  # fmt: skip
    """Return outputs and states."""
    refused("nn.RNN", **options)
    if reset == "before":
        raise NotImplementedError("GRUCell resets after the product")
    units = len(w["recurrent"])
    half = len(activations) // 2 if activations and back else None
    first = made_cell(kind, units, activations and activations[:half])
    weights = {"cell": parameters(kind, w)}
    if back is None:
        made = nn.RNN(first, return_carry=True, reverse=direction == "reverse")
    else:
        second = made_cell(kind, units, half and activations[half:])
        made = nn.Bidirectional(nn.RNN(first), nn.RNN(second), return_carry=True)
        weights = {"forward_rnn": weights, "backward_rnn": {"cell": parameters(kind, back)}}
    given = {} if lengths is None else {"seq_lengths": jnp.asarray(lengths, dtype=int)}
    if start is not None:
        carry = [jnp.float32(start[name]) for name in sorted(start)]
        given["initial_carry"] = tuple(carry) if kind == "lstm" else carry[0]
    x = jnp.float32(x)
    tree = jax.tree.map(jnp.float32, weights)
    carry, y = made.apply({"params": tree}, x, **given)
    carries = carry if back is not None else (carry,)
    states = [each[::-1] if kind == "lstm" else (each,) for each in carries]
    joined = [np.concatenate(part, -1) for part in zip(*states, strict=True)]
    return {"y": np.asarray(y)} | dict(zip(("h", "c"), joined, strict=False))


def initial(kind, inputs, units):
    """Return initial weights."""
    made = nn.RNN(KINDS[kind](units))
    found = made.init(jax.random.key(0), jnp.zeros((1, 2, inputs)))["params"]["cell"]
    inner, outer = NAMES[kind]
    biased = outer if kind == "lstm" else inner
    return {
        "input": np.concatenate([found[name]["kernel"] for name in inner], -1),
        "recurrent": np.concatenate([found[name]["kernel"] for name in outer], -1),
        "bias": np.concatenate([found[name]["bias"] for name in biased], -1),
    }


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values; channels are turned last."""
    options = {} if epsilon is None else {"epsilon": epsilon}
    x = jnp.asarray(x, dtype=dtype)
    if kind in ("group", "instance"):
        x = jnp.moveaxis(x, 1, -1)
    made = {
        "layer": lambda: nn.LayerNorm(**options),
        "rms": lambda: nn.RMSNorm(**options),
        "batch": lambda: nn.BatchNorm(use_running_average=False, **options),
        "group": lambda: nn.GroupNorm(groups, **options),
        "instance": lambda: nn.InstanceNorm(**options),
    }[kind]()
    y = made.init_with_output(jax.random.key(0), x)[0]
    return {"y": np.asarray(jnp.moveaxis(y, -1, 1) if kind in ("group", "instance") else y)}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    options = {} if epsilon is None else {"epsilon": epsilon}
    made = nn.BatchNorm(use_running_average=True, **options)
    x = jnp.float32(x)
    weights = made.init(jax.random.key(0), x)
    state = {"mean": jnp.float32(mean), "var": jnp.float32(variance)}
    return {"y": np.asarray(made.apply(weights | {"batch_stats": state}, x))}


def running(x):
    """Return the running statistics after one batch."""
    made = nn.BatchNorm(use_running_average=False)
    x = jnp.float32(x)
    weights = made.init(jax.random.key(0), x)
    state = made.apply(weights, x, mutable=["batch_stats"])[1]["batch_stats"]
    return {"mean": np.asarray(state["mean"]), "variance": np.asarray(state["var"])}
