"""Double-double arithmetic and the references made of it, against mpmath."""

import numpy as np
import pytest
from activation_cases import disagreement
from mpmath import mp, mpf
from together import together

from course_lib.accuracy import (
    EXACT,
    EXACT_ROWS,
    EXACT_WITH,
    double_double,
    exact_entry,
    exact_function,
    exact_rows,
    exact_values,
)
from course_lib.accuracy.double_double import number
from course_lib.accuracy.references import (
    GATES,
    REFERENCES,
    ROW_REFERENCES,
    as_exact,
    gated,
    values_of,
)
from course_lib.activations import CATALOGUE

pytestmark = pytest.mark.usefixtures("fifty_digits")


RNG = np.random.default_rng(0)


SIGNS = RNG.choice([-1.0, 1.0], 150)


ANY = np.concatenate(
    [
        RNG.uniform(-745, 745, 150),
        RNG.uniform(-2, 2, 150),
        np.ldexp(SIGNS, RNG.integers(-1074, 1024, 150)) * RNG.uniform(0.5, 1, 150),
        [0.0, 5e-324, 1.7e308, -1.7e308, 0.5, 1.0, 3.0, 6.0, -0.5, -1.0, -3.0],
    ]
)


PIECES = {  # in double-double, in mpmath, and where
    "exp": (double_double.exp, mp.exp, ANY[np.abs(ANY) < 800]),
    "expm1": (double_double.expm1, mp.expm1, ANY[np.abs(ANY) < 800]),
    "log1p": (double_double.log1p, mp.log1p, np.abs(ANY[np.abs(ANY) < 1e300])),
    "sqrt": (double_double.sqrt, mp.sqrt, np.abs(ANY)),
    "square": (lambda a: a * a, lambda x: x * x, ANY),
    "sum": (lambda a: a + 1.0 - a * a, lambda x: x + 1 - x * x, ANY[np.abs(ANY) < 1e9]),
    "quotient": (lambda a: (a + 1.0) / (a - 3.3), lambda x: (x + 1) / (x - mpf(3.3)), ANY),
    "sine": (lambda a: double_double.sine(_floats(a)), mp.sin, ANY),
    "cosine": (lambda a: double_double.cosine(_floats(a)), mp.cos, ANY),
    "Mills' ratio": (
        lambda a: double_double.mills(_floats(a)),
        lambda t: mp.exp(t * t / 2) * mp.erfc(t / mp.sqrt(2)) * mp.sqrt(mp.pi / 2),
        np.concatenate([RNG.uniform(0, 56, 300), [0.0, 1 / 32, 56.0]]),
    ),
}


def _floats(a):
    return np.ldexp(a.high, np.asarray(a.exponent, int))


@pytest.mark.parametrize("piece", PIECES)
def test_double_double_has_ninety_bits(piece):
    function, true, x = PIECES[piece]
    found = values_of(lambda x: function(number(x)), x)
    with mp.workdps(400 if piece == "sum" else 50):
        assert disagreement(found, exact_values(true, x)) < 2.0**-92


def test_sums_of_many_keep_their_digits():
    x = RNG.uniform(0, 1, (3, 1001))
    found = values_of(lambda x: double_double.total(number(x)), x)
    true = exact_rows(lambda row: [mp.fsum(row)], x)
    assert disagreement(found, true) < 2.0**-92


def test_zeros_do_not_hide_tiny_numbers():
    def tiny_after_a_difference(x):
        return number(x) + 0.0 + number(np.zeros_like(x)) + (number(x + 1e300) - 1e300)

    tiny = values_of(tiny_after_a_difference, np.array([5e-324]))
    assert tiny.fraction.tolist() == [0.5]
    assert tiny.exponent.tolist() == [-1073]


AT_ZEROS = [
    zero + step
    for zero in (-0.7517915246935645, -1.2784645427610738, -1.192430440145736, -0.7524614220710163)
    for step in [*(np.arange(-4, 5) * 2.0**-53), 1e-10, -1e-6, 1e-3, 0.0078, 0.0079]
]


PARAMETERS = [{}, *({"negative_slope": s} for s in (-3.0, 0.001)), {"lower": 0.1, "upper": 0.7}]


PARAMETERS += [{"min_val": -3.0, "max_val": 0.3}, {"min_val": 1.0, "max_val": 2.0}]


PARAMETERS += [{"max_value": 0.7}, {"slope": 0.2, "offset": 0.5}, {"slope": 333.0, "offset": -0.1}]


PARAMETERS += [{"slope": 1e-3, "offset": 1e3}]


PARAMETERS += [{"threshold": 0.1}, {"threshold": 7.0, "value": -3.0}]
PARAMETERS += [{key: value} for key in ("beta", "b", "alpha") for value in (1e-3, 1.702, 1e3)]


CASES = [
    (name, parameters)
    for name in REFERENCES
    for parameters in PARAMETERS
    if parameters.keys() == ({*CATALOGUE[name].parameters} - {"rng"} if parameters else set())
]


@together("part", [0, 1])
@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_references_are_those_of_mpmath(name, parameters, part):
    x = np.concatenate([ANY[::2], AT_ZEROS])
    found = values_of(REFERENCES[name][part], x, **parameters)
    # to 2^-85 of a result: screening needs 2^-60
    assert disagreement(found, exact_values(exact_function(name, part, parameters), x)) < 2.0**-85


@pytest.mark.parametrize("name", EXACT_WITH)
@together("part", [0, 1])
def test_formulas_with_parameters_are_the_plain_ones_at_the_defaults(name, part):
    defaults = {k: v for k, v in CATALOGUE[name].parameters.items() if k != "rng"}
    general = exact_values(exact_function(name, part, defaults), ANY)
    assert disagreement(general, exact_values(EXACT[name][part], ANY)) < 2.0**-105


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("name", GATES)
def test_references_of_gates_hold_for_any_two_inputs(name, part):
    a, b = np.concatenate([ANY, 1.7e308 * SIGNS]), np.concatenate([ANY[::-1], ANY[:150] / 14])
    with np.errstate(all="ignore"):
        found = [as_exact(v) for v in gated(name, part, a, b)]
    function = EXACT[GATES[name]][part]
    pairs = list(zip(a.tolist(), b.tolist(), strict=True))
    places = np.arange(float(a.size))
    true = exact_values(lambda i: pairs[int(i)][0] * function(mpf(pairs[int(i)][1])), places)
    assert disagreement(found[-1], true) < 2.0**-85


def rows_like(n):
    rows = RNG.standard_normal((12, n)) * np.logspace(-1, 2.5, 12)[:, np.newaxis]
    rows[4:6] = rows[4:6, :1]  # ties
    rows[7] = np.rint(rows[7])
    return rows


@together("part", [0, 1])
@pytest.mark.parametrize("name", ROW_REFERENCES)
@together("n", [1, 2, 9])
def test_references_of_rows_are_those_of_mpmath(name, part, n):
    rows = rows_like(n)
    found = values_of(ROW_REFERENCES[name][part], rows)
    true = exact_rows(EXACT_ROWS[name][part], rows)
    off = disagreement(found, true)
    assert off < (2.0**-80 if name == "logsumexp" else 2.0**-88)
    for row in rows[::3]:
        numbers = [mpf(x) for x in row.tolist()]
        for i, value in enumerate(EXACT_ROWS[name][part](numbers)):
            assert abs(exact_entry(name, part, numbers, i) - value) <= abs(value) * 1e-40


def test_what_is_left_out_of_a_row_counts_for_nothing():
    padded = np.array([[-np.inf, 1.0, 0.3, -np.inf]])
    found = values_of(ROW_REFERENCES["softmax"][0], padded)
    plain = values_of(ROW_REFERENCES["softmax"][0], padded[:, 1:3])
    assert (found.exponent[[0, 3]] < -4000).all()
    np.testing.assert_array_equal(found.fraction[1:3], plain.fraction)
