#!/usr/bin/env bash
# What:      the steps of optax.rprop
# Version:   optax 0.2.8, jax 0.10.2
# Behavior:  it applies the step of the update before: the first update is 0 whatever the gradient,
#            and a parameter whose gradient has become 0 still moves on. Where the sign flips it
#            does not move twice, not once.
# Right:     Riedmiller & Braun (1993), which its page cites, and PyTorch's Rprop: the sign of the
#            present gradient times the step size: -0.1, -0.12, 0 for the gradients 1, 1, 0
# Seen:      0, -0.1, -0.12 (optax pull request 1725 says the same); 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check optax==0.2.8 jax==0.10.2 jaxlib==0.10.2
JAX_PLATFORMS=cpu "$python" - <<'PY'
import sys

import jax.numpy as jnp
import numpy as np
import optax


def seen(gradients):
    optimizer = optax.rprop(0.1)
    state = optimizer.init(jnp.zeros(1))
    steps = []
    for gradient in gradients:
        update, state = optimizer.update(jnp.array([gradient]), state)
        steps.append(round(float(update[0]), 6))
    return steps


def right(gradients):
    """Return the steps of Rprop without backtracking, as PyTorch takes them."""
    before, size, steps = 0.0, 0.1, []
    for gradient in gradients:
        product = gradient * before
        size *= 1.2 if product > 0 else 0.5 if product < 0 else 1
        before = 0.0 if product < 0 else gradient
        steps.append(round(float(-np.sign(before) * size), 6))
    return steps


unchanged = True
for gradients, late in (
    ([1.0, 1.0, 0.0], [0, -0.1, -0.12]),
    ([1.0, -1.0, -1.0, -1.0], [0, 0, 0, 0.05]),
):
    print(gradients, "optax", seen(gradients), "right", right(gradients))
    unchanged &= np.allclose(seen(gradients), late) and not np.allclose(right(gradients), late)
print("unchanged: each step comes one update late" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
