"""OpenCV's dnn module, from ONNX, with the engine that it picks."""

import cv2
import numpy as np
from _onnx_cells import SETUP as ONNX
from _onnx_cells import Runtime

PACKAGES = ["onnx==1.23.2", "opencv-python-headless==5.0.0.93"]
SETUP = f"{ONNX}\nimport cv2"


def run(made, x):
    """Return what a model answers."""
    net = cv2.dnn.readNetFromONNX(np.frombuffer(made.SerializeToString(), np.uint8))
    net.setInput(x, "x")
    names = [each.name for each in made.graph.output]
    sizes = [[d.dim_value for d in each.type.tensor_type.shape.dim] for each in made.graph.output]
    return [part.reshape(size) for part, size in zip(net.forward(names), sizes, strict=True)]


home = Runtime(run)
