r"""Activations without a kink, or with a smooth tail: the sigmoid, exponential and GELU families.

The printed formulas overflow, cancel or run out of digits somewhere; the forms here do not.
Throughout, :math:`t = |x|` and :math:`z = e^{-t}`, which never overflows. Three ideas recur:

- compute what is *small* and take it from what is large, as in :math:`x - t z/(1 + z)`;
- where a derivative crosses 0, factor the crossing out, so that nothing cancels there;
- let the unit of an exponential follow it into the tail (`course_lib.numerics.decay`).

float16 and float32 are computed in float64 and rounded once. Where the float64 form needs pieces
of twice the length, a plain kernel stands beside it, which is enough for the narrower types.
"""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib import _constants
from course_lib._typing import Array
from course_lib.activations.parameters import check_between, check_finite
from course_lib.numerics import (
    Kernel,
    bell,
    choose,
    decay,
    elementwise,
    growth_near_0,
    mills_excess,
    mills_excess_pair,
    mills_ratio,
    polynomial,
    scaled_mills,
    times,
)
from course_lib.pairs import (
    Exponent,
    Pair,
    bell_pair,
    bell_scaled,
    decay_pair,
    decay_scaled,
    divide,
    leading_half,
    multiply,
    one_plus,
    rounded,
    scaled,
    split,
    two_product,
    two_sum,
)

__all__ = [
    "celu",
    "celu_grad",
    "elu",
    "elu_grad",
    "exponential",
    "exponential_grad",
    "gaussian",
    "gaussian_grad",
    "gelu",
    "gelu_grad",
    "gelu_tanh",
    "gelu_tanh_grad",
    "lecun_tanh",
    "lecun_tanh_grad",
    "log_sigmoid",
    "log_sigmoid_grad",
    "mish",
    "mish_grad",
    "quick_gelu",
    "quick_gelu_grad",
    "selu",
    "selu_grad",
    "sigmoid",
    "sigmoid_grad",
    "silu",
    "silu_grad",
    "sine",
    "sine_grad",
    "softplus",
    "softplus_grad",
    "softsign",
    "softsign_grad",
    "squareplus",
    "squareplus_grad",
    "swish",
    "swish_grad",
    "tanh",
    "tanh_grad",
    "tanh_shrink",
    "tanh_shrink_grad",
]


_WIDE = (1e-10, 1e10)  # parameters for which no cut of an input overflows

# ---------------------------------------------------------------------------------------------
# Sigmoids
# ---------------------------------------------------------------------------------------------


def sigmoid(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the logistic function :math:`\sigma(x) = 1 / (1 + e^{-x})`.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; in [0, 1], and exactly 1 where the true value rounds to 1.

    Notes
    -----
    The printed formula overflows for large negative `x`. With :math:`q = z/(1+z)`, the value is
    :math:`q` left of 0 and :math:`1-q` right of it. Named by Verhulst, 1845
    :cite:p:`verhulst1845recherches`.

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


def log_sigmoid(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`\log \sigma(x)`, the log-likelihood of a yes.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; negative.

    Notes
    -----
    As printed it is :math:`\log 0` on the left and :math:`\log 1` on the right; here it is
    :math:`\min(x, 0) - \log(1 + z)`. The loss of logistic regression: Cox, 1958
    :cite:p:`cox1958regression`.

    Examples
    --------
    >>> log_sigmoid([-1000.0, 0.0, 100.0])
    array([-1.00000000e+03, -6.93147181e-01, -3.72007598e-44])
    """
    return elementwise(lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))), x, out)


def log_sigmoid_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `log_sigmoid`, :math:`\sigma(-x)`.

    Examples
    --------
    >>> log_sigmoid_grad([-1000.0, 0.0, 100.0])
    array([1.00000000e+00, 5.00000000e-01, 3.72007598e-44])
    """

    def kernel(x: Array) -> Array:
        z = np.exp(-np.abs(x))
        return np.abs((x < 0) - z / (1 + z))

    return elementwise(kernel, x, out)


def tanh(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the hyperbolic tangent :math:`(e^x - e^{-x}) / (e^x + e^{-x})`.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; in [-1, 1].

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

    Notes
    -----
    With :math:`w = e^{-2|x|}` the same number is :math:`4w / (1 + w)^2`, which does not cancel.

    Examples
    --------
    >>> tanh_grad([0.0, 20.0])
    array([1.0000000e+00, 1.6993417e-17])
    """

    def kernel(x: Array) -> Array:
        w, unit = decay(np.minimum(2 * np.abs(x), 800))
        return 4 * w / (1 + w * (2 + w)) * unit

    return elementwise(kernel, x, out)


def lecun_tanh(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`1.7159 \tanh(2x/3)`.

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
    The constants of LeCun et al., 1998 :cite:p:`lecun1998efficient`, chosen so that -1 and 1 are
    mapped to themselves and the curvature is largest there: targets should lie where a unit still
    learns.

    Examples
    --------
    >>> lecun_tanh([-1.0, 0.0, 1.0]).round(4)
    array([-1.,  0.,  1.])
    """

    def kernel(x: Array) -> Array:
        return _LECUN_HEIGHT * np.copysign(_tanh(np.abs(2 * x / 3)), x)

    def plain(x: Array) -> Array:
        return _LECUN_HEIGHT * np.tanh(2 * x / 3)

    return elementwise(kernel, x, out, narrow=plain)


def lecun_tanh_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `lecun_tanh`, :math:`1.7159 \cdot \frac23 (1 - \tanh^2(2x/3))`.

    Notes
    -----
    As in `tanh_grad`, with the rounding error of :math:`q = 4|x|/3` put right: it is exactly
    :math:`4|x| - 3q` over 3, and 2q and then q can be taken off without an error.

    Examples
    --------
    >>> lecun_tanh_grad([0.0, 30.0])
    array([1.14393333e+00, 1.94393362e-17])
    """

    def kernel(x: Array) -> Array:
        t = np.minimum(np.abs(x), 600)
        q = 4 * t / 3
        w, unit = decay_pair(q, (2 * (2 * t - q) - q) / 3)
        below = one_plus(w)
        square = split(*multiply(below, below))
        return (4 * (2 * _LECUN_HEIGHT / 3)) * rounded(divide(w, square)) * unit

    def plain(x: Array) -> Array:
        t = np.minimum(np.abs(x), 600)
        q = 4 * t / 3
        w, unit = decay(q, (2 * (2 * t - q) - q) / 3)
        return (4 * (2 * _LECUN_HEIGHT / 3)) * w / (1 + w * (2 + w)) * unit

    return elementwise(kernel, x, out, narrow=plain)


_LECUN_HEIGHT = 1.7159  # as printed


def softsign(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`x / (1 + |x|)`.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; in [-1, 1].

    Notes
    -----
    Bergstra et al., 2009 :cite:p:`bergstra2009quadratic`: it nears its ends like :math:`1/x`, where
    tanh does so exponentially. The printed formula is NaN at infinity.

    Examples
    --------
    >>> softsign([-float("inf"), 0.0, 3.0])
    array([-1.  ,  0.  ,  0.75])
    """

    def kernel(x: Array) -> Array:
        x = np.clip(x, -_HUGE, _HUGE)
        return x / (1 + np.abs(x))

    return elementwise(kernel, x, out)


def softsign_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `softsign`, :math:`1 / (1 + |x|)^2`.

    Notes
    -----
    Divided twice, because the square overflows.

    Examples
    --------
    >>> softsign_grad([-3.0, 0.0])
    array([0.0625, 1.    ])
    """

    def kernel(x: Array) -> Array:
        h = 1 + np.abs(x)
        return 1 / h / h

    return elementwise(kernel, x, out)


_HUGE = 1e300  # where 1 + x is x


def tanh_shrink(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`x - \tanh x`.

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
    Near 0 the difference cancels: it is about :math:`x^3/3`. There Lambert's continued fraction
    :math:`\tanh x = x/(1 + c)`, :math:`c = x^2/(3 + x^2/(5 + \dots))`, gives it as
    :math:`x\,c/(1 + c) = x^3/(3 + x^2 (1 + 1/(5 + x^2/(7 + \dots))))`. From Torch
    :cite:p:`collobert2011torch7`.

    Examples
    --------
    >>> tanh_shrink([-1e-3, 0.0, 30.0])
    array([-3.333332e-10,  0.000000e+00,  2.900000e+01])
    """

    def kernel(x: Array) -> Array:
        near = np.abs(x) < 1.5
        return np.where(near, _tanh_lack(np.clip(x, -1.5, 1.5)), x - np.tanh(x))

    def plain(x: Array) -> Array:
        square = np.square(np.clip(x, -1.5, 1.5))
        denominator = np.full_like(x, 15)
        for odd in range(13, 1, -2):
            denominator = odd + square / denominator
        c = square / denominator
        return np.where(np.abs(x) < 1.5, x * c / (1 + c), x - np.tanh(x))

    return elementwise(kernel, x, out, narrow=plain)


def tanh_shrink_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `tanh_shrink`, :math:`\tanh^2 x`.

    Notes
    -----
    Squaring doubles an error, so that the tanh here is the library's own.

    Examples
    --------
    >>> tanh_shrink_grad([0.0, 30.0])
    array([0., 1.])
    """
    return elementwise(
        lambda x: np.square(_tanh(np.abs(x))), x, out, narrow=lambda x: np.square(np.tanh(x))
    )


_NEAR = 1.2  # up to here tanh is t less a little; beyond it is 1 less a little


def _tanh(t: Array) -> Array:
    """Return tanh t for t >= 0, from the exponential alone: NumPy's differs between machines."""
    inside = np.minimum(t, _NEAR)
    w = np.exp(-2 * t)
    return np.where(t < _NEAR, inside - _tanh_lack(inside), 1 - 2 * w / (1 + w))


def _tanh_lack(x: Array) -> Array:
    """Return x - tanh x for |x| up to 1.5."""
    head = leading_half(x)
    square, lost = two_sum(head * head, (x - head) * (x + head))
    fraction = polynomial(_constants.LAMBERT_ABOVE, square)
    fraction /= polynomial(_constants.LAMBERT_BELOW, square)
    total, more = two_sum(3.0, square * fraction)
    return rounded(multiply(split(x), divide((square, lost), split(total, more))))


# ---------------------------------------------------------------------------------------------
# Soft versions of ReLU
# ---------------------------------------------------------------------------------------------


def softplus(x: ArrayLike, out: Array | None = None, *, beta: float = 1.0) -> Any:
    r"""Return :math:`\log(1 + e^{\beta x}) / \beta`.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    beta : float
        :math:`\beta`, above 0: the larger, the nearer to ReLU. The default is PyTorch's; JAX and
        Keras have no such parameter. PyTorch's ``threshold`` is not needed here.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; positive.

    Raises
    ------
    ValueError
        If beta is not a number from 1e-10 to 1e10.

    Notes
    -----
    Dugas et al., 2001 :cite:p:`dugas2001incorporating`. Written as
    :math:`\max(x, 0) + \log(1 + e^{-\beta|x|})/\beta`.

    Examples
    --------
    >>> softplus([-100.0, 0.0, 1000.0])
    array([3.72007598e-44, 6.93147181e-01, 1.00000000e+03])
    """
    beta = check_between("beta", beta, *_WIDE)

    def kernel(x: Array) -> Array:
        t, lost = times(np.minimum(np.abs(x), 800 / beta), beta)
        if lost is None:  # a power of two
            z, unit = decay(t)
        else:
            pair, unit = decay_pair(t, lost)
            z = rounded(pair)
        return np.maximum(x, 0) + np.log1p(z) / beta * unit

    def plain(x: Array) -> Array:
        return np.maximum(x, 0) + np.log1p(np.exp(-beta * np.abs(x))) / beta

    return elementwise(kernel, x, out, narrow=plain)


def softplus_grad(x: ArrayLike, out: Array | None = None, *, beta: float = 1.0) -> Any:
    r"""Return the derivative of `softplus`, :math:`\sigma(\beta x)`.

    Examples
    --------
    >>> softplus_grad([-100.0, 0.0, 1000.0])
    array([3.72007598e-44, 5.00000000e-01, 1.00000000e+00])
    """
    beta = check_between("beta", beta, *_WIDE)

    def kernel(x: Array) -> Array:
        t, lost = times(np.minimum(np.abs(x), 800 / beta), beta)
        if lost is None:  # a power of two
            return plain(x)
        z, unit = decay_pair(t, lost)
        return np.abs((x >= 0) - rounded(divide(z, one_plus(z))) * unit)

    def plain(x: Array) -> Array:
        t, lost = times(np.minimum(np.abs(x), 800 / beta), beta)
        z = np.exp(-t) if lost is None else np.exp(-t) * (1 - lost)
        return np.abs((x >= 0) - z / (1 + z))

    return elementwise(kernel, x, out, narrow=plain)


def squareplus(x: ArrayLike, out: Array | None = None, *, b: float = 4.0) -> Any:
    r"""Return :math:`(x + \sqrt{x^2 + b}) / 2`.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    b : float
        Above 0: how wide the bend is. The default is that of the paper, JAX and Keras.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; positive.

    Raises
    ------
    ValueError
        If b is not a number from 1e-10 to 1e10.

    Notes
    -----
    Barron, 2021 :cite:p:`barron2021squareplus`: a softplus without an exponential. Left of 0 the
    sum cancels; its conjugate, :math:`\frac b2 / (\sqrt{x^2 + b} - x)`, does not.

    Examples
    --------
    >>> squareplus([-1e9, 0.0, 1e9])
    array([1.e-09, 1.e+00, 1.e+09])
    """
    b = check_between("b", b, *_WIDE)

    def kernel(x: Array) -> Array:
        half_sum, _ = _half_sum_and_root(np.abs(x), b)
        return np.where(x > 0, half_sum, b / 4 / half_sum)

    def plain(x: Array) -> Array:
        t = np.abs(x)
        half_sum = t / 2 + np.hypot(t, sqrt(b)) / 2
        return np.where(x > 0, half_sum, b / 4 / half_sum)

    return elementwise(kernel, x, out, narrow=plain)


def _half_sum_and_root(t: Array, b: float) -> tuple[Array, Array]:
    """Return (t + h)/2 and h, the root of t^2 + b, each rounded about once."""
    short = np.minimum(t, 1e150)  # beyond, the root is t and the square would overflow
    head = leading_half(short)  # its square is exact
    square, lost = two_sum(head * head, b)
    lost += (short - head) * (short + head)
    root = np.sqrt(square + lost)
    head = leading_half(root)
    tail = ((square - head * head) + lost) / (root + head)
    total, lost = two_sum(short, head)
    beyond = t - short
    return (total + (lost + tail)) / 2 + beyond, head + tail + beyond


def squareplus_grad(x: ArrayLike, out: Array | None = None, *, b: float = 4.0) -> Any:
    r"""Return the derivative of `squareplus`, :math:`(1 + x/\sqrt{x^2 + b}) / 2`.

    Notes
    -----
    The values at :math:`x` and :math:`-x` sum to 1. With :math:`h = \sqrt{x^2 + b}`, the left one
    is :math:`\frac b2 / (h (h + |x|))`.

    Examples
    --------
    >>> squareplus_grad([-1e9, 0.0, 1e9])
    array([1.e-18, 5.e-01, 1.e+00])
    """
    b = check_between("b", b, *_WIDE)

    def kernel(x: Array) -> Array:
        half_sum, root = _half_sum_and_root(np.abs(x), b)
        return np.abs((x > 0) - b / 4 / half_sum / root)

    def plain(x: Array) -> Array:
        t = np.abs(x)
        h = np.hypot(t, sqrt(b))
        return np.abs((x > 0) - b / 4 / (h / 2 + t / 2) / h)

    return elementwise(kernel, x, out, narrow=plain)


def elu(x: ArrayLike, out: Array | None = None, *, alpha: float = 1.0) -> Any:
    r"""Return :math:`x` for :math:`x > 0` and :math:`\alpha\,(e^x - 1)` otherwise.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    alpha : float
        Minus the limit on the left. The default is that of the paper and of all frameworks.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`.

    Raises
    ------
    ValueError
        If alpha is not a finite number.

    Notes
    -----
    Clevert et al., 2016 :cite:p:`clevert2016fast`.

    Examples
    --------
    >>> elu([-1000.0, -1e-20, 2.0])
    array([-1.e+00, -1.e-20,  2.e+00])
    """
    alpha = check_finite("alpha", alpha)
    return elementwise(lambda x: np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0)), x, out)


def elu_grad(x: ArrayLike, out: Array | None = None, *, alpha: float = 1.0) -> Any:
    r"""Return the derivative of `elu`: 1 for :math:`x > 0`, :math:`\alpha e^x` otherwise.

    Notes
    -----
    For :math:`\alpha \ne 1` there is a kink at 0, where it is the left derivative, as in PyTorch.

    Examples
    --------
    >>> elu_grad([-1.0, 0.0, 2.0])
    array([0.36787944, 1.        , 1.        ])
    """
    alpha = check_finite("alpha", alpha)
    return elementwise(lambda x: _decay_left(x, alpha), x, out)


def _decay_left(x: Array, height: float) -> Array:
    """Return 1 right of 0, and the height times an exponential left of it and at 0."""
    if height == 1:
        return np.exp(np.minimum(x, 0))
    z, unit = decay(-np.clip(x, -800, 0))
    return choose(x > 0, 1, height * z * unit)


def celu(x: ArrayLike, out: Array | None = None, *, alpha: float = 1.0) -> Any:
    r"""Return :math:`x` for :math:`x > 0` and :math:`\alpha\,(e^{x/\alpha} - 1)` otherwise.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    alpha : float
        Above 0: minus the limit on the left. The default is that of PyTorch, JAX and Keras.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`.

    Raises
    ------
    ValueError
        If alpha is not a number from 1e-10 to 1e10.

    Notes
    -----
    Barron, 2017 :cite:p:`barron2017continuously`: an ELU without a kink at any alpha.

    Examples
    --------
    >>> celu([-1000.0, -1e-20, 2.0], alpha=2)
    array([-2.e+00, -1.e-20,  2.e+00])
    """
    alpha = check_between("alpha", alpha, *_WIDE)

    def kernel(x: Array) -> Array:
        left = np.minimum(x, 0)
        quotient = left / alpha
        curved = alpha * np.expm1(quotient)
        # so near to 0 that it is straight: there the quotient may be short of digits
        return np.maximum(x, 0) + np.where(quotient > -1e-17, left, curved)

    return elementwise(kernel, x, out)


def celu_grad(x: ArrayLike, out: Array | None = None, *, alpha: float = 1.0) -> Any:
    r"""Return the derivative of `celu`: 1 for :math:`x > 0`, :math:`e^{x/\alpha}` otherwise.

    Notes
    -----
    The rounding error of the quotient is put right, as everywhere before an exponential.

    Examples
    --------
    >>> celu_grad([-2.0, 0.0, 2.0], alpha=2)
    array([0.36787944, 1.        , 1.        ])
    """
    alpha = check_between("alpha", alpha, *_WIDE)

    def kernel(x: Array) -> Array:
        left = np.clip(x, -800 * alpha, 0)
        quotient = left / alpha
        product, lost = times(quotient, alpha)
        missing = 0.0 if lost is None else (left - product - lost) / alpha
        return np.exp(quotient) * (1 + missing)

    return elementwise(kernel, x, out)


def selu(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`\lambda x` for :math:`x > 0` and :math:`\lambda\alpha\,(e^x - 1)` otherwise.

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
    Klambauer et al., 2017 :cite:p:`klambauer2017self`. The constants, :math:`\lambda = 1.0507` and
    :math:`\alpha = 1.6733`, are those for which a normal input with mean 0 and variance 1 gives an
    output with mean 0 and variance 1; ``tools/constants.py`` solves for them.

    Examples
    --------
    >>> selu([-1000.0, 0.0, 1.0])
    array([-1.75809934,  0.        ,  1.05070099])
    """
    scale, left = _constants.SELU_SCALE, _constants.SELU_PRODUCT
    return elementwise(
        lambda x: scale * np.maximum(x, 0) + left * np.expm1(np.minimum(x, 0)), x, out
    )


def selu_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `selu`: :math:`\lambda` or :math:`\lambda\alpha e^x`.

    Notes
    -----
    At the kink, 0, it is the left derivative, as in PyTorch.

    Examples
    --------
    >>> selu_grad([-1000.0, 0.0, 1.0])
    array([0.        , 1.75809934, 1.05070099])
    """
    scale, left = _constants.SELU_SCALE, _constants.SELU_PRODUCT

    def kernel(x: Array) -> Array:
        z, unit = decay(-np.clip(x, -800, 0))
        return choose(x > 0, scale, left * z * unit)

    return elementwise(kernel, x, out)


# ---------------------------------------------------------------------------------------------
# The input times a gate: GELU, SiLU, Mish
# ---------------------------------------------------------------------------------------------


def gelu(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`x\,\Phi(x)`, with :math:`\Phi` the normal distribution function.

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
    The exact form of Hendrycks and Gimpel, 2016 :cite:p:`hendrycks2016gaussian`, which is the
    default of PyTorch and Keras; JAX's default is an approximation by tanh, here `gelu_tanh`. The
    usual :math:`1 + \mathrm{erf}` cancels left of 0. Here :math:`t\,\Phi(-t)` is computed as such,
    as bell curve times Mills' ratio; it is what GELU lacks to ReLU on both sides.

    Examples
    --------
    >>> gelu([-10.0, 0.0, 1.0])
    array([-7.61985302e-23,  0.00000000e+00,  8.41344746e-01])
    """
    return elementwise(lambda x: scaled(*gelu_scaled(x)) + 0.0, x, out, narrow=gelu_plain)


def gelu_plain(x: Array) -> Array:
    """Return GELU of float64 with the digits of a float32."""
    t = np.minimum(np.abs(x), 40.0)
    return np.maximum(x, 0) - bell(t, 1 / 2, t * mills_ratio(t))


def gelu_scaled(x: Array) -> tuple[Array, Exponent]:
    """Return GELU of float64 as a number times a power of two."""
    t = np.minimum(np.abs(x), 56.0)  # beyond, no factor makes it a float64 again
    ratio = divide((t, np.zeros_like(t)), split(*two_sum(1.0, t)))
    curve, exponent = bell_scaled(t, 1 / 2)
    mills = split(*multiply(ratio, split(*scaled_mills(t))))
    lack, rest = multiply(mills, split(*curve))  # what is lacking to ReLU on both sides
    total, lost = two_sum(np.maximum(x, 0), -scaled(lack, exponent))
    right = np.where(t < x, x, total + (lost - scaled(rest, exponent)))
    return _either(x, right, 0.0 - (lack + rest), exponent)


def _either(x: Array, right: Array, left: Array, exponent: Exponent) -> tuple[Array, Exponent]:
    """Return one number where x > 0 and elsewhere the other, which is scaled."""
    positive = x > 0
    return np.where(positive, right, left), _left_alone(exponent, positive)


def gelu_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `gelu`, :math:`\Phi(x) + x\,\varphi(x)`.

    Notes
    -----
    The values at :math:`x` and :math:`-x` sum to 1. The left one, :math:`\varphi(t)(m(t) - t)` with
    Mills' ratio :math:`m`, is 0 at -0.7518; that zero is factored out, because the two terms of the
    printed formula cancel there.

    Examples
    --------
    >>> gelu_grad([-float("inf"), 0.0, float("inf")])
    array([0. , 0.5, 1. ])
    """
    return elementwise(lambda x: scaled(*gelu_grad_scaled(x)) + 0.0, x, out, narrow=gelu_grad_plain)


def gelu_grad_plain(x: Array) -> Array:
    """Return the derivative of GELU of float64 with the digits of a float32."""
    t = np.minimum(np.abs(x), 40.0)
    return _mirror(x, bell(t, 1 / 2, mills_excess(t)))


def gelu_grad_scaled(x: Array) -> tuple[Array, Exponent]:
    """Return the derivative of GELU of float64 as a number times a power of two."""
    t = np.minimum(np.abs(x), 56.0)
    curve, exponent = bell_scaled(t, 1 / 2)
    left = rounded(multiply(split(*mills_excess_pair(t)), split(*curve)))
    return _either(x, 1 - scaled(left, exponent), left, exponent)


def _mirror(x: Array, left: Array) -> Array:
    """Return `left` where x <= 0, and 1 - left elsewhere."""
    right = (x > 0).astype(np.float64)
    return right + (1 - 2 * right) * left


def gelu_tanh(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`\frac x2 \left(1 + \tanh\sqrt{2/\pi}\,(x + 0.044715\,x^3)\right)`.

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
    Hendrycks and Gimpel's approximation of GELU :cite:p:`hendrycks2016gaussian`, off by up to
    0.0005; the default of JAX. It is :math:`x\,\sigma(w)` with
    :math:`w = 2\sqrt{2/\pi}\,(x + 0.044715\,x^3)`, which is computed to twice the digits, because
    the exponential multiplies its error.

    Examples
    --------
    >>> gelu_tanh([-10.0, 0.0, 1.0])
    array([-1.20409235e-37,  0.00000000e+00,  8.41191991e-01])
    """

    def kernel(x: Array) -> Array:
        t = np.minimum(np.abs(x), 22.0)  # beyond, what is lacking is below the smallest float64
        gate, exponent = _gate(x, *decay_scaled(*_times_one_plus(*_gelu_tanh_parts(t))))
        return scaled(np.maximum(x, -22.0) * gate, exponent) + 0.0

    def plain(x: Array) -> Array:
        t = np.minimum(np.abs(x), 25.0)
        z = np.exp(-_constants.GELU_TANH_FACTOR[0] * t * (1 + _constants.GELU_TANH_CUBIC * t * t))
        return np.maximum(x, 0) - t * z / (1 + z)

    return elementwise(kernel, x, out, narrow=plain)


def gelu_tanh_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `gelu_tanh`, :math:`\sigma(w)\,(1 + x\,w'\,(1 - \sigma(w)))`.

    Notes
    -----
    The values at :math:`x` and :math:`-x` sum to 1. With :math:`z = e^{-w(t)}` the left one is
    :math:`z\,(1 + z - t\,w'(t)) / (1 + z)^2`. Its bracket is 0 at :math:`t_0 = 0.7525`; subtracting
    what it is there, term by term, leaves
    :math:`z_0\,(e^{w(t_0) - w(t)} - 1) + t_0 w'(t_0) - t\,w'(t)`, in which both differences are
    multiples of :math:`t_0 - t`, of the same sign. Nothing cancels.

    Examples
    --------
    >>> gelu_tanh_grad([-float("inf"), 0.0, float("inf")])
    array([0. , 0.5, 1. ])
    """
    (c, c_lost), (high, low) = _constants.GELU_TANH_FACTOR, _constants.GELU_TANH_ZERO
    there = _constants.GELU_TANH_THERE  # e^-w at the zero

    def near(t: Array, growth: Kernel) -> tuple[Array, Array, Array]:
        distance = high - t
        cubic = c * _constants.GELU_TANH_CUBIC * (high * high + t * (high + t))
        once, thrice = c + cubic, c + 3 * cubic
        missing = low * (there * once + thrice) + c_lost * distance * (there + 1)
        return there * growth(distance * once), distance * thrice, missing

    def kernel(x: Array) -> Array:
        t = np.minimum(np.abs(x), 22.0)
        linear, cubic = _gelu_tanh_parts(t)
        z, unit = decay_pair(*_times_one_plus(linear, cubic))
        slope = _times_one_plus(linear, (3 * cubic[0], 3 * cubic[1]))  # t w'(t)
        bracket = _bracket(z, slope)
        close = (t > 0.65) & (t < 0.83)
        if close.any():
            first, second, third = near(t[close], growth_near_0)
            bracket[0][close], bracket[1][close] = two_sum(second, first + third)
        return _mirror(x, _gate_slope(z, bracket) * unit)

    def plain(x: Array) -> Array:
        t = np.minimum(np.abs(x), 25.0)
        z = np.exp(-c * t * (1 + _constants.GELU_TANH_CUBIC * t * t))
        return _mirror(x, sum(near(t, np.expm1)) * z / (1 + z * (2 + z)))

    return elementwise(kernel, x, out, narrow=plain)


def _gelu_tanh_parts(t: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return c t and a t^2, each with what its rounding lost."""
    c, c_lost = _constants.GELU_TANH_FACTOR
    linear, linear_lost = two_product(t, c)
    square, square_lost = two_product(t, t)
    cubic, cubic_lost = two_product(square, _constants.GELU_TANH_CUBIC)
    return (linear, linear_lost + c_lost * t), (
        cubic,
        cubic_lost + _constants.GELU_TANH_CUBIC * square_lost,
    )


def _times_one_plus(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return a (1 + b), each with what its rounding lost."""
    factor, factor_lost = two_sum(b[0], 1.0)
    product, lost = two_product(a[0], factor)
    return product, lost + a[0] * (factor_lost + b[1]) + a[1] * factor


def silu(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`x\,\sigma(x)`, also called swish.

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
    Named by Hendrycks and Gimpel, 2016 :cite:p:`hendrycks2016gaussian`, studied by Elfwing et al.,
    2018 :cite:p:`elfwing2018sigmoid`, and found again by an automated search
    :cite:p:`ramachandran2017searching`. What it lacks to ReLU on both sides is
    :math:`t\,\sigma(-t) = t z / (1 + z)`, where a plain :math:`z` would run out of digits before
    the product does.

    Examples
    --------
    >>> silu([-float("inf"), 0.0, 1.0])
    array([0.        , 0.        , 0.73105858])
    """
    return swish(x, out)


def silu_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `silu`, :math:`\sigma(x)\,(1 + x\,(1 - \sigma(x)))`.

    Examples
    --------
    >>> silu_grad([-float("inf"), 0.0, float("inf")])
    array([0. , 0.5, 1. ])
    """
    return swish_grad(x, out)


def swish(x: ArrayLike, out: Array | None = None, *, beta: float = 1.0) -> Any:
    r"""Return :math:`x\,\sigma(\beta x)`.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    beta : float
        :math:`\beta`, above 0; learned in the paper, whose first value, 1, is the default.
        PyTorch, JAX and Keras have only that one, as SiLU; TensorFlow has beta too.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`.

    Raises
    ------
    ValueError
        If beta is not a number from 1e-10 to 1e10.

    Notes
    -----
    Ramachandran et al., 2017 :cite:p:`ramachandran2017searching`. See `silu` for the form.

    Examples
    --------
    >>> swish([-1.0, 1.0], beta=2)
    array([-0.11920292,  0.88079708])
    """
    beta = check_between("beta", beta, *_WIDE)

    return elementwise(
        lambda x: scaled(*swish_scaled(x, beta)) + 0.0,
        x,
        out,
        narrow=lambda x: swish_plain(x, beta),
    )


def swish_plain(x: Array, beta: float = 1.0) -> Array:
    """Return swish of float64 with the digits of a float32."""
    t = np.minimum(np.abs(x), 800 / beta)  # beyond, the gate is below the smallest float64
    z, unit = decay(*times(t, beta))
    return np.maximum(x, 0) - t * z / (1 + z) * unit


def swish_scaled(x: Array, beta: float = 1.0) -> tuple[Array, Exponent]:
    """Return swish of float64 as a number times a power of two."""
    cut = _BEYOND / beta
    gate, exponent = _gate(x, *decay_scaled(*times(np.minimum(np.abs(x), cut), beta)))
    return np.maximum(x, -cut) * gate, exponent


_BEYOND = 1600.0  # where no factor makes an exponential a float64 again


def _gate(x: Array, decay: Pair, exponent: Exponent) -> tuple[Array, Exponent]:
    """Return z/(1 + z), and 1 less that where x > 0: a sigmoid, rounded once."""
    right = x > 0
    head, tail = divide(decay, one_plus(decay))
    return np.abs(right - head - tail), _left_alone(exponent, right)


def _left_alone(exponent: Exponent, right: Array) -> Exponent:
    """Return an exponent, and 0 where a value counts in units of 1."""
    return exponent if isinstance(exponent, int) else np.where(right, np.int32(0), exponent)


def sigmoid_scaled(x: Array) -> tuple[Array, Exponent]:
    """Return sigmoid of float64, rounded once, as a number times a power of two."""
    return _gate(x, *decay_scaled(np.minimum(np.abs(x), _BEYOND)))


def sigmoid_grad_scaled(x: Array) -> tuple[Array, Exponent]:
    """Return the derivative of sigmoid of float64 as a number times a power of two."""
    decay, exponent = decay_scaled(np.minimum(np.abs(x), _BEYOND))
    below = one_plus(decay)
    return rounded(divide(decay, split(*multiply(below, below)))), exponent


def _bracket(decay: Pair, slope: Pair) -> Pair:
    """Return 1 + z - s as a pair."""
    first, lost = two_sum(1.0, -slope[0])
    total, more = two_sum(first, decay[0])
    return total, more + (lost - slope[1] + decay[1])


def _gate_slope(decay: Pair, bracket: Pair) -> Array:
    """Return z times a bracket over (1 + z)^2."""
    below = one_plus(decay)
    return rounded(multiply(divide(decay, below), divide(bracket, below)))


def swish_grad(x: ArrayLike, out: Array | None = None, *, beta: float = 1.0) -> Any:
    r"""Return the derivative of `swish`.

    Notes
    -----
    It is :math:`s\,(1 + \beta x\,(1 - s))` with :math:`s = \sigma(\beta x)`.

    The values at :math:`x` and :math:`-x` sum to 1. With :math:`t = \beta|x|` and
    :math:`z = e^{-t}`, the left one is :math:`z\,(1 + z - t) / (1 + z)^2`. Its bracket is 0 at
    :math:`t_0 = 1.278`, and with :math:`d = t_0 - t` it equals
    :math:`d + (t_0 - 1)(e^d - 1)`, which does not cancel.

    Examples
    --------
    >>> swish_grad([-1.0, 1.0], beta=2)
    array([-0.09078425,  1.09078425])
    """
    beta = check_between("beta", beta, *_WIDE)

    return elementwise(
        lambda x: scaled(*swish_grad_scaled(x, beta)) + 0.0,
        x,
        out,
        narrow=lambda x: swish_grad_plain(x, beta),
    )


def swish_grad_plain(x: Array, beta: float = 1.0) -> Array:
    """Return the derivative of swish of float64 with the digits of a float32."""
    high = _constants.SILU_ZERO[0]
    t = np.minimum(beta * np.abs(x), 800)
    z, d = np.exp(-t), high - t
    return _mirror(x, (d + (high - 1) * np.expm1(d)) * z / (1 + z * (2 + z)))


def swish_grad_scaled(x: Array, beta: float = 1.0) -> tuple[Array, Exponent]:
    """Return the derivative of swish of float64 as a number times a power of two."""
    high, low = _constants.SILU_ZERO
    t, lost = times(np.minimum(np.abs(x), _BEYOND / beta), beta)
    z, exponent = decay_scaled(t, lost)
    lost = np.zeros_like(t) if lost is None else lost
    bracket = _bracket(z, (t, lost))
    close = (t > 1.15) & (t < 1.45)
    if close.any():  # where it is 0
        d = high - t[close]
        growth = growth_near_0(d)
        missing = low * high * (1 + growth) - lost[close] * (high + (high - 1) * growth)
        bracket[0][close], bracket[1][close] = two_sum(d, (high - 1) * growth + missing)
    left = _gate_slope(z, bracket)
    return _either(x, 1 - scaled(left, exponent), left, exponent)


def quick_gelu(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`x\,\sigma(1.702\,x)`.

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
    Hendrycks and Gimpel's other approximation of GELU :cite:p:`hendrycks2016gaussian`, off by up to
    0.02. It is `swish` with :math:`\beta = 1.702`.

    Examples
    --------
    >>> quick_gelu([-1.0, 1.0])
    array([-0.15420423,  0.84579577])
    """
    return swish(x, out, beta=_QUICK_BETA)


def quick_gelu_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `quick_gelu`: that of `swish`.

    Examples
    --------
    >>> quick_gelu_grad([-float("inf"), 0.0, float("inf")])
    array([0. , 0.5, 1. ])
    """
    return swish_grad(x, out, beta=_QUICK_BETA)


_QUICK_BETA = 1.702  # as printed


def mish(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`x \tanh(\log(1 + e^x))`.

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
    Misra, 2020 :cite:p:`misra2020mish`. The tanh of a logarithm is a fraction: with :math:`z`, the
    value is :math:`-t\,n/(2 + n)` with :math:`n = z\,(2 + z)` left of 0, and
    :math:`x - 2xz^2/(1 + 2z + 2z^2)` right of it.

    Examples
    --------
    >>> mish([-1000.0, 0.0, 1.0])
    array([0.        , 0.        , 0.86509839])
    """

    def kernel(x: Array) -> Array:
        (z, missing), unit = decay_pair(np.minimum(np.abs(x), 800.0))
        right = x > 0
        square = multiply(*[split(z, missing)] * 2)
        # x < 0: n / (n + 2) with n = 2z + z^2; x > 0: n / (n + 2z^2) with n = 1 + 2z
        n, lost = two_sum(2 * z, np.where(right, 1.0, square[0]))
        lost += 2 * missing + np.where(right, 0.0, square[1])
        below, more = two_sum(n, np.where(right, 2 * square[0], 2.0))
        more += lost + np.where(right, 2 * square[1], 0.0)
        gate = rounded(divide((n, lost), split(below, more)))
        return np.maximum(x, -800.0) * gate * np.where(right, 1.0, unit) + 0.0

    def plain(x: Array) -> Array:
        t = np.minimum(np.abs(x), 800.0)
        z, unit = decay(t)
        n = z * (2 + z)
        right = (x > 0).astype(np.float64)
        # what is lacking to ReLU: t n / (2 + n) left of 0, t 2z^2 / (1 + 2z + 2z^2) right of it
        above = n + right * (2 * z * z - n)
        below = 2 + n + right * (z * z - 1)
        return np.maximum(x, 0) - t * above / below * unit

    return elementwise(kernel, x, out, narrow=plain)


def mish_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `mish`.

    Notes
    -----
    Left of 0 it is :math:`z\,h / (2 + 2z + z^2)^2` with
    :math:`h = 4 + 6z + 4z^2 + z^3 - 4t(1 + z)`, which is 0 at :math:`t_0 = 1.192`. Subtracting
    what :math:`h` is there, term by term, leaves multiples of :math:`t_0 - t` and of
    :math:`z - z_0`, of the same sign. Right of 0 it is
    :math:`1 + z^2 (4t(1 + z) - 2 - 4z - 4z^2) / (1 + 2z + 2z^2)^2`.

    Examples
    --------
    >>> mish_grad([-1000.0, 0.0, 1000.0])
    array([0. , 0.6, 1. ])
    """
    high, low = _constants.MISH_ZERO
    there = _constants.MISH_THERE  # e^-t at the zero

    def near(t: Array, z: Array) -> tuple[Array, Array]:
        d = high - t
        factor = 6 - 4 * high + 4 * (z + there) + (z * z + z * there + there * there)
        first = 4 * d * (1 + z)
        return first, there * growth_near_0(d) * factor + low * (there * factor + 4 * (1 + z))

    def left(t: Array, decay: Pair) -> Array:
        z, missing = decay
        parts = split(z, missing)
        # h = 4 (1 - t) + z (6 - 4t + 4z + z^2)
        line, lost = two_sum(6.0, -4 * t)
        inner, more = two_sum(line, 4 * z)
        inner_lost = more + lost + 4 * missing + z * z
        product, rest = multiply(parts, split(inner, inner_lost))
        start, lost = two_sum(4.0, -4 * t)
        h, more = two_sum(start, product)
        h_lost = more + lost + rest
        close = (t > 1.06) & (t < 1.29)
        if close.any():
            h[close], h_lost[close] = two_sum(*near(t[close], z[close]))
        square = multiply(parts, parts)
        two, lost = two_sum(2.0, 2 * z)
        total, more = two_sum(two, square[0])
        below = split(total, more + lost + 2 * missing + square[1])
        return rounded(multiply(divide(decay, below), divide((h, h_lost), below)))

    def right(t: Array, z: Array) -> Array:
        square = z * z
        bracket = 4 * t * (1 + z) - 2 - 4 * z - 4 * square
        return 1 + square * bracket / np.square(1 + 2 * z + 2 * square)

    def kernel(x: Array) -> Array:
        t = np.minimum(np.abs(x), 800.0)
        decay, unit = decay_pair(t)
        return choose(x > 0, right(t, decay[0] * unit), left(t, decay) * unit)

    def plain(x: Array) -> Array:
        t = np.minimum(np.abs(x), 800.0)
        z, d = np.exp(-t), high - t
        factor = 6 - 4 * high + 4 * (z + there) + (z * z + z * there + there * there)
        h = there * np.expm1(d) * factor + 4 * d * (1 + z)
        return choose(x > 0, right(t, z), h * z / np.square(2 + z * (2 + z)))

    return elementwise(kernel, x, out, narrow=plain)


# ---------------------------------------------------------------------------------------------
# Waves, bells and exponentials
# ---------------------------------------------------------------------------------------------


def sine(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`\sin x`.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; in [-1, 1]. NaN at infinity, where there is no limit.

    Notes
    -----
    For networks that represent pictures and sounds: Sitzmann et al., 2020
    :cite:p:`sitzmann2020implicit`, with the input times 30 in the first layer.

    Examples
    --------
    >>> sine([0.0, float("inf")])
    array([ 0., nan])
    """
    return elementwise(np.sin, x, out)


def sine_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `sine`, :math:`\cos x`.

    Examples
    --------
    >>> sine_grad([0.0, float("inf")])
    array([ 1., nan])
    """
    return elementwise(np.cos, x, out)


def gaussian(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the bell curve :math:`e^{-x^2}`.

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
    The radial basis function of Broomhead and Lowe, 1988 :cite:p:`broomhead1988multivariable`.

    Examples
    --------
    >>> gaussian([0.0, 26.0])
    array([1.00000000e+000, 2.61174176e-294])
    """

    def kernel(x: Array) -> Array:
        (curve, rest), unit = bell_pair(np.minimum(np.abs(x), 28.0), 1)
        return (curve + rest) * unit

    return elementwise(kernel, x, out, narrow=lambda x: bell(np.minimum(np.abs(x), 40.0), 1))


def gaussian_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `gaussian`, :math:`-2x\,e^{-x^2}`.

    Examples
    --------
    >>> gaussian_grad([0.0, float("inf")])
    array([-0., -0.])
    """

    def kernel(x: Array) -> Array:
        x = np.clip(x, -28.0, 28.0)
        (curve, rest), unit = bell_pair(np.abs(x), 1)
        return -2 * x * (curve + rest) * unit

    def plain(x: Array) -> Array:
        x = np.clip(x, -40.0, 40.0)
        return bell(np.abs(x), 1, -2 * x)

    return elementwise(kernel, x, out, narrow=plain)


def exponential(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return :math:`e^x`.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; infinite where it overflows.

    Notes
    -----
    As an output, it makes rates of counts: the log link of Nelder and Wedderburn, 1972
    :cite:p:`nelder1972generalized`.

    Examples
    --------
    >>> exponential([-1000.0, 0.0, 1000.0])
    array([ 0.,  1., inf])
    """
    return elementwise(np.exp, x, out)


def exponential_grad(x: ArrayLike, out: Array | None = None) -> Any:
    r"""Return the derivative of `exponential`, which is `exponential`.

    Examples
    --------
    >>> exponential_grad([0.0, 1000.0])
    array([ 1., inf])
    """
    return exponential(x, out)
