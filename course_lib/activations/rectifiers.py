r"""ReLU and its relatives: the identity, and lines with one kink or two.

Comparisons make no rounding error, so most of these are exact in every float type. At a kink the
derivative does not exist; each function says which value it takes there, and whose convention
that is.
"""

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_number
from course_lib._typing import Array
from course_lib.numerics import as_float, choose, elementwise, indicator, keep_nan

__all__ = [
    "identity",
    "identity_grad",
    "leaky_relu",
    "leaky_relu_grad",
    "prelu",
    "prelu_grad",
    "prelu_negative_slope_grad",
    "relu",
    "relu6",
    "relu6_grad",
    "relu_grad",
    "rrelu",
    "rrelu_grad",
    "squared_relu",
    "squared_relu_grad",
    "threshold",
    "threshold_grad",
]


def identity(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return the input: :math:`f(x) = x`, a layer without a nonlinearity.

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
        If `x` is boolean, complex or not numeric, or `out` has another dtype.
    ValueError
        If `x` is ragged, or `out` has another shape or is read-only.

    Notes
    -----
    What it makes of a network is the perceptron of Rosenblatt, 1958
    :cite:p:`rosenblatt1958perceptron`, however deep. Exact.

    See Also
    --------
    course_lib.activations.rectifiers.relu : the smallest change that bends.

    Examples
    --------
    >>> identity([-1.0, 2.0])
    array([-1.,  2.])
    """
    return elementwise(np.positive, x, out, exact=True)


def identity_grad(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return the derivative of `identity`, :math:`f'(x) = 1`.

    Examples
    --------
    >>> identity_grad([-1.0, float("nan")])
    array([ 1., nan])
    """
    return elementwise(lambda x: keep_nan(np.ones_like(x), x), x, out, exact=True)


def relu(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return the rectifier :math:`\max(0, x)`.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; exact.

    Notes
    -----
    In networks for images since Fukushima, 1969 :cite:p:`fukushima1969visual`; made the standard by
    Nair and Hinton, 2010 :cite:p:`nair2010rectified`.

    Examples
    --------
    >>> relu([-2.0, 3.0])
    array([0., 3.])
    """
    return elementwise(lambda x: np.maximum(x, 0), x, out, exact=True)


def relu_grad(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return the derivative of `relu`: 1 for :math:`x > 0`, 0 for :math:`x \le 0`.

    Notes
    -----
    At 0 there is no derivative. The value 0 is a convention, that of PyTorch, JAX and TensorFlow
    and studied by Bertoin et al., 2021 :cite:p:`bertoin2021numerical`.

    Examples
    --------
    >>> relu_grad([-2.0, 0.0, 3.0])
    array([0., 0., 1.])
    """
    return elementwise(lambda x: indicator(x > 0, x), x, out, exact=True)


def leaky_relu(x: ArrayLike, out: Array | None = None, *, negative_slope: float = 0.01) -> Array:
    r"""Return :math:`x` for :math:`x > 0` and :math:`s\,x` otherwise.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    negative_slope : float
        :math:`s`, the derivative for :math:`x < 0`. The default is that of the paper and of PyTorch
        and JAX; Keras uses 0.3 for its layer and 0.2 for its function.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; rounded once.

    Raises
    ------
    ValueError
        If `negative_slope` is not a finite number.

    Notes
    -----
    Maas et al., 2013 :cite:p:`maas2013rectifier`.

    Examples
    --------
    >>> leaky_relu([-2.0, 3.0])
    array([-0.02,  3.  ])
    """
    negative_slope = as_number("negative_slope", negative_slope)
    return elementwise(lambda x: _two_lines(x, negative_slope), x, out)


def leaky_relu_grad(
    x: ArrayLike, out: Array | None = None, *, negative_slope: float = 0.01
) -> Array:
    r"""Return the derivative of `leaky_relu`: 1 for :math:`x > 0`, :math:`s` for :math:`x \le 0`.

    Notes
    -----
    At 0, where there is no derivative, it is the left one, as in PyTorch; JAX takes 1.

    Examples
    --------
    >>> leaky_relu_grad([-2.0, 0.0, 3.0])
    array([0.01, 0.01, 1.  ])
    """
    negative_slope = as_number("negative_slope", negative_slope)
    return elementwise(lambda x: keep_nan(choose(x > 0, 1, negative_slope), x), x, out)


def _two_lines(x: Array, negative_slope: float | Array) -> Array:
    """Return x where x > 0, and a multiple of x elsewhere; of the two terms one is 0."""
    left = negative_slope * np.minimum(x, 0)
    if not np.all(negative_slope):  # 0 times minus infinity is NaN, where the limit is 0
        left = np.where(negative_slope == 0, 0.0, left)
    return np.maximum(x, 0) + left


def prelu(x: ArrayLike, out: Array | None = None, *, negative_slope: ArrayLike = 0.25) -> Array:
    r"""Return :math:`x` for :math:`x > 0` and :math:`s\,x` otherwise, where :math:`s` is learned.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    negative_slope : array_like
        One number, or an array that broadcasts to the shape of `x`, such as one number for each
        channel. The default is the initial value of He et al. and PyTorch; that of Keras is 0.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; rounded once.

    Raises
    ------
    ValueError
        If a negative slope is not finite, or they do not broadcast to the shape of `x`.

    Notes
    -----
    He et al., 2015 :cite:p:`he2015delving`.

    See Also
    --------
    course_lib.activations.rectifiers.prelu_negative_slope_grad : what it learns from.

    Examples
    --------
    >>> prelu([[-2.0, -2.0]], negative_slope=[0.25, 0.5])
    array([[-0.5, -1. ]])
    """
    slopes = _slopes(x, negative_slope)
    return elementwise(lambda x: _two_lines(x, slopes), x, out, blocks=slopes.ndim == 0)


def prelu_grad(
    x: ArrayLike, out: Array | None = None, *, negative_slope: ArrayLike = 0.25
) -> Array:
    r"""Return the derivative of `prelu` by `x`: 1 for :math:`x > 0`, :math:`s` for :math:`x \le 0`.

    Notes
    -----
    The value at 0 is that of PyTorch, as for `leaky_relu`.

    Examples
    --------
    >>> prelu_grad([-2.0, 0.0, 3.0])
    array([0.25, 0.25, 1.  ])
    """
    slopes = _slopes(x, negative_slope)
    return elementwise(
        lambda x: keep_nan(choose(x > 0, 1, slopes), x), x, out, blocks=slopes.ndim == 0
    )


def prelu_negative_slope_grad(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return the derivative of `prelu` by its negative slope, :math:`\min(0, x)`.

    The gradient of a negative slope is the sum of this, times grad_output, over all elements that
    it multiplies.

    Examples
    --------
    >>> prelu_negative_slope_grad([-2.0, 3.0])
    array([-2.,  0.])
    """
    return elementwise(lambda x: np.minimum(x, 0), x, out, exact=True)


def _slopes(x: ArrayLike, negative_slope: ArrayLike) -> Array:
    slopes = as_float(negative_slope, "negative_slope").astype(np.float64, copy=False)
    shape = as_float(x).shape
    if not np.isfinite(slopes).all():
        raise ValueError(f"negative_slope is {negative_slope!r}; expected finite numbers")
    try:
        np.broadcast_to(slopes, shape)
    except ValueError:
        raise ValueError(
            f"negative_slope has shape {slopes.shape}; expected one number, or a shape that "
            f"broadcasts to that of x, {shape}"
        ) from None
    return slopes


def rrelu(
    x: ArrayLike,
    out: Array | None = None,
    *,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    rng: "np.random.Generator | None" = None,
) -> Array:
    r"""Return :math:`x` for :math:`x > 0` and :math:`s\,x` otherwise, with :math:`s` at random.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    lower, upper : float
        :math:`s` is uniform between these. The defaults are PyTorch's.
    rng : Generator, optional
        For training: each element gets an :math:`s` of its own. Without it, as for prediction, all
        get the mean of the two bounds.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; rounded once.

    Raises
    ------
    ValueError
        If a bound is not finite, or the lower is above the upper.
    TypeError
        If `rng` is not a generator.

    Notes
    -----
    Xu et al., 2015 :cite:p:`xu2015empirical`, who draw the inverse of :math:`s` between 3 and 8 and
    predict with its mean.

    Examples
    --------
    >>> rrelu([-24.0, 3.0])
    array([-5.5,  3. ])
    >>> bool(-8 < rrelu(-24.0, rng=np.random.default_rng(0)) < -3)
    True
    """
    return prelu(x, out, negative_slope=_random_slopes(x, lower, upper, rng))


def rrelu_grad(
    x: ArrayLike,
    out: Array | None = None,
    *,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    rng: "np.random.Generator | None" = None,
) -> Array:
    r"""Return the derivative of `rrelu`: 1 for :math:`x > 0`, its :math:`s` for :math:`x \le 0`.

    A generator in the state in which `rrelu` received it draws the same numbers again.

    Examples
    --------
    >>> rrelu_grad([-24.0, 3.0], lower=0.25, upper=0.75)
    array([0.5, 1. ])
    """
    return prelu_grad(x, out, negative_slope=_random_slopes(x, lower, upper, rng))


def _random_slopes(
    x: ArrayLike, lower: float, upper: float, rng: "np.random.Generator | None"
) -> ArrayLike:
    lower, upper = as_number("lower", lower), as_number("upper", upper)
    if lower > upper:
        raise ValueError(f"lower is {lower!r} and upper {upper!r}; expected lower <= upper")
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}; expected a generator, as np.random.default_rng(0)")
    return (lower + upper) / 2 if rng is None else rng.uniform(lower, upper, as_float(x).shape)


def threshold(
    x: ArrayLike, out: Array | None = None, *, threshold: float = 0.0, value: float = 0.0
) -> Array:
    r"""Return :math:`x` for :math:`x > \theta` and a constant otherwise.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    threshold : float
        :math:`\theta`. PyTorch and Keras have no default; with 0 and 0 this is `relu`.
    value : float
        The constant.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; exact but for the rounding of the constant.

    Raises
    ------
    ValueError
        If a parameter is not a finite number.

    Notes
    -----
    From Torch :cite:p:`collobert2011torch7`.

    Examples
    --------
    >>> threshold([0.5, 2.0], threshold=1, value=-1)
    array([-1.,  2.])
    """
    threshold, value = as_number("threshold", threshold), as_number("value", value)

    def kernel(x: Array) -> Array:
        return np.where((x > threshold) | np.isnan(x), x, value)

    return elementwise(kernel, x, out)


def threshold_grad(
    x: ArrayLike, out: Array | None = None, *, threshold: float = 0.0, value: float = 0.0
) -> Array:
    r"""Return the derivative of `threshold`: 1 for :math:`x > \theta`, 0 for :math:`x \le \theta`.

    Notes
    -----
    The value at the threshold is that of PyTorch.

    Examples
    --------
    >>> threshold_grad([0.5, 1.0, 2.0], threshold=1)
    array([0., 0., 1.])
    """
    threshold, value = as_number("threshold", threshold), as_number("value", value)
    return elementwise(lambda x: indicator(x > threshold, x), x, out)


def squared_relu(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return :math:`\max(0, x)^2`.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; rounded once.

    Notes
    -----
    Found by the search of So et al., 2021 :cite:p:`so2021primer`, for language models.

    Examples
    --------
    >>> squared_relu([-2.0, 3.0])
    array([0., 9.])
    """
    return elementwise(lambda x: np.square(np.maximum(x, 0)), x, out)


def squared_relu_grad(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return the derivative of `squared_relu`, :math:`2\max(0, x)`.

    Examples
    --------
    >>> squared_relu_grad([-2.0, 3.0])
    array([0., 6.])
    """
    return elementwise(lambda x: 2 * np.maximum(x, 0), x, out, exact=True)


def relu6(x: ArrayLike, out: Array | None = None, *, max_value: float = 6.0) -> Array:
    r"""Return :math:`\min(\max(0, x), 6)`, or with another cap.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    max_value : float
        The cap, above 0; named as in Keras' ``relu``.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; exact but for the rounding of the cap to that dtype.

    Raises
    ------
    ValueError
        If the cap is not a finite number above 0.

    Notes
    -----
    Krizhevsky, 2010 :cite:p:`krizhevsky2010convolutional`.

    Examples
    --------
    >>> relu6([-2.0, 3.0, 8.0])
    array([0., 3., 6.])
    >>> relu6([-2.0, 3.0, 8.0], max_value=1)
    array([0., 1., 1.])
    """
    cap = as_number("max_value", max_value, above=0)
    return elementwise(lambda x: np.clip(x, 0, cap), x, out, exact=True)


def relu6_grad(x: ArrayLike, out: Array | None = None, *, max_value: float = 6.0) -> Array:
    r"""Return the derivative of `relu6`: 1 for :math:`0 < x < 6`, or up to its cap, 0 elsewhere.

    Notes
    -----
    At both kinks it is 0, as in PyTorch and JAX.

    Examples
    --------
    >>> relu6_grad([0.0, 3.0, 6.0])
    array([0., 1., 0.])
    """
    cap = as_number("max_value", max_value, above=0)
    return elementwise(lambda x: indicator((x > 0) & (x < cap), x), x, out, exact=True)
