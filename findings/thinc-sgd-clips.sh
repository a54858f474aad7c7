#!/usr/bin/env bash
# What:      one step of thinc's SGD with a learning rate of 1 and no other argument
# Version:   thinc 9.1.1
# Behavior:  each parameter's gradient is shortened to a norm of 1 first (grad_clip=1.0); a step of
#            Adam, which no scaling of a gradient should change, is changed by it through epsilon
# Right:     parameter minus gradient, by the definition of gradient descent; clipping is asked for
#            (Pascanu and others 2013, https://arxiv.org/abs/1211.5063)
# Seen:      a gradient of (30, 40) moves a parameter by (0.6, 0.8); 2026-12-01
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check thinc==9.1.1
"$python" - <<'PY'
import sys

import numpy as np
from thinc.api import SGD, Adam


def moved(optimizer, gradient):
    start = np.zeros(len(gradient), np.float32)
    after, _ = optimizer((1, "weights"), start, np.float32(gradient))
    return -after


print("as it is:    ", moved(SGD(1.0), [30, 40]))
print("grad_clip=0: ", moved(SGD(1.0, grad_clip=0.0), [30, 40]))
tiny = moved(Adam(1.0), [1e-6, 1000])[0], moved(Adam(1.0, grad_clip=0.0), [1e-6, 1000])[0]
print("Adam, a tiny gradient beside a large one, with and without:", *tiny)
as_seen = np.allclose(moved(SGD(1.0), [30, 40]), [0.6, 0.8])
as_seen &= np.allclose(moved(SGD(1.0, grad_clip=0.0), [30, 40]), [30, 40])
as_seen &= bool(tiny[0] < 0.01 < 0.5 < tiny[1])
print("unchanged: clipped" if as_seen else "CHANGED")
sys.exit(not as_seen)
PY
