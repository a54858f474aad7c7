"""Arithmetic to twice the digits of a float64, over whole arrays, with exponents of its own.

A number is ``(high + low) * 2**exponent``: two float64 whose sum has about 106 bits, and an integer
that keeps squares, tails and subnormal numbers in range. Everything rests on ``+ - * /`` and the
square root of float64, which IEEE 754 rounds correctly, so that results are the same to the last
bit on every machine; constants come from mpmath. Sums and products are those of
Dekker, 1971 :cite:p:`dekker1971floating` and of Knuth; exponentials are reduced to a table and a
short Taylor series, as those of Tang, 1989 :cite:p:`tang1989table`.

Relative errors are below :math:`2^{-92}`. It is an oracle, and shares no code with the kernels of
the library. Call it under ``np.errstate(all="ignore")``.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeAlias, Union

import numpy as np
from mpmath import mp, mpf

from course_lib._typing import Array

__all__ = [
    "MILLS_END",
    "DoubleDouble",
    "Series",
    "choose",
    "constant",
    "cosine",
    "exp",
    "expm1",
    "log1p",
    "mills",
    "number",
    "polynomial",
    "power_of_two",
    "select",
    "series",
    "sine",
    "sqrt",
    "total",
]

Part = Array | float
Parts = tuple[Part, Part]
Exponent = Array | int
Series = tuple[Array, Array]
"""Coefficients or a table: high and low parts."""
Number: TypeAlias = Union["DoubleDouble", Part]

_ZERO = -30_000  # the exponent of 0: it never decides how a sum is aligned


def two_sum(a: Part, b: Part) -> Parts:
    """Return a + b as rounded, and what the rounding lost."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def quick_two_sum(a: Part, b: Part) -> Parts:
    """Return what `two_sum` does, for a that is 0 or no smaller than b."""
    total = a + b
    return total, b - (total - a)


def split(a: Part) -> Parts:
    """Return a as the sum of two floats of 26 bits."""
    scaled = 134217729.0 * a  # 2^27 + 1
    high = scaled - (scaled - a)
    return high, a - high


def two_product(a: Part, b: Part) -> Parts:
    """Return a b as rounded, and what the rounding lost."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = split(a), split(b)
    lost = a_high * b_high - product
    lost += a_high * b_low
    lost += a_low * b_high
    lost += a_low * b_low
    return product, lost


def power_of_two(exponent: Exponent) -> Array:
    """Return 2^exponent, for integers of any size; 2^-1000 and 2^1000 at the ends."""
    bits = (np.clip(exponent, -1000, 1000) + 1023) << 52
    return np.asarray(bits, np.int64).view(np.float64)


class DoubleDouble:
    """An array of numbers ``(high + low) * 2**exponent``; the exponent may be the int 0."""

    __array_ufunc__ = None  # so that an array on the left leaves the operator to this class
    __slots__ = ("exponent", "high", "low")

    def __init__(self, high: Part, low: Part = 0.0, exponent: Exponent = 0) -> None:
        self.high, self.low, self.exponent = high, low, exponent

    def __getitem__(self, index: Any) -> "DoubleDouble":
        """Return some of the numbers."""
        return DoubleDouble(*(_at(part, index) for part in self.parts()))

    def parts(self) -> tuple[Part, Part, Exponent]:
        """Return high, low and exponent."""
        return self.high, self.low, self.exponent

    def plain(self) -> "DoubleDouble":
        """Return the same numbers with exponent 0; they may underflow, and must not overflow."""
        if _is_plain(self):
            return self
        factor = power_of_two(self.exponent)
        return DoubleDouble(self.high * factor, self.low * factor)

    def scaled(self, power: int) -> "DoubleDouble":
        """Return the numbers times 2^power, exactly."""
        return DoubleDouble(self.high, self.low, self.exponent + power)

    def __neg__(self) -> "DoubleDouble":
        """Return the numbers with the other sign."""
        return DoubleDouble(-self.high, -self.low, self.exponent)

    def __abs__(self) -> "DoubleDouble":
        """Return absolute values."""
        sign = np.where(self.high < 0, -1.0, 1.0)
        return DoubleDouble(sign * self.high, sign * self.low, self.exponent)

    def __add__(self, other: Number) -> "DoubleDouble":
        """Return sums."""
        a, b, exponent = _aligned(self, _as_number(other))
        high, lost = two_sum(a.high, b.high)
        low, lower = two_sum(a.low, b.low)
        high, lost = quick_two_sum(high, lost + low)
        return DoubleDouble(*quick_two_sum(high, lost + lower), exponent)

    def __sub__(self, other: Number) -> "DoubleDouble":
        """Return differences."""
        return self + -_as_number(other)

    def __mul__(self, other: Number) -> "DoubleDouble":
        """Return products."""
        other = _as_number(other)
        high, low = two_product(self.high, other.high)
        low = low + (self.high * other.low + self.low * other.high)
        return DoubleDouble(*quick_two_sum(high, low), self.exponent + other.exponent)

    def __truediv__(self, other: Number) -> "DoubleDouble":
        """Return quotients."""
        other = _as_number(other)
        quotient = self.high / other.high
        product, lost = two_product(quotient, other.high)
        rest = (self.high - product) - lost + self.low - quotient * other.low
        parts = quick_two_sum(quotient, rest / other.high)
        return DoubleDouble(*parts, self.exponent - other.exponent)

    def __rsub__(self, other: Number) -> "DoubleDouble":
        """Return differences, from a float."""
        return _as_number(other) - self

    def __rtruediv__(self, other: Number) -> "DoubleDouble":
        """Return quotients of a float."""
        return _as_number(other) / self

    __radd__, __rmul__ = __add__, __mul__


def _at(part: Any, index: Any) -> Any:
    """Index an array; return a number, which stands for every entry, unchanged."""
    return part[index] if isinstance(part, np.ndarray) and part.ndim else part


def _as_number(value: Number) -> DoubleDouble:
    """Turn a float into a DoubleDouble; return a DoubleDouble unchanged."""
    if isinstance(value, DoubleDouble):
        return value
    return DoubleDouble(value, 0.0, _ZERO if np.isscalar(value) and value == 0 else 0)


def _is_plain(a: DoubleDouble) -> bool:
    return isinstance(a.exponent, int) and a.exponent == 0


def _aligned(a: DoubleDouble, b: DoubleDouble) -> tuple[DoubleDouble, DoubleDouble, Exponent]:
    """Return two numbers in the larger of their units, and its exponent."""
    if _is_plain(a) and _is_plain(b):
        return a, b, 0
    unit = np.maximum(*(np.where(c.high == 0, _ZERO, c.exponent) for c in (a, b)))
    return _in_unit(a, unit), _in_unit(b, unit), unit


def _in_unit(a: DoubleDouble, unit: Array) -> DoubleDouble:
    factor = power_of_two(a.exponent - unit)
    return DoubleDouble(a.high * factor, a.low * factor)


def number(x: Part) -> DoubleDouble:
    """Return float64 numbers of any size exactly, as fractions times powers of two."""
    fraction, exponent = np.frexp(x)
    return DoubleDouble(fraction, 0.0, np.where(x == 0, _ZERO, exponent.astype(np.int64)))


def constant(value: Any) -> DoubleDouble:
    """Return an mpmath number near 1 as two floats.

    Examples
    --------
    >>> constant(mpf(1) / 4).parts()
    (0.25, 0.0, 0)
    """
    high = float(value)
    return DoubleDouble(high, float(value - high))


def series(values: Iterable[Any]) -> Series:
    """Return mpmath numbers near 1 as two arrays, such as `polynomial` takes."""
    numbers = [constant(value) for value in values]
    return np.array([n.high for n in numbers]), np.array([n.low for n in numbers])


def _constants(make: Callable[[int], Any], count: int) -> Series:
    """Return ``make(0)``, ``make(1)`` and so on, computed to 60 digits, as two arrays."""
    with mp.workdps(60):
        return series(make(i) for i in range(count))


def select(condition: Array, yes: Number, no: Number) -> DoubleDouble:
    """Return `yes` where the condition holds, and `no` elsewhere; both numbers or floats."""
    parts = zip(_as_number(yes).parts(), _as_number(no).parts(), strict=True)
    return DoubleDouble(*(np.where(condition, a, b) for a, b in parts))


def choose(
    condition: Array,
    yes: Callable[..., DoubleDouble],
    no: Callable[..., DoubleDouble],
    *arguments: Array | DoubleDouble,
) -> DoubleDouble:
    """Return ``yes(*arguments)`` where the condition holds and ``no(*arguments)`` elsewhere.

    Each function sees its own part of the arguments only, so that a rare case costs little.
    """
    if condition.all():
        return yes(*arguments)
    if not condition.any():
        return no(*arguments)
    result = [np.empty(condition.shape, dtype) for dtype in (np.float64, np.float64, np.int64)]
    for where, function in ((condition, yes), (~condition, no)):
        part = function(
            *(_at(a, where) if isinstance(a, np.ndarray) else a[where] for a in arguments)
        )
        for target, source in zip(result, part.parts(), strict=True):
            target[where] = source
    return DoubleDouble(*result)


def polynomial(coefficients: Series, x: DoubleDouble, plain: int) -> DoubleDouble:
    """Return a polynomial of small numbers by Horner's rule, its tail in float64.

    Parameters
    ----------
    coefficients : pair of ndarray
        High and low parts, lowest degree first.
    x : DoubleDouble
        With exponent 0.
    plain : int
        The degree from which a float64 is enough.
    """
    high, low = coefficients
    tail = np.zeros_like(x.high)
    for degree in range(len(high) - 1, plain - 1, -1):
        tail = tail * x.high + high[degree]
    value = DoubleDouble(tail)
    for degree in range(plain - 1, -1, -1):
        value = value * x + DoubleDouble(high[degree], low[degree])
    return value


def sqrt(a: DoubleDouble) -> DoubleDouble:
    """Return square roots."""
    odd = np.asarray(a.exponent) & 1
    high, low = a.high * (1 + odd), a.low * (1 + odd)
    root = np.sqrt(high)
    square, lost = two_product(root, root)
    with np.errstate(invalid="ignore"):
        rest = np.where(high == 0, 0.0, (high - square - lost + low) / (2 * root))
    return DoubleDouble(*quick_two_sum(root, rest), (a.exponent - odd) // 2)


# ---------------------------------------------------------------------------------------------
# Exponentials and logarithms
# ---------------------------------------------------------------------------------------------

_STEPS = 1024  # entries of the table of powers of two
_FAR = 500  # an exponent far above that of any argument that matters
_LARGEST = 9000.0  # of an exponent; beyond, results are far outside the floats
_INVERSE_FACTORIALS = _constants(lambda n: 1 / mp.factorial(n), 16)


@cache
def _powers() -> Series:
    return _constants(lambda j: mp.power(2, mpf(j) / _STEPS), _STEPS)


@cache
def _step() -> tuple[float, float, float]:
    """Return log(2) / 1024 in three pieces; 24-bit multiples of the first two are exact."""
    with mp.workdps(60):
        step = mp.log(2) / _STEPS
        first = float(mp.floor(mp.ldexp(step, 39))) * 2.0**-39
        second = float(mp.floor(mp.ldexp(step - first, 68))) * 2.0**-68
        return first, second, float(step - first - second)


def exp(a: DoubleDouble) -> DoubleDouble:
    """Return exponentials; those of arguments beyond 9000 are those of 9000."""
    a = _within(_clipped(a))
    first, second, third = _step()
    count = np.rint(a.high * (1 / first))
    high, low = two_sum(a.high - count * first, -(count * second))
    r = DoubleDouble(*quick_two_sum(high, low + (a.low - count * third)))
    tail = r.high * r.high
    tail = tail * tail * (1 / 24 + r.high * (1 / 120 + r.high * (1 / 720 + r.high / 5040)))
    less_one = r + r * r * (r * DoubleDouble(*_pick(_INVERSE_FACTORIALS, 3)) + 0.5) + tail
    index = count.astype(np.int64)
    power = DoubleDouble(*_pick(_powers(), index & (_STEPS - 1)))
    result = power + power * less_one
    return DoubleDouble(result.high, result.low, index >> 10)


def _pick(table: Series, index: Any) -> Parts:
    return table[0][index], table[1][index]


def _clipped(a: DoubleDouble) -> DoubleDouble:
    """Return numbers in range of float64: those far beyond it stay as large as that allows."""
    exponent = np.minimum(a.exponent, _FAR) if np.ndim(a.exponent) else a.exponent
    return DoubleDouble(a.high, a.low, exponent).plain()


def _within(a: DoubleDouble) -> DoubleDouble:
    high = np.clip(a.high, -_LARGEST, _LARGEST)
    return DoubleDouble(high, np.where(high == a.high, a.low, 0.0))


def expm1(a: DoubleDouble) -> DoubleDouble:
    """Return exp(a) - 1, to all digits near 0 too."""
    small = np.abs(_clipped(a).high) < 2.0**-8
    return choose(small, _expm1_series, lambda a: exp(a) - 1.0, a)


def _expm1_series(a: DoubleDouble) -> DoubleDouble:
    high, low = _INVERSE_FACTORIALS
    return a * polynomial((high[1:13], low[1:13]), a.plain(), 6)


def log1p(a: DoubleDouble) -> DoubleDouble:
    """Return log(1 + a) for a > -1/2, to all digits near 0 too."""
    small = np.abs(_clipped(a).high) < 2.0**-8
    return choose(small, _log1p_series, lambda a: log(a + 1.0), a)


_ODD_INVERSES = _constants(lambda k: mpf(1) / (2 * k + 1), 8)


def _log1p_series(a: DoubleDouble) -> DoubleDouble:
    s = a / (a + 2.0)
    return (s * polynomial(_ODD_INVERSES, (s * s).plain(), 4)).scaled(1)


def log(a: DoubleDouble) -> DoubleDouble:
    """Return logarithms of positive float-sized numbers, with an absolute error below 2^-100."""
    plain = a.plain()
    guess = np.log(plain.high)
    rest = (plain * exp(DoubleDouble(-guess))).plain() - 1.0  # tiny: two terms of the series do
    return DoubleDouble(guess) + (rest - rest * rest * 0.5)


# ---------------------------------------------------------------------------------------------
# Sine and cosine
# ---------------------------------------------------------------------------------------------

_PIECE, _PIECES = 24, 11  # bits of a piece of 2^e * 2/pi modulo 4, and how many
_LOWEST = -70  # of those exponents e


@cache
def _turns() -> Array:
    """Return 2^e * 2/pi modulo 4 for all e of integers of 53 bits, in pieces of 24 bits."""
    with mp.workprec(2000):
        ratio = int(mp.floor(mp.ldexp(2 / mp.pi, 1400)))
    rows = []
    for e in range(_LOWEST, 1024 - 52):
        whole = ratio << e if e > 0 else ratio >> -e
        leading = (whole % (4 << 1400)) >> (1402 - _PIECE * _PIECES)
        rows.append([(leading >> (_PIECE * i)) % 2**_PIECE for i in reversed(range(_PIECES))])
    return np.array(rows, np.float64).T.copy()


@cache
def _quarter_turn() -> DoubleDouble:
    with mp.workdps(60):
        return constant(mp.pi / 2)


def _reduced(x: Array) -> tuple[Array, DoubleDouble]:
    """Return the number of quarter turns nearest to x, and what is left, in radians.

    As Payne and Hanek, 1983: only those digits of 2/pi are multiplied that matter modulo 4.
    """
    fraction, exponent = np.frexp(x)
    high = np.rint(np.ldexp(fraction, 27))  # x = (high 2^26 + low) 2^(e - 53), both below 2^28
    low = np.ldexp(fraction, 53) - high * 2.0**26
    pieces = _turns()[:, np.maximum(exponent - 53, _LOWEST) - _LOWEST]
    sums: list[Part] = [np.zeros_like(x) for _ in range(3)]
    for i, piece in enumerate(pieces):
        unit = 2.0 ** (2 - _PIECE * (i + 1))
        for part in (high * 2.0**26, low):
            rest = part * piece * unit  # exact, and so is its remainder
            rest -= 4 * np.rint(rest / 4)
            for place, value in enumerate(sums):
                sums[place], rest = two_sum(value, rest)
    nearest = np.rint(sums[0])
    first, second = two_sum(sums[0] - nearest, sums[1])
    second, third = two_sum(second, sums[2])
    first, second = quick_two_sum(first, second)
    left = DoubleDouble(*quick_two_sum(first, second + third)) * _quarter_turn()
    return nearest.astype(np.int64), left


_ARC = 64  # steps of the table of sines in a radian
_SINE_SERIES = _constants(lambda k: (-1) ** k / mp.factorial(2 * k + 1), 9)
_COSINE_SERIES = _constants(lambda k: (-1) ** k / mp.factorial(2 * k), 9)


@cache
def _arcs() -> list[Series]:
    """Return sines and cosines of -1, -63/64, ... 1."""
    count = 2 * _ARC + 1
    return [
        _constants(lambda k: mp.sin(mpf(k - _ARC) / _ARC), count),
        _constants(lambda k: mp.cos(mpf(k - _ARC) / _ARC), count),
    ]


def _wave(x: Array, quarters: int) -> DoubleDouble:
    """Return the sine of x and so many quarter turns, for float64 numbers of any size."""
    clear = np.abs(x) < 0.75
    turns, left = _reduced(np.where(clear, 1.0, x))
    turns = np.where(clear, 0, turns) + quarters
    left = select(clear, number(x), left)
    place = np.rint(left.plain().high * _ARC)
    r = left - number(place / _ARC)
    square = (r * r).plain()
    sine, cosine = r * polynomial(_SINE_SERIES, square, 5), polynomial(_COSINE_SERIES, square, 5)
    at = place.astype(np.int64) + _ARC
    s, c = (DoubleDouble(*_pick(table, at)) for table in _arcs())
    s.exponent = np.where(place == 0, _ZERO, 0)
    odd = turns % 2 == 1
    value = select(odd, c, s) * cosine + select(odd, -s, c) * sine
    return select(turns % 4 >= 2, -value, value)


def sine(x: Array) -> DoubleDouble:
    """Return sines of float64 numbers."""
    return _wave(x, 0)


def cosine(x: Array) -> DoubleDouble:
    """Return cosines of float64 numbers."""
    return _wave(x, 1)


def total(a: DoubleDouble) -> DoubleDouble:
    """Return sums of numbers that are not negative, over the last axis, which is kept."""
    unit = np.asarray(a.exponent).max(axis=-1, keepdims=True)
    a = _in_unit(a, unit)
    high, low = map(np.asarray, np.broadcast_arrays(a.high, a.low))
    while high.shape[-1] > 1:
        half = (high.shape[-1] + 1) // 2
        first = DoubleDouble(high[..., :half], low[..., :half])
        second = DoubleDouble(*(_padded(part[..., half:], half) for part in (high, low)))
        added = first + second
        high, low = np.asarray(added.high), np.asarray(added.low)
    return DoubleDouble(high, low, unit)


def _padded(part: Array, length: int) -> Array:
    missing = length - part.shape[-1]
    return np.pad(part, [(0, 0)] * (part.ndim - 1) + [(0, missing)]) if missing else part


# ---------------------------------------------------------------------------------------------
# The normal distribution: Mills' ratio
# ---------------------------------------------------------------------------------------------

_MILLS_STEP, MILLS_END, _MILLS_DEGREE = 16, 56, 17


@cache
def _mills_table() -> tuple[Array, Array]:
    """Return Taylor coefficients of Mills' ratio m at multiples of 1/16, by m' = t m - 1.

    They are integers in a unit of 2^-320: the recurrence cancels ever more digits, and has them.
    """
    one, rows = 1 << 320, []
    with mp.workprec(360):
        for k in range(_MILLS_STEP * MILLS_END + 1):
            t = mpf(k) / _MILLS_STEP
            ratio = mp.sqrt(mp.pi / 2) * mp.exp(t * t / 2) * mp.erfc(t / mp.sqrt(2))
            row = [int(mp.ldexp(ratio, 320))]
            row.append(k * row[0] // _MILLS_STEP - one)
            for n in range(1, _MILLS_DEGREE):
                row.append((k * row[n] // _MILLS_STEP + row[n - 1]) // (n + 1))
            rows.append([(float(c), float(c - int(float(c)))) for c in row])
    high, low = np.ascontiguousarray(np.array(rows).transpose(2, 1, 0)) * 2.0**-320
    return high, low


def mills(t: Array) -> DoubleDouble:
    """Return Mills' ratio, ``Phi(-t) / phi(t)``, for float64 numbers from 0 to 56."""
    high, low = _mills_table()
    place = np.rint(t * _MILLS_STEP).astype(np.int64)
    distance = DoubleDouble(t - place / _MILLS_STEP)
    return polynomial((high[:, place], low[:, place]), distance, 9)
