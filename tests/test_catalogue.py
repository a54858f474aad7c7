"""What the table says of every activation: its extrema, kinks and gain, and its names elsewhere."""

import math

import numpy as np
import pytest
import torch
from activation_cases import INF, PAIRS, ROUGH_IN_PYTORCH, ROWS_OVER_AXIS, by_name
from mpmath import mp, mpf
from together import together

from course_lib import activations, meanfield
from course_lib.accuracy import EXACT, errors, exact_values
from course_lib.activations import CATALOGUE, log_softmax_jacobian, softmax_jacobian
from course_lib.activations.catalogue import spelled_out
from course_lib.pytorch import activation_module

pytestmark = pytest.mark.usefixtures("fifty_digits")


def extremum(function, low, high, sign):
    """Return the largest value of sign * function, by golden section around the best of a grid."""
    grid = [low + (high - low) * mpf(i) / 400 for i in range(401)]
    best = max(range(1, 400), key=lambda i: sign * function(grid[i]))
    a, b = grid[best - 1], grid[best + 1]
    for _ in range(80):
        c, d = b - (b - a) / mp.phi, a + (b - a) / mp.phi
        a, b = (a, d) if sign * function(c) > sign * function(d) else (c, b)
    return function((a + b) / 2)


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "quick_gelu", "silu", "swish", "mish"])
def test_the_declared_minimum_is_the_exact_one(name):
    lowest = exact_values(lambda _: extremum(EXACT[name][0], mpf(-3), mpf(0), -1), [0.0])
    assert errors(np.array([CATALOGUE[name].range[0]]), lowest) <= 2


@together("row", PAIRS)
def test_values_fill_the_declared_range(row):
    x = np.concatenate([[-INF], np.linspace(-20, 20, 4001), [INF]])
    values = row(x)
    low, high = np.nanmin(values), np.nanmax(values)  # the sine of infinity is NaN
    assert (low, high) == pytest.approx(row.range, abs=2e-5)
    slack = 4 * np.finfo(np.float64).eps
    assert low >= row.range[0] - slack
    assert high <= row.range[1]


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_monotonic_means_that_the_exact_derivative_is_never_negative(row):
    derivatives = [EXACT[row.name][1](mpf(i) / 8) for i in range(-160, 161)]
    assert row.monotonic == (min(derivatives) >= 0)


@pytest.mark.parametrize("row", [r for r in PAIRS if r.monotonic], ids=by_name)
def test_rounding_keeps_a_monotonic_function_monotonic(row):
    x = np.sort(np.random.default_rng(0).uniform(-20, 20, 100_000).astype(np.float32))
    assert (np.diff(row(x)) >= 0).all()


@pytest.mark.parametrize("row", [r for r in PAIRS if r.lipschitz < INF], ids=by_name)
def test_the_lipschitz_constant_is_the_largest_derivative(row):
    def steepness(x):
        return abs(EXACT[row.name][1](x))

    steepest = extremum(steepness, mpf(-8), mpf(8), 1)
    steepest = max([steepest, *(steepness(mpf(x)) for x in (-1e9, -1e-30, 0, 1e9))])
    assert row.lipschitz == pytest.approx(float(steepest), rel=1e-15)


@pytest.mark.parametrize("row", [r for r in PAIRS if r.lipschitz == INF], ids=by_name)
def test_without_a_lipschitz_constant_derivatives_grow_or_the_function_jumps(row):
    if row.kinks:
        below, above = (EXACT[row.name][0](mpf(row.kinks[1]) + d) for d in (-1e-30, 1e-30))
        assert above - below > 0.4
    else:
        assert EXACT[row.name][1](mpf(1000)) > 1000


def test_the_lipschitz_constant_of_softmax_is_reached_by_an_even_pair():
    assert np.linalg.norm(softmax_jacobian([0.0, 0.0]), 2) == pytest.approx(
        CATALOGUE["softmax"].lipschitz
    )
    rows = np.random.default_rng(0).normal(size=(200, 5)) * 3
    assert np.linalg.norm(softmax_jacobian(rows), 2, axis=(-2, -1)).max() < 0.5


def test_no_constant_bounds_log_softmax_at_every_length():
    norms = [np.linalg.norm(log_softmax_jacobian([100.0] + [0.0] * n), 2) for n in (3, 24, 399)]
    assert norms == pytest.approx([2, 5, 20])
    assert CATALOGUE["log_softmax"].lipschitz == INF


def exact_gain(row):
    """Return what keeps the second moment of a normal variable, by mpmath's quadrature."""
    function = EXACT[row.name][0]
    pieces = sorted({-14.0, -4.0, -1.0, 0.0, 1.0, 4.0, 14.0, *row.kinks})
    with mp.workdps(22):
        mean = mp.quad(lambda x: function(x) ** 2 * mp.npdf(x), pieces, method="gauss-legendre")
        return 1 / mp.sqrt(mean)


@pytest.mark.parametrize("row", PAIRS, ids=by_name)
def test_the_gain_is_the_exact_one_correctly_rounded(row):
    off = errors(np.array([row.gain]), exact_values(lambda _: exact_gain(row), [0.0]))
    assert off[0] <= 0.5
    assert row.gain == pytest.approx(meanfield.gain(row), rel=1e-14)


@pytest.mark.parametrize(
    ("name", "gain"),
    [
        ("identity", 1.0),
        ("selu", 1.0),
        ("relu", math.sqrt(2)),
        ("leaky_relu", math.sqrt(2 / (1 + 0.01**2))),
        ("prelu", math.sqrt(2 / (1 + 0.25**2))),
        ("squared_relu", math.sqrt(2 / 3)),
        ("squareplus", math.sqrt(2 / 3)),  # the mean of (x^2 + 2)/2, as the odd part cancels
        ("sine", math.sqrt(2 / (1 - math.exp(-2)))),
        ("gaussian", 5**0.25),
        ("exponential", math.exp(-1)),
    ],
)
def test_gains_with_a_closed_form(name, gain):
    assert CATALOGUE[name].gain == pytest.approx(gain, rel=4e-16)


def test_over_an_axis_there_is_no_gain():
    assert {row.gain for row in ROWS_OVER_AXIS} == {None}


@together("row", PAIRS)
def test_kinks_are_where_the_derivatives_on_both_sides_differ(row):
    derivative = EXACT[row.name][1]
    for x in {-1.0, 0.0, 1.0, 3.0, *row.kinks}:
        left, right = (derivative(mpf(x) + d) for d in (mpf(-1e-30), mpf(1e-30)))
        assert (abs(left - right) > 1e-20) == (x in row.kinks)


@pytest.mark.parametrize("row", [r for r in PAIRS if r.kinks], ids=by_name)
def test_at_a_kink_the_derivative_takes_the_conventional_value(row):
    for kink, value in zip(row.kinks, row.kink_derivatives, strict=True):
        assert row.derivative(kink) == value
        if kink == 0:
            assert row.derivative(-0.0) == value


@pytest.mark.parametrize("row", [r for r in PAIRS if r.kinks and r.pytorch], ids=by_name)
def test_the_conventional_value_at_a_kink_is_that_of_pytorch(row):
    x = torch.tensor(row.kinks, dtype=torch.float64, requires_grad=True)
    activation_module(row).double().eval()(x).sum().backward()
    np.testing.assert_allclose(row.kink_derivatives, x.grad, rtol=1e-15)


@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_the_kink_of_elu_with_another_alpha_has_the_derivative_of_pytorch(alpha):
    x = torch.tensor([-0.0, 0.0], dtype=torch.float64, requires_grad=True)
    torch.nn.functional.elu(x, alpha).sum().backward()
    np.testing.assert_array_equal(
        CATALOGUE["elu"].derivative(x.detach().numpy(), alpha=alpha), x.grad
    )


# ---------------------------------------------------------------------------------------------
# Other libraries
# ---------------------------------------------------------------------------------------------


@together("row", [r for r in PAIRS if r.pytorch])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pytorch_computes_the_same_function_under_the_listed_name(row, dtype):
    x = torch.linspace(-5, 5, 101, dtype=dtype, requires_grad=True)
    y = activation_module(row).to(dtype).eval()(x)
    y.sum().backward()
    near = {"rtol": 20 * torch.finfo(dtype).eps, "atol": 20 * torch.finfo(dtype).eps}
    np.testing.assert_allclose(row(x.detach().numpy()), y.detach(), **near)
    near["rtol"] = max(near["rtol"], ROUGH_IN_PYTORCH.get(row.name, 0))
    np.testing.assert_allclose(row.derivative(x.detach().numpy()), x.grad, **near)


NOT_ELEMENTWISE = {
    "torch": {"MultiheadAttention", "Softmax2d"},
    "jax": {"one_hot", "standardize", "scaled_dot_product_attention", "dot_product_attention"}
    | {"get_scaled_dot_general_config", "scaled_dot_general", "scaled_matmul", "logmeanexp"}
    | {"log1mexp"},  # a tool for probabilities, not an activation
    # up to Keras 3.15.1, sparsemax does not sum to 1: github.com/keras-team/keras/issues/23425
    "keras": {"get", "serialize", "deserialize", "sparsemax"},
}


ALIASES = {"hard_silu": "hard_swish"}


def test_every_activation_of_pytorch_is_there():
    known = {spelled_out(row.pytorch)[0] for row in CATALOGUE.values() if row.pytorch}
    theirs = set(torch.nn.modules.activation.__all__) - NOT_ELEMENTWISE["torch"]
    assert theirs <= known, sorted(theirs - known)


@pytest.mark.parametrize("library", ["jax", "keras"])
def test_every_activation_of_other_libraries_is_there(library):
    namespace = {"jax": "jax.nn", "keras": "keras.activations"}[library]
    module = pytest.importorskip(namespace, reason=f"needs {library}")
    known = {spelled_out(name)[0] for row in CATALOGUE.values() if (name := getattr(row, library))}
    theirs = {n for n in dir(module) if not n.startswith("_") and callable(getattr(module, n))}
    missing = {ALIASES.get(name, name) for name in theirs - NOT_ELEMENTWISE[library]} - known
    assert not missing, sorted(missing)


@pytest.mark.parametrize("library", ["jax", "keras"])
def test_other_libraries_compute_the_same_functions_under_the_listed_names(library):
    namespace = {"jax": "jax.nn", "keras": "keras.activations"}[library]
    module = pytest.importorskip(namespace, reason=f"needs {library}")
    x = np.linspace(-5, 5, 102, dtype=np.float32)
    for row in CATALOGUE.values():
        if name := getattr(row, library):
            function, options = spelled_out(name)
            value = np.asarray(getattr(module, function)(x, **options))
            np.testing.assert_allclose(row(x), value, rtol=2e-5, atol=1e-5, err_msg=row.name)


# ---------------------------------------------------------------------------------------------
# Looking up
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "nearest"), [("rellu", "relu"), ("Sigmoid", "sigmoid"), ("softmx", "softmax")]
)
def test_get_suggests_the_nearest_name(name, nearest):
    with pytest.raises(
        KeyError, match=f"{name}.*did you mean '{nearest}'.*relu, leaky_relu, prelu"
    ):
        activations.get(name)


def test_get_lists_what_it_knows_when_nothing_is_near():
    with pytest.raises(KeyError, match=r"unknown activation 'xyz'\. Expected: identity, relu"):
        activations.get("xyz")


def test_the_three_ways_in_lead_to_the_same_function():
    row = activations.get("gelu")
    assert row is CATALOGUE["gelu"] is activations.get(row)
    assert (row.function, row.derivative) == (activations.gelu, activations.gelu_grad)
    assert list(CATALOGUE) == [r.name for r in CATALOGUE.values()]
    with pytest.raises(TypeError):
        CATALOGUE["new"] = row
