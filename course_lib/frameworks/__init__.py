"""Networks in other frameworks: where two versions of one network part, and why.

Whoever carries a network from one framework to another copies its weights and its names. What the
names stand for differs: the slope of leaky ReLU, the form of GELU, an epsilon, an axis. `compare`
runs both versions on a batch, tells which layers part, and tries the differences in `DIFFERENCES`
until one explains what is seen.

PyTorch is needed for modules of PyTorch, ``onnx`` and ``onnxruntime`` (the extra ``frameworks``)
for ONNX graphs; functions of any framework need neither.
"""

from course_lib.frameworks.comparing import NetworkPair, compare
from course_lib.frameworks.differences import DIFFERENCES, Difference, Variant
from course_lib.frameworks.reporting import LayerReport, NetworkReport

__all__ = [
    "DIFFERENCES",
    "Difference",
    "LayerReport",
    "NetworkPair",
    "NetworkReport",
    "Variant",
    "compare",
]
