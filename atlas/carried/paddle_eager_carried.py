"""Paddle on the CPU."""

import numpy as np
import paddle
from _plain import check, layers
from paddle import nn
from paddle.nn import functional as F
from paddle_eager import PACKAGES

__all__ = ["MODES", "PACKAGES", "answer"]
MODES = ("float32", "float16", "bfloat16")
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


def answer(job, x, mode):
    """Return what the network of a job answers."""
    w = job["w"]

    def tensor(value):
        return paddle.to_tensor(np.ascontiguousarray(value)).astype(mode)

    if check(job, mode):
        h, pairs = tensor(x), layers(job)
        for place, (weights, bias) in enumerate(pairs):
            h = F.linear(h, tensor(weights), tensor(bias[0]))
            h = getattr(F, job["settings"]["function"])(h) if place + 1 < len(pairs) else h
    else:
        cell = CELLS[job["settings"]["cell"]](len(w["w"]), len(w["r"]))
        second = w.get("rb", np.zeros_like(w["b"]))
        cell.weight_ih_l0.set_value(w["w"].T.copy())
        cell.weight_hh_l0.set_value(w["r"].T.copy())
        cell.bias_ih_l0.set_value(w["b"][0])
        cell.bias_hh_l0.set_value(second[0])
        cell = cell.astype(mode) if mode != "float32" else cell
        h, _ = cell(tensor(x))
        h = h if job["x"] == "names" else h[:, -1]
        h = F.linear(h, tensor(w["w1"]), tensor(w["b1"][0]))
    return h.astype("float32").numpy()
