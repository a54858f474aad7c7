r"""Numbers of twice the length: sums of two float64 that are never added up.

A *pair* is a float64 and the float64 that is missing to it, together some 60 to 100 bits. Formulas
in pairs lose nothing on the way and are rounded once, at the end. Everything here is made of sums,
products, quotients and operations on the bits of integers, which IEEE 754 defines to the last bit,
so that results are the same on every processor and with every mathematical library; NumPy's own
``exp`` and ``tanh`` are not.

Names follow the literature: `two_sum` and `two_product` return a rounded result and what the
rounding lost :cite:p:`dekker1971floating`; `exp_pair` is a table of powers of two and a short
polynomial, in the manner of Tang :cite:p:`tang1989table`.
"""

from math import log

import numpy as np
from numpy.typing import NDArray

from course_lib import _constants
from course_lib._typing import Array

__all__ = [
    "Exponent",
    "Pair",
    "bell_pair",
    "bell_scaled",
    "decay_pair",
    "decay_scaled",
    "divide",
    "exp_pair",
    "leading_half",
    "multiply",
    "one_plus",
    "rounded",
    "scaled",
    "split",
    "two_product",
    "two_sum",
]

Pair = tuple[Array, Array]
"""A rounded number and what is missing to it."""
Exponent = int | NDArray[np.int32]
"""Of a power of two: 0 for all numbers, or one for each."""


def two_sum(a: Array | float, b: Array | float) -> Pair:
    r"""Return :math:`a + b` as rounded, and what the rounding lost.

    Parameters
    ----------
    a, b : ndarray of float64
        Shapes that broadcast.

    Returns
    -------
    total, lost : ndarray of float64
        Their exact sum is :math:`a + b`. What is lost is NaN where the total is not finite.

    Notes
    -----
    Knuth's; it needs no comparison of the two sizes :cite:p:`knuth1997art`.

    Examples
    --------
    >>> two_sum(np.array([1.0]), -1e-20)
    (array([1.]), array([-1.e-20]))
    """
    total = np.asarray(a + b)
    b_part = total - a
    lost = (a - (total - b_part)) + (b - b_part)
    return total, np.asarray(lost)


def two_product(a: Array | float, b: Array | float) -> Pair:
    r"""Return :math:`a b` as rounded, and what the rounding lost.

    Parameters
    ----------
    a, b : ndarray of float64 or float
        Shapes that broadcast; no larger than :math:`10^{150}`.

    Returns
    -------
    product, lost : ndarray of float64
        Their sum is :math:`a b` to twice the digits of a float64.

    Notes
    -----
    Dekker, 1971 :cite:p:`dekker1971floating`: products of half as many digits are exact.

    Examples
    --------
    >>> product, lost = two_product(np.array([0.1]), 10)
    >>> product, lost
    (array([1.]), array([5.55111512e-17]))
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    product = a * b
    a_high, b_high = leading_half(a), leading_half(b)
    a_low, b_low = a - a_high, b - b_high
    lost = a_high * b_high - product
    lost += a_high * b_low
    lost += a_low * b_high
    lost += a_low * b_low
    return product, lost


_TRAILING = ~np.int64(0x7FFFFFF)


def leading_half(x: Array) -> Array:
    """Return `x` cut to its leading 26 bits, so that products of two such numbers are exact.

    Examples
    --------
    >>> leading_half(np.array([1 / 3])) * 3
    array([0.99999999])
    """
    return (x.view(np.int64) & _TRAILING).view(np.float64)


def split(x: Array, missing: Array | float = 0.0) -> Pair:
    """Return a pair whose first part has 26 bits: what `multiply` and `divide` work with.

    Examples
    --------
    >>> head, tail = split(np.array([1 / 3]))
    >>> head + tail == 1 / 3
    array([ True])
    """
    head = leading_half(x)
    return head, x - head + missing


def rounded(pair: Pair) -> Array:
    """Return a pair as one number: the only rounding that a result bears.

    Examples
    --------
    >>> rounded((np.array([1.0]), np.array([1e-20])))
    array([1.])
    """
    return pair[0] + pair[1]


def multiply(a: Pair, b: Pair) -> Pair:
    """Return the product of two pairs, both as `split` makes them; the first part is exact.

    Their sum is the product to about 75 bits; adding them up is the only rounding that matters.

    Examples
    --------
    >>> a, b = multiply(split(np.array([1 / 3])), split(np.array([3.0])))
    >>> a + b
    array([1.])
    """
    (a_head, a_tail), (b_head, b_tail) = a, b
    rest = a_head * b_tail
    rest += a_tail * (b_head + b_tail)
    return a_head * b_head, rest


def divide(a: Pair, b: Pair) -> Pair:
    """Return the quotient of two pairs, the second as `split` makes it; so is the result.

    Long division with two digits: the first quotient is cut to 26 bits, so that what it leaves is
    found without an error, and divided again.

    Parameters
    ----------
    a, b : pair of ndarray of float64
        Quotients and their products with `b` must be normal numbers.

    Returns
    -------
    pair of ndarray of float64
        About 75 bits, if `a` and `b` have as many.

    Examples
    --------
    >>> head, tail = divide((np.array([1.0]), np.zeros(1)), split(np.array([3.0])))
    >>> head + tail == 1 / 3
    array([ True])
    """
    (top, top_missing), (head, tail) = a, b
    whole = head + tail
    digit = leading_half(top / whole)
    left = top - digit * head  # both steps are exact or nearly so: the digit is good to 26 bits
    left -= digit * tail
    left += top_missing
    left /= whole
    return digit, left


def one_plus(a: Pair) -> Pair:
    """Return 1 + a for pairs from 0 to 1, as `split` makes them.

    Examples
    --------
    >>> head, tail = one_plus((np.array([1e-20]), np.zeros(1)))
    >>> head, tail
    (array([1.]), array([1.e-20]))
    """
    total = 1 + a[0]
    missing = 1 - total
    missing += a[0]
    missing += a[1]
    return split(total, missing)


# ---------------------------------------------------------------------------------------------
# The exponential
# ---------------------------------------------------------------------------------------------

_HEADS, _TAILS = np.array(_constants.EXP_HEADS), np.array(_constants.EXP_TAILS)  # of 2^(j/128)
_ROUND = 1.5 * 2.0**52  # adding it rounds to an integer, which then stands in the low bits


def exp_pair(x: Array, missing: Array | None = None) -> Pair:
    r"""Return :math:`e^x` to about 59 bits, the same on every machine.

    Parameters
    ----------
    x : ndarray of float64
        From -650 to 700; a NaN gives NaN.
    missing : ndarray of float64, optional
        What is missing to `x`; at most 1e-4.

    Returns
    -------
    value, rest : ndarray of float64
        The value is within 1 ULP of :math:`e^x`, and their sum within :math:`2^{-59} e^x`.

    Notes
    -----
    With :math:`n` the integer next to :math:`128\,x/\log 2`, :math:`e^x = 2^{n/128} e^r`. The power
    comes from a table of 128 pairs, and :math:`|r| < 0.0028` leaves a polynomial of five terms,
    which is small, so that its roundings are small too. See Tang, 1989 :cite:p:`tang1989table`.

    Examples
    --------
    >>> value, rest = exp_pair(np.array([0.0, 1.0]))
    >>> value, bool(abs(rest[1]) < 4.5e-16)
    (array([1.        , 2.71828183]), True)
    """
    return _exponential(x, missing, 0)


_NEAR = 640  # up to here e^-t and what is missing to it are normal numbers
_FAR = 256  # the exponent of the unit in which what is far out is counted


def decay_pair(t: Array, missing: Array | None = None) -> tuple[Pair, float | Array]:
    r"""Return :math:`e^{-t}` as a pair, and its unit: 1, or :math:`2^{-256}` far out.

    Past 708 an exponential is a subnormal number, short of digits, where a multiple of it may not
    be: multiply first, and by the unit last.

    Parameters
    ----------
    t : ndarray of float64
        From 0 to 800.
    missing : ndarray of float64, optional
        What is missing to `t`; at most 1e-4.

    Returns
    -------
    pair : pair of ndarray of float64
        In the shape of `t`; as `exp_pair` returns it.
    unit : float or ndarray of float64
        1 where `t` is not far: up to 640.

    Examples
    --------
    >>> (z, rest), unit = decay_pair(np.array([1.0, 720.0]))
    >>> 720 * z * unit
    array([2.64873198e+002, 1.46320618e-310])
    """
    if _all_near(t):
        return _decay(t, missing, 0), 1.0
    far = t > _NEAR
    return _decay(t, missing, far * np.int32(-_FAR)), np.where(far, 2.0**-_FAR, 1.0)


def decay_scaled(t: Array, missing: Array | None = None) -> tuple[Pair, Exponent]:
    r"""Return :math:`e^{-t}` as a pair times a power of two, for products of very unequal factors.

    Parameters
    ----------
    t : ndarray of float64
        From 0 to 1600.
    missing : ndarray of float64, optional
        What is missing to `t`; at most 1e-4.

    Returns
    -------
    pair : pair of ndarray of float64
        In the shape of `t`; near :math:`2^{-300}` where `t` is above 640.
    exponent : int or ndarray of int
        Of the power of two, for `scaled`; 0 where `t` is up to 640.

    Examples
    --------
    >>> (z, rest), exponent = decay_scaled(np.array([1.0, 1400.0]))
    >>> scaled(1e300 * z, exponent)
    array([3.67879441e+299, 9.72132215e-309])
    """
    if _all_near(t):
        return _decay(t, missing, 0), 0
    far = t > _NEAR
    exponent = (np.where(far, t, 0) * (-1 / log(2))).astype(np.int32)
    exponent += far * np.int32(300)
    return _decay(t, missing, exponent), exponent


def _all_near(t: Array) -> bool:
    return not t.size or bool(t.max() <= _NEAR)


def _decay(t: Array, missing: Array | None, exponent: Exponent) -> Pair:
    """Return e^-t in units of 2^exponent."""
    shift = -exponent if isinstance(exponent, int) else -exponent.astype(np.int64)
    return _exponential(-t, None if missing is None else -missing, shift)


def scaled(values: Array, exponent: Exponent) -> Array:
    """Return values times a power of two.

    Examples
    --------
    >>> scaled(np.array([1.0, 3.0]), np.array([0, 2], dtype=np.int32))
    array([ 1., 12.])
    """
    return values if isinstance(exponent, int) else np.ldexp(values, exponent)


def bell_pair(t: Array, rate: float) -> tuple[Pair, float | Array]:
    r"""Return the bell curve, :math:`e^{-r t^2}` for :math:`t \ge 0`, and its unit.

    The square is split, so that its rounding error is not amplified by the exponential.

    Parameters
    ----------
    t : ndarray of float64
        From 0 to 28 for a rate of 1, to 40 for 1/2; beyond, the curve is below all float64.
    rate : float
        :math:`r`: 1, or 1/2 for the normal density.

    Returns
    -------
    pair, unit
        As for `decay_pair`.

    Examples
    --------
    >>> (curve, _), unit = bell_pair(np.array([0.0, 2.0]), 1)
    >>> curve * unit
    array([1.        , 0.01831564])
    """
    return decay_pair(*_split_square(t, rate))


def bell_scaled(t: Array, rate: float) -> tuple[Pair, Exponent]:
    r"""Return :math:`e^{-r t^2}` as `decay_scaled` does, for t from 0 to 56 and a rate of 1/2.

    Examples
    --------
    >>> (curve, _), exponent = bell_scaled(np.array([2.0, 50.0]), 1 / 2)
    >>> scaled(1e300 * curve, exponent)
    array([1.35335283e+299, 1.35486998e-243])
    """
    return decay_scaled(*_split_square(t, rate))


def _split_square(t: Array, rate: float) -> Pair:
    """Return r t^2, exact to 75 bits for a rate that is a power of two."""
    head = leading_half(t)
    return rate * head * head, rate * (t - head) * (t + head)


def _exponential(x: Array, missing: Array | None, shift: Array | int) -> Pair:
    """Return e^x times 2^shift as a pair."""
    step, step_missing = _constants.EXP_STEP
    n = x * _constants.EXP_INVERSE
    n += _ROUND
    bits = n.view(np.int64)
    place = (bits & (len(_HEADS) - 1)).astype(np.intp, copy=False)  # 32 bits on some systems
    scale = bits >> 7
    scale += shift + 1023
    scale <<= 52  # what the rounding constant left in the high bits falls out on the left
    n -= _ROUND
    r = x - n * step  # the product is exact, and so is the difference
    n *= step_missing
    if missing is not None:
        n -= missing
    r -= n
    small = r * (1 / 120)  # e^r - 1
    for term in (1 / 24, 1 / 6, 1 / 2):
        small += term
        small *= r
    small *= r
    small += r
    power = _HEADS.take(place, mode="clip")
    rest = _TAILS.take(place, mode="clip")
    small *= power
    value = power + small
    power -= value
    power += small
    rest += power
    unit = scale.view(np.float64)
    value *= unit
    rest *= unit
    return value, rest
