"""PyTorch's layers and norms as `torch.onnx.export` writes them, run by ONNX Runtime."""

import logging
import warnings

import numpy as np
import onnxruntime
import torch
import torch_cells
from _torch_layer import Layer, batch_norm, norm_layer, states_of

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

PACKAGES = ["torch==2.13.0", "onnx==1.23.2", "onnxruntime==1.32.0", "onnxscript==0.7.2"]
SETUP = "import onnxruntime\nimport torch\nfrom torch import nn"


def run(module, x, given=None):
    """Return what the exported module answers on x, made with another x if one is given."""
    shapes = None
    if given is not None:
        shapes = ({1: torch.export.Dim("steps")},)
    made = torch.onnx.export(module.eval(), (x if given is None else given,), dynamo=True,
                             verbose=False, dynamic_shapes=shapes).model_proto  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {session.get_inputs()[0].name: x.numpy()})


def cell(kind, w, x, lengths=None, start=None, back=None, activations=None, projection=None,
         traced=None, **options):  # fmt: skip
    """Return outputs and states; `traced` is the number of steps of the example."""
    torch_cells.refused(**options)
    made = torch_cells.layer(kind, w, back, activations, projection)
    states = states_of(kind, start)
    ends = None if lengths is None else torch.from_numpy(lengths).long()
    x = torch.from_numpy(x).float()
    y, *last = run(Layer(made, kind, states, ends), x, None if traced is None else x[:, :traced])
    found = [part.transpose(1, 0, 2).reshape(len(x), -1) for part in last]
    return {"y": y} | dict(zip(("h", "c"), found, strict=False))


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values."""
    x = torch.from_numpy(x).to(getattr(torch, dtype))
    return {"y": run(norm_layer(kind, x, epsilon, groups), x)[0].astype(np.float64)}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    return {"y": run(batch_norm(mean, variance, epsilon), torch.from_numpy(x).float())[0]}
