"""ExecuTorch with its portable kernels: PyTorch's layers, exported, lowered, run by its runtime."""

import logging
import warnings

import torch
import torch_cells
from _torch_layer import Layer, states_of
from executorch.exir import to_edge_transform_and_lower
from executorch.runtime import Runtime
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

PACKAGES = ["torch==2.13.0", "executorch==1.5.1"]
SETUP = "import torch\nfrom executorch.runtime import Runtime"


def run(module, x, example=None):
    """Return what a program answers that is made with x or with another example."""
    exported = torch.export.export(module.eval(), (x if example is None else example,))
    made = to_edge_transform_and_lower(exported).to_executorch().buffer
    return Runtime.get().load_program(made).load_method("forward").execute([x])


def cell(kind, w, x, lengths=None, start=None, back=None, activations=None, projection=None,
         traced=None, **options):  # fmt: skip
    """Return outputs and states; `traced` is the number of steps of the example."""
    torch_cells.refused(**options)
    made = torch_cells.layer(kind, w, back, activations, projection)
    ends = None if lengths is None else torch.from_numpy(lengths).long()
    x = torch.from_numpy(x).float()
    layer = Layer(made, kind, states_of(kind, start), ends)
    y, *last = run(layer, x, None if traced is None else x[:, :traced])
    found = [torch_cells.joined(part) for part in last]
    return {"y": y} | dict(zip(("h", "c"), found, strict=False))


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values; batch norm is exported for use, not for training."""
    if kind == "batch":
        raise NotImplementedError("an exported batch norm uses running statistics")
    options = {} if epsilon is None else {"eps": epsilon}
    x = torch.from_numpy(x).to(getattr(torch, dtype))
    made = {
        "layer": lambda: nn.LayerNorm(x.shape[-1], **options),
        "rms": lambda: nn.RMSNorm(x.shape[-1], **options),
        "group": lambda: nn.GroupNorm(groups, x.shape[1], **options),
        "instance": lambda: nn.InstanceNorm1d(x.shape[1], **options),
    }[kind]()
    return {"y": run(made.to(x.dtype), x)[0].double()}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    made = nn.BatchNorm1d(x.shape[1], **({} if epsilon is None else {"eps": epsilon}))
    made.running_mean.copy_(torch.from_numpy(mean))
    made.running_var.copy_(torch.from_numpy(variance))
    return {"y": run(made, torch.from_numpy(x).float())[0]}
