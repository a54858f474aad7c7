"""Ask one home one line: ``python probe_line.py HOME LINE NUMBERS [DTYPE] [values|slopes]``.

NUMBERS is a number, a row of them or rows, as JSON: ``-3``, ``[-3, 0.5]``, ``[[1, 2], [3, 4]]``.
The dtype is float32 unless another one is named, the answer are values. It prints numbers as the
dtype prints them. Like `probe`, it knows a home by its module alone, and runs where the home is
installed: what that takes are the module's `PACKAGES`.
"""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
from probe import attempt

HOMES = Path(__file__).parent / "homes"
ASKED = ("values", "slopes")


def chosen(text, known, what):
    """Return a choice that is known, or end and name what is."""
    if text not in known:
        sys.exit(f"there is no {what} {text!r}; expected is one of {', '.join(known)}")
    return text


def array(text):
    """Return a row or rows of numbers, or end and say what they look like."""
    try:
        return np.atleast_1d(np.array(json.loads(text), dtype=np.float64))
    except ValueError:
        sys.exit(f"{text!r} is no row of numbers; expected is JSON such as -3 or [[1, 2]]")


def shown(value, dtype):
    """Return a number as its dtype prints it."""
    if dtype == "bfloat16":  # NumPy has none
        return f"{value:.6g}"
    return str(np.dtype(dtype).type(value))


def main(name, line, numbers, dtype="float32", asked="values"):
    """Print what a line answers."""
    known = sorted(path.stem for path in HOMES.glob("*.py") if not path.stem.startswith("_"))
    chosen(name, known, "home")
    chosen(asked, ASKED, "question")
    x = array(numbers)
    sys.path.insert(0, str(HOMES))
    home = importlib.import_module(name)
    chosen(dtype, home.DTYPES, f"dtype of {name}")
    found = attempt(getattr(home, asked), line, x, dtype)
    if "error" in found:
        sys.exit(found["error"])
    print(*(shown(float.fromhex(number), dtype) for number in found["numbers"]))


if __name__ == "__main__":
    if not 4 <= len(sys.argv) <= 6:
        sys.exit(__doc__.splitlines()[0])
    main(*sys.argv[1:])
