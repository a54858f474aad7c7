r"""The table of all fast forms, which one serves, and what runs it over an array."""

from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType, MappingProxyType
from typing import Any

import numpy as np

from course_lib._typing import Array
from course_lib.activations.fused import (
    hard,
    rectifiers,
    self_gated,
    sigmoids,
    soft_rectifiers,
    waves,
)
from course_lib.activations.fused.pieces import Both, Form, FunctionPair, by_blocks
from course_lib.numerics import keep_freed_memory

__all__ = ["FUSED", "fast_form", "fused"]

FUSED: Mapping[FunctionPair, Form] = MappingProxyType(
    {
        **rectifiers.FUSED,
        **hard.FUSED,
        **sigmoids.FUSED,
        **soft_rectifiers.FUSED,
        **self_gated.FUSED,
        **waves.FUSED,
    }
)
"""By function and derivative, the form that computes both."""

_LEAST, _MOST = 1e-3, 1e3  # the parameters for which bounds are promised


def fast_form(
    function: Callable[..., Any], derivative: Callable[..., Any], parameters: Mapping[str, Any]
) -> Form | None:
    """Return the fast form of a function and its derivative, with its parameters, if one serves.

    Parameters
    ----------
    function, derivative : callable
        The pair.
    parameters : mapping of str to object
        Those of the function that are not its defaults.

    Returns
    -------
    callable, optional
        For `fused`. None where there is none, and for parameters that are no numbers from 1e-3 to
        1e3: there the functions themselves serve, or raise an error.

    Examples
    --------
    >>> from course_lib.activations import celu, celu_grad
    >>> fused(fast_form(celu, celu_grad, {"alpha": 2}), np.array([-2.0, 3.0]))
    (array([-1.26424112,  3.        ]), array([0.36787944, 1.        ]))
    >>> fast_form(celu, celu_grad, {"alpha": -1})
    """
    # callable objects need not have a hash
    known = isinstance(function, FunctionType) and isinstance(derivative, FunctionType)
    form = FUSED.get((function, derivative)) if known else None
    if form is None or not parameters:
        return form
    taken = getattr(form, "__kwdefaults__", None) or {}
    fits = parameters.keys() <= taken.keys() and all(map(_is_moderate, parameters.values()))
    # NumPy's narrow numbers would overflow, and its wide ones have float32 computed in float64
    return partial(form, **{k: float(v) for k, v in parameters.items()}) if fits else None


def _is_moderate(value: Any) -> bool:
    number = isinstance(value, int | float | np.integer | np.floating)
    return number and type(value) is not bool and bool(_LEAST <= value <= _MOST)


def fused(form: Form, x: Array) -> Both:
    """Run a fast form over every element of `x`, block by block.

    Parameters
    ----------
    form : callable
        From `fast_form`.
    x : ndarray of float32 or float64
        Any shape, in the byte order of the machine.

    Returns
    -------
    value, derivative : ndarray
        New arrays in the shape and dtype of `x`.

    Examples
    --------
    >>> from course_lib.activations import tanh, tanh_grad
    >>> fused(FUSED[tanh, tanh_grad], np.array([[0.0, 20.0]]))
    (array([[0., 1.]]), array([[1.0000000e+00, 1.6993417e-17]]))
    """
    keep_freed_memory()
    source = np.ascontiguousarray(x).reshape(-1)
    with np.errstate(all="ignore"):
        value, derivative = by_blocks(form, source)
    return value.reshape(x.shape), derivative.reshape(x.shape)
