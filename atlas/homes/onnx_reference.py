"""ONNX as its standard says it: the schemas' defaults, and the evaluator that comes with them.

The evaluator is NumPy, a function an operator. `op` takes the schema's default for every attribute
that is not given.
"""

from _onnx import LINES, setup, slopes
from _onnx import values as computed
from onnx.reference import ReferenceEvaluator

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]

PACKAGES = ["onnx==1.23.2"]
DTYPES = {name: name for name in ("float16", "bfloat16", "float32", "float64")}


def run(made, x):
    """Return what a model answers."""
    return ReferenceEvaluator(made).run(None, {"x": x})[0]


SETUP = setup("from onnx.reference import ReferenceEvaluator", run)


def values(line, x, dtype):
    """Return the values of a line."""
    return computed(line, x, dtype, run)
