r"""Soft versions of ReLU: softplus and squareplus, and the exponential units ELU, CELU and SELU.

The printed formulas overflow, cancel or run out of digits somewhere; the forms here do not.
Throughout, :math:`t = |x|` and :math:`z = e^{-t}`, which never overflows.
"""

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from course_lib import _constants
from course_lib._checks import as_number
from course_lib._typing import Array
from course_lib.numerics import as_scale, choose, decay, elementwise, times
from course_lib.pairs import decay_pair, divide, leading_half, one_plus, rounded, two_sum

__all__ = [
    "celu",
    "celu_grad",
    "elu",
    "elu_grad",
    "selu",
    "selu_grad",
    "softplus",
    "softplus_grad",
    "squareplus",
    "squareplus_grad",
]


def softplus(x: ArrayLike, out: Array | None = None, *, beta: float = 1.0) -> Array:
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
        If `beta` is not a number from 1e-10 to 1e10.

    Notes
    -----
    Dugas et al., 2001 :cite:p:`dugas2001incorporating`. Written as
    :math:`\max(x, 0) + \log(1 + e^{-\beta|x|})/\beta`.

    Examples
    --------
    >>> softplus([-100.0, 0.0, 1000.0])
    array([3.72007598e-44, 6.93147181e-01, 1.00000000e+03])
    """
    beta = as_scale("beta", beta)

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


def softplus_grad(x: ArrayLike, out: Array | None = None, *, beta: float = 1.0) -> Array:
    r"""Return the derivative of `softplus`, :math:`\sigma(\beta x)`.

    Examples
    --------
    >>> softplus_grad([-100.0, 0.0, 1000.0])
    array([3.72007598e-44, 5.00000000e-01, 1.00000000e+00])
    """
    beta = as_scale("beta", beta)

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


def squareplus(x: ArrayLike, out: Array | None = None, *, b: float = 4.0) -> Array:
    r"""Return :math:`(x + \sqrt{x^2 + b}) / 2`.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    b : float
        Above 0: how wide the curve at 0 is. The default is that of the paper, JAX and Keras.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; positive.

    Raises
    ------
    ValueError
        If `b` is not a number from 1e-10 to 1e10.

    Notes
    -----
    Barron, 2021 :cite:p:`barron2021squareplus`: a softplus without an exponential. For
    :math:`x < 0` the sum cancels; its conjugate, :math:`\frac b2 / (\sqrt{x^2 + b} - x)`, does not.

    Examples
    --------
    >>> squareplus([-1e9, 0.0, 1e9])
    array([1.e-09, 1.e+00, 1.e+09])
    """
    b = as_scale("b", b)

    def kernel(x: Array) -> Array:
        half_sum, _ = _half_sum_and_root(np.abs(x), b)
        return np.where(x > 0, half_sum, b / 4 / half_sum)

    def plain(x: Array) -> Array:
        t = np.abs(x)
        half_sum = t / 2 + np.hypot(t, sqrt(b)) / 2
        return np.where(x > 0, half_sum, b / 4 / half_sum)

    return elementwise(kernel, x, out, narrow=plain)


def squareplus_grad(x: ArrayLike, out: Array | None = None, *, b: float = 4.0) -> Array:
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
    b = as_scale("b", b)

    def kernel(x: Array) -> Array:
        half_sum, root = _half_sum_and_root(np.abs(x), b)
        return np.abs((x > 0) - b / 4 / half_sum / root)

    def plain(x: Array) -> Array:
        t = np.abs(x)
        h = np.hypot(t, sqrt(b))
        return np.abs((x > 0) - b / 4 / (h / 2 + t / 2) / h)

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


def elu(x: ArrayLike, out: Array | None = None, *, alpha: float = 1.0) -> Array:
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
        If `alpha` is not a finite number.

    Notes
    -----
    Clevert et al., 2016 :cite:p:`clevert2016fast`.

    Examples
    --------
    >>> elu([-1000.0, -1e-20, 2.0])
    array([-1.e+00, -1.e-20,  2.e+00])
    """
    alpha = as_number("alpha", alpha)
    return elementwise(lambda x: np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0)), x, out)


def elu_grad(x: ArrayLike, out: Array | None = None, *, alpha: float = 1.0) -> Array:
    r"""Return the derivative of `elu`: 1 for :math:`x > 0`, :math:`\alpha e^x` otherwise.

    Notes
    -----
    For :math:`\alpha \ne 1` there is a kink at 0, where it is the left derivative, as in PyTorch.

    Examples
    --------
    >>> elu_grad([-1.0, 0.0, 2.0])
    array([0.36787944, 1.        , 1.        ])
    """
    alpha = as_number("alpha", alpha)
    return elementwise(lambda x: _decay_below_0(x, alpha), x, out)


def _decay_below_0(x: Array, height: float) -> Array:
    """Return 1 where x > 0, and elsewhere the height times e^x."""
    if height == 1:
        return np.exp(np.minimum(x, 0))
    z, unit = decay(-np.clip(x, -800, 0))
    return choose(x > 0, 1, height * z * unit)


def celu(x: ArrayLike, out: Array | None = None, *, alpha: float = 1.0) -> Array:
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
        If `alpha` is not a number from 1e-10 to 1e10.

    Notes
    -----
    Barron, 2017 :cite:p:`barron2017continuously`: an ELU without a kink at any :math:`\alpha`.

    Examples
    --------
    >>> celu([-1000.0, -1e-20, 2.0], alpha=2)
    array([-2.e+00, -1.e-20,  2.e+00])
    """
    alpha = as_scale("alpha", alpha)

    def kernel(x: Array) -> Array:
        left = np.minimum(x, 0)
        quotient = left / alpha
        curved = alpha * np.expm1(quotient)
        # so near to 0 that it is straight: there the quotient may be short of digits
        return np.maximum(x, 0) + np.where(quotient > -1e-17, left, curved)

    return elementwise(kernel, x, out)


def celu_grad(x: ArrayLike, out: Array | None = None, *, alpha: float = 1.0) -> Array:
    r"""Return the derivative of `celu`: 1 for :math:`x > 0`, :math:`e^{x/\alpha}` otherwise.

    Notes
    -----
    The rounding error of the quotient is put right, as everywhere before an exponential.

    Examples
    --------
    >>> celu_grad([-2.0, 0.0, 2.0], alpha=2)
    array([0.36787944, 1.        , 1.        ])
    """
    alpha = as_scale("alpha", alpha)

    def kernel(x: Array) -> Array:
        left = np.clip(x, -800 * alpha, 0)
        quotient = left / alpha
        product, lost = times(quotient, alpha)
        missing = 0.0 if lost is None else (left - product - lost) / alpha
        return np.exp(quotient) * (1 + missing)

    return elementwise(kernel, x, out)


def selu(x: ArrayLike, out: Array | None = None) -> Array:
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


def selu_grad(x: ArrayLike, out: Array | None = None) -> Array:
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
