"""The formulas, against PyTorch and ONNX Runtime; what rounding may do; settings of layers."""

import copy

import numpy as np
import pytest
import torch
from frameworks_helpers import (
    IMAGES,
    ROWS,
    TIMES,
    Recurrent,
    edited,
    exported,
    runs,
    small_graph,
    unfolded,
)
from torch import nn
from torch.nn import functional as F

from course_lib.frameworks import DIFFERENCES
from course_lib.frameworks.aligning import Place, aligned
from course_lib.frameworks.forms import FORMS, compute
from course_lib.frameworks.of_onnx import OnnxVersion
from course_lib.frameworks.of_torch import TorchVersion
from course_lib.frameworks.rounding import apart, tolerance_of_layer, tolerance_of_outputs
from course_lib.frameworks.traces import Value, swapped

pytestmark = pytest.mark.usefixtures("one_thread")

WIDE = np.concatenate([3 * ROWS, [[-200, -30, -0.0, 0.0, 30, 200]]]).astype(np.float64)
MAPS = np.random.default_rng(1).normal(1, 2, (5, 4, 3, 3))
SEQUENCES = TIMES.astype(np.float64)


def randomized(module):
    """Return a module in float64 with other parameters and running averages than at first."""
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -0.5, 1)
    for name, buffer in module.named_buffers():
        if name.startswith("running"):
            nn.init.uniform_(buffer, 0.5, 2)
    return module.double().eval()


LAYERS = {
    "celu": (nn.CELU(1.5), WIDE),
    "elu": (nn.ELU(0.7), WIDE),
    "flatten": (nn.Flatten(), MAPS),
    "gelu": (nn.GELU(), WIDE),
    "gelu, tanh": (nn.GELU("tanh"), WIDE),
    "gru": (nn.GRU(3, 5), SEQUENCES),
    "gru, two layers": (
        nn.GRU(3, 5, 2, bidirectional=True, batch_first=True, bias=False), SEQUENCES
    ),
    "hard_sigmoid": (nn.Hardsigmoid(), WIDE),
    "hard_swish": (nn.Hardswish(), WIDE),
    "leaky_relu": (nn.LeakyReLU(0.3), WIDE),
    "linear": (nn.Linear(6, 3), WIDE),
    "linear, no bias": (nn.Linear(6, 3, bias=False), WIDE),
    "normalization, layer": (nn.LayerNorm([3, 3], 1e-3), MAPS),
    "normalization, layer without weights": (nn.LayerNorm(3, elementwise_affine=False), MAPS),
    "normalization, batch": (nn.BatchNorm2d(4, 1e-2), MAPS),
    "normalization, batch of rows": (nn.BatchNorm1d(6), WIDE),
    "normalization, batch without averages": (
        nn.BatchNorm2d(4, track_running_stats=False), MAPS
    ),
    "normalization, group": (nn.GroupNorm(2, 4), MAPS),
    "normalization, instance": (nn.InstanceNorm2d(4, affine=True), MAPS),
    "normalization, rms": (nn.RMSNorm(3, 1e-2), MAPS),
    "normalization, rms by default": (nn.RMSNorm(3), MAPS),
    "prelu": (nn.PReLU(4), MAPS),
    "prelu, one slope": (nn.PReLU(), WIDE),
    "relu": (nn.ReLU(), WIDE),
    "selu": (nn.SELU(), WIDE),
    "softmax": (nn.Softmax(1), MAPS),
    "softmax, log": (nn.LogSoftmax(-1), WIDE),
    "softmax, images": (nn.Softmax2d(), MAPS),
    "softplus": (nn.Softplus(2.0, 3.0), WIDE),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_a_formula_is_what_pytorch_computes(name):
    layer, x = LAYERS[name]
    model = nn.Sequential(randomized(layer)).eval()
    for value in TorchVersion("model", model).trace([x]).values:
        assert value.kind == name.partition(",")[0]
        found = compute(value.kind, value.inputs, value.settings())
        np.testing.assert_allclose(
            found.reshape(value.array.shape), value.array, rtol=1e-12, atol=1e-13
        )


def test_every_formula_is_held_against_pytorch():
    assert {name.partition(",")[0] for name in LAYERS} == set(FORMS) - {"identity"}


FUNCTIONS = {
    "celu": lambda x: F.celu(x, 1.5),
    "elu": lambda x: F.elu(x, alpha=0.7),
    "flatten": lambda x: x.flatten(1),
    "flatten, view": lambda x: x.view(len(x), -1),
    "flatten, reshape": lambda x: torch.reshape(x, (len(x), -1)),
    "gelu": lambda x: F.gelu(x, approximate="tanh"),
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
    "leaky_relu": lambda x: F.leaky_relu(x, negative_slope=0.3),
    "linear": lambda x: F.linear(x, torch.ones(2, 3).double()),
    "normalization, layer": lambda x: F.layer_norm(x, (3, 3), eps=1e-2),
    "normalization, rms": lambda x: F.rms_norm(x, (3,), eps=1e-2),
    "normalization, group": lambda x: F.group_norm(x, 2, eps=1e-3),
    "normalization, batch": lambda x: F.batch_norm(
        x, torch.ones(4).double(), 2 * torch.ones(4).double(), eps=1e-2
    ),
    "prelu": lambda x: F.prelu(x, torch.linspace(0, 1, 4).double()),
    "relu": torch.relu,
    "relu, method": lambda x: x.relu(),
    "relu, in place": lambda x: F.relu_(x * 1.0),
    "selu": F.selu,
    "softmax": lambda x: x.softmax(1),
    "softmax, log": lambda x: F.log_softmax(x, dim=2),
    "softplus": lambda x: F.softplus(x, 2.0, threshold=1.0),
}


class Calling(nn.Module):
    """Calls a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_formula_is_what_a_function_of_pytorch_computes(name):
    trace = TorchVersion("model", Calling(FUNCTIONS[name]).eval()).trace([MAPS])
    value = trace.values[-1]
    assert value.kind == name.partition(",")[0]
    found = compute(value.kind, value.inputs, value.settings())
    np.testing.assert_allclose(
        found.reshape(value.array.shape), value.array, rtol=1e-12, atol=1e-13
    )
    assert trace.places == (len(trace.values) - 1,)


@pytest.mark.parametrize("name", ["pow", "conv1d", "softmax of integers"])
def test_what_the_formulas_lack_is_recorded_by_its_name(name):
    functions = {
        "pow": lambda x: x**3,
        "conv1d": lambda x: F.conv1d(x[:, :, 0], torch.ones(1, 4, 2).double()),
        "softmax of integers": lambda x: torch.softmax(x.long(), dim=1, dtype=torch.float64),
    }
    value = TorchVersion("model", Calling(functions[name]).eval()).trace([MAPS]).values[-1]
    assert value.kind == name.partition(" ")[0]
    assert name != "pow" or value.settings() == {}


NODES = {
    "celu": [("Celu", {"alpha": 1.5})],
    "elu": [("Elu", {}), ("Elu", {"alpha": 0.7})],
    "flatten": [("Flatten", {})],
    "gelu": [("Gelu", {}), ("Gelu", {"approximate": "tanh"})],
    "hard_sigmoid": [("HardSigmoid", {}), ("HardSigmoid", {"alpha": 1 / 6})],
    "hard_swish": [("HardSwish", {})],
    "leaky_relu": [("LeakyRelu", {}), ("LeakyRelu", {"alpha": 0.3})],
    "relu": [("Relu", {})],
    "selu": [("Selu", {}), ("Selu", {"alpha": 1.5, "gamma": 1.1})],
    "softmax": [("Softmax", {}), ("Softmax", {"axis": 1}), ("LogSoftmax", {"axis": 2})],
    "softplus": [("Softplus", {})],
}
CONSTANTS = {
    "w": np.linspace(0.5, 2, 4, dtype=np.float32),
    "b": np.linspace(-1, 1, 4, dtype=np.float32),
    "m": np.linspace(-1, 1, 4, dtype=np.float32),
    "v": np.linspace(0.5, 2, 4, dtype=np.float32),
    "row": np.linspace(0.5, 2, 3, dtype=np.float32),
    "slopes": np.linspace(0.1, 0.7, 4, dtype=np.float32).reshape(4, 1, 1),
    "matrix": np.linspace(-1, 1, 6, dtype=np.float32).reshape(3, 2),
}
WITH_CONSTANTS = {
    "prelu": [("PRelu", ["slopes"], {}), ("PRelu", ["row"], {})],
    "linear": [("MatMul", ["matrix"], {})],
    "normalization": [
        ("BatchNormalization", ["w", "b", "m", "v"], {"epsilon": 1e-2}),
        ("InstanceNormalization", ["w", "b"], {}),
        ("LayerNormalization", ["row"], {"epsilon": 1e-2}),
        ("LayerNormalization", ["row", "row"], {}),
    ],
}


def check_node(kind, graph, x):
    """Check that the formula of the last node is what ONNX Runtime computes."""
    value = OnnxVersion("model", graph).trace([x]).values[-1]
    assert value.kind == kind
    found = compute(value.kind, value.inputs, value.settings()).reshape(value.array.shape)
    np.testing.assert_allclose(found, value.array, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("kind", [*NODES, *WITH_CONSTANTS])
@pytest.mark.parametrize("opset", [12, 20])
def test_a_formula_is_what_onnx_runtime_computes(kind, opset):
    x = MAPS.astype(np.float32)
    nodes = [(op, [], more) for op, more in NODES.get(kind, [])] + WITH_CONSTANTS.get(kind, [])
    for operator, constants, more in nodes:
        if opset == 12 and operator in ("Gelu", "HardSwish", "LayerNormalization"):
            continue  # newer
        node = operator, ["x", *constants], ["y"], more
        check_node(kind, small_graph([node], x.shape, CONSTANTS, opset), x)


def test_a_formula_is_the_gru_of_onnx_runtime():
    """Before the product, as it is by default there, and after."""
    graph = exported(Recurrent().eval(), TIMES)
    for other in (graph, edited(graph, "GRU", linear_before_reset=None)):
        values = OnnxVersion("model", other).trace([TIMES]).values
        (first, _) = (value for value in values if value.kind == "gru")
        found = compute("gru", first.inputs, first.settings()).reshape(first.array.shape)
        np.testing.assert_allclose(found, first.array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "changes",
    [
        {"clip": 0.5},
        {"activations": ["Relu", "Tanh"]},
        {"direction": "reverse"},
    ],
    ids=str,
)
def test_a_gru_that_no_formula_computes_has_no_settings(changes):
    graph = edited(exported(Recurrent().eval(), TIMES), "GRU", **changes)
    values = OnnxVersion("model", graph).trace([TIMES]).values
    assert [value.settings() for value in values if value.kind == "gru"] == [{}, {}]
    assert list(DIFFERENCES["gru-reset"].of(values[-1])) == []


def test_operators_of_other_domains_are_no_kinds():
    graph = small_graph([("Gelu", ["x"], ["y"], {"domain": "com.microsoft"})], (16, 6))
    graph.opset_import.add(domain="com.microsoft", version=1)
    (value,) = OnnxVersion("model", graph).trace([ROWS]).values
    assert (value.kind, value.settings()) == ("Gelu", {})


# What passes the layers.


def test_a_trace_is_the_forward_pass_and_feeds_take_the_place_of_values():
    model = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3)).double().eval()
    graph = exported(copy.deepcopy(model).float(), ROWS)
    for version in (TorchVersion("model", model), OnnxVersion("model", graph)):
        trace = version.trace([ROWS])
        assert [value.parents for value in trace.values] == [(-1,), (0,), (1,)]
        assert [trace.above(n) for n in range(3)] == [set(), {0}, {0, 1}]
        (expected,) = version.outputs([ROWS])
        np.testing.assert_allclose(trace.outputs[0], expected, rtol=1e-6)
        fed = version.trace([ROWS], {1: np.zeros((16, 4))})
        np.testing.assert_allclose(fed.values[1].array, trace.values[1].array)  # as computed
        bias = model[2].bias.detach().numpy()
        np.testing.assert_allclose(fed.outputs[0], np.tile(bias, (16, 1)), rtol=1e-6)
        again = swapped(version, [ROWS], {0: lambda inputs: 0 * inputs[0][:, :4], 1: np.ones_like})
        assert apart(again.values[1].array, np.zeros((16, 4)))[0] == 0


def test_values_that_are_overwritten_are_kept():
    class InPlace(nn.Module):
        def forward(self, x):
            y = x * 2
            y += 1
            z = F.relu(y, inplace=True)
            return z.mul_(3)

    trace = TorchVersion("model", InPlace().eval()).trace([ROWS])
    expected = [2 * ROWS, 2 * ROWS + 1, np.maximum(2 * ROWS + 1, 0)]
    expected.append(3 * expected[-1])
    assert [value.name for value in trace.values] == ["mul", "add", "relu", "mul (call 2)"]
    for value, array in zip(trace.values, expected, strict=True):
        np.testing.assert_allclose(value.array, array, rtol=1e-6)
    assert [value.parents for value in trace.values] == [(-1,), (0,), (1,), (2,)]


def test_batch_normalization_keeps_its_node_where_that_is_asked_for():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten()).eval()
    first = TorchVersion("model", model).trace([IMAGES])
    for graph, alone in ((unfolded(model), True), (exported(model, IMAGES), False)):
        version = OnnxVersion("other", graph)
        found = aligned(first, version.trace([IMAGES]), version, [IMAGES])
        assert (0 in found.places) == alone
        assert {1, 2} <= set(found.places)


def test_a_place_lays_out_values_there_and_back():
    there = np.arange(24.0).reshape(2, 3, 4)
    place = Place(0, (1, 0, 2), there.shape)
    here = place.here(there, (3, 8))
    np.testing.assert_array_equal(here, there.transpose(1, 0, 2).reshape(3, 8))
    np.testing.assert_array_equal(place.there(here), there)


# What rounding may do.


def test_the_largest_difference_and_its_place():
    here = np.array([[1.0, np.nan, np.inf], [0.0, -np.inf, 5.0]])
    assert apart(here, here) == (0.0, (0, 0))
    there = here.copy()
    there[1, 2] = 2
    assert apart(here, there) == (3.0, (1, 2))
    for place, value in {(0, 1): 0.0, (0, 2): 7.0, (1, 1): np.inf}.items():
        there = here.copy()
        there[place] = value
        assert apart(here, there) == (np.inf, place)
    assert apart(np.array([True, False]), np.array([True, True])) == (1.0, (1,))
    assert apart(np.array([2**40]), np.array([2**40 + 1])) == (1.0, (0,))


def value_of(kind, x, output, **settings):
    return Value("1", kind, output, (x,), (-1,), lambda: settings)


def test_the_tolerance_follows_from_dtype_and_size():
    x = np.array([[3.0, 4.0]])
    eps = float(np.finfo(np.float32).eps)
    assert tolerance_of_layer(value_of("relu", x, x), x, eps) == 8 * eps * 4
    assert tolerance_of_layer(value_of("relu", x, x), 2 * x, eps) == 8 * eps * 8
    assert tolerance_of_layer(value_of("relu", x, x), x, 2 * eps) == 16 * eps * 4
    assert tolerance_of_layer(value_of("Conv2d", x, x / 100), x / 100, eps) == 64 * eps * 4
    assert tolerance_of_layer(value_of("relu", x, x), x, eps, parts=2) == 64 * eps * 4
    # x.w = 0 by cancellation: what is added up has the size |w| max |x|
    dense = value_of("linear", x, x[:, :1] * 0, weight=np.array([[4.0, -3.0]]), bias=0.0)
    assert tolerance_of_layer(dense, x[:, :1] * 0, eps) == pytest.approx(8 * eps * 20)
    assert tolerance_of_outputs(x, x, eps, 1) == 8 * 4 * eps * 4
    assert tolerance_of_outputs(x, x, 0.0, 10) == 8 * 10 * np.finfo(np.float64).eps * 4
    assert tolerance_of_layer(value_of("relu", 0 * x, 0 * x), 0 * x, eps) > 0


@pytest.mark.parametrize("mean", [0, 10, 1000])
def test_normalization_may_round_as_much_as_its_mean_is_large(mean):
    """Float32 against float64, far from 0: the rounding of x counts in deviations."""
    x = (np.random.default_rng(0).normal(mean, 1, (32, 64))).astype(np.float32)
    model = nn.Sequential(nn.LayerNorm(64)).eval()
    (value,) = TorchVersion("model", model).trace([x]).values
    exact = compute("normalization", value.inputs, value.settings())
    far, _ = apart(value.array, exact)
    tolerance = tolerance_of_layer(value, exact, float(np.finfo(np.float32).eps))
    assert tolerance / 500 < far < tolerance


@pytest.mark.parametrize("features", [64, 784, 4096])
def test_dense_layers_round_less_than_the_tolerance(features):
    x = np.random.default_rng(0).random((64, features)).astype(np.float32)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(features, 64)).eval()
    (value,) = TorchVersion("model", model).trace([x]).values
    exact = compute("linear", value.inputs, value.settings())
    far, _ = apart(value.array, exact)
    tolerance = tolerance_of_layer(value, exact, float(np.finfo(np.float32).eps))
    assert tolerance / 100 < far < tolerance / 2
    (again,) = runs(exported(model, x))(x)
    assert apart(again, exact)[0] < tolerance / 2
