#!/usr/bin/env bash
# What:      the gradient of an activation where the input is NaN, as the last of n float32 numbers,
#            on the CPU
# Version:   torch 2.13.0
# Behavior:  it depends on the place: what lies in whole vectors gets NaN (elu, selu, celu,
#            hardswish) or 0 (hardshrink, softshrink, hardtanh, relu6), what is left at the end gets
#            the derivative for x > 0. A check for NaN in gradients finds it or not by the batch size.
# Right:     an elementwise function, as their pages call all of these, has one derivative for one
#            number: for elu, selu, celu and hardswish NaN, which JAX 0.10.2 gives at every place
# Seen:      elu: 1.0 for n = 1 to 15, nan for 16, 1.0 for 17; hardtanh: 1.0, 0.0, 1.0; 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check torch==2.13.0
"$python" -W ignore - <<'PY'
import sys

import torch
from torch.nn import functional

NAMES = "elu", "selu", "celu", "hardswish", "hardshrink", "softshrink", "hardtanh", "relu6"


def gradient(name, n):
    x = torch.ones(n)
    x[-1] = torch.nan
    x.requires_grad_()
    value = getattr(functional, name)(x)
    assert value[-1].isnan()
    return torch.autograd.grad(value.sum(), x)[0][-1].item()


unchanged = True
for name in NAMES:
    found = [gradient(name, n) for n in range(1, 65)]
    kinds = sorted(set(map(str, found)))
    print(f"{name:10} n = 15, 16, 17, 64: {found[14]}, {found[15]}, {found[16]}, {found[63]}")
    unchanged &= len(kinds) == 2
print("unchanged: two gradients for one number" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
