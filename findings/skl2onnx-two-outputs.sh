#!/usr/bin/env bash
# What:      scikit-learn networks with two labels or two targets, converted to ONNX
# Version:   skl2onnx 1.20.0, scikit-learn 1.9.1, onnxruntime 1.32.0
# Behavior:  two labels at once are taken for the two classes of one: four columns of probabilities,
#            1 - p before p, and with zipmap="columns" each label gets the probability that it is
#            absent. Three labels are right. A regressor of two targets returns one column, the
#            rows one after another.
# Right:     the shapes and values of predict_proba and predict
# Seen:      probabilities (200, 4) for (200, 2), "columns" equal to 1 - p; values (400, 1) for
#            (200, 2); 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check \
  skl2onnx==1.20.0 scikit-learn==1.9.1 onnxruntime==1.32.0
"$python" -W ignore - <<'PY'
import sys

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.neural_network import MLPClassifier, MLPRegressor

onnxruntime.set_default_logger_severity(3)
rng = np.random.default_rng(0)
inputs = rng.normal(size=(200, 4)).astype(np.float32)
targets = inputs @ rng.normal(size=(4, 3)).astype(np.float32)
settings = {"hidden_layer_sizes": (8,), "max_iter": 50, "random_state": 0}


def run(model, options=None):
    onnx = to_onnx(model, inputs[:1], options=options).SerializeToString()
    return onnxruntime.InferenceSession(onnx).run(None, {"X": inputs})


def equal(one, other):
    return one.shape == other.shape and np.allclose(one, other, atol=1e-5)


right = {}
for count in (3, 2):
    model = MLPClassifier(**settings).fit(inputs, (targets[:, :count] > 0).astype(int))
    chances = model.predict_proba(inputs)
    converted = run(model, {"zipmap": False})[1]
    right[count] = equal(converted, chances)
    print(f"{count} labels: scikit-learn {chances.shape}, ONNX {converted.shape}")
columns = np.stack(run(model, {"zipmap": "columns"})[1:], axis=1)
print("first row: scikit-learn", chances[0].round(3), "ONNX, columns", columns[0].round(3))
model = MLPRegressor(**settings).fit(inputs, targets[:, :2])
values, converted = model.predict(inputs), run(model)[0]
print(f"2 targets: scikit-learn {values.shape}, ONNX {converted.shape}")
unchanged = (
    right == {3: True, 2: False}
    and equal(columns, 1 - chances)
    and equal(converted, values.reshape(-1, 1))
)
print("unchanged: two labels are taken for two classes" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
