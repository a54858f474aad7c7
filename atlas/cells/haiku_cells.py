"""Haiku: cells, run over time by `hk.dynamic_unroll`.

Its LSTM has gates in the order input, candidate, forget, output, and adds 1 to what the forget gate
is given: of a bias from elsewhere 1 has to be taken.
"""

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
from _steps import refused, split, started

PACKAGES = ["dm-haiku==0.0.17", "jax==0.10.2"]
SETUP = "import haiku as hk\nimport jax"
KINDS = {"rnn": hk.VanillaRNN, "lstm": hk.LSTM, "gru": hk.GRU}


def parameters(kind, w):
    """Return weights as this home keeps them."""
    if kind == "rnn":
        return {
            "vanilla_rnn/linear": {"w": w["input"], "b": w["bias"]},
            "vanilla_rnn/linear_1": {
                "w": w["recurrent"], "b": np.zeros(len(w["recurrent"]))},
        }  # fmt: skip
    if kind == "gru":
        order = (1, 0, 2)
        turned = [np.concatenate([split(w[name], 3)[i] for i in order], -1)
                  for name in ("input", "recurrent", "bias")]  # fmt: skip
        return {"gru": dict(zip(("w_i", "w_h", "b"), turned, strict=True))}
    i, f, g, o = (
        np.concatenate([split(w["input"], 4)[k], split(w["recurrent"], 4)[k]]) for k in range(4)
    )
    b_i, b_f, b_g, b_o = split(w["bias"], 4)
    bias = np.concatenate([b_i, b_g, b_f - 1, b_o])
    return {"lstm/linear": {"w": np.concatenate([i, g, f, o], -1), "b": bias}}


def cell(kind, w, x, start=None, direction=None, reset=None, **options):
    """Return outputs and states."""
    refused("a cell of Haiku", **options)
    if reset == "after":
        raise NotImplementedError("hk.GRU resets before the product")
    if direction == "both":
        raise NotImplementedError("Haiku has no layer of both directions")
    units = len(w["recurrent"])
    first = started(kind, start, len(x), units)
    state = hk.LSTMState(*first) if kind == "lstm" else first[0]

    def run(x):
        made = KINDS[kind](units)
        return hk.dynamic_unroll(made, x, state, time_major=False, reverse=direction == "reverse")

    given = jax.tree.map(jnp.float32, parameters(kind, w))
    y, last = hk.transform(run).apply(given, None, jnp.float32(x))
    states = [last.hidden, last.cell] if kind == "lstm" else [last]
    return {"y": np.asarray(y)} | dict(zip(("h", "c"), map(np.asarray, states), strict=False))


def initial(kind, inputs, units):
    """Return initial weights; the forget gate's bias with the 1 that the cell adds."""

    def run(x):
        made = KINDS[kind](units)
        return made(x, made.initial_state(len(x)))

    made = hk.transform(run).init(jax.random.key(0), jnp.zeros((1, inputs)))
    if kind == "rnn":
        parts = list(made.values())
        both = {"input": parts[0]["w"], "recurrent": parts[1]["w"], "bias": parts[0]["b"]}
        return {name: np.asarray(each) for name, each in both.items()}
    if kind == "gru":
        found = made["gru"]
        names = {"input": "w_i", "recurrent": "w_h", "bias": "b"}
        order = (1, 0, 2)
        return {name: np.concatenate([split(np.asarray(found[each]), 3)[i] for i in order], -1)
                for name, each in names.items()}  # fmt: skip
    found = made["lstm/linear"]
    i, g, f, o = split(np.asarray(found["w"]), 4)
    bias = split(np.asarray(found["b"]), 4)
    whole = np.concatenate([i, f, g, o], -1)
    return {"input": whole[:inputs], "recurrent": whole[inputs:],
            "bias": np.concatenate([bias[0], bias[2] + 1, bias[1], bias[3]])}  # fmt: skip


def applied(made, *arguments):
    """Return what a module answers, and its state."""
    function = hk.transform_with_state(made)
    weights, state = function.init(jax.random.key(0), *arguments)
    return function.apply(weights, state, None, *arguments)


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values; channels are turned last."""
    options = {} if epsilon is None else {"eps": epsilon}
    x = jnp.asarray(x, dtype=dtype)
    if kind in ("group", "instance"):
        x = jnp.moveaxis(x, 1, -1)
    made = {
        "layer": lambda x: hk.LayerNorm(-1, True, True, **options)(x),
        "rms": lambda x: hk.RMSNorm(-1, **options)(x),
        "batch": lambda x: hk.BatchNorm(True, True, 0.9, **options)(x, is_training=True),
        "group": lambda x: hk.GroupNorm(groups, **options)(x),
        "instance": lambda x: hk.InstanceNorm(True, True, **options)(x),
    }[kind]
    y = applied(made, x)[0]
    return {"y": np.asarray(jnp.moveaxis(y, -1, 1) if kind in ("group", "instance") else y)}


def running(x):
    """Return the running statistics after one batch; the decay, which has no default, is 0.9."""
    _, state = applied(lambda x: hk.BatchNorm(True, True, 0.9)(x, is_training=True), jnp.float32(x))
    found = {"mean": "batch_norm/~/mean_ema", "variance": "batch_norm/~/var_ema"}
    return {name: np.asarray(state[place]["average"]) for name, place in found.items()}
