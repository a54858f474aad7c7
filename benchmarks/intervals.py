"""Time the statistics beside SciPy's own calls, and count where SciPy's are wrong.

Run by hand: ``python benchmarks/intervals.py``. Where `course_lib.statistics` has a form of its
own, this says why: SciPy's takes one count at a time, more memory, or counts flipped signs whose
sums are equal but for rounding as different.
"""

import tracemalloc
from fractions import Fraction
from time import process_time

import numpy as np
from scipy import stats

from course_lib.statistics import (
    bootstrap_interval,
    detectable,
    paired,
    power,
    t_interval,
    wilson_interval,
)

RNG = np.random.default_rng(0)
LONG, COLUMNS = RNG.normal(size=100_000), RNG.normal(size=(16, 200))
A, B = RNG.normal(size=(2, 5000))
COUNTS = np.arange(257)


def their_t():
    """Return SciPy's t interval."""
    return stats.t.interval(0.95, len(LONG) - 1, LONG.mean(), stats.sem(LONG))


def their_bootstrap():
    """Return SciPy's BCa intervals of many columns."""
    return stats.bootstrap((COLUMNS,), np.mean, n_resamples=2000, rng=0)


def their_wilson():
    """Return SciPy's Wilson intervals, one count after the other."""
    return [stats.binomtest(k, 256).proportion_ci(method="wilson") for k in COUNTS.tolist()]


def their_signs():
    """Return SciPy's test of flipped signs, some at a time so that they fit the memory."""
    return stats.permutation_test(
        (A - B,), np.mean, permutation_type="samples", n_resamples=9999, batch=500, rng=0,
        vectorized=True,
    )  # fmt: skip


def their_power():
    """Return the power from SciPy's noncentral t."""
    quantile, shift = stats.t.isf(0.025, 15), 0.5 * 4
    return stats.nct.sf(quantile, 15, shift) + stats.nct.cdf(-quantile, 15, shift)


ROWS = {
    "t interval, 100,000 samples": (lambda: t_interval(LONG), their_t),
    "bootstrap, 16 seeds, 200 columns": (lambda: bootstrap_interval(COLUMNS), their_bootstrap),
    "Wilson, 257 counts": (lambda: wilson_interval(COUNTS, 256), their_wilson),
    "flipped signs, 5,000 pairs": (lambda: paired(A, B), their_signs),
    "power, 16 seeds": (lambda: power(0.5, 16), their_power),
    "detectable, 100,000 seeds": (lambda: detectable(100_000), None),
}


def measure(call):
    """Return milliseconds of processor time, the least of three, and megabytes at the peak."""
    times = []
    for _ in range(3):
        start = process_time()
        call()
        times.append(process_time() - start)
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return f"{1e3 * min(times):9.2f} ms {peak / 1e6:8.2f} MB"


def wrong(runs=600):
    """Return how many p-values of accuracies are not those of their fractions: ours, SciPy's."""
    ours = theirs = 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        n, examples = int(rng.integers(4, 9)), (10, 100, 1500)[seed % 3]
        right = rng.integers(0, 4, (2, n)) + examples - 4
        sums = np.zeros(1, int)
        for difference in right[0] - right[1]:
            sums = np.concatenate([sums + difference, sums - difference])
        exact = Fraction(int((abs(sums) >= abs(sums[0])).sum()), len(sums))
        a, b = right / examples
        test = stats.permutation_test(
            (a - b,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
        )
        ours += paired(a, b).p != exact
        theirs += abs(test.pvalue - float(exact)) > 1e-9
    return ours, theirs


if __name__ == "__main__":
    print(f"{'':34}{'ours':24}SciPy's")
    for label, (own, other) in ROWS.items():
        print(f"{label:34}{measure(own)}   {measure(other) if other else ''}")
    print("wrong p-values of 600: ours {}, SciPy's {}".format(*wrong()))
