"""MNN: ONNX models through its converter, and its own expressions, in float32.

`MNN.optim` has gradients, but in this package `Grad(...).grad` answers empty lists, and a step of
SGD changes nothing. The converter runs in a process of its own, since it can end in a segmentation
fault, and as `_tools`: importing `MNN.tools`, as the program `mnnconvert` does, installs another
package with pip, unasked.
Not in the catalogue: erf and the other functions of `MNN.expr`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import MNN
import numpy as np
from _onnx import LINES as OPERATORS
from _onnx import setup
from _onnx import values as computed
from MNN import expr

PACKAGES = ["onnx==1.23.2", "MNN==3.6.1"]
DTYPES = {"float32": np.float32}
OWN = {
    "relu": ["expr.relu(x)", "expr.maximum(x, 0.0)"],
    "leaky_relu": ["expr.relu(x, 0.01)"],
    "relu6": ["expr.relu6(x)"],
    "hard_tanh": ["expr.relu6(x, -1.0, 1.0)"],
    "sigmoid": ["expr.sigmoid(x)"],
    "log_sigmoid": ["expr.log(expr.sigmoid(x))"],
    "tanh": ["expr.tanh(x)"],
    "softsign": ["expr.softsign(x)"],
    "softplus": ["expr.softplus(x)"],
    "elu": ["expr.elu(x, 1.0)"],
    "selu": ["expr.selu(x, 1.0507009873554805, 1.6732632423543772)"],
    "gelu": ["expr.gelu(x)"],
    "silu": ["x * expr.sigmoid(x)"],
    "sine": ["expr.sin(x)"],
    "exponential": ["expr.exp(x)"],
    "softmax": ["expr.softmax(x)"],
    "log_softmax": ["expr.log(expr.softmax(x))"],
}
LINES = {name: lines + OWN.get(name, []) for name, lines in OPERATORS.items()}


def outputs(made, x):
    """Return what a model answers after MNN's converter has rewritten it."""
    names = [each.name for each in made.graph.output]
    with tempfile.TemporaryDirectory() as place:
        onnx, own = str(Path(place) / "one.onnx"), str(Path(place) / "one.mnn")
        Path(onnx).write_bytes(made.SerializeToString())
        options = ["--framework", "ONNX", "--modelFile", onnx, "--MNNModel", own]
        program = "import sys, _tools; _tools.mnnconvert(sys.argv)"
        command = [sys.executable, "-c", program, *options, "--bizCode", "one"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode or not Path(own).exists():
            raise ValueError(f"MNN's converter writes no model (status {done.returncode})")
        net = MNN.nn.load_module_from_file(own, ["x"], names)
        given = expr.const(np.ascontiguousarray(x), list(x.shape), expr.NCHW)
        found = net.forward([given])
        return [np.array(expr.convert(each, expr.NCHW).read()) for each in found]


def run(made, x):
    """Return the only output of a model."""
    (y,) = outputs(made, x)
    return y


ONNX = setup(
    "import subprocess, sys, tempfile\nfrom pathlib import Path\nimport MNN\nfrom MNN import expr",
    run,
)
SETUP = f"{ONNX}\n# in a line of expr: x = expr.const(numbers, list(numbers.shape), expr.NCHW)"


def variable(x):
    """Return numbers as this home takes them."""
    return expr.const(np.ascontiguousarray(x, dtype=np.float32), list(x.shape), expr.NCHW)


def values(line, x, dtype):
    """Return the values of a line."""
    if line.startswith("op("):
        return computed(line, x, dtype, run)
    y = eval(line, {"expr": expr, "x": variable(x)})
    return np.array(y.read()).astype(np.float64).reshape(x.shape)


def slopes(line, x, dtype):
    """Raise: `MNN.optim` of this package answers no gradient of an expression."""
    raise NotImplementedError("computes no gradients")
