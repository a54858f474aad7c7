"""The known differences, ranked by what they cost trained networks.

Which there are, in words, stands in `course_lib/bundled/atlas/carried/differences.toml`, each with
moves: a network that was trained with one function and run with the other of the same name. A move
was run in the other home (`task` and `mode`, or `line`), or its formula was put into the network
where it was trained (`formula`, of `FORMULAS`).
"""

import json
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import carried_networks as networks
import numpy as np
import torch
from carried_graphs import blocks
from carried_networks import NETWORKS, logits, read, trained

from course_lib.statistics import t_interval

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "atlas"))
import carried_probe

Scores = dict[str, list[float]]
Ask = Callable[[dict[str, Any], Path], dict[str, Any]]


# ---------------------------------------------------------------------------------------------
# Formulas in place of a home
# ---------------------------------------------------------------------------------------------


def reordered(name: str, there: str, here: str) -> np.ndarray:
    """Return logits where blocks in the order `here` are read in the order `there`."""
    w = trained(name)
    turned = {key: blocks(w[key], there, here) for key in ("w", "r", "b", "rb") if key in w}
    return logits(name, {**w, **turned})


def other_epsilon(name: str, eps: float) -> np.ndarray:
    """Return logits with another epsilon in the normalization."""
    kept = networks.EPSILON
    networks.EPSILON = eps
    try:
        return logits(name)
    finally:
        networks.EPSILON = kept


def flattened(name: str) -> np.ndarray:
    """Return logits of a convolutional network that is flattened with channels last."""
    w = trained(name)
    seeds, units = len(w["w1"]), NETWORKS[name].sizes[1]
    read_so = w["w1"].reshape(seeds, -1, units, networks.CLASSES).swapaxes(1, 2)
    return logits(name, {**w, "w1": read_so.reshape(w["w1"].shape)})


def transposed(name: str) -> np.ndarray:
    """Return logits where square matrices are read transposed."""
    w = trained(name)
    square = {k: v.swapaxes(1, 2) for k, v in w.items() if v.shape[1] == v.shape[2] > 1}
    return logits(name, {**w, **square})


def one_pass(name: str) -> np.ndarray:
    """Return logits with the variance as the mean of squares minus the square of the mean."""
    w = {key: torch.from_numpy(value) for key, value in trained(name).items()}
    x = torch.from_numpy(read(NETWORKS[name].given)["x_test"])[None]
    mean = x.mean(-1, keepdim=True)
    variance = ((x * x).mean(-1, keepdim=True) - mean * mean).clamp(min=0)
    h = (x - mean) * (torch.rsqrt(variance + networks.EPSILON) * w["scale"])
    return (torch.relu(h @ w["w0"] + w["b0"]) @ w["w1"] + w["b1"]).numpy()


def repeated(name: str) -> np.ndarray:
    """Return logits where the mean goes over all steps, the last output repeated to the end."""
    w = trained(name)
    every = torch.from_numpy(
        np.stack([_until(name, w, t) for t in range(1, 29)], 2)
    )  # outputs (seeds, batch, time, units)
    lengths = read("rows")["lengths_test"]
    places = np.minimum(np.arange(28), lengths[:, None] - 1)
    h = np.take_along_axis(every.numpy(), places[None, :, :, None], 2).sum(2)
    return h / lengths[:, None] @ w["w1"] + w["b1"]


def _until(name: str, w: dict[str, np.ndarray], steps: int) -> np.ndarray:
    """Return the state of a recurrent network after so many steps."""
    network = NETWORKS[name]
    hidden = network.sizes[1]
    seeds = len(w["w"])
    eye = np.broadcast_to(np.eye(hidden, dtype=np.float32), (seeds, hidden, hidden))
    own = {**w, "w1": eye, "b1": np.zeros((seeds, 1, hidden), np.float32)}
    weights = {key: torch.from_numpy(np.array(value)) for key, value in own.items()}
    x = torch.from_numpy(read("rows")["x_test"][None, :, :steps]).expand(seeds, -1, -1, -1)
    plain = networks.Network(**{**vars(network), "settings": {"cell": "gru", "reset": "after"}})
    with torch.no_grad():
        return networks.forward(plain, weights, x).numpy()


def halves(name: str) -> np.ndarray:
    """Return logits of maxout that compares units half the width apart, not neighbors."""
    w = trained(name)
    half = w["w0"].shape[-1] // 2
    order = np.arange(2 * half).reshape(2, half).T.ravel()
    return logits(name, {**w, "w0": w["w0"][..., order], "b0": w["b0"][..., order]})


FORMULAS: dict[str, Callable[[str], np.ndarray]] = {
    "read as input, output, forget, candidate": lambda name: reordered(name, "iofg", "ifgo"),
    "read as input, candidate, forget, output": lambda name: reordered(name, "igfo", "ifgo"),
    "read as update, reset, candidate": lambda name: reordered(name, "zrn", "rzn"),
    "epsilon 0.001": lambda name: other_epsilon(name, 1e-3),
    "epsilon 1e-7": lambda name: other_epsilon(name, 1e-7),
    "epsilon 1e-12": lambda name: other_epsilon(name, 1e-12),
    "flattened with channels last": flattened,
    "square matrices transposed": transposed,
    "variance in one pass": one_pass,
    "last output repeated": repeated,
    "units half the width apart": halves,
}


# ---------------------------------------------------------------------------------------------
# Losses
# ---------------------------------------------------------------------------------------------


@cache
def original(name: str) -> Scores:
    """Return the scores of a network where it was trained."""
    base = name.split(", softmax")[0].split(", log_softmax")[0].split(", sparsemax")[0]
    base = "relu" if base == "relu, a pixel NaN" else base
    z, y = logits(base), read(NETWORKS[base].given)["y_test"]
    if name == "relu, a pixel NaN":
        z = np.full_like(z, np.nan)
    found = [carried_probe.scores(each, each, y) for each in z]
    return {key: [each[key] for each in found] for key in found[0]}


def scores(move: dict[str, Any], place: Path) -> Scores | str:
    """Return the scores of a move for each seed, or why there are none."""
    name = move["network"]
    if "formula" in move:
        z, y = FORMULAS[move["formula"]](name), read(NETWORKS[name].given)["y_test"]
        found = [carried_probe.scores(*pair, y) for pair in zip(z, logits(name), strict=True)]
        return {key: [each[key] for each in found] for key in found[0]}
    kind = "functions" if "line" in move else "networks"
    path = place / f"{kind}-{move['home']}.json"
    if not path.exists():
        return "not asked yet"
    wanted = {"network": move.get("task", name)}
    wanted |= {key: move[key] for key in ("line", "mode") if key in move}
    for entry in json.loads(path.read_text()).get("entries", ()):
        if wanted.items() <= entry.items():
            return entry.get("error") or {
                key: np.atleast_1d(np.asarray(entry[key], dtype=np.float64)).tolist()
                for key in ("accuracy", "others", "bits", "difference")
            }
    return "no such entry"


def measured(move: dict[str, Any], place: Path) -> dict[str, Any]:
    """Return a move with what it costs: points of accuracy, with a t interval over seeds."""
    found = scores(move, place)
    return {**move, "error": found} if isinstance(found, str) else {**move, **cost(move, found)}


def cost(move: dict[str, Any], found: Scores) -> dict[str, Any]:
    """Return what a network with these scores costs beside the original."""
    before = original(move["network"])
    count = len(found["accuracy"])
    lost = 100 * (np.array(before["accuracy"][:count]) - found["accuracy"])
    low, high = t_interval(lost) if np.ptp(lost) else (lost[0], lost[0])
    gap = max(found["difference"])
    bits = float(np.mean(found["bits"])) - float(np.mean(before["bits"][:count]))
    if "sparsemax" in move["network"]:
        bits = np.nan  # it answers zeros, and its loss is none of probabilities
    return {
        "seeds": count,
        "accuracy": round(float(np.mean(before["accuracy"][:count])), 4),
        "there": round(float(np.mean(found["accuracy"])), 4),
        "loss": round(float(lost.mean()), 2) + 0.0,
        "interval": [round(float(low), 2), round(float(high), 2)],
        "others": round(float(np.mean(found["others"])), 4),
        "difference": float(f"{gap:.2g}") if np.isfinite(gap) else str(gap),
        "bits": round(bits, 4) if np.isfinite(bits) else str(bits),
    }


def size(move: dict[str, Any]) -> tuple[float, float, float]:
    """Return what moves are sorted by: loss, other answers, the largest difference."""
    return move["loss"], move["others"], float(move["difference"])


def ranked(place: Path, ask: Ask = measured) -> list[dict[str, Any]]:
    """Return the known differences with their moves, the costliest first."""
    table = tomllib.loads((place / "differences.toml").read_text())["difference"]
    found = []
    for each in table:
        moves = [ask(move, place) for move in each["moves"]]
        there = sorted((move for move in moves if "loss" in move), key=size, reverse=True)
        if there:
            row = {key: there[0][key] for key in ("loss", "others")}
            silent = [move for move in moves if "loss" not in move]
            found.append({"name": each["name"], **row, "moves": there + silent})
    return sorted(found, key=lambda row: (-row["loss"], -row["others"]))


def as_before(place: Path) -> Ask:
    """Return what tells of each move what the stored ranking does, without networks."""
    stored = [
        move for row in json.loads((place / "ranked.json").read_text()) for move in row["moves"]
    ]

    def ask(move: dict[str, Any], place: Path) -> dict[str, Any]:
        found = [each for each in stored if move.items() <= each.items()]
        if not found:
            raise LookupError(f"{move} was not measured; run: make carried")
        return found[0]

    return ask


def carried(place: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what some whole networks give in each home and mode."""
    homes, rows = {}, []
    for path in sorted(place.glob("networks-*.json")):
        table = json.loads(path.read_text())
        home = path.stem.removeprefix("networks-")
        homes[home] = {k: table[k] for k in ("versions", "date", "machine", "failed") if k in table}
        for entry in table.get("entries", ()):
            if entry["network"] not in names:
                continue
            row = {"home": home, "network": entry["network"], "mode": entry["mode"]}
            move = {"network": entry["network"], "home": home, "mode": entry["mode"]}
            told = measured(move, place)
            rows.append(row | {key: v for key, v in told.items() if key not in row})
    return {"homes": homes, "rows": rows}
