"""Which nodes of ONNX are which kinds of layers, and their settings."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from course_lib._typing import Array

__all__ = ["Graph", "known_node"]

Inputs = tuple[Array, ...]
Settings = Callable[[Inputs], Mapping[str, Any]]


class Graph:
    """What the nodes of a graph compute from its inputs, in order.

    Parameters
    ----------
    model : onnx.ModelProto
        Without functions of its own.
    to_array : callable
        That of ``onnx.numpy_helper``.

    Attributes
    ----------
    values, names : list of str
        What is computed, as the graph calls it, and its node, as people call it.
    numbers : dict of str to int
        The place of a value in the list.
    inputs : list of list of str
        Of the node of each value.
    fixed : list of str
        What nodes compute from constants alone.
    computed : dict of str to ndarray
        These, once the graph has run.
    opset : int
        The version of the standard operators.
    """

    def __init__(self, model: Any, to_array: Callable[[Any], Array]) -> None:
        graph, self._to_array = model.graph, to_array
        self.opset = max(
            (o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0
        )
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self.values: list[str] = []
        self.names: list[str] = []
        self.inputs: list[list[str]] = []
        self.fixed: list[str] = []
        self.computed: dict[str, Array] = {}
        self._nodes: list[tuple[Any, int]] = []
        known = {value.name for value in graph.input} - set(self._constants)
        for node in graph.node:
            inputs = [name for name in node.input if name]
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                self._constants[node.output[0]] = node.attribute[0].t
            if node.op_type == "Identity" and inputs[0] in self._constants:
                self._constants[node.output[0]] = self._constants[inputs[0]]
            if not known & (set(inputs) | _of_branches(node)):
                self.fixed += [name for name in node.output if name not in self._constants]
                continue
            for output, name in enumerate(node.output):
                if name:
                    known.add(name)
                    self.values.append(name)
                    self.names.append(f"{node.op_type} {node.name or name}")
                    self.inputs.append(inputs)
                    self._nodes.append((node, output))
        self.numbers = {name: number for number, name in enumerate(self.values)}

    def node(self, number: int) -> tuple[Any, int]:
        """Return the node that computes a value, and which of its outputs that is."""
        return self._nodes[number]

    def constant(self, node: Any, position: int) -> Array | None:
        """Return an input of a node that is a constant, or None."""
        name = node.input[position] if position < len(node.input) else ""
        if name in self._constants:
            return self._to_array(self._constants[name])
        return self.computed.get(name)


def _of_branches(node: Any) -> set[str]:
    """Return what the graphs inside a node, as those of If and Loop, take from outside."""
    return {
        name
        for attribute in node.attribute
        for inner in ([attribute.g] if attribute.HasField("g") else [])
        for part in inner.node
        for name in part.input
    }


def known_node(graph: Graph, number: int) -> tuple[str, Settings]:
    """Return the kind of the node of a value, and its settings.

    Parameters
    ----------
    graph : Graph
        Of the node.
    number : int
        Of the value.

    Returns
    -------
    kind : str
        A name of `course_lib.frameworks.forms.FORMS`, or the operator.
    settings : callable
        Takes the inputs of the node that are no constants.
    """
    node, output = graph.node(number)
    kind, make = _NODES.get(node.op_type, ("", None))
    if make is None or node.domain not in ("", "ai.onnx"):
        return node.op_type, lambda inputs: {}
    given = {a.name: _value_of(a) for a in node.attribute}
    return kind, lambda inputs: make(graph, node, given, inputs, output)


def _value_of(attribute: Any) -> Any:
    """Return the value of an attribute: a number, a text, or a list of these."""
    kinds = {1: "f", 2: "i", 3: "s", 6: "floats", 7: "ints", 8: "strings"}
    found = getattr(attribute, kinds.get(attribute.type, "name"))
    if isinstance(found, int | float | str | bytes):
        return found.decode() if isinstance(found, bytes) else found
    return [part.decode() if isinstance(part, bytes) else part for part in found]


Make = Callable[[Graph, Any, Mapping[str, Any], Inputs, int], Mapping[str, Any]]


def _numbers(**defaults: tuple[str, Any]) -> Make:
    """Return settings that are attributes of the node: their names and defaults."""

    def make(graph: Graph, node: Any, given: Any, inputs: Inputs, output: int) -> Any:
        return {ours: given.get(theirs, default) for ours, (theirs, default) in defaults.items()}

    return make


def _fixed(**found: Any) -> Make:
    """Return settings that every node of an operator has."""
    return lambda graph, node, given, inputs, output: found


def _gemm(graph: Graph, node: Any, given: Any, inputs: Inputs, output: int) -> Any:
    weight, bias = graph.constant(node, 1), graph.constant(node, 2)
    plain = given.get("alpha", 1.0) == given.get("beta", 1.0) == 1.0 and not given.get("transA")
    if weight is None or weight.ndim != 2 or not plain:
        return {}
    if not given.get("transB", 0):
        weight = weight.T
    return {"weight": weight, "bias": 0.0 if bias is None else bias, "transposed": False}


def _prelu(graph: Graph, node: Any, given: Any, inputs: Inputs, output: int) -> Any:
    weight = graph.constant(node, 1)
    if weight is None:
        return {}
    long = [axis for axis, n in enumerate(weight.shape) if n > 1]
    axis = long[0] - weight.ndim + inputs[0].ndim if long else 0
    return {"weight": weight.reshape(-1), "axis": axis} if len(long) < 2 else {}


def _softmax(log: bool) -> Make:
    def make(graph: Graph, node: Any, given: Any, inputs: Inputs, output: int) -> Any:
        ndim, old = inputs[0].ndim, graph.opset < 13
        axis = given.get("axis", 1 if old else -1) % ndim
        return {"axes": tuple(range(axis, ndim)) if old else (axis,), "log": log}

    return make


def _layer_norm(centered: bool) -> Make:
    def make(graph: Graph, node: Any, given: Any, inputs: Inputs, output: int) -> Any:
        ndim, weight, bias = inputs[0].ndim, graph.constant(node, 1), graph.constant(node, 2)
        return {
            "axes": tuple(range(given.get("axis", -1) % ndim, ndim)),
            "weight": 1.0 if weight is None else weight,
            "bias": 0.0 if bias is None else bias,
            "eps": given.get("epsilon", 1e-5),
            "centered": centered,
        }

    return make


def _channels(graph: Graph, node: Any, given: Any, inputs: Inputs, output: int) -> Any:
    """Return the settings of batch, instance and group normalization."""
    ndim = inputs[0].ndim
    names = ["weight", "bias", "mean", "variance"]
    found = {n: graph.constant(node, i) for i, n in enumerate(names, 1)}
    shaped = {n: a.reshape(-1, *[1] * (ndim - 2)) for n, a in found.items() if a is not None}
    groups = {"groups": given["num_groups"]} if "num_groups" in given else {}
    eps = given.get("epsilon", 1e-5)
    return {"axes": tuple(range(2, ndim)), "eps": eps} | shaped | groups


def _gru(graph: Graph, node: Any, given: Any, inputs: Inputs, output: int) -> Any:
    weights, states, biases = (graph.constant(node, i) for i in (1, 2, 3))
    names = given.get("activations", ["Sigmoid", "Tanh"])
    usual = [name.lower() for name in names[:2]] == ["sigmoid", "tanh"] and "clip" not in given
    if weights is None or states is None or not usual or given.get("direction") == "reverse":
        return {}
    if given.get("layout") or (node.input[4:5] and node.input[4]):  # batch first, or lengths
        return {}
    if biases is None:
        biases = np.zeros((len(weights), 2 * weights.shape[1]))

    def order(rows: Array) -> Array:
        z, r, n = np.split(rows, 3)
        return np.concatenate([r, z, n])

    cells = []
    for weight, state, bias in zip(weights, states, biases, strict=True):
        first, second = np.split(bias, 2)
        rows = {"input": weight, "state": state, "input_bias": first, "state_bias": second}
        cells.append({name: order(value) for name, value in rows.items()})
    reset = "after" if given.get("linear_before_reset", 0) else "before"
    return {"cells": [cells], "batch_axis": 1, "reset": reset, "output": output}


def _flatten(graph: Graph, node: Any, given: Any, inputs: Inputs, output: int) -> Any:
    shape = inputs[0].shape
    return {"order": tuple(range(len(shape))), "shape": (shape[0] if shape else 1, -1)}


_NODES: dict[str, tuple[str, Make]] = {
    "BatchNormalization": ("normalization", _channels),
    "Celu": ("celu", _numbers(alpha=("alpha", 1.0))),
    "Elu": ("elu", _numbers(alpha=("alpha", 1.0))),
    "Flatten": ("flatten", _flatten),
    "GRU": ("gru", _gru),
    "Gelu": ("gelu", _numbers(approximate=("approximate", "none"))),
    "Gemm": ("linear", _gemm),
    "GroupNormalization": ("normalization", _channels),
    "HardSigmoid": ("hard_sigmoid", _numbers(slope=("alpha", 0.2))),
    "HardSwish": ("hard_swish", _fixed(slope=1 / 6)),
    "InstanceNormalization": ("normalization", _channels),
    "LayerNormalization": ("normalization", _layer_norm(True)),
    "LeakyRelu": ("leaky_relu", _numbers(slope=("alpha", 0.01))),
    "LogSoftmax": ("softmax", _softmax(True)),
    "MatMul": ("linear", _gemm),
    "PRelu": ("prelu", _prelu),
    "RMSNormalization": ("normalization", _layer_norm(False)),
    "Relu": ("relu", _fixed()),
    "Reshape": ("flatten", _flatten),
    "Selu": (
        "selu",
        _numbers(alpha=("alpha", 1.6732632423543772), scale=("gamma", 1.0507009873554805)),
    ),
    "Softmax": ("softmax", _softmax(False)),
    "Softplus": ("softplus", _fixed(beta=1.0, threshold=np.inf)),
}
