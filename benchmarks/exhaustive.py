"""Check an activation at every float32 there is: all 2^32 patterns of bits.

The float64 kernel, which is within a few units in the last place of the exact value, decides how a
float32 should be rounded, except where its result lies so near to the middle between two float32
numbers that these few units matter. Those near-ties, some hundred for each function, are decided by
mpmath. A function takes some minutes::

    python benchmarks/exhaustive.py sigmoid gelu --part derivative

``--fraction 0.01`` checks that fraction of all inputs, evenly spaced. ``--fast`` takes the forms
that trainings use instead, which are not correctly rounded, and prints the largest error of value
and derivative among normal numbers, in units in the last place, and where it is.
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


def all_numbers(fraction):
    """Yield all finite numbers of float32, or a fraction of them, in parts."""
    step = max(1, round(1 / fraction))
    for start in range(0, 2**32, CHUNK * step):
        bits = np.arange(start, min(start + CHUNK * step, 2**32), step, dtype=np.uint64)
        x = bits.astype(np.uint32).view(np.float32)
        yield x[np.isfinite(x)]


def largest_errors(name, fraction):
    """Return the largest errors of the fast form, of value and derivative, and their places."""
    row, worst = CATALOGUE[name], [(0.0, None), (0.0, None)]
    for x in all_numbers(fraction):
        exact = [row(x.astype(np.float64)), row.derivative(x.astype(np.float64))]
        for i, values in enumerate(row.value_and_derivative(x) if x.size else ()):
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                size = np.abs(exact[i]).astype(np.float32)
                off = np.abs(values - exact[i]) / np.spacing(size)
            off[(size < np.finfo(np.float32).tiny) | ~np.isfinite(size)] = 0
            worst[i] = max(worst[i], (float(off.max()), float(x[off.argmax()])), key=lambda w: w[0])
    return worst


def check(name, part, fraction):
    """Return how many inputs were checked, how many were near-ties, how many results are wrong."""
    function = getattr(CATALOGUE[name], part)
    exact = EXACT[name][part == "derivative"]
    checked = ties = wrong = 0
    for x in all_numbers(fraction):
        narrow, wide = function(x), function(x.astype(np.float64))
        with np.errstate(over="ignore", under="ignore"):
            rounded = wide.astype(np.float32)
        open_ = middles(wide)
        wrong += int(np.count_nonzero((narrow != rounded) & ~open_))
        if open_.any():
            wrong += int((errors(narrow[open_], exact_values(exact, x[open_])) > 0.5).sum())
        checked, ties = checked + x.size, ties + int(open_.sum())
    return checked, ties, wrong


def tell_errors(name, options):
    """Return what is to be said of the fast form."""
    found = largest_errors(name, options.fraction)
    value, derivative = (f"{off:.2f} at {x!r}" for off, x in found)
    return f"fast: value {value}, derivative {derivative}"


def tell_wrong(name, options):
    """Return what is to be said of a function that rounds correctly."""
    checked, ties, wrong = check(name, options.part, options.fraction)
    return (
        f"{options.part}: {checked:,} inputs, {ties:,} near-ties, {wrong:,} not correctly rounded"
    )


def main():
    """Check the functions named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=EXACT, metavar="NAME")
    parser.add_argument("--part", choices=["function", "derivative"], default="function")
    parser.add_argument("--fraction", type=float, default=1.0, help="of all inputs")
    parser.add_argument("--fast", action="store_true", help="the forms that trainings use")
    options = parser.parse_args()
    for name in options.names:
        start = time.perf_counter()
        told = (tell_errors if options.fast else tell_wrong)(name, options)
        print(f"{name}, {told} ({time.perf_counter() - start:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
