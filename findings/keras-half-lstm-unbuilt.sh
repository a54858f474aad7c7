#!/usr/bin/env bash
# What:      a Sequential model with an LSTM, in bfloat16, in Keras on PyTorch
# Version:   keras 3.15.1, torch 2.13.0
# Behavior:  the model says that it is built, with one weight of five: the orthogonal start of the
#            recurrent weights has no kernel in half precision, and the model swallows the error.
#            Its first call fails with an attribute that is missing; on JAX it is the same.
# Right:     the error that the layer alone raises where it is built
# Seen:      built is True and len(weights) 1; with recurrent_initializer="zeros" 5; 2026-12-01
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check keras==3.15.1 torch==2.13.0
KERAS_BACKEND=torch KERAS_HOME=$dir "$python" - <<'PY'
import sys

import keras

keras.config.set_dtype_policy("bfloat16")


def sequential(**options):
    cell = keras.layers.LSTM(7, **options)
    return keras.Sequential([keras.Input((6, 5)), cell, keras.layers.Dense(3)])


usual, zeros = sequential(), sequential(recurrent_initializer="zeros")
print("as it is:     built", usual.built, "weights", len(usual.weights))
print("zeros:        built", zeros.built, "weights", len(zeros.weights))
errors = []
for run in (lambda: usual(keras.ops.ones((2, 6, 5))), lambda: keras.layers.LSTM(7).build((2, 6, 5))):
    try:
        run()
    except Exception as error:
        errors.append(type(error).__name__)
print("errors of the call and of the layer alone:", *errors)
as_seen = usual.built and len(usual.weights) == 1 and len(zeros.weights) == 5
as_seen &= errors == ["AttributeError", "NotImplementedError"]
print("unchanged: built with one weight" if as_seen else "CHANGED")
sys.exit(not as_seen)
PY
