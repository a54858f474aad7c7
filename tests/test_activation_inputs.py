"""Shape, dtype and memory of what activations take and return, and what they reject."""

import itertools

import numpy as np
import pytest
from activation_cases import DTYPES, INF, NAN, PAIRS, by_name
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib import activations
from course_lib.activations import (
    CATALOGUE,
    log_softmax,
    log_softmax_jacobian,
    softmax,
    softmax_jacobian,
)
from course_lib.numerics import BLOCK

OVER_AXIS = [softmax, log_softmax, softmax_jacobian, log_softmax_jacobian]


GROUPED = [r.function for r in CATALOGUE.values() if r.kind == "groups"]


LAYOUTS = {
    "0-d": lambda x: x[3],
    "scalar": lambda x: x.dtype.type(x[3]),
    "empty": lambda x: x[:0].reshape(0, 3),
    "every other": lambda x: x[::2],
    "backwards": lambda x: x[::-1],
    "transposed": lambda x: x.reshape(3, -1).T,
    "two axes": lambda x: x.reshape(3, -1),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype),
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
}


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_layout_dtype_and_shape_are_kept(row):
    for dtype, layout in itertools.product(DTYPES, LAYOUTS):
        line = np.linspace(-4, 4, 3 * (BLOCK // 3 + 7)).astype(dtype)  # more than one block
        x = LAYOUTS[layout](line)
        before = np.array(x)
        for function in (row.function, row.derivative):
            case = f"{function.__name__}, {layout}, {dtype.__name__}"
            value = function(x)
            assert (value.dtype, value.shape) == (x.dtype, x.shape), case
            one_by_one = [function(u) for u in x.ravel()[:5].astype(dtype)]
            np.testing.assert_array_equal(value.ravel()[:5], one_by_one, case)
        np.testing.assert_array_equal(x, before, case)


@pytest.mark.parametrize("function", [*(r.function for r in PAIRS), *OVER_AXIS])
def test_integers_and_lists_become_float64(function):
    expected = function(np.array([1.0, 2.0]))
    for x in ([1, 2], np.array([1, 2], np.int8), np.array([1, 2], np.uint64)):
        value = function(x)
        assert value.dtype == np.float64, repr(x)
        np.testing.assert_array_equal(value, expected, repr(x))


@settings(max_examples=30)
@given(
    x=hnp.arrays(
        st.sampled_from(DTYPES),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
        elements=st.floats(width=16),
    )
)
def test_any_array_keeps_its_shape_and_dtype(x):
    for function, row in ((f, r) for r in PAIRS for f in (r.function, r.derivative)):
        value = function(x)
        assert (value.shape, value.dtype) == (x.shape, x.dtype), function.__name__
        empty = ~np.isfinite(x) if row.name == "sine" else np.isnan(x)
        np.testing.assert_array_equal(np.isnan(value), empty, function.__name__)


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_out_receives_the_result_also_in_place(row):
    for n in (5, BLOCK + 5):
        x = np.linspace(-4, 4, n)
        for function in (row.function, row.derivative):
            expected, out, same = function(x), np.empty_like(x), x.copy()
            assert function(x, out) is out
            assert function(same, out=same) is same
            case = f"{function.__name__}, {n} numbers"
            np.testing.assert_array_equal([out, same], [expected, expected], case)


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_out_may_overlap_the_input(row):
    for n in (5, 2 * BLOCK + 5):
        line = np.linspace(-4, 4, n)
        expected = row(line[:-1])
        row(line[:-1], out=line[1:])
        np.testing.assert_array_equal(line[1:], expected, f"{n} numbers")


class Labeled(np.ndarray):
    """A subclass, as other libraries have them."""


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=by_name)
def test_a_subclass_gives_a_plain_array_with_the_same_values(row):
    x = np.linspace(-3, 3, 12)
    for function in (row.function, row.derivative):
        value = function(x.view(Labeled))
        assert type(value) in (np.ndarray, np.float64)
        np.testing.assert_array_equal(value, function(x))


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------


REJECTED = {
    "bool": np.array([True]),
    "complex128": np.array([1j]),
    "object": np.array([None]),
    "<U1": np.array(["1"]),
    "datetime64": np.array(["2020-01-01"], "datetime64[D]"),
}


if np.dtype(np.longdouble).itemsize > 8:  # not so on Windows
    REJECTED[str(np.dtype(np.longdouble))] = np.ones(1, np.longdouble)


def message(error, function, *arguments):
    """Return what an error of this type says, which the call has to raise."""
    with pytest.raises(error) as caught:
        function(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=by_name)
def test_rejected_dtypes_are_named_with_what_is_expected(row):
    for function, (name, x) in itertools.product((row.function, row.derivative), REJECTED.items()):
        told = message(TypeError, function, x)
        assert name in told, function.__name__
        assert "float16, float32, float64" in told or "numbers" in told, function.__name__


def test_a_ragged_list_is_named():
    for function in (f for r in CATALOGUE.values() for f in (r.function, r.derivative)):
        told = message(ValueError, function, [[1.0], [1.0, 2.0]])
        assert "x is ragged" in told, function.__name__


UNFIT = [  # out, the error, and what it says of what was given and what is expected
    (np.empty(3, np.float32), TypeError, "got float32", "dtype float64"),
    ([0.0] * 3, TypeError, "got list", "dtype float64"),
    (np.empty(4), ValueError, "shape (4,)", "input has shape (3,)"),
    (np.frombuffer(bytes(24)), ValueError, "read-only", "can be written"),
]


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_an_out_that_does_not_fit_is_rejected(row):
    for function in (row.function, row.derivative):
        for out, error, *texts in UNFIT:
            told = message(error, function, np.zeros(3), out)
            assert all(text in told for text in texts), f"{function.__name__}: {told}"


@pytest.mark.parametrize("function", [*OVER_AXIS, *GROUPED])
def test_softmax_needs_the_axis_it_sums_over(function):
    for x, axis, text in [(1.0, -1, "()"), ([1.0], 1, "(1,)"), ([1.0], -2, "axis -2")]:
        told = message(ValueError, function, x, axis)
        assert "an array with that axis is needed" in told
        assert text in told


BAD_PARAMETERS = {
    "slope": (
        lambda: activations.leaky_relu(1.0, negative_slope=INF), "slope is inf", "a finite number"
    ),
    "slope as text": (
        lambda: activations.leaky_relu(1.0, negative_slope="1"), "'1'", "a finite number"
    ),
    "slope as bool": (
        lambda: activations.leaky_relu(1.0, negative_slope=True), "True", "a finite number"
    ),
    "huge slope": (
        lambda: activations.leaky_relu(1.0, negative_slope=10**400), "slope is 1", "finite"
    ),
    "prelu NaN": (
        lambda: activations.prelu([1.0], negative_slope=NAN), "slope is nan", "finite numbers"
    ),
    "prelu shape": (
        lambda: activations.prelu([1.0, 2.0], negative_slope=[1.0] * 3), "(3,)", "that of x, (2,)"
    ),
    "rrelu order": (
        lambda: activations.rrelu(1.0, lower=0.5, upper=0.1), "lower is 0.5", "lower <= upper"
    ),
    "rrelu rng": (lambda: activations.rrelu(1.0, rng=0), "rng is 0", "default_rng"),
    "shrink": (lambda: activations.soft_shrink(1.0, threshold=-1), "is -1", "from 0"),
    "hard shrink": (lambda: activations.hard_shrink_grad(1.0, threshold=NAN), "nan", "from 0"),
    "threshold": (lambda: activations.threshold(1.0, value=NAN), "value is nan", "a finite number"),
    "celu": (lambda: activations.celu(1.0, alpha=0), "alpha is 0", "from 1e-10 to 1e+10"),
    "elu": (lambda: activations.elu_grad(1.0, alpha=INF), "alpha is inf", "a finite number"),
    "softplus": (lambda: activations.softplus_grad(1.0, beta=-1), "beta is -1", "from 1e-10"),
    "squareplus": (lambda: activations.squareplus(1.0, b=0), "b is 0", "from 1e-10"),
    "swish": (lambda: activations.swish(1.0, beta=1e-320), "beta is 1e-320", "from 1e-10"),
    "odd": (lambda: activations.glu([1.0, 2.0, 3.0]), "length 3", "equal parts"),
    "pieces": (lambda: activations.maxout([1.0, 2.0], pieces=0), "0 pieces", "equal parts"),
    "half a piece": (lambda: activations.maxout([1.0], pieces=0.5), "0.5", "an integer"),
    "no axis": (lambda: softmax([1.0], "1"), "axis is '1'", "an integer, a tuple of them, or None"),
    "no axis of a gate": (lambda: activations.glu([1.0], None), "axis is None", "an integer"),
    "list of axes": (lambda: softmax([[1.0]], [0, 1]), "axis is [0, 1]", "a tuple"),
    "half an axis": (lambda: softmax([[1.0]], (0, 1.5)), "axis is (0, 1.5)", "an integer"),
    "axis as bool": (lambda: softmax([[1.0]], (0, True)), "axis is (0, True)", "an integer"),
    "axis twice": (lambda: log_softmax([[1.0]], (1, -1)), "axis is (1, -1)", "each axis once"),
    "axis beyond": (lambda: activations.logsumexp([[1.0]], (0, 2)), "no axis 2", "with that axis"),
    "axes of none": (lambda: softmax_jacobian([[1.0]], ()), "axis is ()", "at least one axis"),
    "axes of a scalar": (lambda: softmax(1.0, None), "shape ()", "at least one axis"),
    "keepdims": (lambda: activations.logsumexp([1], keepdims=1), "keepdims is 1", "True or False"),
    "out as axis": (lambda: softmax([1.0], np.zeros(1)), "axis is array", "an integer"),
    "slope by place": (
        lambda: activations.leaky_relu([1.0], 0.2), "got float", "negative_slope=0.2"
    ),
    "grad_output": (
        lambda: CATALOGUE["relu"].vjp([1.0, 2.0], np.ones((3, 2))), "(3, 2)", "has shape (2,)"
    ),
    "grad_output of a gate": (
        lambda: CATALOGUE["glu"].vjp(np.ones(4), np.ones(4)), "(4,)", "has shape (2,)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_PARAMETERS)
def test_bad_parameters_are_named_with_what_is_expected(case, refuses):
    call, *texts = BAD_PARAMETERS[case]
    refuses(call, (TypeError, ValueError), *texts)


@pytest.mark.parametrize("number", [np.float16(0.5), np.array(0.5), np.float64(0.5)])
def test_a_parameter_may_be_any_real_number(number):
    x = np.array([-INF, -2.0, 3.0, INF])
    for function, name in (
        (activations.leaky_relu, "negative_slope"),
        (activations.softplus, "beta"),
        (activations.celu_grad, "alpha"),
        (activations.swish_grad, "beta"),
    ):
        np.testing.assert_array_equal(function(x, **{name: number}), function(x, **{name: 0.5}))


# ---------------------------------------------------------------------------------------------
# Extreme input
# ---------------------------------------------------------------------------------------------


EXTREMES = {
    "tails": [-1e30, -730.0, 3.0, 1e38],
    "all sizes": [*-np.logspace(-320, 300, 32), *np.logspace(-320, 300, 32)],
    "largest": [-1e308, 1e308, -1e308, 1e308],
    "infinities": [[-INF, INF, INF, 0.0], [-INF, -INF, -INF, -INF], [INF, INF, -INF, 1e-320]],
    "confident": [[0.0, -740.0], [800.0, 0.0], [0.0, -100.0], [-11.0, 0.0]],
    "NaN": [[NAN, 0.0], [INF, NAN], [-INF, NAN]],
    "no rows": np.empty((0, 4)),
    "rows of nothing": np.empty((3, 0)),
}


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=by_name)
def test_no_setting_of_numpy_turns_tails_into_errors(row):
    for kind, dtype in itertools.product(EXTREMES, DTYPES):
        with np.errstate(all="ignore"):
            x = np.array(EXTREMES[kind]).astype(dtype)
        with np.errstate(all="raise"):
            value = np.asarray(row(x))
            row.derivative(x)
            signs = np.where(np.arange(value.size) % 3, 1, -1).reshape(value.shape).astype(dtype)
            for size in (1, np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal):
                assert row.vjp(x, size * signs).shape == x.shape, (kind, dtype)
