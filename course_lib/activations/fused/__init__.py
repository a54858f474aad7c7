r"""Values with their derivatives, in one pass: the forms that trainings use.

A function and its derivative share their exponential, so that both together cost little more than
one. The forms here compute in the dtype of their input, by `course_lib.activations.nodes`; in
float32 some of them look values up that their float64 has computed, by
`course_lib.activations.fused.tabulated`. They are within 4 ULP for parameters from 1e-3 to 1e3;
those beside their derivatives in the other modules are the yardstick, which rounds float16 and
float32 correctly. Where a factor of a result, such as its exponential, is below the smallest normal
float, the error is within 2 of the smallest float's units times the other factors. Results are the
same to the last bit on every processor.

Every kernel takes a flat block of float32 or float64 and the parameters of its function, and
returns a value and a derivative, two new arrays. Throughout, :math:`t = |x|` and
:math:`z = e^{-t}`. The modules of this package hold the forms of the modules of the same name; what
has none is computed by its function and its derivative, in two passes.
"""

from course_lib.activations.fused.driver import FUSED, fast_form, fused
from course_lib.activations.fused.pieces import BLOCK, Form

__all__ = ["BLOCK", "FUSED", "Form", "fast_form", "fused"]
