r"""Many wide random layers: variances, depth scale and the edge of chaos."""

from collections.abc import Callable
from itertools import pairwise
from math import exp, inf, isfinite, log, nan

import numpy as np

from course_lib._checks import scipy_module
from course_lib._typing import Array
from course_lib.activations import Activation
from course_lib.meanfield.layer import chi, elementwise, one_variance, variance_map
from course_lib.meanfield.quadrature import expectation

__all__ = ["critical_weight_variance", "depth_scale", "fixed_point"]

_LOWEST = 1e-12  # a smaller variance counts as 0, where 0 is a fixed point
_HIGHEST = 1e60  # and a larger one as infinite
_ROUNDING = 1e-14  # what counts as equal, with the rounding errors of an expectation in mind
_TINY = float(np.finfo(np.float64).tiny)
_EPS = float(np.finfo(np.float64).eps)


def fixed_point(
    activation: str | Activation,
    *,
    weight_variance: float,
    bias_variance: float = 0.0,
    start: float = 1.0,
) -> float:
    r"""Return the variance at which pre-activations settle in a deep network.

    .. math:: q^* = V(q^*), \quad \text{the limit of } q \leftarrow V(q) \text{ from } q = start

    Parameters
    ----------
    activation : str or Activation
        An elementwise entry of the catalogue.
    weight_variance : float
        :math:`\sigma_w^2`: the variance of a weight, times the fan-in.
    bias_variance : float
        :math:`\sigma_b^2`: the variance of a bias.
    start : float
        Variance in the first layer; where there are several fixed points, it decides.

    Returns
    -------
    float
        0.0 if the variance vanishes (a limit below 1e-12 counts as 0, where 0 is a fixed point),
        ``inf`` if it grows without bound (beyond 1e60), and `start` where that is a fixed point to
        14 digits, stable or not: for ReLU with weight variance 2 and no biases, every variance is
        one.

    Raises
    ------
    KeyError
        If there is no such activation.
    ValueError
        If it is not elementwise, or a variance is negative or not finite.
    TypeError
        If a variance is not a real number.
    ArithmeticError
        As for `expectation`, but for an overflow, which counts as growth without bound.
    ModuleNotFoundError
        If SciPy is not installed.

    Notes
    -----
    At criticality the iteration takes for ever: tanh with weight variance 1 is at about 1/(2L)
    after L layers. So this looks for the zero of V(q)/q - 1 that lies next to `start`, on the side
    to which V leads: by growing steps, with a search for the minimum wherever V comes near q and
    leaves again, and then by Brent's methods :cite:p:`brent1973algorithms`, those of
    `scipy.optimize`. Where V rises, that zero is the limit, since no step of the iteration passes
    it. Of the catalogue V falls for ``gaussian`` alone, with a derivative above -1/2 at the fixed
    point, and the iteration swings into it.

    Examples
    --------
    >>> round(fixed_point("tanh", weight_variance=1.5, bias_variance=0.05), 6)
    0.418037
    >>> fixed_point("tanh", weight_variance=1.0), fixed_point("relu", weight_variance=2.1)
    (0.0, inf)
    """
    row = elementwise(activation)
    weight = one_variance("weight_variance", weight_variance)
    bias = one_variance("bias_variance", bias_variance)
    q = one_variance("start", start)
    at_zero = float(variance_map(row, 0.0, weight_variance=weight, bias_variance=bias))
    alive = at_zero > _TINY  # even a variance of 0 becomes one above
    if q == 0 and not alive:
        return 0.0

    def growth(log_q: float) -> float:
        try:
            v = variance_map(row, exp(log_q), weight_variance=weight, bias_variance=bias)
        except OverflowError:
            return inf
        return float(v) / exp(log_q) - 1

    first = log(q or at_zero)
    value = growth(first)
    if abs(value) <= _ROUNDING:
        return q or at_zero
    sign, last = (1, log(_HIGHEST)) if value > 0 else (-1, -700.0 if alive else log(_LOWEST))
    bracket = _next_zero(lambda t: sign * growth(t), first, last)
    if bracket is None:
        return inf if sign == 1 else 0.0
    return exp(_root(growth, *bracket))


def depth_scale(
    activation: str | Activation, *, weight_variance: float, bias_variance: float = 0.0
) -> float:
    r"""Return the number of layers over which a squared gradient changes by a factor e.

    .. math:: \xi = 1 / |\ln \chi(q^*)|

    It grows if chi is above 1 and shrinks if chi is below. The root mean square of the gradient
    takes twice as many layers for a factor e. A network much deeper than a few of these hardly
    trains.

    Parameters
    ----------
    activation : str or Activation
        An elementwise entry of the catalogue.
    weight_variance : float
        :math:`\sigma_w^2`: the variance of a weight, times the fan-in.
    bias_variance : float
        :math:`\sigma_b^2`: the variance of a bias.

    Returns
    -------
    float
        In layers; ``inf`` where chi is 1 to 14 digits, 0.0 where it is 0 or infinite. Where the
        variance grows without bound, chi is that of the derivatives far from 0.

    Raises
    ------
    KeyError, ValueError, TypeError, ArithmeticError, ModuleNotFoundError
        As for `fixed_point`.

    Notes
    -----
    Schoenholz et al., 2017 :cite:p:`schoenholz2017deep`, whose :math:`\xi_c` this is for chi below
    1: the depth to which two inputs can be told apart.

    Examples
    --------
    >>> round(depth_scale("tanh", weight_variance=0.5), 3)  # 1 / ln 2
    1.443
    """
    row = elementwise(activation)
    weight = one_variance("weight_variance", weight_variance)
    q = fixed_point(row, weight_variance=weight, bias_variance=bias_variance)
    factor = weight * (_far_derivatives(row) if q == inf else float(chi(row, q)))
    if factor in (0, inf):
        return 0.0
    return inf if abs(factor - 1) <= _ROUNDING else 1 / abs(log(factor))


def _far_derivatives(row: Activation) -> float:
    """Return the limit of the mean squared derivative for large variances."""
    with np.errstate(over="ignore"):
        return float(np.mean(row.derivative(np.array([-1e300, 1e300])) ** 2))


def critical_weight_variance(activation: str | Activation, *, bias_variance: float = 0.0) -> float:
    r"""Return the weight variance at the edge of chaos: chi is 1 at the fixed point.

    .. math:: \chi(q^*) = 1, \quad q^* = V(q^*)

    Parameters
    ----------
    activation : str or Activation
        An elementwise entry of the catalogue.
    bias_variance : float
        :math:`\sigma_b^2`: the variance of a bias.

    Returns
    -------
    float
        :math:`\sigma_w^2`, the smallest one if there are several.

    Raises
    ------
    KeyError
        If there is no such activation.
    ValueError
        If it is not elementwise, the variance is negative or not finite, or there is no such point:
        see the notes.
    TypeError
        If the variance is not a real number.
    ModuleNotFoundError
        If SciPy is not installed.

    Notes
    -----
    A point of the edge is a fixed point that is finite, stable, and reached from the variance 1.
    On the edge both equations hold, so the weight variance drops out of them, and one equation in q
    is left, :math:`(q - \sigma_b^2)\,\mathrm{E}[\phi'^2] = \mathrm{E}[\phi^2]`, which is solved for
    q up to 1e6, or three times the variance of a bias if that is more.

    Without such a point, whatever the biases: ``softplus``, ``squareplus``, ``sparse_plus`` and
    ``log_sigmoid``, since the mean of their output makes the variance grow faster than gradients;
    ``hard_shrink``, ``soft_shrink``, ``tanh_shrink``, ``squared_relu`` and ``exponential``, which
    amplify large inputs more than small ones, so that a variance that does not shrink explodes; and
    ``identity``, ``relu`` and others that are linear on each side of 0 as soon as there are biases,
    each of which adds to the variance without end (without biases, ReLU's point is 2). ``gelu``,
    ``silu``, ``mish`` and similar ones amplify large inputs more than small ones, too, and have
    none for small biases: at the weight variance at which a variance of 1 ceases to vanish, chi
    jumps past 1. A bias variance of 0.5 gives GELU one, just below 2.

    Schoenholz et al., 2017 :cite:p:`schoenholz2017deep`; Hayou et al., 2019
    :cite:p:`hayou2019impact`, for ReLU and smooth activations like it.

    Examples
    --------
    >>> round(critical_weight_variance("tanh", bias_variance=0.05), 4)
    1.761
    """
    row = elementwise(activation)
    bias = one_variance("bias_variance", bias_variance)

    def surplus(log_q: float) -> float:
        q = exp(log_q)
        try:
            return (q - bias) * float(chi(row, q)) / float(variance_map(row, q)) - 1
        except (OverflowError, ZeroDivisionError):  # nothing passes, or too much
            return nan

    candidates = []
    at_zero = float(chi(row, 0.0))
    if bias == 0 and at_zero > 0 and float(variance_map(row, 0.0)) <= _TINY:
        candidates.append((1 / at_zero, 0.0))
    for q in _critical_variances(surplus, bias):
        candidates.append((1 / float(chi(row, q)), q))
    for weight, q in sorted(candidates):
        if _settles(row, weight, bias, q):
            return weight
    raise ValueError(
        f"{row.name} has no edge of chaos with bias_variance {bias_variance!r}: for no weight "
        f"variance is chi 1 at a fixed point up to {_last_critical(bias):g} that is stable and "
        f"reached from variance 1; see critical_weight_variance on which activations have one, and "
        f"gain on how to keep activations or gradients without"
    )


def _settles(row: Activation, weight: float, bias: float, q: float) -> bool:
    """Return whether a variance of 1 settles at this fixed point, and stays there."""
    reached = fixed_point(row, weight_variance=weight, bias_variance=bias)
    if not isfinite(reached) or abs(reached - q) > 1e-6 * q:
        return False
    return q == 0 or _map_derivative(row, weight, q) <= 1 + 1e-9


def _map_derivative(row: Activation, weight: float, q: float) -> float:
    """Return the derivative of the variance map, by Stein's lemma."""

    def inner(x: Array) -> Array:
        return np.asarray(row.function(x) * row.derivative(x) * x)

    return weight * float(expectation(inner, q, kinks=row.kinks)) / q


def _last_critical(bias: float) -> float:
    """Return the largest variance up to which fixed points on the edge are sought."""
    return max(1e6, 3 * bias)


def _critical_variances(surplus: Callable[[float], float], bias: float) -> list[float]:
    """Return the variances at which `surplus`, a function of their logarithm, is zero."""
    lowest = log(bias) if bias else log(1e-4)
    last = log(_last_critical(bias))
    grid = sorted({0.0, *np.arange(lowest + log(2), last, log(2))})
    values = [surplus(t) for t in grid]
    found = [exp(t) for t, value in zip(grid, values, strict=True) if abs(value) <= _ROUNDING]
    for (s, t), (low, high) in zip(pairwise(grid), pairwise(values), strict=True):
        if low * high < 0 and min(abs(low), abs(high)) > _ROUNDING:
            found.append(exp(_root(surplus, s, t)))
    return found


def _next_zero(
    f: Callable[[float], float], first: float, last: float
) -> tuple[float, float] | None:
    """Return where `f`, above 0 at first, was last above 0 and where it is not; None if nowhere."""
    way = 1 if last > first else -1
    places, values, above = [first], [f(first)], first
    while way * places[-1] < way * last and values[-1] < inf:
        step = max(log(2), way * places[-1] / 2)  # longer far out, where little happens
        if len(places) == 1:
            step = 1e-3  # to see which way `f` goes
        t = way * min(way * places[-1] + step, way * last)
        places.append(t)
        values.append(f(t))
        if values[-1] < -_ROUNDING:
            return above, t
        if len(values) > 2 and values[-2] + 1e-12 < min(values[-3], values[-1]):
            dip = _dip(f, places[-3], t)
            if dip is not None:
                return places[-3], dip
        if values[-1] > 0:
            above = t
    return None


def _dip(f: Callable[[float], float], low: float, high: float) -> float | None:
    """Return a place where `f` dips to 0 or below between two ends, or None."""
    found = scipy_module("optimize").minimize_scalar(
        f, bounds=sorted((low, high)), method="bounded", options={"xatol": 1e-4}
    )
    return float(found.x) if found.fun <= 0 else None


def _root(f: Callable[[float], float], low: float, high: float) -> float:
    """Return a zero of `f` between two places where its signs differ."""
    return float(scipy_module("optimize").brentq(f, low, high, xtol=4 * _EPS, rtol=4 * _EPS))
