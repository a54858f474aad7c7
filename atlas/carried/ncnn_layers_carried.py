"""ncnn: dense networks, a layer of its own for each of theirs."""

import tempfile
from pathlib import Path

import ncnn
import numpy as np
from _plain import check, layers
from ncnn_layers import PACKAGES

__all__ = ["MODES", "PACKAGES", "answer"]
MODES = ("float32", "bfloat16 between layers")
NAMES = {"relu": "ReLU", "gelu": "GELU"}


def answer(job, x, mode):
    """Return what the net of a job answers, an image at a time."""
    if not check(job, mode, ()):
        raise NotImplementedError(job["name"])
    kind, lines, content, place = job["settings"]["function"], [], b"", 0
    pairs = layers(job)
    for count, (w, b) in enumerate(pairs):
        size = f"0={w.shape[1]} 1=1 2={w.size}"
        lines.append(f"InnerProduct d{count} 1 1 b{place} b{place + 1} {size}")
        content += np.int32(0).tobytes() + w.T.astype(np.float32).tobytes() + b.tobytes()
        place += 1
        if count + 1 < len(pairs):
            lines.append(f"{NAMES[kind]} a{count} 1 1 b{place} b{place + 1}")
            place += 1
    head = f"7767517\n{len(lines) + 1} {len(lines) + 1}\nInput input 0 1 b0\n"
    net = ncnn.Net()
    net.opt.num_threads = 1
    net.opt.use_bf16_storage = mode != "float32"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.bin"
        path.write_bytes(content)
        if net.load_param_mem(head + "\n".join(lines) + "\n") or net.load_model(str(path)):
            raise ValueError("ncnn does not read this")
    answers = []
    for image in x:
        with net.create_extractor() as extractor:
            extractor.input("b0", ncnn.Mat(np.ascontiguousarray(image)).clone())
            answers.append(np.array(extractor.extract(f"b{place}")[1]))
    return np.stack(answers)
