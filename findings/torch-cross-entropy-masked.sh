#!/usr/bin/env bash
# What:      F.cross_entropy with a masked class (logit -inf) whose target probability is 0
# Version:   torch 2.13.0
# Behavior:  with the target as probabilities the loss is NaN although the gradient is right; with
#            the same target as a class index the loss is right. kl_div treats 0 log 0 as 0.
# Right:     0 log 0 = 0, so both forms of one target give one loss: log 2 = 0.6931472
#            (optax issue 896 is the same; its safe_softmax_cross_entropy is right)
# Seen:      nan and 0.6931472; gradient -0.5, 0.5, 0 for both; 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check torch==2.13.0
"$python" -W ignore - <<'PY'
import math
import sys

import torch
import torch.nn.functional as F


def loss(target):
    logits = torch.tensor([[0.0, 0.0, -math.inf]], requires_grad=True)
    value = F.cross_entropy(logits, target)
    value.backward()
    return value.item(), logits.grad.tolist()[0]


soft, soft_gradient = loss(torch.tensor([[1.0, 0.0, 0.0]]))
hard, hard_gradient = loss(torch.tensor([0]))
print("probabilities", soft, soft_gradient)
print("class index  ", hard, hard_gradient)
unchanged = math.isnan(soft) and math.isclose(hard, math.log(2), rel_tol=1e-6)
unchanged &= soft_gradient == hard_gradient == [-0.5, 0.5, 0.0]
print("unchanged: NaN for a class that cannot occur" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
