#!/usr/bin/env bash
# What:      the power of a test of two Poisson rates, stats.rates.power_poisson_ratio_2indep
# Version:   statsmodels 0.14.6
# Behavior:  unless value is given, the null hypothesis is a rate ratio of 0, so the two-sided power
#            is 1 for every sample, for two equal rates too, and that of "smaller", the default
#            (its docstring says two-sided), is 0.
# Right:     a ratio of 1, the default of test_poisson_2indep ("equal rates, i.e. 1 for ratio") and
#            of power_negbin_ratio_2indep; Zhu & Lakkis (2014), which its page cites: 0.6029 for
#            rates 1.5 and 1 with 50 observations each, and alpha for equal rates
# Seen:      1.0 and 1.0; 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check statsmodels==0.14.6 numpy==2.4.6 \
  scipy==1.17.1 pandas==2.3.3
"$python" -W ignore - <<'PY'
import inspect
import math
import sys

from scipy.stats import norm
from statsmodels.stats.rates import power_negbin_ratio_2indep, power_poisson_ratio_2indep


def power(rate, **options):
    options = {"alternative": "two-sided", "return_results": False} | options
    return float(power_poisson_ratio_2indep(rate, 1.0, 50, **options))


error = math.sqrt((1 / 1.5 + 1) / 50)
right = norm.sf(1.959964 - math.log(1.5) / error) + norm.cdf(-1.959964 - math.log(1.5) / error)
negbin = power_negbin_ratio_2indep(
    1.5, 1.0, 50, exposure=1, dispersion=1e-9, alternative="two-sided", return_results=False
)
print("power", power(1.5), "with value=1:", power(1.5, value=1))
print("by hand:", right, "negbin:", negbin)
print("equal rates", power(1.0), "with value=1:", power(1.0, value=1))
default = inspect.signature(power_poisson_ratio_2indep).parameters["alternative"]
print("default:", default)
print("smaller", power(0.5, alternative="smaller"))
unchanged = power(1.5) == power(1.0) == 1 and power(0.5, alternative="smaller") == 0
unchanged &= all(abs(value - right) < 1e-6 for value in (power(1.5, value=1), float(negbin)))
print("unchanged: the null ratio is 0" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
