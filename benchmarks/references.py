"""What every activation should return: in double-double for whole arrays, in mpmath for one number.

`REFERENCES` holds the elementwise ones, a row for each, by formulas that do not cancel;
`ROW_REFERENCES` those over an axis. `exact` gives the mpmath function of the same thing, at any
parameters; at the defaults it is that of `course_lib.accuracy`, which is written apart from this
file, and the tests hold each row to it. Nothing here uses the library's kernels.
"""

from functools import cache, partial

import numpy as np
from double_double import (
    MILLS_END,
    DoubleDouble,
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
    sine,
    sqrt,
    total,
)
from mpmath import mp, mpf

from course_lib.accuracy import EXACT, Exact

__all__ = [
    "GATES",
    "REFERENCES",
    "ROW_REFERENCES",
    "as_exact",
    "exact",
    "exact_entry",
    "gated",
    "values_of",
]


def as_exact(values):
    """Return double-double numbers in the form that `course_lib.accuracy.errors` takes."""
    fraction, shift = np.frexp(values.high)
    rest = np.ldexp(values.low, -shift)
    below = (np.abs(fraction) == 0.5) & (fraction * rest < 0)  # a little below a power of two
    double = 1.0 + below
    exponent = shift + np.asarray(values.exponent, np.int64) - below
    exponent = np.where(fraction == 0, 0, np.clip(exponent, -5000, 5000))
    return Exact(fraction * double, rest * double, exponent)


def values_of(function, x, **parameters):
    """Return a reference at float64 numbers, in one dimension, as `exact_values` does."""
    with np.errstate(all="ignore"):
        found = as_exact(function(x, **parameters))
    parts = np.broadcast_arrays(found.fraction, found.rest, found.exponent)
    return Exact(*(part.ravel() for part in parts))


# ---------------------------------------------------------------------------------------------
# The same at any parameters, one number at a time
# ---------------------------------------------------------------------------------------------


def _exact_squareplus(b):
    def value(x):
        h = mp.sqrt(x * x + b)
        return (x + h) / 2 if x > 0 else b / (2 * (h - x))

    def derivative(x):
        h = mp.sqrt(x * x + b)
        return (1 + x / h) / 2 if x > 0 else b / (2 * h * (h - x))

    return value, derivative


def _exact_lines(slope):
    return lambda x: x if x > 0 else slope * x, lambda x: mpf(1) if x > 0 else slope


def _stretched(name, factor):
    """Return f(factor x) / factor and its derivative, of a function known at factor 1."""
    function, derivative = EXACT[name]
    return lambda x: function(factor * x) / factor, lambda x: derivative(factor * x)


EXACT_WITH = {
    "leaky_relu": _exact_lines,
    "prelu": _exact_lines,
    "rrelu": lambda lower, upper: _exact_lines(mpf((float(lower) + float(upper)) / 2)),
    "threshold": lambda threshold, value: (
        lambda x: x if x > threshold else value,
        lambda x: mpf(int(x > threshold)),
    ),
    "hard_shrink": lambda threshold: (
        lambda x: x if abs(x) > threshold else mpf(0),
        lambda x: mpf(int(abs(x) > threshold)),
    ),
    "soft_shrink": lambda threshold: (
        lambda x: mp.sign(x) * max(abs(x) - threshold, mpf(0)),
        lambda x: mpf(int(abs(x) > threshold)),
    ),
    "softplus": lambda beta: _stretched("softplus", beta),
    "swish": lambda beta: _stretched("swish", beta),
    "celu": lambda alpha: _stretched("celu", 1 / alpha),
    "elu": lambda alpha: (
        lambda x: x if x > 0 else alpha * EXACT["elu"][0](x),
        lambda x: mpf(1) if x > 0 else alpha * EXACT["elu"][1](x),
    ),
    "squareplus": _exact_squareplus,
}
"""Functions and derivatives of an mpmath number, for parameters given as mpmath numbers."""


def exact(name, part, parameters):
    """Return the mpmath function of a curve: part 0 is the function, part 1 its derivative.

    Examples
    --------
    >>> print(exact("squareplus", 0, {"b": 16.0})(mpf(3)))
    4.0
    """
    if not parameters:
        return EXACT[name][part]
    with mp.workdps(60):
        return EXACT_WITH[name](**{key: mpf(value) for key, value in parameters.items()})[part]


# ---------------------------------------------------------------------------------------------
# Pieces
# ---------------------------------------------------------------------------------------------


def _lines(*pieces):
    """Return a function of x in pieces: pairs of a condition on x and a value or function of x."""

    def function(x, **parameters):
        result = 0.0
        for condition, piece in pieces:
            value = piece(x, **parameters) if callable(piece) else piece
            result = select(condition(x, **parameters), value, result)
        return result if isinstance(result, DoubleDouble) else DoubleDouble(np.full_like(x, result))

    return function


def _same(x, **parameters):
    return number(x)


def _always(x, **parameters):
    return np.full(x.shape, True)


def _positive(x, **parameters):
    return x > 0


def _left(x, **parameters):
    return x <= 0


def _inside(limit):
    return lambda x: np.abs(x) < limit


def _above(limit):
    return lambda x: x >= limit


def _beyond(x, threshold):
    return np.abs(x) > threshold


def _magnitude(x):
    return number(np.abs(x))


def _times(x, factor):
    return number(x) * number(np.float64(factor))


def _mirrored(x, left):
    """Return what has the value `left` at -|x|, and 1 - left at |x|."""
    return select(x > 0, 1.0 - left, left)


# ---------------------------------------------------------------------------------------------
# Sigmoids and soft versions of ReLU
# ---------------------------------------------------------------------------------------------


def _logistic(a):
    """Return 1 / (1 + e^-a), to all digits on both sides."""
    z = exp(-abs(a))
    return select(a.high >= 0, 1.0, z) / (z + 1.0)


def _logistic_grad(a):
    z = exp(-abs(a))
    return z / ((z + 1.0) * (z + 1.0))


def _softplus(x, beta=1.0):
    a = _times(x, beta)
    return select(x > 0, number(x), 0.0) + log1p(exp(-abs(a))) / number(np.float64(beta))


def _log_sigmoid(x):
    return -_softplus(-x)


def _tanh(a):
    u = expm1(-abs(a).scaled(1))
    value = -(u / (u + 2.0))
    return select(a.high < 0, -value, value)


def _tanh_grad(a):
    w = exp(-abs(a).scaled(1))
    return (w / ((w + 1.0) * (w + 1.0))).scaled(2)


def _lecun(x):
    return _times(x, 2.0) / 3.0


def _tanh_shrink(x):
    a = _magnitude(x)
    value = choose(np.abs(x) < 1, _tanh_shrink_series, lambda a: a - _tanh(a), a)
    return select(x < 0, -value, value)


@cache
def _shrink_coefficients():
    """Return those of (x cosh x - sinh x) / x^3 in powers of x^2: 2k / (2k + 1)! from k = 1 on."""
    with mp.workdps(60):
        terms = [constant(2 * k / mp.factorial(2 * k + 1)) for k in range(1, 15)]
    return np.array([t.high for t in terms]), np.array([t.low for t in terms])


def _tanh_shrink_series(a):
    square = a * a
    cosh = (exp(a) + exp(-a)).scaled(-1)
    return a * square * polynomial(_shrink_coefficients(), square.plain(), 9) / cosh


def _tanh_shrink_grad(x):
    t = _tanh(number(x))
    return t * t


def _squareplus(x, b=4.0):
    a = _magnitude(x)
    larger = (a + sqrt(a * a + number(np.float64(b)))).scaled(-1)
    return select(x > 0, larger, (number(np.float64(b)) / larger).scaled(-2))


def _squareplus_grad(x, b=4.0):
    a = _magnitude(x)
    h = sqrt(a * a + number(np.float64(b)))
    return _mirrored(x, (number(np.float64(b)) / (h * (h + a))).scaled(-1))


def _elu(x, alpha=1.0):
    return select(x > 0, number(x), expm1(number(np.minimum(x, 0))) * number(np.float64(alpha)))


def _elu_grad(x, alpha=1.0):
    return select(x > 0, 1.0, exp(number(np.minimum(x, 0))) * number(np.float64(alpha)))


def _celu(x, alpha=1.0):
    a = number(np.float64(alpha))
    return select(x > 0, number(x), expm1(number(np.minimum(x, 0)) / a) * a)


def _celu_grad(x, alpha=1.0):
    return select(x > 0, 1.0, exp(number(np.minimum(x, 0)) / number(np.float64(alpha))))


@cache
def _selu_constants():
    """Return lambda, and lambda times alpha, from the derivatives at 1 and 0."""
    with mp.workdps(60):
        return constant(EXACT["selu"][1](mpf(1))), constant(EXACT["selu"][1](mpf(0)))


def _selu(x):
    right, left = _selu_constants()
    return select(x > 0, number(x) * right, expm1(number(np.minimum(x, 0))) * left)


def _selu_grad(x):
    right, left = _selu_constants()
    return select(x > 0, right, exp(number(np.minimum(x, 0))) * left)


# ---------------------------------------------------------------------------------------------
# The input times a gate
# ---------------------------------------------------------------------------------------------

_NEAR = 2.0**-7  # of a zero of a derivative, where a series takes over


@cache
def _zero(name, guess):
    """Return a zero of a derivative in three floats, and the Taylor series of it there."""
    function = EXACT[name][1]
    with mp.workdps(60):
        zero = mp.findroot(function, guess)
        series = [constant(c) for c in mp.taylor(function, zero, 14)[1:]]
        high = float(zero)
        rest = constant(zero - high)
    parts = DoubleDouble(high), rest
    return parts, (np.array([c.high for c in series]), np.array([c.low for c in series]))


def _factored(name, guess, away, a):
    """Return a derivative at a: by its series near its zero, by a function away from it."""
    (high, rest), series = _zero(name, guess)
    distance = a - high - rest
    near = np.abs(distance.plain().high) < _NEAR

    def at_zero(distance, a):
        return distance * polynomial(series, distance.plain(), 8)

    return choose(near, at_zero, lambda distance, a: away(a), distance, a)


def _swish(x, beta=1.0):
    return number(x) * _logistic(_times(x, beta))


def _swish_grad(x, beta=1.0):
    def away(a):  # a < 0
        z = exp(a)
        return z * (z + 1.0 + a) / ((z + 1.0) * (z + 1.0))

    return _mirrored(x, _factored("silu", -1.28, away, -_times(np.abs(x), beta)))


@cache
def _peak():
    """Return the normal density at 0."""
    with mp.workdps(60):
        return constant(1 / mp.sqrt(2 * mp.pi))


def _density(t):
    a = number(t)
    return exp(-(a * a).scaled(-1)) * _peak()


def _gelu(x):
    t = np.minimum(np.abs(x), MILLS_END)  # beyond, a gate times the largest float64 is 0
    return select(x > 0, number(x), 0.0) - number(t) * _density(t) * mills(t)


def _gelu_grad(x):
    def away(a):  # a < 0
        t = -a.plain().high
        return _density(t) * (mills(t) - number(t))

    t = np.minimum(np.abs(x), MILLS_END)
    return _mirrored(x, _factored("gelu", -0.75, away, number(-t)))


@cache
def _gelu_tanh_constants():
    """Return 2 sqrt(2/pi) and that times 0.044715, the float64."""
    with mp.workdps(60):
        c = 2 * mp.sqrt(2 / mp.pi)
        return constant(c), constant(c * mpf(0.044715))


def _gelu_tanh(x):
    x = np.clip(x, -30.0, None)
    a = number(np.clip(x, -30.0, 30.0))
    once, thrice = _gelu_tanh_constants()
    return number(x) * _logistic(a * (once + a * a * thrice))


def _gelu_tanh_grad(x):
    once, thrice = _gelu_tanh_constants()

    def away(a):  # a < 0
        linear, cubic = a * once, a * a * a * thrice
        z = exp(linear + cubic)
        return z * (z + 1.0 + linear + cubic * 3.0) / ((z + 1.0) * (z + 1.0))

    t = np.minimum(np.abs(x), 30.0)
    return _mirrored(x, _factored("gelu_tanh", -0.752, away, number(-t)))


def _mish(x):
    z = exp(-_magnitude(x))
    left = z * (z + 2.0)
    right = z.scaled(1) + 1.0
    above = select(x > 0, right, left)
    below = select(x > 0, right + (z * z).scaled(1), left + 2.0)
    return number(x) * above / below


def _mish_grad(x):
    def away(a):  # the printed formula: in numbers with an exponent nothing overflows
        e = exp(a)
        omega = (a + 1.0) * 4.0 + e * (a * 4.0 + 6.0 + e * (e + 4.0))
        delta = e * (e + 2.0) + 2.0
        return e * omega / (delta * delta)

    return _factored("mish", -1.19, away, number(np.clip(x, -2000.0, 2000.0)))


def _gaussian(x):
    a = number(np.clip(x, -50.0, 50.0))
    return exp(-(a * a))


def _gaussian_grad(x):
    return -number(np.clip(x, -50.0, 50.0)).scaled(1) * _gaussian(x)


def _soft_shrink(x, threshold=0.5):
    a, limit = number(x), number(np.float64(threshold))
    return select(_beyond(x, threshold), select(x > 0, a - limit, a + limit), 0.0)


def _exponential(x):
    return exp(number(x))


def _two_lines(x, negative_slope):
    return select(x > 0, number(x), _times(x, negative_slope))


def _two_slopes(x, negative_slope):
    return select(x > 0, 1.0, number(np.full_like(x, negative_slope)))


def _mean_slope(lower=1 / 8, upper=1 / 3):
    """Return the slope of RReLU without a generator: the float64 nearest to the mean."""
    return (lower + upper) / 2


def _with_default(function, **defaults):
    return lambda x, **parameters: function(x, **defaults | parameters)


_LECUN_HEIGHT = number(np.float64(1.7159))

REFERENCES = {
    "identity": (_same, _lines((_always, 1.0))),
    "relu": (_lines((_positive, _same)), _lines((_positive, 1.0))),
    "leaky_relu": (
        _with_default(_two_lines, negative_slope=0.01),
        _with_default(_two_slopes, negative_slope=0.01),
    ),
    "prelu": (
        _with_default(_two_lines, negative_slope=0.25),
        _with_default(_two_slopes, negative_slope=0.25),
    ),
    "rrelu": (
        lambda x, **bounds: _two_lines(x, _mean_slope(**bounds)),
        lambda x, **bounds: _two_slopes(x, _mean_slope(**bounds)),
    ),
    "threshold": (
        lambda x, threshold=0.0, value=0.0: select(
            x > threshold, number(x), number(np.full_like(x, value))
        ),
        lambda x, threshold=0.0, value=0.0: select(x > threshold, 1.0, 0.0),
    ),
    "relu6": (
        _lines((_positive, _same), (_above(6), 6.0)),
        _lines((_positive, 1.0), (_above(6), 0.0)),
    ),
    "hard_tanh": (
        _lines((_left, -1.0), (_positive, 1.0), (_inside(1), _same)),
        _lines((_inside(1), 1.0)),
    ),
    "hard_sigmoid": (
        _lines((_positive, 1.0), (_inside(3), lambda x: (number(x) + 3.0) / 6.0)),
        _lines((_inside(3), lambda x: DoubleDouble(np.ones_like(x)) / 6.0)),
    ),
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


def _terms(x):
    """Return x - max(x), its exponentials and the sum of those but one at the maximum, by row."""
    top = x.max(axis=-1, keepdims=True)
    absent = np.isinf(x)  # -inf: an entry that is left out
    shifted = number(np.where(absent, top, x)) - number(top)
    terms = exp(select(absent, -9000.0, shifted))
    at_top = np.arange(x.shape[-1]) == x.argmax(axis=-1)[:, np.newaxis]
    return shifted, terms, at_top, total(select(at_top, 0.0, terms))


def _softmax(x):
    _, terms, _, others = _terms(x)
    return terms / (others + 1.0)


def _complements(x):
    """Return softmax, and the sums of the other entries of it."""
    _, terms, at_top, others = _terms(x)
    whole = others + 1.0
    return terms / whole, select(at_top, others, whole - terms) / whole


def _log_softmax_jacobian(x):
    p, complements = _complements(x)
    n = x.shape[-1]
    return select(np.eye(n, dtype=bool), complements[:, :, np.newaxis], -p[:, np.newaxis, :])


def _softmax_jacobian(x):
    return _softmax(x)[:, :, np.newaxis] * _log_softmax_jacobian(x)


def _log_softmax(x):
    shifted, _, _, others = _terms(x)
    return shifted - log1p(others)


def _logsumexp(x):
    return (number(x.max(axis=-1, keepdims=True)) + log1p(_terms(x)[-1]))[:, 0]


ROW_REFERENCES = {
    "softmax": (_softmax, _softmax_jacobian),
    "softmin": (lambda x: _softmax(-x), lambda x: -_softmax_jacobian(-x)),
    "log_softmax": (_log_softmax, _log_softmax_jacobian),
    "logsumexp": (_logsumexp, _softmax),
}
"""Each function and its derivative, from rows of float64 numbers to double-double."""

GATES = {"glu": "sigmoid", "reglu": "relu", "geglu": "gelu", "swiglu": "silu"}
"""The gated linear units, a times a function of b: that function."""


def gated(name, part, a, b):
    """Return a gated linear unit of two inputs, or its derivatives by both, as a list."""
    function, derivative = REFERENCES[GATES[name]]
    return [function(b), number(a) * derivative(b)] if part else [number(a) * function(b)]


def exact_entry(name, part, row, index):
    """Return one entry of a function of a row of mpmath numbers, or of its flat Jacobian.

    Examples
    --------
    >>> print(exact_entry("softmax", 0, [mpf(0), mpf(0)], 1))
    0.5
    """
    if name == "softmin":
        return (-1) ** part * exact_entry("softmax", part, [-x for x in row], index)
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
