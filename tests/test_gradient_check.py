"""The check of gradients: it passes what is right, and finds every wrong backward."""

from copy import deepcopy

import numpy as np
import pytest
from together import together

from course_lib import pytorch
from course_lib.activations import CATALOGUE
from course_lib.diagnostics import GradientCheck, check_gradients
from course_lib.network import LOSSES, Activate, Dense, Network, PReLU, mlp

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.integers(0, 2, 40)

RIGHT = 1e-6  # errors below it are what rounding leaves
TARGETS = {
    "cross_entropy": RNG.integers(0, 2, 5),
    "binary_cross_entropy": RNG.integers(0, 2, (5, 2)),
    "mean_squared_error": RNG.normal(size=(5, 2)),
    "gaussian_nll": RNG.normal(size=(5, 1)),
    "poisson_nll": RNG.integers(0, 5, (5, 2)),
}


class Wrong(Dense):
    """A dense layer whose backward has a factor too much."""

    factor = 2.0
    of = "weight"

    def backward(self, grad_output, *, to_input=True):
        gradient = super().backward(grad_output, to_input=to_input)
        if self.of == "input":
            return gradient * self.factor
        self.gradients[self.of] = self.gradients[self.of] * self.factor
        return gradient


def with_layer(kind, place, **settings):
    """Return a network of three replicas in which one dense layer is of another class."""
    network = mlp([3, 4, 4, 2], "tanh", seed=range(3))
    layer = kind(*network.layers[place].parameters.values())
    vars(layer).update(settings)
    return Network([*network.layers[:place], layer, *network.layers[place + 1 :]])


@pytest.mark.parametrize("name", [row.name for row in CATALOGUE.values() if row.kind != "groups"])
def test_gradients_through_every_activation_are_right(name):
    network = mlp([3, 4, 2], name, seed=range(2))
    found = check_gradients(network, X[:5], Y[:5])
    assert list(found.errors) == list(network.parameters)
    assert found.largest.shape == (2,)
    assert (found.largest < RIGHT).all()
    assert found.step == pytest.approx(np.finfo(float).eps ** (1 / 3))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("settings", [{"normalization": "batch"}, {"normalization": "layer"}, {}])
def test_gradients_of_every_loss_and_layer_are_right(loss, training, settings):
    network = mlp([3, 4, 4, 2], "gelu", seed=[5, 6], residual=True, dropout=0.3, **settings)
    weight = np.full((2, 1, 1), 0.25)
    network = Network([*network.layers[:-1], PReLU(weight), network.layers[-1]])
    found = check_gradients(network, X[:5], TARGETS[loss], loss, training=training)
    assert list(found.errors) == list(network.parameters)
    assert (found.largest < RIGHT).all()


@together("place", [0, 2, 4])
@together("of", ["weight", "bias"])
@pytest.mark.parametrize(("factor", "error"), [(2, 0.5), (-1, 2), (0, 1), (1.001, 1e-3)])
def test_a_wrong_backward_is_caught_where_it_is(place, of, factor, error):
    # at least one gradient of each parameter is above the floor
    found = check_gradients(with_layer(Wrong, place, of=of, factor=factor), X[:5], Y[:5])
    for name, errors in found.errors.items():
        if name == f"{place}.{of}":
            np.testing.assert_allclose(errors, error, rtol=2e-3)
        else:
            assert (errors < RIGHT).all()


def test_a_wrong_gradient_of_the_input_shows_in_all_layers_before():
    found = check_gradients(with_layer(Wrong, 2, of="input"), X[:5], Y[:5])
    wrong = [name for name, errors in found.errors.items() if (errors > 0.4).all()]
    assert wrong == ["0.weight", "0.bias"]
    assert all((found.errors[name] < RIGHT).all() for name in found.errors if name not in wrong)


def test_each_replica_is_checked_for_itself():
    factors = np.array([1.0, 1.1, 2.0])
    network = with_layer(Wrong, 2, factor=factors[:, np.newaxis, np.newaxis])
    found = check_gradients(network, X[:5], Y[:5])
    np.testing.assert_allclose(found.largest, 1 - 1 / factors, rtol=1e-6, atol=RIGHT)
    for i, factor in enumerate(factors):
        layers = network.replica(i).layers
        layers[2] = Wrong(*layers[2].parameters.values())
        layers[2].factor = factor
        alone = check_gradients(Network(layers), X[:5], Y[:5])
        for name, error in alone.errors.items():
            assert error.shape == ()
            np.testing.assert_allclose(found.errors[name][i], error, rtol=1e-6, atol=RIGHT)


@pytest.mark.parametrize("step", [0.1, 0.01])
def test_what_the_differences_leave_out_is_that_of_the_step(step):
    # L = exp(2 w + 2 b), whose central difference is the gradient times sinh(2h) / 2h
    dense = Dense(np.array([[0.3]]), np.array([[-0.2]]))
    network = Network([dense, Activate("exponential")])
    found = check_gradients(network, [[1]], [[0]], "mean_squared_error", step=step)
    assert found.step == step
    expected = 1 - 2 * step / np.sinh(2 * step)
    for error in found.errors.values():
        assert error == pytest.approx(expected, rel=1e-6)


def test_a_large_parameter_is_moved_in_proportion():
    # a step of 1e-9 would be lost in the rounding of 1e9, and of the loss
    network = Network([Dense(np.array([[1e9]]), np.zeros((1, 1))), Activate("softsign")])
    found = check_gradients(network, [[1e-9]], [[0.25]], "mean_squared_error", step=1e-4)
    assert found.errors["0.weight"] < RIGHT


def test_a_step_across_a_kink_mixes_both_derivatives():
    network = Network([Dense(np.ones((1, 1)), np.zeros((1, 1))), Activate("relu")])
    network.parameters["0.bias"][...] = -1 - 1e-3  # the unit is off, by less than a step
    arguments = network, [[1]], [[1]], "mean_squared_error"
    assert check_gradients(*arguments).largest < RIGHT
    assert check_gradients(*arguments, step=1e-2).largest > 0.9


def test_a_wrong_forward_with_its_own_backward_is_not_seen():
    class Doubled(Activate):
        def forward(self, x):
            return 2 * super().forward(x)

        def backward(self, grad_output, *, to_input=True):
            return 2 * super().backward(grad_output)

    network = mlp([3, 4, 2], "tanh")
    network.layers[1] = Doubled("tanh")
    assert check_gradients(network, X, Y).largest < RIGHT


@pytest.mark.parametrize("training", [False, True])
def test_a_perfect_fit_has_gradients_of_zero_that_are_right(training):
    network = mlp([3, 4, 2], "tanh")
    found = check_gradients(network, X, network(X), "mean_squared_error", training=training)
    assert found.largest < RIGHT


class Failing(Activate):
    """An activation that fails after some calls."""

    calls = 0

    def forward(self, x):
        Failing.calls += 1
        if Failing.calls > 5:
            raise ArithmeticError("that was one too many")
        return super().forward(x)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_the_network_stays_as_it_was_also_after_an_error(training, fails):
    network = mlp([3, 4, 2], normalization="batch", seed=[1, 2], dropout=0.5)
    if fails:
        network.layers[2] = Failing("relu")
    Failing.calls = 0
    norm, dropout = network.layers[1], network.layers[3]
    network.loss_and_gradients(X[:5], Y[:5], training=not training)
    gradients = network.gradients
    before = deepcopy((network.parameters, norm.running_mean, norm.running_variance, gradients))
    twin = deepcopy(dropout)
    if fails:
        with pytest.raises(ArithmeticError, match="one too many"):
            check_gradients(network, X[:5], Y[:5], training=training)
    else:
        check_gradients(network, X[:5], Y[:5], training=training)
    after = network.parameters, norm.running_mean, norm.running_variance, network.gradients
    np.testing.assert_equal(after, before)
    assert all(network.gradients[name] is gradients[name] for name in gradients)
    assert norm.training is dropout.training is not training
    ones = np.ones((2, 4, 4))
    dropout.training = twin.training = True
    np.testing.assert_array_equal(dropout.forward(ones), twin.forward(ones))


def test_a_gradient_that_is_not_finite_is_not_right():
    network = mlp([3, 4, 2], seed=[1, 2])
    network.parameters["0.weight"][1] = np.inf
    found = check_gradients(network, X[:5], Y[:5])
    assert found.largest[0] < RIGHT
    assert np.isnan(found.errors["0.weight"][1])


def test_the_table_of_errors_tells_the_worst_replica():
    errors = {"0.weight": np.array([1e-9, 0.5]), "0.bias": np.array([3e-8, 0.0])}
    found = GradientCheck(errors, 1e-5)
    assert str(found).splitlines() == [
        "parameter          error",
        "0.weight         5.0e-01",
        "0.bias           3.0e-08",
    ]
    np.testing.assert_array_equal(found.largest, [3e-8, 0.5])


def test_without_replicas_no_gradient_is_wrong():
    network = Network([Dense(np.zeros((0, 3, 2)), np.zeros((0, 1, 2)))])
    found = check_gradients(network, X[:5], Y[:5])
    assert found.largest.shape == (0,)
    assert "0.0e+00" in str(found)


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------

OURS = mlp([3, 4, 2])
THEIRS = pytorch.from_numpy(OURS)
EYE = np.eye(3)
TIED = Network([Dense(EYE, np.zeros((1, 3))), Activate("relu"), Dense(EYE, np.ones((1, 3)))])


class Forgets(dict):
    """Gradients of which one is never filled."""

    def __setitem__(self, name, value):
        if name != "bias":
            super().__setitem__(name, value)


class Scale:
    """A layer that multiplies by numbers that all replicas share."""

    def __init__(self, weight):
        self.parameters, self.gradients = {"weight": weight}, {"weight": np.ones_like(weight)}

    def forward(self, x):
        return x * self.parameters["weight"]

    def backward(self, grad_output, *, to_input=True):
        return grad_output * self.parameters["weight"]


def with_scale(weight):
    layers = mlp([3, 4, 2], seed=range(3)).layers
    return Network([layers[0], Scale(weight), *layers[1:]])


BAD = {
    "single precision": (
        lambda: check_gradients(mlp([3, 4, 2], dtype=np.float32), X, Y),
        TypeError, "in float32, whose rounding hides", "build it with dtype=np.float64",
    ),
    "gradients of PyTorch": (
        lambda: check_gradients(THEIRS, X, Y), TypeError, "Sequential", "autograd.gradcheck"
    ),
    "gradients of what is tied": (
        lambda: check_gradients(TIED, X, Y), ValueError, "one array", "give each its own"
    ),
    "no step": (
        lambda: check_gradients(OURS, X, Y, step=0), ValueError, "step is 0", "number above 0"
    ),
    "an endless step": (
        lambda: check_gradients(OURS, X, Y, step=np.inf), ValueError, "step is inf", "finite number"
    ),
    "a step as text": (
        lambda: check_gradients(OURS, X, Y, step="1"), ValueError, "step is '1'", "finite number"
    ),
    "a step that is lost": (
        lambda: check_gradients(OURS, X, Y, step=1e-17),
        ValueError, "step is 1e-17", "numbers from 2.2e-16 on, such as 1e-5",
    ),
    "no gradient": (
        lambda: check_gradients(with_layer(Dense, 2, gradients=Forgets()), X, Y),
        ValueError, "no gradient of 2.bias", "must fill gradients",
    ),
    "a gradient of another shape": (
        lambda: check_gradients(with_layer(Wrong, 2, factor=np.ones((2, 3, 1, 1))), X, Y),
        ValueError, "its gradient (2, 3, 4, 4)", "must be the same",
    ),
    "a parameter without replicas": (
        lambda: check_gradients(with_scale(np.ones(4)), X, Y),
        ValueError, "1.weight has shape (4,)", "expected the network's replicas, (3,)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])
