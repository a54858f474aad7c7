r"""Fast forms of softplus, squareplus and the exponential units."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from course_lib import _constants
from course_lib._typing import Array
from course_lib.activations import soft_rectifiers as plain
from course_lib.activations.fused.pieces import (
    Both,
    Form,
    FunctionPair,
    mirrored,
    negative_part,
    product_and_lost,
    quotient_and_lost,
    rectified,
    with_right,
)
from course_lib.activations.nodes import capped, expm1_minus, softplus_minus

__all__ = ["FUSED"]

_FAR = 800.0  # beyond, every exponential is 0


def _softplus(x: Array, *, beta: float = 1.0) -> Both:
    t, lost = product_and_lost(capped(np.abs(x), _FAR / beta), beta)
    value, left = softplus_minus(t, lost)
    if beta != 1:
        value /= beta
    value += rectified(x)
    return value, mirrored(x, left)


def _squareplus(x: Array, *, b: float = 4.0) -> Both:
    """With h, the root of x^2 + b: max(x, 0) + b/2 / (h + t), and for x < 0 b/2 / (h^2 + h t)."""
    t = np.abs(x)
    short = capped(t, _ROOTED[x.dtype.itemsize])
    square = short * short
    square += b
    root = np.sqrt(square)
    square += root * short
    derivative = np.divide(b / 2, square, out=square)
    if short is not t:
        root += t - short
    left = 0.5 * root
    left += 0.5 * t  # halves, whose sum does not overflow
    left = np.divide(b / 4, left, out=left)
    if short is not t:
        derivative = np.where(t > short, left / root, derivative)
    return rectified(x) + left, mirrored(x, derivative)


_ROOTED = {4: 1e19, 8: 1e150}  # where the root is t, and beyond which its square would overflow


def _elu(x: Array, *, alpha: float = 1.0) -> Both:
    value, derivative = _exponential_part(x)
    if alpha != 1:
        value *= alpha
        derivative = with_right(x, derivative, alpha, 1.0)
    value += rectified(x)
    return value, derivative


def _celu(x: Array, *, alpha: float = 1.0) -> Both:
    t = negative_part(x)
    t, lost = quotient_and_lost(capped(np.negative(t, out=t), _FAR * alpha), alpha)
    value, derivative = expm1_minus(t, lost)
    if alpha != 1:
        value *= alpha
    value += rectified(x)
    return value, derivative


def _selu(x: Array) -> Both:
    value, derivative = _exponential_part(x)
    value *= _constants.SELU_PRODUCT
    right = rectified(x)
    right *= _constants.SELU_SCALE
    value += right
    return value, with_right(x, derivative, _constants.SELU_PRODUCT, _constants.SELU_SCALE)


def _exponential_part(x: Array) -> Both:
    """Return e^x - 1 and e^x for x < 0, and 0 and 1 elsewhere."""
    t = negative_part(x)
    return expm1_minus(np.negative(t, out=t))


FUSED: Mapping[FunctionPair, Form] = MappingProxyType(
    {
        (plain.softplus, plain.softplus_grad): _softplus,
        (plain.squareplus, plain.squareplus_grad): _squareplus,
        (plain.elu, plain.elu_grad): _elu,
        (plain.celu, plain.celu_grad): _celu,
        (plain.selu, plain.selu_grad): _selu,
    }
)
