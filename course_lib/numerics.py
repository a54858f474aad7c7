"""The hard pieces, kept apart so that the catalogue of activations reads like a chapter.

What is here: the check that every activation makes of its input, the driver that runs a formula
over an array in blocks and in double precision, and the tail of the normal distribution.
"""

from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import cache
from math import fsum
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

__all__ = ["BLOCK", "as_float", "elementwise", "normal_tail"]

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
        then it gets the array as it is, and no precision is converted.

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


def normal_tail(t: Array) -> tuple[Array, Array]:
    r"""Return the normal density and the upper tail :math:`\Phi(-t)` for :math:`t \ge 0`.

    The tail is the density times Mills' ratio :math:`m(t)`, which is smooth and never small, so a
    polynomial serves over the whole half line. SciPy's ``erfc`` is off by up to 456 units in the
    last place far out in the tail; here it stays near one.

    Parameters
    ----------
    t : ndarray of float64
        Not negative. Any shape.

    Returns
    -------
    density, tail : ndarray of float64
        :math:`\varphi(t)` and :math:`\Phi(-t)`, in the shape of `t`.

    Examples
    --------
    >>> density, tail = normal_tail(np.array([0.0, 30.0]))
    >>> tail
    array([5.00000000e-001, 4.90671393e-198])
    """
    t = np.minimum(t, 40.0)  # beyond, both are below the smallest float64
    density = np.sqrt(1 / (2 * np.pi)) * _exp_half_square(t)
    u = (t - _CENTER) / (t + _CENTER)  # [0, inf) -> [-1, 1)
    return density, density * (chebyshev.chebval(u, _mills_coefficients()) / (1 + t))


_CENTER = 3.0


def _exp_half_square(t: Array) -> Array:
    """Return exp(-t^2 / 2), with the square split so that its rounding error is not amplified."""
    high = (t.view(np.int64) & ~np.int64(0x7FFFFFF)).view(np.float64)  # the leading 26 bits
    return np.exp(-0.5 * high * high) * np.exp(-0.5 * (t - high) * (t + high))


@cache
def _mills_coefficients(degree: int = 28) -> Array:
    """Chebyshev coefficients of (1 + t) m(t) in u, from values computed to 50 digits.

    They are derived here, on first use, rather than typed: about ten milliseconds.
    """
    n = degree + 1
    # T_k at the zeros of T_n; reducing the angle as an integer keeps the cosines exact
    steps = np.arange(n)[:, np.newaxis] * (2 * np.arange(n) + 1) % (4 * n)
    polynomials = np.cos(np.pi / (2 * n) * steps)
    values = [_scaled_mills(_CENTER * (1 + u) / (1 - u)) for u in polynomials[1]]
    coefficients = np.array([fsum(row * values) for row in polynomials]) * 2 / n
    coefficients[0] /= 2
    return coefficients


def _scaled_mills(t: float) -> float:
    """Return (1 + t) times Mills' ratio: a series near 0, Laplace's continued fraction beyond."""
    with localcontext(prec=60):
        x = Decimal(t)
        if t < 4:  # Phi(t) - 1/2 = density * (t + t^3/3 + t^5/(3*5) + ...)
            term = total = x
            n = 1
            while term > Decimal("1e-55"):
                n += 2
                term *= x * x / n
                total += term
            mills = (x * x / 2).exp() * (_pi() / 2).sqrt() - total
        else:
            mills = x
            for n in range(400, 0, -1):
                mills = x + n / mills
            mills = 1 / mills
        return float((1 + x) * mills)


def _pi() -> Decimal:
    """Return pi in the current decimal precision, by Machin's formula."""

    def arctan_of_inverse(k: int) -> Decimal:
        term = total = Decimal(1) / k
        n = 1
        while abs(term) > Decimal("1e-60"):
            term /= -k * k
            n += 2
            total += term / n
        return total

    return 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))
