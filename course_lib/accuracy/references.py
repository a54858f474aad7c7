"""What every activation should return, in double-double arithmetic and for whole arrays.

`REFERENCES` holds the elementwise ones, by formulas that do not cancel, `ROW_REFERENCES` those over
an axis. They are written apart from the mpmath functions of `course_lib.accuracy.exact`, to which
the tests hold each of them, and use none of the library's kernels.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial

import numpy as np
from mpmath import mp, mpf

from course_lib._typing import Array
from course_lib.accuracy.double_double import (
    MILLS_END,
    DoubleDouble,
    Series,
    choose,
    constant,
    cosine,
    exp,
    expm1,
    log1p,
    mills,
    number,
    polynomial,
    select,
    series,
    sine,
    sqrt,
    total,
)
from course_lib.accuracy.exact import EXACT, Exact

__all__ = ["GATES", "REFERENCES", "ROW_REFERENCES", "as_exact", "gated", "values_of"]

Reference = Callable[..., DoubleDouble]
"""A function of float64 numbers, with the activation's parameters."""
Condition = Callable[..., Array]


def as_exact(values: DoubleDouble) -> Exact:
    """Return double-double numbers in the form that `course_lib.accuracy.errors` takes."""
    fraction, shift = np.frexp(values.high)
    rest = np.ldexp(values.low, -shift)
    below = (np.abs(fraction) == 0.5) & (fraction * rest < 0)  # a little below a power of two
    double = 1.0 + below
    exponent = shift + np.asarray(values.exponent, np.int64) - below
    exponent = np.where(fraction == 0, 0, np.clip(exponent, -5000, 5000))
    return Exact(fraction * double, rest * double, exponent)


def values_of(function: Reference, x: Array, **parameters: float) -> Exact:
    """Return a reference at float64 numbers, in one dimension, as `exact_values` does."""
    with np.errstate(all="ignore"):
        found = as_exact(function(x, **parameters))
    parts = np.broadcast_arrays(found.fraction, found.rest, found.exponent)
    return Exact(*(part.ravel() for part in parts))


# ---------------------------------------------------------------------------------------------
# Pieces
# ---------------------------------------------------------------------------------------------


def _lines(*pieces: tuple[Condition, float | Reference]) -> Reference:
    """Return a function of x in pieces: pairs of a condition on x and a value or function of x."""

    def function(x: Array, **parameters: float) -> DoubleDouble:
        result: DoubleDouble | float = 0.0
        for condition, piece in pieces:
            value = piece(x, **parameters) if callable(piece) else piece
            result = select(condition(x, **parameters), value, result)
        return result if isinstance(result, DoubleDouble) else DoubleDouble(np.full_like(x, result))

    return function


def _same(x: Array, **parameters: float) -> DoubleDouble:
    return number(x)


def _always(x: Array, **parameters: float) -> Array:
    return np.full(x.shape, True)


def _positive(x: Array, **parameters: float) -> Array:
    return x > 0


def _inside(limit: float) -> Condition:
    return lambda x: np.abs(x) < limit


def _beyond(x: Array, threshold: float) -> Array:
    return np.abs(x) > threshold


def _magnitude(x: Array) -> DoubleDouble:
    return number(np.abs(x))


def _times(x: Array, factor: float) -> DoubleDouble:
    return number(x) * number(np.float64(factor))


def _mirrored(x: Array, left: DoubleDouble) -> DoubleDouble:
    """Return `left`, the value at -|x|, where x <= 0, and 1 - left where x > 0."""
    return select(x > 0, 1.0 - left, left)


# ---------------------------------------------------------------------------------------------
# Sigmoids and soft versions of ReLU
# ---------------------------------------------------------------------------------------------


def _logistic(a: DoubleDouble) -> DoubleDouble:
    """Return 1 / (1 + e^-a), to all digits on both sides."""
    z = exp(-abs(a))
    return select(np.asarray(a.high) >= 0, 1.0, z) / (z + 1.0)


def _logistic_grad(a: DoubleDouble) -> DoubleDouble:
    z = exp(-abs(a))
    return z / ((z + 1.0) * (z + 1.0))


def _softplus(x: Array, beta: float = 1.0) -> DoubleDouble:
    a = _times(x, beta)
    return select(x > 0, number(x), 0.0) + log1p(exp(-abs(a))) / number(np.float64(beta))


def _log_sigmoid(x: Array) -> DoubleDouble:
    return -_softplus(-x)


def _tanh(a: DoubleDouble) -> DoubleDouble:
    u = expm1(-abs(a).scaled(1))
    value = -(u / (u + 2.0))
    return select(np.asarray(a.high) < 0, -value, value)


def _tanh_grad(a: DoubleDouble) -> DoubleDouble:
    w = exp(-abs(a).scaled(1))
    return (w / ((w + 1.0) * (w + 1.0))).scaled(2)


def _lecun(x: Array) -> DoubleDouble:
    return _times(x, 2.0) / 3.0


def _tanh_shrink(x: Array) -> DoubleDouble:
    a = _magnitude(x)
    value = choose(np.abs(x) < 1, _tanh_shrink_series, lambda a: a - _tanh(a), a)
    return select(x < 0, -value, value)


@cache
def _shrink_coefficients() -> Series:
    """Return those of (x cosh x - sinh x) / x^3 in powers of x^2: 2k / (2k + 1)! from k = 1 on."""
    with mp.workdps(60):
        return series([2 * k / mp.factorial(2 * k + 1) for k in range(1, 15)])


def _tanh_shrink_series(a: DoubleDouble) -> DoubleDouble:
    square = a * a
    cosh = (exp(a) + exp(-a)).scaled(-1)
    return a * square * polynomial(_shrink_coefficients(), square.plain(), 9) / cosh


def _tanh_shrink_grad(x: Array) -> DoubleDouble:
    t = _tanh(number(x))
    return t * t


def _squareplus(x: Array, b: float = 4.0) -> DoubleDouble:
    a = _magnitude(x)
    larger = (a + sqrt(a * a + number(np.float64(b)))).scaled(-1)
    return select(x > 0, larger, (number(np.float64(b)) / larger).scaled(-2))


def _squareplus_grad(x: Array, b: float = 4.0) -> DoubleDouble:
    a = _magnitude(x)
    h = sqrt(a * a + number(np.float64(b)))
    return _mirrored(x, (number(np.float64(b)) / (h * (h + a))).scaled(-1))


def _elu(x: Array, alpha: float = 1.0) -> DoubleDouble:
    return select(x > 0, number(x), expm1(number(np.minimum(x, 0))) * number(np.float64(alpha)))


def _elu_grad(x: Array, alpha: float = 1.0) -> DoubleDouble:
    return select(x > 0, 1.0, exp(number(np.minimum(x, 0))) * number(np.float64(alpha)))


def _celu(x: Array, alpha: float = 1.0) -> DoubleDouble:
    a = number(np.float64(alpha))
    return select(x > 0, number(x), expm1(number(np.minimum(x, 0)) / a) * a)


def _celu_grad(x: Array, alpha: float = 1.0) -> DoubleDouble:
    return select(x > 0, 1.0, exp(number(np.minimum(x, 0)) / number(np.float64(alpha))))


@cache
def _selu_constants() -> tuple[DoubleDouble, DoubleDouble]:
    """Return lambda, and lambda times alpha, from the derivatives at 1 and 0."""
    with mp.workdps(60):
        return constant(EXACT["selu"][1](mpf(1))), constant(EXACT["selu"][1](mpf(0)))


def _selu(x: Array) -> DoubleDouble:
    right, left = _selu_constants()
    return select(x > 0, number(x) * right, expm1(number(np.minimum(x, 0))) * left)


def _selu_grad(x: Array) -> DoubleDouble:
    right, left = _selu_constants()
    return select(x > 0, right, exp(number(np.minimum(x, 0))) * left)


# ---------------------------------------------------------------------------------------------
# The input times a gate
# ---------------------------------------------------------------------------------------------

_NEAR = 2.0**-7  # of a zero of a derivative, where a series takes over


@cache
def _zero(name: str, guess: float) -> tuple[tuple[DoubleDouble, DoubleDouble], Series]:
    """Return a zero of a derivative in three floats, and the Taylor series of it there."""
    function = EXACT[name][1]
    with mp.workdps(60):
        zero = mp.findroot(function, guess)
        terms = series(mp.taylor(function, zero, 14)[1:])
        high = float(zero)
        rest = constant(zero - high)
    parts = DoubleDouble(high), rest
    return parts, terms


def _factored(name: str, guess: float, away: Reference, a: DoubleDouble) -> DoubleDouble:
    """Return a derivative at a: by its series near its zero, by a function away from it."""
    (high, rest), terms = _zero(name, guess)
    distance = a - high - rest
    near = np.abs(distance.plain().high) < _NEAR

    def at_zero(distance: DoubleDouble, a: DoubleDouble) -> DoubleDouble:
        return distance * polynomial(terms, distance.plain(), 8)

    return choose(near, at_zero, lambda distance, a: away(a), distance, a)


def _swish(x: Array, beta: float = 1.0) -> DoubleDouble:
    return number(x) * _logistic(_times(x, beta))


def _swish_grad(x: Array, beta: float = 1.0) -> DoubleDouble:
    def away(a: DoubleDouble) -> DoubleDouble:  # a < 0
        z = exp(a)
        return z * (z + 1.0 + a) / ((z + 1.0) * (z + 1.0))

    return _mirrored(x, _factored("silu", -1.28, away, -_times(np.abs(x), beta)))


@cache
def _peak() -> DoubleDouble:
    """Return the normal density at 0."""
    with mp.workdps(60):
        return constant(1 / mp.sqrt(2 * mp.pi))


def _density(t: Array) -> DoubleDouble:
    a = number(t)
    return exp(-(a * a).scaled(-1)) * _peak()


def _gelu(x: Array) -> DoubleDouble:
    t = np.minimum(np.abs(x), MILLS_END)  # beyond, a gate times the largest float64 is 0
    return select(x > 0, number(x), 0.0) - number(t) * _density(t) * mills(t)


def _gelu_grad(x: Array) -> DoubleDouble:
    def away(a: DoubleDouble) -> DoubleDouble:  # a < 0
        t = np.asarray(-a.plain().high)
        return _density(t) * (mills(t) - number(t))

    t = np.minimum(np.abs(x), MILLS_END)
    return _mirrored(x, _factored("gelu", -0.75, away, number(-t)))


@cache
def _gelu_tanh_constants() -> tuple[DoubleDouble, DoubleDouble]:
    """Return 2 sqrt(2/pi) and that times 0.044715, the float64."""
    with mp.workdps(60):
        c = 2 * mp.sqrt(2 / mp.pi)
        return constant(c), constant(c * mpf(0.044715))


def _gelu_tanh(x: Array) -> DoubleDouble:
    x = np.clip(x, -30.0, None)
    a = number(np.clip(x, -30.0, 30.0))
    once, thrice = _gelu_tanh_constants()
    return number(x) * _logistic(a * (once + a * a * thrice))


def _gelu_tanh_grad(x: Array) -> DoubleDouble:
    once, thrice = _gelu_tanh_constants()

    def away(a: DoubleDouble) -> DoubleDouble:  # a < 0
        linear, cubic = a * once, a * a * a * thrice
        z = exp(linear + cubic)
        return z * (z + 1.0 + linear + cubic * 3.0) / ((z + 1.0) * (z + 1.0))

    t = np.minimum(np.abs(x), 30.0)
    return _mirrored(x, _factored("gelu_tanh", -0.752, away, number(-t)))


def _mish(x: Array) -> DoubleDouble:
    z = exp(-_magnitude(x))
    left = z * (z + 2.0)
    right = z.scaled(1) + 1.0
    above = select(x > 0, right, left)
    below = select(x > 0, right + (z * z).scaled(1), left + 2.0)
    return number(x) * above / below


def _mish_grad(x: Array) -> DoubleDouble:
    def away(a: DoubleDouble) -> DoubleDouble:
        e = exp(a)  # the printed formula: in numbers with an exponent nothing overflows
        omega = (a + 1.0) * 4.0 + e * (a * 4.0 + 6.0 + e * (e + 4.0))
        delta = e * (e + 2.0) + 2.0
        return e * omega / (delta * delta)

    return _factored("mish", -1.19, away, number(np.clip(x, -2000.0, 2000.0)))


def _gaussian(x: Array) -> DoubleDouble:
    a = number(np.clip(x, -50.0, 50.0))
    return exp(-(a * a))


def _gaussian_grad(x: Array) -> DoubleDouble:
    return -number(np.clip(x, -50.0, 50.0)).scaled(1) * _gaussian(x)


def _soft_shrink(x: Array, threshold: float = 0.5) -> DoubleDouble:
    a, limit = number(x), number(np.float64(threshold))
    return select(_beyond(x, threshold), select(x > 0, a - limit, a + limit), 0.0)


def _line(x: Array, slope: float, offset: float) -> DoubleDouble:
    """Return a x + b, times 6 for the sixth and the half that the defaults mean."""
    if (slope, offset) == (1 / 6, 1 / 2):
        return number(x) + 3.0
    return _times(x, slope) + number(np.float64(offset))


def _hard_sigmoid(x: Array, slope: float = 1 / 6, offset: float = 1 / 2) -> DoubleDouble:
    line, top = _line(x, slope, offset), _top_of_line(slope, offset)
    inside = line / top
    above, below = np.asarray(line.high) > 0, np.asarray((line - top).high) < 0
    return select(above, select(below, inside, 1.0), 0.0)


def _hard_sigmoid_grad(x: Array, slope: float = 1 / 6, offset: float = 1 / 2) -> DoubleDouble:
    line, top = _line(x, slope, offset), _top_of_line(slope, offset)
    inside = number(np.full_like(x, 1.0 if top > 1 else slope)) / top
    above, below = np.asarray(line.high) > 0, np.asarray((line - top).high) < 0
    return select(above & below, inside, 0.0)


def _top_of_line(slope: float, offset: float) -> float:
    return 6.0 if (slope, offset) == (1 / 6, 1 / 2) else 1.0


def _exponential(x: Array) -> DoubleDouble:
    return exp(number(x))


def _two_lines(x: Array, negative_slope: float) -> DoubleDouble:
    return select(x > 0, number(x), _times(x, negative_slope))


def _two_lines_grad(x: Array, negative_slope: float) -> DoubleDouble:
    return select(x > 0, 1.0, number(np.full_like(x, negative_slope)))


def _mean_of_bounds(lower: float = 1 / 8, upper: float = 1 / 3) -> float:
    """Return the negative slope of RReLU without a generator: the float64 nearest to the mean."""
    return (lower + upper) / 2


def _with_default(function: Reference, **defaults: float) -> Reference:
    return lambda x, **parameters: function(x, **defaults | parameters)


_LECUN_HEIGHT = number(np.float64(1.7159))

REFERENCES: Mapping[str, tuple[Reference, Reference]] = {
    "identity": (_same, _lines((_always, 1.0))),
    "relu": (_lines((_positive, _same)), _lines((_positive, 1.0))),
    "leaky_relu": (
        _with_default(_two_lines, negative_slope=0.01),
        _with_default(_two_lines_grad, negative_slope=0.01),
    ),
    "prelu": (
        _with_default(_two_lines, negative_slope=0.25),
        _with_default(_two_lines_grad, negative_slope=0.25),
    ),
    "rrelu": (
        lambda x, **bounds: _two_lines(x, _mean_of_bounds(**bounds)),
        lambda x, **bounds: _two_lines_grad(x, _mean_of_bounds(**bounds)),
    ),
    "threshold": (
        lambda x, threshold=0.0, value=0.0: select(
            x > threshold, number(x), number(np.full_like(x, value))
        ),
        lambda x, threshold=0.0, value=0.0: select(x > threshold, 1.0, 0.0),
    ),
    "relu6": (
        lambda x, max_value=6.0: number(np.minimum(np.maximum(x, 0.0), max_value)),
        lambda x, max_value=6.0: select((x > 0) & (x < max_value), 1.0, 0.0),
    ),
    "hard_tanh": (
        lambda x, min_val=-1.0, max_val=1.0: number(np.minimum(np.maximum(x, min_val), max_val)),
        lambda x, min_val=-1.0, max_val=1.0: select((x > min_val) & (x < max_val), 1.0, 0.0),
    ),
    "hard_sigmoid": (_hard_sigmoid, _hard_sigmoid_grad),
    "sparse_sigmoid": (
        _lines((_positive, 1.0), (_inside(1), lambda x: (number(x) + 1.0).scaled(-1))),
        _lines((_inside(1), 0.5)),
    ),
    "hard_shrink": (
        lambda x, threshold=0.5: select(_beyond(x, threshold), number(x), 0.0),
        lambda x, threshold=0.5: select(_beyond(x, threshold), 1.0, 0.0),
    ),
    "soft_shrink": (
        _soft_shrink,
        lambda x, threshold=0.5: select(_beyond(x, threshold), 1.0, 0.0),
    ),
    "squared_relu": (
        _lines((_positive, lambda x: number(x) * number(x))),
        _lines((_positive, lambda x: number(x).scaled(1))),
    ),
    "hard_swish": (
        _lines((_positive, _same), (_inside(3), lambda x: number(x) * (number(x) + 3.0) / 6.0)),
        _lines((_positive, 1.0), (_inside(3), lambda x: (number(x).scaled(1) + 3.0) / 6.0)),
    ),
    "sparse_plus": (
        _lines(
            (_positive, _same),
            (_inside(1), lambda x: ((number(x) + 1.0) * (number(x) + 1.0)).scaled(-2)),
        ),
        _lines((_positive, 1.0), (_inside(1), lambda x: (number(x) + 1.0).scaled(-1))),
    ),
    "sigmoid": (lambda x: _logistic(number(x)), lambda x: _logistic_grad(number(x))),
    "log_sigmoid": (_log_sigmoid, lambda x: _logistic(-number(x))),
    "tanh": (lambda x: _tanh(number(x)), lambda x: _tanh_grad(number(x))),
    "lecun_tanh": (
        lambda x: _tanh(_lecun(x)) * _LECUN_HEIGHT,
        lambda x: _tanh_grad(_lecun(x)) * (_LECUN_HEIGHT * 2.0 / 3.0),
    ),
    "softsign": (
        lambda x: number(x) / (_magnitude(x) + 1.0),
        lambda x: 1.0 / ((_magnitude(x) + 1.0) * (_magnitude(x) + 1.0)),
    ),
    "tanh_shrink": (_tanh_shrink, _tanh_shrink_grad),
    "softplus": (_softplus, lambda x, beta=1.0: _logistic(_times(x, beta))),
    "squareplus": (_squareplus, _squareplus_grad),
    "elu": (_elu, _elu_grad),
    "celu": (_celu, _celu_grad),
    "selu": (_selu, _selu_grad),
    "gelu": (_gelu, _gelu_grad),
    "gelu_tanh": (_gelu_tanh, _gelu_tanh_grad),
    "quick_gelu": (partial(_swish, beta=1.702), partial(_swish_grad, beta=1.702)),
    "silu": (_swish, _swish_grad),
    "swish": (_swish, _swish_grad),
    "mish": (_mish, _mish_grad),
    "sine": (sine, cosine),
    "gaussian": (_gaussian, _gaussian_grad),
    "exponential": (_exponential, _exponential),
}
"""Each function and its derivative, from float64 numbers and parameters to double-double."""


# ---------------------------------------------------------------------------------------------
# Over an axis
# ---------------------------------------------------------------------------------------------


def _terms(x: Array) -> tuple[DoubleDouble, DoubleDouble, Array, DoubleDouble]:
    """Return x - max(x), its exponentials and the sum of those but one at the maximum, by row."""
    top = x.max(axis=-1, keepdims=True)
    absent = np.isinf(x)  # -inf: an entry that is left out
    shifted = number(np.where(absent, top, x)) - number(top)
    terms = exp(select(absent, -9000.0, shifted))
    at_top = np.arange(x.shape[-1]) == x.argmax(axis=-1)[:, np.newaxis]
    return shifted, terms, at_top, total(select(at_top, 0.0, terms))


def _softmax(x: Array) -> DoubleDouble:
    _, terms, _, others = _terms(x)
    return terms / (others + 1.0)


def _complements(x: Array) -> tuple[DoubleDouble, DoubleDouble]:
    """Return softmax, and the sums of the other entries of it."""
    _, terms, at_top, others = _terms(x)
    whole = others + 1.0
    return terms / whole, select(at_top, others, whole - terms) / whole


def _log_softmax_jacobian(x: Array) -> DoubleDouble:
    p, complements = _complements(x)
    n = x.shape[-1]
    return select(np.eye(n, dtype=bool), complements[:, :, np.newaxis], -p[:, np.newaxis, :])


def _softmax_jacobian(x: Array) -> DoubleDouble:
    return _softmax(x)[:, :, np.newaxis] * _log_softmax_jacobian(x)


def _log_softmax(x: Array) -> DoubleDouble:
    shifted, _, _, others = _terms(x)
    return shifted - log1p(others)


def _logsumexp(x: Array) -> DoubleDouble:
    return (number(x.max(axis=-1, keepdims=True)) + log1p(_terms(x)[-1]))[:, 0]


_ONE = 1 << 1074  # in units of the smallest float64


def _in_least_units(x: float) -> int:
    numerator, denominator = x.as_integer_ratio()
    return numerator << (1075 - denominator.bit_length())


def _on_the_simplex(row: Array) -> tuple[list[int], int]:
    """Return the entries of sparsemax times k, as exact integers, not above 0 outside; and k."""
    numbers = [_in_least_units(x) if np.isfinite(x) else None for x in row.tolist()]
    top = max(x for x in numbers if x is not None)
    gaps = [_ONE if x is None else min(top - x, _ONE) for x in numbers]
    total, k = _ONE, 0
    for gap in sorted(gaps):
        if total <= k * gap:
            break
        total, k = total + gap, k + 1
    return [total - k * gap for gap in gaps], k


def _from_least_units(numbers: list[list[int]]) -> DoubleDouble:
    """Return integers, in units of the smallest float64, to 106 bits."""
    shifts = [[max(x.bit_length() - 120, 0) for x in row] for row in numbers]
    highs = np.empty((len(numbers), len(numbers[0])))
    lows, exponents = np.empty_like(highs), np.array(shifts, np.int64) - 1074
    for i, row in enumerate(numbers):
        for j, x in enumerate(row):
            leading = x >> shifts[i][j]
            highs[i, j] = leading
            lows[i, j] = leading - int(highs[i, j])
    highs, exact = np.frexp(highs)
    return DoubleDouble(highs, np.ldexp(lows, -exact), exponents + exact)


def _sparsemax(x: Array) -> DoubleDouble:
    found = [_on_the_simplex(row) for row in x]
    k = np.array([[float(k)] for _, k in found])
    multiples = _from_least_units([[max(p, 0) for p in row] for row, _ in found])
    return select(np.asarray(multiples.high) > 0, multiples / k, 0.0)


def _sparsemax_jacobian(x: Array) -> DoubleDouble:
    found = [_on_the_simplex(row) for row in x]
    inside = np.array([[p > 0 for p in row] for row, _ in found])
    k = np.array([[[float(k)]] for _, k in found])
    both = inside[:, :, np.newaxis] & inside[:, np.newaxis, :]
    entries = np.where(np.eye(x.shape[-1], dtype=bool), k - 1, -1.0)
    return select(both & (entries != 0), number(entries) / k, 0.0)


ROW_REFERENCES: Mapping[str, tuple[Reference, Reference]] = {
    "softmax": (_softmax, _softmax_jacobian),
    "softmin": (lambda x: _softmax(-x), lambda x: -_softmax_jacobian(-x)),
    "log_softmax": (_log_softmax, _log_softmax_jacobian),
    "logsumexp": (_logsumexp, _softmax),
    "sparsemax": (_sparsemax, _sparsemax_jacobian),
}
"""Each function and its derivative, from rows of float64 numbers to double-double."""

GATES = {"glu": "sigmoid", "reglu": "relu", "geglu": "gelu", "swiglu": "silu"}
"""The gated linear units, a times a function of b: that function."""


def gated(name: str, part: int, a: Array, b: Array) -> list[DoubleDouble]:
    """Return a gated linear unit of two inputs, or its derivatives by both, as a list."""
    function, derivative = REFERENCES[GATES[name]]
    return [function(b), number(a) * derivative(b)] if part else [number(a) * function(b)]
