r"""How accurate an activation is: exact values, and errors in units in the last place.

Exact values come from mpmath, to 50 digits, by the printed formulas or forms of them that do not
cancel; nothing of the library's own kernels enters. mpmath comes with PyTorch, and with the extra
``test``; nothing else in the library needs it.

`errors` compares an array of results with exact values; `survey` does so for a function over all
sizes of input. The table that ``make accuracy`` prints is made of these, of the functions of other
libraries in `course_lib.rivals`, and of double-double values (``benchmarks/references.py``), which
take a small part of mpmath's time and are held to the exact values here by the tests. Its search
for larger errors (``benchmarks/worst.py``) screens with the former and confirms with the latter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from mpmath import mp, mpf
from numpy.typing import ArrayLike, DTypeLike

from course_lib._constants import GELU_TANH_CUBIC
from course_lib._typing import Array

__all__ = [
    "EXACT",
    "EXACT_ROWS",
    "Exact",
    "Survey",
    "errors",
    "exact_rows",
    "exact_values",
    "input_rows",
    "inputs",
    "survey",
]

Real = Callable[[Any], Any]
Row = list[Any]
OfRow = Callable[[Row], Row]

# ---------------------------------------------------------------------------------------------
# Exact values
# ---------------------------------------------------------------------------------------------


def _logistic(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _normal_cdf(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _between(low: float, high: float, below: Real, inside: Real, above: Real) -> Real:
    """Return a function in three pieces; at the ends the outer ones hold."""
    return lambda x: below(x) if x <= low else above(x) if x >= high else inside(x)


def _saturated(inside: Real, below: Real, above: Real) -> Real:
    """Return a function whose limits hold to all digits beyond 10^4."""
    return _between(-1e4, 1e4, below, inside, above)


def _half_line(left: Real, right: Real) -> Real:
    return lambda x: right(x) if x > 0 else left(x)


def _zero(x: Any) -> Any:
    return mpf(0)


def _one(x: Any) -> Any:
    return mpf(1)


def _same(x: Any) -> Any:
    return x


def _tanh_shrink(x: Any) -> Any:
    if abs(x) > 1e-4:
        return x - mp.tanh(x)
    square = x * x  # Maclaurin's series, where the difference would cancel
    terms = [mpf(1) / 3, mpf(-2) / 15, mpf(17) / 315, mpf(-62) / 2835, mpf(1382) / 155925]
    return x * square * mp.polyval([mpf(-21844) / 6081075, *terms[::-1]], square)


def _squareplus(x: Any) -> Any:
    h = mp.sqrt(x * x + 4)
    return (x + h) / 2 if x > 0 else 2 / (h - x)


def _squareplus_grad(x: Any) -> Any:
    h = mp.sqrt(x * x + 4)
    return (1 + x / h) / 2 if x > 0 else 2 / (h * (h - x))


def _selu_constants() -> tuple[Any, Any]:
    """Return lambda and alpha by the closed forms of the paper's appendix."""
    once = mp.erfc(1 / mp.sqrt(2)) * mp.exp(mpf(1) / 2)
    twice = mp.erfc(mp.sqrt(2)) * mp.exp(2)
    alpha = mp.sqrt(2 / mp.pi) / (1 - once)
    # the variance: 1/2 + alpha^2 (E[e^2x] - 2 E[e^x] + 1/2) over the left half
    scale = 1 / mp.sqrt((1 + alpha**2 * (twice - 2 * once + 1)) / 2)
    return scale, alpha


def _gelu_tanh_argument(x: Any) -> Any:
    return 2 * mp.sqrt(2 / mp.pi) * (x + mpf(GELU_TANH_CUBIC) * x**3)


def _gelu_tanh_grad(x: Any) -> Any:
    w = _gelu_tanh_argument(x)
    slope = 2 * mp.sqrt(2 / mp.pi) * (1 + 3 * mpf(GELU_TANH_CUBIC) * x**2)
    return _logistic(w) * (1 + x * slope * _logistic(-w))


def _swish(beta: Any) -> Real:
    return _saturated(lambda x: x * _logistic(beta * x), _zero, _same)


def _swish_grad(beta: Any) -> Real:
    def slope(x: Any) -> Any:
        return _logistic(beta * x) * (1 + beta * x * _logistic(-beta * x))

    return _saturated(slope, _zero, _one)


def _mish_grad(x: Any) -> Any:
    soft = mp.log1p(mp.exp(x))
    return mp.tanh(soft) + x * mp.sech(soft) ** 2 * _logistic(x)


def _leaky(slope: Any) -> tuple[Real, Real]:
    return _half_line(lambda x: slope * x, _same), _half_line(lambda x: slope, _one)


def _third(x: Any) -> Any:
    return (x + 3) / 6


_exponential = _saturated(mp.exp, _zero, lambda x: mp.ldexp(1, 10_000))  # larger than any float
_HEIGHT, _QUICK = mpf(1.7159), mpf(1.702)  # decimals in a formula mean the nearest float64

EXACT: Mapping[str, tuple[Real, Real]] = MappingProxyType(
    {
        "identity": (_same, _one),
        "relu": (_half_line(_zero, _same), _half_line(_zero, _one)),
        "leaky_relu": _leaky(mpf(0.01)),
        "prelu": _leaky(mpf(0.25)),
        "rrelu": _leaky(mpf((1 / 8 + 1 / 3) / 2)),
        "threshold": (_half_line(_zero, _same), _half_line(_zero, _one)),
        "relu6": (
            _between(0, 6, _zero, _same, lambda x: mpf(6)),
            _between(0, 6, _zero, _one, _zero),
        ),
        "hard_tanh": (
            _between(-1, 1, lambda x: mpf(-1), _same, _one),
            _between(-1, 1, _zero, _one, _zero),
        ),
        "hard_sigmoid": (
            _between(-3, 3, _zero, _third, _one),
            _between(-3, 3, _zero, lambda x: mpf(1) / 6, _zero),
        ),
        "sparse_sigmoid": (
            _between(-1, 1, _zero, lambda x: (x + 1) / 2, _one),
            _between(-1, 1, _zero, lambda x: mpf(1) / 2, _zero),
        ),
        "hard_shrink": (
            lambda x: x if abs(x) > 0.5 else mpf(0),
            lambda x: mpf(int(abs(x) > 0.5)),
        ),
        "soft_shrink": (
            lambda x: mp.sign(x) * max(abs(x) - 0.5, mpf(0)),
            lambda x: mpf(int(abs(x) > 0.5)),
        ),
        "squared_relu": (
            _half_line(_zero, lambda x: x * x),
            _half_line(_zero, lambda x: 2 * x),
        ),
        "hard_swish": (
            _between(-3, 3, _zero, lambda x: x * _third(x), _same),
            _between(-3, 3, _zero, lambda x: (2 * x + 3) / 6, _one),
        ),
        "sparse_plus": (
            _between(-1, 1, _zero, lambda x: (x + 1) ** 2 / 4, _same),
            _between(-1, 1, _zero, lambda x: (x + 1) / 2, _one),
        ),
        "sigmoid": (
            _saturated(_logistic, _zero, _one),
            _saturated(lambda x: _logistic(x) * _logistic(-x), _zero, _zero),
        ),
        "log_sigmoid": (
            _saturated(lambda x: min(x, mpf(0)) - mp.log1p(mp.exp(-abs(x))), _same, _zero),
            _saturated(lambda x: _logistic(-x), _one, _zero),
        ),
        "tanh": (mp.tanh, _saturated(lambda x: mp.sech(x) ** 2, _zero, _zero)),
        "lecun_tanh": (
            lambda x: _HEIGHT * mp.tanh(2 * x / 3),
            _saturated(lambda x: _HEIGHT * 2 / 3 * mp.sech(2 * x / 3) ** 2, _zero, _zero),
        ),
        "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
        "tanh_shrink": (_tanh_shrink, lambda x: mp.tanh(x) ** 2),
        "softplus": (
            _saturated(lambda x: max(x, mpf(0)) + mp.log1p(mp.exp(-abs(x))), _zero, _same),
            _saturated(_logistic, _zero, _one),
        ),
        "squareplus": (_squareplus, _squareplus_grad),
        "elu": (_half_line(mp.expm1, _same), _half_line(_exponential, _one)),
        "celu": (_half_line(mp.expm1, _same), _half_line(_exponential, _one)),
        "selu": (
            lambda x: _selu_constants()[0] * (x if x > 0 else _selu_constants()[1] * mp.expm1(x)),
            lambda x: (
                _selu_constants()[0] * (1 if x > 0 else _selu_constants()[1] * _exponential(x))
            ),
        ),
        "gelu": (
            _saturated(lambda x: x * _normal_cdf(x), _zero, _same),
            _saturated(lambda x: _normal_cdf(x) + x * mp.npdf(x), _zero, _one),
        ),
        "gelu_tanh": (
            _saturated(lambda x: x * _logistic(_gelu_tanh_argument(x)), _zero, _same),
            _saturated(_gelu_tanh_grad, _zero, _one),
        ),
        "quick_gelu": (_swish(_QUICK), _swish_grad(_QUICK)),
        "silu": (_swish(1), _swish_grad(1)),
        "swish": (_swish(1), _swish_grad(1)),
        "mish": (
            _saturated(lambda x: x * mp.tanh(mp.log1p(mp.exp(x))), _zero, _same),
            _saturated(_mish_grad, _zero, _one),
        ),
        "sine": (mp.sin, mp.cos),
        "gaussian": (
            _saturated(lambda x: mp.exp(-x * x), _zero, _zero),
            _saturated(lambda x: -2 * x * mp.exp(-x * x), _zero, _zero),
        ),
        "exponential": (_exponential, _exponential),
    }
)
"""Every elementwise activation and its derivative, as functions of an mpmath number."""


def _terms(row: Row) -> tuple[Row, Row]:
    """Return the probabilities of a row, and for each the sum of the others."""
    terms = [mp.exp(x - max(row)) for x in row]
    total = mp.fsum(terms)
    others = [mp.fsum(terms[:i] + terms[i + 1 :]) for i in range(len(terms))]
    return [t / total for t in terms], [o / total for o in others]


def _softmax(row: Row) -> Row:
    return _terms(row)[0]


def _softmax_jacobian(row: Row) -> Row:
    p, rest = _terms(row)
    n = range(len(p))
    return [p[i] * (rest[i] if i == j else -p[j]) for i in n for j in n]


def _log_softmax(row: Row) -> Row:
    top = row.index(max(row))
    rest = mp.fsum(mp.exp(x - row[top]) for i, x in enumerate(row) if i != top)
    return [x - row[top] - mp.log1p(rest) for x in row]


def _log_softmax_jacobian(row: Row) -> Row:
    p, rest = _terms(row)
    n = range(len(p))
    return [rest[i] if i == j else -p[j] for i in n for j in n]


def _logsumexp(row: Row) -> Row:
    return [max(row) - max(_log_softmax(row))]


def _halves(row: Row) -> tuple[Row, Row]:
    return row[: len(row) // 2], row[len(row) // 2 :]


def _maxout(row: Row) -> Row:
    return [max(pair) for pair in zip(*_halves(row), strict=True)]


def _maxout_grad(row: Row) -> Row:
    a, b = _halves(row)
    first = [mpf(int(x >= y)) for x, y in zip(a, b, strict=True)]
    return first + [1 - x for x in first]


def _gated(gate: str) -> tuple[OfRow, OfRow]:
    function, slope = EXACT[gate]

    def value(row: Row) -> Row:
        return [a * function(b) for a, b in zip(*_halves(row), strict=True)]

    def derivative(row: Row) -> Row:
        a, b = _halves(row)
        return [function(y) for y in b] + [x * slope(y) for x, y in zip(a, b, strict=True)]

    return value, derivative


def _opposite(function: OfRow, sign: int) -> OfRow:
    return lambda row: [sign * value for value in function([-x for x in row])]


EXACT_ROWS: Mapping[str, tuple[OfRow, OfRow]] = MappingProxyType(
    {
        "softmax": (_softmax, _softmax_jacobian),
        "softmin": (_opposite(_softmax, 1), _opposite(_softmax_jacobian, -1)),
        "log_softmax": (_log_softmax, _log_softmax_jacobian),
        "logsumexp": (_logsumexp, _softmax),
        "maxout": (_maxout, _maxout_grad),
        "glu": _gated("sigmoid"),
        "reglu": _gated("relu"),
        "geglu": _gated("gelu"),
        "swiglu": _gated("silu"),
    }
)
"""Every activation over an axis and its derivative, as functions of a list of mpmath numbers."""


@dataclass(frozen=True)
class Exact:
    """Exact values as fractions in [1/2, 1), each a sum of two floats, times powers of two.

    Attributes
    ----------
    fraction, rest : ndarray of float64
        Their sum has about 32 digits; 0 for a value of 0.
    exponent : ndarray of int
        Of two.
    """

    fraction: Array
    rest: Array
    exponent: Array


def exact_values(function: Real, x: ArrayLike) -> Exact:
    """Return the exact values of a function, to 50 digits.

    Parameters
    ----------
    function : callable
        Of an mpmath number, such as those of `EXACT`.
    x : array_like
        Finite numbers of any float dtype, one dimension.

    Returns
    -------
    Exact
        In the shape of `x`.

    Examples
    --------
    >>> exact_values(mp.exp, [0.0]).fraction
    array([0.5])
    """
    points = np.asarray(x, dtype=np.float64).tolist()
    with mp.workdps(50):
        return _split([function(mpf(point)) for point in points])


def exact_rows(function: OfRow, rows: Array) -> Exact:
    """Return the exact values of a function of rows, to 50 digits.

    Parameters
    ----------
    function : callable
        Of a list of mpmath numbers, such as those of `EXACT_ROWS`.
    rows : ndarray
        Finite numbers of any float dtype, shape ``(rows, n)``.

    Returns
    -------
    Exact
        One dimension: the values of all rows, one after the other.

    Examples
    --------
    >>> exact_rows(EXACT_ROWS["softmax"][0], np.zeros((1, 2))).exponent
    array([0, 0])
    """
    with mp.workdps(50):
        results = [function([mpf(x) for x in row]) for row in rows.astype(np.float64).tolist()]
        return _split([value for result in results for value in result])


def _split(values: list[Any]) -> Exact:
    """Return mpmath numbers as fractions and exponents."""
    with mp.workdps(50):
        parts = [mp.frexp(value) for value in values]
        fraction = [float(f) for f, _ in parts]
        rest = [float(f - g) for (f, _), g in zip(parts, fraction, strict=True)]
    exponent = [min(max(int(e), -5000), 5000) for _, e in parts]
    return Exact(np.array(fraction), np.array(rest), np.array(exponent))


# ---------------------------------------------------------------------------------------------
# Errors
# ---------------------------------------------------------------------------------------------


def errors(values: Array, exact: Exact) -> Array:
    """Return errors in ULPs: distances from the exact values, in the spacing of floats there.

    Parameters
    ----------
    values : ndarray
        float16, float32 or float64, one dimension.
    exact : Exact
        What they should be.

    Returns
    -------
    ndarray of float64
        At least 0; 0 where an overflow is right, infinite where it is wrong, and at NaN. Half a ULP
        is what rounding costs. Below the smallest normal number the spacing no longer shrinks.

    Examples
    --------
    >>> third = exact_values(lambda x: x / 3, [1.0])
    >>> errors(np.array([1 / 3]), third).round(2), errors(np.float32([0.3333]), third).round()
    (array([0.33]), array([1119.]))
    """
    info = np.finfo(values.dtype)
    spacing = np.maximum(exact.exponent - 1, info.minexp) - info.nmant - exact.exponent
    with np.errstate(all="ignore"):
        # scaled in two steps: one alone may overflow
        half = -exact.exponent // 2
        scaled = np.ldexp(np.ldexp(values.astype(np.float64), half), -exact.exponent - half)
        error = np.ldexp(np.abs((scaled - exact.fraction) - exact.rest), -spacing)
    error[np.isnan(error)] = np.inf
    limit = np.ldexp(np.array([float(info.max)]), -info.maxexp)[0]  # a little below 1
    over = (exact.exponent > info.maxexp) | (
        (exact.exponent == info.maxexp) & (np.abs(exact.fraction) >= (1 + limit) / 2)
    )
    right = np.isinf(values) & (np.sign(values) == np.sign(exact.fraction))
    return np.where(over, np.where(right, 0.0, np.inf), error)


def inputs(dtype: DTypeLike, size: int = 2000, near: Sequence[float] = ()) -> Array:
    """Return inputs that find errors: of every size, dense in the middle, beside turning points.

    Parameters
    ----------
    dtype : dtype
        float16, float32 or float64.
    size : int
        About how many.
    near : sequence of float
        Further points to surround.

    Returns
    -------
    ndarray
        Finite, sorted, without repetition, of both signs.

    Examples
    --------
    >>> x = inputs(np.float32, 100)
    >>> x.dtype, bool((np.diff(x) > 0).all())
    (dtype('float32'), True)
    """
    dtype = np.dtype(dtype)
    info, rng = np.finfo(dtype), np.random.default_rng(0)
    share = size // 8
    exponents = np.linspace(info.minexp - info.nmant, info.maxexp - 1, share).round().astype(int)
    by_size = np.ldexp(1 + rng.random(share), exponents)
    reach = {2: 18, 4: 104, 8: 746}[dtype.itemsize]  # beyond, e^-x is no longer a number
    spread = [rng.uniform(0, r, share) for r in (20, 20, 40, reach)]
    turns = np.array([*_TURNS, *np.abs(near)])
    steps = info.eps * np.array([-8, -3, -2, -1, 0, 1, 2, 3, 8, 1e3, -1e3, 1e6, -1e6])
    beside = (turns[:, np.newaxis] * (1 + steps)).ravel()
    with np.errstate(over="ignore", under="ignore"):
        x = np.concatenate([by_size, *spread, beside]).astype(dtype)
    x = np.concatenate([x, -x, np.zeros(1, dtype)])
    return np.unique(x[np.isfinite(x)])


def input_rows(dtype: DTypeLike, size: int = 300, length: int = 6) -> Array:
    """Return rows that find errors: of numbers near each other, and far apart.

    Parameters
    ----------
    dtype : dtype
        float16, float32 or float64.
    size : int
        How many.
    length : int
        Numbers in a row.

    Returns
    -------
    ndarray
        Shape ``(size, length)``; normal, with standard deviations from 0.1 to 100 (to 10 in
        float16).

    Examples
    --------
    >>> input_rows(np.float32).shape
    (300, 6)
    """
    most = 1 if np.dtype(dtype).itemsize == 2 else 2
    scale = np.logspace(-1, most, size)[:, np.newaxis]
    return (np.random.default_rng(0).standard_normal((size, length)) * scale).astype(dtype)


# kinks, zeros of derivatives, ends of exponentials, and where the kernels change their form
_TURNS = [0.5, 0.75179, 0.75246, 0.7512, 1, 1.19243, 1.27846, 1.4142, 1.5, 2, 3, 6, 8.8, 16, 16.6]
_TURNS += [20.9, 21.6, 25, 26.6, 36.7, 37.5, 38.6, 40, 88, 103.9, 320, 354.2, 354.9, 372.5, 416]
_TURNS += [437.9, 531, 558.8, 600, 640, 700, 708.4, 708.9, 709.78, 745.1, 800]


@dataclass(frozen=True)
class Survey:
    """What `survey` found.

    Attributes
    ----------
    worst : float
        The largest error in ULPs.
    worst_normal : float
        The same, among results that should be normal numbers: not subnormal, where some libraries
        put 0.
    at : float
        The input that has it.
    rounded : float
        The share of results that are correctly rounded.
    lost : bool
        Whether a result that should be a normal number is off by a quarter of itself or more, such
        as a false 0, or is NaN.
    """

    worst: float
    worst_normal: float
    at: float
    rounded: float
    lost: bool


def survey(function: Callable[[Array], Any], exact: Exact, x: Array) -> Survey:
    """Return how far a function is from exact values.

    Parameters
    ----------
    function : callable
        Of an array; of the library, or of a rival.
    exact : Exact
        Its exact values at `x`.
    x : ndarray
        One dimension.

    Returns
    -------
    Survey
        Worst error, where it is, share of correctly rounded results, whether a result is lost.

    Examples
    --------
    >>> from course_lib import activations
    >>> x = inputs(np.float32, 100)
    >>> found = survey(activations.relu, exact_values(EXACT["relu"][0], x), x)
    >>> found.worst, found.rounded
    (0.0, 1.0)
    """
    values = np.asarray(function(x))
    off = errors(values, exact)
    info = np.finfo(values.dtype)
    normal = (exact.exponent - 1 >= info.minexp) & (exact.exponent <= info.maxexp)
    lost = normal & (off >= 2.0 ** (info.nmant - 2))
    worst = int(off.argmax())
    return Survey(
        worst=float(off[worst]),
        worst_normal=float(off[normal].max(initial=0)),
        at=float(x[worst]),
        rounded=float((off <= 0.5).mean()),
        lost=bool(lost.any()),
    )
