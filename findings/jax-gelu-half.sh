#!/usr/bin/env bash
# What:      jax.nn.gelu and its gradient in bfloat16 and float16, with the default approximate=True
# Version:   jax 0.10.2 on the CPU
# Behavior:  every step of the formula is rounded to the input's type. In bfloat16 1 + tanh(...)
#            loses the left tail: gelu(-3) is 61 % off and gelu is 0 from -3.0625 on. In float16 the
#            derivative of x^3 is infinite from 147.875 on and meets the slope 0 of tanh: the
#            gradient is NaN, while the value is right. PyTorch computes both in float32.
# Right:     the same formula in 30 digits: gelu(-3) = -0.0036374, gelu'(148) = 1
# Seen:      bfloat16 gelu(-3) = -0.005859, torch -0.003632; float16 gradient at 148 NaN, torch 1;
#            2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check \
  jax==0.10.2 torch==2.13.0 mpmath==1.3.0
JAX_PLATFORMS=cpu "$python" -W ignore - <<'PY'
import math
import sys

import jax
import jax.numpy as jnp
import torch
from mpmath import diff, mp, mpf, pi, sqrt, tanh

mp.dps = 30


def exact(x):
    return x / 2 * (1 + tanh(sqrt(2 / pi) * (x + mpf("0.044715") * x**3)))


def with_torch(x, dtype):
    number = torch.tensor(x, dtype=dtype, requires_grad=True)
    value = torch.nn.functional.gelu(number, approximate="tanh")
    value.backward()
    return value.item(), number.grad.item()


right = float(exact(mpf(-3))), float(diff(exact, mpf(148)))
value = float(jax.nn.gelu(jnp.bfloat16(-3)))
tail = float(jax.nn.gelu(jnp.bfloat16(-3.0625)))
slope = float(jax.grad(jax.nn.gelu)(jnp.float16(148)))
below = float(jax.grad(jax.nn.gelu)(jnp.float16(147.75)))
other_value = with_torch(-3.0, torch.bfloat16)[0]
other_slope = with_torch(148.0, torch.float16)[1]
print(f"bfloat16 gelu(-3)      jax {value:.6f}  torch {other_value:.6f}  right {right[0]:.6f}")
print(f"bfloat16 gelu(-3.0625) jax {tail}  right {float(exact(mpf('-3.0625'))):.6f}")
print(f"float16 gelu'(148)     jax {slope}  torch {other_slope}  right {right[1]}")
unchanged = (
    abs(value / right[0] - 1) > 0.5
    and tail == 0
    and math.isnan(slope)
    and below == 1
    and abs(other_value / right[0] - 1) < 2**-8
    and other_slope == right[1] == 1
)
print("unchanged: the steps are rounded to the input's type" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
