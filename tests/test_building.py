"""The multilayer perceptron: gains, options, bad input."""

from dataclasses import replace

import numpy as np
import pytest
from mpmath import mp
from together import together

from course_lib import data, meanfield
from course_lib.activations import CATALOGUE, Activation, get
from course_lib.diagnostics import check_gradients
from course_lib.network import INITIALIZERS, building, mlp
from course_lib.training import SGD, Adam, AdamW, Momentum, fit


def halved(x, axis=-1):
    """Return the product of the halves, a gate of a user's own."""
    a, b = np.split(np.asarray(x), 2, axis=axis)
    return a * b


def halved_grad(x, axis=-1):
    """Return the derivative by the first half, then that by the second."""
    return np.roll(x, np.shape(x)[axis] // 2, axis=axis)


BILINEAR = Activation("bilinear", halved, halved_grad, kind="groups")


@pytest.mark.parametrize("scheme", INITIALIZERS)
def test_a_gain_multiplies_the_weights_and_not_the_biases(scheme):
    options = {"seed": range(3), "initialization": scheme}
    plain = mlp([5, 4, 4, 3], "tanh", **options).parameters
    one = mlp([5, 4, 4, 3], "tanh", gain=1.5, **options).parameters
    each = mlp([5, 4, 4, 3], "tanh", gain=[0.5, 1, 3], **options).parameters
    for name, value in plain.items():
        by = np.array([0.5, 1, 3])[:, None, None] if name.endswith("weight") else 1
        np.testing.assert_allclose(one[name], value * (1.5 if np.ndim(by) else 1), rtol=1e-14)
        np.testing.assert_allclose(each[name], value * by, rtol=1e-14)


def test_replicas_that_share_a_seed_are_drawn_once_and_own_their_weights(monkeypatch):
    """A tuning has a few seeds, each with every learning rate."""
    drawn = []
    kept = building.initialize
    monkeypatch.setattr(
        building, "initialize", lambda *a, **named: drawn.append(named) or kept(*a, **named)
    )
    seeds, gains = [3, 5, 3, np.int64(5), 3], [1.0, 1.0, 1.0, 1.0, 2.0]
    options = {"initialization": "pytorch", "dtype": np.float32}
    network = mlp([4, 3, 2], "tanh", seed=seeds, gain=gains, **options)
    assert len(drawn) == 2 * 3  # layers, and pairs of a seed and a gain
    for i, (seed, gain) in enumerate(zip(seeds, gains, strict=True)):
        alone = mlp([4, 3, 2], "tanh", seed=int(seed), gain=gain, **options)
        for name, value in alone.parameters.items():
            np.testing.assert_array_equal(network.parameters[name][i], value)
    first = network.parameters["0.weight"]
    first[0] = 0
    assert first[2].all()


@pytest.mark.parametrize(
    ("activation", "function"), [("tanh", mp.tanh), ("relu", lambda z: max(z, 0)), ("sine", mp.sin)]
)
def test_a_computed_gain_keeps_the_variance_after_the_activation(activation, function):
    def integrand(z):
        return function(z) ** 2 * mp.npdf(z)

    expected = 1 / mp.sqrt(mp.quad(integrand, [-mp.inf, 0, mp.inf]))
    sizes = [6, 5, 4, 3]
    plain = mlp(sizes, activation, initialization="lecun").parameters
    scaled = mlp(sizes, activation, initialization="computed").parameters
    np.testing.assert_array_equal(scaled["0.weight"], plain["0.weight"])
    for name in ("2.weight", "4.weight"):
        np.testing.assert_allclose(scaled[name] / plain[name], float(expected), rtol=1e-9)


@together("name", [row.name for row in CATALOGUE.values() if row.elementwise])
def test_a_computed_gain_is_the_number_of_the_catalogue(name):
    lecun, computed = (
        mlp([3, 4, 2], name, initialization=scheme).parameters["2.weight"]
        for scheme in ("lecun", "computed")
    )
    np.testing.assert_array_equal(computed, get(name).gain * lecun)


def test_a_function_of_a_users_own_has_its_own_gain_and_not_that_of_the_row_it_came_from():
    own = replace(get("tanh"), function=lambda x: np.tanh(3 * x))
    lecun, computed = (
        mlp([3, 4, 2], own, initialization=scheme).parameters["2.weight"]
        for scheme in ("lecun", "computed")
    )
    np.testing.assert_allclose(computed / lecun, meanfield.gain(own), rtol=1e-14)
    assert meanfield.gain(own) < 0.9 * get("tanh").gain


@together("normalization", [None, "batch", "layer"])
@together("residual", [False, True])
@together("seed", [0, range(2)])
def test_options_change_what_stands_between_and_never_the_initial_weights(
    normalization, residual, seed
):
    network = mlp(
        [3, 4, 4, 4, 5, 5, 2], "tanh", seed=seed, normalization=normalization, residual=residual
    )
    norm = {None: "", "batch": "BatchNorm, ", "layer": "LayerNorm, "}[normalization]
    plain, block = f"{norm}tanh", f"Residual({norm}tanh)" if residual else f"{norm}tanh"
    assert repr(network).split("[")[1].split("]")[0].replace("'", "") == ", ".join(
        [plain, block, block, plain, block]
    )
    dense = [p for p in network.parameters.values() if p.shape[-2] > 1]
    weights = mlp([3, 4, 4, 4, 5, 5, 2], "tanh", seed=seed).parameters
    for own, value in zip(dense, [v for v in weights.values() if v.shape[-2] > 1], strict=True):
        np.testing.assert_array_equal(own, value)


def test_the_first_hidden_layer_is_no_block_although_it_keeps_the_width():
    network = mlp([4, 4, 4, 2], "tanh", residual=True)
    assert repr(network) == "Network(4-4-4-2, ['tanh', 'Residual(tanh)'], float64)"


@together("scheme", INITIALIZERS)
@together("normalization", [None, "batch"])
@pytest.mark.parametrize("seed", [4, range(2)], ids=["one", "two"])
def test_without_biases_the_initial_weights_stay(seed, normalization, scheme):
    options = {
        "seed": seed, "initialization": scheme, "normalization": normalization, "residual": True
    }  # fmt: skip
    bare, plain = (mlp([3, 4, 4, 2], "tanh", bias=b, **options) for b in (False, True))
    norms = [name for name in plain.parameters if plain.parameters[name].shape[-2] == 1]
    kept = [name for name in bare.parameters if name.endswith("weight")]
    assert kept == [name for name in plain.parameters if name.endswith("weight")]
    assert len(bare.parameters) == len(plain.parameters) - 3
    for name in kept:
        np.testing.assert_array_equal(bare.parameters[name], plain.parameters[name])
    assert bool(norms)


def test_a_state_with_biases_does_not_fit_a_network_without():
    plain, bare = mlp([2, 3, 1]), mlp([2, 3, 1], bias=False)
    with pytest.raises(ValueError, match=r"0\.bias is unknown; 2\.bias is unknown; nothing was"):
        bare.load_state_dict(plain.state_dict())
    with pytest.raises(ValueError, match=r"0\.bias is missing; 2\.bias is missing; nothing was"):
        plain.load_state_dict(bare.state_dict())
    with pytest.raises(ValueError, match=r"this network has \['0.weight', '2.weight'\]"):
        bare.load_parameters(plain.parameters)
    bare.load_state_dict(mlp([2, 3, 1], bias=False, seed=7).state_dict())


@pytest.mark.parametrize("optimizer", [SGD, Momentum, Adam, AdamW])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_without_biases_learns_with_every_optimizer(optimizer, dtype):
    x, y = data.moons(60)
    network = mlp(
        [2, 8, 2], ["tanh"], seed=range(2), bias=False, normalization="batch", dtype=dtype
    )
    history = fit(network, x.astype(dtype), y, optimizer=optimizer(0.05), epochs=20, clip_norm=1.0)
    assert (history.train_loss[:, -1] < history.train_loss[:, 0]).all()
    assert check_gradients(mlp([2, 3, 2], "tanh", bias=False), x, y).largest < 1e-6


def test_each_hidden_layer_may_have_its_own_activation():
    network = mlp([2, 4, 4, 6, 1], ("relu", get("leaky_relu", negative_slope=0.2), "maxout"))
    assert repr(network) == (
        "Network(2-4-4-6-1, ['relu', 'leaky_relu(negative_slope=0.2)', 'maxout'], float64)"
    )
    assert network.parameters["4.weight"].shape == (4, 12)
    same, one = mlp([2, 4, 4, 1], ["tanh", "tanh"]), mlp([2, 4, 4, 1], "tanh")
    for name, value in one.parameters.items():
        np.testing.assert_array_equal(same.parameters[name], value)
    assert repr(mlp([2, 1], [])) == "Network(2-1, [], float64)"
    blocks = mlp([4, 4, 4, 2], np.array(["relu", "swiglu"]), residual=True)
    assert repr(blocks) == "Network(4-4-4-2, ['relu', 'Residual(swiglu)'], float64)"
    assert blocks(np.ones((3, 4))).shape == (3, 2)


@pytest.mark.parametrize("scheme", INITIALIZERS)
def test_a_gate_has_twice_the_dense_outputs_in_every_scheme(scheme):
    network = mlp([2, 16, 3], "swiglu", seed=range(2), initialization=scheme)
    shapes = [value.shape for value in network.parameters.values()]
    assert shapes == [(2, 2, 32), (2, 1, 32), (2, 16, 3), (2, 1, 3)]
    assert repr(network) == "Network(2-16-3, ['swiglu'], float64, replicas=(2,))"


BAD = {  # what is done -> error, what was given, what is expected
    "dropout 1": (lambda: mlp([2, 3], dropout=1.0), ValueError, "dropout is 1.0", "to below 1"),
    "dropout as text": (
        lambda: mlp([2, 3], dropout="0.5"), TypeError, "dropout is '0.5'", "0 to below 1"
    ),
    "dropouts without seeds": (
        lambda: mlp([2, 3], dropout=[0.5]), ValueError, "(1,)", "each of a sequence of seeds"
    ),
    "dropouts for other seeds": (
        lambda: mlp([2, 3], seed=range(3), dropout=[0.1, 0.2]), ValueError, "(2,)", "one for each"
    ),
    "residual as text": (
        lambda: mlp([2, 3, 2], residual="no"), TypeError, "residual is 'no'", "True or False"
    ),
    "alpha dropout as a number": (
        lambda: mlp([2, 3, 2], dropout=0.5, alpha_dropout=1), TypeError, "alpha_dropout is 1"
    ),
    "alpha dropout of nothing": (
        lambda: mlp([2, 3, 2], alpha_dropout=True), ValueError, "dropout is 0", "give a dropout"
    ),
    "unknown normalization": (
        lambda: mlp([2, 3], normalization="bach"), KeyError, "'bach'", "'batch'"
    ),
    "gain 0": (lambda: mlp([2, 3], gain=0), ValueError, "gain is 0.0", "finite number above 0"),
    "gain as text": (lambda: mlp([2, 3], gain="he"), ValueError, "gain is 'he'", "one number"),
    "gains without seeds": (
        lambda: mlp([2, 3], gain=[1.0]), ValueError, "(1,)", "one for each of a sequence of seeds"
    ),
    "gains for other seeds": (
        lambda: mlp([2, 3], seed=range(3), gain=[1.0, 2.0]), ValueError, "(2,)", "one for each"
    ),
    "no gain to compute": (
        lambda: mlp([2, 3, 2], "softmax", initialization="computed"),
        ValueError, "softmax", "element by element",
    ),
    "an activation too many": (
        lambda: mlp([2, 4, 2], ["relu", "tanh"]),
        ValueError, "['relu', 'tanh'], 2 for 1 hidden layers", "one for all", "one for each",
    ),
    "an activation too few": (
        lambda: mlp([2, 4, 4, 2], ("relu",)), ValueError, "['relu'], 1 for 2", "one for each"
    ),
    "an unknown activation among others": (
        lambda: mlp([2, 4, 4, 2], ["relu", "tahn"]), KeyError, "'tahn'", "did you mean 'tanh'"
    ),
    "activations in activations": (
        lambda: mlp([2, 4, 2], [["relu"]]), KeyError, "['relu']", "expected one name"
    ),
    "ragged gains": (lambda: mlp([2, 3], gain=[[1.0], [1.0, 2.0]]), ValueError, "gain is ragged"),
    "ragged sizes": (lambda: mlp([2, [3, 4]]), ValueError, "sizes is ragged", "an array"),
    "one size": (lambda: mlp([3]), ValueError, "[3]", "an input and an output"),
    "sizes as a number": (lambda: mlp(784), ValueError, "784", "an input and an output"),
    "a size that is not whole": (
        lambda: mlp([2, 3.0, 2]), TypeError, "fan_out is 3.0", "an integer"
    ),
    "size 0": (lambda: mlp([3, 0]), ValueError, "from 3 to 0", "at least 1"),
    "float16": (lambda: mlp([2, 3], dtype=np.float16), TypeError, "float16", "float32 and float64"),
    "no features left": (
        lambda: mlp([2, 4, 1], "logsumexp"),
        ValueError, "becomes 4 units by 'logsumexp'", "keeps the number of features or divides it",
    ),
    "a fractional size before a gate": (
        lambda: mlp([2, 3.0, 2], "swiglu"), TypeError, "fan_out is 3.0", "an integer"
    ),
    "a size below 1 before a gate": (
        lambda: mlp([2, 0, 2], "swiglu"), ValueError, "from 2 to 0", "at least 1"
    ),
    "pieces that are no number": (
        lambda: mlp([2, 4, 2], get("maxout", pieces=1.5)), TypeError, "pieces is 1.5", "an integer"
    ),
    "no pieces": (
        lambda: mlp([2, 4, 2], get("maxout", pieces=0)), ValueError, "pieces is 0", "from 1 on"
    ),
    "a gate without a known gain": (
        lambda: mlp([2, 4, 2], BILINEAR, initialization="computed"),
        ValueError, "'bilinear'", "give its row a gain",
    ),
    "a bias that is no bool": (
        lambda: mlp([2, 3], bias=0), TypeError, "bias is 0", "True or False"
    ),
}  # fmt: skip


@together("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])
