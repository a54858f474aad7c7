"""Hard functions with other limits, lines and caps: PyTorch, Keras, ONNX's formula, misuse."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from activation_cases import DTYPES, INF, NAN
from together import together

from course_lib import activations
from course_lib.activations import CATALOGUE
from course_lib.pytorch import activation_module
from course_lib.pytorch.activation_modules import activation_of

RNG = np.random.default_rng(0)
X = np.concatenate([np.linspace(-9, 9, 145), RNG.uniform(-6, 6, 300), [-INF, INF, -0.0]])


@together("dtype", DTYPES)
@together("limits", [(-1.0, 1.0), (-2, 0.5), (0, 6), (1.5, 2), (-1e30, 1e30), (0.1, 7)])
def test_hard_tanh_and_its_derivative_are_those_of_pytorch(limits, dtype):
    if dtype == np.float16 and max(limits) > 1e4:  # PyTorch takes no limit beyond float16
        limits = (-6e4, 6e4)
    with np.errstate(over="ignore"):
        x = np.append(X, [*limits, *np.nextafter(limits, 0), *np.nextafter(limits, 9)]).astype(
            dtype
        )
    leaf = torch.tensor(x, requires_grad=True)
    y = torch.nn.functional.hardtanh(leaf, *limits)
    y.sum().backward()
    fixed = dict(zip(("min_val", "max_val"), limits, strict=True))
    np.testing.assert_array_equal(activations.hard_tanh(x, **fixed), y.detach())
    np.testing.assert_array_equal(activations.hard_tanh_grad(x, **fixed), leaf.grad)


@together("dtype", DTYPES)
@together("cap", [6.0, 1, 0.3, 1e-3, 1e30])
def test_the_cap_of_relu6_is_that_of_a_hard_tanh_from_0(cap, dtype):
    if dtype == np.float16 and cap > 1e4:
        np.testing.assert_array_equal(
            activations.relu6(X.astype(dtype), max_value=cap), activations.relu(X.astype(dtype))
        )
        return
    x = np.append(X, [cap, 0.0]).astype(dtype, copy=False) if cap < 1e4 else X.astype(dtype)
    leaf = torch.tensor(x, requires_grad=True)
    y = torch.nn.functional.hardtanh(leaf, 0.0, cap)
    y.sum().backward()
    np.testing.assert_array_equal(activations.relu6(x, max_value=cap), y.detach())
    np.testing.assert_array_equal(activations.relu6_grad(x, max_value=cap), leaf.grad)


LINES = [(0.2, 0.5), (1 / 6, 0.5), (1 / 6, 0.25), (1.0, 0.0), (0.7, -3), (3, 2), (1e-10, 1e10)]


@together("dtype", DTYPES)
@pytest.mark.parametrize(("slope", "offset"), LINES)
def test_hard_sigmoid_is_the_formula_of_onnx(slope, offset, dtype):
    """max(0, min(1, alpha x + beta)), in exact fractions; at kinks the derivative is 0."""
    x = X[np.isfinite(X)].astype(dtype)
    a = Fraction(1, 6) if (slope, offset) == (1 / 6, 0.5) else Fraction(slope)
    lines = [a * Fraction(float(u)) + Fraction(offset) for u in x]
    expected = np.array([float(min(max(v, 0), 1)) for v in lines])
    slopes = np.array([float(a) if 0 < v < 1 else 0.0 for v in lines])
    near = {"rtol": np.finfo(dtype).eps, "atol": 0}
    found = activations.hard_sigmoid(x, slope=slope, offset=offset)
    np.testing.assert_allclose(found, expected.astype(dtype), **near)
    found = activations.hard_sigmoid_grad(x, slope=slope, offset=offset)
    np.testing.assert_allclose(found, slopes.astype(dtype), **near)


def test_the_defaults_of_hard_sigmoid_mean_a_sixth():
    for function in (activations.hard_sigmoid, activations.hard_sigmoid_grad):
        np.testing.assert_array_equal(function(X, slope=1 / 6, offset=0.5), function(X))
    assert activations.hard_sigmoid(3.0) == 1
    assert activations.hard_sigmoid_grad(np.nextafter(3, 0)) == 1 / 6
    assert activations.get("hard_sigmoid", slope=1 / 6).kinks == (-3, 3)


@pytest.mark.parametrize("name", ["hard_tanh", "hard_sigmoid", "relu6"])
def test_limits_at_infinity_and_nan(name):
    fixed = {
        "hard_tanh": {"min_val": -3},
        "hard_sigmoid": {"slope": 1e10},
        "relu6": {"max_value": 2},
    }
    row = activations.get(name, **fixed[name])
    huge = np.array([-INF, -1.7e308, 1.7e308, INF, NAN])
    low, high = row.range
    np.testing.assert_array_equal(row(huge), [low, low, high, high, NAN])
    np.testing.assert_array_equal(row.derivative(huge), [0, 0, 0, 0, NAN])


FIXED = [  # row, parameters, range, kinks, Lipschitz constant
    ("hard_tanh", {"min_val": -2}, (-2, 1), (-2, 1), 1),
    ("hard_tanh", {"min_val": 0.5, "max_val": 3}, (0.5, 3), (0.5, 3), 1),
    ("relu6", {"max_value": 1.5}, (0, 1.5), (0, 1.5), 1),
    ("hard_sigmoid", {"slope": 0.2}, (0, 1), (-2.5, 2.5), 0.2),
    ("hard_sigmoid", {"offset": 0.25}, (0, 1), (-1.5, 4.5), 1 / 6),
    ("hard_sigmoid", {"slope": 2, "offset": -3}, (0, 1), (1.5, 2), 2),
]


@pytest.mark.parametrize(("name", "parameters", "bounds", "kinks", "lipschitz"), FIXED)
def test_what_is_known_of_a_row_follows(name, parameters, bounds, kinks, lipschitz):
    row = activations.get(name, **parameters)
    assert (row.range, row.lipschitz, row.monotonic) == (bounds, lipschitz, True)
    assert row.kinks == pytest.approx(kinks, rel=1e-15)
    assert row.kink_derivatives == (0.0, 0.0)
    inner = np.nextafter(row.kinks, row.kinks[::-1]) + np.array([1, -1]) * 1e-9
    np.testing.assert_array_equal(row.derivative(inner), [lipschitz, lipschitz])
    np.testing.assert_array_equal(row.derivative(np.array(row.kinks)), row.kink_derivatives)
    assert (row(-9.0), row(9.0)) == bounds


@pytest.mark.parametrize("seed", range(20))
def test_the_kinks_of_any_line_lie_where_its_derivative_is_0(seed):
    rng = np.random.default_rng(seed)
    slope, offset = 10 ** rng.uniform(-3, 3), rng.normal() * 10 ** rng.uniform(-3, 3)
    row = activations.get("hard_sigmoid", slope=slope, offset=offset)
    assert row.kink_derivatives == (0.0, 0.0)
    np.testing.assert_allclose(row(np.array(row.kinks)), [0, 1], atol=1e-12)


BAD = {
    "limits": (lambda: activations.hard_tanh(1.0, min_val=2), "min_val is 2 and max_val 1.0", "<"),
    "equal": (lambda: activations.hard_tanh_grad(1.0, min_val=1), "min_val is 1", "min_val < max"),
    "limit": (lambda: activations.hard_tanh(1.0, max_val=NAN), "max_val is nan", "a finite number"),
    "row": (lambda: activations.get("hard_tanh", max_val=-1), "max_val -1", "min_val < max_val"),
    "cap": (lambda: activations.relu6(1.0, max_value=0), "max_value is 0", "above 0"),
    "no cap": (lambda: activations.relu6_grad(1.0, max_value=None), "None", "above 0"),
    "slope": (lambda: activations.hard_sigmoid(1.0, slope=0), "slope is 0", "from 1e-10 to 1e+10"),
    "falling": (lambda: activations.hard_sigmoid_grad(1.0, slope=-1), "slope is -1", "from 1e-10"),
    "offset": (lambda: activations.hard_sigmoid(1.0, offset=INF), "offset is inf", "to 1e+10"),
}


@pytest.mark.parametrize("case", BAD)
def test_misuse_is_one_clear_error(case, refuses):
    call, *texts = BAD[case]
    refuses(call, ValueError, *texts)


def test_other_parameters_train_as_in_pytorch():
    x, u = RNG.normal(size=(2, 5, 4)) * 2
    leaf = torch.tensor(x, requires_grad=True)
    torch.nn.Hardtanh(-0.5, 2.0)(leaf).backward(torch.tensor(u))
    row = activations.get("hard_tanh", min_val=-0.5, max_val=2.0)
    np.testing.assert_array_equal(row.vjp(x, u), leaf.grad)
    np.testing.assert_array_equal(
        CATALOGUE["hard_tanh"].vjp(x, u, min_val=-0.5, max_val=2.0), leaf.grad
    )


def test_hardtanh_of_pytorch_is_carried_both_ways():
    row = activations.get("hard_tanh", min_val=-0.5, max_val=2.0)
    module = activation_module(row)
    assert (module.min_val, module.max_val) == (-0.5, 2.0)
    found = activation_of(module)
    np.testing.assert_array_equal(found(X), row(X))
    assert found.range == (-0.5, 2.0)
    assert activation_of(torch.nn.ReLU6()) is CATALOGUE["relu6"]
