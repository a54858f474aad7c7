"""PyTorch: layers and their initial weights, dropout, optimizers and losses."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

PACKAGES = ["torch==2.13.0"]
SETUP = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F"


def dense(fan_in, fan_out):
    """Return initial weights."""
    torch.manual_seed(0)
    return {"w": nn.Linear(fan_in, fan_out).weight.detach().numpy().T}


def he_normal(fan_in, fan_out):
    """Return weights of the initializer that bears the name."""
    torch.manual_seed(0)
    return {"w": nn.init.kaiming_normal_(torch.empty(fan_out, fan_in)).numpy().T}


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones."""
    torch.manual_seed(0)
    made = nn.Dropout(rate).train(training)
    return {"y": made(torch.ones(n, dtype=getattr(torch, dtype))).double().numpy()}


def alpha_dropped(rate, n):
    """Return what alpha dropout makes of standard normal numbers."""
    torch.manual_seed(0)
    return {"y": nn.AlphaDropout(rate)(torch.randn(n)).numpy()}


def masks(n):
    """Return two masks of one seed, the second from a compiled function."""
    found = []
    for run in (F.dropout, torch.compile(F.dropout)):
        torch.manual_seed(0)
        found.append(run(torch.ones(n), 0.5).numpy() == 0)
    return {"y": np.stack(found)}


def adam(gradients, dtype="float32"):
    """Return how far the first step goes for each gradient."""
    given = torch.from_numpy(gradients).to(getattr(torch, dtype))
    parameter = nn.Parameter(torch.zeros_like(given))
    parameter.grad = given
    torch.optim.Adam([parameter], lr=1.0).step()
    return {"y": -parameter.detach().double().numpy()}


def descent(gradients):
    """Return how far a step of plain gradient descent with learning rate 1 goes for each."""
    parameter = nn.Parameter(torch.zeros(len(gradients), dtype=torch.float64))
    parameter.grad = torch.from_numpy(gradients)
    torch.optim.SGD([parameter], lr=1.0).step()
    return {"y": -parameter.detach().numpy()}


def decay():
    """Return what AdamW leaves of 1 with learning rate 0.5 and gradient 0."""
    parameter = nn.Parameter(torch.ones(1))
    parameter.grad = torch.zeros(1)
    torch.optim.AdamW([parameter], lr=0.5).step()
    return {"y": parameter.detach().numpy()}


def smoothed(logits, rate):
    """Return the cross-entropy of class 0."""
    given = torch.from_numpy(logits)[None]
    return {"loss": F.cross_entropy(given, torch.tensor([0]), label_smoothing=rate).numpy()}


def absolute():
    """Return the slope of the absolute value at 0."""
    x = torch.zeros(1, requires_grad=True)
    torch.abs(x).sum().backward()
    return {"y": x.grad.numpy()}
