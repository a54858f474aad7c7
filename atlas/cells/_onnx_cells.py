"""Recurrent cells and norms as ONNX models of one node; a home brings a function that runs them.

Cells are written in opset 17, in which their operators are those of opset 14, norms in the first
opset that has them. Weights, lengths and initial states are constants of the model.
"""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SETUP = "import numpy as np\nfrom onnx import helper, numpy_helper"
OPERATORS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
GATES = {"rnn": [0], "lstm": [0, 3, 1, 2], "gru": [1, 0, 2]}  # in ONNX's order
NORMS = {
    "layer": ("LayerNormalization", 17),
    "rms": ("RMSNormalization", 23),
    "batch": ("BatchNormalization", 17),
    "group": ("GroupNormalization", 21),
    "instance": ("InstanceNormalization", 17),
}


def model(operator, given, outputs, attributes, opset=17, kind=TensorProto.FLOAT):
    """Return a model of one node, from arrays (x first), and the shapes of its outputs by name."""
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    names, constants = [], []
    for name, value in given.items():
        names.append(name if value is not None else "")
        if value is not None and name != "x":
            value = value.astype(dtype) if value.dtype.kind == "f" else value
            constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
    while names[-1] == "":
        names.pop()
    node = helper.make_node(operator, names, list(outputs), **attributes)
    graph = helper.make_graph(
        [node], "one",
        [helper.make_tensor_value_info("x", kind, given["x"].shape)],
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in outputs.items()
         if name],
        constants,
    )  # fmt: skip
    opsets = [helper.make_opsetid("", opset)]
    version = helper.find_min_ir_version_for(opsets)
    return helper.make_model(graph, opset_imports=opsets, ir_version=version)


def matrices(kind, w):
    """Return W, R and B of one direction, in ONNX's order of gates."""
    units = w["bias"].size // len(GATES[kind])

    def ordered(value):
        parts = np.split(value, len(GATES[kind]), axis=-1)
        return np.concatenate([parts[i] for i in GATES[kind]], axis=-1)

    bias = np.concatenate([ordered(w["bias"]), np.zeros(units * len(GATES[kind]))])
    return ordered(w["input"]).T, ordered(w["recurrent"]).T, bias


def options_of(kind, direction, reset, clip, coupled, activations, layout, units):
    """Return the attributes of a node."""
    names = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}
    wanted = {
        "hidden_size": units,
        "direction": {"reverse": "reverse", "both": "bidirectional"}.get(direction),
        "linear_before_reset": {"after": 1, "before": 0}.get(reset) if kind == "gru" else None,
        "clip": clip,
        "input_forget": 1 if coupled else None,
        "activations": activations and [names[each] for each in activations],
        "layout": layout,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def made_cell(kind, w, x, lengths=None, start=None, direction=None, back=None, reset=None,
              clip=None, peepholes=None, coupled=False, activations=None, layout=None):  # fmt: skip
    """Return a model of a layer of cells, and the array that it is run on."""
    ways = [w] if back is None else [w, back]
    parts = zip(*(matrices(kind, each) for each in ways), strict=True)
    w_, r_, b_ = (np.stack(part) for part in parts)
    units, batch, steps, n = r_.shape[2], len(x), x.shape[1], len(ways)
    x = x if layout else x.transpose(1, 0, 2)
    given = {"x": x, "W": w_, "R": r_, "B": b_}
    given["lengths"] = None if lengths is None else lengths.astype(np.int32)
    for name in ("h", "c"):
        given[f"start_{name}"] = start[name][None] if start and name in start else None
    if kind == "lstm":
        given["P"] = None if peepholes is None else peepholes[[0, 2, 1]].reshape(1, -1)
    else:
        del given["start_c"]
    y = (batch, steps, n, units) if layout else (steps, n, batch, units)
    state = (batch, n, units) if layout else (n, batch, units)
    shapes = {"y": y, "h": state} | ({"c": state} if kind == "lstm" else {})
    attributes = options_of(kind, direction, reset, clip, coupled, activations, layout, units)
    return model(OPERATORS[kind], given, shapes, attributes), x.astype(np.float32)


def cell(run, kind, w, x, layout=None, traced=None, projection=None, **options):
    """Return outputs and states by a function that runs a model on x."""
    if traced or projection is not None:
        raise NotImplementedError("the operators have no such thing")
    made, given = made_cell(kind, w, x, layout=layout, **options)
    y, *states = (np.asarray(part) for part in run(made, given))
    wanted = tuple(each.dim_value for each in made.graph.output[0].type.tensor_type.shape.dim)
    if y.shape != wanted:
        raise RuntimeError(f"answers shape {y.shape} instead of {wanted}")
    order = (0, 1, 2, 3) if layout else (2, 0, 1, 3)
    turned = [part if layout else part.transpose(1, 0, 2) for part in states]
    found = dict(zip(("h", "c"), [part.reshape(len(x), -1) for part in turned], strict=False))
    return {"y": y.transpose(order).reshape(len(x), x.shape[1], -1)} | found


def norm(run, kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values by a function that runs a model on x."""
    operator, opset = NORMS[kind]
    width = x.shape[-1 if kind in ("layer", "rms") else 1]
    given = {"x": x, "scale": np.ones(width)}
    given |= {} if kind == "rms" else {"offset": np.zeros(width)}
    outputs, attributes = {"y": x.shape}, {} if epsilon is None else {"epsilon": epsilon}
    if kind == "group":
        attributes["num_groups"] = groups
    if kind == "batch":
        given |= {"mean": np.zeros(width), "variance": np.ones(width)}
        outputs |= {"new_mean": (width,), "new_variance": (width,)}
        attributes["training_mode"] = 1
    number = TensorProto.FLOAT16 if dtype == "float16" else TensorProto.FLOAT
    made = model(operator, given, outputs, attributes, opset, number)
    return {"y": run(made, x.astype(dtype))[0]}


def in_use(run, x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    width = x.shape[1]
    given = {"x": x, "scale": np.ones(width), "offset": np.zeros(width)}
    given |= {"mean": mean, "variance": variance}
    attributes = {} if epsilon is None else {"epsilon": epsilon}
    made = model("BatchNormalization", given, {"y": x.shape}, attributes)
    return {"y": run(made, x.astype(np.float32))[0]}


def running(run, x):
    """Return the running statistics after one batch."""
    width = x.shape[1]
    given = {"x": x, "scale": np.ones(width), "offset": np.zeros(width)}
    given |= {"mean": np.zeros(width), "variance": np.ones(width)}
    outputs = {"y": x.shape, "new_mean": (width,), "new_variance": (width,)}
    made = model("BatchNormalization", given, outputs, {"training_mode": 1})
    _, mean, variance = run(made, x.astype(np.float32))
    return {"mean": mean, "variance": variance}


class Runtime:
    """A home that runs models of ONNX."""

    def __init__(self, run):
        """Keep the function that runs a model on an array and returns a list of arrays."""
        self.run = told(run)

    def __getattr__(self, name):
        """Return a question's function with this home's way to run a model."""
        functions = {"cell": cell, "norm": norm, "in_use": in_use, "running": running}
        if name not in functions:
            raise AttributeError(name)
        return lambda **arguments: functions[name](self.run, **arguments)


def told(run):
    """Return a function that says on one line what went wrong."""

    def quiet(made, x):
        try:
            return run(made, x)
        except Exception as error:  # these homes say why on a later line than the first
            error = error.__cause__ or error
            words = str(error).split("Stack backtrace")[0].replace("Caused by:", "").split()
            raise RuntimeError(" ".join(words)) from error

    return quiet
