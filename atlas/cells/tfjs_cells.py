"""TensorFlow.js in Node.js, on its CPU backend."""

import json
from pathlib import Path

import numpy as np
from _node import Program
from _steps import refused

PACKAGES = []
NPM = ["@tensorflow/tfjs@4.22.0"]
SETUP = 'import * as tf from "@tensorflow/tfjs";\nawait tf.setBackend("cpu");'
PROGRAM = Program("tfjs_cells.mjs")
PROGRAM.path = Path(__file__).with_name("tfjs_cells.mjs")
KINDS = {"rnn": "simpleRNN", "lstm": "lstm", "gru": "gru"}
GATES = {"rnn": [0], "lstm": [0, 1, 2, 3], "gru": [1, 0, 2]}  # in the order of Keras


def ask(line, **arrays):
    """Return the arrays that a program answers."""
    given = {name: {"numbers": np.ravel(value).tolist(), "shape": np.shape(value)}
             for name, value in arrays.items()}  # fmt: skip
    found = PROGRAM.ask(line=line, arrays=given)["outputs"]
    return [np.array([float(v) for v in each["numbers"]]).reshape(each["shape"]) for each in found]


def ordered(kind, value, back=False):
    """Return gates in the order of Keras, or back in the order of the questions."""
    order = np.argsort(GATES[kind]) if back else GATES[kind]
    parts = np.split(value, len(order), axis=-1)
    return np.concatenate([parts[i] for i in order], axis=-1)


def weights(kind, w):
    """Return kernel, recurrent kernel and bias as this home keeps them."""
    return [ordered(kind, w[name]) for name in ("input", "recurrent", "bias")]


def options_of(kind, units, direction=None, reset=None, activations=None, **others):
    """Return the arguments of a layer as JavaScript."""
    refused("a layer of TensorFlow.js", **others)
    found = {"units": units, "returnSequences": True, "returnState": True}
    if direction == "reverse":
        found["goBackwards"] = True
    if reset:
        found["resetAfter"] = reset == "after"
    if activations:
        found["activation"] = activations[-1]
        if kind != "rnn":
            found["recurrentActivation"] = activations[0]
    return found


def cell(kind, w, x, start=None, back=None, lengths=None, activations=None, **options):
    """Return outputs and states."""
    if lengths is not None:
        raise NotImplementedError("masks are not passed to the cells on this backend alone")
    units = len(w["recurrent"])
    half = len(activations) // 2 if activations and back else None
    if half and activations[:half] != activations[half:]:
        raise NotImplementedError("Bidirectional has one activation for both directions")
    if back is not None:
        options.pop("direction")
    text = json.dumps(options_of(kind, units, activations=activations and activations[:half],
                                 **options))  # fmt: skip
    layer = f"tf.layers.{KINDS[kind]}({text})"
    names = ["input", "recurrent", "bias"]
    arrays = dict(zip(names, weights(kind, w), strict=True))
    given = [f"given.{name}" for name in names]
    if back is not None:
        layer = f'tf.layers.bidirectional({{ layer: {layer}, mergeMode: "concat" }})'
        more = [f"back_{name}" for name in names]
        arrays |= dict(zip(more, weights(kind, back), strict=True))
        given += [f"given.{name}" for name in more]
    states = [f"start_{name}" for name in ("h", "c") if start and name in start]
    arrays |= {name: start[name[-1]] for name in states}
    initial = ", ".join(f"given.{name}" for name in states)
    called = f", {{ initialState: [{initial}] }}" if states else ""
    line = f"""const layer = {layer};
layer.apply(given.x);
layer.setWeights([{", ".join(given)}]);
return layer.apply(given.x{called});"""
    y, *last = ask(line, x=x, **arrays)
    if back is not None:
        n = len(last) // 2
        last = [np.concatenate(pair, -1) for pair in zip(last[:n], last[n:], strict=True)]
    return {"y": y} | dict(zip(("h", "c"), last, strict=False))


def initial(kind, inputs, units):
    """Return initial weights."""
    line = f"""const layer = tf.layers.{KINDS[kind]}({{ units: {units} }});
layer.build([1, 5, {inputs}]);
return layer.getWeights();"""
    found = [ordered(kind, each, True) for each in ask(line)]
    return dict(zip(("input", "recurrent", "bias"), found, strict=True))


def stateful(way, w, x):
    """Return what a second call in a row answers; in fit, the learning rate is 0."""
    arrays = dict(zip(("input", "recurrent", "bias"), weights("rnn", w), strict=True))
    called = {
        "call": "model.apply(given.x)",
        "predict": f"model.predict(given.x, {{ batchSize: {len(x)} }})",
        "fit": f"await model.fit(given.x, given.target, {{ batchSize: {len(x)}, shuffle: false, "
        "epochs: 1 })",
    }[way]
    last = "model.apply(given.x)" if way == "fit" else called
    line = f"""const input = tf.input({{ batchShape: given.x.shape }});
const layer = tf.layers.simpleRNN({{ units: {len(w["recurrent"])}, returnSequences: true,
  stateful: true }});
const model = tf.model({{ inputs: input, outputs: layer.apply(input) }});
model.setWeights([given.input, given.recurrent, given.bias]);
model.compile({{ optimizer: tf.train.sgd(0), loss: "meanSquaredError" }});
{called};
return [{last}];"""
    target = np.zeros((*x.shape[:2], len(w["recurrent"])))
    return {"y": ask(line, x=x, target=target, **arrays)[0]}


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values."""
    if kind not in ("layer", "batch") or dtype != "float32":
        raise NotImplementedError("TensorFlow.js has layer and batch norm, in float32")
    option = "" if epsilon is None else f"epsilon: {epsilon}"
    name = {"layer": "layerNormalization", "batch": "batchNormalization"}[kind]
    training = ", { training: true }" if kind == "batch" else ""
    line = f"return [tf.layers.{name}({{ {option} }}).apply(given.x{training})];"
    return {"y": ask(line, x=x)[0]}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    option = "" if epsilon is None else f"epsilon: {epsilon}"
    line = f"""const layer = tf.layers.batchNormalization({{ {option} }});
layer.build(given.x.shape);
layer.setWeights([given.ones, given.zeros, given.mean, given.variance]);
return [layer.apply(given.x)];"""
    ones = np.ones_like(mean)
    return {"y": ask(line, x=x, ones=ones, zeros=0 * ones, mean=mean, variance=variance)[0]}


def running(x):
    """Return the running statistics after one batch."""
    line = """const layer = tf.layers.batchNormalization({});
layer.apply(given.x, { training: true });
return layer.getWeights().slice(2);"""
    mean, variance = ask(line, x=x)
    return {"mean": mean, "variance": variance}
