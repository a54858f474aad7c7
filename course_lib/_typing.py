"""The types that more than one module names."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "ArrayOrScalar"]

Array = NDArray[Any]
"""An array of any dtype; docstrings say which, and of what shape."""

ArrayOrScalar = NDArray[Any] | np.float64
"""What a function of an array returns that gives one number for one: an array, or a scalar."""
