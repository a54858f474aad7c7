"""Core ML's program, by the definitions of its operators."""

import coremltools as ct
from _torch import module
from coreml import PACKAGES, program, run

__all__ = ["MODES", "PACKAGES", "answer"]
MODES = ("float32", "float16")
PRECISIONS = {"float32": ct.precision.FLOAT32, "float16": ct.precision.FLOAT16}


def answer(job, x, mode):
    """Return what the program of a job answers."""
    return run(program(module(job, mode), x.shape, PRECISIONS[mode]), x)
