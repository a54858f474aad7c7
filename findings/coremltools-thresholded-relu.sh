#!/usr/bin/env bash
# What:      thresholded_relu of a constant in a Core ML program (MIL), which coremltools computes
#            while it builds the program
# Version:   coremltools 9.0, numpy 2.4.6
# Behavior:  it sets the values below alpha to 0 in the constant itself: every other use of that
#            constant changes, and so does the NumPy array of the caller. Other activations copy.
# Right:     an operation gives a new value: x + c adds the weights as they were given
#            (coremltools' pull request 2795 is this)
# Seen:      the weights [-1, 0.25, 2] become [0, 0, 2], in the program and in the array; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check coremltools==9.0 numpy==2.4.6
"$python" -W ignore - 2> "$dir/log" <<'PY' || { cat "$dir/log" >&2; exit 1; }
import sys

import numpy as np
from coremltools.converters.mil import Builder as mb

given = [-1.0, 0.25, 2.0]


def build(activation, **settings):
    weights = np.array(given, dtype=np.float32)

    @mb.program(input_specs=[mb.TensorSpec(shape=(3,))])
    def program(x):
        constant = mb.const(val=weights)
        gate = getattr(mb, activation)(x=constant, **settings)
        return mb.mul(x=mb.add(x=x, y=constant, name="sum"), y=gate)

    (add,) = program.functions["main"].find_ops(op_type="add")
    return add.y.val.tolist(), weights.tolist()


results = {
    "relu": build("relu"),
    "leaky_relu": build("leaky_relu", alpha=0.1),
    "thresholded_relu": build("thresholded_relu", alpha=0.5),
}
for name, (added, array) in results.items():
    print(f"{name:16} x + c adds {added}, the caller's array is {array}")
unchanged = results.pop("thresholded_relu") == ([0.0, 0.0, 2.0], [0.0, 0.0, 2.0])
unchanged &= all(result == (given, given) for result in results.values())
print("unchanged: the constant is overwritten" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
