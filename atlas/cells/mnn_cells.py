"""MNN, from ONNX through its converter, as the home of its functions runs it."""

from _onnx_cells import SETUP as ONNX
from _onnx_cells import Runtime
from mnn_onnx import outputs

PACKAGES = ["onnx==1.23.2", "MNN==3.6.1"]
SETUP = f"{ONNX}\nimport MNN\nfrom MNN import expr"

home = Runtime(outputs)
