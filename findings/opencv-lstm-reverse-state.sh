#!/usr/bin/env bash
# What:      an LSTM of ONNX with direction "reverse": all outputs, and the last state
# Version:   opencv-python-headless 5.0.0.93, onnx 1.23.2
# Behavior:  the outputs are right, and the last state is another: that of the step which was read
#            first. There is no error.
# Right:     the state after the whole sequence was read, Y_h of the operator's page
#            (https://onnx.ai/onnx/operators/onnx__LSTM.html): the output at the first place
# Seen:      outputs as onnxruntime 1.32.0; Y_h equals the output at the last place, not the first;
#            2026-12-01
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check \
  opencv-python-headless==5.0.0.93 onnx==1.23.2 onnxruntime==1.32.0
cd "$dir"
"$python" - <<'PY'
import sys

import cv2
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

STEPS, UNITS = 4, 2
draw = np.random.default_rng(0)
x = draw.normal(size=(STEPS, 1, 1)).astype(np.float32)
weights = {
    "W": draw.normal(size=(1, 4 * UNITS, 1)),
    "R": draw.normal(size=(1, 4 * UNITS, UNITS)),
    "B": draw.normal(size=(1, 8 * UNITS)),
}
constants = [numpy_helper.from_array(v.astype(np.float32), n) for n, v in weights.items()]
node = helper.make_node(
    "LSTM", ["x", *weights], ["Y", "Y_h"], hidden_size=UNITS, direction="reverse"
)
shapes = {"Y": [STEPS, 1, 1, UNITS], "Y_h": [1, 1, UNITS]}
given = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]
graph = helper.make_graph([node], "one", [given], outputs, constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
written = model.SerializeToString()
y, last = onnxruntime.InferenceSession(written).run(None, {"x": x})
assert np.allclose(y[0, 0, 0], last[0, 0])
net = cv2.dnn.readNetFromONNX(np.frombuffer(written, np.uint8))
net.setInput(x, "x")
seen, state = net.forward(["Y", "Y_h"])
print("onnxruntime, Y_h:", last.ravel())
print("OpenCV, Y_h:     ", state.ravel())
assert np.allclose(seen.reshape(y.shape), y, atol=1e-5)
unchanged = np.allclose(state.ravel(), y[-1].ravel(), atol=1e-5)
print("unchanged: the state after one step" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
