"""ONNX Runtime Web in Node.js: ONNX Runtime as WebAssembly, one thread."""

from pathlib import Path

from _node import Program, array, text
from _onnx_cells import SETUP as ONNX
from _onnx_cells import Runtime

PACKAGES = ["onnx==1.23.2"]
NPM = ["onnxruntime-web@1.30.0"]
SETUP = f'{ONNX}\n# in JavaScript: import * as ort from "onnxruntime-web";'
PROGRAM = Program("onnxruntime_web_cells.mjs")
PROGRAM.path = Path(__file__).with_name("onnxruntime_web_cells.mjs")


def run(made, x):
    """Return what a model answers."""
    model, kind = text(memoryview(made.SerializeToString())), x.dtype.name
    answer = PROGRAM.ask(model=model, kind=kind, numbers=text(x), shape=x.shape)
    return [array(each, x.dtype) for each in answer["outputs"]]


home = Runtime(run)
