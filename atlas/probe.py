"""Ask one home of activation functions what it computes: ``python probe.py HOME POINTS ANSWERS``.

A home is a library in which networks are written or run. The program knows it by a module of
`homes`, and nothing else of this project: it runs in an environment that holds the home and NumPy.

It reads inputs, for each dtype a row of numbers and some matrices, and evaluates each line of the
home on them as a reader would, and its slope as far as the home differentiates. What it writes are
the answers alone; what they are worth is judged where they are read.

A module of `homes` has

- `PACKAGES`: what is installed, with versions; `NPM`, if there is one: the same of npm's registry;
- `SETUP`: what a reader imports;
- `LINES`: for a name of the catalogue, what it is called there: expressions of `x`;
- `DTYPES`: those in which it computes;
- `values`, `slopes`: of a line, a NumPy array and a dtype; both answer float64, and raise where the
  home cannot.
"""

import importlib
import json
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

ROWS = ("softmax", "softmin", "log_softmax", "logsumexp", "sparsemax", "maxout", "glu")


def read(path):
    """Return the inputs of each dtype: a row, and matrices by name."""
    table = json.loads(Path(path).read_text())
    return {
        dtype: {name: np.vectorize(float.fromhex)(values) for name, values in inputs.items()}
        for dtype, inputs in table.items()
    }


def written(values):
    """Return numbers as JSON keeps them to the last bit."""
    values = np.asarray(values, dtype=np.float64)
    return values.shape, [value.hex() for value in values.ravel().tolist()]


def packed(values):
    """Return numbers as the bytes of float64, in hexadecimal: the same in a tenth of the time."""
    values = np.asarray(values, dtype=">f8")
    return values.shape, values.tobytes().hex()


def told(error):
    """Return the kind of an error and the first line of its message; notes are not part of it."""
    lines = f"{type(error).__name__}: {str(error).strip()}".splitlines()
    return lines[0].rstrip(": ")[:200]


def attempt(function, *arguments, write=written):
    """Return what a function answers, or one line that says why not."""
    try:
        shape, numbers = write(function(*arguments))
    except Exception as error:
        return {"error": told(error)}
    return {"shape": shape, "numbers": numbers}


def answers(home, inputs):
    """Return what every line of a home answers, in every dtype that it has inputs for."""
    found = []
    for name, lines in home.LINES.items():
        for line in lines:
            entry = {"name": name, "line": line, "dtypes": {}}
            kind = "rows" if name in ROWS else "row"
            for dtype in filter(inputs.__contains__, home.DTYPES):
                x = inputs[dtype][kind]
                entry["dtypes"][dtype] = {
                    "values": attempt(home.values, line, x, dtype, write=packed),
                    "slopes": attempt(home.slopes, line, x, dtype, write=packed),
                }
            found.append(entry)
    return found


def processor():
    """Return the processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def versions(home):
    """Return the versions of a home's packages; those of npm are the ones that it pins."""
    found = {each.split("==")[0]: version(each.split("==")[0]) for each in home.PACKAGES}
    for each in getattr(home, "NPM", []):
        name, _, pinned = each.rpartition("@")
        found[name] = pinned
    return found


def about(home):
    """Return which versions of a home answer, when, and on what."""
    return {
        "versions": versions(home),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": f"{platform.system()} {platform.machine()}, {processor()}",
        "setup": home.SETUP,
    }


def main(name, points, path):
    """Probe a home and write its answers."""
    sys.path.insert(0, str(Path(__file__).parent / "homes"))
    home = importlib.import_module(name)
    started = time.perf_counter()
    result = about(home) | {
        "home": name,
        "entries": answers(home, read(points)),
    }
    result["seconds"] = round(time.perf_counter() - started, 1)
    Path(path).write_text(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
