"""Core ML's converter: the program that it writes for a line of PyTorch.

Core ML runs on Apple's systems alone. What is evaluated here are the operators of the program by
the definitions that come with them, which are in NumPy: where the function is another one shows,
what Core ML rounds and does with NaN doesn't. `compute_precision` is said; its default is float16.
Where an integer parameter fails and the same as a decimal converts, both lines are here.
"""

import inspect
import logging
import warnings

import coremltools as ct
import numpy as np
import torch
from coremltools.converters.mil import Builder as mb
from torch_eager import LINES as OPERATORS

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

__all__ = ["DTYPES", "LINES", "PACKAGES", "SETUP", "slopes", "values"]

PACKAGES = ["torch==2.13.0", "coremltools==9.0"]
OWN = {
    "threshold": ["F.threshold(x, 0.0, 0.0)"],
    "elu": ["F.elu(x, 1)"],
}
LINES = {name: lines + OWN.get(name, []) for name, lines in OPERATORS.items()}
DTYPES = {"float16": ct.precision.FLOAT16, "float32": ct.precision.FLOAT32}


def program(function, shape, precision=ct.precision.FLOAT32):
    """Return the program that the converter writes for a function."""

    class Module(torch.nn.Module):
        def forward(self, x):
            return function(x)

    traced = torch.jit.trace(Module().eval(), torch.zeros(shape))
    inputs = [ct.TensorType(name="x", shape=shape)]
    return ct.convert(traced, inputs=inputs, convert_to="milinternal", compute_precision=precision)


def run(made, x):
    """Return what the operators of a program answer by their definitions."""
    main = made.functions["main"]
    known = {"x": x.astype(np.float32)}

    def numbers(part):
        if isinstance(part, (list, tuple)):
            return [numbers(each) for each in part]
        return known[part.name] if part.val is None else part.val

    @mb.program(input_specs=[mb.TensorSpec(shape=(1,))], opset_version=main.opset_version)
    def folded(unused):
        for each in main.operations:
            if each.op_type == "const":
                continue
            given = {name: numbers(v) for name, v in each.inputs.items() if v is not None}
            answer = getattr(mb, each.op_type)(**given)
            answers = answer if isinstance(answer, (list, tuple)) else [answer]
            for out, found in zip(each.outputs, answers, strict=True):
                if each.op_type == "silu":  # x times its sigmoid; no code comes with it
                    known[out.name] = given["x"] / (1 + np.exp(-given["x"]))
                    continue
                if found.val is None:
                    raise NotImplementedError(f"{each.op_type} has no definition in numbers")
                known[out.name] = found.val
        return unused

    return known[main.outputs[0].name]


SETUP = "\n\n\n".join(
    [
        "import coremltools as ct\nimport numpy as np\nimport torch\n"
        "from coremltools.converters.mil import Builder as mb\nfrom torch import nn\n"
        "from torch.nn import functional as F",
        inspect.getsource(program).strip(),
        inspect.getsource(run).strip(),
        "# a line is run as run(program(lambda x: LINE, x.shape), x)",
    ]
)


def values(line, x, dtype):
    """Return the values of a line."""
    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    made = program(lambda x: eval(line, names | {"x": x}), x.shape, DTYPES[dtype])
    return np.asarray(run(made, x)).astype(np.float64)


def slopes(line, x, dtype):
    """Raise: this home runs a program forward only."""
    raise NotImplementedError("computes no gradients")
