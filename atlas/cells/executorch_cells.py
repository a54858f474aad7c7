"""ExecuTorch with its portable kernels: PyTorch's layers, exported, lowered, run by its runtime."""

import logging
import warnings

import torch
import torch_cells
from _torch_layer import Layer, batch_norm, norm_layer, states_of
from executorch.exir import to_edge_transform_and_lower
from executorch.runtime import Runtime

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
    """Return normalized values."""
    x = torch.from_numpy(x).to(getattr(torch, dtype))
    return {"y": run(norm_layer(kind, x, epsilon, groups), x)[0].double()}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    return {"y": run(batch_norm(mean, variance, epsilon), torch.from_numpy(x).float())[0]}
