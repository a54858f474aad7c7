"""Ask one home about its layers: ``python cell_probe.py HOME IN ANSWERS``.

IN is JSON: a list of questions, each with a name, the function of the home that it asks, and the
arguments; arrays stand as ``{"array": [...]}``. A home of recurrent cells and normalization is a
module of `cells` with

- `PACKAGES`, `NPM`, `SETUP`: as in `homes`;
- `cell(kind, w, x, **options)`: what a layer of recurrent cells answers, as a dict of arrays: `y`,
  the outputs (batch, steps, units), `h` and `c`, the final states (batch, units), as far as it
  gives them. `kind` is rnn, lstm or gru; `w` has `input` (inputs, gates times units), `recurrent`
  (units, gates times units) and `bias` (gates times units), with gates in the order input, forget,
  candidate, output, or reset, update, candidate. The options are `lengths`, `start` (h and c),
  `direction` (reverse, or both with weights `back`), `reset` (before or after the product), `clip`,
  `peepholes` (of input, forget and output gate), `coupled`, `activations`, `projection`, `layout`,
  `traced`, the number of steps that a model is made with. What is not said is as it is by default;
- `initial(kind, inputs, units)`: weights as the home starts them, by the same names;
- `stateful(way, w, x)`: outputs of two calls in a row of a layer of RNN that keeps its state;
- `norm(kind, x, epsilon, groups, dtype)`: layer, rms (over the last axis), batch (in training),
  group, instance (channels are axis 1), as `y`;
- `in_use(x, mean, variance, epsilon)`: batch norm with running statistics, as `y`;
- `running(x)`: `mean` and `variance` after one batch, from the start.

A home of what stands around the activation is a module of `defaults` with

- `dense(fan_in, fan_out)` and `he_normal(fan_in, fan_out)`: as `w`, the weights (fan-in, fan-out)
  with which a dense layer starts, by default and by the initializer of that name;
- `twice()`: as `y`, the weights of two layers that share an initializer, stacked;
- `dropped(rate, n, dtype, training)`: n ones after dropout; `dropped_as_before` and
  `dropped_by_flag`: by what older versions had; `alpha_dropped(rate, n)`: of n normal numbers;
- `masks(n)`: two masks of one seed, stacked, the second from a compiled function;
- `adam(gradients, dtype)`: how far the first step with learning rate 1 goes for each;
- `descent(gradients)`: the same of plain gradient descent;
- `decay()`: what AdamW leaves of 1 with learning rate 0.5 and gradient 0;
- `smoothed(logits, rate)`: the smoothed `loss` of class 0, or its `target`;
- `absolute()`: the slope of the absolute value at 0.

What a home does not have is a missing function or NotImplementedError, and the answer is its
message; what goes wrong there is another error, and the answer begins with its name.
The program knows nothing else of this project.
"""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
from probe import about, written


def read(part):
    """Return an argument with its arrays."""
    if isinstance(part, dict):
        if "array" in part:
            return np.array(part["array"], dtype=np.float64)
        return {name: read(each) for name, each in part.items()}
    return part


def asked(home, question):
    """Return what a home answers to one question, or one line that says why not."""
    try:
        function = getattr(home, question["asks"], None)
        if function is None:
            raise NotImplementedError("the home has none")
        found = function(**read(question["arguments"]))
        return {name: written(value) for name, value in found.items() if value is not None}
    except Exception as error:
        told = f"{type(error).__name__}: {error}".removeprefix("NotImplementedError: ")
        return {"error": " ".join(told.split())[:200]}


def main(name, questions, path):
    """Ask a home and write its answers."""
    sys.path += [str(Path(__file__).parent / kind) for kind in ("cells", "defaults", "homes")]
    home = importlib.import_module(name)
    asks = json.loads(Path(questions).read_text())
    answers = {question["name"]: asked(getattr(home, "home", home), question) for question in asks}
    result = about(home) | {"home": name, "cells": answers}
    Path(path).write_text(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
