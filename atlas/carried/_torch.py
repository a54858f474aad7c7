"""The networks as modules of PyTorch, for it and for what is exported from it."""

import numpy as np
import torch
from _plain import check, layers
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU}
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


class Reader(nn.Module):
    """A recurrent layer and a dense one, of every step or of the last."""

    def __init__(self, cell, dense, every):
        """Keep the layers."""
        super().__init__()
        self.cell, self.dense, self.every = cell, dense, every

    def forward(self, x):
        """Return logits."""
        h, _ = self.cell(x)
        return self.dense(h if self.every else h[:, -1])


def linear(w, b):
    """Return a dense layer with given weights."""
    layer = nn.Linear(*w.shape)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(w.T.copy()))
        layer.bias.copy_(torch.from_numpy(b[0].copy()))
    return layer


def module(job, mode):
    """Return the network of a job, for evaluation, if it is carried in this mode."""
    w, told = job["w"], job["settings"]
    if check(job, mode):
        made = []
        for pair in layers(job):
            made += [linear(*pair), ACTIVATIONS[told["function"]]()]
        return nn.Sequential(*made[:-1]).eval().requires_grad_(False)
    cell = CELLS[told["cell"]](len(w["w"]), len(w["r"]), batch_first=True)
    second = w.get("rb", np.zeros_like(w["b"]))
    with torch.no_grad():
        for name, value in (
            ("weight_ih_l0", w["w"].T), ("weight_hh_l0", w["r"].T),
            ("bias_ih_l0", w["b"][0]), ("bias_hh_l0", second[0]),
        ):  # fmt: skip
            getattr(cell, name).copy_(torch.from_numpy(value.copy()))
    reader = Reader(cell, linear(w["w1"], w["b1"]), job["x"] == "names")
    return reader.eval().requires_grad_(False)
