#!/usr/bin/env bash
# What:      the gradient of SELU in MXNet (nd.LeakyReLU with act_type="selu", and gluon.nn.SELU)
# Version:   mxnet 1.9.1, numpy 1.23.5, Python 3.11
# Behavior:  for x < 0 it is lambda * (alpha + y), with the output y, in which lambda is already:
#            too small everywhere, and negative below about -3
# Right:     y + lambda * alpha = lambda * alpha * exp(x) (Klambauer and others 2017,
#            https://arxiv.org/abs/1706.02515, equation 2, differentiated); central differences agree
# Seen:      at -1 0.5904 for 0.6468, at -6 -0.0846 for 0.0044; 2026-12-01
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check mxnet==1.9.1 numpy==1.23.5
"$python" - <<'PY'
import sys

import numpy as np
from mxnet import autograd, nd

LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772


def selu(values):
    return nd.LeakyReLU(nd.array(values, dtype="float64"), act_type="selu").asnumpy()


at = np.array([-6.0, -3.0, -1.0, -0.1])
x = nd.array(at, dtype="float64")
x.attach_grad()
with autograd.record():
    y = nd.LeakyReLU(x, act_type="selu")
y.backward()
found = x.grad.asnumpy()
true = (selu(at + 1e-5) - selu(at - 1e-5)) / 2e-5
print("x:                  ", at)
print("central differences:", true.round(4))
print("gradient:           ", found.round(4))
as_seen = np.allclose(true, LAMBDA * ALPHA * np.exp(at), atol=1e-6)
as_seen &= np.allclose(found, LAMBDA * (ALPHA + selu(at)), atol=1e-6)
print("unchanged: scaled twice" if as_seen else "CHANGED")
sys.exit(not as_seen)
PY
