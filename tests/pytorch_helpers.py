"""What several tests of the PyTorch modules share."""

import numpy as np
import torch
from torch import nn

from course_lib import pytorch
from course_lib.activations import CATALOGUE

CARRIED = [row.name for row in CATALOGUE.values() if row.pytorch and row.kind != "groups"]
TORCH_DTYPES = {np.float32: torch.float32, np.float64: torch.float64}
X, Y = np.zeros((4, 2)), np.zeros(4, int)


def seeded(*modules, dtype=torch.float64):
    """Return a module with the weights of a fixed seed."""
    model = nn.Sequential(*modules).to(dtype)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=dtype))
    return model


def check_equal(ours, model, near=1e-12):
    """Check outputs and all gradients of a network against PyTorch's autograd."""
    x = np.random.default_rng(1).normal(size=(40, 3)).astype(ours.dtype) * 2
    logits = model(torch.tensor(x))
    np.testing.assert_allclose(ours(x), logits.detach(), rtol=near, atol=near)
    weight = np.random.default_rng(2).normal(size=logits.shape).astype(ours.dtype)
    ours.backward(weight)
    model.zero_grad()
    (logits * torch.tensor(weight)).sum().backward()
    for name, parameter in model.named_parameters():
        own, theirs = carried(ours.gradients[name], parameter.ndim), parameter.grad.numpy()
        np.testing.assert_allclose(own, theirs, rtol=0, atol=near * np.abs(theirs).max())


def carried(gradient, ndim):
    """Return the gradient of a weight or a bias in the shape that PyTorch has."""
    return gradient.T if ndim == 2 else gradient[0]


class Tanh(nn.Module):
    """A module that looks like one of PyTorch."""

    def forward(self, x):
        return 2 * torch.tanh(x)


class Shifted(nn.ReLU):
    """A module that is derived from one of PyTorch, and computes something else."""

    def forward(self, x):
        return super().forward(x) + 1


class Squeezed(nn.Linear):
    """A module that leaves out an axis."""

    def forward(self, x):
        return super().forward(x)[:, 0]


def normalized(dtype=torch.float64):
    """Return a module with both normalizations in blocks within blocks, and averages that moved."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Linear(3, 6),
            nn.BatchNorm1d(6, eps=1e-3, momentum=0.3),
            nn.Tanh(),
            pytorch.Residual(
                nn.Linear(6, 6),
                nn.LayerNorm(6, eps=1e-4),
                pytorch.Residual(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.ReLU()),
                nn.PReLU(6),
            ),
            nn.Linear(6, 2),
        ).to(dtype)
        model.train()
        for _ in range(3):
            model(torch.randn(20, 3, dtype=dtype) * 2 + 1)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:
                    parameter.add_(torch.rand(parameter.shape, dtype=dtype))
    return model


def averages(model):
    """Return the running averages of a module by name."""
    return {name: value.numpy() for name, value in model.named_buffers() if "running" in name}


def back(*modules):
    """Carry modules behind a linear layer to NumPy."""
    return pytorch.to_numpy(nn.Sequential(nn.Linear(2, 2), *modules))


def try_fit(x=X, y=Y, model=None, **options):
    model = pytorch.mlp([2, 2]) if model is None else model
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    pytorch.fit(model, x, y, **({"optimizer": sgd, "progress": False} | options))
