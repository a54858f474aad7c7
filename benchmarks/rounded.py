"""Try sigmoid, tanh and softplus with a single rounding in float64, and say what that costs.

The catalogue computes them with NumPy's exponential, which is within 2 to 3 units in the last place
and fast. Here they are computed in pairs (`course_lib.pairs`): the exponential has 59 bits, and the
rest loses nothing until the last addition. That rounds correctly but where the exact value lies
within some thousandths of a unit of the middle between two floats; these near-ties are counted
against mpmath. To be correctly rounded everywhere, as CORE-MATH's C functions are, near-ties would
have to be found and computed again with twice the digits. Run it with
``python benchmarks/rounded.py``; it takes about a minute.
"""

import argparse
import statistics
import sys
import time

import numpy as np
from mpmath import mp

from course_lib.accuracy import EXACT, errors, exact_values
from course_lib.activations import CATALOGUE
from course_lib.numerics import elementwise, polynomial
from course_lib.pairs import (
    decay_pair,
    divide,
    exp_pair,
    leading_half,
    multiply,
    one_plus,
    rounded,
    split,
    two_sum,
)


def sigmoid(x):
    """Return 1/(1 + z) or z/(1 + z), rounded once."""
    z, unit = decay_pair(np.minimum(np.abs(x), 800.0))
    right = x > 0
    top = np.where(right, 1.0, z[0]), np.where(right, 0.0, z[1])
    return rounded(divide(top, one_plus(z))) * np.where(right, 1.0, unit)


NEAR = 0.4
MACLAURIN = [float(c) for c in mp.taylor(mp.tanh, 0, 27)[3::2]]  # of tanh, from x^3 on


def tanh(x):
    """Return (1 - w)/(1 + w), and x less a little near 0, rounded once."""
    w, _ = decay_pair(2 * np.minimum(np.abs(x), 20.0))
    top, lost = two_sum(1.0, -w[0])
    far = np.copysign(rounded(divide((top, lost - w[1]), one_plus(w))), x)
    inside = np.clip(x, -NEAR, NEAR)
    square = inside * inside
    return np.where(np.abs(x) < NEAR, inside + inside * square * polynomial(MACLAURIN, square), far)


def softplus(x):
    """Return max(x, 0) + log(1 + z): NumPy's logarithm, corrected once by Newton's step."""
    z, unit = decay_pair(np.minimum(np.abs(x), 800.0))
    plus = one_plus(z)
    guess = np.log1p(z[0])
    back = exp_pair(guess)
    difference = (rounded(plus) - back[0]) + ((plus[0] - rounded(plus)) + plus[1] - back[1])
    step = difference / back[0]
    # near 0 the logarithm is z less a little
    head = leading_half(z[0])
    square = multiply((head, z[0] - head + z[1]), split(z[0], z[1]))
    higher = z[0] * rounded(square) * polynomial([1 / k for k in range(3, 15)], -z[0])
    series = -square[0] / 2, z[1] - square[1] / 2 + higher
    small = z[0] < 1 / 16
    value = np.where(small, z[0], guess), np.where(small, series[0] + series[1], step)
    total, lost = two_sum(np.maximum(x, 0), value[0] * unit)
    return total + (lost + value[1] * unit)


ATTEMPTS = {"sigmoid": sigmoid, "tanh": tanh, "softplus": softplus}


def wrong(function, name, x):
    """Return the fraction of results that are not correctly rounded, and the largest error."""
    off = errors(function(x), exact_values(EXACT[name][0], x))
    return (off > 0.5).mean(), off.max()


def median_times(functions, x, rounds):
    """Return the median time of each function; they take turns."""
    times = [[] for _ in functions]
    for _ in range(rounds):
        for function, taken in zip(functions, times, strict=True):
            start = time.perf_counter()
            function(x)
            taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in times]


def main():
    """Print how often each is wrong, now and in pairs, and the ratio of their times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=100_000, help="checked by mpmath")
    parser.add_argument("--rounds", type=int, default=51, help="of timing")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    x = rng.normal(scale=4, size=options.points)
    print(f"{'':10}{'not correctly rounded':>28}{'largest error':>20}{'time, in pairs / now':>34}")
    print(f"{'':10}{'now':>14}{'in pairs':>14}{'now':>10}{'in pairs':>10}{'10^3':>17}{'10^5':>17}")
    for name, kernel in ATTEMPTS.items():

        def attempt(x, kernel=kernel):
            return elementwise(kernel, x)

        row = CATALOGUE[name]
        (missed, worst), (missed_then, worst_then) = (wrong(f, name, x) for f in (row, attempt))
        print(f"{name:10}{missed:14.2%}{missed_then:14.3%}{worst:10.3f}{worst_then:10.3f}", end="")
        for size in (1_000, 100_000):
            now, then = median_times([row, attempt], rng.normal(scale=4, size=size), options.rounds)
            print(f"{then / now:17.2f}", end="", flush=True)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
