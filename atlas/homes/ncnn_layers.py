"""ncnn: its layers, with the parameters that they have in its param files.

`layer("ReLU", "0=0.01")` is a line of such a file; layers are chained with `+`. A parameter that is
not given has ncnn's default. Numbers are float32: half precision needs an ARM processor or Vulkan.
The place in a vector matters to NaN: in whole blocks Clip makes it the upper end, HardSigmoid 0,
BNLL 88.4 and UnaryOp's exponential 0; in what is left over the lower end, NaN, NaN and 2.4e38.
Mish of -20 is +1.2e-6 in blocks of 4 and 8, and -0 in blocks of 16 and in what is left over.
Not in the catalogue: AbsVal, Erf, Power and what else UnaryOp has. ncnn has no Softsign, Softmin,
LogSigmoid and LogSoftmax of its own: its converters write them as several layers.
"""

import inspect
import tempfile
from pathlib import Path

import ncnn
import numpy as np

PACKAGES = ["ncnn==1.0.20261020"]
DTYPES = {"float32": np.float32}
LINES = {
    "identity": ['layer("Noop")'],
    "relu": ['layer("ReLU")', 'layer("Clip", "0=0")', 'layer("BinaryOp", "0=4 1=1 2=0")'],
    "leaky_relu": ['layer("ReLU")', 'layer("ReLU", "0=0.01")'],
    "prelu": ['layer("PReLU", "0=1", [0.25])'],
    "threshold": ['layer("Threshold")'],
    "relu6": ['layer("Clip", "0=0 1=6")'],
    "hard_tanh": ['layer("Clip", "0=-1 1=1")'],
    "hard_sigmoid": ['layer("HardSigmoid")', 'layer("HardSigmoid", "0=0.16666667 1=0.5")'],
    "sparse_sigmoid": ['layer("HardSigmoid", "0=0.5 1=0.5")'],
    "hard_shrink": ['layer("Shrink")'],
    "soft_shrink": ['layer("Shrink")', 'layer("Shrink", "0=0.5 1=0.5")'],
    "squared_relu": ['layer("ReLU") + layer("UnaryOp", "0=4")'],
    "hard_swish": ['layer("HardSwish")', 'layer("HardSwish", "0=0.16666667 1=0.5")'],
    "sigmoid": ['layer("Sigmoid")'],
    "log_sigmoid": [
        'layer("Sigmoid") + layer("Log")',
        'layer("Sigmoid") + layer("UnaryOp", "0=8")',
    ],
    "tanh": ['layer("TanH")', 'layer("UnaryOp", "0=16")'],
    "softplus": ['layer("Softplus")', 'layer("BNLL")'],
    "elu": ['layer("ELU")', 'layer("ELU", "0=1")'],
    "celu": ['layer("CELU")'],
    "selu": ['layer("SELU")'],
    "gelu": ['layer("GELU")'],
    "gelu_tanh": ['layer("GELU", "0=1")'],
    "silu": ['layer("Swish")'],
    "swish": ['layer("Swish")'],
    "mish": ['layer("Mish")'],
    "sine": ['layer("UnaryOp", "0=9")'],
    "gaussian": ['layer("UnaryOp", "0=4") + layer("UnaryOp", "0=1") + layer("Exp")'],
    "exponential": ['layer("Exp")', 'layer("UnaryOp", "0=7")'],
    "softmax": ['layer("Softmax")', 'layer("Softmax", "0=1 1=1")'],
    "softmin": ['layer("UnaryOp", "0=1") + layer("Softmax", "0=1 1=1")'],
    "log_softmax": [
        'layer("Softmax", "0=1 1=1") + layer("Log")',
    ],
    "logsumexp": ['layer("Reduction", "0=10 1=0 -23303=1,1 5=1")'],
    "glu": ['layer("GLU")', 'layer("GLU", "0=1")'],
}


def layer(kind, parameters="", weights=()):
    """Return a net of one layer: its kind, its parameters in a param file, its weights."""
    return [(kind, parameters, weights)]


def run(net, x):
    """Return what a net answers on float32 numbers."""
    lines = ["7767517", f"{len(net) + 1} {len(net) + 1}", "Input input 0 1 b0"]
    lines += [f"{kind} l{i} 1 1 b{i} b{i + 1} {text}" for i, (kind, text, _) in enumerate(net)]
    made = ncnn.Net()
    with tempfile.TemporaryDirectory() as place:
        weights = Path(place) / "net.bin"
        weights.write_bytes(np.float32([w for _, _, ws in net for w in ws]).tobytes())
        if made.load_param_mem("\n".join(lines) + "\n"):
            raise ValueError("ncnn does not read this")
        made.load_model(str(weights))
    with made.create_extractor() as extractor:
        extractor.input("b0", ncnn.Mat(np.ascontiguousarray(x)).clone())
        status, y = extractor.extract(f"b{len(net)}")
        if status:
            raise ValueError(f"ncnn answers with status {status}")
        return np.array(y)


SETUP = "\n\n\n".join(
    [
        "import tempfile\nfrom pathlib import Path\nimport ncnn\nimport numpy as np",
        inspect.getsource(layer).strip(),
        inspect.getsource(run).strip(),
    ]
)


def values(line, x, dtype):
    """Return the values of a line."""
    return run(eval(line, {"layer": layer}), x.astype(DTYPES[dtype])).astype(np.float64)


def slopes(line, x, dtype):
    """Raise: this home runs a net forward only."""
    raise NotImplementedError("computes no gradients")
