"""Activations and networks in other frameworks: what they compute, and where two versions part.

Whoever carries a network from one framework to another copies its weights and its names. What the
names stand for differs: the slope of leaky ReLU, the form of GELU, an epsilon, an axis. `atlas`
tells what was measured of each name in many homes, `spellings` what becomes of the calls that the
catalogue lists, `cells` the same of recurrent layers and of normalization, `defaults` of initial
weights, dropout, optimizers and losses, `carried` and `ranked` what differences cost trained
networks. `compare` runs two versions of a network on a batch, tells which layers part, and tries
the differences in `DIFFERENCES` until one explains what is seen.

PyTorch is needed for modules of PyTorch, ``onnx`` and ``onnxruntime`` (the extra ``frameworks``)
for ONNX graphs; functions of any framework, and the atlas, need neither. A model of Keras or
TensorFlow (the extra brings it, too) is such a function: ``compare("model.onnx", model, x)``.
"""

from course_lib.frameworks.atlas import (
    Atlas,
    AtlasRow,
    atlas,
    homes,
    networks,
    row_inputs,
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
from course_lib.frameworks.cells import CellAnswer, CellAnswers, cell_homes, cells
from course_lib.frameworks.comparing import NetworkPair, compare
from course_lib.frameworks.defaults import (
    DefaultAnswer,
    DefaultAnswers,
    default_homes,
    defaults,
)
from course_lib.frameworks.differences import DIFFERENCES, Difference, Variant
from course_lib.frameworks.reporting import LayerReport, NetworkReport
from course_lib.frameworks.spelled import Spelling, spellings

__all__ = [
    "DIFFERENCES",
    "Atlas",
    "AtlasRow",
    "CarriedRow",
    "CellAnswer",
    "CellAnswers",
    "Cost",
    "DefaultAnswer",
    "DefaultAnswers",
    "Difference",
    "LayerReport",
    "Move",
    "NetworkPair",
    "NetworkReport",
    "RankedDifference",
    "Spelling",
    "Training",
    "Variant",
    "atlas",
    "carried",
    "carried_homes",
    "cell_homes",
    "cells",
    "compare",
    "default_homes",
    "defaults",
    "homes",
    "networks",
    "ranked",
    "row_inputs",
    "shown_inputs",
    "spellings",
    "trainings",
]
