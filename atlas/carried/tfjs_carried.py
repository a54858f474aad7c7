"""TensorFlow.js, with its layers."""

from pathlib import Path

import numpy as np
from _node import Program, array, text
from _plain import check, layers, turned
from tfjs import NPM, PACKAGES

__all__ = ["MODES", "NPM", "PACKAGES", "answer"]
MODES = ("float32",)
PROGRAM = Program("tfjs.mjs")
PROGRAM.path = Path(__file__).with_name("tfjs_carried.mjs")


def answer(job, x, mode):
    """Return what the network of a job answers."""
    w, told, given = job["w"], job["settings"], {"inputShape": list(x.shape[1:])}
    if check(job, mode, ("lstm",)):
        pairs, made, weights = layers(job), [], []
        for place, (each, bias) in enumerate(pairs):
            bent = {"activation": told["function"]} if place + 1 < len(pairs) else {}
            made.append(["dense", {"units": each.shape[1], **bent, **(given if not place else {})}])
            weights += [each, bias[0]]
    else:
        own = {"units": len(w["r"]), "returnSequences": job["x"] == "names"}
        own["recurrentActivation"] = "sigmoid"
        made = [["lstm", {**own, **given}], ["dense", {"units": w["w1"].shape[1]}]]
        weights = [turned(w[name], "ifgo", "ifgo") for name in ("w", "r")]
        weights += [w["b"][0], w["w1"], w["b1"][0]]
    asked = [{"numbers": text(each.astype(np.float32)), "shape": each.shape} for each in weights]
    x = {"numbers": text(x.astype(np.float32)), "shape": x.shape}
    return array(PROGRAM.ask(layers=made, weights=asked, x=x), np.float32)
