#!/usr/bin/env bash
# What:      means, and what rests on them, of more than 65,504 float16 numbers on MLX's CPU backend
# Version:   mlx 0.32.4 (CPU), numpy 2.4.6
# Behavior:  the sum is kept in float16 and overflows before it is divided: the mean of 70,000 ones
#            is inf. BatchNorm in training then gives NaN and keeps inf and NaN as its running
#            averages; a mean cross-entropy over 70,000 tokens is inf. InstanceNorm of the same
#            numbers is right, and so is bfloat16.
# Right:     1, which float16 holds exactly (numpy: 1.0); normalized values of deviation 1
# Seen:      inf; NaN; inf; deviation 1.0000 from InstanceNorm; 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check "mlx[cpu]==0.32.4" numpy==2.4.6
"$python" - <<'PY'
import sys

import mlx.core as mx
import mlx.nn as nn
import numpy as np

mx.set_default_device(mx.cpu)
ones = np.ones(70_000, np.float16)
mean = mx.mean(mx.array(ones)).item()
x = mx.array(np.random.default_rng(0).normal(1, 1, (80, 32, 32, 1)).astype(np.float16))
norm = nn.BatchNorm(1)
norm.set_dtype(mx.float16)
batch = np.array(norm(x))
kept = np.array([norm.running_mean.item(), norm.running_var.item()])
instance = np.array(nn.InstanceNorm(1)(x.reshape(1, -1, 1))).astype(np.float64)
logits, labels = mx.zeros((70_000, 3), dtype=mx.float16), mx.zeros(70_000, dtype=mx.int32)
loss = nn.losses.cross_entropy(logits, labels, reduction="mean").item()
print("mean of ones", mean, "numpy", ones.mean())
print("BatchNorm", batch.ravel()[:2], "running", kept, "InstanceNorm", instance.std().round(4))
print("cross-entropy", loss, "right", np.log(3).round(4))
unchanged = np.isinf([mean, loss]).all() and np.isnan(batch).all()
unchanged &= not np.isfinite(kept).any() and abs(instance.std() - 1) < 1e-3
print("unchanged: float16 means overflow" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
