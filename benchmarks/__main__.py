"""Run all benchmarks of speed, one after another.

    python benchmarks            # all, with the activations one by one and the notebooks
    python benchmarks --store    # those that the page of the book shows, and store their tables
    python benchmarks --quick    # a trial of these: they run, and their figures mean nothing

Each is a program of its own in this folder and takes ``--quick`` and ``--store`` as well. The first
that fails ends the run.
"""

import sys
import time
from pathlib import Path

from stored import parser
from threads import run

FOLDER = Path(__file__).resolve().parent
SHOWN = (
    "seeds_at_once",
    "training_step",
    "value_and_derivative",
    "imports",
    "ensembles",
    "growth",
    "sweeps",
    "reading_data",
    "compare_networks",
    "probing_homes",
)
OTHERS = ("activations", "step_cost", "lstm_step", "notebooks")


def main(arguments=None):
    """Run the programs; return the exit status of the first that fails, or 0."""
    options = parser(__doc__).parse_args(arguments)
    passed_on = ["--quick"] if options.quick else []
    passed_on += [] if options.store is None else ["--store", str(options.store.resolve())]
    for name in SHOWN if passed_on else (*SHOWN, *OTHERS):
        start = time.perf_counter()
        print(f"\n{name}", flush=True)
        status = run([str(FOLDER / f"{name}.py"), *passed_on])
        if status:
            return status
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
