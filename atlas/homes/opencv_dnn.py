"""OpenCV's dnn module, from ONNX, with the engine that it picks.

A model in float16 or float64 is computed in float32, silently (the first answers float32 too), one
in bfloat16 is refused. The place in a vector matters: tanh is NaN from 44.5 in whole blocks of 8
(AVX2), and 1 in what is left over and in rows shorter than 8; Clip makes NaN its lower end in such
blocks, and leaves it in the rest.
"""

import cv2
import numpy as np
from _onnx import LINES, setup, slopes
from _onnx import values as computed

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]

PACKAGES = ["onnx==1.23.2", "opencv-python-headless==5.0.0.93"]
DTYPES = {name: name for name in ("float32",)}


def run(made, x):
    """Return what a model answers."""
    net = cv2.dnn.readNetFromONNX(np.frombuffer(made.SerializeToString(), np.uint8))
    net.setInput(x, "x")
    sizes = made.graph.output[0].type.tensor_type.shape.dim
    return net.forward().reshape([each.dim_value for each in sizes])


SETUP = setup("import cv2", run)


def values(line, x, dtype):
    """Return the values of a line."""
    return computed(line, x, dtype, run)
