#!/usr/bin/env bash
# What:      keras.activations.sparsemax of scores of which more than one keeps a probability
# Version:   keras 3.15.1 with jax 0.10.2 (keras issue 23425 names every backend)
# Behavior:  the outputs do not sum to 1: the threshold adds up all cumulative sums. With
#            ten equal scores every output is 0.
# Right:     the projection onto the simplex, which sums to 1 (Martins & Astudillo, 2016, which
#            its page cites): 0.625, 0.375, 0 for the scores 0.5, 0.25, -1
# Seen:      0.375, 0.125, 0; 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check keras==3.15.1 jax==0.10.2
KERAS_HOME=$dir KERAS_BACKEND=jax "$python" - <<'PY'
import sys

import keras
import numpy as np


def project(scores):
    ordered = np.sort(scores)[::-1]
    thresholds = (np.cumsum(ordered) - 1) / np.arange(1, len(scores) + 1)
    size = np.sum(ordered > thresholds)
    return np.maximum(scores - thresholds[size - 1], 0)


scores = np.array([0.5, 0.25, -1.0])
seen = np.asarray(keras.activations.sparsemax(scores[None]))[0]
equal = np.asarray(keras.activations.sparsemax(np.zeros((1, 10)) + 0.2))[0]
print("keras", seen, "projection", project(scores))
print("ten equal scores", equal)
unchanged = np.allclose(seen, [0.375, 0.125, 0]) and np.allclose(project(scores), [0.625, 0.375, 0])
unchanged &= not np.any(equal)
print("unchanged: the outputs do not sum to 1" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
