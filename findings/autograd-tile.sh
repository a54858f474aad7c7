#!/usr/bin/env bash
# What:      the gradient of np.tile in HIPS autograd
# Version:   autograd 1.9.1 with numpy 2.4.6
# Behavior:  where `reps` is shorter than the array has axes, it counts for the first axes and not
#            for the last: the values are summed in wrong places, without an error if the shapes
#            allow. tile(a, 2) of a matrix meets it; tile(a, (1, 2)) is right.
# Right:     NumPy puts ones before a short `reps` (page of numpy.tile), so both are the same
#            function; its gradient sums the copies, as central differences and the gradient of
#            np.concatenate((a, a), axis=1) say
# Seen:      [[6, 8, 10], [12, 14, 16]] for reps 2; [[3, 5, 7], [15, 17, 19]] for (1, 2), for the
#            concatenation and for the differences; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check autograd==1.9.1 numpy==2.4.6
"$python" - <<'PY'
import sys

import autograd.numpy as np
from autograd import grad

array = np.zeros((2, 3))
weights = np.arange(12.0).reshape(2, 6)
forms = {
    "reps 2": lambda a: np.sum(weights * np.tile(a, 2)),
    "reps (1, 2)": lambda a: np.sum(weights * np.tile(a, (1, 2))),
    "concatenation": lambda a: np.sum(weights * np.concatenate((a, a), axis=1)),
}
gradients = {name: grad(form)(array).tolist() for name, form in forms.items()}
form = forms["reps 2"]
steps = np.eye(6).reshape(6, 2, 3)
central = np.reshape([(form(step) - form(-step)) / 2 for step in steps], (2, 3))
gradients["differences"] = central.tolist()
for name, gradient in gradients.items():
    print(f"{name:14}", gradient)
right = (weights[:, :3] + weights[:, 3:]).tolist()
short = gradients.pop("reps 2")
unchanged = short != right and all(gradient == right for gradient in gradients.values())
print("unchanged: a short reps gives the gradient of something else" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
