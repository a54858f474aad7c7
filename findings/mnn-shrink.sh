#!/usr/bin/env bash
# What:      the operator Shrink of ONNX, a model of one node converted and run by MNN
# Version:   MNN 3.6.1, onnx 1.23.2
# Behavior:  negative inputs are compared the wrong way round: those above -lambd are kept, those
#            below it become 0. There is no error. Positive inputs are right.
# Right:     x + bias for x < -lambd, x - bias for x > lambd, 0 between them, by the operator's page
#            (https://onnx.ai/onnx/operators/onnx__Shrink.html) and onnxruntime 1.32.0
# Seen:      for -3, -0.25, 0.25, 3 with lambd 0.5: MNN 0, -0.25, 0, 3; onnxruntime -3, 0, 0, 3;
#            2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check \
  MNN==3.6.1 onnx==1.23.2 onnxruntime==1.32.0
cd "$dir"
"$python" - <<'PY'
import subprocess
import sys

import MNN
import numpy as np
import onnx
import onnxruntime
from MNN import expr
from onnx import TensorProto, helper

x = np.array([[-3.0, -0.25, 0.25, 3.0]], dtype=np.float32)
info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in "xy"]
node = helper.make_node("Shrink", ["x"], ["y"], lambd=0.5, bias=0.0)
graph = helper.make_graph([node], "one", info[:1], info[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.save(model, "one.onnx")
options = ["--framework", "ONNX", "--modelFile", "one.onnx", "--MNNModel", "one.mnn"]
program = "import sys, _tools; _tools.mnnconvert(sys.argv)"
subprocess.run([sys.executable, "-c", program, *options, "--bizCode", "one"],
               capture_output=True, check=True)
net = MNN.nn.load_module_from_file("one.mnn", ["x"], ["y"])
given = expr.const(x, list(x.shape), expr.NCHW)
seen = np.array(expr.convert(net.forward(given), expr.NCHW).read()).ravel().tolist()
right = onnxruntime.InferenceSession("one.onnx").run(None, {"x": x})[0].ravel().tolist()
print("MNN        ", seen)
print("onnxruntime", right)
assert right == [-3.0, 0.0, 0.0, 3.0]
unchanged = seen == [0.0, -0.25, 0.0, 3.0]
print("unchanged: negative inputs the wrong way round" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
