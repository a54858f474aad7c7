"""Where the atlas probes: numbers that tell functions apart, and a sweep that finds the rest.

Probes are what a reader looks up: kinks and their neighbors, where exponentials end, signed zeros,
infinities, NaN, subnormal numbers. The sweep is sorted and dense, for the largest error, for where
a function is exactly 0 or 1, and for whether it rises. All are numbers of the dtype itself, so that
a home rounds none of them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import ml_dtypes
import numpy as np

DTYPES = {
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
}
ENDS = (1e-40, 1e-8, 1e-3, 0.1, 0.25, 0.5, 1, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 16, 17, 18, 20, 24)
ENDS += (30, 40, 44.5, 50, 80, 87, 88, 89, 100, 103.5, 104, 110, 147.875, 500, 700, 710, 745, 750)
ENDS += (1e4, 6e4, 1e10, 1e30)
KINKS = (0.5, 1, 2.5, 3, 6, 20)
ROWS = (
    (0.0, 0.0, 0.0, 0.0),
    (1.0, 2.0, 3.0, 4.0),
    (0.0, 50.0, 100.0, 200.0),
    (-1e4, 0.0, 1e4, 1.0),
    (0.5, 0.25, -1.0, 0.1),
    (1.0, 1.0, 0.0, -1.0),
    (-100.0, -101.0, -102.0, -103.0),
    (0.0, -np.inf, 1.0, 2.0),
    (-np.inf, -np.inf, -np.inf, -np.inf),
    (np.inf, 0.0, 1.0, 2.0),
    (np.inf, np.inf, 0.0, 1.0),
    (np.nan, 0.0, 1.0, 2.0),
)


def rounded(values: object, dtype: str) -> np.ndarray:
    """Return numbers as float64 that the dtype has exactly."""
    with np.errstate(over="ignore"):
        return np.asarray(values, dtype=np.float64).astype(DTYPES[dtype]).astype(np.float64)


def unpacked(answer: Mapping[str, Any]) -> np.ndarray:
    """Return the numbers of an answer, which the probe writes one by one or as bytes."""
    numbers = answer["numbers"]
    if isinstance(numbers, str):
        values = np.frombuffer(bytes.fromhex(numbers), ">f8").astype(np.float64)
    else:
        values = np.array([float.fromhex(value) for value in numbers])
    return values.reshape(answer["shape"])


def neighbors(value: float, dtype: str) -> Iterator[float]:
    """Return a number of the dtype with the one below and the one above."""
    middle = np.asarray(value, dtype=DTYPES[dtype])
    for toward in (-np.inf, np.inf):
        yield float(np.nextafter(middle, np.asarray(toward, dtype=middle.dtype)))
    yield float(middle)


def probes(dtype: str) -> np.ndarray:
    """Return the numbers that are looked up, sorted, with both zeros, then NaN."""
    least = float(ml_dtypes.finfo(DTYPES[dtype]).smallest_subnormal)
    found = {least, *ENDS, np.inf}
    found |= {-value for value in found}
    for kink in KINKS:
        found |= {sign * value for value in neighbors(kink, dtype) for sign in (-1, 1)}
    values = np.unique(rounded(sorted(found), dtype))
    finite = values[np.isfinite(values) & (values != 0)]
    ends = [-np.inf, *finite[finite < 0], -0.0, 0.0, *finite[finite > 0], np.inf, np.nan]
    return np.array(ends)


def sweep(dtype: str) -> np.ndarray:
    """Return sorted numbers: even ones from -30 to 30, and sizes from tiny to huge."""
    largest = float(ml_dtypes.finfo(DTYPES[dtype]).max)
    sizes = np.geomspace(1e-6, min(largest, 1e5), 300)
    even = np.linspace(-30, 30, 1921)
    return np.unique(rounded(np.concatenate([-sizes, even, sizes]), dtype))


def points() -> dict[str, dict[str, np.ndarray]]:
    """Return the inputs of every dtype: the row, probes first, and matrices for rows."""
    return {
        dtype: {
            "row": np.concatenate([probes(dtype), sweep(dtype)]),
            "rows": rounded(ROWS, dtype),
        }
        for dtype in DTYPES
    }
