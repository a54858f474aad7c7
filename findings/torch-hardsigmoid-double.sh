#!/usr/bin/env bash
# What:      the gradient of torch.nn.functional.hardsigmoid in float64
# Version:   torch 2.13.0 on the CPU
# Behavior:  between -3 and 3 it is 1/6 as a float32 has it, though the values are right to the last
#            bit. Every slope is off by 3e-8 of itself, 10^8 times what rounding costs there.
# Right:     1/6 = 0.16666666666666666, the derivative of min(max(x/6 + 1/2, 0), 1); central
#            differences of the values give it to ten digits
# Seen:      0.1666666716337204, which is 0.16666667 in float32; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check torch==2.13.0 numpy
"$python" -W ignore - <<'PY'
import sys

import torch
from torch.nn.functional import hardsigmoid

x = torch.tensor([-2.5, 0.0, 1.0], dtype=torch.float64, requires_grad=True)
y = hardsigmoid(x)
y.sum().backward()
slopes = x.grad.tolist()
with torch.no_grad():
    step = 2.0**-10
    differences = ((hardsigmoid(x + step) - hardsigmoid(x - step)) / (2 * step)).tolist()
print("gradient           ", slopes)
print("central differences", differences)
single = torch.tensor(1 / 6, dtype=torch.float32).double().item()
assert all(abs(slope - 1 / 6) < 1e-12 for slope in differences)
unchanged = all(abs(slope - single) < 1e-16 for slope in slopes)
print("unchanged: 1/6 in single precision" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
