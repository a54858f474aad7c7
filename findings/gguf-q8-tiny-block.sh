#!/usr/bin/env bash
# What:      GGUF's 8-bit blocks (Q8_0) for a block of small weights, beside the 4-bit ones (Q4_0)
# Version:   gguf 0.19.0, numpy 2.4.6
# Behavior:  a block whose largest weight is below 127 * 2^-25 = 3.785e-6 is stored as 32 zeros in
#            Q8_0, for the scale (largest / 127) is a float16 and rounds to 0; Q4_0, whose scale is
#            largest / 8, keeps the same block. The finer format loses what the coarser one keeps.
# Right:     an error of at most largest / 254, half a step of 8 bits (the format's own design)
# Seen:      error over the block's largest weight: Q8_0 1.00, Q4_0 0.17; 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check gguf==0.19.0 numpy==2.4.6
"$python" - <<'PY'
import sys

import numpy as np
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize


def error(name, largest):
    kind = GGMLQuantizationType[name]
    weights = np.linspace(-largest, largest, 32, dtype=np.float32).reshape(1, -1)
    return np.abs(dequantize(quantize(weights, kind), kind) - weights).max() / largest


small = {name: error(name, 3e-6) for name in ("Q8_0", "Q4_0")}
usual = {name: error(name, 3e-2) for name in ("Q8_0", "Q4_0")}
for name in small:
    print(f"{name}: error {small[name]:.2f} at 3e-6, {usual[name]:.4f} at 3e-2")
unchanged = abs(small["Q8_0"] - 1) < 1e-6 and small["Q4_0"] < 0.2 and usual["Q8_0"] < 0.01
print("unchanged: Q8_0 stores the small block as zeros" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
