#!/usr/bin/env bash
# What:      MeanVarianceNormalization of a constant channel (a blank image, a silent recording)
# Version:   onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6
# Behavior:  NaN, for zeros too; the other channels stay right, but all that follows is NaN
# Right:     0: the function body is (x - mean) / (deviation + 1e-9), and 0 is what is computed by
#            ONNX's reference evaluator (run below), OpenVINO 2026.4.1 and tract 0.23.9. (The
#            formula in the page's words leaves out the 1e-9: 0/0.)
# Seen:      NaN for images of 0, 0.1, 1 and 98765.4; 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check \
  onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$python" - <<'PY'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator

shape = (1, 2, 4, 4)
node = helper.make_node("MeanVarianceNormalization", ["x"], ["y"], axes=[0, 2, 3])
ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in "xy"]
graph = helper.make_graph([node], "one", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=10)
checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(
    model.SerializeToString(), providers=["CPUExecutionProvider"]
)
reference = ReferenceEvaluator(model)
unchanged = True
for value in (0.0, 0.1, 1.0, 98765.4):
    x = np.full(shape, value, np.float32)
    x[0, 1] = np.arange(16).reshape(4, 4)
    y = session.run(None, {"x": x})[0]
    right = reference.run(None, {"x": x})[0]
    print(value, "onnxruntime", y[0, 0, 0, 0], "reference", right[0, 0, 0, 0])
    unchanged &= np.isnan(y[0, 0]).all() and np.allclose(y[0, 1], right[0, 1], atol=1e-5)
    unchanged &= not right[0, 0].any()
print("unchanged: a constant channel becomes NaN" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
