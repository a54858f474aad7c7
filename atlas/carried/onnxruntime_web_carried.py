"""ONNX Runtime Web, from the graphs that were written beforehand."""

from _files import MODES, model
from onnxruntime_web import NPM, PACKAGES, run

__all__ = ["MODES", "NPM", "PACKAGES", "answer"]


def answer(job, x, mode):
    """Return what the graph of a job answers."""
    return run(model(job, mode), x)
