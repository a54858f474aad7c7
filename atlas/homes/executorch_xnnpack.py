"""ExecuTorch with XNNPACK for all that its partitioner takes, portable kernels for the rest."""

from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch_portable import DTYPES, LINES, PACKAGES, slopes
from executorch_portable import SETUP as BEFORE
from executorch_portable import values as computed

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]

SETUP = (
    "from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner\n"
    f"{BEFORE}, with program(..., [XnnpackPartitioner()])"
)


def values(line, x, dtype):
    """Return the values of a line."""
    return computed(line, x, dtype, [XnnpackPartitioner()])
