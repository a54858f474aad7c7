r"""How accurate an activation is: exact values, errors in units in the last place, and peers.

- `course_lib.accuracy.exact`: exact values by mpmath, to 50 digits.
- `course_lib.accuracy.measure`: errors of arrays, and a survey over all sizes of input.
- `course_lib.accuracy.references`: the same values in double-double arithmetic
  (`course_lib.accuracy.double_double`), which takes a small part of mpmath's time; the tests hold
  them to mpmath.
- `course_lib.accuracy.peers`: activations as PyTorch, JAX, SciPy and textbooks compute them.

The table that ``make accuracy`` prints is made of these. Its search for larger errors
(``benchmarks/worst.py``) screens with double-double values and confirms with mpmath. mpmath comes
with PyTorch, and with the extra ``test``; nothing else in the library needs it.
"""

from course_lib._checks import not_installed

try:
    import mpmath  # noqa: F401
except ModuleNotFoundError:
    raise not_installed("mpmath", "mpmath", "test") from None

from course_lib.accuracy.exact import (
    EXACT,
    EXACT_ROWS,
    EXACT_WITH,
    Exact,
    exact_entry,
    exact_function,
    exact_rows,
    exact_values,
)
from course_lib.accuracy.measure import Survey, errors, input_rows, inputs, survey

__all__ = [
    "EXACT",
    "EXACT_ROWS",
    "EXACT_WITH",
    "Exact",
    "Survey",
    "errors",
    "exact_entry",
    "exact_function",
    "exact_rows",
    "exact_values",
    "input_rows",
    "inputs",
    "survey",
]
