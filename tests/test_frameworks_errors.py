"""Bad input gets words: what was given, what is expected, what to do."""

import re
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch
from frameworks_helpers import ROWS, Recurrent, exported, mlp, small_graph
from torch import nn

from course_lib.frameworks import NetworkPair, compare

pytestmark = pytest.mark.usefixtures("one_thread")

MODEL = mlp(nn.ReLU())
GRAPH = exported(MODEL, ROWS)


class Noisy(nn.Module):
    """Adds random numbers, also in evaluation mode."""

    def forward(self, x):
        return x + torch.rand_like(x)


class Counting(nn.Module):
    """Counts its calls, and adds that."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def forward(self, x):
        self.count += 1
        return x + self.count


def noisy(x):
    return x + np.random.default_rng().random(x.shape)


VERSIONS = {
    "a number": (3, TypeError, "model is a int; expected a torch.nn.Module, an ONNX graph or"),
    "a class": (nn.ReLU, TypeError, "expected a torch.nn.Module"),
    "no file": ("no.onnx", FileNotFoundError, "model is 'no.onnx', and there is no such file"),
    "training": (
        nn.Sequential(nn.Linear(6, 3), nn.Dropout()),
        ValueError,
        "model is a Sequential in training mode (module itself), in which dropout draws and batch "
        "normalization averages; call model.eval() first",
    ),
    "a part in training": (
        nn.Sequential(nn.Linear(6, 3), nn.Dropout().eval()).eval().append(nn.Dropout()),
        ValueError,
        "in training mode (module 2)",
    ),
    "an empty graph": (onnx.ModelProto(), ValueError, "has no outputs, so that it is no network"),
    "an unknown operator": (
        small_graph([("Geluu", ["x"], ["y"], {})], (16, 6)),
        ValueError,
        "ONNX Runtime cannot run an ONNX graph",
    ),
}


@pytest.mark.parametrize("name", VERSIONS)
def test_a_version_that_is_none_is_told(name, refuses):
    model, error, text = VERSIONS[name]
    refuses(lambda: NetworkPair(model, MODEL), error, text)


def test_the_second_is_called_by_its_name(refuses):
    refuses(lambda: NetworkPair(MODEL, 3), TypeError, "other is a int")


@pytest.mark.parametrize("content", [b"", b"garbage", GRAPH.SerializeToString()[:200]])
def test_a_file_that_cannot_be_read_is_told(content, tmp_path, refuses):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    refuses(lambda: compare(MODEL, path, ROWS), ValueError, "other: ", "model.onnx", "expected ")


def test_a_file_without_its_weights_is_told(tmp_path, refuses):
    path = tmp_path / "model.onnx"
    graph = onnx.load_from_string(GRAPH.SerializeToString())
    onnx.save(graph, path, save_as_external_data=True, location="weights", size_threshold=0)
    assert compare(MODEL, path, ROWS).agrees
    assert compare(MODEL, str(path), ROWS).agrees
    (tmp_path / "weights").unlink()
    refuses(lambda: compare(MODEL, path, ROWS), ValueError, "cannot read model.onnx", "beside it")


def test_a_graph_takes_the_shapes_that_it_declares(refuses):
    text = "has the shape (16, 6), and (5, 6) was given"
    refuses(lambda: compare(MODEL, GRAPH, ROWS[:5]), ValueError, text, "dynamic_shapes")
    axes = {"input_names": ["x"], "dynamic_axes": {"x": [0, 1]}}
    graph = exported(MODEL, ROWS, **axes)
    for count in (1, 5, 16):
        assert compare(MODEL, graph, ROWS[:count]).agrees
    text = "cannot take these inputs (x (16, 5))"
    refuses(lambda: compare(lambda x: x[:, :3], graph, ROWS[:, :5]), ValueError, text)


def test_a_dynamic_shape_that_a_node_fixes_is_told(refuses):
    """The length may vary, it says, and a reshape inside says otherwise."""
    nodes = [("Reshape", ["x", "shape"], ["y"], {})]
    constants = {"shape": np.array([16, 6], np.int64)}
    graph = small_graph(nodes, ("batch", 6), constants)
    assert compare(lambda x: x, graph, ROWS).agrees
    text = "cannot take these inputs (x (5, 6))"
    refuses(lambda: compare(lambda x: x, graph, ROWS[:5]), ValueError, text, "of its export")


def relu_graph(shape, kind=onnx.TensorProto.FLOAT):
    """Return a graph of one ReLU, whose input has this shape, or None for any."""
    graph = small_graph([("Relu", ["x"], ["y"], {})], (16, 6))
    value = onnx.helper.make_tensor_value_info("x", kind, shape)
    graph.graph.input[0].CopyFrom(value)
    return graph


def relu(x):
    return np.maximum(x, 0)


def high_relu(x):
    return np.maximum(x, 0.1)


OPEN = {"batch": ("n", 6), "features": (16, "f"), "both": ("n", "f"), "rank": None, "-1": (-1, 6)}


@pytest.mark.parametrize("name", OPEN)
def test_what_a_graph_leaves_open_is_taken_from_the_batch(name):
    graph = relu_graph(OPEN[name])
    assert compare(relu, graph, ROWS).agrees
    assert not compare(high_relu, graph, ROWS).agrees
    report = compare(relu_graph((16, 6)), graph, ROWS)
    assert report.agrees and len(report.layers) == 1
    assert compare(nn.Sequential(nn.ReLU()).eval(), graph, ROWS).agrees
    planted = compare(nn.Sequential(nn.LeakyReLU(0.01)).eval(), graph, ROWS)
    assert planted.known == ("leaky-slope",)


def test_one_open_graph_serves_batches_of_different_features():
    pair = NetworkPair(relu, relu_graph(None))
    for shape in ((3, 4), (2, 3, 4), (5,)):
        assert pair(np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)).agrees


def test_an_open_module_and_its_graph_part_in_no_layer():
    axes = {"input_names": ["x"], "dynamic_axes": {"x": [0, 1]}}
    assert compare(MODEL, exported(MODEL, ROWS, **axes), ROWS).agrees
    other = exported(mlp(nn.LeakyReLU(0.2)), ROWS, **axes)
    assert compare(mlp(nn.LeakyReLU(0.01)), other, ROWS).known == ("leaky-slope",)


def drawing(operator, **more):
    """Return a graph that adds random numbers."""
    nodes = [(operator, ["x"], ["drawn"], more), ("Add", ["x", "drawn"], ["y"], {})]
    return small_graph(nodes, (16, 6))


def dropping(training, constant):
    """Return a graph with dropout, in training mode or not, as a constant or a node says."""
    mode = {"training": np.array(training), "ratio": np.array(0.5, np.float32)}
    nodes = [("Dropout", ["x", "ratio", "training"], ["y"], {})]
    if constant:
        value = onnx.numpy_helper.from_array(mode.pop("training"))
        nodes.insert(0, ("Constant", [], ["training"], {"value": value}))
    return small_graph(nodes, (16, 6), mode)


@pytest.mark.parametrize(
    "graph",
    [
        drawing("RandomNormalLike"),
        drawing("RandomUniformLike", seed=1.0),
        drawing("Bernoulli"),
        dropping(True, constant=True),
        dropping(True, constant=False),
    ],
)
def test_a_graph_that_draws_is_told_also_where_each_session_draws_the_same(graph, refuses):
    text = "other: an ONNX graph is not deterministic: its node", "draws random numbers"
    refuses(lambda: NetworkPair(relu, graph), ValueError, *text)


@pytest.mark.parametrize("constant", [True, False])
def test_dropout_that_drops_nothing_is_no_draw(constant):
    assert compare(lambda x: x, dropping(False, constant), ROWS).agrees


def sequence_graph():
    """Return a graph that takes a sequence."""
    graph = relu_graph((16, 6))
    value = onnx.helper.make_tensor_sequence_value_info("x", onnx.TensorProto.FLOAT, None)
    graph.graph.input[0].CopyFrom(value)
    graph.graph.node[0].op_type = "ConcatFromSequence"
    graph.graph.node[0].attribute.append(onnx.helper.make_attribute("axis", 0))
    return graph


def text_graph():
    """Return a graph that takes text."""
    graph = relu_graph((16, 6), onnx.TensorProto.STRING)
    graph.graph.node[0].op_type = "Identity"
    graph.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.STRING
    return graph


@pytest.mark.parametrize("make", [sequence_graph, text_graph])
def test_a_graph_that_takes_no_numbers_is_told(make, refuses):
    text = "other: an ONNX graph takes x, which is no array of numbers"
    refuses(lambda: NetworkPair(relu, make()), ValueError, text)


def test_a_folder_in_place_of_a_file_is_told(tmp_path, refuses):
    refuses(lambda: NetworkPair(relu, tmp_path), FileNotFoundError, "and that is a folder")


def test_an_error_of_the_runtime_names_no_place_in_its_sources(refuses):
    graph = relu_graph((16, 6))
    graph.ir_version = 99
    with pytest.raises(ValueError, match="cannot run an ONNX graph") as caught:
        NetworkPair(relu, graph)
    assert "IR version: 99" in str(caught.value)
    assert "onnxruntime_src" not in str(caught.value)


@pytest.mark.parametrize(
    "model", [nn.Sequential(nn.LazyLinear(3)).eval(), mlp(nn.ReLU()).to("meta").eval()]
)
def test_a_module_without_values_is_told(model, refuses):
    text = "model is a Sequential whose 0.weight has no values yet"
    refuses(lambda: NetworkPair(model, MODEL), ValueError, text, "load its weights first")


TENSOR = torch.as_tensor(ROWS)


@pytest.mark.parametrize("other", [MODEL, GRAPH], ids=["module", "graph"])
def test_inputs_that_require_gradients_are_taken_as_they_are(other):
    leaf = TENSOR.clone().requires_grad_()
    assert compare(MODEL, other, leaf).agrees
    assert leaf.requires_grad and leaf.grad is None


NAN = ROWS.copy()
NAN[2, 3] = np.nan
INPUTS = {
    "an empty batch": (ROWS[:0], ValueError, "inputs has shape (0, 6); expected a batch of at"),
    "no argument": ((), ValueError, "inputs is an empty tuple"),
    "nan": (NAN, ValueError, "inputs has 1 number that is not finite, the first nan at [2, 3]"),
    "infinity": (np.full((16, 6), np.inf), ValueError, "not finite"),
    "text": (np.array([["a"]]), TypeError, "inputs is of dtype <U1; expected numbers"),
    "complex": ((ROWS + 1j,), TypeError, "inputs[0] is of dtype complex64"),
    "a dict": ({"x": ROWS}, TypeError, "inputs is a dict; expected an array of numbers, or a tu"),
    "nothing": ((ROWS, None), TypeError, "inputs[1] is a NoneType; expected an array"),
    "sparse": (TENSOR.to_sparse(), TypeError, "inputs is a tensor of layout torch.sparse_coo"),
    "no values": (TENSOR.to("meta"), TypeError, "on the device meta; expected a dense one"),
    "ragged": ([[1.0, 2.0], [3.0]], ValueError, "inputs is ragged"),
    "features": (ROWS[:, :5], ValueError, "model (a Sequential) cannot take these inputs ((16, 5)"),
    "arguments": ((ROWS, ROWS), ValueError, "model (a Sequential) cannot take these inputs"),
}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("other", [MODEL, GRAPH, lambda x: x[:, :3]], ids=["module", "graph", "f"])
def test_inputs_that_do_not_fit_are_told(name, other, refuses):
    inputs, error, text = INPUTS[name]
    refuses(lambda: compare(MODEL, other, inputs), error, text)


def test_integers_where_floats_belong_are_told(refuses):
    whole = np.arange(96).reshape(16, 6)
    text = (
        "cannot take these inputs ((16, 6) torch.int64)",
        "integers stay integers: 1.0 is a float",
    )
    refuses(lambda: compare(MODEL, GRAPH, whole), ValueError, *text)


def test_a_graph_says_how_many_inputs_it_takes(refuses):
    text = "takes 1 inputs (", "and 2 were given"
    refuses(lambda: compare(lambda *x: x[0], GRAPH, (ROWS, ROWS)), ValueError, *text)


RANDOM = {
    "the model": (Noisy().eval(), Noisy().eval(), "model"),
    "one of the two": (nn.Sequential(), Noisy().eval(), "other"),
    "a state": (nn.Sequential(), Counting().eval(), "other"),
    "a function": (nn.Sequential(), noisy, "other"),
    "both functions": (noisy, lambda x: x, "model"),
    "beside a graph": (
        small_graph([("Identity", ["x"], ["y"], {})], (16, 6)),
        noisy,
        "other",
    ),
}


@pytest.mark.parametrize("name", RANDOM)
def test_what_is_not_deterministic_is_told(name, refuses):
    model, other, told = RANDOM[name]
    for part in (model, other):
        if isinstance(part, nn.Module):
            part.eval()
    text = "is not deterministic: two runs on the same inputs differ by"
    refuses(lambda: compare(model, other, ROWS), ValueError, f"{told} (", text)


@pytest.mark.parametrize("other", [mlp(nn.ReLU())[:-1].eval(), lambda x: x, lambda x: (x, x)])
def test_outputs_of_different_shapes_are_told(other, refuses):
    texts = ["model (a Sequential) returns (16, 3) and other", "returns (16, ", "same number of"]
    refuses(lambda: compare(MODEL, other, ROWS), ValueError, "the outputs have different", *texts)


def nothing(x):
    return None


def text(x):
    return "abc"


class Nothing(nn.Module):
    """Returns no tensor."""

    def forward(self, x):
        return {"y": None}


@pytest.mark.parametrize("other", [nothing, text, lambda x: [], lambda x: [x, [x, x[:1]]]])
def test_a_function_that_returns_no_numbers_is_told(other, refuses):
    refuses(lambda: compare(MODEL, other, ROWS), TypeError, "other returned a", "expected an array")


def test_a_module_that_returns_no_tensor_is_told(refuses):
    refuses(lambda: compare(Nothing().eval(), MODEL, ROWS), TypeError, "model returned a dict")


def test_an_error_inside_of_a_function_is_the_cause():
    def broken(x):
        raise KeyError("weight")

    with pytest.raises(ValueError, match=re.escape("other (the function broken)")) as caught:
        compare(MODEL, broken, ROWS)
    assert isinstance(caught.value.__cause__, KeyError)


def test_hooks_are_taken_away_also_after_an_error(refuses):
    model = Recurrent().eval()
    refuses(lambda: compare(model, model, ROWS[0]), ValueError, "model (a Recurrent) cannot take")
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


@pytest.mark.parametrize(
    ("missing", "package"), [("onnx", "ONNX"), ("onnxruntime", "ONNX Runtime")]
)
def test_a_missing_package_is_named(missing, package):
    program = f"""
import sys
sys.modules[{missing!r}] = None
from course_lib.frameworks import compare
try:
    compare(abs, "model.onnx", [1.0])
except ModuleNotFoundError as error:
    print(error)
print(compare(abs, abs, [-1.0]).agrees, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    told = f'this needs {package}; install it with: pip install "why-networks-bend[frameworks]"'
    assert done.stdout.splitlines() == [told, "True False"], done.stderr
