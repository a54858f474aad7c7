"""ExecuTorch with its portable kernels: PyTorch's lines, exported, lowered, run by its runtime."""

import inspect
import logging
import warnings

import torch
from executorch.exir import to_edge_transform_and_lower
from executorch.runtime import Runtime
from torch_eager import DTYPES, LINES

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]

PACKAGES = ["torch==2.13.0", "executorch==1.5.1"]


def program(function, x, partitioner=None):
    """Return the bytes of the program that a function becomes."""

    class Module(torch.nn.Module):
        def forward(self, x):
            return function(x)

    exported = torch.export.export(Module(), (x,))
    return to_edge_transform_and_lower(exported, partitioner=partitioner).to_executorch().buffer


def run(made, x):
    """Return what a program answers."""
    return Runtime.get().load_program(made).load_method("forward").execute([x])[0]


SETUP = "\n\n\n".join(
    [
        "import torch\nfrom executorch.exir import to_edge_transform_and_lower\n"
        "from executorch.runtime import Runtime\nfrom torch import nn\n"
        "from torch.nn import functional as F",
        inspect.getsource(program).strip(),
        inspect.getsource(run).strip(),
        "# a line is run as run(program(lambda x: LINE, x), x)",
    ]
)


def values(line, x, dtype, partitioner=None):
    """Return the values of a line."""
    x = torch.from_numpy(x).to(DTYPES[dtype])
    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    try:
        made = program(lambda x: eval(line, names | {"x": x}), x, partitioner)
        return run(made, x).double().numpy()
    except Exception as error:  # some say why on a later line than the first
        raise RuntimeError(" ".join(str(error).split())) from error


def slopes(line, x, dtype):
    """Raise: this home runs a program forward only."""
    raise NotImplementedError("computes no gradients")
