"""The types that more than one module names."""

from typing import Any

from numpy.typing import NDArray

__all__ = ["Array"]

Array = NDArray[Any]
"""An array of any dtype; docstrings say which, and of what shape."""
