r"""One wide random layer: the variance of what leaves it, the factor on gradients, the gain."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib import activations
from course_lib._checks import unknown_name
from course_lib._typing import ArrayOrScalar
from course_lib.activations import CATALOGUE, Activation
from course_lib.meanfield.quadrature import Function, expectation, variances

__all__ = ["chi", "gain", "variance_map"]


def variance_map(
    activation: str | Activation,
    variance: ArrayLike,
    *,
    weight_variance: ArrayLike = 1.0,
    bias_variance: ArrayLike = 0.0,
) -> ArrayOrScalar:
    r"""Return the variance of the next layer's pre-activations.

    .. math:: V(q) = \sigma_w^2\,\mathrm{E}[\phi(x)^2] + \sigma_b^2, \quad x \sim \mathcal N(0, q)

    Parameters
    ----------
    activation : str or Activation
        An elementwise entry of the catalogue.
    variance : array_like of float
        That of this layer's pre-activations, :math:`q`.
    weight_variance : array_like of float
        :math:`\sigma_w^2`: the variance of a weight, times the fan-in.
    bias_variance : array_like of float
        :math:`\sigma_b^2`: the variance of a bias.

    Returns
    -------
    ndarray or scalar of float64
        The common shape of the variances.

    Raises
    ------
    KeyError
        If there is no such activation.
    ValueError
        If it is not elementwise, or a variance is negative or not finite.
    TypeError
        If a variance is not a real number.
    ArithmeticError
        As for `expectation`.

    Notes
    -----
    Poole et al., 2016 :cite:p:`poole2016exponential`.

    Examples
    --------
    >>> float(variance_map("relu", 3.0, weight_variance=2.0).round(12))
    3.0
    """
    row = elementwise(activation)
    weight = variances("weight_variance", weight_variance)
    bias = variances("bias_variance", bias_variance)
    return weight * expectation(_square(row.function), variance, kinks=row.kinks) + bias


def chi(
    activation: str | Activation, variance: ArrayLike, *, weight_variance: ArrayLike = 1.0
) -> ArrayOrScalar:
    r"""Return the factor by which one layer multiplies a squared gradient.

    .. math:: \chi(q) = \sigma_w^2\,\mathrm{E}[\phi'(x)^2], \quad x \sim \mathcal N(0, q)

    The squared distance of two inputs that differ very little grows by the same factor in the
    forward pass. Where a function jumps (``hard_shrink``) its derivative does not show the jump,
    and only the statement on gradients holds.

    Parameters
    ----------
    activation, variance
        As for `variance_map`.
    weight_variance : array_like of float
        :math:`\sigma_w^2`: the variance of a weight, times the fan-in (in the backward pass,
        strictly, the fan-out).

    Returns
    -------
    ndarray or scalar of float64
        The common shape of the variances.

    Raises
    ------
    KeyError, ValueError, TypeError, ArithmeticError
        As `variance_map`.

    Notes
    -----
    Schoenholz et al., 2017 :cite:p:`schoenholz2017deep`.

    Examples
    --------
    >>> float(chi("relu", 3.0, weight_variance=2.0).round(12))
    1.0
    """
    row = elementwise(activation)
    weight = variances("weight_variance", weight_variance)
    return weight * expectation(_square(row.derivative), variance, kinks=row.kinks)


def gain(activation: str | Activation, *, keep: str = "activation", variance: float = 1.0) -> float:
    r"""Return the factor on :math:`1/\sqrt{\text{fan-in}}` that keeps variances or gradients.

    .. math:: g = \sqrt{q / \mathrm{E}[\phi(x)^2]} \quad\text{or}\quad
              g = 1 / \sqrt{\mathrm{E}[\phi'(x)^2]}, \qquad x \sim \mathcal N(0, q)

    Weights of standard deviation :math:`g/\sqrt{\text{fan-in}}` after this activation give
    pre-activations of the same variance :math:`q`, or keep the size of gradients in the backward
    pass. Where the two differ, no scale does both.

    Parameters
    ----------
    activation : str or Activation
        An elementwise entry of the catalogue.
    keep : str
        ``"activation"`` or ``"gradient"``.
    variance : float
        That of the pre-activations, :math:`q`; above 0. Only for functions with one derivative for
        all x < 0 and one for all x > 0, such as ReLU, does it not matter.

    Returns
    -------
    float
        The gain.

    Raises
    ------
    KeyError
        If there is no such activation, or nothing of that name to keep.
    ValueError
        If it is not elementwise, the variance is not a finite number above 0, or nothing passes,
        so that no gain keeps it.
    TypeError
        If the variance is not a real number.
    ArithmeticError
        As for `expectation`.

    Notes
    -----
    For ReLU both are :math:`\sqrt 2` (He et al., 2015 :cite:p:`he2015delving`); SELU's constants
    are chosen so that its gain for activations is 1 :cite:p:`klambauer2017self`. The gain keeps the
    variance for one step from `variance`. Over many layers `variance` is a fixed point, and the
    derivative of the map there decides whether the variance stays: with tanh it does; with GELU,
    SiLU and Mish the derivative is above 1, and a variance a little smaller goes to 0 while one a
    little larger grows without bound.

    Examples
    --------
    >>> round(gain("relu") ** 2, 12), round(gain("tanh"), 4)
    (2.0, 1.5925)
    >>> round(gain("tanh", keep="gradient"), 4)
    1.4674
    >>> round(gain("leaky_relu(negative_slope=0.2)"), 4)
    1.3868
    """
    row = elementwise(activation)
    q = one_variance("variance", variance)
    if keep not in ("activation", "gradient"):
        raise KeyError(unknown_name("thing to keep", keep, ["activation", "gradient"]))
    if q == 0:
        raise ValueError(f"variance is {variance!r}; expected a number above 0, such as 1")
    passes = variance_map(row, q) / q if keep == "activation" else chi(row, q)
    if not passes > 0:
        raise ValueError(
            f"{row.name} lets no {keep} through at variance {q:g}, so no gain keeps it; "
            f"take a larger variance"
        )
    return float(1 / np.sqrt(passes))


def _square(function: Function) -> Function:
    return lambda x: np.square(function(x))


def elementwise(activation: str | Activation) -> Activation:
    """Return the entry, or raise ValueError if a unit sees more than its own input."""
    row = activations.get(activation)
    if not row.elementwise:
        names = ", ".join(entry.name for entry in CATALOGUE.values() if entry.elementwise)
        raise ValueError(
            f"{row.name} works over an axis; mean-field theory here is for an activation that "
            f"works element by element. Expected: {names}"
        )
    return row


def one_variance(name: str, value: Any) -> float:
    """Return one variance as a float."""
    array = variances(name, value)
    if array.ndim:
        raise ValueError(f"{name} has shape {array.shape}; expected one number")
    return float(array)
