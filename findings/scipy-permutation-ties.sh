#!/usr/bin/env bash
# What:      the exact paired permutation test of SciPy, for accuracies counted on 1,500 images
# Version:   scipy 1.17.1 with numpy 2.4.6
# Behavior:  all 2^8 exchanges are tried, but some whose mean difference equals the observed one are
#            not counted as at least as large: 1496/1500 - 1499/1500 and the like are rounded, and
#            sums that are equal as fractions differ by more than the test's tolerance.
# Right:     p = 144/256 = 0.5625, counted in integers over all exchanges; the definition is the
#            fraction of exchanges at least as extreme as the observed one (doc of permutation_test)
# Seen:      p = 0.375 from the fractions, 0.5625 from the same counts as integers; 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
"$python" - <<'PY'
import sys
from itertools import product

import numpy as np
from scipy.stats import permutation_test

one = np.array([1496, 1498, 1498, 1496, 1498, 1498, 1497, 1498])
other = np.array([1496, 1499, 1496, 1497, 1497, 1496, 1497, 1498])


def p_value(a, b):
    return permutation_test(
        (a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    ).pvalue


differences = (one - other).tolist()
sums = [sum(s * d for s, d in zip(signs, differences)) for signs in product((1, -1), repeat=8)]
right = np.mean([abs(total) >= abs(sum(differences)) for total in sums])
fractions, counts = p_value(one / 1500, other / 1500), p_value(one, other)
print(f"fractions {fractions}, the same as counts {counts}, right {right}")
unchanged = fractions == 0.375 and counts == right == 0.5625
print("unchanged: ties are lost to rounding" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
