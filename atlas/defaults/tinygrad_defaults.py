"""tinygrad on the CPU: layers and their initial weights, dropout, optimizers and losses."""

import numpy as np
import tinygrad_cpu  # noqa: F401  (it finds a compiler)
from tinygrad import Tensor, nn
from tinygrad.helpers import Context

PACKAGES = ["tinygrad==0.14.0", "ziglang==0.17.1"]
SETUP = "from tinygrad import Tensor, nn\nfrom tinygrad.helpers import Context"


def numbers(x):
    """Return what it answers as NumPy's numbers."""
    return x.cast("float32").numpy()


def dense(fan_in, fan_out):
    """Return initial weights."""
    Tensor.manual_seed(0)
    return {"w": numbers(nn.Linear(fan_in, fan_out).weight).T}


def he_normal(fan_in, fan_out):
    """Return weights of the initializer that bears the name."""
    Tensor.manual_seed(0)
    return {"w": numbers(Tensor.kaiming_normal(fan_out, fan_in)).T}


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones."""
    Tensor.manual_seed(0)
    with Context(TRAINING=int(training)):
        return {"y": numbers(Tensor.ones(n, dtype=dtype).dropout(rate))}


def dropped_by_flag(rate, n):
    """Return what dropout makes of ones after the flag of older versions is set."""
    Tensor.manual_seed(0)
    Tensor.training = True
    return {"y": numbers(Tensor.ones(n).dropout(rate))}


def stepped(tool, parameter, gradient, **options):
    """Return a parameter after one step."""
    made = tool([parameter], **options)
    parameter.grad = gradient
    with Context(TRAINING=1):
        made.step()
    return numbers(parameter)


def adam(gradients, dtype="float32"):
    """Return how far the first step goes for each gradient."""
    given = Tensor(gradients.astype(dtype))
    return {"y": -stepped(nn.optim.Adam, Tensor.zeros_like(given).contiguous(), given, lr=1.0)}


def descent(gradients):
    """Return how far a step of plain gradient descent with learning rate 1 goes for each."""
    given = Tensor(np.float32(gradients))
    return {"y": -stepped(nn.optim.SGD, Tensor.zeros_like(given).contiguous(), given, lr=1.0)}


def decay():
    """Return what AdamW leaves of 1 with learning rate 0.5 and gradient 0."""
    one = Tensor.ones(1).contiguous()
    return {"y": stepped(nn.optim.AdamW, one, Tensor.zeros(1).contiguous(), lr=0.5)}


def smoothed(logits, rate):
    """Return the cross-entropy of class 0."""
    given = Tensor(np.float32(logits))[None]
    return {"loss": numbers(given.cross_entropy(Tensor([0]), label_smoothing=rate))}


def absolute():
    """Return the slope of the absolute value at 0."""
    x = Tensor([0.0])
    return {"y": numbers(x.abs().sum().gradient(x)[0])}
