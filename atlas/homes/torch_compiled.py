"""PyTorch, compiled: `torch.compile` of the line by itself, with its default backend.

A function that holds nothing but the line is compiled, anew for each line and dtype, so that no
limit of recompilations and no dynamic shape comes between. What is fused with other code may be
rounded elsewhere.
"""

import torch
from torch_eager import DTYPES, LINES, PACKAGES, SETUP

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]


def compiled(line):
    """Return a line as a compiled function of `x`."""
    torch._dynamo.reset()
    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    return torch.compile(eval(f"lambda x: {line}", names), fullgraph=True)


def values(line, x, dtype):
    """Return the values of a line."""
    with torch.no_grad():
        return compiled(line)(torch.from_numpy(x).to(DTYPES[dtype])).double().numpy()


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    leaf = torch.from_numpy(x).to(DTYPES[dtype]).requires_grad_()
    y = compiled(line)(leaf)
    (y if x.ndim == 1 else y[..., 0] if y.ndim == x.ndim else y).sum().backward()
    return leaf.grad.double().numpy()
