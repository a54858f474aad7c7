"""Paddle on the CPU: layers and their initial weights, dropout, optimizers and losses."""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

PACKAGES = ["paddlepaddle==3.3.1"]
SETUP = "import paddle\nfrom paddle import nn\nfrom paddle.nn import functional as F"


def numbers(x):
    """Return what it answers as NumPy's numbers."""
    return x.detach().astype("float64").numpy()


def dense(fan_in, fan_out):
    """Return initial weights."""
    paddle.seed(0)
    return {"w": numbers(nn.Linear(fan_in, fan_out).weight)}


def he_normal(fan_in, fan_out):
    """Return weights of the initializer that bears the name."""
    paddle.seed(0)
    return {"w": numbers(nn.Linear(fan_in, fan_out, nn.initializer.KaimingNormal()).weight)}


def twice():
    """Return the weights of two layers that share an initializer."""
    paddle.seed(0)
    one = nn.initializer.KaimingNormal()
    return {"y": np.stack([numbers(nn.Linear(3, 3, one).weight) for _ in range(2)])}


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones."""
    paddle.seed(0)
    made = nn.Dropout(rate)
    (made.train if training else made.eval)()
    return {"y": numbers(made(paddle.ones([n], dtype)))}


def alpha_dropped(rate, n):
    """Return what alpha dropout makes of standard normal numbers."""
    paddle.seed(0)
    return {"y": numbers(nn.AlphaDropout(rate)(paddle.randn([n])))}


def stepped(tool, value, gradient, **options):
    """Return a parameter after one step."""
    parameter = paddle.create_parameter(value.shape, value.dtype)
    parameter.set_value(value)
    made = tool(parameters=[parameter], **options)
    (parameter * gradient).sum().backward()
    made.step()
    return numbers(parameter)


def adam(gradients, dtype="float32"):
    """Return how far the first step goes for each gradient."""
    given = paddle.to_tensor(gradients).astype(dtype)
    found = stepped(paddle.optimizer.Adam, paddle.zeros_like(given), given, learning_rate=1.0)
    return {"y": -found}


def descent(gradients):
    """Return how far a step of plain gradient descent with learning rate 1 goes for each."""
    given = paddle.to_tensor(gradients)
    return {"y": -stepped(paddle.optimizer.SGD, paddle.zeros_like(given), given, learning_rate=1.0)}


def decay():
    """Return what AdamW leaves of 1 with learning rate 0.5 and gradient 0."""
    none, one = paddle.zeros([1]), paddle.ones([1])
    return {"y": stepped(paddle.optimizer.AdamW, one, none, learning_rate=0.5)}


def smoothed(logits, rate):
    """Return the cross-entropy of class 0."""
    given, target = paddle.to_tensor(logits)[None], paddle.to_tensor([0])
    return {"loss": numbers(F.cross_entropy(given, target, label_smoothing=rate))}


def absolute():
    """Return the slope of the absolute value at 0."""
    x = paddle.to_tensor([0.0], stop_gradient=False)
    paddle.abs(x).sum().backward()
    return {"y": numbers(x.grad)}
