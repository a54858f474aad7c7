"""MLX on the CPU."""

import mlx.core as mx
import numpy as np
from _plain import check, layers
from mlx import nn
from mlx_cpu import PACKAGES

__all__ = ["MODES", "PACKAGES", "answer"]
MODES = ("float32", "float16", "bfloat16", "int8 weights")
ACTIVATIONS = {"relu": nn.relu, "gelu": nn.gelu}


def linear(w, b, kind):
    """Return a dense layer with given weights."""
    layer = nn.Linear(*w.shape)
    layer.weight, layer.bias = mx.array(w.T, kind), mx.array(b[0], kind)
    return layer


def answer(job, x, mode):
    """Return what the network of a job answers."""
    kind = getattr(mx, "float32" if "int8" in mode else mode)
    h, w = mx.array(x, kind), job["w"]
    if check(job, mode):
        made = [linear(*pair, kind) for pair in layers(job)]
        for place, layer in enumerate(made):
            if "int8" in mode and layer.weight.shape[1] % 32 == 0:  # others it does not take
                layer = nn.QuantizedLinear.from_linear(layer, group_size=32, bits=8)
            h = layer(h)
            h = ACTIVATIONS[job["settings"]["function"]](h) if place + 1 < len(made) else h
    elif "int8" in mode:
        raise NotImplementedError(mode)
    else:
        sizes = len(w["w"]), len(w["r"])
        cell = nn.LSTM(*sizes) if job["settings"]["cell"] == "lstm" else nn.GRU(*sizes)
        cell.Wx, cell.Wh = mx.array(w["w"].T, kind), mx.array(w["r"].T, kind)
        bias = w["b"][0]
        if "rb" in w:  # the two biases of the gates are one here
            hidden = sizes[1]
            bias = bias + np.concatenate([w["rb"][0, : 2 * hidden], np.zeros(hidden, np.float32)])
            cell.bhn = mx.array(w["rb"][0, 2 * hidden :], kind)
            cell.b = mx.array(bias, kind)
        else:
            cell.bias = mx.array(bias, kind)
        h = cell(h)
        h = h[0] if isinstance(h, tuple) else h
        h = linear(w["w1"], w["b1"], kind)(h if job["x"] == "names" else h[:, -1])
    return np.array(h.astype(mx.float32))
