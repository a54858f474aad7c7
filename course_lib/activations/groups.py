r"""Maxout and gated linear units: each output depends on a group of inputs along an axis.

Each input serves one output alone, so the derivative has the shape of the input, and
`course_lib.activations.Activation.vjp` knows which output that is.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_integer
from course_lib._typing import Array, Pull
from course_lib.activations.fused import fast_form, fused
from course_lib.activations.rectifiers import relu, relu_grad
from course_lib.activations.self_gated import (
    gelu,
    gelu_grad,
    gelu_grad_plain,
    gelu_grad_scaled,
    gelu_plain,
    gelu_scaled,
    silu,
    silu_grad,
    swish_grad_plain,
    swish_grad_scaled,
    swish_plain,
    swish_scaled,
)
from course_lib.activations.sigmoids import (
    sigmoid,
    sigmoid_grad,
    sigmoid_grad_scaled,
    sigmoid_scaled,
)
from course_lib.numerics import BLOCK, Kernel, elementwise, with_axis
from course_lib.pairs import Exponent, scaled

__all__ = [
    "fast_gated_pullback",
    "gated_pullback",
    "geglu",
    "geglu_grad",
    "glu",
    "glu_grad",
    "maxout",
    "maxout_grad",
    "maxout_pullback",
    "reglu",
    "reglu_grad",
    "swiglu",
    "swiglu_grad",
]


def maxout(x: ArrayLike, axis: int = -1, *, pieces: int = 2) -> Array:
    r"""Return the largest of each group of inputs.

    Parameters
    ----------
    x : array_like
        At least one axis; float16, float32 or float64 (integers and lists become float64).
    axis : int
        The axis to take together; its length n is a multiple of `pieces`.
    pieces : int
        Inputs in a group. The axis is cut into that many parts of length n / pieces, and output j
        is the largest of the entries j of all parts.

    Returns
    -------
    ndarray
        The axis has length n / pieces; dtype of `x`. Exact.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.
    ValueError
        If `x` has no such axis, or its length is not a multiple of `pieces`.

    Notes
    -----
    Goodfellow et al., 2013 :cite:p:`goodfellow2013maxout`: after a dense layer it is the largest of
    `pieces` linear functions, so that the activation itself is learned.

    Examples
    --------
    >>> maxout([1.0, 2.0, 3.0, 0.0])
    array([3., 2.])
    """
    return maxout_pullback(x, axis, pieces=pieces)[0]


def maxout_grad(x: ArrayLike, axis: int = -1, *, pieces: int = 2) -> Array:
    r"""Return the derivative of each output of `maxout` by each of its inputs: 1 or 0.

    Returns
    -------
    ndarray
        Shape and dtype of `x`. Of several equal inputs the first has the 1.

    Examples
    --------
    >>> maxout_grad([1.0, 2.0, 3.0, 0.0])
    array([0., 1., 1., 0.])
    """
    value, pull = maxout_pullback(x, axis, pieces=pieces)
    return pull(np.ones_like(value))


def maxout_pullback(x: ArrayLike, axis: int = -1, *, pieces: int = 2) -> tuple[Array, Pull]:
    """Return `maxout` and its vector-Jacobian product, which sends each gradient to the largest.

    Parameters and results are those of `maxout` and of `softmax_pullback`.

    Examples
    --------
    >>> value, pull = maxout_pullback([1.0, 2.0, 3.0, 0.0])
    >>> pull(np.array([5.0, 6.0]))
    array([0., 6., 5., 0.])
    """
    parts, axis = _parts(x, axis, pieces)

    @np.errstate(all="ignore")
    def pull(grad_output: Array) -> Array:
        gradient = np.zeros_like(parts)
        u = np.moveaxis(grad_output, axis, -1)[..., np.newaxis, :].astype(parts.dtype)
        np.put_along_axis(gradient, parts.argmax(axis=-2)[..., np.newaxis, :], u, axis=-2)
        gradient[np.isnan(parts)] = np.nan
        length = parts.shape[-2] * parts.shape[-1]
        return np.moveaxis(gradient.reshape(*parts.shape[:-2], length), -1, axis)

    with np.errstate(all="ignore"):
        return np.moveaxis(parts.max(axis=-2), -1, axis), pull


def _parts(x: ArrayLike, axis: int, pieces: int) -> tuple[Array, int]:
    """Return the axis, moved to the end, as (pieces, length / pieces); and where it was."""
    array = with_axis(x, axis)
    length, pieces = array.shape[axis], as_integer("pieces", pieces)
    if pieces < 1 or length % pieces:
        raise ValueError(
            f"axis {axis} has length {length}, which cannot be cut into {pieces} pieces; "
            f"expected 1 or more equal parts"
        )
    moved = np.moveaxis(array, axis, -1)
    return moved.reshape(*moved.shape[:-1], pieces, length // pieces), axis


# ---------------------------------------------------------------------------------------------
# Gated linear units: one half of the inputs, times a function of the other
# ---------------------------------------------------------------------------------------------


def glu(x: ArrayLike, axis: int = -1) -> Array:
    r"""Return :math:`a\,\sigma(b)`, where :math:`a` and :math:`b` are the halves of the input.

    Parameters
    ----------
    x : array_like
        At least one axis; float16, float32 or float64 (integers and lists become float64).
    axis : int
        The axis to halve, of even length n.

    Returns
    -------
    ndarray
        The axis has length n / 2; dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.
    ValueError
        If `x` has no such axis, or its length is odd.

    Notes
    -----
    Dauphin et al., 2017 :cite:p:`dauphin2017language`. PyTorch, JAX and Keras agree that the second
    half is the gate. In a network, the halves come from one dense layer of twice the width.

    Examples
    --------
    >>> glu([3.0, 5.0, 0.0, 1000.0])
    array([1.5, 5. ])
    """
    return _gated(sigmoid, x, axis)


def glu_grad(x: ArrayLike, axis: int = -1) -> Array:
    r"""Return the derivative of each output of `glu` by each of its two inputs.

    Returns
    -------
    ndarray
        Shape and dtype of `x`: :math:`\sigma(b)` in the first half, :math:`a\,\sigma'(b)` in the
        second.

    Examples
    --------
    >>> glu_grad([2.0, 0.0])
    array([0.5, 0.5])
    """
    return _gated_grad(sigmoid, sigmoid_grad, x, axis)


def reglu(x: ArrayLike, axis: int = -1) -> Array:
    r"""Return :math:`a\,\max(0, b)`; parameters and errors are those of `glu`.

    Notes
    -----
    Shazeer, 2020 :cite:p:`shazeer2020glu`, who gates with the first half; here it is the second, as
    in `glu`.

    Examples
    --------
    >>> reglu([3.0, 5.0, -1.0, 2.0])
    array([ 0., 10.])
    """
    return _gated(relu, x, axis)


def reglu_grad(x: ArrayLike, axis: int = -1) -> Array:
    r"""Return the derivatives of `reglu`; shape as for `glu_grad`.

    Examples
    --------
    >>> reglu_grad([3.0, 2.0])
    array([2., 3.])
    """
    return _gated_grad(relu, relu_grad, x, axis)


def geglu(x: ArrayLike, axis: int = -1) -> Array:
    r"""Return :math:`a\,b\,\Phi(b)`; parameters and errors are those of `glu`.

    Notes
    -----
    Shazeer, 2020 :cite:p:`shazeer2020glu`; the gate is `gelu` of the second half.

    Examples
    --------
    >>> geglu([3.0, 100.0])
    array([300.])
    """
    return _gated(gelu, x, axis)


def geglu_grad(x: ArrayLike, axis: int = -1) -> Array:
    r"""Return the derivatives of `geglu`; shape as for `glu_grad`.

    Examples
    --------
    >>> geglu_grad([3.0, 0.0])
    array([0. , 1.5])
    """
    return _gated_grad(gelu, gelu_grad, x, axis)


def swiglu(x: ArrayLike, axis: int = -1) -> Array:
    r"""Return :math:`a\,b\,\sigma(b)`; parameters and errors are those of `glu`.

    Notes
    -----
    Shazeer, 2020 :cite:p:`shazeer2020glu`; the gate is `silu` of the second half.

    Examples
    --------
    >>> swiglu([3.0, 100.0])
    array([300.])
    """
    return _gated(silu, x, axis)


def swiglu_grad(x: ArrayLike, axis: int = -1) -> Array:
    r"""Return the derivatives of `swiglu`; shape as for `glu_grad`.

    Examples
    --------
    >>> swiglu_grad([3.0, 0.0])
    array([0. , 1.5])
    """
    return _gated_grad(silu, silu_grad, x, axis)


def _gated(gate: Kernel, x: ArrayLike, axis: int) -> Array:
    a, b, dtype, restore = _halves(x, axis)
    with np.errstate(all="ignore"):
        return restore(_product(a, *_gate(gate, b, dtype, a)))


def _gated_grad(gate: Kernel, derivative: Kernel, x: ArrayLike, axis: int) -> Array:
    a, b, dtype, restore = _halves(x, axis)
    with np.errstate(all="ignore"):
        first = scaled(*_gate(gate, b, dtype, b))
        second = _product(a, *_gate(derivative, b, dtype, a))
        return restore(np.concatenate([first, second], axis=-1))


def _halves(x: ArrayLike, axis: int) -> tuple[Array, Array, np.dtype[Any], Kernel]:
    """Return both halves in float64, the axis last; the dtype; a function to restore both."""
    halves, axis = _parts(x, axis, 2)
    a, b = np.moveaxis(halves, -2, 0).astype(np.float64, order="C")

    def restore(values: Array) -> Array:
        return np.moveaxis(values.astype(halves.dtype), -1, axis)

    return a, b, halves.dtype, restore


def gated_pullback(gate: Kernel, derivative: Kernel) -> Callable[..., tuple[Array, Pull]]:
    r"""Make the `pullback` of a gated unit: its value and its vector-Jacobian product.

    Parameters
    ----------
    gate, derivative : callable
        :math:`g` and :math:`g'`, of a float64 array.

    Returns
    -------
    callable
        Takes `x` and `axis`; returns :math:`a\,g(b)` and a callable, as `softmax_pullback` does,
        for the gradient :math:`u\,g(b)` in the first half and :math:`u\,a\,g'(b)` in the second.

    Examples
    --------
    >>> value, pull = gated_pullback(relu, relu_grad)([3.0, 2.0])
    >>> value, pull(np.array([10.0]))
    (array([6.]), array([20., 30.]))
    """

    def both(x: ArrayLike, axis: int = -1) -> tuple[Array, Pull]:
        a, b, dtype, restore = _halves(x, axis)
        with np.errstate(all="ignore"):
            gates, exponent = _gate(gate, b, dtype, a)
            value = restore(_product(a, gates, exponent))
            gates = scaled(gates, exponent)

        @np.errstate(all="ignore")
        def pull(grad_output: Array) -> Array:
            u = np.moveaxis(grad_output, axis, -1)
            through = _product(a, *_gate(derivative, b, dtype, a))
            return restore(np.concatenate([u * gates, u * through], axis=-1))

        return value, pull

    return both


def fast_gated_pullback(
    gate: Kernel, derivative: Kernel, x: Array, axis: int = -1
) -> tuple[Array, Pull]:
    """Return what `gated_pullback` does, by the fast form of the gate, in the dtype of `x`.

    Parameters
    ----------
    gate, derivative : callable
        As for `gated_pullback`.
    x : ndarray of float32 or float64
        The axis of even length.
    axis : int
        The axis to halve.

    Returns
    -------
    value, pull
        As `gated_pullback` returns them, within 5 ULP where the gate and its derivative are normal
        numbers of the dtype; a gate below the smallest float counts as 0.

    Examples
    --------
    >>> value, pull = fast_gated_pullback(relu, relu_grad, np.array([3.0, 2.0]))
    >>> value, pull(np.array([10.0]))
    (array([6.]), array([20., 30.]))
    """
    halves, axis = _parts(x, axis, 2)
    a, b = np.moveaxis(halves, -2, 0)
    form = fast_form(gate, derivative, {})
    gates, derivatives = (gate(b), derivative(b)) if form is None else fused(form, b)
    with np.errstate(all="ignore"):
        value = np.moveaxis(_product(a, gates, 0), -1, axis)

    @np.errstate(all="ignore")
    def pull(grad_output: Array) -> Array:
        u = np.moveaxis(grad_output, axis, -1)
        parts = [u * gates, u * _product(a, derivatives, 0)]
        return np.moveaxis(np.concatenate(parts, axis=-1), -1, axis)

    return value, pull


def _product(a: Array, value: Array, exponent: Exponent) -> Array:
    """Return a times a gate, and 0 for 0 times infinity: the limit as both inputs grow alike."""
    product = scaled(a * value, exponent)
    if np.isnan(product).any():
        product[np.isnan(product) & ~np.isnan(a) & ~np.isnan(value)] = 0
    return product


def _gate(gate: Kernel, b: Array, dtype: np.dtype[Any], a: Array) -> tuple[Array, Exponent]:
    """Return g(b) as a number times a power of two, since by itself it might underflow."""
    if dtype.itemsize < 8 and np.isfinite(a).all():  # no factor is so large that it would matter
        return elementwise(_PLAIN.get(gate, gate), b), 0
    if gate not in _SCALED:
        return gate(b), 0
    values, exponents = np.empty_like(b), np.zeros(b.shape, np.int32)
    flat, powers, source = values.reshape(-1), exponents.reshape(-1), b.reshape(-1)
    for start in range(0, b.size, BLOCK):
        block = slice(start, start + BLOCK)
        flat[block], powers[block] = _scaled_gate(gate, source[block])
    return values, exponents if exponents.any() else 0


def _scaled_gate(gate: Kernel, b: Array) -> tuple[Array, Exponent]:
    value, exponent = _SCALED[gate](b)
    # not only tiny: an infinite factor does not make it a number
    value[np.isinf(b) if gate is sigmoid_grad else b == -np.inf] = 0
    tiny = (np.abs(b) < 2.0**-_LIFT) & (b != 0)
    if gate in (silu, gelu) and tiny.any():  # b/2, which is short of digits if b is subnormal
        value = np.where(tiny, b * 2.0 ** (_LIFT - 1), value)
        exponent = np.where(tiny, np.int32(-_LIFT), exponent).astype(np.int32)
    return value, exponent


_LIFT = 900  # binary places: with so many more, no subnormal number is short of digits


_PLAIN: dict[Kernel, Kernel] = {
    silu: swish_plain,
    silu_grad: swish_grad_plain,
    gelu: gelu_plain,
    gelu_grad: gelu_grad_plain,
}


_SCALED: dict[Kernel, Callable[[Array], tuple[Array, Exponent]]] = {
    sigmoid: sigmoid_scaled,
    sigmoid_grad: sigmoid_grad_scaled,
    silu: swish_scaled,
    silu_grad: swish_grad_scaled,
    gelu: gelu_scaled,
    gelu_grad: gelu_grad_scaled,
}


_GATES = {
    glu: (sigmoid, sigmoid_grad),
    reglu: (relu, relu_grad),
    geglu: (gelu, gelu_grad),
    swiglu: (silu, silu_grad),
}

PULLBACKS: Mapping[Callable[..., Array], Callable[..., tuple[Array, Pull]]] = MappingProxyType(
    {
        maxout: maxout_pullback,
        **{unit: gated_pullback(*pair) for unit, pair in _GATES.items()},
    }
)
"""For each function, what gives its value and its vector-Jacobian product."""

FAST_PULLBACKS: Mapping[Callable[..., Array], Callable[..., tuple[Array, Pull]]] = MappingProxyType(
    {unit: partial(fast_gated_pullback, *pair) for unit, pair in _GATES.items()}
)
"""The same in the fast form, of those that have one."""
