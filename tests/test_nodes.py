"""Tables at nodes, and the way from a number to the nearest one: against mpmath."""

import numpy as np
import pytest
from mpmath import mp, mpf

from course_lib.accuracy import errors, exact_values
from course_lib.activations import nodes
from course_lib.activations.fused import pieces, self_gated, sigmoids, waves

pytestmark = pytest.mark.usefixtures("fifty_digits")

FLOATS = [np.dtype(np.float32), np.dtype(np.float64)]
ROUNDED = 0.51  # what a table's entries are within
ROUGH = {  # but for these in float64, of which some come from the library's own formulas
    "tanh shrink": 1,
    "tanh of that": 1,
    "gelu_tanh''": 2,
    "tail": 1.25,
    "mills": 1.25,
    "excess": 1.5,
}


def zero_at(constant, nodes_in_a_unit):
    """Return how far nodes are shifted, so that one is a zero of a derivative."""
    high, low = constant
    shift = mpf(high) - mpf(round(high * nodes_in_a_unit)) / nodes_in_a_unit
    return shift + mpf(low)


def sigma(x):
    return 1 / (1 + mp.exp(-x))


def mills(t):
    return mp.exp(t * t / 2) * mp.erfc(t / mp.sqrt(2)) * mp.sqrt(mp.pi / 2)


def gelu_tanh_parts(t):
    """Return w, t w' and its derivative."""
    c, cubic = 2 * mp.sqrt(2 / mp.pi), mpf(0.044715)
    return c * t * (1 + cubic * t**2), c * t * (1 + 3 * cubic * t**2), c * (1 + 9 * cubic * t**2)


def gelu_tanh_bracket(w, s, _):
    return 1 - s * sigma(w)


def gelu_tanh_steep(w, _, steep):
    return steep * sigma(w)


def mish_parts(x):
    y = mp.exp(x)
    return y, 2 + 2 * y + y**2, (y + 2) * (2 + 2 * y + y**2) + 4 * x * (1 + y)


def mish_gate(y, m, _):
    return y * (y + 2) / m


def tables(dtype):
    """Yield the name, the table, the number of its first node, nodes in a unit and the curve."""
    width = dtype.itemsize
    unit = nodes._PER_UNIT[width]
    yield "decay", nodes._decay_table(dtype), 0, unit, 0, lambda t: mp.exp(-t)
    yield "less", nodes._less_table(dtype), 0, unit, 0, lambda t: mp.expm1(-t)
    softplus = nodes._softplus_table(dtype)
    yield "softplus", softplus[0], 0, unit, 0, lambda t: mp.log1p(mp.exp(-t))
    yield "sigmoid", softplus[1], 0, unit, 0, lambda t: sigma(-t)
    end, unit, _ = nodes._TANH[width]
    for c in (1, 1.5):
        value, derivative = nodes._tanh_table(dtype, float(c))
        first = -round(end * c * unit)
        yield "tanh", value, first, unit, 0, lambda x, c=c: mp.tanh(x / mpf(c))
        yield "tanh'", derivative, first, unit, 0, lambda x, c=c: mp.sech(x / mpf(c)) ** 2
    unit = sigmoids._SHRINK[width][0]
    lack, tanh = sigmoids._shrink_table(dtype)
    yield "tanh shrink", lack[1:], 1, unit, 0, lambda t: t - mp.tanh(t)
    yield "tanh of that", tanh, 0, unit, 0, mp.tanh
    unit = waves._GAUSSIAN[width][0]
    yield "gaussian", waves._gaussian_table(dtype), 0, unit, 0, lambda t: mp.exp(-t * t)
    if dtype == np.float64:  # float32 has tables of another kind
        yield from self_gated_tables()


def self_gated_tables():
    """Yield the same of those functions whose float32 comes from tables of another kind."""
    constants = self_gated._constants
    unit = self_gated._SWISH[0]
    shift = zero_at(constants.SILU_ZERO, unit)
    gate, bracket = self_gated._swish_table()
    yield "swish", gate, 0, unit, shift, lambda t: sigma(-t)
    yield "swish'", bracket, 0, unit, shift, lambda t: 1 - t * sigma(t)
    unit = self_gated._GELU_TANH[0]
    shift = zero_at(constants.GELU_TANH_ZERO, unit)
    gate, bracket, steep = self_gated._gelu_tanh_table()
    yield "gelu_tanh", gate, 0, unit, shift, lambda t: sigma(-gelu_tanh_parts(t)[0])
    yield "gelu_tanh'", bracket, 0, unit, shift, lambda t: gelu_tanh_bracket(*gelu_tanh_parts(t))
    yield "gelu_tanh''", steep, 0, unit, shift, lambda t: gelu_tanh_steep(*gelu_tanh_parts(t))
    unit = self_gated._GELU[0]
    shift = zero_at(constants.MILLS_ZERO, unit)
    tail, density, ratio, excess = self_gated._gelu_table()
    yield "tail", tail, 0, unit, shift, lambda t: mp.erfc(t / mp.sqrt(2)) / 2
    yield "density", density, 0, unit, shift, lambda t: mp.npdf(t)
    yield "mills", ratio, 0, unit, shift, mills
    yield "excess", excess, 0, unit, shift, lambda t: mills(t) - t
    unit, end = self_gated._MISH[0], self_gated._MISH[1]
    shift, first = -zero_at(constants.MISH_ZERO, unit), -round(end * unit)
    y, gate, h, factor, _ = self_gated._mish_table()
    yield "mish y", y, first, unit, shift, mp.exp
    yield "mish", gate, first, unit, shift, lambda x: mish_gate(*mish_parts(x))
    yield "mish h", h, first, unit, shift, lambda x: mish_parts(x)[2]
    yield "mish m", factor, first, unit, shift, lambda x: mish_parts(x)[0] / mish_parts(x)[1] ** 2


def places_of(table, first, per_unit):
    """Return entries of a table that are not 0: everywhere, and within 3 units of 0."""
    rng = np.random.default_rng(0)
    middle = abs(first) + rng.integers(-3 * per_unit, 3 * per_unit, 60)
    places = np.unique(np.concatenate([rng.integers(0, len(table), 60), middle]))
    places = places[(places >= 0) & (places < len(table))]
    return places[table[places] != 0]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_tables_are_rounded_once(dtype):
    for name, table, first, per_unit, shift, curve in tables(dtype):
        places = places_of(table, first, per_unit)
        nodes_there = [mpf(int(k) + first) / per_unit + shift for k in places]
        exact = exact_values(lambda k, n=nodes_there, c=curve: c(n[int(k)]), range(len(places)))
        normal = exact.exponent > np.finfo(dtype).minexp
        off = np.where(normal, errors(table[places], exact), 0)
        bound = ROUGH.get(name, ROUNDED) if dtype == np.float64 else ROUNDED
        assert off.max() <= bound, (name, off.max(), places[off.argmax()])
        assert not table.flags.writeable


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_distances_from_nodes_are_exact(dtype):
    x = np.random.default_rng(0).uniform(-50, 50, 500).astype(dtype)
    for per_unit, offset in ((32, 0.0), (64, 0.5), (512, -0.2)):
        index, distance = nodes.nearest(x, per_unit, offset)
        assert index.dtype == np.intp
        assert distance.dtype == dtype
        rounding = float(np.finfo(dtype).eps) / 2 if offset else 0.0
        for u, k, d in zip(x.tolist(), index.tolist(), distance.tolist(), strict=True):
            assert abs(mpf(d) - (mpf(u) - mpf(k) / per_unit)) <= rounding * abs(d)
            assert abs(d * per_unit - offset) <= 0.5 + 1e-3


PIECES = {  # piece: what it computes, exact values, the bounds of its docstring
    "exp_minus": (lambda t: [nodes.exp_minus(t)], [lambda t: mp.exp(-t)], [1.5]),
    "expm1_minus": (nodes.expm1_minus, [lambda t: mp.expm1(-t), lambda t: mp.exp(-t)], [4, 1.5]),
    "softplus_minus": (
        nodes.softplus_minus,
        [lambda t: mp.log1p(mp.exp(-t)), lambda t: sigma(-t)],
        [2.5, 2.5],
    ),
    "tanh": (nodes.tanh_and_derivative, [mp.tanh, lambda t: mp.sech(t) ** 2], [2.5, 2]),
}


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("piece", PIECES)
def test_pieces_keep_their_bounds(piece, dtype):
    compute, curves, bounds = PIECES[piece]
    rng = np.random.default_rng(1)
    far = 86 if dtype == np.float32 else 707
    t = np.concatenate([rng.uniform(0, 2, 150), rng.uniform(0, far / 2, 50), [0, 1 / 64, 1e-30]])
    t = t.astype(dtype)
    for values, curve, bound in zip(compute(t), curves, bounds, strict=True):
        assert values.dtype == dtype
        assert errors(values, exact_values(curve, t)).max() <= bound


@pytest.mark.parametrize("piece", PIECES)
def test_pieces_take_what_is_infinite_missing_or_empty(piece):
    compute = PIECES[piece][0]
    far, missing = (part[[0, 1]] for part in [np.array([np.inf, 1e300]), np.array([np.nan, 1.0])])
    with np.errstate(all="ignore"):
        assert all(np.isin(part, [0, 1, -1]).all() for part in compute(far))
        assert all(np.isnan(part).tolist() == [True, False] for part in compute(missing))
    assert all(part.shape == (0,) for part in compute(np.zeros(0)))


@pytest.mark.parametrize("piece", ["expm1_minus", "softplus_minus"])
def test_what_is_missing_counts(piece):
    compute, curves, bounds = PIECES[piece]
    t, lost = np.full(3, 600.0), np.array([-5e-14, 0, 5e-14])
    for values, curve, bound in zip(compute(t, lost.copy()), curves, bounds, strict=True):
        exact = exact_values(lambda d, c=curve: c(600 + d), lost)
        assert errors(values, exact).max() <= bound


def test_products_and_quotients_say_what_they_lost():
    rng = np.random.default_rng(2)
    for dtype in FLOATS:
        x = rng.uniform(0, 100, 200).astype(dtype)
        for factor in (0.3, 1.702, 8.0):
            product, lost = pieces.product_and_lost(x, factor)
            quotient, missing = pieces.quotient_and_lost(x, factor)
            for i, u in enumerate(x.tolist()):
                rest = 0 if lost is None else mpf(float(lost[i]))
                true = mpf(u) * mpf(factor)
                eps = mpf(float(np.finfo(dtype).eps))
                assert abs(mpf(float(product[i])) + rest - true) <= eps**1.9 * true
                true = mpf(u) / mpf(factor)
                found = mpf(float(quotient[i])) + mpf(float(missing[i]))
                assert abs(found - true) <= eps**1.9 * true
        assert pieces.product_and_lost(x, 1)[0] is x
        assert pieces.quotient_and_lost(x, 1)[1] is None
