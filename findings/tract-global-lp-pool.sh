#!/usr/bin/env bash
# What:      the ONNX operator GlobalLpPool, a norm over each channel
# Version:   tract 0.23.9, onnx 1.23.2 (writes the model), numpy 2.4.6
# Behavior:  a mean instead of a sum, and for p=1 a signed one: p=1 gives the average (negative for
#            negative input), p=2 the root mean square
# Right:     (sum |x|^p)^(1/p), like LpPool with a kernel of the input's size (operator's page);
#            onnxruntime 1.32.0 and OpenVINO 2026.4.1 give 36 and 14.2829
# Seen:      for -1..-8: -4.5 instead of 36 (p=1), 5.0498 instead of 14.2829 (p=2); 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check tract==0.23.9 onnx==1.23.2 numpy==2.4.6
"$python" - "$dir" <<'PY'
import sys

import numpy as np
import onnx
import tract
from onnx import TensorProto, helper

x = -np.arange(1, 9, dtype=np.float32).reshape(1, 1, 8, 1)
seen = []
for p in (1, 2):
    node = helper.make_node("GlobalLpPool", ["x"], ["y"], p=p)
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
    ends += [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 1, 1, 1))]
    graph = helper.make_graph([node], "one", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, f"{sys.argv[1]}/pool.onnx")
    loaded = tract.onnx().load(f"{sys.argv[1]}/pool.onnx").into_model().into_runnable()
    seen.append(float(loaded.run([x])[0].to_numpy().item()))
    print("p =", p, "tract", seen[-1], "right", (np.abs(x) ** p).sum() ** (1 / p))
unchanged = np.allclose(seen, [x.mean(), np.sqrt((x**2).mean())])
print("unchanged: GlobalLpPool averages" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
