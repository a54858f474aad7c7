"""Put anything at all into the parsers of data files: a million inputs for each, led by coverage.

    pip install atheris                  # once; not among the requirements
    python benchmarks/fuzz_data.py
    python benchmarks/fuzz_data.py --inputs 1e7 --store

An input is either read to what it says, by the definition of the format and by other readers of it,
or is a `DataError`. Anything else ends the run with the input: another error, numbers that are not
in the file, or a parser that is slow. Atheris changes inputs so that they reach new lines of the
parsers. The unit tests put ten thousand inputs of Hypothesis through the same checks.
"""

import gzip
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import warnings
import wave
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from stored import Table, parser, report

from course_lib.data import DataError
from course_lib.data.idx import TYPES, parse_idx
from course_lib.data.wav import parse_wav

SLOW = 1.0  # seconds of the processor, for an input of a few hundred bytes
CODES = {np.dtype(name): code for code, name in TYPES.items()}
GZIP = b"\x1f\x8b"
LONGEST = 256  # bytes of an input

# ---------------------------------------------------------------------------------------------
# What an input may do
# ---------------------------------------------------------------------------------------------


def packed(array):
    """Return the bytes of an array in the idx format, by its definition."""
    array = array.astype(array.dtype.newbyteorder(">"))
    lengths = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, CODES[array.dtype], array.ndim]) + lengths + array.tobytes()


def check_idx(content):
    """Return whether an input is an idx file; raise an error if what is read is not in it."""
    try:
        array = parse_idx(io.BytesIO(content), len(content), "a file")
    except DataError:
        return False
    assert packed(array) == (gzip.decompress(content) if content[:2] == GZIP else content)
    return True


def check_zipped(content):
    """Do the same where the input is what a gzip file holds."""
    return check_idx(gzip.compress(content, 1))


def check_wav(content):
    """Return whether an input is a recording; raise an error if other readers find another."""
    try:
        sound = parse_wav(content, "a file")
    except DataError:
        return False
    if len(sound.samples):
        rate, stored = by_others(content)
        assert sound.rate == rate
        assert sound.bits == 24 or sound.samples.tobytes() == stored
    return True


def by_others(content):
    """Return rate and samples as the standard library or SciPy reads them."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            return file.getframerate(), file.readframes(file.getnframes())
    except (wave.Error, EOFError):
        from scipy.io import wavfile

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rate, samples = wavfile.read(io.BytesIO(content))
        return rate, samples.tobytes()


def edited(content, edits):
    """Return content with bytes exchanged, left out and put in, as four bytes an edit say."""
    content = bytearray(content)
    for at, cut, put, byte in zip(*[iter(edits)] * 4, strict=False):
        at %= len(content) + 1
        content[at : at + cut % 4] = bytes([byte]) * (put % 4)
    return bytes(content)


# ---------------------------------------------------------------------------------------------
# What is put in
# ---------------------------------------------------------------------------------------------

HEADER = struct.pack(">4B2I", 0, 0, 8, 2, 3, 4)
IDX = [HEADER + bytes(range(12)), b"\0\0\x0e\1\0\0\0\2" + bytes(16), b"\0\0\x0b\3" + bytes(12)]


def recording(kind, channels, bits, samples):
    """Return a WAV file."""
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, 8000, 8000 * frame, frame, bits)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(samples))
    content = b"WAVE" + chunks + samples
    return b"RIFF" + struct.pack("<I", len(content)) + content


WAV = [recording(1, 1, 16, bytes(range(10))), recording(1, 2, 24, bytes(12))]
WAV += [recording(3, 1, 32, bytes(8)), recording(1, 1, 8, b"ab")]
TARGETS = {
    "idx": (check_idx, [*IDX, gzip.compress(IDX[0])]),
    "idx in gzip": (check_zipped, IDX),
    "WAV": (check_wav, WAV),
}


def fuzz(name, inputs, seed, out):
    """Put inputs into one target, and end the process; write what came of it into a file."""
    import atheris

    with atheris.instrument_imports(include=["course_lib.data"]):
        for module in ("idx", "wav"):
            sys.modules.pop(f"course_lib.data.{module}")
            __import__(f"course_lib.data.{module}")
    for module, function in (("idx", "parse_idx"), ("wav", "parse_wav")):
        globals()[function] = getattr(sys.modules[f"course_lib.data.{module}"], function)
    check, corpus = TARGETS[name]
    found = {"inputs": 0, "read": 0, "slowest": 0.0}

    def one(content):
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
        for i, content in enumerate(corpus):
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
