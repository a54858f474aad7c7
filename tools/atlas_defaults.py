"""What homes are asked about initial weights, dropout and optimizers, and what answers are worth.

`cell_probe.py` asks the modules in `atlas/defaults` as it asks those of recurrent cells. A function
of a home answers an array: `w`, weights (fan-in, fan-out); `y`, whatever else; `loss` or `target`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from atlas_cell_judging import COLOR, digits, drawn, numbers
from atlas_cell_questions import asked
from atlas_judging import PATH

Values = np.ndarray
SHAPES = ((784, 256), (256, 64))
MANY = 200_000
GRADIENTS = np.array([1.0, -2.0, 1e-3, 1e-7, 0.0])
HALF = np.array([1.0, 0.001, 0.0])
LOGITS, SMOOTHING = np.array([3.0, 0.0, 0.0, 0.0]), 0.1
CUT = 0.7737  # the variance of a standard normal number that is drawn again beyond 2


@dataclass(frozen=True)
class Question:
    """A question, the function of a home that it asks, its arguments, and the judge."""

    name: str
    asks: str
    judge: Callable[[Mapping[str, Values]], dict[str, Any]]
    arguments: Mapping[str, Any]


def of_weights(found: Mapping[str, Values]) -> dict[str, Any]:
    """Return the distribution of weights, fan-in times variance, and the rules that give it."""
    w = found["w"]
    into, out = w.shape
    told = drawn(w, into)
    rules = {
        "1 / (3 fan-in)": 1 / 3,
        "1 / fan-in": 1.0,
        "2 / fan-in": 2.0,
        "2 / (fan-in + fan-out)": 2 * into / (into + out),
        "3.76 / (fan-in + fan-out)": 4 / (1 + 0.25**2) * into / (into + out),
        "uniform on −0.07 to 0.07": into * 0.07**2 / 3,
    }
    rules |= {
        f"{rule}, cut": CUT * size
        for rule, size in rules.items()
        if told["is"] == "truncated normal"
    }
    size = told["fan-in times variance"]
    close = [rule for rule, value in rules.items() if abs(size / value - 1) < 0.03]
    return told | {"rule": min(close, key=lambda rule: abs(size / rules[rule] - 1)) if close
                   else "another"}  # fmt: skip


def of_shares(found: Mapping[str, Values]) -> dict[str, Any]:
    """Return the fraction that became 0, and what the others were multiplied by."""
    y = found["y"].ravel()
    return {"dropped": figure((y == 0).mean()), "factor": figure(y.max())}


def of_moments(found: Mapping[str, Values]) -> dict[str, Any]:
    """Return mean and deviation."""
    return {
        name: round(float(value), 3) + 0.0
        for name, value in (("mean", found["y"].mean()), ("deviation", found["y"].std()))
    }


def of_pair(found: Mapping[str, Values]) -> dict[str, Any]:
    """Return whether two arrays are equal, and the fraction of numbers that differ."""
    one, other = found["y"]
    share = float((one != other).mean())
    return {"is": "different" if share else "equal", "fraction": figure(share)}


def of_adam(found: Mapping[str, Values]) -> dict[str, Any]:
    """Return the steps, and the epsilon that explains the one of the smallest gradient.

    The first step for a gradient g is g / (|g| + epsilon) times the step of a large one.
    """
    steps = found["y"].ravel()
    small = 1e-7
    epsilon = small * steps[0] / steps[3] - small
    return {"steps": digits(steps), "epsilon": float(f"{epsilon:.2g}")}


def of_numbers(found: Mapping[str, Values]) -> dict[str, Any]:
    """Return numbers; JSON has no NaN and no infinity, so these are words."""
    return {"numbers": [each if np.isfinite(each) else str(each)
                        for each in digits(found["y"].ravel())]}  # fmt: skip


def of_decay(found: Mapping[str, Values]) -> dict[str, Any]:
    """Return the decay of a step with learning rate 0.5."""
    return {"decay": float(f"{(1 - float(found['y'].ravel()[0])) / 0.5:.3g}")}


def of_smoothed(found: Mapping[str, Values]) -> dict[str, Any]:
    """Return what the target of the true class is: a loss is linear in it."""
    if "target" in found:
        share = float(found["target"].ravel()[0])
    else:
        total = float(np.log(np.exp(LOGITS).sum()))
        share = (total - float(found["loss"].ravel()[0])) / LOGITS[0]
    others = LOGITS.size
    known = {
        "over all classes": 1 - SMOOTHING * (others - 1) / others,
        "over the others": 1 - SMOOTHING,
    }
    return {"is": next((name for name, value in known.items() if abs(share - value) < 1e-4),
                       "another"), "target": float(f"{share:.4g}")}  # fmt: skip


def figure(value: float) -> float:
    """Return a figure with three digits."""
    return float(f"{value:.3g}")


def questions() -> tuple[Question, ...]:
    """Return all questions."""
    found = [
        Question(f"{name}, {into} to {out}", asks, of_weights, {"fan_in": into, "fan_out": out})
        for name, asks in (("dense initial weights", "dense"), ("he normal", "he_normal"))
        for into, out in SHAPES
    ]
    fifth = {"rate": 0.2, "n": MANY}
    found += [
        Question("one initializer for two layers", "twice", of_pair, {}),
        Question("dropout 0.2", "dropped", of_shares, fifth),
        Question("dropout 0.2 in use", "dropped", of_shares, fifth | {"training": False}),
        Question("dropout 0.001 in bfloat16", "dropped", of_shares,
                 {"rate": 0.001, "n": MANY, "dtype": "bfloat16"}),
        Question("dropout 0.2 as before", "dropped_as_before", of_shares, fifth),
        Question("dropout 0.2 by a flag", "dropped_by_flag", of_shares, fifth),
        Question("alpha dropout 0.2", "alpha_dropped", of_moments, fifth),
        Question("masks, compiled", "masks", of_pair, {"n": MANY}),
        Question("adam", "adam", of_adam, {"gradients": GRADIENTS}),
        Question("adam in float16", "adam", of_numbers, {"gradients": HALF, "dtype": "float16"}),
        Question("gradient descent", "descent", of_numbers, {"gradients": np.array([30.0, 40.0])}),
        Question("adamw decay", "decay", of_decay, {}),
        Question("label smoothing", "smoothed", of_smoothed,
                 {"logits": LOGITS, "rate": SMOOTHING}),
        Question("derivative of the absolute value at 0", "absolute", of_numbers, {}),
    ]  # fmt: skip
    return tuple(found)


def written() -> list[dict[str, Any]]:
    """Return the questions as the probe reads them."""
    return [
        {"name": each.name, "asks": each.asks, "arguments": asked(each.arguments)}
        for each in questions()
    ]


def judged(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of the answers of one home, by question."""
    judges = {question.name: question.judge for question in questions()}
    return {name: of_answer(judges[name], answer) for name, answer in answers.items()}


def of_answer(
    judge: Callable[[Mapping[str, Values]], dict[str, Any]], answer: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is told of one answer."""
    if "error" in answer:
        return {"error": PATH.sub("...", COLOR.sub("", str(answer["error"])))}
    return judge({name: numbers(*part) for name, part in answer.items()})
