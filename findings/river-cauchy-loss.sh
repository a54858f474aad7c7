#!/usr/bin/env bash
# What:      the Cauchy loss of river's optimizers
# Version:   river 0.26.1
# Behavior:  calling it gives the absolute error |e|, without C; gradient() gives e / (1 + (e/C)^2),
#            the derivative of another function. The reported loss can rise along a descent.
# Right:     C^2/2 log(1 + (e/C)^2), whose derivative that is: 6339.2 for e = 200, C = 80
# Seen:      200, with a difference quotient of 1 beside a gradient of 27.59; 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check river==0.26.1
"$python" - <<'PY'
import math
import sys

from river.optim.losses import Cauchy

loss = Cauchy(C=80)
right = 80**2 / 2 * math.log1p((200 / 80) ** 2)
slope = (loss(0, 200 + 1e-3) - loss(0, 200 - 1e-3)) / 2e-3
gradient = loss.gradient(0, 200)
print(f"loss {loss(0, 200)}, right {right:.1f}; slope {slope:.4f}, gradient {gradient:.4f}")
unchanged = loss(0, 200) == 200 and abs(gradient - 200 / (1 + 2.5**2)) < 1e-9
print("unchanged: the loss is the absolute error" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
