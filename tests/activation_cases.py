"""What the tests of activations share."""

import dataclasses
import functools

import numpy as np

from course_lib.activations import CATALOGUE

DTYPES = [np.float16, np.float32, np.float64]
ELEMENTWISE = [row.name for row in CATALOGUE.values() if row.elementwise]
PAIRS = [row for row in CATALOGUE.values() if row.elementwise]
ROWS_OVER_AXIS = [row for row in CATALOGUE.values() if not row.elementwise]
INF, NAN = float("inf"), float("nan")

NARROW_ULPS = 0.51  # float16 and float32 are computed in float64 and rounded once
ROUGH_IN_PYTORCH = {"hard_sigmoid": 1e-7}  # its derivative is the float32 nearest to 1/6


def by_name(row):
    return row.name


def with_parameters(row, **parameters):
    """Return a row whose parameters are fixed, as a reader makes it."""
    pair = {"function": row.function, "derivative": row.derivative}
    return dataclasses.replace(
        row, **{key: functools.partial(value, **parameters) for key, value in pair.items()}
    )


def disagreement(got, true):
    """Return the largest difference in units of the value; saturated values count as equal."""
    shift = np.clip(got.exponent - true.exponent, -3, 3)
    off = np.ldexp(got.fraction, shift) - true.fraction
    off = np.abs(off + (np.ldexp(got.rest, shift) - true.rest))
    tiny = (got.exponent < -1130) & ((true.exponent < -1130) | (true.fraction == 0))
    huge = (got.exponent > 1100) & (true.exponent > 1100)
    return np.where(tiny | huge, 0, off).max()
