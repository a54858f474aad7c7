"""Time and memory of reading the full MNIST from its four files, beside Python's gzip alone.

    python benchmarks/reading_data.py

The files are those that ``load("mnist", full=True)`` fetched, or stand in ``data/full/mnist`` in a
folder beside the checkout. *gzip alone* unpacks them and keeps the bytes; *read_idx* makes arrays
of them; *load* also holds their content against its SHA-256. The three take turns. Memory is the
peak of what Python and NumPy hold, over the arrays that are returned. With ``--quick`` the files
are made, and small.
"""

import gzip
import statistics
import struct
import sys
import tempfile
import tracemalloc
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import numpy as np
import turns
from stored import Table, add_target, parser, report, target_table

from course_lib.data import fetching, images, read_idx
from course_lib.data.loading import load

ROOT = Path(__file__).resolve().parent.parent
MOST_TIME = 1.5  # over gzip alone
MOST_MEMORY = 2.0  # over the arrays
GZIP, READ, LOAD = "gzip alone", "read_idx", "load"
ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def folder():
    """Return a folder that holds the four files, or None."""
    places = [*ROOT.parent.glob("*/data/full/mnist"), fetching.folder() / "mnist"]
    return next((p for p in places if all((p / name).is_file() for name in images.PARTS)), None)


def make(place, count):
    """Write four small files of random images and labels; return the digests of their content."""
    digests = []
    for name in images.PARTS:
        shape = (count, 28, 28) if "images" in name else (count,)
        numbers = np.random.default_rng(0).integers(0, 10, shape, np.uint8)
        head = struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape)
        (place / name).write_bytes(gzip.compress(head + numbers.tobytes(), 1))
        digests.append(sha256(head + numbers.tobytes()).hexdigest())
    return tuple(digests)


def unpacked(path):
    """Return what a gzip file holds, as Python alone reads it."""
    with gzip.open(path) as file:
        return file.read()


def peak(step):
    """Return the most bytes that are held at a time during a step, and what it returns."""
    tracemalloc.start()
    found = step()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most, found


def measure(place, seconds):
    """Return the tables for the files in a folder."""
    paths = [place / name for name in images.PARTS]
    steps = {
        GZIP: lambda: [unpacked(path) for path in paths],
        READ: lambda: [read_idx(path) for path in paths],
        LOAD: lambda: load("mnist", full=True),
    }
    taken = turns.take_turns(steps, seconds=seconds)
    times, targets = Table(["what", "median, ms", "over gzip alone"]), target_table("what")
    for name, spent in taken.items():
        measured = turns.ratio(spent, taken[GZIP])
        times.add(name, f"{1e3 * statistics.median(spent):.0f}", measured)
    for name in (READ, LOAD):
        measured = turns.ratio(taken[name], taken[GZIP])
        add_target(targets, [name], "over gzip alone", measured, MOST_TIME)
    most, found = peak(steps[LOAD])
    held = most / sum(getattr(found, name).nbytes for name in ARRAYS)
    add_target(targets, [LOAD], "memory over arrays", turns.Ratio(held, held, held), MOST_MEMORY)
    return {"Reading four files": times, "Reading targets": targets}


def main(arguments=None):
    """Measure; print and store the tables; return the exit status."""
    options = parser(__doc__).parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        place, digests = folder(), images.SHA256["mnist"]
        if options.quick:
            place = Path(made, "mnist")
            place.mkdir()
            digests = make(place, 200)
        if place is None:
            print("the files are missing; fetch them with: python -m course_lib data mnist")
            return 1
        with (
            patch.dict(images.SHA256, mnist=digests),
            patch.object(fetching, "folder", lambda: place.parent),
        ):
            report("reading_data", measure(place, 0.1 if options.quick else 30), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
