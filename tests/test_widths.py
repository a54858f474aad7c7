"""Widths: gates, blocks and layers of a user's own, in networks that fit and that do not."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from network_helpers import (
    DTYPES,
    EDGES,
    FLOATS,
    GATES,
    Doubled,
    drop,
    edge_input,
    normalization,
)
from together import together
from torch.nn import functional

from course_lib.activations import CATALOGUE, Activation, get, glu, logsumexp, softmax
from course_lib.diagnostics import check_gradients
from course_lib.network import (
    Activate,
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Network,
    PReLU,
    Residual,
    mlp,
)
from course_lib.network.layers.activation import features_needed, features_returned
from course_lib.network.layers.widths import widths
from course_lib.training import Adam, fit

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(5, 2)), np.array([0, 1, 1, 0, 1])


def dense(taken, returned, replicas=(), dtype=np.float64):
    """Return a dense layer with random weights and biases."""
    weight, bias = (RNG.normal(size=(*replicas, n, returned)).astype(dtype) for n in (taken, 1))
    return Dense(weight, bias)


def kept_logsumexp(x, axis=-1):
    """Return the logarithm of a sum of exponentials, with its axis."""
    return np.expand_dims(logsumexp(x, axis), axis)


KEPT = Activation("kept_logsumexp", kept_logsumexp, softmax, kind="groups")


def first_third(x):
    """Return the first third of the features."""
    return np.array(x[..., : x.shape[-1] // 3])


def first_third_grad(x):
    """Return 1 for the first third of the features, and 0 for the others."""
    return np.broadcast_to(np.arange(x.shape[-1]) < x.shape[-1] // 3, x.shape) * 1.0


THIRDS = Activation("thirds", first_third, first_third_grad, kind="groups")


class Halved(Doubled):
    """A layer of a user's own that leaves every second feature, and does not say so."""

    def forward(self, x):
        self.before = x.shape
        return x[..., ::2]

    def backward(self, grad_output, *, to_input=True):
        gradient = np.zeros(self.before)
        gradient[..., ::2] = grad_output
        return gradient


class Saying(Halved):
    """The same, which says so."""

    def output_features(self, input_features):
        if input_features % 2:
            raise ValueError("expected an even number")
        return input_features // 2


# What fits.


@pytest.mark.parametrize("kind", [BatchNorm, LayerNorm])
def test_widths_pass_through_what_keeps_them(kind):
    between = [
        normalization(kind, 8, float), Dropout(0.5), PReLU(np.full((1, 1), 0.1)),
        PReLU(np.full((1, 8), 0.1)), Activate("softmax"), AlphaDropout(0.1), Activate("gelu"),
    ]  # fmt: skip
    kept = [dense(2, 8), *between, Activate("swiglu"), between[2], dense(4, 3)]
    assert widths(kept) == (2, 3)
    with pytest.raises(ValueError, match=r"layer 4 \(PReLU\) returns 8 features, but layer 8"):
        widths([dense(2, 8), *between, dense(4, 3)])


@pytest.mark.parametrize(
    ("layers", "sizes"),
    [
        ([dense(2, 8), Activate("swiglu"), dense(4, 2)], [2, 4, 2]),
        ([dense(2, 8), Activate(get("maxout", pieces=4)), dense(2, 2)], [2, 2, 2]),
        ([dense(2, 3), dense(3, 8), Activate("glu")], [2, 3, 4]),
        ([Activate("glu"), dense(3, 2)], [6, 2]),
        ([Dropout(0.1), Activate(get("maxout", pieces=3)), Activate("glu"), dense(3, 2)], [18, 2]),
        ([dense(2, 12), Activate("glu"), Activate("reglu"), dense(3, 1)], [2, 3, 1]),
        ([dense(2, 8), Residual([Activate("glu"), dense(4, 8)]), dense(8, 2)], [2, 4, 8, 2]),
        ([Residual([Activate("glu"), dense(4, 8)]), dense(8, 2)], [8, 8, 2]),
        ([dense(2, 8), dense(8, 9), Activate(THIRDS)], [2, 8, 3]),
        ([Activate(THIRDS), dense(2, 2)], [6, 2]),
        ([dense(2, 8), Activate(KEPT), dense(1, 2)], [2, 1, 2]),
        ([dense(2, 8), Activate("logsumexp(keepdims=True)"), dense(1, 2)], [2, 1, 2]),
        ([dense(2, 8), Halved(), dense(4, 2)], [2, 4, 2]),
        ([dense(2, 8), Saying(), dense(4, 8), Saying()], [2, 4, 4]),
        ([Halved(), dense(3, 2)], [3, 2]),
        ([dense(2, 8), Residual([Doubled()]), dense(8, 3)], [2, 8, 3]),
    ],
)  # fmt: skip
def test_sizes_are_the_units_after_what_cuts_them(layers, sizes):
    network = Network(layers)
    assert network.sizes == sizes
    x = RNG.normal(size=(5, 6 if isinstance(layers[0], Halved) else sizes[0]))
    assert network(x).shape == (5, sizes[-1])


def test_a_layer_of_a_users_own_leaves_open_what_it_takes_and_returns():
    first, last = Network([Halved(), dense(3, 2)]), Network([dense(2, 8), Halved()])
    assert (first.inputs, first.outputs) == (None, 2)
    assert (last.inputs, last.outputs) == (2, None)
    assert first(np.ones((4, 5))).shape == (4, 2)
    with pytest.raises(ValueError, match=r"Dense got an input of shape \(4, 2\)"):
        first(np.ones((4, 3)))
    history = fit(last, X, LABELS + 2, optimizer=Adam(0.1), epochs=2, batch_size=None)
    assert np.isfinite(history.train_loss).all()
    with pytest.raises(ValueError, match="0 to 3"):
        fit(last, X, LABELS + 3, optimizer=Adam(0.1), epochs=2, batch_size=None)


def test_the_targets_of_a_network_that_ends_in_a_gate_fit_its_outputs():
    network = Network([dense(2, 8), Activate("glu")])
    fit(network, X, LABELS + 2, optimizer=Adam(0.1), epochs=1, batch_size=None)
    with pytest.raises(ValueError, match="0 to 3"):
        fit(network, X, LABELS + 3, optimizer=Adam(0.1), epochs=1, batch_size=None)


@pytest.mark.parametrize("name", [row.name for row in CATALOGUE.values()])
@together("features", [4, 6])
def test_features_are_those_of_the_function(name, features):
    row = CATALOGUE[name]
    if name == "logsumexp":
        assert features_needed(row, features) is None
        return
    needed = features_needed(row, features)
    assert np.shape(row(np.ones((3, needed)))) == (3, features)
    assert features_returned(row, needed) == features


@pytest.mark.parametrize("pieces", [1, 2, 3, 5, 11])
def test_maxout_needs_its_pieces(pieces):
    assert features_needed(get("maxout", pieces=pieces), 4) == 4 * pieces
    assert Network([dense(2, 4 * pieces), Activate(get("maxout", pieces=pieces))]).outputs == 4
    assert mlp([2, 4, 3], get("maxout", pieces=pieces)).sizes == [2, 4, 3]


# What a gate computes, in a network, against PyTorch and differences.

IN_TORCH = {
    "glu": functional.glu,
    "reglu": lambda z: z[..., :4] * functional.relu(z[..., 4:]),
    "geglu": lambda z: z[..., :4] * functional.gelu(z[..., 4:]),
    "swiglu": lambda z: z[..., :4] * functional.silu(z[..., 4:]),
    "maxout": lambda z: torch.maximum(z[..., :4], z[..., 4:]),
}


@together("dtype", DTYPES)
@together("replicas", [(), (3,), (2, 3)])
@together("last", [False, True])
@pytest.mark.parametrize("name", GATES)
def test_a_gate_in_a_network_equals_pytorch(name, last, replicas, dtype):
    layers = [dense(2, 8, replicas, dtype), Activate(name)]
    layers += [] if last else [dense(4, 3, replicas, dtype)]
    network = Network(layers)
    x = X.astype(dtype)
    values, gradients = network.loss_and_gradients(x, LABELS)
    near = {"rtol": 2e-5, "atol": 2e-6} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-14}
    for index in np.ndindex(replicas):
        leaves = {
            key: torch.tensor(value[index].astype(np.float64), requires_grad=True)
            for key, value in network.parameters.items()
        }
        inputs = torch.tensor(x.astype(np.float64))
        hidden = IN_TORCH[name](inputs @ leaves["0.weight"] + leaves["0.bias"])
        outputs = hidden if last else hidden @ leaves["2.weight"] + leaves["2.bias"]
        loss = functional.cross_entropy(outputs, torch.tensor(LABELS))
        loss.backward()
        np.testing.assert_allclose(np.asarray(values)[index], loss.item(), **near)
        np.testing.assert_allclose(network(x)[index], outputs.detach(), **near)
        for key, leaf in leaves.items():
            assert gradients[key].dtype == dtype
            np.testing.assert_allclose(gradients[key][index], leaf.grad, err_msg=key, **near)


ROWS = [*GATES, "maxout(pieces=3)", "logsumexp(keepdims=True)", KEPT, THIRDS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: getattr(row, "name", row))
@pytest.mark.parametrize("bias", [True, False])
def test_gradients_through_gates_equal_differences(row, bias):
    first, last = dense(2, 12, (2,)), dense(features_returned(get(row), 12), 3, (2,))
    if not bias:
        first, last = (Dense(layer.parameters["weight"]) for layer in (first, last))
    network = Network([first, Activate(row), last])
    assert check_gradients(network, X, LABELS).largest.max() < 1e-6


@together("normalization", [None, "batch", "layer"])
@pytest.mark.parametrize("name", GATES)
def test_gated_perceptrons_with_everything_are_their_replicas(name, normalization):
    options = {
        "normalization": normalization, "residual": True, "dropout": 0.3, "bias": False
    }  # fmt: skip
    together = mlp([2, 6, 6, 3], name, seed=range(3), **options)
    weights = [v.shape for v in together.parameters.values() if v.shape[-2] > 1]
    assert weights == [(3, 2, 12), (3, 6, 12), (3, 6, 3)]
    assert together.sizes == [2, 6, 6, 3]
    alone = [mlp([2, 6, 6, 3], name, seed=i, **options) for i in range(3)]
    copies = [together.replica(i) for i in range(3)]
    twin = deepcopy(together)
    together.load_state_dict(twin.state_dict())
    values, gradients = together.loss_and_gradients(X, LABELS)
    for i in range(3):
        for network in (alone[i], copies[i]):
            value, own = network.loss_and_gradients(X, LABELS)
            np.testing.assert_allclose(values[i], value, rtol=1e-12)
            for key, gradient in own.items():
                np.testing.assert_allclose(gradients[key][i], gradient, rtol=1e-9, atol=1e-13)


@together("dtype", FLOATS)
@pytest.mark.parametrize("name", GATES)
def test_no_gate_warns_at_any_input_and_keeps_the_dtype(name, dtype):
    for inputs in EDGES:
        layer, x = Activate(name), edge_input(inputs, dtype)
        with np.errstate(all="raise"):
            y = layer.forward(x)
            gradient = layer.backward(edge_input("largest", dtype)[:, :2])
        assert (y.shape, gradient.shape) == ((2, 2), (2, 4))
        assert y.dtype == gradient.dtype == dtype


def test_a_gated_network_learns():
    network = mlp([2, 8, 2], "swiglu", seed=range(2))
    history = fit(network, X, LABELS, optimizer=Adam(0.05), epochs=150, batch_size=None)
    assert (history.train_loss[:, -1] < 0.01).all()


# What does not fit.

BAD = {  # what is done -> error, what was given, what is expected
    "a gate that is not counted": (
        lambda: Network([dense(2, 8), Activate("swiglu"), dense(8, 2)]), ValueError,
        "layer 1 (swiglu), given 8 by layer 0 (Dense), returns 4 features",
        "layer 2 (Dense) takes 8", "let it take 4",
    ),
    "an odd width before a gate": (
        lambda: Network([dense(2, 7), Activate("glu"), dense(3, 2)]), ValueError,
        "layer 1 (glu) cannot take the 7 features of layer 0 (Dense)", "length 7", "2 pieces",
    ),
    "too few pieces": (
        lambda: Network([dense(2, 8), Activate(get("maxout", pieces=3)), dense(3, 2)]), ValueError,
        "layer 1 (maxout(pieces=3))", "8 features", "3 pieces",
    ),
    "no axis left": (
        lambda: Network([dense(2, 8), Activate("logsumexp")]), ValueError,
        "layer 1 (logsumexp)", "only the last axis", "keepdims=True",
    ),
    "no axis left, of any input": (
        lambda: Network([Activate("logsumexp"), dense(1, 2)]), ValueError,
        "layer 0 (logsumexp) cannot stand in a network", "keepdims=True",
    ),
    "another axis": (
        lambda: Network(
            [dense(2, 8), Activate(replace(get("glu"), name="rows", function=lambda x: glu(x, 0)))]
        ), ValueError, "layer 1 (rows)", "only the last axis", "axis=-1",
    ),
    "an axis that counts from the front": (
        lambda: Network(
            [dense(2, 8), Activate(replace(get("glu"), name="rows", function=lambda x: glu(x, 1)))]
        ), ValueError, "only the last axis", "axis=-1",
    ),
    "a normalization after a gate": (
        lambda: Network([dense(2, 8), Activate("glu"), normalization(BatchNorm, 8, float)]),
        ValueError, "returns 4 features", "layer 2 (BatchNorm) takes 8",
    ),
    "slopes after a gate": (
        lambda: Network([dense(2, 8), Activate("glu"), PReLU(np.ones((1, 8)))]),
        ValueError, "returns 4 features", "layer 2 (PReLU) takes 8",
    ),
    "a block that halves": (
        lambda: Residual([dense(4, 4), Activate("glu")]),
        ValueError, "take 4 features and return 2", "as many as there were",
    ),
    "a block with nothing but a gate": (
        lambda: Network([dense(2, 8), Residual([Activate("glu")]), dense(8, 2)]),
        ValueError, "layer 1 (Residual) takes 8 features of layer 0 (Dense)", "returns 4",
    ),
    "a block that was open": (
        lambda: Network([dense(2, 8), Residual([Doubled(), dense(8, 4)])]),
        ValueError, "layer 1 (Residual) takes 8", "returns 4", "as many as there were",
    ),
    "a layer that says what it returns": (
        lambda: Network([dense(2, 8), Saying(), dense(8, 2)]),
        ValueError, "layer 1 (Saying), given 8 by layer 0 (Dense), returns 4", "takes 8",
    ),
    "a layer that says what it takes": (
        lambda: Network([dense(2, 7), Saying(), dense(8, 2)]),
        ValueError, "layer 1 (Saying) cannot take the 7 features", "expected an even number",
    ),
    "an input before a gate": (
        lambda: Network([Activate("glu"), dense(3, 2)])(np.ones((2, 3))),
        ValueError, "(2, 3)", "(batch, 6)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])


def test_dropout_keeps_the_width_in_training():
    network = Network([dense(2, 8), drop(Dropout), Activate("glu"), dense(4, 2)])
    assert network(X).shape == (5, 2)
