"""The types that more than one module names."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "ArrayOrScalar", "PerReplica", "Pull"]

Array = NDArray[Any]
"""An array of any dtype; docstrings say which, and of what shape."""

ArrayOrScalar = NDArray[Any] | np.float64
"""What a function of an array returns that gives one number for one: an array, or a scalar."""

PerReplica = NDArray[Any] | np.floating[Any]
"""One number for each replica: an array of their shape, or a scalar where there is one network."""

Pull = Callable[[Array], Array]
"""Carries a gradient with respect to a value back to the input."""
