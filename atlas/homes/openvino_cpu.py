"""OpenVINO on the CPU, from ONNX.

It computes in float32 whatever the model says: half precisions are rounded at the end, and a double
model silently gives float32 numbers, infinity the largest of them (so no float64 here). Where the
processor has bfloat16 the default `INFERENCE_PRECISION_HINT` is that. Activations without a product
of matrices give the same bits with it as with f32, which is asked for here.
"""

import openvino
from _onnx import LINES, setup, slopes
from _onnx import values as computed

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]

PACKAGES = ["onnx==1.23.2", "openvino==2026.4.1"]
DTYPES = {name: name for name in ("float16", "bfloat16", "float32")}


def run(made, x):
    """Return what a model answers."""
    core = openvino.Core()
    read = core.read_model(made.SerializeToString())
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(read, "CPU", options)({"x": x})[0]


SETUP = setup("import openvino", run)


def values(line, x, dtype):
    """Return the values of a line."""
    return computed(line, x, dtype, run)
