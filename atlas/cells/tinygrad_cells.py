"""tinygrad on the CPU: an LSTM cell of one step, and norms. Where there is no clang, ziglang's."""

import numpy as np
import tinygrad_cpu  # noqa: F401  (it finds a compiler)
from _steps import by_step, refused, started
from tinygrad import Tensor, nn
from tinygrad.helpers import Context

PACKAGES = ["tinygrad==0.14.0", "ziglang==0.17.1"]
SETUP = "from tinygrad import Tensor, nn"


def number(x):
    """Return numbers as this home takes them."""
    return Tensor(np.float32(x))


def cell(kind, w, x, start=None, **options):
    """Return outputs and states."""
    if kind != "lstm":
        raise NotImplementedError("tinygrad has an LSTMCell alone")
    refused("nn.LSTMCell", **options)
    units = len(w["recurrent"])
    made = nn.LSTMCell(w["input"].shape[0], units)
    made.weight_ih, made.weight_hh = number(w["input"].T), number(w["recurrent"].T)
    made.bias_ih, made.bias_hh = number(w["bias"]), number(np.zeros_like(w["bias"]))

    def step(states, at):
        found = made(number(at), tuple(number(each) for each in states))
        return [each.numpy() for each in found]

    return by_step(step, started(kind, start, len(x), units), x)


def initial(kind, inputs, units):
    """Return initial weights."""
    if kind != "lstm":
        raise NotImplementedError("tinygrad has an LSTMCell alone")
    Tensor.manual_seed(0)
    made = nn.LSTMCell(inputs, units)
    return {"input": made.weight_ih.numpy().T, "recurrent": made.weight_hh.numpy().T,
            "bias": (made.bias_ih + made.bias_hh).numpy()}  # fmt: skip


def trained(made, x):
    """Return what a batch norm answers in training."""
    with Context(TRAINING=1):
        return made(x).numpy()


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values."""
    options = {} if epsilon is None else {"eps": epsilon}
    x = Tensor(x.astype(dtype))
    made = {
        "layer": lambda: nn.LayerNorm(x.shape[-1], **options),
        "rms": lambda: nn.RMSNorm(x.shape[-1], **options),
        "batch": lambda: nn.BatchNorm(x.shape[1], **options),
        "group": lambda: nn.GroupNorm(groups, x.shape[1], **options),
        "instance": lambda: nn.InstanceNorm(x.shape[1], **options),
    }[kind]()
    return {"y": trained(made, x) if kind == "batch" else made(x).numpy()}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    made = nn.BatchNorm(x.shape[1], **({} if epsilon is None else {"eps": epsilon}))
    made.running_mean, made.running_var = number(mean), number(variance)
    return {"y": made(number(x)).numpy()}


def running(x):
    """Return the running statistics after one batch."""
    made = nn.BatchNorm(x.shape[1])
    trained(made, number(x))
    return {"mean": made.running_mean.numpy(), "variance": made.running_var.numpy()}
