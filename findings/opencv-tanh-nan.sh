#!/usr/bin/env bash
# What:      Tanh, Softplus and LogSoftmax of ONNX in OpenCV's dnn module, at inputs above 44 and 88
# Version:   opencv-python-headless 5.0.0.93, onnx 1.23.2
# Behavior:  tanh is NaN from 44.5 on where the vectorized code computes it and 1 in what is left
#            at the end: exp(2x) overflows. Softplus(89) is inf; LogSoftmax of 0 and 100 is -inf.
# Right:     tanh(45) = 1, softplus(89) = 89, log softmax = (-100, 0) within float32, from the
#            formulas of the operators' pages in Python's math; onnxruntime gives these
# Seen:      67 tanh of 45: 64 NaN, 3 times 1; inf; -inf; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check \
  opencv-python-headless==5.0.0.93 onnx==1.23.2 onnxruntime==1.32.0
"$python" - <<'PY'
import math
import sys

import cv2
import numpy as np
import onnxruntime
from onnx import TensorProto, helper


def run(operator, values):
    array = np.array([values], dtype=np.float32)
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, array.shape) for n in "xy"]
    node = helper.make_node(operator, ["x"], ["y"])
    graph = helper.make_graph([node], "one", info[:1], info[1:])
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
    net.setInput(array)
    other = onnxruntime.InferenceSession(model).run(None, {"x": array})[0]
    return net.forward()[0].tolist(), other[0].tolist()


tanh, right_tanh = run("Tanh", [45.0] * 67)
softplus, right_softplus = run("Softplus", [89.0])
logs, right_logs = run("LogSoftmax", [0.0, 100.0])
missing = sum(map(math.isnan, tanh))
print(f"tanh(45)     opencv NaN {missing} times and 1 {tanh.count(1)} times, "
      f"onnxruntime 1 {right_tanh.count(1)} times")
print("softplus(89) opencv", softplus, "onnxruntime", right_softplus)
print("log softmax  opencv", logs, "onnxruntime", right_logs)
total = 100 + math.log1p(math.exp(-100))
exact = (
    [math.tanh(45)] * 67,
    [89 + math.log1p(math.exp(-89))],
    [0 - total, 100 - total],
)
assert all(map(np.allclose, (right_tanh, right_softplus, right_logs), exact))
unchanged = missing > 0 and softplus == [math.inf] and logs[0] == -math.inf
print("unchanged: the exponential overflows" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
