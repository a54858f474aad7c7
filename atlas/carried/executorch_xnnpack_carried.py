"""ExecuTorch with XNNPACK for all that its partitioner takes."""

from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch_portable_carried import PACKAGES
from executorch_portable_carried import answer as portable

__all__ = ["MODES", "PACKAGES", "answer"]
MODES = ("float32", "float16")


def answer(job, x, mode):
    """Return what the program of a job answers."""
    return portable(job, x, mode, [XnnpackPartitioner()])
