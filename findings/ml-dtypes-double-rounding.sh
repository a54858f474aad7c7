#!/usr/bin/env bash
# What:      float64 to bfloat16 or to an 8-bit float, as `array.astype` does it
# Version:   ml_dtypes 0.6.0 with numpy 2.4.6
# Behavior:  it rounds twice, through float32: just above a midpoint the first rounding makes a tie
#            and the second rounds it to even, away from the nearest. For 8-bit floats the scalar
#            constructor is right, so t(x) and array.astype(t) of one number differ.
# Right:     the nearest of the neighbors, in fractions; NumPy's own astype(float16) does it
#            (ml_dtypes' pull request 401 is this)
# Seen:      bfloat16: 1.0 for 1 + 2^-8 + 2^-40, nearest 1.0078125; float8_e4m3fn: 1.0 for
#            1 + 2^-4 + 2^-40, nearest 1.125, the scalar 1.125; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check ml_dtypes==0.6.0 numpy==2.4.6
"$python" - <<'PY'
import sys
from fractions import Fraction

import ml_dtypes
import numpy as np

types = {  # with the bits of their fractions
    np.float16: 10,
    ml_dtypes.bfloat16: 7,
    ml_dtypes.float8_e4m3fn: 3,
    ml_dtypes.float8_e5m2: 2,
}
results = {}
for dtype, bits in types.items():
    exact = 1 + Fraction(1, 2 ** (bits + 1)) + Fraction(1, 2**40)
    number = float(exact)
    assert Fraction(number) == exact
    neighbors = Fraction(1), 1 + Fraction(1, 2**bits)
    nearest = min(neighbors, key=lambda value: abs(value - exact))
    array = Fraction(float(np.array([number]).astype(dtype)[0]))
    scalar = Fraction(float(dtype(number)))
    results[dtype.__name__] = array == nearest, scalar == nearest
    print(
        f"{dtype.__name__:14} {number:.13f}: nearest {float(nearest)}, "
        f"astype {float(array)}, scalar {float(scalar)}"
    )
unchanged = results == {
    "float16": (True, True),
    "bfloat16": (False, False),
    "float8_e4m3fn": (False, True),
    "float8_e5m2": (False, True),
}
print("unchanged: rounded twice" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
