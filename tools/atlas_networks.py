"""What homes are asked about the network of chapter 6, and what their answers are worth.

The weights are those of one network of the course, the images its bundled digits. The answers are
held against the NumPy network: the largest difference of logits and gradients, of the losses of ten
steps, and which of two definitions a recurrent cell has.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from course_lib import data
from course_lib.network import Network, mlp

BATCH, STEPS, RATE = 32, 10, 0.1
NAMES = ("w1", "b1", "w2", "b2")
SORTED = sorted(NAMES)  # the order in which gradients are written
Values = np.ndarray


def network() -> Network:
    """Return the network whose weights every home is given."""
    return mlp([784, 256, 10], "relu", seed=0)


def named(values: Mapping[str, Values]) -> dict[str, Values]:
    """Return weights (inputs, outputs) and biases (outputs,), or gradients, by short names."""
    return {name: np.squeeze(value) for name, value in zip(NAMES, values.values(), strict=True)}


@cache
def inputs() -> dict[str, Values]:
    """Return weights, images, labels and the arrays of the smaller questions."""
    x, y, *_ = data.mnist().flat()
    count = BATCH * STEPS
    rng = np.random.default_rng(0)
    return {f"w_{name}": value for name, value in named(network().parameters).items()} | {
        "xs": x[:count].reshape(STEPS, BATCH, 784).astype(np.float64),
        "ys": y[:count].reshape(STEPS, BATCH).astype(np.int64),
        "gru_input": rng.normal(size=(3, 12)),
        "gru_recurrent": rng.normal(size=(4, 12)),
        "sequence": rng.normal(size=(2, 6, 3)),
        "normalized": np.array([[0.0, 100.0], [2.0, 104.0]]),
        "gradients": np.array([1.0, -2.0, 1e-3, 1e-7, 1e-8, 1e-12, 0.0]),
    }


def gru(reset: str) -> Values:
    """Return the last output (2, 4) of a GRU that resets before or after the product."""
    w, u, x = (inputs()[name] for name in ("gru_input", "gru_recurrent", "sequence"))
    h = np.zeros((2, 4))

    def gate(z: Values) -> Values:
        return 1 / (1 + np.exp(-z))

    for step in range(x.shape[1]):
        from_x, from_h = x[:, step] @ w, h @ u
        r = gate(from_x[:, :4] + from_h[:, :4])
        z = gate(from_x[:, 4:8] + from_h[:, 4:8])
        past = r * from_h[:, 8:] if reset == "after" else (r * h) @ u[:, 8:]
        h = z * h + (1 - z) * np.tanh(from_x[:, 8:] + past)
    return h


@cache
def ours() -> dict[str, Values]:
    """Return the answers of the NumPy network."""
    xs, ys = inputs()["xs"], inputs()["ys"]
    net, losses = network(), []
    found = {"logits": net.forward(xs[0])}
    for x, y in zip(xs, ys, strict=True):
        loss, slopes = net.loss_and_gradients(x, y)
        losses.append(float(loss))
        if len(losses) == 1:
            kept = named(slopes)
            found["gradients"] = np.concatenate([kept[name].ravel() for name in SORTED])
        for name, value in net.parameters.items():
            value -= RATE * slopes[name]
    return found | {"losses": np.array(losses)}


def judged(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of the answers of one home."""
    found: dict[str, Any] = {}
    for name, answer in answers.items():
        if name == "backends":
            found[name] = answer
            continue
        if "error" in answer:
            found[name] = {"error": answer["error"]}
            continue
        y = np.array([float.fromhex(v) for v in answer["numbers"]]).reshape(answer["shape"])
        if name in ours():
            gap = np.abs(y - ours()[name]).max()
            found[name] = {"difference": float(f"{gap:.2g}")}
        elif name == "gru":
            gaps = {reset: np.abs(y - gru(reset)).max() for reset in ("before", "after")}
            nearest = min(gaps, key=gaps.__getitem__)
            found[name] = {"reset": nearest if gaps[nearest] < 1e-6 else "another", "difference":
                           float(f"{gaps[nearest]:.2g}")}  # fmt: skip
        else:
            found[name] = {"numbers": [float(f"{v:.6g}") for v in y.ravel()]}
    return found
