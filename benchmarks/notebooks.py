"""Time every notebook of the book and each of its cells, and write nothing.

A chapter has a minute from a cold cache, and this list tells which cells use it up. Each notebook
runs once, in a fresh kernel, as `tools/notebooks.py` runs it; the time is that of its cells, the
start of the kernel apart. One run is a rough measure: a busy moment of the machine counts in full.
Run it with ``make bench``; a name, as in ``python benchmarks/notebooks.py necessity``, times one
notebook, also one that is not yet in the contents.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

# In front, because the program there that executes notebooks bears the name of this one.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from environment import BOOK, ROOT, name_of, pages_in, prepare
from notebook_checks import code_cells
from notebooks import ANSI, FAILURES, execute, read
from site_checks import documents

from course_lib._checks import unknown_name

LIMIT = 60  # seconds for a notebook
LISTED = 0.5  # seconds from which on a cell is listed
WIDTH = 60  # characters of a cell's first line


@dataclass(frozen=True)
class Cost:
    """What a cell took; its number counts from 1, text cells too, as the checks count."""

    number: int
    seconds: float
    label: str


def contents():
    """Return the names of the notebooks in ``_toc.yml``, in its order."""
    paths = [(ROOT / name).with_suffix(".ipynb") for name in documents(ROOT)]
    return [name_of(path) for path in paths if path.exists()]


def label(cell):
    """Return the name of the figure that a cell makes, or its first line that does something."""
    figure = cell["metadata"].get("mystnb", {}).get("figure", {}).get("name")
    if figure:
        return figure
    lines = [line.strip() for line in cell["source"].splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")] or lines
    opened = lines[0].endswith(("(", "[", "{"))  # a claim's name is on the line below
    first = "".join(lines[: 1 + opened])
    return first if len(first) <= WIDTH else first[: WIDTH - 3] + "..."


def measure(notebook, folder):
    """Execute a notebook; return the seconds until it could start, and the cost of each cell."""
    begun, ended = {}, {}
    asked = time.perf_counter()

    def ready(**_):
        begun["kernel"] = time.perf_counter()

    def begin(cell_index, **_):
        begun[cell_index] = time.perf_counter()

    def end(cell_index, **_):
        ended[cell_index] = time.perf_counter()

    hooks = {"on_notebook_start": ready, "on_cell_execute": begin, "on_cell_executed": end}
    execute(notebook, folder, **hooks)
    costs = [
        Cost(n, ended[n - 1] - begun[n - 1], label(cell))
        for n, cell in code_cells(notebook)
        if n - 1 in ended
    ]
    return begun["kernel"] - asked, costs


def total(costs):
    """Return the seconds of all cells together."""
    return sum(cost.seconds for cost in costs)


def listing(name, start, costs, least=LISTED):
    """Return the lines about a notebook: its total, then its cells, the most expensive first."""
    seconds = total(costs)
    over = f"  OVER THE LIMIT OF {LIMIT:g} s" if seconds > LIMIT else ""
    lines = [f"{name}: {seconds:.1f} s in {len(costs)} cells, kernel start {start:.1f} s{over}"]
    shown = sorted(
        (cost for cost in costs if cost.seconds >= least), key=lambda cost: -cost.seconds
    )
    if shown:
        lines.append("   cell  seconds  fraction")
    for cost in shown:
        fraction = cost.seconds / seconds
        lines.append(f"{cost.number:7d}{cost.seconds:9.2f}{fraction:10.0%}  {cost.label}")
    return lines


def main(arguments=None):
    """Time the notebooks that are named, or all of the contents; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help=f"also cells below {LISTED} s")
    parser.add_argument("--strict", action="store_true", help="fail if one is over the limit")
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all in the contents")
    options = parser.parse_args(arguments)
    there = [name_of(path, BOOK) for path in pages_in(BOOK)]
    for name in options.names:
        if name not in there:
            parser.error(unknown_name("notebook", name, there))
    prepare()
    over, failed = [], []
    for name in options.names or contents():
        try:
            path = BOOK / f"{name}.ipynb"
            start, costs = measure(read(path), path.parent)
        except FAILURES as error:
            failed.append(name)
            message = ANSI.sub("", str(error))
            print(f"{name}: not timed, because a cell failed:\n{message}", file=sys.stderr)
            continue
        print(*listing(name, start, costs, 0 if options.all else LISTED), sep="\n", flush=True)
        if total(costs) > LIMIT:
            over.append(name)
    return 1 if failed or (options.strict and over) else 0


if __name__ == "__main__":
    sys.exit(main())
