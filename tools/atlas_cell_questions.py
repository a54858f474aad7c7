"""What homes are asked about recurrent cells and normalization, and what may be answered.

A question has the answers that are known, for each part by a label: the first is what the question
asks for, the others are what homes make of it. A number that is NaN there is not compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import atlas_cells
import numpy as np

Values = np.ndarray
Known = Mapping[str, Mapping[str, list[Values]]]
KINDS = ("rnn", "lstm", "gru")
UNITS, INPUTS, LENGTHS = 3, 2, (5, 3)
FAR, SIZES = 4096.0, {"": 512, ", 8 values": 8}
SMALL = (0.1, 0.01, 0.001, 0.0001)  # the sizes at which a default epsilon is measured
BATCH = np.array([[0.0, 100.0], [2.0, 104.0]])
PRESSURES = np.array([[101300.0], [101302.0]])


@dataclass(frozen=True)
class Question:
    """A question, the function of a home that it asks, and the answers that are known."""

    name: str
    asks: str
    arguments: Mapping[str, Any]
    known: Known = field(default_factory=dict)
    tolerance: float = 2e-5
    asked: bool = True  # for one of the answers; otherwise for what is there by default


def weights(kind: str, seed: int = 0) -> dict[str, Values]:
    """Return weights with two decimals."""
    rng = np.random.default_rng(seed)
    gates = atlas_cells.GATES[kind] * UNITS
    sizes = {"input": (INPUTS, gates), "recurrent": (UNITS, gates), "bias": (gates,)}
    return {name: np.round(rng.normal(size=size), 2) for name, size in sizes.items()}


def sequence() -> Values:
    """Return two sequences of five steps."""
    return np.round(np.random.default_rng(7).normal(size=(2, 5, INPUTS)), 2)


def one_unit(kind: str) -> tuple[dict[str, Values], Values]:
    """Return the weights and inputs of the unit that the page computes by hand."""
    given = {"rnn": [0.5], "lstm": [0.5, -1.0, 1.5, 1.0], "gru": [0.5, -1.0, 1.5]}[kind]
    past = {"rnn": [-1.0], "lstm": [1.0, 0.5, -1.0, 2.0], "gru": [1.0, 0.5, -1.0]}[kind]
    bias = {"rnn": [0.25], "lstm": [0.0, 1.0, 0.25, -0.5], "gru": [0.0, 1.0, 0.25]}[kind]
    w = {"input": np.array([given]), "recurrent": np.array([past]), "bias": np.array(bias)}
    return w, np.array([1.0, -0.5, 2.0]).reshape(1, 3, 1)


def turned(w: Mapping[str, Values]) -> dict[str, Values]:
    """Return the weights of a GRU whose update gate weighs the new state instead of the old one."""
    signs = np.repeat([1.0, -1.0, 1.0], w["bias"].size // 3)
    return {name: value * signs for name, value in w.items()}


USUAL = {
    "rnn": {"same": ("tanh",), "relu": ("relu",)},
    "lstm": {"same": ("sigmoid", "tanh", "tanh"), "hard sigmoid": ("hard sigmoid", "tanh", "tanh")},
    "gru": {"same": ("sigmoid", "tanh"), "hard sigmoid": ("hard sigmoid", "tanh")},
}


def variants(kind: str, **options: Any) -> list[dict[str, Values]]:
    """Return a cell's answers with its usual activations, those of a GRU with both resets.

    Which of them a home has, is a question of its own; the others are about what holds for each.
    """
    ways = 2 if options.get("direction") == "both" else 1
    given = options.pop("activations", None)
    activations = [given] if given else [f * ways for f in USUAL[kind].values()]
    return [each for f in activations for each in gated(kind, activations=f, **options)]


def gated(kind: str, **options: Any) -> list[dict[str, Values]]:
    """Return a cell's answers, those of a GRU with both resets and both meanings of its update."""
    w, x = options.pop("w", weights(kind)), options.pop("x", sequence())
    if kind != "gru":
        return [atlas_cells.cell(kind, w, x, **options)]
    resets = [options.pop("reset")] if "reset" in options else ["after", "before"]
    other = options | ({"back": turned(options["back"])} if "back" in options else {})
    pairs = ((w, options), (turned(w), other))
    return [atlas_cells.cell(kind, each, x, reset=reset, **more)
            for each, more in pairs for reset in resets]  # fmt: skip


def usual(kind: str, found: list[dict[str, Values]]) -> Known:
    """Return answers by the activations that a cell has by default."""
    size = len(found) // 2
    first, second = USUAL[kind]
    return parts(**{first: found[:size], second.replace(" ", "_"): found[size:]})


def parts(**labelled: list[dict[str, Values]]) -> Known:
    """Return answers by part and label; underscores of a label are spaces."""
    names = next(iter(labelled.values()))[0]
    return {
        part: {label.replace("_", " "): [each[part] for each in found]
               for label, found in labelled.items()}
        for part in names
    }  # fmt: skip


def question(name: str, kind: str, known: Known, **arguments: Any) -> Question:
    """Return a question about a layer of cells."""
    given = {"kind": kind, "w": weights(kind), "x": sequence()} | arguments
    return Question(f"{kind} {name}".strip(), "cell", given, known)


def of_direction(kind: str) -> list[Question]:
    """Return the questions about directions."""
    back = weights(kind, 1)
    forward, reverse = variants(kind), variants(kind, direction="reverse")
    read = [each | {"y": each["y"][:, ::-1]} for each in reverse]
    both = variants(kind, direction="both", back=back)
    begun = [each | {name: state[name] for name in state if name != "y"} for each, state in zip(
        reverse, variants(kind, x=sequence()[:, -1:]), strict=True)]  # fmt: skip
    known = parts(backward=reverse, forward=forward, backward_in_order_of_reading=read,
                  of_its_first_step=begun)  # fmt: skip
    joined = parts(
        both=both,
        second_one_forward=[
            {name: np.concatenate([one[name], other[name]], -1) for name in one}
            for one, other in zip(forward, variants(kind, w=back), strict=True)
        ],
    )
    return [
        question("reverse", kind, known, direction="reverse"),
        question("both", kind, joined, direction="both", back=back),
    ]


def of_lengths(kind: str) -> list[Question]:
    """Return the questions about sequences of different lengths."""
    right, ignored = variants(kind, lengths=LENGTHS), variants(kind)
    repeated = []
    for each in right:
        y = each["y"].copy()
        y[1, LENGTHS[1] :] = y[1, LENGTHS[1] - 1]
        repeated.append(each | {"y": y})
    states = {name for name in right[0] if name != "y"}
    known: Known = {
        "y": {label: [each["y"] for each in found]
              for label, found in (("0", right), ("the last one", repeated),
                                   ("computed on", ignored))}
    } | {
        name: {"at the end": [each[name] for each in right],
               "after the padding": [each[name] for each in ignored]}
        for name in states
    }  # fmt: skip
    back = {"direction": "both", "back": weights(kind, 1)}
    inside = np.where(np.arange(5)[None, :, None] < np.array(LENGTHS)[:, None, None], 1.0, np.nan)
    own, padded = variants(kind, lengths=LENGTHS, **back), variants(kind, **back)
    joined: Known = {"y": {
        "from its own end": [each["y"] * inside for each in own],
        "from the padding": [each["y"] * inside for each in padded],
    }}  # fmt: skip
    lengths = np.array(LENGTHS)
    return [
        question("lengths", kind, known, lengths=lengths),
        question("both, lengths", kind, joined, lengths=lengths, **back),
    ]


def of_options(kind: str) -> list[Question]:
    """Return the questions about initial state, clip, activations and the rest."""
    plain = variants(kind)
    rng = np.random.default_rng(3)
    start = {name: np.round(rng.normal(size=(2, UNITS)), 2)
             for name in (("h", "c") if kind == "lstm" else ("h",))}  # fmt: skip
    f = {"rnn": ["relu"], "lstm": ["sigmoid", "relu", "relu"], "gru": ["sigmoid", "relu"]}[kind]
    both = {"direction": "both", "back": weights(kind, 1)}
    tanh = list(atlas_cells.ACTIVATIONS[kind])
    used = {
        name: variants(kind, **both, activations=value)
        for name, value in (("used", tanh + f), ("first", tanh * 2), ("second", f * 2))
    }
    clipped = {"used": variants(kind, clip=0.5), "ignored": plain}
    if kind == "lstm":
        clipped["the cell state"] = variants(kind, state_clip=0.5)
    first = plain[:1] if kind == "rnn" else plain
    found = [
        question("", kind, usual(kind, plain)),
        question("initial state", kind,
                 parts(used=variants(kind, start=start), ignored=plain), start=start),
        question("clip", kind, parts(**clipped), clip=0.5),
        question("relu", kind,
                 parts(used=variants(kind, activations=f), ignored=first), activations=f),
        question("both, second relu", kind,
                 parts(used=used["used"], the_first_for_both=used["first"],
                       the_second_for_both=used["second"]), activations=tanh + f, **both),
        question("batch first", kind, parts(used=plain), layout=1),
        question("traced with 3 steps", kind, parts(runs_on=plain), traced=3),
        Question(f"{kind} initial weights", "initial", {"kind": kind, "inputs": 48, "units": 64}),
    ]  # fmt: skip
    return found + of_direction(kind) + of_lengths(kind)


def of_one_kind() -> list[Question]:
    """Return the questions that only one kind of cell has."""
    w, x = weights("rnn"), sequence()
    resets = {reset: variants("gru", reset=reset) for reset in ("before", "after")}
    holes = np.round(np.random.default_rng(5).normal(size=(3, UNITS)), 2)
    proj = np.round(np.random.default_rng(6).normal(size=(UNITS, 2)), 2)
    narrow = weights("lstm") | {"recurrent": weights("lstm")["recurrent"][:2]}
    plain, update = variants("lstm"), variants("gru")
    first = atlas_cells.cell("rnn", w, x)
    kept = atlas_cells.cell("rnn", w, x, start={"h": first["h"]})
    twice = {"y": {"kept": [kept["y"]], "forgotten": [first["y"]]}}
    projected = variants("lstm", w=narrow, projection=proj)
    found = [
        Question("gru reset", "cell", {"kind": "gru", "w": weights("gru"), "x": x},
                 {"y": {k: [each["y"] for each in v] for k, v in resets.items()}}, asked=False),
        question("update gate", "gru", parts(the_old_state=update[:2] + update[4:6],
                                             the_new_state=update[2:4] + update[6:])),
        question("reset before", "gru",
                 parts(before=resets["before"], after=resets["after"]), reset="before"),
        question("reset after", "gru",
                 parts(after=resets["after"], before=resets["before"]), reset="after"),
        question("peepholes", "lstm",
                 parts(used=variants("lstm", peepholes=holes), ignored=plain), peepholes=holes),
        question("coupled gates", "lstm",
                 parts(used=variants("lstm", coupled=True), ignored=plain), coupled=True),
        question("projection", "lstm", parts(used=projected), w=narrow, projection=proj),
    ]  # fmt: skip
    for way in ("call", "predict", "fit"):
        given = {"way": way, "w": w, "x": x}
        found.append(Question(f"stateful {way}", "stateful", given, twice))
    for kind in KINDS:
        w, x = one_unit(kind)
        known = usual(kind, variants(kind, w=w, x=x))
        found.append(question("one unit", kind, known, w=w, x=x))
    return found


def drawn(shape: tuple[int, ...], mean: float = 0.0, size: float = 1.0) -> Values:
    """Return normal numbers that float32 holds."""
    x = np.random.default_rng(11).normal(mean, size, shape)
    return x.astype(np.float32).astype(np.float64)


SHAPES = {
    "layer": lambda n: (4, n),
    "rms": lambda n: (4, n),
    "batch": lambda n: (n, 4),
    "group": lambda n: (2, 4, n // 2),
    "instance": lambda n: (2, 4, n),
}
ONE = {"layer": (3, 1), "rms": (3, 1), "batch": (1, 3), "group": (2, 3, 1), "instance": (2, 3, 1)}


def of_norm(kind: str) -> list[Question]:
    """Return the questions about one kind of normalization."""
    shape = SHAPES[kind]

    def asks(name: str, x: Values, labels: Mapping[str, Values], tolerance: float = 5e-3,
             epsilon: float | None = 1e-5, groups: int = 2, **more: Any) -> Question:  # fmt: skip
        given = {"kind": kind, "x": x} | more
        given |= {} if epsilon is None else {"epsilon": epsilon}
        given |= {"groups": groups} if kind == "group" else {}
        known = {"y": {label: [value] for label, value in labels.items()}} if labels else {}
        return Question(f"{kind} norm{name}", "norm", given, known, tolerance)

    plain = drawn(shape(16), 0.5)
    labels = {"same": atlas_cells.norm(kind, plain, 1e-5, 2)}
    if kind == "group":
        mixed = plain[:, [0, 2, 1, 3]]
        labels["every second channel"] = atlas_cells.norm(kind, mixed, 1e-5, 2)[:, [0, 2, 1, 3]]
    found = [asks("", plain, labels, 2e-5)]
    for name, n in SIZES.items():
        x = drawn(shape(n), FAR)
        found.append(asks(f" at mean {FAR:.0f}{name}", x,
                          {"same": atlas_cells.norm(kind, x, 1e-5, 2)}))  # fmt: skip
    x = np.full(shape(512), float(np.float32(1000.1)))
    label = "1" if kind == "rms" else "0"
    found.append(asks(" of a constant", x, {label: atlas_cells.norm(kind, x, 1e-5, 2)}, 1e-3))
    x = drawn(ONE[kind], 5.0)
    one = {"0": np.zeros_like(x), "the value": x}
    if kind == "rms":
        one = {"the sign": np.sign(x), "the value": x}
    found.append(asks(" of one value", x, one, groups=3))
    small = np.array([[a, -a] for a in SMALL])
    placed = {"layer": small, "rms": small, "batch": small.T, "group": small[:, :, None],
              "instance": small[:, None, :]}[kind]  # fmt: skip
    found.append(asks(" epsilon", placed, {}, epsilon=None, groups=1))
    x = np.round(drawn(shape(512), 0.0, 300.0))
    found.append(asks(" in float16 at 300", x, {"same": atlas_cells.norm(kind, x, 1e-5, 2)},
                      1e-2, dtype="float16"))  # fmt: skip
    return found


def of_batch_norm() -> list[Question]:
    """Return the questions about running statistics."""
    x = drawn((16, 4), 0.5)
    mean, variance = np.array([0.5, -1.0, 2.0, 0.0]), np.array([1.0, 0.25, 4.0, 9.0])
    y = (x - mean) / np.sqrt(variance + 1e-5)
    far = drawn((16, 4), FAR)
    moved = {"mean": np.full(4, FAR), "variance": np.ones(4), "epsilon": 1e-5}
    spread = np.array(SMALL) ** 2
    return [
        Question("batch norm in use", "in_use",
                 {"x": x, "mean": mean, "variance": variance, "epsilon": 1e-5},
                 {"y": {"same": [y]}}),
        Question(f"batch norm in use at mean {FAR:.0f}", "in_use", {"x": far} | moved,
                 {"y": {"same": [(far - FAR) / np.sqrt(1 + 1e-5)]}}, 5e-3),
        Question("batch norm in use, epsilon", "in_use",
                 {"x": np.array([SMALL]), "mean": np.zeros(4), "variance": spread}),
        Question("batch norm, running", "running", {"x": BATCH}),
        Question("batch norm, running, two pressures", "running", {"x": PRESSURES}),
    ]  # fmt: skip


@cache
def questions() -> tuple[Question, ...]:
    """Return all questions."""
    found = [each for kind in KINDS for each in of_options(kind)] + of_one_kind()
    found += [each for kind in SHAPES for each in of_norm(kind)] + of_batch_norm()
    return tuple(found)


def asked(part: Any) -> Any:
    """Return arguments as JSON keeps them."""
    if isinstance(part, np.ndarray):
        return {"array": part.tolist()}
    if isinstance(part, Mapping):
        return {name: asked(each) for name, each in part.items()}
    return part


def written() -> list[dict[str, Any]]:
    """Return the questions without the answers, as the probe reads them."""
    return [
        {"name": each.name, "asks": each.asks, "arguments": asked(each.arguments)}
        for each in questions()
    ]


def by_hand() -> dict[str, Any]:
    """Return the unit that is computed by hand: its weights, and what it computes at each step.

    Of a GRU of several units also the last states of both resets, which in one unit are equal.
    """
    found: dict[str, Any] = {}
    for kind in KINDS:
        w, x = one_unit(kind)
        steps = atlas_cells.by_hand(kind, w, x)
        found[kind] = {name: value.ravel().tolist() for name, value in w.items()} | {"steps": steps}
    for reset in ("before", "after"):
        (state, *_) = variants("gru", reset=reset)
        found["gru"][reset] = state["h"][0].tolist()
    return found
