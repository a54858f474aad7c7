"""ncnn: its layers of cells and norms, with the parameters of its param files, in float32.

Its LSTM has gates in the order input, forget, output, candidate; weights stand in its file as input
weights, biases and recurrent weights. Layers take one sequence at a time.
"""

import tempfile
from pathlib import Path

import ncnn
import numpy as np
from _steps import refused

PACKAGES = ["ncnn==1.0.20261020"]
SETUP = "import ncnn\nimport numpy as np"
KINDS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
GATES = {"rnn": [0], "lstm": [0, 1, 3, 2], "gru": [0, 1, 2]}
WAYS = {None: 0, "reverse": 1, "both": 2}


def run(kind, parameters, weights, inputs, outputs):
    """Return what a net of one layer answers."""
    names = " ".join(f"in{i}" for i in range(len(inputs)))
    made_names = " ".join(f"out{i}" for i in range(outputs))
    lines = ["7767517", f"{len(inputs) + 1} {len(inputs) + outputs}"]
    lines += [f"Input input{i} 0 1 in{i}" for i in range(len(inputs))]
    lines += [f"{kind} one {len(inputs)} {outputs} {names} {made_names} {parameters}"]
    made = ncnn.Net()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "net.bin"
        path.write_bytes(weights)
        if made.load_param_mem("\n".join(lines) + "\n"):
            raise ValueError("ncnn does not read this")
        if made.load_model(str(path)):
            raise ValueError("ncnn does not read these weights")
    with made.create_extractor() as extractor:
        held = [np.ascontiguousarray(value, np.float32) for value in inputs]  # a Mat only points
        for i, value in enumerate(held):
            extractor.input(f"in{i}", ncnn.Mat(value).clone())
        found = []
        for i in range(outputs):
            status, y = extractor.extract(f"out{i}")
            if status:
                raise ValueError(f"ncnn answers with status {status}")
            found.append(np.array(y))
        return found


def turned(kind, value):
    """Return gates in ncnn's order, first axis."""
    parts = np.split(value, len(GATES[kind]), axis=-1)
    return np.concatenate([parts[i] for i in GATES[kind]], axis=-1).T


def blob(arrays):
    """Return arrays as ncnn's file has them: before each a flag of 0, which means float32."""
    return b"".join(bytes(4) + np.float32(each).tobytes() for each in arrays)


def cell(kind, w, x, start=None, direction=None, back=None, reset=None, **options):
    """Return outputs and states."""
    refused("a layer of ncnn", **options)
    if reset == "before":
        raise NotImplementedError("ncnn's GRU resets after the product")
    ways = [w] if back is None else [w, back]
    units, names = len(w["recurrent"]), (("h", "c") if kind == "lstm" else ("h",))
    inner = np.stack([turned(kind, each["input"]) for each in ways])
    outer = np.stack([turned(kind, each["recurrent"]) for each in ways])
    bias = np.stack([turned(kind, each["bias"]) for each in ways])
    if kind == "gru":  # the fourth is the candidate's that the reset gate is applied to
        bias = np.concatenate([bias, np.zeros((len(ways), units))], 1)
    text = f"0={units} 1={inner.size} 2={WAYS[direction]}"
    zeros = np.zeros((len(x), len(ways) * units))
    found = []
    for i, sequence in enumerate(x):
        first = [(start[name] if start else zeros)[i].reshape(len(ways), units) for name in names]
        parts = run(KINDS[kind], text, blob([inner, bias, outer]), [sequence, *first],
                    1 + len(names))  # fmt: skip
        found.append([parts[0], *(part.ravel() for part in parts[1:])])
    return dict(zip(("y", *names), (np.stack(each) for each in zip(*found, strict=True)),
                    strict=True))  # fmt: skip


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values of each example."""
    if dtype != "float32" or kind == "batch":
        raise NotImplementedError("ncnn has batch norm with running statistics alone, in float32")
    width = x.shape[-1 if kind in ("layer", "rms") else 1]
    weights = np.concatenate([np.ones(width), np.zeros(0 if kind == "rms" else width)])
    more = "" if epsilon is None else {"group": f" 2={epsilon}"}.get(kind, f" 1={epsilon}")
    text = {"layer": f"0={width}", "rms": f"0={width}", "group": f"0={groups} 1={width}",
            "instance": f"0={width}"}[kind] + more  # fmt: skip
    operator = {"layer": "LayerNorm", "rms": "RMSNorm", "group": "GroupNorm",
                "instance": "InstanceNorm"}[kind]  # fmt: skip
    shaped = [each[:, None, :] if kind in ("group", "instance") else each[None] for each in x]
    found = [run(operator, text, np.float32(weights).tobytes(), [each], 1)[0] for each in shaped]
    return {"y": np.stack(found).reshape(x.shape)}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics, of each example."""
    width = x.shape[1]
    text = f"0={width}" + ("" if epsilon is None else f" 1={epsilon}")
    weights = np.float32([np.ones(width), mean, variance, np.zeros(width)]).tobytes()
    return {"y": np.stack([run("BatchNorm", text, weights, [each], 1)[0] for each in x])}
