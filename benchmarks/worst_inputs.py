"""Inputs among which `worst` searches for the largest errors: random bits, special places, rows."""

import numpy as np

from course_lib.accuracy.references import REFERENCES
from course_lib.activations import CATALOGUE

ZEROS = {"gelu": 0.75179, "gelu_tanh": 0.75246, "silu": 1.27846, "swish": 1.27846, "mish": 1.19243}
ZEROS |= {"quick_gelu": 1.27846 / 1.702, "geglu": 0.75179, "swiglu": 1.27846}
SIGNED = {"negative_slope", "value", "offset"}  # other parameters are above 0
SCALES = {  # the size of input at which a curve with parameters turns
    "softplus": lambda beta: 1 / beta,
    "swish": lambda beta: 1 / beta,
    "celu": lambda alpha: alpha,
    "squareplus": lambda b: np.sqrt(b),
    "hard_tanh": lambda min_val, max_val: max_val,
    "hard_sigmoid": lambda slope, offset: max(1, abs(offset)) / slope,
    "relu6": lambda max_value: max_value,
    "threshold": lambda threshold, value: threshold,
    "hard_shrink": lambda threshold: threshold,
    "soft_shrink": lambda threshold: threshold,
}


def draw_parameters(rng, name):
    """Return keyword parameters: the defaults, awkward decimals, or any from 1e-3 to 1e3."""
    defaults = CATALOGUE[name].parameters
    keys = [key for key in defaults if key != "rng"] if name in REFERENCES else []
    if not keys or rng.random() < 0.2:
        return {}
    found = {}
    for key in keys:
        size = 10 ** rng.uniform(-3, 3)
        value = rng.choice([size, float(f"{size:.3g}"), np.rint(size * 8) / 8 or 0.125])
        value = float(np.clip(value, 1e-3, 1e3))
        found[key] = -value if key in SIGNED and rng.random() < 0.3 else value
    if "min_val" in found:
        found["min_val"] *= -1
    if "lower" in found:
        found["lower"], found["upper"] = sorted(found.values())
    return found


def scale_of(name, parameters):
    """Return the size of input at which a curve turns."""
    return abs(float(SCALES[name](**parameters))) if parameters and name in SCALES else 1.0


SIZES = ((-60, 12), (-1074, -940), (900, 1025))  # exponents


def any_bits(rng, n):
    """Return finite float64 numbers of random bits: every sign, size and fraction."""
    x = rng.integers(0, 2**64, n, dtype=np.uint64).view(np.float64)
    return np.where(np.isfinite(x), x, rng.standard_normal(n))


def fresh_bits(rng, x):
    """Return numbers with their last 30 bits drawn again, because uniform ones lie on a grid."""
    low = rng.integers(0, 2**30, x.size, dtype=np.int64)
    return ((x.view(np.int64) & ~np.int64(2**30 - 1)) | low).view(np.float64)


def by_size(rng, n):
    """Return numbers of ordinary size, or now and then at the ends, each power of two as often."""
    low, high = SIZES[rng.choice(len(SIZES), p=[0.7, 0.2, 0.1])]
    return np.ldexp(rng.uniform(0.5, 1, n) * rng.choice([-1.0, 1.0], n), rng.integers(low, high, n))


def by_place(rng, n):
    """Return numbers evenly spaced over an interval about 0."""
    reach = rng.choice([1, 2, 4, 10, 40, 100, 750])
    return rng.uniform(-reach, reach, n)


def nearby(rng, x):
    """Return numbers from one to 2^44 units in the last place away."""
    steps = (2.0 ** rng.uniform(0, rng.choice([3, 10, 25, 44]), x.size)).astype(np.int64)
    bits = x.view(np.int64) + steps * rng.choice([-1, 1], x.size)
    moved = bits.view(np.float64)
    return np.where(np.isfinite(moved), moved, x)


def beside(rng, n, places):
    """Return neighbors of special places: kinks, zeros, small fractions, multiples of log(2)/2."""
    fractions = rng.integers(1, 65, n) / 2.0 ** rng.integers(0, 7, n)
    halves = rng.integers(1, 2200, n) * (np.log(2) / 2)
    special = rng.choice(np.array([1.0, *np.abs(places)]), n)
    kind = rng.integers(0, 3, n)
    x = np.select([kind == 0, kind == 1], [fractions, halves], special)
    return nearby(rng, x * rng.choice([-1.0, 1.0], n))


def draw(rng, name, scale, n):
    """Return inputs of one kind, which is drawn too."""
    kind = rng.integers(0, 8)
    if kind == 0:
        return any_bits(rng, n)
    if kind <= 2:
        x = by_size(rng, n)
    elif kind <= 5:
        x = by_place(rng, n)
    else:
        return stretched(beside(rng, n, [*CATALOGUE[name].kinks, ZEROS.get(name, 1.0)]), scale)
    return fresh_bits(rng, stretched(x, scale))


def stretched(x, scale):
    """Return x times a scale; as it was where that is too large."""
    with np.errstate(over="ignore", under="ignore"):
        larger = x * scale
    return np.where(np.isfinite(larger), larger, x)


def draw_rows(rng, count, n):
    """Return rows of one kind: normal, uniform, tied, of a few values, padded, of all sizes."""
    kind = rng.integers(0, 8)
    size = (count, n)
    scale = 10 ** rng.uniform(-2, 2.5)
    if kind == 0:
        return by_size(rng, count * n).reshape(size)
    if kind == 1:
        x = rng.uniform(-scale, scale, size)
    elif kind == 2:
        x = np.rint(rng.standard_normal(size) * scale)
    elif kind == 3:  # a few values: all their exponentials round the same way
        values = fresh_bits(rng, rng.uniform(-40, 0, count * 3)).reshape(count, 3)
        values[:, 0] = 0 if rng.random() < 0.5 else values[:, 0]
        pick = np.minimum(rng.geometric(0.5 ** rng.uniform(0, 4), size) - 1, 2)
        x = np.take_along_axis(values, pick, axis=1)
    elif kind == 4:  # one large, the rest about an epsilon of it
        x = rng.uniform(-45, -30, size)
        x[np.arange(count), rng.integers(0, n, count)] = 0
    else:
        x = rng.standard_normal(size) * scale
    if kind == 5:
        x[rng.random(size) < 0.5] = -np.inf
        x[:, 0] = scale  # no row without a number
    elif kind > 5:
        x = fresh_bits(rng, x.ravel()).reshape(size) + rng.choice([0.0, 1e3, rng.uniform(-50, 50)])
    return x
