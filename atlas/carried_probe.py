"""Carry trained networks to one home: ``python carried_probe.py KIND HOME FOLDER ANSWERS``.

FOLDER holds ``jobs.json`` and the arrays that it names, as ``.npy`` files: inputs, labels, weights,
and the logits of the network where it was trained. There are two kinds.

- *functions*: dense networks whose hidden layers are multiplied in NumPy and bent by each line that
  a home of `homes` has for the activation: what its function does to a network.
- *networks*: whole networks, written or read by a module of `carried` in the ways that it names in
  `MODES`; its `answer(job, x, mode)` returns logits, and raises what the home says against it.

What is written are, for each seed, the accuracy on the test data, how many answers are others, the
largest difference of a logit and the loss in bits. This program knows nothing else of the project.
"""

import importlib
import json
import platform
import sys
import time
import traceback
from pathlib import Path

import numpy as np
from probe import processor, versions

HERE = Path(__file__).parent
ONNX = {"celu 0.3": ['op("Celu", x, alpha=0.3)']}  # not in the catalogue


class Folder:
    """The arrays of a folder, by name; read once."""

    def __init__(self, path):
        """Remember where."""
        self.path, self.read = Path(path), {}

    def __call__(self, name):
        """Return an array."""
        if name not in self.read:
            self.read[name] = np.load(self.path / f"{name}.npy")
        return self.read[name]


def scores(z, reference, y, head=""):
    """Return what logits (..., classes) are worth beside those of the original, of one seed."""
    kept = y >= 0
    z, reference, y = z[kept].astype(np.float64), reference[kept].astype(np.float64), y[kept]
    chosen = z.argmax(-1)
    with np.errstate(all="ignore"):
        told = z[np.arange(len(y)), y]
        if head in ("softmax", "sparsemax"):
            told = np.log(told)
        elif not head:
            top = z.max(-1)
            told = told - top - np.log(np.exp(z - top[:, None]).sum(-1))
        gap = np.abs(z - reference)
    return {
        "accuracy": float((chosen == y).mean()),
        "others": float((chosen != reference.argmax(-1)).mean()),
        "difference": float(np.where(np.isnan(gap), np.inf, gap).max()),
        "bits": float(-told.mean() / np.log(2)),
    }


def said(error):
    """Return one line that says what went wrong."""
    text = " ".join("".join(traceback.format_exception_only(error)).split())
    return text[:200]


def through(home, line, job, folder):
    """Return the scores of each seed with a line in all hidden layers, or in place of the head."""
    x, y, w = folder(job["x"]), folder(job["y"]), [folder(each) for each in job["weights"]]
    if job["head"]:
        z = folder(job["logits"])
        h = home.values(line, z.reshape(-1, z.shape[-1]), "float32").reshape(z.shape)
    else:
        h = x[None]
        for place in range(0, len(w), 2):
            if place:
                h = home.values(line, h.reshape(-1, h.shape[-1]), "float32")
                h = np.asarray(h, np.float32).reshape(len(w[0]), len(x), -1)
            h = h @ w[place] + w[place + 1]
    reference = folder(job["reference"])
    return [scores(*pair, y, job["head"]) for pair in zip(h, reference, strict=True)]


def functions(home, jobs, folder):
    """Yield how each line of a home that a network's activation names is asked."""
    for job in jobs:
        for line in job["lines"].get(home.__name__, ()):
            entry = {"network": job["name"], "line": line}
            yield entry, lambda line=line, job=job: through(home, line, job, folder)


def networks(home, jobs, folder):
    """Yield how a home is asked about whole networks, in each of its ways."""
    for mode in home.MODES:
        for job in jobs:
            entry = {"network": job["name"], "mode": mode}
            yield entry, lambda mode=mode, job=job: carried(home, mode, job, folder)


def carried(home, mode, job, folder):
    """Return the scores of each seed of a whole network."""
    x, y, reference = (folder(job[name]) for name in ("x", "y", "reference"))
    found = []
    for seed, answer in enumerate(reference[: job["seeds"]]):
        w = {name: folder(file)[seed] for name, file in job["weights"].items()}
        path = folder.path / "graphs" / f"{job['file']}-{seed}"
        z = home.answer({**job, "w": w, "path": str(path)}, x, mode)
        found.append(scores(np.asarray(z).reshape(answer.shape), answer, y))
    return found


def write(path, result):
    """Write answers in one piece, since the program may be ended at any time."""
    part = Path(f"{path}.part")
    part.write_text(json.dumps(result))
    part.replace(path)


def main(kind, name, place, path):
    """Carry what there is to a home, and write what became of it, one entry after the other.

    A home may end the whole program: called again, it goes on behind the entry that did.
    """
    for each in ("homes", "carried"):
        sys.path.insert(0, str(HERE / each))
    home = importlib.import_module(name if kind == "functions" else f"{name}_carried")
    jobs = json.loads((Path(place) / "jobs.json").read_text())[kind]
    result = {
        "versions": versions(home),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": f"{platform.system()} {platform.machine()}, {processor()}",
        "entries": json.loads(Path(path).read_text())["entries"] if Path(path).exists() else [],
    }
    asked = functions if kind == "functions" else networks
    for count, (entry, ask) in enumerate(asked(home, jobs, Folder(place))):
        if count < len(result["entries"]):
            continue
        result["entries"].append({**entry, "error": "ends the program that asks"})
        write(path, result)
        try:
            result["entries"][-1] = entry | {"seeds": ask()}
        except NotImplementedError:  # the home has no way for this network, or we wrote none
            result["entries"][-1] = entry
        except Exception as error:
            result["entries"][-1] = entry | {"error": said(error)}
        told = result["entries"][-1]
        if "seeds" in told:
            told = np.mean([each["accuracy"] for each in told["seeds"]])
        print(*entry.values(), told, flush=True)
    result["entries"] = [e for e in result["entries"] if "seeds" in e or "error" in e]
    write(path, result)


if __name__ == "__main__":
    main(*sys.argv[1:])
