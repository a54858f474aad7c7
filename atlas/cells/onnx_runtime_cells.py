"""ONNX Runtime on the CPU, with the graph optimizations that it does by default."""

import onnxruntime
from _onnx_cells import SETUP as ONNX
from _onnx_cells import Runtime

PACKAGES = ["onnx==1.23.2", "onnxruntime==1.32.0"]
SETUP = f"{ONNX}\nimport onnxruntime"


def run(made, x):
    """Return what a model answers."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})


home = Runtime(run)
