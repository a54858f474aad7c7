"""MNN, from ONNX through its converter, which runs in a process of its own as `_tools`."""

import subprocess
import sys
import tempfile
from pathlib import Path

import MNN
import numpy as np
from _onnx_cells import SETUP as ONNX
from _onnx_cells import Runtime
from MNN import expr

PACKAGES = ["onnx==1.23.2", "MNN==3.6.1"]
SETUP = f"{ONNX}\nimport MNN\nfrom MNN import expr"


def run(made, x):
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


home = Runtime(run)
