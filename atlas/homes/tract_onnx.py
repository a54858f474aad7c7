"""tract, from ONNX. It has no bfloat16; some of its operators have no float64."""

import tempfile
from pathlib import Path

import tract
from _onnx import LINES, setup, slopes
from _onnx import values as computed

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]

PACKAGES = ["onnx==1.23.2", "tract==0.23.9"]
DTYPES = {name: name for name in ("float16", "float32", "float64")}


def run(made, x):
    """Return what a model answers."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "one.onnx"
        path.write_bytes(made.SerializeToString())
        model = tract.onnx().load(path).into_model().into_runnable()
        return model.run([x])[0].to_numpy()


SETUP = setup("import tempfile\nfrom pathlib import Path\nimport tract", run)


def values(line, x, dtype):
    """Return the values of a line."""
    return computed(line, x, dtype, run)
