"""thinc: the functions of its operations, each with the backward rule of the same name.

A rule takes the gradient of the output and what its layer keeps: the input, the output, or both.
Layers with weights use the same two. What thinc has and the catalogue has not: `ops.dish`. No
bfloat16; float16 is NumPy's, where float32 and float64 of relu, mish and maxout are thinc's own
kernels.
"""

import numpy as np
from thinc.api import NumpyOps, noop, sigmoid_activation, softmax_activation

PACKAGES = ["thinc==9.1.1"]
SETUP = (
    "import numpy as np\n"
    "from thinc.api import NumpyOps, noop, sigmoid_activation, softmax_activation\n"
    "ops = NumpyOps()"
)
DTYPES = {name: getattr(np, name) for name in ("float16", "float32", "float64")}
RULES = {
    "ops.relu(x)": "ops.backprop_relu(dy, y)",
    "ops.relu_k(x)": "ops.backprop_relu_k(dy, x)",
    "ops.clipped_linear(x, max_val=6.0)": "ops.backprop_clipped_linear(dy, x, max_val=6.0)",
    "ops.hard_tanh(x)": "ops.backprop_hard_tanh(dy, x)",
    "ops.hard_sigmoid(x)": "ops.backprop_hard_sigmoid(dy, x)",
    "ops.clipped_linear(x, 1 / 6, 0.5)": "ops.backprop_clipped_linear(dy, x, 1 / 6, 0.5)",
    "ops.hard_swish(x)": "ops.backprop_hard_swish(dy, x)",
    "ops.hard_swish_mobilenet(x)": "ops.backprop_hard_swish_mobilenet(dy, x)",
    "ops.sigmoid(x)": "ops.backprop_sigmoid(dy, y)",
    "np.tanh(x)": "dy * ops.dtanh(y)",
    "ops.gelu(x)": "ops.backprop_gelu(dy, x)",
    "ops.gelu_approx(x)": "ops.backprop_gelu_approx(dy, x)",
    "ops.swish(x)": "ops.backprop_swish(dy, x, y)",
    "ops.mish(x)": "ops.backprop_mish(dy, x)",
    "ops.softmax(x)": "ops.backprop_softmax(y, dy)",
}
MAXOUT = "np.ascontiguousarray(x.reshape(len(x), 2, 2)"
LINES = {
    "identity": ["noop()(x, is_train=True)[0]"],
    "relu": ["ops.relu(x)"],
    "relu6": ["ops.relu_k(x)", "ops.clipped_linear(x, max_val=6.0)"],
    "hard_tanh": ["ops.hard_tanh(x)"],
    "hard_sigmoid": ["ops.hard_sigmoid(x)", "ops.clipped_linear(x, 1 / 6, 0.5)"],
    "hard_swish": ["ops.hard_swish(x)", "ops.hard_swish_mobilenet(x)"],
    "sigmoid": ["ops.sigmoid(x)", "sigmoid_activation()(x, is_train=True)[0]"],
    "tanh": ["np.tanh(x)"],
    "gelu": ["ops.gelu(x)"],
    "gelu_tanh": ["ops.gelu_approx(x)"],
    "silu": ["ops.swish(x)"],
    "swish": ["ops.swish(x)"],
    "mish": ["ops.mish(x)"],
    "softmax": ["ops.softmax(x)", "softmax_activation()(x, is_train=True)[0]"],
    "maxout": [f"ops.maxout({MAXOUT}))[0]", f"ops.maxout({MAXOUT}.transpose(0, 2, 1)))[0]"],
}
ops = NumpyOps()
NAMES = {
    "np": np,
    "ops": ops,
    "noop": noop,
    "sigmoid_activation": sigmoid_activation,
    "softmax_activation": softmax_activation,
}


def values(line, x, dtype):
    """Return the values of a line."""
    with np.errstate(all="ignore"):
        return np.asarray(eval(line, NAMES | {"x": x.astype(dtype)}), dtype=np.float64)


def slopes(line, x, dtype):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    x = x.astype(dtype)
    with np.errstate(all="ignore"):
        if line.endswith("(x, is_train=True)[0]"):
            y, rule = eval(line.removesuffix("[0]"), NAMES | {"x": x})
        elif line.startswith("ops.maxout"):
            y, which = eval(line.removesuffix("[0]"), NAMES | {"x": x})
            axes = (0, 2, 1) if "transpose" in line else (0, 1, 2)

            def rule(dy):
                return ops.backprop_maxout(dy, which, 2).transpose(axes).reshape(x.shape)
        elif line in RULES:
            y = eval(line, NAMES | {"x": x})
            rule = eval(f"lambda dy: {RULES[line]}", NAMES | {"x": x, "y": y})
        else:
            raise NotImplementedError("computes no gradients")
        dy = np.ones_like(y)
        if x.ndim > 1:
            dy[:, 1:] = 0
        return np.asarray(rule(dy), dtype=np.float64)
