"""Activations and networks in other frameworks: what they compute, and where two versions part.

Whoever carries a network from one framework to another copies its weights and its names. What the
names stand for differs: the slope of leaky ReLU, the form of GELU, an epsilon, an axis. `atlas`
tells what was measured of each name in many homes, `carried` and `ranked` what that costs trained
networks. `compare` runs two versions of a network on a batch, tells which layers part, and tries
the differences in `DIFFERENCES` until one explains what is seen.

PyTorch is needed for modules of PyTorch, ``onnx`` and ``onnxruntime`` (the extra ``frameworks``)
for ONNX graphs; functions of any framework, and the atlas, need neither.
"""

from course_lib.frameworks.atlas import (
    Atlas,
    AtlasRow,
    atlas,
    homes,
    shown_inputs,
)
from course_lib.frameworks.carrying import (
    CarriedRow,
    Cost,
    Move,
    RankedDifference,
    Training,
    carried,
    carried_homes,
    ranked,
    trainings,
)
from course_lib.frameworks.comparing import NetworkPair, compare
from course_lib.frameworks.differences import DIFFERENCES, Difference, Variant
from course_lib.frameworks.reporting import LayerReport, NetworkReport

__all__ = [
    "DIFFERENCES",
    "Atlas",
    "AtlasRow",
    "CarriedRow",
    "Cost",
    "Difference",
    "LayerReport",
    "Move",
    "NetworkPair",
    "NetworkReport",
    "RankedDifference",
    "Training",
    "Variant",
    "atlas",
    "carried",
    "carried_homes",
    "compare",
    "homes",
    "ranked",
    "shown_inputs",
    "trainings",
]
