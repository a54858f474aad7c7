"""Differences that are planted are found by name; faithful copies are silent."""

import copy

import numpy as np
import onnxruntime
import pytest
import torch
from frameworks_helpers import (
    IMAGES,
    PLANTED,
    ROWS,
    TIMES,
    Recurrent,
    convolutional,
    exported,
    mlp,
    runs,
    small_graph,
)
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from course_lib import network, pytorch
from course_lib.frameworks import DIFFERENCES, NetworkPair, compare

pytestmark = pytest.mark.usefixtures("one_thread")
planted = pytest.mark.parametrize("case", PLANTED, ids=str)


def check(found, name, layer):
    """Check that one layer parts, by one known difference."""
    assert found.known == (name,)
    assert [row.layer for row in found.layers if row.parts] == [layer]
    assert not found.agrees
    assert found.first.cause.startswith(DIFFERENCES[name].words)


@planted
def test_a_difference_is_found_in_a_graph_layer_by_layer(case):
    model, _, graph, layer, x = PLANTED[case]
    check(compare(model, graph, x), case[0], layer)


@planted
def test_a_difference_is_found_between_modules_layer_by_layer(case):
    model, other, _, layer, x = PLANTED[case]
    if other is not None:
        check(compare(model, other, x), case[0], layer)


@planted
def test_a_difference_is_found_where_the_other_is_a_function(case):
    model, _, graph, layer, x = PLANTED[case]
    found = compare(model, runs(graph), x)
    assert found.layers == ()
    assert found.known == (case[0],)
    assert f"(layer {layer})" in found.outputs[0].cause


@planted
def test_a_difference_is_found_where_the_model_is_a_graph(case):
    model, _, graph, _, x = PLANTED[case]
    found = compare(graph, model, x)
    assert found.known == (case[0],)
    words = found.first.cause.partition(": ")[2].split(", ")
    there = compare(model, graph, x).first.cause.partition(": ")[2].split(", ")
    assert [text.rpartition(" in ")[0] for text in words] == [
        text.rpartition(" in ")[0] for text in there[::-1]
    ]


@pytest.mark.parametrize(
    "case", [c for c in PLANTED if c[0] not in ("softplus-threshold",)], ids=str
)
def test_a_difference_is_found_between_graphs(case):
    model, _, graph, _, x = PLANTED[case]
    own = exported(model, x) if case != ("epsilon", "batch") else None
    if own is not None:
        assert compare(own, graph, x).known == (case[0],)


@pytest.mark.parametrize(
    ("opset", "shown"), [(11, "axes 1, 2 together"), (13, "axis 1")], ids=["opset 11", "opset 13"]
)
def test_softmax_had_another_meaning(opset, shown):
    """Without an axis it is over all axes from 1 on up to opset 12; here 13 names axis 1."""
    axis = {} if opset == 11 else {"axis": 1}
    graph = small_graph([("Softmax", ["x"], ["y"], axis)], (4, 7, 3), opset=opset)
    found = compare(nn.Sequential(nn.Softmax(-1)).eval(), graph, TIMES)
    check(found, "softmax-axis", "0")
    assert found.first.cause == f"the axis of softmax: axis 2 in model, {shown} in other"


@pytest.mark.parametrize("inside", [True, False], ids=["inside", "outside"])
def test_epsilon_stands_inside_the_root_or_outside(inside):
    model = nn.Sequential(nn.LayerNorm(6, 1e-3)).eval()

    def other(x):
        deviation = np.sqrt(x.var(-1, keepdims=True) + (1e-5 if inside else 0))
        return (x - x.mean(-1, keepdims=True)) / (deviation + (0 if inside else 1e-3))

    found = compare(model, other, ROWS / 10)
    assert found.known == ("epsilon",)
    told = "1e-05 inside the root in other" if inside else "0.001 outside the root in other"
    assert told in found.outputs[0].cause


SELU_SHORT = {"alpha": 1.67326, "gamma": 1.0507}


def test_where_softplus_becomes_a_line_shows_in_float64():
    model, other = (mlp(nn.Softplus(threshold=t)).double() for t in (20, 50))
    x = 10 * ROWS.astype(np.float64)
    found = compare(model, other, x)
    check(found, "softplus-threshold", "1")
    assert "x itself above 20 in model, no threshold in other" in found.first.cause
    assert compare(model, lambda x: other(torch.tensor(x)), x).known == found.known
    assert compare(model.float(), other.float(), x).agrees


OTHERS = {
    "selu-constants": (
        nn.Sequential(nn.SELU()),
        small_graph([("Selu", ["x"], ["y"], SELU_SHORT)], (16, 6)),
        ROWS,
    ),
    "elu-alpha": (
        nn.Sequential(nn.ELU(2.0)),
        small_graph([("Elu", ["x"], ["y"], {})], (16, 6)),
        ROWS,
    ),
    "transposed-weights": (
        nn.Sequential(nn.Linear(6, 6, bias=False)),
        None,
        ROWS,
    ),
    "flatten-order": (
        nn.Sequential(nn.Flatten()),
        small_graph(
            [
                ("Transpose", ["x"], ["moved"], {"perm": [0, 2, 3, 1]}),
                ("Flatten", ["moved"], ["y"], {}),
            ],
            (5, 2, 3, 3),
        ),
        IMAGES[:, 0, :, :3].reshape(5, 2, 3, 3),
    ),
    "left-out": (
        nn.Sequential(nn.Tanh(), nn.Sigmoid()),
        small_graph([("Tanh", ["x"], ["y"], {})], (16, 6)),
        ROWS,
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_costs_little_is_found_as_well(name):
    model, graph, x = OTHERS[name]
    model = model.eval()
    if graph is None:
        weight = model[0].weight.detach().numpy().copy()
        graph = small_graph([("MatMul", ["x", "w"], ["y"], {})], (16, 6), {"w": weight})
    assert compare(model, graph, x).known == (name,)
    if name != "selu-constants":  # three tolerances of a layer, less than one end to end
        assert compare(model, runs(graph), x).known == (name,)


def test_relu_of_nan_is_zero_somewhere():
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU()).eval()
    model[0].weight.data[0] = torch.nan

    def other(x):
        return np.nan_to_num(model(torch.tensor(x)).detach().numpy(), nan=0.0)

    found = compare(model, other, ROWS)
    assert found.known == ("relu-nan",)
    assert found.outputs[0].difference == np.inf


def test_every_known_difference_is_planted():
    names = {name for name, _ in PLANTED} | set(OTHERS) | {"relu-nan"}
    assert names == set(DIFFERENCES)


# Faithful copies.


def trained(model, x):
    """Return a module whose running averages are not those it began with."""
    model.train()
    with torch.no_grad():
        for _ in range(40):
            model(torch.randn(x.shape) * 2 + 0.5)
    return model.eval()


def rows():
    """Return a module of rows with normalization and dropout."""
    middle = nn.BatchNorm1d(8), nn.LeakyReLU(), nn.Dropout(), nn.LayerNorm(8), nn.GELU()
    return trained(mlp(*middle), ROWS)


def images():
    """Return a module of images, with functions that work in place."""
    return trained(convolutional([nn.BatchNorm2d(4), nn.ReLU(inplace=True)]), IMAGES)


MODULES = {"rows": (rows, ROWS), "images": (images, IMAGES), "times": (Recurrent, TIMES)}


def state_dict(model, x):
    torch.manual_seed(1)
    other = copy.deepcopy(model)
    for parameter in other.parameters():
        nn.init.normal_(parameter)
    other.load_state_dict(model.state_dict())
    return other


def folded(model, x):
    """Return the graph of a module in which batch normalization is part of the layer before."""
    layers = list(model) if isinstance(model, nn.Sequential) else []
    for i in reversed(range(1, len(layers))):
        fuse = {nn.BatchNorm1d: fuse_linear_bn_eval, nn.BatchNorm2d: fuse_conv_bn_eval}
        if type(layers[i]) in fuse:
            layers[i - 1 : i + 1] = [fuse[type(layers[i])](*layers[i - 1 : i + 1])]
    return exported(nn.Sequential(*layers).eval() if layers else model, x)


def optimized(model, x, tmp_path):
    """Return the path of a graph that ONNX Runtime has optimized, with operators of its own."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 4
    level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.graph_optimization_level = level
    onnxruntime.InferenceSession(exported(model, x).SerializeToString(), options)
    return options.optimized_model_filepath


COPIES = {
    "state dict": state_dict,
    "exported": exported,
    "folded batch norm": folded,
    "double precision": lambda model, x: copy.deepcopy(model).double(),
    "traced": lambda model, x: torch.jit.trace(model, torch.tensor(x)),
    "run by a function": lambda model, x: runs(exported(model, x)),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("name", COPIES)
def test_a_faithful_copy_is_silent(module, name):
    make, x = MODULES[module]
    model = make().eval()
    other = COPIES[name](model, x)
    for found in (compare(model, other, x), compare(other, model, x)):
        assert found.agrees, str(found)
        assert (found.first, found.known) == (None, ())
        assert all(row.units < 0.5 for row in found.layers), str(found)


@pytest.mark.parametrize("module", MODULES)
def test_what_onnx_runtime_optimized_is_silent(module, tmp_path):
    make, x = MODULES[module]
    model = make().eval()
    path = optimized(model, x, tmp_path)
    for other in (model, exported(model, x)):
        found = compare(other, path, x)
        assert found.agrees, str(found)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_what_pytorch_exports_today_is_silent(tmp_path, capfd):
    """By its exporter of today, which takes seconds; nodes and names are other ones."""
    model, x = rows(), ROWS
    path = tmp_path / "model.onnx"
    torch.onnx.export(model, (torch.tensor(x),), path, verbose=False)
    found = compare(model, path, x)
    assert found.agrees and len(found.layers) >= 7
    assert "the ONNX graph model.onnx" in str(found)


@pytest.mark.parametrize("activation", ["relu", "gelu", "silu", "elu", "softplus"])
def test_networks_of_numpy_are_silent(activation):
    own = network.mlp([6, 16, 16, 3], activation, dtype=np.float32, seed=0)
    model = pytorch.from_numpy(own).eval()
    assert compare(model, own, ROWS).agrees
    assert compare(own, exported(model, ROWS), ROWS).agrees


def test_a_difference_is_found_in_a_network_of_numpy():
    own = network.mlp([6, 16, 16, 3], "leaky_relu(negative_slope=0.2)", dtype=np.float32, seed=0)
    model = pytorch.from_numpy(own).eval()
    for i in (1, 3):
        model[i].negative_slope = 0.01
    found = compare(model, own, ROWS)
    assert found.known == ("leaky-slope",)
    assert "(layer 1, 3)" in found.outputs[0].cause


def test_a_pair_makes_its_sessions_once(monkeypatch):
    model = rows()
    pair, made = NetworkPair(model, exported(model, ROWS, dynamic_axes={"input": [0]},
                             input_names=["input"])), []  # fmt: skip
    session = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda *a, **k: made.append(1) or session(*a, **k)
    )
    first = pair(ROWS)
    assert made
    made.clear()
    second = pair(ROWS + 1)
    assert not made
    assert first.agrees and second.agrees
    assert pair(ROWS[:3]).agrees
