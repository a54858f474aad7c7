#!/usr/bin/env bash
# What:      paddle.nn.functional.softmax and log_softmax of logits that lie more than 64 apart
# Version:   paddlepaddle 3.3.1 on the CPU, float32
# Behavior:  differences to the largest logit below -64 are taken for -64, in both: probabilities
#            never fall below 1.6e-28, and the logarithm says -64 for -100 and for -200
# Right:     softmax(x) - its logarithm is x - max(x) - log(sum(exp(x - max(x)))), -200 and -150
#            here; torch and NumPy in float32 give it exactly
# Seen:      for 0, 50, 100, 200: softmax 1.6e-28 three times, log_softmax -64 three times;
#            2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check paddlepaddle==3.3.1 numpy
"$python" -W ignore - <<'PY' 2>/dev/null
import sys

import numpy as np
import paddle
from paddle.nn import functional as F

x = np.array([0, 50, 100, 200], dtype=np.float32)
seen = F.softmax(paddle.to_tensor(x)).numpy()
logs = F.log_softmax(paddle.to_tensor(x)).numpy()
right = x - x.max() - np.log(np.exp(x - x.max()).sum())
print("softmax    ", seen.tolist())
print("log_softmax", logs.tolist())
print("right      ", right.tolist())
assert right.tolist() == [-200, -150, -100, 0]
least = np.exp(np.float32(-64))
unchanged = logs.tolist() == [-64, -64, -64, 0] and np.allclose(seen[:3], least, rtol=1e-5, atol=0)
print("unchanged: cut at -64" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
