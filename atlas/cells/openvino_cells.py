"""OpenVINO on the CPU, from ONNX, in float32, which is asked for."""

import openvino
from _onnx_cells import SETUP as ONNX
from _onnx_cells import Runtime

PACKAGES = ["onnx==1.23.2", "openvino==2026.4.1"]
SETUP = f"{ONNX}\nimport openvino"


def run(made, x):
    """Return what a model answers."""
    core = openvino.Core()
    read = core.read_model(made.SerializeToString())
    found = core.compile_model(read, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})({"x": x})
    return [found[i] for i in range(len(made.graph.output))]


home = Runtime(run)
