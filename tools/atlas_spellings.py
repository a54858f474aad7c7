"""Hold the spellings of the catalogue against the libraries that they name, and store what differs.

``python tools/atlas_spellings.py`` asks the homes of PyTorch, JAX, Keras and TensorFlow, each in
the environment that `tools/atlas.py` makes for it, for the very calls that `pytorch=`, `jax=`,
`keras=` and `tensorflow=` spell. Values and slopes are compared at the probes of the atlas: at
kinks, in tails, at infinities and NaN.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import atlas_judging
import atlas_points
import ml_dtypes
import numpy as np

import atlas
from course_lib import activations
from course_lib.activations import Activation
from course_lib.activations.catalogue import spelled_out

STORED = atlas.STORED / "spellings.json"
DTYPES = ("float32", "float64")
HOMES = {
    "torch_eager": "pytorch",
    "jax_eager": "jax",
    "keras_torch": "keras",
    "keras_jax": "keras",
    "keras_tensorflow": "keras",
    "tensorflow_eager": "tensorflow",
}
"""For each home the field of a row that spells what is typed there."""
PREFIXES = {"jax": "nn.", "keras": "keras.activations.", "tensorflow": "tf."}
PROGRAM = """
import importlib, json, sys
folder, home, points, lines, answers = sys.argv[1:]
sys.path[:0] = [folder, f"{folder}/homes"]
importlib.import_module(home).LINES = json.loads(lines)
importlib.import_module("probe").main(home, points, answers)
"""


def typed(library: str, spelling: str) -> str:
    """Return the expression of x that a spelling stands for."""
    name, options = spelled_out(spelling)
    given = ", ".join(f"{key}={value!r}" for key, value in options.items())
    if library == "pytorch":
        return f"nn.{name}({given}).to(x.dtype).eval()(x)"
    return f"{PREFIXES[library]}{name}({', '.join(filter(None, ['x', given]))})"


def lines(home: str) -> dict[str, list[str]]:
    """Return what is typed in a home, by the names of the catalogue."""
    field = HOMES[home]
    rows = activations.CATALOGUE.values()
    return {row.name: [typed(field, text)] for row in rows if (text := getattr(row, field))}


def ask(home: str, points: Path) -> dict[str, Any]:
    """Return what a home answers."""
    python = atlas.environment(atlas.packages(home), atlas.packages(home, "NPM"))
    answers = atlas.ANSWERS / f"{home}_spellings.json"
    command = [python, "-c", PROGRAM, atlas.ROOT / "atlas", home, points]
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, json.dumps(lines(home)), answers], check=True, env=quiet)
    found: dict[str, Any] = json.loads(answers.read_text())
    return found


def ours(row: Activation, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values and slopes of the catalogue, of a row of numbers its first output's."""
    if row.elementwise:
        return np.asarray(row.function(x)), np.asarray(row.derivative(x))
    with np.errstate(all="ignore"):
        values = np.asarray(partial(row.function, axis=-1)(x))
        first = np.zeros_like(values)
        first[(...,) if values.ndim < x.ndim else (..., 0)] = 1
        return values, np.asarray(row.vjp(x, first, axis=-1))


def usual(row: Activation, x: np.ndarray, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return which answers are compared: of numbers up to 500, normal or 0; of finite rows."""
    if row.elementwise:
        tiny = float(ml_dtypes.finfo(atlas_points.DTYPES[dtype]).smallest_normal)
        return (np.abs(x) <= atlas_judging.FAR) & ((np.abs(x) >= tiny) | (x == 0))
    finite = np.isfinite(x).all(axis=1)
    return np.broadcast_to(finite.reshape(-1, *[1] * (len(shape) - 1)), shape)


def slopes_apart(
    row: Activation, x: np.ndarray, there: np.ndarray, here: np.ndarray, dtype: str
) -> list[list[str]]:
    """Return the inputs with another slope, beyond a thousandth: each input, theirs and ours.

    What rounding takes for a kink, the floats beside one, is left out.
    """
    counted = usual(row, x, dtype, there.shape)
    if row.elementwise:
        counted &= ~atlas_judging.beside(x, row.kinks, dtype) | np.isin(x, row.kinks)
    expected = atlas_points.rounded(here, dtype)
    with np.errstate(invalid="ignore"):
        near = np.abs(there - expected) <= 1e-3 * np.maximum(1, np.abs(expected))
    found = {}
    for place in zip(*np.nonzero(counted & ~near & (there != expected)), strict=True):
        value = x[place if row.elementwise else place[0]]
        told = f"{value + 0.0:.6g}" if row.elementwise else str(value)
        found[told] = [told, f"{there[place]:.6g}", f"{here[place]:.6g}"]
    return list(found.values())


def compared(row: Activation, answers: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """Return what is stored of a spelling in a dtype."""
    x = atlas.POINTS[dtype]["row" if row.elementwise else "rows"]
    there = {asked: atlas_points.unpacked(answers[asked]) for asked in ("values", "slopes")}
    here = dict(zip(there, ours(row, x), strict=True))
    found: dict[str, Any] = {"ends": {}}
    counted = usual(row, x, dtype, there["values"].shape)
    verdict = atlas_judging.compared(there["values"], here["values"], counted, dtype)
    found["verdict"] = verdict["verdict"]
    if verdict["verdict"] == "different function":
        place = np.unravel_index(verdict["index"], there["values"].shape)
        difference = there["values"][place] - here["values"][place]
        found |= {"difference": f"{abs(difference):.2g}", "at": f"{x[place[0]]:.6g}"}
    found["slopes"] = slopes_apart(row, x, there["slopes"], here["slopes"], dtype)
    if row.elementwise:
        for asked in there:
            parted = atlas_judging.ends(x, there[asked], here[asked], dtype)
            parted.pop("nan", None)
            found["ends"] |= {asked: parted} if parted else {}
    return found


def main() -> None:
    """Ask all homes, and store what they answer."""
    atlas.ANSWERS.mkdir(parents=True, exist_ok=True)
    points = atlas.ANSWERS / "spelling_points.json"
    points.write_text(atlas.points_text(DTYPES))
    homes, entries = {}, []
    for home, library in HOMES.items():
        answers = ask(home, points)
        homes[home] = {key: answers[key] for key in ("versions", "python", "date", "machine")}
        for entry in answers["entries"]:
            row = activations.CATALOGUE[entry["name"]]
            told = {"home": home, "library": library, "name": row.name}
            told |= {"spelling": getattr(row, library), "line": entry["line"]}
            entries.append(
                told | {dtype: compared(row, entry["dtypes"][dtype], dtype) for dtype in DTYPES}
            )
        print(f"{home}: {len(answers['entries'])} spellings", flush=True)
    text = json.dumps({"homes": homes, "spellings": entries}, separators=(",", ":"))
    STORED.write_text(text + "\n")


if __name__ == "__main__":
    main()
