"""What happens inside a network: activations, gradients, saturation, dead units, rank, updates.

`diagnose` runs one batch through a copy of a network, forward and backward, and measures at every
activation and every weight. It takes a `course_lib.network.Network`, with or without replicas, or a
PyTorch module, and gives the same numbers for the same network.

Three words are used in one meaning only. A unit is *saturated* on an example if its derivative
there is less than a hundredth of the largest derivative that its activation has. *Saturation* is
the fraction of pairs of unit and example that are saturated. A unit is *dead* if its derivative is
exactly 0 on every example: then no gradient reaches its weights, whatever the loss. The units of a
gate, such as SwiGLU, or of maxout are its outputs; each has several inputs, and its derivative is
the largest of theirs in absolute value. Gates have no largest derivative, and 1 stands for it.
"""

from course_lib.diagnostics.diagnosis import Diagnosis, diagnose
from course_lib.diagnostics.gradients import GradientCheck, check_gradients
from course_lib.diagnostics.measures import (
    effective_rank,
    is_saturated,
    root_mean_square,
    saturation_threshold,
)
from course_lib.diagnostics.trace import Trace
from course_lib.diagnostics.units import UnitTransitions, dead_units, unit_transitions

__all__ = [
    "Diagnosis",
    "GradientCheck",
    "Trace",
    "UnitTransitions",
    "check_gradients",
    "dead_units",
    "diagnose",
    "effective_rank",
    "is_saturated",
    "root_mean_square",
    "saturation_threshold",
    "unit_transitions",
]
