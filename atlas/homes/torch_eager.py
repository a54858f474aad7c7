"""PyTorch, step by step."""

import torch

PACKAGES = ["torch==2.13.0"]
SETUP = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F"
DTYPES = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}
LINES = {
    "identity": ["nn.Identity()(x)"],
    "relu": ["F.relu(x)", "torch.clamp(x, min=0)", "torch.maximum(x, torch.zeros_like(x))"],
    "leaky_relu": ["F.leaky_relu(x)"],
    "prelu": ["F.prelu(x, torch.full((1,), 0.25, dtype=x.dtype))"],
    "rrelu": ["F.rrelu(x)"],
    "threshold": ["F.threshold(x, 0, 0)"],
    "relu6": ["F.relu6(x)", "torch.clamp(x, 0, 6)"],
    "hard_tanh": ["F.hardtanh(x)", "torch.clamp(x, -1, 1)"],
    "hard_sigmoid": ["F.hardsigmoid(x)"],
    "hard_shrink": ["F.hardshrink(x)"],
    "soft_shrink": ["F.softshrink(x)"],
    "hard_swish": ["F.hardswish(x)"],
    "sigmoid": ["torch.sigmoid(x)"],
    "log_sigmoid": ["F.logsigmoid(x)", "torch.log(torch.sigmoid(x))"],
    "tanh": ["torch.tanh(x)"],
    "softsign": ["F.softsign(x)"],
    "tanh_shrink": ["F.tanhshrink(x)"],
    "softplus": ["F.softplus(x)"],
    "elu": ["F.elu(x)"],
    "celu": ["F.celu(x)"],
    "selu": ["F.selu(x)"],
    "gelu": ["F.gelu(x)"],
    "gelu_tanh": ['F.gelu(x, approximate="tanh")'],
    "silu": ["F.silu(x)", "x * torch.sigmoid(x)"],
    "mish": ["F.mish(x)"],
    "softmax": ["F.softmax(x, dim=-1)"],
    "softmin": ["F.softmin(x, dim=-1)"],
    "log_softmax": ["F.log_softmax(x, dim=-1)", "torch.log(F.softmax(x, dim=-1))"],
    "logsumexp": ["torch.logsumexp(x, dim=-1)"],
    "glu": ["F.glu(x)"],
}


def run(line, x):
    """Return what a line answers."""
    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "x": x}
    return eval(line, names)


def values(line, x, dtype):
    """Return the values of a line."""
    with torch.no_grad():
        return run(line, torch.from_numpy(x).to(DTYPES[dtype])).double().numpy()


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    leaf = torch.from_numpy(x).to(DTYPES[dtype]).requires_grad_()
    y = run(line, leaf)
    (y if x.ndim == 1 else y[..., 0] if y.ndim == x.ndim else y).sum().backward()
    return leaf.grad.double().numpy()
