r"""Waves, bells and exponentials: sine, the Gaussian, and the exponential function."""

import numpy as np
from numpy.typing import ArrayLike

from course_lib._typing import Array
from course_lib.numerics import bell, elementwise
from course_lib.pairs import bell_pair

__all__ = [
    "exponential",
    "exponential_grad",
    "gaussian",
    "gaussian_grad",
    "sine",
    "sine_grad",
]


def sine(x: ArrayLike, out: Array | None = None) -> Array:
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
    For networks that represent images and sounds: Sitzmann et al., 2020
    :cite:p:`sitzmann2020implicit`, with the input times 30 in the first layer.

    Examples
    --------
    >>> sine([0.0, float("inf")])
    array([ 0., nan])
    """
    return elementwise(np.sin, x, out)


def sine_grad(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return the derivative of `sine`, :math:`\cos x`.

    Examples
    --------
    >>> sine_grad([0.0, float("inf")])
    array([ 1., nan])
    """
    return elementwise(np.cos, x, out)


def gaussian(x: ArrayLike, out: Array | None = None) -> Array:
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


def gaussian_grad(x: ArrayLike, out: Array | None = None) -> Array:
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


def exponential(x: ArrayLike, out: Array | None = None) -> Array:
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


def exponential_grad(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return the derivative of `exponential`, which is `exponential`.

    Examples
    --------
    >>> exponential_grad([0.0, 1000.0])
    array([ 1., inf])
    """
    return exponential(x, out)
