"""Chainer's links of several steps, and its norms; sequences are lists, each of its own length."""

import chainer
import chainer.functions as F
import chainer.links as L
import numpy as np
from _steps import refused, split

PACKAGES = ["chainer==7.8.1", "numpy==1.23.5"]
SETUP = "import chainer\nimport chainer.functions as F\nimport chainer.links as L"
KINDS = {
    "rnn": (L.NStepRNNTanh, L.NStepBiRNNTanh),
    "lstm": (L.NStepLSTM, L.NStepBiLSTM),
    "gru": (L.NStepGRU, L.NStepBiGRU),
}
RELU = (L.NStepRNNReLU, L.NStepBiRNNReLU)
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def cell(kind, w, x, lengths=None, start=None, direction=None, reset=None, back=None,
         activations=None, **options):  # fmt: skip
    """Return outputs, joined by `F.pad_sequence`, and states."""
    refused("a link of Chainer", **options)
    if reset == "before":
        raise NotImplementedError("NStepGRU resets after the product")
    if direction == "reverse":
        raise NotImplementedError("no link that runs backward alone: flip inputs and outputs")
    made = filled(kind, w, back, activations)
    ends = [x.shape[1]] * len(x) if lengths is None else [int(n) for n in lengths]
    given = [np.float32(each[:n]) for each, n in zip(x, ends, strict=True)]
    names = ("h", "c") if kind == "lstm" else ("h",)
    states = [None if start is None else np.float32(start[name][None]) for name in names]
    *last, ys = made(*states, given)
    parts = {name: np.concatenate(list(each.array), -1)
             for name, each in zip(names, last, strict=True)}  # fmt: skip
    return {"y": F.pad_sequence(ys).array} | parts


def filled(kind, w, back=None, activations=None):
    """Return a link with given weights; its gates are in the order of the questions."""
    kinds = KINDS[kind]
    if activations is not None:
        if kind != "rnn" or len(set(activations)) > 1:
            raise NotImplementedError("a plain link alone has another activation, for both ways")
        kinds = {"tanh": KINDS["rnn"], "relu": RELU}[activations[0]]
    gates = GATES[kind]
    made = kinds[back is not None](1, len(w["input"]), len(w["recurrent"]), 0.0)
    for layer, part in zip(made, (w, back), strict=False):
        for i in range(gates):
            values = [split(part[name], gates)[i] for name in ("input", "recurrent", "bias")]
            getattr(layer, f"w{i}").array[...] = values[0].T
            getattr(layer, f"w{i + gates}").array[...] = values[1].T
            getattr(layer, f"b{i}").array[...] = values[2]
            getattr(layer, f"b{i + gates}").array[...] = 0
    return made


def initial(kind, inputs, units):
    """Return initial weights; of an LSTM those of the link of one step that has this name.

    Its gates are candidate, input, forget, output, unit by unit.
    """
    np.random.seed(0)  # noqa: NPY002 (Chainer draws from it)
    gates = GATES[kind]
    if kind == "lstm":
        made = L.LSTM(inputs, units)
        parts = {"input": made.upward.W, "recurrent": made.lateral.W, "bias": made.upward.b}
        return {name: np.concatenate([each.array[k::4].T for k in (1, 2, 0, 3)], -1)
                for name, each in parts.items()}  # fmt: skip
    (layer,) = KINDS[kind][0](1, inputs, units, 0.0)

    def joined(letter, first):
        return np.concatenate([getattr(layer, f"{letter}{first + i}").array.T
                               for i in range(gates)], -1)  # fmt: skip

    return {"input": joined("w", 0), "recurrent": joined("w", gates),
            "bias": joined("b", 0) + joined("b", gates)}  # fmt: skip


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values, by the links as they are in training."""
    options = {} if epsilon is None else {"eps": epsilon}
    x = x.astype(dtype)
    made = {
        "layer": lambda: L.LayerNormalization(x.shape[-1], **options),
        "batch": lambda: L.BatchNormalization(x.shape[1], **options),
        "group": lambda: L.GroupNormalization(groups, x.shape[1], **options),
    }
    if kind not in made:
        raise NotImplementedError(f"Chainer has no {kind} norm")
    with chainer.using_config("dtype", np.dtype(dtype)):
        return {"y": made[kind]()(x).array}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    options = {} if epsilon is None else {"eps": epsilon}
    given = [np.float32(each) for each in (x, np.ones_like(mean), 0 * mean, mean, variance)]
    return {"y": F.fixed_batch_normalization(*given, **options).array}


def running(x):
    """Return the running statistics after one batch."""
    made = L.BatchNormalization(x.shape[1])
    made(np.float32(x))
    return {"mean": made.avg_mean, "variance": made.avg_var}
