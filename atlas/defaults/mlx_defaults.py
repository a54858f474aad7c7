"""MLX on the CPU: layers and their initial weights, dropout, optimizers and losses."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np

PACKAGES = ["mlx==0.32.4", "mlx-cpu==0.32.4"]
SETUP = "import mlx.core as mx\nimport mlx.nn as nn\nimport mlx.optimizers as optim"


def numbers(x):
    """Return what it answers as NumPy's numbers."""
    return np.array(x.astype(mx.float32))


def dense(fan_in, fan_out):
    """Return initial weights."""
    mx.random.seed(0)
    return {"w": numbers(nn.Linear(fan_in, fan_out).weight).T}


def he_normal(fan_in, fan_out):
    """Return weights of the initializer that bears the name."""
    mx.random.seed(0)
    return {"w": numbers(nn.init.he_normal()(mx.zeros((fan_out, fan_in)))).T}


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones."""
    mx.random.seed(0)
    made = nn.Dropout(rate).train(training)
    return {"y": numbers(made(mx.ones(n, getattr(mx, dtype))))}


def masks(n):
    """Return two masks of one seed, the second from a compiled function."""
    found, state = [], mx.random.state
    drop = nn.Dropout(0.5)
    for run in (drop, mx.compile(drop, inputs=state, outputs=state)):
        mx.random.seed(0)
        found.append(numbers(run(mx.ones(n))) == 0)
    return {"y": np.stack(found)}


def stepped(tool, parameter, gradient):
    """Return a parameter after one step."""
    return numbers(tool.apply_gradients({"p": gradient}, {"p": parameter})["p"])


def adam(gradients, dtype="float32"):
    """Return how far the first step goes for each gradient."""
    given = mx.array(gradients.astype(np.float32)).astype(getattr(mx, dtype))
    return {"y": -stepped(optim.Adam(1.0), mx.zeros_like(given), given)}


def descent(gradients):
    """Return how far a step of plain gradient descent with learning rate 1 goes for each."""
    given = mx.array(gradients.astype(np.float32))
    return {"y": -stepped(optim.SGD(1.0), mx.zeros_like(given), given)}


def decay():
    """Return what AdamW leaves of 1 with learning rate 0.5 and gradient 0."""
    return {"y": stepped(optim.AdamW(0.5), mx.ones(1), mx.zeros(1))}


def smoothed(logits, rate):
    """Return the cross-entropy of class 0."""
    given = mx.array(logits.astype(np.float32))[None]
    return {"loss": numbers(nn.losses.cross_entropy(given, mx.array([0]), label_smoothing=rate))}


def absolute():
    """Return the slope of the absolute value at 0."""
    return {"y": numbers(mx.grad(lambda x: mx.abs(x))(mx.array(0.0)))}
