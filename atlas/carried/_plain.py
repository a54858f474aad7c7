"""Which networks every framework has layers for, and their blocks in other orders."""

import numpy as np


def check(job, mode, cells=("lstm", "gru")):
    """Raise NotImplementedError unless a network is one of these, carried in this mode."""
    dense = job["settings"]["kind"] == "dense"
    if not dense and not (job["file"] in ("names", "lstm", "gru") and _cell(job) in cells):
        raise NotImplementedError(job["name"])
    if mode != "float32" and not job["whole"]:
        raise NotImplementedError(mode)
    return dense


def _cell(job):
    return job["settings"]["cell"]


def turned(value, order, there):
    """Return the blocks of the last axis in another order; each letter is one."""
    parts = dict(zip(order, np.split(value, len(order), axis=-1), strict=True))
    return np.concatenate([parts[letter] for letter in there], axis=-1)


def layers(job):
    """Return the weights and biases of the dense layers, in their order."""
    w = job["w"]
    return [(w[f"w{i}"], w[f"b{i}"]) for i in range(len(w) // 2)]
