r"""Fast forms of ReLU's relatives, in which a comparison costs less than a choice."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from course_lib._typing import Array
from course_lib.activations import rectifiers as plain
from course_lib.activations.fused.pieces import Both, Form, FunctionPair, rectified
from course_lib.numerics import indicator, keep_nan

__all__ = ["FUSED"]


def _leaky_relu(x: Array, *, negative_slope: float = 0.01) -> Both:
    derivative = np.array(x <= 0, x.dtype)
    derivative *= negative_slope
    derivative += x > 0
    return x * derivative, keep_nan(derivative, x)


def _prelu(x: Array, *, negative_slope: float = 0.25) -> Both:
    return _leaky_relu(x, negative_slope=negative_slope)


def _threshold(x: Array) -> Both:
    return rectified(x), indicator(x > 0, x)


FUSED: Mapping[FunctionPair, Form] = MappingProxyType(
    {
        (plain.leaky_relu, plain.leaky_relu_grad): _leaky_relu,
        (plain.prelu, plain.prelu_grad): _prelu,
        (plain.threshold, plain.threshold_grad): _threshold,
    }
)
