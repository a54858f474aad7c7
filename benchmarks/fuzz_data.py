"""Put anything at all into the parsers of data files: a million inputs for each, led by coverage.

    pip install atheris                  # once; not among the requirements
    python benchmarks/fuzz_data.py
    python benchmarks/fuzz_data.py --inputs 1e7 --store

What an input may do, and how a few bytes become one, says ``data_inputs.py``. Atheris changes these
bytes so that they reach new lines of the parsers. An input that is not read to what it says and is
no `DataError`, or is slow, ends the run with a traceback; Atheris leaves its recipe in a file.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from stored import Table, parser, report

TARGETS = ("idx", "idx in gzip", "WAV")
LONGEST = 64  # bytes of a recipe
SEEDS = [bytes(20), b"\x40", b"\x41", b"\x80" + bytes(12), b"\xc1\0\3" + bytes(3), b"\xff" * 20]


def fuzz(name, inputs, seed, out):
    """Put inputs into one target, and end the process; write what came of it into a file."""
    import atheris

    with atheris.instrument_imports(include=["course_lib.data"]):
        from data_inputs import SLOW
        from data_inputs import TARGETS as targets

    check, made = targets[name]
    found = {"inputs": 0, "read": 0, "slowest": 0.0}

    def one(recipe):
        content = made(recipe)
        began = time.thread_time()
        read = check(content)
        took = time.thread_time() - began
        assert took < SLOW, f"{took} s"
        found["inputs"] += 1
        found["read"] += read
        found["slowest"] = max(found["slowest"], took)
        if found["inputs"] == inputs:
            Path(out).write_text(json.dumps(found), encoding="utf-8")
            os._exit(0)

    with tempfile.TemporaryDirectory() as folder:
        for i, content in enumerate(SEEDS):
            Path(folder, str(i)).write_bytes(content)
        options = [f"-seed={seed}", f"-max_len={LONGEST}", "-runs=-1", "-verbosity=0"]
        atheris.Setup([sys.argv[0], *options, folder], one)
        atheris.Fuzz()


def main(arguments=None):
    """Fuzz each target in a process of its own; return the exit status."""
    options = parser(__doc__)
    options.add_argument("--inputs", type=float, default=1e6, metavar="N", help="for each target")
    options.add_argument("--seed", type=int, default=1, metavar="N", help="of the random changes")
    options = options.parse_args(arguments)
    if find_spec("atheris") is None:
        print("this needs atheris; install it with: pip install atheris", file=sys.stderr)
        return 1
    inputs = 1000 if options.quick else int(options.inputs)
    table = Table(["format", "inputs", "read", "DataError", "slowest"])
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "found.json")
        for name in TARGETS:
            given = (name, inputs, options.seed, str(out))
            program = f"import fuzz_data; fuzz_data.fuzz{given!r}"
            done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent)
            if done.returncode:
                print(f"{name}: an input was found that the parser fails at", file=sys.stderr)
                return 1
            found = json.loads(out.read_text(encoding="utf-8"))
            rejected = found["inputs"] - found["read"]
            counts = [f"{count:,}" for count in (found["inputs"], found["read"], rejected)]
            table.add(name, *counts, f"{1000 * found['slowest']:.0f} ms")
    report("fuzz_data", {"Inputs": table}, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
