"""Exact values of every activation and its derivative, by mpmath to 50 digits.

They come from the printed formulas or forms of them that do not cancel; nothing of the library's
own kernels enters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
from mpmath import mp, mpf
from numpy.typing import ArrayLike

from course_lib._typing import Array

__all__ = [
    "EXACT",
    "EXACT_ROWS",
    "EXACT_WITH",
    "Exact",
    "exact_entry",
    "exact_function",
    "exact_rows",
    "exact_values",
]

Real = Callable[[Any], Any]
Row = list[Any]
OfRow = Callable[[Row], Row]
Curve = tuple[Real, Real]
"""A function of an mpmath number, and its derivative."""

# ---------------------------------------------------------------------------------------------
# Elementwise
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
    # the variance: 1/2 + alpha^2 (E[e^2x] - 2 E[e^x] + 1/2) over x < 0
    scale = 1 / mp.sqrt((1 + alpha**2 * (twice - 2 * once + 1)) / 2)
    return scale, alpha


def _gelu_tanh_argument(x: Any) -> Any:
    return 2 * mp.sqrt(2 / mp.pi) * (x + _CUBIC * x**3)


def _gelu_tanh_grad(x: Any) -> Any:
    w = _gelu_tanh_argument(x)
    inner = 2 * mp.sqrt(2 / mp.pi) * (1 + 3 * _CUBIC * x**2)
    return _logistic(w) * (1 + x * inner * _logistic(-w))


def _swish(beta: Any) -> Real:
    return _saturated(lambda x: x * _logistic(beta * x), _zero, _same)


def _swish_grad(beta: Any) -> Real:
    def derivative(x: Any) -> Any:
        return _logistic(beta * x) * (1 + beta * x * _logistic(-beta * x))

    return _saturated(derivative, _zero, _one)


def _mish_grad(x: Any) -> Any:
    soft = mp.log1p(mp.exp(x))
    return mp.tanh(soft) + x * mp.sech(soft) ** 2 * _logistic(x)


def _leaky(negative_slope: Any) -> Curve:
    return (
        _half_line(lambda x: negative_slope * x, _same),
        _half_line(lambda x: negative_slope, _one),
    )


def _third(x: Any) -> Any:
    return (x + 3) / 6


_exponential = _saturated(mp.exp, _zero, lambda x: mp.ldexp(1, 10_000))  # larger than any float
# decimals in a formula mean the nearest float64
_HEIGHT, _QUICK, _CUBIC = mpf(1.7159), mpf(1.702), mpf(0.044715)

EXACT: Mapping[str, Curve] = MappingProxyType(
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


# ---------------------------------------------------------------------------------------------
# Elementwise, with parameters
# ---------------------------------------------------------------------------------------------


def _squareplus_with(b: Any) -> Curve:
    def value(x: Any) -> Any:
        h = mp.sqrt(x * x + b)
        return (x + h) / 2 if x > 0 else b / (2 * (h - x))

    def derivative(x: Any) -> Any:
        h = mp.sqrt(x * x + b)
        return (1 + x / h) / 2 if x > 0 else b / (2 * h * (h - x))

    return value, derivative


def _stretched(name: str, factor: Any) -> Curve:
    """Return f(factor x) / factor and its derivative, of a function known at factor 1."""
    function, derivative = EXACT[name]
    return lambda x: function(factor * x) / factor, lambda x: derivative(factor * x)


def _times(name: str, factor: Any) -> Curve:
    """Return x for x > 0 and a multiple of a function elsewhere, and its derivative."""
    function, derivative = EXACT[name]
    return (
        _half_line(lambda x: factor * function(x), _same),
        _half_line(lambda x: factor * derivative(x), _one),
    )


def _beyond(limit: Any) -> Real:
    return lambda x: mpf(int(abs(x) > limit))


def _clipped(min_val: Any, max_val: Any) -> Curve:
    return (
        lambda x: min(max(x, min_val), max_val),
        lambda x: mpf(int(min_val < x < max_val)),
    )


def _clipped_line(slope: Any, offset: Any) -> Curve:
    if slope == mpf(1 / 6) and offset == 0.5:  # a sixth is meant
        return EXACT["hard_sigmoid"]

    def line(x: Any) -> Any:
        with mp.workdps(700):  # of a tiny input beside the offset
            return slope * x + offset

    return (
        lambda x: min(max(line(x), mpf(0)), mpf(1)),
        lambda x: slope if 0 < line(x) < 1 else mpf(0),
    )


EXACT_WITH: Mapping[str, Callable[..., Curve]] = MappingProxyType(
    {
        "hard_tanh": _clipped,
        "hard_sigmoid": _clipped_line,
        "relu6": lambda max_value: _clipped(mpf(0), max_value),
        "leaky_relu": _leaky,
        "prelu": _leaky,
        "rrelu": lambda lower, upper: _leaky(mpf((float(lower) + float(upper)) / 2)),
        "threshold": lambda threshold, value: (
            lambda x: x if x > threshold else value,
            lambda x: mpf(int(x > threshold)),
        ),
        "hard_shrink": lambda threshold: (
            lambda x: x if abs(x) > threshold else mpf(0),
            _beyond(threshold),
        ),
        "soft_shrink": lambda threshold: (
            lambda x: mp.sign(x) * max(abs(x) - threshold, mpf(0)),
            _beyond(threshold),
        ),
        "softplus": lambda beta: _stretched("softplus", beta),
        "swish": lambda beta: _stretched("swish", beta),
        "celu": lambda alpha: _stretched("celu", 1 / alpha),
        "elu": lambda alpha: _times("elu", alpha),
        "squareplus": _squareplus_with,
    }
)
"""Functions and derivatives of an mpmath number, for parameters given as mpmath numbers."""


def exact_function(name: str, part: int, parameters: Mapping[str, float]) -> Real:
    """Return a function of an mpmath number, at any parameters.

    Parameters
    ----------
    name : str
        Of an elementwise activation.
    part : int
        0 for the function, 1 for its derivative.
    parameters : mapping of str to float
        All of its parameters, or none for the defaults.

    Returns
    -------
    callable
        As those of `EXACT`.

    Examples
    --------
    >>> print(exact_function("squareplus", 0, {"b": 16.0})(mpf(3)))
    4.0
    """
    if not parameters:
        return EXACT[name][part]
    with mp.workdps(60):
        return EXACT_WITH[name](**{key: mpf(value) for key, value in parameters.items()})[part]


# ---------------------------------------------------------------------------------------------
# Over an axis
# ---------------------------------------------------------------------------------------------


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


def _on_the_simplex(row: Row) -> tuple[list[Fraction], int]:
    """Return entries of sparsemax as fractions, below 0 for those that are cut off; and its k."""
    top = max(row)
    gaps = [Fraction(2) if mp.isinf(x) else Fraction(float(top)) - Fraction(float(x)) for x in row]
    total, k = Fraction(1), 0
    for gap in sorted(gaps):
        if total <= k * gap:
            break
        total, k = total + gap, k + 1
    return [total / k - gap for gap in gaps], k


def _as_mpf(value: Fraction) -> Any:
    return mpf(value.numerator) / value.denominator


def _sparsemax(row: Row) -> Row:
    return [_as_mpf(max(p, Fraction(0))) for p in _on_the_simplex(row)[0]]


def _sparsemax_jacobian(row: Row) -> Row:
    p, k = _on_the_simplex(row)
    n = range(len(p))
    return [mpf(int(i == j) * k - 1) / k if min(p[i], p[j]) > 0 else mpf(0) for i in n for j in n]


def _halves(row: Row) -> tuple[Row, Row]:
    return row[: len(row) // 2], row[len(row) // 2 :]


def _maxout(row: Row) -> Row:
    return [max(pair) for pair in zip(*_halves(row), strict=True)]


def _maxout_grad(row: Row) -> Row:
    a, b = _halves(row)
    first = [mpf(int(x >= y)) for x, y in zip(a, b, strict=True)]
    return first + [1 - x for x in first]


def _gated(gate: str) -> tuple[OfRow, OfRow]:
    function, gate_derivative = EXACT[gate]

    def value(row: Row) -> Row:
        return [a * function(b) for a, b in zip(*_halves(row), strict=True)]

    def derivative(row: Row) -> Row:
        a, b = _halves(row)
        through = [x * gate_derivative(y) for x, y in zip(a, b, strict=True)]
        return [function(y) for y in b] + through

    return value, derivative


def _opposite(function: OfRow, sign: int) -> OfRow:
    return lambda row: [sign * value for value in function([-x for x in row])]


EXACT_ROWS: Mapping[str, tuple[OfRow, OfRow]] = MappingProxyType(
    {
        "softmax": (_softmax, _softmax_jacobian),
        "softmin": (_opposite(_softmax, 1), _opposite(_softmax_jacobian, -1)),
        "log_softmax": (_log_softmax, _log_softmax_jacobian),
        "logsumexp": (_logsumexp, _softmax),
        "sparsemax": (_sparsemax, _sparsemax_jacobian),
        "maxout": (_maxout, _maxout_grad),
        "glu": _gated("sigmoid"),
        "reglu": _gated("relu"),
        "geglu": _gated("gelu"),
        "swiglu": _gated("silu"),
    }
)
"""Every activation over an axis and its derivative, as functions of a list of mpmath numbers."""


def exact_entry(name: str, part: int, row: Row, index: int) -> Any:
    """Return one entry of a function over an axis, or of its flat Jacobian, for a long row.

    Parameters
    ----------
    name : str
        ``"softmax"``, ``"softmin"``, ``"log_softmax"``, ``"logsumexp"`` or ``"sparsemax"``.
    part : int
        0 for the function, 1 for its derivative.
    row : list of mpf
        The inputs.
    index : int
        Of the entry.

    Returns
    -------
    mpf
        That entry of what `EXACT_ROWS` gives.

    Examples
    --------
    >>> print(exact_entry("softmax", 0, [mpf(0), mpf(0)], 1))
    0.5
    """
    if name == "softmin":
        return (-1) ** part * exact_entry("softmax", part, [-x for x in row], index)
    if name == "sparsemax":
        p, k = _on_the_simplex(row)
        if not part:
            return _as_mpf(max(p[index], Fraction(0)))
        i, j = divmod(index, len(row))
        return mpf(int(i == j) * k - 1) / k if min(p[i], p[j]) > 0 else mpf(0)
    top = row.index(max(row))
    terms = [mp.exp(x - row[top]) for x in row]
    others = mp.fsum(terms[:top] + terms[top + 1 :])
    whole = 1 + others
    if name == "logsumexp":
        return terms[index] / whole if part else row[top] + mp.log1p(others)
    if not part:
        return (
            terms[index] / whole if name == "softmax" else row[index] - row[top] - mp.log1p(others)
        )
    i, j = divmod(index, len(row))
    rest = others if i == top else whole - terms[i]
    entry = (rest if i == j else -terms[j]) / whole
    return entry * terms[i] / whole if name == "softmax" else entry


# ---------------------------------------------------------------------------------------------
# As floats
# ---------------------------------------------------------------------------------------------


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
