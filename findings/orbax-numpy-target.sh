#!/usr/bin/env bash
# What:      StandardCheckpointer.restore into a target of another shape or dtype
# Version:   orbax-checkpoint 0.12.8, jax 0.10.2, numpy 2.4.6
# Behavior:  a jax target of another shape raises; a NumPy target of another shape does not: the
#            array comes back in the stored shape. A dtype is taken from either, and float weights
#            are cut to integers: 0.75 becomes 0. No warning in either case.
# Right:     the ValueError that the same target gets as a jax array ("not compatible with the
#            stored shape ... Truncating/padding is disabled")
# Seen:      (2, 3) for the targets (2, 2) and (7,); zeros for an int32 target; 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check \
  orbax-checkpoint==0.12.8 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$python" - "$dir" 2> "$dir/log" <<'PY' || { cat "$dir/log"; exit 1; }
import sys

import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

path = sys.argv[1] + "/saved"
with ocp.StandardCheckpointer() as checkpointer:
    checkpointer.save(path, {"w": np.full((2, 3), 0.75, np.float32)})
    checkpointer.wait_until_finished()

    def restored(target):
        return checkpointer.restore(path, {"w": target})["w"]

    shapes = [restored(np.zeros(shape, np.float32)).shape for shape in [(2, 2), (7,)]]
    integers = [restored(np.zeros((2, 3), np.int32)), restored(jnp.zeros((2, 3), jnp.int32))]
    try:
        restored(jnp.zeros((2, 2)))
        raised = False
    except ValueError as error:
        raised = "not compatible with the stored shape" in str(error)
print("NumPy targets (2, 2), (7,) give", shapes, "- jax target raises:", raised)
print("int32 targets give", [x.ravel()[:2].tolist() for x in integers])
unchanged = raised and shapes == [(2, 3)] * 2 and not any(np.asarray(x).any() for x in integers)
print("unchanged: a NumPy target's shape is ignored" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
