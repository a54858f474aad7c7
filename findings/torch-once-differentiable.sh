#!/usr/bin/env bash
# What:      a gradient penalty through a function marked with once_differentiable
# Version:   torch 2.13.0
# Behavior:  where nothing above the function needs a gradient (y.sum()), grad(create_graph=True)
#            returns a constant, and the penalty's derivative is missing from the sum without a
#            word. Multiplied by a weight that needs a gradient the same penalty raises.
# Right:     "attempts to perform double backward through your function will produce an error"
#            (PyTorch's page "Extending PyTorch"); the derivative would be 2x + 8x = 30 for x = 3
# Seen:      6 without an error; RuntimeError with the weight; 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check torch==2.13.0
"$python" -W ignore - <<'PY'
import sys

import torch
from torch.autograd.function import once_differentiable


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return 2 * x * grad_output


def derivative(square, weight):
    x = torch.tensor([3.0], requires_grad=True)
    y = (square(x) * weight).sum()
    (gradient,) = torch.autograd.grad(y, x, create_graph=True)
    (y + (gradient**2).sum()).backward()
    return x.grad.item()


silent = derivative(Square.apply, 1.0)
right = derivative(torch.square, 1.0)
try:
    derivative(Square.apply, torch.tensor([1.0], requires_grad=True))
    raised = False
except RuntimeError as error:
    print("with a weight:", error)
    raised = True
print("without:", silent, "right:", right)
unchanged = silent == 6 and right == 30 and raised
print("unchanged: the penalty is left out silently" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
