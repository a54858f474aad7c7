r"""Activations made of straight lines and parabolas: the ReLU family, hard steps and shrinkage.

Comparisons make no rounding error, so most of these are exact in every float type. At a kink the
derivative does not exist; each function says which value it takes there, and whose convention
that is.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._typing import Array
from course_lib.activations.parameters import (
    check_between,
    check_finite,
    check_generator,
    check_order,
)
from course_lib.numerics import as_float, choose, elementwise, keep_nan
from course_lib.pairs import two_sum

__all__ = [
    "hard_shrink",
    "hard_shrink_grad",
    "hard_sigmoid",
    "hard_sigmoid_grad",
    "hard_swish",
    "hard_swish_grad",
    "hard_tanh",
    "hard_tanh_grad",
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
    "soft_shrink",
    "soft_shrink_grad",
    "sparse_plus",
    "sparse_plus_grad",
    "sparse_sigmoid",
    "sparse_sigmoid_grad",
    "squared_relu",
    "squared_relu_grad",
    "threshold",
    "threshold_grad",
]


def _indicator(condition: Array, x: Array) -> Array:
    """Return 1 where the condition holds and 0 elsewhere, in the dtype of `x`; NaN at NaN."""
    return keep_nan(np.array(condition, x.dtype), x)


# ---------------------------------------------------------------------------------------------
# The line, and the lines with one bend
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
        If `x` is boolean, complex or not numeric, or `out` has another dtype.
    ValueError
        If `out` has another shape, or is read-only.

    Notes
    -----
    What it makes of a network is the perceptron of Rosenblatt, 1958
    :cite:p:`rosenblatt1958perceptron`, however deep. Exact.

    See Also
    --------
    course_lib.activations.piecewise.relu : the smallest change that bends.

    Examples
    --------
    >>> identity([-1.0, 2.0])
    array([-1.,  2.])
    """
    return elementwise(np.positive, x, out, exact=True)


def identity_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `identity`, :math:`f'(x) = 1`.

    Examples
    --------
    >>> identity_grad([-1.0, float("nan")])
    array([ 1., nan])
    """
    return elementwise(lambda x: keep_nan(np.ones_like(x), x), x, out, exact=True)


def relu(x: ArrayLike, out: Array | None = None) -> Any:
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


def relu_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `relu`: 1 for :math:`x > 0`, 0 for :math:`x \le 0`.

    Notes
    -----
    At 0 there is no derivative. The value 0 is a convention, shared by PyTorch, JAX and TensorFlow
    and studied by Bertoin et al., 2021 :cite:p:`bertoin2021numerical`.

    Examples
    --------
    >>> relu_grad([-2.0, 0.0, 3.0])
    array([0., 0., 1.])
    """
    return elementwise(lambda x: _indicator(x > 0, x), x, out, exact=True)


def leaky_relu(x: ArrayLike, out: Array | None = None, *, negative_slope: float = 0.01) -> Any:
    r"""Return :math:`x` for :math:`x > 0` and :math:`s\,x` otherwise.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    negative_slope : float
        The slope :math:`s` left of 0. The default is that of the paper and of PyTorch and JAX;
        Keras uses 0.3 for its layer and 0.2 for its function.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; rounded once.

    Raises
    ------
    ValueError
        If the slope is not a finite number.

    Notes
    -----
    Maas et al., 2013 :cite:p:`maas2013rectifier`.

    Examples
    --------
    >>> leaky_relu([-2.0, 3.0])
    array([-0.02,  3.  ])
    """
    negative_slope = check_finite("negative_slope", negative_slope)
    return elementwise(lambda x: _two_lines(x, negative_slope), x, out)


def _two_lines(x: Array, negative_slope: float | Array) -> Array:
    """Return x right of 0 and a multiple left of it; of the two terms one is 0."""
    left = negative_slope * np.minimum(x, 0)
    if not np.all(negative_slope):  # 0 times minus infinity is NaN, where the limit is 0
        left = np.where(negative_slope == 0, 0.0, left)
    return np.maximum(x, 0) + left


def leaky_relu_grad(x: ArrayLike, out: Array | None = None, *, negative_slope: float = 0.01) -> Any:
    r"""Return the derivative of `leaky_relu`: 1 for :math:`x > 0`, :math:`s` for :math:`x \le 0`.

    Notes
    -----
    At 0, where there is no derivative, it is the left one, as in PyTorch; JAX takes 1.

    Examples
    --------
    >>> leaky_relu_grad([-2.0, 0.0, 3.0])
    array([0.01, 0.01, 1.  ])
    """
    negative_slope = check_finite("negative_slope", negative_slope)
    return elementwise(lambda x: keep_nan(choose(x > 0, 1, negative_slope), x), x, out)


def prelu(x: ArrayLike, out: Array | None = None, *, negative_slope: ArrayLike = 0.25) -> Any:
    r"""Return :math:`x` for :math:`x > 0` and :math:`s\,x` otherwise, where :math:`s` is learned.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    negative_slope : array_like
        One slope, or slopes that broadcast to the shape of `x`, such as one for each channel. The
        default is where He et al. and PyTorch start; Keras starts at 0.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; rounded once.

    Raises
    ------
    ValueError
        If a slope is not finite, or the slopes do not broadcast to the shape of `x`.

    Notes
    -----
    He et al., 2015 :cite:p:`he2015delving`.

    See Also
    --------
    course_lib.activations.piecewise.prelu_negative_slope_grad : what the slope learns from.

    Examples
    --------
    >>> prelu([[-2.0, -2.0]], negative_slope=[0.25, 0.5])
    array([[-0.5, -1. ]])
    """
    slopes = _slopes(x, negative_slope)
    return elementwise(lambda x: _two_lines(x, slopes), x, out, blocks=slopes.ndim == 0)


def prelu_grad(x: ArrayLike, out: Array | None = None, *, negative_slope: ArrayLike = 0.25) -> Any:
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


def prelu_negative_slope_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `prelu` by its slope, :math:`\min(0, x)`.

    The gradient of a shared slope is the sum of this, times grad_output, over all that share it.

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
) -> Any:
    r"""Return :math:`x` for :math:`x > 0` and :math:`s\,x` otherwise, with a random slope.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    lower, upper : float
        The slope is uniform between these. The defaults are PyTorch's.
    rng : Generator, optional
        For training: each element gets a slope of its own. Without it, as for prediction, all get
        the mean of the two bounds.

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
    Xu et al., 2015 :cite:p:`xu2015empirical`, who draw the inverse of the slope between 3 and 8 and
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
) -> Any:
    r"""Return the derivative of `rrelu`: 1 for :math:`x > 0`, the slope for :math:`x \le 0`.

    A generator in the state in which `rrelu` received it draws the same slopes again.

    Examples
    --------
    >>> rrelu_grad([-24.0, 3.0], lower=0.25, upper=0.75)
    array([0.5, 1. ])
    """
    return prelu_grad(x, out, negative_slope=_random_slopes(x, lower, upper, rng))


def _random_slopes(
    x: ArrayLike, lower: float, upper: float, rng: "np.random.Generator | None"
) -> ArrayLike:
    lower, upper = check_order("lower", lower, "upper", upper)
    check_generator(rng)
    return (lower + upper) / 2 if rng is None else rng.uniform(lower, upper, as_float(x).shape)


def threshold(
    x: ArrayLike, out: Array | None = None, *, threshold: float = 0.0, value: float = 0.0
) -> Any:
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
    threshold, value = check_finite("threshold", threshold), check_finite("value", value)

    def kernel(x: Array) -> Array:
        return np.where((x > threshold) | np.isnan(x), x, value)

    return elementwise(kernel, x, out)


def threshold_grad(
    x: ArrayLike, out: Array | None = None, *, threshold: float = 0.0, value: float = 0.0
) -> Any:
    r"""Return the derivative of `threshold`: 1 for :math:`x > \theta`, 0 for :math:`x \le \theta`.

    Notes
    -----
    The value at the threshold is that of PyTorch.

    Examples
    --------
    >>> threshold_grad([0.5, 1.0, 2.0], threshold=1)
    array([0., 0., 1.])
    """
    threshold, value = check_finite("threshold", threshold), check_finite("value", value)
    return elementwise(lambda x: _indicator(x > threshold, x), x, out)


def squared_relu(x: ArrayLike, out: Array | None = None) -> Any:
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


def squared_relu_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `squared_relu`, :math:`2\max(0, x)`.

    Examples
    --------
    >>> squared_relu_grad([-2.0, 3.0])
    array([0., 6.])
    """
    return elementwise(lambda x: 2 * np.maximum(x, 0), x, out, exact=True)


# ---------------------------------------------------------------------------------------------
# Lines with two bends
# ---------------------------------------------------------------------------------------------


def relu6(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`\min(\max(0, x), 6)`.

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
    Krizhevsky, 2010 :cite:p:`krizhevsky2010convolutional`.

    Examples
    --------
    >>> relu6([-2.0, 3.0, 8.0])
    array([0., 3., 6.])
    """
    return elementwise(lambda x: np.clip(x, 0, 6), x, out, exact=True)


def relu6_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `relu6`: 1 for :math:`0 < x < 6`, 0 elsewhere.

    Notes
    -----
    At both kinks it is 0, as in PyTorch and JAX.

    Examples
    --------
    >>> relu6_grad([0.0, 3.0, 6.0])
    array([0., 1., 0.])
    """
    return elementwise(lambda x: _indicator((x > 0) & (x < 6), x), x, out, exact=True)


def hard_tanh(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`x`, cut off at -1 and 1.

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
    Collobert, 2004 :cite:p:`collobert2004large`.

    Examples
    --------
    >>> hard_tanh([-2.0, 0.5, 2.0])
    array([-1. ,  0.5,  1. ])
    """
    return elementwise(lambda x: np.clip(x, -1, 1), x, out, exact=True)


def hard_tanh_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `hard_tanh`: 1 for :math:`|x| < 1`, 0 elsewhere.

    Notes
    -----
    At both kinks it is 0, as in PyTorch; JAX takes 1.

    Examples
    --------
    >>> hard_tanh_grad([-1.0, 0.5, 2.0])
    array([0., 1., 0.])
    """
    return elementwise(lambda x: _indicator(np.abs(x) < 1, x), x, out, exact=True)


def hard_sigmoid(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`(x + 3)/6`, cut off at 0 and 1.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; in [0, 1].

    Notes
    -----
    Courbariaux et al., 2015 :cite:p:`courbariaux2015binaryconnect`, with :math:`(x + 1)/2`. The
    slope here is that of PyTorch, JAX and Keras 3; Keras 2 had :math:`x/5 + 1/2`.

    See Also
    --------
    course_lib.activations.piecewise.sparse_sigmoid : the same with slope 1/2.

    Examples
    --------
    >>> hard_sigmoid([-4.0, 0.0, 1.5])
    array([0.  , 0.5 , 0.75])
    """
    return elementwise(lambda x: (np.clip(x, -3, 3) + 3) / 6, x, out)


def hard_sigmoid_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `hard_sigmoid`: 1/6 for :math:`|x| < 3`, 0 elsewhere.

    Notes
    -----
    At both kinks it is 0, as in PyTorch and JAX. PyTorch 2.13 uses the float32 nearest to 1/6 as
    the slope in float64 too.

    Examples
    --------
    >>> hard_sigmoid_grad([-3.0, 0.0])
    array([0.        , 0.16666667])
    """
    return elementwise(lambda x: _indicator(np.abs(x) < 3, x) / 6, x, out)


def hard_swish(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`x` times `hard_sigmoid` of :math:`x`.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`.

    Notes
    -----
    Howard et al., 2019 :cite:p:`howard2019searching`. The printed product is NaN at
    :math:`-\infty`; here it is 0, the limit. JAX and Keras call it hard SiLU too.

    Examples
    --------
    >>> hard_swish([-4.0, -1.5, 1.5, 4.0])
    array([-0.   , -0.375,  1.125,  4.   ])
    """

    def kernel(x: Array) -> Array:
        return np.maximum(x, -3) * ((np.clip(x, -3, 3) + 3) / 6)

    return elementwise(kernel, x, out)


def hard_swish_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `hard_swish`: :math:`(2x + 3)/6` for :math:`|x| < 3`, else 0 or 1.

    Notes
    -----
    At the kinks it takes the outer values, 0 and 1, as PyTorch and JAX do.

    Examples
    --------
    >>> hard_swish_grad([-3.0, -1.5, 0.0, 3.0])
    array([0. , 0. , 0.5, 1. ])
    """

    def kernel(x: Array) -> Array:
        return choose(np.abs(x) < 3, (2 * np.clip(x, -3, 3) + 3) / 6, _indicator(x > 0, x))

    return elementwise(kernel, x, out)


def hard_shrink(x: ArrayLike, out: Array | None = None, *, threshold: float = 0.5) -> Any:
    r"""Return :math:`x` for :math:`|x| > \lambda` and 0 otherwise.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    threshold : float
        :math:`\lambda`, from 0 on. The default is that of PyTorch and Keras.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; exact.

    Raises
    ------
    ValueError
        If the threshold is not a number from 0 on.

    Notes
    -----
    Donoho and Johnstone, 1994 :cite:p:`donoho1994ideal`. It jumps at :math:`\pm\lambda`, so that no
    Lipschitz constant holds.

    Examples
    --------
    >>> hard_shrink([-1.0, 0.25, 1.0])
    array([-1.,  0.,  1.])
    """
    threshold = check_between("threshold", threshold, 0, 1e300)
    return elementwise(lambda x: np.where(np.abs(x) <= threshold, 0, x), x, out)


def hard_shrink_grad(x: ArrayLike, out: Array | None = None, *, threshold: float = 0.5) -> Any:
    r"""Return the derivative of `hard_shrink`: 1 for :math:`|x| > \lambda`, 0 elsewhere.

    Notes
    -----
    At the jumps it is 0, as in PyTorch.

    Examples
    --------
    >>> hard_shrink_grad([-1.0, 0.5])
    array([1., 0.])
    """
    threshold = check_between("threshold", threshold, 0, 1e300)
    return elementwise(lambda x: _indicator(np.abs(x) > threshold, x), x, out)


def soft_shrink(x: ArrayLike, out: Array | None = None, *, threshold: float = 0.5) -> Any:
    r"""Return :math:`x` moved towards 0 by :math:`\lambda`, and 0 for :math:`|x| \le \lambda`.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    threshold : float
        :math:`\lambda`, from 0 on. The default is that of PyTorch and Keras.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; rounded once.

    Raises
    ------
    ValueError
        If the threshold is not a number from 0 on.

    Notes
    -----
    Donoho, 1995 :cite:p:`donoho1995denoising`; the step that minimizes an absolute value.

    Examples
    --------
    >>> soft_shrink([-1.0, 0.25, 1.0])
    array([-0.5,  0. ,  0.5])
    """
    threshold = check_between("threshold", threshold, 0, 1e300)
    return elementwise(
        lambda x: np.maximum(x - threshold, 0) + np.minimum(x + threshold, 0), x, out
    )


def soft_shrink_grad(x: ArrayLike, out: Array | None = None, *, threshold: float = 0.5) -> Any:
    r"""Return the derivative of `soft_shrink`: 1 for :math:`|x| > \lambda`, 0 elsewhere.

    Notes
    -----
    At the kinks it is 0, as in PyTorch.

    Examples
    --------
    >>> soft_shrink_grad([-1.0, 0.5])
    array([1., 0.])
    """
    return hard_shrink_grad(x, out, threshold=threshold)


# ---------------------------------------------------------------------------------------------
# Parabolas
# ---------------------------------------------------------------------------------------------


def sparse_plus(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return 0 up to -1, :math:`(x + 1)^2/4` up to 1, and :math:`x` beyond.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`.

    Notes
    -----
    It is to `softplus` what sparsemax is to softmax: flat and straight from a finite point on.
    Martins and Astudillo, 2016 :cite:p:`martins2016softmax`, as their loss; named by JAX.

    Examples
    --------
    >>> sparse_plus([-2.0, 0.0, 2.0])
    array([0.  , 0.25, 2.  ])
    """

    def kernel(x: Array) -> Array:
        total, lost = two_sum(np.clip(x, -1, 1), 1)
        return np.maximum(x - 1, 0) + total * (total / 4 + lost / 2)

    return elementwise(kernel, x, out)


def sparse_plus_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `sparse_plus`, which is `sparse_sigmoid`.

    Examples
    --------
    >>> sparse_plus_grad([-2.0, 0.0, 2.0])
    array([0. , 0.5, 1. ])
    """
    return sparse_sigmoid(x, out)


def sparse_sigmoid(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`(x + 1)/2`, cut off at 0 and 1.

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
    Sparsemax of two classes: Martins and Astudillo, 2016 :cite:p:`martins2016softmax`.

    Examples
    --------
    >>> sparse_sigmoid([-2.0, 0.0, 0.5])
    array([0.  , 0.5 , 0.75])
    """
    return elementwise(lambda x: (np.clip(x, -1, 1) + 1) / 2, x, out)


def sparse_sigmoid_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `sparse_sigmoid`: 1/2 for :math:`|x| < 1`, 0 elsewhere.

    Notes
    -----
    At both kinks it is 0, the outer value; JAX takes 1/4.

    Examples
    --------
    >>> sparse_sigmoid_grad([-1.0, 0.0])
    array([0. , 0.5])
    """
    return elementwise(lambda x: _indicator(np.abs(x) < 1, x) / 2, x, out)
