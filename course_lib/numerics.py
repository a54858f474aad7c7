"""The hard pieces, kept apart so that the catalogue of activations reads like a chapter.

What is here: the check that every activation makes of its input, the driver that runs a formula
over an array in blocks and in double precision, exponentials that neither lose digits to their
argument nor in their tail, and Mills' ratio for GELU. Sums, products and exponentials with their
rounding errors are in `course_lib.pairs`, constants in ``course_lib/_constants.py``.

An exponential multiplies whatever error its argument has: at :math:`e^{-700}`, one rounding of the
argument costs up to 256 units in the last place of the result. Where an argument is itself
computed, its rounding error is therefore computed too, and put right afterwards.
"""

from collections.abc import Callable, Sequence
from functools import cache
from math import factorial

import numpy as np
from numpy.typing import ArrayLike

from course_lib import _constants
from course_lib._checks import as_array, as_integer, as_number
from course_lib._typing import Array
from course_lib.pairs import Pair, leading_half, multiply, split, two_product, two_sum

__all__ = [
    "BLOCK",
    "Kernel",
    "as_float",
    "as_scale",
    "bell",
    "choose",
    "decay",
    "elementwise",
    "growth_near_0",
    "indicator",
    "keep_freed_memory",
    "keep_nan",
    "mills_excess",
    "mills_excess_pair",
    "mills_ratio",
    "polynomial",
    "scaled_mills",
    "times",
    "with_axis",
]

Kernel = Callable[[Array], Array]

BLOCK = 8_192
"""Elements worked on at a time: the temporaries of a formula, 64 KB each, then stay in the cache,
and are too small for the system to hand out, and take back, as pages of their own."""


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
    ValueError
        If it is ragged, or a masked array with masked entries.

    Examples
    --------
    >>> as_float([1, 2]).dtype, as_float(np.float32(1)).dtype
    (dtype('float64'), dtype('float32'))
    """
    array = as_array(name, x)
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        return array
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    raise TypeError(
        f"{name} has dtype {array.dtype}; expected float16, float32, float64 and integers, "
        f"so convert it first, as in np.asarray({name}, dtype=np.float64)"
    )


def with_axis(x: ArrayLike, axis: int) -> Array:
    """Return `x` as `as_float` does, or raise an error if it has no such axis.

    Examples
    --------
    >>> with_axis([1.0], 1)
    Traceback (most recent call last):
    ValueError: x has shape (1,) and no axis 1; an array with that axis is needed
    """
    array = as_float(x)
    if not -array.ndim <= as_integer("axis", axis) < array.ndim:
        raise ValueError(
            f"x has shape {array.shape} and no axis {axis}; an array with that axis is needed"
        )
    return array


def as_scale(name: str, value: float) -> float:
    """Return a parameter that scales inputs, from 1e-10 to 1e10, or raise ValueError.

    For these no cut of an input overflows.

    Examples
    --------
    >>> as_scale("beta", 0)
    Traceback (most recent call last):
    ValueError: beta is 0; expected a number from 1e-10 to 1e+10
    """
    return as_number(name, value, least=1e-10, most=1e10)


def elementwise(
    kernel: Kernel,
    x: ArrayLike,
    out: Array | None = None,
    *,
    exact: bool = False,
    blocks: bool = True,
    narrow: Kernel | None = None,
) -> Array:
    """Run a formula over every element of `x`, in float64 and rounded once.

    Computing float16 and float32 in double precision costs a conversion each way and makes the
    result correct to the last bit but for near-ties: the error of the formula, a few units in the
    last place of a float64, is far below half a unit of a float32.

    Parameters
    ----------
    kernel : callable
        Takes a float64 array and returns one of the same shape.
    x : array_like
        Any shape; see `as_float` for the dtypes.
    out : ndarray, optional
        Where to put the result: same shape and dtype as `x`, and may be `x` itself.
    exact : bool
        Whether `kernel` makes no rounding error in any float type, as ``np.maximum(x, 0)`` does;
        then it gets the array as it is, and what it returns, a new array, is the result.
    blocks : bool
        Whether `kernel` treats all elements alike, so that it may get a part of them, flat; if not,
        it gets the array in its shape.
    narrow : callable, optional
        A plainer kernel, used for float16 and float32, which need 26 of a float64's 53 bits.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; a scalar for a scalar.

    Raises
    ------
    TypeError
        If `x` has a dtype that `as_float` rejects, or `out` is not an array of the dtype of `x`.
    ValueError
        If `out` has another shape or cannot be written to.

    Examples
    --------
    >>> elementwise(np.square, np.float32([1, 2, 3]))
    array([1., 4., 9.], dtype=float32)
    """
    array = as_float(x)
    if narrow is not None and array.dtype.itemsize < 8:
        kernel = narrow
    if exact and out is None:
        with np.errstate(all="ignore"):
            result = kernel(array).astype(array.dtype, copy=False)
        return result[()] if result.ndim == 0 else result
    keep_freed_memory()
    if out is None:
        out = np.empty(array.shape, array.dtype)
    else:
        _check_out(out, array)
    with np.errstate(all="ignore"):
        if exact:
            out[...] = kernel(array)
        elif (
            not blocks
            or array.size <= BLOCK
            or not (array.flags.c_contiguous and out.flags.c_contiguous)
        ):
            # kernels correct some entries in place, which NumPy's scalars do not allow
            out[...] = kernel(np.atleast_1d(array).astype(np.float64, copy=False))
        else:
            if out is not array and np.may_share_memory(out, array):
                array = array.copy()  # a shifted view: a block must not write what the next reads
            source, target = array.reshape(-1), out.reshape(-1)
            for start in range(0, source.size, BLOCK):
                block = source[start : start + BLOCK].astype(np.float64, copy=False)
                target[start : start + BLOCK] = kernel(block)
    return out[()] if out.ndim == 0 else out


def _check_out(out: Array, array: Array) -> None:
    if not isinstance(out, np.ndarray):
        raise TypeError(
            f"out must be an array of dtype {array.dtype}, that of the result; got "
            f"{type(out).__name__}. Parameters are passed by name, as in negative_slope=0.2"
        )
    if out.dtype != array.dtype:
        raise TypeError(
            f"out must be an array of dtype {array.dtype}, that of the result; got {out.dtype}"
        )
    if out.shape != array.shape:
        raise ValueError(f"out has shape {out.shape}; the input has shape {array.shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only; pass an array that can be written to")


@cache
def keep_freed_memory() -> None:
    """Let the process keep up to some 60 MB that it frees, for the arrays that follow; once.

    The C library of Linux gives memory back to the system as soon as more than 128 KB of it are
    free at the end of the heap, and asks for it anew, page by page, for the next temporaries: for
    formulas in blocks, several times the work itself. The limit rises to twice the size of the
    largest block that was ever freed, of at most 32 MB (``M_MMAP_THRESHOLD`` in the manual page of
    ``mallopt``), so that asking once for a large array, which is not even touched, suffices. On
    other systems this does nothing.
    """
    np.empty(31 * 2**20, np.uint8)


def times(x: Array, factor: float) -> tuple[Array, Array | None]:
    """Return a multiple and what its rounding lost; None where a power of two loses nothing.

    Examples
    --------
    >>> times(np.array([3.0]), 2)
    (array([6.]), None)
    """
    if np.frexp(factor)[0] == 0.5:
        return x * factor, None
    return two_product(x, factor)


# ---------------------------------------------------------------------------------------------
# Pieces and steps
# ---------------------------------------------------------------------------------------------


def keep_nan(values: Array, x: Array) -> Array:
    """Return `values`, with NaN where `x` has it: for derivatives made of comparisons.

    Examples
    --------
    >>> keep_nan(np.zeros(2), np.array([1.0, np.nan]))
    array([ 0., nan])
    """
    if np.isnan(x.sum()):  # a fast test that few inputs fail; then look closely
        return np.where(np.isnan(x), x, values)
    return values


def indicator(condition: Array, x: Array) -> Array:
    """Return 1 where the condition holds and 0 elsewhere, in the dtype of `x`; NaN at NaN.

    Examples
    --------
    >>> x = np.array([-1.0, 2.0, np.nan])
    >>> indicator(x > 0, x)
    array([ 0.,  1., nan])
    """
    return keep_nan(np.array(condition, x.dtype), x)


def choose(condition: Array, yes: Array | float, no: Array | float) -> Array:
    """Return `yes` or `no`, both finite, by multiplication: faster than ``np.where`` if mixed.

    Examples
    --------
    >>> choose(np.array([True, False]), 1, 0.25)
    array([1.  , 0.25])
    """
    weight = condition.astype(np.float64)
    return weight * yes + (1 - weight) * no


# ---------------------------------------------------------------------------------------------
# Exponentials
# ---------------------------------------------------------------------------------------------

_FAR = 64.0  # e^-64 is the unit of what would be short of digits in a unit of 1


def decay(t: Array, lost: Array | None = None) -> tuple[Array, float | Array]:
    r"""Return :math:`e^{-t}` in a unit of 1, or of :math:`e^{-64}` far out, and that unit.

    Past 708 the exponential alone is a subnormal number, short of digits, where a multiple of it
    may not be: multiply first, and by the unit last.

    Parameters
    ----------
    t : ndarray of float64
        From 0 to 800.
    lost : ndarray of float64, optional
        What is missing to `t`.

    Returns
    -------
    decay : ndarray of float64
        In the shape of `t`.
    unit : float or ndarray of float64
        1 where no `t` is far.

    Examples
    --------
    >>> z, unit = decay(np.array([1.0, 720.0]))
    >>> 720 * z * unit
    array([2.64873198e+002, 1.46320618e-310])
    """
    unit: float | Array = 1.0
    if t.size and not t.max() <= 700:  # so that a NaN does not hide the others
        far = t > 700
        unit = np.where(far, np.exp(-_FAR), 1.0)
        z = np.exp(_FAR * far - t)
    else:
        z = np.exp(-t)
    if lost is not None:
        z -= z * lost
    return z, unit


def bell(t: Array, rate: float, factor: Array | float = 1.0, missing: Array | float = 0.0) -> Array:
    r"""Return a factor times the bell curve, :math:`c\,e^{-r t^2}`, for :math:`t \ge 0`.

    The square is split, so that its rounding error is not amplified by the exponential. Far out, a
    unit of :math:`e^{-64}` serves as in `decay`.

    Parameters
    ----------
    t : ndarray of float64
        From 0 to 40; beyond, the curve is below the smallest float64.
    rate : float
        :math:`r`: 1, or 1/2 for the normal density.
    factor : ndarray of float64 or float
        :math:`c`, in the shape of `t`.
    missing : ndarray of float64 or float
        What the factor lacks, relative to itself; small.

    Returns
    -------
    ndarray of float64
        In the shape of `t`.

    Examples
    --------
    >>> bell(np.array([0.0, 2.0]), 1)
    array([1.        , 0.01831564])
    """
    high = leading_half(t)  # its square is exact
    square = rate * high * high
    far = bool(square.size) and not square.max() <= 700  # so that a NaN does not hide others
    curve = np.exp((_FAR * (square > 700) if far else 0.0) - square)
    rest = rate * (high - t) * (high + t)  # at most 5e-5: three terms of its exponential suffice
    curve *= factor
    curve += curve * (rest * (1 + rest * (1 / 2 + rest / 6)) + missing)
    if far:
        curve *= np.where(square > 700, np.exp(-_FAR), 1.0)
    return curve


# ---------------------------------------------------------------------------------------------
# The normal distribution, for GELU
# ---------------------------------------------------------------------------------------------


def mills_ratio(t: Array) -> Array:
    r"""Return Mills' ratio :math:`m(t) = \Phi(-t) / \varphi(t)`, over :math:`\sqrt{2\pi}`.

    It is smooth and never small, so that a polynomial serves over the whole half line, and the tail
    of the normal distribution is bell curve times ratio. SciPy's ``erfc`` is off by hundreds of
    units in the last place far out in the tail.

    Parameters
    ----------
    t : ndarray of float64
        From 0 on, finite.

    Returns
    -------
    ndarray of float64
        In the shape of `t`, with the digits of a float32; :math:`\Phi(-t) = e^{-t^2/2}` times it.
        For those of a float64 see `scaled_mills`.

    Examples
    --------
    >>> t = np.array([0.0, 30.0])
    >>> bell(t, 1 / 2, mills_ratio(t))
    array([5.00000000e-001, 4.90671393e-198])
    """
    return polynomial(_constants.MILLS_SHORT, _to_unit(t)) / (1 + t)


def scaled_mills(t: Array) -> Pair:
    r"""Return :math:`(1 + t)\,m(t)`, over :math:`\sqrt{2\pi}`, with Mills' ratio :math:`m`.

    Parameters
    ----------
    t : ndarray of float64
        From 0 on, finite.

    Returns
    -------
    pair of ndarray of float64
        From 1/2 to 0.4, to about 56 bits: the polynomial's first terms are by far its largest.

    Examples
    --------
    >>> np.add(*scaled_mills(np.array([0.0, 30.0])))
    array([0.5       , 0.41178383])
    """
    return _first_and_rest(_constants.MILLS_LONG, _closely_to_unit(t))


def mills_excess(t: Array) -> Array:
    r"""Return :math:`m(t) - t`, over :math:`\sqrt{2\pi}`, accurate also where it is nearly 0.

    That is :math:`(t_0 - t)\,q(t)` with its zero :math:`t_0`, 0.7518, to twice the digits of a
    float64, and a smooth factor :math:`q` between 1 and 5/3, which a polynomial serves.

    Parameters
    ----------
    t : ndarray of float64
        From 0 on, finite.

    Returns
    -------
    ndarray of float64
        In the shape of `t`, with the digits of a float32.

    Examples
    --------
    >>> mills_excess(np.array([0.0, 30.0]))
    array([  0.5       , -11.95498506])
    """
    high, low = _constants.MILLS_ZERO
    return (high - t + low) * polynomial(_constants.MILLS_QUOTIENT_SHORT, _to_unit(t))


def mills_excess_pair(t: Array) -> Pair:
    r"""Return `mills_excess` as a pair, to about 56 bits.

    Examples
    --------
    >>> np.add(*mills_excess_pair(np.array([0.0, 30.0])))
    array([  0.5       , -11.95498506])
    """
    high, low = _constants.MILLS_ZERO
    distance, lost = two_sum(high, -t)
    quotient = _first_and_rest(_constants.MILLS_QUOTIENT_LONG, _closely_to_unit(t))
    return multiply(split(distance, lost + low), split(*quotient))


def _first_and_rest(coefficients: Sequence[float], u: Array) -> Pair:
    """Return a polynomial at u as a pair: its two largest terms are added without an error."""
    linear, missing = two_product(u, coefficients[1])
    start, lost = two_sum(coefficients[0], linear)
    total, more = two_sum(start, polynomial(coefficients[2:], u) * (u * u))
    return total, more + (lost + missing)


_CENTER = 3


def _to_unit(t: Array) -> Array:
    """Map [0, inf) to [-1, 1)."""
    return (t - _CENTER) / (t + _CENTER)


def _closely_to_unit(t: Array) -> Array:
    """Map [0, inf) to [-1, 1) as `_to_unit` does, with an error of half a unit towards the ends."""
    left = t < _CENTER
    from_the_end = np.where(left, 2 * t, 2 * _CENTER) / (t + _CENTER)
    return np.where(left, from_the_end - 1, 1 - from_the_end)


def polynomial(coefficients: Sequence[float | Array], u: Array) -> Array:
    """Return a polynomial at u, coefficients from the constant on, by Horner's rule.

    Examples
    --------
    >>> polynomial([1, 2, 3], np.array([10.0]))
    array([321.])
    """
    *others, last = coefficients
    if not others:
        return np.full_like(u, last)
    total = u * last
    total += others.pop()
    for c in reversed(others):
        total *= u
        total += c
    return total


def growth_near_0(d: Array) -> Array:
    r"""Return :math:`e^d - 1` for d from -0.2 to 0.2, within 1.5 ULP, the same on every machine.

    Examples
    --------
    >>> growth_near_0(np.array([0.0, 0.1]))
    array([0.        , 0.10517092])
    """
    return d * polynomial(_EXPM1_SERIES, d)


_EXPM1_SERIES = tuple(1 / factorial(k) for k in range(1, 15))
