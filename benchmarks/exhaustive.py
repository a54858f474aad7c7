"""Check an activation at every float32 there is: all 2^32 patterns of bits.

The float64 kernel, which is within a few units in the last place of the exact value, decides how a
float32 should be rounded, except where its result lies so near to the middle between two float32
numbers that these few units matter. Those near-ties, some hundred for each function, are decided by
mpmath. A function takes some minutes::

    python benchmarks/exhaustive.py sigmoid gelu --part derivative

``--fraction 0.01`` checks that fraction of all inputs, evenly spaced.
"""

import argparse
import sys
import time

import numpy as np

from course_lib.accuracy import EXACT, errors, exact_values
from course_lib.activations import CATALOGUE

CHUNK = 2**22
NEAR = 32  # units of a float64 around a middle that leave the rounding open


def middles(values):
    """Tell which float64 lie within a few units of the middle between two float32 numbers."""
    normal = np.abs(values) >= np.finfo(np.float32).tiny
    to_middle = (values.view(np.int64) & (2**29 - 1)) - 2**28
    # below the normal numbers the middles lie elsewhere: leave all of these to mpmath's sample
    return normal & (np.abs(to_middle) <= NEAR)


def check(name, part, fraction):
    """Return how many inputs were checked, how many were near-ties, how many results are wrong."""
    function = getattr(CATALOGUE[name], part)
    exact = EXACT[name][part == "derivative"]
    step = max(1, round(1 / fraction))
    checked = ties = wrong = 0
    for start in range(0, 2**32, CHUNK * step):
        bits = np.arange(start, min(start + CHUNK * step, 2**32), step, dtype=np.uint64)
        x = bits.astype(np.uint32).view(np.float32)
        x = x[np.isfinite(x)]
        narrow, wide = function(x), function(x.astype(np.float64))
        with np.errstate(over="ignore", under="ignore"):
            rounded = wide.astype(np.float32)
        open_ = middles(wide)
        wrong += int(np.count_nonzero((narrow != rounded) & ~open_))
        if open_.any():
            wrong += int((errors(narrow[open_], exact_values(exact, x[open_])) > 0.5).sum())
        checked, ties = checked + x.size, ties + int(open_.sum())
    return checked, ties, wrong


def main():
    """Check the functions named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=EXACT, metavar="NAME")
    parser.add_argument("--part", choices=["function", "derivative"], default="function")
    parser.add_argument("--fraction", type=float, default=1.0, help="of all inputs")
    options = parser.parse_args()
    for name in options.names:
        start = time.perf_counter()
        checked, ties, wrong = check(name, options.part, options.fraction)
        print(
            f"{name}, {options.part}: {checked:,} inputs, {ties:,} near-ties, {wrong:,} not "
            f"correctly rounded ({time.perf_counter() - start:.0f} s)",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
