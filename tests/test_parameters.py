"""Rows of the catalogue with other parameters."""

import math
import pickle
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text
from together import together

from course_lib import activations, meanfield, plots
from course_lib.activations import CATALOGUE, Activation
from course_lib.autodiff import Value
from course_lib.diagnostics import check_gradients, diagnose, saturation_threshold
from course_lib.experiments import compare
from course_lib.network import Activate, mlp

X = np.array([-2.0, -0.3, 0.0, 0.4, 3.0])


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("leaky_relu", {"negative_slope": 0.2}),
        ("elu", {"alpha": 2.0}),
        ("softplus", {"beta": 2.0}),
        ("hard_shrink", {"threshold": 0.25}),
        ("threshold", {"threshold": 0.1, "value": -1.0}),
    ],
)
def test_function_and_derivative_have_the_parameters(name, parameters):
    plain, row = activations.get(name), activations.get(name, **parameters)
    assert row.parameters == plain.parameters | parameters
    np.testing.assert_array_equal(row(X), plain.function(X, **parameters))
    np.testing.assert_array_equal(row.derivative(X), plain.derivative(X, **parameters))


def test_kinks_and_lipschitz_constant_follow():
    row = activations.get("elu", alpha=2.0)
    assert (row.kinks, row.kink_derivatives, row.lipschitz) == ((0.0,), (2.0,), 2.0)
    assert activations.get("soft_shrink", threshold=0.25).kinks == (-0.25, 0.25)
    assert activations.get("leaky_relu", negative_slope=3).lipschitz == 3


def test_over_an_axis_the_properties_stay():
    row = activations.get("maxout", pieces=4)
    assert (row.range, row.lipschitz) == ((-np.inf, np.inf), 1)
    np.testing.assert_array_equal(row(np.arange(8.0)), [6, 7])
    np.testing.assert_array_equal(row.vjp(np.arange(8.0), [1, 2]), [0, 0, 0, 0, 0, 0, 1, 2])


def test_a_threshold_that_jumps_has_no_lipschitz_constant():
    assert activations.get("threshold", threshold=1.0, value=0.0).lipschitz == np.inf
    assert activations.get("threshold", threshold=1.0, value=1.0).lipschitz == 1


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("prelu", {"negative_slope": np.array([0.1, 0.2])}),
        ("elu", {"alpha": "2"}),
        ("elu", {"alpha": None}),
        ("rrelu", {"rng": np.random.default_rng(0)}),
    ],
)
def test_only_numbers_can_be_fixed(name, parameters):
    with pytest.raises(TypeError, match="expected one number"):
        activations.get(name, **parameters)


def test_unknown_parameter():
    with pytest.raises(TypeError, match=r"unknown parameter of 'elu' 'beta'\. Expected: alpha"):
        activations.get("elu", beta=2)


def test_custom_activation_needs_three_fields():
    cube = Activation("cube", lambda x: x**3, lambda x: 3 * x**2)
    np.testing.assert_array_equal(cube.vjp([2.0], [1.0]), [12.0])


@pytest.mark.parametrize(
    ("name", "parameters", "low", "monotonic"),
    [
        ("leaky_relu", {"negative_slope": 0.2}, -np.inf, True),
        ("leaky_relu", {"negative_slope": 0.0}, 0, True),
        ("prelu", {"negative_slope": -0.5}, 0, False),
        ("rrelu", {"lower": -0.5, "upper": -0.25}, 0, False),
        ("elu", {"alpha": 2.0}, -2, True),
        ("elu", {"alpha": -1.0}, 0, False),
        ("celu", {"alpha": 0.5}, -0.5, True),
        ("threshold", {"threshold": 1.0, "value": 3.0}, 1, False),
        ("threshold", {"threshold": 1.0, "value": -3.0}, -3, True),
        ("swish", {"beta": 2.0}, -0.139232, False),  # half of SiLU's, -0.278465
        ("softplus", {"beta": 2.0}, 0, True),
        ("squareplus", {"b": 1.0}, 0, True),
        ("hard_shrink", {"threshold": 0.25}, -np.inf, True),
    ],
)
def test_range_and_monotonicity_follow(name, parameters, low, monotonic):
    row, x = activations.get(name, **parameters), np.linspace(-40, 40, 80_001)
    y = row(x)
    assert row.monotonic is monotonic is bool((np.diff(y) >= 0).all())
    assert row.range == (pytest.approx(low, abs=1e-6), np.inf)
    assert row.range[0] <= y.min()  # and it comes near: these are infimum and supremum
    assert y.min() < -7 if low == -np.inf else y.min() < low + 0.02


# every elementwise row, every parameter, at values on both sides of what changes the function
VALUES = (-2.0, -0.5, 0.0, 0.3, 1.0, 2.0, 8.0)
GRID = np.unique([*np.linspace(-60, 60, 240_001), -1e-9, 1e-9])


def fixed_rows():
    """Return each row of the catalogue with each of the values that it takes."""
    for row in CATALOGUE.values():
        for name in row.parameters if row.elementwise else ():
            for value in VALUES:
                try:
                    yield activations.get(row, **{name: value})
                except (TypeError, ValueError):
                    continue


ROWS = list(fixed_rows())


def test_most_values_are_taken():
    assert len(ROWS) > 50
    with_parameters = {row.name for row in CATALOGUE.values() if row.elementwise and row.parameters}
    assert {row.name.partition("(")[0] for row in ROWS} == with_parameters


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_properties_are_those_of_the_function(row):
    with np.errstate(all="ignore"):
        y, derivative = row(GRID), row.derivative(GRID)
    quotients = np.abs(np.diff(y) / np.diff(GRID))
    assert row.monotonic is bool((np.diff(y) >= 0).all())
    for bound, reached, sign in zip(row.range, (y.min(), y.max()), (-1, 1), strict=True):
        if np.isinf(bound):
            assert sign * reached > 5
        else:
            assert sign * reached <= sign * bound + 1e-12
            assert abs(reached - bound) < 0.07
    if np.isinf(row.lipschitz):
        assert quotients.max() > 300
    else:
        assert np.abs(derivative).max() == pytest.approx(row.lipschitz, rel=1e-3)
        assert quotients.max() <= row.lipschitz * (1 + 1e-6)
    jumps = GRID[:-1][np.abs(np.diff(derivative)) > 0.02]
    assert all(min(abs(at - kink) for kink in row.kinks) < 1e-3 for at in jumps)
    assert all(np.abs(jumps - kink).min() < 1e-3 for kink in row.kinks)
    assert list(row.kink_derivatives) == row.derivative(np.array(row.kinks)).tolist()


def test_two_lines_that_are_one_have_no_kink():
    assert activations.get("leaky_relu", negative_slope=1).kinks == ()
    assert activations.get("hard_shrink", threshold=0.0).lipschitz == 1


@together("row", ROWS)
def test_gain_is_that_of_mean_field_theory(row):
    two_lines = row.name.startswith(("leaky_relu", "prelu", "rrelu"))
    assert (row.gain is not None) is two_lines
    if two_lines:
        assert row.gain == pytest.approx(meanfield.gain(row), rel=1e-12)


@together("row", ROWS)
def test_its_name_gives_it_back(row):
    again = activations.get(row.name)
    assert again == row and hash(again) == hash(row)
    assert pickle.loads(pickle.dumps(row)) == row


def test_later_parameters_go_before_earlier_ones():
    row = activations.get(activations.get("threshold", threshold=1.0, value=3.0), value=0.5)
    assert row == activations.get("threshold", threshold=1.0, value=0.5)
    assert activations.get("threshold(threshold=1.0, value=3.0)", value=0.5) == row
    assert (row.range, row.monotonic) == ((0.5, np.inf), True)


def test_numbers_of_numpy_are_written_as_python_writes_them():
    row = activations.get("leaky_relu", negative_slope=np.float32(0.25))
    assert row.name == "leaky_relu(negative_slope=0.25)"


def test_parameters_of_functions_over_an_axis_by_name():
    row = activations.get("maxout(pieces=4)")
    assert row == activations.get("maxout", pieces=4)
    np.testing.assert_array_equal(row(np.arange(8.0)), [6, 7])


def test_the_axis_can_be_fixed():
    x, u = np.random.default_rng(0).normal(size=(2, 3, 4))
    row = activations.get("softmax(axis=0)")
    assert row == activations.get("softmax", axis=0) and row.parameters == {"axis": 0}
    assert activations.get("softmax").parameters == {"axis": -1}
    np.testing.assert_array_equal(row(x), activations.softmax(x, axis=0))
    np.testing.assert_array_equal(row.vjp(x, u), activations.get("softmax").vjp(x, u, axis=0))
    kept = activations.get("logsumexp", axis=None, keepdims=True)
    assert kept(x).shape == (1, 1) and activations.get("glu", axis=1)(x).shape == (3, 2)


def tempered(x, axis=-1, *, t=1.0):
    return activations.softmax(np.asarray(x) / t, axis)


def tempered_jacobian(x, axis=-1, *, t=1.0):
    return activations.softmax_jacobian(np.asarray(x) / t, axis) / t


def tempered_rule(x, axis=-1, *, t=1.0):
    value, pull = activations.softmax_pullback(x / t, axis)
    return value, lambda u: pull(u) / t


@pytest.mark.parametrize("rule", [None, tempered_rule])
@pytest.mark.parametrize("given", [{"t": 2.0}, {"axis": 0}, {"axis": 0, "t": 2.0}])
def test_own_function_over_an_axis_has_its_parameters_backwards_too(rule, given):
    own = Activation("tempered", tempered, tempered_jacobian, kind="axis", pullback_rule=rule)
    row = activations.get(own, **given)
    x, u = np.random.default_rng(0).normal(size=(2, 3, 4))
    value, pull = row.pullback(x)
    np.testing.assert_array_equal(value, tempered(x, **given))
    _, expected = tempered_rule(x, **given)
    np.testing.assert_allclose(pull(u), expected(u), atol=1e-15)


@pytest.mark.parametrize(
    ("name", "given", "error", "message"),
    [
        ("softmax", {"axis": [0]}, TypeError, "axis is [0]; expected an integer, a tuple of them"),
        ("softmax", {"axis": "0"}, TypeError, "axis is '0'; expected an integer, a tuple of them"),
        ("glu", {"axis": None}, TypeError, "axis is None; expected an integer"),
        ("maxout", {"pieces": 0}, ValueError, "pieces is 0; expected integers from 1 on"),
        ("maxout", {"pieces": 2.0}, TypeError, "pieces is 2.0; expected an integer"),
        ("maxout", {"pieces": True}, TypeError, "pieces is True; expected an integer"),
        ("logsumexp", {"keepdims": 1}, TypeError, "expected True or False"),
        ("elu", {"alpha": 10**400}, ValueError, "expected a finite number"),
        ("relu", {"axis": 0}, TypeError, "'relu' takes no parameters; axis is given"),
    ],
)
def test_what_a_parameter_cannot_be(name, given, error, message):
    with pytest.raises(error, match=re.escape(message)):
        activations.get(name, **given)


def test_numbers_in_arrays_without_axes_are_numbers():
    row = activations.get("elu", alpha=np.array(2.0))
    assert row == activations.get("elu(alpha=2.0)")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("leaky_relu(0.2)", ValueError, "parameters by their names"),
        ("elu(alpha=2", ValueError, "cannot read the activation"),
        ("elu(alpha=x)", ValueError, "cannot read the activation"),
        ("elu(alpha=2, alpha=3)", ValueError, "cannot read the activation"),
        ("nn.elu(alpha=2)", ValueError, "cannot read the activation"),
        ("elu(**{'alpha': 2})", ValueError, "cannot read the activation"),
        ("rellu(alpha=2)", KeyError, "did you mean 'relu'"),
        ("elu(alfa=2)", TypeError, "did you mean 'alpha'"),
        ("elu(alpha=1e999)", ValueError, "alpha is inf; expected a finite number"),
        ("elu(alpha=True)", TypeError, "expected one number"),
        ("softplus(beta=0)", ValueError, "beta is 0; expected a number from"),
    ],
)
def test_text_that_names_no_activation(text, error, message):
    with pytest.raises(error, match=re.escape(message)):
        activations.get(text)


LEAKY = "leaky_relu(negative_slope=0.2)"


def leaky():
    """Return leaky ReLU with another slope, written by hand."""
    return Activation(
        "leaky",
        lambda x: np.where(x > 0, x, 0.2 * x),
        lambda x: np.where(x > 0, 1.0, 0.2),
        lipschitz=1.0,
        kinks=(0.0,),
    )


def test_layers_and_networks_take_them_by_row_and_by_name():
    x = np.random.default_rng(0).standard_normal((5, 3))
    outputs = [
        mlp([3, 4, 2], f, seed=range(2))(x) for f in (LEAKY, activations.get(LEAKY), leaky())
    ]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_allclose(outputs[0], outputs[2], rtol=1e-14)
    assert Activate(LEAKY).activation.name == LEAKY


def test_mean_field_theory_takes_them():
    for function in (meanfield.gain, meanfield.chi, meanfield.variance_map):
        given = () if function is meanfield.gain else (1.5,)
        by_name, by_hand = (function(f, *given) for f in (LEAKY, leaky()))
        assert by_name == pytest.approx(by_hand, rel=1e-12)
    # kinks elsewhere than by default are where the integral is cut
    row = activations.get("soft_shrink", threshold=1.25)
    tail = (1 + 1.25**2) * math.erfc(1.25 / math.sqrt(2)) - 1.25 * math.sqrt(
        2 / math.pi
    ) * math.exp(-(1.25**2) / 2)
    assert meanfield.variance_map(row, 1.0) == pytest.approx(tail, rel=1e-12)


def test_diagnostics_take_them():
    row = activations.get("elu", alpha=5.0)
    assert saturation_threshold(row) == saturation_threshold("elu(alpha=5.0)") == 0.05
    x = np.random.default_rng(0).standard_normal((6, 3))
    found = diagnose(mlp([3, 4, 4, 2], LEAKY), x, np.zeros(6, int))
    by_hand = diagnose(mlp([3, 4, 4, 2], leaky()), x, np.zeros(6, int))
    np.testing.assert_allclose(found.saturated, by_hand.saturated)


def test_values_take_them():
    value = Value(-3.0)
    applied = value.apply(LEAKY)
    applied.backward()
    assert value.grad == 0.2
    figure = plots.computation_graph(applied)
    assert LEAKY in [text.get_text() for text in figure.findobj(Text)]
    plt.close(figure)


def test_figures_take_them():
    figure = plots.functions([LEAKY, activations.get("elu", alpha=2.0)])
    titles = [axes.get_title("left") or axes.get_title("center") for axes in figure.axes[:2]]
    assert titles == [LEAKY, "elu(alpha=2.0)"]
    derivative, function = figure.axes[0].lines
    np.testing.assert_array_equal(function.get_ydata(), leaky()(function.get_xdata()))
    np.testing.assert_array_equal(derivative.get_ydata()[:3], [0.2] * 3)
    plt.close(figure)
    with pytest.raises(ValueError, match="takes a whole axis"):
        plots.functions(["softmax"])
    with pytest.raises(TypeError, match="pairs is 'relu'; expected a mapping"):
        plots.functions("relu")


def test_comparisons_are_named_after_them():
    x = np.random.default_rng(0).standard_normal((40, 3))
    y = (x[:, 0] > 0).astype(int)
    part = (x, y)
    found = compare(
        ["relu", LEAKY, activations.get("elu", alpha=2)],
        sizes=[3, 4, 2],
        data=(part, part, part),
        learning_rates=[0.1, 0.3],
        epochs=1,
        seeds=range(2),
        tuning_seeds=[5],
        edge="note",
        baseline=activations.get("elu", alpha=2),
    )
    assert found.baseline == ("elu(alpha=2)", "default")
    row = activations.get(LEAKY)
    assert found.against((row, "default")) == found.against(LEAKY) == found.against(row)
    assert found.activations == ("relu", LEAKY, "elu(alpha=2)")


def test_an_activation_of_ones_own_states_only_what_is_known():
    cube = Activation("cube", lambda x: x**3, lambda x: 3 * x**2)
    assert (cube.range, cube.lipschitz, cube.monotonic, cube.kinks) == (None, None, None, ())
    assert meanfield.gain(cube) == pytest.approx(1 / math.sqrt(15))
    assert saturation_threshold(cube) == 0.01
    x = np.random.default_rng(0).standard_normal((6, 3))
    network = mlp([3, 4, 2], cube, initialization="computed")
    errors = check_gradients(network, x, np.zeros(6, int)).errors
    assert max(np.max(error) for error in errors.values()) < 1e-6
    value = Value(2.0)
    value.apply(cube).backward()
    assert value.grad == 12


def test_parameters_of_ones_own_function_leave_open_what_is_true():
    def power(x, *, exponent=3):
        return x**exponent

    def power_grad(x, *, exponent=3):
        return exponent * x ** (exponent - 1)

    row = Activation("power", power, power_grad, lipschitz=np.inf, monotonic=True)
    square = activations.get(row, exponent=2)
    assert square.name == "power(exponent=2)"
    assert (square.lipschitz, square.monotonic) == (None, None)
    np.testing.assert_array_equal(square.vjp([3.0], [1.0]), [6.0])


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        (("", np.tanh, np.tanh), TypeError, "name is ''; expected text"),
        (("cube", 3, np.tanh), TypeError, "function of 'cube' is 3"),
        (("cube", np.tanh, None), TypeError, "derivative of 'cube' is None"),
    ],
)
def test_what_is_no_activation(fields, error, message):
    with pytest.raises(error, match=re.escape(message)):
        Activation(*fields)


def test_functions_that_change_the_shape():
    x = np.ones((2, 3))
    summed = Activation("sum", lambda x: x.sum(axis=-1), np.ones_like)
    with pytest.raises(ValueError, match=r"function of 'sum' returned shape \(2,\)"):
        Activate(summed).forward(x)
    short = Activation("short", np.tanh, lambda x: np.ones((3, 1, 1)))
    with pytest.raises(ValueError, match=r"derivative of 'short' returned shape"):
        short.vjp(x, x)
    with pytest.raises(KeyError, match="kind"):
        Activation("gate", np.tanh, np.tanh, kind="gate")


@pytest.mark.parametrize("given", [np.tanh, math.tanh, activations.tanh, lambda x: x, str])
def test_a_function_is_no_activation(given):
    message = r"expected a name, such as 'relu', or Activation\(name, f, derivative\)"
    with pytest.raises(TypeError, match=message):
        activations.get(given)
