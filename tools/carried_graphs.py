"""The trained networks of `carried_networks` as ONNX graphs, each written node by node.

`graph` writes what the network is. With ``said=False`` it leaves out what a careless export leaves
out, so that the default of the standard, or of whoever runs it, takes its place.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import carried_networks as networks
import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

NODES = {"relu": "Relu", "gelu": "Gelu", "sigmoid": "Sigmoid", "tanh": "Tanh"}
Weights = Mapping[str, np.ndarray]


class Builder:
    """Nodes and constants of a graph that is being written."""

    def __init__(self) -> None:
        """Begin without any."""
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: Any, kind: Any = np.float32) -> str:
        """Return the name of a new constant."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, kind), name))
        return name

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Return the name of the first output of a new node; the second has a 2 behind it."""
        name = f"y{len(self.nodes)}"
        names = [name, f"{name}2"][:outputs]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return name

    def dense(self, x: str, w: np.ndarray, b: np.ndarray) -> str:
        """Return x times weights plus biases."""
        return self.node("Add", self.node("MatMul", x, self.constant(w)), self.constant(b[0]))

    def model(self, y: str, given: Any, opset: int) -> ModelProto:
        """Return the model that answers y for an input like the one given."""
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, given)
        answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
        self.nodes.append(helper.make_node("Identity", [y], ["y"]))
        made = helper.make_graph(self.nodes, "carried", [x], [answer], self.constants)
        opsets = [helper.make_opsetid("", opset)]
        version = helper.find_min_ir_version_for(opsets)
        model = helper.make_model(made, opset_imports=opsets, ir_version=version)
        shape = _shape(model)
        model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, shape))
        return model


def _shape(model: ModelProto) -> list[int]:
    from onnx import shape_inference

    inferred = shape_inference.infer_shapes(model)
    return [d.dim_value for d in inferred.graph.output[0].type.tensor_type.shape.dim]


def graph(name: str, w: Weights, *, said: bool = True) -> ModelProto:
    """Return a network with the weights of one seed, for its test data, as a model."""
    network, b = networks.NETWORKS[name], Builder()
    shape = networks.read(network.given)["x_test"].shape
    opset = 20
    if network.kind == "dense":
        y = _dense(b, network, w)
    elif network.kind == "normalized":
        y = _normalized(b, network, w)
    elif network.kind == "conv":
        kernel = w["w0"].T.reshape(-1, 1, 3, 3)
        z = b.node("Conv", "x", b.constant(kernel), pads=[1, 1, 1, 1], kernel_shape=[3, 3])
        slope = w["slope"][0] if not said else w["slope"][0][:, None, None]
        h = b.node("PRelu", z, b.constant(slope))
        y = b.dense(b.node("Flatten", h), w["w1"], w["b1"])
    elif network.kind == "attention":
        opset = 20 if said else 11
        y = _attention(b, network, w, said)
    else:
        y = _recurrent(b, network, w, said)
    return b.model(y, shape, opset)


def _dense(b: Builder, network: Any, w: Weights) -> str:
    h, last = "x", len(network.sizes) - 2
    for i in range(last):
        h = b.node(NODES[network.function], b.dense(h, w[f"w{i}"], w[f"b{i}"]))
    return b.dense(h, w[f"w{last}"], w[f"b{last}"])


def _normalized(b: Builder, network: Any, w: Weights) -> str:
    def norm(x: str) -> str:
        scale = w["scale"][0]
        if network.settings["norm"] == "layer norm":
            bias = b.constant(0 * scale)
            return b.node("LayerNormalization", x, b.constant(scale), bias, axis=-1)
        parts = (scale, 0 * scale, w["mean"][0], w["variance"][0])
        return b.node("BatchNormalization", x, *[b.constant(part) for part in parts])

    h = "x"
    if network.settings["place"] == "input":
        h = norm(h)
    h = b.dense(h, w["w0"], w["b0"])
    if network.settings["place"] == "hidden":
        h = norm(h)
    return b.dense(b.node("Relu", h), w["w1"], w["b1"])


def _attention(b: Builder, network: Any, w: Weights, said: bool) -> str:
    parts = zip(np.split(w["w0"], 3, axis=1), np.split(w["b0"], 3, axis=1), strict=True)
    q, k, v = (b.dense("x", weights, bias) for weights, bias in parts)
    z = b.node("MatMul", q, b.node("Transpose", k, perm=[0, 2, 1]))
    z = b.node("Div", z, b.constant(network.sizes[1] ** 0.5))
    weights = b.node("Softmax", z, **({"axis": -1} if said else {}))
    return b.dense(b.node("Flatten", b.node("MatMul", weights, v)), w["w1"], w["b1"])


def blocks(value: np.ndarray, order: str, there: str) -> np.ndarray:
    """Return the blocks of the last axis in another order; each letter is one."""
    parts = dict(zip(order, np.split(value, len(order), axis=-1), strict=True))
    return np.concatenate([parts[letter] for letter in there], axis=-1)


def _recurrent(b: Builder, network: Any, w: Weights, said: bool) -> str:
    told = network.settings
    cell, hidden = told["cell"], network.sizes[1]
    kind, order, there = {
        "rnn": ("RNN", "h", "h"), "gru": ("GRU", "rzn", "zrn"), "lstm": ("LSTM", "ifgo", "iofg"),
    }[cell]  # fmt: skip
    more: dict[str, Any] = {"hidden_size": hidden}
    if cell == "gru" and (said or told.get("lengths")):
        more["linear_before_reset"] = int(told["reset"] == "after")
    if told.get("reverse"):
        more["direction"] = "reverse"
    if cell == "rnn":
        more["activations"] = ["Relu"]
    if "clip" in told:
        more["clip"] = told["clip"]
    bias = [blocks(w["b"], order, there), blocks(w.get("rb", 0 * w["b"]), order, there)]
    given = [
        b.node("Transpose", "x", perm=[1, 0, 2]),
        b.constant(blocks(w["w"], order, there).T[None]),
        b.constant(blocks(w["r"], order, there).T[None]),
        b.constant(np.concatenate(bias, axis=1)),
    ]
    if told.get("lengths"):
        given.append(b.constant(networks.read("rows")["lengths_test"], np.int32))
    if told.get("peepholes"):
        given += [""] * (7 - len(given)) + [b.constant(blocks(w["p"], "ifo", "iof"))]
    every = b.node(kind, *given, outputs=2, **more)
    if network.given == "names":
        h = b.node("Squeeze", every, b.constant([1], np.int64))
        return b.dense(b.node("Transpose", h, perm=[1, 0, 2]), w["w1"], w["b1"])
    if told.get("lengths") == "mean":
        h = b.node("ReduceSum", every, b.constant([0, 1], np.int64), keepdims=0)
        lengths = networks.read("rows")["lengths_test"][:, None]
        h = b.node("Div", h, b.constant(lengths))
    elif told.get("lengths") and not said:  # the last place of the output, not the last output
        steps = networks.read("rows")["x_test"].shape[1]
        h = b.node("Gather", every, b.constant([steps - 1], np.int64), axis=0)
        h = b.node("Squeeze", h, b.constant([0, 1], np.int64))
    else:
        h = b.node("Squeeze", f"{every}2", b.constant([0], np.int64))
    return b.dense(h, w["w1"], w["b1"])


def smaller(path: Path, x: np.ndarray) -> None:
    """Write a graph beside itself in float16, and with weights and activations in 8 bits."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic, quantize_static
    from onnxruntime.transformers.float16 import convert_float_to_float16

    def beside(mode: str) -> Path:
        return path.with_name(f"{path.stem}.{mode}.onnx")

    half = convert_float_to_float16(onnx.load(path), keep_io_types=True)
    onnx.save(half, beside("float16"))
    quantize_dynamic(path, beside("int8 weights"), weight_type=QuantType.QInt8)
    count = onnx.load(path).graph.input[0].type.tensor_type.shape.dim[0].dim_value
    batches = [{"x": part} for part in np.split(x[: len(x) // count * count], len(x) // count)]
    reader = Batches(batches[:1])
    quantize_static(path, beside("int8"), reader, weight_type=QuantType.QInt8)


class Batches:
    """Inputs to calibrate with, as ONNX Runtime asks for them."""

    def __init__(self, batches: list[dict[str, np.ndarray]]) -> None:
        """Begin at the first."""
        self.left = iter(batches)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next batch, or None."""
        return next(self.left, None)
