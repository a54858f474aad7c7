"""Write `course_lib/_constants.py`: the numbers of the kernels that have no closed form in floats.

Zeros of derivatives, coefficients of polynomials, tables of exponentials and the extrema that the
catalogue states are computed here with mpmath, to 100 digits, and rounded once. Run it after a
change with ``python tools/constants.py``; the tests compare the file with what it writes.
"""

from pathlib import Path

from mpmath import mp, mpf

FILE = Path(__file__).resolve().parent.parent / "course_lib" / "_constants.py"
DIGITS = 100
HEAD = '''"""Constants of the kernels and of the catalogue; ``tools/constants.py`` writes this file.

Two numbers are a float64 and the float64 that is missing to it, about 32 digits; many are the
coefficients of a polynomial, from the constant term on, or a table.
"""
'''


# ---------------------------------------------------------------------------------------------
# Forms
# ---------------------------------------------------------------------------------------------


def pair(number):
    """Return a number as a float64 and the float64 that is missing to it."""
    high = float(number)
    return high, float(number - high)


def floats(numbers):
    """Return each number as the nearest float64."""
    return tuple(float(number) for number in numbers)


# ---------------------------------------------------------------------------------------------
# The normal distribution, for GELU
# ---------------------------------------------------------------------------------------------

CENTER = 3  # of the map from [0, inf) to [-1, 1), where polynomials live
SHORT, LONG = 19, 27  # terms for the digits of a float32, and of a float64


def mills(t):
    """Return Mills' ratio, Phi(-t) / phi(t)."""
    return mp.sqrt(mp.pi / 2) * mp.exp(t * t / 2) * mp.erfc(t / mp.sqrt(2))


def scaled_mills(t):
    """Return (1 + t) m(t), over sqrt(2 pi): from 1/2 to 0.4."""
    return (1 + t) * mills(t) / mp.sqrt(2 * mp.pi)


def mills_quotient(zero):
    """Return m(t) - t without its zero, over sqrt(2 pi), as a function: between 1 and 5/3."""
    return lambda t: (mills(t) - t) / (zero - t) / mp.sqrt(2 * mp.pi)


def interpolated(function, terms):
    """Return the coefficients, in powers of u = (t - 3)/(t + 3), of a function of t.

    Interpolated at Chebyshev's points, the error is near the smallest that a polynomial can have;
    coefficients fall quickly, so that powers of u serve as well as Chebyshev's polynomials.
    """
    points = [mp.cos(mp.pi * (2 * k + 1) / (2 * terms)) for k in range(terms)]
    # Newton's divided differences, then the products multiplied out
    table = [function(CENTER * (1 + u) / (1 - u)) for u in points]
    for order in range(1, terms):
        for i in range(terms - 1, order - 1, -1):
            table[i] = (table[i] - table[i - 1]) / (points[i] - points[i - order])
    powers = [table[-1]]
    for i in range(terms - 2, -1, -1):
        shifted = [mpf(0), *powers]
        for j, c in enumerate(powers):
            shifted[j] -= points[i] * c
        shifted[0] += table[i]
        powers = shifted
    return floats(powers)


# ---------------------------------------------------------------------------------------------
# The constants
# ---------------------------------------------------------------------------------------------


def of_gelu():
    """Yield the constants of GELU: Mills' ratio as polynomials, and the extrema."""
    zero = mp.findroot(lambda t: mills(t) - t, 0.75)
    yield "MILLS_SHORT", interpolated(scaled_mills, SHORT)
    yield "MILLS_LONG", interpolated(scaled_mills, LONG)
    yield "MILLS_ZERO", pair(zero)
    yield "MILLS_QUOTIENT_SHORT", interpolated(mills_quotient(zero), SHORT)
    yield "MILLS_QUOTIENT_LONG", interpolated(mills_quotient(zero), LONG)
    yield "ROOT_OF_2_PI", pair(mp.sqrt(2 * mp.pi))
    yield "DENSITY_AT_0", pair(1 / mp.sqrt(2 * mp.pi))
    yield "GELU_MINIMUM", float(-zero * mp.ncdf(-zero))
    yield "GELU_LIPSCHITZ", float(mp.ncdf(mp.sqrt(2)) + mp.exp(-1) / mp.sqrt(mp.pi))


CUBIC = 0.044715


def of_gelu_tanh():
    """Yield those of GELU's approximation, x sigma(w) with w = c (x + a x^3)."""
    a, c = mpf(CUBIC), 2 * mp.sqrt(2 / mp.pi)

    def derivative(x):
        gate = 1 / (1 + mp.exp(-c * (x + a * x**3)))
        return gate * (1 + c * (x + 3 * a * x**3) * (1 - gate))

    t = -mp.findroot(derivative, -0.75)
    there = mp.exp(-c * (t + a * t**3))
    yield "GELU_TANH_CUBIC", CUBIC
    yield "GELU_TANH_FACTOR", pair(c)
    yield "GELU_TANH_ZERO", pair(t)
    yield "GELU_TANH_THERE", float(there)
    yield "GELU_TANH_MINIMUM", float(-t * there / (1 + there))
    yield "GELU_TANH_LIPSCHITZ", largest(derivative, 1.4)


def largest(function, near):
    """Return the value of a function at the maximum next to a number."""
    return float(function(mp.findroot(lambda x: mp.diff(function, x), near)))


def of_silu():
    """Yield those of SiLU, whose derivative is 0 at -t where 1 + e^-t = t."""
    zero = mp.findroot(lambda t: 1 + mp.exp(-t) - t, 1.28)
    steepest = mp.findroot(lambda x: x * mp.tanh(x / 2) - 2, 2.4)
    yield "SILU_ZERO", pair(zero)
    yield "SILU_MINIMUM", float(1 - zero)  # x sigma(x) = x + 1 where the derivative is 0
    yield "SILU_LIPSCHITZ", float((steepest + 2) / 4)  # with tanh(x/2) = 2/x
    yield "QUICK_GELU_MINIMUM", float((1 - zero) / mpf(1.702))


def of_mish():
    """Yield those of Mish, x tanh(log(1 + e^x))."""

    def derivative(x):
        soft = mp.log1p(mp.exp(x))
        return mp.tanh(soft) + x * mp.sech(soft) ** 2 / (1 + mp.exp(-x))

    t = -mp.findroot(derivative, -1.19)
    there = mp.exp(-t)
    yield "MISH_ZERO", pair(t)
    yield "MISH_THERE", float(there)
    yield "MISH_MINIMUM", float(-t * mp.tanh(mp.log1p(there)))
    yield "MISH_LIPSCHITZ", largest(derivative, 1.5)


def of_selu():
    """Yield lambda, alpha and their product.

    They are those for which a normal input with mean 0 and variance 1 gives an output with mean 0
    and variance 1. With m Mills' ratio and phi the normal density, the integral of e^(kx) phi over
    x < 0 is m(k) phi(0), so that both equations are linear: the first gives alpha, the second
    lambda.
    """
    density = 1 / mp.sqrt(2 * mp.pi)
    once, twice = (mills(mpf(k)) * density for k in (1, 2))
    alpha = density / (mpf(1) / 2 - once)
    scale = 1 / mp.sqrt(mpf(1) / 2 + alpha**2 * (twice - 2 * once + mpf(1) / 2))
    yield "SELU_SCALE", float(scale)
    yield "SELU_ALPHA", float(alpha)
    yield "SELU_PRODUCT", float(scale * alpha)


def of_tanh(last=21):
    """Yield the fraction 1 + 1/(5 + y/(7 + ...)) as two polynomials in y, all terms positive."""
    top, bottom = [last], [1]
    for odd in range(last - 2, 3, -2):
        shifted = [0, *bottom]
        raised = [odd * c for c in top] + [0] * (len(shifted) - len(top))
        top, bottom = [sum(terms) for terms in zip(raised, shifted, strict=True)], top
    both = zip(top, bottom + [0] * (len(top) - len(bottom)), strict=True)
    yield "LAMBERT_ABOVE", floats(sum(terms) for terms in both)
    yield "LAMBERT_BELOW", floats(top)


STEPS = 128  # of the table, from 1 to 2


def of_exp():
    """Yield the table of 2^(j/128), 128/log 2, and log(2)/128 with 34 bits and what they lack."""
    step = mp.log(2) / STEPS
    powers = [pair(mp.exp(j * step)) for j in range(STEPS)]
    short = float(mp.ldexp(mp.floor(mp.ldexp(step, 41)), -41))
    yield "EXP_HEADS", tuple(high for high, _ in powers)
    yield "EXP_TAILS", tuple(low for _, low in powers)
    yield "EXP_INVERSE", float(1 / step)
    yield "EXP_STEP", (short, float(step - short))


def of_gaussian():
    """Yield the largest derivative of e^(-x^2), at 1/sqrt(2)."""
    yield "GAUSSIAN_LIPSCHITZ", float(mp.sqrt(2) * mp.exp(-mpf(1) / 2))


def constants():
    """Return names and values, in the order of the file."""
    families = (of_exp, of_tanh, of_selu, of_gelu, of_gelu_tanh, of_silu, of_mish, of_gaussian)
    with mp.workdps(DIGITS):
        return {name: value for family in families for name, value in family()}


def line(name, value):
    """Return an assignment, with a number to a line where there are more than two."""
    if isinstance(value, tuple) and len(value) > 2:
        return f"{name} = (\n" + "".join(f"    {number!r},\n" for number in value) + ")"
    return f"{name} = {value!r}"


def text():
    """Return the file's text."""
    return HEAD + "\n" + "\n".join(line(*item) for item in constants().items()) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
