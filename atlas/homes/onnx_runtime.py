"""ONNX Runtime on the CPU, with the graph optimizations that it does by default.

Its CPU kernels have no bfloat16. `Shrink` of doubles is computed in float32.
The place in a vector matters to the last bit of Sin at large numbers.
"""

import onnxruntime
from _onnx import LINES as OPERATORS
from _onnx import setup, slopes
from _onnx import values as computed

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]

PACKAGES = ["onnx==1.23.2", "onnxruntime==1.32.0"]
DTYPES = {name: name for name in ("float16", "float32", "float64")}
OWN = {
    "gelu": ['op("Gelu", x, domain="com.microsoft")'],
    "gelu_tanh": ['op("FastGelu", x, domain="com.microsoft")'],
    "quick_gelu": ['op("QuickGelu", x, domain="com.microsoft")'],
    "silu": ['op("QuickGelu", x, alpha=1.0, domain="com.microsoft")'],
}
LINES = {name: lines + OWN.get(name, []) for name, lines in OPERATORS.items()}


def run(made, x):
    """Return what a model answers."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {session.get_inputs()[0].name: x})[0]


SETUP = setup("import onnxruntime", run)


def values(line, x, dtype):
    """Return the values of a line."""
    return computed(line, x, dtype, run)
