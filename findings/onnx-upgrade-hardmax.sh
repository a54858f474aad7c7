#!/usr/bin/env bash
# What:      onnx.version_converter on a Hardmax of opset 11
# Version:   onnx 1.23.2, onnxruntime 1.32.0
# Behavior:  before opset 13 all axes from `axis` (1) on are one, afterwards only that axis counts.
#            Softmax and LogSoftmax are rewritten to keep their values; Hardmax only changes its
#            meaning: the converted model computes something else, and is valid.
# Right:     the one model's outputs, by onnxruntime: with input (2, 3, 4) one 1 in each of the two
#            rows of 12 (page of Hardmax-11, computed with argmax here)
# Seen:      two ones become six; Softmax and LogSoftmax stay within 1e-6; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0
"$python" - <<'PY'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, version_converter

x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)


def run(model):
    onnx.checker.check_model(model)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


same = {}
for operator in ("Softmax", "LogSoftmax", "Hardmax"):
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n in "xy"]
    node = helper.make_node(operator, ["x"], ["y"])
    graph = helper.make_graph([node], "one", info[:1], info[1:])
    opset = [helper.make_opsetid("", 11)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=7)
    before, after = run(model), run(version_converter.convert_version(model, 13))
    same[operator] = np.allclose(before, after, atol=1e-6)
    print(f"{operator:10} opset 11 and 13 equal: {same[operator]}")
right = np.eye(12)[x.reshape(2, 12).argmax(axis=1)].reshape(x.shape)
assert np.array_equal(before, right)
print(f"Hardmax    ones in opset 11: {before.sum():.0f}, in opset 13: {after.sum():.0f}")
unchanged = same == {"Softmax": True, "LogSoftmax": True, "Hardmax": False}
print("unchanged: Hardmax is not rewritten" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
