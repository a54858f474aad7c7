r"""Fast forms of hard swish, hard sigmoid and shrinkage, with their default parameters."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from course_lib._typing import Array
from course_lib.activations import hard as plain
from course_lib.activations.fused.pieces import Both, Form, FunctionPair
from course_lib.numerics import indicator

__all__ = ["FUSED"]


def _hard_sigmoid(x: Array) -> Both:
    value = np.clip(x, -3, 3)
    derivative = indicator(np.abs(value) < 3, x)
    derivative /= 6
    value += 3
    value /= 6
    return value, derivative


def _hard_swish(x: Array) -> Both:
    inside = np.clip(x, -3, 3)
    value = inside + 3
    value /= 6
    value *= np.maximum(x, -3)
    straight = np.abs(inside) == 3
    inside *= 2
    inside += 3
    inside /= 6
    inside *= ~straight
    inside += straight & (x > 0)
    return value, inside


def _hard_shrink(x: Array) -> Both:
    derivative = indicator(np.abs(x) > 0.5, x)
    return x * derivative, derivative


def _soft_shrink(x: Array) -> Both:
    return x - np.clip(x, -0.5, 0.5), indicator(np.abs(x) > 0.5, x)


FUSED: Mapping[FunctionPair, Form] = MappingProxyType(
    {
        (plain.hard_sigmoid, plain.hard_sigmoid_grad): _hard_sigmoid,
        (plain.hard_swish, plain.hard_swish_grad): _hard_swish,
        (plain.hard_shrink, plain.hard_shrink_grad): _hard_shrink,
        (plain.soft_shrink, plain.soft_shrink_grad): _soft_shrink,
    }
)
