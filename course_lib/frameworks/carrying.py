"""Trained networks, carried from home to home: what became of their accuracy.

Networks that read the bundled digits or names were trained in PyTorch, for several seeds, and then
run elsewhere (``make carried``). `carried` tells what whole networks lost in each home; `ranked`
which known difference costs how much, when a network trained with one function is run with another
of the same name.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from course_lib._checks import check_choice

__all__ = [
    "CarriedRow",
    "Cost",
    "Move",
    "RankedDifference",
    "Training",
    "carried",
    "carried_homes",
    "ranked",
    "trainings",
]

_FOLDER = files("course_lib").joinpath("bundled", "atlas", "carried")


@dataclass(frozen=True)
class Cost:
    """What a network gives in another place.

    Attributes
    ----------
    seeds : int
        How many networks were measured: seeds of initial weights and batches.
    accuracy, there : float
        The mean proportion of right answers on the test data where it was trained, and there.
    loss : float
        The difference, in percentage points.
    interval : tuple of float
        A 95 % t interval of the loss over seeds, in percentage points.
    others : float
        The proportion of answers that are others than the original's.
    difference : float
        The largest difference of an output; ``inf`` where one is not finite.
    bits : float
        By how much the mean cross-entropy grows, in bits; ``nan`` or ``inf`` where that is not
        finite, and ``nan`` for sparsemax, whose answers can be 0.
    """

    seeds: int
    accuracy: float
    there: float
    loss: float
    interval: tuple[float, float]
    others: float
    difference: float
    bits: float


@dataclass(frozen=True)
class CarriedRow:
    """A whole network in one home.

    Attributes
    ----------
    home : str
        Such as ``"onnx_runtime"``.
    network : str
        ``"relu"``, 784-256-10 on digits; ``"gelu, deep"``, with four hidden layers of 64;
        ``"relu, bytes"``, whose pixels are 0 to 255; ``"names"``, an LSTM that tells letters.
    mode : str
        In which numbers it was computed, such as ``"float32"`` or ``"int8 weights"``.
    cost : Cost or None
        What it gives there.
    error : str
        Why there is none.
    """

    home: str
    network: str
    mode: str
    cost: Cost | None
    error: str = ""


@dataclass(frozen=True)
class Move:
    """A network that was trained with one function and run with another of the same name.

    Attributes
    ----------
    network : str
        Which one.
    home : str
        Where it was run; empty where a formula was put in its place.
    what : str
        The line, the graph or the formula that was run.
    cost : Cost or None
        What it gives there.
    error : str
        Why there is none.
    """

    network: str
    home: str
    what: str
    cost: Cost | None
    error: str = ""


@dataclass(frozen=True)
class RankedDifference:
    """A known difference, with what it costs.

    Attributes
    ----------
    rank : int
        1 for the costliest.
    name, title : str
        Short, and in words.
    words, source, advice : str
        What differs and since which version; whose documentation defines it; what to do. In
        Markdown.
    loss : float
        Of the costliest move, in percentage points of accuracy.
    moves : tuple of Move
        The costliest first.
    """

    rank: int
    name: str
    title: str
    words: str
    source: str
    advice: str
    loss: float
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class Training:
    """A setting that changes a training, not what is carried.

    Attributes
    ----------
    name : str
        Of the setting.
    original, other : str
        Whose defaults are compared.
    seeds : int
        Trainings of each.
    accuracy, there : float
        The mean proportion of right answers on the test data, with either.
    loss : float
        The difference, in percentage points.
    interval : tuple of float
        A 95 % t interval of the loss over seeds, in percentage points.
    """

    name: str
    original: str
    other: str
    seeds: int
    accuracy: float
    there: float
    loss: float
    interval: tuple[float, float]


@cache
def _read(name: str) -> Any:
    """Return the content of a stored file."""
    text = _FOLDER.joinpath(name).read_text(encoding="utf-8")
    return tomllib.loads(text) if name.endswith(".toml") else json.loads(text)


def _cost(row: Mapping[str, Any]) -> Cost | None:
    """Return what a stored row says of its cost."""
    if "loss" not in row:
        return None
    low, high = row["interval"]
    found = {key: float(row[key]) for key in ("accuracy", "there", "loss", "others")}
    more = {key: float(row[key]) for key in ("difference", "bits")}
    return Cost(seeds=row["seeds"], interval=(low, high), **found, **more)


def carried(network: str | None = None, *, home: str | None = None) -> tuple[CarriedRow, ...]:
    """Return what whole networks give in other homes.

    Parameters
    ----------
    network : str, optional
        As in `CarriedRow`. All without it.
    home : str, optional
        One of them. All without it.

    Returns
    -------
    tuple of CarriedRow
        By home, then by mode.

    Raises
    ------
    KeyError
        If there is no such network or home.

    Examples
    --------
    >>> row = carried("relu", home="onnx_runtime")[0]
    >>> row.mode, row.cost.loss
    ('float32', 0.0)
    """
    table = _read("carried.json")
    if network is not None:
        check_choice("network", network, {row["network"] for row in table["rows"]})
    if home is not None:
        check_choice("home", home, table["homes"])
    return tuple(
        CarriedRow(row["home"], row["network"], row["mode"], _cost(row), row.get("error", ""))
        for row in table["rows"]
        if network in (None, row["network"]) and home in (None, row["home"])
    )


def carried_homes() -> Mapping[str, Mapping[str, Any]]:
    """Return the versions, date and machine of each home to which networks were carried."""
    return MappingProxyType(_read("carried.json")["homes"])


def trainings() -> tuple[Training, ...]:
    """Return what the defaults of another framework change in a training.

    Returns
    -------
    tuple of Training
        Of the digits network, 784-256-10, after four epochs.

    Examples
    --------
    >>> {row.name for row in trainings()} >= {"initial weights", "Adam's epsilon"}
    True
    """
    return tuple(
        Training(**{**row, "interval": tuple(row["interval"])}) for row in _read("training.json")
    )


def ranked() -> tuple[RankedDifference, ...]:
    """Return the known differences, the one that costs most accuracy first.

    Returns
    -------
    tuple of RankedDifference
        All that were measured.

    Examples
    --------
    >>> table = {row.name: row for row in ranked()}
    >>> table["gelu-form"].loss
    0.0
    >>> table["gelu-form"].rank > table["gru-reset"].rank
    True
    """
    words = {each["name"]: each for each in _read("differences.toml")["difference"]}
    found = []
    for rank, row in enumerate(_read("ranked.json"), 1):
        told = {key: words[row["name"]][key] for key in ("title", "words", "source", "advice")}
        moves = tuple(
            Move(
                move["network"], move.get("home", ""), _what(move), _cost(move),
                move.get("error", ""),
            )
            for move in row["moves"]
        )  # fmt: skip
        found.append(RankedDifference(rank, row["name"], loss=row["loss"], moves=moves, **told))
    return tuple(found)


def _what(move: Mapping[str, Any]) -> str:
    """Return what was run in a move, in one line."""
    if "line" in move:
        return str(move["line"])
    if "formula" in move:
        return str(move["formula"])
    told = str(move.get("task", move["network"]))
    return told if move["mode"] == "float32" else f"{told}, {move['mode']}"
