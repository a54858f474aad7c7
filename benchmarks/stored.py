"""What the benchmarks have in common beside timing: options, tables, and the stored figures.

With ``--store`` a benchmark writes its tables into ``benchmarks/results/``, with the machine, the
versions, the date and the commit. The page *Benchmarks* of the book shows these files, so that no
figure there is typed by hand.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from turns import ratio

RESULTS = Path(__file__).resolve().parent / "results"
NONE = "none"  # in the place of a figure where there is nothing to compare with
PACKAGES = ("numpy", "torch", "jax", "keras", "onnxruntime", "atheris")


@dataclass
class Table:
    """Cells of text under a head; the first columns are names, the others figures."""

    head: list[str]
    rows: list[list[str]] = field(default_factory=list)
    names: int = 1

    def add(self, *cells):
        """Add a row."""
        self.rows.append([str(cell) for cell in cells])

    def __str__(self):
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        return "\n".join(self._line(row, widths) for row in [self.head, *self.rows])

    def _line(self, row, widths):
        """Return a row with names to the left and figures to the right."""
        cells = [
            cell.ljust(width) if i < self.names else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()


def target_table(*names):
    """Return an empty table for targets, with columns for what they are about."""
    head = [*names, "ratio", "median [quartiles]", "at most", "target"]
    return Table(head, names=len(names) + 1)


def add_target(table, names, what, measured, most, *, below=False):
    """Add a ratio with its target, if it has one; without a peer there is no ratio."""
    shown = "" if most is None else f"below {most:g}" if below else f"{most:g}"
    if measured is None:
        table.add(*names, what, NONE, shown, "")
        return
    met = most is not None and (measured.median < most if below else measured.median <= most)
    table.add(*names, what, measured, shown, "" if most is None else "met" if met else "missed")


def medians(taken, names, other):
    """Return the median ratio of each of the names to another one, as text.

    ``taken`` holds the seconds of each in every round, as `turns.take_turns` returns them.
    """
    return [
        f"{ratio(taken[name], taken[other]).median:.2f}"
        if name in taken and other in taken
        else NONE
        for name in names
    ]


def parser(description, **before):
    """Return the options that all benchmarks have; ``before`` if there is another commit."""
    options = argparse.ArgumentParser(description=description.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="a trial: few and small, no figures")
    options.add_argument(
        "--store", nargs="?", const=RESULTS, type=Path, metavar="FOLDER", help="write the tables"
    )
    for name, text in before.items():
        options.add_argument(f"--{name}", type=Path, metavar="FOLDER", help=text)
    return options


def report(name, tables, options):
    """Print the tables of a benchmark, and store them if that is asked for."""
    for title, table in tables.items():
        print(f"\n{title}\n\n{table}", flush=True)
    if options.store is None:
        return
    options.store.mkdir(parents=True, exist_ok=True)
    path = options.store / f"{name}.json"
    result = {
        "command": f"python benchmarks/{name}.py --store",
        "quick": options.quick,
        **circumstances(),
        "tables": {
            title: {"head": table.head, "names": table.names, "rows": table.rows}
            for title, table in tables.items()
        },
    }
    path.write_text(_as_json(result) + "\n", encoding="utf-8")
    print(f"\nwrote {path.name}: {path.stat().st_size:,} bytes")


def _as_json(value, margin=""):
    """Return JSON with a line for each entry of a mapping and for each row of a table."""
    inner = margin + " "
    if isinstance(value, dict):
        lines = [
            f"{inner}{json.dumps(k, ensure_ascii=False)}: {_as_json(v, inner)}"
            for k, v in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{margin}}}"
    if isinstance(value, list) and value and isinstance(value[0], list):
        return "[\n" + ",\n".join(inner + _as_json(row) for row in value) + f"\n{margin}]"
    return json.dumps(value, ensure_ascii=False)


def circumstances():
    """Return when, from which commit and on what machine something was measured."""
    config = np.show_config(mode="dicts")
    blas = config["Build Dependencies"]["blas"]
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": _commit(),
        "machine": f"{_cpu()}, {os.cpu_count()} CPUs, {platform.system()}",
        "features": " ".join(config["SIMD Extensions"].get("found", [])),
        "versions": {"Python": platform.python_version(), **_versions()},
        "blas": f"{blas['name']} {blas['version']}",
    }


def _versions():
    """Return the versions of the packages that are compared, where they are installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _cpu():
    """Return the name of the processor, as well as the system knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{named[0]} ({platform.machine()})" if named else platform.machine()


def _commit():
    """Return the commit of this checkout, with a word if files differ from it; "" without one."""

    def git(*arguments):
        done = subprocess.run(
            ["git", *arguments], cwd=RESULTS.parent, capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if not done.returncode else ""

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", ":/course_lib")
        return git("rev-parse", "--short=7", "HEAD") + (" with changes" if changed else "")
    except FileNotFoundError:
        return ""
