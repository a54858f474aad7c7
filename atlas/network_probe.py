"""Ask one home about a network: ``python network_probe.py HOME INPUTS ANSWERS``.

INPUTS is an ``.npz`` file with the weights of a network 784-256-10 with ReLU, ten batches of images
and labels, and the arrays for the smaller questions. A home is a module of `networks` with

- `PACKAGES`, `SETUP`: as in `homes`;
- `logits(w, x)`, `gradients(w, x, y)`: of the mean cross-entropy, in the shapes of the weights;
- `train(w, xs, ys, rate)`: the loss before each step of plain gradient descent;
- `dense(fan_in, fan_out)`: weights of a dense layer as the home starts it;
- `dropped(rate, n)`: what dropout makes of n ones in training;
- `batch_norm(x)`: running mean and variance after one batch, from the start;
- `adam(gradients)`: how far the first step of Adam with learning rate 1 goes for each;
- `gru(w, x)`: the last output of a GRU as it is by default;
- `backends()`, if the home runs on other libraries: what it says of each, in words.

What a home does not have raises NotImplementedError, and the answer is its message. A module may
have another one answer for it, under the name `home`. The program knows nothing else of this
project. Weights are (inputs, outputs), images (batch, pixels).
"""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
from probe import about, attempt


def answers(home, inputs):
    """Return what a home answers to every question."""
    w = {name[2:]: inputs[name] for name in inputs.files if name.startswith("w_")}
    gru = {name[4:]: inputs[name] for name in inputs.files if name.startswith("gru_")}
    xs, ys = inputs["xs"], inputs["ys"]
    names = sorted(w)

    def flat_gradients():
        found = home.gradients(w, xs[0], ys[0])
        return np.concatenate([np.asarray(found[name], dtype=np.float64).ravel() for name in names])

    backends = {"backends": home.backends()} if hasattr(home, "backends") else {}
    return backends | {
        "logits": attempt(home.logits, w, xs[0]),
        "gradients": attempt(flat_gradients),
        "losses": attempt(home.train, w, xs, ys, 0.1),
        "dense": attempt(spread, home.dense),
        "dropped": attempt(lambda: shares(home.dropped(0.2, 100_000))),
        "batch norm": attempt(home.batch_norm, inputs["normalized"]),
        "adam": attempt(home.adam, inputs["gradients"]),
        "gru": attempt(home.gru, gru, inputs["sequence"]),
    }


def spread(dense):
    """Return fan-in times the variance of initial weights, their kurtosis, and the fan-in."""
    found = np.asarray(dense(784, 256), dtype=np.float64)
    z = (found - found.mean()) / found.std()
    return np.array([784 * found.var(), (z**4).mean(), 784])


def shares(values):
    """Return which share became 0, and the largest value."""
    values = np.asarray(values, dtype=np.float64)
    return np.array([(values == 0).mean(), values.max()])


def main(name, inputs, path):
    """Ask a home and write its answers."""
    sys.path.insert(0, str(Path(__file__).parent / "networks"))
    home = importlib.import_module(name)
    found = answers(getattr(home, "home", home), np.load(inputs))
    result = about(home) | {"home": name, "answers": found}
    Path(path).write_text(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
