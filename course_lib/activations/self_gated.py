r"""The input times a gate of itself: GELU and its approximations, SiLU and swish, Mish.

The printed formulas overflow, cancel or run out of digits somewhere; the forms here do not.
Throughout, :math:`t = |x|` and :math:`z = e^{-t}`, which never overflows.
Two ideas recur: compute what is *small* and take it from what is large, as in
:math:`x - t z/(1 + z)`; and where a derivative crosses 0, factor the crossing out, so that nothing
cancels there. What is small is a number times a power of two, so that it keeps its digits where a
factor makes it a float64 again (the ``..._scaled`` kernels, which the gated units use too). float16
and float32 need no such care (the ``..._plain`` kernels).
"""

import numpy as np
from numpy.typing import ArrayLike

from course_lib import _constants
from course_lib._typing import Array
from course_lib.activations.sigmoids import BEYOND, sigmoid_from_decay, zero_where
from course_lib.numerics import (
    Kernel,
    as_scale,
    bell,
    choose,
    decay,
    elementwise,
    growth_near_0,
    mills_excess,
    mills_excess_pair,
    mills_ratio,
    scaled_mills,
    times,
)
from course_lib.pairs import (
    Exponent,
    Pair,
    bell_scaled,
    decay_pair,
    decay_scaled,
    divide,
    multiply,
    one_plus,
    rounded,
    scaled,
    split,
    two_product,
    two_sum,
)

__all__ = [
    "gelu",
    "gelu_grad",
    "gelu_tanh",
    "gelu_tanh_grad",
    "mish",
    "mish_grad",
    "quick_gelu",
    "quick_gelu_grad",
    "silu",
    "silu_grad",
    "swish",
    "swish_grad",
]


def gelu(x: ArrayLike, out: Array | None = None) -> Array:
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
    usual :math:`1 + \mathrm{erf}` cancels for :math:`x < 0`. Here :math:`t\,\Phi(-t)` is computed
    as such, as bell curve times Mills' ratio; it is what GELU lacks to ReLU on both sides.

    Examples
    --------
    >>> gelu([-10.0, 0.0, 1.0])
    array([-7.61985302e-23,  0.00000000e+00,  8.41344746e-01])
    """
    return elementwise(lambda x: scaled(*gelu_scaled(x)) + 0.0, x, out, narrow=gelu_plain)


def gelu_grad(x: ArrayLike, out: Array | None = None) -> Array:
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


def gelu_plain(x: Array) -> Array:
    """Return GELU of float64 with the digits of a float32."""
    t = np.minimum(np.abs(x), 40.0)
    return np.maximum(x, 0) - bell(t, 1 / 2, t * mills_ratio(t))


def gelu_grad_plain(x: Array) -> Array:
    """Return the derivative of GELU of float64 with the digits of a float32."""
    t = np.minimum(np.abs(x), 40.0)
    return _mirror(x, bell(t, 1 / 2, mills_excess(t)))


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


def gelu_grad_scaled(x: Array) -> tuple[Array, Exponent]:
    """Return the derivative of GELU of float64 as a number times a power of two."""
    t = np.minimum(np.abs(x), 56.0)
    curve, exponent = bell_scaled(t, 1 / 2)
    left = rounded(multiply(split(*mills_excess_pair(t)), split(*curve)))
    return _either(x, 1 - scaled(left, exponent), left, exponent)


def gelu_tanh(x: ArrayLike, out: Array | None = None) -> Array:
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
        gate, exponent = sigmoid_from_decay(x, *decay_scaled(*times_one_plus(*gelu_tanh_parts(t))))
        return scaled(np.maximum(x, -22.0) * gate, exponent) + 0.0

    def plain(x: Array) -> Array:
        t = np.minimum(np.abs(x), 25.0)
        z = np.exp(-_constants.GELU_TANH_FACTOR[0] * t * (1 + _constants.GELU_TANH_CUBIC * t * t))
        return np.maximum(x, 0) - t * z / (1 + z)

    return elementwise(kernel, x, out, narrow=plain)


def gelu_tanh_grad(x: ArrayLike, out: Array | None = None) -> Array:
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
        linear, cubic = gelu_tanh_parts(t)
        z, unit = decay_pair(*times_one_plus(linear, cubic))
        change = times_one_plus(linear, (3 * cubic[0], 3 * cubic[1]))  # t w'(t)
        bracket = _bracket(z, change)
        close = (t > 0.65) & (t < 0.83)
        if close.any():
            first, second, third = near(t[close], growth_near_0)
            bracket[0][close], bracket[1][close] = two_sum(second, first + third)
        return _mirror(x, _times_gate_squared(z, bracket) * unit)

    def plain(x: Array) -> Array:
        t = np.minimum(np.abs(x), 25.0)
        z = np.exp(-c * t * (1 + _constants.GELU_TANH_CUBIC * t * t))
        return _mirror(x, sum(near(t, np.expm1)) * z / (1 + z * (2 + z)))

    return elementwise(kernel, x, out, narrow=plain)


def gelu_tanh_parts(t: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return c t and a t^2, each with what its rounding lost."""
    c, c_lost = _constants.GELU_TANH_FACTOR
    linear, linear_lost = two_product(t, c)
    square, square_lost = two_product(t, t)
    cubic, cubic_lost = two_product(square, _constants.GELU_TANH_CUBIC)
    return (linear, linear_lost + c_lost * t), (
        cubic,
        cubic_lost + _constants.GELU_TANH_CUBIC * square_lost,
    )


def times_one_plus(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return a (1 + b), each with what its rounding lost."""
    factor, factor_lost = two_sum(b[0], 1.0)
    product, lost = two_product(a[0], factor)
    return product, lost + a[0] * (factor_lost + b[1]) + a[1] * factor


def silu(x: ArrayLike, out: Array | None = None) -> Array:
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


def silu_grad(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return the derivative of `silu`, :math:`\sigma(x)\,(1 + x\,(1 - \sigma(x)))`.

    Examples
    --------
    >>> silu_grad([-float("inf"), 0.0, float("inf")])
    array([0. , 0.5, 1. ])
    """
    return swish_grad(x, out)


def swish(x: ArrayLike, out: Array | None = None, *, beta: float = 1.0) -> Array:
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
        If `beta` is not a number from 1e-10 to 1e10.

    Notes
    -----
    Ramachandran et al., 2017 :cite:p:`ramachandran2017searching`. See `silu` for the form.

    Examples
    --------
    >>> swish([-1.0, 1.0], beta=2)
    array([-0.11920292,  0.88079708])
    """
    beta = as_scale("beta", beta)

    return elementwise(
        lambda x: scaled(*swish_scaled(x, beta)) + 0.0,
        x,
        out,
        narrow=lambda x: swish_plain(x, beta),
    )


def swish_grad(x: ArrayLike, out: Array | None = None, *, beta: float = 1.0) -> Array:
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
    beta = as_scale("beta", beta)

    return elementwise(
        lambda x: scaled(*swish_grad_scaled(x, beta)) + 0.0,
        x,
        out,
        narrow=lambda x: swish_grad_plain(x, beta),
    )


def swish_plain(x: Array, beta: float = 1.0) -> Array:
    """Return swish of float64 with the digits of a float32."""
    t = np.minimum(np.abs(x), 800 / beta)  # beyond, the gate is below the smallest float64
    z, unit = decay(*times(t, beta))
    return np.maximum(x, 0) - t * z / (1 + z) * unit


def swish_grad_plain(x: Array, beta: float = 1.0) -> Array:
    """Return the derivative of swish of float64 with the digits of a float32."""
    high = _constants.SILU_ZERO[0]
    t = np.minimum(beta * np.abs(x), 800)
    z, d = np.exp(-t), high - t
    return _mirror(x, (d + (high - 1) * np.expm1(d)) * z / (1 + z * (2 + z)))


def swish_scaled(x: Array, beta: float = 1.0) -> tuple[Array, Exponent]:
    """Return swish of float64 as a number times a power of two."""
    cut = BEYOND / beta
    gate, exponent = sigmoid_from_decay(x, *decay_scaled(*times(np.minimum(np.abs(x), cut), beta)))
    return np.maximum(x, -cut) * gate, exponent


def swish_grad_scaled(x: Array, beta: float = 1.0) -> tuple[Array, Exponent]:
    """Return the derivative of swish of float64 as a number times a power of two."""
    high, low = _constants.SILU_ZERO
    t, lost = times(np.minimum(np.abs(x), BEYOND / beta), beta)
    z, exponent = decay_scaled(t, lost)
    lost = np.zeros_like(t) if lost is None else lost
    bracket = _bracket(z, (t, lost))
    close = (t > 1.15) & (t < 1.45)
    if close.any():  # where it is 0
        d = high - t[close]
        growth = growth_near_0(d)
        missing = low * high * (1 + growth) - lost[close] * (high + (high - 1) * growth)
        bracket[0][close], bracket[1][close] = two_sum(d, (high - 1) * growth + missing)
    left = _times_gate_squared(z, bracket)
    return _either(x, 1 - scaled(left, exponent), left, exponent)


def quick_gelu(x: ArrayLike, out: Array | None = None) -> Array:
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
    return swish(x, out, beta=QUICK_BETA)


def quick_gelu_grad(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return the derivative of `quick_gelu`: that of `swish`.

    Examples
    --------
    >>> quick_gelu_grad([-float("inf"), 0.0, float("inf")])
    array([0. , 0.5, 1. ])
    """
    return swish_grad(x, out, beta=QUICK_BETA)


QUICK_BETA = 1.702  # as printed


def mish(x: ArrayLike, out: Array | None = None) -> Array:
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
    value is :math:`-t\,n/(2 + n)` with :math:`n = z\,(2 + z)` for :math:`x < 0`,
    and :math:`x - 2xz^2/(1 + 2z + 2z^2)` for :math:`x > 0`.

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
        # what is lacking to ReLU: t n / (2 + n) for x < 0, t 2z^2 / (1 + 2z + 2z^2) for x > 0
        above = n + right * (2 * z * z - n)
        below = 2 + n + right * (z * z - 1)
        return np.maximum(x, 0) - t * above / below * unit

    return elementwise(kernel, x, out, narrow=plain)


def mish_grad(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return the derivative of `mish`.

    Notes
    -----
    For :math:`x < 0` it is :math:`z\,h / (2 + 2z + z^2)^2` with
    :math:`h = 4 + 6z + 4z^2 + z^3 - 4t(1 + z)`, which is 0 at :math:`t_0 = 1.192`. Subtracting
    what :math:`h` is there, term by term, leaves multiples of :math:`t_0 - t` and of
    :math:`z - z_0`, of the same sign. For :math:`x > 0` it is
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

    def below_0(t: Array, decay: Pair) -> Array:
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

    def above_0(t: Array, z: Array) -> Array:
        square = z * z
        bracket = 4 * t * (1 + z) - 2 - 4 * z - 4 * square
        return 1 + square * bracket / np.square(1 + 2 * z + 2 * square)

    def kernel(x: Array) -> Array:
        t = np.minimum(np.abs(x), 800.0)
        decay, unit = decay_pair(t)
        return choose(x > 0, above_0(t, decay[0] * unit), below_0(t, decay) * unit)

    def plain(x: Array) -> Array:
        t = np.minimum(np.abs(x), 800.0)
        z, d = np.exp(-t), high - t
        factor = 6 - 4 * high + 4 * (z + there) + (z * z + z * there + there * there)
        h = there * np.expm1(d) * factor + 4 * d * (1 + z)
        return choose(x > 0, above_0(t, z), h * z / np.square(2 + z * (2 + z)))

    return elementwise(kernel, x, out, narrow=plain)


# ---------------------------------------------------------------------------------------------
# What these have in common
# ---------------------------------------------------------------------------------------------


def _either(x: Array, above_0: Array, below_0: Array, exponent: Exponent) -> tuple[Array, Exponent]:
    """Return one number where x > 0 and elsewhere the other, which is scaled."""
    positive = x > 0
    return np.where(positive, above_0, below_0), zero_where(positive, exponent)


def _mirror(x: Array, left: Array) -> Array:
    """Return `left` where x <= 0, and 1 - left elsewhere."""
    right = (x > 0).astype(np.float64)
    return right + (1 - 2 * right) * left


def _bracket(decay: Pair, s: Pair) -> Pair:
    """Return 1 + z - s as a pair."""
    first, lost = two_sum(1.0, -s[0])
    total, more = two_sum(first, decay[0])
    return total, more + (lost - s[1] + decay[1])


def _times_gate_squared(decay: Pair, bracket: Pair) -> Array:
    """Return z times a bracket over (1 + z)^2."""
    below = one_plus(decay)
    return rounded(multiply(divide(decay, below), divide(bracket, below)))
