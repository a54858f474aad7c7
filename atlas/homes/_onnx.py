"""ONNX models of one node, or of few, for the homes that run such files.

Not in the catalogue: Hardmax, Erf, LpNormalization, Attention and the other operators with weights.
The standard has no RReLU (an export fixes it), Softmin, Tanhshrink, Squareplus, Sparsemax nor GLU.
The opset is 22, the newest that every home here reads, and 24 for Swish, which is new there.
"""

import inspect

import numpy as np
from onnx import TensorProto, helper, numpy_helper

LINES = {
    "identity": ['op("Identity", x)'],
    "relu": ['op("Relu", x)', 'op("Max", x, 0.0)', 'op("Clip", x, 0.0)'],
    "leaky_relu": ['op("LeakyRelu", x)'],
    "prelu": ['op("PRelu", x, [0.25])'],
    "threshold": ['op("ThresholdedRelu", x)', 'op("ThresholdedRelu", x, alpha=0.0)'],
    "relu6": ['op("Clip", x, 0.0, 6.0)', 'op("Min", op("Relu", x), 6.0)'],
    "hard_tanh": ['op("Clip", x, -1.0, 1.0)', 'op("Max", op("Min", x, 1.0), -1.0)'],
    "hard_sigmoid": ['op("HardSigmoid", x)', 'op("HardSigmoid", x, alpha=1 / 6)'],
    "sparse_sigmoid": ['op("HardSigmoid", x, alpha=0.5)'],
    "hard_shrink": ['op("Shrink", x)'],
    "soft_shrink": ['op("Shrink", x)', 'op("Shrink", x, bias=0.5)'],
    "squared_relu": ['op("Mul", op("Relu", x), op("Relu", x))', 'op("Pow", op("Relu", x), 2.0)'],
    "hard_swish": ['op("HardSwish", x)', 'op("Mul", x, op("HardSigmoid", x, alpha=1 / 6))'],
    "sigmoid": ['op("Sigmoid", x)'],
    "log_sigmoid": [
        'op("Log", op("Sigmoid", x))',
        'op("Neg", op("Softplus", op("Neg", x)))',
    ],
    "tanh": ['op("Tanh", x)'],
    "softsign": ['op("Softsign", x)'],
    "tanh_shrink": ['op("Sub", x, op("Tanh", x))'],
    "softplus": ['op("Softplus", x)', 'op("Log", op("Add", op("Exp", x), 1.0))'],
    "elu": ['op("Elu", x)'],
    "celu": ['op("Celu", x)'],
    "selu": ['op("Selu", x)'],
    "gelu": [
        'op("Gelu", x)',
        'op("Mul", op("Mul", x, 0.5), op("Add", op("Erf", op("Div", x, 2**0.5)), 1.0))',
    ],
    "gelu_tanh": ['op("Gelu", x, approximate="tanh")'],
    "quick_gelu": [
        'op("Swish", x, alpha=1.702)',
        'op("Mul", x, op("Sigmoid", op("Mul", x, 1.702)))',
    ],
    "silu": ['op("Swish", x)', 'op("Mul", x, op("Sigmoid", x))'],
    "swish": ['op("Swish", x, alpha=1.0)'],
    "mish": ['op("Mish", x)', 'op("Mul", x, op("Tanh", op("Softplus", x)))'],
    "sine": ['op("Sin", x)'],
    "gaussian": ['op("Exp", op("Neg", op("Mul", x, x)))'],
    "exponential": ['op("Exp", x)'],
    "softmax": ['op("Softmax", x)'],
    "softmin": ['op("Softmax", op("Neg", x))'],
    "log_softmax": [
        'op("LogSoftmax", x)',
        'op("LogSoftmax", x, axis=-1)',
        'op("Log", op("Softmax", x))',
    ],
    "logsumexp": ['op("ReduceLogSumExp", x, [-1], keepdims=0)'],
}


def op(kind, *inputs, **attributes):
    """Return a node: its operator, its inputs (x, other nodes, constants), its attributes."""
    return kind, inputs, attributes


def model(node, shape, dtype="float32", edge=None):
    """Return a model that computes a node of x; edge is the dtype of x and y where another."""
    made, constants = [], []

    def add(part):
        if isinstance(part, str):
            return part
        if isinstance(part, tuple):
            kind, inputs, attributes = part
            names = [add(each) for each in inputs]
            made.append(helper.make_node(kind, names, [f"y{len(made)}"], **attributes))
            return made[-1].output[0]
        value = np.asarray(part)
        value = value.astype(value.dtype if value.dtype.kind == "i" else np.dtype(dtype))
        constants.append(numpy_helper.from_array(value, f"c{len(constants)}"))
        return constants[-1].name

    outer = shape[:-1] if "ReduceLogSumExp" in str(node) else shape
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(edge or dtype))
    x = helper.make_tensor_value_info("x", kind, shape)
    y = helper.make_tensor_value_info("y", kind, outer)
    add(node)
    made[-1].output[0] = "y"
    graph = helper.make_graph(made, "one", [x], [y], constants)
    newest = 24 if "Swish" in {each.op_type for each in made} else 22
    opsets = [helper.make_opsetid("", newest), helper.make_opsetid("com.microsoft", 1)]
    if not any(each.domain for each in made):
        del opsets[1]
    version = helper.find_min_ir_version_for(opsets[:1])
    return helper.make_model(graph, opset_imports=opsets, ir_version=version)


def setup(imports, run):
    """Return what a reader runs before a line: a function that runs a model, or how to run it."""
    onnx = "import numpy as np\nfrom onnx import helper, numpy_helper"
    parts = [inspect.getsource(each).strip() for each in (op, model)]
    if callable(run):
        called = "# values of a line: run(model(LINE, numbers.shape), numbers)"
        run = f"{inspect.getsource(run).strip()}\n\n\n{called}"
    return "\n\n\n".join([f"{imports}\n{onnx}", *parts, f'{run}\nx = "x"  # what it is in a line'])


def values(line, x, dtype, run):
    """Return the values of a line by a function that runs a model on an array."""
    names = {"op": op, "x": "x"}
    edge = "float32" if dtype == "bfloat16" else dtype
    if edge != dtype:
        inside = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        names["x"] = op("Cast", "x", to=inside)
    node = eval(line, names)
    if edge != dtype:
        node = op("Cast", node, to=TensorProto.FLOAT)
    made = model(node, x.shape, dtype, edge)
    try:
        return np.asarray(run(made, x.astype(edge))).astype(np.float64)
    except Exception as error:  # these homes say why on a later line than the first
        told = str(error).split("Stack backtrace")[0].replace("Caused by:", "").split()
        raise RuntimeError(" ".join(told)) from error


def slopes(line, x, dtype):
    """Raise: these homes run a model forward only."""
    raise NotImplementedError("computes no gradients")
