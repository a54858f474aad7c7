"""Print the largest error of every activation: ours beside PyTorch, JAX, SciPy and the textbook.

Errors are in units in the last place, over all sizes of input (`course_lib.accuracy.inputs`),
against double-double values (`course_lib.accuracy.references`), which the tests hold to mpmath.
LOST means that a result which should be a normal number is off by a quarter of itself or more, such
as a false 0 far out in a tail, or is NaN. That is *relative* error: the absolute error of a lost
tail is tiny. For other libraries, subnormal inputs and results are left out, because XLA takes them
for 0, and so are kinks, where conventions differ; ours are held to their bounds there too. A
library that is not installed is left out.

Then a short search, that of `worst`, looks for larger errors of our float64 curves: at all
parameters, and over rows up to a length of 10,000. What it finds is confirmed with mpmath. Run it
with ``make accuracy``; it takes less than two minutes.
"""

import argparse
import sys
from functools import partial
from importlib.util import find_spec

import numpy as np
from worst import PARTS, SEARCHED, in_unit, mapped, print_search, processes, searched

from course_lib.accuracy import (
    EXACT,
    EXACT_ROWS,
    Exact,
    errors,
    exact_rows,
    input_rows,
    inputs,
    survey,
)
from course_lib.accuracy.peers import PEERS
from course_lib.accuracy.references import (
    GATES,
    REFERENCES,
    ROW_REFERENCES,
    as_exact,
    gated,
    values_of,
)
from course_lib.activations import CATALOGUE

NARROW_BOUND = 0.51
DTYPES = {"float64": np.float64, "float32": np.float32, "float16": np.float16}


def measure(name, dtype, size):
    """Return for each library the survey of an activation and of its derivative."""
    row = CATALOGUE[name]
    x = inputs(dtype, size, near=row.kinks)
    exact = [values_of(function, x.astype(np.float64)) for function in REFERENCES[name]]
    pairs = {"ours": (row.function, row.derivative)}
    if dtype != np.float16:  # not all libraries compute in half precision on a processor
        pairs |= {library: pair for library, find in PEERS.items() if (pair := find(name))}
    normal = (np.abs(x) >= np.finfo(dtype).tiny) & ~np.isin(x, row.kinks)
    found = {"ours": [survey(f, e, x) for f, e in zip(pairs.pop("ours"), exact, strict=True)]}
    with np.errstate(all="ignore"):
        for library, pair in pairs.items():
            some = [Exact(e.fraction[normal], e.rest[normal], e.exponent[normal]) for e in exact]
            found[library] = [survey(f, e, x[normal]) for f, e in zip(pair, some, strict=True)]
    return found


def over_axis(torch_name, jax_name, scipy_name):
    """Return the functions of other libraries over the last axis, by library."""
    found = {}
    if torch_name and find_spec("torch"):
        import torch

        found["PyTorch"] = lambda x: getattr(torch, torch_name)(torch.from_numpy(x), -1).numpy()
    if jax_name and find_spec("jax"):
        import jax

        jax.config.update("jax_enable_x64", True)
        found["JAX"] = lambda x: np.asarray(getattr(jax.nn, jax_name)(x, axis=-1))
    if scipy_name and find_spec("scipy"):
        from scipy import special

        found["SciPy"] = lambda x: getattr(special, scipy_name)(x, axis=-1)
    return found


OVER_AXIS = {  # the functions of PyTorch, JAX and SciPy
    "softmax": ("softmax", "softmax", "softmax"),
    "log_softmax": ("log_softmax", "log_softmax", "log_softmax"),
    "logsumexp": ("logsumexp", "logsumexp", "logsumexp"),
}


def row_values(name, part, rows):
    """Return what a function of rows should give: one dimension, all results of all rows."""
    if name == "maxout":
        return exact_rows(EXACT_ROWS[name][part], rows)
    if name in GATES:
        a, b = np.split(rows, 2, axis=-1)
        pieces = [as_exact(v) for v in gated(name, part, a, b)]
        joined = [[getattr(p, key) for p in pieces] for key in ("fraction", "rest", "exponent")]
        return Exact(*(np.concatenate(parts, axis=-1).ravel() for parts in joined))
    return values_of(ROW_REFERENCES[name][part], rows)


def measure_rows(name, dtype):
    """Return the largest errors over an axis: ours of both, then of the functions elsewhere."""
    row, rows = CATALOGUE[name], input_rows(dtype)
    with np.errstate(all="ignore"):
        exact = [row_values(name, part, rows.astype(np.float64)) for part in (0, 1)]

    def worst(values, part):
        values = np.asarray(values)
        off = errors(values.ravel(), exact[part]) * in_unit(name, part, rows, values)
        return float(off.max())

    ours = (worst(row(rows), 0), worst(row.derivative(rows), 1))
    with np.errstate(all="ignore"):
        elsewhere = {
            library: worst(function(rows), 0)
            for library, function in over_axis(*OVER_AXIS.get(name, ("", "", ""))).items()
        }
    return ours, elsewhere


def print_rows(title, dtype, broken):
    """Print a line for each function over an axis."""
    for name in EXACT_ROWS:
        limit = bounds(CATALOGUE[name], dtype)
        ours, elsewhere = measure_rows(name, dtype)
        columns = f"{f'{ours[0]:.2g} / {ours[1]:.2g}':>18}"
        columns += "".join(f"{f'{elsewhere[r]:.2g}' if r in elsewhere else '-':>18}" for r in PEERS)
        print(f"{name:15}{f'{limit[0]} / {limit[1]}':>11}{columns}", flush=True)
        for off, bound in zip(ours, limit, strict=True):
            if off > bound:
                broken.append(f"{title} {name}: {off:.3f} (bound {bound})")


def bounds(row, dtype):
    """Return what the catalogue promises."""
    return row.ulps if dtype == np.float64 else (NARROW_BOUND, NARROW_BOUND)


def as_text(surveys):
    """Return two errors as text."""
    if surveys is None:
        return "-"
    return " / ".join("LOST" if s.lost else f"{s.worst_normal:.2g}" for s in surveys)


def print_points(title, dtype, options, broken):
    """Print a line for each elementwise function."""
    peers = [] if dtype == np.float16 else list(PEERS)
    print(f"\n{title}: largest error in ULPs, of the function / of its derivative")
    print(f"{'':15}{'bound':>11}{'ours':>18}" + "".join(f"{r:>18}" for r in peers), end="")
    print("" if dtype == np.float64 else f"{'correctly rounded':>22}")
    one = partial(measure, dtype=dtype, size=options.inputs)
    for name, found in zip(options.only, mapped(one, options.only, options.jobs), strict=True):
        limit = bounds(CATALOGUE[name], dtype)
        columns = "".join(f"{as_text(found.get(r)):>18}" for r in ["ours", *peers])
        print(f"{name:15}{f'{limit[0]} / {limit[1]}':>11}{columns}", end="")
        rounded = " / ".join(f"{s.rounded:.4%}" for s in found["ours"])
        print("" if dtype == np.float64 else f"{rounded:>22}", flush=True)
        for s, bound in zip(found["ours"], limit, strict=True):
            if s.worst > bound or s.lost:
                broken.append(f"{title} {name}: {s.worst:.3f} at {s.at!r} (bound {bound})")


def print_short_search(options, broken):
    """Print what a short search for larger errors finds."""
    names = [name for name in SEARCHED if options.only == list(EXACT) or name in options.only]
    curves = [(name, part) for name in names for part in range(len(PARTS))]
    print(f"\nfloat64, a search of {options.minutes:g} minutes: the largest error of each curve")
    seconds = options.minutes * 60 * options.jobs / len(curves)
    results = searched(curves, options.jobs, points=np.inf, seconds=seconds, confirm=20)
    broken += print_search(results)[1]


def main():
    """Print a table for each float type, and a short search; fail if a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=20_000, help="about how many for each type")
    parser.add_argument("--only", nargs="+", choices=EXACT, metavar="NAME", default=list(EXACT))
    parser.add_argument("--minutes", type=float, default=1.0, help="of the search")
    parser.add_argument("--jobs", type=int, default=processes(), help="processes")
    options = parser.parse_args()
    modules = {"PyTorch": "torch", "JAX": "jax", "SciPy": "scipy"}
    missing = [library for library, module in modules.items() if not find_spec(module)]
    if missing:
        print(f"not installed, and left out: {', '.join(missing)}")
    broken = []
    for title, dtype in DTYPES.items():
        print_points(title, dtype, options, broken)
    for title, dtype in DTYPES.items():
        if dtype != np.float16 and options.only == list(EXACT):
            print(f"\n{title}, rows of six numbers: of the function / of its derivative (ours)")
            print_rows(title, dtype, broken)
    print_short_search(options, broken)
    print("\nAll bounds hold." if not broken else "\nBROKEN: " + "\n".join(broken))
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
