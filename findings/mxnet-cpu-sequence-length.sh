#!/usr/bin/env bash
# What:      gluon's LSTM with use_sequence_length=True, and one whose states are clipped, on a CPU
# Version:   mxnet 1.9.1, numpy 1.23.5, Python 3.11
# Behavior:  both options are taken and have no effect: the last state is that after the padding,
#            and a cell state goes beyond the clip. No error, no warning.
# Right:     the last state of a sequence is that at its own end, and states stay within the clip
#            (https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/gluon/rnn/index.html),
#            or an error
# Seen:      equal outputs with and without lengths; 2026-12-01
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check mxnet==1.9.1 numpy==1.23.5
"$python" - <<'PY'
import sys

import mxnet as mx
import numpy as np
from mxnet import gluon

x = mx.nd.array(np.random.default_rng(0).normal(size=(2, 5, 3)))
ends = mx.nd.array([5, 2], dtype="int32")


def layer(**options):
    made = gluon.rnn.LSTM(4, layout="NTC", input_size=3, **options)
    made.initialize(mx.init.Constant(0.7))
    return made


def last(made, x, **given):
    return [state.asnumpy()[0] for state in made(x, made.begin_state(len(x)), **given)[1]]


short = last(layer(), x[1:, :2])[0][0]
plain = last(layer(), x)
padded = last(layer(use_sequence_length=True), x, sequence_length=ends)
clipped = last(layer(state_clip_min=-0.1, state_clip_max=0.1), x)
print("the second sequence alone:", short[:2])
print("with its length of 2:     ", padded[0][1][:2])
print("without a length:         ", plain[0][1][:2])
print("largest cell state, clipped at 0.1:", np.abs(clipped[1]).max())
as_seen = np.array_equal(padded[0], plain[0]) and not np.allclose(short, padded[0][1], atol=1e-3)
as_seen &= bool(np.abs(clipped[1]).max() > 0.2)
print("unchanged: ignored" if as_seen else "CHANGED")
sys.exit(not as_seen)
PY
