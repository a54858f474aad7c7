"""Automatic differentiation: the same expressions in PyTorch, and misuse that is named."""

import io
import math
import pickle
from copy import deepcopy
from decimal import Decimal
from fractions import Fraction
from operator import add, mul, pow, sub, truediv

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from together import together

from course_lib.activations import CATALOGUE
from course_lib.autodiff import Value
from course_lib.network import mlp

ELEMENTWISE = [row.name for row in CATALOGUE.values() if row.elementwise]
CLOSE = {"rel": 1e-13, "abs": 1e-13}


def leaf(number):
    return torch.tensor(float(number), dtype=torch.float64, requires_grad=True)


# ---------------------------------------------------------------------------------------------
# The same expression in PyTorch
# ---------------------------------------------------------------------------------------------

# Operators and methods with these names are those of tensors, too, so that one function serves
# both. Each keeps clear of poles, of negative logarithms and of numbers that grow out of bounds.
ONE = {
    "negation": lambda a: -a,
    "square": lambda a: a**2,
    "cube": lambda a: a**3,
    "power 0": lambda a: a**0,
    "reciprocal": lambda a: 1 / (a * a + 1),
    "root": lambda a: (a**2 + 0.5) ** 0.5,
    "negative power": lambda a: (a**2 + 1) ** -1.5,
    "exponential": lambda a: (a.tanh() * 2).exp(),
    "logarithm": lambda a: (a * a + 0.1).log(),
    "tanh": lambda a: a.tanh(),
    "number + a": lambda a: 2 + a,
    "number - a": lambda a: 3 - a,
    "number * a": lambda a: 0.5 * a,
    "number ** a": lambda a: 2 ** a.tanh(),
}
TWO = {
    "sum": add,
    "difference": sub,
    "product": mul,
    "quotient": lambda a, b: a / (b * b + 1),
    "power": lambda a, b: (a * a + 0.5) ** b.tanh(),
}
numbers = st.one_of(st.integers(-3, 3), st.floats(-3, 3))
trees = st.recursive(
    st.integers(0, 2),  # which of three inputs
    lambda parts: st.one_of(
        st.tuples(st.sampled_from(sorted(ONE)), parts),
        st.tuples(st.sampled_from(sorted(TWO)), parts, parts),
    ),
    max_leaves=12,
)


def evaluate(tree, inputs):
    if isinstance(tree, int):
        return inputs[tree]
    name, *parts = tree
    values = [evaluate(part, inputs).tanh() * 2 for part in parts]
    return (ONE | TWO)[name](*values)


@given(trees, st.tuples(numbers, numbers, numbers))
def test_random_expressions_agree_with_pytorch(tree, at):
    ours, theirs = [Value(a) for a in at], [leaf(a) for a in at]
    value, tensor = evaluate(tree, ours), evaluate(tree, theirs)
    value.backward()
    tensor.backward()
    assert value.data == pytest.approx(tensor.item(), **CLOSE)
    for a, b in zip(ours, theirs, strict=True):
        expected = 0.0 if b.grad is None else b.grad.item()
        assert a.grad == pytest.approx(expected, rel=1e-11, abs=1e-11)


@together("at", [-1.5, 0.0, 0.25, 2.0])
@pytest.mark.parametrize("name", ONE)
def test_an_operation_of_one_value_agrees_with_pytorch(name, at):
    value, tensor = Value(at), leaf(at)
    ours, theirs = ONE[name](value), ONE[name](tensor)
    ours.backward()
    theirs.backward()
    assert ours.data == pytest.approx(theirs.item(), **CLOSE)
    assert value.grad == pytest.approx(tensor.grad.item(), **CLOSE)


PLAIN = [float, int, np.float64, np.float32, np.int64, Fraction]
SIDES = [(Value, Value), *((Value, kind) for kind in PLAIN), *((kind, Value) for kind in PLAIN)]


@together("operator", [add, sub, mul, truediv, pow])
@pytest.mark.parametrize(("left", "right"), SIDES)
def test_values_and_plain_numbers_on_both_sides(operator, left, right):
    a, b = left(3), right(2)
    result = operator(a, b)
    result.backward()
    tensors = [leaf(3), leaf(2)]
    expected = operator(*tensors)
    expected.backward()
    assert isinstance(result, Value)
    assert result.data == pytest.approx(expected.item(), **CLOSE)
    for number, tensor in zip([a, b], tensors, strict=True):
        if isinstance(number, Value):
            assert number.grad == pytest.approx(tensor.grad.item(), **CLOSE)


# ---------------------------------------------------------------------------------------------
# Activations
# ---------------------------------------------------------------------------------------------


@together("name", ELEMENTWISE)
def test_an_activation_has_the_derivative_of_its_central_difference(name):
    row, step = CATALOGUE[name], 1e-5
    for at in (-1.7, -0.3, 0.4, 1.3):
        if min((abs(at - kink) for kink in row.kinks), default=1) < 0.01:
            continue
        x = Value(at)
        y = x.apply(name)
        y.backward()
        derivative = (row(at + step) - row(at - step)) / (2 * step)
        assert (y.data, y.operation) == (row(at), name)
        assert x.grad == pytest.approx(derivative, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if CATALOGUE[name].kinks])
def test_at_a_kink_the_convention_holds(name):
    row = CATALOGUE[name]
    for kink, derivative in zip(row.kinks, row.kink_derivatives, strict=True):
        x = Value(kink)
        x.apply(row).backward()
        assert x.grad == derivative


def test_the_kink_of_relu_is_that_of_pytorch():
    x, tensor = Value(0), leaf(0)
    (3 * x.apply("relu") + 2 * (-x).apply("relu")).backward()
    (3 * tensor.relu() + 2 * (-tensor).relu()).backward()
    assert x.grad == tensor.grad.item() == 0


# ---------------------------------------------------------------------------------------------
# The walk
# ---------------------------------------------------------------------------------------------


def test_a_value_used_several_times_sums_its_contributions():
    x = Value(3)
    y = x * x  # on both sides of one operator
    z = y + x + y  # and twice later on
    z.backward()
    assert (x.grad, y.grad, z.grad) == (13, 2, 1)


def test_a_diamond_is_walked_once_for_each_node():
    x = Value(1)
    doubled = x
    for _ in range(60):  # 2**60 paths
        doubled = doubled + doubled
    doubled.backward()
    assert x.grad == 2**60


def test_a_chain_of_a_hundred_thousand_operations():
    x = Value(2)
    y = x
    for i in range(100_000):
        y = y + 1 if i % 2 else y * 1
    y.backward()
    assert (y.data, x.grad) == (50_002, 1)
    del y  # nor does taking it down recurse


COPIES = {
    "deepcopy": deepcopy,
    "pickle": lambda given: pickle.loads(pickle.dumps(given)),
    "pickle in Python": lambda given: pickle.loads(in_python(given)),
    "oldest pickle": lambda given: pickle.loads(pickle.dumps(given, protocol=0)),
}


def in_python(given):
    buffer = io.BytesIO()
    pickle._Pickler(buffer).dump(given)
    return buffer.getvalue()


@pytest.mark.parametrize("how", COPIES)
def test_a_long_chain_is_copied_with_all_that_it_was_computed_from(how):
    x, y = Value(2), Value(3)
    z = x
    for i in range(5_000):
        z = z + y if i % 2 else z * 1
    z.backward()
    x_copy, z_copy, (y_copy, *_) = COPIES[how]((x, z, [y, z]))  # one x and one y in all of them
    assert (z_copy.data, x_copy.grad, y_copy.grad) == (7_502, 1, 2_500)
    z_copy.backward()
    (2 * z_copy).backward()
    assert (x_copy.grad, y_copy.grad) == (2, 5_000)
    assert (x.grad, y.grad) == (1, 2_500)  # the first ones are untouched


@pytest.mark.parametrize("how", COPIES)
def test_copies_keep_what_is_shared_and_classes_of_ones_own(how):
    x = Named(3)
    x.name = "x"
    z = (x * x).apply("tanh") + x
    again = COPIES[how](z)
    assert [value.operation for value in again._parents_first()] == ["", "*", "tanh", "+"]
    leaf = again._parents_first()[0]
    assert (type(leaf), leaf.name, vars(again).keys()) == (Named, "x", vars(z).keys())
    assert COPIES[how](Value(1)).parents == ()


def test_a_pickle_that_fails_leaves_nothing_behind():
    x = Named(3)
    x.name = lambda: "no pickle holds this"
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(x * x + 1)
    test_a_long_chain_is_copied_with_all_that_it_was_computed_from("pickle")


class Named(Value):
    """A value of one's own."""


def test_backward_starts_anew_each_time():
    x, unused = Value(2), Value(1)
    y = x * x
    z = y * x
    for _ in range(2):
        z.backward()
        assert (x.grad, y.grad, unused.grad) == (12, 2, 0)
    y.backward()
    assert (x.grad, y.grad, z.grad) == (4, 1, 1)  # y does not depend on z


def test_two_losses_are_one_sum():
    x = Value(2)
    (x**2 + x**3).backward()
    assert x.grad == 4 + 12


def test_a_value_alone():
    x = Value(-1.5)
    assert (x.data, x.grad, x.operation, x.parents) == (-1.5, 0, "", ())
    x.backward()
    assert x.grad == 1
    assert repr(x) == "Value(-1.5, grad=1)"


def test_a_value_tells_where_it_came_from():
    x, y = Value(3), Value(4)
    z = x * y
    assert z.operation == "*"
    assert z.parents == ((x, 4.0), (y, 3.0))
    names = [f(Value(2)).operation for f in (lambda a: 1 - a, lambda a: -a, lambda a: a**0.5)]
    assert names == ["-", "-", "**0.5"]
    assert [Value(2).log().operation, (2 ** Value(1)).operation] == ["log", "**"]


def test_equal_numbers_are_different_values():
    assert Value(1) != Value(1)
    assert len({Value(1), Value(1)}) == 2


# ---------------------------------------------------------------------------------------------
# A whole network
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "gelu"])
def test_a_network_of_values_agrees_with_layers_and_with_pytorch(activation):
    network = mlp([2, 3, 1], activation, seed=4)
    rng = np.random.default_rng(5)
    for parameter in network.parameters.values():
        parameter[...] = rng.normal(size=parameter.shape)
    x, y = rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
    loss, gradients = network.loss_and_gradients(x, y, "mean_squared_error")

    values = {
        name: [[Value(number) for number in row] for row in parameter]
        for name, parameter in network.parameters.items()
    }
    total = 0
    for inputs, target in zip(x, y[:, 0], strict=True):
        signal = list(inputs)
        for layer in ("0", "2"):
            weight, (bias,) = values[f"{layer}.weight"], values[f"{layer}.bias"]
            signal = [
                sum(s * row[j] for s, row in zip(signal, weight, strict=True)) + bias[j]
                for j in range(len(bias))
            ]
            if layer == "0":
                signal = [value.apply(activation) for value in signal]
        total = total + (signal[0] - target) ** 2
    mean = total / len(x)
    mean.backward()
    ours = {
        name: np.array([[value.grad for value in row] for row in rows])
        for name, rows in values.items()
    }

    weights = {
        name: torch.tensor(parameter, requires_grad=True)
        for name, parameter in network.parameters.items()
    }
    hidden = torch.tensor(x) @ weights["0.weight"] + weights["0.bias"]
    hidden = getattr(torch, activation, getattr(torch.nn.functional, activation, None))(hidden)
    output = hidden @ weights["2.weight"] + weights["2.bias"]
    torch.nn.functional.mse_loss(output, torch.tensor(y)).backward()

    assert mean.data == pytest.approx(loss, **CLOSE)
    assert list(ours) == list(gradients)
    for name, gradient in ours.items():
        np.testing.assert_allclose(gradient, gradients[name], rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(gradient, weights[name].grad, rtol=1e-12, atol=1e-13)


# ---------------------------------------------------------------------------------------------
# Misuse
# ---------------------------------------------------------------------------------------------

NO_NUMBERS = {
    "array": np.ones(2),
    "array of one": np.array(1.0),
    "list": [1.0],
    "text": "1",
    "bool": True,
    "NumPy's bool": np.True_,
    "complex": 1j,
    "nothing": None,
    "decimal": Decimal(1),
    "tensor": torch.tensor(1.0),
}


@pytest.mark.parametrize("given", NO_NUMBERS.values(), ids=list(NO_NUMBERS))
def test_what_is_no_number_is_rejected(given):
    message = f"a Value of {type(given).__name__}; expected one real number"
    with pytest.raises(TypeError, match=message):
        Value(given)
    for operator in (add, sub, mul, truediv, pow):
        with pytest.raises(TypeError, match=message):
            operator(Value(2), given)
    if not isinstance(given, torch.Tensor):  # those take over on the left, and raise themselves
        with pytest.raises(TypeError, match=message):
            given * Value(2)


def test_a_value_is_made_of_something_and_not_of_a_value():
    with pytest.raises(TypeError, match="data"):
        Value()
    with pytest.raises(TypeError, match="a Value of Value"):
        Value(Value(1))


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        ((Value(2), 1.0), r"Value\(2, grad=0\) among the parents; expected pairs \(value"),
        (Value(2), "parents is a Value"),
        ([Value(2)], "in a list"),
        ([(1.0, Value(2))], "a tuple among the parents"),
        ([(Value(2), 1.0, 2.0)], "a tuple among"),
        (3, "parents is a int"),
        ([[Value(2), 1.0], [Value(2)]], "a list among"),
    ],
)
def test_parents_that_are_no_pairs_are_named(parents, message):
    with pytest.raises(TypeError, match=message):
        Value(1.0, "own", parents)


def test_functions_of_numpy_and_comparisons_are_rejected():
    with pytest.raises(TypeError, match="does not support ufuncs"):
        np.exp(Value(1))
    with pytest.raises(TypeError, match="'<' not supported"):
        Value(1) < Value(2)  # noqa: B015
    with pytest.raises(TypeError, match="must be real number"):
        math.exp(Value(1))


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda: Value(0).log(), "the logarithm of 0 is no real number or has no derivative"),
        (lambda: Value(-2).log(), "the logarithm of -2 is no real"),
        (lambda: Value(-8) ** (1 / 3), "-8 to the power 0.333333 .* expected bases from 0 on"),
        (lambda: Value(-8) ** Value(2), "-8 to the power of a Value .* a plain number, others too"),
        (lambda: 0 ** Value(2), "0 to the power of a Value"),
    ],
)
def test_what_has_no_real_result_is_rejected(compute, message):
    with pytest.raises(ValueError, match=message):
        compute()


@pytest.mark.parametrize(
    ("compute", "error"),
    [
        (lambda: 1 / Value(0), ZeroDivisionError),
        (lambda: Value(0) ** -1, ZeroDivisionError),
        (lambda: Value(0) ** 0.5, ZeroDivisionError),  # the derivative is infinite
        (lambda: Value(1000).exp(), OverflowError),
        (lambda: Value(1e200) ** 2, OverflowError),
    ],
)
def test_what_no_float_holds_raises_the_errors_of_python(compute, error):
    with pytest.raises(error):
        compute()


def test_activations_over_an_axis_and_unknown_ones_are_rejected():
    with pytest.raises(ValueError, match="'softmax' takes a whole axis, and a Value is one number"):
        Value(1).apply("softmax")
    with pytest.raises(KeyError, match="did you mean 'relu'"):
        Value(1).apply("rellu")
