"""PyTorch's layers of cells and its norms."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

PACKAGES = ["torch==2.13.0"]
SETUP = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F"
KINDS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def layer(kind, w, back=None, activations=None, projection=None):
    """Return a layer with given weights; its gates are in the order of the questions."""
    options = {}
    if activations is not None:
        if kind != "rnn" or (back is not None and len(set(activations)) > 1):
            raise NotImplementedError("nn.RNN alone has another activation, for both directions")
        options["nonlinearity"] = activations[0]
    if projection is not None:
        options["proj_size"] = projection.shape[1]
    units = w["bias"].size // {"rnn": 1, "lstm": 4, "gru": 3}[kind]
    made = KINDS[kind](w["input"].shape[0], units, batch_first=True,
                       bidirectional=back is not None, **options)  # fmt: skip
    with torch.no_grad():
        for part, end in ((w, ""), (back, "_reverse")):
            if part is None:
                continue
            getattr(made, f"weight_ih_l0{end}").copy_(torch.from_numpy(part["input"].T))
            getattr(made, f"weight_hh_l0{end}").copy_(torch.from_numpy(part["recurrent"].T))
            getattr(made, f"bias_ih_l0{end}").copy_(torch.from_numpy(part["bias"]))
            getattr(made, f"bias_hh_l0{end}").zero_()
        if projection is not None:
            made.weight_hr_l0.copy_(torch.from_numpy(projection.T))
    return made


def refused(direction="forward", reset="after", **others):
    """Raise for what these layers have no argument for."""
    if direction == "reverse":
        raise NotImplementedError("no layer that runs backward alone: flip inputs and outputs")
    if reset == "before":
        raise NotImplementedError("nn.GRU resets after the product")
    if others:
        raise NotImplementedError(f"the layers have no {', '.join(others)}")


def joined(state):
    """Return a state (batch, directions times units)."""
    return state.transpose(0, 1).flatten(1)


def cell(kind, w, x, lengths=None, start=None, back=None, activations=None, projection=None,
         **options):  # fmt: skip
    """Return outputs and states."""
    refused(**options)
    made = layer(kind, w, back, activations, projection)
    given = torch.from_numpy(x).float()
    if lengths is not None:
        ends = torch.from_numpy(lengths).long()
        given = nn.utils.rnn.pack_padded_sequence(given, ends, batch_first=True)
    states = None
    if start is not None:
        first = [torch.from_numpy(start[name]).float()[None] for name in sorted(start)[::-1]]
        states = tuple(first) if kind == "lstm" else first[0]
    with torch.no_grad():
        y, last = made(given, states)
    if lengths is not None:
        y, _ = nn.utils.rnn.pad_packed_sequence(y, batch_first=True)
    h, c = last if kind == "lstm" else (last, None)
    return {"y": y, "h": joined(h), "c": None if c is None else joined(c)}


def initial(kind, inputs, units):
    """Return initial weights."""
    torch.manual_seed(0)
    made = KINDS[kind](inputs, units)
    found = {"input": made.weight_ih_l0.T, "recurrent": made.weight_hh_l0.T}
    found |= {"bias": made.bias_ih_l0 + made.bias_hh_l0}
    return {name: value.detach().numpy() for name, value in found.items()}


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values, by the layers as they are in training."""
    options = {} if epsilon is None else {"eps": epsilon}
    x = torch.from_numpy(x).to(getattr(torch, dtype))
    made = {
        "layer": lambda: nn.LayerNorm(x.shape[-1], **options),
        "rms": lambda: nn.RMSNorm(x.shape[-1], **options),
        "batch": lambda: nn.BatchNorm1d(x.shape[1], **options),
        "group": lambda: nn.GroupNorm(groups, x.shape[1], **options),
        "instance": lambda: nn.InstanceNorm1d(x.shape[1], **options),
    }[kind]()
    with torch.no_grad():
        return {"y": made.to(x.dtype)(x).double().numpy()}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    options = {} if epsilon is None else {"eps": epsilon}
    given = [torch.from_numpy(part).float() for part in (x, mean, variance)]
    return {"y": F.batch_norm(*given, **options)}


def running(x):
    """Return the running statistics after one batch."""
    made = nn.BatchNorm1d(x.shape[1])
    made(torch.from_numpy(x).float())
    return {"mean": made.running_mean.numpy(), "variance": np.array(made.running_var)}
