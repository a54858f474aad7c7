"""The hard pieces, kept apart so that the catalogue of activations reads like a chapter.

What is here: the check that every activation makes of its input, the driver that runs a formula
over an array in blocks and in double precision, the difference with its rounding error, and the
pieces of GELU and SiLU: the normal density, Mills' ratio and the zeros of the derivatives, to
twice the digits of a float64.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from functools import cache
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BLOCK",
    "as_float",
    "elementwise",
    "mills_excess",
    "mills_ratio",
    "normal_density",
    "scaled_decay",
    "silu_zero",
    "two_difference",
]

Array = NDArray[Any]
Kernel = Callable[[Array], Array]

BLOCK = 32_768
"""Elements worked on at a time: the temporaries of a formula then stay in the cache."""


def as_float(x: ArrayLike, name: str = "x") -> Array:
    """Return `x` as an array of float16, float32 or float64.

    Parameters
    ----------
    x : array_like
        Numbers. These three float types are kept; integers and lists of numbers become float64.
    name : str
        What the caller's documentation calls this argument; used in the error.

    Returns
    -------
    ndarray
        The same shape. No copy is made where none is needed.

    Raises
    ------
    TypeError
        If `x` holds booleans, complex numbers, text or other objects.

    Examples
    --------
    >>> as_float([1, 2]).dtype, as_float(np.float32(1)).dtype
    (dtype('float64'), dtype('float32'))
    """
    try:
        array = np.asarray(x)
    except ValueError as error:  # a ragged list
        raise TypeError(f"{name} must be an array of numbers: {error}") from error
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        return array
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    raise TypeError(
        f"{name} has dtype {array.dtype}; accepted are float16, float32, float64 and integers, "
        f"so convert it first, as in np.asarray({name}, dtype=np.float64)"
    )


def elementwise(
    kernel: Kernel, x: ArrayLike, out: Array | None = None, *, exact: bool = False
) -> Any:
    """Run a formula over every element of `x`, in float64 and rounded once.

    Computing float16 and float32 in double precision costs a conversion each way and makes the
    result correct to the last bit but for near-ties: the error of the formula, a few units in the
    last place of a float64, is far below half a unit of a float32.

    Parameters
    ----------
    kernel : callable
        Takes a float64 array of one dimension and returns one of the same shape.
    x : array_like
        Any shape; see `as_float` for the dtypes.
    out : ndarray, optional
        Where to put the result: same shape and dtype as `x`, and may be `x` itself.
    exact : bool
        Whether `kernel` makes no rounding error in any float type, as ``np.maximum(x, 0)`` does;
        then it gets the array as it is, and what it returns, a new array, is the result.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; a scalar for a scalar.

    Raises
    ------
    TypeError
        If `x` has a dtype that is not accepted, or `out` is not an array of the dtype of `x`.
    ValueError
        If `out` has another shape or cannot be written to.

    Examples
    --------
    >>> elementwise(np.square, np.float32([1, 2, 3]))
    array([1., 4., 9.], dtype=float32)
    """
    array = as_float(x)
    if exact and out is None:
        with np.errstate(all="ignore"):
            result = kernel(array).astype(array.dtype, copy=False)
        return result[()] if result.ndim == 0 else result
    if out is None:
        out = np.empty(array.shape, array.dtype)
    else:
        _check_out(out, array)
    with np.errstate(all="ignore"):
        if exact:
            out[...] = kernel(array)
        elif array.size <= BLOCK or not (array.flags.c_contiguous and out.flags.c_contiguous):
            out[...] = kernel(array.astype(np.float64, copy=False))
        else:
            if out is not array and np.may_share_memory(out, array):
                array = array.copy()  # a shifted view: a block must not write what the next reads
            source, target = array.reshape(-1), out.reshape(-1)
            for start in range(0, source.size, BLOCK):
                block = source[start : start + BLOCK].astype(np.float64, copy=False)
                target[start : start + BLOCK] = kernel(block)
    return out[()] if out.ndim == 0 else out


def _check_out(out: Array, array: Array) -> None:
    if not isinstance(out, np.ndarray) or out.dtype != array.dtype:
        raise TypeError(
            f"out must be an array of dtype {array.dtype}, as the input is; got "
            f"{getattr(out, 'dtype', type(out).__name__)}"
        )
    if out.shape != array.shape:
        raise ValueError(f"out has shape {out.shape}; the input has shape {array.shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only; pass an array that can be written to")


def two_difference(a: Array, b: Array) -> tuple[Array, Array]:
    r"""Return :math:`a - b` as rounded, and what the rounding lost.

    Parameters
    ----------
    a, b : ndarray of float64
        Shapes that broadcast.

    Returns
    -------
    difference, lost : ndarray of float64
        Their exact sum is :math:`a - b`. Nothing is lost where the difference is not finite.

    Notes
    -----
    Knuth's two-sum; it needs no comparison of the two sizes.

    Examples
    --------
    >>> two_difference(np.array([1.0]), np.array([1e-20]))
    (array([1.]), array([-1.e-20]))
    """
    with np.errstate(over="ignore", invalid="ignore"):
        difference = a - b
        moved = difference - a
        lost = (a - (difference - moved)) - (b + moved)
    return difference, np.where(np.isfinite(difference), lost, 0.0)


# ---------------------------------------------------------------------------------------------
# The normal distribution, for GELU
# ---------------------------------------------------------------------------------------------


def normal_density(t: Array, factor: Array | float = 1.0) -> Array:
    r"""Return a factor times the normal density, :math:`c\,\varphi(t)`, for :math:`t \ge 0`.

    The square is split, so that its rounding error is not amplified by the exponential. Far out, a
    factor :math:`e^{64}` is carried along: there the density alone may be a subnormal number, short
    of digits, where the product is not.

    Parameters
    ----------
    t : ndarray of float64
        From 0 to 40; beyond, the density is below the smallest float64.
    factor : ndarray of float64 or float
        :math:`c`, in the shape of `t`.

    Returns
    -------
    ndarray of float64
        In the shape of `t`.

    Examples
    --------
    >>> normal_density(np.array([0.0, 30.0]))
    array([3.98942280e-001, 1.47364613e-196])
    """
    high = (t.view(np.int64) & ~np.int64(0x7FFFFFF)).view(np.float64)  # the leading 26 bits
    far = t > 16
    power = np.exp(np.where(far, 64.0, 0.0) - 0.5 * high * high)
    power *= np.exp(-0.5 * (t - high) * (t + high))
    scale = np.sqrt(1 / (2 * np.pi))
    return factor * power * np.where(far, scale * np.exp(-64.0), scale)


def mills_ratio(t: Array) -> Array:
    r"""Return Mills' ratio :math:`m(t) = \Phi(-t) / \varphi(t)` for :math:`t \ge 0`.

    It is smooth and never small, so that a polynomial serves over the whole half line, and the tail
    of the normal distribution is density times ratio. SciPy's ``erfc`` is off by up to 456 units in
    the last place far out in the tail; here it stays near one.

    Parameters
    ----------
    t : ndarray of float64
        From 0 on, finite.

    Returns
    -------
    ndarray of float64
        In the shape of `t`.

    Examples
    --------
    >>> t = np.array([0.0, 30.0])
    >>> normal_density(t, mills_ratio(t))
    array([5.00000000e-001, 4.90671393e-198])
    """
    return _series(_coefficients(_scaled_mills), _to_unit(t)) / (1 + t)


def mills_excess(t: Array) -> Array:
    r"""Return :math:`m(t) - t` for :math:`t \ge 0`, accurate also where it is nearly 0.

    That is :math:`(t_0 - t)\,q(t)` with its zero :math:`t_0`, 0.7518, to twice the digits of a
    float64, and a smooth factor :math:`q` between 1 and 5/3, which a polynomial serves.

    Parameters
    ----------
    t : ndarray of float64
        From 0 on, finite.

    Returns
    -------
    ndarray of float64
        In the shape of `t`.

    Examples
    --------
    >>> mills_excess(np.array([0.0, 30.0]))
    array([  1.25331414, -29.96670358])
    """
    high, low = _halves(_mills_zero())
    return (high - t + low) * _series(_coefficients(_mills_quotient), _to_unit(t))


_CENTER = 3


def _to_unit(t: Array) -> Array:
    """Map [0, inf) to [-1, 1)."""
    return (t - _CENTER) / (t + _CENTER)


@cache
def _coefficients(function: Callable[[Decimal], Decimal], degree: int = 28) -> Array:
    """Chebyshev coefficients, in u, of a function of t that was computed to 50 digits.

    They are derived here, on first use, rather than typed: about ten milliseconds.
    """
    n = degree + 1
    # T_k at the zeros of T_n; reducing the angle as an integer keeps the cosines exact
    steps = np.arange(n)[:, np.newaxis] * (2 * np.arange(n) + 1) % (4 * n)
    polynomials = np.cos(np.pi / (2 * n) * steps)
    zeros = [Decimal(u) for u in polynomials[1].tolist()]
    coefficients = np.zeros(n)
    with localcontext(prec=60):
        values = [function(_CENTER * (1 + u) / (1 - u)) for u in zeros]
        for _ in range(2):  # the second time corrects what the first one rounded
            exact = [Decimal(c) for c in coefficients.tolist()]
            rest = [float(y - _series(exact, u)) for y, u in zip(values, zeros, strict=True)]
            correction = np.array([fsum(row * rest) for row in polynomials]) * 2 / n
            correction[0] /= 2
            coefficients += correction
    return coefficients


def _series(coefficients: Sequence[Any] | Array, u: Any) -> Any:
    """Return a Chebyshev series at u, a Decimal or an array, by Clenshaw's recurrence."""
    twice = 2 * u
    later, last = coefficients[-1], 0 * u
    for c in coefficients[-2:0:-1]:
        later, last = (c - last) + twice * later, later
    return (coefficients[0] - last) + u * later


def _scaled_mills(t: Decimal) -> Decimal:
    return (1 + t) * _mills(t)


def _mills_quotient(t: Decimal) -> Decimal:
    return (_mills(t) - t) / (_mills_zero() - t)


def _mills(t: Decimal) -> Decimal:
    """Return Mills' ratio: a series near 0, Laplace's continued fraction beyond."""
    if t < 4:  # Phi(t) - 1/2 = density * (t + t^3/3 + t^5/(3*5) + ...)
        term = total = t
        n = 1
        while term > Decimal("1e-55"):
            n += 2
            term *= t * t / n
            total += term
        return (t * t / 2).exp() * (_pi() / 2).sqrt() - total
    ratio = t
    for n in range(400, 0, -1):
        ratio = t + n / ratio
    return 1 / ratio


@cache
def _mills_zero() -> Decimal:
    """Return where m(t) = t, by Newton's method with m' = t m - 1."""
    with localcontext(prec=60):
        t = Decimal("0.75")
        for _ in range(6):
            t -= (_mills(t) - t) / (t * _mills(t) - 2)
        return t


@cache
def _pi() -> Decimal:
    """Return pi by Machin's formula."""

    def arctan_of_inverse(k: int) -> Decimal:
        term = total = Decimal(1) / k
        n = 1
        while abs(term) > Decimal("1e-60"):
            term /= -k * k
            n += 2
            total += term / n
        return total

    with localcontext(prec=65):
        return 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))


# ---------------------------------------------------------------------------------------------
# The tail and the zero of the derivative, for SiLU
# ---------------------------------------------------------------------------------------------


def scaled_decay(t: Array) -> tuple[Array, Array]:
    r"""Return :math:`e^{-t}` in a unit of 1, or of :math:`e^{-64}` far out, and that unit.

    Past 708 the exponential alone is a subnormal number, short of digits, where a multiple of it
    may not be: multiply first, and by the unit last.

    Parameters
    ----------
    t : ndarray of float64
        From 0 to 800.

    Returns
    -------
    decay, unit : ndarray of float64
        In the shape of `t`.

    Examples
    --------
    >>> decay, unit = scaled_decay(np.array([1.0, 720.0]))
    >>> 720 * decay * unit
    array([2.64873198e+002, 1.46320618e-310])
    """
    far = t > 700
    return np.exp(np.where(far, 64.0, 0.0) - t), np.where(far, np.exp(-64.0), 1.0)


@cache
def silu_zero() -> tuple[float, float]:
    r"""Return the zero of :math:`1 + e^{-t} - t` as a float64 and the rest of its digits.

    Returns
    -------
    high, low : float
        Their sum has about 32 digits. The derivative of SiLU is 0 at minus this number.

    Examples
    --------
    >>> high, low = silu_zero()
    >>> round(high, 12), abs(low) < 2e-16
    (1.278464542761, True)
    """
    with localcontext(prec=60):
        t = Decimal("1.28")
        for _ in range(6):
            t += (1 + (-t).exp() - t) / (1 + (-t).exp())
        return _halves(t)


def _halves(number: Decimal) -> tuple[float, float]:
    """Return a number as a float64 and the float64 that is missing to it."""
    high = float(number)
    with localcontext(prec=60):
        return high, float(number - Decimal(high))
