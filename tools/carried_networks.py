"""The networks that are carried from home to home: how each is built, trained and kept.

All are trained by PyTorch on the bundled data, with fixed seeds, all seeds of a network at once:
weights have the seeds as their first axis. Most read the digits of chapter 6; `NETWORKS` says how
large they are, what is theirs, and what they are given. One network, of each seed, takes seconds on
one core.

Weights are (seeds, inputs, outputs), biases (seeds, 1, outputs). Blocks of an LSTM are input,
forget, candidate, output, those of a GRU reset, update, candidate, as in PyTorch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from course_lib import data

KEPT = Path(__file__).resolve().parent.parent / "_build" / "atlas" / "carried" / "networks"
SEEDS, BATCH, RATE = 8, 64, 0.001
CLASSES, SYMBOLS, HELD_OUT = 10, 27, 600
OFFSET = 4096.0
Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Network:
    """One network: its forward pass, its sizes, what it reads, and for how long it is trained."""

    kind: str
    sizes: tuple[int, ...]
    function: str = "relu"
    given: str = "pixels"
    epochs: int = 10
    gain: float = 2**0.5
    settings: Mapping[str, Any] = field(default_factory=dict)


FUNCTIONS: dict[str, Callable[..., torch.Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": partial(functional.leaky_relu, negative_slope=0.01),
    "leaky_relu 0.2": partial(functional.leaky_relu, negative_slope=0.2),
    "leaky_relu 0.3": partial(functional.leaky_relu, negative_slope=0.3),
    "prelu": partial(functional.leaky_relu, negative_slope=0.25),
    "rrelu": partial(functional.rrelu, training=False),
    "threshold 1": lambda x: functional.threshold(x, 1.0, 0.0),
    "hard_sigmoid": functional.hardsigmoid,
    "hard_sigmoid 0.2": lambda x: (0.2 * x + 0.5).clamp(0, 1),
    "hard_swish": functional.hardswish,
    "hard_swish 0.2": lambda x: x * (0.2 * x + 0.5).clamp(0, 1),
    "hard_shrink": functional.hardshrink,
    "soft_shrink": functional.softshrink,
    "sigmoid": torch.sigmoid,
    "log_sigmoid": functional.logsigmoid,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
    "elu": functional.elu,
    "elu 0.1": partial(functional.elu, alpha=0.1),
    "celu 0.3": partial(functional.celu, alpha=0.3),
    "selu": functional.selu,
    "gelu": functional.gelu,
    "gelu_tanh": partial(functional.gelu, approximate="tanh"),
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "silu": functional.silu,
    "mish": functional.mish,
    "maxout": lambda x: x.unflatten(-1, (-1, 2)).amax(-1),
}
RAW = ("relu", "sigmoid", "log_sigmoid", "tanh", "softplus", "elu", "gelu_tanh", "silu", "mish")
WIDE = {"sigmoid": 4.0, "hard_sigmoid": 4.0, "hard_sigmoid 0.2": 4.0, "tanh": 1.0, "selu": 1.0}


def _networks() -> dict[str, Network]:
    found = {}
    for name in FUNCTIONS:
        gain, hidden = WIDE.get(name, 2**0.5), 512 if name == "maxout" else 256
        found[name] = Network("dense", (784, hidden, CLASSES), name, gain=gain)
        if name != "maxout":
            sizes = (784, *4 * (64,), CLASSES)
            found[f"{name}, deep"] = Network("dense", sizes, name, epochs=15, gain=gain)
    for name in RAW:
        sizes = (784, 256, CLASSES)
        found[f"{name}, bytes"] = Network("dense", sizes, name, "bytes", gain=WIDE.get(name, 1.4))
    rows = partial(Network, "recurrent", (28, 64, CLASSES), given="rows")
    for name, settings in {
        "lstm": {"cell": "lstm"},
        "lstm clipped": {"cell": "lstm", "clip": 1.0},
        "lstm with peepholes": {"cell": "lstm", "peepholes": True},
        "gru": {"cell": "gru", "reset": "after"},
        "gru, reset before": {"cell": "gru", "reset": "before"},
        "gru, reverse": {"cell": "gru", "reset": "after", "reverse": True},
        "rnn with relu": {"cell": "rnn"},
        "gru, lengths": {"cell": "gru", "reset": "after", "lengths": "last"},
        "gru, mean over lengths": {"cell": "gru", "reset": "after", "lengths": "mean"},
    }.items():
        found[name] = rows(settings=settings)
    found["names"] = Network(
        "recurrent", (SYMBOLS, 32, SYMBOLS), given="names", epochs=6, settings={"cell": "lstm"}
    )
    found["attention"] = Network("attention", (28, 32, CLASSES), given="rows")
    found["conv with prelu"] = Network("conv", (14, 14, CLASSES), given="small images")
    normed = partial(Network, "normalized", (784, 256, CLASSES))
    for name, place, given in (
        ("batch norm", "hidden", "pixels"),
        ("batch norm", "input", "pixels"),
        ("layer norm", "hidden", "pixels"),
        ("layer norm", "input", "pixels + 4096"),
        ("rms norm", "hidden", "pixels"),
    ):
        found[f"{name} of {given if place == 'input' else 'hidden units'}"] = normed(
            given=given, settings={"norm": name, "place": place}
        )
    return found


# ---------------------------------------------------------------------------------------------
# What they read
# ---------------------------------------------------------------------------------------------


@cache
def read(given: str) -> dict[str, np.ndarray]:
    """Return ``x``, ``y`` and, of sequences, ``lengths``, for training, and the same for testing.

    A row of pixels is a step of the sequence; a sequence ends with its last row that has ink.
    """
    if given == "names":
        return _names()
    x_train, y_train, x_test, y_test = data.mnist().flat(size=14 if "small" in given else 28)
    found = {"y": y_train, "y_test": y_test}
    for name, x in (("x", x_train), ("x_test", x_test)):
        x = x.astype(np.float32)
        if given == "rows":
            x = x.reshape(-1, 28, 28)
            found[name.replace("x", "lengths")] = 28 - (x[:, ::-1].max(-1) > 0).argmax(1)
        elif given == "bytes":
            x = 255 * x
        elif given == "pixels + 4096":
            x = x + np.float32(OFFSET)
        elif given == "small images":
            x = x.reshape(-1, 1, 14, 14)
        found[name] = x
    return found


def _names() -> dict[str, np.ndarray]:
    words = data.names()
    order = np.random.default_rng(18).permutation(len(words))
    symbols = np.zeros((len(words), max(map(len, words)) + 2), np.int64)
    for row, place in zip(symbols, order, strict=True):
        word = words[place]
        row[1 : len(word) + 1] = np.frombuffer(word.encode(), np.uint8) - 96
    lengths = (symbols > 0).sum(1) + 1
    x, y = np.eye(SYMBOLS, dtype=np.float32)[symbols[:, :-1]], symbols[:, 1:]
    y = np.where(np.arange(y.shape[1]) < lengths[:, None], y, -100)
    return {
        "x": x[HELD_OUT:], "y": y[HELD_OUT:], "lengths": lengths[HELD_OUT:],
        "x_test": x[:HELD_OUT], "y_test": y[:HELD_OUT], "lengths_test": lengths[:HELD_OUT],
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------
# Forward passes; x has the seeds as its first axis
# ---------------------------------------------------------------------------------------------


def forward(network: Network, w: Weights, x: torch.Tensor, lengths: Any = None) -> torch.Tensor:
    """Return logits (seeds, batch, classes), or (seeds, batch, time, symbols)."""
    return _KINDS[network.kind](network, w, x, lengths)


def _dense(network: Network, w: Weights, h: torch.Tensor, _: Any) -> torch.Tensor:
    last = len(network.sizes) - 2
    for i in range(last):
        h = FUNCTIONS[network.function](h @ w[f"w{i}"] + w[f"b{i}"])
    return h @ w[f"w{last}"] + w[f"b{last}"]


def normalize(x: torch.Tensor, norm: str, w: Weights, eps: float | None = None) -> torch.Tensor:
    """Return what a normalization makes of x: batch (over all rows), layer or rms."""
    axis = -2 if norm == "batch norm" else -1
    mean = 0 if norm == "rms norm" else x.mean(axis, keepdim=True)
    if "mean" in w:
        mean, variance = w["mean"], w["variance"]
    else:
        variance = (x - mean).square().mean(axis, keepdim=True)
    return (x - mean) / (variance + (EPSILON if eps is None else eps)).sqrt() * w["scale"]


EPSILON = 1e-5


def _normalized(network: Network, w: Weights, h: torch.Tensor, _: Any) -> torch.Tensor:
    norm, place = network.settings["norm"], network.settings["place"]
    if place == "input":
        h = normalize(h, norm, w)
    h = h @ w["w0"] + w["b0"]
    if place == "hidden":
        h = normalize(h, norm, w)
    return torch.relu(h) @ w["w1"] + w["b1"]


def _attention(network: Network, w: Weights, x: torch.Tensor, _: Any) -> torch.Tensor:
    q, k, v = (x @ w["w0"][:, None] + w["b0"][:, None]).chunk(3, -1)
    weights = torch.softmax(q @ k.transpose(-1, -2) / network.sizes[1] ** 0.5, -1)
    return (weights @ v).flatten(-2) @ w["w1"] + w["b1"]


def _conv(network: Network, w: Weights, x: torch.Tensor, _: Any) -> torch.Tensor:
    seeds, batch, units = *x.shape[:2], network.sizes[1]
    patches = functional.unfold(x.flatten(0, 1), 3, padding=1).unflatten(0, (seeds, batch))
    z = (w["w0"].transpose(1, 2)[:, None] @ patches).unflatten(-1, (14, 14))
    slope = w["slope"].reshape(seeds, 1, units, 1, 1)
    h = torch.where(z > 0, z, slope * z)
    return h.flatten(2) @ w["w1"] + w["b1"]


BLOCKS = {"rnn": 1, "gru": 3, "lstm": 4}


def _recurrent(network: Network, w: Weights, x: torch.Tensor, lengths: Any) -> torch.Tensor:
    hidden, told, outputs = network.sizes[1], network.settings, []
    h = x.new_zeros(*x.shape[:2], hidden)
    c = h
    steps = range(x.shape[2])
    for t in reversed(steps) if told.get("reverse") else steps:
        u, v = x[:, :, t] @ w["w"] + w["b"], h @ w["r"]
        if told["cell"] == "rnn":
            h = torch.relu(u + v)
        elif told["cell"] == "gru":
            r, z = torch.sigmoid(u + v + w["rb"])[..., : 2 * hidden].chunk(2, -1)
            if told["reset"] == "after":
                past = r * (v + w["rb"])[..., 2 * hidden :]
            else:
                past = (r * h) @ w["r"][..., 2 * hidden :] + w["rb"][..., 2 * hidden :]
            h = torch.lerp(torch.tanh(u[..., 2 * hidden :] + past), h, z)
        else:
            h, c = lstm_step(u + v, c, w, told.get("clip"))
        outputs.append(h)
    if network.given == "names":
        h = torch.stack(outputs, 2)
        return h @ w["w1"][:, None] + w["b1"][:, None]
    if told.get("lengths"):
        h = _of_lengths(torch.stack(outputs, 2), lengths, told["lengths"])
    return h @ w["w1"] + w["b1"]


def lstm_step(z: torch.Tensor, c: torch.Tensor, w: Weights, clip: Any) -> Any:
    """Return the next output and cell of an LSTM; `clip` bounds what enters its functions."""
    i, f, g, o = z.chunk(4, -1)
    bound = (lambda a: a.clamp(-clip, clip)) if clip else (lambda a: a)
    p = w["p"].chunk(3, -1) if "p" in w else (0.0, 0.0, 0.0)
    i, f, g = torch.sigmoid(bound(i + p[0] * c)), torch.sigmoid(bound(f + p[1] * c)), bound(g)
    c = f * c + i * torch.tanh(g)
    o = torch.sigmoid(bound(o + p[2] * c))
    return o * torch.tanh(c), c


def _of_lengths(h: torch.Tensor, lengths: torch.Tensor, how: str) -> torch.Tensor:
    there = torch.arange(h.shape[2]) < lengths[..., None]
    if how == "last":
        there = torch.arange(h.shape[2]) == lengths[..., None] - 1
    return (h * there[..., None]).sum(2) / there.sum(-1, keepdim=True)


_KINDS = {
    "dense": _dense, "normalized": _normalized, "attention": _attention, "conv": _conv,
    "recurrent": _recurrent,
}  # fmt: skip


# ---------------------------------------------------------------------------------------------
# Training
# ---------------------------------------------------------------------------------------------


def initial(network: Network, seed: int) -> dict[str, np.ndarray]:
    """Return the initial weights of one seed."""
    rng = np.random.default_rng([seed, 18])
    inputs, hidden, outputs = network.sizes[0], network.sizes[-2], network.sizes[-1]

    def normal(*shape: int, gain: float = 1.0) -> np.ndarray:
        return rng.normal(0, gain / shape[0] ** 0.5, shape)

    if network.kind == "dense":
        found, pairs = {}, list(zip(network.sizes, network.sizes[1:], strict=False))
        for i, (before, after) in enumerate(pairs):
            before //= 2 if i and network.function == "maxout" else 1
            gain = network.gain if i + 1 < len(pairs) else 1.0
            gain *= 1 / 80 if network.given == "bytes" and not i else 1
            found |= {f"w{i}": normal(before, after, gain=gain), f"b{i}": np.zeros((1, after))}
        return found
    out = {"b1": np.zeros((1, outputs))}
    if network.kind == "recurrent":
        width = BLOCKS[network.settings["cell"]] * hidden
        bound = hidden**-0.5
        found = {n: rng.uniform(-bound, bound, s) for n, s in (
            ("w", (inputs, width)), ("r", (hidden, width)), ("b", (1, width)))}  # fmt: skip
        if network.settings["cell"] == "gru":
            found["rb"] = rng.uniform(-bound, bound, (1, width))
        if network.settings.get("peepholes"):
            found["p"] = rng.uniform(-bound, bound, (1, 3 * hidden))
        return found | out | {"w1": normal(hidden, outputs)}
    if network.kind == "attention":
        found = {"w0": normal(inputs, 3 * hidden), "b0": np.zeros((1, 3 * hidden))}
        return found | out | {"w1": normal(28 * hidden, outputs)}
    if network.kind == "conv":
        found = {"w0": normal(9, hidden, gain=2**0.5), "slope": np.full((1, hidden), 0.25)}
        return found | out | {"w1": normal(hidden * 196, outputs)}
    width = inputs if network.settings["place"] == "input" else hidden
    found = {"w0": normal(inputs, hidden, gain=2**0.5), "b0": np.zeros((1, hidden))}
    return found | out | {"w1": normal(hidden, outputs), "scale": np.ones((1, width))}


def train(network: Network, seeds: int = SEEDS) -> dict[str, np.ndarray]:
    """Return the trained weights of all seeds, float32."""
    torch.set_num_threads(1)
    drawn = [initial(network, seed) for seed in range(seeds)]
    w = {
        name: torch.tensor(
            np.stack([d[name] for d in drawn]), dtype=torch.float32
        ).requires_grad_()
        for name in drawn[0]
    }  # fmt: skip
    given = {name: torch.from_numpy(np.asarray(v)) for name, v in read(network.given).items()}
    optimizer = torch.optim.Adam(w.values(), lr=RATE * (10 if network.given == "names" else 1))
    rngs = [np.random.default_rng([seed, 81]) for seed in range(seeds)]
    for _ in range(network.epochs):
        order = torch.from_numpy(np.stack([rng.permutation(len(given["x"])) for rng in rngs]))
        for rows in order.split(BATCH, dim=1):
            lengths = given["lengths"][rows] if "lengths" in given else None
            x, y = given["x"][rows], given["y"][rows]
            if network.given == "names":
                x, y = x[:, :, : lengths.max()], y[:, :, : lengths.max()]
            z = forward(network, w, x, lengths)
            loss = functional.cross_entropy(z.flatten(0, -2), y.flatten(), reduction="none")
            optimizer.zero_grad()
            (loss.sum() / (y[0] >= 0).sum()).backward()
            optimizer.step()
    found = {name: value.detach() for name, value in w.items()}
    if network.settings.get("norm") == "batch norm":  # statistics of all training images
        x = given["x"][None]
        z = x if network.settings["place"] == "input" else x @ found["w0"] + found["b0"]
        found["mean"], found["variance"] = z.mean(1, keepdim=True), z.var(1, False, keepdim=True)
    return {name: value.expand(seeds, *value.shape[1:]).numpy() for name, value in found.items()}


def trained(name: str) -> dict[str, np.ndarray]:
    """Return the weights of a network of `NETWORKS`; those that were kept, if there are some."""
    path = KEPT / f"{name}.npz"
    if not path.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        np.savez(path.with_suffix(".part.npz"), **train(NETWORKS[name]))
        path.with_suffix(".part.npz").replace(path)
    with np.load(path) as kept:
        return dict(kept)


def logits(name: str, w: Mapping[str, np.ndarray] | None = None, **changed: Any) -> np.ndarray:
    """Return the logits of the test data, of all seeds, with weights or settings changed."""
    network = NETWORKS[name]
    if changed:
        settings = {**network.settings, **changed.pop("settings", {})}
        network = Network(**{**vars(network), "settings": settings, **changed})
    given = {n: torch.from_numpy(np.asarray(v)) for n, v in read(network.given).items()}
    weights = {n: torch.from_numpy(np.array(v)) for n, v in (w or trained(name)).items()}
    seeds = len(next(iter(weights.values())))
    with torch.no_grad():
        x = given["x_test"][None].expand(seeds, *given["x_test"].shape)
        lengths = given["lengths_test"][None] if "lengths_test" in given else None
        return forward(network, weights, x, lengths).numpy()


NETWORKS = _networks()
