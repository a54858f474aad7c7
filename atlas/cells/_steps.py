"""A layer of cells from one step, as a reader writes it where the home has cells but no layers."""

import numpy as np


def refused(home, **options):
    """Raise for the options that are given and that a home does not have."""
    given = [name for name, value in options.items() if value is not None and value is not False]
    if given:
        raise NotImplementedError(f"{home} has no {', '.join(given)}")


def split(value, count):
    """Return the parts of a row of gates."""
    return np.split(value, count, axis=-1)


def by_step(step, states, x):
    """Return outputs and states of a step that maps states and inputs to states, h first."""
    found = []
    for i in range(x.shape[1]):
        states = step(states, x[:, i])
        found.append(np.asarray(states[0]))
    names = ("h", "c")[: len(states)]
    return {"y": np.stack(found, 1)} | {
        name: np.asarray(state) for name, state in zip(names, states, strict=True)
    }


def started(kind, start, batch, units):
    """Return initial states, 0 where none are given."""
    names = ("h", "c") if kind == "lstm" else ("h",)
    zeros = np.zeros((batch, units))
    return [np.float32(start[name] if start else zeros) for name in names]
