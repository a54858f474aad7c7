"""Recurrent cells and normalization written out, one equation a line, in float64.

A cell's weights are those of `atlas/cell_probe.py`: `input` (inputs, gates times units),
`recurrent` (units, gates times units), `bias`; gates in the order input, forget, candidate, output,
or reset, update, candidate.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Values = np.ndarray
Weights = Mapping[str, Values]
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
ACTIVATIONS = {"rnn": ("tanh",), "lstm": ("sigmoid", "tanh", "tanh"), "gru": ("sigmoid", "tanh")}


def sigmoid(z: Values) -> Values:
    """Return 1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


FUNCTIONS = {
    "sigmoid": sigmoid,
    "hard sigmoid": lambda z: np.clip(0.2 * z + 0.5, 0, 1),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}


def rnn_step(a: Values, h: Values, w: Weights, clip: Any, f: Sequence[str]) -> Values:
    """Return the next state; a is what comes from the inputs."""
    return FUNCTIONS[f[0]](clip(a + h @ w["recurrent"]))


def lstm_step(
    a: Values, h: Values, c: Values, w: Weights, clip: Any, f: Sequence[str],
    peepholes: Values | None, coupled: bool, state_clip: float | None,
) -> tuple[Values, Values]:  # fmt: skip
    """Return the next output and the next cell state."""
    p = np.zeros((3, c.shape[1])) if peepholes is None else peepholes
    gate, inner, outer = (FUNCTIONS[name] for name in f)
    a_i, a_f, a_g, a_o = np.split(a + h @ w["recurrent"], 4, axis=1)
    i = gate(clip(a_i + p[0] * c))
    forget = 1 - i if coupled else gate(clip(a_f + p[1] * c))
    g = inner(clip(a_g))
    c = forget * c + i * g
    c = c if state_clip is None else np.clip(c, -state_clip, state_clip)
    o = gate(clip(a_o + p[2] * c))
    return o * outer(c), c


def gru_step(a: Values, h: Values, w: Weights, clip: Any, f: Sequence[str], reset: str) -> Values:
    """Return the next state; the reset gate stands before or after the product."""
    gate, inner = (FUNCTIONS[name] for name in f)
    u_r, u_z, u_n = np.split(w["recurrent"], 3, axis=1)
    a_r, a_z, a_n = np.split(a, 3, axis=1)
    r = gate(clip(a_r + h @ u_r))
    z = gate(clip(a_z + h @ u_z))
    past = (r * h) @ u_n if reset == "before" else r * (h @ u_n)
    return z * h + (1 - z) * inner(clip(a_n + past))


def one_way(
    kind: str, w: Weights, x: Values, *, start: Weights | None = None, reset: str = "after",
    clip: float | None = None, peepholes: Values | None = None, coupled: bool = False,
    activations: Sequence[str] | None = None, projection: Values | None = None,
    state_clip: float | None = None,
) -> dict[str, Values]:  # fmt: skip
    """Return outputs (batch, steps, units) as y, and states after every step as h and c."""
    units = w["recurrent"].shape[1] // GATES[kind]
    start = start or {}
    h = start.get("h", np.zeros((len(x), len(w["recurrent"]))))
    c = start.get("c", np.zeros((len(x), units)))
    f = activations or ACTIVATIONS[kind]

    def clipped(z: Values) -> Values:
        return z if clip is None else np.clip(z, -clip, clip)

    hs, cs = [], []
    for step in range(x.shape[1]):
        a = x[:, step] @ w["input"] + w["bias"]
        if kind == "rnn":
            h = rnn_step(a, h, w, clipped, f)
        elif kind == "gru":
            h = gru_step(a, h, w, clipped, f, reset)
        else:
            h, c = lstm_step(a, h, c, w, clipped, f, peepholes, coupled, state_clip)
            h = h if projection is None else h @ projection
        hs.append(h)
        cs.append(c)
    return {"y": np.stack(hs, 1), "c": np.stack(cs, 1)}


def flipped(x: Values, lengths: Sequence[int]) -> Values:
    """Return sequences in reverse, each within its length."""
    found = x.copy()
    for i, n in enumerate(lengths):
        found[i, :n] = x[i, :n][::-1]
    return found


def cell(
    kind: str, w: Weights, x: Values, *, lengths: Sequence[int] | None = None,
    direction: str = "forward", back: Weights | None = None,
    start: Weights | None = None, activations: Sequence[str] | None = None, **options: Any,
) -> dict[str, Values]:  # fmt: skip
    """Return outputs, 0 after the end of each sequence, and the states at its end.

    With ``direction="both"``, weights `back` and `activations` of the second direction follow those
    of the first; outputs and states are joined along the last axis.
    """
    ends = np.array([x.shape[1]] * len(x) if lengths is None else lengths, dtype=int)
    if direction == "both":
        f = activations or ()
        half = len(f) // 2
        found = [
            cell(kind, w, x, lengths=ends, activations=f[:half], **options),
            cell(kind, back or w, x, lengths=ends, direction="reverse", activations=f[half:],
                 **options),
        ]  # fmt: skip
        return {name: np.concatenate([part[name] for part in found], -1) for name in found[0]}
    given = flipped(x, ends) if direction == "reverse" else x
    states = one_way(kind, w, given, start=start, activations=activations or None, **options)
    last = (np.arange(len(x)), ends - 1)
    found_y = np.where(np.arange(x.shape[1])[None, :, None] < ends[:, None, None], states["y"], 0)
    result = {
        "y": flipped(found_y, ends) if direction == "reverse" else found_y,
        "h": states["y"][last],
    }
    return result | ({"c": states["c"][last]} if kind == "lstm" else {})


def normalized(x: Values, axes: tuple[int, ...], epsilon: float, *, center: bool = True) -> Values:
    """Return x minus its mean over axes, divided by the root of variance plus epsilon."""
    mean = x.mean(axes, keepdims=True) if center else 0.0
    variance = ((x - mean) ** 2).mean(axes, keepdims=True)
    size = np.sqrt(variance + epsilon)
    return np.divide(x - mean, size, out=np.zeros_like(x - mean), where=size > 0)


def norm(kind: str, x: Values, epsilon: float = 0.0, groups: int | None = None) -> Values:
    """Return layer, RMS, batch, group or instance norm without scale and offset."""
    if kind in ("layer", "rms"):
        return normalized(x, (x.ndim - 1,), epsilon, center=kind == "layer")
    if kind == "batch":
        return normalized(x, (0, *range(2, x.ndim)), epsilon)
    if kind == "instance":
        return normalized(x, tuple(range(2, x.ndim)), epsilon)
    parts = x.reshape(len(x), groups or 1, -1)
    return normalized(parts, (2,), epsilon).reshape(x.shape)


def by_hand(kind: str, w: Weights, x: Values) -> list[dict[str, float]]:
    """Return what one unit computes at each step, gate by gate, by the names of the equations."""
    u, v, b = (w[name].ravel() for name in ("input", "recurrent", "bias"))
    h = c = 0.0
    found = []
    for value in x.ravel():
        a = u * value + b
        step = {"x": float(value)}
        if kind == "rnn":
            h = float(np.tanh(a[0] + v[0] * h))
        elif kind == "gru":
            r, z = sigmoid(a[:2] + v[:2] * h)
            n = np.tanh(a[2] + r * v[2] * h)
            h = float(z * h + (1 - z) * n)
            step |= {"r": float(r), "z": float(z), "n": float(n)}
        else:
            i, f, o = sigmoid((a + v * h)[[0, 1, 3]])
            g = np.tanh(a[2] + v[2] * h)
            c = float(f * c + i * g)
            h = float(o * np.tanh(c))
            step |= {"i": float(i), "f": float(f), "g": float(g), "o": float(o), "c": c}
        found.append(step | {"h": h})
    return found
