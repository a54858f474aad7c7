"""Networks with a difference planted, as modules and as graphs that ONNX Runtime runs."""

import io
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from torch import nn

RNG = np.random.default_rng(0)
ROWS = (3 * RNG.normal(size=(16, 6))).astype(np.float32)
IMAGES = RNG.normal(size=(5, 1, 6, 6)).astype(np.float32)
TIMES = RNG.normal(size=(4, 7, 3)).astype(np.float32)


def mlp(*middle, seed=0, features=8):
    """Return a module with some layers in the middle, in evaluation mode: always the same one."""
    torch.manual_seed(seed)
    first, second, last = nn.Linear(6, 8), nn.Linear(features, 8), nn.Linear(8, 3)
    return nn.Sequential(first, *middle, second, nn.Tanh(), last).eval()


def convolutional(middle):
    """Return a module of images in which some layers follow a convolution of 4 channels."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), *middle, nn.Flatten(), nn.Linear(64, 3)).eval()


class Recurrent(nn.Module):
    """A GRU, of which the last output is read."""

    def __init__(self, **options):
        super().__init__()
        torch.manual_seed(0)
        self.gru = nn.GRU(3, 5, batch_first=True, **options)
        self.out = nn.Linear(5 * (1 + self.gru.bidirectional), 2)

    def forward(self, x):
        outputs, _ = self.gru(x)
        return self.out(outputs[:, -1])


class Function(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def exported(model, *inputs, **options):
    """Return the graph that PyTorch's older exporter writes, which needs milliseconds."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is on its way out
        tensors = tuple(map(torch.as_tensor, inputs))
        torch.onnx.export(model, tensors, file, dynamo=False, **options)
    return onnx.load_from_string(file.getvalue())


def edited(graph, operator, **attributes):
    """Return a graph whose nodes of one operator have these attributes; None takes one away."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    (node,) = (node for node in copy.graph.node if node.op_type == operator)
    kept = [a for a in node.attribute if a.name not in attributes]
    new = [helper.make_attribute(k, v) for k, v in attributes.items() if v is not None]
    del node.attribute[:]
    node.attribute.extend([*kept, *new])
    return copy


def reshaped(graph, operator, position, shape):
    """Return a graph in which a constant input of a node has another shape."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    (node,) = (node for node in copy.graph.node if node.op_type == operator)
    for tensor in copy.graph.initializer:
        if tensor.name == node.input[position]:
            values = numpy_helper.to_array(tensor).reshape(shape)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return copy


def small_graph(nodes, shape, constants=(), opset=20):
    """Return a graph from x to y of these nodes: operator, inputs, outputs, attributes."""
    float32 = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node(op, ins, outs, **more) for op, ins, outs, more in nodes],
        "small",
        [helper.make_tensor_value_info("x", float32, shape)],
        [helper.make_tensor_value_info("y", float32, None)],
        [numpy_helper.from_array(value, name) for name, value in dict(constants).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def runs(graph):
    """Return a function that runs a graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options)
    names = [value.name for value in session.get_inputs()]
    return lambda *inputs: session.run(None, dict(zip(names, inputs, strict=True)))


def hard_sigmoid(x):
    """Return Keras 2's hard sigmoid of tensors."""
    return torch.clamp(0.2 * x + 0.5, 0.0, 1.0)


def by_last_axis(x):
    """Return a PReLU whose slopes, 4 of them, belong to the last axis."""
    return torch.where(x < 0, torch.linspace(0.1, 0.7, 4) * x, x)


def prelu():
    """Return a PReLU with the same slopes, for channels."""
    module = nn.PReLU(4)
    module.weight.data = torch.linspace(0.1, 0.7, 4)
    return module


def planted():
    """Return for each case: model, the other as a module or None, as a graph, layer, inputs."""
    leaky, gelu = mlp(nn.LeakyReLU(0.01)), mlp(nn.GELU())
    hard, prelu_net, gru = mlp(nn.Hardsigmoid()), convolutional([prelu()]), Recurrent().eval()
    norm, times = mlp(nn.LayerNorm(8)), mlp(nn.Softmax(1))
    batch_norm = convolutional([nn.BatchNorm2d(4)])
    batch_norm[1].running_var[:] = torch.tensor([0.1, 0.2, 0.5, 1.0])
    cases = {
        ("leaky-slope", slope): (leaky, mlp(nn.LeakyReLU(slope)), None, "1", ROWS)
        for slope in (0.2, 0.3, 0.25, 0.0)
    }
    cases |= {
        ("gelu-form", "tanh"): (gelu, mlp(nn.GELU("tanh")), None, "1", ROWS),
        ("gelu-form", "erf"): (mlp(nn.GELU("tanh")), gelu, None, "1", ROWS),
        ("hard-sigmoid-slope", 0.2): (
            hard,
            mlp(Function(hard_sigmoid)),
            edited(exported(hard, ROWS), "HardSigmoid", alpha=None),  # ONNX's default
            "1",
            ROWS,
        ),
        ("softplus-threshold", 2): (
            mlp(nn.Softplus(threshold=2)), mlp(nn.Softplus()), None, "1", ROWS
        ),
        ("prelu-axis", "last"): (
            prelu_net,
            convolutional([Function(by_last_axis)]),
            reshaped(exported(prelu_net, IMAGES), "PRelu", 1, (4,)),
            "1",
            IMAGES,
        ),
        ("softmax-axis", 0): (times, mlp(nn.Softmax(0)), None, "1", ROWS),
        ("epsilon", 1e-3): (norm, mlp(nn.LayerNorm(8, 1e-3)), None, "1", ROWS),
        ("epsilon", 1e-12): (norm, mlp(nn.LayerNorm(8, 1e-12)), None, "1", ROWS / 100),
        ("epsilon", "batch"): (
            batch_norm,
            None,
            edited(unfolded(batch_norm), "BatchNormalization", epsilon=1e-3),
            "1",
            IMAGES,
        ),
        ("gru-reset", "before"): (
            gru,
            None,
            edited(exported(gru, TIMES), "GRU", linear_before_reset=None),  # ONNX's default
            "gru",
            TIMES,
        ),
    }  # fmt: skip
    return {
        key: (model, other, exported(other, x) if graph is None else graph, layer, x)
        for key, (model, other, graph, layer, x) in cases.items()
    }


def unfolded(model):
    """Return the graph of a module of images, with batch normalization as a node of its own."""
    training = torch.onnx.TrainingMode.PRESERVE
    return exported(model, IMAGES, training=training, do_constant_folding=False)


PLANTED = planted()
