"""The network in PyTorch."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

PACKAGES = ["torch==2.13.0"]
SETUP = "import torch\nfrom torch import nn"


def network(w):
    """Return the network with given weights, in their dtype."""
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    model = model.to(torch.from_numpy(w["w1"]).dtype)
    with torch.no_grad():
        for layer, i in ((model[0], 1), (model[2], 2)):
            layer.weight.copy_(torch.from_numpy(w[f"w{i}"].T))
            layer.bias.copy_(torch.from_numpy(w[f"b{i}"]))
    return model


def logits(w, x):
    """Return logits (batch, 10)."""
    with torch.no_grad():
        return network(w)(torch.from_numpy(x)).numpy()


def gradients(w, x, y):
    """Return the gradients of the mean cross-entropy."""
    model = network(w)
    F.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y)).backward()
    return {"w1": model[0].weight.grad.T, "b1": model[0].bias.grad,
            "w2": model[2].weight.grad.T, "b2": model[2].bias.grad}  # fmt: skip


def train(w, xs, ys, rate):
    """Return the loss before each step."""
    model = network(w)
    descent = torch.optim.SGD(model.parameters(), rate)
    losses = []
    for x, y in zip(xs, ys, strict=True):
        descent.zero_grad()
        loss = F.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y))
        loss.backward()
        descent.step()
        losses.append(loss.item())
    return np.array(losses)


def dense(fan_in, fan_out):
    """Return initial weights."""
    torch.manual_seed(0)
    return nn.Linear(fan_in, fan_out).weight.detach().numpy().T


def dropped(rate, n):
    """Return ones after dropout in training."""
    torch.manual_seed(0)
    return nn.Dropout(rate)(torch.ones(n)).numpy()


def batch_norm(x):
    """Return running mean and variance after one batch."""
    layer = nn.BatchNorm1d(x.shape[1])
    layer(torch.from_numpy(x).float())
    return np.stack([layer.running_mean.numpy(), layer.running_var.numpy()])


def adam(gradients):
    """Return the first step for each gradient."""
    parameter = nn.Parameter(torch.zeros(len(gradients), dtype=torch.float64))
    parameter.grad = torch.from_numpy(gradients)
    torch.optim.Adam([parameter], lr=1.0).step()
    return -parameter.detach().numpy()


def gru(w, x):
    """Return the last output (batch, units); gates in the order reset, update, candidate."""
    units = w["recurrent"].shape[0]
    layer = nn.GRU(x.shape[2], units, batch_first=True).double()
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.from_numpy(w["input"].T))
        layer.weight_hh_l0.copy_(torch.from_numpy(w["recurrent"].T))
        layer.bias_ih_l0.zero_()
        layer.bias_hh_l0.zero_()
        return layer(torch.from_numpy(x))[0][:, -1].numpy()
