"""Layers in a row and blocks: names, layers of a user's own, arrays held twice, bad input."""

import numpy as np
import pytest
from network_helpers import (
    BATCH,
    Doubled,
    Homemade,
    batch_for,
    make,
)

from course_lib.network import (
    BatchNorm,
    Dense,
    Network,
    PReLU,
    Residual,
    lsuv,
)


def test_layers_of_a_user_work_alone_and_in_blocks():
    weight, bias = np.eye(3), np.zeros((1, 3))
    x, _ = batch_for("cross_entropy")
    network = Network([Doubled(), Residual([Doubled()]), Dense(weight, bias)])
    np.testing.assert_array_equal(network.forward(x, training=True), 6 * x)
    network.backward(np.ones((BATCH, 3)))
    np.testing.assert_allclose(network.gradients["2.weight"], 6 * x.T @ np.ones((BATCH, 3)))
    assert repr(network) == "Network(3-3, ['Doubled', 'Residual(Doubled)'], float64)"


def test_what_is_in_a_block_has_a_name_and_can_be_loaded():
    network, other = make("nested"), make("nested")
    names = list(network.parameters)
    assert names[2:6] == ["1.0.weight", "1.0.bias", "1.1.0.weight", "1.1.0.bias"]
    inside = network.layers[1].layers[1].layers[0].parameters["weight"]
    assert network.parameters["1.1.0.weight"] is inside
    other.load_parameters({name: value + 1 for name, value in network.parameters.items()})
    np.testing.assert_array_equal(
        other.layers[1].layers[1].layers[0].parameters["weight"], inside + 1
    )
    assert network.sizes == [3, 4, 4, 4, 2]
    assert repr(network) == (
        "Network(3-4-4-4-2, ['Residual(Residual(BatchNorm, tanh), LayerNorm)'], float64)"
    )


@pytest.mark.parametrize("write", ["load_parameters", "lsuv"])
def test_layers_with_the_same_array_may_compute_but_nothing_may_be_written(write):
    weight, bias = np.eye(3), np.zeros((1, 3))
    network = Network([Dense(weight, bias), Residual([Dense(2 * weight, bias)])])
    x, _ = batch_for("cross_entropy")
    np.testing.assert_array_equal(network(x), 3 * x)
    with pytest.raises(ValueError, match=r"0\.bias and 1\.0\.bias are one array.*copy"):
        lsuv(network, x) if write == "lsuv" else network.load_parameters(network.parameters)


def test_a_slope_for_all_features_takes_any_number_of_them():
    dense = [Dense(np.ones((2, 3)), np.zeros((1, 3))), Dense(np.ones((3, 2)), np.zeros((1, 2)))]
    network = Network([dense[0], PReLU(np.full((1, 1), 0.25)), dense[1]])
    assert network.sizes == [2, 3, 2]
    with pytest.raises(ValueError, match=r"returns 3 features, but layer 1 \(PReLU\) takes 4"):
        Network([dense[0], PReLU(np.full((1, 4), 0.25)), dense[1]])


W, B = np.ones((2, 3)), np.zeros((1, 3))


BAD = {  # what is done -> error, what was given, what is expected
    "a name as a layer": (
        lambda: Network([Dense(W, B), "relu"]), TypeError, "1 is 'relu'", "Activate('relu')"
    ),
    "a function as a layer": (
        lambda: Network([Dense(W, B), np.tanh]), TypeError, "1 is a ufunc", "Activate('tanh')"
    ),
    "a class as a layer": (
        lambda: Network([Dense, Dense(W, B)]), TypeError, "Dense'>", "expected layers"
    ),
    "layers that do not fit": (
        lambda: Network([Dense(W, B), Dense(W, B)]),
        ValueError, "layer 0 (Dense) returns 3", "layer 1 (Dense) takes 2",
    ),
    "a normalization that does not fit": (
        lambda: Network([Dense(W, B), BatchNorm(np.ones((1, 4)), np.ones((1, 4)))]),
        ValueError, "returns 3 features", "layer 1 (BatchNorm) takes 4",
    ),
    "a block that does not fit": (
        lambda: Network([Dense(W, B), Residual([Dense(np.eye(2), B[:, :2])])]),
        ValueError, "returns 3 features", "layer 1.0 (Dense) takes 2",
    ),
    "a reader's layer in a block": (
        lambda: Network([Dense(W[None], B[None]), Residual([Homemade()])]).replica(0),
        TypeError, "a Homemade", "a method replica(index)",
    ),
    "a layer of another kind": (
        lambda: Network([Dense(W[None], B[None]), Homemade()]).replica(0),
        TypeError, "a Homemade", "a method replica(index)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])
