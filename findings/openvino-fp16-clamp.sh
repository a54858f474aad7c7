#!/usr/bin/env bash
# What:      openvino.save_model with its defaults, constants beyond the range of float16
# Version:   openvino 2026.4.1, onnx 1.23.2 (writes the model), numpy 2.4.6
# Behavior:  float32 constants are stored as float16 (documented), and what does not fit is clamped:
#            1e6 becomes 65504, and -inf, as masks and log-probabilities have it, -65504; if most of
#            a constant does not fit, that constant stays float32. No warning. The loaded model
#            computes in float32 with the clamped values.
# Right:     what the model gives before saving; in IEEE 754, -inf converts to -inf, 1e6 to inf
# Seen:      x + c for x = 1, c = [1e6, -inf, 0, 0]: [65505, -65503, 1, 1] instead of
#            [1000001, -inf, 1, 1]; with c = [1e6, -inf, 1e6, 0] exact; 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check \
  openvino==2026.4.1 onnx==1.23.2 numpy==2.4.6
"$python" - "$dir" <<'PY'
import sys

import numpy as np
import openvino as ov
from onnx import TensorProto, helper


def model(constant):
    node = helper.make_node("Add", ["x", "c"], ["y"])
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, constant.shape) for n in "xy"]
    value = helper.make_tensor("c", TensorProto.FLOAT, constant.shape, constant)
    graph = helper.make_graph([node], "one", ends[:1], ends[1:], [value])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return ov.Core().read_model(made.SerializeToString())


def run(network):
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    return ov.Core().compile_model(network, "CPU", options)(np.ones(4, np.float32))[0]


def saved(network):
    ov.save_model(network, f"{sys.argv[1]}/saved.xml")
    return run(ov.Core().read_model(f"{sys.argv[1]}/saved.xml"))


few = model(np.array([1e6, -np.inf, 0, 0], np.float32))
most = model(np.array([1e6, -np.inf, 1e6, 1e6], np.float32))
before, after = run(few), saved(few)
print("before", before, "after", after)
unchanged = before[1] == -np.inf and after.tolist() == [65505, -65503, 1, 1]
unchanged &= np.array_equal(run(most), saved(most))
print("unchanged: save_model clamps to +-65504" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
