"""OpenVINO, from the graphs that were written beforehand.

The default precision is that of the processor: bfloat16 where it has that.
"""

import openvino
from _files import MODES as FILES
from _files import model
from openvino_cpu import PACKAGES

MODES = (*FILES, "as it comes")
__all__ = ["MODES", "PACKAGES", "answer"]
CORE = openvino.Core()


def answer(job, x, mode):
    """Return what the graph of a job answers."""
    own = mode == "as it comes"
    read = CORE.read_model(model(job, "float32" if own else mode).SerializeToString())
    options = {} if own else {"INFERENCE_PRECISION_HINT": "f32"}
    return CORE.compile_model(read, "CPU", options)({"x": x})[0]
