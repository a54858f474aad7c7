#!/usr/bin/env bash
# What:      Fejér's second rule of chaospy, chaospy.quadrature.fejer_2
# Version:   chaospy 4.3.21 with numpy 2.4.6
# Behavior:  it takes the nodes and weights of Clenshaw-Curtis and drops both ends, with their
#            weights: the others no longer sum to 1, and every integral loses 1/15 of the mean of
#            f at the two ends with 3 nodes, 1/35 with 5. fejer_1 and clenshaw_curtis are right.
# Right:     n nodes integrate the powers below n exactly (Fejér 1933; Waldvogel 2006, whom the
#            docstring cites); that alone fixes the weights for the same nodes
# Seen:      the mean of 1 over (-1, 1): 0.933333 with 3 nodes, 0.971429 with 5; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check chaospy==4.3.21 numpy==2.4.6
"$python" -W ignore - <<'PY'
import sys

import chaospy
import numpy as np

domain = chaospy.Uniform(-1, 1)
unchanged = True
for order in (2, 4):
    powers = np.arange(order + 1)
    means = np.where(powers % 2, 0, 1 / (powers + 1))
    errors = {}
    for rule in ("clenshaw_curtis", "fejer_1", "fejer_2"):
        (nodes,), weights = getattr(chaospy.quadrature, rule)(order, domain)
        vandermonde = nodes[None] ** powers[:, None]
        errors[rule] = np.abs(vandermonde @ weights - means).max()
        right = np.linalg.solve(vandermonde, means)
        print(f"{rule:15} sum {weights.sum():.6f}: {weights.round(4)}, right {right.round(4)}")
    lost = 2 * chaospy.quadrature.clenshaw_curtis(order + 2, domain)[1][0]
    unchanged &= np.isclose(errors.pop("fejer_2"), lost) and lost > 0.02
    unchanged &= max(errors.values()) < 1e-12
print("unchanged: the weights of the ends are lost" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
