"""tinygrad on the CPU, where it writes C and calls clang.

Where there is no clang, that of `ziglang` does, which speaks another dialect of its options.
Tensors are lazy: a line is one kernel. Its error function is Abramowitz and Stegun's 7.1.26 in
every dtype, its tanh is made of the sigmoid, and its sigmoid of a power of 2. What the catalogue
has and tinygrad has not: shrinks, threshold, glu; what it has and the catalogue has not: none.
ReLU6 is a difference of two ReLUs, which cancels where numbers are large.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

CLANG = """#!{python}
import subprocess, sys, tempfile
keep = [a for a in sys.argv[1:-2] if not a.startswith("--target")]
with tempfile.NamedTemporaryFile(suffix=".c") as c, tempfile.NamedTemporaryFile(suffix=".o") as o:
    c.write(sys.stdin.buffer.read())
    c.flush()
    keep[keep.index("-")] = c.name
    target = ["-target", "x86_64-freestanding-none"]
    zig = ["{python}", "-m", "ziglang", "cc", *target, *keep, "-g0", "-o", o.name]
    subprocess.run(zig, check=True)
    sys.stdout.buffer.write(open(o.name, "rb").read())
"""
if not shutil.which("clang"):
    script = Path(tempfile.mkdtemp()) / "clang"
    script.write_text(CLANG.format(python=sys.executable))
    script.chmod(0o755)
    os.environ["CC"] = str(script)
os.environ["DEV"] = "CPU"

from tinygrad import Tensor, dtypes  # noqa: E402

PACKAGES = ["tinygrad==0.14.0", "ziglang==0.17.1"]
SETUP = "from tinygrad import Tensor"
DTYPES = {
    "float16": dtypes.half,
    "bfloat16": dtypes.bfloat16,
    "float32": dtypes.float,
    "float64": dtypes.double,
}
LINES = {
    "relu": ["x.relu()", "x.maximum(0)", "x.clip(0)"],
    "leaky_relu": ["x.leaky_relu()"],
    "prelu": ["x.leaky_relu(0.25)"],
    "relu6": ["x.relu6()", "x.clip(0, 6)"],
    "hard_tanh": ["x.hardtanh()"],
    "hard_sigmoid": ["x.hardsigmoid()"],
    "squared_relu": ["x.relu().square()"],
    "hard_swish": ["x.hardswish()"],
    "sigmoid": ["x.sigmoid()"],
    "log_sigmoid": ["x.logsigmoid()", "x.sigmoid().log()"],
    "tanh": ["x.tanh()"],
    "softsign": ["x.softsign()"],
    "softplus": ["x.softplus()"],
    "elu": ["x.elu()"],
    "celu": ["x.celu()"],
    "selu": ["x.selu()"],
    "gelu": ["x.gelu()", 'x.gelu("none")'],
    "gelu_tanh": ["x.gelu()"],
    "quick_gelu": ["x.quick_gelu()"],
    "silu": ["x.silu()", "x * x.sigmoid()"],
    "swish": ["x.swish()"],
    "mish": ["x.mish()"],
    "sine": ["x.sin()"],
    "gaussian": ["(-x.square()).exp()"],
    "exponential": ["x.exp()"],
    "softmax": ["x.softmax()"],
    "softmin": ["x.softmin()"],
    "log_softmax": ["x.log_softmax()", "x.softmax().log()"],
    "logsumexp": ["x.logsumexp(-1)"],
}


def array(x, dtype):
    """Return numbers as this home takes them: rounded by NumPy, since they are of the dtype."""
    if dtype == "float64":
        return Tensor(x.astype(np.float64))
    return Tensor(x.astype(np.float32)).cast(DTYPES[dtype]).realize()


def numbers(y):
    """Return what it answers as float64."""
    return y.realize().cast(dtypes.double).numpy()


def run(line, x):
    """Return what a line answers."""
    return eval(line, {"Tensor": Tensor, "x": x})


def values(line, x, dtype):
    """Return the values of a line."""
    return numbers(run(line, array(x, dtype)))


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    x = array(x, dtype)
    y = run(line, x)
    y = y[..., 0] if x.ndim > 1 and y.ndim == x.ndim else y
    return numbers(y.sum().gradient(x)[0])
