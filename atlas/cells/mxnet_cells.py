"""MXNet's layers of cells and its norms, of gluon; a plain layer has ReLU by default."""

import mxnet as mx
import numpy as np
from _steps import refused
from mxnet import autograd, gluon

PACKAGES = ["mxnet==1.9.1", "numpy==1.23.5"]
SETUP = "import mxnet as mx\nfrom mxnet import autograd, gluon"
KINDS = {"rnn": gluon.rnn.RNN, "lstm": gluon.rnn.LSTM, "gru": gluon.rnn.GRU}
SIDES = ("l", "r")


def number(x, dtype="float32"):
    """Return numbers as this home takes them."""
    return mx.nd.array(x, dtype=dtype)


def layer(kind, w, back=None, projection=None, **options):
    """Return a layer with given weights; its gates are in the order of the questions."""
    units = w["bias"].size // {"rnn": 1, "lstm": 4, "gru": 3}[kind]
    if projection is not None:
        options["projection_size"] = projection.shape[1]
    made = KINDS[kind](units, layout="NTC", bidirectional=back is not None,
                       input_size=w["input"].shape[0], **options)  # fmt: skip
    made.initialize()
    for side, part in zip(SIDES, (w, back), strict=True):
        if part is not None:
            for name, value in (
                ("i2h_weight", part["input"].T), ("h2h_weight", part["recurrent"].T),
                ("i2h_bias", part["bias"]), ("h2h_bias", 0 * part["bias"]),
            ):  # fmt: skip
                getattr(made, f"{side}0_{name}").set_data(number(value))
    if projection is not None:
        made.l0_h2r_weight.set_data(number(projection.T))
    return made


def cell(kind, w, x, lengths=None, start=None, direction=None, reset=None, back=None,
         activations=None, clip=None, projection=None, **options):  # fmt: skip
    """Return outputs and states; of a clip both ends are said, as it wants them."""
    refused("a layer of gluon", **options)
    if reset == "before":
        raise NotImplementedError("gluon.rnn.GRU resets after the product")
    if direction == "reverse":
        raise NotImplementedError("no layer that runs backward alone: flip inputs and outputs")
    own = {}
    if activations is not None:
        if kind != "rnn" or len(set(activations)) > 1:
            raise NotImplementedError("RNN alone has another activation, for both directions")
        own["activation"] = activations[0]
    if clip is not None:
        if kind != "lstm":
            raise NotImplementedError("LSTM alone has state_clip_min and state_clip_max")
        own |= {"state_clip_min": -clip, "state_clip_max": clip}
    if lengths is not None:
        own["use_sequence_length"] = True
    made = layer(kind, w, back, projection, **own)
    if start is None:
        states = made.begin_state(batch_size=len(x))
    else:
        states = [number(start[name][None]) for name in ("h", "c") if name in start]
    given = {} if lengths is None else {"sequence_length": number(lengths, "int32")}
    y, last = made(number(x), states, **given)
    parts = dict(zip(("h", "c"), last, strict=False))
    return {"y": y.asnumpy()} | {
        name: np.concatenate(list(value.asnumpy()), -1) for name, value in parts.items()
    }


def initial(kind, inputs, units):
    """Return initial weights."""
    mx.random.seed(0)
    made = KINDS[kind](units, input_size=inputs)
    made.initialize()
    found = {name: getattr(made, f"l0_{name}").data().asnumpy()
             for name in ("i2h_weight", "h2h_weight", "i2h_bias", "h2h_bias")}  # fmt: skip
    return {"input": found["i2h_weight"].T, "recurrent": found["h2h_weight"].T,
            "bias": found["i2h_bias"] + found["h2h_bias"]}  # fmt: skip


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values, by the layers as they are in training."""
    options = {} if epsilon is None else {"epsilon": epsilon}
    made = {
        "layer": lambda: gluon.nn.LayerNorm(**options),
        "batch": lambda: gluon.nn.BatchNorm(**options),
        "group": lambda: gluon.nn.GroupNorm(groups, **options),
        "instance": lambda: gluon.nn.InstanceNorm(**options),
    }
    if kind not in made:
        raise NotImplementedError("gluon has no RMS norm")
    block = made[kind]()
    block.initialize()
    block.cast(dtype)
    with autograd.record():
        return {"y": block(number(x, dtype)).asnumpy()}


def batch_norm(x, **options):
    """Return a batch norm whose parameters are made."""
    made = gluon.nn.BatchNorm(in_channels=x.shape[1], **options)
    made.initialize()
    return made


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    made = batch_norm(x, **({} if epsilon is None else {"epsilon": epsilon}))
    made.running_mean.set_data(number(mean))
    made.running_var.set_data(number(variance))
    return {"y": made(number(x)).asnumpy()}


def running(x):
    """Return the running statistics after one batch, forward and backward."""
    made = batch_norm(x)
    with autograd.record():
        y = made(number(x))
    y.backward()
    return {"mean": made.running_mean.data().asnumpy(),
            "variance": made.running_var.data().asnumpy()}  # fmt: skip
