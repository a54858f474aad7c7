"""The program that all studies have in common: it executes their runs and stores the records.

A study is one file. It asks a question in its docstring, lists in ``RUNS`` the keyword arguments of
every run, measures one of them in ``run(**arguments)``, and lays out the records of all runs in
``collect(records)`` for the pages of the book, which read them with `course_lib.data.results`.

    python studies/dropout.py        # executes all runs and stores the result
    python studies/dropout.py 0 7    # executes these two, prints them and stores nothing
"""

import json
import math
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "course_lib" / "bundled" / "results"


def main(name, runs, run, collect, chosen=None):
    """Execute the runs of a study; store the result, unless only some runs are chosen.

    Parameters
    ----------
    name : str
        Of the study's file and of its result.
    runs : list of dict
        Keyword arguments of `run`.
    run : callable
        Returns a record of what was measured, a dict.
    collect : callable
        Takes the list of all records and returns what is stored, a dict.
    chosen : sequence of str, optional
        Places in `runs`, from 0 on; by default the program's arguments.

    Raises
    ------
    SystemExit
        If one that is chosen is no such place. Nothing is executed then.
    """
    chosen = sys.argv[1:] if chosen is None else chosen
    for text in chosen:
        if not (text.isdecimal() and int(text) < len(runs)):
            sys.exit(f"run is {text!r}; expected integers from 0 to {len(runs) - 1}")
    records = []
    for place in [int(text) for text in chosen] or range(len(runs)):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # some runs diverge
            records.append(run(**runs[place]))
        print(f"{place + 1}/{len(runs)}", runs[place], describe(records[-1]), flush=True)
    if not chosen:
        store(name, collect(records))


def describe(record):
    """Format a record for the terminal, with the mean of each array of numbers."""
    if isinstance(record, dict):
        return {key: describe(value) for key, value in record.items()}
    if isinstance(record, list) and record and isinstance(record[0], dict):
        return [describe(entry) for entry in record]
    if isinstance(record, np.ndarray):
        return f"mean {record.mean():.4g}"
    return record


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


def store(name, result):
    """Write the result of ``studies/<name>.py``, a line for each of its entries.

    The file goes into the package; a change there executes the pages that read it again.
    """
    result = {"command": f"python studies/{name}.py", **plain(result)}
    lines = [
        f" {json.dumps(key)}: {json.dumps(entry, allow_nan=False)}" for key, entry in result.items()
    ]
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"wrote {path.name}: {path.stat().st_size:,} bytes")
