#!/usr/bin/env bash
# What:      the distribution function of SciPy's noncentral t below its lower critical value
# Version:   scipy 1.17.1 with numpy 2.4.6 (mpmath 1.3.0 for the right value)
# Behavior:  nct.cdf and special.nctdtr give NaN for some ordinary arguments, such as 63 degrees of
#            freedom, noncentrality 10, t = -2, and tiny numbers for neighbors; whoever adds both
#            tails for the power of a two-sided t test with 64 pairs gets NaN.
# Right:     1.58e-32: P(Z + 10 <= -2 sqrt(V / 63)) integrated over chi-square V; never more than
#            P(Z <= -10) = 7.6e-24
# Seen:      nan; for 15 degrees of freedom, noncentrality 20, t = -2.13 it gives 2.6e-74, more than
#            the bound P(Z <= -20) = 2.8e-89 (right: 1.1e-99); 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check scipy==1.17.1 numpy==2.4.6 mpmath==1.3.0
"$python" - <<'PY'
import sys

import numpy as np
from mpmath import mp
from scipy import special, stats


def right(t, degrees, shift):
    def integrand(v):
        density = v ** (mp.mpf(degrees) / 2 - 1) * mp.exp(-v / 2)
        density /= 2 ** (mp.mpf(degrees) / 2) * mp.gamma(mp.mpf(degrees) / 2)
        return density * mp.ncdf(t * mp.sqrt(v / degrees) - shift)

    with mp.workdps(30):
        return mp.quad(integrand, [0, degrees / 4, degrees / 2, degrees, 2 * degrees, 6 * degrees])


here, there = stats.nct.cdf(-2, 63, 10), stats.nct.cdf(-2.13, 15, 20)
print(f"nct.cdf {here}, nctdtr {special.nctdtr(63, 10, -2)}, right {mp.nstr(right(-2, 63, 10), 3)}")
print(f"elsewhere {there:.3g}, right {mp.nstr(right(-2.13, 15, 20), 3)}")
unchanged = np.isnan(here) and np.isnan(special.nctdtr(63, 10, -2)) and there > 0
print("unchanged: NaN where the value is tiny" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
