"""Value with derivative in one pass: errors, limits, bits, and where the fast forms serve."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from activation_cases import INF, NAN, PAIRS, with_parameters

from course_lib import activations
from course_lib.accuracy import EXACT, errors, exact_values, inputs
from course_lib.accuracy.references import REFERENCES, values_of
from course_lib.activations import CATALOGUE, Activation
from course_lib.activations.fused import BLOCK, FUSED, fast_form, fused

FLOATS = [np.float32, np.float64]
NAMES = [row.name for row in PAIRS if (row.function, row.derivative) in FUSED]
BOUND = 4  # in ULPs, as promised

SILU_ZERO = -1.2784645427610738
ZEROS = {  # of derivatives
    "silu": SILU_ZERO,
    "swish": SILU_ZERO,
    "quick_gelu": SILU_ZERO / 1.702,
    "gelu": -0.7517915246935645,
    "gelu_tanh": -0.7524614220710163,
    "mish": -1.1924312145154952,
}
REACH = {  # up to where every factor of a result is a normal number, in float32 and float64
    "tanh": (43, 353),
    "lecun_tanh": (64, 530),
    "gaussian": (9.2, 26.5),
    "gelu": (12.9, 37.4),
    "gelu_tanh": (9.8, 20.9),
    "quick_gelu": (50, 415),
}
PARAMETERS = {
    "softplus": "beta",
    "squareplus": "b",
    "elu": "alpha",
    "leaky_relu": "negative_slope",
    "prelu": "negative_slope",
    "celu": "alpha",
    "swish": "beta",
}
SCALES = {"softplus": lambda p: 1 / p, "swish": lambda p: 1 / p, "celu": lambda p: p}


def reach(name, dtype):
    return REACH.get(name, (86, 707))[np.dtype(dtype) == np.float64]


def hard_inputs(name, dtype, size):
    """Return inputs of every size, dense where the digits are at stake."""
    rng = np.random.default_rng(7)
    bits = rng.integers(0, 2**63, size, dtype=np.uint64)
    any_bits = bits.view(dtype) if dtype == np.float64 else bits.astype(np.uint32).view(dtype)
    parts = [inputs(dtype, size), any_bits, rng.uniform(-20, 20, size), rng.uniform(-2, 2, size)]
    parts += [np.finfo(dtype).smallest_subnormal * np.array([-2, -1, 1, 2])]
    if name in ZEROS:
        at, step = ZEROS[name], np.finfo(dtype).eps / 2
        parts += [at + rng.uniform(-0.04, 0.04, size), at * (1 + np.arange(-20, 21) * step)]
    with np.errstate(all="ignore"):
        x = np.concatenate(parts).astype(dtype)
    return x[np.isfinite(x)]


def largest_error(values, exact, x, far):
    """Return the largest error among normal numbers, within reach or so large as to be limits."""
    normal = (exact.exponent > np.finfo(x.dtype).minexp) | (exact.fraction == 0)
    off = np.where(normal & (np.abs(x) <= far), errors(values, exact), 0)
    return off.max(), x[off.argmax()]


# ---------------------------------------------------------------------------------------------
# Errors
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_value_and_derivative_are_within_four_ulps(name, dtype):
    x = hard_inputs(name, dtype, 8000)
    for values, reference in zip(
        CATALOGUE[name].value_and_derivative(x), REFERENCES[name], strict=True
    ):
        exact = values_of(reference, x.astype(np.float64))
        off, at = largest_error(values, exact, x, reach(name, dtype))
        assert off <= BOUND, (off, at)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_mpmath_agrees(name, dtype):
    x = hard_inputs(name, dtype, 8000)[::300]
    for values, curve in zip(CATALOGUE[name].value_and_derivative(x), EXACT[name], strict=True):
        off, at = largest_error(values, exact_values(curve, x), x, reach(name, dtype))
        assert off <= BOUND, (off, at)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("parameter", [1e-3, 0.0123, 0.7, 2, 333.3, 1e3])
@pytest.mark.parametrize("name", PARAMETERS)
def test_bounds_hold_for_parameters_from_a_thousandth_to_a_thousand(name, parameter, dtype):
    scale = SCALES.get(name, lambda p: 1)(parameter)
    given = {PARAMETERS[name]: parameter}
    with np.errstate(all="ignore"):
        x = (hard_inputs(name, dtype, 1000).astype(np.float64) * scale).astype(dtype)
    x = x[np.isfinite(x) & ((x == 0) | (np.abs(x) > 1e5 * np.finfo(dtype).tiny))]
    for values, reference in zip(
        CATALOGUE[name].value_and_derivative(x, **given), REFERENCES[name], strict=True
    ):
        exact = values_of(reference, x.astype(np.float64), **given)
        off, at = largest_error(values, exact, x, reach(name, dtype) * scale)
        assert off <= BOUND, (off, at)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_far_out_an_error_is_a_few_of_the_smallest_numbers(name, dtype):
    far = reach(name, dtype)
    x = np.linspace(-1.3 * far, 1.3 * far, 3001).astype(dtype)
    x = x[np.abs(x) > far]
    unit = float(np.finfo(dtype).smallest_subnormal)
    row = CATALOGUE[name]
    for values, function in zip(
        row.value_and_derivative(x), (row.function, row.derivative), strict=True
    ):
        expected = function(x.astype(np.float64))
        with np.errstate(under="ignore"):
            off = np.abs(values - expected) - BOUND * np.finfo(dtype).eps * np.abs(expected)
        factor = 1 + np.abs(x.astype(np.float64)) ** (3 if name == "gelu_tanh" else 1)
        assert (off <= 4 * unit * factor).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_the_fast_forms_are_held_to_the_functions_themselves(name, dtype):
    row = CATALOGUE[name]
    far = reach(name, dtype)
    x = np.random.default_rng(2).uniform(-min(far, 30), min(far, 30), 200_000).astype(dtype)
    for fast, exact in zip(row.value_and_derivative(x), (row(x), row.derivative(x)), strict=True):
        at = np.abs(exact) >= np.finfo(dtype).tiny
        apart = np.abs(fast - exact)[at] / np.spacing(np.abs(exact[at]))
        assert apart.max() <= BOUND + (0.51 if dtype == np.float32 else max(row.ulps))


# ---------------------------------------------------------------------------------------------
# Limits and shapes
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, *FLOATS])
@pytest.mark.parametrize("row", PAIRS, ids=lambda row: row.name)
def test_limits_are_those_of_the_functions(row, dtype):
    x = np.array([-INF, INF, NAN, 0.0, -0.0, *np.finfo(dtype).max * np.array([-1, 1], dtype)])
    x = x.astype(dtype)
    with np.errstate(all="raise"):
        found = row.value_and_derivative(x)
    for values, function in zip(found, (row.function, row.derivative), strict=True):
        assert values.dtype == dtype
        np.testing.assert_allclose(values, function(x), rtol=4 * np.finfo(dtype).eps, atol=1e-300)


@pytest.mark.parametrize("row", PAIRS, ids=lambda row: row.name)
def test_every_form_of_input_gives_what_it_holds(row):
    x = np.linspace(-3, 3, 24).astype(np.float32).reshape(4, 6)
    kept = x.copy()
    x.setflags(write=False)
    value, derivative = row.value_and_derivative(x)
    for form in (x.T, x[::2, ::3], x[:0], x[1:2, 1], x.astype(">f4"), np.asfortranarray(x)):
        found = row.value_and_derivative(form)
        assert [part.shape for part in found] == [form.shape] * 2
        assert found[0].dtype == form.dtype
        np.testing.assert_allclose(found[0], row(form), rtol=5e-7, atol=1e-7)
        np.testing.assert_allclose(found[1], row.derivative(form), rtol=5e-7, atol=1e-7)
    for part, alone in zip((value, derivative), row.value_and_derivative(x[1, 2]), strict=True):
        assert part[1, 2] == alone
        assert np.ndim(alone) == 0
    for given in ([1, 2], 3, np.array(2)):
        assert row.value_and_derivative(given)[0].dtype == np.float64
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_blocks_do_not_show(name, dtype):
    x = np.random.default_rng(3).uniform(-30, 30, 2 * BLOCK + 7).astype(dtype)
    x[[5, BLOCK + 4]] = NAN  # in each of the two blocks
    whole = CATALOGUE[name].value_and_derivative(x)
    for part in (slice(0, 1), slice(BLOCK, BLOCK + 8), slice(2 * BLOCK, None)):
        for all_of_it, alone in zip(
            whole, CATALOGUE[name].value_and_derivative(x[part]), strict=True
        ):
            np.testing.assert_array_equal(all_of_it[part], alone)
    assert np.flatnonzero(np.isnan(whole[0])).tolist() == [5, BLOCK + 4]
    assert np.flatnonzero(np.isnan(whole[1])).tolist() == [5, BLOCK + 4]


@pytest.mark.parametrize("name", [*ZEROS, "tanh", "softplus"])
def test_not_even_the_sign_of_a_zero_depends_on_what_else_a_block_holds(name):
    x = np.float32([-0.0, 0.0, -11.1, -16.0, -111.0, -120.0, 1.0, 30.0])
    found = CATALOGUE[name].value_and_derivative(np.append(x, np.float32([INF, -INF, NAN])))
    for part, *alone in zip(found, *map(CATALOGUE[name].value_and_derivative, x), strict=False):
        assert part[: len(x)].tobytes() == np.array(alone).tobytes()


@pytest.mark.parametrize("name", ZEROS)
def test_beyond_their_tables_values_are_those_of_relu(name):
    step = np.float32(16.0)  # of float32 from 2^27 on
    x = np.append(2.0**27 + step * np.arange(9), [1e3, 3.3e9, 1e30, INF]).astype(np.float32)
    value, derivative = CATALOGUE[name].value_and_derivative(np.append(x, -x))
    np.testing.assert_array_equal(value, np.append(x, np.zeros_like(x)))
    np.testing.assert_array_equal(derivative, np.append(np.ones_like(x), np.zeros_like(x)))


@pytest.mark.parametrize("beta", [1e-3, 0.0123, 0.1, 1.7, 1e3])
def test_swish_ends_at_zero_for_every_beta(beta):
    x = np.float32(np.array([-118.0, -1e4, -INF]) / beta)
    for part in CATALOGUE["swish"].value_and_derivative(x, beta=beta):
        np.testing.assert_array_equal(part, 0)


# ---------------------------------------------------------------------------------------------
# The same bits everywhere
# ---------------------------------------------------------------------------------------------

DIGEST = "a1537d15d6e78a8fe69e6e33c8859a86b6d2cfb37b869797af242e43908e59ef"


def digest():
    """Return a digest of all results on a grid; a zero counts without its sign."""
    hashed = hashlib.sha256()
    for name in NAMES:
        for dtype in FLOATS:
            x = hard_inputs(name, dtype, 2000)
            for values in CATALOGUE[name].value_and_derivative(x):
                hashed.update((values + 0.0).astype(values.dtype.newbyteorder("<")).tobytes())
    return hashed.hexdigest()


def test_bits_are_those_that_were_stored():
    assert digest() == DIGEST


@pytest.mark.skipif(sys.platform == "emscripten", reason="no processes in a browser")
def test_bits_do_not_depend_on_what_the_processor_can():
    from numpy._core import _multiarray_umath as core

    found = [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]
    environment = os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(found)}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    code = "import test_fused; print(test_fused.digest())"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == DIGEST


# ---------------------------------------------------------------------------------------------
# Where they serve
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [{}, {"alpha": 2}, {"alpha": np.float32(0.5)}])
def test_a_fast_form_serves_numbers(parameters):
    assert fast_form(activations.elu, activations.elu_grad, parameters) is not None


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", PARAMETERS)
def test_the_type_of_a_parameter_does_not_count(name, dtype):
    x = np.linspace(-3, 3, 50).astype(dtype)
    for number in (np.float16(0.3), np.float16(900), np.float64(0.3), np.int8(100)):
        found, expected = (
            CATALOGUE[name].value_and_derivative(x, **{PARAMETERS[name]: given})
            for given in (number, float(number))
        )
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "parameters",
    [{"alpha": 0}, {"alpha": -1}, {"alpha": 1e4}, {"alpha": np.ones(2)}, {"alpha": "1"},
     {"alpha": True}, {"alpha": NAN}, {"beta": 1}],
)  # fmt: skip
def test_all_else_is_left_to_the_function(parameters):
    assert fast_form(activations.elu, activations.elu_grad, parameters) is None


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("elu", {"alpha": NAN}), ("swish", {"beta": -1.0}), ("softplus", {"beta": True}),
     ("gelu", {"beta": 1.0}), ("celu", {"beta": 1.0}), ("prelu", {"negative_slope": [1.0, 2.0]}),
     ("squareplus", {"b": 0})],
)  # fmt: skip
def test_errors_are_those_of_the_function(name, parameters):
    row, x = CATALOGUE[name], np.zeros(3)
    with pytest.raises((TypeError, ValueError)) as expected:
        row(x, **parameters)
    with pytest.raises(type(expected.value)) as found:
        row.value_and_derivative(x, **parameters)
    assert str(found.value) == str(expected.value)


@pytest.mark.parametrize("bad", [[True], ["a"], [1j]])
def test_what_is_not_numbers_is_an_error(bad):
    with pytest.raises(TypeError, match="x has dtype"):
        CATALOGUE["gelu"].value_and_derivative(bad)


@pytest.mark.parametrize("name", ["softmax", "maxout", "swiglu"])
def test_a_function_over_an_axis_has_its_pullback_instead(name):
    with pytest.raises(ValueError, match=r"not elementwise.*use pullback"):
        CATALOGUE[name].value_and_derivative(np.zeros((2, 4)))


def test_parameters_may_be_fixed():
    x = np.linspace(-3, 3, 50)
    expected = CATALOGUE["elu"].value_and_derivative(x, alpha=2.5)
    for row in (
        activations.get("elu", alpha=2.5),
        activations.get("elu(alpha=2.5)"),
        with_parameters(CATALOGUE["elu"], alpha=2.5),
    ):
        for found, part in zip(row.value_and_derivative(x), expected, strict=True):
            np.testing.assert_array_equal(found, part)
    overruled = activations.get("elu", alpha=9).value_and_derivative(x, alpha=2.5)
    np.testing.assert_array_equal(overruled[1], expected[1])


def test_a_pair_of_the_readers_own_is_what_is_computed():
    x = np.linspace(-3, 3, 7)
    halved = dataclasses.replace(CATALOGUE["tanh"], derivative=lambda x: 0 * x + 0.5)
    np.testing.assert_array_equal(halved.value_and_derivative(x)[1], np.full(7, 0.5))
    np.testing.assert_array_equal(halved.value_and_derivative(x)[0], np.tanh(x))
    unlike = dataclasses.replace(
        CATALOGUE["elu"], derivative=partial(activations.elu_grad, alpha=3.0)
    )
    assert unlike.value_and_derivative(-1.0)[1] == activations.elu_grad(-1.0, alpha=3.0)
    cube = Activation("cube", lambda x: x**3, lambda x: 3 * x**2)
    assert cube.value_and_derivative(2.0) == (8.0, 12.0)


def test_random_numbers_are_the_same_in_both_and_drawn_once():
    x, rng = -np.ones(50), np.random.default_rng(0)
    value, derivative = CATALOGUE["rrelu"].value_and_derivative(x, rng=rng)
    np.testing.assert_array_equal(value, -derivative)
    after = np.random.default_rng(0)
    after.uniform(size=50)
    assert rng.random() == after.random()


def test_forms_return_new_arrays():
    x = np.linspace(-3, 3, 9)
    for form in FUSED.values():
        value, derivative = fused(form, x)
        assert not np.may_share_memory(value, derivative)
        assert value.flags.writeable
        assert derivative.flags.writeable
