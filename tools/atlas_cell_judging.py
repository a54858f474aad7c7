"""What the answers of a home about recurrent cells and normalization are worth.

Each part of an answer is held against the answers that are known (`atlas_cell_questions`): its
label, and how far it is from what was asked for. Default epsilons, running statistics and initial
weights are read off the numbers.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from atlas_cell_questions import BATCH, PRESSURES, SMALL, Question, questions
from atlas_judging import PATH

Values = np.ndarray
COLOR = re.compile("\x1b\\[[0-9;]*m")
RUNNING = {"batch norm, running": BATCH, "batch norm, running, two pressures": PRESSURES}


def judged(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of the answers of one home, by question."""
    by_name = {question.name: question for question in questions()}
    return {name: of_answer(by_name[name], answer) for name, answer in answers.items()}


def of_answer(question: Question, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of one answer."""
    if "error" in answer:
        return {"error": PATH.sub("...", COLOR.sub("", str(answer["error"])))}
    values = {name: numbers(*part) for name, part in answer.items()}
    if question.asks == "initial":
        return of_initial(values)
    if question.asks == "running":
        return of_running(values, RUNNING[question.name])
    if not question.known:
        return of_epsilon(values["y"])
    return {
        name: of_part(values[name], known, question)
        for name, known in question.known.items() if name in values
    }  # fmt: skip


def numbers(shape: list[int], written: list[str]) -> Values:
    """Return the array that the probe wrote."""
    return np.array([float.fromhex(value) for value in written]).reshape(shape)


def of_part(y: Values, known: Mapping[str, list[Values]], question: Question) -> dict[str, Any]:
    """Return the label of an answer, and how far it is from what was asked for."""
    first = next(iter(known.values()))
    if y.shape != first[0].shape:
        return {"is": f"shape {y.shape}"}
    gaps = {label: min(gap(y, each) for each in found) for label, found in known.items()}
    close = [label for label, distance in gaps.items() if distance <= question.tolerance]
    asked = min(gap(y, each) for each in first)
    lost = int((~np.isfinite(y) & np.isfinite(first[0])).sum())
    if lost:
        return {"is": "not finite", "count": lost, "of": int(y.size)}
    found: dict[str, Any] = {"is": close[0] if close else "another"}
    if not question.asked:
        return found
    if found["is"] != next(iter(known)):
        found["instead of"] = next(iter(known))
    return found | {"difference": float(f"{asked:.2g}")}


def gap(y: Values, known: Values) -> float:
    """Return the largest difference where a number is known."""
    counted = np.isfinite(known)
    found = np.abs(y - known)[counted]
    return float(np.where(np.isfinite(found), found, np.inf).max(initial=0))


def of_epsilon(y: Values) -> dict[str, Any]:
    """Return the epsilon of a norm, and where it stands, from values of known sizes.

    Of values a and -a, y is a / sqrt(a^2 + e) inside the root and a / (a + e) outside; a floor
    max(a^2, e) gives 1 above it.
    """
    a = np.array(SMALL)
    found = np.abs(y.reshape(-1)[: a.size] if y.size == a.size else first_of_pair(y))
    if not np.isfinite(found).all():
        return {"is": "not finite"}
    with np.errstate(all="ignore"):
        forms = {
            "inside": (a / found) ** 2 - a**2,
            "outside": a / found - a,
            "floor": (a / found) ** 2,
        }
    telling = found < 0.998
    if not telling.any():
        return {"is": "none", "epsilon": 0.0, "largest": float(f"{found.max():.6g}")}
    spread = {name: np.ptp(np.log(values[telling])) for name, values in forms.items()
              if (values[telling] > 0).all()}  # fmt: skip
    best = min(spread, key=spread.__getitem__)
    if best == "floor" and telling.sum() == 1:
        best = "inside"
    value = forms[best][telling][-1]
    if spread[best] > 0.2:
        return {"is": "another", "numbers": [float(f"{v:.4g}") for v in found]}
    return {"is": best, "epsilon": float(f"{value:.3g}")}


def first_of_pair(y: Values) -> Values:
    """Return the first of the two values of each size, along whichever axis the sizes are."""
    axis = next(i for i, n in enumerate(y.shape) if n == len(SMALL))
    return np.moveaxis(y, axis, 0).reshape(len(SMALL), -1)[:, 0]


def of_running(values: Mapping[str, Values], x: Values) -> dict[str, Any]:
    """Return which fraction of a batch enters running statistics, and which variance it is."""
    mean, variance = values["mean"].ravel(), values["variance"].ravel()
    new = float(mean[0] / x.mean(0)[0])
    found = {"fraction": float(f"{new:.3g}"), "mean": digits(mean), "variance": digits(variance)}
    for label, true in (("unbiased", x.var(0, ddof=1)), ("biased", x.var(0))):
        if np.allclose(variance, (1 - new) + new * true, rtol=1e-3):
            return {"is": label} | found
    return {"is": "another"} | found


def digits(values: Values) -> list[float]:
    """Return numbers with six digits."""
    return [float(f"{value:.6g}") for value in values.ravel()]


def of_initial(values: Mapping[str, Values]) -> dict[str, Any]:
    """Return what initial weights are: orthogonal, uniform or normal, their sizes, the biases."""
    recurrent = values["recurrent"]
    units = len(recurrent)
    gates = recurrent.shape[1] // units
    blocks = np.split(recurrent, gates, axis=1)
    found: dict[str, Any] = {"recurrent": of_matrix(recurrent, blocks), "input": drawn(
        values["input"], len(values["input"]))}  # fmt: skip
    found["recurrent"] |= {"units times variance": float(f"{units * recurrent.var():.3g}")}
    if "bias" in values:
        parts = np.split(values["bias"].ravel(), gates)
        found["bias"] = [float(f"{part.mean():.2g}") if np.ptp(part) == 0 else "drawn"
                         for part in parts]  # fmt: skip
    return found


def of_matrix(whole: Values, blocks: list[Values]) -> dict[str, Any]:
    """Return whether recurrent weights are orthogonal by gate, as a whole, or drawn."""
    same = np.eye(len(whole))
    if all(np.allclose(part @ part.T, same, atol=1e-4) for part in blocks):
        return {"is": "orthogonal by gate"}
    if np.allclose(whole @ whole.T, same, atol=1e-4):
        return {"is": "orthogonal as a whole"}
    return drawn(whole, len(whole))


def drawn(w: Values, fan_in: int) -> dict[str, Any]:
    """Return the distribution of independent weights, by their kurtosis, and its size."""
    z = (w - w.mean()) / w.std()
    kurtosis = float((z**4).mean())
    name = "uniform" if kurtosis < 2 else "truncated normal" if kurtosis < 2.7 else "normal"
    return {"is": name, "fan-in times variance": float(f"{fan_in * w.var():.3g}"),
            "largest": float(f"{np.abs(w).max():.3g}")}  # fmt: skip
