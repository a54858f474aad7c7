#!/usr/bin/env bash
# What:      LRN and LpNormalization in ONNX's reference evaluator, the executable specification
# Version:   onnx 1.23.2, numpy 2.4.6
# Behavior:  LRN normalizes only as many channels as the batch has images: with one image, the first
#            channel alone. LpNormalization with p=1 divides by the signed sum instead of the sum of
#            absolute values, so signs flip. Whoever tests a converter against it "finds" errors.
# Right:     LRN: x / (bias + alpha / size * square_sum)^beta for every channel (operator's page;
#            Krizhevsky et al. 2012, section 3.3). Lp: x / sum(|x|) (operator's page).
# Seen:      LRN of 1..4, size 3: [0.6124, 2, 3, 4] instead of [0.6124, 0.8402, 0.9186, 1.3093];
#            [-3, 1, -2, 0] becomes [0.75, -0.25, 0.5, 0] instead of [-0.5, 0.1667, -0.3333, 0];
#            2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check onnx==1.23.2 numpy==2.4.6
"$python" - <<'PY'
import sys

import numpy as np
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator


def run(operator, x, **attributes):
    node = helper.make_node(operator, ["x"], ["y"], **attributes)
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n in "xy"]
    graph = helper.make_graph([node], "one", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    checker.check_model(model, full_check=True)
    return ReferenceEvaluator(model).run(None, {"x": x})[0].ravel()


x = np.arange(1, 5, dtype=np.float32).reshape(1, 4, 1, 1)
lrn = run("LRN", x, size=3, alpha=1.0, beta=0.5, bias=1.0)
squares = np.convolve(x.ravel() ** 2, [1, 1, 1], "same")
right_lrn = x.ravel() / np.sqrt(1 + squares / 3)
row = np.array([[-3, 1, -2, 0]], np.float32)
lp = run("LpNormalization", row, axis=-1, p=1)
right_lp = row.ravel() / np.abs(row).sum()
print("LRN", lrn.round(4), "right", right_lrn.round(4))
print("Lp ", lp.round(4), "right", right_lp.round(4))
unchanged = np.array_equal(lrn[1:], x.ravel()[1:]) and np.allclose(lp, [0.75, -0.25, 0.5, 0])
print("unchanged: both differ from their own specification" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
