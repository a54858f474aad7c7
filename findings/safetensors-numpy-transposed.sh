#!/usr/bin/env bash
# What:      safetensors.numpy.save of an array that is not C-contiguous (a transposed weight)
# Version:   safetensors 0.8.0, numpy 2.4.6
# Behavior:  the header takes the array's shape, the data its memory order: values come back
#            in other places, without an error or a warning. The docstring asks for contiguous
#            arrays; nothing checks it. Porting a dense layer from (in, out) to (out, in) by `.T`
#            meets it.
# Right:     load(save(a)) equals a: the format's specification says row-major order
# Seen:      [[0, 1], [2, 3], [4, 5]] instead of [[0, 3], [1, 4], [2, 5]]; 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
"$python" - <<'PY'
import sys

import numpy as np
from safetensors.numpy import load, save

weight = np.arange(6, dtype=np.float32).reshape(2, 3)
transposed = load(save({"w": weight.T}))["w"]
fortran = load(save({"w": np.asfortranarray(weight)}))["w"]
copied = load(save({"w": np.ascontiguousarray(weight.T)}))["w"]
print("saved", weight.T.tolist(), "loaded", transposed.tolist())
unchanged = (
    np.array_equal(copied, weight.T)
    and transposed.tolist() == [[0, 1], [2, 3], [4, 5]]
    and fortran.tolist() == [[0, 3, 1], [4, 2, 5]]
)
print("unchanged: a transposed array is stored in memory order" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
