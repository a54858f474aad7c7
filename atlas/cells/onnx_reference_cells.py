"""ONNX as its standard says it: the evaluator that comes with it, a NumPy function an operator."""

from _onnx_cells import SETUP as ONNX
from _onnx_cells import Runtime
from onnx.reference import ReferenceEvaluator

PACKAGES = ["onnx==1.23.2"]
SETUP = f"{ONNX}\nfrom onnx.reference import ReferenceEvaluator"


def run(made, x):
    """Return what a model answers."""
    return ReferenceEvaluator(made).run(None, {"x": x})


home = Runtime(run)
