"""What the answers of a home are worth, held against the catalogue.

Three verdicts on inputs up to 500: *same*, where every value is the rounded true one or its
neighbor; *same but for rounding*, where none is further away than some units of what rounding costs
beside 1 (a sigmoid that becomes 0 too early is of these, and its row says from where); *different
function*, with the largest difference and where it is. Told apart, since they decide nothing else:
where a function breaks beyond 500, subnormal numbers that become 0, infinite inputs and NaN, and
the slopes at kinks, where each answer is a convention. Where a function leaves its range, as a
softplus below 0 does, is told, and whether float64 is only as good as float32.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import ml_dtypes
import numpy as np
from atlas_points import DTYPES, ROWS, probes, rounded, unpacked

from course_lib import activations

Values = np.ndarray
PATH = re.compile(r"(?<![\w/:])(?:/[\w.@+-]+){2,}/?(?::\d+)?")  # of the machine that was asked
FAR = 500  # the largest input that decides a verdict
SINGLE = float(np.finfo(np.float32).eps)
UNITS = 16  # of rounding beside 1, up to which a function counts as the same
SHOWN = (-np.inf, -500, -110, -100, -89, -20, -18, -10, -6, -5, -3, -2.5, -1, -0.5, -0.1, -1e-8)
SHOWN += (-0.0, 0.0, 1e-8, 0.1, 0.5, 1, 2.5, 3, 5, 6, 10, 18, 20, 89, 100, 500, np.inf, np.nan)
OTHERS: Mapping[str, Mapping[str, tuple[str, Mapping[str, float]]]] = {
    "leaky_relu": {f"leaky_relu({s})": ("leaky_relu", {"negative_slope": s})
                   for s in (0.2, 0.25, 0.3)} | {"relu": ("relu", {})},
    "gelu": {"gelu_tanh": ("gelu_tanh", {}), "quick_gelu": ("quick_gelu", {})},
    "gelu_tanh": {"gelu": ("gelu", {}), "quick_gelu": ("quick_gelu", {})},
    "hard_sigmoid": {"sparse_sigmoid": ("sparse_sigmoid", {})},
    "hard_swish": {"silu": ("silu", {})},
}  # fmt: skip


def judged(name: str, dtype: str, answers: Mapping[str, Any], x: Values) -> dict[str, Any]:
    """Return what is told of the answers of one line in one dtype."""
    row = activations.CATALOGUE[name]
    functions = {"values": row.function, "slopes": row.derivative}
    found: dict[str, Any] = {}
    for what, function in functions.items():
        answer = answers[what]
        if "error" in answer:
            found[what] = {"verdict": "refused", "error": PATH.sub("...", answer["error"])}
            continue
        y = unpacked(answer)
        if row.elementwise:
            kinks, ranged = (row.kinks, ()) if what == "slopes" else ((), row.range)
            found[what] = of_row(y, function, x, dtype, kinks, ranged)
            if found[what]["verdict"] == "different function":
                found[what] |= another(name, what, y, x, dtype)
            down = falls(x, y, len(probes(dtype))) if what == "values" and row.monotonic else None
            if down is not None:
                found[what]["falls at"] = down
        elif what == "values":
            found[what] = of_matrix(y, partial(function, axis=-1), dtype)
    return found


def of_row(
    y: Values, function: Callable[[Values], Values], x: Values, dtype: str,
    kinks: Sequence[float], ranged: Sequence[float],
) -> dict[str, Any]:  # fmt: skip
    """Return verdict, largest difference and what is shown of an elementwise function."""
    true = np.asarray(function(x), dtype=np.float64)
    size = np.abs(x)
    tiny = float(ml_dtypes.finfo(DTYPES[dtype]).smallest_normal)
    usual = (size <= FAR) & ((size >= tiny) | (x == 0)) & ~beside(x, kinks, dtype)
    found = compared(y, true, usual, dtype)
    at = found.pop("index")
    if found.get("ulps", 1):
        found |= {"at": float(x[at])} | pair(y[at], true[at], dtype)
    found["leaves range at"] = outside(x, y, ranged, dtype)
    found["zero from"] = reached(x, y, true, 0.0, dtype)
    found["one from"] = reached(x, y, true, 1.0, dtype)
    found["breaks from"] = breaks(x, y, true, dtype)
    if ((size < tiny) & (y == 0) & (rounded(true, dtype) != 0)).any():
        found["subnormals"] = "become 0"
    if kinks:
        found["kinks"] = {f"{kink:g}": short(y[x == kink][0], dtype) for kink in kinks}
    found["ends"] = ends(x, y, true, dtype)
    found["shown"] = [short(value, dtype) for value in looked_up(x, y)]
    return {name: value for name, value in found.items() if value not in (None, {})}


def pair(y: float, true: float, dtype: str) -> dict[str, str]:
    """Return an answer, and the true value as the dtype has it."""
    return {"gave": short(y, dtype), "instead of": short(true, dtype)}


def outside(x: Values, y: Values, ranged: Sequence[float], dtype: str) -> float | None:
    """Return the input nearest to 0 with an answer beyond the range of a function.

    Bounds that the dtype does not have exactly, such as the least GELU, are left out.
    """
    tiny = float(ml_dtypes.finfo(DTYPES[dtype]).smallest_normal)
    usual = (np.abs(x) <= FAR) & ((np.abs(x) >= tiny) | (x == 0))
    beyond = np.zeros(len(x), dtype=bool)
    for bound, sign in zip(ranged, (-1, 1), strict=False):
        if float(rounded(bound, dtype)) == bound:
            beyond |= usual & (sign * y > sign * bound)
    return float(x[beyond][np.abs(x[beyond]).argmin()]) if beyond.any() else None


def beside(x: Values, kinks: Sequence[float], dtype: str) -> Values:
    """Return which inputs are kinks, or so close that rounding may take them for one."""
    eps = float(ml_dtypes.finfo(DTYPES[dtype]).eps)
    found = np.zeros(len(x), dtype=bool)
    for kink in kinks:
        found |= np.abs(x - kink) <= 4 * eps * abs(kink)
    return found


def breaks(x: Values, y: Values, true: Values, dtype: str) -> float | None:
    """Return the input nearest to 0, of those far out, from which a function is another one."""
    for value in sorted(set(x[np.isfinite(x) & (np.abs(x) > FAR)]), key=abs):
        if compared(y, true, x == value, dtype)["verdict"] == "different function":
            return float(value)
    return None


def ends(x: Values, y: Values, true: Values, dtype: str) -> dict[str, list[str]]:
    """Return what NaN and infinity give where it is not what they should: the answer, the limit."""
    found = {}
    for name, where in (("-inf", x == -np.inf), ("inf", x == np.inf), ("nan", np.isnan(x))):
        answer, limit = y[where][0], true[where][0]
        if not (answer == limit or (np.isnan(answer) and np.isnan(limit))):
            close = np.isfinite(limit) and abs(answer - limit) < 1e-2 * abs(limit)
            if not close:
                found[name] = [short(answer, dtype), short(limit, dtype)]
    return found


def compared(y: Values, true: Values, counted: Values, dtype: str) -> dict[str, Any]:
    """Return the verdict on some values, and the largest difference."""
    expected = rounded(true, dtype)
    both = np.isfinite(expected) & np.isfinite(y)
    wrong = counted & ~both & ~((y == expected) | (np.isnan(y) & np.isnan(expected)))
    info = ml_dtypes.finfo(DTYPES[dtype])
    with np.errstate(all="ignore"):
        gap = np.abs(y - true)
        exponent = np.frexp(np.where(both, np.abs(expected), 1.0))[1] - 1
        unit = np.maximum(float(info.eps) * 2.0**exponent, float(info.smallest_subnormal))
        ulps = np.where(counted & both, gap / unit, 0.0)
        room = UNITS * float(info.eps) * np.maximum(1.0, np.abs(true))
        beyond = np.where(counted & both, gap / room, 0.0)
    if wrong.any():
        index = int(np.flatnonzero(wrong.ravel())[0])
        return {"verdict": "different function", "difference": short(y.ravel()[index], dtype),
                "index": index}  # fmt: skip
    if beyond.max(initial=0) > 1:
        index = int(np.where(beyond > 1, gap, 0).argmax())
        found = {"verdict": "different function", "index": index,
                 "difference": float(f"{gap.ravel()[index]:.3g}")}  # fmt: skip
        worst = beyond.max(initial=0) * float(info.eps)  # UNITS of it make the difference
        if dtype == "float64" and SINGLE / 4096 <= worst <= SINGLE:
            found["as good as"] = "float32"
        return found
    index = int(ulps.argmax())
    verdict = "same" if ulps.max(initial=0) <= 1 else "same but for rounding"
    return {"verdict": verdict, "ulps": float(f"{ulps.max(initial=0):.3g}"), "index": index}


def reached(x: Values, y: Values, true: Values, level: float, dtype: str) -> float | None:
    """Return the input nearest to 0 at which an answer is a level that it should not yet be."""
    tiny = float(ml_dtypes.finfo(DTYPES[dtype]).smallest_normal)
    usual = np.isfinite(x) & (np.abs(x) >= tiny)
    early = usual & (y == level) & (rounded(true, dtype) != level)
    return float(x[early][np.abs(x[early]).argmin()]) if early.any() else None


def falls(x: Values, y: Values, first: int) -> float | None:
    """Return where a function that should never fall does, on the sorted sweep."""
    with np.errstate(invalid="ignore"):
        down = np.flatnonzero(np.diff(y[first:]) < 0)
    return float(x[first:][down[0] + 1]) if len(down) else None


def looked_up(x: Values, y: Values) -> list[float]:
    """Return the answers at the inputs that are shown, NaN where the dtype has no such number."""
    found = []
    for value in SHOWN:
        same = np.isnan(x) if np.isnan(value) else (np.signbit(x) == np.signbit(value))
        near = same & (np.isnan(x) | np.isclose(x, value, rtol=0.01, atol=0) | (x == value))
        order = np.flatnonzero(near)
        if np.isfinite(value):
            order = order[np.argsort(np.abs(x[order] - value), kind="stable")]
        found.append(float(y[order[0]]) if len(order) else np.nan)
    return found


def short(value: float, dtype: str) -> str:
    """Return a number as its dtype prints it."""
    return str(np.asarray(value).astype(DTYPES[dtype])[()])


def another(name: str, what: str, y: Values, x: Values, dtype: str) -> dict[str, str]:
    """Return which other function, or other parameter, the answers are."""
    for label, (other, options) in OTHERS.get(name, {}).items():
        row = activations.CATALOGUE[other]
        function = row.function if what == "values" else row.derivative
        true = np.asarray(function(x, **options), dtype=np.float64)
        if (
            compared(y, true, (np.abs(x) <= FAR) & ~beside(x, row.kinks, dtype), dtype)["verdict"]
            != "different function"
        ):
            return {"is": label}
    return {}


def of_matrix(y: Values, function: Callable[[Values], Values], dtype: str) -> dict[str, Any]:
    """Return verdict and answers of a function of rows."""
    x = rounded(ROWS, dtype)
    with np.errstate(all="ignore"):
        true = np.asarray(function(x), dtype=np.float64)
    if y.shape != true.shape:
        return {"verdict": "different function", "difference": f"shape {y.shape}"}
    finite = np.isfinite(x).all(axis=1)
    counted = np.broadcast_to(finite[:, None] if y.ndim > 1 else finite, y.shape)
    found = compared(y, true, counted, dtype)
    index = found.pop("index")
    width = y.size // len(y)
    if found.get("ulps", 1):
        found |= {"at row": index // width} | pair(y.ravel()[index], true.ravel()[index], dtype)
        if y.ndim > 1:
            found["at column"] = index % width
    found["shown"] = [[short(v, dtype) for v in np.atleast_1d(part)] for part in y]
    return found
