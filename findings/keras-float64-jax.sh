#!/usr/bin/env bash
# What:      keras.ops on the JAX backend with float64 arrays, JAX's 64 bits on, floatx float64
# Version:   keras 3.15.1, jax 0.10.2 on the CPU
# Behavior:  tanh and sin of a float64 array are a float32 array, without a warning; exp and sqrt of
#            the same array stay float64
# Right:     math.tanh(0.3) = 0.2913126124515909; the same call on the TensorFlow backend, and
#            jax.numpy.tanh, have all digits
# Seen:      keras 0.2913126051425934 in float32, jax.numpy 0.29131261245159085; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check keras==3.15.1 jax==0.10.2
JAX_PLATFORMS=cpu JAX_ENABLE_X64=1 KERAS_BACKEND=jax "$python" -W ignore - <<'PY'
import math
import sys

import jax.numpy as jnp
import keras
import numpy as np

keras.config.set_floatx("float64")
x = np.array([0.3])
given = keras.ops.convert_to_tensor(x)
seen = keras.ops.tanh(given)
plain = jnp.tanh(jnp.asarray(x))
print("dtypes ", given.dtype, seen.dtype, plain.dtype)
print("keras  ", float(seen[0]))
print("jax    ", float(plain[0]))
print("exact  ", math.tanh(0.3))
errors = {
    name: abs(float(getattr(keras.ops, name)(given)[0]) - getattr(math, name)(0.3))
    for name in ("tanh", "sin", "exp", "sqrt")
}
print(errors)
assert abs(float(plain[0]) - math.tanh(0.3)) < 1e-15
unchanged = (
    str(given.dtype) == "float64"
    and str(seen.dtype) == "float32"
    and errors["tanh"] > 1e-10
    and errors["sin"] > 1e-10
    and max(errors["exp"], errors["sqrt"]) < 1e-15
)
print("unchanged: float32 comes back" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
