r"""Wide random networks in theory: how signals and gradients grow from layer to layer.

Draw weights at random, with mean 0 and variance :math:`\sigma_w^2/\text{fan-in}`, and biases with
variance :math:`\sigma_b^2`. In a wide layer, each pre-activation is a sum of many independent
terms, hence nearly normal: all that is left to know of it is its variance :math:`q`, and one
function of one number tells what happens in a network of any depth :cite:p:`poole2016exponential`:

.. math::

    V(q) = \sigma_w^2\,\mathrm{E}[\phi(x)^2] + \sigma_b^2, \quad
    \chi(q) = \sigma_w^2\,\mathrm{E}[\phi'(x)^2], \quad x \sim \mathcal N(0, q)

Layer by layer, :math:`q \leftarrow V(q)` settles at a fixed point :math:`q^*`, and a squared
gradient is multiplied by :math:`\chi(q^*)`. Below 1 gradients vanish and all inputs come to look
alike; above 1 gradients explode and inputs that differ a little come to differ completely; the
line between is the *edge of chaos* :cite:p:`schoenholz2017deep`, and on it lie the initializations
of deep networks :cite:p:`he2015delving,hayou2019impact`. `gain` is the shortcut: the scale of the
weights that keeps one layer's signal, or its gradient.

The theory is that of infinite width and of weights fresh at each layer; `course_lib.experiments`
measures how far a real network is from it. Activations are those of the catalogue that work
element by element, with their default parameters.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from math import exp, inf, isfinite, log, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib import activations
from course_lib._checks import as_integer, as_number, unknown_name
from course_lib._typing import Array
from course_lib.activations import CATALOGUE, Activation
from course_lib.numerics import as_float

__all__ = [
    "chi",
    "critical_weight_variance",
    "depth_scale",
    "expectation",
    "fixed_point",
    "gain",
    "gauss_hermite",
    "variance_map",
]

Function = Callable[[Array], Any]

# ---------------------------------------------------------------------------------------------
# Expectations
# ---------------------------------------------------------------------------------------------

_FAR = 37.0  # standard deviations; beyond, the density is below the smallest normal float
_DEVIATIONS = np.array([*range(11), 13, 17, 22, 29, _FAR])
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_MOST_PIECES = 2**17
_TINY = float(np.finfo(np.float64).tiny)
_EPS = float(np.finfo(np.float64).eps)
_ROUNDING = 1e-14  # what counts as equal, with the rounding errors of an expectation in mind


def expectation(
    function: Function,
    variance: ArrayLike = 1.0,
    *,
    kinks: Sequence[float] = (),
    tolerance: float = 1e-12,
) -> Any:
    r"""Return the mean of a function of a normal variable.

    .. math:: \mathrm{E}[f(x)], \quad x \sim \mathcal N(0, q)

    Parameters
    ----------
    function : callable
        Takes a float64 array and returns one of the same shape.
    variance : array_like of float
        :math:`q`, at least 0. For 0 the result is the limit: the mean of the function's values just
        left and just right of 0.
    kinks : sequence of float
        Where the function, or a derivative of it, jumps. 0 and the powers of 2 from 1/4 on, of
        both signs, need not be named. One that is not named costs time, not accuracy.
    tolerance : float
        Largest error, relative to :math:`\mathrm{E}|f(x)|`.

    Returns
    -------
    ndarray or scalar of float64
        The shape of `variance`.

    Raises
    ------
    ValueError
        If a variance is negative or not finite, the tolerance is not between 0 and 1, or the
        function returns another shape.
    TypeError
        If the variance is not a real number, the function cannot be called, or the kinks are not a
        sequence of numbers.
    OverflowError
        If the function overflows within 37 standard deviations.
    ArithmeticError
        If the function gives NaN, or the tolerance is not reached, as for a sine at a variance of
        1e9, whose every wave would have to be seen.

    Notes
    -----
    Gauss-Legendre rules of 12 nodes on pieces that end at the kinks, at powers of 2 and at whole
    standard deviations, so that what happens at the scale of the function is seen as well as what
    happens at that of the density. A piece is halved until it and its halves agree. Against closed
    forms and mpmath the error is below 2e-13 of :math:`\mathrm{E}|f|` for variances from 1e-12 to
    1e8, with all kinks named and the tolerance as it is.

    Plain Gauss-Hermite quadrature (`gauss_hermite`) is not enough. At a kink its error falls as
    slowly as 1/nodes: for :math:`\mathrm{E}[\text{ReLU}(x)^2]` it is right by symmetry, but for
    :math:`\mathrm{E}[\text{ReLU}(x)]` 64 nodes are wrong by 0.65 %, where one node on each side of
    the kink is exact. And at a large variance a smooth bend is a kink to it: of
    :math:`\mathrm{E}[\tanh'(x)^2]` at :math:`q = 10^4`, 64 nodes see nothing, and 64 on each side
    of 0 are wrong by 10 %.

    Examples
    --------
    >>> expectation(activations.relu, [0.0, 1.0], kinks=[0.0]).round(12)
    array([0.        , 0.39894228])
    """
    q = _variances("variance", variance)
    places = _check_function(function, kinks)
    try:
        bound = as_number("tolerance", tolerance)
    except ValueError:
        bound = 0.0
    if not 0 < bound < 1:
        raise ValueError(f"tolerance is {tolerance!r}; expected a number above 0 and below 1")
    result = np.empty(q.shape)
    for i, each in np.ndenumerate(q):
        result[i] = _integral(function, float(each), places, bound)
    return result[()]


def _check_function(function: Any, kinks: Any) -> tuple[float, ...]:
    """Return the kinks as numbers, or raise TypeError if these two are of another kind."""
    if not callable(function):
        raise TypeError(
            f"function is {function!r}; expected a callable, such as course_lib.activations.relu"
        )
    places = np.asarray(kinks)
    if places.ndim != 1 or places.dtype.kind not in "fiu":
        raise TypeError(f"kinks is {kinks!r}; expected a sequence of numbers, such as [0.0]")
    return tuple(places.astype(np.float64).tolist())


def _integral(function: Function, q: float, kinks: Sequence[float], tolerance: float) -> float:
    """Return the expectation for one variance."""
    if q == 0:
        return float(_values(function, np.array([-_TINY, _TINY])).mean())
    deviation = sqrt(q)
    edges = _edges(deviation, kinks)
    left, right = edges[:-1], edges[1:]
    whole = _pieces(function, deviation, left, right)
    total, done, allowance = 0.0, 0, tolerance * float(whole[2].sum())
    while len(left):
        done += len(left)
        if done > _MOST_PIECES:
            raise ArithmeticError(
                f"the expectation at variance {q:g} is not reached to {tolerance:g} with "
                f"{_MOST_PIECES} pieces; the function changes too fast there, so lower the "
                f"variance, name its kinks, or accept a larger tolerance"
            )
        middle = (left + right) / 2
        first = _pieces(function, deviation, left, middle)
        second = _pieces(function, deviation, middle, right)
        halves = first + second
        moment = (halves[1] - first[0] + second[0]) / 2
        # a wave that is not resolved may agree with its halves by chance, but hardly in two numbers
        difference = np.maximum(abs(halves[0] - whole[0]), abs(moment - whole[1]))
        share = allowance / (2 * len(left))
        # the density's exponent is rounded as well
        rounding = _EPS * (8 + (np.maximum(abs(left), abs(right)) / deviation) ** 2) * halves[2]
        again = difference > share + rounding
        total += float(halves[0][~again].sum())
        allowance -= float(np.minimum(difference, share)[~again].sum())
        left, right = (
            np.concatenate([left[again], middle[again]]),
            np.concatenate([middle[again], right[again]]),
        )
        whole = np.concatenate([first[:, again], second[:, again]], axis=1)
    return total


def _edges(deviation: float, kinks: Sequence[float]) -> Array:
    """Return where the pieces end: a sorted array without repetition."""
    far = _FAR * deviation
    octaves = 2.0 ** np.arange(-2, max(int(np.log2(far)) + 1, -1))
    half = np.concatenate([_DEVIATIONS * deviation, octaves])
    edges = np.concatenate([half, -half, np.asarray(kinks, np.float64)])
    return np.unique(edges[abs(edges) <= far])


def _pieces(function: Function, deviation: float, left: Array, right: Array) -> Array:
    """Return the integrals of f, t f and |f| times the density; t is -1 and 1 at a piece's ends."""
    half = ((right - left) / 2)[:, np.newaxis]
    x = ((left + right) / 2)[:, np.newaxis] + half * _NODES
    weights = _WEIGHTS * half * _density(x / deviation) / deviation
    values = _values(function, x.ravel()).reshape(x.shape) * weights
    return np.stack([values.sum(axis=1), values @ _NODES, abs(values).sum(axis=1)])


def _density(z: Array) -> Array:
    return np.exp(-z * z / 2) / sqrt(2 * np.pi)


def _values(function: Function, x: Array) -> Array:
    """Return the function's values as float64, or raise if they are of no use."""
    with np.errstate(over="ignore"):  # what overflows is told below
        values = np.asarray(function(x), dtype=np.float64)
    if values.shape != x.shape:
        raise ValueError(
            f"the function returned shape {values.shape} for an input of shape {x.shape}; "
            f"it must keep the shape"
        )
    if not np.isfinite(values).all():
        place = int(np.argmin(np.isfinite(values)))
        error = ArithmeticError if np.isnan(values[place]) else OverflowError
        raise error(
            f"the function is {values[place]} at {x[place]:g}; it must be finite within "
            f"{_FAR:g} standard deviations, so lower the variance"
        )
    return values


def gauss_hermite(
    function: Function,
    variance: ArrayLike = 1.0,
    nodes: int = 20,
    *,
    kinks: Sequence[float] = (),
) -> Any:
    r"""Estimate the mean of a function of a normal variable by Gauss-Hermite quadrature.

    It is exact for polynomials of degree below twice the number of nodes, and converges fast for
    functions that resemble them. `expectation` says where it does not; this function is here to
    show that.

    Parameters
    ----------
    function : callable
        Takes a float64 array and returns one of the same shape.
    variance : array_like of float
        Of the variable, at least 0.
    nodes : int
        How many; between kinks, how many on each piece.
    kinks : sequence of float
        Where to split: each piece then gets the Gauss rule of the density limited to it.

    Returns
    -------
    ndarray or scalar of float64
        The shape of `variance`.

    Raises
    ------
    ValueError
        As for `expectation`, or if there are fewer nodes than 1 or more than 200.
    TypeError
        If the variance is not a real number, `nodes` not a whole one, or as for `expectation`.

    Notes
    -----
    Golub and Welsch, 1969 :cite:p:`golub1969calculation`: the nodes are the eigenvalues of the
    matrix of the recurrence that the orthogonal polynomials fulfill. On a part of the line, that
    matrix comes from a fine discretization, by the method of Lanczos.

    Examples
    --------
    >>> bool(abs(gauss_hermite(np.square, 3.0, nodes=2) - 3) < 1e-12)
    True
    """
    q = _variances("variance", variance)
    places = _check_function(function, kinks)
    count = as_integer("nodes", nodes)
    if not 1 <= count <= 200:
        raise ValueError(f"nodes is {nodes!r}; expected an integer from 1 to 200")
    result = np.empty(q.shape)
    for i, each in np.ndenumerate(q):
        deviation = sqrt(each)
        ends = [k / deviation for k in sorted(set(places)) if abs(k) < _FAR * deviation]
        result[i] = sum(
            weights @ _values(function, deviation * z)
            for z, weights in (_gauss_rule(*ends, count) for ends in pairwise([-inf, *ends, inf]))
        )
    return result[()]


@lru_cache(maxsize=256)
def _gauss_rule(low: float, high: float, nodes: int) -> tuple[Array, Array]:
    """Return nodes and weights for the standard normal density between two ends."""
    if low == -inf and high == inf:
        mass, diagonal, beside = 1.0, np.zeros(nodes), np.sqrt(np.arange(1, nodes))
    else:
        mass, diagonal, beside = _recurrence(max(low, -_FAR), min(high, _FAR), nodes)
    z, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    return z, mass * vectors[0] ** 2


def _recurrence(low: float, high: float, nodes: int) -> tuple[float, Array, Array]:
    """Return the mass of the density between two ends, and the matrix of its polynomials."""
    t, weights = np.polynomial.legendre.leggauss(nodes + 60)
    edges = np.linspace(low, high, int(np.ceil((high - low) / 4)) + 1)
    half = np.diff(edges)[:, np.newaxis] / 2
    z = (edges[:-1, np.newaxis] + half * (1 + t)).ravel()
    masses = (half * weights).ravel() * _density(z)
    vector = np.sqrt(masses)
    basis = np.zeros((nodes, z.size))
    diagonal, beside = np.zeros(nodes), np.zeros(nodes)
    for k in range(nodes):
        beside[k] = np.linalg.norm(vector)
        basis[k] = vector / beside[k]
        diagonal[k] = basis[k] ** 2 @ z
        vector = z * basis[k]
        for _ in range(2):  # twice, or rounding lets the basis drift
            vector -= basis[: k + 1].T @ (basis[: k + 1] @ vector)
    return float(masses.sum()), diagonal, beside[1:]


# ---------------------------------------------------------------------------------------------
# One layer
# ---------------------------------------------------------------------------------------------


def variance_map(
    activation: str | Activation,
    variance: ArrayLike,
    *,
    weight_variance: ArrayLike = 1.0,
    bias_variance: ArrayLike = 0.0,
) -> Any:
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
    row = _elementwise(activation)
    weight = _variances("weight_variance", weight_variance)
    bias = _variances("bias_variance", bias_variance)
    return weight * expectation(_square(row.function), variance, kinks=row.kinks) + bias


def chi(
    activation: str | Activation, variance: ArrayLike, *, weight_variance: ArrayLike = 1.0
) -> Any:
    r"""Return the factor by which one layer multiplies a squared gradient.

    .. math:: \chi(q) = \sigma_w^2\,\mathrm{E}[\phi'(x)^2], \quad x \sim \mathcal N(0, q)

    The squared distance of two signals that differ very little grows by the same factor on the way
    forward. Where a function jumps (``hard_shrink``) its derivative does not show the jump, and
    only the statement on gradients holds.

    Parameters
    ----------
    activation, variance
        As for `variance_map`.
    weight_variance : array_like of float
        :math:`\sigma_w^2`: the variance of a weight, times the fan-in (on the way back, strictly,
        the fan-out).

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
    row = _elementwise(activation)
    weight = _variances("weight_variance", weight_variance)
    return weight * expectation(_square(row.derivative), variance, kinks=row.kinks)


def gain(activation: str | Activation, *, keep: str = "activation", variance: float = 1.0) -> float:
    r"""Return the factor on :math:`1/\sqrt{\text{fan-in}}` that keeps a layer's signal or gradient.

    .. math:: g = \sqrt{q / \mathrm{E}[\phi(x)^2]} \quad\text{or}\quad
              g = 1 / \sqrt{\mathrm{E}[\phi'(x)^2]}, \qquad x \sim \mathcal N(0, q)

    Weights of standard deviation :math:`g/\sqrt{\text{fan-in}}` after this activation give
    pre-activations of the variance :math:`q` that came in, or send gradients back at the size at
    which they came. Where the two differ, no scale does both.

    Parameters
    ----------
    activation : str or Activation
        An elementwise entry of the catalogue.
    keep : str
        ``"activation"`` or ``"gradient"``.
    variance : float
        That of the pre-activations, :math:`q`; above 0. Only for lines bent at 0, such as ReLU,
        does it not matter.

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
    are chosen so that its gain for the signal is 1 :cite:p:`klambauer2017self`. The gain keeps the
    signal for one step from `variance`. Over many layers `variance` is a fixed point, and whether
    the signal stays there is a matter of the slope of the map: with tanh it does; with GELU, SiLU
    and Mish the slope is above 1, and a signal a little weaker dies while one a little stronger
    explodes.

    Examples
    --------
    >>> round(gain("relu") ** 2, 12), round(gain("tanh"), 4)
    (2.0, 1.5925)
    >>> round(gain("tanh", keep="gradient"), 4)
    1.4674
    """
    row = _elementwise(activation)
    q = _number("variance", variance)
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


# ---------------------------------------------------------------------------------------------
# Many layers
# ---------------------------------------------------------------------------------------------

_LOWEST = 1e-12  # a signal below dies, where nothing keeps it alive
_HIGHEST = 1e60  # and one above has no bound


def fixed_point(
    activation: str | Activation,
    *,
    weight_variance: float,
    bias_variance: float = 0.0,
    start: float = 1.0,
) -> float:
    r"""Return the variance at which signals settle in a deep network.

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
        0.0 if the signal dies (a limit below 1e-12 is not told from 0, where 0 is a fixed point),
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

    Notes
    -----
    At criticality the iteration takes for ever: tanh with weight variance 1 is at about 1/(2L)
    after L layers. So the zero of V(q)/q - 1 is sought that lies next to `start`, on the side to
    which V leads: by growing steps, with a closer look wherever V comes near q and leaves again,
    and then by Chandrupatla's method :cite:p:`chandrupatla1997new`. Where V rises, that zero is the
    limit, since no step of the iteration passes it. Of the catalogue V falls for ``gaussian``
    alone, with a slope above -1/2 at the fixed point, and the iteration swings into it.

    Examples
    --------
    >>> round(fixed_point("tanh", weight_variance=1.5, bias_variance=0.05), 6)
    0.418037
    >>> fixed_point("tanh", weight_variance=1.0), fixed_point("relu", weight_variance=2.1)
    (0.0, inf)
    """
    row = _elementwise(activation)
    weight = _number("weight_variance", weight_variance)
    bias = _number("bias_variance", bias_variance)
    q = _number("start", start)
    at_zero = float(variance_map(row, 0.0, weight_variance=weight, bias_variance=bias))
    alive = at_zero > _TINY  # even a signal of 0 becomes one above
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
    return exp(_zero(growth, *bracket))


def depth_scale(
    activation: str | Activation, *, weight_variance: float, bias_variance: float = 0.0
) -> float:
    r"""Return the number of layers over which a squared gradient changes by a factor e.

    .. math:: \xi = 1 / |\ln \chi(q^*)|

    It grows if chi is above 1 and shrinks if chi is below. The gradient itself, its root mean
    square, takes twice as many layers for a factor e. A network much deeper than a few of these
    hardly trains.

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
        signal grows without bound, chi is that of the slopes far out.

    Raises
    ------
    KeyError, ValueError, TypeError, ArithmeticError
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
    row = _elementwise(activation)
    weight = _number("weight_variance", weight_variance)
    q = fixed_point(row, weight_variance=weight, bias_variance=bias_variance)
    factor = weight * (_far_slopes(row) if q == inf else float(chi(row, q)))
    if factor in (0, inf):
        return 0.0
    return inf if abs(factor - 1) <= _ROUNDING else 1 / abs(log(factor))


def _far_slopes(row: Activation) -> float:
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

    Notes
    -----
    A point of the edge is a fixed point that is finite, stable, and reached from the variance 1.
    On the edge both equations hold, so the weight variance drops out of them, and one equation in q
    is left, :math:`(q - \sigma_b^2)\,\mathrm{E}[\phi'^2] = \mathrm{E}[\phi^2]`, which is solved for
    q up to 1e6, or three times the variance of a bias if that is more.

    Without such a point, whatever the biases: ``softplus``, ``squareplus``, ``sparse_plus`` and
    ``log_sigmoid``, since the mean of their output keeps the signal larger than its slopes do;
    ``hard_shrink``, ``soft_shrink``, ``tanh_shrink``, ``squared_relu`` and ``exponential``, which
    amplify large signals more than small ones, so that a signal that does not shrink explodes; and
    ``identity``, ``relu`` and other lines bent at 0 as soon as there are biases, each of which adds
    to the variance without end (without biases, ReLU's point is 2). ``gelu``, ``silu``, ``mish``
    and their kin amplify large signals more than small ones, too, and have none for small biases:
    at the weight variance at which a signal from 1 ceases to die, chi jumps past 1. A bias variance
    of 0.5 gives GELU one, just below 2.

    Schoenholz et al., 2017 :cite:p:`schoenholz2017deep`; Hayou et al., 2019
    :cite:p:`hayou2019impact`, for ReLU and its smooth kin.

    Examples
    --------
    >>> round(critical_weight_variance("tanh", bias_variance=0.05), 4)
    1.761
    """
    row = _elementwise(activation)
    bias = _number("bias_variance", bias_variance)

    def surplus(log_q: float) -> float:
        q = exp(log_q)
        try:
            return (q - bias) * float(chi(row, q)) / float(variance_map(row, q)) - 1
        except (OverflowError, ZeroDivisionError):  # nothing passes, or too much
            return nan

    candidates = []
    slope = float(chi(row, 0.0))
    if bias == 0 and slope > 0 and float(variance_map(row, 0.0)) <= _TINY:
        candidates.append((1 / slope, 0.0))
    for q in _critical_variances(surplus, bias):
        candidates.append((1 / float(chi(row, q)), q))
    for weight, q in sorted(candidates):
        if _settles(row, weight, bias, q):
            return weight
    raise ValueError(
        f"{row.name} has no edge of chaos with bias_variance {bias_variance!r}: for no weight "
        f"variance is chi 1 at a fixed point up to {_last_critical(bias):g} that is stable and "
        f"reached from variance 1; see critical_weight_variance on which activations have one, and "
        f"gain on how to keep a signal or gradient without"
    )


def _settles(row: Activation, weight: float, bias: float, q: float) -> bool:
    """Return whether signals from variance 1 settle at this fixed point, and stay there."""
    reached = fixed_point(row, weight_variance=weight, bias_variance=bias)
    if not isfinite(reached) or abs(reached - q) > 1e-6 * q:
        return False
    return q == 0 or _slope(row, weight, q) <= 1 + 1e-9


def _slope(row: Activation, weight: float, q: float) -> float:
    """Return the slope of the variance map, by Stein's lemma."""

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
            found.append(exp(_zero(surplus, s, t)))
    return found


# ---------------------------------------------------------------------------------------------
# Zeros and checks
# ---------------------------------------------------------------------------------------------


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
    """Return a place where `f` dips to 0 or below between two ends, by golden section, or None."""
    ratio = (sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    f_left, f_right = f(left), f(right)
    while min(f_left, f_right) > 0:
        if abs(high - low) < 1e-4:
            return None
        if f_left < f_right:
            high, right, f_right = right, left, f_left
            left = high - ratio * (high - low)
            f_left = f(left)
        else:
            low, left, f_left = left, right, f_right
            right = low + ratio * (high - low)
            f_right = f(right)
    return left if f_left <= 0 else right


def _zero(f: Callable[[float], float], a: float, b: float) -> float:
    """Return a zero of `f` between two places where its signs differ, by Chandrupatla's method."""
    fa, fb = f(a), f(b)
    share = 0.5
    while True:
        x = a + share * (b - a)
        fx = f(x)
        if (fx > 0) == (fa > 0):
            c, fc = a, fa
        else:
            c, fc, b, fb = b, fb, a, fa
        a, fa = x, fx
        best, f_best = (a, fa) if abs(fa) < abs(fb) else (b, fb)
        least = 4 * _EPS * (abs(best) + 1) / abs(b - a)
        if f_best == 0 or least > 0.5:
            return best
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        share = 0.5
        if phi**2 < xi and (1 - phi) ** 2 < 1 - xi:  # then the inverse parabola can be trusted
            share = fa / (fb - fa) * fc / (fb - fc)
            share += (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        share = min(max(share, least), 1 - least)


def _square(function: Function) -> Function:
    return lambda x: np.square(function(x))


def _elementwise(activation: str | Activation) -> Activation:
    """Return the entry, or raise ValueError if a unit sees more than its own input."""
    row = activations.get(activation)
    if not row.elementwise:
        names = ", ".join(entry.name for entry in CATALOGUE.values() if entry.elementwise)
        raise ValueError(
            f"{row.name} works over an axis; mean-field theory here is for an activation that "
            f"works element by element. Accepted: {names}"
        )
    return row


def _variances(name: str, value: ArrayLike) -> Array:
    """Return variances as float64, or raise if they are not finite numbers from 0 on."""
    array = as_float(value, name).astype(np.float64)
    if not (np.isfinite(array) & (array >= 0)).all():
        raise ValueError(f"{name} is {value!r}; expected finite numbers from 0 on")
    return array


def _number(name: str, value: Any) -> float:
    """Return one variance as a float."""
    array = _variances(name, value)
    if array.ndim:
        raise ValueError(f"{name} has shape {array.shape}; expected one number")
    return float(array)
