"""PyTorch's lines as `torch.onnx.export` writes them, run by ONNX Runtime."""

import inspect
import logging
import warnings

import torch
from onnx_runtime import run, slopes
from torch_eager import LINES

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]

PACKAGES = ["torch==2.13.0", "onnx==1.23.2", "onnxruntime==1.32.0", "onnxscript==0.7.2"]
DTYPES = {name: getattr(torch, name) for name in ("float16", "float32", "float64")}


def model(function, x):
    """Return the model that a function is exported as."""

    class Module(torch.nn.Module):
        def forward(self, x):
            return function(x)

    return torch.onnx.export(Module().eval(), (x,), dynamo=True, verbose=False).model_proto


SETUP = "\n\n\n".join(
    [
        "import onnxruntime\nimport torch\nfrom torch import nn\n"
        "from torch.nn import functional as F",
        inspect.getsource(model).strip(),
        inspect.getsource(run).strip(),
        "# a line is run as run(model(lambda x: LINE, x), x.numpy())",
    ]
)


def values(line, x, dtype):
    """Return the values of a line."""
    x = torch.from_numpy(x).to(DTYPES[dtype])
    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    made = model(lambda x: eval(line, names | {"x": x}), x)
    return torch.from_numpy(run(made, x.numpy())).double().numpy()
