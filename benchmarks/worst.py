"""Search for the largest error of every float64 activation: random bits, hill climbing, long rows.

A point is screened in double-double (`course_lib.accuracy.references`), which is right to 1e-10 of
a unit in the last place and better; the worst points are then confirmed with mpmath to 50 digits.
The search keeps the worst point of each region, of every sign, exponent and first four bits, and
climbs from the worst of these, in the manner of Zimmermann's comparison of mathematical libraries.
Parameters are drawn from 1e-3 to 1e3, rows up to a length of 10,000. A few minutes find most; hours
find more::

    python benchmarks/worst.py --minutes 10 --curves gelu softmax
    python benchmarks/worst.py --points 1e8 --jobs 2

What was found is stored in ``build/worst``, a file for each curve, once in half a minute: after an
interruption the same command goes on. Where the library, NumPy or the processor's features have
changed, the points found before are measured again, and counting starts from 0. ``--write FILE``
adds the worst points of each curve to a file of regression tests.

The library is that of the environment; ``PYTHONPATH=.`` takes that of the working directory.
"""

import argparse
import hashlib
import json
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
from mpmath import mp, mpf
from worst_inputs import (
    any_bits,
    by_size,
    draw,
    draw_parameters,
    draw_rows,
    fresh_bits,
    nearby,
    scale_of,
    stretched,
)

import course_lib
from course_lib.accuracy import EXACT, errors, exact_entry, exact_function, exact_values
from course_lib.accuracy.references import (
    GATES,
    REFERENCES,
    ROW_REFERENCES,
    as_exact,
    gated,
    values_of,
)
from course_lib.activations import CATALOGUE

BLOCK = 8_192  # points screened at a time
STATE = Path("build/worst")
FORMAT = 2  # of the files there
LEAST = 8  # blocks, however short the time: the first one makes tables
SAVE_EVERY = 30  # seconds
SEARCHED = [name for name in CATALOGUE if name in {*REFERENCES, *ROW_REFERENCES, *GATES}]
PARTS = ("function", "derivative")

# ---------------------------------------------------------------------------------------------
# Elementwise functions, and gates
# ---------------------------------------------------------------------------------------------


def region(x):
    """Return the number of a point's region: its sign, exponent and first four bits."""
    return (x.view(np.uint64) >> np.uint64(48)).astype(np.int64)


class Points:
    """The worst points of an elementwise curve, or of a gated unit, by region.

    A point is an input and ``others``: the parameters (NaN for the defaults), or the input that a
    gate multiplies.
    """

    def __init__(self, name, part):
        self.name, self.part = name, part
        row = CATALOGUE[name]
        self.curve = row.derivative if part else row.function
        self.is_gate = name in GATES
        keys = [key for key in row.parameters if key != "rng"]
        self.keys = ["a"] if self.is_gate else keys
        self.off = np.zeros(2**16)
        self.x = np.zeros(2**16)
        self.others = np.full((2**16, len(self.keys)), np.nan)

    def store(self):
        """Return what a later run needs, as arrays."""
        found = np.flatnonzero(self.off > 0)
        arrays = {"off": self.off, "x": self.x, "others": self.others}
        return {"at": found} | {key: array[found] for key, array in arrays.items()}

    def load(self, stored):
        """Go on with the points of an earlier run."""
        at = stored["at"]
        self.off[at], self.x[at], self.others[at] = (stored[k] for k in ("off", "x", "others"))

    def remeasure(self, stored):
        """Take the worst points of an earlier run, measured again."""
        worst = np.argsort(stored["off"])[::-1][:4096]
        x, others = stored["x"][worst], stored["others"][worst]
        if self.is_gate:
            self.keep(x, {}, others[:, 0])
            return
        keys, inverse = np.unique(others, axis=0, return_inverse=True)
        for i, key in enumerate(keys):
            self.keep(x[inverse.ravel() == i], self.parameters(key))

    def step(self, rng):
        """Screen a block of points, and return how many."""
        climb = rng.random() < 0.5 and self.off.any()
        if self.is_gate:
            x, a = self.climb_gate(rng) if climb else self.draw_gate(rng)
            self.keep(x, {}, a)
        else:
            x, parameters = self.climb(rng) if climb else self.start(rng)
            self.keep(x, parameters)
        return BLOCK

    def start(self, rng):
        parameters = draw_parameters(rng, self.name)
        return draw(rng, self.name, scale_of(self.name, parameters), BLOCK), parameters

    def worst(self, count):
        """Return the numbers of the worst regions, the worst first, among those with an error."""
        some = np.argpartition(self.off, -count)[-count:]
        some = some[np.argsort(self.off[some])[::-1]]
        return some[self.off[some] > 0]

    def seeds(self, rng, n):
        """Return some of the worst points: more often the worse they are."""
        worst = self.worst(rng.choice([16, 128, 1024]))
        return worst[(rng.random(n) ** 2 * worst.size).astype(np.int64)]

    def climb(self, rng):
        """Return neighbors of the worst points, at the parameters of one or beside them."""
        seeds = self.seeds(rng, BLOCK)
        x = self.x[seeds]
        parameters = self.parameters(self.others[seeds[0]])
        if parameters and rng.random() < 0.2:
            parameters = draw_parameters(rng, self.name)
        elif parameters and rng.random() < 0.5:
            values = nearby(rng, np.array(list(parameters.values())))
            values = np.clip(np.abs(values), 1e-3, 1e3) * np.sign(values)
            parameters = dict(zip(self.keys, values.tolist(), strict=True))
            if "lower" in parameters and parameters["lower"] > parameters["upper"]:
                parameters["lower"] = parameters["upper"]
        if parameters:  # the others were found at other parameters: carry them over
            scales = [scale_of(self.name, self.parameters(p)) for p in self.others[seeds[:64]]]
            x = stretched(x[:64], scale_of(self.name, parameters) / np.array(scales))
            x = np.tile(np.append(x[1:], self.x[seeds[0]]), BLOCK // 64)
        return nearby(rng, x), parameters

    def parameters(self, others):
        """Return stored parameters as keywords."""
        if self.is_gate or not len(others) or np.isnan(others[0]):
            return {}
        return dict(zip(self.keys, others.tolist(), strict=True))

    def draw_gate(self, rng):
        a = any_bits(rng, BLOCK) if rng.random() < 0.2 else fresh_bits(rng, by_size(rng, BLOCK))
        return draw(rng, self.name, 1.0, BLOCK), a

    def climb_gate(self, rng):
        seeds = self.seeds(rng, BLOCK)
        a, x = self.others[seeds, 0], self.x[seeds]
        moved = rng.integers(0, 3)
        return (x if moved == 1 else nearby(rng, x)), (a if moved == 0 else nearby(rng, a))

    def screen(self, x, parameters, a=None):
        """Return the errors of points, in ULPs."""
        if a is None:
            reference = values_of(REFERENCES[self.name][self.part], x, **parameters)
            return errors(self.curve(x, **parameters), reference)
        found = self.curve(np.stack([a, x], axis=-1))
        with np.errstate(all="ignore"):
            expected = [as_exact(v) for v in gated(self.name, self.part, a, x)]
        return np.max([errors(found[:, i], e) for i, e in enumerate(expected)], axis=0)

    def keep(self, x, parameters, a=None):
        """Screen points, and keep those that are the worst of their regions."""
        off = self.screen(x, parameters, a)
        with np.errstate(over="ignore", under="ignore"):
            at = region(x / scale_of(self.name, parameters))
        better = np.flatnonzero(off > self.off[at])
        better = better[np.argsort(off[better])]  # of several in a region the last is stored
        at = at[better]
        self.off[at], self.x[at] = off[better], x[better]
        if a is not None:
            self.others[at, 0] = a[better]
        else:
            self.others[at] = list(parameters.values()) if parameters else np.nan

    def confirmed(self, count):
        """Return the worst points and their errors by mpmath, the worst first."""
        found = [self.confirm(self.x[i], self.others[i]) for i in self.worst(count)]
        return sorted(found, key=lambda point: -point["error"])

    def confirm(self, x, others):
        x, parameters = float(x), self.parameters(others)
        if self.is_gate:
            a = float(others[0])
            off = float(gate_errors(self.name, self.part, a, x).max())
            return {"x": [a.hex(), x.hex()], "error": off}
        point = {"x": x.hex(), **{key: value.hex() for key, value in parameters.items()}}
        return {**point, "error": point_error(self.name, self.part, x, parameters)}


def point_error(name, part, x, parameters):
    """Return the error of an elementwise curve at one point by mpmath."""
    curve = CATALOGUE[name].derivative if part else CATALOGUE[name].function
    reference = exact_values(exact_function(name, part, parameters), [x])
    return float(errors(curve(np.array([x]), **parameters), reference)[0])


def gate_errors(name, part, a, b):
    """Return the errors of a gated unit at two inputs by mpmath: of one result, or of both."""
    row, (function, derivative) = CATALOGUE[name], EXACT[GATES[name]]
    found = (row.derivative if part else row.function)(np.array([a, b]))
    if part:
        pieces = [function, lambda y: mpf(a) * derivative(y)]
    else:
        pieces = [lambda y: mpf(a) * function(y)]
    expected = [exact_values(piece, [b]) for piece in pieces]
    return np.concatenate([errors(found[i : i + 1], e) for i, e in enumerate(expected)])


# ---------------------------------------------------------------------------------------------
# Functions over an axis
# ---------------------------------------------------------------------------------------------

LONGEST = (10_000, 1_024)  # rows of a function, and of a Jacobian matrix
KEPT = 16  # the worst rows of a class of lengths
CLASSES = 28  # of lengths: two for each power of two


class Rows:
    """The worst rows of a function over an axis, by length: each a row and an entry."""

    def __init__(self, name, part):
        self.name, self.part = name, part
        row = CATALOGUE[name]
        self.curve = row.derivative if part else row.function
        self.square = part == 1 and row.kind == "axis"
        self.kept = [[] for _ in range(CLASSES)]  # of (error, entry, row)

    def store(self):
        """Return what a later run needs, as arrays."""
        items = [item for kept in self.kept for item in kept]
        return {
            "off": [off for off, _, _ in items],
            "entries": [entry for _, entry, _ in items],
            "lengths": np.array([len(row) for _, _, row in items], np.int64),
            "rows": np.concatenate([[], *(row for _, _, row in items)]),
        }

    def load(self, stored):
        """Go on with the rows of an earlier run."""
        rows = np.split(stored["rows"], np.cumsum(stored["lengths"]))[:-1]
        for off, entry, row in zip(stored["off"], stored["entries"], rows, strict=True):
            self.kept[length_class(row)].append((float(off), int(entry), row))

    def remeasure(self, stored):
        """Take the rows of an earlier run, measured again."""
        for row in np.split(stored["rows"], np.cumsum(stored["lengths"]))[:-1]:
            self.keep(row[np.newaxis])

    def step(self, rng):
        """Screen a block of rows, and return how many results."""
        kept = [item for items in self.kept for item in items]
        if kept and rng.random() < 0.5:
            x = self.climb(rng, kept)
        else:
            longest = LONGEST[self.square] if rng.random() < 0.1 else LONGEST[self.square] // 16
            n = int(longest ** rng.uniform(0, 1.0001))
            x = draw_rows(rng, self.fitting(n), n) * (-1 if self.name == "softmin" else 1)
        self.keep(x)
        return x.size * (x.shape[1] if self.square else 1)

    def fitting(self, n):
        """Return how many rows of length n make a block."""
        return max(1, BLOCK // n ** (2 if self.square else 1))

    def climb(self, rng, kept):
        """Return rows like one of the worst: with other entries, moved entries, or repeated."""
        kept = sorted(kept, key=lambda item: -item[0])[: rng.choice([4, 32, 448])]
        _, entry, row = kept[rng.integers(len(kept))]
        count, how = self.fitting(len(row)), rng.integers(0, 4)
        if how == 0 and len(row) * 2 <= LONGEST[self.square]:
            count, row = self.fitting(len(row) * 2), np.concatenate([row, row])
        x = np.tile(row, (count, 1))
        moved = nearby(rng, np.where(np.isfinite(x), x, 0.0).ravel()).reshape(x.shape)
        few = rng.random(x.shape) < (1.0 if how == 1 else rng.uniform(0, 2) / len(row))
        few |= (np.arange(len(row)) == entry % len(row)) & (how == 2)
        if how == 3:
            moved = rng.permuted(x, axis=1)
        return np.where(few & np.isfinite(x) & np.isfinite(moved), moved, x)

    def keep(self, x):
        """Screen rows of one length, and keep the worst."""
        off = self.screen(x)
        worst = off.argmax(axis=1)
        off = off[np.arange(len(x)), worst]
        kept = self.kept[length_class(x[0])]
        least = kept[-1][0] if len(kept) == KEPT else 0.0
        for i in np.argsort(off)[::-1][:KEPT]:
            if off[i] > least:
                kept.append((float(off[i]), int(worst[i]), x[i].copy()))
        kept.sort(key=lambda item: -item[0])
        del kept[KEPT:]

    def screen(self, x):
        """Return errors of rows, in ULPs: all results of a row in one line."""
        expected = values_of(ROW_REFERENCES[self.name][self.part], x)
        values = np.asarray(self.curve(x))
        off = errors(values.ravel(), expected)
        off *= in_unit(self.name, self.part, x, values)
        off = off.reshape(len(x), -1)
        if not self.square and off.shape == x.shape:
            off = np.where(np.isinf(x), 0.0, off)  # what is left out has no digits
        return off

    def confirmed(self, count):
        """Return the worst rows and their errors by mpmath, the worst first."""
        kept = sorted((item for items in self.kept for item in items), key=lambda item: -item[0])
        some = [*kept[: max(1, count // 100)], *(items[0] for items in self.kept[:18] if items)]
        found = [self.confirm(entry, row) for _, entry, row in some]
        return sorted(found, key=lambda point: -point["error"])

    def confirm(self, entry, row):
        found = row_error(self.name, self.part, row, entry)
        return {"x": [value.hex() for value in row.tolist()], "entry": entry, "error": found}


def length_class(row):
    """Return the number of the class of a row's length."""
    return min(int(2 * np.log2(len(row))), CLASSES - 1)


def in_unit(name, part, x, values):
    """Return the factor that converts an error in ULPs to the unit of the bound."""
    if name != "logsumexp" or part:
        return 1.0
    largest = np.maximum(np.abs(x.max(axis=-1)), np.abs(values))
    with np.errstate(all="ignore"):
        return np.nan_to_num(np.spacing(np.abs(values)) / np.spacing(largest), nan=1.0)


def row_error(name, part, row, entry):
    """Return the error of one result of a row by mpmath."""
    curve = CATALOGUE[name].derivative if part else CATALOGUE[name].function
    values = np.asarray(curve(row)).ravel()[entry : entry + 1]
    numbers = [mpf(value) for value in row.tolist()]
    expected = exact_values(lambda _: exact_entry(name, part, numbers, entry), [0.0])
    return float((errors(values, expected) * in_unit(name, part, row, values))[0])


# ---------------------------------------------------------------------------------------------
# The search
# ---------------------------------------------------------------------------------------------


def fingerprint():
    """Return what results depend on: the kernels' text, NumPy, and the processor's features."""
    text = hashlib.sha256()
    folder = Path(course_lib.__file__).parent
    files = [folder / f"{name}.py" for name in ("_constants", "numerics", "pairs")]
    for file in sorted([*files, *(folder / "activations").glob("*.py")]):
        text.update(file.read_bytes())
    features = np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])
    return f"{FORMAT}, {text.hexdigest()[:16]}, NumPy {np.__version__}, {' '.join(features)}"


def load(path):
    """Return the state of a search from a file, or None where there is none."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise SystemExit(f"{path} cannot be read ({error}); delete it to start again") from error


def save(path, search, meta):
    """Write the state of a search to a file, at once: a killed run leaves the old or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, meta=json.dumps(meta), **search.store())
    os.replace(part, path)


def search(name, part, points, seconds, state=None, confirm=1000, seed=0):
    """Search one curve until so many points are screened or the time is up.

    Returns the worst points, confirmed, and how many were screened in all.
    """
    end = time.monotonic() + seconds
    path = state and Path(state) / f"{name}-{PARTS[part]}.npz"
    found = (Rows if name in ROW_REFERENCES else Points)(name, part)
    meta = {"fingerprint": fingerprint(), "blocks": 0, "points": 0}
    if path and (stored := load(path)):
        old = json.loads(str(stored["meta"]))
        if old["fingerprint"] == meta["fingerprint"]:
            found.load(stored)
            meta = old
        else:
            found.remeasure(stored)
    saved, first = time.monotonic(), meta["blocks"]
    try:
        while meta["points"] < points and (
            time.monotonic() < end or meta["blocks"] < first + LEAST
        ):
            rng = np.random.default_rng([seed, SEARCHED.index(name), part, meta["blocks"]])
            meta["points"] += found.step(rng)
            meta["blocks"] += 1
            if path and time.monotonic() > saved + SAVE_EVERY:
                save(path, found, meta)
                saved = time.monotonic()
    finally:
        if path:
            save(path, found, meta)
    with mp.workdps(50):
        return found.confirmed(confirm), meta["points"]


def processes():
    """Return how many processes to work with: in a browser there are no others."""
    return 1 if sys.platform in ("emscripten", "wasi") else os.cpu_count() or 1


def mapped(function, items, jobs):
    """Yield a function of each item, in order, computed in this process or in several."""
    if jobs == 1:
        yield from map(function, items)
        return
    import multiprocessing  # a browser's Python lacks it

    deaf = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process
    with multiprocessing.get_context("spawn").Pool(jobs, deaf) as pool:
        yield from pool.imap(function, items)


def searched(curves, jobs=1, **options):
    """Yield curves, names and parts, each with what `search` returns."""
    yield from zip(curves, mapped(partial(_search_one, options=options), curves, jobs), strict=True)


def _search_one(curve, options):
    return search(*curve, **options)


def remeasured(name, part, point):
    """Return the error, by mpmath, of a point that a search has found."""
    with mp.workdps(50):
        if name in ROW_REFERENCES:
            row = np.array([float.fromhex(value) for value in point["x"]])
            return row_error(name, part, row, point["entry"])
        if name in GATES:
            a, b = map(float.fromhex, point["x"])
            return float(gate_errors(name, part, a, b).max())
        keys = point.keys() - {"x", "error"}
        parameters = {key: float.fromhex(point[key]) for key in keys}
        return point_error(name, part, float.fromhex(point["x"]), parameters)


def as_text(point):
    """Return a point as text, a long row by its length."""
    x = point["x"]
    if isinstance(x, str):
        rest = [f"{k} = {v}" for k, v in point.items() if k not in ("x", "error")]
        return ", ".join([x, *rest])
    if len(x) <= 2:
        return "[" + ", ".join(x) + "]" + (f" entry {point['entry']}" if "entry" in point else "")
    return f"a row of {len(x)}, entry {point['entry']}"


def print_search(results):
    """Print a line for each curve as it is done; return what was found, and what is broken."""
    print(f"{'':28}{'bound':>7}{'worst':>12}{'points':>16}  at")
    kept, broken = {}, []
    for (name, part), (points, count) in results:
        bound = CATALOGUE[name].ulps[part]
        worst = points[0] if points else {"x": "-", "error": 0.0}
        title = f"{name}, {PARTS[part]}"
        size = f"{worst['error']:.4f}" if worst["error"] < 1e5 else f"{worst['error']:.1e}"
        print(f"{title:28}{bound:>7}{size:>12}{count:>16,}  {as_text(worst)}", flush=True)
        kept[f"{name}.{PARTS[part]}"] = points
        if not worst["error"] <= bound:
            broken.append(f"{title}: {size} (bound {bound}) at {as_text(worst)}")
    return kept, broken


def write(path, kept, most=8, longest=64):
    """Add the worst points of each curve, if they keep its bound, to a file of regression tests."""
    path = Path(path)
    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for key, points in kept.items():
        name, part = key.split(".")
        bound = CATALOGUE[name].ulps[PARTS.index(part)]
        held = [p for p in points if p["error"] <= bound and len(np.atleast_1d(p["x"])) <= longest]
        known = stored.setdefault(key, [])
        for point in held[:most]:
            place = {key: value for key, value in point.items() if key != "error"}
            if place not in known:
                known.append(place)
    lines = [
        f'"{key}": [\n  ' + ",\n  ".join(map(json.dumps, stored[key])) + "\n]"
        for key in sorted(stored)
        if stored[key]
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", nargs="+", choices=SEARCHED, metavar="NAME", default=SEARCHED)
    parser.add_argument("--points", type=float, default=1e8, help="of each curve, earlier runs too")
    parser.add_argument("--minutes", type=float, default=np.inf, help="in all, divided evenly")
    parser.add_argument("--confirm", type=int, default=1000, help="points to confirm by mpmath")
    parser.add_argument("--state", type=Path, default=STATE, help="a folder")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, metavar="FILE", help="of regression tests to add to")
    options = parser.parse_args()
    for key in ("points", "minutes", "confirm", "jobs"):
        if not getattr(options, key) > 0:
            parser.error(f"--{key} is {getattr(options, key):g}; expected a number above 0")
    return options


def main():
    """Search; print a table; fail if a bound does not hold."""
    options = parsed()
    curves = [(name, part) for name in options.curves for part in (0, 1)]
    print(f"{Path(course_lib.__file__).parent}: {fingerprint()}")
    results = searched(
        curves,
        options.jobs,
        points=options.points,
        seconds=options.minutes * 60 * options.jobs / len(curves),
        state=options.state,
        confirm=options.confirm,
        seed=options.seed,
    )
    try:
        kept, broken = print_search(results)
    except KeyboardInterrupt:
        print(f"\ninterrupted; what was found is in {options.state}, and the same command goes on")
        return 130
    if options.write:
        write(options.write, kept)
    print("\nAll bounds hold." if not broken else "\nBROKEN: " + "\n".join(broken))
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
