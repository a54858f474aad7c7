"""A layer of cells of PyTorch as a module of x alone, for the homes that export it."""

import torch
from torch import nn


class Layer(nn.Module):
    """A layer of cells, with initial states and lengths inside."""

    def __init__(self, made, kind, states, lengths):
        """Keep the layer and what it is called with."""
        super().__init__()
        self.made, self.kind, self.states, self.lengths = made, kind, states, lengths

    def forward(self, x):
        """Return outputs and states."""
        if self.lengths is not None:
            x = nn.utils.rnn.pack_padded_sequence(x, self.lengths, batch_first=True)
        y, last = self.made(x, self.states)
        if self.lengths is not None:
            y, _ = nn.utils.rnn.pad_packed_sequence(y, batch_first=True)
        return (y, *last) if self.kind == "lstm" else (y, last)


def states_of(kind, start):
    """Return initial states as a layer of PyTorch takes them."""
    if start is None:
        return None
    first = [torch.from_numpy(start[name]).float()[None] for name in sorted(start)[::-1]]
    return tuple(first) if kind == "lstm" else first[0]


def norm_layer(kind, x, epsilon=None, groups=None):
    """Return a norm of PyTorch; batch norm is exported for use, not for training."""
    if kind == "batch":
        raise NotImplementedError("an exported batch norm uses running statistics")
    options = {} if epsilon is None else {"eps": epsilon}
    made = {
        "layer": lambda: nn.LayerNorm(x.shape[-1], **options),
        "rms": lambda: nn.RMSNorm(x.shape[-1], **options),
        "group": lambda: nn.GroupNorm(groups, x.shape[1], **options),
        "instance": lambda: nn.InstanceNorm1d(x.shape[1], **options),
    }[kind]()
    return made.to(x.dtype)


def batch_norm(mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    made = nn.BatchNorm1d(len(mean), **({} if epsilon is None else {"eps": epsilon}))
    made.running_mean.copy_(torch.from_numpy(mean))
    made.running_var.copy_(torch.from_numpy(variance))
    return made
