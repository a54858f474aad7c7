r"""Activation functions, each directly above its derivative, and one table of them all.

Three ways in lead to the same function::

    from course_lib.activations import sigmoid, sigmoid_grad
    activations.get("sigmoid")        # an Activation: call it, ask for its derivative
    activations.CATALOGUE["sigmoid"]  # the table by name

Every function keeps the shape of its input and the dtypes float16, float32 and float64; integers
and lists become float64. NaN gives NaN, an infinite input gives the limit, and no input raises a
warning. Throughout, :math:`z = e^{-|x|}`, which never overflows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import erf, erfc, exp, pi, prod, sqrt
from math import tanh as scalar_tanh
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib._errors import unknown_name
from course_lib.numerics import (
    as_float,
    elementwise,
    mills_excess,
    mills_ratio,
    normal_density,
    scaled_decay,
    silu_zero,
    two_difference,
)

__all__ = [
    "CATALOGUE",
    "Activation",
    "gelu",
    "gelu_grad",
    "get",
    "identity",
    "identity_grad",
    "leaky_relu",
    "leaky_relu_grad",
    "log_softmax",
    "log_softmax_jacobian",
    "relu",
    "relu_grad",
    "sigmoid",
    "sigmoid_grad",
    "silu",
    "silu_grad",
    "softmax",
    "softmax_and_log",
    "softmax_jacobian",
    "tanh",
    "tanh_grad",
]

Array = NDArray[Any]

# ---------------------------------------------------------------------------------------------
# Element by element
# ---------------------------------------------------------------------------------------------


def identity(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the input: :math:`f(x) = x`, a layer without a bend.

    Parameters
    ----------
    x : array_like
        Any shape; float16, float32 or float64 (integers and lists become float64).
    out : ndarray, optional
        Where to put the result: shape and dtype of `x`; may be `x` itself.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.

    See Also
    --------
    course_lib.activations.relu : the smallest change that bends.

    Examples
    --------
    >>> identity([-1.0, 2.0])
    array([-1.,  2.])
    """
    return elementwise(np.positive, x, out, exact=True)


def identity_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `identity`, :math:`f'(x) = 1`.

    Parameters, returned shape and dtype, and errors are those of `identity`.

    Examples
    --------
    >>> identity_grad([-1.0, float("nan")])
    array([ 1., nan])
    """
    return elementwise(lambda x: np.where(np.isnan(x), x, 1), x, out, exact=True)


def sigmoid(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the logistic function :math:`\sigma(x) = 1 / (1 + e^{-x})`.

    Parameters
    ----------
    x : array_like
        Any shape; float16, float32 or float64 (integers and lists become float64).
    out : ndarray, optional
        Where to put the result: shape and dtype of `x`; may be `x` itself.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; in [0, 1], and exactly 1 where the true value rounds to 1.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.

    Notes
    -----
    The printed formula overflows for large negative `x`. With :math:`z = e^{-|x|}` and
    :math:`q = z/(1+z)`, the value is :math:`q` left of 0 and :math:`1-q` right of it. Named by
    Verhulst, 1845 :cite:p:`verhulst1845recherches`.

    Examples
    --------
    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """

    def kernel(x: Array) -> Array:
        z = np.exp(-np.abs(x))
        return np.abs((x >= 0) - z / (1 + z))

    return elementwise(kernel, x, out)


def sigmoid_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `sigmoid`, :math:`\sigma'(x) = \sigma(x)(1 - \sigma(x))`.

    Parameters, returned shape and dtype, and errors are those of `sigmoid`.

    Notes
    -----
    Evaluated as printed, the second factor cancels to 0 once sigmoid rounds to 1. The same number
    is :math:`z / (1 + z)^2`, written here so that the small `z` is never added to a 1 alone.

    Examples
    --------
    >>> sigmoid_grad([0.0, 100.0])
    array([2.50000000e-01, 3.72007598e-44])
    """

    def kernel(x: Array) -> Array:
        z = np.exp(-np.abs(x))
        return z / (1 + z * (2 + z))

    return elementwise(kernel, x, out)


def tanh(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the hyperbolic tangent :math:`(e^x - e^{-x}) / (e^x + e^{-x})`.

    Parameters
    ----------
    x : array_like
        Any shape; float16, float32 or float64 (integers and lists become float64).
    out : ndarray, optional
        Where to put the result: shape and dtype of `x`; may be `x` itself.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; in [-1, 1].

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.

    Notes
    -----
    A sigmoid stretched to be odd: :math:`\tanh x = 2\sigma(2x) - 1`. Recommended over sigmoid for
    hidden units because its output is centered on 0 :cite:p:`lecun1998efficient`.

    Examples
    --------
    >>> tanh([-1000.0, 0.0, 1000.0])
    array([-1.,  0.,  1.])
    """
    return elementwise(np.tanh, x, out)


def tanh_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `tanh`, :math:`1 - \tanh^2 x`.

    Parameters, returned shape and dtype, and errors are those of `tanh`.

    Notes
    -----
    With :math:`w = e^{-2|x|}` the same number is :math:`4w / (1 + w)^2`, which does not cancel.

    Examples
    --------
    >>> tanh_grad([0.0, 20.0])
    array([1.0000000e+00, 1.6993417e-17])
    """

    def kernel(x: Array) -> Array:
        w = np.exp(-2 * np.abs(x))
        return 4 * w / (1 + w * (2 + w))

    return elementwise(kernel, x, out)


def relu(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the rectifier :math:`\max(0, x)`.

    Parameters
    ----------
    x : array_like
        Any shape; float16, float32 or float64 (integers and lists become float64).
    out : ndarray, optional
        Where to put the result: shape and dtype of `x`; may be `x` itself.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; exact.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.

    Notes
    -----
    Used in networks since Fukushima, 1969 :cite:p:`fukushima1969visual`; made the standard by
    Nair and Hinton, 2010 :cite:p:`nair2010rectified`.

    Examples
    --------
    >>> relu([-2.0, 3.0])
    array([0., 3.])
    """
    return elementwise(lambda x: np.maximum(x, 0), x, out, exact=True)


def relu_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `relu`: 1 for :math:`x > 0`, 0 for :math:`x \le 0`.

    Parameters, returned shape and dtype, and errors are those of `relu`.

    Notes
    -----
    At 0 there is no derivative. The value 0 is a convention, shared by PyTorch, JAX and TensorFlow
    and studied by Bertoin et al., 2021 :cite:p:`bertoin2021numerical`.

    Examples
    --------
    >>> relu_grad([-2.0, 0.0, 3.0])
    array([0., 0., 1.])
    """

    def kernel(x: Array) -> Array:
        slope = np.array(x > 0, x.dtype)
        if np.isnan(x.sum()):  # a fast test that few inputs fail; then look closely
            slope[np.isnan(x)] = np.nan
        return slope

    return elementwise(kernel, x, out, exact=True)


def leaky_relu(x: ArrayLike, out: Array | None = None, *, slope: float = 0.01) -> Any:
    r"""Return :math:`x` for :math:`x > 0` and :math:`s\,x` otherwise.

    Parameters
    ----------
    x : array_like
        Any shape; float16, float32 or float64 (integers and lists become float64).
    out : ndarray, optional
        Where to put the result: shape and dtype of `x`; may be `x` itself.
    slope : float
        The slope :math:`s` left of 0. The default is that of the paper and of PyTorch and JAX;
        Keras uses 0.3 for its layer and 0.2 for its function.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; rounded once.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.

    Notes
    -----
    Maas et al., 2013 :cite:p:`maas2013rectifier`.

    Examples
    --------
    >>> leaky_relu([-2.0, 3.0])
    array([-0.02,  3.  ])
    """
    return elementwise(lambda x: np.where(x > 0, x, slope * x), x, out)


def leaky_relu_grad(x: ArrayLike, out: Array | None = None, *, slope: float = 0.01) -> Any:
    r"""Return the derivative of `leaky_relu`: 1 for :math:`x > 0`, :math:`s` for :math:`x \le 0`.

    Parameters, returned shape and dtype, and errors are those of `leaky_relu`.

    Notes
    -----
    At 0, where there is no derivative, it is the left one, as in PyTorch; JAX takes 1.

    Examples
    --------
    >>> leaky_relu_grad([-2.0, 0.0, 3.0])
    array([0.01, 0.01, 1.  ])
    """

    def kernel(x: Array) -> Array:
        return np.where(np.isnan(x), x, np.where(x > 0, 1, slope))

    return elementwise(kernel, x, out)


def gelu(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`x\,\Phi(x)`, with :math:`\Phi` the normal distribution function.

    Parameters
    ----------
    x : array_like
        Any shape; float16, float32 or float64 (integers and lists become float64).
    out : ndarray, optional
        Where to put the result: shape and dtype of `x`; may be `x` itself.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.

    Notes
    -----
    The exact form of Hendrycks and Gimpel, 2016 :cite:p:`hendrycks2016gaussian`, which is the
    default of PyTorch and Keras; JAX's default is an approximation by tanh. The usual
    :math:`1 + \mathrm{erf}` cancels left of 0. Here :math:`t\,\Phi(-t)` with :math:`t = |x|` is
    computed as such, as density times Mills' ratio; it is what GELU lacks to ReLU on both sides.

    Examples
    --------
    >>> gelu([-10.0, 0.0, 1.0])
    array([-7.61985302e-23,  0.00000000e+00,  8.41344746e-01])
    """

    def kernel(x: Array) -> Array:
        t = np.minimum(np.abs(x), 40.0)  # beyond, what is lacking is below the smallest float64
        return np.maximum(x, 0) - normal_density(t, t * mills_ratio(t))

    return elementwise(kernel, x, out)


def gelu_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `gelu`, :math:`\Phi(x) + x\,\varphi(x)`.

    Parameters, returned shape and dtype, and errors are those of `gelu`.

    Notes
    -----
    The values at :math:`x` and :math:`-x` sum to 1. The left one, :math:`\varphi(t)(m(t) - t)` with
    Mills' ratio :math:`m`, is 0 at -0.7518; that zero is factored out, because the two terms of the
    printed formula cancel there.

    Examples
    --------
    >>> gelu_grad([-float("inf"), 0.0, float("inf")])
    array([-0. ,  0.5,  1. ])
    """

    def kernel(x: Array) -> Array:
        t = np.minimum(np.abs(x), 40.0)
        left = normal_density(t, mills_excess(t))
        return np.where(x > 0, 1 - left, left)

    return elementwise(kernel, x, out)


def silu(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`x\,\sigma(x)`, also called swish.

    Parameters
    ----------
    x : array_like
        Any shape; float16, float32 or float64 (integers and lists become float64).
    out : ndarray, optional
        Where to put the result: shape and dtype of `x`; may be `x` itself.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.

    Notes
    -----
    Proposed by Elfwing et al., 2018 :cite:p:`elfwing2018sigmoid`, and found again by an automated
    search :cite:p:`ramachandran2017searching`. With :math:`t = |x|`, what it lacks to ReLU on both
    sides is :math:`t\,\sigma(-t) = t z / (1 + z)`, where a plain :math:`z` would run out of digits
    before the product does.

    Examples
    --------
    >>> silu([-float("inf"), 0.0, 1.0])
    array([0.        , 0.        , 0.73105858])
    """

    def kernel(x: Array) -> Array:
        t = np.minimum(np.abs(x), 800.0)  # beyond, what is lacking is below the smallest float64
        z, unit = scaled_decay(t)
        return np.maximum(x, 0) - t * z / (1 + z) * unit

    return elementwise(kernel, x, out)


def silu_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `silu`, :math:`\sigma(x)\,(1 + x\,(1 - \sigma(x)))`.

    Parameters, returned shape and dtype, and errors are those of `silu`.

    Notes
    -----
    The values at :math:`x` and :math:`-x` sum to 1. With :math:`t = |x|` and :math:`z = e^{-t}`,
    the left one is :math:`z\,(1 + z - t) / (1 + z)^2`. Its bracket is 0 at :math:`t_0 = 1.278`, and
    with :math:`d = t_0 - t` it equals :math:`d + (t_0 - 1)(e^d - 1)`, which does not cancel.

    Examples
    --------
    >>> silu_grad([-float("inf"), 0.0, float("inf")])
    array([-0. ,  0.5,  1. ])
    """

    def kernel(x: Array) -> Array:
        t = np.minimum(np.abs(x), 800.0)
        z, unit = scaled_decay(t)
        high, low = silu_zero()
        d = high - t + low
        left = (d + (high - 1) * np.expm1(d)) * z / (1 + z * (2 + z)) * unit
        return np.where(x > 0, 1 - left, left)

    return elementwise(kernel, x, out)


# ---------------------------------------------------------------------------------------------
# Over an axis
# ---------------------------------------------------------------------------------------------


def softmax(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return :math:`p_i = e^{x_i} / \sum_j e^{x_j}`: positive numbers that sum to 1.

    Parameters
    ----------
    x : array_like
        At least one axis; float16, float32 or float64 (integers and lists become float64).
    axis : int
        The axis that sums to 1.

    Returns
    -------
    ndarray
        Shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.
    ValueError
        If `x` is a scalar, or has no such axis.

    Notes
    -----
    Adding a constant to all inputs changes nothing, so the largest is subtracted first and nothing
    overflows. Entries equal to :math:`+\infty` share the whole; where all are :math:`-\infty`, all
    are equal and so are the results. Named by Bridle, 1990 :cite:p:`bridle1990probabilistic`.

    Examples
    --------
    >>> softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    _, exponentials, restore = _shifted(x, axis)
    return restore(_softmax_rows(exponentials))


def softmax_jacobian(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return the derivatives of `softmax`, :math:`J_{ij} = p_i(\delta_{ij} - p_j)`.

    Parameters
    ----------
    x : array_like
        As for `softmax`.
    axis : int
        The axis of the softmax, of length n.

    Returns
    -------
    ndarray
        The axis is moved to the end and doubled: shape ``(..., n, n)``, dtype of `x`.

    Raises
    ------
    TypeError, ValueError
        As `softmax` does.

    Notes
    -----
    On the diagonal, :math:`1 - p_i` would round to 0 for a confident answer; it is computed as the
    sum of the other probabilities.

    Examples
    --------
    >>> softmax_jacobian([0.0, 0.0])
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    p, complements = _jacobian_parts(x, axis)
    return (p[..., np.newaxis] * complements).astype(as_float(x).dtype)


def log_softmax(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return the logarithm of `softmax`, :math:`x_i - \log \sum_j e^{x_j}`.

    Parameters
    ----------
    x : array_like
        At least one axis; float16, float32 or float64 (integers and lists become float64).
    axis : int
        The axis over which the exponentials of the results sum to 1.

    Returns
    -------
    ndarray
        Shape and dtype of `x`; never positive.

    Raises
    ------
    TypeError
        If `x` is boolean, complex or not numeric.
    ValueError
        If `x` is a scalar, or has no such axis.

    Notes
    -----
    ``log(softmax(x))`` loses everything once an entry of softmax rounds to 0 or 1. Here one entry
    at the maximum gives a term of exactly 1, and only the other terms enter
    :math:`\log(1 + \cdot)`.

    Examples
    --------
    >>> log_softmax([0.0, -50.0])
    array([-1.92874985e-22, -5.00000000e+01])
    """
    shifted, exponentials, restore = _shifted(x, axis)
    return restore(_log_softmax_rows(shifted, exponentials))


def log_softmax_jacobian(x: ArrayLike, axis: int = -1) -> Any:
    r"""Return the derivatives of `log_softmax`, :math:`J_{ij} = \delta_{ij} - p_j`.

    Parameters, returned shape and errors are those of `softmax_jacobian`.

    Examples
    --------
    >>> log_softmax_jacobian([0.0, 0.0])
    array([[ 0.5, -0.5],
           [-0.5,  0.5]])
    """
    _, complements = _jacobian_parts(x, axis)
    return complements.astype(as_float(x).dtype)


def _jacobian_parts(x: ArrayLike, axis: int) -> tuple[Array, Array]:
    """Return p and the matrix of d_ij - p_j, in float64 and without cancellation."""
    p = np.moveaxis(softmax(as_float(x).astype(np.float64), axis), axis, -1)
    matrix = np.repeat(-p[..., np.newaxis, :], p.shape[-1], axis=-2)
    diagonal = np.arange(p.shape[-1])
    matrix[..., diagonal, diagonal] = 0
    matrix[..., diagonal, diagonal] = np.abs(matrix.sum(axis=-1))
    return p, matrix


def softmax_and_log(x: ArrayLike) -> tuple[Array, Array]:
    """Return `softmax` and `log_softmax` over the last axis, from the same exponentials.

    Parameters and errors are those of `softmax`; the results are the same to the last bit.

    Examples
    --------
    >>> softmax_and_log([0.0, 0.0])
    (array([0.5, 0.5]), array([-0.69314718, -0.69314718]))
    """
    shifted, exponentials, restore = _shifted(x, -1)
    logarithms = _log_softmax_rows(shifted, exponentials)
    return restore(_softmax_rows(exponentials)), restore(logarithms)


def _softmax_rows(exponentials: Array) -> Array:
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _log_softmax_rows(shifted: Array, exponentials: Array) -> Array:
    if shifted.size == 0:
        return shifted
    others = exponentials.copy()
    others[np.arange(len(others)), shifted.argmax(axis=-1)] = 0
    return shifted - np.log1p(others.sum(axis=-1, keepdims=True))


def _shifted(x: ArrayLike, axis: int) -> tuple[Array, Array, Callable[[Array], Array]]:
    """Return x - max(x) as rows of a matrix, their exponentials, and what undoes the reshaping.

    Both are float64. The largest entry of a row becomes 0 also where it is infinite.
    """
    array = as_float(x)
    if array.ndim == 0 or not -array.ndim <= axis < array.ndim:
        raise ValueError(
            f"x has shape {array.shape} and no axis {axis}; softmax needs an array with the axis "
            f"over which it sums"
        )
    last = axis in (-1, array.ndim - 1)
    moved = array if last else np.moveaxis(array, axis, -1)

    def restore(rows: Array) -> Array:
        result = rows.reshape(moved.shape)
        if array.dtype.itemsize == 2:
            with np.errstate(over="ignore"):  # float16 ends at 65,504; beyond it is -inf
                result = result.astype(np.float16)
        else:
            result = result.astype(array.dtype, copy=False)
        return result if last else np.moveaxis(result, -1, axis)

    rows = moved.reshape(prod(moved.shape[:-1]), moved.shape[-1]).astype(np.float64)
    top = rows.max(axis=-1, keepdims=True, initial=-np.inf)
    at_top = rows == top
    with np.errstate(over="ignore", invalid="ignore"):
        if array.dtype.itemsize == 8:  # narrower numbers have digits to spare in float64
            shifted, lost = two_difference(rows, top)
        else:
            shifted, lost = rows - top, None
    shifted[at_top] = 0  # inf - inf is NaN, where the difference meant is 0
    exponentials = np.exp(shifted)
    if lost is not None:
        exponentials += exponentials * lost
    return shifted, exponentials, restore


# ---------------------------------------------------------------------------------------------
# The table
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Activation:
    """One row of the catalogue: a function, its derivative and what is known about it.

    Attributes
    ----------
    name : str
        The key of `CATALOGUE`.
    function, derivative : callable
        The pair. For a function over an axis the derivative is its Jacobian matrix.
    formula, derivative_formula : str
        LaTeX.
    range : tuple of float
        Infimum and supremum of the values in exact arithmetic.
    lipschitz : float
        The largest slope, in absolute value.
    monotonic : bool
        Whether it never decreases.
    kinks : tuple of float
        Where the derivative does not exist.
    kink_derivatives : tuple of float
        The conventional value of the derivative there.
    elementwise : bool
        False for the functions over an axis.
    source : str
        A key of the bibliography.
    pytorch, jax, keras, tensorflow : str
        What the frameworks call it; empty where they have no such function.
    """

    name: str
    function: Callable[..., Any]
    derivative: Callable[..., Any]
    formula: str
    derivative_formula: str
    range: tuple[float, float]
    lipschitz: float
    monotonic: bool
    source: str
    kinks: tuple[float, ...] = ()
    kink_derivatives: tuple[float, ...] = ()
    elementwise: bool = True
    pytorch: str = ""
    jax: str = ""
    keras: str = ""
    tensorflow: str = ""

    def __call__(self, x: ArrayLike, **parameters: Any) -> Any:
        """Return the function's value; parameters such as `slope` and `axis` are passed on."""
        return self.function(x, **parameters)

    def vjp(self, x: ArrayLike, upstream: Array) -> Array:
        """Carry a gradient backwards: the vector-Jacobian product at `x`.

        Parameters
        ----------
        x : array_like
            Where the function was evaluated.
        upstream : ndarray
            Gradient with respect to the function's value; same shape as `x`.

        Returns
        -------
        ndarray
            Gradient with respect to `x`; same shape.
        """
        if self.elementwise:
            return np.asarray(self.derivative(x) * upstream)
        return np.asarray((upstream[..., np.newaxis, :] @ self.derivative(x))[..., 0, :])


_INF = float("inf")


def _zero(f: Callable[[float], float], x: float, y: float) -> float:
    """Return a zero of `f`, started at `x` and `y`, by the secant method."""
    while abs(f(y)) < abs(f(x)):
        x, y = y, y - f(y) * (y - x) / (f(y) - f(x))
    return x


# what has no closed form is solved for, not typed
_gelu_lowest = _zero(
    lambda x: erfc(-x / sqrt(2)) / 2 + x * exp(-x * x / 2) / sqrt(2 * pi), -0.7, -0.8
)
_GELU_MINIMUM = _gelu_lowest * erfc(-_gelu_lowest / sqrt(2)) / 2
_SILU_MINIMUM = 1 - silu_zero()[0] - silu_zero()[1]  # x sigma(x) = x + 1 where the slope is 0
_silu_steepest = _zero(lambda x: x * scalar_tanh(x / 2) - 2, 2.3, 2.4)
_SILU_LIPSCHITZ = (_silu_steepest + 2) / 4  # its slope there, with tanh(x/2) = 2/x

_ROWS = (
    Activation(
        name="identity",
        function=identity,
        derivative=identity_grad,
        formula=r"x",
        derivative_formula=r"1",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        source="rosenblatt1958perceptron",
        pytorch="Identity",
        jax="identity",
        keras="linear",
        tensorflow="identity",
    ),
    Activation(
        name="sigmoid",
        function=sigmoid,
        derivative=sigmoid_grad,
        formula=r"\frac{1}{1 + e^{-x}}",
        derivative_formula=r"\sigma(x)\,(1 - \sigma(x))",
        range=(0, 1),
        lipschitz=1 / 4,
        monotonic=True,
        source="verhulst1845recherches",
        pytorch="Sigmoid",
        jax="sigmoid",
        keras="sigmoid",
        tensorflow="sigmoid",
    ),
    Activation(
        name="tanh",
        function=tanh,
        derivative=tanh_grad,
        formula=r"\frac{e^x - e^{-x}}{e^x + e^{-x}}",
        derivative_formula=r"1 - \tanh^2 x",
        range=(-1, 1),
        lipschitz=1,
        monotonic=True,
        source="lecun1998efficient",
        pytorch="Tanh",
        jax="tanh",
        keras="tanh",
        tensorflow="tanh",
    ),
    Activation(
        name="relu",
        function=relu,
        derivative=relu_grad,
        formula=r"\max(0, x)",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } 0",
        range=(0, _INF),
        lipschitz=1,
        monotonic=True,
        source="nair2010rectified",
        kinks=(0.0,),
        kink_derivatives=(0.0,),
        pytorch="ReLU",
        jax="relu",
        keras="relu",
        tensorflow="relu",
    ),
    Activation(
        name="leaky_relu",
        function=leaky_relu,
        derivative=leaky_relu_grad,
        formula=r"x \text{ if } x > 0, \text{ else } s\,x",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } s",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        source="maas2013rectifier",
        kinks=(0.0,),
        kink_derivatives=(0.01,),
        pytorch="LeakyReLU",
        jax="leaky_relu",
        keras="leaky_relu",
        tensorflow="leaky_relu",
    ),
    Activation(
        name="gelu",
        function=gelu,
        derivative=gelu_grad,
        formula=r"x\,\Phi(x)",
        derivative_formula=r"\Phi(x) + x\,\varphi(x)",
        range=(_GELU_MINIMUM, _INF),
        lipschitz=erf(1) / 2 + 1 / 2 + exp(-1) / sqrt(pi),  # at sqrt(2), where gelu'' is 0
        monotonic=False,
        source="hendrycks2016gaussian",
        pytorch="GELU",
        jax="gelu",
        keras="gelu",
        tensorflow="gelu",
    ),
    Activation(
        name="silu",
        function=silu,
        derivative=silu_grad,
        formula=r"\frac{x}{1 + e^{-x}}",
        derivative_formula=r"\sigma(x)\,(1 + x\,(1 - \sigma(x)))",
        range=(_SILU_MINIMUM, _INF),
        lipschitz=_SILU_LIPSCHITZ,
        monotonic=False,
        source="elfwing2018sigmoid",
        pytorch="SiLU",
        jax="silu",
        keras="silu",
        tensorflow="silu",
    ),
    Activation(
        name="softmax",
        function=softmax,
        derivative=softmax_jacobian,
        formula=r"\frac{e^{x_i}}{\sum_j e^{x_j}}",
        derivative_formula=r"p_i\,(\delta_{ij} - p_j)",
        range=(0, 1),
        lipschitz=1 / 2,
        monotonic=True,
        source="bridle1990probabilistic",
        elementwise=False,
        pytorch="Softmax",
        jax="softmax",
        keras="softmax",
        tensorflow="softmax",
    ),
    Activation(
        name="log_softmax",
        function=log_softmax,
        derivative=log_softmax_jacobian,
        formula=r"x_i - \log \sum_j e^{x_j}",
        derivative_formula=r"\delta_{ij} - p_j",
        range=(-_INF, 0),
        lipschitz=_INF,  # the square root of the length
        monotonic=True,
        source="bridle1990probabilistic",
        elementwise=False,
        pytorch="LogSoftmax",
        jax="log_softmax",
        keras="log_softmax",
        tensorflow="log_softmax",
    ),
)

CATALOGUE: Mapping[str, Activation] = MappingProxyType({row.name: row for row in _ROWS})
"""All activations by name."""


def get(name: str | Activation) -> Activation:
    """Return the activation of that name.

    Parameters
    ----------
    name : str or Activation
        A key of `CATALOGUE`; an `Activation` is returned as it is.

    Returns
    -------
    Activation
        The row of the table.

    Raises
    ------
    KeyError
        If there is none of that name; the nearest is suggested.

    Examples
    --------
    >>> get("tanh").lipschitz
    1
    """
    if isinstance(name, Activation):
        return name
    if not isinstance(name, str) or name not in CATALOGUE:
        raise KeyError(unknown_name("activation", name, CATALOGUE))
    return CATALOGUE[name]
