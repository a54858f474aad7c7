#!/usr/bin/env bash
# What:      a GRU of ONNX with direction "reverse", run by tract
# Version:   tract 0.23.9, onnx 1.23.2
# Behavior:  the attribute is ignored: the sequence is read from its beginning. There is no error.
# Right:     the sequence is read from its end, by the operator's page
#            (https://onnx.ai/onnx/operators/onnx__GRU.html) and onnxruntime 1.32.0
# Seen:      the outputs equal those of direction "forward"; 2026-12-01
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check \
  tract==0.23.9 onnx==1.23.2 onnxruntime==1.32.0
cd "$dir"
"$python" - <<'PY'
import sys

import numpy as np
import onnx
import onnxruntime
import tract
from onnx import TensorProto, helper, numpy_helper

STEPS, BATCH, INPUTS, UNITS = 4, 2, 2, 3
draw = np.random.default_rng(0)
x = draw.normal(size=(STEPS, BATCH, INPUTS)).astype(np.float32)
weights = {
    "W": draw.normal(size=(1, 3 * UNITS, INPUTS)),
    "R": draw.normal(size=(1, 3 * UNITS, UNITS)),
    "B": draw.normal(size=(1, 6 * UNITS)),
}


def answers(direction):
    constants = [numpy_helper.from_array(v.astype(np.float32), n) for n, v in weights.items()]
    node = helper.make_node(
        "GRU", ["x", *weights], ["Y"],
        hidden_size=UNITS, direction=direction, linear_before_reset=1,
    )
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
    output = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [STEPS, 1, BATCH, UNITS])
    graph = helper.make_graph([node], "one", [given], [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.save(model, "one.onnx")
    right = onnxruntime.InferenceSession("one.onnx").run(None, {"x": x})[0]
    runnable = tract.onnx().load("one.onnx").into_model().into_runnable()
    return right, runnable.run([x])[0].to_numpy()


forward, forward_tract = answers("forward")
reverse, reverse_tract = answers("reverse")
assert np.allclose(forward_tract, forward, atol=1e-5)
assert not np.allclose(reverse, forward, atol=1e-3)
print("onnxruntime, reverse:", reverse[0, 0, 0])
print("tract, reverse:      ", reverse_tract[0, 0, 0])
unchanged = np.allclose(reverse_tract, forward, atol=1e-5)
print("unchanged: read forward" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
