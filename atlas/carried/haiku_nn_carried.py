"""Haiku. Its LSTM adds 1 to the forget gate: "as copied" is what becomes of weights from elsewhere.

Its blocks are input, candidate, forget, output.
"""

import haiku as hk
import jax
import numpy as np
from _plain import check, layers, turned
from haiku_nn import PACKAGES

__all__ = ["MODES", "PACKAGES", "answer"]
MODES = ("float32", "as copied")
FUNCTIONS = {"relu": jax.nn.relu, "gelu": lambda x: jax.nn.gelu(x, approximate=False)}


def answer(job, x, mode):
    """Return what the network of a job answers."""
    w, weights = job["w"], {}
    if check(job, "float32", ("lstm",)):
        if mode == "as copied":
            raise NotImplementedError(mode)
        pairs = layers(job)

        def network(x):
            for i, pair in enumerate(pairs):
                x = hk.Linear(pair[0].shape[1], name=f"dense{i}")(x)
                x = FUNCTIONS[job["settings"]["function"]](x) if i + 1 < len(pairs) else x
            return x

        weights = {f"dense{i}": {"w": pair[0], "b": pair[1][0]} for i, pair in enumerate(pairs)}
    else:

        def network(x):
            cell = hk.LSTM(len(w["r"]), name="cell")
            h, _ = hk.dynamic_unroll(cell, x.swapaxes(0, 1), cell.initial_state(len(x)))
            h = h.swapaxes(0, 1) if job["x"] == "names" else h[-1]
            return hk.Linear(w["w1"].shape[1], name="out")(h)

        joined = turned(np.concatenate([w["w"], w["r"]]), "ifgo", "igfo")
        bias = turned(w["b"], "ifgo", "igfo")[0].copy()
        if mode == "float32":
            hidden = len(w["r"])
            bias[2 * hidden : 3 * hidden] -= 1
        weights = {"cell/linear": {"w": joined, "b": bias}}
        weights["out"] = {"w": w["w1"], "b": w["b1"][0]}
    made = hk.without_apply_rng(hk.transform(network))
    return np.asarray(jax.jit(made.apply)(weights, x))
