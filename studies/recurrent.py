"""Recurrent networks of several seeds, trained at once: what `name_models` and `long_spans` share.

Weights have the seeds as their first axis, and signals are (seeds, sequences, units). A network is
a dictionary of tensors; its *cell* says how a state follows from the one before and from an input.
"""

import math

import numpy as np
import torch
from torch.nn import functional

from course_lib.network import stream

CELLS = {"plain": 1, "lstm": 4, "gru": 3}  # with how many preactivations for each unit


def weights(cell, seeds, sizes, *, recurrent="uniform", open_gates=0.0, shut_inputs=0.0):
    """Return initial weights, of networks with inputs, hidden units and outputs.

    All are drawn as PyTorch draws them, uniform between -1/sqrt(hidden) and 1/sqrt(hidden), of two
    biases that add the sum; or the recurrent ones are orthogonal and their biases 0. What opens
    the gates is added to the bias of the LSTM's forget gate or of the GRU's update gate, and what
    shuts the inputs is subtracted from that of the LSTM's input gate.
    """
    inputs, hidden, outputs = sizes
    blocks, bound = CELLS[cell], 1 / math.sqrt(hidden)
    found = []
    for seed in seeds:
        rng = stream(int(seed), "weights")
        shapes = {
            "input": (inputs, blocks * hidden),
            "recurrent": (hidden, blocks * hidden),
            "bias": (1, blocks * hidden),
            "more": (1, blocks * hidden),  # the second bias, beside the recurrent weights
            "output": (hidden, outputs),
            "output_bias": (1, outputs),
        }
        drawn = {name: rng.uniform(-bound, bound, shape) for name, shape in shapes.items()}
        if recurrent == "orthogonal":
            draws = rng.standard_normal((blocks, hidden, hidden))
            drawn["recurrent"] = np.concatenate([orthogonal(draw) for draw in draws], axis=1)
            drawn["bias"][:], drawn["more"][:] = 0, 0
        if cell != "plain":
            drawn["bias"][:, hidden : 2 * hidden] += open_gates
            drawn["bias"][:, :hidden] -= shut_inputs
        if cell != "gru":  # elsewhere the two biases are one
            drawn["bias"] += drawn.pop("more")
        found.append(drawn)
    return {
        name: torch.tensor(
            np.stack([drawn[name] for drawn in found]), dtype=torch.float32, requires_grad=True
        )
        for name in found[0]
    }


def orthogonal(draw):
    """Return the orthogonal matrix that belongs to one of random normal numbers."""
    q, r = np.linalg.qr(draw)
    return q * np.sign(np.diag(r))


def unroll(cell, w, x, gate=torch.sigmoid, activation=torch.tanh):
    """Return the outputs of a cell after each input, a list of (seeds, sequences, units).

    `x` has the shape (time, seeds, sequences, inputs). The blocks of the LSTM are input, forget,
    output and candidate; those of the GRU reset, update and candidate.
    """
    n = w["output"].shape[-2]
    h = x.new_zeros(*x.shape[1:3], n)
    c, outputs = h, []
    for u in (x @ w["input"] + w["bias"]).unbind():
        if cell == "plain":
            h = activation(torch.baddbmm(u, h, w["recurrent"]))
        elif cell == "lstm":
            z = torch.baddbmm(u, h, w["recurrent"])
            i, f, o = gate(z[..., : 3 * n]).split(n, dim=-1)
            c = torch.addcmul(f * c, i, activation(z[..., 3 * n :]))
            h = o * activation(c)
        else:
            v = torch.baddbmm(w["more"], h, w["recurrent"])
            r, z = gate(u[..., : 2 * n] + v[..., : 2 * n]).split(n, dim=-1)
            candidate = activation(torch.addcmul(u[..., 2 * n :], r, v[..., 2 * n :]))
            h = torch.lerp(candidate, h, z)
        outputs.append(h)
    return outputs


def logits(w, h):
    """Return the outputs of the last layer."""
    return torch.matmul(h, w["output"]) + w["output_bias"]


def step(optimizer, losses, w, limit=1.0):
    """Make one step; the gradient of each network is no longer than a limit."""
    optimizer.zero_grad()
    losses.sum().backward()
    grads = [p.grad for p in w.values()]
    length = sum(g.square().sum(dim=(1, 2)) for g in grads).sqrt()
    for g in grads:
        g *= (limit / (length + 1e-6)).clamp(max=1)[:, None, None]
    optimizer.step()


def cross_entropies(z, y):
    """Return the loss of each output, in nats."""
    return functional.cross_entropy(z.flatten(0, -2), y.flatten(), reduction="none").view(y.shape)
