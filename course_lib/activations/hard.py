r"""Hard versions of smooth functions, made of lines and parabolas, and shrinkage.

Each says which value its derivative takes at a kink, and whose convention that is.
"""

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_number
from course_lib._typing import Array
from course_lib.numerics import as_scale, choose, elementwise, indicator
from course_lib.pairs import Pair, two_product, two_sum

__all__ = [
    "hard_shrink",
    "hard_shrink_grad",
    "hard_sigmoid",
    "hard_sigmoid_grad",
    "hard_swish",
    "hard_swish_grad",
    "hard_tanh",
    "hard_tanh_grad",
    "soft_shrink",
    "soft_shrink_grad",
    "sparse_plus",
    "sparse_plus_grad",
    "sparse_sigmoid",
    "sparse_sigmoid_grad",
]


def hard_tanh(
    x: ArrayLike, out: Array | None = None, *, min_val: float = -1.0, max_val: float = 1.0
) -> Array:
    r"""Return :math:`x`, cut off at -1 and 1, or at two other limits.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    min_val, max_val : float
        The limits, named as in PyTorch.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; exact but for the rounding of the limits to that dtype.

    Raises
    ------
    ValueError
        If a limit is not a finite number, or `min_val` is not below `max_val`.

    Notes
    -----
    Collobert, 2004 :cite:p:`collobert2004large`.

    Examples
    --------
    >>> hard_tanh([-2.0, 0.5, 2.0])
    array([-1. ,  0.5,  1. ])
    >>> hard_tanh([-2.0, 0.5, 2.0], min_val=0, max_val=1.5)
    array([0. , 0.5, 1.5])
    """
    low, high = _limits(min_val, max_val)
    return elementwise(lambda x: np.clip(x, low, high), x, out, exact=True)


def hard_tanh_grad(
    x: ArrayLike, out: Array | None = None, *, min_val: float = -1.0, max_val: float = 1.0
) -> Array:
    r"""Return the derivative of `hard_tanh`: 1 between the limits, 0 elsewhere.

    Notes
    -----
    At both kinks it is 0, as in PyTorch; JAX takes 1.

    Examples
    --------
    >>> hard_tanh_grad([-1.0, 0.5, 2.0])
    array([0., 1., 0.])
    """
    low, high = _limits(min_val, max_val)
    return elementwise(lambda x: indicator((x > low) & (x < high), x), x, out, exact=True)


def _limits(min_val: float, max_val: float) -> tuple[float, float]:
    low, high = as_number("min_val", min_val), as_number("max_val", max_val)
    if low >= high:
        raise ValueError(
            f"min_val is {min_val!r} and max_val {max_val!r}; expected min_val < max_val"
        )
    return low, high


def hard_sigmoid(
    x: ArrayLike, out: Array | None = None, *, slope: float = 1 / 6, offset: float = 1 / 2
) -> Array:
    r"""Return :math:`(x + 3)/6`, or another line, cut off at 0 and 1.

    Parameters
    ----------
    x, out
        As for `identity`, with its errors.
    slope, offset : float
        Of the line :math:`a x + b`, from 1e-10 to 1e10, and from -1e10 to 1e10. The defaults mean a
        sixth, which no float holds, and a half. ONNX calls them alpha and beta.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of `x`; in [0, 1].

    Raises
    ------
    ValueError
        If a parameter is not a number in its range.

    Notes
    -----
    Howard et al., 2019 :cite:p:`howard2019searching`, who write it ReLU6(x + 3)/6. So do PyTorch,
    JAX and Keras 3; Keras 2 and ONNX have :math:`x/5 + 1/2`. The name is older: the hard sigmoid of
    Courbariaux et al., 2015 :cite:p:`courbariaux2015binaryconnect`, is :math:`(x + 1)/2`, cut off,
    which is `sparse_sigmoid`. With other parameters the product, whose rounding counts where it
    nearly cancels with the offset, is kept to twice the digits.

    See Also
    --------
    course_lib.activations.hard.sparse_sigmoid : the same with derivative 1/2.

    Examples
    --------
    >>> hard_sigmoid([-4.0, 0.0, 1.5])
    array([0.  , 0.5 , 0.75])
    >>> hard_sigmoid([-4.0, 0.0, 1.5], slope=0.2)
    array([0. , 0.5, 0.8])
    """
    slope, offset = _line(slope, offset)
    if (slope, offset) == _SIXTH_AND_HALF:
        return elementwise(lambda x: (np.clip(x, -3, 3) + 3) / 6, x, out)

    def kernel(x: Array) -> Array:
        total, rest = _on_the_line(x, slope, offset)
        return np.clip(total + rest, 0, 1)

    return elementwise(kernel, x, out)


def hard_sigmoid_grad(
    x: ArrayLike, out: Array | None = None, *, slope: float = 1 / 6, offset: float = 1 / 2
) -> Array:
    r"""Return the derivative of `hard_sigmoid`: 1/6 for :math:`|x| < 3`, 0 elsewhere.

    With other parameters it is the slope where the line is between 0 and 1.

    Notes
    -----
    At both kinks it is 0, as in PyTorch and JAX. PyTorch 2.13 uses the float32 nearest to 1/6 as
    the derivative in float64 too.

    Examples
    --------
    >>> hard_sigmoid_grad([-3.0, 0.0])
    array([0.        , 0.16666667])
    """
    slope, offset = _line(slope, offset)
    if (slope, offset) == _SIXTH_AND_HALF:
        return elementwise(lambda x: indicator(np.abs(x) < 3, x) / 6, x, out)

    def kernel(x: Array) -> Array:
        total, rest = _on_the_line(x, slope, offset)
        return slope * indicator((total + rest > 0) & ((total - 1) + rest < 0), x)

    return elementwise(kernel, x, out)


_SIXTH_AND_HALF = (1 / 6, 1 / 2)


def _line(slope: float, offset: float) -> tuple[float, float]:
    return as_scale("slope", slope), as_number("offset", offset, least=-1e10, most=1e10)


def _on_the_line(x: Array, slope: float, offset: float) -> Pair:
    """Return a x + b as rounded, and what is missing; beyond 0 and 1 only the side is right."""
    reach = (abs(offset) + 2) / slope
    product, lost = two_product(np.clip(x, -reach, reach), slope)
    if offset == 0:  # nothing cancels, and of subnormal products nothing is known to be missing
        return product, np.zeros_like(product)
    total, more = two_sum(product, offset)
    return total, more + lost


def hard_swish(x: ArrayLike, out: Array | None = None) -> Array:
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


def hard_swish_grad(x: ArrayLike, out: Array | None = None) -> Array:
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
        return choose(np.abs(x) < 3, (2 * np.clip(x, -3, 3) + 3) / 6, indicator(x > 0, x))

    return elementwise(kernel, x, out)


def hard_shrink(x: ArrayLike, out: Array | None = None, *, threshold: float = 0.5) -> Array:
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
    threshold = as_number("threshold", threshold, least=0, most=1e300)
    return elementwise(lambda x: np.where(np.abs(x) <= threshold, 0, x), x, out)


def hard_shrink_grad(x: ArrayLike, out: Array | None = None, *, threshold: float = 0.5) -> Array:
    r"""Return the derivative of `hard_shrink`: 1 for :math:`|x| > \lambda`, 0 elsewhere.

    Notes
    -----
    At the jumps it is 0, as in PyTorch.

    Examples
    --------
    >>> hard_shrink_grad([-1.0, 0.5])
    array([1., 0.])
    """
    threshold = as_number("threshold", threshold, least=0, most=1e300)
    return elementwise(lambda x: indicator(np.abs(x) > threshold, x), x, out)


def soft_shrink(x: ArrayLike, out: Array | None = None, *, threshold: float = 0.5) -> Array:
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
    threshold = as_number("threshold", threshold, least=0, most=1e300)
    return elementwise(
        lambda x: np.maximum(x - threshold, 0) + np.minimum(x + threshold, 0), x, out
    )


def soft_shrink_grad(x: ArrayLike, out: Array | None = None, *, threshold: float = 0.5) -> Array:
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


def sparse_plus(x: ArrayLike, out: Array | None = None) -> Array:
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
    It is to `softplus` what `sparsemax` is to `softmax`: 0 and a straight line from a finite point
    on. Martins and Astudillo, 2016 :cite:p:`martins2016softmax`, as their loss; named by JAX.

    Examples
    --------
    >>> sparse_plus([-2.0, 0.0, 2.0])
    array([0.  , 0.25, 2.  ])
    """

    def kernel(x: Array) -> Array:
        total, lost = two_sum(np.clip(x, -1, 1), 1)
        return np.maximum(x - 1, 0) + total * (total / 4 + lost / 2)

    return elementwise(kernel, x, out)


def sparse_plus_grad(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return the derivative of `sparse_plus`, which is `sparse_sigmoid`.

    Examples
    --------
    >>> sparse_plus_grad([-2.0, 0.0, 2.0])
    array([0. , 0.5, 1. ])
    """
    return sparse_sigmoid(x, out)


def sparse_sigmoid(x: ArrayLike, out: Array | None = None) -> Array:
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
    The first entry of `sparsemax` of x and 0, as `sigmoid` is that of `softmax`: Martins and
    Astudillo, 2016 :cite:p:`martins2016softmax`. Courbariaux et al., 2015
    :cite:p:`courbariaux2015binaryconnect`, call it the hard sigmoid.

    See Also
    --------
    course_lib.activations.simplex.sparsemax : the same for any number of classes.

    Examples
    --------
    >>> sparse_sigmoid([-2.0, 0.0, 0.5])
    array([0.  , 0.5 , 0.75])
    """
    return elementwise(lambda x: (np.clip(x, -1, 1) + 1) / 2, x, out)


def sparse_sigmoid_grad(x: ArrayLike, out: Array | None = None) -> Array:
    r"""Return the derivative of `sparse_sigmoid`: 1/2 for :math:`|x| < 1`, 0 elsewhere.

    Notes
    -----
    At both kinks it is 0, the outer value; JAX takes 1/4.

    Examples
    --------
    >>> sparse_sigmoid_grad([-1.0, 0.0])
    array([0. , 0.5])
    """
    return elementwise(lambda x: indicator(np.abs(x) < 1, x) / 2, x, out)
