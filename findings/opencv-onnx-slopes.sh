#!/usr/bin/env bash
# What:      Swish with alpha, PRelu with one slope per feature, and Softmax of opset 11, read by
#            OpenCV's dnn module
# Version:   opencv-python-headless 5.0.0.93, onnx 1.23.2
# Behavior:  Swish ignores alpha; PRelu of slopes of shape (4,) on an input (2, 3, 4) takes slope c
#            for index c of the second axis instead of the last; Softmax of opset 11 normalizes the
#            its axis only, as that of opset 13. No message says so.
# Right:     x sigmoid(alpha x); slopes broadcast to the last axis; before opset 13 all axes from
#            `axis` (1) on are one (the operators' pages); onnxruntime does all three
# Seen:      at x = -2.25: -0.2145 for -0.0480, -0.225 for -2.025, 0.0900 for 0.0315; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check \
  opencv-python-headless==5.0.0.93 onnx==1.23.2 onnxruntime==1.32.0
"$python" - <<'PY'
import sys

import cv2
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

x = np.linspace(-3, 2.75, 24, dtype=np.float32).reshape(2, 3, 4)
slopes = np.array([0.1, 0.2, 0.5, 0.9], dtype=np.float32)


def run(operator, opset, slopes=None, **attributes):
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n in "xy"]
    constants = [] if slopes is None else [numpy_helper.from_array(slopes, "slopes")]
    names = ["x", *(constant.name for constant in constants)]
    node = helper.make_node(operator, names, ["y"], **attributes)
    graph = helper.make_graph([node], "one", info[:1], info[1:], constants)
    imports = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString()
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
    net.setInput(x)
    return net.forward(), onnxruntime.InferenceSession(model).run(None, {"x": x})[0]


def softmax(array, axes):
    exponentials = np.exp(array)
    return exponentials / exponentials.sum(axis=axes, keepdims=True)


def prelu(slopes):
    return np.where(x < 0, slopes * x, x)


cases = {  # what OpenCV gives, what is right
    "Swish": (run("Swish", 24, alpha=1.7), x / (1 + np.exp(-x)), x / (1 + np.exp(-1.7 * x))),
    "PRelu": (run("PRelu", 17, slopes), prelu(slopes[:3, None]), prelu(slopes)),
    "Softmax": (run("Softmax", 11), softmax(x, 1), softmax(x, (1, 2))),
}
unchanged = True
for name, ((opencv, runtime), wrong, right) in cases.items():
    assert np.allclose(runtime, right, atol=1e-6)
    print(f"{name:8} x = {x[0, 0, 3]}: opencv {opencv[0, 0, 3]:.6f}, right {right[0, 0, 3]:.6f}")
    unchanged &= np.allclose(opencv, wrong, atol=1e-6) and not np.allclose(wrong, right, atol=1e-2)
print("unchanged: other functions than the file's" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
