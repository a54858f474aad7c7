"""Make the atlas: for every home an environment, its answers, and what they are worth.

``python tools/atlas.py`` probes what is not stored yet, or was probed with other points or other
versions; ``python tools/atlas.py jax_eager torch_eager`` these anew. Environments stand in
`.atlas`, answers in `_build/atlas`, and one JSON a home in `course_lib/bundled/atlas`. An
interrupted run goes on where it was. A home that does not install, or whose program fails, is
stored as such.
"""

import argparse
import ast
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import atlas_cell_judging
import atlas_cell_questions
import atlas_defaults
import atlas_judging
import atlas_networks
import atlas_points
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = {
    "homes": ROOT / "atlas" / "probe.py",
    "networks": ROOT / "atlas" / "network_probe.py",
    "cells": ROOT / "atlas" / "cell_probe.py",
    "defaults": ROOT / "atlas" / "cell_probe.py",
}
STORED = ROOT / "course_lib" / "bundled" / "atlas"
ANSWERS = ROOT / "_build" / "atlas"
ENVIRONMENTS = ROOT / ".atlas"
POINTS = atlas_points.points()


def homes() -> dict[str, Path]:
    """Return the modules of all homes by name, of every kind of question."""
    return {
        path.stem: path
        for kind, program in PROGRAMS.items()
        for path in sorted((program.parent / kind).glob("*.py"))
        if not path.stem.startswith("_")
    }


def packages(home: str, kind: str = "PACKAGES") -> list[str]:
    """Return what a home installs, read from its source: nothing of it is run here."""
    places = [program.parent / folder / f"{home}.py" for folder, program in PROGRAMS.items()]
    source = next(place for place in places if place.exists())
    tree = ast.parse(source.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == kind:
            return [str(value) for value in ast.literal_eval(node.value)]
        if isinstance(node, ast.ImportFrom) and kind in {a.name for a in node.names}:
            return packages(str(node.module), kind)
    if kind == "NPM":
        return []
    raise SystemExit(f"{home}.py has no PACKAGES; name what it installs")


def installed(home: str) -> list[str]:
    """Return all that a home installs, from Python's registry and from npm's."""
    return packages(home) + packages(home, "NPM")


def environment(needed: list[str], npm: list[str]) -> Path:
    """Return the Python of an environment with these packages, made if it is not there."""
    digest = hashlib.sha256("\n".join(sorted(needed + npm)).encode()).hexdigest()[:12]
    place = ENVIRONMENTS / digest
    python = place / "bin" / "python"
    ready = place / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        command = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        done = subprocess.run(
            [*command, "numpy", *needed], capture_output=True, text=True, check=False
        )
        if npm and not done.returncode:
            command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", place]
            done = subprocess.run([*command, *npm], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError((done.stderr.strip().splitlines() or ["no word"])[-1][:300])
        ready.write_text("\n".join(needed + npm))
    return python


def write_inputs() -> dict[str, tuple[Path, str]]:
    """Write the inputs of all programs; return for each their file and a digest."""
    ANSWERS.mkdir(parents=True, exist_ok=True)
    path, arrays = ANSWERS / "networks.npz", atlas_networks.inputs()
    np.savez(path, **arrays)
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays.values()))
    return {
        "homes": write_points(),
        "networks": (path, digest.hexdigest()[:12]),
        "cells": write_questions("cells", atlas_cell_questions.written()),
        "defaults": write_questions("defaults", atlas_defaults.written()),
    }


def write_questions(kind: str, questions: list[dict[str, Any]]) -> tuple[Path, str]:
    """Write the questions about one kind of layers; return their file and a digest."""
    text = json.dumps(questions)
    path = ANSWERS / f"{kind}.json"
    path.write_text(text)
    return path, hashlib.sha256(text.encode()).hexdigest()[:12]


def points_text(dtypes: Iterable[str] = atlas_points.DTYPES) -> str:
    """Return the numbers at which functions are probed in some dtypes, as the probe reads them."""
    table = {
        dtype: {name: array_text(values) for name, values in POINTS[dtype].items()}
        for dtype in dtypes
    }
    return json.dumps(table)


def write_points() -> tuple[Path, str]:
    """Write the numbers at which functions are probed; return their file and a digest."""
    text = points_text()
    path = ANSWERS / "points.json"
    path.write_text(text)
    return path, hashlib.sha256(text.encode()).hexdigest()[:12]


def write_shown() -> None:
    """Write the inputs whose answers are stored, and the rows."""
    shown = [repr(float(value)) for value in atlas_judging.SHOWN]
    (STORED / "inputs.txt").write_text(json.dumps(shown) + "\n")
    rows = [[repr(float(value)) for value in row] for row in atlas_points.ROWS]
    (STORED / "rows.txt").write_text(json.dumps(rows) + "\n")


def array_text(values: Any) -> Any:
    """Return numbers, or rows of them, as hexadecimal text."""
    return [array_text(v) if getattr(v, "ndim", 0) else float(v).hex() for v in values]


def probe(home: str, path: Path, limit: int) -> dict[str, Any]:
    """Return the answers of a home, or why there are none."""
    answers = ANSWERS / f"{home}.json"
    try:
        python = environment(packages(home), packages(home, "NPM"))
        quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [python, PROGRAMS[homes()[home].parent.name], home, path, answers],
            capture_output=True, text=True, check=False, timeout=limit, env=quiet,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError((done.stderr.strip().splitlines() or ["no word"])[-1][:300])
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        why = atlas_judging.PATH.sub("...", str(error))[:300]
        return {"home": home, "failed": why, "date": time.strftime("%Y-%m-%d")}
    found: dict[str, Any] = json.loads(answers.read_text())
    return found


def judge(answers: dict[str, Any]) -> dict[str, Any]:
    """Return what is stored of a home."""
    if "cells" in answers:
        judged = (
            atlas_defaults.judged
            if answers["home"].endswith("_defaults")
            else atlas_cell_judging.judged
        )
        return answers | {"cells": judged(answers["cells"])}
    if "answers" in answers:
        return answers | {"answers": atlas_networks.judged(answers["answers"])}
    entries = [
        {"name": entry["name"], "line": entry["line"]} | {
            dtype: atlas_judging.judged(entry["name"], dtype, found, POINTS[dtype]["row"])
            for dtype, found in entry["dtypes"].items()
        }
        for entry in answers.get("entries", [])
    ]  # fmt: skip
    sizes = {dtype: len(inputs["row"]) for dtype, inputs in POINTS.items()}
    return answers | {"entries": entries, "numbers": sizes}


def main(arguments: list[str]) -> int:
    """Probe homes; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", nargs="*", help="these anew")
    parser.add_argument("--limit", type=int, default=1800, help="seconds for one home")
    parser.add_argument("--judge", action="store_true", help="judge the answers that are there")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.home) - set(homes()))
    if unknown:
        parser.error(f"no home {', '.join(unknown)}; there are {', '.join(homes())}")
    inputs = write_inputs()
    STORED.mkdir(parents=True, exist_ok=True)
    write_shown()
    hand = json.dumps(atlas_cell_questions.by_hand(), separators=(",", ":"))
    (STORED / "by_hand.txt").write_text(hand + "\n")
    failed = 0
    for home in options.home or homes():
        place = STORED / f"{home}.json"
        path, digest = inputs[homes()[home].parent.name]
        if not options.home and not options.judge and place.exists():
            old = json.loads(place.read_text())
            if old.get("inputs") == digest and old.get("packages") == installed(home):
                print(f"{home}: stored")
                continue
        started = time.perf_counter()
        if options.judge and (ANSWERS / f"{home}.json").exists():
            answers = json.loads((ANSWERS / f"{home}.json").read_text())
        else:
            answers = probe(home, path, options.limit)
        result = judge(answers) | {"inputs": digest, "packages": installed(home)}
        part = place.with_suffix(".part")
        part.write_text(json.dumps(result, separators=(",", ":"), sort_keys=True) + "\n")
        part.replace(place)
        failed += "failed" in result
        said = result.get("failed", "answered")
        print(f"{home}: {said}, {time.perf_counter() - started:.0f} s", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
