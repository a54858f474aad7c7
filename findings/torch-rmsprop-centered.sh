#!/usr/bin/env bash
# What:      RMSprop(centered=True) while a parameter's gradient stays constant
# Version:   torch 2.13.0
# Behavior:  the mean of squares less the squared mean, a variance, rounds below 0, its root is NaN,
#            and so is the parameter for good: 16 of 1,000 gradients between 1 and 10 within 1,500
#            steps. eps, added after the root, does not help; without centered all is well.
# Right:     a variance is at least 0 (Graves, 2013, equation 40, to which its page refers): finite,
#            as it is with float64 and for the other 984
# Seen:      NaN for 1.4324, 1.5045, 2.8649, ...; 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check torch==2.13.0
"$python" -W ignore - <<'PY'
import sys

import torch

GRADIENTS = torch.linspace(1, 10, 1000)


def broken(dtype, centered=True):
    parameter = torch.nn.Parameter(torch.zeros(1000, dtype=dtype))
    optimizer = torch.optim.RMSprop([parameter], centered=centered)
    for _ in range(1500):
        parameter.grad = GRADIENTS.to(dtype)
        optimizer.step()
    return parameter.isnan()


lost = broken(torch.float32)
print(lost.sum().item(), "of 1000 are NaN, for", GRADIENTS[lost].tolist()[:5])
unchanged = 0 < lost.sum() < 100
unchanged &= not (broken(torch.float64).any() or broken(torch.float32, centered=False).any())
print("unchanged: a constant gradient ends in NaN" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
