"""MNN, from the graphs that were written beforehand, and with the options of its converter."""

import subprocess
import sys
import tempfile
from pathlib import Path

import MNN
import numpy as np
from _files import model
from MNN import expr
from mnn_onnx import PACKAGES

MODES = ("float32", "float16 weights", "int8 weights")
OPTIONS = {"float16 weights": ["--fp16"], "int8 weights": ["--weightQuantBits", "8"]}
__all__ = ["MODES", "PACKAGES", "answer"]
PROGRAM = "import sys, _tools; _tools.mnnconvert(sys.argv)"


def answer(job, x, mode):
    """Return what the graph of a job answers."""
    if mode != "float32" and not job["whole"]:
        raise NotImplementedError(mode)
    made = model(job, "float32")
    with tempfile.TemporaryDirectory() as place:
        onnx, own = str(Path(place) / "one.onnx"), str(Path(place) / "one.mnn")
        Path(onnx).write_bytes(made.SerializeToString())
        options = ["--framework", "ONNX", "--modelFile", onnx, "--MNNModel", own]
        command = [sys.executable, "-c", PROGRAM, *options, "--bizCode", "one"]
        command += OPTIONS.get(mode, [])
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode or not Path(own).exists():
            raise ValueError(f"MNN's converter writes no model (status {done.returncode})")
        net = MNN.nn.load_module_from_file(own, ["x"], ["y"])
        given = expr.const(np.ascontiguousarray(x), list(x.shape), expr.NCHW)
        return np.array(expr.convert(net.forward(given), expr.NCHW).read())
