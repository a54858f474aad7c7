#!/usr/bin/env bash
# What:      sparse_categorical_crossentropy(..., ignore_index=-1), reduction "mean"
# Version:   tinygrad 0.14.0, numpy 2.4.6
# Behavior:  -1 is also the default and there means "ignore none": rows labelled -1 add 0 to the sum
#            but are counted in the mean, so padding dilutes the loss and its gradient, and with
#            label smoothing padded rows even get gradients. Any other index, -100 say, is right.
# Right:     the mean over the rows that are not ignored (formula on the page of PyTorch's
#            CrossEntropyLoss, to which tinygrad's docstring refers): log(1 + e) = 1.3132617
# Seen:      0.6566308 with -1, 1.3132616 with -100; 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check tinygrad==0.14.0 numpy==2.4.6
# Without a compiler: tinygrad's backend in plain Python. The cache stays in the temp folder.
DEV=PYTHON CACHEDB="$dir/cache.db" "$python" - <<'PY'
import math
import sys

from tinygrad import Tensor


def loss(index, **options):
    logits = Tensor([[1.0, 2.0], [3.0, 4.0]])
    value = logits.sparse_categorical_crossentropy(
        Tensor([index, 0]), ignore_index=index, **options
    )
    value.backward()
    return value.item(), logits.grad.tolist()[0]


minus_one, _ = loss(-1)
other, ignored = loss(-100)
_, padded = loss(-1, label_smoothing=0.3)
print(f"-1: {minus_one:.7f}  -100: {other:.7f}  right: {math.log1p(math.e):.7f}")
print("gradient of the padded row with smoothing:", padded)
unchanged = abs(minus_one - math.log1p(math.e) / 2) < 1e-6
unchanged &= abs(other - math.log1p(math.e)) < 1e-6 and not any(ignored) and any(padded)
print("unchanged: ignored rows are counted" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
