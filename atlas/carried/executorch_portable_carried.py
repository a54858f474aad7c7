"""ExecuTorch with its portable kernels: the modules of PyTorch, exported."""

import torch
from _torch import module
from executorch_portable import PACKAGES, program, run

__all__ = ["MODES", "PACKAGES", "answer"]
MODES = ("float32", "float16")


def answer(job, x, mode, partitioner=None):
    """Return what the program of a job answers."""
    kind = getattr(torch, mode)
    net, x = module(job, mode).to(kind), torch.from_numpy(x).to(kind)
    return run(program(net, x, partitioner), x).float().numpy()
