"""Differences that change a training: the digits network trained with one setting and another.

Nothing is carried here. The same network, of the same seeds, images and batches, is trained with
what one framework does by default and with what another does, and the two are compared.
"""

import itertools
from typing import Any

import numpy as np
import torch
from carried_networks import BATCH, CLASSES, SEEDS, normalize, read
from torch.nn import functional

from course_lib.statistics import t_interval

SIZES, EPOCHS, RATE = (784, 256, CLASSES), 4, 0.001
USUAL = {"start": 1 / 3, "beta": True, "eps": 1e-8, "slope": None, "drop": 0.0, "momentum": None}
PAIRS = (  # name, of the original, of the other; homes and versions in words
    ("initial weights", {}, {"start": "glorot"}, "PyTorch 2.13.0", "Keras 3.15.1"),
    ("initial weights", {}, {"start": 1.0}, "PyTorch 2.13.0", "flax 0.12.8"),
    ("Adam's bias correction", {}, {"beta": False}, "PyTorch 2.13.0", "MLX 0.32.4 (none)"),
    ("Adam's epsilon", {}, {"eps": 1e-7}, "PyTorch 2.13.0", "Keras 3.15.1"),
    ("dropout(0.2)", {"drop": 0.2}, {"drop": 0.8}, "dropped everywhere",
     "kept in tf.compat.v1 2.21.0"),
    ("batch norm's momentum, 0.1", {"momentum": 0.1}, {"momentum": 0.9}, "PyTorch 2.13.0",
     "Keras 3.15.1"),
    ("batch norm's momentum, default", {"momentum": 0.1}, {"momentum": 0.01}, "PyTorch 2.13.0",
     "Keras 3.15.1"),
    ("PReLU's initial slope", {"slope": 0.25}, {"slope": 0.0}, "PyTorch 2.13.0", "Keras 3.15.1"),
)  # fmt: skip


def start(told: dict[str, Any], seed: int) -> dict[str, np.ndarray]:
    """Return initial weights: uniform, with a variance times fan-in, or Glorot's."""
    rng, found = np.random.default_rng([seed, 18]), {}
    for i, (inputs, outputs) in enumerate(itertools.pairwise(SIZES)):
        gain = 2 * inputs / (inputs + outputs) if told["start"] == "glorot" else told["start"]
        bound = (3 * gain / inputs) ** 0.5
        found[f"w{i}"] = rng.uniform(-bound, bound, (inputs, outputs))
        found[f"b{i}"] = np.zeros((1, outputs))
    if told["slope"] is not None:
        found["slope"] = np.full((1, SIZES[1]), told["slope"])
    if told["momentum"]:
        found["scale"] = np.ones((1, SIZES[1]))
    return found


def hidden(told: dict[str, Any], w: Any, z: torch.Tensor) -> torch.Tensor:
    """Return the activations."""
    if told["slope"] is None:
        return torch.relu(z)
    return torch.where(z > 0, z, w["slope"] * z)


def step(w: Any, moments: Any, count: int, told: dict[str, Any]) -> None:
    """Make one step of Adam, with or without bias correction."""
    for name, value in w.items():
        first, second = moments[name]
        first.lerp_(value.grad, 0.1)
        second.lerp_(value.grad.square(), 0.001)
        right = (1 - 0.9**count, 1 - 0.999**count) if told["beta"] else (1.0, 1.0)
        value.data -= RATE * first / right[0] / ((second / right[1]).sqrt() + told["eps"])
        value.grad = None


def accuracies(settings: dict[str, Any]) -> np.ndarray:
    """Return the test accuracy of each seed after a training."""
    torch.set_num_threads(1)
    told, given = {**USUAL, **settings}, read("pixels")
    drawn = [start(told, seed) for seed in range(SEEDS)]
    w = {n: torch.tensor(np.stack([d[n] for d in drawn])).float() for n in drawn[0]}
    moments = {n: (torch.zeros_like(v), torch.zeros_like(v)) for n, v in w.items()}
    w = {n: v.requires_grad_() for n, v in w.items()}
    x, y = torch.from_numpy(given["x"]), torch.from_numpy(np.asarray(given["y"]))
    rngs = [np.random.default_rng([seed, 81]) for seed in range(SEEDS)]
    masks, count, running = torch.Generator().manual_seed(0), 0, None
    for _ in range(EPOCHS):
        order = torch.from_numpy(np.stack([rng.permutation(len(x)) for rng in rngs]))
        for rows in order.split(BATCH, dim=1):
            z, count = x[rows] @ w["w0"] + w["b0"], count + 1
            if told["momentum"]:
                now = (z.mean(1, keepdim=True).detach(), z.var(1, keepdim=True).detach())
                before = running or (torch.zeros_like(now[0]), torch.ones_like(now[1]))
                running = tuple(
                    torch.lerp(a, b, told["momentum"]) for a, b in zip(before, now, strict=True)
                )
                z = normalize(z, "batch norm", {"scale": w["scale"]})
            h = hidden(told, w, z)
            kept = torch.rand(h.shape, generator=masks) >= told["drop"]
            h = h * kept / (1 - told["drop"])
            logits = h @ w["w1"] + w["b1"]
            loss = functional.cross_entropy(logits.flatten(0, 1), y[rows].flatten())
            (loss * SEEDS).backward()
            step(w, moments, count, told)
    with torch.no_grad():
        z = torch.from_numpy(given["x_test"]) @ w["w0"] + w["b0"]
        if running:
            own = {"mean": running[0], "variance": running[1], "scale": w["scale"]}
            z = normalize(z, "batch norm", own)
        chosen = (hidden(told, w, z) @ w["w1"] + w["b1"]).argmax(-1).numpy()
    return (chosen == given["y_test"]).mean(-1)


def compared() -> list[dict[str, Any]]:
    """Return what each setting of another framework costs a training."""
    known: dict[str, np.ndarray] = {}
    found = []
    for name, here, there, original, other in PAIRS:
        for settings in (here, there):
            if str(settings) not in known:
                known[str(settings)] = accuracies(settings)
        lost = 100 * (known[str(here)] - known[str(there)])
        low, high = t_interval(lost) if np.ptp(lost) else (lost[0], lost[0])
        found.append(
            {
                "name": name, "original": original, "other": other, "seeds": len(lost),
                "accuracy": round(float(known[str(here)].mean()), 4),
                "there": round(float(known[str(there)].mean()), 4),
                "loss": round(float(lost.mean()), 2) + 0.0,
                "interval": [round(float(low), 2), round(float(high), 2)],
            }
        )  # fmt: skip
    return found
