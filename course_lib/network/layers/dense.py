"""The fully connected layer."""

import numpy as np

from course_lib._checks import check_float_arrays, check_shape
from course_lib._typing import Array
from course_lib.network.layers.base import BaseLayer, sum_along

__all__ = ["Dense"]


class Dense(BaseLayer):
    r"""A fully connected layer, :math:`y = x W + b`.

    Parameters
    ----------
    weight : ndarray
        Shape ``(..., in_features, out_features)``.
    bias : ndarray, optional
        Shape ``(..., 1, out_features)``, with the dtype and leading axes of `weight`. Without it
        the layer is :math:`y = x W`, and `parameters` holds the weight alone.

    Raises
    ------
    ValueError
        If the shapes do not fit each other, or later an input or gradient does not fit the layer.
    TypeError
        If they are not arrays, or their dtypes differ or are not float.

    Notes
    -----
    A matrix product follows the rules of floats: an infinite input times a weight of 0, or two
    infinite products of opposite sign, give NaN, without a warning. float16 is multiplied in
    float32 and rounded, so that long sums are right; what is beyond 65504 is infinite.

    Examples
    --------
    >>> layer = Dense(np.array([[1.0], [2.0]]), np.array([[0.5]]))
    >>> layer.forward(np.array([[1.0, 1.0]]))
    array([[3.5]])
    >>> list(Dense(np.ones((2, 1))).parameters)
    ['weight']
    """

    def __init__(self, weight: Array, bias: Array | None = None) -> None:
        if bias is None:
            check_float_arrays(weight=weight)
            check_shape(weight.ndim > 1, "(..., in_features, out_features)", weight=weight)
            super().__init__(weight=weight)
            return
        check_float_arrays(weight=weight, bias=bias)
        fits = weight.ndim > 1 and bias.shape == (*weight.shape[:-2], 1, weight.shape[-1])
        expected = "(..., in_features, out_features) and (..., 1, out_features)"
        check_shape(fits, f"{expected} with the same leading axes", weight=weight, bias=bias)
        super().__init__(weight=weight, bias=bias)

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return ``x @ weight + bias``, for `x` of shape (..., batch, in_features)."""
        weight = self.parameters["weight"]
        self._check_input(x, weight.shape[-2])
        self._x = x
        y = _product(x, weight)
        if "bias" in self.parameters:
            y += self.parameters["bias"]
        self._output_shape = y.shape
        return y

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Fill the gradients of weight and bias; return that of the input."""
        self._check_backward(grad_output)
        self._set_gradient("weight", _product(self._x.mT, grad_output))
        if "bias" in self.parameters:
            self._set_gradient("bias", sum_along(grad_output, (-2,)))
        if not to_input:
            return None
        weight = self.parameters["weight"].mT
        # of many small matrices a copy of the transposed ones costs less than their stride
        many = weight.ndim > 2
        return _product(grad_output, np.ascontiguousarray(weight) if many else weight)

    def replica(self, index: int) -> "Dense":
        """Return one replica as a layer of its own."""
        return Dense(*(value[index].copy() for value in self.parameters.values()))

    def part(self, replicas: slice) -> "Dense":
        """Return some replicas as a layer on views of the arrays."""
        return self._views(replicas)


def _product(left: Array, right: Array) -> Array:
    """Return ``left @ right``; a column times a row is a slow loop there, and the same products."""
    return left * right if left.shape[-1] == 1 else left @ right
