"""Paddle's layers of cells and its norms."""

import numpy as np
import paddle
from _steps import refused
from paddle import nn

PACKAGES = ["paddlepaddle==3.3.1"]
SETUP = "import paddle\nfrom paddle import nn"
KINDS = {"rnn": nn.SimpleRNN, "lstm": nn.LSTM, "gru": nn.GRU}
CELLS = {"rnn": nn.SimpleRNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}


def put(made, end, w):
    """Give a layer its weights."""
    values = (w["input"].T, w["recurrent"].T, w["bias"], np.zeros_like(w["bias"]))
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    for name, value in zip(names, values, strict=True):
        getattr(made, f"{name}{end}").set_value(paddle.to_tensor(np.float32(value)))


def cell(kind, w, x, lengths=None, start=None, direction=None, back=None, reset=None,
         activations=None, projection=None, **options):  # fmt: skip
    """Return outputs and states."""
    refused("a layer of Paddle", projection=projection, **options)
    if reset == "before":
        raise NotImplementedError("nn.GRU resets after the product")
    if activations and (kind != "rnn" or len(set(activations)) > 1):
        raise NotImplementedError("nn.SimpleRNN alone has another activation, for both directions")
    more = {"activation": activations[0]} if activations else {}
    inputs, units = w["input"].shape[0], len(w["recurrent"])
    if direction == "reverse":
        made = CELLS[kind](inputs, units, **more)
        put(made, "", w)
        made = nn.RNN(made, is_reverse=True)
    else:
        way = "forward" if back is None else "bidirect"
        made = KINDS[kind](inputs, units, direction=way, **more)
        put(made, "_l0", w)
        if back is not None:
            put(made, "_l0_reverse", back)
    given = {}
    if lengths is not None:
        given["sequence_length"] = paddle.to_tensor(lengths.astype(np.int64))
    if start is not None:
        first = [paddle.to_tensor(np.float32(start[name])[None]) for name in sorted(start)[::-1]]
        given["initial_states"] = tuple(first) if kind == "lstm" else first[0]
    y, last = made(paddle.to_tensor(np.float32(x)), **given)
    states = [each.numpy() for each in (last if kind == "lstm" else [last])]
    joined = [s if s.ndim == 2 else s.transpose(1, 0, 2).reshape(len(x), -1) for s in states]
    return {"y": y.numpy()} | dict(zip(("h", "c"), joined, strict=False))


def initial(kind, inputs, units):
    """Return initial weights."""
    paddle.seed(0)
    made = KINDS[kind](inputs, units)
    bias = made.bias_ih_l0.numpy() + made.bias_hh_l0.numpy()
    return {"input": made.weight_ih_l0.numpy().T, "recurrent": made.weight_hh_l0.numpy().T,
            "bias": bias}  # fmt: skip


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values."""
    if kind == "rms":
        raise NotImplementedError("paddle.nn has no RMSNorm")
    options = {} if epsilon is None else {"epsilon": epsilon}
    x = paddle.to_tensor(x.astype(dtype))
    made = {
        "layer": lambda: nn.LayerNorm(x.shape[-1], **options),
        "batch": lambda: nn.BatchNorm1D(x.shape[1], **options),
        "group": lambda: nn.GroupNorm(groups, x.shape[1], **options),
        "instance": lambda: nn.InstanceNorm1D(x.shape[1], **options),
    }[kind]()
    return {"y": made(x).astype("float64").numpy()}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    made = nn.BatchNorm1D(x.shape[1], **({} if epsilon is None else {"epsilon": epsilon}))
    made._mean.set_value(np.float32(mean))
    made._variance.set_value(np.float32(variance))
    made.eval()
    return {"y": made(paddle.to_tensor(np.float32(x))).numpy()}


def running(x):
    """Return the running statistics after one batch."""
    made = nn.BatchNorm1D(x.shape[1])
    made(paddle.to_tensor(np.float32(x)))
    return {"mean": made._mean.numpy(), "variance": made._variance.numpy()}
