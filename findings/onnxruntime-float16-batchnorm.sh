#!/usr/bin/env bash
# What:      BatchNormalization of ONNX in training mode, float16, its statistics constants of the model
# Version:   onnxruntime 1.32.0, onnx 1.23.2
# Behavior:  with graph optimizations, which are on by default, outputs are normalized by a mixture
#            of the batch's statistics and the constants; without them, in float32, or with the
#            statistics as inputs, they are right. There is no error.
# Right:     (x - mean of the batch) / sqrt(variance of the batch + epsilon), by the operator's page
#            (https://onnx.ai/onnx/operators/onnx__BatchNormalization.html): -1 and 1
# Seen:      for 10 and 12: optimized 0.1 and 2.1, not optimized -1 and 1; 2026-12-01
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0
cd "$dir"
"$python" - <<'PY'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

LEVELS = onnxruntime.GraphOptimizationLevel


def answer(kind, level):
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    values = {"scale": 1, "offset": 0, "mean": 0, "variance": 1}
    constants = [numpy_helper.from_array(np.full(1, v, dtype), n) for n, v in values.items()]
    node = helper.make_node(
        "BatchNormalization", ["x", *values], ["y", "new_mean", "new_variance"], training_mode=1
    )
    x, y = (helper.make_tensor_value_info(name, kind, [2, 1]) for name in "xy")
    rest = [helper.make_tensor_value_info(n, kind, [1]) for n in ("new_mean", "new_variance")]
    graph = helper.make_graph([node], "one", [x], [y, *rest], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(["y"], {"x": np.array([[10], [12]], dtype)})[0].ravel()


half = answer(TensorProto.FLOAT16, LEVELS.ORT_ENABLE_ALL)
plain = answer(TensorProto.FLOAT16, LEVELS.ORT_DISABLE_ALL)
single = answer(TensorProto.FLOAT, LEVELS.ORT_ENABLE_ALL)
print("float16, optimized:    ", half)
print("float16, not optimized:", plain)
print("float32, optimized:    ", single)
right = [-1, 1]
assert np.allclose(plain, right, atol=2e-3) and np.allclose(single, right, atol=2e-3)
unchanged = np.allclose(half, [0.1, 2.1], atol=2e-3)
print("unchanged: optimizing changes the outputs" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
