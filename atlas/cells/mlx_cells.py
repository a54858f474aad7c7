"""MLX on the CPU: layers of cells for one direction, and norms."""

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from _steps import refused

PACKAGES = ["mlx==0.32.4", "mlx-cpu==0.32.4"]
SETUP = "import mlx.core as mx\nimport mlx.nn as nn"
KINDS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def cell(kind, w, x, start=None, reset=None, activations=None, **options):
    """Return outputs and states."""
    refused("a layer of MLX", **options)
    if reset == "before":
        raise NotImplementedError("nn.GRU resets after the product")
    if activations and kind != "rnn":
        raise NotImplementedError("nn.RNN alone has another activation")
    more = {"nonlinearity": nn.relu} if activations else {}
    units = len(w["recurrent"])
    made = KINDS[kind](w["input"].shape[0], units, **more)
    named = {"rnn": ("Wxh", "Whh", "bias"), "lstm": ("Wx", "Wh", "bias"), "gru": ("Wx", "Wh", "b")}
    turned = (w["input"].T, w["recurrent"].T, w["bias"])
    for name, value in zip(named[kind], turned, strict=True):
        setattr(made, name, mx.array(np.float32(value)))
    if kind == "gru":
        made.bhn = mx.zeros(units)
    given = [mx.array(np.float32(start[name])) for name in ("h", "c") if start and name in start]
    found = made(mx.array(np.float32(x)), *given)
    parts = [np.array(each) for each in (found if kind == "lstm" else [found])]
    return dict(zip(("y", "c"), [parts[0], *(part[:, -1] for part in parts[1:])], strict=False)) | {
        "h": parts[0][:, -1]
    }


def initial(kind, inputs, units):
    """Return initial weights."""
    mx.random.seed(0)
    made = KINDS[kind](inputs, units)
    named = {"rnn": ("Wxh", "Whh", "bias"), "lstm": ("Wx", "Wh", "bias"), "gru": ("Wx", "Wh", "b")}
    found = [np.array(getattr(made, name)) for name in named[kind]]
    return {"input": found[0].T, "recurrent": found[1].T, "bias": found[2]}


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values; channels are turned last."""
    options = {} if epsilon is None else {"eps": epsilon}
    x = mx.array(x.astype(dtype))
    if kind in ("group", "instance"):
        x = mx.moveaxis(x, 1, -1)
    width = x.shape[-1]
    made = {
        "layer": lambda: nn.LayerNorm(width, **options),
        "rms": lambda: nn.RMSNorm(width, **options),
        "batch": lambda: nn.BatchNorm(width, **options),
        "group": lambda: nn.GroupNorm(groups, width, pytorch_compatible=True, **options),
        "instance": lambda: nn.InstanceNorm(width, **options),
    }[kind]()
    made.set_dtype(x.dtype)
    y = made(x)
    return {"y": np.array(mx.moveaxis(y, -1, 1) if kind in ("group", "instance") else y)}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    made = nn.BatchNorm(x.shape[1], **({} if epsilon is None else {"eps": epsilon}))
    made.running_mean = mx.array(np.float32(mean))
    made.running_var = mx.array(np.float32(variance))
    made.eval()
    return {"y": np.array(made(mx.array(np.float32(x))))}


def running(x):
    """Return the running statistics after one batch."""
    made = nn.BatchNorm(x.shape[1])
    mx.eval(made(mx.array(np.float32(x))))
    return {"mean": np.array(made.running_mean), "variance": np.array(made.running_var)}
