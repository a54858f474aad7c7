"""Carry trained networks to every home, and store what becomes of their accuracy.

``python tools/atlas_carried.py`` trains the networks of `carried_networks`, if none are kept,
writes them down, and runs `atlas/carried_probe.py` in the environment of each home that is not
stored yet; ``python tools/atlas_carried.py tfjs`` that one anew. An interrupted run goes on where
it was. What is stored is one JSON a home in `course_lib/bundled/atlas/carried`, and there
``ranked.json``, the known differences by what they cost, ``carried.json`` (`carried_ranking`) and
``training.json`` (`carried_training`).
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import atlas_judging
import carried_graphs
import carried_networks
import carried_ranking
import carried_training
import numpy as np
from carried_networks import NETWORKS, logits, read, trained
from carried_ranking import carried_probe

import atlas
from course_lib import activations, frameworks

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "atlas" / "carried_probe.py"
WORK = ROOT / "_build" / "atlas" / "carried"
STORED = ROOT / "course_lib" / "bundled" / "atlas" / "carried"
USUAL = ("torch_eager", "jax_eager", "keras_torch", "tensorflow_eager", "onnx_runtime")
RUNTIMES = (
    "onnx_runtime", "onnx_reference", "openvino_cpu", "tract_onnx", "mnn_onnx", "opencv_dnn",
    "onnxruntime_web",
)  # fmt: skip
CRASHES = 20  # of a home, before it is given up
CARRIED_SEEDS = 5  # of whole networks
HEADS = ("softmax", "log_softmax", "sparsemax")
WHOLE = ("relu", "gelu, deep", "relu, bytes", "names")  # carried in every way that a home has
UNSAID = {  # the same networks, with something left to the default
    "gru": "gru, attribute left out",
    "gru, lengths": "gru, last place",
    "attention": "attention, axis left out",
    "conv with prelu": "conv with prelu, slopes in a row",
}


def learned(name: str) -> bool:
    """Return whether a network is trained well enough for its loss to say something."""
    y = read(NETWORKS[name].given)["y_test"]
    hits = (logits(name).argmax(-1) == y)[:, y >= 0]
    return bool((hits.mean(-1) > (0.3 if name == "names" else 0.5)).all())


def save(name: str, value: np.ndarray) -> str:
    """Write an array, unless it is there, and return its name."""
    path = WORK / f"{name}.npy"
    if not path.exists():
        np.save(path, value)
    return name


def asked(name: str, function: str) -> dict[str, list[str]]:
    """Return the lines of each home that are worth a run with a network.

    Those that are another function than the catalogue's; for a network whose activation is itself
    not the catalogue's, what `USUAL` homes have; and of some, what ends early, in `RUNTIMES`.
    """
    if function in carried_probe.ONNX:
        return {home: carried_probe.ONNX[function] for home in RUNTIMES}
    other = NETWORKS[name.removesuffix(", deep")].function != function if name in NETWORKS else 0
    found: dict[str, list[str]] = {}
    for row in frameworks.atlas(function):
        usual = row.home in USUAL and (other or function == "sigmoid")
        early = row.home in RUNTIMES and function in ("sigmoid", "relu", "elu", "selu", "mish")
        if row.verdict == "different function" or usual or early:
            found.setdefault(row.home, []).append(row.line)
    return found


def write_functions() -> list[dict[str, Any]]:
    """Write the dense networks; return a job for each, and for each head."""
    jobs = []
    for name, network in NETWORKS.items():
        if network.kind != "dense" or not learned(name):
            continue
        w, key = trained(name), network.function
        own = key if key in carried_probe.ONNX else key.split()[0]
        job = {
            "name": name,
            "function": own,
            "lines": asked(name, own),
            "x": network.given,
            "y": "y",
            "head": "",
            "weights": [save(f"{name} {part}", value) for part, value in w.items()],
            "reference": save(f"{name} logits", logits(name)),
        }
        jobs.append(job)
        for head in HEADS if name in ("relu", "relu, bytes") else ():
            answer = getattr(activations, head)(logits(name).astype(np.float64))
            jobs.append(
                {
                    **job,
                    "name": f"{name}, {head}",
                    "function": head,
                    "lines": asked("", head),
                    "head": head,
                    "logits": job["reference"],
                    "reference": save(f"{name} {head}", answer),
                }
            )
        if name == "relu":
            x = read("pixels")["x_test"].copy()
            x[:, 406] = np.nan
            own = save(f"{name} nan", np.full_like(logits(name), np.nan))
            x = save("one NaN", x)
            jobs.append({**job, "name": "relu, a pixel NaN", "x": x, "reference": own})
    return jobs


def write_networks() -> list[dict[str, Any]]:
    """Write the networks that are carried as graphs; return a job for each."""
    jobs = []
    (WORK / "graphs").mkdir(exist_ok=True)
    for name, network in NETWORKS.items():
        if network.settings.get("norm") == "rms norm" or (
            network.kind == "dense" and name not in WHOLE
        ):
            continue
        w = trained(name)
        job = {
            "seeds": CARRIED_SEEDS,
            "x": network.given,
            "y": "y of names" if name == "names" else "y",
            "weights": {part: save(f"{name} {part}", value) for part, value in w.items()},
            "reference": save(f"{name} logits", logits(name)),
            "settings": {**network.settings, "kind": network.kind, "function": network.function},
        }
        for label, said in ((name, True), (UNSAID.get(name), False)):
            if label:
                own = {**job, "name": label, "file": label, "whole": label in WHOLE}
                write_graphs(own, name, w, said)
                jobs.append(own)
    return jobs


def write_graphs(job: dict[str, Any], name: str, w: dict[str, np.ndarray], said: bool) -> None:
    """Write the graph of each seed; of those carried whole also in half and in 8 bits."""
    x = read(NETWORKS[name].given)["x"]
    if name == "names":
        x = x[: carried_networks.HELD_OUT]
    for seed in range(CARRIED_SEEDS):
        own = {part: value[seed] for part, value in w.items()}
        path = WORK / "graphs" / f"{job['file']}-{seed}"
        model = carried_graphs.graph(name, own, said=said)
        place = path.with_name(f"{path.name}.onnx")
        if place.exists():
            continue
        place.write_bytes(model.SerializeToString())
        if job["whole"]:
            carried_graphs.smaller(place, x)


def write_inputs() -> str:
    """Write all that the program reads; return a digest."""
    WORK.mkdir(parents=True, exist_ok=True)
    for given in {network.given for network in NETWORKS.values()}:
        save(given, read(given)["x_test"])
    save("calibration", read("pixels")["x"][::20])
    save("y", read("pixels")["y_test"])
    save("y of names", read("names")["y_test"])
    jobs = {"functions": write_functions(), "networks": write_networks()}
    (WORK / "jobs.json").write_text(json.dumps(jobs))
    names = sorted(WORK.glob("*.npy"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in names))
    return digest.hexdigest()[:12]


def homes(kind: str) -> list[str]:
    """Return the homes of functions, or those of whole networks."""
    if kind == "functions":
        paths = (PROGRAM.parent / "homes").glob("*.py")
        return sorted(path.stem for path in paths if not path.stem.startswith("_"))
    paths = (PROGRAM.parent / "carried").glob("*_carried.py")
    return sorted(path.stem.removesuffix("_carried") for path in paths)


def carry(kind: str, home: str, limit: int) -> dict[str, Any]:
    """Return what a home answers, or why it does not."""
    answers = WORK / f"{kind}-{home}.json"
    answers.unlink(missing_ok=True)
    try:
        python = atlas.environment(atlas.packages(home), atlas.packages(home, "NPM"))
        quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
        with open(WORK / f"{kind}-{home}.log", "w") as log:
            command = [python, PROGRAM, kind, home, WORK, answers]
            for _ in range(CRASHES):
                done = subprocess.run(
                    command, stdout=log, stderr=log, check=False, timeout=limit, env=quiet
                )
                if done.returncode >= 0:  # else a signal ended it: the next run leaves that out
                    break
        if done.returncode:
            raise RuntimeError(f"the program ended with status {done.returncode}")
    except subprocess.TimeoutExpired:  # what was answered until then counts
        if not answers.exists():
            return {"failed": f"no answer within {limit} s"}
    except RuntimeError as error:
        return {"failed": atlas_judging.PATH.sub("...", str(error))[:300]}
    found = json.loads(answers.read_text())
    kept = [each for each in found["entries"] if "seeds" in each or "error" in each]
    return found | {"entries": kept}


def stored(answers: dict[str, Any]) -> dict[str, Any]:
    """Return what is stored of answers: the scores of all seeds as lists, rounded."""
    entries = []
    for entry in answers.get("entries", ()):
        own = {key: value for key, value in entry.items() if key != "seeds"}
        if "error" in own:
            own["error"] = atlas_judging.PATH.sub("...", own["error"])
        for key in ("accuracy", "others", "bits", "difference") if "seeds" in entry else ():
            values = [each[key] for each in entry["seeds"]]
            digits = [f"{v:.3g}" if key == "difference" else f"{v:.4f}" for v in values]
            own[key] = [float(v) if np.isfinite(float(v)) else str(float(v)) for v in digits]
            if key == "difference":
                own[key] = max(values)
                own[key] = float(f"{own[key]:.2g}") if np.isfinite(own[key]) else str(own[key])
        entries.append(own)
    return answers | {"entries": entries}


def write(name: str, table: object) -> None:
    """Store a table."""
    (STORED / f"{name}.json").write_text(json.dumps(table, separators=(",", ":")) + "\n")


def main(arguments: list[str]) -> int:
    """Carry networks to homes; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("home", nargs="*", help="these anew")
    parser.add_argument("--kind", choices=("functions", "networks"), help="only this")
    parser.add_argument("--limit", type=int, default=1800, help="seconds for one home")
    parser.add_argument("--rank", action="store_true", help="rank what is stored, carry nothing")
    parser.add_argument("--sort", action="store_true", help="only sort the ranking that is stored")
    options = parser.parse_args(arguments)
    STORED.mkdir(parents=True, exist_ok=True)
    if options.sort:
        write("ranked", carried_ranking.ranked(STORED, carried_ranking.as_before(STORED)))
        return 0
    digest = "" if options.rank else write_inputs()
    for kind in () if options.rank else ("functions", "networks"):
        for home in [each for each in options.home or homes(kind) if each in homes(kind)]:
            if options.kind not in (None, kind):
                continue
            place = STORED / f"{kind}-{home}.json"
            if not options.home and place.exists():
                if json.loads(place.read_text())["inputs"] == digest:
                    continue
            started = time.perf_counter()
            result = stored(carry(kind, home, options.limit)) | {"home": home, "inputs": digest}
            text = json.dumps(result, separators=(",", ":"), sort_keys=True)
            place.write_text(text + "\n")
            told = result.get("failed", f"{len(result['entries'])} entries")
            print(f"{kind} {home}: {told}, {time.perf_counter() - started:.0f} s", flush=True)
    ranked, carried = carried_ranking.ranked(STORED), carried_ranking.carried(STORED, WHOLE)
    tables = {"ranked": ranked, "carried": carried}
    if not (STORED / "training.json").exists():
        tables["training"] = carried_training.compared()
    for name, table in tables.items():
        write(name, table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
