"""Store what a long experiment measured, with the command that makes it anew.

The results go into the package, where `course_lib.data.results` and the pages of the book find
them; a change there executes the pages again.
"""

import json
import math
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "course_lib" / "bundled" / "results"


def plain(value):
    """Return arrays as lists, their numbers rounded to four significant digits.

    What is not finite becomes None, because JSON has neither NaN nor infinity.
    """
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        rounded = float(f"{value:.4g}")
        return rounded if math.isfinite(rounded) else None
    return value


def store(program, result):
    """Write the result of ``studies/<program>.py``, a line for each of its entries."""
    result = {"command": f"python studies/{program}.py", **plain(result)}
    lines = [
        f" {json.dumps(key)}: {json.dumps(entry, allow_nan=False)}" for key, entry in result.items()
    ]
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{program}.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"wrote {path.name}: {path.stat().st_size:,} bytes")
