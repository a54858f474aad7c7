"""ONNX Runtime Web in Node.js: ONNX Runtime as WebAssembly, one thread."""

from _node import Program, array, text
from _onnx import LINES, setup, slopes
from _onnx import values as computed

__all__ = ["DTYPES", "LINES", "NPM", "PACKAGES", "SETUP", "slopes", "values"]

PACKAGES = ["onnx==1.23.2"]
NPM = ["onnxruntime-web@1.30.0"]
DTYPES = {name: name for name in ("float16", "float32", "float64")}
PROGRAM = Program("onnxruntime_web.mjs")


def run(made, x):
    """Return what a model answers."""
    model, kind = text(memoryview(made.SerializeToString())), x.dtype.name
    answer = PROGRAM.ask(model=model, kind=kind, numbers=text(x), shape=x.shape)
    return array(answer, x.dtype)


SETUP = setup(
    "import onnx",
    """# onnx.save(model(LINE, shape), "one.onnx"), then in JavaScript:
# import * as ort from "onnxruntime-web";
# const options = { executionProviders: ["wasm"] };
# const session = await ort.InferenceSession.create("one.onnx", options);
# const { y } = await session.run({ x: new ort.Tensor("float32", numbers, shape) });""",
)


def values(line, x, dtype):
    """Return the values of a line."""
    return computed(line, x, dtype, run)
