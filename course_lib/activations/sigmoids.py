r"""Sigmoids: functions that rise from one saturated end to the other, and what is made of them.

The printed formulas overflow, cancel or run out of digits somewhere; the forms here do not.
Throughout, :math:`t = |x|` and :math:`z = e^{-t}`, which never overflows.
float16 and float32 are computed in float64 and rounded once. Where the float64 form needs pieces
of twice the length, a plain kernel stands beside it, which is enough for the narrower types.
"""

import numpy as np
from numpy.typing import ArrayLike

from course_lib import _constants
from course_lib._typing import Array
from course_lib.numerics import decay, elementwise, polynomial
from course_lib.pairs import (
    Exponent,
    Pair,
    decay_pair,
    decay_scaled,
    divide,
    leading_half,
    multiply,
    one_plus,
    rounded,
    split,
    two_sum,
)

__all__ = [
    "lecun_tanh",
    "lecun_tanh_grad",
    "log_sigmoid",
    "log_sigmoid_grad",
    "sigmoid",
    "sigmoid_grad",
    "softsign",
    "softsign_grad",
    "tanh",
    "tanh_grad",
    "tanh_shrink",
    "tanh_shrink_grad",
]


def sigmoid(x: ArrayLike, out: Array | None = None) -> Array:
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
    :math:`q` for :math:`x < 0` and :math:`1-q` for :math:`x > 0`. Named by Verhulst, 1845
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


def sigmoid_grad(x: ArrayLike, out: Array | None = None) -> Array:
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


def log_sigmoid(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return :math:`\log \sigma(x)`, the log-probability of class 1.

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


def log_sigmoid_grad(x: ArrayLike, out: Array | None = None) -> Array:
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


def tanh(x: ArrayLike, out: Array | None = None) -> Array:
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


def tanh_grad(x: ArrayLike, out: Array | None = None) -> Array:
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


def lecun_tanh(x: ArrayLike, out: Array | None = None) -> Array:
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
        return LECUN_HEIGHT * np.copysign(_tanh(np.abs(2 * x / 3)), x)

    def plain(x: Array) -> Array:
        return LECUN_HEIGHT * np.tanh(2 * x / 3)

    return elementwise(kernel, x, out, narrow=plain)


def lecun_tanh_grad(x: ArrayLike, out: Array | None = None) -> Array:
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
        return (4 * (2 * LECUN_HEIGHT / 3)) * rounded(divide(w, square)) * unit

    def plain(x: Array) -> Array:
        t = np.minimum(np.abs(x), 600)
        q = 4 * t / 3
        w, unit = decay(q, (2 * (2 * t - q) - q) / 3)
        return (4 * (2 * LECUN_HEIGHT / 3)) * w / (1 + w * (2 + w)) * unit

    return elementwise(kernel, x, out, narrow=plain)


LECUN_HEIGHT = 1.7159  # as printed


def softsign(x: ArrayLike, out: Array | None = None) -> Array:
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


def softsign_grad(x: ArrayLike, out: Array | None = None) -> Array:
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


def tanh_shrink(x: ArrayLike, out: Array | None = None) -> Array:
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
        return np.where(near, tanh_lack(np.clip(x, -1.5, 1.5)), x - np.tanh(x))

    def plain(x: Array) -> Array:
        square = np.square(np.clip(x, -1.5, 1.5))
        denominator = np.full_like(x, 15)
        for odd in range(13, 1, -2):
            denominator = odd + square / denominator
        c = square / denominator
        return np.where(np.abs(x) < 1.5, x * c / (1 + c), x - np.tanh(x))

    return elementwise(kernel, x, out, narrow=plain)


def tanh_shrink_grad(x: ArrayLike, out: Array | None = None) -> Array:
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
    return np.where(t < _NEAR, inside - tanh_lack(inside), 1 - 2 * w / (1 + w))


def tanh_lack(x: Array) -> Array:
    """Return x - tanh x for |x| up to 1.5."""
    head = leading_half(x)
    square, lost = two_sum(head * head, (x - head) * (x + head))
    fraction = polynomial(_constants.LAMBERT_ABOVE, square)
    fraction /= polynomial(_constants.LAMBERT_BELOW, square)
    total, more = two_sum(3.0, square * fraction)
    return rounded(multiply(split(x), divide((square, lost), split(total, more))))


# ---------------------------------------------------------------------------------------------
# As a number times a power of two, for what is multiplied by it
# ---------------------------------------------------------------------------------------------


BEYOND = 1600.0  # where no factor makes an exponential a float64 again


def sigmoid_scaled(x: Array) -> tuple[Array, Exponent]:
    """Return sigmoid of float64, rounded once, as a number times a power of two."""
    return sigmoid_from_decay(x, *decay_scaled(np.minimum(np.abs(x), BEYOND)))


def sigmoid_grad_scaled(x: Array) -> tuple[Array, Exponent]:
    """Return the derivative of sigmoid of float64 as a number times a power of two."""
    decay, exponent = decay_scaled(np.minimum(np.abs(x), BEYOND))
    below = one_plus(decay)
    return rounded(divide(decay, split(*multiply(below, below)))), exponent


def sigmoid_from_decay(x: Array, decay: Pair, exponent: Exponent) -> tuple[Array, Exponent]:
    """Return z/(1 + z), and 1 less that where x > 0: a sigmoid, rounded once."""
    right = x > 0
    head, tail = divide(decay, one_plus(decay))
    return np.abs(right - head - tail), zero_where(right, exponent)


def zero_where(condition: Array, exponent: Exponent) -> Exponent:
    """Return an exponent, and 0 where a condition holds."""
    return exponent if isinstance(exponent, int) else np.where(condition, np.int32(0), exponent)
