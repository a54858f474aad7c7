"""Run programs that the atlas's page shows, in the homes' environments: do they print its answers?

``python tools/atlas_examples.py torch_eager tfjs`` runs some of each home's, chosen by chance but
the same every time, and counts those that print the very answer, those that are a few units in
the last place away, and those that print something else, which it lists. The environments are those
of ``make atlas``. Each program runs in a process of its own, from the root of the repository.
"""

import argparse
import os
import random
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from environment import ROOT

import atlas

sys.path.append(str(ROOT / "book" / "_ext"))

import atlas_lines as cells
from atlas_homes import HOMES, filled, program

from course_lib.frameworks import homes

NEAR = 4
"""Units in the last place that another place in a vector, or another kernel, may make."""
EPS = {"float16": 2**-10, "bfloat16": 2**-7, "float32": 2**-23, "float64": 2**-52}


def python(home: str) -> Path:
    """Return the Python of a home's environment."""
    return atlas.environment(atlas.packages(home), atlas.packages(home, "NPM"))


def command(home: str, text: str) -> list[str | Path]:
    """Return the command that runs a program of a home."""
    place = python(home)
    if text.startswith("python "):
        return [place, *shlex.split(text)[1:]]
    if home == "tfjs":
        return ["node", "--input-type=module", "-e", text]
    return [place, "-c", text]


def run(home: str, text: str, limit: int = 300) -> str:
    """Return what a program prints, or the last line of what it complains about."""
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    if home == "tinygrad_cpu":
        quiet |= {"DEV": "CPU"} | clang(home)
    folder = python(home).parent.parent if home == "tfjs" else ROOT
    done = subprocess.run(
        command(home, text), cwd=folder, env=quiet, text=True, timeout=limit,
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no word"])[-1]
    return (done.stdout.strip().splitlines() or [""])[-1]


def clang(home: str) -> dict[str, str]:
    """Return the compiler that tinygrad's module makes where there is no clang."""
    text = "import os, tinygrad_cpu; print(os.environ.get('CC', 'clang'))"
    place = {"PYTHONPATH": str(ROOT / "atlas" / "homes")}
    done = subprocess.run(
        [python(home), "-c", text], env=os.environ | place, text=True, capture_output=True,
        check=True,
    )  # fmt: skip
    return {"CC": done.stdout.strip()}


def apart(printed: str, cell: cells.Cell, dtype: str) -> float:
    """Return how many units in the last place what was printed is from the answer of the page."""
    answer, _, column = cell.gave.partition(" in place ")
    try:
        found = [float(part) for part in printed.split()]
        expected = [float(part) for part in answer.split()]
    except ValueError:
        return np.inf
    if column:
        found = found[int(column) - 1 : int(column)]
    if len(found) != len(expected):
        return np.inf
    gaps = (units(*each, dtype) for each in zip(found, expected, strict=True))
    return max(gaps)


def units(found: float, expected: float, dtype: str) -> float:
    """Return the units in the last place between two numbers."""
    if found == expected or (np.isnan(found) and np.isnan(expected)):
        return 0.0
    least = 2.0**-1074 if dtype == "float64" else 2.0**-24 if dtype == "float16" else 2.0**-149
    unit = max(EPS[dtype] * abs(expected), least)
    gap = abs(found - expected) / unit
    return 0.0 if gap < 1e-3 and dtype != "float64" else gap  # printed to as many digits as needed


def sample(home: str, count: int) -> list[tuple[cells.Line, cells.Cell, str]]:
    """Return some of a home's lines, each with what is told of it, and in which mode."""
    found = [
        (line, cell, mode)
        for mode in cells.MODES
        for line, cell in zip(cells.lines(), cells.cells(mode), strict=True)
        if line.home == home and cell and not cell.error
    ]
    random.Random(home).shuffle(found)
    return found[:count]


def main(arguments: list[str]) -> int:
    """Run programs; return 1 if one prints something else than the page says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", nargs="*", help="these; all without it")
    parser.add_argument("--count", type=int, default=6, help="programs of each home")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.home) - set(HOMES))
    if unknown:
        parser.error(f"no home {', '.join(unknown)}; there are {', '.join(HOMES)}")
    total: Counter[str] = Counter()
    for home in options.home or HOMES:
        for line, cell, mode in sample(home, options.count):
            dtype, asked = mode.split("-")
            text = program(home, homes()[home]["setup"], asked)
            printed = run(home, filled(home, text, line.line, dtype, cell.x))
            gap = apart(printed, cell, dtype)
            kind = "equal" if gap == 0 else "near" if gap <= NEAR else "other"
            total[kind] += 1
            if kind != "equal":
                told = f"{mode} {line.line} {cell.x}: {printed[:200]}, not {cell.gave}"
                print(f"{kind}: {home} {told}", flush=True)
        print(home, dict(total), flush=True)
    return min(total["other"], 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
